//! What is wrong with a command line, in the person's language. Not what is wrong with values that only a command can
//! judge: those are its own words.

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{domain::message::Message, i18n::Words};

/// All there is to say to an error of the parser; `None` for what is none: help and version.
pub(in crate::cli) fn told(error: &Error, words: &Words) -> Option<String> {
    if !error.use_stderr() {
        return None;
    }
    let Some(what) = message(error) else { return Some(error.to_string().trim_end().to_owned()) };
    let mut text = words.render(&what);
    let near = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let near: Vec<String> = near.into_iter().flat_map(|kind| alike(error, kind)).collect();
    if !near.is_empty() {
        text.push(' ');
        text.push_str(&words.render(&Message::new("usage-near").with("names", near.join(", "))));
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        text.push_str(&format!("\n\n{}", translated(&usage.to_string(), words)));
    }
    Some(format!("{text}\n\n{}", words.text("usage-help")))
}

/// A line of usage, with the parser's own words in the language.
pub(super) fn translated(usage: &str, words: &Words) -> String {
    let usage = usage.replace("[OPTIONS]", &format!("[{}]", words.text("usage-options")));
    usage.replacen("Usage:", &format!("{}:", words.text("cli-usage")), 1)
}

/// The sentence; `None` for what the parser can't say of this command line.
fn message(error: &Error) -> Option<Message> {
    let argument = listed(error, ContextKind::InvalidArg);
    let value = listed(error, ContextKind::InvalidValue).unwrap_or_default();
    Some(match error.kind() {
        ErrorKind::UnknownArgument => Message::new("usage-unknown-argument").with("argument", argument?),
        ErrorKind::InvalidSubcommand => {
            Message::new("usage-unknown-command").with("name", listed(error, ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::MissingRequiredArgument => Message::new("usage-missing").with("arguments", argument?),
        ErrorKind::InvalidValue if value.is_empty() => Message::new("usage-no-value").with("argument", argument?),
        ErrorKind::InvalidValue => Message::new("usage-wrong-value")
            .with("value", value)
            .with("argument", argument?)
            .with("known", listed(error, ContextKind::ValidValue)?),
        ErrorKind::TooManyValues => {
            Message::new("usage-takes-no-value").with("value", value).with("argument", argument?)
        }
        ErrorKind::ValueValidation => not_a_number(error, argument?, value),
        ErrorKind::ArgumentConflict => {
            let (argument, other) = (argument?, listed(error, ContextKind::PriorArg)?);
            let id = if argument == other { "usage-twice" } else { "usage-conflict" };
            Message::new(id).with("argument", argument).with("other", other)
        }
        ErrorKind::InvalidUtf8 => Message::new("usage-not-text"),
        _ => return None,
    })
}

/// All values that the parser checks by itself are numbers; some have ends.
fn not_a_number(error: &Error, argument: String, value: String) -> Message {
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let ends = said.split_once(" is not in ").and_then(|(_, ends)| ends.split_once(".."));
    let known = |text: &str| text.trim_start_matches('=').parse::<i64>().ok();
    let (id, least, most) = match ends {
        Some((least, most)) if known(most).is_some() => ("usage-number-between", known(least), known(most)),
        Some((least, _)) => ("usage-number-from", known(least), None),
        None => ("usage-number", None, None),
    };
    let message = Message::new(id).with("value", value).with("argument", argument);
    let message = least.into_iter().fold(message, |message, least| message.with("least", least));
    most.into_iter().fold(message, |message, most| message.with("most", most))
}

/// What the parser knows under this name, as it is typed.
fn listed(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(", ")),
        _ => None,
    }
}

/// What the parser takes for meant, the nearest first: it names that last.
fn alike(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.iter().rev().cloned().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use jiff::tz::TimeZone;

    use super::{super::Args, *};
    use crate::i18n::Locale;

    #[test]
    fn every_mistake_is_told_in_every_language() {
        for (typed, english) in [
            (&["--jsno"][..], "There is no “--jsno” here. Close to it: --json."),
            (&["statsu"], "There is no command “statsu”. Close to it: status, settings."),
            (&["block"], "Missing: <LABEL>."),
            (&["status", "--json=1"], "--json takes no value; here it has “1”."),
            (&["rehearse", "-n"], "--requests <N> needs a value."),
            (&["rehearse", "-n", "0"], "“0” does not fit --requests <N>: a number from 1 to 100000."),
            (&["trace", "--window", "0"], "“0” does not fit --window <N>: a number from 1."),
            (&["proxy-logs", "-n", "x"], "“x” does not fit --lines <N>: a whole number."),
            (&["auto-rotate", "maybe"], "“maybe” does not fit <on|off>: one of on, off."),
            (&["unblock", "a", "--all"], "[LABEL] and --all can't go together."),
            (&["--lang", "ru", "--lang", "ru"], "--lang <en|ru> may stand once only."),
        ] {
            for locale in Locale::ALL {
                let words = Words::new(locale, TimeZone::UTC);
                let typed = ["kmi-tui"].iter().chain(typed).map(OsString::from);
                let text = told(&Args::read(typed, &words).expect_err("a mistake"), &words).expect("told");
                assert_eq!(words.faults(), Vec::<String>::new(), "{text}");
                assert!(text.ends_with(&words.text("usage-help")), "{text}");
                if locale == Locale::English {
                    assert_eq!(text.lines().next(), Some(english));
                } else {
                    assert!(!text.contains("OPTIONS") && !text.contains("Usage"), "{text}");
                }
            }
        }
    }
}
