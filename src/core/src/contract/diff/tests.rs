use proptest::prelude::*;

use super::*;
use crate::registry::parse_contract;

const TEXT: &str = include_str!("../../../../../mappings/contracts/h03-ae-to-onboarding.v1.toml");

fn shipped() -> Contract {
    parse_contract("h03", TEXT).unwrap()
}

/// A name, what it means, and the change.
type Edit = (&'static str, Weight, fn(&mut Contract));

/// Ways to change a contract, each with what it means.
fn edits() -> Vec<Edit> {
    vec![
        ("field removed", Weight::Weaker, |c| drop(c.fields.remove(0))),
        ("gate off", Weight::Weaker, |c| {
            c.gates.values_mut().for_each(|gate| gate.mode = Mode::Off);
        }),
        ("opens when complete", Weight::Weaker, |c| {
            c.gates.values_mut().for_each(|gate| gate.opens_when = Condition::Complete);
        }),
        ("gate removed", Weight::Weaker, |c| drop(c.gates.pop_last())),
        ("longer SLA", Weight::Weaker, |c| c.sla.accept_within_hours = Some(9_999)),
        ("no SLA", Weight::Weaker, |c| c.sla.accept_within_hours = None),
        ("shorter SLA", Weight::Stronger, |c| c.sla.accept_within_hours = Some(1)),
        ("no filler words", Weight::Weaker, |c| c.quality.filler.clear()),
        ("fewer characters", Weight::Weaker, |c| c.quality.min_chars = 0),
        ("edits are noted only", Weight::Weaker, |c| {
            c.fields.iter_mut().for_each(|field| field.after_acceptance = AfterAcceptance::Note);
        }),
        ("only sometimes required", Weight::Weaker, |c| {
            c.fields[0].required_when = Some("motion == \"b\"".into());
        }),
        ("another receiver", Weight::Unclear, |c| c.roles.receiver = "anybody".into()),
        ("another title", Weight::Neutral, |c| c.title = "Other".into()),
        ("counted up", Weight::Neutral, |c| c.version += 1),
        ("one part less", Weight::Weaker, |c| {
            let field = c.fields.iter_mut().find(|field| field.parts.len() > 1).unwrap();
            field.parts.pop_last();
        }),
    ]
}

#[test]
fn every_weakening_is_marked() {
    for (name, weight, edit) in edits() {
        let mut after = shipped();
        edit(&mut after);
        let changes = diff(&shipped(), &after);
        assert!(!changes.is_empty(), "{name}");
        assert_eq!(changes[0].weight, weight, "{name}: {changes:?}");
    }
}

#[test]
fn e09_a_removed_field_reads_loudly() {
    let mut after = shipped();
    after.fields.retain(|field| field.key.as_str() != "go_live");
    let text = diff(&shipped(), &after).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.starts_with("WEAKER   field go_live: "), "{text}");
}

#[test]
fn what_is_added_or_limited_is_never_loud() {
    let loud = |before: &Contract, after: &Contract| -> Vec<Change> {
        diff(before, after).into_iter().filter(|change| change.weight.is_loud()).collect()
    };
    let mut less = shipped();
    less.fields.pop();
    less.gates.pop_last();
    let field = less.fields.iter_mut().find(|field| field.parts.len() > 1).unwrap();
    field.parts.pop_last();
    assert_eq!(loud(&less, &shipped()), []);
    assert_eq!(diff(&less, &shipped()).len(), 3, "a whole thing is told once");
    let limited = |choices: &[&str]| {
        let mut contract = shipped();
        let part = contract.fields[0].parts.values_mut().next().unwrap();
        part.kind = Kind::Choice;
        part.choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
        contract
    };
    assert_eq!(loud(&limited(&[]), &limited(&["a", "b"])), []);
    assert_eq!(loud(&limited(&["a", "b"]), &limited(&["a"])), []);
    assert_eq!(loud(&limited(&["a"]), &limited(&["a", "b"])).len(), 1);
    assert_eq!(loud(&limited(&["a"]), &limited(&[])).len(), 1);
}

proptest! {
    #[test]
    fn a_text_does_not_differ_from_itself_and_weakening_is_anti_symmetric(left in prop::collection::vec(any::<prop::sample::Index>(), 0..5), right in prop::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        let all = edits();
        let made = |which: &[prop::sample::Index]| {
            let mut contract = shipped();
            for index in which {
                let (_, _, edit) = &all[index.index(all.len())];
                if contract.fields.len() > 1 && !contract.gates.is_empty() && contract.fields.iter().any(|field| field.parts.len() > 1) {
                    edit(&mut contract);
                }
            }
            contract
        };
        let (a, b) = (made(&left), made(&right));
        prop_assert!(diff(&a, &a).is_empty());
        let mut turned: Vec<Change> = diff(&b, &a).into_iter().map(Change::reversed).collect();
        turned.sort();
        let mut forth = diff(&a, &b);
        forth.sort();
        prop_assert_eq!(forth, turned);
    }
}
