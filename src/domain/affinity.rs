//! What belongs to a key for a while: conversations (the upstream keeps a prompt cache per account) and uploaded files.
//! Bounded: the longest unused goes first. Not who asks (`prompt`), nor whether the key can serve (`pool`).

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::key::KeyId;

/// Names, as 64-bit digests, and the key that each is bound to. Times are on the steady clock.
#[derive(Debug)]
pub(crate) struct Bindings {
    /// How long a binding lasts after its last use.
    span: Duration,
    most: usize,
    by_name: HashMap<u64, Binding>,
    by_age: BTreeSet<(Duration, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct Binding {
    key: KeyId,
    used: Duration,
}

impl Bindings {
    pub(crate) fn new(span: Duration, most: usize) -> Self {
        Self { span, most, by_name: HashMap::new(), by_age: BTreeSet::new() }
    }

    /// The key that `name` is bound to.
    pub(crate) fn get(&self, name: u64, now: Duration) -> Option<KeyId> {
        let binding = self.by_name.get(&name)?;
        (now.saturating_sub(binding.used) < self.span).then_some(binding.key)
    }

    /// Binds, or binds anew.
    pub(crate) fn bind(&mut self, name: u64, key: KeyId, now: Duration) {
        if let Some(old) = self.by_name.insert(name, Binding { key, used: now }) {
            self.by_age.remove(&(old.used, name));
        } else if self.by_name.len() > self.most
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.by_name.remove(&oldest);
        }
        self.by_age.insert((now, name));
    }

    /// How long a binding lasts from now on.
    pub(crate) fn set_span(&mut self, span: Duration) {
        self.span = span;
    }

    pub(crate) fn clear(&mut self) {
        self.by_name.clear();
        self.by_age.clear();
    }

    pub(crate) fn len(&self, now: Duration) -> usize {
        self.by_age.iter().rev().take_while(|(used, _)| now.saturating_sub(*used) < self.span).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_binding_lasts_from_its_last_use() {
        let mut bindings = Bindings::new(seconds(10), 100);
        bindings.bind(1, KeyId(7), seconds(0));
        assert_eq!(bindings.get(1, seconds(9)), Some(KeyId(7)));
        bindings.bind(1, KeyId(8), seconds(9));
        assert_eq!(bindings.get(1, seconds(18)), Some(KeyId(8)));
        assert_eq!((bindings.get(1, seconds(19)), bindings.get(2, seconds(0))), (None, None));
    }

    #[test]
    fn the_longest_unused_makes_room() {
        let mut bindings = Bindings::new(seconds(1_000), 3);
        for name in 0..3 {
            bindings.bind(name, KeyId(0), seconds(name));
        }
        bindings.bind(0, KeyId(0), seconds(5));
        bindings.bind(9, KeyId(0), seconds(6));
        assert_eq!(bindings.get(1, seconds(6)), None);
        assert!([0, 2, 9].iter().all(|name| bindings.get(*name, seconds(6)).is_some()));
        assert_eq!((bindings.by_name.len(), bindings.by_age.len(), bindings.len(seconds(6))), (3, 3, 3));
    }
}
