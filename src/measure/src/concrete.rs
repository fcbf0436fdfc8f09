//! Concrete tests: two that the log answers by itself, four that people answer without looking.
//!
//! [`audit`] asks the last deals or escalations, [`draw`] picks handoffs at random by a seed, [`ask`] puts the questions and reads what came back,
//! [`mod@score`] holds the answers against the package. Everything is exact and says why; nothing repeats what somebody wrote.

pub mod ask;
pub mod audit;
pub mod draw;
pub mod score;
pub mod tally;
pub mod words;
