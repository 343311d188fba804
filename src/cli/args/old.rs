//! What the old tool had at the top as flags, and the commands that stand for them now. Not its names of our commands (`Action`).

use clap::Args as ClapArgs;

use super::{Action, Json};
use crate::cli::trace::TraceArgs;

/// What the old tool had at the top, one at a time; a command of ours stands behind each.
#[derive(Debug, Clone, Default, ClapArgs)]
#[group(multiple = false)]
pub(super) struct Old {
    #[arg(id = "old_rotate", long = "rotate", hide = true)]
    rotate: bool,
    #[arg(id = "old_auto", long = "auto-rotate", alias = "auto_rotate", hide = true)]
    auto_rotate: bool,
    #[arg(id = "old_health", long = "health", alias = "all", hide = true)]
    health: bool,
    #[arg(id = "old_current", long = "current", hide = true)]
    current: bool,
    #[arg(id = "old_status", long = "status", hide = true)]
    status: bool,
    #[arg(id = "old_trace", long = "trace", hide = true)]
    trace: bool,
}

impl Old {
    /// The command that was meant, if any was typed.
    pub(super) fn command(&self) -> Option<Action> {
        let json = Json { json: false };
        let meant = [
            (self.rotate, Action::Rotate { old: None, to: None, json }),
            (self.auto_rotate, Action::AutoRotate { switch: "on".to_owned(), json }),
            (self.health, Action::Health { current: false, json }),
            (self.current, Action::Health { current: true, json }),
            (self.status, Action::Status(json)),
            (self.trace, Action::Trace(TraceArgs::following())),
        ];
        meant.into_iter().find(|(typed, _)| *typed).map(|(_, action)| action)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{super::Args, *};
    use crate::i18n::{Locale, Words};

    #[test]
    fn the_old_tool_s_flags_mean_commands() {
        let words = Words::new(Locale::English, jiff::tz::TimeZone::UTC);
        let read = |flag: &str| Args::read(["kmi-tui", flag].map(OsString::from), &words).expect("read").command;
        assert!(matches!(read("--rotate"), Some(Action::Rotate { to: None, .. })));
        assert!(matches!(read("--auto_rotate"), Some(Action::AutoRotate { .. })));
        assert!(matches!(read("--all"), Some(Action::Health { current: false, .. })));
        assert!(matches!(read("--current"), Some(Action::Health { current: true, .. })));
        assert!(matches!(read("--status"), Some(Action::Status(_))));
        assert!(matches!(read("--trace"), Some(Action::Trace(_))));
        assert!(Args::read(["kmi-tui", "--status", "--health"].map(OsString::from), &words).is_err());
    }
}
