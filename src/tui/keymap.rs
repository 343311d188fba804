//! From a terminal's key to an action, by context. The keys themselves are in the table of `action`.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::InputRequest;

use super::action::{self, Action, Chord, Context};

/// The letters of the Russian layout and what is on the same keys of the Latin one.
const RUSSIAN: &str = "йцукенгшщзхъфывапролджэячсмитьбюё";
const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";

/// What a terminal event means there; `None` when nothing.
pub(crate) fn action(event: &Event, context: Context) -> Option<Action> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => pressed(*key, context),
        Event::Paste(text) if context.takes_text() => Some(Action::Paste(text.clone())),
        _ => None,
    }
}

fn pressed(key: KeyEvent, context: Context) -> Option<Action> {
    if !context.takes_text() {
        return action::on(translated(chord(key)?), context).map(Action::Run);
    }
    if let Some(verb) = chord(key).and_then(|chord| action::on(chord, context)) {
        return Some(Action::Run(verb));
    }
    edit(key).map(Action::Edit)
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
    use super::{super::action::Verb, *};

    fn press(code: KeyCode, modifiers: KeyModifiers, context: Context) -> Option<Action> {
        action(&Event::Key(KeyEvent::new(code, modifiers)), context)
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
        assert!(action(&Event::Paste("q".into()), Context::Panes).is_none());
        assert!(matches!(action(&Event::Paste("q".into()), Context::Dialog), Some(Action::Paste(_))));
    }

    #[test]
    fn shift_and_tab_is_back_tab_and_alt_is_nothing() {
        let back = press(KeyCode::Tab, KeyModifiers::SHIFT, Context::Panes);
        assert!(matches!(back, Some(Action::Run(Verb::PreviousPane))));
        assert!(press(KeyCode::Char('q'), KeyModifiers::ALT, Context::Panes).is_none());
    }
}
