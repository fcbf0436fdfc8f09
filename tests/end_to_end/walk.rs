//! The plain way, so that every other test knows what it departs from.

use handoff_core::handoff::Phase;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{COMMISSION, QUEUE};

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_and_accepted_deal_is_cleared_once() {
    let mut world = Governed::start(Options { webhooks: true, ..Options::default() }).await;
    let deal = world.full_deal("Plain");
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(world.flag(deal, QUEUE) && !world.flag(deal, COMMISSION));
    world.accept(deal);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    assert!(world.flag(deal, COMMISSION));
    world.restart().await;
    world.pass().await;
    assert_eq!(handoffd_tests::story::flips(world.org(), deal), (1, 0));
    world.assert_balanced();
    assert!(world.verify_audit() > 0);
}
