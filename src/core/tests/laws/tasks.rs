//! What is owed over random histories, and the tasks that stand for it: one for each, none for what is done, no word of the record.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::handoff::Phase;
use handoff_core::id::RecordId;
use handoff_core::obligation::{Obligation, ObligationKind, Posts, TEXT, TITLE, obligations};
use handoff_core::task::{Act, Book, Rules, TaskChange, plan};
use handoff_core::value::Value;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::world::World;
use crate::{histories, variants};

/// A CRM with a unique key that takes everything: what a task stands for → whether it is open.
#[derive(Default)]
struct List {
    book: Book,
    open: BTreeMap<String, bool>,
}

impl List {
    fn write(&mut self, owed: &BTreeMap<String, Vec<Obligation>>, now: Timestamp) -> usize {
        let plan = plan(&Rules::default(), &self.book, owed, now);
        for write in &plan.writes {
            if let Some(order) = self.book.order(write) {
                self.book.apply(now, &order);
            }
            match write.act {
                Act::Open(_) => drop(self.open.insert(write.id.clone(), true)),
                Act::Close => drop(self.open.insert(write.id.clone(), false)),
                Act::Change(_) => {}
            }
            let record = RecordId(write.id.clone());
            self.book.apply(now, &TaskChange::Written { id: write.id.clone(), record });
        }
        plan.writes.len()
    }
}

fn texts(world: &World) -> Vec<String> {
    let package = world.package();
    let values = package.values().flat_map(|parts| parts.values());
    let texts = values.filter_map(|sourced| match &sourced.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    });
    texts.filter(|text| text.chars().count() > 12).collect()
}

proptest! {
    #![proptest_config(Config { cases: 120, ..Config::default() })]

    #[test]
    fn l1_l3_each_thing_that_is_owed_has_one_task_and_the_list_settles(variant in variants(), history in histories()) {
        let mut world = World::of(variant);
        let mut list = List::default();
        for step in history {
            world.play(&step);
            world.observe();
            let Some(state) = world.state() else { continue };
            let now = world.now();
            let owed = obligations(&world.contract, &state, Posts::none(), now);
            prop_assert_eq!(&owed, &obligations(&world.contract, &state, Posts::none(), now));
            let wanted: Vec<ObligationKind> = owed.iter().map(|one| one.kind).collect();
            let only = |allowed: &[ObligationKind]| wanted.iter().all(|kind| allowed.contains(kind));
            let fits = match state.phase {
                _ if state.stage.is_none() => wanted.is_empty(),
                Phase::Draft => only(&[ObligationKind::Fill]) && wanted.len() <= 1,
                Phase::Rejected => only(&[ObligationKind::Mend]) && wanted.len() <= 1,
                Phase::Complete => {
                    only(&[ObligationKind::Answer, ObligationKind::Name])
                        && (wanted.len() == 1 || state.sender.is_none())
                }
                Phase::Accepted => {
                    let confirms = wanted.iter().filter(|kind| **kind == ObligationKind::Confirm).count();
                    let excepted = state.sender.as_ref().map_or(0, |_| state.returns.exceptions.len());
                    only(&[ObligationKind::Confirm, ObligationKind::Exception])
                        && confirms == usize::from(state.awaits_confirmation() && state.receiver.is_some())
                        && wanted.len() - confirms == excepted
                }
                Phase::Voided => wanted.is_empty(),
            };
            prop_assert!(fits, "{:?}: {wanted:?}", state.phase);
            let ids: BTreeSet<&str> = owed.iter().map(|one| one.id.as_str()).collect();
            prop_assert_eq!(ids.len(), owed.len());
            for one in &owed {
                prop_assert!(one.title.chars().count() <= TITLE && one.text.chars().count() <= TEXT);
                prop_assert!(!one.title.contains('\n') && one.id.len() <= 64);
                for text in texts(&world) {
                    prop_assert!(!one.text.contains(&text) && !one.title.contains(&text), "{text}");
                }
            }
            let alive: BTreeSet<&str> = owed
                .iter()
                .filter(|one| one.owner.active && !one.owner.machine)
                .map(|one| one.id.as_str())
                .collect();
            let named: BTreeSet<&str> = owed.iter().map(|one| one.id.as_str()).collect();
            let streams = BTreeMap::from([(state.id.stream(), owed.clone())]);
            list.write(&streams, now);
            prop_assert_eq!(list.write(&streams, now), 0, "it does not settle");
            let open: BTreeSet<&str> =
                list.open.iter().filter(|(_, open)| **open).map(|(id, _)| id.as_str()).collect();
            prop_assert!(alive.is_subset(&open) && open.is_subset(&named), "{open:?} for {named:?}");
        }
    }
}
