//! The folded state of every handoff, kept beside the log and rebuilt from it where it is missing (L5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use handoff_core::contract::{Contract, ContractRef};
use handoff_core::digest::Digest;
use handoff_core::event::VoidCause;
use handoff_core::extract::Existence;
use handoff_core::gate::{Opening, Verdict, evaluate};
use handoff_core::handoff::{Handoff, Phase, Stamp};
use handoff_core::id::{ConnectionId, RecordId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_store::bodies::{Bodies, BodyDigest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fatal::Fatal;
use crate::journal::Journal;
use crate::memory::{CONTRACT, Change, INDEX, Rows, SNAPSHOT, SUMMARY, blocking};
use crate::view::Summary;

/// Bytes of a snapshot in one row; the memory takes 8 KiB at most.
const CHUNK: usize = 8_000;
/// Most rows of one snapshot; a larger state is folded from the log whenever it is needed.
const CHUNKS: usize = 64;
/// Handoffs replayed before their rows are written.
const REPLAY: usize = 500;

/// A folded state and the entry that it was last changed by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) last: Stamp,
    pub(crate) state: Handoff,
    /// The account or company of the record, as it was last seen.
    #[serde(default)]
    pub(crate) account: Option<String>,
}

/// The contracts that the log knows by their exact text.
pub(crate) struct Contracts {
    bodies: Bodies,
    held: RwLock<BTreeMap<ContractRef, Arc<Contract>>>,
}

impl Contracts {
    pub(crate) fn new(bodies: Bodies) -> Self {
        Self { bodies, held: RwLock::new(BTreeMap::new()) }
    }

    pub(crate) fn get(&self, pin: &ContractRef) -> Option<Arc<Contract>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).get(pin).cloned()
    }

    /// The texts that the log published.
    pub(crate) fn pins(&self) -> Vec<ContractRef> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Takes up a published text; false = it does not fit its pin or cannot be read, so that nothing is decided by it.
    pub(crate) fn learn(&self, pin: &ContractRef, text: &str) -> bool {
        if Digest::of_bytes(text.as_bytes()) != pin.digest {
            return false;
        }
        let Ok(contract) = handoff_core::registry::parse_contract("the log", text) else { return false };
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(pin.clone(), Arc::new(contract));
        true
    }

    /// Stores a published text beside the log and takes it up. Blocks.
    pub(crate) fn publish(&self, change: &mut Change, pin: &ContractRef, text: &str) -> Result<(), Fatal> {
        self.bodies.put(text.as_bytes())?;
        change.put_json(format!("{CONTRACT}{}", pin.digest), pin);
        if !self.learn(pin, text) {
            tracing::error!(contract = %pin.id, version = pin.version, "a published contract cannot be read; its handoffs rest");
        }
        Ok(())
    }

    /// Takes up what was published earlier. Blocks.
    pub(crate) fn load(&self, rows: &Rows) -> Result<(), Fatal> {
        for (digest, row) in rows.scan_now(CONTRACT)? {
            let Ok(pin) = serde_json::from_slice::<ContractRef>(&row) else { continue };
            let text = match body_digest(&digest) {
                Some(digest) => self.bodies.get(digest)?,
                None => None,
            };
            let known = text
                .and_then(|text| String::from_utf8(text).ok())
                .is_some_and(|text| self.learn(&pin, &text));
            if !known {
                tracing::error!(contract = %pin.id, version = pin.version, "the text of a published contract is missing; its handoffs rest");
            }
        }
        Ok(())
    }
}

fn body_digest(hex: &str) -> Option<BodyDigest> {
    let mut bytes = [0_u8; 32];
    if hex.len() != 64 {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(BodyDigest(bytes))
}

/// All handoffs.
pub(crate) struct Snapshots {
    journal: Arc<Journal>,
    rows: Arc<Rows>,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    summaries: BTreeMap<String, Summary>,
    /// Stream → positions of its entries.
    index: BTreeMap<String, Vec<u64>>,
    /// Connection and account → streams.
    accounts: BTreeMap<(ConnectionId, String), BTreeSet<String>>,
    /// Record → streams whose record names it, as the same deal or as what something is carried from, with that record.
    named_by: BTreeMap<RecordRef, BTreeMap<String, RecordRef>>,
    /// Record → ids of the governed records that were merged into it.
    absorbed: BTreeMap<RecordRef, BTreeSet<String>>,
}

impl Known {
    fn insert(&mut self, summary: Summary) {
        let (subject, stream) = (summary.handoff.subject.clone(), summary.stream.clone());
        let connection = subject.connection.clone();
        let (account, names) = (summary.account.clone(), named_in(&summary));
        let merged_into = summary.merged_into.clone();
        if let Some(account) = &account {
            let streams = self.accounts.entry((connection.clone(), account.clone())).or_default();
            streams.insert(stream.clone());
        }
        let before = self.summaries.insert(stream.clone(), summary);
        let named_before = before.as_ref().map(named_in).unwrap_or_default();
        let account_before = before.and_then(|before| before.account);
        let left = account_before.filter(|before| Some(before) != account.as_ref());
        if let Some(streams) = left.and_then(|left| self.accounts.get_mut(&(connection, left))) {
            streams.remove(&stream);
        }
        for left in named_before.difference(&names) {
            if let Some(streams) = self.named_by.get_mut(left) {
                streams.remove(&stream);
            }
        }
        if let Some(survivor) = merged_into {
            self.absorbed.entry(survivor).or_default().insert(subject.record.0.clone());
        }
        for name in names {
            self.named_by.entry(name).or_default().insert(stream.clone(), subject.clone());
        }
    }
}

/// The records that a handoff looks at.
fn named_in(summary: &Summary) -> BTreeSet<RecordRef> {
    summary.twin.iter().chain(&summary.carried).cloned().collect()
}

impl Snapshots {
    pub(crate) fn new(journal: Arc<Journal>, rows: Arc<Rows>) -> Self {
        Self { journal, rows, known: RwLock::new(Known::default()) }
    }

    pub(crate) fn list(&self, mut keep: impl FnMut(&Summary) -> bool) -> Vec<Summary> {
        self.read().summaries.values().filter(|summary| keep(summary)).cloned().collect()
    }

    pub(crate) fn for_each(&self, see: impl FnMut(&Summary)) {
        self.read().summaries.values().for_each(see);
    }

    pub(crate) fn summary(&self, stream: &str) -> Option<Summary> {
        self.read().summaries.get(stream).cloned()
    }

    /// Streams of the handoffs whose record belongs to this account.
    pub(crate) fn of_account(&self, connection: &ConnectionId, account: &str) -> BTreeSet<String> {
        let key = (connection.clone(), account.to_owned());
        self.read().accounts.get(&key).cloned().unwrap_or_default()
    }

    /// Records whose handoff is not off and, if it was accepted, had an entry since `since`.
    pub(crate) fn open_records(&self, since: Timestamp) -> Vec<RecordRef> {
        let known = self.read();
        let open = known.summaries.values().filter(|summary| match summary.phase {
            Phase::Draft | Phase::Complete | Phase::Rejected => true,
            // What waits for a moment, e.g. to be re-united half a year later, is looked at however long that takes.
            Phase::Accepted => summary.last.time >= since || summary.look_again_at.is_some(),
            Phase::Voided => false,
        });
        open.map(|summary| summary.handoff.subject.clone()).collect()
    }

    pub(crate) async fn load(self: &Arc<Self>, stream: &str) -> Result<Option<Saved>, Fatal> {
        let (snapshots, stream) = (Arc::clone(self), stream.to_owned());
        blocking(move || snapshots.load_now(&stream)).await
    }

    /// The state of a stream: its snapshot, or folded from the log. Blocks.
    pub(crate) fn load_now(&self, stream: &str) -> Result<Option<Saved>, Fatal> {
        let positions = self.read().index.get(stream).cloned().unwrap_or_default();
        let Some(last) = positions.last().copied() else { return Ok(None) };
        let entries = u64::try_from(positions.len()).unwrap_or(u64::MAX);
        let saved = self.snapshot(stream)?;
        if let Some(saved) =
            saved.filter(|saved| saved.last.position == last && saved.state.version == entries)
        {
            return Ok(Some(saved));
        }
        let mut saved = None;
        for (position, entry) in self.journal.read_now(&positions)? {
            saved = entry.and_then(|entry| fold(saved.take(), position, &entry));
        }
        Ok(saved)
    }

    fn snapshot(&self, stream: &str) -> Result<Option<Saved>, Fatal> {
        let Some(sealed) = get_chunks(&self.rows, &format!("{SNAPSHOT}{stream}"))? else { return Ok(None) };
        let plain = self.journal.open_row(subject(stream), &sealed);
        Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
    }

    /// Decoded entries of a stream, oldest first.
    pub(crate) async fn entries(
        self: &Arc<Self>,
        stream: &str,
    ) -> Result<Vec<(u64, Option<LogEntry>)>, Fatal> {
        let positions = self.read().index.get(stream).cloned().unwrap_or_default();
        let snapshots = Arc::clone(self);
        blocking(move || snapshots.journal.read_now(&positions)).await
    }

    /// Notes a state that new entries led to: its rows go into the change, its summary is seen at once.
    pub(crate) fn note(
        &self,
        change: &mut Change,
        saved: &Saved,
        verdict: &Verdict,
        positions: &[u64],
    ) -> Result<(), Fatal> {
        let summary = summarise(saved, verdict);
        let stream = summary.stream.clone();
        let plain = serde_json::to_vec(saved).unwrap_or_default();
        match self.journal.seal_row(subject(&stream), &plain) {
            Ok(sealed) => put_chunks(change, &format!("{SNAPSHOT}{stream}"), &sealed),
            Err(handoff_store::keyring::KeyringError::Erased) => {}
            Err(error) => return Err(error.into()),
        }
        change.put_json(format!("{SUMMARY}{stream}"), &summary);
        for position in positions {
            change.batch.put(format!("{INDEX}{stream}/{position:020}"), []);
        }
        change.reflected.extend_from_slice(positions);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.index.entry(stream).or_default().extend_from_slice(positions);
        known.insert(summary);
        Ok(())
    }

    /// Streams whose record names this one as the same deal, with that record.
    pub(crate) fn naming(&self, record: &RecordRef) -> BTreeMap<String, RecordRef> {
        self.read().named_by.get(record).cloned().unwrap_or_default()
    }

    /// The ids of the governed records that were merged into this one.
    pub(crate) fn absorbed(&self, record: &RecordRef) -> BTreeSet<String> {
        self.read().absorbed.get(record).cloned().unwrap_or_default()
    }

    /// Takes up what the memory knows. Blocks.
    pub(crate) fn open(&self) -> Result<(), Fatal> {
        let mut known = Known::default();
        for (stream, row) in self.rows.scan_now(SUMMARY)? {
            if let Ok(summary) = serde_json::from_slice::<Summary>(&row)
                && summary.stream == stream
            {
                known.insert(summary);
            }
        }
        for (key, _) in self.rows.scan_now(INDEX)? {
            let Some((stream, position)) = key.rsplit_once('/') else { continue };
            if let Ok(position) = position.parse() {
                known.index.entry(stream.to_owned()).or_default().push(position);
            }
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    /// Applies the log's entries that the memory does not reflect yet. `other` sees every entry that belongs to no stream. Blocks; the
    /// changes are committed through `commit`.
    pub(crate) fn catch_up(
        &self,
        contracts: &Contracts,
        now: Timestamp,
        mut other: impl FnMut(u64, &LogEntry, &mut Change),
        mut commit: impl FnMut(Change) -> Result<(), Fatal>,
    ) -> Result<u64, Fatal> {
        let mut pending: BTreeMap<String, (Option<Saved>, Vec<u64>)> = BTreeMap::new();
        let mut change = Change::default();
        let mut replayed = 0;
        for record in self.journal.records(self.rows.log_head())? {
            let record = record?;
            let position = record.position;
            replayed += 1;
            let entry = self.journal.open(&record)?;
            let stream =
                entry.as_ref().and_then(|entry| entry.handoff().map(|(handoff, _)| handoff.stream()));
            match (entry, stream) {
                (Some(entry), Some(stream)) => {
                    if !pending.contains_key(&stream) {
                        let before = self.load_now(&stream)?;
                        pending.insert(stream.clone(), (before, Vec::new()));
                    }
                    if let Some((saved, positions)) = pending.get_mut(&stream) {
                        if saved.as_ref().is_none_or(|saved| saved.last.position < position) {
                            *saved = fold(saved.take(), position, &entry);
                            positions.push(position);
                        } else {
                            change.reflected.push(position);
                        }
                    }
                }
                (Some(entry), None) => {
                    if let LogEntry::ContractPublished { contract, text, .. } = &entry {
                        contracts.publish(&mut change, contract, text)?;
                    }
                    other(position, &entry, &mut change);
                    change.reflected.push(position);
                }
                // Erased: nothing is left to fold.
                (None, _) => change.reflected.push(position),
            }
            if pending.len() >= REPLAY {
                self.note_all(&mut change, std::mem::take(&mut pending), contracts, now)?;
                commit(std::mem::take(&mut change))?;
            }
        }
        self.note_all(&mut change, pending, contracts, now)?;
        commit(change)?;
        Ok(replayed)
    }

    fn note_all(
        &self,
        change: &mut Change,
        pending: BTreeMap<String, (Option<Saved>, Vec<u64>)>,
        contracts: &Contracts,
        now: Timestamp,
    ) -> Result<(), Fatal> {
        for (_, (saved, positions)) in pending {
            let Some(saved) = saved else {
                change.reflected.extend(positions);
                continue;
            };
            let verdict = contracts
                .get(&saved.state.contract)
                .map_or_else(|| at_rest(&saved.state), |contract| evaluate(&contract, &saved.state, now));
            self.note(change, &saved, &verdict, &positions)?;
        }
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can be said of a handoff whose contract is not known: no gate opens.
fn at_rest(state: &Handoff) -> Verdict {
    Verdict {
        gates: BTreeMap::new(),
        because: BTreeMap::new(),
        status: "At rest: the contract it was opened with is not known here".to_owned(),
        missing: Vec::new(),
        turn: state.turn(),
        look_again_at: None,
    }
}

/// Folds one entry onto a state.
pub(crate) fn fold(before: Option<Saved>, position: u64, entry: &LogEntry) -> Option<Saved> {
    let (_, events) = entry.handoff()?;
    let last = Stamp { position, time: entry.at() };
    let (before, account) = before.map(|saved| (saved.state, saved.account)).unzip();
    let mut account = account.flatten();
    if let LogEntry::Decided { seen, .. } = entry
        && seen.existence == Existence::Present
    {
        account.clone_from(&seen.account);
    }
    Handoff::apply(before, last, events).map(|state| Saved { last, state, account })
}

fn summarise(saved: &Saved, verdict: &Verdict) -> Summary {
    let state = &saved.state;
    Summary {
        stream: state.id.stream(),
        account: saved.account.clone(),
        handoff: state.id.clone(),
        contract: state.contract.clone(),
        phase: state.phase,
        round: state.round,
        turn: verdict.turn,
        stage: state.stage.clone(),
        status: verdict.status.clone(),
        missing: verdict.missing.len(),
        gates: verdict.gates.clone(),
        flags: state.gates.clone(),
        opened: state.opened,
        completed: state.completed,
        accepted_at: state.accepted.as_ref().map(|acceptance| acceptance.at),
        overdue: state.sla_breached,
        bypasses: state.bypasses,
        twin: state.link.clone(),
        carried: state.carried.iter().filter_map(|seen| seen.record.clone()).collect(),
        look_again_at: verdict.look_again_at,
        overridden: verdict.because.values().filter(|why| **why == Opening::Overridden).count(),
        merged_into: merged_into(state),
        last: saved.last,
        entries: state.version,
        evidence: crate::calls::Count::default(),
    }
}

/// The record that a lost one was merged into.
fn merged_into(state: &Handoff) -> Option<RecordRef> {
    let Some(VoidCause::Merged { into }) = &state.voided else { return None };
    let lost = state.phase == Phase::Voided;
    lost.then(|| RecordRef { record: RecordId(into.clone()), ..state.id.subject.clone() })
}

/// Puts a sealed state into as many rows as it needs; a larger one than the memory takes is left out and folded from the log.
pub(crate) fn put_chunks(change: &mut Change, key: &str, sealed: &[u8]) {
    let chunks: Vec<&[u8]> = sealed.chunks(CHUNK).collect();
    let Some(count) = u8::try_from(chunks.len()).ok().filter(|_| chunks.len() <= CHUNKS) else {
        change.batch.delete(row(key, 0));
        return;
    };
    for (number, chunk) in chunks.into_iter().enumerate() {
        change.batch.put(row(key, number), [&[count], chunk].concat());
    }
}

/// What [`put_chunks`] put; `None` = nothing, or not all of it. Blocks.
pub(crate) fn get_chunks(rows: &Rows, key: &str) -> Result<Option<Vec<u8>>, Fatal> {
    let mut sealed = Vec::new();
    let mut chunks = 1;
    let mut chunk = 0;
    while chunk < chunks {
        let Some(row) = rows.get_now(&row(key, chunk))? else { return Ok(None) };
        let Some((count, bytes)) = row.split_first() else { return Ok(None) };
        chunks = usize::from(*count);
        sealed.extend_from_slice(bytes);
        chunk += 1;
    }
    Ok(Some(sealed))
}

fn row(key: &str, chunk: usize) -> String {
    format!("{key}/{chunk:02}")
}

/// The record of a stream: what follows its second slash.
pub(crate) fn subject(stream: &str) -> &str {
    stream.splitn(3, '/').nth(2).unwrap_or_default()
}
