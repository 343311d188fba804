//! Settings that are read again while the program runs: what takes effect at once, and what needs a restart. Not when
//! to read them (`watch`).

use super::{
    Config, Environment, Flags, Loaded, Problem, Source,
    layers::{self, Reading},
    load, settings,
};
use crate::domain::{command::Severity, message::Message};

/// Reads everything anew; `before` is what was loaded last, and what stays in force when this fails: with a value that
/// is wrong, and with a `.env` that is there and can't be read, which must not turn its settings into defaults.
pub(crate) fn reload(flags: &Flags, environment: &Environment, before: &Loaded) -> Result<Loaded, Vec<Problem>> {
    let loaded = load::read(flags, environment, Reading::Again(before.once.as_ref()))?;
    let path = layers::env_path(flags, environment);
    let lost = before.config.env_file.is_some() && loaded.config.env_file.is_none();
    if lost && path.symlink_metadata().is_ok() {
        let of_file = |problem: &Problem| problem.file.as_ref() == Some(&path);
        let problems = loaded.warnings.into_iter();
        return Err(problems
            .map(|problem| if of_file(&problem) { Problem { severity: Severity::Fail, ..problem } } else { problem })
            .collect());
    }
    Ok(loaded)
}

/// One warning for each setting that changed and takes effect only when the program starts. `old` is what it started
/// with, so that a change that was taken back is none.
pub(crate) fn needs_restart(old: &Loaded, new: &Loaded) -> Vec<Problem> {
    let pairs = old.origins.iter().zip(&new.origins).filter(|(before, after)| before.print != after.print);
    let waiting = pairs.filter(|(_, after)| settings::find(after.name).is_some_and(|setting| !setting.live));
    let warning = |source: &Source, name: &'static str| {
        let file = match source {
            Source::File(path) => Some(path.clone()),
            Source::Flag(_) | Source::Environment | Source::Default => None,
        };
        Problem { file, ..Problem::warn(Message::new("config-needs-restart").with("name", name)) }
    };
    waiting.map(|(_, after)| warning(&after.source, after.name)).collect()
}

impl Config {
    /// This, with what of `new` takes effect at once: the settings that the table calls live.
    pub(crate) fn reloaded(&self, new: &Self) -> Self {
        Self {
            auths_dir: new.auths_dir.clone(),
            env_file: new.env_file.clone(),
            upstream: new.upstream.clone(),
            allowlist: new.allowlist.clone(),
            policy: new.policy.clone(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
