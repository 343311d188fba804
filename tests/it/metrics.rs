//! `/metrics` as a collector reads it: over the control socket, over a port of its own, and nothing secret in it.

use std::collections::{BTreeMap, BTreeSet};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::support::{
    client::{self, Raw},
    proxy::{Proxy, home, key, simulator, until},
};

/// Over the control socket, as `curl --unix-socket` asks: head and body.
async fn over_the_socket(proxy: &Proxy) -> (String, String) {
    let mut stream = UnixStream::connect(proxy.home.state_dir().join("kmi.sock")).await.expect("there");
    let asked = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.0\r\nConnection: close\r\n\r\n";
    stream.write_all(asked).await.expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

/// The samples by series. Panics where the text is not as the format says.
fn read(text: &str) -> BTreeMap<String, f64> {
    let (mut samples, mut described) = (BTreeMap::new(), BTreeSet::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let name = comment.split(' ').nth(1).expect("a name");
            assert!(described.insert((comment.starts_with("HELP"), name.to_owned())), "told twice: {line}");
            continue;
        }
        let (series, number) = line.rsplit_once(' ').expect("a number");
        let name = series.split('{').next().expect("a name");
        let of = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!([name, of].iter().any(|name| described.contains(&(false, (*name).to_owned()))), "no type: {line}");
        let number = number.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        assert!(samples.insert(series.to_owned(), number).is_none(), "twice: {line}");
    }
    samples
}

#[tokio::test]
async fn the_control_socket_tells_what_was_served_and_no_secret() {
    let simulator = simulator(&["alpha"]).await;
    let odd = format!("KMI_API_KEY={}\nKMI_KEY_LABEL=a\"b\\c\nKMI_KEY_DISABLED=1\n", key("odd"));
    let proxy = home(&simulator, &["alpha"]).with_auth("odd.env", &odd).start().await;
    assert_eq!(proxy.chat("hello", true).await.status, 200);
    assert_eq!(proxy.get("/nowhere").await.status, 404);
    proxy.traced(2).await;
    let (head, text) = over_the_socket(&proxy).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(!text.contains("sk-kimi"), "{text}");
    let samples = read(&text);
    for (series, number) in [
        (r#"kmi_requests_total{key="alpha",outcome="ok"}"#, 1.0),
        (r#"kmi_requests_total{key="alpha",outcome="4xx"}"#, 1.0),
        (r#"kmi_attempts_total{key="alpha",cause="ok"}"#, 1.0),
        ("kmi_request_duration_seconds_count", 2.0),
        (r#"kmi_request_duration_seconds_bucket{le="+Inf"}"#, 2.0),
        (r#"kmi_keys{status="disabled"}"#, 1.0),
        (r#"kmi_key_available{key="alpha"}"#, 1.0),
        (r#"kmi_key_available{key="a\"b\\c"}"#, 0.0),
        ("kmi_requests_held", 0.0),
    ] {
        assert_eq!(samples.get(series), Some(&number), "{series}: {text}");
    }
    assert!(samples[r#"kmi_tokens_total{key="alpha",model="kimi-for-coding",kind="output"}"#] > 0.0, "{text}");
    assert_eq!(proxy.home.run(&["status"]).await.0, Some(0), "the socket still speaks its own language");
}

#[tokio::test]
async fn a_port_of_its_own_serves_this_machine_alone() {
    let simulator = simulator(&["alpha"]).await;
    let proxy = home(&simulator, &["alpha"]).set("KMI_METRICS_LISTEN", "127.0.0.1:0").start().await;
    let log = proxy.home.state_dir().join("logs/kmi.log");
    let address = until("the port to be told", || {
        let log = std::fs::read_to_string(&log).ok()?;
        let line = log.lines().find(|line| line.contains("metrics_listening"))?;
        serde_json::from_str::<serde_json::Value>(line).ok()?["address"].as_str()?.parse().ok()
    })
    .await;
    let answer = client::request(address, "GET", "/metrics", &[], b"").await;
    assert_eq!(answer.status, 200);
    assert_eq!(read(&answer.text())["kmi_keys{status=\"warn\"}"], 1.0);
    assert_eq!(client::request(address, "GET", "/kmi-rotor/v1/models", &[], b"").await.status, 404);
    let mut raw = Raw::open(address).await;
    raw.send("GET /metrics HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n").await;
    raw.read_to_end().await;
    assert!(raw.text().starts_with("HTTP/1.1 403") && !raw.text().contains("kmi_"), "{}", raw.text());
}
