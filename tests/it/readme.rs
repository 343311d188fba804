//! The papers are true: commands, links, paths, names and defaults that they mention are those of the tree. Not whether they
//! are worth reading.

use std::{collections::BTreeSet, fs};

use crate::support::{
    proxy::Home,
    source::{files, read, root},
};

/// Every page of words in the tree.
fn papers() -> Vec<String> {
    let top =
        fs::read_dir(root()).expect("the root").flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut papers: Vec<String> = top.filter(|name| name.ends_with(".md")).collect();
    papers.extend(files("docs", "md"));
    assert!(papers.len() > 20, "they were found: {papers:?}");
    papers
}

#[test]
fn the_first_commands_are_those_that_are_checked() {
    let commands = first_block(&read("README.md"), "sh");
    let checked = read(".ci/run");
    let named: Vec<String> = ["demo", "tests"]
        .iter()
        .map(|name| quoted(&checked, name).unwrap_or_else(|| panic!(".ci/run has no {name}='…'")))
        .collect();
    assert_eq!(commands, named, "README's first block, and what .ci/run runs");
    for run in ["$demo", "$tests"] {
        assert!(
            checked.lines().any(|line| !line.trim_start().starts_with("step grep") && has_word(line, run)),
            "{run}"
        );
    }
}

#[test]
fn links_lead_somewhere() {
    for paper in &papers() {
        let text = read(paper);
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { paper.clone() } else { beside(paper, path) };
            assert!(root().join(&target).exists(), "{paper}: there is no {target}");
            let there = anchor.is_empty() || headings(&read(&target)).iter().any(|heading| heading == anchor);
            assert!(there, "{paper}: there is no #{anchor} in {target}");
        }
    }
}

#[test]
fn paths_and_tests_that_are_named_exist() {
    let code: String = ["src", "tests"].iter().flat_map(|folder| files(folder, "rs")).map(|path| read(&path)).collect();
    for paper in &papers() {
        let text = read(paper);
        for name in code_spans(&text) {
            if is_path(name) {
                assert!(root().join(name).exists(), "{paper}: there is no {name}");
            }
            if is_test_name(name) {
                assert!(code.contains(&format!("fn {name}(")), "{paper}: there is no test {name}");
            }
        }
    }
}

#[test]
fn settings_that_are_named_exist() {
    let sample = read("assets/.env.example");
    // What stands in auth files is no setting, and the tests have variables of their own.
    let code: String =
        ["src/config", "tests"].iter().flat_map(|folder| files(folder, "rs")).map(|path| read(&path)).collect();
    let script = read("tests/clients/run");
    for paper in &papers() {
        for name in settings_in(&read(paper)) {
            let known = sample.contains(&format!("\n{name}="))
                || code.contains(&format!("\"{name}\""))
                || script.contains(&name);
            // A family, such as KMI_PROXY_…
            assert!(known || name.ends_with('_'), "{paper}: {name} is no setting");
        }
    }
}

#[test]
fn refusals_that_are_named_exist() {
    let code: String = files("src", "rs").iter().map(|path| read(path)).collect();
    let text = read("docs/troubleshooting.md");
    let named: Vec<&str> = code_spans(&text).into_iter().filter(|span| is_snake(span)).collect();
    assert!(named.len() > 8, "they were found: {named:?}");
    for name in named {
        assert!(code.contains(&format!("\"{name}\"")), "docs/troubleshooting.md: nothing answers {name}");
    }
}

#[test]
fn notes_that_are_explained_are_those_of_the_screen() {
    for (paper, words) in
        [("docs/troubleshooting.md", "i18n/en/tui.ftl"), ("docs/ru/troubleshooting.md", "i18n/ru/tui.ftl")]
    {
        let (text, words) = (read(paper), read(words));
        let table = text.split("\n\n").find(|block| block.contains("`kmi-tui keys enable`"));
        let cells: Vec<&str> = table.expect("the notes").lines().filter_map(|line| line.split(" | ").next()).collect();
        for note in cells.into_iter().flat_map(code_spans) {
            assert!(words.contains(&format!(" = {note}\n")), "{paper}: no note reads {note}");
        }
    }
}

#[test]
fn every_schema_is_in_the_index() {
    let text = read("docs/json.md");
    for path in files("docs/schemas", "json") {
        assert!(text.contains(&format!("({})", path.trim_start_matches("docs/"))), "docs/json.md does not know {path}");
    }
}

#[test]
fn every_option_is_told_and_every_one_that_is_told_is_real() {
    let text = read("docs/commands.md");
    let arguments = read("src/cli/args/help.rs");
    let table = arguments.split("const ARGUMENTS").nth(1).and_then(|rest| rest.split("];").next()).expect("the table");
    let real: BTreeSet<String> =
        table.lines().filter_map(|line| Some(line.split_once("(\"")?.1.split_once('"')?.0.replace('_', "-"))).collect();
    let section = text.split("\n## Options\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let named: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .flat_map(code_spans)
        .filter_map(|span| Some(span.strip_prefix("--")?.split(' ').next()?.to_owned()))
        .collect();
    assert_eq!(named, real, "the options of docs/commands.md, and those of the command line");
}

#[tokio::test]
async fn every_command_that_is_named_is_understood() {
    let home = Home::new();
    let mut seen = BTreeSet::new();
    for paper in &papers() {
        let text = read(paper);
        let typed = text.lines().filter_map(|line| line.strip_prefix("$ "));
        for command in code_spans(&text).into_iter().chain(typed).filter_map(|span| span.strip_prefix("kmi-tui ")) {
            // A synopsis, an outline, a sentence.
            if command.contains(['[', '…']) || !seen.insert(command.to_owned()) {
                continue;
            }
            let words: Vec<String> = command.split(' ').map(|word| word.trim_matches('"').to_owned()).collect();
            // `kimi` passes help on.
            if words.first().is_some_and(|word| word == "kimi") {
                continue;
            }
            let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
            let (code, _, errors) = home.run(&arguments).await;
            assert_eq!(code, Some(0), "{paper}: kmi-tui {command}: {errors}");
        }
    }
    assert!(seen.len() > 30, "they were found: {seen:?}");
}

#[test]
fn every_command_is_described() {
    let help = read("src/cli/args/help.rs");
    let table = help.split("const COMMANDS").nth(1).and_then(|rest| rest.split("];").next()).expect("the table");
    let docs = read("docs/commands.md");
    let spans = code_spans(&docs);
    for command in table.lines().filter_map(|line| line.split_once("(\"")?.1.split_once('"')).map(|(name, _)| name) {
        let named = |text: &str| text == command || text.starts_with(&format!("{command} "));
        let shown = docs.lines().filter_map(|line| line.strip_prefix("$ kmi-tui ")).any(named);
        assert!(shown || spans.iter().any(|span| named(span)), "docs/commands.md does not know {command}");
    }
}

#[test]
fn each_client_is_set_up_as_the_program_says() {
    let base = "http://127.0.0.1:54123/kmi-rotor/v1";
    let texts = files("assets/clients", "txt");
    assert!(texts.len() > 5, "they were found: {texts:?}");
    for path in texts {
        let text = read(&path).replace("{base}", base).replace("{root}", base.trim_end_matches("/v1"));
        let text = text.replace("{token}", "kmi-local");
        for page in ["docs/clients.md", "docs/ru/clients.md"] {
            assert!(read(page).contains(&format!("\n{text}```\n")), "{page} has not what {path} says");
        }
    }
}

#[test]
fn versions_and_licences_agree() {
    let manifest = read("Cargo.toml");
    let field = |name: &str| {
        let start = format!("{name} = \"");
        let line = manifest.lines().find_map(|line| line.strip_prefix(&start)).expect("a field of the package");
        line.trim_end_matches('"').to_owned()
    };
    let (version, rust) = (field("version"), field("rust-version"));
    let formula = read("packaging/kmi-tui.rb");
    assert!(formula.contains(&format!("version \"{version}\"")), "packaging/kmi-tui.rb is not of {version}");
    assert!(
        read("packaging/Dockerfile").contains(&format!("rust:{rust}-")),
        "packaging/Dockerfile has not Rust {rust}"
    );
    for page in ["README.md", "README.ru.md", "CONTRIBUTING.md", "docs/install.md", "docs/ru/install.md"] {
        assert!(read(page).contains(&format!("Rust {rust}")), "{page} does not say Rust {rust}");
    }
    assert_eq!(field("license"), "MIT OR Apache-2.0");
    assert!(formula.contains("any_of: [\"MIT\", \"Apache-2.0\"]") && read("flake.nix").contains("[ mit asl20 ]"));
}

#[test]
fn the_versions_of_clients_are_those_that_are_tried() {
    let script = read("tests/clients/run");
    for line in script.lines().filter(|line| line.contains("(\"npm\", ") || line.contains("(\"pypi\", ")) {
        let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        let (name, version) = (quoted[0], quoted[3]);
        for page in ["docs/clients.md", "docs/ru/clients.md"] {
            assert!(read(page).contains(&format!("| {name} | {version} |")), "{page} has not {name} {version}");
        }
    }
}

#[test]
fn what_is_new_has_its_place() {
    let text = read("CHANGELOG.md");
    assert!(text.lines().any(|line| line == "## [Unreleased]"), "CHANGELOG.md needs its heading ## [Unreleased]");
}

/// The lines of the first fenced block in this language.
fn first_block(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}");
    let inside = text.lines().skip_while(|line| *line != fence).skip(1).take_while(|line| *line != "```");
    inside.map(str::to_owned).collect()
}

/// The value of `name='…'` in a script.
fn quoted(script: &str, name: &str) -> Option<String> {
    let start = format!("{name}='");
    script.lines().find_map(|line| Some(line.strip_prefix(&start)?.strip_suffix('\'')?.to_owned()))
}

fn has_word(line: &str, word: &str) -> bool {
    line.split_whitespace().any(|found| found == word)
}

/// Targets of `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// Where a link of this paper leads, from the root.
fn beside(paper: &str, path: &str) -> String {
    paper.rsplit_once('/').map_or_else(|| path.to_owned(), |(folder, _)| format!("{folder}/{path}"))
}

/// Anchors of the headings, as forges make them.
fn headings(text: &str) -> Vec<String> {
    let titles = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |title: &str| {
        let kept = title.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    titles.map(anchor).collect()
}

/// What stands between single backticks, outside of fenced blocks.
fn code_spans(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

fn is_path(span: &str) -> bool {
    let of_ours = ["src/", "tests/", "i18n/", "assets/", "docs/", ".ci/"].iter().any(|folder| span.starts_with(folder));
    of_ours && !span.contains(['*', ' ', '{', '…'])
}

/// Tests are sentences: three words and more.
fn is_test_name(span: &str) -> bool {
    // A metric's name reads alike.
    span.matches('_').count() >= 3 && is_snake(span) && !span.starts_with("kmi_")
}

/// Two words and more, in snake case.
fn is_snake(span: &str) -> bool {
    span.contains('_') && span.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Every `KMI_…` in a text.
fn settings_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_uppercase() && !letter.is_ascii_digit() && letter != '_');
    words.filter(|word| word.starts_with("KMI_")).map(str::to_owned).collect()
}

#[test]
fn what_is_wrong_would_be_found() {
    let text = "# A `b` c!\n[x](a.md#d) `src/a.rs` `is_a_test_name` `KMI_A_B_C`\n```sh\ncargo x\n```\n";
    assert_eq!(first_block(text, "sh"), ["cargo x"]);
    assert_eq!(links(text), ["a.md#d"]);
    assert_eq!([beside("A.md", "b"), beside("docs/a.md", "b")], ["b", "docs/b"]);
    assert_eq!(headings("# A `b` c!\n## Coming from kmi"), ["a-b-c", "coming-from-kmi"]);
    assert_eq!(code_spans("`a` b `c`\n```sh\n`d`\n```\n`e`"), ["a", "c", "e"]);
    assert_eq!(["src/a.rs", "src/*.rs", "a/src/b"].map(is_path), [true, false, false]);
    assert_eq!(["is_a_test_name", "update", "KMI_A_B_C"].map(is_test_name), [true, false, false]);
    assert_eq!(["no_keys", "update", "KMI_A"].map(is_snake), [true, false, false]);
    assert_eq!(settings_in("`KMI_A=1`, KMI_B."), ["KMI_A", "KMI_B"].map(str::to_owned).into());
    assert_eq!(quoted("demo='a b'\n", "demo").as_deref(), Some("a b"));
}
