//! Reads. Levels and availability may be ahead of the disk by the groups in flight; entities carry the sequence that
//! must be durable before they are shown. Reads never write: what is due counts as free, and stays for the clock.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Engine;
use super::limits::Limited;
use super::network::Network;
use super::stock::{Front, SkuStock};
use super::table::{Name, Named};
use super::then::{Kept, edit_made, entity_then, fold, hold_made, order_then};
use crate::domain::availability::Curve;
use crate::domain::catalogue::Catalogue;
use crate::domain::channel::Whose;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Answer;
use crate::domain::ids::{
    FulfillmentKey, InboundKey, NodeIndex, OrderKey, ReservationKey, SkuIndex, Text, TransferKey,
};
use crate::domain::inbound::{Coming, Inbound};
use crate::domain::item::ItemKind;
use crate::domain::limits::QUANTITY_MAX;
use crate::domain::optimisation::Optimisation;
use crate::domain::order::Order;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::reservation::{Reservation, ReservationState};
use crate::domain::stock::{CellKey, Level, LevelDelta};
use crate::domain::supply::{JustInTime, SupplyTerms, until_next_day};
use crate::domain::time::{JournalTime, Now, WallTime};
use crate::domain::transfer::Transfer;

/// Days ahead on which purchases are looked for that bring so many units.
const PURCHASE_DAYS_MAX: u64 = 92;

/// Skus whose places in memory are fetched together: more than a processor can ask for at a time.
const SIDE_BY_SIDE: usize = 32;

/// All stock levels of a sku.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockView {
    /// The sku.
    pub sku: Text,
    /// Sum over all nodes.
    pub total: Level,
    /// Level by node id, in the order the nodes were made.
    pub nodes: Vec<(Text, Level)>,
    /// Units on their way to each of these nodes.
    pub incoming: Vec<u64>,
    /// How each of these nodes supplies it, where that is otherwise than from what is owned.
    pub supply: Vec<Option<SupplyTerms>>,
    /// Sequence of the last record appended when it was read.
    pub as_of: u64,
}

/// What can be promised now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Atp {
    /// Units.
    pub available: u64,
    /// Sequence of the last record appended when it was read.
    pub as_of: u64,
}

/// Of which units a promise is asked for, and for whom.
#[derive(Clone, Copy, Debug, Default)]
pub struct AtpAsked<'a> {
    /// At that node alone.
    pub node: Option<&'a str>,
    /// At the nodes of that network alone.
    pub network: Option<&'a str>,
    /// What comes until then included.
    pub by: Option<WallTime>,
    /// For that channel; one that was never put is any channel without limits of its own.
    pub channel: Option<&'a str>,
    /// For that customer.
    pub customer: Option<&'a str>,
    /// The day it is, for what would be bought; the journal's when left out.
    pub today: Option<WallTime>,
}

/// The same in a catalogue.
#[derive(Clone, Copy)]
struct Scope<'a> {
    now: JournalTime,
    node: Option<NodeIndex>,
    /// These alone, ascending.
    among: Option<&'a [NodeIndex]>,
    by: Option<WallTime>,
    whose: Whose,
    /// Whether only some nodes are asked: they alone serve him, or are named.
    narrowed: bool,
    /// The day it is, where what would be bought counts.
    buys: Option<WallTime>,
}

impl<'a> Scope<'a> {
    #[inline]
    fn of(network: &'a Network, now: JournalTime, asked: AtpAsked<'_>) -> Result<Self, Rejection> {
        let AtpAsked { node, network: among, by, channel, customer, today } = asked;
        let node = node.map(|id| network.find_node("node", id)).transpose()?;
        let among = among.map(|name| network.find_network(name)).transpose()?;
        let whose = network.catalogue.whose(channel, customer);
        let buys = by.map(|_| today.unwrap_or(WallTime(now.0)));
        let narrowed = among.is_some() || network.catalogue.is_narrowed(whose);
        Ok(Self { now, node, among, by, whose, narrowed, buys })
    }

    #[inline]
    fn counts(self, network: &Network, at: NodeIndex) -> bool {
        self.node.is_none_or(|node| node == at) && network.supplies(at) && (!self.narrowed || self.admits(network, at))
    }

    fn admits(self, network: &Network, at: NodeIndex) -> bool {
        let is_among = self.among.is_none_or(|among| among.binary_search(&at).is_ok());
        is_among && network.catalogue.serves(self.whose, at)
    }
}

impl Engine {
    /// Reads the catalogue under its shared guard.
    pub fn catalogue<R>(&self, read: impl FnOnce(&Catalogue) -> R) -> R {
        read(&self.network.read().expect("no writer of the catalogue panics and survives").catalogue)
    }

    /// Levels of a sku at every node that ever had it.
    pub fn stock(&self, sku: &str) -> Result<StockView, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let index = network.sku_index(sku).ok_or_else(|| Rejection::not_found("item", sku))?;
        let as_of = self.position();
        let stock = network.sku(index);
        let ledger = stock.ledger.lock();
        let mut levels: Vec<_> = stock.cells.iter().map(|cell| (cell.node, SkuStock::level(&ledger, &cell))).collect();
        drop(ledger);
        let coming = self.incoming_by_node(index);
        let policies = network.catalogue.policies();
        let new = |node: &NodeIndex| levels.iter().all(|(known, _)| known != node);
        let others = coming.keys().copied().chain(policies.supplies_of(index).map(|(node, _)| node));
        let new: BTreeSet<NodeIndex> = others.filter(new).collect();
        levels.extend(new.into_iter().map(|node| (node, Level::default())));
        levels.sort_unstable_by_key(|(node, _)| *node);
        let incoming = levels.iter().map(|(node, _)| coming.get(node).copied().unwrap_or(0)).collect();
        let supply = levels.iter().map(|(node, _)| policies.supply(index, *node).cloned()).collect();
        let named = levels.into_iter().map(|(node, level)| (network.catalogue.node(node).id.clone(), level));
        let nodes: Vec<(Text, Level)> = named.collect();
        let total = nodes.iter().fold(Level::default(), |sum, (_, level)| plus(&sum, level));
        Ok(StockView { sku: network.catalogue.item(index).sku.clone(), total, nodes, incoming, supply, as_of })
    }

    /// Units of a sku that can be promised now, at one node or over all that supply. Of a kit: whole kits. To somebody
    /// of no channel: what channels keep for themselves is not for him.
    pub fn atp(&self, now: JournalTime, sku: &str, node: Option<&str>) -> Result<Atp, Rejection> {
        self.atp_for(now, sku, AtpAsked { node, ..AtpAsked::default() })
    }

    /// As [`Engine::atp`] for a day.
    pub fn atp_by(
        &self,
        now: JournalTime,
        sku: &str,
        node: Option<&str>,
        by: Option<WallTime>,
    ) -> Result<Atp, Rejection> {
        self.atp_for(now, sku, AtpAsked { node, by, ..AtpAsked::default() })
    }

    /// Units of a sku that can be promised to somebody for a day: what is free now, and what comes until then beyond what
    /// is owed and waited for, without what other channels keep, and no more than his channel may use. A promise for a
    /// later day is never less than one for an earlier.
    pub fn atp_for(&self, now: JournalTime, sku: &str, asked: AtpAsked<'_>) -> Result<Atp, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let front = network.front(sku).ok_or_else(|| Rejection::not_found("item", sku))?;
        let scope = Scope::of(&network, now, asked)?;
        let as_of = self.position();
        Ok(Atp { available: self.promisable(&network, front, scope), as_of })
    }

    /// As [`Engine::atp_for`] of many skus at once, in their order; `None` for a sku that there is not. Much less for each
    /// than one by one where the skus are so many that they lie in no cache: their places in memory are fetched side by
    /// side.
    pub fn atp_of_many<'s>(
        &self,
        now: JournalTime,
        skus: impl IntoIterator<Item = &'s str>,
        asked: AtpAsked<'_>,
    ) -> Result<Vec<Option<Atp>>, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let scope = Scope::of(&network, now, asked)?;
        let as_of = self.position();
        let mut skus = skus.into_iter().peekable();
        let mut answers = Vec::with_capacity(skus.size_hint().0);
        let mut found = [None; SIDE_BY_SIDE];
        while skus.peek().is_some() {
            let mut count = 0;
            for (found, sku) in found.iter_mut().zip(skus.by_ref()) {
                // None of these waits for another: the processor fetches them together.
                *found = network.front(sku);
                count += 1;
            }
            let atp = |front| Atp { available: self.promisable(&network, front, scope), as_of };
            answers.extend(found[..count].iter().map(|front| front.map(atp)));
        }
        Ok(answers)
    }

    fn promisable(&self, network: &Network, front: &Front, scope: Scope<'_>) -> u64 {
        let sku = front.index();
        match front.kind() {
            ItemKind::Product => match network.limits.of(sku) {
                None => self.free_units(network, front, scope),
                Some(limited) => self.free_units(network, front, scope).min(self.within(network, sku, limited, scope)),
            },
            ItemKind::Kit => self.free_kits(network, sku, scope),
            ItemKind::Service | ItemKind::Digital => u64::from(QUANTITY_MAX),
        }
    }

    /// Units of a sku that can be promised for a day, if what other places have may be brought over first, which takes so
    /// many seconds. Of a product at a node: what the others have by then joins what it has. Of a kit: its components are
    /// brought together at the node, or anywhere. Never less than without.
    pub fn capable_by(
        &self,
        now: Now,
        sku: &str,
        node: Option<&str>,
        by: Option<WallTime>,
        lead_s: u64,
    ) -> Result<u64, Rejection> {
        let available = self.atp_on(now, sku, node, by)?;
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let index = network.sku_index(sku).ok_or_else(|| Rejection::not_found("item", sku))?;
        let at = node.map(|id| network.find_node("node", id)).transpose()?;
        let until = by.map_or(now.wall, |by| by.max(now.wall));
        // What is brought over has to be there so much earlier; what would have to be there already is not.
        let whose = network.catalogue.whose(None, None);
        let narrowed = network.catalogue.is_narrowed(whose);
        let leaves = WallTime(until.0.saturating_sub(i64::try_from(lead_s).unwrap_or(i64::MAX).saturating_mul(1_000)));
        let units = |sku: SkuIndex| -> u64 {
            let own = Scope { now: now.journal, node: at, among: None, by, whose, narrowed, buys: Some(now.wall) };
            let elsewhere = Scope { node: None, by: Some(leaves), ..own };
            let here: u64 = at.map_or(0, |_| self.free_by_node(&network, sku, own).values().sum());
            let brought = if leaves < now.wall {
                0
            } else {
                let all = self.free_by_node(&network, sku, elsewhere);
                all.iter().filter(|(node, _)| at != Some(**node)).map(|(_, units)| units).sum()
            };
            let limited = network.limits.of(sku);
            limited.map_or(here + brought, |limited| (here + brought).min(self.within(&network, sku, limited, own)))
        };
        let capable = match network.catalogue.kind(index) {
            ItemKind::Product => units(index),
            ItemKind::Kit => {
                let components = network.catalogue.item(index).components.iter();
                components.map(|c| units(c.sku) / u64::from(c.quantity)).min().unwrap_or(0)
            }
            ItemKind::Service | ItemKind::Digital => 0,
        };
        Ok(available.max(capable))
    }

    /// The first date by which so many units of a product can be promised, at one node or over all: now, or the date of
    /// what comes. `None` when nothing that is known of brings them.
    pub fn earliest(&self, now: Now, sku: &str, node: Option<&str>, units: u64) -> Result<Option<WallTime>, Rejection> {
        let free = self.atp_on(now, sku, node, None)?;
        let dates: Vec<WallTime> = {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let index = network.sku_index(sku).ok_or_else(|| Rejection::not_found("item", sku))?;
            let components = network.catalogue.item(index).components.iter().map(|c| (c.sku, u64::from(c.quantity)));
            let wanted: Vec<_> = std::iter::once((index, 1)).chain(components).collect();
            let coming = |sku: SkuIndex| self.arriving(&network, sku, &network.sku(sku).ledger.lock());
            let known = wanted.iter().flat_map(|(sku, _)| coming(*sku)).map(|coming| coming.at);
            let bought = |(sku, per_unit): &(SkuIndex, u64)| {
                purchase_dates(&network, *sku, now.wall, units.saturating_mul(*per_unit))
            };
            known.chain(wanted.iter().flat_map(bought)).collect()
        };
        let mut dates: Vec<WallTime> =
            dates.into_iter().filter(|at| *at < Coming::SOME_DAY).map(|at| at.max(now.wall)).collect();
        dates.sort_unstable();
        dates.dedup();
        let (mut before, mut changes) = (free, Vec::with_capacity(dates.len()));
        for at in dates {
            let by_then = self.atp_on(now, sku, node, Some(at))?;
            changes.push((at, by_then as i64 - before as i64));
            before = by_then;
        }
        let earliest = Curve::of(i64::try_from(free).unwrap_or(i64::MAX), changes).earliest(units);
        Ok(earliest.map(|at| at.max(now.wall)))
    }

    /// As [`Engine::atp_by`] on a day that is known.
    fn atp_on(&self, now: Now, sku: &str, node: Option<&str>, by: Option<WallTime>) -> Result<u64, Rejection> {
        let asked = AtpAsked { node, by, today: Some(now.wall), ..AtpAsked::default() };
        Ok(self.atp_for(now.journal, sku, asked)?.available)
    }

    fn free_units(&self, network: &Network, front: &Front, scope: Scope<'_>) -> u64 {
        if scope.by.is_none() && front.is_idle(scope.now) {
            if scope.node.is_none() && !scope.narrowed && network.catalogue.all_supply() {
                return front.units();
            }
            let cells = network.sku(front.index()).cells.iter().filter(|cell| scope.counts(network, cell.node));
            return cells.map(|cell| u64::from(cell.word.free())).sum();
        }
        self.free_by_node(network, front.index(), scope).values().sum()
    }

    /// Free and due units of a sku, and what comes until then, by node that supplies.
    fn free_by_node(&self, network: &Network, sku: SkuIndex, scope: Scope<'_>) -> HashMap<NodeIndex, u64> {
        let Scope { now, by, .. } = scope;
        let counts = |at: NodeIndex| scope.counts(network, at);
        let stock = network.sku(sku);
        let cells = stock.cells.iter().filter(|cell| counts(cell.node));
        let mut units: HashMap<_, _> = cells.map(|cell| (cell.node, u64::from(cell.word.free()))).collect();
        let due = stock.due.due(now);
        if due.is_empty() && by.is_none() {
            return units;
        }
        // What is due or comes goes to what is owed and to those who wait first; only the rest is free to a newcomer.
        let (mut owed, demand, coming) = {
            let ledger = stock.ledger.lock();
            let coming = by.map(|_| self.arriving(network, sku, &ledger)).unwrap_or_default();
            (ledger.owed(), by.map(|_| self.demand(network, sku, &ledger)), coming)
        };
        for key in due {
            let Some(slot) = self.reservations.lock(key) else { continue };
            let lapsed = slot.iter().filter(|r| r.state == ReservationState::Held && r.expires_at <= now);
            for held in lapsed.flat_map(|r| &r.lines).filter(|held| held.sku == sku && counts(held.node)) {
                let taken = owed.min(u64::from(held.quantity));
                owed -= taken;
                *units.entry(held.node).or_default() += u64::from(held.quantity) - taken;
            }
        }
        let (Some(by), Some(demand)) = (by, demand) else { return units };
        let in_time = |coming: &&Coming| network.supplies(coming.node) && coming.at <= by;
        let mut left: Vec<Coming> = coming.iter().filter(in_time).copied().collect();
        let (mut waiting, buys) = (Vec::new(), scope.buys.filter(|_| network.catalogue.policies().has_supply()));
        demand.serve(&mut left, |waits, units, supply| {
            if buys.is_some() && supply.is_none() && waits.is_bought_for() {
                waiting.push((waits.clone(), u64::from(units)));
            }
        });
        for coming in left.iter().filter(|coming| counts(coming.node)) {
            *units.entry(coming.node).or_default() += u64::from(coming.units);
        }
        // What would be bought comes after all that is known of, and goes to those who wait first as well.
        for (node, mut room) in buys.map(|today| self.buyable(network, sku, &coming, (today, by))).into_iter().flatten()
        {
            for (_, lacks) in waiting.iter_mut().filter(|(waits, _)| waits.may_have(node)) {
                let taken = room.min(*lacks);
                (room, *lacks) = (room - taken, *lacks - taken);
            }
            if counts(node) {
                *units.entry(node).or_default() += room;
            }
        }
        units
    }

    /// Units of a sku with limits that somebody may have, wherever they are: what is due counts as given back.
    fn within(&self, network: &Network, sku: SkuIndex, limited: &Limited, scope: Scope<'_>) -> u64 {
        let mut record = limited.seen();
        let everywhere = Scope { node: None, among: None, narrowed: false, ..scope };
        let free: u64 = self.free_by_node(network, sku, everywhere).values().sum();
        record.free = u32::try_from(free).unwrap_or(u32::MAX);
        for key in network.sku(sku).due.due(scope.now) {
            let Some(slot) = self.reservations.lock(key) else { continue };
            let lapsed = slot.iter().filter(|r| r.state == ReservationState::Held && r.expires_at <= scope.now);
            for reservation in lapsed {
                let share = limited.share_of(network.whose_reservation(reservation));
                let held = reservation.lines.iter().filter(|held| held.sku == sku).map(|held| held.quantity).sum();
                if let Some(share) = share.map(|share| &mut record.shares[share]) {
                    share.used = share.used.saturating_sub(held);
                }
            }
        }
        let share = limited.share_of(scope.whose).expect("a promise is asked for somebody");
        u64::from(record.most(share))
    }

    fn free_kits(&self, network: &Network, sku: SkuIndex, scope: Scope<'_>) -> u64 {
        let mut kits: Option<HashMap<NodeIndex, u64>> = None;
        for component in &network.catalogue.item(sku).components {
            let mut here = self.free_by_node(network, component.sku, scope);
            here.retain(|at, units| {
                *units /= u64::from(component.quantity);
                *units = kits.as_ref().map_or(*units, |kits| kits.get(at).copied().unwrap_or(0).min(*units));
                *units > 0
            });
            kits = Some(here);
        }
        let made = kits.unwrap_or_default().values().sum();
        let components = network.catalogue.item(sku).components.iter();
        let within = components.filter_map(|component| {
            let limited = network.limits.of(component.sku)?;
            Some(self.within(network, component.sku, limited, scope) / u64::from(component.quantity))
        });
        within.fold(made, u64::min)
    }

    pub(super) fn find_order(&self, id: &str) -> Option<OrderKey> {
        OrderKey::parse(id).or_else(|| match self.names.find(&Name::Order(id.into())) {
            Some(Named::Order(key, _)) => Some(key),
            _ => None,
        })
    }

    pub(super) fn find_reservation(&self, id: &str) -> Option<ReservationKey> {
        ReservationKey::parse(id).or_else(|| match self.names.find(&Name::Reservation(id.into())) {
            Some(Named::Reservation(key, _)) => Some(key),
            _ => None,
        })
    }

    pub(super) fn lock_reservation(&self, id: &str) -> Result<super::table::Locked<Reservation>, Rejection> {
        let unknown = || Rejection::not_found("reservation", id);
        let key = self.find_reservation(id).ok_or_else(unknown)?;
        self.reservations.lock(key).ok_or_else(unknown)
    }

    /// An order by generated or caller's id. Its `seq` must be durable before it is shown. Reads files when memory does not
    /// have it.
    pub fn order(&self, id: &str) -> Result<Arc<Order>, Rejection> {
        self.order_named_wherever(id)?.ok_or_else(|| Rejection::not_found("order", id))
    }

    /// An order by generated or caller's id, if memory has it.
    pub fn named_order_in_memory(&self, id: &str) -> Option<Arc<Order>> {
        self.order_in_memory(self.find_order(id)?)
    }

    /// An order by its number, if memory has it.
    pub fn order_in_memory(&self, key: OrderKey) -> Option<Arc<Order>> {
        self.orders.lock(key)?.clone()
    }

    /// An order at a version, if memory has it so, it is not archived, and nobody is changing it.
    pub fn order_at(&self, key: OrderKey, version: u32) -> Option<Arc<Order>> {
        let order = self.orders.try_lock(key)?.clone()?;
        (order.version == version && !order.is_archived()).then_some(order)
    }

    /// An order by its number. Reads files when memory does not have it; what cannot be read is told in the log and is not
    /// there.
    pub fn order_by_key(&self, key: OrderKey) -> Option<Arc<Order>> {
        self.order_wherever(key).unwrap_or_else(|rejection| {
            tracing::error!(%rejection, "an order cannot be shown");
            None
        })
    }

    /// A fulfilment order with the order it belongs to. Reads files when memory does not have it.
    pub fn fulfillment(&self, id: &str) -> Result<(Arc<Order>, FulfillmentKey), Rejection> {
        let unknown = || Rejection::not_found("fulfillment_order", id);
        let key = FulfillmentKey::parse(id).ok_or_else(unknown)?;
        let order = self.order_wherever(key.order)?.ok_or_else(unknown)?;
        order.fulfillment(key.number).ok_or_else(unknown)?;
        Ok((order, key))
    }

    /// A reservation. Its `seq` must be durable before it is shown; its state as of an instant is `state_at`.
    pub fn reservation(&self, id: &str) -> Result<Reservation, Rejection> {
        let slot = self.lock_reservation(id)?;
        Ok(slot.as_ref().expect("a locked entity is there").clone())
    }

    /// The answer to a repeated request, rendered again from the record in which the first took effect: everything as it was
    /// answered then. Where what that takes is kept no longer, or was never (`then`), an entity answers as it stands.
    pub fn answer(&self, record: Option<&Record>, answer: &Answer, kept: Kept<'_>) -> Result<Reply, Rejection> {
        let then =
            |order: Arc<Order>| record.and_then(|record| order_then(&order, record, kept)).map_or(order, Arc::new);
        let stood = |key: EntityKey| record.and_then(|record| entity_then(record, &key));
        let unknown = |what, key: &dyn std::fmt::Display| Rejection::not_found(what, key.to_string());
        match answer {
            Answer::Levels(levels) => Ok(Reply::Levels(levels.clone())),
            Answer::Counted(cell, level, difference) => {
                Ok(Reply::Counted { cell: *cell, level: *level, difference: *difference, dropped: None })
            }
            Answer::Order(key) => {
                let made = record.and_then(|record| fold(None, *key, record));
                let made = made
                    .filter(|order| order.deferral.is_some() || order.lines.iter().all(|line| line.unallocated == 0));
                let order = made.map(Arc::new).or_else(|| self.order_by_key(*key).map(then));
                let order = order.ok_or_else(|| Rejection::not_found("order", key.to_string()))?;
                Ok(Reply::Order(order))
            }
            Answer::Inbound(key) => {
                let inbound = self.inbound_then(stood(EntityKey::Inbound(*key)), *key);
                Ok(Reply::Inbound(Box::new(inbound.ok_or_else(|| unknown("inbound", key))?)))
            }
            Answer::Redated { inbound: key, count, first } => {
                let inbound = self.inbound_then(stood(EntityKey::Inbound(*key)), *key);
                Ok(self.named_redated(inbound.ok_or_else(|| unknown("inbound", key))?, *count, first))
            }
            Answer::RedatedTransfer { transfer: key, count, first } => {
                let transfer = self.transfer_then(stood(EntityKey::Transfer(*key)), *key);
                Ok(self.named_redated_transfer(transfer.ok_or_else(|| unknown("transfer", key))?, *count, first))
            }
            Answer::Transfer(key) => {
                let transfer = self.transfer_then(stood(EntityKey::Transfer(*key)), *key);
                Ok(Reply::Transfer(Box::new(transfer.ok_or_else(|| unknown("transfer", key))?)))
            }
            Answer::CycleCount(key) => {
                let count = match stood(EntityKey::CycleCount(*key)) {
                    Some(Entity::CycleCount(count)) => Some(*count),
                    _ => self.cycle_count_by_key(*key),
                };
                Ok(Reply::CycleCount(Box::new(count.ok_or_else(|| unknown("count", key))?)))
            }
            Answer::Return(key) => {
                let known = match stood(EntityKey::Return(*key)) {
                    Some(Entity::Return(known)) => Some(*known),
                    _ => self.return_by_key(*key),
                };
                Ok(Reply::Return(Box::new(known.ok_or_else(|| unknown("return", key))?)))
            }
            Answer::Wave(key) => {
                let wave = match stood(EntityKey::Wave(*key)) {
                    Some(Entity::Wave(wave)) => Some(*wave),
                    _ => self.wave_by_key(*key),
                };
                Ok(Reply::Wave(Box::new(wave.ok_or_else(|| unknown("wave", key))?)))
            }
            Answer::Draft(key) => {
                let draft = match stood(EntityKey::Draft(*key)) {
                    Some(Entity::Draft(draft)) => Some(*draft),
                    _ => self.draft_by_key(*key),
                };
                Ok(Reply::Draft(Box::new(draft.ok_or_else(|| unknown("draft", key))?)))
            }
            Answer::Dispatch(key) => {
                let known = match stood(EntityKey::Dispatch(key.clone())) {
                    Some(Entity::Dispatch(known)) => Some(known),
                    _ => self.dispatch(key).map(Box::new),
                };
                Ok(Reply::Dispatch(key.clone(), known.ok_or_else(|| unknown("parcels", &format!("{key:?}")))?))
            }
            Answer::Optimisation(id) => {
                let applied = match stood(EntityKey::Optimisation(id.clone())) {
                    Some(Entity::Optimisation(applied)) => Some(Optimisation::applied(id.clone(), &applied)),
                    _ => None,
                };
                let known = self.optimisation(id).or_else(|unknown| applied.ok_or(unknown))?;
                Ok(Reply::Optimisation(Box::new(known)))
            }
            Answer::Subscription(key) => {
                let subscription = match stood(EntityKey::Subscription(*key)) {
                    Some(Entity::Subscription(subscription)) => Some(*subscription),
                    _ => self.subscription_by_key(*key),
                };
                let subscription = Box::new(subscription.ok_or_else(|| unknown("subscription", key))?);
                Ok(Reply::Subscription { subscription, created: false })
            }
            Answer::Rules(name, version) => {
                let version = self.catalogue(|catalogue| catalogue.rules().version(name, *version));
                let version = version.ok_or_else(|| Rejection::not_found("rule set", &**name))?;
                Ok(Reply::Rules(Box::new(version)))
            }
            Answer::Exception(key) => {
                let case = match stood(EntityKey::Exception(*key)) {
                    Some(Entity::Exception(case)) => Some(*case),
                    _ => self.exception_by_key(*key),
                };
                Ok(Reply::Exception(Box::new(case.ok_or_else(|| unknown("exception", key))?)))
            }
            Answer::Hold(key, number) => {
                let order = self.order_by_key(*key).ok_or_else(|| Rejection::not_found("order", key.to_string()))?;
                let order = record.map_or(order.clone(), |record| hold_made(record, then(order), *number));
                Ok(Reply::Hold { order, number: *number })
            }
            Answer::Edit(key, number) => {
                let order = self.order_by_key(*key).ok_or_else(|| Rejection::not_found("order", key.to_string()))?;
                let order = record.map_or(order.clone(), |record| edit_made(record, then(order), *number));
                Ok(Reply::Edit { order, number: *number })
            }
            Answer::Reservation(key) => {
                let reservation = match stood(EntityKey::Reservation(*key)) {
                    Some(Entity::Reservation(reservation)) => *reservation,
                    _ => self.reservation(&key.to_string())?,
                };
                Ok(Reply::Reservation(Box::new(reservation)))
            }
        }
    }

    fn inbound_then(&self, then: Option<Entity>, key: InboundKey) -> Option<Inbound> {
        match then {
            Some(Entity::Inbound(inbound)) => Some(*inbound),
            _ => self.inbound_by_key(key),
        }
    }

    fn transfer_then(&self, then: Option<Entity>, key: TransferKey) -> Option<Transfer> {
        match then {
            Some(Entity::Transfer(transfer)) => Some(*transfer),
            _ => self.transfer_by_key(key),
        }
    }

    /// How many orders and reservations memory holds.
    pub fn counts(&self) -> (usize, usize) {
        (self.orders.len(), self.reservations.len())
    }

    /// Levels of every cell; for checks and tests, not for serving.
    pub fn all_levels(&self) -> Vec<(CellKey, Level)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let mut levels = Vec::new();
        for (at, stock) in (0..).zip(network.stock.iter()) {
            let ledger = stock.ledger.lock();
            let cells = stock.cells.iter();
            levels.extend(cells.map(|c| (CellKey { sku: SkuIndex(at), node: c.node }, SkuStock::level(&ledger, &c))));
        }
        levels.sort_unstable_by_key(|(cell, _)| *cell);
        levels
    }
}

/// When comes what would be bought of a sku: today, and on the days after as long as it takes for so many units.
fn purchase_dates(network: &Network, sku: SkuIndex, now: WallTime, units: u64) -> Vec<WallTime> {
    let days = |terms: &JustInTime| match terms.per_day {
        Some(per_day) => units.div_ceil(u64::from(per_day.max(1))).min(PURCHASE_DAYS_MAX),
        None => 0,
    };
    let dates = |(_, terms): (NodeIndex, &JustInTime)| {
        let first = WallTime(now.0.saturating_add(until_next_day(now)));
        let later = |day: u64| terms.eta(WallTime(first.0.saturating_add(day as i64 * 86_400_000)));
        std::iter::once(terms.eta(now)).chain((0..days(terms)).map(later)).collect::<Vec<_>>()
    };
    network.catalogue.policies().just_in_time(sku).flat_map(dates).collect()
}

fn plus(a: &Level, b: &Level) -> Level {
    let delta = LevelDelta {
        on_hand: b.on_hand as i32,
        shortfall: b.shortfall as i32,
        available: b.available as i32,
        committed: b.committed as i32,
        reserved: b.reserved as i32,
        pool: b.pool as i32,
        safety_stock: b.safety_stock as i32,
        damaged: b.damaged as i32,
        quality_control: b.quality_control as i32,
    };
    delta.added_to(a)
}
