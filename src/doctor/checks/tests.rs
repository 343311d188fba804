//! The checks over made-up facts: each row changes one thing and names what is said of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{super::facts::*, *};
use crate::{
    domain::{
        key::{Label, sample},
        policy::Policy,
        snapshot::{KeyView, Mode, Setup, Skip, UsageView},
        usage::{Usage, Window, WindowKind},
    },
    engine,
    i18n::{Locale, Words},
    store::state::StoredState,
    upstream::probe::{Answered, Unreached},
};

use Severity::{Fail, Info, Ok as Fine, Warn};

/// What a check says: severity, id of what was seen, id of the fix.
type Told = (Severity, &'static str, Option<&'static str>);

fn now() -> Timestamp {
    "2026-02-02T12:00:00Z".parse().expect("valid")
}

/// All is well: two keys, an upstream that answers, a proxy that listens.
fn facts() -> Facts {
    let keys = ["alpha", "beta"].map(|label| sample(label, "https://api.kimi.com/coding/v1")).to_vec();
    let setup = Setup {
        mode: Mode::Live,
        address: "http://127.0.0.1:54123/kmi-rotor/v1".to_owned(),
        local: String::new(),
        upstream: "https://api.kimi.com/coding/v1".to_owned(),
        auto_rotate_allowed: false,
        auths_dir: "/auths".to_owned(),
        state_dir: "/state".to_owned(),
        pid: 7,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: Vec::new(),
    };
    let mut snapshot = engine::preview(Policy::default(), setup, keys, &StoredState::default());
    for key in &mut snapshot.keys {
        key.usage = known(0.5);
        key.skip = None;
    }
    Facts {
        now: now(),
        settings: Settings {
            env_file: Some("/.env".to_owned()),
            auths_dir: "/auths".to_owned(),
            problems: Vec::new(),
            ignored: Vec::new(),
            dry_run: false,
            affinity: false,
            listen: "127.0.0.1:54123".to_owned(),
            remote: false,
            tls: Tls::Nobody,
            token: None,
            files_wanted: 100,
            enforce: true,
        },
        snapshot: Arc::new(snapshot),
        instance: Instance::Own,
        port: Port::Ours,
        hosts: vec![host(Ok(answered(401)))],
        files: Files {
            state: StateFact::Fine { bytes: 10 },
            trace: FileFact::Present { bytes: 10, changed: Some(now()) },
            log: FileFact::Present { bytes: 10, changed: None },
            open: Vec::new(),
            disk: Some(Disk { free: 1 << 40, files: Some(9), read_only: false }),
        },
        open_files: Some(100),
        certificate_until: None,
        clients: vec![client("http://127.0.0.1:54123/kmi-rotor/v1", ClientKey::Fits)],
    }
}

fn known(left: f64) -> UsageView {
    let window = Window { kind: WindowKind::Week, left: Some(left), used: None, limit: Some(100.0), resets_at: None };
    UsageView::Known { at: now(), usage: Arc::new(Usage { windows: vec![window], ..Usage::default() }) }
}

fn failed(fault: &str) -> UsageView {
    UsageView::Failed { at: now(), fault: fault.to_owned(), usage: None }
}

fn answered(status: u16) -> Answered {
    Answered { status, connected: Duration::from_millis(9), answered: Duration::from_millis(30), date: Some(now()) }
}

fn host(outcome: Result<Answered, Unreached>) -> HostFact {
    HostFact { host: "api.kimi.com".to_owned(), outcome, at: now() }
}

fn client(base: &str, key: ClientKey) -> Client {
    Client {
        program: "kimi-cli",
        place: "KIMI_BASE_URL".to_owned(),
        style: Style::OpenAi,
        base: Place::read(base),
        key,
    }
}

fn problem(id: &'static str, severity: Severity) -> Problem {
    Problem { severity, ..Problem::warn(Message::new(id)) }
}

impl Facts {
    fn key(&mut self, at: usize, change: impl FnOnce(&mut KeyView)) {
        change(&mut Arc::make_mut(&mut self.snapshot).keys[at]);
    }

    fn skip(&mut self, at: usize, skip: Skip) {
        self.key(at, |key| key.skip = Some(skip));
    }
}

fn look(check: &str, facts: &Facts) -> Vec<Finding> {
    judge(facts).into_iter().filter(|finding| finding.id == check).collect()
}

/// What a check says after one change of the facts.
#[track_caller]
fn says(check: &str, change: impl FnOnce(&mut Facts), expected: &[Told]) -> Vec<Finding> {
    let mut facts = facts();
    change(&mut facts);
    let findings = look(check, &facts);
    let told: Vec<(Severity, &str, Option<&str>)> = findings
        .iter()
        .map(|finding| (finding.severity, &*finding.seen.id, finding.fix.as_ref().map(|fix| &*fix.id)))
        .collect();
    assert_eq!(told, expected, "{check}");
    findings
}

const BLOCKED: Skip = Skip::Blocked { reason: String::new(), until: None };

#[test]
fn when_all_is_well_every_check_says_so() {
    let findings = judge(&facts());
    assert!(findings.iter().all(|finding| finding.severity == Fine), "{findings:#?}");
    let ids: Vec<&str> = findings.iter().map(|finding| &*finding.id).collect();
    assert_eq!(ids, CHECKS.iter().map(|check| check.id).collect::<Vec<_>>(), "each check, once, in order");
}

#[test]
fn every_check_is_explained_and_only_those() {
    let paper = include_str!("../../../docs/doctor.md");
    let table = paper.split("\n## Checks\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), CHECKS.iter().map(|check| check.id).collect::<Vec<_>>());
}

#[test]
fn settings_and_auth_files_say_what_was_wrong() {
    says("env_file", |facts| facts.settings.env_file = None, &[(Info, "doctor-env-file-none", None)]);
    let problems = |facts: &mut Facts| {
        facts.settings.problems = vec![
            problem("config-unknown", Warn),
            problem("config-zone", Fail),
            problem("auth-no-key", Warn),
            problem("auth-same-key", Warn),
            problem("auth-open-to-others", Warn),
            problem("config-remote-token", Fail),
        ];
    };
    says("settings", problems, &[(Warn, "config-unknown", None), (Fail, "config-zone", None)]);
    says("auth_files", problems, &[(Warn, "auth-no-key", None)]);
    says("duplicates", problems, &[(Warn, "auth-same-key", None)]);
    says("token", problems, &[(Fail, "config-remote-token", None)]);
    says(
        "auth_files",
        |facts| facts.settings.ignored = vec!["key.txt".to_owned()],
        &[(Info, "doctor-auth-files-ignored", Some("doctor-auth-files-ignored-fix"))],
    );
    let alone = wrong_settings(&[problem("config-zone", Fail)]);
    assert_eq!((alone[0].severity, &*alone[0].id), (Fail, "settings"));
}

#[test]
fn keys_that_cannot_serve_are_named() {
    let none = |facts: &mut Facts| Arc::make_mut(&mut facts.snapshot).keys.clear();
    says("keys", none, &[(Fail, "doctor-keys-none", Some("doctor-keys-none-fix"))]);
    says("duplicates", none, &[]);
    says("usage", none, &[]);
    let blocked = says(
        "keys",
        |facts| facts.skip(0, BLOCKED),
        &[(Fine, "doctor-keys-found", None), (Warn, "doctor-keys-blocked", Some("doctor-keys-blocked-fix"))],
    );
    assert_eq!(blocked[1].remedy, Some(Remedy::ClearBlocklist));
    let out = |facts: &mut Facts| {
        facts.skip(0, Skip::Unauthorized);
        facts.skip(1, Skip::Disabled);
    };
    let refused = says(
        "keys",
        out,
        &[
            (Fail, "doctor-keys-all-out", Some("doctor-keys-all-out-fix")),
            (Warn, "doctor-keys-unauthorized", Some("doctor-keys-unauthorized-fix")),
            (Info, "doctor-keys-disabled", None),
        ],
    );
    assert_eq!(refused[1].remedy, Some(Remedy::RecheckKeys));
    let resting = Skip::RateLimited { until: now() };
    says("keys", |facts| facts.skip(0, resting), &[(Fine, "doctor-keys-found", None)]);
}

#[test]
fn keys_of_one_account_are_told_once() {
    let shared = |facts: &mut Facts| {
        facts.key(0, |key| key.shares_account_with = vec![Label::new("beta")]);
        facts.key(1, |key| key.shares_account_with = vec![Label::new("alpha")]);
    };
    says("duplicates", shared, &[(Warn, "doctor-duplicates-account", Some("doctor-duplicates-account-fix"))]);
    let unknown = |facts: &mut Facts| (0..2).for_each(|at| facts.key(at, |key| key.usage = UsageView::Unknown));
    says("duplicates", unknown, &[(Fine, "doctor-duplicates-no-files", None)]);
}

#[test]
fn quotas_are_told_by_what_is_known_of_them() {
    let left = says("usage", |_| {}, &[(Fine, "doctor-usage-left", None)]);
    let words = Words::new(Locale::English, TimeZone::UTC);
    assert_eq!(words.render(&left[0].seen), "2 keys have quota left: alpha 50%, beta 50%");
    let mixed = |facts: &mut Facts| {
        facts.key(0, |key| key.usage = known(0.0));
        facts.key(1, |key| key.usage = UsageView::Unknown);
    };
    let seen = says(
        "usage",
        mixed,
        &[
            (Warn, "doctor-usage-empty", Some("doctor-usage-empty-fix")),
            (Info, "doctor-usage-unknown", Some("doctor-usage-unknown-fix")),
        ],
    );
    assert_eq!(seen[1].remedy, Some(Remedy::RecheckKeys));
    let fail = (Warn, "doctor-usage-failed", Some("doctor-usage-failed-fix"));
    let alike = |facts: &mut Facts| (0..2).for_each(|at| facts.key(at, |key| key.usage = failed("no answer")));
    says("usage", alike, &[fail]);
    let apart = |facts: &mut Facts| {
        facts.key(0, |key| key.usage = failed("no answer"));
        facts.key(1, |key| key.usage = failed("401"));
    };
    says("usage", apart, &[fail, fail]);
    let off = |facts: &mut Facts| {
        facts.key(0, |key| (key.skip, key.usage) = (Some(Skip::Disabled), UsageView::Unknown));
    };
    says("usage", off, &[(Fine, "doctor-usage-left", None)]);
}

#[test]
fn how_requests_are_sent_is_told() {
    let dry = |facts: &mut Facts| facts.settings.dry_run = true;
    says("dry_run", dry, &[(Warn, "doctor-dry-run-on", Some("doctor-dry-run-fix"))]);
    let unasked = |facts: &mut Facts| facts.hosts.clear();
    says("upstream", unasked, &[(Info, "doctor-upstream-not-tried", None)]);
    let rotates = |on: bool, affinity: bool| {
        move |facts: &mut Facts| {
            let snapshot = Arc::make_mut(&mut facts.snapshot);
            Arc::make_mut(&mut snapshot.setup).auto_rotate_allowed = true;
            snapshot.auto_rotate = on;
            facts.settings.affinity = affinity;
        }
    };
    says("auto_rotation", rotates(true, true), &[(Fine, "doctor-auto-rotation-affine", None)]);
    says("auto_rotation", rotates(false, false), &[(Fine, "doctor-auto-rotation-off", None)]);
    let on = (Info, "doctor-auto-rotation-on", Some("doctor-auto-rotation-on-fix"));
    says("auto_rotation", rotates(true, false), &[on]);
}

#[test]
fn a_proxy_beyond_loopback_needs_its_locks() {
    let remote = |token: Option<Token>, tls: Tls| {
        move |facts: &mut Facts| {
            (facts.settings.remote, facts.settings.token, facts.settings.tls) = (true, token, tls);
        }
    };
    let strong = Some(Token { length: 32, distinct: 15 });
    for (token, tls, bind, token_said, tls_said) in [
        (
            None,
            Tls::Nobody,
            (Fail, "doctor-bind-open", Some("doctor-bind-open-fix")),
            (Fail, "doctor-token-missing", Some("doctor-token-fix")),
            (Warn, "doctor-tls-none", Some("doctor-tls-none-fix")),
        ),
        (
            strong,
            Tls::InFront,
            (Info, "doctor-bind-remote", None),
            (Fine, "doctor-token-strong", None),
            (Fine, "doctor-tls-in-front", None),
        ),
        (
            Some(Token { length: 15, distinct: 15 }),
            Tls::Own,
            (Info, "doctor-bind-remote", None),
            (Warn, "doctor-token-short", Some("doctor-token-fix")),
            (Fine, "doctor-tls-own", None),
        ),
        (
            Some(Token { length: 32, distinct: 7 }),
            Tls::Own,
            (Info, "doctor-bind-remote", None),
            (Warn, "doctor-token-plain", Some("doctor-token-fix")),
            (Fine, "doctor-tls-own", None),
        ),
    ] {
        says("bind", remote(token, tls), &[bind]);
        says("token", remote(token, tls), &[token_said]);
        says("tls", remote(token, tls), &[tls_said]);
    }
    let rules = |facts: &mut Facts| {
        facts.settings.remote = true;
        facts.settings.problems = ["config-remote", "config-remote-tls"].map(|id| problem(id, Fail)).to_vec();
    };
    says("bind", rules, &[(Fail, "config-remote", None)]);
    says("tls", rules, &[(Fail, "config-remote-tls", None)]);
}

#[test]
fn a_certificate_is_told_of_before_it_expires() {
    let day = SignedDuration::from_hours(24);
    for (left, told) in [
        (None, (Fine, "doctor-tls-own", None)),
        (Some(day * 15), (Fine, "doctor-tls-own", None)),
        (Some(day * 13), (Warn, "doctor-tls-expires", Some("doctor-tls-expires-fix"))),
        (Some(-day), (Fail, "doctor-tls-expired", Some("doctor-tls-expires-fix"))),
    ] {
        let change = |facts: &mut Facts| {
            facts.settings.tls = Tls::Own;
            facts.certificate_until = left.map(|left| now() + left);
        };
        says("tls", change, &[told]);
    }
}

#[test]
fn the_port_and_its_owner_are_told() {
    let fix = Some("doctor-port-fix");
    for (port, expected) in [
        (Port::Any, (Info, "doctor-port-any", None)),
        (Port::Free, (Fine, "doctor-port-free", None)),
        (Port::Held(None), (Fail, "doctor-port-held", fix)),
        (Port::Held(Some((9, "nc".to_owned()))), (Fail, "doctor-port-held-by", fix)),
        (Port::Unusable("no such address".to_owned()), (Fail, "doctor-port-unusable", fix)),
    ] {
        says("port", |facts| facts.port = port, &[expected]);
    }
    let own = env!("CARGO_PKG_VERSION");
    let running = |version: &str| Instance::Running { pid: 9, version: version.to_owned() };
    let why = || Some(Message::new("control-silent").with("error", "refused"));
    let silent = |pid, why| Instance::Silent { pid, why };
    let fix = Some("doctor-instance-fix");
    for (instance, expected) in [
        (Instance::None, (Info, "doctor-instance-none", None)),
        (running(own), (Fine, "doctor-instance-running", None)),
        (running("0.0.0"), (Warn, "doctor-instance-other", fix)),
        (silent(Some(9), why()), (Fail, "control-silent", Some("doctor-instance-pid"))),
        (silent(None, why()), (Fail, "control-silent", None)),
        (silent(Some(9), None), (Fail, "doctor-instance-silent", fix)),
    ] {
        says("instance", |facts| facts.instance = instance, &[expected]);
    }
}

#[test]
fn each_step_to_a_host_has_its_own_words() {
    let error = || "why".to_owned();
    let slow = Answered { answered: Duration::from_secs(3), ..answered(200) };
    for (outcome, expected) in [
        (Ok(answered(404)), (Fine, "doctor-upstream-reached", None)),
        (Ok(slow), (Warn, "doctor-upstream-reached", Some("doctor-upstream-slow-fix"))),
        (Ok(answered(503)), (Warn, "doctor-upstream-troubled", Some("doctor-upstream-troubled-fix"))),
        (Err(Unreached::Name(error())), (Fail, "doctor-upstream-no-name", Some("doctor-upstream-no-name-fix"))),
        (Err(Unreached::Connection(error())), (Fail, "doctor-upstream-no-connection", Some("doctor-upstream-fix"))),
        (Err(Unreached::Tls(error())), (Fail, "doctor-upstream-no-tls", Some("doctor-upstream-no-tls-fix"))),
        (Err(Unreached::Http(error())), (Fail, "doctor-upstream-no-http", Some("doctor-upstream-no-http-fix"))),
        (Err(Unreached::Time), (Fail, "doctor-upstream-no-answer", Some("doctor-upstream-fix"))),
    ] {
        let both = |facts: &mut Facts| facts.hosts = vec![host(outcome), host(Ok(answered(200)))];
        says("upstream", both, &[expected, (Fine, "doctor-upstream-reached", None)]);
    }
}

#[test]
fn a_clock_may_be_a_minute_off() {
    let fix = Some("doctor-clock-fix");
    for (seconds, expected) in [
        (0, (Fine, "doctor-clock-right", None)),
        (60, (Fine, "doctor-clock-right", None)),
        (-60, (Fine, "doctor-clock-right", None)),
        (61, (Warn, "doctor-clock-ahead", fix)),
        (-300, (Warn, "doctor-clock-behind", fix)),
        (301, (Fail, "doctor-clock-ahead", fix)),
        (-4_000, (Fail, "doctor-clock-behind", fix)),
    ] {
        says("clock", |facts| facts.hosts[0].at = now() + SignedDuration::from_secs(seconds), &[expected]);
    }
    let silent = |facts: &mut Facts| facts.hosts = vec![host(Err(Unreached::Time))];
    says("clock", silent, &[(Info, "doctor-clock-unknown", None)]);
}

#[test]
fn a_client_is_told_where_it_goes() {
    let fix = Some("doctor-clients-fix");
    let none = |facts: &mut Facts| facts.clients.clear();
    says("clients", none, &[(Info, "doctor-clients-none", Some("doctor-clients-none-fix"))]);
    for (base, key, expected) in [
        ("nonsense", ClientKey::Fits, (Warn, "doctor-clients-unreadable", Some("doctor-clients-unreadable-fix"))),
        ("http://127.0.0.1:54123/kmi-rotor/v1/v1", ClientKey::Fits, (Info, "doctor-clients-doubled", fix)),
        ("http://127.0.0.1:54123/", ClientKey::Fits, (Warn, "doctor-clients-beside", fix)),
        ("http://127.0.0.1:1/kmi-rotor/v1", ClientKey::Fits, (Warn, "doctor-clients-other-port", fix)),
        ("https://api.kimi.com/coding/v1", ClientKey::Wrong, (Warn, "doctor-clients-upstream", fix)),
        ("https://api.openai.com/v1", ClientKey::Wrong, (Info, "doctor-clients-elsewhere", None)),
        (
            "http://127.0.0.1:54123/kmi-rotor/v1",
            ClientKey::Missing("KIMI_API_KEY"),
            (Warn, "doctor-clients-no-key", Some("doctor-clients-no-key-fix")),
        ),
        (
            "http://localhost:54123/kmi-rotor/v1",
            ClientKey::Wrong,
            (Warn, "doctor-clients-wrong-key", Some("doctor-clients-wrong-key-fix")),
        ),
    ] {
        says("clients", |facts| facts.clients = vec![client(base, key)], &[expected]);
    }
    let anywhere = |facts: &mut Facts| {
        Arc::make_mut(&mut Arc::make_mut(&mut facts.snapshot).setup).address = "http://127.0.0.1:0/v1".to_owned();
    };
    says("clients", anywhere, &[(Info, "doctor-clients-unknown", None)]);
}

#[test]
fn files_and_what_they_need_are_told() {
    let missing = (Info, "doctor-file-missing", None);
    let unreadable = (Fail, "doctor-file-unreadable", Some("doctor-file-unreadable-fix"));
    let error = || "denied".to_owned();
    for (state, expected) in [
        (StateFact::Missing, missing),
        (StateFact::Unreadable(error()), unreadable),
        (StateFact::Corrupt, (Fail, "doctor-state-corrupt", Some("doctor-state-corrupt-fix"))),
    ] {
        says("state", |facts| facts.files.state = state, &[expected]);
    }
    for (file, expected) in [(FileFact::Missing, missing), (FileFact::Unreadable(error()), unreadable)] {
        says("trace", |facts| facts.files.trace = file.clone(), &[expected]);
        says("log", |facts| facts.files.log = file.clone(), &[expected]);
    }
    let fix = Some("doctor-file-not-written-fix");
    let traffic = |facts: &mut Facts| {
        let snapshot = Arc::make_mut(&mut facts.snapshot);
        (snapshot.traffic.failed_saves, snapshot.traffic.dropped_records) = (1, 2);
        snapshot.traffic.dropped_log_lines = 3;
    };
    says("state", traffic, &[(Fail, "doctor-state-not-saved", fix)]);
    says("trace", traffic, &[(Warn, "doctor-trace-dropped", fix)]);
    says("log", traffic, &[(Warn, "doctor-log-dropped", fix)]);
    let waiting = |facts: &mut Facts| Arc::make_mut(&mut facts.snapshot).traffic.unwritten_records = 2;
    says("trace", waiting, &[(Fail, "doctor-trace-unwritten", fix)]);
}

#[test]
fn room_and_limits_are_told() {
    const MB: u64 = 1 << 20;
    let fix = Some("doctor-disk-fix");
    let disk = |free, files, read_only| Some(Disk { free, files, read_only });
    for (disk, expected) in [
        (disk(500 * MB, None, false), (Fine, "doctor-disk-free", None)),
        (disk(499 * MB, None, false), (Warn, "doctor-disk-free", fix)),
        (disk(49 * MB, None, false), (Fail, "doctor-disk-free", fix)),
        (disk(500 * MB, Some(0), false), (Fail, "doctor-disk-no-files", fix)),
        (disk(500 * MB, None, true), (Fail, "doctor-disk-read-only", fix)),
        (None, (Info, "doctor-disk-unknown", None)),
    ] {
        says("disk", |facts| facts.files.disk = disk, &[expected]);
    }
    for (limit, expected) in [
        (Some(99), (Warn, "doctor-open-files-few", Some("doctor-open-files-fix"))),
        (Some(100), (Fine, "doctor-open-files-enough", None)),
        (None, (Fine, "doctor-open-files-unlimited", None)),
    ] {
        says("open_files", |facts| facts.open_files = limit, &[expected]);
    }
}

#[test]
fn open_paths_are_named_with_their_modes() {
    let open = |facts: &mut Facts| facts.files.open = vec![OpenPath::new("/auths", "alpha.env", 0o644)];
    let fix = Some("doctor-permissions-fix");
    let findings = says("permissions", open, &[(Warn, "doctor-permissions-open", fix)]);
    let words = Words::new(Locale::English, TimeZone::UTC);
    assert_eq!(words.render(&findings[0].seen), "1 path is open to others: /auths/alpha.env (644)");
    assert_eq!(findings[0].remedy, Some(Remedy::FixPermissions));
    let meant = |facts: &mut Facts| {
        open(facts);
        facts.settings.enforce = false;
    };
    says("permissions", meant, &[(Info, "doctor-permissions-open", fix)]);
}

#[test]
fn every_finding_can_be_said_in_every_language() {
    let mut facts = facts();
    facts.skip(0, BLOCKED);
    facts.key(1, |key| key.usage = failed("no answer"));
    facts.settings.ignored = vec!["key.txt".to_owned()];
    facts.hosts = vec![host(Ok(answered(200)))];
    facts.hosts[0].at = now() + SignedDuration::from_secs(100);
    facts.port = Port::Held(Some((9, "nc".to_owned())));
    facts.clients = vec![client("https://api.kimi.com/v1", ClientKey::Fits)];
    facts.open_files = Some(1);
    facts.instance = Instance::Silent { pid: Some(9), why: None };
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for locale in Locale::ALL {
        let words = Words::new(locale, TimeZone::UTC);
        for finding in judge(&facts) {
            for message in [Some(&finding.subject), Some(&finding.seen), finding.fix.as_ref()].into_iter().flatten() {
                assert!(!words.render(message).is_empty(), "{message:?}");
                *told.entry(locale.tag()).or_default() += 1;
            }
        }
        assert_eq!(words.faults(), Vec::<String>::new());
    }
    assert!(told.values().all(|count| *count > 40), "{told:?}");
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let names = |count: usize| listed((0..count).map(|number| number.to_string()));
    assert_eq!(names(NAMED), "0, 1, 2, 3, 4, 5");
    assert_eq!(names(NAMED + 1), "0, 1, 2, 3, 4, 5 …");
}
