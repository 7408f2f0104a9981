//! Units of cells that an edit needs, holds and leaves.

use super::super::reserve::Cells;
use super::super::shares;
use crate::domain::edit::{EditTerms, FoundFulfillment};
use crate::domain::order::{Order, PlacedLine};
use crate::domain::stock::CellKey;

/// Units that fulfilment orders which do not stay hold of each cell.
pub(super) fn committed_by(order: &Order, found: &[FoundFulfillment]) -> Cells {
    let mut cells = Cells::new();
    for found in found.iter().filter(|found| !found.stays) {
        let node = order.fulfillment(found.number).expect("it was read off this order").node;
        for (sku, units) in found.units.iter().flat_map(|u| order.stock_of(*u)) {
            *cells.entry(CellKey { sku, node }).or_default() += units;
        }
    }
    cells
}

/// Units that the planned shipments need of each cell.
fn needed_by(lines: &[PlacedLine], terms: &EditTerms) -> Cells {
    let mut cells = Cells::new();
    for shipment in &terms.shipments {
        for (sku, units) in shipment.lines.iter().flat_map(|u| lines[usize::from(u.line)].stock(u.quantity)) {
            *cells.entry(CellKey { sku, node: shipment.node }).or_default() += units;
        }
    }
    cells
}

/// Units that the plan needs of each cell beyond what the order holds there.
pub(super) fn beyond(order: &Order, lines: &[PlacedLine], terms: &EditTerms) -> Cells {
    let own = committed_by(order, &terms.found);
    let needed = needed_by(lines, terms).into_iter();
    let extra = needed.map(|(cell, n)| (cell, shares::claim(own.get(&cell).copied().unwrap_or(0), n).extra));
    extra.filter(|(_, extra)| *extra > 0).collect()
}

/// Units of each cell that the order holds and the plan does not need.
pub(super) fn left_over(order: &Order, lines: &[PlacedLine], terms: &EditTerms) -> Cells {
    let needed = needed_by(lines, terms);
    let own = committed_by(order, &terms.found).into_iter();
    let rest = own.map(|(cell, n)| (cell, shares::claim(n, needed.get(&cell).copied().unwrap_or(0)).rest));
    rest.filter(|(_, rest)| *rest > 0).collect()
}
