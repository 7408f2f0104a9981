//! Steps of fulfilment, legal as a rule.

use super::super::world::World;
use super::{Drawing, SEEN, order_of};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentVerb};

impl Drawing {
    /// A step of fulfilment, legal as a rule.
    pub(super) fn fulfilment(&mut self, world: &World) -> Option<String> {
        let begun = |own: &FulfillmentOrder| {
            let waits = matches!(own.status, FulfillmentStatus::Scheduled | FulfillmentStatus::Submitted);
            !waits && !own.status.legal().is_empty()
        };
        let name = self.order_that(world, |order| order.fulfillment_orders.iter().any(begun))?;
        let order = order_of(world, &name)?;
        let live: Vec<_> = order.fulfillment_orders.iter().filter(|f| !f.status.legal().is_empty()).collect();
        if live.is_empty() {
            return None;
        }
        let fulfillment = live[self.chance.roll(live.len() as u32) as usize];
        let at = format!("{name} {}", fulfillment.number);
        if self.chance.one_in(12) {
            return Some(format!(
                "{} {at}",
                self.chance.pick(&["accept", "pack", "ship", "deliver", "let_go", "go_on"])
            ));
        }
        if fulfillment.status == FulfillmentStatus::Shipped && self.chance.one_in(3) {
            return Some(format!("seen {at} {}", self.chance.pick(&SEEN)));
        }
        let legal = fulfillment.status.legal().iter().copied();
        let legal: Vec<_> = legal.filter(|verb| order.takes(fulfillment, *verb)).collect();
        // The way to the customer is taken more often than the ways off it.
        let verb = if self.chance.one_in(3) { legal[self.chance.roll(legal.len() as u32) as usize] } else { legal[0] };
        let line = fulfillment.lines.first().map_or(1, |line| line.line + 1);
        Some(match verb {
            FulfillmentVerb::Pick if self.chance.one_in(2) => format!("pick {at} {line} {}", self.few(2)),
            FulfillmentVerb::Short => {
                let reason = self.chance.pick(&["not_in_stock", "damaged", "mismatch"]);
                format!("short {at} {line} {} {reason}", self.few(2))
            }
            FulfillmentVerb::Cancel => format!("{} {at}", self.chance.pick(&["stop", "elsewhere"])),
            FulfillmentVerb::Ready if self.chance.one_in(4) => format!("ready {at} with K7PM"),
            FulfillmentVerb::HandOver if self.chance.one_in(2) => format!("hand_over {at} with K7PM"),
            FulfillmentVerb::Ready if self.chance.one_in(2) => format!("ready {at} {}", self.few(60)),
            FulfillmentVerb::Move => format!("move {at} to {}", self.node()),
            FulfillmentVerb::Split => format!("part {at} {line} {}", self.few(2)),
            FulfillmentVerb::Merge => format!("merge {at} {}", self.few(4)),
            FulfillmentVerb::CancelAccept => format!("let_go {at}"),
            FulfillmentVerb::CancelRefuse => format!("go_on {at}"),
            FulfillmentVerb::Arrive => format!("here {at}"),
            FulfillmentVerb::Receive if self.chance.one_in(3) => format!("receive {at} without {line} {}", self.few(2)),
            verb => format!("{} {at}", verb.word()),
        })
    }
}
