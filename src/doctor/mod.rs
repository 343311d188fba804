//! Is everything as it should be? Facts are gathered without side effects, then judged by a table of pure checks.

mod checks;
mod facts;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    config::Problem,
    domain::snapshot::{Finding, Snapshot},
    engine::Engine,
};

pub(crate) use self::facts::{Instance, Sources, holder};

/// What is known of the keys changes by itself: it is judged anew this often, without looking at anything else again.
const JUDGE_EVERY: Duration = Duration::from_secs(3);

/// Examines at start, after a change, and whenever somebody asks; the findings go into the engine's snapshots. `sources`
/// may change. With checks switched off no host is asked unless somebody wants to know.
pub(crate) async fn run(engine: Engine, sources: watch::Receiver<Arc<Sources>>) {
    let mut wanted = false;
    loop {
        let snapshot = engine.snapshots().borrow().clone();
        let current = sources.borrow().clone();
        let ask = wanted || current.polls();
        let mut facts = facts::gather(current, &snapshot, Instance::Own, ask).await;
        wanted = loop {
            facts.snapshot = engine.snapshots().borrow().clone();
            let findings = checks::judge(&facts);
            if *facts.snapshot.findings != *findings {
                engine.set_findings(findings);
            }
            tokio::select! {
                () = engine.doctor_wanted() => break true,
                () = engine.doctor_outdated() => break false,
                () = tokio::time::sleep(JUDGE_EVERY) => {}
            }
        };
    }
}

/// Looks at everything once; changes nothing.
pub(crate) async fn examine(sources: Arc<Sources>, snapshot: &Arc<Snapshot>, instance: Instance) -> Vec<Finding> {
    checks::judge(&facts::gather(sources, snapshot, instance, true).await)
}

/// What can be said when the settings are so wrong that there is nothing else to look at.
pub(crate) fn wrong_settings(problems: &[Problem]) -> Vec<Finding> {
    checks::wrong_settings(problems)
}
