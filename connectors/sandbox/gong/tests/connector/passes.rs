use std::time::Duration;

use handoff_connector::Cursor;
use handoff_core::evidence::LinkKind;
use handoff_sandbox_gong::Link;

use crate::talk::{AVA, BUYER, Talk, config, ids};

const DAY: i64 = 24 * 3_600;

#[tokio::test]
async fn a_pass_brings_every_call_of_the_window_and_the_next_one_what_came_late() {
    let talk = Talk::start().await;
    let mut made: Vec<String> = (0..230).map(|turn| talk.add(talk.call(600 + turn * 60))).collect();
    talk.add(talk.call(8 * DAY));
    let late = talk.add(talk.call(3 * DAY).processed_at(talk.at(2 * DAY)));
    made.sort();
    let (calls, cursor) = talk.pass(&Cursor::beginning()).await;
    assert_eq!(ids(&calls), made);
    talk.workspace().advance(2 * DAY);
    let (calls, _) = talk.pass(&cursor).await;
    assert!(ids(&calls).contains(&late), "it began before the first pass and appeared after it");
    talk.behaved();
}

#[tokio::test]
async fn an_empty_company_is_an_empty_pass() {
    let talk = Talk::start().await;
    assert_eq!(talk.pass(&Cursor::beginning()).await.0, []);
    talk.behaved();
}

#[tokio::test]
async fn a_pass_whose_cursor_expired_reads_the_window_again() {
    let talk = Talk::start().await;
    talk.workspace().set_cursor_life(60);
    for turn in 0..150 {
        talk.add(talk.call(600 + turn));
    }
    let first = talk.page(&Cursor::beginning()).await.unwrap();
    assert_eq!((first.calls.len(), first.more), (100, true));
    talk.workspace().advance(120);
    let (calls, _) = talk.pass(&first.next).await;
    assert_eq!(calls.len(), 150, "from the first page on");
    talk.workspace().advance(3_600);
    assert_eq!(talk.pass(&first.next).await.0.len(), 150, "a pass that rested an hour does not even try");
    talk.behaved();
}

#[tokio::test]
async fn a_call_that_is_linked_to_another_deal_later_is_read_again() {
    let talk = Talk::start().await;
    let call = talk.call(DAY).about(Link::account("Salesforce", "001A")).about(Link::deal("HubSpot", "7"));
    let id = talk.add(call);
    let (calls, cursor) = talk.pass(&Cursor::beginning()).await;
    let links: Vec<(&str, LinkKind, &str)> =
        calls[0].links.iter().map(|link| (link.connector.as_str(), link.kind, link.id.as_str())).collect();
    assert_eq!(links, [("hubspot", LinkKind::Deal, "7"), ("salesforce", LinkKind::Account, "001A")]);
    talk.workspace().advance(30 * DAY);
    talk.workspace().relink(&id, AVA, "Salesforce", Some("001B"), Some("006B")).unwrap();
    let (calls, _) = talk.pass(&cursor).await;
    assert_eq!(ids(&calls), std::slice::from_ref(&id), "long out of the window, but the feed names it");
    assert_eq!(calls[0].links.iter().map(|link| link.id.as_str()).collect::<Vec<_>>(), ["006B", "001B"]);
    talk.behaved();
}

#[tokio::test]
async fn times_with_an_offset_unknown_fields_and_gaps_are_read() {
    let talk = Talk::start().await;
    talk.workspace().set_utc_offset(9).unwrap();
    talk.workspace().set_unknown_fields(true);
    let bare = talk.add(talk.call(900).without_parties());
    let said = talk.call(800).says(BUYER, "Pricing", &["I sign."]).private();
    let full = talk.add(said.tracked("Economic buyer", 1_250, Some(BUYER)));
    let (calls, _) = talk.pass(&Cursor::beginning()).await;
    let of = |id: &str| calls.iter().find(|call| call.id == id).unwrap();
    assert_eq!((of(&bare).parties.len(), of(&bare).started), (0, talk.at(-900)));
    let call = of(&full);
    assert_eq!((call.private, call.seconds), (true, 1_800));
    assert_eq!(call.parties.iter().map(|party| party.ours).collect::<Vec<_>>(), [Some(true), Some(false)]);
    assert_eq!(call.trackers[0].at_ms, 1_250);
    assert_eq!(call.trackers[0].speaker, call.parties[1].speaker);
    talk.behaved();
}

#[tokio::test]
async fn only_the_calls_of_the_configured_workspace() {
    let mut config = config();
    config.lookback = Duration::from_hours(1);
    let talk = Talk::start().await;
    config.workspace = Some(talk.workspace().id());
    let own = Talk::with(config).await;
    let other = own.workspace().add_workspace(handoff_sandbox_gong::WorkspaceInfo {
        id: String::new(),
        name: "EMEA".to_owned(),
        description: None,
    });
    let mut foreign = own.call(300);
    foreign.workspace = Some(other);
    own.add(foreign);
    own.add(own.call(2 * 3_600));
    let mine = own.add(own.call(600));
    assert_eq!(ids(&own.pass(&Cursor::beginning()).await.0), [mine]);
    own.behaved();
}

#[tokio::test]
async fn links_made_while_nobody_looked_are_found_after_a_long_rest() {
    for seen_before in [true, false] {
        let talk = Talk::start().await;
        let (one, two) = (talk.add(talk.call(DAY)), talk.add(talk.call(DAY)));
        if seen_before {
            talk.workspace().relink(&one, AVA, "Salesforce", Some("001A"), None).unwrap();
        }
        let (_, cursor) = talk.pass(&Cursor::beginning()).await;
        talk.workspace().advance(DAY);
        talk.workspace().relink(&two, AVA, "Salesforce", Some("001B"), None).unwrap();
        talk.workspace().advance(10 * DAY);
        let (calls, _) = talk.pass(&cursor).await;
        assert!(ids(&calls).contains(&two), "made after the last pass, and before the window of this one");
        talk.behaved();
    }
}
