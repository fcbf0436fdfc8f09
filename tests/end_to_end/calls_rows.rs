//! Gong's calls beside a HubSpot deal: late, missing, deleted, forged and refused ones suggest nothing wrong and fill nothing.

use handoff_core::handoff::Phase;
use handoff_core::id::ConnectionId;
use handoff_sandbox_gong::{
    Action, CallSpec, Clock, Fault, Firing, Link, Party, Rule, Sandbox, SandboxOptions, Seed, Variant,
    Workspace, seed,
};
use handoffd::calls::{CallsView, PlaceView};
use handoffd::config::{Auth, Config, Connection, EvidenceSource};
use handoffd_tests::crm::{Deal, HUBSPOT};
use handoffd_tests::governed::{Governed, Options, secret};
use handoffd_tests::story::{AVA, QUEUE};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::wire::client;

const HOOK: &str = "https://handoffd.northwind-peak.example/webhooks/gong";
const BUYER: &str = "buyer@alderbrook.example";
/// A sentence of the calls; it must be found nowhere but in Gong.
const SPOKEN: &str = "We plan everything in spreadsheets and a legacy planner.";

/// A company with HubSpot and Gong under one daemon.
pub(crate) struct Heard {
    pub(crate) world: Governed,
    gong: Sandbox,
    rule: usize,
}

impl Heard {
    async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Governed::prepare(Options { crms: HUBSPOT, ..Options::default() }).await;
        let mut clock = Clock::manual();
        clock.set(world.now());
        let options = SandboxOptions { seed: Seed::People, clock, ..SandboxOptions::default() };
        let gong = Sandbox::start(options).await.unwrap();
        let rule = gong.workspace().add_rule(Rule::signed(HOOK)).unwrap();
        let key = gong.workspace().public_key(rule).unwrap();
        let auth = Auth::AccessKey {
            key: secret(world.dir(), "gong_key", seed::ACCESS_KEY),
            secret: secret(world.dir(), "gong_secret", seed::ACCESS_KEY_SECRET),
        };
        let connection = Connection {
            webhook_secrets: vec![secret(world.dir(), "gong_webhook", &key)],
            webhook_url: Some(HOOK.to_owned()),
            poll_seconds: Some(60),
            ..Connection::new("gong", &gong.base_url(), auth)
        };
        world.config(|config| {
            let id = ConnectionId::from("gong");
            config.connection.insert(id.clone(), connection);
            let mapping = "gong/h03-ae-to-onboarding".to_owned();
            config.evidence.push(EvidenceSource { connection: id, mapping });
            change(config);
        });
        world.begin().await.unwrap();
        Self { world, gong, rule }
    }

    pub(crate) fn company(&self) -> &Workspace {
        self.gong.workspace()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.world.advance(seconds);
        self.company().set_time(self.world.now());
    }

    pub(crate) async fn pass(&self) {
        self.advance(30);
        self.world.settle().await;
        self.world.settle().await;
    }

    /// As [`Governed::ride`], with Gong's clock.
    async fn ride(&self, seconds: i64) {
        self.advance(seconds);
        self.world.ride(5).await;
        self.company().set_time(self.world.now());
        self.world.ride(5).await;
    }

    fn ago(&self, minutes: i64) -> Timestamp {
        self.world.now().checked_sub(SignedDuration::from_mins(minutes)).unwrap()
    }

    /// A call about the deal two hours ago in which the buyer says what they use today.
    fn call(&self, deal: Deal) -> CallSpec {
        CallSpec::new("Alderbrook - Discovery", self.ago(120))
            .processed_at(self.world.now())
            .about(Link::deal("HubSpot", deal.id))
            .with(Party::new(AVA, "Ava Lindqvist"))
            .with(Party::new(BUYER, "The buyer"))
            .says(AVA, "Introduction", &["What are you working with at the moment?"])
            .says(BUYER, "Current situation", &[SPOKEN])
    }

    async fn places(&self, deal: Deal) -> Vec<PlaceView> {
        self.world.detail(deal).await.evidence
    }

    fn view(&self) -> CallsView {
        self.world.handle().view().calls().remove(0)
    }

    fn note(&self, deal: Deal) -> String {
        let field = self.world.company().of(deal).crm().mapping().write.note.evidence.clone();
        self.world.company().field(deal, &field.unwrap()).as_str().unwrap_or_default().to_owned()
    }

    /// No word of a call anywhere but in Gong, no field filled from one, and nothing done at Gong that must never be done.
    async fn assert_clean(&self, deal: Deal) {
        let log = serde_json::to_string(&self.world.log().await).unwrap();
        let record = self.world.portal().get("deals", deal.hs()).unwrap().to_string();
        for text in [log, record] {
            assert!(!text.contains(SPOKEN), "words of a call");
        }
        assert_eq!(self.world.company().field(deal, "handoff_incumbent_tool"), json!(null));
        assert_eq!(self.company().tripped(), []);
        assert_eq!(self.company().writes(), []);
        self.world.assert_balanced();
    }

    /// Posts a delivery of the rule's; the status.
    async fn post(&self, call: &str, firing: Firing, change: impl FnOnce(&mut Option<String>)) -> u16 {
        let mut signed = self.company().signed(call, Firing { rule: self.rule, ..firing }).unwrap();
        change(&mut signed.authorization);
        let url = format!("http://{}/webhooks/gong", self.world.app().local_addr());
        let mut request = client().post(url).header("Content-Type", "application/json");
        if let Some(authorization) = signed.authorization {
            request = request.header("Authorization", authorization);
        }
        request.body(signed.body).send().await.unwrap().status().as_u16()
    }
}

fn none(_: &mut Option<String>) {}

#[tokio::test(flavor = "multi_thread")]
async fn d22_a_transcript_that_comes_late_is_found_on_schedule_and_the_field_stays_empty() {
    let heard = Heard::start().await;
    let deal = heard.world.deal("Late words");
    heard.pass().await;
    let late = heard.world.now().checked_add(SignedDuration::from_mins(90)).unwrap();
    heard.company().add_call(heard.call(deal).transcript_at(late)).unwrap();
    heard.pass().await;
    assert_eq!(heard.view().waiting, 1, "{:?}", heard.view());
    assert!(heard.places(deal).await.is_empty());
    assert_eq!(heard.world.phase(deal), Some(Phase::Draft));
    let asked = |heard: &Heard| heard.company().calls().by_kind.get("transcripts").copied().unwrap_or(0);
    for _ in 0..50 {
        heard.ride(240).await;
        if !heard.places(deal).await.is_empty() {
            break;
        }
    }
    let places = heard.places(deal).await;
    assert!(places.iter().any(|place| place.field.as_str() == "displacement"), "{places:?}");
    assert!((2..8).contains(&asked(&heard)), "{} questions for one transcript", asked(&heard));
    heard.ride(30).await;
    assert!(heard.note(deal).contains("https://"), "{}", heard.note(deal));
    assert_eq!(heard.view().waiting, 0);
    assert_eq!(heard.world.phase(deal), Some(Phase::Draft), "a suggestion is no answer");
    heard.assert_clean(deal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d22_a_transcript_that_never_comes_is_named_and_asked_for_six_more_times_at_most() {
    let heard = Heard::start().await;
    let deal = heard.world.deal("No words");
    heard.pass().await;
    let never = heard.world.now().checked_add(SignedDuration::from_hours(10_000)).unwrap();
    let call = heard.company().add_call(heard.call(deal).transcript_at(never)).unwrap();
    heard.pass().await;
    for _ in 0..20 {
        heard.ride(3 * 3_600).await;
    }
    assert_eq!(heard.view().unresolved, [call]);
    let asked = heard.company().calls().by_kind.get("transcripts").copied().unwrap_or(0);
    assert!((2..=8).contains(&asked), "{asked}");
    assert!(heard.places(deal).await.is_empty());
    heard.assert_clean(deal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d22_what_is_deleted_or_made_private_is_withdrawn_and_its_place_goes_from_the_record() {
    for deleted in [true, false] {
        let heard = Heard::start().await;
        let deal = heard.world.deal("Withdrawn");
        heard.pass().await;
        let call = heard.company().add_call(heard.call(deal)).unwrap();
        heard.pass().await;
        heard.pass().await;
        assert!(!heard.places(deal).await.is_empty());
        assert!(heard.note(deal).contains("https://"));
        if deleted {
            heard.company().remove_call(&call).unwrap();
        } else {
            heard.company().set_private(&call, true).unwrap();
        }
        for _ in 0..3 {
            heard.ride(900).await;
        }
        assert!(heard.places(deal).await.is_empty(), "deleted: {deleted}");
        assert!(!heard.note(deal).contains("https://"), "{}", heard.note(deal));
        assert_eq!(heard.view().evidence, 0);
        heard.assert_clean(deal).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d22_no_calls_at_first_and_a_transcript_refused_once_lose_nothing() {
    let heard = Heard::start().await;
    let deal = heard.world.deal("Then there was one");
    heard.company().plant(Fault::on_kind("transcripts", Action::NoCalls).times(2));
    heard.pass().await;
    heard.company().add_call(heard.call(deal)).unwrap();
    for _ in 0..8 {
        heard.ride(300).await;
    }
    assert!(heard.company().faults().is_empty(), "never struck");
    assert!(!heard.places(deal).await.is_empty());
    heard.assert_clean(deal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_d03_d05_whatever_gong_answers_nothing_is_suggested_wrongly_and_nothing_is_lost() {
    let heard = Heard::start().await;
    let deal = heard.world.deal("Bad line");
    heard.pass().await;
    let call = heard.company().add_call(heard.call(deal)).unwrap();
    let bad = [
        Action::RateLimited { retry_after: 1 },
        Action::RateLimited { retry_after: 3_600 },
        Action::ServerError,
        Action::HtmlOk,
        Action::EmptyOk,
        Action::Malformed,
        Action::DropBefore,
        Action::Truncate { bytes: 40 },
    ];
    for action in bad {
        for kind in ["extensive", "calls", "transcripts"] {
            heard.company().plant(Fault::on_kind(kind, action.clone()));
        }
        let before: u64 = heard.company().calls().by_kind.values().sum();
        heard.ride(120).await;
        let asked = heard.company().calls().by_kind.values().sum::<u64>() - before;
        assert!(asked < 60, "{action:?}: {asked} calls");
        heard.company().clear_faults();
    }
    for _ in 0..10 {
        heard.ride(900).await;
    }
    let places = heard.places(deal).await;
    assert!(places.iter().any(|place| place.call.id == call), "{:?}", heard.view());
    // The CRM never waited for Gong.
    heard.world.fill(deal);
    heard.pass().await;
    assert!(heard.world.flag(deal, QUEUE));
    assert_eq!(heard.company().writes(), []);
    heard.world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_to_c12_only_a_genuine_delivery_of_gongs_is_heard() {
    let heard = Heard::start().await;
    let deal = heard.world.deal("Signed");
    heard.pass().await;
    let call = heard.company().add_call(heard.call(deal)).unwrap();
    let forged = [
        Variant::WrongBodyHash,
        Variant::ChangedBody,
        Variant::Expired,
        Variant::AlgNone,
        Variant::PublicKeyAsSecret,
        Variant::WrongUrl,
        Variant::OtherKey,
        Variant::NoHeader,
        Variant::NoToken,
    ];
    for variant in forged {
        assert_eq!(heard.post(&call, Firing::signed(variant), none).await, 401, "{variant:?}");
    }
    for header in ["", "Bearer ", "Bearer a.b.c", "v1,"] {
        let status = heard.post(&call, Firing::default(), |one| *one = Some(header.to_owned())).await;
        assert_eq!(status, 401, "{header:?}");
    }
    let countless = format!("Bearer {}", "a.".repeat(3_000));
    let status = heard.post(&call, Firing::default(), |one| *one = Some(countless)).await;
    assert!([401, 431].contains(&status), "{status}");
    assert_eq!(heard.world.received(), 0);
    assert!(heard.places(deal).await.is_empty());
    for variant in [Variant::Honest, Variant::Honest, Variant::ReencodedUrl] {
        assert_eq!(heard.post(&call, Firing::signed(variant), none).await, 200, "{variant:?}");
    }
    assert_eq!(heard.world.received(), 1, "the same delivery counts once");
    heard.world.handle().drained().await;
    heard.world.settle().await;
    assert!(!heard.places(deal).await.is_empty());
    // Old by the time it arrives.
    let late = heard.company().signed(&call, Firing { rule: heard.rule, ..Firing::default() }).unwrap();
    heard.advance(24 * 3_600);
    let url = format!("http://{}/webhooks/gong", heard.world.app().local_addr());
    let request = client().post(url).header("Authorization", late.authorization.unwrap()).body(late.body);
    assert_eq!(request.send().await.unwrap().status().as_u16(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn c19_c21_a_test_an_unknown_call_and_one_about_nobody_leave_no_trace() {
    let heard = Heard::start().await;
    let deal = heard.world.deal("Bystander");
    heard.pass().await;
    let about_nobody = heard.call(deal);
    let nobody = CallSpec { links: vec![Link::deal("HubSpot", "999999999999")], ..about_nobody };
    let nobody = heard.company().add_call(nobody).unwrap();
    let gone = heard.company().add_call(heard.call(deal)).unwrap();
    let head = heard.world.handle().view().head().entries;
    assert_eq!(heard.post(&nobody, Firing { is_test: true, ..Firing::default() }, none).await, 200);
    assert_eq!(heard.post(&nobody, Firing::default(), none).await, 200);
    let told = heard.company().signed(&gone, Firing { rule: heard.rule, ..Firing::default() }).unwrap();
    heard.company().remove_call(&gone).unwrap();
    let url = format!("http://{}/webhooks/gong", heard.world.app().local_addr());
    let request = client().post(url).header("Authorization", told.authorization.unwrap()).body(told.body);
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    heard.world.handle().drained().await;
    heard.pass().await;
    assert!(heard.places(deal).await.is_empty());
    assert_eq!(heard.world.handle().view().head().entries, head);
    let transcripts = heard.company().calls().by_kind.get("transcripts").copied().unwrap_or(0);
    assert_eq!(transcripts, 0, "what concerns nobody is not read");
    heard.assert_clean(deal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d19_a_page_of_calls_that_repeats_for_ever_ends_and_nothing_is_lost() {
    let heard = Heard::start().await;
    let deal = heard.world.deal("Round and round");
    heard.pass().await;
    heard.company().add_call(heard.call(deal)).unwrap();
    let page: Value = json!({ "requestId": "x", "records": { "totalRecords": 500, "currentPageSize": 0,
        "currentPageNumber": 0, "cursor": "again" }, "calls": [] });
    let body = page.to_string();
    let action = Action::Answer { status: 200, body, content_type: None, retry_after: None, apply: false };
    for kind in ["extensive", "calls"] {
        heard.company().plant(Fault::on_kind(kind, action.clone()).times(10_000));
    }
    let before: u64 = heard.company().calls().by_kind.values().sum();
    for _ in 0..3 {
        heard.ride(120).await;
    }
    let asked = heard.company().calls().by_kind.values().sum::<u64>() - before;
    assert!(asked < 60, "{asked} calls in a circle");
    heard.company().clear_faults();
    for _ in 0..3 {
        heard.ride(120).await;
    }
    assert!(!heard.places(deal).await.is_empty(), "{:?}", heard.view());
}
