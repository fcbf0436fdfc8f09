//! Deals that move as people move them: nobody acts before the CRM shows what he waits for. So the end of a play does not depend on how
//! often the daemon was away, or on how it learnt of things.

use std::collections::BTreeMap;

use handoff_sandbox_salesforce::{Id, Org};
use serde_json::{Value, json};

use crate::story::{
    AVA, COMMISSION, COMMIT, DECISION, INGRID, QUEUE, STAGE, add_people, create_deal, edit, flips, force,
    package_of, written,
};

/// How a deal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plot {
    /// Filled and accepted.
    Accepted,
    /// Rejected, mended, accepted.
    Mended,
    /// Accepted, edited, accepted again.
    Reopened,
    /// Never filled; somebody sets the pay flag by hand.
    Tampered,
    /// Filled, then lost.
    Lost,
    /// The sender answers himself.
    SelfAccepted,
    /// Accepted, then won.
    Won,
    /// Left with junk in its fields.
    Junk,
}

/// All of them, in the order in which deals take turns.
pub const PLOTS: [Plot; 8] = [
    Plot::Accepted,
    Plot::Mended,
    Plot::Reopened,
    Plot::Tampered,
    Plot::Lost,
    Plot::SelfAccepted,
    Plot::Won,
    Plot::Junk,
];

struct Deal {
    id: Id,
    name: String,
    plot: Plot,
    step: usize,
    done: bool,
}

/// What a step waits for and does.
type Step<'a> = (&'a dyn Fn(&Sight<'_>) -> bool, &'a dyn Fn(&Sight<'_>));

/// A deal as the people see it.
struct Sight<'a> {
    org: &'a Org,
    id: Id,
    name: &'a str,
}

impl Sight<'_> {
    fn flag(&self, field: &str) -> bool {
        self.org.field(self.id, field) == json!(true)
    }

    fn edit(&self, who: &str, fields: &Value) {
        edit(self.org, who, self.id, fields);
    }
}

/// All deals of one play.
#[derive(Default)]
pub struct Play {
    deals: Vec<Deal>,
}

impl Play {
    /// One more deal.
    pub fn enter(&mut self, org: &Org, plot: Plot) {
        let name = format!("{plot:?} {:03}", self.deals.len());
        let id = create_deal(org, &name, COMMIT);
        self.deals.push(Deal { id, name, plot, step: 0, done: false });
    }

    /// Everybody who may act does, once; whether all is done.
    pub fn act(&mut self, org: &Org) -> bool {
        for deal in self.deals.iter_mut().filter(|deal| !deal.done) {
            let sight = Sight { org, id: deal.id, name: &deal.name };
            let (more, ready) = with_step(deal.plot, deal.step, |(waits, does)| {
                let ready = waits(&sight);
                if ready {
                    does(&sight);
                }
                ready
            });
            deal.step += usize::from(ready);
            deal.done = !more;
        }
        self.deals.iter().all(|deal| deal.done)
    }

    /// Names of the deals that are not done, with the step they stand at.
    pub fn unfinished(&self) -> Vec<String> {
        let open = self.deals.iter().filter(|deal| !deal.done);
        open.map(|deal| format!("{} at {} ({})", deal.name, deal.step, deal.id)).collect()
    }

    /// What the CRM shows at the end, by deal: everything we wrote, and how often pay went open and shut.
    pub fn outcome(&self, org: &Org) -> BTreeMap<String, Value> {
        let outcome = |deal: &Deal| {
            let (opened, shut) = flips(org, deal.id);
            json!({"written": written(org, deal.id), "opened": opened, "shut": shut})
        };
        self.deals.iter().map(|deal| (deal.name.clone(), outcome(deal))).collect()
    }

    /// The deals, by name.
    pub fn ids(&self) -> impl Iterator<Item = (&str, Id)> {
        self.deals.iter().map(|deal| (deal.name.as_str(), deal.id))
    }
}

/// Hands over the next step; (whether there was one, what came of it).
fn with_step(plot: Plot, at: usize, with: impl FnOnce(Step<'_>) -> bool) -> (bool, bool) {
    let now = |_: &Sight<'_>| true;
    let queued = |deal: &Sight<'_>| deal.flag(QUEUE);
    let unqueued = |deal: &Sight<'_>| !deal.flag(QUEUE);
    let cleared = |deal: &Sight<'_>| deal.flag(COMMISSION);
    let held = |deal: &Sight<'_>| !deal.flag(COMMISSION) && deal.flag(QUEUE);
    let shut = |deal: &Sight<'_>| !deal.flag(COMMISSION);
    let stage_open = |deal: &Sight<'_>| deal.flag(STAGE) && deal.flag(COMMISSION);
    let asked = |deal: &Sight<'_>| deal.org.field(deal.id, "Handoff_03_Missing__c").is_string();
    let consumed = |deal: &Sight<'_>| deal.org.field(deal.id, DECISION).is_null();

    let nothing = |_: &Sight<'_>| {};
    let fill = |deal: &Sight<'_>| {
        deal.edit(AVA, &package_of(deal.name));
        add_people(deal.org, deal.id);
    };
    let accept = |deal: &Sight<'_>| deal.edit(INGRID, &json!({DECISION: "Accept"}));
    let reject = |deal: &Sight<'_>| {
        deal.edit(
            INGRID,
            &json!({DECISION: "Reject", "Handoff_03_Reject_Fields__c": "risks",
            "Handoff_03_Reject_Reason__c": "Which system holds the addresses?"}),
        );
    };
    let mend = |deal: &Sight<'_>| {
        deal.edit(AVA, &json!({"Implementation_Risks__c": format!("Addresses live in SAP and in Excel; SAP wins ({})", deal.name)}));
    };
    let retarget = |deal: &Sight<'_>| {
        deal.edit(AVA, &json!({"Success_Target__c": format!("From 9 % to 7 % ({})", deal.name)}));
    };
    let tamper = |deal: &Sight<'_>| force(deal.org, AVA, deal.id, &json!({COMMISSION: true}));
    let lose = |deal: &Sight<'_>| deal.edit(AVA, &json!({"StageName": "Closed Lost"}));
    let win = |deal: &Sight<'_>| deal.edit(AVA, &json!({"StageName": "Closed Won"}));
    // No field permission stops him, so that the daemon has to.
    let answer_self = |deal: &Sight<'_>| force(deal.org, AVA, deal.id, &json!({DECISION: "Accept"}));
    let junk = |deal: &Sight<'_>| {
        deal.edit(AVA, &json!({"Signing_Authority__c": "tbd", "Implementation_Risks__c": "n/a", "Sticky_Points__c": "\u{200b}"}));
    };

    let steps: &[Step<'_>] = match plot {
        Plot::Accepted => &[(&now, &fill), (&queued, &accept), (&cleared, &nothing)],
        Plot::Mended => {
            &[(&now, &fill), (&queued, &reject), (&unqueued, &mend), (&queued, &accept), (&cleared, &nothing)]
        }
        Plot::Reopened => &[
            (&now, &fill),
            (&queued, &accept),
            (&cleared, &retarget),
            (&held, &accept),
            (&cleared, &nothing),
        ],
        Plot::Tampered => &[(&asked, &tamper), (&shut, &nothing)],
        Plot::Lost => &[(&now, &fill), (&queued, &lose), (&unqueued, &nothing)],
        Plot::SelfAccepted => &[(&now, &fill), (&queued, &answer_self), (&consumed, &nothing)],
        Plot::Won => &[(&now, &fill), (&queued, &accept), (&stage_open, &win)],
        Plot::Junk => &[(&asked, &junk)],
    };
    match steps.get(at) {
        Some(step) => (true, with(*step)),
        None => (false, false),
    }
}
