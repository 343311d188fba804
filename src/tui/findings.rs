//! The doctor's findings as they are listed, and which of them is meant when the doctor has run again. Not how they look.

use std::borrow::Cow;

use crate::domain::{
    message::Message,
    order,
    snapshot::{Finding, Snapshot},
};

/// A finding from one run of the doctor to the next: a check may find several things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    check: Cow<'static, str>,
    /// How many of the same check stand before it.
    before: usize,
}

/// A named finding, with what it looked at, which is told also when it is gone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub(crate) name: Name,
    pub(crate) subject: Message,
}

/// The findings, worst first.
pub(crate) fn findings(snapshot: &Snapshot) -> Vec<&Finding> {
    let mut findings: Vec<_> = snapshot.findings.iter().collect();
    order::sort_by_key(&mut findings, |finding| std::cmp::Reverse(finding.severity));
    findings
}

/// The finding of a row.
pub(crate) fn named(findings: &[&Finding], row: usize) -> Option<Named> {
    let finding = findings.get(row)?;
    let before = findings[..row].iter().filter(|other| other.id == finding.id).count();
    Some(Named { name: Name { check: finding.id.clone(), before }, subject: finding.subject.clone() })
}

/// Where it stands now.
pub(crate) fn row_of(findings: &[&Finding], name: &Name) -> Option<usize> {
    let alike = findings.iter().enumerate().filter(|(_, finding)| finding.id == name.check);
    alike.map(|(row, _)| row).nth(name.before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::Severity;

    fn finding(id: &'static str, severity: Severity) -> Finding {
        let text = Message::new("doctor-keys");
        Finding { id: id.into(), severity, subject: text.clone(), seen: text, fix: None, remedy: None }
    }

    #[test]
    fn each_row_has_a_name_of_its_own_that_leads_back() {
        let all = [
            finding("keys", Severity::Ok),
            finding("keys", Severity::Warn),
            finding("disk", Severity::Ok),
            finding("keys", Severity::Warn),
        ];
        let listed: Vec<&Finding> = all.iter().collect();
        for row in 0..all.len() {
            let named = named(&listed, row).expect("a row");
            assert_eq!(row_of(&listed, &named.name), Some(row));
        }
        assert_eq!(named(&listed, all.len()), None);
        let gone = named(&listed, 3).expect("a row").name;
        assert_eq!(row_of(&listed[..3], &gone), None);
    }
}
