//! Items by their sku, in few bytes: the sku itself is read where the index says. Whoever asks for stock finds it by its
//! name without a look here (`engine::stock`).

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::ids::SkuIndex;

/// An item, and half of the hash of its sku.
#[derive(Clone, Copy, Debug)]
struct Entry {
    index: SkuIndex,
    hash: u32,
}

/// Both ends of it are looked at.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// Indices by sku. The hash is seeded anew by every process; skus are chosen by who keeps the catalogue, never by a
/// customer.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    entries: HashTable<Entry>,
    hashing: RandomState,
}

impl Directory {
    /// Adds a sku that is not there.
    pub fn add(&mut self, sku: &str, index: SkuIndex) {
        let hash = self.hash(sku);
        self.entries.insert_unique(spread(hash), Entry { index, hash }, |entry| spread(entry.hash));
    }

    /// The index of a sku. `skus` gives those that are there.
    pub fn find<'a>(&self, sku: &str, skus: impl Fn(SkuIndex) -> &'a str) -> Option<SkuIndex> {
        let hash = self.hash(sku);
        let is_it = |entry: &Entry| entry.hash == hash && skus(entry.index) == sku;
        self.entries.find(spread(hash), is_it).map(|entry| entry.index)
    }

    fn hash(&self, sku: &str) -> u32 {
        (self.hashing.hash_one(sku.as_bytes()) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skus_that_start_alike_are_told_apart_whatever_their_length() {
        let mut skus: Vec<String> = (0..=128).map(|len| "s".repeat(len)).collect();
        skus.extend((20..=128).flat_map(|len| [format!("{:s<len$}", "x"), format!("{}x", "s".repeat(len - 1))]));
        skus.extend(["s\0".into(), "s\0\0".into()]);
        let mut directory = Directory::default();
        for (at, sku) in skus.iter().enumerate() {
            assert_eq!(directory.find(sku, |index| &skus[index.at()]), None, "{sku:?} is not there yet");
            directory.add(sku, SkuIndex(at as u32));
        }
        for (at, sku) in skus.iter().enumerate() {
            assert_eq!(directory.find(sku, |index| &skus[index.at()]), Some(SkuIndex(at as u32)), "{sku:?}");
        }
        assert_eq!(directory.find("sx", |index| &skus[index.at()]), None);
    }
}
