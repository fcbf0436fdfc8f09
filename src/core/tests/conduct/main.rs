//! Conduct beside the package, as stories: the return path (handoff 05), the shared account (handoff 06), the lead (01), the brief (02), and
//! motions told by a rule. Every look is decided twice: the second time nothing may happen (L1); every story is replayed at its end (L5).

#![expect(clippy::expect_used, reason = "tests stop at the first surprise")]

mod account;
mod escalation;
mod lead;
mod motions;
mod owed;
mod quiet;
mod signals;
mod stage;
mod writes;
