//! The fold of an order's edits: how they open, end, and change lines, destination and fulfilment orders when they are
//! confirmed. A confirmed edit is one event; its stock stands in the same record.
//!
//! The same lines preview an edit before it is opened, so that what is planned is what will be. What is *not* here: what
//! an edit is (`edit`), and who plans it (`engine`).

use std::sync::Arc;

use super::decision::{Decision, LineUnits};
use super::edit::{Edit, EditState, EditTerms, FoundFulfillment, LineChange};
use super::fulfillment::{FulfillmentOrder, FulfillmentStatus};
use super::order::{Allocation, CancelFrom, CancelledPart, Destination, Order, OrderLine, PlacedLine};
use super::order_fold::{remove_units, sub};
use super::record::Header;
use super::stock::LawBroken;
use super::time::JournalTime;

impl Order {
    pub(super) fn open(
        &mut self,
        header: &Header,
        number: u16,
        terms: &Arc<EditTerms>,
        decision: &Arc<Decision>,
    ) -> Result<(), LawBroken> {
        if number != self.next_edit() || self.open_edit().is_some() {
            return Err(LawBroken(format!("edit {number} is not the next of {}, or another is open", self.key)));
        }
        self.edits.push(Edit {
            number,
            terms: terms.clone(),
            decision: Some(decision.clone()),
            actor: header.actor.clone(),
            since: header.time,
            state: EditState::Open,
            ended: None,
        });
        Ok(())
    }

    /// Ends the open edit. Its time is up exactly at its instant: before it cannot expire, from then on it can do nothing
    /// else.
    pub(super) fn end_edit(&mut self, header: &Header, number: u16, state: EditState) -> Result<(), LawBroken> {
        let key = self.key;
        let open = self.edits.last_mut().filter(|edit| edit.number == number && edit.state == EditState::Open);
        let edit = open.ok_or_else(|| LawBroken(format!("order {key} has no open edit {number}")))?;
        let due = header.decided_at >= edit.terms.expires_at;
        if due != (state == EditState::Expired) || state == EditState::Open {
            return Err(LawBroken(format!("edit {number} of {key} cannot be {state:?} at {:?}", header.decided_at)));
        }
        edit.state = state;
        edit.ended = Some((header.time, header.actor.clone()));
        if state != EditState::Confirmed {
            edit.decision = None;
        }
        Ok(())
    }

    /// Carries out a confirmed edit.
    pub(super) fn edit_lines(
        &mut self,
        at: JournalTime,
        number: u16,
        lowered: &[CancelledPart],
        allocations: &[Allocation],
    ) -> Result<(), LawBroken> {
        let edit = self.edits.last_mut().expect("the caller has just ended it");
        let (terms, decision) = (edit.terms.clone(), edit.decision.take());
        let before = self.price_of_lines();
        if let Some(destination) = &terms.destination {
            self.redirect(destination);
        }
        self.leave(&terms.found, number)?;
        for part in lowered {
            self.lower(part)?;
        }
        for change in &terms.lines {
            self.reprice_and_raise(change)?;
        }
        self.add_lines(&terms.added);
        for allocation in allocations {
            self.allocate(at, allocation, |line, units| sub(&mut line.unallocated, units, "unallocated"))?;
        }
        let change = i64::try_from(self.price_of_lines() - before);
        self.repriced += change.map_err(|_| LawBroken(format!("order {}: its price is out of range", self.key)))?;
        if !terms.shipments.is_empty() || !terms.unfilled.is_empty() {
            self.decision = decision;
        }
        Ok(())
    }

    /// The order goes elsewhere.
    fn redirect(&mut self, destination: &Destination) {
        Arc::make_mut(&mut self.facts).destinations[0] = destination.clone();
    }

    /// Units of fulfilment orders that do not stay are unallocated again.
    fn leave(&mut self, found: &[FoundFulfillment], edit: u16) -> Result<(), LawBroken> {
        for FoundFulfillment { number, units, .. } in found.iter().filter(|found| !found.stays) {
            let fulfillment = self.fulfillment_mut(*number)?;
            if !fulfillment.status.is_before_picking() || fulfillment.line_units() != *units {
                return Err(LawBroken(format!("fulfilment order {number} is not as edit {edit} found it")));
            }
            fulfillment.status = FulfillmentStatus::Cancelled;
            fulfillment.reason = Some(format!("the order was edited ({})", Edit::name_of(edit)).as_str().into());
            self.return_units(units)?;
        }
        Ok(())
    }

    /// Units leave their line: nobody wants them any more, and nothing of them is left.
    pub(super) fn lower(&mut self, part: &CancelledPart) -> Result<(), LawBroken> {
        let line = self.line_mut(part.line)?;
        sub(&mut line.placed.quantity, part.quantity, "the quantity of a line")?;
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

    /// Units come to a line, unallocated. What is to leave it has left.
    fn reprice_and_raise(&mut self, change: &LineChange) -> Result<(), LawBroken> {
        let line = self.line_mut(change.line)?;
        line.placed.unit_price = change.unit_price;
        line.placed.quantity += change.raised();
        line.unallocated += change.raised();
        if line.placed.quantity - line.cancelled == change.quantity {
            Ok(())
        } else {
            Err(LawBroken(format!("line {} of {} does not become {}", change.line, self.key, change.quantity)))
        }
    }

    pub(super) fn add_lines(&mut self, added: &[PlacedLine]) {
        self.lines.extend(added.iter().map(|placed| OrderLine {
            placed: placed.clone(),
            unallocated: placed.quantity,
            preordered: 0,
            backordered: 0,
            cancelled: 0,
        }));
    }

    /// Units of a line that are wanted: cancelled ones are not.
    pub fn wanted(&self, line: u16) -> u32 {
        let line = &self.lines[usize::from(line)];
        line.placed.quantity - line.cancelled
    }

    /// The order as an edit of these terms would make it, before anything is allocated, and the buckets that lowered units
    /// leave. What waits leaves before what is moved to another destination.
    pub fn preview(&self, terms: &EditTerms) -> Result<(Self, Vec<CancelledPart>), CannotLower> {
        let mut order = self.clone();
        let mut lowered = Vec::new();
        let mut left: Vec<u32> = terms.lines.iter().map(LineChange::lowered).collect();
        for (change, left) in terms.lines.iter().zip(&mut left) {
            let waits = |part: &CancelledPart| !matches!(part.from, CancelFrom::Fulfillment(_));
            let parts = order.cancellable(change.line).into_iter().filter(waits);
            order.lower_by(parts.collect(), left, &mut lowered);
        }
        if let Some(destination) = &terms.destination {
            order.redirect(destination);
        }
        order.leave(&terms.found, self.next_edit()).expect("the terms were read off this order");
        for (change, left) in terms.lines.iter().zip(&mut left) {
            order.lower_by(order.cancellable(change.line), left, &mut lowered);
            if *left > 0 {
                let requested = change.lowered();
                return Err(CannotLower { line: change.line, cancellable: requested - *left, requested });
            }
            order.reprice_and_raise(change).expect("the change was read off this order");
        }
        order.add_lines(&terms.added);
        Ok((order, lowered))
    }

    /// Takes what is left to be lowered from these parts, as far as they go.
    fn lower_by(&mut self, parts: Vec<CancelledPart>, left: &mut u32, lowered: &mut Vec<CancelledPart>) {
        for part in parts {
            let part = CancelledPart { quantity: part.quantity.min(*left), ..part };
            if part.quantity > 0 {
                *left -= part.quantity;
                self.lower(&part).expect("the part was read off this order");
                lowered.push(part);
            }
        }
    }

    /// All units of a line that can be cancelled at once, in the order in which they are taken: what nobody was found for,
    /// what waits, what is allocated (the dearest fulfilment order first), what is released and not yet being picked.
    pub fn cancellable(&self, line: u16) -> Vec<CancelledPart> {
        let own = &self.lines[usize::from(line)];
        let part = |quantity, from| CancelledPart { line, quantity, from };
        let mut parts = vec![
            part(own.unallocated, CancelFrom::Unallocated),
            part(own.preordered, CancelFrom::Preordered),
            part(own.backordered, CancelFrom::Backordered),
        ];
        for status in [FulfillmentStatus::Scheduled, FulfillmentStatus::Submitted, FulfillmentStatus::Accepted] {
            let mut there: Vec<&FulfillmentOrder> =
                self.fulfillment_orders.iter().filter(|f| f.status == status).collect();
            there.sort_by_key(|f| (std::cmp::Reverse(f.cost), f.number));
            parts.extend(there.iter().map(|f| part(f.units_of(line), CancelFrom::Fulfillment(f.number))));
        }
        parts.retain(|part| part.quantity > 0);
        parts
    }

    /// Why an edit of these terms, opened earlier, can no longer be done; `None` when it can.
    pub fn moved_on(&self, terms: &EditTerms) -> Option<String> {
        for change in &terms.lines {
            let line = &self.lines[usize::from(change.line)].placed;
            let wanted = self.wanted(change.line);
            if wanted != change.quantity_before {
                let before = change.quantity_before;
                return Some(format!("{wanted} units of line {} are wanted, no longer {before}", line.id));
            }
        }
        if terms.destination.is_some() {
            let found = |f: &FulfillmentOrder| {
                let found = terms.found.iter().find(|found| found.number == f.number);
                f.status.is_before_picking() && found.is_some_and(|found| found.units == f.line_units())
            };
            let own = self.fulfillment_orders.iter().filter(|f| f.group == 0 && f.status.is_live() && f.units() > 0);
            if let Some(other) = own.clone().find(|f| !found(f)) {
                let (number, status) = (other.number, other.status.word());
                return Some(format!("its fulfilment order {number} is {status}, or holds other units"));
            }
            if own.count() < terms.found.len() {
                return Some("a fulfilment order it would move has ended".to_owned());
            }
        }
        if let Some(shipment) = terms.shipments.iter().find(|shipment| self.fenced.contains(&shipment.node)) {
            let lines: Vec<_> = shipment.lines.iter().map(|u: &LineUnits| u.line).collect();
            return Some(format!("a node that was to send lines {lines:?} has refused this order"));
        }
        self.is_spent().then(|| "it has had all the fulfilment orders it may".to_owned())
    }
}

/// Too few units of a line can be taken from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CannotLower {
    /// Position of the line.
    pub line: u16,
    /// Units that can.
    pub cancellable: u32,
    /// Units that should.
    pub requested: u32,
}
