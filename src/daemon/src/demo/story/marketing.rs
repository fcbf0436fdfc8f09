//! Handoff 01: Marketing hands a lead to an SDR.

use handoff_core::beside::Happening;
use handoff_core::value::Value as Answer;
use serde_json::{Value, json};

use super::super::crm::Crm;
use super::super::look::{first_line, or_nothing, yes};
use super::super::record::{Opening, Package};
use super::super::{DemoError, Stage};
use super::{MONA, NIA, Scene, Teller};

/// Plays the story.
pub(super) async fn play(stage: &Stage, crm: &dyn Crm, teller: &mut Teller<'_>) -> Result<(), DemoError> {
    let opening = Opening {
        name: "Harbour Lifts",
        by: MONA,
        motion: "a",
        stage: "mql",
        sender: MONA,
        receiver: NIA,
        customer: None,
        deal: None,
    };
    let lead = Package::open(stage, crm, "h01-marketing-to-sdr", opening)?;
    let mut story = Story { stage, lead, scene: Scene { crm, handoff: "01" }, teller };
    story.scores().await?;
    story.counts().await?;
    story.tells_why().await?;
    story.accepts().await?;
    story.touches().await
}

struct Story<'a, 't, 's> {
    stage: &'a Stage,
    lead: Package<'a>,
    scene: Scene<'a>,
    teller: &'t mut Teller<'s>,
}

fn count(value: Option<&Answer>) -> String {
    match value {
        Some(Answer::Number(number)) => number.to_string(),
        Some(_) | None => "none".to_owned(),
    }
}

fn word(value: Option<Answer>) -> String {
    match value {
        Some(Answer::Text(text) | Answer::Name(text) | Answer::Choice(text)) => text,
        Some(_) | None => String::new(),
    }
}

impl Story<'_, '_, '_> {
    fn routed(&self) -> bool {
        self.lead.record.is_open("routing")
    }

    async fn scores(&mut self) -> Result<(), DemoError> {
        let bare = [
            ("buying_trigger", "hypothesis", json!("the score was high")),
            ("buying_trigger", "confidence", json!("High")),
        ];
        self.lead.say(MONA, &bare)?;
        self.stage.settle().await?;
        let missing = self.lead.record.missing();
        let trigger =
            missing.lines().find(|line| line.to_lowercase().contains("trigger")).unwrap_or_default();
        self.teller.report(
            self.scene,
            "Mona, Marketing, qualifies a lead; her reason is \"the score was high\"",
            "the lead is not routed, and the record says that a score is no reason",
            !self.routed() && !trigger.is_empty(),
            format!(
                "may be routed: {}; {} lines missing, among them \"{trigger}\"",
                yes(self.routed()),
                missing.lines().count()
            ),
        );
        Ok(())
    }

    async fn counts(&mut self) -> Result<(), DemoError> {
        let record = &self.lead.record;
        record.crm.respond(MONA, &record.id, "Route planning webinar")?;
        let day = |days: i64| Value::from(record.days(days));
        let (guide, first, second, old) = (day(-12), day(-9), day(-4), day(-300));
        let asset = [("asset", json!("Dispatch buyer's guide")), ("seen_on", guide)];
        self.lead.row(MONA, ("source", "journey"), &asset, &[])?;
        for (page, seconds, seen_on) in
            [("Pricing", 210, first), ("Second depots", 95, second), ("Careers", 20, old)]
        {
            let visit = [("page", json!(page)), ("seconds", json!(seconds)), ("seen_on", seen_on)];
            self.lead.visit(MONA, &visit)?;
        }
        self.stage.look(&self.lead.record.record()).await?;
        let visits = count(self.lead.record.read("behaviour", "return_visits").await?.as_ref());
        let missing = self.lead.record.missing().to_lowercase();
        let journey = missing.lines().any(|line| line.contains("journey"));
        self.teller.report(
            self.scene,
            "The website reports four visits; one of them lies ten months back",
            "campaign and journey are no longer missing, nobody typed them; two return visits are counted within 90 days",
            visits == "2" && !journey,
            format!("return visits counted: {visits}; journey missing: {}; may be routed: {}", yes(journey), yes(self.routed())),
        );
        Ok(())
    }

    async fn tells_why(&mut self) -> Result<(), DemoError> {
        let whole = [
            (
                "behaviour",
                "narrative",
                json!("Came back to the pricing page after every article about second depots"),
            ),
            (
                "buying_trigger",
                "hypothesis",
                json!("They open a second depot in spring and still plan by telephone"),
            ),
            ("buying_trigger", "confidence", json!("Medium")),
            ("icp_match", "match", json!("Full")),
            ("icp_match", "icp_version", json!("2026-Q4")),
            ("motion", "playbook", json!("Tier A")),
            ("first_touch", "within_hours", json!(4)),
        ];
        self.lead.say(MONA, &whole)?;
        self.lead.fits(MONA)?;
        self.stage.settle().await?;
        self.stage.look(&self.lead.record.record()).await?;
        let version = word(self.lead.record.read("icp_match", "icp_version").await?);
        let fit = word(self.lead.record.read("icp_match", "match").await?);
        let record = &self.lead.record;
        let (routed, missing) = (self.routed(), record.missing());
        self.teller.report(
            self.scene,
            "Mona writes why they would buy now, how sure she is, and what she promises",
            "the routing gate opens; the customer profile's version is stamped on the package; it is not accepted yet",
            routed && missing.is_empty() && !version.is_empty(),
            format!(
                "may be routed: {}; missing: {}; profile \"{fit}\" by version {version}; status: \"{}\"",
                yes(routed),
                or_nothing(first_line(&missing)),
                record.status()
            ),
        );
        Ok(())
    }

    async fn accepts(&mut self) -> Result<(), DemoError> {
        let record = &self.lead.record;
        record.save(NIA, &record.accept(true))?;
        self.stage.settle().await?;
        let status = self.lead.record.status();
        self.teller.report(
            self.scene,
            "Nia, the SDR, accepts the lead",
            "the record says that the handoff is done",
            status.contains("Accepted"),
            format!("status: \"{status}\"; may be routed: {}", yes(self.routed())),
        );
        Ok(())
    }

    async fn touches(&mut self) -> Result<(), DemoError> {
        if self.lead.record.mapping.beside.as_ref().is_none_or(|beside| beside.activities.is_empty()) {
            return Ok(());
        }
        self.stage.advance(2 * 3_600);
        let record = &self.lead.record;
        record.crm.call(NIA, (record.object(), &record.id), "First call")?;
        self.stage.look(&record.record()).await?;
        let happened = self.lead.record.happened().await?;
        let touched = happened.iter().any(|each| matches!(each, Happening::FirstTouched { .. }));
        let missed = happened.iter().any(|each| matches!(each, Happening::FirstTouchMissed { .. }));
        self.teller.report(
            self.scene,
            "Two hours later (the stage's clock is moved) Nia calls the lead and logs the call",
            "the first touch is found in the CRM's own activities, within the four promised hours",
            touched && !missed,
            format!("first touch in the ledger: {}; too late: {}", yes(touched), yes(missed)),
        );
        Ok(())
    }
}
