//! The tables: their columns, what a cell may hold, and how it is written as text.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

mod columns;

/// Version of the tables' shapes. Columns are only ever added, at the end; a change of meaning counts it up.
pub const VERSION: u32 = 1;

/// A table of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// What happened to handoffs, one row per event.
    Events,
    /// The fields that events speak of, one row per event and field.
    EventFields,
    /// How each package stood whenever something was decided about it.
    Packages,
    /// What happened to the installation itself.
    System,
    /// Contract texts, as they were published.
    Contracts,
    /// What was told of questions that customers had answered before.
    Reasks,
    /// What sources tell of accounts.
    Accounts,
    /// Answers to surveys.
    Surveys,
    /// Handoff cycles as they stand at the end of the export.
    Handoffs,
    /// The scorecard's figures at the end of the export.
    Metrics,
    /// People's figures at the end of the export.
    People,
    /// Frozen months, as the log says them.
    Frozen,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, UTF-8.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// An exact decimal; in Parquet and Arrow a decimal of 38 digits, [`SCALE`] of them after the point.
    Number,
    /// A moment in UTC, to the microsecond.
    Moment,
    /// A day.
    Day,
    /// Yes or no.
    Flag,
}

/// Digits after the point of a number in Parquet and Arrow. Figures are made with at most so many.
pub const SCALE: u32 = 9;

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds; any cell may be empty.
    pub kind: Kind,
    /// What it says.
    pub says: &'static str,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Empty.
    Nothing,
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// An exact decimal.
    Number(Decimal),
    /// Microseconds since 1970 in UTC, rounded down.
    Moment(i64),
    /// A day.
    Day(Date),
    /// Yes or no.
    Flag(bool),
}

/// One row of a table, a cell per column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The table.
    pub table: Table,
    /// As many as the table has columns, in their order.
    pub cells: Vec<Cell>,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Events,
        Self::EventFields,
        Self::Packages,
        Self::System,
        Self::Contracts,
        Self::Reasks,
        Self::Accounts,
        Self::Surveys,
        Self::Handoffs,
        Self::Metrics,
        Self::People,
        Self::Frozen,
    ];

    /// Its name, and that of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::EventFields => "event_fields",
            Self::Packages => "packages",
            Self::System => "system",
            Self::Contracts => "contracts",
            Self::Reasks => "reasks",
            Self::Accounts => "accounts",
            Self::Surveys => "surveys",
            Self::Handoffs => "handoffs",
            Self::Metrics => "metrics",
            Self::People => "people",
            Self::Frozen => "frozen",
        }
    }

    /// What one row of it is.
    pub fn says(self) -> &'static str {
        match self {
            Self::Events => "one event of a handoff, as it was logged",
            Self::EventFields => "one field that an event speaks of",
            Self::Packages => "how a package stood when something was decided about it",
            Self::System => "something that happened to the installation",
            Self::Contracts => "one contract text, as it was published",
            Self::Reasks => "one thing that was told of questions that the customer had answered before",
            Self::Accounts => "what one source tells of an account from then on",
            Self::Surveys => "one answer to a survey",
            Self::Handoffs => {
                "one handoff cycle as it stands at the end of the export; a later export replaces the row with the same stream and cycle"
            }
            Self::Metrics => "one figure of the scorecard as of the end of the export",
            Self::People => "one figure of a person as of the end of the export",
            Self::Frozen => "one figure of a version of a frozen month, as it stands in the log",
        }
    }

    /// Its columns, in their order.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Events => columns::EVENTS,
            Self::EventFields => columns::EVENT_FIELDS,
            Self::Packages => columns::PACKAGES,
            Self::System => columns::SYSTEM,
            Self::Contracts => columns::CONTRACTS,
            Self::Reasks => columns::REASKS,
            Self::Accounts => columns::ACCOUNTS,
            Self::Surveys => columns::SURVEYS,
            Self::Handoffs => columns::HANDOFFS,
            Self::Metrics => columns::METRICS,
            Self::People => columns::PEOPLE,
            Self::Frozen => columns::FROZEN,
        }
    }
}

impl Kind {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "decimal(38, 9)",
            Self::Moment => "timestamp (UTC, microseconds)",
            Self::Day => "date",
            Self::Flag => "boolean",
        }
    }
}

impl Cell {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Text, if there is any.
    pub fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.into()))
    }

    /// A whole number; what does not fit is the largest.
    pub fn count(count: impl TryInto<i64>) -> Self {
        Self::Integer(count.try_into().unwrap_or(i64::MAX))
    }

    /// A moment, if there is one.
    pub fn moment(at: Option<Timestamp>) -> Self {
        let microseconds = |at: Timestamp| at.as_nanosecond().div_euclid(1_000);
        at.and_then(|at| i64::try_from(microseconds(at)).ok()).map_or(Self::Nothing, Self::Moment)
    }

    /// A day, if there is one.
    pub fn day(day: Option<Date>) -> Self {
        day.map_or(Self::Nothing, Self::Day)
    }

    /// Yes or no, if it is told.
    pub fn flag(flag: Option<bool>) -> Self {
        flag.map_or(Self::Nothing, Self::Flag)
    }

    /// An exact decimal, if there is one.
    pub fn number(number: Option<Decimal>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }

    /// Whether a column of this kind may hold it.
    pub fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::Nothing => true,
            Self::Text(_) => kind == Kind::Text,
            Self::Integer(_) => kind == Kind::Integer,
            Self::Number(_) => kind == Kind::Number,
            Self::Moment(_) => kind == Kind::Moment,
            Self::Day(_) => kind == Kind::Day,
            Self::Flag(_) => kind == Kind::Flag,
        }
    }

    /// As a cell of a CSV file: nothing is empty, and no text is one that a spreadsheet would run.
    pub fn csv(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => disarmed(text),
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.normalize().to_string(),
            Self::Moment(microseconds) => Timestamp::from_microsecond(*microseconds)
                .map_or_else(|_| String::new(), |at| format!("{at:.6}")),
            Self::Day(day) => day.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

/// Text that no spreadsheet runs and that stays in its line.
pub(crate) fn disarmed(text: &str) -> String {
    let plain: String = text.chars().map(|each| if each.is_control() { ' ' } else { each }).collect();
    let risky = |each: char| matches!(each, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '|' | '%');
    if plain.trim_start().starts_with(risky) { format!("'{plain}") } else { plain }
}
