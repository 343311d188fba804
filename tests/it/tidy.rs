//! The house rules that no compiler holds: the direction of the layers, where the world may be touched, the size of
//! files. The rules are tables; each is tried on a made-up file that breaks it, so that none of them can sleep.

use std::collections::BTreeSet;

use crate::support::source::{self, Source, paths};

/// A folder of `src/`, and what it may use beside itself. A layer uses lower numbers only.
struct Layer {
    number: u8,
    name: &'static str,
    may_use: &'static [&'static str],
}

const fn layer(number: u8, name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer { number, name, may_use }
}

/// ARCHITECTURE.md draws it; a new folder needs a row here and there.
const LAYERS: &[Layer] = &[
    layer(0, "domain", &[]),
    layer(1, "http1", &[]),
    layer(1, "i18n", &["domain"]),
    layer(2, "config", &["domain", "i18n"]),
    layer(2, "store", &["domain", "i18n"]),
    layer(2, "upstream", &["domain", "http1", "i18n"]),
    layer(3, "engine", &["domain", "store"]),
    layer(4, "proxy", &["domain", "http1", "upstream", "engine"]),
    layer(4, "poller", &["domain", "upstream", "engine"]),
    layer(4, "control", &["domain", "http1", "engine"]),
    layer(5, "doctor", &["domain", "i18n", "config", "store", "upstream", "engine"]),
    layer(5, "demo", &["domain", "http1"]),
    layer(6, "tui", &["domain", "i18n", "engine"]),
    layer(
        7,
        "cli",
        &[
            "domain", "http1", "i18n", "config", "store", "upstream", "engine", "proxy", "poller", "control", "doctor",
            "demo", "tui",
        ],
    ),
];

/// Most lines of a file, test code aside.
const LINES_MAX: usize = 500;

/// Who may ask the system for its surroundings, and what.
const SURROUNDINGS: &[(&str, &[&str])] = &[
    ("src/config/environment.rs", &["vars_os", "current_dir", "current_exe", "home_dir"]),
    // What was typed is no setting yet; it is read where it is taken apart.
    ("src/cli/mod.rs", &["args_os"]),
];

/// Crates and modules of the world, which `domain` must not know.
const WORLDLY: &[&str] = &["tokio", "hyper", "hyper_util", "ratatui", "crossterm", "rustix", "tempfile", "tracing"];
const WORLDLY_STD: &[&str] = &["fs", "io", "net", "os", "process", "thread", "env"];
/// An address is a number, and a number is pure.
const PURE_NET: &[&str] = &["net::IpAddr", "net::Ipv4Addr", "net::Ipv6Addr", "net::SocketAddr"];
const CLOCKS: &[&str] = &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"];

type Fault = (usize, String);

/// What is asked of each file.
const RULES: &[fn(&Source) -> Vec<Fault>] =
    &[layers, no_way_around_the_layers, says_what_it_is, size, no_allow, surroundings, pure_domain];

#[test]
fn the_house_is_tidy() {
    let mut faults = Vec::new();
    for source in source::all() {
        for (line, fault) in RULES.iter().flat_map(|rule| rule(&source)) {
            faults.push(format!("{}:{line}: {fault}", source.path));
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn tests_say_what_they_are_too() {
    for path in source::files("tests", "rs") {
        let faults = says_what_it_is(&Source::new(&path, &source::read(&path)));
        assert!(faults.is_empty(), "{path}: {faults:?}");
    }
}

#[test]
fn every_folder_is_a_layer() {
    let folders: BTreeSet<String> = source::files("src", "rs")
        .iter()
        .filter_map(|path| path.split('/').nth(1).filter(|name| !name.ends_with(".rs")).map(str::to_owned))
        .collect();
    let layers: BTreeSet<String> = LAYERS.iter().map(|layer| layer.name.to_owned()).collect();
    assert_eq!(folders, layers, "the folders of src/, and the table");
    let drawing = source::read("ARCHITECTURE.md");
    for layer in LAYERS {
        let row = format!("| {} | `{}/` |", layer.number, layer.name);
        assert!(drawing.contains(&row), "ARCHITECTURE.md has no row {row}");
    }
}

#[test]
fn a_layer_uses_lower_ones_only() {
    for layer in LAYERS {
        for used in layer.may_use {
            let used = find(used).expect("a row of the table");
            assert!(used.number < layer.number, "{} may not use {}", layer.name, used.name);
        }
    }
}

/// Who names whom, by `use` or by a path in code.
fn layers(source: &Source) -> Vec<Fault> {
    let Some(own) = folder(source).map(|name| (name, find(name))) else { return Vec::new() };
    let (name, Some(own)) = own else {
        return vec![(1, format!("{} is no layer; give it a row in tests/it/tidy.rs", own.0))];
    };
    let named = paths(&source.production(), "crate", 1);
    named
        .into_iter()
        .filter(|(_, used)| used != name && !own.may_use.contains(&used.as_str()))
        .map(|(at, used)| {
            let allowed = own.may_use.join(", ");
            (source.line(at), format!("{name} must not use {used}: it may use {name}, {allowed}"))
        })
        .collect()
}

/// `super::` up to the root of the crate would reach every layer unseen.
fn no_way_around_the_layers(source: &Source) -> Vec<Fault> {
    let below = source.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let depth = if folder(source).is_some() { below.split('/').count() } else { 0 };
    paths(&source.production(), "super", depth + 1)
        .into_iter()
        .filter(|(_, path)| path.split("::").take_while(|word| *word == "super").count() + 1 >= depth)
        .map(|(at, _)| (source.line(at), "super:: leaves the layer: write crate::".to_owned()))
        .collect()
}

fn says_what_it_is(source: &Source) -> Vec<Fault> {
    let says = source.text.starts_with("//! ");
    if says { Vec::new() } else { vec![(1, "a file opens with //!: what it is, and what it is not".to_owned())] }
}

fn size(source: &Source) -> Vec<Fault> {
    let lines = source.production_lines();
    if lines <= LINES_MAX {
        return Vec::new();
    }
    vec![(lines, format!("{lines} lines without tests, {LINES_MAX} at most: split it"))]
}

fn no_allow(source: &Source) -> Vec<Fault> {
    let found = ["#[allow(", "#![allow("].into_iter().flat_map(|allow| source.code.match_indices(allow));
    found.map(|(at, _)| (source.line(at), "write #[expect(…, reason = \"…\")] instead of allow".to_owned())).collect()
}

fn surroundings(source: &Source) -> Vec<Fault> {
    let allowed = SURROUNDINGS.iter().find(|(path, _)| *path == source.path).map_or(&[][..], |(_, names)| names);
    paths(&source.production(), "std", 2)
        .into_iter()
        .filter_map(|(at, path)| {
            Some((at, path.strip_prefix("env").map(|name| name.trim_start_matches("::").to_owned())?))
        })
        .filter(|(_, name)| !allowed.contains(&name.as_str()))
        .map(|(at, name)| (source.line(at), format!("std::env::{name}: only config::environment asks the system")))
        .collect()
}

/// Decisions know no world and no clock.
fn pure_domain(source: &Source) -> Vec<Fault> {
    if folder(source) != Some("domain") {
        return Vec::new();
    }
    let code = source.production();
    let of_std = paths(&code, "std", 2).into_iter().filter(|(_, path)| {
        let module = path.split("::").next().unwrap_or_default();
        WORLDLY_STD.contains(&module) && !PURE_NET.contains(&path.as_str())
    });
    let crates =
        WORLDLY.iter().flat_map(|name| paths(&code, name, 1).into_iter().map(|(at, _)| (at, (*name).to_owned())));
    let clocks = CLOCKS.iter().flat_map(|clock| code.match_indices(clock).map(|(at, name)| (at, name.to_owned())));
    of_std
        .chain(crates)
        .chain(clocks)
        .map(|(at, what)| (source.line(at), format!("domain is pure: {what} belongs to an edge")))
        .collect()
}

/// The layer's folder; `None` for `lib.rs` and `main.rs`.
fn folder(source: &Source) -> Option<&str> {
    source.path.strip_prefix("src/")?.split_once('/').map(|(folder, _)| folder)
}

fn find(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

/// Lines at which a rule finds fault with a made-up file.
fn found(rule: fn(&Source) -> Vec<Fault>, path: &str, text: &str) -> Vec<usize> {
    rule(&Source::new(path, text)).into_iter().map(|(line, _)| line).collect()
}

#[test]
fn a_wrong_direction_is_found_however_it_is_written() {
    for (path, text, expected) in [
        ("src/tui/a.rs", "use crate::domain::key::Key;\nuse crate::{engine::Engine, i18n, tui::view::View};", &[][..]),
        ("src/tui/a.rs", "use crate::proxy::App;", &[1]),
        (
            "src/tui/a.rs",
            "use crate::{\n    domain::{\n        key::{Key, KeyId},\n        pool,\n    },\n    store::{self},\n};",
            &[6],
        ),
        ("src/tui/a.rs", "fn a() {\n    crate::upstream::send();\n}", &[2]),
        ("src/tui/a.rs", "pub(crate) fn a() {}\npub(in crate::tui) fn b() {}", &[]),
        ("src/tui/a.rs", "// crate::proxy\nconst A: &str = \"crate::proxy\"; /* crate::store */", &[]),
        ("src/tui/a.rs", "use crate::*;", &[1]),
        ("src/tui/a.rs", "#[cfg(test)]\nmod tests {\n    use crate::demo::Simulator;\n}\nuse crate::demo;", &[5]),
        ("src/upstream/tests.rs", "use crate::demo::Simulator;", &[]),
        ("src/engine/mod.rs", "use crate::{config::Config, domain::now::Now};", &[1]),
        ("src/domain/key.rs", "use crate::i18n::Words;", &[1]),
        ("src/config/mod.rs", "use crate::store::audit;", &[1]),
        ("src/attic/mod.rs", "", &[1]),
        ("src/main.rs", "use crate::cli;", &[]),
    ] {
        assert_eq!(found(layers, path, text), expected, "{path}: {text}");
    }
}

#[test]
fn a_way_around_is_found() {
    for (path, text, expected) in [
        ("src/tui/mod.rs", "use super::proxy::App;", &[1][..]),
        ("src/tui/view.rs", "use super::app::App;", &[]),
        ("src/tui/view.rs", "use super::super::proxy::App;", &[1]),
        ("src/tui/view.rs", "use super::{app::App, super::proxy};", &[1]),
        ("src/tui/panes/keys.rs", "use super::super::app::App;", &[]),
        ("src/tui/mod.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n}", &[]),
    ] {
        assert_eq!(found(no_way_around_the_layers, path, text), expected, "{path}: {text}");
    }
}

#[test]
fn untidy_files_are_found() {
    let long = format!("//! Long.\n{}", "fn a() {}\n".repeat(LINES_MAX));
    let tested = format!("//! Tested.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(LINES_MAX));
    for (rule, path, text, expected) in [
        (says_what_it_is as fn(&Source) -> Vec<Fault>, "src/cli/a.rs", "use std::fs;", &[1][..]),
        (says_what_it_is, "src/cli/a.rs", "//! It is.", &[]),
        (size, "src/cli/a.rs", &long, &[LINES_MAX + 1]),
        (size, "src/cli/a.rs", &tested, &[]),
        (no_allow, "src/cli/a.rs", "fn a() {}\n#[allow(dead_code)]\nfn b() {}", &[2]),
        (no_allow, "src/cli/a.rs", "#[expect(dead_code, reason = \"#[allow(\")]\nfn b() {}", &[]),
        (surroundings, "src/cli/a.rs", "fn a() {\n    std::env::var(\"HOME\");\n}", &[2]),
        (surroundings, "src/cli/a.rs", "use std::{env, fs};", &[1]),
        (surroundings, "src/cli/a.rs", "const V: &str = env!(\"CARGO_PKG_VERSION\");", &[]),
        (surroundings, "src/config/environment.rs", "fn a() { std::env::vars_os(); }", &[]),
    ] {
        assert_eq!(found(rule, path, text), expected, "{path}: {}", text.get(..60).unwrap_or(text));
    }
}

#[test]
fn an_impure_domain_is_found() {
    for (text, expected) in [
        ("use std::time::{Duration, Instant};\nfn a() { Instant::now(); }", &[2][..]),
        ("use std::{collections::HashMap, fs};", &[1]),
        ("fn a() -> std::net::IpAddr {}\nfn b() -> std::net::TcpStream {}", &[2]),
        ("use tokio::sync::Mutex;", &[1]),
        ("/// Like tokio::sync::Mutex.\nuse http::StatusCode;", &[]),
        ("fn a() { jiff::Timestamp::now(); }", &[1]),
    ] {
        assert_eq!(found(pure_domain, "src/domain/a.rs", text), expected, "{text}");
        assert_eq!(found(pure_domain, "src/store/a.rs", text), [0; 0], "{text}");
    }
}

#[test]
fn strings_comments_and_tests_are_told_from_code() {
    let text = "let a = \"x \\\" // y\"; /* a /* b */ c */ let b = r#\"q \" r\"#; let c = '\"'; fn d<'a>() {} // z\n";
    let source = Source::new("src/a.rs", text);
    let literals: Vec<&str> = source.literals.iter().map(|(_, literal)| literal.as_str()).collect();
    assert_eq!(literals, ["x \\\" // y", "q \" r"]);
    let words: Vec<&str> = source.code.split_whitespace().collect();
    assert_eq!(words.join(" "), "let a = \" \"; let b = r#\" \"#; let c = ' '; fn d<'a>() {}");
}
