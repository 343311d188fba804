# settings: words for people. One id, one meaning; the same ids in every language.
# Each setting of src/config/settings.rs is explained by setting- and its name; assets/.env.example and docs/settings.md
# are made of them.

settings-head =
    Settings of kmi-tui. Every variable stands here with its default; an empty value counts as unset.
    Copy this to ./.env, or name the file with --env-file or KMI_ENV_PATH. Highest first: options, the named file, the
    environment, ./.env, defaults. Switches take 1/0, true/false, yes/no, on/off.
    “Trusted file only”: in a ./.env it counts after kmi-tui trust.
settings-head-new =
    Settings of kmi-tui. What begins with #KMI_ is the default: take the # away to change it.
    “Trusted file only”: in a ./.env it counts after kmi-tui trust.
settings-trusted = Trusted file only.
settings-loopback-only = Beyond loopback: trusted file only.
settings-never = Only in the process environment, no effect in a file.

## Sections

settings-places = Where things are
settings-address = The local address
settings-upstream = The upstream
settings-rotation = Rotation
settings-health = Health of keys
settings-remote = Remote access
settings-limits = Limits
settings-records = Trace and log
settings-look = Look
settings-files = Records and files

## Settings

setting-kmi-env-path = The settings file to read instead of ./.env.
setting-kmi-auths-dir = Folder of auth files; unset: ./_auths, else ~/.kimi/_auths.
setting-kmi-state-dir = Folder of state, trace, logs and socket.
setting-kmi-proxy-listen = Where the proxy listens: host:port; IPv6 in brackets; port 0 = any free one.
setting-kmi-proxy-base-path = What paths start with; begins with /.
setting-kmi-upstream-base-url = Where keys without an address of their own are sent: https, or http to loopback.
setting-kmi-upstream-allowlist = Hosts that keys may be sent to, beside Kimi's, Moonshot's and loopback: comma-separated, *.domain, * = any.
setting-kmi-dry-run = 1 = simulate upstream answers, send nothing.
setting-kmi-auto-rotate-allowed = 1 = auto-rotation may be switched on; the provider's terms must allow pooling.
setting-kmi-auto-rotate-e2e = 1 = check end to end when auto-rotation is switched on from the command line.
setting-kmi-strategy = How auto-rotation chooses: round-robin, most-remaining, least-busy, priority.
setting-kmi-affinity-seconds = How long a conversation stays on its key, for the upstream's prompt cache; 0 = not at all.
setting-kmi-rotation-cooldown-seconds = How long a refused key rests when the upstream names no time.
setting-kmi-rotate-on-tie = 1 = manual rotation moves on when several keys tie for best.
setting-kmi-rotate-include-warn = 1 = auto-rotation also uses keys in status warning.
setting-kmi-write-config = 1 = manual rotation writes the key into ~/.kimi/config.toml.
setting-kmi-payment-block-seconds = How long a key is blocked after a payment error; 0 = until unblocked by hand.
setting-kmi-require-usage-before-request = 1 = use only keys with a good cached quota check.
setting-kmi-fail-open-on-empty-cache = 1 = with the former, keys that were never checked are used all the same.
setting-kmi-usage-cache-seconds = Between two quota checks of a key; 0 = off, otherwise at least 300.
setting-kmi-blocklist-recheck-seconds = Between two rechecks of a blocked key; 0 = never.
setting-kmi-blocklist-recheck-max = Rechecks started together; 0 = no limit.
setting-kmi-proxy-allow-remote = 1 = other machines may connect. An address beyond loopback needs this, a token of 16 characters or more, and TLS.
setting-kmi-proxy-token = What clients must present; unset = open to this machine.
setting-kmi-proxy-require-tls = 0 = remote access without TLS.
setting-kmi-proxy-tls-terminated = 1 = TLS ends in front of the proxy.
setting-kmi-proxy-tls-cert = PEM certificate chain, to serve TLS here.
setting-kmi-proxy-tls-key = The certificate's private key, PEM.
setting-kmi-proxy-max-rps = Requests a second, all keys together; 0 = no limit.
setting-kmi-proxy-max-rpm = Requests a minute, all keys together; 0 = no limit.
setting-kmi-proxy-max-rps-per-key = Requests a second for each key; 0 = no limit.
setting-kmi-proxy-max-rpm-per-key = Requests a minute for each key; 0 = no limit.
setting-kmi-proxy-retry-max = Further tries on the same key after a passing fault.
setting-kmi-proxy-retry-base-ms = The first pause before such a try, in milliseconds; it doubles each time.
setting-kmi-proxy-failover = 1 = go to another key before the first byte of an answer.
setting-kmi-hold-seconds = How long a request waits for a key to come back when none can serve; 0 = answer 503 at once.
setting-kmi-proxy-connect-timeout-seconds = Time to connect to the upstream.
setting-kmi-proxy-head-timeout-seconds = Time until the head of the upstream's answer.
setting-kmi-proxy-idle-timeout-seconds = Time between two bytes of an answer.
setting-kmi-proxy-max-body-mb = Larger request bodies get 413.
setting-kmi-proxy-max-connections = More connections wait.
setting-kmi-proxy-headers = 1 = answers carry x-kmi-key, x-kmi-attempts and x-kmi-request-id.
setting-kmi-metrics-listen = host:port where Prometheus may ask for /metrics; empty = on the control socket alone.
setting-kmi-shutdown-seconds = How long a stop waits for running streams.
setting-kmi-trace-prompts = 0 = no words of prompts in the trace.
setting-kmi-trace-max-mb = The trace is rotated at this size; 0 = never.
setting-kmi-trace-backups = Old trace files kept.
setting-kmi-log-max-mb = The log is rotated at this size; 0 = never.
setting-kmi-log-backups = Old log files kept.
setting-kmi-timezone = local, UTC, +03:00, or a name such as Europe/Berlin.
setting-kmi-locale = en or ru; unset: the system's, else en.
setting-kmi-theme = Colours of the dashboard: dark, light, high-contrast, colour-blind, mono, one of your own (docs/themes.md), or auto: dark or light.
setting-kmi-fps = Most frames a second of the dashboard, 1 to 30; fewer suit a slow line. Keys are answered at once all the same.
setting-kmi-reduced-motion = 1 = the dashboard moves by itself once a second at most.
setting-kmi-notify = Calls you when a key is blocked, no key is left or quota runs low: bell (the terminal rings), terminal (it shows a notification, where it can), desktop (notify-send, osascript), or off.
setting-kmi-notify-quota-percent = Below how many percent quota is low; 0 = never.
setting-kmi-plain = 1 = plain output.
setting-kmi-no-color = 1 = no colours.
setting-no-color = Any value = no colours (no-color.org).
setting-kmi-audit-actor = Who is named in audit records; unset: $USER.
setting-kmi-enforce-file-perms = 1 = folders are kept at mode 700, files at 600.
