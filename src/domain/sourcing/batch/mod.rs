//! Many orders at once: which plans they had best have together, of stock and of shipments a day that they share.
//!
//! **How.** What orders share is given prices: with a price on every cell and on every shipment of a node each order is
//! planned by itself, exactly (`costed`), and what all of them cost then, less what the prices take in for all there is, no
//! plan of the batch can undercut (Lagrange; Acimovic and Graves 2015 use such prices one by one). The prices follow use: up
//! where more is wanted than there is, down where less (`prices`). Plans that share what there is come next: orders one
//! after the other at those prices, then again and again a few of them let go and planned anew, kept when no dearer
//! (`repair`; Shaw 1998).
//!
//! **Promises.** No cell and no node is used beyond what there is. Never worse than the plans the orders have; an order
//! changes only where that makes the batch cheaper. A bound that is told is no more than the cost; where stock had better go
//! (markdown) both may be below zero. The same batch and the same number of rounds
//! give the same plans: chance comes from a fixed seed, and there is no clock here.
//!
//! | phase | file | cost |
//! |---|---|---|
//! | prices and bound | `prices` | a round: one small solution for every order |
//! | plans that share | `repair` | a round: two to eight of them |
//!
//! Where filling comes first a batch that leaves more than its orders would alone has no bound.
//!
//! Not here: which orders, nodes and stock take part, and what time there is (the engine's `optimise`).

mod prices;
mod repair;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::costed::{Filling, Line, Plan, Problem, Workspace, solve, solve_into};
use prices::Prices;
pub use repair::Dice;

/// Orders that share stock.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The orders.
    pub members: Vec<Arc<Member>>,
    /// Pieces by cell, for all of them together.
    pub stock: Vec<u32>,
    /// Parcels that a node may send for all of them together, where that is counted.
    pub sends: Vec<Option<u32>>,
}

/// An order, or what of it goes to one destination.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// What is asked, as if it were alone.
    pub problem: Problem,
    /// The cell of every slot, candidate by candidate.
    pub cells: Vec<u32>,
    /// The node of every candidate: an index into `sends`.
    pub nodes: Vec<u32>,
    /// The plan it has.
    pub now: Vec<Taken>,
}

impl Batch {
    /// What no plans cost less than, whatever they fill and take: all units, each where it is worth most to be rid of.
    pub fn floor(&self) -> i64 {
        self.members.iter().map(|member| member.floor()).fold(0, i64::saturating_add)
    }

    /// Some of its members, ascending, with what the plans of all others leave.
    pub fn part(&self, members: &[usize], plans: &[Choice]) -> Self {
        let (mut stock, mut sends) = (self.stock.clone(), self.sends.clone());
        for (at, (member, plan)) in self.members.iter().zip(plans).enumerate() {
            if members.binary_search(&at).is_ok() {
                continue;
            }
            for (cell, pieces) in member.pieces(plan) {
                stock[cell] = stock[cell].saturating_sub(u32::try_from(pieces).unwrap_or(u32::MAX));
            }
            for sent in &plan.sent {
                let left = &mut sends[member.nodes[sent.candidate as usize] as usize];
                *left = left.map(|left| left.saturating_sub(sent.parcels));
            }
        }
        Self { members: members.iter().map(|at| self.members[*at].clone()).collect(), stock, sends }
    }
}

impl Member {
    /// Bytes of memory that it takes; whoever plans it takes those of its question once more.
    pub fn bytes(&self) -> usize {
        let own = size_of::<Self>() + 4 * (self.cells.len() + self.nodes.len()) + size_of::<Taken>() * self.now.len();
        own + self.problem.bytes()
    }

    /// What no plan of it costs less than.
    fn floor(&self) -> i64 {
        let (problem, width) = (&self.problem, self.problem.lines.len());
        let handling = |candidate: usize| problem.candidates[candidate].per_unit;
        let of_line = |(number, line): (usize, &Line)| {
            let costs = problem.unit_costs.iter().skip(number).step_by(width).enumerate();
            let least = costs.map(|(candidate, cost)| cost + handling(candidate)).fold(0, i64::min);
            least.saturating_mul(i64::from(line.quantity))
        };
        problem.lines.iter().enumerate().map(of_line).fold(0, i64::saturating_add)
    }

    /// Whether the plan it has is one that its question allows: it ships all from what it has where it is.
    pub fn stands(&self) -> bool {
        let own = Problem { available: self.own_pieces(), ..self.problem.clone() };
        solve(&own, &mut Workspace::default()).unfilled.is_empty()
    }

    /// Pieces by candidate and slot that its plan takes.
    fn own_pieces(&self) -> Vec<u32> {
        let mut pieces = vec![0; self.problem.available.len()];
        for taken in &self.now {
            for need in self.problem.needs_of(taken.line as usize) {
                pieces[taken.candidate as usize * self.problem.slots + usize::from(need.slot)] +=
                    need.per_unit * taken.units;
            }
        }
        pieces
    }

    /// Pieces by cell that a plan takes; a cell may come several times.
    fn pieces<'b>(&'b self, choice: &'b Choice) -> impl Iterator<Item = (usize, i64)> + 'b {
        choice.taken.iter().flat_map(move |taken| {
            let first = taken.candidate as usize * self.problem.slots;
            self.problem.needs_of(taken.line as usize).iter().map(move |need| {
                let cell = self.cells[first + usize::from(need.slot)] as usize;
                (cell, i64::from(need.per_unit) * i64::from(taken.units))
            })
        })
    }
}

/// Units of a line from a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// Index into the problem's candidates.
    pub candidate: u32,
    /// Index into its lines.
    pub line: u32,
    /// Units, never zero.
    pub units: u32,
}

/// What a candidate sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Index into the problem's candidates.
    pub candidate: u32,
    /// Parcels.
    pub parcels: u32,
    /// What they cost with their units, without prices and split.
    pub cost: i64,
}

/// A plan of one order, as far as others care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What is taken where, ascending, a line of a candidate once.
    pub taken: Vec<Taken>,
    /// What each candidate sends, ascending.
    pub sent: Vec<Sent>,
    /// Units that are left although filling comes first.
    pub missing: u64,
    /// What it costs, without prices.
    pub cost: i64,
}

/// What was found so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Cost of the plans that the orders had.
    pub cost_before: i64,
    /// Cost of the plans found.
    pub cost: i64,
    /// No plans that fill as much cost less together; `None` where nothing is proven.
    pub lower_bound: Option<i64>,
    /// The plan of each order.
    pub choices: Vec<Choice>,
    /// The plan that each had.
    pub before: Vec<Choice>,
}

/// Hundredths of what an order usually costs: how much more than the best the plans at hand may cost.
const SLACK: i64 = 8;

/// What an order may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// All there is.
    Alone,
    /// What others leave.
    Left,
    /// What it takes now.
    Own,
}

/// A batch and all that is known of it.
#[derive(Debug)]
pub struct Optimiser<'a> {
    batch: &'a Batch,
    /// The problems as they are asked: with prices, and no more than there is room.
    asked: Vec<Problem>,
    workspace: Workspace,
    plan: Plan,
    prices: Prices,
    /// Pieces and parcels that the choices leave.
    left: Vec<i64>,
    sends_left: Vec<i64>,
    choices: Vec<Choice>,
    before: Vec<Choice>,
    /// Units missing and cost of the plans at hand, and of the best.
    now: (u64, i64),
    least: (u64, i64),
    /// The best plans, where those at hand are others.
    best: Option<Vec<Choice>>,
    /// How much more than the best the plans at hand may cost.
    slack: i64,
    /// Orders that could use a cell.
    users: Vec<Vec<u32>>,
    dice: Dice,
}

impl<'a> Optimiser<'a> {
    /// Begins with the plans that the orders have.
    ///
    /// # Panics
    /// When a member does not name a cell for every slot and a node for every candidate, or the plans take more than
    /// there is.
    pub fn new(batch: &'a Batch) -> Self {
        let mut users = vec![Vec::new(); batch.stock.len()];
        for (at, member) in (0..).zip(&batch.members) {
            let problem = &member.problem;
            assert_eq!(member.cells.len(), problem.candidates.len() * problem.slots, "a cell for every slot");
            assert_eq!(member.nodes.len(), problem.candidates.len(), "a node for every candidate");
            let has = member.cells.iter().zip(&problem.available).filter(|(_, has)| **has > 0);
            has.for_each(|(cell, _)| users[*cell as usize].push(at));
        }
        users.iter_mut().for_each(|users| users.dedup());
        let all = |sends: &Option<u32>| sends.map_or(i64::MAX, i64::from);
        let mut optimiser = Self {
            batch,
            asked: batch.members.iter().map(|member| member.problem.clone()).collect(),
            workspace: Workspace::default(),
            plan: Plan::default(),
            prices: Prices::none(batch.stock.len(), batch.sends.len()),
            left: batch.stock.iter().map(|units| i64::from(*units)).collect(),
            sends_left: batch.sends.iter().map(all).collect(),
            choices: Vec::new(),
            before: Vec::new(),
            now: (0, 0),
            least: (0, 0),
            best: None,
            slack: 0,
            users,
            dice: Dice(0x0D0A_1A1D),
        };
        for at in 0..batch.members.len() {
            let choice = optimiser.ask(at, 0, Room::Own, None);
            optimiser.take(at, &choice);
            optimiser.choices.push(choice);
        }
        assert!(optimiser.left.iter().all(|left| *left >= 0), "plans take no more than there is");
        optimiser.before.clone_from(&optimiser.choices);
        // What is worth much moves prices as much as what costs much.
        let costs = optimiser.before.iter().map(|choice| choice.cost.saturating_abs());
        let usual = costs.sum::<i64>() / (batch.members.len() as i64).max(1);
        optimiser.prices.start(usual);
        (optimiser.slack, optimiser.now) = (usual * SLACK / 100, total(&optimiser.choices));
        optimiser.least = optimiser.now;
        optimiser
    }

    /// What was found so far. Orders whose change makes nothing cheaper are back at the plan they had.
    pub fn found(&mut self) -> Found {
        self.return_to_best();
        if self.least == total(&self.before) {
            self.replace(self.before.clone());
        }
        self.restore();
        let (missing, cost) = total(&self.choices);
        let bound = self.prices.bound.filter(|_| missing == self.prices.missing);
        Found {
            cost_before: total(&self.before).1,
            cost,
            // Where stock had better go, plans cost less than nothing.
            lower_bound: bound.map(|bound| bound.min(cost)),
            choices: self.choices.clone(),
            before: self.before.clone(),
        }
    }

    /// Whether nothing better is left to be found.
    pub fn is_proven(&self) -> bool {
        let (missing, cost) = self.least;
        missing == self.prices.missing && self.prices.bound.is_some_and(|bound| bound >= cost)
    }

    /// The best plan of an order with so many parts of a hundred of the prices, without one of its candidates if so asked.
    fn ask(&mut self, at: usize, share: i64, room: Room, without: Option<usize>) -> Choice {
        let (member, asked) = (&self.batch.members[at], &mut self.asked[at]);
        let (base, slots) = (&member.problem, member.problem.slots);
        let stock = |cell: u32| self.prices.stock(cell, share);
        for candidate in 0..base.candidates.len() {
            let row = candidate * slots..(candidate + 1) * slots;
            let node = member.nodes[candidate];
            for at in row.clone() {
                let left = if room == Room::Left { self.left[member.cells[at] as usize].max(0) } else { i64::MAX };
                asked.available[at] =
                    u32::try_from(left).map_or(base.available[at], |left| left.min(base.available[at]));
            }
            let cells = &member.cells[row];
            for line in 0..base.lines.len() {
                let at = candidate * base.lines.len() + line;
                let needs = base.needs_of(line).iter();
                let priced = needs.map(|need| i64::from(need.per_unit) * stock(cells[usize::from(need.slot)]));
                asked.unit_costs[at] = base.unit_costs[at] + priced.sum::<i64>();
            }
            let (own, known) = (&mut asked.candidates[candidate], &base.candidates[candidate]);
            own.per_shipment = known.per_shipment + self.prices.sends(node, share);
            let left = if room == Room::Left { self.sends_left[node as usize].max(0) } else { i64::MAX };
            own.parcels_max = u32::try_from(left).map_or(known.parcels_max, |left| left.min(known.parcels_max));
            if without == Some(candidate) {
                own.parcels_max = 0;
            }
        }
        if share > 0 && !asked.fits() {
            // A bound with some orders that pay no prices is one all the same.
            return self.ask(at, 0, room, without);
        }
        if room == Room::Own {
            asked.available = member.own_pieces();
        }
        solve_into(asked, &mut self.workspace, &mut self.plan);
        self.choice(at, share)
    }

    /// The plan at hand without its prices.
    fn choice(&self, at: usize, share: i64) -> Choice {
        let member = &self.batch.members[at];
        let (problem, plan) = (&member.problem, &self.plan);
        let mut choice = Choice { cost: plan.cost, ..Choice::default() };
        for shipment in &plan.shipments {
            let candidate = shipment.candidate;
            let priced = self.prices.sends(member.nodes[candidate as usize], share);
            choice.cost -= priced;
            let parts = plan.parts_of(shipment).iter();
            let units = parts.map(|part| {
                let at = candidate as usize * problem.lines.len() + part.line as usize;
                let unit = problem.unit_costs[at] + problem.candidates[candidate as usize].per_unit;
                unit * i64::from(part.quantity)
            });
            let cost = shipment.cost - priced + units.sum::<i64>();
            match choice.sent.last_mut().filter(|sent| sent.candidate == candidate) {
                Some(sent) => (sent.parcels, sent.cost) = (sent.parcels + 1, sent.cost + cost),
                None => choice.sent.push(Sent { candidate, parcels: 1, cost }),
            }
            for part in plan.parts_of(shipment) {
                choice.taken.push(Taken { candidate, line: part.line, units: part.quantity });
                for need in problem.needs_of(part.line as usize) {
                    let cell = member.cells[candidate as usize * problem.slots + usize::from(need.slot)];
                    let pieces = i64::from(need.per_unit) * i64::from(part.quantity);
                    choice.cost -= pieces * self.prices.stock(cell, share);
                }
            }
        }
        choice.taken.sort_unstable();
        choice.taken.dedup_by(|next, kept| {
            let same = (next.candidate, next.line) == (kept.candidate, kept.line);
            kept.units += if same { next.units } else { 0 };
            same
        });
        if problem.filling == Filling::First {
            choice.missing = plan.unfilled.iter().map(|left| u64::from(left.quantity)).sum();
        }
        choice
    }

    fn pieces<'b>(&'b self, at: usize, choice: &'b Choice) -> impl Iterator<Item = (usize, i64)> + 'b {
        self.batch.members[at].pieces(choice)
    }

    fn take(&mut self, at: usize, choice: &Choice) {
        self.move_room(at, choice, -1);
    }

    fn let_go(&mut self, at: usize, choice: &Choice) {
        self.move_room(at, choice, 1);
    }

    fn move_room(&mut self, at: usize, choice: &Choice, sign: i64) {
        let pieces: Vec<(usize, i64)> = self.pieces(at, choice).collect();
        pieces.into_iter().for_each(|(cell, units)| self.left[cell] += sign * units);
        for sent in &choice.sent {
            let left = &mut self.sends_left[self.batch.members[at].nodes[sent.candidate as usize] as usize];
            *left = left.saturating_add(sign * i64::from(sent.parcels));
        }
    }

    /// Whether there is room for a plan.
    fn fits(&self, at: usize, choice: &Choice) -> bool {
        let mut wanted: Vec<(usize, i64)> = self.pieces(at, choice).collect();
        wanted.sort_unstable();
        let stocked = wanted
            .chunk_by(|a, b| a.0 == b.0)
            .all(|of_cell| of_cell.iter().map(|(_, units)| units).sum::<i64>() <= self.left[of_cell[0].0]);
        let nodes = &self.batch.members[at].nodes;
        let has_room =
            |sent: &Sent| self.sends_left[nodes[sent.candidate as usize] as usize] >= i64::from(sent.parcels);
        stocked && choice.sent.iter().all(has_room)
    }
}

/// Units missing and cost of plans together: compared from the left.
fn total(choices: &[Choice]) -> (u64, i64) {
    choices.iter().fold((0, 0), |(missing, cost), choice| (missing + choice.missing, cost + choice.cost))
}
