//! The limits records: how much of a sku each channel may have, as one more word in front of the cells of that sku.
//!
//! Only skus of which a channel has a limit have a record. It counts the units free at the nodes that supply, those in
//! flight, and what each channel uses; all of it changes in one step (`domain::channel_limits`). Takes come here first
//! and then to the cells, gives go to the cells first and then here, so the record never shows more than the cells
//! have; a refusal here is final as one of a cell is.
//!
//! Records are made and dropped under the exclusive guard of the catalogue alone, when nothing is between take and give:
//! then they are counted anew, from the cells, from what orders and reservations hold and from what was shipped. A start
//! counts the same way, so memory cannot drift from the log.
//!
//! **Cost.** A leaf mutex, held for one step, with nothing asked for meanwhile. (Swapping an immutable record by a
//! pointer was measured seven to thirteen times dearer.) Without any limit a command looks at one number and goes on; a
//! sku without limits costs a look into a small map where others have some.
//!
//! Demand for such a sku waits without a right to the next units (`ledger`): free units may lie behind another channel's
//! floor, so that an empty word says nothing of who comes next. Of what comes the queue owns as much as those who wait may
//! have by their limits (`change`), and they are tried in the order of the fill policy: what goes to one of them counts in
//! his share from then on, what nobody may have becomes free.
//! Bounds: all units of a sku with limits are at most `LEVEL_MAX` together, so that no sum of them overflows. What is
//! *not* here: who may have which limits (`domain::channel`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::Engine;
use super::ledger::Waiting;
use super::loose::{self, Loose};
use super::network::Network;
use super::turn::Turn;
use crate::domain::catalogue::Catalogue;
use crate::domain::channel::{ChannelTerms, Whose, shipped_after};
use crate::domain::channel_limits::{Asked, ChannelLimits, LimitShort, Share};
use crate::domain::decision::Decision;
use crate::domain::ids::{ChannelIndex, SkuIndex};
use crate::domain::order::Order;
use crate::domain::policy::Standing;
use crate::domain::reservation::{Reservation, ReservationState};
use crate::domain::state::used_by;
use crate::sabotage::{Bug, planted};

/// Units a channel uses without having a cap, and what those use who have no limit.
const UNCAPPED: u32 = u32::MAX;

/// All limits records.
#[derive(Debug, Default)]
pub struct Limits {
    by_sku: HashMap<SkuIndex, Limited, RandomState>,
}

/// The limits record of one sku.
#[derive(Debug)]
pub struct Limited {
    /// Channels with a limit, ascending. Share n is that of the n-th; the last share is everybody else's.
    channels: Box<[ChannelIndex]>,
    counted: Mutex<Counted>,
}

/// What the mutex protects.
#[derive(Debug)]
struct Counted {
    record: ChannelLimits,
    /// What each channel shipped: part of what it uses.
    shipped: Box<[u32]>,
}

/// What a give does to a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Back {
    /// Units their owner has no more.
    pub units: u32,
    /// Units that left: used for good.
    pub shipped: u32,
    /// Units that became free; the cells have them already.
    pub free: u32,
}

/// Whether what is in flight counts as if it were back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// What is free now.
    Now,
    /// What would be free if all in flight rolled back.
    AtBest,
}

impl Limits {
    /// Whether no sku has limits: the usual case.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.by_sku.is_empty()
    }

    /// The record of a sku, where it has one.
    #[inline]
    pub fn of(&self, sku: SkuIndex) -> Option<&Limited> {
        if self.by_sku.is_empty() { None } else { self.by_sku.get(&sku) }
    }

    /// Empty records for the limits of a catalogue, with what was shipped before.
    fn of_catalogue(catalogue: &Catalogue, shipped: impl Fn(ChannelIndex, SkuIndex) -> u32) -> Self {
        let mut shares: BTreeMap<SkuIndex, Vec<(ChannelIndex, Share)>> = BTreeMap::new();
        for (at, terms) in (0..).zip(catalogue.channels()) {
            for limit in &terms.limits {
                let cap = limit.cap.unwrap_or(UNCAPPED);
                let share = Share { floor: limit.floor, cap, ..Share::default() };
                shares.entry(limit.sku).or_default().push((ChannelIndex(at), share));
            }
        }
        let limited = |(sku, shares): (SkuIndex, Vec<(ChannelIndex, Share)>)| {
            let channels: Box<[ChannelIndex]> = shares.iter().map(|(channel, _)| *channel).collect();
            let shipped: Box<[u32]> = channels.iter().map(|channel| shipped(*channel, sku)).collect();
            let others = Share { cap: UNCAPPED, ..Share::default() };
            let mut all: Box<[Share]> = shares.iter().map(|(_, share)| *share).chain([others]).collect();
            all.iter_mut().zip(&shipped).for_each(|(share, shipped)| share.used = *shipped);
            let record = ChannelLimits { free: 0, in_flight: 0, shares: all };
            (sku, Limited { channels, counted: Mutex::new(Counted { record, shipped }) })
        };
        Self { by_sku: shares.into_iter().map(limited).collect() }
    }

    /// What a channel shipped of a sku since its limit was set.
    fn shipped(&self, channel: ChannelIndex, sku: SkuIndex) -> u32 {
        let shipped = |limited: &Limited| {
            let at = limited.channels.binary_search(&channel).ok()?;
            Some(limited.counted.lock().shipped[at])
        };
        self.of(sku).and_then(shipped).unwrap_or(0)
    }
}

impl Limited {
    /// The share of a buyer: that of the segment, else of the channel, else everybody else's. Nobody has none.
    pub fn share_of(&self, whose: Whose) -> Option<usize> {
        let own = whose.channels().find_map(|channel| self.channels.binary_search(&channel).ok());
        match whose {
            Whose::Nobody => None,
            Whose::Buyer { .. } => Some(own.unwrap_or(self.channels.len())),
        }
    }

    /// The channel of a share.
    pub fn channel_of(&self, share: usize) -> Option<ChannelIndex> {
        self.channels.get(share).copied()
    }

    /// Most free units a buyer may take.
    pub fn most(&self, whose: Whose, counting: Counting) -> u32 {
        let record = &self.counted.lock().record;
        match (self.share_of(whose), counting) {
            (None, Counting::Now) => record.free,
            (None, Counting::AtBest) => record.free + record.in_flight,
            (Some(share), Counting::Now) if planted(Bug::FloorIgnored) => record.free.min(record.room(share)),
            (Some(share), Counting::Now) => record.most(share),
            (Some(share), Counting::AtBest) => record.most_at_best(share),
        }
    }

    /// Units a buyer may use beyond those his channel uses.
    pub fn room(&self, whose: Whose, counting: Counting) -> u32 {
        let record = &self.counted.lock().record;
        match (self.share_of(whose), counting) {
            (None, _) => UNCAPPED,
            (Some(share), Counting::Now) => record.room(share),
            (Some(share), Counting::AtBest) => record.room_at_best(share),
        }
    }

    /// Most units a buyer may have of what is free and of so many units of the queue.
    pub fn most_beside(&self, whose: Whose, counting: Counting, pool: u32) -> u32 {
        let record = &self.counted.lock().record;
        match (self.share_of(whose), counting) {
            (None, Counting::Now) => record.free.saturating_add(pool),
            (None, Counting::AtBest) => (record.free + record.in_flight).saturating_add(pool),
            (Some(share), Counting::Now) if planted(Bug::FloorIgnored) => (record.free + pool).min(record.room(share)),
            (Some(share), Counting::Now) => record.most_beside(share, pool),
            (Some(share), Counting::AtBest) => record.most_beside_at_best(share, pool),
        }
    }

    /// Units that those who wait may have of so many that come, in the order in which they are served.
    pub fn most_of_waiting<'l>(&self, comes: u32, waiting: impl Iterator<Item = &'l Loose>) -> u64 {
        if planted(Bug::PoolPastLimits) {
            return waiting.map(|loose| u64::from(loose.units)).sum();
        }
        let mut record = self.seen();
        record.receive(comes);
        let mut all = 0;
        for loose in waiting {
            let Some(share) = self.share_of(loose.whose) else { continue };
            let most = record.most(share).min(loose.units);
            record.take(share, most).expect("no more than it may have");
            all += u64::from(most);
        }
        all
    }

    /// Takes exactly the units that are asked for, marked, and counts those that are adopted.
    pub fn take(&self, share: Option<usize>, asked: Asked) -> Result<(), LimitShort> {
        let units = asked.units;
        let record = &mut self.counted.lock().record;
        match share {
            Some(share) if planted(Bug::FloorIgnored) => {
                let floors: Vec<u32> = record.shares.iter().map(|share| share.floor).collect();
                record.shares.iter_mut().for_each(|share| share.floor = 0);
                let taken = record.take_over(share, asked);
                record.shares.iter_mut().zip(floors).for_each(|(share, floor)| share.floor = floor);
                taken
            }
            Some(share) => record.take_over(share, asked),
            None if record.free >= units => {
                record.take_lost(units);
                Ok(())
            }
            None if record.free + record.in_flight >= units => Err(LimitShort::Wait),
            None => Err(LimitShort::Refuse),
        }
    }

    /// Takes up to `units` for nobody, marked; answers how many.
    pub fn take_up_to(&self, units: u32) -> u32 {
        self.counted.lock().record.take_lost(units)
    }

    /// What was taken is free again; the cells have it already.
    pub fn roll_back(&self, share: Option<usize>, units: u32, adopted: u32) {
        let record = &mut self.counted.lock().record;
        match share {
            Some(share) => {
                record.disown(share, adopted);
                record.roll_back(share, units);
            }
            None => record.clear_lost(units, units),
        }
    }

    /// What was taken is logged; of what was taken for nobody `gone` units left the cell, the others are free again.
    pub fn clear(&self, share: Option<usize>, units: u32, adopted: u32, gone: u32) {
        let record = &mut self.counted.lock().record;
        match share {
            Some(share) => {
                record.keep_adopted(share, adopted);
                record.clear(share, units, 0);
            }
            None => record.clear_lost(units, units - gone),
        }
    }

    /// What is logged as given back or shipped. After the cells.
    pub fn give(&self, share: Option<usize>, back: Back) {
        let Back { units, shipped, free } = back;
        let counted = &mut *self.counted.lock();
        match share {
            None => counted.record.receive(free),
            Some(share) => {
                counted.record.give(share, units, free);
                if let Some(all) = counted.shipped.get_mut(share) {
                    let after = shipped_after(*all, shipped);
                    // Beyond what is counted a unit is used no more.
                    counted.record.shares[share].used -= shipped - (after - *all);
                    *all = after;
                } else {
                    counted.record.give(share, shipped, 0);
                }
            }
        }
    }

    /// The record as it is now.
    pub fn seen(&self) -> ChannelLimits {
        self.counted.lock().record.clone()
    }

    /// Counts units that somebody holds. Under the exclusive guard.
    fn hold(&self, whose: Whose, units: u32) {
        let share = self.share_of(whose).expect("what is held is a buyer's");
        self.counted.lock().record.shares[share].used += units;
    }
}

impl Network {
    /// The record in front of a cell, where it has one: cells of nodes that do not supply stand behind none.
    #[inline]
    pub fn limited(&self, cell: crate::domain::stock::CellKey) -> Option<&Limited> {
        self.limits.of(cell.sku).filter(|_| self.supplies(cell.node))
    }

    /// Whether a line of one sku, bought by somebody, may wait with a right to the next units: they must be his wherever
    /// they come from.
    pub fn queues(&self, sku: SkuIndex, whose: Whose) -> bool {
        self.limits.of(sku).is_none() && !self.catalogue.is_narrowed(whose)
    }

    /// Whether a line of an order may wait with a right, channels and limits aside: whoever was sourced by rules with fences
    /// may not have what comes to any node.
    pub fn waits_with_right(&self, order: &Order, line: u16) -> bool {
        let is_fenced = |decision: &Decision| {
            let (rule_set, version) = decision.ruled(order.lines[usize::from(line)].placed.group);
            self.catalogue.rules().fences(rule_set, version)
        };
        order.waits_with_right(line) && !order.decision.as_deref().is_some_and(is_fenced)
    }

    /// For whom an order is.
    #[inline]
    pub fn whose_order(&self, order: &Order) -> Whose {
        self.catalogue.whose(Some(&order.facts.channel), Some(&order.facts.customer))
    }

    /// For whom a reservation is.
    #[inline]
    pub fn whose_reservation(&self, reservation: &Reservation) -> Whose {
        self.catalogue.whose(reservation.channel.as_deref(), reservation.customer.as_deref())
    }

    /// All units of a sku that are there or owed.
    pub fn units_of(&self, sku: SkuIndex) -> u64 {
        self.sku(sku).ledger.lock().units()
    }

    /// Counts again what is free of every sku with limits: nodes were switched. Under the exclusive guard.
    pub fn count_free(&mut self) {
        for (sku, limited) in &self.limits.by_sku {
            let cells = self.stock.of(*sku).cells.iter().filter(|cell| self.catalogue.supplies(cell.node));
            let free: u64 = cells.map(|cell| u64::from(cell.word.free())).sum();
            let record = &mut limited.counted.lock().record;
            assert_eq!(record.in_flight, 0, "nothing is in flight under the exclusive guard");
            record.free = u32::try_from(free).expect("a sku with limits has no more units than a level can hold");
        }
    }
}

impl Engine {
    /// Makes the limits records of the catalogue anew. Under the exclusive guard; `shipped` is known at a start, and to
    /// the records before otherwise.
    pub(super) fn count_limits(&self, network: &mut Network, shipped: Option<&dyn Fn(ChannelIndex, SkuIndex) -> u32>) {
        let before = std::mem::take(&mut network.limits);
        let known = |channel, sku| before.shipped(channel, sku);
        network.limits = Limits::of_catalogue(&network.catalogue, shipped.unwrap_or(&known));
        network.count_free();
        if network.limits.is_empty() {
            return;
        }
        for key in self.orders.keys() {
            let Some(slot) = self.orders.lock(key) else { continue };
            let order = slot.as_ref().expect("a locked entity is there");
            let whose = network.whose_order(order);
            for (cell, units) in used_by(order) {
                if let Some(limited) = network.limits.of(cell.sku) {
                    limited.hold(whose, u32::try_from(units).expect("a cell holds no more than a level"));
                }
            }
        }
        for key in self.reservations.keys() {
            let Some(slot) = self.reservations.lock(key) else { continue };
            let reservation = slot.as_ref().expect("a locked entity is there");
            if reservation.state != ReservationState::Held {
                continue;
            }
            let whose = network.whose_reservation(reservation);
            for held in &reservation.lines {
                if let Some(limited) = network.limits.of(held.sku) {
                    limited.hold(whose, held.quantity);
                }
            }
        }
    }

    /// Lets all that waits take its place anew: with a right to the next units or without. Under the exclusive guard.
    pub(super) fn queue_anew(&self, network: &Network) {
        for at in 0..network.stock.len() as u32 {
            let sku = SkuIndex(at);
            let waiting: Vec<Waiting> = {
                let ledger = network.sku(sku).ledger.lock();
                ledger.queue().keys().chain(ledger.loose().keys()).copied().collect()
            };
            waiting.into_iter().for_each(|waiting| self.place_anew(network, sku, waiting));
        }
    }

    /// Looks again which nodes they may have units of who wait without a right: what rules say of a node is another thing
    /// now. Whoever has a right by that is paid at once. Answers the skus of all others. Under the exclusive guard.
    pub(super) fn loosen_anew(&self, turn: &Turn<'_>, network: &Network) -> BTreeSet<SkuIndex> {
        let mut others = BTreeSet::new();
        for at in 0..network.stock.len() as u32 {
            let sku = SkuIndex(at);
            let waiting: Vec<Waiting> = network.sku(sku).ledger.lock().loose().keys().copied().collect();
            if waiting.is_empty() {
                continue;
            }
            let wanted = network.sku(sku).ledger.lock().wanted();
            waiting.into_iter().for_each(|waiting| self.place_anew(network, sku, waiting));
            if network.sku(sku).ledger.lock().wanted() > wanted {
                self.settle(turn, network, sku);
            } else {
                others.insert(sku);
            }
        }
        others
    }

    fn place_anew(&self, network: &Network, sku: SkuIndex, (key, line): Waiting) {
        let Some(slot) = self.orders.lock(key) else { return };
        let order = slot.as_ref().expect("a locked entity is there");
        let right = network.waits_with_right(order, line) && network.queues(sku, network.whose_order(order));
        let own = &order.lines[usize::from(line)];
        let units = own.waiting();
        let rank = Standing::of(network.catalogue.policies().fill(), order).rank(&own.placed, own.cancelled, units);
        let loose = if right { None } else { loose::of_sku(network, order, line, sku) };
        drop(slot);
        let mut ledger = network.sku(sku).ledger.lock();
        ledger.leave(&(key, line));
        match loose {
            Some(loose) => ledger.wait_loosely((key, line), loose, rank),
            None => ledger.enqueue((key, line), units, rank),
        }
    }

    /// What changes with the channels: records, places of what waits, and who is served now. Under the exclusive guard.
    pub(super) fn channels_changed(&self, turn: &Turn<'_>, network: &mut Network) {
        self.count_limits(network, None);
        self.queue_anew(network);
        self.settle_all(turn, network);
    }

    /// The limits record of every sku that has one, and whose shares it holds; for checks and tests, not for serving.
    pub fn all_limits(&self) -> Vec<(SkuIndex, Vec<ChannelIndex>, ChannelLimits)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let seen = |(sku, limited): (&SkuIndex, &Limited)| (*sku, limited.channels.to_vec(), limited.seen());
        let mut all: Vec<_> = network.limits.by_sku.iter().map(seen).collect();
        all.sort_unstable_by_key(|(sku, ..)| *sku);
        all
    }

    /// A channel as it was put, and what it uses of each sku it has a limit of; with the last change of the catalogue.
    pub fn channel(&self, id: &str) -> Option<(ChannelTerms, Vec<u32>, u64)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let index = network.catalogue.channel_index(id)?;
        let terms = network.catalogue.channels()[index.at()].clone();
        let used = used(&network, index);
        Some((terms, used, network.catalogue.seq))
    }
}

/// What a channel uses of each sku it has a limit of.
pub(super) fn used(network: &Network, index: ChannelIndex) -> Vec<u32> {
    let buyer = Whose::Buyer { segment: Some(index), channel: None };
    let used = |sku| {
        let limited = network.limits.of(sku)?;
        Some(limited.seen().shares[limited.share_of(buyer)?].used)
    };
    let limits = &network.catalogue.channels()[index.at()].limits;
    limits.iter().map(|limit| used(limit.sku).unwrap_or(0)).collect()
}
