//! Steps of fulfilment orders, stock included in the same record. Units that come back to the order are sourced again
//! before the reply; so is what a short pick leaves. What is *not* here: cancellations of orders (`cancel`), and what two
//! fulfilment orders or nodes have to do with each other (`rearrange`), and where shipments are (`tracking`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::Change;
use super::collection::{code_of, made_ready};
use super::dispatch::Dispatching;
use super::exception::Cause;
use super::lockers::Storing;
use super::lots::{NamedLots, gone_of};
use super::network::Network;
use super::refused::{Follows, Refused};
use super::step_stock::{cells_of, fences, left_to_pick, loosen, move_stock, put_back, skus_of};
use super::table::Locked;
use super::tracking::cases_of_way;
use super::turn::{Turn, order_events};
use super::window::NO_RESPONSE;
use super::withdrawal::{Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::command::{Fulfill, FulfillmentAction, NamedUnits, Names};
use crate::domain::decision::LineUnits;
use crate::domain::event::{Answer, Event};
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentStep, FulfillmentVerb, ShortReason};
use crate::domain::hold::Hold;
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, SkuIndex, Text};
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderEvent, Sealed};
use crate::domain::payment::{Paid, PaymentMark};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::time::{JournalTime, Now, WallTime};
use crate::domain::wave::Wave;

/// Whether a part of a command was done, or units were in flight and it is worth coming again.
pub(super) enum Tried<T> {
    Done(T),
    Again,
}

/// What is told beside a step of a fulfilment order, in the same record.
#[derive(Default)]
pub(super) struct Beside<'a> {
    pub answer: Option<Answer>,
    /// A wave that picks for it, and what happens to that.
    pub wave: Option<(&'a mut Locked<Wave>, Event)>,
    /// The code that whoever comes for it hands in.
    pub code: Option<Sealed>,
}

impl Engine {
    pub(super) fn fulfill(&self, turn: &Turn<'_>, command: &Fulfill) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("fulfillment_order", command.fulfillment.to_string());
        let key = FulfillmentKey::parse(&command.fulfillment).ok_or_else(unknown)?;
        if matches!(asked(&command.action), FulfillmentVerb::HandOver | FulfillmentVerb::Arrive) {
            self.end_window(turn, &network, key)?;
        }
        let (seq, touched) = match &command.action {
            FulfillmentAction::Move { node } => self.move_fulfillment(turn, &network, key, node)?,
            FulfillmentAction::Split { lines } => {
                (self.split_fulfillment(turn, &network, key, lines)?, BTreeSet::new())
            }
            FulfillmentAction::Track { scans, estimated_at } => {
                (self.track(turn, &network, key, scans, *estimated_at)?, BTreeSet::new())
            }
            FulfillmentAction::Arrive { spot } => {
                (self.customer_arrived(turn, &network, key, spot.as_ref())?, BTreeSet::new())
            }
            FulfillmentAction::Merge { with } => (self.merge_fulfillment(turn, &network, key, with)?, BTreeSet::new()),
            _ => {
                let mut patience = Patience::default();
                loop {
                    match self.try_fulfill(turn, &network, key, command, &mut patience)? {
                        Tried::Done(done) => break done,
                        Tried::Again => {}
                    }
                }
            }
        };
        self.follow_up(turn, &network, touched);
        self.resource(turn, &network, key.order);
        let order = self.order_by_key(key.order).ok_or_else(unknown)?;
        drop(network);
        // It may be what replaces a return, and be called off with this.
        self.tend_replaced(turn, &order);
        let seq = seq.max(order.seq);
        Ok(Executed::done(Reply::Fulfillment { order, key }, seq))
    }

    fn try_fulfill(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: FulfillmentKey,
        command: &Fulfill,
        patience: &mut Patience,
    ) -> Result<Tried<(u64, BTreeSet<SkuIndex>)>, Rejection> {
        let unknown = || Rejection::not_found("fulfillment_order", command.fulfillment.to_string());
        let mut slot = self.orders.lock(key.order).ok_or_else(unknown)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = order.fulfillment(key.number).ok_or_else(unknown)?;
        if let FulfillmentAction::Ship { shipment } = &command.action
            && !fulfillment.ships_with.is_empty()
        {
            let together = fulfillment.ships_with.clone();
            drop(slot);
            return self.ship_together(turn, network, key, &together, shipment).map(Tried::Done);
        }
        // Whether it can be taken at all goes before how many units it names.
        let asked = asked(&command.action);
        if !order.takes(fulfillment, asked) {
            return Err(order.illegal(fulfillment, asked));
        }
        let step = step_of(network, order, fulfillment, &command.action, turn.log.now())?;
        let verb = step.verb(fulfillment.status);
        if !order.takes(fulfillment, verb) {
            return Err(order.illegal(fulfillment, asked));
        }
        let now = turn.now();
        let holds: Vec<_> = order.holds.iter().filter(|hold| hold.forbids_at(verb, now)).map(Hold::name).collect();
        if !holds.is_empty() {
            return Err(Rejection::OnHold { id: command.fulfillment.to_string(), verb, holds });
        }
        check_paid(network, order, key, verb, || self.given_ahead(order))?;
        self.check_code(turn, network, order, key, &command.action)?;
        if matches!(verb, FulfillmentVerb::Ship | FulfillmentVerb::HandOver) {
            check_released(network, order, fulfillment, turn.log.now().wall)?;
        }
        let names: &[(Text, Names)] = match &command.action {
            FulfillmentAction::PickNamed { names, .. } => names,
            _ => &[],
        };
        let code = code_of(network, order.method_of(fulfillment.group), &command.action);
        let beside = Beside { answer: Some(Answer::Order(key.order)), code, ..Beside::default() };
        match self.log_step_with(turn, network, &mut slot, (key.number, step, names), now, beside)? {
            Tried::Again if !patience.wait() => Err(Rejection::Contended),
            tried => Ok(tried),
        }
    }

    /// Logs a step that a fulfilment order of a locked order may take, with its stock effect.
    pub(super) fn log_step(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Arc<Order>>,
        told: (u16, FulfillmentStep, &[(Text, Names)]),
        now: JournalTime,
        answer: Option<Answer>,
    ) -> Result<Tried<(u64, BTreeSet<SkuIndex>)>, Rejection> {
        self.log_step_with(turn, network, slot, told, now, Beside { answer, ..Beside::default() })
    }

    /// The same, with what a wave is told.
    pub(super) fn log_step_with(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Arc<Order>>,
        (number, step, names): (u16, FulfillmentStep, &[(Text, Names)]),
        now: JournalTime,
        beside: Beside<'_>,
    ) -> Result<Tried<(u64, BTreeSet<SkuIndex>)>, Rejection> {
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = order.fulfillment(number).expect("the caller has seen it");
        let skus = skus_of(network, order, fulfillment, &step);
        let mut change = Change::lock(network, &skus);
        let is_received = matches!(step, FulfillmentStep::Received { .. } | FulfillmentStep::ReceivedInPart { .. });
        if !fulfillment.came_to_store() && !is_received {
            change.is_for(network.whose_order(order));
        }
        let mut withdrawal = Withdrawal::nothing();
        if fences(&step) {
            loosen(network, &mut change, order, &[fulfillment.node]);
        }
        let refused = Refused::by(order, fulfillment, &step);
        let follows = refused
            .map_or(Follows::Elsewhere, |refused| refused.follows(network, |parcel| self.has_compartment(parcel)));
        let asks = follows == Follows::Asked;
        let key = FulfillmentKey { order: order.key, number };
        let dispatching =
            self.dispatching(network, turn.log.now().wall, std::iter::once((key, fulfillment.node, &step)));
        let arrives = matches!(step, FulfillmentStep::Delivered | FulfillmentStep::HandedOver);
        let found = arrives.then(|| cases_of_way(key)).into_iter().flatten();
        let mut raising = self.raise_and_end(now, causes(order, fulfillment, &step, asks), found);
        if let FulfillmentStep::PutBack { lines } = &step {
            put_back(network, &mut change, cells_of(order, fulfillment.node, lines))?;
        }
        if !move_stock(network, &mut change, &mut withdrawal, order, fulfillment, &step) {
            return Ok(Tried::Again);
        }
        if is_received {
            change.check_bounds()?;
            NamedLots::at(network, turn.log.now().wall).bring_along(&mut change, (order, fulfillment), &step)?;
        }
        raising.only(|key| match key {
            ExceptionKey { kind: ExceptionKind::Shortfall, subject: Subject::Cell(cell) } => change.owes(*cell),
            _ => true,
        });
        let identified = match &step {
            FulfillmentStep::Picked { lines } => {
                let names = (0..).zip(names).map(|(at, (sku, names))| (at, sku, names));
                NamedLots::at(network, turn.log.now().wall).pick(&mut change, (order, fulfillment), lines, names)?
            }
            _ => Vec::new(),
        };
        let puts_back = matches!(step, FulfillmentStep::Cancelled { .. } | FulfillmentStep::Stopped { .. });
        let cancelled = match (&step, &follows) {
            (
                FulfillmentStep::Cancelled { resourced: false, .. } | FulfillmentStep::Stopped { resourced: false, .. },
                _,
            ) => fulfillment.line_units(),
            (_, Follows::Cancelled(units)) => units.clone(),
            _ => Vec::new(),
        };
        let appointed = matches!(step, FulfillmentStep::Rejected { .. }).then(|| order.refused(fulfillment)).flatten();
        let (bookings, given) = appointed.unzip();
        let given = given.unwrap_or_else(|| order.places_of(cancelled.iter().map(|u| (u.line, u.quantity))));
        let given = network.calendar.lock(&given);
        let beside_it = match (refused, &follows) {
            (Some(refused), Follows::Cancelled(units)) => Some(refused.cancelled(units)),
            (_, Follows::Otherwise(told)) => Some(told.clone()),
            _ => None,
        };
        let collection = self.collection_told(key, &step, beside.code);
        let mut told = vec![OrderEvent::Fulfillment { number, step }];
        if !identified.is_empty() {
            told.push(OrderEvent::Identified { number, units: identified });
        }
        told.extend(bookings.map(|bookings| OrderEvent::Booked { bookings }));
        told.extend(beside_it);
        if !cancelled.is_empty() {
            told.extend(order.paid_off_without(cancelled));
        }
        if arrives {
            told.extend(order.warranties_begun(fulfillment, turn.log.now().wall));
        }
        if asks && !order.awaits_customer {
            told.push(OrderEvent::CustomerAsked);
        }
        // The compartment may have gone to somebody else by now: then it is looked for again.
        let Ok(storing) = self.store_anew(network, order, &told, turn.log.now()) else { return Ok(Tried::Again) };
        let mut events: Vec<_> = order_events(order, told).collect();
        events.extend(change.events());
        events.extend(raising.events());
        events.extend(given.given());
        events.extend(storing.iter().flat_map(Storing::events));
        let (wave, event) = beside.wave.unzip();
        events.extend(event.into_iter().chain(collection.clone()));
        events.extend(dispatching.iter().flat_map(Dispatching::events));
        let sealed = turn.seal(now, network.catalogue.seq, events, beside.answer)?;
        let logged = turn.log(self, sealed, change, withdrawal);
        given.give();
        storing.into_iter().for_each(Storing::logged);
        logged.fold_order(slot);
        if let Some(wave) = wave {
            self.fold_wave(&logged, wave);
        }
        collection.iter().for_each(|told| self.fold_collection(told));
        dispatching.into_iter().for_each(|told| told.logged(&logged));
        raising.logged(&logged);
        if puts_back {
            self.watch_lots(turn, network, &skus);
        }
        let seq = logged.seq();
        let touched = logged.done();
        self.watch_windows(network, slot.as_ref().expect("just folded"), number..=number);
        Ok(Tried::Done((seq, touched)))
    }

    /// Takes from nodes that are switched off what they have not begun of an order, and sources it again. What stays there is
    /// a case.
    pub(super) fn leave_idle_nodes(&self, turn: &Turn<'_>, network: &Network, key: OrderKey) {
        let (mut touched, mut stays) = (BTreeSet::new(), BTreeSet::new());
        let mut patience = Patience::default();
        while let Some(mut slot) = self.orders.lock(key) {
            let order = slot.as_ref().expect("a locked entity is there");
            let mut idle = order.fulfillment_orders.iter().filter(|f| is_idle(network, order, f));
            let Some(idle) = idle.find(|f| !stays.contains(&f.number)) else { break };
            let reason = network.catalogue.node(idle.node).inactive_reason.clone();
            let (number, step) = (idle.number, FulfillmentStep::NodeOutage { reason });
            match self.log_step(turn, network, &mut slot, (number, step, &[]), turn.now(), None) {
                Ok(Tried::Done((_, more))) => touched.extend(more),
                Ok(Tried::Again) if patience.wait() => {}
                // What is too large for a record stays where it is.
                Ok(Tried::Again) | Err(_) => {
                    stays.insert(number);
                }
            }
        }
        self.follow_up(turn, network, touched);
        self.resource(turn, network, key);
        let order = self.order_in_memory(key);
        let stranded = order.iter().flat_map(|order| {
            let there = order.fulfillment_orders.iter().filter(|f| is_at_closed_node(network, f));
            there.map(|f| FulfillmentKey { order: key, number: f.number })
        });
        for part in stranded {
            let case = ExceptionKey { kind: ExceptionKind::NodeClosed, subject: Subject::Fulfillment(part) };
            self.raise_alone(turn, network, Cause { key: case, units: 0, order: Some(key) });
        }
    }

    /// Sources the units of an order whose customer takes them from elsewhere.
    pub(super) fn source_order(&self, turn: &Turn<'_>, id: &str) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("order", id);
        let key = self.find_order(id).ok_or_else(unknown)?;
        {
            let mut slot = self.orders.lock(key).ok_or_else(unknown)?;
            let order = slot.as_ref().expect("a locked entity is there");
            if !order.awaits_customer || order.totals().open() == 0 {
                return Err(Rejection::NotAwaitingCustomer { order: order.name() });
            }
            let mut told = vec![OrderEvent::CustomerAnswered];
            // He comes to another place, wherever that is.
            let left = order.lines.iter().filter(|line| line.unallocated > 0);
            let nodes: BTreeSet<NodeIndex> = left.filter_map(|line| order.collected_at(line.placed.group)).collect();
            let nodes: Vec<NodeIndex> = nodes.into_iter().collect();
            told.extend((!nodes.is_empty()).then_some(OrderEvent::Fenced { nodes }));
            let storing = self.store_anew(&network, order, &told, turn.log.now())?;
            let events = order_events(order, told).chain(storing.iter().flat_map(Storing::events)).collect();
            let sealed = turn.seal(turn.now(), network.catalogue.seq, events, Some(Answer::Order(key)))?;
            let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
            storing.into_iter().for_each(Storing::logged);
            logged.fold_order(&mut slot);
            logged.done();
        }
        self.resource(turn, &network, key);
        // What of it waited for his answer comes from elsewhere too.
        self.try_waiting(turn, &network, key);
        let order = self.order_by_key(key).ok_or_else(unknown)?;
        let seq = order.seq;
        Ok(Executed::done(Reply::Order(order), seq))
    }
}

/// Refuses a step before which the order's channel, or the rule of its delivery method, wants more of its money. What came
/// back need not be paid for, nor what returns gave money back for `ahead` of its coming.
pub(super) fn check_paid(
    network: &Network,
    order: &Order,
    key: FulfillmentKey,
    verb: FulfillmentVerb,
    ahead: impl FnOnce() -> i64,
) -> Result<(), Rejection> {
    let channel = network.catalogue.channel(&order.facts.channel);
    let own = channel.and_then(|channel| channel.payment_before.step(verb));
    let group = order.fulfillment(key.number).map_or(0, |fulfillment| fulfillment.group);
    let rule = network.catalogue.policies().payment(order.method_of(group));
    let of_method = rule.and_then(|rule| rule.before.step(verb));
    let money = |amount| Money { amount, currency: order.facts.currency };
    if own.is_none() && of_method.is_none() {
        return Ok(());
    }
    let due = order.due_for_what_stays().saturating_sub(ahead()).max(0);
    let missing = |wanted: PaymentMark| (Paid::of(&order.payments).missing(due, wanted), wanted);
    let Some((missing, wanted)) = own.into_iter().chain(of_method).map(missing).find(|(missing, _)| *missing > 0)
    else {
        return Ok(());
    };
    let (due, missing) = (money(due), money(missing));
    Err(Rejection::PaymentDue { id: key.to_string(), verb, wanted, due, missing })
}

/// Refuses that goods leave before their release.
pub(super) fn check_released(
    network: &Network,
    order: &Order,
    fulfillment: &FulfillmentOrder,
    now: WallTime,
) -> Result<(), Rejection> {
    for line in fulfillment.lines.iter().filter(|line| line.quantity > 0) {
        let placed = &order.lines[usize::from(line.line)].placed;
        if let Some(release_at) = network.catalogue.release_of(placed).filter(|at| *at > now) {
            let id = FulfillmentKey { order: order.key, number: fulfillment.number }.to_string();
            return Err(Rejection::NotReleased { id, sku: network.sku_name(placed.sku), release_at });
        }
    }
    Ok(())
}

/// What a step is a case of.
fn causes(order: &Order, fulfillment: &FulfillmentOrder, step: &FulfillmentStep, asks: bool) -> Vec<Cause> {
    let key = FulfillmentKey { order: order.key, number: fulfillment.number };
    let (kind, units) = match step {
        FulfillmentStep::ShortPicked { lines, .. } => {
            (Some(ExceptionKind::ShortPick), lines.iter().map(|units| units.quantity).fold(0, u32::saturating_add))
        }
        FulfillmentStep::ReceivedInPart { missing, .. } => {
            (Some(ExceptionKind::ShortPick), missing.iter().map(|units| units.quantity).fold(0, u32::saturating_add))
        }
        FulfillmentStep::Rejected { reason } if **reason == *NO_RESPONSE => (Some(ExceptionKind::NoResponse), 0),
        _ => (None, 0),
    };
    let of = |kind, subject| Cause { key: ExceptionKey { kind, subject }, units, order: Some(order.key) };
    let own = kind.map(|kind| of(kind, Subject::Fulfillment(key)));
    let asked = asks.then(|| of(ExceptionKind::PickupRefused, Subject::Order(order.key)));
    let emptied = match step {
        FulfillmentStep::ShortPicked { lines, reason: ShortReason::NotInStock } => {
            cells_of(order, fulfillment.node, lines)
        }
        _ => Vec::new(),
    };
    let owes = emptied.into_iter().map(|(cell, _)| Cause::of(ExceptionKind::Shortfall, Subject::Cell(cell)));
    own.into_iter().chain(asked).chain(owes).collect()
}

/// Whether a fulfilment order waits at a node that is switched off. An appointment stays: it is at that node or nowhere.
pub(super) fn is_idle(network: &Network, order: &Order, fulfillment: &FulfillmentOrder) -> bool {
    let off = !network.catalogue.node(fulfillment.node).active;
    off && fulfillment.status.is_before_picking() && !order.is_booked(fulfillment)
}

/// Whether a fulfilment order waits or is under way at a node that is switched off.
pub(super) fn is_at_closed_node(network: &Network, fulfillment: &FulfillmentOrder) -> bool {
    let off = !network.catalogue.node(fulfillment.node).active;
    let left = matches!(fulfillment.status, FulfillmentStatus::Shipped | FulfillmentStatus::Delivered);
    off && fulfillment.status.is_live() && !left
}

fn asked(action: &FulfillmentAction) -> FulfillmentVerb {
    match action {
        FulfillmentAction::Accept => FulfillmentVerb::Accept,
        FulfillmentAction::Reject { .. } => FulfillmentVerb::Reject,
        FulfillmentAction::Pick { .. } | FulfillmentAction::PickNamed { .. } => FulfillmentVerb::Pick,
        FulfillmentAction::Short { .. } => FulfillmentVerb::Short,
        FulfillmentAction::Pack => FulfillmentVerb::Pack,
        FulfillmentAction::Ready { .. } | FulfillmentAction::ReadyWith { .. } => FulfillmentVerb::Ready,
        FulfillmentAction::Arrive { .. } => FulfillmentVerb::Arrive,
        FulfillmentAction::Ship { .. } => FulfillmentVerb::Ship,
        FulfillmentAction::HandOver | FulfillmentAction::HandOverWith { .. } => FulfillmentVerb::HandOver,
        FulfillmentAction::Deliver => FulfillmentVerb::Deliver,
        FulfillmentAction::Cancel { .. } => FulfillmentVerb::Cancel,
        FulfillmentAction::CancelAccept => FulfillmentVerb::CancelAccept,
        FulfillmentAction::CancelRefuse => FulfillmentVerb::CancelRefuse,
        FulfillmentAction::PutBack { .. } => FulfillmentVerb::PutBack,
        FulfillmentAction::Move { .. } => FulfillmentVerb::Move,
        FulfillmentAction::Split { .. } => FulfillmentVerb::Split,
        FulfillmentAction::Merge { .. } => FulfillmentVerb::Merge,
        FulfillmentAction::Track { .. } => FulfillmentVerb::Deliver,
        FulfillmentAction::Receive | FulfillmentAction::ReceiveInPart { .. } => FulfillmentVerb::Receive,
    }
}

/// The step an action leads to. Before picking a cancel takes effect at once, after it the node is asked; what it had
/// picked has to be put back.
fn step_of(
    network: &Network,
    order: &Order,
    fulfillment: &FulfillmentOrder,
    action: &FulfillmentAction,
    now: Now,
) -> Result<FulfillmentStep, Rejection> {
    let illegal = || order.illegal(fulfillment, asked(action));
    Ok(match action {
        FulfillmentAction::Accept => FulfillmentStep::Accepted,
        FulfillmentAction::Reject { reason } => FulfillmentStep::Rejected { reason: reason.clone() },
        FulfillmentAction::Pick { lines } | FulfillmentAction::PickNamed { lines, .. } => {
            let lines = match lines {
                Some(lines) => {
                    units_of(order, lines, &left_to_pick(fulfillment), ("lines", "left to pick"), fulfillment)?
                }
                None => left_to_pick(fulfillment),
            };
            FulfillmentStep::Picked { lines }
        }
        FulfillmentAction::Short { lines, reason } => {
            let lines = units_of(order, lines, &left_to_pick(fulfillment), ("lines", "left to pick"), fulfillment)?;
            FulfillmentStep::ShortPicked { lines, reason: *reason }
        }
        FulfillmentAction::Pack => FulfillmentStep::Packed,
        FulfillmentAction::Ready { until } | FulfillmentAction::ReadyWith { until, .. } => {
            made_ready(network, order.method_of(fulfillment.group), *until, now)?
        }
        FulfillmentAction::Ship { shipment } => FulfillmentStep::Shipped { shipment: shipment.clone() },
        FulfillmentAction::HandOver | FulfillmentAction::HandOverWith { .. } => FulfillmentStep::HandedOver,
        FulfillmentAction::Deliver => FulfillmentStep::Delivered,
        FulfillmentAction::Cancel { reason, resource } => match fulfillment.status {
            status if status.is_before_picking() => {
                FulfillmentStep::Cancelled { reason: reason.clone(), resourced: *resource }
            }
            status if status.legal().contains(&FulfillmentVerb::Cancel) => {
                FulfillmentStep::CancellationRequested { reason: reason.clone(), resourced: *resource }
            }
            _ => return Err(illegal()),
        },
        FulfillmentAction::CancelAccept if fulfillment.status == FulfillmentStatus::Cancelling => {
            let reason = fulfillment.reason.clone().unwrap_or_else(|| Text::from("cancelled"));
            let resourced = fulfillment.resources;
            if fulfillment.picked_units().is_empty() {
                FulfillmentStep::Cancelled { reason, resourced }
            } else {
                FulfillmentStep::Stopped { reason, resourced }
            }
        }
        FulfillmentAction::CancelAccept => return Err(illegal()),
        FulfillmentAction::CancelRefuse => FulfillmentStep::CancellationRefused,
        FulfillmentAction::Receive => {
            FulfillmentStep::Received { node: order.goes_to(fulfillment).ok_or_else(illegal)? }
        }
        FulfillmentAction::ReceiveInPart { missing, names } => {
            let node = order.goes_to(fulfillment).ok_or_else(illegal)?;
            let missing =
                units_of(order, missing, &fulfillment.picked_units(), ("missing", "on their way"), fulfillment)?;
            let gone = gone_of(network, order, fulfillment, (&missing, names))?;
            FulfillmentStep::ReceivedInPart { node, missing, gone }
        }
        FulfillmentAction::PutBack { lines: None } => FulfillmentStep::PutBack { lines: fulfillment.picked_units() },
        FulfillmentAction::PutBack { lines: Some(lines) } => {
            let lines = match lines.as_slice() {
                // None of them is fit to be sold.
                [] => Vec::new(),
                lines => units_of(order, lines, &fulfillment.picked_units(), ("lines", "to be put back"), fulfillment)?,
            };
            FulfillmentStep::PutBack { lines }
        }
        FulfillmentAction::Move { .. }
        | FulfillmentAction::Split { .. }
        | FulfillmentAction::Merge { .. }
        | FulfillmentAction::Arrive { .. }
        | FulfillmentAction::Track { .. } => unreachable!("these are no steps of one fulfilment order at its node"),
    })
}

/// Named units as positions; no more of a line than is `there`, which `what` says in words; faults name the field.
pub(super) fn units_of(
    order: &Order,
    named: &[NamedUnits],
    there: &[LineUnits],
    (field, what): (&str, &str),
    fulfillment: &FulfillmentOrder,
) -> Result<Vec<LineUnits>, Rejection> {
    if named.is_empty() {
        return Err(no_lines(field));
    }
    let mut wanted: BTreeMap<u16, u32> = BTreeMap::new();
    for (at, units) in named.iter().enumerate() {
        let unknown = || {
            let detail = format!("the fulfilment order has no line {:?}", units.line);
            Rejection::invalid(format!("{field}[{at}].line"), "unknown_line", detail)
        };
        let line = order.line_at(&units.line).ok_or_else(unknown)?;
        let left: u32 = there.iter().filter(|l| l.line == line).map(|l| l.quantity).sum();
        if left == 0 && fulfillment.units_of(line) == 0 {
            return Err(unknown());
        }
        let sum = wanted.entry(line).or_default();
        *sum = sum.saturating_add(units.quantity.units());
        if *sum > left {
            let detail = format!("{left} units of line {} are {what}, {sum} were named", units.line);
            return Err(Rejection::invalid(format!("{field}[{at}].quantity"), "quantity_out_of_range", detail));
        }
    }
    Ok(wanted.into_iter().map(|(line, quantity)| LineUnits { line, quantity }).collect())
}

/// Refuses a list that names nothing: it would fence a node or write a story of nothing.
pub(super) fn no_lines(field: &str) -> Rejection {
    Rejection::invalid(field, "no_lines", "names no line: leave it out instead")
}
