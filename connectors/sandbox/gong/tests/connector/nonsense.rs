use handoff_connector::{Calls as _, Cursor, Fault};
use handoff_sandbox_gong::{Action, Fault as Plant};

use crate::talk::{AVA, Talk, ids};

/// What each planted answer must be taken for.
fn planted() -> Vec<(Action, &'static str)> {
    let answer = |status: u16, body: &str| Action::Answer {
        status,
        body: body.to_owned(),
        content_type: None,
        retry_after: None,
        apply: false,
    };
    vec![
        (Action::Unauthorized, "expired"),
        (Action::Forbidden, "denied"),
        (Action::RateLimited { retry_after: 1 }, "throttled"),
        (Action::ServerError, "transient"),
        (Action::HtmlOk, "transient"),
        (Action::Malformed, "protocol"),
        (answer(404, "{\"errors\": [\"No route\"]}"), "protocol"),
        (answer(404, "<html></html>"), "denied"),
        (answer(400, "{\"errors\": [\"a new text\"]}"), "protocol"),
        (answer(200, "{\"calls\": [{}]}"), "protocol"),
        (answer(200, "{\"calls\": "), "transient"),
        (answer(409, "{}"), "protocol"),
    ]
}

#[tokio::test]
async fn what_goes_wrong_is_named_and_never_taken_for_no_calls() {
    let talk = Talk::start().await;
    let call = talk.add(talk.call(900));
    for (action, kind) in planted() {
        talk.workspace().plant(Plant::on_kind("extensive", action.clone()));
        let fault = talk.page(&Cursor::beginning()).await.unwrap_err();
        assert_eq!(fault.kind(), kind, "{action:?}: {fault}");
    }
    talk.workspace().plant(Plant::on_kind("extensive", Action::EmptyOk));
    assert!(talk.page(&Cursor::beginning()).await.is_err());
    assert_eq!(ids(&talk.pass(&Cursor::beginning()).await.0), [call], "and then all is well again");
    talk.behaved();
}

#[tokio::test]
async fn a_wait_of_hours_is_the_days_budget() {
    let talk = Talk::start().await;
    talk.workspace().set_limit(10_000, 10_000);
    let fault = talk.page(&Cursor::beginning()).await.unwrap_err();
    let Fault::Throttled { retry_after, budget } = fault else { panic!("{fault}") };
    assert_eq!((retry_after.unwrap().as_secs(), budget), (15 * 3_600, "daily"));
}

#[tokio::test]
async fn transcripts_that_break_are_faults_and_not_silence() {
    let talk = Talk::start().await;
    let call = talk.add(talk.call(900).says(AVA, "Hello", &["Hi."]));
    for action in [Action::Malformed, Action::HtmlOk, Action::Unauthorized, Action::ServerError] {
        talk.workspace().plant(Plant::on_kind("transcripts", action.clone()));
        assert!(talk.lead(talk.gong.transcripts(std::slice::from_ref(&call))).await.is_err(), "{action:?}");
    }
    talk.behaved();
}

#[tokio::test]
async fn a_pass_goes_on_without_the_feed_it_may_not_read() {
    let scopes = ["api:users:read", "api:calls:read:extensive"];
    let talk = Talk::start().await.with_scopes(&scopes);
    let call = talk.add(talk.call(900));
    assert_eq!(ids(&talk.pass(&Cursor::beginning()).await.0), [call]);
    talk.behaved();
}
