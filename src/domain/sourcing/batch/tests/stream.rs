//! A stream of orders of family F2-M (`family`), decided as they come by one policy or another: 5 centres and 20 stores, 300
//! skus, 5,000 orders, stock of 1.0, 1.2 and 1.6 times what is expected.
//!
//! *By the score* is `sourcing::score`: one node by its weights over ratios, the rest line by line. *Set cover* takes the node
//! whose parcel costs least for each unit it covers, again and again. *Exact* is the kernel in full; with prices it also weighs
//! what a unit of scarce stock is worth, from [`PATHS`] sampled streams of the same law, found once, or anew several times from
//! what is left. The samples have seeds of their own: nothing is known of the orders to come but their law.
//!
//! `stream_bounds.txt` holds what nobody could undercut who knew all orders before, proven by prices (Lagrange); `cargo bench
//! --bench sourcing -- --bounds` computes those anew. Shared with that bench: whoever includes it has a `sourcing` and a
//! `family` beside it.

use std::sync::Arc;

use super::bound_of;
use super::family::{Dice, LEFT, Network, Order, POUND_DG, SPLIT, Size};
use super::sourcing::batch::{Member, Optimiser};
use super::sourcing::costed::{Plan, Problem, Workspace, solve_into};
use super::sourcing::score::{Seen, first_highest};

/// Stock, in hundredths of what is expected.
pub const KAPPAS: [i64; 3] = [100, 120, 160];
/// Sampled streams from which prices come.
pub const PATHS: usize = 4;
const ROUNDS: u32 = 120;
const ROUNDS_WARM: u32 = 30;

const BOUNDS: &str = include_str!("stream_bounds.txt");

/// How large a stream is.
pub fn size(kappa: i64) -> Size {
    Size { centres: 5, stores: 20, skus: 300, orders: 5_000, kappa }
}

/// Instances of a stream, each with what nobody undercuts.
pub fn bounds_of(kappa: i64) -> impl Iterator<Item = (u64, i64)> {
    let lines = BOUNDS.lines().filter(|line| !line.starts_with('#'));
    let words = lines.map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<i64>>());
    words.filter(move |words| words[0] == kappa).map(|words| (words[1] as u64, words[2]))
}

/// What no plans of all orders of an instance undercut, by prices of so many rounds.
pub fn proven(kappa: i64, instance: u64, rounds: u32) -> i64 {
    let network = Network::roll(size(kappa), instance);
    let orders = network.orders(&mut Dice::new(9_000 + instance), size(kappa).orders);
    let batch = network.batch(&orders, 1);
    let mut optimiser = Optimiser::new(&batch);
    optimiser.price(rounds);
    bound_of(&optimiser.found())
}

/// What decides an order, with the prices there are.
#[derive(Clone, Copy)]
pub enum Policy {
    Score,
    SetCover,
    Exact,
}

/// How orders are decided, and how often prices are found.
#[derive(Clone, Copy)]
pub struct Way {
    pub name: &'static str,
    pub policy: Policy,
    pub refreshes: usize,
    pub paths: usize,
}

pub const WAYS: [Way; 5] = [
    Way { name: "by the score", policy: Policy::Score, refreshes: 0, paths: 0 },
    Way { name: "set cover", policy: Policy::SetCover, refreshes: 0, paths: 0 },
    Way { name: "exact", policy: Policy::Exact, refreshes: 0, paths: 0 },
    Way { name: "exact, prices once", policy: Policy::Exact, refreshes: 1, paths: PATHS },
    Way { name: "exact, prices again", policy: Policy::Exact, refreshes: 10, paths: PATHS },
];

/// What all orders of an instance cost, decided in that way.
pub fn decided(kappa: i64, instance: u64, way: Way) -> i64 {
    let network = Network::roll(size(kappa), instance);
    let orders = network.orders(&mut Dice::new(9_000 + instance), size(kappa).orders);
    let mut stream = Stream::new(&network);
    let mut paths = Dice::new(31_337 + instance);
    let each = orders.len().div_ceil(way.refreshes.max(1));
    for (at, order) in orders.iter().enumerate() {
        if way.refreshes > 0 && at % each == 0 {
            stream.refresh(&mut paths, way.paths, orders.len() - at, at > 0);
        }
        match way.policy {
            Policy::Score => stream.by_score(order),
            Policy::SetCover => stream.set_cover(order),
            Policy::Exact => stream.exact(&network.member(order)),
        }
    }
    stream.cost
}

/// A stream that is being decided.
struct Stream<'a> {
    network: &'a Network,
    left: Vec<u32>,
    prices: Vec<i64>,
    cost: i64,
    problem: Problem,
    workspace: Workspace,
    plan: Plan,
}

impl<'a> Stream<'a> {
    fn new(network: &'a Network) -> Self {
        let left = network.stock.clone();
        let prices = vec![0; left.len()];
        let (problem, workspace, plan) = Default::default();
        Self { network, left, prices, cost: 0, problem, workspace, plan }
    }

    /// Prices of what is left, from so many sampled streams of so many orders.
    fn refresh(&mut self, dice: &mut Dice, paths: usize, orders: usize, is_warm: bool) {
        let sampled = self.network.orders(dice, orders * paths);
        let mut batch = self.network.batch(&sampled, 0);
        batch.stock = self.left.iter().map(|units| units * paths as u32).collect();
        for member in batch.members.iter_mut().map(Arc::make_mut) {
            let has = member.problem.available.iter_mut().zip(&member.cells);
            has.for_each(|(has, cell)| *has = self.left[*cell as usize]);
        }
        let mut optimiser = Optimiser::new(&batch);
        if is_warm {
            optimiser.begin_at(&self.prices, &vec![0; self.network.size.nodes()]);
        }
        optimiser.price(if is_warm { ROUNDS_WARM } else { ROUNDS });
        self.prices = optimiser.usual_prices().0;
    }

    /// The kernel in full, with the prices there are.
    fn exact(&mut self, member: &Member) {
        let own = &member.problem;
        self.problem.clone_from(own);
        for (candidate, cells) in member.cells.chunks_exact(own.slots).enumerate() {
            for (slot, cell) in cells.iter().enumerate() {
                // Each line is one sku.
                let at = candidate * own.slots + slot;
                self.problem.available[at] = self.left[*cell as usize];
                self.problem.unit_costs[at] += self.prices[*cell as usize];
            }
        }
        solve_into(&self.problem, &mut self.workspace, &mut self.plan);
        self.cost += self.plan.cost;
        for shipment in &self.plan.shipments {
            for part in self.plan.parts_of(shipment) {
                let cell = member.cells[shipment.candidate as usize * own.slots + part.line as usize] as usize;
                self.left[cell] -= part.quantity;
                self.cost -= self.prices[cell] * i64::from(part.quantity);
            }
        }
    }

    /// What a parcel of these units costs from a node, its units included.
    fn parcel(&self, order: &Order, node: usize, units: &[u32], table: &[i64]) -> i64 {
        let (parcel, unit) = self.network.handling(node);
        let own = order.lines.iter().zip(units);
        let grams: u64 = own.map(|((sku, _), units)| self.network.skus[*sku].0 * u64::from(*units)).sum();
        let pounds = (grams * 10).div_ceil(POUND_DG).max(1) as usize;
        parcel + unit * i64::from(units.iter().sum::<u32>()) + table[pounds - 1]
    }

    /// Sends units from a node.
    fn send(&mut self, order: &Order, node: usize, units: &[u32], table: &[i64], parcels: &mut i64) {
        if units.iter().all(|units| *units == 0) {
            return;
        }
        self.cost += self.parcel(order, node, units, table) + if *parcels > 0 { SPLIT } else { 0 };
        *parcels += 1;
        for ((sku, _), units) in order.lines.iter().zip(units) {
            self.left[node * self.network.size.skus + sku] -= units;
        }
    }

    /// Units that a node has of what an order still wants.
    fn covers(&self, order: &Order, node: usize, wanted: &[u32]) -> Vec<u32> {
        let has = |sku: usize| self.left[node * self.network.size.skus + sku];
        order.lines.iter().zip(wanted).map(|((sku, _), wanted)| has(*sku).min(*wanted)).collect()
    }

    /// Charges what is left of an order.
    fn leave(&mut self, order: &Order, wanted: &[u32]) {
        for ((sku, _), left) in order.lines.iter().zip(wanted).filter(|(_, left)| **left > 0) {
            self.cost += LEFT + self.network.skus[*sku].1 / 2 * i64::from(*left);
        }
    }

    fn set_cover(&mut self, order: &Order) {
        let mut wanted: Vec<u32> = order.lines.iter().map(|(_, units)| *units).collect();
        let (pounds, mut parcels) = (order.pounds(self.network), 0);
        while wanted.iter().any(|units| *units > 0) {
            let offer = |node: usize| {
                let units = self.covers(order, node, &wanted);
                let covered = i64::from(units.iter().sum::<u32>());
                let table = self.network.table(node, order, pounds);
                let cost = if covered > 0 { self.parcel(order, node, &units, &table) } else { 0 };
                (covered > 0).then(|| (cost * 1_000 / covered, node, units, table))
            };
            let best = (0..self.network.size.nodes()).filter_map(offer).min_by_key(|(each, ..)| *each);
            let Some((_, node, units, table)) = best else { break };
            wanted.iter_mut().zip(&units).for_each(|(wanted, units)| *wanted -= units);
            self.send(order, node, &units, &table, &mut parcels);
        }
        self.leave(order, &wanted);
    }

    /// One node by the score and the cheapest service, then line by line from the first others that have some.
    fn by_score(&mut self, order: &Order) {
        let nodes = self.network.size.nodes();
        let pounds = order.pounds(self.network);
        let mut wanted: Vec<u32> = order.lines.iter().map(|(_, units)| *units).collect();
        let units: u32 = wanted.iter().sum();
        let seen = |node: usize| {
            let [ground, _, overnight] = self.network.services(node, order, pounds);
            let in_full = self.covers(order, node, &wanted).iter().zip(&wanted).filter(|(has, n)| has >= n).count();
            Seen {
                lines_in_full: in_full as u32,
                lines: order.lines.len() as u32,
                cheapest: ground[pounds - 1] as f64,
                fastest: overnight[pounds - 1] as f64,
                learned: None,
                cost_factor: None,
                units,
            }
        };
        let seen: Vec<Seen> = (0..nodes).map(seen).collect();
        let first = first_highest(&seen).expect("prices are numbers");
        let mut parcels = 0;
        for node in std::iter::once(first).chain((0..nodes).filter(|node| *node != first)) {
            let units = self.covers(order, node, &wanted);
            wanted.iter_mut().zip(&units).for_each(|(wanted, units)| *wanted -= units);
            // Always the cheapest service, whatever the day.
            let [ground, ..] = self.network.services(node, order, pounds);
            self.send(order, node, &units, &ground, &mut parcels);
        }
        self.leave(order, &wanted);
    }
}
