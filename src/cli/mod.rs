//! The command line: reads it, wires the layers together, decides exit codes. The only place for stdout and stderr.

mod args;
mod ask;
mod attach;
mod demo;
mod follow;
mod harden;
mod listen;
mod run;
mod signals;
mod status;
mod table;
mod target;
mod trace;
mod trust;
mod when;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use jiff::tz::TimeZone;

use self::args::{Action, Args};
use crate::{
    config::{self, Environment, Flags, Loaded, Problem},
    domain::command::Severity,
    i18n::Words,
};

/// Wrong usage or settings.
const USAGE: u8 = 2;
/// Failed, or unhealthy.
const FAILED: u8 = 1;

/// Why the program ends without having done its work; everything to say is said in `text`.
#[derive(Debug)]
struct Stop {
    code: u8,
    text: String,
}

impl Stop {
    fn failed(text: String) -> Self {
        Self { code: FAILED, text }
    }
}

/// Runs the program; the exit code is 0 done, 1 failed, 2 wrong usage or settings.
pub fn main() -> ExitCode {
    harden::process();
    let typed: Vec<OsString> = std::env::args_os().collect();
    let environment = Environment::capture();
    let early = Flags { lang: args::lang_of(&typed), ..Flags::default() };
    let words = Words::new(config::locale_guess(&early, &environment), TimeZone::system());
    let args = match Args::read(typed, &words) {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to stdout, errors to stderr; a closed pipe is nobody's fault.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    match dispatch(&args, &environment, &words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            if !stop.text.is_empty() {
                complain(&stop.text);
            }
            ExitCode::from(stop.code)
        }
    }
}

fn dispatch(args: &Args, environment: &Environment, words: &Words) -> Result<(), Stop> {
    if let Some(Action::Trust { path }) = &args.command {
        return trust::run(path.as_deref(), &args.flags(), environment, words);
    }
    if args.demo {
        return demo::run(args, environment);
    }
    let loaded = config::load(&args.flags(), environment).map_err(|problems| wrong_settings(&problems, words))?;
    match &args.command {
        Some(Action::Trace(typed)) => trace::run(typed, &loaded.config),
        Some(action) => run::runtime()?.block_on(ask::run(action, args.flags(), loaded, environment)),
        None => start(args, loaded, environment),
    }
}

/// Without a command: the dashboard of the instance that runs already, else one of our own.
fn start(args: &Args, loaded: Loaded, environment: &Environment) -> Result<(), Stop> {
    if !args.no_ui {
        let config = loaded.config.clone();
        let words = Words::new(config.locale, config.zone.clone());
        let attached = run::runtime()?.block_on(async {
            match target::running(&config, &words).await? {
                Some(client) => attach::run(args, &config, client, &words).await.map(|()| true),
                None => Ok(false),
            }
        })?;
        if attached {
            return Ok(());
        }
    }
    run::run(args, loaded, environment, run::Kind::Live)
}

/// All that is wrong with the settings, at once.
fn wrong_settings(problems: &[Problem], words: &Words) -> Stop {
    let lines: Vec<String> = problems.iter().map(|problem| line(problem, words)).collect();
    Stop { code: USAGE, text: format!("{}\n{}", words.text("cli-wrong-settings"), lines.join("\n")) }
}

/// One problem as a line, with its file when it has one.
fn line(problem: &Problem, words: &Words) -> String {
    let mark = if problem.severity == Severity::Fail { "✗" } else { "!" };
    format!("  {mark} {}", words.render(&problem.message))
}

/// Says it on stdout. Nobody reading is no failure.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Says it on stderr.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
