//! The simulator's live state: who may come in, what each key does next, what quota is left. Not HTTP (`server`).

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{
    accounts::{Account, Usages},
    behaviour::{Behaviour, Refusal},
    endpoint::Endpoint,
    log::Log,
    quota::{Meters, Quota},
    usages,
};
use crate::domain::now;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Held for moments only, never across an await.
    state: Mutex<State>,
    pub(super) log: Arc<Log>,
    /// What gated answers wait for.
    pub(super) gate: Semaphore,
}

/// Keys, accounts and quotas.
#[derive(Debug, Default)]
pub(super) struct State {
    logins: HashMap<String, Login>,
    /// By user id: keys of one account share one.
    ledgers: HashMap<String, Ledger>,
    /// By file id: the user who uploaded it.
    files: HashMap<String, String>,
    /// How far the quota's clock was put forward.
    ahead: Duration,
}

/// What belongs to a key.
#[derive(Debug)]
pub(super) struct Login {
    person: Person,
    pub(super) behaviour: Behaviour,
    pub(super) script: VecDeque<Behaviour>,
    pub(super) usages: Usages,
    pace: Duration,
    answers: u64,
}

/// What belongs to an account, whichever key is used.
#[derive(Debug)]
struct Ledger {
    meters: Meters,
    chats: u32,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) user_id: String,
    pub(super) email: String,
    pub(super) parallel_limit: u32,
}

/// How one request is to be answered.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) behaviour: Behaviour,
    pub(super) pace: Duration,
    /// `None` for a stranger.
    pub(super) person: Option<Person>,
    /// Kept until the answer ends.
    pub(super) seat: Option<Seat>,
}

/// One of the chats that an account may have at once; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    user_id: String,
    shared: Arc<Shared>,
}

impl Shared {
    pub(super) fn new(accounts: Vec<Account>) -> Self {
        let mut state = State::default();
        for account in accounts {
            state.add(account);
        }
        Self { state: Mutex::new(state), log: Arc::default(), gate: Semaphore::new(0) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides how a request is answered; a healthy chat takes its share of the quota here.
    pub(super) fn plan(self: &Arc<Self>, key: Option<&str>, endpoint: Endpoint) -> Plan {
        let mut state = self.state();
        let now = state.now();
        let State { logins, ledgers, .. } = &mut *state;
        let Some(login) = key.and_then(|key| logins.get_mut(key)) else {
            return Plan::stranger();
        };
        let person = login.person.clone();
        let mut behaviour = login.next(endpoint);
        let mut seat = None;
        if let (true, Some(ledger)) = (endpoint.is_chat(), ledgers.get_mut(&person.user_id)) {
            ledger.meters.roll(now);
            match ledger.seat(person.parallel_limit, !matches!(behaviour, Behaviour::Refuse(_))) {
                Ok(()) => seat = Some(Seat { user_id: person.user_id.clone(), shared: Arc::clone(self) }),
                Err(refusal) => behaviour = refusal.into(),
            }
        }
        Plan { behaviour, pace: login.pace, person: Some(person), seat }
    }

    /// The body of `GET /usages` for a key that was let in.
    pub(super) fn usages(&self, key: &str) -> Result<String, Refusal> {
        let mut state = self.state();
        let now = state.now();
        let State { logins, ledgers, .. } = &mut *state;
        let login = logins.get(key).ok_or(Refusal::Unauthorized)?;
        let ledger = ledgers.get_mut(&login.person.user_id).ok_or(Refusal::Unauthorized)?;
        ledger.meters.roll(now);
        match &login.usages {
            Usages::Status(status) => Err(Refusal::ServerError(*status)),
            Usages::Body(text) => Ok(text.clone()),
            made => Ok(usages::body(made, &ledger.meters, &login.person).unwrap_or_default().to_string()),
        }
    }
}

impl State {
    pub(super) fn add(&mut self, account: Account) {
        let now = self.now();
        let person = Person::of(&account);
        self.ledgers
            .entry(person.user_id.clone())
            .or_insert_with(|| Ledger { meters: Meters::new(&account.quota, now), chats: 0 });
        let login = Login {
            person,
            behaviour: account.behaviour,
            script: VecDeque::new(),
            usages: account.usages,
            pace: account.pace,
            answers: 0,
        };
        self.logins.insert(account.key, login);
    }

    pub(super) fn edit(&mut self, key: &str, edit: impl FnOnce(&mut Login)) {
        let login = self.logins.get_mut(key);
        debug_assert!(login.is_some(), "no account of the simulator has the key {key}");
        if let Some(login) = login {
            edit(login);
        }
    }

    pub(super) fn set_quota(&mut self, key: &str, quota: &Quota) {
        let now = self.now();
        let Self { logins, ledgers, .. } = self;
        let ledger = logins.get(key).and_then(|login| ledgers.get_mut(&login.person.user_id));
        debug_assert!(ledger.is_some(), "no account of the simulator has the key {key}");
        if let Some(ledger) = ledger {
            ledger.meters = Meters::new(quota, now);
        }
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }

    pub(super) fn keep_file(&mut self, id: &str, user_id: &str) {
        self.files.insert(id.to_owned(), user_id.to_owned());
    }

    /// Whether this user may speak of this file: only who uploaded it may.
    pub(super) fn owns_file(&self, id: &str, user_id: &str) -> bool {
        self.files.get(id).is_some_and(|owner| owner == user_id)
    }

    /// The time by which quotas run.
    fn now(&self) -> Timestamp {
        now::add(wall_clock(), self.ahead)
    }
}

impl Login {
    fn next(&mut self, endpoint: Endpoint) -> Behaviour {
        if endpoint == Endpoint::Usages {
            return match &self.behaviour {
                Behaviour::Refuse(refusal) if refusal.is_about_identity() => self.behaviour.clone(),
                _ => Behaviour::Healthy,
            };
        }
        self.answers += 1;
        match self.script.pop_front().unwrap_or_else(|| self.behaviour.clone()) {
            Behaviour::Every { nth, behaviour } if self.answers.is_multiple_of(nth) => *behaviour,
            Behaviour::Every { .. } => Behaviour::Healthy,
            other => other,
        }
    }
}

impl Ledger {
    /// Takes a place among the chats at once and, when `drains`, a chat's share of the quota.
    fn seat(&mut self, parallel_limit: u32, drains: bool) -> Result<(), Refusal> {
        if drains && self.chats >= parallel_limit {
            return Err(Refusal::TooManyAtOnce);
        }
        if drains {
            self.meters.take()?;
        }
        self.chats += 1;
        Ok(())
    }
}

impl Person {
    pub(super) fn of(account: &Account) -> Self {
        Self { user_id: account.user_id.clone(), email: account.email.clone(), parallel_limit: account.parallel_limit }
    }
}

impl Plan {
    fn stranger() -> Self {
        Self { behaviour: Refusal::Unauthorized.into(), pace: Duration::ZERO, person: None, seat: None }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(ledger) = self.shared.state().ledgers.get_mut(&self.user_id) {
            ledger.chats = ledger.chats.saturating_sub(1);
        }
    }
}

/// The one place where the simulator looks at a clock.
#[expect(clippy::disallowed_methods, reason = "the simulated upstream is another machine, with a clock of its own")]
pub(super) fn wall_clock() -> Timestamp {
    Timestamp::now()
}
