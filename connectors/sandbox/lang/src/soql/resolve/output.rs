//! SELECT and GROUP BY.

use std::sync::Arc;

use super::{MOST_CHILDREN, Resolved, Resolver, WSDL};
use crate::schema::{FieldSchema, FieldType, ObjectSchema};
use crate::soql::SoqlErrorCode;
use crate::soql::plan::{AggregatePlan, Column, Node, Output, Part, Path};
use crate::soql::rows::{Access, ScanHint};
use crate::soql::syntax::{Aggregate, FieldRef, FieldSet, Item, Select};

impl<'a> Resolver<'a> {
    pub(super) fn output(&self, select: &Select<'_>) -> Resolved<Output> {
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
}

fn holds(node: &Node, field: &FieldSchema) -> bool {
    node.parts.iter().any(|part| matches!(part, Part::Field(f) if f.name == field.name))
}

fn same_path(left: &[&str], right: &[&str]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l.eq_ignore_ascii_case(r))
}
