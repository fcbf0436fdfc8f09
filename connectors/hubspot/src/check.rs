//! Comparing what the mappings need with what the portal offers to our token.

mod judge;
mod ladder;
mod pipelines;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use handoff_connector::{CheckFinding, CheckReport, Exchange, Fault, Guard, Lane, Reply, Request, Step};
use handoff_core::extract::{ReadPlan, relation_parts};
use handoff_core::id::ObjectName;
use handoff_core::mapping::{EnforcementKind, Mapping};
use serde_json::Value;

use crate::id::{HsId, is_object, is_stage};
use crate::spec::ONE_CALL;
use crate::{Api, ask, custom, error, property, row, splits, stages, users};
use pipelines::Pipelines;

/// A deal that no portal has: whether splits may be read is told before it is looked for.
const NOBODYS: &str = "1";

/// What is asked, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    /// Which portal the token is for.
    Account,
    /// Properties of an object.
    Properties(String),
    /// The schema of a custom object.
    Schema(String),
    /// Pipelines and stages of an object.
    Pipelines(String),
    /// Association labels between two objects.
    Labels(String, String),
    /// Whether owners can be read.
    Owners,
    /// Whether splits of deals can be read.
    Splits,
    /// Rules of a pipeline of an object.
    Rules(String, String),
}

/// What the mappings need and what has been learnt.
struct Case {
    mappings: Vec<Mapping>,
    plans: Vec<ReadPlan>,
    writes: BTreeMap<String, BTreeSet<String>>,
    /// Objects whose properties we may not see.
    hidden: BTreeSet<String>,
    pipelines: BTreeMap<String, Pipelines>,
    labels: BTreeMap<(String, String), BTreeSet<String>>,
    /// Pipelines with an approval rule, by object.
    approvals: BTreeMap<String, BTreeSet<String>>,
    /// Objects whose pipeline rules were told.
    rules_told: BTreeSet<String>,
}

/// The conversation behind [`handoff_connector::Connector::check`].
pub(crate) struct Check {
    api: Api,
    case: Case,
    questions: VecDeque<Question>,
    findings: Vec<CheckFinding>,
}

/// Something that is wrong.
fn wrong(place: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> CheckFinding {
    CheckFinding { error: true, place: place.into(), problem: problem.into(), remedy: remedy.into() }
}

/// Something worth knowing.
fn advice(place: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> CheckFinding {
    CheckFinding { error: false, place: place.into(), problem: problem.into(), remedy: remedy.into() }
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
            hidden: BTreeSet::new(),
            pipelines: BTreeMap::new(),
            labels: BTreeMap::new(),
            approvals: BTreeMap::new(),
            rules_told: BTreeSet::new(),
        };
        let findings = judge::names(mappings, plans, writes);
        let questions = case.questions();
        Self { api, case, questions, findings }
    }

    fn report(&self) -> CheckReport {
        let mut findings = self.findings.clone();
        findings.extend(judge::all(&self.api, &self.case));
        findings.extend(ladder::rungs(&self.case));
        findings.sort_by_key(|finding| (!finding.error, finding.place.clone(), finding.problem.clone()));
        findings.dedup();
        CheckReport { findings, guards: self.case.guards() }
    }

    /// The body of an answer that our token may not be allowed to have; then the check goes on with a finding.
    fn told(&mut self, reply: &Reply, error: bool, place: &str, about: &str) -> Result<Option<Value>, Fault> {
        match error::body(reply) {
            Ok(body) => Ok(Some(body)),
            Err(Fault::Denied { detail, remedy }) => {
                let problem = format!("{about} cannot be read ({detail})");
                self.findings.push(CheckFinding { error, place: place.to_owned(), problem, remedy });
                Ok(None)
            }
            Err(fault @ (Fault::Gone | Fault::Refused { .. })) => {
                let problem = format!("{about} cannot be read ({fault})");
                let remedy = "Correct the object's name in the mapping, or api_version of this connection";
                self.findings.push(CheckFinding {
                    error,
                    place: place.to_owned(),
                    problem,
                    remedy: remedy.to_owned(),
                });
                Ok(None)
            }
            Err(
                fault @ (Fault::Transient { .. }
                | Fault::Throttled { .. }
                | Fault::Expired
                | Fault::Stale
                | Fault::Protocol { .. }),
            ) => Err(fault),
        }
    }

    fn take(&mut self, question: &Question, reply: &Reply) -> Result<(), Fault> {
        match question {
            Question::Account => users::same_portal(&self.api, &row::whole(error::body(reply))?)?,
            Question::Properties(object) => {
                match self.told(reply, true, object, "the property definitions")? {
                    Some(_) => property::learn(&self.api, object, reply)?,
                    None => {
                        self.case.hidden.insert(object.clone());
                    }
                }
            }
            Question::Schema(object) => {
                if self.told(reply, false, object, "the custom object's schema")?.is_some() {
                    custom::learn(&self.api, object, reply)?;
                }
            }
            Question::Pipelines(object) => {
                if let Some(body) = self.told(reply, true, object, "the pipelines")? {
                    let pipelines = Pipelines::parse(&body)?;
                    self.questions.extend(self.case.rules(&self.api, object, &pipelines));
                    self.case.pipelines.insert(object.clone(), pipelines);
                }
            }
            Question::Labels(from, to) => {
                if let Some(body) =
                    self.told(reply, false, &format!("{from}.{to}"), "the association labels")?
                {
                    let labels = judge::labels(&body)?;
                    self.case.labels.insert((from.clone(), to.clone()), labels);
                }
            }
            Question::Owners => {
                if let Some(body) = self.told(reply, true, "owners", "who the owners are")? {
                    row::results(&body)?;
                }
            }
            Question::Splits => {
                let place = format!("deals.{}", splits::SPLITS);
                match error::body(reply).map_err(splits::denied) {
                    Ok(_) => {}
                    // Perhaps only because nobody has this deal.
                    Err(fault @ (Fault::Gone | Fault::Refused { .. })) => self.findings.push(advice(
                        place,
                        format!("nothing tells whether it can be read who shares a deal ({fault})"),
                        "Try `handoffd plan` with one deal; deal splits need Sales Hub Enterprise",
                    )),
                    Err(Fault::Denied { detail, remedy }) => {
                        let problem = format!(
                            "who shares a deal cannot be read ({detail}): every deal waits until it can"
                        );
                        self.findings.push(wrong(place, problem, remedy));
                    }
                    Err(
                        fault @ (Fault::Transient { .. }
                        | Fault::Throttled { .. }
                        | Fault::Expired
                        | Fault::Stale
                        | Fault::Protocol { .. }),
                    ) => return Err(fault),
                }
            }
            Question::Rules(object, pipeline) => {
                let place = format!("{object}.{pipeline}");
                if let Some(body) = self.told(reply, false, &place, "the pipeline's rules")? {
                    self.case.rules_told.insert(object.clone());
                    if pipelines::has_approval(&body) {
                        self.case.approvals.entry(object.clone()).or_default().insert(pipeline.clone());
                    }
                }
            }
        }
        Ok(())
    }
}

impl Case {
    fn objects(&self) -> BTreeSet<String> {
        let read = self.plans.iter().map(|plan| plan.object.0.clone());
        let mapped = self.mappings.iter().map(|mapping| mapping.object.0.clone());
        read.chain(mapped).chain(self.writes.keys().cloned()).filter(|name| is_object(name)).collect()
    }

    fn related(&self) -> BTreeSet<(String, String)> {
        let of = |plan: &ReadPlan| {
            let from = plan.object.0.clone();
            let keys = plan.related.keys().filter(|key| !splits::is_meant(plan, key));
            let legs = keys.flat_map(|key| match relation_parts(key) {
                (None, to) => vec![(from.clone(), to.to_owned())],
                (Some(of), to) => vec![(from.clone(), of.to_owned()), (of.to_owned(), to.to_owned())],
            });
            legs.collect::<Vec<_>>()
        };
        let all = self.plans.iter().flat_map(of);
        all.filter(|(from, to)| is_object(from) && is_object(to)).collect()
    }

    fn questions(&self) -> VecDeque<Question> {
        let mut objects = self.objects();
        let mut questions = VecDeque::from([Question::Account]);
        questions.extend(
            self.mappings
                .iter()
                .filter(|one| is_object(one.object.as_str()) && stages::are_named_by(&one.stage.field))
                .map(|one| Question::Pipelines(one.object.0.clone())),
        );
        questions.extend(self.related().into_iter().map(|(from, to)| Question::Labels(from, to)));
        let named = objects.iter().filter(|object| custom::is_named(object));
        questions.extend(named.map(|object| Question::Schema(object.clone())));
        objects.extend(self.related().into_iter().map(|(_, to)| to));
        questions.extend(objects.into_iter().map(Question::Properties));
        questions.push_back(Question::Owners);
        if self.plans.iter().any(splits::are_wanted) {
            questions.push_back(Question::Splits);
        }
        let mut seen: Vec<Question> = Vec::new();
        questions.retain(|question| {
            let new = !seen.contains(question);
            seen.push(question.clone());
            new
        });
        questions
    }

    /// Rules are asked for only where a mapping says that one blocks.
    fn rules(&self, api: &Api, object: &str, pipelines: &Pipelines) -> Vec<Question> {
        let named = self.mappings.iter().filter(|mapping| mapping.object.as_str() == object).any(|mapping| {
            mapping.enforcement.as_ref().is_some_and(|one| one.kind == EnforcementKind::ApprovalRule)
        });
        if !named || api.dialect.pipeline_rules(object, "x").is_none() {
            return Vec::new();
        }
        let ids = pipelines.ids().filter(|id| is_stage(id));
        ids.map(|id| Question::Rules(object.to_owned(), id.to_owned())).collect()
    }

    /// How the native means that the mappings name stand. A required property cannot be read over the API, so nothing is said of it.
    fn guards(&self) -> BTreeMap<String, Guard> {
        let one = |mapping: &Mapping| {
            let object = mapping.object.as_str();
            let guard = match mapping.enforcement.as_ref()?.kind {
                EnforcementKind::ValidationRule => Guard::Missing,
                EnforcementKind::ApprovalRule if self.approves(mapping) => Guard::Active,
                EnforcementKind::ApprovalRule if self.rules_told.contains(object) => Guard::Missing,
                EnforcementKind::ApprovalRule | EnforcementKind::RequiredProperty => return None,
            };
            Some((mapping.mapping.clone(), guard))
        };
        self.mappings.iter().filter_map(one).collect()
    }

    /// Whether every pipeline with a stage that the mapping calls won has an approval rule.
    fn approves(&self, mapping: &Mapping) -> bool {
        let object = mapping.object.as_str();
        let Some(pipelines) = self.pipelines.get(object) else { return false };
        let needed = pipelines.with_won(mapping);
        let approved = self.approvals.get(object);
        !needed.is_empty() && needed.iter().all(|id| approved.is_some_and(|approved| approved.contains(*id)))
    }
}

impl Exchange for Check {
    type Output = CheckReport;

    fn request(&mut self) -> Request {
        let dialect = self.api.dialect;
        let (path, name) = match self.questions.front() {
            Some(Question::Properties(object)) => return property::request(&self.api, object, Lane::Read),
            Some(Question::Schema(object)) => return custom::request(&self.api, object, Lane::Read),
            Some(Question::Pipelines(object)) => return stages::request(&self.api, object, Lane::Read),
            Some(Question::Labels(from, to)) => {
                (format!("{}/labels", dialect.associations(from, to)), "labels")
            }
            Some(Question::Owners) => (format!("{}?limit=1", dialect.owners()), "owners"),
            Some(Question::Rules(object, pipeline)) => (
                dialect.pipeline_rules(object, pipeline).unwrap_or_else(|| dialect.account().to_owned()),
                "pipeline_rules",
            ),
            Some(Question::Splits) => {
                return splits::request(&self.api, HsId::parse(NOBODYS).as_slice(), Lane::Read);
            }
            Some(Question::Account) | None => (dialect.account().to_owned(), "account"),
        };
        ask::get(path, Lane::Read, ONE_CALL, name)
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<CheckReport>, Fault> {
        if let Some(question) = self.questions.front().cloned() {
            self.take(&question, reply)?;
            self.questions.pop_front();
        }
        Ok(if self.questions.is_empty() { Step::Done(self.report()) } else { Step::Continue })
    }
}
