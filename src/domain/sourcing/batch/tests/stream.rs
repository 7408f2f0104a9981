//! A stream of orders of family F2 (`family`), decided as they come by one policy or another, mostly F2-M: 5 centres and 20
//! stores, 300 skus, 5,000 orders, stock of 1.0, 1.2 and 1.6 times what is expected.
//!
//! *By the score* is `sourcing::score`: one node by its weights over ratios, the rest line by line. *Nearest* is the nearest
//! node that has all of it, else the nearest that have some. *Set cover* takes the node whose parcel costs least for each unit it
//! covers, again and again. *Exact* is the kernel in full; with prices it also weighs what a unit of scarce stock is worth, from
//! sampled streams of the same law, found once, or anew several times from what is left. *In waves* plans 200 orders together at
//! such prices. The samples have seeds of their own: nothing is known of the orders to come but their law. Who is *misled*
//! decides exactly by figures of which one is wrong (`Misled`), and pays what it really costs.
//!
//! **Troubled** is family F4: nodes do not find a line in 2 cases of 100, stores in 8, and 10 more where the last unit is asked
//! for; what is not found is gone, and is sourced again, in further parcels. Parcels arrive as their service says in 85 of 100,
//! 12 a day later and 3 two days. Who *minds* that weighs both by their chances, a unit that is not found at [`NOT_FOUND`].
//!
//! `stream_bounds.txt` and `large_bounds.txt` hold what nobody could undercut who knew all orders before, proven by prices
//! (Lagrange); `cargo bench --bench sourcing -- --bounds` computes those anew. Shared with that bench: whoever includes it has a
//! `sourcing` and a `family` beside it.

use std::sync::Arc;

use super::family::{Dice, LATE, LEFT, Network, Order, POUND_DG, SPLIT, Service, Size};
use super::sourcing::batch::{Batch, Member, Optimiser};
use super::sourcing::costed::{Plan, Problem, Workspace, solve_into};
use super::sourcing::score::{Seen, first_highest};

/// Stock, in hundredths of what is expected.
pub const KAPPAS: [i64; 3] = [100, 120, 160];
/// Sampled streams from which prices come.
pub const PATHS: usize = 4;
const ROUNDS: u32 = 120;
const ROUNDS_WARM: u32 = 30;
/// Orders of a wave, and repairs of its plans.
const WAVE: usize = 200;
const WAVE_REPAIRS: u32 = 6_000;
/// Cents that a unit costs, by rule of thumb, that is not found.
pub const NOT_FOUND: i64 = 600;
/// Days that parcels are behind what their service says, and in how many cases of a hundred.
const BEHIND: [(i64, i64); 3] = [(0, 85), (1, 12), (2, 3)];
/// How often what was not found is sourced again.
const AGAIN_MAX: usize = 4;

const BOUNDS: &str = include_str!("stream_bounds.txt");
const LARGE_BOUNDS: &str = include_str!("large_bounds.txt");

/// How large a stream of F2-M is.
pub fn size(kappa: i64) -> Size {
    Size { centres: 5, stores: 20, skus: 300, orders: 5_000, kappa }
}

/// How large one of F2-L is.
pub const LARGE: Size = Size { centres: 10, stores: 40, skus: 1_000, orders: 20_000, kappa: 120 };

/// Instances of a stream of F2-M, each with what nobody undercuts.
pub fn bounds_of(kappa: i64) -> impl Iterator<Item = (u64, i64)> {
    bounds(BOUNDS).filter(move |(of, ..)| *of == kappa).map(|(_, instance, bound)| (instance, bound))
}

/// The same of F2-L.
pub fn large_bounds() -> impl Iterator<Item = (u64, i64)> {
    bounds(LARGE_BOUNDS).map(|(_, instance, bound)| (instance, bound))
}

/// Kappa, instance and bound, line by line.
fn bounds(text: &'static str) -> impl Iterator<Item = (i64, u64, i64)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let words = lines.map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<i64>>());
    words.map(|words| (words[0], words[1] as u64, words[2]))
}

/// What no plans of all orders of an instance undercut, by prices of so many rounds; and what the plans cost that so many repairs
/// find for who knows them all.
pub fn proven(size: Size, instance: u64, (rounds, repairs): (u32, u32)) -> (i64, i64) {
    let network = Network::roll(size, instance);
    let orders = network.orders(&mut Dice::new(9_000 + instance), size.orders);
    let batch = network.batch(&orders, 1);
    let mut optimiser = Optimiser::new(&batch);
    optimiser.price(rounds);
    if repairs > 0 {
        optimiser.plan_anew();
        optimiser.improve(repairs);
    }
    let found = optimiser.found();
    (found.lower_bound.expect("it fills as much as the orders would alone"), found.cost)
}

/// What decides an order, with the prices there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    Score,
    Nearest,
    SetCover,
    Exact,
    Waves,
}

/// Which figure is wrong of those by which is decided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Misled {
    /// None.
    No,
    /// A shipment beyond the first is thought to cost nothing.
    NoSplit,
    /// Neither that nor what a parcel costs whatever it weighs.
    NoCharge,
    /// Prices come of orders of one line each.
    SingleLines,
    /// So many orders are thought to come for a hundred.
    Forecast(usize),
    /// All is found, and arrives as its service says, in trouble.
    Trusting,
}

/// How orders are decided, and how often prices are found.
#[derive(Clone, Copy)]
pub struct Way {
    pub name: &'static str,
    pub policy: Policy,
    pub refreshes: usize,
    pub paths: usize,
    pub misled: Misled,
}

const BARE: Way = Way { name: "exact", policy: Policy::Exact, refreshes: 0, paths: 0, misled: Misled::No };
const PRICED: Way = Way { name: "exact, prices again", refreshes: 10, paths: PATHS, ..BARE };

pub const WAYS: [Way; 7] = [
    Way { name: "by the score", policy: Policy::Score, ..BARE },
    Way { name: "nearest", policy: Policy::Nearest, ..BARE },
    Way { name: "set cover", policy: Policy::SetCover, ..BARE },
    BARE,
    Way { name: "exact, prices once", refreshes: 1, ..PRICED },
    Way { name: "in waves, prices again", policy: Policy::Waves, ..PRICED },
    PRICED,
];

/// Those who are misled, beside the last of the ways.
pub const ABLATIONS: [Way; 5] = [
    Way { name: "splits cost nothing", misled: Misled::NoSplit, ..PRICED },
    Way { name: "parcels cost by weight alone", misled: Misled::NoCharge, ..PRICED },
    Way { name: "prices of single lines", misled: Misled::SingleLines, ..PRICED },
    Way { name: "forecast 30 % too low", misled: Misled::Forecast(70), ..PRICED },
    Way { name: "forecast 30 % too high", misled: Misled::Forecast(130), ..PRICED },
];

/// Those who are in trouble: who trusts everybody, and who minds.
pub const TROUBLED: [Way; 2] =
    [Way { name: "trusting", misled: Misled::Trusting, ..PRICED }, Way { name: "minding", ..PRICED }];

/// What came of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub orders: u64,
    /// Cents of all of it, what is left included.
    pub cost: i64,
    pub units: u64,
    pub shipments: u64,
    /// Orders of several.
    pub split: u64,
    /// Shipments that are late.
    pub late: u64,
    /// Days that they are late together.
    pub days_late: u64,
    /// Grams of CO2 equivalents.
    pub carbon_g: u64,
    /// Lines of which something is left.
    pub unfilled: u64,
    /// Of every shipment.
    pub hash: u64,
}

/// All orders of an instance, decided in that way; in trouble or not.
pub fn decided(size: Size, instance: u64, way: Way, is_troubled: bool) -> Told {
    let network = Network::roll(size, instance);
    let orders = network.orders(&mut Dice::new(9_000 + instance), size.orders);
    let mut stream = Stream::new(&network, way);
    if is_troubled {
        // Neither the network's, nor its orders', nor the samples'.
        stream.trouble = Some(Dice::new(77_000 + instance));
    }
    let mut paths = Dice::new(31_337 + instance);
    let each = orders.len().div_ceil(way.refreshes.max(1));
    let at_once = if way.policy == Policy::Waves { WAVE } else { 1 };
    for (at, some) in (0..).step_by(at_once).zip(orders.chunks(at_once)) {
        if way.refreshes > 0 && at % each < at_once {
            stream.refresh(&mut paths, orders.len() - at, at > 0);
        }
        match way.policy {
            Policy::Waves => stream.wave(some),
            _ => some.iter().for_each(|order| stream.decide(order)),
        }
    }
    stream.told
}

/// A stream that is being decided.
pub struct Stream<'a> {
    network: &'a Network,
    way: Way,
    trouble: Option<Dice>,
    pub left: Vec<u32>,
    prices: Vec<i64>,
    pub told: Told,
    problem: Problem,
    workspace: Workspace,
    plan: Plan,
}

impl<'a> Stream<'a> {
    pub fn new(network: &'a Network, way: Way) -> Self {
        let left = network.stock.clone();
        let prices = vec![0; left.len()];
        let (told, problem, workspace, plan) = Default::default();
        Self { network, way, trouble: None, left, prices, told, problem, workspace, plan }
    }

    /// Prices of what is left, from sampled streams of so many orders.
    fn refresh(&mut self, dice: &mut Dice, orders: usize, is_warm: bool) {
        let paths = self.way.paths;
        let expected = match self.way.misled {
            Misled::Forecast(percent) => orders * percent / 100,
            _ => orders,
        };
        let mut sampled = self.network.orders(dice, expected * paths);
        if self.way.misled == Misled::SingleLines {
            let alone =
                |order: &Order| -> Vec<Order> { order.lines.iter().map(|line| order.with(vec![*line])).collect() };
            sampled = sampled.iter().flat_map(alone).collect();
        }
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

    /// Decides an order.
    pub fn decide(&mut self, order: &Order) {
        let mut parcels = 0;
        let mut wanted: Vec<u32> = order.lines.iter().map(|(_, units)| *units).collect();
        match self.way.policy {
            Policy::Score => self.by_score(order, &mut wanted, &mut parcels),
            Policy::Nearest => self.nearest(order, &mut wanted, &mut parcels),
            Policy::SetCover => self.set_cover(order, &mut wanted, &mut parcels),
            Policy::Exact | Policy::Waves => {
                for _ in 0..AGAIN_MAX {
                    let sends = self.exact(order, &wanted);
                    if !self.send_all(order, sends, &mut wanted, &mut parcels) {
                        break;
                    }
                }
            }
        }
        self.end(order, &wanted, parcels);
    }

    /// Decides an order as if it came alone: what it takes is there again. Answers what it costs.
    pub fn decide_alone(&mut self, order: &Order) -> i64 {
        let before = self.told.cost;
        self.decide(order);
        for (sku, _) in &order.lines {
            for cell in (*sku..self.left.len()).step_by(self.network.size.skus) {
                self.left[cell] = self.network.stock[cell];
            }
        }
        self.told.cost - before
    }

    /// Plans orders together at the prices there are.
    fn wave(&mut self, orders: &[Order]) {
        let stated = |order: &Order| {
            let mut member = self.network.member(order);
            self.price(&mut member);
            Arc::new(member)
        };
        let members: Vec<Arc<Member>> = orders.iter().map(stated).collect();
        let sends = vec![None; self.network.size.nodes()];
        let batch = Batch { members, stock: self.left.clone(), sends };
        let mut optimiser = Optimiser::new(&batch);
        optimiser.price(ROUNDS_WARM);
        optimiser.plan_anew();
        optimiser.improve(WAVE_REPAIRS);
        for ((order, member), choice) in orders.iter().zip(&batch.members).zip(optimiser.found().choices) {
            let mut wanted: Vec<u32> = order.lines.iter().map(|(_, units)| *units).collect();
            let taken = choice.taken.iter().map(|taken| (taken.candidate, taken.line, taken.units));
            let (sends, mut parcels) = (by_node(member, taken, order.lines.len()), 0);
            self.send_all(order, sends, &mut wanted, &mut parcels);
            self.end(order, &wanted, parcels);
        }
    }

    /// What is left of every cell, and what a unit of it is worth.
    fn price(&self, member: &mut Member) {
        // Each line is one sku, so cells stand by candidate and slot as costs do by candidate and line.
        for (at, cell) in member.cells.iter().enumerate() {
            member.problem.available[at] = self.left[*cell as usize];
            member.problem.unit_costs[at] += self.prices[*cell as usize];
        }
    }

    /// The kernel in full, with the prices there are and by the figures that are believed.
    fn exact(&mut self, order: &Order, wanted: &[u32]) -> Vec<(usize, Vec<u32>)> {
        let network = self.network;
        let lines = order.lines.iter().zip(wanted).map(|((sku, _), wanted)| (*sku, *wanted));
        let order = order.with(lines.collect());
        let minds = self.minds();
        let parcels = |node: usize, pounds: usize| match self.way.misled {
            Misled::NoCharge => {
                let costs = network.table(node, &order, pounds);
                (0, costs.iter().map(|cost| cost - costs[0]).collect())
            }
            _ if minds => (network.handling(node).0, foreseen(network, node, &order, pounds)),
            _ => (network.handling(node).0, network.table(node, &order, pounds)),
        };
        let mut member = network.stated(&order, &parcels);
        if minds {
            for (at, cell) in member.cells.iter().enumerate() {
                let chance = not_found(network, *cell as usize, self.left[*cell as usize]);
                member.problem.unit_costs[at] += chance * NOT_FOUND / 100;
            }
        }
        self.price(&mut member);
        if matches!(self.way.misled, Misled::NoSplit | Misled::NoCharge) {
            member.problem.split = 0;
        }
        std::mem::swap(&mut self.problem, &mut member.problem);
        solve_into(&self.problem, &mut self.workspace, &mut self.plan);
        let taken = self.plan.shipments.iter().flat_map(|shipment| {
            self.plan.parts_of(shipment).iter().map(|part| (shipment.candidate, part.line, part.quantity))
        });
        by_node(&member, taken, order.lines.len())
    }

    /// Sends what nodes find of what they are asked for; whether something was not found.
    fn send_all(
        &mut self,
        order: &Order,
        sends: Vec<(usize, Vec<u32>)>,
        wanted: &mut [u32],
        parcels: &mut i64,
    ) -> bool {
        let mut is_short = false;
        for (node, mut units) in sends {
            for ((sku, _), units) in order.lines.iter().zip(&mut units).filter(|(_, units)| **units > 0) {
                let cell = node * self.network.size.skus + sku;
                let chance = not_found(self.network, cell, self.left[cell]);
                if self.trouble.as_mut().is_some_and(|dice| dice.unit() * 100.0 < chance as f64) {
                    (self.left[cell], *units, is_short) = (0, 0, true);
                }
            }
            self.send(order, node, &units, None, parcels);
            wanted.iter_mut().zip(&units).for_each(|(wanted, units)| *wanted -= units);
        }
        is_short
    }

    /// What a parcel of these units costs from a node by the best service, its units included, or by one; and by which.
    fn parcel(&self, order: &Order, node: usize, units: &[u32], by: Option<usize>) -> (i64, usize) {
        let (parcel, unit) = self.network.handling(node);
        let pounds = self.pounds(order, units);
        let foreseen = self.minds().then(|| behind_of(self.network, node, order));
        let said = self.network.services(node, order, 0);
        let asks = |at: &usize| foreseen.map_or(said[*at].asks(pounds), |foreseen| usual(&foreseen, *at, pounds));
        let at = by.unwrap_or_else(|| (0..said.len()).min_by_key(asks).expect("three services"));
        (parcel + unit * i64::from(units.iter().sum::<u32>()) + said[at].asks(pounds), at)
    }

    /// Pounds of these units, rounded up.
    fn pounds(&self, order: &Order, units: &[u32]) -> i64 {
        let own = order.lines.iter().zip(units);
        let grams: u64 = own.map(|((sku, _), units)| self.network.skus[*sku].0 * u64::from(*units)).sum();
        (grams * 10).div_ceil(POUND_DG).max(1) as i64
    }

    /// Whether trouble is weighed.
    fn minds(&self) -> bool {
        self.trouble.is_some() && self.way.misled != Misled::Trusting
    }

    /// Sends units from a node.
    fn send(&mut self, order: &Order, node: usize, units: &[u32], by: Option<usize>, parcels: &mut i64) {
        if units.iter().all(|units| *units == 0) {
            return;
        }
        let (cost, service) = self.parcel(order, node, units, by);
        let behind = self.trouble.as_mut().map_or(0, |dice| BEHIND[dice.draw(&[0.85, 0.97, 1.0])].0);
        let [by_word, in_truth] = [0, behind].map(|days| self.network.services(node, order, days)[service]);
        let (said, truly) = (by_word.days_late, in_truth.days_late);
        self.told.cost += cost + (truly - said) * LATE + if *parcels > 0 { SPLIT } else { 0 };
        self.told.shipments += 1;
        self.told.late += u64::from(truly > 0);
        self.told.days_late += truly.unsigned_abs();
        self.told.carbon_g += in_truth.carbon_g(self.pounds(order, units)).unsigned_abs();
        *parcels += 1;
        for ((sku, _), units) in order.lines.iter().zip(units) {
            self.left[node * self.network.size.skus + sku] -= units;
            self.told.units += u64::from(*units);
            self.told.hash = mix(self.told.hash ^ (node as u64) << 32 ^ u64::from(*units));
        }
    }

    /// Charges what is left of an order.
    fn end(&mut self, order: &Order, wanted: &[u32], parcels: i64) {
        self.told.orders += 1;
        self.told.split += u64::from(parcels > 1);
        for ((sku, _), left) in order.lines.iter().zip(wanted).filter(|(_, left)| **left > 0) {
            self.told.cost += LEFT + self.network.skus[*sku].1 / 2 * i64::from(*left);
            self.told.unfilled += 1;
        }
    }

    /// Units that a node has of what an order still wants.
    fn covers(&self, order: &Order, node: usize, wanted: &[u32]) -> Vec<u32> {
        let has = |sku: usize| self.left[node * self.network.size.skus + sku];
        order.lines.iter().zip(wanted).map(|((sku, _), wanted)| has(*sku).min(*wanted)).collect()
    }

    /// Sends what a node has of what is wanted.
    fn send_what_it_has(
        &mut self,
        order: &Order,
        node: usize,
        by: Option<usize>,
        (wanted, parcels): (&mut [u32], &mut i64),
    ) {
        let units = self.covers(order, node, wanted);
        wanted.iter_mut().zip(&units).for_each(|(wanted, units)| *wanted -= units);
        self.send(order, node, &units, by, parcels);
    }

    fn set_cover(&mut self, order: &Order, wanted: &mut [u32], parcels: &mut i64) {
        while wanted.iter().any(|units| *units > 0) {
            let offer = |node: usize| {
                let units = self.covers(order, node, wanted);
                let covered = i64::from(units.iter().sum::<u32>());
                (covered > 0).then(|| (self.parcel(order, node, &units, None).0 * 1_000 / covered, node))
            };
            let best = (0..self.network.size.nodes()).filter_map(offer).min_by_key(|(each, _)| *each);
            let Some((_, node)) = best else { break };
            self.send_what_it_has(order, node, None, (wanted, parcels));
        }
    }

    /// The nearest node that has all of it, else the nearest that have some.
    fn nearest(&mut self, order: &Order, wanted: &mut [u32], parcels: &mut i64) {
        let mut nodes: Vec<usize> = (0..self.network.size.nodes()).collect();
        nodes.sort_by_key(|node| self.network.km(*node, order));
        let whole = nodes.iter().copied().find(|node| self.covers(order, *node, wanted) == wanted);
        for node in whole.into_iter().chain(nodes) {
            self.send_what_it_has(order, node, None, (wanted, parcels));
        }
    }

    /// One node by the score and the cheapest service, then line by line from the first others that have some.
    fn by_score(&mut self, order: &Order, wanted: &mut [u32], parcels: &mut i64) {
        let nodes = self.network.size.nodes();
        let pounds = order.pounds(self.network) as i64;
        let units: u32 = wanted.iter().sum();
        let seen = |node: usize| {
            let [ground, _, overnight] = self.network.services(node, order, 0);
            let in_full = self.covers(order, node, wanted).iter().zip(&*wanted).filter(|(has, n)| has >= n).count();
            Seen {
                lines_in_full: in_full as u32,
                lines: order.lines.len() as u32,
                cheapest: ground.asks(pounds) as f64,
                fastest: overnight.asks(pounds) as f64,
                learned: None,
                cost_factor: None,
                units,
            }
        };
        let seen: Vec<Seen> = (0..nodes).map(seen).collect();
        let first = first_highest(&seen).expect("prices are numbers");
        for node in std::iter::once(first).chain((0..nodes).filter(|node| *node != first)) {
            // Always the cheapest service, whatever the day.
            self.send_what_it_has(order, node, Some(0), (wanted, parcels));
        }
    }
}

/// Units by line that each node sends of what is taken: candidate, line, units.
fn by_node(member: &Member, taken: impl Iterator<Item = (u32, u32, u32)>, lines: usize) -> Vec<(usize, Vec<u32>)> {
    let mut sends: Vec<(usize, Vec<u32>)> = Vec::new();
    for (candidate, line, units) in taken {
        let node = member.nodes[candidate as usize] as usize;
        let at = sends.iter().position(|(known, _)| *known == node).unwrap_or_else(|| {
            sends.push((node, vec![0; lines]));
            sends.len() - 1
        });
        sends[at].1[line as usize] += units;
    }
    sends
}

/// How often of a hundred a node does not find units of a cell that holds so many.
fn not_found(network: &Network, cell: usize, has: u32) -> i64 {
    let of_kind = if cell / network.size.skus < network.size.centres { 2 } else { 8 };
    of_kind + if has == 1 { 10 } else { 0 }
}

/// What services ask that are so many days behind, as often as that happens.
type Behind = [([Service; 3], i64); BEHIND.len()];

fn behind_of(network: &Network, node: usize, order: &Order) -> Behind {
    BEHIND.map(|(days, often)| (network.services(node, order, days), often))
}

/// What one of them asks on average.
fn usual(behind: &Behind, at: usize, pounds: i64) -> i64 {
    behind.iter().map(|(services, often)| services[at].asks(pounds) * often).sum::<i64>() / 100
}

/// Cents by pound by the service that is best on average.
fn foreseen(network: &Network, node: usize, order: &Order, pounds: usize) -> Vec<i64> {
    let behind = behind_of(network, node, order);
    let best = |pound: i64| (0..3).map(|at| usual(&behind, at, pound)).min().expect("three services");
    (1..=pounds as i64).map(best).collect()
}

fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
