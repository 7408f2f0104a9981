//! Returns: asked for, judged by policy, approved to where they are worth most, received, and settled.
//!
//! A step is one record: what happened to the return, what that means for its order (the overlay of its lines, money that
//! went back), and the stock of what was disposed of, given as a receipt's is. The order is locked before the return, both
//! before ledgers. A return that is asked for brings its order back from the archive; the order stays until the return has
//! ended.
//!
//! What is *not* here: the stock of a disposition (`return_stock`), where a return goes (`return_nodes`), what the customer
//! gets instead, and the clock (`exchange`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::change::Change;
use super::hold::too_many;
use super::network::Network;
use super::return_kits::{arriving_apart, held_apart};
use super::return_nodes::Needs;
use super::return_parts::{arriving, of_held, of_order, parts_of};
use super::return_request::requested;
use super::return_stock::{Came, disposed};
use super::table::{Locked, Name, Named};
use super::turn::{Turn, order_events};
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::command::{RequestReturn, ReturnAction, ReturnedUnits};
use crate::domain::decision::LineUnits;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, Event, ReturnChanged};
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{NodeIndex, ReturnKey, SkuIndex, Text};
use crate::domain::limits::{PAYMENTS_MAX, RETURN_LABELS_MAX};
use crate::domain::money::Money;
use crate::domain::node::NodeKind;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::order_returns::{LineOverlay, OrderReturn, ReturnStep};
use crate::domain::payment::{Paid, PaymentMark};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::returns::{Part, Return, ReturnEvent, ReturnLabel, ReturnStatus, ReturnVerb};
use crate::domain::time::{JournalTime, Now, WallTime};

/// Units that open returns shall bring, by node.
#[derive(Debug, Default)]
pub struct Returning(Mutex<BTreeMap<NodeIndex, u64>>);

impl Returning {
    /// A return is not as it was.
    pub(super) fn changed(&self, before: Option<&Return>, after: Option<&Return>) {
        let mut units = self.0.lock();
        for (node, n) in after.into_iter().flat_map(Return::expected) {
            *units.entry(node).or_default() += u64::from(n);
        }
        for (node, n) in before.into_iter().flat_map(Return::expected) {
            let known = units.entry(node).or_default();
            *known = known.saturating_sub(u64::from(n));
        }
    }

    /// Units that shall come to a node.
    pub(super) fn to(&self, node: NodeIndex) -> u64 {
        self.0.lock().get(&node).copied().unwrap_or(0)
    }
}

/// What a record says of a return and its order.
#[derive(Default)]
pub(super) struct Told {
    /// Of the return.
    events: Vec<ReturnEvent>,
    /// Of the order's lines.
    steps: Vec<(ReturnStep, Vec<LineUnits>)>,
    /// Money that goes back.
    refund: Option<i64>,
}

impl Told {
    /// One step of both.
    pub(super) fn of(event: ReturnEvent, step: ReturnStep, units: Vec<LineUnits>) -> Self {
        Self { events: vec![event], steps: vec![(step, units)], refund: None }
    }

    /// What is told of the return alone.
    pub(super) fn only(event: ReturnEvent) -> Self {
        Self { events: vec![event], ..Self::default() }
    }

    /// What happens to the return.
    pub(super) fn events(&self) -> &[ReturnEvent] {
        &self.events
    }

    /// With that of the return alone, afterwards.
    fn then(mut self, events: Vec<ReturnEvent>) -> Self {
        self.events.extend(events);
        self
    }

    pub(super) fn and(mut self, event: ReturnEvent, step: ReturnStep, units: Vec<LineUnits>) -> Self {
        self.events.push(event);
        self.steps.push((step, units));
        self
    }

    /// What a record says of the return, the first event with that version.
    pub(super) fn of_return(&self, key: ReturnKey, first: u32) -> Vec<Event> {
        let numbered = (first..).zip(self.events.iter().cloned());
        numbered.map(|(version, event)| Event::ReturnChanged(Box::new(ReturnChanged { key, version, event }))).collect()
    }

    /// What an order is told, one event after the other.
    pub(super) fn of_order(&self, order: &Order, key: ReturnKey) -> Vec<OrderEvent> {
        let refund = self.refund.map(|amount| OrderEvent::PaymentReported { mark: PaymentMark::Refunded, amount });
        let mut came = 0;
        let step = |(step, units): &(ReturnStep, Vec<LineUnits>)| {
            if *step == ReturnStep::Received {
                came += units.iter().map(|u| u64::from(u.quantity)).sum::<u64>();
            }
            let back = if came == 0 { order.back() } else { order.back_with(came) };
            OrderEvent::Return { key, step: *step, units: units.clone(), back }
        };
        refund.into_iter().chain(self.steps.iter().map(step)).collect()
    }
}

impl Engine {
    pub(super) fn request_return(&self, turn: &Turn<'_>, command: &RequestReturn) -> Result<Executed, Rejection> {
        let needs = self.needs_of(command);
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let claim = command.id.clone().map(|id| self.names.claim(Name::Return(id)));
        if let Some(Named::Return(key, fingerprint)) = claim.as_ref().and_then(|claim| claim.taken()) {
            if fingerprint != command.fingerprint {
                return Err(Rejection::IdTaken { id: command.id.as_deref().unwrap_or_default().to_owned() });
            }
            let seq = self.return_by_key(key).map_or(0, |known| known.requested_seq);
            return Ok(Executed::Repeat { seq, answer: Answer::Return(key) });
        }
        let unknown =
            || Rejection::invalid("order", "unknown_order", format!("there is no order {:?}", &*command.order));
        let mut order_slot = self.lock_order(&command.order).map_err(|_| unknown())?;
        let order = order_slot.as_ref().expect("a locked entity is there");
        let now = turn.log.now();
        let requested = requested(&network, order, command, now)?;
        let key = ReturnKey(self.next_key());
        let draft = Return::requested(key, (now.journal, 0), &requested.event).expect("a request is a request");
        let units = draft.units_expected();
        let automatic = requested.automatic;
        let mut told = Told::of(requested.event, ReturnStep::Requested, units.clone());
        match draft.lines.iter().find_map(|line| line.outside) {
            Some(outside) if automatic => {
                let reason = Some(Text::from(format!("outside the policy: {}", outside.word()).as_str()));
                told = told.and(ReturnEvent::Declined { reason }, ReturnStep::Declined, units);
            }
            None if automatic => {
                let nodes = self.nodes_of(&network, order, &draft, &needs);
                told = approved(told, &draft, nodes, now, order);
            }
            _ => {}
        }
        let mut slot = self.returns.begin(key);
        let change = Change::new(&network);
        let logged = self.log_return(turn, &network, (&mut order_slot, &mut slot), key, &told, change);
        let touched = logged.inspect_err(|_| self.returns.remove(key))?;
        if let Some(claim) = claim {
            claim.settle(Named::Return(key, command.fingerprint));
        }
        drop((order_slot, slot));
        self.follow_up(turn, &network, touched);
        drop(network);
        self.tend_return(turn, key);
        self.answer_return(key)
    }

    pub(super) fn change_return(
        &self,
        turn: &Turn<'_>,
        id: &str,
        action: &ReturnAction,
    ) -> Result<Executed, Rejection> {
        let unknown = || Rejection::not_found("return", id);
        let known = self.returned(id)?;
        let (key, order) = (known.key, known.order);
        let needs = match action {
            ReturnAction::Approve { node: None } => self.needs_of_skus(known.lines.iter().map(|line| line.sku)),
            _ => Needs::default(),
        };
        let illegal = |known: &Return| {
            let (id, status, verb) = (known.name(), known.status(), verb_of(action));
            (!status.takes(verb)).then_some(Rejection::IllegalReturn { id, status, verb })
        };
        if let Some(rejection) = illegal(&known) {
            return Err(rejection);
        }
        if known.replacement.is_some() {
            // What replaces it may have been cancelled, changed or paid for by ways of its own.
            self.tend_return(turn, key);
        }
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let order_slot = self.orders.lock(order);
        let mut slot = self.returns.lock(key).ok_or_else(unknown)?;
        let returned = slot.as_ref().expect("a locked entity is there");
        if let Some(rejection) = illegal(returned) {
            return Err(rejection);
        }
        let mut order_slot = order_slot.expect("an order with an open return stays in memory");
        let order = order_slot.as_ref().expect("a locked entity is there");
        let now = turn.log.now();
        let (told, change) = self.judged(&network, (order, returned), action, &needs, now)?;
        let told = settled(told, order, returned, now.journal);
        let touched = self.log_return(turn, &network, (&mut order_slot, &mut slot), key, &told, change)?;
        drop((order_slot, slot));
        self.follow_up(turn, &network, touched);
        drop(network);
        self.tend_return(turn, key);
        self.answer_return(key)
    }

    /// What a legal step says, and its stock under the ledgers it needs.
    fn judged<'n>(
        &self,
        network: &'n Network,
        (order, returned): (&Order, &Return),
        action: &ReturnAction,
        needs: &Needs,
        now: Now,
    ) -> Result<(Told, Change<'n>), Rejection> {
        let all = || returned.units_expected();
        let without_stock = |told| Ok((told, Change::new(network)));
        match action {
            ReturnAction::Approve { node } => {
                let node = node.as_deref().map(|node| receiving(network, "node", node)).transpose()?;
                let nodes = match node {
                    Some(node) => vec![Some(node); returned.lines.len()],
                    None => self.nodes_of(network, order, returned, needs),
                };
                without_stock(approved(Told::default(), returned, nodes, now, order))
            }
            ReturnAction::Decline(reason) => {
                without_stock(Told::of(ReturnEvent::Declined { reason: reason.clone() }, ReturnStep::Declined, all()))
            }
            ReturnAction::Cancel(reason) => {
                let cancelled = ReturnEvent::Cancelled { reason: reason.clone() };
                without_stock(called_off(returned, cancelled, ReturnStep::Cancelled))
            }
            ReturnAction::Label { node, carrier, service, tracking_number } => {
                if returned.labels.len() == RETURN_LABELS_MAX {
                    let detail = format!("a return has at most {RETURN_LABELS_MAX} labels, this one has as many");
                    return Err(Rejection::invalid("tracking_number", "too_many", detail));
                }
                let node = node.as_deref().map(|node| receiving(network, "node", node)).transpose()?;
                let (carrier, service) = (carrier.clone(), service.clone());
                let label = ReturnLabel { node, carrier, service, tracking_number: tracking_number.clone() };
                without_stock(Told::of(ReturnEvent::Labelled { label }, ReturnStep::Labelled, Vec::new()))
            }
            ReturnAction::Transit => without_stock(Told::of(ReturnEvent::InTransit, ReturnStep::InTransit, Vec::new())),
            ReturnAction::Receive { node, lines } => {
                let node = node.as_deref().map(|node| receiving(network, "node", node)).transpose()?;
                let apart = arriving_apart(network, (order, returned), lines, node)?;
                let named = arriving(returned, lines, node, apart.kits())?;
                let change = disposed(
                    network,
                    (order, returned),
                    Came { parts: &named, pieces: &apart.pieces, lines },
                    now.wall,
                )?;
                let parts = parts_of(named).into_iter().chain(apart.kits()).collect();
                Ok((received(returned, parts).then(apart.events()), change))
            }
            ReturnAction::Inspect(lines) => {
                let said = |parts| ReturnEvent::Inspected { parts };
                let verb = (ReturnVerb::Inspect, ReturnStep::Inspected);
                said_of_held(network, (order, returned), lines, (verb, &said), now.wall)
            }
            ReturnAction::Dispose(lines) => {
                let said = |parts| ReturnEvent::Disposed { parts };
                let verb = (ReturnVerb::Dispose, ReturnStep::Disposed);
                said_of_held(network, (order, returned), lines, (verb, &said), now.wall)
            }
            ReturnAction::Refund(amount) => without_stock(refunded(order, returned, *amount)?),
            ReturnAction::Close(reason) => {
                without_stock(Told::of(ReturnEvent::Closed { reason: reason.clone() }, ReturnStep::Closed, Vec::new()))
            }
        }
    }

    /// What open returns gave back of an order's money, or let go over, for units that are not back yet.
    pub(super) fn given_ahead(&self, order: &Order) -> i64 {
        let ahead = |own: &OrderReturn| {
            let given = self.return_by_key(own.key).map_or(0, |known| known.refunded.saturating_add(known.credited));
            let worth = |own: &LineOverlay| {
                order.worth(LineUnits { line: own.line, quantity: own.received.saturating_add(own.written_off) })
            };
            given.saturating_sub(own.lines.iter().map(worth).fold(0, i64::saturating_add)).max(0)
        };
        order.returns.iter().filter(|own| own.is_open).map(ahead).fold(0, i64::saturating_add)
    }

    /// Logs what happened to a return and its order, both locked, and folds both.
    pub(super) fn log_return(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        (order_slot, slot): (&mut Locked<Arc<Order>>, &mut Locked<Return>),
        key: ReturnKey,
        told: &Told,
        change: Change<'_>,
    ) -> Result<BTreeSet<SkuIndex>, Rejection> {
        let order = order_slot.as_ref().expect("a locked entity is there");
        if let Some(known) = slot.as_ref() {
            turn.steps(EntityKey::Return(key), || Entity::Return(Box::new(known.clone())));
        }
        let first = slot.as_ref().map_or(1, |known| known.version + 1);
        let mut events = told.of_return(key, first);
        events.extend(order_events(order, told.of_order(order, key)));
        events.extend(change.events());
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, Some(Answer::Return(key)))?;
        let before = slot.as_ref().cloned();
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        logged.fold_order(order_slot);
        logged.fold_return(slot);
        let after = slot.as_ref().expect("just folded");
        self.returning.changed(before.as_ref(), Some(after));
        self.watch_return(after);
        Ok(logged.done())
    }

    pub(super) fn answer_return(&self, key: ReturnKey) -> Result<Executed, Rejection> {
        let known = self.return_by_key(key).ok_or_else(|| Rejection::not_found("return", key.to_string()))?;
        let seq = known.seq;
        Ok(Executed::done(Reply::Return(Box::new(known)), seq))
    }

    /// Puts a return at start.
    pub(super) fn hold_return(&self, returned: Return) {
        let key = returned.key;
        if let Some(id) = returned.id.clone() {
            self.names.insert(Name::Return(id), Named::Return(key, returned.fingerprint));
        }
        self.returning.changed(None, Some(&returned));
        self.watch_return(&returned);
        self.returns.insert(key, returned);
    }
}

fn verb_of(action: &ReturnAction) -> ReturnVerb {
    match action {
        ReturnAction::Approve { .. } => ReturnVerb::Approve,
        ReturnAction::Decline(_) => ReturnVerb::Decline,
        ReturnAction::Cancel(_) => ReturnVerb::Cancel,
        ReturnAction::Label { .. } => ReturnVerb::Label,
        ReturnAction::Transit => ReturnVerb::Transit,
        ReturnAction::Receive { .. } => ReturnVerb::Receive,
        ReturnAction::Inspect(_) => ReturnVerb::Inspect,
        ReturnAction::Dispose(_) => ReturnVerb::Dispose,
        ReturnAction::Refund(_) => ReturnVerb::Refund,
        ReturnAction::Close(_) => ReturnVerb::Close,
    }
}

/// A node named in a body that can receive.
fn receiving(network: &Network, field: &str, id: &str) -> Result<NodeIndex, Rejection> {
    let node = network.find_node(field, id)?;
    match network.catalogue.node(node).kind {
        NodeKind::Virtual => Err(Rejection::invalid(field, "node_without_stock", format!("{id} holds no stock"))),
        _ => Ok(node),
    }
}

/// It may come to these nodes; a claim is written off.
fn approved(told: Told, returned: &Return, nodes: Vec<Option<NodeIndex>>, now: Now, order: &Order) -> Told {
    let expires = returned.terms.expires_s.filter(|_| !returned.terms.is_claim);
    let expires = expires.map(|s| WallTime(now.wall.0.saturating_add(s.saturating_mul(1_000).cast_signed())));
    let expires_at = expires.map(|wall| ReleaseAt::of(wall, now));
    let units = returned.units_expected();
    let mut told = told.and(ReturnEvent::Approved { nodes, expires_at }, ReturnStep::Approved, units.clone());
    if returned.terms.is_claim {
        told.steps.push((ReturnStep::WrittenOff, units));
    }
    settled(told, order, returned, now.journal)
}

/// With that it is over, where nothing more is to be done. What went to what the customer gets instead and is not paid for by
/// what came is looked at first, there.
pub(super) fn settled(told: Told, order: &Order, returned: &Return, now: JournalTime) -> Told {
    let Some(after) = after(&told, returned, now) else { return told };
    if after.paid_too_much() { told } else { ended(told, order, (returned, &after)) }
}

/// A return as it is told; `None` where that cannot be.
fn after(told: &Told, returned: &Return, now: JournalTime) -> Option<Return> {
    let mut after = returned.clone();
    for event in told.events.iter().filter(|event| !matches!(event, ReturnEvent::Requested { .. })) {
        after.take(now, event).ok()?;
    }
    Some(after)
}

/// The end of a return of which nothing more is to be done, beside what else is told of it.
pub(super) fn ended(mut told: Told, order: &Order, (returned, after): (&Return, &Return)) -> Told {
    // What is authorised may still be taken, and then it goes back.
    let sums = Paid::of(&order.payments);
    let credited = after.credited - returned.credited;
    let paid = sums.kept().saturating_add(sums.authorized) - told.refund.unwrap_or(0) - credited;
    if after.end.is_none() && after.status() == ReturnStatus::Dispositioned && after.is_settled(paid) {
        told = told.and(ReturnEvent::Closed { reason: None }, ReturnStep::Closed, Vec::new());
    }
    told
}

/// What is said of units that came before: of whole ones, and of components of kits.
fn said_of_held<'n>(
    network: &'n Network,
    (order, returned): (&Order, &Return),
    lines: &[ReturnedUnits],
    ((verb, step), said): ((ReturnVerb, ReturnStep), &dyn Fn(Vec<Part>) -> ReturnEvent),
    now: WallTime,
) -> Result<(Told, Change<'n>), Rejection> {
    let (named, left) = of_held(returned, lines, verb)?;
    let apart = held_apart(network, (order, returned), lines, verb, left)?;
    let change = disposed(network, (order, returned), Came { parts: &named, pieces: &apart.pieces, lines }, now)?;
    let parts = parts_of(named);
    let units = of_order(returned, &parts);
    let mut events: Vec<ReturnEvent> = (!parts.is_empty()).then(|| said(parts)).into_iter().collect();
    events.extend(apart.events());
    Ok((Told { events, steps: vec![(step, units)], refund: None }, change))
}

/// Units that came and units that were missed; what money went back for and never comes is written off.
fn received(returned: &Return, parts: Vec<Part>) -> Told {
    let (missing, came): (Vec<Part>, Vec<Part>) = parts.iter().copied().partition(Part::is_missing);
    let gone: Vec<(usize, u32)> = missing.iter().map(|part| (usize::from(part.line), part.units)).collect();
    let written_off = returned.paid_out(&gone);
    let missing = less(of_order(returned, &missing), &written_off);
    let received = (ReturnStep::Received, of_order(returned, &came));
    let steps = [received, (ReturnStep::WrittenOff, written_off), (ReturnStep::Missing, missing)];
    let steps = steps.into_iter().filter(|(_, units)| !units.is_empty()).collect();
    Told { events: vec![ReturnEvent::Received { parts }], steps, refund: None }
}

/// Nothing of it comes any more; what money went back for is written off, so that it never goes back again.
pub(super) fn called_off(returned: &Return, event: ReturnEvent, step: ReturnStep) -> Told {
    let expected = (0..).zip(&returned.lines).map(|(at, line)| (at, line.expected()));
    let written_off = returned.paid_out(&expected.collect::<Vec<_>>());
    let left = less(returned.units_expected(), &written_off);
    let mut told = Told::of(event, step, left);
    if !written_off.is_empty() {
        told.steps.insert(0, (ReturnStep::WrittenOff, written_off));
    }
    told
}

/// Units by line without others, each line once in both.
fn less(units: Vec<LineUnits>, others: &[LineUnits]) -> Vec<LineUnits> {
    let of = |line: u16| others.iter().filter(|own| own.line == line).map(|own| own.quantity).sum::<u32>();
    let left = units.into_iter().map(|own| LineUnits { quantity: own.quantity.saturating_sub(of(own.line)), ..own });
    left.filter(|own| own.quantity > 0).collect()
}

/// Money that goes back: at most what the terms give by now, and what was paid.
fn refunded(order: &Order, returned: &Return, amount: Money) -> Result<Told, Rejection> {
    if amount.currency != returned.currency {
        let detail = format!("must be {}, the order's", returned.currency);
        return Err(Rejection::invalid("amount.currency", "currency_mismatch", detail));
    }
    if order.payments.len() == PAYMENTS_MAX {
        return Err(too_many("payments", "payments", PAYMENTS_MAX));
    }
    let paid = Paid::of(&order.payments).kept();
    if amount.amount > paid {
        return Err(Rejection::RefundTooLarge { order: order.name(), refund: amount.amount, paid });
    }
    let refundable = (returned.refundable() - returned.refunded).max(0);
    if amount.amount > refundable {
        return Err(Rejection::NotRefundable { id: returned.name(), refund: amount.amount, refundable });
    }
    let events = vec![ReturnEvent::Refunded { amount: amount.amount }];
    Ok(Told { events, steps: Vec::new(), refund: Some(amount.amount) })
}
