//! Is everything as it should be? Facts are gathered without side effects, then judged by a table of pure checks.

mod checks;
mod facts;

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    config::Problem,
    domain::snapshot::{Finding, Snapshot},
    engine::Engine,
};

pub(crate) use self::facts::{Instance, Sources, holder};

/// Examines at start and whenever somebody asks; the findings go into the engine's snapshots. `sources` may change.
pub(crate) async fn run(engine: Engine, sources: watch::Receiver<Arc<Sources>>) {
    loop {
        let snapshot = engine.snapshots().borrow().clone();
        let current = sources.borrow().clone();
        engine.set_findings(examine(current, &snapshot, Instance::Own).await);
        engine.doctor_wanted().await;
    }
}

/// Looks at everything once; changes nothing.
pub(crate) async fn examine(sources: Arc<Sources>, snapshot: &Arc<Snapshot>, instance: Instance) -> Vec<Finding> {
    checks::judge(&facts::gather(sources, snapshot, instance).await)
}

/// What can be said when the settings are so wrong that there is nothing else to look at.
pub(crate) fn wrong_settings(problems: &[Problem]) -> Vec<Finding> {
    checks::wrong_settings(problems)
}
