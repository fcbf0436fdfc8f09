use super::*;
use crate::worlds;

fn all(log: &[LogEntry], since: Since) -> (Covered, Vec<Row>) {
    let mut exporter = Exporter::new(since);
    let mut rows = Vec::new();
    for (position, entry) in log.iter().enumerate() {
        rows.extend(exporter.apply(u64::try_from(position).unwrap(), Some(entry)));
    }
    let (covered, more) = exporter.finish(None);
    rows.extend(more);
    (covered, rows)
}

fn of(rows: &[Row], table: Table) -> Vec<&Row> {
    rows.iter().filter(|row| row.table == table).collect()
}

#[test]
fn every_row_has_a_cell_per_column_and_each_cell_fits_its_column() {
    let (_, rows) = all(&worlds::with_frozen_months(&worlds::log(5, 150)), Since::Position(0));
    for table in Table::ALL {
        let told = of(&rows, table);
        assert!(!told.is_empty(), "{table:?}");
        for row in told {
            assert_eq!(row.cells.len(), table.columns().len(), "{table:?}");
            for (cell, column) in row.cells.iter().zip(table.columns()) {
                assert!(cell.fits(column.kind), "{table:?}.{}: {cell:?}", column.name);
            }
        }
    }
}

#[test]
fn columns_have_names_of_their_own_and_words() {
    for table in Table::ALL {
        let names: BTreeSet<&str> = table.columns().iter().map(|column| column.name).collect();
        assert_eq!(names.len(), table.columns().len(), "{table:?}");
        assert!(table.columns().iter().all(|column| !column.says.is_empty()));
    }
}

#[test]
fn two_exports_one_after_the_other_tell_what_one_tells_and_nothing_twice() {
    let log = worlds::with_frozen_months(&worlds::log(9, 80));
    let (covered, whole) = all(&log, Since::Position(0));
    assert_eq!((covered.from, covered.to), (0, u64::try_from(log.len()).unwrap()));
    for cut in [1, log.len() / 3, log.len() - 1] {
        let (first, early) = all(&log[..cut], Since::Position(0));
        let (second, late) = all(&log, Since::Position(first.to));
        assert_eq!((second.from, second.to, second.as_of), (first.to, covered.to, covered.as_of));
        for table in [
            Table::Events,
            Table::EventFields,
            Table::Packages,
            Table::System,
            Table::Contracts,
            Table::Reasks,
            Table::Accounts,
            Table::Surveys,
            Table::Frozen,
        ] {
            let both: Vec<&Row> = of(&early, table).into_iter().chain(of(&late, table)).collect();
            assert_eq!(both, of(&whole, table), "{table:?}");
        }
        // The newest row of each cycle is the one that a single export tells.
        let mut newest = BTreeMap::new();
        for row in of(&early, Table::Handoffs).into_iter().chain(of(&late, Table::Handoffs)) {
            newest.insert((row.cells[0].csv(), row.cells[1].clone().csv().parse::<u32>().unwrap()), row);
        }
        assert_eq!(newest.into_values().collect::<Vec<_>>(), of(&whole, Table::Handoffs));
        for table in [Table::Metrics, Table::People] {
            assert_eq!(of(&late, table), of(&whole, table), "figures are of the whole log");
        }
    }
}

#[test]
fn a_date_begins_at_the_first_entry_logged_then_or_later() {
    let log = worlds::log(2, 30);
    let middle = log.len() / 2;
    let (covered, rows) = all(&log, Since::Moment(log[middle].at()));
    let first = log.iter().position(|entry| entry.at() >= log[middle].at()).unwrap();
    assert_eq!(covered.from, u64::try_from(first).unwrap());
    let (same, equal) = all(&log, Since::Position(covered.from));
    assert_eq!((covered, rows), (same, equal));
    let (nothing, rows) = all(&log, Since::Moment(Timestamp::MAX));
    assert_eq!(nothing.from, nothing.to);
    assert!(rows.iter().all(|row| matches!(row.table, Table::Metrics | Table::People)));
}

#[test]
fn no_words_of_people_and_no_value_of_a_package_leave_the_log() {
    let (_, rows) = all(&worlds::log(6, 200), Since::Position(0));
    let cells = rows.iter().flat_map(|row| &row.cells).filter(|cell| matches!(cell, Cell::Text(_)));
    let text = cells.map(Cell::csv).collect::<Vec<_>>().join("\n");
    for told in ["has no date", "board decides", "They expect", "Ledgerly", "003000000"] {
        assert!(!text.contains(told), "{told}");
    }
}

#[test]
fn e12_a_cell_that_a_spreadsheet_would_run_is_disarmed() {
    assert_eq!(Cell::text("=HYPERLINK(1)").csv(), "'=HYPERLINK(1)");
    assert_eq!(Cell::text("a\r\nb").csv(), "a  b");
    assert_eq!(Cell::Integer(-4).csv(), "-4");
    assert_eq!(
        Cell::moment(Some("2026-02-03T04:05:06.0000079Z".parse().unwrap())).csv(),
        "2026-02-03T04:05:06.000007Z"
    );
    assert_eq!(
        Cell::moment(Some("0001-01-01T00:00:00.5Z".parse().unwrap())).csv(),
        "0001-01-01T00:00:00.500000Z"
    );
}

#[test]
fn erased_entries_leave_a_gap_and_nothing_else() {
    let log = worlds::log(4, 20);
    let mut exporter = Exporter::new(Since::Position(0));
    assert!(exporter.apply(0, None).is_empty());
    for (position, entry) in log.iter().enumerate() {
        exporter.apply(u64::try_from(position).unwrap() + 1, Some(entry));
    }
    let (covered, _) = exporter.finish(None);
    assert_eq!((covered.from, covered.to), (0, u64::try_from(log.len()).unwrap() + 1));
}

#[test]
fn what_was_worked_out_afterwards_is_told_as_if_it_had_been_watched() {
    let log = worlds::quiet(8, 120);
    let is_decided = |entry: &LogEntry| matches!(entry, LogEntry::Decided { .. });
    let confirmed: BTreeSet<String> = log
        .iter()
        .filter(|entry| !is_decided(entry))
        .filter_map(|entry| entry.handoff().map(|(handoff, _)| handoff.stream()))
        .collect();
    let watched: Vec<LogEntry> = log
        .into_iter()
        .filter(|entry| entry.handoff().is_none_or(|(handoff, _)| !confirmed.contains(&handoff.stream())))
        .collect();
    assert!(watched.iter().filter(|entry| is_decided(entry)).count() > 50);
    let afterwards = |entry: LogEntry| {
        let LogEntry::Decided { handoff, contract, terms, at, seen, events } = entry else { return entry };
        let (unknown, made) = (BTreeMap::new(), at);
        LogEntry::Reconstructed { handoff, contract, terms, at, seen, events, unknown, made }
    };
    let (_, live) = all(&watched, Since::Position(0));
    let (_, past) = all(&watched.into_iter().map(afterwards).collect::<Vec<_>>(), Since::Position(0));
    for table in [Table::Events, Table::EventFields, Table::People] {
        assert_eq!(of(&past, table), of(&live, table), "{table:?}");
    }
    // They say so, and nothing else is otherwise.
    let but = |rows: &[Row], table: Table, marks: &[&str]| {
        let plain = |row: &Row| {
            let cells = table.columns().iter().zip(&row.cells);
            let kept = cells.filter(|(column, _)| !marks.contains(&column.name));
            kept.map(|(_, cell)| cell.clone()).collect::<Vec<_>>()
        };
        of(rows, table).into_iter().map(plain).collect::<Vec<_>>()
    };
    let marks = ["reconstructed"];
    assert_eq!(but(&past, Table::Handoffs, &marks), but(&live, Table::Handoffs, &marks));
    let counted = |rows: &[Row]| {
        let name = Cell::text("reconstructed");
        rows.iter().filter(|row| !row.cells.contains(&name)).cloned().collect::<Vec<_>>()
    };
    let (past_figures, live_figures) = (counted(&past), counted(&live));
    assert_eq!(but(&past_figures, Table::Metrics, &marks), but(&live_figures, Table::Metrics, &marks));
    for (told, seen) in of(&past, Table::Packages).into_iter().zip(of(&live, Table::Packages)) {
        let marks = told.cells.len() - 2;
        assert_eq!(told.cells[..marks], seen.cells[..marks]);
        assert_eq!(told.cells[marks..], [Cell::Flag(true), Cell::Integer(0)]);
        assert_eq!(seen.cells[marks..], [Cell::Flag(false), Cell::Nothing]);
    }
}
