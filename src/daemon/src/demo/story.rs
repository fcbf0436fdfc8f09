//! The story of handoff 03, step by step.

use handoff_core::event::Event;
use handoff_sandbox_salesforce::{Act, ActorKind, Id, OutboundMode, seed};
use serde_json::{Value, json};

use super::look::{DEAL, first_line, or_nothing, pay, yes};
use super::{DemoError, Stage, Step, fill, ledger};

const REP: &str = "ava.lindqvist@northwind-peak.example";
const RECEIVER: &str = "ingrid.moen@northwind-peak.example";

/// Plays the story; `tell` is called after each step. True = every step's outcome held.
pub async fn play(stage: &Stage, tell: &mut (dyn FnMut(&Step) + Send)) -> Result<bool, DemoError> {
    let (deal, other) = cast(stage).await?;
    let mut story = Story { stage, deal, other, ok: true, tell };
    story.wins_empty()?;
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
    story.verifies()?;
    Ok(story.ok)
}

/// Two new deals of a seeded customer: one for the story, one for the workflow.
async fn cast(stage: &Stage) -> Result<(Id, Id), DemoError> {
    let org = stage.org();
    let account = org.query("SELECT Id FROM Account ORDER BY Id LIMIT 1")?;
    let account = account.first().and_then(|row| row.get("Id")).cloned().unwrap_or_default();
    let (rep, receiver) = (org.user(REP)?.to_string(), org.user(RECEIVER)?.to_string());
    let make = |name: &str| -> Result<Id, DemoError> {
        let fields = json!({
            "Name": name, "StageName": "Negotiation/Review", "CloseDate": stage.days(30), "Amount": 84_000,
            "AccountId": account, "OwnerId": rep, "Onboarding_Lead__c": receiver,
        });
        Ok(org.act(&Act::create(REP, DEAL, &fields))?)
    };
    let deals =
        (make("Alderbrook Logistics - Northern depots")?, make("Alderbrook Logistics - Fleet add-on")?);
    stage.settle().await?;
    Ok(deals)
}

struct Story<'a> {
    stage: &'a Stage,
    deal: Id,
    other: Id,
    ok: bool,
    tell: &'a mut (dyn FnMut(&Step) + Send),
}

impl Story<'_> {
    fn report(&mut self, step: &str, expected: &str, ok: bool, seen: String) {
        self.ok &= ok;
        (self.tell)(&Step { step: step.to_owned(), expected: expected.to_owned(), seen, ok });
    }

    fn wins_empty(&mut self) -> Result<(), DemoError> {
        let refused = self.stage.refused(REP, self.deal, &json!({"StageName": "Closed Won"}))?;
        let missing = self.stage.missing(self.deal);
        let words = refused.as_ref().and_then(|errors| errors.first()).map(|error| error.message.clone());
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

    async fn fills_junk(&mut self) -> Result<(), DemoError> {
        self.stage.save(REP, self.deal, &fill::junk())?;
        self.stage.settle().await?;
        let missing = self.stage.missing(self.deal);
        let junk: Vec<&str> = missing.lines().filter(|line| !line.contains("is empty")).collect();
        let refused = self.stage.refused(REP, self.deal, &json!({"StageName": "Closed Won"}))?.is_some();
        let cleared = self.stage.cleared(self.deal);
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
        let contacts = self.stage.org().query("SELECT Id FROM Contact ORDER BY Id LIMIT 2")?;
        for (row, role) in contacts.iter().zip(["Economic Buyer", "Champion"]) {
            let fields =
                json!({"OpportunityId": self.deal.as_str(), "ContactId": row.get("Id"), "Role": role});
            self.stage.org().act(&Act::create(REP, "OpportunityContactRole", &fields))?;
        }
        let package = fill::complete(&self.stage.days(60), &self.stage.days(240));
        self.stage.save(REP, self.deal, &package)?;
        self.stage.settle().await?;
        let (queued, missing, cleared) = self.standing();
        let status = self.stage.text(self.deal, "Handoff_03_Status__c");
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
        (self.stage.queued(self.deal), self.stage.missing(self.deal), self.stage.cleared(self.deal))
    }

    async fn accepts_himself(&mut self) -> Result<(), DemoError> {
        // An org may well let a rep fill in the receiver's answer; who did it is what counts.
        self.stage.org().assign(REP, "Handoff_Receiver")?;
        self.stage.save(REP, self.deal, &json!({"Handoff_03_Decision__c": "Accept"}))?;
        self.stage.settle().await?;
        self.stage.org().unassign(REP, "Handoff_Receiver")?;
        let answer = self.stage.text(self.deal, "Handoff_03_Decision__c");
        let (cleared, winnable) =
            (self.stage.cleared(self.deal), self.stage.flag(self.deal, "Handoff_03_Stage_Open__c"));
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
        let answer = json!({
            "Handoff_03_Decision__c": "Reject",
            "Handoff_03_Reject_Reason__c": "Which report is it measured by, and who owns the address data?",
            "Handoff_03_Reject_Fields__c": "success_criteria;risks",
        });
        self.stage.save(RECEIVER, self.deal, &answer)?;
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
        self.stage.save(REP, self.deal, &fill::mended())?;
        self.stage.settle().await?;
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
        Ok(())
    }

    async fn receiver_accepts(&mut self) -> Result<(), DemoError> {
        let before = self.stage.org().writes().len();
        self.stage.save(RECEIVER, self.deal, &json!({"Handoff_03_Decision__c": "Accept"}))?;
        self.stage.settle().await?;
        let status = self.stage.text(self.deal, "Handoff_03_Commission_Status__c");
        let at = self.stage.text(self.deal, "Handoff_03_Cleared_At__c");
        let clearance = self.stage.text(self.deal, "Handoff_03_Clearance_Id__c");
        let number = self.stage.org().field(self.deal, "Handoff_03_Commission_Number__c").as_f64();
        let (cleared, openings) = (self.stage.cleared(self.deal), self.stage.openings(before, self.deal));
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
        let refused = self.stage.refused(REP, self.deal, &json!({"StageName": "Closed Won"}))?;
        self.stage.settle().await?;
        let (stage, cleared) = (self.stage.text(self.deal, "StageName"), self.stage.cleared(self.deal));
        self.report(
            "Ava sets the deal to Closed Won again",
            "now the CRM saves it, and commission stays cleared",
            refused.is_none() && stage == "Closed Won" && cleared,
            format!("stage: {stage}; commission: {}", pay(cleared)),
        );
        Ok(())
    }

    async fn edits_a_promise(&mut self) -> Result<(), DemoError> {
        self.stage.save(REP, self.deal, &json!({"Success_Target__c": "from 9 % to under 7 %"}))?;
        self.stage.settle().await?;
        let events = self.stage.ledger(self.deal).await?;
        let adjustments = events.iter().filter(|event| matches!(event, Event::CommissionHeld { .. })).count();
        let reason = self.stage.text(self.deal, "Handoff_03_Hold_Reason__c");
        let status = self.stage.text(self.deal, "Handoff_03_Commission_Status__c");
        let cleared = self.stage.cleared(self.deal);
        self.report(
            "Ava softens a promised outcome after the acceptance",
            "the handoff is open again, the flag is shut, and finance sees one adjustment",
            !cleared && status == "Held" && !reason.is_empty() && adjustments == 1,
            format!("commission: {}, \"{reason}\"; adjustments in the ledger: {adjustments}", pay(cleared)),
        );
        Ok(())
    }

    async fn sets_the_flag(&mut self) -> Result<(), DemoError> {
        let forgery = json!({"Handoff_03_Commission_Open__c": true});
        let stopped = self.stage.refused(seed::ADMIN_USER, self.deal, &forgery)?.is_some();
        self.stage.org().assign(seed::ADMIN_USER, "Handoff_Integration")?;
        self.stage.save(seed::ADMIN_USER, self.deal, &forgery)?;
        let forged = self.stage.cleared(self.deal);
        self.stage.settle().await?;
        self.stage.org().unassign(seed::ADMIN_USER, "Handoff_Integration")?;
        let admin = self.stage.org().user(seed::ADMIN_USER)?.to_string();
        let events = self.stage.ledger(self.deal).await?;
        let named = events.iter().find_map(|event| {
            let Event::Tampered { by: Some(by), at: Some(at), seen_open: true, .. } = event else {
                return None;
            };
            (by.id.as_str() == admin).then(|| format!("Sam ({admin}) at {at}"))
        });
        let cleared = self.stage.cleared(self.deal);
        self.report(
            "Sam, an admin, is stopped by the rule, gives himself the writer's permission and sets the flag by hand",
            "it is undone within one pass; who and when stand in the ledger",
            stopped && forged && !cleared && named.is_some(),
            format!(
                "stopped by the rule: {}; set by hand: {}; commission after the pass: {}; ledger: {}",
                yes(stopped),
                yes(forged),
                pay(cleared),
                named.as_deref().unwrap_or("nothing")
            ),
        );
        Ok(())
    }

    async fn workflow_passes(&mut self) -> Result<(), DemoError> {
        let won = Act::update(seed::ADMIN_USER, DEAL, self.other, &json!({"StageName": "Closed Won"}));
        self.stage.org().act(&won.by(ActorKind::Workflow))?;
        self.stage.settle().await?;
        let events = self.stage.ledger(self.other).await?;
        let recorded = events.iter().any(|event| matches!(event, Event::Bypassed { .. }));
        let (stage, cleared) = (self.stage.text(self.other, "StageName"), self.stage.cleared(self.other));
        self.report(
            "A workflow moves another deal to Closed Won, past every rule",
            "the by-pass stands in the ledger; commission stays held",
            stage == "Closed Won" && recorded && !cleared,
            format!("stage: {stage}; by-pass in the ledger: {}; commission: {}", yes(recorded), pay(cleared)),
        );
        Ok(())
    }

    async fn without_webhooks(&mut self) -> Result<(), DemoError> {
        self.stage.org().set_outbound_mode(OutboundMode::Off);
        let before = self.stage.org().deliveries().len();
        // The old answer still stands on the record: an answer is given by changing it.
        if !self.stage.text(self.deal, "Handoff_03_Decision__c").is_empty() {
            self.stage.save(RECEIVER, self.deal, &json!({"Handoff_03_Decision__c": Value::Null}))?;
            self.stage.settle().await?;
        }
        self.stage.save(RECEIVER, self.deal, &json!({"Handoff_03_Decision__c": "Accept"}))?;
        self.stage.settle().await?;
        let delivered = self.stage.org().deliveries().len().saturating_sub(before);
        let cleared = self.stage.cleared(self.deal);
        self.stage.org().set_outbound_mode(OutboundMode::Deliver);
        self.report(
            "Webhooks are switched off; Ingrid accepts the changed package",
            "polling reaches the same state: the flag opens again",
            cleared && delivered == 0,
            format!("webhooks delivered: {delivered}; commission: {}", pay(cleared)),
        );
        Ok(())
    }

    fn verifies(&mut self) -> Result<(), DemoError> {
        let (audit, head) = (self.stage.state_dir().join("audit"), self.stage.app.view().head());
        let copy = self.stage.folder.path().join("copy");
        let whole = ledger::verdict(&audit, &head.vkey);
        ledger::tampered_copy(&audit, &copy)?;
        let broken = ledger::verdict(&copy, &head.vkey);
        let ok = whole.is_ok() && broken.as_ref().is_err_and(|words| words.starts_with("entry "));
        let said = |verdict: Result<String, String>| verdict.unwrap_or_else(|error| error);
        let copied = said(broken).replace(&copy.display().to_string(), "copy");
        self.report(
            "The log is verified; then one byte is flipped in a copy",
            "the log verifies; the copy does not, and the entry is named",
            ok,
            format!("{}; the copy: {copied}", said(whole)),
        );
        Ok(())
    }
}
