//! Foreign text made safe for a terminal, a log or a trace. Not translation (`i18n`), not layout (`tui`).

use std::borrow::Cow;

/// Drops escape sequences, controls, bidi and zero-width characters, folds white space to single
/// blanks, and cuts to `max` characters (with `…`).
pub(crate) fn clean(text: &str, max: usize) -> String {
    cleaned(text, max).into_owned()
}

/// The same; what needs no cleaning, as most names, is only looked at.
pub(crate) fn cleaned(text: &str, max: usize) -> Cow<'_, str> {
    let plain = text.len() <= max && text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain { Cow::Borrowed(text) } else { Cow::Owned(scrubbed(text, max)) }
}

fn scrubbed(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max.saturating_mul(4)));
    let mut count = 0;
    let mut blank = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' || character == '\u{9b}' {
            skip_escape(character, &mut characters);
            continue;
        }
        if character.is_whitespace() {
            blank = !out.is_empty();
            continue;
        }
        if is_unsafe(character) {
            continue;
        }
        let needed = 1 + usize::from(blank);
        if count + needed > max {
            cut(&mut out, count, max);
            return out;
        }
        if std::mem::take(&mut blank) {
            out.push(' ');
        }
        out.push(character);
        count += needed;
    }
    out
}

/// Whether a content type is one of JSON.
pub(crate) fn names_json(content_type: &str) -> bool {
    content_type.as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"json"))
}

/// Lines as they are, but for what commands a terminal or hides: each such character becomes a sign that one was there.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let is_bad = |character| is_unsafe(character) && !matches!(character, '\n' | '\t' | '\r');
    if text.contains(is_bad) {
        return text.chars().map(|character| if is_bad(character) { '\u{fffd}' } else { character }).collect();
    }
    Cow::Borrowed(text)
}

fn cut(out: &mut String, count: usize, max: usize) {
    if count == max {
        out.pop();
    }
    if max > 0 {
        out.push('…');
    }
}

/// Controls, bidi marks and overrides, zero-width and invisible characters, line separators, tags.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Skips what follows an ESC (or is introduced by a one-character CSI): the whole sequence, not only its first byte.
fn skip_escape(first: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let kind = if first == '\u{9b}' { Some('[') } else { rest.next() };
    match kind {
        Some('[') => {
            while let Some(next) = rest.next_if(|next| (' '..='~').contains(next)) {
                if ('@'..='~').contains(&next) {
                    break;
                }
            }
        }
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while let Some(next) = rest.next() {
                match next {
                    '\u{7}' | '\u{9c}' => break,
                    '\u{1b}' => {
                        rest.next_if_eq(&'\\');
                        break;
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_keeps_its_words_only() {
        for (text, expected) in [
            ("plain  text\n\twith blanks ", "plain text with blanks"),
            ("a\u{1b}[31mred\u{1b}[0mb", "aredb"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]52;c;Zm9v\u{1b}\\b", "ab"),
            ("a\u{9b}2Jb", "ab"),
            ("x\u{202e}evil\u{2066}y\u{200b}z\u{feff}", "xevilyz"),
            ("привет\u{0}мир", "приветмир"),
        ] {
            assert_eq!(clean(text, 100), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_stay_lines_and_what_commands_becomes_a_sign() {
        assert!(matches!(harmless("a\n\tпривет\r\n"), Cow::Borrowed(_)));
        assert_eq!(harmless("a\u{1b}[31m\nb\u{202e}\u{9b}\u{0}"), "a\u{fffd}[31m\nb\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn long_text_is_cut_to_the_limit() {
        assert_eq!(clean("abcdef", 6), "abcdef");
        assert_eq!(clean("abcdefg", 6), "abcde…");
        assert_eq!(clean("abc defg", 4), "abc…");
        assert_eq!(clean("abc", 0), "");
    }
}
