//! `report`: what a bug report needs, in one file, without a secret. Every known one is looked for before it is written.

use std::{
    fs::OpenOptions,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Stop, follow::Follower, say, status, target::Target};
use crate::{
    config::{Config, Environment, Flags, Loaded, Source},
    domain::{
        key::{Key, Secret},
        mask,
        message::Message,
        policy::Rotation,
        snapshot::Snapshot,
        trace::TraceRecord,
    },
    engine,
    i18n::{Locale, Words},
    store::{log, trace::TraceFile},
};

/// Records and log lines in it.
const RECORDS: usize = 50;
const LOG_LINES: usize = 100;
/// Of the log's end that is read for them.
const LOG_MAX: u64 = 256 * 1024;

/// Writes the report, beside the person unless another place is named.
pub(super) async fn run(
    output: Option<&Path>,
    flags: Flags,
    loaded: Loaded,
    environment: &Environment,
    words: &Words,
) -> Result<(), Stop> {
    let config = loaded.config.clone();
    let settings = settings(&loaded);
    let english = words.in_locale(Locale::English);
    let (follower, keys) = Follower::new(flags.clone(), environment.clone(), loaded.clone());
    let warnings: Vec<String> = follower.problems().iter().map(|problem| english.render(&problem.message)).collect();
    let mut target = Target::find(flags, loaded, environment, words).await?;
    let running = target.is_running();
    let snapshot = target.snapshot(words).await;
    target.finish().await;
    let text = report(&config, &*snapshot?, running, &settings, &warnings, words);
    let (text, hidden) = without_secrets(text, &secrets(&keys, &config));
    let name = format!("kmi-tui-report-{}.md", engine::wall().strftime("%Y%m%dT%H%M%SZ"));
    let path: PathBuf = output.map_or_else(|| PathBuf::from(name), Path::to_owned);
    write(&path, &text).map_err(|error| {
        let message = Message::new("report-failed").with("path", path.display().to_string());
        Stop::failed(words.render(&message.with("error", error.to_string())))
    })?;
    say(&words.render(&Message::new("report-written").with("path", path.display().to_string())));
    if hidden > 0 {
        say(&words.render(&Message::new("report-hidden").with("count", hidden)));
    }
    Ok(())
}

fn report(
    config: &Config,
    snapshot: &Snapshot,
    running: bool,
    settings: &[Value],
    warnings: &[String],
    words: &Words,
) -> String {
    let system = rustix::system::uname();
    let os = format!(
        "{} {} {}",
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy(),
        system.machine().to_string_lossy()
    );
    let english = words.in_locale(Locale::English);
    let findings: Vec<Value> = snapshot
        .findings
        .iter()
        .map(|finding| {
            json!({
                "status": finding.severity, "subject": english.render(&finding.subject), "seen": english.render(&finding.seen),
            })
        })
        .collect();
    let records: Vec<Value> = records(config).iter().map(record).collect();
    let sections = [
        ("Version", json!({"kmi-tui": env!("CARGO_PKG_VERSION"), "os": os, "at": status::stamp(engine::wall())})),
        ("Settings", json!(settings)),
        ("Warnings", json!(warnings)),
        ("Doctor", json!(findings)),
        ("Status", without_people(status::status_json(snapshot, running, config))),
        ("Last requests, without their words", json!(records)),
    ];
    let mut text = String::from("# kmi-tui report\n\nRead it before you share it: paths and host names are yours.\n");
    for (title, value) in sections {
        text.push_str(&format!("\n## {title}\n\n```json\n{value:#}\n```\n"));
    }
    text.push_str(&format!("\n## Log\n\n```\n{}\n```\n", log_lines(config).unwrap_or_else(|error| error.to_string())));
    text
}

/// What differs from the defaults, and where it comes from.
fn settings(loaded: &Loaded) -> Vec<Value> {
    let set = loaded.origins.iter().filter(|origin| origin.source != Source::Default);
    set.map(|origin| json!({"name": origin.name, "value": origin.value, "from": source(&origin.source)})).collect()
}

fn source(source: &Source) -> String {
    match source {
        Source::Flag(flag) => (*flag).to_owned(),
        Source::File(path) => path.display().to_string(),
        Source::Environment => "environment".to_owned(),
        Source::Default => "default".to_owned(),
    }
}

/// E-mail addresses are nobody else's business.
fn without_people(mut status: Value) -> Value {
    if let Some(keys) = status.get_mut("key_list").and_then(Value::as_array_mut) {
        for key in keys.iter_mut().filter_map(Value::as_object_mut) {
            key.remove("email");
        }
    }
    status
}

fn records(config: &Config) -> Vec<TraceRecord> {
    let rotation = Rotation { max_bytes: None, ..config.trace_rotation };
    let opened = TraceFile::open(&config.state_dir, rotation, config.zone.clone(), false);
    opened.map(|trace| trace.tail(RECORDS)).unwrap_or_default()
}

/// A request without the words of its prompt.
fn record(record: &TraceRecord) -> Value {
    // By way of its line in the trace: to make a value of a record directly takes code of its own.
    let line = serde_json::to_vec(record).unwrap_or_default();
    let mut value: Value = serde_json::from_slice(&line).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "prompt_hint" | "prompt_head"));
    }
    value
}

/// The log's last lines.
fn log_lines(config: &Config) -> io::Result<String> {
    let mut file = std::fs::File::open(log::path(&config.state_dir))?;
    let start = file.metadata()?.len().saturating_sub(LOG_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(LOG_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().rev().take(LOG_LINES).collect();
    Ok(lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
}

/// Everything that must not be in it.
fn secrets<'a>(keys: &'a [Key], config: &'a Config) -> Vec<&'a Secret> {
    keys.iter().map(|key| &key.secret).chain(&config.proxy.token).collect()
}

/// The text with every secret hidden, and how many there were. What looks like a key and is none of ours is hidden too.
fn without_secrets(text: String, secrets: &[&Secret]) -> (String, usize) {
    let (mut bytes, mut hidden) = (text.into_bytes(), 0);
    for secret in secrets.iter().map(|secret| secret.expose().as_bytes()) {
        hidden += memchr::memmem::find_iter(&bytes, secret).count();
        bytes = mask::mask_secret(&bytes, secret).unwrap_or(bytes);
    }
    (mask::mask_ids(&String::from_utf8_lossy(&bytes)), hidden)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
