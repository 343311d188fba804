//! The order of the keys pane. Not the order in which keys serve, which is the engine's.

use super::panes::keys::{error_rate, tightest};
use crate::domain::{order, snapshot::KeyView};

/// What the keys pane is sorted by; most first, and what is not known last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// As the engine loaded them.
    #[default]
    Loaded,
    Left,
    Requests,
    Errors,
    LastUsed,
}

impl Sort {
    const ALL: [Self; 5] = [Self::Loaded, Self::Left, Self::Requests, Self::Errors, Self::LastUsed];

    pub(crate) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or_default();
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// Which of the keys stands in each row; equals as they were loaded.
    pub(crate) fn order(self, keys: &[KeyView]) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..keys.len()).collect();
        order::sort_by(&mut rows, |one, other| self.amount(&keys[*other]).total_cmp(&self.amount(&keys[*one])));
        rows
    }

    /// Exact enough to compare.
    fn amount(self, key: &KeyView) -> f64 {
        match self {
            Self::Loaded => 0.0,
            Self::Left => tightest(&key.usage).unwrap_or(-1.0),
            Self::Requests => key.requests as f64,
            Self::Errors => error_rate(key),
            Self::LastUsed => key.last_used.map_or(f64::MIN, |moment| moment.as_millisecond() as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures, *};

    #[test]
    fn each_sort_has_its_order_and_they_go_round() {
        let keys = fixtures::normal().keys;
        let mut sort = Sort::default();
        for first in ["alpha", "alpha", "alpha", "omega", "alpha"] {
            let order = sort.order(&keys);
            assert_eq!(keys[order[0]].label.as_str(), first, "{sort:?}");
            let pairs = order.windows(2);
            assert!(
                pairs.into_iter().all(|pair| sort.amount(&keys[pair[0]]) >= sort.amount(&keys[pair[1]])),
                "{sort:?}"
            );
            sort = sort.next();
        }
        assert_eq!(sort, Sort::Loaded);
        assert_eq!(sort.order(&keys), [0, 1, 2, 3, 4, 5]);
    }
}
