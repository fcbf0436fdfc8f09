//! Page after page of one object: read, worked out, appended, and only then left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use handoff_connector::{Cursor, Exchange, Fault};
use handoff_core::beside::users_named;
use handoff_core::id::{ContractId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::past::{PastRecord, Span};
use handoff_transport::Policy;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::{Found, Worked, work};
use super::{BackfillError, Progress, Tally, Wanted, Watch, book};
use crate::directory;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::Governed;
use crate::journal::Refused;
use crate::link::Link;
use crate::memory::{BACKFILL, Change, blocking};

/// Records whose past is in memory at once.
const AT_ONCE: usize = 200;
/// How often one question is asked before the run ends.
const TRIES: u32 = 8;

/// Where the walk over one object stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    /// What the run asked for.
    since: Option<Timestamp>,
    /// The next page; absent = the walk is over.
    next: Option<Cursor>,
    /// Records read.
    done: u64,
}

/// Walks over one object.
pub(super) async fn walk(
    engine: &Arc<Engine>,
    object: &Arc<Governed>,
    (rank, of_rank): (u32, &(dyn Fn(&ContractId) -> bool + Sync)),
    wanted: Wanted,
    watch: &Watch,
    tally: &mut Tally,
) -> Result<(), BackfillError> {
    let Some(link) = engine.links.get(&object.connection) else { return Ok(()) };
    let Some(source) = link.purpose.source() else { return Ok(()) };
    let key = format!("{BACKFILL}{}/{}/{rank}", object.connection, object.object);
    let left: Option<Place> = engine.memory.get_json(key.clone()).await?;
    let mut place = begin(left, wanted)?;
    let total = ask(engine, link, || source.history_size(&object.plan, wanted.since)).await;
    // How many there are is for the eye only.
    let total = total.ok().flatten();
    let told = |done: u64| Progress {
        connection: object.connection.clone(),
        object: object.object.clone(),
        done,
        total: total.map(|total| total.max(done)),
    };
    watch(&told(place.done));
    let wanted_of: BTreeSet<ContractId> = object
        .rules
        .iter()
        .map(|rule| rule.mapping.contract.clone())
        .filter(|contract| of_rank(contract))
        .collect();
    while let Some(here) = place.next.clone() {
        let failed = |fault| BackfillError::Crm {
            connection: object.connection.clone(),
            object: object.object.clone(),
            fault,
        };
        let page = ask(engine, link, || source.history_list(&object.plan, wanted.since, &here)).await;
        let page = page.map_err(failed)?;
        let records: BTreeSet<RecordRef> = page.changed.into_iter().map(|changed| changed.record).collect();
        let records: Vec<RecordRef> = records.into_iter().collect();
        let most = link.purpose.connector().spec().read_batch.clamp(1, AT_ONCE);
        for some in records.chunks(most) {
            let span = Span { since: wanted.since, until: engine.clock.now() };
            batch(engine, object, link, &wanted_of, some, span, tally).await.map_err(
                |error| match error {
                    Ended::Fault(fault) => failed(fault),
                    Ended::Fatal(fatal) => fatal.into(),
                },
            )?;
            place.done = place.done.saturating_add(u64::try_from(some.len()).unwrap_or(u64::MAX));
            watch(&told(place.done));
        }
        if page.more && page.next == here {
            return Err(failed(Fault::Protocol { detail: "the vendor repeats a page for ever".to_owned() }));
        }
        place.next = page.more.then_some(page.next);
        let mut change = Change::default();
        change.put_json(key.clone(), &place);
        engine.memory.commit(change).await.map_err(Fatal::from)?;
        engine.reached("past_page");
    }
    Ok(())
}

fn begin(left: Option<Place>, wanted: Wanted) -> Result<Place, BackfillError> {
    let fresh = Place { since: wanted.since, next: Some(Cursor::beginning()), done: 0 };
    match left.filter(|_| wanted.resume) {
        None => Ok(fresh),
        Some(place) if place.since == wanted.since => Ok(place),
        Some(place) => {
            let began =
                place.since.map_or_else(|| "no --since".to_owned(), |since| format!("--since {since}"));
            Err(BackfillError::OtherSince { began })
        }
    }
}

/// Why a batch came to no end.
enum Ended {
    Fault(Fault),
    Fatal(Fatal),
}

impl From<Fatal> for Ended {
    fn from(fatal: Fatal) -> Self {
        Self::Fatal(fatal)
    }
}

/// Reads these records, and appends what is new. Boxed because a batch that one record spoils is halved.
fn batch<'a>(
    engine: &'a Arc<Engine>,
    object: &'a Arc<Governed>,
    link: &'a Link,
    wanted: &'a BTreeSet<ContractId>,
    records: &'a [RecordRef],
    span: Span,
    tally: &'a mut Tally,
) -> BoxFuture<'a, Result<(), Ended>> {
    Box::pin(async move {
        let pasts = match read(engine, object, link, records).await {
            Ok(pasts) => pasts,
            Err(fault) => {
                let spoilt = matches!(
                    link.transport.policy(&fault, TRIES),
                    Policy::Void | Policy::Park | Policy::ParkAndAlert
                );
                let (first, second) = records.split_at(records.len() / 2);
                if !spoilt {
                    return Err(Ended::Fault(fault));
                }
                if first.is_empty() {
                    for record in second {
                        tally.problem(format!("{record}: {fault}"));
                    }
                    return Ok(());
                }
                batch(engine, object, link, wanted, first, span, tally).await?;
                return batch(engine, object, link, wanted, second, span, tally).await;
            }
        };
        tally.told.records += u64::try_from(records.len()).unwrap_or(u64::MAX);
        tally.told.untold +=
            u64::try_from(pasts.iter().filter(|past| past.is_none()).count()).unwrap_or(u64::MAX);
        let worked = {
            let (engine, object, wanted) = (Arc::clone(engine), Arc::clone(object), wanted.clone());
            blocking(move || {
                let wanted = |contract: &ContractId| wanted.contains(contract);
                let all = pasts.iter().flatten().map(|past| work(&engine, &object, &wanted, past, span));
                all.collect::<Result<Vec<Worked>, Fatal>>()
            })
            .await?
        };
        append(engine, worked, tally).await.map_err(Ended::Fatal)
    })
}

async fn read(
    engine: &Engine,
    object: &Governed,
    link: &Link,
    records: &[RecordRef],
) -> Result<Vec<Option<PastRecord>>, Fault> {
    let source = link.purpose.source().ok_or_else(|| Fault::Protocol {
        detail: "the past is asked for where there is no CRM".to_owned(),
    })?;
    let pasts = ask(engine, link, || source.history(&object.plan, records)).await?;
    if pasts.len() != records.len() {
        return Err(Fault::Protocol {
            detail: "the answer names another number of records than asked for".to_owned(),
        });
    }
    let raws = || pasts.iter().flatten().map(|past| &past.now);
    let mut users: BTreeSet<String> = BTreeSet::new();
    for rule in &object.rules {
        let people = [&rule.mapping.people.sender.field, &rule.mapping.people.receiver.field];
        for raw in raws() {
            users.extend(directory::named(raw, std::iter::once(&rule.mapping)));
            users.extend(users_named(&rule.mapping, &rule.current.contract, raw));
            // Whoever was named once counts too.
            let rows = raw.history.iter().flatten().filter(|row| people.contains(&&row.field));
            let values = rows.flat_map(|row| [&row.old, &row.new]).flatten();
            users.extend(values.filter_map(|value| value.as_str()).map(str::to_owned));
        }
    }
    users.retain(|id| !id.trim().is_empty());
    let now = engine.clock.now();
    link.directory.meet(source.as_ref(), &link.transport, users, &BTreeMap::new(), now).await?;
    Ok(pasts)
}

/// Appends all streams of a batch side by side, each in its order, and notes where the entries stand.
async fn append(engine: &Arc<Engine>, worked: Vec<Worked>, tally: &mut Tally) -> Result<(), Fatal> {
    let mut streams = Vec::new();
    for worked in worked {
        tally.told.watched += worked.watched;
        tally.told.refused += worked.refused;
        tally.told.untold += u64::from(worked.untold);
        streams.extend(worked.found.into_iter().map(|found| one(engine, found)));
    }
    let mut change = Change::default();
    for done in join_all(streams).await {
        tally.told.handoffs += u64::from(!done.logged.is_empty());
        tally.told.decisions += u64::try_from(done.logged.len()).unwrap_or(u64::MAX);
        for (position, entry) in done.logged {
            book::caught(position, &entry, &mut change);
            change.reflected.push(position);
            if let LogEntry::Reconstructed { unknown, .. } = &entry {
                tally.note(&done.contract, unknown);
            }
        }
        match done.refused {
            None => {}
            Some(Refused::Fatal(fatal)) => return Err(fatal),
            Some(refused @ (Refused::Conflict | Refused::Erased | Refused::TooLarge(_))) => {
                tally.told.refused += 1;
                tracing::warn!(stream = done.stream, %refused, "the past of a handoff is not recorded");
            }
        }
    }
    engine.reached("past_appended");
    Ok(engine.memory.commit(change).await?)
}

/// What came of appending one stream.
struct Done {
    stream: String,
    contract: ContractId,
    logged: Vec<(u64, LogEntry)>,
    refused: Option<Refused>,
}

async fn one(engine: &Engine, found: Found) -> Done {
    let Found { stream, contract, sealed } = found;
    let mut done = Done { stream, contract, logged: Vec::with_capacity(sealed.len()), refused: None };
    for (entry, sealed) in sealed {
        match engine.journal.append(sealed).await {
            Ok(position) => {
                engine.reached("past_entry");
                done.logged.push((position, entry));
            }
            Err(refused) => {
                done.refused = Some(refused);
                break;
            }
        }
    }
    done
}

/// Asks until there is an answer or the fault will not pass by waiting.
async fn ask<T: Send + 'static>(
    engine: &Engine,
    link: &Link,
    question: impl Fn() -> Box<dyn Exchange<Output = T>>,
) -> Result<T, Fault> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let fault = match link.transport.run(question()).await {
            Ok(answer) => return Ok(answer),
            Err(fault) => fault,
        };
        let wait = match link.transport.policy(&fault, attempt) {
            Policy::RetryAfter(wait) => wait,
            Policy::RefreshAndReplay | Policy::ReadAgain => Duration::from_secs(1),
            Policy::OpenCircuit { .. } | Policy::Void | Policy::Park | Policy::ParkAndAlert => {
                return Err(fault);
            }
        };
        if attempt >= TRIES {
            return Err(fault);
        }
        tracing::warn!(connection = %link.id, fault = fault.kind(), ?wait, "cannot read the past; later");
        engine.clock.sleep(wait).await;
    }
}
