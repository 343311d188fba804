//! `host:port` and the base path as typed, read. Not whether such an address may be bound (`build`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Listen;

impl Listen {
    /// Reads `127.0.0.1:54123`, `[::1]:0`, `localhost:54123`; no other name, since a name may resolve to anything.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.trim().rsplit_once(':')?;
        let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())??;
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let ip: IpAddr = match bare {
            Some(inside) => inside.parse::<Ipv6Addr>().ok()?.into(),
            None if host.eq_ignore_ascii_case("localhost") => Ipv4Addr::LOCALHOST.into(),
            None => host.parse().ok()?,
        };
        Some(Self { host: bare.unwrap_or(host).to_owned(), address: SocketAddr::new(ip, port) })
    }

    /// Whether only this machine can reach it.
    pub(crate) fn is_loopback(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}

/// The base path without a slash at its end; `None` for the root, and for what a URL could read in another way.
pub(super) fn base_path(text: &str) -> Option<String> {
    let path = text.trim().trim_end_matches('/');
    let mut segments = path.strip_prefix('/')?.split('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let good = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
    segments.all(good).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_typed() {
        for (text, host, address, loopback) in [
            ("127.0.0.1:54123", "127.0.0.1", "127.0.0.1:54123", true),
            ("127.0.0.2:1", "127.0.0.2", "127.0.0.2:1", true),
            (" [::1]:0 ", "::1", "[::1]:0", true),
            ("::1:54123", "::1", "[::1]:54123", true),
            ("[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", "[::ffff:127.0.0.1]:1", true),
            ("localhost:54123", "localhost", "127.0.0.1:54123", true),
            ("0.0.0.0:8080", "0.0.0.0", "0.0.0.0:8080", false),
            ("[::]:8080", "::", "[::]:8080", false),
            ("192.168.1.2:80", "192.168.1.2", "192.168.1.2:80", false),
        ] {
            let listen = Listen::parse(text).expect(text);
            assert_eq!((listen.host.as_str(), listen.address.to_string().as_str()), (host, address), "{text}");
            assert_eq!(listen.is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "54123",
            ":54123",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:+1",
            "127.0.0.1:65536",
            "a.test:1",
            "[1.2.3.4]:1",
            "[::1:1",
        ] {
            assert_eq!(Listen::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_base_path_is_plain() {
        for (text, expected) in [
            ("/kmi-rotor/v1", Some("/kmi-rotor/v1")),
            ("/kmi-rotor/v1/", Some("/kmi-rotor/v1")),
            ("/", None),
            ("", None),
            ("v1", None),
            ("//v1", None),
            ("/a/../b", None),
            ("/a?b", None),
            ("/a%2fb", None),
            ("/a b", None),
        ] {
            assert_eq!(base_path(text).as_deref(), expected, "{text:?}");
        }
    }
}
