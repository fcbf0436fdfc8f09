//! How the record is read.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::extract::{Existence, RawRecord, RecordVersion};
use handoff_core::id::{FieldKey, GateName};
use handoff_core::observation::{Act, Actor, Answer, DateMove, Edit, FlagSeen, Observation, StageSeen};
use serde_json::json;

use super::{FIELDS, Variant, World, actor, package, subject, until_later};

impl World {
    pub(super) fn look(&self) -> Observation {
        let truth = &self.truth;
        if !truth.exists {
            return Observation { existence: Existence::Deleted, ..Observation::gone(subject()) };
        }
        let names = &self.mapping.stage.names;
        let name = names
            .iter()
            .find(|(_, raw)| raw.iter().any(|raw| raw == truth.stage.0))
            .map(|(name, _)| name.clone());
        Observation {
            subject: subject(),
            version: Some(RecordVersion { stamp: truth.now }),
            existence: Existence::Present,
            stage: StageSeen {
                name,
                raw: truth.stage.0.to_owned(),
                before: None,
                since: Some(truth.stage.1),
                opening_since: None,
                by: Some(self.resolve(actor(truth.moved_by))),
                entry: truth.stage.2.to_string(),
                back: self.back(),
                close_date: truth
                    .date_moved
                    .filter(|(entry, from)| *entry == truth.stage.2 && *from != truth.close_date)
                    .map(|(_, from)| DateMove { from: Some(from.to_string()) }),
            },
            first_contact: None,
            beside: None,
            account: None,
            package: package(&truth.texts),
            edits: self.edits(),
            edited_by_latest: (self.variant == Variant::NoHistory).then_some(truth.last_modified.0),
            sender: truth.sender.map(|who| self.resolve(actor(who))),
            receiver: truth.receiver.map(|who| self.resolve(actor(who))),
            acts: self.acts(),
            flags: ["commission", "queue", "closed_won"]
                .into_iter()
                .map(|gate| {
                    let flag = truth.flags.get(&GateName::from(gate));
                    let seen = FlagSeen {
                        open: Some(flag.is_some_and(|flag| flag.0)),
                        clearance: flag.and_then(|flag| flag.1.clone()),
                        moved: flag.map(|flag| flag.2.clone()),
                    };
                    (GateName::from(gate), seen)
                })
                .collect(),
            link: None,
            carried: Vec::new(),
            twins: self.twins.clone(),
            absorbed: self.absorbed.clone(),
            contradicted: self.contradicted.clone(),
            pay: None,
        }
    }

    /// Where the deal stood before it was won.
    fn back(&self) -> Option<String> {
        if self.truth.stage.0 != "Closed Won" {
            return None;
        }
        let before = self.truth.stages.iter().rev().find(|stage| **stage != "Closed Won");
        before.map(|stage| (*stage).to_owned())
    }

    /// What the directory says of somebody now.
    fn resolve(&self, mut actor: Actor) -> Actor {
        if self.truth.roleless.contains(&actor.person) {
            actor.roles.clear();
        }
        actor.active = !self.truth.inactive.contains(&actor.person);
        actor
    }

    fn edits(&self) -> BTreeMap<FieldKey, Edit> {
        let mut edits = match self.variant {
            Variant::NoHistory => BTreeMap::new(),
            Variant::History | Variant::Explicit | Variant::Reconfirm => self.truth.edits.clone(),
        };
        if let Some(at) = self.truth.row_saved {
            let first = edits.entry(FieldKey::from(FIELDS[0])).or_insert(Edit::placed(at, None));
            first.at = first.at.max(at);
        }
        edits
    }

    fn acts(&self) -> Vec<Act> {
        let truth = &self.truth;
        if self.variant != Variant::NoHistory {
            let acts = truth.acts.iter().cloned();
            return acts.map(|act| Act { by: self.resolve(act.by.clone()), ..act }).collect();
        }
        let (at, by) = truth.last_modified;
        let answer = match truth.decision {
            Some("Accept") => Answer::Accept,
            Some("Accept with exceptions") => until_later(at),
            Some(_) => Answer::Reject {
                fields: BTreeSet::new(),
                reason: "the target has no date".to_owned(),
                reasons: BTreeMap::new(),
            },
            None => return Vec::new(),
        };
        vec![Act { id: format!("lm:{at}:{by:?}:{answer:?}"), by: self.resolve(actor(by)), at, answer }]
    }

    pub(super) fn raw(&self) -> RawRecord {
        let mut fields = self.truth.words.clone();
        for (gate, write) in &self.mapping.write.gate {
            let flag = self.truth.flags.get(gate);
            fields.insert(write.field.clone(), json!(flag.is_some_and(|flag| flag.0)));
            if let Some(field) = &write.clearance_id {
                fields.insert(field.clone(), json!(flag.and_then(|flag| flag.1.clone())));
            }
        }
        fields.insert("StageName".to_owned(), json!(self.truth.stage.0));
        fields.insert("CloseDate".to_owned(), json!(self.truth.close_date.to_string()));
        fields.insert("Decision__c".to_owned(), json!(self.truth.decision));
        RawRecord {
            record: subject(),
            version: Some(RecordVersion { stamp: self.truth.now }),
            existence: if self.truth.exists { Existence::Present } else { Existence::Deleted },
            created_at: None,
            last_modified: None,
            fields,
            found_on: BTreeMap::new(),
            shown: BTreeMap::new(),
            related: BTreeMap::new(),
            history: None,
        }
    }
}
