//! kmi-tui: a dashboard and local proxy for people who hold several Kimi API keys.
//!
//! Not an API: the program is the product, and what is public here is what `main`, the
//! integration tests and the benchmarks need. ARCHITECTURE.md draws the layers.

#[doc(hidden)]
pub mod bench;
pub mod cli;
pub mod demo;

mod config;
mod control;
mod doctor;
mod domain;
mod engine;
mod http1;
mod i18n;
#[cfg(test)]
mod page;
mod poller;
mod proxy;
#[cfg(test)]
mod spoil;
mod store;
mod tui;
mod upstream;
