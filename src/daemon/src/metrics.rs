//! Metrics in OpenMetrics text. Labels name what the configuration names; never records, people or values.

use std::fmt;
use std::sync::atomic::AtomicU64;

use handoff_connector::Lane;
use handoff_measure::live::Live;
use handoff_measure::metric::Metric;
use handoff_measure::report::Report;
use handoff_transport::{CircuitStatus, Note, Observer};
use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use rust_decimal::prelude::ToPrimitive as _;

use crate::api::model::phase;
use crate::view::View;

mod described;

pub use described::{Described, METRICS};

/// Media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(String, String)>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Counters = Family<Labels, Counter>;

/// The table of all metrics as Markdown; `deploy/METRICS.md` holds it.
pub fn markdown() -> String {
    let rows = METRICS.iter().map(|metric| {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{}` | {} | {} | {} |\n", metric.name, metric.kind, labels.join(", "), metric.help)
    });
    format!("| Metric | Kind | Labels | Meaning |\n| --- | --- | --- | --- |\n{}", rows.collect::<String>())
}

/// What the transports told since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    calls: Counters,
    throttled: Counters,
    refreshes: Counters,
    ledger: Counters,
    waits: Waits,
}

#[derive(Debug, Clone)]
struct Waits(Family<Labels, Histogram>);

impl Default for Waits {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new([0.005, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0])))
    }
}

impl Observer for Metrics {
    fn note(&self, note: Note) {
        match note {
            Note::Call { name, outcome } => {
                self.calls.get_or_create(&labels(&[("call", name), ("outcome", outcome)])).inc();
            }
            Note::Wait { lane, waited } => {
                self.waits
                    .0
                    .get_or_create(&labels(&[("lane", lane_name(lane))]))
                    .observe(waited.as_secs_f64());
            }
            Note::Throttled { budget, .. } => {
                self.throttled.get_or_create(&labels(&[("budget", budget)])).inc();
            }
            Note::Refresh { outcome } => {
                self.refreshes.get_or_create(&labels(&[("outcome", outcome)])).inc();
            }
            Note::LedgerFailed { budget } => {
                self.ledger.get_or_create(&labels(&[("budget", budget)])).inc();
            }
            // The connection's state is read when it is asked for.
            Note::Circuit { .. } => {}
        }
    }
}

impl Metrics {
    /// Everything as OpenMetrics text.
    pub fn text(
        &self,
        view: &View,
        report: &Report,
        live: &[Live],
        now: Timestamp,
    ) -> Result<String, fmt::Error> {
        let mut page = Page::default();
        page.registry.register("handoffd_calls", help("handoffd_calls_total"), self.calls.clone());
        page.registry.register(
            "handoffd_throttled",
            help("handoffd_throttled_total"),
            self.throttled.clone(),
        );
        page.registry.register(
            "handoffd_token_refreshes",
            help("handoffd_token_refreshes_total"),
            self.refreshes.clone(),
        );
        page.registry.register(
            "handoffd_ledger_failures",
            help("handoffd_ledger_failures_total"),
            self.ledger.clone(),
        );
        page.registry.register(
            "handoffd_call_wait_seconds",
            help("handoffd_call_wait_seconds"),
            self.waits.0.clone(),
        );
        page.daemon(view);
        page.books(view);
        page.connections(view, now);
        page.numbers(report);
        page.live(live);
        let mut text = String::new();
        encode(&mut text, &page.registry)?;
        Ok(text)
    }
}

#[derive(Default)]
struct Page {
    registry: Registry,
}

impl Page {
    fn gauges(&mut self, name: &'static str) -> Gauges {
        let family = Gauges::default();
        self.registry.register(name, help(name), family.clone());
        family
    }

    fn counters(&mut self, name: &'static str) -> Counters {
        let family = Counters::default();
        self.registry.register(name.trim_end_matches("_total"), help(name), family.clone());
        family
    }

    fn one(&mut self, name: &'static str, value: f64) {
        self.gauges(name).get_or_create(&Labels::new()).set(value);
    }

    fn daemon(&mut self, view: &View) {
        let (switch, head) = (view.switch(), view.head());
        self.one("handoffd_ready", if view.ready() { 1.0 } else { 0.0 });
        self.one("handoffd_writing", if switch.paused { 0.0 } else { 1.0 });
        self.one("handoffd_caps_reached", float(switch.tripped.len()));
        self.one("handoffd_log_entries", float(head.entries));
        self.one("handoffd_log_signed_entries", float(head.signed));
        if let Some(bytes) = resident() {
            self.one("handoffd_resident_memory_bytes", float(bytes));
        }
        let family = self.gauges("handoffd_handoffs");
        for ((contract, in_phase), count) in view.counts() {
            let labels = labels(&[("contract", contract.as_str()), ("phase", phase(in_phase))]);
            family.get_or_create(&labels).set(float(count));
        }
        let family = self.gauges("handoffd_recorded_calls");
        for calls in view.calls() {
            for (state, count) in [
                ("known", calls.known),
                ("evidence", calls.evidence),
                ("waiting", calls.waiting),
                ("unresolved", calls.unresolved.len()),
            ] {
                let labels = labels(&[("connection", calls.connection.as_str()), ("state", state)]);
                family.get_or_create(&labels).set(float(count));
            }
        }
        self.tasks(view);
        let family = self.gauges("handoffd_parked");
        for parked in view.parked() {
            family.get_or_create(&labels(&[("kind", &parked.kind)])).inc();
        }
    }

    fn tasks(&mut self, view: &View) {
        let states = self.gauges("handoffd_tasks");
        let written = self.counters("handoffd_tasks_written_total");
        for tasks in view.tasks() {
            let connection = tasks.connection.as_str();
            let known = [("open", tasks.open), ("ordered", tasks.ordered)];
            let waiting = tasks.waiting.iter().map(|(why, count)| (why.as_str(), *count));
            for (state, count) in known.into_iter().chain(waiting) {
                let labels = labels(&[("connection", connection), ("state", state)]);
                states.get_or_create(&labels).set(float(count));
            }
            for (outcome, count) in &tasks.written {
                let labels = labels(&[("connection", connection), ("outcome", outcome)]);
                written.get_or_create(&labels).inc_by(*count);
            }
        }
    }

    fn books(&mut self, view: &View) {
        let received = self.counters("handoffd_received_total");
        let outcomes = self.counters("handoffd_outcomes_total");
        let pending = self.gauges("handoffd_pending");
        for (source, account) in view.books() {
            let name = source.to_string();
            let (connection, channel) = name.rsplit_once('/').unwrap_or_default();
            let base = [("connection", connection), ("channel", channel)];
            received.get_or_create(&labels(&base)).inc_by(account.received);
            pending.get_or_create(&labels(&base)).set(float(account.pending));
            for (outcome, count) in [
                ("applied", account.applied),
                ("no_change", account.no_change),
                ("superseded", account.superseded),
                ("ignored", account.ignored),
                ("parked", account.parked),
            ] {
                let [connection, channel] = base;
                outcomes.get_or_create(&labels(&[connection, channel, ("outcome", outcome)])).inc_by(count);
            }
        }
        let refused = self.counters("handoffd_webhooks_refused_total");
        for ((connection, reason), count) in view.refusals() {
            let labels = labels(&[("connection", connection.as_str()), ("reason", reason)]);
            refused.get_or_create(&labels).inc_by(count);
        }
    }

    fn connections(&mut self, view: &View, now: Timestamp) {
        let circuit = self.gauges("handoffd_circuit_open");
        let due = self.gauges("handoffd_due");
        let scheduled = self.gauges("handoffd_scheduled");
        let age = self.gauges("handoffd_poll_age_seconds");
        let limit = self.gauges("handoffd_budget_limit");
        let used = self.gauges("handoffd_budget_used");
        let vendor_limit = self.gauges("handoffd_budget_vendor_limit");
        let vendor_used = self.gauges("handoffd_budget_vendor_used");
        for connection in view.connections() {
            let name = connection.connection.as_str();
            let shut = connection.transport.circuit == CircuitStatus::Closed;
            circuit.get_or_create(&labels(&[("connection", name)])).set(if shut { 0.0 } else { 1.0 });
            for object in &connection.objects {
                let labels = labels(&[("connection", name), ("object", object.object.as_str())]);
                due.get_or_create(&labels).set(float(object.due));
                scheduled.get_or_create(&labels).set(float(object.scheduled));
                if let Some(at) = object.polled_at {
                    age.get_or_create(&labels).set(now.duration_since(at).as_secs_f64().max(0.0));
                }
            }
            for budget in &connection.transport.budgets {
                let labels = labels(&[("connection", name), ("budget", budget.name)]);
                limit.get_or_create(&labels).set(float(budget.limit));
                for (family, value) in [
                    (&used, budget.used),
                    (&vendor_limit, budget.vendor_limit),
                    (&vendor_used, budget.vendor_used),
                ] {
                    if let Some(value) = value {
                        family.get_or_create(&labels).set(float(value));
                    }
                }
            }
        }
    }

    fn live(&mut self, live: &[Live]) {
        let values = [
            (Metric::Completion, self.gauges("handoffd_month_completion_percent")),
            (Metric::Acceptance, self.gauges("handoffd_month_acceptance_percent")),
            (Metric::TimeToAcceptance, self.gauges("handoffd_month_time_to_acceptance_hours")),
        ];
        let counts = self.gauges("handoffd_month_handoffs");
        let changed = self.gauges("handoffd_month_changed_timestamp_seconds");
        for live in live {
            let base = [("contract", live.contract.as_str()), ("motion", live.motion.as_str())];
            for (metric, family) in &values {
                let Some(figure) = live.figure(*metric) else { continue };
                if let Some(value) = figure.value.and_then(|value| value.to_f64()) {
                    family.get_or_create(&labels(&base)).set(value);
                }
                let [contract, motion] = base;
                let labels = labels(&[contract, motion, ("metric", figure.metric.title())]);
                counts.get_or_create(&labels).set(float(figure.n));
            }
            if let Some(at) = live.changed_at {
                changed
                    .get_or_create(&labels(&base))
                    .set(at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64());
            }
        }
    }

    fn numbers(&mut self, report: &Report) {
        let accepted = self.counters("handoffd_accepted_total");
        let rejections = self.counters("handoffd_rejections_total");
        let bypasses = self.counters("handoffd_bypasses_total");
        let overrides = self.counters("handoffd_overrides_total");
        let lapsed = self.counters("handoffd_exceptions_lapsed_total");
        let tampers = self.counters("handoffd_tampers_total");
        let adjustments = self.counters("handoffd_adjustments_total");
        let refused = self.counters("handoffd_refused_answers_total");
        let completion = self.gauges("handoffd_completion_ratio");
        let acceptance = self.gauges("handoffd_acceptance_ratio");
        let time = self.gauges("handoffd_time_to_acceptance_hours");
        for row in report.rows.iter().filter(|row| row.period.is_none()) {
            let base = [("contract", row.contract.as_str()), ("motion", row.motion.as_str())];
            let labels_of = labels(&base);
            for (family, count) in [
                (&accepted, row.counts.accepted),
                (&rejections, row.counts.rejections),
                (&bypasses, row.counts.bypasses),
                (&overrides, row.counts.overrides),
                (&lapsed, row.counts.exceptions_lapsed),
                (&tampers, row.counts.tampers),
                (&adjustments, row.counts.adjustments),
            ] {
                family.get_or_create(&labels_of).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
            }
            for (reason, count) in &row.counts.refused {
                let [contract, motion] = base;
                let labels = labels(&[contract, motion, ("reason", reason)]);
                refused.get_or_create(&labels).inc_by(u64::try_from(*count).unwrap_or(u64::MAX));
            }
            for (family, rate) in [(&completion, row.completion), (&acceptance, row.acceptance)] {
                if rate.n > 0 {
                    family.get_or_create(&labels_of).set(float(rate.met) / float(rate.n));
                }
            }
            let median = row.time_to_acceptance.and_then(|spread| spread.median_hours.to_f64());
            if let Some(hours) = median {
                time.get_or_create(&labels_of).set(hours);
            }
        }
    }
}

fn help(name: &str) -> &'static str {
    METRICS.iter().find(|metric| metric.name == name).map_or("", |metric| metric.help)
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A count as a float: exact up to 2^32, which no gauge of ours exceeds by much.
fn float(count: impl TryInto<u64>) -> f64 {
    let count: u64 = count.try_into().unwrap_or(u64::MAX);
    let (high, low) = (u32::try_from(count >> 32), u32::try_from(count & u64::from(u32::MAX)));
    f64::from(high.unwrap_or(u32::MAX)).mul_add(4_294_967_296.0, f64::from(low.unwrap_or(u32::MAX)))
}

fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::GateClose => "gate_close",
        Lane::GateOpen => "gate_open",
        Lane::Read => "read",
        Lane::Backfill => "backfill",
    }
}

/// Resident memory in bytes, as Linux tells.
pub fn resident() -> Option<u64> {
    status_bytes("VmRSS:")
}

/// The most resident memory that the process ever had, in bytes, as Linux tells.
pub fn peak_resident() -> Option<u64> {
    status_bytes("VmHWM:")
}

fn status_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}

#[cfg(test)]
pub(crate) mod tests;
