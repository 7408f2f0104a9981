//! Chance from a seed: SplitMix64. The same seed is the same story on every machine.

/// See the module.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// All that a seed leads to.
    pub fn of(seed: u64) -> Chance {
        Chance(seed)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % u64::from(sides)) as u32
    }

    /// Whether one of `sides` fell.
    pub fn one_in(&mut self, sides: u32) -> bool {
        self.roll(sides) == 0
    }

    /// One of several.
    pub fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.roll(all.len() as u32) as usize]
    }

    /// The position of one of these weights, each as likely as it is heavy.
    pub fn weigh(&mut self, weights: &[u32]) -> usize {
        let mut left = self.roll(weights.iter().sum());
        for (at, weight) in weights.iter().enumerate() {
            if left < *weight {
                return at;
            }
            left -= weight;
        }
        unreachable!("the roll is below the sum")
    }
}
