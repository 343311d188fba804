//! Is everything as it should be? Facts are gathered without side effects, then judged by a table of pure checks.

mod checks;
mod facts;

use crate::engine::Engine;

pub(crate) use self::facts::Sources;

/// Examines at start and whenever somebody asks; the findings go into the engine's snapshots.
pub(crate) async fn run(engine: Engine, sources: Sources) {
    loop {
        let snapshot = engine.snapshots().borrow().clone();
        let facts = sources.gather(&snapshot).await;
        engine.set_findings(checks::judge(&facts));
        engine.doctor_wanted().await;
    }
}
