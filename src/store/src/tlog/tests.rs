use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::log::{Entry, Log, LogOptions, Record, SealedPart};

const ORIGIN: &str = "example.com/handoffd-test";

struct House {
    dir: tempfile::TempDir,
    log: Log,
    publisher: Publisher,
}

fn entry(number: u64, salt: u8) -> Entry {
    let leaf = format!("{{\"n\":{number},\"s\":{salt}}}").into_bytes();
    let part = |bytes: usize| SealedPart { subject: "sf:Lead:1".into(), bytes: vec![salt; bytes] };
    let sealed = if number.is_multiple_of(3) { vec![part(9), part(40)] } else { Vec::new() };
    Entry { leaf, sealed }
}

fn key(dir: &Path, seed: u64) -> SigningKey {
    SigningKey::open(&dir.join("audit.key"), ORIGIN, &mut StdRng::seed_from_u64(seed)).unwrap()
}

fn open(dir: tempfile::TempDir) -> House {
    let (log, _) = Log::open(&dir.path().join("log"), LogOptions::default()).unwrap();
    let publisher = Publisher::open(&dir.path().join("audit"), key(dir.path(), 1), log.clone()).unwrap();
    House { dir, log, publisher }
}

impl House {
    fn new() -> Self {
        open(tempfile::tempdir().unwrap())
    }

    fn audit(&self) -> PathBuf {
        self.dir.path().join("audit")
    }

    fn append(&mut self, count: u64, salt: u8) -> Checkpoint {
        let from = self.log.head();
        let entries: Vec<_> = (from..from + count).map(|number| entry(number, salt)).collect();
        if !entries.is_empty() {
            self.log.append_blocking(entries, None).unwrap();
        }
        self.publisher.publish().unwrap()
    }

    fn verify(&self, older: Option<&[u8]>) -> Result<Report, VerifyError> {
        verify(&self.audit(), self.publisher.vkey(), older)
    }

    /// The answer of the verifier that shares no code with this crate: its standard error if it refuses.
    fn outside(&self, older: Option<&[u8]>) -> Result<(), String> {
        self.outside_with(self.publisher.vkey(), older)
    }

    fn outside_with(&self, vkey: &str, older: Option<&[u8]>) -> Result<(), String> {
        let mut arguments = vec![self.audit().display().to_string(), vkey.to_owned()];
        if let Some(older) = older {
            let path = self.dir.path().join("older");
            fs::write(&path, older).unwrap();
            arguments.extend(["--old".to_owned(), path.display().to_string()]);
        }
        python(&arguments)
    }

    fn restart(self) -> Self {
        let Self { dir, log, publisher } = self;
        drop(publisher);
        drop(log);
        open(dir)
    }
}

fn python(arguments: &[String]) -> Result<(), String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/verify_audit.py");
    let output = Command::new("python3").arg(script).args(arguments).output().unwrap();
    match output.status.code() {
        Some(0) => Ok(()),
        Some(1) => Err(String::from_utf8(output.stderr).unwrap()),
        other => panic!("{other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn tile(dir: &Path, name: &str) -> PathBuf {
    dir.join("tile").join(name)
}

/// Entries of a bundle file, changed and written back.
fn edit_bundle(path: &Path, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let bytes = fs::read(path).unwrap();
    let mut entries = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (entry, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry.to_vec());
        rest = tail;
    }
    edit(&mut entries);
    let framed = entries
        .iter()
        .flat_map(|entry| [&u16::try_from(entry.len()).unwrap().to_be_bytes(), entry.as_slice()].concat());
    fs::write(path, framed.collect::<Vec<_>>()).unwrap();
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_published_verifies_here_and_outside_at_every_kind_of_size() {
    let mut house = House::new();
    assert_eq!(house.append(0, 0).size, 0, "an empty log has a checkpoint too");
    house.verify(None).unwrap();
    house.outside(None).unwrap();
    let mut older = Vec::new();
    for count in [1, 1, 5, 248, 1, 1, 255, 300] {
        let checkpoint = house.append(count, 1);
        assert_eq!(checkpoint.size, house.log.head());
        assert_eq!(house.publisher.publish().unwrap(), checkpoint, "nothing new, nothing signed");
        let report = house.verify((!older.is_empty()).then_some(&older)).unwrap();
        assert_eq!(report.checkpoint, checkpoint);
        house.outside((!older.is_empty()).then_some(&older)).unwrap();
        let log_dir = house.dir.path().join("log");
        verify_against_log(&house.audit(), house.publisher.vkey(), None, &log_dir).unwrap();
        older = checkpoint.note;
        house = house.restart();
        assert_eq!(house.publisher.checkpoint().unwrap().size, checkpoint.size);
    }
}

#[test]
fn three_levels_of_tiles_hold_together() {
    let mut house = House::new();
    let early = house.append(1000, 1);
    while house.log.head() < 66_100 {
        let checkpoint = house.append(13_100, 1);
        assert_eq!(checkpoint.size, house.log.head());
    }
    assert!(tile(&house.audit(), "2/000.p/1").exists());
    house.verify(Some(&early.note)).unwrap();
    house.outside(Some(&early.note)).unwrap();
    house = house.restart();
    house.append(1, 1);
    house.verify(Some(&early.note)).unwrap();
    let last = house.publisher.checkpoint().unwrap().clone();
    let consistency = prove_consistency(&house.audit(), &last, early.size).unwrap();
    consistency.check(&early, &last).unwrap();
}

#[test]
fn g01_one_byte_in_an_entry_bundle_names_the_entry() {
    let mut house = House::new();
    house.append(700, 1);
    for (name, at, index) in [("entries/001", 3000, 256), ("entries/002.p/188", 20, 512)] {
        let path = tile(&house.audit(), name);
        flip(&path, at);
        let refused = house.verify(None).unwrap_err();
        let VerifyError::Entry { path: named, index: found, .. } = refused else { panic!("{refused}") };
        assert_eq!(named, path);
        assert!((index..index + 256).contains(&found));
        assert!(house.outside(None).unwrap_err().contains(name));
        flip(&path, at);
        // a changed length is no entry at all
        flip(&path, 1);
        assert!(house.verify(None).unwrap_err().to_string().contains(name));
        assert!(house.outside(None).unwrap_err().contains(name));
        flip(&path, 1);
    }
    house.verify(None).unwrap();
}

#[test]
fn g02_one_byte_in_a_hash_tile_names_the_tile() {
    let mut house = House::new();
    house.append(700, 1);
    for (name, byte) in [("0/000", 32 * 17), ("0/002.p/188", 5), ("1/000.p/2", 40)] {
        let path = tile(&house.audit(), name);
        flip(&path, byte);
        let refused = house.verify(None).unwrap_err();
        let VerifyError::Tile { path: named, at } = refused else { panic!("{refused}") };
        assert_eq!((named, at), (path.clone(), byte / 32));
        assert!(house.outside(None).unwrap_err().contains(name));
        flip(&path, byte);
    }
    let path = tile(&house.audit(), "0/000");
    flip(&path, 32 * 17);
    let checkpoint = house.publisher.checkpoint().unwrap();
    assert!(matches!(prove(&house.audit(), checkpoint, 18), Err(ProofError::Tiles { .. })));
    flip(&path, 32 * 17);
    fs::remove_file(tile(&house.audit(), "0/001")).unwrap();
    assert!(matches!(house.verify(None).unwrap_err(), VerifyError::Missing { .. }));
    assert!(house.outside(None).unwrap_err().contains("0/001"));
}

#[test]
fn g03_an_older_valid_state_is_told_by_a_newer_checkpoint_and_not_published_over() {
    let mut house = House::new();
    let older = house.append(300, 1);
    let newer = house.append(20, 1);
    fs::write(house.audit().join("checkpoint"), &older.note).unwrap();
    let refused = house.verify(Some(&newer.note)).unwrap_err();
    assert!(matches!(refused, VerifyError::RolledBack { old: 320, new: 300 }));
    assert!(refused.to_string().starts_with("ROLLED BACK"));
    assert!(house.outside(Some(&newer.note)).unwrap_err().contains("ROLLED BACK"));
    // the log was cut as well, but its checkpoint was forgotten
    fs::write(house.audit().join("checkpoint"), &newer.note).unwrap();
    let cut = tempfile::tempdir().unwrap();
    let (log, _) = Log::open(cut.path(), LogOptions::default()).unwrap();
    log.append_blocking((0..310).map(|number| entry(number, 1)).collect(), None).unwrap();
    let refused = Publisher::open(&house.audit(), key(house.dir.path(), 1), log).err().unwrap();
    assert!(matches!(refused, AuditError::RolledBack { published: 320, held: 310 }));
}

#[test]
fn g04_a_rewritten_and_re_signed_history_is_told_by_an_older_checkpoint() {
    let mut house = House::new();
    let kept = house.append(300, 1);
    let House { dir, log, publisher } = house;
    drop((log, publisher));
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    // the daemon itself does not publish over what it signed
    let (other, _) = Log::open(&dir.path().join("log"), LogOptions::default()).unwrap();
    other.append_blocking((0..320).map(|number| entry(number, 2)).collect(), None).unwrap();
    let refused =
        Publisher::open(&dir.path().join("audit"), key(dir.path(), 1), other.clone()).err().unwrap();
    assert!(matches!(refused, AuditError::Inconsistent { published: 300 }));
    // who owns the machine removes the audit log and signs anew
    drop(other);
    fs::remove_dir_all(dir.path().join("audit")).unwrap();
    let mut house = open(dir);
    let forged = house.publisher.publish().unwrap();
    house.verify(None).unwrap();
    house.outside(None).unwrap();
    assert!(matches!(house.verify(Some(&kept.note)), Err(VerifyError::Forked { old: 300 })));
    assert!(house.outside(Some(&kept.note)).unwrap_err().contains("FORKED"));
    let claim = prove_consistency(&house.audit(), &forged, kept.size).unwrap();
    assert!(matches!(claim.check(&kept, &forged), Err(ProofError::Forked { .. })));
}

#[test]
fn g05_an_entry_removed_swapped_duplicated_or_inserted_is_named() {
    type Edit = fn(&mut Vec<Vec<u8>>);
    let mut house = House::new();
    house.append(600, 1);
    let removed: Edit = |entries| drop(entries.remove(10));
    let swapped: Edit = |entries| entries.swap(10, 11);
    let duplicated: Edit = |entries| entries.insert(11, entries[10].clone());
    let inserted: Edit =
        |entries| entries.insert(10, b"{\"v\":1,\"i\":10,\"leaf\":{},\"sealed\":[]}".to_vec());
    for name in ["entries/001", "entries/002.p/88"] {
        let path = tile(&house.audit(), name);
        let before = fs::read(&path).unwrap();
        for (what, edit) in [removed, swapped, duplicated, inserted].into_iter().enumerate() {
            edit_bundle(&path, edit);
            let refused = house.verify(None).unwrap_err().to_string();
            assert!(refused.contains(name), "{what}: {refused}");
            let refused = house.outside(None).unwrap_err();
            assert!(refused.contains(name), "{what}: {refused}");
            fs::write(&path, &before).unwrap();
        }
    }
}

#[test]
fn g06_a_checkpoint_that_is_not_a_note_by_this_key_for_this_origin_is_refused() {
    let mut house = House::new();
    let good = house.append(3, 1);
    let other_dir = tempfile::tempdir().unwrap();
    let other = key(other_dir.path(), 2);
    let foreign = Checkpoint::sign(3, tlog_tiles::Hash(good.root), &other).unwrap();
    let text = String::from_utf8(good.note.clone()).unwrap();
    let signature = text.lines().last().unwrap().to_owned();
    let cases: Vec<(Vec<u8>, NoteRefusal)> = vec![
        (foreign.note.clone(), NoteRefusal::Unsigned),
        (text.replace("\n3\n", "\n4\n").into_bytes(), NoteRefusal::Unsigned),
        (text.replace(ORIGIN, "example.com/other").into_bytes(), NoteRefusal::Unsigned),
        (text.replace('\n', "\r\n").into_bytes(), NoteRefusal::Malformed),
        (text.trim_end().as_bytes().to_vec(), NoteRefusal::Malformed),
        (text.replace("\n\n", "\n").into_bytes(), NoteRefusal::Malformed),
        (b"".to_vec(), NoteRefusal::Malformed),
        (vec![b'x'; 100_000], NoteRefusal::Malformed),
        (
            [text.as_bytes(), format!("{signature}\n").repeat(16).as_bytes()].concat(),
            NoteRefusal::TooManySignatures,
        ),
        ([text.as_bytes(), "— broken\n".as_bytes()].concat(), NoteRefusal::Malformed),
        ([b"\xff", text.as_bytes()].concat(), NoteRefusal::Malformed),
    ];
    for (number, (note, reason)) in cases.into_iter().enumerate() {
        assert_eq!(Checkpoint::verify(&note, house.publisher.vkey()), Err(reason), "case {number}");
        fs::write(house.audit().join("checkpoint"), &note).unwrap();
        house.outside(None).unwrap_err();
    }
    fs::write(house.audit().join("checkpoint"), &good.note).unwrap();
    assert_eq!(Checkpoint::verify(&good.note, "no key"), Err(NoteRefusal::VerifierKey));
    assert!(house.outside_with(other.vkey(), None).unwrap_err().contains("not signed"));
    assert!(house.verify(Some(&foreign.note)).is_err());
    let stray = [text.as_bytes(), format!("{signature}\n").repeat(15).as_bytes()].concat();
    assert!(Checkpoint::verify(&stray, house.publisher.vkey()).is_ok(), "sixteen signatures are allowed");
}

#[test]
fn g06_a_rightly_signed_text_for_another_origin_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let key = key(dir.path(), 1);
    let head = tlog_tiles::Checkpoint::new("example.com/elsewhere", 0, tlog_tiles::EMPTY_HASH, "").unwrap();
    let mut note = signed_note::Note::new(&head.to_bytes(), &[]).unwrap();
    note.add_sigs(&[&key.signer]).unwrap();
    assert_eq!(Checkpoint::verify(&note.to_bytes(), key.vkey()), Err(NoteRefusal::Origin));
}

#[test]
fn g07_a_directory_of_another_installation_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(key(dir.path(), 1));
    let random = &mut StdRng::seed_from_u64(3);
    let refused = SigningKey::open(&dir.path().join("audit.key"), "example.com/b", random).err().unwrap();
    assert!(refused.to_string().contains("another origin"), "{refused}");
    for origin in ["", "with space", "with+plus", "with\nline"] {
        let refused = SigningKey::open(&dir.path().join("new.key"), origin, random);
        assert!(matches!(refused, Err(AuditError::Origin)), "{origin:?}");
    }
}

#[test]
fn g08_a_verifier_beside_a_publisher_sees_one_state() {
    let mut house = House::new();
    house.append(200, 1);
    let (audit, vkey) = (house.audit(), house.publisher.vkey().to_owned());
    let verifier = std::thread::spawn(move || {
        let mut sizes = Vec::new();
        while sizes.last() != Some(&600) {
            sizes.push(verify(&audit, &vkey, None).unwrap().checkpoint.size);
        }
        sizes
    });
    for _ in 0..400 {
        house.append(1, 1);
    }
    let sizes = verifier.join().unwrap();
    assert!(sizes.is_sorted());
}

#[test]
fn g09_missing_and_half_written_tiles_are_rebuilt_and_the_checkpoint_stays() {
    let mut house = House::new();
    house.append(300, 1);
    let checkpoint = house.append(300, 1);
    let names = ["entries/000", "entries/002.p/88", "0/001", "0/002.p/88", "1/000.p/2"];
    for name in names {
        for lost in [true, false] {
            let path = tile(&house.audit(), name);
            if lost {
                fs::remove_file(&path).unwrap();
            } else {
                fs::write(&path, b"").unwrap();
            }
            house = house.restart();
            assert_eq!(fs::read(house.audit().join("checkpoint")).unwrap(), checkpoint.note, "{name}");
            assert_eq!(house.publisher.publish().unwrap(), checkpoint);
            house.verify(None).unwrap();
        }
    }
    fs::write(tile(&house.audit(), "0/002.p/99"), b"left over").unwrap();
    house = house.restart();
    house.append(11, 1);
    house.verify(Some(&checkpoint.note)).unwrap();
    house.outside(Some(&checkpoint.note)).unwrap();
}

#[test]
fn g10_a_proof_convinces_for_its_entry_and_for_no_other() {
    let mut house = House::new();
    let mut random = StdRng::seed_from_u64(5);
    for count in [1, 1, 3, 251, 1, 260, 100] {
        let checkpoint = house.append(count, 1);
        for trial in 0..8 {
            let index = random.random_range(0..checkpoint.size);
            let leaf = |index| Record { position: index, stream: None, entry: entry(index, 1) }.audit_leaf();
            let proof = prove(&house.audit(), &checkpoint, index).unwrap();
            let proof = InclusionProof::from_bytes(&proof.to_bytes()).unwrap();
            assert_eq!(proof.check(&leaf(index), house.publisher.vkey()).unwrap(), checkpoint);
            assert!(proof.check(&leaf(index + 1), house.publisher.vkey()).is_err());
            let moved = InclusionProof { index: index ^ 1, ..proof.clone() };
            assert!(moved.check(&leaf(index), house.publisher.vkey()).is_err());
            let mut bent = proof.clone();
            if let Some(hash) = bent.path.first_mut() {
                hash[0] ^= 1;
                assert!(matches!(
                    bent.check(&leaf(index), house.publisher.vkey()),
                    Err(ProofError::False { .. })
                ));
            }
            if trial > 0 {
                continue;
            }
            let files = [house.dir.path().join("proof"), house.dir.path().join("leaf")];
            fs::write(&files[0], proof.to_bytes()).unwrap();
            fs::write(&files[1], leaf(index)).unwrap();
            let arguments = |proof: &Path| {
                let paths = [proof.display().to_string(), files[1].display().to_string()];
                let [proof, leaf] = paths;
                ["--proof".to_owned(), proof, leaf, house.publisher.vkey().to_owned()]
            };
            python(&arguments(&files[0])).unwrap();
            fs::write(&files[0], moved.to_bytes()).unwrap();
            python(&arguments(&files[0])).unwrap_err();
        }
        let beyond = prove(&house.audit(), &checkpoint, checkpoint.size);
        assert!(matches!(beyond, Err(ProofError::OutOfRange { .. })));
    }
    for text in ["", "c2sp.org/tlog-proof@v1\nindex 01\n\n", "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nx"] {
        assert!(InclusionProof::from_bytes(text.as_bytes()).is_err());
    }
}

#[test]
fn g12_a_changed_body_with_intact_leaves_is_named() {
    let mut house = House::new();
    house.append(300, 1);
    // a log whose frames are sound, whose leaves are the same, but one body is another
    let forged_dir = tempfile::tempdir().unwrap();
    let (forged, _) = Log::open(forged_dir.path(), LogOptions::default()).unwrap();
    let mut entries: Vec<_> = (0..300).map(|number| entry(number, 1)).collect();
    entries[42].sealed[1].bytes[0] ^= 1;
    forged.append_blocking(entries, None).unwrap();
    let vkey = house.publisher.vkey();
    let refused = verify_against_log(&house.audit(), vkey, None, forged_dir.path()).unwrap_err();
    assert!(matches!(refused, VerifyError::Sealed { index: 42, part: 1 }), "{refused}");
    let report = verify_against_log(&house.audit(), vkey, None, house.log.dir()).unwrap();
    assert_eq!(report.sealed, 200);
    // the same for an export, without the log and without a key
    let export_dir = house.dir.path().join("export");
    export(&house.audit(), vkey, &export_dir, Some(&house.log)).unwrap();
    assert_eq!(verify(&export_dir, vkey, None).unwrap().sealed, 200);
    let arguments = [export_dir.display().to_string(), export_dir.join("vkey").display().to_string()];
    python(&arguments).unwrap();
    flip(&export_dir.join("sealed/001"), 300);
    assert!(matches!(verify(&export_dir, vkey, None), Err(VerifyError::Sealed { .. })));
    assert!(python(&arguments).unwrap_err().contains("sealed part"));
    let plain = house.dir.path().join("plain");
    export(&house.audit(), vkey, &plain, None).unwrap();
    verify(&plain, vkey, None).unwrap();
}
