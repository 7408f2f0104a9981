//! Stock changed from outside: adjustments and moves between states (and the corrections that counts are). All or nothing over a request.
//!
//! What arrives is a give. What goes missing is a correction: it takes what is free and, once nothing of the cell is in
//! flight, adds the rest to the shortfall, which the next give pays first.

use std::collections::{BTreeMap, BTreeSet};

use super::change::Change;
use super::exception::{Cause, Raising};
use super::lots::NamedLots;
use super::network::Network;
use super::shares;
use super::turn::Turn;
use super::withdrawal::{NotTaken, Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::command::{Adjustment, NamedAdjustment, StockMove, StockState};
use crate::domain::event::{Answer, Event};
use crate::domain::exception::{ExceptionKind, Subject};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::item::ItemKind;
use crate::domain::limits::{ADJUSTMENTS_MAX, LEVEL_MAX};
use crate::domain::node::NodeKind;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::{CellKey, Level, LevelDelta, MovementKind};
use crate::domain::time::JournalTime;

/// One change of what is physically there.
#[derive(Clone, Copy)]
pub(super) struct Physical {
    pub cell: CellKey,
    pub delta: i64,
    pub kind: MovementKind,
    /// Of these, units that come to quality control or leave from there: expired ones.
    pub inspected: u32,
}

impl Physical {
    /// A change through what is available.
    pub fn of(cell: CellKey, delta: i64, kind: MovementKind) -> Self {
        Self { cell, delta, kind, inspected: 0 }
    }

    /// The change without what passes through quality control.
    fn through_available(&self) -> i64 {
        self.delta - i64::from(self.inspected) * self.delta.signum()
    }
}

/// A change of what is there, its units taken, and the cases it raises.
pub(super) type Prepared<'n> = (Change<'n>, Withdrawal<'n>, Raising<'n>);

impl Engine {
    pub(super) fn adjust_stock(&self, turn: &Turn<'_>, adjustments: &[Adjustment]) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        check_count("adjustments", adjustments.len())?;
        let mut changes = Vec::with_capacity(adjustments.len());
        for (at, adjustment) in adjustments.iter().enumerate() {
            let cell = cell_of(&network, &format!("adjustments[{at}]."), &adjustment.sku, &adjustment.node)?;
            changes.push(Physical::of(cell, i64::from(adjustment.delta), adjustment.reason));
        }
        self.correct(turn, &network, &changes)
    }

    fn correct(&self, turn: &Turn<'_>, network: &Network, changes: &[Physical]) -> Result<Executed, Rejection> {
        let skus: BTreeSet<SkuIndex> = changes.iter().map(|change| change.cell.sku).collect();
        let mut patience = Patience::default();
        loop {
            let change = Change::lock(network, &skus);
            if let Some(prepared) = self.prepare(turn.now(), network, change, changes, &mut patience)? {
                let cells: BTreeSet<CellKey> = changes.iter().map(|one| one.cell).collect();
                let cells: Vec<CellKey> = cells.into_iter().collect();
                return self.finish_change(turn, network, prepared, &cells);
            }
        }
    }

    /// Adjustments that name the lots or serial numbers they are of.
    pub(super) fn adjust_lots(&self, turn: &Turn<'_>, named: &[NamedAdjustment]) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        check_count("adjustments", named.len())?;
        let mut cells = Vec::with_capacity(named.len());
        for (at, NamedAdjustment { adjustment, .. }) in named.iter().enumerate() {
            cells.push(cell_of(&network, &format!("adjustments[{at}]."), &adjustment.sku, &adjustment.node)?);
        }
        let skus: BTreeSet<SkuIndex> = cells.iter().map(|cell| cell.sku).collect();
        let mut patience = Patience::default();
        loop {
            let mut change = Change::lock(&network, &skus);
            let mut changes = Vec::with_capacity(named.len());
            let mut naming = NamedLots::at(&network, turn.log.now().wall);
            for (at, (NamedAdjustment { adjustment, names }, cell)) in named.iter().zip(&cells).enumerate() {
                let (path, delta) = (format!("adjustments[{at}]."), i64::from(adjustment.delta));
                let inspected = match u32::try_from(delta) {
                    Ok(units) => naming.arrive(&mut change, *cell, units, names, &path)?,
                    Err(_) => naming.leave(&mut change, *cell, delta.unsigned_abs() as u32, names, &path)?,
                };
                changes.push(Physical { inspected, ..Physical::of(*cell, delta, adjustment.reason) });
            }
            if let Some(prepared) = self.prepare(turn.now(), &network, change, &changes, &mut patience)? {
                let cells: Vec<CellKey> = cells.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
                let done = self.finish_change(turn, &network, prepared, &cells)?;
                self.watch_lots(turn, &network, &skus);
                return Ok(done);
            }
        }
    }

    /// One attempt to take what goes missing and to give what arrives; `None` when units were in flight and it is worth
    /// coming again.
    pub(super) fn prepare<'n>(
        &'n self,
        now: JournalTime,
        network: &'n Network,
        mut change: Change<'n>,
        physical: &[Physical],
        patience: &mut Patience,
    ) -> Result<Option<Prepared<'n>>, Rejection> {
        let missing = missing_units(physical, |one| one.delta);
        check_on_hand(network, &mut change, &missing)?;
        check_arriving(network, physical)?;
        let owes = |cell: &CellKey| Cause::of(ExceptionKind::Shortfall, Subject::Cell(*cell));
        let mut raising = self.raise(now, missing.keys().map(owes));
        let mut owing: BTreeSet<Subject> = BTreeSet::new();
        let mut withdrawal = Withdrawal::nothing();
        let mut taken: BTreeMap<CellKey, u32> = BTreeMap::new();
        for one in physical.iter().filter(|one| one.inspected > 0) {
            let n = one.inspected as i32 * one.delta.signum() as i32;
            let delta = LevelDelta { on_hand: n, quality_control: n, ..LevelDelta::default() };
            change.shift(one.cell, one.kind, delta);
        }
        for (cell, units) in &missing_units(physical, Physical::through_available) {
            change.ensure(*cell);
            let word = network.cell(*cell).expect("just ensured").word;
            let got = withdrawal.add_up_to(word, network.limited(*cell), *units);
            // One look for both halves: of two looks, the first could miss what is free and the second what is marked.
            if shares::correction_owes(*units, got, word.both()).is_none() {
                drop(withdrawal);
                return if patience.wait() { Ok(None) } else { Err(Rejection::Contended) };
            }
            taken.insert(*cell, got);
        }
        for one in physical.iter().filter(|one| one.through_available() < 0) {
            let units = one.through_available().unsigned_abs() as u32;
            let had = taken.get_mut(&one.cell).expect("every missing cell was taken from");
            let from_free = units.min(*had);
            *had -= from_free;
            if change.lose(one.cell, units, from_free, one.kind) > 0 {
                owing.insert(Subject::Cell(one.cell));
            }
        }
        for one in physical.iter().filter(|one| one.through_available() > 0) {
            change.give(one.cell, one.through_available() as u32, one.kind, |delta, n| delta.on_hand += n);
        }
        change.check_bounds()?;
        raising.only(|key| owing.contains(&key.subject));
        Ok(Some((change, withdrawal, raising)))
    }

    pub(super) fn move_stock(&self, turn: &Turn<'_>, moves: &[StockMove]) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        check_count("moves", moves.len())?;
        let mut cells = Vec::with_capacity(moves.len());
        for (at, one) in moves.iter().enumerate() {
            cells.push(cell_of(&network, &format!("moves[{at}]."), &one.sku, &one.node)?);
            if (one.from == StockState::Available) == (one.to == StockState::Available) {
                let detail = "units move between available and one other state";
                return Err(Rejection::invalid(format!("moves[{at}].to"), "illegal_move", detail));
            }
        }
        check_leaving(&network, moves, &cells)?;
        let skus: BTreeSet<SkuIndex> = cells.iter().map(|cell| cell.sku).collect();
        let mut change = Change::lock(&network, &skus);
        // What is refused makes no cell: it would be listed as if there had been something.
        let nowhere = moves.iter().zip(&cells).find(|(_, cell)| network.cell(**cell).is_none());
        if let Some((one, cell)) = nowhere {
            return Err(insufficient_state(&network, *cell, one.from, 0, one.quantity.units()));
        }
        for (one, cell) in moves.iter().zip(&cells).filter(|(one, _)| one.from == StockState::Available) {
            let to = one.to;
            change.take(*cell, one.quantity.units(), MovementKind::StateChanged, |delta, n| *state_of(delta, to) += n);
        }
        for (one, cell) in moves.iter().zip(&cells).filter(|(one, _)| one.to == StockState::Available) {
            let (from, units) = (one.from, one.quantity.units());
            let has = change.left_in(*cell, from);
            if has < units {
                return Err(insufficient_state(&network, *cell, from, has, units));
            }
            change.give(*cell, units, MovementKind::StateChanged, |delta, n| *state_of(delta, from) -= n);
        }
        let withdrawal = change.withdraw(&mut Patience::default()).map_err(|not_taken| match not_taken {
            NotTaken::Contended => Rejection::Contended,
            NotTaken::Refused(at) => {
                let (cell, units) = change.refused(at).expect("a refusal names one of the takes");
                let free = network.cell(cell).map_or(0, |c| c.word.free());
                insufficient_state(&network, cell, StockState::Available, free, units)
            }
        })?;
        let cells: Vec<CellKey> = cells.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        self.finish_change(turn, &network, (change, withdrawal, self.raises_nothing()), &cells)
    }

    /// Logs a change of stock alone and answers the levels it leads to.
    fn finish_change<'n>(
        &self,
        turn: &Turn<'_>,
        network: &'n Network,
        (mut change, withdrawal, raising): Prepared<'n>,
        cells: &[CellKey],
    ) -> Result<Executed, Rejection> {
        let levels: Vec<(CellKey, Level)> = change.levels_after(cells, &withdrawal);
        let events: Vec<Event> = change.events().chain(raising.events()).collect();
        if events.is_empty() {
            let seq = self.position();
            return Ok(Executed::done(Reply::Levels(levels), seq));
        }
        let answer = Answer::Levels(levels.clone());
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, Some(answer))?;
        let logged = turn.log(self, sealed, change, withdrawal);
        raising.logged(&logged);
        let seq = logged.seq();
        let touched = logged.done();
        self.follow_up(turn, network, touched);
        Ok(Executed::done(Reply::Levels(levels), seq))
    }
}

/// The counter a state stands for, in a delta.
fn state_of(delta: &mut LevelDelta, state: StockState) -> &mut i32 {
    match state {
        StockState::Available => &mut delta.available,
        StockState::Damaged => &mut delta.damaged,
        StockState::QualityControl => &mut delta.quality_control,
        StockState::SafetyStock => &mut delta.safety_stock,
    }
}

fn missing_units(physical: &[Physical], delta: impl Fn(&Physical) -> i64) -> BTreeMap<CellKey, u32> {
    let mut missing: BTreeMap<CellKey, u64> = BTreeMap::new();
    for one in physical.iter().filter(|one| delta(one) < 0) {
        *missing.entry(one.cell).or_default() += delta(one).unsigned_abs();
    }
    missing.into_iter().map(|(cell, units)| (cell, u32::try_from(units).unwrap_or(u32::MAX))).collect()
}

fn check_on_hand(
    network: &Network,
    change: &mut Change<'_>,
    missing: &BTreeMap<CellKey, u32>,
) -> Result<(), Rejection> {
    for (cell, units) in missing {
        let on_hand = match network.cell(*cell) {
            Some(_) => {
                let position = change.ensure(*cell);
                change.ledger(cell.sku).at(position).on_hand
            }
            None => 0,
        };
        if on_hand < *units {
            let (sku, node) = (network.sku_name(cell.sku), network.node_name(cell.node));
            return Err(Rejection::InsufficientOnHand { sku, node, on_hand, by: u64::from(*units) });
        }
    }
    Ok(())
}

/// Refuses what no cell can hold, before sums are made of it.
fn check_arriving(network: &Network, physical: &[Physical]) -> Result<(), Rejection> {
    let mut arriving: BTreeMap<CellKey, i64> = BTreeMap::new();
    for one in physical.iter().filter(|one| one.delta > 0) {
        let sum = arriving.entry(one.cell).or_default();
        *sum += one.delta;
        if *sum > i64::from(LEVEL_MAX) {
            return Err(too_large(network, one.cell));
        }
    }
    Ok(())
}

/// Refuses moves that take more of a cell than any cell can hold, before sums are made of them.
fn check_leaving(network: &Network, moves: &[StockMove], cells: &[CellKey]) -> Result<(), Rejection> {
    let mut leaving: BTreeMap<CellKey, u64> = BTreeMap::new();
    for (one, cell) in moves.iter().zip(cells).filter(|(one, _)| one.from == StockState::Available) {
        let sum = leaving.entry(*cell).or_default();
        *sum += u64::from(one.quantity.units());
        if *sum > u64::from(LEVEL_MAX) {
            let free = network.cell(*cell).map_or(0, |c| c.word.free());
            let requested = u32::try_from(*sum).unwrap_or(u32::MAX);
            return Err(insufficient_state(network, *cell, StockState::Available, free, requested));
        }
    }
    Ok(())
}

fn check_count(field: &str, count: usize) -> Result<(), Rejection> {
    if (1..=ADJUSTMENTS_MAX).contains(&count) {
        return Ok(());
    }
    let detail = format!("a request has 1 to {ADJUSTMENTS_MAX} of them, this one has {count}");
    Err(Rejection::invalid(field, "too_many", detail))
}

/// The cell that a path names.
pub(super) fn cell_in_path(network: &Network, sku: &str, node: &str) -> Result<CellKey, Rejection> {
    let missing = |kind, id: &str| Rejection::not_found(kind, id);
    let sku = network.sku_index(sku).ok_or_else(|| missing("item", sku))?;
    let node = network.catalogue.node_index(node).ok_or_else(|| missing("node", node))?;
    stocked(network, "sku", sku)?;
    holds_stock(network, "node", node)?;
    Ok(CellKey { sku, node })
}

fn cell_of(network: &Network, path: &str, sku: &str, node: &str) -> Result<CellKey, Rejection> {
    let sku_index = network.find_sku(format!("{path}sku"), sku)?;
    stocked(network, &format!("{path}sku"), sku_index)?;
    let node = network.find_node(format!("{path}node"), node)?;
    holds_stock(network, &format!("{path}node"), node)?;
    Ok(CellKey { sku: sku_index, node })
}

fn holds_stock(network: &Network, field: &str, node: NodeIndex) -> Result<(), Rejection> {
    let node = network.catalogue.node(node);
    if node.kind != NodeKind::Virtual {
        return Ok(());
    }
    let detail = format!("{} is virtual: it supplies what has no stock", node.id);
    Err(Rejection::invalid(field, "node_without_stock", detail))
}

fn stocked(network: &Network, field: &str, sku: SkuIndex) -> Result<(), Rejection> {
    let item = network.catalogue.item(sku);
    if item.kind == ItemKind::Product {
        return Ok(());
    }
    let detail = format!("{} is not kept in stock; only products are", item.sku);
    Err(Rejection::invalid(field, "not_stocked", detail))
}

fn too_large(network: &Network, cell: CellKey) -> Rejection {
    Rejection::LevelTooLarge { sku: network.sku_name(cell.sku), node: network.node_name(cell.node), max: LEVEL_MAX }
}

fn insufficient_state(network: &Network, cell: CellKey, state: StockState, has: u32, requested: u32) -> Rejection {
    let (sku, node) = (network.sku_name(cell.sku), network.node_name(cell.node));
    Rejection::InsufficientState { sku, node, state: state.word(), has, requested }
}
