//! The stories: what people do about each of the six handoffs, and what comes of it, in whichever CRM.

mod commit;
mod discovery;
mod escalation;
mod marketing;
mod motion;
mod onboarding;

use super::crm::Crm;
use super::look::{or_nothing, yes};
use super::record::Package;
use super::{DemoError, Stage, Step, ledger};

/// An account executive.
const AVA: &str = "ava.lindqvist@northwind-peak.example";
/// An SDR.
const NIA: &str = "nia.mensah@northwind-peak.example";
/// An onboarding lead.
const INGRID: &str = "ingrid.moen@northwind-peak.example";
/// A CSM.
const GRACE: &str = "grace.adeyemi@northwind-peak.example";
/// Marketing; she is hired for the stories.
pub(super) const MONA: &str = "mona.keller@northwind-peak.example";
/// The support lead; he is hired for the stories.
pub(super) const SUNIL: &str = "sunil.rao@northwind-peak.example";

/// Told after each step.
type Tell<'a> = &'a mut (dyn FnMut(&Step) + Send);

/// Plays the stories in every CRM on the stage; `tell` is called after each step. True = every step's outcome held.
pub async fn play(stage: &Stage, tell: &mut (dyn FnMut(&Step) + Send)) -> Result<bool, DemoError> {
    let mut teller = Teller { ok: true, tell };
    stage.settle().await?;
    let mut known = Vec::new();
    if stage.is_whole() {
        for crm in stage.crms() {
            marketing::play(stage, crm, &mut teller).await?;
        }
        for crm in stage.crms() {
            known.push((crm, discovery::play(stage, crm, &mut teller).await?));
        }
    }
    let mut sold = Vec::new();
    for crm in stage.crms() {
        sold.push((crm, commit::play(stage, crm, &mut teller).await?));
    }
    if stage.is_whole() {
        for (crm, deal) in &sold {
            onboarding::play(stage, *crm, deal, &mut teller).await?;
        }
        for crm in stage.crms() {
            escalation::play(stage, crm, &mut teller).await?;
        }
        for (crm, customer) in &known {
            motion::play(stage, *crm, customer, &mut teller).await?;
        }
    }
    verify(stage, &mut teller)?;
    Ok(teller.ok)
}

/// Tells the steps of a story.
struct Teller<'a> {
    ok: bool,
    tell: Tell<'a>,
}

/// Where a step plays.
#[derive(Clone, Copy)]
struct Scene<'a> {
    crm: &'a dyn Crm,
    handoff: &'a str,
}

impl Teller<'_> {
    fn report(&mut self, scene: Scene<'_>, step: &str, expected: &str, ok: bool, seen: String) {
        self.tell(scene.crm.vendor(), scene.handoff, step, expected, ok, seen);
    }

    fn tell(&mut self, crm: &str, handoff: &str, step: &str, expected: &str, ok: bool, seen: String) {
        self.ok &= ok;
        let step = Step {
            crm: crm.to_owned(),
            handoff: handoff.to_owned(),
            step: step.to_owned(),
            expected: expected.to_owned(),
            seen,
            ok,
        };
        (self.tell)(&step);
    }
}

/// How a record stands that waits for its receiver.
fn standing(package: &Package<'_>) -> String {
    let record = &package.record;
    format!(
        "missing: {}; in queue: {}; status: \"{}\"",
        or_nothing(&record.missing().replace('\n', " | ")),
        yes(record.queued()),
        record.status()
    )
}

fn verify(stage: &Stage, teller: &mut Teller<'_>) -> Result<(), DemoError> {
    let (audit, head) = (stage.state_dir().join("audit"), stage.app.view().head());
    let copy = stage.folder.path().join("copy");
    let whole = ledger::verdict(&audit, &head.vkey);
    ledger::tampered_copy(&audit, &copy)?;
    let broken = ledger::verdict(&copy, &head.vkey);
    let ok = whole.is_ok() && broken.as_ref().is_err_and(|words| words.starts_with("entry "));
    let said = |verdict: Result<String, String>| verdict.unwrap_or_else(|error| error);
    let copied = said(broken).replace(&copy.display().to_string(), "copy");
    teller.tell(
        "The ledger",
        "",
        "The log is verified; then one byte is flipped in a copy",
        "the log verifies; the copy does not, and the entry is named",
        ok,
        format!("{}; the copy: {copied}", said(whole)),
    );
    Ok(())
}
