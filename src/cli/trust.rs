//! `kmi-tui trust [PATH]`: says that a `.env` file is the person's own, so that it may decide where keys go.

use std::path::Path;

use super::{Stop, say};
use crate::{
    config::{self, Environment, Flags},
    domain::message::Message,
    i18n::Words,
};

/// Remembers the file, `./.env` when none is named, by path and content.
pub(super) fn run(path: Option<&Path>, flags: &Flags, environment: &Environment, words: &Words) -> Result<(), Stop> {
    let path = path.map_or_else(|| environment.cwd.join(".env"), Path::to_path_buf);
    let state_dir = config::state_dir(flags, environment);
    let named = |id| Message::new(id).with("path", path.display().to_string());
    config::trust(&path, &state_dir)
        .map_err(|error| Stop::failed(words.render(&named("cli-trust-failed").with("error", error.to_string()))))?;
    say(&words.render(&named("cli-trusted")));
    Ok(())
}
