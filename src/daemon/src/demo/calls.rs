//! Recorded calls in the story: what was said is found again as minutes on the record, and as nothing else.

use handoff_core::evidence::Standing;
use handoff_sandbox_gong::{CallSpec, Link, Party};
use jiff::SignedDuration;

use super::look::{Record, yes};
use super::{DemoError, Stage};
use crate::calls::Answered;

const REP: &str = "ava.lindqvist@northwind-peak.example";
const BUYER: &str = "buyer@alderbrook.example";
/// A sentence of the call; it must be found nowhere but in Gong.
const SPOKEN: &str = "We plan everything in spreadsheets and a legacy planner.";
/// A sentence of the private call.
const PRIVATE: &str = "Between us, the legacy planner has to go.";

/// What became of the calls.
pub(super) struct Heard {
    /// Fields with a suggested place, in the contract's order of names.
    pub(super) fields: Vec<String>,
    /// The places as the record shows them.
    pub(super) note: String,
    /// Whether any word of a call stands on the record.
    pub(super) leaked: bool,
    /// Whether the private call was asked for its transcript, or is pointed at.
    pub(super) private_read: bool,
    /// Whether the field that the call speaks of was filled.
    pub(super) filled: bool,
    /// How the place stands after a person confirmed it.
    pub(super) confirmed: bool,
}

/// Two calls of this morning are linked to the deal, one of them private; then the rep confirms the first place.
pub(super) async fn hear(stage: &Stage, deal: &Record<'_>) -> Result<Heard, DemoError> {
    let gong = stage.gong.workspace();
    let now = stage.now();
    let before = |minutes: i64| now.checked_sub(SignedDuration::from_mins(minutes)).unwrap_or(now);
    let link = || Link::deal(deal.crm.vendor(), &deal.id);
    let call = |title: &str, minutes: i64| {
        let call = CallSpec::new(title, before(minutes)).processed_at(now).about(link());
        call.with(Party::new(REP, "Ava Lindqvist")).with(Party::new(BUYER, "The buyer"))
    };
    let open = call("Alderbrook - Discovery", 120)
        .says(REP, "Introduction", &["What are you working with at the moment?"])
        .says(BUYER, "Current situation", &[SPOKEN]);
    let private = call("Alderbrook - Aside", 60).private().says(BUYER, "Aside", &[PRIVATE]);
    gong.add_call(open)?;
    let hidden = gong.add_call(private)?;
    stage.settle().await?;
    stage.settle().await?;

    let places = deal.evidence().await?;
    let note = deal.optional(deal.mapping.write.note.evidence.as_ref());
    let leaked = [SPOKEN, PRIVATE].iter().any(|words| note.contains(*words));
    let private_read = !gong.tripped().is_empty() || places.iter().any(|place| place.call.id == hidden);
    let filled = !deal.said("displacement", "incumbent").is_empty();
    let mut fields: Vec<String> = places.iter().map(|place| place.field.to_string()).collect();
    fields.dedup();
    let mut confirmed = false;
    if let (Some(place), Some(stream)) = (places.into_iter().next(), deal.stream()) {
        let answer = Answered {
            stream,
            call: place.call,
            field: place.field,
            from_ms: place.from_ms,
            confirmed: true,
            by: REP.to_owned(),
        };
        stage.app.handle().answer_evidence(answer).await?;
        stage.settle().await?;
        let after = deal.evidence().await?;
        confirmed = after.first().is_some_and(|place| place.standing == Standing::Confirmed);
    }
    Ok(Heard { fields, note, leaked, private_read, filled, confirmed })
}

impl Heard {
    pub(super) fn holds(&self) -> bool {
        self.fields.iter().any(|field| field == "displacement")
            && self.note.contains("https://")
            && !self.leaked
            && !self.private_read
            && !self.filled
            && self.confirmed
    }

    pub(super) fn seen(&self) -> String {
        format!(
            "\"{}\"; words of the call on the record: {}; private call read: {}; field filled: {}; confirmed: {}",
            self.note.lines().next().unwrap_or_default(),
            yes(self.leaked),
            yes(self.private_read),
            yes(self.filled),
            yes(self.confirmed)
        )
    }
}
