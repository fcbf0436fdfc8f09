//! What happens before and after a deal: leads, discovery, onboarding, support, escalations, cross-sell.

use handoff_sandbox_host::fiction::{ACCOUNTS, CONTACTS, Team};
use serde_json::{Map, Value as Json, json};

use super::hand::Hand;
use crate::{Error, schema::ObjectIx, state::State};

/// Companies that are no customers yet.
const PROSPECTS: [&str; 6] = [
    "Ambergate Housing",
    "Birchfield Cold Stores",
    "Cresswell Lifts",
    "Dunmore Waste Services",
    "Elmstead Clinics",
    "Fairhaven Ferries",
];
/// What prospects read on the way.
const ASSETS: [&str; 3] =
    ["Field service benchmark 2026", "Dispatch cost calculator", "Webinar: winter planning"];
const PAGES: [&str; 3] = ["Pricing", "Customers: field service", "Integrations"];
const FEATURES: [&str; 2] = ["Scheduling board", "Mobile work orders"];
/// Weeks of use that an onboarding looks back on.
const WEEKS: usize = 8;
/// Category, priority and subject of what customers asked.
const QUESTIONS: [(&str, &str, &str); 3] = [
    ("GENERAL_INQUIRY", "LOW", "How do we print the weekly plan?"),
    ("PRODUCT_ISSUE", "MEDIUM", "Work orders arrive twice on one phone"),
    ("GENERAL_INQUIRY", "LOW", "Where do we change a technician's shift?"),
];

/// Plants the journey; nothing where the portal has not what it needs.
pub(super) fn plant(state: &mut State) -> Result<(), Error> {
    let find = |name: &str| state.object(name);
    let (Ok(onboardings), Ok(usage), Ok(trainings), Ok(touches)) =
        (find("p_onboarding"), find("p_feature_usage"), find("p_training_attendance"), find("p_touchpoint"))
    else {
        return Ok(());
    };
    let standard = Standard {
        contacts: find("contacts")?,
        companies: find("companies")?,
        deals: find("deals")?,
        tickets: find("tickets")?,
        calls: find("calls")?,
        emails: find("emails")?,
        meetings: find("meetings")?,
        notes: find("notes")?,
    };
    let mut journey =
        Journey { hand: Hand::new(state), at: standard, onboardings, usage, trainings, touches };
    journey.leads()?;
    journey.discovery()?;
    journey.customers()
}

/// Places of the vendor's own objects.
struct Standard {
    contacts: ObjectIx,
    companies: ObjectIx,
    deals: ObjectIx,
    tickets: ObjectIx,
    calls: ObjectIx,
    emails: ObjectIx,
    meetings: ObjectIx,
    notes: ObjectIx,
}

struct Journey<'a> {
    hand: Hand<'a>,
    at: Standard,
    onboardings: ObjectIx,
    usage: ObjectIx,
    trainings: ObjectIx,
    touches: ObjectIx,
}

fn object(fields: Json) -> Map<String, Json> {
    match fields {
        Json::Object(fields) => fields,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => Map::new(),
    }
}

impl Journey<'_> {
    /// Leads of every kind: with a package, with a score alone, not yet qualified.
    fn leads(&mut self) -> Result<(), Error> {
        for (number, company) in PROSPECTS.iter().enumerate() {
            let Some((first, last, title)) = CONTACTS.get(CONTACTS.len() - 1 - number) else { continue };
            let stage = ["marketingqualifiedlead", "marketingqualifiedlead", "lead"].get(number % 3);
            let domain = format!("prospect{number:02}.example");
            let mut fields = object(json!({
                "firstname": first, "lastname": last, "jobtitle": title, "company": company,
                "email": format!("{}.{}@{domain}", first.to_lowercase(), last.to_lowercase()),
                "lifecyclestage": stage, "hs_lead_status": "NEW", "hubspotscore": 40 + number * 9,
                "hubspot_owner_id": self.hand.owner(Team::Development, number),
                "hs_analytics_source": "PAID_SEARCH", "hs_analytics_source_data_1": "dispatch software",
                "hs_analytics_first_touch_converting_campaign": format!("winter-planning-2026-{number}"),
                "hs_analytics_num_page_views": 5 + number * 4, "hs_analytics_num_visits": 1 + number,
                "hs_analytics_first_timestamp": self.hand.past(30), "hs_analytics_last_timestamp": self.hand.past(2),
                "num_conversion_events": 2, "first_conversion_event_name": ASSETS[0],
                "first_conversion_date": self.hand.past(30), "recent_conversion_event_name": ASSETS[1],
                "recent_conversion_date": self.hand.past(2),
            }));
            if number % 3 == 0 {
                fields.extend(object(json!({
                    "handoff_01_marketer": self.hand.owner(Team::Development, number + 1),
                    "handoff_01_narrative":
                        "Came back four times in two weeks, each time to the pricing page, after reading the benchmark",
                    "handoff_01_trigger":
                        "They opened two depots this year and posted three dispatcher jobs last month",
                    "handoff_01_confidence": "Medium", "handoff_01_playbook": "Tier A",
                    "handoff_01_first_touch_hours": 4,
                })));
            }
            let contact = self.hand.add(self.at.contacts, &Json::Object(fields))?;
            if number % 3 == 0 {
                let firm = json!({
                    "name": company, "domain": domain, "industry": "CONSTRUCTION", "numberofemployees": 90 + number * 40,
                });
                let firm = self.hand.add(self.at.companies, &firm)?;
                self.hand.link((self.at.contacts, contact), (self.at.companies, firm), None)?;
            }
            for (turn, asset) in ASSETS.iter().enumerate().take(1 + number % 3) {
                let seen = self.hand.past_day(3 + turn * 7);
                self.touch(contact, "Asset", asset, &seen, None)?;
                let page = PAGES.get(turn).copied().unwrap_or_default();
                self.touch(contact, "Page", page, &seen, Some(35 + turn * 60))?;
            }
        }
        Ok(())
    }

    fn touch(
        &mut self,
        contact: u64,
        kind: &str,
        what: &str,
        on: &str,
        seconds: Option<usize>,
    ) -> Result<(), Error> {
        let fields = json!({
            "touch_name": format!("{what}, {on}"), "touch_kind": kind, "asset": what, "seen_on": on,
            "seconds": seconds, "return_visit": seconds.is_some_and(|seconds| seconds > 40),
        });
        let touch = self.hand.add(self.touches, &fields)?;
        self.hand.link((self.touches, touch), (self.at.contacts, contact), None)
    }

    /// The SDR's answers on deals that are still early.
    fn discovery(&mut self) -> Result<(), Error> {
        let Some(stage) = self.hand.state.stage_of(self.at.deals) else { return Ok(()) };
        let early: Vec<u64> = self
            .rows(self.at.deals)
            .into_iter()
            .filter(|id| {
                let deal = self.hand.state.record(self.at.deals, *id);
                matches!(
                    deal.and_then(|deal| deal.value(stage)),
                    Some("appointmentscheduled" | "qualifiedtobuy")
                )
            })
            .collect();
        for (number, deal) in early.into_iter().enumerate() {
            let mut fields = object(json!({
                "handoff_02_sdr": self.hand.owner(Team::Development, number),
                "handoff_02_pain": "Dispatchers spend two hours a day on the phone to fill gaps in the plan",
            }));
            if number % 2 == 0 {
                fields.extend(object(json!({
                    "handoff_02_anti_pain": "They are happy with their invoicing and do not want to touch it",
                    "handoff_02_tools": "Spreadsheets;Legacy planner", "handoff_02_satisfaction": "Unhappy",
                    "handoff_02_needed_by": self.hand.day(90 + number),
                    "handoff_02_trigger": "Their busy season starts in spring, with a third more jobs",
                    "handoff_02_budget": "Planned",
                    "handoff_02_procurement": "The CFO signs, procurement compares three offers first",
                    "handoff_02_no_competitors": "true",
                })));
            }
            self.hand.change(self.at.deals, deal, &fields)?;
        }
        Ok(())
    }

    fn rows(&self, object: ObjectIx) -> Vec<u64> {
        let table = self.hand.state.tables.get(object);
        table.into_iter().flat_map(crate::table::Table::rows).map(|record| record.id).collect()
    }

    /// What follows a won deal.
    fn customers(&mut self) -> Result<(), Error> {
        let Some(stage) = self.hand.state.stage_of(self.at.deals) else { return Ok(()) };
        let won: Vec<u64> = self
            .rows(self.at.deals)
            .into_iter()
            .filter(|id| {
                let deal = self.hand.state.record(self.at.deals, *id);
                deal.and_then(|deal| deal.value(stage)) == Some("closedwon")
            })
            .collect();
        for (number, deal) in won.into_iter().enumerate() {
            let linked = |other| self.hand.state.links.linked(self.at.deals, deal, other);
            let Some(company) = linked(self.at.companies).first().copied() else { continue };
            let people = self.hand.state.links.linked(self.at.companies, company, self.at.contacts);
            let health = object(json!({"handoff_health_score": 82 - number * 11}));
            self.hand.change(self.at.companies, company, &health)?;
            let customer = Customer { number, company, deal, people };
            let asked = self.support(&customer)?;
            self.onboarding(&customer)?;
            self.escalation(&customer, asked)?;
        }
        Ok(())
    }

    /// What the customer asked; the ticket that becomes an escalation.
    fn support(&mut self, customer: &Customer) -> Result<Option<u64>, Error> {
        let mut worst = None;
        for (turn, (category, priority, subject)) in QUESTIONS.iter().enumerate() {
            let ticket = self.hand.add(
                self.at.tickets,
                &json!({
                    "subject": subject, "hs_pipeline": "0", "hs_pipeline_stage": if turn == 1 { "3" } else { "4" },
                    "hs_ticket_category": category, "hs_ticket_priority": priority, "source_type": "EMAIL",
                    "hubspot_owner_id": self.hand.owner(Team::Success, turn),
                    "createdate": self.hand.past(40 - turn * 9),
                }),
            )?;
            self.hand.link((self.at.tickets, ticket), (self.at.companies, customer.company), None)?;
            if let Some(person) = customer.people.get(turn) {
                self.hand.link((self.at.tickets, ticket), (self.at.contacts, *person), None)?;
            }
            worst = if turn == 1 { Some(ticket) } else { worst };
        }
        Ok(worst)
    }

    fn onboarding(&mut self, customer: &Customer) -> Result<(), Error> {
        let number = customer.number;
        let stage = ["onboarding_live", "onboarding_rollout", "onboarding_kickoff"].get(number % 3);
        let name = ACCOUNTS.get(number % ACCOUNTS.len()).map_or("", |(name, ..)| *name);
        let record = self.hand.add(
            self.onboardings,
            &json!({
                "onboarding_name": format!("Onboarding {}: {name}", number + 1), "hs_pipeline": "onboarding",
                "hs_pipeline_stage": stage, "hubspot_owner_id": self.hand.owner(Team::Onboarding, number),
                "csm": self.hand.owner(Team::Success, number),
            }),
        )?;
        let place = (self.onboardings, record);
        self.hand.link(place, (self.at.companies, customer.company), None)?;
        self.hand.link(place, (self.at.deals, customer.deal), None)?;
        let labels = ["Sponsor", "Project lead", "Key user"];
        for ((turn, person), label) in customer.people.iter().enumerate().zip(labels) {
            self.hand.link(place, (self.at.contacts, *person), Some(label))?;
            let heat = ["Hot", "Warm", "Cold"].get((turn + number) % 3);
            self.hand.change(self.at.contacts, *person, &object(json!({"handoff_04_heat": heat})))?;
            self.spoken(customer, *person, turn)?;
            self.training(place, *person, turn)?;
        }
        for week in 0..WEEKS {
            for (turn, feature) in FEATURES.iter().enumerate() {
                let monday = self.hand.past_day((WEEKS - week) * 7);
                let fields = json!({
                    "usage_name": format!("{feature}, {monday}"), "feature": feature, "week_starting": monday,
                    "weekly_users": 3 + week * (2 + turn),
                });
                let row = self.hand.add(self.usage, &fields)?;
                self.hand.link((self.usage, row), place, None)?;
            }
        }
        Ok(())
    }

    /// A call, an e-mail and a meeting with a person of the customer.
    fn spoken(&mut self, customer: &Customer, person: u64, turn: usize) -> Result<(), Error> {
        let owner = self.hand.owner(Team::Success, customer.number);
        let at = |back: usize, hand: &Hand<'_>| hand.past(back + turn * 12);
        let call = json!({
            "hs_call_title": "How the roll-out goes", "hs_call_direction": "OUTBOUND", "hs_call_status": "COMPLETED",
            "hs_call_duration": 900_000, "hs_timestamp": at(6, &self.hand), "hubspot_owner_id": owner,
        });
        let email = json!({
            "hs_email_subject": "Next training dates", "hs_email_direction": "EMAIL", "hs_email_status": "SENT",
            "hs_timestamp": at(9, &self.hand), "hubspot_owner_id": owner,
        });
        let meeting = json!({
            "hs_meeting_title": "Roll-out review", "hs_meeting_outcome": "COMPLETED",
            "hs_timestamp": at(14, &self.hand), "hs_meeting_start_time": at(14, &self.hand),
            "hubspot_owner_id": owner,
        });
        let note = json!({
            "hs_note_body": "Depots two and three start in January.", "hs_timestamp": at(5, &self.hand),
            "hubspot_owner_id": owner,
        });
        for (kind, fields) in [
            (self.at.calls, call),
            (self.at.emails, email),
            (self.at.meetings, meeting),
            (self.at.notes, note),
        ] {
            let activity = self.hand.add(kind, &fields)?;
            self.hand.link((kind, activity), (self.at.contacts, person), None)?;
            self.hand.link((kind, activity), (self.at.companies, customer.company), None)?;
        }
        Ok(())
    }

    fn training(&mut self, onboarding: (ObjectIx, u64), person: u64, turn: usize) -> Result<(), Error> {
        for (session, done) in [("Planning basics", "Completed"), ("Mobile app", "Attended")] {
            let done = if turn == 2 { "Absent" } else { done };
            let row = self.hand.add(
                self.trainings,
                &json!({
                    "attendance_name": format!("{session}, {person}"), "attendee_id": person.to_string(),
                    "session": session, "completed": done,
                }),
            )?;
            self.hand.link((self.trainings, row), onboarding, None)?;
            self.hand.link((self.trainings, row), (self.at.contacts, person), None)?;
        }
        Ok(())
    }

    /// An escalation of every third customer, and a cross-sell to the first two.
    fn escalation(&mut self, customer: &Customer, asked: Option<u64>) -> Result<(), Error> {
        let number = customer.number;
        if number.is_multiple_of(3) {
            let mut fields = object(json!({
                "subject": "Work orders arrive twice: technicians drive to jobs that are done",
                "hs_pipeline": "escalations", "hs_pipeline_stage": "escalation_new", "hs_ticket_priority": "HIGH",
                "handoff_05_csm": self.hand.owner(Team::Success, number), "handoff_05_signal": "Support ticket",
                "hubspot_owner_id": self.hand.owner(Team::Onboarding, number),
            }));
            if number == 0 {
                fields.extend(object(json!({
                    "handoff_05_impact":
                        "Your technicians cannot trust their list: on Monday two of them drove to finished jobs",
                    "handoff_05_ack_owner": self.hand.owner(Team::Onboarding, 1),
                    "handoff_05_eta": self.hand.day(2), "handoff_05_cadence": "Daily",
                    "handoff_05_close_within_hours": 24,
                })));
            }
            let ticket = self.hand.add(self.at.tickets, &Json::Object(fields))?;
            self.hand.link((self.at.tickets, ticket), (self.at.companies, customer.company), None)?;
            if let Some(asked) = asked {
                let label = Some("Originating ticket");
                self.hand.link((self.at.tickets, ticket), (self.at.tickets, asked), label)?;
            }
        }
        if number < 2 { self.cross_sell(customer) } else { Ok(()) }
    }

    fn cross_sell(&mut self, customer: &Customer) -> Result<(), Error> {
        let number = customer.number;
        let mut fields = object(json!({
            "dealname": format!("Cross-sell {}: Asset Care", number + 1), "pipeline": "cross_sell",
            "dealstage": "cross_sell_handover", "amount": 18_000 + number * 6_000,
            "hubspot_owner_id": self.hand.owner(Team::Sales, number + 2),
            "handoff_06_motion_a_csm": self.hand.owner(Team::Success, number),
            "handoff_06_signal": "They asked twice how to plan the upkeep of their own vans",
        }));
        if number == 0 {
            fields.extend(object(json!({
                "handoff_06_primary_owner": self.hand.owner(Team::Success, number), "handoff_06_mode": "Warm",
                "handoff_06_reunification_trigger": "The cross-sell is won or lost, or the renewal talks begin",
                "handoff_06_owner_after": self.hand.owner(Team::Success, number),
                "handoff_06_reunify_by": self.hand.day(120),
                "handoff_06_communication_plan":
                    "The CSM opens every meeting and sends every summary; the account executive speaks on price only",
                "handoff_06_health_baseline": 82, "handoff_06_stop_below": 60, "handoff_06_entity": "Northwind Peak GmbH",
                "handoff_06_paperwork_route": "Their legal first, then our finance, then the managing director",
            })));
        }
        let deal = self.hand.add(self.at.deals, &Json::Object(fields))?;
        self.hand.link((self.at.deals, deal), (self.at.companies, customer.company), None)?;
        let call = self.hand.state.links.linked(self.at.companies, customer.company, self.at.calls);
        if let Some(call) = call.first() {
            self.hand.link((self.at.calls, *call), (self.at.deals, deal), None)?;
        }
        Ok(())
    }
}

/// A customer whose deal was won.
struct Customer {
    number: usize,
    company: u64,
    deal: u64,
    people: Vec<u64>,
}
