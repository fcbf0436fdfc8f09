//! Names → fields the user can see, literals → typed tests.

use std::sync::Arc;

use super::filter::{Filter, Set, Test};
use super::hint::hint;
use super::lexer::{Op, like_pattern, unescape};
use super::plan::{AggregatePlan, Column, Node, OrderKey, Output, Part, Path, Plan};
use super::rows::{Access, ScanHint};
use super::syntax::{Aggregate, Condition, FieldRef, FieldSet, Item, Literal, OrderItem, Select};
use super::{Catalog, SoqlError, SoqlErrorCode};
use crate::id::to_18;
use crate::schema::{FieldSchema, FieldType, ObjectSchema};

/// Most parents in one path, as with the vendor.
const MOST_PARENTS: usize = 5;
/// Most child subqueries of one query, as with the vendor.
const MOST_CHILDREN: usize = 20;
const WSDL: &str = "Please reference your WSDL or the describe call for the appropriate names.";

type Resolved<T> = Result<T, SoqlError>;

pub(super) fn resolve(select: &Select<'_>, text: &str, catalog: &dyn Catalog) -> Resolved<Plan> {
    let Some(object) = catalog.object(select.from) else {
        let detail = format!(
            "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to append the \
             '__c' after the entity name. {WSDL}",
            select.from
        );
        return Err(SoqlError::at(SoqlErrorCode::InvalidType, text, select.from_at, &detail));
    };
    Resolver { text, catalog, object, alias: select.alias }.plan(select)
}

struct Resolver<'a> {
    text: &'a str,
    catalog: &'a dyn Catalog,
    object: &'a ObjectSchema,
    alias: Option<&'a str>,
}

impl<'a> Resolver<'a> {
    fn plan(&self, select: &Select<'_>) -> Resolved<Plan> {
        let output = self.output(select)?;
        let filter = select.filter.as_ref().map(|c| self.condition(c)).transpose()?;
        let order = if matches!(output, Output::Aggregates(_)) {
            Vec::new()
        } else {
            select.order.iter().map(|item| self.order_key(item)).collect::<Resolved<Vec<_>>>()?
        };
        let hint = match &output {
            Output::Rows(_) | Output::Count => hint(self.object, filter.as_ref(), &order),
            Output::Aggregates(_) => hint(self.object, filter.as_ref(), &[]),
        };
        Ok(Plan {
            object: self.object.name.clone(),
            id: self.object.field("Id").cloned(),
            filter,
            hint,
            order,
            limit: select.limit,
            offset: select.offset,
            output,
        })
    }

    fn fail<T>(&self, code: SoqlErrorCode, at: usize, detail: &str) -> Resolved<T> {
        Err(SoqlError::at(code, self.text, at, detail))
    }

    fn malformed<T>(&self, at: usize, detail: &str) -> Resolved<T> {
        self.fail(SoqlErrorCode::MalformedQuery, at, detail)
    }

    fn invalid<T>(&self, at: usize, detail: &str) -> Resolved<T> {
        self.fail(SoqlErrorCode::InvalidField, at, detail)
    }

    // SELECT

    fn output(&self, select: &Select<'_>) -> Resolved<Output> {
        let aggregated =
            !select.group_by.is_empty() || select.items.iter().any(|i| matches!(i, Item::Aggregate(..)));
        if select.items.iter().any(|i| matches!(i, Item::CountAll)) {
            if select.items.len() > 1 || !select.group_by.is_empty() {
                return self.malformed(0, "COUNT() must be the only element in the SELECT list");
            }
            return Ok(Output::Count);
        }
        if aggregated {
            return Ok(Output::Aggregates(self.aggregates(select)?));
        }
        let mut node = Node { id: self.object.field("Id").cloned(), parts: Vec::new() };
        let mut children = 0;
        for item in &select.items {
            match item {
                Item::Field(field, None) => self.select_field(&mut node, field)?,
                Item::Field(field, Some(_)) => {
                    return self.malformed(field.at, "only aggregate expressions use field aliasing");
                }
                Item::Fields(set, at) => self.select_set(&mut node, *set, *at, select.limit)?,
                Item::Child(child) => {
                    children += 1;
                    if children > MOST_CHILDREN {
                        return self.malformed(child.from_at, "a query has at most 20 child subqueries");
                    }
                    node.parts.push(self.select_child(child)?);
                }
                Item::CountAll | Item::Aggregate(..) => {}
            }
        }
        Ok(Output::Rows(node))
    }

    fn select_set(&self, node: &mut Node, set: FieldSet, at: usize, limit: Option<usize>) -> Resolved<()> {
        if set != FieldSet::Standard && limit.is_none_or(|n| n > 200) {
            return self.malformed(at, "The SOQL FIELDS function must have a LIMIT of at most 200");
        }
        for field in self.object.fields().iter().filter(|f| self.catalog.can_read(self.object, f)) {
            let wanted = match set {
                FieldSet::All => true,
                FieldSet::Standard => !field.is_custom(),
                FieldSet::Custom => field.is_custom(),
            };
            if wanted && !holds(node, field) {
                node.parts.push(Part::Field(Arc::clone(field)));
            }
        }
        Ok(())
    }

    fn select_field(&self, node: &mut Node, field: &FieldRef<'_>) -> Resolved<()> {
        let parts = self.without_alias(field)?;
        self.select_parts(node, self.object, parts, field.at, false)
    }

    fn select_parts(
        &self,
        node: &mut Node,
        object: &'a ObjectSchema,
        parts: &[&str],
        at: usize,
        polymorphic: bool,
    ) -> Resolved<()> {
        let [name, rest @ ..] = parts else { return Ok(()) };
        if rest.is_empty() {
            if polymorphic && name.eq_ignore_ascii_case("Type") {
                node.parts.push(Part::TypeName);
                return Ok(());
            }
            let field = self.field(object, name, at)?;
            if holds(node, field) {
                return self.invalid(at, &format!("duplicate field selected: {}", field.name));
            }
            node.parts.push(Part::Field(Arc::clone(field)));
            return Ok(());
        }
        let reference = self.reference(object, name, at)?;
        let Some(targets) = self.parent_targets(node, reference) else {
            return self.no_relationship(name, at);
        };
        let several = targets.len() > 1;
        let mut outcome = None;
        for (target, inner) in targets {
            let Some(parent) = self.catalog.object(target) else { continue };
            let selected = self.select_parts(inner, parent, rest, at, several);
            if !matches!(outcome, Some(Ok(()))) {
                outcome = Some(selected);
            }
        }
        outcome.unwrap_or_else(|| self.no_relationship(name, at))
    }

    /// The place where fields of that parent are printed; made when it is not there yet.
    fn parent_targets<'n>(
        &self,
        node: &'n mut Node,
        reference: &Arc<FieldSchema>,
    ) -> Option<&'n mut Vec<(String, Node)>> {
        let known = node
            .parts
            .iter()
            .position(|part| matches!(part, Part::Parent { reference: r, .. } if r.name == reference.name));
        let at = known.unwrap_or_else(|| {
            let targets = reference.refers_to.iter().filter_map(|target| {
                let parent = self.catalog.object(target)?;
                Some((parent.name.clone(), Node { id: parent.field("Id").cloned(), parts: Vec::new() }))
            });
            node.parts.push(Part::Parent {
                name: reference.relationship.clone().unwrap_or_default(),
                reference: Arc::clone(reference),
                targets: targets.collect(),
            });
            node.parts.len() - 1
        });
        match node.parts.get_mut(at) {
            Some(Part::Parent { targets, .. }) => Some(targets),
            Some(Part::Field(_) | Part::TypeName | Part::Child { .. }) | None => None,
        }
    }

    fn select_child(&self, child: &Select<'_>) -> Resolved<Part> {
        let unknown = || {
            let detail = format!(
                "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use a \
                 custom relationship, be sure to append the '__r' after the custom relationship name. {WSDL}",
                child.from
            );
            self.fail(SoqlErrorCode::InvalidType, child.from_at, &detail)
        };
        let Some(relationship) = self.object.child(child.from) else { return unknown() };
        let Some(object) = self.catalog.object(&relationship.object) else { return unknown() };
        let Some(lookup) = object.field(&relationship.field).filter(|f| self.catalog.can_read(object, f))
        else {
            return unknown();
        };
        let inner = Resolver { text: self.text, catalog: self.catalog, object, alias: child.alias };
        let mut plan = inner.plan(child)?;
        if !matches!(plan.output, Output::Rows(_)) {
            return self.malformed(child.from_at, "a child subquery cannot aggregate");
        }
        // the ids are put in per parent row
        plan.hint = ScanHint {
            access: Access::Lookup { field: Arc::clone(lookup), ids: Vec::new() },
            stamp_order: false,
        };
        Ok(Part::Child {
            name: relationship.relationship.clone(),
            lookup: Arc::clone(lookup),
            plan: Box::new(plan),
        })
    }

    fn aggregates(&self, select: &Select<'_>) -> Resolved<AggregatePlan> {
        let names: Vec<&[&str]> =
            select.group_by.iter().map(|f| self.without_alias(f)).collect::<Resolved<Vec<_>>>()?;
        let groups =
            select.group_by.iter().map(|f| self.usable(f, "grouped")).collect::<Resolved<Vec<_>>>()?;
        let position = |field: &FieldRef<'_>| -> Resolved<Option<usize>> {
            let parts = self.without_alias(field)?;
            Ok(names.iter().position(|n| same_path(n, parts)))
        };
        let mut columns = Vec::new();
        let mut keys: Vec<(Option<Aggregate>, &FieldRef<'_>)> = Vec::new();
        let mut nameless = 0;
        for item in &select.items {
            match item {
                Item::Field(field, alias) => {
                    let Some(at) = position(field)? else {
                        let name = field.parts.join(".");
                        return self
                            .malformed(field.at, &format!("Field must be grouped or aggregated: {name}"));
                    };
                    let path = groups.get(at);
                    let own = path.and_then(Path::leaf).map_or("Type", |leaf| leaf.name.as_str());
                    let field_type = path.map_or(FieldType::String, Path::field_type);
                    columns.push((alias.unwrap_or(own).to_owned(), Column::Group(at, field_type)));
                    keys.push((None, field));
                }
                Item::Aggregate(aggregate, field, alias) => {
                    let path = self.aggregated(*aggregate, field)?;
                    let name = alias.map_or_else(
                        || {
                            nameless += 1;
                            format!("expr{}", nameless - 1)
                        },
                        str::to_owned,
                    );
                    columns.push((name, Column::Aggregate(*aggregate, path)));
                    keys.push((Some(*aggregate), field));
                }
                Item::Fields(_, at) => return self.malformed(*at, "FIELDS cannot be aggregated"),
                Item::Child(child) => {
                    return self.malformed(child.from_at, "an aggregate query has no child subqueries");
                }
                Item::CountAll => {}
            }
        }
        let mut order = Vec::new();
        for item in &select.order {
            let by_name = |(name, _): &(String, Column)| {
                item.aggregate.is_none() && item.field.parts.as_slice() == [name.as_str()]
            };
            let by_key = |(a, f): &(Option<Aggregate>, &FieldRef<'_>)| {
                *a == item.aggregate && same_path(&f.parts, &item.field.parts)
            };
            let Some(at) = columns.iter().position(by_name).or_else(|| keys.iter().position(by_key)) else {
                return self
                    .malformed(item.field.at, "Ordered field must be grouped or aggregated and selected");
            };
            order.push((at, item.descending, item.nulls_last));
        }
        Ok(AggregatePlan { groups, columns, order })
    }

    fn aggregated(&self, aggregate: Aggregate, field: &FieldRef<'_>) -> Resolved<Path> {
        let path = self.usable(field, "aggregated")?;
        let kind = path.field_type();
        let fits = match aggregate {
            Aggregate::Sum | Aggregate::Avg => kind.is_number(),
            Aggregate::Min | Aggregate::Max => !matches!(kind, FieldType::Boolean | FieldType::MultiPicklist),
            Aggregate::Count | Aggregate::CountDistinct => true,
        };
        if fits {
            return Ok(path);
        }
        let name = field.parts.join(".");
        self.malformed(field.at, &format!("field {name} does not support this aggregate operator"))
    }

    // paths

    fn without_alias<'f, 't>(&self, field: &'f FieldRef<'t>) -> Resolved<&'f [&'t str]> {
        let parts = match field.parts.as_slice() {
            [first, rest @ ..] if !rest.is_empty() && self.is_own_name(first) => rest,
            all => all,
        };
        if parts.len() > MOST_PARENTS + 1 {
            return self.malformed(field.at, "a path walks at most 5 parents");
        }
        Ok(parts)
    }

    fn is_own_name(&self, word: &str) -> bool {
        self.alias.is_some_and(|a| a.eq_ignore_ascii_case(word))
            || (self.object.name.eq_ignore_ascii_case(word) && self.object.reference(word).is_none())
    }

    fn field(&self, object: &'a ObjectSchema, name: &str, at: usize) -> Resolved<&'a Arc<FieldSchema>> {
        if let Some(field) = object.field(name).filter(|f| self.catalog.can_read(object, f)) {
            return Ok(field);
        }
        let detail = format!(
            "No such column '{name}' on entity '{}'. If you are attempting to use a custom field, be sure to append \
             the '__c' after the custom field name. {WSDL}",
            object.name
        );
        self.invalid(at, &detail)
    }

    fn reference(&self, object: &'a ObjectSchema, name: &str, at: usize) -> Resolved<&'a Arc<FieldSchema>> {
        match object.reference(name).filter(|f| self.catalog.can_read(object, f)) {
            Some(field) => Ok(field),
            None => self.no_relationship(name, at),
        }
    }

    fn no_relationship<T>(&self, name: &str, at: usize) -> Resolved<T> {
        let detail = format!(
            "Didn't understand relationship '{name}' in field path. If you are attempting to use a custom \
             relationship, be sure to append the '__r' after the custom relationship name. {WSDL}"
        );
        self.invalid(at, &detail)
    }

    fn path(&self, object: &'a ObjectSchema, parts: &[&str], at: usize, polymorphic: bool) -> Resolved<Path> {
        let [name, rest @ ..] = parts else { return self.malformed(at, "unexpected token: '.'") };
        if rest.is_empty() {
            if polymorphic && name.eq_ignore_ascii_case("Type") {
                return Ok(Path::TypeName);
            }
            return Ok(Path::Field(Arc::clone(self.field(object, name, at)?)));
        }
        let reference = self.reference(object, name, at)?;
        let several = reference.refers_to.len() > 1;
        let mut targets = Vec::new();
        let mut refused = None;
        for target in &reference.refers_to {
            let Some(parent) = self.catalog.object(target) else { continue };
            match self.path(parent, rest, at, several) {
                Ok(path) => targets.push((parent.name.clone(), path)),
                Err(error) => refused = Some(error),
            }
        }
        if targets.is_empty() {
            return refused.map_or_else(|| self.no_relationship(name, at), Err);
        }
        Ok(Path::Parent { reference: Arc::clone(reference), targets })
    }

    /// A path that may be filtered, sorted, grouped: not long text.
    fn usable(&self, field: &FieldRef<'_>, verb: &str) -> Resolved<Path> {
        let path = self.path(self.object, self.without_alias(field)?, field.at, false)?;
        if let Some(leaf) = path.leaf().filter(|leaf| !leaf.filterable) {
            return self
                .invalid(field.at, &format!("field '{}' can not be {verb} in a query call", leaf.name));
        }
        Ok(path)
    }

    fn order_key(&self, item: &OrderItem<'_>) -> Resolved<OrderKey> {
        if item.aggregate.is_some() {
            return self.malformed(item.field.at, "ORDER BY an aggregate needs GROUP BY");
        }
        let path = self.usable(&item.field, "sorted")?;
        if path.field_type() == FieldType::MultiPicklist {
            let name = item.field.parts.join(".");
            return self.invalid(item.field.at, &format!("field '{name}' can not be sorted in a query call"));
        }
        Ok(OrderKey { path, descending: item.descending, nulls_last: item.nulls_last })
    }

    // WHERE

    fn condition(&self, condition: &Condition<'_>) -> Resolved<Filter> {
        let all = |cs: &[Condition<'_>]| cs.iter().map(|c| self.condition(c)).collect::<Resolved<Vec<_>>>();
        Ok(match condition {
            Condition::And(cs) => Filter::And(all(cs)?),
            Condition::Or(cs) => Filter::Or(all(cs)?),
            Condition::Not(c) => Filter::Not(Box::new(self.condition(c)?)),
            Condition::Compare(field, op, literal) => {
                let path = self.usable(field, "filtered")?;
                let test = self.compare(field, &path, *op, *literal)?;
                Filter::Test(path, test)
            }
            Condition::Like(field, raw) => {
                let path = self.usable(field, "filtered")?;
                if !is_text(path.field_type()) {
                    return self.bad_operator(field, "like");
                }
                Filter::Test(path, Test::Like(like_pattern(raw)))
            }
            Condition::In { field, negated, values } => {
                let path = self.usable(field, "filtered")?;
                if path.field_type() == FieldType::MultiPicklist {
                    return self.bad_operator(field, "in");
                }
                let set = self.set(field, &path, values)?;
                Filter::Test(path, Test::In { negated: *negated, set })
            }
            Condition::Includes { field, negated, values } => {
                let path = self.usable(field, "filtered")?;
                if path.field_type() != FieldType::MultiPicklist {
                    return self.bad_operator(field, if *negated { "excludes" } else { "includes" });
                }
                let choice = |raw: &&str| unescape(raw).split(';').map(|v| v.trim().to_owned()).collect();
                let choices = values.iter().map(choice).collect();
                Filter::Test(path, Test::Includes { negated: *negated, choices })
            }
        })
    }

    fn bad_operator<T>(&self, field: &FieldRef<'_>, operator: &str) -> Resolved<T> {
        let name = field.parts.join(".");
        let detail = format!("invalid operator on field '{name}': '{operator}' does not fit its type");
        self.invalid(field.at, &detail)
    }

    fn compare(&self, field: &FieldRef<'_>, path: &Path, op: Op, literal: Literal<'_>) -> Resolved<Test> {
        let kind = path.field_type();
        let range = matches!(op, Op::Lt | Op::Le | Op::Gt | Op::Ge);
        if range && matches!(kind, FieldType::Boolean | FieldType::MultiPicklist) {
            return self.bad_operator(field, "range comparison");
        }
        if let Literal::Null = literal {
            if kind == FieldType::Boolean {
                // a checkbox is never null
                return Ok(Test::In { negated: op == Op::Ne, set: Set::default() });
            }
            return Ok(Test::Blank(op == Op::Eq));
        }
        Ok(match (kind, literal) {
            (FieldType::Id | FieldType::Reference, Literal::Quoted(raw)) if raw.is_empty() => {
                Test::Blank(op != Op::Ne)
            }
            (FieldType::Id | FieldType::Reference, Literal::Quoted(raw)) => {
                Test::Id(op, self.id(field, raw)?)
            }
            (FieldType::Boolean, Literal::Bool(b)) => Test::Bool(op, b),
            (_, Literal::Number(n)) if kind.is_number() => Test::Number(op, n),
            (FieldType::Date, Literal::Date(d)) => Test::Date(op, d, d),
            (FieldType::Date, Literal::Days(first, last)) => Test::Date(op, first, last),
            (FieldType::DateTime, Literal::DateTime(t)) => Test::DateTime(op, t, t),
            (FieldType::DateTime, Literal::Days(first, last)) => {
                let Some((first, last)) = instants(first, last) else { return self.wrong_type(field, kind) };
                Test::DateTime(op, first, last)
            }
            (_, Literal::Quoted(raw)) if is_text(kind) || kind == FieldType::MultiPicklist => {
                let text = unescape(raw);
                if text.is_empty() && !range { Test::Blank(op == Op::Eq) } else { Test::Text(op, text) }
            }
            (_, _) => return self.wrong_type(field, kind),
        })
    }

    fn set(&self, field: &FieldRef<'_>, path: &Path, values: &[Literal<'_>]) -> Resolved<Set> {
        let mut set = Set::default();
        for value in values {
            match self.compare(field, path, Op::Eq, *value)? {
                Test::Blank(_) => set.blank = true,
                Test::Id(_, id) => {
                    set.ids.insert(id);
                }
                Test::Text(_, text) => {
                    set.texts.insert(text.to_lowercase());
                }
                Test::Number(_, n) => {
                    set.numbers.insert(n);
                }
                Test::Bool(_, b) => {
                    set.bools.insert(b);
                }
                Test::Date(_, first, last) => set.dates.push((first, last)),
                Test::DateTime(_, first, last) => set.instants.push((first, last)),
                Test::In { .. } | Test::Like(_) | Test::Includes { .. } => {}
            }
        }
        Ok(set)
    }

    fn id(&self, field: &FieldRef<'_>, raw: &str) -> Resolved<String> {
        match to_18(raw) {
            Some(id) => Ok(id),
            None => self.fail(
                SoqlErrorCode::InvalidQueryFilterOperator,
                field.at,
                &format!("invalid ID field: '{}' is compared with text that is no id", field.parts.join(".")),
            ),
        }
    }

    fn wrong_type<T>(&self, field: &FieldRef<'_>, kind: FieldType) -> Resolved<T> {
        let quotes = if is_text(kind) || kind.is_id() { "should be" } else { "should not be" };
        let kind = if kind == FieldType::DateTime { "dateTime" } else { kind.api_name() };
        let name = field.parts.join(".");
        let detail = format!(
            "value of filter criterion for field '{name}' must be of type {kind} and {quotes} enclosed in quotes"
        );
        self.invalid(field.at, &detail)
    }
}

fn holds(node: &Node, field: &FieldSchema) -> bool {
    node.parts.iter().any(|part| matches!(part, Part::Field(f) if f.name == field.name))
}

fn same_path(left: &[&str], right: &[&str]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l.eq_ignore_ascii_case(r))
}

fn is_text(kind: FieldType) -> bool {
    match kind {
        FieldType::String
        | FieldType::TextArea
        | FieldType::Picklist
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url => true,
        FieldType::Id
        | FieldType::Reference
        | FieldType::MultiPicklist
        | FieldType::Boolean
        | FieldType::Int
        | FieldType::Double
        | FieldType::Currency
        | FieldType::Percent
        | FieldType::Date
        | FieldType::DateTime => false,
    }
}

/// First and last instant of a stretch of UTC days.
fn instants(first: jiff::civil::Date, last: jiff::civil::Date) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
    let utc = jiff::tz::TimeZone::UTC;
    let start = first.to_zoned(utc.clone()).ok()?.timestamp();
    let end = last.tomorrow().ok()?.to_zoned(utc).ok()?.timestamp();
    Some((start, end.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()?))
}
