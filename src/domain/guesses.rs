//! Wrong tokens, counted by the address that sent them: who guesses is slowed, more with each guess, and in bounded memory.
//! Not the comparison (`proxy::token`).

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

/// So many cost nothing: a client that is set up wrongly tries a few times.
const FREE: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// An address that is quiet for so long begins anew.
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// Most addresses that are remembered; of more, the one that has been quiet longest is forgotten.
const ADDRESSES: usize = 1024;

/// Who guessed, and how often.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    by_address: HashMap<IpAddr, Wrong>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    last: Duration,
}

/// What comes of a wrong token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guessed {
    /// How many in a row by now.
    pub(crate) count: u32,
    pub(crate) pause: Duration,
}

impl Guessed {
    /// Whether it is written down: each of the first, then ever fewer, so that a flood of guesses is not one of lines.
    pub(crate) fn is_told(self) -> bool {
        self.count <= FREE || self.count.is_power_of_two()
    }
}

impl Guesses {
    /// How long nothing of this address is compared any more; `None` = it is free to try.
    pub(crate) fn held(&self, address: IpAddr, now: Duration) -> Option<Duration> {
        let wrong = self.by_address.get(&whose(address))?;
        let left = (wrong.last + pause(wrong.count)).checked_sub(now)?;
        Some(left).filter(|left| !left.is_zero())
    }

    /// It has sent a wrong token.
    pub(crate) fn wrong(&mut self, address: IpAddr, now: Duration) -> Guessed {
        let address = whose(address);
        let before = self.by_address.get(&address).filter(|wrong| now.saturating_sub(wrong.last) < MEMORY);
        let count = before.map_or(0, |wrong| wrong.count).saturating_add(1);
        if self.by_address.len() >= ADDRESSES && !self.by_address.contains_key(&address) {
            let quietest = self.by_address.iter().min_by_key(|(_, wrong)| wrong.last).map(|(address, _)| *address);
            quietest.map(|address| self.by_address.remove(&address));
        }
        self.by_address.insert(address, Wrong { count, last: now });
        Guessed { count, pause: pause(count) }
    }

    /// It has sent the right one.
    pub(crate) fn right(&mut self, address: IpAddr) {
        // Asked with every request: nobody has guessed, as a rule.
        if !self.by_address.is_empty() {
            self.by_address.remove(&whose(address));
        }
    }
}

fn pause(count: u32) -> Duration {
    match count.checked_sub(FREE + 1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_PAUSE.saturating_mul(1 << doublings.min(10)).min(LONGEST_PAUSE),
    }
}

/// One client has a whole /64 of IPv6, and all of 127/8.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) if address.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_few_slips_cost_nothing_and_each_guess_more_doubles_the_pause() {
        let (mut guesses, guesser, other) = (Guesses::default(), address("192.0.2.1"), address("192.0.2.2"));
        let mut now = at(100);
        for expected in [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(guesses.held(guesser, now), None, "it may try");
            let guessed = guesses.wrong(guesser, now);
            assert_eq!(guessed.pause, at(expected), "{guessed:?}");
            assert_eq!(guesses.held(guesser, now), Some(at(expected)).filter(|pause| !pause.is_zero()));
            assert_eq!(guesses.held(other, now), None, "nobody else is held");
            now += guessed.pause;
        }
        guesses.right(guesser);
        assert_eq!(guesses.wrong(guesser, now).count, 1, "the right one clears it");
    }

    #[test]
    fn who_is_quiet_is_forgotten() {
        let (mut guesses, guesser) = (Guesses::default(), address("192.0.2.1"));
        for _ in 0..20 {
            guesses.wrong(guesser, at(0));
        }
        assert_eq!(guesses.held(guesser, at(59)), Some(at(1)));
        assert_eq!(guesses.held(guesser, at(60)), None);
        assert_eq!(guesses.wrong(guesser, at(899)).count, 21, "not yet");
        assert_eq!(guesses.wrong(guesser, at(899 + 900)).count, 1);
    }

    #[test]
    fn neighbours_of_one_hand_count_as_one_and_memory_is_bounded() {
        let mut guesses = Guesses::default();
        for (one, another, same) in [
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("127.0.0.1", "127.200.3.4", true),
        ] {
            assert_eq!(whose(address(one)) == whose(address(another)), same, "{one} {another}");
        }
        let loud = address("192.0.2.1");
        for network in 0..5_000_u32 {
            guesses.wrong(IpAddr::V6(Ipv6Addr::from_bits(u128::from(network) << 64)), at(u64::from(network)));
            guesses.wrong(loud, at(u64::from(network)));
        }
        assert_eq!(guesses.by_address.len(), ADDRESSES);
        assert!(guesses.held(loud, at(5_000)).is_some(), "who goes on guessing is not pushed out");
    }

    #[test]
    fn a_flood_of_guesses_is_no_flood_of_lines() {
        let told = (1..=100_000).filter(|count| Guessed { count: *count, pause: Duration::ZERO }.is_told()).count();
        assert_eq!(told, 19);
    }
}
