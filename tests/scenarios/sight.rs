//! What people see on a record and what the ledger holds about it; told as far as it is new.

use std::collections::BTreeMap;

use handoff_core::event::Event;
use handoff_core::id::RecordRef;
use handoff_core::mapping::Mapping;
use handoffd::cli::why;
use handoffd::view::{Detail, Filter};
use handoffd_tests::stage::table::ROOT;
use serde_json::Value;

use crate::player::Player;

/// What was told of a record last.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sight {
    /// In the CRM: what it is, and how it stands.
    crm: BTreeMap<String, String>,
    /// In the ledger, by contract: where it stands, and how many events there are.
    ledger: BTreeMap<String, (String, usize)>,
}

impl Player {
    /// Tells what is new about every record of the story.
    pub(crate) async fn look(&mut self) {
        let names: Vec<String> = self.records.keys().cloned().collect();
        for name in names {
            let before = self.sight.remove(&name).unwrap_or_default();
            let now = self.tell(&name, &before).await;
            self.sight.insert(name, now);
        }
        if self.said.is_empty() {
            self.said.push("nothing new".to_owned());
        }
    }

    async fn tell(&mut self, name: &str, before: &Sight) -> Sight {
        let crm = self.on_record(name);
        let news: Vec<String> = crm
            .iter()
            .filter(|(what, stands)| before.crm.get(*what) != Some(stands))
            .filter(|(what, stands)| !stands.is_empty() || before.crm.contains_key(*what))
            .map(|(what, stands)| format!("  {what}: {}", short(stands)))
            .collect();
        if !news.is_empty() {
            self.said.push(format!("{name} in the CRM"));
            self.said.extend(news);
        }
        let mut ledger = BTreeMap::new();
        let record = self.records[name].root().clone();
        for (scene, number) in self.handoffs.clone().into_iter().enumerate() {
            let Some(detail) = self.detail(scene, &record).await else { continue };
            let label = format!("h{number:02}");
            let (stood, told) = before.ledger.get(&label).cloned().unwrap_or_default();
            let events = events(&detail);
            let summary = &detail.summary;
            let phase = handoffd::api::model::phase(summary.phase);
            let stands = format!("{phase}, cycle {}, round {}", summary.handoff.cycle, summary.round);
            let news: Vec<String> = events
                .get(told..)
                .unwrap_or_default()
                .iter()
                .filter_map(|event| Some(format!("  + {}", self.plain(&words(event)?))))
                .collect();
            if stands != stood || !news.is_empty() {
                self.said.push(format!("{name} in the ledger, {label}: {stands}"));
                self.said.extend(news);
            }
            ledger.insert(label, (stands, events.len()));
        }
        Sight { crm, ledger }
    }

    /// The newest cycle of a record under a scene's contract.
    pub(crate) async fn detail(&self, scene: usize, record: &RecordRef) -> Option<Detail> {
        let filter = Filter {
            record: Some(record.clone()),
            contract: Some(self.contract(scene)),
            ..Filter::default()
        };
        let view = self.world.handle().view();
        let summary = view.handoffs(&filter).into_iter().next()?;
        view.handoff(&summary.stream).await.unwrap()
    }

    /// What people see: stage, gates, words.
    pub(crate) fn on_record(&self, name: &str) -> BTreeMap<String, String> {
        let known = &self.records[name];
        let root = known.root();
        let mut seen = BTreeMap::new();
        if known.gone {
            return seen;
        }
        for (scene, number) in self.handoffs.iter().enumerate() {
            let mapping = self.mapping(scene);
            if mapping.object != root.object {
                continue;
            }
            let field =
                |field: &str| self.face.field(&self.world, root.object.as_str(), root.record.as_str(), field);
            let several = self.handoffs.len() > 1;
            let label = |what: &str| if several { format!("h{number:02} {what}") } else { what.to_owned() };
            let mut put = |what: String, stands: String| drop(seen.insert(what, self.plain(&stands)));
            put(label("stage"), stage(mapping, &field(&mapping.stage.field)));
            for (gate, write) in &mapping.write.gate {
                let open = field(&write.field) == write.open;
                put(label(&format!("gate {gate}")), if open { "OPEN" } else { "shut" }.to_owned());
                if let Some(reason) = &write.hold_reason {
                    put(label(&format!("gate {gate}, held because")), text(&field(reason)));
                }
            }
            let note = &mapping.write.note;
            let told = [("status", &note.status), ("missing", &note.missing), ("changes", &note.changes)];
            for (what, place) in told {
                if let Some(place) = place {
                    put(label(what), text(&field(place)));
                }
            }
            put(label("answer"), text(&field(&mapping.decision.field)));
            let beside = mapping.beside.clone().unwrap_or_default();
            if let Some(brief) = &beside.brief {
                put(label("brief"), text(&field(brief)));
            }
            if let Some(primary) = &beside.primary {
                put(label("primary owner"), text(&field(primary)));
            }
            if let Some(echo) = &beside.echo {
                let on = known.cast.iter().find(|(part, record)| match &echo.on {
                    Some(on) => record.object == on.object,
                    None => **part == ROOT,
                });
                if let Some((_, on)) = on {
                    let (object, id) = (on.object.as_str(), on.record.as_str());
                    put(label("echo"), text(&self.face.field(&self.world, object, id, &echo.field)));
                }
            }
        }
        seen
    }
}

/// A text as it is told in passing; `show record` tells all of it.
fn short(text: &str) -> String {
    let things = text.split(" / ").count();
    match text.char_indices().nth(160) {
        _ if text.is_empty() => "-".to_owned(),
        Some((cut, _)) if things > 1 => format!("{}… ({things} lines)", &text[..cut]),
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

/// Our name of a stage; the CRM's where nobody named it.
fn stage(mapping: &Mapping, raw: &Value) -> String {
    let raw = text(raw);
    let named = mapping.stage.names.iter().find(|(_, values)| values.contains(&raw));
    named.map_or(raw, |(name, _)| name.to_string())
}

/// A value as one line.
fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" / ")
}

/// All events of a stream, oldest first.
fn events(detail: &Detail) -> Vec<&Event> {
    let entries = detail.entries.iter().filter_map(|entry| entry.entry.as_ref()?.handoff());
    entries.flat_map(|(_, events)| events).collect()
}

/// An event in the words of `handoffd why`; `None` = it says nothing that is not told anyway.
#[expect(clippy::wildcard_enum_match_arm, reason = "a few are told in another way than by why")]
fn words(event: &Event) -> Option<String> {
    match event {
        Event::GateOrdered { .. } => None,
        Event::StageChanged { stage, .. } => {
            Some(format!("stage is {}", stage.as_ref().map_or("known to nobody", |stage| stage.as_str())))
        }
        Event::ConcernsChanged { concerns } => {
            let names = concerns.iter().map(|concern| serde_json::to_value(concern).unwrap());
            let names: Vec<String> = names.map(|name| text(&name).replace('_', " ")).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Some(format!("to look at: {names}"))
        }
        Event::Reopened { cycle, cause } => {
            let cause = serde_json::to_value(cause).unwrap();
            let because = text(cause.get("because").unwrap_or(&Value::Null)).replace('_', " ");
            Some(format!("re-opened as cycle {cycle}: {because}"))
        }
        Event::Voided { cause } => {
            let cause = serde_json::to_value(cause).unwrap();
            Some(format!("voided: {}", text(cause.get("because").unwrap_or(&Value::Null)).replace('_', " ")))
        }
        other => Some(why::words(other)),
    }
}
