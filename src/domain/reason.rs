//! Why a request got the key that it got, and why others did not: as it is shown and kept. Not the choice (`pool`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{key::Label, outcome::Cause, snapshot::Skip};

/// The rule behind the choice of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Chosen {
    /// Without auto-rotation: it is the active one.
    Active,
    /// Without auto-rotation: the active one can't serve.
    InItsPlace,
    /// With auto-rotation: the strategy chose it.
    Strategy,
    /// The conversation, or a file that the request names, belongs to it.
    Bound,
    /// Nobody could serve, and its report contradicts its refusal.
    LastResort,
    /// The same key once more, as the settings have it.
    Again,
    /// A person sent the request there.
    Asked,
}

impl Chosen {
    /// The name in traces and JSON.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::InItsPlace => "in_its_place",
            Self::Strategy => "strategy",
            Self::Bound => "bound",
            Self::LastResort => "last_resort",
            Self::Again => "again",
            Self::Asked => "asked",
        }
    }

    /// The name for people, a Fluent id.
    pub(crate) const fn message_id(self) -> &'static str {
        match self {
            Self::Active => "chosen-active",
            Self::InItsPlace => "chosen-in-its-place",
            Self::Strategy => "chosen-strategy",
            Self::Bound => "chosen-bound",
            Self::LastResort => "chosen-last-resort",
            Self::Again => "chosen-again",
            Self::Asked => "chosen-asked",
        }
    }
}

/// Who must act, and how, before what was refused is served. Nobody, where time mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Enable,
    Unblock,
    CheckQuota,
    Pay,
    AskSupport,
    ReplaceKey,
    OtherClient,
    OtherModel,
    CheckPlan,
    MendRequest,
}

impl Act {
    /// After a refusal.
    pub(crate) const fn on_cause(cause: Cause) -> Option<Self> {
        match cause {
            Cause::Unauthorized => Some(Self::ReplaceKey),
            Cause::PaymentRequired => Some(Self::Pay),
            Cause::AccountTerminated => Some(Self::AskSupport),
            Cause::ClientNotAllowed => Some(Self::OtherClient),
            Cause::ModelNotInPlan => Some(Self::OtherModel),
            Cause::Forbidden => Some(Self::CheckPlan),
            Cause::ClientFault => Some(Self::MendRequest),
            _ => None,
        }
    }

    /// Before a key that is passed over serves again.
    pub(crate) fn on_skip(skip: &Skip) -> Option<Self> {
        let after = |code: &str| Cause::from_code(code).and_then(Self::on_cause);
        match skip {
            Skip::Disabled => Some(Self::Enable),
            Skip::UsageUnknown => Some(Self::CheckQuota),
            Skip::Unauthorized => Self::on_cause(Cause::Unauthorized),
            Skip::ModelRefused { .. } => Self::on_cause(Cause::ModelNotInPlan),
            Skip::Blocked { reason, .. } => after(reason).or(Some(Self::Unblock)),
            Skip::CoolingDown { cause, .. } => after(cause),
            _ => None,
        }
    }

    /// What is to be done, a Fluent id.
    pub(crate) const fn message_id(self) -> &'static str {
        match self {
            Self::Enable => "act-enable",
            Self::Unblock => "act-unblock",
            Self::CheckQuota => "act-check-quota",
            Self::Pay => "act-pay",
            Self::AskSupport => "act-ask-support",
            Self::ReplaceKey => "act-replace-key",
            Self::OtherClient => "act-other-client",
            Self::OtherModel => "act-other-model",
            Self::CheckPlan => "act-check-plan",
            Self::MendRequest => "act-mend-request",
        }
    }
}

/// A key that could not serve when one was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PassedOver {
    pub(crate) key: Label,
    #[serde(flatten)]
    pub(crate) skip: Skip,
}

/// All of them. What the request itself has tried stands among its attempts.
pub(crate) type PassedOvers = Arc<[PassedOver]>;

/// Of keys and their reasons those that the request has not tried itself.
pub(crate) fn passed_over<'a>(reasons: impl IntoIterator<Item = (&'a Label, Skip)>) -> PassedOvers {
    let others = reasons.into_iter().filter(|(_, skip)| *skip != Skip::Tried);
    let all: Vec<_> = others.map(|(label, skip)| PassedOver { key: label.clone(), skip }).collect();
    // Nothing is the usual case, and costs nothing.
    if all.is_empty() { Arc::default() } else { all.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_named_as_they_are_written() {
        for chosen in [
            Chosen::Active,
            Chosen::InItsPlace,
            Chosen::Strategy,
            Chosen::Bound,
            Chosen::LastResort,
            Chosen::Again,
            Chosen::Asked,
        ] {
            assert_eq!(serde_json::to_value(chosen).expect("a word"), chosen.code());
        }
    }

    #[test]
    fn who_must_act_is_the_same_after_a_refusal_and_before_the_key_serves_again() {
        let until = "2026-02-02T12:30:00Z".parse().expect("valid");
        for (skip, act) in [
            (Skip::Disabled, Some(Act::Enable)),
            (Skip::Blocked { reason: "holiday".into(), until: None }, Some(Act::Unblock)),
            (Skip::Blocked { reason: Cause::PaymentRequired.code().into(), until: None }, Some(Act::Pay)),
            (Skip::Blocked { reason: Cause::AccountTerminated.code().into(), until: None }, Some(Act::AskSupport)),
            (Skip::CoolingDown { cause: Cause::Forbidden.code().into(), until }, Some(Act::CheckPlan)),
            (Skip::CoolingDown { cause: Cause::QuotaWeek.code().into(), until }, None),
            (Skip::Unauthorized, Some(Act::ReplaceKey)),
            (Skip::ModelRefused { until }, Some(Act::OtherModel)),
            (Skip::Full { limit: 3 }, None),
        ] {
            assert_eq!(Act::on_skip(&skip), act, "{skip:?}");
        }
    }

    #[test]
    fn a_reason_is_flat_and_comes_back() {
        let until = "2026-02-02T12:30:00Z".parse().expect("valid");
        let skips = [Skip::Disabled, Skip::CoolingDown { cause: "quota_week".into(), until }, Skip::Tried];
        let label = Label::new("beta");
        let passed = passed_over(skips.iter().map(|skip| (&label, skip.clone())));
        let json = serde_json::to_value(&passed).expect("JSON");
        let expected = serde_json::json!([
            {"key": "beta", "code": "disabled"},
            {"key": "beta", "code": "cooling_down", "cause": "quota_week", "until": "2026-02-02T12:30:00Z"},
        ]);
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<PassedOvers>(json).expect("reads back"), passed);
    }
}
