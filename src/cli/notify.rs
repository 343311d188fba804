//! Calls a person without a dashboard: by this machine's desktop, or by the terminal that `--no-ui` runs in. Not what for
//! (`domain::alert`), nor a dashboard's own terminal (`tui`).

use std::{
    io::{self, IsTerminal, Write},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use jiff::tz::TimeZone;
use tokio::{process::Command, sync::watch, time::timeout};

use crate::{
    domain::{
        alert::{Alerts, Call, Way, told},
        message::Message,
        snapshot::Snapshot,
    },
    engine::task,
    i18n::{Locale, Words},
    tui,
};

/// A desktop that takes longer has other worries.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a text goes to the desktop, as its last argument.
const DESKTOP: &[&str] = if cfg!(target_os = "macos") {
    &[
        "osascript",
        "-e",
        "on run argv",
        "-e",
        "display notification (item 1 of argv) with title \"kmi-tui\"",
        "-e",
        "end run",
    ]
} else {
    &["notify-send", "--app-name=kmi-tui", "kmi-tui"]
};

/// Starts to watch, where it is this process that calls: a dashboard rings its own terminal.
pub(super) fn start(call: Call, dashboard: bool, snapshots: watch::Receiver<Arc<Snapshot>>, words: &Words) {
    let Some(way) = call.way else { return };
    let here = match way {
        Way::Desktop => true,
        Way::Bell | Way::Terminal => !dashboard && io::stderr().is_terminal(),
    };
    if here {
        task::spawn(watch(way, call.percent, snapshots, words.locale(), words.zone()));
    }
}

/// Looks at every snapshot, until there are no more. Words are made where they are needed: they stay in their thread.
async fn watch(way: Way, percent: u8, mut snapshots: watch::Receiver<Arc<Snapshot>>, locale: Locale, zone: TimeZone) {
    let mut alerts = Alerts::below(percent);
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        let news = alerts.look(&snapshot.keys, snapshot.at);
        if !news.is_empty() {
            say(way, &news, locale, &zone).await;
        }
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}

async fn say(way: Way, news: &[Message], locale: Locale, zone: &TimeZone) {
    let text = {
        let words = Words::new(locale, zone.clone());
        told(news.iter().map(|message| words.render(message)))
    };
    if way == Way::Desktop {
        return on_desktop(&text).await;
    }
    // A terminal that is gone hears nothing.
    let _ = io::stderr().write_all(tui::calling(way, &text).as_bytes());
}

async fn on_desktop(text: &str) {
    let Some((program, arguments)) = DESKTOP.split_first() else { return };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(text)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    match timeout(PATIENCE, command.status()).await {
        Ok(Ok(status)) if status.success() => {}
        Ok(Ok(status)) => tracing::warn!(program, %status, "notification_failed"),
        Ok(Err(error)) => tracing::warn!(program, %error, "notification_failed"),
        Err(_) => tracing::warn!(program, "notification_timed_out"),
    }
}
