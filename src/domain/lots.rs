//! Lots and serial numbers: of which batch the units of a sku are, or which unit is which.
//!
//! A sub-ledger of what is on hand, one for each sku that is tracked, over all its nodes: so the fold itself sees that no
//! serial is at two places and none is picked twice. A serial is a lot of exactly one unit. What a fulfilment order picked
//! stands apart under its name until it leaves, or goes back to its lot when the node lets it go.
//!
//! Law, beside those of each change: at every node the units of all lots, picked ones left out, are at most what is on
//! hand. Units on hand beyond that are *unassigned*: nobody said of which lot they are. What goes missing unnamed is
//! first unassigned units, then those of the lot that expires first.
//!
//! What is *not* here: how many units may be promised (`stock`), and who decides which lot is taken (`engine`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{FulfillmentKey, NodeIndex, SkuIndex, Text};
use super::item::Tracking;
use super::limits::LOTS_GONE_NAMED_MAX;
use super::stock::LawBroken;
use super::time::WallTime;

/// Units of a lot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LotUnits {
    /// The lot, or the serial number.
    pub lot: Text,
    /// Units; 1 of a serial.
    pub units: u32,
}

/// Units that were picked, told by their lot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identified {
    /// What.
    pub sku: SkuIndex,
    /// The lot, or the serial number.
    pub lot: Text,
    /// The last instant at which they may be used, if there is one.
    pub expires_at: Option<WallTime>,
    /// Units; 1 of a serial.
    pub units: u32,
}

/// Something that happened to lots of a sku.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LotChange {
    /// Units came, or were found.
    Arrived {
        /// Where.
        node: NodeIndex,
        /// Of which lot.
        lot: Text,
        /// The last instant at which they may be used, if there is one.
        expires_at: Option<WallTime>,
        /// How many.
        units: u32,
        /// Of these, units that had expired and went to quality control.
        blocked: u32,
    },
    /// Units are no longer there.
    Gone {
        /// Where.
        node: NodeIndex,
        /// Of which lot.
        lot: Text,
        /// How many.
        units: u32,
        /// Of these, units that lay in quality control because they had expired.
        blocked: u32,
    },
    /// Units have expired and went to quality control.
    Blocked {
        /// Where.
        node: NodeIndex,
        /// Of which lot.
        lot: Text,
        /// How many.
        units: u32,
    },
    /// A fulfilment order has units.
    Picked {
        /// Which.
        by: FulfillmentKey,
        /// Where.
        node: NodeIndex,
        /// Of which lots.
        units: Vec<LotUnits>,
    },
    /// What a fulfilment order picked lies with its lots again.
    PutBack {
        /// Which.
        by: FulfillmentKey,
    },
    /// What a fulfilment order picked left the node.
    Left {
        /// Which.
        by: FulfillmentKey,
    },
    /// Units are no longer there, and nobody said which: of the lots that expire first, ties by name. Told of more than a
    /// record could name.
    GoneUnnamed {
        /// Where.
        node: NodeIndex,
        /// How many.
        units: u64,
    },
}

/// Units of one lot at one node that nobody picked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lot {
    /// The last instant at which they may be used, if there is one.
    pub expires_at: Option<WallTime>,
    /// Units.
    pub units: u32,
    /// Of these, units that went to quality control because they had expired.
    pub blocked: u32,
}

impl Lot {
    /// Whether it may no longer be used at `now`.
    pub fn has_expired(&self, now: WallTime) -> bool {
        self.expires_at.is_some_and(|at| at < now)
    }

    /// Units that are not in quality control for their age.
    pub fn unblocked(&self) -> u32 {
        self.units - self.blocked
    }
}

/// What a fulfilment order has of one lot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pick {
    /// Of which.
    pub lot: Text,
    /// The last instant at which it may be used, if there is one.
    pub expires_at: Option<WallTime>,
    /// Units.
    pub units: u32,
}

/// Where a serial number is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// At which node.
    pub node: NodeIndex,
    /// Who picked it.
    pub picked_by: Option<FulfillmentKey>,
    /// The unit itself.
    pub lot: Lot,
}

/// All lots of a sku.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SkuLots {
    tracking: Tracking,
    lots: BTreeMap<NodeIndex, BTreeMap<Text, Lot>>,
    picks: BTreeMap<FulfillmentKey, (NodeIndex, Vec<Pick>)>,
}

impl SkuLots {
    /// The next state of the lots of a sku.
    pub fn fold(before: Option<Self>, tracking: Tracking, changes: &[LotChange]) -> Result<Self, LawBroken> {
        let mut lots = before.filter(|before| !before.is_empty()).unwrap_or_else(|| Self::of(tracking));
        if lots.tracking != tracking {
            return Err(LawBroken(format!("lots tracked by {:?} cannot take changes by {tracking:?}", lots.tracking)));
        }
        changes.iter().try_for_each(|change| lots.take(change))?;
        Ok(lots)
    }

    fn of(tracking: Tracking) -> Self {
        Self { tracking, lots: BTreeMap::new(), picks: BTreeMap::new() }
    }

    /// Whether nothing is known: as good as not there.
    pub fn is_empty(&self) -> bool {
        self.lots.is_empty() && self.picks.is_empty()
    }

    /// How the sku is tracked.
    pub fn tracking(&self) -> Tracking {
        self.tracking
    }

    /// How many lots there are, over all nodes.
    pub fn len(&self) -> usize {
        self.lots.values().map(BTreeMap::len).sum()
    }

    /// The lots of a node by name, without what is picked.
    pub fn at(&self, node: NodeIndex) -> impl Iterator<Item = (&Text, &Lot)> {
        self.lots.get(&node).into_iter().flatten()
    }

    /// One lot of a node.
    pub fn lot(&self, node: NodeIndex, lot: &Text) -> Option<&Lot> {
        self.lots.get(&node)?.get(lot)
    }

    /// The lots of a node, that which expires first before the others, ties by name.
    pub fn expiring(&self, node: NodeIndex) -> Vec<(&Text, &Lot)> {
        let mut lots: Vec<_> = self.at(node).collect();
        lots.sort_by_key(|(_, lot)| lot.expires_at.map_or(i64::MAX, |at| at.0));
        lots
    }

    /// Units of all lots of a node, without what is picked.
    pub fn units_at(&self, node: NodeIndex) -> u64 {
        self.at(node).map(|(_, lot)| u64::from(lot.units)).sum()
    }

    /// Every node that has a lot, ascending.
    pub fn nodes(&self) -> impl Iterator<Item = NodeIndex> {
        self.lots.keys().copied()
    }

    /// What fulfilment orders picked at a node.
    pub fn picked_at(&self, node: NodeIndex) -> impl Iterator<Item = (&FulfillmentKey, &Pick)> {
        let own = self.picks.iter().filter(move |(_, (at, _))| *at == node);
        own.flat_map(|(by, (_, picks))| picks.iter().map(move |pick| (by, pick)))
    }

    /// Units a fulfilment order picked.
    pub fn picked_by(&self, by: FulfillmentKey) -> u64 {
        self.picks.get(&by).map_or(0, |(_, picks)| picks.iter().map(|pick| u64::from(pick.units)).sum())
    }

    /// Until when a lot may be used, as any node or pick of it says; `None` when there is no such lot.
    pub fn expiry_of(&self, lot: &Text) -> Option<Option<WallTime>> {
        let there = self.lots.values().find_map(|lots| lots.get(lot)).map(|own| own.expires_at);
        let picked = || self.picks.values().flat_map(|(_, picks)| picks).find(|pick| pick.lot == *lot);
        there.or_else(|| picked().map(|pick| pick.expires_at))
    }

    /// Where a serial number is.
    pub fn find(&self, serial: &Text) -> Option<Found> {
        let at = |(node, lots): (&NodeIndex, &BTreeMap<Text, Lot>)| {
            lots.get(serial).map(|lot| Found { node: *node, picked_by: None, lot: *lot })
        };
        self.lots.iter().find_map(at).or_else(|| {
            self.picks.iter().find_map(|(by, (node, picks))| {
                let pick = picks.iter().find(|pick| pick.lot == *serial)?;
                let lot = Lot { expires_at: pick.expires_at, units: pick.units, blocked: 0 };
                Some(Found { node: *node, picked_by: Some(*by), lot })
            })
        })
    }

    /// The earliest end of a lot whose units are not all in quality control.
    pub fn next_expiry(&self) -> Option<WallTime> {
        self.lots
            .values()
            .flat_map(BTreeMap::values)
            .filter(|lot| lot.unblocked() > 0)
            .filter_map(|lot| lot.expires_at)
            .min()
    }

    /// Lots that have expired at `now`, with units that are not in quality control.
    pub fn expired(&self, now: WallTime) -> Vec<(NodeIndex, Text)> {
        let all = self.lots.iter().flat_map(|(node, lots)| lots.iter().map(move |(lot, own)| (*node, lot, own)));
        let over = all.filter(|(_, _, own)| own.has_expired(now) && own.unblocked() > 0);
        over.map(|(node, lot, _)| (node, lot.clone())).collect()
    }

    /// By how much a change raises or lowers [`SkuLots::units_at`].
    pub fn effect(&self, change: &LotChange, at: NodeIndex) -> i64 {
        match change {
            LotChange::Arrived { node, units, .. } if *node == at => i64::from(*units),
            LotChange::Gone { node, units, .. } if *node == at => -i64::from(*units),
            LotChange::Picked { node, units, .. } if *node == at => {
                -units.iter().map(|u| i64::from(u.units)).sum::<i64>()
            }
            LotChange::GoneUnnamed { node, units } if *node == at => -i64::try_from(*units).unwrap_or(i64::MAX),
            LotChange::PutBack { by } if self.picks.get(by).is_some_and(|(node, _)| *node == at) => {
                self.picked_by(*by) as i64
            }
            _ => 0,
        }
    }

    /// What of the lots of a node goes when `units` units of them are no longer there and nobody says which: those of the
    /// lot that expires first.
    pub fn gone_unnamed(&self, node: NodeIndex, units: u64) -> Vec<LotChange> {
        let mut left = units;
        let mut gone = Vec::new();
        for (lot, own) in self.expiring(node) {
            let units = left.min(u64::from(own.units)) as u32;
            left -= u64::from(units);
            if units > 0 {
                let blocked = units.saturating_sub(own.unblocked());
                gone.push(LotChange::Gone { node, lot: lot.clone(), units, blocked });
            }
        }
        gone
    }

    /// The same as it is told: lot by lot, or by their number alone where a record could not name them all.
    pub fn missing(&self, node: NodeIndex, units: u64) -> Vec<LotChange> {
        let named = self.gone_unnamed(node, units);
        if named.len() > LOTS_GONE_NAMED_MAX { vec![LotChange::GoneUnnamed { node, units }] } else { named }
    }

    /// The law that spans lots and stock.
    pub fn check(&self, node: NodeIndex, on_hand: u32) -> Result<(), LawBroken> {
        let units = self.units_at(node);
        if units > u64::from(on_hand) {
            return Err(LawBroken(format!("lots at {node:?} have {units} units, but {on_hand} are on hand")));
        }
        Ok(())
    }

    fn take(&mut self, change: &LotChange) -> Result<(), LawBroken> {
        let broken = || LawBroken(format!("lots cannot take {change:?}"));
        match change {
            LotChange::Arrived { node, lot, expires_at, units, blocked } => {
                let is_unit = *units == 1 && self.find(lot).is_none();
                if self.tracking == Tracking::Serial && !is_unit || *units == 0 || blocked > units {
                    return Err(broken());
                }
                let empty = Lot { expires_at: *expires_at, units: 0, blocked: 0 };
                let own = self.lots.entry(*node).or_default().entry(lot.clone()).or_insert(empty);
                own.units = own.units.checked_add(*units).ok_or_else(broken)?;
                own.blocked += blocked;
            }
            LotChange::Gone { node, lot, units, blocked } => {
                self.lower(*node, lot, *units, *blocked).ok_or_else(broken)?
            }
            LotChange::Blocked { node, lot, units } => {
                let own =
                    self.lots.get_mut(node).and_then(|lots| lots.get_mut(lot)).filter(|own| own.unblocked() >= *units);
                own.ok_or_else(broken)?.blocked += units;
            }
            LotChange::Picked { by, node, units } => {
                for LotUnits { lot, units } in units {
                    let expires_at = self.lot(*node, lot).ok_or_else(broken)?.expires_at;
                    self.lower(*node, lot, *units, 0).ok_or_else(broken)?;
                    let (at, picks) = self.picks.entry(*by).or_insert_with(|| (*node, Vec::new()));
                    if at != node {
                        return Err(broken());
                    }
                    picks.push(Pick { lot: lot.clone(), expires_at, units: *units });
                }
            }
            LotChange::PutBack { by } => {
                let (node, picks) = self.picks.remove(by).ok_or_else(broken)?;
                for Pick { lot, expires_at, units } in picks {
                    let empty = Lot { expires_at, units: 0, blocked: 0 };
                    let own = self.lots.entry(node).or_default().entry(lot).or_insert(empty);
                    own.units = own.units.checked_add(units).ok_or_else(broken)?;
                }
            }
            LotChange::Left { by } => drop(self.picks.remove(by).ok_or_else(broken)?),
            LotChange::GoneUnnamed { node, units } => {
                if self.units_at(*node) < *units {
                    return Err(broken());
                }
                self.gone_unnamed(*node, *units).iter().try_for_each(|gone| self.take(gone))?;
            }
        }
        Ok(())
    }

    /// Takes units from a lot; `None` when it has not as many of either sort.
    fn lower(&mut self, node: NodeIndex, lot: &Text, units: u32, blocked: u32) -> Option<()> {
        let lots = self.lots.get_mut(&node)?;
        let own = lots.get_mut(lot)?;
        let (units, blocked) = (own.units.checked_sub(units)?, own.blocked.checked_sub(blocked)?);
        if blocked > units {
            return None;
        }
        (own.units, own.blocked) = (units, blocked);
        if units == 0 {
            lots.remove(lot);
        }
        if lots.is_empty() {
            self.lots.remove(&node);
        }
        Some(())
    }
}

/// A lot of a node, for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotView {
    /// The lot, or the serial number.
    pub lot: Text,
    /// The last instant at which it may be used, if there is one.
    pub expires_at: Option<WallTime>,
    /// Units on hand, picked ones included.
    pub on_hand: u32,
    /// Of these, picked.
    pub picked: u32,
    /// Of these, in quality control because they have expired.
    pub expired: u32,
}

/// The lots of a cell, for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotsView {
    /// How the sku is tracked.
    pub tracking: Option<Tracking>,
    /// Units on hand of which nobody said of which lot they are.
    pub unassigned: u64,
    /// The lots, by name.
    pub lots: Vec<LotView>,
    /// Sequence of the last record when it was read.
    pub as_of: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OrderKey;

    const EAST: NodeIndex = NodeIndex(1);
    const WEST: NodeIndex = NodeIndex(2);
    const BY: FulfillmentKey = FulfillmentKey { order: OrderKey(7), number: 1 };

    fn arrived(node: NodeIndex, lot: &str, day: Option<i64>, units: u32) -> LotChange {
        LotChange::Arrived { node, lot: lot.into(), expires_at: day.map(WallTime), units, blocked: 0 }
    }

    fn picked(lot: &str, units: u32) -> LotChange {
        LotChange::Picked { by: BY, node: EAST, units: vec![LotUnits { lot: lot.into(), units }] }
    }

    #[test]
    fn a_serial_is_at_one_place_and_is_picked_once() {
        let fold = |changes: &[LotChange]| SkuLots::fold(None, Tracking::Serial, changes);
        let one = arrived(EAST, "S1", None, 1);
        assert!(fold(std::slice::from_ref(&one)).is_ok());
        assert!(fold(&[arrived(EAST, "S1", None, 2)]).is_err(), "two units of one number");
        assert!(fold(&[one.clone(), arrived(WEST, "S1", None, 1)]).is_err(), "two places");
        assert!(
            fold(&[one.clone(), picked("S1", 1), arrived(WEST, "S1", None, 1)]).is_err(),
            "in a carton and elsewhere"
        );
        assert!(fold(&[one.clone(), picked("S1", 1), picked("S1", 1)]).is_err(), "picked twice");
        let back = fold(&[one.clone(), picked("S1", 1), LotChange::PutBack { by: BY }]).unwrap();
        assert_eq!(back.find(&"S1".into()).map(|found| (found.node, found.picked_by)), Some((EAST, None)));
        let left = fold(&[one.clone(), picked("S1", 1), LotChange::Left { by: BY }, one]);
        assert!(left.is_ok(), "what left may come back");
    }

    #[test]
    fn what_expires_first_is_first() {
        let changes = [arrived(EAST, "b", Some(5), 1), arrived(EAST, "a", None, 1), arrived(EAST, "c", Some(2), 4)];
        let lots = SkuLots::fold(None, Tracking::Lot, &changes).unwrap();
        let order: Vec<&str> = lots.expiring(EAST).iter().map(|(lot, _)| &***lot).collect();
        assert_eq!(order, ["c", "b", "a"]);
        assert_eq!(lots.gone_unnamed(EAST, 5).len(), 2);
        assert_eq!(lots.next_expiry(), Some(WallTime(2)));
        assert!(lots.check(EAST, 6).is_ok() && lots.check(EAST, 5).is_err());
    }
}
