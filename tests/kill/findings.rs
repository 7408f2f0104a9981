//! What is not as it was told, and how much was told.

use std::collections::BTreeMap;

/// Counted, and written out up to a bound.
#[derive(Default)]
pub struct Findings {
    /// Something acknowledged, or seen, is not there as it was.
    pub lost: u64,
    /// More was given away than there is.
    pub oversold: u64,
    /// Any other breach: levels that do not add up, torn or unknown things, an answer that may not be.
    pub wrong: u64,
    /// Writes that were answered with success.
    pub acknowledged: u64,
    /// Writes whose connection broke before the answer, or whose answer was that nobody knows.
    pub unknown: u64,
    /// Those of them that were answered with the code `outcome_unknown`.
    pub told_unknown: u64,
    /// How often each kind of write was done, and refused.
    pub tally: BTreeMap<&'static str, (u64, u64)>,
    texts: Vec<String>,
}

/// Most findings that are written out.
const TEXTS_MAX: usize = 20;

impl Findings {
    pub fn lost(&mut self, text: String) {
        self.lost += 1;
        self.write(format!("LOST {text}"));
    }

    pub fn oversold(&mut self, text: String) {
        self.oversold += 1;
        self.write(format!("OVERSOLD {text}"));
    }

    pub fn wrong(&mut self, text: String) {
        self.wrong += 1;
        self.write(format!("WRONG {text}"));
    }

    fn write(&mut self, text: String) {
        if self.texts.len() < TEXTS_MAX {
            self.texts.push(text);
        }
    }

    /// Adds what another part of the check found.
    pub fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.oversold += other.oversold;
        self.wrong += other.wrong;
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.told_unknown += other.told_unknown;
        for (kind, (done, refused)) in other.tally {
            let sum = self.tally.entry(kind).or_default();
            *sum = (sum.0 + done, sum.1 + refused);
        }
        other.texts.into_iter().for_each(|text| self.write(text));
    }

    pub fn is_clean(&self) -> bool {
        self.lost + self.oversold + self.wrong == 0
    }

    /// How often what was done and refused, in words.
    pub fn kinds(&self) -> String {
        let kind = |(kind, (done, refused)): (&&str, &(u64, u64))| format!("{kind}={done}/{refused}");
        self.tally.iter().map(kind).collect::<Vec<_>>().join(" ")
    }

    /// What was found, one to a line.
    pub fn told(&self) -> String {
        self.texts.join("\n")
    }
}
