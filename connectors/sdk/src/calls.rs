//! Reading recorded calls.

use handoff_core::evidence::{Call, Transcript};
use jiff::Timestamp;

use crate::{Connector, Cursor, Exchange};

/// A page of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPage {
    /// The calls; one may appear again on a later page or at the next pass.
    pub calls: Vec<Call>,
    /// Stored only after every call of the page has its outcome on disk.
    pub next: Cursor,
    /// Whether another page is waiting now.
    pub more: bool,
}

/// A connector that knows recorded calls. It has no way to write.
pub trait Calls: Connector {
    /// The next page of calls that began in the look-back window before `now`. Each pass reads the whole window again, for a call appears
    /// long after it began: may repeat, must not omit. Private calls are in the page, marked.
    fn calls(&self, cursor: &Cursor, now: Timestamp) -> Box<dyn Exchange<Output = CallPage>>;

    /// These calls (at most [`crate::Spec::read_batch`]), in request order; `None` = not there (yet), or not visible.
    fn read_calls(&self, ids: &[String]) -> Box<dyn Exchange<Output = Vec<Option<Call>>>>;

    /// What was said in these calls (at most [`crate::Spec::read_batch`], none of them private), in request order; `None` = no transcript
    /// (yet).
    fn transcripts(&self, ids: &[String]) -> Box<dyn Exchange<Output = Vec<Option<Transcript>>>>;
}
