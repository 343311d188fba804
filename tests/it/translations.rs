//! The papers for users are there in Russian too, and say as much: the same pages, headings, tables, examples, links,
//! settings and commands. Not whether the words are good.

use std::collections::BTreeSet;

use crate::support::source::{files, read};

/// For those who change the program: in English alone.
const FOR_DEVELOPERS: &[&str] = &["docs/performance.md"];

#[test]
fn every_page_for_users_is_there_in_russian() {
    let wanted: BTreeSet<String> = pages().into_iter().map(|(_, translated)| translated).collect();
    let there: BTreeSet<String> = files("docs/ru", "md").into_iter().chain(["README.ru.md".to_owned()]).collect();
    assert_eq!(there, wanted);
}

#[test]
fn a_translated_page_has_the_same_shape() {
    let mut faults = Vec::new();
    for (page, translated) in pages() {
        faults.extend(
            differences(&read(&page), &read(&translated)).into_iter().map(|fault| format!("{translated}: {fault}")),
        );
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Each page for users, and where its translation stands.
fn pages() -> Vec<(String, String)> {
    let docs = files("docs", "md").into_iter().filter(|path| !path.starts_with("docs/ru/"));
    let docs = docs.filter(|path| !FOR_DEVELOPERS.contains(&path.as_str()));
    let pages = docs.map(|path| (path.clone(), path.replacen("docs/", "docs/ru/", 1)));
    pages.chain([("README.md".to_owned(), "README.ru.md".to_owned())]).collect()
}

fn differences(page: &str, translated: &str) -> Vec<String> {
    let one_by_one = [
        ("heading", headings(page), headings(translated)),
        ("table (rows × columns)", tables(page), tables(translated)),
        ("example", examples(page), examples(translated)),
    ];
    let mut faults = Vec::new();
    for (what, these, those) in one_by_one {
        let first = (0..these.len().max(those.len())).find(|at| these.get(*at) != those.get(*at));
        if let Some(at) = first {
            faults.push(format!("{what} {}: {:?} for {:?}", at + 1, those.get(at), these.get(at)));
        }
    }
    for (what, these, those) in [("link", links(page), links(translated)), ("name", names(page), names(translated))] {
        faults.extend(these.difference(&those).map(|missing| format!("{what} missing: {missing}")));
        faults.extend(those.difference(&these).map(|more| format!("{what} of its own: {more}")));
    }
    faults
}

/// The level of each heading.
fn headings(text: &str) -> Vec<String> {
    let prose = prose(text);
    let levels = prose.lines().filter(|line| line.starts_with('#')).filter_map(|line| line.split(' ').next());
    levels.map(str::to_owned).collect()
}

/// Rows and columns of each table.
fn tables(text: &str) -> Vec<String> {
    let prose = prose(text);
    let blocks = prose.split("\n\n").filter(|block| block.trim_start().starts_with('|'));
    let size = |block: &str| {
        let rows: Vec<&str> = block.trim().lines().collect();
        format!("{} × {}", rows.len(), rows[0].matches('|').count() - 1)
    };
    blocks.map(size).collect()
}

/// The language of each fenced block, and the commands in it.
fn examples(text: &str) -> Vec<String> {
    let blocks = text.split("```").skip(1).step_by(2);
    let commands = |block: &str| {
        let prompts: &[&str] = if block.starts_with("console") { &["$ "] } else { &["kmi-tui ", "cargo "] };
        let typed = |line: &str| prompts.iter().any(|prompt| line.starts_with(prompt));
        let lines = block.lines().enumerate().filter(|(at, line)| *at == 0 || typed(line));
        // What is quoted or commented on is the page's own.
        lines.filter_map(|(_, line)| line.split(['"', '#']).next()).map(str::trim_end).collect::<Vec<_>>().join("; ")
    };
    blocks.map(commands).collect()
}

/// Where links lead, whatever folder they start from; a place in a page counts as the page.
fn links(text: &str) -> BTreeSet<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let plain = |target: &str| {
        let page = target.split('#').next().unwrap_or_default();
        let page = page.trim_start_matches("../").replace("docs/ru/", "docs/");
        page.strip_prefix("docs/").unwrap_or(&page).replace("dashboard-ru", "dashboard-en")
    };
    // The two first pages name each other.
    targets.map(plain).filter(|page| !page.is_empty() && !page.starts_with("README")).collect()
}

/// What has one name in every language: settings, options, commands, codes.
fn names(text: &str) -> BTreeSet<String> {
    let spans = prose(text).split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let fixed = |span: &String| {
        span.starts_with("--") || span.starts_with("kmi-tui ") || span.starts_with('~') || span.contains('_')
    };
    // Examples of a language and of a place differ.
    let own = |span: &String| !span.contains("--lang ") && !span.contains("KMI_LOCALE=") && !span.contains('/');
    spans.into_iter().map(|span| span.replace('\n', " ")).filter(|span| fixed(span) && own(span)).collect()
}

/// The text without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

#[test]
fn a_page_that_says_less_is_found() {
    let page = "# A\n\ntext `KMI_A` [x](b.md#c)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\nkmi-tui keys\n```\n";
    let same = "# А\n\n`KMI_A` текст [икс](b.md#д)\n\n| а | б |\n|---|---|\n| 1 | 2 |\n\n```sh\nkmi-tui keys\n```\n";
    assert_eq!(differences(page, same), [""; 0]);
    for (from, to) in [
        ("# А", "## А"),
        ("| 1 | 2 |\n", ""),
        ("keys", "status"),
        ("b.md", "c.md"),
        ("KMI_A", "KMI_B"),
        ("```sh\nkmi-tui keys\n```\n", ""),
    ] {
        assert!(!differences(page, &same.replace(from, to)).is_empty(), "{from} → {to}");
    }
}
