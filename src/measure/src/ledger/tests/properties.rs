//! Random histories over many months.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::event::VoidCause;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::incentive::factor;

/// A step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Accept,
    Reopen,
    Amount(i64),
    Split(u8),
    Void,
}

fn steps() -> impl Strategy<Value = Vec<(u8, Step, u8)>> {
    let step = prop_oneof![
        3 => Just(Step::Accept),
        2 => Just(Step::Reopen),
        2 => (-1_000_000_i64..1_000_000).prop_map(Step::Amount),
        1 => (0_u8..=100).prop_map(Step::Split),
        1 => Just(Step::Void),
    ];
    prop::collection::vec((0_u8..4, step, 1_u8..25), 1..50)
}

#[derive(Default)]
struct Model {
    cycle: u32,
    open: bool,
    voided: bool,
    cents: i64,
    percent: Option<u8>,
    adjustments: u32,
}

/// Entries of a random history over many months, and what each payee holds at its end, in cents of a cent.
fn play(steps: &[(u8, Step, u8)]) -> (Vec<LogEntry>, BTreeMap<String, Decimal>) {
    let mut entries = vec![published()];
    let mut now = at("2026-09-02T00:00:00Z");
    let mut models: BTreeMap<u8, Model> = BTreeMap::new();
    for (record, step, days) in steps {
        now += SignedDuration::from_hours(24 * i64::from(*days));
        let name = record.to_string();
        let mut events = Vec::new();
        let pay = |model: &Model| {
            let amount = Decimal::new(model.cents, 2).to_string();
            let pay = money(&name, &amount);
            match model.percent {
                Some(percent) => {
                    split(pay, &[("ann", &percent.to_string()), ("bob", &(100 - percent).to_string())])
                }
                None => pay,
            }
        };
        let model = models.entry(*record).or_default();
        if model.cycle == 0 || (model.voided && matches!(step, Step::Accept)) {
            model.cycle += 1;
            model.voided = false;
            events.extend(opened(&name, model.cycle));
            events.push(paid(pay(model)));
        }
        match step {
            Step::Accept if !model.open && !model.voided => {
                model.open = true;
                events.extend(accepted(now, model.cycle));
            }
            Step::Reopen if model.open => {
                model.open = false;
                model.cycle += 1;
                model.adjustments += 1;
                events.extend(reopened(model.cycle, model.adjustments));
            }
            Step::Amount(cents) => {
                model.cents = *cents;
                events.push(paid(pay(model)));
            }
            Step::Split(percent) => {
                model.percent = Some(*percent);
                events.push(paid(pay(model)));
            }
            Step::Void if !model.voided => {
                if model.open {
                    model.adjustments += 1;
                    let cause = ReopenCause::Voided { cause: VoidCause::Gone };
                    events.push(Event::CommissionHeld { adjustment: model.adjustments, cause });
                }
                (model.open, model.voided) = (false, true);
                events.push(Event::Voided { cause: VoidCause::Gone });
            }
            Step::Accept | Step::Reopen | Step::Void => {}
        }
        if !events.is_empty() {
            entries.push(decided(&name, model.cycle, now, events));
        }
    }
    let mut holds: BTreeMap<String, Decimal> = BTreeMap::new();
    for model in models.values().filter(|model| model.open) {
        let percent = model.percent.unwrap_or(100);
        for (payee, share) in [("ann", percent), ("bob", 100 - percent)] {
            *holds.entry(payee.to_owned()).or_default() +=
                Decimal::new(model.cents, 2) * Decimal::from(share) / Decimal::ONE_HUNDRED;
        }
    }
    holds.retain(|_, sum| !sum.is_zero());
    (entries, holds)
}

fn months(entries: &[LogEntry]) -> Vec<String> {
    let last = Month::of(entries.last().unwrap().at());
    let mut month: Month = "2026-09".parse().unwrap();
    let mut all = vec![month.to_string()];
    while month < last {
        month = month.next();
        all.push(month.to_string());
    }
    all
}

proptest! {
    #[test]
    fn the_rows_of_all_periods_are_what_the_deals_amount_to(steps in steps()) {
        let (entries, holds) = play(&steps);
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        for month in months(&entries) {
            let made = statement(&entries, &month);
            let mut numbers: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
            for row in made.payable() {
                *sums.entry(row.payee.clone()).or_default() += row.amount.unwrap_or_default();
                numbers.entry(row.deal.clone()).or_default().extend(row.adjustment);
            }
            prop_assert!(numbers.values().all(|numbers| numbers.len() <= 1), "one adjustment per deal and period");
            let payable: Decimal = made.payable().filter_map(|row| row.amount).sum();
            let told: Decimal = made.totals.iter().map(|total| total.cleared + total.overridden + total.adjusted).sum();
            prop_assert_eq!(payable, told);
        }
        sums.retain(|_, sum| !sum.is_zero());
        prop_assert_eq!(sums, holds);
    }

    #[test]
    fn a_past_period_has_the_same_bytes_whatever_comes_later(steps in steps()) {
        let (entries, _) = play(&steps);
        for month in months(&entries) {
            let end = month.parse::<Month>().unwrap().end().unwrap();
            let until = entries.iter().position(|entry| entry.at() >= end).unwrap_or(entries.len());
            let (then, now) = (statement(&entries[..until], &month), statement(&entries, &month));
            for format in [Format::Csv, Format::Json] {
                prop_assert_eq!(format.write(&then).unwrap(), format.write(&now).unwrap());
            }
        }
    }

    #[test]
    fn shares_sum_to_the_amount_or_are_refused(cents in any::<i64>(), parts in prop::collection::vec(0_u32..10_000, 1..6)) {
        let mut pay = money("1", &Decimal::new(cents, 2).to_string());
        let names = ["a", "b", "c", "d", "e"];
        let texts: Vec<String> = parts.iter().map(|part| Decimal::new(i64::from(*part), 2).to_string()).collect();
        let rows: Vec<(&str, &str)> = names.iter().zip(&texts).map(|(name, text)| (*name, text.as_str())).collect();
        pay = split(pay, &rows);
        let sum: u32 = parts.iter().sum();
        if let Ok(shares) = crate::ledger::shares::shares(Some(&pay), None) {
            prop_assert_eq!(sum, 10_000);
            prop_assert_eq!(shares.iter().filter_map(|share| share.amount).sum::<Decimal>(), Decimal::new(cents, 2));
        } else {
            prop_assert_ne!(sum, 10_000);
        }
    }

    #[test]
    fn the_factor_stays_within_its_weight(weight in 5_u32..=10, met in 0_u32..100, more in 0_u32..100) {
        let n = (met + more).max(1);
        let made = factor(Decimal::from(weight), Decimal::from(met.min(n)) / Decimal::from(n));
        let least = Decimal::ONE - Decimal::from(weight) / Decimal::ONE_HUNDRED;
        prop_assert!(made >= least && made <= Decimal::ONE);
    }
}
