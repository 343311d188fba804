//! The real binary, headless, in a temporary home: keys, settings, state and trace are files as a user would have them.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use kmi_tui::demo::{Account, Simulator};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, UnixStream},
    process::{Child, Command},
    time::{Instant, timeout},
};

use super::{
    client::{self, Answer, Raw},
    secrets,
};

/// Longest wait for anything that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(10);

/// The key of a label: long enough to be masked, unlike any other text.
pub(crate) fn key(label: &str) -> String {
    format!("sk-kimi-test-{label}-0123456789abcdef")
}

/// A home with auth files and settings, before the program is started.
pub(crate) struct Home {
    pub(crate) folder: Arc<Folder>,
    variables: Vec<(String, String)>,
    /// Who runs the program, where it is not who runs the test.
    pub(crate) user: Option<u32>,
}

/// Who owns nothing, on most systems.
const NOBODY: u32 = 65_534;

/// The folder of a home, gone with it. When it goes, nothing of what the program keeps may hold a key.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            secrets::none_below(&self.path().join("state"));
        }
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("kmi-it-").tempdir().expect("temp");
        fs::create_dir(folder.path().join("auths")).expect("made");
        Self { folder: Arc::new(Folder(folder)), variables: Vec::new(), user: None }
    }

    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// An auth file of this label that names no base URL of its own.
    pub(crate) fn with_key(self, label: &str) -> Self {
        self.with_auth(&format!("{label}.env"), &format!("KMI_API_KEY={}\n", key(label)))
    }

    pub(crate) fn with_auth(self, name: &str, content: &str) -> Self {
        fs::write(self.auths().join(name), content).expect("written");
        self
    }

    pub(crate) fn auths(&self) -> PathBuf {
        self.folder.path().join("auths")
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Gives the home to an ordinary user, for whom permissions hold, when it is root who runs the test.
    pub(crate) fn of_an_ordinary_user(mut self) -> Self {
        if rustix::process::getuid().is_root() {
            let program = self.program();
            let linked = self.folder.path().join("kmi-tui");
            // The build's folder may be closed to others.
            fs::hard_link(&program, &linked).or_else(|_| fs::copy(&program, &linked).map(drop)).expect("there");
            give(self.folder.path(), NOBODY);
            self.user = Some(NOBODY);
        }
        self
    }

    pub(crate) fn program(&self) -> PathBuf {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_kmi-tui"));
        if self.user.is_some() { self.folder.path().join("kmi-tui") } else { built }
    }

    /// The variables that make it a home.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let ours = [
            ("HOME", path(self.folder.path())),
            ("KMI_AUTHS_DIR", path(&self.auths())),
            ("KMI_STATE_DIR", path(&self.state_dir())),
            ("KMI_PROXY_LISTEN", "127.0.0.1:0".to_owned()),
        ];
        let ours = ours.into_iter().map(|(name, value)| (name.to_owned(), value));
        ours.chain(self.variables.iter().cloned()).collect()
    }

    /// The process ID of the instance that owns the state folder.
    pub(crate) fn pid(&self) -> Option<rustix::process::Pid> {
        let text = fs::read_to_string(self.state_dir().join("kmi.pid")).ok()?;
        text.trim().parse().ok().and_then(rustix::process::Pid::from_raw)
    }

    /// The binary with this home and nothing of the real environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command.args(arguments);
        self.at_home(command)
    }

    /// The binary as it runs after these commands of a shell have set its surroundings.
    pub(crate) fn command_in(&self, surroundings: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("{surroundings} && exec \"$0\" \"$@\"")]);
        command.arg(self.program()).args(arguments);
        self.at_home(command)
    }

    fn at_home(&self, mut command: Command) -> Command {
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
            .env_clear()
            .envs(self.environment())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The same files and settings for a second process; the folder goes with the last of them.
    pub(crate) fn beside(&self) -> Self {
        Self { folder: self.folder.clone(), variables: self.variables.clone(), user: self.user }
    }

    /// Starts the proxy and waits until it listens.
    pub(crate) async fn start(self) -> Proxy {
        Proxy::start(self, "http://").await
    }

    /// The same, after these commands of a shell have set its surroundings.
    pub(crate) async fn start_in(self, surroundings: &str) -> Proxy {
        let child = self.command_in(surroundings, &["--no-ui"]).spawn().expect("a shell");
        Proxy::listening(self, child, "http://").await
    }

    /// The same where its address begins so.
    pub(crate) async fn start_at(self, scheme: &str) -> Proxy {
        Proxy::start(self, scheme).await
    }

    /// Runs to the end: exit code, stdout, stderr.
    pub(crate) async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = timeout(PATIENCE, self.command(arguments).output()).await.expect("it ends").expect("it runs");
        secrets::none_in(&format!("{arguments:?}"), &[&*output.stdout, &*output.stderr].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

/// Gives a folder and all in it to this user; the program is a link to one that stays where it is.
fn give(folder: &Path, user: u32) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            give(&entry.path(), user);
        } else if entry.file_name() != "kmi-tui" {
            std::os::unix::fs::lchown(entry.path(), Some(user), Some(user)).expect("given");
        }
    }
    std::os::unix::fs::chown(folder, Some(user), Some(user)).expect("given");
}

/// Ends whatever serves this home in the background when the test is over, however it ends.
pub(crate) struct EndsBackground(pub(crate) Home);

impl std::ops::Deref for EndsBackground {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.0
    }
}

impl Drop for EndsBackground {
    fn drop(&mut self) {
        if let Some(pid) = self.0.pid() {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// A running proxy; killed when dropped.
pub(crate) struct Proxy {
    pub(crate) home: Home,
    pub(crate) address: SocketAddr,
    pub(crate) child: Child,
    said: Said,
}

/// What a program wrote to its outputs. When it goes, none of that may have been a key.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    pub(crate) fn add(&self, bytes: &[u8]) {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("nobody panicked").clone()
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        // The last one knows all.
        if !std::thread::panicking() && Arc::strong_count(&self.0) == 1 {
            secrets::none_in("an output", &self.bytes());
        }
    }
}

impl Proxy {
    async fn start(home: Home, scheme: &str) -> Self {
        let child = home.command(&["--no-ui"]).spawn().expect("the binary starts");
        Self::listening(home, child, scheme).await
    }

    /// Waits until it says where it listens.
    async fn listening(home: Home, mut child: Child, scheme: &str) -> Self {
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let first = timeout(PATIENCE, lines.next_line()).await.expect("it speaks in time").expect("text");
        let Some(first) = first else {
            let mut errors = String::new();
            child.stderr.take().expect("piped").read_to_string(&mut errors).await.expect("text");
            panic!("it ended: {errors}");
        };
        let address = first.split(scheme).nth(1).and_then(|rest| rest.split('/').next()).expect("an address");
        let address = address.parse().expect("an address");
        let said = Said::default();
        said.add(first.as_bytes());
        tokio::spawn(keep(lines.into_inner(), said.clone()));
        tokio::spawn(keep(child.stderr.take().expect("piped"), said.clone()));
        Self { home, address, child, said }
    }

    /// What it wrote to stdout and stderr so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.bytes()).into_owned()
    }

    pub(crate) async fn get(&self, rest: &str) -> Answer {
        self.request("GET", rest, &[], b"").await
    }

    /// A request below the base path.
    pub(crate) async fn request(&self, method: &str, rest: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        client::request(self.address, method, &format!("/kmi-rotor/v1{rest}"), headers, body).await
    }

    /// A chat request of one user message.
    pub(crate) async fn chat(&self, prompt: &str, stream: bool) -> Answer {
        let body = chat_body(prompt, stream);
        let headers = [("content-type", "application/json"), ("authorization", "Bearer kmi-local")];
        self.request("POST", "/chat/completions", &headers, body.as_bytes()).await
    }

    /// A streamed chat on a connection of its own, sent but not read.
    pub(crate) async fn begin_chat(&self) -> Raw {
        let (address, body) = (self.address, chat_body("tell me a story", true));
        let mut raw = Raw::open(address).await;
        let head =
            "POST /kmi-rotor/v1/chat/completions HTTP/1.1\r\ncontent-type: application/json\r\nconnection: close\r\n";
        raw.send(format!("{head}host: {address}\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        raw
    }

    /// What a wish on the control socket is answered.
    pub(crate) async fn control(&self, wish: &Value) -> Value {
        let asked = async {
            let mut stream = UnixStream::connect(self.home.state_dir().join("kmi.sock")).await?;
            let mut line = serde_json::json!({"v": 1, "id": 1});
            line.as_object_mut().expect("an object").extend(wish.as_object().expect("an object").clone());
            stream.write_all(format!("{line}\n").as_bytes()).await?;
            BufReader::new(stream).lines().next_line().await
        };
        let line = timeout(PATIENCE, asked).await.expect("an answer in time").expect("answered").expect("a line");
        secrets::none_in("the control socket", line.as_bytes());
        serde_json::from_str(&line).expect("JSON")
    }

    /// The id of the notice that a command is answered with.
    pub(crate) async fn command(&self, command: Value) -> String {
        let answer = self.control(&serde_json::json!({"do": "command", "command": command})).await;
        answer["notice"]["message"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Waits until a snapshot shows it.
    pub(crate) async fn seen(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let snapshot = self.control(&serde_json::json!({"do": "snapshot"})).await["snapshot"].take();
            if holds(&snapshot) {
                return snapshot;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}: {}", snapshot["running"]);
            tokio::time::sleep(STEP).await;
        }
    }

    /// Waits until the only running request is seen doing this.
    pub(crate) async fn runs(&self, phase: &str) -> Value {
        let only = |snapshot: &Value| snapshot["running"].as_array().is_some_and(|running| running.len() == 1);
        let does = |snapshot: &Value| only(snapshot) && snapshot["running"][0]["phase"]["is"] == phase;
        self.seen(phase, does).await["running"][0].take()
    }

    pub(crate) fn state(&self) -> Value {
        let text = fs::read_to_string(self.home.state_dir().join("state.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The trace's lines that are whole.
    pub(crate) fn trace(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.home.state_dir().join("trace/trace.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits until the trace holds this many records.
    pub(crate) async fn traced(&self, count: usize) -> Vec<Value> {
        until("the trace to be written", || Some(self.trace()).filter(|trace| trace.len() >= count)).await
    }

    /// Waits until the state file says so.
    pub(crate) async fn state_where(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        until(what, || Some(self.state()).filter(|state| holds(state))).await
    }

    pub(crate) fn pid(&self) -> rustix::process::Pid {
        let pid = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.try_into().expect("a pid")));
        pid.expect("it runs")
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("sent");
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").expect("waited")
    }
}

/// Takes in what the program says, which could block else.
async fn keep(mut output: impl AsyncRead + Unpin, said: Said) {
    let mut block = [0; 4096];
    while let Ok(read @ 1..) = output.read(&mut block).await {
        said.add(&block[..read]);
    }
}

fn chat_body(prompt: &str, stream: bool) -> String {
    serde_json::json!({
        "model": "kimi-for-coding",
        "stream": stream,
        "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": prompt}],
    })
    .to_string()
}

/// A simulator with a healthy account for each label.
pub(crate) async fn simulator(labels: &[&str]) -> Simulator {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let accounts = labels.iter().map(|label| Account { user_id: format!("user-{label}"), ..Account::new(&key(label)) });
    Simulator::start(listener, accounts.collect()).expect("started")
}

/// A home with a key for each label and this upstream; keys are not checked, so that only the test's requests are made.
pub(crate) fn home(simulator: &Simulator, labels: &[&str]) -> Home {
    let home = Home::new().set("KMI_UPSTREAM_BASE_URL", simulator.base_url()).set("KMI_USAGE_CACHE_SECONDS", "0");
    labels.iter().fold(home, |home, label| home.with_key(label))
}

/// Looks again and again until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(STEP).await;
    }
}

/// Every file below a folder that holds this text.
pub(crate) fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if fs::read(&path).is_ok_and(|bytes| memchr::memmem::find(&bytes, text.as_bytes()).is_some()) {
            found.push(path);
        }
    }
    found
}
