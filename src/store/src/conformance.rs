//! The suite that every implementation of [`Memory`] must pass.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::memory::{Batch, MAX_KEY, MAX_VALUE, Memory, MemoryError, Row};

/// Runs the whole suite against empty memories made by `make`; panics at the first difference.
///
/// # Panics
/// Where the implementation does not conform.
pub fn memory<M: Memory>(mut make: impl FnMut() -> M) {
    rows_come_back(&make());
    a_batch_is_whole_or_nothing(&make());
    sizes_are_capped(&make());
    the_log_head_is_kept(&make());
    it_agrees_with_a_map(&make());
}

fn row(key: &str, value: &str) -> Row {
    (key.into(), value.into())
}

fn rows_come_back<M: Memory>(memory: &M) {
    assert_eq!(memory.get(b"due/1").ok(), Some(None), "an empty memory has no rows");
    let mut batch = Batch::new();
    for (key, value) in [("due/1", "a"), ("due/2", "b"), ("due/3", "c"), ("duf", "d"), ("inbox/1", "e")] {
        batch.put(key, value);
    }
    assert!(memory.apply(batch).wait().is_ok());
    assert_eq!(memory.get(b"due/2").ok(), Some(Some(b"b".to_vec())));
    let scan = |prefix: &str, from: Option<&str>, limit| {
        memory.scan(prefix.as_bytes(), from.map(str::as_bytes), limit).unwrap_or_default()
    };
    let due = [row("due/1", "a"), row("due/2", "b"), row("due/3", "c")];
    assert_eq!(scan("due/", None, 10), due, "a prefix ends where the next begins");
    assert_eq!(scan("due/", None, 2), due.get(..2).unwrap_or_default(), "the limit holds");
    assert_eq!(scan("due/", Some("due/2"), 10), due.get(1..).unwrap_or_default(), "`from` is inclusive");
    assert_eq!(scan("due/", Some("due/2\0"), 10), due.get(2..).unwrap_or_default(), "reading on");
    assert_eq!(scan("due/", Some("a"), 10), due, "`from` before the prefix");
    assert_eq!(scan("due/", Some("x"), 10), [], "`from` behind the prefix");
    assert_eq!(scan("due/", None, 0), [], "a limit of nothing");
    assert_eq!(scan("", None, 10).len(), 5, "the memory's own rows are not shown");
    assert_eq!(memory.rows(), 5);
    let mut batch = Batch::new();
    batch.delete("due/1").delete("never there").put("due/2", "B");
    assert!(memory.apply(batch).wait().is_ok());
    assert_eq!(memory.get(b"due/1").ok(), Some(None));
    assert_eq!(memory.get(b"due/2").ok(), Some(Some(b"B".to_vec())));
    assert_eq!(memory.rows(), 4);
    assert!(memory.check().is_ok());
}

fn a_batch_is_whole_or_nothing<M: Memory>(memory: &M) {
    let claim = |value: &str| {
        let mut batch = Batch::new();
        batch.require_absent("seen/1").put("seen/1", value).put(format!("inbox/{value}"), value);
        memory.apply(batch)
    };
    let (first, second) = (claim("first"), claim("second"));
    assert!(first.wait().is_ok());
    assert!(matches!(second.wait(), Err(MemoryError::Present { index: 0 })), "also within one shared commit");
    assert_eq!(memory.get(b"inbox/second").ok(), Some(None), "nothing of a refused batch is applied");
    assert_eq!(memory.get(b"seen/1").ok(), Some(Some(b"first".to_vec())));
    assert_eq!(memory.rows(), 2);
}

fn sizes_are_capped<M: Memory>(memory: &M) {
    let put = |key: Vec<u8>, value: Vec<u8>| {
        let mut batch = Batch::new();
        batch.put("good", "row").put(key, value);
        memory.apply(batch).wait()
    };
    assert!(matches!(put(b"k".to_vec(), vec![0; MAX_VALUE + 1]), Err(MemoryError::ValueSize { .. })));
    assert!(matches!(put(vec![b'k'; MAX_KEY + 1], vec![]), Err(MemoryError::KeySize { .. })));
    assert!(matches!(put(vec![], vec![]), Err(MemoryError::KeySize { len: 0 })));
    assert!(matches!(put(vec![0, 1], vec![]), Err(MemoryError::ReservedKey)));
    assert_eq!(memory.rows(), 0, "nothing of a refused batch is applied");
    assert!(put(vec![b'k'; MAX_KEY], vec![7; MAX_VALUE]).is_ok());
    assert_eq!(memory.get(&[b'k'; MAX_KEY]).ok().flatten().map(|value| value.len()), Some(MAX_VALUE));
    assert!(!memory.is_poisoned());
}

fn the_log_head_is_kept<M: Memory>(memory: &M) {
    assert_eq!(memory.log_head(), 0);
    let mut batch = Batch::new();
    batch.log_head(17);
    assert!(memory.apply(batch).wait().is_ok());
    assert!(memory.apply(Batch::new()).wait().is_ok());
    assert_eq!((memory.log_head(), memory.rows()), (17, 0));
}

fn it_agrees_with_a_map<M: Memory>(memory: &M) {
    let mut random = StdRng::seed_from_u64(11);
    let mut map: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for _ in 0..60 {
        let mut waiting = Vec::new();
        for _ in 0..random.random_range(1..6) {
            let mut batch = Batch::new();
            for _ in 0..random.random_range(0..9) {
                let key =
                    format!("{}/{}", random.random_range(0..4), random.random_range(0..40)).into_bytes();
                if random.random_bool(0.3) {
                    map.remove(&key);
                    batch.delete(key);
                } else {
                    let value = vec![random.random(); random.random_range(0..200)];
                    map.insert(key.clone(), value.clone());
                    batch.put(key, value);
                }
            }
            waiting.push(memory.apply(batch));
        }
        assert!(waiting.into_iter().all(|applied| applied.wait().is_ok()));
        let prefix = format!("{}/", random.random_range(0..4)).into_bytes();
        let expected: Vec<_> = map
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        assert_eq!(memory.scan(&prefix, None, usize::MAX).ok(), Some(expected));
        assert_eq!(memory.rows(), u64::try_from(map.len()).unwrap_or(u64::MAX));
    }
    assert!(memory.check().is_ok());
}
