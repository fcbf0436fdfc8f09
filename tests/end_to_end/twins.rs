//! One company with the same deals in two CRMs under one daemon: while the two authorities disagree, nobody is paid (D18).

use handoff_core::event::Concern;
use handoff_core::handoff::Phase;
use handoff_core::id::{ConnectionId, RecordRef};
use handoff_core::registry::shipped;
use handoff_sandbox_salesforce::{FieldSpec, FieldType, Id, Org, Sandbox, SandboxOptions};
use handoffd::view::Filter;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{
    AVA, COMMISSION, COMMIT, DECISION, INGRID, QUEUE, STATUS, add_people, create_deal, edit, package_of,
};
use serde_json::{Value, json};

const MAPPING: &str = "salesforce/h03-ae-to-onboarding.toml";
const LINK: &str = "Twin_Id__c";

/// Two orgs, one daemon; deals of the first name their twin in the second.
struct Company {
    world: Governed,
    second: Sandbox,
}

/// A deal in both.
struct Deal {
    first: Id,
    second: Id,
}

impl Company {
    async fn start() -> Self {
        let mut world = Governed::prepare(Options::default()).await;
        let second = Sandbox::start(SandboxOptions::manual()).await.unwrap();
        second.org().set_time(world.org().now());
        for org in [world.org(), second.org()] {
            org.add_fields("Opportunity", vec![FieldSpec::new(LINK, FieldType::String)]).unwrap();
        }
        let text = shipped().find(|(path, _)| *path == MAPPING).unwrap().1.to_owned();
        let linked =
            format!("{text}\n[twin]\nconnection = \"sf2\"\nobject = \"Opportunity\"\nfield = \"{LINK}\"\n");
        world.file(MAPPING, &linked);
        let url = second.base_url();
        world.config(|config| {
            let first = config.connection.get(&ConnectionId::from("sf")).unwrap().clone();
            config
                .connection
                .insert(ConnectionId::from("sf2"), handoffd::config::Connection { login_url: url, ..first });
            let mut govern = config.govern.first().unwrap().clone();
            govern.connection = ConnectionId::from("sf2");
            config.govern.push(govern);
        });
        world.begin().await.unwrap();
        Self { world, second }
    }

    fn org(&self, second: bool) -> &Org {
        if second { self.second.org() } else { self.world.org() }
    }

    fn advance(&self) {
        self.world.advance(10);
        self.second.org().set_time(self.world.org().now());
    }

    async fn pass(&self) {
        self.advance();
        self.world.settle().await;
    }

    /// A filled deal in both orgs, linked from the first.
    async fn deal(&self, name: &str) -> Deal {
        self.advance();
        let create = |second: bool| {
            let org = self.org(second);
            let id = create_deal(org, name, COMMIT);
            edit(org, AVA, id, &package_of(name));
            add_people(org, id);
            id
        };
        let deal = Deal { first: create(false), second: create(true) };
        edit(self.world.org(), AVA, deal.first, &json!({ LINK: deal.second.to_string() }));
        self.pass().await;
        deal
    }

    async fn answer(&self, deal: &Deal, second: bool, answer: &Value) {
        self.advance();
        let id = if second { deal.second } else { deal.first };
        edit(self.org(second), INGRID, id, answer);
        self.pass().await;
    }

    async fn accept(&self, deal: &Deal, second: bool) {
        self.answer(deal, second, &json!({ DECISION: "Accept" })).await;
    }

    fn pays(&self, deal: &Deal) -> (bool, bool) {
        let flag = |second: bool, id| self.org(second).field(id, COMMISSION) == json!(true);
        (flag(false, deal.first), flag(true, deal.second))
    }

    fn status(&self, deal: &Deal, second: bool) -> String {
        let id = if second { deal.second } else { deal.first };
        self.org(second).field(id, STATUS).as_str().unwrap_or_default().to_owned()
    }

    async fn disagrees(&self, deal: &Deal, second: bool) -> bool {
        let (connection, id) = if second { ("sf2", deal.second) } else { ("sf", deal.first) };
        let record = RecordRef { connection: connection.into(), ..Governed::record(id) };
        let view = self.world.handle().view();
        let found = view.handoffs(&Filter { record: Some(record), ..Filter::default() });
        let detail = view.handoff(&found.first().unwrap().stream).await.unwrap().unwrap();
        detail.state.unwrap().concerns.contains(&Concern::AuthoritiesDisagree)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_pay_waits_until_both_crms_say_the_same_whichever_comes_first() {
    let company = Company::start().await;
    for first in [false, true] {
        let deal = company.deal(&format!("Twice {first}")).await;
        company.accept(&deal, first).await;
        assert_eq!(company.pays(&deal), (false, false), "only one side has accepted");
        assert!(company.disagrees(&deal, false).await && company.disagrees(&deal, true).await);
        let named = |second: bool| format!("{}/Opportunity/", if second { "sf" } else { "sf2" });
        let (here, there) = (company.status(&deal, first), company.status(&deal, !first));
        assert!(here.starts_with(&format!("Not accepted in {}", named(first))), "{here}");
        assert!(there.starts_with(&format!("Accepted in {}", named(!first))), "{there}");
        assert!(company.org(first).field(if first { deal.second } else { deal.first }, QUEUE) == json!(true));
        company.accept(&deal, !first).await;
        assert_eq!(company.pays(&deal), (true, true));
        assert!(!company.disagrees(&deal, false).await && !company.disagrees(&deal, true).await);
        // One side falls back: both are held, and the other's acceptance stands.
        let edits = json!({"Success_Target__c": format!("From 9 % to 1 % {first}")});
        company.advance();
        edit(company.org(true), AVA, deal.second, &edits);
        company.pass().await;
        assert_eq!(company.pays(&deal), (false, false));
        assert_eq!(company.world.phase(deal.first), Some(Phase::Accepted));
        // Accepted again, but another package than the first side's.
        company.accept(&deal, true).await;
        assert_eq!(company.pays(&deal), (false, false));
        assert!(company.status(&deal, false).starts_with("Another package was accepted in"));
        company.advance();
        edit(company.org(false), AVA, deal.first, &edits);
        company.pass().await;
        company.accept(&deal, false).await;
        assert_eq!(company.pays(&deal), (true, true));
    }
    company.world.assert_balanced();
    company.world.verify_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_a_link_set_late_shuts_what_was_open_and_emptying_it_frees_nothing() {
    let mut company = Company::start().await;
    let deal = company.deal("Linked late").await;
    let org = company.world.org();
    edit(org, AVA, deal.first, &json!({ "Amount": 2 }));
    company.accept(&deal, true).await;
    assert_eq!(company.pays(&deal), (false, false));
    // Emptied, or written over with something that is no id: the last one that was one counts.
    for written in [json!(null), json!("see notes")] {
        company.advance();
        edit(company.world.org(), AVA, deal.first, &json!({ LINK: written }));
        company.pass().await;
        assert_eq!(company.pays(&deal), (false, false));
        assert!(company.disagrees(&deal, true).await);
    }
    // A restart forgets nothing of it.
    company.world.restart().await;
    company.pass().await;
    assert!(company.disagrees(&deal, true).await);
    company.accept(&deal, false).await;
    assert_eq!(company.pays(&deal), (true, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_a_deal_without_a_twin_or_with_one_that_nobody_governs_is_paid_as_ever() {
    let company = Company::start().await;
    let deal = company.deal("Alone").await;
    let other = company.deal("Other").await;
    company.advance();
    // Early: no handoff is open there.
    let early = create_deal(company.second.org(), "Early", "Prospecting");
    edit(company.world.org(), AVA, other.first, &json!({ LINK: early.to_string() }));
    company.pass().await;
    company.accept(&other, false).await;
    assert!(company.pays(&other).0, "{}", company.status(&other, false));
    // The early deal moves on: now it has a say.
    company.advance();
    edit(company.second.org(), AVA, early, &json!({ "StageName": COMMIT }));
    company.pass().await;
    assert!(!company.pays(&other).0);
    // The twin of the other is deleted: nobody there has a say any more.
    company.accept(&deal, false).await;
    assert!(!company.pays(&deal).0);
    company.advance();
    company.second.org().delete(AVA, deal.second).unwrap();
    company.pass().await;
    assert!(company.pays(&deal).0, "{}", company.status(&deal, false));
}
