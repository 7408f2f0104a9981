//! Numbers by chance from a seed: splitmix64. The seed gives the same choices again; when a process dies is up to the
//! machine.

/// A stream of numbers.
pub struct Chance(u64);

impl Chance {
    /// The stream of a seed and whatever tells one use of it from another.
    pub fn of(seed: u64, parts: &[u64]) -> Self {
        let mut chance = Self(seed);
        for part in parts {
            chance = Self(chance.next() ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        }
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A number from `low` to `high`, both included.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of several; none of none.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { all.get(self.below(all.len() as u64) as usize) }
    }
}
