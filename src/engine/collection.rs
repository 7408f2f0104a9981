//! Codes and arrivals of who comes for fulfilment orders that are ready: told in the record of the step they belong to.
//!
//! A map behind a lock of its own, held for a look-up only: what changes it holds the order.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::Engine;
use super::change::Change;
use super::exception::Cause;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use crate::domain::collection::{Arrival, CODE_TRIES_MAX, Collection, CollectionEvent};
use crate::domain::command::FulfillmentAction;
use crate::domain::event::{Answer, CollectionChanged, Event};
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentStatus, FulfillmentStep, FulfillmentVerb};
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{FulfillmentKey, Text};
use crate::domain::order::{Order, Sealed};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Now, WallTime};

/// Those that are not over, by fulfilment order.
#[derive(Debug, Default)]
pub struct Collections(Mutex<BTreeMap<FulfillmentKey, Collection>>);

impl Engine {
    /// What a step tells of who comes for its fulfilment order.
    pub(super) fn collection_told(
        &self,
        key: FulfillmentKey,
        step: &FulfillmentStep,
        code: Option<Sealed>,
    ) -> Option<Event> {
        let event = match step {
            FulfillmentStep::MadeReady | FulfillmentStep::MadeReadyUntil { .. } => {
                CollectionEvent::Awaited { code: code? }
            }
            FulfillmentStep::HandedOver
            | FulfillmentStep::Shipped { .. }
            | FulfillmentStep::Cancelled { .. }
            | FulfillmentStep::Stopped { .. }
                if self.collections.0.lock().contains_key(&key) =>
            {
                CollectionEvent::Over
            }
            _ => return None,
        };
        Some(Event::CollectionChanged(Box::new(CollectionChanged { key, event })))
    }

    /// Takes it up: it is logged.
    pub(super) fn fold_collection(&self, told: &Event) {
        let Event::CollectionChanged(changed) = told else { return };
        let mut all = self.collections.0.lock();
        let after = Collection::fold(all.remove(&changed.key), &changed.event);
        let after = after.expect("a step tells only what its collection can take");
        if !after.over {
            all.insert(changed.key, after);
        }
    }

    /// The customer is there; told again, that he stands elsewhere.
    pub(super) fn customer_arrived(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: FulfillmentKey,
        spot: Option<&Text>,
    ) -> Result<u64, Rejection> {
        let unknown = || Rejection::not_found("fulfillment_order", key.to_string());
        let slot = self.orders.lock(key.order).ok_or_else(unknown)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = order.fulfillment(key.number).ok_or_else(unknown)?;
        let verb = FulfillmentVerb::Arrive;
        if !order.takes(fulfillment, verb) {
            return Err(order.illegal(fulfillment, verb));
        }
        let arrival = Arrival { at: turn.log.now().wall, spot: spot.cloned() };
        let event = CollectionEvent::Arrived { arrival };
        let told = Event::CollectionChanged(Box::new(CollectionChanged { key, event }));
        let answer = Some(Answer::Order(key.order));
        let sealed = turn.seal(turn.now(), network.catalogue.seq, vec![told.clone()], answer)?;
        let logged = turn.log(self, sealed, Change::new(network), Withdrawal::nothing());
        self.fold_collection(&told);
        let seq = logged.seq();
        logged.done();
        Ok(seq)
    }

    /// Refuses to hand over to who does not hand in the code; what is to have one has none before it is ready. Another code
    /// is counted, in a record of its own; so many of them are a case, and nothing is handed over while that is open.
    pub(super) fn check_code(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        order: &Order,
        key: FulfillmentKey,
        action: &FulfillmentAction,
    ) -> Result<(), Rejection> {
        let handed_in = match action {
            FulfillmentAction::HandOver => None,
            FulfillmentAction::HandOverWith { code } => Some(code),
            _ => return Ok(()),
        };
        let packed = order.fulfillment(key.number).filter(|f| f.status == FulfillmentStatus::Packed);
        let rule = packed.map(|f| network.catalogue.policies().collection(order.method_of(f.group)));
        if rule.is_some_and(|rule| rule.code) {
            let detail = "is given out when it is ready, and it is handed over for its code only";
            return Err(Rejection::invalid("code", "not_ready", detail));
        }
        let Some(known) = self.collection(key).filter(|known| known.code.is_some()) else { return Ok(()) };
        let Some(code) = handed_in else {
            return Err(Rejection::invalid(
                "code",
                "missing_field",
                "is required: it is handed over for its code only",
            ));
        };
        let case = ExceptionKey { kind: ExceptionKind::WrongCodes, subject: Subject::Fulfillment(key) };
        if known.tries >= CODE_TRIES_MAX && self.exception_by_key(case).is_some_and(|case| case.is_open()) {
            let detail = format!("was wrong {} times: nothing is handed over before {case} is resolved", known.tries);
            return Err(Rejection::invalid("code", "code_locked", detail));
        }
        if known.opens(code) {
            return Ok(());
        }
        self.count_try(turn, network, key, known.tries)?;
        Err(Rejection::invalid("code", "wrong_code", "is not the code that was given out"))
    }

    /// Somebody handed in another code. The caller has the order's lock.
    fn count_try(&self, turn: &Turn<'_>, network: &Network, key: FulfillmentKey, tries: u8) -> Result<(), Rejection> {
        let now = turn.now();
        let case = ExceptionKey { kind: ExceptionKind::WrongCodes, subject: Subject::Fulfillment(key) };
        let cause = Cause { key: case, units: 0, order: Some(key.order) };
        let raising = self.raise(now, (tries.saturating_add(1) >= CODE_TRIES_MAX).then_some(cause));
        let tried = CollectionChanged { key, event: CollectionEvent::Tried };
        let told = Event::CollectionChanged(Box::new(tried));
        let events = std::iter::once(told.clone()).chain(raising.events()).collect();
        let sealed = turn.seal(now, network.catalogue.seq, events, None)?;
        let logged = turn.log(self, sealed, Change::new(network), Withdrawal::nothing());
        self.fold_collection(&told);
        raising.logged(&logged);
        logged.done();
        Ok(())
    }

    /// Puts a collection at start.
    pub(super) fn hold_collection(&self, key: FulfillmentKey, known: Collection) {
        self.collections.0.lock().insert(key, known);
    }

    /// Who comes for a fulfilment order, while it is ready.
    pub fn collection(&self, key: FulfillmentKey) -> Option<Collection> {
        self.collections.0.lock().get(&key).cloned()
    }
}

/// The code that a fulfilment order is handed over for, when it is to have one.
pub(super) fn code_of(network: &Network, method: &Text, action: &FulfillmentAction) -> Option<Sealed> {
    let FulfillmentAction::ReadyWith { code, drawn, .. } = action else { return None };
    let rule = network.catalogue.policies().collection(method);
    let code = code.as_ref().or(Some(drawn).filter(|_| rule.code))?;
    Some(Sealed { key_id: 0, bytes: code.as_bytes().to_vec() })
}

/// It is ready: until the instant that was named, else for as long as was decided for its delivery method.
pub(super) fn made_ready(
    network: &Network,
    method: &Text,
    until: Option<WallTime>,
    now: Now,
) -> Result<FulfillmentStep, Rejection> {
    let rule = network.catalogue.policies().collection(method);
    let window = rule.window_s.map(|s| WallTime(now.wall.0.saturating_add(i64::from(s) * 1_000)));
    let Some(until) = until.or(window) else { return Ok(FulfillmentStep::MadeReady) };
    let until = ReleaseAt::of(until, now);
    if until.journal <= now.journal {
        return Err(Rejection::invalid("until", "time_in_past", "must be in the future"));
    }
    Ok(FulfillmentStep::MadeReadyUntil { until })
}
