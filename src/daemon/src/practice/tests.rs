use std::collections::BTreeSet;

use handoff_core::account::{AccountFacts, Amount};
use handoff_core::contract::ContractRef;
use handoff_core::digest::Digest;
use handoff_core::event::Event;
use handoff_core::id::{GateName, HandoffId, RecordRef, StageName};
use handoff_core::journal::LogEntry;
use handoff_core::observation::{Actor, Observation};
use handoff_core::reask::ReportedBy;

use super::*;
use crate::config::ScorecardSettings;

const SALE: &str = "h03-ae-to-onboarding";
const MEETING: &str = "h02-sdr-to-ae";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn record(object: &str, id: &str) -> RecordRef {
    RecordRef { connection: "sf".into(), object: object.into(), record: id.into() }
}

fn handoff(contract: &str, id: &str) -> HandoffId {
    let (contract, motion) = (contract.into(), "main".into());
    HandoffId { contract, motion, subject: record("Opportunity", id), cycle: 1 }
}

fn pin(contract: &str) -> ContractRef {
    ContractRef { id: contract.into(), version: 1, digest: Digest::of_bytes(b"") }
}

/// Opened in January, and what came of it.
fn decided(contract: &str, id: &str, event: Event) -> LogEntry {
    let when = at("2026-01-10T00:00:00Z");
    let stage = StageName::from("commit");
    let opened =
        Event::Opened { handoff: handoff(contract, id), contract: pin(contract), stage, at: Some(when) };
    let seen = Observation { account: Some(id.to_owned()), ..Observation::gone(record("Opportunity", id)) };
    LogEntry::Decided {
        handoff: handoff(contract, id),
        contract: pin(contract),
        terms: Terms::default(),
        at: when,
        seen: Box::new(seen),
        events: vec![opened, event],
    }
}

fn passed_by() -> Event {
    Event::Bypassed {
        gate: GateName::from("closed_won"),
        stage: StageName::from("closed_won"),
        from: None,
        by: None,
        at: Some(at("2026-01-10T00:00:00Z")),
        entry: "e".to_owned(),
        ever_accepted: false,
    }
}

fn accepted() -> Event {
    let (act, at) = ("1".to_owned(), at("2026-01-10T00:00:00Z"));
    let roles = BTreeSet::new();
    let by = Actor { id: "rita".into(), person: "rita".into(), machine: false, active: true, roles };
    Event::Accepted { act, by, at, round: 1, behalf: None }
}

fn left(id: &str) -> LogEntry {
    let arr = Some(Amount { amount: 1_000.into(), currency: Some("EUR".to_owned()) });
    let churned_at = Some("2026-02-01".parse().unwrap());
    let facts = AccountFacts { arr, customer_since: None, churned_at };
    let account = record("Account", id);
    LogEntry::AccountSeen {
        account,
        source: "feed/customers".to_owned(),
        facts,
        at: at("2026-02-02T00:00:00Z"),
    }
}

#[test]
fn what_leaks_churns_and_is_asked_again_reaches_assessment_and_rollout() {
    let mut standing = Standing::new(&ScorecardSettings::default());
    let mut position = 0;
    let mut take = |standing: &mut Standing, entry: &LogEntry| {
        standing.apply(position, entry);
        position += 1;
    };
    let now = at("2026-03-15T00:00:00Z");
    let said = Said::default();
    assert_eq!(said.plan(&standing, now).leaks, Vec::<String>::new());
    take(&mut standing, &decided(MEETING, "sound", accepted()));
    for number in 0..12 {
        let id = format!("leaky{number}");
        take(&mut standing, &decided(SALE, &id, passed_by()));
        take(&mut standing, &left(&id));
    }
    let inputs = said.inputs(&standing, (25, 25), now);
    assert_eq!(inputs.leaks, [SALE]);
    assert_eq!(said.plan(&standing, now).leaks, [SALE]);
    assert_eq!(inputs.leak_to_churn, Some(Share::of(12, 12)));
    assert_eq!((inputs.re_asked.len(), inputs.month), (0, None), "nobody listens, nothing is frozen");

    let asked = LogEntry::ReaskReported {
        handoff: handoff(MEETING, "sound"),
        source: ReportedBy::Receiver,
        stands: true,
        by: None,
        asked: Some(at("2026-01-20T00:00:00Z")),
        at: at("2026-01-20T00:00:00Z"),
    };
    take(&mut standing, &asked);
    for frozen in standing.scorecard.to_freeze(now) {
        take(&mut standing, &frozen);
    }
    let inputs = said.inputs(&standing, (27, 27), now);
    assert_eq!(inputs.re_asked.get(MEETING), Some(&Share::of(1, 1)));
    assert_eq!(inputs.month.as_deref(), Some("2026-01"));
}
