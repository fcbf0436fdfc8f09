use std::collections::BTreeMap;

use handoff_core::event::VoidCause;

use super::*;

#[test]
fn the_same_seed_gives_the_same_log_and_another_seed_another() {
    assert_eq!(log(7, 40), log(7, 40));
    assert_ne!(log(7, 40), log(8, 40));
}

/// Law L5 over a world: what was decided is decided again from what was seen.
#[test]
fn every_decision_of_a_world_is_the_cores_own() {
    let log = log(11, 120);
    let contracts: BTreeMap<ContractRef, Contract> = log
        .iter()
        .filter_map(|entry| {
            let LogEntry::ContractPublished { contract, text, .. } = entry else { return None };
            Some((contract.clone(), parse_contract(contract.id.as_str(), text).unwrap()))
        })
        .collect();
    let mut states: BTreeMap<String, Handoff> = BTreeMap::new();
    let mut before = Timestamp::MIN;
    for (position, entry) in log.iter().enumerate() {
        assert!(entry.at() >= before, "the log's time does not go back");
        before = entry.at();
        let Some((handoff, events)) = entry.handoff() else { continue };
        let state = states.remove(&handoff.stream());
        if let LogEntry::Decided { contract, terms, seen, at, .. } = entry {
            let case = Case { contract: &contracts[contract], pin: contract, motion: &handoff.motion, terms };
            assert_eq!(&decide(case, state.as_ref(), seen, *at), events);
        }
        let stamp = Stamp { position: u64::try_from(position).unwrap(), time: entry.at() };
        states.insert(handoff.stream(), Handoff::apply(state, stamp, events).unwrap());
    }
}

/// A world in which hardly anything happens would prove nothing.
#[test]
fn a_world_holds_everything_that_the_numbers_count() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in log(3, 600) {
        if let LogEntry::Switched { .. } = &entry {
            *counts.entry("switched").or_default() += 1;
        } else if let LogEntry::Started { down_since: Some(_), .. } = &entry {
            *counts.entry("down").or_default() += 1;
        }
        *counts.entry(told(&entry)).or_default() += 1;
        for event in entry.handoff().into_iter().flat_map(|(_, events)| events) {
            let name = if let Event::Voided { cause: VoidCause::Stage { .. } } = event {
                "voided by stage"
            } else {
                event.name()
            };
            *counts.entry(name).or_default() += 1;
        }
    }
    for wanted in [
        "accepted",
        "answer_refused",
        "bypassed",
        "completed",
        "exceptions_granted",
        "exceptions_lapsed",
        "fell_incomplete",
        "package_changed",
        "rejected",
        "reopened",
        "sla_breached",
        "stage_changed",
        "tampered",
        "voided",
        "voided by stage",
        "commission_held",
        "switched",
        "down",
        "what was worked out afterwards",
        "a scored call",
        "an answer about a call",
        "a report",
        "a call withdrawn",
        "facts of an account",
        "an answer to a survey",
    ] {
        assert!(counts.get(wanted).copied().unwrap_or_default() >= 3, "{wanted}: {counts:?}");
    }
}

/// What happens beside what is decided.
fn told(entry: &LogEntry) -> &'static str {
    if let LogEntry::Reconstructed { .. } = entry {
        "what was worked out afterwards"
    } else if let LogEntry::ReaskSuggested { .. } = entry {
        "a scored call"
    } else if let LogEntry::ReaskAnswered { .. } = entry {
        "an answer about a call"
    } else if let LogEntry::ReaskReported { .. } = entry {
        "a report"
    } else if let LogEntry::EvidenceWithdrawn { .. } = entry {
        "a call withdrawn"
    } else if let LogEntry::AccountSeen { .. } = entry {
        "facts of an account"
    } else if let LogEntry::SurveyAnswered { .. } = entry {
        "an answer to a survey"
    } else {
        "decided"
    }
}

#[test]
fn a_quiet_world_is_told_nothing_beside_what_is_decided() {
    assert!(quiet(3, 60).iter().all(|entry| told(entry) == "decided"));
}
