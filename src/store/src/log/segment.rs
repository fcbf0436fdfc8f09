//! Segment files and reading frames from them.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::frame::{self, HEADER};
use crate::durable::{self, FileError, OnFile};

pub(super) const SEGMENT_MAGIC: [u8; 8] = *b"HFlog\x01\0\0";
/// Magic, first position, checksum.
pub(super) const SEGMENT_HEADER: u64 = 20;
/// A reader may have to skip this many bytes at most to find its position.
const INDEX_EVERY: u64 = 64 * 1024;
/// Reading buffer in bytes.
const BUFFER: usize = 256 * 1024;

/// One segment file and where to begin reading in it.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) first: u64,
    /// Positions of some frames with their offsets, ascending.
    index: Vec<(u64, u64)>,
}

impl Segment {
    pub(super) fn new(path: PathBuf, first: u64) -> Self {
        Self { path, first, index: Vec::new() }
    }

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
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(&path);
    let file = file.on("create", &path)?;
    file.write_all_at(&bytes, 0).on("write", &path)?;
    file.sync_all().on("sync", &path)?;
    durable::sync_dir(dir)?;
    Ok((Segment::new(path, first), file))
}

pub(super) fn list(dir: &Path) -> Result<Vec<(u64, PathBuf)>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).on("list", dir)? {
        let path = entry.on("list", dir)?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| stem.len() == 20);
        let number = stem.and_then(|stem| stem.parse().ok());
        if let (Some(number), Some("log")) =
            (number, path.extension().and_then(|extension| extension.to_str()))
        {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
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
