//! One attempt to allocate an order's units: route, take, log, all or nothing.
//!
//! Three callers: a new order, an order whose units came back (reject, short pick), and a waiting line that is tried
//! again. A checkout that finds its units holds no ledger. What cannot be filled *joins* the queue: that needs the
//! ledgers of the short skus, so the attempt stops with [`Stop::NeedLedgers`] and is made again with them held, after
//! what is due was expired. Under the ledgers gives stand still, so once every eligible word is seen empty with nothing
//! in flight, waiting is right: nobody can be overtaken and no free unit is left beside the demand.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Engine;
use super::arriving::delivery_promised;
use super::cell::Word;
use super::change::{Change, Place};
use super::exception::Cause;
use super::fences::Shipment;
use super::limits::Counting;
use super::lockers::{Parcelled, Storing};
use super::loose::{Keeping, Loose};
use super::network::Network;
use super::purchase::Buying;
use super::readiness::promised;
use super::routing::{Route, Routed, Wanted, nowhere, route};
use super::shares::{self, Claimed};
use super::turn::{Logged, Turn, reservation_event};
use super::withdrawal::{NotTaken, Patience, Withdrawal};
use super::workload::{Work, works_of};
use crate::domain::decision::{Decision, FenceReason, LineUnits};
use crate::domain::event::{Answer, Event, OrderChanged};
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex};
use crate::domain::limits::FULFILLMENT_ORDERS_MAX;
use crate::domain::order::{Allocation, Order as KnownOrder, OrderEvent, PlacedLine};
use crate::domain::policy::Standing;
use crate::domain::rejection::Rejection;
use crate::domain::reservation::{Reservation, ReservationEvent, ReservationState};
use crate::domain::slots::Places;
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};
use crate::domain::supply::after;
use crate::domain::time::{JournalTime, WallTime};
use crate::sabotage::{Bug, planted};

/// Whose units are wanted, and how.
pub struct Order<'a> {
    /// Its number.
    pub key: OrderKey,
    /// Where the next fulfilment order's number starts.
    pub next_number: u16,
    /// Units of each line that wait already, for a release or for stock.
    pub waiting: &'a [u32],
    /// Units of each line that were cancelled.
    pub cancelled: &'a [u32],
    /// What is wanted.
    pub wanted: Wanted<'a>,
    /// Places of slots that it takes with its units, ascending.
    pub places: &'a [Places],
    /// What of it is to lie in lockers.
    pub parcels: &'a [Parcelled],
    /// The order itself, where what is fetched from lockers goes to those of whichever node has it.
    pub seeks_locker: Option<&'a KnownOrder>,
    /// The reservation it claims, locked and held.
    pub claimed: Option<&'a Reservation>,
    /// Whether this fills units that wait already: takes what can be had and joins nothing. What is its own then is the
    /// pool's.
    pub fills: bool,
    /// What decides when it is served, should it have to wait.
    pub standing: Standing,
    /// The exception that it is when units have to wait, if it is one.
    pub raises: Option<ExceptionKind>,
}

/// What an attempt decided.
pub struct Decided {
    /// Units given to nodes.
    pub allocations: Vec<Allocation>,
    /// Units that wait from now on.
    pub backordered: Vec<LineUnits>,
    /// Why so.
    pub decision: Decision,
}

/// Why an attempt did not end.
pub enum Stop {
    /// It needs these ledgers; expire what is due, then come again with them.
    NeedLedgers(BTreeSet<SkuIndex>),
    /// Units went meanwhile: come again.
    Again,
    /// No.
    Rejected(Rejection),
}

impl Stop {
    /// Units went meanwhile: it is tried again, though not for ever.
    fn again(patience: &mut Patience) -> Self {
        if patience.again() { Self::Again } else { Self::Rejected(Rejection::Contended) }
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl Engine {
    /// See the module. `record` makes the order's own events from what was decided; an attempt that fills and finds
    /// nothing answers `None`.
    #[allow(clippy::too_many_arguments, reason = "the parts of one transaction")]
    pub(super) fn attempt(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        order: &Order<'_>,
        held: &BTreeSet<SkuIndex>,
        now: JournalTime,
        patience: &mut Patience,
        record: impl Fn(Decided) -> Vec<Event>,
        answer: Option<Answer>,
    ) -> Result<Option<Logged>, Stop> {
        let mut change = Change::lock(network, held);
        change.is_for(order.wanted.whose);
        if order.claimed.is_some() {
            change.claims(order.wanted.own_whose);
        }
        let spent = usize::from(order.next_number) > FULFILLMENT_ORDERS_MAX;
        let (route, fenced) = match spent {
            true => (nowhere(network, &order.wanted), Cow::Borrowed(order.wanted.fenced)),
            false => self.route_to_lockers(network, order),
        };
        let may_more_come =
            |route: &Route| !spent && more_may_come_back(network, &Wanted { fenced: &fenced, ..order.wanted }, route);
        if order.fills && route.shipments.is_empty() {
            self.await_room(network, &order.wanted, &route);
            return if may_more_come(&route) { Err(come_again(patience)) } else { Ok(None) };
        }
        let units = cells_of(order.wanted.lines, &route);
        let own = order.wanted.own;
        if order.fills && !pool_has(&mut change, own, &units) {
            return Err(Stop::again(patience));
        }
        let claimed = own.iter().filter(|_| !order.fills);
        let rest: BTreeMap<CellKey, u32> = claimed
            .map(|(cell, held)| (*cell, shares::claim(*held, units.get(cell).copied().unwrap_or(0)).rest))
            .filter(|(_, rest)| *rest > 0)
            .collect();
        let short = if order.fills { BTreeSet::new() } else { skus_of(order.wanted.lines, &route.unfilled) };
        let needed: BTreeSet<SkuIndex> = short.iter().copied().chain(rest.keys().map(|cell| cell.sku)).collect();
        if !needed.is_subset(held) {
            return Err(Stop::NeedLedgers(needed.union(held).copied().collect()));
        }
        // A line without a right is tried again at the next give only, so units in flight must not roll back unseen.
        let loose = !order.fills && route.unfilled.iter().any(|u| !has_right(network, order, u.line, spent));
        if loose && may_more_come(&route) {
            return Err(come_again(patience));
        }
        let Joined { by_right, all: joined } = place_in_queues(network, &mut change, order, &route, spent);
        for (cell, wanted) in &units {
            let Claimed { keep, extra, .. } = shares::claim(own.get(cell).copied().unwrap_or(0), *wanted);
            if keep > 0 {
                let n = keep as i32;
                let (kind, pool) = if order.fills { (MovementKind::Drained, -n) } else { (MovementKind::Claimed, 0) };
                change.shift(*cell, kind, LevelDelta { reserved: -n, committed: n, pool, ..LevelDelta::default() });
            }
            change.take(*cell, extra, MovementKind::Allocated, |delta, n| delta.committed += n);
        }
        for (cell, units) in &rest {
            change.give(*cell, *units, MovementKind::Released, |delta, n| delta.reserved -= n);
        }
        let (mut buying, mut told) = (Buying::default(), Vec::new());
        if network.catalogue.policies().has_supply() {
            let wall = turn.log.now().wall;
            buying = self.buying(network, &mut change, &joined, wall);
            told = dropshipped(network, order, &route, wall);
            told.extend(buying.told());
        }
        told.extend(promised(network, &order.wanted, order.next_number, &route.shipments));
        told.extend(delivery_promised(network, &order.wanted, order.next_number, &route));
        let places = network.calendar.lock(order.places);
        places.check(network)?;
        let mut storing = self.store(network, order.key, order.parcels)?;
        let mut causes = match order.raises {
            Some(kind) if !route.unfilled.is_empty() => causes(kind, order, &route),
            _ => Vec::new(),
        };
        // What is bought in this very record is no case of a sku that is out of stock.
        causes.retain(|cause| !is_bought(cause, &buying, &joined));
        let works = works_of(network, &order.wanted, (order.key, order.next_number), &route);
        if !works.is_empty() {
            change.may_roll_back();
        }
        self.await_room(network, &order.wanted, &route);
        let mut events = record(decided(order, route));
        tell(&mut events, order.key, told);
        if let Some(known) = order.seeks_locker {
            let told: Vec<OrderEvent> = told_of(&events, order.key).cloned().collect();
            // The last one may have gone to somebody else by now: then another node is found.
            storing = self.store_anew(network, known, &told, turn.log.now()).map_err(|_| Stop::again(patience))?;
        }
        let raising = self.raise(now, causes);
        events.extend(buying.events());
        events.extend(change.events());
        events.extend(raising.events());
        events.extend(places.taken());
        events.extend(storing.iter().flat_map(Storing::events));
        events.extend(works.iter().map(Work::event));
        if let Some(reservation) = order.claimed {
            let state = ReservationState::Claimed { order: order.key };
            events.push(reservation_event(reservation, ReservationEvent::Ended { state }));
        }
        let sealed = turn.seal(now, network.catalogue.seq, events, answer)?;
        let withdrawal = change.withdraw(patience).map_err(|not_taken| match not_taken {
            NotTaken::Refused(_) => Stop::again(patience),
            NotTaken::Contended => Stop::Rejected(Rejection::Contended),
        })?;
        let looks = !planted(Bug::JoinIgnoresMarks) && !planted(Bug::JoinWithoutLook);
        if looks && !all_empty(network, &by_right, &withdrawal) {
            drop(withdrawal);
            return Err(come_again(patience));
        }
        if !network.workloads.take(&works) {
            // Somebody took the last of a day: routed again it goes elsewhere.
            drop(withdrawal);
            return Err(Stop::again(patience));
        }
        let bought = self.begin_buying(&buying);
        let logged = turn.log_with(self, sealed, |at| {
            self.note_buying(&buying);
            change.apply(withdrawal, at)
        });
        self.fold_buying(&buying, bought, &logged);
        places.take();
        storing.into_iter().for_each(Storing::logged);
        raising.logged(&logged);
        Ok(Some(logged))
    }

    /// Where an order goes, and who may not be asked then. What of it is fetched from lockers and may go to any goes where a
    /// compartment is free.
    fn route_to_lockers<'o>(&self, network: &Network, order: &'o Order<'_>) -> (Route, Cow<'o, [NodeIndex]>) {
        let mut fenced = Cow::Borrowed(order.wanted.fenced);
        let mut found = route(network, &order.wanted);
        let Some(known) = order.seeks_locker else { return (found, fenced) };
        while let Some(node) = self.full_locker(network, known, &found.shipments).filter(|node| !fenced.contains(node))
        {
            fenced.to_mut().push(node);
            found = route(network, &Wanted { fenced: &fenced, ..order.wanted });
        }
        let full = &fenced[order.wanted.fenced.len()..];
        if !full.is_empty() {
            Arc::make_mut(&mut found.decision.evidence).fence(full, FenceReason::NoCompartment);
        }
        (found, fenced)
    }
}

/// What a record tells of an order.
fn told_of(events: &[Event], key: OrderKey) -> impl Iterator<Item = &OrderEvent> {
    events.iter().filter_map(move |event| match event {
        Event::OrderChanged(changed) if changed.key == key => Some(&changed.event),
        _ => None,
    })
}

/// Whether the pool still has what is to be taken of it.
fn pool_has(change: &mut Change<'_>, own: &BTreeMap<CellKey, u32>, units: &BTreeMap<CellKey, u32>) -> bool {
    own.iter().all(|(cell, seen)| {
        let wanted = units.get(cell).copied().unwrap_or(0).min(*seen);
        let position = change.ensure(*cell);
        change.ledger(cell.sku).at(position).pool >= wanted
    })
}

/// What went wrong when units have to wait: a sku is out of stock, or an order finds nobody.
fn causes(kind: ExceptionKind, order: &Order<'_>, route: &Route) -> Vec<Cause> {
    let uneconomic = route.decision.uneconomic();
    let lacking = |u: &LineUnits| {
        let left = uneconomic.iter().filter(|left| left.line == u.line).map(|left| left.quantity).sum::<u32>();
        Some(LineUnits { quantity: u.quantity.checked_sub(left).filter(|units| *units > 0)?, ..*u })
    };
    let lacking: Vec<LineUnits> = route.unfilled.iter().filter_map(lacking).collect();
    let subjects: Vec<(Subject, u32)> = match kind {
        // Everybody has what is too dear to fill: that is no case.
        _ if lacking.is_empty() => Vec::new(),
        ExceptionKind::StockOut => {
            let units = |u: &LineUnits| order.wanted.lines[usize::from(u.line)].stock(u.quantity);
            lacking.iter().flat_map(units).map(|(sku, units)| (Subject::Sku(sku), units)).collect()
        }
        _ => {
            let units = lacking.iter().map(|u| u.quantity).fold(0, u32::saturating_add);
            vec![(Subject::Order(order.key), units)]
        }
    };
    let cause = |(subject, units)| Cause { key: ExceptionKey { kind, subject }, units, order: Some(order.key) };
    subjects.into_iter().map(cause).collect()
}

/// Whether all units of a sku that join its queue are bought with them.
fn is_bought(cause: &Cause, buying: &Buying, joined: &BTreeMap<SkuIndex, u64>) -> bool {
    match cause.key.subject {
        Subject::Sku(sku) => joined.get(&sku).is_some_and(|units| buying.units_of(sku) >= *units),
        _ => false,
    }
}

/// Come again after a moment, as long as patience lasts.
fn come_again(patience: &mut Patience) -> Stop {
    if patience.wait() { Stop::Again } else { Stop::Rejected(Rejection::Contended) }
}

/// Whether more could be filled if what others have in flight rolled back. Looked at after the route was made: what
/// rolled back in between counts as well.
pub(super) fn more_may_come_back(network: &Network, wanted: &Wanted<'_>, seen: &Route) -> bool {
    let with_flying = Wanted { counts: Word::free_or_flying, counting: Counting::AtBest, ..*wanted };
    let unfilled = |route: &Route| route.unfilled.iter().map(|u| u64::from(u.quantity)).sum::<u64>();
    unfilled(&route(network, &with_flying)) < unfilled(seen)
}

/// Units wanted of each cell by a route.
fn cells_of(lines: &[PlacedLine], route: &Route) -> BTreeMap<CellKey, u32> {
    let mut cells = BTreeMap::new();
    for shipment in &route.shipments {
        for u in &shipment.assignment.lines {
            for (sku, units) in lines[usize::from(u.line)].stock(u.quantity) {
                *cells.entry(CellKey { sku, node: shipment.assignment.node }).or_default() += units;
            }
        }
    }
    cells
}

fn skus_of(lines: &[PlacedLine], units: &[LineUnits]) -> BTreeSet<SkuIndex> {
    units.iter().flat_map(|u| lines[usize::from(u.line)].stock(1)).map(|(sku, _)| sku).collect()
}

/// Whether a line would wait with a right; the same for an order that is not made yet as `Order::waits_with_right`, what
/// its channel says and whether its rules have fences.
fn has_right(network: &Network, order: &Order<'_>, line: u16, spent: bool) -> bool {
    let line = &order.wanted.lines[usize::from(line)];
    let single = line.components.is_empty() && order.wanted.fenced.is_empty() && !spent;
    let wanted = order.wanted.of_group(line.group);
    single && wanted.only.is_none() && !wanted.rules.is_fenced() && network.queues(line.sku, wanted.whose)
}

/// Tells more of an order in a record that tells of it.
fn tell(events: &mut Vec<Event>, key: OrderKey, more: Vec<OrderEvent>) {
    let own = |event: &Event| match event {
        Event::OrderChanged(changed) if changed.key == key => Some(changed.version),
        _ => None,
    };
    for event in more {
        let last = events.iter().rev().find_map(own).expect("a record of an order tells of it");
        events.push(Event::OrderChanged(Box::new(OrderChanged { key, version: last + 1, event })));
    }
}

/// What suppliers ship themselves of a route, and by when.
fn dropshipped(network: &Network, order: &Order<'_>, route: &Route, now: WallTime) -> Vec<OrderEvent> {
    let policies = network.catalogue.policies();
    let of = |(number, shipment): (u16, &Routed)| {
        let own = &shipment.assignment;
        let skus = own.lines.iter().flat_map(|u| order.wanted.lines[usize::from(u.line)].stock(1));
        let lead_s = skus.filter_map(|(sku, _)| policies.dropship_lead_s(sku, own.node)).max()?;
        Some(OrderEvent::Dropshipped { number, ready_at: after(now, lead_s) })
    };
    (order.next_number..).zip(&route.shipments).filter_map(of).collect()
}

/// Units that join queues, by sku.
#[derive(Default)]
struct Joined {
    /// Skus of which some wait with a right.
    by_right: BTreeSet<SkuIndex>,
    /// All that wait for units at all.
    all: BTreeMap<SkuIndex, u64>,
}

/// Puts what cannot be filled into the queues.
fn place_in_queues(
    network: &Network,
    change: &mut Change<'_>,
    order: &Order<'_>,
    route: &Route,
    spent: bool,
) -> Joined {
    let mut joined = Joined::default();
    if order.fills {
        return joined;
    }
    for u in &route.unfilled {
        let line = &order.wanted.lines[usize::from(u.line)];
        let waiting = (order.key, u.line);
        let of = |units: &[u32]| units.get(usize::from(u.line)).copied().unwrap_or(0);
        let all = of(order.waiting) + u.quantity;
        let rank = order.standing.rank(line, of(order.cancelled), all);
        if has_right(network, order, u.line, spent) {
            for (sku, _) in line.stock(1) {
                change.place(sku, waiting, Place::Queued(all));
                change.rank(sku, waiting, rank);
                joined.by_right.insert(sku);
            }
        } else {
            let wants = if spent { 0 } else { all };
            for (sku, loose) in loose_of(network, order, LineUnits { line: u.line, quantity: wants }) {
                change.place(sku, waiting, Place::Loose(loose.into()));
                change.rank(sku, waiting, rank);
            }
        }
        for (sku, units) in line.stock(u.quantity).into_iter().filter(|_| !spent) {
            *joined.all.entry(sku).or_default() += u64::from(units);
        }
    }
    joined
}

/// What a line wants of each of its skus that waits without a right.
fn loose_of(network: &Network, order: &Order<'_>, units: LineUnits) -> Vec<(SkuIndex, Loose)> {
    let group = order.wanted.lines[usize::from(units.line)].group;
    let wanted = order.wanted.of_group(group);
    let (only, group) = (wanted.only, usize::from(group));
    let shipment = Shipment {
        to: wanted.to.get(group),
        position: wanted.destinations.get(group).copied().flatten(),
        lines: wanted.lines,
        placed_at: wanted.placed_at,
        at: wanted.at,
        known_at: wanted.known_at,
        work_at: wanted.work_at(),
        dates: wanted.dates,
        leaving: wanted.leaving,
    };
    Keeping { fenced: wanted.fenced, whose: wanted.whose, rules: wanted.rules, only, shipment }.loose(network, units)
}

/// Whether no eligible cell of these skus has a free unit, or one in flight of somebody else.
fn all_empty(network: &Network, skus: &BTreeSet<SkuIndex>, withdrawal: &Withdrawal<'_>) -> bool {
    let cells = skus.iter().flat_map(|sku| network.sku(*sku).cells.iter());
    cells
        .filter(|cell| network.supplies(cell.node))
        .all(|cell| shares::has_nothing_for_others(cell.word.both(), withdrawal.in_flight_of(&cell.word)))
}

fn decided(order: &Order<'_>, route: Route) -> Decided {
    let allocations = route
        .shipments
        .into_iter()
        .enumerate()
        .map(|(at, shipment)| Allocation {
            number: order.next_number + at as u16,
            node: shipment.assignment.node,
            group: shipment.group,
            lines: shipment.assignment.lines,
            cost: shipment.assignment.cost,
        })
        .collect();
    let decision = Decision { assignments: Vec::new(), unfilled: Vec::new(), ..route.decision };
    Decided { allocations, backordered: route.unfilled, decision }
}
