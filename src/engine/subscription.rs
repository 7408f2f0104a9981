//! Subscriptions: put, paused, resumed, skipped, cancelled; and the clock, which places the order of a period when it
//! begins.
//!
//! **Exactly one order for each period.** The record that captures the order notes the period on its subscription, and
//! the order's ids are made of the subscription's and the period's number: neither a crash nor a second clock places it
//! twice. What the schedule has to do is judged again under the subscription's lock, within the order's own transaction.
//!
//! An order that is refused is tried again [`ATTEMPTS_MAX`] times in all, [`RETRY_S`] apart; then its period is skipped. A
//! case is open from the first refusal until a later order is placed.
//! Periods that began while the process was down are placed one after the other, oldest first.

use std::collections::BTreeSet;

use super::exception::Cause;
use super::network::Network;
use super::place::{Due, prepare};
use super::table::{Locked, Name, Named};
use super::turn::Turn;
use super::{Engine, Executed};
use crate::domain::command::{Context, PlaceLine, PlaceOrder, PutSubscription, ShipTo, SubscriptionAction, Wishes};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, Event, SubscriptionChanged};
use crate::domain::exception::{ExceptionKind, Subject};
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{SubscriptionKey, Text};
use crate::domain::limits::ID_BYTES_MAX;
use crate::domain::order::{Destination, OrderType};
use crate::domain::quantity::Quantity;
use crate::domain::record::Log;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::subscription::{
    SubscribedLine, Subscription, SubscriptionEvent, SubscriptionState, SubscriptionTerms, WhenShort,
};
use crate::domain::time::{JournalTime, Now, WallTime};

/// How often the order of a period is tried.
pub const ATTEMPTS_MAX: u32 = 4;
/// Seconds until it is tried again.
const RETRY_S: i64 = 60 * 60;
/// Orders the clock places at once.
const PLACED_MAX: usize = 128;
/// Bytes that the number of a period adds to an id.
const NUMBER_BYTES_MAX: usize = 11;

impl Engine {
    pub(super) fn put_subscription(&self, turn: &Turn<'_>, command: &PutSubscription) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let claim = self.names.claim(Name::Subscription(command.id.clone()));
        let known = match claim.taken() {
            Some(Named::Subscription(key)) => self.subscriptions.lock(key).map(|slot| (key, slot)),
            _ => None,
        };
        if let Some(subscription) = known.as_ref().and_then(|(_, slot)| slot.as_ref()) {
            if subscription.terms.fingerprint == command.order.fingerprint {
                return Ok(told(subscription.clone(), false));
            }
            if subscription.state == SubscriptionState::Cancelled {
                return Err(wrong_state(subscription));
            }
        }
        let now = turn.log.now();
        let terms = Box::new(terms(&network, command, now)?);
        let created = known.is_none();
        let (key, mut slot) = known.unwrap_or_else(|| {
            let key = SubscriptionKey(self.next_key());
            (key, self.subscriptions.begin(key))
        });
        let event = SubscriptionEvent::Put { id: command.id.clone(), terms };
        let logged = self.log_subscription(turn, &network, &mut slot, (key, event), None, None);
        if let Err(rejection) = logged {
            if created {
                self.subscriptions.remove(key);
            }
            return Err(rejection);
        }
        claim.settle(Named::Subscription(key));
        Ok(told(slot.as_ref().expect("just folded").clone(), created))
    }

    pub(super) fn change_subscription(
        &self,
        turn: &Turn<'_>,
        id: &str,
        action: &SubscriptionAction,
    ) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("subscription", id);
        let key = self.find_subscription(id).ok_or_else(unknown)?;
        let mut slot = self.subscriptions.lock(key).ok_or_else(unknown)?;
        let subscription = slot.as_ref().expect("a locked entity is there");
        let state = subscription.state;
        let event = match action {
            SubscriptionAction::Pause(reason) if state == SubscriptionState::Active => {
                SubscriptionEvent::Paused { reason: reason.clone() }
            }
            SubscriptionAction::Resume if state == SubscriptionState::Paused => {
                SubscriptionEvent::Resumed { passed: subscription.passed_at(turn.log.now().wall) }
            }
            SubscriptionAction::Skip(reason) if state != SubscriptionState::Cancelled => SubscriptionEvent::Skipped {
                number: subscription.number,
                reason: reason.clone().unwrap_or_else(|| Text::from("skipped")),
            },
            SubscriptionAction::Cancel(reason) if state != SubscriptionState::Cancelled => {
                SubscriptionEvent::Cancelled { reason: reason.clone() }
            }
            _ => return Err(wrong_state(subscription)),
        };
        self.log_subscription(turn, &network, &mut slot, (key, event), None, Some(Answer::Subscription(key)))?;
        Ok(told(slot.as_ref().expect("just folded").clone(), false))
    }

    /// Logs what happened to a locked subscription, folds it, and tells the clock.
    fn log_subscription(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Subscription>,
        (key, event): (SubscriptionKey, SubscriptionEvent),
        cause: Option<Cause>,
        answer: Option<Answer>,
    ) -> Result<(), Rejection> {
        if let Some(subscription) = slot.as_ref() {
            turn.steps(EntityKey::Subscription(key), || Entity::Subscription(Box::new(subscription.clone())));
        }
        let version = slot.as_ref().map_or(1, |subscription| subscription.version + 1);
        let raising = self.raise(turn.now(), cause);
        let changed = Event::SubscriptionChanged(Box::new(SubscriptionChanged { key, version, event }));
        let events = std::iter::once(changed).chain(raising.events()).collect();
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, answer)?;
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        logged.fold_subscription(slot);
        raising.logged(&logged);
        logged.done();
        self.watch_subscription(slot.as_ref().expect("just folded"), turn.log.now());
        Ok(())
    }

    /// Tells the clock when there is something to do for a subscription.
    pub(super) fn watch_subscription(&self, subscription: &Subscription, now: Now) {
        if let Some(due) = subscription.due_at() {
            self.subscriptions_due.push(ReleaseAt::of(due, now).journal, subscription.key);
        }
    }

    /// Tells the clock of all subscriptions, at start.
    pub(super) fn watch_subscriptions(&self, now: Now) {
        for key in self.subscription_keys() {
            self.subscription_by_key(key).iter().for_each(|subscription| self.watch_subscription(subscription, now));
        }
    }

    /// Puts a subscription at start.
    pub(super) fn hold_subscription(&self, subscription: Subscription) {
        let key = subscription.key;
        self.names.insert(Name::Subscription(subscription.id.clone()), Named::Subscription(key));
        self.subscriptions.insert(key, subscription);
    }

    /// Places the orders of periods that begin; answers when the clock should come again.
    pub(super) fn place_due(&self, log: &dyn Log, now: JournalTime) -> Option<JournalTime> {
        let due = self.subscriptions_due.take_due(now, PLACED_MAX);
        for key in due {
            self.place_period(log, key);
        }
        self.subscriptions_due.next()
    }

    /// Places the order of a subscription's next period if it is due, or notes why it could not be.
    fn place_period(&self, log: &dyn Log, key: SubscriptionKey) {
        let context = Context { source: "subscription".into(), ..super::expire::clock() };
        let turn = Turn::new(log, &context, None);
        let now = log.now();
        let Some(subscription) = self.subscription_by_key(key) else { return };
        let Some(at) = subscription.due_at() else { return };
        if at > now.wall {
            // Put off meanwhile, or the wall clock is behind the journal's.
            return self.watch_subscription(&subscription, now);
        }
        let order = {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            order_of(&network, &subscription)
        };
        match self.place_whole(&turn, &subscription, &order, now) {
            Ok(()) => {}
            Err(Rejection::Contended) => self.subscriptions_due.push(now.journal.plus_s(1), key),
            Err(rejection) => self.note_failure(&turn, &subscription, &rejection, now.wall),
        }
    }

    fn place_whole(
        &self,
        turn: &Turn<'_>,
        subscription: &Subscription,
        order: &PlaceOrder,
        now: Now,
    ) -> Result<(), Rejection> {
        if subscription.terms.when_short == WhenShort::Retry {
            let short = self.quote(now, order)?.unfilled.iter().map(|u| u64::from(u.quantity)).sum::<u64>();
            if short > 0 {
                let detail = format!("{short} units cannot be had");
                return Err(Rejection::invalid("lines", "unroutable", detail));
            }
        }
        let due = Due { subscription: subscription.key, version: subscription.version, number: subscription.number };
        self.place_period_order(turn, order, due)
    }

    fn note_failure(&self, turn: &Turn<'_>, seen: &Subscription, rejection: &Rejection, now: WallTime) {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let Some(mut slot) = self.subscriptions.lock(seen.key) else { return };
        let subscription = slot.as_ref().expect("a locked entity is there");
        if subscription.version != seen.version {
            return self.watch_subscription(subscription, turn.log.now());
        }
        let attempts = subscription.failure.as_ref().map_or(0, |failure| failure.attempts) + 1;
        let (number, code) = (subscription.number, rejection.code());
        let event = if attempts >= ATTEMPTS_MAX {
            let reason = format!("it failed {attempts} times: {code}");
            SubscriptionEvent::Skipped { number, reason: reason.as_str().into() }
        } else {
            let detail: String = rejection.to_string().chars().take(500).collect();
            let retry_at = WallTime(now.0 + RETRY_S * 1_000);
            SubscriptionEvent::Failed { number, code: code.into(), detail: detail.as_str().into(), retry_at }
        };
        let cause = Cause::of(ExceptionKind::SubscriptionFailed, Subject::Subscription(seen.key));
        let logged = self.log_subscription(turn, &network, &mut slot, (seen.key, event), Some(cause), None);
        logged.expect("what is noted of a failure is a small record");
    }

    fn find_subscription(&self, id: &str) -> Option<SubscriptionKey> {
        match self.names.find(&Name::Subscription(id.into())) {
            Some(Named::Subscription(key)) => Some(key),
            _ => SubscriptionKey::parse(id).filter(|key| self.subscriptions.has(*key)),
        }
    }

    /// A subscription by its number.
    pub fn subscription_by_key(&self, key: SubscriptionKey) -> Option<Subscription> {
        self.subscriptions.lock(key)?.clone()
    }

    /// A subscription by its caller's id. Its `seq` must be durable before it is shown.
    pub fn subscription(&self, id: &str) -> Result<Subscription, Rejection> {
        let found = self.find_subscription(id).and_then(|key| self.subscription_by_key(key));
        found.ok_or_else(|| Rejection::not_found("subscription", id))
    }

    /// All subscriptions, newest first.
    pub fn subscription_keys(&self) -> Vec<SubscriptionKey> {
        let mut keys = self.subscriptions.keys();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        keys
    }
}

fn told(subscription: Subscription, created: bool) -> Executed {
    let seq = subscription.seq;
    Executed::done(Reply::Subscription { subscription: Box::new(subscription), created }, seq)
}

fn wrong_state(subscription: &Subscription) -> Rejection {
    Rejection::SubscriptionState { id: subscription.id.to_string(), state: subscription.state }
}

/// What is put, in this catalogue; all faults together.
fn terms(network: &Network, command: &PutSubscription, now: Now) -> Result<SubscriptionTerms, Rejection> {
    let mut faults = Vec::new();
    if command.id.len() > ID_BYTES_MAX - NUMBER_BYTES_MAX {
        let max = ID_BYTES_MAX - NUMBER_BYTES_MAX;
        faults.push(Fault::new("id", "invalid_id", format!("of a subscription is at most {max} bytes long")));
    }
    if command.next_at < now.wall {
        faults.push(Fault::new("next_at", "time_in_past", "must be in the future"));
    }
    let order = &command.order;
    let prepared = match prepare(network, order, now) {
        Ok(prepared) if faults.is_empty() => prepared,
        Ok(_) => return Err(Rejection::Invalid(faults)),
        Err(Rejection::Invalid(more)) => return Err(Rejection::Invalid(faults.into_iter().chain(more).collect())),
        Err(rejection) => return Err(rejection),
    };
    let lines = prepared.lines.iter().map(|line| SubscribedLine {
        id: line.id.clone(),
        sku: line.sku,
        quantity: line.quantity,
        unit_price: line.unit_price,
        group: line.group,
    });
    // A position that was not given is derived anew for every order.
    let given = |(to, derived): (&ShipTo, &Destination)| Destination { position: to.position, ..derived.clone() };
    Ok(SubscriptionTerms {
        fingerprint: order.fingerprint,
        channel: order.channel.clone(),
        customer: order.customer.clone(),
        personal: order.personal.clone(),
        currency: order.currency,
        destinations: order.destinations.iter().zip(&prepared.destinations).map(given).collect(),
        lines: lines.collect(),
        delivery_method: order.delivery_method.clone(),
        rule_set: order.rule_set.clone(),
        payment: order.payment.clone(),
        every: command.every,
        first_at: command.next_at,
        when_short: command.when_short,
    })
}

/// The order of a subscription's next period.
fn order_of(network: &Network, subscription: &Subscription) -> PlaceOrder {
    let terms = &subscription.terms;
    let id: Text = subscription.order_id(subscription.number).as_str().into();
    let to = |destination: &Destination| ShipTo {
        group: destination.group.clone(),
        country: destination.country.clone(),
        postal_code: destination.postal_prefix.clone(),
        parts: None,
        position: destination.position,
        personal: destination.personal.clone(),
    };
    let line = |line: &SubscribedLine| PlaceLine {
        id: line.id.clone(),
        sku: network.catalogue.item(line.sku).sku.clone(),
        quantity: Quantity::new(line.quantity).expect("a line of a subscription was a quantity"),
        unit_price: line.unit_price,
        group: line.group,
    };
    PlaceOrder {
        id: Some(id.clone()),
        fingerprint: terms.fingerprint,
        kind: OrderType::Subscription,
        channel: terms.channel.clone(),
        channel_order_id: id,
        customer: terms.customer.clone(),
        personal: terms.personal.clone(),
        currency: terms.currency,
        destinations: terms.destinations.iter().map(to).collect(),
        lines: terms.lines.iter().map(line).collect(),
        delivery_method: terms.delivery_method.clone(),
        reservation: None,
        reacquire: false,
        rule_set: terms.rule_set.clone(),
        placed_at: None,
        payment: terms.payment.clone(),
        total: None,
        holds: Vec::new(),
        wishes: Wishes::default(),
    }
}
