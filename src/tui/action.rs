//! Everything a person can do, in one table: it feeds the keymap, the footer and the help. Not whether it is
//! possible now (`possible`), nor what happens then (`app`).

use std::{sync::Arc, time::Duration};

use crossterm::event::KeyCode;
use ratatui::layout::Position;
use tui_input::InputRequest;

use super::{
    app::{App, Overlay},
    errand::Answer,
    layout::Pane,
    mouse::Gesture,
    possible::{
        always, auto_rotate, background, cancel, copy, copy_curl, demo, details, fix, jump, on_files, rotate_to,
        send_to, some_key, sort, switch_key, unblock, undo,
    },
};
use crate::domain::{message::Message, snapshot::Snapshot, trace::TraceRecord};

/// Something happened: a person's wish, or news.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Run(Verb),
    /// Typed into the open field.
    Edit(InputRequest),
    Paste(String),
    /// Something was done with the mouse, there.
    Pointed(Gesture, Position),
    /// A new snapshot is here.
    Snapshot,
    Record(Arc<TraceRecord>),
    /// What came of an errand.
    Answer(Answer),
    /// So many records came too fast to be shown.
    Missed(u64),
    /// This long since the dashboard opened.
    Tick(Duration),
}

/// What a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    Rotate,
    RotateTo,
    AutoRotate,
    Block,
    Unblock,
    RefreshHealth,
    Doctor,
    AddKey,
    /// Copies the keys of other programs.
    ImportKeys,
    /// Goes over into the demo.
    Demo,
    /// Out of use, or back into it.
    SwitchKey,
    /// What the program can do about the selected finding.
    Fix,
    /// The screen as it is, to files.
    KeepScreen,
    /// Ends a running request.
    Cancel,
    /// A running request goes on with another key.
    SendTo,
    /// What is chosen among the keys.
    SendHere,
    /// Yes to what is asked.
    Confirm,
    /// Takes back the last command that can be.
    Undo,
    Pause,
    /// Opens the line for the trace's filter, or for a search on a sheet.
    Filter,
    KeepFilter,
    ClearFilter,
    /// The selected row's name.
    Copy,
    CopyRow,
    CopyCurl,
    /// From a key to its requests, from a request to its key.
    Jump,
    Sort,
    Details,
    Zoom,
    Language,
    Theme,
    /// Whether the mouse is reported.
    Mouse,
    Palette,
    /// What is chosen in the palette.
    RunChosen,
    Help,
    Settings,
    Tokens,
    Quit,
    Focus(Pane),
    NextPane,
    PreviousPane,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Close,
    NextField,
    Submit,
    Wait,
    StopNow,
    /// Leave, and a proxy in the background goes on.
    Background,
}

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Context {
    Panes,
    /// A sheet or details are open.
    Reading,
    /// A dialog with text fields: letters are text.
    Dialog,
    /// The trace's filter, or what a sheet is searched for, is typed: letters are text.
    Filter,
    /// The palette is open: letters are text.
    Palette,
    /// The question before leaving.
    Leaving,
    /// The question before what can't be taken back.
    Confirming,
    /// A key is chosen for a request.
    Choosing,
}

/// One key with its modifier. Shift is in the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Chord {
    pub(crate) code: KeyCode,
    pub(crate) control: bool,
}

/// Headings of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Keys,
    View,
    Move,
    /// Only in a dialog or a line, whose own foot tells it.
    Dialog,
}

impl Group {
    pub(crate) const IN_HELP: [(Self, &'static str); 3] =
        [(Self::Keys, "help-keys"), (Self::View, "help-view"), (Self::Move, "help-move")];
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// What a person's own keys call it, in every language and version; [`FIXED`] where they are no person's choice.
    pub(crate) name: &'static str,
    pub(crate) verb: Verb,
    /// Unless a person has chosen others (`keymap`).
    pub(crate) keys: &'static [Chord],
    pub(crate) contexts: &'static [Context],
    pub(crate) group: Group,
    /// Fluent id of one or two words for the footer.
    pub(crate) word: &'static str,
    /// Fluent id of a line for the help; neighbours that share it share the line.
    pub(crate) help: &'static str,
    /// Panes whose footer offers it.
    pub(crate) offered: &'static [Pane],
    /// Whether it is possible now, or why not.
    pub(crate) enabled: fn(&App, &Snapshot) -> Result<(), Message>,
}

const fn letter(character: char) -> Chord {
    Chord { code: KeyCode::Char(character), control: false }
}

const fn key(code: KeyCode) -> Chord {
    Chord { code, control: false }
}

const fn control(character: char) -> Chord {
    Chord { code: KeyCode::Char(character), control: true }
}

/// The name of what can't be given other keys.
pub(crate) const FIXED: &str = "";
/// Leaves whatever is open, and whatever keys a person has chosen.
pub(crate) const STOP: Chord = control('c');
const TEXT: &[Context] = &[Context::Dialog, Context::Filter, Context::Palette];
const ON_KEYS: &[Pane] = &[Pane::Keys, Pane::Quota, Pane::Limits];
const EVERYWHERE: &[Pane] = &Pane::ALL;
const NOWHERE: &[Pane] = &[];
const PANES: &[Context] = &[Context::Panes];
const SCROLLS: &[Context] = &[Context::Panes, Context::Reading];

const fn row(name: &'static str, verb: Verb, keys: &'static [Chord], word: &'static str, help: &'static str) -> Row {
    Row { name, verb, keys, contexts: PANES, group: Group::Keys, word, help, offered: NOWHERE, enabled: always }
}

/// The table. Its order is the order of the footer and of the help.
pub(crate) const TABLE: &[Row] = &[
    Row {
        offered: ON_KEYS,
        enabled: some_key,
        ..row("rotate", Verb::Rotate, &[letter('r')], "do-rotate", "help-rotate")
    },
    Row {
        offered: ON_KEYS,
        enabled: rotate_to,
        ..row("rotate-to", Verb::RotateTo, &[letter('R')], "do-rotate-to", "help-rotate-to")
    },
    Row {
        offered: ON_KEYS,
        enabled: auto_rotate,
        ..row("auto-rotate", Verb::AutoRotate, &[letter('a')], "do-auto", "help-auto")
    },
    Row { offered: ON_KEYS, enabled: some_key, ..row("block", Verb::Block, &[letter('b')], "do-block", "help-block") },
    Row {
        offered: ON_KEYS,
        enabled: unblock,
        ..row("unblock", Verb::Unblock, &[letter('u')], "do-unblock", "help-unblock")
    },
    Row {
        offered: ON_KEYS,
        enabled: some_key,
        ..row("refresh-health", Verb::RefreshHealth, &[letter('h')], "do-health", "help-health")
    },
    Row {
        offered: &[Pane::Keys],
        enabled: on_files,
        ..row("add-key", Verb::AddKey, &[letter('n')], "do-add", "help-add")
    },
    Row { enabled: on_files, ..row("import", Verb::ImportKeys, &[letter('i')], "do-import", "help-import") },
    Row { enabled: demo, ..row("demo", Verb::Demo, &[letter('D')], "do-demo", "help-demo") },
    Row {
        offered: &[Pane::Keys],
        enabled: switch_key,
        ..row("enable-disable", Verb::SwitchKey, &[letter('e')], "do-switch", "help-switch")
    },
    Row { offered: &[Pane::Doctor], enabled: fix, ..row("fix", Verb::Fix, &[letter('F')], "do-fix", "help-fix") },
    Row { offered: &[Pane::Doctor], ..row("doctor", Verb::Doctor, &[letter('d')], "do-doctor", "help-doctor") },
    Row { enabled: undo, ..row("undo", Verb::Undo, &[control('z')], "do-undo", "help-undo") },
    view(Row { offered: &[Pane::Trace], ..row("pause", Verb::Pause, &[letter(' ')], "do-pause", "help-pause") }),
    view(Row {
        contexts: SCROLLS,
        offered: &[Pane::Trace],
        ..row("filter", Verb::Filter, &[letter('/')], "do-filter", "help-filter")
    }),
    view(Row {
        offered: EVERYWHERE,
        enabled: details,
        ..row("details", Verb::Details, &[key(KeyCode::Enter)], "do-details", "help-details")
    }),
    Row {
        contexts: SCROLLS,
        offered: &[Pane::Trace],
        enabled: cancel,
        ..row("cancel", Verb::Cancel, &[letter('x')], "do-cancel", "help-cancel")
    },
    Row {
        contexts: SCROLLS,
        offered: &[Pane::Trace],
        enabled: send_to,
        ..row("send-to", Verb::SendTo, &[letter('X')], "do-send-to", "help-send-to")
    },
    view(Row { offered: EVERYWHERE, ..row("zoom", Verb::Zoom, &[letter('z')], "do-zoom", "help-zoom") }),
    view(Row {
        offered: EVERYWHERE,
        ..row("language", Verb::Language, &[letter('L')], "do-language", "help-language")
    }),
    view(Row {
        contexts: SCROLLS,
        ..row("keep-screen", Verb::KeepScreen, &[letter('S')], "do-keep-screen", "help-keep-screen")
    }),
    view(row("theme", Verb::Theme, &[letter('t')], "do-theme", "help-theme")),
    view(row("mouse", Verb::Mouse, &[letter('m')], "do-mouse", "help-mouse")),
    Row {
        offered: &[Pane::Keys, Pane::Trace],
        enabled: jump,
        ..moving("jump", Verb::Jump, &[letter('f')], "do-jump", "help-jump")
    },
    view(Row {
        offered: &[Pane::Keys],
        enabled: sort,
        ..row("sort", Verb::Sort, &[letter('s')], "do-sort", "help-sort")
    }),
    view(Row {
        offered: &[Pane::Keys, Pane::Trace],
        enabled: copy,
        ..row("copy", Verb::Copy, &[letter('y')], "do-copy", "help-copy")
    }),
    view(Row { enabled: copy_curl, ..row("copy-row", Verb::CopyRow, &[letter('w')], "do-copy-row", "help-copy-row") }),
    view(Row {
        offered: &[Pane::Trace],
        enabled: copy_curl,
        ..row("copy-curl", Verb::CopyCurl, &[letter('Y')], "do-copy-curl", "help-copy-curl")
    }),
    view(Row {
        contexts: SCROLLS,
        ..row("palette", Verb::Palette, &[letter(':'), control('p')], "do-palette", "help-palette")
    }),
    view(Row { contexts: SCROLLS, ..row("tokens", Verb::Tokens, &[letter('T')], "do-tokens", "help-tokens") }),
    view(Row { contexts: SCROLLS, ..row("settings", Verb::Settings, &[letter('o')], "do-settings", "help-settings") }),
    view(Row { contexts: SCROLLS, ..row("help", Verb::Help, &[letter('?')], "do-help", "help-help") }),
    view(Row { contexts: SCROLLS, ..row("quit", Verb::Quit, &[letter('q'), STOP], "do-quit", "help-quit") }),
    view(Row {
        enabled: background,
        ..row("background", Verb::Background, &[letter('Q')], "do-background", "help-background")
    }),
    Row {
        offered: EVERYWHERE,
        ..moving("next-pane", Verb::NextPane, &[key(KeyCode::Tab)], "do-next-pane", "help-next-pane")
    },
    moving("previous-pane", Verb::PreviousPane, &[key(KeyCode::BackTab)], "do-previous-pane", "help-next-pane"),
    moving("pane-keys", Verb::Focus(Pane::Keys), &[letter('1')], "pane-keys", "help-focus"),
    moving("pane-quota", Verb::Focus(Pane::Quota), &[letter('2')], "pane-quota", "help-focus"),
    moving("pane-trace", Verb::Focus(Pane::Trace), &[letter('3')], "pane-trace", "help-focus"),
    moving("pane-limits", Verb::Focus(Pane::Limits), &[letter('4')], "pane-limits", "help-focus"),
    moving("pane-doctor", Verb::Focus(Pane::Doctor), &[letter('5')], "pane-doctor", "help-focus"),
    scroll("up", Verb::Up, &[key(KeyCode::Up), letter('k')], "help-up-down"),
    scroll("down", Verb::Down, &[key(KeyCode::Down), letter('j')], "help-up-down"),
    scroll("page-up", Verb::PageUp, &[key(KeyCode::PageUp)], "help-page"),
    scroll("page-down", Verb::PageDown, &[key(KeyCode::PageDown)], "help-page"),
    scroll("home", Verb::Home, &[key(KeyCode::Home), letter('g')], "help-ends"),
    scroll("end", Verb::End, &[key(KeyCode::End), letter('G')], "help-ends"),
    Row {
        contexts: &[
            Context::Panes,
            Context::Reading,
            Context::Dialog,
            Context::Leaving,
            Context::Confirming,
            Context::Choosing,
            Context::Palette,
        ],
        ..moving(FIXED, Verb::Close, &[key(KeyCode::Esc)], "do-close", "help-close")
    },
    dialog(
        Verb::NextField,
        &[key(KeyCode::Tab), key(KeyCode::BackTab), key(KeyCode::Up), key(KeyCode::Down)],
        "do-next-field",
    ),
    dialog(Verb::Submit, &[key(KeyCode::Enter)], "do-submit"),
    Row { contexts: &[Context::Filter], ..dialog(Verb::KeepFilter, &[key(KeyCode::Enter)], "do-keep-filter") },
    Row { contexts: &[Context::Filter], ..dialog(Verb::ClearFilter, &[key(KeyCode::Esc)], "do-clear-filter") },
    Row { contexts: TEXT, ..dialog(Verb::Quit, &[STOP], "do-quit") },
    Row { contexts: &[Context::Palette], ..dialog(Verb::RunChosen, &[key(KeyCode::Enter)], "do-run-chosen") },
    Row { contexts: &[Context::Palette], ..dialog(Verb::Up, &[key(KeyCode::Up), control('p')], "help-up-down") },
    Row { contexts: &[Context::Palette], ..dialog(Verb::Down, &[key(KeyCode::Down), control('n')], "help-up-down") },
    Row { contexts: &[Context::Palette], ..dialog(Verb::PageUp, &[key(KeyCode::PageUp)], "help-page") },
    Row { contexts: &[Context::Palette], ..dialog(Verb::PageDown, &[key(KeyCode::PageDown)], "help-page") },
    Row { contexts: &[Context::Choosing], ..dialog(Verb::SendHere, &[key(KeyCode::Enter)], "do-send-to") },
    Row { contexts: &[Context::Choosing], ..dialog(Verb::Up, &[key(KeyCode::Up), letter('k')], "help-up-down") },
    Row { contexts: &[Context::Choosing], ..dialog(Verb::Down, &[key(KeyCode::Down), letter('j')], "help-up-down") },
    Row { contexts: &[Context::Choosing], ..dialog(Verb::PageUp, &[key(KeyCode::PageUp)], "help-page") },
    Row { contexts: &[Context::Choosing], ..dialog(Verb::PageDown, &[key(KeyCode::PageDown)], "help-page") },
    Row { contexts: &[Context::Choosing], ..dialog(Verb::Close, &[letter('q'), STOP], "do-close") },
    Row { contexts: &[Context::Reading], ..dialog(Verb::Close, &[key(KeyCode::Enter)], "do-close") },
    Row {
        contexts: &[Context::Confirming],
        ..dialog(Verb::Confirm, &[key(KeyCode::Enter), letter('y')], "do-confirm")
    },
    Row { contexts: &[Context::Confirming], ..dialog(Verb::Close, &[letter('n'), letter('q'), STOP], "do-close") },
    Row { contexts: &[Context::Leaving], ..dialog(Verb::Wait, &[letter('w')], "do-wait") },
    Row {
        contexts: &[Context::Leaving],
        ..dialog(Verb::StopNow, &[key(KeyCode::Enter), letter('q'), STOP], "do-stop-now")
    },
    Row {
        contexts: &[Context::Leaving],
        enabled: background,
        ..dialog(Verb::Background, &[letter('b'), letter('Q')], "do-background")
    },
];

const fn view(row: Row) -> Row {
    Row { group: Group::View, ..row }
}

const fn moving(name: &'static str, verb: Verb, keys: &'static [Chord], word: &'static str, help: &'static str) -> Row {
    Row { group: Group::Move, ..row(name, verb, keys, word, help) }
}

const fn scroll(name: &'static str, verb: Verb, keys: &'static [Chord], help: &'static str) -> Row {
    Row { contexts: SCROLLS, ..moving(name, verb, keys, help, help) }
}

const fn dialog(verb: Verb, keys: &'static [Chord], word: &'static str) -> Row {
    Row { contexts: &[Context::Dialog], group: Group::Dialog, ..row(FIXED, verb, keys, word, word) }
}

/// The row of a verb, as it is first in the table.
pub(crate) fn find(verb: Verb) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.verb == verb)
}

impl Context {
    /// Whether letters are text there, and no commands.
    pub(crate) const fn takes_text(self) -> bool {
        matches!(self, Self::Dialog | Self::Filter | Self::Palette)
    }

    pub(crate) const fn of(overlay: Option<&Overlay>) -> Self {
        match overlay {
            None => Self::Panes,
            Some(Overlay::Sheet(sheet)) if sheet.typing => Self::Filter,
            Some(Overlay::Sheet(_) | Overlay::Details { .. }) => Self::Reading,
            Some(Overlay::Palette(_)) => Self::Palette,
            Some(Overlay::Form(_)) => Self::Dialog,
            Some(Overlay::Confirm(_)) => Self::Confirming,
            Some(Overlay::PickKey(_)) => Self::Choosing,
            Some(Overlay::Filter(_)) => Self::Filter,
            Some(Overlay::Quit { .. }) => Self::Leaving,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::i18n::{Locale, Words};

    #[test]
    fn names_are_used_once() {
        let mut seen = HashSet::new();
        for row in TABLE.iter().filter(|row| row.name != FIXED) {
            assert!(seen.insert(row.name), "{} twice", row.name);
        }
    }

    #[test]
    fn a_key_means_one_thing_in_a_context() {
        let mut seen = HashSet::new();
        for row in TABLE {
            for context in row.contexts {
                for chord in row.keys {
                    assert!(seen.insert((*context, *chord)), "{chord:?} twice in {context:?}");
                }
            }
        }
    }

    #[test]
    fn every_action_has_words_in_every_language() {
        for locale in Locale::ALL {
            let words = Words::new(locale, TimeZone::UTC);
            let ids = TABLE.iter().flat_map(|row| [row.word, row.help]).chain(Group::IN_HELP.map(|(_, id)| id));
            for id in ids {
                assert!(!words.text(id).is_empty());
            }
            assert_eq!(words.faults(), Vec::<String>::new());
        }
    }

    #[test]
    fn everything_but_a_dialog_s_own_keys_is_in_the_help() {
        for row in TABLE {
            let shown = Group::IN_HELP.iter().any(|(group, _)| *group == row.group);
            assert_eq!(shown, row.group != Group::Dialog, "{:?}", row.verb);
        }
    }
}
