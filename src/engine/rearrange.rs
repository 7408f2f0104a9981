//! Fulfilment orders that are not picked yet, rearranged by hand: moved to another node, split in two, merged into one.
//!
//! A move is one record: the units are taken at the node that shall do it, then logged, then given back at the node that
//! shall not. Splits and merges move no stock. What is *not* here: steps of the node itself (`fulfill`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use super::change::Change;
use super::fulfill::units_of;
use super::lockers::Storing;
use super::network::Network;
use super::step_stock::{cells_of, give_back};
use super::table::Locked;
use super::turn::{Turn, order_event, order_events};
use super::withdrawal::{NotTaken, Patience, Withdrawal};
use super::workload::{Moving, Work, work_at, works_by_hand};
use crate::domain::command::NamedUnits;
use crate::domain::delivery::{does, is_collected};
use crate::domain::event::Answer;
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStep, FulfillmentVerb};
use crate::domain::geo::Place;
use crate::domain::ids::{FulfillmentKey, NodeIndex, SkuIndex};
use crate::domain::limits::FULFILLMENT_ORDERS_MAX;
use crate::domain::node::NodeKind;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::rejection::Rejection;
use crate::domain::stock::{CellKey, MovementKind};
use crate::domain::time::WallTime;

use super::order_rules::rules_of;

/// What a move came to: its record and the skus whose queues have something to do, or the skus of which too little was
/// found.
enum Moved {
    Done(u64, BTreeSet<SkuIndex>),
    Short(CellKey, u32),
}

impl Engine {
    /// Moves a fulfilment order to another node. What is due there is expired before it is refused.
    pub(super) fn move_fulfillment(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: FulfillmentKey,
        node: &str,
    ) -> Result<(u64, BTreeSet<SkuIndex>), Rejection> {
        let to = network.find_node("node", node)?;
        let mut expired = false;
        loop {
            match self.try_move(turn, network, key, to)? {
                Moved::Done(seq, touched) => return Ok((seq, touched)),
                Moved::Short(cell, _) if !expired && self.expire_in(turn, network, &BTreeSet::from([cell.sku])) => {
                    expired = true;
                }
                Moved::Short(cell, units) => {
                    let available = network.cell(cell).map_or(0, |cell| u64::from(cell.word.free()));
                    let (sku, requested) = (network.sku_name(cell.sku), u64::from(units));
                    return Err(Rejection::InsufficientStock { sku, requested, available });
                }
            }
        }
    }

    fn try_move(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: FulfillmentKey,
        to: NodeIndex,
    ) -> Result<Moved, Rejection> {
        let mut slot = self.lock_fulfillment(key)?;
        let now = turn.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = takes(order, key, FulfillmentVerb::Move)?;
        let units = fulfillment.line_units();
        check_target(network, order, fulfillment, to)?;
        let (taken, left) = (cells_of(order, to, &units), cells_of(order, fulfillment.node, &units));
        // Nobody's units change hands: what the order's channel uses stays as it is, at its cap as well.
        let mut change = Change::lock(network, &taken.iter().map(|(cell, _)| cell.sku).collect());
        for (cell, units) in &taken {
            change.take(*cell, *units, MovementKind::Allocated, |delta, n| delta.committed += n);
        }
        give_back(&mut change, left);
        let cost = cost_at(network, order, fulfillment, to, turn.log.now().wall);
        let step = FulfillmentStep::Moved { node: to, cost };
        let moved = OrderEvent::Fulfillment { number: key.number, step };
        let told = [moved];
        let storing = self.store_anew(network, order, &told, turn.log.now())?;
        let mut events: Vec<_> = order_events(order, told.into()).collect();
        events.extend(change.events());
        events.extend(storing.iter().flat_map(Storing::events));
        let moving = Moving::of(network, key, (fulfillment.node, to), work_at(order, turn.log.now().wall));
        events.extend(moving.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Order(key.order)))?;
        let withdrawal = match change.withdraw(&mut Patience::default()) {
            Ok(withdrawal) => withdrawal,
            Err(NotTaken::Contended) => return Err(Rejection::Contended),
            Err(NotTaken::Refused(at)) => {
                let (cell, units) = change.refused(at).expect("a refusal names one of the takes");
                return Ok(Moved::Short(cell, units));
            }
        };
        network.workloads.take(moving.works());
        let logged = turn.log(self, sealed, change, withdrawal);
        storing.into_iter().for_each(Storing::logged);
        logged.fold_order(&mut slot);
        let seq = logged.seq();
        let touched = logged.done();
        self.watch_windows(network, slot.as_ref().expect("just folded"), key.number..=key.number);
        Ok(Moved::Done(seq, touched))
    }

    /// Makes another fulfilment order of some of its units.
    pub(super) fn split_fulfillment(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: FulfillmentKey,
        lines: &[NamedUnits],
    ) -> Result<u64, Rejection> {
        let mut slot = self.lock_fulfillment(key)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = takes(order, key, FulfillmentVerb::Split)?;
        let units =
            units_of(order, lines, &fulfillment.line_units(), ("lines", "in the fulfilment order"), fulfillment)?;
        if units.iter().map(|units| u64::from(units.quantity)).sum::<u64>() == fulfillment.units() {
            return Err(Rejection::invalid("lines", "nothing_left", "names all units; a split leaves some behind"));
        }
        if order.fulfillment_orders.len() >= FULFILLMENT_ORDERS_MAX {
            let detail = format!("an order has at most {FULFILLMENT_ORDERS_MAX} fulfilment orders");
            return Err(Rejection::invalid("lines", "too_many", detail));
        }
        let into = order.next_number();
        let goes = units.iter().any(|u| order.lines[usize::from(u.line)].placed.stocked);
        let made = FulfillmentKey { number: into, ..key };
        let works = works_by_hand(
            network,
            goes.then_some((made, fulfillment.node)).into_iter(),
            work_at(order, turn.log.now().wall),
        );
        let step = FulfillmentStep::Split { lines: units, into };
        let seq = self.log_rearranged(turn, network, &mut slot, (key, step, &works), key)?;
        self.watch_windows(network, slot.as_ref().expect("just folded"), into..=into);
        Ok(seq)
    }

    /// Puts the units of another fulfilment order of the same node into this one.
    pub(super) fn merge_fulfillment(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: FulfillmentKey,
        with: &str,
    ) -> Result<u64, Rejection> {
        let mut slot = self.lock_fulfillment(key)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = takes(order, key, FulfillmentVerb::Merge)?;
        let fault = |code, detail: &str| Rejection::invalid("with", code, detail);
        let other = FulfillmentKey::parse(with).filter(|other| other.order == key.order && other.number != key.number);
        let found = other.and_then(|other| Some((other, order.fulfillment(other.number)?)));
        let (other, gone) = found
            .ok_or_else(|| fault("unknown_fulfillment_order", "must be another fulfilment order of the same order"))?;
        alone(order, gone)?;
        let place = |f: &FulfillmentOrder| (f.node, f.group, f.status);
        if place(gone) != place(fulfillment) {
            return Err(fault("not_mergeable", "must be at the same node, for the same destination, and as far"));
        }
        let step = FulfillmentStep::Merged { into: key.number };
        self.log_rearranged(turn, network, &mut slot, (other, step, &[]), key)
    }

    /// Logs a step of a locked order's fulfilment order that moves no stock, and what it adds to the work of nodes.
    fn log_rearranged(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Arc<Order>>,
        (of, step, works): (FulfillmentKey, FulfillmentStep, &[Work]),
        asked: FulfillmentKey,
    ) -> Result<u64, Rejection> {
        let order = slot.as_ref().expect("a locked entity is there");
        let mut events = vec![order_event(order, OrderEvent::Fulfillment { number: of.number, step })];
        events.extend(works.iter().map(Work::event));
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, Some(Answer::Order(asked.order)))?;
        network.workloads.take(works);
        let logged = turn.log(self, sealed, Change::new(network), Withdrawal::nothing());
        logged.fold_order(slot);
        network.workloads.look_at(slot.as_ref().expect("just folded"));
        let seq = logged.seq();
        logged.done();
        Ok(seq)
    }

    fn lock_fulfillment(&self, key: FulfillmentKey) -> Result<Locked<Arc<Order>>, Rejection> {
        self.orders.lock(key.order).ok_or_else(|| Rejection::not_found("fulfillment_order", key.to_string()))
    }
}

/// The fulfilment order, if it takes that step now.
fn takes(order: &Order, key: FulfillmentKey, verb: FulfillmentVerb) -> Result<&FulfillmentOrder, Rejection> {
    let unknown = || Rejection::not_found("fulfillment_order", key.to_string());
    let fulfillment = order.fulfillment(key.number).ok_or_else(unknown)?;
    if !order.takes(fulfillment, verb) {
        return Err(order.illegal(fulfillment, verb));
    }
    if verb != FulfillmentVerb::Split {
        alone(order, fulfillment)?;
    }
    Ok(fulfillment)
}

/// Refuses what leaves in one shipment with others: it stays where they are.
fn alone(order: &Order, fulfillment: &FulfillmentOrder) -> Result<(), Rejection> {
    if fulfillment.ships_with.is_empty() {
        return Ok(());
    }
    let why = "it leaves in one shipment with others".to_owned();
    Err(Rejection::NotConsolidable { order: order.name(), why })
}

/// Refuses a node that could not do it.
fn check_target(
    network: &Network,
    order: &Order,
    fulfillment: &FulfillmentOrder,
    to: NodeIndex,
) -> Result<(), Rejection> {
    let name = network.node_name(to);
    let refused = |code, detail: String| Err(Rejection::invalid("node", code, detail));
    if to == fulfillment.node {
        return refused("same_node", format!("{name} has it already"));
    }
    if !network.supplies(to) {
        return refused("node_inactive", format!("{name} supplies nothing now"));
    }
    if !network.catalogue.serves(network.whose_order(order), to) {
        return refused("node_not_serving", format!("{name} does not serve the order's channel"));
    }
    let method = order.method_of(fulfillment.group);
    if let Some(place) = order.collected_at(fulfillment.group).filter(|place| *place != to) {
        return refused("collected_elsewhere", format!("its customer comes to {}", network.node_name(place)));
    }
    let known = network.catalogue.node(to);
    if is_collected(method) && (known.kind == NodeKind::Supplier || !does(known, method)) {
        return refused("method_not_offered", format!("{name} does not do {method}"));
    }
    let unstocked =
        |units: &crate::domain::fulfillment::FulfillmentLine| !order.lines[usize::from(units.line)].placed.stocked;
    if fulfillment.lines.iter().any(unstocked) {
        return refused("not_stocked", "what has no stock stays where it is".to_owned());
    }
    Ok(())
}

/// What the shipment costs from another node, by the order's rules; where they weigh more than a tariff, what it cost.
fn cost_at(network: &Network, order: &Order, fulfillment: &FulfillmentOrder, to: NodeIndex, at: WallTime) -> i64 {
    let rules = rules_of(network, order, at);
    let rules = rules.of(fulfillment.group);
    if rules.weights.is_some() {
        // What carriers ask from there was not weighed: whoever moves it by hand does not ask either.
        return fulfillment.cost;
    }
    let tariff = rules.tariff;
    let place = order.facts.destinations.get(usize::from(fulfillment.group)).and_then(|d| d.position).map(Place::from);
    let distance_m = place.map_or(0, |place| network.catalogue.place(to).metres_to(&place));
    let weight = |sku: SkuIndex| u64::from(network.catalogue.item(sku).weight_g);
    let grams = fulfillment.line_units().into_iter().map(|units| {
        let placed = &order.lines[usize::from(units.line)].placed;
        match weight(placed.sku) {
            0 => order.stock_of(units).into_iter().map(|(sku, n)| weight(sku) * u64::from(n)).sum::<u64>(),
            own => own * u64::from(units.quantity),
        }
    });
    tariff.per_shipment + tariff.charge(distance_m, u128::from(grams.sum::<u64>()))
}
