//! What of an order came back, or may: an overlay over its lines, kept by events of the order itself, so that its fold
//! looks up no return.
//!
//! Law, per line: units asked to come back + units that came + units written off ≤ shipped + delivered. What of an order
//! is back ([`Back`]) is said by every event, so that a reader without the order knows it too.
//!
//! What is *not* here: the return (`returns`).

use serde::{Deserialize, Serialize};

use super::decision::LineUnits;
use super::fulfillment::{FulfillmentOrder, FulfillmentStatus};
use super::ids::ReturnKey;
use super::order::{Order, OrderStatus, PlacedLine};
use super::return_policy::ReturnPolicy;
use super::stock::LawBroken;
use super::time::JournalTime;

/// What of an order is back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Back {
    Nothing,
    Some,
    All,
}

/// What a return did to its order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ReturnStep {
    /// Units are asked to come back.
    Requested,
    /// They may.
    Approved,
    /// They may not.
    Declined,
    /// They shall not any more.
    Cancelled,
    /// They did not come in time.
    Expired,
    /// A parcel has a label.
    Labelled,
    /// They are on their way.
    InTransit,
    /// They came.
    Received,
    /// They were not in the parcel.
    Missing,
    /// They are made good without coming back.
    WrittenOff,
    /// They were graded.
    Inspected,
    /// It was said what becomes of them.
    Disposed,
    /// The customer gets others instead.
    Replaced,
    /// The return is settled.
    Closed,
}

impl ReturnStep {
    /// The word of an order's story.
    pub fn word(self) -> &'static str {
        match self {
            Self::Requested => "return_requested",
            Self::Approved => "return_approved",
            Self::Declined => "return_declined",
            Self::Cancelled => "return_cancelled",
            Self::Expired => "return_expired",
            Self::Labelled => "return_labelled",
            Self::InTransit => "return_in_transit",
            Self::Received => "return_received",
            Self::Missing => "return_missing",
            Self::WrittenOff => "written_off",
            Self::Inspected => "return_inspected",
            Self::Disposed => "return_dispositioned",
            Self::Replaced => "exchanged",
            Self::Closed => "return_closed",
        }
    }
}

/// Units of a line that a return is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineOverlay {
    /// Position of the line.
    pub line: u16,
    /// Units asked to come back.
    pub requested: u32,
    /// Units that came.
    pub received: u32,
    /// Units made good without coming back.
    pub written_off: u32,
}

impl LineOverlay {
    /// All of them.
    pub fn sum(&self) -> u64 {
        u64::from(self.requested) + u64::from(self.received) + u64::from(self.written_off)
    }
}

/// A return of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderReturn {
    /// Which.
    pub key: ReturnKey,
    /// Whether it has not ended.
    pub is_open: bool,
    /// Units it is about.
    pub lines: Vec<LineOverlay>,
}

impl Order {
    /// Whether a return of it is open.
    pub fn has_open_return(&self) -> bool {
        self.returns.iter().any(|known| known.is_open)
    }

    /// Units of a line that returns are about.
    pub fn overlay(&self, line: u16) -> LineOverlay {
        let none = LineOverlay { line, requested: 0, received: 0, written_off: 0 };
        let own = self.returns.iter().flat_map(|known| &known.lines).filter(|own| own.line == line);
        own.fold(none, |sum, own| LineOverlay {
            line,
            requested: sum.requested + own.requested,
            received: sum.received + own.received,
            written_off: sum.written_off + own.written_off,
        })
    }

    /// Units of a line that left and may still be asked to come back; not those on their way to a store, where their customer
    /// has yet to get them.
    pub fn returnable(&self, line: u16) -> u32 {
        let buckets = self.buckets(line);
        let to_store = |f: &&FulfillmentOrder| f.status == FulfillmentStatus::Shipped && self.goes_to(f).is_some();
        let to_store: u32 = self.fulfillment_orders.iter().filter(to_store).map(|f| f.units_of(line)).sum();
        let left = u64::from(buckets.shipped - to_store) + u64::from(buckets.delivered);
        u32::try_from(left.saturating_sub(self.overlay(line).sum())).unwrap_or(u32::MAX)
    }

    /// Units of a line that left, were never delivered, and are back or made good: nothing of them is on its way any more.
    /// With which fulfilment order units left that are back nobody says, so those that were delivered count first.
    pub fn settled(&self, line: u16) -> u32 {
        if self.returns.is_empty() {
            return 0;
        }
        let (buckets, overlay) = (self.buckets(line), self.overlay(line));
        let over = overlay.received.saturating_add(overlay.written_off);
        over.saturating_sub(buckets.delivered).min(buckets.shipped)
    }

    /// Whether all units of a fulfilment order that left are back or made good.
    pub fn is_settled(&self, fulfillment: &FulfillmentOrder) -> bool {
        let mut lines = fulfillment.lines.iter().filter(|own| own.quantity > 0).map(|own| own.line);
        let is_shipped = fulfillment.status == FulfillmentStatus::Shipped && !self.returns.is_empty();
        is_shipped && lines.all(|line| self.settled(line) == self.buckets(line).shipped)
    }

    /// Units of it for which something is still to happen: neither cancelled nor delivered, nor back or made good instead.
    pub fn open_units(&self) -> u64 {
        let settled: u64 = (0..self.lines.len() as u16).map(|line| u64::from(self.settled(line))).sum();
        self.totals().open() - settled
    }

    /// When units of a line were delivered last.
    pub fn delivered_at(&self, line: u16) -> Option<JournalTime> {
        let delivered = self.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Delivered);
        delivered.filter(|f| f.units_of(line) > 0).map(|f| f.since).max()
    }

    /// When the last window ends in which delivered units of it may come back: from then on it is closed. `None` while it is
    /// not fulfilled, and where some may come back for ever.
    pub fn closes_at(&self, policy: impl Fn(&PlacedLine) -> ReturnPolicy) -> Option<JournalTime> {
        let is_over = matches!(
            OrderStatus::under_hold(self),
            OrderStatus::Fulfilled | OrderStatus::Returned | OrderStatus::PartiallyReturned
        );
        let delivered = (0..).zip(&self.lines).filter_map(|(at, line)| Some((line, self.delivered_at(at)?)));
        let ends: Option<Vec<JournalTime>> =
            delivered.filter(|_| is_over).map(|(line, at)| policy(&line.placed).ends_at(at)).collect();
        ends?.into_iter().max()
    }

    /// What so many units of a line are worth to the customer: their share of what the whole order costs, rounded half up.
    pub fn worth(&self, units: LineUnits) -> i64 {
        let price = i128::from(self.lines[usize::from(units.line)].placed.unit_price) * i128::from(units.quantity);
        let all = self.price_of_lines();
        let whole = self.facts.total.map_or(all, |total| i128::from(total) + i128::from(self.repriced));
        if all <= 0 || price <= 0 || whole <= 0 {
            return 0;
        }
        i64::try_from((2 * price * whole + all) / (2 * all)).unwrap_or(i64::MAX)
    }

    /// What of it is back.
    pub fn back(&self) -> Back {
        if self.returns.is_empty() { Back::Nothing } else { self.back_with(0) }
    }

    /// What of it is back when so many units more came.
    pub fn back_with(&self, units: u64) -> Back {
        let own = self.returns.iter().flat_map(|known| &known.lines);
        let received = own.map(|own| u64::from(own.received)).sum::<u64>() + units;
        let totals = self.totals();
        let left = u64::from(totals.shipped) + u64::from(totals.delivered);
        match received {
            0 => Back::Nothing,
            received if received < left => Back::Some,
            _ => Back::All,
        }
    }

    pub(super) fn take_return(
        &mut self,
        key: ReturnKey,
        step: ReturnStep,
        units: &[LineUnits],
        back: Back,
    ) -> Result<(), LawBroken> {
        let order = self.key;
        if step == ReturnStep::Requested {
            let asked =
                |u: &LineUnits| LineOverlay { line: u.line, requested: u.quantity, received: 0, written_off: 0 };
            self.returns.push(OrderReturn { key, is_open: true, lines: units.iter().map(asked).collect() });
        } else {
            let own = self.returns.iter_mut().find(|known| known.key == key && known.is_open);
            let own = own.ok_or_else(|| LawBroken(format!("order {order} has no open return {key}")))?;
            own.take(step, units)?;
        }
        self.check_returns()?;
        if self.back() != back {
            return Err(LawBroken(format!("order {order}: {:?} is back, not {back:?}", self.back())));
        }
        Ok(())
    }

    fn check_returns(&self) -> Result<(), LawBroken> {
        for line in 0..self.lines.len() as u16 {
            let (buckets, sum) = (self.buckets(line), self.overlay(line).sum());
            let left = u64::from(buckets.shipped) + u64::from(buckets.delivered);
            if sum > left {
                let key = self.key;
                return Err(LawBroken(format!("order {key}: {sum} units of line {line} come back, {left} left")));
            }
        }
        Ok(())
    }
}

impl OrderReturn {
    fn take(&mut self, step: ReturnStep, units: &[LineUnits]) -> Result<(), LawBroken> {
        match step {
            ReturnStep::Received => self.each(units, |own, n| own.received += n),
            ReturnStep::WrittenOff => self.each(units, |own, n| own.written_off += n),
            ReturnStep::Missing => self.each(units, |_, _| {}),
            ReturnStep::Declined | ReturnStep::Cancelled | ReturnStep::Expired | ReturnStep::Closed => {
                self.lines.iter_mut().for_each(|own| own.requested = 0);
                self.is_open = false;
                Ok(())
            }
            ReturnStep::Requested
            | ReturnStep::Approved
            | ReturnStep::Labelled
            | ReturnStep::InTransit
            | ReturnStep::Inspected
            | ReturnStep::Disposed
            | ReturnStep::Replaced => Ok(()),
        }
    }

    /// Units that were asked for become something else.
    fn each(&mut self, units: &[LineUnits], become_: impl Fn(&mut LineOverlay, u32)) -> Result<(), LawBroken> {
        let key = self.key;
        for u in units {
            let own = self.lines.iter_mut().find(|own| own.line == u.line && own.requested >= u.quantity);
            let own = own.ok_or_else(|| LawBroken(format!("return {key}: {u:?} were not asked to come back")))?;
            own.requested -= u.quantity;
            become_(own, u.quantity);
        }
        Ok(())
    }
}
