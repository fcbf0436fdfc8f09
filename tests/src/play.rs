//! Deals that move as people move them: nobody acts before the CRM shows what he waits for. So the end of a play does not depend on how
//! often the daemon was away, or on how it learnt of things.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::crm::{Company, Deal};
use crate::story::{AVA, COMMISSION, COMMIT, QUEUE, STAGE};

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

struct Role {
    deal: Deal,
    name: String,
    plot: Plot,
    step: usize,
    done: bool,
}

/// What a step waits for and does.
type Step<'a> = (&'a dyn Fn(&Sight<'_>) -> bool, &'a dyn Fn(&Sight<'_>));

/// A deal as the people see it.
struct Sight<'a> {
    company: &'a Company,
    deal: Deal,
    name: &'a str,
}

impl Sight<'_> {
    fn flag(&self, gate: &str) -> bool {
        self.company.flag(self.deal, gate)
    }

    fn answer(&self) -> Value {
        let decision = &self.company.of(self.deal).crm().mapping().decision;
        self.company.field(self.deal, &decision.field)
    }

    fn say(&self, said: &[(&str, &str, String)]) {
        self.company.say(AVA, self.deal, said);
    }
}

/// All deals of one play.
#[derive(Default)]
pub struct Play {
    roles: Vec<Role>,
    entered: usize,
}

impl Play {
    /// One more deal in each of the company's CRMs.
    pub fn enter(&mut self, company: &Company, plot: Plot) {
        for vendor in company.vendors() {
            let name = format!("{plot:?} {:03} {}", self.entered, vendor.kind().connection());
            let deal = company.deal(vendor.kind(), &name, COMMIT);
            self.roles.push(Role { deal, name, plot, step: 0, done: false });
        }
        self.entered += 1;
    }

    /// How often [`Self::enter`] was called.
    pub fn entered(&self) -> usize {
        self.entered
    }

    /// Everybody who may act does, once; whether all is done.
    pub fn act(&mut self, company: &Company) -> bool {
        for role in self.roles.iter_mut().filter(|role| !role.done) {
            let sight = Sight { company, deal: role.deal, name: &role.name };
            let (more, ready) = with_step(role.plot, role.step, |(waits, does)| {
                let ready = waits(&sight);
                if ready {
                    does(&sight);
                }
                ready
            });
            role.step += usize::from(ready);
            role.done = !more;
        }
        self.roles.iter().all(|role| role.done)
    }

    /// The deals that are not done, with the step they stand at and what the CRM shows.
    pub fn unfinished(&self, company: &Company) -> Vec<String> {
        let open = self.roles.iter().filter(|role| !role.done);
        let said = |role: &Role| format!("{} at {}: {}", role.name, role.step, company.written(role.deal));
        open.map(said).collect()
    }

    /// What the CRMs show at the end, by deal: everything we wrote, and how often pay went open and shut.
    pub fn outcome(&self, company: &Company) -> BTreeMap<String, Value> {
        let outcome = |role: &Role| {
            let (opened, shut) = company.flips(role.deal, COMMISSION);
            json!({"written": company.written(role.deal), "opened": opened, "shut": shut})
        };
        self.roles.iter().map(|role| (role.name.clone(), outcome(role))).collect()
    }

    /// The deals, by name.
    pub fn deals(&self) -> impl Iterator<Item = (&str, Deal)> {
        self.roles.iter().map(|role| (role.name.as_str(), role.deal))
    }
}

/// Hands over the next step; (whether there was one, what came of it).
fn with_step(plot: Plot, at: usize, with: impl FnOnce(Step<'_>) -> bool) -> (bool, bool) {
    let now = |_: &Sight<'_>| true;
    let queued = |deal: &Sight<'_>| deal.flag(QUEUE);
    let unqueued = |deal: &Sight<'_>| !deal.flag(QUEUE);
    let cleared = |deal: &Sight<'_>| deal.flag(COMMISSION);
    // An answer is given by changing it: he waits until the old one is taken back.
    let held = |deal: &Sight<'_>| !deal.flag(COMMISSION) && deal.flag(QUEUE) && deal.answer().is_null();
    let shut = |deal: &Sight<'_>| !deal.flag(COMMISSION);
    let stage_open = |deal: &Sight<'_>| deal.flag(STAGE) && deal.flag(COMMISSION);
    let asked = |deal: &Sight<'_>| {
        let missing = deal.company.of(deal.deal).crm().mapping().write.note.missing.clone();
        deal.company.field(deal.deal, &missing.unwrap()).is_string()
    };
    let consumed = |deal: &Sight<'_>| deal.answer().is_null();

    let nothing = |_: &Sight<'_>| {};
    let fill = |deal: &Sight<'_>| deal.company.fill(deal.deal, deal.name);
    let accept = |deal: &Sight<'_>| deal.company.accept(deal.deal);
    let reject =
        |deal: &Sight<'_>| deal.company.reject(deal.deal, "risks", "Which system holds the addresses?");
    let mend = |deal: &Sight<'_>| {
        deal.say(&[(
            "risks",
            "risks",
            format!("Addresses live in SAP and in Excel; SAP wins ({})", deal.name),
        )]);
    };
    let retarget = |deal: &Sight<'_>| {
        deal.say(&[("success_criteria", "target", format!("From 9 % to 7 % ({})", deal.name))]);
    };
    let tamper =
        |deal: &Sight<'_>| deal.company.force(AVA, deal.deal, &deal.company.forgery(deal.deal, COMMISSION));
    let to = |deal: &Sight<'_>, stage: &str| {
        deal.company.save(AVA, deal.deal, &deal.company.to_stage(deal.deal, stage));
    };
    let lose = |deal: &Sight<'_>| to(deal, "closed_lost");
    let win = |deal: &Sight<'_>| to(deal, "closed_won");
    // No field permission stops her, so that the daemon has to.
    let answer_self =
        |deal: &Sight<'_>| deal.company.force(AVA, deal.deal, &deal.company.acceptance(deal.deal));
    let junk = |deal: &Sight<'_>| {
        let junk = [
            ("economic_buyer", "authority", "tbd"),
            ("risks", "risks", "n/a"),
            ("displacement", "sticky_points", "\u{200b}"),
        ];
        deal.say(&junk.map(|(field, part, text)| (field, part, text.to_owned())));
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
