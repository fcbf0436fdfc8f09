//! Weeks and months, in UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a report is cut into periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// ISO 8601 weeks, e.g. `2026-W07`.
    Week,
    /// Calendar months, e.g. `2026-02`.
    #[default]
    Month,
}

impl Period {
    /// The name of the period that holds `at`; names sort in time order for years 0 to 9999.
    pub fn of(self, at: Timestamp) -> String {
        let date = at.to_zoned(TimeZone::UTC).date();
        match self {
            Self::Week => {
                let week = date.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month => format!("{:04}-{:02}", date.year(), date.month()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_belongs_to_the_year_of_its_thursday_and_a_month_ends_in_utc() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(Period::Week.of(at("2027-01-01T00:00:00Z")), "2026-W53");
        assert_eq!(Period::Week.of(at("2026-01-01T00:00:00Z")), "2026-W01");
        assert_eq!(Period::Month.of(at("2026-02-28T23:59:59-05:00")), "2026-03");
    }
}
