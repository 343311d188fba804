//! `completions` and `man`: made from the command line itself and the table of settings, in the language of the messages.

use std::{fs, io, path::Path};

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::{Stop, args, say};
use crate::{config, domain::message::Message, i18n::Words};

/// The sections of a page that the generator names in English.
const SECTIONS: &[(&str, &str)] = &[
    ("NAME", "man-name"),
    ("SYNOPSIS", "man-synopsis"),
    ("DESCRIPTION", "man-description"),
    ("VERSION", "man-version"),
];

/// The shell's completions, on stdout.
pub(super) fn completions(shell: clap_complete::Shell, words: &Words) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(words), "kmi-tui", &mut script);
    say(String::from_utf8_lossy(&script).trim_end());
}

/// The manual page on stdout, or a page for each command in a folder.
pub(super) fn man(dir: Option<&Path>, words: &Words) -> Result<(), Stop> {
    let mut command = args::command(words);
    command.build();
    let made = match dir {
        Some(dir) => fs::create_dir_all(dir).and_then(|()| pages(&command, dir, words)),
        None => page(&command, words).map(|page| say(page.trim_end())),
    };
    made.map_err(|error| {
        let path = dir.unwrap_or(Path::new("")).display().to_string();
        Stop::failed(words.render(&Message::new("man-failed").with("path", path).with("error", error.to_string())))
    })
}

/// A page for this command and each below it.
fn pages(command: &Command, dir: &Path, words: &Words) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    fs::write(dir.join(format!("{name}.1")), page(command, words)?)?;
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| pages(below, dir, words))
}

fn page(command: &Command, words: &Words) -> io::Result<String> {
    let mut page = Vec::new();
    let source = format!("kmi-tui {}", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(source).manual(words.text("man-manual")).render(&mut page)?;
    let page = SECTIONS.iter().fold(String::from_utf8_lossy(&page).into_owned(), |page, (name, id)| {
        page.replacen(&format!("\n.SH {name}\n"), &format!("\n.SH {}\n", words.text(id)), 1)
    });
    let of_all = command.get_name() == "kmi-tui";
    Ok(if of_all { page + &besides(words) } else { page })
}

/// What the page of the whole program says beside the command line.
fn besides(words: &Words) -> String {
    let mut roff = Roff::new();
    roff.control("SH", [words.text("man-exit").as_str()]);
    roff.text([roman(words.text("man-exit-codes"))]);
    roff.control("SH", [words.text("man-files").as_str()]);
    for (path, id) in [
        ("~/.kimi/_auths", "man-file-auths"),
        ("~/.kmi/state.json", "man-file-state"),
        ("~/.kmi/trace/trace.jsonl", "man-file-trace"),
        ("~/.kmi/logs/kmi.log", "man-file-log"),
    ] {
        item(&mut roff, path, &words.text(id));
    }
    roff.control("SH", [words.text("man-environment").as_str()]);
    roff.text([roman(words.text("man-environment-about"))]);
    for (name, default, meaning) in config::explained(words) {
        item(&mut roff, &format!("{name}={default}"), &meaning);
    }
    roff.render()
}

fn item(roff: &mut Roff, name: &str, meaning: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(meaning)]);
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::i18n::Locale;

    #[test]
    fn every_page_speaks_one_language() {
        let headings = |locale: Locale| {
            let words = Words::new(locale, TimeZone::UTC);
            let mut command = args::command(&words);
            command.build();
            let text = page(&command, &words).expect("a page");
            assert_eq!(words.faults(), Vec::<String>::new());
            let headings = text.lines().filter_map(|line| line.strip_prefix(".SH "));
            headings.map(|heading| heading.trim_matches('"').to_uppercase()).collect::<Vec<_>>()
        };
        let english = headings(Locale::English);
        assert_eq!(english[..3], ["NAME", "SYNOPSIS", "DESCRIPTION"]);
        for locale in Locale::ALL.into_iter().filter(|locale| *locale != Locale::English) {
            let headings = headings(locale);
            assert_eq!(headings.len(), english.len());
            assert!(headings.iter().all(|heading| !english.contains(heading)), "{headings:?}");
        }
    }
}
