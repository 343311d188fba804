//! `e2e`: sends requests through the proxy and looks whether auto-rotation spreads them over all keys that can serve.

use std::{collections::BTreeSet, io::IsTerminal, sync::Arc, time::Duration};

use serde_json::json;

use super::{
    FAILED, Stop, USAGE,
    args::{Args, E2eArgs},
    complain, daemon,
    http::Http,
    say, target,
};
use crate::{
    config::Config,
    control::{Client, ControlError},
    domain::{
        command::{Command, Severity},
        confidence,
        key::Label,
        message::Message,
        order,
        snapshot::{Confidence, KeyView, Snapshot, Status},
        text,
    },
    i18n::Words,
};

/// What came of it.
#[derive(Debug, Default)]
struct Outcome {
    /// The key of each answer, newest last.
    served: Vec<String>,
    errors: u32,
    /// Keys that auto-rotation goes round, from the beginning to the end.
    eligible: BTreeSet<String>,
}

/// Checks the running instance, or one that is started for it and stopped afterwards.
pub(super) async fn run(args: &Args, wanted: &E2eArgs, config: &Config, words: &Words) -> Result<(), Stop> {
    if !config.policy.auto_rotate_allowed {
        let message = Message::new("why-auto-rotate").with("setting", "KMI_AUTO_ROTATE_ALLOWED=1");
        return Err(Stop::failed(words.render(&message)));
    }
    if !config.proxy.headers {
        return Err(Stop { code: USAGE, text: words.text("e2e-needs-headers") });
    }
    let started = target::running(config, words).await?.is_none();
    if started {
        daemon::spawn(args, config, words).await?;
    }
    let outcome = checked(wanted, config, words).await;
    if started {
        daemon::ended(config, false, words).await?;
    }
    judged(&outcome?, wanted, words)
}

/// Auto-rotation is on while it runs, and afterwards as it was.
async fn checked(wanted: &E2eArgs, config: &Config, words: &Words) -> Result<Outcome, Stop> {
    let failed = |error: ControlError| Stop::failed(words.render(&error.message()));
    let gone = || Stop::failed(words.text("cli-not-running"));
    let mut client: Client = target::running(config, words).await?.ok_or_else(gone)?;
    let before: Arc<Snapshot> = client.snapshot().await.map_err(failed)?;
    if !before.auto_rotate {
        let notice = client.command(Command::AutoRotate(true)).await.map_err(failed)?;
        if notice.severity >= Severity::Warn {
            return Err(Stop::failed(words.render(&notice.message)));
        }
    }
    let uri = format!("{}{}", before.setup.local, wanted.endpoint);
    let patience = Duration::from_secs(wanted.timeout.into());
    let http = Http::new(&uri, patience, config.proxy.tls.as_ref()).map_err(Stop::failed)?;
    let mut outcome = send(wanted, http, config, &before, words).await;
    // A key that was spent or refused on the way has nothing to answer for.
    let after = client.snapshot().await.map_err(failed)?;
    let after = eligible(&after, config);
    outcome.eligible.retain(|label| after.contains(label));
    if !before.auto_rotate {
        client.command(Command::AutoRotate(false)).await.map_err(failed)?;
    }
    Ok(outcome)
}

/// One after another, until they are all sent or it is clear that they spread.
async fn send(wanted: &E2eArgs, mut http: Http, config: &Config, before: &Snapshot, words: &Words) -> Outcome {
    let mut outcome = Outcome { eligible: eligible(before, config), ..Outcome::default() };
    for number in 1..=wanted.requests {
        match http.get(config.proxy.token.as_ref()).await {
            Ok(answer) if answer.status.as_u16() < 400 => outcome.served.extend(answer.key),
            _ => outcome.errors += 1,
        }
        if number % wanted.batch == 0 || number == wanted.requests {
            if std::io::stderr().is_terminal() {
                let message = Message::new("e2e-progress").with("done", i64::from(number));
                let message =
                    message.with("all", i64::from(wanted.requests)).with("percent", round(&outcome.measured(wanted)));
                complain(&words.render(&message));
            }
            let enough = number >= wanted.window.min(wanted.requests);
            if enough && outcome.is_good(wanted) {
                break;
            }
        }
    }
    outcome
}

/// Keys that auto-rotation goes round: the healthy ones, and those with a warning where they are asked for or nothing else
/// is left.
fn eligible(snapshot: &Snapshot, config: &Config) -> BTreeSet<String> {
    let open = |wanted: Status| snapshot.keys.iter().filter(move |key| key.skip.is_none() && key.status == wanted);
    let healthy: Vec<&KeyView> = open(Status::Healthy).collect();
    let warned = config.policy.include_warn || healthy.is_empty();
    let warned = open(Status::Warn).filter(|_| warned);
    order::set(healthy.into_iter().chain(warned).map(|key| key.label.to_string()))
}

impl Outcome {
    /// Requests for each of the eligible keys, of the last `window` or fewer: whole rounds only, since a round that is
    /// half over is not even yet.
    fn measured(&self, wanted: &E2eArgs) -> Confidence {
        let keys = &self.eligible;
        let served: Vec<&String> = self.served.iter().filter(|label| keys.contains(*label)).collect();
        let window = usize::try_from(wanted.window).unwrap_or(usize::MAX).min(served.len());
        let rounds = window.checked_div(keys.len()).unwrap_or_default().max(1) * keys.len();
        let last: Vec<&String> = served.into_iter().rev().take(rounds).collect();
        let count =
            |key: &String| u64::try_from(last.iter().filter(|served| **served == key).count()).unwrap_or(u64::MAX);
        let counts: Vec<(Label, u64)> = keys.iter().map(|key| (Label::new(key), count(key))).collect();
        confidence::measure(&counts)
    }

    fn is_good(&self, wanted: &E2eArgs) -> bool {
        let measured = self.measured(wanted);
        let idle = measured.counts.iter().any(|(_, count)| *count == 0);
        let least = f64::from(wanted.min_confidence);
        self.errors == 0 && !self.served.is_empty() && !idle && measured.percent >= least
    }
}

/// Rounded down: 94.9 is not 95.
fn round(measured: &Confidence) -> i64 {
    measured.percent.floor() as i64
}

fn judged(outcome: &Outcome, wanted: &E2eArgs, words: &Words) -> Result<(), Stop> {
    let (good, measured) = (outcome.is_good(wanted), outcome.measured(wanted));
    if wanted.json.json {
        let sent = outcome.served.len() + usize::try_from(outcome.errors).unwrap_or_default();
        say(&json!({
            "ok": good, "confidence": measured.percent, "min_confidence": wanted.min_confidence,
            "sent": sent, "errors": outcome.errors,
            "keys": order::map(measured.counts.iter().map(|(label, count)| (label.to_string(), *count))),
        })
        .to_string());
        return if good { Ok(()) } else { Err(Stop { code: FAILED, text: String::new() }) };
    }
    let row = |(label, count): &(Label, u64)| [text::clean(label.as_str(), 40), count.to_string()];
    let rows: Vec<[String; 2]> = measured.counts.iter().map(row).collect();
    super::table::print(&rows);
    let message = Message::new(if good { "e2e-good" } else { "e2e-bad" });
    let message = message.with("percent", round(&measured)).with("least", i64::from(wanted.min_confidence));
    let text = words.render(&message.with("count", i64::from(outcome.errors)));
    if good {
        say(&text);
        return Ok(());
    }
    Err(Stop::failed(text))
}
