//! Items by their sku: where every look for stock begins. A sku lies beside its index, so that a look reads one place in
//! memory and not the item.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::ids::SkuIndex;

/// Bytes of a sku that lie beside its index: most skus whole.
const START: usize = 27;

/// The start of a sku, padded with zeros, and its length: equal for equal skus, and for no others as long as it is whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Start([u8; START], u8);

impl Start {
    #[inline]
    fn of(sku: &[u8]) -> Self {
        let mut start = [0; START];
        let len = sku.len().min(START);
        start[..len].copy_from_slice(&sku[..len]);
        Self(start, u8::try_from(sku.len()).unwrap_or(u8::MAX))
    }

    #[inline]
    fn is_whole(&self) -> bool {
        usize::from(self.1) <= START
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    index: SkuIndex,
    start: Start,
}

const _: () = assert!(size_of::<Entry>() == 32, "two entries a cache line");

/// Indices by sku. The hash is seeded anew by every process; skus are chosen by who keeps the catalogue, never by a
/// customer.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    entries: HashTable<Entry>,
    hashing: RandomState,
}

impl Directory {
    /// Adds a sku that is not there. `whole` gives the skus of those that are.
    pub fn add<'a>(&mut self, sku: &str, index: SkuIndex, whole: impl Fn(SkuIndex) -> &'a str) {
        let Self { entries, hashing } = self;
        let hash = |entry: &Entry| match entry.start.is_whole() {
            true => hashing.hash_one(&entry.start.0[..usize::from(entry.start.1)]),
            false => hashing.hash_one(whole(entry.index).as_bytes()),
        };
        let entry = Entry { index, start: Start::of(sku.as_bytes()) };
        entries.insert_unique(hashing.hash_one(sku.as_bytes()), entry, hash);
    }

    /// The index of a sku. `whole` gives the skus of those that are there.
    #[inline]
    pub fn find<'a>(&self, sku: &str, whole: impl Fn(SkuIndex) -> &'a str) -> Option<SkuIndex> {
        let start = Start::of(sku.as_bytes());
        let is_it = |entry: &Entry| entry.start == start && (start.is_whole() || whole(entry.index) == sku);
        self.entries.find(self.hashing.hash_one(sku.as_bytes()), is_it).map(|entry| entry.index)
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
            directory.add(sku, SkuIndex(at as u32), |index| &skus[index.at()]);
        }
        for (at, sku) in skus.iter().enumerate() {
            assert_eq!(directory.find(sku, |index| &skus[index.at()]), Some(SkuIndex(at as u32)), "{sku:?}");
        }
        assert_eq!(directory.find("sx", |index| &skus[index.at()]), None);
    }
}
