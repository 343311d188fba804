# tui: words for people. One id, one meaning; the same ids in every language.

number-decimal = .
number-group = ,

# From Monday on.
weekdays = Mon Tue Wed Thu Fri Sat Sun

## Short spans, for columns

short-hours = { $large }h{ $small }m
short-days = { $large }d{ $small }h
age-seconds = { $value }s
age-minutes = { $value }m
age-hours = { $value }h
age-days = { $value }d
took-milliseconds = { $value }ms
took-seconds = { $value }s

## Panes

pane-keys = Keys
pane-quota = Quota
pane-trace = Trace
pane-limits = Limits
pane-doctor = Doctor

## Header

mode-live = live
mode-dry-run = dry run
mode-attached = attached to pid { $pid }
mode-lost = not heard any more, trying again
mode-demo = demo
header-no-active = no active key
header-auto-on = auto-rotation on
header-auto-off = auto-rotation off
header-rate = { $value } req/s
header-errors = errors { $value }
header-held = { $count } waiting for a key
header-in-flight = { $count } in flight

## Statuses and reasons

status-healthy = healthy
status-warn = warning
status-exhausted = cooling
status-blocked = blocked
status-disabled = disabled

skip-disabled = disabled in file
skip-blocked = blocked by hand
skip-own-rate = own rate limit
skip-usage-unknown = quota not checked
skip-slow-start = starting slowly
skip-circuit-open = host unreachable
skip-tried = tried just now

chosen-active = the active key
chosen-in-its-place = the active key can't serve
chosen-strategy = its turn
chosen-bound = holds this conversation or file
chosen-last-resort = last resort: its report contradicts its refusal
chosen-again = the same key once more
chosen-asked = you sent it there

common-client-identity = client program not accepted
common-address = network address limited
common-request = the request itself
common-upstream-busy = upstream busy
common-upstream = upstream or network

cause-ok = ok
cause-unauthorized = key refused
cause-forbidden = forbidden
cause-client-not-allowed = client not allowed
cause-flagged = account flagged
cause-payment = balance used up
cause-rate-limited = rate limited
cause-concurrency = too many at once
cause-overloaded = overloaded
cause-quota = quota used up
cause-quota-five-hours = 5 h limit
cause-quota-week = week limit
cause-quota-month = month limit
cause-model-refused = plan lacks model
cause-not-found = not found
cause-bad-request = bad request
cause-too-large = body too large
cause-server-error = server error
cause-upstream-error = upstream error
cause-connect = no connection
cause-broken = answer broken
cause-timeout = timed out
cause-sent-elsewhere = sent to another key
cause-stream-cut = stream cut off
cause-error-event = error in stream
cause-client-gone = client hung up
cause-cancelled = cancelled by you
cause-no-key = no key available
cause-status = status { $status }

## Columns

column-status = status
column-key = key
column-masked = secret
column-left = left
column-in-flight = live
column-requests = reqs
column-errors = err%
column-email = account
column-last-used = last
column-why = note
column-back = back in
column-time = time
column-method = method
column-endpoint = endpoint
column-answer = status
column-took = took
column-first-byte = first
column-tries = tries
column-tokens-in = in
column-tokens-cached = cached
column-tokens-out = out
column-tokens = tokens
column-hint = hint
column-limit = rate
column-per-second = /s
column-per-minute = /min
column-served = served

## Keys

keys-ready = { $ready } of { $all } ready
keys-empty = No keys yet. There are several ways to get some:
keys-empty-where = Or put a file for each key (alpha.env with KMI_API_KEY=sk-…) into
keys-empty-then = It is noticed at once.
note-usage-failed = quota check failed
note-shares = shares { $label }'s quota

## Quota

quota-empty = Quotas show here once there are keys.
quota-checked = checked { $age } ago
quota-unknown = not checked yet
quota-failed = check failed { $age } ago: { $fault }
quota-failed-short = no data: { $fault }
quota-no-windows = no limits reported
window-five-hours = 5 h
window-week = week
window-month = month
window-month-code = code

## Trace

trace-following = following
trace-paused = paused
trace-paused-new = paused, +{ $count } new
trace-meant = { $shown } of { $all }
trace-none-meant = No request fits the filter.
filter-hint = key:alpha status:4xx >800ms -path:/models text
trace-missed = { $count } not shown
trace-empty = No requests yet. Point a client here:
trace-empty-openai = OpenAI SDKs, kimi-cli, opencode
trace-empty-anthropic = Claude Code, Anthropic SDKs
trace-empty-key = Any API key will do: the proxy puts in the right one.

## Limits

limits-all = all keys
limits-confidence = confidence { $percent }% over { $count ->
    [one] { $count } request
   *[other] { $count } requests
}
limits-confidence-unknown = confidence: auto-rotation only
limits-confidence-none = confidence: nothing to say yet
limits-dropped = { $count ->
    [one] { $count } trace record lost
   *[other] { $count } trace records lost
}
limits-unwritten = { $count ->
    [one] the trace can't be written: { $count } record waits
   *[other] the trace can't be written: { $count } records wait
}
limits-log-dropped = { $count ->
    [one] { $count } line of the log lost
   *[other] { $count } lines of the log lost
}
limits-shared-cause = every key: { $cause } ({ $common })
limits-host-open = { $host } is down, next try in { $left }
limits-host-half-open = { $host } is being probed
limits-host-failures = { $host } (failures in a row: { $count })
limits-nothing-lost = no record lost
limits-queue = queue: { $count }, the first waits { $waited } of { $most }
limits-queue-empty = queue empty
limits-unsaved = { $count ->
    [one] { $count } save of the state failed
   *[other] { $count } saves of the state failed
}

## Doctor

doctor-empty = Nothing checked yet. Press d to check.
doctor-fine = all well
doctor-problems = { $count ->
    [one] { $count } problem
   *[other] { $count } problems
}

## Settings

tokens-none = No tokens were counted yet.
tokens-all-days = all days
tokens-today = today
settings-title = Settings
settings-name = setting
settings-value = value
settings-source = comes from
settings-change = a change
settings-default = default
settings-environment = environment
settings-live = at once
settings-restart = restart
settings-waits = needs a restart
settings-demo = The demo has settings of its own; yours are not read.
settings-untold = This instance is older and does not tell its settings.

## Actions: a word for the footer, a line for the help

do-rotate = rotate
help-rotate = rotate to the best key
do-rotate-to = to this key
help-rotate-to = rotate to the selected key
do-auto = auto
help-auto = auto-rotation on or off
do-block = block
help-block = block the selected key: for how long, and why
do-unblock = unblock
help-unblock = unblock the selected key
do-health = check
help-health = check health and quotas now
do-add = add
help-add = add a key: its label, and the key unseen
do-import = import
help-import = copy the keys that kimi-cli, kimi-code or the old kmi hold
do-demo = demo
help-demo = start the demo: sample keys and requests, no network
do-switch = on/off
help-switch = put the selected key out of use, or back into it
do-fix = fix
help-fix = let the program mend the selected finding
do-confirm = yes
do-doctor = run checks
help-doctor = run the doctor's checks
do-pause = pause
help-pause = pause the trace, or follow it again
do-filter = filter
help-filter = filter the trace: key:alpha status:4xx >800ms text
do-keep-filter = keep
do-clear-filter = clear
do-jump = find
help-jump = a key's requests, or a request's key
do-sort = sort
help-sort = sort the keys: left, requests, errors, last used
do-copy = copy
help-copy = copy the selected row's label or request id
do-copy-row = copy row
help-copy-row = copy the selected request as one line
do-copy-curl = as curl
help-copy-curl = copy the selected request as a curl command
do-details = details
help-details = everything about the selected row
do-zoom = zoom
help-zoom = the focused pane on the whole screen
do-language = русский
help-language = switch the language
do-keep-screen = save
help-keep-screen = save the screen as SVG, ANSI and text
do-theme = theme
help-theme = the next colour theme
do-mouse = mouse
help-mouse = switch the mouse on or off: click selects, again for details, the wheel moves
mouse-on = The mouse is on: to select text, hold Shift, or switch it off (m).
mouse-off = The mouse is off.
do-tokens = tokens
do-settings = settings
help-tokens = tokens by day and by model
help-settings = every setting, its value and where it comes from
do-help = help
help-help = this help
do-quit = quit
help-quit = leave
do-background = background
help-background = leave; the proxy goes on in the background
do-next-pane = next
do-previous-pane = previous
help-next-pane = next or previous pane
help-focus = go to a pane
help-up-down = move
help-page = move by a page
help-ends = to the first or the last row
do-close = close
help-close = close what is open
do-next-field = next field
do-submit = block
do-wait = wait
do-stop-now = stop now
key-space = Space

## Why not

why-no-keys = There are no keys yet.
why-disabled = { $label } is disabled in its file.
why-blocked = { $label } is blocked. Unblock it first (u).
why-active-already = { $label } is active already.
why-auto-rotate = Auto-rotation is not allowed. Check that your provider's terms permit pooling, then set { $setting }.
why-not-blocked = { $label } is not blocked.
why-nothing-to-copy = There is nothing to copy here.
why-files-demo = The demo's keys are not yours to change. Start without --demo for that.
why-no-demo = There is something to see here already. Start kmi-tui --demo in another terminal.
why-no-fix = The program can't mend this by itself; the finding says what to do.
why-no-request = Select a request in the trace first (3).
why-not-sorted = Only the keys pane is sorted. Go there first (1).
why-no-key-tried = No key was tried for this request.
why-key-gone = { $label } is not among the keys any more.
why-nothing-selected = There is nothing to show here yet.
why-background-attached = The proxy runs in the background already: q leaves it running.
why-background-demo = The demo ends with this window.

## Copied

copied-label = Copied: { $label }
copied-request-id = Copied the request id: { $id }
copied-row = The request is copied as one line.
copied-curl = Copied as curl, with $KMI_KEY in place of the key: { $method } { $path }

## Help, dialogs and details

help-title = Help
help-keys = Keys
help-view = View
help-move = Move
foot-reading = Esc close
foot-dialog = Enter block  Tab next field  Esc cancel
foot-leaving = Enter stop now  w wait  b background  Esc stay
foot-waiting = Enter stop now  Esc stay

block-title = Block { $label }
block-span = For how long
block-reason = Why
block-hint = 30m, 1h, 2d; empty: until unblocked
block-fault-span = “{ $typed }” is no span of time. Write 30m, 1h, 2d or 1h30m.
block-fault-zero = That is no time at all.
block-fault-long = That is too long. Leave it empty to block until unblocked.

new-key-title = Add a key
new-key-label = Label
new-key-secret = Key
new-key-hint = The label is the file's name: letters, digits, “.”, “_” and “-”. The key is not shown. Its upstream is asked before anything is written.
new-key-waiting = Asking the upstream about the key…
new-key-fault-label = Give it a label first.
new-key-fault-secret = Paste or type the key.
foot-add = Enter add  Tab next field  Esc cancel

confirm-title = Sure?
foot-confirm = Enter yes  Esc no
import-question = Copy the keys that kimi-cli, kimi-code and the old kmi hold on this machine? Their files stay as they are.
fix-permissions-question = Close the program's own files and the auth files to everybody else?
fix-blocklist-question = Unblock every key that is blocked or cooling down?
fix-recheck-question = Ask the upstream about every key now?
screen-kept = The screen was kept: { $path }
errand-settings = { $count ->
    [one] The settings have a fault: { $first }
   *[other] The settings have { $count } faults, first of all: { $first }
}

quit-title = Quit
quit-question = { $count ->
    [one] { $count } request is in flight. Stop now and cut it off?
   *[other] { $count } requests are in flight. Stop now and cut them off?
}
quit-waiting = { $count ->
    [one] Waiting for { $count } request to end …
   *[other] Waiting for { $count } requests to end …
}

details-request = Request
details-key = Key { $label }
details-gone = It is not there any more.
details-window = { $window }: { $left } left
details-window-resets = { $window }: { $left } left, resets { $moment } (in { $span })
details-contradiction = report { $reported } ago: { $left } left; refused { $refused } ago: { $cause }
details-activity = { $count ->
    [one] { $count } request
   *[other] { $count } requests
} in { $span }
details-at-stake = { $tokens } tokens of { $count ->
    [one] { $count } conversation
   *[other] { $count } conversations
}, to be read anew by another key
details-conversation = { $count ->
    [one] { $count } request
   *[other] { $count } requests
}
details-cached = { $share } of the prompts from the cache
details-tokens = { $input } in ({ $cached } cached), { $output } out
details-tokens-of = { $model }: { $tokens }
details-moment-ago = { $moment } ({ $age } ago)
details-moment-left = { $moment } (in { $span })
yes = yes
no = no
fact-status = Status
fact-skip = Passed over
fact-who-acts = Who must act
fact-back = Back at
fact-active = Active
fact-masked = Secret
fact-host = Host
fact-source = File
fact-email = E-mail
fact-priority = Priority
fact-requests = Requests
fact-in-flight = In flight
fact-errors = Errors
fact-last-used = Last used
fact-tokens = Tokens
fact-activity = Lately
fact-at-stake = In the cache
fact-conversation = Conversation
fact-tokens-today = Tokens today
fact-tokens-week = Last 7 days
fact-contradiction = Contradiction
fact-expected = Expected back
fact-waited = Waited for key
fact-shared-cause = Shared cause
fact-usage-checked = Checked
fact-usage = Quota
fact-account = Account
fact-parallel = Parallel limit
fact-shares = Shares with
fact-time = Time
fact-request-line = Request
fact-answer = Status
fact-trouble = Trouble
fact-error = Upstream said
fact-key = Key
fact-attempts = Tries
fact-latency = Answer began
fact-first-byte = First byte
fact-total = Took
fact-bytes = Bytes
fact-model = Model
fact-stream = Stream
fact-client = Client
fact-hint = Prompt
fact-request-id = Request id
fact-seen = Seen
fact-fix = What to do

# What is ahead if all goes on as now.
runway-lead = At this rate
runway-lasts = every quota lasts until its reset
runway-first = { $label } is dry { $at }
runway-all = all keys { $at }
runway-reset = first reset { $at }
runway-unused = { $share } of { $label } expires unused { $at }
runway-first-short = { $label } dry { $at }
runway-all-short = all { $at }
runway-reset-short = reset { $at }
runway-unused-short = { $share } of { $label } unused { $at }
quota-empty-in = empty in { $span }
quota-resets-in = resets in { $span }
quota-pace = { $share }/h
quota-dry = dry { $span }

# Themes. $theme is one of these names, or a file's.
theme-dark = dark
theme-light = light
theme-high-contrast = high contrast
theme-colour-blind = colour-blind
theme-mono = mono
theme-now = Theme: { $theme }
theme-no-colours = Theme: mono, since there are no colours here (NO_COLOR, --plain, --no-color or TERM=dumb)
theme-unknown = There is no theme "{ $value }", so the terminal's background decides. There are: auto, { $known }

# Faults of a person's own files.
own-faults = { $count ->
    [one] { $count } fault in your themes and keys: { $first }
   *[other] { $count } faults in your themes and keys, all on stderr. The first: { $first }
}
own-unreadable = { $file } cannot be read
own-not-toml = { $file }, line { $line }: "{ $value }" is not TOML
theme-not-base = { $file }, line { $line }: "{ $value }" is nothing to build on; there are: { $known }
theme-not-meaning = { $file }, line { $line }: "{ $value }" has no meaning; there are: base, background, foreground, { $known }
theme-not-style = { $file }, line { $line }: "{ $value }" is no style; one looks like { "{ fg = \"#56b4e9\", bold = true }" }
theme-not-attribute = { $file }, line { $line }: a style has no "{ $value }"; it has fg, bg, fg16, bg16, bold, dim, underlined, reversed
theme-not-colour = { $file }, line { $line }: "{ $value }" is no colour; write "#rrggbb", a name such as "lightred", a number to "255", or "default"
theme-not-page = { $file }, line { $line }: "{ $value }" must be a colour such as "#16181d"
theme-not-switch = { $file }, line { $line }: "{ $value }" must be true or false

## Palette

palette-title = Actions
palette-none = No action is called so.
foot-palette = Enter do  Esc close
foot-search = Enter keep  Esc clear
foot-sheet = / search  Esc close
do-palette = actions
help-palette = find an action by a few letters
do-run-chosen = do

## A person's own keys

keys-not-action = { $file }, line { $line }: there is no action "{ $value }"; docs/keys.md names them all
keys-not-list = { $file }, line { $line }: "{ $value }" must be a list of keys, such as ["r", "ctrl-r"]
keys-not-key = { $file }, line { $line }: "{ $value }" is no key; write r, R, ctrl-r, f5, space, enter or the like
keys-clash = { $file }, line { $line }: the key "{ $key }" belongs to "{ $other }" already

## Undo

do-undo = undo
help-undo = take back the last action
why-nothing-to-undo = There is nothing to take back.
toast-undo = { $said } ({ $key } takes it back)

## Running requests

phase-reading = reading
phase-held = held
phase-waiting = retry
phase-asking = asked
phase-answering = answers
wait-key = key in { $left }: { $why }
wait-gives-up = until { $left }: { $why }
wait-again = again in { $left }
passed-until = until { $time } ({ $span })
chosen-not = free too; another came first
details-running = Running request
details-phase = { $phase }, for { $since }
details-gives-up = gives up { $moment } (in { $span })
details-process = { $name } (pid { $pid })
fact-doing = Now
fact-keys = Keys
fact-process = Program
fact-session = Session
act-nobody = nobody: it comes back by itself
act-enable = you: put it back into use (e)
act-unblock = you: unblock it (u)
act-check-quota = nobody: it serves when a quota check succeeds (h checks now)
act-pay = you: pay or renew the plan, then unblock the key (u)
act-ask-support = you: ask the provider's support, the account was flagged or closed
act-replace-key = you: make a new key in the account, this one is no longer valid
act-other-client = you: use a client that the plan allows
act-other-model = you: take another model or plan
act-check-plan = you: see what the account's plan allows
act-mend-request = the client: its request must change
do-cancel = cancel
help-cancel = end the selected running request, after a question
do-send-to = send to
help-send-to = let the selected running request go on with another key
why-ended = This request has ended already.
why-reading = The request is still coming in; it can be ended (x), not sent to another key.
why-answering = Its answer has begun; it can be ended (x), not sent to another key.
why-one-key = There is no other key.
cancel-question = End { $method } { $path }? The client gets an error that says so.
cancel-answering-question = End { $method } { $path }? The client sees its answer cut off.
pick-key-title = Go on with which key?
pick-key-question = What the other key was asked is given up; it may still be billed.
pick-key-free = can serve
foot-pick-key = Enter send  Esc cancel
