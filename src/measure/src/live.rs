//! The three live numbers of a contract and motion: the record, the page, the API and the metrics all show these, from here.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::metric::{Figure, Metric, Slice};
use crate::period::Period;
use crate::report::{Throughput, three, throughput};
use crate::scorecard::Scorecard;

/// Completion, acceptance and time to acceptance in the running month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// The contract.
    pub contract: String,
    /// The motion.
    pub motion: String,
    /// The month, e.g. `2026-02`.
    pub period: String,
    /// The three figures, in their order.
    pub figures: Vec<Figure>,
    /// How much went through.
    pub throughput: Throughput,
    /// When the newest log entry that changed one of the numbers of this contract and motion was made; absent = none did.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub changed_at: Option<Timestamp>,
}

impl Live {
    /// One of the three.
    pub fn figure(&self, metric: Metric) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.metric == metric)
    }
}

/// As it stands on a record, e.g. `2026-02: completion 92.31 % (n 13), receiver acceptance 84.62 % (n 13, provisional), time to acceptance
/// 24.63 h (n 12); as of 2026-02-11 08:15Z`.
impl fmt::Display for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.period)?;
        for (index, figure) in self.figures.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let provisional = if figure.provisional { ", provisional" } else { "" };
            write!(f, "{comma} {} {} (n {}{provisional})", figure.metric.title(), figure.words(), figure.n)?;
        }
        if let Some(at) = self.changed_at {
            write!(f, "; as of {}", at.strftime("%Y-%m-%d %H:%MZ"))?;
        }
        Ok(())
    }
}

impl Scorecard {
    /// The live numbers of every contract and motion, by name.
    pub fn live(&self, as_of: Timestamp) -> Vec<Live> {
        self.lines().filter_map(|line| self.live_line(line, as_of)).collect()
    }

    /// The live numbers of one contract and motion; `None` = no handoff of it is known.
    pub fn live_of(&self, contract: &str, motion: &str, as_of: Timestamp) -> Option<Live> {
        self.live_line(self.line_of(contract, motion)?, as_of)
    }

    fn live_line(&self, line: usize, as_of: Timestamp) -> Option<Live> {
        let state = self.line_state(line)?;
        let slice = Slice::of(Period::Month, as_of);
        let nothing = crate::cube::Cell::default();
        let cell = self.cell(line, slice).unwrap_or(&nothing);
        Some(Live {
            contract: state.line.contract.0.clone(),
            motion: state.line.motion.0.clone(),
            period: slice.name()?,
            figures: three(cell, slice, as_of).to_vec(),
            throughput: throughput(cell),
            changed_at: state.changed_at,
        })
    }
}
