//! A believable company: people, customers, and deals in every stage with full, half-filled and empty packages.

use handoff_sandbox_host::fiction::{ACCOUNTS, CONTACTS};
pub use handoff_sandbox_host::fiction::{PEOPLE, Person, Team};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::{Map, Value as Json, json};

use super::PASSWORD;
use crate::{
    Error,
    ids::Id,
    org::NewUser,
    record::ActorKind,
    state::{Actor, State},
};

const STAGES: [&str; 10] = [
    "Prospecting",
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Id. Decision Makers",
    "Perception Analysis",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
];

const DEALS: usize = 40;

/// How much of a deal's handoff package is filled in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    Full,
    Half,
    Empty,
}

struct Company<'a> {
    state: &'a mut State,
    system: Actor,
    today: Date,
    staff: Vec<(Person, Id)>,
}

/// Plants the company; saves are loads, so that no gate stands in the way of history.
pub(super) fn plant(state: &mut State) -> Result<(), Error> {
    let sets: Vec<String> = state.sets.0.keys().cloned().collect();
    let mut staff = Vec::new();
    for person in PEOPLE {
        let id = state.create_user(&NewUser {
            password: PASSWORD.to_owned(),
            title: Some(person.title.to_owned()),
            permission_sets: sets_for(person.team, &sets),
            ..NewUser::new(person.username, person.first, person.last)
        })?;
        staff.push((person, id));
    }
    let system = Actor {
        user: state.system_user(),
        kind: ActorKind::Load,
        client: None,
        request: 0,
        transaction: None,
    };
    let today = TimeZone::UTC.to_datetime(state.now()).date();
    Company { state, system, today, staff }.build()
}

/// Sets whose name says they are for the team, and every set meant for readers.
fn sets_for(team: Team, sets: &[String]) -> Vec<String> {
    let wanted: &[&str] = match team {
        Team::Sales => &["reader", "sender", "sales", "rep"],
        Team::Development => &["reader", "sdr"],
        Team::Onboarding => &["reader", "receiver", "onboarding"],
        Team::Success => &["reader", "success", "csm"],
        Team::Finance => &["reader", "finance"],
    };
    let says = |name: &str, word: &str| name.to_ascii_lowercase().split('_').any(|part| part == word);
    sets.iter().filter(|name| wanted.iter().any(|word| says(name, word))).cloned().collect()
}

impl Company<'_> {
    fn build(mut self) -> Result<(), Error> {
        let mut customers = Vec::new();
        for (at, (name, industry, employees, city)) in ACCOUNTS.iter().enumerate() {
            let account = self.add("Account", &json!({
                "Name": name, "Industry": industry, "NumberOfEmployees": employees, "BillingCity": city,
                "OwnerId": self.of_team(Team::Sales, at), "Type": "Prospect", "AnnualRevenue": employees * 110_000,
            }))?;
            let mut contacts = Vec::new();
            for turn in 0..3 {
                let Some((first, last, title)) = CONTACTS.get((at * 3 + turn) % CONTACTS.len()) else {
                    continue;
                };
                let email =
                    format!("{}.{}@customer{at:02}.example", first.to_lowercase(), last.to_lowercase());
                contacts.push(self.add(
                    "Contact",
                    &json!({
                        "FirstName": first, "LastName": last, "Title": title, "Email": email,
                        "AccountId": account.as_str(), "OwnerId": self.of_team(Team::Sales, at),
                    }),
                )?);
            }
            customers.push((*name, account, contacts));
        }
        let campaign = self.add(
            "Campaign",
            &json!({"Name": "Spring field-service webinar", "Type": "Webinar", "Status": "Completed"}),
        )?;
        for number in 0..DEALS {
            if let Some((name, account, contacts)) = customers.get(number % customers.len()) {
                self.deal(number, name, *account, contacts, campaign)?;
            }
        }
        self.leads(campaign)?;
        self.cases(&customers)
    }

    fn add(&mut self, object: &str, fields: &Json) -> Result<Id, Error> {
        self.state.create(&self.system, object, fields)
    }

    fn of_team(&self, team: Team, turn: usize) -> String {
        let members: Vec<Id> =
            self.staff.iter().filter(|(person, _)| person.team == team).map(|(_, id)| *id).collect();
        members.get(turn % members.len().max(1)).copied().unwrap_or(self.system.user).to_string()
    }

    fn day(&self, offset: i64) -> String {
        self.today.saturating_add(offset.days()).to_string()
    }

    fn deal(
        &mut self,
        number: usize,
        customer: &str,
        account: Id,
        contacts: &[Id],
        campaign: Id,
    ) -> Result<(), Error> {
        let stage = STAGES.get(number % STAGES.len()).copied().unwrap_or("Prospecting");
        let filled = match (number % 3, stage) {
            (0, "Negotiation/Review" | "Closed Won" | "Proposal/Price Quote") => Filled::Full,
            (1, _) | (_, "Negotiation/Review" | "Closed Won") => Filled::Half,
            _ => Filled::Empty,
        };
        let turn = i64::try_from(number).unwrap_or(0);
        let closed = stage.starts_with("Closed");
        let product =
            ["Field Service", "Dispatch Cloud", "Asset Care"].get(number % 3).copied().unwrap_or_default();
        let mut fields = Map::new();
        let standard = json!({
            "Name": format!("{customer} - {product}"), "AccountId": account.as_str(), "StageName": stage,
            "CloseDate": self.day(if closed { -(turn % 60) - 1 } else { 10 + turn * 2 }),
            "Amount": 12_000 + turn * 3_500, "OwnerId": self.of_team(Team::Sales, number), "Type": "New Business",
            "LeadSource": "Web", "CampaignId": campaign.as_str(),
            "NextStep": if closed { Json::Null } else { json!("Confirm scope with the operations team") },
        });
        fields.extend(standard.as_object().cloned().unwrap_or_default());
        if filled != Filled::Empty {
            self.package(number, filled, &mut fields);
        }
        let deal = self.add("Opportunity", &Json::Object(fields))?;
        let roles: &[&str] = match filled {
            Filled::Full => &["Economic Buyer", "Champion", "Technical Buyer"],
            Filled::Half => &["Champion"],
            Filled::Empty => &[],
        };
        for (role, contact) in roles.iter().zip(contacts) {
            self.add(
                "OpportunityContactRole",
                &json!({
                    "OpportunityId": deal.as_str(), "ContactId": contact.as_str(), "Role": role,
                    "IsPrimary": *role == "Champion",
                }),
            )?;
        }
        if number.is_multiple_of(4) {
            self.add("Task", &json!({
                "Subject": "Send implementation outline", "WhatId": deal.as_str(), "ActivityDate": self.day(7),
                "OwnerId": self.of_team(Team::Sales, number), "Status": "Not Started",
            }))?;
        }
        Ok(())
    }

    /// Fills the handoff 03 fields the org has; half a package lacks what is named last in contract order.
    fn package(&self, number: usize, filled: Filled, fields: &mut Map<String, Json>) {
        let receiver = self.of_team(Team::Onboarding, number);
        let go_live = self.day(45 + i64::try_from(number).unwrap_or(0));
        let half = json!({
            "Signing_Authority__c": "CFO signs up to 250,000 EUR alone; above that the board",
            "Champion_Strength__c": "Strong",
            "Political_Dynamics__c": "Operations wants it; IT fears another integration to look after",
            "Verbal_Commitments__c": "Two extra training days were promised by phone on the last call",
            "No_Side_Letters__c": false,
            "Success_Criteria__c": "Missed appointments fall from 9 % to under 4 % by the end of the second quarter",
            "Onboarding_Lead__c": receiver,
        });
        let rest = json!({
            "Success_Metric__c": "Missed appointments per month, read from the dispatch report",
            "Success_Target__c": "From 9 % to 4 % of all appointments",
            "Success_Target_Date__c": self.day(180 + i64::try_from(number).unwrap_or(0)),
            "No_Known_Risks__c": false,
            "Implementation_Risks__c": "Their address data is stored in three systems that disagree",
            "Incumbent_Tool__c": "Spreadsheets and a legacy planner",
            "Sticky_Points__c": "Dispatchers love the colour codes of the old planner and will miss them",
            "Desired_Go_Live__c": go_live,
            "Go_Live_Anchor_Event__c": "Start of the winter service season, when call volume doubles",
            "Expansion_Hypothesis__c": "The northern depots follow in year two once the first two run smoothly",
        });
        let object = self.state.schema.object("Opportunity");
        let mut put = |part: &Json| {
            for (name, value) in part.as_object().into_iter().flatten() {
                let field = object.and_then(|object| object.field(name));
                if field.is_some_and(|field| fits(&field.spec.values, value)) {
                    fields.insert(name.clone(), value.clone());
                }
            }
        };
        put(&half);
        if filled == Filled::Full {
            put(&rest);
        }
    }

    fn leads(&mut self, campaign: Id) -> Result<(), Error> {
        for (number, (first, last, title)) in CONTACTS.iter().take(8).enumerate() {
            let lead = self.add("Lead", &json!({
                "FirstName": first, "LastName": last, "Title": title, "Company": format!("Prospect {}", number + 1),
                "Email": format!("{}@prospect{number}.example", first.to_lowercase()), "LeadSource": "Web",
                "OwnerId": self.of_team(Team::Development, number),
            }))?;
            self.add("CampaignMember", &json!({
                "CampaignId": campaign.as_str(), "LeadId": lead.as_str(), "Status": "Responded", "HasResponded": true,
            }))?;
        }
        Ok(())
    }

    fn cases(&mut self, customers: &[(&str, Id, Vec<Id>)]) -> Result<(), Error> {
        for (number, (_, account, contacts)) in customers.iter().take(6).enumerate() {
            self.add("Case", &json!({
                "Subject": "Technician app shows yesterday's route", "AccountId": account.as_str(), "Origin": "Email",
                "ContactId": contacts.first().map(Id::as_str), "Status": if number % 2 == 0 { "New" } else { "Working" },
                "OwnerId": self.of_team(Team::Success, number),
            }))?;
        }
        Ok(())
    }
}

/// A picklist takes only its own values.
fn fits(values: &[String], value: &Json) -> bool {
    values.is_empty() || value.as_str().is_some_and(|text| values.iter().any(|known| known == text))
}
