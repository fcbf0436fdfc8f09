//! The choices that the vendor's own enumerations offer.

/// Options of the vendor's enumerations: property, values with labels.
pub(super) const OPTIONS: &[(&str, &[(&str, &str)])] = &[
    ("dealtype", &[("newbusiness", "New Business"), ("existingbusiness", "Existing Business")]),
    ("deal_currency_code", &[("EUR", "EUR"), ("USD", "USD"), ("GBP", "GBP")]),
    ("hs_priority", &[("low", "Low"), ("medium", "Medium"), ("high", "High")]),
    ("hs_ticket_priority", &[("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High"), ("URGENT", "Urgent")]),
    (
        "hs_ticket_category",
        &[
            ("PRODUCT_ISSUE", "Product issue"),
            ("BILLING_ISSUE", "Billing issue"),
            ("FEATURE_REQUEST", "Feature request"),
            ("GENERAL_INQUIRY", "General inquiry"),
        ],
    ),
    ("source_type", &[("CHAT", "Chat"), ("EMAIL", "Email"), ("FORM", "Form"), ("PHONE", "Phone")]),
    ("hs_resolution", &[("ISSUE_FIXED", "Issue fixed"), ("CONTACT_EDUCATED", "Contact educated")]),
    (
        "hs_lead_status",
        &[
            ("NEW", "New"),
            ("OPEN", "Open"),
            ("IN_PROGRESS", "In progress"),
            ("OPEN_DEAL", "Open deal"),
            ("UNQUALIFIED", "Unqualified"),
            ("ATTEMPTED_TO_CONTACT", "Attempted to contact"),
            ("CONNECTED", "Connected"),
            ("BAD_TIMING", "Bad timing"),
        ],
    ),
    (
        "hs_lead_type",
        &[("NEW_BUSINESS", "New business"), ("UPSELL", "Upsell"), ("RE_ATTEMPTING", "Re-attempting")],
    ),
    ("hs_lead_label", &[("HOT", "Hot"), ("WARM", "Warm"), ("COLD", "Cold")]),
    ("hs_analytics_source", &TRAFFIC),
    ("hs_latest_source", &TRAFFIC),
    ("lifecyclestage", &LIFECYCLE),
    (
        "hs_task_status",
        &[
            ("NOT_STARTED", "Not started"),
            ("IN_PROGRESS", "In progress"),
            ("WAITING", "Waiting"),
            ("COMPLETED", "Completed"),
            ("DEFERRED", "Deferred"),
        ],
    ),
    ("hs_task_priority", &[("NONE", "None"), ("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High")]),
    ("hs_task_type", &[("TODO", "To do"), ("CALL", "Call"), ("EMAIL", "Email")]),
    ("hs_call_direction", &[("INBOUND", "Inbound"), ("OUTBOUND", "Outbound")]),
    (
        "hs_call_status",
        &[
            ("BUSY", "Busy"),
            ("CALLING_CRM_USER", "Calling CRM user"),
            ("CANCELED", "Canceled"),
            ("COMPLETED", "Completed"),
            ("CONNECTING", "Connecting"),
            ("FAILED", "Failed"),
            ("IN_PROGRESS", "In progress"),
            ("NO_ANSWER", "No answer"),
            ("QUEUED", "Queued"),
            ("RINGING", "Ringing"),
        ],
    ),
    (
        "hs_email_direction",
        &[("EMAIL", "Outgoing"), ("INCOMING_EMAIL", "Incoming"), ("FORWARDED_EMAIL", "Forwarded")],
    ),
    (
        "hs_email_status",
        &[
            ("BOUNCED", "Bounced"),
            ("FAILED", "Failed"),
            ("SCHEDULED", "Scheduled"),
            ("SENDING", "Sending"),
            ("SENT", "Sent"),
        ],
    ),
    (
        "hs_meeting_outcome",
        &[
            ("SCHEDULED", "Scheduled"),
            ("COMPLETED", "Completed"),
            ("RESCHEDULED", "Rescheduled"),
            ("NO_SHOW", "No show"),
            ("CANCELED", "Canceled"),
        ],
    ),
];

const TRAFFIC: [(&str, &str); 9] = [
    ("ORGANIC_SEARCH", "Organic search"),
    ("PAID_SEARCH", "Paid search"),
    ("EMAIL_MARKETING", "Email marketing"),
    ("SOCIAL_MEDIA", "Organic social"),
    ("REFERRALS", "Referrals"),
    ("OTHER_CAMPAIGNS", "Other campaigns"),
    ("DIRECT_TRAFFIC", "Direct traffic"),
    ("OFFLINE", "Offline sources"),
    ("PAID_SOCIAL", "Paid social"),
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
