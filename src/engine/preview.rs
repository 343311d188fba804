//! What an engine begins with, and how things would stand with it: for those who only look. Nothing is started here.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{
    Live,
    books::Books,
    clock::{Clock, Drift},
    hold::Queue,
    keeper,
    news::News,
    remember, traffic,
};
use crate::{
    domain::{
        key::Key,
        now::Now,
        policy::Policy,
        pool::Pool,
        snapshot::{Setup, Snapshot},
    },
    store::state::StoredState,
};

/// How things would stand if an engine were started with this. Nothing is kept or written.
pub(crate) fn preview(policy: Policy, setup: Setup, keys: Vec<Key>, state: &StoredState) -> Snapshot {
    let now = Clock::start().now();
    let live = Live::new(policy, setup, keys, state, now);
    // Who only looks asks for no day.
    let books = Books::new(TimeZone::UTC, &state.own.tokens, &[]);
    keeper::snapshot(&live, &mut traffic::Aggregates::default(), &books, now)
}

impl Live {
    pub(super) fn new(policy: Policy, setup: Setup, keys: Vec<Key>, state: &StoredState, now: Now) -> Self {
        Self {
            setup: Arc::new(setup),
            pool: Pool::new(policy, keys, &remember::from_stored(state), now),
            queue: Queue::default(),
            drift: Drift::new(now),
            shared_cause: None,
            news: News::default(),
            findings: Arc::new([]),
        }
    }
}
