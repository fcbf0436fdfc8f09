//! A conversation whose outcome is known before it starts: nothing was asked for, or what was asked for cannot be said safely.

use handoff_connector::{Exchange, Fault, Lane, Reply, Request, Step};

use crate::spec::ONE_CALL;
use crate::{Api, ask};

/// Asks for the account's details, the smallest answer there is, and yields its outcome.
pub(crate) struct Immediate<T> {
    api: Api,
    outcome: Result<T, Fault>,
}

impl<T> Immediate<T> {
    /// Yields a value.
    pub(crate) fn done(api: Api, value: T) -> Self {
        Self { api, outcome: Ok(value) }
    }

    /// Yields the fault of a name that is none.
    pub(crate) fn bad_object(api: Api) -> Self {
        let outcome = Err(Fault::Denied {
            detail: "the object's or a property's name is not an internal name".to_owned(),
            remedy: "Correct the mapping: letters, digits and underscores only, e.g. deals".to_owned(),
        });
        Self { api, outcome }
    }
}

impl<T: Clone + Send> Exchange for Immediate<T> {
    type Output = T;

    fn request(&mut self) -> Request {
        ask::get(self.api.dialect.account().to_owned(), Lane::Read, ONE_CALL, "account")
    }

    fn reply(&mut self, _reply: &Reply) -> Result<Step<T>, Fault> {
        self.outcome.clone().map(Step::Done)
    }
}
