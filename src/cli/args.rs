//! What can be typed: clap types. Their words come from `i18n`, so help speaks the person's language.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::trace::TraceArgs;
use crate::{config::Flags, i18n::Words};

/// The command line.
#[derive(Debug, Parser)]
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
    #[arg(long)]
    pub(super) demo: bool,
    #[arg(long)]
    dry_run: bool,
    #[arg(long, global = true, value_name = "en|ru")]
    lang: Option<String>,
    #[arg(long, global = true, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR")]
    auths_dir: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    #[arg(long, global = true)]
    plain: bool,
    #[arg(long, global = true)]
    no_color: bool,
    #[arg(long)]
    pub(super) ascii: bool,
    #[arg(short, long, global = true, action = ArgAction::Help)]
    help: Option<bool>,
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
    #[command(subcommand)]
    pub(super) command: Option<Action>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    Status {
        #[arg(long)]
        json: bool,
    },
    Keys {
        #[arg(long)]
        json: bool,
    },
    Rotate {
        #[arg(long, value_name = "LABEL")]
        to: Option<String>,
        #[arg(long)]
        json: bool,
    },
    AutoRotate {
        #[arg(value_name = "on|off", value_parser = ["on", "off"])]
        switch: String,
        #[arg(long)]
        json: bool,
    },
    Block {
        #[arg(value_name = "LABEL")]
        label: String,
        #[arg(long = "for", value_name = "1h")]
        span: Option<String>,
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[arg(long)]
        json: bool,
    },
    Unblock {
        #[arg(value_name = "LABEL")]
        label: String,
        #[arg(long)]
        json: bool,
    },
    ProxyStop,
    Trace(TraceArgs),
    Trust {
        #[arg(value_name = "PATH")]
        path: Option<PathBuf>,
    },
}

impl Args {
    /// Reads the command line, with help in the language of `words`.
    pub(super) fn read(typed: impl IntoIterator<Item = OsString>, words: &Words) -> Result<Self, clap::Error> {
        let mut command = Self::command()
            .about(words.text("cli-about"))
            .help_template(format!("{{about}}\n\n{}: {{usage}}\n\n{{all-args}}", words.text("cli-usage")))
            .subcommand_help_heading(words.text("cli-commands"))
            .mut_args(|argument| argument.help_heading(words.text("cli-options")));
        let described: Vec<(String, String)> = command
            .get_arguments()
            .map(|argument| argument.get_id().to_string())
            .filter_map(|id| ARGUMENTS.iter().find(|(name, _)| *name == id).map(|(_, text)| (id, words.text(text))))
            .collect();
        for (id, help) in described {
            command = command.mut_arg(id, |argument| argument.help(help));
        }
        for (name, about) in COMMANDS {
            command = command.mut_subcommand(name, |command| {
                command
                    .about(words.text(about))
                    .help_template(format!("{{about}}\n\n{}: {{usage}}\n\n{{all-args}}", words.text("cli-usage")))
                    .mut_args(|argument| {
                        let heading = if argument.is_positional() { "cli-arguments" } else { "cli-options" };
                        let argument = argument.help_heading(words.text(heading));
                        match OF_COMMANDS.iter().find(|(id, _)| argument.get_id() == *id) {
                            Some((_, text)) => argument.help(words.text(text)),
                            None => argument,
                        }
                    })
            });
        }
        Self::from_arg_matches(&command.try_get_matches_from(with_negated_terms(typed))?)
    }

    pub(super) fn flags(&self) -> Flags {
        Flags {
            env_file: self.env_file.clone(),
            auths_dir: self.auths_dir.clone(),
            state_dir: self.state_dir.clone(),
            listen: self.listen.clone(),
            lang: self.lang.clone(),
            plain: self.plain,
            no_color: self.no_color,
            dry_run: self.dry_run,
        }
    }
}

/// Argument ids and the messages that explain them.
const ARGUMENTS: &[(&str, &str)] = &[
    ("no_ui", "cli-no-ui"),
    ("demo", "cli-demo"),
    ("dry_run", "cli-dry-run"),
    ("lang", "cli-lang"),
    ("env_file", "cli-env-file"),
    ("auths_dir", "cli-auths-dir"),
    ("state_dir", "cli-state-dir"),
    ("listen", "cli-listen"),
    ("plain", "cli-plain"),
    ("no_color", "cli-no-color"),
    ("ascii", "cli-ascii"),
    ("help", "cli-help"),
    ("version", "cli-version"),
];

/// Commands and the messages that explain them.
const COMMANDS: &[(&str, &str)] = &[
    ("status", "cli-status"),
    ("keys", "cli-keys"),
    ("rotate", "cli-rotate"),
    ("auto-rotate", "cli-auto-rotate"),
    ("block", "cli-block"),
    ("unblock", "cli-unblock"),
    ("proxy-stop", "cli-proxy-stop"),
    ("trace", "trace-about"),
    ("trust", "cli-trust"),
];

/// Arguments of commands and the messages that explain them.
const OF_COMMANDS: &[(&str, &str)] = &[
    ("json", "cli-json"),
    ("to", "cli-rotate-to"),
    ("switch", "cli-auto-rotate-switch"),
    ("label", "cli-label"),
    ("span", "cli-block-for"),
    ("reason", "cli-block-reason"),
    ("path", "cli-trust-path"),
    ("follow", "trace-follow"),
    ("window", "trace-window"),
    ("key", "trace-key"),
    ("status", "trace-status"),
    ("since", "trace-since"),
    ("grep", "trace-grep"),
    ("filter", "trace-filter"),
    ("as_json", "trace-json"),
    ("csv", "trace-csv"),
    ("summary", "trace-summary"),
    ("terms", "trace-terms"),
];

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
    use jiff::tz::TimeZone;

    use super::*;
    use crate::i18n::Locale;

    #[test]
    fn every_argument_is_explained_in_every_language() {
        for locale in Locale::ALL {
            let words = Words::new(locale, TimeZone::UTC);
            let help = Args::read(["kmi-tui", "--help"].map(OsString::from), &words).expect_err("help").to_string();
            assert!(help.contains(&words.text("cli-no-ui")) && help.contains(&words.text("cli-trust")), "{help}");
            assert!(locale == Locale::English || !help.contains("Options"), "{help}");
            let of_trace = Args::read(["kmi-tui", "trace", "--help"].map(OsString::from), &words).expect_err("help");
            let foreign = ["Options", "Arguments"].iter().any(|heading| of_trace.to_string().contains(heading));
            assert!(locale == Locale::English || !foreign, "{of_trace}");
            assert_eq!(words.faults(), Vec::<String>::new());
        }
        let known: Vec<String> =
            Args::command().get_arguments().map(|argument| argument.get_id().to_string()).collect();
        for command in Args::command().get_subcommands() {
            assert!(COMMANDS.iter().any(|(name, _)| *name == command.get_name()), "{command}");
            for argument in command.get_arguments() {
                assert!(OF_COMMANDS.iter().any(|(name, _)| argument.get_id() == *name), "{argument:?}");
            }
        }
        for id in known {
            assert!(ARGUMENTS.iter().any(|(name, _)| *name == id), "{id} is not explained");
        }
    }

    #[test]
    fn a_negated_term_is_no_option() {
        let words = Words::new(Locale::English, TimeZone::UTC);
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
