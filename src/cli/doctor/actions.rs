//! What the doctor does when it is told to: unblock keys, ask about them now, close files to others. Each says how much it
//! did and how much is left.

use std::{path::Path, sync::Arc};

use super::{Asked, running};
use crate::{
    cli::{
        Stop, recheck,
        target::{self, Target},
    },
    config::{Config, Environment, Flags, Loaded},
    doctor::{Instance, Sources},
    domain::{
        command::Command,
        message::{Argument, Message},
        snapshot::{KeyView, Mode, Skip, Snapshot},
    },
    i18n::{Locale, Words},
};

/// What came of an action.
#[derive(Debug)]
pub(super) struct Done {
    /// For scripts, as the remedy that it is.
    pub(super) id: &'static str,
    pub(super) done: usize,
    /// What it should have done and could not.
    pub(super) left: usize,
    pub(super) message: Message,
    pub(super) details: Vec<Message>,
    /// It was carried out at all.
    pub(super) carried_out: bool,
}

const CLEAR: &str = "clear_blocklist";
const RECHECK: &str = "recheck_keys";
const FIX: &str = "fix_permissions";

const WRONG_SETTINGS: &str = "doctor-not-done-settings";

/// How things stand after an action.
type Seen = (Arc<Snapshot>, Instance);

/// Unblocks and asks, through the running instance or on the files; without either wish it does nothing. Settings that
/// are not `sound` may name hosts that no key should be sent to.
pub(super) async fn on_keys(
    asked: &Asked,
    flags: Flags,
    loaded: Loaded,
    sound: bool,
    environment: &Environment,
) -> (Vec<Done>, Option<Seen>) {
    if of_keys(asked).is_empty() {
        return (Vec::new(), None);
    }
    let config = loaded.config.clone();
    // The report says it again in its own language.
    let words = Words::new(if asked.json { Locale::English } else { config.locale }, config.zone.clone());
    let not_done =
        |why: Argument| (of_keys(asked).into_iter().map(|id| Done::refused(id, why.clone())).collect(), None);
    let target = match target::running(&config, &words).await {
        Ok(Some(client)) => Ok(Target::Running(Box::new(client))),
        Ok(None) if sound => Target::find(flags, loaded, environment, &words).await,
        Ok(None) => return not_done(Message::new(WRONG_SETTINGS).into()),
        Err(stop) => Err(stop),
    };
    let mut target = match target {
        Ok(target) => target,
        Err(stop) => return not_done(stop.text.into()),
    };
    let acted = act(asked, &config, &mut target, &words).await;
    target.finish().await;
    acted.map_or_else(|stop| not_done(stop.text.into()), |(done, seen)| (done, Some(seen)))
}

/// Every action that is asked for, when the settings do not even say where the files are.
pub(super) fn impossible(asked: &Asked) -> Vec<Done> {
    let ids = of_keys(asked).into_iter().chain(asked.fix.then_some(FIX));
    ids.map(|id| Done::refused(id, Message::new(WRONG_SETTINGS).into())).collect()
}

fn of_keys(asked: &Asked) -> Vec<&'static str> {
    let wanted = [(asked.clear_blocklist, CLEAR), (asked.recheck_keys, RECHECK)];
    wanted.into_iter().filter_map(|(wanted, id)| wanted.then_some(id)).collect()
}

/// Closes the program's own files and the auth files to others.
pub(super) fn fix(sources: &Sources) -> Done {
    let tightened = sources.tighten();
    let (done, left) = (tightened.done.len(), tightened.left.len());
    let named = |id, path: &Path| Message::new(id).with("path", path.display().to_string());
    let closed =
        tightened.done.iter().map(|(path, mode)| named("doctor-fixed-path", path).with("mode", format!("{mode:o}")));
    let open = tightened.left.iter().map(|(path, error)| named("doctor-fix-left", path).with("error", error.clone()));
    Done { details: closed.chain(open).collect(), ..Done::counted(FIX, "doctor-fixed", done, left) }
}

impl Done {
    fn new(id: &'static str, message: Message, done: usize, left: usize) -> Self {
        Self { id, done, left, message, details: Vec::new(), carried_out: true }
    }

    fn counted(id: &'static str, said: &'static str, done: usize, left: usize) -> Self {
        Self::new(id, Message::new(said).with("done", done).with("left", left), done, left)
    }

    fn refused(id: &'static str, why: Argument) -> Self {
        let message = Message::new("doctor-not-done").with("reason", why);
        Self { carried_out: false, ..Self::new(id, message, 0, 0) }
    }
}

async fn act(asked: &Asked, config: &Config, target: &mut Target, words: &Words) -> Result<(Vec<Done>, Seen), Stop> {
    let mut done = Vec::new();
    if asked.clear_blocklist {
        done.push(clear(target, words).await?);
    }
    if asked.recheck_keys {
        done.push(recheck(config, target, words).await?);
    }
    let snapshot = target.snapshot(words).await?;
    let instance = if target.is_running() { running(&snapshot) } else { Instance::None };
    Ok((done, (snapshot, instance)))
}

async fn clear(target: &mut Target, words: &Words) -> Result<Done, Stop> {
    let blocked = |snapshot: &Snapshot| snapshot.keys.iter().filter(|key| is_blocked(key)).count();
    let before = blocked(&*target.snapshot(words).await?);
    target.command(Command::UnblockAll, words).await?;
    let left = blocked(&*target.snapshot(words).await?);
    Ok(Done::counted(CLEAR, "doctor-cleared", before.saturating_sub(left), left))
}

async fn recheck(config: &Config, target: &mut Target, words: &Words) -> Result<Done, Stop> {
    let before = target.snapshot(words).await?;
    if before.setup.mode == Mode::DryRun {
        return Ok(Done::new(RECHECK, Message::new("doctor-rechecked-dry"), 0, 0));
    }
    let answers = recheck::ask(target, config, words).await?;
    let (good, all) = (answers.good(), answers.all());
    Ok(Done::counted(RECHECK, "doctor-rechecked", all, all - good))
}

fn is_blocked(key: &KeyView) -> bool {
    matches!(key.skip, Some(Skip::Blocked { .. }))
}
