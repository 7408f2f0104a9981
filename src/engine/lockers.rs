//! Lockers at work: compartments that orders take with their promise and give back when the last of their goods is gone.
//!
//! All of them lie behind one mutex. Whoever takes or gives holds it from the choice to the end of the append, behind the
//! slots of the calendar, so nothing of a locker is ever in flight. An order that is not fetched from a locker locks
//! nothing here; at a node whose lockers nobody put there is room for everything.
//!
//! What a record changes is read off the order as it was and as it will be: a compartment into which nothing comes any more
//! and in which nothing lies is free, one into which something new comes is taken, whichever way it gets there
//! ([`Order::lockers_of`]). Units that go elsewhere go where a compartment is free; where none is they wait, and are tried
//! again when one is.
//!
//! What is *not* here: a larger compartment for a group that has one already and grows; a compartment for an order that
//! names no node, which goes wherever it is found. Units that an edit or a merge adds take theirs in a record that follows,
//! as far as there are any: no edit is refused for want of one.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::{Mutex, MutexGuard};

use super::change::Change;
use super::network::Network;
use super::routing::Routed;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{PutLocker, PutLockers};
use crate::domain::decision::LineUnits;
use crate::domain::delivery::{LOCKER, Way};
use crate::domain::event::{Event, LockersChanged};
use crate::domain::fulfillment::FulfillmentOrder;
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex, Text};
use crate::domain::item::ItemKind;
use crate::domain::lockers::{
    Bulk, COMPARTMENTS_MAX, LOCKER_SIZES_MAX, LockerTerms, Lockers, LockersEvent, NoCompartment, Stored,
};
use crate::domain::order::{Order, OrderEvent, PlacedLine};
use crate::domain::record::Header;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::time::Now;

/// Lockers by node; none where nobody put any.
#[derive(Debug, Default)]
pub struct AllLockers(Mutex<Known>);

/// What is known of lockers.
#[derive(Debug, Default)]
struct Known {
    by_node: BTreeMap<NodeIndex, Lockers>,
    /// Orders with units that found a node, and no compartment there.
    waiting: BTreeSet<OrderKey>,
    /// Those of them that are to be tried again.
    tried_next: Vec<OrderKey>,
}

impl Known {
    /// Compartments may be free that were not.
    fn freed(&mut self) {
        self.tried_next.extend(std::mem::take(&mut self.waiting));
    }
}

/// What a group of an order wants to have in a compartment of a node.
#[derive(Clone, Copy, Debug)]
pub struct Parcelled {
    group: u16,
    node: NodeIndex,
    bulk: Bulk,
}

impl Parcelled {
    /// Units of a group of an order, as they would lie at a node.
    pub fn of(catalogue: &Catalogue, order: &Order, group: u16, units: &[LineUnits], node: NodeIndex) -> Self {
        let lines = units.iter().map(|units| PlacedLine {
            quantity: units.quantity,
            ..order.lines[usize::from(units.line)].placed.clone()
        });
        let pieces = lines.filter(|line| line.stocked).flat_map(|line| pieces(catalogue, &line));
        let bulk = pieces.fold(Bulk::default(), |bulk, (sku, n)| bulk.and(catalogue.item(sku).dimensions, n));
        Self { group, node, bulk }
    }

    /// All of a group that lies at a node or is to come to it.
    fn all_of(catalogue: &Catalogue, order: &Order, group: u16, node: NodeIndex) -> Self {
        let own = order.fulfillment_orders.iter().filter(|own| own.group == group && own.is_at_node());
        let mut units: Vec<LineUnits> =
            own.filter(|own| own.node == node).flat_map(FulfillmentOrder::line_units).collect();
        if order.stored_at(group) == Some(node) && order.is_awaited_at(node, group) {
            let own = (0..).zip(&order.lines).filter(|(_, line)| line.placed.group == group);
            units.extend(own.map(|(line, own)| LineUnits { line, quantity: own.unallocated + own.waiting() }));
        }
        units.retain(|units| units.quantity > 0);
        Self::of(catalogue, order, group, &units, node)
    }
}

/// What a record tells of lockers, which are locked until it is folded.
pub(super) struct Storing<'a> {
    known: MutexGuard<'a, Known>,
    told: Vec<LockersChanged>,
}

impl Storing<'_> {
    /// What goes into the record.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.told.iter().map(|changed| Event::LockersChanged(Box::new(changed.clone())))
    }

    /// The record is appended.
    pub fn logged(mut self) {
        for LockersChanged { node, event } in std::mem::take(&mut self.told) {
            let after = Lockers::fold(self.known.by_node.remove(&node), &event);
            self.known.by_node.insert(node, after.expect("only what lockers can take is told"));
            if matches!(event, LockersEvent::Given { .. }) {
                self.known.freed();
            }
        }
    }
}

/// What groups of an order are to have in lockers: those that are fetched from one, at the node that was named.
pub(super) fn parcelled(
    catalogue: &Catalogue,
    lines: &[PlacedLine],
    (method, named): (&str, Option<NodeIndex>),
    ways: &[Way],
) -> Vec<Parcelled> {
    if method != LOCKER && ways.iter().all(|way| *way.method != *LOCKER) {
        return Vec::new();
    }
    let mut all: BTreeMap<u16, Parcelled> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.stocked) {
        let own = ways.iter().find(|way| way.group == line.group);
        let (method, node) = own.map_or((method, named), |way| (&*way.method, way.node));
        let Some(node) = node.filter(|_| method == LOCKER) else { continue };
        let group = line.group;
        let known = all.entry(group).or_insert(Parcelled { group, node, bulk: Bulk::default() });
        for (sku, units) in pieces(catalogue, line) {
            known.bulk = known.bulk.and(catalogue.item(sku).dimensions, units);
        }
    }
    all.into_values().collect()
}

/// What a line is made of: of a kit whose own size nobody said its components.
fn pieces(catalogue: &Catalogue, line: &PlacedLine) -> Vec<(SkuIndex, u32)> {
    let item = catalogue.item(line.sku);
    let is_sized = item.dimensions.length > 0 && item.dimensions.width > 0 && item.dimensions.height > 0;
    match item.kind {
        ItemKind::Kit if !is_sized => line.stock(line.quantity),
        _ => vec![(line.sku, line.quantity)],
    }
}

impl Engine {
    /// Takes a compartment for each of these, or refuses.
    pub(super) fn store(
        &self,
        network: &Network,
        order: OrderKey,
        parcels: &[Parcelled],
    ) -> Result<Option<Storing<'_>>, Rejection> {
        if parcels.is_empty() {
            return Ok(None);
        }
        let known = self.lockers.0.lock();
        let told = taken(network, &known.by_node, order, parcels)?;
        Ok((!told.is_empty()).then_some(Storing { known, told }))
    }

    /// The same for an order that takes units over from another, which gives back first what it needs no more once it is told
    /// so.
    pub(super) fn store_apart(
        &self,
        network: &Network,
        (from, told_from): (&Order, &[OrderEvent]),
        (order, parcels): (OrderKey, &[Parcelled]),
        now: Now,
    ) -> Result<Option<Storing<'_>>, Rejection> {
        if !is_stored(from) {
            return self.store(network, order, parcels);
        }
        let known = self.lockers.0.lock();
        let mut told = changes(network, &known.by_node, from, told_from, now)?;
        let mut after: BTreeMap<NodeIndex, Lockers> = BTreeMap::new();
        for Parcelled { node, .. } in parcels {
            after.extend(known.by_node.get(node).map(|lockers| (*node, lockers.clone())));
        }
        for LockersChanged { node, event } in &told {
            if let Some(before) = after.remove(node) {
                after.insert(*node, Lockers::fold(Some(before), event).expect("it is taken there or free"));
            }
        }
        told.extend(taken(network, &after, order, parcels)?);
        Ok((!told.is_empty()).then_some(Storing { known, told }))
    }

    /// Gives back the compartments that an order needs no more once it is told this, and takes those that it needs then and
    /// did not before, or refuses.
    pub(super) fn store_anew(
        &self,
        network: &Network,
        order: &Order,
        told: &[OrderEvent],
        now: Now,
    ) -> Result<Option<Storing<'_>>, Rejection> {
        self.store_anew_all(network, std::iter::once((order, told)), now)
    }

    /// The same of several orders in one record.
    pub(super) fn store_anew_all<'o>(
        &self,
        network: &Network,
        orders: impl Iterator<Item = (&'o Order, &'o [OrderEvent])>,
        now: Now,
    ) -> Result<Option<Storing<'_>>, Rejection> {
        let mut orders = orders.filter(|(order, told)| is_stored(order) && !told.is_empty()).peekable();
        if orders.peek().is_none() {
            return Ok(None);
        }
        let known = self.lockers.0.lock();
        let mut all = Vec::new();
        for (order, told) in orders {
            all.extend(changes(network, &known.by_node, order, told, now)?);
        }
        Ok((!all.is_empty()).then_some(Storing { known, told: all }))
    }

    /// Whether there is a compartment for it now; `None` where nobody counts them.
    pub(super) fn has_compartment(&self, parcel: &Parcelled) -> Option<bool> {
        let known = self.lockers.0.lock();
        known.by_node.get(&parcel.node).map(|lockers| lockers.size_for(&parcel.bulk, &[]).is_ok())
    }

    /// A node to which units of an order are to go, and in whose lockers there is no compartment for them: the order is tried
    /// again when one is free.
    pub(super) fn full_locker(&self, network: &Network, order: &Order, shipments: &[Routed]) -> Option<NodeIndex> {
        let mut known = self.lockers.0.lock();
        let is_full = |Routed { group, assignment }: &Routed| {
            let Some(lockers) = known.by_node.get(&assignment.node) else { return false };
            let lies = lockers.stored.contains_key(&Stored { order: order.key, group: *group });
            let parcel = Parcelled::of(&network.catalogue, order, *group, &assignment.lines, assignment.node);
            !lies && lockers.size_for(&parcel.bulk, &[]).is_err()
        };
        let mut seeking = shipments.iter().filter(|shipment| order.seeks_locker_for(shipment.group));
        let node = seeking.find(|shipment| is_full(shipment))?.assignment.node;
        known.waiting.insert(order.key);
        Some(node)
    }

    /// Orders for which a compartment may be free now, each once.
    pub(super) fn lockers_freed(&self) -> Vec<OrderKey> {
        std::mem::take(&mut self.lockers.0.lock().tried_next)
    }

    /// An order that was edited or merged gives back compartments that it needs no more, in a record of its own, and takes
    /// those that it lacks as far as there are any.
    pub(super) fn store_afterwards(&self, turn: &Turn<'_>, network: &Network, key: OrderKey) {
        let Some(slot) = self.orders.lock(key) else { return };
        let order = slot.as_ref().expect("a locked entity is there");
        if !is_stored(order) {
            return;
        }
        let known = self.lockers.0.lock();
        let mut told = given_up(&known.by_node, order, order);
        for (group, node) in stored_in(order) {
            let lies = |lockers: &Lockers| lockers.stored.contains_key(&Stored { order: key, group });
            if !known.by_node.get(&node).is_some_and(lies) {
                let parcel = Parcelled::all_of(&network.catalogue, order, group, node);
                told.extend(taken(network, &known.by_node, key, &[parcel]).into_iter().flatten());
            }
        }
        if told.is_empty() {
            return;
        }
        let storing = Storing { known, told };
        let events = storing.events().collect();
        let Ok(sealed) = turn.seal(turn.now(), network.catalogue.seq, events, None) else { return };
        let logged = turn.log(self, sealed, Change::new(network), Withdrawal::nothing());
        storing.logged();
        logged.done();
    }

    pub(super) fn put_lockers(&self, turn: &Turn<'_>, command: &PutLockers) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("node", command.node.to_string());
        let node = network.catalogue.node_index(&command.node).ok_or_else(unknown)?;
        let terms = terms(&command.sizes)?;
        let mut known = self.lockers.0.lock();
        let before = known.by_node.get(&node).cloned();
        if let Some((size, used)) = before.as_ref().and_then(|before| before.kept_by(&terms)) {
            return Err(Rejection::LockerInUse { node: command.node.to_string(), size: size.to_string(), used });
        }
        let mut seq = network.catalogue.seq;
        let event = LockersEvent::Put(terms);
        let after = Lockers::fold(before.clone(), &event).expect("sizes ascend, and none has fewer than are used");
        if before.as_ref() != Some(&after) {
            let put = Event::LockersChanged(Box::new(LockersChanged { node, event }));
            seq = self.append_catalogue(turn, &network, put)?;
            known.by_node.insert(node, after.clone());
            known.freed();
            network.catalogue.seq = seq;
        }
        Ok(Executed::done(Reply::Lockers(Box::new(after)), seq))
    }

    /// Puts the lockers of a node at start.
    pub(super) fn hold_lockers(&self, node: NodeIndex, known: Lockers) {
        self.lockers.0.lock().by_node.insert(node, known);
    }

    /// An order at start: what of it waits for a compartment is tried.
    pub(super) fn watch_lockers(&self, order: &Order) {
        if order.seeks_locker() && order.lines.iter().any(|line| line.waiting() > 0) {
            self.lockers.0.lock().tried_next.push(order.key);
        }
    }

    /// The lockers of a node, as they stand; and the sequence up to which that may be.
    pub fn lockers(&self, node: &str) -> Option<(Lockers, u64)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let node = network.catalogue.node_index(node)?;
        let known = self.lockers.0.lock().by_node.get(&node).cloned().unwrap_or_default();
        Some((known, self.position()))
    }
}

/// Sizes, ascending by id; all faults together.
fn terms(sizes: &[PutLocker]) -> Result<Vec<LockerTerms>, Rejection> {
    let mut faults = Vec::new();
    if sizes.len() > LOCKER_SIZES_MAX {
        let detail = format!("lockers have at most {LOCKER_SIZES_MAX} sizes, these are {}", sizes.len());
        faults.push(Fault::new("sizes", "list_length_out_of_range", detail));
    }
    let mut terms: Vec<LockerTerms> = Vec::with_capacity(sizes.len());
    for (at, PutLocker { id, inner, limit }) in sizes.iter().enumerate() {
        if terms.iter().any(|known| known.id == *id) {
            let detail = format!("{id:?} is named twice");
            faults.push(Fault::new(format!("sizes[{at}].id"), "duplicate_size", detail));
        }
        if *limit > COMPARTMENTS_MAX {
            let detail = format!("there are at most {COMPARTMENTS_MAX} compartments of a size");
            faults.push(Fault::new(format!("sizes[{at}].limit"), "number_out_of_range", detail));
        }
        terms.push(LockerTerms { id: id.clone(), inner: *inner, limit: *limit });
    }
    terms.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    if faults.is_empty() { Ok(terms) } else { Err(Rejection::Invalid(faults)) }
}

/// Compartments for all of these, or why not.
fn taken(
    network: &Network,
    known: &BTreeMap<NodeIndex, Lockers>,
    order: OrderKey,
    parcels: &[Parcelled],
) -> Result<Vec<LockersChanged>, Rejection> {
    let mut taken: BTreeMap<NodeIndex, Vec<Text>> = BTreeMap::new();
    let mut told = Vec::new();
    for Parcelled { group, node, bulk } in parcels {
        let Some(lockers) = known.get(node) else { continue };
        let taken = taken.entry(*node).or_default();
        let refused = |why| {
            let node = network.node_name(*node);
            match why {
                NoCompartment::Full => Rejection::LockerFull { node },
                NoCompartment::TooLarge => Rejection::FitsNoLocker { node },
            }
        };
        let size = lockers.size_for(bulk, taken).map_err(refused)?.clone();
        taken.push(size.clone());
        let event = LockersEvent::Taken { stored: Stored { order, group: *group }, size };
        told.push(LockersChanged { node: *node, event });
    }
    Ok(told)
}

/// Whether something of an order is fetched from lockers.
fn is_stored(order: &Order) -> bool {
    !order.is_archived() && order.methods().any(|method| **method == *LOCKER)
}

/// Groups of an order, each with the nodes in whose lockers something of it lies or is to come.
fn stored_in(order: &Order) -> Vec<(u16, NodeIndex)> {
    let nodes = |group| order.lockers_of(group).into_iter().map(move |node| (group, node));
    order.groups().flat_map(nodes).collect()
}

/// What lockers are told with what an order is told: what it needs no more is free, what it did not need before is taken.
fn changes(
    network: &Network,
    known: &BTreeMap<NodeIndex, Lockers>,
    order: &Order,
    told: &[OrderEvent],
    now: Now,
) -> Result<Vec<LockersChanged>, Rejection> {
    let after = once_told(order, told, now);
    let mut all = given_up(known, order, &after);
    let before = stored_in(order);
    let mut new = stored_in(&after);
    new.retain(|own| !before.contains(own));
    let parcels: Vec<Parcelled> =
        new.iter().map(|(group, node)| Parcelled::all_of(&network.catalogue, &after, *group, *node)).collect();
    all.extend(taken(network, known, order.key, &parcels)?);
    Ok(all)
}

/// An order as it is once it is told this.
fn once_told(order: &Order, told: &[OrderEvent], now: Now) -> Order {
    let header = Header {
        seq: order.seq + 1,
        time: now.journal,
        wall: now.wall,
        decided_at: now.journal,
        actor: Text::default(),
        source: Text::default(),
        request_id: Text::default(),
        catalogue_seq: 0,
        epoch: 0,
        partition: 0,
    };
    told.iter().fold(order.clone(), |order, event| {
        let (key, version) = (order.key, order.version + 1);
        Order::fold(Some(order), key, version, &header, event).expect("an order is told what it can take")
    })
}

/// Compartments of an order into which nothing comes any more, as it is after a record, and in which nothing of it lies.
fn given_up(known: &BTreeMap<NodeIndex, Lockers>, order: &Order, after: &Order) -> Vec<LockersChanged> {
    let kept = stored_in(after);
    let mut told = Vec::new();
    for group in order.groups() {
        let stored = Stored { order: order.key, group };
        let own = order.fulfillment_orders.iter().filter(|own| own.group == group).map(|own| own.node);
        let nodes: BTreeSet<NodeIndex> = own.chain(order.stored_at(group)).collect();
        let lies = |node: &NodeIndex| known.get(node).is_some_and(|lockers| lockers.stored.contains_key(&stored));
        let given = nodes.into_iter().filter(|node| lies(node) && !kept.contains(&(group, *node)));
        told.extend(given.map(|node| LockersChanged { node, event: LockersEvent::Given { stored } }));
    }
    told
}
