//! Stories of keys over hours, as data: `tests/data/scenarios/*.toml`, whose README tells the format. Requests go through
//! the rules that the proxy uses (`outcome`, `retry`), without a network.

use std::{collections::BTreeMap, fs, path::Path};

use http::{Method, StatusCode};
use serde::Deserialize;

use super::*;
use crate::domain::{
    key::sample,
    outcome::{Cause, classify},
    retry::may_try_another_key,
    retry_after,
    snapshot::Status,
    usage::{Usage, Window, WindowKind},
};

const START: i64 = 1_770_000_000;

/// What the upstream says, by the word that a story uses for it.
const TEXTS: &[(&str, &str, &str)] = &[
    ("weekly", "access_terminated_error", "You've reached your weekly (7-day) usage limit."),
    ("five-hours", "access_terminated_error", "You've reached your 5-hour usage limit."),
    ("billing-cycle", "access_terminated_error", "You've reached your usage limit for this billing cycle."),
    ("client", "access_terminated_error", "Kimi For Coding is currently only available for Coding Agents."),
    ("terminated", "access_terminated_error", "Access terminated. Review our Community Guidelines."),
    ("model", "permission_error", "You do not have access to model k3."),
    ("concurrency", "rate_limit_error", "You have too many concurrent requests."),
    (
        "balance",
        "exceeded_current_quota_error",
        "Your account is suspended due to insufficient balance, please recharge.",
    ),
    ("overloaded", "engine_overloaded_error", "The engine is currently overloaded, please try again later"),
    ("explanation", "invalid_request_error", "no explanation given for the plan of credits"),
    ("again", "rate_limit_reached_error", "request reached organization max RPM: 20, please try again after 1 seconds"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    story: String,
    keys: Vec<String>,
    #[serde(default)]
    settings: BTreeMap<String, toml::Value>,
    step: Vec<Step>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Step {
    at: String,
    #[serde(rename = "do")]
    events: Vec<String>,
    served_by: Vec<String>,
    tried: Vec<String>,
    states: BTreeMap<String, String>,
    back_in: BTreeMap<String, String>,
    wait: Option<String>,
    why: BTreeMap<String, String>,
    shared: Option<String>,
    rotated: Option<String>,
    checks: Option<Vec<String>>,
    counters: BTreeMap<String, u32>,
    contradiction: BTreeMap<String, bool>,
}

/// A pool and the upstream around it.
struct World {
    policy: Policy,
    pool: Pool,
    now: Now,
    clock_set: SignedDuration,
    answers: BTreeMap<String, String>,
    client: Option<String>,
    model: Option<String>,
    conversation: Option<u64>,
    files: Vec<u64>,
    flying: Vec<Choice>,
    tried: Vec<String>,
    wait: Option<Timestamp>,
    shared: Option<String>,
    rotated: Option<String>,
}

#[test]
fn every_story_comes_out_as_it_is_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scenarios");
    let mut files: Vec<_> = fs::read_dir(folder).expect("stories").map(|entry| entry.expect("a file").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() >= 30, "only {} stories", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("text");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let story: Story = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        wrong.extend(tell(&story).into_iter().map(|fault| format!("{name} ({}): {fault}", story.story)));
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn tell(story: &Story) -> Vec<String> {
    let mut world = World::new(story);
    let mut wrong = Vec::new();
    for step in &story.step {
        world.go_to(&step.at);
        for event in &step.events {
            world.happen(event);
        }
        let mut served = Vec::new();
        for _ in &step.served_by {
            served.push(world.send());
        }
        let mut differs = |what: &str, seen: &dyn std::fmt::Debug, told: &dyn std::fmt::Debug| {
            let (seen, told) = (format!("{seen:?}"), format!("{told:?}"));
            if seen != told {
                wrong.push(format!("at {}: {what}: {seen}, not {told}", step.at));
            }
        };
        differs("served by", &served, &step.served_by);
        if !step.tried.is_empty() {
            differs("tried", &world.tried, &step.tried);
        }
        let now = world.now;
        let views = world.pool.views(now);
        let view = |label: &str| views.iter().find(|view| view.label.as_str() == label).expect("a key of the story");
        for (label, status) in &step.states {
            differs(label, &view(label).status.word(), status);
        }
        for (label, wait) in &step.back_in {
            let until = view(label).skip.as_ref().and_then(skip_until);
            differs(label, &until.map(|until| until.duration_since(now.wall)), &Some(span(wait)));
        }
        for (label, why) in &step.why {
            let skip = serde_json::to_value(&view(label).skip).expect("serializes");
            let word = skip["code"].as_str().map(str::to_owned);
            differs(label, &word.unwrap_or_else(|| "eligible".into()), why);
        }
        for (label, count) in &step.counters {
            let counters = view(label).counters;
            let sum = counters.error_401 + counters.error_403 + counters.error_429 + counters.error_5xx;
            differs(&format!("counters of {label}"), &sum, count);
        }
        for (label, there) in &step.contradiction {
            differs(&format!("contradiction of {label}"), &view(label).contradiction.is_some(), there);
        }
        if let Some(wait) = &step.wait {
            differs("wait", &world.wait.map(|until| until.duration_since(now.wall)), &Some(span(wait)));
        }
        if step.shared.is_some() {
            differs(
                "shared cause",
                &world.shared.take().unwrap_or_else(|| "none".into()),
                &step.shared.clone().expect("some"),
            );
        }
        if let Some(rotated) = &step.rotated {
            differs("rotated", &world.rotated.clone().unwrap_or_default(), rotated);
        }
        if let Some(checks) = &step.checks {
            let due: Vec<String> = world.pool.due_checks(now).iter().map(|check| check.key.label.to_string()).collect();
            differs("checks", &due, checks);
        }
    }
    wrong
}

impl World {
    fn new(story: &Story) -> Self {
        let policy = policy(&story.settings);
        let auto_rotate = policy.auto_rotate_allowed;
        let now = Now { wall: Timestamp::from_second(START).expect("valid"), steady: Duration::ZERO };
        let memory = Memory { auto_rotate, ..Memory::default() };
        Self {
            pool: Pool::new(policy.clone(), keys(&story.keys), &memory, now),
            policy,
            now,
            clock_set: SignedDuration::ZERO,
            answers: BTreeMap::new(),
            client: None,
            model: None,
            conversation: None,
            files: Vec::new(),
            flying: Vec::new(),
            tried: Vec::new(),
            wait: None,
            shared: None,
            rotated: None,
        }
    }

    /// Second by second, as the keeper does.
    fn go_to(&mut self, at: &str) {
        let target = Duration::try_from(span(at)).expect("ahead");
        while self.now.steady < target {
            let steady = (self.now.steady + Duration::from_secs(1)).min(target);
            self.set_now(steady);
            self.pool.tick(self.now);
        }
    }

    fn set_now(&mut self, steady: Duration) {
        let wall = add(Timestamp::from_second(START).expect("valid"), steady) + self.clock_set;
        self.now = Now { wall, steady };
    }

    fn happen(&mut self, event: &str) {
        let words: Vec<&str> = event.split_whitespace().collect();
        let now = self.now;
        match words[..] {
            [label, "answers", ref rest @ ..] => {
                self.answers.insert(label.to_owned(), rest.join(" "));
            }
            [label, "reports", ref rest @ ..] => {
                let (id, usage) = (self.id(label), usage(rest, now.wall));
                self.pool.checked(id, CheckKind::Refresh, Ok(usage), now);
            }
            [label, "rechecks", ref rest @ ..] => {
                let (id, usage) = (self.id(label), usage(rest, now.wall));
                self.pool.checked(id, CheckKind::Recheck, Ok(usage), now);
            }
            [label, "check-fails", kind] => {
                let kind = match kind {
                    "401" => CheckFaultKind::Unauthorized,
                    "host" => CheckFaultKind::Host,
                    _ => CheckFaultKind::Answer,
                };
                let fault = CheckFault { text: "x".into(), kind, retry_after: None };
                self.pool.checked(self.id(label), CheckKind::Refresh, Err(fault), now);
            }
            ["rotate"] => {
                let rotated = self.pool.rotate(now);
                self.rotated = Some(rotated.map_or_else(|r| format!("{r:?}"), |r| format!("{} {:?}", r.to, r.why)));
            }
            ["rotate", "to", label] => {
                let rotated = self.pool.rotate_to(&Label::new(label), now);
                self.rotated = Some(rotated.map_or_else(|_| "refused".into(), |r| format!("{} {:?}", r.to, r.why)));
            }
            ["auto-rotate", switch] => {
                self.pool.set_auto_rotate(switch == "on").expect("allowed");
            }
            ["block", label] => self.pool.block(&Label::new(label), "by hand", None, now).expect("known"),
            ["block", label, time] => {
                let until = now.wall + span(time);
                self.pool.block(&Label::new(label), "by hand", Some(until), now).expect("known");
            }
            ["unblock", label] => self.pool.unblock(&Label::new(label), now).expect("known"),
            ["files", ref labels @ ..] => {
                self.pool.reload(keys(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>()), now);
            }
            ["clock-set", by] => {
                let by = span(by);
                self.clock_set += by;
                self.set_now(now.steady);
                self.pool.clock_moved(by, self.now);
            }
            ["restart"] => {
                let keys = self.pool.slots.iter().map(|slot| Key::clone(&slot.key)).collect();
                self.pool = Pool::new(self.policy.clone(), keys, &self.pool.memory(), now);
            }
            ["keep", count] => {
                for _ in 0..count.parse().expect("a number") {
                    let choice = self.pool.pick(&Ask::default(), now).expect("a key");
                    self.flying.push(choice);
                }
            }
            ["finish"] => {
                for choice in std::mem::take(&mut self.flying) {
                    self.pool.settle(choice.id, choice.at, &Verdict::bare(Cause::Ok), None, now);
                    self.pool.release(choice.id, now);
                }
            }
            ["client", name] => self.client = Some(name.to_owned()),
            ["model", name] => self.model = Some(name.to_owned()),
            ["conversation", name] => self.conversation = Some(crate::domain::prompt::digest(&[name])),
            ["conversation"] => self.conversation = None,
            ["file", name] => self.files = vec![crate::domain::prompt::digest(&[name])],
            ["uploaded", file, label] => {
                let id = self.id(label);
                self.pool.uploaded(id, crate::domain::prompt::digest(&[file]), now);
            }
            _ => panic!("nobody understands {event:?}"),
        }
    }

    /// One request, as the proxy sends it: who serves it, or what the client is told.
    fn send(&mut self) -> String {
        let (mut tried, mut attempts) = (Vec::new(), Vec::new());
        self.tried.clear();
        if self.pool.admit(self.now).is_err() {
            return "over the global rate".into();
        }
        loop {
            let ask = Ask {
                tried: &tried,
                model: self.model.as_deref(),
                conversation: self.conversation,
                files: &self.files,
                impatient: false,
            };
            let choice = match self.pool.pick(&ask, self.now) {
                Ok(choice) => choice,
                Err(no_key) => {
                    self.wait = no_key.until;
                    self.shared = self
                        .pool
                        .all_failed(&attempts, self.client.as_deref(), self.now)
                        .map(|shared| shared.common.code().to_owned());
                    let told = attempts
                        .iter()
                        .map(|(_, cause): &(KeyId, Cause)| *cause)
                        .max_by_key(|cause| cause.rule().telling);
                    return told.map_or_else(|| "nobody".into(), |cause| cause.code().into());
                }
            };
            let label = choice.key.label.to_string();
            let verdict = self.answer(&label);
            self.tried.push(format!("{label} {}", verdict.cause.code()));
            if verdict.cause == Cause::Ok {
                self.pool.answered(choice.id, self.client.as_deref(), self.now);
            }
            self.pool.settle(choice.id, choice.at, &verdict, self.model.as_deref(), self.now);
            self.pool.release(choice.id, self.now);
            if verdict.cause == Cause::Ok {
                return label;
            }
            tried.push(choice.id);
            attempts.push((choice.id, verdict.cause));
            if !may_try_another_key(verdict.cause, &Method::POST, &self.policy) {
                return verdict.cause.code().into();
            }
        }
    }

    fn answer(&self, label: &str) -> Verdict {
        let words = self.answers.get(label).map_or("200", String::as_str);
        match words {
            "no-connection" => return Verdict::bare(Cause::ConnectFailed),
            "timeout" => return Verdict::bare(Cause::Timeout),
            "cut" => return Verdict::bare(Cause::BrokenAnswer),
            _ => {}
        }
        let mut words = words.split_whitespace();
        let status = words.next().expect("a status").parse::<u16>().expect("a number");
        let (mut after, mut body) = (None, String::new());
        for word in words {
            match word.split_once('=') {
                Some(("retry-after", value)) => {
                    after = Some(value.replace('_', " "));
                }
                _ => {
                    let (_, kind, message) = TEXTS.iter().find(|(name, _, _)| *name == word).expect("a known text");
                    body = serde_json::json!({"error": {"type": kind, "message": message}}).to_string();
                }
            }
        }
        let after = retry_after::longest(after.iter().map(String::as_bytes), [].into_iter(), self.now.wall);
        classify(StatusCode::from_u16(status).expect("valid"), after, body.as_bytes())
    }

    fn id(&self, label: &str) -> KeyId {
        self.pool.slots.iter().find(|slot| slot.key.label.as_str() == label).expect("a key of the story").id
    }
}

impl Status {
    fn word(self) -> String {
        serde_json::to_value(self).expect("serializes").as_str().expect("a word").to_owned()
    }
}

/// `label`, `label@host`, `label#priority`, `label!secret` (another secret than its name's).
fn keys(texts: &[String]) -> Vec<Key> {
    let mut keys: Vec<Key> = texts.iter().map(|text| key(text)).collect();
    keys.sort_by_key(|key| (std::cmp::Reverse(key.priority), key.label.clone()));
    keys
}

fn key(text: &str) -> Key {
    let end = text.find(['@', '#', '!']).unwrap_or(text.len());
    let part = |mark: char| text.split(mark).nth(1).map(|rest| rest.split(['@', '#', '!']).next().unwrap_or(rest));
    let host = part('@').unwrap_or("api.kimi.com");
    let mut key = sample(part('!').unwrap_or(&text[..end]), &format!("https://{host}/coding/v1"));
    key.label = Label::new(&text[..end]);
    key.priority = part('#').map_or(0, |number| number.parse().expect("a number"));
    key
}

fn policy(settings: &BTreeMap<String, toml::Value>) -> Policy {
    let mut policy = Policy::default();
    for (name, value) in settings {
        let flag = || value.as_bool().expect("true or false");
        let number = || u32::try_from(value.as_integer().expect("a number")).expect("small");
        let time = || Duration::try_from(span(value.as_str().expect("a time"))).expect("ahead");
        match name.as_str() {
            "auto_rotate" => policy.auto_rotate_allowed = flag(),
            "include_warn" => policy.include_warn = flag(),
            "rotate_on_tie" => policy.rotate_on_tie = flag(),
            "require_usage" => policy.require_usage = flag(),
            "fail_open" => policy.fail_open = flag(),
            "failover" => policy.failover = flag(),
            "cooldown" => policy.cooldown = time(),
            "payment_block" => policy.payment_block = Some(time()).filter(|time| !time.is_zero()),
            "affinity" => policy.affinity = Some(time()),
            "key_rps" => policy.key_rate.per_second = number(),
            "key_rpm" => policy.key_rate.per_minute = number(),
            "refresh" => policy.checks.refresh = Some(time()).filter(|time| !time.is_zero()),
            "rps" => policy.global_rate.per_second = number(),
            "rpm" => policy.global_rate.per_minute = number(),
            "strategy" => {
                policy.strategy = match value.as_str() {
                    Some("most-remaining") => Strategy::MostRemaining,
                    Some("least-busy") => Strategy::LeastBusy,
                    Some("priority") => Strategy::Priority,
                    _ => panic!("no strategy: {value:?}"),
                }
            }
            _ => panic!("no setting: {name}"),
        }
    }
    policy
}

/// `5h=80% 7d=30% month=10% resets=2h account=u1 parallel=2`; `resets` counts for every window named so far.
fn usage(words: &[&str], now: Timestamp) -> Usage {
    let mut usage = Usage::default();
    for word in words {
        let (name, value) = word.split_once('=').expect("name=value");
        let kind = match name {
            "5h" => WindowKind::FiveHours,
            "7d" => WindowKind::Week,
            "month" => WindowKind::MonthTotal,
            "resets" => {
                for window in &mut usage.windows {
                    window.resets_at = window.resets_at.or(Some(now + span(value)));
                }
                continue;
            }
            "account" => {
                usage.user_id = Some(value.to_owned());
                continue;
            }
            "parallel" => {
                usage.parallel_limit = value.parse().ok();
                continue;
            }
            _ => panic!("no window: {name}"),
        };
        let left = value.trim_end_matches('%').parse::<f64>().ok().map(|percent| percent / 100.0);
        usage.windows.push(Window { kind, left, used: None, limit: None, resets_at: None });
    }
    usage
}

fn span(text: &str) -> SignedDuration {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}
