//! Entries about the installation itself.

use std::collections::BTreeMap;

use handoff_core::contract::{Contract, ContractRef};
use handoff_core::journal::LogEntry;
use handoff_core::lifecycle::Step;
use jiff::Timestamp;

use super::table::{Cell, Row, Table};

/// What the columns hold.
#[derive(Default)]
struct Own<'a> {
    on: Option<bool>,
    since: Option<Timestamp>,
    contract: Option<&'a ContractRef>,
    reason: Option<&'a str>,
}

/// The rows of such an entry; of evidence, tasks and feeds there are none.
pub(super) fn rows(
    position: u64,
    entry: &LogEntry,
    contracts: &BTreeMap<ContractRef, Contract>,
    rows: &mut Vec<Row>,
) {
    let Some((what, own)) = told(entry) else { return };
    if let LogEntry::ContractPublished { contract, .. } = entry {
        rows.push(published(position, entry, contract, contracts.get(contract)));
    }
    rows.push(Row {
        table: Table::System,
        cells: vec![
            Cell::count(position),
            Cell::moment(Some(entry.at())),
            Cell::text(what),
            Cell::flag(own.on),
            Cell::moment(own.since),
            Cell::maybe(own.contract.map(|contract| &contract.id.0)),
            own.contract.map_or(Cell::Nothing, |contract| Cell::count(contract.version)),
            Cell::maybe(own.reason),
        ],
    });
}

/// The entry's name, and what its columns hold; `None` = it is not about the installation.
fn told(entry: &LogEntry) -> Option<(&'static str, Own<'_>)> {
    if let LogEntry::Started { down_since, .. } = entry {
        Some(("started", Own { since: *down_since, ..Own::default() }))
    } else if let LogEntry::Switched { on, .. } = entry {
        Some(("switched", Own { on: Some(*on), ..Own::default() }))
    } else if let LogEntry::ConfigChanged { .. } = entry {
        Some(("config_changed", Own::default()))
    } else if let LogEntry::PeriodClosed { period, .. } = entry {
        Some(("period_closed", Own { reason: Some(period), ..Own::default() }))
    } else if let LogEntry::ContractPublished { contract, .. } = entry {
        Some(("contract_published", Own { contract: Some(contract), ..Own::default() }))
    } else if let LogEntry::ContractStep { contract, step, .. } = entry {
        let (reason, since) = match step {
            Step::Proposed { .. } => ("proposed", None),
            Step::Commented => ("commented", None),
            Step::Approved => ("approved", None),
            Step::Published { effective, .. } => ("published", Some(*effective)),
            Step::Refused { .. } => ("refused", None),
        };
        let own = Own { contract: Some(contract), reason: Some(reason), since, ..Own::default() };
        Some(("contract_step", own))
    } else {
        None
    }
}

fn published(position: u64, entry: &LogEntry, pin: &ContractRef, contract: Option<&Contract>) -> Row {
    let joined = |keys: Vec<&str>| keys.join(" ");
    let fields =
        contract.map(|contract| joined(contract.fields.iter().map(|field| field.key.as_str()).collect()));
    let waits = contract
        .map(|contract| joined(contract.sla.customer_stages.iter().map(|stage| stage.0.as_str()).collect()));
    Row {
        table: Table::Contracts,
        cells: vec![
            Cell::count(position),
            Cell::moment(Some(entry.at())),
            Cell::text(&pin.id.0),
            Cell::count(pin.version),
            Cell::text(pin.digest.to_string()),
            Cell::maybe(fields),
            Cell::maybe(waits),
        ],
    }
}
