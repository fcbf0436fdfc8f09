//! Connections as configured, over the real wire, against sandboxes.

mod gear;
mod gong;
