//! 10,357 real declarations (BPI Challenge 2020), played as handoff 03 with their own times.

use std::collections::BTreeMap;

use handoff_core::event::Event;
use handoff_core::journal::LogEntry;
use handoff_sandbox_salesforce::{Act, ActorKind, Id, NewUser, Org};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::world::{World, data, python};

const EMPLOYEE: &str = "employee@bpi.example";
const SUPERVISOR: &str = "supervisor@bpi.example";

#[derive(Deserialize)]
struct Step {
    at: i64,
    case: String,
    what: String,
}

/// Plays steps on the org: one deal a case.
struct Play<'a> {
    org: &'a Org,
    deals: BTreeMap<String, (Id, u32)>,
    contact: Id,
    receiver: Id,
}

impl Play<'_> {
    fn step(&mut self, step: &Step) {
        let (deal, round) = self.deal(&step.case);
        match step.what.as_str() {
            "save" => {}
            "submit" => {
                self.deals.insert(step.case.clone(), (deal, round + 1));
                self.act(EMPLOYEE, ActorKind::Ui, deal, &package(round + 1));
            }
            "withdraw" => self.act(EMPLOYEE, ActorKind::Ui, deal, &json!({ "Success_Target__c": null })),
            "reject" => self.act(
                SUPERVISOR,
                ActorKind::Ui,
                deal,
                &json!({
                    "Handoff_03_Decision__c": "Reject",
                    "Handoff_03_Reject_Reason__c": "The declaration does not fit its receipts",
                    "Handoff_03_Reject_Fields__c": "success_criteria",
                }),
            ),
            "approve" => {
                self.act(SUPERVISOR, ActorKind::Ui, deal, &json!({ "Handoff_03_Decision__c": "Accept" }));
            }
            "pay" => self.act("", ActorKind::Workflow, deal, &json!({ "StageName": "Closed Won" })),
            other => panic!("no such step: {other}"),
        }
    }

    fn deal(&mut self, case: &str) -> (Id, u32) {
        if let Some(known) = self.deals.get(case) {
            return *known;
        }
        let fields = json!({
            "Name": case, "StageName": "Proposal/Price Quote", "CloseDate": "2019-12-31",
            "Onboarding_Lead__c": self.receiver.as_str(),
        });
        let deal = self.org.act(&Act::create(EMPLOYEE, "Opportunity", &fields)).unwrap();
        for role in ["Economic Buyer", "Champion"] {
            let fields =
                json!({"OpportunityId": deal.as_str(), "ContactId": self.contact.as_str(), "Role": role});
            self.org.act(&Act::create(EMPLOYEE, "OpportunityContactRole", &fields)).unwrap();
        }
        self.deals.insert(case.to_owned(), (deal, 0));
        (deal, 0)
    }

    fn act(&self, user: &str, kind: ActorKind, deal: Id, fields: &Value) {
        let user = if user.is_empty() { EMPLOYEE } else { user };
        self.org.act(&Act::update(user, "Opportunity", deal, fields).by(kind)).unwrap();
    }
}

fn package(round: u32) -> Value {
    json!({
        "StageName": "Negotiation/Review",
        "Signing_Authority__c": "Signs alone up to 100,000 euros",
        "Champion_Strength__c": "Strong",
        "Political_Dynamics__c": "Finance wants it, nobody is against it",
        "No_Side_Letters__c": true,
        "Success_Criteria__c": format!("Declarations are paid sooner, wording {round}"),
        "Success_Metric__c": "days until a declaration is paid",
        "Success_Target__c": format!("from 12 to {} days", 3 + round),
        "Success_Target_Date__c": "2019-12-31",
        "No_Known_Risks__c": true,
        "Incumbent_Tool__c": "Paper forms",
        "Sticky_Points__c": "They will miss signing on paper",
        "Desired_Go_Live__c": "2019-10-01",
        "Go_Live_Anchor_Event__c": "Start of the new academic year",
        "Expansion_Hypothesis__c": "International declarations follow in year two",
    })
}

fn people(org: &Org) -> (Id, Id) {
    for (login, set) in [(EMPLOYEE, "Handoff_Sender"), (SUPERVISOR, "Handoff_Receiver")] {
        let user = NewUser { permission_sets: vec![set.to_owned()], ..NewUser::new(login, "", login) };
        org.create_user(&user).unwrap();
    }
    let contact = org.act(&Act::create(EMPLOYEE, "Contact", &json!({"LastName": "Budget owner"}))).unwrap();
    (contact, org.user(SUPERVISOR).unwrap())
}

/// What the log says of one deal.
#[derive(Default)]
struct Told {
    completed: Option<Timestamp>,
    seconds: Option<i64>,
    rejected_before: bool,
    rejected: bool,
    reopened: bool,
    bypassed: Vec<bool>,
}

impl Told {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Completed { at, .. } => self.completed = Some(*at),
            Event::Rejected { .. } => self.rejected = true,
            Event::Reopened { .. } => self.reopened = true,
            Event::Bypassed { ever_accepted, .. } => self.bypassed.push(*ever_accepted),
            Event::Accepted { at, .. } => {
                self.seconds = self.completed.map(|completed| at.as_second() - completed.as_second());
                self.rejected_before = self.rejected;
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bpi_the_daemons_ledger_equals_the_declarations_own_history() {
    let Some(folder) = data("bpi2020_domestic") else { return };
    let log = folder.join("DomesticDeclarations.xes.gz");
    let truth: Value = serde_json::from_str(&python("bpi.py", &[&log], &["--truth"])).unwrap();
    let steps: Vec<Step> =
        python("bpi.py", &[&log], &[]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let start = Timestamp::from_second(steps.first().unwrap().at - 3_600).unwrap();

    let mut cast = None;
    let world =
        World::start(start, |org| cast = Some(people(org)), |_, text| text.to_owned(), &[SUPERVISOR]).await;
    let (contact, receiver) = cast.unwrap();
    let mut play = Play { org: world.org(), deals: BTreeMap::new(), contact, receiver };
    // The daemon looks late: only before a package is handed over again, or sent back after its approval. In between lie up to a week and
    // hundreds of changes; what it makes of them has to be the same as if it had seen each.
    let mut moved: BTreeMap<&str, bool> = BTreeMap::new();
    for step in &steps {
        let approved = moved.get(step.case.as_str()).copied();
        let again = match step.what.as_str() {
            "submit" | "withdraw" => approved.is_some(),
            "reject" => approved == Some(true),
            _ => false,
        };
        if again {
            world.pass().await;
            moved.clear();
        }
        *moved.entry(&step.case).or_default() |= step.what == "approve";
        world.set_time(Timestamp::from_second(step.at).unwrap());
        play.step(step);
    }
    // A write that the CRM put off waits for its time; time goes on after the last step, too.
    let end = steps.last().unwrap().at;
    for minutes in [0, 20, 40, 60] {
        world.set_time(Timestamp::from_second(end + minutes * 60).unwrap());
        world.app.handle().sweep_now().await.unwrap();
        world.pass().await;
    }

    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    let entries = world.log().await;
    for entry in entries.iter().filter_map(|entry| entry.entry.as_ref()) {
        let Some((handoff, events)) = LogEntry::handoff(entry) else { continue };
        let deal = told.entry(handoff.stream()).or_default();
        for event in events {
            deal.hear(event);
        }
    }
    let mut seconds: Vec<i64> = told.values().filter_map(|deal| deal.seconds).collect();
    seconds.sort_unstable();
    let middle = seconds.len() / 2;
    let median = f64::from(i32::try_from(seconds[middle - 1] + seconds[middle]).unwrap()) / 2.0;
    let bypasses: Vec<bool> = told.values().flat_map(|deal| deal.bypassed.clone()).collect();
    let count = |test: fn(&Told) -> bool| told.values().filter(|deal| test(deal)).count();
    let figures = json!({
        "cases": play.deals.len(),
        "approved": count(|deal| deal.seconds.is_some()),
        "approved_without_rejection": count(|deal| deal.seconds.is_some() && !deal.rejected_before),
        "reopened": count(|deal| deal.reopened),
        "paid_without_approval": bypasses.len(),
        "median_seconds": median,
    });
    assert_eq!(figures, truth);
    assert_eq!(bypasses, [false, false], "nobody was ever asked about the two");
    let expected = json!({
        "cases": 10_357, "approved": 9_938, "approved_without_rejection": 8_970, "reopened": 85,
        "paid_without_approval": 2, "median_seconds": 88_686.0,
    });
    assert_eq!(figures, expected, "24.63 h is 88,686 s, cut off");

    let open = world
        .org()
        .query("SELECT Id FROM Opportunity WHERE Handoff_03_Commission_Open__c = true")
        .unwrap()
        .len();
    let accepted = world.app.view().handoffs(&handoffd::view::Filter::default());
    let accepted =
        accepted.iter().filter(|each| each.phase == handoff_core::handoff::Phase::Accepted).count();
    assert_eq!(open, accepted, "a flag stands open on exactly the deals that stand accepted");
}
