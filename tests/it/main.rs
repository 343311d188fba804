//! The one integration binary. Each module says what it holds.
//!
//! The program from outside: real binary, real sockets, real files. And the house itself: source, words and papers, read
//! as text, so that what they promise can't rot.

#[path = "../support/mod.rs"]
mod support;

// --- The program from outside ---

// The commands of scripts and people: answers, exit codes, files, schemas.
mod cli;
// What is typed beside a running instance, and without one.
mod commands;
// The proxy in the background: started, replaced, stopped.
mod daemon;
// Disks that are full, closed, slow or gone; files that are spoilt; sudden ends.
mod disk;
// The examples in the docs, run.
mod docs;
// What the doctor sees, and what it changes when told to.
mod doctor;
// What the client sees when a key fails.
mod failover;
// What is set up on a new machine, asked first, never shown.
mod init;
// Start and end, and what is on disk afterwards.
mod life;
// What collectors of numbers are told.
mod metrics;
// What a person is called for.
mod notify;
// Keys over time: waiting, staying, coming back; and files that change.
mod recovery;
// What passes through, and how.
mod relay;
// Requests that have not ended: seen, cancelled, sent to another key.
mod running;
// The dashboard in a terminal: keys pressed, the screen read.
mod screen;
// Two at once on the same files: instances, commands, the old tool.
mod neighbours;
// Hostile bytes: refused, and nothing goes upstream.
mod threats;
// TLS between clients and the proxy.
mod tls;
// What the trace tells those who ask, whatever state its files are in.
mod trace;

// --- The house itself ---

// README and its neighbours: commands, links, names and defaults are those of the tree.
mod readme;
// Dependencies: where they come from, and under which licences.
mod supply;
// The direction of the layers, and the other house rules.
mod tidy;
// The papers for users, in Russian too.
mod translations;
// Every word in every language, and none that nobody says.
mod words;
