//! Words for people: Fluent bundles and the choice of a locale. Not for logs, JSON or the HTTP API: those stay English.

#[cfg(test)]
mod pseudo;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use jiff::{Timestamp, tz::TimeZone};
use unic_langid::LanguageIdentifier;

use crate::domain::{
    message::{Argument, Message},
    text,
};

macro_rules! sources {
    ($tag:literal) => {
        &[
            ("cli", include_str!(concat!("../../i18n/", $tag, "/cli.ftl"))),
            ("commands", include_str!(concat!("../../i18n/", $tag, "/commands.ftl"))),
            ("config", include_str!(concat!("../../i18n/", $tag, "/config.ftl"))),
            ("doctor", include_str!(concat!("../../i18n/", $tag, "/doctor.ftl"))),
            ("notice", include_str!(concat!("../../i18n/", $tag, "/notice.ftl"))),
            ("settings", include_str!(concat!("../../i18n/", $tag, "/settings.ftl"))),
            ("trace", include_str!(concat!("../../i18n/", $tag, "/trace.ftl"))),
            ("tui", include_str!(concat!("../../i18n/", $tag, "/tui.ftl"))),
        ]
    };
}

/// What a language is made of: its files in `i18n/`.
macro_rules! languages {
    ($($(#[$about:meta])* $name:ident = $tag:literal,)+) => {
        /// A language that the program speaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Locale {
            $($(#[$about])* $name,)+
        }

        impl Locale {
            pub(crate) const ALL: [Self; { [$($tag),+].len() }] = [$(Self::$name),+];

            pub(crate) const fn tag(self) -> &'static str {
                match self {
                    $(Self::$name => $tag,)+
                }
            }

            const fn sources(self) -> &'static [(&'static str, &'static str)] {
                match self {
                    $(Self::$name => sources!($tag),)+
                }
            }
        }
    };
}

// A new one is a folder in `i18n/` and a line here. What it does not say is said in English.
languages! {
    English = "en",
    Russian = "ru",
}

impl Locale {
    /// Reads `ru`, `ru_RU.UTF-8`, `EN-gb`; `None` for a language that is not spoken here.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let language = text.split(['_', '-', '.', '@']).next()?.to_ascii_lowercase();
        Self::ALL.into_iter().find(|locale| locale.tag() == language)
    }

    /// The other language, for a live switch.
    pub(crate) fn next(self) -> Self {
        let position = Self::ALL.iter().position(|locale| *locale == self).unwrap_or_default();
        Self::ALL.into_iter().cycle().nth(position + 1).unwrap_or(self)
    }
}

/// Arguments whose numbers are no amounts, or are to be typed.
const NAMES: [&str; 6] = ["pid", "line", "status", "port", "least", "most"];
/// From five digits on a number is written in groups.
const LONG: f64 = 10_000.0;
/// Stands between groups until the language's own sign does.
const GROUP: char = '\u{1f}';

/// The words of one language.
pub(crate) struct Words {
    locale: Locale,
    zone: TimeZone,
    language: Arc<Language>,
    /// Ids that were missing or misused; tests assert that it stays empty.
    faults: RefCell<BTreeSet<String>>,
}

type Bundle = FluentBundle<FluentResource>;

/// A language, read.
struct Language {
    bundle: Bundle,
    /// What is wrong with its files.
    faults: BTreeSet<String>,
}

/// Each language is read once, when it is first needed: half a dozen places hold words, and a copy takes 700 KB.
static LANGUAGES: [OnceLock<Arc<Language>>; Locale::ALL.len()] = [const { OnceLock::new() }; Locale::ALL.len()];

impl Words {
    pub(crate) fn new(locale: Locale, zone: TimeZone) -> Self {
        Self::of(locale, zone, Language::of(locale).clone())
    }

    fn of(locale: Locale, zone: TimeZone, language: Arc<Language>) -> Self {
        let faults = RefCell::new(language.faults.clone());
        Self { locale, zone, language, faults }
    }

    pub(crate) const fn locale(&self) -> Locale {
        self.locale
    }

    /// The same zone in another language.
    pub(crate) fn in_locale(&self, locale: Locale) -> Self {
        Self::new(locale, self.zone.clone())
    }

    /// The text of an id that takes no arguments.
    pub(crate) fn text(&self, id: &'static str) -> String {
        self.render(&Message::new(id))
    }

    /// The text of a message: in English where the language lacks it. An id that is nowhere shows itself in brackets
    /// rather than nothing.
    pub(crate) fn render(&self, message: &Message) -> String {
        let id = message.id.as_ref();
        let mut arguments = FluentArgs::new();
        for (name, value) in &message.arguments {
            let value = match value {
                Argument::Number(number) if NAMES.contains(&name.as_ref()) => number.to_string().into(),
                value => self.value(value),
            };
            arguments.set(name.as_ref(), value);
        }
        let own = self.said(&self.language.bundle, id, &arguments);
        // In English what the language does not say.
        let english = || self.said(&Language::of(Locale::English).bundle, id, &arguments);
        own.or_else(english).unwrap_or_else(|| {
            note(&self.faults, id);
            format!("[{id}]")
        })
    }

    fn said(&self, bundle: &Bundle, id: &str, arguments: &FluentArgs<'_>) -> Option<String> {
        let pattern = bundle.get_message(id)?.value()?;
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(arguments), &mut errors).into_owned();
        if !errors.is_empty() {
            note(&self.faults, &format!("{id}: {errors:?}"));
        }
        Some(if text.contains(GROUP) { text.replace(GROUP, &self.text("number-group")) } else { text })
    }

    fn value(&self, argument: &Argument) -> FluentValue<'static> {
        match argument {
            Argument::Text(foreign) => text::clean(foreign, 400).into(),
            Argument::Number(number) => FluentValue::from(*number),
            Argument::Duration(span) => self.span(*span).into(),
            Argument::Moment(moment) => self.moment(*moment).into(),
            Argument::Message(message) => self.render(message).into(),
        }
    }

    /// "1 h 50 min": the two largest units, seconds only below an hour.
    pub(crate) fn span(&self, span: Duration) -> String {
        let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
        let (id, large, small) = match seconds {
            0..60 => ("span-seconds", seconds, 0),
            60..3_600 => ("span-minutes", seconds / 60, seconds % 60),
            3_600..86_400 => ("span-hours", seconds / 3_600, seconds % 3_600 / 60),
            _ => ("span-days", seconds / 86_400, seconds % 86_400 / 3_600),
        };
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.render(&Message::new(id).with("large", number(large)).with("small", number(small)))
    }

    /// The zone that times are shown in.
    pub(crate) fn zone(&self) -> TimeZone {
        self.zone.clone()
    }

    /// Local time of day, `14:10:05`.
    pub(crate) fn clock(&self, moment: Timestamp) -> String {
        moment.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// Local day of the week, short.
    pub(crate) fn weekday(&self, moment: Timestamp) -> String {
        let day = moment.to_zoned(self.zone.clone()).weekday().to_monday_zero_offset();
        let names = self.text("weekdays");
        names.split_whitespace().nth(usize::try_from(day).unwrap_or_default()).unwrap_or_default().to_owned()
    }

    /// Local date and time, `2026-02-02 15:30`.
    pub(crate) fn moment(&self, moment: Timestamp) -> String {
        moment.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }

    #[cfg(test)]
    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.borrow().iter().cloned().collect()
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").field("locale", &self.locale).finish_non_exhaustive()
    }
}

impl Language {
    fn of(locale: Locale) -> &'static Arc<Self> {
        LANGUAGES[locale as usize].get_or_init(|| Arc::new(Self::read(locale.tag(), locale.sources())))
    }

    fn read(tag: &str, sources: &[(&str, impl AsRef<str>)]) -> Self {
        let language: LanguageIdentifier = tag.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        let mut faults = BTreeSet::new();
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(|value, _| grouped(value)));
        for (name, source) in sources {
            let resource = FluentResource::try_new(source.as_ref().to_owned()).unwrap_or_else(|(resource, errors)| {
                faults.insert(format!("{name}.ftl: {errors:?}"));
                resource
            });
            if let Err(errors) = bundle.add_resource(resource) {
                faults.insert(format!("{name}.ftl: {errors:?}"));
            }
        }
        Self { bundle, faults }
    }
}

/// `12,345` with a mark in the place of the comma, which is the language's; `None` for what is short, or no whole number.
fn grouped(value: &FluentValue<'_>) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    let value = number.value;
    if value.abs() < LONG || value.fract() != 0.0 {
        return None;
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(GROUP);
        }
        text.push(digit);
    }
    Some(text)
}

fn note(faults: &RefCell<BTreeSet<String>>, fault: &str) {
    faults.borrow_mut().insert(fault.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_says_its_two_largest_units() {
        let words = |locale| Words::new(locale, TimeZone::UTC);
        let (english, russian) = (words(Locale::English), words(Locale::Russian));
        for (seconds, expected, in_russian) in [
            (0, "0 s", "0 с"),
            (59, "59 s", "59 с"),
            (60, "1 min", "1 мин"),
            (272, "4 min 32 s", "4 мин 32 с"),
            (3_600, "1 h", "1 ч"),
            (6_600, "1 h 50 min", "1 ч 50 мин"),
            (86_400, "1 d", "1 д"),
            (533_000, "6 d 4 h", "6 д 4 ч"),
        ] {
            let span = Duration::from_secs(seconds);
            assert_eq!([english.span(span), russian.span(span)], [expected, in_russian]);
        }
        assert_eq!(english.span(Duration::from_millis(1)), "1 s", "a wait is never told too short");
    }

    #[test]
    fn a_count_has_the_form_that_its_number_needs() {
        let words = Words::new(Locale::Russian, TimeZone::UTC);
        for (count, expected) in [
            (0_i64, "0 проблем"),
            (1, "1 проблема"),
            (3, "3 проблемы"),
            (5, "5 проблем"),
            (11, "11 проблем"),
            (21, "21 проблема"),
            (112, "112 проблем"),
            (1_000_003, "1\u{a0}000\u{a0}003 проблемы"),
        ] {
            assert_eq!(words.render(&Message::new("doctor-problems").with("count", count)), expected);
        }
    }

    #[test]
    fn amounts_are_written_in_groups_and_names_are_not() {
        let said = |locale, id, name, number: i64| {
            Words::new(locale, TimeZone::UTC).render(&Message::new(id).with(name, number))
        };
        for (locale, number, expected) in [
            (Locale::English, 9_999, "+9999 new"),
            (Locale::English, 1_234_567, "+1,234,567 new"),
            (Locale::Russian, 12_345, "новых: 12\u{a0}345"),
        ] {
            let text = said(locale, "trace-paused-new", "count", number);
            assert!(text.contains(expected), "{text}");
        }
        assert!(said(Locale::English, "mode-attached", "pid", 123_456).contains("123456"));
    }
}
