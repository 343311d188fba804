# doctor: words for people. One id, one meaning; the same ids in every language.

## Settings and auth files

doctor-env-file = Settings file
doctor-env-file-read = { $path } was read
doctor-env-file-none = none; defaults and the environment apply
doctor-settings = Settings
doctor-settings-fine = every name is known and every value makes sense
doctor-auth-files = Auth files
doctor-auth-files-fine = every file in { $path } was understood
doctor-auth-files-ignored = { $count ->
    [one] { $count } file was not looked at: { $names }
   *[other] { $count } files were not looked at: { $names }
}
doctor-auth-files-ignored-fix = Where there is a key inside, let the name end in .env, .toml or .json.

## Keys

doctor-keys = Keys
doctor-keys-none = no key in { $path }
doctor-keys-none-fix = Add one with kmi-tui keys add alpha, or put a file like alpha.env with KMI_API_KEY=… there.
doctor-keys-found = { $count ->
    [one] { $count } key was loaded: { $labels }
   *[other] { $count } keys were loaded: { $labels }
}
doctor-keys-all-out = { $count ->
    [one] the only key is blocked, refused or switched off
   *[other] all { $count } keys are blocked, refused or switched off
}
doctor-keys-all-out-fix = Unblock one, or add another: no request can be served.
doctor-keys-blocked = { $count ->
    [one] { $count } key is blocked: { $labels }
   *[other] { $count } keys are blocked: { $labels }
}
doctor-keys-blocked-fix = Look at the account. When all is settled, unblock with u in the keys pane, or with kmi-tui doctor --clear-blocklist.
doctor-keys-unauthorized = { $count ->
    [one] { $count } key was refused as invalid: { $labels }
   *[other] { $count } keys were refused as invalid: { $labels }
}
doctor-keys-unauthorized-fix = Copy the key again from its account, or ask the upstream once more: kmi-tui doctor --recheck-keys.
doctor-keys-disabled = { $count ->
    [one] { $count } key is switched off in its file: { $labels }
   *[other] { $count } keys are switched off in their files: { $labels }
}
doctor-duplicates = Duplicates
doctor-duplicates-none = every key stands in one file and has an account of its own
doctor-duplicates-no-files = every key stands in one file; accounts are not known yet
doctor-duplicates-account = { $count ->
    [one] { $count } key shares an account and its quota: { $labels }
   *[other] { $count } keys share one account and its quota: { $labels }
}
doctor-duplicates-account-fix = They rest together when the quota is used up: one key of an account is enough.
doctor-usage = Quota
doctor-usage-left = { $count ->
    [one] { $count } key has quota left: { $labels }
   *[other] { $count } keys have quota left: { $labels }
}
doctor-usage-empty = { $count ->
    [one] { $count } key has used up its quota: { $labels }
   *[other] { $count } keys have used up their quota: { $labels }
}
doctor-usage-empty-fix = It is used again by itself when its quota is back.
doctor-usage-unknown = { $count ->
    [one] { $count } key was not asked about: { $labels }
   *[other] { $count } keys were not asked about: { $labels }
}
doctor-usage-unknown-fix = To ask now: kmi-tui doctor --recheck-keys.
doctor-usage-failed = { $count ->
    [one] { $count } key could not be checked: { $labels } ({ $fault })
   *[other] { $count } keys could not be checked: { $labels } ({ $fault })
}
doctor-usage-failed-fix = Check again with h in the dashboard, or kmi-tui doctor --recheck-keys. Keys of the open platform have no quota report.

## How requests are sent

doctor-dry-run = Dry run
doctor-dry-run-off = off: requests go to the upstream
doctor-dry-run-on = on: nothing is sent upstream
doctor-dry-run-fix = Set KMI_DRY_RUN=0, or start without --dry-run.
doctor-auto-rotation = Auto-rotation
doctor-auto-rotation-on = on: a conversation moves from key to key and loses the upstream's prompt cache each time
doctor-auto-rotation-on-fix = Set KMI_AFFINITY_SECONDS=3600, so that a conversation stays on its key; or switch it off: kmi-tui auto-rotate off.
doctor-auto-rotation-affine = on, and a conversation stays on its key
doctor-auto-rotation-off = allowed, and off
doctor-auto-rotation-not-allowed = not allowed (KMI_AUTO_ROTATE_ALLOWED=0); requests go to the active key

## The proxy's edge

doctor-bind = Reach
doctor-bind-local = { $address } is for this machine only
doctor-bind-remote = { $address } is open to the network, with a token
doctor-bind-open = { $address } is open to the network without a token
doctor-bind-open-fix = Set KMI_PROXY_LISTEN=127.0.0.1:54123, or a long KMI_PROXY_TOKEN.
doctor-tls = TLS
doctor-tls-own = the proxy speaks it itself
doctor-tls-expired = the proxy's certificate has expired: clients refuse it
doctor-tls-expires = the proxy's certificate expires in { $span }
doctor-tls-expires-fix = Renew the file that KMI_PROXY_TLS_CERT names; a running proxy takes the new one over.
doctor-tls-in-front = something in front of the proxy speaks it
doctor-tls-not-needed = not needed on this machine
doctor-tls-none = none: prompts and the token cross the network in plain text
doctor-tls-none-fix = Set KMI_PROXY_TLS_CERT and KMI_PROXY_TLS_KEY, or put a TLS proxy in front and set KMI_PROXY_TLS_TERMINATED=1, or listen on this machine only.
doctor-token = Token
doctor-token-none = none: every program of this machine may use the proxy
doctor-token-missing = none: everybody in the network may use your keys
doctor-token-short = { $count ->
    [one] KMI_PROXY_TOKEN has { $count } character: it can be guessed
   *[other] KMI_PROXY_TOKEN has { $count } characters: it can be guessed
}
doctor-token-plain = { $count ->
    [one] KMI_PROXY_TOKEN repeats { $count } character: it can be guessed
   *[other] KMI_PROXY_TOKEN is made of { $count } different characters: it can be guessed
}
doctor-token-strong = { $count ->
    [one] { $count } character
   *[other] { $count } characters
}
doctor-token-fix = Set KMI_PROXY_TOKEN to a random text of 32 characters, such as that of: openssl rand -hex 16
doctor-port = Port
doctor-port-any = port 0: any free one when the proxy starts
doctor-port-free = { $address } is free
doctor-port-ours = the proxy listens on { $address }
doctor-port-held = { $address } is taken by another program
doctor-port-held-by = { $address } is taken by { $program } (pid { $pid })
doctor-port-unusable = { $address } can't be listened on: { $error }
doctor-port-fix = Stop what is there, or choose another address with --listen or KMI_PROXY_LISTEN.
doctor-instance = Instance
doctor-instance-own = this one, pid { $pid }
doctor-instance-none = no kmi-tui runs on this state folder
doctor-instance-running = kmi-tui { $version } runs, pid { $pid }
doctor-instance-other = kmi-tui { $version } runs, pid { $pid }, and this is { $own }
doctor-instance-silent = an instance (pid { $pid }) holds the state folder and has no control socket
doctor-instance-pid = Its pid is { $pid }.
doctor-instance-fix = Stop it and start it again.

## The way to the upstream

doctor-upstream = Upstream
doctor-upstream-not-tried = not tried (a dry run, or quota checks are off)
doctor-upstream-reached = { $host } answers (connected in { $connected } ms, answered in { $answered } ms)
doctor-upstream-slow-fix = Slow. Look whether a VPN or a busy line is in the way.
doctor-upstream-troubled = { $host } answers with an error: status { $status }
doctor-upstream-troubled-fix = The upstream itself has trouble. Try again in a few minutes.
doctor-upstream-no-name = { $host }: its name is not found ({ $error })
doctor-upstream-no-name-fix = Check DNS, and how KMI_UPSTREAM_BASE_URL and the base URLs in auth files are spelt.
doctor-upstream-no-connection = { $host } takes no connection: { $error }
doctor-upstream-fix = Check the network, a firewall, and KMI_UPSTREAM_BASE_URL.
doctor-upstream-no-tls = { $host }: no TLS connection: { $error }
doctor-upstream-no-tls-fix = Check this machine's clock and certificates, and whether something on the way reads TLS.
doctor-upstream-no-http = { $host } does not answer as a web server: { $error }
doctor-upstream-no-http-fix = Check KMI_UPSTREAM_BASE_URL, and whether something on the way answers instead.
doctor-upstream-no-answer = { $host } gives no answer within 5 s
doctor-clock = Clock
doctor-clock-right = agrees with { $host }
doctor-clock-unknown = not compared: no upstream told the time
doctor-clock-ahead = { $span } ahead of { $host }
doctor-clock-behind = { $span } behind { $host }
doctor-clock-fix = Set this machine's clock, best by NTP: resets and cooldowns are moments.

## Clients

doctor-clients = Clients
doctor-clients-none = no client's settings were found
doctor-clients-none-fix = Point them here: OpenAI style at { $address }, Claude Code at { $anthropic }.
doctor-clients-proxy = { $program } comes here ({ $place })
doctor-clients-doubled = { $program }: { $place } is { $base }, with /v1 once too often; it works here all the same
doctor-clients-beside = { $program }: { $place } is { $base }, which misses the proxy's path
doctor-clients-other-port = { $program }: { $place } is { $base }, where this proxy does not listen
doctor-clients-upstream = { $program }: { $place } is { $base }: straight to the upstream, past this proxy
doctor-clients-elsewhere = { $program }: { $place } is { $base }, which is none of Kimi's
doctor-clients-unknown = { $program }: { $place } is { $base }; the proxy's port is chosen when it starts
doctor-clients-fix = Set it to { $address }
doctor-clients-unreadable = { $program }: { $place } can't be understood
doctor-clients-unreadable-fix = Mend its syntax, or write a whole address as http://127.0.0.1:54123/kmi-rotor/v1.
doctor-clients-no-key = { $program }: { $place } is { $base }, but { $name } is not set
doctor-clients-no-key-fix = Set it to KMI_PROXY_TOKEN's value, or to any word when there is no token.
doctor-clients-wrong-key = { $program }: { $place } is { $base }, but its key is not KMI_PROXY_TOKEN: it is refused
doctor-clients-wrong-key-fix = Give it KMI_PROXY_TOKEN's value as its key.

## Files and the machine

doctor-state = State file
doctor-state-not-saved = { $count ->
    [one] could not be saved { $count } time in a row
   *[other] could not be saved { $count } times in a row
}
doctor-state-corrupt = is no JSON object; it will be set aside at the next start, and blocks and counters be forgotten
doctor-state-corrupt-fix = If you have a copy, stop kmi-tui and put it back.
doctor-trace = Trace
doctor-trace-dropped = { $count ->
    [one] { $count } record was lost
   *[other] { $count } records were lost
}
doctor-trace-unwritten = { $count ->
    [one] can't be written; { $count } record waits
   *[other] can't be written; { $count } records wait
}
doctor-log = Log
doctor-log-dropped = { $count ->
    [one] { $count } line was lost
   *[other] { $count } lines were lost
}
doctor-file-missing = not written yet
doctor-file-present = { $kilobytes } KB
doctor-file-changed = { $kilobytes } KB, written { $age } ago
doctor-file-unreadable = can't be read: { $error }
doctor-file-unreadable-fix = Give the file back to your user, or choose another --state-dir.
doctor-file-not-written-fix = Look at the disk's space and speed, and into the log.
doctor-permissions = Permissions
doctor-permissions-fine = keys and state are for you alone
doctor-permissions-open = { $count ->
    [one] { $count } path is open to others: { $paths }
   *[other] { $count } paths are open to others: { $paths }
}
doctor-permissions-fix = kmi-tui doctor --fix sets 700 for folders and 600 for files.
doctor-disk = Disk space
doctor-disk-free = { $megabytes } MB are free
doctor-disk-read-only = the disk of the state folder is read-only
doctor-disk-no-files = the disk of the state folder can't hold another file
doctor-disk-unknown = not known
doctor-disk-fix = Make room, or choose another --state-dir. KMI_TRACE_MAX_MB and KMI_TRACE_BACKUPS bound the trace.
doctor-open-files = Open files
doctor-open-files-enough = { $limit } at once
doctor-open-files-unlimited = as many as there are
doctor-open-files-few = { $limit } at once, and KMI_PROXY_MAX_CONNECTIONS may take { $wanted }
doctor-open-files-fix = Raise it (ulimit -n, LimitNOFILE=), or lower KMI_PROXY_MAX_CONNECTIONS.

## The command

doctor-word-ok = ok
doctor-word-info = info
doctor-word-warn = warn
doctor-word-fail = fail
doctor-count = { $ok } ok, { $info } info, { $warnings ->
    [one] { $warnings } warning
   *[other] { $warnings } warnings
}, { $failures ->
    [one] { $failures } failure
   *[other] { $failures } failures
}
doctor-cleared = { $done ->
    [one] Unblocked { $done } key, { $left } still blocked.
   *[other] Unblocked { $done } keys, { $left } still blocked.
}
doctor-rechecked = { $done ->
    [one] Checked { $done } key, { $left } failed.
   *[other] Checked { $done } keys, { $left } failed.
}
doctor-rechecked-dry = Asked about no key: this is a dry run.
doctor-rechecking = checked { $done } of { $all }
doctor-fixed = { $done ->
    [one] Closed { $done } path to others, { $left } left as it was.
   *[other] Closed { $done } paths to others, { $left } left as they were.
}
doctor-fixed-path = { $path }: now { $mode }
doctor-fix-left = { $path }: left as it was: { $error }
doctor-fix-link = a symbolic link is not followed
doctor-not-done = Not done: { $reason }
doctor-not-done-settings = the settings are wrong. Mend them first.
