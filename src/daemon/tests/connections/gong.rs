//! Gong by access key and by OAuth.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use handoff_connector::{Cursor, Fault};
use handoff_core::id::ConnectionId;
use handoff_core::registry::{Registry, shipped};
use handoff_sandbox_gong::{Rule, Sandbox, SandboxOptions, seed};
use handoffd::app::{App, Options};
use handoffd::config::{Auth, Config, Connection, SecretRef, WebhookProof, read};
use handoffd::connect::{ConnectError, Real};
use handoffd::link::{Connect as _, Connected};

use super::gear::{Kept, Skipping, equipment, secret};

async fn sandbox() -> Sandbox {
    Sandbox::start(SandboxOptions::manual()).await.unwrap()
}

fn by_key(dir: &Path, sandbox: &Sandbox) -> Connection {
    let auth = Auth::AccessKey {
        key: secret(dir, "key", seed::ACCESS_KEY),
        secret: secret(dir, "secret", seed::ACCESS_KEY_SECRET),
    };
    Connection::new("gong", &sandbox.base_url(), auth)
}

fn by_oauth(dir: &Path, sandbox: &Sandbox) -> Connection {
    let auth = Auth::RefreshToken {
        client_id: secret(dir, "client", seed::CLIENT_ID),
        client_secret: Some(secret(dir, "client_secret", seed::CLIENT_SECRET)),
        refresh_token: secret(dir, "refresh", &sandbox.workspace().grant().refresh_token),
        token_url: Some(format!("{}/oauth2/generate-customer-token", sandbox.base_url())),
    };
    Connection::new("gong", &sandbox.base_url(), auth)
}

fn id() -> ConnectionId {
    ConnectionId::from("calls")
}

fn connect(config: &Connection, sandbox: &Sandbox, kept: &Arc<Kept>) -> Connected {
    Real.connect(&id(), config, equipment(sandbox.workspace().now(), kept)).unwrap()
}

/// How many calls the first page of a pass brings.
async fn first_page(connected: &Connected, sandbox: &Sandbox) -> Result<usize, Fault> {
    let calls = connected.purpose.calls().expect("recorded calls");
    let asked = calls.calls(&Cursor::beginning(), sandbox.workspace().now());
    connected.transport.run(asked).await.map(|page| page.calls.len())
}

#[tokio::test]
async fn calls_are_read_with_an_access_key_and_there_is_no_way_to_write() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), sandbox().await);
    let mut config = by_key(dir.path(), &sandbox);
    config.lookback_days = Some(90);
    let connected = connect(&config, &sandbox, &Arc::default());
    assert!(connected.purpose.source().is_none() && connected.purpose.sink().is_none());
    assert!(first_page(&connected, &sandbox).await.unwrap() > 0);
    assert_eq!(sandbox.workspace().tripped(), []);
    assert_eq!(sandbox.workspace().writes(), []);
    let daily = connected.transport.status().budgets.into_iter().find(|each| each.name == "daily");
    assert_eq!(daily.map(|daily| (daily.limit, daily.used)), Some((5_000, Some(1))));
}

#[tokio::test]
async fn d10_a_deleted_access_key_needs_reauthorisation() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), sandbox().await);
    let connected = connect(&by_key(dir.path(), &sandbox), &sandbox, &Arc::default());
    first_page(&connected, &sandbox).await.unwrap();
    sandbox.workspace().delete_key(seed::ACCESS_KEY);
    for _ in 0..10 {
        let fault = first_page(&connected, &sandbox).await.unwrap_err();
        assert!(matches!(&fault, Fault::Denied { remedy, .. } if remedy.contains("access key")), "{fault:?}");
    }
    assert!(sandbox.workspace().tripped().is_empty());
}

#[tokio::test]
async fn a08_a_refresh_token_is_spent_once_and_its_successor_kept_over_a_restart() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), sandbox().await);
    let (config, kept) = (by_oauth(dir.path(), &sandbox), Arc::<Kept>::default());
    first_page(&connect(&config, &sandbox, &kept), &sandbox).await.unwrap();
    let first = kept.token.lock().unwrap().clone().unwrap();
    assert!(first.contains("base_url") && first.contains("refresh_token"));
    // restarted: the stored access token serves
    first_page(&connect(&config, &sandbox, &kept), &sandbox).await.unwrap();
    assert_eq!(kept.token.lock().unwrap().as_deref(), Some(first.as_str()));
    // revoked: one refresh with the stored token
    sandbox.workspace().kill_tokens();
    first_page(&connect(&config, &sandbox, &kept), &sandbox).await.unwrap();
    assert_ne!(kept.token.lock().unwrap().as_deref(), Some(first.as_str()));
}

fn whole(dir: &Path, connection: Connection) -> Config {
    let text = r#"state_dir = "state"
govern = []
[connection]
[audit]
origin = "acme.example/handoffd"
"#;
    let mut config = read("handoffd.toml", text).unwrap();
    config.state_dir = dir.join("state");
    config.connection = BTreeMap::from([(id(), connection)]);
    config
}

async fn check(dir: &Path, sandbox: &Sandbox, connection: Connection) -> Result<Vec<String>, Fault> {
    let registry = Registry::load(shipped()).unwrap();
    let clock = Arc::new(Skipping::new(sandbox.workspace().now()));
    let config = whole(dir, connection);
    let mut reports = App::check_once(&config, &registry, clock, Options::default()).await.unwrap();
    let report = reports.remove(&id()).unwrap()?;
    Ok(report.findings.into_iter().map(|finding| finding.place).collect())
}

#[tokio::test]
async fn a_check_asks_gong_and_spends_no_refresh_token() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), sandbox().await);
    assert_eq!(check(dir.path(), &sandbox, by_key(dir.path(), &sandbox)).await.unwrap(), [""; 0]);
    let mut other = by_key(dir.path(), &sandbox);
    other.workspace = Some("77".to_owned());
    assert_eq!(check(dir.path(), &sandbox, other).await.unwrap(), ["workspace", "calls"]);
    assert_eq!(sandbox.workspace().tripped(), []);

    let config = by_oauth(dir.path(), &sandbox);
    let fault = check(dir.path(), &sandbox, config.clone()).await.unwrap_err();
    assert!(matches!(&fault, Fault::Denied { remedy, .. } if remedy.contains("daemon")), "{fault:?}");
    first_page(&connect(&config, &sandbox, &Arc::default()), &sandbox)
        .await
        .expect("the token is still good");
}

#[tokio::test]
async fn a_webhook_secret_that_is_no_key_is_refused_at_start() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), sandbox().await);
    let mut config = by_key(dir.path(), &sandbox);
    config.webhook_secrets = vec![secret(dir.path(), "hook", "s3cret")];
    config.webhook_url = Some("https://handoffd.acme.example/webhooks/calls".to_owned());
    let made = |config: &Connection| {
        Real.connect(&id(), config, equipment(sandbox.workspace().now(), &Arc::default())).map(drop)
    };
    assert!(matches!(made(&config), Err(ConnectError::WebhookKey { .. })));
    config.webhook_proof = WebhookProof::KeyInAddress;
    made(&config).unwrap();
    config.webhook_proof = WebhookProof::Signature;
    let rule =
        sandbox.workspace().add_rule(Rule::signed("https://handoffd.acme.example/webhooks/calls")).unwrap();
    config.webhook_secrets = vec![secret(dir.path(), "hook", &sandbox.workspace().public_key(rule).unwrap())];
    if let Err(error) = made(&config) {
        panic!("{error}");
    }
}

#[tokio::test]
async fn what_is_not_gongs_is_refused_before_anything_is_sent() {
    let (dir, sandbox) = (tempfile::tempdir().unwrap(), sandbox().await);
    let refused = |change: fn(&mut Connection)| {
        let mut config = by_key(dir.path(), &sandbox);
        change(&mut config);
        Real.connect(&id(), &config, equipment(sandbox.workspace().now(), &Arc::default()))
            .map(drop)
            .unwrap_err()
    };
    let token = |config: &mut Connection| {
        config.auth = Auth::StaticToken { token: SecretRef { env: Some("PATH".to_owned()), file: None } };
    };
    assert!(matches!(refused(token), ConnectError::Auth { connector: "gong", .. }));
    assert!(matches!(refused(|config| config.login_url = None), ConnectError::LoginUrl { .. }));
    assert!(matches!(refused(|config| config.connector = "zoom".into()), ConnectError::NoConnector { .. }));
    assert!(matches!(refused(|config| config.workspace = Some("x".into())), ConnectError::Gong { .. }));
    assert!(matches!(
        refused(|config| config.login_url = Some("http://gong.example".into())),
        ConnectError::Transport { .. }
    ));
}
