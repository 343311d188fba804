//! For property tests of what reads foreign bytes: good samples, spoilt in the ways that files and answers are. `PROPTEST_CASES`
//! says how many; the default is few.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};

/// What readers stumble over.
const STUMBLING_BLOCKS: [&[u8]; 16] = [
    b"\0",
    b"\n",
    b"\r",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\x1b[2J",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"1e999",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":",
];

#[derive(Debug, Clone)]
enum Spoiling {
    Cut,
    Change(u8),
    Insert(&'static [u8]),
    Remove(usize),
    Repeat { length: usize, times: usize },
}

fn spoiling() -> impl Strategy<Value = Spoiling> {
    prop_oneof![
        1 => Just(Spoiling::Cut),
        3 => any::<u8>().prop_map(Spoiling::Change),
        4 => prop::sample::select(STUMBLING_BLOCKS.to_vec()).prop_map(Spoiling::Insert),
        2 => (1..40_usize).prop_map(Spoiling::Remove),
        2 => (1..80_usize, 1..60_usize).prop_map(|(length, times)| Spoiling::Repeat { length, times }),
    ]
}

/// One of the samples, spoilt up to four times, or noise.
pub(crate) fn spoilt(samples: &[&str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let samples: Vec<Vec<u8>> = samples.iter().map(|sample| sample.as_bytes().to_vec()).collect();
    let edits = prop::collection::vec((any::<prop::sample::Index>(), spoiling()), 0..5);
    let spoilt = (prop::sample::select(samples), edits).prop_map(|(sample, edits)| {
        edits.into_iter().fold(sample, |bytes, (at, how)| spoil(bytes, at.index(usize::MAX), &how))
    });
    prop_oneof![9 => spoilt, 1 => prop::collection::vec(any::<u8>(), 0..400)]
}

fn spoil(mut bytes: Vec<u8>, at: usize, how: &Spoiling) -> Vec<u8> {
    let at = at % (bytes.len() + 1);
    let until = |length: usize| (at + length).min(bytes.len());
    match how {
        Spoiling::Cut => bytes.truncate(at),
        Spoiling::Change(byte) => {
            if let Some(place) = bytes.get_mut(at) {
                *place = *byte;
            }
        }
        Spoiling::Insert(block) => drop(bytes.splice(at..at, block.iter().copied())),
        Spoiling::Remove(length) => drop(bytes.drain(at..until(*length))),
        Spoiling::Repeat { length, times } => {
            let repeated = bytes[at..until(*length)].repeat(*times);
            drop(bytes.splice(at..at, repeated));
        }
    }
    bytes
}
