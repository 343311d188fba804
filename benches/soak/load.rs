//! The clients: steady ones, some that read slowly, some that leave; and the judgement of what each of them saw.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{OwnedRwLockReadGuard, RwLock},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    field::{Field, Tally},
    support::proxy::Proxy,
};

type Http = Client<HttpConnector, Full<Bytes>>;

/// Nothing here takes so long, unless it is stuck.
const STUCK: Duration = Duration::from_secs(60);

/// The running program, over its ends and starts.
#[derive(Clone)]
pub(crate) struct Life {
    /// `None` = it has ended and not begun again. Whoever holds it for reading keeps it from being ended.
    proxy: Arc<RwLock<Option<Proxy>>>,
    now: Arc<Mutex<Moment>>,
}

/// Where it listens, and how many ends it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) address: SocketAddr,
    pub(crate) ends: u64,
    /// It is ended or about to.
    pub(crate) down: bool,
}

impl Life {
    pub(crate) fn begin(proxy: Proxy) -> Self {
        let now = Moment { address: proxy.address, ends: 0, down: false };
        Self { proxy: Arc::new(RwLock::new(Some(proxy))), now: Arc::new(Mutex::new(now)) }
    }

    pub(crate) fn now(&self) -> Moment {
        *self.now.lock().expect("nobody panicked")
    }

    /// The program, kept from being ended meanwhile.
    pub(crate) async fn proxy(&self) -> OwnedRwLockReadGuard<Option<Proxy>, Proxy> {
        let guard = self.proxy.clone().read_owned().await;
        OwnedRwLockReadGuard::map(guard, |proxy| proxy.as_ref().expect("it runs"))
    }

    /// Ends it and starts it again; in between nobody expects an answer.
    pub(crate) async fn again(&self, end: impl AsyncFnOnce(Proxy) -> super::Home) {
        let mut place = self.proxy.write().await;
        self.now.lock().expect("nobody panicked").down = true;
        let home = end(place.take().expect("it runs")).await;
        let proxy = home.start().await;
        {
            let mut now = self.now.lock().expect("nobody panicked");
            *now = Moment { address: proxy.address, ends: now.ends + 1, down: false };
        }
        *place = Some(proxy);
    }

    /// The program at the end of it all; whoever still asks for it waits as long as the first of the two is held.
    pub(crate) async fn last(&self) -> (impl Sized + use<>, Proxy) {
        let mut place = self.proxy.clone().write_owned().await;
        let proxy = place.take().expect("it runs");
        (place, proxy)
    }
}

/// Requests at a steady rate, whatever becomes of those before.
pub(crate) async fn load(life: Life, field: Field, rate: u64, seconds: u64, tally: Tally) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let mut tick = interval(Duration::from_secs(1) / u32::try_from(rate).expect("a rate"));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut tasks = JoinSet::new();
    for number in 0..seconds * rate {
        tick.tick().await;
        tasks.spawn(one(http.clone(), life.clone(), field.clone(), number, tally.clone()));
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

async fn one(http: Http, life: Life, field: Field, number: u64, tally: Tally) {
    let (began, before) = (Instant::now(), life.now());
    if before.down {
        return tally.count("not sent: the program was down");
    }
    let post = number % 10 != 8;
    let asked = match number {
        _ if number % 100 == 99 => timeout(STUCK, unusual(before.address, number % 200 == 99)).await,
        _ => timeout(STUCK, usual(&http, before.address, number)).await,
    };
    let outcome = asked.unwrap_or_else(|_| Err(Failure::told("stuck")));
    tally.took(began.elapsed());
    let failure = match outcome {
        Ok(well) => return tally.count(well),
        Err(failure) => failure,
    };
    let now = life.now();
    if now != before {
        return tally.count("ended with the program");
    }
    // Nothing can be done for a POST that may have been executed, and for a client that has seen a byte.
    let cut = match &failure.key {
        Some(key) => field.was_cut(Some(key), began, Instant::now()),
        // Time that has passed is gone for a GET too.
        None => (post || failure.kind.starts_with("504")) && field.was_cut(None, began, Instant::now()),
    };
    if cut {
        return tally.count(format!("cut by the upstream, and told: {}", failure.kind));
    }
    tally.count(format!("error: {}", failure.kind));
    tally.breach(format!("request {number} after {:?}: {} {}", began.elapsed(), failure.kind, failure.text));
}

/// What a client saw instead of an answer.
struct Failure {
    kind: String,
    /// Whose answer broke off, when one had begun.
    key: Option<String>,
    text: String,
}

impl Failure {
    fn told(kind: &str) -> Self {
        Self { kind: kind.to_owned(), key: None, text: String::new() }
    }
}

async fn usual(http: &Http, address: SocketAddr, number: u64) -> Result<String, Failure> {
    let (rest, stream) = match number % 10 {
        0..3 => ("/chat/completions", true),
        3..7 => ("/chat/completions", false),
        7 => ("/messages", number % 20 == 7),
        8 => ("/models", false),
        _ => ("/chat/completions", false),
    };
    let message = serde_json::json!([{"role": "user", "content": "Say something about soaking."}]);
    let body = serde_json::json!({"model": "kimi-for-coding", "max_tokens": 99, "stream": stream, "messages": message});
    let post = rest != "/models";
    let request = Request::builder()
        .method(if post { "POST" } else { "GET" })
        .uri(format!("http://{address}/kmi-rotor/v1{rest}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "soak/1")
        .header(header::AUTHORIZATION, "Bearer kmi-local")
        .body(Full::new(if post { body.to_string().into() } else { Bytes::new() }))
        .expect("valid");
    ask(http, request, stream).await
}

/// What became of a request: `ok`, with its attempts, or the error that the client saw.
async fn ask(http: &Http, request: Request<Full<Bytes>>, stream: bool) -> Result<String, Failure> {
    let answer = match http.request(request).await {
        Ok(answer) => answer,
        Err(error) => return Err(Failure { text: format!("{error:?}"), ..Failure::told("no answer") }),
    };
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (attempts, status) = (header("x-kmi-attempts").unwrap_or_else(|| "?".into()), answer.status().as_u16());
    let key = header("x-kmi-key").filter(|_| status == 200);
    let failed = |kind: String, text: String| Err(Failure { kind, key: key.clone(), text });
    let Ok(body) = answer.into_body().collect().await else { return failed("cut".into(), String::new()) };
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let whole = !stream || text.contains("[DONE]") || text.contains("message_stop");
    let shown = || text.chars().take(300).collect();
    match status {
        200 if text.starts_with("{\"error\"")
            || text.contains("\"type\":\"error\"")
            || text.contains("data: {\"error\"") =>
        {
            failed(format!("an error in a 200 after {attempts} attempts"), shown())
        }
        200 if whole => Ok(format!("ok after {attempts} attempts")),
        200 => failed(format!("a stream without an end after {attempts} attempts"), shown()),
        status => failed(format!("{status} after {attempts} attempts"), shown()),
    }
}

/// A client that leaves after the first bytes, or reads a few of them at a time.
async fn unusual(address: SocketAddr, leaves: bool) -> Result<String, Failure> {
    let body =
        r#"{"model":"kimi-for-coding","stream":true,"messages":[{"role":"user","content":"tell me a long story"}]}"#;
    let head =
        "POST /kmi-rotor/v1/chat/completions HTTP/1.1\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let request = format!("{head}host: {address}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let nothing = |_| Failure::told("no answer");
    let mut stream = TcpStream::connect(address).await.map_err(nothing)?;
    stream.write_all(request.as_bytes()).await.map_err(nothing)?;
    let (mut seen, mut piece) = (Vec::new(), [0; 512]);
    loop {
        let read = stream.read(&mut piece).await.unwrap_or_default();
        seen.extend_from_slice(&piece[..read]);
        if leaves && seen.len() > 100 {
            return Ok("ok, and left in the middle".into());
        }
        if read == 0 {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let text = String::from_utf8_lossy(&seen);
    let key = text.lines().find_map(|line| line.strip_prefix("x-kmi-key: ")).map(|key| key.trim().to_owned());
    if text.starts_with("HTTP/1.1 200") && text.ends_with("0\r\n\r\n") && text.contains("[DONE]") {
        return Ok("ok, read slowly".into());
    }
    let key = key.filter(|_| text.starts_with("HTTP/1.1 200"));
    Err(Failure { kind: "a slow reader's answer is not whole".into(), key, text: text.chars().take(300).collect() })
}
