# notice: words for people. One id, one meaning; the same ids in every language.

span-seconds = { $large } s
span-minutes = { $small ->
    [0] { $large } min
   *[other] { $large } min { $small } s
}
span-hours = { $small ->
    [0] { $large } h
   *[other] { $large } h { $small } min
}
span-days = { $small ->
    [0] { $large } d
   *[other] { $large } d { $small } h
}

notice-rotated = Active key is now { $label }: { $why }.{ $price }
notice-price = {" "}{ $tokens } cached tokens of { $count ->
    [one] { $count } conversation
   *[other] { $count } conversations
} stay with { $label }.
notice-stayed = Active key stays { $label }: { $why }.
why-only-eligible = no other key can serve
why-status = it is in the best state
why-remaining = it has the most quota left
why-error-rate = it has the fewest errors
why-tie-moves = several keys are equally good, and it is next in turn
why-tie-stays = no other key is better
why-asked = as you asked
notice-auto-rotate-on = Auto-rotation is on: each request goes to the next healthy key.
notice-auto-rotate-off = Auto-rotation is off: requests go to the active key.
notice-blocked = { $label } is blocked until you unblock it.
notice-blocked-until = { $label } is blocked until { $until }.
notice-unblocked = { $label } is unblocked; nothing stands against it any more.
notice-cancelled = Request { $id } was ended.
notice-sent-to = Request { $id } goes on with { $label }.
notice-refreshing = Checking the quota of every key.
notice-doctor = The checks are running.
notice-cooled-down = { $label } rests until { $until }: { $cause }.
notice-key-blocked-until = { $label } was refused for payment; it is blocked until { $until }.
notice-key-blocked-for-good = { $label } was blocked by the upstream. Look at its account, then unblock it.
notice-key-unauthorized = { $label } was refused as invalid (401). It serves again when a quota check succeeds.
notice-key-cleared = { $label } is well again.

notice-keys-added = { $more ->
    [0] { $label } was added.
    [one] { $label } and { $more } more key were added.
   *[other] { $label } and { $more } more keys were added.
}
notice-keys-changed = { $more ->
    [0] { $label } was changed.
    [one] { $label } and { $more } more key were changed.
   *[other] { $label } and { $more } more keys were changed.
}
notice-keys-removed = { $more ->
    [0] { $label } was removed. Its running requests finish.
    [one] { $label } and { $more } more key were removed. Their running requests finish.
   *[other] { $label } and { $more } more keys were removed. Their running requests finish.
}

shared-client-identity = All { $count } keys answered “{ $cause }” to { $client }, and it was never served before: the upstream probably does not accept this client program. No key is blamed.
shared-address = All { $count } keys answered “{ $cause }” within seconds: the limit is probably on your network address, not on the keys. No key is blamed.
shared-request = All { $count } keys answered “{ $cause }” to one request while others were served: the request itself is probably the cause. No key is blamed.
shared-upstream-busy = All { $count } keys answered “{ $cause }”: the upstream is busy. No key is blamed; try again in a moment.
shared-upstream = All { $count } keys answered “{ $cause }” within seconds: the upstream, or your network, is at fault. No key is blamed.

refused-no-keys = There is no key. Add one with kmi-tui keys add; kmi-tui doctor names files that can't be used.
refused-none-eligible = No key can serve now, so there is none to rotate to.
refused-unknown-label = There is no key called { $label }.
refused-not-eligible = { $label } can't serve now: { $why }.
refused-not-eligible-until = { $label } can't serve before { $until }: { $why }.
refused-request-ended = Request { $id } has ended already.
refused-reading = Request { $id } is still coming in: it can be ended, not sent to another key.
refused-answering = The answer to request { $id } has begun: it can be ended, not sent to another key.
refused-auto-rotate = Auto-rotation is not allowed. Set KMI_AUTO_ROTATE_ALLOWED=1 if your provider's terms permit pooling keys.

store-create-failed = { $path } can't be made: { $error }. Check the folder's permissions, or choose another with --state-dir.
store-read-failed = { $path } can't be read: { $error }. Check its permissions; it was left as it is.
store-write-failed = { $path } can't be written: { $error }. Check its permissions and the space on the disk.
store-lock-failed = { $path } can't be locked: { $error }. Another program may hold it; try again.
store-held = Another kmi-tui uses the state folder { $path }. Stop it, or choose another with --state-dir.
store-held-by = Another kmi-tui (pid { $pid }) uses the state folder { $path }. Stop it, or choose another with --state-dir.
state-corrupt = state.json could not be read and was set aside as { $path }; counters start anew.
state-newer = state.json was written by a newer version; what is not known here is kept.
state-odd-field = state.json: { $field } is not what it should be and was reset.
notice-background = A proxy in the background takes over …
notice-background-failed = No proxy in the background: { $reason }
notice-reloading = Reading settings and auth files anew …
notice-unblocked-all = { $count ->
    [0] No key is blocked or resting.
    [one] { $count } key is used again.
   *[other] { $count } keys are used again.
}

tls-unread = { $path } can't be read: { $error }.
tls-no-certificate = There is no certificate in { $path }. It must be PEM, beginning with BEGIN CERTIFICATE.
tls-no-key = There is no private key in { $path }. It must be PEM, beginning with BEGIN PRIVATE KEY.
tls-unfit = { $cert } and { $key } can't be used together: { $error }.
tls-reloaded = The new TLS certificate is in use.
tls-not-reloaded = The TLS files changed and can't be used, so the old certificate stays. { $why }

alert-blocked = { $label } is blocked: { $why }.
alert-all-out = No key can serve any more.
alert-all-out-until = No key can serve before { $until }.
alert-quota = { $label }: { $left }% of its quota left ({ $window }).
alert-more = { $count ->
    [one] And one more event.
   *[other] And { $count } more events.
}
