//! The single writing thread: it drains the queue, so that many appends share one flush.

use std::collections::HashMap;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::entry::{Entry, Group};
use super::frame::{self, Head};
use super::recover::Tail;
use super::segment;
use super::{Guard, LogError, LogOptions, Shared, StreamKey};
use crate::durable::OnFile;

/// How many entries each stream holds.
pub(super) type Streams = HashMap<StreamKey, u64>;

/// Appends that may wait; a caller beyond them waits for a place.
const QUEUE: usize = 4096;
/// Bytes of one commit after which the writer stops draining its queue.
const COMMIT_BYTES: usize = 4 * 1024 * 1024;

type Answer = Result<Range<u64>, LogError>;

struct Request {
    group: Group,
    reply: oneshot::Sender<Answer>,
}

pub(super) struct Writer {
    queue: Option<mpsc::Sender<Request>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        dir: &Path,
        tail: Tail,
        options: LogOptions,
        shared: Arc<Shared>,
    ) -> Result<Self, LogError> {
        let (queue, requests) = mpsc::channel(QUEUE);
        let mut thread = Thread { dir: dir.to_owned(), tail, options, shared, buffer: Vec::new() };
        let handle = std::thread::Builder::new()
            .name("log-writer".into())
            .spawn(move || thread.work(requests))
            .on("start the writing thread of", dir)?;
        Ok(Self { queue: Some(queue), thread: Mutex::new(Some(handle)) })
    }

    pub(super) async fn submit(&self, entries: Vec<Entry>, guard: Option<Guard>) -> Answer {
        let group = Group::check(entries, guard)?;
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(LogError::Poisoned)?;
        queue.send(Request { group, reply }).await.map_err(|_| LogError::Poisoned)?;
        answer.await.unwrap_or(Err(LogError::Poisoned))
    }

    pub(super) fn submit_blocking(&self, entries: Vec<Entry>, guard: Option<Guard>) -> Answer {
        let group = Group::check(entries, guard)?;
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(LogError::Poisoned)?;
        queue.blocking_send(Request { group, reply }).map_err(|_| LogError::Poisoned)?;
        answer.blocking_recv().unwrap_or(Err(LogError::Poisoned))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // a panicked writer already poisoned the log
            drop(thread.join());
        }
    }
}

struct Thread {
    dir: PathBuf,
    tail: Tail,
    options: LogOptions,
    shared: Arc<Shared>,
    buffer: Vec<u8>,
}

/// Poisons the log when the writing thread ends by unwinding.
struct PoisonOnPanic(Arc<Shared>);

impl Drop for PoisonOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poisoned.store(true, Ordering::Release);
        }
    }
}

impl Thread {
    fn work(&mut self, mut requests: mpsc::Receiver<Request>) {
        let _guard = PoisonOnPanic(Arc::clone(&self.shared));
        while let Some(first) = requests.blocking_recv() {
            let mut bytes = first.group.bytes;
            let mut batch = vec![first];
            while bytes < COMMIT_BYTES {
                let Ok(next) = requests.try_recv() else { break };
                bytes = bytes.saturating_add(next.group.bytes);
                batch.push(next);
            }
            self.commit(batch);
        }
    }

    fn commit(&mut self, batch: Vec<Request>) {
        if self.shared.poisoned.load(Ordering::Acquire) {
            for request in batch {
                // whoever stopped waiting does not need the answer
                drop(request.reply.send(Err(LogError::Poisoned)));
            }
            return;
        }
        let mut replies = Vec::with_capacity(batch.len());
        let outcome = self.prepare().and_then(|()| self.write(batch, &mut replies));
        let mut failure = outcome.err();
        let failed = failure.is_some();
        if let Some(error) = &failure {
            tracing::error!(%error, "the log stopped; exit and restart once the disk is well");
            self.shared.poisoned.store(true, Ordering::Release);
        }
        for (reply, answer) in replies {
            let answer = match failure.take() {
                Some(error) => Err(error),
                None if failed => Err(LogError::Poisoned),
                None => answer,
            };
            drop(reply.send(answer));
        }
    }

    /// Begins a new segment where the last one is full.
    fn prepare(&mut self) -> Result<(), LogError> {
        if self.tail.len < self.options.segment_bytes || self.tail.len <= segment::SEGMENT_HEADER {
            return Ok(());
        }
        let (segment, file) = segment::create(&self.dir, self.tail.head)?;
        self.tail.path.clone_from(&segment.path);
        self.tail.file = file;
        self.tail.len = segment::SEGMENT_HEADER;
        self.shared.segments.write().unwrap_or_else(PoisonError::into_inner).push(segment);
        Ok(())
    }

    /// Writes and flushes all groups of the batch whose guard holds; a refusal is answered only after the flush, since
    /// it may rest on entries of this very batch.
    fn write(
        &mut self,
        batch: Vec<Request>,
        replies: &mut Vec<(oneshot::Sender<Answer>, Answer)>,
    ) -> Result<(), LogError> {
        let durable = self.tail.len;
        let mut head = self.tail.head;
        let mut noted = Vec::new();
        self.buffer.clear();
        let mut groups = Vec::with_capacity(batch.len());
        for request in batch {
            groups.push(request.group);
            replies.push((request.reply, Err(LogError::Poisoned)));
        }
        {
            let mut streams = self.shared.streams.write().unwrap_or_else(PoisonError::into_inner);
            for (group, (_, answer)) in groups.iter().zip(replies.iter_mut()) {
                let count = u64::try_from(group.entries.len()).unwrap_or(u64::MAX);
                if let Err(conflict) = advance(&mut streams, group.guard, count) {
                    *answer = Err(conflict);
                    continue;
                }
                let offset = durable.saturating_add(u64::try_from(self.buffer.len()).unwrap_or(u64::MAX));
                noted.push((head, offset));
                let frame_head = Head { first: head, durable, guard: group.guard, count };
                frame::encode(&mut self.buffer, frame_head, &group.entries);
                let end = head.saturating_add(count);
                *answer = Ok(head..end);
                head = end;
            }
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Some(barrier) = &self.options.before_commit {
            barrier.make_durable().map_err(LogError::Barrier)?;
        }
        self.tail.file.write_all_at(&self.buffer, durable).on("write", &self.tail.path)?;
        self.tail.file.sync_data().on("sync", &self.tail.path)?;
        self.tail.acknowledged.write(head)?;
        self.tail.len = durable.saturating_add(u64::try_from(self.buffer.len()).unwrap_or(u64::MAX));
        self.tail.head = head;
        self.publish(&noted);
        Ok(())
    }

    fn publish(&self, noted: &[(u64, u64)]) {
        let mut segments = self.shared.segments.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = segments.last_mut() {
            for (position, offset) in noted {
                segment.note(*position, *offset);
            }
        }
        drop(segments);
        self.shared.head.send_replace(self.tail.head);
    }
}

fn advance(streams: &mut Streams, guard: Option<Guard>, count: u64) -> Result<(), LogError> {
    let Some(Guard { stream, expected }) = guard else { return Ok(()) };
    let actual = streams.get(&stream).copied().unwrap_or(0);
    if actual != expected {
        return Err(LogError::Conflict { expected, actual });
    }
    streams.insert(stream, expected.saturating_add(count));
    Ok(())
}
