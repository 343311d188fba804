//! What is measured: the upstream itself, kmi-tui in front of it, nginx in front of it. Each is a process of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{clock, screen, support::proxy::Home};

/// Longest wait for a start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server to be asked.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Before the path below `/v1`.
    pub(crate) base: &'static str,
    child: Child,
    /// Everything that it wrote goes with it.
    _folder: Option<Box<dyn std::any::Any>>,
}

impl Drop for Target {
    fn drop(&mut self) {
        for pid in clock::children(self.child.id()) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Target {
    /// This program once more, as the upstream.
    pub(crate) fn upstream() -> Self {
        let program = std::env::current_exe().expect("a program");
        let mut child = Command::new(program).arg("--upstream").stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it says where");
        let address = line.trim().parse().expect("an address");
        Self { address, base: "/coding/v1", child, _folder: None }
    }

    /// The same with a dashboard of its own, which somebody looks at.
    pub(crate) fn kmi_on_screen(home: Home) -> Self {
        rotating(&home);
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let home = home.set("KMI_PROXY_LISTEN", address.to_string());
        let (child, _) = screen::spawn(&home);
        wait_for(&home.state_dir().join("errors"), || TcpStream::connect(address).ok());
        Self { address, base: "/kmi-rotor/v1", child, _folder: Some(Box::new(home)) }
    }

    /// kmi-tui as it runs in the background: trace, log, lines, limits, health and auto-rotation on.
    pub(crate) fn kmi(home: Home) -> Self {
        rotating(&home);
        let (lines, errors) = (home.state_dir().join("lines"), home.state_dir().join("errors"));
        let child = command(&home, &["--no-ui"])
            .stdout(fs::File::create(&lines).expect("made"))
            .stderr(fs::File::create(&errors).expect("made"))
            .spawn()
            .expect("kmi-tui starts");
        let address = wait_for(&errors, || {
            let text = fs::read_to_string(&lines).ok()?;
            text.split("http://").nth(1)?.split('/').next()?.parse().ok()
        });
        Self { address, base: "/kmi-rotor/v1", child, _folder: Some(Box::new(home)) }
    }

    /// nginx as a reverse proxy with kept connections on both sides and its access log on; none where it is not installed.
    pub(crate) fn nginx(program: &str, upstream: SocketAddr) -> Option<Self> {
        Command::new(program)
            .arg("-v")
            .stderr(Stdio::null())
            .status()
            .ok()
            .filter(std::process::ExitStatus::success)?;
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let path = folder.path().join("nginx.conf");
        fs::write(&path, configuration(folder.path(), port, upstream)).expect("written");
        let child = Command::new(program).arg("-c").arg(&path).spawn().expect("nginx starts");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_for(&folder.path().join("error.log"), || TcpStream::connect(address).ok());
        Some(Self { address, base: "/kmi-rotor/v1", child, _folder: Some(Box::new(folder)) })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process and those below it.
    pub(crate) fn processes(&self) -> Vec<u32> {
        std::iter::once(self.pid()).chain(clock::children(self.pid())).collect()
    }

    /// A request as bytes. `rest` is the path below `/v1`.
    pub(crate) fn request(&self, method: &str, rest: &str, body: &[u8]) -> Vec<u8> {
        let mut request = format!(
            "{method} {}{rest} HTTP/1.1\r\nHost: {}\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n\
             Authorization: Bearer any-key-will-do\r\nContent-Type: application/json\r\n",
            self.base, self.address
        );
        if method != "GET" {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        [request.as_bytes(), body].concat()
    }
}

/// Auto-rotation is on from the start.
fn rotating(home: &Home) {
    fs::create_dir_all(home.state_dir()).expect("made");
    let state = home.state_dir().join("state.json");
    if !state.exists() {
        fs::write(&state, r#"{"schema_version":1,"auto_rotate":true}"#).expect("written");
    }
}

/// A port that was free a moment ago, for those who can't say which one they got.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr()).expect("a port").port()
}

/// kmi-tui in this home, quiet.
pub(crate) fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmi-tui"));
    command.args(arguments).env_clear().envs(home.environment()).stdin(Stdio::null());
    command
}

/// Looks until there is something; `errors` says why there is not.
fn wait_for<T>(errors: &Path, look: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        let why = || fs::read_to_string(errors).unwrap_or_default();
        assert!(began.elapsed() < PATIENCE, "it did not start: {}", why());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn configuration(folder: &Path, port: u16, upstream: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error.log;\n\
         events {{ worker_connections 20000; }}\n\
         http {{\n access_log {folder}/access.log;\n client_body_temp_path {folder}/body;\n proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/f;\n uwsgi_temp_path {folder}/u;\n scgi_temp_path {folder}/s;\n\
         client_max_body_size 100m;\n client_body_buffer_size 4m;\n keepalive_requests 100000000;\n\
         upstream backend {{ server {upstream}; keepalive 1024; keepalive_requests 100000000; }}\n\
         server {{ listen 127.0.0.1:{port} backlog=16384;\n  location /kmi-rotor/v1/ {{\n\
         proxy_pass http://backend/coding/v1/;\n proxy_http_version 1.1;\n proxy_set_header Connection \"\";\n\
         proxy_set_header Authorization \"Bearer sk-of-the-key\";\n proxy_buffering off;\n proxy_read_timeout 600s;\n\
         }} }} }}\n"
    )
}
