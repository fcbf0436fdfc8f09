//! What to write so that the CRM matches the verdict. Its `Display` is what an admin reads.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clearance::ClearanceKey;
use crate::contract::{Contract, Mode, OnBypass};
use crate::decide::Terms;
use crate::digest::Digest;
use crate::evidence::Evidence;
use crate::extract::{Existence, RawRecord, RecordVersion, parse_timestamp};
use crate::gate::{Opening, Verdict};
use crate::handoff::{Handoff, Phase, Stamp};
use crate::id::{GateName, RecordRef};
use crate::mapping::{GateWrite, Mapping};
use crate::observation::Observation;
use crate::words;

/// One field to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// The CRM's field.
    pub field: String,
    /// What stands there.
    pub from: Value,
    /// What shall stand there.
    pub to: Value,
    /// The gate it belongs to, and whether the write opens it; `None` = words for people or the answer pick-list.
    pub gate: Option<(GateName, bool)>,
}

/// How a field stood when a plan was made: its value, and the history row that put it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEntry {
    /// The CRM's stage field.
    pub field: String,
    /// The value that must still stand there.
    pub value: String,
    /// Id of the newest history row of that field.
    pub entry: String,
}

/// What to write on one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The record.
    pub target: RecordRef,
    /// Writes: gates first, then words, then a stage that is put back with its close date. Empty in the steady state.
    pub writes: Vec<Write>,
    /// What would be written if gates in observe were enforced; never sent.
    pub shadow: Vec<Write>,
    /// Set when a gate is opened: the version that was read.
    pub guard: Option<RecordVersion>,
    /// Set when a gate is opened: the mapped fields as they were read. If they differ when read back, the opening is withdrawn in
    /// the same exchange. With [`Plan::only_if`] they must stand like this before anything is written.
    pub expect: BTreeMap<String, Value>,
    /// Writes that withdraw the openings of this plan.
    pub withdraw: Vec<Write>,
    /// Set when a by-passed stage is put back: the plan holds only while the stage still stands as it was seen. The sink reads the record
    /// with its history in the same exchange right before writing.
    #[serde(default)]
    pub only_if: Option<StageEntry>,
}

/// Everything a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The pinned contract.
    pub contract: &'a Contract,
    /// Where things live in this CRM.
    pub mapping: &'a Mapping,
    /// What the installation adds.
    pub terms: &'a Terms,
    /// The state.
    pub handoff: &'a Handoff,
    /// What holds.
    pub verdict: &'a Verdict,
    /// The record as it was read.
    pub raw: &'a RawRecord,
    /// The same record in our vocabulary.
    pub seen: &'a Observation,
    /// Key of the clearance ids.
    pub key: &'a ClearanceKey,
    /// What calls are evidence for it; `None` = not known now, so that what stands on the record stays.
    pub evidence: Option<&'a Evidence>,
    /// The live numbers of this handoff's contract and motion in words; `None` = not asked for, so that what stands on the record stays.
    pub numbers: Option<&'a str>,
}

impl Plan {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Whether it opens a gate.
    pub fn opens(&self) -> bool {
        self.writes.iter().any(Write::opens)
    }

    /// Splits by what each part depends on.
    pub fn split(self) -> Parts {
        let Self { target, mut writes, shadow, guard, expect, withdraw, only_if } = self;
        let part = |writes: Vec<Write>| {
            (!writes.is_empty()).then(|| Self {
                target: target.clone(),
                writes,
                shadow: Vec::new(),
                guard: None,
                expect: BTreeMap::new(),
                withdraw: Vec::new(),
                only_if: None,
            })
        };
        let revert = only_if.as_ref().and_then(|only_if| {
            let at = writes.iter().position(|write| write.field == only_if.field)?;
            Some(writes.split_off(at))
        });
        let others = |writes: &[Write]| -> BTreeMap<String, Value> {
            let own = |field: &String| writes.iter().any(|write| write.field == *field);
            expect.iter().filter(|(field, _)| !own(field)).map(|(f, v)| (f.clone(), v.clone())).collect()
        };
        let revert = part(revert.unwrap_or_default()).map(|plan| Self {
            only_if,
            expect: others(&plan.writes),
            ..plan
        });
        let opening: Vec<GateName> = writes
            .iter()
            .filter(|write| write.opens())
            .filter_map(|write| write.gate.as_ref().map(|gate| gate.0.clone()))
            .collect();
        if opening.is_empty() {
            return Parts {
                closing: part(writes).map(|plan| Self { shadow, ..plan }),
                revert,
                opening: None,
            };
        }
        let (closing, opening): (Vec<Write>, Vec<Write>) = writes
            .into_iter()
            .partition(|write| write.gate.as_ref().is_some_and(|(gate, _)| !opening.contains(gate)));
        let opening = part(opening).map(|plan| Self { shadow, guard, expect, withdraw, ..plan });
        Parts { closing: part(closing), revert, opening }
    }
}

/// A plan by what its parts depend on; carried out in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Closings, and words if nothing opens: without condition.
    pub closing: Option<Plan>,
    /// A stage that is put back, with its close date: only while [`Plan::only_if`] holds.
    pub revert: Option<Plan>,
    /// Openings with their words: only for the version that was read.
    pub opening: Option<Plan>,
}

impl Write {
    /// Whether it opens a gate.
    pub fn opens(&self) -> bool {
        self.gate.as_ref().is_some_and(|(_, open)| *open)
    }
}

/// Plans the writes. Applying them once reaches the fixed point (L3).
pub fn plan(inputs: Inputs<'_>) -> Plan {
    let mut plan = Plan {
        target: inputs.handoff.id.subject.clone(),
        writes: Vec::new(),
        shadow: Vec::new(),
        guard: None,
        expect: BTreeMap::new(),
        withdraw: Vec::new(),
        only_if: None,
    };
    if inputs.seen.existence != Existence::Present || inputs.handoff.has_left_its_motion() {
        return plan;
    }
    let mut enforced = false;
    for (gate, write) in &inputs.mapping.write.gate {
        let open = inputs.verdict.gates.get(gate).copied().unwrap_or(false);
        let wanted = gate_values(inputs, gate, write, open);
        let writes = differing(inputs.raw, wanted, Some(&(gate.clone(), open)));
        match inputs.terms.mode(inputs.contract, gate) {
            Mode::Off => {}
            Mode::Observe => plan.shadow.extend(writes),
            Mode::Enforce => {
                enforced = true;
                if open && !writes.is_empty() {
                    plan.withdraw.extend(closing(inputs, gate, write));
                }
                plan.writes.extend(writes);
            }
        }
    }
    let words = differing(inputs.raw, people_values(inputs), None);
    if enforced {
        plan.writes.extend(words);
    } else {
        plan.shadow.extend(words);
    }
    if !plan.writes.is_empty() {
        // They change with every handoff: on their own they are never a reason to write.
        plan.writes.extend(differing(inputs.raw, numbers(inputs), None));
    }
    if plan.opens() {
        plan.guard.clone_from(&inputs.raw.version);
        plan.expect = expected(inputs);
        // What the plan itself changes on the way says nothing about anybody else.
        plan.expect.retain(|field, _| plan.writes.iter().all(|write| write.field != *field));
    }
    if let Some((only_if, writes)) = put_back(inputs) {
        if !plan.opens() {
            // An answer that comes in meanwhile must not find its deal put back.
            let decision = &inputs.mapping.decision.field;
            let stands = inputs.raw.fields.get(decision).cloned().unwrap_or(Value::Null);
            let own = plan.writes.iter().any(|write| write.field == *decision);
            plan.expect.extend((!own).then(|| (decision.clone(), stands)));
        }
        plan.only_if = Some(only_if);
        plan.writes.extend(writes);
    }
    plan
}

/// The values of one gate's fields.
fn gate_values(inputs: Inputs<'_>, gate: &GateName, write: &GateWrite, open: bool) -> Vec<(String, Value)> {
    let word = cleared_by(inputs, gate).filter(|_| open);
    let cleared_at = word.map(|(stamp, _)| Value::String(words::instant(stamp.time)));
    let clearance = word.and_then(|(stamp, package)| {
        inputs.key.id(&inputs.handoff.id.subject, gate, package, stamp.position)
    });
    let overridden = open && inputs.verdict.because.get(gate) == Some(&Opening::Overridden);
    let hold = if overridden {
        words::override_reason(inputs.handoff, gate).map(Value::String)
    } else {
        (!open).then(|| Value::String(words::hold_reason(inputs.contract, inputs.handoff, inputs.verdict)))
    };
    let status = match (open, overridden) {
        (true, true) => "Overridden",
        (true, false) => "Cleared",
        (false, _) => "Held",
    };
    let flag = if open { write.open.clone() } else { write.closed.clone() };
    let mut values = vec![(write.field.clone(), flag)];
    let mut add = |field: &Option<String>, value: Value| {
        if let Some(field) = field {
            values.push((field.clone(), value));
        }
    };
    add(&write.number, Value::from(u8::from(open)));
    add(&write.status, Value::from(status));
    add(&write.cleared_at, cleared_at.unwrap_or(Value::Null));
    add(&write.clearance_id, clearance.map_or(Value::Null, Value::String));
    add(&write.hold_reason, hold.unwrap_or(Value::Null));
    values
}

/// Whose word opens this gate, and the package that it was given on: the acceptance, or the second person's of an override.
fn cleared_by<'a>(inputs: Inputs<'a>, gate: &GateName) -> Option<(Stamp, &'a Digest)> {
    match inputs.verdict.because.get(gate)? {
        Opening::Overridden => {
            let granted = inputs.handoff.overrides.get(gate)?.granted.as_ref()?;
            Some((granted.stamp, &granted.package))
        }
        Opening::Accepted | Opening::Complete => {
            let accepted = inputs.handoff.accepted.as_ref()?;
            Some((accepted.stamp, &accepted.shown))
        }
    }
}

fn closing(inputs: Inputs<'_>, gate: &GateName, write: &GateWrite) -> Vec<Write> {
    let reason = Value::String(words::CHANGED_MEANWHILE.to_owned());
    gate_values(inputs, gate, write, false)
        .into_iter()
        .map(
            |(field, to)| {
                if Some(&field) == write.hold_reason.as_ref() { (field, reason.clone()) } else { (field, to) }
            },
        )
        .map(|(field, to)| Write { from: Value::Null, field, to, gate: Some((gate.clone(), false)) })
        .collect()
}

/// A by-passed stage is put back where it came from: as ordered, while it stands as it did then and the gate is still shut. What was
/// accepted is never put back.
fn put_back(inputs: Inputs<'_>) -> Option<(StageEntry, Vec<Write>)> {
    let bypass = inputs.handoff.bypass.as_ref()?;
    let order = bypass.order.as_ref()?;
    let enforced = inputs.terms.mode(inputs.contract, &bypass.gate) == Mode::Enforce
        && inputs.terms.on_bypass(inputs.contract, &bypass.gate) == OnBypass::Revert;
    let shut = inputs.verdict.gates.get(&bypass.gate) != Some(&true);
    let decided = matches!(inputs.handoff.phase, Phase::Accepted | Phase::Voided);
    let stage = &inputs.seen.stage;
    let stands = stage.entry == order.entry && stage.raw == order.from;
    if !enforced || !shut || decided || !stands {
        return None;
    }
    let mapped = &inputs.mapping.stage;
    let from = |field: &String| inputs.raw.fields.get(field).cloned().unwrap_or(Value::Null);
    let mut writes = vec![Write {
        from: from(&mapped.field),
        field: mapped.field.clone(),
        to: Value::String(order.to.clone()),
        gate: None,
    }];
    let date = order.close_date.as_ref().filter(|date| stage.close_date.as_ref() == Some(*date));
    if let (Some(field), Some(date)) = (&mapped.close_date, date) {
        let to = date.from.clone().map_or(Value::Null, Value::String);
        writes.push(Write { from: from(field), field: field.clone(), to, gate: None });
    }
    let (field, value) = (mapped.field.clone(), stage.raw.clone());
    Some((StageEntry { field, value, entry: stage.entry.clone() }, writes))
}

/// The live numbers, as they stand when something else is written.
fn numbers(inputs: Inputs<'_>) -> Vec<(String, Value)> {
    let field = inputs.mapping.write.note.numbers.as_ref();
    field.zip(inputs.numbers).map(|(field, text)| (field.clone(), Value::from(text))).into_iter().collect()
}

/// Words for people, and the answer pick-list once its answer had its effect.
fn people_values(inputs: Inputs<'_>) -> Vec<(String, Value)> {
    let note = &inputs.mapping.write.note;
    let mut values = Vec::new();
    if let Some(field) = &note.status {
        values.push((field.clone(), Value::String(words::status(inputs))));
    }
    if let Some(field) = &note.missing {
        let text = words::missing(inputs.contract, inputs.handoff, inputs.verdict);
        values.push((field.clone(), if text.is_empty() { Value::Null } else { Value::String(text) }));
    }
    if let Some(field) = &note.changes {
        let text = words::changes(inputs.contract, inputs.handoff);
        values.push((field.clone(), if text.is_empty() { Value::Null } else { Value::String(text) }));
    }
    if let (Some(field), Some(evidence)) = (&note.evidence, inputs.evidence) {
        let text = words::evidence(inputs.contract, evidence);
        values.push((field.clone(), if text.is_empty() { Value::Null } else { Value::String(text) }));
    }
    values.extend(crate::beside::words::values(inputs));
    if let Some(state) = &inputs.mapping.write.state {
        let name = state.names.get(&inputs.handoff.phase).cloned();
        values.push((state.field.clone(), name.map_or(Value::Null, Value::String)));
    }
    let decision = &inputs.mapping.decision;
    let answer = inputs.raw.fields.get(&decision.field).filter(|value| !value.is_null());
    let consumed = inputs.seen.acts.iter().all(|act| inputs.handoff.consumed.contains(act));
    // What stands there cannot be chosen again: only the acceptance in force may stay.
    let takes = [Some(&decision.accept), decision.accept_with.as_ref()];
    let accepts = |answer: &Value| takes.into_iter().flatten().any(|word| answer == word.as_str());
    let in_force = inputs.handoff.phase == Phase::Accepted
        && !inputs.handoff.awaits_confirmation()
        && answer.is_some_and(accepts);
    if answer.is_some() && consumed && !in_force {
        values.push((decision.field.clone(), Value::Null));
    }
    values
}

fn differing(raw: &RawRecord, wanted: Vec<(String, Value)>, gate: Option<&(GateName, bool)>) -> Vec<Write> {
    wanted
        .into_iter()
        .filter_map(|(field, to)| {
            let from = raw.fields.get(&field).cloned().unwrap_or(Value::Null);
            (!same(&from, &to)).then(|| Write { field, from, to, gate: gate.cloned() })
        })
        .collect()
}

/// Mapped fields whose change would make the decision about something else.
fn expected(inputs: Inputs<'_>) -> BTreeMap<String, Value> {
    let mapping = inputs.mapping;
    // Another record's field is not guarded by this one's version.
    let ways = mapping.paths().filter_map(|path| path.way().ok());
    let package =
        ways.filter_map(|way| way.own_field().filter(|name| !name.contains('.')).map(str::to_owned));
    let own = [
        mapping.stage.field.clone(),
        mapping.people.sender.field.clone(),
        mapping.people.receiver.field.clone(),
        mapping.decision.field.clone(),
    ];
    package
        .chain(own)
        .filter_map(|field| inputs.raw.fields.get(&field).map(|value| (field.clone(), value.clone())))
        .collect()
}

/// Whether two CRM values mean the same: empty text is null, numbers compare as numbers, instants as instants to the second.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(text), Value::Null) | (Value::Null, Value::String(text)) => text.trim().is_empty(),
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::String(left), Value::String(right)) => {
            left.trim() == right.trim()
                || matches!((parse_timestamp(left), parse_timestamp(right)), (Some(left), Some(right)) if left.as_second() == right.as_second())
        }
        (left, right) => left == right,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.target)?;
        if self.writes.is_empty() {
            writeln!(f, "  nothing to write")?;
        }
        for write in &self.writes {
            writeln!(f, "  {write}")?;
        }
        for write in &self.shadow {
            writeln!(f, "  (observe) {write}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.field, self.from, self.to)?;
        match &self.gate {
            Some((gate, true)) => write!(f, "   [gate {gate} opens]"),
            Some((gate, false)) => write!(f, "   [gate {gate} shut]"),
            None => Ok(()),
        }
    }
}
