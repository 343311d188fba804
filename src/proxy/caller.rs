//! Which process of this machine a connection comes from, where the system tells: looked up beside the request, never on
//! its way. Not who may ask (`guard`).
//!
//! The system's table of connections names the client's socket, and one process has it open. To find that one, all
//! processes are looked at; so those that asked before are looked at first, and all of them once a second at most. Who
//! comes and goes faster than that has no name.

use std::{
    collections::VecDeque,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::domain::{text, trace::Process};

/// Connections that wait to be looked up; more are not.
const WAITING_MAX: usize = 64;
/// Processes that are looked at first.
const KNOWN_MAX: usize = 16;
/// All processes are looked at this often at most.
const ALL_EVERY: Duration = Duration::from_secs(1);
const NAME_MAX: usize = 40;
/// After a look-up its thread rests this many times as long: where many connect at once, the system's table is long, and
/// looking each of them up would take a core.
const REST: u32 = 19;
const REST_MAX: Duration = Duration::from_secs(1);

/// The client's end of a connection.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) peer: SocketAddr,
    /// Empty until it is looked up.
    pub(super) found: Arc<OnceLock<Option<Process>>>,
    asked: OnceLock<()>,
}

/// Looks callers up, one after another, on a thread of its own that ends with the last of these.
#[derive(Debug, Clone)]
pub(super) struct Callers {
    wanted: SyncSender<Arc<Caller>>,
}

impl Caller {
    pub(super) fn new(peer: SocketAddr) -> Arc<Self> {
        Arc::new(Self { peer, found: Arc::default(), asked: OnceLock::new() })
    }
}

impl Callers {
    pub(super) fn start() -> io::Result<Self> {
        let (wanted, asked) = sync_channel(WAITING_MAX);
        thread::Builder::new().name("callers".into()).spawn(move || answer(&asked))?;
        Ok(Self { wanted })
    }

    /// Has a caller looked up, once; costs next to nothing.
    pub(super) fn look_up(&self, caller: &Arc<Caller>) {
        if is_local(caller.peer.ip()) && caller.asked.set(()).is_ok() {
            // With a full queue it stays unknown.
            let _ = self.wanted.try_send(caller.clone());
        }
    }
}

fn answer(asked: &Receiver<Arc<Caller>>) {
    let mut processes = Processes::default();
    while let Ok(caller) = asked.recv() {
        let began = Instant::now();
        let _ = caller.found.set(processes.owner(caller.peer));
        thread::sleep((began.elapsed() * REST).min(REST_MAX));
    }
}

/// What is remembered between two look-ups.
#[derive(Debug, Default)]
struct Processes {
    /// Those that asked before, the last one first.
    known: VecDeque<u32>,
    looked_at_all: Option<Instant>,
}

impl Processes {
    fn owner(&mut self, peer: SocketAddr) -> Option<Process> {
        let table = fs::read_to_string(if peer.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" }).ok()?;
        let (inode, user) = socket_of(&table, peer).or_else(|| {
            // A socket for both families stands in the other table.
            let IpAddr::V4(address) = peer.ip() else { return None };
            let mapped = SocketAddr::new(address.to_ipv6_mapped().into(), peer.port());
            socket_of(&fs::read_to_string("/proc/net/tcp6").ok()?, mapped)
        })?;
        let link = format!("socket:[{inode}]");
        let pid =
            self.known.iter().copied().find(|pid| has_open(*pid, &link)).or_else(|| self.among_all(user, &link))?;
        self.known.retain(|known| *known != pid);
        self.known.push_front(pid);
        self.known.truncate(KNOWN_MAX);
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        Some(Process { pid, name: text::clean(name.trim_end(), NAME_MAX) })
    }

    fn among_all(&mut self, user: u32, link: &str) -> Option<u32> {
        if self.looked_at_all.is_some_and(|last| last.elapsed() < ALL_EVERY) {
            return None;
        }
        self.looked_at_all = Some(Instant::now());
        let pids = fs::read_dir("/proc").ok()?.flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| belongs_to(*pid, user)).find(|pid| has_open(*pid, link))
    }
}

fn belongs_to(pid: u32, user: u32) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(format!("/proc/{pid}")).is_ok_and(|folder| folder.uid() == user)
}

fn has_open(pid: u32, link: &str) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|target| target == Path::new(link))
}

/// The inode of a socket and its owner's id, by its own address, in the system's table.
fn socket_of(table: &str, address: SocketAddr) -> Option<(u64, u32)> {
    let wanted = as_in_table(address);
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        fields.nth(1).filter(|local| *local == wanted)?;
        let user = fields.nth(5)?.parse().ok()?;
        // A socket that is closed already has none.
        let inode = fields.nth(1)?.parse().ok().filter(|inode| *inode != 0)?;
        Some((inode, user))
    })
}

/// `0100007F:1F90`: each 32 bits of the address as the machine has them in memory.
fn as_in_table(address: SocketAddr) -> String {
    let hex = |octets: &[u8]| -> String {
        let words = octets.chunks_exact(4).filter_map(|word| word.try_into().ok()).map(u32::from_ne_bytes);
        words.map(|word| format!("{word:08X}")).collect()
    };
    let host = match address.ip() {
        IpAddr::V4(address) => hex(&Ipv4Addr::octets(&address)),
        IpAddr::V6(address) => hex(&Ipv6Addr::octets(&address)),
    };
    format!("{host}:{:04X}", address.port())
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_socket_is_found_by_its_own_end_and_one_that_is_closed_is_not() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            \x20  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0\n\
            \x20  1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 20 4\n\
            \x20  2: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 333 1 0 20 4\n\
            \x20  3: 0100007F:9C41 0100007F:1F90 06 00000000:00000000 00:00000000 00000000  0           0 0 1 0 20 4\n";
        let at = |port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        assert_eq!(socket_of(table, at(40_000)), Some((333, 1001)));
        assert_eq!((socket_of(table, at(40_001)), socket_of(table, at(40_002))), (None, None));
        assert_eq!(
            as_in_table(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 80)),
            "00000000000000000000000001000000:0050"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_at_the_other_end_is_found_and_known_the_next_time() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let mut processes = Processes::default();
        for _ in 0..2 {
            let stream = std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
            let found = processes.owner(stream.local_addr().expect("bound")).expect("found");
            assert_eq!(found.pid, std::process::id());
        }
        assert_eq!(processes.known, [std::process::id()]);
    }
}
