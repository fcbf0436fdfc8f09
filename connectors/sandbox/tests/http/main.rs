//! The sandbox over real HTTP, as any client sees it.

mod control;
mod faults;
mod login;
mod outbound;
mod query;
mod rest;
mod rules;
mod support;
