use std::collections::VecDeque;
use std::path::PathBuf;

use super::segment::{Frames, Next};
use super::{LogError, Record, frame};

/// Streams records in order; holds one frame in memory. Ends at the head it was created with, or after an error.
pub struct Reader {
    files: std::vec::IntoIter<(PathBuf, u64)>,
    frames: Option<Frames>,
    pending: VecDeque<Record>,
    next: u64,
    head: u64,
}

impl Reader {
    pub(super) fn new(files: Vec<(PathBuf, u64)>, from: u64, head: u64) -> Self {
        Self { files: files.into_iter(), frames: None, pending: VecDeque::new(), next: from, head }
    }

    fn read(&mut self) -> Result<Record, LogError> {
        loop {
            while let Some(record) = self.pending.pop_front() {
                if record.position == self.next {
                    return Ok(record);
                }
            }
            self.load()?;
        }
    }

    /// Decodes the next frame that reaches up to the wanted position.
    fn load(&mut self) -> Result<(), LogError> {
        let frames = match &mut self.frames {
            Some(frames) => frames,
            None => match self.files.next() {
                Some((path, offset)) => self.frames.insert(Frames::open(&path, offset)?),
                None => return Err(self.missing(PathBuf::new(), 0)),
            },
        };
        let offset = frames.offset;
        match frames.advance()? {
            Next::End => self.frames = None,
            Next::Bad => {
                let path = frames.path.clone();
                return Err(self.missing(path, offset));
            }
            Next::Frame => {
                let reaches = frame::head(frames.payload())
                    .is_some_and(|head| head.first.saturating_add(head.count) > self.next);
                if reaches {
                    match frame::decode(frames.payload()) {
                        Some(records) if records.first().is_some_and(|first| first.position <= self.next) => {
                            self.pending = records.into();
                        }
                        Some(_) | None => {
                            let path = frames.path.clone();
                            return Err(self.missing(path, offset));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn missing(&self, file: PathBuf, offset: u64) -> LogError {
        LogError::Damaged { file, offset, detail: format!("entry {} cannot be read", self.next) }
    }
}

impl Iterator for Reader {
    type Item = Result<Record, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.head {
            return None;
        }
        let record = self.read();
        self.next = if record.is_ok() { self.next.saturating_add(1) } else { self.head };
        Some(record)
    }
}
