//! What to write so that the tasks in the CRM match what is owed. Nothing in the steady state.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Act, Book, Known, Rules, Shape, Step, TaskWrite, person, quiet};
use crate::digest::Digest;
use crate::obligation::{Obligation, ObligationKind, TEXT, TITLE};
use crate::words::shorten;

/// How long the CRM's refusal of a task is taken for its last word.
const REFUSED: SignedDuration = SignedDuration::from_hours(24);
/// Most lines of a person's list; what is beyond is counted.
const LINES: usize = 40;

/// Why a task is not written now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// It is quiet now.
    Quiet,
    /// Its owner got as many today as he may.
    Cap,
    /// Its owner is a machine or switched off: nobody would see it.
    Nobody,
    /// The CRM refused it; tried again a day later, or when it reads otherwise.
    Refused,
}

impl Wait {
    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Cap => "cap",
            Self::Nobody => "nobody",
            Self::Refused => "refused",
        }
    }
}

/// Something owed that has no task now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The obligation, or the list of a day.
    pub id: String,
    /// Why.
    pub why: Wait,
    /// Until when at least; `None` = until somebody does something.
    pub until: Option<Timestamp>,
}

/// What to write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskPlan {
    /// Closings first, then changes, then new ones.
    pub writes: Vec<TaskWrite>,
    /// What is owed and has no task now.
    pub waiting: Vec<Waiting>,
    /// When time alone will change something.
    pub look_again_at: Option<Timestamp>,
    /// When the quiet ends, if it is quiet: until then what changed may be held back.
    pub quiet_until: Option<Timestamp>,
}

/// Plans the writes of one connection. `owed` holds every handoff that was looked at, those that owe nothing included: tasks of handoffs that were
/// not looked at stay as they are.
pub fn plan(
    rules: &Rules,
    book: &Book,
    owed: &BTreeMap<String, Vec<Obligation>>,
    now: Timestamp,
) -> TaskPlan {
    let mut planner = Planner {
        rules,
        book,
        owed,
        now,
        today: rules.zone.to_datetime(now).date(),
        quiet: quiet::until(&rules.quiet, &rules.zone, now),
        closings: Vec::new(),
        changes: Vec::new(),
        openings: Vec::new(),
        waiting: Vec::new(),
        again: None,
    };
    planner.known();
    planner.fresh();
    let Planner { closings, changes, openings, mut waiting, again, quiet: quiet_until, .. } = planner;
    waiting.sort_by(|left, right| left.id.cmp(&right.id));
    let until = waiting.iter().filter_map(|waiting| waiting.until).min();
    let look_again_at = [again, until].into_iter().flatten().min();
    TaskPlan { writes: [closings, changes, openings].concat(), waiting, look_again_at, quiet_until }
}

/// The id of a person's list of a day.
fn list_id(person: &Digest, day: Date) -> String {
    format!("list-{}", Digest::of(&(person, day.to_string())).0.get(..40).unwrap_or_default())
}

struct Planner<'a> {
    rules: &'a Rules,
    book: &'a Book,
    owed: &'a BTreeMap<String, Vec<Obligation>>,
    now: Timestamp,
    today: Date,
    /// When the quiet ends, if it is quiet.
    quiet: Option<Timestamp>,
    closings: Vec<TaskWrite>,
    changes: Vec<TaskWrite>,
    openings: Vec<TaskWrite>,
    waiting: Vec<Waiting>,
    again: Option<Timestamp>,
}

impl<'a> Planner<'a> {
    fn find(&self, id: &str, stream: &str) -> Option<&'a Obligation> {
        self.owed.get(stream)?.iter().find(|one| one.id == id)
    }

    fn wait(&mut self, id: &str, why: Wait, until: Option<Timestamp>) {
        self.waiting.push(Waiting { id: id.to_owned(), why, until });
    }

    /// Tasks that are known: closed, reworded, or ordered again where the outcome of the order is not known.
    fn known(&mut self) {
        let book = self.book;
        for (id, known) in &book.tasks {
            match known.step {
                Step::Done => {}
                Step::Closing => self.close(id, known),
                Step::Dismissed | Step::Opening | Step::Stands | Step::Changing => {
                    self.hold_against(id, known);
                }
            }
        }
    }

    fn hold_against(&mut self, id: &str, known: &Known) {
        let unseen = known.covers.values().any(|stream| !self.owed.contains_key(stream));
        let mut covers = known.covers.clone();
        let is_list = known.covers.keys().any(|covered| covered != id) || known.covers.is_empty();
        // What another person owes now is no longer on this one's list; a task of its own moves with its owner.
        covers.retain(|covered, stream| {
            let left = self.find(covered, stream);
            !self.owed.contains_key(stream)
                || left.is_some_and(|left| !is_list || person(&left.owner) == known.person)
        });
        if covers.is_empty() {
            self.close(id, known);
            return;
        }
        // What was not looked at cannot be put into words.
        if unseen || known.step == Step::Dismissed {
            return;
        }
        let items: Vec<&Obligation> =
            covers.iter().filter_map(|(covered, stream)| self.find(covered, stream)).collect();
        let Some(first) = items.first() else { return };
        if !first.owner.active || first.owner.machine {
            // Nobody sees it any more; it stays until somebody else owes it or nobody does.
            self.wait(id, Wait::Nobody, None);
            return;
        }
        let shape = if is_list { list(&items, &self.rules.zone) } else { Some(own(first, &self.rules.zone)) };
        let Some(shape) = shape else { return };
        let whose = person(&first.owner);
        self.change(id, known, shape, covers, whose);
    }

    fn change(
        &mut self,
        id: &str,
        known: &Known,
        shape: Shape,
        covers: BTreeMap<String, String>,
        person: Digest,
    ) {
        let same = shape.digest() == known.shape && covers == known.covers;
        if same && known.step == Step::Stands {
            return;
        }
        if same && let Some(until) = self.refusal(known) {
            self.wait(id, Wait::Refused, Some(until));
            return;
        }
        if self.quiet.is_some() {
            if known.step == Step::Opening {
                self.wait(id, Wait::Quiet, self.quiet);
            }
            self.again = [self.again, self.quiet].into_iter().flatten().min();
            return;
        }
        let act = if known.step == Step::Opening { Act::Open(shape) } else { Act::Change(shape) };
        self.changes.push(TaskWrite {
            id: id.to_owned(),
            task: known.record.clone(),
            act,
            since: known.since,
            covers,
            person,
            day: known.day,
        });
    }

    /// Until when the CRM's refusal holds.
    fn refusal(&self, known: &Known) -> Option<Timestamp> {
        let (at, _) = known.refused.as_ref()?;
        let until = at.checked_add(REFUSED).unwrap_or(Timestamp::MAX);
        (until > self.now).then_some(until)
    }

    fn close(&mut self, id: &str, known: &Known) {
        if known.step == Step::Closing
            && let Some(until) = self.refusal(known)
        {
            self.wait(id, Wait::Refused, Some(until));
            return;
        }
        self.closings.push(TaskWrite {
            id: id.to_owned(),
            task: known.record.clone(),
            act: Act::Close,
            since: known.since,
            covers: known.covers.clone(),
            person: known.person.clone(),
            day: known.day,
        });
    }

    /// What is owed and stands on no list yet.
    fn fresh(&mut self) {
        let book = self.book;
        let mut listed: BTreeSet<&str> = BTreeSet::new();
        for (id, known) in &book.tasks {
            if !known.is_open() && known.step != Step::Dismissed {
                continue;
            }
            // What stands on the list of somebody who does not owe it any more is not on anybody's.
            let stands = known.covers.iter().filter(|(covered, stream)| {
                *covered == id
                    || self.find(covered, stream).is_some_and(|one| person(&one.owner) == known.person)
            });
            listed.extend(stands.map(|(covered, _)| covered.as_str()));
        }
        let lists = |obligation: &Obligation| listed.contains(obligation.id.as_str());
        let mut fresh: BTreeMap<Digest, Vec<(&'a Obligation, &'a str)>> = BTreeMap::new();
        for (stream, owed) in self.owed {
            for obligation in owed.iter().filter(|obligation| !lists(obligation)) {
                if book.tasks.get(&obligation.id).is_some_and(|known| known.step == Step::Closing) {
                    // Opened again once it is known to be closed.
                    continue;
                }
                if !obligation.owner.active || obligation.owner.machine {
                    self.wait(&obligation.id, Wait::Nobody, None);
                } else if self.quiet.is_some() {
                    self.wait(&obligation.id, Wait::Quiet, self.quiet);
                } else {
                    fresh.entry(person(&obligation.owner)).or_default().push((obligation, stream));
                }
            }
        }
        for (whose, mut fresh) in fresh {
            // The most urgent come first: what is capped waits least where it hurts most.
            fresh.sort_by_key(|(one, _)| (one.due.unwrap_or(Timestamp::MAX), one.id.clone()));
            self.of_person(&whose, &fresh);
        }
    }

    fn of_person(&mut self, whose: &Digest, fresh: &[(&'a Obligation, &'a str)]) {
        let counts = |known: &&Known| known.person == *whose && known.day == self.today;
        let mut today = self.book.tasks.values().filter(counts).count();
        // Questions are answered in a task of their own, never on a list.
        let (asked, fresh): (Vec<_>, Vec<_>) =
            fresh.iter().copied().partition(|(one, _)| one.kind == ObligationKind::Test);
        today = self.own_each(whose, &asked, today);
        let fresh = fresh.as_slice();
        if fresh.is_empty() {
            return;
        }
        let id = list_id(whose, self.today);
        let list = self.book.tasks.get(&id);
        let above = self.rules.digest_above.and_then(|above| usize::try_from(above).ok());
        let is_list = list.is_some() || above.is_some_and(|above| fresh.len().saturating_add(today) > above);
        if is_list && (list.is_some() || fresh.len() > 1) {
            self.listed(whose, &id, list, fresh, today);
            return;
        }
        self.own_each(whose, fresh, today);
    }

    /// A task for each while there is room; answers with how many count today then.
    fn own_each(&mut self, whose: &Digest, fresh: &[(&'a Obligation, &'a str)], today: usize) -> usize {
        let mut today = today;
        for (obligation, stream) in fresh {
            if self.room(today) == 0 {
                self.wait(&obligation.id, Wait::Cap, self.tomorrow());
                continue;
            }
            today = today.saturating_add(1);
            let covers = BTreeMap::from([(obligation.id.clone(), (*stream).to_owned())]);
            self.open(obligation.id.clone(), own(obligation, &self.rules.zone), covers, whose);
        }
        today
    }

    /// Puts what is fresh on the person's list of today, with what stands there already.
    fn listed(
        &mut self,
        whose: &Digest,
        id: &str,
        list: Option<&Known>,
        fresh: &[(&'a Obligation, &'a str)],
        today: usize,
    ) {
        if list.is_some_and(|list| list.step == Step::Closing) {
            self.again = Some(self.now);
            return;
        }
        let open = list.filter(|list| list.is_open());
        if list.is_none() && self.room(today) == 0 {
            let until = self.tomorrow();
            for (obligation, _) in fresh {
                self.wait(&obligation.id, Wait::Cap, until);
            }
            return;
        }
        let mut covers: BTreeMap<String, String> = open.map(|list| list.covers.clone()).unwrap_or_default();
        covers.retain(|covered, stream| {
            !self.owed.contains_key(stream)
                || self.find(covered, stream).is_some_and(|left| person(&left.owner) == *whose)
        });
        covers.extend(fresh.iter().map(|(one, stream)| (one.id.clone(), (*stream).to_owned())));
        let items: Vec<&Obligation> =
            covers.iter().filter_map(|(covered, stream)| self.find(covered, stream)).collect();
        let Some(shape) = self::list(&items, &self.rules.zone) else { return };
        // One write says all: what was planned for the list before holds less.
        self.changes.retain(|write| write.id != id);
        self.closings.retain(|write| write.id != id);
        match open {
            Some(known) => self.change(id, known, shape, covers, whose.clone()),
            None => self.open(id.to_owned(), shape, covers, whose),
        }
    }

    fn open(&mut self, id: String, shape: Shape, covers: BTreeMap<String, String>, whose: &Digest) {
        let known = self.book.tasks.get(&id);
        self.openings.push(TaskWrite {
            task: known.and_then(|known| known.record.clone()),
            id,
            act: Act::Open(shape),
            since: self.now,
            covers,
            person: whose.clone(),
            day: self.today,
        });
    }

    fn room(&self, today: usize) -> usize {
        let most = self.rules.most_per_day.and_then(|most| usize::try_from(most).ok());
        most.map_or(usize::MAX, |most| most.saturating_sub(today))
    }

    fn tomorrow(&self) -> Option<Timestamp> {
        let zoned = self.today.tomorrow().ok()?.to_zoned(self.rules.zone.clone()).ok()?;
        Some(zoned.timestamp())
    }
}

/// A task of its own.
fn own(obligation: &Obligation, zone: &TimeZone) -> Shape {
    Shape {
        owner: obligation.owner.id.clone(),
        title: obligation.title.clone(),
        text: obligation.text.clone(),
        due: obligation.due,
        due_day: obligation.due.map(|due| zone.to_datetime(due).date()),
        about: (!obligation.apart).then(|| obligation.about.clone()),
    }
}

/// One task for several things.
fn list(items: &[&Obligation], zone: &TimeZone) -> Option<Shape> {
    let mut items = items.to_vec();
    items.sort_by_key(|one| (one.due.unwrap_or(Timestamp::MAX), one.id.clone()));
    let first = items.first()?;
    let due = first.due;
    let lines = items
        .iter()
        .take(LINES)
        .map(|one| format!("- {} ({} {})", one.title, one.about.object, one.about.record));
    let mut lines: Vec<String> = lines.collect();
    if items.len() > LINES {
        lines.push(format!("- and {} more", items.len() - LINES));
    }
    let text = format!("{}\n\nThis list shortens itself and closes once all is done.", lines.join("\n"));
    let title = match items.len() {
        1 => "Handoffs: 1 thing waits for you".to_owned(),
        many => format!("Handoffs: {many} things wait for you"),
    };
    Some(Shape {
        owner: first.owner.id.clone(),
        title: shorten(&title, TITLE),
        text: shorten(&text, TEXT),
        due,
        due_day: due.map(|due| zone.to_datetime(due).date()),
        about: None,
    })
}
