//! What the process was started with: variables, current folder, home. The only place that asks the system for them.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use crate::domain::order;

/// The surroundings of the process, taken once.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) cwd: PathBuf,
    pub(crate) home: Option<PathBuf>,
    /// This program's file, to be run again.
    pub(crate) program: Option<PathBuf>,
}

impl Environment {
    /// Takes them from the system.
    pub(crate) fn capture() -> Self {
        Self {
            variables: variables(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            home: std::env::home_dir().filter(|home| home.is_absolute()),
            program: std::env::current_exe().ok(),
        }
    }

    /// A path as it is shown: `~/.kimi-code/config.toml`.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let below = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        below.map_or_else(|| path.display().to_string(), |below| format!("~/{}", below.display()))
    }

    /// A variable that is set to something.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

/// Values that are not UTF-8 are kept with replacement characters: dropping one could open what it was to close.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn variables() -> BTreeMap<String, String> {
    order::map(
        std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())),
    )
}

impl fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("cwd", &self.cwd)
            .field("home", &self.home)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_unset_and_no_value_is_printed() {
        let variables = [("EMPTY", ""), ("BLANK", " "), ("TOKEN", "tok-in-the-environment")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let environment = Environment { variables, ..Environment::default() };
        assert_eq!(environment.get("EMPTY"), None);
        assert_eq!(environment.get("BLANK"), None);
        assert_eq!(environment.get("TOKEN"), Some("tok-in-the-environment"));
        assert!(!format!("{environment:?}").contains("tok-in"));
    }

    #[test]
    fn the_real_one_can_be_taken() {
        assert!(Environment::capture().get("PATH").is_some());
    }
}
