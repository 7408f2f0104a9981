//! An order that ended before anybody told of it: how it stands, with its own dates and no stock effect.
//!
//! ```text
//! placed ─► every unit of a shipment delivered by its node, every other unit cancelled ─► ended
//! ```
//! It is made by the fold that every order goes through, so the same laws hold for it; its story tells only what the import
//! knew. What is *not* here: its record (`archive`), and what an import may say (`engine::import`).

use std::sync::Arc;

use super::decision::LineUnits;
use super::fulfillment::{FulfillmentStep, Shipment};
use super::ids::{NodeIndex, OrderKey, Text};
use super::order::{Allocation, CancelFrom, CancelledPart, Order, OrderEvent, OrderFacts, PlacedLine, Told};
use super::record::Header;
use super::stock::LawBroken;
use super::time::JournalTime;

/// How an order of the past ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastEnd {
    /// When.
    pub at: JournalTime,
    /// Units that reached the customer.
    pub legs: Vec<PastLeg>,
}

/// Units that went from one node to one destination.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastLeg {
    /// From where.
    pub node: NodeIndex,
    /// Which of the order's destinations.
    pub group: u16,
    /// What.
    pub lines: Vec<LineUnits>,
    /// How it left, when that is known.
    pub shipment: Option<Shipment>,
    /// When it left.
    pub shipped_at: JournalTime,
    /// When it arrived.
    pub delivered_at: JournalTime,
}

/// What is captured, and by whom.
#[derive(Debug)]
pub struct PastFacts<'a> {
    /// As of every order.
    pub facts: Arc<OrderFacts>,
    /// Its lines.
    pub lines: Vec<PlacedLine>,
    /// Who imports it.
    pub actor: &'a Text,
}

impl Order {
    /// An order of the past, as the archive takes it in.
    pub fn past(key: OrderKey, captured: PastFacts<'_>, end: &PastEnd) -> Result<Self, LawBroken> {
        let PastFacts { facts, lines, actor } = captured;
        let placed_at = JournalTime(facts.placed_at.0);
        let left = cancelled_of(&lines, &end.legs)?;
        let allocations = (1..).zip(&end.legs).map(|(number, leg)| leg.allocation(number)).collect();
        let placed = OrderEvent::Placed { facts, lines, allocations, backordered: Vec::new(), decision: None };
        let mut past = Past { key, actor, order: None };
        past.fold(placed_at, &placed)?;
        for (number, leg) in (1..).zip(&end.legs) {
            for (at, step) in leg.steps() {
                past.fold(at, &OrderEvent::Fulfillment { number, step })?;
            }
        }
        if !left.is_empty() {
            past.fold(end.at, &OrderEvent::Cancelled { parts: left.clone(), reason: "".into() })?;
        }
        let order = past.order.ok_or_else(|| LawBroken(format!("order {key} was not placed")))?;
        Ok(Self { history: story(placed_at, actor, end, !left.is_empty()), ..order })
    }
}

impl PastLeg {
    fn allocation(&self, number: u16) -> Allocation {
        Allocation { number, node: self.node, group: self.group, lines: self.lines.clone(), cost: 0 }
    }

    fn steps(&self) -> Vec<(JournalTime, FulfillmentStep)> {
        let mut steps = vec![
            (self.shipped_at, FulfillmentStep::Accepted),
            (self.shipped_at, FulfillmentStep::Picked { lines: self.lines.clone() }),
            (self.shipped_at, FulfillmentStep::Packed),
        ];
        match &self.shipment {
            Some(shipment) => steps.extend([
                (self.shipped_at, FulfillmentStep::Shipped { shipment: shipment.clone() }),
                (self.delivered_at, FulfillmentStep::Delivered),
            ]),
            None => steps.push((self.delivered_at, FulfillmentStep::HandedOver)),
        }
        steps
    }
}

/// An order in the making.
struct Past<'a> {
    key: OrderKey,
    actor: &'a Text,
    order: Option<Order>,
}

impl Past<'_> {
    fn fold(&mut self, at: JournalTime, event: &OrderEvent) -> Result<(), LawBroken> {
        let header = Header {
            seq: 0,
            time: at,
            wall: super::time::WallTime(at.0),
            decided_at: at,
            actor: self.actor.clone(),
            source: "".into(),
            request_id: "".into(),
            catalogue_seq: 0,
            epoch: 0,
            partition: 0,
        };
        let version = self.order.as_ref().map_or(0, |order| order.version) + 1;
        self.order = Some(Order::fold(self.order.take(), self.key, version, &header, event)?);
        Ok(())
    }
}

/// Units that no leg has.
fn cancelled_of(lines: &[PlacedLine], legs: &[PastLeg]) -> Result<Vec<CancelledPart>, LawBroken> {
    let mut left: Vec<u32> = lines.iter().map(|line| line.quantity).collect();
    for units in legs.iter().flat_map(|leg| &leg.lines) {
        let open = left.get_mut(usize::from(units.line)).ok_or_else(|| LawBroken(format!("no line {}", units.line)))?;
        *open = open
            .checked_sub(units.quantity)
            .ok_or_else(|| LawBroken(format!("line {}: {open} is less than {}", units.line, units.quantity)))?;
    }
    let parts = (0..).zip(left).filter(|(_, quantity)| *quantity > 0);
    Ok(parts.map(|(line, quantity)| CancelledPart { line, quantity, from: CancelFrom::Unallocated }).collect())
}

/// What the import knew, by date.
fn story(placed_at: JournalTime, actor: &Text, end: &PastEnd, any_cancelled: bool) -> Vec<Told> {
    let told =
        |at, what: &str, number| Told { seq: 0, at, what: what.into(), number, actor: actor.clone(), reason: None };
    let mut story = vec![told(placed_at, "placed", 0)];
    for (number, leg) in (1..).zip(&end.legs) {
        story.extend(leg.shipment.as_ref().map(|_| told(leg.shipped_at, "shipped", number)));
        story.push(told(leg.delivered_at, "delivered", number));
    }
    story.extend(any_cancelled.then(|| told(end.at, "cancelled", 0)));
    story.sort_by_key(|told| told.at);
    story
}
