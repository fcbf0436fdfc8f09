//! Why a query was refused, in the vendor's codes and words.

/// The vendor's error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SoqlErrorCode {
    /// A field that does not exist, or that this user may not see, or that cannot be used this way.
    InvalidField,
    /// An object that does not exist or that this user may not see.
    InvalidType,
    /// The text is not SOQL.
    MalformedQuery,
    /// A filter value that its field cannot be compared with.
    InvalidQueryFilterOperator,
    /// OFFSET beyond 2,000.
    NumberOutsideValidRange,
    /// The text is longer than 100,000 characters.
    QueryTooComplicated,
}

impl SoqlErrorCode {
    /// The code on the wire, e.g. `MALFORMED_QUERY`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidField => "INVALID_FIELD",
            Self::InvalidType => "INVALID_TYPE",
            Self::MalformedQuery => "MALFORMED_QUERY",
            Self::InvalidQueryFilterOperator => "INVALID_QUERY_FILTER_OPERATOR",
            Self::NumberOutsideValidRange => "NUMBER_OUTSIDE_VALID_RANGE",
            Self::QueryTooComplicated => "QUERY_TOO_COMPLICATED",
        }
    }
}

/// A refused query. `message` is what REST puts in the body's `message`, snippet and caret included.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct SoqlError {
    /// The code.
    pub code: SoqlErrorCode,
    /// The words.
    pub message: String,
}

impl SoqlError {
    pub(crate) fn new(code: SoqlErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// An error at byte `at` of `text`, with the vendor's snippet: the text around the place, a caret, row and column.
    pub(crate) fn at(code: SoqlErrorCode, text: &str, at: usize, detail: &str) -> Self {
        let before = text.get(..at.min(text.len())).unwrap_or(text);
        let row = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before.get(line_start..).map_or(0, |s| s.chars().count()) + 1;
        let line: Vec<char> =
            text.get(line_start..).unwrap_or("").chars().take_while(|&c| c != '\n').collect();
        let from = column.saturating_sub(1).saturating_sub(30);
        let snippet: String = line.iter().skip(from).take(80).collect();
        let pad = " ".repeat(column - 1 - from);
        Self::new(code, format!("\n{snippet}\n{pad}^\nERROR at Row:{row}:Column:{column}\n{detail}"))
    }
}
