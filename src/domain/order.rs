//! Sorting and gathering where no request waits for it. The standard library's sort is compiled anew for each type and each
//! order, up to seven kilobytes a time, and gathering into a `BTreeMap` or a `BTreeSet` sorts too; here one copy serves all.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

/// Like the slice's own.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Like the slice's own: equals stay as they stood.
pub(crate) fn sort_by_key<T, K: Ord>(items: &mut [T], mut key: impl FnMut(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// Like the slice's own: equals stay as they stood, and each key is made once.
pub(crate) fn sort_by_cached_key<T, K: Ord>(items: &mut [T], key: impl FnMut(&T) -> K) {
    let keys: Vec<K> = items.iter().map(key).collect();
    let places = sorted(keys.len(), &mut |one, other| keys[one].cmp(&keys[other]));
    arrange(items, places);
}

/// Like the slice's own: equals stay as they stood.
pub(crate) fn sort_by<T>(items: &mut [T], mut order: impl FnMut(&T, &T) -> Ordering) {
    let places = sorted(items.len(), &mut |one, other| order(&items[one], &items[other]));
    arrange(items, places);
}

/// Like `collect`.
pub(crate) fn map<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

/// Like `collect`.
pub(crate) fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// Which item belongs at each place. The one sort.
fn sorted(count: usize, order: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|one, other| order(*one, *other));
    places
}

/// Goes round each ring of items that stand in each other's places.
fn arrange<T>(items: &mut [T], mut places: Vec<usize>) {
    for first in 0..places.len() {
        let mut place = first;
        loop {
            let from = std::mem::replace(&mut places[place], place);
            if from == first {
                break;
            }
            items.swap(place, from);
            place = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_order_of_the_standard_library(numbers in prop::collection::vec(0..20_u8, 0..100)) {
            let items: Vec<(u8, usize)> = numbers.iter().copied().zip(0..).collect();
            let (mut expected, mut by_key, mut by_cached_key) = (items.clone(), items.clone(), items.clone());
            expected.sort_by_key(|(number, _)| Reverse(*number));
            sort_by_key(&mut by_key, |(number, _)| Reverse(*number));
            prop_assert_eq!(&by_key, &expected);
            sort_by_cached_key(&mut by_cached_key, |(number, _)| Reverse(*number));
            prop_assert_eq!(&by_cached_key, &expected);
            sort(&mut by_key);
            expected.sort_unstable();
            prop_assert_eq!(&by_key, &expected);
            prop_assert_eq!(map(items.iter().copied()), items.iter().copied().collect());
            prop_assert_eq!(set(numbers.iter()), numbers.iter().collect());
        }
    }
}
