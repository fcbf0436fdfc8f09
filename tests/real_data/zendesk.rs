//! Tickets as a warehouse connector exports them from Zendesk, played as handoff 05: nothing of them could be handed over, and what
//! happened beside the package equals what an independent program counts.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::beside::Happening;
use handoff_core::event::{Concern, Event};
use handoff_core::handoff::Phase;
use handoff_core::journal::LogEntry;
use handoffd::view::Filter;
use handoffd_tests::crm::{HUBSPOT, Kind, SALESFORCE};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::data::{data, python};
use crate::desk::{Desk, Raised};

#[derive(Deserialize)]
struct Step {
    at: i64,
    case: String,
    what: String,
    #[serde(default)]
    by: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    customer: String,
    #[serde(default)]
    impact: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    evidence: String,
}

const CSM: &str = "csm@zendesk.example";
const FIELDS: [&str; 6] =
    ["acknowledgement", "close_the_loop", "communication_owner", "echo_cadence", "impact", "signal"];

fn login(who: &str) -> String {
    format!("{who}@zendesk.example")
}

#[tokio::test(flavor = "multi_thread")]
async fn f15_zendesk_silent_tickets_equal_what_was_counted_outside_in_salesforce() {
    equals_the_export(SALESFORCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f15_zendesk_silent_tickets_equal_what_was_counted_outside_in_hubspot() {
    equals_the_export(HUBSPOT).await;
}

async fn equals_the_export(crms: &'static [Kind]) {
    let Some(folder) = data("fivetran_zendesk") else { return };
    let truth: BTreeMap<String, Value> =
        serde_json::from_str(&python("zendesk.py", &[&folder], &["--truth"])).unwrap();
    let steps: Vec<Step> = python("zendesk.py", &[&folder], &[])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let gone = ["solved", "closed"].map(str::to_owned);
    let open = ["new", "open", "pending", "on-hold"].map(str::to_owned);
    let people: BTreeSet<String> =
        steps.iter().filter(|step| !step.by.is_empty()).map(|step| login(&step.by)).collect();
    let people: Vec<String> = people.into_iter().chain([CSM.to_owned()]).collect();
    let start = Timestamp::from_second(steps.first().unwrap().at - 3_600).unwrap();
    let mut desk = Desk::prepare(crms, start, (&open, &gone), &people).await;
    desk.world.begin().await.unwrap();
    let ids = play(&mut desk, &steps).await;

    let names: BTreeMap<&str, &str> = ids.iter().map(|(name, id)| (id.as_str(), name.as_str())).collect();
    let mut counts: BTreeMap<&str, BTreeMap<&'static str, u64>> = BTreeMap::new();
    let entries = desk.world.log().await;
    for entry in entries.iter().filter_map(|entry| entry.entry.as_ref()) {
        let Some((handoff, events)) = LogEntry::handoff(entry) else { continue };
        let ticket = counts.entry(names[handoff.subject.record.as_str()]).or_default();
        for what in events.iter().filter_map(counted) {
            *ticket.entry(what).or_default() += 1;
        }
    }
    let view = desk.world.handle().view();
    let mut told: BTreeMap<String, Value> = BTreeMap::new();
    for summary in view.handoffs(&Filter::default()) {
        let detail = view.handoff(&summary.stream).await.unwrap().unwrap();
        let state = detail.state.unwrap();
        let name = names[state.id.subject.record.as_str()];
        let ended = summary.phase == Phase::Voided;
        let missing: BTreeSet<&str> =
            detail.verdict.as_ref().unwrap().missing.iter().map(|found| found.field.as_str()).collect();
        // Nothing is judged any more about a ticket that is gone; what it held is still in the log.
        let filled: Vec<&str> = if ended {
            truth[name]["filled"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
        } else {
            FIELDS.into_iter().filter(|field| !missing.contains(field)).collect()
        };
        let mut ticket = json!({ "filled": filled, "ended": ended });
        for what in ["ack_missed", "echoed", "resolved", "withdrawn", "loop_missed", "foreign"] {
            ticket[what] = counts[name].get(what).copied().unwrap_or_default().into();
        }
        assert!(ended || !desk.queued(&state.id.subject), "{name} is in nobody's queue");
        let heard = state.concerns.contains(&Concern::CustomerHeardFromOthers);
        assert_eq!(heard, ticket["foreign"] != json!(0) && !ended, "{name}");
        told.insert(name.to_owned(), ticket);
    }
    assert_eq!(told, truth);
    let all = |what: &str| -> u64 { told.values().filter_map(|ticket| ticket[what].as_u64()).sum() };
    assert_eq!((told.len(), all("ack_missed"), all("foreign"), all("loop_missed")), (33, 32, 20, 22));
    desk.world.assert_accounted();
    desk.world.stop().await;
}

async fn play(desk: &mut Desk, steps: &[Step]) -> BTreeMap<String, String> {
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for step in steps {
        desk.crm_time(step.at);
        let (who, case) = (login(&step.by), step.case.as_str());
        let id = ids.get(case).cloned().unwrap_or_default();
        match step.what.as_str() {
            "raise" => {
                let evidence = Some(step.evidence.as_str()).filter(|_| !step.channel.is_empty());
                let raised = Raised {
                    name: case,
                    by: &who,
                    csm: CSM,
                    status: &step.status,
                    customer: &step.customer,
                    impact: &step.impact,
                    evidence,
                    agreed: false,
                };
                ids.insert(case.to_owned(), desk.raise(&raised));
            }
            "status" => desk.status(&who, &id, &step.status),
            "take" => desk.take(&who, &id, None, false),
            "message" => desk.write(&who, &id),
            "delete" => desk.delete(&who, &id),
            "look" => {
                desk.look(step.at).await;
                // HubSpot's search shows nothing that was archived: the sweep finds out.
                desk.world.handle().sweep_now().await.unwrap();
                desk.world.settle().await;
            }
            other => panic!("no such step: {other}"),
        }
    }
    ids
}

fn counted(event: &Event) -> Option<&'static str> {
    let Event::Beside { what } = event else { return None };
    match what {
        Happening::Echoed { .. } => Some("echoed"),
        Happening::ResolutionWithdrawn => Some("withdrawn"),
        Happening::ForeignMessage { .. } => Some("foreign"),
        Happening::AckMissed { .. } | Happening::Resolved { .. } | Happening::LoopMissed { .. } => {
            Some(what.name())
        }
        _ => None,
    }
}
