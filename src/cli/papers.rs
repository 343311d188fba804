//! `completions` and `man`: made from the command line itself. `man` speaks the language of the messages.

use std::{fs, io, path::Path};

use super::{Stop, args, say};
use crate::{domain::message::Message, i18n::Words};

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
        Some(dir) => fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir)).map(drop),
        None => page(command).map(|page| say(page.trim_end())),
    };
    made.map_err(|error| {
        let path = dir.unwrap_or(Path::new("")).display().to_string();
        Stop::failed(words.render(&Message::new("man-failed").with("path", path).with("error", error.to_string())))
    })
}

fn page(command: clap::Command) -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
