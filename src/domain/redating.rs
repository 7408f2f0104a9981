//! Promises that change when supply comes at another time, or not at all.
//!
//! What a waiting line is promised is read off its pegs: the day on which the last of its units comes. Both lists of pegs
//! are of the same queue in the same order, so one pass over both tells who is promised another day. What is *not* here:
//! the pegs (the engine reads them off queue and supply).

use serde::{Deserialize, Serialize};

use super::ids::{OrderKey, SkuIndex, Text};
use super::inbound::{Coming, Peg};
use super::time::WallTime;

/// A waiting line that is promised another day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Redated {
    /// Whose.
    pub order: OrderKey,
    /// Position of the line.
    pub line: u16,
    /// For what it waits.
    pub sku: SkuIndex,
    /// Units that wait for something that is on its way, or for nothing.
    pub units: u32,
    /// When the last of them would have come; nobody knew when `None`.
    pub was: Option<WallTime>,
    /// When it comes now; nobody knows when `None`.
    pub now: Option<WallTime>,
}

/// The same, with the names that its order gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedatedLine {
    /// Name of the order.
    pub order: String,
    /// Id of the line.
    pub line: Text,
    /// What is promised.
    pub told: Redated,
}

/// The lines whose day differs, in the order in which they are served.
pub fn redated(before: &[Peg], after: &[Peg]) -> Vec<Redated> {
    let (before, after) = (promised(before), promised(after));
    assert_eq!(before.len(), after.len(), "the same lines wait, whatever comes");
    let both = before.into_iter().zip(after).filter(|(was, now)| was.now != now.now);
    both.map(|(was, now)| Redated { was: was.now, ..now }).collect()
}

/// What each line is promised; its pegs stand together.
fn promised(pegs: &[Peg]) -> Vec<Redated> {
    let lines = pegs.chunk_by(|a, b| (a.order, a.line) == (b.order, b.line));
    let promise = |pegs: &[Peg]| {
        let last = pegs[pegs.len() - 1];
        let now = last.supply.map(|supply| supply.at).filter(|at| *at != Coming::SOME_DAY);
        let units = pegs.iter().map(|peg| peg.units).sum();
        Redated { order: last.order, line: last.line, sku: last.sku, units, was: None, now }
    };
    lines.map(promise).collect()
}
