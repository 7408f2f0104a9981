//! What a disposition does to the stock of the node that received.
//!
//! | disposition | stock |
//! |---|---|
//! | restock | a give: what is owed and who waits come first, the rest is free; what has expired waits to be looked at |
//! | refurbish, quarantine | `quality_control +n` |
//! | damaged | `damaged +n` |
//! | return to vendor, liquidate, donate, destroy | comes and leaves: two movements, nothing stays |
//! | missing, not restocked | none |
//!
//! A kit comes back as its components, each with its own fate where they are named singly; what has no stock comes back without any.

use std::collections::BTreeSet;

use super::change::Change;
use super::lots::NamedLots;
use super::network::Network;
use crate::domain::command::{CameUnits, Names, ReturnedUnits, SkuUnits};
use crate::domain::decision::LineUnits;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::limits::LEVEL_MAX;
use crate::domain::order::Order;
use crate::domain::quantity::Quantity;
use crate::domain::rejection::Rejection;
use crate::domain::returns::{Disposition, Part, Piece, Return, StockEffect};
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};
use crate::domain::time::WallTime;

/// What a request says came back: each with the place, in `lines`, of the line that names it.
pub(super) struct Came<'r> {
    pub parts: &'r [(usize, Part)],
    pub pieces: &'r [(usize, Piece)],
    pub lines: &'r [ReturnedUnits],
}

/// Units of one line of a request that are somewhere, and what becomes of them.
struct Fate {
    at: usize,
    node: NodeIndex,
    disposition: Option<Disposition>,
    stock: Vec<(SkuIndex, u32)>,
}

/// The stock of these parts and pieces, each as the line of the request says that names it, under the ledgers it needs. Names of lots go
/// with the first part of their line.
pub(super) fn disposed<'n>(
    network: &'n Network,
    (order, returned): (&Order, &Return),
    Came { parts, pieces, lines }: Came<'_>,
    now: WallTime,
) -> Result<Change<'n>, Rejection> {
    let whole = |(at, part): &(usize, Part)| {
        let line = returned.lines[usize::from(part.line)].line;
        let stock = order.stock_of(LineUnits { line, quantity: part.units });
        let disposition = part.disposition.filter(|_| !part.is_missing());
        Fate { at: *at, node: part.node, disposition, stock }
    };
    let single = |(at, piece): &(usize, Piece)| {
        let disposition = piece.disposition.filter(|_| !piece.is_missing());
        Fate { at: *at, node: piece.node, disposition, stock: vec![(piece.sku, piece.units)] }
    };
    let fates: Vec<Fate> = parts.iter().map(whole).chain(pieces.iter().map(single)).collect();
    let skus: BTreeSet<SkuIndex> = fates.iter().flat_map(|fate| &fate.stock).map(|(sku, _)| *sku).collect();
    let mut change = Change::lock(network, &skus);
    let mut naming = NamedLots::at(network, now);
    let none = Names::default();
    let mut before = None;
    for Fate { at, node, disposition, stock } in fates {
        let path = format!("lines[{at}].");
        let names = if before.replace(at) == Some(at) { &none } else { &lines[at].names };
        let effect = disposition.map_or(StockEffect::Nothing, |disposition| disposition.effect());
        let stays = matches!(effect, StockEffect::Free | StockEffect::QualityControl | StockEffect::Damaged);
        if !names.is_empty() && !stays {
            let field = if names.lots.is_empty() { "serials" } else { "lots" };
            let detail = "are named of units that stay at the node only";
            return Err(Rejection::invalid(format!("{path}{field}"), "not_tracked", detail));
        }
        for (sku, units) in stock {
            let cell = CellKey { sku, node };
            settle(network, &mut change, &mut naming, (cell, units, effect), names, &path)?;
        }
    }
    change.check_bounds()?;
    Ok(change)
}

fn settle(
    network: &Network,
    change: &mut Change<'_>,
    naming: &mut NamedLots<'_>,
    (cell, units, effect): (CellKey, u32, StockEffect),
    names: &Names,
    path: &str,
) -> Result<(), Rejection> {
    let n = units.cast_signed();
    let none = LevelDelta::default();
    match effect {
        StockEffect::Nothing => {}
        StockEffect::Free => {
            let Some(quantity) = Quantity::new(units) else { return Ok(()) };
            let units = SkuUnits { sku: network.sku_name(cell.sku).as_str().into(), quantity };
            let came = CameUnits { units, names: names.clone() };
            change.ensure(cell);
            naming.receive(change, cell, &came, MovementKind::Returned, path)?;
        }
        StockEffect::QualityControl => {
            change.ensure(cell);
            naming.arrive(change, cell, units, names, path)?;
            change.shift(cell, MovementKind::Returned, LevelDelta { on_hand: n, quality_control: n, ..none });
        }
        StockEffect::Damaged => {
            change.ensure(cell);
            naming.arrive(change, cell, units, names, path)?;
            change.shift(cell, MovementKind::Returned, LevelDelta { on_hand: n, damaged: n, ..none });
        }
        StockEffect::Leaves(kind) => {
            let position = change.ensure(cell);
            let there = change.ledger(cell.sku).at(position).on_hand;
            if there.saturating_add(units) > LEVEL_MAX {
                let (sku, node) = (network.sku_name(cell.sku), network.node_name(cell.node));
                return Err(Rejection::LevelTooLarge { sku, node, max: LEVEL_MAX });
            }
            change.shift(cell, MovementKind::Returned, LevelDelta { on_hand: n, quality_control: n, ..none });
            change.shift(cell, kind, LevelDelta { on_hand: -n, quality_control: -n, ..none });
        }
    }
    Ok(())
}
