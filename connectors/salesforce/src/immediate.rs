//! A conversation whose outcome is known before it starts: nothing was asked for, or what was asked for cannot be said safely.

use handoff_connector::{Exchange, Fault, Lane, Reply, Request, Step};

use crate::composite;
use crate::spec::ONE_CALL;

/// Asks for the list of API versions, the smallest answer there is, and yields its outcome.
pub(crate) struct Immediate<T> {
    outcome: Result<T, Fault>,
}

impl<T> Immediate<T> {
    /// Yields a value.
    pub(crate) fn done(value: T) -> Self {
        Self { outcome: Ok(value) }
    }

    /// Yields the fault of a name that is no API name.
    pub(crate) fn bad_object() -> Self {
        Self {
            outcome: Err(Fault::Denied {
                detail: "the object's name is not an API name".to_owned(),
                remedy: "Correct `object` in the mapping: letters, digits and underscores only".to_owned(),
            }),
        }
    }
}

impl<T: Clone + Send> Exchange for Immediate<T> {
    type Output = T;

    fn request(&mut self) -> Request {
        composite::get("/services/data".to_owned(), Lane::Read, ONE_CALL, "versions")
    }

    fn reply(&mut self, _reply: &Reply) -> Result<Step<T>, Fault> {
        self.outcome.clone().map(Step::Done)
    }
}
