//! The control socket: what scripts, the command line and an attached dashboard say to a running instance, and what it
//! answers. Local, for the same user only. Not what a command does (`engine`).

mod client;
mod handover;
pub(crate) mod metrics;
mod protocol;
mod server;
mod subscriber;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    client::{Client, ControlError, News, Subscription},
    handover::HandedOver,
    server::{Owner, Socket, serve},
};

/// The socket's name in the state folder.
const NAME: &str = "kmi.sock";
