//! How well the shipped lexicon does on calls that were written for it. Run with `--nocapture` for the figures, with
//! `REDISCOVERY_SHOW=tune` (or `test`) for every mistake.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "a failed expectation fails the test; the corpus is a module of the test"
)]

mod corpus;

use std::collections::{BTreeMap, BTreeSet};

use corpus::{Dev, Label, Shape, Tally, calls};
use handoff_rediscovery::{Decision, Event, Events, Lexicon, Options, score};

fn lexicon() -> Lexicon {
    Lexicon::shipped().unwrap_or_else(|error| panic!("{error}"))
}

fn scored(call: &Dev, shape: Shape, lexicon: &Lexicon) -> Events {
    let options = Options { quote: true, salt: String::new() };
    score(&call.line(shape), lexicon, &options).unwrap()
}

/// The figures of one part, counting automatic events only or suggestions as well.
#[derive(Default, Debug, Clone, Copy)]
struct Figures {
    utterances: Tally,
    lines: u32,
    fields: Tally,
    accounts: u32,
    right: u32,
    clean: u32,
    flagged: u32,
}

fn name(event: &Event) -> String {
    format!("{}/{}", event.place.contract, event.place.field)
}

fn measure(part: &[&Dev], shape: Shape, auto_only: bool, lexicon: &Lexicon, show: bool) -> Figures {
    let mut out = Figures::default();
    for call in part {
        let events = scored(call, shape, lexicon);
        assert!(events.scored, "{}: {:?}", call.id, events.not_scored);
        let counted: Vec<&Event> =
            events.events.iter().filter(|event| !auto_only || event.decision == Decision::Auto).collect();
        let mut found: BTreeSet<String> = BTreeSet::new();
        for line in &call.lines {
            out.lines += 1;
            let here: Vec<&&Event> = counted
                .iter()
                .filter(|event| {
                    (line.from_ms..line.to_ms.max(line.from_ms + 1)).contains(&event.place.span.from_ms)
                })
                .collect();
            let names: BTreeSet<String> = here.iter().map(|event| name(event)).collect();
            let wanted: Vec<String> =
                if let Label::Reask(fields) = &line.label { fields.clone() } else { Vec::new() };
            let right = names.iter().any(|name| wanted.contains(name));
            let wrong = names.iter().filter(|name| !wanted.contains(name)).count();
            out.utterances.hit += u32::from(right);
            out.utterances.missed += u32::from(!wanted.is_empty() && !right);
            out.utterances.wrong += u32::try_from(wrong).unwrap();
            for name in names {
                found.insert(if wanted.contains(&name) { wanted[0].clone() } else { name });
            }
            if show && (wrong > 0 || (!wanted.is_empty() && !right)) {
                println!("{} {:?} {}\n      wanted {:?}", call.id, line.label, line.text, wanted);
                for event in &here {
                    println!(
                        "      got {} {:?} {} {:?}",
                        name(event),
                        event.decision,
                        event.place.why,
                        event.place.lexicon_hits
                    );
                }
                let at = |from: u64| (line.from_ms..line.to_ms).contains(&from);
                for place in events.confirms.iter().filter(|place| at(place.span.from_ms)) {
                    println!("      confirm {}", place.field);
                }
                for place in events.new_details.iter().filter(|place| at(place.span.from_ms)) {
                    println!("      new detail {}", place.field);
                }
                for place in events.asked_unfilled.iter().filter(|place| at(place.span.from_ms)) {
                    println!("      unfilled {} {}", place.field, place.question_score);
                }
            }
        }
        let truth = call.truth();
        out.fields.hit += u32::try_from(found.intersection(&truth).count()).unwrap();
        out.fields.wrong += u32::try_from(found.difference(&truth).count()).unwrap();
        out.fields.missed += u32::try_from(truth.difference(&found).count()).unwrap();
        out.accounts += 1;
        out.right += u32::from(found.is_empty() == truth.is_empty());
        out.clean += u32::from(truth.is_empty());
        out.flagged += u32::from(truth.is_empty() && !found.is_empty());
    }
    out
}

fn print(title: &str, figures: &Figures) {
    let Figures { utterances, fields, lines, accounts, right, clean, flagged } = figures;
    println!(
        "{title}: {lines} utterances, P {:.3} R {:.3} F1 {:.3} | {accounts} calls, fields P {:.3} R {:.3} F1 {:.3} | accounts right {right}/{accounts}, clean flagged {flagged}/{clean}",
        utterances.precision(),
        utterances.recall(),
        utterances.f1(),
        fields.precision(),
        fields.recall(),
        fields.f1(),
    );
}

fn parts(all: &[Dev]) -> [(&'static str, Vec<&Dev>); 4] {
    let of = |wanted: fn(&Dev) -> bool| all.iter().filter(|call| wanted(call)).collect();
    [
        ("tune", of(|call| call.tune)),
        ("test", of(|call| !call.tune && call.id.starts_with('z'))),
        ("hard", of(|call| !call.tune && call.id.starts_with('y'))),
        ("last", of(|call| !call.tune && call.id.starts_with('x'))),
    ]
}

#[test]
fn the_set_is_large_and_diverse_enough() {
    let all = calls();
    let lines: usize = all.iter().map(|call| call.lines.len()).sum();
    assert!(all.len() >= 40 && lines >= 1_000, "{} calls, {lines} utterances", all.len());
    let asked: BTreeMap<String, usize> =
        all.iter().flat_map(Dev::truth).fold(BTreeMap::new(), |mut count, field| {
            *count.entry(field).or_default() += 1;
            count
        });
    println!("{} calls, {lines} utterances, {} fields asked again", all.len(), asked.len());
    assert!(all.iter().filter(|call| call.truth().is_empty()).count() >= 12);
}

#[test]
fn events_meet_the_bars_on_both_parts() {
    let (all, lexicon) = (calls(), lexicon());
    let show = std::env::var("REDISCOVERY_SHOW").unwrap_or_default();
    for (title, part) in parts(&all) {
        for (how, auto_only) in [("auto", true), ("auto+review", false)] {
            let figures = measure(&part, Shape::default(), auto_only, &lexicon, show == title && !auto_only);
            print(&format!("{title} {how}"), &figures);
            assert!(
                figures.utterances.precision() >= 0.75 && figures.utterances.f1() >= 0.65,
                "{title} {how}"
            );
            assert!(figures.fields.f1() >= 0.80, "{title} {how}: {:?}", figures.fields);
            assert!(!auto_only || figures.right * 10 >= figures.accounts * 9, "{title} {how}: accounts");
            assert!(
                !auto_only || figures.flagged * 15 <= figures.clean,
                "{title} {how}: clean accounts flagged"
            );
        }
        for (how, auto_only) in [("auto", true), ("auto+review", false)] {
            let bare = Shape { bare: true, ..Shape::default() };
            let figures =
                measure(&part, bare, auto_only, &lexicon, show == format!("{title}-bare") && !auto_only);
            print(&format!("{title} {how}, punctuation stripped"), &figures);
            assert!(
                !auto_only || (figures.fields.f1() >= 0.75 && figures.right * 10 >= figures.accounts * 9),
                "{title} {how}"
            );
        }
        let mute = Shape { mute: true, ..Shape::default() };
        let figures = measure(&part, mute, false, &lexicon, show == format!("{title}-mute"));
        print(&format!("{title} suggestions, answers taken away"), &figures);
    }
}

#[test]
fn swapped_speakers_ask_nothing_again() {
    let lexicon = lexicon();
    let mut found = Vec::new();
    for call in calls() {
        let events = scored(&call, Shape { swapped: true, ..Shape::default() }, &lexicon);
        found.extend(events.events.iter().map(|event| {
            format!(
                "{} {:?} {} {:?} {:?} {}",
                call.id,
                event.decision,
                name(event),
                event.place.quote,
                event.place.lexicon_hits,
                event.place.why
            )
        }));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn emptied_fields_are_asked_for_and_not_again() {
    let lexicon = lexicon();
    let mut unfilled = 0;
    for call in calls() {
        let events = scored(&call, Shape { emptied: true, ..Shape::default() }, &lexicon);
        assert!(events.events.is_empty(), "{}: {:?}", call.id, events.events);
        unfilled += events.asked_unfilled.len();
    }
    assert!(unfilled > 40, "{unfilled}");
}

#[test]
fn a_call_before_the_acceptance_is_not_scored() {
    let lexicon = lexicon();
    for call in calls() {
        let events = scored(&call, Shape { early: true, ..Shape::default() }, &lexicon);
        assert!(!events.scored && events.events.is_empty());
    }
}

#[test]
fn values_read_back_are_confirms() {
    let lexicon = lexicon();
    let (mut all, mut confirmed) = (0, 0);
    let mut wrong = Vec::new();
    for call in calls() {
        let events = scored(&call, Shape::default(), &lexicon);
        for line in call.lines.iter().filter(|line| matches!(line.label, Label::Confirm(_))) {
            let here = |from: u64| (line.from_ms..line.to_ms).contains(&from);
            all += 1;
            if std::env::var("REDISCOVERY_SHOW").is_ok_and(|show| show == "confirms")
                && !events.confirms.iter().any(|place| here(place.span.from_ms))
            {
                println!("  {} {}", call.id, line.text);
            }
            confirmed += i32::from(events.confirms.iter().any(|place| here(place.span.from_ms)));
            if events.events.iter().any(|event| here(event.place.span.from_ms)) {
                wrong.push(format!("{} {}", call.id, line.text));
            }
        }
    }
    println!("{confirmed} of {all} values read back are seen as confirms");
    assert!(confirmed * 4 >= all * 3, "{confirmed} of {all}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Questions by themselves, each asked of a package that holds every field of its contract.
#[test]
fn single_questions_are_told_apart() {
    let lexicon = lexicon();
    let show = std::env::var("REDISCOVERY_SHOW").unwrap_or_default();
    let fields: Vec<(String, String)> =
        lexicon.fields().map(|(contract, key)| (contract.to_owned(), key.to_owned())).collect();
    let mut tallies: BTreeMap<(&str, &str), Tally> = BTreeMap::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for line in include_str!("dev/questions.txt").lines().filter(|line| !line.starts_with('#')) {
        let (field, question) = line.split_once(": ").unwrap();
        let at = seen.entry(field).or_default();
        *at += 1;
        let part = if *at % 2 == 1 { "tune" } else { "test" };
        let wanted = field.split_once('.').map(|(short, key)| (corpus::contract(short), key));
        for (how, text) in [
            ("as typed", question.to_owned()),
            ("stripped", question.replace(['?', '.', ',', '!'], "").to_lowercase()),
        ] {
            for contract in fields.iter().map(|(contract, _)| contract).collect::<BTreeSet<_>>() {
                if wanted.is_some_and(|(own, _)| own != contract) {
                    continue;
                }
                let held: serde_json::Map<String, serde_json::Value> = fields
                    .iter()
                    .filter(|(of, _)| of == contract)
                    .map(|(_, key)| (key.clone(), serde_json::json!({"part": "Zyxwvu Qponml"})))
                    .collect();
                let call = serde_json::json!({
                    "call": {"id": "q", "started": "2026-02-01T15:00:00Z", "parties": [
                        {"speakerId": "R", "affiliation": "Internal"}, {"speakerId": "C", "affiliation": "External"}]},
                    "transcript": [{"speakerId": "R", "sentences": [{"start": 0, "end": 2000, "text": text}]},
                                   {"speakerId": "C", "sentences": [{"start": 3000, "end": 4000, "text": "Let me think about it."}]}],
                    "package": {contract: held}, "accepted_at": "2026-01-01T00:00:00Z",
                });
                let events = score(&call.to_string(), &lexicon, &Options::default()).unwrap();
                let found: Vec<&str> = events.events.iter().map(|event| event.place.field.as_str()).collect();
                let tally = tallies.entry((part, how)).or_default();
                let hit = wanted.is_some_and(|(_, key)| found.contains(&key));
                tally.hit += u32::from(hit);
                tally.missed += u32::from(wanted.is_some() && !hit);
                tally.wrong +=
                    u32::from(found.iter().any(|found| wanted.is_none_or(|(_, key)| key != *found)));
                if show == format!("questions-{part}")
                    && how == "as typed"
                    && (wanted.is_some() != hit || (!hit && !found.is_empty()))
                {
                    println!("  {field}: {question} -> {found:?}");
                }
            }
        }
    }
    for ((part, how), tally) in tallies {
        assert!(tally.precision() >= 0.75 && tally.f1() >= 0.65, "{part} {how}: {tally:?}");
        println!(
            "questions {part} {how}: n {} P {:.3} R {:.3} F1 {:.3}",
            tally.hit + tally.missed,
            tally.precision(),
            tally.recall(),
            tally.f1()
        );
    }
}

/// Meetings in which nothing was handed over, each voice as the receiving side in turn, each with the package of every call.
#[test]
fn ordinary_meetings_are_left_alone() {
    let (calls, lexicon) = (calls(), lexicon());
    let meetings = corpus::read("meetings.txt", include_str!("dev/meetings.txt"));
    let (mut sentences, mut pairs, mut auto, mut review) = (0, 0, Vec::new(), Vec::new());
    for meeting in &meetings {
        let voices: BTreeSet<char> = meeting.lines.iter().map(|line| line.voice).collect();
        for voice in voices {
            let mut as_call = meeting.clone();
            for line in &mut as_call.lines {
                line.voice = if line.voice == voice {
                    'R'
                } else if line.voice == 'C' {
                    'C'
                } else {
                    'D'
                };
            }
            for call in calls.iter().step_by(4) {
                as_call.package.clone_from(&call.package);
                let events = scored(&as_call, Shape::default(), &lexicon);
                pairs += events.counts.asker_sentences;
                for event in &events.events {
                    let said = format!(
                        "{} with {}: {} {:?} {:?} {}",
                        meeting.id,
                        call.id,
                        name(event),
                        event.place.quote,
                        event.place.lexicon_hits,
                        event.place.why
                    );
                    if event.decision == Decision::Auto { auto.push(said) } else { review.push(said) }
                }
            }
        }
        sentences += meeting.lines.len();
    }
    let per_thousand = |count: usize| {
        f64::from(u32::try_from(count).unwrap()) * 1_000.0 / f64::from(u32::try_from(pairs).unwrap())
    };
    println!(
        "{} meetings, {sentences} sentences, {pairs} pairs of sentence and package: {:.3} automatic and {:.2} suggested per 1,000",
        meetings.len(),
        per_thousand(auto.len()),
        per_thousand(review.len()),
    );
    if std::env::var("REDISCOVERY_SHOW").is_ok_and(|show| show == "meetings" || show == "confirms") {
        println!("{auto:#?}");
        let mut quotes: BTreeMap<String, usize> = BTreeMap::new();
        for said in &review {
            *quotes
                .entry(said.split(": ").nth(1).unwrap().split(" asks").next().unwrap().to_owned())
                .or_default() += 1;
        }
        println!("{quotes:#?}");
    }
    assert!(per_thousand(auto.len()) <= 0.2, "{auto:#?}");
}

/// Every recorded value of every call, read back in two ways.
#[test]
fn any_recorded_value_that_is_read_back_is_no_event() {
    let lexicon = lexicon();
    let show = std::env::var("REDISCOVERY_SHOW").is_ok_and(|show| show == "back");
    let (mut all, mut confirmed, mut right, mut events_found) = (0, 0, 0, 0);
    for call in calls() {
        for (contract, fields) in &call.package {
            for (field, parts) in fields {
                let value = spoken_value(parts);
                if value.is_empty() {
                    continue;
                }
                for line in [
                    format!("I have {value} in my notes, is that still right?"),
                    format!("So it's {value}, correct?"),
                    format!("From what I read, {value}. Has anything changed there?"),
                ] {
                    let mut asked = call.clone();
                    asked.lines.truncate(0);
                    let text = format!("{field}\n");
                    let turn = |voice: char, text: &str, from_ms: u64| corpus::Line {
                        voice,
                        label: Label::Plain,
                        text: text.to_owned(),
                        from_ms,
                        to_ms: from_ms + 4_000,
                    };
                    asked.lines.push(turn('R', &line, 0));
                    asked.lines.push(turn('C', "Yes, that's right, nothing has changed.", 5_000));
                    let events = scored(&asked, Shape::default(), &lexicon);
                    all += 1;
                    events_found += events.events.len();
                    confirmed += i32::from(!events.confirms.is_empty());
                    let own = |place: &&handoff_rediscovery::Place| {
                        place.field == *field && place.contract == *contract
                    };
                    right += i32::from(events.confirms.iter().any(|place| own(&place)));
                    if show && (!events.events.is_empty() || !events.confirms.iter().any(|place| own(&place)))
                    {
                        println!(
                            "  {} {text}     {line} -> {:?} events {:?}",
                            call.id,
                            events.confirms.iter().map(|place| place.field.clone()).collect::<Vec<_>>(),
                            events.events.iter().map(name).collect::<Vec<_>>()
                        );
                    }
                }
            }
        }
    }
    println!(
        "{all} values read back: {confirmed} confirms, {right} of the right field, {events_found} events"
    );
    assert!(events_found * 100 <= usize::try_from(all).unwrap(), "{events_found} of {all}");
    assert!(confirmed * 10 >= all * 9, "{confirmed} of {all}");
}

/// The texts of a value as somebody reads them out.
fn spoken_value(parts: &serde_json::Map<String, serde_json::Value>) -> String {
    let mut out: Vec<String> = Vec::new();
    for value in parts.values() {
        out.extend(value.as_str().filter(|text| !text.is_empty()).map(str::to_owned));
        for row in value.as_array().into_iter().flatten().filter_map(|row| row.as_object()) {
            out.extend(row.values().filter_map(|value| value.as_str()).map(str::to_owned));
        }
    }
    out.join(", ")
}

/// The field that a question asks for again, emptied: nothing was recorded, so nothing is asked again.
#[test]
fn one_emptied_field_is_no_event() {
    let lexicon = lexicon();
    let (mut all, mut wrong) = (0, Vec::new());
    for call in calls() {
        for wanted in call.truth() {
            let (contract, field) = wanted.split_once('/').unwrap();
            let mut emptied = call.clone();
            emptied.package.get_mut(contract).unwrap().insert(field.to_owned(), serde_json::Map::new());
            let events = scored(&emptied, Shape::default(), &lexicon);
            for line in call
                .lines
                .iter()
                .filter(|line| matches!(&line.label, Label::Reask(fields) if fields[0] == wanted))
            {
                all += 1;
                let here = |event: &&Event| (line.from_ms..line.to_ms).contains(&event.place.span.from_ms);
                if let Some(event) = events.events.iter().find(here) {
                    wrong.push(format!(
                        "{} {:?} {} for {wanted}: {} {}",
                        call.id,
                        event.decision,
                        name(event),
                        line.text,
                        event.place.why
                    ));
                }
            }
        }
    }
    println!("{all} questions for an emptied field, {} taken for another field", wrong.len());
    if std::env::var("REDISCOVERY_SHOW").is_ok_and(|show| show == "back") {
        println!("{wrong:#?}");
    }
    assert!(wrong.len() * 10 <= all, "{} of {all}", wrong.len());
}
