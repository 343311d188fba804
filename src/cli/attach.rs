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
        }
    };
    let (snapshots, seen) = watch::channel(linked(&first, Link::Attached));
    let (records, heard) = broadcast::channel(LAG);
    let (commands, wishes) = mpsc::unbounded_channel();
    tokio::spawn(carry(config.state_dir.clone(), wishes));
    tokio::spawn(follow(config.state_dir.clone(), subscription, snapshots, records));
    // The proxy runs elsewhere already, so nobody will ask for it.
    let background = Arc::default();
    let clerk = Clerk {
        flags: args.flags(),
        environment: environment.clone(),
        auths_dir: first.setup.auths_dir.clone().into(),
        home: config.state_dir.clone(),
        zone: config.zone.clone(),
        commands: commands.clone(),
    };
    let (errands, answers) = clerk.start();
    let feed = tui::Feed { snapshots: seen, history, records: heard, commands, errands, answers, background };
    let look = look::on_terminal(&config.state_dir, args, config, environment, words);
    let left = tui::run(feed, words.in_locale(words.locale()), look, stopper.reached(Stage::Draining));
    run::left(left.await, words).map(|_| ())
}

/// Hands news to the screen; when the instance is lost, says so and looks for it again.
async fn follow(
    state_dir: PathBuf,
    mut subscription: Subscription,
    snapshots: watch::Sender<Arc<Snapshot>>,
    records: broadcast::Sender<Arc<TraceRecord>>,
) {
    let mut caught_up = true;
    loop {
        loop {
            match subscription.next().await {
                Ok(News::Snapshot(snapshot)) => {
                    caught_up = true;
                    snapshots.send_replace(linked(&snapshot, Link::Attached));
                }
                Ok(News::Record(record)) if caught_up => {
                    // An error means that nobody looks any more.
                    let _ = records.send(record);
                }
                Ok(News::Record(_)) => {}
                Err(_) => break,
            }
        }
        let last = snapshots.borrow().clone();
        snapshots.send_replace(linked(&last, Link::Lost));
        subscription = loop {
            sleep(AGAIN).await;
            if let Ok(Some(client)) = Client::connect(&state_dir).await
                && let Ok(subscription) = client.subscribe().await
            {
                break subscription;
            }
        };
        // Records from before come first: they are on the screen already.
        caught_up = false;
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

fn linked(snapshot: &Snapshot, link: Link) -> Arc<Snapshot> {
    Arc::new(Snapshot { link, ..snapshot.clone() })
}
