//! A contract's rules made ready once: normalised fillers and compiled expressions.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::rule::{Rule, RuleError};
use crate::contract::{Contract, Quality};
use crate::quality::Rules;

/// Where a contract keeps its rules made ready, from first use on; clones share it. It says nothing about the contract: all are equal.
#[derive(Clone, Default)]
pub struct Ready(Arc<OnceLock<Arc<Prepared>>>);

impl PartialEq for Ready {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ready")
    }
}

/// The rules, and what they were made from.
pub(crate) struct Prepared {
    quality: Quality,
    pub(crate) rules: Rules,
    /// In the contract's field order.
    required: Vec<Option<Expression>>,
}

struct Expression {
    text: String,
    rule: Result<Rule, RuleError>,
}

impl Prepared {
    /// Of this contract, from its store if that still fits: a contract whose text was changed meanwhile gets its own.
    pub(crate) fn of(contract: &Contract) -> Arc<Self> {
        let held = contract.ready.0.get_or_init(|| Arc::new(Self::make(contract)));
        if held.fits(contract) { Arc::clone(held) } else { Arc::new(Self::make(contract)) }
    }

    fn make(contract: &Contract) -> Self {
        let expression = |text: &String| Expression { text: text.clone(), rule: Rule::compile(text) };
        Self {
            quality: contract.quality.clone(),
            rules: Rules::new(&contract.quality),
            required: contract
                .fields
                .iter()
                .map(|field| field.required_when.as_ref().map(expression))
                .collect(),
        }
    }

    fn fits(&self, contract: &Contract) -> bool {
        let made = self.required.iter().map(|made| made.as_ref().map(|made| made.text.as_str()));
        self.quality == contract.quality
            && made.eq(contract.fields.iter().map(|field| field.required_when.as_deref()))
    }

    /// The rule that says whether the field at this place is required; `None` = always.
    pub(crate) fn required(&self, place: usize) -> Option<Result<&Rule, &RuleError>> {
        self.required.get(place)?.as_ref().map(|made| made.rule.as_ref())
    }
}
