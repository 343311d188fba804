//! How the dashboard may look: the person's themes and keys, read from their files, and what the terminal says of itself. Not what a
//! theme's file means (`tui::theme`).

use std::{fs, io, path::Path};

use super::{args::Args, complain};
use crate::{
    config::{Config, Environment, content},
    domain::{message::Message, order},
    i18n::Words,
    tui::{
        self,
        theme::{Depth, OwnFile, Themes, is_light},
    },
};

/// Beside the state, and only ever read.
const FOLDER: &str = "themes";
const ENDING: &str = "toml";
const KEYS: &str = "keys.toml";

/// For this terminal. `home`: the person's state folder. What is wrong with the themes is told on stderr too, where it
/// stands when the dashboard is left.
pub(super) fn on_terminal(
    home: &Path,
    args: &Args,
    config: &Config,
    environment: &Environment,
    words: &Words,
) -> tui::Look {
    look(Depth::of(environment.get("TERM"), environment.get("COLORTERM")), home, args, config, environment, words)
}

/// For a picture, which has all colours.
pub(super) fn in_picture(
    home: &Path,
    args: &Args,
    config: &Config,
    environment: &Environment,
    words: &Words,
) -> tui::Look {
    look(Depth::True, home, args, config, environment, words)
}

fn look(
    depth: Depth,
    home: &Path,
    args: &Args,
    config: &Config,
    environment: &Environment,
    words: &Words,
) -> tui::Look {
    let depth = if config.no_color || config.plain { Depth::Plain } else { depth };
    let (own, mut faults) = own_files(&home.join(FOLDER));
    let (mut themes, wrong) = Themes::new(depth, &own);
    faults.extend(wrong);
    faults.extend(themes.choose(&config.theme, is_light(environment.get("COLORFGBG"))).err());
    let (keymap, wrong) = own_keys(&home.join(KEYS));
    faults.extend(wrong);
    for fault in &faults {
        complain(&words.render(fault));
    }
    let motion = tui::Motion { frame: config.frame, reduced: config.reduced_motion };
    tui::Look { themes, keymap, faults, motion, ascii: args.ascii, call: config.call }
}

/// The person's own keys. No file is no fault.
fn own_keys(path: &Path) -> (tui::Keymap, Vec<Message>) {
    let file = path.display().to_string();
    match text(path) {
        Ok(text) => tui::Keymap::read(&text, &file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (tui::Keymap::default(), Vec::new()),
        Err(_) => (tui::Keymap::default(), vec![Message::new("own-unreadable").with("file", file)]),
    }
}

/// The person's own themes by name, and what can't be read. No folder is no fault.
fn own_files(folder: &Path) -> (Vec<OwnFile>, Vec<Message>) {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    let Ok(entries) = fs::read_dir(folder) else { return (files, faults) };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    order::sort(&mut paths);
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == ENDING)) {
        let Some(name) = path.file_stem().map(|name| name.to_string_lossy().to_lowercase()) else { continue };
        // What an editor puts beside the file.
        if name.starts_with('.') {
            continue;
        }
        let file = path.display().to_string();
        match text(path) {
            Ok(text) => files.push(OwnFile { name, file, text }),
            Err(_) => faults.push(Message::new("own-unreadable").with("file", file)),
        }
    }
    (files, faults)
}

fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(content::of_plain_file(path)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn themes_are_the_toml_files_of_the_folder() {
        let home = tempfile::tempdir().expect("a folder");
        assert_eq!(own_files(&home.path().join(FOLDER)).0.len(), 0);
        let folder = home.path();
        for (name, bytes) in [
            ("Mine.toml", &b"ok = {}"[..]),
            ("a.toml", b"x"),
            (".a.toml", b"x"),
            ("b.toml~", b"x"),
            ("bad.toml", b"\xff"),
        ] {
            fs::write(folder.join(name), bytes).expect("written");
        }
        fs::create_dir(folder.join("dir.toml")).expect("made");
        let (files, faults) = own_files(folder);
        let mut names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "mine"]);
        let unreadable = |name: &str| {
            let file = folder.join(name).display().to_string();
            Message::new("own-unreadable").with("file", file)
        };
        assert_eq!(faults, [unreadable("bad.toml"), unreadable("dir.toml")]);
    }
}
