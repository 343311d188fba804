//! Opening the proxy's port, and naming who holds it when it is taken.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use super::Stop;
use crate::{doctor::holder, domain::message::Message, i18n::Words};

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

#[cfg(test)]
mod tests {
    use super::*;

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
