//! What the machine says of the proxy's port and of its limits, asked without taking anything.

use std::{fs, io, net::SocketAddr};

use rustix::process::{Resource, getrlimit};
use tokio::net::TcpSocket;

use super::Instance;

/// The port that the proxy is to listen on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::doctor) enum Port {
    /// Port 0: any free one, when the proxy starts.
    #[default]
    Any,
    Free,
    /// Our instance listens there.
    Ours,
    /// Somebody else does.
    Held(Option<(u32, String)>),
    /// It could not be bound for another reason.
    Unusable(String),
}

pub(super) fn port(listen: SocketAddr, instance: &Instance) -> Port {
    if matches!(instance, Instance::Own | Instance::Running { .. }) {
        return Port::Ours;
    }
    if listen.port() == 0 {
        return Port::Any;
    }
    match bindable(listen) {
        Ok(()) => Port::Free,
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Port::Held(holder(listen)),
        Err(error) => Port::Unusable(error.to_string()),
    }
}

/// Whether the address could be bound. It is bound and never listened on, so nobody can connect to it meanwhile.
fn bindable(address: SocketAddr) -> io::Result<()> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

/// The process that listens on a port, where `/proc` tells: its id and name.
pub(crate) fn holder(address: SocketAddr) -> Option<(u32, String)> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().find_map(|table| {
        let text = fs::read_to_string(table).ok()?;
        text.lines().skip(1).find_map(|line| listening_inode(line, address.port()).map(str::to_owned))
    })?;
    let wanted = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let holds = fs::read_dir(entry.path().join("fd"))
            .ok()?
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str()));
        let name = || fs::read_to_string(entry.path().join("comm")).map(|name| name.trim().to_owned());
        holds.then(|| (pid, name().unwrap_or_default()))
    })
}

/// The socket's inode, when a line of `/proc/net/tcp` listens (state 0A) on the port.
fn listening_inode(line: &str, port: u16) -> Option<&str> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
    let matches = u16::from_str_radix(local_port, 16).ok()? == port && *fields.get(3)? == "0A";
    matches.then(|| fields.get(9).copied()).flatten()
}

pub(super) fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_line_is_told_from_others() {
        let listening =
            "   0: 0100007F:D36B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1";
        assert_eq!(listening_inode(listening, 54123), Some("31337"));
        assert_eq!(listening_inode(listening, 54124), None);
        assert_eq!(listening_inode(&listening.replace(" 0A ", " 01 "), 54123), None);
        assert_eq!(listening_inode("garbage", 1), None);
    }

    #[tokio::test]
    async fn a_port_is_free_or_its_holder_is_named() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("bound");
        assert_eq!(bindable(address).expect_err("held").kind(), io::ErrorKind::AddrInUse);
        assert_eq!(holder(address).map(|(pid, _)| pid), Some(std::process::id()));
        drop(listener);
        bindable(address).expect("free again");
    }
}
