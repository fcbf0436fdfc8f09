//! Every figure that is kept from entry to entry, reckoned again from all cycles at once.

use handoff_core::account::{AccountFacts, SurveyAnswer};
use handoff_core::completeness::{Situation, assess, required};
use jiff::ToSpan;

use super::*;
use crate::account::day;
use crate::crossing::Crossing;
use crate::drill::{is_behind, record};
use crate::metric::{Figure, Metric, churn, nps};
use crate::spread::Spread;
use crate::unit::{Passage, Transition};
use crate::worlds;
use crate::worlds::Chance;
use crate::worlds::years::Years;

/// The first transitions of a line in a slice.
fn crossings(card: &Scorecard, row: &Row, slice: Slice) -> Vec<Crossing> {
    let mut first: BTreeMap<(&ContractId, String), (&Unit, Crossing)> = BTreeMap::new();
    for unit in &card.units {
        let (Some(passed), Some(account)) = (unit.transition, card.accounts.of(&unit.stream)) else {
            continue;
        };
        let crossing = Crossing {
            account: account.clone(),
            stream: unit.stream.to_string(),
            cycle: unit.cycle,
            at: passed.at,
            filled: passed.filled,
            required: passed.required,
            bypassed: passed.passage == Passage::Bypassed,
            guessed: passed.leaked().is_none(),
            untold: passed.untold,
        };
        let key = (&unit.line.contract, account.to_string());
        let earlier = first.get(&key).is_some_and(|(_, known)| {
            (known.at, &known.stream, known.cycle) <= (crossing.at, &crossing.stream, crossing.cycle)
        });
        if !earlier {
            first.insert(key, (unit, crossing));
        }
    }
    let own = first.into_values().filter(|(unit, crossing)| is_of(unit, row) && slice.holds(crossing.at));
    own.map(|(_, crossing)| crossing).collect()
}

fn is_of(unit: &Unit, row: &Row) -> bool {
    (unit.line.contract.0.as_str(), unit.line.motion.0.as_str())
        == (row.contract.as_str(), row.motion.as_str())
}

fn share(figure: &Figure) -> (usize, usize) {
    (figure.met.unwrap_or(0), figure.n)
}

fn counted(flags: impl Iterator<Item = bool>) -> (usize, usize) {
    flags.fold((0, 0), |(met, n), flag| (met + usize::from(flag), n + 1))
}

/// Metrics 1 to 3 of a row.
fn cycles(card: &Scorecard, row: &Row, slice: Slice) {
    let own: Vec<&Unit> = card.units.iter().filter(|unit| is_of(unit, row)).collect();
    let moved = own.iter().filter_map(|unit| unit.transition).filter(|each| slice.holds(each.at));
    let completion = row.figure(Metric::Completion).unwrap();
    assert_eq!(share(completion), counted(moved.filter(Transition::is_told).map(|each| each.is_complete())));
    let decided = own.iter().filter(|unit| unit.decision.is_some_and(|each| slice.holds(each.at)));
    let acceptance = row.figure(Metric::Acceptance).unwrap();
    assert_eq!(share(acceptance), counted(decided.map(|unit| unit.is_first_pass())));
    let accepted = own.iter().filter_map(|unit| unit.acceptance).filter(|each| slice.holds(each.at));
    let waited = Spread::of(accepted.filter_map(|each| each.waited).collect());
    let time = row.figure(Metric::TimeToAcceptance).unwrap();
    assert_eq!((time.value, row.time_to_acceptance), (waited.map(|waited| waited.median_hours), waited));
}

/// Metric 4 of a row.
fn asked(card: &Scorecard, row: &Row, slice: Slice) {
    let mut accounts: BTreeMap<String, bool> = BTreeMap::new();
    for unit in card.units.iter().filter(|unit| is_of(unit, row)) {
        let standing = card.reasks.standing(&unit.stream, unit.cycle);
        if standing.accepted.is_some_and(|at| slice.holds(at)) {
            let account = card.reasks.account(&unit.stream).unwrap().id;
            *accounts.entry(account).or_default() |= standing.asked_again;
        }
    }
    let figure = row.figure(Metric::ReDiscovery).unwrap();
    if card.heard(figure.window.until) {
        assert_eq!(share(figure), counted(accounts.into_values()));
    }
}

/// Metrics 5 and 6 of a row.
fn customers(card: &Scorecard, row: &Row, slice: Slice, as_of: Timestamp) {
    let silent = card.accounts.is_silent();
    let own = if silent { Vec::new() } else { crossings(card, row, slice) };
    let figure = row.figure(Metric::NpsDelta).unwrap();
    let around = nps::around(&own, &card.accounts, as_of);
    let told = nps::told(&row.contract, &around, figure.window);
    assert_eq!(figure, &Figure { reconstructed: figure.reconstructed, ..told });
    let (mut lost, mut retained, mut left_out) = (Vec::new(), 0, 0);
    for crossing in &own {
        let leaves = card.accounts.facts(&crossing.account).churned_at;
        let left = leaves.filter(|left| *left <= day(as_of));
        let is_untold = crossing.untold > 0 && leaves.is_none_or(|left| left >= day(crossing.at));
        if is_untold || !card.accounts.is_told(&crossing.account) {
            left_out += 1;
        } else if left.is_none() {
            retained += 1;
        } else if left.is_some_and(|left| left >= day(crossing.at)) {
            lost.push(crossing.leaked());
        }
    }
    let figure = row.figure(Metric::LeakToChurn).unwrap();
    assert_eq!(share(figure), counted(lost.into_iter()));
    assert_eq!((figure.provisional, figure.unmeasurable), (retained > 0, left_out));
    assert_eq!(figure.value.is_some(), figure.n >= churn::LEAST_CHURNED);
}

/// The records behind a row, page by page.
fn behind(card: &Scorecard, row: &Row, slice: Slice) {
    for metric in Metric::ALL.map(Some).into_iter().chain([None]) {
        let motion = (metric != Some(Metric::Acceptance)).then(|| row.motion.clone());
        let contract = row.contract.clone();
        let mut question = Question { contract, motion, slice, metric, after: None, limit: 7 };
        let mut all: Vec<&Unit> = card.units.iter().filter(|unit| is_behind(unit, &question)).collect();
        all.sort_by(|a, b| (&a.stream, a.cycle).cmp(&(&b.stream, b.cycle)));
        for page in all.chunks(7) {
            let drill = card.drill(&question);
            let wanted: Vec<Record> = page.iter().map(|unit| record(unit, slice)).collect();
            assert_eq!((drill.n, drill.records), (all.len(), wanted));
            question.after = page.last().map(|unit| (unit.stream.to_string(), unit.cycle));
        }
        assert!(card.drill(&question).records.is_empty());
    }
}

/// Every row, as it stands now, as it stood half a year ago, and as it will stand.
fn check(card: &Scorecard, now: Timestamp) -> usize {
    let mut rows = 0;
    for as_of in [now - SignedDuration::from_hours(180 * 24), now, now + SignedDuration::from_hours(100 * 24)]
    {
        for by in [Period::Week, Period::Month] {
            for row in card.report_of(by, as_of, Shown::Live).rows {
                let slice = Slice::named(row.period.as_deref().unwrap_or("all")).unwrap();
                cycles(card, &row, slice);
                asked(card, &row, slice);
                customers(card, &row, slice, as_of);
                if as_of == now {
                    behind(card, &row, slice);
                }
                rows += 1;
            }
        }
    }
    rows
}

/// What is told of accounts, and records that change theirs, between the entries of a world.
fn disturbed(log: Vec<LogEntry>, seed: u64) -> Vec<LogEntry> {
    let (mut chance, mut told) = (Chance::new(seed), Vec::new());
    for mut entry in log {
        let at = entry.at();
        if let LogEntry::Decided { seen, .. } = &mut entry {
            match chance.below(12) {
                0 => seen.account = None,
                1 => seen.account = Some(format!("001{:015}", chance.below(9))),
                _ => {}
            }
            if let Some(account) = seen.account.clone() {
                let record = account.as_str().into();
                let account = RecordRef { connection: "sf".into(), object: "Account".into(), record };
                told.extend(heard(account, at, &mut chance));
            }
        }
        told.push(entry);
    }
    told
}

fn heard(account: RecordRef, at: Timestamp, chance: &mut Chance) -> Option<LogEntry> {
    let days = i64::try_from(chance.below(60)).unwrap() - 30;
    let moment = at + SignedDuration::from_hours(24 * days);
    match chance.below(4) {
        0 => {
            let left = day(at).checked_add((2 * days).days()).unwrap();
            let churned_at = (!chance.one_in(3)).then_some(left);
            let facts = AccountFacts { churned_at, ..AccountFacts::default() };
            let source = if chance.one_in(2) { "crm" } else { "feed" };
            Some(LogEntry::AccountSeen { account, source: source.to_owned(), facts, at })
        }
        1 | 2 => {
            let id = Digest::of_bytes(&[u8::try_from(chance.below(40)).unwrap()]);
            let score = u8::try_from(chance.below(11)).unwrap();
            let answer = SurveyAnswer { id, score, answered_at: moment };
            Some(LogEntry::SurveyAnswered { account, answer, at })
        }
        _ => None,
    }
}

#[test]
fn worlds_figures_kept_from_entry_to_entry_equal_those_of_all_cycles_at_once() {
    for seed in 0..6 {
        let log = disturbed(worlds::log(seed, 120), seed);
        let mut card = Scorecard::new();
        let mut rows = 0;
        for (index, entry) in log.iter().enumerate() {
            card.apply(entry);
            if index % (log.len() / 4 + 1) == log.len() / 4 {
                rows += check(&card, entry.at());
            }
        }
        rows += check(&card, log.last().unwrap().at());
        assert!(rows > 500, "{rows}");
    }
}

#[test]
fn years_figures_kept_from_entry_to_entry_equal_those_of_all_cycles_at_once() {
    let mut card = Scorecard::new();
    Years::new(1_200).for_each(|entry| card.apply(&entry));
    assert_eq!(card.units.len(), 1_200);
    check(&card, Years::start() + SignedDuration::from_hours(500 * 24));
}

#[test]
fn years_have_something_to_say_for_every_metric() {
    let mut card = Scorecard::new();
    Years::new(6_000).for_each(|entry| card.apply(&entry));
    let report = card.report(Period::Month, Years::end());
    let measured =
        |metric| report.rows.iter().filter(|row| row.figure(metric).unwrap().value.is_some()).count();
    assert!(Metric::ALL.into_iter().all(|metric| measured(metric) > 8), "every metric is in it");
}

#[test]
fn years_of_the_same_seed_are_the_same_log_in_order() {
    let once: Vec<LogEntry> = Years::new(300).collect();
    assert!(once.iter().eq(&Years::new(300).collect::<Vec<_>>()));
    assert!(once.is_sorted_by_key(LogEntry::at));
    assert_ne!(once, Years::seeded(1, 300).collect::<Vec<_>>());
}

#[test]
fn what_a_package_must_have_is_what_it_is_judged_by() {
    let (mut contracts, mut judged) = (BTreeMap::new(), 0);
    for entry in worlds::log(7, 60).into_iter().chain(Years::new(100)) {
        if let LogEntry::ContractPublished { contract, text, .. } = &entry {
            contracts.insert(contract.clone(), parse_contract(contract.id.as_str(), text).unwrap());
        } else if let LogEntry::Decided { handoff, contract, seen, .. } = &entry {
            let (nothing, none) = (BTreeSet::new(), BTreeMap::new());
            let situation = Situation {
                stage: seen.stage.name.as_ref(),
                motion: &handoff.motion,
                still_rejected: &nothing,
                disputed: &none,
                as_of: None,
            };
            let contract = &contracts[contract];
            let found = assess(contract, &seen.package, &situation);
            assert_eq!(required(contract, &seen.package, &situation), found.required);
            judged += 1;
        }
    }
    assert!(judged > 300, "{judged}");
}
