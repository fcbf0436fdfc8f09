//! What counts, what does not, and what leaves the crate.

#![expect(clippy::unwrap_used, reason = "a failed expectation fails the test")]

use std::collections::BTreeSet;

use handoff_rediscovery::{
    Decision, Events, InputError, Lexicon, LexiconFault, NotScored, Options, SHIPPED, Window, accounts, score,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const H03: &str = "h03-ae-to-onboarding";

fn lexicon() -> Lexicon {
    Lexicon::shipped().unwrap()
}

/// A call of one re-ask; `ANSWER` repeats the record.
fn call() -> Value {
    json!({
        "call": {
            "metaData": {"id": "7782342274025937895", "started": "2026-02-01T15:00:00Z", "isPrivate": false, "language": "eng"},
            "parties": [
                {"id": "p1", "userId": "u1", "name": "Kim Lee", "emailAddress": "kim@ours.example", "speakerId": "s1", "affiliation": "Internal"},
                {"id": "p2", "userId": "u2", "name": "Tom Ray", "emailAddress": "tom@ours.example", "speakerId": "s2", "affiliation": "Internal"},
                {"id": "p3", "name": "Dana Whitfield", "emailAddress": "dana@theirs.example", "speakerId": "s3", "affiliation": "External"},
            ],
            "interaction": {"questions": {"companyCount": 1, "nonCompanyCount": 0}},
        },
        "transcript": {"callId": "7782342274025937895", "transcript": [
            {"speakerId": "s1", "topic": null, "sentences": [{"start": 1000, "end": 3000, "text": "Who signs, and up to what amount?"}]},
            {"speakerId": "s3", "topic": null, "sentences": [{"start": 3500, "end": 7000, "text": "I do, up to two hundred fifty thousand, above that it's the board."}]},
        ]},
        "package": {H03: {
            "economic_buyer": {"person": "Dana Whitfield", "authority": "signs alone up to 250k, the board above"},
            "go_live": {"date": "2026-03-02", "anchor": "the trade fair in Hanover"},
            "risks": {"risks": ""},
        }},
        "accepted_at": "2026-01-20T10:00:00Z",
        "sender_team": [{"emailAddress": "TOM@ours.example"}],
    })
}

fn run(call: &Value) -> Events {
    score(&call.to_string(), &lexicon(), &Options::default()).unwrap()
}

fn say(call: &mut Value, turns: &[(&str, &str)]) {
    let turns: Vec<Value> = turns
        .iter()
        .zip(0_u64..)
        .map(|((speaker, text), at)| {
            json!({"speakerId": speaker, "sentences": [{"start": at * 5_000, "end": at * 5_000 + 4_000, "text": text}]})
        })
        .collect();
    call["transcript"]["transcript"] = json!(turns);
}

#[test]
fn a_question_for_a_recorded_value_is_an_event_with_its_reasons() {
    let events = run(&call());
    assert!(events.scored && events.incident);
    let [event] = events.events.as_slice() else { panic!("{:?}", events.events) };
    assert_eq!(
        (event.decision, event.place.field.as_str(), event.strict),
        (Decision::Auto, "economic_buyer", true)
    );
    assert_eq!((event.place.span.from_ms, event.place.span.to_ms), (1_000, 3_000));
    assert!(event.place.record_hits.iter().any(|hit| hit.kind == "number" && hit.part == "authority"));
    assert!(!event.place.why.is_empty() && event.place.question_score >= 0.6);
    assert_eq!(events.counts.vendor_questions, Some(1));
}

#[test]
fn no_word_of_the_call_or_the_record_leaves_unless_quoting_is_on() {
    let line = call().to_string();
    let silent = serde_json::to_string(&score(&line, &lexicon(), &Options::default()).unwrap()).unwrap();
    for word in ["what amount", "fifty", "Dana", "Whitfield", " 250", "board,", "thousand"] {
        assert!(!silent.contains(word), "{word} in {silent}");
    }
    let options = Options { quote: true, salt: String::new() };
    let quoted = score(&line, &lexicon(), &options).unwrap();
    assert_eq!(quoted.events[0].place.quote.as_deref(), Some("Who signs, and up to what amount?"));
    assert!(quoted.events[0].place.record_hits.iter().all(|hit| hit.term.is_some()));
}

#[test]
fn the_same_line_gives_the_same_events() {
    let line = call().to_string();
    let run = || serde_json::to_string(&score(&line, &lexicon(), &Options::default()).unwrap()).unwrap();
    assert_eq!(run(), run());
}

#[test]
fn flat_and_nested_calls_are_read_alike() {
    let nested = run(&call());
    let mut flat = call();
    let meta = flat["call"]["metaData"].take();
    for (key, value) in meta.as_object().unwrap() {
        flat["call"][key] = value.clone();
    }
    flat["call"].as_object_mut().unwrap().remove("metaData");
    let turns = flat["transcript"]["transcript"].take();
    flat["transcript"] = json!({"callTranscripts": [{"callId": "7782342274025937895", "transcript": turns}]});
    assert_eq!(run(&flat).events, nested.events);
    let mut by_domain = call();
    for party in by_domain["call"]["parties"].as_array_mut().unwrap() {
        party["affiliation"] = json!("Unknown");
    }
    assert_eq!(run(&by_domain).not_scored, Some(NotScored::SpeakersUnresolved));
    by_domain["our_domains"] = json!(["ours.example"]);
    assert_eq!(run(&by_domain).events, nested.events);
}

#[test]
fn calls_that_say_nothing_are_named_and_not_counted() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = call();
        change(&mut changed);
        let events = run(&changed);
        assert!(!events.scored && events.events.is_empty() && !events.incident);
        events.not_scored.unwrap()
    };
    assert_eq!(with(&|call| call["call"]["metaData"]["isPrivate"] = json!(true)), NotScored::Private);
    assert_eq!(with(&|call| call["call"]["metaData"]["language"] = json!("deu")), NotScored::Language);
    assert_eq!(with(&|call| call["transcript"]["transcript"] = json!(null)), NotScored::NoTranscript);
    assert_eq!(with(&|call| call["accepted_at"] = json!("2026-02-01T15:00:00Z")), NotScored::NotAccepted);
    assert_eq!(with(&|call| call["accepted_at"] = json!(null)), NotScored::NotAccepted);
    assert_eq!(with(&|call| call["call"]["metaData"]["started"] = json!(null)), NotScored::NoTime);
    assert_eq!(with(&|call| call["call"]["parties"] = json!([])), NotScored::SpeakersUnresolved);
    assert_eq!(with(&|call| say(call, &[("s1", "Who signs?"), ("s2", "No idea.")])), NotScored::NoCustomer);
    assert_eq!(
        with(&|call| say(call, &[("s2", "Who signs?"), ("s3", "Dana Whitfield.")])),
        NotScored::NoReceiver
    );
}

#[test]
fn what_cannot_be_scored_right_is_refused() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut changed = call();
        change(&mut changed);
        score(&changed.to_string(), &lexicon(), &Options::default()).unwrap_err()
    };
    assert!(matches!(
        refused(&|call| call["package"] = json!(null)),
        InputError::Missing { key: "package", .. }
    ));
    assert!(matches!(
        refused(&|call| call["call"]["metaData"]["id"] = json!("")),
        InputError::Missing { .. }
    ));
    assert!(matches!(refused(&|call| call["transcript"]["callId"] = json!("1")), InputError::OtherCall));
    assert!(matches!(refused(&|call| call["accepted_at"] = json!("yesterday")), InputError::Shape { .. }));
    let bad = score("{\"call\": ", &lexicon(), &Options::default()).unwrap_err();
    assert!(matches!(bad, InputError::Json { .. }));
}

#[test]
fn reading_a_value_back_confirms_it() {
    for question in [
        "I have Dana Whitfield down as the one who signs, is that still right?",
        "And Dana Whitfield signs up to 250k, correct?",
        "So you sign alone up to two hundred fifty thousand, right?",
    ] {
        let mut call = call();
        say(&mut call, &[("s1", question), ("s3", "Yes, and the board above that.")]);
        let events = run(&call);
        assert!(events.events.is_empty(), "{question}: {:?}", events.events);
        assert_eq!(events.confirms.len(), 1, "{question}");
        assert_eq!(events.confirms[0].field, "economic_buyer");
    }
}

#[test]
fn an_empty_field_is_asked_for_and_not_again() {
    let mut call = call();
    say(&mut call, &[("s1", "What could stop the go-live?"), ("s3", "Our firewall people are slow.")]);
    let events = run(&call);
    assert!(events.events.is_empty());
    assert_eq!(events.asked_unfilled[0].field, "risks");
}

#[test]
fn a_question_to_a_colleague_is_none_to_the_customer() {
    let mut call = call();
    call["sender_team"] = json!([]);
    say(
        &mut call,
        &[("s1", "Tom, who signs over there?"), ("s2", "Dana Whitfield, up to 250k."), ("s3", "That's me.")],
    );
    assert!(run(&call).events.is_empty());
}

#[test]
fn a_complaint_decides_a_clear_question() {
    let mut call = call();
    say(
        &mut call,
        &[("s1", "When do you want to go live?"), ("s3", "I already told your colleague all of that.")],
    );
    let events = run(&call);
    assert_eq!(events.complaints.len(), 1);
    assert!(events.events[0].complaint && events.events[0].decision == Decision::Auto);
}

#[test]
fn an_earlier_contract_counts_beside_the_one_in_force() {
    let mut call = call();
    call["package"]["h04-onboarding-to-cs"] = json!({"adoption": {"curve": "40 to 210 weekly users"}});
    call["accepted_at"] =
        json!({H03: "2026-01-02T00:00:00Z", "h04-onboarding-to-cs": "2026-01-25T00:00:00Z"});
    let events = run(&call);
    assert!(!events.events[0].strict && events.events[0].place.contract == H03);
    call["accepted_at"] = json!({"h04-onboarding-to-cs": "2026-01-25T00:00:00Z"});
    assert!(run(&call).events.is_empty(), "nobody says when the earlier one was accepted");
}

#[test]
fn the_unit_is_the_account() {
    let of = |id: &str, account: &str, day: u32, text: &str| {
        let mut line = call();
        line["call"]["metaData"]["id"] = json!(id);
        line["transcript"]["callId"] = json!(id);
        line["call"]["metaData"]["started"] = json!(format!("2026-02-{day:02}T15:00:00Z"));
        line["account"] = json!(account);
        line["transcript"]["transcript"][0]["sentences"][0]["text"] = json!(text);
        run(&line)
    };
    let asks = "Who signs, and up to what amount?";
    let calls = [
        of("1", "acme", 1, "Nice weather today."),
        of("2", "acme", 2, asks),
        of("3", "late", 25, asks),
        of("4", "quiet", 3, "Let us begin with the import."),
        of("5", "many", 1, "Hello."),
        of("6", "many", 2, "Hello."),
        of("7", "many", 3, "Hello."),
        of("8", "many", 4, asks),
    ];
    let counted = accounts(&calls, Window::default());
    assert_eq!((counted.scored, counted.incidents), (3, 1), "{counted:?}");
    let wide = accounts(&calls, Window { days: 90, calls: 9 });
    assert_eq!((wide.scored, wide.incidents), (4, 3));
}

#[test]
fn all_38_fields_have_a_block() {
    let known: BTreeSet<(String, String)> =
        lexicon().fields().map(|(contract, key)| (contract.to_owned(), key.to_owned())).collect();
    assert_eq!(known.len(), 38);
    for contract in [
        include_str!("../../../mappings/contracts/h01-marketing-to-sdr.v1.toml"),
        include_str!("../../../mappings/contracts/h02-sdr-to-ae.v1.toml"),
        include_str!("../../../mappings/contracts/h03-ae-to-onboarding.v1.toml"),
        include_str!("../../../mappings/contracts/h04-onboarding-to-cs.v1.toml"),
        include_str!("../../../mappings/contracts/h05-csm-to-support.v1.toml"),
        include_str!("../../../mappings/contracts/h06-motion-a-to-motion-b.v1.toml"),
    ] {
        let contract: toml::Value = toml::from_str(contract).unwrap();
        let name = contract["contract"].as_str().unwrap();
        for field in contract["field"].as_array().unwrap() {
            let key = field["key"].as_str().unwrap();
            assert!(known.contains(&(name.to_owned(), key.to_owned())), "{name}/{key}");
        }
    }
}

#[test]
fn a_mistake_in_the_lexicon_is_told_with_file_line_and_key() {
    let with = |text: &str| {
        let mut files = SHIPPED.to_vec();
        files.push(("mine.toml", text));
        Lexicon::parse(&files).unwrap_err()
    };
    let head = "lexicon = 1\ncontract = \"mine\"\n[field.price]\nexemplars = []\n";
    let cases = [
        (format!("{head}asks = [{{ about = [\"nosuch\"] }}]"), 5, "nosuch"),
        (format!("{head}asks = [{{ says = [\"..\"] }}]"), 5, ".."),
        (format!("{head}asks = [{{ strength = 0.5 }}]"), 5, "price"),
        (format!("{head}asks = [{{ says = [\"a price\"], strength = 7.0 }}]"), 5, "strength"),
        (format!("{head}asks = [{{ types = [\"whom\"], says = [\"a price\"] }}]"), 5, "whom"),
        (format!("{head}wishes = []"), 5, "wishes"),
        ("lexicon = 2".to_owned(), 1, "lexicon"),
        ("lexicon = 1\n[field.price]\nexemplars = []".to_owned(), 2, "contract"),
        ("lexicon = 1\n[topic]\nsign = [\"x ray\"]".to_owned(), 3, "sign"),
        ("lexicon = ".to_owned(), 1, ""),
    ];
    for (text, line, names) in cases {
        let error = with(&text);
        assert_eq!((error.file.as_str(), error.line), ("mine.toml", line), "{error}");
        assert!(error.to_string().contains(names), "{error}");
    }
    let missing = Lexicon::parse(&[("only.toml", "lexicon = 1")]).unwrap_err();
    assert!(matches!(missing.what, LexiconFault::NoLanguage));
}

#[test]
fn the_schema_names_every_key_that_is_read() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../mappings/schema/rediscovery.json")).unwrap();
    for (file, text) in SHIPPED {
        let file_read: toml::Value = toml::from_str(text).unwrap();
        for (key, value) in file_read.as_table().unwrap() {
            let property = &schema["properties"][key];
            assert!(property.is_object(), "{file}: {key}");
            if key == "language" || key == "decide" {
                for inner in value.as_table().unwrap().keys() {
                    assert!(property["properties"][inner].is_object(), "{file}: {key}.{inner}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said and recorded: no panic, and nothing but our own questions is an event.
    #[test]
    fn any_text_is_scored_without_a_panic(
        turns in prop::collection::vec((0_usize..3, "\\PC{0,120}"), 0..12),
        value in "\\PC{0,80}",
    ) {
        let mut line = call();
        let voices = ["s1", "s2", "s3"];
        let turns: Vec<(&str, &str)> = turns.iter().map(|(at, text)| (voices[*at], text.as_str())).collect();
        say(&mut line, &turns);
        line["package"][H03]["go_live"]["anchor"] = json!(value);
        let events = run(&line);
        for event in &events.events {
            prop_assert_eq!(event.place.speaker.as_deref(), Some("s1"));
        }
    }

    /// No line of JSON or of anything else panics.
    #[test]
    fn any_line_is_read_or_refused(line in "\\PC{0,200}") {
        let _refused = score(&line, &Lexicon::parse(&SHIPPED).unwrap(), &Options::default()).is_err();
    }
}
