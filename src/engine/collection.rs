//! Codes and arrivals of who comes for fulfilment orders that are ready: told in the record of the step they belong to.
//!
//! A map behind a lock of its own, held for a look-up only: what changes it holds the order.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::Engine;
use super::change::Change;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use crate::domain::collection::{Arrival, Collection, CollectionEvent};
use crate::domain::command::FulfillmentAction;
use crate::domain::event::{Answer, CollectionChanged, Event};
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
        if !fulfillment.status.takes(verb) {
            return Err(Rejection::IllegalStep { id: key.to_string(), status: order.refusing(fulfillment), verb });
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

    /// Refuses to hand over to who does not hand in the code; what is to have one has none before it is ready.
    pub(super) fn check_code(
        &self,
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
        let is_packed = order.fulfillment(key.number).is_some_and(|f| f.status == FulfillmentStatus::Packed);
        if is_packed && network.catalogue.policies().collection(&order.facts.delivery_method).code {
            let detail = "is given out when it is ready, and it is handed over for its code only";
            return Err(Rejection::invalid("code", "not_ready", detail));
        }
        let all = self.collections.0.lock();
        let Some(known) = all.get(&key).filter(|known| known.code.is_some()) else { return Ok(()) };
        match handed_in {
            None => {
                Err(Rejection::invalid("code", "missing_field", "is required: it is handed over for its code only"))
            }
            Some(code) if !known.opens(code) => {
                Err(Rejection::invalid("code", "wrong_code", "is not the code that was given out"))
            }
            Some(_) => Ok(()),
        }
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
pub(super) fn code_of(network: &Network, order: &Order, action: &FulfillmentAction) -> Option<Sealed> {
    let FulfillmentAction::ReadyWith { code, drawn, .. } = action else { return None };
    let rule = network.catalogue.policies().collection(&order.facts.delivery_method);
    let code = code.as_ref().or(Some(drawn).filter(|_| rule.code))?;
    Some(Sealed { key_id: 0, bytes: code.as_bytes().to_vec() })
}

/// It is ready: until the instant that was named, else for as long as was decided for its delivery method.
pub(super) fn made_ready(
    network: &Network,
    order: &Order,
    until: Option<WallTime>,
    now: Now,
) -> Result<FulfillmentStep, Rejection> {
    let rule = network.catalogue.policies().collection(&order.facts.delivery_method);
    let window = rule.window_s.map(|s| WallTime(now.wall.0.saturating_add(i64::from(s) * 1_000)));
    let Some(until) = until.or(window) else { return Ok(FulfillmentStep::MadeReady) };
    let until = ReleaseAt::of(until, now);
    if until.journal <= now.journal {
        return Err(Rejection::invalid("until", "time_in_past", "must be in the future"));
    }
    Ok(FulfillmentStep::MadeReadyUntil { until })
}
