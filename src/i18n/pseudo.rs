//! A language that nobody speaks, for tests: English with accents, each word longer, and every seventh message missing.
//! What it shows is that a third language needs nothing but its words.

use std::sync::Arc;

use fluent_syntax::{ast, parser, serializer};
use jiff::tz::TimeZone;

use super::{Language, Locale, Words};

/// One message in so many is not translated.
const MISSING: usize = 7;

impl Words {
    pub(crate) fn pseudo() -> Self {
        let sources: Vec<(&str, String)> =
            Locale::English.sources().iter().map(|(name, source)| (*name, translated(source))).collect();
        Self::of(Locale::English, TimeZone::UTC, Arc::new(Language::read("en-XA", &sources)))
    }
}

fn translated(source: &str) -> String {
    let mut resource = parser::parse(source.to_owned()).expect("it parses");
    let mut number = 0;
    resource.body.retain(|entry| {
        number += usize::from(matches!(entry, ast::Entry::Message(_)));
        !matches!(entry, ast::Entry::Message(_)) || number % MISSING != 0
    });
    for entry in &mut resource.body {
        if let ast::Entry::Message(ast::Message { value: Some(pattern), .. }) = entry {
            accent(pattern);
        }
    }
    serializer::serialize(&resource)
}

fn accent(pattern: &mut ast::Pattern<String>) {
    for element in &mut pattern.elements {
        match element {
            ast::PatternElement::TextElement { value } => *value = value.split_inclusive(' ').map(longer).collect(),
            ast::PatternElement::Placeable { expression: ast::Expression::Select { variants, .. } } => {
                variants.iter_mut().for_each(|variant| accent(&mut variant.value));
            }
            ast::PatternElement::Placeable { .. } => {}
        }
    }
}

/// Vowels get an accent and stand twice.
fn longer(word: &str) -> String {
    let accents = [('a', "àá"), ('e', "éè"), ('i', "íì"), ('o', "óö"), ('u', "úù"), ('A', "ÀÁ"), ('E', "ÉÈ")];
    let with_accent = |letter: char| accents.iter().find(|(plain, _)| *plain == letter).map(|(_, accents)| *accents);
    word.chars().fold(String::new(), |text, letter| match with_accent(letter) {
        Some(accents) => text + accents,
        None => text + letter.encode_utf8(&mut [0; 4]),
    })
}

#[test]
fn what_a_language_lacks_is_said_in_english() {
    let (pseudo, english) = (Words::pseudo(), Words::new(Locale::English, TimeZone::UTC));
    let ids: Vec<&str> = Locale::English
        .sources()
        .iter()
        .flat_map(|(_, source)| source.lines().filter_map(|line| line.split_once(" = ")))
        .filter(|(id, text)| !id.starts_with(['#', ' ']) && !text.contains('{'))
        .map(|(id, _)| id)
        .collect();
    let same = ids.iter().filter(|id| pseudo.text(id) == english.text(id)).count();
    assert!(same > ids.len() / 10 && same < ids.len() / 3, "{same} of {} are English", ids.len());
    assert_eq!(pseudo.text("mode-live"), "líìvéè");
    assert_eq!([pseudo.faults(), english.faults()], [const { Vec::<String>::new() }; 2]);
}
