//! The kill switch, the cap, observe-only, and plans that are only looked at.

use handoff_core::contract::Mode;
use handoff_core::handoff::Phase;
use handoff_core::id::GateName;
use handoff_sandbox_salesforce::{SaveError, WriteRecord};
use handoffd::app::{App, Options, StartError};
use handoffd::books::Outcome;
use serde_json::json;

use crate::world::{COMMISSION, DECISION, INGRID, QUEUE, World};

impl World {
    fn written(&self) -> Vec<WriteRecord> {
        let daemon = self.org().user(handoff_sandbox_salesforce::seed::INTEGRATION_USER).unwrap();
        self.org().writes().into_iter().filter(|write| write.user == daemon).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn observe_only_reads_decides_and_never_writes() {
    let mut world = World::quiet().await;
    for gate in ["receiver_queue", "closed_won", "commission"] {
        world.config.govern[0].mode.insert(GateName::from(gate), Mode::Observe);
    }
    world.begin().await;
    let deal = world.deal("Negotiation/Review");
    world.complete(deal);
    world.settle().await;
    world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    assert!(world.written().is_empty());
    assert!(world.handle().view().connections().iter().all(|connection| !connection.writes));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_stops_writing_until_somebody_resumes() {
    let mut world = World::quiet().await;
    world.config.govern[0].max_writes_per_hour = Some(1);
    // Nothing of what was there before is governed, so that only the two deals below are written.
    world.pass(3_600);
    world.config.govern[0].governed_since = Some(world.org().now());
    world.begin().await;
    let deals = [world.deal("Negotiation/Review"), world.deal("Negotiation/Review")];
    world.settle().await;
    let told =
        || deals.iter().filter(|deal| world.org().field(**deal, "Handoff_03_Status__c").is_string()).count();
    assert_eq!(told(), 1);
    assert_eq!(world.handle().view().switch().tripped, ["salesforce/h03-ae-to-onboarding"]);
    world.handle().resume("test").await.unwrap();
    world.settle().await;
    assert_eq!(told(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_a_refused_write_is_parked_with_the_crms_words_and_tried_again_when_the_record_changes() {
    let world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    world.settle().await;
    let error = SaveError {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "Queue is closed for the audit".to_owned(),
        fields: Vec::new(),
    };
    world.complete(deal);
    world.org().reject_row(deal, 1, error);
    world.settle().await;
    let parked = world.handle().view().parked();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].kind, "refused");
    assert!(parked[0].why.contains("Queue is closed for the audit"), "{}", parked[0].why);
    assert!(!world.flag(deal, QUEUE));
    let tries = world.written().len();
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    assert_eq!(
        world.written().len(),
        tries,
        "the same write on the same record is not tried again by itself"
    );
    assert_eq!(world.handle().reconcile_now(&World::record(deal)).await.unwrap(), Outcome::NoChange);
    world.settle().await;
    assert!(world.flag(deal, QUEUE));
    assert!(world.handle().view().parked().is_empty());
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_would_happen_and_does_nothing() {
    let mut world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    let head = world.handle().view().head().entries;
    let plans = world.handle().plan_record(&World::record(deal)).await.unwrap().unwrap();
    let plan = plans.first().unwrap();
    assert_eq!(plan.phase, Some(Phase::Draft));
    assert!(plan.events.iter().any(|event| event.name() == "opened"));
    assert!(!plan.plan.as_ref().unwrap().is_empty());
    assert_eq!(world.handle().view().head().entries, head);
    assert_eq!(world.phase(deal), None);
    world.stop().await;
    let registry = handoff_core::registry::Registry::load(handoff_core::registry::shipped()).unwrap();
    let (config, clock) = (world.config.clone(), world.clock.clone());
    let once = App::plan_once(config, registry, clock, Options::default(), &World::record(deal)).await;
    assert_eq!(once.unwrap().unwrap(), plans);
    assert!(world.written().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_a_second_daemon_on_the_same_directory_is_refused() {
    let world = World::start().await;
    let registry = handoff_core::registry::Registry::load(handoff_core::registry::shipped()).unwrap();
    let second = App::start(world.config.clone(), registry, world.clock.clone(), Options::default()).await;
    assert!(matches!(second.err(), Some(StartError::State(handoff_store::state::StateError::InUse { .. }))));
}

#[tokio::test(flavor = "multi_thread")]
async fn d17_a_deleted_deal_is_voided_and_its_return_begins_a_new_cycle() {
    let world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    world.complete(deal);
    world.settle().await;
    world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    world.settle().await;
    assert!(world.flag(deal, COMMISSION));
    world.pass(5);
    world.org().delete(crate::world::AVA, deal).unwrap();
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Voided));
    world.pass(5);
    world.org().undelete(crate::world::AVA, deal).unwrap();
    world.settle().await;
    assert_eq!(world.summary(deal).unwrap().handoff.cycle, 2);
    assert!(!world.flag(deal, COMMISSION), "what was accepted before is accepted no more");
}
