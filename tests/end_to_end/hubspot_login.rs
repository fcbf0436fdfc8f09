//! What becomes of the portal's tokens and keys, and that no gate opens by it.

use handoff_core::handoff::Phase;
use handoff_core::id::ConnectionId;
use handoff_sandbox_hubspot::seed;
use handoffd::config::Auth;
use handoffd_tests::crm::Deal;
use handoffd_tests::governed::{Governed, secret};
use handoffd_tests::story::{COMMISSION, QUEUE};
use serde_json::Value;

use crate::steps::{complete, hubspot, requests, requests_of, until_cleared};
use crate::wire::client;

/// The portal over OAuth, by an app that Ava's admin installed.
async fn installed() -> Governed {
    let mut world = Governed::prepare(hubspot()).await;
    let id = ConnectionId::from("hs");
    let base = world.configured().connection[&id].login_url.clone().unwrap();
    let code = world.portal().authorize(seed::CLIENT_ID, seed::ADMIN_USER).unwrap();
    let form = format!(
        "grant_type=authorization_code&client_id={}&client_secret={}&code={code}",
        seed::CLIENT_ID,
        seed::CLIENT_SECRET
    );
    let granted = client()
        .post(format!("{base}/oauth/2026-09/token"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    let granted: Value = serde_json::from_slice(&granted.bytes().await.unwrap()).unwrap();
    let refresh = granted["refresh_token"].as_str().unwrap_or_else(|| panic!("{granted}"));
    let auth = Auth::RefreshToken {
        client_id: secret(world.dir(), "hs_client", seed::CLIENT_ID),
        client_secret: Some(secret(world.dir(), "hs_client_secret", seed::CLIENT_SECRET)),
        refresh_token: secret(world.dir(), "hs_refresh", refresh),
        token_url: None,
    };
    world.config(|config| config.connection.get_mut(&id).unwrap().auth = auth);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn d09_an_access_token_that_ends_in_the_middle_is_renewed_once_for_all() {
    let mut world = installed().await;
    world.begin().await.unwrap();
    let deals: Vec<Deal> = (0..6).map(|number| world.full_deal(&format!("Session {number}"))).collect();
    world.pass().await;
    for deal in &deals {
        world.accept(*deal);
    }
    let before = requests_of(&world, "token");
    // The portal's clock alone runs ahead: its tokens have ended, and the daemon cannot know.
    world.portal().advance(1_900);
    world.settle().await;
    let shown = serde_json::to_string(&world.handle().view().connections().remove(0).transport).unwrap();
    assert!(deals.iter().all(|deal| world.flag(*deal, COMMISSION)), "{shown}");
    assert_eq!(requests_of(&world, "token") - before, 1);
    world.assert_balanced();
}

/// HubSpot says of such a token only that it does not know it, as it does of a wrong one: the daemon asks for a person, and helps itself when the
/// token's time is up.
#[tokio::test(flavor = "multi_thread")]
async fn d09_an_access_token_that_was_taken_away_is_renewed_when_its_time_is_up() {
    let mut world = installed().await;
    world.begin().await.unwrap();
    let deal = complete(&world, "Taken away").await;
    world.accept(deal);
    assert!(world.portal().kill_tokens() > 0);
    until_cleared(&world, deal, 80).await;
    assert_eq!(world.company().flips(deal, COMMISSION), (1, 0));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d10_a_revoked_refresh_token_asks_for_a_person_and_calls_at_most_once_a_minute() {
    let mut world = installed().await;
    world.begin().await.unwrap();
    let deal = complete(&world, "Uninstalled").await;
    world.accept(deal);
    world.portal().kill_refresh_tokens();
    // The access token's half hour ends, and no other is granted.
    world.portal().advance(1_900);
    let (before, asked_before) = (requests(&world), requests_of(&world, "token"));
    for _ in 0..20 {
        world.advance(30);
        world.ride(1).await;
    }
    let minutes = world.now().duration_since(deal_made(&world, deal)).as_mins() - 31;
    let asked = requests(&world) - before;
    assert!(asked <= u64::try_from(minutes + 4).unwrap(), "{asked} calls in {minutes} minutes");
    assert!(requests_of(&world, "token") > asked_before);
    assert!(!world.flag(deal, COMMISSION) && world.flag(deal, QUEUE), "gates stay as they are");
    let view = world.handle().view().connections().remove(0);
    let shown = serde_json::to_value(&view.transport).unwrap();
    assert_eq!(shown["session"]["state"], "needs_reauthorisation", "{shown}");
    assert_eq!(world.phase(deal), Some(Phase::Complete));
}

/// When the deal's handoff was opened.
fn deal_made(world: &Governed, deal: Deal) -> jiff::Timestamp {
    world.summary(deal).unwrap().opened.time
}

#[tokio::test(flavor = "multi_thread")]
async fn d10_a_rotated_service_key_asks_for_a_person_and_changes_no_gate() {
    let world = Governed::start(hubspot()).await;
    let deal = complete(&world, "Rotated").await;
    world.accept(deal);
    world.portal().revoke_token(seed::SERVICE_KEY);
    let before = requests(&world);
    for _ in 0..20 {
        world.advance(30);
        world.ride(1).await;
    }
    let asked = requests(&world) - before;
    assert!(asked <= 24, "{asked} calls in ten minutes");
    assert!(!world.flag(deal, COMMISSION) && world.flag(deal, QUEUE));
    let view = world.handle().view().connections().remove(0);
    let shown = serde_json::to_string(&view.transport).unwrap();
    assert!(shown.contains("Rotate the service key"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_with_a_token_of_another_portal_nothing_is_read_for_a_decision_and_nothing_written() {
    for over_oauth in [false, true] {
        let mut world = if over_oauth { installed().await } else { Governed::prepare(hubspot()).await };
        world.portal().set_id(48_000_001);
        // The daemon may refuse to start, or run without judging anything.
        if world.begin().await.is_ok() {
            let deal = world.full_deal("Another company's");
            for _ in 0..4 {
                world.advance(30);
                world.ride(1).await;
            }
            assert_eq!(world.phase(deal), None, "over OAuth: {over_oauth}");
            let view = world.handle().view().connections().remove(0);
            let shown = serde_json::to_string(&view.transport).unwrap();
            assert!(shown.contains("another org") || shown.contains("another HubSpot portal"), "{shown}");
        }
        let ours = world.portal().writes().into_iter().filter(|write| write.app.is_some()).count();
        assert_eq!(ours, 0, "over OAuth: {over_oauth}");
    }
}
