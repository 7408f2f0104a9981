//! Open orders planned again together: what would change, and at what cost.
//!
//! Units that nobody has begun to work on go from other nodes than so far, and units that waited as too dear, or as rules
//! of then kept them out, are sent when that costs less than to leave them. To an order that is nothing new: its fulfilment
//! orders are split, moved and merged as by hand, so its story tells what was done. A proposal is not stored; that it was
//! applied is, with its figures, in the record that applies it.
//!
//! What is *not* here: which plans are best (`sourcing::batch`), stock (the engine's `replan`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::decision::LineUnits;
use super::delivery::is_collected;
use super::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentStep};
use super::ids::{NodeIndex, OrderKey, Text};
use super::limits::{FULFILLMENT_ORDERS_MAX, OPTIMISATION_READABLE_MS};
use super::order::{Allocation, Order, OrderEvent};
use super::replanning::Occasion;
use super::stock::CellKey;
use super::time::JournalTime;

/// Which orders are planned again, and for how long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Optimise {
    /// These; all when `None`.
    pub orders: Option<Vec<Text>>,
    /// Of them those of which a node has something.
    pub node: Option<Text>,
    /// Of them those that want some of a sku.
    pub sku: Option<Text>,
    /// How long it may take.
    pub within: Duration,
    /// How often prices move at most, and plans are repaired for every part of an order.
    pub rounds: u32,
    /// Whether orders may arrive later than as they are.
    pub may_be_later: bool,
    /// Why: of a receipt or an outage those that it touches take part.
    pub occasion: Occasion,
}

/// What a proposal is about, in figures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Orders that took part.
    pub looked_at: u32,
    /// Orders that did not, since nothing of them may move or not all of it is known.
    pub aside: u32,
    /// Orders that change.
    pub changed: u32,
    /// What the orders that took part cost as they are, minor units of the base currency.
    pub cost_before: i64,
    /// What they cost with it.
    pub cost: i64,
    /// No plans of them cost less; where nothing is proven 0, or what their stock is worth to be rid of, below that.
    pub lower_bound: i64,
}

/// A proposal that was applied: told as long as [`OPTIMISATION_READABLE_MS`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Applied {
    /// What it was about.
    pub figures: Figures,
    /// When.
    pub at: JournalTime,
}

impl Applied {
    /// Whether nobody needs to know of it any more.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        now.0 - self.at.0 > OPTIMISATION_READABLE_MS
    }
}

/// A proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Optimisation {
    /// Its id.
    pub id: Text,
    /// Why.
    pub occasion: Occasion,
    /// What it is about.
    pub figures: Figures,
    /// The orders that change; of one that was applied before the last start none is known.
    pub orders: Vec<Replanned>,
    /// What a unit more would be worth where it is worth most, minor units of the base currency: the prices that prove the bound.
    pub scarce: Vec<(CellKey, i64)>,
    /// Sequence of the last change of the catalogue it was made by, prices of opportunity aside.
    pub catalogue_seq: u64,
    /// Whether orders may arrive later than they were promised: then they are promised anew.
    pub may_be_later: bool,
    /// When it was applied.
    pub applied_at: Option<JournalTime>,
}

impl Optimisation {
    /// One that was applied, as far as the journal tells.
    pub fn applied(id: Text, applied: &Applied) -> Self {
        let Applied { figures, at } = *applied;
        let occasion = Occasion::of_id(&id);
        let (orders, scarce, may_be_later) = (Vec::new(), Vec::new(), false);
        Self { id, occasion, figures, orders, scarce, catalogue_seq: 0, may_be_later, applied_at: Some(at) }
    }
}

/// An order with other shipments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replanned {
    /// Which.
    pub order: OrderKey,
    /// Its name, and those of its lines.
    pub name: String,
    /// Ids of its lines.
    pub lines: Vec<Text>,
    /// What of it may move, and where it is.
    pub before: Vec<Movable>,
    /// Where all of that shall be.
    pub after: Vec<Planned>,
    /// What that costs as it is.
    pub cost_before: i64,
    /// What it costs then.
    pub cost: i64,
}

/// A fulfilment order that nobody has begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Movable {
    /// Its number.
    pub number: u16,
    /// Where it is.
    pub node: NodeIndex,
    /// Which destination.
    pub group: u16,
    /// Where it stands.
    pub status: FulfillmentStatus,
    /// Its units.
    pub units: Vec<LineUnits>,
}

/// A shipment that shall be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// From where.
    pub node: NodeIndex,
    /// Whereto.
    pub group: u16,
    /// Numbers of the fulfilment orders, ascending, whose units it and all others of the same numbers have: those that are
    /// to be there by the same day. None where its units waited.
    pub of: Vec<u16>,
    /// What.
    pub units: Vec<LineUnits>,
    /// What it costs, the split not included.
    pub cost: i64,
}

/// Fulfilment orders of an order that nobody has begun, that leave alone, and of which everything has stock.
pub fn movable(order: &Order) -> Vec<Movable> {
    let begun =
        |own: &&FulfillmentOrder| !matches!(own.status, FulfillmentStatus::Scheduled | FulfillmentStatus::Submitted);
    let has_stock = |u: &LineUnits| order.lines[usize::from(u.line)].placed.stocked;
    let own = order.fulfillment_orders.iter().filter(|own| !begun(own) && own.ships_with.is_empty());
    let movable = own.map(|own| Movable {
        number: own.number,
        node: own.node,
        group: own.group,
        status: own.status,
        units: own.line_units(),
    });
    movable.filter(|own| !own.units.is_empty() && own.units.iter().all(has_stock)).collect()
}

/// Why units of an order may go nowhere else, if so: somebody chose where they are, or plans to change the order. A hold keeps
/// nobody from that, as it keeps nobody from a move.
pub fn stays(order: &Order) -> Option<&'static str> {
    let is_collected = order.methods().any(|method| is_collected(method));
    let is_chosen = is_collected || order.preferred_node().is_some() || order.ways.iter().any(|way| way.node.is_some());
    match () {
        () if order.is_archived() => Some("is no longer open"),
        () if order.open_edit().is_some() => Some("is being edited"),
        () if is_chosen || !order.bookings().is_empty() => Some("names its node"),
        () => None,
    }
}

/// What a piece of an order becomes.
struct Piece {
    number: u16,
    node: NodeIndex,
    status: FulfillmentStatus,
    /// It comes from elsewhere.
    is_new: bool,
}

impl Replanned {
    /// What the order is told, and which of its fulfilment orders go to which nodes. `None` when the order is not as it was,
    /// or would have too many fulfilment orders.
    pub fn told(&self, order: &Order) -> Option<Told> {
        if movable(order) != self.before {
            return None;
        }
        let next = order.next_number();
        let (steps, moved, filled) = (Vec::new(), Vec::new(), Vec::new());
        let mut told = Told { steps, moved, merged: BTreeSet::new(), filled, next };
        let parts: BTreeSet<&[u16]> =
            self.after.iter().map(|planned| &*planned.of).filter(|of| !of.is_empty()).collect();
        if parts.iter().map(|of| of.len()).sum::<usize>() != self.before.len() {
            return None;
        }
        for of in parts {
            self.tell_part(of, &mut told)?;
        }
        self.tell_filled(order, &mut told)?;
        (usize::from(told.next) <= FULFILLMENT_ORDERS_MAX + 1).then_some(told)
    }

    /// What of it waits and shall be sent.
    pub fn filled(&self) -> impl Iterator<Item = &Planned> {
        self.after.iter().filter(|planned| planned.of.is_empty())
    }

    /// Tells what units that waited become, unless fewer wait by now.
    fn tell_filled(&self, order: &Order, told: &mut Told) -> Option<()> {
        let mut left: Vec<u32> = order.lines.iter().map(|line| line.backordered).collect();
        for planned in self.filled() {
            for u in &planned.units {
                let left = &mut left[usize::from(u.line)];
                *left = left.checked_sub(u.quantity)?;
            }
            let Planned { node, group, cost, .. } = *planned;
            told.filled.push(Allocation { number: told.next, node, group, lines: planned.units.clone(), cost });
            told.next += 1;
        }
        Some(())
    }

    /// Tells what becomes of the fulfilment orders of these numbers, whose units are each other's.
    fn tell_part(&self, of: &[u16], told: &mut Told) -> Option<()> {
        let after = || self.after.iter().filter(|planned| planned.of == of);
        let mut wanted: BTreeMap<NodeIndex, BTreeMap<u16, u32>> = BTreeMap::new();
        after().for_each(|planned| {
            let units = wanted.entry(planned.node).or_default();
            planned.units.iter().for_each(|u| *units.entry(u.line).or_default() += u.quantity);
        });
        let own: Vec<&Movable> = self.before.iter().filter(|own| of.contains(&own.number)).collect();
        let mut stays: Vec<Vec<LineUnits>> = Vec::new();
        let mut goes: Vec<Vec<LineUnits>> = Vec::new();
        for own in &own {
            let (stay, go) = part(&own.units, wanted.get_mut(&own.node));
            stays.push(stay);
            goes.push(go);
        }
        let mut pieces = Vec::new();
        for ((own, stays), mut goes) in own.iter().zip(&stays).zip(goes) {
            let piece = |number, node, is_new| Piece { number, node, status: own.status, is_new };
            if !stays.is_empty() {
                pieces.push(piece(own.number, own.node, false));
            }
            for (node, wanted) in &mut wanted {
                let (lines, rest) = part(&goes, Some(wanted));
                if lines.is_empty() {
                    continue;
                }
                // The last of what goes takes the number, where nothing stays.
                let is_all = stays.is_empty() && rest.is_empty();
                let number = if is_all { own.number } else { told.split(own.number, lines) };
                let cost = after().filter(|planned| planned.node == *node).map(|planned| planned.cost).sum();
                told.step(number, FulfillmentStep::Moved { node: *node, cost });
                let from = is_all.then_some(own.node);
                told.moved.push(Gone { number, of: own.number, group: own.group, from, to: *node });
                pieces.push(piece(number, *node, true));
                goes = rest;
            }
            if !goes.is_empty() {
                return None;
            }
        }
        told.merge(&pieces);
        Some(())
    }
}

/// What an order is told of a change of its shipments.
#[derive(Debug)]
pub struct Told {
    /// The steps of its fulfilment orders.
    pub steps: Vec<OrderEvent>,
    /// Those that go to another node.
    pub moved: Vec<Gone>,
    /// Numbers of those of which another has all units then.
    pub merged: BTreeSet<u16>,
    /// What units that waited become.
    pub filled: Vec<Allocation>,
    next: u16,
}

/// A fulfilment order that goes to another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone {
    /// Its number.
    pub number: u16,
    /// The fulfilment order whose units it has.
    pub of: u16,
    /// Which destination.
    pub group: u16,
    /// From where, unless it was split off just now.
    pub from: Option<NodeIndex>,
    /// Whereto.
    pub to: NodeIndex,
}

impl Told {
    fn step(&mut self, number: u16, step: FulfillmentStep) {
        self.steps.push(OrderEvent::Fulfillment { number, step });
    }

    fn split(&mut self, number: u16, lines: Vec<LineUnits>) -> u16 {
        let into = self.next;
        self.next += 1;
        self.step(number, FulfillmentStep::Split { lines, into });
        into
    }

    /// Pieces of one node that are as far become one: one that came, whose cost is that of all.
    fn merge(&mut self, pieces: &[Piece]) {
        let mut by_node: BTreeMap<(NodeIndex, &str), Vec<&Piece>> = BTreeMap::new();
        for piece in pieces {
            by_node.entry((piece.node, piece.status.word())).or_default().push(piece);
        }
        for of_node in by_node.values() {
            let into = of_node.iter().find(|piece| piece.is_new).unwrap_or(&of_node[0]).number;
            if of_node.iter().any(|piece| piece.is_new) {
                for piece in of_node.iter().filter(|piece| piece.number != into) {
                    self.step(piece.number, FulfillmentStep::Merged { into });
                    self.merged.insert(piece.number);
                }
            }
        }
    }
}

/// Units that are wanted, which are so no more, and the others.
fn part(units: &[LineUnits], wanted: Option<&mut BTreeMap<u16, u32>>) -> (Vec<LineUnits>, Vec<LineUnits>) {
    let Some(wanted) = wanted else { return (Vec::new(), units.to_vec()) };
    let (mut taken, mut others) = (Vec::new(), Vec::new());
    for u in units {
        let left = wanted.entry(u.line).or_default();
        let quantity = u.quantity.min(*left);
        *left -= quantity;
        let part = |quantity| LineUnits { quantity, ..*u };
        taken.extend((quantity > 0).then(|| part(quantity)));
        others.extend((quantity < u.quantity).then(|| part(u.quantity - quantity)));
    }
    (taken, others)
}
