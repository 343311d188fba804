//! The trace as a person asks for it: `kmi-tui trace` over files that rotate, hold nonsense, or are not there.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout},
    time::timeout,
};

use crate::support::{
    proxy::{Home, home, key, simulator},
    source,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A record's line as it stands in the file, with some fields different.
fn line(id: &str, different: Value) -> String {
    let mut record = json!({
        "ts": "2026-02-02 15:30:00 +0300", "request_id": id, "method": "POST", "prompt_hint": "hello there",
        "prompt_head": "hello", "key_label": "alpha", "key_hash": "a4a6d307ad00", "endpoint": "/chat/completions",
        "status": 200, "latency_ms": 12, "error_code": null, "rotation_index": 0, "schema_version": 1,
        "attempts": [{"key": "alpha", "status": 200, "cause": "ok", "ms": 11}], "ending": "completed",
        "total_ms": 40, "first_byte_ms": 13, "tokens": {"input": 5, "output": 7, "cached": null},
        "bytes_in": 10, "bytes_out": 20, "model": "kimi-for-coding", "stream": true, "client": "KimiCLI/1.49", "error": null,
    });
    if let (Value::Object(record), Value::Object(different)) = (&mut record, different) {
        record.extend(different);
    }
    format!("{record}\n")
}

fn plain(id: &str) -> String {
    line(id, json!({}))
}

fn file(home: &Home, name: &str) -> PathBuf {
    home.state_dir().join("trace").join(name)
}

/// A home with a trace of these files; UTC, so that times can be compared.
fn with_trace(files: &[(&str, String)]) -> Home {
    let home = Home::new().set("KMI_TIMEZONE", "UTC");
    fs::create_dir_all(home.state_dir().join("trace")).expect("made");
    for (name, text) in files {
        fs::write(file(&home, name), text).expect("written");
    }
    home
}

fn append(home: &Home, text: &str) {
    let path = file(home, "trace.jsonl");
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("opened");
    file.write_all(text.as_bytes()).expect("written");
}

/// The ids of the records that it prints as JSON.
async fn ids(home: &Home, arguments: &[&str]) -> Vec<String> {
    let typed: Vec<&str> = ["trace", "--json"].iter().chain(arguments).copied().collect();
    let (code, said, errors) = home.run(&typed).await;
    assert_eq!(code, Some(0), "{arguments:?}: {errors}");
    let id = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["request_id"].as_str().map(str::to_owned);
    said.lines().map(|line| id(line).expect("an id")).collect()
}

#[tokio::test]
async fn what_is_asked_for_is_found_through_rotated_files() {
    let home = with_trace(&[
        ("trace.jsonl.2", plain("1") + &line("2", json!({"status": 429, "error_code": 429}))),
        ("trace.jsonl.1", line("3", json!({"key_label": "beta", "total_ms": 2_000})) + "nonsense\n"),
        (
            "trace.jsonl",
            line("4", json!({"status": 503, "error_code": "no_key_available", "key_label": null, "attempts": []}))
                + &line("5", json!({"prompt_hint": "Напиши стих", "endpoint": "/models", "method": "GET"}))
                + r#"{"ts_msk": "2026-02-02 15:31:00 +0300", "request_id": "6", "key_label": "alpha", "status": 200}"#,
        ),
    ]);
    for (arguments, expected) in [
        (&[][..], &["1", "2", "3", "4", "5", "6"][..]),
        (&["--window", "2"], &["5", "6"]),
        (&["--window", "2", "--status", "4xx,5xx"], &["2", "4"]),
        (&["--window", "1", "key:beta"], &["3"]),
        (&["--key", "ALPHA", "-path:/models"], &["1", "2", "6"]),
        (&["status:4xx,503", "-key:alpha"], &["4"]),
        (&["cause:no_key_available"], &["4"]),
        (&[">1s"], &["3"]),
        (&["->1s", "<=40ms"], &["1", "2", "4", "5", "6"]),
        (&["--grep", "СТИХ"], &["5"]),
        (&["--filter", "-стих \"hello there\"", "--status=200"], &["1", "3"]),
        (&["--filter", "-hello", "method:get"], &["5"]),
        (&["--since", "2026-02-02T12:31:00Z"], &["6"]),
        (&["--since", "2026-02-02 15:31:00 +0300"], &["6"]),
        (&["--since", "2026-02-02 12:31"], &["6"]),
        (&["--since", "2026-02-02"], &["1", "2", "3", "4", "5", "6"]),
        (&["--since", "10m"], &[]),
    ] {
        assert_eq!(ids(&home, arguments).await, expected, "{arguments:?}");
    }
    let late = with_trace(&[(
        "trace.jsonl",
        line("long", json!({"ts": "2026-02-02 12:31:00 +0000"}))
            + &line("short", json!({"ts": "2026-02-02 12:20:00 +0000"})),
    )]);
    assert_eq!(ids(&late, &["--since", "2026-02-02 12:30"]).await, ["long"], "they stand as they ended");
    let east = with_trace(&[("trace.jsonl", plain("1"))]).set("KMI_TIMEZONE", "+05:00");
    assert_eq!(ids(&east, &["--since", "2026-02-02 17:30"]).await, ["1"]);
    assert_eq!(ids(&east, &["--since", "2026-02-02 17:31"]).await, [""; 0]);
}

#[tokio::test]
async fn all_that_is_wrong_is_said_in_the_persons_language() {
    let home = with_trace(&[("trace.jsonl", plain("1"))]);
    let wrong = ["trace", "kye:alpha", ">800", "--status", "42", "--since", "soon", "--filter", "ending:well"];
    for (language, words) in [("en", "there is no such field"), ("ru", "такого поля нет")] {
        let typed: Vec<&str> = wrong.iter().copied().chain(["--lang", language]).collect();
        let (code, said, errors) = home.run(&typed).await;
        assert_eq!((code, said.as_str()), (Some(2), ""), "{errors}");
        assert_eq!(errors.lines().count(), 5, "{errors}");
        for part in ["kye:alpha", ">800", "status:42", "soon", "ending:well", "client_gone", words] {
            assert!(errors.contains(part), "{part}: {errors}");
        }
    }
}

#[tokio::test]
async fn a_trace_that_is_not_there_is_no_failure_and_nothing_is_made() {
    let home = Home::new();
    for (arguments, expected) in [
        (&["trace"][..], ""),
        (&["trace", "--json"], ""),
        (&["trace", "--csv"], "time,request_id,key,"),
        (&["trace", "--summary"], ""),
        (&["trace", "--summary", "--json"], "{\n  \"count\": 0,"),
    ] {
        let (code, said, errors) = home.run(arguments).await;
        assert_eq!(code, Some(0), "{arguments:?}: {errors}");
        assert!(said.starts_with(expected) && said.is_empty() == expected.is_empty(), "{arguments:?}: {said}");
        assert!(!errors.is_empty() || arguments.contains(&"--summary"), "{arguments:?} says why");
    }
    assert!(!home.state_dir().exists());
    let there = with_trace(&[("trace.jsonl", plain("1"))]);
    for arguments in [&["trace"][..], &["trace", "--summary", "key:nobody"]] {
        assert_eq!(there.run(arguments).await.0, Some(0));
    }
    let names = |folder: PathBuf| fs::read_dir(folder).expect("there").count();
    assert_eq!((names(there.state_dir()), names(there.state_dir().join("trace"))), (1, 1));
}

#[tokio::test]
async fn what_cant_be_read_is_named() {
    let home = Home::new();
    fs::create_dir(home.state_dir()).expect("made");
    fs::write(home.state_dir().join("trace"), "no folder").expect("written");
    for form in [&["--json"][..], &["--summary"], &["--follow"]] {
        let typed: Vec<&str> = ["trace"].iter().chain(form).copied().collect();
        let (code, said, errors) = home.run(&typed).await;
        assert_eq!((code, errors.contains("trace.jsonl")), (Some(1), true), "{form:?}: {said} {errors}");
    }
}

#[tokio::test]
async fn people_get_a_table_that_fits_and_spreadsheets_get_rows() {
    let home = with_trace(&[(
        "trace.jsonl",
        plain("1")
            + &line(
                "2",
                json!({"status": 403, "error_code": 403, "attempts": [{"key": "alpha", "status": 403, "cause": "quota_week", "ms": 3}], "key_label": "a-rather-long-label-of-a-key", "endpoint": format!("/{}", "x".repeat(99))}),
            )
            + &line("3", json!({"prompt_hint": "=1+1, \"x\"", "ts": "2026-02-03 00:00:00 +0000"})),
    )]);
    let (_, said, _) = home.run(&["trace"]).await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 6, "a title, two days, three requests: {said}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{said}");
    assert!(lines[0].starts_with("time") && lines[0].ends_with("hint"), "{said}");
    assert_eq!((lines[1], lines[4]), ("2026-02-02", "2026-02-03"), "{said}");
    assert!(lines[2].starts_with("12:30:00 alpha ") && lines[2].contains("5→7"), "{said}");
    assert!(lines[3].contains(" 403 ") && lines[3].contains("week limit"), "{said}");
    assert!(!said.contains('\u{1b}'), "no colours in a pipe");
    let (_, said, _) = home.run(&["trace", "--lang", "ru", "--plain"]).await;
    assert!(said.starts_with("время") && said.contains("недельный") && said.contains("5>7"), "{said}");
    let (_, said, _) = home.run(&["trace", "--csv", "--window", "1"]).await;
    let rows: Vec<&str> = said.split("\r\n").collect();
    assert_eq!(rows.len(), 3, "{said}");
    assert!(rows[1].starts_with("2026-02-03 00:00:00+00:00,3,alpha,200,POST,"), "{said}");
    assert!(rows[1].ends_with(",\"'=1+1, \"\"x\"\"\","), "{said}");
}

#[tokio::test]
async fn nothing_hostile_is_printed() {
    let hostile = "a\u{1b}[31mred\u{1b}]0;title\u{7}\u{202e}evil\u{2066}\u{200b}\u{9b}2Jz\r\nnext";
    let all: Value = [
        "request_id",
        "method",
        "prompt_hint",
        "key_label",
        "endpoint",
        "error_code",
        "shared_cause",
        "model",
        "client",
        "error",
    ]
    .iter()
    .map(|name| ((*name).to_owned(), Value::from(hostile)))
    .collect::<serde_json::Map<_, _>>()
    .into();
    let home = with_trace(&[("trace.jsonl", line("1", all) + &line("2", json!({"prompt_hint": hostile})))]);
    for form in [&["--json"][..], &["--csv"], &["--summary"], &["--summary", "--json"], &[]] {
        let typed: Vec<&str> = ["trace"].iter().chain(form).copied().collect();
        let (code, said, errors) = home.run(&typed).await;
        assert_eq!(code, Some(0), "{errors}");
        let bad = |letter: &char| {
            letter.is_control() && !"\r\n".contains(*letter) || "\u{202e}\u{2066}\u{200b}".contains(*letter)
        };
        assert_eq!(said.chars().find(bad), None, "{form:?}: {said:?}");
        assert!(said.contains("red") && !said.contains("\nnext"), "{form:?}: {said:?}");
    }
    let (_, _, errors) = home.run(&["trace", &format!("{hostile}:x")]).await;
    assert!(!errors.contains(['\u{1b}', '\u{202e}']), "{errors:?}");
}

#[tokio::test]
async fn a_summary_adds_up() {
    let home = with_trace(&[
        ("trace.jsonl.1", (0..300).map(|id| plain(&id.to_string())).collect()),
        (
            "trace.jsonl",
            (0..100).map(|id| line(&id.to_string(), json!({"key_label": "beta", "status": 500}))).collect(),
        ),
    ]);
    let (code, said, _) = home.run(&["trace", "--summary", "--json"]).await;
    let sums: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &sums["count"], &sums["errors"]), (Some(0), &json!(400), &json!(100)), "all, not the newest 200");
    assert_eq!((&sums["confidence"], &sums["statuses"]), (&json!(50.0), &json!({"2xx": 300, "5xx": 100})));
    documented("docs/schemas/trace-summary.json", &sums);
    let (_, said, _) = home.run(&["trace", "--summary", "--window", "10", "status:5xx"]).await;
    assert!(said.contains("10, 10 of them failed") && said.contains("beta") && !said.contains("alpha"), "{said}");
    let (_, _, errors) = home.run(&["trace"]).await;
    assert!(errors.contains("200") && errors.contains("--window"), "that there is more is said: {errors}");
}

#[tokio::test]
async fn records_are_as_the_schema_says() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).start().await;
    proxy.chat("hello", true).await;
    proxy.get("/nothing/here").await;
    proxy.traced(2).await;
    let (_, said, _) = proxy.home.run(&["trace", "--json"]).await;
    let file = fs::read_to_string(proxy.home.state_dir().join("trace/trace.jsonl")).expect("there");
    assert_eq!(said, file, "the lines of the file, beside the instance that writes it");
    for record in said.lines() {
        documented("docs/schemas/trace.json", &serde_json::from_str(record).expect("JSON"));
    }
    assert!(!said.contains(&key("alpha")));
}

/// What the schema requires is there, and what is there stands in the schema.
fn documented(schema: &str, value: &Value) {
    let schema: Value = serde_json::from_str(&source::read(schema)).expect("JSON");
    let paper = source::read("docs/trace.md");
    let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let required: Vec<&str> = schema["required"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    for name in required {
        assert!(value.get(name).is_some(), "{name} is missing: {value}");
    }
    for name in names(value) {
        assert!(schema["properties"].get(&name).is_some(), "{name} is in no schema");
        assert!(paper.contains(&format!("`{name}`")), "{name} is not in docs/trace.md");
    }
}

/// `trace --follow` while it runs.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let typed: Vec<&str> = ["trace", "--follow", "--json"].iter().chain(arguments).copied().collect();
        let mut child = home.command(&typed).spawn().expect("it runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    async fn next(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("in time").expect("text").expect("a line");
        let record: Value = serde_json::from_str(&line).expect("JSON");
        record["request_id"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test]
async fn following_survives_whatever_happens_to_the_file() {
    let home = with_trace(&[("trace.jsonl", plain("1") + &plain("2") + &plain("3"))]);
    let mut following = Following::start(&home, &["--window", "2", "-id:skip"]);
    assert_eq!((following.next().await, following.next().await), ("2".into(), "3".into()));
    append(&home, &(plain("skip") + &plain("4")));
    assert_eq!(following.next().await, "4");
    append(&home, &plain("5"));
    fs::rename(file(&home, "trace.jsonl"), file(&home, "trace.jsonl.1")).expect("rotated");
    append(&home, &plain("6"));
    assert_eq!((following.next().await, following.next().await), ("5".into(), "6".into()));
    let seventh = plain("7");
    let (first, second) = seventh.split_at(30);
    append(&home, first);
    append(&home, second);
    assert_eq!(following.next().await, "7");
    fs::remove_file(file(&home, "trace.jsonl")).expect("removed");
    append(&home, &plain("8"));
    assert_eq!(following.next().await, "8");
    let pid = following.child.id().and_then(|pid| Pid::from_raw(pid.try_into().expect("a pid"))).expect("it runs");
    kill_process(pid, Signal::INT).expect("sent");
    let ended = timeout(PATIENCE, following.child.wait()).await.expect("in time").expect("waited");
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn following_begins_before_the_trace_does_and_ends_with_its_reader() {
    let home = Home::new();
    let mut following = Following::start(&home, &[]);
    let mut errors = BufReader::new(following.child.stderr.take().expect("piped")).lines();
    let said = timeout(PATIENCE, errors.next_line()).await.expect("in time").expect("text").expect("a line");
    assert!(said.contains("trace.jsonl"), "{said}");
    assert!(!home.state_dir().exists());
    fs::create_dir_all(home.state_dir().join("trace")).expect("made");
    append(&home, &plain("1"));
    assert_eq!(following.next().await, "1");
    drop(following.lines);
    let ended = timeout(PATIENCE, following.child.wait()).await.expect("in time").expect("waited");
    assert_eq!(ended.code(), Some(0), "nobody reads, and nothing had to be written to see it");
}

#[tokio::test]
async fn a_reader_that_leaves_early_is_no_failure() {
    let home = with_trace(&[("trace.jsonl", (0..2_000).map(|id| plain(&id.to_string())).collect())]);
    for form in [&["--json"][..], &["--csv"], &[]] {
        let typed: Vec<&str> = ["trace", "--window", "2000"].iter().chain(form).copied().collect();
        let mut child = home.command(&typed).spawn().expect("it runs");
        drop(child.stdout.take());
        let ended = timeout(PATIENCE, child.wait_with_output()).await.expect("in time").expect("waited");
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""), "{form:?}");
    }
}
