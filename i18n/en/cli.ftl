# cli: words for people. One id, one meaning; the same ids in every language.

cli-about = Dashboard and local proxy for several Kimi API keys.
cli-no-ui = Run the proxy without the dashboard
cli-demo = Show everything with sample keys and a simulated upstream; needs no key and no network
cli-dry-run = Answer requests here, send nothing upstream
cli-lang = Language of the dashboard and of messages
cli-env-file = Settings file; it overrides the environment
cli-auths-dir = Folder of auth files
cli-state-dir = Folder of state, trace and logs
cli-listen = Where the proxy listens; port 0 takes any free one
cli-plain = Plain output, no colour
cli-no-color = No colour
cli-ascii = Only ASCII characters in the dashboard
cli-trust = Trust a .env file, so that it may set where keys go and what is bound
cli-trust-path = The file; ./.env when none is named
cli-trusted = Trusted: { $path }. Its settings count until it changes.
cli-trust-failed = { $path } can't be trusted: { $error }. Name a file that you can read.
cli-wrong-settings = The settings are wrong. Mend these and start again:
cli-listening = kmi-tui is listening on { $address }
cli-not-drained = Some requests were still running and were cut off. KMI_SHUTDOWN_SECONDS sets how long a stop waits.
cli-port-taken = { $address } is taken by another program. Stop it, or choose another port with --listen or KMI_PROXY_LISTEN.
cli-port-taken-by = { $address } is taken by { $program } (pid { $pid }). Stop it, or choose another port with --listen or KMI_PROXY_LISTEN.
cli-port-failed = kmi-tui can't listen on { $address }: { $error }. Choose another address with --listen or KMI_PROXY_LISTEN.
cli-no-terminal = The dashboard needs a terminal: { $error }. Without one, run kmi-tui --no-ui.
cli-usage = Usage
cli-commands = Commands
cli-options = Options
cli-help = Print this help
cli-version = Print the version
cli-no-tls = kmi-tui can't serve TLS itself yet. Put a TLS proxy in front of it and set KMI_PROXY_TLS_TERMINATED=1 instead of KMI_PROXY_TLS_CERT and KMI_PROXY_TLS_KEY.
cli-demo-upstream = The simulated upstream is { $address }, its sample keys are in { $path }
