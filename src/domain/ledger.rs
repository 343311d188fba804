//! Tokens by day, key and model: how long they are kept, and how two accounts of the same days become one. Bounded, however
//! many names there are. Not how tokens are read from an answer (`tokens`), nor the file (`store::state`).

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    key::Label,
    order,
    trace::{TokenSums, Tokens},
};

/// Days that are kept, the newest.
const DAYS_MAX: usize = 35;
/// Models of one key on one day that are told apart: a client may name any.
const MODELS_MAX: usize = 16;
/// Rows of all days together; the oldest day goes first.
const ROWS_MAX: usize = 4096;
/// Where requests are counted that named no model, or one too many.
const OTHER: &str = "other";

/// What was counted, by the days of one time zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ledger(BTreeMap<Name, TokenSums>);

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Name {
    pub(crate) day: Date,
    pub(crate) label: Label,
    pub(crate) model: Arc<str>,
}

/// The day of a moment where the person lives.
pub(crate) fn day(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}

impl Ledger {
    /// Counts one answer.
    pub(crate) fn count(&mut self, day: Date, label: &Label, model: Option<&str>, tokens: Tokens) {
        let too_old = self.first_day().is_some_and(|first| day < first) && self.days() >= DAYS_MAX;
        if tokens == Tokens::default() || too_old {
            return;
        }
        let name = self.name(day, label, model.unwrap_or(OTHER));
        let new = !self.0.contains_key(&name);
        self.0.entry(name).or_default().count(tokens);
        if new {
            self.prune();
        }
    }

    /// Takes over what another account of the same days knows better. Numbers only grow, so the higher one is the newer.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.combine(other, TokenSums::max);
    }

    /// Adds what was counted elsewhere meanwhile.
    pub(crate) fn add(&mut self, other: &Self) {
        self.combine(other, TokenSums::plus);
    }

    /// What was counted after `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let before = |name: &Name| earlier.0.get(name).copied().unwrap_or_default();
        let more = self.0.iter().map(|(name, sums)| (name.clone(), sums.minus(before(name))));
        Self(more.filter(|(_, sums)| *sums != TokenSums::default()).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every row, by day, key and model.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Name, TokenSums)> {
        self.0.iter().map(|(name, sums)| (name, *sums))
    }

    /// The sums of rows that belong together.
    pub(crate) fn sums<K: Ord>(&self, group: impl Fn(&Name) -> Option<K>) -> BTreeMap<K, TokenSums> {
        let mut sums: BTreeMap<K, TokenSums> = BTreeMap::new();
        for (name, tokens) in self.rows() {
            if let Some(group) = group(name) {
                let sum = sums.entry(group).or_default();
                *sum = sum.plus(tokens);
            }
        }
        sums
    }

    fn combine(&mut self, other: &Self, both: impl Fn(TokenSums, TokenSums) -> TokenSums) {
        for (name, theirs) in &other.0 {
            let ours = self.0.entry(name.clone()).or_default();
            *ours = both(*ours, *theirs);
        }
        self.prune();
    }

    /// The row that a model is counted in.
    fn name(&self, day: Date, label: &Label, model: &str) -> Name {
        let named = |model: &str| Name { day, label: label.clone(), model: model.into() };
        let name = named(model);
        let of_key = self.0.range(named("")..).take_while(|(other, _)| other.day == day && other.label == *label);
        if self.0.contains_key(&name) || of_key.count() < MODELS_MAX { name } else { named(OTHER) }
    }

    fn prune(&mut self) {
        let mut days = self.days();
        while days > DAYS_MAX || days > 1 && self.0.len() > ROWS_MAX {
            let oldest = self.first_day();
            self.0.retain(|name, _| Some(name.day) != oldest);
            days -= 1;
        }
        while self.0.len() > ROWS_MAX {
            self.0.pop_last();
        }
    }

    fn first_day(&self) -> Option<Date> {
        self.0.first_key_value().map(|(name, _)| name.day)
    }

    fn days(&self) -> usize {
        let mut last = None;
        self.0.keys().filter(|name| last.replace(name.day) != Some(name.day)).count()
    }
}

/// As JSON a list of rows: one shape in the state file, on the control socket and for scripts.
#[derive(Debug, Serialize, Deserialize)]
struct Row<N> {
    #[serde(flatten)]
    name: N,
    #[serde(flatten)]
    tokens: TokenSums,
}

impl Serialize for Ledger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows().map(|(name, tokens)| Row { name, tokens }))
    }
}

impl<'de> Deserialize<'de> for Ledger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows: Vec<Row<Name>> = Vec::deserialize(deserializer)?;
        Ok(rows.into_iter().map(|row| (row.name, row.tokens)).collect())
    }
}

impl FromIterator<(Name, TokenSums)> for Ledger {
    fn from_iter<I: IntoIterator<Item = (Name, TokenSums)>>(rows: I) -> Self {
        let mut ledger = Self(order::map(rows));
        ledger.prune();
        ledger
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn date(day: i8) -> Date {
        jiff::civil::date(2026, 2, day)
    }

    fn tokens(input: u64, output: u64) -> Tokens {
        Tokens { input: Some(input), output: Some(output), cached: None }
    }

    fn of(counted: &[(i8, &str, &str, u64)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (day, label, model, input) in counted {
            ledger.count(date(*day), &Label::new(label), Some(model), tokens(*input, 1));
        }
        ledger
    }

    #[test]
    fn tokens_are_counted_by_day_key_and_model() {
        let mut ledger = of(&[(2, "b", "k2", 5), (1, "a", "k2", 7), (2, "b", "k2", 6)]);
        ledger.count(date(2), &Label::new("b"), None, tokens(1, 0));
        ledger.count(date(2), &Label::new("c"), None, Tokens::default());
        let expected = json!([
            {"day": "2026-02-01", "label": "a", "model": "k2", "input": 7, "output": 1, "cached": 0},
            {"day": "2026-02-02", "label": "b", "model": "k2", "input": 11, "output": 2, "cached": 0},
            {"day": "2026-02-02", "label": "b", "model": "other", "input": 1, "output": 0, "cached": 0},
        ]);
        let value = serde_json::to_value(&ledger).expect("JSON");
        assert_eq!(value, expected);
        assert_eq!(serde_json::from_value::<Ledger>(value).expect("read back"), ledger);
        let days = ledger.sums(|name| (name.label.as_str() == "b").then_some(name.day));
        assert_eq!(days.into_iter().map(|(day, sums)| (day, sums.input)).collect::<Vec<_>>(), [(date(2), 12)]);
    }

    #[test]
    fn a_day_is_the_person_s() {
        let late = "2026-02-01T22:30:00Z".parse().expect("valid");
        let zone = TimeZone::fixed(jiff::tz::offset(3));
        assert_eq!([day(late, &TimeZone::UTC), day(late, &zone)], [date(1), date(2)]);
    }

    #[test]
    fn it_never_grows_beyond_its_bounds() {
        let mut ledger = Ledger::default();
        for model in 0..100 {
            ledger.count(date(1), &Label::new("a"), Some(&format!("m{model}")), tokens(1, 0));
        }
        assert_eq!(ledger.rows().count(), MODELS_MAX + 1);
        assert_eq!(ledger.sums(|name| (&*name.model == OTHER).then_some(()))[&()].input, 84);
        for passed in 0..100 {
            let day = date(1).checked_add(passed.days()).expect("a day");
            ledger.count(day, &Label::new("a"), None, tokens(1, 0));
        }
        assert_eq!(ledger.days(), DAYS_MAX);
        let before = ledger.clone();
        ledger.count(date(1), &Label::new("a"), None, tokens(1, 0));
        assert_eq!(ledger, before, "a day that is gone does not come back");
        for label in 0..2 * ROWS_MAX {
            ledger.count(
                date(1).checked_add(99.days()).expect("a day"),
                &Label::new(&label.to_string()),
                None,
                tokens(1, 0),
            );
        }
        assert_eq!(ledger.rows().count(), ROWS_MAX);
    }

    fn ledgers() -> impl Strategy<Value = Ledger> {
        let row = (1..28_i8, "[ab]", "[mn]", 0..1_000_u64);
        prop::collection::vec(row, 0..20).prop_map(|rows| {
            of(&rows.iter().map(|(day, label, model, input)| (*day, &**label, &**model, *input)).collect::<Vec<_>>())
        })
    }

    proptest! {
        #[test]
        fn what_came_after_adds_up_and_merging_loses_nothing(before in ledgers(), more in ledgers()) {
            let mut after = before.clone();
            after.add(&more);
            let mut again = before.clone();
            again.add(&after.since(&before));
            prop_assert_eq!(&again, &after);
            let mut merged = before.clone();
            merged.merge(&after);
            prop_assert_eq!(&merged, &after);
            merged.merge(&before);
            prop_assert_eq!(&merged, &after);
        }
    }
}
