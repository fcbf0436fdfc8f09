use handoff_measure::audit::Audit;

use super::{html, text};

fn audit() -> Audit {
    serde_json::from_str(include_str!("company.json")).unwrap()
}

fn write(name: &str, page: &str) {
    if let Some(dir) = std::env::var_os("HANDOFFD_PAGES") {
        std::fs::write(std::path::Path::new(&dir).join(name), page).unwrap();
    }
}

#[test]
fn the_page_is_one_document_that_loads_nothing_and_runs_nothing() {
    let page = html(&audit());
    write("leak-audit.html", &page);
    for forbidden in [
        "<script",
        "http://",
        "https://",
        "url(",
        "@import",
        "<img",
        "<iframe",
        "<object",
        "<link rel=\"style",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for tag in ["section", "table", "svg", "div", "ul", "aside", "span"] {
        let opened = page.matches(&format!("<{tag}")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn page_and_text_say_the_same_figures_with_range_assumptions_and_labelled_references() {
    let audit = audit();
    let (page, text) = (html(&audit), text(&audit));
    let leaked = audit.rows.first().and_then(|row| row.leak.leaked).unwrap();
    for amount in [leaked.value, leaked.low, leaked.high] {
        let words = handoff_measure::audit::about(amount, None);
        assert!(page.contains(&words) && text.contains(&words), "{words}");
    }
    for sentence in audit.assumptions.iter().chain(&audit.gaps) {
        assert!(text.contains(sentence), "{sentence}");
    }
    for reference in handoff_measure::audit::references() {
        assert!(page.contains(reference.figure) && text.contains(reference.figure));
    }
    assert!(page.contains("not yours; none of them is in any calculation"));
}

#[test]
fn e12_names_from_outside_stay_text_on_the_page() {
    let mut audit = audit();
    for row in &mut audit.rows {
        row.title = "<script>alert(1)</script>".to_owned();
    }
    if let Some(first) = &mut audit.first {
        first.title = "\"><img src=x onerror=alert(1)>".to_owned();
        first.reasons.push("</style><script>".to_owned());
    }
    let page = html(&audit);
    assert!(!page.contains("<script") && !page.contains("<img"));
}

#[test]
fn an_installation_without_history_says_so() {
    let mut audit = audit();
    audit.rows.clear();
    audit.first = None;
    audit.preserved = None;
    let page = html(&audit);
    write("leak-audit-empty.html", &page);
    assert!(page.contains("nothing to judge yet") && page.contains("cannot be estimated"));
    assert!(text(&audit).contains("no leak is known"));
}
