//! A company in one CRM, a daemon that governs it, and the records that a story speaks of.

use std::collections::BTreeMap;

use handoff_core::contract::OnBypass;
use handoff_core::id::{ContractId, GateName, RecordRef};
use handoff_core::mapping::Mapping;
use handoff_core::registry::{Registry, shipped};
use handoff_core::sla::{Calendar, Day, Hours};
use handoffd::config::{Delegation, Tasks};
use handoffd_tests::crm::{Duty, HUBSPOT, Kind, SALESFORCE};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::stage;
use handoffd_tests::stage::face::{Cast, Face};
use handoffd_tests::stage::govern::govern;
use handoffd_tests::stage::table::{Made, ROOT, Scene};
use jiff::Timestamp;

use crate::people::People;
use crate::script::Script;
use crate::sight::Sight;

/// A record of the story with all that belongs to it.
pub(crate) struct Known {
    /// The handoff as whose whole package it was made.
    pub(crate) scene: usize,
    /// Its records, by the scene's names.
    pub(crate) cast: Cast,
    /// The records as people have filled them so far, in the scene's words.
    pub(crate) made: Vec<Made>,
    /// Whether it was merged into another, so that there is nothing to see of it any more.
    pub(crate) gone: bool,
}

impl Known {
    /// The governed record.
    pub(crate) fn root(&self) -> &RecordRef {
        self.cast.get(ROOT).unwrap()
    }
}

/// The company and its story so far.
pub(crate) struct Player {
    pub(crate) world: Governed,
    pub(crate) face: &'static dyn Face,
    pub(crate) people: People,
    pub(crate) scenes: Vec<Scene>,
    pub(crate) handoffs: Vec<u8>,
    /// A word of the story → record of a scene and its column.
    pub(crate) places: BTreeMap<String, (String, String)>,
    pub(crate) records: BTreeMap<String, Known>,
    /// The record that is spoken of.
    pub(crate) about: String,
    /// What was told of each record.
    pub(crate) sight: BTreeMap<String, Sight>,
    /// What is told of the running step.
    pub(crate) said: Vec<String>,
    registry: Registry,
}

/// Plays a story in one CRM; what came of each line.
pub(crate) async fn play(script: &Script, kind: Kind) -> Vec<Vec<String>> {
    let mut player = Player::begin(script, kind).await;
    let mut told = Vec::new();
    for line in &script.lines {
        if !line.is_empty() && !line.starts_with('#') {
            // Shown when the story breaks off.
            println!("{kind:?}: {line}");
            player.step(line).await;
        }
        told.push(std::mem::take(&mut player.said));
    }
    player.world.assert_balanced();
    player.world.stop().await;
    told
}

impl Player {
    async fn begin(script: &Script, kind: Kind) -> Self {
        let setting =
            |key: &str| script.settings.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let fed = setting("feeds").is_some();
        let scene =
            |number: &u8| if fed && *number == 4 { stage::fed(kind) } else { stage::scene(kind, *number) };
        let scenes: Vec<Scene> = script.handoffs.iter().map(scene).collect();
        let crms = match kind {
            Kind::Salesforce => SALESFORCE,
            Kind::Hubspot => HUBSPOT,
        };
        let now = setting("starts").map(|at| at.parse::<Timestamp>().unwrap());
        let files = files(script, kind, &scenes);
        let mut world = Governed::prepare(Options { crms, now, files, ..Options::default() }).await;
        let face = stage::face(kind);
        govern(face, &mut world, &scenes.iter().collect::<Vec<_>>());
        face.prepare(&world);
        let registry = world.registry().unwrap();
        let mut player = Self {
            world,
            face,
            people: People::new(),
            scenes,
            handoffs: script.handoffs.clone(),
            places: BTreeMap::new(),
            records: BTreeMap::new(),
            about: String::new(),
            sight: BTreeMap::new(),
            said: Vec::new(),
            registry,
        };
        for (key, value) in &script.settings {
            player.set(kind, key, value);
        }
        player.world.begin().await.unwrap();
        player
    }

    /// One line of a head.
    fn set(&mut self, kind: Kind, key: &str, value: &str) {
        let words: Vec<&str> = value.split_whitespace().collect();
        match (key, words.as_slice()) {
            ("starts" | "contract" | "mapping salesforce" | "mapping hubspot", _) => {}
            ("office", [zone, hours, holidays @ ..]) => {
                let week = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
                let hours = || Hours::try_from((*hours).to_owned()).unwrap();
                let calendar = Calendar {
                    zone: (*zone).to_owned(),
                    hours: week.into_iter().map(|day| (day, hours())).collect(),
                    holidays: holidays.iter().map(|day| day.parse().unwrap()).collect(),
                };
                self.world.config(|config| drop(config.calendar.insert("office".to_owned(), calendar)));
            }
            ("role", [role, holders @ ..]) => {
                let logins: Vec<String> = holders.iter().map(|name| self.people.login(name)).collect();
                self.world.config(|config| {
                    config.people.roles.entry((*role).to_owned()).or_default().extend(logins);
                });
            }
            ("hires", [name, duty]) => {
                let login = self.people.hire(name);
                let duty = match *duty {
                    "sends" => Duty::Sends,
                    "receives" => Duty::Receives,
                    other => panic!("no duty {other}"),
                };
                self.world.company().first().hire(&login, duty);
            }
            ("one person", names) => {
                let logins: Vec<String> = names.iter().map(|name| self.people.login(name)).collect();
                let person = (*names.first().unwrap()).to_owned();
                self.world.config(|config| drop(config.people.same_person.insert(person, logins)));
            }
            ("stands in", [to, "for", of, "until", until]) => {
                let (of, to) = (self.people.login(of), self.people.login(to));
                let until = Some(until.parse().unwrap());
                let delegation = Delegation { of, to, from: None, until };
                self.world.config(|config| config.people.delegate.push(delegation));
            }
            ("bypass", [gate, policy]) => {
                let policy = match *policy {
                    "record" => OnBypass::Record,
                    "notify" => OnBypass::Notify,
                    "revert" => OnBypass::Revert,
                    other => panic!("no policy {other}"),
                };
                self.world.govern().on_bypass.insert(GateName::from(*gate), policy);
            }
            ("reunify", ["write"]) => {
                self.world.govern().reunify = Some(handoff_core::beside::Reunify::Write);
            }
            ("feeds", ["signed"]) => handoffd_tests::feed::configure(&mut self.world),
            ("tasks", ["on"]) => {
                let tasks = Tasks { digest_above: 1_000, max_per_person_and_day: 1_000, ..Tasks::default() };
                self.world.config(|config| config.tasks = Some(tasks));
            }
            ("place salesforce" | "place hubspot", [name, "=", on, column]) => {
                if key.ends_with(crate::script::name(kind)) {
                    self.places.insert((*name).to_owned(), ((*on).to_owned(), (*column).to_owned()));
                }
            }
            _ => panic!("not a setting: {key}: {value}"),
        }
    }

    /// The mapping of a scene.
    pub(crate) fn mapping(&self, scene: usize) -> &Mapping {
        self.registry.mapping(self.scenes[scene].mapping).unwrap()
    }

    /// The record that is spoken of.
    pub(crate) fn known(&self) -> &Known {
        self.records.get(&self.about).unwrap_or_else(|| panic!("no record \"{}\"", self.about))
    }

    /// The mapping of the record that is spoken of.
    pub(crate) fn own_mapping(&self) -> &Mapping {
        self.mapping(self.known().scene)
    }

    /// The contract of a scene.
    pub(crate) fn contract(&self, scene: usize) -> ContractId {
        ContractId::from(self.scenes[scene].contract)
    }

    /// A text in the story's words.
    pub(crate) fn plain(&self, text: &str) -> String {
        let mut ids = self.people.ids(self.face, &self.world);
        for (name, known) in &self.records {
            let of = |(part, record): (&&str, &RecordRef)| {
                let name = if *part == ROOT { format!("\"{name}\"") } else { (*part).to_owned() };
                (record.record.to_string(), name)
            };
            ids.extend(known.cast.iter().map(of));
        }
        let mut told = crate::plain::plain(text, &ids);
        // The record's own name says enough.
        for record in self.records.values().flat_map(|known| known.cast.values()) {
            told = told.replace(&format!("{}/{}/", record.connection, record.object), "");
        }
        told
    }
}

/// The contract and mapping files that a story changes: `OLD => NEW` replaces, `+ TEXT` appends; ` ; ` is a new line.
fn files(script: &Script, kind: Kind, scenes: &[Scene]) -> Vec<(String, String)> {
    let scene = scenes.first().unwrap();
    let own = format!("mapping {}", crate::script::name(kind));
    let contract = format!("contracts/{}.v1.toml", scene.contract);
    let mapping = format!("{}.toml", scene.mapping);
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for (key, change) in &script.settings {
        let path = match key.as_str() {
            "contract" => &contract,
            key if key == own => &mapping,
            _ => continue,
        };
        let text = || shipped().find(|(known, _)| known == path).unwrap().1.to_owned();
        let text = files.entry(path).or_insert_with(text);
        let lines = |text: &str| text.replace(" ; ", "\n");
        *text = match change.split_once(" => ") {
            Some((old, new)) => {
                assert!(text.contains(&lines(old)), "{path} does not say {old}");
                text.replace(&lines(old), &lines(new))
            }
            None => format!("{text}\n{}\n", lines(change.trim_start_matches("+ "))),
        };
    }
    files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect()
}
