//! The kill switch, the cap, observe-only, and plans that are only looked at.

use handoff_core::contract::Mode;
use handoff_core::handoff::Phase;
use handoff_core::id::GateName;
use handoff_sandbox_salesforce::{SaveError, WriteRecord};
use handoffd::app::App;
use handoffd::books::Outcome;
use handoffd_tests::crm::Deal;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::QUEUE;

/// What the daemon wrote.
fn ours(world: &Governed) -> Vec<WriteRecord> {
    let daemon = world.org().user(handoff_sandbox_salesforce::seed::INTEGRATION_USER).unwrap();
    world.org().writes().into_iter().filter(|write| write.user == daemon).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn observe_only_reads_decides_and_never_writes() {
    let mut world = Governed::prepare(Options::default()).await;
    for gate in ["receiver_queue", "closed_won", "commission"] {
        world.govern().mode.insert(GateName::from(gate), Mode::Observe);
    }
    world.begin().await.unwrap();
    let deal = world.full_deal("Observed");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    assert!(ours(&world).is_empty());
    assert!(world.handle().view().connections().iter().all(|connection| !connection.writes));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_stops_writing_until_somebody_resumes() {
    let mut world = Governed::prepare(Options::default()).await;
    world.govern().max_writes_per_hour = Some(1);
    // Nothing of what was there before is governed, so that only the two deals below are written.
    world.advance(3_600);
    world.govern().governed_since = Some(world.now());
    world.begin().await.unwrap();
    let deals = [world.deal("Written"), world.deal("Put off")];
    world.pass().await;
    let status = world.company().first().crm().mapping().write.note.status.clone().unwrap();
    let told = |deal: &&Deal| world.company().field(**deal, &status).is_string();
    assert_eq!(deals.iter().filter(told).count(), 1);
    assert_eq!(world.handle().view().switch().tripped, ["salesforce/h03-ae-to-onboarding"]);
    world.handle().resume("test").await.unwrap();
    world.pass().await;
    assert_eq!(deals.iter().filter(told).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_a_refused_write_is_parked_with_the_crms_words_and_tried_again_when_the_record_changes() {
    let world = Governed::start(Options::default()).await;
    let deal = world.deal("Refused");
    world.pass().await;
    let error = SaveError {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "Queue is closed for the audit".to_owned(),
        fields: Vec::new(),
    };
    world.fill(deal);
    world.org().reject_row(deal.sf(), 1, error);
    world.pass().await;
    let parked = world.handle().view().parked();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].kind, "refused");
    assert!(parked[0].why.contains("Queue is closed for the audit"), "{}", parked[0].why);
    assert!(!world.flag(deal, QUEUE));
    let tries = ours(&world).len();
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    assert_eq!(ours(&world).len(), tries, "the same write on the same record is not tried again by itself");
    assert_eq!(world.handle().reconcile_now(&deal.record()).await.unwrap(), Outcome::NoChange);
    world.pass().await;
    assert!(world.flag(deal, QUEUE));
    assert!(world.handle().view().parked().is_empty());
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_would_happen_and_does_nothing() {
    let mut world = Governed::start(Options::default()).await;
    let deal = world.deal("Planned");
    let head = world.handle().view().head().entries;
    let plans = world.handle().plan_record(&deal.record()).await.unwrap().unwrap();
    let plan = plans.first().unwrap();
    assert_eq!(plan.phase, Some(Phase::Draft));
    assert!(plan.events.iter().any(|event| event.name() == "opened"));
    assert!(!plan.plan.as_ref().unwrap().is_empty());
    assert_eq!(world.handle().view().head().entries, head);
    assert_eq!(world.phase(deal), None);
    world.stop().await;
    let (config, clock) = (world.configured().clone(), world.clock().clone());
    let registry = world.registry().unwrap();
    let options = handoffd::app::Options::default();
    let once = App::plan_once(config, registry, clock, options, &deal.record()).await;
    assert_eq!(once.unwrap().unwrap(), plans);
    assert!(ours(&world).is_empty());
}
