//! Steps that rows of several vendors share.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests pick single events")]

use handoff_core::event::{Event, Refusal};
use handoff_core::handoff::Phase;
use handoffd_tests::crm::{Deal, HUBSPOT};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{COMMISSION, STAGE};

/// HubSpot alone.
pub(crate) fn hubspot() -> Options {
    Options { crms: HUBSPOT, ..Options::default() }
}

/// Requests that the portal received.
pub(crate) fn requests(world: &Governed) -> u64 {
    world.portal().calls().by_kind.values().sum()
}

/// Requests of one kind that the portal received.
pub(crate) fn requests_of(world: &Governed, kind: &str) -> u64 {
    world.portal().calls().by_kind.get(kind).copied().unwrap_or(0)
}

/// Lets time pass until the deal is cleared.
pub(crate) async fn until_cleared(world: &Governed, deal: Deal, most: usize) {
    for _ in 0..most {
        world.advance(30);
        world.ride(5).await;
        if world.flag(deal, COMMISSION) {
            return;
        }
    }
    panic!("not cleared: {:?}, parked {:?}", world.phase(deal), world.handle().view().parked());
}

/// A deal that waits for nothing but the acceptance.
pub(crate) async fn complete(world: &Governed, name: &str) -> Deal {
    let deal = world.full_deal(name);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    deal
}

/// One test for each vendor: `on_each_crm!(name)` makes `name::salesforce` and `name::hubspot`, each of which awaits the function of that name
/// with its options.
macro_rules! on_each_crm {
    ($name:ident) => {
        mod $name {
            use handoffd_tests::crm::{HUBSPOT, SALESFORCE};
            use handoffd_tests::governed::Options;

            #[tokio::test(flavor = "multi_thread")]
            async fn salesforce() {
                super::$name(Options { crms: SALESFORCE, ..Options::default() }).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn hubspot() {
                super::$name(Options { crms: HUBSPOT, ..Options::default() }).await;
            }
        }
    };
}

pub(crate) use on_each_crm;

/// Why answers on a deal were refused, oldest first.
pub(crate) async fn refusals(world: &Governed, deal: Deal) -> Vec<Refusal> {
    let detail = world.detail(deal).await;
    let entries = detail.entries.iter().filter_map(|entry| entry.entry.as_ref()?.handoff());
    let refusal = |event: &Event| match event {
        Event::AnswerRefused { why, .. } => Some(why.clone()),
        _ => None,
    };
    entries.flat_map(|(_, events)| events.iter().filter_map(refusal)).collect()
}

/// How often something happened to a deal.
pub(crate) async fn count(world: &Governed, deal: Deal, name: &str) -> usize {
    world.events(deal).await.into_iter().filter(|event| *event == name).count()
}

/// Checks that nothing that needs an acceptance stands open, in the CRM and in our view, and that pay never was open.
pub(crate) fn assert_never_open(world: &Governed, deal: Deal) {
    for gate in [COMMISSION, STAGE] {
        assert!(!world.flag(deal, gate) && !world.gate(deal, gate), "{gate} of {deal:?}");
    }
    assert_eq!(world.company().flips(deal, COMMISSION), (0, 0), "{deal:?}");
}
