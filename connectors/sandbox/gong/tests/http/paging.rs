use handoff_sandbox_gong::Wire;
use serde_json::{Value as Json, json};

use crate::support::Site;

fn cursor(reply: &Json) -> String {
    reply["records"]["cursor"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_hundred_per_page_until_no_cursor_is_left() {
    let site = Site::start().await;
    let mut all: Vec<String> = (0..230).map(|turn| site.add(site.call(10_000 + turn))).collect();
    let base = format!("/v2/calls?fromDateTime={}&toDateTime={}", site.at(-20_000), site.at(0));
    let (mut seen, mut path) = (Vec::new(), base.clone());
    let mut sizes = Vec::new();
    loop {
        let page = site.get(&path).await;
        seen.extend(page.ids());
        let records = page.json()["records"].clone();
        assert_eq!(records["totalRecords"], 230);
        sizes.push(records["currentPageSize"].as_u64().unwrap());
        let Some(next) = records["cursor"].as_str() else { break };
        path = format!("{base}&cursor={next}");
    }
    seen.sort();
    all.sort();
    assert_eq!((sizes, seen), (vec![100, 100, 30], all));
}

#[tokio::test]
async fn a_cursor_goes_with_its_request_only_and_lives_an_hour() {
    let site = Site::start().await;
    for turn in 0..250 {
        site.add(site.call(10_000 + turn));
    }
    let filter = json!({"fromDateTime": site.at(-20_000).to_string()});
    let first = site.post("/v2/calls/extensive", &json!({"filter": filter})).await.json();
    let next = |cursor: &str| json!({"filter": filter, "cursor": cursor});
    let changed = json!({"filter": {"fromDateTime": site.at(-19_000).to_string()}, "cursor": cursor(&first)});
    assert_eq!(site.post("/v2/calls/extensive", &changed).await.status, 400);
    site.workspace().advance(3_500);
    let second = site.post("/v2/calls/extensive", &next(&cursor(&first))).await.json();
    site.workspace().advance(100);
    for _ in 0..2 {
        let late = site.post("/v2/calls/extensive", &next(&cursor(&second))).await;
        assert_eq!((late.status, late.error().as_str()), (400, "cursor has expired"));
    }
    assert_eq!(site.wires(), []);
    site.post("/v2/calls/extensive", &next(&cursor(&second))).await;
    assert_eq!(site.wires(), [Wire::StaleCursor]);
}

#[tokio::test]
async fn the_life_of_cursors_can_be_shortened() {
    let site = Site::start().await;
    site.workspace().set_cursor_life(5);
    for turn in 0..101 {
        site.workspace().add_user(handoff_sandbox_gong::User::new(&format!("u{turn}@x.example"), "U", "X"));
    }
    let first = site.get("/v2/users").await.json();
    site.workspace().advance(5);
    assert_eq!(site.get(&format!("/v2/users?cursor={}", cursor(&first))).await.error(), "cursor has expired");
    assert_eq!(site.get("/v2/users?cursor=abc").await.status, 400);
}
