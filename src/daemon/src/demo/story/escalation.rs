//! Handoff 05: a CSM escalates to Support, and it comes back.

use handoff_core::beside::Happening;
use serde_json::json;

use super::super::crm::Crm;
use super::super::fill;
use super::super::look::yes;
use super::super::record::{Opening, Package};
use super::super::{DemoError, Stage};
use super::{GRACE, SUNIL, Scene, Teller, standing};

/// Hours of silence after the acceptance, before each look: a day, and a bit.
const SILENCE: i64 = 25;

/// Plays the story.
pub(super) async fn play(stage: &Stage, crm: &dyn Crm, teller: &mut Teller<'_>) -> Result<(), DemoError> {
    let customer = crm.customer(GRACE, "Harbourline Freight - Rotterdam")?;
    let asked = crm.ask(GRACE, &customer, "The app shows yesterday's route")?;
    let opening = Opening {
        name: "Drivers start with the wrong addresses",
        by: GRACE,
        motion: "a",
        stage: "escalated",
        sender: GRACE,
        receiver: SUNIL,
        customer: Some(&customer),
        deal: None,
    };
    let mut case = Package::open(stage, crm, "h05-csm-to-support", opening)?;
    let source = if crm.vendor() == "HubSpot" { "Support ticket" } else { "Customer message" };
    case.say(
        GRACE,
        &[
            ("signal", "source", json!(source)),
            ("signal", "evidence", json!(asked)),
            ("echo_cadence", "cadence", json!("Daily")),
            ("communication_owner", "csm", crm.user(GRACE)?),
            ("close_the_loop", "within_hours", json!(8)),
        ],
    )?;
    let mut story = Story { stage, case, customer, scene: Scene { crm, handoff: "05" }, teller };
    let returns = story.case.record.mapping.beside.is_some();
    if returns {
        story.a_machine_writes().await?;
    }
    story.she_writes().await?;
    story.takes_it().await?;
    if returns {
        story.falls_silent().await?;
        story.answers_past_her().await?;
        story.closes_the_loop().await?;
    }
    Ok(())
}

struct Story<'a, 't, 's> {
    stage: &'a Stage,
    case: Package<'a>,
    customer: String,
    scene: Scene<'a>,
    teller: &'t mut Teller<'s>,
}

impl Story<'_, '_, '_> {
    /// What the CSM reads on the record that she owns.
    fn echo(&self) -> String {
        let record = &self.case.record;
        let echo = record.mapping.beside.as_ref().and_then(|beside| beside.echo.as_ref());
        let Some(echo) = echo else { return String::new() };
        match &echo.on {
            Some(on) => {
                let text = record.crm.stands(on.object.as_str(), &self.customer, &echo.field);
                super::super::look::text_of(&text)
            }
            None => record.text(&echo.field),
        }
    }

    async fn has(&self, is: fn(&Happening) -> bool) -> Result<bool, DemoError> {
        Ok(self.case.record.happened().await?.iter().any(is))
    }

    async fn a_machine_writes(&mut self) -> Result<(), DemoError> {
        let record = &self.case.record;
        let statement = "Your drivers start the day with the wrong addresses and turn round at the depot";
        let fields = fill::fields(record.mapping, &[("impact", "statement", statement)]);
        record.crm.automate(record.object(), &record.id, &fields)?;
        let eta = json!(record.days(1));
        let owner = record.crm.user(SUNIL)?;
        self.case.say(GRACE, &[("acknowledgement", "owner", owner), ("acknowledgement", "eta", eta)])?;
        self.stage.settle().await?;
        let record = &self.case.record;
        let missing = record.missing();
        let impact = missing.lines().find(|line| line.to_lowercase().contains("impact")).unwrap_or_default();
        self.teller.report(
            self.scene,
            "Grace, the CSM, escalates; a workflow fills in what the customer suffers",
            "every field is filled, but that one has to be a person's own words: it is not in Support's queue",
            !impact.is_empty() && !record.queued(),
            format!("\"{impact}\"; in queue: {}", yes(record.queued())),
        );
        Ok(())
    }

    async fn she_writes(&mut self) -> Result<(), DemoError> {
        let record = &self.case.record;
        let (owner, eta) = (record.crm.user(SUNIL)?, json!(record.days(1)));
        let statement =
            "Your drivers leave with yesterday's addresses, and the first tour of the day is lost";
        self.case.say(
            GRACE,
            &[
                ("impact", "statement", json!(statement)),
                ("acknowledgement", "owner", owner),
                ("acknowledgement", "eta", eta),
            ],
        )?;
        self.stage.settle().await?;
        let record = &self.case.record;
        self.teller.report(
            self.scene,
            "Grace writes it herself",
            "nothing is missing; the escalation is in Support's queue",
            record.missing().is_empty() && record.queued(),
            standing(&self.case),
        );
        Ok(())
    }

    async fn takes_it(&mut self) -> Result<(), DemoError> {
        let record = &self.case.record;
        record.save(SUNIL, &record.accept(true))?;
        self.stage.settle().await?;
        let acknowledged = self.has(|each| matches!(each, Happening::Acknowledged { .. })).await?;
        let echo = self.echo();
        let returns = self.case.record.mapping.beside.is_some();
        let status = self.case.record.status();
        self.teller.report(
            self.scene,
            "Sunil, the support lead, accepts and promises an answer for tomorrow",
            "Grace reads on the record that she owns who has it and by when",
            if returns {
                acknowledged && echo.contains("answer promised by")
            } else {
                status.contains("Accepted")
            },
            format!("status: \"{status}\"; echo: \"{}\"", echo.replace('\n', " ")),
        );
        Ok(())
    }

    async fn falls_silent(&mut self) -> Result<(), DemoError> {
        for _ in 0..2 {
            self.stage.advance(SILENCE * 3_600);
            self.stage.look(&self.case.record.record()).await?;
        }
        let missed = self.has(|each| matches!(each, Happening::EchoMissed { .. })).await?;
        let passed = self.has(|each| matches!(each, Happening::EtaPassed { .. })).await?;
        let (echo, status) = (self.echo(), self.case.record.status());
        self.teller.report(
            self.scene,
            "Fifty hours pass without a word (the stage's clock is moved)",
            "both misses stand where Grace reads: no news when news was due, and the promised day has passed",
            missed && passed && echo.contains("passed") && status.contains("No news when news was due"),
            format!("status: \"{status}\"; echo: \"{}\"", echo.replace('\n', " ")),
        );
        Ok(())
    }

    async fn answers_past_her(&mut self) -> Result<(), DemoError> {
        let record = &self.case.record;
        record.crm.write(SUNIL, &record.id, "We have repaired it")?;
        self.stage.advance(60);
        record.save(SUNIL, &record.to_stage("resolved"))?;
        self.stage.settle().await?;
        self.stage.look(&self.case.record.record()).await?;
        let foreign = self.has(|each| matches!(each, Happening::ForeignMessage { .. })).await?;
        let closed = self.has(|each| matches!(each, Happening::LoopClosed { .. })).await?;
        let status = self.case.record.status();
        self.teller.report(
            self.scene,
            "Sunil repairs it, writes to the customer himself and closes the case",
            "the message past the CSM is found, and closing the case closes no loop: Grace still has to tell the customer",
            foreign && !closed && status.contains("the sender tells the customer"),
            format!("message past the CSM: {}; loop closed: {}; status: \"{status}\"", yes(foreign), yes(closed)),
        );
        Ok(())
    }

    async fn closes_the_loop(&mut self) -> Result<(), DemoError> {
        self.stage.advance(3_600);
        let record = &self.case.record;
        record.crm.call(GRACE, (record.object(), &record.id), "Told them what happened")?;
        self.stage.look(&record.record()).await?;
        let closed = self.has(|each| matches!(each, Happening::LoopClosed { .. })).await?;
        let late = self.has(|each| matches!(each, Happening::LoopMissed { .. })).await?;
        let (echo, status) = (self.echo(), self.case.record.status());
        self.teller.report(
            self.scene,
            "An hour later Grace calls the customer and logs the call",
            "the loop is closed by her own activity, within the agreed eight hours",
            closed && !late && !status.contains("tells the customer"),
            format!(
                "loop closed: {}; too late: {}; status: \"{status}\"; echo: \"{}\"",
                yes(closed),
                yes(late),
                echo.replace('\n', " ")
            ),
        );
        Ok(())
    }
}
