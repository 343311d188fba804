//! The dashboard of an instance that runs elsewhere on this machine: its snapshots and records in, commands out, over the
//! control socket. Leaving it leaves the proxy running; losing it shows so, and it is looked for again.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{broadcast, mpsc, watch},
    time::sleep,
};

use super::{
    Stop,
    args::Args,
    errands::Clerk,
    look, run,
    signals::{Stage, Stopper},
};
use crate::{
    config::{Config, Environment},
    control::{Client, News, Subscription},
    domain::{
        command::Command,
        snapshot::{Link, Snapshot},
        trace::TraceRecord,
    },
    engine::task,
    i18n::Words,
    tui,
};

/// How often a lost instance is looked for.
const AGAIN: Duration = Duration::from_secs(1);
/// Records that the screen may lag behind.
const LAG: usize = 4096;

/// Shows the running instance's dashboard until it is left.
pub(super) async fn run(
    args: &Args,
    config: &Config,
    environment: &Environment,
    client: Client,
    words: &Words,
) -> Result<(), Stop> {
    let failed = |error: &dyn std::fmt::Display| Stop::failed(error.to_string());
    let stopper = Stopper::listen().map_err(|error| failed(&error))?;
    let mut subscription = client.subscribe().await.map_err(|error| failed(&error))?;
    let mut history = Vec::new();
    let first = loop {
        match subscription.next().await.map_err(|error| failed(&error))? {
            News::Record(record) => history.push(record),
            News::Snapshot(snapshot) => break snapshot,
            News::Lost(_) => {}
        }
    };
    let (snapshots, seen) = watch::channel(linked(first, Link::Attached));
    let (records, heard) = broadcast::channel(LAG);
    let (missed, left_out) = mpsc::unbounded_channel();
    let newest = history.last().map(|record| record.request_id.clone());
    let screen = Screen { snapshots, records, missed, newest };
    let (commands, wishes) = mpsc::unbounded_channel();
    task::spawn(carry(config.state_dir.clone(), wishes));
    task::spawn(follow(config.state_dir.clone(), subscription, screen));
    // The proxy runs elsewhere already, so nobody will ask for it.
    let background = Arc::default();
    let clerk = Clerk {
        flags: args.flags(),
        environment: environment.clone(),
        auths_dir: seen.borrow().setup.auths_dir.clone().into(),
        home: config.state_dir.clone(),
        zone: config.zone.clone(),
        commands: commands.clone(),
    };
    let (errands, answers) = clerk.start();
    let feed = tui::Feed {
        snapshots: seen,
        history,
        records: heard,
        missed: left_out,
        commands,
        errands,
        answers,
        background,
    };
    let look = look::on_terminal(&config.state_dir, args, config, environment, words);
    let left = tui::run(feed, words.in_locale(words.locale()), look, stopper.reached(Stage::Draining));
    run::left(left.await, words).map(|_| ())
}

/// Where news go.
struct Screen {
    snapshots: watch::Sender<Arc<Snapshot>>,
    records: broadcast::Sender<Arc<TraceRecord>>,
    /// Counts of those that were left out.
    missed: mpsc::UnboundedSender<u64>,
    /// The last request that was shown.
    newest: Option<String>,
}

impl Screen {
    /// Shows what an instance tells, until it is lost. `again`: it tells what was before first, and some of that is shown
    /// already.
    async fn follow(&mut self, subscription: &mut Subscription, again: bool) {
        let mut before = again.then(Vec::new);
        // An error means that the instance is gone.
        while let Ok(news) = subscription.next().await {
            match (news, &mut before) {
                (News::Record(record), Some(before)) => before.push(record),
                (News::Record(record), None) => self.show(record),
                (News::Snapshot(snapshot), _) => {
                    let before = before.take().unwrap_or_default();
                    let shown = before.iter().rposition(|record| Some(&record.request_id) == self.newest.as_ref());
                    let unseen = before.into_iter().skip(shown.map_or(0, |at| at + 1));
                    unseen.for_each(|record| self.show(record));
                    self.snapshots.send_replace(linked(snapshot, Link::Attached));
                }
                // An error means that nobody looks any more.
                (News::Lost(count), _) => drop(self.missed.send(count)),
            }
        }
    }

    fn show(&mut self, record: Arc<TraceRecord>) {
        self.newest = Some(record.request_id.clone());
        // An error means that nobody looks any more.
        let _ = self.records.send(record);
    }
}

/// Hands news to the screen; when the instance is lost, says so and looks for it again.
async fn follow(state_dir: PathBuf, mut subscription: Subscription, mut screen: Screen) {
    let mut again = false;
    loop {
        screen.follow(&mut subscription, again).await;
        let last = screen.snapshots.borrow().clone();
        screen.snapshots.send_replace(linked(last, Link::Lost));
        subscription = loop {
            sleep(AGAIN).await;
            if let Ok(Some(client)) = Client::connect(&state_dir).await
                && let Ok(subscription) = client.subscribe().await
            {
                break subscription;
            }
        };
        again = true;
    }
}

/// Carries commands over; each on a connection of its own, so that none waits for the news. Their answers come as notices.
async fn carry(state_dir: PathBuf, mut wishes: mpsc::UnboundedReceiver<Command>) {
    while let Some(command) = wishes.recv().await {
        if let Ok(Some(mut client)) = Client::connect(&state_dir).await {
            // What came of it is among the next snapshot's notices.
            let _ = client.command(command).await;
        }
    }
}

fn linked(snapshot: Arc<Snapshot>, link: Link) -> Arc<Snapshot> {
    Arc::new(Snapshot { link, ..Arc::unwrap_or_clone(snapshot) })
}
