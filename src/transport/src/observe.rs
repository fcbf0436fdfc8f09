//! What happened, told to whoever counts it.

use std::time::Duration;

use handoff_connector::Lane;

/// Something worth counting. Names are stable and never values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// One HTTP call ended. `outcome` is `ok`, `no_answer`, or a [`handoff_connector::Fault::kind`].
    Call {
        /// [`handoff_connector::Request::name`].
        name: &'static str,
        /// How it ended.
        outcome: &'static str,
    },
    /// A request waited for its turn.
    Wait {
        /// Its lane.
        lane: Lane,
        /// How long, on the transport's clock.
        waited: Duration,
    },
    /// The vendor asked everybody to wait.
    Throttled {
        /// Budget that ran out.
        budget: &'static str,
        /// How long is really waited, after capping.
        wait: Duration,
    },
    /// A token was asked for. `outcome` is `ok` or a [`handoff_connector::Fault::kind`].
    Refresh {
        /// How it ended.
        outcome: &'static str,
    },
    /// The circuit opened (`true`) or closed.
    Circuit {
        /// Whether it is open now.
        open: bool,
    },
    /// A budget's count could not be saved; counting goes on in memory.
    LedgerFailed {
        /// The budget.
        budget: &'static str,
    },
}

/// Listens to [`Note`]s; called on the sending task, so it must only count.
pub trait Observer: Send + Sync {
    /// Takes a note.
    fn note(&self, note: Note);
}

impl<F: Fn(Note) + Send + Sync> Observer for F {
    fn note(&self, note: Note) {
        self(note);
    }
}
