//! One company with the same deals in Salesforce and in HubSpot under one daemon: while the two authorities disagree, nobody is paid (D18).

use handoff_core::event::Concern;
use handoff_core::handoff::Phase;
use handoff_core::registry::shipped;
use handoff_sandbox_salesforce::{FieldSpec, FieldType};
use handoffd_tests::crm::{BOTH, Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, QUEUE};
use serde_json::{Value, json};

const MAPPING: &str = "salesforce/h03-ae-to-onboarding.toml";
const LINK: &str = "Twin_Id__c";

/// Two CRMs, one daemon; deals in Salesforce name their twin in HubSpot.
struct Twins {
    world: Governed,
}

/// A deal in both.
#[derive(Clone, Copy)]
struct Pair {
    sf: Deal,
    hs: Deal,
}

impl Pair {
    fn of(self, kind: Kind) -> Deal {
        match kind {
            Kind::Salesforce => self.sf,
            Kind::Hubspot => self.hs,
        }
    }
}

fn other(kind: Kind) -> Kind {
    match kind {
        Kind::Salesforce => Kind::Hubspot,
        Kind::Hubspot => Kind::Salesforce,
    }
}

impl Twins {
    async fn start() -> Self {
        let mut world = Governed::prepare(Options { crms: BOTH, ..Options::default() }).await;
        world.org().add_fields("Opportunity", vec![FieldSpec::new(LINK, FieldType::String)]).unwrap();
        let text = shipped().find(|(path, _)| *path == MAPPING).unwrap().1;
        let linked = format!("{text}\n[twin]\nconnection = \"hs\"\nobject = \"deals\"\nfield = \"{LINK}\"\n");
        world.file(MAPPING, &linked);
        world.begin().await.unwrap();
        Self { world }
    }

    async fn pass(&self) {
        // Either side may have to tell the other.
        for _ in 0..2 {
            self.world.pass().await;
        }
    }

    /// A filled deal in both, linked from Salesforce.
    async fn pair(&self, name: &str) -> Pair {
        let [sf, hs] = [Kind::Salesforce, Kind::Hubspot].map(|kind| self.world.full_deal_in(kind, name));
        let pair = Pair { sf, hs };
        self.link(pair, &json!(hs.id));
        self.pass().await;
        pair
    }

    fn link(&self, pair: Pair, to: &Value) {
        self.world.edit(AVA, pair.sf, &json!({ LINK: to }));
    }

    async fn accept(&self, pair: Pair, kind: Kind) {
        self.world.accept(pair.of(kind));
        self.pass().await;
    }

    async fn retarget(&self, deal: Deal, target: &str) {
        self.world.say(AVA, deal, &[("success_criteria", "target", target)]);
        self.pass().await;
    }

    /// In Salesforce and in HubSpot.
    fn pays(&self, pair: Pair) -> (bool, bool) {
        (self.world.flag(pair.sf, COMMISSION), self.world.flag(pair.hs, COMMISSION))
    }

    fn status(&self, pair: Pair, kind: Kind) -> String {
        self.world.company().status(pair.of(kind))
    }

    async fn disagrees(&self, pair: Pair, kind: Kind) -> bool {
        let detail = self.world.detail(pair.of(kind)).await;
        detail.state.unwrap().concerns.contains(&Concern::AuthoritiesDisagree)
    }
}

async fn whichever_comes_first(first: Kind) {
    let twins = Twins::start().await;
    let pair = twins.pair("Twice").await;
    let second = other(first);
    twins.accept(pair, first).await;
    assert_eq!(twins.pays(pair), (false, false), "only one side has accepted");
    assert!(twins.disagrees(pair, first).await && twins.disagrees(pair, second).await);
    let named = |kind: Kind| pair.of(kind).record().to_string();
    let (here, there) = (twins.status(pair, first), twins.status(pair, second));
    assert!(here.starts_with(&format!("Not accepted in {}", named(second))), "{here}");
    assert!(there.starts_with(&format!("Accepted in {}", named(first))), "{there}");
    assert!(twins.world.flag(pair.of(second), QUEUE));
    twins.accept(pair, second).await;
    assert_eq!(twins.pays(pair), (true, true), "{:?}", twins.status(pair, first));
    assert!(!twins.disagrees(pair, first).await && !twins.disagrees(pair, second).await);
    // One side falls back: both are held, and the other's acceptance stands.
    let target = "From 9 % to 1 %";
    twins.retarget(pair.of(second), target).await;
    assert_eq!(twins.pays(pair), (false, false));
    assert_eq!(twins.world.phase(pair.of(first)), Some(Phase::Accepted));
    // Accepted again, but another package than the first side's.
    twins.accept(pair, second).await;
    assert_eq!(twins.pays(pair), (false, false));
    let status = twins.status(pair, first);
    assert!(status.starts_with("Another package was accepted in"), "{status}");
    twins.retarget(pair.of(first), target).await;
    twins.accept(pair, first).await;
    assert_eq!(twins.pays(pair), (true, true));
    twins.world.assert_balanced();
    twins.world.verify_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_pay_waits_until_both_crms_say_the_same_when_salesforce_comes_first() {
    whichever_comes_first(Kind::Salesforce).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_pay_waits_until_both_crms_say_the_same_when_hubspot_comes_first() {
    whichever_comes_first(Kind::Hubspot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_a_link_set_late_shuts_what_was_open_and_emptying_it_frees_nothing() {
    let mut twins = Twins::start().await;
    let [sf, hs] = [Kind::Salesforce, Kind::Hubspot].map(|kind| twins.world.full_deal_in(kind, "Late"));
    let pair = Pair { sf, hs };
    twins.pass().await;
    twins.accept(pair, Kind::Hubspot).await;
    assert_eq!(twins.pays(pair), (false, true), "not linked yet");
    twins.link(pair, &json!(hs.id));
    twins.pass().await;
    assert_eq!(twins.pays(pair), (false, false));
    // Emptied, or written over with something that is no id: the last one that was one counts.
    for written in [json!(null), json!("see notes")] {
        twins.link(pair, &written);
        twins.pass().await;
        assert_eq!(twins.pays(pair), (false, false));
        assert!(twins.disagrees(pair, Kind::Hubspot).await);
    }
    // A restart forgets nothing of it.
    twins.world.restart().await;
    twins.pass().await;
    assert!(twins.disagrees(pair, Kind::Hubspot).await);
    twins.accept(pair, Kind::Salesforce).await;
    assert_eq!(twins.pays(pair), (true, true), "{:?}", twins.status(pair, Kind::Salesforce));
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_a_deal_without_a_twin_or_with_one_that_nobody_governs_is_paid_as_ever() {
    let twins = Twins::start().await;
    let pair = twins.pair("Alone").await;
    let other = twins.pair("Other").await;
    // Early: no handoff is open there.
    let early = twins.world.company().deal(Kind::Hubspot, "Early", "early");
    let other = Pair { hs: early, ..other };
    twins.link(other, &json!(early.id));
    twins.pass().await;
    twins.accept(other, Kind::Salesforce).await;
    assert!(twins.pays(other).0, "{}", twins.status(other, Kind::Salesforce));
    // The early deal moves on: now it has a say.
    twins.world.edit(AVA, early, &twins.world.company().to_stage(early, "commit").into());
    twins.pass().await;
    assert!(!twins.pays(other).0);
    // The twin of the first is deleted: nobody there has a say any more.
    twins.accept(pair, Kind::Salesforce).await;
    assert!(!twins.pays(pair).0);
    twins.world.advance(5);
    twins.world.portal().archive(AVA, "deals", pair.hs.hs()).unwrap();
    twins.pass().await;
    // HubSpot's search never shows what is archived: the sweep finds out.
    twins.world.handle().sweep_now().await.unwrap();
    twins.pass().await;
    assert!(twins.pays(pair).0, "{}", twins.status(pair, Kind::Salesforce));
}

/// A cloned deal names the same deal in the other CRM as its original does.
#[tokio::test(flavor = "multi_thread")]
async fn e13_two_records_that_claim_one_external_key_are_shut_until_one_lets_go() {
    let twins = Twins::start().await;
    let pair = twins.pair("Original").await;
    for kind in [Kind::Salesforce, Kind::Hubspot] {
        twins.accept(pair, kind).await;
    }
    assert_eq!(twins.pays(pair), (true, true));
    let clone = twins.world.org().clone_record(AVA, pair.sf.sf(), &json!({"Name": "Clone"})).unwrap();
    let clone = Pair { sf: Deal::new(Kind::Salesforce, clone.to_string()), ..pair };
    twins.world.company().add_people(clone.sf);
    twins.pass().await;
    assert_eq!(twins.pays(pair), (false, false), "nobody can tell which of the two is meant");
    let status = twins.status(pair, Kind::Salesforce);
    assert!(status.starts_with(&format!("{} names the same deal", clone.sf.record())), "{status}");
    assert!(twins.disagrees(pair, Kind::Hubspot).await);
    // Accepted as well, it would have been paid a second time.
    twins.accept(clone, Kind::Salesforce).await;
    assert_eq!((twins.pays(pair), twins.pays(clone)), ((false, false), (false, false)));
    // It names a deal of its own: each is what it says again.
    let own = twins.world.full_deal_in(Kind::Hubspot, "Original");
    let own = Pair { hs: own, ..clone };
    twins.link(own, &json!(own.hs.id));
    twins.pass().await;
    twins.accept(own, Kind::Hubspot).await;
    assert_eq!(
        (twins.pays(pair), twins.pays(own)),
        ((true, true), (true, true)),
        "{:?}",
        twins.status(own, Kind::Salesforce)
    );
    twins.world.assert_balanced();
}
