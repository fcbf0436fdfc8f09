//! Where one part is found. In a file it is one table; [`ReadPath::way`] says which of the ways it is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::extract::{feed_relation, relation_key};
use crate::icp::IcpTake;
use crate::id::{ContractId, FieldKey, PartKey};

/// Column of `rows` that holds how many rows are alike in all other columns.
pub const COUNT_COLUMN: &str = "count()";

/// Where one part is found: exactly one of `field`, `related` with `take`, `count`, `newest`, `oldest`, `rows` or `series`, `feed` and
/// `key` with one of these, `carried` with `take`, or `icp`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadPath {
    /// A field on the record itself; a dotted path follows lookups where the CRM has them, e.g. `Account.Industry`.
    #[serde(default)]
    pub field: Option<String>,
    /// A child relationship, e.g. `OpportunityContactRoles`, or associated objects, e.g. `contacts`.
    #[serde(default)]
    pub related: Option<String>,
    /// Whose children: of the record that this lookup names, e.g. `AccountId`, or that is associated, e.g. `companies`; absent = the record's
    /// own.
    #[serde(default)]
    pub of: Option<String>,
    /// Field = value (or list of values, any of them) that the child row must have.
    #[serde(default, rename = "where")]
    pub matching: BTreeMap<String, Wanted>,
    /// The child row's field to take from the first match by id; with `carried` the other contract's `field.part`.
    #[serde(default)]
    pub take: Option<String>,
    /// The number of child rows.
    #[serde(default)]
    pub count: bool,
    /// The latest value of this date or date-time field of the child rows.
    #[serde(default)]
    pub newest: Option<String>,
    /// The earliest value of this date or date-time field of the child rows.
    #[serde(default)]
    pub oldest: Option<String>,
    /// A list with a row for each child row: the contract's column = the child row's field, or `count()` for one row for all that are alike.
    #[serde(default)]
    pub rows: Option<BTreeMap<String, String>>,
    /// Points over time, computed from the child rows.
    #[serde(default)]
    pub series: Option<SeriesPath>,
    /// The child row's date or date-time field that `window` looks at; absent = the one that `newest`, `oldest` or `series` names.
    #[serde(default)]
    pub dated: Option<String>,
    /// Leaves out child rows that are dated outside this time.
    #[serde(default)]
    pub window: Option<Window>,
    /// Instead of `related`: data that is sent to us, by the name of the feed.
    #[serde(default)]
    pub feed: Option<String>,
    /// The record's field by which the feed knows it.
    #[serde(default)]
    pub key: Option<String>,
    /// By reference to the accepted package of another handoff.
    #[serde(default)]
    pub carried: Option<CarriedPath>,
    /// What the mapping's `[icp]` makes of the record.
    #[serde(default)]
    pub icp: Option<IcpTake>,
}

/// What a field of a child row must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Wanted {
    /// This value.
    One(String),
    /// Any of these values.
    Any(Vec<String>),
}

impl Wanted {
    /// The values that fit.
    pub fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Any(values) => values,
        }
    }
}

impl From<&str> for Wanted {
    fn from(value: &str) -> Self {
        Self::One(value.to_owned())
    }
}

/// Points over time, computed from child rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesPath {
    /// The date or date-time field that places a row.
    pub at: String,
    /// The number field that is summed; absent = rows are counted.
    #[serde(default)]
    pub value: Option<String>,
    /// How long a point is.
    pub by: Step,
    /// One series for each value of this field: the part is a list with a column for the value and a column of kind `series`.
    #[serde(default)]
    pub per: Option<String>,
}

/// How long a point of a series is. A point carries its first day, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A day.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
}

/// A time to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// How many days it is long.
    pub days: u32,
    /// Where it ends.
    pub before: Anchor,
}

/// Where a window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// When the record entered the stages that open the handoff: what happens later does not change what was handed over.
    Opening,
}

/// Which handoff a part is carried from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CarriedPath {
    /// The other contract.
    pub contract: ContractId,
    /// The record's field that holds the id of that handoff's record.
    #[serde(default)]
    pub through: Option<String>,
    /// Instead of `through`: the children or associated records that may carry that handoff, e.g. `deals`; the first match by id counts.
    #[serde(default)]
    pub related: Option<String>,
    /// Field = value (or list of values) that the related record must have.
    #[serde(default, rename = "where")]
    pub matching: BTreeMap<String, Wanted>,
}

/// Child rows, before anything is made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows<'p> {
    /// The relationship, or the feed.
    pub related: &'p str,
    /// Of a feed: the record's field by which the feed knows it.
    pub fed_by: Option<&'p str>,
    /// Whose children; `None` = the record's own.
    pub of: Option<&'p str>,
    /// What a row must hold.
    pub matching: &'p BTreeMap<String, Wanted>,
    /// The field that dates a row, and the time that it must lie in.
    pub window: Option<(&'p str, Window)>,
}

/// One of the ways in which a part is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way<'p> {
    /// A field, or a path of lookups that ends in one.
    Field(&'p str),
    /// A field of the first fitting row.
    Take(Rows<'p>, &'p str),
    /// The number of fitting rows.
    Count(Rows<'p>),
    /// The latest date.
    Newest(Rows<'p>, &'p str),
    /// The earliest date.
    Oldest(Rows<'p>, &'p str),
    /// A row each: the contract's column → the row's field.
    Rows(Rows<'p>, &'p BTreeMap<String, String>),
    /// Points over time.
    Series(Rows<'p>, &'p SeriesPath),
    /// From the accepted package of another handoff.
    Carried {
        /// The other contract.
        contract: &'p ContractId,
        /// How its record is found.
        link: Link<'p>,
        /// Field of the other contract.
        field: FieldKey,
        /// Its part.
        part: PartKey,
    },
    /// Judged by the customer profile.
    Icp(IcpTake),
}

/// How the record of another handoff is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link<'p> {
    /// By the id that this field of the record holds.
    Through(&'p str),
    /// The first of these.
    Related(Rows<'p>),
}

/// Why a table is none of the ways.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Astray {
    /// Nothing to start from.
    #[error("names neither field, related, feed, carried nor icp")]
    NoStart,
    /// Two to start from.
    #[error("names both {0} and {1}")]
    TwoStarts(&'static str, &'static str),
    /// A key that does not belong to this way.
    #[error("has {key}, which does not go with {with}")]
    Stray {
        /// The key.
        key: &'static str,
        /// The key that it stands beside.
        with: &'static str,
    },
    /// A key is missing.
    #[error("has {with} without {key}")]
    Needs {
        /// The key.
        key: &'static str,
        /// The key that needs it.
        with: &'static str,
    },
    /// What to make of the rows is not said.
    #[error("names rows, but not what to make of them")]
    NoEnd,
    /// Two things to make of the rows.
    #[error("asks for {0} and {1} at once")]
    TwoEnds(&'static str, &'static str),
    /// `take` of something carried is no `field.part`.
    #[error("carries something that is not one part of one field")]
    NotAPart,
}

impl Astray {
    /// What to write instead.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoStart | Self::TwoStarts(..) => {
                "write { field = \"X__c\" } or { related = \"…\", where = { … }, take = \"…\" }"
            }
            Self::Stray { .. } => "remove it, or split the part in two",
            Self::Needs { key: "take", with: "carried" } | Self::NotAPart => {
                "write take = \"success_criteria.criteria\": field and part of the other contract"
            }
            Self::Needs { key: "key", .. } => "name the record's field by which the feed knows it",
            Self::Needs { key: "through", .. } => {
                "name the field with the other record's id: through = \"Opportunity__c\", or related = \"deals\""
            }
            Self::Needs { key: "dated", .. } => "name the row's date field: dated = \"CreatedDate\"",
            Self::Needs { .. } => "add it",
            Self::NoEnd => {
                "add one of take = \"F\", count = true, newest = \"F\", oldest = \"F\", rows = { … }, series = { … }"
            }
            Self::TwoEnds(..) => "keep one; give the other a part of its own",
        }
    }
}

impl ReadPath {
    /// A field on the record itself.
    pub fn of_field(name: &str) -> Self {
        Self { field: Some(name.to_owned()), ..Self::default() }
    }

    /// Which of the ways it is; anything that fits none, or more than one, is an error.
    pub fn way(&self) -> Result<Way<'_>, Astray> {
        match self.start()? {
            Start::Field(name) => self.alone("field", &[]).map(|()| Way::Field(name)),
            Start::Feed(feed) => {
                let key = self.key.as_deref().ok_or(Astray::Needs { key: "key", with: "feed" })?;
                if self.of.is_some() {
                    return Err(Astray::Stray { key: "of", with: "feed" });
                }
                self.of_rows(feed, Some(key))
            }
            Start::Carried(path) => {
                self.alone("carried", &["take"])?;
                let take = self.take.as_deref().ok_or(Astray::Needs { key: "take", with: "carried" })?;
                let (field, part) = take.split_once('.').ok_or(Astray::NotAPart)?;
                if field.is_empty() || part.is_empty() || part.contains('.') {
                    return Err(Astray::NotAPart);
                }
                let link = path.link()?;
                Ok(Way::Carried { contract: &path.contract, link, field: field.into(), part: part.into() })
            }
            Start::Icp(take) => self.alone("icp", &[]).map(|()| Way::Icp(take)),
            Start::Related(_) if self.key.is_some() => Err(Astray::Stray { key: "key", with: "related" }),
            Start::Related(related) => self.of_rows(related, None),
        }
    }

    fn start(&self) -> Result<Start<'_>, Astray> {
        let starts = [
            ("field", self.field.as_deref().map(Start::Field)),
            ("related", self.related.as_deref().map(Start::Related)),
            ("feed", self.feed.as_deref().map(Start::Feed)),
            ("carried", self.carried.as_ref().map(Start::Carried)),
            ("icp", self.icp.map(Start::Icp)),
        ];
        let mut named = starts.into_iter().filter_map(|(key, start)| Some((key, start?)));
        match (named.next(), named.next()) {
            (None, _) => Err(Astray::NoStart),
            (Some((_, start)), None) => Ok(start),
            (Some((first, _)), Some((second, _))) => Err(Astray::TwoStarts(first, second)),
        }
    }

    /// Every other key that is set, but for those allowed, is astray.
    fn alone(&self, with: &'static str, allowed: &[&str]) -> Result<(), Astray> {
        let ends = self.ends();
        let more = [
            ("of", self.of.is_some()),
            ("where", !self.matching.is_empty()),
            ("dated", self.dated.is_some()),
            ("window", self.window.is_some()),
            ("key", self.key.is_some()),
        ];
        let mut set = ends.into_iter().chain(more).filter(|(key, set)| *set && !allowed.contains(key));
        set.next().map_or(Ok(()), |(key, _)| Err(Astray::Stray { key, with }))
    }

    fn ends(&self) -> [(&'static str, bool); 6] {
        [
            ("take", self.take.is_some()),
            ("count", self.count),
            ("newest", self.newest.is_some()),
            ("oldest", self.oldest.is_some()),
            ("rows", self.rows.is_some()),
            ("series", self.series.is_some()),
        ]
    }

    fn of_rows<'p>(&'p self, related: &'p str, fed_by: Option<&'p str>) -> Result<Way<'p>, Astray> {
        let mut ends = self.ends().into_iter().filter(|(_, set)| *set).map(|(key, _)| key);
        match (ends.next(), ends.next()) {
            (None, _) => return Err(Astray::NoEnd),
            (Some(first), Some(second)) => return Err(Astray::TwoEnds(first, second)),
            (Some(_), None) => {}
        }
        if self.dated.is_some() && self.window.is_none() {
            return Err(Astray::Needs { key: "window", with: "dated" });
        }
        let own_date = self.newest.as_deref().or(self.oldest.as_deref());
        let own_date = own_date.or(self.series.as_ref().map(|series| series.at.as_str()));
        let window = match (self.window, self.dated.as_deref().or(own_date)) {
            (None, _) => None,
            (Some(window), Some(dated)) => Some((dated, window)),
            (Some(_), None) => return Err(Astray::Needs { key: "dated", with: "window" }),
        };
        let rows = Rows { related, fed_by, of: self.of.as_deref(), matching: &self.matching, window };
        let way = [
            self.take.as_deref().map(|take| Way::Take(rows, take)),
            self.count.then_some(Way::Count(rows)),
            self.newest.as_deref().map(|date| Way::Newest(rows, date)),
            self.oldest.as_deref().map(|date| Way::Oldest(rows, date)),
            self.rows.as_ref().map(|columns| Way::Rows(rows, columns)),
            self.series.as_ref().map(|series| Way::Series(rows, series)),
        ];
        way.into_iter().flatten().next().ok_or(Astray::NoEnd)
    }
}

impl CarriedPath {
    fn link(&self) -> Result<Link<'_>, Astray> {
        match (&self.through, &self.related) {
            (Some(_), Some(_)) => Err(Astray::TwoStarts("through", "related")),
            (None, None) => Err(Astray::Needs { key: "through", with: "carried" }),
            (Some(_), None) if !self.matching.is_empty() => {
                Err(Astray::Stray { key: "where", with: "through" })
            }
            (Some(field), None) => Ok(Link::Through(field)),
            (None, Some(related)) => Ok(Link::Related(Rows {
                related,
                fed_by: None,
                of: None,
                matching: &self.matching,
                window: None,
            })),
        }
    }
}

enum Start<'p> {
    Field(&'p str),
    Related(&'p str),
    Feed(&'p str),
    Carried(&'p CarriedPath),
    Icp(IcpTake),
}

impl<'p> Rows<'p> {
    /// The name under which the rows stand in a record.
    pub fn relation(&self) -> String {
        match self.fed_by {
            Some(field) => feed_relation(self.related, field),
            None => relation_key(self.of, self.related),
        }
    }

    /// Fields of the rows that choosing them needs.
    fn choosing(&self) -> impl Iterator<Item = &'p str> + use<'p> {
        self.matching.keys().map(String::as_str).chain(self.window.map(|(dated, _)| dated))
    }
}

impl<'p> Way<'p> {
    /// The child rows that it starts from, if it does.
    pub fn child_rows(&self) -> Option<&Rows<'p>> {
        match self {
            Self::Take(rows, _)
            | Self::Count(rows)
            | Self::Newest(rows, _)
            | Self::Oldest(rows, _)
            | Self::Rows(rows, _)
            | Self::Series(rows, _)
            | Self::Carried { link: Link::Related(rows), .. } => Some(rows),
            Self::Field(_) | Self::Carried { link: Link::Through(_), .. } | Self::Icp(_) => None,
        }
    }

    /// The fields of the child rows that are read.
    pub fn columns(&self) -> Vec<&'p str> {
        let made_of: Vec<&str> = match self {
            Self::Take(_, field) | Self::Newest(_, field) | Self::Oldest(_, field) => vec![field],
            Self::Rows(_, columns) => {
                columns.values().map(String::as_str).filter(|name| *name != COUNT_COLUMN).collect()
            }
            Self::Series(_, series) => std::iter::once(&series.at)
                .chain(&series.value)
                .chain(&series.per)
                .map(String::as_str)
                .collect(),
            Self::Count(_) | Self::Field(_) | Self::Carried { .. } | Self::Icp(_) => Vec::new(),
        };
        self.child_rows().into_iter().flat_map(Rows::choosing).chain(made_of).collect()
    }

    /// The field of the record itself that is read, if any.
    pub fn own_field(&self) -> Option<&'p str> {
        match self {
            Self::Field(name) => Some(name),
            Self::Carried { link: Link::Through(field), .. } => Some(field),
            Self::Carried { link: Link::Related(_), .. }
            | Self::Icp(_)
            | Self::Take(..)
            | Self::Count(_)
            | Self::Newest(..)
            | Self::Oldest(..)
            | Self::Rows(..)
            | Self::Series(..) => self.child_rows().and_then(|rows| rows.fed_by),
        }
    }
}

#[cfg(test)]
mod tests;
