//! The program's own source as text, with comments and literals told apart from code, for the tests that guard the
//! house. A scanner, not a parser: it knows just enough of Rust to not be fooled by strings, comments and test code.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

/// One file of `src/`.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the root of the repository, `src/tui/mod.rs`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and the insides of literals blanked; every offset stays the same.
    pub(crate) code: String,
    /// String literals outside of test code: where they start, and what stands between the quotes.
    pub(crate) literals: Vec<(usize, String)>,
    /// Where test code stands.
    tests: Vec<Range<usize>>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, mut literals) = scan(text);
        let name = path.rsplit('/').next().unwrap_or(path);
        let all_test = name == "tests.rs" || name.ends_with("_tests.rs");
        let tests = if all_test { vec![Range { start: 0, end: code.len() }] } else { test_items(&code) };
        literals.retain(|(at, _)| !tests.iter().any(|span| span.contains(at)));
        Self { path: path.to_owned(), text: text.to_owned(), code, literals, tests }
    }

    /// The code without test code.
    pub(crate) fn production(&self) -> String {
        let mut bytes = self.code.clone().into_bytes();
        for span in &self.tests {
            blank(&mut bytes[span.clone()]);
        }
        String::from_utf8(bytes).expect("whole characters were blanked")
    }

    /// Lines outside of test code.
    pub(crate) fn production_lines(&self) -> usize {
        let lines = |text: &str| text.lines().count();
        lines(&self.text) - self.tests.iter().map(|span| lines(&self.text[span.clone()])).sum::<usize>()
    }

    pub(crate) fn line(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }

    /// Files that are compiled for tests only because of how they are declared here.
    fn test_modules(&self) -> Vec<String> {
        let names = self.tests.iter().filter_map(|span| {
            let item = self.code[span.clone()].trim_end().strip_suffix(';')?;
            let (_, name) = item.rsplit_once("mod ")?;
            Some(name.trim().to_owned())
        });
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        names.map(|name| format!("{folder}/{name}.rs")).collect()
    }
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files below a folder of the repository with this extension, in order.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder") {
            let path = folder.join(entry.expect("an entry").file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path.to_str().expect("a plain name").to_owned());
            }
        }
    }
    found.sort();
    found
}

/// All of `src/`.
pub(crate) fn all() -> Vec<Source> {
    let mut sources: Vec<Source> = files("src", "rs").iter().map(|path| Source::new(path, &read(path))).collect();
    let for_tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        if for_tests.contains(&source.path) {
            source.tests = vec![Range { start: 0, end: source.code.len() }];
            source.literals.clear();
        }
    }
    sources
}

/// Every path below `root::` in `code`, groups taken apart, at most `depth` segments each: `use crate::{a, b::{c, d}}`
/// gives `a`, `b::c`, `b::d`.
pub(crate) fn paths(code: &str, root: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(root) {
        let before = code[..at].trim_end();
        let own_word = !before.ends_with("::") && !code[..at].ends_with(is_word);
        if let Some(rest) = code[at + root.len()..].trim_start().strip_prefix("::").filter(|_| own_word) {
            branches(code, code.len() - rest.len(), depth, "", &mut found);
        }
    }
    found
}

/// Reads one branch of a use tree; the answer is where it ends.
fn branches(code: &str, at: usize, depth: usize, trunk: &str, found: &mut Vec<(usize, String)>) -> usize {
    let at = skip_blank(code, at);
    if code[at..].starts_with('{') {
        let mut next = skip_blank(code, at + 1);
        while next < code.len() && !code[next..].starts_with('}') {
            next = branches(code, next, depth, trunk, found);
            next += code[next..].find([',', '}']).unwrap_or(code.len() - next);
            next = skip_blank(code, next + usize::from(code[next..].starts_with(',')));
        }
        return (next + 1).min(code.len());
    }
    let length = code[at..].find(|letter| !is_word(letter)).unwrap_or(code.len() - at);
    let word = if length == 0 { "*" } else { &code[at..at + length] };
    let path = if trunk.is_empty() { word.to_owned() } else { format!("{trunk}::{word}") };
    let end = skip_blank(code, at + length);
    if depth > 1 && code[end..].starts_with("::") {
        return branches(code, end + 2, depth - 1, &path, found);
    }
    found.push((at, path));
    // What is deeper than asked for may be a group with commas of its own.
    match code[end..].starts_with("::") {
        true => branches(code, end + 2, 1, "", &mut Vec::new()),
        false => at + length,
    }
}

fn skip_blank(code: &str, at: usize) -> usize {
    code.len() - code[at..].trim_start().len()
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Code with comments and literals blanked, and the string literals.
fn scan(text: &str) -> (String, Vec<(usize, String)>) {
    let (mut code, mut literals) = (text.as_bytes().to_vec(), Vec::new());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let own_word = !text[..at].ends_with(is_word);
        let (length, inside) = if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            (length, Some(0..length))
        } else if rest.starts_with("/*") {
            let length = block_comment(rest);
            (length, Some(0..length))
        } else if let Some(inside) = raw_string(rest).filter(|_| own_word) {
            let hashes = inside.start - 1 - rest.find(['#', '"']).unwrap_or_default();
            literals.push((at, rest[inside.clone()].to_owned()));
            (inside.end + 1 + hashes, Some(inside))
        } else if rest.starts_with('"') {
            let end = closing(rest, '"');
            literals.push((at, rest[1..end].to_owned()));
            (end + 1, Some(1..end))
        } else if let Some(length) = character(rest) {
            (length, Some(1..length - 1))
        } else {
            (rest.chars().next().map_or(1, char::len_utf8), None)
        };
        if let Some(inside) = inside {
            blank(&mut code[at + inside.start..at + inside.end]);
        }
        at = (at + length).min(text.len());
    }
    (String::from_utf8(code).expect("whole characters were blanked"), literals)
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let Some(next) = rest[at..].find("/*").into_iter().chain(rest[at..].find("*/")).min() else {
            return rest.len();
        };
        depth = if rest[at + next..].starts_with("/*") { depth + 1 } else { depth - 1 };
        at += next + 2;
    }
    at
}

/// Where the inside of a raw string is, if one starts here.
fn raw_string(rest: &str) -> Option<Range<usize>> {
    let quoted = rest.strip_prefix('b').or_else(|| rest.strip_prefix('c')).unwrap_or(rest).strip_prefix('r')?;
    let hashes = quoted.len() - quoted.trim_start_matches('#').len();
    let inside = quoted[hashes..].strip_prefix('"')?;
    let end = inside.find(&format!("\"{}", "#".repeat(hashes))).unwrap_or(inside.len());
    let start = rest.len() - inside.len();
    Some(start..start + end)
}

/// Where the closing quote is; a backslash takes the next character along.
fn closing(rest: &str, quote: char) -> usize {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            _ if letter == quote => return at,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal, if one starts here; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let mut letters = rest.strip_prefix('\'')?.char_indices();
    let (_, first) = letters.next()?;
    match (first, letters.next()) {
        ('\\', _) => Some(closing(rest, '\'') + 1),
        (_, Some((at, '\''))) => Some(at + 2),
        _ => None,
    }
}

/// Items under `#[cfg(test)]`, from the attribute to their end.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        if found.last().is_none_or(|last| at >= last.end) {
            found.push(at..item_end(code, at + attribute.len()));
        }
    }
    found
}

/// The end of the item that starts at `at`: its semicolon, or its closing brace.
fn item_end(code: &str, at: usize) -> usize {
    let (mut nested, mut braces) = (0, 0);
    for (offset, letter) in code[at..].char_indices() {
        match letter {
            '(' | '[' => nested += 1,
            ')' | ']' => nested -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        if nested == 0 && braces == 0 && matches!(letter, ';' | '}') {
            return at + offset + 1;
        }
    }
    code.len()
}
