//! What comes into the program from outside: from one registry only, checked by its sums, under licences that are on the list
//! in `deny.toml`. `cargo deny check` does more, and needs the tool.

use std::{collections::BTreeSet, process::Command};

use crate::support::source;

fn table(path: &str) -> toml::Table {
    source::read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_dependency_comes_from_the_registry_with_its_sum() {
    let lock = table("Cargo.lock");
    let packages = lock["package"].as_array().expect("a list");
    let mut sources = BTreeSet::new();
    for package in packages.iter().filter(|package| package["name"].as_str() != Some("kmi-tui")) {
        let text = |field: &str| package.get(field).and_then(toml::Value::as_str);
        let source = text("source").unwrap_or_else(|| panic!("{package:?}: a path is no source"));
        assert!(source.starts_with("registry+") && text("checksum").is_some(), "{package:?}");
        sources.insert(source);
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
}

#[test]
fn every_licence_is_on_the_list() {
    let deny = table("deny.toml");
    let licences = &deny["licenses"];
    let names = |value: &toml::Value| -> Vec<String> {
        value.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
    };
    let allowed = names(&licences["allow"]);
    let tree = ["tree", "--offline", "--locked", "--prefix=none", "--format={p}|{l}|"];
    let cargo = Command::new(env!("CARGO")).args(tree).current_dir(source::root()).output();
    let Some(output) = cargo.ok().filter(|output| output.status.success()) else {
        return eprintln!("SKIPPED: cargo can't tell what the program is made of");
    };
    let text = String::from_utf8(output.stdout).expect("text");
    let packages: BTreeSet<&str> = text.lines().collect();
    assert!(packages.len() > 50, "{text}");
    for package in packages {
        let (name, licence) = package.split_once('|').expect("as it was asked for");
        let (name, licence) =
            (name.split(' ').next().unwrap_or_default(), licence.split('|').next().unwrap_or_default());
        let excepted = licences["exceptions"].as_array().expect("a list").iter();
        let excepted = excepted.filter(|exception| exception["crate"].as_str() == Some(name));
        let allowed: Vec<String> =
            excepted.flat_map(|exception| names(&exception["allow"])).chain(allowed.clone()).collect();
        assert!(fits(licence, &allowed), "{name} comes under {licence:?}, which deny.toml does not allow");
    }
}

/// Whether an SPDX expression can be met with these licences. `OR` binds less than `AND`; `/` is the old word for `OR`.
fn fits(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = any_of(&words, allowed);
    met && rest.is_empty()
}

fn any_of<'a, 'b>(words: &'a [&'b str], allowed: &[String]) -> (bool, &'a [&'b str]) {
    let (mut met, mut rest) = all_of(words, allowed);
    while let ["OR", more @ ..] = rest {
        let (other, after) = all_of(more, allowed);
        (met, rest) = (met | other, after);
    }
    (met, rest)
}

fn all_of<'a, 'b>(words: &'a [&'b str], allowed: &[String]) -> (bool, &'a [&'b str]) {
    let (mut met, mut rest) = one(words, allowed);
    while let ["AND", more @ ..] = rest {
        let (other, after) = one(more, allowed);
        (met, rest) = (met & other, after);
    }
    (met, rest)
}

fn one<'a, 'b>(words: &'a [&'b str], allowed: &[String]) -> (bool, &'a [&'b str]) {
    match words {
        ["(", inner @ ..] => {
            let (met, rest) = any_of(inner, allowed);
            (met, rest.split_first().map_or(&[], |(_, rest)| rest))
        }
        // An exception gives more leave, not less.
        [name, "WITH", _, rest @ ..] | [name, rest @ ..] => (allowed.iter().any(|licence| licence == name), rest),
        [] => (false, &[]),
    }
}

#[test]
fn licences_are_read_as_they_are_meant() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned()];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND ISC", true),
        ("MIT AND GPL-3.0", false),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("(GPL-3.0 OR MIT) AND GPL-3.0", false),
        ("MIT WITH LLVM-exception AND ISC", true),
        ("MIT ISC", false),
    ] {
        assert_eq!(fits(expression, &allowed), expected, "{expression}");
    }
}
