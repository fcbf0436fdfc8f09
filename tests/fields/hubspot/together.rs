//! All six contracts over one portal.

use std::sync::Arc;

use handoffd::app::{App, Options};
use handoffd::clock::Clock;
use handoffd_tests::crm::HUBSPOT;
use handoffd_tests::stage::hubspot::{Hub, h01, h02, h03, h04, h05, h06};
use handoffd_tests::stage::table::Scene;

use crate::proof::set;

/// The portal as `deploy/hubspot` leaves it offers all that the six mappings need.
#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_portal_fits_all_six() {
    let scenes = [h01::scene(), h02::scene(), h03::scene(), h04::scene(), h05::scene(), h06::scene()];
    let scenes: Vec<&Scene> = scenes.iter().collect();
    let mut world = set(&Hub, HUBSPOT, &scenes).await;
    let (config, registry) = (world.configured().clone(), world.registry().unwrap());
    let options = Options { autopilot: false, ..Options::default() };
    let clock: Arc<dyn Clock> = world.clock().clone();
    let reports = App::check_once(&config, &registry, clock, options).await.unwrap();
    let report = reports.into_values().next().unwrap().unwrap();
    let wrong: Vec<_> = report.findings.iter().filter(|finding| finding.error).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Stages that nobody names: the renewals of the portal, and what handoff 03 leaves to Motion B.
    for finding in report.findings.iter().filter(|finding| finding.problem.contains("does not name")) {
        assert!(
            finding.problem.contains("75410001") || finding.problem.contains("cross_sell"),
            "{finding:?}"
        );
    }
    world.stop().await;
}
