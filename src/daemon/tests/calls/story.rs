//! Calls become evidence links: whatever the order, whatever is missing, and never a word of them.

use std::sync::Arc;

use handoff_core::evidence::{CallLink, CallRef, Standing};
use handoff_core::handoff::Phase;
use handoff_core::id::{ConnectionId, FieldKey};
use handoff_sandbox_salesforce::Id;
use handoffd::app::Options;
use handoffd::calls::{Answered, CallsView, NotAnswered, PlaceView};
use handoffd::config::EvidenceSource;
use serde_json::json;

use crate::phone::{Phone, account, deal};
use crate::world::{AVA, COMMISSION, DECISION, INGRID, World, post, secret};

const NOTE: &str = "Handoff_03_Evidence__c";
const LEGACY: &str = "We are currently using legacy zyxcanary tools";
const SECURITY: &str = "The security review zyxcanary comes first";

struct Stage {
    world: World,
    phone: Phone,
}

impl Stage {
    async fn start() -> Self {
        let mut stage = Self::quiet().await;
        stage.begin().await;
        stage
    }

    async fn quiet() -> Self {
        let mut world = World::quiet().await;
        let dir = world.config.state_dir.parent().unwrap().to_owned();
        let mut gong = world.config.connection[&ConnectionId::from("sf")].clone();
        "gong".clone_into(&mut gong.connector);
        gong.webhook_secrets = vec![secret(&dir, "phone", "ring")];
        world.config.connection.insert(ConnectionId::from("gong"), gong);
        world.config.evidence = vec![EvidenceSource {
            connection: ConnectionId::from("gong"),
            mapping: "gong/h03-ae-to-onboarding".to_owned(),
        }];
        Self { world, phone: Phone::default() }
    }

    async fn begin(&mut self) {
        let options = Options { connect: Some(Arc::new(self.phone.clone())), ..(self.world.options)() };
        self.world.begin_with(options).await;
    }

    fn record(&self, id: &str, links: &[CallLink], sentences: &[&str]) {
        self.phone.record(id, self.world.org().now(), links, sentences);
    }

    /// An open deal of an account of its own.
    async fn open_deal(&self) -> Id {
        let deal = self.world.deal("Negotiation/Review");
        self.world.settle().await;
        assert_eq!(self.world.phase(deal), Some(Phase::Draft));
        deal
    }

    fn account_of(&self, deal: Id) -> String {
        self.world.org().field(deal, "AccountId").as_str().unwrap().to_owned()
    }

    async fn places(&self, deal: Id) -> Vec<PlaceView> {
        self.world.detail(deal).await.evidence
    }

    /// Call, field and minute of every place.
    async fn brief(&self, deal: Id) -> Vec<(String, String, u64)> {
        let brief = |place: PlaceView| (place.call.id, place.field.0, place.from_ms / 60_000);
        self.places(deal).await.into_iter().map(brief).collect()
    }

    fn calls(&self) -> CallsView {
        self.world.handle().view().calls().remove(0)
    }

    fn note(&self, deal: Id) -> String {
        self.world.org().field(deal, NOTE).as_str().unwrap_or_default().to_owned()
    }

    fn heard(&self) -> Vec<String> {
        self.phone.told().heard.clone()
    }

    async fn ring(&self, body: &str) -> u16 {
        let address = self.world.app.as_ref().unwrap().local_addr();
        post(address, "/webhooks/gong", "Authorization: ring\r\n", body.as_bytes()).await
    }

    async fn say(&self, deal: Id, place: &PlaceView, confirmed: bool) -> Result<(), NotAnswered> {
        let answered = Answered {
            stream: self.world.summary(deal).unwrap().stream,
            call: place.call.clone(),
            field: place.field.clone(),
            from_ms: place.from_ms,
            confirmed,
            by: INGRID.to_owned(),
        };
        self.world.handle().answer_evidence(answered).await
    }

    fn entries(&self) -> u64 {
        self.world.handle().view().head().entries
    }

    async fn assert_no_words(&self) {
        for entry in self.world.handle().view().log(0, 10_000).await.unwrap() {
            assert!(!format!("{entry:?}").to_lowercase().contains("zyxcanary"), "{entry:?}");
        }
    }
}

fn place(call: &str, field: &str, minute: u64) -> (String, String, u64) {
    (call.to_owned(), field.to_owned(), minute)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_becomes_links_that_a_person_confirms_and_never_words() {
    let stage = Stage::start().await;
    let (world, opp) = (&stage.world, stage.open_deal().await);
    stage.record("100", &[deal(opp.as_str())], &["Hello zyxcanary", LEGACY, SECURITY]);
    world.settle().await;
    assert_eq!(stage.brief(opp).await, [place("100", "displacement", 2), place("100", "risks", 3)]);
    let note = stage.note(opp);
    let lines: Vec<&str> = note.lines().collect();
    assert_eq!(lines.len(), 2, "{note}");
    assert!(lines[0].starts_with("Competitive displacement notes"), "{note}");
    assert!(lines[0].contains("(suggested): call of "), "{note}");
    assert!(lines[0].ends_with("02:00–02:05 https://app.gong.example/call?id=100"), "{note}");
    assert!(!note.contains("zyxcanary") && !note.to_lowercase().contains("legacy"), "{note}");
    assert_eq!(world.phase(opp), Some(Phase::Draft), "no field is filled from a call");
    assert_eq!(world.org().field(opp, "Incumbent_Tool__c"), json!(null));

    let found = stage.places(opp).await;
    stage.say(opp, &found[0], true).await.unwrap();
    stage.say(opp, &found[1], false).await.unwrap();
    world.settle().await;
    let note = stage.note(opp);
    assert_eq!(note.lines().count(), 1, "a dismissed place is not shown: {note}");
    assert!(!note.contains("(suggested)"), "{note}");
    let standing: Vec<Standing> = stage.places(opp).await.iter().map(|place| place.standing).collect();
    assert_eq!(standing, [Standing::Confirmed, Standing::Dismissed]);
    assert_eq!(stage.places(opp).await[0].by.as_deref(), Some(INGRID));
    let summary = world.handle().view().handoff(&world.summary(opp).unwrap().stream).await.unwrap().unwrap();
    assert_eq!((summary.summary.evidence.suggested, summary.summary.evidence.confirmed), (0, 1));

    // The same answer again, and another look at everything, change nothing.
    let entries = stage.entries();
    stage.say(opp, &found[0], true).await.unwrap();
    world.handle().recheck_calls().await.unwrap();
    world.settle().await;
    assert_eq!(stage.entries(), entries);
    let mut nowhere = found[0].clone();
    nowhere.from_ms += 1;
    assert!(matches!(stage.say(opp, &nowhere, true).await, Err(NotAnswered::NoPlace)));
    stage.assert_no_words().await;
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c01_duplicate_hints_and_pages_say_it_once() {
    let stage = Stage::start().await;
    let opp = stage.open_deal().await;
    stage.record("100", &[deal(opp.as_str())], &[LEGACY]);
    for body in ["100", "100", "100/again", "100/and-again"] {
        assert_eq!(stage.ring(body).await, 200);
    }
    stage.world.handle().drained().await;
    assert_eq!(stage.brief(opp).await, [place("100", "displacement", 1)], "the hint alone is enough");
    stage.world.settle().await;
    let entries = stage.entries();
    assert_eq!(stage.ring("100/late").await, 200);
    stage.world.settle().await;
    assert_eq!(stage.entries(), entries);
    assert_eq!(stage.heard(), ["100"], "its words are asked for once");
    assert_eq!(stage.ring("").await, 400);
    stage.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c06_the_order_of_calls_does_not_matter_and_lost_hints_cost_time_only() {
    let mut seen = Vec::new();
    for reversed in [false, true] {
        let stage = Stage::start().await;
        let opp = stage.open_deal().await;
        stage.phone.told().reversed = reversed;
        let ids = if reversed { ["5", "4", "3", "2", "1"] } else { ["1", "2", "3", "4", "5"] };
        let started = stage.world.org().now();
        for id in ids {
            stage.phone.record(id, started, &[deal(opp.as_str())], &[LEGACY, SECURITY]);
            if reversed {
                // Only now and then is somebody told.
                stage.world.settle().await;
            }
        }
        stage.world.settle().await;
        seen.push((stage.brief(opp).await, stage.note(opp)));
        stage.world.assert_balanced();
    }
    assert_eq!(seen[0].0.len(), 10);
    assert_eq!(seen[0].0, seen[1].0);
    assert_eq!(seen[0].1.lines().count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn d22_a_transcript_that_is_not_ready_is_asked_for_again_later_each_time() {
    let stage = Stage::start().await;
    let (world, opp) = (&stage.world, stage.open_deal().await);
    stage.record("100", &[deal(opp.as_str())], &[LEGACY]);
    let words = stage.phone.told().words.remove("100").unwrap();
    world.settle().await;
    assert_eq!((stage.calls().waiting, stage.heard().len()), (1, 1));
    assert_eq!(world.phase(opp), Some(Phase::Draft));
    // Polling and hints meanwhile do not ask again before its time, and do not put it off.
    world.settle().await;
    assert_eq!(stage.ring("100/again").await, 200);
    world.handle().drained().await;
    assert_eq!((stage.calls().waiting, stage.heard().len()), (1, 1));
    world.pass(120);
    world.handle().drained().await;
    assert_eq!(stage.heard().len(), 2);
    stage.phone.told().words.insert("100".to_owned(), words);
    world.pass(600);
    world.handle().drained().await;
    world.settle().await;
    assert_eq!(stage.brief(opp).await, [place("100", "displacement", 1)]);
    assert_eq!((stage.calls().waiting, stage.heard().len()), (0, 3));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d22_a_transcript_that_never_comes_is_unresolved_and_named() {
    let mut stage = Stage::start().await;
    let opp = stage.open_deal().await;
    stage.record("100", &[deal(opp.as_str())], &[LEGACY]);
    let words = stage.phone.told().words.remove("100").unwrap();
    stage.world.settle().await;
    for hours in [1_u64, 1, 1, 3, 9, 25, 30, 30] {
        stage.world.pass(hours * 3_600);
        stage.world.handle().drained().await;
    }
    assert_eq!(stage.heard().len(), 7, "once, and six times more");
    assert_eq!(stage.calls().unresolved, ["100"]);
    // A restart does not forget it, and does not begin again.
    stage.world.stop().await;
    stage.begin().await;
    stage.world.settle().await;
    assert_eq!((stage.calls().unresolved.len(), stage.heard().len()), (1, 7));
    // The vendor mends the call: its details change, and it is heard.
    stage.phone.told().words.insert("100".to_owned(), words);
    stage.phone.change("100", |call| call.seconds += 1);
    assert_eq!(stage.ring("100").await, 200);
    stage.world.settle().await;
    assert_eq!(stage.brief(opp).await, [place("100", "displacement", 1)]);
    assert!(stage.calls().unresolved.is_empty());
    stage.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d22_a_hint_before_the_details_waits_for_them() {
    let stage = Stage::start().await;
    let (world, opp) = (&stage.world, stage.open_deal().await);
    stage.record("100", &[deal(opp.as_str())], &[LEGACY]);
    stage.phone.told().hidden.insert("100".to_owned());
    assert_eq!(stage.ring("100").await, 200);
    world.settle().await;
    assert_eq!((stage.calls().waiting, stage.heard().len()), (1, 0));
    stage.phone.told().hidden.clear();
    world.pass(120);
    world.handle().drained().await;
    assert_eq!(stage.brief(opp).await, [place("100", "displacement", 1)]);
    world.settle().await;
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_call_is_never_heard_and_one_made_private_is_withdrawn() {
    let stage = Stage::start().await;
    let (world, opp) = (&stage.world, stage.open_deal().await);
    for id in ["100", "200"] {
        stage.record(id, &[deal(opp.as_str())], &[LEGACY]);
    }
    stage.phone.change("100", |call| call.private = true);
    world.settle().await;
    assert_eq!(stage.heard(), ["200"]);
    assert_eq!(stage.brief(opp).await, [place("200", "displacement", 1)]);
    stage.phone.change("200", |call| call.private = true);
    world.settle().await;
    assert_eq!(stage.brief(opp).await, []);
    assert_eq!(stage.note(opp), "", "the record says nothing of it any more");
    assert_eq!(stage.heard(), ["200"]);
    // And public again: it is evidence again.
    stage.phone.change("200", |call| call.private = false);
    world.settle().await;
    assert_eq!(stage.brief(opp).await.len(), 1);
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_call_is_withdrawn_in_the_window_and_after_it() {
    let stage = Stage::start().await;
    let (world, opp) = (&stage.world, stage.open_deal().await);
    stage.record("100", &[deal(opp.as_str())], &[LEGACY]);
    stage.record("200", &[deal(opp.as_str())], &[SECURITY]);
    world.settle().await;
    let found = stage.places(opp).await;
    stage.say(opp, &found[1], true).await.unwrap();
    stage.phone.told().calls.remove("100");
    world.settle().await;
    assert_eq!(stage.brief(opp).await, [place("200", "risks", 1)]);
    // Out of the window it stays evidence until the daily look finds it gone.
    world.pass(8 * 24 * 3_600);
    world.settle().await;
    assert_eq!(stage.brief(opp).await.len(), 1);
    stage.phone.told().calls.remove("200");
    world.settle().await;
    assert_eq!(stage.brief(opp).await.len(), 1);
    world.handle().recheck_calls().await.unwrap();
    world.settle().await;
    assert_eq!(stage.brief(opp).await, [], "confirmed or not: nobody can listen to it");
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_linked_elsewhere_moves_and_keeps_what_was_said_about_it() {
    let stage = Stage::start().await;
    let world = &stage.world;
    let (one, other) = (stage.open_deal().await, stage.open_deal().await);
    stage.record("100", &[deal(one.as_str())], &[LEGACY]);
    world.settle().await;
    let found = stage.places(one).await;
    stage.say(one, &found[0], true).await.unwrap();
    stage.phone.change("100", |call| call.links = vec![deal(other.as_str())]);
    world.settle().await;
    assert_eq!(stage.brief(one).await, []);
    assert_eq!(stage.brief(other).await, [place("100", "displacement", 1)]);
    stage.phone.change("100", |call| call.links = vec![deal(one.as_str()), deal(other.as_str())]);
    world.settle().await;
    assert_eq!(stage.places(one).await[0].standing, Standing::Confirmed);
    assert_eq!(stage.places(other).await[0].standing, Standing::Suggested);
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_stands_for_its_deals_unless_a_deal_is_named() {
    let stage = Stage::start().await;
    let world = &stage.world;
    let (one, other) = (stage.open_deal().await, stage.open_deal().await);
    let whose = stage.account_of(one);
    assert_eq!(whose, stage.account_of(other));
    // As other systems write it: 15 characters.
    stage.record("100", &[account(&whose[..15])], &[LEGACY]);
    stage.record("200", &[account(&whose), deal(&other.as_str()[..15])], &[SECURITY]);
    stage.record("300", &[account("not-an-id"), deal("")], &[SECURITY]);
    world.settle().await;
    assert_eq!(stage.brief(one).await, [place("100", "displacement", 1)]);
    assert_eq!(stage.brief(other).await, [place("100", "displacement", 1), place("200", "risks", 1)]);
    // The deal goes to another account: the call does not follow it.
    let accounts = world.org().query("SELECT Id FROM Account ORDER BY Id LIMIT 2").unwrap();
    let another = accounts[1].get("Id").unwrap().clone();
    world.edit(AVA, one, &json!({"AccountId": another}));
    world.settle().await;
    assert_eq!(stage.brief(one).await, []);
    assert_eq!(stage.brief(other).await.len(), 2);
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_before_the_handoff_waits_for_it_without_its_words() {
    let mut stage = Stage::start().await;
    let opp = stage.world.deal("Qualification");
    stage.record("100", &[deal(opp.as_str())], &[LEGACY]);
    stage.record("200", &[account(&stage.account_of(opp))], &[SECURITY]);
    stage.world.settle().await;
    assert_eq!(stage.heard(), [""; 0]);
    assert_eq!(stage.calls().known, 2);
    // Months later, long out of the window, and after a restart.
    stage.world.stop().await;
    stage.world.pass(90 * 24 * 3_600);
    stage.begin().await;
    stage.world.edit(AVA, opp, &json!({"StageName": "Negotiation/Review"}));
    stage.world.settle().await;
    assert_eq!(stage.brief(opp).await, [place("100", "displacement", 1), place("200", "risks", 1)]);
    stage.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_gates_do_not_wait_for_a_vendor_of_calls_that_is_down() {
    let stage = Stage::start().await;
    let (world, opp) = (&stage.world, stage.open_deal().await);
    stage.phone.told().down = true;
    stage.record("100", &[deal(opp.as_str())], &[LEGACY]);
    assert_eq!(stage.ring("100").await, 200, "a hint is taken all the same");
    world.complete(opp);
    world.settle().await;
    world.edit(INGRID, opp, &json!({DECISION: "Accept"}));
    world.settle().await;
    assert!(world.flag(opp, COMMISSION));
    assert_eq!(stage.brief(opp).await, []);
    stage.phone.told().down = false;
    for _ in 0..10 {
        world.pass(600);
        world.settle().await;
    }
    assert_eq!(stage.brief(opp).await, [place("100", "displacement", 1)]);
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_evidence_is_the_same_after_a_restart_and_from_the_log_alone() {
    let mut stage = Stage::start().await;
    let opp = stage.open_deal().await;
    stage.record("100", &[deal(opp.as_str())], &[LEGACY, SECURITY]);
    stage.record("200", &[deal(opp.as_str())], &[SECURITY]);
    stage.world.settle().await;
    let found = stage.places(opp).await;
    stage.say(opp, &found[0], true).await.unwrap();
    stage.phone.told().calls.remove("200");
    stage.world.settle().await;
    let (before, note) = (stage.world.detail(opp).await, stage.note(opp));
    for lost in [false, true] {
        stage.world.stop().await;
        if lost {
            std::fs::remove_dir_all(stage.world.config.state_dir.join("memory")).unwrap();
        }
        stage.begin().await;
        assert_eq!(stage.world.detail(opp).await, before);
        let writes = stage.world.org().writes().len();
        stage.world.settle().await;
        assert_eq!(stage.world.detail(opp).await, before, "reading every call again adds nothing");
        assert_eq!((stage.note(opp), stage.world.org().writes().len()), (note.clone(), writes));
    }
    stage.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_deal_is_no_target_and_one_that_opens_again_is() {
    let stage = Stage::start().await;
    let (world, opp) = (&stage.world, stage.open_deal().await);
    world.edit(AVA, opp, &json!({"StageName": "Closed Lost"}));
    world.settle().await;
    stage.record("100", &[deal(opp.as_str())], &[LEGACY]);
    world.settle().await;
    assert_eq!(stage.heard(), [""; 0]);
    world.edit(AVA, opp, &json!({"StageName": "Negotiation/Review"}));
    world.settle().await;
    assert_eq!(stage.brief(opp).await, [place("100", "displacement", 1)]);
    let nothing = CallRef { connection: ConnectionId::from("gong"), id: "9".to_owned() };
    let answered = Answered {
        stream: "h03-ae-to-onboarding/main/sf/Opportunity/none".to_owned(),
        call: nothing,
        field: FieldKey::from("risks"),
        from_ms: 0,
        confirmed: true,
        by: INGRID.to_owned(),
    };
    assert!(matches!(world.handle().answer_evidence(answered).await, Err(NotAnswered::NoHandoff)));
    world.org().delete(AVA, opp).unwrap();
    world.settle().await;
    world.assert_balanced();
}
