//! The daily reconciliation: every record that the CRM lists is read, told of or not, and every known one that it no longer lists.

use std::collections::BTreeSet;
use std::sync::Arc;

use handoff_connector::{Changed, Cursor};
use handoff_core::id::RecordRef;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::books::Channel;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::Governed;
use crate::ingress;
use crate::memory::{CENSUS, Change};
use crate::poll::mark_and_wait;

/// Between two walks.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Rest of a walk that the CRM does not answer.
const REST: SignedDuration = SignedDuration::from_mins(15);
/// Between two rounds, however much is due.
const BREATH: SignedDuration = SignedDuration::from_secs(1);
/// Records marked at once, so that what people wait for never stands behind a whole page.
const ABREAST: usize = 400;

/// Where the walk over one object stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Walk {
    /// The next page; `None` = no walk is under way.
    at: Option<Cursor>,
    /// When the last walk ended, or when the object was first governed here.
    ended: Option<Timestamp>,
}

impl Walk {
    /// When the next walk, or the rest of this one, is due.
    fn due(&self, now: Timestamp) -> Timestamp {
        match (&self.at, self.ended) {
            (Some(_), _) | (None, None) => now,
            (None, Some(ended)) => ended.checked_add(DAY).unwrap_or(now),
        }
    }
}

/// Walks over every object once a day; a walk that was cut off goes on where it stood.
pub(crate) async fn every_day(engine: &Arc<Engine>) -> Result<(), Fatal> {
    loop {
        let mut wake = engine.clock.now().checked_add(DAY).unwrap_or(Timestamp::MAX);
        for object in &engine.objects {
            wake = wake.min(when_due(engine, object).await?);
        }
        ingress::forget_old_deliveries(engine).await?;
        let soonest = engine.clock.now().checked_add(BREATH).unwrap_or(Timestamp::MAX);
        engine.clock.sleep_until(wake.max(soonest)).await;
    }
}

/// Walks over one object if it is time; when the next look is due.
async fn when_due(engine: &Arc<Engine>, object: &Arc<Governed>) -> Result<Timestamp, Fatal> {
    let now = engine.clock.now();
    let mut walk = load(engine, object).await?;
    if walk.at.is_none() && walk.ended.is_none_or(|ended| ended > now) {
        // The first pass over the changes starts from the beginning: it is a walk over everything itself. A clock that was set back must
        // not put the next walk off for longer than a day.
        walk.ended = Some(now);
        store(engine, object, &walk).await?;
    }
    let due = walk.due(now);
    if due > now {
        return Ok(due);
    }
    let done = walk_over(engine, object).await?;
    let next = if done { DAY } else { REST };
    Ok(engine.clock.now().checked_add(next).unwrap_or(Timestamp::MAX))
}

/// Walks over all objects now; false = a CRM did not answer to the end.
pub(crate) async fn now(engine: &Arc<Engine>) -> Result<bool, Fatal> {
    let mut done = true;
    for object in &engine.objects {
        done &= walk_over(engine, object).await?;
    }
    Ok(done)
}

/// One walk over one object, or the rest of it. The place is stored only after every record of a page has its outcome on disk, or a time at
/// which it is tried again.
async fn walk_over(engine: &Arc<Engine>, object: &Arc<Governed>) -> Result<bool, Fatal> {
    let Some(link) = engine.links.get(&object.connection) else { return Ok(true) };
    let Some(source) = link.purpose.source() else { return Ok(true) };
    let _alone = object.census.lock().await;
    let mut walk = load(engine, object).await?;
    let mut here = walk.at.take().unwrap_or_else(Cursor::beginning);
    let mut unlisted = known(engine, object);
    let all_known = unlisted.clone();
    loop {
        let page = match link.transport.run(source.census(&object.plan, &here)).await {
            Ok(page) => page,
            Err(fault) => {
                tracing::warn!(connection = %link.id, object = %object.object, %fault, "cannot list the records; later");
                return Ok(false);
            }
        };
        let wanted = |changed: &Changed| all_known.contains(&changed.record) || may_open(object, changed);
        for changed in &page.changed {
            unlisted.remove(&changed.record);
        }
        let records: BTreeSet<RecordRef> =
            page.changed.into_iter().filter(wanted).map(|changed| changed.record).collect();
        if !read(engine, object, records).await? {
            return Ok(false);
        }
        engine.reached("census_page");
        if !page.more {
            break;
        }
        if page.next == here {
            tracing::error!(connection = %link.id, object = %object.object, "the vendor repeats a page for ever; the walk ends here");
            break;
        }
        here = page.next;
        store(engine, object, &Walk { at: Some(here.clone()), ended: walk.ended }).await?;
    }
    // After a restart the pages before are not remembered: then more is read than needed, never less.
    if !read(engine, object, unlisted).await? {
        return Ok(false);
    }
    store(engine, object, &Walk { at: None, ended: Some(engine.clock.now()) }).await?;
    Ok(true)
}

/// Reads records, a few hundred at a time; false = a stop cut it off.
async fn read(
    engine: &Arc<Engine>,
    object: &Arc<Governed>,
    records: BTreeSet<RecordRef>,
) -> Result<bool, Fatal> {
    let records: Vec<RecordRef> = records.into_iter().collect();
    for some in records.chunks(ABREAST) {
        // What waits for a later time has its place in the queue and does not hold up the others.
        mark_and_wait(engine, object, some, Channel::Census).await?;
        if engine.is_stopping() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a record without a handoff can have one now: what was last touched before everything that is governed entered no stage since.
fn may_open(object: &Governed, changed: &Changed) -> bool {
    let Some(stamp) = changed.stamp else { return true };
    object.rules.iter().any(|rule| rule.terms.governed_since.is_none_or(|since| stamp >= since))
}

/// Records of this object that ever had a handoff.
fn known(engine: &Engine, object: &Governed) -> BTreeSet<RecordRef> {
    let mut known = BTreeSet::new();
    engine.snapshots.for_each(|summary| {
        let subject = &summary.handoff.subject;
        if subject.connection == object.connection && subject.object == object.object {
            known.insert(subject.clone());
        }
    });
    known
}

fn key(object: &Governed) -> String {
    format!("{CENSUS}{}/{}", object.connection, object.object)
}

async fn load(engine: &Engine, object: &Governed) -> Result<Walk, Fatal> {
    Ok(engine.memory.get_json(key(object)).await?.unwrap_or_default())
}

async fn store(engine: &Engine, object: &Governed, walk: &Walk) -> Result<(), Fatal> {
    let mut change = Change::default();
    change.put_json(key(object), walk);
    Ok(engine.memory.commit(change).await?)
}
