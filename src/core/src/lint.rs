//! What a well-formed contract or mapping may still get wrong. Every check has a name, and all of them run.

use crate::contract::Contract;
use crate::evidence::EvidenceMapping;
use crate::mapping::Mapping;

mod among;
mod beside;
mod contract;
mod evidence;
mod mapping;
mod names;
mod pay;
mod reading;
mod reask;
#[cfg(test)]
mod tests;

pub use among::among;

/// One finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Keys (and row numbers from 0) that lead to the place in the file.
    pub at: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Complaint {
    /// A finding at this place.
    pub fn new(at: &[&str], message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            at: at.iter().map(|step| (*step).to_owned()).collect(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

/// A named check of a contract.
pub struct ContractCheck {
    /// Its name.
    pub name: &'static str,
    /// Adds what it finds.
    pub run: fn(&Contract, &mut Vec<Complaint>),
}

/// A named check of a mapping against its contract.
pub struct MappingCheck {
    /// Its name.
    pub name: &'static str,
    /// Adds what it finds.
    pub run: fn(&Mapping, &Contract, &mut Vec<Complaint>),
}

/// A named check of an evidence mapping against its contract.
pub struct EvidenceCheck {
    /// Its name.
    pub name: &'static str,
    /// Adds what it finds.
    pub run: fn(&EvidenceMapping, &Contract, &mut Vec<Complaint>),
}

/// All checks of a contract.
pub const CONTRACT_CHECKS: &[ContractCheck] = &[
    ContractCheck { name: "names are plain words", run: names::contract },
    ContractCheck { name: "nothing is empty", run: contract::nothing_is_empty },
    ContractCheck { name: "the receiver decides", run: contract::receiver_decides },
    ContractCheck { name: "pay and credit wait for acceptance", run: contract::pay_waits },
    ContractCheck { name: "an enforced commission gate has a plan clause", run: contract::plan_clause },
    ContractCheck { name: "stage gates can be passed", run: contract::stage_gates },
    ContractCheck { name: "void stages do not open", run: contract::voids },
    ContractCheck { name: "an outage pays nobody", run: contract::outages },
    ContractCheck { name: "field keys are unique", run: contract::unique_fields },
    ContractCheck { name: "rules fit the kind of part", run: contract::rules_fit },
    ContractCheck { name: "numbers are sane", run: contract::numbers },
    ContractCheck { name: "conditions compile", run: contract::conditions },
    ContractCheck { name: "the clock can run", run: crate::sla::lint_contract },
    ContractCheck { name: "conduct names parts of the contract", run: beside::contract },
];

/// All checks of a mapping against its contract.
pub const MAPPING_CHECKS: &[MappingCheck] = &[
    MappingCheck { name: "names are plain words", run: names::mapping },
    MappingCheck { name: "every part is read", run: mapping::parts },
    MappingCheck { name: "each part is read in one way", run: reading::ways },
    MappingCheck { name: "the customer profile can judge", run: reading::profile },
    MappingCheck { name: "the way fits the kind of part", run: reading::kinds },
    MappingCheck { name: "pay is read from plain fields", run: pay::pay },
    MappingCheck { name: "every gate is written", run: mapping::gates },
    MappingCheck { name: "every stage is named once", run: mapping::stages },
    MappingCheck { name: "answers can be told apart", run: mapping::answers },
    MappingCheck { name: "answers about re-asks can be told apart", run: reask::mapping },
    MappingCheck { name: "submitting fits the contract", run: mapping::submit },
    MappingCheck { name: "no field is written twice", run: mapping::targets },
    MappingCheck { name: "no field is both read and written", run: mapping::read_and_written },
    MappingCheck { name: "the motion is told in one way", run: beside::motion },
    MappingCheck { name: "what stands beside the package can be found", run: beside::mapping },
];

/// All checks of an evidence mapping against its contract.
pub const EVIDENCE_CHECKS: &[EvidenceCheck] = &[
    EvidenceCheck { name: "fields are the contract's", run: evidence::fields },
    EvidenceCheck { name: "every rule can find something", run: evidence::rules },
    EvidenceCheck { name: "phrases tell a field from small talk", run: evidence::phrases },
    EvidenceCheck { name: "numbers are sane", run: evidence::numbers },
];

/// Everything wrong with a contract.
pub fn contract(contract: &Contract) -> Vec<Complaint> {
    let mut found = Vec::new();
    for check in CONTRACT_CHECKS {
        (check.run)(contract, &mut found);
    }
    found
}

/// Everything wrong with a mapping for this contract.
pub fn mapping(mapping: &Mapping, contract: &Contract) -> Vec<Complaint> {
    let mut found = Vec::new();
    for check in MAPPING_CHECKS {
        (check.run)(mapping, contract, &mut found);
    }
    found
}

/// Everything wrong with an evidence mapping for this contract.
pub fn evidence(mapping: &EvidenceMapping, contract: &Contract) -> Vec<Complaint> {
    let mut found = Vec::new();
    for check in EVIDENCE_CHECKS {
        (check.run)(mapping, contract, &mut found);
    }
    found
}
