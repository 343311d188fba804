//! Every word a person reads: the same in every language, complete in its grammar, said by somebody and found by all who
//! say it. Not whether a translation is good.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::{
    ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey},
    parser,
};

use intl_pluralrules::{PluralCategory, PluralRuleType, PluralRules};

use crate::support::source::{self, Source};

/// English is the one that the others are held to.
const REFERENCE: &str = "en";
/// Languages that say everything; others may lack what is then said in English.
const WHOLE: &[&str] = &[REFERENCE, "ru"];
/// The room that short words have on a screen of 80 columns.
const ROOM: &[(&str, usize)] = &[
    ("status-", 16),
    ("skip-", 21),
    ("cause-", 21),
    ("column-", 12),
    ("pane-", 10),
    ("window-", 8),
    ("fact-", 16),
    ("do-", 15),
];
const PLURAL_FORMS: &[&str] = &["zero", "one", "two", "few", "many"];
/// Beginnings of ids that code puts together at run time. As few as can be: ids in whole can be searched for.
const BUILT: &[&str] = &["setting-"];
/// Literals that look like ids of a family but are none.
const LOOKALIKES: &[&str] = &[];

/// One message of one language.
#[derive(Debug, Default, PartialEq)]
struct Words {
    file: String,
    has_value: bool,
    variables: BTreeSet<String>,
    /// Variants of each select: on which variable, and their keys; the default has a star.
    selects: Vec<(String, Vec<String>)>,
    /// Other messages that it quotes.
    quotes: BTreeSet<String>,
}

type Language = BTreeMap<String, Words>;

#[test]
fn every_language_says_the_same() {
    let reference = language(REFERENCE);
    for tag in languages() {
        assert_eq!(files(&tag), files(REFERENCE), "the files of {tag}");
        let whole = WHOLE.contains(&tag.as_str());
        let faults = differences(&reference, &language(&tag));
        let faults: Vec<String> = faults.into_iter().filter(|fault| whole || !fault.ends_with(" is missing")).collect();
        assert!(faults.is_empty(), "{tag}:\n{}", faults.join("\n"));
    }
}

#[test]
fn every_count_has_its_plural_forms() {
    for tag in languages() {
        let forms = plural_forms(&tag);
        let faults = missing_plurals(&language(REFERENCE), &language(&tag), &forms);
        assert!(faults.is_empty(), "{tag}:\n{}", faults.join("\n"));
    }
    assert_eq!([plural_forms("en").len(), plural_forms("ru").len()], [2, 4]);
}

#[test]
fn short_words_have_room() {
    for tag in languages() {
        for file in files(&tag) {
            let text = source::read(&format!("i18n/{tag}/{file}"));
            let faults = too_wide(&text);
            assert!(faults.is_empty(), "i18n/{tag}/{file}:\n{}", faults.join("\n"));
        }
    }
    assert_eq!(too_wide("pane-keys = Ключи\npane-long = Очень длинное слово\n"), ["pane-long: 19 of 10 columns"]);
}

#[test]
fn whoever_speaks_is_understood() {
    let words = language(REFERENCE);
    let faults: Vec<String> = speakers().iter().flat_map(|source| unknown_ids(source, &words)).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn nothing_is_left_unsaid() {
    let words = language(REFERENCE);
    let sources = speakers();
    let mut said: BTreeSet<&str> =
        sources.iter().flat_map(|source| source.literals.iter().map(|(_, literal)| literal.as_str())).collect();
    said.extend(words.values().flat_map(|words| words.quotes.iter().map(String::as_str)));
    let silent = |id: &&String| !said.contains(id.as_str()) && !BUILT.iter().any(|start| id.starts_with(start));
    let dead: Vec<&String> = words.keys().filter(silent).collect();
    assert!(dead.is_empty(), "nobody says these: {dead:#?}");
}

/// The folders of `i18n/`.
fn languages() -> Vec<String> {
    let folders = std::fs::read_dir(source::root().join("i18n")).expect("the words").flatten();
    let mut tags: Vec<String> = folders
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    tags.sort();
    assert!(WHOLE.iter().all(|tag| tags.iter().any(|found| found == tag)), "{tags:?}");
    tags
}

/// The plural forms of a language, and the one for all that is no whole number.
fn plural_forms(tag: &str) -> Vec<&'static str> {
    let language: unic_langid::LanguageIdentifier = tag.parse().expect("a language's tag");
    let rules = PluralRules::create(language, PluralRuleType::CARDINAL).expect("its plurals are known");
    let names = PLURAL_FORMS.iter().zip([
        PluralCategory::ZERO,
        PluralCategory::ONE,
        PluralCategory::TWO,
        PluralCategory::FEW,
        PluralCategory::MANY,
    ]);
    let seen: Vec<PluralCategory> = (0..=1000).filter_map(|count| rules.select(count).ok()).collect();
    names.filter(|(_, form)| seen.contains(form)).map(|(name, _)| *name).chain(["other"]).collect()
}

/// Short words that would be cut. What takes arguments is as wide as they are.
fn too_wide(text: &str) -> Vec<String> {
    let plain = text.lines().filter_map(|line| line.split_once(" = ")).filter(|(_, text)| !text.contains('{'));
    let over = plain.filter_map(|(id, text)| {
        let (_, room) = ROOM.iter().find(|(family, _)| id.starts_with(family))?;
        let width = text.chars().count();
        (width > *room).then(|| format!("{id}: {width} of {room} columns"))
    });
    over.collect()
}

/// Files that may hold ids: the demo speaks to programs only.
fn speakers() -> Vec<Source> {
    source::all().into_iter().filter(|source| !source.path.starts_with("src/demo/")).collect()
}

fn files(tag: &str) -> Vec<String> {
    let folder = format!("i18n/{tag}/");
    source::files(&folder, "ftl").iter().map(|path| path.replace(&folder, "")).collect()
}

/// All messages of a language, over all its files.
fn language(tag: &str) -> Language {
    let mut all = Language::new();
    for file in files(tag) {
        let path = format!("i18n/{tag}/{file}");
        for (id, words) in messages(&path, &source::read(&path)).unwrap_or_else(|fault| panic!("{fault}")) {
            if let Some(other) = all.insert(id.clone(), words) {
                panic!("{id} stands in {} and in {path}", other.file);
            }
        }
    }
    all
}

fn messages(file: &str, text: &str) -> Result<Vec<(String, Words)>, String> {
    let resource = parser::parse(text).map_err(|(_, errors)| format!("{file}: {errors:?}"))?;
    let mut found: Vec<(String, Words)> = Vec::new();
    for entry in resource.body {
        let Entry::Message(message) = entry else { continue };
        let mut words = Words { file: file.to_owned(), has_value: message.value.is_some(), ..Words::default() };
        let attributes = message.attributes.iter().map(|attribute| &attribute.value);
        for pattern in message.value.iter().chain(attributes) {
            words.read(pattern);
        }
        let id = message.id.name.to_owned();
        if found.iter().any(|(known, _)| *known == id) {
            return Err(format!("{file}: {id} stands twice"));
        }
        found.push((id, words));
    }
    Ok(found)
}

impl Words {
    fn read(&mut self, pattern: &Pattern<&str>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                self.expression(expression);
            }
        }
    }

    fn expression(&mut self, expression: &Expression<&str>) {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                self.inline(selector);
                let keys = variants.iter().map(|variant| {
                    let key = match variant.key {
                        VariantKey::Identifier { name } => name,
                        VariantKey::NumberLiteral { value } => value,
                    };
                    if variant.default { format!("*{key}") } else { key.to_owned() }
                });
                self.selects.push((variable_of(selector), keys.collect()));
                for variant in variants {
                    self.read(&variant.value);
                }
            }
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&str>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                self.variables.insert(id.name.to_owned());
            }
            InlineExpression::MessageReference { id, .. } => {
                self.quotes.insert(id.name.to_owned());
            }
            InlineExpression::FunctionReference { arguments, .. } => {
                for argument in arguments.positional.iter().chain(arguments.named.iter().map(|named| &named.value)) {
                    self.inline(argument);
                }
            }
            InlineExpression::Placeable { expression } => self.expression(expression),
            InlineExpression::StringLiteral { .. }
            | InlineExpression::NumberLiteral { .. }
            | InlineExpression::TermReference { .. } => {}
        }
    }

    /// Whether it tells one from many by this variable.
    fn counts(&self, variable: &str) -> bool {
        self.selects.iter().any(|(on, keys)| on == variable && keys.iter().any(|key| is_plural(key)))
    }
}

fn variable_of(selector: &InlineExpression<&str>) -> String {
    match selector {
        InlineExpression::VariableReference { id } => id.name.to_owned(),
        InlineExpression::FunctionReference { arguments, .. } => {
            arguments.positional.first().map(variable_of).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn is_plural(key: &str) -> bool {
    PLURAL_FORMS.contains(&key.trim_start_matches('*'))
}

/// How `language` differs from the reference in what it says, whatever its words.
fn differences(reference: &Language, language: &Language) -> Vec<String> {
    let mut faults = Vec::new();
    let ids: BTreeSet<&String> = reference.keys().chain(language.keys()).collect();
    for id in ids {
        match (reference.get(id), language.get(id)) {
            (Some(known), Some(words)) => {
                if known.variables != words.variables {
                    faults.push(format!("{id} takes {:?}, not {:?}", words.variables, known.variables));
                }
                if !words.has_value {
                    faults.push(format!("{id} has no text"));
                }
                if known.file.rsplit('/').next() != words.file.rsplit('/').next() {
                    faults.push(format!("{id} stands in {} and in {}", known.file, words.file));
                }
            }
            (Some(_), None) => faults.push(format!("{id} is missing")),
            (None, _) => faults.push(format!("{id} is not in {REFERENCE}")),
        }
    }
    faults
}

/// Selects on numbers that lack a form of the language. A select counts when it has any plural form, or where the
/// reference has one: a lone `*[other]` is no plural.
fn missing_plurals(reference: &Language, language: &Language, forms: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, words) in language {
        for (variable, keys) in &words.selects {
            let counted =
                keys.iter().any(|key| is_plural(key)) || reference.get(id).is_some_and(|known| known.counts(variable));
            let given: BTreeSet<&str> = keys.iter().map(|key| key.trim_start_matches('*')).collect();
            let missing: Vec<&&str> = forms.iter().filter(|form| !given.contains(**form)).collect();
            if counted && !missing.is_empty() {
                faults.push(format!("{id} selects on ${variable} without {missing:?}"));
            }
            if counted && !keys.iter().any(|key| key == "*other") {
                faults.push(format!("{id} selects on ${variable}, and its default is not *[other]"));
            }
        }
    }
    faults
}

/// Ids that are asked for and not there: named where a message is made, or of a known family, as in tables.
fn unknown_ids(source: &Source, words: &Language) -> Vec<String> {
    let families: BTreeSet<&str> = words.keys().filter_map(|id| Some(id.split_once('-')?.0)).collect();
    let plain =
        |literal: &str| literal.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let asked = |at: usize, literal: &str| {
        let before = source.code[..at].trim_end();
        // Settings are asked for by `text` too, with names in capitals.
        before.ends_with("Message::new(") || before.ends_with(".text(") && plain(literal)
    };
    let of_family = |literal: &str| {
        let family = literal.split_once('-').filter(|(_, rest)| !rest.is_empty());
        plain(literal) && family.is_some_and(|(family, _)| families.contains(family)) && !LOOKALIKES.contains(&literal)
    };
    source
        .literals
        .iter()
        .filter(|(_, literal)| !words.contains_key(literal))
        .filter(|(at, literal)| asked(*at, literal) || of_family(literal))
        .map(|(at, literal)| format!("{}:{}: {literal} is in no language", source.path, source.line(*at)))
        .collect()
}

/// A made-up language.
fn made_up(text: &str) -> Language {
    messages("made-up.ftl", text).expect("it parses").into_iter().collect()
}

#[test]
fn a_difference_is_found() {
    let english = made_up("a = A { $x }\nb = B\n");
    for (text, expected) in [
        ("a = А { $x }\nb = Б\n", &[][..]),
        ("a = { $x ->\n    [0] ноль\n   *[other] А\n }\nb = Б\n", &[]),
        ("a = А { $y }\nb = Б\n", &["a takes {\"y\"}, not {\"x\"}"]),
        ("a = А { $x }\n", &["b is missing"]),
        ("a = А { $x }\nb = Б\nc = В\n", &["c is not in en"]),
        ("a = А { $x }\nb =\n    .title = Б\n", &["b has no text"]),
    ] {
        assert_eq!(differences(&english, &made_up(text)), expected, "{text}");
    }
    assert!(messages("a.ftl", "a = A\na = B\n").is_err(), "an id stands once");
    assert!(messages("a.ftl", "a = { $x\n").is_err(), "what is broken is said");
}

#[test]
fn a_missing_plural_is_found() {
    let english = made_up("a = { $count ->\n    [one] key\n   *[other] keys\n }\n");
    let russian = |variants: &str| made_up(&format!("a = {{ $count ->\n{variants}\n }}\n"));
    for (variants, expected) in [
        ("    [one] ключ\n    [few] ключа\n    [many] ключей\n   *[other] ключа", 0),
        ("    [one] ключ\n    [few] ключа\n   *[other] ключей", 1),
        ("    [one] ключ\n    [few] ключа\n    [other] ключа\n   *[many] ключей", 1),
        ("   *[other] ключей", 1),
        ("    [0] ни одного\n   *[other] ключей", 1),
    ] {
        let faults = missing_plurals(&english, &russian(variants), &["one", "few", "many", "other"]);
        assert_eq!(faults.len(), expected, "{variants}: {faults:?}");
    }
    let no_number = made_up("a = { $small ->\n    [0] час\n   *[other] больше часа\n }\n");
    assert_eq!(missing_plurals(&no_number, &no_number, &["one", "few", "many", "other"]), [""; 0]);
}

#[test]
fn an_id_that_is_nowhere_is_found() {
    let words = made_up("cause-quota = quota\nyes = yes\n");
    for (text, expected) in [
        ("fn a() { Message::new(\"cause-quota\"); }", 0),
        ("fn a() { Message::new(\"no\"); }", 1),
        ("fn a() { words.text(\n    \"maybe\",\n); }", 1),
        ("const A: &[&str] = &[\"cause-quota\", \"cause-qouta\", \"round-robin\", \"cause-\"];", 1),
        ("#[cfg(test)]\nmod tests { fn a() { Message::new(\"no\"); } }", 0),
    ] {
        let faults = unknown_ids(&Source::new("src/a.rs", text), &words);
        assert_eq!(faults.len(), expected, "{text}: {faults:?}");
    }
}
