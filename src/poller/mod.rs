//! Health polling: asks `/usages` for every key that is due, side by side. When a key is due is `domain::pool`'s to say.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{
    domain::{
        pool::{Check, CheckFault},
        usage::{Usage, Window, WindowKind},
    },
    engine::{Engine, task},
    upstream::Upstream,
};

/// How often the poller looks what is due.
const LOOK: Duration = Duration::from_secs(1);
/// Checks that run at once.
const SIDE_BY_SIDE: usize = 8;

/// Polls until it is dropped. In dry-run nothing is asked and every key is full.
pub(crate) async fn run(engine: Engine, upstream: Upstream, dry_run: bool) {
    let room = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = engine.checks_wanted() => {}
        }
        for check in engine.due_checks() {
            let (engine, upstream, room) = (engine.clone(), upstream.clone(), room.clone());
            task::spawn(async move {
                // The semaphore is never closed.
                let _permit = room.acquire().await;
                let result = ask(&engine, &upstream, &check, dry_run).await;
                engine.checked(&check, result);
            });
        }
    }
}

async fn ask(engine: &Engine, upstream: &Upstream, check: &Check, dry_run: bool) -> Result<Usage, CheckFault> {
    if dry_run {
        return Ok(full());
    }
    upstream.fetch_usage(&check.key, engine.now().wall).await
}

/// A report of a key that nothing was used of.
fn full() -> Usage {
    let window =
        Window { kind: WindowKind::Week, left: Some(1.0), used: Some(0.0), limit: Some(100.0), resets_at: None };
    Usage { windows: vec![window], ..Usage::default() }
}
