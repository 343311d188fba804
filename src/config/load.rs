//! The way from flags and files to a `Config`, with all that is wrong told at once. Not what values mean (`build`), nor
//! which layer wins (`layers`).

use std::{fmt, path::PathBuf};

use sha2::{Digest, Sha256};

use super::{
    Config, Environment, Problem, build,
    content::Once,
    layers::{self, Read, Reading, Values},
    settings::{SETTINGS, Setting},
};
use crate::{
    domain::{command::Severity, message::Message},
    i18n::Locale,
};

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) env_file: Option<PathBuf>,
    pub(crate) auths_dir: Option<PathBuf>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) listen: Option<String>,
    pub(crate) lang: Option<String>,
    pub(crate) theme: Option<String>,
    pub(crate) fps: Option<String>,
    pub(crate) reduced_motion: bool,
    pub(crate) plain: bool,
    pub(crate) no_color: bool,
    pub(crate) dry_run: bool,
}

/// Settings that can be worked with.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) origins: Vec<Origin>,
    /// A named file that was a pipe, for the next reading.
    pub(super) once: Option<Once>,
}

/// Where a setting's value comes from, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) name: &'static str,
    /// As it was written; empty = unset; a secret is only stars.
    pub(crate) value: String,
    pub(crate) source: Source,
    /// Of the value itself.
    pub(super) print: Print,
}

/// Tells one value from another without telling it: what is shown of two secrets is the same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Print([u8; 32]);

impl Print {
    fn of(setting: &Setting, text: &str) -> Self {
        Self(Sha256::digest(setting.kind.plain(text)).into())
    }
}

impl fmt::Debug for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Print(***)")
    }
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The flag's name, `--listen`.
    Flag(&'static str),
    File(PathBuf),
    Environment,
    Default,
}

impl Source {
    /// "from --listen", for the end of a sentence.
    pub(crate) fn message(&self) -> Message {
        match self {
            Self::Flag(flag) => Message::new("config-from-flag").with("flag", *flag),
            Self::File(path) => Message::new("config-from-file").with("file", path.display().to_string()),
            Self::Environment => Message::new("config-from-environment"),
            Self::Default => Message::new("config-from-default"),
        }
    }
}

/// Reads everything; fails with every problem there is, warnings among them, when one of them is a failure.
pub(crate) fn load(flags: &Flags, environment: &Environment) -> Result<Loaded, Vec<Problem>> {
    read(flags, environment, Reading::First)
}

/// Has no effect but on a pipe, which is emptied by it: [`Reading`].
pub(super) fn read(flags: &Flags, environment: &Environment, reading: Reading<'_>) -> Result<Loaded, Vec<Problem>> {
    match examine_as(flags, environment, reading) {
        (Some(loaded), problems) if problems.iter().all(|problem| problem.severity != Severity::Fail) => {
            Ok(Loaded { warnings: problems, ..loaded })
        }
        (_, problems) => Err(problems),
    }
}

/// What there is, whatever is wrong with it: to look at, not to work with. The warnings are among the problems.
pub(crate) fn examine(flags: &Flags, environment: &Environment) -> (Option<Loaded>, Vec<Problem>) {
    examine_as(flags, environment, Reading::First)
}

fn examine_as(flags: &Flags, environment: &Environment, reading: Reading<'_>) -> (Option<Loaded>, Vec<Problem>) {
    let mut problems = Vec::new();
    let Read { values, env_file, once } = layers::read(flags, environment, reading, &mut problems);
    let config = build::config(&values, env_file, flags, environment, &mut problems);
    let loaded = config.map(|config| Loaded { config, warnings: Vec::new(), origins: origins(&values), once });
    (loaded, problems)
}

fn origins(values: &Values) -> Vec<Origin> {
    let origin = |setting: &'static Setting| {
        let (text, source) = values.get(setting.name);
        Origin { name: setting.name, value: setting.shown(text), source, print: Print::of(setting, text) }
    };
    SETTINGS.iter().map(origin).collect()
}

/// The language before anything is read: the flag, KMI_LOCALE, the system's variables, else English.
pub(crate) fn locale_guess(flags: &Flags, environment: &Environment) -> Locale {
    let own = [flags.lang.as_deref(), environment.get("KMI_LOCALE")];
    own.into_iter().flatten().find_map(Locale::parse).unwrap_or_else(|| system_locale(environment))
}

/// The first of these that is set decides, also when it names a language that is not spoken here.
pub(super) fn system_locale(environment: &Environment) -> Locale {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| environment.get(name));
    set.and_then(Locale::parse).unwrap_or(Locale::English)
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
