//! Follows changed settings and auth files while the program runs: reads them anew, hands what takes effect at once to the
//! engine, and says what needs a restart. Not how changes are noticed (`config::Watcher`).

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::watch;

use super::run::{Kind, setup};
use crate::{
    config::{self, AuthFiles, Config, Environment, Flags, Loaded, Pace, Problem, Watched, Watcher},
    doctor::Sources,
    domain::{key::Key, setting::SettingView, snapshot::Setup},
    engine::{Engine, task},
    i18n::{Locale, Words},
};

/// What was read last, and what it takes to read it again.
#[derive(Debug)]
pub(super) struct Follower {
    flags: Flags,
    environment: Environment,
    /// What the program started with: it tells what needs a restart.
    started: Loaded,
    latest: Option<Loaded>,
    /// What is in force.
    config: Config,
    auth_files: AuthFiles,
    problems: Vec<Problem>,
}

/// What to watch, and how often to look.
pub(super) fn watcher(config: &Config, flags: &Flags, environment: &Environment) -> Watcher {
    Watcher::new(Watched::new(config, flags, environment), Pace::default())
}

impl Follower {
    /// Reads the auth files for the first time.
    pub(super) fn new(flags: Flags, environment: Environment, started: Loaded) -> (Self, Vec<Key>) {
        let config = started.config.clone();
        let mut auth_files = AuthFiles::default();
        let auths = auth_files.load(&config, &environment);
        let problems = started.warnings.iter().cloned().chain(auths.warnings).collect();
        (Self { flags, environment, started, latest: None, config, auth_files, problems }, auths.keys)
    }

    /// Warnings of the settings and of the auth files, as they were read last.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Settings as they are in force.
    pub(super) fn settings(&self) -> Vec<SettingView> {
        config::in_force(&self.started, self.latest.as_ref().unwrap_or(&self.started))
    }

    /// Reads everything anew; the answer is the keys, and the problems that were not there before. Waits for the disk.
    fn read(&mut self) -> (Vec<Key>, Vec<Problem>) {
        let before = self.latest.as_ref().unwrap_or(&self.started);
        let mut problems: Vec<Problem> = match config::reload(&self.flags, &self.environment, before) {
            Ok(read) => {
                self.config = self.config.reloaded(&read.config);
                let waiting = config::needs_restart(&self.started, &read);
                let problems = read.warnings.iter().cloned().chain(waiting).collect();
                self.latest = Some(read);
                problems
            }
            // What was good stays in force.
            Err(problems) => problems,
        };
        let auths = self.auth_files.load(&self.config, &self.environment);
        problems.extend(auths.warnings);
        let new = problems.iter().filter(|problem| !self.problems.contains(problem)).cloned().collect();
        self.problems = problems;
        (auths.keys, new)
    }
}

/// Follows until it is dropped.
pub(super) async fn follow(
    mut follower: Follower,
    mut watcher: Watcher,
    engine: Engine,
    kind: Kind,
    bound: SocketAddr,
    doctor: watch::Sender<Arc<Sources>>,
) {
    let mut fault = None;
    loop {
        // The first time at once: something may have changed between reading and watching.
        let reading = task::blocking(move || {
            let (keys, new) = follower.read();
            (follower, keys, new)
        });
        let Some((read, keys, mut new)) = reading.await else {
            tracing::error!("files_are_not_followed_any_more");
            return;
        };
        follower = read;
        let config = &follower.config;
        watcher.watch(Watched::new(config, &follower.flags, &follower.environment));
        if watcher.fault() != fault {
            fault = watcher.fault();
            new.extend(fault.clone().map(Problem::warn));
        }
        let sources = Sources::new(config, &follower.environment, follower.problems.clone(), &keys);
        let setup = Setup { settings: follower.settings(), ..setup(config, kind, bound) };
        let reloaded = engine.reload(config.policy.clone(), setup, keys);
        if !reloaded.is_empty() {
            let count = |labels: &[_]| labels.len();
            let (added, changed, removed) =
                (count(&reloaded.added), count(&reloaded.changed), count(&reloaded.removed));
            tracing::info!(added, changed, removed, "auth_files_reloaded");
        }
        tell(&engine, new, config);
        doctor.send_replace(Arc::new(sources));
        tokio::select! {
            () = watcher.changed() => {}
            () = engine.reload_wanted() => {}
        }
    }
}

fn tell(engine: &Engine, problems: Vec<Problem>, config: &Config) {
    let english = Words::new(Locale::English, config.zone.clone());
    for problem in problems {
        tracing::warn!(warning = english.render(&problem.message), "settings_warning");
        engine.tell(problem.severity, problem.message);
    }
}
