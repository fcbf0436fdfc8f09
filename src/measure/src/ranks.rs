//! A sorted multiset that tells its n-th value: medians of a million times without sorting them again.

/// Values per bucket; a bucket of twice as many is split.
const BUCKET: usize = 512;

/// Values in order, in buckets: putting one in or taking one out moves a bucket, telling a rank walks the buckets' lengths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ranks {
    buckets: Vec<Vec<i64>>,
    len: usize,
}

impl Ranks {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts a value in.
    pub(crate) fn insert(&mut self, value: i64) {
        self.len += 1;
        let found = self.bucket(value).min(self.buckets.len().saturating_sub(1));
        let Some(bucket) = self.buckets.get_mut(found) else {
            self.buckets.push(vec![value]);
            return;
        };
        bucket.insert(bucket.partition_point(|each| *each < value), value);
        if bucket.len() >= 2 * BUCKET {
            let upper = bucket.split_off(BUCKET);
            self.buckets.insert(found + 1, upper);
        }
    }

    /// Takes one such value out, if there is one.
    pub(crate) fn remove(&mut self, value: i64) {
        let found = self.bucket(value);
        let Some(bucket) = self.buckets.get_mut(found) else { return };
        let at = bucket.partition_point(|each| *each < value);
        if bucket.get(at) == Some(&value) {
            bucket.remove(at);
            self.len -= 1;
        }
        if bucket.is_empty() {
            self.buckets.remove(found);
        }
    }

    /// The value of this rank, from 0.
    pub(crate) fn at(&self, rank: usize) -> Option<i64> {
        let mut left = rank;
        for bucket in &self.buckets {
            if let Some(value) = bucket.get(left) {
                return Some(*value);
            }
            left -= bucket.len();
        }
        None
    }

    /// All values in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.buckets.iter().flatten().copied()
    }

    /// The first bucket whose last value is not under this one.
    fn bucket(&self, value: i64) -> usize {
        self.buckets.partition_point(|bucket| bucket.last().is_some_and(|last| *last < value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranks_equal_a_sorted_list(steps in prop::collection::vec((any::<bool>(), -40_i64..40), 1..400)) {
            let (mut ranks, mut plain) = (Ranks::default(), Vec::new());
            for (put, value) in steps {
                if put {
                    ranks.insert(value);
                    plain.push(value);
                    plain.sort_unstable();
                } else {
                    ranks.remove(value);
                    if let Some(at) = plain.iter().position(|each| *each == value) {
                        plain.remove(at);
                    }
                }
                prop_assert_eq!(ranks.len(), plain.len());
            }
            prop_assert_eq!(ranks.iter().collect::<Vec<_>>(), plain.clone());
            for rank in 0..=plain.len() {
                prop_assert_eq!(ranks.at(rank), plain.get(rank).copied());
            }
        }
    }

    #[test]
    fn buckets_split_and_stay_in_order() {
        let mut ranks = Ranks::default();
        for step in 0..10_000_i64 {
            ranks.insert((step * 7_919) % 10_007);
        }
        assert!(ranks.buckets.len() > 8);
        let all: Vec<i64> = ranks.iter().collect();
        assert!(all.is_sorted());
        assert_eq!((ranks.len(), ranks.at(9_999)), (10_000, all.last().copied()));
    }
}
