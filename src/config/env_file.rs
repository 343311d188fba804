//! A settings file that a command makes or changes: text in, text out. Who writes it is elsewhere (`cli::init`), and so are
//! what a new one says (`sample`) and reading it (`dotenv`).

/// The file with these settings in it; everything else stays as it is. A default that is commented out makes place.
pub(crate) fn with_settings(before: &str, settings: &[(&str, String)]) -> String {
    let mut text = before.to_owned();
    for (name, value) in settings {
        let line = format!("{name}={}\n", quoted(value));
        text = replaced(&text, &line, |of| assigns(of, name))
            .or_else(|| replaced(&text, &line, |of| of.strip_prefix('#').is_some_and(|of| assigns(of, name))))
            .unwrap_or_else(|| {
                let ended = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                format!("{text}{ended}{line}")
            });
    }
    text
}

/// The line in place of the first that is meant, and without the others: the last one would count.
fn replaced(text: &str, line: &str, is_meant: impl Fn(&str) -> bool) -> Option<String> {
    let first = text.split_inclusive('\n').position(&is_meant)?;
    let lines = text.split_inclusive('\n').enumerate();
    Some(
        lines
            .filter(|(at, of)| *at == first || !is_meant(of))
            .map(|(at, of)| if at == first { line } else { of })
            .collect(),
    )
}

/// Whether a line gives the variable a value.
pub(super) fn assigns(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// The value as the file's readers, the old tool among them, take it for what it is.
fn quoted(value: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-./:~@%+,=*[]".contains(character);
    if value.chars().all(plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let escaped: String =
        value.chars().flat_map(|c| "\\\"$".contains(c).then_some('\\').into_iter().chain([c])).collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{dotenv, new_file},
        i18n::{Locale, Words},
    };

    #[test]
    fn a_new_file_has_all_settings_and_sets_those_that_were_named() {
        let new = new_file(&Words::new(Locale::English, jiff::tz::TimeZone::UTC));
        let text = with_settings(&new, &[("KMI_PROXY_LISTEN", "[::1]:0".into()), ("KMI_AUTHS_DIR", "/a b/c".into())]);
        let parsed = dotenv::parse(text.as_bytes(), |_| None).expect("it can be read");
        let expected = [("KMI_AUTHS_DIR", "/a b/c"), ("KMI_PROXY_LISTEN", "[::1]:0")];
        assert_eq!(parsed.values, expected.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))));
        assert!(text.contains("\n#KMI_STRATEGY=round-robin\n") && !text.contains("Copy this"), "{text}");
    }

    #[test]
    fn of_a_file_that_is_there_the_rest_stays() {
        for (before, after) in [
            ("A=1", "A=1\nKMI_X='a b'\n"),
            ("", "KMI_X='a b'\n"),
            ("export KMI_X = 1 # mine\nB=2\nKMI_X=3\n", "KMI_X='a b'\nB=2\n"),
            ("#KMI_X=\nKMI_XY=1\n", "KMI_X='a b'\nKMI_XY=1\n"),
        ] {
            assert_eq!(with_settings(before, &[("KMI_X", "a b".into())]), after, "{before}");
        }
    }

    #[test]
    fn whatever_is_written_is_read_again() {
        for value in ["plain", "with blank", "a'b", "a\"b $HOME\\x'", "#x", "ключ", ""] {
            let text = with_settings("", &[("A", value.to_owned())]);
            let parsed = dotenv::parse(text.as_bytes(), |_| None).expect("it can be read");
            assert_eq!(parsed.values, [("A".to_owned(), Some(value.to_owned()))], "{text}");
        }
    }
}
