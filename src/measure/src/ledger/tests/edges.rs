//! What is owed at the edges: rows that cannot be used, deals that name each other, files that nearly fit.

use handoff_core::contract::Mode;
use handoff_core::twin::{TwinSeen, TwinWord};

use super::*;

fn refused(pay: Pay) -> String {
    let rows = statement(&cleared(pay), "2026-09").rows;
    assert_eq!((rows.len(), rows[0].state, rows[0].amount), (1, State::Refused, None));
    rows[0].hold_reason.clone().unwrap()
}

#[test]
fn splits_that_were_not_all_read_and_payees_that_are_no_ids_are_refused() {
    let cut = Pay { too_many: true, ..split(money("1", "90"), &[("ann", "100")]) };
    assert!(refused(cut).starts_with("more split rows than can be read"));
    assert!(refused(split(money("1", "90"), &[(&"x".repeat(256), "100")])).contains("too long"));
    let longest = "x".repeat(255);
    let rows = statement(&cleared(split(money("1", "90"), &[(&longest, "100")])), "2026-09").rows;
    assert_eq!((rows[0].state, rows[0].payee.as_str()), (State::Cleared, longest.as_str()));
}

#[test]
fn e15_an_amount_that_no_share_divides_exactly_is_refused_and_never_rounded() {
    let pay = split(money("1", "79228162514264337593543950335"), &[("ann", "33.3"), ("bob", "66.7")]);
    assert!(refused(pay).contains("cannot be divided exactly"));
}

#[test]
fn no_pay_follows_a_gate_that_is_off_and_credit_follows_where_there_is_no_commission() {
    let mut entries = cleared(money("1", "100"));
    for entry in &mut entries {
        if let LogEntry::Decided { terms, .. } = entry {
            terms.modes.insert("commission".into(), Mode::Off);
        }
    }
    assert!(statement(&entries, "2026-09").rows.is_empty());
    let mut entries = cleared(money("1", "100"));
    for entry in &mut entries {
        if let LogEntry::ContractPublished { text, .. } = entry {
            *text = CONTRACT.replace("kind = \"commission\"", "kind = \"credit\"");
        }
    }
    let rows = statement(&entries, "2026-09").rows;
    assert_eq!((rows.len(), rows[0].state), (1, State::Cleared));
}

#[test]
fn two_records_of_one_deal_that_name_each_other_count_once() {
    let mut entries = cleared(money("1", "100"));
    let when = at("2026-09-06T00:00:00Z");
    let link = |to: &str| {
        let twin = TwinSeen { record: subject(to), word: TwinWord::Accepted };
        Event::TwinsChanged { link: Some(subject(to)), twins: vec![twin] }
    };
    let events = [opened("2", 1), vec![link("1"), paid(money("2", "100"))], accepted(when, 1)].concat();
    entries.push(decided("2", 1, when, events));
    entries.push(decided("1", 1, when, vec![link("2")]));
    let made = statement(&entries, "2026-09");
    let deals: Vec<&str> = made.rows.iter().map(|row| row.deal.as_str()).collect();
    assert_eq!(deals, ["sf/Opportunity/1"]);
    assert_eq!(made.totals[0].cleared.to_string(), "100");
}

#[test]
fn a_share_that_stays_is_not_stated_again_when_another_changes_hands() {
    let mut entries = cleared(split(money("1", "100"), &[("ann", "50"), ("bob", "50")]));
    let moved = split(money("1", "100"), &[("ann", "50"), ("eve", "50")]);
    entries.push(decided("1", 1, at("2026-10-03T00:00:00Z"), vec![paid(moved)]));
    let made = statement(&entries, "2026-10");
    let told: Vec<String> = made
        .rows
        .iter()
        .map(|row| format!("{} {} {:?}", row.payee, row.amount.unwrap(), row.adjustment))
        .collect();
    assert_eq!(told, ["bob -50 Some(1)", "eve 50 Some(1)"]);
    assert_eq!(made.totals[0].adjusted, Decimal::ZERO);
}

#[test]
fn totals_are_sums_and_what_is_refused_is_in_none() {
    let mut entries = cleared(money("1", "100"));
    let when = at("2026-09-07T00:00:00Z");
    for (record, amount) in [("2", "200.5"), ("3", "NaN")] {
        let events = [opened(record, 1), vec![paid(money(record, amount))], accepted(when, 1)].concat();
        entries.push(decided(record, 1, when, events));
    }
    let held = [opened("4", 1), vec![paid(money("4", "7"))]].concat();
    entries.push(decided("4", 1, when, held));
    let made = statement(&entries, "2026-09");
    let total = &made.totals[0];
    assert_eq!(
        (made.totals.len(), total.cleared.to_string(), total.held.to_string()),
        (1, "300.5".into(), "7".into())
    );
}

#[test]
fn a_payout_file_is_read_whatever_the_case_of_its_header_and_a_name_of_two_deals_is_none() {
    let mut made = statement(&cleared(money("1", "100")), "2026-09");
    let read = |text: &str| payouts(text.as_bytes(), &Columns::default()).unwrap();
    assert!(reconcile(&made, &read("\u{feff}DEAL,Payee,AMOUNT\n1,ann,100\n")).is_empty());
    let other = Row { deal: "hs/deals/1".to_owned(), ..made.rows[0].clone() };
    made.rows.push(other);
    let found = reconcile(
        &made,
        &read("deal,payee,amount\n1,ann,100\nsf/Opportunity/1,ann,100\nhs/deals/1,ann,100\n"),
    );
    let told: Vec<(FindingKind, Option<u64>)> = found.iter().map(|each| (each.kind, each.line)).collect();
    assert_eq!(told, [(FindingKind::UnknownDeal, Some(2))]);
}

#[test]
fn what_is_owed_to_nobody_needs_no_payout() {
    assert!(reconcile(&statement(&cleared(money("1", "0")), "2026-09"), &[]).is_empty());
    let found = reconcile(&statement(&cleared(money("1", "1")), "2026-09"), &[]);
    assert_eq!(found.iter().map(|each| each.kind).collect::<Vec<_>>(), [FindingKind::OpenButUnpaid]);
}

#[test]
fn e12_a_cell_that_was_disarmed_is_the_same_payee_when_it_comes_back() {
    let mut made = statement(&cleared(money("1", "100")), "2026-09");
    made.rows[0].payee = "@ann".into();
    let bytes = csv(&made).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("'@ann"));
    assert!(reconcile(&made, &payouts(&bytes, &Columns::default()).unwrap()).is_empty());
}

/// Six deals, accepted at once, an hour apart.
fn six() -> Vec<LogEntry> {
    let mut entries = vec![published()];
    for number in 0..6_u32 {
        let when = at("2026-09-05T10:00:00Z") + SignedDuration::from_hours(i64::from(number));
        let record = number.to_string();
        entries.push(decided(&record, 1, when, [opened(&record, 1), accepted(when, 1)].concat()));
    }
    entries
}

fn asked_again(record: &str, stands: bool, when: &str) -> LogEntry {
    LogEntry::ReaskReported {
        handoff: handoff(record, 1),
        source: handoff_core::reask::ReportedBy::Receiver,
        stands,
        by: None,
        asked: None,
        at: at(when),
    }
}

#[test]
fn a_customer_who_is_asked_again_lowers_the_quality_of_who_handed_over() {
    let mut entries = six();
    let ann = |entries: &[LogEntry]| statement(entries, "2026-09").senders[0].clone();
    assert_eq!((ann(&entries).re_discovery, ann(&entries).factor), (None, Decimal::ONE), "nobody listens");
    entries.push(asked_again("1", true, "2026-09-10T00:00:00Z"));
    entries.push(asked_again("2", true, "2026-09-10T00:00:00Z"));
    entries.push(asked_again("2", false, "2026-09-11T00:00:00Z"));
    // Five of six were not asked again: q = (1 + 1 + 0.8333) / 3; 1 - 0.05 + 0.05 * 0.9444.
    let heard = ann(&entries);
    assert_eq!(heard.re_discovery.unwrap().to_string(), "0.8333");
    assert_eq!((heard.q.unwrap().to_string(), heard.factor.to_string()), ("0.9444".into(), "0.9972".into()));
    assert_eq!(heard.n, 6, "n stays the decided handoffs");
    // Of fewer than five that were listened to nothing follows.
    let few: Vec<LogEntry> = six().into_iter().take(5).chain(entries.split_off(7)).collect();
    assert_eq!(ann(&few).re_discovery, None);
}

#[test]
fn what_is_heard_later_changes_no_earlier_statement_and_closed_months_keep_their_rules() {
    let mut entries = six();
    let before = statement(&entries, "2026-09");
    entries.push(asked_again("1", true, "2026-10-02T00:00:00Z"));
    assert_eq!(statement(&entries, "2026-09"), before);
    assert_eq!(statement(&entries, "2026-10").senders[0].re_discovery.unwrap().to_string(), "0.8333");
    let of = |rules: Rules| {
        let mut ledger = Ledger::new("2026-10".parse().unwrap());
        for (position, entry) in (0_u64..).zip(&entries) {
            ledger.apply(position, Some(entry));
        }
        ledger.finish(Standing::Closed, Decimal::from(5), rules).senders[0].clone()
    };
    assert_eq!((of(Rules::Shrunk).re_discovery, of(Rules::Shrunk).factor), (None, Decimal::ONE));
    assert_eq!(of(Rules::Raw).q_shrunk, None);
    // Whom nobody listened to while it mattered is not measured.
    let mut late = six();
    late.push(asked_again("1", true, "2026-11-20T00:00:00Z"));
    assert_eq!(statement(&late, "2026-11").senders[0].re_discovery, None);
}
