//! Metrics 5 and 6 in the rows of a report. They are made of what is told of accounts and not of cycles, so they are filled in where a report
//! is asked for; rows of frozen months stay as they were frozen.

use std::collections::BTreeMap;

use super::{Figure, Metric, Slice, churn, nps};
use crate::account::Accounts;
use crate::crossing::{Crossing, Scope, crossings};
use crate::report::Report;
use crate::scorecard::Scorecard;

/// Fills them in; every account stands in the row of the period of its first transition under the contract.
pub fn fill(report: &mut Report, scorecard: &Scorecard, accounts: &Accounts) {
    if accounts.is_silent() {
        return;
    }
    let (found, _) = crossings(scorecard, accounts);
    let mut rows: BTreeMap<(&str, &str, Slice), Vec<&Crossing>> = BTreeMap::new();
    for (contract, crossing) in
        found.iter().flat_map(|(contract, own)| own.values().map(move |each| (contract, each)))
    {
        let motion = crossing.stream.split('/').nth(1).unwrap_or_default();
        for slice in [Slice::of(report.by, crossing.at), Slice::All] {
            rows.entry((contract.as_str(), motion, slice)).or_default().push(crossing);
        }
    }
    for row in report.rows.iter_mut().filter(|row| row.version.is_none()) {
        let Some(slice) = row.period.as_deref().map_or(Some(Slice::All), Slice::named) else { continue };
        let own = rows.get(&(row.contract.as_str(), row.motion.as_str(), slice));
        let own = || own.into_iter().flatten().copied();
        let window = slice.window(report.as_of);
        // All time ends now, and whatever happened now is in it.
        let scope = Scope { window, as_of: report.as_of };
        let is_asked = nps::applies(&row.contract);
        for figure in &mut row.figures {
            if figure.metric == Metric::LeakToChurn {
                *figure = churn::share(own(), accounts, scope);
            } else if figure.metric == Metric::NpsDelta && is_asked {
                *figure = nps::around(own(), accounts, scope).figure(window);
            } else if figure.metric == Metric::NpsDelta {
                let why = "before this handoff nobody is a customer";
                *figure = Figure::not_measurable(Metric::NpsDelta, window, why);
            }
        }
    }
}
