# commands: what the commands of the command line say.

key-added = { $label } was added: { $path }
keys-imported = { $count ->
    [one] { $labels } was taken over into { $path }.
   *[other] { $count } keys were taken over into { $path }: { $labels }.
}
keys-imported-none = There is no key to copy: what other programs hold is here already, or they hold none.
init-file-made = { $path }: made, with every setting and its default.
init-file-there = { $path }: is there, and stays as it is.
init-file-question = { $path } is there. Change { $names } in it? The old file is kept beside it. [y/N]
init-file-kept = { $path }: stays as it is, without { $names }. With --yes there is no question.
init-file-changed = { $path }: { $names } set. The old file is { $backup }.
init-folder-made = { $path }: made, for your keys.
init-folder-there = { $path }: the folder of your keys is there.
init-failed = { $path } can't be written: { $error }.
init-found = { $count ->
    [one] A key of another program is not here yet:
   *[other] { $count } keys of other programs are not here yet:
}
init-found-key = {"  "}{ $label }  { $place }
init-import-question = { $count ->
    [one] Copy it? [y/N]
   *[other] Copy them? [y/N]
}
init-not-imported = Nothing was copied. With --yes there is no question.
init-next =
    Next:
      kmi-tui           dashboard and proxy
      kmi-tui clients   how to point your tools at it
      kmi-tui doctor    what is wrong, and how to mend it
init-next-first-key =
    Next:
      kmi-tui keys add LABEL   your first key; it is typed unseen
      kmi-tui                  dashboard and proxy
      kmi-tui clients          how to point your tools at it
key-removed = { $label } is out of use. Its file is { $path } now.
key-remove-question = Take { $label } out of use? Its file { $path } stays under another name. [y/N]
key-kept = Nothing was changed. With --yes there is no question.
key-enabled = { $label } is in use.
key-disabled = { $label } is disabled.
key-unknown = There is no key called “{ $label }”. kmi-tui keys lists them.
key-label-odd = “{ $label }” can't be a file's name. Take letters, digits, “.”, “_” and “-”, 64 at most.
key-label-taken = There is a key called “{ $label }” already. Choose another label.
key-base-url = “{ $value }” is no address that a key may be sent to. Write https://host/path; hosts beyond Kimi's and Moonshot's belong into KMI_UPSTREAM_ALLOWLIST.
key-odd = That is no key: { $fault }.
key-there = This key is in use already, as { $label }.
key-unread = The key can't be read: { $error }
key-prompt = API key (not shown):{" "}
key-refused = { $host } does not take this key: { $fault }. Nothing was written.
key-unreached = The key can't be checked, since { $host } does not answer as it should: { $fault }. Nothing was written.
key-refused-hint = { $said } With --unchecked it is kept all the same.
key-unchecked = The key can't be checked: { $error }. Nothing was written.
key-file-foreign = { $label } comes from { $path }, which is another program's file. Change it there.
key-file-there = { $path } is there already. Choose another label.
key-file-failed = { $path } can't be written: { $error }
health-windows = left (resets in)
e2e-needs-headers = e2e reads which key answered from the answers' headers. Set KMI_PROXY_HEADERS=1.
e2e-progress = { $done } of { $all } requests, evenness { $percent }%
e2e-good = Evenness { $percent }% (at least { $least }% wanted): auto-rotation works.
e2e-bad = { $count ->
    [0] Evenness { $percent }% (at least { $least }% wanted): auto-rotation does not spread the requests. kmi-tui status says why a key is passed over.
    [one] Evenness { $percent }%, and { $count } request failed. kmi-tui status says why a key is passed over.
   *[other] Evenness { $percent }%, and { $count } requests failed. kmi-tui status says why a key is passed over.
}
wrapper-missing = There is no program called kimi on your PATH. Install kimi-cli or kimi-code first.
wrapper-failed = kimi can't be run: { $error }
rotated-config-written = { $label } is in { $path } too, for kimi-cli without the proxy.
rotated-config-written-first = { $label } is in { $path } too, for kimi-cli without the proxy. The file as it was is { $backup }. KMI_WRITE_CONFIG=0 leaves it alone.
rotated-config-failed = The key is rotated, but { $path } can't be changed: { $error }. KMI_WRITE_CONFIG=0 leaves that file alone.
rotated-config-broken = The key is rotated, but { $path } is no TOML and was left as it is. Mend it, or set KMI_WRITE_CONFIG=0.
clients-unknown = “{ $name }” is no client known here. Known: { $names }.
client-kimi-cli =
    kimi-cli (Python, up to 1.51): as ~/.kimi/config.toml, or merged into it. The environment alone does too, without
    search and fetch: KIMI_BASE_URL={ $base } KIMI_API_KEY={ $token } KIMI_MODEL_NAME=kimi-for-coding
client-kimi-code = kimi-code (npm, 2.x): as ~/.kimi-code/config.toml, or merged into it. It does not read KIMI_BASE_URL and KIMI_API_KEY.
client-claude-code = Claude Code: in its environment. The address has no /v1.
client-opencode = opencode: in opencode.json. The address has /v1.
client-openai = OpenAI SDKs, and tools that ask for an "OpenAI-compatible" address
client-anthropic = Anthropic SDKs. The address has no /v1.
client-curl = curl
rehearse-number = no
rehearse-why = why
rehearse-none = no key can serve
rehearse-none-until = no key can serve for { $span }
rehearse-passed-over = Passed over at the end:
report-written = Written: { $path }. Read it before you share it.
report-hidden = { $count ->
    [one] { $count } secret was found in it and hidden. Please tell us where: it should not have been there.
   *[other] { $count } secrets were found in it and hidden. Please tell us where: they should not have been there.
}
report-failed = { $path } can't be written: { $error }. Name another file with --output.
man-name = NAME
man-synopsis = SYNOPSIS
man-description = DESCRIPTION
man-version = VERSION
man-manual = kmi-tui manual
man-exit = EXIT STATUS
man-exit-codes = 0 done, 1 failed or unhealthy, 2 wrong usage or settings.
man-files = FILES
man-file-auths = The keys, a file for each.
man-file-state = Counters, cooldowns and blocks.
man-file-trace = A line for each request.
man-file-log = What happened.
man-environment = ENVIRONMENT
man-environment-about = Settings with their defaults. Highest first: options, the file named by --env-file or KMI_ENV_PATH, the environment, ./.env.
man-failed = The manual can't be written to “{ $path }”: { $error }
logs-none = There is nothing in { $path }.

cli-screenshot = Save the dashboard's screen as text, ANSI or SVG
cli-screenshot-demo = Of the demo, not of the running kmi-tui
cli-screenshot-size = Columns and rows
cli-screenshot-pane = The pane in focus: keys, quota, trace, limits or doctor
cli-screenshot-zoom = That pane alone
cli-screenshot-after = When the demo has run so many seconds; else as soon as there is something to see
cli-screenshot-format = text, ansi or svg; else by the file's name
cli-screenshot-file = Where to; else stdout
screenshot-wrong-size = “{ $value }” is no size. Write columns and rows, such as 120x40, up to 500 each.
screenshot-wrong-pane = “{ $value }” is no pane. There are keys, quota, trace, limits and doctor.
screenshot-wrong-format = “{ $value }” is no format. There are text, ansi and svg.
screenshot-none = No kmi-tui runs on this state folder. Start one, or add --demo.
screenshot-failed = { $path } can't be written: { $error }.
screenshot-no-demo = The demo did not start: { $error }.
