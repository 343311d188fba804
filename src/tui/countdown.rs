//! How long the screen stays true by itself. Not what changes it from outside.

use std::time::Duration;

use jiff::Timestamp;

use super::app::App;
use crate::domain::{
    now::{since, until},
    snapshot::{CircuitState, KeyView, Skip, Snapshot, UsageView},
};

/// A second while something counts down, else a minute, for the clock.
pub(super) fn stays_true(app: &App, snapshot: &Snapshot, now: Timestamp) -> Duration {
    let counts = !app.toasts.is_empty()
        || !snapshot.running.is_empty()
        || snapshot.hosts.iter().any(|host| matches!(host.circuit, CircuitState::Open { .. }))
        || snapshot.keys.iter().any(|key| counts_seconds(key, now));
    let into_minute = u64::try_from(now.as_second().rem_euclid(60)).unwrap_or_default();
    Duration::from_secs(if counts { 1 } else { 60 - into_minute })
}

/// Until when a key is passed over.
pub(crate) const fn back_at(skip: &Skip) -> Option<Timestamp> {
    match skip {
        Skip::Blocked { until, .. } | Skip::QuotaEmpty { until } => *until,
        Skip::CoolingDown { until, .. }
        | Skip::RateLimited { until }
        | Skip::ModelRefused { until }
        | Skip::SlowStart { until }
        | Skip::CircuitOpen { until } => Some(*until),
        Skip::Disabled | Skip::Unauthorized | Skip::UsageUnknown | Skip::Full { .. } | Skip::Tried => None,
    }
}

/// Whether a second changes what is shown of this key.
fn counts_seconds(key: &KeyView, now: Timestamp) -> bool {
    const HOUR: Duration = Duration::from_secs(3_600);
    let soon = |moment: Timestamp| moment > now && until(moment, now) <= HOUR;
    let resets = match &key.usage {
        UsageView::Known { usage, .. } | UsageView::Failed { usage: Some(usage), .. } => usage.windows.as_slice(),
        _ => &[],
    };
    key.skip.as_ref().and_then(back_at).is_some_and(soon)
        || key.last_used.is_some_and(|used| since(used, now) < Duration::from_secs(60))
        || resets.iter().filter_map(|window| window.resets_at).any(soon)
}
