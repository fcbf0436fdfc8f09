//! Connections as configured, over the real wire, against sandboxes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test's own tools may fail loudly")]

mod gear;
mod gong;
