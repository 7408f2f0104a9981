//! A proposal applied: units of many orders go from other nodes than so far, in one record.
//!
//! What one order leaves another takes: of each cell only what all of them together want more is taken, and only what they
//! want less is given back. So orders swap nodes though nothing is free. A day of a node takes as many shipments as leave it,
//! and beyond that only what it can still handle. Whatever is not as it was when the proposal was made refuses all of it: the
//! catalogue but for prices of opportunity, an order, units that are not free any more, a day that is used up.
//!
//! Locks: the proposal; the catalogue's guard; the orders, ascending; the ledgers.
//!
//! What is *not* here: which plans are better (`optimise`), the steps an order is told of (`domain::optimisation`).

use std::collections::{BTreeMap, BTreeSet};

use super::arriving::{arrives, delivery_promised_of_waiting};
use super::change::Change;
use super::consolidate::{Several, order_in};
use super::network::Network;
use super::queue::still_wants;
use super::readiness::promised_of_waiting;
use super::step_stock::cells_of;
use super::turn::{Turn, order_events};
use super::withdrawal::{NotTaken, Patience};
use super::workload::{Rearranged, Work, work_at};
use super::{Engine, Executed};
use crate::domain::event::{Answer, Event, OptimisationApplied};
use crate::domain::ids::{FulfillmentKey, OrderKey, SkuIndex, Text};
use crate::domain::optimisation::{Optimisation, Replanned, Told as Moved, stays};
use crate::domain::order::{Order, OrderEvent, PlacedLine};
use crate::domain::policy::Standing;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::{CellKey, MovementKind};
use crate::domain::time::WallTime;

impl Engine {
    pub(super) fn apply_optimisation(&self, turn: &Turn<'_>, id: &Text) -> Result<Executed, Rejection> {
        let Some(proposal) = self.optimisations.find(id) else {
            // One of before the last start is told by the journal, if it was applied.
            let known = self.optimisation(id)?;
            return Ok(Executed::done(Reply::Optimisation(Box::new(known)), self.position()));
        };
        let mut own = proposal.lock();
        if own.applied_at.is_some() {
            return Ok(Executed::done(Reply::Optimisation(Box::new(own.clone())), self.position()));
        }
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        if network.catalogue.plans_seq() != own.catalogue_seq {
            return Err(stale("nodes, items or rules changed".to_owned()));
        }
        let (seq, touched) = self.log_replanned(turn, &network, &mut own)?;
        self.follow_up(turn, &network, touched);
        Ok(Executed::done(Reply::Optimisation(Box::new(own.clone())), seq))
    }

    /// Logs all of a proposal; answers the record and the skus whose queues have something to do.
    fn log_replanned(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        own: &mut Optimisation,
    ) -> Result<(u64, BTreeSet<SkuIndex>), Rejection> {
        let keys: BTreeSet<OrderKey> = own.orders.iter().map(|planned| planned.order).collect();
        let mut orders = self.lock_several(&keys);
        let (now, wall) = (turn.now(), turn.log.now().wall);
        let (events, cells, places) = Default::default();
        let may_be_later = own.may_be_later;
        let mut told = Told { orders: &orders, network, wall, may_be_later, events, cells, places };
        for planned in &own.orders {
            told.add(planned)?;
        }
        let Told { mut events, cells, places, .. } = told;
        let (works, left) = places.end(network);
        let mut change = change_of(network, &cells);
        change.may_roll_back();
        events.extend(change.events());
        events.extend(left.into_iter().chain(works.iter().map(Work::event)));
        let applied = OptimisationApplied { id: own.id.clone(), figures: own.figures };
        events.push(Event::OptimisationApplied(Box::new(applied)));
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Optimisation(own.id.clone())))?;
        let withdrawal = match change.withdraw(&mut Patience::default()) {
            Ok(withdrawal) => withdrawal,
            Err(NotTaken::Contended) => return Err(Rejection::Contended),
            Err(NotTaken::Refused(at)) => {
                let (cell, units) = change.refused(at).expect("a refusal names one of the takes");
                let (sku, node) = (network.sku_name(cell.sku), network.node_name(cell.node));
                return Err(stale(format!("{units} of {sku} at {node} are not free any more")));
            }
        };
        if !network.workloads.take(&works) {
            return Err(stale("a node can handle no more on its day".to_owned()));
        }
        let logged = turn.log(self, sealed, change, withdrawal);
        for key in &keys {
            let slot = orders.get_mut(key).expect("it is locked");
            logged.fold_order_of(*key, slot);
            let order = slot.as_ref().expect("just folded");
            self.watch_windows(network, order, 1..=order.next_number());
        }
        let (seq, at) = (logged.seq(), logged.time());
        own.applied_at = Some(at);
        self.optimisations.note_applied(own);
        let touched = logged.done();
        for planned in &own.orders {
            let order = order_in(&orders, planned.order).expect("it is locked");
            let standing = Standing::of(network.catalogue.policies().fill(), order);
            let lines: BTreeSet<u16> = planned.filled().flat_map(|own| &own.units).map(|u| u.line).collect();
            lines.into_iter().for_each(|line| still_wants(network, order, line, standing));
        }
        Ok((seq, touched))
    }
}

/// What a record tells of its orders, and what that is for stock and for the work of nodes.
struct Told<'a> {
    orders: &'a Several,
    network: &'a Network,
    wall: WallTime,
    may_be_later: bool,
    events: Vec<Event>,
    /// Units that are wanted more of a cell, or less.
    cells: BTreeMap<CellKey, i64>,
    places: Rearranged,
}

impl Told<'_> {
    /// What is promised anew of what goes elsewhere and comes later from there.
    fn promised_later(&self, order: &Order, planned: &Replanned, told: &Moved) -> Vec<OrderEvent> {
        let lines: Vec<PlacedLine> = order.lines.iter().map(|line| line.placed.clone()).collect();
        let mut later = Vec::new();
        for gone in told.moved.iter().filter(|gone| !told.merged.contains(&gone.number)) {
            let there = planned.after.iter().find(|own| own.node == gone.to && own.of.contains(&gone.of));
            let Some(there) = there else { continue };
            let way = (there.node, there.group);
            let day = arrives(&self.network.catalogue, order, &lines, way, &there.units, self.wall);
            let known = there.of.iter().filter_map(|number| order.deliver_by(*number)).min();
            let Some((day, known)) = day.zip(known) else { continue };
            // What is split off just now would be promised as what it is split off, which may come later.
            if day > known || gone.number != gone.of {
                later.extend(order.promised_anew(gone.number, day.max(known)));
            }
        }
        later
    }

    fn add(&mut self, planned: &Replanned) -> Result<(), Rejection> {
        let moved_on = |why: &str| stale(format!("order {} {why}", planned.name));
        let order = order_in(self.orders, planned.order).ok_or_else(|| moved_on("is no longer open"))?;
        if let Some(why) = stays(order) {
            return Err(moved_on(why));
        }
        let told = planned.told(order).ok_or_else(|| moved_on("moved on"))?;
        let before = planned.before.iter().map(|own| (own.node, &own.units, -1));
        let after = planned.after.iter().map(|own| (own.node, &own.units, 1));
        for (node, units, sign) in before.chain(after) {
            for (cell, units) in cells_of(order, node, units) {
                *self.cells.entry(cell).or_default() += sign * i64::from(units);
            }
        }
        let (at, of) = (work_at(order, self.wall), |number| FulfillmentKey { order: order.key, number });
        for gone in &told.moved {
            let to = (!told.merged.contains(&gone.number)).then_some(gone.to);
            self.places.moves(self.network, of(gone.number), (gone.from, to), at);
        }
        let stood = planned.before.iter().filter(|own| told.moved.iter().all(|gone| gone.number != own.number));
        for own in stood.filter(|own| told.merged.contains(&own.number)) {
            self.places.ends(self.network, of(own.number), own.node);
        }
        let later = if self.may_be_later { self.promised_later(order, planned, &told) } else { Vec::new() };
        let ready = promised_of_waiting(self.network, order, &told.filled, self.wall);
        let dated = delivery_promised_of_waiting(self.network, order, &told.filled, self.wall);
        for own in &told.filled {
            self.places.moves(self.network, of(own.number), (None, Some(own.node)), at);
        }
        let filled = (!told.filled.is_empty()).then_some(OrderEvent::Filled { allocations: told.filled });
        let steps = told.steps.into_iter().chain(later).chain(filled).chain(ready).chain(dated);
        self.events.extend(order_events(order, steps.collect()));
        Ok(())
    }
}

/// Takes what is wanted more of cells, and gives back what is wanted less.
fn change_of<'n>(network: &'n Network, cells: &BTreeMap<CellKey, i64>) -> Change<'n> {
    let moves = cells.iter().filter(|(_, net)| **net != 0);
    let mut change = Change::lock(network, &moves.clone().map(|(cell, _)| cell.sku).collect());
    for (cell, net) in moves {
        let units = u32::try_from(net.unsigned_abs()).expect("levels are far below");
        if *net > 0 {
            change.take(*cell, units, MovementKind::Allocated, |delta, n| delta.committed += n);
        } else {
            change.give(*cell, units, MovementKind::Deallocated, |delta, n| delta.committed -= n);
        }
    }
    change
}

fn stale(why: String) -> Rejection {
    Rejection::OptimisationStale { why }
}
