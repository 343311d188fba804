//! The `.env` format as the old tool's users write it. Bad lines are numbered, never quoted: they may hold a key.

use std::collections::HashMap;

/// No settings or auth file is this large.
const SIZE_MAX: usize = 1 << 20;
/// Longest value after expansion: `${A}${A}` in a chain must not grow without end.
const VALUE_MAX: usize = 64 * 1024;
/// All expanded values together: a small file must not become a large one.
const EXPANDED_MAX: usize = SIZE_MAX;

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    /// In the file's order; a name without `=` has no value.
    pub(super) values: Vec<(String, Option<String>)>,
    /// Counted from 1.
    pub(super) bad_lines: Vec<usize>,
}

/// Why a file can't be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DotenvFault {
    TooLarge,
    NotUtf8,
}

/// Reads a file. `${NAME}` takes an earlier value of the file, else what `lookup` knows.
pub(super) fn parse(bytes: &[u8], lookup: impl Fn(&str) -> Option<String>) -> Result<Parsed, DotenvFault> {
    if bytes.len() > SIZE_MAX {
        return Err(DotenvFault::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| DotenvFault::NotUtf8)?;
    let mut parsed = Parsed::default();
    let mut scope = Scope { earlier: HashMap::new(), lookup, room: EXPANDED_MAX };
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match read_line(line).and_then(|(name, value)| Some((name, scope.settled(value)?))) {
            Some((name, value)) => {
                value.iter().for_each(|value| scope.remember(name, value));
                parsed.values.push((name.to_owned(), value));
            }
            None => parsed.bad_lines.push(number),
        }
    }
    Ok(parsed)
}

/// A value, and whether `${…}` in it counts.
struct Value {
    text: String,
    expands: bool,
}

fn read_line(line: &str) -> Option<(&str, Option<Value>)> {
    let exported = line.strip_prefix("export").filter(|rest| rest.starts_with(char::is_whitespace));
    let line = exported.unwrap_or(line).trim_start();
    let (name, value) = match line.split_once('=') {
        Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
        None => (line, None),
    };
    let fine = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    if !fine(name) {
        return None;
    }
    match value {
        None => Some((name, None)),
        Some(value) => Some((name, Some(read_value(value)?))),
    }
}

fn read_value(value: &str) -> Option<Value> {
    match value.chars().next() {
        Some('\'') => Some(Value { text: quoted(value, '\'')?, expands: false }),
        Some('"') => Some(Value { text: unescaped(&quoted(value, '"')?), expands: true }),
        _ => Some(Value { text: without_comment(value).to_owned(), expands: true }),
    }
}

/// Between the quotes; only a comment may follow.
fn quoted(value: &str, quote: char) -> Option<String> {
    let inner = value.strip_prefix(quote)?;
    let mut escaped = false;
    let end = inner.char_indices().find(|(_, character)| {
        let ends = *character == quote && !escaped;
        escaped = *character == '\\' && !escaped && quote == '"';
        ends
    });
    let (end, _) = end?;
    let after = inner.get(end + quote.len_utf8()..)?.trim();
    (after.is_empty() || after.starts_with('#')).then(|| inner[..end].to_owned())
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(other @ ('\\' | '"' | '$')) => out.push(other),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            _ => out.push(character),
        }
    }
    out
}

/// ` #` begins a comment only after white space.
fn without_comment(value: &str) -> &str {
    if value.starts_with('#') {
        return "";
    }
    let comment =
        value.char_indices().zip(value.chars().skip(1)).find(|((_, before), at)| before.is_whitespace() && *at == '#');
    comment.map_or(value, |((at, _), _)| &value[..at]).trim_end()
}

/// What `${NAME}` can mean at one line.
struct Scope<F> {
    earlier: HashMap<String, String>,
    lookup: F,
    /// How much expansion may still add.
    room: usize,
}

impl<F: Fn(&str) -> Option<String>> Scope<F> {
    fn remember(&mut self, name: &str, value: &str) {
        self.earlier.insert(name.to_owned(), value.to_owned());
    }

    /// The value in full; the outer `None` = it grew too large.
    fn settled(&mut self, value: Option<Value>) -> Option<Option<String>> {
        match value {
            Some(value) if value.expands && value.text.contains("${") => {
                let expanded = self.expanded(&value.text)?;
                self.room = self.room.checked_sub(expanded.len())?;
                Some(Some(expanded))
            }
            plain => Some(plain.map(|value| value.text)),
        }
    }

    fn expanded(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((reference, behind)) = after.split_once('}') else { break };
            let (name, default) = reference.split_once(":-").unwrap_or((reference, ""));
            let known = self.earlier.get(name).cloned().or_else(|| (self.lookup)(name));
            out.push_str(before);
            out.push_str(known.as_deref().unwrap_or(default));
            if out.len() > VALUE_MAX {
                return None;
            }
            rest = behind;
        }
        out.push_str(rest);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Parsed {
        parse(text.as_bytes(), |name| (name == "HOME").then(|| "/home/me".to_owned())).expect("text")
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        for (line, expected) in [
            ("A=b", "b"),
            ("export A = b ", "b"),
            ("export\tA=b", "b"),
            ("A=a#b", "a#b"),
            ("A=a #b", "a"),
            ("A=#b", ""),
            ("A=", ""),
            ("A='a # ${HOME}'", "a # ${HOME}"),
            ("A=\"a\\n\\\"b\\\"\" # c", "a\n\"b\""),
            ("A=${HOME}/x", "/home/me/x"),
            ("A=${NONE:-d}", "d"),
            ("A=$HOME", "$HOME"),
            ("A=${HOME", "${HOME"),
            ("\u{feff}A=b\r", "b"),
        ] {
            assert_eq!(read(line).values, [("A".to_owned(), Some(expected.to_owned()))], "{line:?}");
        }
        assert_eq!(read("A=1\nB=${A}2").values[1].1.as_deref(), Some("12"));
        assert_eq!(read("A").values, [("A".to_owned(), None)]);
    }

    #[test]
    fn bad_lines_are_numbered() {
        let parsed = read("# fine\nA=1\n = 2\nB='open\nsk secret = 3\n");
        assert_eq!((parsed.values.len(), parsed.bad_lines), (1, vec![3, 4, 5]));
    }

    #[test]
    fn what_is_no_text_is_said_so() {
        assert_eq!(parse(b"A=\xff", |_| None), Err(DotenvFault::NotUtf8));
        assert_eq!(parse(&vec![b'#'; SIZE_MAX + 1], |_| None), Err(DotenvFault::TooLarge));
    }

    #[test]
    fn expansion_does_not_explode() {
        let mut text = "A0=xxxxxxxxxx\n".to_owned();
        for step in 1..40 {
            text.push_str(&format!("A{step}=${{A{}}}${{A{}}}\n", step - 1, step - 1));
        }
        assert!(
            read(&text)
                .values
                .iter()
                .all(|(_, value)| value.as_ref().is_some_and(|value| value.len() <= 2 * VALUE_MAX))
        );
    }

    #[test]
    fn all_values_together_stay_small() {
        let big = format!("BIG={}\n", "x".repeat(60_000));
        let parsed = read(&(big + &"A=${BIG}\n".repeat(100_000)));
        let total: usize = parsed.values.iter().filter_map(|(_, value)| value.as_ref()).map(String::len).sum();
        assert!(total <= 2 * SIZE_MAX, "{total}");
        assert!(!parsed.bad_lines.is_empty(), "what did not fit is said");
    }

    #[test]
    fn many_names_are_found_fast() {
        let names: String = (0..40_000).map(|number| format!("N{number}=1\n")).collect();
        let parsed = read(&(names + "A=" + &"${X}".repeat(100_000)));
        assert_eq!(parsed.values.last(), Some(&("A".to_owned(), Some(String::new()))));
    }

    proptest! {
        #[test]
        fn no_file_breaks_it(bytes: Vec<u8>) {
            let _ = parse(&bytes, |_| None);
        }
    }

    proptest! {
        #[test]
        fn no_spoilt_file_breaks_it_or_the_bounds(
            bytes in crate::spoil::spoilt(&["export A='b # c'\nB=\"x ${A:-d} \\n\" # e\r\nC=${B}${B}${C:-${A}}\n", "KMI_API_KEY=sk-secret\n"]),
        ) {
            if let Ok(parsed) = parse(&bytes, |name| (name == "HOME").then(|| "/home/me".to_owned())) {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
                prop_assert!(parsed.bad_lines.iter().all(|line| (1..=lines).contains(line)), "{:?}", parsed.bad_lines);
                let longest = parsed.values.iter().filter_map(|(_, value)| value.as_ref()).map(String::len).max();
                prop_assert!(longest.unwrap_or_default() <= VALUE_MAX + SIZE_MAX);
            }
        }
    }
}
