//! A believable company: customers, and deals in every stage with full, half-filled and empty packages.

use handoff_sandbox_host::fiction::{ACCOUNTS, CONTACTS, Team};
use serde_json::{Map, Value as Json, json};

use super::hand::Hand;
use crate::{
    Error,
    schema::ObjectIx,
    state::State,
    when::{self, DAY},
};

const STAGES: [&str; 7] = [
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
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
    hand: Hand<'a>,
    contacts: ObjectIx,
    companies: ObjectIx,
    deals: ObjectIx,
}

/// Plants the company; saves are loads, so that no rule stands in the way of history.
pub(super) fn plant(state: &mut State) -> Result<(), Error> {
    let (contacts, companies) = (state.object("contacts")?, state.object("companies")?);
    let deals = state.object("deals")?;
    Company { hand: Hand::new(state), contacts, companies, deals }.plant()
}

impl Company<'_> {
    fn plant(&mut self) -> Result<(), Error> {
        let mut customers = Vec::new();
        for (at, (name, industry, employees, city)) in ACCOUNTS.iter().enumerate() {
            let company = self.hand.add(
                self.companies,
                &json!({
                    "name": name, "domain": format!("customer{at:02}.example"), "industry": industry,
                    "numberofemployees": employees, "city": city, "lifecyclestage": "opportunity",
                    "hubspot_owner_id": self.hand.owner(Team::Sales, at),
                }),
            )?;
            let mut people = Vec::new();
            for turn in 0..3 {
                let Some((first, last, title)) = CONTACTS.get((at * 3 + turn) % CONTACTS.len()) else {
                    continue;
                };
                let email =
                    format!("{}.{}@customer{at:02}.example", first.to_lowercase(), last.to_lowercase());
                let contact = self.hand.add(
                    self.contacts,
                    &json!({
                        "firstname": first, "lastname": last, "jobtitle": title, "email": email, "company": name,
                        "hubspot_owner_id": self.hand.owner(Team::Sales, at), "lifecyclestage": "opportunity",
                    }),
                )?;
                self.hand.link((self.contacts, contact), (self.companies, company), None)?;
                people.push(contact);
            }
            customers.push((*name, company, people));
        }
        for number in 0..DEALS {
            if let Some((name, company, people)) = customers.get(number % customers.len()) {
                self.deal(number, name, *company, people)?;
            }
        }
        Ok(())
    }

    fn deal(&mut self, number: usize, customer: &str, company: u64, people: &[u64]) -> Result<(), Error> {
        let stage = STAGES.get(number % STAGES.len()).copied().unwrap_or("appointmentscheduled");
        let filled = match (number % 3, stage) {
            (0, "contractsent" | "closedwon" | "decisionmakerboughtin") => Filled::Full,
            (1, _) | (_, "contractsent" | "closedwon") => Filled::Half,
            _ => Filled::Empty,
        };
        let turn = i64::try_from(number).unwrap_or(0);
        let closed = stage.starts_with("closed");
        let offset = if closed { -(turn % 60) - 1 } else { 10 + turn * 2 };
        let product =
            ["Field Service", "Dispatch Cloud", "Asset Care"].get(number % 3).copied().unwrap_or_default();
        let standard = json!({
            "dealname": format!("{customer} - {product}"), "pipeline": "default", "dealstage": stage,
            "closedate": when::iso(self.hand.today + offset * DAY), "amount": 12_000 + turn * 3_500,
            "hubspot_owner_id": self.hand.owner(Team::Sales, number), "dealtype": "newbusiness",
        });
        let mut fields: Map<String, Json> = standard.as_object().cloned().unwrap_or_default();
        if filled != Filled::Empty {
            self.package(number, filled, &mut fields);
        }
        let deal = self.hand.add(self.deals, &Json::Object(fields))?;
        self.hand.link((self.deals, deal), (self.companies, company), None)?;
        let labels: &[Option<&str>] = match filled {
            Filled::Full => &[Some("Economic Buyer"), Some("Champion"), None],
            Filled::Half => &[Some("Champion")],
            Filled::Empty => &[],
        };
        for (label, contact) in labels.iter().zip(people) {
            self.hand.link((self.deals, deal), (self.contacts, *contact), *label)?;
        }
        Ok(())
    }

    /// Fills the handoff 03 properties that the portal has; half a package lacks what is named last in contract order.
    fn package(&self, number: usize, filled: Filled, fields: &mut Map<String, Json>) {
        let half = json!({
            "handoff_signing_authority": "CFO signs up to 250,000 EUR alone; above that the board",
            "handoff_champion_strength": "Strong",
            "handoff_political_dynamics": "Operations wants it; IT fears another integration to look after",
            "handoff_verbal_commitments": "Two extra training days were promised by phone on the last call",
            "handoff_no_side_letters": "false",
            "handoff_success_criteria":
                "Missed appointments fall from 9 % to under 4 % by the end of the second quarter",
            "handoff_onboarding_lead": self.hand.owner(Team::Onboarding, number),
        });
        let rest = json!({
            "handoff_success_metric": "Missed appointments per month, read from the dispatch report",
            "handoff_success_target": "From 9 % to 4 % of all appointments",
            "handoff_success_target_date": self.hand.day(180 + number),
            "handoff_no_known_risks": "false",
            "handoff_implementation_risks": "Their address data is stored in three systems that disagree",
            "handoff_incumbent_tool": "Spreadsheets and a legacy planner",
            "handoff_sticky_points": "Dispatchers love the colour codes of the old planner and will miss them",
            "handoff_desired_go_live": self.hand.day(45 + number),
            "handoff_go_live_anchor_event": "Start of the winter service season, when call volume doubles",
            "handoff_expansion_hypothesis":
                "The northern depots follow in year two once the first two run smoothly",
        });
        let parts = if filled == Filled::Full { vec![half, rest] } else { vec![half] };
        for part in parts {
            fields.extend(self.hand.known(self.deals, &part));
        }
    }
}
