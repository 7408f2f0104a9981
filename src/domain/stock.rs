//! What is known of one sku at one node: the level, its movements and their fold.
//!
//! The law of every level: `on_hand + shortfall = available + committed + reserved + safety_stock + damaged +
//! quality_control`, all of them at least zero. `on_hand` is stored and carried, never computed from the rest, or the
//! law could not fail. Movements carry deltas, never totals. What is *not* here: who may take (the engine's cells).

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::{NodeIndex, SkuIndex};
use super::limits::LEVEL_MAX;

/// A cell: one sku at one node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct CellKey {
    /// The sku.
    pub sku: SkuIndex,
    /// The node.
    pub node: NodeIndex,
}

/// All counters of one cell, in the item's unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Level {
    /// Units physically there, whatever their condition.
    pub on_hand: u32,
    /// Units that are owed: a physical correction found fewer than were promised.
    pub shortfall: u32,
    /// Free for promise.
    pub available: u32,
    /// Promised to placed orders, not yet shipped.
    pub committed: u32,
    /// Set aside for reservations, the pool of waiting demand included.
    pub reserved: u32,
    /// Part of `reserved` that belongs to the queue of waiting demand.
    pub pool: u32,
    /// Withheld from sale as a buffer.
    pub safety_stock: u32,
    /// There, not sellable.
    pub damaged: u32,
    /// There, waiting for inspection or put-back.
    pub quality_control: u32,
}

/// Signed changes of a level; zero where nothing changes. In a record only what changes takes bytes: a mask with a bit
/// per counter, then the changes of those whose bit is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LevelDelta {
    /// Change of `on_hand`.
    pub on_hand: i32,
    /// Change of `shortfall`.
    pub shortfall: i32,
    /// Change of `available`.
    pub available: i32,
    /// Change of `committed`.
    pub committed: i32,
    /// Change of `reserved`.
    pub reserved: i32,
    /// Change of `pool`.
    pub pool: i32,
    /// Change of `safety_stock`.
    pub safety_stock: i32,
    /// Change of `damaged`.
    pub damaged: i32,
    /// Change of `quality_control`.
    pub quality_control: i32,
}

/// Why units moved: the kinds of the movement ledger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum MovementKind {
    /// Arrived from outside.
    Received,
    /// Promised to an order.
    Allocated,
    /// Given back by an order.
    Deallocated,
    /// Set aside for a reservation.
    Reserved,
    /// Given back by a reservation.
    Released,
    /// A reservation's units became an order's.
    Claimed,
    /// The queue's pool became an order's.
    Drained,
    /// Left the node towards the customer.
    Shipped,
    /// Came back from a customer.
    Returned,
    /// Counted: an absolute observation.
    Counted,
    /// Lost.
    Lost,
    /// Found.
    Found,
    /// Found or made unsellable.
    Damaged,
    /// Corrected by hand.
    Corrected,
    /// Moved between states of the same cell.
    StateChanged,
    /// Short pick: what the order held is not there.
    ShortPicked,
    /// Paid at start what was owed from what was free.
    Settled,
    /// Left the node towards another one.
    TransferredOut,
    /// Came from another node.
    TransferredIn,
    /// Came back from a customer and went on to who made it.
    ReturnedToVendor,
    /// Came back from a customer and was sold off elsewhere.
    Liquidated,
    /// Came back from a customer and was given away.
    Donated,
    /// Came back from a customer and was destroyed.
    Destroyed,
}

/// A law of the domain that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LawBroken(pub String);

impl LevelDelta {
    /// The counters in the order of their bits; the common ones first.
    fn counters(&self) -> [i32; 9] {
        [
            self.available,
            self.committed,
            self.reserved,
            self.on_hand,
            self.shortfall,
            self.pool,
            self.damaged,
            self.quality_control,
            self.safety_stock,
        ]
    }

    fn from_counters(counters: [i32; 9]) -> Self {
        let [available, committed, reserved, on_hand, shortfall, pool, damaged, quality_control, safety_stock] =
            counters;
        Self { on_hand, shortfall, available, committed, reserved, pool, safety_stock, damaged, quality_control }
    }
}

impl Serialize for LevelDelta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counters = self.counters();
        let mask = (0..9).filter(|bit| counters[*bit] != 0).fold(0u16, |mask, bit| mask | 1 << bit);
        let mut tuple = serializer.serialize_tuple(1 + mask.count_ones() as usize)?;
        tuple.serialize_element(&mask)?;
        for change in counters.iter().filter(|change| **change != 0) {
            tuple.serialize_element(change)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for LevelDelta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(10, DeltaVisitor)
    }
}

struct DeltaVisitor;

impl<'de> Visitor<'de> for DeltaVisitor {
    type Value = LevelDelta;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mask of nine bits and one non-zero change per bit set")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LevelDelta, A::Error> {
        let mask: u16 = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        if mask >= 1 << 9 {
            return Err(de::Error::custom("unknown counter in a level's change"));
        }
        let mut counters = [0i32; 9];
        for bit in (0..9).filter(|bit| mask & 1 << bit != 0) {
            let change = seq.next_element()?.filter(|change| *change != 0);
            counters[bit] = change.ok_or_else(|| de::Error::custom("a counter whose bit is set changes"))?;
        }
        Ok(LevelDelta::from_counters(counters))
    }
}

impl std::ops::AddAssign for LevelDelta {
    /// Panics when a sum leaves what a change can say: better no record than a wrong one.
    fn add_assign(&mut self, other: Self) {
        let add = |sum: &mut i32, change: i32| {
            *sum = sum.checked_add(change).expect("the parts of one movement add up to what a level can hold");
        };
        add(&mut self.on_hand, other.on_hand);
        add(&mut self.shortfall, other.shortfall);
        add(&mut self.available, other.available);
        add(&mut self.committed, other.committed);
        add(&mut self.reserved, other.reserved);
        add(&mut self.pool, other.pool);
        add(&mut self.safety_stock, other.safety_stock);
        add(&mut self.damaged, other.damaged);
        add(&mut self.quality_control, other.quality_control);
    }
}

impl LevelDelta {
    /// The sum for a reader: other units of the same cell may be between take and apply, so no law is asserted.
    pub fn added_to(&self, level: &Level) -> Level {
        Level {
            on_hand: level.on_hand.saturating_add_signed(self.on_hand),
            shortfall: level.shortfall.saturating_add_signed(self.shortfall),
            available: level.available.saturating_add_signed(self.available),
            committed: level.committed.saturating_add_signed(self.committed),
            reserved: level.reserved.saturating_add_signed(self.reserved),
            pool: level.pool.saturating_add_signed(self.pool),
            safety_stock: level.safety_stock.saturating_add_signed(self.safety_stock),
            damaged: level.damaged.saturating_add_signed(self.damaged),
            quality_control: level.quality_control.saturating_add_signed(self.quality_control),
        }
    }

    /// The change applied to a level; refuses to leave the law.
    pub fn apply(&self, level: &Level) -> Result<Level, LawBroken> {
        let add = |name: &str, value: u32, change: i32| {
            let sum = i64::from(value) + i64::from(change);
            u32::try_from(sum)
                .ok()
                .filter(|sum| *sum <= LEVEL_MAX)
                .ok_or_else(|| LawBroken(format!("{name} would become {sum}: levels stay within 0 and {LEVEL_MAX}")))
        };
        let next = Level {
            on_hand: add("on_hand", level.on_hand, self.on_hand)?,
            shortfall: add("shortfall", level.shortfall, self.shortfall)?,
            available: add("available", level.available, self.available)?,
            committed: add("committed", level.committed, self.committed)?,
            reserved: add("reserved", level.reserved, self.reserved)?,
            pool: add("pool", level.pool, self.pool)?,
            safety_stock: add("safety_stock", level.safety_stock, self.safety_stock)?,
            damaged: add("damaged", level.damaged, self.damaged)?,
            quality_control: add("quality_control", level.quality_control, self.quality_control)?,
        };
        next.check()?;
        Ok(next)
    }
}

impl Level {
    /// Refuses a level that breaks the identity, or whose pool is more than its reserved.
    pub fn check(&self) -> Result<(), LawBroken> {
        let left = u64::from(self.on_hand) + u64::from(self.shortfall);
        let right: u64 =
            [self.available, self.committed, self.reserved, self.safety_stock, self.damaged, self.quality_control]
                .into_iter()
                .map(u64::from)
                .sum();
        if left != right {
            return Err(LawBroken(format!("on_hand + shortfall = {left}, but the states add up to {right}: {self:?}")));
        }
        if self.pool > self.reserved {
            return Err(LawBroken(format!("pool {} is more than reserved {}", self.pool, self.reserved)));
        }
        Ok(())
    }

    /// Whether nothing was ever there, or all of it has gone.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_that_breaks_the_identity_is_refused() {
        let level = Level { on_hand: 5, available: 5, ..Level::default() };
        let sale = LevelDelta { available: -2, committed: 2, ..LevelDelta::default() };
        assert_eq!(sale.apply(&level).map(|l| (l.available, l.committed)), Ok((3, 2)));
        assert!(LevelDelta { available: -2, ..LevelDelta::default() }.apply(&level).is_err());
        assert!(LevelDelta { available: -6, committed: 6, ..LevelDelta::default() }.apply(&level).is_err());
    }
}
