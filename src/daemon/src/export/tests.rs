use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use handoff_measure::worlds;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::*;

fn export(log: &[LogEntry], out: &Path, format: Format, since: Since) -> Manifest {
    let mut export = Export::begin(out, format, since).unwrap();
    for (position, entry) in log.iter().enumerate() {
        export.take(u64::try_from(position).unwrap(), Some(entry)).unwrap();
    }
    export.finish(None).unwrap()
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}

const FORMATS: [Format; 3] = [Format::Parquet, Format::Arrow, Format::Csv];

#[test]
fn the_same_log_gives_the_same_bytes_and_nothing_else_is_left_behind() {
    let log = worlds::log(21, 60);
    for format in FORMATS {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let manifest = export(&log, one.path(), format, Since::Position(0));
        assert_eq!(export(&log, other.path(), format, Since::Position(0)), manifest);
        let relative = |folder: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
            let cut =
                |(path, bytes): (PathBuf, Vec<u8>)| (path.strip_prefix(folder).unwrap().to_owned(), bytes);
            files(folder).into_iter().map(cut).collect()
        };
        let written = relative(one.path());
        assert_eq!(written, relative(other.path()), "{format:?}");
        assert_eq!(written.len(), Table::ALL.len() + 1, "a file per table and the manifest");
        for written in manifest.tables.values() {
            let bytes = std::fs::read(one.path().join(&written.file)).unwrap();
            assert_eq!(hex(&Sha256::digest(&bytes)), written.sha256);
        }
        assert_eq!(Manifest::newest(one.path()).unwrap(), Some(manifest));
    }
}

#[test]
fn what_was_exported_last_is_continued_and_nothing_new_writes_nothing() {
    let log = worlds::log(22, 40);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Manifest::newest(folder.path()).unwrap(), None);
    let first = export(&log[..log.len() / 2], folder.path(), Format::Csv, Since::Position(0));
    let second = export(&log, folder.path(), Format::Csv, Since::Position(first.to));
    assert_eq!(Manifest::newest(folder.path()).unwrap(), Some(second.clone()));
    let before = files(folder.path());
    let third = export(&log, folder.path(), Format::Csv, Since::Position(second.to));
    assert!(third.tables.is_empty());
    assert_eq!(files(folder.path()), before);
}

#[test]
fn parquet_arrow_and_csv_hold_the_same_rows_and_say_what_they_are() {
    let log = worlds::with_frozen_months(&worlds::log(23, 60));
    let folder = tempfile::tempdir().unwrap();
    let [parquet, arrow, csv] =
        FORMATS.map(|format| export(&log, folder.path(), format, Since::Position(0)).tables);
    for table in Table::ALL {
        let rows = parquet[table.name()].rows;
        assert!(rows > 0, "{table:?}");
        let open = |written: &Written| File::open(folder.path().join(&written.file)).unwrap();
        let reader = SerializedFileReader::new(open(&parquet[table.name()])).unwrap();
        let told = reader.metadata().file_metadata();
        assert_eq!(u64::try_from(told.num_rows()).unwrap(), rows);
        let about = told.key_value_metadata().unwrap().iter().find(|pair| pair.key == "handoffd").unwrap();
        let about: serde_json::Value = serde_json::from_str(about.value.as_ref().unwrap()).unwrap();
        assert_eq!((&about["export"], &about["table"]), (&VERSION.into(), &table.name().into()));
        let names: Vec<&str> = told.schema_descr().columns().iter().map(|column| column.name()).collect();
        assert_eq!(names, table.columns().iter().map(|column| column.name).collect::<Vec<_>>());

        let reader = FileReader::try_new(open(&arrow[table.name()]), None).unwrap();
        assert_eq!(reader.schema(), batch::schema(table));
        let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), usize::try_from(rows).unwrap());

        let mut reader = csv::Reader::from_reader(open(&csv[table.name()]));
        assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), names);
        assert_eq!(reader.records().map(Result::unwrap).count(), usize::try_from(rows).unwrap());
    }
}

#[test]
fn a_damaged_manifest_is_told_and_nothing_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("manifest-000000000000-000000000009.json"), "{").unwrap();
    assert!(matches!(Manifest::newest(folder.path()), Err(ExportError::Manifest { .. })));
}

#[test]
fn an_interrupted_export_leaves_no_table_that_looks_whole() {
    let log = worlds::log(24, 20);
    let folder = tempfile::tempdir().unwrap();
    let mut begun = Export::begin(folder.path(), Format::Parquet, Since::Position(0)).unwrap();
    begun.take(0, log.first()).unwrap();
    drop(begun);
    assert!(files(folder.path()).keys().all(|path| path.ends_with(".part")));
    export(&log, folder.path(), Format::Parquet, Since::Position(0));
    assert!(!files(folder.path()).keys().any(|path| path.ends_with(".part")));
}

/// The documentation is made from the columns, so that neither can say what the other does not.
#[test]
fn the_documented_columns_are_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/EXPORT.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mark = "<!-- columns -->";
    let (head, _) = text.split_once(mark).unwrap();
    let mut now = format!("{head}{mark}\n");
    for table in Table::ALL {
        let (name, says) = (table.name(), table.says());
        let head = "| column | type | what it says |\n|---|---|---|";
        writeln!(now, "\n### {name}\n\nOne row is {says}.\n\n{head}").unwrap();
        for column in table.columns() {
            writeln!(now, "| `{}` | {} | {} |", column.name, column.kind.name(), column.says).unwrap();
        }
    }
    if std::env::var_os("HANDOFFD_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), now, "deploy/EXPORT.md is out of date");
}
