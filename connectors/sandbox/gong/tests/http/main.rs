//! The sandbox over real HTTP, as any client sees it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod access;
mod calls;
mod company;
mod control;
mod faults;
mod limits;
mod load;
mod paging;
mod seed;
mod support;
mod tripwires;
mod webhooks;
