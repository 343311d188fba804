//! The findings as a table for people and as JSON for scripts. The JSON is always in English; docs/schemas/doctor.json
//! describes it.

use std::io::{self, IsTerminal};

use serde_json::{Value, json};

use super::actions::Done;
use crate::{
    cli::say,
    domain::{command::Severity, message::Message, snapshot::Finding},
    i18n::{Locale, Words},
    tui::{width, wrap},
};

/// A terminal has as many columns; so has a mail.
const COLUMNS: usize = 80;
/// A subject that is longer pushes its own line only.
const SUBJECT_MAX: usize = 18;

/// How a severity is written: its code, its sign, its word, its colour.
struct Shown {
    severity: Severity,
    code: &'static str,
    sign: &'static str,
    word: &'static str,
    color: &'static str,
}

const fn shown(
    severity: Severity,
    code: &'static str,
    sign: &'static str,
    word: &'static str,
    color: &'static str,
) -> Shown {
    Shown { severity, code, sign, word, color }
}

const SHOWN: [Shown; 4] = [
    shown(Severity::Ok, "ok", "✓", "doctor-word-ok", "\x1b[32m"),
    shown(Severity::Info, "info", "·", "doctor-word-info", "\x1b[36m"),
    shown(Severity::Warn, "warn", "!", "doctor-word-warn", "\x1b[33m"),
    shown(Severity::Fail, "fail", "✗", "doctor-word-fail", "\x1b[1;31m"),
];
const PLAIN: &str = "\x1b[0m";

/// How the report is to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) as_json: bool,
    /// No colour, also on a terminal.
    pub(super) plain: bool,
}

/// Says it all; whether all is well.
pub(super) fn tell(findings: &[Finding], done: &[Done], look: &Look, words: &Words) -> bool {
    let failed = findings.iter().any(|finding| finding.severity == Severity::Fail);
    let well = !failed && done.iter().all(|done| done.carried_out);
    if look.as_json {
        let report = as_json(findings, done, well, &words.in_locale(Locale::English));
        say(&format!("{report:#}"));
        return well;
    }
    let colored = !look.plain && io::stdout().is_terminal();
    let parts = [acted(done, words), table(findings, colored, words), vec![count(findings, words)]];
    for (at, part) in parts.iter().filter(|part| !part.is_empty()).enumerate() {
        if at > 0 {
            say("");
        }
        for line in part {
            say(line);
        }
    }
    well
}

fn acted(done: &[Done], words: &Words) -> Vec<String> {
    let mut lines = Vec::new();
    for done in done {
        lines.extend(wrap(&words.render(&done.message), COLUMNS));
        for detail in &done.details {
            lines.extend(indented(&words.render(detail), 2, "  "));
        }
    }
    lines
}

fn table(findings: &[Finding], colored: bool, words: &Words) -> Vec<String> {
    let rendered: Vec<(&Finding, String)> =
        findings.iter().map(|finding| (finding, words.render(&finding.subject))).collect();
    let word_width = SHOWN.iter().map(|shown| width(&words.text(shown.word))).max().unwrap_or_default();
    let longest = rendered.iter().map(|(_, subject)| width(subject)).max().unwrap_or_default();
    let subject_width = longest.min(SUBJECT_MAX);
    let indent = 2 + word_width + 2 + subject_width + 2;
    let mut lines = Vec::new();
    for (finding, subject) in rendered {
        let shown = of(finding.severity);
        let status = format!("{} {}", shown.sign, padded(&words.text(shown.word), word_width));
        let status = if colored { format!("{}{status}{PLAIN}", shown.color) } else { status };
        let mut seen = wrap(&words.render(&finding.seen), COLUMNS - indent).into_iter();
        let first = seen.next().unwrap_or_default();
        lines.push(format!("{status}  {}  {first}", padded(&subject, subject_width)));
        lines.extend(seen.map(|line| format!("{}{line}", " ".repeat(indent))));
        if let Some(fix) = &finding.fix {
            lines.extend(indented(&words.render(fix), indent, "→ "));
        }
    }
    lines
}

/// A paragraph with a mark before its first line.
fn indented(text: &str, indent: usize, mark: &str) -> Vec<String> {
    let room = COLUMNS - indent - width(mark);
    let line = |(at, line): (usize, &String)| {
        let mark = if at == 0 { mark.to_owned() } else { " ".repeat(width(mark)) };
        format!("{}{mark}{line}", " ".repeat(indent))
    };
    wrap(text, room).iter().enumerate().map(line).collect()
}

fn count(findings: &[Finding], words: &Words) -> String {
    let of = |severity| counted(findings, severity);
    let message = Message::new("doctor-count")
        .with("ok", of(Severity::Ok))
        .with("info", of(Severity::Info))
        .with("warnings", of(Severity::Warn))
        .with("failures", of(Severity::Fail));
    words.render(&message)
}

fn as_json(findings: &[Finding], done: &[Done], well: bool, english: &Words) -> Value {
    let counts: serde_json::Map<String, Value> =
        SHOWN.iter().map(|shown| (shown.code.to_owned(), counted(findings, shown.severity).into())).collect();
    let check = |finding: &Finding| {
        json!({
            "id": finding.id,
            "status": of(finding.severity).code,
            "subject": english.render(&finding.subject),
            "seen": english.render(&finding.seen),
            "fix": finding.fix.as_ref().map(|fix| english.render(fix)),
            "remedy": finding.remedy,
        })
    };
    let action = |done: &Done| {
        json!({
            "id": done.id,
            "carried_out": done.carried_out,
            "done": done.done,
            "left": done.left,
            "message": english.render(&done.message),
            "details": done.details.iter().map(|detail| english.render(detail)).collect::<Vec<_>>(),
        })
    };
    json!({
        "ok": well,
        "counts": counts,
        "checks": findings.iter().map(check).collect::<Vec<_>>(),
        "actions": done.iter().map(action).collect::<Vec<_>>(),
    })
}

fn counted(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn of(severity: Severity) -> &'static Shown {
    SHOWN.iter().find(|shown| shown.severity == severity).unwrap_or(&SHOWN[3])
}

fn padded(text: &str, room: usize) -> String {
    format!("{text}{}", " ".repeat(room.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::snapshot::Remedy;

    fn finding(severity: Severity, path: &str) -> Finding {
        Finding {
            id: "permissions".into(),
            severity,
            subject: Message::new("doctor-permissions"),
            seen: Message::new("doctor-permissions-open").with("count", 1_i64).with("paths", path),
            fix: Some(Message::new("doctor-permissions-fix")),
            remedy: Some(Remedy::FixPermissions),
        }
    }

    #[test]
    fn every_severity_is_shown_and_lines_fit() {
        let long = "/a/very/long/path/that/does/not/fit/into/what/is/left/of/a/line/of/eighty/columns";
        let severities = SHOWN.map(|shown| shown.severity);
        let findings = severities.map(|severity| finding(severity, long));
        for locale in Locale::ALL {
            let words = Words::new(locale, TimeZone::UTC);
            let lines = table(&findings, false, &words);
            assert!(lines.iter().all(|line| width(line) <= COLUMNS), "{lines:#?}");
            for shown in &SHOWN {
                assert!(lines.iter().any(|line| line.starts_with(&format!(
                    "{} {}",
                    shown.sign,
                    words.text(shown.word)
                ))));
            }
            assert!(count(&findings, &words).starts_with("1 "));
            assert_eq!(words.faults(), Vec::<String>::new());
        }
    }

    #[test]
    fn colours_are_on_the_status_only_and_optional() {
        let words = Words::new(Locale::English, TimeZone::UTC);
        let findings = [finding(Severity::Fail, "/x")];
        let line = |colored| table(&findings, colored, &words).swap_remove(0);
        assert!(line(true).starts_with("\x1b[1;31m✗ fail\x1b[0m  Permissions"), "{:?}", line(true));
        assert!(!line(false).contains('\x1b'));
    }

    #[test]
    fn the_json_is_english_and_whole() {
        let words = Words::new(Locale::English, TimeZone::UTC);
        let report = as_json(&[finding(Severity::Warn, "/x")], &[], true, &words);
        assert_eq!(report["counts"], json!({"ok": 0, "info": 0, "warn": 1, "fail": 0}));
        assert_eq!(report["checks"][0]["remedy"], "fix_permissions");
        assert_eq!(report["checks"][0]["subject"], "Permissions");
    }
}
