//! What a subscriber is told, in beats: what comes alone at once, what comes thick together. A beat holds no more records
//! than a screen could show; those that it leaves out are counted. Nobody waits for a subscriber.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::broadcast::error::{RecvError, TryRecvError},
    time::{sleep, timeout},
};

use super::{
    protocol::{Line, Said},
    server::{PATIENCE, read_line},
};
use crate::{domain::trace::TraceRecord, engine::Engine};

/// From one beat to the next.
const BEAT: Duration = Duration::from_millis(100);
/// Records of a beat, the newest of it. To read them costs the other side more than all else, and at this pace nobody
/// reads them on its screen.
const RECORDS_MAX: usize = 20;
/// Records that a new subscriber is given at once.
const HISTORY: usize = 1000;

/// Tells everything from now on, until the client leaves.
pub(super) async fn tell(
    mut reading: BufReader<OwnedReadHalf>,
    mut writing: OwnedWriteHalf,
    id: u64,
    engine: &Engine,
) -> io::Result<()> {
    let (history, mut records) = engine.records();
    let mut snapshots = engine.snapshots();
    let mut lines = Vec::new();
    for record in history.into_iter().rev().take(HISTORY).rev() {
        add(&mut lines, id, Said::Record { record })?;
    }
    // The last one may be hours old, and the first is what the other side sets its clock by.
    engine.fresh_snapshot().await;
    snapshots.mark_changed();
    loop {
        let mut beat = Beat::default();
        let mut changed = false;
        tokio::select! {
            looked = snapshots.changed() => match looked {
                Ok(()) => changed = true,
                Err(_) => return Ok(()),
            },
            record = records.recv() => match record {
                Ok(record) => beat.take(record),
                Err(RecvError::Lagged(count)) => beat.lost += count,
                Err(RecvError::Closed) => return Ok(()),
            },
            // A subscriber says no more; that it is gone shows here.
            line = read_line(&mut reading) => match line? {
                Some(_) => continue,
                None => return Ok(()),
            },
        }
        loop {
            match records.try_recv() {
                Ok(record) => beat.take(record),
                Err(TryRecvError::Lagged(count)) => beat.lost += count,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for said in beat.told() {
            add(&mut lines, id, said)?;
        }
        if changed || snapshots.has_changed().unwrap_or(false) {
            let snapshot = snapshots.borrow_and_update().clone();
            add(&mut lines, id, Said::Snapshot { snapshot })?;
        }
        timeout(PATIENCE, writing.write_all(&lines)).await??;
        lines.clear();
        sleep(BEAT).await;
    }
}

/// The newest records of a beat, and how many more there were.
#[derive(Debug, Default)]
struct Beat {
    records: VecDeque<Arc<TraceRecord>>,
    lost: u64,
}

impl Beat {
    fn take(&mut self, record: Arc<TraceRecord>) {
        if self.records.len() == RECORDS_MAX {
            self.records.pop_front();
            self.lost += 1;
        }
        self.records.push_back(record);
    }

    fn told(self) -> impl Iterator<Item = Said> {
        let lost = (self.lost > 0).then_some(Said::Lost { count: self.lost });
        lost.into_iter().chain(self.records.into_iter().map(|record| Said::Record { record }))
    }
}

fn add(lines: &mut Vec<u8>, id: u64, said: Said) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, &Line { id, said })?;
    lines.push(b'\n');
    Ok(())
}
