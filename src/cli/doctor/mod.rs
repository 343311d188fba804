//! `kmi-tui doctor`: looks at everything, says what is not as it should be, and fails when something can't work. It
//! changes nothing unless it is told to (`actions`). Not the checks themselves (`crate::doctor`).

mod actions;
mod report;

use std::{sync::Arc, time::Duration};

use clap::Args;
use tokio::time::timeout;

use super::{
    FAILED, Stop,
    run::{self, Kind},
};
use crate::{
    config::{self, AuthFiles, Config, Environment, Flags},
    control::Client,
    doctor::{self, Instance, Sources},
    domain::{command::Severity, key::Key, message::Message, snapshot::Snapshot},
    engine,
    i18n::Words,
    store::{
        lock,
        state::{Peeked, StoredState, peek},
    },
};

/// An instance that runs answers within this.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the doctor is asked for.
#[derive(Debug, Clone, Args)]
pub(super) struct Asked {
    #[arg(long)]
    json: bool,
    #[arg(long)]
    recheck_keys: bool,
    #[arg(long)]
    clear_blocklist: bool,
    #[arg(long)]
    fix: bool,
}

/// Looks, after having done what it was asked to do; an error when something fails.
pub(super) async fn run(asked: &Asked, flags: Flags, environment: &Environment, words: &Words) -> Result<(), Stop> {
    let (loaded, mut problems) = config::examine(&flags, environment);
    let look = |config: Option<&Config>| report::Look {
        as_json: asked.json,
        plain: flags.plain || flags.no_color || config.is_some_and(|config| config.plain || config.no_color),
    };
    let Some(loaded) = loaded else {
        let findings = doctor::wrong_settings(&problems);
        return told(report::tell(&findings, &actions::impossible(asked), &look(None), words));
    };
    let config = loaded.config.clone();
    let words = Words::new(config.locale, config.zone.clone());
    let look = look(Some(&config));
    let sound = problems.iter().all(|problem| problem.severity < Severity::Fail);
    let auths = AuthFiles::default().load(&config, environment);
    problems.extend(auths.warnings);
    let sources = Sources::new(&config, environment, problems, &auths.keys);
    let (mut done, seen) = actions::on_keys(asked, flags, loaded, sound, environment).await;
    if asked.fix {
        done.push(actions::fix(&sources));
    }
    let (snapshot, instance) = match seen {
        Some(seen) => seen,
        None => stand(&config, auths.keys).await,
    };
    let findings = doctor::examine(Arc::new(sources), &snapshot, instance).await;
    told(report::tell(&findings, &done, &look, &words))
}

/// Closes the program's own files and the auth files to others; an error when some are left open.
pub(super) fn tighten(sources: &Sources) -> Result<Message, Message> {
    let done = actions::fix(sources);
    if done.left == 0 { Ok(done.message) } else { Err(done.message) }
}

/// How things stand: by the running instance, else by the files, of which none is made or locked.
async fn stand(config: &Config, keys: Vec<Key>) -> (Arc<Snapshot>, Instance) {
    let instance = match timeout(PATIENCE, ask(config)).await {
        Ok(Ok(Some(snapshot))) => return (snapshot.clone(), running(&snapshot)),
        Ok(Ok(None)) => None,
        Ok(Err(why)) => Some(why),
        Err(late) => Some(Message::new("control-silent").with("error", late.to_string())),
    };
    let instance = match (instance, lock::owner(&config.state_dir)) {
        (None, None) => Instance::None,
        (why, pid) => Instance::Silent { pid, why },
    };
    let state = match peek(&config.state_dir) {
        Peeked::Read { state, .. } => *state,
        Peeked::Missing | Peeked::Unreadable(_) | Peeked::Corrupt => StoredState::default(),
    };
    let setup = run::setup(config, Kind::Live, config.listen.address);
    (Arc::new(engine::preview(config.policy.clone(), setup, keys, &state)), instance)
}

async fn ask(config: &Config) -> Result<Option<Arc<Snapshot>>, Message> {
    let Some(mut client) = Client::connect(&config.state_dir).await.map_err(|error| error.message())? else {
        return Ok(None);
    };
    client.snapshot().await.map(Some).map_err(|error| error.message())
}

fn running(snapshot: &Snapshot) -> Instance {
    Instance::Running { pid: snapshot.setup.pid, version: snapshot.setup.version.clone() }
}

fn told(well: bool) -> Result<(), Stop> {
    if well { Ok(()) } else { Err(Stop { code: FAILED, text: String::new() }) }
}
