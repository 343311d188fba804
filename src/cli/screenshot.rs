//! `screenshot`: the dashboard's screen, drawn where nobody looks, and kept. Not how it is drawn (`tui`).

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use clap::Args as ClapArgs;
use jiff::tz::TimeZone;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, timeout_at},
};

use super::{Stop, USAGE, args::Args, demo, look, say, target, wrong_settings};
use crate::{
    config::{self, Config, Environment, Flags},
    control::{Client, News},
    domain::{
        message::Message,
        order,
        snapshot::{Link, Snapshot},
        trace::TraceRecord,
    },
    i18n::Words,
    store::atomic,
    tui::{
        self, Pane, Shot,
        export::{Format, export},
    },
};

/// Longest side: more cells than any screen has.
const SIDE_MAX: u16 = 500;
/// The demo has so long to start, and then so long to have something to show.
const START: Duration = Duration::from_secs(20);
const WARM_UP: Duration = Duration::from_secs(6);
/// And so long to end.
const END: Duration = Duration::from_secs(5);
/// Requests and keys that are something to show.
const REQUESTS: usize = 12;
const KEYS: usize = 3;

/// What can be typed; the words are in `args`.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Wanted {
    #[arg(id = "of_demo", long = "demo")]
    pub(super) of_demo: bool,
    #[arg(long, value_name = "120x40", default_value = "120x40")]
    size: String,
    #[arg(long, value_name = "PANE", default_value = "keys")]
    pane: String,
    #[arg(long)]
    zoom: bool,
    #[arg(long, value_name = "SECONDS", requires = "of_demo")]
    after: Option<u16>,
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    #[arg(id = "file", short = 'o', long = "output", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What was typed, understood.
struct Understood {
    shot: Shot,
    format: Format,
}

impl Understood {
    fn drawn(
        &self,
        snapshot: &Arc<Snapshot>,
        history: Vec<Arc<TraceRecord>>,
        words: &Words,
        look: &tui::Look,
    ) -> String {
        export(&tui::shot(self.shot, snapshot, history, words, look), self.format, look.themes.page())
    }
}

impl Wanted {
    fn understood(&self, words: &Words) -> Result<Understood, Stop> {
        let wrong = |id, value: &str| words.render(&Message::new(id).with("value", value));
        let size = self.size.split_once('x').and_then(|(columns, rows)| Some((side(columns)?, side(rows)?)));
        let pane = Pane::ALL.into_iter().find(|pane| pane.title().strip_prefix("pane-") == Some(self.pane.as_str()));
        let name = self.format.as_deref().or_else(|| self.file.as_deref()?.extension()?.to_str()).unwrap_or("text");
        let format = Format::NAMED.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
        // A file may be called anything; then it gets text.
        let format = format.or_else(|| self.format.is_none().then_some(Format::Text));
        match (size, pane, format) {
            (Some((columns, rows)), Some(pane), Some(format)) => {
                Ok(Understood { shot: Shot { columns, rows, pane, zoomed: self.zoom }, format })
            }
            _ => {
                let faults = [
                    size.is_none().then(|| wrong("screenshot-wrong-size", &self.size)),
                    pane.is_none().then(|| wrong("screenshot-wrong-pane", &self.pane)),
                    format.is_none().then(|| wrong("screenshot-wrong-format", name)),
                ];
                Err(Stop { code: USAGE, text: faults.into_iter().flatten().collect::<Vec<_>>().join("\n") })
            }
        }
    }

    fn keep(&self, text: &str, words: &Words) -> Result<(), Stop> {
        let Some(path) = &self.file else {
            say(text.trim_end_matches('\n'));
            return Ok(());
        };
        atomic::write(path, text.as_bytes()).map_err(|error| {
            let message = Message::new("screenshot-failed").with("path", path.display().to_string());
            Stop::failed(words.render(&message.with("error", error.to_string())))
        })
    }
}

fn side(text: &str) -> Option<u16> {
    text.parse().ok().filter(|side| (1..=SIDE_MAX).contains(side))
}

/// The running instance's screen, as a dashboard beside it has it.
pub(super) async fn of_running(
    wanted: &Wanted,
    args: &Args,
    config: &Config,
    environment: &Environment,
    words: &Words,
) -> Result<(), Stop> {
    let understood = wanted.understood(words)?;
    let client = target::running(config, words).await?;
    let client = client.ok_or_else(|| Stop::failed(words.text("screenshot-none")))?;
    let (snapshot, history) = seen(client, When::Now).await?;
    let snapshot = Arc::new(Snapshot { link: Link::Attached, ..(*snapshot).clone() });
    let look = look::in_picture(&config.state_dir, args, config, environment, words);
    wanted.keep(&understood.drawn(&snapshot, history, words, &look), words)
}

/// The demo's: started for the picture, and ended.
pub(super) async fn of_demo(
    wanted: &Wanted,
    args: &Args,
    environment: &Environment,
    words: &Words,
) -> Result<(), Stop> {
    let words = words.in_locale(config::locale_guess(&args.flags(), environment));
    let understood = wanted.understood(&words)?;
    let failed = |error: String| Stop::failed(words.render(&Message::new("screenshot-no-demo").with("error", error)));
    let (mut demo, state_dir) = start(args).await.map_err(failed)?;
    let client = Client::connect(&state_dir).await.map_err(|error| failed(error.to_string()))?;
    let client = client.ok_or_else(|| failed(state_dir.display().to_string()))?;
    let when = wanted.after.map_or(When::Lively, |seconds| When::After(Duration::from_secs(seconds.into())));
    let (snapshot, history) = seen(client, when).await?;
    end(&mut demo).await;
    let settings = config::load(&Flags { env_file: None, ..args.flags() }, &demo::kept(environment, &state_dir));
    let config = settings.map_err(|problems| wrong_settings(&problems, &words))?.config;
    let words = Words::new(words.locale(), TimeZone::system());
    let home = config::state_dir(&args.flags(), environment);
    let look = look::in_picture(&home, args, &config, environment, &words);
    wanted.keep(&understood.drawn(&snapshot, history, &words, &look), &words)
}

/// This program once more, as a demo without a screen; killed when dropped.
async fn start(args: &Args) -> Result<(Child, PathBuf), String> {
    let program = args.program.as_ref().ok_or("no program")?;
    let mut demo = Command::new(program)
        .args(["--demo", "--no-ui", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut lines = BufReader::new(demo.stdout.take().ok_or("no output")?).lines();
    let first = timeout_at(Instant::now() + START, lines.next_line()).await.map_err(|error| error.to_string())?;
    let first = first.map_err(|error| error.to_string())?.unwrap_or_default();
    let said: Value = serde_json::from_str(&first).map_err(|error| error.to_string())?;
    let folder = said["state_dir"].as_str().ok_or("no state folder")?.into();
    // Lines that nobody reads are left out there.
    Ok((demo, folder))
}

/// Asked to, it takes its folder away; one that does not listen is killed when dropped.
async fn end(demo: &mut Child) {
    let pid = demo.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    if pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok()) {
        // Whether it came to its end in time or not, the picture is there.
        let _ = timeout_at(Instant::now() + END, demo.wait()).await;
    }
}

/// When the picture is taken.
enum When {
    Now,
    /// When there is something to show, or warming up has not helped.
    Lively,
    After(Duration),
}

/// The newest snapshot then, and the records until then.
async fn seen(client: Client, when: When) -> Result<(Arc<Snapshot>, Vec<Arc<TraceRecord>>), Stop> {
    let failed = |error: &dyn std::fmt::Display| Stop::failed(error.to_string());
    let mut subscription = client.subscribe().await.map_err(|error| failed(&error))?;
    let end = Instant::now()
        + match when {
            When::Now => Duration::ZERO,
            When::Lively => WARM_UP,
            When::After(span) => span,
        };
    let mut history: Vec<Arc<TraceRecord>> = Vec::new();
    let mut newest = None;
    loop {
        let keys = order::set(history.iter().filter_map(|record| record.key.as_ref()));
        let enough = matches!(when, When::Lively) && history.len() >= REQUESTS && keys.len() >= KEYS;
        if let Some(snapshot) = newest.take_if(|_| enough || Instant::now() >= end) {
            return Ok((snapshot, history));
        }
        match subscription.next().await.map_err(|error| failed(&error))? {
            News::Record(record) => history.push(record),
            News::Snapshot(snapshot) => newest = Some(snapshot),
            News::Lost(_) => {}
        }
    }
}
