//! `kmi-tui doctor`: looks at everything, says what is not as it should be, and fails when something can't work. It
//! changes nothing unless it is told to (`actions`). Not the checks themselves (`crate::doctor`).

mod actions;
mod report;

use std::sync::Arc;

use clap::Args;

use super::{
    FAILED, Stop,
    run::{self, Kind},
};
use crate::{
    config::{self, AuthFiles, Config, Environment, Flags},
    control::Client,
    doctor::{self, Instance, Sources},
    domain::{command::Severity, key::Key, snapshot::Snapshot},
    engine,
    i18n::Words,
    store::{
        lock,
        state::{Peeked, StoredState, peek},
    },
};

/// What the doctor is asked for.
#[derive(Debug, Args)]
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
        return told(report::tell(&findings, &[], &look(None), words));
    };
    let config = loaded.config.clone();
    let words = Words::new(config.locale, config.zone.clone());
    let look = look(Some(&config));
    let sound = problems.iter().all(|problem| problem.severity < Severity::Fail);
    let auths = AuthFiles::default().load(&config, environment);
    problems.extend(auths.warnings);
    let sources = Sources::new(&config, environment, problems, &auths.keys);
    let mut done = Vec::new();
    let mut seen = None;
    if asked.clear_blocklist || asked.recheck_keys {
        let loaded = sound.then_some(loaded);
        let acted = actions::on_keys(asked, flags, &config, loaded, environment, &words).await;
        (done, seen) = (acted.done, acted.seen);
    }
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

/// How things stand: by the running instance, else by the files, of which none is made or locked.
async fn stand(config: &Config, keys: Vec<Key>) -> (Arc<Snapshot>, Instance) {
    let instance = match Client::connect(&config.state_dir).await {
        Ok(Some(mut client)) => match client.snapshot().await {
            Ok(snapshot) => return (snapshot.clone(), running(&snapshot)),
            Err(error) => silent(config, error.to_string()),
        },
        Ok(None) => match lock::owner(&config.state_dir) {
            Some(pid) => Instance::Silent { pid: Some(pid), error: "it has no control socket".to_owned() },
            None => Instance::None,
        },
        Err(error) => silent(config, error.to_string()),
    };
    let state = match peek(&config.state_dir) {
        Peeked::Read { state, .. } => *state,
        Peeked::Missing | Peeked::Unreadable(_) | Peeked::Corrupt => StoredState::default(),
    };
    let setup = run::setup(config, Kind::Live, config.listen.address.port());
    (Arc::new(engine::preview(config.policy.clone(), setup, keys, &state)), instance)
}

fn running(snapshot: &Snapshot) -> Instance {
    Instance::Running { pid: snapshot.setup.pid, version: snapshot.setup.version.clone() }
}

fn silent(config: &Config, error: String) -> Instance {
    Instance::Silent { pid: lock::owner(&config.state_dir), error }
}

fn told(well: bool) -> Result<(), Stop> {
    if well { Ok(()) } else { Err(Stop { code: FAILED, text: String::new() }) }
}
