//! Sample snapshots and requests for the tests of this module. No test by itself.

use std::{sync::Arc, time::Duration};

use jiff::{
    Timestamp,
    civil::{Date, date},
};

use crate::domain::{
    command::{Notice, Severity},
    key::Label,
    ledger::Ledger,
    message::Message,
    now,
    outcome::Cause,
    reason::{Chosen, PassedOver},
    running::{Phase, RunningView},
    runway::Pace,
    setting::{SettingOrigin, SettingView},
    shared_cause::{Common, SharedCause},
    snapshot::{
        CircuitState, Confidence, Contradiction, Counters, Finding, HeldView, HostView, KeyView, Link, Mode, RateView,
        Setup, Skip, Snapshot, Status, Traffic, UsageView,
    },
    trace::{Attempt, Ending, Process, Tokens, TraceRecord},
    usage::{Usage, Window, WindowKind},
};

/// 2026-02-02 14:10:05 UTC.
pub(super) fn at() -> Timestamp {
    Timestamp::from_second(1_770_041_405).expect("valid")
}

fn later(seconds: u64) -> Timestamp {
    now::add(at(), Duration::from_secs(seconds))
}

fn ago(seconds: i64) -> Timestamp {
    at().checked_sub(jiff::SignedDuration::from_secs(seconds)).expect("valid")
}

pub(super) fn setup() -> Setup {
    Setup {
        mode: Mode::Live,
        address: "http://127.0.0.1:54123/kmi-rotor/v1".into(),
        local: String::new(),
        upstream: "https://api.kimi.com/coding/v1".into(),
        auto_rotate_allowed: true,
        auths_dir: "/home/ann/.kimi/_auths".into(),
        state_dir: "/home/ann/.kmi".into(),
        pid: 4242,
        version: "0.1.0".into(),
        settings: settings(),
    }
}

fn settings() -> Vec<SettingView> {
    let file = || SettingOrigin::File("/home/ann/code/project/.env".into());
    let rows = [
        ("KMI_AUTHS_DIR", "/home/ann/.kimi/_auths", SettingOrigin::Default, true),
        ("KMI_PROXY_LISTEN", "127.0.0.1:54123", SettingOrigin::Flag("--listen".into()), false),
        ("KMI_UPSTREAM_BASE_URL", "https://api.kimi.com/coding/v1", SettingOrigin::Default, true),
        ("KMI_REQUIRE_USAGE_BEFORE_REQUEST", "0", SettingOrigin::Default, true),
        ("KMI_AUTO_ROTATE_ALLOWED", "1", file(), true),
        ("KMI_PROXY_TOKEN", "***", SettingOrigin::Environment, false),
        ("KMI_SHUTDOWN_SECONDS", "30", file(), false),
        ("KMI_LOCALE", "", SettingOrigin::Default, false),
    ];
    rows.into_iter()
        .map(|(name, value, origin, live)| {
            let waits = name == "KMI_SHUTDOWN_SECONDS";
            SettingView { name: name.to_owned(), value: value.to_owned(), origin, live, waits }
        })
        .collect()
}

/// First start: no keys, no requests.
pub(super) fn empty() -> Snapshot {
    Snapshot {
        hosts: Vec::new(),
        held: Vec::new(),
        running: Vec::new(),
        shared_cause: None,
        conversations: 0,
        ledger: Arc::default(),
        today: TODAY,
        tally: Arc::default(),
        link: Link::Own,
        at: at(),
        uptime: Duration::from_secs(3),
        setup: Arc::new(Setup { auto_rotate_allowed: false, ..setup() }),
        auto_rotate: false,
        rotation_index: 0,
        active: None,
        keys: Vec::new(),
        traffic: Traffic { per_second: vec![0; 60], errors_per_second: vec![0; 60], ..Traffic::default() },
        global_rate: RateView::default(),
        confidence: Confidence::default(),
        last_health_refresh: None,
        notices: Vec::new(),
        findings: Arc::new([]),
    }
}

const TODAY: Date = date(2026, 2, 2);

fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    for (day, label, model, input, output, cached) in [
        (TODAY, "alpha", "kimi-for-coding", 1_204_000, 80_400, 900_000),
        (TODAY, "alpha", "kimi-k2-thinking", 9_120, 412, 0),
        (TODAY, "beta", "kimi-for-coding", 640_210, 31_000, 512_000),
        (date(2026, 2, 1), "alpha", "kimi-for-coding", 12_450_000, 402_000, 11_020_000),
    ] {
        let tokens = Tokens { input: Some(input), output: Some(output), cached: Some(cached) };
        ledger.count(day, &Label::new(label), Some(model), tokens);
    }
    ledger
}

/// A working day: six keys, some of them resting.
pub(super) fn normal() -> Snapshot {
    let keys = normal_keys();
    let counts = [("alpha", 48), ("beta", 47), ("work-main", 25)];
    Snapshot {
        hosts: Vec::new(),
        held: Vec::new(),
        shared_cause: None,
        conversations: 0,
        ledger: Arc::new(ledger()),
        today: TODAY,
        tally: Arc::default(),
        link: Link::Own,
        uptime: Duration::from_secs(7_200),
        setup: Arc::new(setup()),
        auto_rotate: true,
        rotation_index: 1_284,
        active: Some(Label::new("alpha")),
        keys,
        traffic: Traffic {
            in_flight: 3,
            requests: 1_284,
            errors: 31,
            per_second: (0..60_u32).map(|second| (second * 7 + second * second / 5) % 9 / 2).collect(),
            errors_per_second: (0..60).map(|second| u32::from(second % 20 == 3)).collect(),
            latency_p50: Some(Duration::from_millis(840)),
            latency_p99: Some(Duration::from_millis(12_400)),
            dropped_records: 0,
            unwritten_records: 0,
            failed_saves: 0,
            dropped_log_lines: 0,
        },
        global_rate: RateView { last_second: 3, per_second: 10, last_minute: 84, per_minute: 300 },
        confidence: Confidence {
            percent: 93.4,
            records: 120,
            counts: counts.into_iter().map(|(label, count)| (Label::new(label), count)).collect(),
        },
        last_health_refresh: Some(ago(140)),
        findings: normal_findings(),
        ..empty()
    }
}

/// The same with requests on their way, one in each phase.
pub(super) fn busy() -> Snapshot {
    let mut snapshot = normal();
    let (alpha, beta, delta) = (Label::new("alpha"), Label::new("beta"), Label::new("delta"));
    let passed = |key: &Label, cause: &str, seconds| PassedOver {
        key: key.clone(),
        skip: Skip::CoolingDown { cause: cause.into(), until: later(seconds) },
    };
    let one = |number: u8, seconds, phase| RunningView {
        request_id: format!("{number:02x}23456789abcdef0123456789abcdef"),
        at: ago(seconds),
        since: ago(seconds - 1),
        phase,
        ..running()
    };
    let refused = Attempt {
        key: beta.clone(),
        status: Some(429),
        cause: "rate_limited".into(),
        ms: 90,
        why: Some(Chosen::Bound),
    };
    let blocked = Skip::Blocked { reason: "payment_required".into(), until: Some(later(3_000)) };
    let out = [
        passed(&alpha, "quota_five_hours", 6_610),
        passed(&beta, "rate_limited", 42),
        PassedOver { key: delta.clone(), skip: blocked },
        PassedOver { key: Label::new("omega"), skip: Skip::Blocked { reason: "holiday".into(), until: None } },
    ];
    snapshot.running = vec![
        RunningView { bytes_out: 48_210, ..one(1, 95, Phase::Answering { key: beta, why: Chosen::Strategy }) },
        RunningView {
            passed_over: [passed(&delta, "quota_week", 300_000)].into(),
            ..one(2, 31, Phase::Asking { key: alpha, why: Chosen::InItsPlace })
        },
        RunningView {
            passed_over: out.into(),
            key_expected: Some(later(42)),
            attempts: vec![refused.clone()],
            ..one(3, 18, Phase::Held { until: later(282) })
        },
        RunningView { attempts: vec![refused], ..one(4, 6, Phase::Waiting { until: Some(later(2)) }) },
        RunningView { model: None, ..one(5, 2, Phase::Reading) },
    ];
    snapshot
}

fn running() -> RunningView {
    RunningView {
        request_id: String::new(),
        method: "POST".into(),
        endpoint: "/chat/completions".into(),
        model: Some("kimi-for-coding".into()),
        client: Some("KimiCLI/1.49.0".into()),
        process: Some(Process { pid: 4711, name: "kimi".into() }),
        session: Some("3f2a9c1e".into()),
        stream: true,
        at: at(),
        phase: Phase::Reading,
        since: at(),
        attempts: Vec::new(),
        passed_over: Arc::default(),
        key_expected: None,
        bytes_out: 0,
    }
}

/// Everything that can go wrong, with foreign text that would like to.
pub(super) fn alarm() -> Snapshot {
    let mut snapshot = normal();
    for key in &mut snapshot.keys {
        key.status = Status::Blocked;
        key.skip = Some(Skip::CoolingDown { cause: "brand_new\u{1b}[31m_cause\u{202e}".into(), until: later(90_061) });
        key.active = false;
        key.counters = Counters { error_401: u32::MAX, error_403: 3, error_429: 9, error_5xx: 7 };
        key.requests = u64::MAX;
        key.in_flight = u32::MAX;
    }
    snapshot.keys[0].label = Label::new("日本語のとても長いラベル名前です");
    snapshot.keys[1].label = Label::new("e\u{301}\u{200d}👩‍👩‍👧‍👦\u{1b}]0;x\u{7}");
    snapshot.keys[1].usage =
        UsageView::Failed { at: ago(4_000), fault: "\u{1b}[2Jsomething quite new went wrong".into(), usage: None };
    snapshot.keys[2].skip = Some(Skip::QuotaEmpty { until: None });
    snapshot.keys[2].contradiction = Some(Contradiction {
        reported_at: ago(140),
        left: 0.6,
        refused_at: ago(20),
        cause: "quota_week".into(),
        expected: Some(later(200_000)),
    });
    snapshot.hosts = [CircuitState::Open { until: later(7) }, CircuitState::HalfOpen]
        .map(|circuit| HostView { host: "dead\u{1b}[31m.test:8443".into(), circuit })
        .into();
    let held = HeldView {
        request_id: "r".into(),
        endpoint: "/chat/\u{202e}completions".into(),
        model: None,
        since: ago(12),
        until: later(18),
        key_expected: None,
    };
    snapshot.held = vec![held; 5];
    let evil = "\u{1b}[31m\u{202e}日本語 ".repeat(30);
    snapshot.running = busy().running;
    for running in &mut snapshot.running {
        running.method.clone_from(&evil);
        running.endpoint.clone_from(&evil);
        running.session = Some(evil.clone());
        running.process = Some(Process { pid: u32::MAX, name: evil.clone() });
        running.bytes_out = u64::MAX;
        running.phase = match running.phase.key() {
            Some((_, why)) => Phase::Answering { key: Label::new(&evil), why },
            None => Phase::Held { until: Timestamp::MAX },
        };
    }
    snapshot.shared_cause = Some(SharedCause {
        at: ago(3),
        common: Common::ClientIdentity,
        cause: Cause::Busy,
        keys: 6,
        client: Some("Odd/1".into()),
    });
    snapshot.keys[3].skip = Some(Skip::ModelRefused { until: Timestamp::MAX });
    snapshot.keys[4].skip = Some(Skip::Tried);
    snapshot.active = None;
    snapshot.traffic.errors_per_second = vec![u32::MAX; 60];
    snapshot.traffic.per_second = vec![u32::MAX; 60];
    snapshot.traffic.dropped_records = 21;
    snapshot.traffic.failed_saves = 2;
    snapshot.traffic.in_flight = u32::MAX;
    snapshot.confidence.percent = f64::NAN;
    snapshot.global_rate = RateView { last_second: u32::MAX, per_second: 1, last_minute: u32::MAX, per_minute: 1 };
    snapshot.notices = [Severity::Ok, Severity::Info, Severity::Warn, Severity::Fail]
        .into_iter()
        .zip(1..)
        .map(|(severity, number)| Notice {
            number,
            at: at(),
            severity,
            message: Message::new("why-blocked").with("label", "x".repeat(usize::from(number as u8) * 60)),
        })
        .collect();
    snapshot
}

fn normal_keys() -> Vec<KeyView> {
    let gone = |kind, seconds| window(kind, Some(0.0), Some(later(seconds)));
    vec![
        KeyView {
            active: true,
            in_flight: 2,
            last_used: Some(ago(1)),
            rate: RateView { last_second: 2, per_second: 4, last_minute: 41, per_minute: 120 },
            shares_account_with: vec![Label::new("spare")],
            ..key("alpha", 512, 0.72, 0.81)
        },
        KeyView {
            in_flight: 1,
            last_used: Some(ago(4)),
            rate: RateView { last_second: 1, per_second: 4, last_minute: 38, per_minute: 120 },
            ..key("beta", 498, 0.55, 0.64)
        },
        KeyView {
            status: Status::Warn,
            counters: Counters { error_429: 2, ..Counters::default() },
            last_used: Some(ago(75)),
            ..key("work-main", 251, 0.18, 0.09)
        },
        KeyView {
            status: Status::Exhausted,
            skip: Some(Skip::CoolingDown { cause: "quota_five_hours".into(), until: later(6_610) }),
            usage: known(vec![
                gone(WindowKind::FiveHours, 6_610),
                window(WindowKind::Week, Some(0.4), Some(later(300_000))),
            ]),
            ..key("delta", 19, 0.0, 0.4)
        },
        KeyView {
            status: Status::Blocked,
            skip: Some(Skip::Blocked { reason: "payment_required".into(), until: Some(later(3_130)) }),
            counters: Counters { error_403: 1, ..Counters::default() },
            usage: UsageView::Failed { at: ago(400), fault: "payment_required".into(), usage: None },
            ..key("omega", 4, 0.0, 0.0)
        },
        KeyView {
            status: Status::Disabled,
            skip: Some(Skip::Disabled),
            usage: UsageView::Unknown,
            last_used: None,
            contradiction: None,
            shares_account_with: vec![Label::new("alpha")],
            ..key("spare", 0, 1.0, 1.0)
        },
    ]
}

fn key(label: &str, requests: u64, five_hours: f64, week: f64) -> KeyView {
    KeyView {
        label: Label::new(label),
        masked: "sk-k***9f3c".into(),
        source: format!("{label}.env"),
        email: Some(format!("{label}@example.com")),
        host: "api.kimi.com".into(),
        priority: 0,
        active: false,
        status: Status::Healthy,
        skip: None,
        in_flight: 0,
        requests,
        counters: Counters::default(),
        last_used: Some(ago(7_500)),
        usage: known(vec![
            window(WindowKind::FiveHours, Some(five_hours), Some(later(6_610))),
            window(WindowKind::Week, Some(week), Some(later(300_000))),
        ]),
        pace: vec![
            Pace { kind: WindowKind::FiveHours, per_hour: 0.18 },
            Pace { kind: WindowKind::Week, per_hour: 0.004 },
        ],
        rate: RateView::default(),
        tokens: Tokens { input: Some(1_204_000), output: Some(80_400), cached: Some(900_000) },
        contradiction: None,
        shares_account_with: Vec::new(),
    }
}

fn known(windows: Vec<Window>) -> UsageView {
    let usage = Usage { windows, user_id: Some("u-1".into()), parallel_limit: Some(30), ..Usage::default() };
    UsageView::Known { at: ago(140), usage: Arc::new(usage) }
}

fn window(kind: WindowKind, left: Option<f64>, resets_at: Option<Timestamp>) -> Window {
    let used = left.map(|left| (2_048.0 * (1.0 - left)).round());
    Window { kind, left, used, limit: left.map(|_| 2_048.0), resets_at }
}

/// The dashboard's own messages stand in for the doctor's.
fn normal_findings() -> Arc<[Finding]> {
    let finding = |severity, subject: &'static str, seen, fix| Finding {
        id: subject.into(),
        severity,
        subject: Message::new(subject),
        seen,
        fix,
        remedy: None,
    };
    let allow = Message::new("why-auto-rotate").with("setting", "KMI_AUTO_ROTATE_ALLOWED=1");
    Arc::new([
        finding(Severity::Ok, "pane-keys", Message::new("keys-ready").with("ready", 3_i64).with("all", 6_i64), None),
        finding(Severity::Ok, "pane-quota", Message::new("quota-checked").with("age", Duration::from_secs(140)), None),
        finding(Severity::Warn, "pane-limits", Message::new("limits-dropped").with("count", 2_i64), Some(allow)),
        finding(Severity::Info, "pane-trace", Message::new("trace-following"), None),
    ])
}

pub(super) fn record() -> TraceRecord {
    TraceRecord {
        passed_over: Arc::default(),
        process: None,
        session: None,
        at: at(),
        request_id: "0123456789abcdef0123456789abcdef".into(),
        method: "POST".into(),
        prompt_hint: "Refactor the parser to return".into(),
        prompt_head: "Refactor".into(),
        key: Some(Label::new("alpha")),
        key_hash: Some("a4a6d307ad00".into()),
        endpoint: "/chat/completions".into(),
        status: 200,
        latency: Duration::from_millis(840),
        total: Duration::from_millis(6_300),
        error_code: None,
        rotation_index: 7,
        waited: Duration::ZERO,
        shared_cause: None,
        attempts: vec![Attempt { key: Label::new("alpha"), status: Some(200), cause: "ok".into(), ms: 840, why: None }],
        ending: Ending::Completed,
        first_byte: Some(Duration::from_millis(910)),
        tokens: Tokens { input: Some(12_400), output: Some(940), cached: Some(11_000) },
        bytes_in: 48_210,
        bytes_out: 9_120,
        model: Some("kimi-for-coding".into()),
        stream: true,
        conversation: Some("3f2a91c07be40d15".into()),
        client: Some("KimiCLI/1.49.0".into()),
        error: None,
    }
}

/// A handful of requests, oldest first, one of each kind.
pub(super) fn history() -> Vec<Arc<TraceRecord>> {
    let failed =
        Attempt { key: Label::new("delta"), status: Some(403), cause: "quota_five_hours".into(), ms: 120, why: None };
    let over = record().attempts[0].clone();
    let kinds = [
        record(),
        TraceRecord { endpoint: "/messages".into(), key: Some(Label::new("beta")), ..record() },
        TraceRecord { attempts: vec![failed, over], prompt_hint: "Why does this test...".into(), ..record() },
        TraceRecord {
            method: "GET".into(),
            endpoint: "/models".into(),
            prompt_hint: String::new(),
            tokens: Tokens::default(),
            total: Duration::from_millis(85),
            first_byte: Some(Duration::from_millis(80)),
            ..record()
        },
        TraceRecord {
            key: Some(Label::new("work-main")),
            status: 429,
            error_code: Some("429".into()),
            tokens: Tokens::default(),
            attempts: vec![Attempt {
                key: Label::new("work-main"),
                status: Some(429),
                cause: "rate_limited".into(),
                ms: 90,
                why: None,
            }],
            ..record()
        },
        TraceRecord { ending: Ending::ClientGone, error_code: Some("client_gone".into()), ..record() },
        TraceRecord { ending: Ending::UpstreamCut, error_code: Some("stream_cut".into()), ..record() },
        TraceRecord {
            key: None,
            status: 503,
            error_code: Some("no_key_available".into()),
            attempts: Vec::new(),
            first_byte: None,
            tokens: Tokens::default(),
            ..record()
        },
    ];
    let numbered = (0_i64..).zip(kinds.into_iter().cycle().take(20));
    numbered
        .map(|(number, record)| {
            Arc::new(TraceRecord { at: ago(80 - 4 * number), request_id: format!("{number:032x}"), ..record })
        })
        .collect()
}

/// Requests whose every text is foreign and hostile.
pub(super) fn hostile() -> Vec<Arc<TraceRecord>> {
    let evil = || "\u{1b}]52;c;Zm9v\u{7}\u{202e}日本語 e\u{301}\u{200b}👩‍👩‍👧‍👦 ".repeat(9);
    let record = TraceRecord {
        method: evil().into(),
        prompt_hint: evil(),
        key: Some(Label::new(&evil())),
        endpoint: evil(),
        status: u16::MAX,
        latency: Duration::MAX,
        total: Duration::MAX,
        error_code: Some(evil()),
        first_byte: Some(Duration::MAX),
        tokens: Tokens { input: Some(u64::MAX), output: None, cached: None },
        bytes_in: u64::MAX,
        model: Some(evil()),
        conversation: Some(evil()),
        client: Some(evil()),
        error: Some(evil()),
        attempts: vec![Attempt {
            key: Label::new(&evil()),
            status: None,
            cause: evil().into(),
            ms: u64::MAX,
            why: None,
        }],
        ..record()
    };
    vec![Arc::new(record)]
}
