//! Cancellations of orders: which units they take, and what becomes of their stock, in one record as long as one can hold
//! it. What is *not* here: cancellations of single fulfilment orders, which ask their node (`fulfill`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::{Change, Place};
use super::fulfill::no_lines;
use super::lockers::Storing;
use super::network::Network;
use super::table::Locked;
use super::turn::{Turn, order_events};
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::command::{CancelOrder, CancelUnits};
use crate::domain::decision::LineUnits;
use crate::domain::event::Answer;
use crate::domain::ids::{FulfillmentKey, SkuIndex, Text};
use crate::domain::order::{CancelFrom, CancelledPart, Order, OrderEvent};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::{CellKey, MovementKind};
use crate::sabotage::{Bug, planted};

impl Engine {
    /// Cancels what is asked in one record, or in several while the order stays locked when one cannot hold it. Of all
    /// that can be cancelled the last of them uses the key, so that a repeat after a crash finishes; of named units the
    /// first does, so that none is cancelled twice.
    pub(super) fn cancel_order(&self, turn: &Turn<'_>, command: &CancelOrder) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("order", command.order.to_string());
        let key = self.find_order(&command.order).ok_or_else(unknown)?;
        let mut slot = self.orders.lock(key).ok_or_else(unknown)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let parts = parts_to_cancel(order, command)?;
        let answer = |is_last: bool| (command.lines.is_some() || is_last).then_some(Answer::Order(key));
        let (touched, done) = self.cancel_all(turn, &network, &mut slot, parts, &command.reason, answer);
        let order = slot.as_ref().expect("a locked entity is there").clone();
        let seq = order.seq;
        drop(slot);
        self.follow_up(turn, &network, touched);
        self.try_waiting(turn, &network, key);
        drop(network);
        self.tend_replaced(turn, &order);
        done.map(|()| Executed::done(Reply::Order(order), seq))
    }

    /// Cancels these units of a locked order, in as few records as hold them; `answer` says what each of them answers, the
    /// last one or another. Answers the skus whose queues have something to do, also where not all could be cancelled.
    pub(super) fn cancel_all(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Arc<Order>>,
        mut parts: Vec<CancelledPart>,
        reason: &Text,
        answer: impl Fn(bool) -> Option<Answer>,
    ) -> (BTreeSet<SkuIndex>, Result<(), Rejection>) {
        let (mut touched, mut at_once) = (BTreeSet::new(), parts.len());
        while !parts.is_empty() {
            let some = &parts[..at_once.min(parts.len())];
            match self.cancel_parts(turn, network, slot, some, reason, answer(some.len() == parts.len())) {
                Ok(more) => {
                    touched.extend(more);
                    parts.drain(..at_once.min(parts.len()));
                }
                Err(Rejection::TooLarge(_)) if at_once > 1 => at_once /= 2,
                Err(rejection) => return (touched, Err(rejection)),
            }
        }
        (touched, Ok(()))
    }

    /// Cancels these units of a locked order in one record.
    fn cancel_parts(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Arc<Order>>,
        parts: &[CancelledPart],
        reason: &Text,
        answer: Option<Answer>,
    ) -> Result<BTreeSet<SkuIndex>, Rejection> {
        let order = slot.as_ref().expect("a locked entity is there");
        let skus = parts.iter().flat_map(|p| order.lines[usize::from(p.line)].placed.stock(1)).map(|(sku, _)| sku);
        let mut change = Change::lock(network, &skus.collect());
        change.is_for(network.whose_order(order));
        leave_queues(&mut change, order, parts);
        for part in parts {
            let CancelFrom::Fulfillment(number) = part.from else { continue };
            let node = order.fulfillment(number).expect("the part was read off this order").node;
            for (sku, units) in order.stock_of(LineUnits { line: part.line, quantity: part.quantity }) {
                let twice = if planted(Bug::BucketTwice) { 2 * units } else { units };
                change.give(CellKey { sku, node }, twice, MovementKind::Deallocated, |delta, n| delta.committed -= n);
            }
        }
        let cancelled = OrderEvent::Cancelled { parts: parts.to_vec(), reason: reason.clone() };
        let units = parts.iter().map(|part| LineUnits { line: part.line, quantity: part.quantity });
        let mut told = vec![cancelled];
        told.extend(order.paid_off_without(units));
        let gone: Vec<_> = parts.iter().map(|part| (part.line, part.quantity)).collect();
        let given = order.places_of(gone.iter().copied());
        let given = network.calendar.lock(&given);
        let storing = self.store_anew(network, order, &told, turn.log.now())?;
        let mut events: Vec<_> = order_events(order, told).collect();
        events.extend(change.events());
        events.extend(given.given());
        events.extend(storing.iter().flat_map(Storing::events));
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, answer)?;
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        given.give();
        storing.into_iter().for_each(Storing::logged);
        logged.fold_order(slot);
        self.watch_new_windows(network, slot);
        self.rank_again(network, slot.as_ref().expect("just folded"));
        Ok(logged.done())
    }
}

/// Which units a cancellation takes, in the order of `DOMAIN`: what nobody was found for, what waits, what is allocated
/// (the dearest node first), what is released and not yet being picked.
fn parts_to_cancel(order: &Order, command: &CancelOrder) -> Result<Vec<CancelledPart>, Rejection> {
    let Some(named) = &command.lines else {
        let parts: Vec<_> = (0..order.lines.len() as u16).flat_map(|line| order.cancellable(line)).collect();
        let none = || not_cancellable(order, "", 0, order.totals().open());
        return if parts.is_empty() { Err(none()) } else { Ok(parts) };
    };
    named_parts(order, named)
}

fn not_cancellable(order: &Order, line: &str, cancellable: u64, requested: u64) -> Rejection {
    Rejection::NotCancellable { order: order.name(), line: line.to_owned(), cancellable, requested }
}

/// The buckets that named units are in; units of a fulfilment order that is named go before those of any.
pub(super) fn named_parts(order: &Order, named: &[CancelUnits]) -> Result<Vec<CancelledPart>, Rejection> {
    if named.is_empty() {
        return Err(no_lines("lines"));
    }
    let mut wanted: BTreeMap<(u16, Option<u16>), u64> = BTreeMap::new();
    for (at, units) in named.iter().enumerate() {
        let key = (line_of(order, at, &units.line)?, fulfillment_of(order, at, units.from.as_deref())?);
        *wanted.entry(key).or_default() += u64::from(units.quantity.units());
    }
    let mut parts: Vec<CancelledPart> = Vec::new();
    let (of_any, of_one): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|((_, from), _)| from.is_none());
    for ((line, from), requested) in of_one.into_iter().chain(of_any) {
        let mut left = requested;
        let taken_before = parts.clone();
        let may = |part: &CancelledPart| from.is_none_or(|number| part.from == CancelFrom::Fulfillment(number));
        for part in order.cancellable(line).into_iter().filter(may) {
            let same = |taken: &&CancelledPart| (taken.line, taken.from) == (part.line, part.from);
            let before: u32 = taken_before.iter().filter(same).map(|taken| taken.quantity).sum();
            let units = u64::from(part.quantity - before).min(left);
            left -= units;
            if units > 0 {
                parts.push(CancelledPart { quantity: units as u32, ..part });
            }
        }
        if left > 0 {
            let id = &order.lines[usize::from(line)].placed.id;
            return Err(not_cancellable(order, id, requested - left, requested));
        }
    }
    Ok(parts)
}

fn line_of(order: &Order, at: usize, line: &str) -> Result<u16, Rejection> {
    let unknown = || {
        let detail = format!("the order has no line {line:?}");
        Rejection::invalid(format!("lines[{at}].line"), "unknown_line", detail)
    };
    order.line_at(line).ok_or_else(unknown)
}

fn fulfillment_of(order: &Order, at: usize, id: Option<&str>) -> Result<Option<u16>, Rejection> {
    let Some(id) = id else { return Ok(None) };
    let unknown = || {
        let detail = format!("the order has no fulfilment order {id:?}");
        Rejection::invalid(format!("lines[{at}].fulfillment_order"), "unknown_fulfillment_order", detail)
    };
    let key = FulfillmentKey::parse(id).filter(|key| key.order == order.key).ok_or_else(unknown)?;
    order.fulfillment(key.number).map(|found| Some(found.number)).ok_or_else(unknown)
}

/// Skus whose queues units leave that no longer wait.
pub(super) fn skus_waited_for<'o>(
    order: &'o Order,
    parts: &'o [CancelledPart],
) -> impl Iterator<Item = SkuIndex> + use<'o> {
    let waited = parts.iter().filter(|part| matches!(part.from, CancelFrom::Preordered | CancelFrom::Backordered));
    waited.flat_map(|part| order.lines[usize::from(part.line)].placed.stock(1)).map(|(sku, _)| sku)
}

/// What is cancelled waits no longer, before anything is given.
pub(super) fn leave_queues(change: &mut Change<'_>, order: &Order, parts: &[CancelledPart]) {
    let mut gone: BTreeMap<u16, u32> = BTreeMap::new();
    for part in parts.iter().filter(|part| matches!(part.from, CancelFrom::Preordered | CancelFrom::Backordered)) {
        *gone.entry(part.line).or_default() += part.quantity;
    }
    for (line, gone) in gone {
        let own = &order.lines[usize::from(line)];
        let left = own.waiting() - gone;
        for (sku, units) in own.placed.stock(left) {
            let waiting = (order.key, line);
            let place = match (left, change.ledger(sku).loose().get(&waiting)) {
                (0, _) => Place::Gone,
                (_, Some((_, loose))) => Place::Loose(loose.with_units(units).into()),
                (left, None) => Place::Queued(left),
            };
            change.place(sku, waiting, place);
        }
    }
}
