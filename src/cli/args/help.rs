//! The words of the command line: every command and argument with the message that explains it, so that help, man page
//! and completions speak the person's language.

use clap::{Arg, Command, CommandFactory};

use super::{Args, fault};
use crate::{
    domain::message::Message,
    i18n::{Locale, Words},
};

/// The whole command line, explained in the language of `words`.
pub(super) fn command(words: &Words) -> Command {
    let command = explained(Args::command().about(words.text("cli-about")), "", words);
    let mut built = command.clone();
    built.build();
    used(command, &mut built, words)
}

/// A command and those below it.
fn explained(command: Command, path: &str, words: &Words) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = command
        .subcommand_help_heading(words.text("cli-commands"))
        .subcommand_value_name(words.text("usage-command"))
        .mut_args(|argument| explained_argument(argument, words));
    names.into_iter().fold(command, |command, name| {
        let below = format!("{path} {name}").trim_start().to_owned();
        let about = COMMANDS.iter().find(|(path, _)| *path == below).map(|(_, text)| words.text(text));
        command.mut_subcommand(name, |command| {
            let command = about.into_iter().fold(command, Command::about);
            explained(command, &below, words)
        })
    })
}

/// What the parser would say of values in English is said here or by the argument's own words.
fn explained_argument(argument: Arg, words: &Words) -> Arg {
    let heading = match (argument.is_positional(), argument.is_global_set()) {
        (true, _) => "cli-arguments",
        (false, false) => "cli-options",
        (false, true) => "cli-options-everywhere",
    };
    let known = ARGUMENTS.iter().chain(OF_COMMANDS).find(|(id, _)| argument.get_id() == *id);
    let default = argument.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let takes = argument.get_action().takes_values();
    let default = default.filter(|_| takes);
    let default = default.map(|value| words.render(&Message::new("usage-default").with("value", value)));
    let argument = argument.help_heading(words.text(heading)).hide_default_value(takes).hide_possible_values(takes);
    let argument = if argument.get_id() == "lang" { argument.value_name(languages()) } else { argument };
    match known {
        Some((_, text)) => {
            argument.help(format!("{} {}", words.text(text), default.unwrap_or_default()).trim().to_owned())
        }
        None => argument,
    }
}

fn languages() -> String {
    Locale::ALL.map(Locale::tag).join("|")
}

/// The line that shows how each is used; only the parser, once it has built them, knows all of it.
fn used(command: Command, built: &mut Command, words: &Words) -> Command {
    let usage = fault::translated(&built.render_usage().to_string(), words);
    let command = command.help_template(format!("{{about}}\n\n{usage}\n\n{{all-args}}"));
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| match built.find_subcommand_mut(&name) {
        Some(below) => command.mut_subcommand(name, |command| used(command, below, words)),
        None => command,
    })
}

/// Options, by the ids of their arguments, and the messages that explain them.
const ARGUMENTS: &[(&str, &str)] = &[
    ("no_ui", "cli-no-ui"),
    ("json", "cli-json"),
    ("demo", "cli-demo"),
    ("dry_run", "cli-dry-run"),
    ("lang", "cli-lang"),
    ("env_file", "cli-env-file"),
    ("auths_dir", "cli-auths-dir"),
    ("state_dir", "cli-state-dir"),
    ("listen", "cli-listen"),
    ("theme", "cli-theme"),
    ("fps", "cli-fps"),
    ("reduced_motion", "cli-reduced-motion"),
    ("plain", "cli-plain"),
    ("no_color", "cli-no-color"),
    ("ascii", "cli-ascii"),
    ("help", "cli-help"),
    ("version", "cli-version"),
];

/// The same of commands.
const OF_COMMANDS: &[(&str, &str)] = &[
    ("current", "cli-health-current"),
    ("to", "cli-rotate-to"),
    ("switch", "cli-auto-rotate-switch"),
    ("label", "cli-label"),
    ("span", "cli-block-for"),
    ("reason", "cli-block-reason"),
    ("all", "cli-unblock-all"),
    ("foreground", "cli-proxy-foreground"),
    ("force", "cli-proxy-stop-force"),
    ("base_url", "cli-key-base-url"),
    ("priority", "cli-key-priority"),
    ("email", "cli-key-email"),
    ("unchecked", "cli-key-unchecked"),
    ("yes", "cli-yes"),
    ("from", "cli-init-from"),
    ("requests", "cli-requests"),
    ("batch", "cli-e2e-batch"),
    ("e2e_window", "cli-e2e-window"),
    ("endpoint", "cli-e2e-endpoint"),
    ("min_confidence", "cli-e2e-min-confidence"),
    ("timeout", "cli-e2e-timeout"),
    ("arguments", "cli-kimi-arguments"),
    ("name", "cli-clients-name"),
    ("spent", "cli-rehearse-spent"),
    ("blocked", "cli-rehearse-blocked"),
    ("at", "cli-rehearse-at"),
    ("model", "cli-rehearse-model"),
    ("output", "cli-report-output"),
    ("of_demo", "cli-screenshot-demo"),
    ("size", "cli-screenshot-size"),
    ("pane", "cli-screenshot-pane"),
    ("zoom", "cli-screenshot-zoom"),
    ("after", "cli-screenshot-after"),
    ("format", "cli-screenshot-format"),
    ("file", "cli-screenshot-file"),
    ("shell", "cli-completions-shell"),
    ("dir", "cli-man-dir"),
    ("path", "cli-trust-path"),
    ("recheck_keys", "cli-doctor-recheck"),
    ("clear_blocklist", "cli-doctor-clear"),
    ("fix", "cli-doctor-fix"),
    ("lines", "cli-logs-lines"),
    ("app", "cli-logs-app"),
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

/// Commands, by the words that are typed, and the messages that explain them.
const COMMANDS: &[(&str, &str)] = &[
    ("init", "cli-init"),
    ("status", "cli-status"),
    ("health", "cli-health"),
    ("keys", "cli-keys"),
    ("keys list", "cli-keys-list"),
    ("keys add", "cli-keys-add"),
    ("keys remove", "cli-keys-remove"),
    ("keys enable", "cli-keys-enable"),
    ("keys disable", "cli-keys-disable"),
    ("rotate", "cli-rotate"),
    ("auto-rotate", "cli-auto-rotate"),
    ("block", "cli-block"),
    ("unblock", "cli-unblock"),
    ("proxy", "cli-proxy"),
    ("proxy-stop", "cli-proxy-stop"),
    ("proxy-restart", "cli-proxy-restart"),
    ("proxy-logs", "cli-proxy-logs"),
    ("e2e", "cli-e2e"),
    ("kimi", "cli-kimi"),
    ("clients", "cli-clients"),
    ("rehearse", "cli-rehearse"),
    ("report", "cli-report"),
    ("screenshot", "cli-screenshot"),
    ("completions", "cli-completions"),
    ("man", "cli-man"),
    ("trace", "trace-about"),
    ("doctor", "cli-doctor"),
    ("settings", "cli-settings"),
    ("trust", "cli-trust"),
];

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use jiff::tz::TimeZone;

    use super::*;

    /// Every command below this one, by the words that are typed.
    fn all(command: &Command, path: &str, into: &mut Vec<(String, Command)>) {
        for below in command.get_subcommands() {
            let path = format!("{path} {}", below.get_name()).trim_start().to_owned();
            all(below, &path, into);
            into.push((path, below.clone()));
        }
    }

    #[test]
    fn everything_that_can_be_typed_is_explained_in_every_language() {
        for locale in Locale::ALL {
            let words = Words::new(locale, TimeZone::UTC);
            let help = Args::read(["kmi-tui", "--help"].map(OsString::from), &words).expect_err("help").to_string();
            assert!(help.contains(&words.text("cli-no-ui")) && help.contains(&words.text("cli-trust")), "{help}");
            let foreign = ["Options", "OPTIONS", "Usage", "default"];
            assert!(locale == Locale::English || foreign.iter().all(|word| !help.contains(word)), "{help}");
            assert_eq!(words.faults(), Vec::<String>::new());
        }
        let mut commands = Vec::new();
        all(&Args::command(), "", &mut commands);
        let names: Vec<&str> = COMMANDS.iter().map(|(path, _)| *path).collect();
        for (path, _) in &commands {
            assert!(names.contains(&path.as_str()), "{path} is not explained");
        }
        for name in names {
            assert!(commands.iter().any(|(path, _)| path == name), "there is no {name}");
        }
        commands.push((String::new(), Args::command()));
        for (path, command) in commands {
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let known = ARGUMENTS.iter().chain(OF_COMMANDS).any(|(id, _)| argument.get_id() == *id);
                assert!(known, "{path}: {} is not explained", argument.get_id());
            }
        }
    }
}
