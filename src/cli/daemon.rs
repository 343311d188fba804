//! The proxy in the background: `proxy`, `proxy-stop`, `proxy-restart`. It is this same program, run as `--no-ui` in a
//! session of its own. Only what was started here is ever ended here.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{
    FAILED, Stop,
    args::Args,
    http::{self, Http},
    say, target,
};
use crate::{
    config::Config,
    domain::{message::Message, snapshot::Snapshot, text},
    i18n::Words,
    store::output,
};

/// A proxy that does not serve within this time has failed.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Beyond the time that running requests get.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// Most that is shown of what a failed start said.
const REASON_MAX: u64 = 16 * 1024;

/// `proxy`: one that runs already is as good.
pub(super) async fn start(args: &Args, config: &Config, words: &Words) -> Result<(), Stop> {
    if let Some(mut client) = target::running(config, words).await? {
        let snapshot = client.snapshot().await.map_err(|error| Stop::failed(words.render(&error.message())))?;
        say(&words.render(&about("cli-proxy-runs", &snapshot)));
        return Ok(());
    }
    let snapshot = spawn(args, config, words).await?;
    tell(&snapshot, "cli-proxy-started", words);
    Ok(())
}

/// `proxy-restart`: no request is lost on the way; where none runs, one is started.
pub(super) async fn restart(args: &Args, config: &Config, words: &Words) -> Result<(), Stop> {
    let ran = target::running(config, words).await?.is_some();
    let snapshot = spawn(args, config, words).await.map_err(|stop| {
        let note = if ran { format!("\n{}", words.text("cli-proxy-goes-on")) } else { String::new() };
        Stop { text: format!("{}{note}", stop.text), ..stop }
    })?;
    tell(&snapshot, if ran { "cli-proxy-restarted" } else { "cli-proxy-started" }, words);
    Ok(())
}

/// `proxy-stop`: whether there was one; it has ended when this returns.
pub(super) async fn stop(config: &Config, now: bool, words: &Words) -> Result<(), Stop> {
    if !ended(config, now, words).await? {
        return Err(Stop::failed(words.text("cli-not-running")));
    }
    say(&words.text("cli-stopped"));
    Ok(())
}

/// Ends the running instance gracefully; whether there was one.
pub(super) async fn ended(config: &Config, now: bool, words: &Words) -> Result<bool, Stop> {
    let Some(client) = target::running(config, words).await? else { return Ok(false) };
    match client.stop(now, config.shutdown + STOP_PATIENCE).await {
        Ok(true) => Ok(true),
        Ok(false) => Err(Stop::failed(words.text("cli-stop-late"))),
        Err(error) => Err(Stop::failed(words.render(&error.message()))),
    }
}

/// Starts a proxy in the background, in the place of the one that runs if there is one, and waits until it serves.
pub(super) async fn spawn(args: &Args, config: &Config, words: &Words) -> Result<Arc<Snapshot>, Stop> {
    let opened = output::file(&config.state_dir, config.log_rotation, config.enforce_permissions);
    let (output, before) = opened.map_err(|error| Stop::failed(words.render(&error.message())))?;
    let failed = |error: io::Error| {
        Stop::failed(words.render(&Message::new("cli-proxy-failed").with("reason", error.to_string())))
    };
    let mut child = command(args, output).and_then(|mut command| command.spawn()).map_err(failed)?;
    if let Err(stop) = ready(&mut child, words).await {
        let reason = said_since(config, before).unwrap_or_default();
        let message =
            Message::new("cli-proxy-failed").with("reason", if reason.is_empty() { stop.text } else { reason });
        return Err(Stop { code: stop.code, text: words.render(&message) });
    }
    let Some(mut client) = target::running(config, words).await? else {
        return Err(failed(io::ErrorKind::NotFound.into()));
    };
    let snapshot = client.snapshot().await.map_err(|error| Stop::failed(words.render(&error.message())))?;
    let unwell = |reason: String| Stop::failed(words.render(&Message::new("cli-proxy-failed").with("reason", reason)));
    let readiness = http::root(&snapshot.setup.local, "/readyz");
    let mut http = Http::new(&readiness, START_PATIENCE, config.proxy.tls.as_ref()).map_err(unwell)?;
    http.get(None).await.map_err(unwell)?;
    Ok(snapshot)
}

/// This program again, with the options that were typed.
fn command(args: &Args, output: File) -> io::Result<Command> {
    let mut command = Command::new(args.program.as_ref().ok_or(io::ErrorKind::NotFound)?);
    command.args(["--no-ui", "--detached", "--take-over"]).args(args.again());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(output);
    Ok(command)
}

/// Its first line says that it serves; its end before that, that it has failed.
async fn ready(child: &mut Child, words: &Words) -> Result<(), Stop> {
    let stdout = child.stdout.take();
    let first = async {
        match stdout {
            Some(stdout) => BufReader::new(stdout).lines().next_line().await.ok().flatten(),
            None => None,
        }
    };
    match timeout(START_PATIENCE, first).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => {
            let ended = child.wait().await.ok().and_then(|status| status.code());
            let code = ended.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0).unwrap_or(FAILED);
            Err(Stop { code, text: words.text("cli-proxy-silent") })
        }
        Err(_) => {
            // It is ours, and nobody's otherwise.
            let _ = child.kill().await;
            Err(Stop::failed(words.text("cli-proxy-late")))
        }
    }
}

/// What the background proxy has said since `start`.
fn said_since(config: &Config, start: u64) -> io::Result<String> {
    let mut file = File::open(output::path(&config.state_dir))?;
    file.seek(SeekFrom::Start(start))?;
    let mut said = Vec::new();
    file.take(REASON_MAX).read_to_end(&mut said)?;
    let said = String::from_utf8_lossy(&said);
    let lines = said.lines().map(|line| text::clean(line, usize::MAX));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn tell(snapshot: &Snapshot, id: &'static str, words: &Words) {
    say(&words.render(&about(id, snapshot)));
    if !snapshot.keys.iter().any(|key| key.skip.is_none()) {
        say(&words.text("cli-proxy-no-key"));
    }
}

pub(super) fn about(id: &'static str, snapshot: &Snapshot) -> Message {
    let setup = &snapshot.setup;
    Message::new(id).with("pid", i64::from(setup.pid)).with("address", setup.address.clone())
}

/// Leaves the terminal and the group of whoever started us: closing either does not end this process.
pub(super) fn detach() {
    // An error means that this process leads a group already.
    let _ = rustix::process::setsid();
}
