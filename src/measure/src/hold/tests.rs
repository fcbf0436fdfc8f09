use std::collections::{BTreeMap, BTreeSet};

use handoff_core::decide::Terms;
use handoff_core::digest::Digest;
use handoff_core::event::{EditEffect, ReopenCause};
use handoff_core::id::{ActorId, ContractId, FieldKey, HandoffId, MotionId, PersonId, RecordRef};
use handoff_core::observation::Actor;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

const CONTRACT: &str = include_str!("../../../../mappings/contracts/h03-ae-to-onboarding.v1.toml");
const H: i64 = 3_600;

/// So many seconds after the beginning.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_438_400 + seconds).unwrap()
}

fn handoff() -> HandoffId {
    HandoffId {
        contract: ContractId::from("h03-ae-to-onboarding"),
        motion: MotionId::from("main"),
        subject: RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: "006".into() },
        cycle: 1,
    }
}

fn pin() -> ContractRef {
    ContractRef { id: ContractId::from("h03-ae-to-onboarding"), version: 1, digest: Digest::of_bytes(b"it") }
}

fn rita() -> Actor {
    Actor {
        id: ActorId::from("005"),
        person: PersonId::from("rita"),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    }
}

/// A book with the contract published; it waits for the customer in `commit`.
fn book() -> Holds {
    let text = CONTRACT
        .replace("accept_within_hours = 48", "accept_within_hours = 48\ncustomer_stages = [\"commit\"]");
    let mut holds = Holds::default();
    holds.apply(&LogEntry::ContractPublished { contract: pin(), text, at: at(0) });
    assert!(holds.customer_stages.values().any(|stages| stages.len() == 1));
    holds
}

fn decided(holds: &mut Holds, logged: i64, events: Vec<Event>) {
    holds.apply(&LogEntry::Decided {
        handoff: handoff(),
        contract: pin(),
        terms: Terms::default(),
        at: at(logged),
        seen: Box::new(Observation::gone(handoff().subject)),
        events,
    });
}

fn opened(seconds: i64) -> Event {
    Event::Opened { handoff: handoff(), contract: pin(), stage: "closed_won".into(), at: Some(at(seconds)) }
}

fn completed(seconds: i64) -> Event {
    Event::Completed { round: 1, at: at(seconds) }
}

fn accepted(seconds: i64) -> Event {
    Event::Accepted { act: format!("a{seconds}"), by: rita(), at: at(seconds), round: 1, behalf: None }
}

fn rejected(seconds: i64) -> Event {
    let act = format!("r{seconds}");
    Event::Rejected {
        act,
        by: rita(),
        at: at(seconds),
        round: 1,
        fields: BTreeSet::new(),
        reason: "thin".into(),
        reasons: std::collections::BTreeMap::new(),
    }
}

fn stage(seconds: i64, name: &str) -> Event {
    Event::StageChanged {
        stage: Some(name.into()),
        raw: name.into(),
        at: Some(at(seconds)),
        entry: String::new(),
    }
}

fn shares(holds: &Holds, cycle: usize) -> [i64; 5] {
    let hold = holds.of(&handoff().stream(), at(1_000 * H))[cycle];
    let Shares { total_ms, sender_ms, receiver_ms, customer_ms, system_ms } = hold.shares;
    [total_ms, sender_ms, receiver_ms, customer_ms, system_ms].map(|ms| ms / 1_000)
}

#[test]
fn each_second_of_five_rounds_belongs_to_one_side() {
    let mut holds = book();
    decided(&mut holds, 10, vec![opened(0)]);
    decided(&mut holds, H + 20, vec![completed(H)]);
    decided(&mut holds, 3 * H + 7, vec![rejected(3 * H + 1)]);
    // A rejection and its mending between two looks.
    decided(&mut holds, 9 * H + 60, vec![completed(4 * H + 3), rejected(9 * H + 5), completed(9 * H + 50)]);
    decided(&mut holds, 10 * H, vec![accepted(10 * H - 8)]);
    // What was noticed hours late is the system's, from the completion to the log; the rejection and the mending in it too.
    let (sender, receiver, late) = (H + (H + 2), (2 * H + 1) + (H - 68), 5 * H + 57);
    assert_eq!(shares(&holds, 0), [10 * H - 8, sender, receiver, 0, late]);
    let hold = holds.of(&handoff().stream(), at(0))[0];
    assert!(!hold.running && hold.accepted);
}

#[test]
fn an_outage_and_a_pause_are_the_systems_and_the_customers_stage_is_nobodys_fault() {
    let mut holds = book();
    decided(&mut holds, 0, vec![opened(0), stage(0, "closed_won")]);
    decided(&mut holds, H, vec![completed(H)]);
    // Down from hour 2 to hour 5, paused from hour 4 to hour 6.
    holds.apply(&LogEntry::Switched { on: false, by: "ops".into(), at: at(4 * H) });
    holds.apply(&LogEntry::Started { version: "1".into(), down_since: Some(at(2 * H)), at: at(5 * H) });
    holds.apply(&LogEntry::Switched { on: true, by: "ops".into(), at: at(6 * H) });
    decided(&mut holds, 7 * H, vec![stage(7 * H, "commit")]);
    decided(&mut holds, 9 * H, vec![stage(9 * H, "closed_won")]);
    decided(&mut holds, 10 * H, vec![accepted(10 * H)]);
    assert_eq!(shares(&holds, 0), [10 * H, H, 3 * H, 2 * H, 4 * H]);
}

#[test]
fn a_cycle_that_begins_again_is_reckoned_for_itself() {
    let mut holds = book();
    decided(&mut holds, 0, vec![opened(0), completed(0)]);
    decided(&mut holds, H, vec![accepted(H)]);
    let edits = BTreeMap::from([(FieldKey::from("x"), (at(2 * H - 60), None))]);
    let changed = Event::PackageChanged {
        set: BTreeMap::new(),
        cleared: BTreeSet::new(),
        edits,
        acceptance: EditEffect::Breaks,
    };
    let again = Event::Reopened { cycle: 2, cause: ReopenCause::People };
    decided(&mut holds, 2 * H, vec![changed, again, completed(2 * H - 60)]);
    assert_eq!(shares(&holds, 0), [H, 0, H, 0, 0]);
    let open = holds.of(&handoff().stream(), at(5 * H))[1];
    assert!(open.running && open.cycle == 2);
    assert_eq!(open.shares.receiver_ms, 3 * H * 1_000, "from when it began again, not from before");
}

#[test]
fn e06_stamps_that_cannot_be_true_do_not_make_negative_time() {
    let mut holds = book();
    decided(&mut holds, 10, vec![opened(1_000_000)]);
    decided(&mut holds, 20, vec![completed(-2_000_000_000), accepted(5)]);
    let hold = holds.of(&handoff().stream(), at(30))[0];
    assert!(hold.shares.total_ms >= 0 && hold.opened <= hold.until);
}

fn histories() -> impl Strategy<Value = Vec<(i64, i64, u8)>> {
    prop::collection::vec((0..40_000_i64, -20_000_i64..60_000, 0..9_u8), 1..40)
}

proptest! {
    #[test]
    fn the_shares_add_up_to_the_total_exactly_and_none_is_negative(history in histories(), as_of in 0..2_000_000_i64) {
        let mut holds = book();
        let mut now = 0;
        decided(&mut holds, 0, vec![opened(-500)]);
        for (wait, claim, what) in history {
            now += wait;
            let claim = now - claim;
            match what {
                0 => decided(&mut holds, now, vec![completed(claim)]),
                1 => decided(&mut holds, now, vec![rejected(claim)]),
                2 => decided(&mut holds, now, vec![accepted(claim)]),
                3 => decided(&mut holds, now, vec![Event::Reopened { cycle: 2, cause: ReopenCause::People }]),
                4 => decided(&mut holds, now, vec![stage(claim, "commit")]),
                5 => decided(&mut holds, now, vec![stage(claim, "closed_won")]),
                6 => holds.apply(&LogEntry::Started { version: "1".into(), down_since: Some(at(claim.min(now))), at: at(now) }),
                7 => holds.apply(&LogEntry::Switched { on: wait % 2 == 0, by: "ops".into(), at: at(now) }),
                _ => decided(&mut holds, now, vec![Event::Voided { cause: VoidCause::Deleted }, opened(claim)]),
            }
        }
        for hold in holds.of(&handoff().stream(), at(as_of)) {
            let s = hold.shares;
            prop_assert_eq!(s.sender_ms + s.receiver_ms + s.customer_ms + s.system_ms, s.total_ms);
            prop_assert!([s.sender_ms, s.receiver_ms, s.customer_ms, s.system_ms].iter().all(|share| *share >= 0));
            prop_assert_eq!(hold.until.duration_since(hold.opened), SignedDuration::from_millis(s.total_ms));
        }
    }
}
