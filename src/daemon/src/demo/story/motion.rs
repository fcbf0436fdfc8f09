//! Handoff 06: motion A's CSM hands a cross-sell to motion B's account executive; the relationship stays in one hand, and comes back.

use handoff_core::beside::Happening;
use handoff_core::event::{Concern, Event};
use handoff_core::id::MotionId;
use handoff_core::motion::actions;
use serde_json::{Value, json};

use super::super::crm::{Crm, Fields};
use super::super::look::yes;
use super::super::record::{Opening, Package};
use super::super::{DemoError, Stage};
use super::{AVA, GRACE, MONA, NIA, Scene, Teller, standing};

/// Hours in a bit more than half a year.
const HALF_A_YEAR: i64 = 24 * 185;

/// Plays the story; `known` is a customer who lives in motion A.
pub(super) async fn play(
    stage: &Stage,
    crm: &dyn Crm,
    known: &str,
    teller: &mut Teller<'_>,
) -> Result<(), DemoError> {
    goes_past(stage, Scene { crm, handoff: "06" }, known, teller).await?;
    let customer = crm.customer(GRACE, "Willowmere Care Homes - Leicester")?;
    crm.health(GRACE, &customer, 82)?;
    let call = crm.call(GRACE, ("companies", &customer), "They asked for inspection plans")?;
    let opening = Opening {
        name: "Willowmere Care Homes - Asset Care",
        by: GRACE,
        motion: "b",
        stage: "cross_sell",
        sender: GRACE,
        receiver: AVA,
        customer: Some(&customer),
        deal: None,
    };
    let mut deal = Package::open(stage, crm, "h06-motion-a-to-motion-b", opening)?;
    let entity = if crm.vendor() == "HubSpot" { "Northwind Peak Ltd." } else { "Subsidiary" };
    let latest = json!(deal.record.days(500));
    deal.say(
        GRACE,
        &[
            ("primary_owner", "owner", crm.user(AVA)?),
            ("primary_owner", "mode", json!("Warm")),
            ("reunification", "trigger", json!("6 months after go_live")),
            ("reunification", "owner_after", crm.user(GRACE)?),
            ("reunification", "latest", latest),
            ("qualification", "signal", json!("They asked twice for inspection plans of their lifts")),
            ("qualification", "evidence", json!(call)),
            (
                "communication",
                "plan",
                json!("Ava leads every meeting; Grace answers whatever is about the first product"),
            ),
            ("health", "baseline", json!(82)),
            ("health", "stop_below", json!(70)),
            ("paperwork", "entity", json!(entity)),
            ("paperwork", "route", json!("Legal of the subsidiary first, then the parent's finance")),
        ],
    )?;
    let mut story = Story { stage, deal, customer, scene: Scene { crm, handoff: "06" }, teller };
    if story.deal.record.mapping.beside.is_some() {
        story.two_own_it().await?;
    }
    story.one_is_named().await?;
    story.accepts().await?;
    if story.deal.record.mapping.beside.is_some() {
        story.a_signal_fires().await?;
        story.motion_a_suffers().await?;
        story.comes_back().await?;
    }
    Ok(())
}

/// Where leads belong to a customer, one of motion B is found at a customer of another motion without a cross-sell that was agreed.
async fn goes_past(
    stage: &Stage,
    scene: Scene<'_>,
    known: &str,
    teller: &mut Teller<'_>,
) -> Result<(), DemoError> {
    if stage.mapping(scene.crm, "h01-marketing-to-sdr")?.account.is_none() {
        return Ok(());
    }
    let opening = Opening {
        name: "Solberg, Bergen yard",
        by: MONA,
        motion: "b",
        stage: "mql",
        sender: MONA,
        receiver: NIA,
        customer: Some(known),
        deal: None,
    };
    let lead = Package::open(stage, scene.crm, "h01-marketing-to-sdr", opening)?.record;
    stage.settle().await?;
    stage.look(&lead.record()).await?;
    let found = lead.ledger().await?.iter().any(|event| {
        matches!(event, Event::ConcernsChanged { concerns } if concerns.contains(&Concern::CrossSellWithoutHandoff))
    });
    teller.report(
        scene,
        "A lead of motion B is worked at a customer who lives in another motion; nobody agreed on a cross-sell",
        "it is found, and stands in the ledger, until a handoff 06 is on for the customer",
        found && !lead.is_open("routing"),
        format!("cross-sell without a handoff in the ledger: {}", yes(found)),
    );
    Ok(())
}

struct Story<'a, 't, 's> {
    stage: &'a Stage,
    deal: Package<'a>,
    customer: String,
    scene: Scene<'a>,
    teller: &'t mut Teller<'s>,
}

impl Story<'_, '_, '_> {
    /// The field in which somebody else claims the relationship, where the mapping names one.
    fn claim(&self) -> Option<String> {
        let beside = self.deal.record.mapping.beside.as_ref()?;
        beside.claims.get("a").map(|claim| claim.field.clone())
    }

    /// Who owns the relationship, as the CRM shows it.
    fn primary(&self) -> String {
        let record = &self.deal.record;
        let field = record.mapping.beside.as_ref().and_then(|beside| beside.primary.as_ref());
        record.optional(field)
    }

    fn name(&self, id: &str) -> String {
        let known = [("Ava", AVA), ("Grace", GRACE)];
        let found = known
            .into_iter()
            .find(|(_, login)| self.deal.record.crm.user(login).is_ok_and(|user| user.as_str() == Some(id)));
        found.map_or_else(|| "nobody".to_owned(), |(name, _)| name.to_owned())
    }

    fn put(&self, who: &str, field: Option<String>, value: Value) -> Result<(), DemoError> {
        let Some(field) = field else { return Ok(()) };
        self.deal.record.save(who, &Fields::from_iter([(field, value)]))
    }

    async fn two_own_it(&mut self) -> Result<(), DemoError> {
        let crm = self.deal.record.crm;
        // Where nobody else can claim it, the plan itself names two: warm says Grace, the name says Ava.
        if let Some(claim) = self.claim() {
            self.deal.say(GRACE, &[("primary_owner", "mode", json!("Cold"))])?;
            self.put(GRACE, Some(claim), crm.user(GRACE)?)?;
        }
        self.stage.settle().await?;
        self.stage.look(&self.deal.record.record()).await?;
        let record = &self.deal.record;
        let missing = record.missing();
        let owner =
            missing.lines().find(|line| line.to_lowercase().contains("primary owner")).unwrap_or_default();
        self.teller.report(
            self.scene,
            "Grace, motion A's CSM, plans a cross-sell; she and Ava, motion B's seller, both own the relationship",
            "two owners are none: the deal stays out of motion B's queue, and the record says why",
            !owner.is_empty() && !record.queued(),
            format!("\"{owner}\"; in queue: {}", yes(record.queued())),
        );
        Ok(())
    }

    async fn one_is_named(&mut self) -> Result<(), DemoError> {
        let crm = self.deal.record.crm;
        self.deal.say(GRACE, &[("primary_owner", "mode", json!("Cold"))])?;
        self.put(GRACE, self.claim(), Value::Null)?;
        let primary = self.deal.record.mapping.beside.as_ref().and_then(|beside| beside.primary.clone());
        self.put(GRACE, primary, crm.user(AVA)?)?;
        self.stage.settle().await?;
        self.stage.look(&self.deal.record.record()).await?;
        let owner = self.name(&self.primary());
        let record = &self.deal.record;
        self.teller.report(
            self.scene,
            "They agree: Ava owns it while the cross-sell runs",
            "one owner, so the deal is in motion B's queue",
            record.missing().is_empty() && record.queued(),
            format!("owner on the record: {owner}; {}", standing(&self.deal)),
        );
        Ok(())
    }

    async fn accepts(&mut self) -> Result<(), DemoError> {
        let record = &self.deal.record;
        record.save(AVA, &record.accept(true))?;
        self.stage.settle().await?;
        let status = self.deal.record.status();
        self.teller.report(
            self.scene,
            "Ava accepts",
            "the record says that the handoff is done",
            status.contains("Accepted"),
            format!("status: \"{status}\""),
        );
        Ok(())
    }

    /// What a signal asks for in a motion, as the company's table says it.
    fn asked(&self, signal: &str, motion: &str) -> String {
        let table = self.stage.signals();
        let actions = table.and_then(|table| actions(table, signal, &MotionId::from(motion)).ok());
        let told =
            actions.unwrap_or_default().iter().map(|action| format!("{}: {}", action.role, action.title));
        told.collect::<Vec<_>>().join("; ")
    }

    async fn a_signal_fires(&mut self) -> Result<(), DemoError> {
        let record = &self.deal.record;
        record.crm.signal(GRACE, &self.customer, "Champion departed")?;
        self.stage.look(&record.record()).await?;
        let name = "champion_departed";
        let happened = self.deal.record.happened().await?;
        let fires = happened
            .iter()
            .any(|each| matches!(each, Happening::SignalsChanged { signals, .. } if signals.contains(name)));
        let own = self.deal.record.stream().is_some_and(|stream| stream.contains("/b/"));
        let (in_a, in_b) = (self.asked(name, "a"), self.asked(name, "b"));
        self.teller.report(
            self.scene,
            "The customer's champion leaves",
            "the signal is found on this deal, which is motion B's: it asks for motion B's action, never for motion A's",
            fires && own && !in_b.is_empty() && in_a != in_b,
            format!("signal in the ledger: {}; motion B: \"{in_b}\"; motion A would: \"{in_a}\"", yes(fires)),
        );
        Ok(())
    }

    async fn motion_a_suffers(&mut self) -> Result<(), DemoError> {
        let record = &self.deal.record;
        record.crm.health(GRACE, &self.customer, 55)?;
        self.stage.look(&record.record()).await?;
        let shut = !self.deal.record.queued();
        let status = self.deal.record.status();
        let record = &self.deal.record;
        record.crm.health(GRACE, &self.customer, 78)?;
        self.stage.look(&record.record()).await?;
        let open = self.deal.record.queued();
        self.teller.report(
            self.scene,
            "The health of the customer's first product falls to 55, below the agreed 70, and recovers to 78",
            "motion B's gate shuts and opens again with it",
            shut && open,
            format!("at 55: in queue: {}, \"{status}\"; at 78: in queue: {}", yes(!shut), yes(open)),
        );
        Ok(())
    }

    async fn comes_back(&mut self) -> Result<(), DemoError> {
        let moments = self.deal.record.mapping.beside.as_ref().map(|beside| &beside.moments);
        let went_live =
            moments.and_then(|moments| moments.get("go_live")).and_then(|moment| moment.field.clone());
        let today = json!(self.deal.record.days(0));
        self.put(GRACE, went_live, today)?;
        self.stage.settle().await?;
        self.stage.look(&self.deal.record.record()).await?;
        let before = self.name(&self.primary());
        self.stage.advance(HALF_A_YEAR * 3_600);
        self.stage.look(&self.deal.record.record()).await?;
        self.stage.look(&self.deal.record.record()).await?;
        let happened = self.deal.record.happened().await?;
        let due = happened.iter().any(|each| matches!(each, Happening::ReunificationDue { .. }));
        let reunified = happened.iter().any(|each| matches!(each, Happening::Reunified { .. }));
        let after = self.name(&self.primary());
        self.teller.report(
            self.scene,
            "The new product goes live, and half a year passes (the stage's clock is moved)",
            "\"6 months after go-live\" comes true: the relationship is put back into Grace's hand, once, by the agreed rule",
            due && reunified && before == "Ava" && after == "Grace",
            format!("owner before: {before}; after: {after}; re-united in the ledger: {}", yes(reunified)),
        );
        Ok(())
    }
}
