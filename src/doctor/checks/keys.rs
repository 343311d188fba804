//! The keys: whether there are some, whether they may serve, what their accounts have left.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Seen, listed};
use crate::{
    doctor::facts::Facts,
    domain::{
        message::Message,
        order,
        snapshot::{KeyView, Remedy, Skip, UsageView},
    },
};

pub(super) fn keys(facts: &Facts) -> Vec<Seen> {
    let keys = &facts.snapshot.keys;
    if keys.is_empty() {
        let what = Message::new("doctor-keys-none").with("path", facts.settings.auths_dir.as_str());
        return vec![Seen::fail(what).fix(Message::new("doctor-keys-none-fix"))];
    }
    let of = |wanted: fn(&Skip) -> bool| -> Vec<&KeyView> {
        keys.iter().filter(|key| key.skip.as_ref().is_some_and(wanted)).collect()
    };
    let blocked = of(|skip| matches!(skip, Skip::Blocked { .. }));
    let refused = of(|skip| matches!(skip, Skip::Unauthorized));
    let off = of(|skip| matches!(skip, Skip::Disabled));
    let out = blocked.len() + refused.len() + off.len();
    let mut seen = vec![if out == keys.len() {
        Seen::fail(Message::new("doctor-keys-all-out").with("count", keys.len()))
            .fix(Message::new("doctor-keys-all-out-fix"))
    } else {
        let found = Message::new("doctor-keys-found").with("count", keys.len());
        Seen::ok(found.with("labels", labels(&keys.iter().collect::<Vec<_>>())))
    }];
    if !blocked.is_empty() {
        let what = counted("doctor-keys-blocked", &blocked);
        seen.push(Seen::warn(what).fix(Message::new("doctor-keys-blocked-fix")).remedy(Remedy::ClearBlocklist));
    }
    if !refused.is_empty() {
        let what = counted("doctor-keys-unauthorized", &refused);
        seen.push(Seen::warn(what).fix(Message::new("doctor-keys-unauthorized-fix")).remedy(Remedy::RecheckKeys));
    }
    if !off.is_empty() {
        seen.push(Seen::info(counted("doctor-keys-disabled", &off)));
    }
    seen
}

/// The same key in two files, and keys that share one account's quota.
pub(super) fn duplicates(facts: &Facts) -> Vec<Seen> {
    let same_key = facts.settings.problems.iter().filter(|problem| problem.message.id == "auth-same-key");
    let mut seen: Vec<Seen> = same_key.map(Seen::problem).collect();
    let mut told = BTreeSet::new();
    for key in &facts.snapshot.keys {
        if key.shares_account_with.is_empty() || told.contains(&key.label) {
            continue;
        }
        let group: Vec<_> = std::iter::once(&key.label).chain(&key.shares_account_with).collect();
        told.extend(group.iter().copied());
        let labels = listed(group.iter().map(ToString::to_string));
        let what = Message::new("doctor-duplicates-account").with("count", group.len()).with("labels", labels);
        seen.push(Seen::warn(what).fix(Message::new("doctor-duplicates-account-fix")));
    }
    if seen.is_empty() && !facts.snapshot.keys.is_empty() {
        // Who shares an account is known from the usage reports only.
        let known = facts.snapshot.keys.iter().any(|key| matches!(key.usage, UsageView::Known { .. }));
        let id = if known { "doctor-duplicates-none" } else { "doctor-duplicates-no-files" };
        seen.push(Seen::ok(Message::new(id)));
    }
    seen
}

/// What each key's account has left, by its own report.
pub(super) fn usage(facts: &Facts) -> Vec<Seen> {
    let asked: Vec<&KeyView> =
        facts.snapshot.keys.iter().filter(|key| !matches!(key.skip, Some(Skip::Disabled))).collect();
    let left = |key: &KeyView| reported(key, facts.now);
    let fine: Vec<String> = asked
        .iter()
        .filter_map(|key| {
            left(key).filter(|left| *left > 0.0).map(|left| format!("{} {:.0}%", key.label, left * 100.0))
        })
        .collect();
    let empty: Vec<&KeyView> = asked.iter().filter(|key| left(key).is_some_and(|left| left <= 0.0)).copied().collect();
    let unknown: Vec<&KeyView> = asked.iter().filter(|key| matches!(key.usage, UsageView::Unknown)).copied().collect();
    let mut seen = Vec::new();
    if !fine.is_empty() {
        let what = Message::new("doctor-usage-left").with("count", fine.len());
        seen.push(Seen::ok(what.with("labels", listed(fine.into_iter()))));
    }
    if !empty.is_empty() {
        let what = counted("doctor-usage-empty", &empty);
        seen.push(Seen::warn(what).fix(Message::new("doctor-usage-empty-fix")));
    }
    seen.extend(failed(&asked));
    if !unknown.is_empty() {
        let what = counted("doctor-usage-unknown", &unknown);
        seen.push(Seen::info(what).fix(Message::new("doctor-usage-unknown-fix")).remedy(Remedy::RecheckKeys));
    }
    seen
}

/// Checks that failed, those that failed alike together.
fn failed(keys: &[&KeyView]) -> Vec<Seen> {
    let fault = |key: &KeyView| match &key.usage {
        UsageView::Failed { fault, .. } => Some(fault.clone()),
        _ => None,
    };
    let faults = order::set(keys.iter().filter_map(|key| fault(key)));
    let seen = |text: String| {
        let alike: Vec<&KeyView> = keys.iter().filter(|key| fault(key).as_ref() == Some(&text)).copied().collect();
        let what = counted("doctor-usage-failed", &alike).with("fault", text);
        Seen::warn(what).fix(Message::new("doctor-usage-failed-fix")).remedy(Remedy::RecheckKeys)
    };
    faults.into_iter().map(seen).collect()
}

fn reported(key: &KeyView, now: Timestamp) -> Option<f64> {
    match &key.usage {
        UsageView::Known { usage, .. } => usage.tightest(now)?.left,
        _ => None,
    }
}

fn counted(id: &'static str, keys: &[&KeyView]) -> Message {
    Message::new(id).with("count", keys.len()).with("labels", labels(keys))
}

fn labels(keys: &[&KeyView]) -> String {
    listed(keys.iter().map(|key| key.label.to_string()))
}
