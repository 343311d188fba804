//! From a terminal's key to an action, by context: the keys of the table of `action`, or those that a person's own file
//! gives instead. Not where that file is.

use std::collections::BTreeMap;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;
use toml::de::DeTable;
use tui_input::InputRequest;

use super::{
    action::{self, Action, Chord, Context, FIXED, Row, STOP, Verb},
    mouse::Gesture,
    own_toml::{Entry, Faults},
};
use crate::domain::message::Message;

/// The letters of the Russian layout and what is on the same keys of the Latin one.
const RUSSIAN: &str = "йцукенгшщзхъфывапролджэячсмитьбюё";
const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";

/// Which keys do what: the table's, and a person's own instead.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keymap {
    /// By the action's name.
    own: BTreeMap<&'static str, Vec<Chord>>,
}

impl Keymap {
    /// Reads a person's own keys: `rotate = ["r", "ctrl-r"]`. With any fault the table's keys stand.
    pub(crate) fn read(text: &str, file: &str) -> (Self, Vec<Message>) {
        let (table, mut faults) = Faults::parse(text, file);
        let mut keymap = Self::default();
        for (name, value) in &table {
            match action::TABLE.iter().find(|row| row.name != FIXED && row.name == name.get_ref().as_ref()) {
                Some(row) => drop(keymap.own.insert(row.name, chords(value, &mut faults))),
                None => faults.tell(name.span(), Message::new("keys-not-action")),
            }
        }
        if let Some(quit) = keymap.own.get_mut("quit").filter(|quit| !quit.contains(&STOP)) {
            quit.push(STOP);
        }
        keymap.tell_clashes(&table, &mut faults);
        let faults = faults.into_messages();
        (if faults.is_empty() { keymap } else { Self::default() }, faults)
    }

    /// A key that is given to an action must not do anything else where the action is possible.
    fn tell_clashes(&self, table: &DeTable<'_>, faults: &mut Faults<'_>) {
        for (name, value) in table {
            let Some(row) = action::TABLE.iter().find(|row| row.name == name.get_ref().as_ref()) else { continue };
            let meets = |other: &&Row| other.contexts.iter().any(|context| row.contexts.contains(context));
            for chord in self.keys(row) {
                let others = action::TABLE.iter().filter(|other| other.name != row.name).filter(meets);
                if let Some(other) = others.into_iter().find(|other| self.keys(other).contains(chord)) {
                    let taken = if other.name == FIXED { "close" } else { other.name };
                    let fault = Message::new("keys-clash").with("key", spelled(*chord)).with("other", taken);
                    faults.tell(value.span(), fault);
                }
            }
        }
    }

    /// The keys of an action.
    pub(crate) fn keys(&self, row: &Row) -> &[Chord] {
        self.own.get(row.name).map_or(row.keys, Vec::as_slice)
    }

    fn on(&self, chord: Chord, context: Context) -> Option<Verb> {
        let meant = |row: &&Row| row.contexts.contains(&context) && self.keys(row).contains(&chord);
        action::TABLE.iter().find(meant).map(|row| row.verb)
    }

    /// What a terminal event means there; `None` when nothing.
    pub(crate) fn action(&self, event: &Event, context: Context) -> Option<Action> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.pressed(*key, context),
            Event::Mouse(mouse) => pointed(*mouse),
            Event::Paste(text) if context.takes_text() => Some(Action::Paste(text.clone())),
            _ => None,
        }
    }

    fn pressed(&self, key: KeyEvent, context: Context) -> Option<Action> {
        let chord = chord(key);
        if !context.takes_text() {
            // A person may have chosen letters of any alphabet.
            let chord = chord?;
            return self.on(chord, context).or_else(|| self.on(translated(chord), context)).map(Action::Run);
        }
        if let Some(verb) = chord.and_then(|chord| self.on(chord, context)) {
            return Some(Action::Run(verb));
        }
        edit(key).map(Action::Edit)
    }
}

fn pointed(mouse: MouseEvent) -> Option<Action> {
    let gesture = match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Gesture::Click,
        MouseEventKind::ScrollUp => Gesture::Wheel(Verb::Up),
        MouseEventKind::ScrollDown => Gesture::Wheel(Verb::Down),
        _ => return None,
    };
    Some(Action::Pointed(gesture, Position::new(mouse.column, mouse.row)))
}

/// Keys that are no character, as they are written.
const NAMED: [(&str, KeyCode); 14] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

fn chords(value: Entry<'_, '_>, faults: &mut Faults<'_>) -> Vec<Chord> {
    let Some(list) = value.get_ref().as_array() else {
        faults.tell(value.span(), Message::new("keys-not-list"));
        return Vec::new();
    };
    let mut chords = Vec::new();
    for value in list {
        match value.get_ref().as_str().and_then(read_chord) {
            Some(chord) => chords.push(chord),
            None => faults.tell(value.span(), Message::new("keys-not-key")),
        }
    }
    chords
}

/// Reads `r`, `R`, `ctrl-r`, `f5`, `space` and the like.
fn read_chord(text: &str) -> Option<Chord> {
    let (control, name) = text.strip_prefix("ctrl-").map_or((false, text), |name| (true, name));
    let named = || NAMED.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
    let function = || {
        let number = name.strip_prefix('f')?.parse().ok().filter(|number| (1..=12).contains(number))?;
        Some(KeyCode::F(number))
    };
    let mut characters = name.chars();
    let code = match (characters.next(), characters.next()) {
        (Some(character), None) if !character.is_whitespace() && !character.is_control() => KeyCode::Char(character),
        _ => named().or_else(function)?,
    };
    Some(Chord { code, control })
}

/// The same, written.
pub(crate) fn spelled(chord: Chord) -> String {
    let control = if chord.control { "ctrl-" } else { "" };
    let name = NAMED.iter().find(|(_, code)| *code == chord.code).map(|(name, _)| (*name).to_owned());
    let name = name.unwrap_or_else(|| match chord.code {
        KeyCode::Char(character) => character.to_string(),
        code => code.to_string().to_lowercase(),
    });
    format!("{control}{name}")
}

/// What is written on a key that is held with Ctrl; `spelled` is how a file names it.
pub(crate) fn with_control(chord: Chord) -> Option<String> {
    match chord.code {
        KeyCode::Char(character) if chord.control => Some(format!("Ctrl-{}", character.to_ascii_uppercase())),
        _ => None,
    }
}

fn chord(key: KeyEvent) -> Option<Chord> {
    if key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META | KeyModifiers::HYPER) {
        return None;
    }
    let shifted = key.modifiers.contains(KeyModifiers::SHIFT);
    let code = match key.code {
        KeyCode::Tab if shifted => KeyCode::BackTab,
        code => code,
    };
    Some(Chord { code, control: key.modifiers.contains(KeyModifiers::CONTROL) })
}

/// The same key on the Latin layout: with a Russian one, plain letters arrive as Cyrillic.
fn translated(chord: Chord) -> Chord {
    let KeyCode::Char(character) = chord.code else { return chord };
    Chord { code: KeyCode::Char(latin(character)), ..chord }
}

fn latin(character: char) -> char {
    let lower = character.to_lowercase().next().unwrap_or(character);
    // The `/` key gives a dot on the Russian layout, and with Shift a comma; neither means anything else here.
    let found = match lower {
        '.' => return '/',
        ',' => return '?',
        // On the key of the colon, with Shift.
        'ж' if character.is_uppercase() => return ':',
        _ => RUSSIAN.chars().zip(LATIN.chars()).find(|(russian, _)| *russian == lower),
    };
    match found {
        Some((_, latin)) if character.is_uppercase() => latin.to_ascii_uppercase(),
        Some((_, latin)) => latin,
        None => character,
    }
}

/// Line editing, with the few control keys that shells share.
fn edit(key: KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match (key.code, control) {
        (KeyCode::Char(character), false) => InputRequest::InsertChar(character),
        (KeyCode::Backspace, false) => InputRequest::DeletePrevChar,
        (KeyCode::Delete, false) => InputRequest::DeleteNextChar,
        (KeyCode::Left, false) => InputRequest::GoToPrevChar,
        (KeyCode::Right, false) => InputRequest::GoToNextChar,
        (KeyCode::Left, true) => InputRequest::GoToPrevWord,
        (KeyCode::Right, true) => InputRequest::GoToNextWord,
        (KeyCode::Home, _) | (KeyCode::Char('a'), true) => InputRequest::GoToStart,
        (KeyCode::End, _) | (KeyCode::Char('e'), true) => InputRequest::GoToEnd,
        (KeyCode::Backspace | KeyCode::Char('w'), true) => InputRequest::DeletePrevWord,
        (KeyCode::Char('u'), true) => InputRequest::DeleteLine,
        (KeyCode::Char('k'), true) => InputRequest::DeleteTillEnd,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{i18n::Locale, page};

    fn press(code: KeyCode, modifiers: KeyModifiers, context: Context) -> Option<Action> {
        Keymap::default().action(&Event::Key(KeyEvent::new(code, modifiers)), context)
    }

    #[test]
    fn both_layouts_give_the_same_commands() {
        for (character, verb) in [
            ('r', Verb::Rotate),
            ('к', Verb::Rotate),
            ('R', Verb::RotateTo),
            ('К', Verb::RotateTo),
            ('Д', Verb::Language),
            ('й', Verb::Quit),
            ('о', Verb::Down),
            (',', Verb::Help),
            ('/', Verb::Filter),
            ('.', Verb::Filter),
            ('н', Verb::Copy),
            ('Н', Verb::CopyCurl),
            ('а', Verb::Jump),
            ('ы', Verb::Sort),
            ('Ж', Verb::Palette),
        ] {
            let found = press(KeyCode::Char(character), KeyModifiers::NONE, Context::Panes);
            assert!(matches!(found, Some(Action::Run(found)) if found == verb), "{character}: {found:?}");
        }
        let found = press(KeyCode::Char('с'), KeyModifiers::CONTROL, Context::Panes);
        assert!(matches!(found, Some(Action::Run(Verb::Quit))), "{found:?}");
    }

    #[test]
    fn in_a_dialog_letters_are_text() {
        for character in ['к', 'r', 'q', ' ', '?', ','] {
            let found = press(KeyCode::Char(character), KeyModifiers::NONE, Context::Dialog);
            assert!(matches!(found, Some(Action::Edit(InputRequest::InsertChar(typed))) if typed == character));
        }
        let submit = press(KeyCode::Enter, KeyModifiers::NONE, Context::Dialog);
        assert!(matches!(submit, Some(Action::Run(Verb::Submit))));
    }

    #[test]
    fn a_paste_never_commands() {
        let paste = |context| Keymap::default().action(&Event::Paste("q".into()), context);
        assert!(paste(Context::Panes).is_none());
        assert!(matches!(paste(Context::Dialog), Some(Action::Paste(_))));
    }

    #[test]
    fn shift_and_tab_is_back_tab_and_alt_is_nothing() {
        let back = press(KeyCode::Tab, KeyModifiers::SHIFT, Context::Panes);
        assert!(matches!(back, Some(Action::Run(Verb::PreviousPane))));
        assert!(press(KeyCode::Char('q'), KeyModifiers::ALT, Context::Panes).is_none());
    }

    fn read(text: &str) -> (Keymap, Vec<String>) {
        let (keymap, faults) = Keymap::read(text, "/t/keys.toml");
        let words = crate::i18n::Words::new(Locale::English, jiff::tz::TimeZone::UTC);
        (keymap, faults.iter().map(|fault| words.render(fault)).collect())
    }

    #[test]
    fn a_persons_own_keys_stand_instead() {
        let (keymap, faults) = read("rotate = ['v', 'ctrl-r', 'f5']\nquit = ['ю']\npause = []\n");
        assert_eq!(faults, Vec::<String>::new());
        let on = |code, modifiers| {
            let found = keymap.action(&Event::Key(KeyEvent::new(code, modifiers)), Context::Panes);
            found.map(|found| format!("{found:?}"))
        };
        let run = |verb| Some(format!("{:?}", Action::Run(verb)));
        for (code, modifiers, expected) in [
            (KeyCode::Char('v'), KeyModifiers::NONE, run(Verb::Rotate)),
            (KeyCode::Char('r'), KeyModifiers::CONTROL, run(Verb::Rotate)),
            (KeyCode::F(5), KeyModifiers::NONE, run(Verb::Rotate)),
            (KeyCode::Char('r'), KeyModifiers::NONE, None),
            (KeyCode::Char(' '), KeyModifiers::NONE, None),
            (KeyCode::Char('ю'), KeyModifiers::NONE, run(Verb::Quit)),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, run(Verb::Quit)),
            (KeyCode::Char('b'), KeyModifiers::NONE, run(Verb::Block)),
        ] {
            assert_eq!(on(code, modifiers), expected, "{code:?}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_the_tables_keys_stand() {
        let (keymap, faults) =
            read("rotate = ['b']\nspin = ['x']\nblock = 'x'\nzoom = ['shift-z', 3]\nsort == \nhelp = ['esc-']\n");
        assert_eq!(
            faults,
            [
                r#"/t/keys.toml, line 2: there is no action "spin"; docs/keys.md names them all"#,
                r#"/t/keys.toml, line 3: "x" must be a list of keys, such as ["r", "ctrl-r"]"#,
                r#"/t/keys.toml, line 4: "shift-z" is no key; write r, R, ctrl-r, f5, space, enter or the like"#,
                r#"/t/keys.toml, line 4: "3" is no key; write r, R, ctrl-r, f5, space, enter or the like"#,
                r#"/t/keys.toml, line 5: "sort ==" is not TOML"#,
                r#"/t/keys.toml, line 6: "esc-" is no key; write r, R, ctrl-r, f5, space, enter or the like"#,
            ]
        );
        assert!(keymap.own.is_empty());
        let (_, faults) = read("rotate = ['b']\n");
        assert_eq!(faults, [r#"/t/keys.toml, line 1: the key "b" belongs to "block" already"#]);
    }

    #[test]
    fn every_key_is_written_as_it_is_read() {
        let chords = action::TABLE.iter().filter(|row| row.name != FIXED).flat_map(|row| row.keys);
        for chord in chords {
            assert_eq!(read_chord(&spelled(*chord)), Some(*chord), "{}", spelled(*chord));
        }
    }

    /// The pages that name all actions are made of the table.
    #[test]
    fn the_page_of_keys_tells_every_action() {
        let pages = [
            (Locale::English, "docs/keys.md", "| action | keys | |"),
            (Locale::Russian, "docs/ru/keys.md", "| действие | клавиши | |"),
        ];
        for (locale, path, head) in pages {
            let words = crate::i18n::Words::new(locale, jiff::tz::TimeZone::UTC);
            let row = |row: &Row| {
                let keys: Vec<String> = row.keys.iter().map(|chord| format!("`{}`", spelled(*chord))).collect();
                let text = words.text(if row.word.starts_with("pane-") { row.word } else { row.help });
                format!("| `{}` | {} | {text} |\n", row.name, keys.join(" "))
            };
            let rows: String = action::TABLE.iter().filter(|row| row.name != FIXED).map(row).collect();
            page::holds(path, &format!("{head}\n|---|---|---|\n{rows}"));
        }
    }
}
