//! Exceptions: raised in the record of their cause where the engine knows it, else by the clock, which looks at the open
//! ones until they are over.
//!
//! The lock of a case is the last that is taken before words: after entities and ledgers, several ascending. Whoever has
//! one waits for nothing else. A cause whose case is open already writes nothing, so a flood of them is one case.
//!
//! Levels are watched from behind: a reader of the journal's tail notes which watched skus moved ([`Engine::notice`]), and
//! the clock looks at them. No take and no give knows of thresholds.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::{Mutex, RwLock};

use super::fulfill::is_at_closed_node;
use super::network::Network;
use super::soonest::Soonest;
use super::table::{Locked, Slot};
use super::tracking::is_wrong;
use super::turn::{Logged, Turn};
use super::{Engine, Executed};
use crate::domain::command::ExceptionAction;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, Event, ExceptionChanged};
use crate::domain::exception::{Exception, ExceptionEvent, ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus};
use crate::domain::hold::HoldState;
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, ReturnKey, SkuIndex};
use crate::domain::inbound::SupplyKey;
use crate::domain::limits::EXCEPTION_READABLE_MS;
use crate::domain::order::Order;
use crate::domain::order_returns::OrderReturn;
use crate::domain::payment::{Paid, PaymentMark};
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::returns::Return;
use crate::domain::stock::CellKey;
use crate::domain::time::{JournalTime, WallTime};

/// How long the clock leaves an open case alone, seconds.
const LOOK_S: u64 = 60;
/// From the last step of what a node has taken on, or the delivery of what comes back, until somebody should look, seconds.
pub(super) const WORK_LATE_S: u64 = 48 * 60 * 60;
/// Cases, late documents or old holds the clock looks at at once.
const LOOKED_AT_MAX: usize = 1_024;
/// How a case ended whose own remedy worked.
const REMEDIED: &str = "it stands no longer";

/// Everything the engine knows of exceptions.
#[derive(Debug, Default)]
pub struct Exceptions {
    cases: DashMap<ExceptionKey, Slot<Exception>>,
    /// Open cases by when the clock looks at them.
    looks: Soonest<ExceptionKey>,
    /// Documents of inbound supply by their date.
    supply: Soonest<SupplyKey, WallTime>,
    /// Fulfilment orders by when they are to be ready, and shipments by when they are late, or count as lost.
    shipments: Soonest<FulfillmentKey, WallTime>,
    /// Parcels of returns, by label, by when they are late, count as lost, or should have been opened.
    parcels: Soonest<(ReturnKey, u16), WallTime>,
    /// Holds by when they have stood for too long.
    holds: Soonest<(OrderKey, u16)>,
    /// Fulfilment orders by when their node should have gone on.
    work: Soonest<FulfillmentKey>,
    /// Resolved ones, oldest first: forgotten after their window.
    resolved: Mutex<VecDeque<(JournalTime, ExceptionKey)>>,
    /// Skus with thresholds, and those of them that moved since the clock looked.
    watched: RwLock<HashSet<SkuIndex>>,
    moved: Mutex<BTreeSet<SkuIndex>>,
}

/// Something went wrong.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// What with what.
    pub key: ExceptionKey,
    /// Units it is about.
    pub units: u32,
    /// The order with which it came up.
    pub order: Option<OrderKey>,
}

impl Cause {
    /// A cause without units or order.
    pub fn of(kind: ExceptionKind, subject: Subject) -> Self {
        Self { key: ExceptionKey { kind, subject }, units: 0, order: None }
    }
}

/// Cases that a record raises, locked until it is folded.
pub struct Raising<'a> {
    exceptions: &'a Exceptions,
    cases: Vec<(Locked<Exception>, ExceptionChanged)>,
}

impl Raising<'_> {
    /// What goes into the record.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.cases.iter().map(|(_, changed)| Event::ExceptionChanged(Box::new(changed.clone())))
    }

    /// Raises only those of which the rest of the record turned out to be a cause.
    pub fn only(&mut self, mut is_cause: impl FnMut(&ExceptionKey) -> bool) {
        let exceptions = self.exceptions;
        self.cases.retain(|(slot, changed)| {
            let keeps = is_cause(&changed.key);
            if !keeps {
                exceptions.leave(changed.key, slot);
            }
            keeps
        });
    }

    /// The record is appended.
    pub fn logged(mut self, logged: &Logged) {
        for (mut slot, changed) in std::mem::take(&mut self.cases) {
            self.exceptions.fold(&mut slot, logged, &changed);
        }
    }
}

impl Drop for Raising<'_> {
    fn drop(&mut self) {
        for (slot, changed) in &self.cases {
            self.exceptions.leave(changed.key, slot);
        }
    }
}

impl Exceptions {
    /// Locks a case, made when it is missing.
    fn claim(&self, key: ExceptionKey) -> Locked<Exception> {
        loop {
            let slot = Arc::clone(&self.cases.entry(key).or_default());
            let locked = slot.lock_arc();
            if self.cases.get(&key).is_some_and(|now| Arc::ptr_eq(&now, &slot)) {
                return locked;
            }
        }
    }

    /// Locks a case that was raised before.
    fn lock(&self, key: ExceptionKey) -> Option<Locked<Exception>> {
        let slot = self.cases.get(&key).map(|slot| Arc::clone(&slot))?;
        let locked = slot.lock_arc();
        locked.is_some().then_some(locked)
    }

    /// A case that was not raised after all leaves nothing. The caller has its lock.
    fn leave(&self, key: ExceptionKey, slot: &Locked<Exception>) {
        if slot.is_none() {
            self.cases.remove(&key);
        }
    }

    fn fold(&self, slot: &mut Locked<Exception>, logged: &Logged, changed: &ExceptionChanged) {
        let ExceptionChanged { key, version, event } = changed;
        let folded = Exception::fold(slot.take(), *key, *version, logged.header(), event);
        let folded = folded.expect("the engine logs only what a case can take");
        self.watch(&folded);
        **slot = Some(folded);
    }

    fn watch(&self, case: &Exception) {
        match &case.resolution {
            Some(end) => self.resolved.lock().push_back((end.at, case.key)),
            None => {
                let look = case.raised_at.plus_s(LOOK_S);
                let due = case.due_at.map_or(look, |due| due.min(look));
                self.looks.push(due, case.key);
            }
        }
    }

    /// Forgets cases whose window has passed.
    fn forget(&self, now: JournalTime) {
        loop {
            let key = {
                let mut resolved = self.resolved.lock();
                match resolved.front() {
                    Some((at, key)) if now.0 - at.0 > EXCEPTION_READABLE_MS => {
                        let key = *key;
                        resolved.pop_front();
                        key
                    }
                    _ => return,
                }
            };
            // It may have been raised anew.
            if let Some(slot) = self.lock(key)
                && slot.as_ref().is_some_and(|case| case.is_forgotten_at(now))
            {
                self.cases.remove(&key);
            }
        }
    }
}

impl Engine {
    /// Locks the cases of causes that are not open yet, ascending; they are raised with the record the caller makes.
    pub(super) fn raise(&self, now: JournalTime, causes: impl IntoIterator<Item = Cause>) -> Raising<'_> {
        self.raise_and_end(now, causes, [])
    }

    /// The same, and resolves cases that stand no longer with the record, those of them that are open.
    pub(super) fn raise_and_end(
        &self,
        now: JournalTime,
        causes: impl IntoIterator<Item = Cause>,
        ends: impl IntoIterator<Item = ExceptionKey>,
    ) -> Raising<'_> {
        // All in one order, so that no two wait for each other.
        let mut all: Vec<_> = causes.into_iter().map(|cause| (cause.key, Some(cause))).collect();
        all.extend(ends.into_iter().map(|key| (key, None)));
        all.sort_by_key(|(key, cause)| (*key, cause.is_none()));
        all.dedup_by_key(|(key, _)| *key);
        let cases = all.into_iter().filter_map(|(key, cause)| match cause {
            Some(cause) => self.raised(cause, now),
            None => self.ended(key),
        });
        Raising { exceptions: &self.exceptions, cases: cases.collect() }
    }

    fn raised(
        &self,
        Cause { key, units, order }: Cause,
        now: JournalTime,
    ) -> Option<(Locked<Exception>, ExceptionChanged)> {
        let slot = self.exceptions.claim(key);
        let version = match slot.as_ref() {
            Some(case) if case.is_open() => return None,
            Some(case) if !case.is_forgotten_at(now) => case.version + 1,
            _ => 1,
        };
        let event = ExceptionEvent::Raised { units, order, due_at: now.plus_s(key.kind.due_s()) };
        Some((slot, ExceptionChanged { key, version, event }))
    }

    fn ended(&self, key: ExceptionKey) -> Option<(Locked<Exception>, ExceptionChanged)> {
        let slot = self.exceptions.lock(key)?;
        let version = slot.as_ref().filter(|case| case.is_open())?.version + 1;
        let event = ExceptionEvent::Resolved { reason: REMEDIED.into() };
        Some((slot, ExceptionChanged { key, version, event }))
    }

    /// Raises nothing.
    pub(super) fn raises_nothing(&self) -> Raising<'_> {
        Raising { exceptions: &self.exceptions, cases: Vec::new() }
    }

    /// Raises a case in a record of its own.
    pub(super) fn raise_alone(&self, turn: &Turn<'_>, network: &Network, cause: Cause) {
        let now = turn.now();
        let raising = self.raise(now, [cause]);
        let events: Vec<Event> = raising.events().collect();
        if events.is_empty() {
            return;
        }
        let sealed = turn.seal(now, network.catalogue.seq, events, None).expect("a case is a small record");
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        raising.logged(&logged);
        logged.done();
    }

    pub(super) fn change_exception(
        &self,
        turn: &Turn<'_>,
        id: &str,
        action: &ExceptionAction,
    ) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("exception", id);
        let key = ExceptionKey::parse(id).ok_or_else(unknown)?;
        let mut slot = self.exceptions.lock(key).ok_or_else(unknown)?;
        if !slot.as_ref().is_some_and(Exception::is_open) {
            return Err(Rejection::ExceptionResolved { id: key.to_string() });
        }
        let event = match action {
            ExceptionAction::Assign { owner } => ExceptionEvent::Assigned { owner: owner.clone() },
            ExceptionAction::Resolve { reason } => ExceptionEvent::Resolved { reason: reason.clone() },
        };
        self.log_exception(turn, &network, &mut slot, event, Some(Answer::Exception(key)))?;
        let case = slot.as_ref().expect("just folded").clone();
        let seq = case.seq;
        Ok(Executed::done(Reply::Exception(Box::new(case)), seq))
    }

    fn log_exception(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Exception>,
        event: ExceptionEvent,
        answer: Option<Answer>,
    ) -> Result<(), Rejection> {
        let case = slot.as_ref().expect("a locked case is there");
        turn.steps(EntityKey::Exception(case.key), || Entity::Exception(Box::new(case.clone())));
        let changed = ExceptionChanged { key: case.key, version: case.version + 1, event };
        let events = vec![Event::ExceptionChanged(Box::new(changed.clone()))];
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, answer)?;
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        self.exceptions.fold(slot, &logged, &changed);
        logged.done();
        Ok(())
    }

    /// Notes of a durable or appended record which watched levels it moved.
    pub fn notice(&self, record: &Record) {
        self.note_occasions(record);
        let watched = self.exceptions.watched.read();
        if watched.is_empty() {
            return;
        }
        let moved = record.events.iter().filter_map(|event| match event {
            Event::StockMoved(moved) if moved.delta.available != 0 => Some(moved.cell.sku),
            _ => None,
        });
        let mut moved = moved.filter(|sku| watched.contains(sku)).peekable();
        if moved.peek().is_some() {
            self.exceptions.moved.lock().extend(moved);
        }
    }

    /// A sku has a threshold from now on: the clock looks at it.
    pub(super) fn watch_level(&self, sku: SkuIndex) {
        self.exceptions.watched.write().insert(sku);
        self.exceptions.moved.lock().insert(sku);
    }

    /// Looks at every level with a threshold: at start, as what moved before it may not have been noticed.
    pub(super) fn watch_levels(&self) {
        let watched: Vec<SkuIndex> = self.catalogue(|catalogue| match catalogue.policies().withholds_everything() {
            true => (0..catalogue.items().len() as u32).map(SkuIndex).collect(),
            false => catalogue.policies().watched().collect(),
        });
        self.exceptions.watched.write().extend(&watched);
        self.exceptions.moved.lock().extend(&watched);
    }

    /// Tells the clock of a document's date.
    pub(super) fn watch_supply(&self, key: SupplyKey, eta: WallTime) {
        self.exceptions.supply.push(eta, key);
    }

    /// Tells the clock when a fulfilment order is to be ready, or its shipment is late, or counts as lost.
    pub(super) fn watch_shipment(&self, at: WallTime, key: FulfillmentKey) {
        self.exceptions.shipments.push(at, key);
    }

    /// Tells the clock when something may be wrong with the parcel of a label of a return.
    pub(super) fn watch_return_parcel(&self, at: WallTime, label: (ReturnKey, u16)) {
        self.exceptions.parcels.push(at, label);
    }

    /// Tells the clock when a hold has stood for too long.
    pub(super) fn watch_hold_age(&self, at: JournalTime, order: OrderKey, number: u16) {
        self.exceptions.holds.push(at, (order, number));
    }

    /// Tells the clock of a fulfilment order that its node has just taken on, or gone on with.
    pub(super) fn watch_work(&self, key: FulfillmentKey, fulfillment: &FulfillmentOrder) {
        if is_worked_on(fulfillment) {
            self.exceptions.work.push(fulfillment.since.plus_s(WORK_LATE_S), key);
        }
    }

    /// Puts a case at start.
    pub(super) fn hold_exception(&self, case: Exception) {
        self.exceptions.watch(&case);
        self.exceptions.cases.insert(case.key, Arc::new(Mutex::new(Some(case))));
    }

    /// Puts the resolved ones in the order of their ends at start.
    pub(super) fn sort_resolved(&self) {
        self.exceptions.resolved.lock().make_contiguous().sort_unstable();
    }

    /// What the clock does about exceptions; answers when it should come again.
    pub(super) fn look_at_exceptions(&self, turn: &Turn<'_>, now: JournalTime) -> Option<JournalTime> {
        self.exceptions.forget(now);
        let wall = turn.log.now().wall;
        let late = self.exceptions.supply.take_due(wall, LOOKED_AT_MAX);
        let old = self.exceptions.holds.take_due(now, LOOKED_AT_MAX);
        let work = self.exceptions.work.take_due(now, LOOKED_AT_MAX);
        let shipments = self.exceptions.shipments.take_due(wall, LOOKED_AT_MAX);
        let parcels = self.exceptions.parcels.take_due(wall, LOOKED_AT_MAX);
        let (moved, more) = {
            let mut all = self.exceptions.moved.lock();
            let next = all.iter().nth(LOOKED_AT_MAX).copied();
            let later = next.map(|next| all.split_off(&next)).unwrap_or_default();
            let more = !later.is_empty();
            (std::mem::replace(&mut *all, later), more)
        };
        let looks = self.exceptions.looks.take_due(now, LOOKED_AT_MAX);
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let late = late.into_iter().map(|key| (ExceptionKind::LateSupply, subject_of(key)));
        let old = old.into_iter().map(|(key, number)| (ExceptionKind::HoldOverdue, Subject::Hold(key, number)));
        let work = work.into_iter().map(|key| (ExceptionKind::WorkLate, Subject::Fulfillment(key)));
        let silent = |key| super::tracking::BY_THE_CLOCK.map(|kind| (kind, Subject::Fulfillment(key)));
        let shipments = shipments.into_iter().flat_map(silent);
        let back = |(key, label)| super::return_tracking::BY_THE_CLOCK.map(|kind| (kind, Subject::Parcel(key, label)));
        let parcels = parcels.into_iter().flat_map(back);
        for (kind, subject) in late.chain(old).chain(work).chain(shipments).chain(parcels) {
            let cause = Cause::of(kind, subject);
            if self.stands(&network, cause.key, now, wall) {
                self.raise_alone(turn, &network, cause);
            }
        }
        for sku in moved {
            self.keep_safety(turn, &network, sku);
            self.look_at_levels(turn, &network, sku, now, wall);
        }
        for key in looks {
            self.look_at(turn, &network, key, now, wall);
        }
        let again = more.then_some(now);
        let Exceptions { holds, work, looks, .. } = &self.exceptions;
        [holds.next(), work.next(), looks.next(), again].into_iter().flatten().min()
    }

    fn look_at_levels(&self, turn: &Turn<'_>, network: &Network, sku: SkuIndex, now: JournalTime, wall: WallTime) {
        let places: Vec<_> = network.catalogue.policies().thresholds(sku).map(|(node, _)| node).collect();
        for node in places {
            let subject = node.map_or(Subject::Sku(sku), |node| Subject::Cell(CellKey { sku, node }));
            let key = ExceptionKey { kind: ExceptionKind::LowStock, subject };
            if self.stands(network, key, now, wall) {
                let units = u32::try_from(free_units(network, sku, node)).unwrap_or(u32::MAX);
                self.raise_alone(turn, network, Cause { key, units, order: None });
            } else {
                self.look_at(turn, network, key, now, wall);
            }
        }
    }

    /// Resolves an open case that stands no longer, escalates one that is due, and looks again later.
    fn look_at(&self, turn: &Turn<'_>, network: &Network, key: ExceptionKey, now: JournalTime, wall: WallTime) {
        let stands = self.stands(network, key, now, wall);
        let Some(mut slot) = self.exceptions.lock(key) else { return };
        let Some(case) = slot.as_ref().filter(|case| case.is_open()) else { return };
        let event = match case.due_at {
            _ if !stands => ExceptionEvent::Resolved { reason: REMEDIED.into() },
            Some(due) if due <= now => ExceptionEvent::Escalated { due_at: now.plus_s(key.kind.due_s()) },
            due => {
                let look = now.plus_s(LOOK_S);
                return self.exceptions.looks.push(due.map_or(look, |due| due.min(look)), key);
            }
        };
        self.log_exception(turn, network, &mut slot, event, None).expect("a case is a small record");
        drop(slot);
        // It may have come up again between the look and the lock.
        if !stands && self.stands(network, key, now, wall) {
            self.raise_alone(turn, network, Cause { key, units: 0, order: None });
        }
        if let (ExceptionKind::LateSupply, false) = (key.kind, stands) {
            let document = supply_of(key.subject);
            let due = document.and_then(|document| Some((document, self.expected_at(document)?)));
            due.into_iter().for_each(|(document, eta)| self.watch_supply(document, eta));
        }
    }

    /// When an open document of supply is expected.
    fn expected_at(&self, document: SupplyKey) -> Option<WallTime> {
        match document {
            SupplyKey::Inbound(key) => {
                self.inbound_by_key(key).filter(|inbound| inbound.status().is_open()).map(|inbound| inbound.eta)
            }
            SupplyKey::Transfer(key) => {
                self.transfer_by_key(key).filter(|transfer| transfer.status().is_open()).and_then(|known| known.eta)
            }
        }
    }

    /// Whether what went wrong is still so. The caller holds no case and no ledger.
    fn stands(&self, network: &Network, key: ExceptionKey, now: JournalTime, wall: WallTime) -> bool {
        let order = |key| self.order_in_memory(key);
        let waits = |order: Arc<Order>| order.lines.iter().any(|line| line.unallocated > 0 || line.waiting() > 0);
        match (key.kind, key.subject) {
            (ExceptionKind::StockOut, Subject::Sku(sku)) => {
                let ledger = network.sku(sku).ledger.lock();
                !ledger.queue().is_empty() || !ledger.loose().is_empty()
            }
            (ExceptionKind::Unroutable, Subject::Order(key)) => order(key).is_some_and(waits),
            (ExceptionKind::PickupRefused, Subject::Order(key)) => {
                let left = |order: &Order| order.lines.iter().any(|line| line.unallocated > 0);
                order(key).is_some_and(|order| order.awaits_customer && left(&order))
            }
            (ExceptionKind::NoResponse, Subject::Fulfillment(key)) => order(key.order).is_some_and(waits),
            (ExceptionKind::Shortfall, Subject::Cell(cell)) => {
                let stock = network.sku(cell.sku);
                let ledger = stock.ledger.lock();
                stock.cells.of(cell.node).is_some_and(|cell| ledger.at(cell.position).shortfall > 0)
            }
            (ExceptionKind::LateSupply, subject) => {
                supply_of(subject).and_then(|document| self.expected_at(document)).is_some_and(|eta| eta <= wall)
            }
            (ExceptionKind::HoldOverdue, Subject::Hold(key, number)) => order(key).is_some_and(|order| {
                let mut own = order.holds.iter().filter(|hold| hold.number == number);
                own.any(|hold| hold.state_at(now) == HoldState::Active)
            }),
            (
                ExceptionKind::DeliveryLate
                | ExceptionKind::ShipmentLost
                | ExceptionKind::DeliveryMissed
                | ExceptionKind::ReturnedToSender
                | ExceptionKind::ReadyLate,
                Subject::Fulfillment(part),
            ) => order(part.order).is_some_and(|order| is_wrong(network, &order, part.number, key.kind, wall)),
            (
                ExceptionKind::DeliveryLate
                | ExceptionKind::ShipmentLost
                | ExceptionKind::DeliveryMissed
                | ExceptionKind::ReturnedToSender
                | ExceptionKind::WorkLate,
                Subject::Parcel(returned, label),
            ) => {
                let wrong = |own: &Return| self.is_parcel_wrong(network, own, label, key.kind, wall);
                self.return_by_key(returned).as_ref().is_some_and(wrong)
            }
            (ExceptionKind::NodeClosed, Subject::Fulfillment(part)) => order(part.order).is_some_and(|order| {
                order.fulfillment(part.number).is_some_and(|fulfillment| is_at_closed_node(network, fulfillment))
            }),
            (ExceptionKind::NotHandedOver, Subject::Fulfillment(part)) => self.waits_for_carrier(part),
            (ExceptionKind::WorkLate, Subject::Fulfillment(part)) => order(part.order).is_some_and(|order| {
                let own = order.fulfillment(part.number).filter(|own| is_worked_on(own));
                own.is_some_and(|own| own.since.plus_s(WORK_LATE_S) <= now)
            }),
            (ExceptionKind::SubscriptionFailed, Subject::Subscription(key)) => {
                self.subscription_by_key(key).is_some_and(|subscription| subscription.lacks_an_order())
            }
            (ExceptionKind::ExchangeFailed, Subject::Order(key)) => {
                let open = |known: &&OrderReturn| known.is_open;
                let owes = |known: &OrderReturn| self.return_by_key(known.key).is_some_and(|own| own.owes_exchange());
                order(key).is_some_and(|order| order.returns.iter().filter(open).any(owes))
            }
            (ExceptionKind::ExchangeUnpaid, Subject::Order(key)) => order(key).is_none_or(|order| {
                let sums = Paid::of(&order.payments);
                !sums.covers(order.due_for_what_stays(), PaymentMark::Paid)
            }),
            (ExceptionKind::WrongCodes, Subject::Fulfillment(part)) => self.collection(part).is_some(),
            (ExceptionKind::LowStock, Subject::Sku(sku)) => is_low(network, sku, None),
            (ExceptionKind::LowStock, Subject::Cell(cell)) => is_low(network, cell.sku, Some(cell.node)),
            // Somebody has to look, and to say so.
            _ => true,
        }
    }

    /// Whether a case about an order, a hold or a fulfilment order of it is open. The caller may hold the order.
    pub(super) fn is_excepted(&self, order: &Order) -> bool {
        let is_open =
            |kind, subject| self.exception_by_key(ExceptionKey { kind, subject }).is_some_and(|c| c.is_open());
        let mut holds = order.holds.iter().map(|hold| Subject::Hold(order.key, hold.number));
        let number = |f: &FulfillmentOrder| FulfillmentKey { order: order.key, number: f.number };
        let mut parts = order.fulfillment_orders.iter().map(|f| Subject::Fulfillment(number(f)));
        let own = Subject::Order(order.key);
        is_open(ExceptionKind::Unroutable, own)
            || is_open(ExceptionKind::PickupRefused, own)
            || is_open(ExceptionKind::ExchangeFailed, own)
            || is_open(ExceptionKind::ExchangeUnpaid, own)
            || holds.any(|hold| is_open(ExceptionKind::HoldOverdue, hold))
            || parts.any(|f| is_open(ExceptionKind::ShortPick, f) || is_open(ExceptionKind::NoResponse, f))
    }

    /// An exception by its key.
    pub fn exception_by_key(&self, key: ExceptionKey) -> Option<Exception> {
        self.exceptions.lock(key)?.clone()
    }

    /// An exception by its id. Its `seq` must be durable before it is shown.
    pub fn exception(&self, id: &str) -> Result<Exception, Rejection> {
        let found = ExceptionKey::parse(id).and_then(|key| self.exception_by_key(key));
        found.ok_or_else(|| Rejection::not_found("exception", id))
    }

    /// All exceptions that memory holds, by kind and subject.
    pub fn exception_keys(&self) -> Vec<ExceptionKey> {
        let mut keys: Vec<_> = self.exceptions.cases.iter().map(|case| *case.key()).collect();
        keys.sort_unstable();
        keys
    }
}

/// Whether its node has it in hand: taken on, and neither gone nor waiting for its customer.
fn is_worked_on(fulfillment: &FulfillmentOrder) -> bool {
    use FulfillmentStatus::{Accepted, Packed, Picked, Picking};
    matches!(fulfillment.status, Accepted | Picking | Picked | Packed)
}

fn subject_of(document: SupplyKey) -> Subject {
    match document {
        SupplyKey::Inbound(key) => Subject::Inbound(key),
        SupplyKey::Transfer(key) => Subject::Transfer(key),
    }
}

fn supply_of(subject: Subject) -> Option<SupplyKey> {
    match subject {
        Subject::Inbound(key) => Some(SupplyKey::Inbound(key)),
        Subject::Transfer(key) => Some(SupplyKey::Transfer(key)),
        _ => None,
    }
}

/// Whether a level is below its threshold; never when there is none.
fn is_low(network: &Network, sku: SkuIndex, node: Option<NodeIndex>) -> bool {
    let threshold = network.catalogue.policies().thresholds(sku).find(|(at, _)| *at == node);
    threshold.and_then(|(_, units)| units).is_some_and(|units| free_units(network, sku, node) < u64::from(units))
}

/// Free units at a node, or over all that supply.
fn free_units(network: &Network, sku: SkuIndex, node: Option<NodeIndex>) -> u64 {
    let counts = |at: NodeIndex| node.map_or_else(|| network.supplies(at), |node| node == at);
    network.sku(sku).cells.iter().filter(|cell| counts(cell.node)).map(|cell| u64::from(cell.word.free())).sum()
}
