use bytes::Bytes;
use http::Method;
use proptest::prelude::*;

use super::*;
use crate::{Budget, Lane, Scope};

static SPEC: Spec = Spec {
    name: "test",
    api_version: "1",
    auth: &[AuthKind::RefreshToken],
    budgets: &[Budget {
        name: "calls",
        limit: 1,
        window: Window::Concurrent,
        scope: Scope::App,
        reserve_percent: 0,
    }],
    read_batch: 1,
    write_batch: 1,
};

/// A conversation with faults on demand.
#[derive(Clone, Default)]
struct Fake {
    asked: u32,
    restless: bool,
    endless: bool,
    gullible: bool,
    chatty: bool,
}

impl Exchange for Fake {
    type Output = ();

    fn request(&mut self) -> Request {
        self.asked += u32::from(self.restless);
        Request {
            method: Method::GET,
            path: format!("/{}", self.asked),
            headers: HeaderMap::new(),
            body: Body::Empty,
            lane: Lane::Read,
            cost: &[("calls", 1)],
            idempotent: true,
            name: "fake",
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<()>, Fault> {
        if self.endless {
            return Ok(Step::Continue);
        }
        if self.gullible || reply.body == Bytes::from_static(b"fine") {
            return Ok(Step::Done(()));
        }
        let detail =
            if self.chatty { String::from_utf8_lossy(&reply.body).into_owned() } else { String::new() };
        Err(Fault::Protocol { detail })
    }
}

fn judged(fake: &Fake) -> Result<(), Breach> {
    survives(|| Box::new(fake.clone()), &SPEC, |()| None)
}

#[test]
fn each_breach_is_found() {
    assert_eq!(judged(&Fake::default()), Ok(()));
    assert_eq!(judged(&Fake { endless: true, ..Fake::default() }), Err(Breach::Endless));
    assert!(matches!(judged(&Fake { gullible: true, ..Fake::default() }), Err(Breach::Believed(_))));
    assert!(matches!(judged(&Fake { chatty: true, ..Fake::default() }), Err(Breach::Leaked(_))));
    assert!(matches!(judged(&Fake { restless: true, ..Fake::default() }), Err(Breach::NotRepeatable(_))));
}

#[test]
fn a_request_is_judged() {
    let good = Fake::default().request();
    assert_eq!(request(&good, &SPEC), Ok(()));
    let mut secret = good.clone();
    secret.headers.insert(http::header::AUTHORIZATION, http::HeaderValue::from_static("Bearer x"));
    for bad in [
        Request { path: "//elsewhere/x".to_owned(), ..good.clone() },
        Request { path: "/a b".to_owned(), ..good.clone() },
        Request { cost: &[("nothing", 1)], ..good.clone() },
        Request { name: "Query 006", ..good.clone() },
        Request { body: Body::Form(Vec::new()), ..good },
        secret,
    ] {
        assert!(matches!(request(&bad, &SPEC), Err(Breach::Request { .. })), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn c09_only_a_whole_secret_matches(
        secret in proptest::collection::vec(any::<u8>(), 1..40),
        offered in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        prop_assert_eq!(crate::matches_any(&offered, &[&secret]), offered == secret);
        prop_assert!(crate::matches_any(&secret, &[b"old", &secret]));
        prop_assert!(!crate::matches_any(&offered, &[]));
        prop_assert!(!crate::matches_any(b"", &[b""]));
    }
}
