//! Keys of one account, which share one quota. Not what is left of it.

use std::collections::HashMap;

use crate::domain::{key::Label, snapshot::KeyView};

/// Positions of the keys, those of one account together, where the first of them stands.
pub(crate) fn accounts(keys: &[KeyView]) -> Vec<Vec<usize>> {
    let mut accounts: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<&Label, usize> = HashMap::new();
    for (position, key) in keys.iter().enumerate() {
        let found = key.shares_account_with.iter().find_map(|other| known.get(other)).copied();
        let account = found.unwrap_or_else(|| {
            accounts.push(Vec::new());
            accounts.len() - 1
        });
        accounts[account].push(position);
        known.insert(&key.label, account);
    }
    accounts
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures, *};

    #[test]
    fn keys_of_one_account_stand_where_the_first_does() {
        let mut keys = fixtures::normal().keys;
        assert_eq!(accounts(&keys), [vec![0, 5], vec![1], vec![2], vec![3], vec![4]]);
        for (key, others) in [(1, vec![3, 4]), (3, vec![1, 4]), (4, vec![1, 3])] {
            keys[key].shares_account_with = others.iter().map(|other: &usize| keys[*other].label.clone()).collect();
        }
        assert_eq!(accounts(&keys), [vec![0, 5], vec![1, 3, 4], vec![2]]);
        assert_eq!(accounts(&[]), Vec::<Vec<usize>>::new());
    }
}
