//! Numbers, spans, bars and lines of text in the room they have. Not what they say, nor their colour. The
//! command line shows them alike.

use std::{fmt::Write as _, time::Duration};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::glyphs::Glyphs;
use crate::{
    domain::{message::Message, trace::Tokens},
    i18n::Words,
};

/// Columns that `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `room` columns, with an ellipsis when something was cut.
pub(crate) fn cut(text: &str, room: usize, ellipsis: &str) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let Some(room) = room.checked_sub(width(ellipsis)) else { return String::new() };
    let mut out = head(text, room).trim_end().to_owned();
    out.push_str(ellipsis);
    out
}

/// The longest beginning of `text` that fits in `room` columns; never half a character.
fn head(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > room {
            return &text[..at];
        }
    }
    text
}

/// `text` in lines of at most `room` columns, broken at blanks, or inside a word that is longer than a line.
/// Done here because the paragraph widget panics on wide glyphs in narrow areas.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    // The blank within a number does not part.
    let parts = text.split(|character: char| character.is_whitespace() && character != '\u{a0}');
    for word in parts.filter(|word| !word.is_empty()) {
        push_word(&mut lines, word, room);
    }
    lines
}

fn push_word(lines: &mut Vec<String>, mut word: &str, room: usize) {
    let Some(line) = lines.last_mut() else { return };
    let used = width(line);
    if used > 0 && used + 1 + width(word) <= room {
        let _ = write!(line, " {word}");
        return;
    }
    if used > 0 {
        lines.push(String::new());
    }
    while width(word) > room {
        let first = head(word, room);
        if first.is_empty() {
            return;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(first);
        }
        lines.push(String::new());
        word = &word[first.len()..];
    }
    if let Some(line) = lines.last_mut() {
        line.push_str(word);
    }
}

/// `123`, `9999`, `12.3k`, `4.5M`.
pub(crate) fn count(words: &Words, number: u64) -> String {
    let (divisor, unit) = match number {
        0..10_000 => return number.to_string(),
        10_000..1_000_000 => (1e3, "k"),
        1_000_000..1_000_000_000 => (1e6, "M"),
        _ => (1e9, "G"),
    };
    let value = number as f64 / divisor;
    format!("{}{unit}", decimal(words, value, usize::from(value < 100.0)))
}

/// `value` with `digits` after the language's decimal sign.
pub(crate) fn decimal(words: &Words, value: f64, digits: usize) -> String {
    format!("{value:.digits$}").replace('.', &words.text("number-decimal"))
}

/// `72%`: rounded down, so that 100 % is full and 0 % is empty, with `<1%` between.
pub(crate) fn percent(share: f64) -> String {
    match share.clamp(0.0, 1.0) * 100.0 {
        value if value > 0.0 && value < 1.0 => "<1%".to_owned(),
        value => format!("{:.0}%", (value + 1e-9).floor()),
    }
}

/// What goes in an hour: as `percent`, but it may be more than all.
pub(crate) fn pace(per_hour: f64) -> String {
    if per_hour < 1.0 { percent(per_hour) } else { format!("{:.0}%", per_hour * 100.0) }
}

/// `1.2k→340`: tokens in and out; empty when neither is known.
pub(crate) fn tokens(words: &Words, tokens: Tokens, arrow: &str) -> String {
    if tokens.input.is_none() && tokens.output.is_none() {
        return String::new();
    }
    let side = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| count(words, number));
    format!("{}{arrow}{}", side(tokens.input), side(tokens.output))
}

/// Time left, short: `4:32`, `1h50m`, `6d4h`.
pub(crate) fn countdown(words: &Words, left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let (id, large, small) = match seconds {
        0..3_600 => return format!("{}:{:02}", seconds / 60, seconds % 60),
        3_600..86_400 => ("short-hours", seconds / 3_600, seconds % 3_600 / 60),
        _ => ("short-days", seconds / 86_400, seconds % 86_400 / 3_600),
    };
    words.render(&Message::new(id).with("large", whole(large)).with("small", whole(small)))
}

/// Time passed, in its largest unit: `12s`, `5m`, `3h`, `2d`.
pub(crate) fn age(words: &Words, passed: Duration) -> String {
    let seconds = passed.as_secs();
    let (id, value) = match seconds {
        0..60 => ("age-seconds", seconds),
        60..3_600 => ("age-minutes", seconds / 60),
        3_600..86_400 => ("age-hours", seconds / 3_600),
        _ => ("age-days", seconds / 86_400),
    };
    words.render(&Message::new(id).with("value", whole(value)))
}

/// How long something took: `340ms`, `1.2s`, `75s`.
pub(crate) fn took(words: &Words, span: Duration) -> String {
    let (id, value) = match span.as_millis() {
        0..1_000 => ("took-milliseconds", span.as_millis().to_string()),
        1_000..10_000 => ("took-seconds", decimal(words, span.as_secs_f64(), 1)),
        _ => ("took-seconds", span.as_secs().to_string()),
    };
    words.render(&Message::new(id).with("value", value))
}

/// A number as Fluent takes it.
pub(crate) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The filled and the empty part of a bar of `room` columns. Something is never drawn as nothing, nor as all.
pub(crate) fn bar(share: f64, room: usize, glyphs: &Glyphs) -> (String, String) {
    let share = share.clamp(0.0, 1.0);
    let full = (0..room).filter(|column| (*column as f64 + 0.5) / room as f64 <= share).count();
    let full = match share {
        share if share > 0.0 && full == 0 => 1.min(room),
        share if share < 1.0 && full == room => room.saturating_sub(1),
        _ => full,
    };
    (glyphs.bar_full.repeat(full), glyphs.bar_rest.repeat(room - full))
}

/// The newest `room` values as one line, scaled to the largest.
pub(crate) fn sparkline(values: &[u32], room: usize, glyphs: &Glyphs) -> String {
    sparkline_up_to(0, values, room, glyphs)
}

/// The same, scaled to `height` where that is more.
pub(crate) fn sparkline_up_to(height: u32, values: &[u32], room: usize, glyphs: &Glyphs) -> String {
    let shown = &values[values.len().saturating_sub(room)..];
    let most = u64::from(shown.iter().copied().max().unwrap_or_default().max(height).max(1));
    let level = |value: u32| usize::try_from((u64::from(value) * 8).div_ceil(most)).unwrap_or_default().min(8);
    let line: String = shown.iter().map(|value| glyphs.levels[level(*value)]).collect();
    format!("{line:>room$}")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::i18n::Locale;

    fn words(locale: Locale) -> Words {
        Words::new(locale, TimeZone::UTC)
    }

    #[test]
    fn numbers_stay_short() {
        let (english, russian) = (words(Locale::English), words(Locale::Russian));
        for (number, expected) in [
            (0, "0"),
            (9_999, "9999"),
            (12_345, "12.3k"),
            (999_999, "1000k"),
            (4_500_000, "4.5M"),
            (u64::MAX, "18446744074G"),
        ] {
            assert_eq!(count(&english, number), expected);
        }
        assert_eq!(count(&russian, 12_345), "12,3k");
        for (share, expected) in
            [(0.0, "0%"), (0.004, "<1%"), (0.29, "29%"), (0.999, "99%"), (1.0, "100%"), (7.0, "100%")]
        {
            assert_eq!(percent(share), expected);
        }
    }

    #[test]
    fn spans_stay_short() {
        let english = words(Locale::English);
        let seconds = Duration::from_secs;
        for (left, expected) in [(0, "0:00"), (272, "4:32"), (6_600, "1h50m"), (533_000, "6d4h")] {
            assert_eq!(countdown(&english, seconds(left)), expected);
        }
        for (passed, expected) in [(12, "12s"), (330, "5m"), (7_300, "2h"), (200_000, "2d")] {
            assert_eq!(age(&english, seconds(passed)), expected);
        }
        for (span, expected) in [(340, "340ms"), (1_240, "1.2s"), (75_000, "75s")] {
            assert_eq!(took(&english, Duration::from_millis(span)), expected);
        }
        assert_eq!(english.faults(), Vec::<String>::new());
    }

    #[test]
    fn text_is_cut_and_wrapped_by_columns() {
        assert_eq!(cut("abcdef", 4, "…"), "abc…");
        assert_eq!(cut("日本語", 4, "…"), "日…");
        assert_eq!(cut("ab", 0, "…"), "");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("日本", 1), [""]);
        assert_eq!(wrap("a 12\u{a0}345  b", 7), ["a", "12\u{a0}345", "b"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn a_bar_is_empty_or_full_only_when_it_is() {
        let glyphs = Glyphs::of(true);
        for (share, expected) in
            [(0.0, "...."), (0.01, "#..."), (0.5, "##.."), (0.99, "###."), (1.0, "####"), (f64::NAN, "....")]
        {
            let (full, rest) = bar(share, 4, &glyphs);
            assert_eq!(full + &rest, expected, "{share}");
        }
        assert_eq!(sparkline(&[0, 1, 8], 5, &glyphs), "   .@");
        assert_eq!(sparkline(&[], 2, &glyphs), "  ");
        assert_eq!(sparkline_up_to(16, &[8, 8], 2, &glyphs), "==");
    }
}
