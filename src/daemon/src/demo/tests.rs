use handoff_measure::period::Period;

use super::*;
use crate::cli::audit::replayed;
use crate::metrics::Metrics;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_of_the_six_stories_holds_and_the_log_replays() {
    let stage = Stage::start(Setting { whole: true, ..Setting::default() }).await.unwrap();
    let mut steps = Vec::new();
    let ok = play(&stage, &mut |step| steps.push(step.clone())).await.unwrap();
    let failed: Vec<&Step> = steps.iter().filter(|step| !step.ok).collect();
    assert!(ok && failed.is_empty(), "{failed:#?}");
    let in_crm = |crm: &str| steps.iter().filter(|step| step.crm == crm).count();
    assert_eq!((in_crm("Salesforce"), in_crm("HubSpot"), in_crm("The ledger")), (41, 42, 1));
    for handoff in ["01", "02", "03", "04", "05", "06"] {
        let told = steps.iter().filter(|step| step.handoff == handoff).count();
        assert!(told >= 8, "handoff {handoff} is told in {told} steps");
    }

    let view = stage.app.view();
    let now = stage.now();
    let report = view.standing(move |standing| standing.scorecard.report(Period::Week, now)).await.unwrap();
    let rows: Vec<_> = report.rows.iter().filter(|row| row.period.is_none()).collect();
    let contracts: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.contract.as_str()).collect();
    assert_eq!(contracts.len(), 6);
    let sales: Vec<_> = rows.into_iter().filter(|row| row.contract.starts_with("h03")).collect();
    assert_eq!(sales.len(), 2, "one motion in each CRM");
    for row in sales {
        let counts = &row.counts;
        assert!(counts.bypasses >= 1 && counts.tampers >= 1 && counts.adjustments == 1, "{counts:#?}");
        assert_eq!(counts.accepted, 2);
    }
    let text = Metrics::default().text(&view, &report, &[], stage.now()).unwrap();
    crate::metrics::tests::parses(&text);
    assert!(!text.contains("006SB"), "a record id in a label");
    drop(view);

    let (config, folder) = stage.stop().await.unwrap();
    let replayed = replayed(&config).unwrap_or_else(|failure| panic!("{}", failure.message));
    assert_eq!(replayed.difference, None);
    assert!(replayed.decisions > 10);
    drop(folder);
}

/// The story's own deal, from its first opening to the adjustment after the win.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_tells_the_whole_story_of_a_deal() {
    let stage = Stage::start(Setting::default()).await.unwrap();
    play(&stage, &mut |_step| {}).await.unwrap();
    let view = stage.app.view();
    let all = view.handoffs(&crate::view::Filter::default());
    let in_salesforce = all.iter().filter(|summary| summary.handoff.subject.connection.as_str() == "sf");
    let longest = in_salesforce.max_by_key(|summary| (summary.handoff.cycle, &summary.stream)).unwrap();
    let detail = view.handoff(&longest.stream).await.unwrap().unwrap();
    let registry = handoff_core::registry::Registry::load(handoff_core::registry::shipped()).unwrap();
    let contract = registry.pinned(&longest.contract).map(|held| &held.contract);
    let entries: Vec<_> =
        detail.entries.into_iter().filter_map(|each| Some((each.position, each.entry?))).collect();
    let told = crate::cli::why::Told {
        versions: crate::cli::why::versions(&entries),
        stream: longest.stream.clone(),
        state: detail.state,
        verdict: detail.verdict,
        entries,
        evidence: Vec::new(),
        reasks: Vec::new(),
        holds: Vec::new(),
        owed: Vec::new(),
    };
    let text = crate::cli::why::explain(&told, contract);
    insta::assert_snapshot!(masked(&text));
    drop(view);
    stage.stop().await.unwrap();
}

/// The text without what differs from run to run: moments, days, digests of packages with days in them, log positions, clearance ids.
fn masked(text: &str) -> String {
    let mut last = String::new();
    let mut mask = |word: &str| -> String {
        let core: &str = word.trim_end_matches(['\n', ',', ':', ';']);
        let tail = &word[core.len()..];
        let dashed = core.len() == 10 && core.as_bytes()[4] == b'-' && core.as_bytes()[7] == b'-';
        let before = std::mem::replace(&mut last, core.to_owned());
        let masked = if dashed {
            "[day]"
        } else if core.len() == 9 && core.ends_with('Z') && core.as_bytes()[2] == b':' {
            "[time]"
        } else if before == "clearance" && !core.is_empty() {
            "[id]"
        } else if before == "sha256" {
            "[digest]"
        } else if core.len() > 1 && core.starts_with('#') {
            "#n"
        } else {
            core
        };
        format!("{masked}{tail}")
    };
    let lines = text.lines().map(|line| {
        let line = line.split(' ').map(&mut mask).collect::<Vec<_>>().join(" ");
        // Positions differ in length from run to run.
        line.split_once("#n ").map_or(line.clone(), |(head, rest)| format!("{head}#n {}", rest.trim_start()))
    });
    lines.collect::<Vec<_>>().join("\n")
}
