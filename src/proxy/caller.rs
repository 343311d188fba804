//! Which process of this machine a connection comes from, where the system tells: looked up beside the request, never on
//! its way. Not who may ask (`guard`).
//!
//! The system's table of connections names the client's socket, and one process has it open. To find that one, all
//! processes are looked at; so those that asked before are looked at first, and all of them once a second at most. Who
//! comes and goes faster than that has no name.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fs::{self, File},
    io::{self, BufRead, BufReader},
    iter,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{Dir, readlinkat_raw};

use crate::domain::{text, trace::Process};

/// Connections that wait to be looked up; more are not.
const WAITING_MAX: usize = 64;
/// Processes that are looked at first.
const KNOWN_MAX: usize = 16;
/// All processes are looked at this often at most.
const ALL_EVERY: Duration = Duration::from_secs(1);
const NAME_MAX: usize = 40;
/// Longer than the name of any socket; what is cut is none.
const LINK_MAX: usize = 64;
/// A line of the system's table.
const LINE_LENGTH: usize = 192;
/// How far the thread stands behind the others.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
/// After a look-up its thread rests this many times as long, and who connects meanwhile is looked up together: where many
/// connect at once, the system's table is long, and looking each of them up would take a core.
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

/// Looks callers up, all that wait at once, on a thread of its own that ends with the last of these.
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
    yield_to_requests();
    let mut processes = Processes::default();
    while let Ok(first) = asked.recv() {
        let began = Instant::now();
        // The others waited through the rest: looking for all of them costs little more than looking for one.
        processes.look_up(iter::once(first).chain(asked.try_iter()).take(WAITING_MAX).collect());
        thread::sleep((began.elapsed() * REST).min(REST_MAX));
    }
}

/// Nobody waits for a name, so all else goes first. Where the system refuses, the thread is as the others are.
fn yield_to_requests() {
    // Elsewhere it would be the whole process; Linux means the thread that calls.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

/// A socket as the system's table of connections has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Socket {
    inode: u64,
    user: u32,
}

/// What is remembered between two look-ups.
#[derive(Debug, Default)]
struct Processes {
    /// Those that asked before, the last one first.
    known: VecDeque<u32>,
    looked_at_all: Option<Instant>,
}

impl Processes {
    fn look_up(&mut self, callers: Vec<Arc<Caller>>) {
        let peers: Vec<_> = callers.iter().map(|caller| caller.peer).collect();
        let owners = self.owners(&peers);
        for caller in callers {
            let _ = caller.found.set(owners.get(&caller.peer).cloned());
        }
    }

    /// Those that are found, by one look at the table and one at each process.
    fn owners(&mut self, peers: &[SocketAddr]) -> HashMap<SocketAddr, Process> {
        let sockets = sockets_of(peers, table);
        let holders = self.holders(sockets.values().copied());
        let pids: HashSet<u32> = holders.values().copied().collect();
        self.remember(&pids);
        let named: HashMap<_, _> = pids.into_iter().filter_map(|pid| Some((pid, named(pid)?))).collect();
        let owner = |socket: &Socket| named.get(holders.get(&socket.inode)?).cloned();
        sockets.iter().filter_map(|(peer, socket)| Some((*peer, owner(socket)?))).collect()
    }

    /// Which process has each of these sockets open, by inode.
    fn holders(&mut self, sockets: impl Iterator<Item = Socket>) -> HashMap<u64, u32> {
        let mut wanted: HashMap<u64, u32> = sockets.map(|socket| (socket.inode, socket.user)).collect();
        let mut holders = HashMap::new();
        for pid in &self.known {
            take_open(*pid, &mut wanted, &mut holders);
        }
        if !wanted.is_empty() && self.looked_at_all.is_none_or(|last| last.elapsed() >= ALL_EVERY) {
            self.looked_at_all = Some(Instant::now());
            for pid in all_processes() {
                if user_of(pid).is_some_and(|user| wanted.values().any(|wanted| *wanted == user)) {
                    take_open(pid, &mut wanted, &mut holders);
                }
            }
        }
        holders
    }

    fn remember(&mut self, pids: &HashSet<u32>) {
        self.known.retain(|known| !pids.contains(known));
        for pid in pids {
            self.known.push_front(*pid);
        }
        self.known.truncate(KNOWN_MAX);
    }
}

fn named(pid: u32) -> Option<Process> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(Process { pid, name: text::clean(name.trim_end(), NAME_MAX) })
}

fn all_processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn user_of(pid: u32) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(fs::metadata(format!("/proc/{pid}")).ok()?.uid())
}

/// Moves those of the wanted sockets that a process has open to those with a holder.
fn take_open(pid: u32, wanted: &mut HashMap<u64, u32>, holders: &mut HashMap<u64, u32>) {
    if wanted.is_empty() {
        return;
    }
    // Links are read from within the folder: the way to it is long.
    let Ok(folder) = File::open(format!("/proc/{pid}/fd")) else { return };
    let Ok(files) = Dir::read_from(&folder) else { return };
    for file in files.flatten() {
        let mut target = [0; LINK_MAX];
        let length = readlinkat_raw(&folder, file.file_name(), &mut target).unwrap_or_default();
        let Some(inode) = socket_in(&target[..length]).filter(|inode| wanted.remove(inode).is_some()) else { continue };
        holders.insert(inode, pid);
        if wanted.is_empty() {
            return;
        }
    }
}

/// `socket:[4711]`
fn socket_in(link: &[u8]) -> Option<u64> {
    str::from_utf8(link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?).ok()?.parse().ok()
}

fn table(path: &str) -> Option<BufReader<File>> {
    File::open(path).ok().map(BufReader::new)
}

/// The sockets of those that are there, by their own address.
fn sockets_of<Table: BufRead>(
    peers: &[SocketAddr],
    open: impl Fn(&'static str) -> Option<Table>,
) -> HashMap<SocketAddr, Socket> {
    let mut found = HashMap::new();
    let wanted = peers.iter().filter(|peer| peer.is_ipv4()).map(|peer| (as_in_table(*peer), *peer)).collect();
    find_in_table(|| open("/proc/net/tcp"), wanted, &mut found);
    // A socket for both families stands in the other table.
    let wanted = peers.iter().filter(|peer| !found.contains_key(*peer)).map(|peer| (as_in_table(mapped(*peer)), *peer));
    let wanted = wanted.collect();
    find_in_table(|| open("/proc/net/tcp6"), wanted, &mut found);
    found
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(host) => SocketAddr::new(host.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

/// Line by line, for a table may be long, and only until all are found.
fn find_in_table<Table: BufRead>(
    open: impl FnOnce() -> Option<Table>,
    mut wanted: HashMap<String, SocketAddr>,
    found: &mut HashMap<SocketAddr, Socket>,
) {
    if wanted.is_empty() {
        return;
    }
    let Some(mut table) = open() else { return };
    let mut line = Vec::with_capacity(LINE_LENGTH);
    while !wanted.is_empty() && matches!(table.read_until(b'\n', &mut line), Ok(1..)) {
        if let Some((local, socket)) = socket_in_line(&line, |local| wanted.contains_key(local))
            && let Some(peer) = wanted.remove(local)
        {
            found.insert(peer, socket);
        }
        line.clear();
    }
}

fn socket_in_line(line: &[u8], is_wanted: impl Fn(&str) -> bool) -> Option<(&str, Socket)> {
    let mut fields = str::from_utf8(line).ok()?.split_ascii_whitespace();
    let local = fields.nth(1).filter(|local| is_wanted(local))?;
    let user = fields.nth(5)?.parse().ok()?;
    // A socket that is closed already has none.
    let inode = fields.nth(1)?.parse().ok().filter(|inode| *inode != 0)?;
    Some((local, Socket { inode, user }))
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
    use std::cell::RefCell;

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
        let found = in_tables(table, "", &[at(40_000), at(40_001), at(40_002)]);
        assert_eq!(found, HashMap::from([(at(40_000), Socket { inode: 333, user: 1001 })]));
        assert_eq!(
            as_in_table(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 80)),
            "00000000000000000000000001000000:0050"
        );
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn several_sockets_are_found_in_one_go_through_each_table() {
        let line = |local: &str, user: u32, inode: u64| {
            format!(
                "   7: {local} 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 {user:>5}        0 {inode} 1\n"
            )
        };
        let narrow = [
            line("0100007F:9C42", 1002, 444),
            // One that is closed, and another one that has its address now.
            line("0100007F:9C40", 0, 0),
            line("0100007F:9C40", 1000, 555),
            "no line of a table \u{fe0f}\n".to_owned(),
            line("0100007F:9C44", 1000, 777),
        ];
        let wide = [
            line("00000000000000000000000001000000:9C41", 1000, 888),
            line("0000000000000000FFFF00000100007F:9C43", 1001, 666),
        ];
        let at = |port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let wide_at = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 40_001);
        let peers = [at(40_000), at(40_003), wide_at, at(40_002), at(40_009), at(40_000)];
        let found = in_tables(&narrow.concat(), &wide.concat(), &peers);
        let expected =
            [(at(40_000), 555, 1000), (at(40_002), 444, 1002), (at(40_003), 666, 1001), (wide_at, 888, 1000)];
        assert_eq!(found, expected.map(|(peer, inode, user)| (peer, Socket { inode, user })).into());
    }

    fn in_tables(narrow: &str, wide: &str, peers: &[SocketAddr]) -> HashMap<SocketAddr, Socket> {
        let opened = RefCell::new(Vec::new());
        let found = sockets_of(peers, |path| {
            opened.borrow_mut().push(path);
            Some(if path.ends_with('6') { wide.as_bytes() } else { narrow.as_bytes() })
        });
        assert_eq!(*opened.borrow(), ["/proc/net/tcp", "/proc/net/tcp6"], "each is read once");
        found
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_at_the_other_end_is_found_and_known_the_next_time() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let mut processes = Processes::default();
        for _ in 0..2 {
            let streams = [(); 3]
                .map(|()| std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("connected"));
            let peers = streams.each_ref().map(|stream| stream.local_addr().expect("bound"));
            let found = processes.owners(&peers);
            assert_eq!(peers.map(|peer| found.get(&peer).map(|owner| owner.pid)), [Some(std::process::id()); 3]);
        }
        assert_eq!(processes.known, [std::process::id()]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn all_that_wait_are_answered_those_without_a_name_too() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let stream = std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
        let gone = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
        let callers = [stream.local_addr().expect("bound"), gone].map(Caller::new);
        Processes::default().look_up(callers.to_vec());
        let pids = callers.map(|caller| caller.found.get().map(|found| found.as_ref().map(|process| process.pid)));
        assert_eq!(pids, [Some(Some(std::process::id())), Some(None)]);
    }
}
