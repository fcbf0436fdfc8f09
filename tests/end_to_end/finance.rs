//! What finance reads of a governed company: cleared once, frozen with its period, taken back by a numbered adjustment; and a contract that only its
//! receiver can loosen.

use handoff_core::contract::ContractRef;
use handoff_core::handoff::Phase;
use handoff_core::lifecycle::NotAllowed;
use handoff_measure::ledger::{Format, Month, Row, State};
use handoffd::finance::{ContractAct, NotClosed, NotDone, Request, bytes};
use handoffd_tests::crm::Deal;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, INGRID};
use serde_json::json;

const MAPPING: &str = "salesforce/h03-ae-to-onboarding.toml";
const CONTRACT: &str = "h03-ae-to-onboarding";

fn shipped(path: &str) -> String {
    handoff_core::registry::shipped().find(|(known, _)| known.ends_with(path)).unwrap().1.to_owned()
}

async fn rows(world: &Governed, period: Month, deal: Deal) -> Vec<Row> {
    let made = world.handle().commission(period).await.unwrap().statement;
    made.rows.into_iter().filter(|row| row.deal == deal.record().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f08_a_reopen_after_the_period_was_closed_is_adjustment_1_in_the_next() {
    let mut world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Paid");
    world.edit(AVA, deal, &json!({"Amount": 48_000.5}));
    world.pass().await;
    let period = Month::of(world.now());
    let held = rows(&world, period, deal).await.remove(0);
    assert_eq!((held.state, held.amount.unwrap().to_string()), (State::Held, "48000.5".to_owned()));
    assert_eq!(held.hold_reason.as_deref(), Some("Waiting for the onboarding lead to accept"));

    world.accept(deal);
    world.pass().await;
    let cleared = rows(&world, period, deal).await.remove(0);
    assert_eq!((cleared.state, cleared.currency.as_deref()), (State::Cleared, Some("EUR")));
    let stands = world.company().field(deal, "Handoff_03_Clearance_Id__c");
    assert_eq!(
        Some(cleared.receipt.as_str()),
        stands.as_str(),
        "the receipt is the clearance id on the record"
    );
    assert!(matches!(world.handle().close_period(period, "fiona").await, Err(NotClosed::NotOver { .. })));

    world.set_time(period.end().unwrap());
    world.advance(1_200);
    let closed = world.handle().close_period(period, "fiona").await.unwrap();
    assert_eq!(closed.files.len(), 3);
    assert!(matches!(
        world.handle().close_period(period, "fiona").await,
        Err(NotClosed::AlreadyClosed { .. })
    ));
    let frozen = |world: &Governed, made: &_| -> Vec<Vec<u8>> {
        Format::ALL.iter().map(|format| bytes(&world.state_dir(), made, *format).unwrap()).collect()
    };
    let before = frozen(&world, &world.handle().commission(period).await.unwrap());

    world.say(AVA, deal, &[("go_live", "date", "2027-05-31")]);
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION));
    let next = period.next();
    let adjusted = rows(&world, next, deal).await.remove(0);
    assert_eq!((adjusted.state, adjusted.adjustment, adjusted.cycle), (State::Adjusted, Some(1), 2));
    assert_eq!(adjusted.amount.unwrap().to_string(), "-48000.5");
    assert!(adjusted.hold_reason.unwrap().starts_with("held again: edited after acceptance: go live"));

    // The closed month gives the same bytes, also from the log alone, and after a restart.
    let folder = world.state_dir().join("commission").join(period.to_string());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
    std::fs::remove_dir_all(&folder).unwrap();
    world.restart().await;
    assert_eq!(frozen(&world, &world.handle().commission(period).await.unwrap()), before);
    world.accept(deal);
    world.pass().await;
    let states: Vec<State> = rows(&world, next, deal).await.iter().map(|row| row.state).collect();
    assert_eq!(states, [State::Adjusted; 0], "re-opened and accepted within one month: nothing to adjust");
    world.assert_balanced();
    assert!(world.verify_audit() > 0);
}

fn request(by: &str, act: ContractAct) -> Request {
    Request { act, by: by.to_owned(), comment: "the customer never names an anchor".to_owned() }
}

fn version_2(text: &str, drop_table: &str) -> String {
    let text = text.replacen("version = 1", "version = 2", 1).replacen("version   = 1", "version   = 2", 1);
    let start = text.find(drop_table).unwrap();
    let rest = text.get(start + 1..).unwrap();
    let end = rest.find("\n[").map_or(text.len(), |end| start + 1 + end);
    format!("{}{}", &text[..start], &text[end..])
}

fn standing(world: &Governed, version: u32) -> String {
    let rows = world.handle().contracts();
    rows.into_iter().find(|row| row.contract == CONTRACT && row.version == version).unwrap().standing
}

fn pinned(world: &Governed, deal: Deal) -> ContractRef {
    world.summary(deal).unwrap().contract
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e08_e09_a_weaker_contract_needs_the_receiver_and_open_handoffs_keep_theirs() {
    let mut world = Governed::start(Options::default()).await;
    let old = world.full_deal("Old");
    world.pass().await;
    let contract = shipped("contracts/h03-ae-to-onboarding.v1.toml");
    let weaker = loosened(&contract);
    world.file("contracts/h03-ae-to-onboarding.v2.toml", &weaker);
    world.file(MAPPING, &version_2(&shipped(MAPPING), "[read.expansion]"));
    world.restart().await;
    assert_eq!((standing(&world, 1).as_str(), standing(&world, 2).as_str()), ("in_force", "unapproved"));
    let new = world.full_deal("New");
    world.pass().await;
    assert_eq!(pinned(&world, new).version, 1, "nobody approved the files' text: the old one stays in force");

    let (contract, version) = (CONTRACT.to_owned(), 2);
    let act = |by: &str, act: ContractAct| {
        let (handle, request) = (world.handle(), request(by, act));
        async move { handle.act_on_contract(request).await }
    };
    let approve = || ContractAct::Approve { contract: contract.clone(), version };
    let publish = || ContractAct::Publish { contract: contract.clone(), version, effective: None };
    act(AVA, ContractAct::Propose { text: weaker }).await.unwrap();
    let refused = |done: Result<_, NotDone>| match done {
        Err(NotDone::Refused(why)) => why,
        Err(_) | Ok(_) => panic!("must be refused"),
    };
    assert_eq!(refused(act(AVA, publish()).await), NotAllowed::NotApproved);
    assert_eq!(refused(act(AVA, approve()).await), NotAllowed::NotTheReceiver);
    act(INGRID, approve()).await.unwrap();
    let published = act(AVA, publish()).await.unwrap();
    assert_eq!(published.standing, "in_force");
    assert_eq!(published.refused, 2, "both attempts stand in the log");
    assert!(published.weaker.iter().any(|words| words.starts_with("WEAKER   field expansion")));

    let newest = world.full_deal("Newest");
    world.pass().await;
    assert_eq!(pinned(&world, newest).version, 2);
    assert_eq!(pinned(&world, old).version, 1, "an open handoff keeps its pin");
    let stream = world.summary(old).unwrap().stream;
    let moved = world.handle().repin(&stream, INGRID, "agreed with sales").await.unwrap();
    assert_eq!((moved.before, moved.after), (1, 2));
    world.pass().await;
    assert_eq!((pinned(&world, old).version, world.phase(old)), (2, Some(Phase::Complete)));
    world.restart().await;
    world.pass().await;
    assert_eq!((pinned(&world, old).version, standing(&world, 2).as_str()), (2, "in_force"));
    world.assert_balanced();
}

/// The shipped contract without its last field, as version 2.
fn loosened(contract: &str) -> String {
    let text = contract.replacen("version = 1", "version = 2", 1).replacen("version  = 1", "version  = 2", 1);
    assert_ne!(text, contract);
    let last = text.rfind("[[field]]").unwrap();
    assert!(text[last..].contains("expansion"));
    text[..last].to_owned()
}
