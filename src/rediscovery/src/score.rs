//! From a call and its lexicon to events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use self::candidate::{Candidate, GIVEN};
use crate::act::Act;
use crate::call::{Call, InputError};
use crate::events::{Counts, Decision, Events, Span};
use crate::field::{FieldScore, Heard, scores};
use crate::gate::{Gate, gate};
use crate::lexicon::Lexicon;
use crate::overlap::{Hit, Repeated, Value};
use crate::roles::{Role, Roles};
use crate::talk::{Answer, Said, Talk, comparable};
use crate::term::{Kind, Term};
use crate::text::Word;

/// What a statement gives away of a value that it reads back, in nats.
const STATED: f64 = 5.5;
/// How a customer begins who agrees.
const AGREES: [&str; 16] = [
    "yes",
    "yeah",
    "yep",
    "right",
    "correct",
    "exactly",
    "true",
    "indeed",
    "sure",
    "absolutely",
    "definitely",
    "still",
    "mhm",
    "is",
    "they",
    "unfortunately",
];
mod candidate;
mod tell;

/// By how much a question has to be clearer for an empty field to count as asking for that.
const MARGIN: f64 = 0.2;

/// What may leave this crate besides places and scores.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Quotes the question and names the terms that matched. Off: nothing that was said or recorded leaves.
    pub quote: bool,
    /// Goes into the hashes of terms, so that they cannot be looked up.
    pub salt: String,
}

/// Reads one line and scores it.
pub fn score(line: &str, lexicon: &Lexicon, options: &Options) -> Result<Events, InputError> {
    Ok(score_call(&Call::read(line)?, lexicon, options))
}

/// Scores a call. The same call, lexicon and options give the same events.
pub fn score_call(call: &Call, lexicon: &Lexicon, options: &Options) -> Events {
    let roles = Roles::of(call);
    let not_scored = roles.refuse(call);
    let mut events = Events {
        call: call.id.clone(),
        account: call.account.clone(),
        started: call.started,
        accepted: accepted(call).into_values().max(),
        scored: not_scored.is_none(),
        not_scored,
        incident: false,
        events: Vec::new(),
        confirms: Vec::new(),
        new_details: Vec::new(),
        asked_unfilled: Vec::new(),
        complaints: Vec::new(),
        counts: Counts { vendor_questions: call.questions, ..Counts::default() },
        lexicon: lexicon.digest().to_owned(),
    };
    if not_scored.is_none() {
        let talk = Talk::of(call, &roles, lexicon);
        Scoring::new(call, lexicon, options, &roles, &talk).run(&mut events);
        events.incident = events.events.iter().any(|event| event.decision == Decision::Auto);
    }
    events
}

/// What is known of one field of the lexicon in this call.
enum Known {
    /// Its contract is not part of the package, or was accepted too late.
    Absent,
    /// Accepted without a value.
    Empty,
    /// Accepted with a value.
    Filled(Value),
}

struct Scoring<'a> {
    call: &'a Call,
    lexicon: &'a Lexicon,
    options: &'a Options,
    roles: &'a Roles,
    talk: &'a Talk,
    known: Vec<Known>,
    strict: Option<String>,
}

impl<'a> Scoring<'a> {
    fn new(
        call: &'a Call,
        lexicon: &'a Lexicon,
        options: &'a Options,
        roles: &'a Roles,
        talk: &'a Talk,
    ) -> Self {
        let accepted = accepted(call);
        let last = accepted.iter().max_by_key(|(contract, at)| (**at, **contract));
        let strict = call.contract.clone().or_else(|| last.map(|(contract, _)| (*contract).to_owned()));
        let known = lexicon
            .fields
            .iter()
            .map(|field| {
                if !accepted.contains_key(field.contract.as_str()) {
                    return Known::Absent;
                }
                match call.package.get(&field.contract).and_then(|fields| fields.get(&field.key)) {
                    Some(recorded) if !recorded.is_empty() => {
                        Known::Filled(Value::of(recorded, field, lexicon, &talk.frequency, talk.said.len()))
                    }
                    Some(_) | None => Known::Empty,
                }
            })
            .collect();
        Self { call, lexicon, options, roles, talk, known, strict }
    }

    fn run(&self, events: &mut Events) {
        for (at, said) in self.talk.said.iter().enumerate() {
            match said.role {
                Role::Customer => {
                    events.counts.customer_sentences += 1;
                    if self.lexicon.language.complaints.iter().any(|phrase| phrase.is_in(&said.words)) {
                        events.complaints.push(Span { from_ms: said.from_ms, to_ms: said.to_ms });
                    }
                }
                Role::Asker { named } => {
                    events.counts.asker_sentences += 1;
                    events.counts.asker_questions += usize::from(!said.acts.is_empty());
                    for act in &said.acts {
                        self.question(at, said, act, named, events);
                    }
                    if said.acts.is_empty() {
                        self.statement(at, said, events);
                    }
                }
                Role::Sender | Role::Unknown => {}
            }
        }
        events.events.dedup_by(|later, earlier| {
            later.place.field == earlier.place.field
                && later.place.contract == earlier.place.contract
                && later.place.span == earlier.place.span
        });
    }

    fn question(&self, at: usize, said: &Said, act: &Act, named: bool, events: &mut Events) {
        if self.is_to_colleague(said) {
            return;
        }
        let answer = self.talk.answer(at);
        if answer.colleague_first && answer.said.is_empty() {
            return;
        }
        let question = said.words.get(act.from..act.to).unwrap_or_default();
        let (before, after) = self.talk.turn(at);
        let mut context: Vec<Word> = before.iter().take(1).flat_map(|said| said.words.clone()).collect();
        if before.is_empty() && question.len() <= 7 {
            context.extend(self.talk.heard(at).iter().flat_map(|said| said.words.clone()));
        }
        let asked = scores(Heard { question, before: &context, act }, self.lexicon);
        let said_again = self.answer_terms(&answer);
        let excluded: BTreeSet<String> =
            comparable(&said.words, &self.lexicon.same).into_iter().map(|term| term.key).collect();
        let complaint = answer.has(&self.lexicon.language.complaints);
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut empty: Option<(usize, FieldScore)> = None;
        for (field, asked) in asked.into_iter().enumerate() {
            match self.known.get(field) {
                Some(Known::Filled(value)) => {
                    let (gate, given) =
                        gate(value, said, act, (&before, &after), self.lexicon, &self.roles.customers);
                    let repeated = value.repeated(&said_again, &excluded);
                    let repeated = with_none(repeated, value, &answer);
                    let doubtful =
                        answer.colleague_first || self.is_self_answered(act, said, &after, &answer);
                    let candidate =
                        Candidate { field, asked, repeated, gate, given, complaint, decision: None };
                    candidates.push(candidate.decided(self.lexicon.decide, act.marked, doubtful));
                }
                Some(Known::Empty) if empty.as_ref().is_none_or(|(_, held)| held.score < asked.score) => {
                    empty = Some((field, asked));
                }
                Some(Known::Empty | Known::Absent) | None => {}
            }
        }
        self.report(said, act, named, candidates, empty, events);
    }

    /// A value that is read back as a statement, and the customer agrees.
    fn statement(&self, at: usize, said: &Said, events: &mut Events) {
        let answer = self.talk.answer(at);
        let first = answer.said.first().map(|said| said.words.as_slice()).unwrap_or_default();
        let agrees = first.iter().take(3).any(|word| AGREES.contains(&word.text.as_str()));
        let next = self.talk.said.get(at + 1).is_some_and(|next| next.role == Role::Customer);
        if !agrees || !next {
            return;
        }
        let words = comparable(&said.words, &self.lexicon.same);
        let reads_back = self.lexicon.language.read_back.iter().any(|phrase| phrase.is_in(&said.words));
        let given = self.known.iter().enumerate().filter_map(|(field, known)| match known {
            Known::Filled(value) => {
                let given = value.given_away(&words);
                let told = value.repeated(&words, &BTreeSet::new());
                let told = if reads_back && told.is_strong() { told } else { Repeated::default() };
                Some((field, if told.nats / 1.5 > given.nats { told } else { given }))
            }
            Known::Empty | Known::Absent => None,
        });
        let best = given.max_by(|left, right| left.1.nats.total_cmp(&right.1.nats));
        let Some((field, given)) = best.filter(|(_, given)| given.nats >= STATED) else { return };
        let act = Act {
            types: BTreeSet::new(),
            from: 0,
            to: said.words.len(),
            declarative: true,
            tag: false,
            request: false,
            marked: true,
        };
        let place = self.place(
            said,
            &act,
            field,
            &FieldScore::default(),
            &given,
            "states the recorded value, and the customer agrees",
        );
        events.confirms.push(place);
    }

    fn report(
        &self,
        said: &Said,
        act: &Act,
        named: bool,
        mut candidates: Vec<Candidate>,
        empty: Option<(usize, FieldScore)>,
        events: &mut Events,
    ) {
        let decide = self.lexicon.decide;
        candidates.sort_by(|left, right| right.rank().total_cmp(&left.rank()));
        let gated = candidates.iter().filter(|one| one.gate != Gate::Open && one.decision.is_none());
        let gated = gated.filter(|one| one.given >= GIVEN || one.asked.score >= decide.low);
        let gated = gated.max_by(|left, right| left.about().total_cmp(&right.about()));
        // the question is about a value that was just read back, whatever else it resembles
        let auto = candidates.iter().find(|one| one.decision == Some(Decision::Auto));
        let best = auto.or_else(|| candidates.iter().find(|one| one.decision.is_some()));
        let best = best.filter(|best| gated.is_none_or(|gated| best.outweighs(gated)));
        if let Some((field, asked)) = empty
            && asked.score >= decide.high
            && best.is_none_or(|best| {
                let margin = if best.decision == Some(Decision::Auto) { MARGIN } else { 0.0 };
                asked.score > best.asked.score + margin
            })
        {
            events.asked_unfilled.push(self.place(
                said,
                act,
                field,
                &asked,
                &Repeated::default(),
                "asks for what the package left empty",
            ));
            return;
        }
        if let Some(best) = best {
            events.events.push(self.event(said, act, named, best, &candidates));
            let second = candidates.iter().find(|one| {
                one.field != best.field
                    && one.decision == Some(Decision::Auto)
                    && one.asked.score >= decide.high
                    && one.asked.matched.is_disjoint(&best.asked.matched)
                    && !one
                        .repeated
                        .hits
                        .iter()
                        .any(|hit| best.repeated.hits.iter().any(|other| other.key == hit.key))
            });
            if let Some(second) = second {
                events.events.push(self.event(said, act, named, second, &candidates));
            }
        } else if let Some(gated) = gated {
            let (list, why) = if gated.gate == Gate::Confirm {
                (&mut events.confirms, "reads the recorded value back")
            } else {
                (&mut events.new_details, "asks for more on a value that it names")
            };
            list.push(self.place(said, act, gated.field, &gated.asked, &gated.repeated, why));
        }
    }

    fn answer_terms(&self, answer: &Answer<'_>) -> Vec<Term> {
        let mut out: Vec<Term> = Vec::new();
        for said in &answer.said {
            out.extend(comparable(&said.words, &self.lexicon.same));
        }
        out
    }

    /// The question calls one of our own by the first name.
    fn is_to_colleague(&self, said: &Said) -> bool {
        let called =
            |at: usize| said.words.get(at).is_some_and(|word| self.roles.colleagues.contains(&word.text));
        let marked = |at: usize| said.words.get(at).is_some_and(|word| word.after_mark);
        let last = said.words.len().saturating_sub(1);
        let opens =
            (0..3).any(|at| called(at) && (marked(at + 1) || (at == 0 && starts_question(&said.words))));
        opens || (last > 2 && called(last) && marked(last))
    }

    /// The speaker goes on to answer, and the customer adds next to nothing.
    fn is_self_answered(&self, act: &Act, said: &Said, after: &[&Said], answer: &Answer<'_>) -> bool {
        if act.declarative && act.tag {
            return true;
        }
        let Some(next) = after.first() else { return false };
        let goes_on =
            next.from_ms <= said.to_ms.saturating_add(1_500) && next.acts.is_empty() && next.words.len() > 3;
        let excused = self.lexicon.language.excuses.iter().any(|phrase| phrase.is_in(&next.words));
        let length: usize = answer.said.iter().map(|said| said.words.len()).sum();
        goes_on && !excused && length < 8
    }
}

/// The contracts of the package that were accepted before the call began, and when.
fn accepted(call: &Call) -> BTreeMap<&str, Timestamp> {
    let before = |contract: &String| {
        let at = call.accepted.get(contract).or_else(|| call.accepted.get(""))?;
        call.started.is_some_and(|started| *at < started).then_some(*at)
    };
    call.package.keys().filter_map(|contract| Some((contract.as_str(), before(contract)?))).collect()
}

/// "None known" is repeated by an answer that begins with a no.
fn with_none(mut repeated: Repeated, value: &Value, answer: &Answer<'_>) -> Repeated {
    let first = answer.said.first().map(|said| said.words.as_slice()).unwrap_or_default();
    let denies = first
        .iter()
        .take(2)
        .any(|word| matches!(word.text.as_str(), "no" | "none" | "nobody" | "nope" | "nothing" | "nah"));
    if value.none && denies {
        repeated.nats += 4.5;
        repeated.hits.push(Hit {
            part: String::new(),
            kind: Kind::Word,
            key: "w:(none)".to_owned(),
            nats: 4.5,
        });
    }
    repeated
}

fn starts_question(words: &[Word]) -> bool {
    words.get(1).is_some_and(|word| {
        matches!(
            word.text.as_str(),
            "do" | "did"
                | "can"
                | "could"
                | "have"
                | "are"
                | "is"
                | "will"
                | "would"
                | "what"
                | "when"
                | "who"
                | "how"
                | "where"
                | "anything"
        )
    })
}
