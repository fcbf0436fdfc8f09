//! `required_when`: a small yes/no expression (CEL) over `stage`, `motion` and `fields`. It reads nothing else, and it cannot loop.

use std::collections::{BTreeSet, HashMap};

use cel::common::ast::{EntryExpr, Expr};
use cel::{Context, ExecutionError, IdedExpr, Program};
use rust_decimal::prelude::ToPrimitive as _;
use thiserror::Error;

use crate::contract::Contract;
use crate::id::{FieldKey, MotionId, PartKey, StageName};
use crate::value::{Package, Value};

/// Longest expression, in bytes.
pub const MAX_EXPRESSION: usize = 500;

/// All that a rule may look at.
pub(crate) fn facts(
    contract: &Contract,
    package: &Package,
    stage: Option<&StageName>,
    motion: Option<&MotionId>,
) -> Context<'static, 'static> {
    let mut context = Context::default();
    let text = |name: Option<&str>| name.map_or(cel::Value::Null, cel::Value::from);
    context.add_variable_from_value("stage", text(stage.map(StageName::as_str)));
    context.add_variable_from_value("motion", text(motion.map(MotionId::as_str)));
    context.add_variable_from_value("fields", fields(contract, package));
    context
}

/// Why an expression is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum RuleError {
    #[error("the expression is longer than {MAX_EXPRESSION} bytes")]
    TooLong,
    #[error("the expression cannot be read: {0}")]
    Syntax(String),
    #[error("it loops, which a rule may not")]
    Loops,
    #[error("it uses \"{0}\", which is not known")]
    Unknown(String),
    #[error("it does not answer yes or no")]
    NotYesNo,
    #[error("it could not be computed")]
    Failed,
}

/// A compiled expression.
pub(crate) struct Rule(Program);

impl Rule {
    pub(crate) fn compile(text: &str) -> Result<Self, RuleError> {
        if text.len() > MAX_EXPRESSION {
            return Err(RuleError::TooLong);
        }
        let program = Program::compile(text).map_err(|errors| {
            let first = errors.errors.first().map(|error| error.msg.clone()).unwrap_or_default();
            let line = first.lines().next().unwrap_or_default();
            RuleError::Syntax(line.split(" expecting ").next().unwrap_or_default().to_owned())
        })?;
        if loops(program.expression()) { Err(RuleError::Loops) } else { Ok(Self(program)) }
    }

    /// Whether it names only what there is and answers yes or no for an empty package, so far as that can be computed.
    pub(crate) fn check(&self, contract: &Contract) -> Result<(), RuleError> {
        let mut names = BTreeSet::new();
        unknown_names(self.0.expression(), contract, &mut names);
        if let Some(name) = names.pop_first() {
            return Err(RuleError::Unknown(name));
        }
        match self.holds(&facts(contract, &Package::new(), None, None)) {
            Ok(_) | Err(RuleError::Failed) => Ok(()),
            Err(other) => Err(other),
        }
    }

    pub(crate) fn holds(&self, facts: &Context<'_, '_>) -> Result<bool, RuleError> {
        match self.0.execute(facts) {
            Ok(cel::Value::Bool(answer)) => Ok(answer),
            Ok(_) => Err(RuleError::NotYesNo),
            Err(ExecutionError::UndeclaredReference(name)) => Err(RuleError::Unknown(name.to_string())),
            Err(_) => Err(RuleError::Failed),
        }
    }
}

// Every part of the contract is there, an absent one as null, so that `fields.risks.level == "high"` is a question and no error.
fn fields(contract: &Contract, package: &Package) -> cel::Value {
    let part = |field: &FieldKey, part: &PartKey| {
        package
            .get(field)
            .and_then(|parts| parts.get(part))
            .map_or(cel::Value::Null, |sourced| value(&sourced.value))
    };
    let none = PartKey::from("none");
    let fields: HashMap<String, cel::Value> = contract
        .fields
        .iter()
        .map(|field| {
            let keys = field.parts.keys().chain(field.none_is_an_answer.then_some(&none));
            let parts: HashMap<String, cel::Value> =
                keys.map(|key| (key.as_str().to_owned(), part(&field.key, key))).collect();
            (field.key.as_str().to_owned(), cel::Value::from(parts))
        })
        .collect();
    cel::Value::from(fields)
}

// CEL has no decimals: a rule compares with thresholds, so the nearest double does; nothing computed here is kept.
fn value(value: &Value) -> cel::Value {
    match value {
        Value::Text(text)
        | Value::Name(text)
        | Value::Choice(text)
        | Value::Person(text)
        | Value::Record(text) => cel::Value::from(text.as_str()),
        Value::Number(number) | Value::Money { amount: number, .. } => {
            number.to_f64().map_or(cel::Value::Null, cel::Value::Float)
        }
        Value::Date(date) => cel::Value::from(date.to_string()),
        Value::Flag(flag) => cel::Value::Bool(*flag),
        Value::List(rows) => cel::Value::Int(i64::try_from(rows.len()).unwrap_or(i64::MAX)),
        Value::Series(points) => cel::Value::Int(i64::try_from(points.len()).unwrap_or(i64::MAX)),
        Value::Erased => cel::Value::Null,
    }
}

fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).collect(),
        Expr::Select(select) => vec![&*select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Struct(made) => made.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Unspecified | Expr::Comprehension(_) | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

fn loops(node: &IdedExpr) -> bool {
    matches!(node.expr, Expr::Comprehension(_)) || children(node).into_iter().any(loops)
}

fn unknown_names(node: &IdedExpr, contract: &Contract, unknown: &mut BTreeSet<String>) {
    match &node.expr {
        Expr::Ident(name) if !["stage", "motion", "fields"].contains(&name.as_str()) => {
            unknown.insert(name.clone());
        }
        Expr::Select(select) => unknown.extend(unknown_select(&select.operand, &select.field, contract)),
        Expr::Ident(_)
        | Expr::Unspecified
        | Expr::Call(_)
        | Expr::Comprehension(_)
        | Expr::List(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Struct(_) => {}
    }
    for child in children(node) {
        unknown_names(child, contract, unknown);
    }
}

fn unknown_select(operand: &IdedExpr, name: &str, contract: &Contract) -> Option<String> {
    let is_fields = |node: &IdedExpr| matches!(&node.expr, Expr::Ident(name) if name == "fields");
    if is_fields(operand) {
        return contract.field(&FieldKey::from(name)).is_none().then(|| format!("fields.{name}"));
    }
    let Expr::Select(outer) = &operand.expr else { return None };
    let field =
        contract.field(&FieldKey::from(outer.field.as_str())).filter(|_| is_fields(&outer.operand))?;
    let known = field.parts.contains_key(&PartKey::from(name)) || (name == "none" && field.none_is_an_answer);
    (!known).then(|| format!("fields.{}.{name}", outer.field))
}
