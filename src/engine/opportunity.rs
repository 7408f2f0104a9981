//! What stock and shipments are worth to orders to come, found from those of the past.
//!
//! ```text
//! orders of the last 28 days ─► how many come, what they ask for, whereto ─► streams drawn from them ─► all of them planned
//! together with what is free and what comes meanwhile, at prices that move by use (Lagrange) ─► the prices, kept by a record
//! ```
//! An order of a stream is one of the past, asked for again by the rules of now in the coming week, on its weekday at its hour:
//! the same lines to the same place. What a node can handle is counted over all days ahead, less what it has to do already.
//! Where rules fill as long as somebody has units, one that nobody ships counts in the streams no less than from the
//! dearest node: so prices of what does not last for all have an end, and still tell nearer units from farther ones.
//!
//! **Off the way of orders.** The catalogue's guard is taken order by order, nothing else is held; what was found takes effect
//! with its record, under the exclusive guard. While no rule set that is active weighs the term `opportunity`, nobody looks.
//! Else the clock's thread looks when [`REFRESH_MS`] have passed, or [`PAUSE_MS`] and more than a tenth of the units that have
//! a price went or came.
//!
//! **Bounds.** [`PAST_MAX`] orders are looked at, the newest, fewer where what they ask takes [`BYTES_MAX`]; [`SAMPLED_MAX`] are
//! drawn, fewer where they have much to choose from ([`FIGURES_MAX`], and [`BYTES_MAX`] once more for those as they are planned);
//! one look ahead, or optimisation, at a time; [`ROUNDS`] rounds of prices, [`ROUNDS_MIN`] whatever the time. Chance comes from a fixed seed.
//!
//! What is *not* here: the prices themselves and who weighs them (`domain::opportunity`), how they move (`sourcing::batch`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::cell::Word;
use super::limits::Counting;
use super::network::Network;
use super::order_rules::rules_among;
use super::place::positions_of;
use super::routing::{Stated, Wanted, stated};
use super::turn::Turn;
use super::workload::day_of_work;
use super::{Engine, Executed};
use crate::domain::decision::LineUnits;
use crate::domain::event::Event;
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex};
use crate::domain::opportunity::{Basis, DAYS_AHEAD, DAYS_BACK, Foresee, Opportunity};
use crate::domain::order::{Order, PlacedLine};
use crate::domain::order_promise::Dates;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::weights::Weights;
use crate::domain::sourcing::batch::{Batch, Dice, Member, Optimiser};
use crate::domain::sourcing::costed::{FIGURE_MAX, Filling};
use crate::domain::stock::CellKey;
use crate::domain::time::{Now, WallTime};

/// Orders of the past that are looked at.
const PAST_MAX: usize = 2_000;
/// Numbers that are looked at for them in the archive, and orders that are read.
const NUMBERS_MAX: u64 = 200_000;
const READ_MAX: usize = 3 * PAST_MAX;
/// Orders that are drawn, all streams together.
const SAMPLED_MAX: u64 = if cfg!(test) { 400 } else { 8_000 };
/// Streams.
const PATHS_MAX: u64 = 16;
/// Figures of the questions of all that are drawn: memory and time are in proportion to them.
const FIGURES_MAX: usize = 2_000_000;
/// Bytes of the questions of all orders that are looked at, and again of all that are drawn as they are planned: about.
const BYTES_MAX: usize = 128 * 1_024 * 1_024;
/// Rounds of prices that begin with none, and with those of before.
const ROUNDS: u32 = 120;
const ROUNDS_WARM: u32 = 40;
/// Rounds without which prices tell nothing.
const ROUNDS_MIN: u32 = 24;
/// Rounds after which the time is looked at.
const AT_ONCE: u32 = 8;
/// After so many milliseconds prices are found anew,
const REFRESH_MS: i64 = 60 * 60 * 1_000;
/// and after so many where stock has moved.
const PAUSE_MS: i64 = 5 * 60 * 1_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[cfg(test)]
mod tests;

/// Free units of the cells that have a price, as they were when it was found.
#[derive(Debug, Default)]
pub struct Foreseen(Mutex<Vec<(CellKey, u32)>>);

/// Orders of the past as questions, and what they share.
#[derive(Default)]
struct Asked {
    /// By order: one for each of its destinations.
    questions: Vec<Vec<Arc<Member>>>,
    /// When the orders that were asked again were placed.
    placed: Vec<WallTime>,
    /// Figures of all questions, and bytes.
    figures: usize,
    bytes: usize,
    cells: HashMap<CellKey, u32>,
    keys: Vec<CellKey>,
    /// Rule sets without the term that is about to be found.
    rules: Vec<(Arc<AppliedRules>, AppliedRules)>,
}

/// A time ahead, and the orders of it.
struct Ahead {
    ms: i64,
    orders: u64,
    paths: u64,
}

impl Engine {
    /// Finds what stock and shipments are worth to orders to come: for [`crate::domain::command::Command::PutOpportunity`].
    pub fn foresee(&self, now: Now, asked: &Foresee) -> Opportunity {
        let _turn = self.looking.lock();
        let until = Instant::now() + asked.within;
        let mut questions = self.ask(self.past_orders(now.wall), now, BYTES_MAX);
        let orders = questions.placed.len() as u32;
        let since = since(&mut questions.placed, now.wall);
        let basis = Basis { at: Some(now.wall), orders, since, days: asked.days, ..Basis::default() };
        if !basis.is_enough() || questions.questions.is_empty() {
            return Opportunity::unknown(basis);
        }
        let ahead = Ahead::of(&basis, questions.most(), now.wall);
        let batch = questions.batch(&ahead, self.stock_ahead(&questions.keys, &ahead, now.wall));
        let batch = Batch { sends: self.sends_ahead(&ahead, now.wall), ..batch };
        let before =
            self.catalogue(|catalogue| known_prices(catalogue.opportunity(), &questions.keys, &batch, now.wall));
        let ((stock, shipments), rounds) = price(&batch, before, until);
        let basis = Basis { ahead: ahead.orders as u32, paths: ahead.paths as u32, rounds, ..basis };
        let stock = questions.keys.iter().copied().zip(stock).collect();
        Opportunity::of(stock, (0..).map(NodeIndex).zip(shipments).collect(), basis)
    }

    /// Keeps what was found.
    pub(super) fn put_opportunity(&self, turn: &Turn<'_>, put: Opportunity) -> Result<Executed, Rejection> {
        let mut network = self.network.write().expect("no writer of the catalogue panics and survives");
        let (skus, nodes) = (network.catalogue.items().len(), network.catalogue.nodes().len());
        let mut named = put.stock.iter().map(|(cell, _)| cell.node).chain(put.shipments.iter().map(|(node, _)| *node));
        if put.stock.iter().any(|(cell, _)| cell.sku.at() >= skus) {
            return Err(Rejection::invalid("stock", "unknown_sku", "of something there is no item"));
        }
        if !named.all(|node| node.at() < nodes) {
            return Err(Rejection::invalid("stock", "unknown_node", "of something there is no node"));
        }
        put.check().map_err(|law| Rejection::invalid("stock", "not_ascending", law.0))?;
        let seq = self.append_catalogue(turn, &network, Event::OpportunityPut(Box::new(put.clone())))?;
        network.catalogue.price_opportunity(put.clone(), seq);
        self.foreseen.note(&network, &put);
        Ok(Executed::done(Reply::Opportunity(Box::new(put)), seq))
    }

    /// For how many days ahead the clock should find prices now, if it should.
    pub fn opportunity_due(&self, now: WallTime) -> Option<u16> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        if !network.catalogue.rules().looks_ahead() {
            return None;
        }
        let Basis { at, days, .. } = network.catalogue.opportunity().basis;
        let Some(at) = at else { return Some(DAYS_AHEAD) };
        let age = now.0 - at.0;
        let is_due = !(0..REFRESH_MS).contains(&age) || age >= PAUSE_MS && self.foreseen.has_moved(&network);
        is_due.then_some(days)
    }

    /// Orders of the last days, wherever they are, the newest first.
    fn past_orders(&self, now: WallTime) -> impl Iterator<Item = Arc<Order>> {
        let mut numbers: Vec<u64> = self.orders.keys().into_iter().map(|key| key.0).collect();
        if let Some(archive) = self.filled_archive() {
            let highest = archive.highest_key().max(numbers.iter().copied().max().unwrap_or(0));
            let some = highest.saturating_sub(NUMBERS_MAX)..=highest;
            numbers.extend(some.filter(|number| archive.may_hold(OrderKey(*number))));
        }
        numbers.sort_unstable();
        numbers.dedup();
        let days = now.0.saturating_sub(i64::from(DAYS_BACK) * DAY_MS)..=now.0;
        let tells = move |order: &Arc<Order>| {
            days.contains(&order.facts.placed_at.0) && order.lines.iter().any(|line| line.placed.stocked)
        };
        // What cannot be read tells nothing.
        let read = |n| self.order_wherever(OrderKey(n)).ok().flatten();
        numbers.into_iter().rev().take(READ_MAX).filter_map(read).filter(tells).take(PAST_MAX)
    }

    /// Asks them again, one by one, until that takes so many bytes.
    fn ask(&self, past: impl Iterator<Item = Arc<Order>>, now: Now, room: usize) -> Asked {
        let mut asked = Asked::default();
        for order in past {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            asked.add(&network, &order, now);
            if asked.bytes >= room {
                break;
            }
        }
        asked.charge_lost();
        asked
    }

    /// Units of cells until then, for all streams.
    fn stock_ahead(&self, keys: &[CellKey], ahead: &Ahead, now: WallTime) -> Vec<u32> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let skus: BTreeSet<SkuIndex> = keys.iter().map(|key| key.sku).collect();
        let mut coming: BTreeMap<CellKey, u64> = BTreeMap::new();
        for sku in skus {
            let ledger = network.sku(sku).ledger.lock();
            for own in self.arriving(&network, sku, &ledger).iter().filter(|own| own.at.0 <= now.0 + ahead.ms) {
                *coming.entry(CellKey { sku, node: own.node }).or_default() += u64::from(own.units);
            }
        }
        let units = |key: &CellKey| {
            let free = network.cell(*key).map_or(0, |cell| cell.word.free());
            let units = u64::from(free) + coming.get(key).copied().unwrap_or(0);
            u32::try_from(units * ahead.paths).unwrap_or(u32::MAX)
        };
        keys.iter().map(units).collect()
    }

    /// Shipments that nodes can handle until then, for all streams, where that is counted.
    fn sends_ahead(&self, ahead: &Ahead, now: WallTime) -> Vec<Option<u32>> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let nodes = (0..network.catalogue.nodes().len() as u32).map(NodeIndex);
        nodes.map(|node| sends_of(&network, node, ahead, now)).collect()
    }
}

fn sends_of(network: &Network, node: NodeIndex, ahead: &Ahead, now: WallTime) -> Option<u32> {
    if !network.catalogue.rules().counts_work() {
        return None;
    }
    let capacity = network.catalogue.node(node).capacity_per_day?;
    let span = (ahead.ms + DAY_MS - 1) / DAY_MS;
    let days = (0..span).filter_map(|day| day_of_work(&network.catalogue, node, WallTime(now.0 + day * DAY_MS)));
    let days: BTreeSet<i32> = days.collect();
    let left = days.into_iter().map(|day| u64::from(capacity.saturating_sub(network.workloads.used(node, day))));
    // Of a part of a day that part.
    let sends = left.sum::<u64>() * ahead.paths * ahead.ms as u64 / (span * DAY_MS) as u64;
    Some(u32::try_from(sends).unwrap_or(u32::MAX))
}

impl Ahead {
    /// Of orders that come as those of the past did, as many as can be drawn.
    fn of(basis: &Basis, most: u64, now: WallTime) -> Self {
        let span_ms = (now.0 - basis.since.0).max(DAY_MS);
        let wanted_ms = i64::from(basis.days) * DAY_MS;
        let expected = (i128::from(basis.orders) * i128::from(wanted_ms) / i128::from(span_ms)).max(1);
        let orders = u64::try_from(expected).unwrap_or(u64::MAX).min(most);
        let ms = i128::from(wanted_ms) * i128::from(orders) / expected;
        Self { ms: ms as i64, orders, paths: (most / orders).clamp(1, PATHS_MAX) }
    }
}

impl Asked {
    /// How many orders like these can be drawn.
    fn most(&self) -> u64 {
        let of = |room: usize, all: usize| room / (all / self.questions.len()).max(1);
        let most = of(FIGURES_MAX, self.figures).min(of(BYTES_MAX, self.bytes));
        (most as u64).clamp(1, SAMPLED_MAX)
    }

    /// An order with all its destinations, as far as they can be stated.
    fn add(&mut self, network: &Network, order: &Order, now: Now) {
        self.placed.push(order.facts.placed_at);
        let at = in_a_week(order.facts.placed_at, now.wall);
        let ruled = rules_among(network, network.catalogue.rules(), order, at);
        let lines: Vec<PlacedLine> = order.lines.iter().map(|line| line.placed.clone()).collect();
        let mut groups: BTreeMap<u16, Vec<LineUnits>> = BTreeMap::new();
        for (line, placed) in (0..).zip(&lines).filter(|(_, placed)| placed.stocked) {
            groups.entry(placed.group).or_default().push(LineUnits { line, quantity: placed.quantity });
        }
        let mut own = Vec::new();
        for (group, units) in groups {
            let rules = self.without_the_term(ruled.of(group).clone());
            let wanted = Wanted {
                lines: &lines,
                units: &units,
                destinations: &positions_of(order),
                to: &order.facts.destinations,
                placed_at: at,
                at,
                known_at: now.journal,
                release_at: None,
                dates: Dates::default(),
                leaving: &[],
                behind: &[],
                earlier: &[],
                fenced: &[],
                preferred: None,
                only: order.collected_at(group),
                ways: &[],
                bookings: &[],
                own: &BTreeMap::new(),
                counts: Word::free,
                counting: Counting::Now,
                whose: network.whose_order(order),
                own_whose: network.whose_order(order),
                rules: &self.rules[rules].1,
                others: &[],
                method: order.method_of(group),
            };
            let stated = stated(network, &wanted, group, &units).filter(|stated| !stated.nodes.is_empty());
            own.extend(stated.map(|stated| Arc::new(self.member(stated))));
        }
        if !own.is_empty() {
            self.figures += own.iter().map(|member| figures(member)).sum::<usize>();
            self.bytes += own.iter().map(|member| member.bytes()).sum::<usize>();
            self.questions.push(own);
        }
    }

    /// Place of the same rules without the term.
    fn without_the_term(&mut self, rules: Arc<AppliedRules>) -> usize {
        if let Some(at) = self.rules.iter().position(|(known, _)| Arc::ptr_eq(known, &rules)) {
            return at;
        }
        let mut bare = (*rules).clone();
        bare.weights = bare.weights.map(|weights| Weights { opportunity: false, ..weights });
        self.rules.push((rules, bare));
        self.rules.len() - 1
    }

    fn member(&mut self, stated: Stated) -> Member {
        let Stated { problem, nodes, slots, .. } = stated;
        let mut cells = Vec::with_capacity(nodes.len() * slots.len());
        for key in nodes.iter().flat_map(|node| slots.iter().map(|sku| CellKey { sku: *sku, node: *node })) {
            let next = self.keys.len() as u32;
            let cell = *self.cells.entry(key).or_insert(next);
            if cell == next {
                self.keys.push(key);
            }
            cells.push(cell);
        }
        Member { problem, cells, nodes: nodes.iter().map(|node| node.0).collect(), now: Vec::new() }
    }

    /// Says what a unit counts that nobody ships, where rules say nothing of it.
    fn charge_lost(&mut self) {
        for question in self.questions.iter_mut().flatten() {
            let problem = &mut Arc::make_mut(question).problem;
            if problem.filling == Filling::First {
                let lost = problem.dearest_unit().clamp(1, FIGURE_MAX - 1);
                problem.filling = Filling::Priced;
                problem.lines.iter_mut().for_each(|line| line.shortage.per_unit = lost);
            }
        }
        for order in &mut self.questions {
            order.retain(|question| question.problem.fits());
        }
        self.questions.retain(|order| !order.is_empty());
    }

    /// Streams of orders drawn from those of the past.
    fn batch(&self, ahead: &Ahead, stock: Vec<u32>) -> Batch {
        let mut dice = Dice(0x0FF0_2E5E);
        let drawn = (0..ahead.orders * ahead.paths).map(|_| &self.questions[dice.below(self.questions.len())]);
        let members = drawn.flatten().cloned().collect();
        Batch { members, stock, sends: Vec::new() }
    }
}

/// How large a question is.
fn figures(member: &Member) -> usize {
    let problem = &member.problem;
    problem.candidates.len() * (2 + problem.slots + problem.lines.len())
}

/// Since when as many came, going by the half that was placed last: of orders that come evenly it is when the first came.
fn since(placed: &mut [WallTime], now: WallTime) -> WallTime {
    let half = placed.len().div_ceil(2);
    if half == 0 {
        return now;
    }
    placed.sort_unstable_by_key(|at| Reverse(*at));
    WallTime(now.0 - (now.0 - placed[half - 1].0) * placed.len() as i64 / half as i64)
}

/// The same weekday and hour in the week that begins.
fn in_a_week(placed_at: WallTime, now: WallTime) -> WallTime {
    let week = 7 * DAY_MS;
    let weeks = (now.0 - placed_at.0).div_euclid(week) + 1;
    WallTime(placed_at.0 + weeks * week)
}

/// Prices to begin with: by cell, and by node.
type Prices = (Vec<i64>, Vec<i64>);

/// Those that were found of late.
fn known_prices(known: &Opportunity, keys: &[CellKey], batch: &Batch, now: WallTime) -> Option<Prices> {
    let of_late = known.basis.at.is_some_and(|at| (0..2 * DAY_MS).contains(&(now.0 - at.0)));
    if !of_late || known.stock.is_empty() && known.shipments.is_empty() {
        return None;
    }
    let nodes = (0..batch.sends.len() as u32).map(NodeIndex);
    Some((keys.iter().map(|key| known.unit(*key)).collect(), nodes.map(|node| known.shipment(node)).collect()))
}

/// Moves prices until the time is over or no further round can help; prices, and how many rounds there were.
fn price(batch: &Batch, before: Option<Prices>, until: Instant) -> (Prices, u32) {
    let mut optimiser = Optimiser::new(batch);
    let most = if before.is_some() { ROUNDS_WARM } else { ROUNDS };
    if let Some((stock, sends)) = before {
        optimiser.begin_at(&stock, &sends);
    }
    let mut rounds = 0;
    while rounds < most && !optimiser.is_proven() && (rounds < ROUNDS_MIN || Instant::now() < until) {
        optimiser.price(AT_ONCE);
        rounds += AT_ONCE;
    }
    (optimiser.usual_prices(), rounds)
}

impl Foreseen {
    fn note(&self, network: &Network, known: &Opportunity) {
        let free = |cell: CellKey| network.cell(cell).map_or(0, |cell| cell.word.free());
        *self.0.lock() = known.stock.iter().map(|(cell, _)| (*cell, free(*cell))).collect();
    }

    /// Whether more than a tenth of those units went or came.
    fn has_moved(&self, network: &Network) -> bool {
        let (mut moved, mut all) = (0_u64, 0_u64);
        for (cell, then) in self.0.lock().iter() {
            let now = network.cell(*cell).map_or(0, |cell| cell.word.free());
            moved += u64::from(now.abs_diff(*then));
            all += u64::from(*then);
        }
        moved * 10 > all
    }
}
