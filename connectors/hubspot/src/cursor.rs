//! Where reading of changes stands, and the rule that moves it: may repeat, must not omit.
//!
//! A sweep lists everything that changed at or after `low`, in the order of ids: ids do not move while it runs, so neither equal stamps, nor a
//! search index that lags or mis-sorts, nor the cap of 10,000 rows per query can hide a row. A record that changes behind the sweep is found
//! by the next one, because `low` never moves past the server's clock at the sweep's start less the overlap, and the index lags less than that.

use handoff_connector::Cursor;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The place of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Nothing can appear before this time any more. `None` = nothing was swept yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) low: Option<Timestamp>,
    /// Last id of the running sweep; 0 = none is running.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) last: u64,
    /// The server's clock when the running sweep began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) began: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(last: &u64) -> bool {
    *last == 0
}

impl Place {
    /// Reads a stored cursor; one that cannot be read starts again from the beginning.
    pub(crate) fn of(cursor: &Cursor) -> Self {
        let place: Self = serde_json::from_value(cursor.0.clone()).unwrap_or_default();
        if place.last == 0 { Self { began: None, ..place } } else { place }
    }

    /// Ends the sweep.
    pub(crate) fn settle(&mut self, overlap: SignedDuration) {
        let began = self.began.take();
        self.last = 0;
        // Without the server's clock nothing can be called settled: the next sweep repeats this one.
        let Some(settled) = began.and_then(|began| began.checked_sub(overlap).ok()) else { return };
        if self.low.is_none_or(|low| low < settled) {
            self.low = Some(settled);
        }
    }

    /// As the memory keeps it.
    pub(crate) fn cursor(&self) -> Cursor {
        // Plain values only: encoding cannot fail, and `null` would merely start again.
        Cursor(serde_json::to_value(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn the_low_end_never_passes_the_clock_less_the_overlap() {
        let mut place = Place { low: Some(at(100)), last: 7, began: Some(at(1_000)) };
        place.settle(SignedDuration::from_secs(300));
        assert_eq!(place, Place { low: Some(at(700)), last: 0, began: None });
        let mut early = Place { low: Some(at(900)), last: 7, began: Some(at(1_000)) };
        early.settle(SignedDuration::from_secs(300));
        assert_eq!(early.low, Some(at(900)), "it never goes back either");
        let mut unclear = Place { low: Some(at(100)), last: 7, began: None };
        unclear.settle(SignedDuration::from_secs(300));
        assert_eq!(unclear.low, Some(at(100)));
    }

    proptest! {
        #[test]
        fn any_cursor_is_read(text in ".{0,40}", number in any::<i64>()) {
            for value in [json!(text), json!(number), json!({ "low": text, "last": number }), json!({ "low": number }), json!([text])] {
                let place = Place::of(&Cursor(value));
                prop_assert_eq!(Place::of(&place.cursor()), place);
            }
        }

        #[test]
        fn a_stored_place_is_the_same(low in proptest::option::of(0_i64..4_000_000_000), last in any::<u64>(), began in 0_i64..4_000_000_000) {
            let place = Place { low: low.map(at), last, began: (last > 0).then(|| at(began)) };
            prop_assert_eq!(Place::of(&place.cursor()), place);
        }
    }
}
