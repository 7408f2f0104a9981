//! The ledger of one sku: everything of its cells that only gives, corrections and joins change, and the queue of
//! waiting demand. One mutex per sku; while it is held, no unit of the sku is given and nobody joins its queue.
//!
//! Two invariants are true whenever it is free: demand with a right waits ⇒ its eligible cells have neither free units
//! nor units in flight; a shortfall is owed ⇒ the same for that cell. So the empty word is the gate.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use super::cell::{Cell, Cells};
use super::due::DueIndex;
use crate::domain::ids::{NodeIndex, OrderKey};
use crate::domain::stock::{Level, LevelDelta};

/// Plain counters of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Physical {
    /// Units there.
    pub on_hand: u32,
    /// Units owed.
    pub shortfall: u32,
    /// Part of `reserved` that belongs to the queue.
    pub pool: u32,
    /// Withheld as a buffer.
    pub safety_stock: u32,
    /// Not sellable.
    pub damaged: u32,
    /// Waiting for inspection.
    pub quality_control: u32,
}

/// A line that waits.
pub type Waiting = (OrderKey, u16);

/// What the mutex of a sku protects.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By position of the cell.
    pub cells: Vec<Physical>,
    /// Demand with a right to the next units, first come first.
    pub queue: BTreeMap<Waiting, u32>,
    /// Demand that lets newcomers pass until all of it can be had at once: kits, and orders with fenced nodes.
    pub loose: BTreeSet<Waiting>,
}

impl Ledger {
    /// Units the queue wants.
    pub fn wanted(&self) -> u64 {
        self.queue.values().map(|units| u64::from(*units)).sum()
    }

    /// Units the queue already owns.
    pub fn pooled(&self) -> u64 {
        self.cells.iter().map(|cell| u64::from(cell.pool)).sum()
    }

    /// Units that the next gives owe: shortfalls, and what the queue wants beyond what it owns.
    pub fn owed(&self) -> u64 {
        let shortfall: u64 = self.cells.iter().map(|cell| u64::from(cell.shortfall)).sum();
        shortfall + self.wanted().saturating_sub(self.pooled())
    }

    /// Adds what concerns the ledger of a logged movement.
    pub fn add(&mut self, position: usize, delta: &LevelDelta) {
        let cell = &mut self.cells[position];
        let add = |value: u32, change: i32| {
            value.checked_add_signed(change).expect("a logged movement leaves no counter below zero")
        };
        *cell = Physical {
            on_hand: add(cell.on_hand, delta.on_hand),
            shortfall: add(cell.shortfall, delta.shortfall),
            pool: add(cell.pool, delta.pool),
            safety_stock: add(cell.safety_stock, delta.safety_stock),
            damaged: add(cell.damaged, delta.damaged),
            quality_control: add(cell.quality_control, delta.quality_control),
        };
    }
}

/// All that memory holds of one sku.
#[derive(Debug, Default)]
pub struct SkuStock {
    /// Its cells.
    pub cells: Cells,
    /// Its ledger.
    pub ledger: Mutex<Ledger>,
    /// Who holds its units, by end.
    pub due: DueIndex,
}

impl SkuStock {
    /// The position of a node's cell, made when it is missing. The caller holds the ledger.
    pub fn position(&self, ledger: &mut Ledger, node: NodeIndex) -> usize {
        if let Some(cell) = self.cells.of(node) {
            return cell.position;
        }
        ledger.cells.push(Physical::default());
        let position = self.cells.push(node);
        assert_eq!(position + 1, ledger.cells.len(), "cells and ledger of a sku grow together");
        position
    }

    /// The level of a cell: exact when nothing of it is between take and apply.
    pub fn level(ledger: &Ledger, cell: &Cell<'_>) -> Level {
        let physical = ledger.cells[cell.position];
        Level {
            on_hand: physical.on_hand,
            shortfall: physical.shortfall,
            available: cell.word.free(),
            committed: cell.committed.units(),
            reserved: cell.reserved.units(),
            pool: physical.pool,
            safety_stock: physical.safety_stock,
            damaged: physical.damaged,
            quality_control: physical.quality_control,
        }
    }
}
