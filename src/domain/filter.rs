//! The filter language over trace records: one line that a person types, and whether a record is meant by it. Shared by
//! the command line and the dashboard. Not where records come from (`store`), nor the words of its errors (`i18n`).
//!
//! `key:alpha status:429,5xx -path:/models >800ms "two words"`: all terms must hold, `-` turns one around, commas in a
//! value mean "one of these", a bare word is looked for wherever people would look. Upper and lower case are the same.

use std::{fmt, time::Duration};

use memchr::memchr2_iter;

use super::{
    message::Message,
    trace::{Ending, TraceRecord},
};

/// What a person wants to see of the trace. The default wants everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filter {
    terms: Vec<Term>,
}

/// One condition; all of a filter's must hold.
#[derive(Debug, Clone, PartialEq)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// Found in any field that is searched; in lower case.
    Text(String),
    /// One of these values, each in the form that the field compares.
    Field(&'static Field, Vec<String>),
    /// How long the request took in all, in milliseconds.
    Took(Comparison, u64),
}

/// A name before a colon, and what it reads of a record.
struct Field {
    name: &'static str,
    how: How,
    /// Whether a bare word is looked for here too.
    searched: bool,
    /// Asks `is` about each value that the record has here.
    any: Any,
}

type Any = fn(&TraceRecord, &dyn Fn(&str) -> bool) -> bool;

/// How a value that was typed is compared with a record's.
#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Whole,
    Part,
    Start,
    /// A word of ours; `-` is as good as `_`.
    Code,
    /// As `Code`, but one of the endings.
    Ending,
    /// `429`, or `4xx` for all of a class.
    Status,
}

const fn field(name: &'static str, how: How, searched: bool, any: Any) -> Field {
    Field { name, how, searched, any }
}

/// The language's fields. A new one is a row here and one in `docs/trace.md`.
const FIELDS: &[Field] = &[
    field("key", How::Whole, true, |record, is| record.key.as_ref().is_some_and(|key| is(key.as_str()))),
    field("tried", How::Whole, false, |record, is| record.attempts.iter().any(|tried| is(tried.key.as_str()))),
    field("status", How::Status, false, |record, is| is(&record.status.to_string())),
    field("method", How::Whole, false, |record, is| is(&record.method)),
    field("path", How::Part, true, |record, is| is(&record.endpoint)),
    field("model", How::Part, true, |record, is| record.model.as_deref().is_some_and(is)),
    field("client", How::Part, true, |record, is| record.client.as_deref().is_some_and(is)),
    field("hint", How::Part, true, |record, is| is(&record.prompt_hint)),
    field("error", How::Part, true, |record, is| record.error.as_deref().is_some_and(is)),
    field("conversation", How::Start, false, |record, is| record.conversation.as_deref().is_some_and(is)),
    field("id", How::Start, true, |record, is| is(&record.request_id)),
    field("cause", How::Code, false, |record, is| record.causes().any(is)),
    field("ending", How::Ending, false, |record, is| is(record.ending.code())),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    More,
    AtLeast,
    Less,
    AtMost,
}

/// Longer signs first, so that `>=` is not read as `>` and `=`.
const COMPARISONS: &[(&str, Comparison)] =
    &[(">=", Comparison::AtLeast), ("<=", Comparison::AtMost), (">", Comparison::More), ("<", Comparison::Less)];

/// Units of a span, in milliseconds.
const UNITS: &[(&str, f64)] = &[("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3_600e3)];

impl Filter {
    /// Reads a line; all terms that are wrong are told at once.
    pub(crate) fn parse(line: &str) -> Result<Self, Vec<Message>> {
        let (mut terms, mut faults) = (Vec::new(), Vec::new());
        for word in words(line) {
            match word.term() {
                Ok(term) => terms.push(term),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(Self { terms }) } else { Err(faults) }
    }

    /// Only records whose field has one of these values, as if it had been typed.
    pub(crate) fn of(name: &str, values: &[&str]) -> Result<Self, Message> {
        let typed = format!("{name}:{}", values.join(","));
        let test = Test::of_field(name, values.iter().map(|value| (*value).to_owned()), &typed)?;
        Ok(Self { terms: vec![Term { negated: false, test }] })
    }

    /// Only records that hold this text where people would look for it.
    pub(crate) fn text(text: &str) -> Self {
        Self { terms: vec![Term { negated: false, test: Test::Text(fold(text)) }] }
    }

    /// Only what both want.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self
    }

    pub(crate) fn matches(&self, record: &TraceRecord) -> bool {
        self.terms.iter().all(|term| term.test.holds(record) != term.negated)
    }
}

impl Test {
    fn of_field(name: &str, values: impl Iterator<Item = String>, typed: &str) -> Result<Self, Message> {
        let name = fold(name);
        let field = FIELDS.iter().find(|field| field.name == name).ok_or_else(|| {
            let known: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
            Message::new("filter-unknown-field").with("term", typed).with("known", known.join(", "))
        })?;
        let values: Vec<String> = values.map(|value| field.how.wanted(&value, typed)).collect::<Result<_, _>>()?;
        Ok(Self::Field(field, values))
    }

    fn holds(&self, record: &TraceRecord) -> bool {
        match self {
            Self::Text(text) => FIELDS
                .iter()
                .filter(|field| field.searched)
                .any(|field| (field.any)(record, &|found| How::Part.fits(found, text))),
            Self::Field(field, values) => {
                (field.any)(record, &|found| values.iter().any(|value| field.how.fits(found, value)))
            }
            Self::Took(comparison, limit) => comparison.holds(record.total, Duration::from_millis(*limit)),
        }
    }
}

impl How {
    /// The value as it is compared, or what is wrong with it.
    fn wanted(self, value: &str, typed: &str) -> Result<String, Message> {
        let wrong = |id| Message::new(id).with("term", typed);
        if value.is_empty() {
            return Err(wrong("filter-no-value"));
        }
        let value = fold(value);
        match self {
            Self::Whole | Self::Part | Self::Start => Ok(value),
            Self::Code => Ok(value.replace('-', "_")),
            Self::Ending => {
                let value = value.replace('-', "_");
                let known = Ending::ALL.map(Ending::code);
                let fault = || wrong("filter-wrong-ending").with("known", known.join(", "));
                if known.contains(&value.as_str()) { Ok(value) } else { Err(fault()) }
            }
            Self::Status => match value.as_bytes() {
                [b'1'..=b'9', rest @ ..]
                    if rest.len() == 2 && (rest == b"xx" || rest.iter().all(u8::is_ascii_digit)) =>
                {
                    Ok(value)
                }
                _ => Err(wrong("filter-wrong-status")),
            },
        }
    }

    fn fits(self, found: &str, wanted: &str) -> bool {
        match self {
            Self::Status => match wanted.strip_suffix("xx") {
                Some(class) => found.len() == 3 && found.starts_with(class),
                None => found == wanted,
            },
            _ if found.is_ascii() => self.fits_ascii(found.as_bytes(), wanted.as_bytes()),
            Self::Part => fold(found).contains(wanted),
            Self::Start => fold(found).starts_with(wanted),
            Self::Whole | Self::Code | Self::Ending => fold(found) == wanted,
        }
    }

    /// The same where upper and lower case need no copy: most of what is looked at, a hundred thousand times.
    fn fits_ascii(self, found: &[u8], wanted: &[u8]) -> bool {
        let begins = |text: &[u8]| text.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
        match (self, wanted.first()) {
            (Self::Part, Some(first)) => {
                let mut places = memchr2_iter(*first, first.to_ascii_uppercase(), found);
                places.any(|at| begins(&found[at..]))
            }
            (Self::Part | Self::Start, _) => begins(found),
            _ => found.eq_ignore_ascii_case(wanted),
        }
    }
}

impl Comparison {
    fn of(text: &str) -> Option<(Self, &str)> {
        COMPARISONS.iter().find_map(|(sign, comparison)| Some((*comparison, text.strip_prefix(sign)?)))
    }

    fn sign(self) -> &'static str {
        COMPARISONS.iter().find(|(_, comparison)| *comparison == self).map_or("", |(sign, _)| sign)
    }

    fn holds(self, took: Duration, limit: Duration) -> bool {
        match self {
            Self::More => took > limit,
            Self::AtLeast => took >= limit,
            Self::Less => took < limit,
            Self::AtMost => took <= limit,
        }
    }
}

/// `800ms`, `1.5s`, `2m`, `1h`, in whole milliseconds.
fn milliseconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|letter: char| letter.is_ascii_alphabetic())?);
    let (_, factor) = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = number.parse::<f64>().ok().filter(|_| plain)? * factor;
    let span = Duration::try_from_secs_f64(value / 1e3).ok()?;
    u64::try_from(span.as_millis()).ok()
}

/// Russian is searched as English is.
fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// A term as it was typed: its letters, and which of them stood in quotes, where no sign means anything.
struct Word<'a> {
    typed: &'a str,
    letters: Vec<(char, bool)>,
    /// Its last quote is not closed.
    open: bool,
}

/// The terms of a line: blanks part them, except in quotes. In quotes, `\` takes the next letter as it is.
fn words(line: &str) -> Vec<Word<'_>> {
    let (mut found, mut start) = (Vec::new(), None);
    let (mut letters, mut quoted) = (Vec::new(), false);
    let mut all = line.char_indices();
    while let Some((at, letter)) = all.next() {
        match letter {
            _ if !quoted && letter.is_whitespace() => {
                if let Some(start) = start.take() {
                    found.push(Word { typed: &line[start..at], letters: std::mem::take(&mut letters), open: false });
                }
                continue;
            }
            '"' => quoted = !quoted,
            '\\' if quoted => letters.extend(all.next().map(|(_, next)| (next, true))),
            _ => letters.push((letter, quoted)),
        }
        start.get_or_insert(at);
    }
    found.extend(start.map(|start| Word { typed: &line[start..], letters, open: quoted }));
    found
}

impl Word<'_> {
    fn term(&self) -> Result<Term, Message> {
        let wrong = |id| Message::new(id).with("term", self.typed);
        if self.open {
            return Err(wrong("filter-open-quote"));
        }
        let negated = self.letters.len() > 1 && self.letters[0] == ('-', false);
        let letters = &self.letters[usize::from(negated)..];
        let test = if let Some(colon) = colon(letters) {
            Test::of_field(&text(&letters[..colon]), values(&letters[colon + 1..]), self.typed)?
        } else if let Some((comparison, span)) = comparison(letters) {
            let limit = milliseconds(&span).ok_or_else(|| wrong("filter-wrong-span"))?;
            Test::Took(comparison, limit)
        } else if letters.is_empty() {
            return Err(wrong("filter-no-value"));
        } else {
            Test::Text(fold(&text(letters)))
        };
        Ok(Term { negated, test })
    }
}

fn text(letters: &[(char, bool)]) -> String {
    letters.iter().map(|(letter, _)| letter).collect()
}

/// Where a field's name ends. What stands before the colon is no name when it has other signs than a name may have:
/// `12:30` and `/v1:x` are words.
fn colon(letters: &[(char, bool)]) -> Option<usize> {
    let name = |(letter, quoted): &&(char, bool)| !quoted && (letter.is_alphabetic() || matches!(letter, '_' | '-'));
    let length = letters.iter().take_while(name).count();
    (length > 0 && letters.get(length) == Some(&(':', false))).then_some(length)
}

fn values(letters: &[(char, bool)]) -> impl Iterator<Item = String> {
    letters.split(|letter| *letter == (',', false)).map(text)
}

fn comparison(letters: &[(char, bool)]) -> Option<(Comparison, String)> {
    let (_, quoted) = letters.first()?;
    let text = text(letters);
    let (comparison, span) = Comparison::of(&text).filter(|_| !quoted)?;
    Some((comparison, span.to_owned()))
}

/// As it could have been typed; reading it gives the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, term) in self.terms.iter().enumerate() {
            let blank = if at == 0 { "" } else { " " };
            let sign = if term.negated { "-" } else { "" };
            write!(f, "{blank}{sign}{}", term.test)?;
        }
        Ok(())
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Field(field, values) => {
                let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                write!(f, "{}:{}", field.name, values.join(","))
            }
            Self::Took(comparison, limit) => write!(f, "{}{limit}ms", comparison.sign()),
        }
    }
}

/// In quotes where a letter would mean something.
fn quoted(text: &str) -> String {
    let plain = |letter: char| !letter.is_whitespace() && !matches!(letter, '"' | '\\' | ',' | ':' | '<' | '>' | '-');
    if text.chars().all(plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        key::Label,
        trace::{Attempt, sample},
    };

    fn record() -> TraceRecord {
        TraceRecord {
            request_id: "3f2a".into(),
            prompt_hint: "Напиши Стих about Two Words".into(),
            endpoint: "/chat/completions".into(),
            status: 429,
            total: Duration::from_millis(900),
            error_code: Some("429".into()),
            attempts: vec![Attempt {
                key: Label::new("beta"),
                status: Some(429),
                cause: "rate_limited".into(),
                ms: 3,
                why: None,
            }],
            shared_cause: Some("address".into()),
            ending: Ending::ClientGone,
            model: Some("kimi-for-coding".into()),
            client: Some("claude-cli/2.1".into()),
            error: Some("Too many requests, wait".into()),
            ..sample("alpha")
        }
    }

    #[test]
    fn a_record_is_meant_or_not() {
        for (line, expected) in [
            ("", true),
            ("  ", true),
            ("key:alpha", true),
            ("KEY:Alpha", true),
            ("key:alp", false),
            ("key:beta", false),
            ("tried:beta", true),
            ("key:beta,alpha", true),
            ("status:429", true),
            ("status:4xx", true),
            ("status:4XX", true),
            ("status:500,4xx", true),
            ("status:5xx", false),
            ("-status:5xx", true),
            ("-status:429", false),
            ("method:post", true),
            ("path:/chat", true),
            ("-path:/models", true),
            ("model:KIMI", true),
            ("client:claude", true),
            ("id:3f2", true),
            ("id:f2a", false),
            ("cause:rate_limited", true),
            ("cause:rate-limited", true),
            ("cause:address", true),
            ("cause:429", false),
            ("ending:client_gone", true),
            ("ending:client-gone", true),
            ("ending:completed", false),
            ("error:\"too many\"", true),
            (">800ms", true),
            (">900ms", false),
            (">=900ms", true),
            (">=.9s", true),
            ("<2s", true),
            ("<=0.9s", true),
            ("<0.9S", false),
            ("-<0.9s", true),
            (">1m", false),
            ("<1h", true),
            ("стих", true),
            ("СТИХ two", true),
            ("\"two words\"", true),
            ("\"words two\"", false),
            ("-\"words two\"", true),
            ("3f2a", true),
            ("beta", false),
            ("hint:\"стих about\" key:alpha >1ms -beta", true),
            ("12:30", false),
            ("-", true),
        ] {
            let filter = Filter::parse(line).unwrap_or_else(|faults| panic!("{line}: {faults:?}"));
            assert_eq!(filter.matches(&record()), expected, "{line}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        for (line, expected) in [
            ("kye:alpha", &["filter-unknown-field"][..]),
            ("http://x", &["filter-unknown-field"]),
            ("ключ:alpha", &["filter-unknown-field"]),
            ("key:", &["filter-no-value"]),
            ("key:a,", &["filter-no-value"]),
            ("\"\"", &["filter-no-value"]),
            ("status:42", &["filter-wrong-status"]),
            ("status:x29", &["filter-wrong-status"]),
            ("status:4x9", &["filter-wrong-status"]),
            ("status:200,abc", &["filter-wrong-status"]),
            ("ending:gone", &["filter-wrong-ending"]),
            (">", &["filter-wrong-span"]),
            (">800", &["filter-wrong-span"]),
            (">-1s", &["filter-wrong-span"]),
            (">1e3s", &["filter-wrong-span"]),
            (">1parsec", &["filter-wrong-span"]),
            ("key:\"a b", &["filter-open-quote"]),
            ("a kye:x >y status:z ok", &["filter-unknown-field", "filter-wrong-span", "filter-wrong-status"]),
        ] {
            let faults = Filter::parse(line).expect_err(line);
            let ids: Vec<&str> = faults.iter().map(|fault| fault.id.as_ref()).collect();
            assert_eq!(ids, expected, "{line}");
        }
        let fault = Filter::of("status", &["9"]).expect_err("no status");
        assert_eq!(fault, Message::new("filter-wrong-status").with("term", "status:9"));
    }

    #[test]
    fn every_field_is_explained() {
        let paper = include_str!("../../docs/trace.md");
        for field in FIELDS {
            assert!(paper.contains(&format!("| `{}:", field.name)), "docs/trace.md: {}", field.name);
        }
    }

    #[test]
    fn it_is_shown_as_it_could_have_been_typed() {
        for (line, expected) in [
            ("  KEY:alpha   status:4xx,500 ", "key:alpha status:4xx,500"),
            (">1.5s -<2m", ">1500ms -<120000ms"),
            ("hint:\"a, \\\"b\\\" \\\\\" -\"-c\"", "hint:\"a, \\\"b\\\" \\\\\" -\"-c\""),
            ("\"key:alpha\"", "\"key:alpha\""),
        ] {
            assert_eq!(Filter::parse(line).expect(line).to_string(), expected);
        }
        let both = Filter::of("key", &["a,b c"]).expect("a key").and(Filter::text("X y"));
        assert_eq!(both.to_string(), "key:\"a,b c\" \"x y\"");
    }

    proptest! {
        #[test]
        fn upper_and_lower_case_are_the_same_with_and_without_a_copy(found in "[a-cA-Cё1/]{0,8}", wanted in "[a-cA-CЁK1/]{0,3}") {
            let (folded, wanted) = (fold(&found), fold(&wanted));
            prop_assert_eq!(How::Part.fits(&found, &wanted), folded.contains(&wanted));
            prop_assert_eq!(How::Start.fits(&found, &wanted), folded.starts_with(&wanted));
            prop_assert_eq!(How::Whole.fits(&found, &wanted), folded == wanted);
        }

        #[test]
        fn any_line_is_read_or_refused_and_what_is_shown_reads_back(line in r#"([a-zё"\\,:<>= \-]|key:|status:4xx|>=1s|\PC){0,24}"#) {
            if let Ok(filter) = Filter::parse(&line) {
                filter.matches(&record());
                prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
            }
        }
    }
}
