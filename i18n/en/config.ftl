# config: words for people. One id, one meaning; the same ids in every language.

## Where a value comes from; ends a sentence: "… must be 1 or 0 (from ./.env)".

config-from-flag = from { $flag }
config-from-file = from { $file }
config-from-environment = from the environment
config-from-default = the default

## Values of the wrong kind. A value that may hold a secret is shown as ***.

config-not-switch = { $name } is "{ $value }", but must be 1 or 0 (or true/false, yes/no, on/off) – { $source }
config-not-number = { $name } is "{ $value }", but must be a whole number from { $least } to { $most } – { $source }
config-not-word = { $name } is "{ $value }", but must be one of: { $words } – { $source }
config-listen = { $name } is "{ $value }", but must be host:port, where the host is an IP address (IPv6 in brackets) or localhost – { $source }
config-base-path = { $name } is "{ $value }", but must start with / and hold plain path segments, such as /kmi-rotor/v1 – { $source }
config-zone = { $name } is "{ $value }", but must be local, UTC, an offset such as +03:00, or a zone such as Europe/Berlin – { $source }
config-locale = { $name } is "{ $value }", but must be en or ru – { $source }
config-token = { $name } must be printable ASCII without blanks – { $source }
config-no-home = { $name } starts with ~, but there is no home folder – { $source }

## The upstream

config-upstream = { $name } is "{ $value }", which is no usable address: { $reason } – { $source }
config-upstream-syntax = it is not a URL
config-upstream-no-host = it must start with https:// and name a host
config-upstream-scheme = it must be https (http only to this machine)
config-upstream-user = it must not hold a user name or password
config-upstream-query = it must not hold ? or #
config-upstream-not-allowed = { $name } names { $host }, which is not an allowed host; add it to KMI_UPSTREAM_ALLOWLIST if you trust it with your keys – { $source }

## Remote access

config-remote = { $name }: { $address } can be reached from other machines; set KMI_PROXY_ALLOW_REMOTE=1 if that is meant – { $source }
config-remote-token = { $name }: { $address } can be reached from other machines; KMI_PROXY_TOKEN must hold at least { $least } characters – { $source }
config-remote-tls = { $name }: { $address } can be reached from other machines; set KMI_PROXY_TLS_CERT and KMI_PROXY_TLS_KEY, or KMI_PROXY_TLS_TERMINATED=1 when TLS ends in front of it – { $source }
config-tls-half = { $name } is missing: a certificate and its key are set together – { $source }
config-tls-missing = { $name }: there is no file { $file } – { $source }
config-tls-key-open = { $name }: { $file } can be read by other users of this machine. chmod 600 it – { $source }

## Files

config-env-missing = { $file } does not exist
config-env-denied = { $file } may not be read: permission denied
config-env-unreadable = { $file } cannot be read
config-env-broken = { $file } is no text file in UTF-8
config-env-large = { $file } is larger than 1 MiB: no settings file
config-env-lines = { $file }: { $count ->
    [one] line { $line } is no NAME=value and was skipped
   *[other] { $count } lines are no NAME=value and were skipped, the first is line { $line }
}
config-untrusted = { $file } is not trusted yet, so these settings in it are ignored: { $names }. If the file is yours, run: kmi-tui trust
config-not-in-file = { $name } has no effect in a file; set it in the environment, or use --env-file – { $source }

## Names and values that are odd

config-unknown = { $name } is no known setting – { $source }
config-unknown-near = { $name } is no known setting; did you mean { $near }? – { $source }
config-refresh-raised = { $name } is shorter than { $least }; usage is checked every { $least } – { $source }
config-needs-restart = { $name } changed; it takes effect after a restart.
config-watch-limit = Changed files are noticed only every { $interval }: the system's limit of file watches is reached. On Linux, raise fs.inotify.max_user_watches or fs.inotify.max_user_instances.
config-watch-fault = Changed files are noticed only every { $interval }: the system does not tell of them ({ $error }).

## Auth files

auth-folder-missing = The auths folder { $folder } does not exist. Make it and put a file like alpha.env with KMI_API_KEY=… into it.
auth-folder-is-file = { $folder } should be a folder of auth files, but is a file. Set KMI_AUTHS_DIR to a folder.
auth-folder-unreadable = The auths folder { $folder } can't be read. Check its permissions.
auth-folder-too-full = The auths folder { $folder } holds too many files; { $count } of them { $count ->
    [one] was
   *[other] were
} not looked at. Set KMI_AUTHS_DIR to a folder of auth files only.
auth-unreadable = { $file } can't be read and was skipped. Check its permissions.
auth-too-large = { $file } is too large for an auth file and was skipped.
auth-not-utf8 = { $file } is not UTF-8 text and was skipped.
auth-syntax = { $file }, line { $line }: the file can't be understood and was skipped. Mend its syntax there.
auth-bad-lines = { $file }: { $count ->
    [one] line { $line } is no NAME=value and was skipped
   *[other] { $count } lines are no NAME=value and were skipped, the first is line { $line }
}
auth-no-key = { $file } holds no API key and was skipped. An .env file needs KMI_API_KEY; a .toml or .json file a provider with api_key.
auth-key-too-long = { $file }: its key is too long to be one; skipped.
auth-key-character = { $file }: its key holds a blank or another character that no key has; skipped. Copy the key again.
auth-url = { $file }: its base URL is not a plain URL with a host; skipped.
auth-url-scheme = { $file }: its base URL must be https (http only to this machine); skipped.
auth-url-user = { $file }: its base URL must not hold a user name or password; skipped.
auth-host-not-allowed = { $file } sends its key to { $host }, which is not an allowed host; skipped. If it is right, add it to KMI_UPSTREAM_ALLOWLIST.
auth-kept = { $file }: { $reason }. The key that it held before stays in use.
auth-now-unreadable = it can't be read now
auth-now-too-large = it is too large for an auth file
auth-now-not-utf8 = it is not UTF-8 text
auth-now-syntax = line { $line } can't be understood
auth-now-empty = it is empty
auth-open-to-others = { $file } can be read by other users of this machine. chmod 600 it.
auth-same-key = { $file } holds the same key as { $first }; it is used once.
auth-same-label = { $file }: the label { $label } is taken, so this key is called { $given }. Set KMI_KEY_LABEL to name it.
auth-priority = { $file }: KMI_KEY_PRIORITY is "{ $value }", which is no whole number; 0 is used.
auth-disabled = { $file }: KMI_KEY_DISABLED is "{ $value }", which is neither yes nor no; the key stays enabled.
