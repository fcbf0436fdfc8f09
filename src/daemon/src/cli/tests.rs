use std::ffi::OsString;
use std::path::Path;

use super::*;

fn exit(arguments: &[&str]) -> Exit {
    let words = std::iter::once("handoffd").chain(arguments.iter().copied());
    execute(words.map(OsString::from))
}

fn installation(folder: &Path, mode: u32) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let secret = folder.join("secret");
    std::fs::write(&secret, "canary-5f1e").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
    let place = format!("{{ file = \"{}\" }}", secret.display());
    let text = format!(
        "state_dir = \"state\"\n[connection.sf]\nconnector = \"salesforce\"\nlogin_url = \"https://acme.my.salesforce.com\"\n\
         org_id = \"00D000000000001AAA\"\n[connection.sf.auth]\nkind = \"client_credentials\"\nclient_id = {place}\nclient_secret = {place}\n\
         [[govern]]\ncontract = \"h03-ae-to-onboarding\"\nmapping = \"salesforce/h03-ae-to-onboarding\"\nconnection = \"sf\"\n"
    );
    let path = folder.join("handoffd.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn help_is_no_failure_and_every_command_has_it() {
    assert_eq!(exit(&["--help"]), Exit::Ok);
    for command in [
        "run",
        "demo",
        "sandbox",
        "check",
        "plan",
        "why",
        "override",
        "status",
        "pause",
        "resume",
        "rediscovery",
        "scorecard",
        "leak-audit",
        "dossier",
        "test",
        "self-assessment",
        "rollout",
        "commission",
        "export",
        "contract",
        "audit",
        "rebuild",
        "bench",
        "openapi",
    ] {
        assert_eq!(exit(&[command, "--help"]), Exit::Ok, "{command}");
    }
}

#[test]
fn a_wrong_command_line_exits_2() {
    assert_eq!(exit(&["chek"]), Exit::Usage);
    assert_eq!(exit(&["plan"]), Exit::Usage);
    assert_eq!(exit(&["scorecard", "--by", "year"]), Exit::Usage);
    assert_eq!(exit(&["test", "h03", "--last", "0"]), Exit::Usage);
    assert_eq!(exit(&["test", "h09"]), Exit::Usage);
}

#[test]
fn configurations_are_judged_with_their_own_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = installation(folder.path(), 0o600);
    assert_eq!(exit(&["--config", &path, "check"]), Exit::Ok);
    assert_eq!(exit(&["--config", &path, "check", "--json"]), Exit::Ok);
    assert_eq!(exit(&["--config", "/nowhere.toml", "check"]), Exit::Config);
    assert_eq!(exit(&["--config", "/nowhere.toml", "run"]), Exit::Config);
    assert_eq!(exit(&["--config", &path, "plan", "a b"]), Exit::Usage);
    std::fs::write(&path, "stat_dir = 1").unwrap();
    assert_eq!(exit(&["--config", &path, "check"]), Exit::Config);
}

#[test]
fn h06_a_secret_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = installation(folder.path(), 0o644);
    assert_eq!(exit(&["--config", &path, "check"]), Exit::Config);
}

#[test]
fn without_a_state_directory_questions_exit_4_and_create_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = installation(folder.path(), 0o600);
    for command in [
        ["status", "--json"].as_slice(),
        &["scorecard"],
        &["leak-audit"],
        &["dossier", "001"],
        &["export", "--out", "/nowhere/at/all"],
        &["commission", "export", "--period", "2026-10"],
        &["commission", "close", "--period", "2026-01", "--by", "fiona"],
        &["contract", "list"],
        &["contract", "approve", "h03-ae-to-onboarding@2", "--by", "rosa"],
        &["contract", "simulate", "h03-ae-to-onboarding@1", "--since", "2026-01-01"],
        &["why", "006000000000001AAA"],
        &["audit", "replay"],
        &["audit", "verify"],
        &["rebuild"],
    ] {
        let arguments: Vec<&str> = ["--config", &path].into_iter().chain(command.iter().copied()).collect();
        assert_eq!(exit(&arguments), Exit::State, "{command:?}");
    }
    assert!(!folder.path().join("state").exists());
}

#[test]
fn the_log_of_a_killed_first_start_is_no_riddle() {
    let folder = tempfile::tempdir().unwrap();
    let path = installation(folder.path(), 0o600);
    std::fs::create_dir_all(folder.path().join("state/log")).unwrap();
    assert_eq!(exit(&["--config", &path, "audit", "replay"]), Exit::Ok);
    assert_eq!(exit(&["--config", &path, "scorecard"]), Exit::Ok);
    let page = folder.path().join("leaks.html");
    let page = page.to_str().unwrap();
    assert_eq!(exit(&["--config", &path, "leak-audit", "--since", "2025-01-01", "--html", page]), Exit::Ok);
    assert!(std::fs::read_to_string(page).unwrap().contains("nothing to judge yet"));
    assert_eq!(exit(&["--config", &path, "dossier", "001000000000001AAA"]), Exit::Findings);
    let out = folder.path().join("warehouse").display().to_string();
    assert_eq!(exit(&["--config", &path, "export", "--out", &out]), Exit::Ok);
    assert_eq!(exit(&["--config", &path, "export", "--out", &out, "--since", "last"]), Exit::Ok);
    assert_eq!(exit(&["--config", &path, "export", "--out", &out, "--since", "soon"]), Exit::Usage);
}

#[test]
fn a_contract_that_demands_less_exits_1_and_one_that_demands_as_much_exits_0() {
    let folder = tempfile::tempdir().unwrap();
    let path = installation(folder.path(), 0o600);
    let shipped =
        handoff_core::registry::shipped().find(|(path, _)| path.ends_with("h03-ae-to-onboarding.v1.toml"));
    let text = shipped.unwrap().1;
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let same = file("same.toml", text);
    let weaker = file("weaker.toml", &text[..text.rfind("[[field]]").unwrap()]);
    let diff = |before: &str, after: &str| exit(&["--config", &path, "contract", "diff", before, after]);
    assert_eq!(diff("h03-ae-to-onboarding@1", &same), Exit::Ok);
    assert_eq!(diff(&same, &weaker), Exit::Findings);
    assert_eq!(diff(&weaker, &same), Exit::Ok);
    assert_eq!(exit(&["--config", &path, "--json", "contract", "diff", &same, &weaker]), Exit::Findings);
    assert_eq!(diff("h02-sdr-to-ae@1", &same), Exit::Usage);
    assert_eq!(diff("h03-ae-to-onboarding@9", &same), Exit::Usage);
    assert_eq!(diff(&same, &file("broken.toml", "contract = 1")), Exit::Config);
}

#[test]
fn months_and_payout_files_are_read_strictly() {
    let folder = tempfile::tempdir().unwrap();
    let path = installation(folder.path(), 0o600);
    std::fs::create_dir_all(folder.path().join("state/log")).unwrap();
    let asked = |rest: &[&str]| exit(&[&["--config", &path, "commission"], rest].concat());
    assert_eq!(asked(&["export", "--period", "2026-13"]), Exit::Usage);
    assert_eq!(asked(&["export", "--period", "2026-10", "--format", "pdf"]), Exit::Usage);
    let to = folder.path().join("out.xlsx").display().to_string();
    assert_eq!(asked(&["export", "--period", "2026-10", "--format", "xlsx", "--to", &to]), Exit::Ok);
    assert!(std::fs::read(&to).unwrap().starts_with(b"PK"));
    let file = folder.path().join("payouts.csv");
    let name = file.display().to_string();
    let reconcile = |text: &str| {
        std::fs::write(&file, text).unwrap();
        asked(&["reconcile", &name, "--period", "2026-10"])
    };
    assert_eq!(reconcile("deal,amount\n"), Exit::Ok);
    assert_eq!(reconcile("deal,amount\n006000000000001AAA,5\n"), Exit::Findings);
    assert_eq!(reconcile("opportunity,amount\n"), Exit::Usage);
    assert_eq!(asked(&["reconcile", "/nowhere.csv", "--period", "2026-10"]), Exit::Usage);
}

#[test]
fn calls_of_a_file_are_scored_without_a_configuration_and_a_bad_line_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let call = r#"{"call": {"id": "1", "started": "2026-02-01T15:00:00Z"}, "package": {"h03-ae-to-onboarding": {}}}"#;
    std::fs::write(path("good"), format!("\u{feff}{call}\r\n\n{call}")).unwrap();
    assert_eq!(exit(&["rediscovery", "score", &path("good")]), Exit::Ok);
    std::fs::write(path("bad"), [call.as_bytes(), b"\n{\n", call.as_bytes(), b"\n\xff\n[]\n"].concat())
        .unwrap();
    assert_eq!(exit(&["rediscovery", "score", &path("bad"), "--summary"]), Exit::Findings);
    assert_eq!(exit(&["rediscovery", "score", &path("none")]), Exit::Usage);
    assert_eq!(exit(&["rediscovery", "score", &path("good"), "--lexicon", &path("none")]), Exit::Config);
    std::fs::create_dir(path("lexicon")).unwrap();
    std::fs::write(folder.path().join("lexicon/own.toml"), "lexicon = 1\nphrase = 2\n").unwrap();
    assert_eq!(exit(&["rediscovery", "score", &path("good"), "--lexicon", &path("lexicon")]), Exit::Config);
}
