//! What people do: deals, packages, answers, in the contract's words.

use handoff_core::id::GateName;
use handoffd::demo::crm::{Fields, NewDeal};
use handoffd::demo::fill;
use serde_json::Value;

use crate::crm::{Company, Deal, Kind};
use crate::governed::Governed;

/// An account executive: the sender.
pub const AVA: &str = "ava.lindqvist@northwind-peak.example";
/// Another account executive.
pub const MARCO: &str = "marco.silva@northwind-peak.example";
/// An onboarding lead: the receiver.
pub const INGRID: &str = "ingrid.moen@northwind-peak.example";
/// Another onboarding lead.
pub const LUIS: &str = "luis.ortega@northwind-peak.example";

/// The gate that pay waits for.
pub const COMMISSION: &str = "commission";
/// The gate of the receiver's queue.
pub const QUEUE: &str = "receiver_queue";
/// The gate of the stage.
pub const STAGE: &str = "closed_won";

/// Stage in which a handoff opens.
pub const COMMIT: &str = "commit";

/// Contract field, part, value.
pub type Said = (&'static str, &'static str, Value);

/// A package that says something in every part.
pub fn package() -> Vec<Said> {
    [
        ("economic_buyer", "authority", "CFO signs up to 250,000 EUR alone; above that the board"),
        ("sponsor_map", "strength", "Strong"),
        ("sponsor_map", "dynamics", "Operations wants it; IT fears another integration to look after"),
        ("commitments", "promises", "Two extra training days were promised by phone on the last call"),
        ("success_criteria", "criteria", "Missed appointments fall by half in the first half year"),
        ("success_criteria", "metric", "Missed appointments per month"),
        ("success_criteria", "target", "From 9 % to 4 %"),
        ("success_criteria", "by", "2027-06-30"),
        ("risks", "risks", "Their address data is stored in three systems that disagree"),
        ("displacement", "incumbent", "Spreadsheets"),
        ("displacement", "sticky_points", "Dispatchers love the colour codes of the old planner"),
        ("go_live", "date", "2027-02-01"),
        ("go_live", "anchor", "Start of the winter service season"),
        ("expansion", "hypothesis", "The northern depots follow in year two"),
    ]
    .map(|(field, part, text)| (field, part, Value::from(text)))
    .into()
}

/// A package in words of its own, so that a rule against repeated text does not see the last one again.
pub fn package_of(name: &str) -> Vec<Said> {
    let mut package = package();
    for (_, _, value) in &mut package {
        if let Value::String(text) = value
            && text.contains(' ')
        {
            text.extend([" (", name, ")"]);
        }
    }
    package
}

/// Acts that take no time.
impl Company {
    /// A deal of Ava's to be received by Ingrid, with an empty package, in one of our stages.
    pub fn deal(&self, kind: Kind, name: &str, stage: &str) -> Deal {
        let vendor = self.vendors().find(|vendor| vendor.kind() == kind).unwrap();
        let stage = fill::stage(vendor.crm().mapping(), stage);
        self.create(kind, &NewDeal { name, stage: &stage, days: 30, sender: AVA, receiver: INGRID })
    }

    /// Ava fills the package in words of its own and names economic buyer and champion.
    pub fn fill(&self, deal: Deal, name: &str) {
        self.say(AVA, deal, &package_of(name));
        self.add_people(deal);
    }

    /// Ava names the economic buyer and the champion.
    pub fn add_people(&self, deal: Deal) {
        self.of(deal).crm().name_contacts(AVA, deal.id).unwrap();
    }

    /// The save that accepts.
    pub fn acceptance(&self, deal: Deal) -> Fields {
        fill::accept(self.of(deal).crm().mapping(), true)
    }

    /// Ingrid accepts.
    pub fn accept(&self, deal: Deal) {
        self.save(INGRID, deal, &self.acceptance(deal));
    }

    /// Ingrid rejects; `fields` are the contract's keys, separated by semicolons.
    pub fn reject(&self, deal: Deal, fields: &str, reason: &str) {
        self.save(INGRID, deal, &fill::reject(self.of(deal).crm().mapping(), fields, reason));
    }

    /// The save that moves a deal to one of our stages.
    pub fn to_stage(&self, deal: Deal, stage: &str) -> Fields {
        fill::to_stage(self.of(deal).crm().mapping(), stage)
    }

    /// The save that opens a gate's flag.
    pub fn forgery(&self, deal: Deal, gate: &str) -> Fields {
        let gates = &self.of(deal).crm().mapping().write.gate;
        let gate = gates.iter().filter(|(name, _)| name.as_str() == gate);
        gate.map(|(_, write)| (write.field.clone(), write.open.clone())).collect()
    }
}

/// Acts before each of which five seconds pass.
impl Governed {
    /// A deal of Ava's in the stage in which a handoff opens, with an empty package; in the first CRM.
    pub fn deal(&self, name: &str) -> Deal {
        self.deal_in(self.company().first().kind(), name)
    }

    /// The same in one of the CRMs.
    pub fn deal_in(&self, kind: Kind, name: &str) -> Deal {
        self.advance(5);
        self.company().deal(kind, name, COMMIT)
    }

    /// A deal with a whole package.
    pub fn full_deal(&self, name: &str) -> Deal {
        self.full_deal_in(self.company().first().kind(), name)
    }

    /// The same in one of the CRMs.
    pub fn full_deal_in(&self, kind: Kind, name: &str) -> Deal {
        let deal = self.deal_in(kind, name);
        self.advance(5);
        self.company().fill(deal, name);
        deal
    }

    /// Fills the package, as Ava.
    pub fn fill(&self, deal: Deal) {
        self.advance(5);
        self.company().fill(deal, deal.id);
    }

    /// Somebody says something, by the contract's fields and parts.
    pub fn say(&self, who: &str, deal: Deal, said: &[(&str, &str, &str)]) {
        self.advance(5);
        self.company().say(who, deal, said);
    }

    /// Somebody saves fields by the CRM's names.
    pub fn edit(&self, who: &str, deal: Deal, fields: &Value) {
        self.advance(5);
        self.company().save(who, deal, fields.as_object().unwrap());
    }

    /// Somebody saves fields by the CRM's names whom no rule stops.
    pub fn force(&self, who: &str, deal: Deal, fields: &Value) {
        self.advance(5);
        self.company().force(who, deal, fields.as_object().unwrap());
    }

    /// Ingrid accepts.
    pub fn accept(&self, deal: Deal) {
        self.advance(5);
        self.company().accept(deal);
    }

    /// Ingrid rejects; `fields` are the contract's keys, separated by semicolons.
    pub fn reject(&self, deal: Deal, fields: &str, reason: &str) {
        self.advance(5);
        self.company().reject(deal, fields, reason);
    }

    /// Whether a gate stands open in the CRM.
    pub fn flag(&self, deal: Deal, gate: &str) -> bool {
        self.company().flag(deal, gate)
    }

    /// Whether a gate shall be open, as the daemon sees it.
    pub fn gate(&self, deal: Deal, gate: &str) -> bool {
        self.summary(deal)
            .and_then(|summary| summary.gates.get(&GateName::from(gate)).copied())
            .unwrap_or(false)
    }
}
