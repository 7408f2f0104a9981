//! A change of stock: what one record takes, gives and moves, decided before it is logged and applied after.
//!
//! Take, then log; log, then give. Takes leave their words before the append ([`Change::withdraw`]); everything else,
//! and every increase of a word last, is applied after it ([`Change::apply`]). Whoever gives, moves or joins holds the
//! ledgers of its skus from [`Change::lock`] on; a checkout that finds its units holds none.
//!
//! A give first pays the cell's shortfall, then what the queue has a right to, and only the rest becomes free. The
//! split is decided once, here, and logged as deltas.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::ledger::{Ledger, Waiting, Waits};
use super::limits::{Back, Limited};
use super::loose::Loose;
use super::network::Network;
use super::shares::{self, Given};
use super::stock::SkuStock;
use super::withdrawal::{LimitTake, NotTaken, Patience, Withdrawal};
use crate::domain::channel::{ChannelEvent, Whose};
use crate::domain::channel_limits::Asked;
use crate::domain::command::StockState;
use crate::domain::count::Moved;
use crate::domain::event::{ChannelChanged, Event, LotsChanged, StockMoved};
use crate::domain::ids::{ChannelIndex, FulfillmentKey, NodeIndex, SkuIndex};
use crate::domain::limits::LEVEL_MAX;
use crate::domain::lots::{LotChange, SkuLots};
use crate::domain::rejection::Rejection;
use crate::domain::short_pick::Seen;
use crate::domain::stock::{CellKey, Level, LevelDelta, MovementKind};
use crate::domain::time::JournalTime;
use crate::sabotage::{Bug, planted};

/// How a line stands in the queue after the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Waits with a right to so many units.
    Queued(u32),
    /// Waits for units that it may have.
    Loose(Arc<Loose>),
    /// Waits no longer.
    Gone,
}

/// The order in which the movements of one cell are logged: what leaves or is owed comes before what is given, so that
/// a gain never pays a shortfall that is not there yet, and no level passes its bound in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    First,
    Given,
}

/// See the module.
#[derive(Debug)]
pub struct Change<'a> {
    network: &'a Network,
    ledgers: BTreeMap<SkuIndex, MutexGuard<'a, Ledger>>,
    moves: BTreeMap<(CellKey, Step, MovementKind), LevelDelta>,
    takes: BTreeMap<CellKey, u32>,
    gives: BTreeMap<CellKey, u32>,
    owed: HashMap<CellKey, u32>,
    room: HashMap<SkuIndex, u64>,
    /// Units of cells that went to the pool for those without a right.
    to_try: HashMap<CellKey, u64>,
    places: Vec<(SkuIndex, Waiting, Place)>,
    whose: Whose,
    claimed: Option<Whose>,
    shipped_for: Vec<(Whose, SkuIndex, u32)>,
    ranks: Vec<(SkuIndex, Waiting, u64)>,
    lots: BTreeMap<SkuIndex, Vec<LotChange>>,
    /// What is taken may still have to be given back.
    is_open: bool,
}

/// What a change does to the limits record of one sku.
struct Effect<'a> {
    limited: &'a Limited,
    share: Option<usize>,
    /// Units taken from what is free, the first of them by that take.
    taken: u32,
    first: usize,
    /// Units that were reserved for somebody of another share, or that the queue owned; and in that case all it owned.
    adopted: u32,
    pool: u32,
    back: Back,
    /// That other share, and the units it has no more.
    other: Option<(Option<usize>, u32)>,
    sku: SkuIndex,
}

impl<'a> Change<'a> {
    /// A change that needs no ledger.
    pub fn new(network: &'a Network) -> Self {
        Self::lock(network, &BTreeSet::new())
    }

    /// Locks the ledgers of `skus`, ascending.
    pub fn lock(network: &'a Network, skus: &BTreeSet<SkuIndex>) -> Self {
        let ledgers = skus.iter().map(|sku| (*sku, network.sku(*sku).ledger.lock())).collect();
        Self {
            network,
            ledgers,
            moves: BTreeMap::new(),
            takes: BTreeMap::new(),
            gives: BTreeMap::new(),
            owed: HashMap::new(),
            room: HashMap::new(),
            to_try: HashMap::new(),
            places: Vec::new(),
            whose: Whose::Nobody,
            claimed: None,
            shipped_for: Vec::new(),
            ranks: Vec::new(),
            lots: BTreeMap::new(),
            is_open: false,
        }
    }

    /// Something else may still fail once all is taken: then it rolls back.
    pub fn may_roll_back(&mut self) {
        self.is_open = true;
    }

    /// For whom units are taken, and whose they are that are given back or shipped; nobody's unless it is said.
    pub fn is_for(&mut self, whose: Whose) {
        self.whose = whose;
    }

    /// Units of a sku leave that were somebody's, in a change that is for several.
    pub fn ships_for(&mut self, whose: Whose, sku: SkuIndex, units: u32) {
        if self.network.limits.of(sku).is_some() {
            self.shipped_for.push((whose, sku, units));
        }
    }

    /// Whose reservation is claimed: its units were that one's.
    pub fn claims(&mut self, of: Whose) {
        self.claimed = Some(of);
    }

    /// The ledger of a sku this change has locked.
    pub fn ledger(&mut self, sku: SkuIndex) -> &mut Ledger {
        self.ledgers.get_mut(&sku).expect("whoever gives or moves units of a sku holds its ledger")
    }

    /// Whether the ledger of a sku is held.
    pub fn holds(&self, sku: SkuIndex) -> bool {
        self.ledgers.contains_key(&sku)
    }

    /// Makes the cell if it is missing; answers its position. Needs the ledger.
    pub fn ensure(&mut self, cell: CellKey) -> usize {
        let network = self.network;
        network.sku(cell.sku).position(self.ledger(cell.sku), cell.node)
    }

    /// A line enters, keeps or leaves its place in the queue of a sku. Needs the ledger. Called before gives, which
    /// see the demand as it will be.
    pub fn place(&mut self, sku: SkuIndex, waiting: Waiting, place: Place) {
        assert!(self.room.is_empty(), "places are settled before gives");
        self.places.push((sku, waiting, place));
    }

    /// The rank of a line in the queue of a sku from now on; it keeps the one it has otherwise. Needs the ledger.
    pub fn rank(&mut self, sku: SkuIndex, waiting: Waiting, rank: u64) {
        self.ranks.push((sku, waiting, rank));
    }

    /// Units leave `available` for another state; `to` says which.
    pub fn take(&mut self, cell: CellKey, units: u32, kind: MovementKind, to: impl Fn(&mut LevelDelta, i32)) {
        if units == 0 {
            return;
        }
        *self.takes.entry(cell).or_default() += units;
        let mut delta = LevelDelta { available: -(units as i32), ..LevelDelta::default() };
        to(&mut delta, units as i32);
        *self.moves.entry((cell, Step::First, kind)).or_default() += delta;
    }

    /// Units leave another state (`from` says which) or arrive, and become free after what is owed. Needs the ledger.
    pub fn give(&mut self, cell: CellKey, units: u32, kind: MovementKind, from: impl Fn(&mut LevelDelta, i32)) {
        if units == 0 {
            return;
        }
        let owed = *self.owed(cell);
        let supplies = self.network.supplies(cell.node);
        let comes = units.saturating_sub(owed);
        let (room, tried) = if supplies { (*self.room(cell.sku), self.tried(cell, comes)) } else { (0, 0) };
        let given = shares::give(units, owed, room + tried);
        if given.pooled > 0 {
            // Who is tried may take of it before those with a right: they are given as much elsewhere.
            let to_try = u64::from(given.pooled).min(tried);
            *self.room(cell.sku) -= u64::from(given.pooled) - to_try;
            *self.to_try.entry(cell).or_default() += to_try;
        }
        self.note_given(cell, given, kind, |delta| from(delta, units as i32));
    }

    /// The same of units that nobody who waits can use. Needs the ledger.
    pub fn free(&mut self, cell: CellKey, units: u32, kind: MovementKind, from: impl Fn(&mut LevelDelta, i32)) {
        let given = shares::give(units, *self.owed(cell), 0);
        self.note_given(cell, given, kind, |delta| from(delta, units as i32));
    }

    fn note_given(&mut self, cell: CellKey, given: Given, kind: MovementKind, from: impl Fn(&mut LevelDelta)) {
        let Given { paid, pooled, free } = given;
        *self.owed(cell) -= paid;
        *self.gives.entry(cell).or_default() += free;
        let mut delta = LevelDelta {
            shortfall: -(paid as i32),
            pool: pooled as i32,
            reserved: pooled as i32,
            available: free as i32,
            ..LevelDelta::default()
        };
        from(&mut delta);
        *self.moves.entry((cell, Step::Given, kind)).or_default() += delta;
    }

    /// Units a cell owes after the earlier parts of this change. Needs the ledger.
    fn owed(&mut self, cell: CellKey) -> &mut u32 {
        let position = self.ensure(cell);
        let before = self.ledger(cell.sku).at(position).shortfall;
        self.owed.entry(cell).or_insert(before)
    }

    /// Units the queue of a sku wants beyond what it owns, after the earlier parts of this change. Needs the ledger.
    fn room(&mut self, sku: SkuIndex) -> &mut u64 {
        if !self.room.contains_key(&sku) {
            let room = self.room_of(sku);
            self.room.insert(sku, room);
        }
        self.room.get_mut(&sku).expect("just put")
    }

    /// Units of a cell that gets so many which those without a right may try to have, after the earlier parts of this
    /// change; more than they can use is as well, since what nobody uses becomes free. Needs the ledger.
    fn tried(&self, cell: CellKey, comes: u32) -> u64 {
        let ledger = self.ledgers.get(&cell.sku).expect("whoever gives units of a sku holds its ledger");
        if ledger.loose().is_empty() && self.places.iter().all(|(sku, ..)| *sku != cell.sku) {
            return 0;
        }
        let may = |loose: &&Loose| loose.may_try(cell.node) && self.has_others(loose, cell.node);
        let wanted: u64 = match self.network.limits.of(cell.sku) {
            None => self.loose(cell.sku).into_values().filter(may).map(|loose| u64::from(loose.units)).sum(),
            Some(limited) => {
                let waits = self.waits(cell.sku);
                limited.most_of_waiting(comes, waits.iter().filter_map(|waits| waits.loose.as_deref()).filter(may))
            }
        };
        wanted.saturating_sub(self.to_try.get(&cell).copied().unwrap_or(0))
    }

    /// Those who will wait for a sku without a right, once its places are as this change has them. Needs the ledger.
    fn loose(&self, sku: SkuIndex) -> BTreeMap<Waiting, &Loose> {
        let ledger = self.ledgers.get(&sku).expect("whoever asks who waits for a sku holds its ledger");
        let mut loose: BTreeMap<_, &Loose> = ledger.loose().iter().map(|(who, (_, loose))| (*who, &**loose)).collect();
        for (_, waiting, place) in self.places.iter().filter(|(at, ..)| *at == sku) {
            match place {
                Place::Loose(will) => loose.insert(*waiting, will),
                Place::Queued(_) | Place::Gone => loose.remove(waiting),
            };
        }
        loose
    }

    /// All who wait for a sku once its places are as this change has them, in the order in which they are served. Needs the
    /// ledger.
    pub fn waits(&self, sku: SkuIndex) -> Vec<Waits> {
        let ledger = self.ledgers.get(&sku).expect("whoever asks who waits for a sku holds its ledger");
        let mut waits = ledger.waits();
        let placed = self.places.iter().filter(|(at, ..)| *at == sku);
        let placed: BTreeMap<Waiting, &Place> = placed.map(|(_, waiting, place)| (*waiting, place)).collect();
        if placed.is_empty() {
            return waits;
        }
        waits.retain(|known| !placed.contains_key(&known.waiting));
        for (waiting, place) in placed {
            let (units, loose) = match place {
                Place::Queued(units) => (*units, None),
                Place::Loose(loose) => (loose.units, Some(loose.clone())),
                Place::Gone => (0, None),
            };
            waits.extend((units > 0).then_some(Waits { waiting, units, loose, at: None }));
        }
        let ranked: HashMap<Waiting, u64> =
            self.ranks.iter().filter(|(at, ..)| *at == sku).map(|(_, waiting, rank)| (*waiting, *rank)).collect();
        let rank = |waiting: &Waiting| ranked.get(waiting).copied().unwrap_or_else(|| ledger.rank(waiting));
        waits.sort_by_cached_key(|waits| (rank(&waits.waiting), waits.waiting));
        waits
    }

    /// Whether a node has, or is given now, anything of what is wanted with the sku.
    fn has_others(&self, loose: &Loose, node: NodeIndex) -> bool {
        let has = |other: &SkuIndex| {
            let cell = self.network.cell(CellKey { sku: *other, node });
            self.holds(*other) || cell.is_some_and(|cell| cell.word.free_or_flying() > 0 || cell.reserved.units() > 0)
        };
        loose.others.iter().all(has)
    }

    /// Units of a sku that this change promises to an order.
    pub fn promised(&self, sku: SkuIndex) -> u32 {
        let own = self.moves.iter().filter(|((cell, ..), _)| cell.sku == sku);
        u32::try_from(own.map(|(_, delta)| i64::from(delta.committed)).sum::<i64>()).unwrap_or(0)
    }

    /// For whom units are taken.
    pub fn whose(&self) -> Whose {
        self.whose
    }

    /// Free units of a cell once this change has taken its own.
    pub fn leaves_free(&self, cell: CellKey) -> u32 {
        let free = self.network.cell(cell).map_or(0, |cell| cell.word.free());
        free.saturating_sub(self.takes.get(&cell).copied().unwrap_or(0))
    }

    fn room_of(&mut self, sku: SkuIndex) -> u64 {
        let placed = self.places.iter().filter(|(at, ..)| *at == sku);
        let placed: Vec<_> = placed.map(|(_, waiting, place)| (*waiting, place.clone())).collect();
        let ledger = self.ledger(sku);
        let mut wanted = ledger.wanted();
        for (waiting, place) in placed {
            wanted -= u64::from(ledger.queue().get(&waiting).copied().unwrap_or(0));
            if let Place::Queued(units) = place {
                wanted += u64::from(units);
            }
        }
        // What is on its way to those without a right is not theirs.
        wanted.saturating_sub(ledger.pooled().saturating_sub(ledger.wanted_loosely()))
    }

    /// Any other movement; neither takes from nor gives to `available`. Needs the ledger for what is the ledger's.
    pub fn shift(&mut self, cell: CellKey, kind: MovementKind, delta: LevelDelta) {
        assert!(delta.available == 0, "available changes by take and give only");
        *self.moves.entry((cell, Step::First, kind)).or_default() += delta;
    }

    /// Units go missing: `taken` of them were free and are already withdrawn, then safety stock goes, which nobody was
    /// promised; the rest is owed from now on, by the gives of this very change as well. Answers what is owed. Needs the
    /// ledger.
    pub fn lose(&mut self, cell: CellKey, units: u32, taken: u32, kind: MovementKind) -> u32 {
        let withheld = self.left_in(cell, StockState::SafetyStock).min(units - taken);
        let owed = units - taken - withheld;
        *self.owed(cell) += owed;
        let delta = LevelDelta {
            on_hand: -(units as i32),
            available: -(taken as i32),
            safety_stock: -(withheld as i32),
            shortfall: owed as i32,
            ..LevelDelta::default()
        };
        *self.moves.entry((cell, Step::First, kind)).or_default() += delta;
        owed
    }

    /// Units of an order leave the node. What was counted away but is scanned out was there: it is found.
    pub fn ship(&mut self, cell: CellKey, units: u32) {
        self.ship_as(cell, units, MovementKind::Shipped);
    }

    /// Units of an order are no longer there, for another reason than a shipment.
    pub fn ship_as(&mut self, cell: CellKey, units: u32, kind: MovementKind) {
        let position = self.ensure(cell);
        let on_hand = self.ledger(cell.sku).at(position).on_hand;
        let there = units.min(on_hand);
        let delta = LevelDelta {
            on_hand: -(there as i32),
            shortfall: -((units - there) as i32),
            committed: -(units as i32),
            ..LevelDelta::default()
        };
        self.shift(cell, kind, delta);
    }

    /// Something happens to lots of a sku; what goes missing unnamed is added by itself. Needs the ledger.
    pub fn lots(&mut self, sku: SkuIndex, change: LotChange) {
        self.lots.entry(sku).or_default().push(change);
    }

    /// What a fulfilment order picked of a sku leaves, or goes back. Needs the ledger.
    pub fn end_pick(&mut self, sku: SkuIndex, by: FulfillmentKey, end: fn(FulfillmentKey) -> LotChange) {
        if self.ledger(sku).lots().is_some_and(|lots| lots.picked_by(by) > 0) {
            self.lots(sku, end(by));
        }
    }

    /// What happens to lots: what was named, and so much of the rest that no node has more in lots than on hand. Nothing
    /// for a sku that is not tracked.
    fn lots_changed(&self) -> Vec<LotsChanged> {
        let changed = self.ledgers.iter().filter_map(|(sku, ledger)| {
            let named = self.lots.get(sku);
            let Some(lots) = ledger.lots() else { return named.map(|named| (*sku, named.clone())) };
            let mut changes = named.cloned().unwrap_or_default();
            changes.extend(self.lots_missing(*sku, ledger, lots, &changes));
            (!changes.is_empty()).then_some((*sku, changes))
        });
        let changed = changed.map(|(sku, changes)| {
            let tracking = self.network.catalogue.item(sku).tracking;
            LotsChanged { sku, tracking: tracking.expect("only what is tracked has lots"), changes }
        });
        changed.collect()
    }

    fn lots_missing(&self, sku: SkuIndex, ledger: &Ledger, lots: &SkuLots, named: &[LotChange]) -> Vec<LotChange> {
        let mut on_hand: BTreeMap<NodeIndex, i64> = BTreeMap::new();
        for ((cell, ..), delta) in self.moves.iter().filter(|((cell, ..), _)| cell.sku == sku) {
            *on_hand.entry(cell.node).or_default() += i64::from(delta.on_hand);
        }
        let mut missing = Vec::new();
        for (node, change) in on_hand {
            let position = self.network.sku(sku).cells.of(node).map(|cell| cell.position);
            let left = position.map_or(0, |position| i64::from(ledger.at(position).on_hand)) + change;
            let units = lots.units_at(node) as i64 + named.iter().map(|one| lots.effect(one, node)).sum::<i64>();
            if units > left {
                let after = SkuLots::fold(Some(lots.clone()), lots.tracking(), named);
                let after = after.expect("only what lots can take is named");
                missing.extend(after.missing(node, (units - left) as u64));
            }
        }
        missing
    }

    /// Free units that a withdrawal already has, logged as gone with a movement of that kind.
    pub fn withdrawn(&mut self, cell: CellKey, units: u32, kind: MovementKind) {
        let delta = LevelDelta { available: -(units as i32), ..LevelDelta::default() };
        *self.moves.entry((cell, Step::First, kind)).or_default() += delta;
    }

    /// What of a cell earlier parts of this change move.
    fn moved(&self, cell: CellKey) -> LevelDelta {
        let mut sum = LevelDelta::default();
        self.moves.iter().filter(|((at, ..), _)| *at == cell).for_each(|(_, delta)| sum += *delta);
        sum
    }

    /// Whether the cell owes units after earlier parts of this change. Needs the ledger.
    pub fn owes(&mut self, cell: CellKey) -> bool {
        let position = self.ensure(cell);
        let before = self.ledger(cell.sku).at(position).shortfall;
        before.saturating_add_signed(self.moved(cell).shortfall) > 0
    }

    /// Units of a state of the ledger that earlier parts of this change leave. Needs the ledger.
    pub fn left_in(&mut self, cell: CellKey, state: StockState) -> u32 {
        let position = self.ensure(cell);
        let now = self.ledger(cell.sku).at(position);
        let sum = self.moved(cell);
        let (units, change) = match state {
            StockState::Damaged => (now.damaged, sum.damaged),
            StockState::QualityControl => (now.quality_control, sum.quality_control),
            StockState::SafetyStock => (now.safety_stock, sum.safety_stock),
            StockState::Available => (0, 0),
        };
        units.saturating_add_signed(change.min(0))
    }

    /// The levels this change leads to: what is there now, with the withdrawn units counted back in, plus the deltas.
    /// Needs the ledgers. What nothing moves makes no cell: it would be listed as if there had been something.
    pub fn levels_after(&mut self, cells: &[CellKey], withdrawal: &Withdrawal<'_>) -> Vec<(CellKey, Level)> {
        let after = |key: &CellKey| {
            let mut sum = LevelDelta::default();
            self.moves.iter().filter(|((at, ..), _)| at == key).for_each(|(_, delta)| sum += *delta);
            if sum != LevelDelta::default() {
                self.ensure(*key);
            }
            let before = self.network.cell(*key).map_or_else(Level::default, |cell| {
                let level = SkuStock::level(self.ledger(key.sku), &cell);
                Level { available: level.available + withdrawal.in_flight_of(&cell.word), ..level }
            });
            (*key, sum.added_to(&before))
        };
        cells.iter().map(after).collect()
    }

    /// What this change does to limits records, ascending by sku; nothing as a rule.
    fn limited(&self) -> Vec<Effect<'a>> {
        let network = self.network;
        if network.limits.is_empty() {
            return Vec::new();
        }
        let mut skus: Vec<SkuIndex> = self.moves.keys().map(|(cell, ..)| cell.sku).collect();
        skus.dedup();
        skus.into_iter().filter_map(|sku| self.effect(sku, network.limits.of(sku)?)).collect()
    }

    fn effect(&self, sku: SkuIndex, limited: &'a Limited) -> Option<Effect<'a>> {
        let supplied = |cell: &CellKey| cell.sku == sku && self.network.supplies(cell.node);
        let taken: u32 = self.takes.iter().filter(|(cell, _)| supplied(cell)).map(|(_, units)| units).sum();
        let first = self.takes.keys().position(supplied).unwrap_or(0);
        let free: u32 = self.gives.iter().filter(|(cell, _)| supplied(cell)).map(|(_, units)| units).sum();
        let (mut promised, mut set_aside, mut claimed, mut shipped, mut drained) = (0i64, 0i64, 0i64, 0i64, 0i64);
        for ((_, _, kind), delta) in self.moves.iter().filter(|((cell, ..), _)| cell.sku == sku) {
            promised += i64::from(delta.committed);
            set_aside += i64::from(delta.reserved) - i64::from(delta.pool);
            match kind {
                MovementKind::Claimed => claimed += i64::from(delta.committed),
                MovementKind::Shipped => shipped -= i64::from(delta.committed),
                MovementKind::Drained => drained += i64::from(delta.committed),
                _ => {}
            }
        }
        let units = |units: i64| u32::try_from(units).expect("an owner gives back what it has");
        let share = limited.share_of(self.whose);
        let other = self.claimed.map(|of| limited.share_of(of)).filter(|other| *other != share);
        let (adopted, back, other) = match (share, other) {
            (None, _) => (0, Back { free, ..Back::default() }, None),
            (Some(_), None) => {
                let shipped = units(shipped);
                let gone = units(i64::from(taken) + drained - promised - set_aside) - shipped;
                (units(drained), Back { units: gone, shipped, free }, None)
            }
            (Some(_), Some(other)) => {
                (units(claimed), Back { free, ..Back::default() }, Some((other, units(-set_aside))))
            }
        };
        let pool = if drained > 0 { self.ledgers.get(&sku).map_or(0, |ledger| ledger.pooled()) } else { 0 };
        let pool = u32::try_from(pool).unwrap_or(u32::MAX);
        let idle = taken == 0 && adopted == 0 && back == Back::default() && other.is_none();
        (!idle).then_some(Effect { limited, share, taken, first, adopted, pool, back, other, sku })
    }

    /// Refuses a change that would take a level over its bound. Needs the ledgers of what arrives.
    pub fn check_bounds(&mut self) -> Result<(), Rejection> {
        let mut arriving: BTreeMap<CellKey, i64> = BTreeMap::new();
        for ((cell, ..), delta) in &self.moves {
            *arriving.entry(*cell).or_default() += i64::from(delta.on_hand) + i64::from(delta.shortfall);
        }
        self.check_limited(&arriving)?;
        for (cell, change) in arriving.into_iter().filter(|(_, change)| *change > 0) {
            let position = self.ensure(cell);
            let now = self.ledger(cell.sku).at(position);
            if i64::from(now.on_hand) + i64::from(now.shortfall) + change > i64::from(LEVEL_MAX) {
                let (sku, node) = (self.network.sku_name(cell.sku), self.network.node_name(cell.node));
                return Err(Rejection::LevelTooLarge { sku, node, max: LEVEL_MAX });
            }
        }
        Ok(())
    }

    /// Of a sku with limits all cells together hold no more than one may.
    fn check_limited(&mut self, arriving: &BTreeMap<CellKey, i64>) -> Result<(), Rejection> {
        let network = self.network;
        for (cell, _) in arriving.iter().filter(|(cell, _)| network.limits.of(cell.sku).is_some()) {
            let change: i64 = arriving.iter().filter(|(other, _)| other.sku == cell.sku).map(|(_, units)| units).sum();
            if change > 0 && self.ledger(cell.sku).units() as i64 + change > i64::from(LEVEL_MAX) {
                let (sku, node) = (network.sku_name(cell.sku), network.node_name(cell.node));
                return Err(Rejection::LevelTooLarge { sku, node, max: LEVEL_MAX });
            }
        }
        Ok(())
    }

    /// Takes all that is to be taken, or nothing. Marked even for one word when ledgers are held,
    /// or it may have to roll back.
    pub fn withdraw(&self, patience: &mut Patience) -> Result<Withdrawal<'a>, NotTaken> {
        let network = self.network;
        let mut words = Vec::with_capacity(self.takes.len());
        for (at, (key, units)) in self.takes.iter().enumerate() {
            match network.cell(*key) {
                Some(cell) => words.push((cell.word, *units)),
                None => return Err(NotTaken::Refused(at)),
            }
        }
        let effects = self.limited().into_iter().filter(|effect| effect.taken > 0 || effect.adopted > 0);
        let limits = effects.map(|Effect { limited, share, taken, adopted, pool, first, .. }| LimitTake {
            limited,
            share,
            asked: Asked { units: taken, adopted, pool },
            first,
        });
        let limits: Vec<LimitTake<'a>> = limits.collect();
        Withdrawal::take_limited(&limits, &words, self.is_open || !self.ledgers.is_empty(), patience)
    }

    /// The cell of the take that was refused.
    pub fn refused(&self, at: usize) -> Option<(CellKey, u32)> {
        self.takes.iter().nth(at).map(|(cell, units)| (*cell, *units))
    }

    /// What goes into the record.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        let real = self.moves.iter().filter(|(_, delta)| **delta != LevelDelta::default());
        let moved = real
            .map(|((cell, _, kind), delta)| Event::StockMoved(StockMoved { cell: *cell, kind: *kind, delta: *delta }));
        let lots = self.lots_changed().into_iter().map(|changed| Event::LotsChanged(Box::new(changed)));
        moved.chain(self.shipped()).chain(lots)
    }

    /// Units of channels with a limit that leave.
    fn shipped(&self) -> Vec<Event> {
        let mut by_channel: BTreeMap<ChannelIndex, Vec<(SkuIndex, u32)>> = BTreeMap::new();
        for Effect { limited, share, back, sku, .. } in self.limited() {
            if let Some(index) = share.filter(|_| back.shipped > 0).and_then(|share| limited.channel_of(share)) {
                by_channel.entry(index).or_default().push((sku, back.shipped));
            }
        }
        for (whose, sku, units) in &self.shipped_for {
            let limited = self.network.limits.of(*sku);
            let index = limited.and_then(|limited| limited.channel_of(limited.share_of(*whose)?));
            if let Some(index) = index {
                by_channel.entry(index).or_default().push((*sku, *units));
            }
        }
        let event = |(index, units)| ChannelChanged { index, event: ChannelEvent::Shipped(units) };
        by_channel.into_iter().map(|told| Event::ChannelChanged(Box::new(event(told)))).collect()
    }

    /// Applies what is logged: ledgers first, then owners' counters, then the words, then the limits records; last the
    /// marks. Answers the skus whose queues have something to do. What changes on hand is remembered as of `at`.
    pub fn apply(mut self, withdrawal: Withdrawal<'a>, at: JournalTime) -> BTreeSet<SkuIndex> {
        let ranks = std::mem::take(&mut self.ranks);
        // What was bought for those who wait follows them.
        let follows = !self.places.is_empty() && self.network.catalogue.policies().has_supply();
        let moved: BTreeSet<SkuIndex> = self.places.iter().filter(|_| follows).map(|(sku, ..)| *sku).collect();
        for (sku, waiting, place) in std::mem::take(&mut self.places) {
            let ranked = ranks.iter().rev().find(|(at, who, _)| (*at, *who) == (sku, waiting));
            let ledger = self.ledger(sku);
            let rank = ranked.map_or_else(|| ledger.rank(&waiting), |(.., rank)| *rank);
            ledger.leave(&waiting);
            match place {
                Place::Queued(units) => ledger.enqueue(waiting, units, rank),
                Place::Loose(loose) => ledger.wait_loosely(waiting, loose, rank),
                Place::Gone => {}
            }
        }
        for changed in self.lots_changed() {
            self.ledger(changed.sku).change_lots(&changed);
        }
        let moves: Vec<_> = self.moves.iter().map(|((cell, _, kind), delta)| (*cell, *kind, *delta)).collect();
        let (network, effects) = (self.network, self.limited());
        for (key, kind, delta) in &moves {
            let cell = network.cell(*key).expect("a cell is made before its first movement is logged");
            if self.holds(key.sku) {
                let moved = StockMoved { cell: *key, kind: *kind, delta: *delta };
                if Seen::tells(*kind) {
                    let on_hand = self.ledger(key.sku).at(cell.position).on_hand;
                    network.learned.learn(&moved, on_hand, at);
                }
                self.ledger(key.sku).add(cell.position, delta);
                if let Some(moved) = Moved::of(&moved, at).filter(|moved| network.minutes.admit(moved.at)) {
                    self.ledger(key.sku).past_mut().remember(moved);
                }
            } else {
                let physical = [
                    delta.on_hand,
                    delta.shortfall,
                    delta.pool,
                    delta.safety_stock,
                    delta.damaged,
                    delta.quality_control,
                ];
                assert!(
                    physical == [0; 6] && !self.gives.contains_key(key),
                    "without its ledger a sku is only taken from"
                );
            }
            cell.committed.add(delta.committed);
            cell.reserved.add(delta.reserved);
        }
        let mut touched: BTreeSet<SkuIndex> = BTreeSet::new();
        for (key, free) in &self.gives {
            let cell = network.cell(*key).expect("a cell is made before its first movement is logged");
            cell.word.give(*free);
            touched.insert(key.sku);
        }
        for Effect { limited, share, back, other, sku, .. } in effects {
            if back != Back::default() && !(planted(Bug::LimitsKeptAtExpiry) && back.units > 0 && share.is_some()) {
                limited.give(share, back);
            }
            if let Some((other, units)) = other {
                limited.give(other, Back { units, ..Back::default() });
            }
            // A cap that has room again is as good as a unit that is free.
            if back.units > 0 || other.is_some() {
                touched.insert(sku);
            }
        }
        for (whose, sku, shipped) in std::mem::take(&mut self.shipped_for) {
            if let Some(limited) = network.limits.of(sku) {
                limited.give(limited.share_of(whose), Back { shipped, ..Back::default() });
            }
        }
        withdrawal.logged();
        let idle = |sku: &SkuIndex| {
            let nothing =
                |ledger: &Ledger| ledger.queue().is_empty() && ledger.loose().is_empty() && ledger.pooled() == 0;
            self.ledgers.get(sku).is_some_and(|ledger| nothing(ledger))
        };
        touched.retain(|sku| !idle(sku));
        let left: BTreeSet<_> = self.ledgers.iter().filter(|(_, l)| l.pooled() > 0).map(|(sku, _)| *sku).collect();
        touched.extend(left);
        touched.extend(moved);
        touched
    }
}
