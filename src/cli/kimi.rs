//! `kimi`: the installed Kimi client with this proxy as its upstream. Its arguments, its terminal and its exit code are its
//! own: this process becomes it.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use super::{Stop, args::Args, clients::NO_TOKEN, complain, daemon, harden, target};
use crate::{
    config::{Config, Environment},
    domain::message::Message,
    i18n::Words,
};

const PROGRAM: &str = "kimi";
const MODEL: &str = "kimi-for-coding";

/// The two clients of one name, which read different variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generation {
    /// Python, up to 1.51.
    Cli,
    /// npm, 2 and later.
    Code,
}

/// Runs the client; only a failure comes back.
pub(super) async fn run(
    args: &Args,
    arguments: &[OsString],
    config: &Config,
    environment: &Environment,
    words: &Words,
) -> Result<(), Stop> {
    let failed = |error: io::Error| {
        let id = if error.kind() == io::ErrorKind::NotFound { "wrapper-missing" } else { "wrapper-failed" };
        Stop::failed(words.render(&Message::new(id).with("error", error.to_string())))
    };
    let generation = installed().map_err(failed)?;
    let running = match target::running(config, words).await? {
        Some(mut client) => client.snapshot().await.map_err(|error| Stop::failed(words.render(&error.message())))?,
        None => {
            let snapshot = daemon::spawn(args, config, words).await?;
            complain(&words.render(&daemon::about("cli-proxy-started", &snapshot)));
            snapshot
        }
    };
    let token = config.proxy.token.as_ref().map_or(NO_TOKEN, |token| token.expose());
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    for name in environment.variables.keys().filter(|name| name.starts_with("KMI_")) {
        // Our settings, and the token among them, are not its business.
        command.env_remove(name);
    }
    let has_model = match generation {
        Generation::Cli => environment.get("KIMI_MODEL_NAME").is_some() || names_a_model(environment),
        // There it is also the switch that makes the others count.
        Generation::Code => environment.get("KIMI_MODEL_NAME").is_some(),
    };
    command.envs(variables(generation, &running.setup.local, token, has_model));
    command.env("NO_PROXY", past_proxies(environment.get("NO_PROXY")));
    harden::undo();
    Err(failed(command.exec()))
}

/// Which client is on the path, by its `--version`.
fn installed() -> io::Result<Generation> {
    let output = Command::new(PROGRAM).arg("--version").stdin(Stdio::null()).output()?;
    Ok(generation(&String::from_utf8_lossy(&output.stdout)))
}

/// `kimi, version 1.49.0` or `2.1.0`.
fn generation(version: &str) -> Generation {
    let number = version.split(|character: char| !character.is_ascii_digit()).find(|part| !part.is_empty());
    match number.and_then(|number| number.parse::<u32>().ok()) {
        Some(major) if major >= 2 => Generation::Code,
        _ => Generation::Cli,
    }
}

/// What each generation reads (facts of kimi-cli 1.49 and kimi-code 2.1, as run).
fn variables(generation: Generation, base: &str, token: &str, has_model: bool) -> Vec<(&'static str, String)> {
    let url = |rest: &str| format!("{base}{rest}");
    let mut variables = match generation {
        Generation::Cli => vec![("KIMI_BASE_URL", url("")), ("KIMI_API_KEY", token.to_owned())],
        Generation::Code => vec![
            ("KIMI_MODEL_PROVIDER_TYPE", "kimi".to_owned()),
            ("KIMI_MODEL_BASE_URL", url("")),
            ("KIMI_MODEL_API_KEY", token.to_owned()),
            ("KIMI_WEB_SEARCH_BASE_URL", url("/search")),
            ("KIMI_WEB_SEARCH_API_KEY", token.to_owned()),
            ("KIMI_WEB_FETCH_BASE_URL", url("/fetch")),
            ("KIMI_WEB_FETCH_API_KEY", token.to_owned()),
        ],
    };
    // A managed login asks the platform for its models and its usage.
    variables.push(("KIMI_CODE_BASE_URL", url("")));
    if !has_model {
        variables.push(("KIMI_MODEL_NAME", MODEL.to_owned()));
    }
    variables
}

/// Whether kimi-cli's own file names a model, which we must not overrule.
fn names_a_model(environment: &Environment) -> bool {
    let Some(home) = &environment.home else { return false };
    let text = std::fs::read_to_string(home.join(".kimi/config.toml")).unwrap_or_default();
    text.parse::<toml::Table>().is_ok_and(|table| table.get("default_model").is_some())
}

/// This machine is reached without the proxy of the environment.
fn past_proxies(already: Option<&str>) -> String {
    let own = ["127.0.0.1", "localhost", "::1"];
    already.into_iter().chain(own).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generation_is_in_the_version() {
        for (version, expected) in [
            ("kimi, version 1.49.0\n", Generation::Cli),
            ("2.1.0\n", Generation::Code),
            ("kimi-code 10.0.1", Generation::Code),
            ("", Generation::Cli),
        ] {
            assert_eq!(generation(version), expected, "{version:?}");
        }
    }

    #[test]
    fn a_model_of_the_person_s_own_stays() {
        let named = |generation, has_model| {
            let names = variables(generation, "http://127.0.0.1:1/kmi-rotor/v1", "t", has_model);
            names.iter().any(|(name, _)| *name == "KIMI_MODEL_NAME")
        };
        assert!(named(Generation::Cli, false) && !named(Generation::Cli, true));
    }
}
