use handoff_connector::{CheckReport, Connector as _, Fault};
use handoff_gong::{Gong, GongConfig};

use crate::company::{Company, call, gong};

fn check(company: &mut Company, gong: &Gong) -> Result<CheckReport, Fault> {
    company.talk(gong.check(&[], &[], &[]))
}

fn places(report: &CheckReport) -> Vec<(&str, bool)> {
    report.findings.iter().map(|finding| (finding.place.as_str(), finding.error)).collect()
}

#[test]
fn a_company_that_shows_everything_has_no_findings() {
    let mut company = Company::new();
    company.calls = vec![call(1, "2026-10-01T10:00:00Z")];
    assert_eq!(places(&check(&mut company, &gong()).unwrap()), []);
    let probe = &company.asked[1].2["filter"];
    assert_eq!(
        (&probe["fromDateTime"], &probe["toDateTime"]),
        (&"2026-08-22T12:00:00Z".into(), &"2026-11-20T12:00:00Z".into())
    );
    assert_eq!(company.asked[2].2["filter"]["toDateTime"], "1970-01-01T00:00:01Z", "no word is asked for");
}

#[test]
fn d09_a_key_that_sees_users_but_no_calls_is_found() {
    let mut company = Company::new();
    company.calls = vec![call(1, "2026-01-01T10:00:00Z")];
    let report = check(&mut company, &gong()).unwrap();
    assert_eq!(places(&report), [("calls", false)]);
    assert!(report.findings[0].remedy.contains("permission profile"));
    company.users = 0;
    assert_eq!(places(&check(&mut company, &gong()).unwrap()), [("users", false)]);
}

#[test]
fn missing_scopes_are_named() {
    for status in [401, 403] {
        let mut company = Company::new();
        company.calls = vec![call(1, "2026-11-01T10:00:00Z")];
        company.forbidden =
            vec![("/v2/calls/transcript", status), ("/v2/calls/manual-crm-associations", status)];
        let report = check(&mut company, &gong()).unwrap();
        assert_eq!(places(&report), [("transcripts", true), ("manual CRM associations", false)]);
        assert!(report.findings[0].remedy.contains("api:calls:read:transcript"));
    }
    let mut company = Company::new();
    company.forbidden = vec![("/v2/users", 403)];
    assert_eq!(check(&mut company, &gong()).unwrap_err().kind(), "denied");
}

#[test]
fn a_workspace_must_be_there() {
    let with = |workspace: &str| {
        let mut config = GongConfig::new("calls".into());
        config.workspace = Some(workspace.to_owned());
        let mut company = Company::new();
        company.calls = vec![call(1, "2026-11-01T10:00:00Z")];
        places(&check(&mut company, &Gong::new(config).unwrap()).unwrap())
            .iter()
            .map(|(place, _)| (*place).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(with("42"), [""; 0]);
    assert_eq!(with("43"), ["workspace"]);
}
