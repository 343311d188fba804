//! What goes wrong around the proxy: its files, its disk, its process, and who looks at it meanwhile.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    field::{Field, Tally},
    load::Life,
    support::{
        proxy::{Home, Proxy, key},
        terminal::Terminal,
    },
};

/// A key that is out of the field for so long comes back in time.
const AWAY: Duration = Duration::from_secs(6);
/// The dashboard is looked at for so long.
const LOOK: Duration = Duration::from_secs(2);

/// All of them, one after the other, at random.
pub(crate) struct Faults {
    life: Life,
    field: Field,
    rng: StdRng,
    tally: Tally,
    /// Blocks that were answered, by label: they outlive every end.
    answered: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    SuddenEnd,
    Restart,
    FullDisk,
    ClosedFolder,
    FolderAway,
    RenamedKey,
    RemovedKey,
    HalfWrittenKey,
    NewKey,
    Reload,
    Command,
    Attached,
    Block,
}

impl Fault {
    /// Faults that end the process: the last life must be long enough to be compared with itself.
    const ENDS: [Self; 2] = [Self::SuddenEnd, Self::Restart];
    const OTHERS: [Self; 11] = [
        Self::FullDisk,
        Self::ClosedFolder,
        Self::FolderAway,
        Self::RenamedKey,
        Self::RemovedKey,
        Self::HalfWrittenKey,
        Self::NewKey,
        Self::Reload,
        Self::Command,
        Self::Attached,
        Self::Block,
    ];
}

impl Faults {
    pub(crate) fn new(life: Life, field: Field, rng: StdRng, tally: Tally) -> Self {
        Self { life, field, rng, tally, answered: 0 }
    }

    pub(crate) async fn run(mut self, length: Duration) {
        let began = Instant::now();
        while began.elapsed() + AWAY + LOOK < length {
            sleep(Duration::from_millis(self.rng.random_range(300..2_000))).await;
            let ends = began.elapsed() < length / 3 && self.rng.random_bool(0.3);
            let faults = if ends { &Fault::ENDS[..] } else { &Fault::OTHERS };
            let fault = *faults.choose(&mut self.rng).expect("some");
            self.tally.count(format!("trouble: {fault:?}"));
            self.cause(fault).await;
        }
        println!("| blocks that were answered and looked for | {} |", self.answered);
    }

    async fn cause(&mut self, fault: Fault) {
        let span = Duration::from_millis(self.rng.random_range(500..4_000));
        match fault {
            Fault::SuddenEnd => self.end_suddenly().await,
            Fault::Restart => self.restart().await,
            Fault::FullDisk => self.fill_disk(span).await,
            Fault::ClosedFolder => self.close_folder(span).await,
            Fault::FolderAway => self.take_folder_away(span).await,
            Fault::RenamedKey => self.change_key(rename).await,
            Fault::RemovedKey => self.change_key(remove).await,
            Fault::HalfWrittenKey => self.change_key(cut_short).await,
            Fault::NewKey => self.add_key().await,
            Fault::Reload => self.reload().await,
            Fault::Command => self.command(&["auto-rotate", "on"]).await,
            Fault::Attached => self.look_at_the_dashboard().await,
            Fault::Block => self.block().await,
        }
    }

    async fn end_suddenly(&self) {
        let (tally, before) = (self.tally.clone(), self.life.proxy().await.state());
        self.life
            .again(async |proxy: Proxy| {
                let Proxy { home, mut child, .. } = proxy;
                child.kill().await.expect("killed");
                tally.ended_suddenly();
                check_state(&home, &before, &tally);
                home
            })
            .await;
        self.tally.forget_samples();
    }

    async fn restart(&self) {
        let (tally, before) = (self.tally.clone(), self.life.proxy().await.state());
        self.life
            .again(async |mut proxy: Proxy| {
                proxy.signal(Signal::TERM);
                let ended = proxy.ended().await;
                if !ended.success() {
                    tally.breach(format!("a stop ended with {ended}"));
                }
                check_state(&proxy.home, &before, &tally);
                proxy.home
            })
            .await;
        self.tally.forget_samples();
    }

    /// The limit on the size of files stands for a full disk.
    async fn fill_disk(&self, span: Duration) {
        let proxy = self.life.proxy().await;
        if !limit_files(&proxy, "0").await {
            return self.tally.count("skipped: no prlimit to fill the disk with");
        }
        sleep(span).await;
        if !limit_files(&proxy, "unlimited").await {
            self.tally.breach("the limit on the size of files could not be lifted".to_owned());
        }
    }

    async fn close_folder(&self, span: Duration) {
        let proxy = self.life.proxy().await;
        let folder = proxy.home.state_dir();
        set_mode(&folder.join("trace"), 0o500);
        set_mode(&folder, 0o500);
        sleep(span).await;
        set_mode(&folder, 0o700);
        set_mode(&folder.join("trace"), 0o700);
    }

    async fn take_folder_away(&self, span: Duration) {
        let proxy = self.life.proxy().await;
        let (folder, away) = (proxy.home.state_dir(), proxy.home.folder.path().join("away"));
        fs::rename(&folder, &away).expect("moved");
        sleep(span).await;
        fs::rename(&away, &folder).expect("moved back");
    }

    /// Something happens to a key's file, and later it is as it was.
    async fn change_key(&mut self, change: fn(&Path, &str)) {
        let Some(label) = self.field.take(&mut self.rng, AWAY) else { return };
        let proxy = self.life.proxy().await;
        change(&proxy.home.auths(), label);
        sleep(AWAY / 2).await;
        let _ = fs::remove_file(proxy.home.auths().join(format!("{label}-2.env")));
        write_key(&proxy.home.auths(), label, label);
    }

    async fn add_key(&mut self) {
        let proxy = self.life.proxy().await;
        // It is a key that there is already: kept once.
        write_key(&proxy.home.auths(), "another", "alpha");
        sleep(AWAY / 2).await;
        fs::remove_file(proxy.home.auths().join("another.env")).expect("removed");
    }

    /// A settings file that changes is read, and all others with it.
    async fn reload(&mut self) {
        let proxy = self.life.proxy().await;
        let text = format!("KMI_HOLD_SECONDS={}\n", self.rng.random_range(0..3));
        fs::write(proxy.home.folder.path().join(".env"), text).expect("written");
    }

    async fn command(&self, arguments: &[&str]) {
        let proxy = self.life.proxy().await;
        let (code, _, errors) = proxy.home.run(arguments).await;
        if code != Some(0) {
            self.tally.breach(format!("{arguments:?} ended with {code:?}: {errors}"));
        }
    }

    async fn look_at_the_dashboard(&self) {
        let proxy = self.life.proxy().await;
        let mut screen = Terminal::open(&proxy.home, &[], (120, 40));
        screen.until_text("attached to pid").await;
        sleep(LOOK).await;
        screen.press("q").await;
        let (code, left) = screen.ended().await;
        if code != Some(0) || left.alternate {
            self.tally.breach(format!("the dashboard ended with {code:?}"));
        }
    }

    /// A block that was answered is on disk at once.
    async fn block(&mut self) {
        let Some(label) = self.field.take(&mut self.rng, AWAY) else { return };
        let reason = format!("soak {}", self.answered);
        self.command(&["block", label, "--reason", &reason]).await;
        let proxy = self.life.proxy().await;
        let found = proxy.state()["keys"][label]["blocked_reason"].clone();
        if found != reason {
            self.tally.breach(format!("{label} was blocked for {reason:?}, and the file says {found}"));
        }
        self.answered += 1;
        drop(proxy);
        sleep(Duration::from_secs(1)).await;
        self.command(&["unblock", label]).await;
    }
}

/// With the system's tool, as the program's own user: the one who runs this may be root without leave to do so.
async fn limit_files(proxy: &Proxy, most: &str) -> bool {
    let mut prlimit = tokio::process::Command::new("prlimit");
    prlimit.arg("--pid").arg(proxy.pid().as_raw_nonzero().to_string()).arg(format!("--fsize={most}:"));
    if let Some(user) = proxy.home.user {
        prlimit.uid(user).gid(user);
    }
    prlimit.output().await.is_ok_and(|output| output.status.success())
}

/// The file is whole, and counts no less than before.
fn check_state(home: &Home, before: &Value, tally: &Tally) {
    let text = fs::read_to_string(home.state_dir().join("state.json")).unwrap_or_default();
    let Ok(state) = serde_json::from_str::<Value>(&text) else {
        return tally.breach(format!("after an end the state is {} bytes and no JSON", text.len()));
    };
    for (label, key) in before["keys"].as_object().into_iter().flatten() {
        let (then, now) = (&key["request_count"], &state["keys"][label]["request_count"]);
        if now.as_u64() < then.as_u64() {
            tally.breach(format!("after an end {label} has {now} requests, and had {then}"));
        }
    }
}

fn rename(auths: &Path, label: &str) {
    let _ = fs::rename(auths.join(format!("{label}.env")), auths.join(format!("{label}-2.env")));
}

fn remove(auths: &Path, label: &str) {
    let _ = fs::remove_file(auths.join(format!("{label}.env")));
}

fn cut_short(auths: &Path, label: &str) {
    fs::write(auths.join(format!("{label}.env")), "KMI_API_K").expect("written");
}

fn write_key(auths: &Path, name: &str, of: &str) {
    fs::write(auths.join(format!("{name}.env")), format!("KMI_API_KEY={}\n", key(of))).expect("written");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}
