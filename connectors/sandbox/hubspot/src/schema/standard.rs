//! The vendor's own objects and the part of their properties that matters here.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    Derived, Group, Object, PropertyOption, PropertySpec, PropertyType,
    activities::{CALLS, EMAILS, MEETINGS, NOTES, TASKS},
    options::{LIFECYCLE, OPTIONS},
};

type Kind = PropertyType;

/// Name, label, type, field type.
pub(super) type Line = (&'static str, &'static str, Kind, &'static str);

/// One of the vendor's own objects.
pub(super) struct Sketch {
    pub(super) type_id: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) defaults: &'static [&'static str],
    pub(super) pipeline: Option<(&'static str, &'static str)>,
    pub(super) read_only: bool,
    pub(super) created: &'static str,
    pub(super) modified: &'static str,
    pub(super) writable: &'static [Line],
    pub(super) calculated: &'static [Line],
}

pub(super) const TEXT: Kind = Kind::String;

/// When a call, e-mail or meeting with the record was last logged.
const LAST_CONTACTED: Line = ("notes_last_contacted", "Last Contacted", Kind::Datetime, "date");
const TIMES_CONTACTED: Line = ("num_contacted_notes", "Number of times contacted", Kind::Number, "number");
const LAST_ACTIVITY: Line = ("notes_last_updated", "Last Activity Date", Kind::Datetime, "date");
const ACTIVITIES: Line = ("num_notes", "Number of Sales Activities", Kind::Number, "number");

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
        ("hs_is_deal_split", "Deal Split Added", Kind::Bool, "calculation_equation"),
        ("hs_all_deal_split_owner_ids", "Deal Split Users", Kind::Enumeration, "checkbox"),
        LAST_CONTACTED,
        TIMES_CONTACTED,
        LAST_ACTIVITY,
        ACTIVITIES,
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
        ("hs_analytics_source", "Original Traffic Source", Kind::Enumeration, "select"),
    ],
    calculated: &[
        ("num_associated_deals", "Number of Associated Deals", Kind::Number, "number"),
        ("hs_analytics_source_data_1", "Original Traffic Source Drill-Down 1", TEXT, "text"),
        ("hs_analytics_source_data_2", "Original Traffic Source Drill-Down 2", TEXT, "text"),
        ("hs_latest_source", "Latest Traffic Source", Kind::Enumeration, "select"),
        ("hs_latest_source_data_1", "Latest Traffic Source Drill-Down 1", TEXT, "text"),
        ("hs_latest_source_data_2", "Latest Traffic Source Drill-Down 2", TEXT, "text"),
        ("hs_latest_source_timestamp", "Latest Traffic Source Date", Kind::Datetime, "date"),
        ("hs_analytics_first_touch_converting_campaign", "First Touch Converting Campaign", TEXT, "text"),
        ("hs_analytics_last_touch_converting_campaign", "Last Touch Converting Campaign", TEXT, "text"),
        ("hs_analytics_first_timestamp", "Time First Seen", Kind::Datetime, "date"),
        ("hs_analytics_last_timestamp", "Time Last Seen", Kind::Datetime, "date"),
        ("hs_analytics_first_visit_timestamp", "Time of First Session", Kind::Datetime, "date"),
        ("hs_analytics_last_visit_timestamp", "Time of Last Session", Kind::Datetime, "date"),
        ("hs_analytics_first_url", "First Page Seen", TEXT, "text"),
        ("hs_analytics_last_url", "Last Page Seen", TEXT, "text"),
        ("hs_analytics_first_referrer", "First Referring Site", TEXT, "text"),
        ("hs_analytics_num_page_views", "Number of Pageviews", Kind::Number, "number"),
        ("hs_analytics_num_visits", "Number of Sessions", Kind::Number, "number"),
        ("hs_analytics_average_page_views", "Average Pageviews", Kind::Number, "number"),
        ("hs_analytics_num_event_completions", "Number of event completions", Kind::Number, "number"),
        ("num_conversion_events", "Number of Form Submissions", Kind::Number, "number"),
        ("num_unique_conversion_events", "Number of Unique Forms Submitted", Kind::Number, "number"),
        ("first_conversion_event_name", "First Conversion", TEXT, "text"),
        ("first_conversion_date", "First Conversion Date", Kind::Datetime, "date"),
        ("recent_conversion_event_name", "Recent Conversion", TEXT, "text"),
        ("recent_conversion_date", "Recent Conversion Date", Kind::Datetime, "date"),
        ("hs_email_open", "Marketing emails opened", Kind::Number, "number"),
        ("hs_email_click", "Marketing emails clicked", Kind::Number, "number"),
        ("hubspotscore", "HubSpot Score", Kind::Number, "number"),
        ("hs_sa_first_engagement_date", "Date of first engagement", Kind::Datetime, "date"),
        LAST_CONTACTED,
        TIMES_CONTACTED,
        LAST_ACTIVITY,
        ACTIVITIES,
    ],
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
    calculated: &[
        ("num_associated_deals", "Number of Associated Deals", Kind::Number, "number"),
        ("num_associated_contacts", "Number of Associated Contacts", Kind::Number, "number"),
        LAST_CONTACTED,
        TIMES_CONTACTED,
        LAST_ACTIVITY,
        ACTIVITIES,
    ],
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
        ("hs_ticket_category", "Category", Kind::Enumeration, "checkbox"),
        ("source_type", "Source", Kind::Enumeration, "select"),
        ("hs_resolution", "Resolution", Kind::Enumeration, "checkbox"),
        ("hubspot_owner_id", "Ticket owner", Kind::Enumeration, "select"),
    ],
    calculated: &[
        ("closed_date", "Close date", Kind::Datetime, "date"),
        ("time_to_close", "Time to close", Kind::Number, "number"),
        ("hs_num_associated_companies", "Number of Associated Companies", Kind::Number, "number"),
        LAST_CONTACTED,
        TIMES_CONTACTED,
        LAST_ACTIVITY,
        ACTIVITIES,
    ],
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

const LEADS: Sketch = Sketch {
    type_id: "0-136",
    plural: "leads",
    singular: "lead",
    defaults: &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
    pipeline: Some(("hs_pipeline", "hs_pipeline_stage")),
    read_only: false,
    created: "hs_createdate",
    modified: "hs_lastmodifieddate",
    writable: &[
        ("hs_lead_name", "Lead name", TEXT, "text"),
        ("hs_lead_type", "Lead type", Kind::Enumeration, "select"),
        ("hs_lead_label", "Lead label", Kind::Enumeration, "select"),
        ("hs_pipeline", "Pipeline", Kind::Enumeration, "select"),
        ("hs_pipeline_stage", "Lead stage", Kind::Enumeration, "radio"),
        ("hubspot_owner_id", "Lead owner", Kind::Enumeration, "select"),
    ],
    calculated: &[],
};

pub(super) fn objects() -> Vec<Object> {
    [CONTACTS, COMPANIES, DEALS, TICKETS, FEEDBACK, NOTES, TASKS, CALLS, EMAILS, MEETINGS, LEADS]
        .iter()
        .map(object)
        .collect()
}

fn object(sketch: &Sketch) -> Object {
    let mut object = Object {
        type_id: Cow::Borrowed(sketch.type_id),
        plural: Cow::Borrowed(sketch.plural),
        singular: Cow::Borrowed(sketch.singular),
        properties: Vec::new(),
        groups: BTreeMap::new(),
        defaults: sketch.defaults.iter().map(|name| (*name).to_owned()).collect(),
        pipeline: sketch.pipeline,
        read_only: sketch.read_only,
        custom: None,
        names: BTreeMap::new(),
    };
    let group = object.group();
    object
        .groups
        .insert(group.clone(), Group { label: format!("{} information", sketch.singular), display_order: 0 });
    derive(&mut object, sketch.created, sketch.modified);
    for (name, label, kind, field) in sketch.writable {
        object.put(property(name, label, *kind, field, &group));
    }
    for (name, label, kind, field) in sketch.calculated {
        object.put(locked(property(name, label, *kind, field, &group)));
    }
    if matches!(sketch.plural, "contacts" | "companies") {
        for (stage, label) in LIFECYCLE {
            for spec in of_stage(stage, label, &group) {
                object.put(spec);
            }
        }
    }
    object
}

/// Values that every record has without anybody having written them.
pub(super) fn derive(object: &mut Object, created: &str, modified: &str) {
    let derived: [(&str, &str, Kind, Derived); 4] = [
        ("hs_object_id", "Record ID", Kind::Number, Derived::Id),
        (created, "Create Date", Kind::Datetime, Derived::Created),
        (modified, "Last Modified Date", Kind::Datetime, Derived::Modified),
        ("hs_merged_object_ids", "Merged object IDs", Kind::Enumeration, Derived::MergedIds),
    ];
    let group = object.group();
    for (name, label, kind, derived) in derived {
        let field = if kind == Kind::Datetime { "date" } else { "text" };
        let mut spec = property(name, label, kind, field, &group);
        spec.read_only = true;
        spec.derived = Some(derived);
        object.put(spec);
    }
}

fn locked(mut spec: PropertySpec) -> PropertySpec {
    spec.calculated = true;
    spec.read_only = true;
    spec
}

/// A property of the vendor's.
pub(super) fn property(name: &str, label: &str, kind: Kind, field: &str, group: &str) -> PropertySpec {
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
pub(crate) fn of_stage(stage: &str, label: &str, group: &str) -> Vec<PropertySpec> {
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
            locked(property(&name, &label, kind, field, group))
        })
        .collect()
}
