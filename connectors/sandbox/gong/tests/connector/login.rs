use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use handoff_connector::Fault;
use handoff_sandbox_gong::{Action, Fault as Plant, Sandbox, SandboxOptions, Seed, seed};
use handoff_transport::{
    AllowedHosts, ClientStyle, Grant, HttpConfig, HttpWire, OauthConfig, RefreshToken, Secret,
    TokenSource as _, TokenVault, VaultError, Wire,
};

/// A row in memory.
#[derive(Default)]
struct Vault(Mutex<Option<Secret<String>>>);

impl TokenVault for Vault {
    fn load(&self) -> Result<Option<Secret<String>>, VaultError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn store(&self, token: &Secret<String>) -> Result<(), VaultError> {
        *self.0.lock().unwrap() = Some(token.clone());
        Ok(())
    }
}

/// A company whose tokens are good on its own host only.
struct Login {
    sandbox: Sandbox,
    wire: Arc<dyn Wire>,
    vault: Arc<Vault>,
    first: String,
}

impl Login {
    async fn start() -> Self {
        let options = SandboxOptions {
            seed: Seed::People,
            customer_host: Some("localhost".to_owned()),
            ..SandboxOptions::manual()
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let wire = HttpWire::new(HttpConfig {
            hosts: AllowedHosts { names: Vec::new(), allow_loopback: true },
            connect_timeout: Duration::from_secs(5),
            body_cap: 1 << 20,
            extra_roots: Vec::new(),
        });
        let first = sandbox.workspace().grant().refresh_token;
        Self { sandbox, wire: Arc::new(wire.unwrap()), vault: Arc::default(), first }
    }

    /// As a freshly started daemon has it.
    fn source(&self) -> RefreshToken {
        let target = format!("{}/oauth2/generate-customer-token", self.sandbox.base_url());
        let config = OauthConfig {
            token_url: target.parse().unwrap(),
            client_id: seed::CLIENT_ID.to_owned(),
            client_secret: Some(Secret::new(seed::CLIENT_SECRET.to_owned())),
            style: ClientStyle::BasicAndQuery,
            scopes: Vec::new(),
            timeout: Duration::from_secs(10),
        };
        RefreshToken::new(config, self.vault.clone(), Some(Secret::new(self.first.clone())))
    }

    async fn fetch(&self, source: &RefreshToken) -> Result<Grant, Fault> {
        source.fetch(self.wire.clone(), self.sandbox.workspace().now()).await
    }

    async fn status(&self, grant: &Grant) -> u16 {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = grant.instance_url.as_ref().unwrap().join("/v2/users").unwrap();
        let call = http.get(url).bearer_auth(grant.access_token.expose());
        call.send().await.unwrap().status().as_u16()
    }

    fn refreshed(&self) -> u64 {
        self.sandbox.workspace().calls().by_kind.get("token").copied().unwrap_or_default()
    }
}

#[tokio::test]
async fn each_refresh_token_is_used_once_over_restarts() {
    let login = Login::start().await;
    let source = login.source();
    let one = login.fetch(&source).await.unwrap();
    let own = login.sandbox.base_url().replace("127.0.0.1", "localhost");
    assert_eq!(one.instance_url.as_ref().unwrap().as_str().trim_end_matches('/'), own);
    assert_eq!(login.status(&one).await, 200);
    let again = login.fetch(&login.source()).await.unwrap();
    assert_eq!((login.status(&again).await, login.refreshed()), (200, 1), "a restart spends none");
    login.sandbox.workspace().advance(86_400);
    assert_eq!(login.status(&again).await, 401);
    let later = login.fetch(&login.source()).await.unwrap();
    assert_eq!((login.status(&later).await, login.refreshed()), (200, 2));
    let next = login.fetch(&login.source()).await.unwrap();
    assert_eq!((login.status(&next).await, login.refreshed()), (200, 2));
    assert_eq!(login.sandbox.workspace().tripped(), []);
}

#[tokio::test]
async fn a_lost_answer_leads_to_a_clear_request_to_authorise_again() {
    let login = Login::start().await;
    let source = login.source();
    login.sandbox.workspace().plant(Plant::on_kind("token", Action::DropAfter));
    assert!(login.fetch(&source).await.is_err());
    let fault = login.fetch(&source).await.unwrap_err();
    let Fault::Denied { remedy, .. } = fault else { panic!("{fault}") };
    assert!(remedy.contains("authorise this connection again"), "{remedy}");
}
