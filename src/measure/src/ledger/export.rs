//! A statement as bytes: the same statement gives the same bytes.

use rust_decimal::Decimal;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format as Style, Workbook, Worksheet, XlsxError};
use thiserror::Error;

use super::statement::{Row, Statement};
use crate::export::disarmed;

/// The columns of a table, in order.
const COLUMNS: [&str; 20] = [
    "period",
    "deal",
    "contract",
    "motion",
    "cycle",
    "stage",
    "payee",
    "percent",
    "amount",
    "currency",
    "state",
    "adjustment",
    "hold_reason",
    "who_must_act",
    "cleared_at",
    "quality_factor",
    "quality_n",
    "receipt",
    "mode",
    "standing",
];

/// Most significant digits that a spreadsheet's number keeps.
const DIGITS: u32 = 15;

/// How a statement is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A table, RFC 4180; cells that a spreadsheet would run are disarmed by an apostrophe.
    Csv,
    /// Everything, indented.
    Json,
    /// A table and the senders, for spreadsheets; amounts of more than 15 digits are text, so that none is rounded.
    Xlsx,
}

/// A statement that cannot be written.
#[derive(Debug, Error)]
pub enum ExportError {
    /// As CSV.
    #[error("the statement cannot be written as CSV")]
    Csv(#[from] csv::Error),
    /// As JSON.
    #[error("the statement cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// As XLSX.
    #[error("the statement cannot be written as a spreadsheet")]
    Xlsx(#[from] XlsxError),
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Json, Self::Xlsx];

    /// Its name, and the ending of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
        }
    }

    /// Writes a statement.
    pub fn write(self, statement: &Statement) -> Result<Vec<u8>, ExportError> {
        match self {
            Self::Csv => csv(statement),
            Self::Json => json(statement),
            Self::Xlsx => xlsx(statement),
        }
    }
}

/// A cell: what spreadsheets may calculate with, or words.
enum Cell {
    Number(Decimal),
    Words(String),
}

fn cells(statement: &Statement, row: &Row) -> [Cell; COLUMNS.len()] {
    let words = |text: &str| Cell::Words(text.to_owned());
    let maybe = |text: Option<&str>| Cell::Words(text.unwrap_or_default().to_owned());
    let number = |number: Option<Decimal>| number.map_or_else(|| Cell::Words(String::new()), Cell::Number);
    let standing = match statement.standing {
        super::Standing::Provisional => "provisional",
        super::Standing::Closed => "closed",
    };
    [
        words(&statement.period),
        words(&row.deal),
        words(&row.contract),
        words(&row.motion),
        Cell::Number(Decimal::from(row.cycle)),
        maybe(row.stage.as_deref()),
        words(&row.payee),
        number(row.percent),
        number(row.amount),
        maybe(row.currency.as_deref()),
        words(row.state.name()),
        number(row.adjustment.map(Decimal::from)),
        maybe(row.hold_reason.as_deref()),
        maybe(row.who_must_act.as_deref()),
        Cell::Words(row.cleared_at.map(handoff_core::words::instant).unwrap_or_default()),
        number(row.quality_factor),
        Cell::Number(Decimal::from(row.quality_n)),
        words(&row.receipt),
        words(&row.mode),
        words(standing),
    ]
}

/// As RFC 4180 CSV with a header and CRLF; numbers are exact decimals.
pub fn csv(statement: &Statement) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut bytes);
    writer.write_record(COLUMNS)?;
    for row in &statement.rows {
        writer.write_record(cells(statement, row).map(|cell| match cell {
            Cell::Number(number) => number.to_string(),
            Cell::Words(text) => disarmed(&text),
        }))?;
    }
    writer.flush().map_err(csv::Error::from)?;
    drop(writer);
    Ok(bytes)
}

/// As indented JSON with a newline at the end; numbers are exact decimals in text.
pub fn json(statement: &Statement) -> Result<Vec<u8>, ExportError> {
    let mut bytes = serde_json::to_vec_pretty(statement)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// As a workbook with the sheets `ledger` and `senders`. Its stamps are fixed, so that only what it says decides its bytes.
pub fn xlsx(statement: &Statement) -> Result<Vec<u8>, ExportError> {
    let mut book = Workbook::new();
    let fixed = ExcelDateTime::from_ymd(2000, 1, 1)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&fixed));
    let bold = Style::new().set_bold();
    let sheet = book.add_worksheet().set_name("ledger")?;
    sheet.write_row_with_format(0, 0, COLUMNS, &bold)?;
    for (index, row) in statement.rows.iter().enumerate() {
        let at = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        for (column, cell) in cells(statement, row).into_iter().enumerate() {
            put(sheet, at, u16::try_from(column).unwrap_or(u16::MAX), &cell)?;
        }
    }
    let sheet = book.add_worksheet().set_name("senders")?;
    // A month that was closed before quality was shrunk keeps its bytes.
    let is_shrunk = statement.senders.iter().any(|sender| sender.q_shrunk.is_some());
    let mut head = vec!["person", "completeness", "first_pass", "re_discovery", "q", "n", "factor"];
    head.extend(is_shrunk.then_some("q_shrunk"));
    sheet.write_row_with_format(0, 0, head, &bold)?;
    for (index, sender) in statement.senders.iter().enumerate() {
        let at = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        let not_measured = || Cell::Words("not measured yet".to_owned());
        let number = |number: Option<Decimal>| number.map_or_else(not_measured, Cell::Number);
        let mut row = vec![
            Cell::Words(sender.person.clone()),
            number(sender.completeness),
            number(sender.first_pass),
            number(sender.re_discovery),
            number(sender.q),
            Cell::Number(Decimal::from(sender.n)),
            Cell::Number(sender.factor),
        ];
        row.extend(is_shrunk.then(|| number(sender.q_shrunk)));
        for (column, cell) in row.into_iter().enumerate() {
            put(sheet, at, u16::try_from(column).unwrap_or(u16::MAX), &cell)?;
        }
    }
    Ok(book.save_to_buffer()?)
}

/// Writes a cell: words as words, never as a formula; numbers as numbers where a spreadsheet can hold them exactly.
fn put(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell) -> Result<(), XlsxError> {
    match cell {
        Cell::Words(text) if text.is_empty() => {}
        Cell::Words(text) => {
            let text: String =
                text.chars().map(|each| if each.is_control() { ' ' } else { each }).take(32_000).collect();
            sheet.write_string(row, column, text)?;
        }
        Cell::Number(number) => {
            let few = number.normalize().mantissa().unsigned_abs() < 10_u128.pow(DIGITS);
            match number.to_string().parse::<f64>() {
                Ok(float) if few => sheet.write_number(row, column, float)?,
                Ok(_) | Err(_) => sheet.write_string(row, column, number.to_string())?,
            };
        }
    }
    Ok(())
}
