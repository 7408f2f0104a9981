//! The ledger of one sku: everything of its cells that only gives, corrections and joins change, and the queue of
//! waiting demand. One mutex per sku; while it is held, no unit of the sku is given and nobody joins its queue.
//!
//! Two invariants are true whenever it is free: demand with a right waits ⇒ its eligible cells have neither free units
//! nor units in flight; a shortfall is owed ⇒ the same for that cell. So the empty word is the gate.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use super::loose::Loose;
use super::past::Past;
use crate::domain::event::LotsChanged;
use crate::domain::ids::{NodeIndex, OrderKey};
use crate::domain::lots::SkuLots;
use crate::domain::stock::LevelDelta;

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

/// The place of a line in the order of service: the lowest is served first.
pub type Place = (u64, Waiting);

/// A line that waits, and for how much of the sku.
#[derive(Clone, Debug)]
pub struct Waits {
    /// Who.
    pub waiting: Waiting,
    /// Units.
    pub units: u32,
    /// What it may have, where that is not a unit of any node.
    pub loose: Option<Arc<Loose>>,
    /// The node to which all is bought that a kit lacks, where any of it is bought.
    pub at: Option<NodeIndex>,
}

impl Waits {
    /// Whether it may have what comes to a node.
    pub fn may_have(&self, node: NodeIndex) -> bool {
        self.at.is_none_or(|at| at == node) && self.loose.as_deref().is_none_or(|loose| loose.may_have(node))
    }

    /// Whether it wants several skus of one node.
    pub fn is_kit(&self) -> bool {
        self.loose.as_deref().is_some_and(|loose| loose.is_kit)
    }

    /// Whether anything is bought for it: for a kit only where all of it can be together.
    pub fn is_bought_for(&self) -> bool {
        self.at.is_some() || !self.is_kit()
    }
}

/// The counters that are zero in most cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rest {
    shortfall: u32,
    pool: u32,
    safety_stock: u32,
    damaged: u32,
    quality_control: u32,
}

/// What the mutex of a sku protects.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Units there, by position of the cell.
    on_hand: Box<[u32]>,
    /// What most skus have nothing of.
    seldom: Option<Box<Seldom>>,
}

/// What lies apart, so that a sku that has nothing of it takes a third less.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seldom {
    /// The other counters of the cells in which one of them is not zero, ascending by position.
    rest: Vec<(u32, Rest)>,
    queue: BTreeMap<Waiting, u32>,
    /// The ranks of those in the queue that are served by one, and they in its order.
    ranks: BTreeMap<Waiting, u64>,
    ranked: BTreeSet<Place>,
    /// Those without a right with their ranks, and they in the order of these.
    loose: BTreeMap<Waiting, (u64, Arc<Loose>)>,
    loose_ranked: BTreeSet<Place>,
    /// What happened of late to what is on hand, if anything.
    past: Option<Box<Past>>,
    /// Of which lots its units are, where it is tracked.
    lots: Option<Box<SkuLots>>,
}

static NOTHING: Seldom = Seldom {
    rest: Vec::new(),
    queue: BTreeMap::new(),
    ranks: BTreeMap::new(),
    ranked: BTreeSet::new(),
    loose: BTreeMap::new(),
    loose_ranked: BTreeSet::new(),
    past: None,
    lots: None,
};

impl Ledger {
    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.on_hand.len()
    }

    /// Demand with a right to the next units, by who came first; in which order it is served, `waits` says.
    pub fn queue(&self) -> &BTreeMap<Waiting, u32> {
        &self.seldom().queue
    }

    /// Demand that may not have a unit wherever it comes, each with its rank.
    pub fn loose(&self) -> &BTreeMap<Waiting, (u64, Arc<Loose>)> {
        &self.seldom().loose
    }

    /// A line waits with a right to so many units. The lowest rank is served first; those without one, rank 0, before
    /// them, first come, first served.
    pub fn enqueue(&mut self, waiting: Waiting, units: u32, rank: u64) {
        let seldom = self.seldom_mut();
        seldom.queue.insert(waiting, units);
        if let Some(before) = seldom.ranks.remove(&waiting) {
            seldom.ranked.remove(&(before, waiting));
        }
        if rank > 0 {
            seldom.ranks.insert(waiting, rank);
            seldom.ranked.insert((rank, waiting));
        }
    }

    /// The rank of a line that waits.
    pub fn rank(&self, waiting: &Waiting) -> u64 {
        let Seldom { ranks, loose, .. } = self.seldom();
        ranks.get(waiting).or_else(|| loose.get(waiting).map(|(rank, _)| rank)).copied().unwrap_or(0)
    }

    /// Who is served next.
    pub fn first(&self) -> Option<Waiting> {
        let seldom = self.seldom();
        if seldom.ranks.len() == seldom.queue.len() {
            return seldom.ranked.first().map(|(_, waiting)| *waiting);
        }
        seldom.queue.keys().find(|waiting| !seldom.ranks.contains_key(waiting)).copied()
    }

    /// All who wait for units, in the order in which they are served.
    pub fn waits(&self) -> Vec<Waits> {
        let Seldom { ranks, loose, .. } = self.seldom();
        let queued = self.queue().iter().map(|(waiting, units)| Waits {
            waiting: *waiting,
            units: *units,
            loose: None,
            at: None,
        });
        let tried = loose.iter().filter(|(_, (_, loose))| loose.units > 0).map(|(waiting, (_, loose))| Waits {
            waiting: *waiting,
            units: loose.units,
            loose: Some(loose.clone()),
            at: None,
        });
        let mut waits: Vec<Waits> = queued.chain(tried).collect();
        if !ranks.is_empty() || !loose.is_empty() {
            waits.sort_by_cached_key(|waits| (self.rank(&waits.waiting), waits.waiting));
        }
        waits
    }

    /// Who is served next from a place on; those with a right only while the queue owns units, those without only while it
    /// does or `has_units` says that somebody else has.
    pub fn next(&self, from: Bound<Place>, has_units: impl FnOnce() -> bool) -> Option<Place> {
        let is_pooled = self.pooled() > 0;
        let tried = self.seldom().loose_ranked.range((from, Bound::Unbounded)).next().copied();
        let tried = tried.filter(|_| is_pooled || has_units());
        let queued = if is_pooled { self.next_queued(from) } else { None };
        tried.into_iter().chain(queued).min()
    }

    fn next_queued(&self, from: Bound<Place>) -> Option<Place> {
        let Seldom { queue, ranks, ranked, .. } = self.seldom();
        let first = match from {
            Bound::Included((0, waiting)) => Some(Bound::Included(waiting)),
            Bound::Excluded((0, waiting)) => Some(Bound::Excluded(waiting)),
            Bound::Unbounded => Some(Bound::Unbounded),
            Bound::Included(_) | Bound::Excluded(_) => None,
        };
        let first = first.filter(|_| ranks.len() < queue.len());
        let unranked = first.and_then(|first| {
            let mut keys = queue.range((first, Bound::Unbounded)).map(|(waiting, _)| *waiting);
            keys.find(|waiting| !ranks.contains_key(waiting))
        });
        let place = unranked.map(|waiting| (0, waiting));
        place.or_else(|| ranked.range((from, Bound::Unbounded)).next().copied())
    }

    /// A line waits without a right.
    pub fn wait_loosely(&mut self, waiting: Waiting, loose: impl Into<Arc<Loose>>, rank: u64) {
        let seldom = self.seldom_mut();
        if let Some((before, _)) = seldom.loose.insert(waiting, (rank, loose.into())) {
            seldom.loose_ranked.remove(&(before, waiting));
        }
        seldom.loose_ranked.insert((rank, waiting));
    }

    /// A line that waits without a right wants so many units from now on, and has that rank.
    pub fn want_loosely(&mut self, waiting: Waiting, units: u32, rank: u64) {
        if let Some((_, loose)) = self.loose().get(&waiting) {
            let loose = loose.with_units(units);
            self.wait_loosely(waiting, loose, rank);
        }
    }

    /// Units that those without a right want.
    pub fn wanted_loosely(&self) -> u64 {
        self.loose().values().map(|(_, loose)| u64::from(loose.units)).sum()
    }

    /// A line waits no longer, either way.
    pub fn leave(&mut self, waiting: &Waiting) {
        if let Some(seldom) = &mut self.seldom {
            seldom.queue.remove(waiting);
            if let Some(rank) = seldom.ranks.remove(waiting) {
                seldom.ranked.remove(&(rank, *waiting));
            }
            if let Some((rank, _)) = seldom.loose.remove(waiting) {
                seldom.loose_ranked.remove(&(rank, *waiting));
            }
            self.tidy();
        }
    }

    fn seldom(&self) -> &Seldom {
        self.seldom.as_deref().unwrap_or(&NOTHING)
    }

    fn seldom_mut(&mut self) -> &mut Seldom {
        self.seldom.get_or_insert_default()
    }

    fn tidy(&mut self) {
        self.seldom = self.seldom.take().filter(|seldom| **seldom != NOTHING);
    }

    /// The counters of a cell.
    pub fn at(&self, position: usize) -> Physical {
        let on_hand = self.on_hand[position];
        let rest = self.rest_of(position).map_or_else(|_| Rest::default(), |at| self.seldom().rest[at].1);
        let Rest { shortfall, pool, safety_stock, damaged, quality_control } = rest;
        Physical { on_hand, shortfall, pool, safety_stock, damaged, quality_control }
    }

    /// Adds a cell.
    pub fn push(&mut self, physical: Physical) {
        let position = self.on_hand.len();
        let mut on_hand = std::mem::take(&mut self.on_hand).into_vec();
        on_hand.reserve_exact(1);
        on_hand.push(0);
        self.on_hand = on_hand.into_boxed_slice();
        self.put(position, physical);
    }

    fn put(&mut self, position: usize, physical: Physical) {
        let Physical { on_hand, shortfall, pool, safety_stock, damaged, quality_control } = physical;
        self.on_hand[position] = on_hand;
        let rest = Rest { shortfall, pool, safety_stock, damaged, quality_control };
        match (self.rest_of(position), rest == Rest::default()) {
            (Ok(at), false) => self.seldom_mut().rest[at].1 = rest,
            (Ok(at), true) => {
                self.seldom_mut().rest.remove(at);
                self.tidy();
            }
            (Err(at), false) => self.seldom_mut().rest.insert(at, (position as u32, rest)),
            (Err(_), true) => {}
        }
    }

    fn rest_of(&self, position: usize) -> Result<usize, usize> {
        self.seldom().rest.binary_search_by_key(&(position as u32), |(at, _)| *at)
    }

    /// Of which lots its units are, if that is known of any.
    pub fn lots(&self) -> Option<&SkuLots> {
        self.seldom().lots.as_deref()
    }

    /// Puts the lots as they are from now on.
    pub fn put_lots(&mut self, lots: SkuLots) {
        self.seldom_mut().lots = Some(Box::new(lots)).filter(|lots| !lots.is_empty());
        self.tidy();
    }

    /// Takes in what happened to the lots, which is logged.
    pub fn change_lots(&mut self, changed: &LotsChanged) {
        let before = self.seldom_mut().lots.take().map(|lots| *lots);
        let after = SkuLots::fold(before, changed.tracking, &changed.changes);
        self.put_lots(after.expect("only what lots can take is logged"));
    }

    /// What happened of late, if anything.
    pub fn past(&self) -> Option<&Past> {
        self.seldom().past.as_deref()
    }

    /// What happened of late, to be added to.
    pub fn past_mut(&mut self) -> &mut Past {
        self.seldom_mut().past.get_or_insert_default()
    }

    /// Units of all cells that are there or owed.
    pub fn units(&self) -> u64 {
        self.on_hand.iter().map(|units| u64::from(*units)).sum::<u64>() + self.shortfall()
    }

    /// Units the queue wants.
    pub fn wanted(&self) -> u64 {
        self.queue().values().map(|units| u64::from(*units)).sum()
    }

    /// Units the queue already owns.
    pub fn pooled(&self) -> u64 {
        self.seldom().rest.iter().map(|(_, rest)| u64::from(rest.pool)).sum()
    }

    /// Units that are owed in its cells.
    pub fn shortfall(&self) -> u64 {
        self.seldom().rest.iter().map(|(_, rest)| u64::from(rest.shortfall)).sum()
    }

    /// Units that the next gives owe: shortfalls, and what the queue wants beyond what it owns.
    pub fn owed(&self) -> u64 {
        self.shortfall() + self.wanted().saturating_sub(self.pooled())
    }

    /// The ledger of recovered cells, in their order.
    pub fn of(cells: impl ExactSizeIterator<Item = Physical>) -> Self {
        let mut ledger = Self { on_hand: vec![0; cells.len()].into(), ..Self::default() };
        cells.enumerate().for_each(|(position, physical)| ledger.put(position, physical));
        ledger
    }

    /// Adds what concerns the ledger of a logged movement.
    pub fn add(&mut self, position: usize, delta: &LevelDelta) {
        let cell = self.at(position);
        let add = |value: u32, change: i32| {
            value.checked_add_signed(change).expect("a logged movement leaves no counter below zero")
        };
        let sum = Physical {
            on_hand: add(cell.on_hand, delta.on_hand),
            shortfall: add(cell.shortfall, delta.shortfall),
            pool: add(cell.pool, delta.pool),
            safety_stock: add(cell.safety_stock, delta.safety_stock),
            damaged: add(cell.damaged, delta.damaged),
            quality_control: add(cell.quality_control, delta.quality_control),
        };
        self.put(position, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_without_a_right_is_not_tried_where_nobody_has_units() {
        let waiting = (OrderKey(1), 0);
        let mut ledger = Ledger::default();
        ledger.wait_loosely(waiting, Loose::default(), 5);
        assert_eq!(ledger.next(Bound::Unbounded, || false), None);
        assert_eq!(ledger.next(Bound::Unbounded, || true), Some((5, waiting)));
        ledger.push(Physical { on_hand: 1, pool: 1, ..Physical::default() });
        assert_eq!(ledger.next(Bound::Unbounded, || false), Some((5, waiting)), "the queue owns a unit");
    }
}
