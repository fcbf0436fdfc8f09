use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::contract::ContractRef;
use crate::digest::Digest;
use crate::id::{FieldKey, HandoffId, RecordRef};
use crate::journal::{JournalError, LogEntry, VERSION};
use crate::registry::{Registry, parse_evidence, shipped};

fn call(seconds: u32) -> Call {
    let party =
        |speaker: &str, ours| CallParty { speaker: Some(speaker.to_owned()), name: None, email: None, ours };
    Call {
        id: "7782342274025937895".to_owned(),
        url: Some("https://app.gong.io/call?id=7782342274025937895".to_owned()),
        started: Timestamp::UNIX_EPOCH,
        seconds,
        private: false,
        language: None,
        links: Vec::new(),
        parties: vec![party("we", Some(true)), party("they", Some(false)), party("who", None)],
        trackers: Vec::new(),
    }
}

fn said(sentences: &[(&str, u64, u64, &str)]) -> Transcript {
    let passages = sentences.iter().map(|(speaker, from, to, text)| Passage {
        speaker: (!speaker.is_empty()).then(|| (*speaker).to_owned()),
        topic: None,
        sentences: vec![Sentence { from_ms: from * 1_000, to_ms: to * 1_000, text: (*text).to_owned() }],
    });
    Transcript { call: call(0).id, passages: passages.collect() }
}

fn mapping(rules: &str) -> EvidenceMapping {
    let head = "evidence = \"gong/t\"\ncontract = \"c\"\nversion = 1\nconnector = \"gong\"\n";
    parse_evidence("t.toml", &format!("{head}{rules}")).unwrap()
}

fn shipped_mapping() -> EvidenceMapping {
    let registry = Registry::load(shipped()).unwrap();
    registry.evidence("gong/h03-ae-to-onboarding").unwrap().clone()
}

/// Field and times in seconds.
fn found(mapping: &EvidenceMapping, call: &Call, transcript: &Transcript) -> Vec<(String, u64, u64)> {
    let brief =
        |found: Suggestion| (found.spot.field.0, found.spot.from_ms / 1_000, found.spot.to_ms / 1_000);
    suggest(mapping, call, transcript).into_iter().map(brief).collect()
}

#[test]
fn a_phrase_is_whole_words_without_case_accents_and_apostrophes() {
    let holds = |phrase: &str, text: &str| Phrase::parse(phrase).unwrap().is_in(&phrase::words(text));
    assert!(holds("we're using", "Today WE’RE  using: spreadsheets"));
    assert!(holds("equipe achats", "l'Équipe achats décide"));
    assert!(holds("equipe achats", "l'e\u{301}quipe achats décide"));
    assert!(!holds("legacy tool", "legacy tooling"));
    assert!(holds("legacy tool*", "our legacy tooling"));
    assert!(holds("loop in .. team", "we need to loop in our whole security team"));
    assert!(!holds("loop in .. team", "loop in one two three four five team"));
    assert!(holds("straße nord", "Straße Nord"));
}

#[test]
fn phrases_that_every_sentence_holds_are_refused() {
    let why = |text: &str| Phrase::parse(text).unwrap_err();
    assert_eq!(why("  "), PhraseError::Empty);
    assert_eq!(why("— !"), PhraseError::Empty);
    assert_eq!(why("erp"), PhraseError::TooShort);
    assert_eq!(why("we need"), PhraseError::TooCommon);
    assert_eq!(why("time"), PhraseError::TooCommon);
    assert_eq!(why(".. using"), PhraseError::Gap);
    assert_eq!(why("using .. .. today"), PhraseError::Gap);
    assert_eq!(why("us*"), PhraseError::Star);
    assert_eq!(why("in*side deal"), PhraseError::Star);
}

#[test]
fn hits_close_together_are_one_place_and_the_fullest_places_stay() {
    let mapping = mapping(
        "places = { gap_seconds = 10, most = 2 }\n[[field.risks]]\nphrases = [\"security review\"]\n",
    );
    let hit = "the security review";
    let transcript = said(&[
        ("they", 5, 8, hit),
        ("they", 100, 105, hit),
        ("they", 115, 120, hit),
        ("they", 131, 135, hit),
        ("they", 200, 201, hit),
        ("they", 205, 210, hit),
    ]);
    // 131 is 11 s after 120; single hits at 5 and 131 give way to the two places with two hits each.
    let place = |from, to| ("risks".to_owned(), from, to);
    assert_eq!(found(&mapping, &call(900), &transcript), [place(100, 120), place(200, 210)]);
}

#[test]
fn who_speaks_is_what_the_vendor_knows() {
    let mapping = mapping(
        "[[field.commitments]]\nsaid_by = \"ours\"\nphrases = [\"i promise\"]\n[[field.risks]]\nsaid_by = \"theirs\"\nphrases = [\"i promise\"]\n[[field.go_live]]\nphrases = [\"i promise\"]\n",
    );
    let at = |speaker: &'static str| {
        let fields = found(&mapping, &call(60), &said(&[(speaker, 1, 2, "I promise")]));
        fields.into_iter().map(|(field, _, _)| field).collect::<Vec<_>>()
    };
    assert_eq!(at("we"), ["commitments", "go_live"]);
    assert_eq!(at("they"), ["go_live", "risks"]);
    assert_eq!(at("who"), ["go_live"]);
    assert_eq!(at(""), ["go_live"]);
    assert_eq!(at("stranger"), ["go_live"]);
    let mut torn = call(60);
    torn.parties.push(CallParty {
        speaker: Some("we".to_owned()),
        name: None,
        email: None,
        ours: Some(false),
    });
    assert_eq!(found(&mapping, &torn, &said(&[("we", 1, 2, "I promise")])).len(), 1, "two sides are no side");
}

#[test]
fn trackers_and_topics_count_like_phrases() {
    let mapping = mapping(
        "[[field.risks]]\nsaid_by = \"theirs\"\ntrackers = [\"Security\"]\ntopics = [\"next steps\"]\n",
    );
    let mut call = call(100);
    let strike = |at_ms, speaker: &str| TrackerHit {
        tracker: "security".to_owned(),
        at_ms,
        speaker: Some(speaker.to_owned()),
    };
    call.trackers =
        vec![strike(12_000, "they"), strike(50_000, "they"), strike(80_000, "we"), strike(99_500, "they")];
    let mut transcript = said(&[("they", 10, 14, "words"), ("they", 70, 72, "more words")]);
    transcript.passages[1].topic = Some("Next Steps".to_owned());
    let place = |from, to| ("risks".to_owned(), from, to);
    assert_eq!(
        found(&mapping, &call, &transcript),
        // The sentence that covers the strike; ten seconds where none does; the topic; cut at the end of the call.
        [place(10, 14), place(50, 72), place(99, 100)]
    );
    let grounds: Vec<_> =
        suggest(&mapping, &call, &transcript).into_iter().map(|found| found.spot.grounds).collect();
    assert_eq!(grounds[0], [Ground::Tracker].into());
    assert_eq!(grounds[1], [Ground::Tracker, Ground::Topic].into());
}

#[test]
fn a_private_call_and_the_transcript_of_another_call_give_nothing() {
    let mapping = shipped_mapping();
    let transcript = said(&[("they", 1, 5, "We are currently using spreadsheets")]);
    assert_eq!(found(&mapping, &call(60), &transcript).len(), 1);
    assert_eq!(found(&mapping, &Call { private: true, ..call(60) }, &transcript), []);
    assert_eq!(found(&mapping, &Call { id: "other".to_owned(), ..call(60) }, &transcript), []);
}

/// `../shared/data` is no part of this repository; without it this says so and is skipped.
fn demo() -> Option<(Call, Transcript)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/vercel_gong_demo");
    let read = |name: &str| {
        let text = std::fs::read_to_string(dir.join(name)).ok()?;
        serde_json::from_str::<serde_json::Value>(&text).ok()
    };
    let (told, said) = (read("webhook-data.json")?, read("transcript.json")?);
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let meta = &told["callData"]["metaData"];
    let parties = told["callData"]["parties"].as_array()?.iter().map(|party| CallParty {
        speaker: text(&party["speakerId"]),
        name: text(&party["name"]),
        email: text(&party["emailAddress"]),
        ours: match party["affiliation"].as_str() {
            Some("Internal") => Some(true),
            Some("External") => Some(false),
            Some(_) | None => None,
        },
    });
    let call = Call {
        id: text(&meta["id"])?,
        url: text(&meta["url"]),
        started: meta["started"].as_str()?.parse().ok()?,
        seconds: u32::try_from(meta["duration"].as_u64()?).ok()?,
        private: false,
        language: None,
        links: Vec::new(),
        parties: parties.collect(),
        trackers: Vec::new(),
    };
    let transcript = &said["callTranscripts"][0];
    let passages = transcript["transcript"].as_array()?.iter().map(|passage| Passage {
        speaker: text(&passage["speakerId"]),
        topic: text(&passage["topic"]),
        sentences: passage["sentences"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|sentence| Sentence {
                from_ms: sentence["start"].as_u64().unwrap_or_default(),
                to_ms: sentence["end"].as_u64().unwrap_or_default(),
                text: text(&sentence["text"]).unwrap_or_default(),
            })
            .collect(),
    });
    Some((call, Transcript { call: text(&transcript["callId"])?, passages: passages.collect() }))
}

/// What a reader of the demo call expects, place by place. Prices (14:00–16:05) are nobody's field of handoff 03, and the last sentences
/// lie behind the end of a call of 1,200 s, so nobody could listen to them.
const EXPECTED: &[(&str, u64, u64, &str)] = &[
    ("commitments", 1_050, 1_075, "we promise security papers"),
    (
        "commitments",
        1_150,
        1_200,
        "we promise integration patterns and the calculator; cut at the call's end",
    ),
    ("displacement", 23, 48, "we ask what they work with; custom scripts and legacy ETL tools"),
    ("displacement", 205, 220, "they prefer code: what they would miss"),
    ("displacement", 275, 290, "GitHub Enterprise for everything: it stays"),
    ("displacement", 385, 405, "we repeat what they use: Snowflake, Salesforce, Stripe, PostgreSQL"),
    ("displacement", 440, 465, "custom objects built over the years: sticky"),
    ("displacement", 690, 715, "Splunk: it stays"),
    ("expansion", 63, 75, "as we scale to more data sources"),
    ("risks", 78, 92, "compliance requirements"),
    ("risks", 440, 465, "integration with their own Salesforce objects"),
    ("risks", 555, 575, "data quality: duplicates, formats"),
    ("risks", 1_020, 1_045, "the security team reviews before a decision"),
    ("risks", 1_115, 1_145, "they have to evaluate the fit with their pipeline"),
    ("sponsor_map", 1_020, 1_045, "the security team is looped in: another stakeholder"),
    ("success_criteria", 49, 92, "30 % of their time today; reliability and visibility wanted"),
    ("success_criteria", 785, 810, "the time spent shall fall"),
    ("success_criteria", 970, 1_000, "we hold out 40 %"),
    ("success_criteria", 1_040, 1_105, "maintenance by half; they feel the pain"),
];

#[test]
fn the_demo_call_gives_the_places_that_a_reader_expects() {
    let Some((call, transcript)) = demo() else {
        eprintln!("SKIPPED: ../shared/data/vercel_gong_demo is not here");
        return;
    };
    let expected: Vec<_> =
        EXPECTED.iter().map(|(field, from, to, _)| ((*field).to_owned(), *from, *to)).collect();
    assert_eq!(found(&shipped_mapping(), &call, &transcript), expected);
}

const CANARY: &str = "zyxcanary";

fn sentence() -> impl Strategy<Value = (u8, u64, u64, Vec<u8>)> {
    (0_u8..5, 0_u64..2_000_000, 0_u64..60_000, prop::collection::vec(0_u8..8, 0..12))
}

fn transcript(sentences: &[(u8, u64, u64, Vec<u8>)]) -> Transcript {
    const WORDS: [&str; 8] =
        ["security", "review", "currently", "using", CANARY, "legacy", "I'll send", "go live"];
    let passages = sentences.iter().map(|(speaker, from, length, words)| Passage {
        speaker: ["we", "they", "who", "stranger"].get(usize::from(*speaker)).map(|name| (*name).to_owned()),
        topic: (*speaker == 1).then(|| CANARY.to_owned()),
        sentences: vec![Sentence {
            from_ms: *from,
            to_ms: from + length,
            text: words.iter().map(|word| WORDS[usize::from(*word)]).collect::<Vec<_>>().join(" "),
        }],
    });
    Transcript { call: call(0).id, passages: passages.collect() }
}

proptest! {
    #[test]
    fn suggestions_lie_within_the_call_hold_no_words_and_come_out_the_same(
        sentences in prop::collection::vec(sentence(), 0..30), seconds in 0_u32..2_100, turn in any::<prop::sample::Index>(),
    ) {
        let mapping = shipped_mapping();
        let (call, heard) = (call(seconds), transcript(&sentences));
        let places = suggest(&mapping, &call, &heard);
        let end = if seconds == 0 { 2_060_000 } else { u64::from(seconds) * 1_000 };
        let mut per_field = std::collections::BTreeMap::<FieldKey, u32>::new();
        for place in &places {
            prop_assert!(place.spot.from_ms <= place.spot.to_ms && place.spot.to_ms <= end);
            *per_field.entry(place.spot.field.clone()).or_default() += 1;
        }
        prop_assert!(per_field.values().all(|count| *count <= mapping.places.most));
        let told = format!("{places:?} {heard:?}");
        prop_assert!(!told.to_lowercase().contains(CANARY));

        prop_assert_eq!(&places, &suggest(&mapping, &call, &heard));
        let mut turned = heard.clone();
        if !turned.passages.is_empty() {
            let by = turn.index(turned.passages.len());
            turned.passages.rotate_left(by);
        }
        prop_assert_eq!(&places, &suggest(&mapping, &call, &turned));
        prop_assert_eq!(suggest(&mapping, &Call { private: true, ..call }, &heard), Vec::new());
    }
}

/// What is replaced in the shipped mapping, by what, and what an admin reads.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("[[field.risks]]", "[[field.risk]]", "the contract has no field \"risk\"; did you mean \"risks\"?"),
    ("\"security team\"", "\"sec\"", "phrase \"sec\" is too short: every other sentence would hold it"),
    (
        "\"security team\"",
        "\"we have\"",
        "phrase \"we have\" is too common: every other sentence would hold it",
    ),
    ("\"security team\"", "\"security review\"", "phrase \"security review\" stands there twice; remove one"),
    ("\"security team\"", "\".. team\"", "phrase \".. team\" begins or ends with \"..\""),
    ("\"security team\"", "\"\"", "phrase \"\" holds no word"),
    ("gap_seconds = 20", "gap_seconds = 601", "out of range; write 0 to 600 seconds"),
    ("most        = 8", "most        = 0", "out of range; write 1 to 20 places"),
    ("said_by = \"theirs\"", "said_by = \"their\"", "unknown value \"their\""),
    ("said_by = \"theirs\"", "said = \"theirs\"", "unknown key \"said\""),
    ("version   = 1", "version   = 7", "contract h03-ae-to-onboarding has no version 7; loaded: 1"),
    (
        "contract  = \"h03-ae",
        "contract  = \"h30-ae",
        "there is no contract \"h30-ae-to-onboarding\"; did you mean",
    ),
    (
        "[[field.expansion]]",
        "[[field.expansion]]\n[[field.expansion]]",
        "rule 1 of field \"expansion\" finds nothing",
    ),
];

#[test]
fn mistakes_in_a_mapping_are_told_with_place_and_remedy() {
    let path = "gong/h03-ae-to-onboarding.toml";
    for (old, new, wanted) in MISTAKES {
        let files = shipped().map(|(name, text)| {
            if name != path {
                return (name.to_owned(), text.to_owned());
            }
            assert!(text.contains(old), "{old}");
            (name.to_owned(), text.replacen(old, new, 1))
        });
        let found = Registry::load(files).unwrap_err();
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|line| line.contains(wanted)), "{wanted}: {told:?}");
        let first = found.first().unwrap();
        assert!(first.file == path && first.line > 1 && first.column >= 1, "{told:?}");
    }
    let twice = shipped().chain(shipped().filter(|(name, _)| *name == path));
    let found = Registry::load(twice.map(|(name, text)| (name.to_owned(), text.to_owned()))).unwrap_err();
    assert!(found.iter().any(|each| each.message.contains("there are two evidence mappings")), "{found:?}");
}

fn handoff() -> HandoffId {
    HandoffId {
        contract: "h03-ae-to-onboarding".into(),
        motion: "main".into(),
        subject: RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: "006A".into() },
        cycle: 1,
    }
}

fn reference(id: &str) -> CallRef {
    CallRef { connection: "gong".into(), id: id.to_owned() }
}

fn spot(field: &str, from: u64) -> Spot {
    Spot { field: field.into(), from_ms: from, to_ms: from + 5, grounds: [Ground::Phrase].into() }
}

fn suggested(id: &str, spots: &[Spot]) -> LogEntry {
    LogEntry::EvidenceSuggested {
        handoff: handoff(),
        contract: ContractRef { id: handoff().contract, version: 1, digest: Digest::of_bytes(b"text") },
        call: reference(id),
        url: Some(format!("https://app.gong.io/call?id={id}")),
        started: Timestamp::UNIX_EPOCH,
        spots: spots.to_vec(),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn answered(id: &str, field: &str, from_ms: u64, confirmed: bool) -> LogEntry {
    let (handoff, call, at) = (handoff(), reference(id), Timestamp::UNIX_EPOCH);
    LogEntry::EvidenceAnswered {
        handoff,
        call,
        field: field.into(),
        from_ms,
        confirmed,
        by: "ingrid".to_owned(),
        at,
    }
}

fn withdrawn(id: &str, because: Withdrawal) -> LogEntry {
    LogEntry::EvidenceWithdrawn {
        handoff: handoff(),
        call: reference(id),
        because,
        at: Timestamp::UNIX_EPOCH,
    }
}

fn folded(entries: &[LogEntry]) -> Evidence {
    let mut evidence = Evidence::default();
    for entry in entries {
        evidence.apply(entry);
    }
    evidence
}

fn standing(evidence: &Evidence) -> Vec<(String, u64, Standing)> {
    let places = evidence.places().into_iter();
    places.map(|(_, place)| (place.spot.field.0.clone(), place.spot.from_ms, place.standing())).collect()
}

#[test]
fn calls_and_people_are_sealed_with_the_record_and_older_programs_are_told() {
    for entry in [
        suggested("canary100", &[spot("risks", 7)]),
        answered("canary100", "risks", 7, true),
        withdrawn("canary100", Withdrawal::Private),
    ] {
        let encoded = entry.encode().unwrap();
        let leaf = String::from_utf8(encoded.leaf.clone()).unwrap();
        for secret in ["canary100", "ingrid", "risks", "private"] {
            assert!(!leaf.contains(secret), "{leaf}");
        }
        assert!(leaf.contains("\"v\":2") && leaf.contains("evidence_"), "{leaf}");
        assert_eq!(encoded.parts.keys().collect::<Vec<_>>(), ["sf/Opportunity/006A"]);
        let open = |record: &str| encoded.parts.get(record).cloned();
        assert_eq!(LogEntry::decode(&encoded.leaf, open).unwrap(), Some(entry.clone()));
        assert_eq!(LogEntry::decode(&encoded.leaf, |_| None).unwrap(), None, "g13: erased with its record");
        assert_eq!(entry.handoff(), None, "no decision");
    }
    assert_eq!(VERSION, 2);
    let newer = LogEntry::decode(b"{\"v\":3,\"entry\":\"evidence_dreamt\"}", |_| None);
    assert!(matches!(newer, Err(JournalError::Newer { found: 3 })));
    let switched = LogEntry::Switched { on: true, by: "ops".to_owned(), at: Timestamp::UNIX_EPOCH };
    let leaf = String::from_utf8(switched.encode().unwrap().leaf).unwrap();
    assert!(leaf.contains("\"v\":1"), "what was there before stays as it was: {leaf}");
}

#[test]
fn an_answer_outlives_what_is_suggested_later_and_a_withdrawal() {
    let risks = ("risks".to_owned(), 7, Standing::Confirmed);
    let mut entries = vec![
        suggested("1", &[spot("risks", 7), spot("go_live", 9)]),
        answered("1", "risks", 7, true),
        answered("1", "risks", 8, false),
        answered("2", "risks", 7, false),
    ];
    let go_live = ("go_live".to_owned(), 9, Standing::Suggested);
    assert_eq!(standing(&folded(&entries)), [risks.clone(), go_live]);
    entries.push(suggested("1", &[spot("expansion", 3)]));
    let expansion = ("expansion".to_owned(), 3, Standing::Suggested);
    assert_eq!(standing(&folded(&entries)), [expansion.clone(), risks.clone()]);
    entries.push(withdrawn("1", Withdrawal::Deleted));
    assert_eq!(standing(&folded(&entries)), []);
    assert!(!folded(&entries).holds(&reference("1")));
    entries.push(suggested("1", &[spot("expansion", 3)]));
    assert_eq!(standing(&folded(&entries)), [expansion, risks]);
    entries.push(answered("1", "risks", 7, false));
    assert_eq!(standing(&folded(&entries)).last().unwrap().2, Standing::Dismissed, "the last word counts");
    assert_eq!(folded(&entries).version, 8);
}

#[test]
fn only_news_is_news() {
    let evidence = folded(&[suggested("1", &[spot("risks", 7)]), answered("1", "risks", 7, false)]);
    let url = "https://app.gong.io/call?id=1";
    let is_news = |id: &str, url: &str, spots: &[Spot]| {
        evidence.is_news(&reference(id), Some(url), Timestamp::UNIX_EPOCH, spots)
    };
    assert!(!is_news("1", url, &[spot("risks", 7)]), "dismissed places do not come again");
    assert!(!is_news("1", url, &[]));
    assert!(!is_news("2", url, &[]), "a call that says nothing leaves nothing");
    assert!(is_news("1", url, &[spot("risks", 8)]));
    assert!(is_news("2", url, &[spot("risks", 7)]));
    assert!(is_news("1", "https://app.gong.io/other", &[spot("risks", 7)]));
}

#[test]
fn the_note_holds_whole_lines_confirmed_first_and_never_dismissed_ones() {
    let registry = Registry::load(shipped()).unwrap();
    let contract = &registry.latest(&"h03-ae-to-onboarding".into()).unwrap().contract;
    let mut entries =
        vec![suggested("1", &[spot("risks", 3_723_000), spot("go_live", 61_000), spot("expansion", 5)])];
    entries.push(answered("1", "risks", 3_723_000, true));
    entries.push(answered("1", "expansion", 5, false));
    assert_eq!(
        crate::words::evidence(contract, &folded(&entries)),
        "Implementation risks the AE is aware of: call of 1970-01-01, 1:02:03–1:02:03 https://app.gong.io/call?id=1\n\
         Desired go-live + event-anchored deadlines (suggested): call of 1970-01-01, 01:01–01:01 https://app.gong.io/call?id=1"
    );
    let many: Vec<LogEntry> =
        (0..200).map(|call| suggested(&call.to_string(), &[spot("risks", 1)])).collect();
    let text = crate::words::evidence(contract, &folded(&many));
    assert!(text.chars().count() <= 4_000 && text.lines().count() > 20);
    assert!(text.lines().all(|line| line.contains("https://app.gong.io/call?id=")), "no line is cut");
    assert_eq!(crate::words::evidence(contract, &Evidence::default()), "");
}
