//! By which day an order's shipments are promised to be there, as its story tells, and what else is known of when it is to
//! leave and to arrive.
//!
//! A promise stays what it was when units go to another node, are split off or merged: the customer was told. Only units
//! that are sourced anew, and what is planned again with leave to be later, are promised anew. What is *not* here: how a day
//! comes about (`promise`), and what somebody who comes himself was promised (`order_story`).

use jiff::civil::Date;

use super::fulfillment::FulfillmentOrder;
use super::hold::HoldState;
use super::order::{Order, OrderEvent, Told};
use super::promise::calendar::CivilDay;
use super::time::WallTime;

/// The word of a shipment that was promised; its reason is the day by which it is there, where it goes.
pub const DELIVERY_PROMISED: &str = "delivery_promised";

/// The word of an order that is wanted by a day, which is its reason.
pub const ARRIVAL_WANTED: &str = "arrival_wanted";

/// What is known of when a shipment is to leave and to be there; nothing by default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dates {
    /// Until when its order is kept back, or held by what ends at an instant.
    pub held_until: Option<WallTime>,
    /// The day by which its customer wants it; rules may keep out whoever comes later.
    pub arrives_by: Option<Date>,
    /// The day after which it may not be there whatever the rules say, since an earlier one was promised.
    pub promised: Option<Date>,
}

impl Order {
    /// By which day one of its fulfilment orders was promised to be there; nobody was told where that is `None`. What was
    /// split off is promised as what it was split off, what was merged as the first of both.
    pub fn deliver_by(&self, number: u16) -> Option<Date> {
        let joined = self.fulfillment_orders.iter().filter(|own| own.merged_into == Some(number));
        let since = self.promise_of(number).map_or(0, |(at, _)| at);
        let merged = |own: u16| self.history.iter().rposition(|told| told.number == own && &*told.what == "merged");
        let joined = joined.filter(|own| merged(own.number).is_some_and(|at| at >= since));
        let joined = joined.filter_map(|own| self.deliver_by(own.number));
        self.promised(number).into_iter().chain(joined).min()
    }

    /// The same without what was merged into it.
    fn promised(&self, number: u16) -> Option<Date> {
        match self.promise_of(number) {
            Some((_, day)) => day,
            None => self.promised(self.fulfillment(number)?.split_from?),
        }
    }

    /// The last promise of one of its fulfilment orders alone, and its place in the story.
    fn promise_of(&self, number: u16) -> Option<(usize, Option<Date>)> {
        let is = |told: &Told| told.number == number && &*told.what == DELIVERY_PROMISED;
        let at = self.history.iter().rposition(is)?;
        Some((at, self.history[at].reason.as_deref().and_then(|day| day.parse().ok())))
    }

    /// What it is told when one of its fulfilment orders is promised anew: those that were split off it keep what they were
    /// promised.
    pub fn promised_anew(&self, number: u16, day: Date) -> impl Iterator<Item = OrderEvent> {
        let split = self.fulfillment_orders.iter().filter(move |own| own.split_from == Some(number));
        let untold = split.filter(|own| self.is_looked_up(own) && self.promise_of(own.number).is_none());
        let kept = untold.filter_map(|own| Some((own.number, self.promised(own.number)?)));
        let all = kept.chain([(number, day)]);
        all.map(|(number, day)| OrderEvent::DeliveryPromised { number, deliver_by: CivilDay::from(day) })
    }

    /// Whether somebody asks what one of its fulfilment orders was promised: it goes on, or in others.
    fn is_looked_up(&self, own: &FulfillmentOrder) -> bool {
        let goes_on = |other: &FulfillmentOrder| other.split_from == Some(own.number);
        own.status.is_live() || own.merged_into.is_some() || self.fulfillment_orders.iter().any(goes_on)
    }

    /// The day by which its customer wants it, where that was said.
    pub fn arrives_by(&self) -> Option<Date> {
        let told = self.history.iter().find(|told| &*told.what == ARRIVAL_WANTED)?;
        told.reason.as_deref()?.parse().ok()
    }

    /// What is known of when it is to leave and to be there.
    pub fn dates(&self) -> Dates {
        let holds = self.holds.iter().filter(|hold| hold.state == HoldState::Active);
        let ends = holds.filter_map(|hold| hold.terms.release_at).chain(self.release_at);
        Dates { held_until: ends.map(|end| end.wall).max(), arrives_by: self.arrives_by(), promised: None }
    }
}
