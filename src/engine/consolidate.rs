//! Fulfilment orders of several orders that leave in one shipment: one customer, one address, one node, nothing picked.
//!
//! All orders concerned are locked, ascending, and one record joins them; another ships all of them. What ends before it
//! leaves drops out by itself. Holds of any of them forbid to ship all. No stock moves by joining.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::Change;
use super::dispatch::Dispatching;
use super::fulfill::{check_paid, check_released};
use super::lockers::Storing;
use super::network::Network;
use super::table::Locked;
use super::turn::{Turn, order_events};
use super::withdrawal::Withdrawal;
use super::workload::{Work, work_at, works_taken_over};
use super::{Engine, Executed};
use crate::domain::command::Consolidate;
use crate::domain::event::{Answer, Event};
use crate::domain::fulfillment::{FulfillmentStatus, FulfillmentStep, FulfillmentVerb, Shipment};
use crate::domain::hold::Hold;
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, SkuIndex};
use crate::domain::lots::LotChange;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::stock::CellKey;

/// What is told beside what orders are told that are locked together, in the same record.
pub(super) struct BesideSeveral<'a> {
    pub answer: Answer,
    pub collections: Vec<Event>,
    pub dispatching: Option<Dispatching<'a>>,
    pub storing: Option<Storing<'a>>,
}

impl BesideSeveral<'_> {
    /// The answer, and nothing else.
    pub fn only(answer: Answer) -> Self {
        Self { answer, collections: Vec::new(), dispatching: None, storing: None }
    }
}

/// Orders that are locked together, ascending.
pub(super) type Several = BTreeMap<OrderKey, Locked<Arc<Order>>>;

impl Engine {
    pub(super) fn consolidate(&self, turn: &Turn<'_>, command: &Consolidate) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("order", command.order.to_string());
        let first = self.find_order(&command.order).ok_or_else(unknown)?;
        let keys = self.others(first, command)?;
        let mut orders = self.lock_several(&keys);
        let leader = order_in(&orders, first).ok_or_else(unknown)?;
        for key in &keys {
            let other = order_in(&orders, *key).ok_or_else(|| Rejection::not_found("order", key.to_string()))?;
            if let Some(why) = leader.parts_ways(other) {
                return Err(Rejection::NotConsolidable { order: other.name(), why: why.to_owned() });
            }
        }
        let together = at_one_node(&orders, leader)?;
        let mut told: BTreeMap<OrderKey, Vec<OrderEvent>> = BTreeMap::new();
        for ships_with in together {
            for key in &ships_with {
                let joined = OrderEvent::Consolidated { number: key.number, ships_with: ships_with.clone() };
                told.entry(key.order).or_default().push(joined);
            }
        }
        let beside = BesideSeveral::only(Answer::Order(first));
        self.log_several(turn, &network, &mut orders, told, Change::new(&network), beside)?;
        let order = order_in(&orders, first).expect("just folded").clone();
        let seq = order.seq;
        Ok(Executed::done(Reply::Order(order), seq))
    }

    /// The orders that are to be joined, the first included; all faults together.
    fn others(&self, first: OrderKey, command: &Consolidate) -> Result<BTreeSet<OrderKey>, Rejection> {
        let (mut keys, mut faults) = (BTreeSet::from([first]), Vec::new());
        for (at, id) in command.with.iter().enumerate() {
            let fault = match self.find_order(id).filter(|key| self.orders.lock(*key).is_some()) {
                None => Fault::new(format!("orders[{at}]"), "unknown_order", format!("there is no order {id:?}")),
                Some(key) if !keys.insert(key) => {
                    Fault::new(format!("orders[{at}]"), "duplicate_change", format!("{id:?} is named twice"))
                }
                Some(_) => continue,
            };
            faults.push(fault);
        }
        if faults.is_empty() { Ok(keys) } else { Err(Rejection::Invalid(faults)) }
    }

    /// Locks orders, ascending; those that are not there are left out.
    pub(super) fn lock_several(&self, keys: &BTreeSet<OrderKey>) -> Several {
        keys.iter().filter_map(|key| Some((*key, self.orders.lock(*key)?))).collect()
    }

    /// Logs what several locked orders are told, in one record, and folds it; answers the skus whose queues have something
    /// to do.
    pub(super) fn log_several(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        orders: &mut Several,
        told: BTreeMap<OrderKey, Vec<OrderEvent>>,
        change: Change<'_>,
        beside: BesideSeveral<'_>,
    ) -> Result<BTreeSet<SkuIndex>, Rejection> {
        let BesideSeveral { answer, collections, dispatching, storing } = beside;
        let mut events = collections.clone();
        let keys: Vec<OrderKey> = told.keys().copied().collect();
        let (mut works, wall) = (Vec::new(), turn.log.now().wall);
        for (key, told) in told {
            let order = order_in(orders, key).expect("it is locked");
            works.extend(works_taken_over(network, (key, order.lines.len()), &told, work_at(order, wall)));
            events.extend(order_events(order, told));
        }
        events.extend(change.events());
        events.extend(works.iter().map(Work::event));
        events.extend(dispatching.iter().flat_map(Dispatching::events));
        events.extend(storing.iter().flat_map(Storing::events));
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, Some(answer))?;
        network.workloads.take(&works);
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        for key in keys {
            let slot = orders.get_mut(&key).expect("it is locked");
            logged.fold_order_of(key, slot);
            network.workloads.look_at(slot.as_ref().expect("just folded"));
        }
        collections.iter().for_each(|told| self.fold_collection(told));
        dispatching.into_iter().for_each(|told| told.logged(&logged));
        storing.into_iter().for_each(Storing::logged);
        Ok(logged.done())
    }

    /// Ships a fulfilment order and all that leave with it and have not ended, in one record; none of them when one cannot.
    pub(super) fn ship_together(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        asked: FulfillmentKey,
        together: &[FulfillmentKey],
        shipment: &Shipment,
    ) -> Result<(u64, BTreeSet<SkuIndex>), Rejection> {
        let keys = together.iter().map(|key| key.order).collect();
        let mut orders = self.lock_several(&keys);
        let now = turn.now();
        let verb = FulfillmentVerb::Ship;
        let mut told: BTreeMap<OrderKey, Vec<OrderEvent>> = BTreeMap::new();
        let mut cells: BTreeMap<CellKey, u32> = BTreeMap::new();
        let (mut left, mut leaving, mut over) = (Vec::new(), BTreeSet::new(), Vec::new());
        for key in together {
            let Some(order) = order_in(&orders, key.order) else { continue };
            let fulfillment = order.fulfillment(key.number).expect("it was joined");
            let status = fulfillment.status;
            let gone = matches!(status, FulfillmentStatus::Shipped | FulfillmentStatus::Delivered);
            if *key != asked && (gone || !status.is_live()) {
                continue;
            }
            if !order.takes(fulfillment, verb) {
                return Err(order.illegal(fulfillment, verb));
            }
            let holds: Vec<_> = order.holds.iter().filter(|hold| hold.forbids_at(verb, now)).map(Hold::name).collect();
            if !holds.is_empty() {
                return Err(Rejection::OnHold { id: key.to_string(), verb, holds });
            }
            check_paid(network, order, *key, verb, || self.given_ahead(order))?;
            check_released(network, order, fulfillment, turn.log.now().wall)?;
            for (sku, units) in fulfillment.line_units().into_iter().flat_map(|units| order.stock_of(units)) {
                *cells.entry(CellKey { sku, node: fulfillment.node }).or_default() += units;
                left.push((network.whose_order(order), sku, units));
                leaving.insert((sku, *key));
            }
            let step = FulfillmentStep::Shipped { shipment: shipment.clone() };
            over.extend(self.collection_told(*key, &step, None));
            told.entry(key.order).or_default().push(OrderEvent::Fulfillment { number: key.number, step });
        }
        let mut change = Change::lock(network, &cells.keys().map(|cell| cell.sku).collect());
        for (cell, units) in cells {
            change.ship(cell, units);
        }
        leaving.into_iter().for_each(|(sku, by)| change.end_pick(sku, by, |by| LotChange::Left { by }));
        left.into_iter().for_each(|(whose, sku, units)| change.ships_for(whose, sku, units));
        let steps = told.iter().flat_map(|(order, told)| told.iter().filter_map(move |told| step_in(*order, told)));
        let steps = steps.filter_map(|(key, step)| {
            let node = order_in(&orders, key.order)?.fulfillment(key.number)?.node;
            Some((key, node, step))
        });
        let dispatching = self.dispatching(network, turn.log.now().wall, steps);
        let of_each = told.iter().filter_map(|(of, told)| Some((&**order_in(&orders, *of)?, &told[..])));
        let storing = self.store_anew_all(network, of_each, turn.log.now())?;
        let answer = Answer::Order(asked.order);
        let beside = BesideSeveral { answer, collections: over, dispatching, storing };
        let touched = self.log_several(turn, network, &mut orders, told, change, beside)?;
        for key in together {
            let order = order_in(&orders, key.order);
            order.into_iter().for_each(|order| self.watch_windows(network, order, key.number..=key.number));
        }
        Ok((order_in(&orders, asked.order).expect("just folded").seq, touched))
    }
}

/// The step of a fulfilment order that an order is told of.
fn step_in(order: OrderKey, told: &OrderEvent) -> Option<(FulfillmentKey, &FulfillmentStep)> {
    match told {
        OrderEvent::Fulfillment { number, step } => Some((FulfillmentKey { order, number: *number }, step)),
        _ => None,
    }
}

pub(super) fn order_in(orders: &Several, key: OrderKey) -> Option<&Arc<Order>> {
    orders.get(&key).and_then(|slot| slot.as_ref())
}

/// Fulfilment orders of at least two orders that wait at one node for their own destination, node by node. Every order
/// must share a node with another, or joining it would mean nothing.
fn at_one_node(orders: &Several, leader: &Order) -> Result<Vec<Vec<FulfillmentKey>>, Rejection> {
    let mut by_node: BTreeMap<NodeIndex, Vec<FulfillmentKey>> = BTreeMap::new();
    for order in orders.values().filter_map(|slot| slot.as_ref()) {
        for f in order.fulfillment_orders.iter().filter(|f| f.group == 0 && f.status.is_before_picking()) {
            if let Some(other) = f.ships_with.iter().find(|key| !orders.contains_key(&key.order)) {
                let why = format!("fulfilment order {} leaves with {other}: name its order too", f.number);
                return Err(Rejection::NotConsolidable { order: order.name(), why });
            }
            by_node.entry(f.node).or_default().push(FulfillmentKey { order: order.key, number: f.number });
        }
    }
    let several = |keys: &Vec<FulfillmentKey>| keys.iter().any(|key| key.order != keys[0].order);
    let together: Vec<_> = by_node.into_values().filter(several).collect();
    let joined: BTreeSet<OrderKey> = together.iter().flatten().map(|key| key.order).collect();
    match orders.values().filter_map(|slot| slot.as_ref()).find(|order| !joined.contains(&order.key)) {
        Some(alone) => {
            let why = "it has nothing before picking at a node of the others".to_owned();
            Err(Rejection::NotConsolidable { order: alone.name(), why })
        }
        None if together.is_empty() => {
            let why = "there is no other order".to_owned();
            Err(Rejection::NotConsolidable { order: leader.name(), why })
        }
        None => Ok(together),
    }
}
