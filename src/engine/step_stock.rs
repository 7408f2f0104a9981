//! What steps of fulfilment orders do to stock: which ledgers they need, and what they take, give and move.
//!
//! What is *not* here: which step may be taken (`fulfill`), and what shipments that leave together do (`consolidate`).

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Place};
use super::loose;
use super::network::Network;
use super::shares;
use super::withdrawal::Withdrawal;
use crate::domain::command::StockState;
use crate::domain::decision::LineUnits;
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStep, ShortReason};
use crate::domain::ids::{FulfillmentKey, NodeIndex, SkuIndex};
use crate::domain::lots::LotChange;
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};

/// Units of it that are still on their shelf.
pub(super) fn left_to_pick(fulfillment: &FulfillmentOrder) -> Vec<LineUnits> {
    let left = fulfillment.lines.iter().filter(|l| l.quantity > l.picked);
    left.map(|l| LineUnits { line: l.line, quantity: l.quantity - l.picked }).collect()
}

pub(super) fn fences(step: &FulfillmentStep) -> bool {
    matches!(
        step,
        FulfillmentStep::Rejected { .. }
            | FulfillmentStep::ShortPicked { .. }
            | FulfillmentStep::Cancelled { resourced: true, .. }
            | FulfillmentStep::Stopped { resourced: true, .. }
    )
}

/// An order that nodes refuse waits without a right from now on: its units might not come from where they arrive.
pub(super) fn loosen(network: &Network, change: &mut Change<'_>, order: &Order, refused: &[NodeIndex]) {
    for (line, _) in (0..).zip(&order.lines).filter(|(_, own)| own.waiting() > 0) {
        for (sku, loose) in loose::of_order(network, order, line, refused) {
            change.place(sku, (order.key, line), Place::Loose(loose.into()));
        }
    }
}

/// Skus whose ledgers a step needs.
pub(super) fn skus_of(
    network: &Network,
    order: &Order,
    fulfillment: &FulfillmentOrder,
    step: &FulfillmentStep,
) -> BTreeSet<SkuIndex> {
    let moves = fences(step)
        || matches!(
            step,
            FulfillmentStep::Shipped { .. }
                | FulfillmentStep::HandedOver
                | FulfillmentStep::Cancelled { .. }
                | FulfillmentStep::Stopped { .. }
                | FulfillmentStep::PutBack { .. }
                | FulfillmentStep::NodeOutage { .. }
                | FulfillmentStep::Received { .. }
                | FulfillmentStep::ReceivedInPart { .. }
        );
    if let FulfillmentStep::Picked { lines } = step {
        // Nothing moves, but of what is tracked it is told which.
        let picked = lines.iter().flat_map(|units| order.stock_of(*units)).map(|(sku, _)| sku);
        return picked.filter(|sku| network.catalogue.item(*sku).tracking.is_some()).collect();
    }
    if !moves {
        return BTreeSet::new();
    }
    let own = fulfillment.lines.iter().flat_map(|l| order.lines[usize::from(l.line)].placed.stock(1));
    let waiting = order.lines.iter().filter(|l| l.waiting() > 0 && fences(step)).flat_map(|l| l.placed.stock(1));
    own.chain(waiting).map(|(sku, _)| sku).collect()
}

/// The stock effect of a step. `false` when units of others are in flight and it must come again.
pub(super) fn move_stock<'n>(
    network: &'n Network,
    change: &mut Change<'n>,
    withdrawal: &mut Withdrawal<'n>,
    order: &Order,
    fulfillment: &FulfillmentOrder,
    step: &FulfillmentStep,
) -> bool {
    let node = fulfillment.node;
    let cells = |units: &[LineUnits]| cells_of(order, node, units);
    let by = FulfillmentKey { order: order.key, number: fulfillment.number };
    match step {
        FulfillmentStep::Shipped { .. } | FulfillmentStep::HandedOver => {
            for (cell, units) in cells(&fulfillment.line_units()) {
                change.ship(cell, units);
                change.end_pick(cell.sku, by, |by| LotChange::Left { by });
            }
            true
        }
        FulfillmentStep::Rejected { .. } | FulfillmentStep::NodeOutage { .. } => {
            give_back(change, cells(&fulfillment.line_units()));
            true
        }
        FulfillmentStep::Cancelled { .. } | FulfillmentStep::Stopped { .. } => {
            for (cell, _) in cells(&fulfillment.line_units()) {
                change.end_pick(cell.sku, by, |by| LotChange::PutBack { by });
            }
            give_back(change, cells(&left_to_pick(fulfillment)));
            for (cell, units) in cells(&fulfillment.picked_units()) {
                let n = units as i32;
                let delta = LevelDelta { committed: -n, quality_control: n, ..LevelDelta::default() };
                change.shift(cell, MovementKind::Deallocated, delta);
            }
            true
        }
        FulfillmentStep::ShortPicked { lines, reason } => {
            cells(lines).into_iter().all(|(cell, units)| short(network, change, withdrawal, cell, units, *reason))
        }
        FulfillmentStep::Received { node } => {
            bring_in(change, cells_of(order, *node, &fulfillment.line_units()));
            true
        }
        FulfillmentStep::ReceivedInPart { node, missing, .. } => {
            // What is missing was gone when it left.
            bring_in(change, cells_of(order, *node, &without(fulfillment.line_units(), missing)));
            true
        }
        FulfillmentStep::Accepted
        | FulfillmentStep::Picked { .. }
        | FulfillmentStep::Packed
        | FulfillmentStep::MadeReady
        | FulfillmentStep::Delivered
        | FulfillmentStep::CancellationRequested { .. }
        | FulfillmentStep::CancellationRefused
        | FulfillmentStep::PutBack { .. }
        | FulfillmentStep::MadeReadyUntil { .. }
        | FulfillmentStep::Submitted
        | FulfillmentStep::Moved { .. }
        | FulfillmentStep::Split { .. }
        | FulfillmentStep::Merged { .. } => true,
    }
}

/// Units that somebody sent come to a node; they are promised.
fn bring_in(change: &mut Change<'_>, cells: Vec<(CellKey, u32)>) {
    for (cell, units) in cells {
        change.ensure(cell);
        let n = units as i32;
        let delta = LevelDelta { on_hand: n, committed: n, ..LevelDelta::default() };
        change.shift(cell, MovementKind::TransferredIn, delta);
    }
}

/// Units without some of them.
fn without(mut units: Vec<LineUnits>, missing: &[LineUnits]) -> Vec<LineUnits> {
    for own in &mut units {
        let of_line = missing.iter().filter(|gone| gone.line == own.line);
        own.quantity -= of_line.map(|gone| gone.quantity).sum::<u32>();
    }
    units.retain(|own| own.quantity > 0);
    units
}

/// Units of lines at a node, by cell.
pub(super) fn cells_of(order: &Order, node: NodeIndex, units: &[LineUnits]) -> Vec<(CellKey, u32)> {
    let mut cells: BTreeMap<CellKey, u32> = BTreeMap::new();
    for (sku, n) in units.iter().flat_map(|u| order.stock_of(*u)) {
        *cells.entry(CellKey { sku, node }).or_default() += n;
    }
    cells.into_iter().collect()
}

/// Units that lie in quality control go to whom they are owed, to who waits, or become free. Whoever moved them out by
/// hand meanwhile has put them back already.
pub(super) fn put_back(
    network: &Network,
    change: &mut Change<'_>,
    cells: Vec<(CellKey, u32)>,
) -> Result<(), Rejection> {
    for (cell, requested) in cells {
        let has = change.left_in(cell, StockState::QualityControl);
        if has < requested {
            let (sku, node) = (network.sku_name(cell.sku), network.node_name(cell.node));
            let state = StockState::QualityControl.word();
            return Err(Rejection::InsufficientState { sku, node, state, has, requested });
        }
        change.give(cell, requested, MovementKind::StateChanged, |delta, n| delta.quality_control -= n);
    }
    Ok(())
}

pub(super) fn give_back(change: &mut Change<'_>, cells: Vec<(CellKey, u32)>) {
    for (cell, units) in cells {
        change.give(cell, units, MovementKind::Deallocated, |delta, n| delta.committed -= n);
    }
}

/// Units that were not found. The reason decides: nothing is there (all that is sellable goes), so many fewer are
/// there, or they are there but damaged.
fn short<'n>(
    network: &'n Network,
    change: &mut Change<'n>,
    withdrawal: &mut Withdrawal<'n>,
    cell: CellKey,
    units: u32,
    reason: ShortReason,
) -> bool {
    let position = change.ensure(cell);
    let now = change.ledger(cell.sku).at(position);
    let n = units as i32;
    match reason {
        ShortReason::Damaged => {
            let delta = LevelDelta { committed: -n, damaged: n, ..LevelDelta::default() };
            change.shift(cell, MovementKind::ShortPicked, delta);
            true
        }
        ShortReason::Mismatch => {
            change.ship_as(cell, units, MovementKind::ShortPicked);
            true
        }
        ShortReason::NotInStock => {
            // Damaged units and those under inspection lie elsewhere and stay; everything else is not there.
            let stays = (now.damaged + now.quality_control).min(now.on_hand);
            let word = network.cell(cell).expect("just ensured").word;
            let taken = withdrawal.add_up_to(word, network.limited(cell), u32::MAX);
            if !shares::has_nothing_for_others(word.both(), withdrawal.in_flight_of(&word)) {
                return false;
            }
            let gone = (now.on_hand - stays) as i32;
            // Safety stock is nobody's: it goes before others are owed anything.
            let withheld = now.safety_stock as i32;
            let delta = LevelDelta {
                on_hand: -gone,
                committed: -n,
                available: 0,
                safety_stock: -withheld,
                shortfall: gone - n - taken as i32 - withheld,
                ..LevelDelta::default()
            };
            change.shift(cell, MovementKind::ShortPicked, delta);
            change.withdrawn(cell, taken, MovementKind::ShortPicked);
            true
        }
    }
}
