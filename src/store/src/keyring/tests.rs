use std::fs;
use std::os::unix::fs::PermissionsExt;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

fn random() -> StdRng {
    StdRng::seed_from_u64(7)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn sealed_text_comes_back_after_a_restart_and_only_for_its_subject_and_context() {
    let dir = tempfile::tempdir().unwrap();
    let ring = Keyring::open(dir.path(), &mut random()).unwrap();
    let sealed = ring.seal("sf:Opportunity:1", b"package", b"budget 40k", &mut random()).unwrap();
    ring.seal("sf:Opportunity:2", b"package", b"other", &mut random()).unwrap();
    ring.make_durable().unwrap();
    assert!(!contains(&sealed, b"budget"));
    drop(ring);
    let ring = Keyring::open(dir.path(), &mut random()).unwrap();
    assert_eq!(ring.unseal("sf:Opportunity:1", b"package", &sealed).unwrap().unwrap(), b"budget 40k");
    for (subject, context) in [("sf:Opportunity:1", b"note".as_slice()), ("sf:Opportunity:2", b"package")] {
        assert!(matches!(ring.unseal(subject, context, &sealed), Err(KeyringError::NotAuthentic)));
    }
    assert!(matches!(
        ring.unseal("sf:Opportunity:3", b"package", &sealed),
        Err(KeyringError::UnknownSubject)
    ));
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(ring.unseal("sf:Opportunity:1", b"package", &changed).is_err(), "byte {at}");
    }
}

#[test]
fn g13_an_erased_subject_opens_to_nothing_and_its_key_is_gone_from_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let ring = Keyring::open(dir.path(), &mut random()).unwrap();
    let gone = ring.seal("a", b"", b"secret", &mut random()).unwrap();
    let kept = ring.seal("b", b"", b"kept", &mut random()).unwrap();
    ring.make_durable().unwrap();
    let path = dir.path().join("keyring");
    let before = fs::read(&path).unwrap();
    let wrapped = before[8 + 105 - 48..8 + 105].to_vec();
    assert!(contains(&before, &wrapped));
    assert_eq!(ring.erase(&["a", "a", "never seen"]).unwrap(), 1);
    assert!(!contains(&fs::read(&path).unwrap(), &wrapped));
    for ring in [ring, Keyring::open(dir.path(), &mut random()).unwrap()] {
        assert_eq!(ring.unseal("a", b"", &gone).unwrap(), None);
        assert_eq!(ring.unseal("b", b"", &kept).unwrap().unwrap(), b"kept");
        assert!(matches!(ring.seal("a", b"", b"again", &mut random()), Err(KeyringError::Erased)));
        assert!(ring.is_erased("never seen").unwrap());
        assert_eq!(ring.erase(&["a"]).unwrap(), 0);
    }
}

#[test]
fn a_torn_tail_is_cut_and_damage_before_durable_keys_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keyring");
    {
        let ring = Keyring::open(dir.path(), &mut random()).unwrap();
        for subject in ["a", "b", "c"] {
            ring.seal(subject, b"", b"text", &mut random()).unwrap();
            ring.make_durable().unwrap();
        }
    }
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    assert_eq!(Keyring::open(dir.path(), &mut random()).unwrap().len(), 2);
    let mut flipped = whole.clone();
    flipped[8 + 105 + 60] ^= 4;
    fs::write(&path, &flipped).unwrap();
    let refused = Keyring::open(dir.path(), &mut random()).err().unwrap();
    assert!(matches!(refused, KeyringError::Damaged { offset: 113, .. }), "{refused}");
}

#[test]
fn a_master_key_that_others_can_read_or_that_is_another_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ring = Keyring::open(dir.path(), &mut random()).unwrap();
    ring.seal("a", b"", b"text", &mut random()).unwrap();
    ring.make_durable().unwrap();
    let path = dir.path().join("master.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(
        Keyring::open(dir.path(), &mut random()),
        Err(KeyringError::Exposed { mode: 0o644, .. })
    ));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "00".repeat(32)).unwrap();
    assert!(matches!(Keyring::open(dir.path(), &mut random()), Err(KeyringError::WrongMaster)));
    fs::write(&path, "+0".repeat(32)).unwrap();
    assert!(matches!(Keyring::open(dir.path(), &mut random()), Err(KeyringError::Malformed { .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(Keyring::open(dir.path(), &mut random()), Err(KeyringError::MasterMissing { .. })));
}

#[test]
fn many_keys_cost_one_flush_and_are_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = random();
    let ring = Keyring::open(dir.path(), &mut random).unwrap();
    let sealed: Vec<_> = (0..2000)
        .map(|n| ring.seal(&format!("s{n}"), b"", n.to_string().as_bytes(), &mut random).unwrap())
        .collect();
    ring.make_durable().unwrap();
    drop(ring);
    let ring = Keyring::open(dir.path(), &mut random).unwrap();
    for (n, sealed) in sealed.iter().enumerate() {
        assert_eq!(ring.unseal(&format!("s{n}"), b"", sealed).unwrap().unwrap(), n.to_string().as_bytes());
    }
}
