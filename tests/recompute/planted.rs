//! The check itself is checked: worlds hold every kind of figure, and of figures that are off by their last digit each one is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use handoff_measure::worlds;
use handoffd::export::Format;
use handoffd_tests::recompute::{python, recompute};

use super::whole;

/// The six, and two that are merely counted.
const METRICS: [&str; 8] = [
    "completion",
    "acceptance",
    "time_to_acceptance",
    "re_discovery",
    "nps_delta",
    "leak_to_churn",
    "held_by_system",
    "bypasses",
];

struct Sheet {
    path: PathBuf,
    columns: BTreeMap<String, usize>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    fn read(folder: &Path, table: &str) -> Self {
        let path = std::fs::read_dir(folder.join(table)).unwrap().next().unwrap().unwrap().path();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(&path).unwrap();
        let text = |row: csv::StringRecord| row.iter().map(str::to_owned).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = reader.records().map(|row| text(row.unwrap())).collect();
        let columns = rows[0].iter().cloned().zip(0..).collect();
        Self { path, columns, rows }
    }

    fn cell(&self, row: usize, column: &str) -> &str {
        &self.rows[row][self.columns[column]]
    }

    /// Rows of a figure, from 1.
    fn of<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = usize> + 'a {
        (1..self.rows.len()).filter(move |row| self.cell(*row, "metric") == metric)
    }

    fn write(&self) {
        let mut writer = csv::Writer::from_path(&self.path).unwrap();
        self.rows.iter().for_each(|row| writer.write_record(row).unwrap());
        writer.flush().unwrap();
    }
}

/// Another cell, as near as can be.
fn off(cell: &str) -> String {
    match cell {
        "" => "1".to_owned(),
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        "on_target" | "below" | "aspirational" => "not_measurable".to_owned(),
        "not_measurable" => "below".to_owned(),
        "wilson" | "order_statistics" | "student_t" => "katz_log".to_owned(),
        "running" | "provisional" => "final".to_owned(),
        "final" => "running".to_owned(),
        number => {
            let (head, last) = number.split_at(number.len() - 1);
            format!("{head}{}", if last == "9" { "8" } else { "9" })
        }
    }
}

/// How many rows of a metric there are of each kind.
fn kinds(sheet: &Sheet, metric: &str) -> [(&'static str, usize); 9] {
    let count = |is: &dyn Fn(usize) -> bool| sheet.of(metric).filter(|row| is(*row)).count();
    let number = |row: usize, column: &str| sheet.cell(row, column).parse::<u32>().unwrap_or_default();
    let told = |row: usize, column: &str| !sheet.cell(row, column).is_empty();
    let weekly = |row: usize| told(row, "period");
    let provisional = |row: usize, is: &str| sheet.cell(row, "provisional") == is;
    [
        ("with a value and an interval", count(&|row| told(row, "value") && told(row, "low"))),
        ("of a week or month with a value", count(&|row| weekly(row) && told(row, "value"))),
        ("not measurable", count(&|row| !told(row, "value"))),
        ("provisional", count(&|row| provisional(row, "true"))),
        ("not provisional", count(&|row| provisional(row, "false") && told(row, "value"))),
        (
            "of cycles worked out afterwards",
            count(&|row| told(row, "value") && number(row, "reconstructed") > 0),
        ),
        ("of an empty window", count(&|row| weekly(row) && number(row, "n") == 0)),
        ("final", count(&|row| sheet.cell(row, "standing") == "final")),
        ("with something left out", count(&|row| number(row, "left_out") > 0)),
    ]
}

#[test]
fn worlds_hold_every_kind_of_figure() {
    // A small one ends while much is under way; in a large one many accounts leave in the same month.
    let sheets = [2_500, 6_000].map(|handoffs| {
        let out = tempfile::tempdir().unwrap();
        whole(&worlds::log(1, handoffs), out.path(), Format::Csv);
        Sheet::read(out.path(), "metrics")
    });
    for metric in &METRICS[3..6] {
        let [small, large] = sheets.each_ref().map(|sheet| kinds(sheet, metric));
        for ((what, few), (_, many)) in small.into_iter().zip(large) {
            // Somebody always stays, and may leave; and whoever accepted can be asked.
            let never = [("leak_to_churn", "not provisional"), ("re_discovery", "with something left out")];
            assert!(few + many > 0 || never.contains(&(*metric, what)), "{metric}: none is {what}");
        }
    }
    let [sheet, _] = &sheets;
    let under = |row: &usize| (1..5).contains(&sheet.cell(*row, "n").parse::<u32>().unwrap());
    let lone = sheet.of("nps_delta").filter(under).find(|row| !sheet.cell(*row, "value").is_empty());
    assert!(lone.is_some_and(|row| sheet.cell(row, "low").is_empty()), "too few for an interval");
    let few = sheet.of("leak_to_churn").filter(under).find(|row| !sheet.cell(*row, "met").is_empty());
    assert!(few.is_some_and(|row| sheet.cell(row, "value").is_empty()), "too few for a value");
}

#[test]
fn of_figures_that_are_off_by_their_last_digit_each_one_is_found() {
    let Some(python) = python() else { return };
    let out = tempfile::tempdir().unwrap();
    whole(&worlds::log(1, 900), out.path(), Format::Csv);
    let mut planted = 0;
    for (table, metrics) in [("metrics", &METRICS[..]), ("people", &METRICS[..3])] {
        let mut sheet = Sheet::read(out.path(), table);
        let all = ["value", "met", "n", "band", "provisional", "low", "high", "method", "left_out"];
        let more = ["reconstructed", "standing"];
        for metric in metrics {
            let mut used = Vec::new();
            for column in all.iter().chain(more.iter().filter(|column| sheet.columns.contains_key(**column)))
            {
                let fits = |row: &usize| !sheet.cell(*row, column).is_empty() && !used.contains(row);
                let Some(row) = sheet.of(metric).find(fits) else { continue };
                let place = sheet.columns[*column];
                sheet.rows[row][place] = off(&sheet.rows[row][place]);
                used.push(row);
            }
            assert!(used.len() >= 4, "{table} {metric}: {used:?}");
            planted += used.len();
        }
        sheet.write();
    }
    let (agree, said) = recompute(python, out.path(), Format::Csv);
    assert!(!agree && said.contains(&format!(", {planted} differ")), "{planted} were planted: {said}");
}
