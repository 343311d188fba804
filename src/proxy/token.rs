//! The proxy's token: compared in constant time, and who guesses it is slowed. How much is decided in `domain::guesses`.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::StatusCode;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::answers::Refusal;
use crate::{
    domain::{
        guesses::{Guessed, Guesses},
        key::Secret,
    },
    http1::Fields,
};

/// Longest wait with the answer, where nobody can be held by his address.
const ANSWER_PAUSE: Duration = Duration::from_secs(8);

/// What a client must say to be let in, and who said something else.
#[derive(Debug)]
pub(crate) struct Door {
    /// None = open to all.
    token: Option<Secret>,
    /// Somebody in front speaks TLS: all clients have that one's address.
    behind_another: bool,
    /// Held for one pure call.
    guesses: Mutex<Guesses>,
    since: Instant,
}

impl Door {
    pub(crate) fn new(token: Option<Secret>, behind_another: bool) -> Self {
        Self { token, behind_another, guesses: Mutex::default(), since: Instant::now() }
    }

    /// Any of the three headers may carry the token. Whoever guessed too often is not even compared for a while; but the
    /// users of this machine share one address, as do all clients of whoever stands in front of us: there one's guesses
    /// must not lock out the other, and a wrong token is only answered late.
    pub(super) fn check(&self, fields: &Fields, peer: IpAddr) -> Result<(), Refusal> {
        self.check_at(fields, peer, self.since.elapsed())
    }

    fn check_at(&self, fields: &Fields, peer: IpAddr, now: Duration) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let shares_address = peer.to_canonical().is_loopback() || self.behind_another;
        let mut tokens = tokens(fields).peekable();
        let said_something = tokens.peek().is_some();
        let is_right = tokens.fold(false, |right, candidate| same(candidate, token) | right);
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = guesses.held(peer, now).filter(|_| !shares_address) {
            return Err(too_many(wait));
        }
        if is_right {
            guesses.right(peer);
            return Ok(());
        }
        // Who says nothing guesses nothing.
        if !said_something {
            return Err(wrong(Duration::ZERO));
        }
        let guessed = guesses.wrong(peer, now);
        drop(guesses);
        write_down(peer, guessed);
        Err(wrong(if shares_address { guessed.pause.min(ANSWER_PAUSE) } else { Duration::ZERO }))
    }
}

fn write_down(peer: IpAddr, guessed: Guessed) {
    if guessed.is_told() {
        tracing::warn!(action = "proxy_unauthorized", actor = %peer, count = guessed.count, "audit_event");
    }
}

fn tokens(fields: &Fields) -> impl Iterator<Item = &[u8]> {
    let bearer = fields.all("authorization").filter_map(bearer_of);
    bearer.chain(["x-api-key", "x-kmi-proxy-token"].into_iter().flat_map(|name| fields.all(name)))
}

fn bearer_of(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

/// Digests are compared, so that not even the length shows.
fn same(candidate: &[u8], token: &Secret) -> bool {
    Sha256::digest(candidate.trim_ascii()).ct_eq(&Sha256::digest(token.expose().as_bytes())).into()
}

fn wrong(pause: Duration) -> Refusal {
    Refusal::of_request(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "The proxy token is missing or wrong",
        "Send KMI_PROXY_TOKEN as `Authorization: Bearer`, `x-api-key` or `x-kmi-proxy-token`.",
    )
    .told_after(pause)
}

fn too_many(wait: Duration) -> Refusal {
    Refusal::of_request(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_wrong_tokens",
        "Too many wrong tokens came from this address",
        "Until then no token of it is looked at, the right one neither.",
    )
    .until(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "a-token-of-some-length";

    fn door(behind_another: bool) -> Door {
        Door::new(Some(Secret::new(TOKEN).expect("valid")), behind_another)
    }

    /// Status, pause and wait of what this token is answered.
    fn told(door: &Door, peer: &str, now: u64, token: &str) -> (u16, u64, u64) {
        let fields = Fields::for_tests(&[("x-api-key", token)]);
        let checked = door.check_at(&fields, peer.parse().expect("an address"), Duration::from_secs(now));
        checked.map_or_else(|refusal| refusal.for_tests(), |()| (200, 0, 0))
    }

    #[test]
    fn who_guesses_from_afar_is_not_compared_for_a_while_and_nobody_else_notices() {
        let door = door(false);
        for _ in 0..6 {
            assert_eq!(told(&door, "192.0.2.1", 10, "wrong"), (401, 0, 0));
        }
        assert_eq!(told(&door, "192.0.2.1", 10, TOKEN), (429, 0, 1), "the right one is not told apart");
        assert_eq!(told(&door, "192.0.2.2", 10, TOKEN), (200, 0, 0));
        assert_eq!(told(&door, "192.0.2.1", 11, "wrong"), (401, 0, 0));
        assert_eq!(told(&door, "192.0.2.1", 12, "wrong"), (429, 0, 1));
        assert_eq!(told(&door, "192.0.2.1", 13, TOKEN), (200, 0, 0));
        assert_eq!(told(&door, "192.0.2.1", 13, "wrong"), (401, 0, 0), "and begins anew");
    }

    #[test]
    fn where_many_share_an_address_the_right_token_never_waits() {
        for (door, peer) in [(door(false), "127.0.0.1"), (door(true), "192.0.2.1")] {
            for pause in [0, 0, 0, 0, 0, 1, 2, 4, 8, 8, 8] {
                assert_eq!(told(&door, peer, 10, "wrong"), (401, pause, 0));
            }
            assert_eq!(told(&door, peer, 10, TOKEN), (200, 0, 0));
        }
    }

    #[test]
    fn who_says_nothing_guesses_nothing() {
        let door = door(false);
        for _ in 0..100 {
            let refusal = door.check(&Fields::for_tests(&[]), IpAddr::from([192, 0, 2, 1])).expect_err("no token");
            assert_eq!(refusal.for_tests(), (401, 0, 0));
        }
    }
}
