//! Names → fields the user can see, literals → typed tests.

mod condition;
mod output;

use std::sync::Arc;

use super::hint::hint;
use super::plan::{OrderKey, Output, Path, Plan};
use super::syntax::{FieldRef, OrderItem, Select};
use super::{Catalog, SoqlError, SoqlErrorCode};
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
}
