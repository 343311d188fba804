//! What the integration tests share: the real binary in a folder of its own, the simulator as its upstream, a client
//! that shows what came over the wire, and the program's source as text. No assertion of any feature stands here.

pub(crate) mod client;
pub(crate) mod proxy;
pub(crate) mod raw_upstream;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod source;
pub(crate) mod sudden_end;
pub(crate) mod terminal;
