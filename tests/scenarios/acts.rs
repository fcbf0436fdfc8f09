//! What a line of a story makes happen.

use handoff_core::id::{RecordId, RecordRef};
use handoffd::demo::fill;
use handoffd_tests::crm::Deal;
use handoffd_tests::stage::face::{Fields, Talk, Way, perform, refer};
use handoffd_tests::stage::table::{Junk, Made, Part, ROOT};
use serde_json::Value;

use crate::player::{Known, Player};
use crate::script::{seconds, words};

/// Seconds that pass before each thing that somebody does.
pub(crate) const BEFORE: i64 = 60;

impl Player {
    /// One line of the story.
    pub(crate) async fn step(&mut self, line: &str) {
        let said = words(line);
        let mut said: Vec<&str> = said.iter().map(String::as_str).collect();
        // A record that is named at the end is spoken of from here on.
        if let [.., "on" | "of", name] = said.as_slice()
            && self.records.contains_key(*name)
        {
            (*name).clone_into(&mut self.about);
            said.truncate(said.len() - 2);
        }
        if self.daemon(&said).await || self.sent(&said).await {
            return;
        }
        let [who, act @ ..] = said.as_slice() else { panic!("nothing happens: {line}") };
        assert!(self.people.find(who).is_some(), "nobody is called {who}: {line}");
        let who = self.people.login(who);
        self.world.advance(BEFORE);
        if self.beside_records(&who, act).await {
            return;
        }
        if let Err(words) = self.act(&who, act, line) {
            let told = format!("the CRM refuses: {}", self.plain(&words));
            self.said.push(told);
        }
    }

    /// What the daemon and time do.
    async fn daemon(&mut self, said: &[&str]) -> bool {
        match said {
            ["daemon", "looks"] => self.world.pass().await,
            ["daemon", "sweeps"] => {
                self.world.advance(30);
                self.world.handle().sweep_now().await.unwrap();
                self.world.settle().await;
            }
            ["daemon", "stops"] => {
                self.world.stop().await;
                return true;
            }
            ["daemon", "starts"] => {
                self.world.begin().await.unwrap();
                self.world.pass().await;
            }
            ["wait", time] => {
                self.world.advance(seconds(time));
                self.later().await;
            }
            ["until", moment] => {
                self.world.set_time(moment.parse().unwrap());
                self.later().await;
            }
            ["show", what, rest @ ..] => {
                self.show(what, rest).await;
                return true;
            }
            _ => return false,
        }
        self.look().await;
        true
    }

    /// Time has passed: timers, and the daily look at everything.
    async fn later(&self) {
        self.world.settle().await;
        self.world.handle().sweep_now().await.unwrap();
        self.world.settle().await;
    }

    /// What somebody does in the CRM; the CRM's words where it refuses.
    fn act(&mut self, who: &str, act: &[&str], line: &str) -> Result<(), String> {
        match act {
            ["opens", "gate", gate, "by", "hand"] => self.save(who, Way::Page, &self.flag(gate)),
            ["opens", "gate", gate, "past", "every", "rule"] => self.save(who, Way::Forced, &self.flag(gate)),
            ["opens", name, rest @ ..] => self.open(who, name, rest),
            ["fills", "everything"] => self.fill_all(who),
            ["fills", part, "with", text] => self.write(who, part, &Value::from(*text)),
            ["empties", part] => self.write(who, part, &Value::Null),
            ["junks", part] => {
                let junk = self.part(part).map(|part| part.junk.clone());
                let Some(Junk::Says(_, _, junk) | Junk::Refused(_, _, junk)) = junk else {
                    panic!("no junk fits there: {line}");
                };
                self.write(who, part, &junk)
            }
            ["accepts"] => self.save(who, Way::Page, &fill::accept(self.own_mapping(), true)),
            ["accepts", "past", "every", "rule"] => {
                self.save(who, Way::Forced, &fill::accept(self.own_mapping(), true))
            }
            ["accepts", "as", "an", "app"] => {
                self.save(who, Way::App, &fill::accept(self.own_mapping(), true))
            }
            ["accepts", "with", exceptions] => {
                let decision = &self.own_mapping().decision;
                let fields = Fields::from_iter([
                    (decision.field.clone(), Value::from(decision.accept_with.clone())),
                    (decision.exceptions.clone().unwrap(), Value::from(*exceptions)),
                ]);
                self.save(who, Way::Page, &fields)
            }
            ["confirms"] => {
                let decision = &self.own_mapping().decision;
                let word = decision.confirm.clone().unwrap();
                self.save(who, Way::Page, &Fields::from_iter([(decision.field.clone(), Value::from(word))]))
            }
            ["rejects", fields, "because", reason] => {
                let fields = if *fields == "everything" { "" } else { fields };
                self.save(who, Way::Page, &fill::reject(self.own_mapping(), fields, reason))
            }
            ["takes", "the", "answer", "back"] => {
                self.save(who, Way::Page, &fill::accept(self.own_mapping(), false))
            }
            ["moves", "it", "to", stage] => {
                self.save(who, Way::Page, &fill::to_stage(self.own_mapping(), stage))
            }
            ["forces", "it", "to", stage] => {
                self.save(who, Way::Forced, &fill::to_stage(self.own_mapping(), stage))
            }
            ["names", name, "as", seat] => self.seat(who, name, seat),
            ["clones", "it", "as", name] => self.copy(who, name),
            ["merges", loser, "into", name] => self.merge(who, loser, name),
            ["deletes", "it"] => self.face.delete(&self.world, who, self.known().root()),
            ["undeletes", "it"] => self.face.undelete(&self.world, who, self.known().root()),
            ["converts", "it"] => self.face.convert(&self.world, who, self.known().root()),
            ["comments"] => self.talk(who, Talk::Inside),
            ["writes", "to", "the", "customer"] => self.talk(who, Talk::ToCustomer),
            ["calls", "the", "customer"] => self.talk(who, Talk::Call),
            ["ticks", "off", title] => self.tick_off(who, title),
            ["leaves"] => {
                self.face.set_active(&self.world, who, false);
                Ok(())
            }
            ["comes", "back"] => {
                self.face.set_active(&self.world, who, true);
                Ok(())
            }
            _ => panic!("nobody knows how to do that: {line}"),
        }
    }

    /// A new record with its package: `empty`, `whole`, or `without` fields or parts; `for` another record.
    fn open(&mut self, who: &str, name: &str, how: &[&str]) -> Result<(), String> {
        let (how, given) = match how {
            [how @ .., "for", other] => (how, Some(self.records[*other].root().clone())),
            how => (how, None),
        };
        let (how, scene) = match how {
            [how @ .., "as", number] => {
                let number: u8 = number.parse().unwrap();
                (how, self.handoffs.iter().position(|known| *known == number).unwrap())
            }
            how => (how, 0),
        };
        let parts = self.scenes[scene].parts.clone();
        let whole = named(&self.scenes[scene].made, name, who);
        let leave = |part: &Part, keys: &[&str]| {
            keys.iter().any(|key| *key == part.field || *key == format!("{}.{}", part.field, part.part))
        };
        let made = match how {
            ["whole"] => whole,
            ["empty"] => parts.iter().fold(whole, |made, part| part.without(&made)),
            ["without", keys @ ..] => {
                let gone: Vec<&Part> = parts.iter().filter(|part| leave(part, keys)).collect();
                assert!(!gone.is_empty(), "no such field: {keys:?}");
                gone.into_iter().fold(whole, |made, part| part.without(&made))
            }
            other => panic!("not a way to open a record: {other:?}"),
        };
        let given = given.map(|record| [("deal", record.clone()), ("other", record)]);
        let cast = perform(self.face, &self.world, &made, &given.into_iter().flatten().collect())?;
        self.records.insert(name.to_owned(), Known { scene, cast, made, gone: false });
        name.clone_into(&mut self.about);
        Ok(())
    }

    /// Whatever of the package is missing is filled.
    fn fill_all(&mut self, who: &str) -> Result<(), String> {
        let name = self.about.clone();
        let known = self.known();
        let whole = named(&self.scenes[known.scene].made, &name, who);
        let (before, mut cast) = (known.made.clone(), known.cast.clone());
        let was = |name: &str| before.iter().find(|one| one.name == name);
        for one in &whole {
            let Some(was) = was(one.name) else {
                cast = perform(self.face, &self.world, std::slice::from_ref(one), &cast)?;
                continue;
            };
            let news = one.fields.iter().filter(|field| !was.fields.contains(field));
            let news: Fields = news
                .filter_map(|(column, value)| {
                    Some(((*column).to_owned(), refer(self.face, &self.world, &cast, value)?))
                })
                .collect();
            let record = cast[one.name].clone();
            if !news.is_empty() {
                self.face.save(&self.world, who, Way::Page, &record, &news)?;
            }
            for (other, label) in one.links.iter().filter(|link| !was.links.contains(link)) {
                self.face.link(&self.world, who, &record, &cast[other], label)?;
            }
        }
        // Records that were there before are linked to those that are new.
        for one in whole.iter().filter(|one| was(one.name).is_some()) {
            for (other, label) in one.links.iter().filter(|(other, _)| was(other).is_none()) {
                self.face.link(&self.world, who, &cast[one.name], &cast[other], label)?;
            }
        }
        let known = self.records.get_mut(&name).unwrap();
        (known.cast, known.made) = (cast, whole);
        Ok(())
    }

    /// A part of the package by `field.part`; by `field` alone where it has one part.
    fn part(&self, key: &str) -> Option<&Part> {
        let parts = &self.scenes[self.known().scene].parts;
        let whole = |part: &&Part| format!("{}.{}", part.field, part.part) == key;
        let mut of: Vec<&Part> = parts.iter().filter(|part| part.field == key).collect();
        parts.iter().find(whole).or_else(|| of.pop().filter(|_| of.is_empty()))
    }

    /// Somebody writes a part, or what the head of the story names.
    fn write(&mut self, who: &str, key: &str, value: &Value) -> Result<(), String> {
        let (on, column) = if let Some((on, column)) = self.places.get(key) {
            (on.clone(), column.clone())
        } else {
            let part = self.part(key).unwrap_or_else(|| panic!("no part {key}"));
            let (on, column) = part.place().unwrap_or_else(|| panic!("nobody writes {key}"));
            (on.to_owned(), column.to_owned())
        };
        // A person is named by his first name.
        let value = match value.as_str().and_then(|name| self.people.find(name)) {
            Some(login) => self.face.user(&self.world, login),
            None => refer(self.face, &self.world, &self.known().cast, value).unwrap_or_default(),
        };
        let known = self.known();
        let on = if on == "record" { ROOT.to_owned() } else { on };
        let record = known.cast.get(on.as_str()).unwrap_or_else(|| panic!("no record {on}")).clone();
        let fields = Fields::from_iter([(column.clone(), value.clone())]);
        self.face.save(&self.world, who, Way::Page, &record, &fields)
    }

    /// Somebody saves fields of the record itself.
    fn save(&self, who: &str, way: Way, fields: &Fields) -> Result<(), String> {
        self.face.save(&self.world, who, way, self.known().root(), fields)
    }

    /// The save that opens a gate's flag.
    fn flag(&self, gate: &str) -> Fields {
        let gates = self.own_mapping().write.gate.iter().filter(|(name, _)| name.as_str() == gate);
        gates.map(|(_, write)| (write.field.clone(), write.open.clone())).collect()
    }

    /// Somebody marks an open task of the record as done in the CRM.
    fn tick_off(&self, who: &str, title: &str) -> Result<(), String> {
        let kind = self.face.kind();
        let tasks = self.world.tasks_of(Deal::new(kind, self.known().root().record.to_string()));
        let task = tasks.iter().find(|task| task.open && task.title == title);
        let (task, done) = task.unwrap_or_else(|| panic!("no open task \"{title}\"")).ticked(kind);
        self.face.save(&self.world, who, Way::Page, &task, &done)
    }

    fn seat(&self, who: &str, name: &str, seat: &str) -> Result<(), String> {
        let people = &self.own_mapping().people;
        let place = match seat {
            "sender" => &people.sender.field,
            "receiver" => &people.receiver.field,
            other => panic!("no seat {other}"),
        };
        let user = match name {
            "nobody" => Value::Null,
            name => self.face.user(&self.world, &self.people.login(name)),
        };
        self.save(who, Way::Page, &Fields::from_iter([(place.clone(), user)]))
    }

    fn copy(&mut self, who: &str, name: &str) -> Result<(), String> {
        let known = self.known();
        let id = self.face.copy(&self.world, who, known.root(), name)?;
        let root = RecordRef { record: RecordId(id), ..known.root().clone() };
        // A clone takes fields along, and nothing that hangs on the record.
        let root_alone = |one: &Made| Made { links: Vec::new(), ..one.clone() };
        let made = known.made.iter().filter(|one| one.name == ROOT).map(root_alone).collect();
        let copy = Known { scene: known.scene, cast: [(ROOT, root)].into(), made, gone: false };
        self.records.insert(name.to_owned(), copy);
        name.clone_into(&mut self.about);
        Ok(())
    }

    fn merge(&mut self, who: &str, name: &str, into: &str) -> Result<(), String> {
        let (winner, loser) = (self.records[into].root().clone(), self.records[name].root().clone());
        let left = self.face.merge(&self.world, who, &winner, &loser)?;
        self.records.get_mut(name).unwrap().gone = true;
        let known = self.records.get_mut(into).unwrap();
        known.cast.insert(ROOT, RecordRef { record: RecordId(left), ..winner });
        into.clone_into(&mut self.about);
        Ok(())
    }

    fn talk(&self, who: &str, talk: Talk) -> Result<(), String> {
        self.face.talk(&self.world, who, self.known().root(), talk)
    }
}

/// The records of a scene with the governed one called by its name in the story, made by who makes it there.
fn named(made: &[Made], name: &str, who: &str) -> Vec<Made> {
    const NAMES: [&str; 6] = ["Name", "LastName", "Subject", "dealname", "lastname", "subject"];
    let mut made = made.to_vec();
    let Some(root) = made.iter().find(|one| one.name == ROOT) else { panic!("no record is governed") };
    let owner = root.by;
    // Names of people live as long as the test process.
    let who: &'static str = if owner == who { owner } else { who.to_owned().leak() };
    for one in made.iter_mut().filter(|one| one.by == owner) {
        one.by = who;
        if one.name == ROOT {
            let names = one.fields.iter_mut().filter(|(column, _)| NAMES.contains(column));
            names.for_each(|(_, value)| *value = Value::from(name));
        }
    }
    made
}
