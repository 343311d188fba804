//! `proxy-logs`: what the background proxy printed, or the program's log. Lines as they stand, made safe for a terminal.

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::sleep;

use super::{
    Stop, USAGE,
    args::LogsArgs,
    complain, run, say,
    signals::{Stage, Stopper},
    when,
};
use crate::{
    config::Config,
    domain::{message::Message, text},
    engine,
    i18n::Words,
    store::{
        StoreError,
        lines::{self, Follower, NewestFirst},
        log, output, trace,
    },
};

/// How often a followed file is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Longest line that is shown.
const LINE_MAX: usize = 8 * 1024;
/// `2026-11-23 15:30:00`, before the zone.
const STAMP: usize = 19;

/// Shows the last lines, and goes on with new ones when it is asked to.
pub(super) fn run(wanted: &LogsArgs, config: &Config, words: &Words) -> Result<(), Stop> {
    let since = match &wanted.since {
        None => None,
        Some(typed) => Some(when::moment(typed, engine::wall(), &config.zone).ok_or_else(|| Stop {
            code: USAGE,
            text: words.render(&Message::new("trace-wrong-since").with("value", typed.as_str())),
        })?),
    };
    let path = if wanted.app { log::path(&config.state_dir) } else { output::path(&config.state_dir) };
    let is_new = |line: &String| since.is_none_or(|since| written_at(line, config).is_none_or(|at| at >= since));
    if wanted.follow {
        return run::block_on(&run::runtime()?, follow(wanted, path, is_new, words));
    }
    let found = show(NewestFirst::of(&path, lines::text), wanted.lines, is_new, words)?;
    if !found {
        complain(&words.render(&Message::new("logs-none").with("path", path.display().to_string())));
    }
    Ok(())
}

/// When a line was written; `None` for one that belongs to the line before.
fn written_at(line: &str, config: &Config) -> Option<Timestamp> {
    let stamp = match serde_json::from_str::<Value>(line) {
        Ok(value) => return trace::moment(value.get("ts")?.as_str()?),
        Err(_) => line.get(..STAMP)?,
    };
    when::moment(stamp, Timestamp::UNIX_EPOCH, &config.zone)
}

/// The last lines that are wanted, oldest first; whether there were any. Lines are in the order of their time: reading
/// ends with the first that is too old.
fn show(
    lines: NewestFirst<String>,
    most: usize,
    is_new: impl Fn(&String) -> bool,
    words: &Words,
) -> Result<bool, Stop> {
    let mut newest = Vec::new();
    for line in lines.take(most) {
        let line = line.map_err(|error| failed(&error, words))?;
        if !is_new(&line) {
            break;
        }
        newest.push(line);
    }
    newest.iter().rev().for_each(|line| print(line));
    Ok(!newest.is_empty())
}

async fn follow(wanted: &LogsArgs, path: PathBuf, is_new: impl Fn(&String) -> bool, words: &Words) -> Result<(), Stop> {
    let stopper = Stopper::listen().map_err(|error| Stop::failed(error.to_string()))?;
    let (before, mut follower) = Follower::start(&path, lines::text).map_err(|error| failed(&error, words))?;
    show(before, wanted.lines, is_new, words)?;
    loop {
        while let Some(lines) = follower.step().map_err(|error| failed(&error, words))? {
            lines.iter().for_each(|line| print(line));
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = stopper.reached(Stage::Draining) => return Ok(()),
        }
    }
}

fn print(line: &str) {
    say(&text::clean(line, LINE_MAX));
}

fn failed(error: &StoreError, words: &Words) -> Stop {
    Stop::failed(words.render(&error.message()))
}
