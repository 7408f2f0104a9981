//! What is kept of a decision when it is made, so that it can be explained later: copies of what was stated, no more. Reasons
//! are worked out on reading (`decision`, `supposed`).
//!
//! Promises: all of it, or within so many bytes the nodes that ship and the nearest others (by a tariff about 256 in all, by the
//! kernel in full as many as fit); of an order so large that not even those that ship fit, nothing. Cost: a piece of memory for what nodes have, and two more for what they ask where the
//! kernel in full decided. What is *not* here: how it is written (`evidence`, `sight`, `weighed`).

use super::decision::{Evidence, FenceReason, LineUnits};
use super::ids::NodeIndex;
use super::nearest::{HERE, nearest, ordered};
use super::rows::keep_rows;
use super::sight::Sight;
use super::sourcing::{Plan, Problem, costed};
use super::told::{Sizes, Told};
use super::weighed::{Priced, Weighed, WeighedLine, WeighedNode};

/// About how many bytes a line takes, a need of it, a fenced node, a candidate and what it has of a sku.
const BYTES: [usize; 5] = [8, 4, 4, 8, 2];
/// Most candidates that are kept where there is no room for all: finding and copying them takes time that a decision waits
/// for. More are kept only if more ship.
const NEAR_MAX: usize = 256;
/// Bytes of each where the kernel in full decided.
const WEIGHED_BYTES: [usize; 5] = [20, 4, 4, 20, 2];
/// Bytes of a figure of money, and of one that is for orders to come; beside its costs a table takes as many as a sku.
const FIGURE_BYTES: usize = 3;
/// Bytes of the end of a bracket, and of a cost in it.
const BRACKET_BYTES: usize = 5;
/// The same of an end that tells volume beside grams.
const WIDE_BRACKET_BYTES: usize = 9;

impl Evidence {
    /// What the kernel saw of a destination, and its plan of these units, within so many bytes.
    pub fn of(
        (problem, plan): (&Problem, &Plan),
        units: &[LineUnits],
        fenced: &[(NodeIndex, FenceReason)],
        nodes: u32,
        bytes_max: usize,
    ) -> Self {
        let rules = problem.tariff;
        let priced = Priced::Tariff(rules.per_shipment, rules.micro_per_kg_km, rules.split);
        let room = room(problem, fenced, bytes_max, BYTES);
        let (ship, all) = (plan.assignments.len(), problem.candidates.len());
        let most = room.map(|room| room / bytes_of_node(problem, BYTES));
        let Some(most) = most.filter(|most| *most >= ship) else {
            return Self { nodes, truncated: true, priced, ..Self::default() };
        };
        let truncated = all > most;
        let of_near = || near(problem, plan, units, most.min(ship.max(NEAR_MAX)));
        let sight = if truncated { of_near() } else { Sight::of(problem, units) };
        let (destination, others, ruled) = (None, None, Vec::new());
        Self { sight, fenced: fenced.to_vec(), destination, nodes, truncated, priced, others, ruled }
    }
}

/// The candidates that ship and about as many of the nearest others as there is room for.
fn near(problem: &Problem, plan: &Plan, units: &[LineUnits], most: usize) -> Sight {
    let mut metres: Vec<i32> = problem.candidates.iter().map(|candidate| ordered(candidate.distance_m)).collect();
    plan.assignments.iter().for_each(|own| metres[own.candidate as usize] = HERE);
    Sight::of_some(problem, units, nearest(&metres, most).iter().map(|at| *at as usize))
}

/// Bytes that are left for candidates.
fn room(
    problem: &Problem,
    fenced: &[(NodeIndex, FenceReason)],
    bytes_max: usize,
    [of_line, of_need, of_fenced, ..]: [usize; 5],
) -> Option<usize> {
    let taken = of_line * problem.lines.len() + of_need * problem.needs.len() + of_fenced * fenced.len();
    bytes_max.checked_sub(taken)
}

fn bytes_of_node(problem: &Problem, [.., of_node, of_slot]: [usize; 5]) -> usize {
    of_node + of_slot * problem.slots
}

/// What the kernel in full was asked and answered.
#[derive(Clone, Copy)]
pub struct Weighing<'a> {
    /// What it was asked; every candidate has one offer, in whose table all stands that its services ask.
    pub problem: &'a costed::Problem,
    /// Its answer.
    pub plan: &'a costed::Plan,
    /// Lines and nodes as they were listed: nodes ascending.
    pub listed: &'a Problem,
    /// Which of those listed each candidate is.
    pub places: &'a [u32],
    /// Units that were asked for, line by line.
    pub units: &'a [LineUnits],
    /// Nodes that were left out.
    pub fenced: &'a [(NodeIndex, FenceReason)],
    /// How many nodes there are.
    pub nodes: u32,
    /// Whether part of the figures is for orders to come, and will be kept too.
    pub minds_ahead: bool,
}

/// Memory of recording, kept from order to order.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Candidates that are kept, by node.
    kept: Vec<u32>,
    /// The candidate that each listed node is, where it is kept.
    candidates: Vec<u32>,
    /// The number of each table among those that are kept.
    numbers: Vec<u16>,
}

/// Of a listed node that is not kept, and of a table that is not.
const NO_CANDIDATE: u32 = u32::MAX;
const NOT_KEPT: u16 = u16::MAX;

impl Recorder {
    /// What the kernel in full saw of a destination, within so many bytes; destination and what is for orders to come are the
    /// caller's to add.
    pub fn evidence(&mut self, saw: &Weighing<'_>, bytes_max: usize) -> Evidence {
        let seen = Evidence { nodes: saw.nodes, ..Evidence::default() };
        if !self.keep(saw, bytes_max) {
            return Evidence { truncated: true, ..seen };
        }
        let listed = saw.listed;
        let sight = if self.kept.len() == listed.candidates.len() {
            Sight::of(listed, saw.units)
        } else {
            Sight::of_some(listed, saw.units, self.kept.iter().map(|at| saw.places[*at as usize] as usize))
        };
        let priced = Priced::Weighed(Box::new(self.weighed(saw.problem)));
        let truncated = self.kept.len() < saw.problem.candidates.len();
        Evidence { sight, fenced: saw.fenced.to_vec(), truncated, priced, ..seen }
    }

    /// The candidates that were kept last, in the order of the evidence.
    pub fn kept(&self) -> impl ExactSizeIterator<Item = usize> + Clone {
        self.kept.iter().map(|at| *at as usize)
    }

    fn weighed(&self, problem: &costed::Problem) -> Weighed {
        let line = |own: &costed::Line| WeighedLine {
            unit_weight_g: own.unit_weight_g,
            per_line: own.shortage.per_line,
            per_unit: own.shortage.per_unit,
            complete: own.complete,
            together: own.together,
        };
        let node = |at: usize| {
            let own = &problem.candidates[at];
            WeighedNode {
                per_shipment: own.per_shipment,
                per_unit: own.per_unit,
                table: self.numbers[table_of(problem, at)],
                parcels_max: own.parcels_max,
            }
        };
        let tables = (0..).zip(&self.numbers).filter(|(_, number)| **number != NOT_KEPT);
        let tables = tables.map(|(table, _)| problem.rates.told(table));
        let whole = problem.rates.whole().filter(|_| !self.numbers.contains(&NOT_KEPT));
        let (count, costs) = match whole {
            Some(costs) => (self.numbers.len(), costs.len()),
            None => tables.clone().fold((0, 0), |(count, costs), table| (count + 1, costs + table.len())),
        };
        let mut told = Told::of(Sizes {
            lines: problem.lines.len(),
            brackets: problem.rates.scale().len(),
            tables: count,
            costs,
            nodes: self.kept.len(),
            units: self.kept.len() * problem.lines.len(),
            are_units_free: self.are_units_free(problem),
        });
        let mut words = told.words();
        words.lines.iter_mut().zip(&problem.lines).for_each(|(words, own)| *words = line(own).words());
        words.up_to_g.iter_mut().zip(problem.rates.scale()).for_each(|(word, end)| *word = end.cast_signed());
        match whole {
            Some(costs) => words.add_whole(costs, problem.rates.scale().len()),
            None => words.add_tables(tables),
        }
        words.nodes.iter_mut().zip(self.kept()).for_each(|(words, at)| *words = node(at).words());
        keep_rows(&problem.unit_costs, problem.lines.len(), self.kept(), words.units);
        Weighed {
            split: problem.split,
            shipments_max: problem.shipments_max,
            by_price: problem.filling == costed::Filling::Priced,
            complete: problem.complete,
            told,
            ..Weighed::default()
        }
    }

    /// Whether units cost nothing from the nodes that are kept.
    fn are_units_free(&self, problem: &costed::Problem) -> bool {
        let any = |costs: &[i64]| costs.iter().fold(0, |any, cost| any | cost) != 0;
        let width = problem.lines.len();
        let is_free = |at: usize| !any(&problem.unit_costs[at * width..(at + 1) * width]);
        !any(&problem.unit_costs) || self.kept.len() < problem.candidates.len() && self.kept().all(is_free)
    }

    /// Finds out which candidates are kept, and numbers their tables; false when those that ship do not fit.
    fn keep(&mut self, saw: &Weighing<'_>, bytes_max: usize) -> bool {
        let Weighing { problem, listed, .. } = *saw;
        let scale = problem.rates.scale();
        let is_wide = scale.last().is_some_and(|up_to| *up_to > u32::MAX.into());
        let ends = scale.len() * if is_wide { WIDE_BRACKET_BYTES } else { BRACKET_BYTES };
        let room = room(listed, saw.fenced, bytes_max, WEIGHED_BYTES).and_then(|room| room.checked_sub(ends));
        let Some(room) = room else { return false };
        let of_lines = FIGURE_BYTES * problem.lines.len();
        let ahead = if saw.minds_ahead { FIGURE_BYTES + of_lines } else { 0 };
        let each = bytes_of_node(listed, WEIGHED_BYTES) + of_lines + ahead;
        let count = problem.candidates.len();
        let most_of_tables = problem.rates.count() * (2 + BRACKET_BYTES * scale.len());
        if each * count + most_of_tables <= room {
            self.keep_all(saw);
        } else if !self.keep_some(saw, each, room) {
            return false;
        }
        let kept = self.numbers.iter_mut().filter(|number| **number != NOT_KEPT);
        kept.zip(0..).for_each(|(number, next)| *number = next);
        true
    }

    fn forget(&mut self, saw: &Weighing<'_>) {
        self.numbers.clear();
        self.numbers.resize(saw.problem.rates.count(), NOT_KEPT);
    }

    /// Keeps these, by node.
    fn keep_these(&mut self, saw: &Weighing<'_>, these: impl Iterator<Item = usize>) {
        self.candidates.clear();
        self.candidates.resize(saw.listed.candidates.len(), NO_CANDIDATE);
        for at in these {
            self.candidates[saw.places[at] as usize] = at as u32;
        }
        self.kept.clear();
        self.kept.extend(self.candidates.iter().filter(|at| **at != NO_CANDIDATE));
    }

    fn keep_all(&mut self, saw: &Weighing<'_>) {
        self.forget(saw);
        saw.problem.offers.iter().for_each(|offer| self.numbers[offer.table as usize] = 0);
        let count = saw.problem.candidates.len();
        if count < saw.listed.candidates.len() {
            return self.keep_these(saw, 0..count);
        }
        self.kept.resize(count, 0);
        (0..).zip(saw.places).for_each(|(at, place)| self.kept[*place as usize] = at);
    }

    /// Keeps the candidates that ship, then the others in their order, while there is room, and marks their tables; false when
    /// those that ship do not fit.
    fn keep_some(&mut self, saw: &Weighing<'_>, each: usize, mut room: usize) -> bool {
        self.forget(saw);
        let Weighing { problem, plan, .. } = *saw;
        let mut ships: Vec<usize> = plan.shipments.iter().map(|parcel| parcel.candidate as usize).collect();
        ships.sort_unstable();
        ships.dedup();
        let numbers = &mut self.numbers;
        let mut fits = |at: usize| {
            let table = table_of(problem, at);
            let of_table = if numbers[table] == NOT_KEPT { bytes_of_table(problem, table as u32) } else { 0 };
            let left = room.checked_sub(each + of_table);
            if let Some(left) = left {
                (room, numbers[table]) = (left, 0);
            }
            left.is_some()
        };
        if !ships.iter().all(|at| fits(*at)) {
            return false;
        }
        let count = problem.candidates.len();
        let end = (0..count).find(|at| ships.binary_search(at).is_err() && !fits(*at)).unwrap_or(count);
        self.keep_these(saw, (0..end).chain(ships.into_iter().filter(|at| *at >= end)));
        true
    }
}

/// The table of a candidate's only offer.
fn table_of(problem: &costed::Problem, at: usize) -> usize {
    problem.offers[problem.candidates[at].offers.start].table as usize
}

fn bytes_of_table(problem: &costed::Problem, table: u32) -> usize {
    2 + BRACKET_BYTES * problem.rates.told(table).len()
}

#[cfg(test)]
mod tests {
    use super::super::sourcing::{Assignment, Candidate, Need, Tariff};
    use super::*;

    /// So many nodes, of which every third has both of two lines, at distances that come twice.
    fn listed(nodes: u32) -> (Problem, Vec<LineUnits>) {
        let mut problem = Problem { slots: 2, ..Problem::default() };
        for slot in 0..2 {
            problem.add_line(1, 500, [Need { slot, per_unit: 1 }]);
        }
        for node in 0..nodes {
            let distance_m = u64::from(node * 7_919 % nodes / 2) * 1_000;
            problem.add_candidate(Candidate::new(node * 3, distance_m), [1, u32::from(node % 3 == 0)]);
        }
        (problem, vec![LineUnits { line: 0, quantity: 1 }, LineUnits { line: 4, quantity: 1 }])
    }

    fn nodes(evidence: &Evidence) -> Vec<u32> {
        evidence.sight.candidates().map(|(node, _)| node.0).collect()
    }

    /// Those who ship and the nearest of the others, so many in all, by node.
    fn expected(problem: &Problem, ships: &[usize], most: usize) -> Vec<u32> {
        let mut order: Vec<usize> = (0..problem.candidates.len()).collect();
        order.sort_by_key(|at| (!ships.contains(at), problem.candidates[*at].distance_m, *at));
        let mut kept: Vec<u32> = order[..most].iter().map(|at| problem.candidates[*at].node).collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn a_record_without_room_for_all_keeps_who_ships_and_the_nearest() {
        let (problem, units) = listed(1_000);
        let farthest = (0..1_000).max_by_key(|at| problem.candidates[*at].distance_m).expect("some");
        let sent = |candidate: usize| Assignment { candidate: candidate as u32, parts: 0..0, cost: 1 };
        let plan = Plan { assignments: vec![sent(farthest), sent(5)], ..Plan::default() };
        for (bytes_max, most) in [(24 + 12 * 2, 2), (24 + 12 * 3, 3), (24 + 12 * 200 + 11, 200), (24 + 12 * 999, 256)] {
            let evidence = Evidence::of((&problem, &plan), &units, &[], 1_000, bytes_max);
            let kept = nodes(&evidence);
            assert!((most - most / 8..=most).contains(&kept.len()), "{bytes_max}: {} are kept", kept.len());
            assert_eq!(kept, expected(&problem, &[farthest, 5], kept.len()), "{bytes_max}");
            assert!(evidence.truncated);
        }
        let whole = Evidence::of((&problem, &plan), &units, &[], 1_000, 24 + 12 * 1_000);
        assert!(!whole.truncated && nodes(&whole).len() == 1_000);
        let nothing = Evidence::of((&problem, &plan), &units, &[], 1_000, 24 + 12);
        assert!(nothing.truncated && nothing.sight.is_empty(), "not even those that ship fit");
    }

    /// The same as the kernel in full is asked it, the nearest first, every fourth node by another table; with the place of each
    /// candidate.
    fn asked(listed: &Problem) -> (costed::Problem, Vec<u32>) {
        let mut problem = costed::Problem { slots: 2, split: 7, ..costed::Problem::default() };
        problem.rates = costed::Rates::new(vec![500, 1_000]);
        for costs in [[5, 6], [7, 8], [9, 10]] {
            problem.rates.add_table(&costs);
        }
        for line in &listed.lines {
            let own = costed::Line { quantity: 1, unit_weight_g: line.unit_weight_g, ..costed::Line::default() };
            problem.add_line(own, listed.needs[line.needs.clone()].iter().copied());
        }
        let mut places: Vec<u32> = (0..listed.candidates.len() as u32).collect();
        places.sort_by_key(|place| listed.candidates[*place as usize].distance_m);
        for place in &places {
            let own = listed.candidates[*place as usize];
            let candidate =
                costed::Candidate { node: own.node, per_shipment: i64::from(own.node), ..costed::Candidate::default() };
            let offer =
                costed::Offer { table: if own.node.is_multiple_of(4) { 2 } else { 0 }, ..costed::Offer::default() };
            let has = listed.has(*place as usize).iter().copied();
            problem.add_candidate(candidate, has, [i64::from(own.node), -1], [offer]);
        }
        (problem, places)
    }

    #[test]
    fn in_full_the_figures_of_every_node_stand_by_it_whoever_is_kept() {
        let (listed, units) = listed(200);
        let (problem, places) = asked(&listed);
        let last = problem.candidates.len() - 1;
        let sent = costed::Shipment { candidate: last as u32, ..costed::Shipment::default() };
        let plan = costed::Plan { shipments: vec![sent], ..costed::Plan::default() };
        let saw = Weighing {
            problem: &problem,
            plan: &plan,
            listed: &listed,
            places: &places,
            units: &units,
            fenced: &[],
            nodes: 200,
            minds_ahead: false,
        };
        let recorder = &mut Recorder::default();
        // Two lines and two ends of brackets take 58 bytes, a node 30, a table 12.
        for (bytes_max, most) in [(58 + 24 + 200 * 30, 200), (58 + 24 + 57 * 30, 57), (58 + 12 + 30, 1)] {
            let evidence = recorder.evidence(&saw, bytes_max);
            let ships = [places[last] as usize];
            assert_eq!(nodes(&evidence), expected(&listed, &ships, most), "{bytes_max}");
            assert_eq!(evidence.truncated, most < 200);
            let weighed = evidence.weighed().expect("in full");
            let tables: Vec<&[i64]> = weighed.told.tables().collect();
            for (at, (node, _)) in evidence.sight.candidates().enumerate() {
                let own = weighed.told.node(at);
                assert_eq!(own.per_shipment, i64::from(node.0));
                assert_eq!(weighed.told.unit_costs(at).collect::<Vec<_>>(), [i64::from(node.0), -1]);
                let costs = if node.0 % 4 == 0 { [9, 10] } else { [5, 6] };
                assert_eq!(tables[usize::from(own.table)], costs);
            }
            assert!(tables.len() <= 2, "nobody goes by the one between");
        }
        assert!(recorder.evidence(&saw, 58 + 12 + 29).sight.is_empty(), "not even the one that ships fits");
        assert_eq!(listed.tariff, Tariff::default());
    }

    #[test]
    fn of_nodes_that_are_equally_far_the_first_are_kept_however_far_they_are() {
        for distance_m in [0, 1_000, u64::MAX] {
            let (mut problem, units) = listed(200);
            problem.candidates.iter_mut().for_each(|own| *own = Candidate::new(own.node, distance_m));
            let sent = Assignment { candidate: 3, parts: 0..0, cost: 1 };
            let plan = Plan { assignments: vec![sent], ..Plan::default() };
            let evidence = Evidence::of((&problem, &plan), &units, &[], 200, 24 + 12 * 100);
            assert_eq!(nodes(&evidence), expected(&problem, &[3], 100), "{distance_m}");
        }
    }

    #[test]
    fn in_full_tables_are_told_with_their_gaps() {
        const NONE: i64 = costed::Rates::NONE;
        let (listed, units) = listed(20);
        let (mut problem, places) = asked(&listed);
        problem.offers.iter_mut().zip(0..).for_each(|(offer, at)| offer.table = at % 2);
        for tables in [[&[5, 6][..], &[8, 7]], [&[5, 6], &[7]], [&[5], &[7]], [&[NONE, 6], &[7, 8]], [&[], &[7, 8]]] {
            problem.rates = costed::Rates::new(vec![500, 1_000]);
            tables.iter().for_each(|costs| _ = problem.rates.add_told(costs));
            let plan = &costed::Plan::default();
            let saw = Weighing {
                problem: &problem,
                plan,
                listed: &listed,
                places: &places,
                units: &units,
                fenced: &[],
                nodes: 20,
                minds_ahead: false,
            };
            let evidence = Recorder::default().evidence(&saw, 10_000);
            assert_eq!(evidence.weighed().expect("in full").told.tables().collect::<Vec<_>>(), tables);
        }
    }
}
