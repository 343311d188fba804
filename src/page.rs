//! Pages that code holds to its tables: what it says is what stands there. `UPDATE_DOCS=1` writes it. For tests alone.

use std::{fs, path::Path};

const BEGIN: &str = "<!-- generated: UPDATE_DOCS=1 cargo test --lib page -->\n";
const END: &str = "<!-- end of what is generated -->\n";

/// The file is this text and no other.
#[expect(clippy::disallowed_methods, reason = "a switch of the tests, not of the program")]
pub(crate) fn is(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, text).expect("written");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    let (mut there, mut wanted) = (found.lines(), text.lines());
    let first = (1_usize..).find_map(|number| match (there.next(), wanted.next()) {
        (None, None) => Some(None),
        (there, wanted) => (there != wanted).then_some(Some((number, there, wanted))),
    });
    if let Some(Some((number, there, wanted))) = first {
        let (there, wanted) = (there.unwrap_or("its end"), wanted.unwrap_or("its end"));
        panic!(
            "{path}, line {number}, is\n  {there}\nand should be\n  {wanted}\nUPDATE_DOCS=1 cargo test --lib page writes it"
        );
    }
}

/// The part of the page between its marks is this text.
pub(crate) fn holds(path: &str, text: &str) {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default();
    let marks = page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let Some((head, tail)) = marks else { panic!("{path} needs the lines\n{BEGIN}{END}") };
    is(path, &format!("{head}{BEGIN}\n{}\n\n{END}{tail}", text.trim_end()));
}
