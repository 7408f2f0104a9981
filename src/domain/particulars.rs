//! What few orders have beside what all have: each is told by an event of its own, and nothing of it costs an order
//! that has none of it more than a word.
//!
//! What is *not* here: the order (`order`), the events that tell these (`order_fold`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::fulfillment::FulfillmentOrder;
use super::ids::{NodeIndex, OrderKey, Text};
use super::order::{Order, OrderEvent, PlacedLine};
use super::slots::Places;
use super::stock::LawBroken;
use super::subscription::Every;
use super::time::WallTime;
use super::tracking::{Scan, Tracked};

/// What a total is made of, as reported, minor units of the order's currency. The sum of the lines is no part of it: they
/// say it themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Off the sum of the lines.
    pub discount: i64,
    /// For shipping.
    pub shipping: i64,
    /// Tax.
    pub tax: i64,
    /// Whether the prices have the tax in them already.
    pub tax_included: bool,
}

/// A slot that a line has. Of a service it is a place for every unit that is not cancelled; of goods that are brought to the
/// customer one for all lines of their group, as long as a unit of them is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Booking {
    /// Position of the line.
    pub line: u16,
    /// Where it is done.
    pub node: NodeIndex,
    /// Number of the slot there; [`GIVEN_UP`] when the node refused and the place was given back.
    pub slot: u32,
    /// Id of the slot as it was.
    pub id: Text,
    /// When it begins.
    pub starts_at: WallTime,
    /// When it ends.
    pub ends_at: WallTime,
}

/// Stands for the number of a slot that is nobody's any more.
pub const GIVEN_UP: u32 = u32::MAX;

/// A line that is a warranty, registered to the customer when what it covers is delivered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Warranty {
    /// Position of the line.
    pub line: u16,
    /// Position of the line it covers; its own when it covers nothing of the order.
    pub covers: u16,
    /// How long it lasts, in months.
    pub months: u32,
    /// What was registered, oldest first.
    pub registered: Vec<Registered>,
}

/// Units of a warranty that were registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Registered {
    /// How many.
    pub units: u32,
    /// From when on they last.
    pub from: WallTime,
    /// Until when.
    pub until: WallTime,
}

/// What few orders have; nothing by default.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Particulars {
    /// The node that is asked before all others.
    pub preferred_node: Option<NodeIndex>,
    /// What its total is made of.
    pub totals: Option<Totals>,
    /// Slots its lines have.
    pub bookings: Vec<Booking>,
    /// Warranties among its lines.
    pub warranties: Vec<Warranty>,
    /// The order that all of it went to.
    pub merged_into: Option<OrderKey>,
    /// Orders that came to it, oldest first.
    pub merged: Vec<OrderKey>,
    /// Where its shipments are, those that a carrier told of.
    pub tracked: Vec<Tracked>,
}

impl Order {
    /// The node that is asked before all others.
    pub fn preferred_node(&self) -> Option<NodeIndex> {
        self.particulars.as_ref()?.preferred_node
    }

    /// The slots that its lines have.
    pub fn bookings(&self) -> &[Booking] {
        self.particulars.as_ref().map_or(&[], |particulars| &particulars.bookings)
    }

    /// Its warranties.
    pub fn warranties(&self) -> &[Warranty] {
        self.particulars.as_ref().map_or(&[], |particulars| &particulars.warranties)
    }

    /// Where the shipment of a fulfilment order is, when a carrier told.
    pub fn tracked(&self, number: u16) -> Option<&Tracked> {
        self.particulars.as_ref()?.tracked.iter().find(|tracked| tracked.number == number)
    }

    /// Whether a line has a slot or is a warranty: it stays with the order as it is.
    pub fn is_particular(&self, line: u16) -> bool {
        let covers = |warranty: &Warranty| warranty.line == line || warranty.covers == line;
        self.bookings().iter().any(|booking| booking.line == line) || self.warranties().iter().any(covers)
    }

    /// Whether a fulfilment order is an appointment: a line of it has a slot at its node.
    pub fn is_booked(&self, fulfillment: &FulfillmentOrder) -> bool {
        let has = |line: u16| self.bookings().iter().any(|own| (own.line, own.node) == (line, fulfillment.node));
        !self.bookings().is_empty() && fulfillment.lines.iter().any(|line| line.quantity > 0 && has(line.line))
    }

    /// When the slot ends in which a fulfilment order is brought to the customer; `None` where it is not brought in one.
    pub fn brought_until(&self, fulfillment: &FulfillmentOrder) -> Option<WallTime> {
        let brings = |own: &&Booking| {
            let line = &self.lines[usize::from(own.line)].placed;
            let there = (own.node, line.group) == (fulfillment.node, fulfillment.group);
            line.stocked && there && own.slot != GIVEN_UP
        };
        self.bookings().iter().find(brings).map(|own| own.ends_at)
    }

    /// The places that it has, each slot once, ascending.
    pub fn places_held(&self) -> Vec<Places> {
        self.places_for(self.bookings(), |line| self.wanted(line))
    }

    fn places_for(&self, bookings: &[Booking], units: impl Fn(u16) -> u32) -> Vec<Places> {
        places(bookings.iter().map(|own| (own, &self.lines[usize::from(own.line)].placed, units(own.line))))
    }

    /// The places that it has no more without these units of its lines, each slot once, ascending.
    pub fn places_of(&self, cancelled: impl Iterator<Item = (u16, u32)>) -> Vec<Places> {
        if self.bookings().is_empty() {
            return Vec::new();
        }
        let cancelled: Vec<(u16, u32)> = cancelled.collect();
        let goes = |line: u16| cancelled.iter().filter(|(own, _)| *own == line).map(|(_, units)| units).sum::<u32>();
        let left = self.places_for(self.bookings(), |line| self.wanted(line) - goes(line));
        more(&self.places_held(), &left)
    }

    /// The bookings that it would have with another slot for a line, and so for all that is brought with it; and the places
    /// that it would give and take.
    pub fn rebooked(&self, line: u16, slot: &Booking) -> (Vec<Booking>, Vec<Places>, Vec<Places>) {
        let placed = |line: u16| &self.lines[usize::from(line)].placed;
        let together = |other: u16| {
            other == line || placed(line).stocked && placed(other).stocked && placed(line).group == placed(other).group
        };
        let change =
            |own: &Booking| if together(own.line) { Booking { line: own.line, ..slot.clone() } } else { own.clone() };
        let bookings: Vec<Booking> = self.bookings().iter().map(change).collect();
        let (before, after) = (self.places_held(), self.places_for(&bookings, |line| self.wanted(line)));
        let (given, taken) = (more(&before, &after), more(&after, &before));
        (bookings, given, taken)
    }

    /// The bookings that it would have when the node of a fulfilment order refuses that, and the places that it would give:
    /// those of what is not done there any more. `None` where it has none there.
    pub fn refused(&self, fulfillment: &FulfillmentOrder) -> Option<(Vec<Booking>, Vec<Places>)> {
        let placed = |line: u16| &self.lines[usize::from(line)].placed;
        let together = |own: u16, other: u16| {
            own == other || placed(own).stocked && placed(other).stocked && placed(own).group == placed(other).group
        };
        let has = |part: &FulfillmentOrder, line: u16| {
            part.lines.iter().any(|units| units.quantity > 0 && together(line, units.line))
        };
        let others = self.fulfillment_orders.iter().filter(|own| own.number != fulfillment.number);
        let stay: Vec<_> = others.filter(|own| own.node == fulfillment.node && own.status.is_live()).collect();
        let goes = |own: &Booking| {
            let is_there = own.node == fulfillment.node && own.slot != GIVEN_UP && has(fulfillment, own.line);
            is_there && !stay.iter().any(|other| has(other, own.line))
        };
        let change = |own: &Booking| if goes(own) { Booking { slot: GIVEN_UP, ..own.clone() } } else { own.clone() };
        let bookings: Vec<Booking> = self.bookings().iter().map(change).collect();
        let given = more(&self.places_held(), &self.places_for(&bookings, |line| self.wanted(line)));
        (bookings != self.bookings()).then_some((bookings, given))
    }

    /// What is registered when a fulfilment order is delivered.
    pub fn warranties_begun(&self, fulfillment: &FulfillmentOrder, at: WallTime) -> Vec<OrderEvent> {
        let begun = |warranty: &Warranty| {
            let before: u32 = warranty.registered.iter().map(|registered| registered.units).sum();
            let units = fulfillment.units_of(warranty.covers).min(self.wanted(warranty.line).saturating_sub(before));
            let until = Every { months: warranty.months, seconds: 0 }.after(at, 1).filter(|_| units > 0)?;
            let registered = Registered { units, from: at, until };
            Some(OrderEvent::WarrantyRegistered { line: warranty.line, registered })
        };
        self.warranties().iter().filter_map(begun).collect()
    }

    pub(super) fn register(&mut self, line: u16, registered: Registered) -> Result<(), LawBroken> {
        let key = self.key;
        let found = self.particulars_mut().warranties.iter_mut().find(|warranty| warranty.line == line);
        let warranty = found.ok_or_else(|| LawBroken(format!("line {line} of order {key} is no warranty")))?;
        warranty.registered.push(registered);
        Ok(())
    }

    pub(super) fn track(
        &mut self,
        number: u16,
        scans: &[Scan],
        estimated_at: Option<WallTime>,
    ) -> Result<(), LawBroken> {
        let key = self.key;
        if self.fulfillment_mut(number)?.shipment.is_none() {
            return Err(LawBroken(format!("fulfilment order {number} of order {key} has not left")));
        }
        let heard = Tracked::hear(&mut self.particulars_mut().tracked, number, scans, estimated_at);
        let stale = |scan| LawBroken(format!("fulfilment order {number} of order {key}: {scan:?} tells nothing new"));
        heard.map_err(stale)
    }

    /// Its particulars, made when it has none yet.
    pub(super) fn particulars_mut(&mut self) -> &mut Particulars {
        self.particulars.get_or_insert_default()
    }
}

/// The places that lines with slots have for so many units, each slot once, ascending.
pub fn places<'b>(booked: impl Iterator<Item = (&'b Booking, &'b PlacedLine, u32)>) -> Vec<Places> {
    let mut places: Vec<Places> = Vec::new();
    let mut brought: BTreeSet<u16> = BTreeSet::new();
    for (Booking { node, slot, .. }, line, units) in booked.filter(|(own, ..)| own.slot != GIVEN_UP) {
        let units = if line.stocked { u32::from(units > 0 && brought.insert(line.group)) } else { units };
        match places.iter_mut().find(|known| (known.node, known.slot) == (*node, *slot)) {
            Some(known) => known.places += units,
            None => places.push(Places { node: *node, slot: *slot, places: units }),
        }
    }
    places.retain(|taken| taken.places > 0);
    places.sort_unstable();
    places
}

/// Places of the first that are not among the others.
fn more(all: &[Places], others: &[Places]) -> Vec<Places> {
    let among = |own: &Places| others.iter().find(|other| (other.node, other.slot) == (own.node, own.slot));
    let left = |own: &Places| Places { places: own.places.saturating_sub(among(own).map_or(0, |o| o.places)), ..*own };
    all.iter().map(left).filter(|own| own.places > 0).collect()
}
