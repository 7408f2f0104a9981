//! Orders whose units rest: captured without stock, planned and allocated when somebody asks for it, or by the clock.
//!
//! ```text
//! received ─route─► routed ─allocate─► sourced like any other; what is short waits in the queue
//!     │                └──► allocation_failed: the plan's units are gone, and nobody else has any
//!     └──► routing_failed: nobody has any
//! ```
//! A plan takes nothing. To allocate looks afresh: the plan stands where it is still the best, and every attempt that
//! loses its units to others routes again until there is nothing left to have. Who asks again may always try again; what
//! the clock could not allocate since all nodes were full it tries again when one has room (`room`). That
//! nobody has any is a case of its own, raised in the same record, until the units have found their place.
//!
//! Units that rest stand in no queue, and nothing but this file sources them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::allocate::Stop;
use super::exception::Cause;
use super::network::Network;
use super::order_rules::rules_of;
use super::queue::{HALVINGS_MAX, portion, unallocated};
use super::routing::{Asked, Route, route};
use super::table::Locked;
use super::turn::{Turn, order_events};
use super::withdrawal::Patience;
use super::workload::work_at;
use super::{Engine, Executed};
use crate::domain::decision::LineUnits;
use crate::domain::event::Answer;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::ids::{OrderKey, SkuIndex};
use crate::domain::order::{Order, OrderEvent, Stage};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::time::{JournalTime, Now};

/// Orders that rest and which the clock allocates at once.
const ALLOCATED_MAX: usize = 256;

impl Engine {
    /// Plans an order that rests.
    pub(super) fn route_order(&self, turn: &Turn<'_>, id: &str) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let mut slot = self.lock_order(id)?;
        stage_of(&slot)?;
        let answer = Answer::Order(slot.as_ref().expect("a locked entity is there").key);
        self.plan(turn, &network, &mut slot, Some(answer))?;
        Ok(answered(slot))
    }

    /// Allocates an order that rests; plans it first where there is no plan.
    pub(super) fn allocate_order(&self, turn: &Turn<'_>, id: &str) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let key = {
            let slot = self.lock_order(id)?;
            stage_of(&slot)?;
            slot.as_ref().expect("a locked entity is there").key
        };
        self.allocate(turn, &network, key, Some(&Answer::Order(key)))?;
        self.lock_order(id).map(answered)
    }

    /// Allocates orders that rest and whose time has come; answers when the clock should come again.
    pub(super) fn allocate_due(&self, turn: &Turn<'_>) -> Option<JournalTime> {
        let now = turn.now();
        let due = self.deferrals_due.take_due(now, ALLOCATED_MAX);
        for key in due {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            self.allocate_by_clock(turn, &network, key);
        }
        self.deferrals_due.next()
    }

    /// Allocates an order that rests, if it does; where stock is contended the clock comes again.
    pub(super) fn allocate_by_clock(&self, turn: &Turn<'_>, network: &Network, key: OrderKey) {
        if let Err(Rejection::Contended) = self.allocate(turn, network, key, None) {
            self.deferrals_due.push(turn.now().plus_s(1), key);
        }
    }

    /// Tells the clock of an order that rests until an instant.
    pub(super) fn watch_deferral(&self, order: &Order) {
        if let Some(deferral) = order.deferral
            && let Some(due) = deferral.due
        {
            self.deferrals_due.push(due.journal, order.key);
        }
    }

    /// Logs a plan for the units of a locked order that rest, or that there is none; answers whether there is.
    fn plan(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Arc<Order>>,
        answer: Option<Answer>,
    ) -> Result<bool, Rejection> {
        let now = turn.log.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let route = route_of(network, order, &unallocated(order), turn.clocks());
        let may = !is_hopeless(network, order, &route, turn);
        let decision = Box::new(route.decision);
        if may {
            self.log_order(turn, network, slot, now.journal, vec![OrderEvent::Routed { decision }], answer)?;
        } else {
            self.log_failed(turn, network, slot, OrderEvent::RoutingFailed { decision }, answer)?;
        }
        Ok(may)
    }

    /// Logs that nobody was found for the units of a locked order that rest, and the case that it is, in one record.
    fn log_failed(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Arc<Order>>,
        failed: OrderEvent,
        answer: Option<Answer>,
    ) -> Result<(), Rejection> {
        let now = turn.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let units: u64 = unallocated(order).iter().map(|units| u64::from(units.quantity)).sum();
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let key = ExceptionKey { kind: ExceptionKind::Unroutable, subject: Subject::Order(order.key) };
        let raising = self.raise(now, [Cause { key, units, order: Some(order.key) }]);
        let mut events: Vec<_> = order_events(order, vec![failed]).collect();
        events.extend(raising.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, answer)?;
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        logged.fold_order(slot);
        raising.logged(&logged);
        logged.done();
        Ok(())
    }

    /// Plans the units of an order that rest, where there is no plan, and takes what can be had. The caller holds nothing.
    fn allocate(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: OrderKey,
        answer: Option<&Answer>,
    ) -> Result<(), Rejection> {
        let mut held = BTreeSet::new();
        let mut patience = Patience::default();
        let mut halvings = 0;
        loop {
            match self.try_allocate(turn, network, key, (halvings, &held), &mut patience, answer) {
                Ok(touched) => {
                    self.follow_up(turn, network, touched);
                    // What did not fit into the record of the first portion rests no more.
                    self.resource(turn, network, key);
                    return Ok(());
                }
                Err(Stop::Rejected(Rejection::TooLarge(_))) if halvings < HALVINGS_MAX => halvings += 1,
                Err(Stop::Again) => {}
                Err(Stop::NeedLedgers(skus)) => {
                    let expired = self.expire_in(turn, network, &skus);
                    held = if expired { BTreeSet::new() } else { skus };
                }
                Err(Stop::Rejected(rejection)) => return Err(rejection),
            }
        }
    }

    fn try_allocate(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: OrderKey,
        (halvings, held): (u32, &BTreeSet<SkuIndex>),
        patience: &mut Patience,
        answer: Option<&Answer>,
    ) -> Result<BTreeSet<SkuIndex>, Stop> {
        let Some(mut slot) = self.orders.lock(key) else { return Ok(BTreeSet::new()) };
        let order = slot.as_ref().expect("a locked entity is there");
        let Some(deferral) = order.deferral else { return Ok(BTreeSet::new()) };
        let units = portion(unallocated(order), halvings);
        if units.is_empty() {
            return Ok(BTreeSet::new());
        }
        let planned = matches!(deferral.stage, Stage::Routed | Stage::AllocationFailed);
        let route = route_of(network, order, &units, turn.clocks());
        if is_hopeless(network, order, &route, turn) {
            if answer.is_none() && !route.full.is_empty() {
                // The clock comes again when there is room, and tells but once that there is none.
                self.await_room_resting(network, order, &route.full, work_at(order, turn.log.now().wall));
                if matches!(deferral.stage, Stage::RoutingFailed | Stage::AllocationFailed) {
                    return Ok(BTreeSet::new());
                }
            }
            let decision = Box::new(route.decision);
            let failed = if planned {
                OrderEvent::AllocationFailed { decision }
            } else {
                OrderEvent::RoutingFailed { decision }
            };
            self.log_failed(turn, network, &mut slot, failed, answer.cloned())?;
            return Ok(BTreeSet::new());
        }
        if !planned {
            self.plan(turn, network, &mut slot, None)?;
        }
        self.source(turn, network, &mut slot, &units, held, patience, answer.cloned())
    }
}

/// How far an order is that rests.
fn stage_of(slot: &Locked<Arc<Order>>) -> Result<Stage, Rejection> {
    let order = slot.as_ref().expect("a locked entity is there");
    let rests = order.deferral.filter(|_| order.lines.iter().any(|line| line.unallocated > 0));
    rests.map(|deferral| deferral.stage).ok_or_else(|| Rejection::NotDeferred { order: order.name() })
}

/// The best there is now for units that rest.
fn route_of(network: &Network, order: &Order, units: &[LineUnits], now: Now) -> Route {
    let rules = rules_of(network, order, now.wall);
    route(network, &Asked::of(network, order, &rules, now).wanted(units))
}

/// Whether nobody has any of the units, and none of them waits for a release.
fn is_hopeless(network: &Network, order: &Order, route: &Route, turn: &Turn<'_>) -> bool {
    let now = turn.log.now().wall;
    let placed = |u: &LineUnits| &order.lines[usize::from(u.line)].placed;
    let early = |u: &LineUnits| network.catalogue.is_preorder(order.facts.kind, placed(u), now);
    route.shipments.is_empty() && !route.unfilled.iter().any(early)
}

fn answered(slot: Locked<Arc<Order>>) -> Executed {
    let order = slot.as_ref().expect("a locked entity is there").clone();
    let seq = order.seq;
    Executed::done(Reply::Order(order), seq)
}
