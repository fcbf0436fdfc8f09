//! Reads the development calls and writes them as the lines that a user would give.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

const FILES: [(&str, &str); 7] = [
    ("h02.txt", include_str!("../dev/h02.txt")),
    ("h03.txt", include_str!("../dev/h03.txt")),
    ("h04.txt", include_str!("../dev/h04.txt")),
    ("other.txt", include_str!("../dev/other.txt")),
    ("held_out.txt", include_str!("../dev/held_out.txt")),
    ("held_hard.txt", include_str!("../dev/held_hard.txt")),
    ("held_last.txt", include_str!("../dev/held_last.txt")),
];

/// What a line does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    Plain,
    /// contract/field; any of them is right.
    Reask(Vec<String>),
    Confirm(Vec<String>),
    NewDetail,
    Open,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub voice: char,
    pub label: Label,
    pub text: String,
    pub from_ms: u64,
    pub to_ms: u64,
}

#[derive(Debug, Clone)]
pub struct Dev {
    pub id: String,
    pub tune: bool,
    pub package: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
    pub lines: Vec<Line>,
}

/// How a line is written down.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shape {
    pub swapped: bool,
    pub bare: bool,
    pub emptied: bool,
    pub early: bool,
    /// The customer only says "okay".
    pub mute: bool,
}

impl Dev {
    pub fn truth(&self) -> BTreeSet<String> {
        self.lines
            .iter()
            .filter_map(
                |line| if let Label::Reask(fields) = &line.label { fields.first().cloned() } else { None },
            )
            .collect()
    }

    pub fn line(&self, shape: Shape) -> String {
        let (ours, theirs) = if shape.swapped { ("External", "Internal") } else { ("Internal", "External") };
        let party = |id: &str, name: &str, side: &str| json!({"id": id, "name": name, "speakerId": id, "affiliation": side});
        let names = |voice: char| self.name(voice);
        let parties = json!([
            party("R", "Robin Receiver", ours),
            party("S", &names('S'), ours),
            party("I", &names('I'), ours),
            party("C", &names('C'), theirs),
            party("D", &names('D'), theirs),
        ]);
        let turns: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                let text = if shape.bare { bare(&line.text) } else { line.text.clone() };
                let text =
                    if shape.mute && matches!(line.voice, 'C' | 'D') { "Okay.".to_owned() } else { text };
                json!({"speakerId": line.voice.to_string(), "topic": null,
                       "sentences": [{"start": line.from_ms, "end": line.to_ms, "text": text}]})
            })
            .collect();
        let mut package = Map::new();
        for (contract, fields) in &self.package {
            let mut out = Map::new();
            for (field, parts) in fields {
                out.insert(
                    field.clone(),
                    if shape.emptied { json!({}) } else { Value::Object(parts.clone()) },
                );
            }
            package.insert(contract.clone(), Value::Object(out));
        }
        let accepted = if shape.early { "2026-02-10T09:00:00Z" } else { "2026-01-15T09:00:00Z" };
        json!({
            "call": {"metaData": {"id": self.id, "started": "2026-02-01T15:00:00Z", "duration": 1800, "isPrivate": false,
                                  "language": "eng"}, "parties": parties},
            "transcript": {"callId": self.id, "transcript": turns},
            "package": package, "accepted_at": accepted, "sender_team": ["S"],
        })
        .to_string()
    }

    fn name(&self, voice: char) -> String {
        match (self.id.as_str(), voice) {
            ("a10", 'I') => "Noor Haq".to_owned(),
            (_, 'S') => "Sender Person".to_owned(),
            (_, other) => format!("Party {other}"),
        }
    }
}

/// Without punctuation and capitals, as bad speech recognition leaves it.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|each| !matches!(each, '.' | ',' | '?' | '!' | ';' | ':' | '"'))
        .flat_map(char::to_lowercase)
        .collect()
}

pub fn contract(short: &str) -> &'static str {
    match short {
        "h01" => "h01-marketing-to-sdr",
        "h02" => "h02-sdr-to-ae",
        "h03" => "h03-ae-to-onboarding",
        "h04" => "h04-onboarding-to-cs",
        "h05" => "h05-csm-to-support",
        "h06" => "h06-motion-a-to-motion-b",
        other => panic!("no contract {other}"),
    }
}

pub fn calls() -> Vec<Dev> {
    FILES.iter().flat_map(|(name, text)| read(name, text)).collect()
}

pub fn read(name: &str, text: &str) -> Vec<Dev> {
    let mut out: Vec<Dev> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let place = format!("{name}:{}", at + 1);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(head) = line.strip_prefix("@ ") {
            let mut words = head.split(' ');
            let id = words.next().unwrap().to_owned();
            let tune = match words.next() {
                Some("tune") => true,
                Some("test") => false,
                Some(_) if name == "meetings.txt" => true,
                _ => panic!("{place}: which part?"),
            };
            out.push(Dev { id, tune, package: BTreeMap::new(), lines: Vec::new() });
            continue;
        }
        let call = out.last_mut().unwrap_or_else(|| panic!("{place}: no call"));
        if let Some((path, value)) = line
            .split_once(" =")
            .filter(|(path, _)| path.starts_with('h') && path.contains('.') && !path.contains(':'))
        {
            let mut path = path.trim().split('.');
            let (short, field, part) = (path.next().unwrap(), path.next().unwrap(), path.next().unwrap());
            let value = value.trim();
            let value = if value.starts_with('[') {
                serde_json::from_str(value).unwrap_or_else(|error| panic!("{place}: {error}"))
            } else {
                json!(value)
            };
            let fields = call.package.entry(contract(short).to_owned()).or_default();
            fields.entry(field.to_owned()).or_default().insert(part.to_owned(), value);
            continue;
        }
        let said = spoken(call, line).unwrap_or_else(|| panic!("{place}: neither a value nor a line"));
        call.lines.push(said);
    }
    out
}

fn spoken(call: &Dev, line: &str) -> Option<Line> {
    let (head, text) = line.split_once(": ")?;
    let mut words = head.split(' ');
    let voice = words.next()?.chars().next()?;
    let main = call.package.keys().next_back().map_or("", String::as_str);
    let full = |field: &str| {
        if let Some((short, key)) = field.split_once('.') {
            return format!("{}/{key}", contract(short));
        }
        let held = call.package.iter().rev().find(|(_, fields)| fields.contains_key(field));
        format!("{}/{field}", held.map_or(main, |(contract, _)| contract.as_str()))
    };
    let label = match words.next().map(|label| label.split_once('=').unwrap()) {
        None => Label::Plain,
        Some(("reask", fields)) => Label::Reask(fields.split('|').map(full).collect()),
        Some(("confirm", fields)) => Label::Confirm(fields.split('|').map(full).collect()),
        Some(("new", _)) => Label::NewDetail,
        Some(("open", _)) => Label::Open,
        Some((other, _)) => panic!("no label {other}"),
    };
    let from_ms = call.lines.last().map_or(0, |last| last.to_ms + 700);
    let spoken = u64::try_from(text.split_whitespace().count()).ok()? * 350;
    Some(Line { voice, label, text: text.to_owned(), from_ms, to_ms: from_ms + spoken })
}

/// Hits, false alarms and misses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub hit: u32,
    pub wrong: u32,
    pub missed: u32,
}

impl Tally {
    pub fn precision(self) -> f64 {
        f64::from(self.hit) / f64::from((self.hit + self.wrong).max(1))
    }

    pub fn recall(self) -> f64 {
        f64::from(self.hit) / f64::from((self.hit + self.missed).max(1))
    }

    pub fn f1(self) -> f64 {
        2.0 * f64::from(self.hit) / f64::from((2 * self.hit + self.wrong + self.missed).max(1))
    }
}
