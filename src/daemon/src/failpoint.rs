//! Named places at which a test may end the process: right behind every durable step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Called with the name of the place that was reached: `inbox_flushed`, `appended`, `before_write`, `after_write`, `page_applied`,
/// `task_ordered`, `task_written`, `past_entry`, `past_appended`, `past_page`, `frozen`, `test_drawn`, `test_answered`, `test_scored`.
pub type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// The environment variable that arms a failpoint.
pub const VARIABLE: &str = "HANDOFFD_FAILPOINT";

/// Reads `name:n` from [`VARIABLE`]: the process aborts, without any clean-up, when `name` is reached for the n-th time (from 1).
pub fn from_environment() -> Option<Hook> {
    let text = std::env::var(VARIABLE).ok()?;
    let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
    let (name, count) = (name.to_owned(), count.parse::<u32>().ok()?.max(1));
    let reached = AtomicU32::new(0);
    Some(Arc::new(move |place: &str| {
        if place == name && reached.fetch_add(1, Ordering::SeqCst) + 1 == count {
            std::process::abort();
        }
    }))
}
