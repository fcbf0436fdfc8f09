//! Every metric, as it is documented.

/// One metric as documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Name as it is scraped.
    pub name: &'static str,
    /// `gauge`, `counter` or `histogram`.
    pub kind: &'static str,
    /// Labels.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub help: &'static str,
}

const fn described(
    name: &'static str,
    kind: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Described {
    Described { name, kind, labels, help }
}

/// Every metric there is.
pub const METRICS: &[Described] = &[
    described("handoffd_ready", "gauge", &[], "1 once a first pass over all changes has ended"),
    described("handoffd_writing", "gauge", &[], "1 while gates are written, 0 while paused"),
    described("handoffd_caps_reached", "gauge", &[], "Mappings whose cap of writes per hour was reached"),
    described("handoffd_handoffs", "gauge", &["contract", "phase"], "Handoffs by phase"),
    described(
        "handoffd_received_total",
        "counter",
        &["connection", "channel"],
        "Mentions of records that came in",
    ),
    described(
        "handoffd_outcomes_total",
        "counter",
        &["connection", "channel", "outcome"],
        "What became of them",
    ),
    described(
        "handoffd_pending",
        "gauge",
        &["connection", "channel"],
        "Mentions that wait for their outcome",
    ),
    described(
        "handoffd_webhooks_refused_total",
        "counter",
        &["connection", "reason"],
        "Deliveries turned away or without effect since the start",
    ),
    described(
        "handoffd_recorded_calls",
        "gauge",
        &["connection", "state"],
        "Recorded calls: known, evidence, waiting, unresolved",
    ),
    described(
        "handoffd_tasks",
        "gauge",
        &["connection", "state"],
        "Tasks for people: open, ordered, and owed without one by reason (quiet, cap, nobody, refused)",
    ),
    described(
        "handoffd_tasks_written_total",
        "counter",
        &["connection", "outcome"],
        "Tasks created, changed, closed and refused since the start",
    ),
    described("handoffd_parked", "gauge", &["kind"], "Records that wait for somebody"),
    described("handoffd_due", "gauge", &["connection", "object"], "Records due now or being worked on"),
    described(
        "handoffd_scheduled",
        "gauge",
        &["connection", "object"],
        "Records that will be due by time alone",
    ),
    described(
        "handoffd_poll_age_seconds",
        "gauge",
        &["connection", "object"],
        "Seconds since a pass over the changes ended",
    ),
    described(
        "handoffd_circuit_open",
        "gauge",
        &["connection"],
        "1 while nothing is sent because the CRM denies or is down",
    ),
    described(
        "handoffd_budget_limit",
        "gauge",
        &["connection", "budget"],
        "Calls that we allow ourselves per window",
    ),
    described("handoffd_budget_used", "gauge", &["connection", "budget"], "Our own calls in the window"),
    described(
        "handoffd_budget_vendor_limit",
        "gauge",
        &["connection", "budget"],
        "The vendor's limit as last reported",
    ),
    described(
        "handoffd_budget_vendor_used",
        "gauge",
        &["connection", "budget"],
        "Calls of everybody as the vendor last reported",
    ),
    described("handoffd_calls_total", "counter", &["call", "outcome"], "HTTP calls to CRMs since the start"),
    described(
        "handoffd_throttled_total",
        "counter",
        &["budget"],
        "Times a CRM asked us to wait since the start",
    ),
    described("handoffd_token_refreshes_total", "counter", &["outcome"], "Tokens asked for since the start"),
    described(
        "handoffd_ledger_failures_total",
        "counter",
        &["budget"],
        "Times a budget's count could not be saved since the start",
    ),
    described("handoffd_call_wait_seconds", "histogram", &["lane"], "Time a call waited for its turn"),
    described("handoffd_log_entries", "gauge", &[], "Durable log entries"),
    described("handoffd_log_signed_entries", "gauge", &[], "Log entries that the last checkpoint covers"),
    described("handoffd_accepted_total", "counter", &["contract", "motion"], "Handoff cycles accepted"),
    described("handoffd_rejections_total", "counter", &["contract", "motion"], "Rejections"),
    described(
        "handoffd_bypasses_total",
        "counter",
        &["contract", "motion"],
        "Guarded stages entered while the gate was shut",
    ),
    described("handoffd_overrides_total", "counter", &["contract", "motion"], "Gates opened by break-glass"),
    described(
        "handoffd_exceptions_lapsed_total",
        "counter",
        &["contract", "motion"],
        "Exceptions whose day passed while their field was still missing",
    ),
    described("handoffd_tampers_total", "counter", &["contract", "motion"], "Flags set by somebody else"),
    described(
        "handoffd_adjustments_total",
        "counter",
        &["contract", "motion"],
        "Pay that had been released and was held again",
    ),
    described(
        "handoffd_refused_answers_total",
        "counter",
        &["contract", "motion", "reason"],
        "Answers that did not count",
    ),
    described(
        "handoffd_completion_ratio",
        "gauge",
        &["contract", "motion"],
        "Transitions with all mandatory fields filled before, of all transitions",
    ),
    described(
        "handoffd_acceptance_ratio",
        "gauge",
        &["contract", "motion"],
        "Cycles accepted on the first submission, of all decided",
    ),
    described(
        "handoffd_time_to_acceptance_hours",
        "gauge",
        &["contract", "motion"],
        "Median hours from completion to acceptance",
    ),
    described(
        "handoffd_month_completion_percent",
        "gauge",
        &["contract", "motion"],
        "Completion in the running month, as the page, the API and the records show it",
    ),
    described(
        "handoffd_month_acceptance_percent",
        "gauge",
        &["contract", "motion"],
        "Receiver acceptance in the running month, as the page, the API and the records show it",
    ),
    described(
        "handoffd_month_time_to_acceptance_hours",
        "gauge",
        &["contract", "motion"],
        "Median time to acceptance in the running month, as the page, the API and the records show it",
    ),
    described(
        "handoffd_month_handoffs",
        "gauge",
        &["contract", "motion", "metric"],
        "How many handoffs a number of the running month is made of",
    ),
    described(
        "handoffd_month_changed_timestamp_seconds",
        "gauge",
        &["contract", "motion"],
        "When the newest log entry that changed a number was made",
    ),
    described("handoffd_resident_memory_bytes", "gauge", &[], "Resident memory of the process"),
];
