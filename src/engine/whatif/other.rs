//! Orders that are otherwise in the supposed world, and who waits there.
//!
//! Such an order has an account of the units that nodes have of it in the journal, and one of those that nodes have of it
//! here; of orders that are there more than once, one of each. The difference is what is otherwise of stock. What happens to
//! the order in the journal happens here as far as it can: units that are cancelled or added are so here; units that a node
//! refused, did not find or handed to another leave that node here too, where it has any, and are sourced again.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::Leg;
use crate::domain::fulfillment::FulfillmentStatus;
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex};
use crate::domain::order::Order;

/// Most who wait that are looked at when units of their sku come.
const TRIED_MAX: usize = 64;

/// Units that nodes have of an order, by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held(BTreeMap<(NodeIndex, u16), u32>);

/// An order that is otherwise.
#[derive(Debug, Default)]
pub struct Other {
    /// What nodes have of it in the journal.
    before: Held,
    /// What they have of it here, of each of those that are there.
    pub copies: Vec<Held>,
    /// The order itself, where it is of another day.
    pub extra: Option<Box<Order>>,
    /// Units of each line that are wanted.
    wanted: Vec<u32>,
    /// Units of all copies that nobody has.
    pub waits: u64,
}

/// Who waits, by sku, first come first served.
#[derive(Debug, Default)]
pub struct Queues {
    by_sku: BTreeMap<SkuIndex, BTreeSet<(u64, OrderKey)>>,
    /// When an order came to wait first.
    since: BTreeMap<OrderKey, u64>,
    next: u64,
}

impl Held {
    /// Of shipments.
    pub fn of(legs: &[Leg]) -> Self {
        let mut held = Self::default();
        held.add_legs(legs);
        held
    }

    /// Node, line and units.
    pub fn iter(&self) -> impl Iterator<Item = (NodeIndex, u16, u32)> + '_ {
        self.0.iter().map(|((node, line), units)| (*node, *line, *units))
    }

    fn add(&mut self, node: NodeIndex, line: u16, units: u32) {
        if units > 0 {
            *self.0.entry((node, line)).or_default() += units;
        }
    }

    /// Up to so many units fewer; answers how many.
    fn take(&mut self, node: NodeIndex, line: u16, units: u32) -> u32 {
        let Some(held) = self.0.get_mut(&(node, line)) else { return 0 };
        let taken = units.min(*held);
        *held -= taken;
        if *held == 0 {
            self.0.remove(&(node, line));
        }
        taken
    }

    /// The units of shipments more.
    pub fn add_legs(&mut self, legs: &[Leg]) {
        for leg in legs {
            leg.lines.iter().for_each(|u| self.add(leg.node, u.line, u.quantity));
        }
    }

    /// The units of shipments fewer.
    pub fn take_legs(&mut self, legs: &[Leg]) {
        for leg in legs {
            for u in &leg.lines {
                self.take(leg.node, u.line, u.quantity);
            }
        }
    }

    fn of_line(&self, line: u16) -> u32 {
        self.iter().filter(|(_, own, _)| *own == line).map(|(.., units)| units).sum()
    }

    /// What this has that the other has not.
    fn beyond(&self, other: &Self) -> Self {
        let mut rest = Self::default();
        for (node, line, units) in self.iter() {
            rest.add(node, line, units.saturating_sub(other.0.get(&(node, line)).copied().unwrap_or(0)));
        }
        rest
    }

    /// Units by line that nobody has.
    pub fn lacks(&self, order: &Order) -> BTreeMap<u16, u32> {
        let lines = 0..order.lines.len() as u16;
        let lacks = lines.map(|line| (line, wanted(order, line).saturating_sub(self.of_line(line))));
        lacks.filter(|(_, units)| *units > 0).collect()
    }

    /// So many units of a line leave: of the nodes that had them in the journal and have not any more, then of others.
    fn drop_line(&mut self, line: u16, units: u32, left: &Held) {
        let mut surplus = units;
        for (node, own, units) in left.iter() {
            if own == line {
                surplus -= self.take(node, line, units.min(surplus));
            }
        }
        let nodes: Vec<NodeIndex> = self.iter().filter(|(_, own, _)| *own == line).map(|(node, ..)| node).collect();
        for node in nodes.into_iter().rev() {
            surplus -= self.take(node, line, surplus);
        }
    }

    /// Takes part in what happened to its order: `left` is what nodes of the journal had and have no more, of which so many
    /// of a line were `refused`.
    fn follow(&mut self, order: &Order, left: &Held, refused: impl Fn(u16) -> u32) {
        for line in 0..order.lines.len() as u16 {
            self.drop_line(line, self.of_line(line).saturating_sub(wanted(order, line)), left);
            let mut rest = refused(line);
            for (node, own, units) in left.iter() {
                if own == line {
                    let units = units.min(rest);
                    self.take(node, line, units);
                    rest -= units;
                }
            }
        }
    }
}

impl Other {
    /// An order of which nodes have this in the journal, and each copy that.
    pub fn new(order: &Order, before: Held, copies: Vec<Held>) -> Self {
        let wanted = (0..order.lines.len() as u16).map(|line| wanted(order, line)).collect();
        Self { before, copies, extra: None, wanted, waits: 0 }
    }

    /// Takes part in what happened to its order. `shift` hears what the journal's nodes have more, and what nodes here have
    /// fewer (1), and the other way round (-1).
    pub fn follow(&mut self, order: &Order, mut shift: impl FnMut(&Held, i64)) {
        let now = held_of(order);
        let left = self.before.beyond(&now);
        shift(&now.beyond(&self.before), 1);
        shift(&left, -1);
        let wanted: Vec<u32> = (0..order.lines.len() as u16).map(|line| wanted(order, line)).collect();
        let dropped = |line: u16| {
            let before = self.wanted.get(usize::from(line)).copied().unwrap_or(0);
            before.saturating_sub(wanted[usize::from(line)])
        };
        let refused = |line: u16| left.of_line(line).saturating_sub(dropped(line));
        for copy in &mut self.copies {
            let before = copy.clone();
            copy.follow(order, &left, refused);
            shift(&before.beyond(copy), 1);
        }
        (self.before, self.wanted) = (now, wanted);
    }
}

impl Queues {
    /// An order waits for what its copies lack, or for nothing.
    pub fn wait(&mut self, key: OrderKey, order: &Order, other: &mut Other) {
        let mut lacking = BTreeSet::new();
        other.waits = 0;
        for copy in &other.copies {
            for (line, units) in copy.lacks(order) {
                other.waits += u64::from(units);
                lacking.extend(order.lines[usize::from(line)].placed.stock(1).into_iter().map(|(sku, _)| sku));
            }
        }
        if lacking.is_empty() && !self.since.contains_key(&key) {
            return;
        }
        self.next += 1;
        let since = *self.since.entry(key).or_insert(self.next);
        for (sku, _) in order.lines.iter().flat_map(|line| line.placed.stock(1)) {
            let queue = self.by_sku.entry(sku).or_default();
            if lacking.contains(&sku) {
                queue.insert((since, key));
            } else {
                queue.remove(&(since, key));
            }
        }
    }

    /// An order is no more.
    pub fn leave(&mut self, sku: SkuIndex, key: OrderKey) {
        if let (Some(queue), Some(since)) = (self.by_sku.get_mut(&sku), self.since.get(&key)) {
            queue.remove(&(*since, key));
        }
    }

    /// Who waits for a sku, the first of them.
    pub fn waiting_for(&self, sku: SkuIndex) -> Vec<OrderKey> {
        let queue = self.by_sku.get(&sku);
        queue.into_iter().flatten().take(TRIED_MAX).map(|(_, key)| *key).collect()
    }
}

/// What nodes have of an order: from the plan that gave it to them until it is refused, cancelled, or for ever.
pub fn held_of(order: &Order) -> Held {
    let mut held = Held::default();
    let has = |status: FulfillmentStatus| {
        use FulfillmentStatus::{Cancelled, Incomplete, PutBack, Rejected};
        !matches!(status, Cancelled | Incomplete | PutBack | Rejected)
    };
    for fulfillment in order.fulfillment_orders.iter().filter(|f| f.merged_into.is_none() && has(f.status)) {
        fulfillment.lines.iter().for_each(|part| held.add(fulfillment.node, part.line, part.quantity));
    }
    held
}

/// Units of a line that are wanted: neither cancelled nor gone to another order.
fn wanted(order: &Order, line: u16) -> u32 {
    let buckets = order.buckets(line);
    u32::try_from(buckets.sum()).unwrap_or(u32::MAX).saturating_sub(buckets.cancelled)
}
