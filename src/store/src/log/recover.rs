//! What is found in the segments at start: every frame is checked, an unacknowledged tail is cut, damage is refused.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::LogError;
use super::frame::{self, Head};
use super::segment::{self, Frames, Next, SEGMENT_HEADER, SEGMENT_MAGIC, Segment};
use super::writer::Streams;
use crate::durable::{self, OnFile};
use crate::witness::Witness;

/// What opening the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Number of entries; the head.
    pub entries: u64,
    /// Number of segment files.
    pub segments: usize,
    /// A tail that was cut because it was never acknowledged.
    pub truncated: Option<Truncated>,
}

/// A tail that was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncated {
    /// The segment.
    pub file: PathBuf,
    /// Where the cut was made.
    pub offset: u64,
    /// How many bytes went.
    pub bytes: u64,
}

/// The segment that is written to.
pub(super) struct Tail {
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// Its length: all of it is durable.
    pub(super) len: u64,
    /// Number of entries in the log.
    pub(super) head: u64,
    /// Notes how many entries were acknowledged.
    pub(super) acknowledged: Witness,
}

pub(super) struct Found {
    pub(super) segments: Vec<Segment>,
    pub(super) tail: Tail,
    pub(super) recovery: Recovery,
}

/// Checks every frame of every segment, cuts an unacknowledged tail and opens the last segment for writing.
pub(super) fn recover(dir: &Path, streams: &mut Streams) -> Result<Found, LogError> {
    durable::create_dir(dir)?;
    let acknowledged = Witness::open(&dir.join("acknowledged"))?;
    let names = segment::list(dir)?;
    let mut segments = Vec::new();
    let mut head = 0;
    let mut last = None;
    let mut stub = None;
    for (number, (named, path)) in names.iter().enumerate() {
        let is_last = number.saturating_add(1) == names.len();
        if *named != head {
            return Err(damaged(
                path,
                0,
                format!("it begins at entry {named}, the files before it end at {head}"),
            ));
        }
        let Some(mut scan) = Scan::begin(path, head, is_last)? else {
            stub = Some(path);
            continue;
        };
        head = scan.run(head, streams)?;
        last = Some(scan.end(is_last, head)?);
        segments.push(scan.segment);
    }
    let promised = acknowledged.read()?;
    if head < promised {
        let (path, offset) = last.map_or((dir.to_owned(), 0), |end| (end.file, end.offset));
        return Err(damaged(
            &path,
            offset,
            format!("the log ends at entry {head}, {promised} were acknowledged"),
        ));
    }
    if let Some(stub) = stub {
        fs::remove_file(stub).on("remove", stub)?;
    }
    let truncated = last.filter(|end| end.bytes > 0);
    let tail = open_tail(dir, &mut segments, head, truncated.as_ref(), acknowledged)?;
    let recovery = Recovery { entries: head, segments: segments.len(), truncated };
    Ok(Found { segments, tail, recovery })
}

/// Cuts what is to be cut and flushes what is left: a killed process may have left whole frames that only the page
/// cache holds, and what is shown once must not vanish later.
fn open_tail(
    dir: &Path,
    segments: &mut Vec<Segment>,
    head: u64,
    truncated: Option<&Truncated>,
    acknowledged: Witness,
) -> Result<Tail, LogError> {
    let Some(segment) = segments.last() else {
        let (segment, file) = segment::create(dir, head)?;
        let path = segment.path.clone();
        segments.push(segment);
        return Ok(Tail { file, path, len: SEGMENT_HEADER, head, acknowledged });
    };
    let path = segment.path.clone();
    let file = OpenOptions::new().read(true).write(true).open(&path).on("open", &path)?;
    if let Some(cut) = truncated {
        tracing::warn!(file = %cut.file.display(), cut.offset, cut.bytes, "cut an unacknowledged tail of the log");
        file.set_len(cut.offset).on("truncate", &path)?;
    }
    file.sync_all().on("sync", &path)?;
    durable::sync_dir(dir)?;
    let len = file.metadata().on("read the size of", &path)?.len();
    Ok(Tail { file, path, len, head, acknowledged })
}

fn damaged(file: &Path, offset: u64, detail: String) -> LogError {
    LogError::Damaged { file: file.to_owned(), offset, detail }
}

/// Recovery of one segment.
struct Scan {
    frames: Frames,
    segment: Segment,
    bad: bool,
}

impl Scan {
    /// `None` where the last segment's creation was cut short, so that nothing was ever written to it.
    fn begin(path: &Path, first: u64, is_last: bool) -> Result<Option<Self>, LogError> {
        let mut header = Vec::new();
        let file = File::open(path).on("open", path)?;
        file.take(SEGMENT_HEADER).read_to_end(&mut header).on("read", path)?;
        let (named, sum) = header.split_at_checked(16).unwrap_or((&[], &[]));
        let whole = named == [SEGMENT_MAGIC, first.to_le_bytes()].concat()
            && sum == crc32c::crc32c(named).to_le_bytes();
        if !whole {
            let len = fs::metadata(path).on("read the size of", path)?.len();
            if is_last && len <= SEGMENT_HEADER {
                return Ok(None);
            }
            return Err(damaged(path, 0, "the segment's header is not what was written".into()));
        }
        let segment = Segment::new(path.to_owned(), first);
        Ok(Some(Self { frames: Frames::open(path, SEGMENT_HEADER)?, segment, bad: false }))
    }

    /// Reads to the end or to the first bad frame; returns the head behind it.
    fn run(&mut self, mut head: u64, streams: &mut Streams) -> Result<u64, LogError> {
        loop {
            let offset = self.frames.offset;
            match self.frames.advance()? {
                Next::End => return Ok(head),
                Next::Bad => {
                    self.bad = true;
                    return Ok(head);
                }
                Next::Frame => {}
            }
            let Some(Head { first, guard, count, .. }) = frame::head(self.frames.payload()) else {
                return Err(damaged(&self.segment.path, offset, "a frame's head cannot be read".into()));
            };
            if first != head {
                let detail = format!("the frame holds entry {first} where entry {head} belongs");
                return Err(damaged(&self.segment.path, offset, detail));
            }
            if let Some(guard) = guard {
                streams.insert(guard.stream, guard.expected.saturating_add(count));
            }
            self.segment.note(first, offset);
            head = head.saturating_add(count);
        }
    }

    /// Where the good part ends and how many bytes follow it; refuses if those bytes had been acknowledged.
    fn end(&self, is_last: bool, head: u64) -> Result<Truncated, LogError> {
        let path = &self.segment.path;
        let offset = self.frames.offset;
        if !self.bad {
            return Ok(Truncated { file: path.clone(), offset, bytes: 0 });
        }
        if !is_last {
            return Err(damaged(path, offset, format!("the frame of entry {head} is not what was written")));
        }
        let mut rest = Vec::new();
        let mut file = File::open(path).on("open", path)?;
        file.seek(SeekFrom::Start(offset)).on("seek in", path)?;
        file.read_to_end(&mut rest).on("read", path)?;
        // a later frame knows how much was durable when it was written
        for at in 1..rest.len() {
            let Some(candidate) = rest.get(at..) else { break };
            if !candidate.starts_with(&frame::MAGIC) {
                continue;
            }
            if frame::probe(candidate).is_some_and(|later| later.durable > offset) {
                return Err(damaged(
                    path,
                    offset,
                    format!("the frame of entry {head} is not what was written"),
                ));
            }
        }
        let bytes = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        Ok(Truncated { file: path.clone(), offset, bytes })
    }
}
