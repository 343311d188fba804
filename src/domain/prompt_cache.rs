//! What the upstream's prompt caches are worth: every key has its own, and a conversation that goes to another key is read
//! anew there. Not which key a conversation goes to (`affinity`, `pool`).

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;

use super::{key::Label, message::Message, now::since, trace::TraceRecord};

/// Caches forget what was not asked for this long.
const WARM: Duration = Duration::from_secs(300);

/// What is lost when conversations leave a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AtStake {
    pub(crate) conversations: u64,
    /// Read from the cache by the last request of each: as many are read anew.
    pub(crate) tokens: u64,
}

/// What one conversation had of the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    pub(crate) requests: u64,
    /// Prompt tokens, cached ones included, of requests that tell both.
    pub(crate) input: u64,
    pub(crate) cached: u64,
}

impl AtStake {
    /// With `tokens` and `count`.
    pub(crate) fn message(self, id: &'static str) -> Message {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Message::new(id).with("tokens", whole(self.tokens)).with("count", whole(self.conversations))
    }
}

impl Hits {
    /// The share of the prompts that came from the cache; `None` when nothing was told.
    pub(crate) fn share(self) -> Option<f64> {
        (self.input > 0).then(|| self.cached as f64 / self.input as f64)
    }
}

/// What moving the requests of `key` elsewhere costs; `newest_first` are the last requests of all keys.
pub(crate) fn at_stake<'a>(
    newest_first: impl Iterator<Item = &'a TraceRecord>,
    key: &Label,
    now: Timestamp,
) -> AtStake {
    let mut seen = HashSet::new();
    let mut stake = AtStake::default();
    for record in newest_first.take_while(|record| since(record.at, now) < WARM.saturating_add(record.total)) {
        let (Some(conversation), Some(_)) = (&record.conversation, record.tokens.input) else { continue };
        if !seen.insert(conversation) || record.key.as_ref() != Some(key) {
            continue;
        }
        if let Some(cached) = record.tokens.cached.filter(|cached| *cached > 0) {
            stake.conversations += 1;
            stake.tokens = stake.tokens.saturating_add(cached);
        }
    }
    stake
}

/// What a conversation had of the cache, over the requests that are known.
pub(crate) fn hits<'a>(records: impl Iterator<Item = &'a TraceRecord>, conversation: &str) -> Hits {
    let of_it = records.filter(|record| record.conversation.as_deref() == Some(conversation));
    of_it.fold(Hits::default(), |hits, record| match (record.tokens.input, record.tokens.cached) {
        (Some(input), Some(cached)) => Hits {
            requests: hits.requests + 1,
            input: hits.input.saturating_add(input),
            cached: hits.cached.saturating_add(cached.min(input)),
        },
        _ => Hits { requests: hits.requests + 1, ..hits },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        now::add,
        trace::{Tokens, sample},
    };

    fn record(key: &str, conversation: &str, seconds: u64, cached: Option<u64>) -> TraceRecord {
        let at = add(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds));
        let tokens = Tokens { input: Some(1_000), output: Some(10), cached };
        TraceRecord { at, tokens, conversation: Some(conversation.into()), ..sample(key) }
    }

    #[test]
    fn what_a_key_would_lose_is_what_its_conversations_last_had() {
        let records = [
            record("alpha", "old", 10, Some(900)),
            record("alpha", "a", 400, Some(100)),
            record("alpha", "moved", 410, Some(800)),
            record("alpha", "a", 420, Some(700)),
            record("beta", "moved", 430, Some(0)),
            record("alpha", "new", 440, None),
            TraceRecord { conversation: None, ..record("alpha", "", 450, Some(50)) },
        ];
        let now = add(Timestamp::UNIX_EPOCH, Duration::from_secs(500));
        let stake = |key: &str| at_stake(records.iter().rev(), &Label::new(key), now);
        assert_eq!(stake("alpha"), AtStake { conversations: 1, tokens: 700 });
        assert_eq!(stake("beta"), AtStake::default());
    }

    #[test]
    fn a_conversation_s_share_is_over_what_was_told() {
        let records = [
            record("alpha", "a", 1, Some(0)),
            record("alpha", "b", 2, Some(9)),
            record("alpha", "a", 3, Some(1_000)),
            record("beta", "a", 4, None),
        ];
        let found = hits(records.iter(), "a");
        assert_eq!((found.requests, found.share()), (3, Some(0.5)));
        assert_eq!(hits(records.iter(), "c").share(), None);
    }
}
