//! A settings file that a command makes or changes: text in, text out. Who writes it is elsewhere (`cli::init`), and so is
//! reading it (`dotenv`).

/// Every setting with what it means and its default.
const SAMPLE: &str = include_str!("../../assets/.env.example");

/// The file with these settings in it. A new one has all others too, commented out; of one that is there, everything else
/// stays as it is.
pub(crate) fn with_settings(before: Option<&str>, settings: &[(&str, String)]) -> String {
    let mut text = before.map_or_else(commented, str::to_owned);
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

fn commented() -> String {
    let line = |line: &str| if line.is_empty() || line.starts_with('#') { line.to_owned() } else { format!("#{line}") };
    let head = "# Settings of kmi-tui. What begins with #KMI_ is the default: take the # away to change it.\n";
    // The sample's own head says how to copy it.
    let body = SAMPLE.split_once("\n\n").map_or(SAMPLE, |(_, body)| body);
    body.lines().fold(format!("{head}\n"), |text, of| text + &line(of) + "\n")
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
    use crate::config::dotenv;

    #[test]
    fn a_new_file_has_all_settings_and_sets_those_that_were_named() {
        let text = with_settings(None, &[("KMI_PROXY_LISTEN", "[::1]:0".into()), ("KMI_AUTHS_DIR", "/a b/c".into())]);
        let parsed = dotenv::parse(text.as_bytes(), |_| None).expect("it can be read");
        let expected = [("KMI_AUTHS_DIR", "/a b/c"), ("KMI_PROXY_LISTEN", "[::1]:0")];
        assert_eq!(parsed.values, expected.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))));
        assert!(text.contains("\n#KMI_STRATEGY=round-robin\n") && !text.contains("Copy this file"), "{text}");
    }

    #[test]
    fn of_a_file_that_is_there_the_rest_stays() {
        for (before, after) in [
            ("A=1", "A=1\nKMI_X='a b'\n"),
            ("", "KMI_X='a b'\n"),
            ("export KMI_X = 1 # mine\nB=2\nKMI_X=3\n", "KMI_X='a b'\nB=2\n"),
            ("#KMI_X=\nKMI_XY=1\n", "KMI_X='a b'\nKMI_XY=1\n"),
        ] {
            assert_eq!(with_settings(Some(before), &[("KMI_X", "a b".into())]), after, "{before}");
        }
    }

    #[test]
    fn whatever_is_written_is_read_again() {
        for value in ["plain", "with blank", "a'b", "a\"b $HOME\\x'", "#x", "ключ", ""] {
            let text = with_settings(Some(""), &[("A", value.to_owned())]);
            let parsed = dotenv::parse(text.as_bytes(), |_| None).expect("it can be read");
            assert_eq!(parsed.values, [("A".to_owned(), Some(value.to_owned()))], "{text}");
        }
    }
}
