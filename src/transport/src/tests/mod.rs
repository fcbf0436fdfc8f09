//! The transport as a whole, against closures and real servers.

mod faults;
mod net;
mod pauses;
mod scarce;
mod secrets;
pub(crate) mod support;
mod tls;
