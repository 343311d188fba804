//! Is everything as it should be? Facts are gathered without side effects, then judged by a table of pure checks.

mod checks;
mod facts;

use std::sync::Arc;

use tokio::sync::watch;

use crate::engine::Engine;

pub(crate) use self::facts::Sources;

/// Examines at start and whenever somebody asks; the findings go into the engine's snapshots. `sources` may change.
pub(crate) async fn run(engine: Engine, sources: watch::Receiver<Arc<Sources>>) {
    loop {
        let snapshot = engine.snapshots().borrow().clone();
        let current = sources.borrow().clone();
        let facts = current.gather(&snapshot).await;
        engine.set_findings(checks::judge(&facts));
        engine.doctor_wanted().await;
    }
}
