//! Opening the proxy's port, and naming who holds it when it is taken.

use std::{fs, io, net::SocketAddr};

use tokio::net::TcpListener;

use super::Stop;
use crate::{domain::message::Message, i18n::Words};

/// Binds the address, or says why not.
pub(super) async fn open(address: SocketAddr, words: &Words) -> Result<TcpListener, Stop> {
    TcpListener::bind(address).await.map_err(|error| {
        let message = match (error.kind(), holder(address)) {
            (io::ErrorKind::AddrInUse, Some((pid, name))) => {
                Message::new("cli-port-taken-by").with("pid", i64::from(pid)).with("program", name)
            }
            (io::ErrorKind::AddrInUse, None) => Message::new("cli-port-taken"),
            _ => Message::new("cli-port-failed").with("error", error.to_string()),
        };
        Stop::failed(words.render(&message.with("address", address.to_string())))
    })
}

/// The process that listens on a port, where `/proc` tells: its id and name.
fn holder(address: SocketAddr) -> Option<(u32, String)> {
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
    async fn a_taken_port_names_its_holder() {
        let words = Words::new(crate::i18n::Locale::English, jiff::tz::TimeZone::UTC);
        let first = TcpListener::bind(("127.0.0.1", 0)).await.expect("free");
        let address = first.local_addr().expect("bound");
        let stop = open(address, &words).await.expect_err("taken");
        assert_eq!(stop.code, 1);
        assert!(stop.text.contains(&std::process::id().to_string()), "{}", stop.text);
    }
}
