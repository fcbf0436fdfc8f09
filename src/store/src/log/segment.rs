//! Segment files, and what is found in them at start.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::LogError;
use super::frame::{self, HEADER, Head};
use super::writer::Streams;
use crate::durable::{self, FileError, OnFile};

const SEGMENT_MAGIC: [u8; 8] = *b"HFlog\x01\0\0";
/// Magic, first position, checksum.
pub(super) const SEGMENT_HEADER: u64 = 20;
/// A reader may have to skip this many bytes at most to find its position.
const INDEX_EVERY: u64 = 64 * 1024;
/// Reading buffer in bytes.
const BUFFER: usize = 256 * 1024;

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

/// One segment file and where to begin reading in it.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) first: u64,
    /// Positions of some frames with their offsets, ascending.
    index: Vec<(u64, u64)>,
}

/// The segment that is written to.
pub(super) struct Tail {
    pub(super) file: File,
    pub(super) path: PathBuf,
    /// Its length: all of it is durable.
    pub(super) len: u64,
    /// Number of entries in the log.
    pub(super) head: u64,
    pub(super) acknowledged: Acknowledged,
}

pub(super) struct Found {
    pub(super) segments: Vec<Segment>,
    pub(super) tail: Tail,
    pub(super) recovery: Recovery,
}

impl Segment {
    /// Notes a frame for readers, if the last noted one is far enough away.
    pub(super) fn note(&mut self, position: u64, offset: u64) {
        if self.index.last().is_none_or(|(_, noted)| offset.saturating_sub(*noted) >= INDEX_EVERY) {
            self.index.push((position, offset));
        }
    }

    /// Where to begin reading to reach `position`.
    fn offset_before(&self, position: u64) -> u64 {
        let after = self.index.partition_point(|(first, _)| *first <= position);
        after.checked_sub(1).and_then(|at| self.index.get(at)).map_or(SEGMENT_HEADER, |(_, offset)| *offset)
    }
}

/// The files to read, in order, with the offset to begin at, to reach every entry from `from` on.
pub(super) fn starts(segments: &[Segment], from: u64) -> Vec<(PathBuf, u64)> {
    let holding = segments.partition_point(|segment| segment.first <= from).saturating_sub(1);
    let chosen = segments.iter().skip(holding);
    chosen.map(|segment| (segment.path.clone(), segment.offset_before(from))).collect()
}

/// Every segment file in `dir` from its first frame on.
pub(super) fn all(dir: &Path) -> Result<Vec<(PathBuf, u64)>, FileError> {
    Ok(list(dir)?.into_iter().map(|(_, path)| (path, SEGMENT_HEADER)).collect())
}

/// Creates the segment that begins at `first`, durable with its name before it is used.
pub(super) fn create(dir: &Path, first: u64) -> Result<(Segment, File), FileError> {
    let path = dir.join(format!("{first:020}.log"));
    let mut bytes = SEGMENT_MAGIC.to_vec();
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode_private().open(&path);
    let file = file.on("create", &path)?;
    file.write_all_at(&bytes, 0).on("write", &path)?;
    file.sync_all().on("sync", &path)?;
    durable::sync_dir(dir)?;
    Ok((Segment { path, first, index: Vec::new() }, file))
}

trait ModePrivate {
    fn mode_private(&mut self) -> &mut Self;
}

impl ModePrivate for OpenOptions {
    fn mode_private(&mut self) -> &mut Self {
        std::os::unix::fs::OpenOptionsExt::mode(self, 0o600)
    }
}

/// How many entries were acknowledged, in a file that is never flushed: after a power cut it may be too low, which only
/// weakens the check; it is never too high, so a log that ends before it has lost acknowledged entries.
pub(super) struct Acknowledged {
    file: File,
    path: PathBuf,
}

impl Acknowledged {
    fn open(dir: &Path) -> Result<Self, FileError> {
        let path = dir.join("acknowledged");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode_private().open(&path);
        Ok(Self { file: file.on("open", &path)?, path })
    }

    pub(super) fn write(&self, entries: u64) -> Result<(), FileError> {
        let number = entries.to_le_bytes();
        let mut bytes = [0; 12];
        let (head, tail) = bytes.split_at_mut(8);
        head.copy_from_slice(&number);
        tail.copy_from_slice(&crc32c::crc32c(&number).to_le_bytes());
        self.file.write_all_at(&bytes, 0).on("write", &self.path)
    }

    fn read(&self) -> Result<u64, FileError> {
        let mut bytes = [0; 12];
        match self.file.read_exact_at(&mut bytes, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(0),
            Err(error) => return Err(FileError::new("read", &self.path, error)),
        }
        let (number, sum) = bytes.split_at(8);
        let whole = sum == crc32c::crc32c(number).to_le_bytes();
        Ok(number.try_into().map(u64::from_le_bytes).ok().filter(|_| whole).unwrap_or(0))
    }
}

/// Checks every frame of every segment, cuts an unacknowledged tail and opens the last segment for writing.
pub(super) fn recover(dir: &Path, streams: &mut Streams) -> Result<Found, LogError> {
    durable::create_dir(dir)?;
    let acknowledged = Acknowledged::open(dir)?;
    let names = list(dir)?;
    let mut segments = Vec::new();
    let mut head = 0;
    let mut last = None;
    let mut stub = None;
    for (number, (named, path)) in names.iter().enumerate() {
        let is_last = number.saturating_add(1) == names.len();
        if *named != head {
            return Err(damaged(path, 0, format!("it begins at entry {named}, the files before it end at {head}")));
        }
        let Some(mut scan) = Scan::begin(path, head, is_last)? else {
            stub = Some(path);
            continue;
        };
        head = scan.run(head, streams)?;
        last = scan.end(is_last, head)?;
        segments.push(scan.segment);
    }
    let promised = acknowledged.read()?;
    if head < promised {
        let (path, offset) = last.as_ref().map_or((dir.to_owned(), 0), |(at, _)| at.clone());
        return Err(damaged(&path, offset, format!("the log ends at entry {head}, {promised} were acknowledged")));
    }
    if let Some(stub) = stub {
        fs::remove_file(stub).on("remove", stub)?;
    }
    let mut truncated = None;
    if let Some(((path, offset), bytes)) = last {
        truncated = (bytes > 0).then(|| Truncated { file: path, offset, bytes });
    }
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
    acknowledged: Acknowledged,
) -> Result<Tail, LogError> {
    let Some(segment) = segments.last() else {
        let (segment, file) = create(dir, head)?;
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

fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).on("list", dir)? {
        let path = entry.on("list", dir)?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| stem.len() == 20);
        let number = stem.and_then(|stem| stem.parse().ok());
        if let (Some(number), Some("log")) = (number, path.extension().and_then(|extension| extension.to_str())) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

fn damaged(file: &Path, offset: u64, detail: String) -> LogError {
    LogError::Damaged { file: file.to_owned(), offset, detail }
}

/// Reads frames one after the other; shared by recovery and readers.
pub(super) struct Frames {
    input: BufReader<File>,
    pub(super) path: PathBuf,
    /// Offset of the next frame.
    pub(super) offset: u64,
    payload: Vec<u8>,
}

/// What lies at a frame's place.
pub(super) enum Next {
    Frame,
    End,
    Bad,
}

impl Frames {
    pub(super) fn open(path: &Path, offset: u64) -> Result<Self, FileError> {
        let mut file = File::open(path).on("open", path)?;
        file.seek(SeekFrom::Start(offset)).on("seek in", path)?;
        let input = BufReader::with_capacity(BUFFER, file);
        Ok(Self { input, path: path.to_owned(), offset, payload: Vec::new() })
    }

    /// Reads the next frame into [`Frames::payload`] and steps behind it.
    pub(super) fn advance(&mut self) -> Result<Next, FileError> {
        let mut bytes = [0; HEADER];
        match self.fill(&mut bytes)? {
            0 => return Ok(Next::End),
            HEADER => {}
            _ => return Ok(Next::Bad),
        }
        let Some((length, sum)) = frame::header(&bytes) else { return Ok(Next::Bad) };
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(length, 0);
        let read = self.fill(&mut payload)?;
        self.payload = payload;
        if read != length || !frame::is_whole(&self.payload, sum) {
            return Ok(Next::Bad);
        }
        let stepped = HEADER.saturating_add(length);
        self.offset = self.offset.saturating_add(u64::try_from(stepped).unwrap_or(u64::MAX));
        Ok(Next::Frame)
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn fill(&mut self, mut into: &mut [u8]) -> Result<usize, FileError> {
        let mut filled = 0;
        while !into.is_empty() {
            match self.input.read(into) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    into = into.get_mut(read..).unwrap_or_default();
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FileError::new("read", &self.path, error)),
            }
        }
        Ok(filled)
    }
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
        let segment = Segment { path: path.to_owned(), first, index: Vec::new() };
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
    fn end(&self, is_last: bool, head: u64) -> Result<Option<((PathBuf, u64), u64)>, LogError> {
        let path = &self.segment.path;
        let offset = self.frames.offset;
        if !self.bad {
            return Ok(Some(((path.clone(), offset), 0)));
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
                return Err(damaged(path, offset, format!("the frame of entry {head} is not what was written")));
            }
        }
        Ok(Some(((path.clone(), offset), u64::try_from(rest.len()).unwrap_or(u64::MAX))))
    }
}
