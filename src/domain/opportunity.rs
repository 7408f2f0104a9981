//! Opportunity costs: what a unit of stock, and a shipment of a node, is worth to orders that are yet to come.
//!
//! A unit that leaves today is missing tomorrow for whoever lives beside it. What that costs is its *shadow price*: the dual
//! value of the stock of a cell, or of what a node can handle, when all orders of a time ahead are planned together (Acimovic
//! and Graves 2015; Jasin and Sinha 2015). The orders ahead are drawn from those of the past: the same lines to the same places.
//!
//! Promises: whole minor units, none below zero; what is not named is worth nothing. They change with a record alone, so
//! whoever reads a journal again weighs what was weighed then. Bounds: [`OPPORTUNITY_CELLS_MAX`] cells and
//! [`OPPORTUNITY_NODES_MAX`] nodes, the dearest; of fewer past orders than [`OPPORTUNITY_ORDERS_MIN`] nothing is said.
//!
//! What is *not* here: how they are found (the engine's `opportunity`), and who weighs them (`rules`, by the term
//! `opportunity`).

use std::cmp::Reverse;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::NodeIndex;
use super::limits::{OPPORTUNITY_CELLS_MAX, OPPORTUNITY_NODES_MAX, OPPORTUNITY_ORDERS_MIN};
use super::stock::{CellKey, LawBroken};
use super::time::WallTime;

/// Days of the past whose orders tell of those ahead.
pub const DAYS_BACK: u16 = 28;
/// Days ahead when nobody says how many.
pub const DAYS_AHEAD: u16 = 7;

/// How far is looked ahead, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Foresee {
    /// Days ahead.
    pub days: u16,
    /// How long it may take, but for the fewest rounds that tell anything.
    pub within: Duration,
}

/// See the module. Minor units of the base currency.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Opportunity {
    /// Of a unit, by cell; ascending, none zero.
    pub stock: Vec<(CellKey, u32)>,
    /// Of a shipment, by node; ascending, none zero.
    pub shipments: Vec<(NodeIndex, u32)>,
    /// What they were found from.
    pub basis: Basis,
}

/// What opportunity costs were found from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Basis {
    /// When; never where nobody looked yet.
    pub at: Option<WallTime>,
    /// Orders of the past that were looked at.
    pub orders: u32,
    /// Since when as many came, going by the half that was placed last: one placed long before all others counts for one.
    pub since: WallTime,
    /// Days ahead that were asked for.
    pub days: u16,
    /// Orders that were taken to come in that time; of very many the first.
    pub ahead: u32,
    /// Streams of so many orders that were drawn.
    pub paths: u32,
    /// Rounds in which the prices moved.
    pub rounds: u32,
    /// Prices that there was no room for, the lowest.
    pub left_out: u32,
}

impl Basis {
    /// Whether there were enough orders to tell of those ahead.
    pub fn is_enough(&self) -> bool {
        self.orders as usize >= OPPORTUNITY_ORDERS_MIN
    }
}

impl Opportunity {
    /// Where too little is known: nothing is worth anything.
    pub fn unknown(basis: Basis) -> Self {
        Self { basis, ..Self::default() }
    }

    /// Of prices as they were found, the dearest where there are too many.
    pub fn of(stock: Vec<(CellKey, i64)>, shipments: Vec<(NodeIndex, i64)>, basis: Basis) -> Self {
        let (stock, less_stock) = dearest(stock, OPPORTUNITY_CELLS_MAX);
        let (shipments, less_shipments) = dearest(shipments, OPPORTUNITY_NODES_MAX);
        let left_out = u32::try_from(less_stock + less_shipments).unwrap_or(u32::MAX);
        Self { stock, shipments, basis: Basis { left_out, ..basis } }
    }

    /// Whether anything was found: where not, all is weighed as if it were worth nothing.
    pub fn is_known(&self) -> bool {
        self.basis.at.is_some() && self.basis.is_enough()
    }

    /// What a unit of a cell is worth.
    pub fn unit(&self, cell: CellKey) -> i64 {
        self.stock.binary_search_by_key(&cell, |(cell, _)| *cell).map_or(0, |at| i64::from(self.stock[at].1))
    }

    /// What a shipment of a node is worth.
    pub fn shipment(&self, node: NodeIndex) -> i64 {
        self.shipments.binary_search_by_key(&node, |(node, _)| *node).map_or(0, |at| i64::from(self.shipments[at].1))
    }

    /// Whether it is as [`Opportunity::of`] makes it.
    pub fn check(&self) -> Result<(), LawBroken> {
        let stock_ascends = self.stock.is_sorted_by(|a, b| a.0 < b.0) && self.stock.iter().all(|(_, worth)| *worth > 0);
        let nodes_ascend =
            self.shipments.is_sorted_by(|a, b| a.0 < b.0) && self.shipments.iter().all(|(_, worth)| *worth > 0);
        let fits = self.stock.len() <= OPPORTUNITY_CELLS_MAX && self.shipments.len() <= OPPORTUNITY_NODES_MAX;
        if stock_ascends && nodes_ascend && fits {
            return Ok(());
        }
        Err(LawBroken("opportunity costs ascend, none is zero, and they are few enough for a record".to_owned()))
    }
}

/// The dearest prices above zero, ascending by what they are of, and how many others there are.
fn dearest<K: Ord + Copy>(mut prices: Vec<(K, i64)>, most: usize) -> (Vec<(K, u32)>, usize) {
    prices.retain(|(_, price)| *price > 0);
    prices.sort_unstable_by_key(|(of, price)| (Reverse(*price), *of));
    let left_out = prices.len().saturating_sub(most);
    prices.truncate(most);
    prices.sort_unstable_by_key(|(of, _)| *of);
    (prices.into_iter().map(|(of, price)| (of, u32::try_from(price).unwrap_or(u32::MAX))).collect(), left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SkuIndex;

    fn cell(sku: u32, node: u32) -> CellKey {
        CellKey { sku: SkuIndex(sku), node: NodeIndex(node) }
    }

    #[test]
    fn what_has_no_price_is_worth_nothing() {
        let prices = vec![(cell(2, 1), 70), (cell(1, 5), 30), (cell(1, 4), 0), (cell(3, 0), -4)];
        let known = Opportunity::of(prices, vec![(NodeIndex(9), 11)], Basis::default());
        assert_eq!(known.stock, [(cell(1, 5), 30), (cell(2, 1), 70)]);
        assert_eq!([cell(1, 5), cell(1, 4), cell(2, 1), cell(9, 9)].map(|own| known.unit(own)), [30, 0, 70, 0]);
        assert_eq!((known.shipment(NodeIndex(9)), known.shipment(NodeIndex(8)), known.basis.left_out), (11, 0, 0));
        assert_eq!(known.check(), Ok(()));
        assert_eq!(Opportunity::unknown(Basis::default()).unit(cell(1, 5)), 0);
    }

    #[test]
    fn of_too_many_the_dearest_are_kept() {
        let many: Vec<_> =
            (0..OPPORTUNITY_CELLS_MAX as u32 + 7).map(|sku| (cell(sku, 0), i64::from(sku) + 1)).collect();
        let known = Opportunity::of(many, Vec::new(), Basis::default());
        assert_eq!((known.stock.len(), known.basis.left_out), (OPPORTUNITY_CELLS_MAX, 7));
        assert_eq!((known.unit(cell(6, 0)), known.unit(cell(7, 0))), (0, 8));
        assert_eq!(known.check(), Ok(()));
    }

    #[test]
    fn what_is_not_in_order_is_refused() {
        let known = Opportunity::of(vec![(cell(1, 1), 5), (cell(1, 2), 6)], Vec::new(), Basis::default());
        let turned = Opportunity { stock: known.stock.iter().rev().copied().collect(), ..known.clone() };
        let twice = Opportunity { stock: vec![known.stock[0]; 2], ..known.clone() };
        let worthless = Opportunity { shipments: vec![(NodeIndex(1), 0)], ..known };
        assert!([turned, twice, worthless].iter().all(|own| own.check().is_err()));
    }
}
