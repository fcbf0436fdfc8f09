//! Finds questions in a call that the customer had already answered, pure: no I/O, no clock, no model.
//!
//! A *re-ask* is a question of the receiving side for the content of a contract field that was filled in the accepted package in force
//! when the call began. [`score`] reads one line (a call with its transcript and package, see `README.md`) and says where such questions
//! are and why it thinks so. [`estimate`] turns counts of accounts into a share with its interval.
//!
//! The steps, each in its own room: `call` reads, `roles` says who is who, `act` finds questions, `field` scores them against the
//! [`Lexicon`], `overlap` compares the customer's answer with the record, `gate` finds values that are read back, `score` decides.

mod accounts;
mod act;
mod call;
mod estimate;
mod events;
mod field;
mod gate;
mod gram;
mod lexicon;
mod overlap;
mod phrase;
mod record;
mod roles;
mod score;
mod stem;
mod talk;
mod term;
mod text;
mod weight;

pub use accounts::{Accounts, Window, accounts};
pub use call::{Call, InputError, MOST_SENTENCES, Party, Sentence, Side};
pub use estimate::{Accuracy, Estimate, FEWEST, Share, estimate, wilson};
pub use events::{Counts, Decision, Event, Events, Place, RecordHit, Span};
pub use lexicon::{Decide, FORMAT, Lexicon, LexiconError, LexiconFault, QuestionType, SHIPPED};
pub use phrase::PhraseError;
pub use record::Recorded;
pub use roles::NotScored;
pub use score::{Options, score, score_call};
