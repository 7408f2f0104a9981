//! One parcel or two, when no plan of another shape can be cheaper.
//!
//! Any price of a line's unit gives a bound: let α be the least that a column costs beyond the prices of its units; then
//! a plan of k parcels costs at least k·α, and for every unit its price, or what leaving it costs. Prices that are near
//! what a unit adds to a parcel make α near what a parcel costs by itself. So three parcels, or leaving something, are
//! out of the question when one or two cost less than that.
//!
//! Cost: a look at each state. Not here: what the nodes can really give, which `mend` sees to as for any plan.

use super::{Exact, Parcel};
use crate::domain::sourcing::costed::frame::{Axis, Frame, IMPOSSIBLE, NEVER};

/// States from which on the table costs more than this look.
const STATES_MIN: usize = 64;

impl Exact {
    /// The key of the best plan of one or two parcels, which are listed, when nothing else that ships can beat it.
    pub(super) fn few_parcels_win(&mut self, frame: &Frame) -> Option<i64> {
        if frame.states < STATES_MIN || frame.axes.len() < 2 {
            return None;
        }
        let (full, first) = (frame.states - 1, frame.axes[frame.axes.len() - 1].stride);
        let (mut best, mut best_ship) = (self.column[full], full);
        for ship in first..full {
            let key = self.column[ship] + self.column[full - ship];
            if key < best {
                (best, best_ship) = (key, ship);
            }
        }
        if best >= IMPOSSIBLE || best > self.bound_of_others(frame) {
            return None;
        }
        self.parcels.clear();
        for state in [best_ship, full - best_ship].into_iter().filter(|state| *state > 0) {
            self.parcels.push(Parcel { node: self.sender[state] as usize, state });
        }
        Some(best)
    }

    /// What three parcels cost at least, or any number that leave something.
    fn bound_of_others(&mut self, frame: &Frame) -> i64 {
        let (mut some, mut extra) = (0, NEVER);
        self.worth.clear();
        self.worth.push(0);
        for (number, axis) in frame.axes.iter().enumerate() {
            let price = self.price(frame, axis);
            for at in axis.stride..axis.stride * (axis.quantity + 1) {
                self.worth.push(self.worth[at - axis.stride] + price);
            }
            let shipped = price * axis.quantity as i64;
            let ways = (1..=axis.quantity).map(|left| {
                let short = frame.short(number, left);
                if short >= IMPOSSIBLE { NEVER } else { price * (axis.quantity - left) as i64 + short }
            });
            let left = ways.min().unwrap_or(NEVER);
            some += shipped.min(left);
            extra = extra.min(if left >= IMPOSSIBLE { NEVER } else { left - shipped.min(left) });
        }
        let beyond = self.column.iter().zip(&self.worth).filter(|(column, _)| **column < IMPOSSIBLE);
        let alone = beyond.map(|(column, worth)| column - worth).min().unwrap_or(NEVER);
        if alone < 0 {
            return -NEVER;
        }
        (some + 3 * alone).min(some + alone + extra)
    }

    /// What a unit of an axis adds to a parcel of one other unit, on average.
    fn price(&self, frame: &Frame, axis: &Axis) -> i64 {
        let (mut sum, mut count) = (0, 0);
        for other in frame.axes.iter().filter(|other| other.stride != axis.stride) {
            let (both, alone) = (self.column[axis.stride + other.stride], self.column[other.stride]);
            if both < IMPOSSIBLE && alone < IMPOSSIBLE {
                sum += both - alone;
                count += 1;
            }
        }
        if count == 0 { 0 } else { sum / count }
    }
}
