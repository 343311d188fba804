//! Settings that are read again while the program runs: what takes effect at once, and what needs a restart. Not when
//! to read them (`watch`).

use super::{
    Config, Environment, Flags, Loaded, Problem, Source,
    layers::{self, Reading},
    load::{self, Origin},
    settings,
};
use crate::domain::{
    command::Severity,
    message::Message,
    setting::{SettingOrigin, SettingView},
};

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
    let pairs = old.origins.iter().zip(&new.origins);
    let waiting = pairs.filter(|(before, after)| waits(before, after));
    let warning = |source: &Source, name: &'static str| {
        let file = match source {
            Source::File(path) => Some(path.clone()),
            Source::Flag(_) | Source::Environment | Source::Default => None,
        };
        Problem { file, ..Problem::warn(Message::new("config-needs-restart").with("name", name)) }
    };
    waiting.map(|(_, after)| warning(&after.source, after.name)).collect()
}

/// All settings as they are in force: `old` is what the program started with, `new` what was read last.
pub(crate) fn in_force(old: &Loaded, new: &Loaded) -> Vec<SettingView> {
    let view = |(before, after): (&Origin, &Origin)| {
        let live = is_live(after.name);
        let Origin { name, value, source, .. } = if live { after } else { before };
        let value = if value.is_empty() { meant(name, &new.config) } else { value.clone() };
        SettingView { name: (*name).to_owned(), value, origin: origin(source), live, waits: waits(before, after) }
    };
    old.origins.iter().zip(&new.origins).map(view).collect()
}

fn is_live(name: &str) -> bool {
    settings::find(name).is_some_and(|setting| setting.live)
}

fn waits(before: &Origin, after: &Origin) -> bool {
    before.print != after.print && !is_live(after.name)
}

/// What being unset comes to, where that depends on the surroundings.
fn meant(name: &str, config: &Config) -> String {
    match name {
        "KMI_AUTHS_DIR" => config.auths_dir.display().to_string(),
        "KMI_LOCALE" => config.locale.tag().to_owned(),
        _ => String::new(),
    }
}

fn origin(source: &Source) -> SettingOrigin {
    match source {
        Source::Flag(flag) => SettingOrigin::Flag((*flag).to_owned()),
        Source::File(path) => SettingOrigin::File(path.display().to_string()),
        Source::Environment => SettingOrigin::Environment,
        Source::Default => SettingOrigin::Default,
    }
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
