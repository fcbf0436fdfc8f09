//! Handoff 02: an SDR hands a qualified deal to an account executive.

use serde_json::json;

use super::super::crm::Crm;
use super::super::look::{first_line, yes};
use super::super::record::{Opening, Package};
use super::super::{DemoError, Stage};
use super::{AVA, NIA, Scene, Teller, standing};

/// Plays the story; the id of the customer, who lives in its motion from then on.
pub(super) async fn play(stage: &Stage, crm: &dyn Crm, teller: &mut Teller<'_>) -> Result<String, DemoError> {
    let customer = crm.customer(NIA, "Tidewell Marine - Bergen yard")?;
    let opening = Opening {
        name: "Tidewell Marine - Yard planning",
        by: NIA,
        motion: "a",
        stage: "meeting_set",
        sender: NIA,
        receiver: AVA,
        customer: Some(&customer),
        deal: None,
    };
    let deal = Package::open(stage, crm, "h02-sdr-to-ae", opening)?;
    let mut story = Story { stage, deal, customer, scene: Scene { crm, handoff: "02" }, teller };
    story.points_at_notes().await?;
    story.discovers().await?;
    story.sends_back().await?;
    story.mends().await?;
    story.accepts().await?;
    Ok(story.customer)
}

struct Story<'a, 't, 's> {
    stage: &'a Stage,
    deal: Package<'a>,
    customer: String,
    scene: Scene<'a>,
    teller: &'t mut Teller<'s>,
}

impl Story<'_, '_, '_> {
    fn credited(&self) -> bool {
        self.deal.record.is_open("sdr_credit")
    }

    async fn points_at_notes(&mut self) -> Result<(), DemoError> {
        let notes = [
            ("pain", "pain", json!("see meeting notes")),
            ("pain", "anti_pain", json!("n/a")),
            ("timeline", "trigger", json!("see calendar")),
            ("budget", "pathway", json!("BANT ok")),
        ];
        self.deal.say(NIA, &notes)?;
        self.stage.settle().await?;
        self.stage.look(&self.deal.record.record()).await?;
        let record = &self.deal.record;
        let missing = record.missing();
        let junk = missing.lines().filter(|line| !line.contains("is empty")).count();
        self.teller.report(
            self.scene,
            "Nia, the SDR, hands over with \"see meeting notes\", \"see calendar\" and \"BANT ok\"",
            "meeting notes fill no field: each is named; no credit, and not in Ava's queue",
            junk >= 4 && !record.queued() && !self.credited(),
            format!(
                "{junk} answers named, e.g. \"{}\"; in queue: {}; SDR credit: {}",
                missing.lines().find(|line| !line.contains("is empty")).unwrap_or_default(),
                yes(record.queued()),
                yes(self.credited())
            ),
        );
        Ok(())
    }

    async fn discovers(&mut self) -> Result<(), DemoError> {
        let by = self.deal.record.days(120);
        let answers = [
            (
                "pain",
                "pain",
                json!("Every second boat leaves the yard late because shifts are planned by telephone"),
            ),
            ("pain", "anti_pain", json!("Invoicing works; they do not want to touch it")),
            ("tool_stack", "satisfaction", json!("Unhappy")),
            ("timeline", "by", json!(by)),
            ("timeline", "trigger", json!("The new slipway opens before the summer season")),
            ("budget", "signal", json!("Planned")),
            ("budget", "pathway", json!("The yard's director proposes, the owner signs")),
            ("competition", "none", json!(true)),
        ];
        self.deal.say(NIA, &answers)?;
        self.deal.row(NIA, ("tool_stack", "tools"), &[("tool", json!("Spreadsheets"))], &[])?;
        let crm = self.deal.record.crm;
        for (name, role, reaction) in [
            ("Solberg", "Champion", "Asked for a second meeting with her planners"),
            ("Hagen", "Economic Buyer", "Wants to see what it saves before he listens"),
        ] {
            let person = crm.contact(NIA, &self.customer, name)?;
            let met = [("person", json!(person)), ("role", json!(role)), ("reaction", json!(reaction))];
            self.deal.row(NIA, ("stakeholders", "people"), &met, &[])?;
        }
        self.stage.look(&self.deal.record.record()).await?;
        let record = &self.deal.record;
        self.teller.report(
            self.scene,
            "Nia writes what hurts, whom she met and how they took it, by when and why then",
            "nothing is missing; the deal is in Ava's queue; Nia has no credit yet",
            record.missing().is_empty() && record.queued() && !self.credited(),
            format!("{}; SDR credit: {}", standing(&self.deal), yes(self.credited())),
        );
        Ok(())
    }

    async fn sends_back(&mut self) -> Result<(), DemoError> {
        let record = &self.deal.record;
        let reason = "Who signs when the owner is at sea?";
        record.save(AVA, &record.reject("budget", reason))?;
        self.stage.settle().await?;
        let record = &self.deal.record;
        let missing = record.missing();
        let sent_back = missing.lines().filter(|line| line.contains("was sent back")).count();
        self.teller.report(
            self.scene,
            "Ava, the account executive, sends one field back with a question",
            "Nia reads the question on the record; the deal leaves the queue",
            sent_back == 1 && missing.contains(reason) && !record.queued(),
            format!("\"{}\"; in queue: {}", first_line(&missing), yes(record.queued())),
        );
        Ok(())
    }

    async fn mends(&mut self) -> Result<(), DemoError> {
        let mended =
            [("budget", "pathway", json!("The yard's director proposes; the owner or his daughter signs"))];
        self.deal.say(NIA, &mended)?;
        self.stage.look(&self.deal.record.record()).await?;
        let record = &self.deal.record;
        self.teller.report(
            self.scene,
            "Nia answers it in the field",
            "nothing is missing; the deal is back in the queue",
            record.missing().is_empty() && record.queued() && !self.credited(),
            standing(&self.deal),
        );
        Ok(())
    }

    async fn accepts(&mut self) -> Result<(), DemoError> {
        let record = &self.deal.record;
        let answer = record.answer();
        if !answer.is_empty() {
            record.save(AVA, &record.accept(false))?;
            self.stage.settle().await?;
        }
        let record = &self.deal.record;
        record.save(AVA, &record.accept(true))?;
        self.stage.settle().await?;
        let record = &self.deal.record;
        let gate = record.gate("sdr_credit");
        let clearance = record.optional(gate.and_then(|gate| gate.clearance_id.as_ref()));
        let brief = record.brief();
        let brief_holds =
            brief.as_ref().is_none_or(|brief| brief.contains("shifts are planned by telephone"));
        let told = brief.map_or_else(String::new, |brief| {
            format!("; brief of {} lines, first \"{}\"", brief.lines().count(), first_line(&brief))
        });
        let start: String = clearance.chars().take(8).collect();
        self.teller.report(
            self.scene,
            "Ava accepts",
            "now, and not before, the meeting counts for Nia; the brief of confirmed answers stands on the record",
            self.credited() && clearance.len() >= 32 && brief_holds,
            format!("SDR credit: {}; clearance id: {start}…{told}", yes(self.credited())),
        );
        Ok(())
    }
}
