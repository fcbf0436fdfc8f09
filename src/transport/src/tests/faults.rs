//! What follows from faults.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use handoff_connector::{Exchange, Fault, Reply, Request, Step};

use super::support::{Rig, Tokens, answer, grant, read, scripted, write};
use crate::{CircuitStatus, LONGEST_WAIT, Note, SessionStatus, WireFault};

fn kind<T: std::fmt::Debug>(result: Result<T, Fault>) -> &'static str {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn d01_everybody_waits_as_told_and_nothing_is_lost() {
    let told = |header: Option<&'static str>| async move {
        let headers: Vec<_> = header.into_iter().map(|value| ("retry-after", value)).collect();
        let (wire, calls) = scripted(move |number, _| {
            Ok(if number == 1 { answer(429, &headers, "") } else { answer(200, &[], "done") })
        });
        let rig = Rig::new(wire, Tokens::numbered());
        let transport = rig.build();
        assert_eq!(
            transport.run(write()).await,
            Ok("done".to_owned()),
            "throttled calls were not carried out"
        );
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        rig.slept()
    };
    assert_eq!(told(Some("17")).await, [Duration::from_secs(17)]);
    assert_eq!(told(Some("Fri, 20 Nov 2026 12:00:30 GMT")).await, [Duration::from_secs(30)]);
    assert_eq!(told(None).await, [Duration::from_secs(5)]);
    assert_eq!(told(Some("315360000")).await, [LONGEST_WAIT]);
    assert_eq!(told(Some("-1")).await, [Duration::from_secs(1)]);
    assert_eq!(told(Some("99999999999999999999999")).await, [LONGEST_WAIT]);
}

#[tokio::test]
async fn d01_a_pause_holds_other_workers_too_and_is_shown() {
    let (wire, calls) = scripted(|number, _| {
        Ok(if number == 1 {
            answer(429, &[("retry-after", "31536000")], "")
        } else {
            answer(200, &[], "done")
        })
    });
    let mut rig = Rig::new(wire, Tokens::numbered());
    rig.clock = super::support::ManualClock::still();
    let transport = rig.build();
    let first = tokio::spawn({
        let t = Arc::clone(&transport);
        async move { t.run(read()).await }
    });
    while calls.load(Ordering::SeqCst) == 0 || transport.status().budgets[0].blocked_until.is_none() {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn({
        let t = Arc::clone(&transport);
        async move { t.run(write()).await }
    });
    while transport.status().budgets[0].waiting < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let shown = transport.status().budgets.remove(0);
    assert_eq!(shown.blocked_until, Some(super::support::start() + LONGEST_WAIT));
    assert_eq!(shown.asked_wait, Some(Duration::from_hours(8_760)));
    rig.clock.advance(LONGEST_WAIT);
    assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    assert_eq!(transport.status().budgets[0].blocked_until, None);
}

#[tokio::test]
async fn d02_a_used_up_day_is_handed_back_at_once_and_blocks_further_calls() {
    let (wire, calls) = scripted(|_, _| Ok(answer(430, &[], "")));
    let rig = Rig::new(wire, Tokens::numbered());
    let transport = rig.build();
    assert_eq!(kind(transport.run(read()).await), "throttled");
    assert_eq!(kind(transport.run(read()).await), "throttled");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(rig.slept(), []);
    rig.clock.advance(LONGEST_WAIT);
    assert_eq!(kind(transport.run(read()).await), "throttled");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn d03_server_errors_are_retried_with_growing_waits_and_bounded() {
    let (wire, calls) = scripted(|number, _| {
        Ok(match number {
            1 => answer(500, &[], ""),
            2 => answer(502, &[], "<html>bad gateway</html>"),
            3 => answer(503, &[], ""),
            _ => answer(200, &[], "done"),
        })
    });
    let rig = Rig::new(wire, Tokens::numbered());
    assert_eq!(rig.build().run(read()).await, Ok("done".to_owned()));
    assert_eq!(calls.load(Ordering::SeqCst), 4);
    assert_eq!(rig.slept(), [375, 750, 1_500].map(Duration::from_millis));
}

#[tokio::test]
async fn d03_a_vendor_that_stays_down_is_probed_not_hammered() {
    let (wire, calls) = scripted(|number, _| Ok(answer(if number <= 13 { 504 } else { 200 }, &[], "")));
    let rig = Rig::new(wire, Tokens::numbered());
    let transport = rig.build();
    for _ in 0..20 {
        assert_eq!(kind(transport.run(read()).await), "transient");
    }
    assert_eq!(
        calls.load(Ordering::SeqCst),
        12,
        "three conversations of four attempts, then the circuit opens"
    );
    assert!(matches!(transport.status().circuit, CircuitStatus::Down { .. }));
    rig.clock.advance(Duration::from_secs(30));
    assert!(transport.run(read()).await.is_ok());
    assert_eq!(transport.status().circuit, CircuitStatus::Closed);
    assert!(rig.notes.lock().unwrap().contains(&Note::Circuit { open: true }));
}

#[tokio::test]
async fn d04_an_unclear_write_is_not_sent_again() {
    for fault in [WireFault::Unclear("the answer took too long"), WireFault::TooLarge(10)] {
        let (wire, calls) = scripted(move |_, _| Err(fault.clone()));
        let rig = Rig::new(wire, Tokens::numbered());
        assert_eq!(kind(rig.build().run(write()).await), "transient");
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
    for status in [500, 503, 409] {
        let (wire, calls) = scripted(move |_, _| Ok(answer(status, &[], "")));
        let rig = Rig::new(wire, Tokens::numbered());
        assert_eq!(kind(rig.build().run(write()).await), "transient");
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn d04_a_write_that_was_never_sent_is_sent_again() {
    let (wire, calls) = scripted(|number, _| {
        if number < 3 { Err(WireFault::NotSent("connection refused")) } else { Ok(answer(200, &[], "done")) }
    });
    let rig = Rig::new(wire, Tokens::numbered());
    assert_eq!(rig.build().run(write()).await, Ok("done".to_owned()));
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn d09_a_token_that_expires_under_a_hundred_workers_is_renewed_once() {
    let (wire, calls) =
        scripted(|_, bearer| Ok(answer(if bearer == "Bearer token-1" { 401 } else { 200 }, &[], "done")));
    let tokens = Tokens::numbered();
    let mut rig = Rig::new(wire, tokens.clone());
    rig.config.attempts = 1;
    let transport = rig.build();
    let workers = (0..100).map(|_| transport.run(read()));
    let done = futures::future::join_all(workers).await;
    assert!(done.iter().all(|result| result.as_deref() == Ok("done")), "{done:?}");
    assert_eq!(tokens.calls(), 2, "one grant, one renewal");
    assert!(calls.load(Ordering::SeqCst) > 100);
}

#[tokio::test]
async fn d09_a_second_expiry_is_a_denial_with_a_remedy() {
    let (wire, calls) = scripted(|_, _| Ok(answer(401, &[], "")));
    let tokens = Tokens::numbered();
    let rig = Rig::new(wire, tokens.clone());
    let fault = rig.build().run(read()).await.unwrap_err();
    assert!(matches!(&fault, Fault::Denied { remedy, .. } if !remedy.is_empty()), "{fault:?}");
    assert_eq!((calls.load(Ordering::SeqCst), tokens.calls()), (2, 2));
}

#[tokio::test]
async fn d10_a_revoked_authorisation_is_tried_once_a_minute_and_recovers() {
    let (wire, calls) = scripted(|_, _| Ok(answer(200, &[], "done")));
    let tokens = Tokens::new(|number| {
        if number <= 3 {
            return Err(Fault::Denied {
                detail: "invalid_grant".to_owned(),
                remedy: "Authorise again".to_owned(),
            });
        }
        Ok(grant("good"))
    });
    let rig = Rig::new(wire, tokens.clone());
    let transport = rig.build();
    for _minute in 0..2 {
        for _ in 0..30 {
            assert_eq!(kind(transport.run(read()).await), "denied");
            rig.clock.advance(Duration::from_secs(2));
        }
    }
    assert_eq!(tokens.calls(), 2, "at most one try a minute");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let status = transport.status();
    assert!(
        matches!(&status.session, SessionStatus::NeedsReauthorisation { remedy, .. } if remedy == "Authorise again")
    );
    assert!(matches!(status.circuit, CircuitStatus::Denied { .. }));
    assert_eq!(kind(transport.run(read()).await), "denied");
    transport.reset();
    assert_eq!(transport.run(read()).await, Ok("done".to_owned()));
    assert_eq!(transport.status().circuit, CircuitStatus::Closed);
    assert!(
        rig.ledger.counts.lock().unwrap()["day"].own.values().eq([&1]),
        "no call was charged without a token"
    );
}

#[tokio::test]
async fn d10_a_denied_call_opens_the_circuit_until_a_probe_succeeds() {
    let (wire, calls) = scripted(|number, _| Ok(answer(if number < 3 { 403 } else { 200 }, &[], "done")));
    let rig = Rig::new(wire, Tokens::numbered());
    let transport = rig.build();
    for _ in 0..10 {
        let fault = transport.run(read()).await.unwrap_err();
        assert_eq!(fault, Fault::Denied { detail: "no access".to_owned(), remedy: "Give access".to_owned() });
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    rig.clock.advance(Duration::from_mins(1));
    assert_eq!(kind(transport.run(read()).await), "denied");
    rig.clock.advance(Duration::from_secs(59));
    assert_eq!(kind(transport.run(read()).await), "denied");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    rig.clock.advance(Duration::from_secs(1));
    assert!(transport.run(read()).await.is_ok());
    assert!(transport.run(read()).await.is_ok());
}

#[tokio::test]
async fn d11_a_token_of_another_org_is_never_used() {
    let pinned = "00D000000000001EAA";
    for (org, used) in [
        (Some("00D000000000001EAA"), true),
        (Some("00D000000000001"), true),
        (Some("00D000000000002EAA"), false),
        (Some("00d000000000001EAA"), false),
        (Some("00D"), false),
        (None, false),
    ] {
        let (wire, calls) = scripted(|_, _| Ok(answer(200, &[], "done")));
        let tokens = Tokens::new(move |_| {
            let mut grant = grant("good");
            grant.org_id = org.map(str::to_owned);
            Ok(grant)
        });
        let mut rig = Rig::new(wire, tokens);
        rig.config.session.org_id = Some(pinned.to_owned());
        let result = rig.build().run(write()).await;
        assert_eq!(result.is_ok(), used, "{org:?}: {result:?}");
        assert_eq!(calls.load(Ordering::SeqCst), u64::from(used));
    }
}

#[tokio::test]
async fn h01_a_token_cannot_lead_to_another_host() {
    for place in [
        "https://evil.example.net",
        "http://acme.my.example.com",
        "https://127.0.0.1",
        "https://[::1]",
        "https://169.254.169.254",
        "https://0x7f.1",
        "https://2130706433",
        "file:///etc/passwd",
        "https://my.example.com",
        "https://acme.my.example.com.evil.net",
        "https://me:pw@acme.my.example.com",
    ] {
        let (wire, calls) = scripted(|_, _| Ok(answer(200, &[], "done")));
        let tokens = Tokens::new(move |_| {
            let mut grant = grant("good");
            grant.instance_url = Some(place.parse().unwrap());
            Ok(grant)
        });
        assert_eq!(kind(Rig::new(wire, tokens).build().run(read()).await), "denied", "{place}");
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn d16_faults_of_the_record_are_the_callers_and_open_no_circuit() {
    for (status, name) in [(404, "gone"), (412, "stale"), (418, "protocol")] {
        let (wire, calls) = scripted(move |_, _| Ok(answer(status, &[], "")));
        let transport = Rig::new(wire, Tokens::numbered()).build();
        assert_eq!(kind(transport.run(read()).await), name);
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert_eq!(transport.status().circuit, CircuitStatus::Closed);
    }
    let (wire, calls) = scripted(|number, _| Ok(answer(if number < 3 { 409 } else { 200 }, &[], "done")));
    assert!(Rig::new(wire, Tokens::numbered()).build().run(read()).await.is_ok());
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn d16_busy_rows_do_not_count_as_a_vendor_that_is_down() {
    let (wire, calls) = scripted(|_, _| Ok(answer(409, &[], "")));
    let transport = Rig::new(wire, Tokens::numbered()).build();
    for _ in 0..5 {
        assert_eq!(kind(transport.run(write()).await), "transient");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 5);
    assert_eq!(transport.status().circuit, CircuitStatus::Closed);
}

/// A vendor whose pages never end.
struct Endless(super::support::Call);

impl Exchange for Endless {
    type Output = ();

    fn request(&mut self) -> Request {
        self.0.request()
    }

    fn reply(&mut self, _reply: &Reply) -> Result<Step<()>, Fault> {
        Ok(Step::Continue)
    }
}

#[tokio::test]
async fn d19_pages_that_never_end_do_end() {
    let (wire, calls) = scripted(|_, _| Ok(answer(200, &[], "")));
    let transport = Rig::new(wire, Tokens::numbered()).build();
    let call = super::support::Call { cost: &[], ..read() };
    assert_eq!(kind(transport.run(Endless(call)).await), "protocol");
    assert_eq!(calls.load(Ordering::SeqCst), 10_000);
}

#[tokio::test]
async fn a_token_is_renewed_at_three_quarters_of_its_life() {
    let (wire, _) = scripted(|_, bearer| Ok(answer(200, &[], bearer)));
    let tokens = Tokens::numbered();
    let mut rig = Rig::new(wire, tokens.clone());
    rig.config.session.assumed_lifetime = Some(Duration::from_secs(100));
    let transport = rig.build();
    assert_eq!(transport.run(read()).await.as_deref(), Ok("Bearer token-1"));
    rig.clock.advance(Duration::from_secs(74));
    assert_eq!(transport.run(read()).await.as_deref(), Ok("Bearer token-1"));
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(transport.run(read()).await.as_deref(), Ok("Bearer token-2"));
}

#[tokio::test]
async fn a_living_token_serves_on_while_the_token_endpoint_is_down() {
    let (wire, _) = scripted(|_, bearer| Ok(answer(200, &[], bearer)));
    let tokens = Tokens::new(|number| {
        if number == 1 { Ok(grant("token-1")) } else { Err(Fault::Transient { detail: "down".to_owned() }) }
    });
    let mut rig = Rig::new(wire, tokens);
    rig.config.session.assumed_lifetime = Some(Duration::from_secs(100));
    let transport = rig.build();
    assert!(transport.run(read()).await.is_ok());
    rig.clock.advance(Duration::from_secs(80));
    assert_eq!(transport.run(read()).await.as_deref(), Ok("Bearer token-1"));
    rig.clock.advance(Duration::from_secs(20));
    assert_eq!(kind(transport.run(read()).await), "transient");
}
