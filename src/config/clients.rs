//! Where kimi-cli and kimi-code keep their settings. Not what stands in them.

use std::path::PathBuf;

use super::Environment;

/// Programs with a `config.toml` of providers: the variable that moves its folder, and the folder in the home.
const FOLDERS: &[(&str, &str, &str)] =
    &[("kimi-cli", "KIMI_SHARE_DIR", ".kimi"), ("kimi-code", "KIMI_CODE_HOME", ".kimi-code")];

/// Each program and its `config.toml`, be it there or not.
pub(crate) fn client_files(environment: &Environment) -> Vec<(&'static str, PathBuf)> {
    let folder = |moved: &str, usual: &str| match environment.get(moved) {
        Some(folder) => Some(environment.cwd.join(folder)),
        None => environment.home.as_ref().map(|home| home.join(usual)),
    };
    let file = |(program, moved, usual): &(&'static str, &str, &str)| {
        Some((*program, folder(moved, usual)?.join("config.toml")))
    };
    FOLDERS.iter().filter_map(file).collect()
}
