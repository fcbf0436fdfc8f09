//! Activities: what happened with customers, and what is to be done.

use super::{
    PropertyType as Kind,
    standard::{Line, Sketch, TEXT},
};

const fn activity(
    type_id: &'static str,
    plural: &'static str,
    singular: &'static str,
    writable: &'static [Line],
    calculated: &'static [Line],
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
        calculated,
    }
}

const WHEN: Line = ("hs_timestamp", "Activity date", Kind::Datetime, "date");
const OWNER: Line = ("hubspot_owner_id", "Activity assigned to", Kind::Enumeration, "select");
const FILES: Line = ("hs_attachment_ids", "Attached file IDs", TEXT, "text");

pub(super) const NOTES: Sketch = activity(
    "0-46",
    "notes",
    "note",
    &[("hs_note_body", "Note body", TEXT, "textarea"), WHEN, OWNER, FILES],
    &[],
);

pub(super) const TASKS: Sketch = activity(
    "0-27",
    "tasks",
    "task",
    &[
        ("hs_task_subject", "Task title", TEXT, "text"),
        ("hs_task_body", "Task notes", TEXT, "textarea"),
        ("hs_task_status", "Task status", Kind::Enumeration, "select"),
        ("hs_task_priority", "Priority", Kind::Enumeration, "select"),
        ("hs_task_type", "Task type", Kind::Enumeration, "select"),
        ("hs_task_reminders", "Reminders", TEXT, "text"),
        ("hs_timestamp", "Due date", Kind::Datetime, "date"),
        ("hubspot_owner_id", "Assigned to", Kind::Enumeration, "select"),
        FILES,
    ],
    &[
        ("hs_task_is_completed", "Is completed", Kind::Number, "number"),
        ("hs_task_completion_date", "Completed at", Kind::Datetime, "date"),
    ],
);

pub(super) const CALLS: Sketch = activity(
    "0-48",
    "calls",
    "call",
    &[
        ("hs_call_title", "Call title", TEXT, "text"),
        ("hs_call_body", "Call notes", TEXT, "textarea"),
        ("hs_call_direction", "Call direction", Kind::Enumeration, "select"),
        ("hs_call_disposition", "Call outcome", TEXT, "text"),
        ("hs_call_duration", "Call duration", Kind::Number, "number"),
        ("hs_call_from_number", "From number", TEXT, "text"),
        ("hs_call_to_number", "To number", TEXT, "text"),
        ("hs_call_recording_url", "Recording URL", TEXT, "text"),
        ("hs_call_status", "Call status", Kind::Enumeration, "select"),
        ("hs_activity_type", "Call and meeting type", TEXT, "text"),
        WHEN,
        OWNER,
        FILES,
    ],
    &[],
);

pub(super) const EMAILS: Sketch = activity(
    "0-49",
    "emails",
    "email",
    &[
        ("hs_email_subject", "Email subject", TEXT, "text"),
        ("hs_email_text", "Email text", TEXT, "textarea"),
        ("hs_email_html", "Email HTML", TEXT, "html"),
        ("hs_email_headers", "Email headers", TEXT, "textarea"),
        ("hs_email_direction", "Email direction", Kind::Enumeration, "select"),
        ("hs_email_status", "Email send status", Kind::Enumeration, "select"),
        WHEN,
        OWNER,
        FILES,
    ],
    &[],
);

pub(super) const MEETINGS: Sketch = activity(
    "0-47",
    "meetings",
    "meeting_event",
    &[
        ("hs_meeting_title", "Meeting name", TEXT, "text"),
        ("hs_meeting_body", "Meeting description", TEXT, "textarea"),
        ("hs_internal_meeting_notes", "Internal meeting notes", TEXT, "textarea"),
        ("hs_meeting_external_url", "External URL", TEXT, "text"),
        ("hs_meeting_location", "Location", TEXT, "text"),
        ("hs_meeting_start_time", "Meeting start time", Kind::Datetime, "date"),
        ("hs_meeting_end_time", "Meeting end time", Kind::Datetime, "date"),
        ("hs_meeting_outcome", "Meeting outcome", Kind::Enumeration, "select"),
        ("hs_activity_type", "Call and meeting type", TEXT, "text"),
        WHEN,
        OWNER,
        FILES,
    ],
    &[],
);
