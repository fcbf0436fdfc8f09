//! Pipelines, their stages, and the rules that guard them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::when;

/// One stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageSpec {
    /// Internal id; made up when empty.
    #[serde(default, alias = "stageId")]
    pub id: String,
    /// What people read.
    pub label: String,
    /// Position.
    #[serde(default)]
    pub display_order: i64,
    /// `isClosed` and `probability` for deals, `ticketState` for tickets.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Whether it is archived.
    #[serde(default)]
    pub archived: bool,
}

impl StageSpec {
    /// A deal stage of a probability from 0 to 1 written as a decimal; closed stages are won at `1.0`, lost at `0.0`.
    pub fn deal(id: &str, label: &str, probability: &str, closed: bool) -> Self {
        let metadata = BTreeMap::from([
            ("isClosed".to_owned(), closed.to_string()),
            ("probability".to_owned(), probability.to_owned()),
        ]);
        Self { id: id.to_owned(), label: label.to_owned(), display_order: 0, metadata, archived: false }
    }

    /// A ticket stage, `OPEN` or `CLOSED`.
    pub fn ticket(id: &str, label: &str, state: &str) -> Self {
        let metadata = BTreeMap::from([("ticketState".to_owned(), state.to_owned())]);
        Self { id: id.to_owned(), label: label.to_owned(), display_order: 0, metadata, archived: false }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.metadata.get("isClosed").is_some_and(|text| text == "true")
            || self.metadata.get("ticketState").is_some_and(|text| text == "CLOSED")
    }

    pub(crate) fn probability(&self) -> Option<&str> {
        self.metadata.get("probability").map(String::as_str)
    }

    pub(crate) fn is_won(&self) -> bool {
        self.is_closed() && self.number().is_some_and(|probability| probability >= 1.0)
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.is_closed() && self.number().is_some_and(|probability| probability <= 0.0)
    }

    fn number(&self) -> Option<f64> {
        self.probability()?.parse().ok()
    }

    fn json(&self, stamps: (i64, i64)) -> Json {
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.display_order, "metadata": self.metadata,
            "archived": self.archived, "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "createdAt": when::iso(stamps.0), "updatedAt": when::iso(stamps.1),
        })
    }
}

/// One pipeline of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PipelineSpec {
    /// Internal id; made up when empty.
    #[serde(default, alias = "pipelineId")]
    pub id: String,
    /// What people read.
    pub label: String,
    /// Position.
    #[serde(default)]
    pub display_order: i64,
    /// Stages.
    #[serde(default)]
    pub stages: Vec<StageSpec>,
    /// Whether it is archived.
    #[serde(default)]
    pub archived: bool,
    /// When it was made and changed, milliseconds since the epoch.
    #[serde(skip)]
    pub(crate) stamps: (i64, i64),
}

impl PipelineSpec {
    /// A pipeline whose stages stand in the order given.
    pub fn new(id: &str, label: &str, stages: Vec<StageSpec>) -> Self {
        let mut made = Self {
            id: id.to_owned(),
            label: label.to_owned(),
            display_order: 0,
            stages,
            archived: false,
            stamps: (0, 0),
        };
        for (order, stage) in (0_i64..).zip(&mut made.stages) {
            stage.display_order = order;
        }
        made
    }

    pub(crate) fn stage(&self, id: &str) -> Option<&StageSpec> {
        self.stages.iter().find(|stage| stage.id == id && !stage.archived)
    }

    /// Position of a stage among the ones in use, from 0.
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        let mut open: Vec<&StageSpec> = self.stages.iter().filter(|stage| !stage.archived).collect();
        open.sort_by_key(|stage| stage.display_order);
        open.iter().position(|stage| stage.id == id)
    }

    pub(crate) fn json(&self) -> Json {
        let mut stages: Vec<&StageSpec> = self.stages.iter().filter(|stage| !stage.archived).collect();
        stages.sort_by_key(|stage| stage.display_order);
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.display_order, "archived": self.archived,
            "stages": stages.iter().map(|stage| stage.json(self.stamps)).collect::<Vec<_>>(),
            "createdAt": when::iso(self.stamps.0), "updatedAt": when::iso(self.stamps.1),
        })
    }
}

/// A rule that names stages, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageRule {
    /// Whether it holds for every stage; the list is then empty.
    #[serde(default)]
    pub enabled_for_all_stages: bool,
    /// Stages it holds for.
    #[serde(default)]
    pub pipeline_stage_ids: Vec<String>,
}

impl StageRule {
    pub(crate) fn covers(&self, stage: &str) -> bool {
        self.enabled_for_all_stages || self.pipeline_stage_ids.iter().any(|known| known == stage)
    }
}

/// In which stages records may be made; all when empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreationRule {
    /// Stages that are allowed.
    #[serde(default)]
    pub pipeline_stage_ids: Vec<String>,
}

/// Who may move a deal on past a stage, and which deals have to ask.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRule {
    /// The stage in which deals wait.
    pub pipeline_stage_id: String,
    /// Users who may approve.
    #[serde(default)]
    pub approver_user_ids: Vec<u64>,
    /// `ALL` or `ANY`.
    #[serde(default)]
    pub approval_mode: String,
    /// What approvers read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_comment: Option<String>,
    /// Deals that match need approval; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditional_approval_filter_branch: Option<Json>,
}

/// Who may edit records in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StagePermission {
    /// The stage.
    pub pipeline_stage_id: String,
    /// `OPEN` or `RESTRICTED`.
    pub permission_mode: String,
    /// Teams that may.
    #[serde(default)]
    pub team_ids: Vec<u64>,
    /// Users who may.
    #[serde(default)]
    pub user_ids: Vec<u64>,
    /// Whether super admins may.
    #[serde(default)]
    pub super_admin: bool,
}

/// The rules of one pipeline.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PipelineRules {
    /// No way back.
    #[serde(default)]
    pub no_backwards_movement_rule: StageRule,
    /// No stage left out.
    #[serde(default)]
    pub no_skipping_stages_rule: StageRule,
    /// Where records may begin.
    #[serde(default)]
    pub object_creation_rule: CreationRule,
    /// Approvals.
    #[serde(default)]
    pub approval_stage_rules: Vec<ApprovalRule>,
    /// Stage edit permissions.
    #[serde(default)]
    pub stage_permissions: Vec<StagePermission>,
}

/// Properties that must have a value while another one has certain values (or always, on creation).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredRule {
    /// Plural name of the object.
    pub object: String,
    /// The controlling property; none for properties that creation requires.
    #[serde(default)]
    pub when: Option<String>,
    /// Its values.
    #[serde(default)]
    pub values: Vec<String>,
    /// Properties that must then have a value.
    pub require: Vec<String>,
}
