//! Lockers at work: compartments that orders take with their promise and give back when the last of their goods is gone.
//!
//! All of them lie behind one mutex. Whoever takes or gives holds it from the choice to the end of the append, behind the
//! slots of the calendar, so nothing of a locker is ever in flight. An order that is not fetched from a locker locks
//! nothing here; at a node whose lockers nobody put there is room for everything.

use std::collections::BTreeMap;

use parking_lot::{Mutex, MutexGuard};

use super::change::Change;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{PutLocker, PutLockers};
use crate::domain::decision::LineUnits;
use crate::domain::delivery::{LOCKER, Way};
use crate::domain::event::{Event, LockersChanged};
use crate::domain::fulfillment::{FulfillmentStatus, FulfillmentStep};
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex, Text};
use crate::domain::item::ItemKind;
use crate::domain::lockers::{
    Bulk, COMPARTMENTS_MAX, LOCKER_SIZES_MAX, LockerTerms, Lockers, LockersEvent, NoCompartment, Stored,
};
use crate::domain::order::{Order, PlacedLine};
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;

/// Lockers by node; none where nobody put any.
#[derive(Debug, Default)]
pub struct AllLockers(Mutex<BTreeMap<NodeIndex, Lockers>>);

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
}

/// What a record tells of lockers, which are locked until it is folded.
pub(super) struct Storing<'a> {
    known: MutexGuard<'a, BTreeMap<NodeIndex, Lockers>>,
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
            let after = Lockers::fold(self.known.remove(&node), &event);
            self.known.insert(node, after.expect("only what lockers can take is told"));
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
        let told = taken(network, &known, order, parcels)?;
        Ok((!told.is_empty()).then_some(Storing { known, told }))
    }

    /// The same for an order that takes units over from another, which gives back first what it needs no more without them.
    pub(super) fn store_apart(
        &self,
        network: &Network,
        (from, gone): (&Order, &[(u16, u32)]),
        order: OrderKey,
        parcels: &[Parcelled],
    ) -> Result<Option<Storing<'_>>, Rejection> {
        if parcels.is_empty() {
            return Ok(self.empty(from, None, gone));
        }
        let known = self.lockers.0.lock();
        let mut told = emptied(&known, from, None, gone);
        let mut after: BTreeMap<NodeIndex, Lockers> = BTreeMap::new();
        for Parcelled { node, .. } in parcels {
            after.extend(known.get(node).map(|lockers| (*node, lockers.clone())));
        }
        for LockersChanged { node, event } in &told {
            if let Some(before) = after.remove(node) {
                after.insert(*node, Lockers::fold(Some(before), event).expect("it lies there"));
            }
        }
        told.extend(taken(network, &after, order, parcels)?);
        Ok((!told.is_empty()).then_some(Storing { known, told }))
    }

    /// Gives back the compartments of an order out of which the last goods go with a step of one of its fulfilment orders,
    /// or without these units of its lines.
    pub(super) fn empty(
        &self,
        order: &Order,
        step: Option<(u16, &FulfillmentStep)>,
        cancelled: &[(u16, u32)],
    ) -> Option<Storing<'_>> {
        if order.methods().all(|method| **method != *LOCKER) {
            return None;
        }
        let known = self.lockers.0.lock();
        let told = emptied(&known, order, step, cancelled);
        (!told.is_empty()).then_some(Storing { known, told })
    }

    /// The same of several orders in one record, each without these units of its lines.
    pub(super) fn empty_several<'o>(
        &self,
        orders: impl Iterator<Item = (&'o Order, Vec<(u16, u32)>)>,
    ) -> Option<Storing<'_>> {
        let stores = |order: &Order| order.methods().any(|method| **method == *LOCKER);
        let mut orders = orders.filter(|(order, _)| stores(order)).peekable();
        orders.peek()?;
        let known = self.lockers.0.lock();
        let told: Vec<_> = orders.flat_map(|(order, gone)| emptied(&known, order, None, &gone)).collect();
        (!told.is_empty()).then_some(Storing { known, told })
    }

    /// Whether there is a compartment for it now; `None` where nobody counts them.
    pub(super) fn has_compartment(&self, parcel: &Parcelled) -> Option<bool> {
        let known = self.lockers.0.lock();
        known.get(&parcel.node).map(|lockers| lockers.size_for(&parcel.bulk, &[]).is_ok())
    }

    /// Gives back the compartment of a group that comes to another place now, and takes one there where that has lockers.
    pub(super) fn move_compartment(
        &self,
        network: &Network,
        order: &Order,
        group: u16,
        to: Option<Parcelled>,
    ) -> Result<Option<Storing<'_>>, Rejection> {
        let known = self.lockers.0.lock();
        let mut told: Vec<_> = given_up(&known, order, group).into_iter().collect();
        told.extend(taken(network, &known, order.key, to.as_slice())?);
        Ok((!told.is_empty()).then_some(Storing { known, told }))
    }

    /// The same of every group of which units have no node any more, and none lie at the place that was named.
    pub(super) fn give_up_compartments(&self, order: &Order) -> Option<Storing<'_>> {
        if order.methods().all(|method| **method != *LOCKER) {
            return None;
        }
        let homeless = |group: u16| {
            let mut lines = order.lines.iter().filter(|line| line.placed.group == group);
            lines.any(|line| line.unallocated > 0)
        };
        let comes = |group: u16| {
            let mut own = order.fulfillment_orders.iter().filter(|own| own.group == group && own.units() > 0);
            own.any(|own| own.status.is_live() && Some(own.node) == order.stored_at(group))
        };
        let known = self.lockers.0.lock();
        let groups = (0..order.facts.destinations.len() as u16).filter(|group| homeless(*group) && !comes(*group));
        let told: Vec<_> = groups.filter_map(|group| given_up(&known, order, group)).collect();
        (!told.is_empty()).then_some(Storing { known, told })
    }

    /// The same of an order that was edited or merged, in a record of its own.
    pub(super) fn empty_afterwards(&self, turn: &Turn<'_>, network: &Network, key: OrderKey) {
        let Some(slot) = self.orders.lock(key) else { return };
        let order = slot.as_ref().expect("a locked entity is there");
        let Some(storing) = self.empty(order, None, &[]) else { return };
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
        let before = known.get(&node).cloned();
        if let Some((size, used)) = before.as_ref().and_then(|before| before.kept_by(&terms)) {
            return Err(Rejection::LockerInUse { node: command.node.to_string(), size: size.to_string(), used });
        }
        let mut seq = network.catalogue.seq;
        let event = LockersEvent::Put(terms);
        let after = Lockers::fold(before.clone(), &event).expect("sizes ascend, and none has fewer than are used");
        if before.as_ref() != Some(&after) {
            let put = Event::LockersChanged(Box::new(LockersChanged { node, event }));
            seq = self.append_catalogue(turn, &network, put)?;
            known.insert(node, after.clone());
            network.catalogue.seq = seq;
        }
        Ok(Executed::done(Reply::Lockers(Box::new(after)), seq))
    }

    /// Puts the lockers of a node at start.
    pub(super) fn hold_lockers(&self, node: NodeIndex, known: Lockers) {
        self.lockers.0.lock().insert(node, known);
    }

    /// The lockers of a node, as they stand; and the sequence up to which that may be.
    pub fn lockers(&self, node: &str) -> Option<(Lockers, u64)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let node = network.catalogue.node_index(node)?;
        let known = self.lockers.0.lock().get(&node).cloned().unwrap_or_default();
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

/// That a group of an order has its compartment no more; nothing where it has none.
fn given_up(known: &BTreeMap<NodeIndex, Lockers>, order: &Order, group: u16) -> Option<LockersChanged> {
    let (node, stored) = (order.stored_at(group)?, Stored { order: order.key, group });
    let lies = known.get(&node).is_some_and(|lockers| lockers.stored.contains_key(&stored));
    lies.then_some(LockersChanged { node, event: LockersEvent::Given { stored } })
}

/// Compartments of an order out of which the last goods go.
fn emptied(
    known: &BTreeMap<NodeIndex, Lockers>,
    order: &Order,
    step: Option<(u16, &FulfillmentStep)>,
    cancelled: &[(u16, u32)],
) -> Vec<LockersChanged> {
    let gone = step.and_then(|(number, step)| match step {
        FulfillmentStep::HandedOver | FulfillmentStep::Delivered | FulfillmentStep::Shipped { .. } => {
            order.fulfillment(number).filter(|own| own.status != FulfillmentStatus::Shipped).map(|own| own.line_units())
        }
        FulfillmentStep::Cancelled { resourced: false, .. } => order.fulfillment(number).map(|own| own.line_units()),
        _ => None,
    });
    let gone: Vec<(u16, u32)> = gone.into_iter().flatten().map(|units| (units.line, units.quantity)).collect();
    let stopping = step.filter(|(_, step)| matches!(step, FulfillmentStep::Stopped { .. })).is_some();
    let put_back = step.filter(|(_, step)| matches!(step, FulfillmentStep::PutBack { .. })).map(|(number, _)| number);
    let left = |line: u16| {
        let out: u32 = gone.iter().chain(cancelled).filter(|(own, _)| *own == line).map(|(_, units)| units).sum();
        let buckets = order.buckets(line);
        // What was sent off lies there no more.
        (buckets.open() - u64::from(buckets.shipped)).saturating_sub(u64::from(out))
    };
    let mut told = Vec::new();
    for group in 0..order.facts.destinations.len() as u16 {
        let Some(given) = given_up(known, order, group) else { continue };
        let own = (0..order.lines.len() as u16).filter(|line| order.lines[usize::from(*line)].placed.group == group);
        let waits = order
            .fulfillment_orders
            .iter()
            .any(|f| f.group == group && f.status == FulfillmentStatus::PutBack && Some(f.number) != put_back);
        if !stopping && !waits && own.map(left).sum::<u64>() == 0 {
            told.push(given);
        }
    }
    told
}
