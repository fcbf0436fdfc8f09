//! A raw record through a mapping.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::{Directory, FieldChange, RawRecord, convert, timestamp_of};
use crate::contract::{Contract, GateKind};
use crate::id::{ActorId, GateName, StageName};
use crate::mapping::{GateWrite, Mapping, Way, Who};
use crate::observation::{Act, Actor, Answer, DateMove, FlagMove, FlagSeen, Observation, StageSeen};

/// What a raw record says in our vocabulary. Total: what cannot be read is absent, and absent opens nothing.
pub fn extract(mapping: &Mapping, contract: &Contract, raw: &RawRecord, who: &dyn Directory) -> Observation {
    let view = View { mapping, contract, raw, who };
    let package = view.package();
    Observation {
        subject: raw.record.clone(),
        version: raw.version.clone(),
        existence: raw.existence.clone(),
        stage: view.stage(),
        first_contact: mapping
            .timeline
            .first_contact
            .as_ref()
            .and_then(|field| timestamp_of(view.field(field))),
        account: view.account(),
        beside: crate::beside::look(mapping, contract, raw, &package, who),
        package,
        edits: view.edits(),
        edited_by_latest: view.edited_by_latest(),
        sender: view.person(&mapping.people.sender.field),
        receiver: view.person(&mapping.people.receiver.field),
        acts: view.acts(),
        flags: mapping.write.gate.iter().map(|(gate, write)| view.flag(gate, write)).collect(),
        // What other records say is not in this one: whoever knows them adds it.
        link: None,
        twins: Vec::new(),
        absorbed: BTreeSet::new(),
        pay: mapping.pay.as_ref().map(|pay| super::pay::pay(pay, raw)),
        carried: Vec::new(),
        contradicted: None,
    }
}

/// How long after the stage a CRM may still move the close date on its own.
const SAME_SAVE: SignedDuration = SignedDuration::from_secs(2);

pub(super) struct View<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) contract: &'a Contract,
    pub(super) raw: &'a RawRecord,
    pub(super) who: &'a dyn Directory,
}

impl<'a> View<'a> {
    pub(super) fn field(&self, name: &str) -> &'a Json {
        self.raw.fields.get(name).unwrap_or(&Json::Null)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        convert::text(self.field(name)).filter(|text| !text.trim().is_empty())
    }

    fn person(&self, field: &str) -> Option<Actor> {
        self.text(field).map(|id| self.who.actor(&ActorId(id)))
    }

    /// The id of the account, as the CRM writes it.
    fn account(&self) -> Option<String> {
        match self.mapping.account.as_ref()?.way().ok()? {
            Way::Field(field) => self.text(field),
            Way::Take(rows, take) => {
                let cell = self.rows(&rows).first()?.fields.get(take)?;
                convert::text(cell).filter(|text| !text.trim().is_empty())
            }
            Way::Count(_)
            | Way::Newest(..)
            | Way::Oldest(..)
            | Way::Rows(..)
            | Way::Series(..)
            | Way::Carried { .. }
            | Way::Icp(_) => None,
        }
    }

    /// History rows of a field, oldest first.
    pub(super) fn history(&self, field: &str) -> Vec<&'a FieldChange> {
        let rows = self.raw.history.iter().flatten();
        let mut rows: Vec<&FieldChange> = rows.filter(|row| row.field == field).collect();
        rows.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        rows
    }

    fn stage(&self) -> StageSeen {
        let field = &self.mapping.stage.field;
        let raw = convert::text(self.field(field)).unwrap_or_default();
        let name = self.stage_name(&raw).cloned();
        let entered = self.history(field).into_iter().rev().find(|row| spells(row.new.as_ref(), &raw));
        StageSeen {
            name,
            before: entered.and_then(|row| row.old.as_ref()).and_then(convert::text),
            since: entered.map(|row| row.at).or(self.raw.created_at),
            opening_since: self.opening_since(&raw),
            by: entered.map(|row| self.who.actor(&row.by)),
            entry: entered.map_or_else(|| "created".to_owned(), |row| row.id.clone()),
            back: self.back(&raw),
            close_date: entered.and_then(|row| self.moved_close_date(row)),
            raw,
        }
    }

    /// Where the deal stood before the unbroken run of stages that guard the same gate as the present one.
    fn back(&self, raw: &str) -> Option<String> {
        let present = self.stage_name(raw)?;
        let gates = self.contract.gates.values().filter(|gate| gate.kind == GateKind::Stage);
        let guarded: BTreeSet<&StageName> =
            gates.filter(|gate| gate.stages.contains(present)).flat_map(|gate| &gate.stages).collect();
        let is_guarded = |value: &str| self.stage_name(value).is_some_and(|name| guarded.contains(name));
        let spelled = |value: Option<&Json>| value.and_then(convert::text);
        for row in self.history(&self.mapping.stage.field).into_iter().rev() {
            if !spelled(row.new.as_ref()).is_some_and(|value| is_guarded(&value)) {
                return None;
            }
            let before = spelled(row.old.as_ref())?;
            if !is_guarded(&before) {
                return Some(before).filter(|before| !before.trim().is_empty());
            }
        }
        None
    }

    /// The close date before the stage was entered, if that save moved it and it still stands where that save put it.
    fn moved_close_date(&self, entered: &FieldChange) -> Option<DateMove> {
        let field = self.mapping.stage.close_date.as_ref()?;
        let with_the_move = |row: &&&FieldChange| {
            let after = row.at.duration_since(entered.at);
            !after.is_negative() && after <= SAME_SAVE
        };
        let rows = self.history(field);
        let moves: Vec<&&FieldChange> = rows.iter().rev().take_while(with_the_move).collect();
        let (newest, oldest) = (moves.first()?, moves.last()?);
        let stands = convert::text(self.field(field));
        let put = newest.new.as_ref().map(convert::text)?;
        let from = oldest.old.as_ref().map(convert::text)?;
        (put == stands && from != stands).then_some(DateMove { from })
    }

    fn stage_name(&self, raw: &str) -> Option<&'a StageName> {
        let mut names = self.mapping.stage.names.iter();
        names.find(|(_, values)| values.iter().any(|value| value == raw)).map(|(name, _)| name)
    }

    /// When the record last entered a run of opening stages that it has left since, if history tells.
    pub(super) fn last_opening(&self) -> Option<Timestamp> {
        let opens = |value: Option<&Json>| {
            let opening = &self.contract.opens.when_stage_becomes;
            let name = value.and_then(convert::text).and_then(|value| self.stage_name(&value));
            name.is_some_and(|name| opening.contains(name))
        };
        let entered = |row: &&&FieldChange| opens(row.new.as_ref()) && !opens(row.old.as_ref());
        let rows = self.history(&self.mapping.stage.field);
        // A CRM may write no history for the stage that a record is created in.
        let created =
            || self.raw.created_at.filter(|_| rows.first().is_some_and(|row| opens(row.old.as_ref())));
        rows.iter().rev().find(entered).map(|row| row.at).or_else(created)
    }

    /// The start of the unbroken run of opening stages that leads to the present one.
    pub(super) fn opening_since(&self, raw: &str) -> Option<Timestamp> {
        let opens = |value: &str| {
            let opening = &self.contract.opens.when_stage_becomes;
            self.stage_name(value).is_some_and(|name| opening.contains(name))
        };
        if !opens(raw) {
            return None;
        }
        let spelled = |value: Option<&Json>| value.and_then(convert::text);
        let mut start = None;
        for row in self.history(&self.mapping.stage.field).into_iter().rev() {
            if !spelled(row.new.as_ref()).is_some_and(|value| opens(&value)) {
                return start;
            }
            start = Some(row.at);
            if !spelled(row.old.as_ref()).is_some_and(|value| opens(&value)) {
                return start;
            }
        }
        self.raw.created_at
    }

    /// Without history any edit may be as late as the record's last change; without that either, as late as can be.
    fn edited_by_latest(&self) -> Option<Timestamp> {
        if self.raw.history.is_some() {
            return None;
        }
        let modified = self.raw.last_modified.as_ref().map(|(at, _)| *at);
        modified.or_else(|| self.raw.version.as_ref().map(|version| version.stamp)).or(Some(Timestamp::MAX))
    }

    fn acts(&self) -> Vec<Act> {
        let decision = &self.mapping.decision;
        let mut acts = match decision.who {
            Who::FieldHistory => self.answers(),
            Who::LastModifiedBy => self.last_word().into_iter().collect(),
        };
        if let Some(submit) = &self.mapping.submit {
            let rows = self.history(&submit.field).into_iter();
            let submitted = rows.filter(|row| spells(row.new.as_ref(), &submit.value));
            acts.extend(submitted.map(|row| self.act(row, Answer::Submit)));
        }
        acts.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        acts
    }

    fn answers(&self) -> Vec<Act> {
        let decision = &self.mapping.decision;
        let rows = self.history(&decision.field);
        let is_reject = |row: &FieldChange| spells(row.new.as_ref(), &decision.reject);
        let last_reject = rows.iter().rposition(|row| is_reject(row));
        let with = |row: &FieldChange| is_one(row.new.as_ref(), decision.accept_with.as_ref());
        let confirms = |row: &FieldChange| is_one(row.new.as_ref(), decision.confirm.as_ref());
        let last_with = rows.iter().rposition(|row| with(row));
        let last_confirm = rows.iter().rposition(|row| confirms(row));
        let answers = rows.iter().enumerate().filter_map(|(place, row)| {
            if spells(row.new.as_ref(), &decision.accept) {
                Some(self.act(row, Answer::Accept))
            } else if Some(place) == last_reject {
                Some(self.act(row, self.rejection()))
            } else if Some(place) == last_with {
                Some(self.act(row, self.exceptions(&row.by)))
            } else if Some(place) == last_confirm {
                Some(self.act(row, self.confirmation()))
            } else if with(row) {
                // Which fields were meant then is overwritten now: none, so it takes what is complete and nothing else.
                Some(self.act(row, Answer::Accept))
            } else if confirms(row) {
                Some(self.act(row, Answer::Confirm { fields: BTreeSet::new() }))
            } else if is_reject(row) {
                // What was written then is overwritten now; that there was a reason is all that can be said.
                let reason = "(superseded)".to_owned();
                let (fields, reasons) = (BTreeSet::new(), BTreeMap::new());
                Some(self.act(row, Answer::Reject { fields, reason, reasons }))
            } else {
                None
            }
        });
        answers.collect()
    }

    fn act(&self, row: &FieldChange, answer: Answer) -> Act {
        Act { id: row.id.clone(), by: self.who.actor(&row.by), at: row.at, answer }
    }

    /// The answer as it stands, by the record's last modifier.
    fn last_word(&self) -> Option<Act> {
        let decision = &self.mapping.decision;
        let (at, by) = self.raw.last_modified.as_ref()?;
        let stands = Some(self.field(&decision.field));
        let answer = if spells(stands, &decision.accept) {
            Answer::Accept
        } else if spells(stands, &decision.reject) {
            self.rejection()
        } else if is_one(stands, decision.accept_with.as_ref()) {
            self.exceptions(by)
        } else if is_one(stands, decision.confirm.as_ref()) {
            self.confirmation()
        } else {
            return None;
        };
        // Two saves of one second are two acts if another person or another answer stands behind them.
        let word = convert::text(self.field(&decision.field)).unwrap_or_default();
        Some(Act { id: format!("lm:{at}:{by}:{word}"), by: self.who.actor(by), at: *at, answer })
    }

    fn flag(&self, gate: &GateName, write: &GateWrite) -> (GateName, FlagSeen) {
        let stands = self.raw.fields.get(&write.field);
        let open = match stands {
            Some(value) if same(value, &write.open) => Some(true),
            Some(value) if same(value, &write.closed) => Some(false),
            Some(_) | None => None,
        };
        let moved = self.history(&write.field).into_iter().next_back().map(|row| FlagMove {
            id: row.id.clone(),
            by: self.who.actor(&row.by),
            at: row.at,
        });
        let clearance = write.clearance_id.as_ref().and_then(|name| self.text(name));
        (gate.clone(), FlagSeen { open, clearance, moved })
    }
}

/// Whether a raw value, written out, is this text, if there is one.
fn is_one(raw: Option<&Json>, text: Option<&String>) -> bool {
    text.is_some_and(|text| spells(raw, text))
}

/// Whether a raw value, written out, is this text.
pub(super) fn spells(raw: Option<&Json>, text: &str) -> bool {
    raw.and_then(convert::text).is_some_and(|spelled| spelled == text)
}

// 1 and 1.0 are the same number in two spellings; CRMs answer with either.
fn same(seen: &Json, wanted: &Json) -> bool {
    seen == wanted || (seen.is_number() && wanted.is_number() && seen.as_f64() == wanted.as_f64())
}
