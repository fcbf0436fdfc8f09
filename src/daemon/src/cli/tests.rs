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
        "status",
        "pause",
        "resume",
        "scorecard",
        "commission",
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
}
