//! What can be typed: clap types. Their words are elsewhere (`help`).

mod fault;
mod help;
mod old;

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, Args as ClapArgs, FromArgMatches, Parser, Subcommand};

pub(super) use self::fault::told;
use self::old::Old;
use super::{doctor::Asked, screenshot::Wanted, trace::TraceArgs};
use crate::{config::Flags, i18n::Words};

/// The command line.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "kmi-tui",
    version,
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub(super) struct Args {
    #[arg(long)]
    pub(super) no_ui: bool,
    /// Lines of JSON where `--no-ui` has lines for people.
    #[arg(long, requires = "no_ui")]
    pub(super) json: bool,
    #[arg(long)]
    pub(super) demo: bool,
    #[arg(long, global = true)]
    dry_run: bool,
    #[arg(long, global = true)]
    lang: Option<String>,
    #[arg(long, global = true, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR")]
    auths_dir: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    #[arg(long, global = true, value_name = "HOST:PORT")]
    listen: Option<String>,
    #[arg(long, global = true, value_name = "NAME")]
    theme: Option<String>,
    #[arg(long, value_name = "N")]
    fps: Option<String>,
    #[arg(long)]
    reduced_motion: bool,
    #[arg(long, global = true)]
    plain: bool,
    #[arg(long, global = true)]
    no_color: bool,
    #[arg(long)]
    pub(super) ascii: bool,
    /// Leave the terminal: how `proxy` starts the proxy.
    #[arg(long, hide = true)]
    pub(super) detached: bool,
    /// Take the place of the instance that runs: how `proxy-restart` does.
    #[arg(long, hide = true)]
    pub(super) take_over: bool,
    #[arg(short, long, global = true, action = ArgAction::Help)]
    help: Option<bool>,
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
    /// This program's own file, to be run again in the background.
    #[arg(skip)]
    pub(super) program: Option<PathBuf>,
    #[command(flatten)]
    old: Old,
    #[command(subcommand)]
    pub(super) command: Option<Action>,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Action {
    Init(InitArgs),
    Status(Json),
    Health {
        #[arg(long)]
        current: bool,
        #[command(flatten)]
        json: Json,
    },
    Keys {
        #[command(flatten)]
        json: Json,
        #[command(subcommand)]
        what: Option<KeysAction>,
    },
    Rotate {
        /// `auto` and `off` are the old tool's names of auto-rotation.
        #[arg(hide = true, value_parser = ["auto", "off"])]
        old: Option<String>,
        #[arg(long, value_name = "LABEL", conflicts_with = "old")]
        to: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    AutoRotate {
        #[arg(value_name = "on|off", value_parser = ["on", "off"])]
        switch: String,
        #[command(flatten)]
        json: Json,
    },
    Block {
        #[arg(value_name = "LABEL")]
        label: String,
        #[arg(long = "for", value_name = "1h")]
        span: Option<String>,
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    Unblock {
        #[arg(value_name = "LABEL", required_unless_present = "all")]
        label: Option<String>,
        #[arg(long, conflicts_with = "label")]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    Proxy {
        #[arg(long)]
        foreground: bool,
        /// The old tool's name of the default.
        #[arg(long, hide = true, conflicts_with = "foreground")]
        daemon: bool,
    },
    ProxyStop {
        #[arg(short, long)]
        force: bool,
        /// The old tool asked before it stopped anything.
        #[arg(short, long, hide = true)]
        yes: bool,
    },
    ProxyRestart {
        /// As in the old tool, where it said nothing new either.
        #[arg(short, long, hide = true)]
        yes: bool,
        #[arg(short, long, hide = true)]
        force: bool,
    },
    ProxyLogs(LogsArgs),
    E2e(E2eArgs),
    Kimi {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        arguments: Vec<OsString>,
    },
    Clients {
        #[arg(value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    Rehearse(RehearseArgs),
    Report {
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    Screenshot(Wanted),
    Completions {
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    Man {
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    Doctor(Asked),
    Settings,
    Trace(TraceArgs),
    Trust {
        #[arg(value_name = "PATH")]
        path: Option<PathBuf>,
    },
}

impl Action {
    /// `rotate auto` and `rotate off` were the old tool's `auto-rotate on` and `off`.
    fn modernise(&mut self) {
        if let Self::Rotate { old: Some(old), json, .. } = self {
            let switch = if old == "auto" { "on" } else { "off" };
            *self = Self::AutoRotate { switch: switch.to_owned(), json: *json };
        }
    }
}

/// Answers for scripts.
#[derive(Debug, Clone, Copy, ClapArgs)]
pub(super) struct Json {
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum KeysAction {
    List(Json),
    Add(AddArgs),
    Remove {
        #[arg(value_name = "LABEL")]
        label: String,
        #[arg(short, long)]
        yes: bool,
        #[command(flatten)]
        json: Json,
    },
    Enable {
        #[arg(value_name = "LABEL")]
        label: String,
        #[command(flatten)]
        json: Json,
    },
    Disable {
        #[arg(value_name = "LABEL")]
        label: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct AddArgs {
    #[arg(value_name = "LABEL")]
    pub(super) label: String,
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) priority: Option<i64>,
    #[arg(long, value_name = "EMAIL")]
    pub(super) email: Option<String>,
    #[arg(long)]
    pub(super) unchecked: bool,
    #[command(flatten)]
    pub(super) json: Json,
}

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct InitArgs {
    #[arg(short, long)]
    pub(super) yes: bool,
    #[arg(long, value_name = "PATH")]
    pub(super) from: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) json: Json,
}

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct LogsArgs {
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200)]
    pub(super) lines: usize,
    #[arg(short, long)]
    pub(super) follow: bool,
    /// The old tool followed unless it was told not to.
    #[arg(long, hide = true, conflicts_with = "follow")]
    no_follow: bool,
    #[arg(long)]
    pub(super) app: bool,
    /// The old tool's name of the default.
    #[arg(long, hide = true, conflicts_with = "app")]
    daemon: bool,
    #[arg(long, value_name = "10m")]
    pub(super) since: Option<String>,
    /// How often the old tool looked.
    #[arg(long, hide = true)]
    sleep: Option<f64>,
}

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct E2eArgs {
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) requests: u32,
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(super) batch: u32,
    #[arg(id = "e2e_window", long = "window", value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) window: u32,
    #[arg(long, value_name = "PATH", default_value = "/models")]
    pub(super) endpoint: String,
    #[arg(long, value_name = "PERCENT", default_value_t = 95, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(super) min_confidence: u8,
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(super) timeout: u32,
    /// The old tool waited for its trace after each batch; nothing is waited for here.
    #[arg(long, hide = true)]
    pause: Option<f64>,
    /// As in the old tool; where the proxy is, and how it speaks, is known.
    #[arg(long, hide = true)]
    scheme: Option<String>,
    #[command(flatten)]
    pub(super) json: Json,
}

#[derive(Debug, Clone, ClapArgs)]
pub(super) struct RehearseArgs {
    #[arg(long, value_name = "LABEL")]
    pub(super) spent: Vec<String>,
    #[arg(long, value_name = "LABEL")]
    pub(super) blocked: Vec<String>,
    #[arg(long, value_name = "+2h")]
    pub(super) at: Option<String>,
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) requests: u32,
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    #[command(flatten)]
    pub(super) json: Json,
}

impl Default for E2eArgs {
    fn default() -> Self {
        Self {
            requests: 50,
            batch: 10,
            window: 50,
            endpoint: "/models".to_owned(),
            min_confidence: 95,
            timeout: 10,
            pause: None,
            scheme: None,
            json: Json { json: false },
        }
    }
}

/// The whole command line, explained in the language of `words`.
pub(super) fn command(words: &Words) -> clap::Command {
    help::command(words)
}

impl Args {
    /// Reads the command line, with help in the language of `words`.
    pub(super) fn read(typed: impl IntoIterator<Item = OsString>, words: &Words) -> Result<Self, clap::Error> {
        let (ours, theirs) = split(typed.into_iter().collect());
        let ours = with_negated_terms(ours);
        let mut args = Self::from_arg_matches(&command(words).try_get_matches_from(ours)?)?;
        match (&mut args.command, theirs) {
            (Some(Action::Kimi { arguments }), Some(theirs)) => *arguments = theirs,
            (command @ None, _) => *command = args.old.command(),
            (Some(action), _) => action.modernise(),
        }
        Ok(args)
    }

    /// The same, with this program's own file.
    pub(super) fn with_program(self, program: Option<PathBuf>) -> Self {
        Self { program, ..self }
    }

    /// The same without the dashboard.
    pub(super) fn headless(&self) -> Self {
        Self { no_ui: true, ..self.clone() }
    }

    /// The options that were typed, for a process of our own.
    pub(super) fn again(&self) -> Vec<OsString> {
        let mut again = Vec::new();
        let mut option = |name: &str, value: Option<OsString>| {
            again.extend(value.into_iter().flat_map(|value| [OsString::from(name), value]));
        };
        option("--lang", self.lang.clone().map(Into::into));
        option("--env-file", self.env_file.clone().map(Into::into));
        option("--auths-dir", self.auths_dir.clone().map(Into::into));
        option("--state-dir", self.state_dir.clone().map(Into::into));
        option("--theme", self.theme.clone().map(Into::into));
        option("--listen", self.listen.clone().map(Into::into));
        let switches = [
            ("--dry-run", self.dry_run),
            ("--plain", self.plain),
            ("--no-color", self.no_color),
            ("--ascii", self.ascii),
        ];
        again.extend(switches.iter().filter(|(_, on)| *on).map(|(name, _)| OsString::from(name)));
        again
    }

    pub(super) fn flags(&self) -> Flags {
        Flags {
            env_file: self.env_file.clone(),
            auths_dir: self.auths_dir.clone(),
            state_dir: self.state_dir.clone(),
            listen: self.listen.clone(),
            lang: self.lang.clone(),
            theme: self.theme.clone(),
            fps: self.fps.clone(),
            reduced_motion: self.reduced_motion,
            plain: self.plain,
            no_color: self.no_color,
            dry_run: self.dry_run,
        }
    }
}

/// What follows `kimi` is the client's own, `--help` and `--` too: clap never sees it.
fn split(mut typed: Vec<OsString>) -> (Vec<OsString>, Option<Vec<OsString>>) {
    let is_kimi = |at: &usize| {
        typed.get(*at).is_some_and(|word| word == "kimi")
            && Args::try_parse_from(&typed[..=*at]).is_ok_and(|args| matches!(args.command, Some(Action::Kimi { .. })))
    };
    match (1..typed.len()).find(is_kimi) {
        Some(at) => {
            let theirs = typed.split_off(at + 1);
            (typed, Some(theirs))
        }
        None => (typed, None),
    }
}

/// `trace -path:/models`: a negated term of the filter would be taken for an option, so it is given as one.
fn with_negated_terms(typed: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let (mut given, mut of_trace) = (Vec::new(), false);
    for word in typed {
        // A bare word may as well be an option with one dash too few: that is for clap to say.
        let negated = |word: &&str| of_trace && !word.starts_with("--") && word.starts_with('-');
        let term = word.to_str().filter(negated).filter(|word| word.contains([':', '<', '>', '"', ' ']));
        given.push(term.map_or_else(|| word.clone(), |term| format!("--filter={term}").into()));
        of_trace = word != "--" && (of_trace || word == "trace");
    }
    given
}

/// What `--lang` says, found before the command line is read: help itself must be in that language.
pub(super) fn lang_of(typed: &[OsString]) -> Option<String> {
    let mut words = typed.iter().filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        match word.strip_prefix("--lang") {
            Some("") => return words.next().map(str::to_owned),
            Some(value) => return value.strip_prefix('=').map(str::to_owned),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_kimi_is_its_own() {
        let split = |typed: &[&str]| split(typed.iter().map(OsString::from).collect()).1;
        let theirs = |words: &[&str]| Some(words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(split(&["kmi-tui", "kimi", "--help", "--", "-p", "x"]), theirs(&["--help", "--", "-p", "x"]));
        assert_eq!(split(&["kmi-tui", "--state-dir", "kimi", "kimi", "kimi"]), theirs(&["kimi"]));
        assert_eq!(split(&["kmi-tui", "status"]), None);
        assert_eq!(split(&["kmi-tui", "block", "kimi"]), None);
    }

    #[test]
    fn a_negated_term_is_no_option() {
        let words = Words::new(crate::i18n::Locale::English, jiff::tz::TimeZone::UTC);
        let typed = ["kmi-tui", "trace", "key:a", "-path:/models", "--json", ">1s", "--filter", "-b", "->2s"];
        let args = Args::read(typed.map(OsString::from), &words).expect("it is read");
        let Some(Action::Trace(trace)) = args.command else { panic!("{args:?}") };
        assert_eq!((trace.terms, trace.as_json), (vec!["key:a".to_owned(), ">1s".to_owned()], true));
        assert_eq!(trace.filter, ["-path:/models", "-b", "->2s"]);
        let typed = ["kmi-tui", "trace", "--", "-a:b"].map(OsString::from);
        let Some(Action::Trace(trace)) = Args::read(typed, &words).expect("it is read").command else { panic!() };
        assert_eq!(trace.terms, ["-a:b"]);
        for wrong in [&["kmi-tui", "-a:b"][..], &["kmi-tui", "trace", "-json"]] {
            assert!(Args::read(wrong.iter().map(OsString::from), &words).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_language_is_found_before_the_rest_is_read() {
        for (typed, expected) in [
            (&["kmi-tui", "--lang", "ru", "--demo"][..], Some("ru")),
            (&["kmi-tui", "--lang=en"], Some("en")),
            (&["kmi-tui"], None),
        ] {
            let typed: Vec<OsString> = typed.iter().map(OsString::from).collect();
            assert_eq!(lang_of(&typed).as_deref(), expected);
        }
    }
}
