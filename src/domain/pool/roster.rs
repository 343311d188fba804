//! Who can serve, kept in the order of choice, so that a pick does not look at every key: thousands cost no more than three.
//! Not why a key can't (`slot`), nor what a single request adds to that (`Pool::pick`).

use std::{
    collections::BTreeSet,
    ops::Bound::{Excluded, Included, Unbounded},
};

use jiff::Timestamp;

/// How good a key is as things stand; the lower the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// Takes its turn.
    Good,
    /// Serves when no good one can.
    Spare,
    /// Its upstream is busy just now: the last to be asked, but asked.
    Aside,
}

/// Where one key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) tier: Tier,
    /// By the strategy; less is better, equals take turns.
    pub(super) rank: u64,
}

/// Positions of keys that can serve, ordered; and when time alone changes who can.
#[derive(Debug, Default)]
pub(super) struct Roster {
    standings: Vec<Option<Standing>>,
    ordered: BTreeSet<(Tier, u64, usize)>,
    available: BTreeSet<usize>,
    alarms: Vec<Option<Timestamp>>,
    clock: BTreeSet<(Timestamp, usize)>,
}

impl Roster {
    pub(super) fn new(size: usize) -> Self {
        Self { standings: vec![None; size], alarms: vec![None; size], ..Self::default() }
    }

    /// Where the key at `position` stands now (`None` = it can't serve), and when to look again.
    pub(super) fn set(&mut self, position: usize, standing: Option<Standing>, look_again: Option<Timestamp>) {
        if let Some(Standing { tier, rank }) = self.standings[position] {
            self.ordered.remove(&(tier, rank, position));
            self.available.remove(&position);
        }
        if let Some(Standing { tier, rank }) = standing {
            self.ordered.insert((tier, rank, position));
            self.available.insert(position);
        }
        self.standings[position] = standing;
        if self.alarms[position] != look_again {
            if let Some(old) = self.alarms[position] {
                self.clock.remove(&(old, position));
            }
            self.clock.extend(look_again.map(|moment| (moment, position)));
            self.alarms[position] = look_again;
        }
    }

    /// Whether others are asked before it, whatever their order.
    pub(super) fn is_aside(&self, position: usize) -> bool {
        self.standings[position].is_some_and(|standing| standing.tier == Tier::Aside)
    }

    pub(super) fn is_available(&self, position: usize) -> bool {
        self.standings[position].is_some()
    }

    /// A key whose standing time has changed.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<usize> {
        let (moment, position) = *self.clock.first()?;
        (moment <= now).then_some(position)
    }

    /// From `start` on in the pool's order, wrapping.
    pub(super) fn from(&self, start: usize) -> impl Iterator<Item = usize> {
        self.available.range(start..).chain(self.available.range(..start)).copied()
    }

    /// In the order of choice: by tier, then rank; equals from `cursor` on, wrapping.
    pub(super) fn by_choice(&self, cursor: usize) -> impl Iterator<Item = usize> {
        let mut group = self.ordered.first().map(|(tier, rank, _)| (*tier, *rank));
        std::iter::from_fn(move || {
            let (tier, rank) = group?;
            let next = self.ordered.range((Excluded((tier, rank, usize::MAX)), Unbounded)).next();
            group = next.map(|(tier, rank, _)| (*tier, *rank));
            let later = self.ordered.range((Included((tier, rank, cursor)), Included((tier, rank, usize::MAX))));
            let earlier = self.ordered.range((Included((tier, rank, 0)), Excluded((tier, rank, cursor))));
            Some(later.chain(earlier).map(|(_, _, position)| *position))
        })
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(rank: u64) -> Option<Standing> {
        Some(Standing { tier: Tier::Good, rank })
    }

    fn moment(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("valid")
    }

    #[test]
    fn good_ones_come_first_then_by_rank_and_equals_take_turns() {
        let mut roster = Roster::new(6);
        roster.set(0, good(5), None);
        roster.set(1, good(2), None);
        roster.set(2, Some(Standing { tier: Tier::Spare, rank: 0 }), None);
        roster.set(3, good(2), None);
        roster.set(4, None, None);
        roster.set(5, good(2), None);
        assert_eq!(roster.by_choice(0).collect::<Vec<_>>(), [1, 3, 5, 0, 2]);
        assert_eq!(roster.by_choice(4).collect::<Vec<_>>(), [5, 1, 3, 0, 2]);
        assert_eq!(roster.from(3).collect::<Vec<_>>(), [3, 5, 0, 1, 2]);
        roster.set(5, None, None);
        roster.set(0, good(1), None);
        assert_eq!(roster.by_choice(4).collect::<Vec<_>>(), [0, 1, 3, 2]);
        assert!(roster.is_available(2) && !roster.is_available(4));
    }

    #[test]
    fn alarms_ring_in_order_and_move() {
        let mut roster = Roster::new(3);
        roster.set(0, None, Some(moment(20)));
        roster.set(1, None, Some(moment(10)));
        roster.set(2, good(0), None);
        assert_eq!(roster.due(moment(9)), None);
        assert_eq!(roster.due(moment(10)), Some(1));
        roster.set(1, good(0), Some(moment(30)));
        assert_eq!((roster.due(moment(19)), roster.due(moment(20))), (None, Some(0)));
        roster.set(0, None, None);
        assert_eq!((roster.due(moment(29)), roster.due(moment(30))), (None, Some(1)));
    }
}
