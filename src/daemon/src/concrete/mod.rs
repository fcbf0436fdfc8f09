//! Concrete tests that people answer: drawn every week, asked as tasks, read back from them, scored against the package. A stage of its own beside the
//! decisions: what contradicts an acceptance only marks the record due, and the one path decides.

mod book;
mod work;

pub(crate) use book::Book;
pub(crate) use work::{mark, pass, spawn};
