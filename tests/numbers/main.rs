//! The three live numbers are the same wherever they are shown; months freeze once.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use handoff_core::journal::LogEntry;
use handoff_measure::drill::Drill;
use handoff_measure::live::Live;
use handoff_measure::metric::Metric;
use handoff_measure::report::Report;
use handoffd_tests::crm::Kind;
use handoffd_tests::governed::{Governed, Options};

const CONTRACT: &str = "h03-ae-to-onboarding";
const BOTH: &[Kind] = &[Kind::Salesforce, Kind::Hubspot];

async fn get(world: &Governed, path: &str) -> String {
    let url = format!("http://{}{path}", world.app().local_addr());
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    answer.text().await.unwrap()
}

async fn live(world: &Governed) -> Vec<Live> {
    serde_json::from_str(&get(world, "/api/v1/scorecard/live").await).unwrap()
}

/// The value of a gauge of one motion.
fn gauge(text: &str, name: &str, motion: &str) -> f64 {
    let start = format!("{name}{{contract=\"{CONTRACT}\",motion=\"{motion}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no {start}")).parse().unwrap()
}

fn plain(html: &str) -> String {
    html.split('<')
        .map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text))
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn record_page_api_and_metrics_show_the_same_three_numbers_in_both_crms() {
    let mut world = Governed::start(Options { crms: BOTH, surface: true, ..Options::default() }).await;
    let mut last = Vec::new();
    for (index, kind) in BOTH.iter().enumerate() {
        let sent_back = world.full_deal_in(*kind, "Sent back");
        world.pass().await;
        world.advance(3_600);
        world.company().reject(sent_back, "", "Nobody knows the champion");
        world.pass().await;
        for number in 0..=index {
            let deal = world.full_deal_in(*kind, &format!("Accepted {number}"));
            world.pass().await;
            world.advance(5_400 + 1_800 * i64::try_from(number).unwrap());
            world.accept(deal);
            world.pass().await;
            if number == index {
                last.push(deal);
            }
        }
    }
    let numbers = live(&world).await;
    let page = plain(&get(&world, "/").await);
    let metrics = get(&world, "/metrics").await;
    let report: Report = serde_json::from_str(&get(&world, "/api/v1/scorecard").await).unwrap();
    for (kind, deal) in BOTH.iter().zip(last) {
        let motion = world.summary(deal).unwrap().handoff.motion.0;
        let live = numbers.iter().find(|live| live.contract == CONTRACT && live.motion == motion).unwrap();
        assert!(live.throughput.accepted >= 1, "{kind:?}");

        // On the record: the words that the record was last written with.
        let field = world.company().of(deal).crm().mapping().write.note.numbers.clone().unwrap();
        assert_eq!(world.company().field(deal, &field).as_str(), Some(live.to_string().as_str()), "{kind:?}");

        let row = report.rows.iter().find(|row| {
            row.contract == CONTRACT && row.motion == motion && row.period.as_deref() == Some(&live.period)
        });
        let names = [
            (Metric::Completion, "handoffd_month_completion_percent"),
            (Metric::Acceptance, "handoffd_month_acceptance_percent"),
            (Metric::TimeToAcceptance, "handoffd_month_time_to_acceptance_hours"),
        ];
        for (metric, name) in names {
            let figure = live.figure(metric).unwrap();
            assert!(figure.value.is_some() && figure.n > 0, "{kind:?} {metric:?}");
            assert_eq!(row.unwrap().figure(metric), Some(figure), "the scorecard's row");
            assert!(page.contains(&figure.words()), "{} is not on the page", figure.words());
            let scraped = gauge(&metrics, name, &motion);
            assert_eq!(scraped.to_string(), figure.value.unwrap().normalize().to_string(), "{name}");
        }
        let drill = format!(
            "/api/v1/scorecard/records?contract={CONTRACT}&motion={motion}&period={}&metric=acceptance",
            live.period
        );
        let drill: Drill = serde_json::from_str(&get(&world, &drill).await).unwrap();
        assert_eq!(Some(drill.n), live.figure(Metric::Acceptance).map(|figure| figure.n));
        assert_eq!(drill.records.len(), drill.n);
    }
    assert_ne!(numbers[0].figures, numbers[1].figures, "the two motions are told apart");

    // They change with every handoff, and are never a reason to write by themselves.
    let before = world.log().await.len();
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    assert_eq!(world.log().await.len(), before);
    world.assert_balanced();
    world.stop().await;
}

fn frozen(log: &[handoffd::view::Entry]) -> Vec<(String, u32)> {
    log.iter()
        .filter_map(|each| {
            let Some(LogEntry::MetricsFrozen { period, version, .. }) = &each.entry else { return None };
            Some((period.clone(), *version))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_freezes_once_and_stays_so_over_a_restart() {
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&steps);
    let failpoint: handoffd::failpoint::Hook = Arc::new(move |place: &str| {
        if place == "frozen" {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let options = Options { surface: true, failpoint: Some(failpoint), ..Options::default() };
    let mut world = Governed::start(options).await;
    let deal = world.full_deal("Accepted");
    world.pass().await;
    world.advance(3_600);
    world.accept(deal);
    world.pass().await;
    let month = live(&world).await[0].period.clone();
    assert_eq!(world.handle().freeze_now().await.unwrap(), 0, "the month is not over");
    world.advance(62 * 86_400);
    // What fell due meanwhile is told before.
    world.pass().await;
    assert_eq!(world.handle().freeze_now().await.unwrap(), 1);
    assert_eq!(world.handle().freeze_now().await.unwrap(), 0, "once");
    assert_eq!(frozen(&world.log().await), [(month.clone(), 1)]);
    world.restart().await;
    assert_eq!(world.handle().freeze_now().await.unwrap(), 0, "nor after a restart");
    assert_eq!(steps.load(Ordering::SeqCst), 1);
    let report: Report = serde_json::from_str(&get(&world, "/api/v1/scorecard").await).unwrap();
    let shown: Vec<Option<u32>> =
        report.rows.iter().filter(|row| row.period.as_ref() == Some(&month)).map(|row| row.version).collect();
    assert_eq!(shown, [Some(1)]);
    let live: Report = serde_json::from_str(&get(&world, "/api/v1/scorecard?version=live").await).unwrap();
    assert!(live.rows.iter().all(|row| row.version.is_none()));
    world.verify_audit();
    world.stop().await;
}
