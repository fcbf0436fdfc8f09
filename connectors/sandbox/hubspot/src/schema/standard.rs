//! The vendor's own objects and the part of their properties that matters here.

use std::collections::BTreeMap;

use super::{Derived, Group, Object, PropertyOption, PropertySpec, PropertyType};

type Kind = PropertyType;

/// Name, label, type, field type.
type Line = (&'static str, &'static str, Kind, &'static str);

struct Sketch {
    type_id: &'static str,
    plural: &'static str,
    singular: &'static str,
    defaults: &'static [&'static str],
    pipeline: Option<(&'static str, &'static str)>,
    read_only: bool,
    created: &'static str,
    modified: &'static str,
    writable: &'static [Line],
    calculated: &'static [Line],
}

const TEXT: Kind = Kind::String;

const DEALS: Sketch = Sketch {
    type_id: "0-3",
    plural: "deals",
    singular: "deal",
    defaults: &[
        "dealname",
        "amount",
        "closedate",
        "pipeline",
        "dealstage",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
    ],
    pipeline: Some(("pipeline", "dealstage")),
    read_only: false,
    created: "createdate",
    modified: "hs_lastmodifieddate",
    writable: &[
        ("dealname", "Deal Name", TEXT, "text"),
        ("amount", "Amount", Kind::Number, "number"),
        ("closedate", "Close Date", Kind::Datetime, "date"),
        ("pipeline", "Pipeline", Kind::Enumeration, "select"),
        ("dealstage", "Deal Stage", Kind::Enumeration, "radio"),
        ("hubspot_owner_id", "Deal owner", Kind::Enumeration, "select"),
        ("dealtype", "Deal Type", Kind::Enumeration, "radio"),
        ("deal_currency_code", "Currency", Kind::Enumeration, "select"),
        ("description", "Deal Description", TEXT, "textarea"),
        ("closed_lost_reason", "Closed Lost Reason", TEXT, "textarea"),
        ("closed_won_reason", "Closed Won Reason", TEXT, "textarea"),
        ("hs_next_step", "Next step", TEXT, "text"),
        ("hs_priority", "Priority", Kind::Enumeration, "select"),
    ],
    calculated: &[
        ("hs_is_closed", "Is Deal Closed?", Kind::Bool, "calculation_equation"),
        ("hs_is_closed_won", "Is Closed Won", Kind::Bool, "calculation_equation"),
        ("hs_deal_stage_probability", "Deal probability", Kind::Number, "number"),
        ("hs_closed_amount", "Closed Deal Amount", Kind::Number, "calculation_equation"),
        ("num_associated_contacts", "Number of Associated Contacts", Kind::Number, "number"),
        ("hs_latest_approval_status", "Latest Approval Status", TEXT, "text"),
        ("hs_latest_approval_status_approval_id", "Latest Approval Status Approval ID", TEXT, "text"),
    ],
};

const CONTACTS: Sketch = Sketch {
    type_id: "0-1",
    plural: "contacts",
    singular: "contact",
    defaults: &["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"],
    pipeline: None,
    read_only: false,
    created: "createdate",
    modified: "lastmodifieddate",
    writable: &[
        ("email", "Email", TEXT, "text"),
        ("firstname", "First Name", TEXT, "text"),
        ("lastname", "Last Name", TEXT, "text"),
        ("jobtitle", "Job Title", TEXT, "text"),
        ("phone", "Phone Number", Kind::PhoneNumber, "phonenumber"),
        ("company", "Company Name", TEXT, "text"),
        ("hubspot_owner_id", "Contact owner", Kind::Enumeration, "select"),
        ("lifecyclestage", "Lifecycle Stage", Kind::Enumeration, "radio"),
        ("hs_lead_status", "Lead Status", Kind::Enumeration, "radio"),
    ],
    calculated: &[("num_associated_deals", "Number of Associated Deals", Kind::Number, "number")],
};

const COMPANIES: Sketch = Sketch {
    type_id: "0-2",
    plural: "companies",
    singular: "company",
    defaults: &["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"],
    pipeline: None,
    read_only: false,
    created: "createdate",
    modified: "hs_lastmodifieddate",
    writable: &[
        ("name", "Company name", TEXT, "text"),
        ("domain", "Company Domain Name", TEXT, "text"),
        ("city", "City", TEXT, "text"),
        ("industry", "Industry", TEXT, "text"),
        ("numberofemployees", "Number of Employees", Kind::Number, "number"),
        ("hubspot_owner_id", "Company owner", Kind::Enumeration, "select"),
        ("lifecyclestage", "Lifecycle Stage", Kind::Enumeration, "radio"),
    ],
    calculated: &[("num_associated_deals", "Number of Associated Deals", Kind::Number, "number")],
};

const TICKETS: Sketch = Sketch {
    type_id: "0-5",
    plural: "tickets",
    singular: "ticket",
    defaults: &[
        "content",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_category",
        "hs_ticket_priority",
        "subject",
    ],
    pipeline: Some(("hs_pipeline", "hs_pipeline_stage")),
    read_only: false,
    created: "createdate",
    modified: "hs_lastmodifieddate",
    writable: &[
        ("subject", "Ticket name", TEXT, "text"),
        ("content", "Ticket description", TEXT, "textarea"),
        ("hs_pipeline", "Pipeline", Kind::Enumeration, "select"),
        ("hs_pipeline_stage", "Ticket status", Kind::Enumeration, "radio"),
        ("hs_ticket_priority", "Priority", Kind::Enumeration, "select"),
        ("hs_ticket_category", "Category", TEXT, "text"),
        ("hubspot_owner_id", "Ticket owner", Kind::Enumeration, "select"),
    ],
    calculated: &[],
};

const FEEDBACK: Sketch = Sketch {
    type_id: "0-19",
    plural: "feedback_submissions",
    singular: "feedback_submission",
    defaults: &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
    pipeline: None,
    read_only: true,
    created: "hs_createdate",
    modified: "hs_lastmodifieddate",
    writable: &[
        ("hs_submission_timestamp", "Date submitted", Kind::Datetime, "date"),
        ("hs_survey_type", "Survey type", TEXT, "text"),
        ("hs_response_group", "Response type", TEXT, "text"),
        ("hs_value", "Rating", Kind::Number, "number"),
        ("hs_content", "Response", TEXT, "textarea"),
    ],
    calculated: &[],
};

const fn engagement(
    type_id: &'static str,
    plural: &'static str,
    singular: &'static str,
    writable: &'static [Line],
) -> Sketch {
    Sketch {
        type_id,
        plural,
        singular,
        defaults: &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
        pipeline: None,
        read_only: false,
        created: "hs_createdate",
        modified: "hs_lastmodifieddate",
        writable,
        calculated: &[],
    }
}

const NOTES: Sketch = engagement(
    "0-46",
    "notes",
    "note",
    &[
        ("hs_note_body", "Note body", TEXT, "textarea"),
        ("hs_timestamp", "Activity date", Kind::Datetime, "date"),
        ("hubspot_owner_id", "Activity assigned to", Kind::Enumeration, "select"),
    ],
);

const TASKS: Sketch = engagement(
    "0-27",
    "tasks",
    "task",
    &[
        ("hs_task_subject", "Task title", TEXT, "text"),
        ("hs_task_body", "Task notes", TEXT, "textarea"),
        ("hs_task_status", "Task status", TEXT, "text"),
        ("hs_timestamp", "Due date", Kind::Datetime, "date"),
        ("hubspot_owner_id", "Assigned to", Kind::Enumeration, "select"),
    ],
);

const CALLS: Sketch = engagement(
    "0-48",
    "calls",
    "call",
    &[
        ("hs_call_title", "Call title", TEXT, "text"),
        ("hs_call_body", "Call notes", TEXT, "textarea"),
        ("hs_timestamp", "Activity date", Kind::Datetime, "date"),
        ("hubspot_owner_id", "Activity assigned to", Kind::Enumeration, "select"),
    ],
);

const EMAILS: Sketch = engagement(
    "0-49",
    "emails",
    "email",
    &[
        ("hs_email_subject", "Email subject", TEXT, "text"),
        ("hs_timestamp", "Activity date", Kind::Datetime, "date"),
    ],
);

const MEETINGS: Sketch = engagement(
    "0-47",
    "meetings",
    "meeting_event",
    &[
        ("hs_meeting_title", "Meeting name", TEXT, "text"),
        ("hs_timestamp", "Activity date", Kind::Datetime, "date"),
    ],
);

/// Options of the vendor's enumerations: property, values with labels.
const OPTIONS: [(&str, &[(&str, &str)]); 6] = [
    ("dealtype", &[("newbusiness", "New Business"), ("existingbusiness", "Existing Business")]),
    ("deal_currency_code", &[("EUR", "EUR"), ("USD", "USD"), ("GBP", "GBP")]),
    ("hs_priority", &[("low", "Low"), ("medium", "Medium"), ("high", "High")]),
    ("hs_ticket_priority", &[("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High"), ("URGENT", "Urgent")]),
    ("hs_lead_status", &[("NEW", "New"), ("OPEN", "Open"), ("IN_PROGRESS", "In progress")]),
    ("lifecyclestage", &LIFECYCLE),
];

/// Lifecycle stages in their order; records move forward only by themselves.
pub(crate) const LIFECYCLE: [(&str, &str); 8] = [
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
];

pub(super) fn objects() -> Vec<Object> {
    [CONTACTS, COMPANIES, DEALS, TICKETS, FEEDBACK, NOTES, TASKS, CALLS, EMAILS, MEETINGS]
        .iter()
        .map(object)
        .collect()
}

fn object(sketch: &Sketch) -> Object {
    let mut object = Object {
        type_id: sketch.type_id,
        plural: sketch.plural,
        singular: sketch.singular,
        properties: Vec::new(),
        groups: BTreeMap::new(),
        defaults: sketch.defaults,
        pipeline: sketch.pipeline,
        read_only: sketch.read_only,
        names: BTreeMap::new(),
    };
    let group = format!("{}information", sketch.singular);
    object
        .groups
        .insert(group.clone(), Group { label: format!("{} information", sketch.singular), display_order: 0 });
    let derived: [(&str, &str, Kind, Derived); 4] = [
        ("hs_object_id", "Record ID", Kind::Number, Derived::Id),
        (sketch.created, "Create Date", Kind::Datetime, Derived::Created),
        (sketch.modified, "Last Modified Date", Kind::Datetime, Derived::Modified),
        ("hs_merged_object_ids", "Merged object IDs", Kind::Enumeration, Derived::MergedIds),
    ];
    for (name, label, kind, derived) in derived {
        let field = if kind == Kind::Datetime { "date" } else { "text" };
        let mut spec = standard(name, label, kind, field, &group);
        spec.read_only = true;
        spec.derived = Some(derived);
        object.put(spec);
    }
    for (name, label, kind, field) in sketch.writable {
        object.put(standard(name, label, *kind, field, &group));
    }
    for (name, label, kind, field) in sketch.calculated {
        let mut spec = standard(name, label, *kind, field, &group);
        spec.calculated = true;
        spec.read_only = true;
        object.put(spec);
    }
    object
}

fn standard(name: &str, label: &str, kind: Kind, field: &str, group: &str) -> PropertySpec {
    let mut spec = PropertySpec::new(name, label, kind, field);
    group.clone_into(&mut spec.group_name);
    spec.hubspot_defined = true;
    spec.form_field = true;
    if name == "hubspot_owner_id" {
        spec.external_options = true;
        spec.referenced_object_type = Some("OWNER".to_owned());
    }
    if name == "email" {
        spec.has_unique_value = true;
    }
    let options = OPTIONS.iter().find(|(property, _)| *property == name).map(|(_, options)| *options);
    for (order, (value, label)) in (0_i64..).zip(options.unwrap_or_default()) {
        spec.options.push(PropertyOption {
            label: (*label).to_owned(),
            value: (*value).to_owned(),
            display_order: order,
            hidden: false,
        });
    }
    spec
}

/// The calculated properties that a stage brings with it.
pub(crate) fn of_stage(stage: &str, label: &str) -> Vec<PropertySpec> {
    let sketches = [
        (format!("hs_v2_date_entered_{stage}"), format!("Date entered \"{label}\""), Kind::Datetime),
        (format!("hs_v2_date_exited_{stage}"), format!("Date exited \"{label}\""), Kind::Datetime),
        (format!("hs_v2_latest_time_in_{stage}"), format!("Latest time in \"{label}\""), Kind::Number),
        (
            format!("hs_v2_cumulative_time_in_{stage}"),
            format!("Cumulative time in \"{label}\""),
            Kind::Number,
        ),
    ];
    sketches
        .into_iter()
        .map(|(name, label, kind)| {
            let field = if kind == Kind::Datetime { "date" } else { "number" };
            let mut spec = standard(&name, &label, kind, field, "dealinformation");
            spec.calculated = true;
            spec.read_only = true;
            spec
        })
        .collect()
}
