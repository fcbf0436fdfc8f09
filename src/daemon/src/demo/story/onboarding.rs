//! Handoff 04: an onboarding lead hands a live customer to a CSM.

use handoff_core::value::Value as Answer;
use serde_json::{Value, json};

use super::super::crm::Crm;
use super::super::look::yes;
use super::super::record::{Opening, Package};
use super::super::wiring::{KEY, Telemetry};
use super::super::{DemoError, Stage, feed};
use super::{GRACE, INGRID, Scene, Teller, standing};

/// Plays the story; `deal` is the one that handoff 03 was accepted for.
pub(super) async fn play(
    stage: &Stage,
    crm: &dyn Crm,
    deal: &str,
    teller: &mut Teller<'_>,
) -> Result<(), DemoError> {
    let customer = crm.customer(GRACE, "Alderbrook Logistics - Northern depots")?;
    crm.ask(GRACE, &customer, "How do we print the weekly plan?")?;
    let name = format!("Alderbrook North, {}", crm.vendor());
    let opening = Opening {
        name: &name,
        by: INGRID,
        motion: "a",
        stage: "live",
        sender: INGRID,
        receiver: GRACE,
        customer: Some(&customer),
        deal: Some(deal),
    };
    let onboarding = Package::open(stage, crm, "h04-onboarding-to-cs", opening)?;
    let mut story = Story { stage, onboarding, customer, scene: Scene { crm, handoff: "04" }, teller };
    story.goes_live().await?;
    story.takes_nothing_unsigned().await?;
    story.counts_use().await?;
    story.gathers().await?;
    story.accepts().await
}

struct Story<'a, 't, 's> {
    stage: &'a Stage,
    onboarding: Package<'a>,
    customer: String,
    scene: Scene<'a>,
    teller: &'t mut Teller<'s>,
}

impl Story<'_, '_, '_> {
    async fn goes_live(&mut self) -> Result<(), DemoError> {
        self.stage.settle().await?;
        let record = &self.onboarding.record;
        let missing = record.missing();
        let promised = record.read("year_one_criteria", "criteria").await?;
        let words = match promised {
            Some(Answer::Text(text)) => text,
            Some(_) | None => String::new(),
        };
        let lacking = missing.to_lowercase().contains("year-1");
        self.teller.report(
            self.scene,
            "A customer goes live; Ingrid, the onboarding lead, has typed nothing",
            "what the sale promised is there already, carried from the accepted handoff 03; use, trainings and people are missing",
            words.contains("Missed appointments") && !lacking && !record.queued() && missing.lines().count() >= 3,
            format!("carried: \"{words}\"; {} lines missing; in queue: {}", missing.lines().count(), yes(record.queued())),
        );
        Ok(())
    }

    fn usage(&self) -> Result<Vec<Value>, DemoError> {
        let record = &self.onboarding.record;
        let told = Telemetry::of(record.mapping);
        let told = told.ok_or_else(|| DemoError::Contracts("handoff 04 reads no feed".to_owned()))?;
        let key = record.text(&told.key);
        let point = |feature: &str, days: i64, users: u32| json!({KEY: key, told.at.as_str(): record.days(days), told.per.as_str(): feature, told.value.as_str(): users});
        Ok(vec![
            point("Scheduling board", -21, 4),
            point("Scheduling board", -14, 9),
            point("Scheduling board", -7, 15),
            point("Mobile work orders", -14, 2),
            point("Mobile work orders", -7, 6),
        ])
    }

    async fn takes_nothing_unsigned(&mut self) -> Result<(), DemoError> {
        let (daemon, rows) = (self.stage.app.local_addr(), self.usage()?);
        let answer = feed::send(feed::USAGE, daemon, self.stage.now(), &rows, false).await?;
        self.stage.look(&self.onboarding.record.record()).await?;
        let record = &self.onboarding.record;
        let missing = record.missing().to_lowercase().contains("adoption");
        self.teller.report(
            self.scene,
            "Somebody sends five weeks of use to the daemon, unsigned",
            "it is refused, and adoption is still missing on the record",
            answer.status == 401 && answer.taken == 0 && missing,
            format!(
                "answer: {}; rows taken: {}; adoption missing: {}",
                answer.status,
                answer.taken,
                yes(missing)
            ),
        );
        Ok(())
    }

    async fn counts_use(&mut self) -> Result<(), DemoError> {
        let (daemon, rows) = (self.stage.app.local_addr(), self.usage()?);
        let answer = feed::send(feed::USAGE, daemon, self.stage.now(), &rows, true).await?;
        let again = feed::send(feed::USAGE, daemon, self.stage.now(), &rows, true).await?;
        self.stage.look(&self.onboarding.record.record()).await?;
        let record = &self.onboarding.record;
        let missing = record.missing().to_lowercase().contains("adoption");
        let points = match record.read("adoption", "curve").await? {
            Some(Answer::Series(points)) => points.len(),
            Some(_) | None => 0,
        };
        self.teller.report(
            self.scene,
            "The product sends the same rows with its signature, and then once more",
            "they are taken once; the adoption curve has its three weeks, and nobody typed it",
            answer.status == 200 && answer.taken == 5 && again.taken == 0 && !missing && points == 3,
            format!(
                "rows taken: {}, then {}; weeks in the curve: {points}; adoption missing: {}",
                answer.taken,
                again.taken,
                yes(missing)
            ),
        );
        Ok(())
    }

    async fn gathers(&mut self) -> Result<(), DemoError> {
        let crm = self.onboarding.record.crm;
        let person = crm.contact(INGRID, &self.customer, "Osei")?;
        let key =
            Telemetry::of(self.onboarding.record.mapping).map(|told| self.onboarding.record.text(&told.key));
        let attended =
            json!({KEY: key, "person": person, "session": "Dispatcher basics", "completed": "Completed"});
        let daemon = self.stage.app.local_addr();
        feed::send(feed::ATTENDANCE, daemon, self.stage.now(), &[attended], true).await?;
        let sponsor = [("person", json!(person)), ("role", json!("Sponsor")), ("heat", json!("Warm"))];
        self.onboarding.row(INGRID, ("sponsors", "people"), &sponsor, &[])?;
        self.onboarding.say(INGRID, &[("escalations", "none", json!(true))])?;
        self.stage.settle().await?;
        self.stage.look(&self.onboarding.record.record()).await?;
        let record = &self.onboarding.record;
        self.teller.report(
            self.scene,
            "The training system sends who came; Ingrid records who sponsors it, and ticks that nothing was escalated",
            "nothing is missing; the customer is in Grace's queue",
            record.missing().is_empty() && record.queued(),
            standing(&self.onboarding),
        );
        Ok(())
    }

    async fn accepts(&mut self) -> Result<(), DemoError> {
        let record = &self.onboarding.record;
        record.save(GRACE, &record.accept(true))?;
        self.stage.settle().await?;
        let status = self.onboarding.record.status();
        self.teller.report(
            self.scene,
            "Grace, the CSM, accepts",
            "the record says that the handoff is done",
            status.contains("Accepted"),
            format!("status: \"{status}\""),
        );
        Ok(())
    }
}
