//! Asking the upstream about every key now, through the running instance or by ourselves, and waiting for the answers.

use std::{io::IsTerminal, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::{Stop, complain, target::Target};
use crate::{
    config::Config,
    domain::{
        message::Message,
        snapshot::{KeyView, Skip, Snapshot, UsageView},
    },
    i18n::Words,
};

/// How often the answers are counted.
const STEP: Duration = Duration::from_millis(100);
/// What takes longer is told of while it goes on.
const SILENT: Duration = Duration::from_secs(1);
/// How long keys are waited for: so long for each batch of as many as are asked at once.
const PATIENCE: Duration = Duration::from_secs(15);
const BATCH: usize = 8;

/// How the keys stand after they were asked about.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) snapshot: Arc<Snapshot>,
    asked_at: Timestamp,
}

impl Answers {
    /// Keys that were asked about: all that are not disabled.
    pub(super) fn all(&self) -> usize {
        asked(&self.snapshot).count()
    }

    /// Keys whose answer was good.
    pub(super) fn good(&self) -> usize {
        asked(&self.snapshot).filter(|key| self.is_good(key)).count()
    }

    pub(super) fn is_good(&self, key: &KeyView) -> bool {
        matches!(key.usage, UsageView::Known { .. }) && self.is_answered(key)
    }

    fn is_answered(&self, key: &KeyView) -> bool {
        answered_at(key).is_some_and(|at| at >= self.asked_at)
    }
}

/// Asks and waits, and says how it goes on where somebody looks.
pub(super) async fn ask(target: &mut Target, config: &Config, words: &Words) -> Result<Answers, Stop> {
    let before = target.snapshot(words).await?;
    let batches = u32::try_from(asked(&before).count().div_ceil(BATCH)).unwrap_or(u32::MAX);
    let (began, mut told) = (Instant::now(), 0);
    let deadline = began + PATIENCE.saturating_mul(batches);
    target.check(config, words).await?;
    loop {
        let answers = Answers { snapshot: target.snapshot(words).await?, asked_at: before.at };
        let (done, all) = (asked(&answers.snapshot).filter(|key| answers.is_answered(key)).count(), answers.all());
        if done >= all || Instant::now() >= deadline {
            return Ok(answers);
        }
        if done > told && began.elapsed() > SILENT && std::io::stderr().is_terminal() {
            told = done;
            complain(&words.render(&Message::new("doctor-rechecking").with("done", done).with("all", all)));
        }
        sleep(STEP).await;
    }
}

/// When the last answer came.
pub(super) fn answered_at(key: &KeyView) -> Option<Timestamp> {
    match &key.usage {
        UsageView::Unknown => None,
        UsageView::Failed { at, .. } | UsageView::Known { at, .. } => Some(*at),
    }
}

fn asked(snapshot: &Snapshot) -> impl Iterator<Item = &KeyView> {
    snapshot.keys.iter().filter(|key| key.skip != Some(Skip::Disabled))
}
