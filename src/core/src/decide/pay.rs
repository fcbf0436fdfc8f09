//! What a deal is worth for pay changed. No gate depends on it.

use super::Decision;
use crate::event::Event;

impl Decision<'_> {
    pub(super) fn note_pay(&mut self) {
        let Some(state) = &self.state else { return };
        if state.pay != self.seen.pay {
            let pay = self.seen.pay.clone().map(Box::new);
            self.emit(Event::PayChanged { pay });
        }
    }
}
