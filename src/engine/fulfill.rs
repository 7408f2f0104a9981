//! Steps of fulfilment orders and cancellations of orders, stock included in the same record. Units that come back to
//! the order are sourced again before the reply; so is what a short pick leaves.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Change, Place};
use super::network::Network;
use super::shares;
use super::table::Locked;
use super::turn::{Turn, order_events};
use super::withdrawal::{Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::command::{CancelOrder, CancelUnits, Fulfill, FulfillmentAction, NamedUnits};
use crate::domain::decision::LineUnits;
use crate::domain::event::Answer;
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentStep, FulfillmentVerb, ShortReason};
use crate::domain::hold::Hold;
use crate::domain::ids::{FulfillmentKey, OrderKey, SkuIndex, Text};
use crate::domain::order::{CancelFrom, CancelledPart, Order, OrderEvent};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};
use crate::domain::time::{JournalTime, WallTime};
use crate::sabotage::{Bug, planted};

/// Whether a part of a command was done, or units were in flight and it is worth coming again.
enum Tried<T> {
    Done(T),
    Again,
}

impl Engine {
    pub(super) fn fulfill(&self, turn: &Turn<'_>, command: &Fulfill) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("fulfillment_order", command.fulfillment.to_string());
        let key = FulfillmentKey::parse(&command.fulfillment).ok_or_else(unknown)?;
        let mut patience = Patience::default();
        let (seq, touched) = loop {
            match self.try_fulfill(turn, &network, key, command, &mut patience)? {
                Tried::Done(done) => break done,
                Tried::Again => {}
            }
        };
        self.follow_up(turn, &network, touched);
        self.resource(turn, &network, key.order);
        let slot = self.orders.lock(key.order).ok_or_else(unknown)?;
        let order = slot.as_ref().expect("a locked entity is there").clone();
        let seq = seq.max(order.seq);
        Ok(Executed::done(Reply::Fulfillment { order: Box::new(order), key }, seq))
    }

    fn try_fulfill(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: FulfillmentKey,
        command: &Fulfill,
        patience: &mut Patience,
    ) -> Result<Tried<(u64, BTreeSet<SkuIndex>)>, Rejection> {
        let unknown = || Rejection::not_found("fulfillment_order", command.fulfillment.to_string());
        let mut slot = self.orders.lock(key.order).ok_or_else(unknown)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = order.fulfillment(key.number).ok_or_else(unknown)?;
        if let FulfillmentAction::Ship { shipment } = &command.action
            && !fulfillment.ships_with.is_empty()
        {
            let together = fulfillment.ships_with.clone();
            drop(slot);
            return self.ship_together(turn, network, key, &together, shipment).map(Tried::Done);
        }
        let step = step_of(order, fulfillment, &command.action)?;
        let verb = step.verb(fulfillment.status);
        if !fulfillment.status.takes(verb) {
            let (id, status) = (command.fulfillment.to_string(), fulfillment.status);
            return Err(Rejection::IllegalStep { id, status, verb: asked(&command.action) });
        }
        let now = turn.now();
        let holds: Vec<_> = order.holds.iter().filter(|hold| hold.forbids_at(verb, now)).map(Hold::name).collect();
        if !holds.is_empty() {
            return Err(Rejection::OnHold { id: command.fulfillment.to_string(), verb, holds });
        }
        if matches!(verb, FulfillmentVerb::Ship | FulfillmentVerb::HandOver) {
            check_released(network, order, fulfillment, turn.log.now().wall)?;
        }
        match self.log_step(turn, network, &mut slot, key.number, step, now, Some(Answer::Order(key.order)))? {
            Tried::Again if !patience.wait() => Err(Rejection::Contended),
            tried => Ok(tried),
        }
    }

    /// Logs a step that a fulfilment order of a locked order may take, with its stock effect.
    #[allow(clippy::too_many_arguments, reason = "each is a fact of the step")]
    fn log_step(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Order>,
        number: u16,
        step: FulfillmentStep,
        now: JournalTime,
        answer: Option<Answer>,
    ) -> Result<Tried<(u64, BTreeSet<SkuIndex>)>, Rejection> {
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = order.fulfillment(number).expect("the caller has seen it");
        let mut change = Change::lock(network, &skus_of(order, fulfillment, &step));
        change.is_for(network.whose_order(order));
        let mut withdrawal = Withdrawal::nothing();
        if fences(&step) {
            loosen(&mut change, order);
        }
        if !move_stock(network, &mut change, &mut withdrawal, order, fulfillment, &step) {
            return Ok(Tried::Again);
        }
        let cancelled = match &step {
            FulfillmentStep::Cancelled { resourced: false, .. } => fulfillment.line_units(),
            _ => Vec::new(),
        };
        let mut told = vec![OrderEvent::Fulfillment { number, step }];
        if !cancelled.is_empty() {
            told.extend(order.paid_off_without(cancelled));
        }
        let mut events: Vec<_> = order_events(order, told).collect();
        events.extend(change.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, answer)?;
        let logged = turn.log(self, sealed, change, withdrawal);
        logged.fold_order(slot);
        let seq = logged.seq();
        Ok(Tried::Done((seq, logged.done())))
    }

    /// Takes from nodes that are switched off what they have not begun of an order, and sources it again.
    pub(super) fn leave_idle_nodes(&self, turn: &Turn<'_>, network: &Network, key: OrderKey) {
        let mut touched = BTreeSet::new();
        while let Some(mut slot) = self.orders.lock(key) {
            let order = slot.as_ref().expect("a locked entity is there");
            let Some(idle) = order.fulfillment_orders.iter().find(|f| is_idle(network, f)) else { break };
            let reason = network.catalogue.node(idle.node).inactive_reason.clone();
            let (number, step) = (idle.number, FulfillmentStep::NodeOutage { reason });
            match self.log_step(turn, network, &mut slot, number, step, turn.now(), None) {
                Ok(Tried::Done((_, more))) => touched.extend(more),
                // Units only come back, so nothing is waited for; a record too large for them stays where it is.
                Ok(Tried::Again) | Err(_) => break,
            }
        }
        self.follow_up(turn, network, touched);
        self.resource(turn, network, key);
    }

    /// Cancels what is asked in one record, or in several while the order stays locked when one cannot hold it. Of all
    /// that can be cancelled the last of them uses the key, so that a repeat after a crash finishes; of named units the
    /// first does, so that none is cancelled twice.
    pub(super) fn cancel_order(&self, turn: &Turn<'_>, command: &CancelOrder) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("order", command.order.to_string());
        let key = self.find_order(&command.order).ok_or_else(unknown)?;
        let mut slot = self.orders.lock(key).ok_or_else(unknown)?;
        let mut parts = parts_to_cancel(slot.as_ref().expect("a locked entity is there"), command)?;
        let mut touched = BTreeSet::new();
        let mut at_once = parts.len();
        while !parts.is_empty() {
            let some = &parts[..at_once.min(parts.len())];
            let answer = (command.lines.is_some() || some.len() == parts.len()).then_some(Answer::Order(key));
            match self.cancel_parts(turn, &network, &mut slot, some, &command.reason, answer) {
                Ok(more) => {
                    touched.extend(more);
                    parts.drain(..at_once.min(parts.len()));
                }
                Err(Rejection::TooLarge(_)) if at_once > 1 => at_once /= 2,
                Err(rejection) => return Err(rejection),
            }
        }
        let order = slot.as_ref().expect("just folded").clone();
        let seq = order.seq;
        drop(slot);
        self.follow_up(turn, &network, touched);
        Ok(Executed::done(Reply::Order(Box::new(order)), seq))
    }

    /// Cancels these units of a locked order in one record.
    fn cancel_parts(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Order>,
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
        let mut events: Vec<_> = order_events(order, told).collect();
        events.extend(change.events());
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, answer)?;
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        logged.fold_order(slot);
        Ok(logged.done())
    }
}

/// Refuses that goods leave before their release.
fn check_released(
    network: &Network,
    order: &Order,
    fulfillment: &FulfillmentOrder,
    now: WallTime,
) -> Result<(), Rejection> {
    for line in fulfillment.lines.iter().filter(|line| line.quantity > 0) {
        let placed = &order.lines[usize::from(line.line)].placed;
        if let Some(release_at) = network.catalogue.release_of(placed).filter(|at| *at > now) {
            let id = FulfillmentKey { order: order.key, number: fulfillment.number }.to_string();
            return Err(Rejection::NotReleased { id, sku: network.sku_name(placed.sku), release_at });
        }
    }
    Ok(())
}

/// Whether a fulfilment order waits at a node that is switched off.
pub(super) fn is_idle(network: &Network, fulfillment: &FulfillmentOrder) -> bool {
    fulfillment.status.is_before_picking() && !network.catalogue.node(fulfillment.node).active
}

fn asked(action: &FulfillmentAction) -> FulfillmentVerb {
    match action {
        FulfillmentAction::Accept => FulfillmentVerb::Accept,
        FulfillmentAction::Reject { .. } => FulfillmentVerb::Reject,
        FulfillmentAction::Pick { .. } => FulfillmentVerb::Pick,
        FulfillmentAction::Short { .. } => FulfillmentVerb::Short,
        FulfillmentAction::Pack => FulfillmentVerb::Pack,
        FulfillmentAction::Ready => FulfillmentVerb::Ready,
        FulfillmentAction::Ship { .. } => FulfillmentVerb::Ship,
        FulfillmentAction::HandOver => FulfillmentVerb::HandOver,
        FulfillmentAction::Deliver => FulfillmentVerb::Deliver,
        FulfillmentAction::Cancel { .. } => FulfillmentVerb::Cancel,
        FulfillmentAction::CancelAccept => FulfillmentVerb::CancelAccept,
        FulfillmentAction::CancelRefuse => FulfillmentVerb::CancelRefuse,
    }
}

/// The step an action leads to. Before picking a cancel takes effect at once, after it the node is asked.
fn step_of(
    order: &Order,
    fulfillment: &FulfillmentOrder,
    action: &FulfillmentAction,
) -> Result<FulfillmentStep, Rejection> {
    let illegal = || Rejection::IllegalStep {
        id: FulfillmentKey { order: order.key, number: fulfillment.number }.to_string(),
        status: fulfillment.status,
        verb: asked(action),
    };
    Ok(match action {
        FulfillmentAction::Accept => FulfillmentStep::Accepted,
        FulfillmentAction::Reject { reason } => FulfillmentStep::Rejected { reason: reason.clone() },
        FulfillmentAction::Pick { lines } => {
            let lines = match lines {
                Some(lines) => units_of(order, fulfillment, lines)?,
                None => left_to_pick(fulfillment),
            };
            FulfillmentStep::Picked { lines }
        }
        FulfillmentAction::Short { lines, reason } => {
            FulfillmentStep::ShortPicked { lines: units_of(order, fulfillment, lines)?, reason: *reason }
        }
        FulfillmentAction::Pack => FulfillmentStep::Packed,
        FulfillmentAction::Ready => FulfillmentStep::MadeReady,
        FulfillmentAction::Ship { shipment } => FulfillmentStep::Shipped { shipment: shipment.clone() },
        FulfillmentAction::HandOver => FulfillmentStep::HandedOver,
        FulfillmentAction::Deliver => FulfillmentStep::Delivered,
        FulfillmentAction::Cancel { reason, resource } => match fulfillment.status {
            FulfillmentStatus::Submitted | FulfillmentStatus::Accepted => {
                FulfillmentStep::Cancelled { reason: reason.clone(), resourced: *resource }
            }
            status if status.legal().contains(&FulfillmentVerb::Cancel) => {
                FulfillmentStep::CancellationRequested { reason: reason.clone(), resourced: *resource }
            }
            _ => return Err(illegal()),
        },
        FulfillmentAction::CancelAccept if fulfillment.status == FulfillmentStatus::Cancelling => {
            let reason = fulfillment.reason.clone().unwrap_or_else(|| Text::from("cancelled"));
            FulfillmentStep::Cancelled { reason, resourced: fulfillment.resources }
        }
        FulfillmentAction::CancelAccept => return Err(illegal()),
        FulfillmentAction::CancelRefuse => FulfillmentStep::CancellationRefused,
    })
}

fn left_to_pick(fulfillment: &FulfillmentOrder) -> Vec<LineUnits> {
    let left = fulfillment.lines.iter().filter(|l| l.quantity > l.picked);
    left.map(|l| LineUnits { line: l.line, quantity: l.quantity - l.picked }).collect()
}

/// Named units as positions; no more of a line than is left to pick.
fn units_of(order: &Order, fulfillment: &FulfillmentOrder, named: &[NamedUnits]) -> Result<Vec<LineUnits>, Rejection> {
    check_named(named)?;
    let mut wanted: BTreeMap<u16, u32> = BTreeMap::new();
    for (at, units) in named.iter().enumerate() {
        let unknown = || {
            let detail = format!("the fulfilment order has no line {:?}", units.line);
            Rejection::invalid(format!("lines[{at}].line"), "unknown_line", detail)
        };
        let line = order.line_at(&units.line).ok_or_else(unknown)?;
        let left: u32 = fulfillment.lines.iter().filter(|l| l.line == line).map(|l| l.quantity - l.picked).sum();
        if left == 0 && fulfillment.units_of(line) == 0 {
            return Err(unknown());
        }
        let sum = wanted.entry(line).or_default();
        *sum = sum.saturating_add(units.quantity.units());
        if *sum > left {
            let detail = format!("{left} units of line {} are left to pick, {sum} were named", units.line);
            return Err(Rejection::invalid(format!("lines[{at}].quantity"), "quantity_out_of_range", detail));
        }
    }
    Ok(wanted.into_iter().map(|(line, quantity)| LineUnits { line, quantity }).collect())
}

/// Refuses a list that names nothing: it would fence a node or write a story of nothing.
fn check_named(named: &[NamedUnits]) -> Result<(), Rejection> {
    if named.is_empty() { Err(no_lines()) } else { Ok(()) }
}

fn no_lines() -> Rejection {
    Rejection::invalid("lines", "no_lines", "names no line; leave it out where all is meant")
}

fn fences(step: &FulfillmentStep) -> bool {
    matches!(
        step,
        FulfillmentStep::Rejected { .. }
            | FulfillmentStep::ShortPicked { .. }
            | FulfillmentStep::Cancelled { resourced: true, .. }
    )
}

/// An order with a fenced node waits without a right from now on: its units might not come from where they arrive.
fn loosen(change: &mut Change<'_>, order: &Order) {
    for (line, own) in (0..).zip(&order.lines) {
        if own.waiting() > 0 {
            for (sku, _) in own.placed.stock(1) {
                change.place(sku, (order.key, line), Place::Loose);
            }
        }
    }
}

/// Skus whose ledgers a step needs.
fn skus_of(order: &Order, fulfillment: &FulfillmentOrder, step: &FulfillmentStep) -> BTreeSet<SkuIndex> {
    let moves = fences(step)
        || matches!(
            step,
            FulfillmentStep::Shipped { .. }
                | FulfillmentStep::HandedOver
                | FulfillmentStep::Cancelled { .. }
                | FulfillmentStep::NodeOutage { .. }
        );
    if !moves {
        return BTreeSet::new();
    }
    let own = fulfillment.lines.iter().flat_map(|l| order.lines[usize::from(l.line)].placed.stock(1));
    let waiting = order.lines.iter().filter(|l| l.waiting() > 0 && fences(step)).flat_map(|l| l.placed.stock(1));
    own.chain(waiting).map(|(sku, _)| sku).collect()
}

/// The stock effect of a step. `false` when units of others are in flight and it must come again.
fn move_stock<'n>(
    network: &'n Network,
    change: &mut Change<'n>,
    withdrawal: &mut Withdrawal<'n>,
    order: &Order,
    fulfillment: &FulfillmentOrder,
    step: &FulfillmentStep,
) -> bool {
    let node = fulfillment.node;
    let cells = |units: &[LineUnits]| -> Vec<(CellKey, u32)> {
        let mut cells: BTreeMap<CellKey, u32> = BTreeMap::new();
        for (sku, n) in units.iter().flat_map(|u| order.stock_of(*u)) {
            *cells.entry(CellKey { sku, node }).or_default() += n;
        }
        cells.into_iter().collect()
    };
    match step {
        FulfillmentStep::Shipped { .. } | FulfillmentStep::HandedOver => {
            for (cell, units) in cells(&fulfillment.line_units()) {
                change.ship(cell, units);
            }
            true
        }
        FulfillmentStep::Rejected { .. } | FulfillmentStep::NodeOutage { .. } => {
            give_back(change, cells(&fulfillment.line_units()));
            true
        }
        FulfillmentStep::Cancelled { .. } => {
            let packed = matches!(
                fulfillment.before_cancelling,
                Some(FulfillmentStatus::Picked | FulfillmentStatus::Packed | FulfillmentStatus::Ready)
            );
            let (mut picked, mut free) = (Vec::new(), Vec::new());
            for line in &fulfillment.lines {
                let off_shelf = if packed { line.quantity } else { line.picked };
                picked.push(LineUnits { line: line.line, quantity: off_shelf });
                free.push(LineUnits { line: line.line, quantity: line.quantity - off_shelf });
            }
            give_back(change, cells(&free));
            for (cell, units) in cells(&picked).into_iter().filter(|(_, units)| *units > 0) {
                let n = units as i32;
                let delta = LevelDelta { committed: -n, quality_control: n, ..LevelDelta::default() };
                change.shift(cell, MovementKind::Deallocated, delta);
            }
            true
        }
        FulfillmentStep::ShortPicked { lines, reason } => {
            cells(lines).into_iter().all(|(cell, units)| short(network, change, withdrawal, cell, units, *reason))
        }
        FulfillmentStep::Accepted
        | FulfillmentStep::Picked { .. }
        | FulfillmentStep::Packed
        | FulfillmentStep::MadeReady
        | FulfillmentStep::Delivered
        | FulfillmentStep::CancellationRequested { .. }
        | FulfillmentStep::CancellationRefused => true,
    }
}

fn give_back(change: &mut Change<'_>, cells: Vec<(CellKey, u32)>) {
    for (cell, units) in cells {
        change.give(cell, units, MovementKind::Deallocated, |delta, n| delta.committed -= n);
    }
}

/// Units that were not found. The reason decides: nothing is there (all that is sellable goes), so many fewer are
/// there, or they are there but damaged.
fn short<'n>(
    network: &'n Network,
    change: &mut Change<'n>,
    withdrawal: &mut Withdrawal<'n>,
    cell: CellKey,
    units: u32,
    reason: ShortReason,
) -> bool {
    let position = change.ensure(cell);
    let now = change.ledger(cell.sku).at(position);
    let n = units as i32;
    match reason {
        ShortReason::Damaged => {
            let delta = LevelDelta { committed: -n, damaged: n, ..LevelDelta::default() };
            change.shift(cell, MovementKind::ShortPicked, delta);
            true
        }
        ShortReason::Mismatch => {
            change.ship_as(cell, units, MovementKind::ShortPicked);
            true
        }
        ShortReason::NotInStock => {
            // Damaged units and those under inspection lie elsewhere and stay; everything else is not there.
            let stays = (now.damaged + now.quality_control).min(now.on_hand);
            let word = network.cell(cell).expect("just ensured").word;
            let taken = withdrawal.add_up_to(word, network.limited(cell), u32::MAX);
            if !shares::has_nothing_for_others(word.both(), withdrawal.in_flight_of(word)) {
                return false;
            }
            let gone = (now.on_hand - stays) as i32;
            let delta = LevelDelta {
                on_hand: -gone,
                committed: -n,
                available: 0,
                shortfall: gone - n - taken as i32,
                ..LevelDelta::default()
            };
            change.shift(cell, MovementKind::ShortPicked, delta);
            change.withdrawn(cell, taken, MovementKind::ShortPicked);
            true
        }
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
        return Err(no_lines());
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

/// What is cancelled waits no longer, before anything is given.
pub(super) fn leave_queues(change: &mut Change<'_>, order: &Order, parts: &[CancelledPart]) {
    let mut gone: BTreeMap<u16, u32> = BTreeMap::new();
    for part in parts.iter().filter(|part| matches!(part.from, CancelFrom::Preordered | CancelFrom::Backordered)) {
        *gone.entry(part.line).or_default() += part.quantity;
    }
    for (line, gone) in gone {
        let own = &order.lines[usize::from(line)];
        let left = own.waiting() - gone;
        for (sku, _) in own.placed.stock(1) {
            let waiting = (order.key, line);
            let loose = change.ledger(sku).loose().contains(&waiting);
            let place = match (left, loose) {
                (0, _) => Place::Gone,
                (_, true) => Place::Loose,
                (left, false) => Place::Queued(left),
            };
            change.place(sku, waiting, place);
        }
    }
}
