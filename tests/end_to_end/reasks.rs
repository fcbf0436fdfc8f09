//! Was the customer asked again? A HubSpot deal beside Gong: suggested from a call, confirmed on the record, counted from the log.

use handoff_core::evidence::Standing;
use handoff_core::handoff::Phase;
use handoff_core::id::ConnectionId;
use handoff_measure::reask::{Accuracy, RateRow, rates};
use handoff_measure::scorecard::Scorecard;
use handoff_sandbox_gong::{Affiliation, CallSpec, Link, Party};
use handoffd::config::Rediscovery;
use handoffd_tests::crm::Deal;
use handoffd_tests::story::INGRID;
use serde_json::json;

use crate::calls_rows::Heard;

const CUSTOMER: &str = "buyer@alderbrook.example";

async fn counted(heard: &Heard) -> RateRow {
    let mut scorecard = Scorecard::new();
    for entry in heard.world.log().await {
        if let Some(entry) = &entry.entry {
            scorecard.apply(entry);
        }
    }
    let accuracy = Accuracy { sensitivity_percent: 90, specificity_percent: 95 };
    rates(&scorecard, heard.world.now(), accuracy).remove(0)
}

/// Ingrid asks for what the package says about who signs, and the customer says it again.
fn asking(heard: &Heard, deal: Deal, authority: &str) -> CallSpec {
    CallSpec::new("Kick-off", heard.world.now())
        .processed_at(heard.world.now())
        .about(Link::deal("HubSpot", deal.id))
        .with(Party::new(INGRID, "Ingrid Moen").on_side(Affiliation::Internal))
        .with(Party::new(CUSTOMER, "The buyer"))
        .says(
            INGRID,
            "Start",
            &["Thanks for your time.", "So who signs, and up to what amount can they sign alone?"],
        )
        .says(CUSTOMER, "Start", &[authority])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hubspot_deal_is_asked_again_when_a_person_says_so_on_it() {
    let heard = Heard::start_with(|config| {
        let calls = vec![ConnectionId::from("gong")];
        config.rediscovery = Some(Rediscovery { calls, ..Rediscovery::default() });
    })
    .await;
    let deal = heard.world.full_deal("Asked again");
    heard.pass().await;
    heard.world.accept(deal);
    heard.pass().await;
    assert_eq!(heard.world.phase(deal), Some(Phase::Accepted));
    heard.advance(3_600);
    let authority = heard.world.company().field(deal, "handoff_signing_authority");
    heard.company().add_call(asking(&heard, deal, authority.as_str().unwrap())).unwrap();
    heard.pass().await;
    let found = heard.world.detail(deal).await.reasks;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].reask.field.as_str(), "economic_buyer");
    let field = |name: &str| heard.world.company().field(deal, name);
    assert!(field("handoff_reask").as_str().unwrap().contains("confirm or dismiss"));
    assert_eq!(counted(&heard).await.asked_again, 0);

    heard.world.edit(INGRID, deal, &json!({"handoff_reask_answer": "Asked again"}));
    heard.pass().await;
    let found = heard.world.detail(deal).await.reasks;
    assert_eq!((found[0].standing, found[0].by.as_deref()), (Standing::Confirmed, Some(INGRID)));
    assert!(field("handoff_reask_answer").as_str().unwrap_or_default().is_empty(), "emptied");
    assert_eq!(heard.world.phase(deal), Some(Phase::Accepted));
    assert_eq!(counted(&heard).await.asked_again, 1);

    heard.world.edit(INGRID, deal, &json!({"handoff_asked_again": "true"}));
    heard.pass().await;
    heard.pass().await;
    let evidence = heard.world.log().await;
    let log = serde_json::to_string(&evidence).unwrap();
    assert_eq!(log.matches("reask_reported").count(), 1, "once");
    assert_eq!(heard.company().writes(), []);
    heard.world.assert_balanced();
}
