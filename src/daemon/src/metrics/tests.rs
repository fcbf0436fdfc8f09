use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A strict reading of OpenMetrics text: every line is metadata of a known metric, a sample with escaped labels and a number, or the end.
pub(crate) fn parses(text: &str) {
    let body = text.strip_suffix("# EOF\n").expect("ends with # EOF");
    let documented: BTreeMap<&str, &Described> =
        METRICS.iter().map(|each| (each.name.trim_end_matches("_total"), each)).collect();
    let mut seen = BTreeSet::new();
    for line in body.lines() {
        if let Some(meta) = line.strip_prefix("# ") {
            let (kind, rest) = meta.split_once(' ').expect(line);
            let (name, rest) = rest.split_once(' ').expect(line);
            assert!(documented.contains_key(name), "{name} is not documented");
            match kind {
                "HELP" => assert!(!rest.is_empty(), "{line}"),
                "TYPE" => assert_eq!(rest, documented[name].kind, "{line}"),
                other => panic!("unknown metadata {other}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect(line);
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(seen.insert(series.to_owned()), "{series} twice");
        let (name, labels) = series
            .split_once('{')
            .map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').expect(line)));
        let base = ["_total", "_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name);
        let described = documented
            .get(base)
            .or_else(|| documented.get(name))
            .unwrap_or_else(|| panic!("{name} is not documented"));
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (label, _) = label.split_once("=\"").expect(line);
            assert!(
                described.labels.contains(&label) || label == "le",
                "{line}: label {label} is not documented"
            );
        }
    }
}

#[test]
fn h08_no_metric_has_a_label_for_records_or_people() {
    for metric in METRICS {
        for label in metric.labels {
            assert!(
                !["record", "stream", "handoff", "by", "user", "sender", "receiver", "why"].contains(label),
                "{}",
                metric.name
            );
        }
    }
}

#[test]
fn counts_become_floats_exactly() {
    assert!((float(5_000_000_000_u64) - 5e9).abs() < f64::EPSILON);
    assert!((float(7_usize) - 7.0).abs() < f64::EPSILON);
}

// `HANDOFFD_BLESS=1 cargo test -p handoffd the_printed_table` writes it anew.
#[test]
fn the_printed_table_of_metrics_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/METRICS.md");
    let now = format!(
        "# Metrics\n\nServed at `/metrics` as OpenMetrics text. No label holds a record, a person or a value.\n\n{}",
        markdown()
    );
    if std::env::var_os("HANDOFFD_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), now, "deploy/METRICS.md is out of date");
}
