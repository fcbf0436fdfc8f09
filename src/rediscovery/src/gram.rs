//! How much a question looks like known questions about a field: cosine over character 3- to 5-grams.

use std::collections::BTreeMap;

use crate::text::{Word, words};

/// Exemplars of every field, indexed by what they share with a question.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bank {
    /// Gram → exemplar and its weight there.
    index: BTreeMap<u64, Vec<(usize, f64)>>,
    /// Gram → how much it tells.
    rarity: BTreeMap<u64, f64>,
    /// Exemplar → field.
    field: Vec<usize>,
    fields: usize,
}

impl Bank {
    pub(crate) fn of(exemplars: &[Vec<String>]) -> Self {
        let mut texts: Vec<(usize, BTreeMap<u64, f64>)> = Vec::new();
        for (field, texts_of) in exemplars.iter().enumerate() {
            texts.extend(texts_of.iter().map(|text| (field, counted(&words(text)))));
        }
        let mut holding: BTreeMap<u64, f64> = BTreeMap::new();
        for gram in texts.iter().flat_map(|(_, grams)| grams.keys()) {
            *holding.entry(*gram).or_default() += 1.0;
        }
        let all = texts.iter().fold(1.0, |count, _| count + 1.0);
        let rarity: BTreeMap<u64, f64> =
            holding.into_iter().map(|(gram, in_texts)| (gram, (all / in_texts).ln())).collect();
        let mut bank = Self { rarity, fields: exemplars.len(), ..Self::default() };
        for (exemplar, (field, grams)) in texts.into_iter().enumerate() {
            bank.field.push(field);
            for (gram, weight) in bank.weighted(&grams) {
                bank.index.entry(gram).or_default().push((exemplar, weight));
            }
        }
        bank
    }

    /// Per field, the greatest similarity of any of its exemplars, 0 to 1.
    pub(crate) fn similar(&self, question: &[Word]) -> Vec<f64> {
        let mut per_exemplar = vec![0.0_f64; self.field.len()];
        for (gram, weight) in self.weighted(&counted(question)) {
            for (exemplar, held) in self.index.get(&gram).into_iter().flatten() {
                if let Some(sum) = per_exemplar.get_mut(*exemplar) {
                    *sum += weight * held;
                }
            }
        }
        let mut out = vec![0.0_f64; self.fields];
        for (field, sum) in self.field.iter().zip(per_exemplar) {
            if let Some(best) = out.get_mut(*field) {
                *best = best.max(sum);
            }
        }
        out
    }

    /// Of length one; grams that no exemplar has tell as much as the rarest.
    fn weighted(&self, grams: &BTreeMap<u64, f64>) -> Vec<(u64, f64)> {
        let weight = |gram: &u64, count: &f64| self.rarity.get(gram).copied().unwrap_or(3.0) * count.min(2.0);
        let weighted: Vec<(u64, f64)> =
            grams.iter().map(|(gram, count)| (*gram, weight(gram, count))).collect();
        let length = weighted.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt().max(1e-9);
        weighted.into_iter().map(|(gram, weight)| (gram, weight / length)).collect()
    }
}

/// The grams of every stem with its borders, hashed.
fn counted(words: &[Word]) -> BTreeMap<u64, f64> {
    let mut out = BTreeMap::new();
    for word in words {
        let letters: Vec<char> = format!(" {} ", word.stem).chars().collect();
        for length in 3..=5 {
            for gram in letters.windows(length) {
                *out.entry(hashed(gram)).or_default() += 1.0;
            }
        }
    }
    out
}

/// FNV-1a.
fn hashed(gram: &[char]) -> u64 {
    gram.iter().fold(0xcbf2_9ce4_8422_2325, |hash, each| {
        (hash ^ u64::from(u32::from(*each))).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
