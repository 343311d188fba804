//! Opening the ports, of the proxy and of its metrics, and naming who holds one when it is taken.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::TcpListener;

use super::{
    Stop,
    signals::{Stage, Stopper},
};
use crate::{
    config::Listen,
    control::metrics::{self, Reach},
    doctor::holder,
    domain::message::Message,
    engine::Engine,
    i18n::Words,
};

/// How often, and how many times, a port is tried that the process before has still.
const RETRY: Duration = Duration::from_millis(200);
const RETRIES: usize = 150;

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

/// Serves the metrics on a port of their own, until this process leaves. `bound`: none from a process that takes over,
/// since the one before has the port until then.
pub(super) async fn metrics(bound: Option<TcpListener>, listen: Listen, engine: Engine, stopper: Stopper) {
    let reach = if listen.is_loopback() { Reach::Loopback } else { Reach::Remote };
    let serve = async {
        let listener = match bound {
            Some(listener) => Some(listener),
            None => again(listen.address).await,
        };
        let Some(listener) = listener else {
            return tracing::warn!(address = %listen.address, "metrics_port_taken");
        };
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "metrics_listening");
        }
        metrics::serve(listener, engine, reach).await;
    };
    tokio::select! {
        () = serve => {}
        () = stopper.reached(Stage::Leaving) => {}
    }
}

async fn again(address: SocketAddr) -> Option<TcpListener> {
    for _ in 0..RETRIES {
        match TcpListener::bind(address).await {
            Ok(listener) => return Some(listener),
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_is_had_when_the_one_before_has_left_it() {
        let first = TcpListener::bind(("127.0.0.1", 0)).await.expect("free");
        let address = first.local_addr().expect("bound");
        let (second, ()) = tokio::join!(again(address), async { drop(first) });
        assert_eq!(second.expect("ours now").local_addr().expect("bound"), address);
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
