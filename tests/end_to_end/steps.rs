//! Steps that rows of several vendors share.

use handoff_core::handoff::Phase;
use handoffd_tests::crm::{Deal, HUBSPOT};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::COMMISSION;

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
