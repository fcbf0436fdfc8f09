//! Reading that can wait: what only the census asks for never takes a call from what people wait for.

use handoff_connector::{Exchange, Fault, Lane, Reply, Request, Step};

use crate::books::Channel;
use crate::due::Item;

/// Whether nobody but the census wants to know.
pub(super) fn can_wait(item: &Item) -> bool {
    let from_census = |ticket: &crate::due::Ticket| ticket.source.channel == Channel::Census;
    !item.force && !item.tickets.is_empty() && item.tickets.iter().all(from_census)
}

/// The same conversation in the lane that waits first.
pub(super) fn patiently<T: Send + 'static>(
    exchange: Box<dyn Exchange<Output = T>>,
) -> Box<dyn Exchange<Output = T>> {
    Box::new(Patient(exchange))
}

struct Patient<T>(Box<dyn Exchange<Output = T>>);

impl<T: Send> Exchange for Patient<T> {
    type Output = T;

    fn request(&mut self) -> Request {
        Request { lane: Lane::Backfill, ..self.0.request() }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<T>, Fault> {
        self.0.reply(reply)
    }
}
