//! What a CRM knows of accounts beside handoffs.

use std::collections::BTreeMap;

use handoff_core::account::{AccountColumns, SurveyColumns};
use handoff_core::id::{ConnectionId, ObjectName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Records of a CRM that tell of accounts, read at the start and once a day: what accounts pay and whether they left, or what their people
/// answered to a survey. Exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The connection.
    pub connection: ConnectionId,
    /// The object that is read, e.g. `Account`, `companies`, or the one that holds answers to surveys.
    pub object: ObjectName,
    /// Fields of an account.
    #[serde(default)]
    pub account: Option<AccountColumns>,
    /// Fields of an answer to a survey.
    #[serde(default)]
    pub survey: Option<SurveyColumns>,
    /// Field = value that a record must have, e.g. `{ hs_survey_type = "NPS" }`; others tell nothing.
    #[serde(default, rename = "where")]
    pub matching: BTreeMap<String, String>,
    /// Field of an answer that holds its account's id.
    #[serde(default)]
    pub of: Option<String>,
    /// Relationship or association of an answer that leads to its account, instead of `of`, e.g. `companies`.
    #[serde(default)]
    pub of_related: Option<String>,
    /// The CRM's object for accounts, where answers are read, e.g. `Account`: what is told of an account is sealed and erased with it.
    #[serde(default)]
    pub account_object: Option<ObjectName>,
}

impl Facts {
    /// Fields that are read.
    pub(crate) fn fields(&self) -> Vec<String> {
        let account = self.account.iter().flat_map(AccountColumns::columns);
        let survey = self.survey.iter().flat_map(SurveyColumns::columns);
        account.chain(survey).chain(&self.of).chain(self.matching.keys()).cloned().collect()
    }
}
