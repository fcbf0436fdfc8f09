//! Secrets stay where they are.

use std::path::Path;
use std::process::{Command, Stdio};

use handoff_sandbox_salesforce::seed;
use handoffd_tests::crm::{HOOK_SECRET, SALESFORCE};
use handoffd_tests::play::PLOTS;

use crate::process::Process;
use crate::stage::Stage;

/// Every file below a directory that holds one of these texts.
fn holding(dir: &Path, canaries: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, canaries));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for canary in canaries {
            if bytes.windows(canary.len()).any(|window| window == canary.as_bytes()) {
                found.push(format!("{canary} in {}", path.display()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn h05_no_secret_is_found_in_logs_or_state_of_a_whole_run() {
    let mut stage = Stage::build(SALESFORCE).await;
    for plot in PLOTS {
        stage.play.enter(stage.world.company(), plot);
    }
    let said = stage.world.dir().join("said");
    let errors = std::fs::File::create(&said).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_governed-child"));
    command.env("RUST_LOG", "trace").stderr(Stdio::from(errors));
    let mut process = Process::of(command, stage.config(), stage.world.now());
    assert!(stage.ready(&mut process).await);
    stage.finish(&mut process).await;
    let ended = process.terminate().await;
    let log = std::fs::read_to_string(&said).unwrap();
    let last: Vec<&str> = log.lines().rev().filter(|line| !line.contains("TRACE")).take(20).collect();
    assert!(ended.success(), "{ended}: {last:#?}");
    assert!(log.contains("call"), "the log says what was called");
    // Session ids begin with the org's short id and a mark.
    let session = format!("{}!", &stage.world.org().id().as_str()[..15]);
    let canaries = [seed::CLIENT_SECRET.to_owned(), HOOK_SECRET.to_owned(), session, "Bearer ".to_owned()];
    for canary in &canaries {
        let line = log.lines().find(|line| line.contains(canary));
        assert_eq!(line, None, "{canary}");
    }
    assert_eq!(holding(&stage.world.state_dir(), &canaries), Vec::<String>::new());
    stage.judge().await;
}
