//! What happens to rows besides saves: delete, undelete, hard delete, merge, clone, lead conversion.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::{
    Error,
    ids::Id,
    record::{ActorKind, Operation, SaveError},
    schema::{Field, FieldType, Slot},
    state::{Actor, State},
    table::Row,
    value::Value,
};

impl State {
    /// Moves a row and its dependants to the recycle bin; some objects skip the bin.
    pub(crate) fn delete(&mut self, actor: &Actor, id: Id) -> Result<(), Vec<SaveError>> {
        let Some((position, _)) = self.row(id) else {
            return Err(vec![SaveError::new("NOT_FOUND", "The requested resource does not exist")]);
        };
        let outcome = self.delete_unrecorded(actor, position, id).map_err(|error| vec![error]);
        self.record_act(actor, position, id, Operation::Delete, &outcome);
        outcome
    }

    fn delete_unrecorded(&mut self, actor: &Actor, position: usize, id: Id) -> Result<(), SaveError> {
        let row = self.existing(position, id, actor.transaction)?;
        self.refuse_if_held(id, actor.transaction)?;
        let spec =
            self.schema.objects.get(position).map(|object| (object.spec.writable, object.spec.hard_delete));
        let (writable, hard) = spec.unwrap_or((false, false));
        if !writable {
            return Err(SaveError::new(
                "INSUFFICIENT_ACCESS_OR_READONLY",
                "insufficient access rights on object id",
            ));
        }
        for (child, child_row) in self.dependants(position, id) {
            if !child_row.deleted {
                self.bin(actor, child, &child_row, Operation::Delete);
            }
        }
        self.bin(actor, position, &row, if hard { Operation::HardDelete } else { Operation::Delete });
        Ok(())
    }

    fn bin(&mut self, actor: &Actor, position: usize, row: &Row, operation: Operation) {
        let mut gone = row.clone();
        gone.deleted = operation != Operation::HardDelete;
        self.touch(&mut gone, actor);
        self.commit_row(position, gone, operation, vec!["IsDeleted".to_owned()], actor);
    }

    fn touch(&self, row: &mut Row, actor: &Actor) {
        row.stamp = self.second();
        row.modified_at = row.stamp;
        row.modified_by = actor.user;
    }

    /// Rows that live and die with the row, deepest first.
    fn dependants(&self, position: usize, id: Id) -> Vec<(usize, Arc<Row>)> {
        let Some(parent) = self.schema.objects.get(position) else { return Vec::new() };
        let mut found = Vec::new();
        for (child, field) in self.schema.children_of(parent.name()) {
            let Slot::Stored(slot) = field.slot else { continue };
            if !field.spec.cascade || child == position {
                continue;
            }
            let rows: Vec<Arc<Row>> = self
                .tables
                .get(child)
                .and_then(|table| table.pointing_at(slot, id))
                .map(|rows| rows.cloned().collect())
                .unwrap_or_default();
            for row in rows {
                found.extend(self.dependants(child, row.id));
                found.push((child, row));
            }
        }
        found
    }

    /// Takes a row, and what was deleted with it, out of the recycle bin; no validation runs.
    pub(crate) fn undelete(&mut self, actor: &Actor, id: Id) -> Result<(), Vec<SaveError>> {
        let Some((position, row)) = self.row(id).map(|(position, row)| (position, Arc::clone(row))) else {
            return Err(vec![SaveError::new("UNDELETE_FAILED", "Entity is not in the recycle bin")]);
        };
        let outcome = if row.deleted {
            for (child, child_row) in self.dependants(position, id) {
                if child_row.deleted && child_row.stamp == row.stamp {
                    self.restore(actor, child, &child_row);
                }
            }
            self.restore(actor, position, &row);
            Ok(())
        } else {
            Err(vec![SaveError::new("UNDELETE_FAILED", "Entity is not in the recycle bin")])
        };
        self.record_act(actor, position, id, Operation::Undelete, &outcome);
        outcome
    }

    fn restore(&mut self, actor: &Actor, position: usize, row: &Row) {
        let mut back = row.clone();
        back.deleted = false;
        self.touch(&mut back, actor);
        self.commit_row(position, back, Operation::Undelete, vec!["IsDeleted".to_owned()], actor);
    }

    /// Removes a row for good, from the bin or not.
    pub(crate) fn hard_delete(&mut self, actor: &Actor, id: Id) -> Result<(), Vec<SaveError>> {
        let Some((position, row)) = self.row(id).map(|(position, row)| (position, Arc::clone(row))) else {
            return Err(vec![SaveError::new("NOT_FOUND", "The requested resource does not exist")]);
        };
        for (child, child_row) in self.dependants(position, id) {
            self.bin(actor, child, &child_row, Operation::HardDelete);
        }
        let mut gone = Row::clone(&row);
        self.touch(&mut gone, actor);
        self.commit_row(position, gone, Operation::HardDelete, vec!["IsDeleted".to_owned()], actor);
        let outcome = Ok(());
        self.record_act(actor, position, id, Operation::HardDelete, &outcome);
        outcome
    }

    /// Merges `losers` into `master`: children move, losers are deleted and point at the master.
    pub(crate) fn merge(&mut self, actor: &Actor, master: Id, losers: &[Id]) -> Result<(), Error> {
        let (position, _) = self.row(master).ok_or_else(|| Error::unknown("record", master.to_string()))?;
        let object = self.schema.objects.get(position).filter(|object| object.spec.mergeable);
        let object = object.ok_or_else(|| Error::bad("only accounts, contacts and leads can be merged"))?;
        let (name, slot) = (object.name().to_owned(), object.slot("MasterRecordId"));
        self.existing(position, master, None).map_err(|error| vec![error])?;
        for loser in losers {
            let row = self.existing(position, *loser, None).map_err(|error| vec![error])?;
            self.move_children(actor, &name, *loser, master);
            let mut gone = Row::clone(&row);
            gone.deleted = true;
            if let Some(slot) = slot {
                gone.set(slot, Value::Id(master));
            }
            self.touch(&mut gone, actor);
            let fields = vec!["IsDeleted".to_owned(), "MasterRecordId".to_owned()];
            self.commit_row(position, gone, Operation::Merge, fields, actor);
            self.record_act(actor, position, *loser, Operation::Merge, &Ok(()));
        }
        Ok(())
    }

    fn move_children(&mut self, actor: &Actor, parent: &str, from: Id, to: Id) {
        let lookups: Vec<(usize, u16, String)> = self
            .schema
            .children_of(parent)
            .into_iter()
            .filter(|(_, field)| field.spec.name != "MasterRecordId")
            .filter_map(|(child, field)| match field.slot {
                Slot::Stored(slot) => Some((child, slot, field.spec.name.clone())),
                Slot::Id
                | Slot::IsDeleted
                | Slot::CreatedDate
                | Slot::CreatedById
                | Slot::LastModifiedDate
                | Slot::LastModifiedById
                | Slot::SystemModstamp => None,
            })
            .collect();
        for (child, slot, name) in lookups {
            let rows: Vec<Arc<Row>> = self
                .tables
                .get(child)
                .and_then(|table| table.pointing_at(slot, from))
                .map(|rows| rows.cloned().collect())
                .unwrap_or_default();
            for row in rows {
                let mut moved = Row::clone(&row);
                moved.set(slot, Value::Id(to));
                self.touch(&mut moved, actor);
                self.commit_row(child, moved, Operation::Update, vec![name.clone()], actor);
            }
        }
    }

    /// Copies a record as the "Clone" button does: every field the user may write, with `changes` on top.
    pub(crate) fn clone_record(
        &mut self,
        actor: &Actor,
        id: Id,
        changes: &Map<String, Json>,
    ) -> Result<Id, Error> {
        let (position, row) = self.row(id).ok_or_else(|| Error::unknown("record", id.to_string()))?;
        let object =
            self.schema.objects.get(position).ok_or_else(|| Error::unknown("record", id.to_string()))?;
        let login =
            self.logins.get(&actor.user).ok_or_else(|| Error::unknown("user", actor.user.to_string()))?;
        let mut fields: Map<String, Json> = object
            .fields
            .iter()
            .filter(|field| {
                !field.is_system() && !field.spec.unique && login.can_edit(object.name(), &field.spec)
            })
            .filter(|field| field.spec.kind == FieldType::Boolean || !row.get(field).is_null())
            .map(|field| (field.spec.name.clone(), row.get(field).to_json()))
            .collect();
        fields.extend(changes.clone());
        Ok(self.save(actor, position, None, &fields)?)
    }

    /// Converts a lead into an account (or an existing one), a contact and, unless told otherwise, an opportunity.
    pub(crate) fn convert_lead(&mut self, actor: &Actor, wish: &Conversion) -> Result<Converted, Error> {
        let lead_at = self.schema.position("Lead").ok_or_else(|| Error::unknown("object", "Lead"))?;
        let lead = self.existing(lead_at, wish.lead, None).map_err(|error| vec![error])?;
        if self.value("Lead", &lead, "IsConverted") == Value::Bool(true) {
            return Err(Error::bad(format!("lead {} is converted already", wish.lead)));
        }
        let actor = Actor { kind: ActorKind::LeadConversion, ..actor.clone() };
        self.begin();
        let converted = self.convert_within(&actor, &lead, wish);
        if converted.is_ok() {
            self.keep();
        } else {
            self.roll_back();
        }
        converted
    }

    fn convert_within(&mut self, actor: &Actor, lead: &Row, wish: &Conversion) -> Result<Converted, Error> {
        let get = |state: &Self, name: &str| state.value("Lead", lead, name).to_json();
        let company = get(self, "Company");
        let account = match wish.account {
            Some(account) => account,
            None => {
                self.create(actor, "Account", &json!({"Name": company, "OwnerId": get(self, "OwnerId")}))?
            }
        };
        let contact = json!({
            "LastName": get(self, "LastName"), "FirstName": get(self, "FirstName"), "Title": get(self, "Title"),
            "Email": get(self, "Email"), "Phone": get(self, "Phone"), "AccountId": account.as_str(),
            "OwnerId": get(self, "OwnerId"),
        });
        let contact = self.create(actor, "Contact", &contact)?;
        let opportunity = if wish.no_opportunity {
            None
        } else {
            let mut deal = json!({
                "Name": company, "AccountId": account.as_str(), "OwnerId": get(self, "OwnerId"),
                "LeadSource": get(self, "LeadSource"), "StageName": "Prospecting",
                "CloseDate": self.now().strftime("%Y-%m-%d").to_string(),
            });
            if let (Some(deal), Json::Object(extra)) = (deal.as_object_mut(), &wish.opportunity) {
                deal.extend(extra.clone());
            }
            Some(self.create(actor, "Opportunity", &deal)?)
        };
        let position = self.schema.position("Lead").unwrap_or_default();
        let mut done = lead.clone();
        let day = self.now().strftime("%Y-%m-%d").to_string().parse().ok();
        let values = [
            ("IsConverted", Value::Bool(true)),
            ("Status", Value::text("Closed - Converted")),
            ("ConvertedDate", day.map_or(Value::Null, Value::Date)),
            ("ConvertedAccountId", Value::Id(account)),
            ("ConvertedContactId", Value::Id(contact)),
            ("ConvertedOpportunityId", opportunity.map_or(Value::Null, Value::Id)),
        ];
        let object = self.schema.object("Lead");
        for (name, value) in &values {
            if let Some(slot) = object.and_then(|object| object.slot(name)) {
                done.set(slot, value.clone());
            }
        }
        self.touch(&mut done, actor);
        let names: Vec<String> = values.iter().map(|(name, _)| (*name).to_owned()).collect();
        let changed: Vec<Field> = names.iter().filter_map(|name| object?.field(name)).cloned().collect();
        self.keep_history(actor, position, &done, Some(lead), &changed);
        self.keep_conversion(actor, lead.id);
        self.commit_row(position, done, Operation::Update, names, actor);
        self.hand_on(actor, lead.id, contact);
        Ok(Converted { account, contact, opportunity })
    }

    /// Campaign memberships name the contact too, and activities move to it.
    fn hand_on(&mut self, actor: &Actor, lead: Id, contact: Id) {
        for (object, from, to) in [
            ("CampaignMember", "LeadId", "ContactId"),
            ("Task", "WhoId", "WhoId"),
            ("Event", "WhoId", "WhoId"),
        ] {
            let Some(position) = self.schema.position(object) else { continue };
            let slots = self.schema.object(object).and_then(|found| found.slot(from).zip(found.slot(to)));
            let Some((from, slot)) = slots else { continue };
            let rows: Vec<Arc<Row>> = self
                .tables
                .get(position)
                .and_then(|table| table.pointing_at(from, lead))
                .map(|rows| rows.filter(|row| !row.deleted).cloned().collect())
                .unwrap_or_default();
            for row in rows {
                let mut moved = Row::clone(&row);
                moved.set(slot, Value::Id(contact));
                self.touch(&mut moved, actor);
                self.commit_row(position, moved, Operation::Update, vec![to.to_owned()], actor);
            }
        }
    }

    /// Creates a row from a JSON object.
    pub(crate) fn create(&mut self, actor: &Actor, object: &str, fields: &Json) -> Result<Id, Error> {
        let position = self.schema.position(object).ok_or_else(|| Error::unknown("object", object))?;
        let empty = Map::new();
        Ok(self.save(actor, position, None, fields.as_object().unwrap_or(&empty))?)
    }
}

/// How to convert a lead.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// The lead.
    pub lead: Id,
    /// An account to use instead of a new one.
    #[serde(default)]
    pub account: Option<Id>,
    /// Make no opportunity.
    #[serde(default)]
    pub no_opportunity: bool,
    /// Field values for the opportunity.
    #[serde(default)]
    pub opportunity: Json,
}

/// What a conversion made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Converted {
    /// The account, new or given.
    pub account: Id,
    /// The new contact.
    pub contact: Id,
    /// The new opportunity.
    pub opportunity: Option<Id>,
}
