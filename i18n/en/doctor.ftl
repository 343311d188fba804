# doctor: words for people. One id, one meaning; the same ids in every language.

doctor-env-file = Settings file
doctor-env-file-read = { $path } was read
doctor-env-file-none = none; defaults and the environment apply
doctor-keys = Keys
doctor-keys-none = no key in { $path }
doctor-keys-none-fix = Put a file like alpha.env with KMI_API_KEY=… there, then start again.
doctor-keys-found = { $count ->
    [one] { $count } key was loaded
   *[other] { $count } keys were loaded
}
doctor-keys-blocked = { $count ->
    [one] { $count } key is blocked: { $labels }
   *[other] { $count } keys are blocked: { $labels }
}
doctor-keys-blocked-fix = Look at their accounts; unblock with u in the keys pane when it is settled.
doctor-settings = Settings and auth files
doctor-usage = Quota checks
doctor-usage-failed = { $count ->
    [one] { $count } key could not be checked: { $labels } ({ $fault })
   *[other] { $count } keys could not be checked: { $labels } ({ $fault })
}
doctor-usage-failed-fix = Press h to check again. Keys of the open platform have no quota report.
doctor-dry-run = Dry run
doctor-dry-run-off = off: requests go to the upstream
doctor-dry-run-on = on: nothing is sent upstream
doctor-dry-run-fix = Set KMI_DRY_RUN=0, or start without --dry-run.
doctor-auto-rotation = Auto-rotation
doctor-auto-rotation-on = on: a conversation moves from key to key and loses the upstream's prompt cache each time
doctor-auto-rotation-on-fix = Set KMI_AFFINITY_SECONDS=3600, so that a conversation stays on its key; or switch it off with a.
doctor-auto-rotation-affine = on, and a conversation stays on its key
doctor-auto-rotation-off = allowed, and off
doctor-auto-rotation-not-allowed = not allowed (KMI_AUTO_ROTATE_ALLOWED=0); requests go to the active key
doctor-bind = Proxy
doctor-bind-local = { $address }, this machine only
doctor-bind-local-token = { $address }, this machine only, with a token
doctor-bind-remote = { $address } is open to the network, with a token
doctor-bind-open = { $address } is open to the network without a token
doctor-upstream = Upstream
doctor-upstream-not-tried = not tried in a dry run
doctor-upstream-reached = { $host } accepts connections ({ $ms } ms)
doctor-upstream-unreachable = { $host } can't be reached: { $error }
doctor-upstream-fix = Check the network, DNS and KMI_UPSTREAM_BASE_URL.
doctor-permissions = File permissions
doctor-permissions-fine = keys and state are for you alone
doctor-permissions-open = { $count ->
    [one] { $count } path can be read by others: { $paths }
   *[other] { $count } paths can be read by others: { $paths }
}
doctor-permissions-fix = chmod 700 the folders and 600 the files.
doctor-state = State file
doctor-trace = Trace
doctor-log = Log
doctor-file-missing = not written yet
doctor-file-present = { $kilobytes } KB
doctor-file-unreadable = can't be read: { $error }
doctor-file-unreadable-fix = Give the file back to your user, or choose another --state-dir.
