//! Attacks on the disk below the real stores: power that goes, and calls that fail.
//!
//! ```text
//! preload   `recorder.c` in front of a process: calls made to fail
//! recorder  a process under it: every change of its folder written down
//! trace     what it did, and since when each step is durable
//! image     a disk that a loss of power could leave, from a trace, a point and a seed
//! writer    the recorded process: the real journal, with small generations so that all it can do happens
//! judge     an image opened by the real journal: everything acknowledged is there, and it goes on
//! power     the tests of images; `shop` the same with the whole engine
//! faults    the tests of calls that fail
//! crew      two at work, a hang is a failure
//! ```
//! Every image follows from a seed; `ORDAIN_SEED` moves the base of all seeds, `ORDAIN_IMAGES` says how many images are
//! judged. What is *not* here: damage of what was durable, such as flipped bits.

mod crew;
mod faults;
mod image;
mod judge;
mod power;
mod preload;
mod recorder;
mod shop;
mod trace;
mod writer;

/// Numbers from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`; 0 for a bound of 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// A number from the environment.
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}
