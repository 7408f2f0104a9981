//! Slots at work: places that orders take and give back, and the calendar that is put.
//!
//! A slot's places are a number behind a mutex of their own. Whoever takes or gives holds it from the check to the end of
//! the append, behind his ledgers and before his words, so nothing of a slot is ever in flight: a place is refused only
//! when it is taken. An order that books nothing locks nothing here. The calendar changes under the catalogue's exclusive
//! guard.

use std::collections::BTreeMap;

use parking_lot::{Mutex, MutexGuard};

use super::network::Network;
use super::turn::Turn;
use super::{Engine, Executed};
use crate::domain::command::{AskedSlot, PlaceOrder, PutSlot, PutSlots};
use crate::domain::event::{Event, SlotsChanged};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::item::ItemKind;
use crate::domain::particulars::Booking;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::slots::{Places, SLOTS_MAX, Slot, SlotTerms, Slots, SlotsEvent};
use crate::domain::time::WallTime;

/// One slot.
#[derive(Debug)]
struct Board {
    number: u32,
    terms: SlotTerms,
    used: Mutex<u32>,
}

/// The slots of one node.
#[derive(Debug, Default)]
pub struct NodeSlots {
    next: u32,
    boards: Vec<Board>,
}

/// All slots, by node.
#[derive(Debug, Default)]
pub struct Calendar(BTreeMap<NodeIndex, NodeSlots>);

/// Places of several slots, locked in ascending order.
pub struct LockedPlaces<'a>(Vec<(Places, &'a Board, MutexGuard<'a, u32>)>);

impl NodeSlots {
    fn of(slots: Slots) -> Self {
        let board = |Slot { number, terms, used }: Slot| Board { number, terms, used: Mutex::new(used) };
        Self { next: slots.next, boards: slots.slots.into_iter().map(board).collect() }
    }

    /// As they stand.
    fn now(&self) -> Slots {
        let slot = |board: &Board| Slot { number: board.number, terms: board.terms.clone(), used: *board.used.lock() };
        Slots { next: self.next, slots: self.boards.iter().map(slot).collect() }
    }
}

impl Calendar {
    /// The slots of a node, as they were put and used.
    pub fn put(&mut self, node: NodeIndex, slots: Slots) {
        self.0.insert(node, NodeSlots::of(slots));
    }

    /// The slots of a node, as they stand; none where nobody put any.
    pub fn at(&self, node: NodeIndex) -> Slots {
        self.0.get(&node).map(NodeSlots::now).unwrap_or_default()
    }

    fn board(&self, node: NodeIndex, is_it: impl Fn(&Board) -> bool) -> Option<&Board> {
        self.0.get(&node)?.boards.iter().find(|board| is_it(board))
    }

    /// Locks these places, which ascend; those of slots that are gone are left out.
    pub fn lock(&self, places: &[Places]) -> LockedPlaces<'_> {
        let found = |places: &Places| {
            let board = self.board(places.node, |board| board.number == places.slot)?;
            Some((*places, board, board.used.lock()))
        };
        LockedPlaces(places.iter().filter_map(found).collect())
    }
}

impl LockedPlaces<'_> {
    /// Refuses to take more places than there are.
    pub fn check(&self, network: &Network) -> Result<(), Rejection> {
        let left = |board: &Board, used: u32| board.terms.limit.saturating_sub(used);
        match self.0.iter().find(|(wanted, board, used)| wanted.places > left(board, **used)) {
            None => Ok(()),
            Some((wanted, board, used)) => Err(Rejection::SlotFull {
                node: network.node_name(wanted.node),
                slot: board.terms.id.to_string(),
                requested: wanted.places,
                available: left(board, **used),
            }),
        }
    }

    /// That they are taken.
    pub fn taken(&self) -> impl Iterator<Item = Event> {
        self.told(|slot, places| SlotsEvent::Taken { slot, places })
    }

    /// That they are free again.
    pub fn given(&self) -> impl Iterator<Item = Event> {
        self.told(|slot, places| SlotsEvent::Given { slot, places })
    }

    fn told(&self, event: fn(u32, u32) -> SlotsEvent) -> impl Iterator<Item = Event> {
        self.0.iter().map(move |(of, ..)| {
            let event = event(of.slot, of.places);
            Event::SlotsChanged(Box::new(SlotsChanged { node: of.node, event }))
        })
    }

    /// They are taken from now on: it is logged.
    pub fn take(self) {
        self.0.into_iter().for_each(|(of, _, mut used)| *used += of.places);
    }

    /// They are free from now on: it is logged.
    pub fn give(self) {
        self.0.into_iter().for_each(|(of, _, mut used)| *used -= of.places);
    }
}

impl Engine {
    pub(super) fn put_slots(&self, turn: &Turn<'_>, command: &PutSlots) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("node", command.node.to_string());
        let node = network.catalogue.node_index(&command.node).ok_or_else(unknown)?;
        let terms = terms(&network, &command.slots)?;
        let before = network.calendar.at(node);
        if let Some(kept) = before.kept_by(&terms, turn.log.now().wall) {
            let (slot, used) = (kept.terms.id.to_string(), kept.used);
            return Err(Rejection::SlotInUse { node: command.node.to_string(), slot, used });
        }
        // A slot whose time has passed may go with its places, but not come back with fewer.
        let gone = |slot: &&Slot| terms.iter().any(|put| put.id == slot.terms.id && put.limit < slot.used);
        if let Some(slot) = before.slots.iter().find(gone) {
            let (id, used) = (slot.terms.id.to_string(), slot.used);
            return Err(Rejection::SlotInUse { node: command.node.to_string(), slot: id, used });
        }
        let mut seq = network.catalogue.seq;
        let after = before.clone().put(&terms).expect("slots ascend, and none has fewer places than are used");
        if after != before {
            let put = SlotsChanged { node, event: SlotsEvent::Put(terms) };
            seq = self.append_catalogue(turn, &network, Event::SlotsChanged(Box::new(put)))?;
            network.calendar.put(node, after.clone());
            network.catalogue.seq = seq;
        }
        Ok(Executed::done(Reply::Slots(Box::new(after)), seq))
    }

    /// The slots of a node, as they stand; and the sequence up to which that may be.
    pub fn slots(&self, node: &str) -> Option<(Slots, u64)> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let node = network.catalogue.node_index(node)?;
        Some((network.calendar.at(node), self.position()))
    }

    /// Slots of a state.
    pub(super) fn know_slots(&self, slots: Vec<(NodeIndex, Slots)>) {
        let mut network = self.network.write().expect("nobody else knows the engine yet");
        slots.into_iter().for_each(|(node, slots)| network.calendar.put(node, slots));
    }
}

/// Slots in this catalogue, ascending by id; all faults together.
fn terms(network: &Network, slots: &[PutSlot]) -> Result<Vec<SlotTerms>, Rejection> {
    let mut faults = Vec::new();
    if slots.len() > SLOTS_MAX {
        let detail = format!("a node has at most {SLOTS_MAX} slots, these are {}", slots.len());
        faults.push(Fault::new("slots", "list_length_out_of_range", detail));
    }
    let mut terms: Vec<SlotTerms> = Vec::with_capacity(slots.len());
    for (at, slot) in slots.iter().enumerate() {
        let field = |name: &str| format!("slots[{at}].{name}");
        if terms.iter().any(|known| known.id == slot.id) {
            faults.push(Fault::new(field("id"), "duplicate_slot", format!("{:?} is named twice", slot.id)));
        }
        if slot.ends_at <= slot.starts_at {
            faults.push(Fault::new(field("ends_at"), "time_out_of_order", "must be after `starts_at`"));
        }
        let service = slot.sku.as_deref().map(|sku| service(network, sku));
        let service = service.transpose().map_err(|fault| {
            faults.push(Fault { field: field(&fault.field), ..fault });
        });
        let (id, starts_at, ends_at, limit) = (slot.id.clone(), slot.starts_at, slot.ends_at, slot.limit);
        terms.push(SlotTerms { id, service: service.ok().flatten(), starts_at, ends_at, limit });
    }
    terms.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    if faults.is_empty() { Ok(terms) } else { Err(Rejection::Invalid(faults)) }
}

fn service(network: &Network, sku: &str) -> Result<SkuIndex, Fault> {
    let unknown = || Fault::new("sku", "unknown_sku", format!("there is no item {sku:?}"));
    let index = network.catalogue.sku_index(sku).ok_or_else(unknown)?;
    match network.catalogue.kind(index) {
        ItemKind::Service => Ok(index),
        _ => Err(Fault::new("sku", "not_a_service", format!("{sku} is not a service"))),
    }
}

/// The slots that an order's lines are to have; all faults together.
pub(super) fn bookings(network: &Network, order: &PlaceOrder, now: WallTime) -> Result<Vec<Booking>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut bookings = Vec::with_capacity(order.wishes.slots.len());
    for asked in &order.wishes.slots {
        let fault = |fault: Fault| Fault { field: format!("lines[{}].slot{}", asked.line, fault.field), ..fault };
        match booking(network, order, asked, now) {
            Ok(booking) => bookings.push(booking),
            Err(wrong) => faults.push(fault(wrong)),
        }
    }
    if faults.is_empty() { Ok(bookings) } else { Err(faults) }
}

fn booking(network: &Network, order: &PlaceOrder, asked: &AskedSlot, now: WallTime) -> Result<Booking, Fault> {
    let (node, id) = (&asked.node, &asked.slot);
    let unknown = || Fault::new(".node", "unknown_node", format!("there is no node {node:?}"));
    let index = network.catalogue.node_index(node).ok_or_else(unknown)?;
    let unknown = || Fault::new(".id", "unknown_slot", format!("{node} has no slot {id:?}"));
    let board = network.calendar.board(index, |board| board.terms.id == *id).ok_or_else(unknown)?;
    let SlotTerms { service, starts_at, ends_at, .. } = board.terms;
    let sku = order.lines.get(usize::from(asked.line)).and_then(|line| network.catalogue.sku_index(&line.sku));
    let is_service = sku.is_some_and(|sku| network.catalogue.kind(sku) == ItemKind::Service);
    match () {
        () if !network.catalogue.node(index).active => {
            Err(Fault::new(".node", "node_inactive", format!("{node} is switched off")))
        }
        () if starts_at <= now => Err(Fault::new(".id", "time_in_past", format!("slot {id} of {node} has begun"))),
        // An item that is not there is a fault of its own.
        () if sku.is_some() && !is_service => Err(Fault::new("", "not_a_service", "is for lines of services only")),
        () if service.is_some_and(|service| sku != Some(service)) => {
            Err(Fault::new(".id", "slot_of_another", format!("slot {id} of {node} is for another service")))
        }
        () => {
            let (line, slot, id) = (asked.line, board.number, id.clone());
            Ok(Booking { line, node: index, slot, id, starts_at, ends_at })
        }
    }
}
