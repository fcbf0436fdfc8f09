//! The story of handoff 03, step by step, in whichever CRM.

use handoff_core::event::Event;
use handoff_core::mapping::GateWrite;
use serde_json::Value;

use super::super::crm::{Crm, Fields, NewDeal, Task};
use super::super::look::{Record, first_line, or_nothing, pay, yes};
use super::super::{DemoError, Stage, calls, fill};
use super::{AVA, INGRID, Scene, Teller};

/// Plays the story; the id of the deal that is won in the end.
pub(super) async fn play(stage: &Stage, crm: &dyn Crm, teller: &mut Teller<'_>) -> Result<String, DemoError> {
    let new = |name: &str| {
        let first = fill::stage(crm.mapping(), "commit");
        let deal = NewDeal { name, stage: &first, days: 30, sender: AVA, receiver: INGRID };
        Ok::<_, DemoError>(Record { stage, crm, mapping: crm.mapping(), id: crm.create(&deal)? })
    };
    let deal = new("Alderbrook Logistics - Northern depots")?;
    let other = new("Alderbrook Logistics - Fleet add-on")?;
    stage.settle().await?;
    let mut story = Story { stage, crm, deal, other, teller };
    story.wins_empty()?;
    story.hears_a_call().await?;
    story.fills_junk().await?;
    story.completes().await?;
    story.accepts_himself().await?;
    story.receiver_rejects().await?;
    story.resubmits().await?;
    story.receiver_accepts().await?;
    story.wins().await?;
    story.edits_a_promise().await?;
    story.sets_the_flag().await?;
    story.workflow_passes().await?;
    story.without_webhooks().await?;
    Ok(story.deal.id)
}

struct Story<'a, 't, 's> {
    stage: &'a Stage,
    crm: &'a dyn Crm,
    deal: Record<'a>,
    other: Record<'a>,
    teller: &'t mut Teller<'s>,
}

impl Story<'_, '_, '_> {
    fn report(&mut self, step: &str, expected: &str, ok: bool, seen: String) {
        self.teller.report(Scene { crm: self.crm, handoff: "03" }, step, expected, ok, seen);
    }

    fn said(&self, said: &[(&str, &str, &str)]) -> Fields {
        fill::fields(self.crm.mapping(), said)
    }

    fn wins_empty(&mut self) -> Result<(), DemoError> {
        let words = self.deal.refused(AVA, &self.deal.to_stage("closed_won"))?;
        let missing = self.deal.missing();
        let lines = missing.lines().count();
        let ok = words.is_some() && lines >= 8 && missing.contains("is empty");
        let seen = match words {
            Some(words) => {
                format!(
                    "refused: \"{words}\" The record lists {lines} missing parts, first \"{}\"",
                    first_line(&missing)
                )
            }
            None => "the CRM saved it".to_owned(),
        };
        self.report(
            "Ava, the rep, sets a deal with an empty package to Closed Won",
            "the CRM refuses, and the record says what is missing",
            ok,
            seen,
        );
        Ok(())
    }

    async fn hears_a_call(&mut self) -> Result<(), DemoError> {
        let heard = calls::hear(self.stage, &self.deal).await?;
        self.report(
            "Two recorded calls are linked to the deal, one of them private; Ava confirms a minute that the record points at",
            "the record points at the minute where the old tool was spoken of; no words are kept, no field is filled, the private call is not read",
            heard.holds(),
            heard.seen(),
        );
        Ok(())
    }

    async fn fills_junk(&mut self) -> Result<(), DemoError> {
        self.deal.save(AVA, &self.said(&fill::junk()))?;
        self.stage.settle().await?;
        let missing = self.deal.missing();
        let junk: Vec<&str> = missing.lines().filter(|line| !line.contains("is empty")).collect();
        let refused = self.deal.refused(AVA, &self.deal.to_stage("closed_won"))?.is_some();
        let cleared = self.deal.cleared();
        let example = junk.first().copied().unwrap_or_default();
        let seen =
            format!("{} answers named, e.g. \"{example}\"; the win is refused: {}", junk.len(), yes(refused));
        self.report(
            "Ava fills the fields with tbd, n/a and \"much better\"",
            "each is named with the reason why it is no answer; the deal still cannot be won",
            junk.len() >= 6 && refused && !cleared,
            seen,
        );
        Ok(())
    }

    async fn completes(&mut self) -> Result<(), DemoError> {
        self.crm.name_contacts(AVA, &self.deal.id)?;
        let (go_live, by) = (self.deal.days(60), self.deal.days(240));
        self.deal.save(AVA, &self.said(&fill::complete(&go_live, &by)))?;
        self.stage.settle().await?;
        let (queued, missing, cleared) = self.standing();
        let status = self.deal.status();
        self.report(
            "Ava completes the package",
            "nothing is missing; the deal is in Onboarding's queue; commission stays held",
            queued && missing.is_empty() && !cleared,
            format!(
                "missing: {}; in queue: {}; commission: {}; status: \"{status}\"",
                or_nothing(&missing),
                yes(queued),
                pay(cleared)
            ),
        );
        Ok(())
    }

    fn standing(&self) -> (bool, String, bool) {
        (self.deal.queued(), self.deal.missing(), self.deal.cleared())
    }

    async fn accepts_himself(&mut self) -> Result<(), DemoError> {
        // A CRM may well let a rep fill in the receiver's answer; who did it is what counts.
        self.crm.let_answer(AVA, true)?;
        self.deal.save(AVA, &self.deal.accept(true))?;
        self.stage.settle().await?;
        self.crm.let_answer(AVA, false)?;
        let answer = self.deal.answer();
        let (cleared, winnable) = (self.deal.cleared(), self.deal.is_open("closed_won"));
        self.report(
            "Ava answers \"Accept\" herself",
            "it does not count: the answer is taken back, commission stays held",
            !cleared && !winnable && answer.is_empty(),
            format!(
                "answer on the record: {}; may be won: {}; commission: {}",
                or_nothing(&answer),
                yes(winnable),
                pay(cleared)
            ),
        );
        Ok(())
    }

    async fn receiver_rejects(&mut self) -> Result<(), DemoError> {
        let reason = "Which report is it measured by, and who owns the address data?";
        self.deal.save(INGRID, &self.deal.reject("success_criteria;risks", reason))?;
        self.stage.settle().await?;
        let (queued, missing, cleared) = self.standing();
        let sent_back = missing.lines().filter(|line| line.contains("was sent back")).count();
        self.report(
            "Ingrid, the onboarding lead, rejects two fields with a reason",
            "Ava reads the reason and the two fields on the record; the deal leaves the queue",
            sent_back == 2 && missing.contains("Which report is it measured by") && !queued && !cleared,
            format!("\"{}\"; {sent_back} fields sent back; in queue: {}", first_line(&missing), yes(queued)),
        );
        Ok(())
    }

    async fn resubmits(&mut self) -> Result<(), DemoError> {
        let before = self.deal.tasks()?;
        self.deal.save(AVA, &self.said(&fill::mended()))?;
        self.stage.settle().await?;
        let after = self.deal.tasks()?;
        let (queued, missing, cleared) = self.standing();
        self.report(
            "Ava rewrites the two fields",
            "nothing is missing; the deal is back in the queue; commission stays held",
            missing.is_empty() && queued && !cleared,
            format!(
                "missing: {}; in queue: {}; commission: {}",
                or_nothing(&missing),
                yes(queued),
                pay(cleared)
            ),
        );
        if self.stage.is_whole() { self.follows_in_tasks(&before, &after) } else { Ok(()) }
    }

    /// What stood in people's lists of tasks while two fields were sent back, and after they were mended.
    fn follows_in_tasks(&mut self, before: &[Task], after: &[Task]) -> Result<(), DemoError> {
        let (ava, ingrid) = (self.crm.user(AVA)?, self.crm.user(INGRID)?);
        let open = |tasks: &[Task], owner: &Value| -> Vec<Task> {
            tasks.iter().filter(|task| task.open && task.owner == *owner).cloned().collect()
        };
        let titles = |tasks: &[Task]| {
            let titles: Vec<&str> = tasks.iter().map(|task| task.title.as_str()).collect();
            or_nothing(&titles.join(", ")).to_owned()
        };
        let (sent_back, mended, answer) = (open(before, &ava), open(after, &ava), open(after, &ingrid));
        let named = |task: &Task| {
            let lines = task.text.replace("<br>", "\n");
            lines.lines().filter(|line| line.starts_with("- ")).count()
        };
        let closed =
            sent_back.iter().all(|task| after.iter().any(|one| one.title == task.title && !one.open));
        self.report(
            "Ava looks at her own list of tasks in the CRM, before and after she rewrites the fields",
            "while they are sent back one open task names both; mended, it is closed by itself, and Ingrid has one to answer",
            matches!(sent_back.as_slice(), [task] if task.title.starts_with("Mend") && named(task) == 2)
                && closed
                && mended.is_empty()
                && answer.len() == 1,
            format!(
                "Ava before: {} ({} fields named); Ava after: {}; Ingrid after: {}",
                titles(&sent_back),
                sent_back.first().map_or(0, named),
                titles(&mended),
                titles(&answer)
            ),
        );
        Ok(())
    }

    async fn receiver_accepts(&mut self) -> Result<(), DemoError> {
        let before = self.crm.writes();
        self.deal.save(INGRID, &self.deal.accept(true))?;
        self.stage.settle().await?;
        let pay_gate = self.deal.gate("commission");
        let shape = |field: fn(&GateWrite) -> Option<&String>| self.deal.optional(pay_gate.and_then(field));
        let status = shape(|gate| gate.status.as_ref());
        let at = shape(|gate| gate.cleared_at.as_ref());
        let clearance = shape(|gate| gate.clearance_id.as_ref());
        let number = shape(|gate| gate.number.as_ref()).parse::<f64>().ok();
        let (cleared, openings) = (self.deal.cleared(), self.deal.openings(before));
        let start: String = clearance.chars().take(8).collect();
        self.report(
            "Ingrid accepts",
            "the commission flag opens by one write, with date, number, status and clearance id",
            cleared
                && number == Some(1.0)
                && status == "Cleared"
                && !at.is_empty()
                && clearance.len() >= 32
                && openings == 1,
            format!(
                "commission: {}; number: {}; status: {status}; date: {at}; clearance id: {start}…; opening writes: {openings}",
                pay(cleared),
                number.map_or_else(|| "none".to_owned(), |number| number.to_string())
            ),
        );
        Ok(())
    }

    async fn wins(&mut self) -> Result<(), DemoError> {
        let refused = self.deal.refused(AVA, &self.deal.to_stage("closed_won"))?;
        self.stage.settle().await?;
        let (stage, cleared) = (self.deal.stage_value(), self.deal.cleared());
        self.report(
            "Ava sets the deal to Closed Won again",
            "now the CRM saves it, and commission stays cleared",
            refused.is_none() && stage == fill::stage(self.crm.mapping(), "closed_won") && cleared,
            format!("stage: {stage}; commission: {}", pay(cleared)),
        );
        Ok(())
    }

    async fn edits_a_promise(&mut self) -> Result<(), DemoError> {
        self.deal.save(AVA, &self.said(&fill::softened()))?;
        self.stage.settle().await?;
        let events = self.deal.ledger().await?;
        let adjustments = events.iter().filter(|event| matches!(event, Event::CommissionHeld { .. })).count();
        let pay_gate = self.deal.gate("commission");
        let reason = self.deal.optional(pay_gate.and_then(|gate| gate.hold_reason.as_ref()));
        let status = self.deal.optional(pay_gate.and_then(|gate| gate.status.as_ref()));
        let cleared = self.deal.cleared();
        self.report(
            "Ava softens a promised outcome after the acceptance",
            "the handoff is open again, the flag is shut, and finance sees one adjustment",
            !cleared && status == "Held" && !reason.is_empty() && adjustments == 1,
            format!("commission: {}, \"{reason}\"; adjustments in the ledger: {adjustments}", pay(cleared)),
        );
        Ok(())
    }

    async fn sets_the_flag(&mut self) -> Result<(), DemoError> {
        let (sam, admin) = self.crm.admin()?;
        let flag = self.deal.gate("commission").map(|gate| (gate.field.clone(), gate.open.clone()));
        let forgery: Fields = flag.into_iter().collect();
        let ruled = self.crm.let_write_flags(false)?;
        let stopped = ruled && self.deal.refused(&sam, &forgery)?.is_some();
        self.crm.let_write_flags(true)?;
        self.deal.save(&sam, &forgery)?;
        let forged = self.deal.cleared();
        self.stage.settle().await?;
        self.crm.let_write_flags(false)?;
        let events = self.deal.ledger().await?;
        let named = events.iter().find_map(|event| {
            let Event::Tampered { by: Some(by), at: Some(at), seen_open: true, .. } = event else {
                return None;
            };
            (by.id.as_str() == admin).then(|| format!("Sam ({admin}) at {at}"))
        });
        let cleared = self.deal.cleared();
        let what = if ruled {
            "Sam, an admin, is stopped by the rule, gives himself the writer's permission and sets the flag by hand"
        } else {
            "Sam, an admin whom nothing stops, sets the flag by hand"
        };
        self.report(
            what,
            "it is undone within one pass; who and when stand in the ledger",
            stopped == ruled && forged && !cleared && named.is_some(),
            format!(
                "stopped by a rule: {}; set by hand: {}; commission after the pass: {}; ledger: {}",
                yes(stopped),
                yes(forged),
                pay(cleared),
                named.as_deref().unwrap_or("nothing")
            ),
        );
        Ok(())
    }

    async fn workflow_passes(&mut self) -> Result<(), DemoError> {
        self.crm.workflow(&self.other.id, &self.other.to_stage("closed_won"))?;
        self.stage.settle().await?;
        let events = self.other.ledger().await?;
        let recorded = events.iter().any(|event| matches!(event, Event::Bypassed { .. }));
        let (stage, cleared) = (self.other.stage_value(), self.other.cleared());
        self.report(
            "A workflow moves another deal to Closed Won, past every rule",
            "the by-pass stands in the ledger; commission stays held",
            stage == fill::stage(self.crm.mapping(), "closed_won") && recorded && !cleared,
            format!("stage: {stage}; by-pass in the ledger: {}; commission: {}", yes(recorded), pay(cleared)),
        );
        Ok(())
    }

    async fn without_webhooks(&mut self) -> Result<(), DemoError> {
        self.crm.webhooks(false);
        let before = self.crm.deliveries();
        // The old answer still stands on the record: an answer is given by changing it.
        if !self.deal.answer().is_empty() {
            self.deal.save(INGRID, &self.deal.accept(false))?;
            self.stage.settle().await?;
        }
        self.deal.save(INGRID, &self.deal.accept(true))?;
        self.stage.settle().await?;
        let delivered = self.crm.deliveries().saturating_sub(before);
        let cleared = self.deal.cleared();
        self.crm.webhooks(true);
        self.report(
            "Webhooks are switched off; Ingrid accepts the changed package",
            "polling reaches the same state: the flag opens again",
            cleared && delivered == 0,
            format!("webhooks delivered: {delivered}; commission: {}", pay(cleared)),
        );
        Ok(())
    }
}
