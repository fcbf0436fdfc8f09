//! The rules of a portal, and whom they stop.
//!
//! | Rule | person | app without user | app with user | workflow | import |
//! | --- | --- | --- | --- | --- | --- |
//! | required properties | yes | 2026-09 only | 2026-09 only | no | no |
//! | no skipping, no way back, creation stages | yes, not super admins | no | yes | no | no |
//! | stage permissions | yes | no | yes | no | no |
//! | approvals | yes | on demand | yes | creation only | no |

use crate::{
    Refusal,
    approvals::Status,
    pipelines::{PipelineRules, PipelineSpec, StagePermission},
    record::{ActorKind, Record},
    schema::{Object, ObjectIx, PropIx},
    state::{Actor, State},
};

/// A move between stages of one record.
struct Move<'a> {
    pipeline: &'a PipelineSpec,
    rules: &'a PipelineRules,
    from: Option<&'a str>,
    to: &'a str,
}

impl State {
    pub(crate) fn is_super_admin(&self, actor: &Actor) -> bool {
        actor.user.and_then(|user| self.users.get(&user)).is_some_and(|user| user.super_admin)
    }

    /// Refuses what the rules forbid this actor; `values` are the values to be written.
    pub(crate) fn check_rules(
        &self,
        actor: &Actor,
        object: ObjectIx,
        record: Option<&Record>,
        values: &[(PropIx, String)],
    ) -> Result<(), Refusal> {
        if matches!(actor.kind, ActorKind::Load | ActorKind::Import) {
            return Ok(());
        }
        let Some(kind) = self.schema.object(object) else { return Ok(()) };
        let after = |name: &str| -> Option<String> {
            let position = kind.position(name)?;
            let asked = values.iter().find(|(known, _)| *known == position).map(|(_, value)| value.as_str());
            asked.or_else(|| record?.value(position)).filter(|value| !value.is_empty()).map(ToOwned::to_owned)
        };
        self.check_stage(actor, object, kind, record, values, &after)?;
        self.check_required(actor, kind, record, values, &after)
    }

    fn check_required(
        &self,
        actor: &Actor,
        kind: &Object,
        record: Option<&Record>,
        values: &[(PropIx, String)],
        after: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), Refusal> {
        let holds = match actor.kind {
            ActorKind::Ui => true,
            ActorKind::Api | ActorKind::UserApi => actor.enforced,
            ActorKind::Workflow | ActorKind::Import | ActorKind::Load => false,
        };
        if !holds {
            return Ok(());
        }
        let mut refusal: Option<Refusal> = None;
        let label =
            |name: &str| kind.find(name).map_or_else(|| name.to_owned(), |(_, spec)| spec.label.clone());
        for rule in self.required.iter().filter(|rule| rule.object == kind.plural) {
            let (code, reason) = match &rule.when {
                None if record.is_none() => {
                    ("MISSING_REQUIRED_PROPERTY", "is required to create this record".to_owned())
                }
                None => continue,
                Some(controlling) => {
                    let written = kind
                        .position(controlling)
                        .is_some_and(|position| values.iter().any(|(known, _)| *known == position));
                    let applies = after(controlling).is_some_and(|value| rule.values.contains(&value));
                    if !applies || !(written || record.is_none() || self.switches.check_always) {
                        continue;
                    }
                    let reason = format!(
                        "is required because of a conditional property rule based on [{}]",
                        label(controlling)
                    );
                    ("MISSING_CONDITIONAL_REQUIRED_PROPERTY", reason)
                }
            };
            for name in rule.require.iter().filter(|name| after(name).is_none()) {
                let message = format!("{} {reason}", label(name));
                let so_far = refusal.take().unwrap_or_else(|| Refusal::validation(message.clone()));
                refusal = Some(so_far.detail(code, &message, name));
            }
        }
        refusal.map_or(Ok(()), Err)
    }

    fn check_stage(
        &self,
        actor: &Actor,
        object: ObjectIx,
        kind: &Object,
        record: Option<&Record>,
        values: &[(PropIx, String)],
        after: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), Refusal> {
        let Some((pipeline, stage)) = kind.pipeline else { return Ok(()) };
        let (Some(pipeline), Some(to)) = (after(pipeline), after(stage)) else { return Ok(()) };
        let Some(pipeline) = self.pipeline(object, &pipeline) else { return Ok(()) };
        let Some(rules) = self.rules.get(&(object, pipeline.id.clone())) else { return Ok(()) };
        let position = kind.position(stage);
        let from = record.zip(position).and_then(|(record, position)| record.value(position));
        let step = Move { pipeline, rules, from, to: &to };
        let by_user = matches!(actor.kind, ActorKind::Ui | ActorKind::UserApi);
        if by_user {
            self.check_permission(actor, &step)?;
        }
        if values.is_empty() || from == Some(&to) {
            return Ok(());
        }
        if by_user && !self.is_super_admin(actor) {
            governance(&step)?;
        }
        let approvals = by_user
            || (actor.kind == ActorKind::Workflow && record.is_none())
            || (actor.kind == ActorKind::Api && self.switches.approvals_stop_apps);
        if approvals { self.check_approval(record, &step, after) } else { Ok(()) }
    }

    fn check_permission(&self, actor: &Actor, step: &Move<'_>) -> Result<(), Refusal> {
        let user = actor.user.and_then(|user| self.users.get(&user));
        let may = |permission: &StagePermission| {
            permission.permission_mode != "RESTRICTED"
                || user.is_some_and(|user| {
                    permission.user_ids.contains(&user.id) || (permission.super_admin && user.super_admin)
                })
        };
        let barred = step.rules.stage_permissions.iter().find(|permission| {
            let stage = Some(permission.pipeline_stage_id.as_str());
            (stage == step.from || stage == Some(step.to)) && !may(permission)
        });
        match barred {
            Some(permission) => Err(rule_refusal(
                "STAGE_EDIT_RESTRICTED",
                &format!(
                    "You do not have permission to edit records in stage {}.",
                    permission.pipeline_stage_id
                ),
            )),
            None => Ok(()),
        }
    }

    fn check_approval(
        &self,
        record: Option<&Record>,
        step: &Move<'_>,
        after: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), Refusal> {
        let lost = step.pipeline.stage(step.to).is_some_and(crate::StageSpec::is_lost);
        let (from, to) = (step.from.and_then(|from| step.pipeline.place(from)), step.pipeline.place(step.to));
        for rule in &step.rules.approval_stage_rules {
            let wall = step.pipeline.place(&rule.pipeline_stage_id);
            if lost || to <= wall || from > wall {
                continue;
            }
            let known = record
                .and_then(|record| self.approvals.get(&record.id))
                .filter(|approval| approval.stage == rule.pipeline_stage_id && from == wall);
            let passes = match known.map(|approval| approval.status) {
                Some(Status::Approved | Status::NoApprovalNeeded) => true,
                Some(Status::Pending | Status::Rejected) => false,
                None => !crate::approvals::needs(rule, after),
            };
            if !passes {
                return Err(rule_refusal(
                    "APPROVAL_REQUIRED",
                    &format!(
                        "This deal requires approval in stage {} before it can move.",
                        rule.pipeline_stage_id
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn governance(step: &Move<'_>) -> Result<(), Refusal> {
    let (rules, pipeline) = (step.rules, step.pipeline);
    let Some(from) = step.from else {
        let allowed = &rules.object_creation_rule.pipeline_stage_ids;
        if allowed.is_empty() || allowed.iter().any(|stage| stage == step.to) {
            return Ok(());
        }
        return Err(rule_refusal(
            "OBJECT_CREATION_STAGE",
            &format!("Records cannot be created in stage {}.", step.to),
        ));
    };
    let (Some(left), Some(reached)) = (pipeline.place(from), pipeline.place(step.to)) else { return Ok(()) };
    if reached < left && rules.no_backwards_movement_rule.covers(from) {
        return Err(rule_refusal(
            "NO_BACKWARDS_MOVEMENT",
            &format!("Records cannot move backwards from stage {from}."),
        ));
    }
    let lost = pipeline.stage(step.to).is_some_and(crate::StageSpec::is_lost);
    let skipped = pipeline.stages.iter().filter(|stage| !stage.archived).find(|stage| {
        pipeline.place(&stage.id).is_some_and(|place| place > left && place < reached)
            && rules.no_skipping_stages_rule.covers(&stage.id)
    });
    match skipped {
        Some(stage) if !lost => {
            Err(rule_refusal("NO_SKIPPING_STAGES", &format!("Records cannot skip stage {}.", stage.id)))
        }
        Some(_) | None => Ok(()),
    }
}

/// The vendor documents no body for these; code and words are the sandbox's own.
fn rule_refusal(code: &str, message: &str) -> Refusal {
    Refusal::validation(message).sub("PIPELINE_RULE_VIOLATION").detail(code, message, "dealstage")
}
