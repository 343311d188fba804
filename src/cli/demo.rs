//! `--demo`: a simulated upstream, sample keys and gentle traffic, in a folder that is gone afterwards. It reads no
//! setting of the person's but language and colour, and needs no network.

use std::{fmt::Display, io, os::unix::process::CommandExt, path::Path, process::Command, time::Duration};

use tokio::net::TcpListener;

use super::{
    Stop,
    args::Args,
    owner::Place,
    run::{self, Kind, Service},
    wrong_settings,
};
use crate::{
    config::{self, Environment, Flags, Loaded},
    demo::{self, Simulator},
    i18n::Words,
};

/// Real keys are checked every few minutes; the demo's quotas drain in view.
const REFRESH: Duration = Duration::from_secs(3);
/// The demo ends at once.
const SHUTDOWN: Duration = Duration::from_secs(2);
/// The demo rotates from the start: each sample key has something to show.
const STATE: &str = r#"{"schema_version": 1, "auto_rotate": true}"#;
/// The same traffic each time.
const SEED: u64 = 7;
/// What is taken over from the person's environment.
const KEPT: &[&str] = &[
    "KMI_LOCALE",
    "KMI_TIMEZONE",
    "KMI_THEME",
    "KMI_FPS",
    "KMI_REDUCED_MOTION",
    "KMI_PLAIN",
    "KMI_NO_COLOR",
    "NO_COLOR",
    "LC_ALL",
    "LC_MESSAGES",
    "LANG",
];

/// Runs the demo until it is told to stop.
pub(super) fn run(args: &Args, environment: &Environment) -> Result<(), Stop> {
    let folder = tempfile::Builder::new().prefix("kmi-tui-demo-").tempdir().map_err(failed)?;
    run::block_on(&run::runtime()?, async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let simulator = Simulator::start(listener, Vec::new()).map_err(failed)?;
        let auths = folder.path().join("auths");
        std::fs::create_dir(&auths).map_err(failed)?;
        for account in demo::sample(&auths, &simulator.base_url()).map_err(failed)? {
            simulator.add(account);
        }
        let state = folder.path().join("state");
        std::fs::create_dir(&state).map_err(failed)?;
        std::fs::write(state.join("state.json"), STATE).map_err(failed)?;
        let loaded = load(args, environment, folder.path(), &simulator.base_url())?;
        let listen = TcpListener::bind(loaded.config.listen.address).await.map_err(failed)?;
        let base = format!("http://{}{}", listen.local_addr().map_err(failed)?, loaded.config.base_path);
        let traffic = Box::pin(demo::traffic(base, SEED, std::future::pending()));
        run::serve(args, loaded, environment, Service { kind: Kind::Demo, place: Place::Own(listen), traffic }).await
    })?;
    Ok(())
}

/// Becomes the demo: this program anew, with the options that were typed. Gives back why that failed.
pub(super) fn instead(args: &Args) -> Stop {
    let Some(program) = &args.program else { return failed(io::Error::from(io::ErrorKind::NotFound)) };
    failed(Command::new(program).arg("--demo").args(args.again()).exec())
}

/// What the demo knows of the person's surroundings.
pub(super) fn kept(environment: &Environment, folder: &Path) -> Environment {
    let kept = environment.variables.iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
    let variables = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    Environment { variables, cwd: folder.to_path_buf(), ..environment.clone() }
}

fn load(args: &Args, environment: &Environment, folder: &Path, upstream: &str) -> Result<Loaded, Stop> {
    let mut made_up = kept(environment, folder);
    made_up.variables.extend([
        ("KMI_UPSTREAM_BASE_URL".to_owned(), upstream.to_owned()),
        ("KMI_AUTO_ROTATE_ALLOWED".to_owned(), "1".to_owned()),
    ]);
    let typed = args.flags();
    let flags = Flags {
        auths_dir: Some(folder.join("auths")),
        state_dir: Some(folder.join("state")),
        listen: Some(typed.listen.clone().unwrap_or_else(|| "127.0.0.1:0".to_owned())),
        env_file: None,
        dry_run: false,
        ..typed
    };
    let words = Words::new(config::locale_guess(&flags, &made_up), jiff::tz::TimeZone::system());
    let mut loaded = config::load(&flags, &made_up).map_err(|problems| wrong_settings(&problems, &words))?;
    loaded.config.policy.checks.refresh = Some(REFRESH);
    loaded.config.shutdown = SHUTDOWN;
    Ok(loaded)
}

fn failed(error: impl Display) -> Stop {
    Stop::failed(error.to_string())
}
