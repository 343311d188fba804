//! HTTP/1.1 as bytes: heads, bodies, and the two ends of a connection. Not what is in them (`proxy`, `upstream`).
//!
//! A proxy need not understand what it passes on: a head is kept as it came, and a piece of a body goes from one socket to
//! the other through one buffer of the thread. What a library would hold for each connection, between its pieces too, is not
//! there. Reading a head is httparse's.

mod answer;
mod client;
mod fields;
mod framing;
mod patience;
mod request;
mod scratch;
mod server;
mod wire;

pub(crate) use self::{
    answer::AnswerHead,
    client::{Asked, BodyFault, Client, NextHead, WriteFault},
    fields::{Fields, Lines},
    framing::{BadBody, Decoder, Framing},
    patience::Patience,
    request::RequestHead,
    server::{AnswerFault, Call, Server},
    wire::Wire,
};

/// Whether a field's list (`a, b`) names `wanted`.
fn lists(value: &[u8], wanted: &str) -> bool {
    value.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Whether all that was read may hold a whole head by now: an empty line is in what came since `known` bytes.
fn may_be_whole(seen: &[u8], known: usize) -> bool {
    let fresh = &seen[known.saturating_sub(3)..];
    memchr::memmem::find(fresh, b"\n\r\n").is_some() || memchr::memmem::find(fresh, b"\n\n").is_some()
}
