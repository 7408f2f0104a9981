//! Slots at work: places that orders take and give back, and the calendar that is put.
//!
//! A slot's places are a number behind a mutex of their own. Whoever takes or gives holds it from the check to the end of
//! the append, behind his ledgers and before his words, so nothing of a slot is ever in flight: a place is refused only
//! when it is taken. An order that books nothing locks nothing here. The calendar changes under the catalogue's exclusive
//! guard.

use std::collections::BTreeMap;

use parking_lot::{Mutex, MutexGuard};

use super::change::Change;
use super::network::Network;
use super::turn::{Turn, order_events};
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{AskedSlot, PlaceOrder, PutSlot, PutSlots, Rebook};
use crate::domain::decision::LineUnits;
use crate::domain::delivery::{BROUGHT, does};
use crate::domain::event::{Answer, Event, SlotsChanged};
use crate::domain::fulfillment::{FulfillmentLine, FulfillmentOrder};
use crate::domain::ids::{NodeIndex, SkuIndex, Text};
use crate::domain::item::ItemKind;
use crate::domain::node::NodeKind;
use crate::domain::order::{Allocation, Order, OrderEvent};
use crate::domain::particulars::{Booking, GIVEN_UP};
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

    /// A line that has a slot gets another one of the same node, or of any where that node refused, and so has all that is
    /// brought with it. Who is refused keeps what he has.
    pub(super) fn rebook(&self, turn: &Turn<'_>, command: &Rebook) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("order", command.order.to_string());
        let key = self.find_order(&command.order).ok_or_else(unknown)?;
        let mut slot = self.orders.lock(key).ok_or_else(unknown)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let booking = rebooking(&network, order, command, turn.log.now().wall)?;
        let (bookings, given, taken) = order.rebooked(booking.line, &booking);
        if bookings == order.bookings() {
            let (seq, order) = (order.seq, order.clone());
            return Ok(Executed::done(Reply::Order(order), seq));
        }
        // One slot is left and one is taken: the lower is locked first.
        let (given, taken) = if given.first() < taken.first() {
            let given = network.calendar.lock(&given);
            (given, network.calendar.lock(&taken))
        } else {
            let taken = network.calendar.lock(&taken);
            (network.calendar.lock(&given), taken)
        };
        taken.check(&network)?;
        let comes_back = order.bookings().iter().any(|own| own.line == booking.line && own.slot == GIVEN_UP);
        let mut told = vec![];
        if comes_back {
            told.extend(order.awaits_customer.then_some(OrderEvent::CustomerAnswered));
            told.extend(appointed(order, &bookings, booking.node));
        }
        told.insert(0, OrderEvent::Booked { bookings });
        let mut events: Vec<Event> = order_events(order, told).collect();
        events.extend(given.given());
        events.extend(taken.taken());
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, Some(Answer::Order(key)))?;
        let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
        given.give();
        taken.take();
        logged.fold_order(&mut slot);
        self.watch_new_windows(&network, &slot);
        let seq = logged.seq();
        logged.done();
        let order = slot.as_ref().expect("just folded").clone();
        drop(slot);
        if !comes_back {
            return Ok(Executed::done(Reply::Order(order), seq));
        }
        self.resource(turn, &network, key);
        self.try_waiting(turn, &network, key);
        let order = self.order_by_key(key).unwrap_or(order);
        let seq = order.seq;
        Ok(Executed::done(Reply::Order(order), seq))
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
    let index = network.sku_index(sku).ok_or_else(unknown)?;
    match network.catalogue.kind(index) {
        ItemKind::Service => Ok(index),
        _ => Err(Fault::new("sku", "not_a_service", format!("{sku} is not a service"))),
    }
}

/// The slot that a line is to have instead of its own.
fn rebooking(network: &Network, order: &Order, command: &Rebook, now: WallTime) -> Result<Booking, Rejection> {
    let unknown = || {
        let detail = format!("the order has no line {:?}", command.line);
        Rejection::invalid("line", "unknown_line", detail)
    };
    let line = order.line_at(&command.line).ok_or_else(unknown)?;
    let own = order.bookings().iter().find(|own| own.line == line);
    let not_booked = || Rejection::NotBooked { order: order.name(), line: command.line.to_string() };
    let own = own.filter(|_| order.buckets(line).open() > 0).ok_or_else(not_booked)?;
    let here = &network.catalogue.node(own.node).id;
    let elsewhere = |detail: String| Err(Rejection::invalid("slot.node", "slot_elsewhere", detail));
    let placed = &order.lines[usize::from(line)].placed;
    let of = if placed.stocked { Booked::Goods } else { Booked::Service(Some(placed.sku)) };
    let named = |fault: Fault| Rejection::Invalid(vec![Fault { field: format!("slot{}", fault.field), ..fault }]);
    if own.slot != GIVEN_UP {
        if *here != command.node {
            return elsewhere(format!("is {}, the line has a slot of {here}", command.node));
        }
        return open_slot(network, (line, of), (own.node, &command.slot), now).map_err(named);
    }
    if *here == command.node {
        return elsewhere(format!("{here} refused the line: name another node"));
    }
    let node = network.catalogue.node_index(&command.node);
    let unknown = || Fault::new(".node", "unknown_node", format!("there is no node {:?}", command.node));
    let node = node.ok_or_else(unknown).map_err(named)?;
    if placed.stocked && order.fenced.contains(&node) {
        return elsewhere(format!("{} refused goods of the order: name another node", command.node));
    }
    if let Some(other) = comes_from(order, line).find(|other| *other != node) {
        let other = &network.catalogue.node(other).id;
        return elsewhere(format!("is {}, what is brought comes from {other} by now", command.node));
    }
    let slot = match of {
        Booked::Goods => {
            offered(&network.catalogue, node).and_then(|()| open_slot(network, (line, of), (node, &command.slot), now))
        }
        Booked::Service(_) => open_slot(network, (line, of), (node, &command.slot), now),
    };
    slot.map_err(named)
}

/// Nodes from which goods of a line's group are under way, or will be.
fn comes_from(order: &Order, line: u16) -> impl Iterator<Item = NodeIndex> {
    let placed = &order.lines[usize::from(line)].placed;
    let goods = |own: &&FulfillmentOrder| {
        let is_goods =
            |units: &FulfillmentLine| units.quantity > 0 && order.lines[usize::from(units.line)].placed.stocked;
        placed.stocked && own.group == placed.group && own.status.is_live() && own.lines.iter().any(is_goods)
    };
    order.fulfillment_orders.iter().filter(goods).map(|own| own.node)
}

/// What waits of services that have a slot at a node from now on is done there.
fn appointed(order: &Order, bookings: &[Booking], node: NodeIndex) -> Option<OrderEvent> {
    let mut groups: BTreeMap<u16, Vec<LineUnits>> = BTreeMap::new();
    for own in bookings.iter().filter(|own| own.node == node) {
        let line = &order.lines[usize::from(own.line)];
        if !line.placed.stocked && line.waiting() > 0 {
            let units = LineUnits { line: own.line, quantity: line.waiting() };
            groups.entry(line.placed.group).or_default().push(units);
        }
    }
    let numbers = order.next_number()..;
    let allocation = |(number, (group, lines))| Allocation { number, node, group, lines, cost: 0 };
    let allocations: Vec<Allocation> = numbers.zip(groups).map(allocation).collect();
    (!allocations.is_empty()).then_some(OrderEvent::Filled { allocations })
}

/// Refuses a node that brings nothing to customers.
fn offered(catalogue: &Catalogue, node: NodeIndex) -> Result<(), Fault> {
    let detail = || format!("{} does not do {BROUGHT}", catalogue.node(node).id);
    if brings(catalogue, node) { Ok(()) } else { Err(Fault::new(".node", "method_not_offered", detail())) }
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
    faults.extend(brought_together(network, order, &mut bookings));
    if faults.is_empty() { Ok(bookings) } else { Err(faults) }
}

/// What is brought to the customer comes in one slot for all goods of its group: lines without one get that of the others.
fn brought_together(network: &Network, order: &PlaceOrder, bookings: &mut Vec<Booking>) -> Vec<Fault> {
    let goods = |line: u16| {
        let line = order.lines.get(usize::from(line))?;
        let kind = network.sku_index(&line.sku).map(|sku| network.catalogue.kind(sku));
        matches!(kind, Some(ItemKind::Product | ItemKind::Kit)).then_some(line.group)
    };
    let (mut faults, mut more) = (Vec::new(), Vec::new());
    for (line, group) in (0..order.lines.len() as u16).filter_map(|line| Some((line, goods(line)?))) {
        let Some(first) = bookings.iter().find(|own| goods(own.line) == Some(group)) else { continue };
        match bookings.iter().find(|own| own.line == line) {
            Some(own) if (own.node, own.slot) != (first.node, first.slot) => {
                let detail = format!("goods that are brought together have one slot, others have {}", first.id);
                faults.push(Fault::new(format!("lines[{line}].slot"), "slot_differs", detail));
            }
            Some(_) => {}
            None => more.push(Booking { line, ..first.clone() }),
        }
    }
    bookings.extend(more);
    bookings.sort_by_key(|own| own.line);
    faults
}

fn booking(network: &Network, order: &PlaceOrder, asked: &AskedSlot, now: WallTime) -> Result<Booking, Fault> {
    let (node, id) = (&asked.node, &asked.slot);
    let unknown = || Fault::new(".node", "unknown_node", format!("there is no node {node:?}"));
    let index = network.catalogue.node_index(node).ok_or_else(unknown)?;
    let line = order.lines.get(usize::from(asked.line));
    let sku = line.and_then(|line| network.sku_index(&line.sku));
    let kind = sku.map(|sku| network.catalogue.kind(sku));
    let way = line.and_then(|line| order.wishes.ways.iter().find(|way| way.group == line.group));
    let is_brought = way.map_or(&*order.delivery_method, |way| &*way.method) == BROUGHT;
    let of = match kind {
        Some(ItemKind::Product | ItemKind::Kit) if is_brought => Booked::Goods,
        // An item that is not there is a fault of its own.
        Some(ItemKind::Service) | None => Booked::Service(sku),
        Some(_) => {
            return Err(Fault::new(
                "",
                "not_a_service",
                "is for services and for goods that are brought to the customer",
            ));
        }
    };
    if of == Booked::Goods {
        offered(&network.catalogue, index)?;
    }
    open_slot(network, (asked.line, of), (index, id), now)
}

/// Whether a node brings goods to customers.
fn brings(catalogue: &Catalogue, node: NodeIndex) -> bool {
    let known = catalogue.node(node);
    !matches!(known.kind, NodeKind::Virtual | NodeKind::Supplier) && does(known, BROUGHT)
}

/// What a slot is wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Booked {
    /// A service, when it is known.
    Service(Option<SkuIndex>),
    /// Goods that are brought to the customer.
    Goods,
}

/// A slot that has not begun, of a node that is switched on, as a line has it.
fn open_slot(
    network: &Network,
    (line, of): (u16, Booked),
    (index, id): (NodeIndex, &Text),
    now: WallTime,
) -> Result<Booking, Fault> {
    let node = &network.catalogue.node(index).id;
    let unknown = || Fault::new(".id", "unknown_slot", format!("{node} has no slot {id:?}"));
    let board = network.calendar.board(index, |board| board.terms.id == *id).ok_or_else(unknown)?;
    let SlotTerms { service, starts_at, ends_at, .. } = board.terms;
    match () {
        () if !network.catalogue.node(index).active => {
            Err(Fault::new(".node", "node_inactive", format!("{node} is switched off")))
        }
        () if starts_at <= now => Err(Fault::new(".id", "time_in_past", format!("slot {id} of {node} has begun"))),
        () if service.is_some_and(|service| of != Booked::Service(Some(service))) => {
            Err(Fault::new(".id", "slot_of_another", format!("slot {id} of {node} is for another service")))
        }
        () => Ok(Booking { line, node: index, slot: board.number, id: id.clone(), starts_at, ends_at }),
    }
}
