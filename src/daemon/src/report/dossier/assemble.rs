//! From log entries to a dossier, in two passes: whose handoffs they are is known at the log's end only.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::event::Event;
use handoff_core::id::HandoffId;
use handoff_core::journal::LogEntry;
use handoff_core::value::Package;
use handoff_measure::account::{AccountKey, Accounts};
use handoff_measure::audit::money;
use handoff_measure::crossing::leaked;
use handoff_measure::drill::Score;
use handoff_measure::past::Past;
use handoff_measure::scorecard::Scorecard;
use handoff_measure::unit::Passage;
use jiff::Timestamp;

use super::{Answer, Chapter, Day, Dossier, Story, Weight};
use crate::cli::why;

/// What is asked of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its id, alone or as `connection/id`.
    pub account: String,
    /// Up to when.
    pub as_of: Timestamp,
    /// Whether values of packages are shown.
    pub values: bool,
}

impl Question {
    /// The accounts that it can mean.
    pub fn meant(&self, accounts: &Accounts) -> Vec<AccountKey> {
        let is_meant = |key: &&AccountKey| key.record == self.account || key.to_string() == self.account;
        accounts.keys().into_iter().filter(is_meant).cloned().collect()
    }
}

/// The second pass.
#[derive(Debug)]
pub struct Assembly<'a> {
    account: AccountKey,
    question: &'a Question,
    accounts: &'a Accounts,
    scorecard: &'a Scorecard,
    streams: BTreeSet<&'a str>,
    told: BTreeMap<String, BTreeMap<u32, Chapter>>,
    past: Past,
}

impl<'a> Assembly<'a> {
    /// Of one account, after all entries were folded once.
    pub fn new(
        account: AccountKey,
        question: &'a Question,
        accounts: &'a Accounts,
        scorecard: &'a Scorecard,
    ) -> Self {
        let streams = accounts.streams(&account);
        Self { account, question, accounts, scorecard, streams, told: BTreeMap::new(), past: Past::default() }
    }

    /// Takes the entry at this position, in log order. What was reconstructed is told as if it had been watched.
    pub fn apply(&mut self, position: u64, entry: &LogEntry) {
        let is_asked = stream(entry).is_some_and(|stream| self.streams.contains(stream.as_str()));
        if is_asked && let Some(entry) = self.past.sift(entry) {
            self.take(position, &entry);
        }
    }

    fn take(&mut self, position: u64, entry: &LogEntry) {
        let Some((handoff, events)) = entry.handoff() else { return };
        if entry.at() > self.question.as_of {
            return;
        }
        let stream = handoff.stream();
        let chapters = self.told.entry(stream).or_default();
        // Within one entry, events before a re-opening belong to the cycle before.
        let mut cycle = chapters.keys().next_back().copied().unwrap_or(handoff.cycle);
        for event in events {
            cycle = begun(event).unwrap_or(cycle);
            let chapter = chapters.entry(cycle).or_insert_with(|| empty(cycle));
            if let Some(weight) = weight(event) {
                let words = why::words(event);
                chapter.days.push(Day { at: entry.at(), position, words, weight });
            }
            let moved = matches!(event, Event::Accepted { .. } | Event::Bypassed { .. });
            if let LogEntry::Decided { seen, .. } = entry
                && self.question.values
                && moved
                && chapter.package.is_empty()
            {
                chapter.package = values(&seen.package);
            }
        }
    }

    /// The dossier.
    pub fn finish(mut self) -> Dossier {
        let facts = self.accounts.facts(&self.account);
        let worth = self.accounts.worth(&self.account);
        let answers = self.accounts.answers(&self.account).into_iter();
        let answers = answers.filter(|(at, _)| *at <= self.question.as_of);
        let told = std::mem::take(&mut self.told);
        let mut handoffs: Vec<Story> =
            told.into_iter().map(|(stream, chapters)| self.story(stream, chapters)).collect();
        handoffs.sort_by_key(|story| {
            story.chapters.first().and_then(|each| each.days.first()).map(|day| day.position)
        });
        let mut dossier = Dossier {
            account: self.account.clone(),
            as_of: self.question.as_of,
            arr: worth.as_ref().map(|(worth, _)| money(worth.amount, worth.currency.as_deref())),
            arr_from_deal: worth.is_some_and(|(_, told)| !told),
            customer_since: facts.customer_since,
            churned_at: self.accounts.churned(&self.account, self.question.as_of),
            answers: answers.map(|(at, score)| Answer { at, score }).collect(),
            findings: Vec::new(),
            handoffs,
        };
        dossier.findings = findings(&dossier);
        dossier
    }

    fn story(&self, stream: String, mut chapters: BTreeMap<u32, Chapter>) -> Story {
        let holds = self.scorecard.holds(&stream, self.question.as_of);
        for hold in holds {
            if let Some(chapter) = chapters.get_mut(&hold.cycle) {
                chapter.held = Some(hold.shares);
            }
        }
        let mut contract = None;
        for unit in self.scorecard.units_of(&stream) {
            contract = Some(unit.line.contract.clone());
            let Some(chapter) = chapters.get_mut(&unit.cycle) else { continue };
            chapter.accepted = unit.acceptance.is_some();
            (chapter.rejections, chapter.reconstructed) = (unit.rejections, unit.reconstructed);
            if let Some(transition) = unit.transition.filter(|each| each.at <= self.question.as_of) {
                chapter.score = Some(Score { filled: transition.filled, required: transition.required });
                chapter.untold = transition.untold;
                chapter.leaked = leaked(transition.filled, transition.required);
                chapter.leak_unknown = transition.leaked().is_none();
                chapter.bypassed = transition.passage == Passage::Bypassed;
            }
        }
        let title = contract.map(|contract| self.scorecard.title(&contract).unwrap_or(contract.0));
        Story { title: title.unwrap_or_default(), stream, chapters: chapters.into_values().collect() }
    }
}

fn empty(cycle: u32) -> Chapter {
    Chapter {
        cycle,
        score: None,
        leaked: false,
        bypassed: false,
        untold: 0,
        leak_unknown: false,
        accepted: false,
        reconstructed: false,
        rejections: 0,
        held: None,
        package: BTreeMap::new(),
        days: Vec::new(),
    }
}

/// The stream of decisions, watched or reconstructed, that an entry belongs to.
pub fn stream(entry: &LogEntry) -> Option<String> {
    if let LogEntry::Reconstructed { handoff, .. } = entry {
        return Some(handoff.stream());
    }
    entry.handoff().map(|(handoff, _)| handoff.stream())
}

/// The cycle that an event begins.
fn begun(event: &Event) -> Option<u32> {
    if let Event::Opened { handoff: HandoffId { cycle, .. }, .. } | Event::Reopened { cycle, .. } = event {
        Some(*cycle)
    } else {
        None
    }
}

fn values(package: &Package) -> BTreeMap<String, String> {
    let parts =
        package.iter().flat_map(|(field, parts)| parts.iter().map(move |(part, value)| (field, part, value)));
    parts.map(|(field, part, sourced)| (format!("{field}.{part}"), why::value(&sourced.value))).collect()
}

/// How an event weighs; `None` = it is about writing and reckoning, and left out.
fn weight(event: &Event) -> Option<Weight> {
    match event {
        Event::Bypassed { .. }
        | Event::Tampered { .. }
        | Event::Rejected { .. }
        | Event::FellIncomplete { .. }
        | Event::AnswerRefused { .. }
        | Event::Reopened { .. }
        | Event::SlaBreached { .. }
        | Event::ExceptionsLapsed { .. }
        | Event::Overridden { .. }
        | Event::CommissionHeld { .. }
        | Event::RevertGivenUp { .. }
        | Event::Voided { .. } => Some(Weight::Bad),
        Event::Opened { .. }
        | Event::Completed { .. }
        | Event::Accepted { .. }
        | Event::ExceptionsGranted { .. }
        | Event::Confirmed { .. }
        | Event::CommissionReleased { .. } => Some(Weight::Turn),
        Event::PeopleChanged { .. }
        | Event::StageChanged { .. }
        | Event::PackageChanged { .. }
        | Event::Submitted { .. }
        | Event::ExceptionsMet { .. }
        | Event::ConfirmationNeeded { .. }
        | Event::OverrideAsked { .. }
        | Event::OverrideEnded { .. }
        | Event::Absorbed { .. }
        | Event::Reminded { .. }
        | Event::Escalated { .. }
        | Event::Reassigned { .. }
        | Event::GraceGranted { .. }
        | Event::GraceEnded { .. }
        | Event::ConcernsChanged { .. }
        | Event::StageReverted { .. }
        | Event::Beside { .. } => Some(Weight::Course),
        Event::ClockSet { .. }
        | Event::GateWritten { .. }
        | Event::GateOrdered { .. }
        | Event::Healed { .. }
        | Event::RevertOrdered { .. }
        | Event::RevertRefused { .. }
        | Event::TwinsChanged { .. }
        | Event::CarriedChanged { .. }
        | Event::PayChanged { .. }
        | Event::Repinned { .. } => None,
    }
}

fn findings(dossier: &Dossier) -> Vec<String> {
    let mut findings = Vec::new();
    for story in &dossier.handoffs {
        for chapter in &story.chapters {
            let Some(score) = chapter.score else { continue };
            let how = if chapter.bypassed { "without anybody's acceptance" } else { "accepted" };
            if chapter.leaked {
                findings.push(format!(
                    "{}: moved on {how} with {} of {} mandatory fields. It leaked.",
                    story.title, score.filled, score.required
                ));
            } else if chapter.bypassed {
                findings.push(format!("{}: moved on {how}.", story.title));
            }
        }
        let rejections: u32 = story.chapters.iter().map(|chapter| chapter.rejections).sum();
        if rejections > 1 {
            findings.push(format!("{}: sent back {rejections} times.", story.title));
        }
        if story.chapters.iter().all(|chapter| chapter.score.is_none()) {
            findings.push(format!("{}: has not moved on.", story.title));
        }
    }
    let first = dossier.answers.first().zip(dossier.answers.last());
    if let Some((first, last)) = first.filter(|(first, last)| last.score < first.score) {
        findings.push(format!("Answers to surveys fell from {} to {}.", first.score, last.score));
    }
    if let (Some(since), Some(left)) = (dossier.customer_since, dossier.churned_at) {
        let days = left.duration_since(since).as_hours() / 24;
        findings.push(format!("It left after {days} days as a customer."));
    }
    if dossier.handoffs.is_empty() {
        findings.push("No handoff of this account is in the log: it was never governed.".to_owned());
    }
    findings
}
