//! The command line: reads it, wires the layers together, decides exit codes. The only place for stdout and stderr.

mod args;
mod ask;
mod attach;
mod clients;
mod daemon;
mod demo;
mod doctor;
mod e2e;
mod errands;
mod follow;
mod harden;
mod health;
mod http;
mod init;
mod key_files;
mod keys;
mod kimi;
mod kimi_config;
mod lines;
mod listen;
mod logs;
mod look;
mod notify;
mod owner;
mod papers;
mod recheck;
mod rehearse;
mod report;
mod run;
mod screenshot;
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

use self::args::{Action, Args, E2eArgs, KeysAction};
use crate::{
    config::{self, Environment, Flags, Loaded, Problem},
    domain::{command::Severity, text},
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
        Ok(args) => args.with_program(environment.program.clone()),
        Err(error) => {
            match args::told(&error, &words) {
                Some(fault) => complain(&fault),
                // Help and version; a closed pipe is nobody's fault.
                None => drop(error.print()),
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    if args.detached {
        daemon::detach();
    }
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
    match &args.command {
        Some(Action::Trust { path }) => return trust::run(path.as_deref(), &args.flags(), environment, words),
        Some(Action::Init(wanted)) => return init::run(wanted, &args.flags(), environment, words),
        Some(Action::Completions { shell }) => {
            papers::completions(*shell, words);
            return Ok(());
        }
        Some(Action::Man { dir }) => return papers::man(dir.as_deref(), words),
        Some(Action::Settings) => {
            say(config::sample(words).trim_end());
            return Ok(());
        }
        _ => {}
    }
    if let Some(Action::Doctor(asked)) = &args.command {
        let runtime = run::runtime()?;
        let told = run::block_on(&runtime, doctor::run(asked, args.flags(), environment, words));
        // A name server that does not answer has been told of: it must not keep us.
        runtime.shutdown_background();
        return told;
    }
    if let Some(Action::Screenshot(wanted)) = args.command.as_ref().filter(|_| !args.demo)
        && wanted.of_demo
    {
        return wait_for(screenshot::of_demo(wanted, args, environment, words));
    }
    if args.demo {
        return demo::run(args, environment);
    }
    let loaded = config::load(&args.flags(), environment).map_err(|problems| wrong_settings(&problems, words))?;
    let words = Words::new(loaded.config.locale, loaded.config.zone.clone());
    let config = &loaded.config.clone();
    match &args.command {
        Some(Action::ProxyLogs(wanted)) => logs::run(wanted, config, &words),
        Some(Action::Trace(typed)) => trace::run(typed, config),
        Some(Action::Screenshot(wanted)) => wait_for(screenshot::of_running(wanted, args, config, environment, &words)),
        None => start(args, loaded, environment),
        Some(Action::Proxy { foreground: true, .. }) => run::run(&args.headless(), loaded, environment),
        Some(Action::Proxy { .. }) => wait_for(daemon::start(args, config, &words)),
        Some(Action::ProxyStop { force, .. }) => wait_for(daemon::stop(config, *force, &words)),
        Some(Action::ProxyRestart { .. }) => wait_for(daemon::restart(args, config, &words)),
        Some(Action::E2e(wanted)) => wait_for(e2e::run(args, wanted, config, &words)),
        Some(Action::Kimi { arguments }) => wait_for(kimi::run(args, arguments, config, environment, &words)),
        Some(Action::Clients { name, json }) => wait_for(clients::run(name.as_deref(), json.json, config, &words)),
        Some(Action::Keys { what: Some(what), .. }) if !matches!(what, KeysAction::List(_)) => {
            wait_for(keys::run(what, args.flags(), loaded, environment, &words))
        }
        Some(Action::Rehearse(wanted)) => wait_for(rehearse::run(wanted, args.flags(), loaded, environment, &words)),
        Some(Action::Report { output }) => {
            wait_for(report::run(output.as_deref(), args.flags(), loaded, environment, &words))
        }
        Some(action @ Action::AutoRotate { switch, json }) => {
            let check = switch == "on" && !json.json;
            wait_for(auto_rotate(args, action, check, loaded, environment, &words))
        }
        Some(action) => wait_for(ask::run(action, args.flags(), loaded, environment, &words)),
    }
}

/// Switches auto-rotation. `check`: that it works is seen too, where KMI_AUTO_ROTATE_E2E asks for it and a proxy runs.
async fn auto_rotate(
    args: &Args,
    action: &Action,
    check: bool,
    loaded: Loaded,
    environment: &Environment,
    words: &Words,
) -> Result<(), Stop> {
    let config = loaded.config.clone();
    ask::run(action, args.flags(), loaded, environment, words).await?;
    if check && config.auto_rotate_e2e && target::running(&config, words).await?.is_some() {
        e2e::run(args, &E2eArgs::default(), &config, words).await?;
    }
    Ok(())
}

/// Runs one command to its end.
fn wait_for(command: impl Future<Output = Result<(), Stop>>) -> Result<(), Stop> {
    run::block_on(&run::runtime()?, command)
}

/// Without a command: the dashboard of the instance that runs already, else one of our own.
fn start(args: &Args, loaded: Loaded, environment: &Environment) -> Result<(), Stop> {
    if !args.no_ui {
        let config = loaded.config.clone();
        let words = Words::new(config.locale, config.zone.clone());
        let attached = run::block_on(&run::runtime()?, async {
            match target::running(&config, &words).await? {
                Some(client) => attach::run(args, &config, environment, client, &words).await.map(|()| true),
                None => Ok(false),
            }
        })?;
        if attached {
            return Ok(());
        }
    }
    run::run(args, loaded, environment)
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

/// Says it on stderr. Complaints quote what was typed and what files are called: it commands no terminal.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", text::harmless(text));
}
