//! Closures of nodes: times at which a node is switched off by the clock, and on again, with the reason that it shows
//! meanwhile.
//!
//! A closure that has begun is kept as such, so that whoever switches the node on by hand before its end is not overruled by
//! a restart. At its end the node is switched on only where it is off for the reason of the closure.
//!
//! What is *not* here: what becomes of orders at a node that is switched off (the engine), and on which days it handles and
//! hands over (`carrier::calendar`).

use serde::{Deserialize, Serialize};

use super::ids::Text;
use super::time::WallTime;

/// Most closures of a node to come.
pub const CLOSURES_MAX: usize = 64;

/// A time at which a node is closed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Closure {
    /// From when.
    pub from: WallTime,
    /// Until when.
    pub until: WallTime,
    /// Why.
    pub reason: Text,
    /// Whether the node was switched off for it.
    pub begun: bool,
}

impl Closure {
    /// When there is something to do for it.
    pub fn due_at(&self) -> WallTime {
        if self.begun { self.until } else { self.from }
    }
}

/// What the clock does to a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Switch {
    /// It is closed, for that reason.
    Off(Text),
    /// It is open again, if it was closed for that reason.
    On(Text),
}

/// What is put in the place of closures that stand: one that has begun stays so where one of the same begin is put, for the
/// reason it began with, and is over where none is.
pub fn put_beside(standing: &[Closure], put: &[Closure]) -> Vec<Closure> {
    let mut closures = put.to_vec();
    for begun in standing.iter().filter(|closure| closure.begun) {
        match closures.iter_mut().find(|closure| closure.from == begun.from) {
            Some(same) => (same.begun, same.reason) = (true, begun.reason.clone()),
            None => closures.push(Closure { until: begun.from, ..begun.clone() }),
        }
    }
    closures.sort_by_key(|closure| closure.from);
    closures
}

/// What is due of some closures at an instant, ends before beginnings, and what is left of them then. One that is over before
/// anybody looked is passed over.
pub fn due(closures: &[Closure], now: WallTime) -> (Vec<Switch>, Vec<Closure>) {
    let (mut switches, mut left) = (Vec::new(), Vec::with_capacity(closures.len()));
    for closure in closures {
        match (closure.begun, closure.from <= now, closure.until <= now) {
            (false, true, false) => {
                switches.push(Switch::Off(closure.reason.clone()));
                left.push(Closure { begun: true, ..closure.clone() });
            }
            (true, _, true) => switches.push(Switch::On(closure.reason.clone())),
            (false, true, true) => {}
            (false, false, _) | (true, _, false) => left.push(closure.clone()),
        }
    }
    switches.sort_by_key(|switch| matches!(switch, Switch::Off(_)));
    (switches, left)
}

/// What is left of closures that stand by now, where of those that were looked at some were due: what was put meanwhile stays.
pub fn still_to_come(standing: &[Closure], looked_at: &[Closure], now: WallTime) -> Vec<Closure> {
    let rest = |closure: &Closure| match looked_at.contains(closure) {
        true => due(std::slice::from_ref(closure), now).1,
        false => vec![closure.clone()],
    };
    standing.iter().flat_map(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_begins_once_and_ends_once_whenever_the_clock_looks() {
        let closure =
            |from, until, begun| Closure { from: WallTime(from), until: WallTime(until), reason: "x".into(), begun };
        let first = vec![closure(10, 20, false), closure(20, 30, false)];
        let told = |closures: &[Closure], now| due(closures, WallTime(now));
        assert_eq!(told(&first, 9), (Vec::new(), first.clone()));
        let (off, left) = told(&first, 10);
        assert_eq!((off, &left[0].begun), (vec![Switch::Off("x".into())], &true));
        assert_eq!(told(&left, 19), (Vec::new(), left.clone()), "once");
        let (switches, left) = told(&left, 20);
        assert_eq!(switches, [Switch::On("x".into()), Switch::Off("x".into())], "one after the other");
        assert_eq!(left, [closure(20, 30, true)]);
        assert_eq!(told(&left, 31), (vec![Switch::On("x".into())], Vec::new()));
        assert_eq!(told(&first, 31), (Vec::new(), Vec::new()), "nobody looked, and it is over");
        let begun = vec![closure(10, 20, true)];
        let other = put_beside(&begun, &[Closure { reason: "y".into(), ..closure(9, 20, false) }]);
        assert_eq!(told(&other, 12).0, [Switch::On("x".into()), Switch::Off("y".into())], "it stays closed");
        assert_eq!(still_to_come(&other, &begun, WallTime(30)), other, "what was put meanwhile stays");
    }
}
