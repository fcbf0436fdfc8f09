//! Comparing what the mappings need with what the org offers to our user.

mod describe;
mod judge;

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{CheckFinding, CheckReport, Exchange, Fault, Guard, Lane, Reply, Request, Step};
use handoff_core::extract::ReadPlan;
use handoff_core::id::ObjectName;
use handoff_core::mapping::Mapping;
use serde_json::Value;

use crate::composite::{self, Sub};
use crate::spec::ONE_CALL;
use crate::{Api, close_dates, error, row, soql};
use describe::Describe;

/// Describes in one call; the rest of the 25 is left for queries.
const DESCRIBES: usize = 20;

/// Rounds of describes after the first: of parents, and of child rows.
const ROUNDS: u8 = 2;

/// What is asked, in this order; what is not needed is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    /// Describes of these objects.
    Describe(Vec<String>),
    /// Who may edit the gate fields of this object.
    Writers(String, Vec<String>),
    /// Whether the rules of this object are there and active.
    Rules(String),
    /// Which of these fields are tracked.
    Tracking(String, Vec<String>),
}

/// What the mappings need and what has been learnt.
struct Case {
    mappings: Vec<Mapping>,
    plans: Vec<ReadPlan>,
    writes: BTreeMap<String, BTreeSet<String>>,
    described: BTreeMap<String, Option<Describe>>,
}

/// The conversation behind [`handoff_connector::Connector::check`].
pub(crate) struct Check {
    api: Api,
    case: Case,
    questions: Vec<Question>,
    rounds: u8,
    findings: Vec<CheckFinding>,
    guards: BTreeMap<String, Guard>,
}

impl Check {
    pub(crate) fn new(
        api: Api,
        mappings: &[Mapping],
        plans: &[ReadPlan],
        writes: &[(ObjectName, Vec<String>)],
    ) -> Self {
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (object, fields) in writes {
            wanted.entry(object.0.clone()).or_default().extend(fields.iter().cloned());
        }
        let case = Case {
            mappings: mappings.to_vec(),
            plans: plans.to_vec(),
            writes: wanted,
            described: BTreeMap::new(),
        };
        let mut questions = describes(&case.objects());
        questions.extend(case.questions());
        let findings = judge::names(mappings, plans, writes);
        Self { api, case, questions, rounds: 0, findings, guards: BTreeMap::new() }
    }

    /// The findings so far; `None` = something is still to be asked. An [`Exchange`] that asks nothing does not exist, so a check of no
    /// mappings is answered without one.
    pub(crate) fn finished(&mut self) -> Option<CheckReport> {
        if !self.questions.is_empty() {
            return None;
        }
        // Once for the parents that lookups name, and once for the rows that hang on them.
        while self.rounds < ROUNDS {
            self.rounds += 1;
            let children = self.case.children(&self.api);
            self.questions = describes(&children);
            if !self.questions.is_empty() {
                return None;
            }
        }
        let mut findings = self.findings.clone();
        findings.extend(judge::described(&self.api, &self.case));
        findings.sort_by_key(|finding| (!finding.error, finding.place.clone(), finding.problem.clone()));
        findings.dedup();
        Some(CheckReport { findings, guards: self.guards.clone() })
    }

    fn describes(&mut self, objects: &[String], reply: &Reply) -> Result<(), Fault> {
        let answers = composite::replies(reply, &describe_subs(&self.api, objects))?;
        for (object, answer) in objects.iter().zip(answers) {
            match answer.ok() {
                Ok(body) => {
                    let describe = Describe::parse(body).ok_or_else(|| Fault::Protocol {
                        detail: format!("describe of {object} without fields"),
                    })?;
                    self.api.relations.learn(object, body)?;
                    self.case.described.insert(object.clone(), Some(describe));
                }
                Err(Fault::Gone | Fault::Denied { .. } | Fault::Refused { .. }) => {
                    self.case.described.insert(object.clone(), None);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// The rows of a query that our user may not be allowed to ask; then the check goes on with advice.
    fn rows(&mut self, reply: &Reply, place: &str, about: &str) -> Result<Option<Vec<Value>>, Fault> {
        match error::body(reply) {
            Ok(body) => Ok(Some(row::page(body)?.rows)),
            Err(Fault::Denied { .. } | Fault::Gone | Fault::Refused { .. } | Fault::Protocol { .. }) => {
                self.findings.push(CheckFinding {
                    error: false,
                    place: place.to_owned(),
                    problem: format!("it could not be checked {about}: the org does not tell our user"),
                    remedy: format!(
                        "Add 'View Setup and Configuration' to the permission set {}, or check it by hand",
                        self.api.permission_set
                    ),
                });
                Ok(None)
            }
            Err(
                fault @ (Fault::Transient { .. } | Fault::Throttled { .. } | Fault::Expired | Fault::Stale),
            ) => Err(fault),
        }
    }
}

fn describes(objects: &BTreeSet<String>) -> Vec<Question> {
    let names: Vec<String> = objects.iter().cloned().collect();
    names.chunks(DESCRIBES).map(|chunk| Question::Describe(chunk.to_vec())).collect()
}

fn describe_subs(api: &Api, objects: &[String]) -> Vec<Sub> {
    let one = |(at, object): (usize, &String)| {
        Sub::get(format!("describe{at}"), format!("{}/sobjects/{object}/describe", api.base))
    };
    objects.iter().enumerate().map(one).collect()
}

impl Case {
    fn objects(&self) -> BTreeSet<String> {
        let read = self.plans.iter().map(|plan| plan.object.0.clone());
        let mapped = self.mappings.iter().map(|mapping| mapping.object.0.clone());
        read.chain(mapped).chain(self.writes.keys().cloned()).filter(|name| soql::is_name(name)).collect()
    }

    fn children(&self, api: &Api) -> BTreeSet<String> {
        let of = |plan: &ReadPlan, key: &String| {
            let object = plan.object.as_str();
            let child = api.relations.planned(object, key).map(|(_, child)| child.object);
            child.or_else(|| api.relations.unknown(object, key).filter(|parent| soql::is_name(parent)))
        };
        let of = &of;
        let all = self.plans.iter().flat_map(|plan| plan.related.keys().filter_map(move |key| of(plan, key)));
        all.filter(|object| !self.described.contains_key(object)).collect()
    }

    /// The gate flags of an object; these only we may edit.
    fn gates(&self, object: &str) -> BTreeSet<String> {
        let of = self.mappings.iter().filter(|mapping| mapping.object.as_str() == object);
        of.flat_map(|mapping| mapping.write.gate.values().map(|gate| gate.field.clone())).collect()
    }

    fn questions(&self) -> Vec<Question> {
        let mut questions = Vec::new();
        for object in self.objects() {
            let valid = |names: BTreeSet<String>| -> Vec<String> {
                names.into_iter().filter(|name| soql::is_name(name)).collect()
            };
            let gates = valid(self.gates(&object));
            if !gates.is_empty() {
                questions.push(Question::Writers(object.clone(), gates));
            }
            let here = |mapping: &&Mapping| mapping.object.0 == object;
            if self.mappings.iter().filter(here).any(|mapping| mapping.enforcement.is_some()) {
                questions.push(Question::Rules(object.clone()));
            }
            let plans = self.plans.iter().filter(|plan| plan.object.0 == object);
            let kept = |plan: &ReadPlan| {
                let elsewhere = close_dates::wanted(plan);
                let fields =
                    plan.history.iter().filter(move |field| !elsewhere || *field != close_dates::FIELD);
                fields.cloned().collect::<Vec<_>>()
            };
            let tracked = valid(plans.flat_map(kept).collect());
            if !tracked.is_empty() {
                questions.push(Question::Tracking(object, tracked));
            }
        }
        questions
    }
}

impl Exchange for Check {
    type Output = CheckReport;

    fn request(&mut self) -> Request {
        let base = &self.api.base;
        match self.questions.first() {
            Some(Question::Describe(objects)) => {
                composite::request(base, &describe_subs(&self.api, objects), Lane::Read, "describe")
            }
            Some(Question::Writers(object, fields)) => {
                let names: Vec<String> = fields.iter().map(|field| format!("{object}.{field}")).collect();
                let soql = format!(
                    "SELECT Id, Field, Parent.Name, Parent.IsOwnedByProfile, Parent.Profile.Name FROM FieldPermissions \
                     WHERE SobjectType = {} AND Field IN {} AND PermissionsEdit = true",
                    soql::quote(object),
                    soql::list(names.iter().map(String::as_str))
                );
                composite::get(soql::url(base, "query", &soql), Lane::Read, ONE_CALL, "field_permissions")
            }
            Some(Question::Rules(object)) => {
                let soql = format!(
                    "SELECT ValidationName, Active FROM ValidationRule WHERE EntityDefinition.QualifiedApiName = {}",
                    soql::quote(object)
                );
                composite::get(
                    soql::url(base, "tooling/query", &soql),
                    Lane::Read,
                    ONE_CALL,
                    "validation_rules",
                )
            }
            Some(Question::Tracking(object, fields)) => {
                let soql = format!(
                    "SELECT QualifiedApiName, IsFieldHistoryTracked FROM FieldDefinition \
                     WHERE EntityDefinition.QualifiedApiName = {} AND QualifiedApiName IN {}",
                    soql::quote(object),
                    soql::list(fields.iter().map(String::as_str))
                );
                composite::get(
                    soql::url(base, "tooling/query", &soql),
                    Lane::Read,
                    ONE_CALL,
                    "field_tracking",
                )
            }
            None => composite::get("/services/data".to_owned(), Lane::Read, ONE_CALL, "versions"),
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<CheckReport>, Fault> {
        match self.questions.first().cloned() {
            Some(Question::Describe(objects)) => self.describes(&objects, reply)?,
            Some(Question::Writers(object, _)) => {
                if let Some(rows) = self.rows(reply, &object, "who else may edit the gate fields")? {
                    self.findings.extend(judge::writers(&self.api, &rows));
                }
            }
            Some(Question::Rules(object)) => {
                if let Some(rows) = self.rows(reply, &object, "whether the validation rules are active")? {
                    self.guards.extend(judge::rules(&self.case, &object, &rows));
                }
            }
            Some(Question::Tracking(object, fields)) => {
                if let Some(rows) = self.rows(reply, &object, "whether field history is on")? {
                    self.findings.extend(judge::tracking(&self.case, &object, &fields, &rows));
                }
            }
            None => {}
        }
        if !self.questions.is_empty() {
            self.questions.remove(0);
        }
        Ok(self.finished().map_or(Step::Continue, Step::Done))
    }
}
