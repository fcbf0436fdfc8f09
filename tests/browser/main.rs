//! The pages in a real browser: nothing is loaded, nothing complains, nothing has to be scrolled sideways at 390 pixels, and they print.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod chromium;

use handoff_measure::account::Accounts;
use handoff_measure::audit::Audit;
use handoff_measure::scorecard::Scorecard;
use handoff_measure::worlds;
use handoffd::demo::{Setting, Stage};
use handoffd::report::{audit, dossier};

use chromium::{Browser, WIDTHS};

/// An audit with every section filled.
const COMPANY: &str = include_str!("../../src/daemon/src/report/audit/company.json");

/// Everything that a page has to be, in one browser.
fn is_fit(browser: &Browser, name: &str, page: &str) {
    for width in WIDTHS {
        let seen = browser.look(name, page, width);
        assert_eq!(seen.complaints, Vec::<String>::new(), "{name} at {width}");
        assert!(seen.content <= width, "{name} is {} wide at {width}", seen.content);
        assert!(seen.text > 100, "{name} shows nothing at {width}");
    }
    assert!(browser.prints(name, page) > 0, "{name} cannot be printed");
}

#[test]
fn a_leak_audit_is_fit_for_a_board() {
    let Some(browser) = Browser::find() else { return };
    let mut company: Audit = serde_json::from_str(COMPANY).unwrap();
    is_fit(&browser, "leak-audit", &audit::html(&company));
    company.rows.clear();
    (company.first, company.preserved) = (None, None);
    is_fit(&browser, "leak-audit-of-nothing", &audit::html(&company));
}

#[test]
fn a_dossier_is_fit_for_a_review() {
    let Some(browser) = Browser::find() else { return };
    let log = worlds::log(9, 60);
    let (mut accounts, mut scorecard) = (Accounts::new(), Scorecard::new());
    for entry in &log {
        accounts.apply(entry);
        scorecard.apply(entry);
    }
    let busiest = accounts.keys().into_iter().max_by_key(|key| accounts.streams(key).len()).unwrap().clone();
    let as_of = log.last().unwrap().at();
    let question = dossier::Question { account: busiest.record.clone(), as_of, values: true };
    let mut assembly = dossier::Assembly::new(busiest, &question, &accounts, &scorecard);
    for (position, entry) in (0..).zip(&log) {
        assembly.apply(position, entry);
    }
    let found = assembly.finish();
    assert!(!found.handoffs.is_empty());
    is_fit(&browser, "dossier", &dossier::html(&found));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_own_page_is_fit_for_a_phone() {
    let Some(browser) = Browser::find() else { return };
    let stage = Stage::start(Setting::default()).await.unwrap();
    stage.settle().await.unwrap();
    let address = format!("http://{}/", stage.app.local_addr());
    let page = reqwest::get(address).await.unwrap().text().await.unwrap();
    stage.stop().await.unwrap();
    tokio::task::spawn_blocking(move || is_fit(&browser, "home", &page)).await.unwrap();
}

#[test]
fn a_page_that_is_not_fit_is_found() {
    let Some(browser) = Browser::find() else { return };
    let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\">";
    let loads = format!("<!doctype html>{policy}<p>x</p><img src=\"http://127.0.0.1:9/x.png\">");
    assert!(!browser.look("loads", &loads, WIDTHS[0]).complaints.is_empty());
    let wide = "<!doctype html><meta charset=\"utf-8\"><div style=\"width:900px\">wide</div>";
    assert!(browser.look("wide", wide, 390).content > 390);
    assert_eq!(browser.look("empty", "<!doctype html>", 390).text, 0);
}
