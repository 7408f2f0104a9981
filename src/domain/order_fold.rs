//! The fold of an order's events: what each changes, and what no order can take. What is *not* here: the order itself and
//! what is read off it (`order`), and stock, which has events of its own in the same record.

use std::sync::Arc;

use super::decision::{Assignment, Decision, LineUnits};
use super::edit::EditState;
use super::fulfillment::{FulfillmentLine, FulfillmentOrder, FulfillmentStatus, FulfillmentStep, ShortReason};
use super::hold::{Hold, HoldState};
use super::ids::{NodeIndex, OrderKey};
use super::lots::Identified;
use super::order::{
    Allocation, CancelFrom, CancelledPart, Deferral, Order, OrderEvent, OrderFacts, OrderLine, PlacedLine, Stage,
};
use super::order_story::told;
use super::payment::{Paid, PaymentFact};
use super::record::Header;
use super::stock::LawBroken;
use super::time::JournalTime;

impl Order {
    /// The next state of an order.
    pub fn fold(
        before: Option<Self>,
        key: OrderKey,
        version: u32,
        header: &Header,
        event: &OrderEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |order| order.version + 1);
        if version != expected {
            return Err(LawBroken(format!("order {key}: version {version} follows {}", expected - 1)));
        }
        let mut order = match (before, event) {
            (None, OrderEvent::Placed { facts, lines, .. }) => Self::captured(key, header, facts, lines),
            (Some(order), event) if !matches!(event, OrderEvent::Placed { .. }) && !order.is_archived() => order,
            (before, event) => {
                return Err(LawBroken(format!("order {key} ({}): cannot take {event:?}", before.is_some())));
            }
        };
        order.take(header, event)?;
        // Nobody is asked about units that have found their place.
        order.awaits_customer &= order.lines.iter().any(|line| line.unallocated > 0);
        order.version = version;
        order.seq = header.seq;
        order.history.push(told(header, event));
        order.check()?;
        Ok(order)
    }

    fn captured(key: OrderKey, header: &Header, facts: &Arc<OrderFacts>, lines: &[PlacedLine]) -> Self {
        let open = |placed: &PlacedLine| OrderLine {
            placed: placed.clone(),
            unallocated: placed.quantity,
            preordered: 0,
            backordered: 0,
            cancelled: 0,
        };
        let mut order = Self {
            key,
            facts: facts.clone(),
            lines: lines.iter().map(open).collect(),
            fulfillment_orders: Vec::new(),
            fenced: Vec::new(),
            decision: None,
            history: Vec::new(),
            received_at: header.time,
            version: 0,
            seq: 0,
            holds: Vec::new(),
            payments: Vec::new(),
            edits: Vec::new(),
            repriced: 0,
            split_from: None,
            deferral: None,
            particulars: None,
            left_at: 0,
            release_at: None,
            awaits_customer: false,
            priority: 0,
            returns: Vec::new(),
            ways: Vec::new(),
        };
        order.payments = order.paid_at_capture(&header.actor);
        order
    }

    fn take(&mut self, header: &Header, event: &OrderEvent) -> Result<(), LawBroken> {
        match event {
            OrderEvent::Placed { allocations, backordered, decision, .. }
            | OrderEvent::Sourced { allocations, backordered, decision } => {
                self.deferral = None;
                for allocation in allocations {
                    let take = |line: &mut OrderLine, units| sub(&mut line.unallocated, units, "unallocated");
                    self.allocate(header.time, allocation, take)?;
                }
                for units in backordered {
                    let line = self.line_mut(units.line)?;
                    sub(&mut line.unallocated, units.quantity, "unallocated")?;
                    line.backordered += units.quantity;
                }
                if let Some(decision) = decision {
                    self.decision = Some(Arc::new(Decision {
                        assignments: allocations.iter().map(Allocation::assignment).collect(),
                        unfilled: backordered.clone(),
                        ..(**decision).clone()
                    }));
                }
            }
            OrderEvent::Filled { allocations } => {
                for allocation in allocations {
                    self.allocate(header.time, allocation, take_waiting)?;
                }
                self.plan_filled(allocations);
            }
            OrderEvent::Preordered { units } => {
                for u in units {
                    let line = self.line_mut(u.line)?;
                    sub(&mut line.backordered, u.quantity, "backordered")?;
                    line.preordered += u.quantity;
                }
            }
            OrderEvent::ReleaseCame { units } => {
                for u in units {
                    let line = self.line_mut(u.line)?;
                    sub(&mut line.preordered, u.quantity, "preordered")?;
                    line.backordered += u.quantity;
                }
            }
            OrderEvent::Deferred { due } => self.deferral = Some(Deferral { stage: Stage::Received, due: *due }),
            OrderEvent::Routed { decision } => self.reach(Stage::Routed, decision)?,
            OrderEvent::RoutingFailed { decision } => self.reach(Stage::RoutingFailed, decision)?,
            OrderEvent::AllocationFailed { decision } => self.reach(Stage::AllocationFailed, decision)?,
            OrderEvent::Cancelled { parts, .. } => {
                for part in parts {
                    self.cancel(part)?;
                }
            }
            OrderEvent::Fulfillment { number, step } => {
                let from = self.fulfillment_mut(*number)?.status;
                let verb = step.verb(from);
                if let Some(hold) = self.holds.iter().find(|hold| hold.forbids_at(verb, header.decided_at)) {
                    let (hold, verb) = (hold.name(), verb.word());
                    return Err(LawBroken(format!("fulfilment order {number}: {hold} forbids to {verb}")));
                }
                self.step(header.time, *number, step)?;
            }
            OrderEvent::Prioritised { priority } => self.priority = *priority,
            OrderEvent::CustomerAsked => self.awaits_customer = true,
            OrderEvent::CustomerAnswered => self.awaits_customer = false,
            OrderEvent::Scheduled { release } => {
                self.release_at = Some(*release);
                let submitted = |f: &&mut FulfillmentOrder| f.status == FulfillmentStatus::Submitted;
                for fulfillment in self.fulfillment_orders.iter_mut().filter(submitted) {
                    (fulfillment.status, fulfillment.until) = (FulfillmentStatus::Scheduled, Some(*release));
                }
            }
            OrderEvent::Held { number, terms } => {
                if *number != self.next_hold() {
                    return Err(LawBroken(format!("hold {number} is not the next of {}", self.key)));
                }
                self.holds.push(Hold {
                    number: *number,
                    terms: terms.clone(),
                    actor: header.actor.clone(),
                    since: header.time,
                    state: HoldState::Active,
                    ended: None,
                });
            }
            OrderEvent::HoldEnded { number, state, .. } => {
                let key = self.key;
                let active =
                    self.holds.iter_mut().find(|hold| hold.number == *number && hold.state == HoldState::Active);
                let hold = active.ok_or_else(|| LawBroken(format!("order {key} has no active hold {number}")))?;
                hold.state = *state;
                hold.ended = Some((header.time, header.actor.clone()));
            }
            OrderEvent::PaymentReported { mark, amount } => {
                let fact = PaymentFact { mark: *mark, amount: *amount, at: header.time, actor: header.actor.clone() };
                self.payments.push(fact);
                let kept = Paid::of(&self.payments).kept();
                if kept < 0 {
                    return Err(LawBroken(format!("order {}: {} more was given back than taken", self.key, -kept)));
                }
            }
            OrderEvent::Identified { number, units } => {
                self.fulfillment_mut(*number)?.identified.extend_from_slice(units)
            }
            OrderEvent::Consolidated { number, ships_with } => self.consolidate(*number, ships_with)?,
            OrderEvent::SplitOff { parts, .. } => self.split_off(parts)?,
            OrderEvent::SplitFrom { order } => self.split_from = Some(*order),
            OrderEvent::Preferred { node } => self.particulars_mut().preferred_node = Some(*node),
            OrderEvent::Ways { ways } => self.ways.clone_from(ways),
            OrderEvent::Booked { bookings } => self.particulars_mut().bookings.clone_from(bookings),
            OrderEvent::Warranted { warranties } => self.particulars_mut().warranties.clone_from(warranties),
            OrderEvent::WarrantyRegistered { line, registered } => self.register(*line, *registered)?,
            OrderEvent::MergedInto { order, parts } => self.merge_into(*order, parts)?,
            OrderEvent::Merged { merged } => self.merge(header.time, merged)?,
            OrderEvent::Fenced { nodes } => nodes.iter().for_each(|node| self.fence(*node)),
            OrderEvent::Tracked { number, scans, estimated_at } => self.track(*number, scans, *estimated_at)?,
            // Its story tells it, and its documents say the rest.
            OrderEvent::Dropshipped { .. }
            | OrderEvent::Bought { .. }
            | OrderEvent::ReadyPromised { .. }
            | OrderEvent::DeliveryPromised { .. }
            | OrderEvent::ArrivalWanted { .. } => {}
            OrderEvent::Return { key, step, units, back } => self.take_return(*key, *step, units, *back)?,
            OrderEvent::Totalled { totals } => self.particulars_mut().totals = Some(*totals),
            OrderEvent::EditOpened { number, terms, decision } => self.open(header, *number, terms, decision)?,
            OrderEvent::EditEnded { number, state, .. } => self.end_edit(header, *number, *state)?,
            OrderEvent::Edited { number, lowered, allocations } => {
                self.end_edit(header, *number, EditState::Confirmed)?;
                self.edit_lines(header.time, *number, lowered, allocations)?;
            }
        }
        Ok(())
    }

    /// Its units rest on, with what was found out.
    fn reach(&mut self, stage: Stage, decision: &Decision) -> Result<(), LawBroken> {
        let key = self.key;
        let deferral =
            self.deferral.as_mut().ok_or_else(|| LawBroken(format!("the units of order {key} do not rest")))?;
        deferral.stage = stage;
        self.decision = Some(Arc::new(decision.clone()));
        Ok(())
    }

    /// The plan gains the shipments of units that waited; what waits no longer is no longer unfilled.
    fn plan_filled(&mut self, allocations: &[Allocation]) {
        let lines = &self.lines;
        let Some(decision) = self.decision.as_mut().map(Arc::make_mut) else { return };
        decision.assignments.extend(allocations.iter().map(Allocation::assignment));
        for unfilled in &mut decision.unfilled {
            unfilled.quantity = unfilled.quantity.min(lines[usize::from(unfilled.line)].waiting());
        }
        decision.unfilled.retain(|unfilled| unfilled.quantity > 0);
    }

    pub(super) fn line_mut(&mut self, line: u16) -> Result<&mut OrderLine, LawBroken> {
        let key = self.key;
        self.lines.get_mut(usize::from(line)).ok_or_else(|| LawBroken(format!("order {key} has no line {line}")))
    }

    pub(super) fn fulfillment_mut(&mut self, number: u16) -> Result<&mut FulfillmentOrder, LawBroken> {
        let key = self.key;
        let at = usize::from(number).wrapping_sub(1);
        self.fulfillment_orders
            .get_mut(at)
            .ok_or_else(|| LawBroken(format!("order {key} has no fulfilment order {number}")))
    }

    pub(super) fn allocate(
        &mut self,
        at: JournalTime,
        allocation: &Allocation,
        take: impl Fn(&mut OrderLine, u32) -> Result<(), LawBroken>,
    ) -> Result<(), LawBroken> {
        if allocation.number != self.next_number() {
            return Err(LawBroken(format!("fulfilment order {} is not the next of {}", allocation.number, self.key)));
        }
        for units in &allocation.lines {
            take(self.line_mut(units.line)?, units.quantity)?;
        }
        let Allocation { number, node, group, ref lines, cost } = *allocation;
        let mut made = FulfillmentOrder::submitted(number, node, group, lines, cost, at);
        if let Some(release) = self.release_at.filter(|release| release.journal > at) {
            (made.status, made.until) = (FulfillmentStatus::Scheduled, Some(release));
        }
        self.fulfillment_orders.push(made);
        Ok(())
    }

    pub(super) fn cancel(&mut self, part: &CancelledPart) -> Result<(), LawBroken> {
        let line = self.line_mut(part.line)?;
        line.cancelled += part.quantity;
        match part.from {
            CancelFrom::Unallocated => sub(&mut line.unallocated, part.quantity, "unallocated"),
            CancelFrom::Preordered => sub(&mut line.preordered, part.quantity, "preordered"),
            CancelFrom::Backordered => sub(&mut line.backordered, part.quantity, "backordered"),
            CancelFrom::Fulfillment(number) => {
                let fulfillment = self.fulfillment_mut(number)?;
                remove_units(fulfillment, part.line, part.quantity)?;
                if fulfillment.units() == 0 {
                    fulfillment.status = FulfillmentStatus::Cancelled;
                }
                Ok(())
            }
        }
    }

    fn step(&mut self, at: JournalTime, number: u16, step: &FulfillmentStep) -> Result<(), LawBroken> {
        let (key, next) = (self.key, self.next_number());
        let fulfillment = self.fulfillment_mut(number)?;
        let from = fulfillment.status;
        let verb = step.verb(from);
        if !from.takes(verb) {
            return Err(LawBroken(format!("fulfilment order {number} is {}: cannot {}", from.word(), verb.word())));
        }
        (fulfillment.since, fulfillment.until) = (at, fulfillment.until.filter(|_| keeps_window(step)));
        match step {
            FulfillmentStep::Accepted => fulfillment.status = FulfillmentStatus::Accepted,
            FulfillmentStep::Packed => fulfillment.status = FulfillmentStatus::Packed,
            FulfillmentStep::MadeReady => fulfillment.status = FulfillmentStatus::Ready,
            FulfillmentStep::HandedOver | FulfillmentStep::Delivered => {
                fulfillment.status = FulfillmentStatus::Delivered;
            }
            FulfillmentStep::Shipped { shipment } => {
                fulfillment.status = FulfillmentStatus::Shipped;
                fulfillment.shipment = Some(shipment.clone());
            }
            FulfillmentStep::Picked { lines } => {
                for units in lines {
                    pick_units(fulfillment, *units)?;
                }
                fulfillment.status = after_picking(fulfillment);
            }
            FulfillmentStep::ShortPicked { lines, reason } => {
                for units in lines {
                    remove_units(fulfillment, units.line, units.quantity)?;
                }
                fulfillment.status = after_picking(fulfillment);
                let node = fulfillment.node;
                self.return_units(lines)?;
                // Its books are doubted, as nobody knows what else is not there. After the other reasons they are right again.
                if *reason == ShortReason::Mismatch {
                    self.fence(node);
                }
            }
            FulfillmentStep::Rejected { reason } => {
                fulfillment.status = FulfillmentStatus::Rejected;
                fulfillment.reason = Some(reason.clone());
                let (units, node) = (fulfillment.line_units(), fulfillment.node);
                self.return_units(&units)?;
                self.fence(node);
            }
            FulfillmentStep::NodeOutage { reason } => {
                fulfillment.status = FulfillmentStatus::Incomplete;
                fulfillment.reason.clone_from(reason);
                let units = fulfillment.line_units();
                self.return_units(&units)?;
            }
            FulfillmentStep::CancellationRequested { reason, resourced } => {
                fulfillment.resources = *resourced;
                fulfillment.before_cancelling = Some(from);
                fulfillment.status = FulfillmentStatus::Cancelling;
                fulfillment.reason = Some(reason.clone());
            }
            FulfillmentStep::CancellationRefused => {
                fulfillment.status = fulfillment.before_cancelling.take().unwrap_or(FulfillmentStatus::Accepted);
            }
            FulfillmentStep::MadeReadyUntil { until } => {
                (fulfillment.status, fulfillment.until) = (FulfillmentStatus::Ready, Some(*until));
            }
            FulfillmentStep::Submitted => fulfillment.status = FulfillmentStatus::Submitted,
            FulfillmentStep::PutBack { lines } => {
                let picked = fulfillment.picked_units();
                if let Some(units) = lines.iter().find(|units| !is_among(&picked, units)) {
                    return Err(LawBroken(format!("line {} of {number} has fewer units to put back", units.line)));
                }
                fulfillment.status = FulfillmentStatus::Cancelled;
            }
            FulfillmentStep::Moved { node, cost } => {
                let (units, left) = (fulfillment.line_units(), fulfillment.node);
                (fulfillment.node, fulfillment.cost) = (*node, *cost);
                if fulfillment.until.is_none() {
                    fulfillment.status = FulfillmentStatus::Submitted;
                }
                self.plan_moved(&units, left, *node, *cost);
            }
            FulfillmentStep::Split { lines, into } => {
                if *into != next {
                    return Err(LawBroken(format!("fulfilment order {into} is not the next of {key}")));
                }
                let mut made = FulfillmentOrder {
                    split_from: Some(number),
                    ..FulfillmentOrder::submitted(
                        next,
                        fulfillment.node,
                        fulfillment.group,
                        lines,
                        fulfillment.cost,
                        at,
                    )
                };
                (made.status, made.until) = (from, fulfillment.until);
                for units in lines {
                    remove_units(fulfillment, units.line, units.quantity)?;
                }
                if fulfillment.units() == 0 {
                    return Err(LawBroken(format!("a split leaves nothing of fulfilment order {number}")));
                }
                self.fulfillment_orders.push(made);
            }
            FulfillmentStep::Received { node } => receive(fulfillment, *node)?,
            FulfillmentStep::ReceivedInPart { node, missing, gone } => {
                for units in missing {
                    lose_units(fulfillment, *units)?;
                }
                for units in gone {
                    lose_identified(fulfillment, units)?;
                }
                if fulfillment.units() == 0 {
                    fulfillment.status = FulfillmentStatus::Incomplete;
                } else {
                    receive(fulfillment, *node)?;
                }
                self.return_units(missing)?;
            }
            FulfillmentStep::Merged { into } => {
                let (node, group, units) = (fulfillment.node, fulfillment.group, fulfillment.line_units());
                fulfillment.status = FulfillmentStatus::Cancelled;
                fulfillment.merged_into = Some(*into);
                fulfillment.lines.iter_mut().for_each(|line| line.quantity = 0);
                let taking = self.fulfillment_mut(*into)?;
                if *into == number || (taking.node, taking.group, taking.status) != (node, group, from) {
                    return Err(LawBroken(format!("fulfilment orders {number} and {into} are not one's")));
                }
                units.iter().for_each(|units| add_units(taking, *units));
            }
            FulfillmentStep::Cancelled { reason, resourced } | FulfillmentStep::Stopped { reason, resourced } => {
                let stopped = matches!(step, FulfillmentStep::Stopped { .. });
                fulfillment.status = if stopped { FulfillmentStatus::PutBack } else { FulfillmentStatus::Cancelled };
                fulfillment.before_cancelling = None;
                fulfillment.reason = Some(reason.clone());
                let (units, node) = (fulfillment.line_units(), fulfillment.node);
                if *resourced {
                    self.return_units(&units)?;
                    self.fence(node);
                } else {
                    for u in units {
                        self.line_mut(u.line)?.cancelled += u.quantity;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn return_units(&mut self, units: &[LineUnits]) -> Result<(), LawBroken> {
        for u in units {
            self.line_mut(u.line)?.unallocated += u.quantity;
        }
        Ok(())
    }

    /// The plan's shipment goes from another node.
    fn plan_moved(&mut self, units: &[LineUnits], left: NodeIndex, node: NodeIndex, cost: i64) {
        let Some(decision) = self.decision.as_mut().map(Arc::make_mut) else { return };
        let planned = decision.assignments.iter_mut().find(|a| a.node == left && a.lines == units);
        if let Some(planned) = planned {
            decision.cost.amount += cost - planned.cost;
            decision.optimal &= decision.cost.amount == decision.lower_bound;
            (planned.node, planned.cost) = (node, cost);
        }
    }

    fn fence(&mut self, node: NodeIndex) {
        if !self.fenced.contains(&node) {
            self.fenced.push(node);
        }
    }

    /// Refuses an order whose buckets do not add up to its quantities.
    pub fn check(&self) -> Result<(), LawBroken> {
        for (at, line) in self.lines.iter().enumerate() {
            let sum = self.buckets(at as u16).sum();
            if sum != u64::from(line.placed.quantity) {
                return Err(LawBroken(format!(
                    "order {} line {}: buckets add up to {sum}, quantity is {}",
                    self.key, line.placed.id, line.placed.quantity
                )));
            }
        }
        Ok(())
    }
}

impl Allocation {
    /// The plan's shipment.
    fn assignment(&self) -> Assignment {
        Assignment { node: self.node, lines: self.lines.clone(), cost: self.cost }
    }
}

/// Units that waited: first those that wait for stock, then those that wait for a release.
fn take_waiting(line: &mut OrderLine, units: u32) -> Result<(), LawBroken> {
    let early = units.saturating_sub(line.backordered);
    sub(&mut line.preordered, early, "preordered")?;
    sub(&mut line.backordered, units - early, "backordered")
}

pub(super) fn sub(bucket: &mut u32, units: u32, name: &str) -> Result<(), LawBroken> {
    *bucket = bucket.checked_sub(units).ok_or_else(|| LawBroken(format!("{name} {bucket} is less than {units}")))?;
    Ok(())
}

fn pick_units(fulfillment: &mut FulfillmentOrder, units: LineUnits) -> Result<(), LawBroken> {
    let line = fulfillment.lines.iter_mut().find(|l| l.line == units.line && l.quantity - l.picked >= units.quantity);
    let line = line.ok_or_else(|| LawBroken(format!("line {} has fewer units left to pick", units.line)))?;
    line.picked += units.quantity;
    Ok(())
}

pub(super) fn remove_units(fulfillment: &mut FulfillmentOrder, line: u16, units: u32) -> Result<(), LawBroken> {
    let found = fulfillment.lines.iter_mut().find(|l| l.line == line && l.quantity - l.picked >= units);
    let found = found.ok_or_else(|| LawBroken(format!("line {line} has fewer units that are not picked")))?;
    found.quantity -= units;
    Ok(())
}

/// It came to a store in its parcel.
fn receive(fulfillment: &mut FulfillmentOrder, node: NodeIndex) -> Result<(), LawBroken> {
    if !fulfillment.lines.iter().all(|line| line.picked == line.quantity) || fulfillment.node == node {
        let number = fulfillment.number;
        return Err(LawBroken(format!("fulfilment order {number} did not come from another node")));
    }
    (fulfillment.status, fulfillment.node) = (FulfillmentStatus::Packed, node);
    fulfillment.ships_with.clear();
    Ok(())
}

/// Units that left and did not come.
fn lose_units(fulfillment: &mut FulfillmentOrder, units: LineUnits) -> Result<(), LawBroken> {
    let found = fulfillment.lines.iter_mut().find(|l| l.line == units.line && l.picked >= units.quantity);
    let found = found.ok_or_else(|| LawBroken(format!("line {} has fewer units that left", units.line)))?;
    (found.quantity, found.picked) = (found.quantity - units.quantity, found.picked - units.quantity);
    Ok(())
}

/// The same of those that are known by lot or serial number.
fn lose_identified(fulfillment: &mut FulfillmentOrder, units: &Identified) -> Result<(), LawBroken> {
    let mut left = units.units;
    for own in fulfillment.identified.iter_mut().filter(|own| (own.sku, &own.lot) == (units.sku, &units.lot)) {
        let taken = own.units.min(left);
        (own.units, left) = (own.units - taken, left - taken);
    }
    fulfillment.identified.retain(|own| own.units > 0);
    if left > 0 {
        return Err(LawBroken(format!("fewer units of {} left", units.lot)));
    }
    Ok(())
}

fn add_units(fulfillment: &mut FulfillmentOrder, units: LineUnits) {
    match fulfillment.lines.iter_mut().find(|l| l.line == units.line) {
        Some(line) => line.quantity += units.quantity,
        None => fulfillment.lines.push(FulfillmentLine { line: units.line, quantity: units.quantity, picked: 0 }),
    }
}

fn is_among(picked: &[LineUnits], units: &LineUnits) -> bool {
    picked.iter().any(|own| own.line == units.line && own.quantity >= units.quantity)
}

/// Whether the instant the clock waits for stays the same over a step.
fn keeps_window(step: &FulfillmentStep) -> bool {
    matches!(
        step,
        FulfillmentStep::Moved { .. }
            | FulfillmentStep::Split { .. }
            | FulfillmentStep::CancellationRequested { .. }
            | FulfillmentStep::CancellationRefused
    )
}

fn after_picking(fulfillment: &FulfillmentOrder) -> FulfillmentStatus {
    if fulfillment.units() == 0 {
        return FulfillmentStatus::Incomplete;
    }
    let done = fulfillment.lines.iter().all(|l| l.picked == l.quantity);
    if done { FulfillmentStatus::Picked } else { FulfillmentStatus::Picking }
}
