//! What a solver saw of an order's lines and of the nodes that had some of them, in one piece of memory: one is made for
//! every order.
//!
//! **Words.** Line by line its position, its units, grams of a unit (the lower half first), how many skus a unit needs, and of
//! each its slot and how many; then the nodes, ascending; the metres of each; what each has, slot by slot.
//!
//! **Bytes.** Four fields: the lines, how many skus were wanted, nodes with their metres, what these have.
//!
//! What is *not* here: what things cost, who was left out, and how much of it is kept (`recording`).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::decision::LineUnits;
use super::ids::NodeIndex;
use super::rows::add_rows;
use super::sourcing::{Need, Problem};

/// Words of a line beside its needs.
const LINE_WORDS: usize = 5;

/// See the module.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sight {
    words: Box<[u32]>,
    lines: u32,
    /// Where the words of nodes begin.
    nodes_at: u32,
    nodes: u32,
    slots: u16,
}

/// Demand of one line, as the solver saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeenLine<'a> {
    /// Position of the line in the order.
    pub line: u16,
    /// Units wanted.
    pub quantity: u32,
    /// Weight of one unit, grams.
    pub unit_weight_g: u64,
    needs: Needs<'a>,
}

/// Slot and pieces, turn by turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Needs<'a>(&'a [u32]);

impl SeenLine<'_> {
    /// What one unit needs: of each sku its position among those seen, and pieces of it.
    pub fn needs(&self) -> impl ExactSizeIterator<Item = Need> {
        self.needs.0.chunks_exact(2).map(|need| Need { slot: need[0] as u16, per_unit: need[1] })
    }
}

impl Sight {
    /// Of a stated problem, line by line the units that were asked for.
    pub fn of(problem: &Problem, units: &[LineUnits]) -> Self {
        let candidates = &problem.candidates;
        let writing = Writing::of(problem, units, candidates.len());
        writing.end(
            candidates.iter().map(|candidate| candidate.node),
            candidates.iter().map(|candidate| candidate.distance_m),
            |words| words.extend_from_slice(&problem.available),
        )
    }

    /// The same with some of its candidates, ascending.
    pub fn of_some(problem: &Problem, units: &[LineUnits], kept: impl ExactSizeIterator<Item = usize> + Clone) -> Self {
        let writing = Writing::of(problem, units, kept.len());
        let candidates = kept.clone().map(|at| problem.candidates[at]);
        writing.end(
            candidates.clone().map(|candidate| candidate.node),
            candidates.map(|candidate| candidate.distance_m),
            |words| add_rows(&problem.available, problem.slots, kept, words),
        )
    }

    /// Of lines (position, units, grams of a unit, slots with pieces), nodes with their metres, and what these have.
    pub fn listed(lines: &[ListedLine], slots: u16, nodes: &[(NodeIndex, u32)], available: &[u32]) -> Self {
        let needs = lines.iter().map(|(.., needs)| needs.len()).sum();
        let mut writing = Writing::begin((lines.len(), needs), slots.into(), nodes.len());
        for (line, quantity, unit_weight_g, needs) in lines {
            let own = needs.iter().map(|&(slot, per_unit)| Need { slot, per_unit });
            writing.line(*line, (*quantity, *unit_weight_g), own);
        }
        writing.end(nodes.iter().map(|(node, _)| node.0), nodes.iter().map(|(_, metres)| *metres), |words| {
            words.extend_from_slice(available);
        })
    }

    /// Demand, line by line.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = SeenLine<'_>> + Clone {
        let mut rest = &self.words[..self.nodes_at as usize];
        (0..self.lines).map(move |_| {
            let (own, after) = rest.split_at(LINE_WORDS);
            let (needs, after) = after.split_at(2 * own[4] as usize);
            rest = after;
            let unit_weight_g = u64::from(own[3]) << 32 | u64::from(own[2]);
            SeenLine { line: own[0] as u16, quantity: own[1], unit_weight_g, needs: Needs(needs) }
        })
    }

    /// Which line of the order one of the lines is.
    pub fn line(&self, at: usize) -> u16 {
        self.lines().nth(at).expect("a plan speaks of lines that were seen").line
    }

    /// Whether nothing was asked for, or nothing of it kept.
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// How many skus were wanted.
    pub fn slots(&self) -> usize {
        self.slots.into()
    }

    /// Candidate nodes, ascending, each with its distance in metres.
    pub fn candidates(&self) -> impl ExactSizeIterator<Item = (NodeIndex, u32)> {
        let (nodes, rest) = self.words[self.nodes_at as usize..].split_at(self.nodes as usize);
        nodes.iter().zip(&rest[..nodes.len()]).map(|(node, metres)| (NodeIndex(*node), *metres))
    }

    /// One of them.
    pub fn node(&self, at: usize) -> NodeIndex {
        NodeIndex(self.words[self.nodes_at as usize + at])
    }

    /// Which of them a node is, or where it would stand.
    pub fn find(&self, node: NodeIndex) -> Result<usize, usize> {
        let nodes = &self.words[self.nodes_at as usize..][..self.nodes as usize];
        nodes.binary_search(&node.0)
    }

    /// Units available, slot by slot, candidate by candidate.
    pub fn available(&self) -> &[u32] {
        &self.words[self.nodes_at as usize + 2 * self.nodes as usize..]
    }

    /// What a candidate has, by slot.
    pub fn has(&self, at: usize) -> &[u32] {
        &self.available()[at * self.slots()..(at + 1) * self.slots()]
    }
}

/// A sight that is being written, in memory of the size that it will have.
struct Writing(Vec<u32>, Sight);

impl Writing {
    /// With the lines of a problem.
    fn of(problem: &Problem, units: &[LineUnits], nodes: usize) -> Self {
        let mut writing = Self::begin((problem.lines.len(), problem.needs.len()), problem.slots, nodes);
        for (line, u) in problem.lines.iter().zip(units) {
            let needs = problem.needs[line.needs.clone()].iter().copied();
            writing.line(u.line, (line.quantity, line.unit_weight_g), needs);
        }
        writing
    }

    fn begin((lines, needs): (usize, usize), slots: usize, nodes: usize) -> Self {
        let words = Vec::with_capacity(LINE_WORDS * lines + 2 * needs + (2 + slots) * nodes);
        Self(words, Sight { nodes: nodes as u32, slots: slots as u16, ..Sight::default() })
    }

    fn line(&mut self, line: u16, (quantity, unit_weight_g): (u32, u64), needs: impl ExactSizeIterator<Item = Need>) {
        let (low, high) = (unit_weight_g as u32, (unit_weight_g >> 32) as u32);
        self.0.extend([u32::from(line), quantity, low, high, needs.len() as u32]);
        needs.for_each(|need| self.0.extend([u32::from(need.slot), need.per_unit]));
        self.1.lines += 1;
    }

    fn end(
        self,
        nodes: impl Iterator<Item = u32>,
        metres: impl Iterator<Item = u32>,
        available: impl FnOnce(&mut Vec<u32>),
    ) -> Sight {
        let Self(mut words, sight) = self;
        let nodes_at = words.len() as u32;
        words.extend(nodes);
        words.extend(metres);
        available(&mut words);
        Sight { words: words.into(), nodes_at, ..sight }
    }
}

impl fmt::Debug for Sight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lines, nodes): (Vec<_>, Vec<_>) = (self.lines().collect(), self.candidates().collect());
        let mut shown = out.debug_struct("Sight");
        shown.field("lines", &lines).field("nodes", &nodes).field("available", &self.available()).finish()
    }
}

/// A line as it is read and written: position, units, grams of a unit, slots with pieces.
pub type ListedLine = (u16, u32, u64, Vec<(u16, u32)>);

impl Serialize for Sight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Lines(self), self.slots, Nodes(self), self.available()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        type Lists = (Vec<ListedLine>, u16, Vec<(NodeIndex, u32)>, Vec<u32>);
        let (lines, slots, nodes, available) = Lists::deserialize(deserializer)?;
        Ok(Self::listed(&lines, slots, &nodes, &available))
    }
}

struct Lines<'a>(&'a Sight);

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.lines().map(|own| (own.line, own.quantity, own.unit_weight_g, own.needs)))
    }
}

struct Nodes<'a>(&'a Sight);

impl Serialize for Nodes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.candidates())
    }
}

impl Serialize for Needs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.chunks_exact(2).map(|need| (need[0] as u16, need[1])))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sourcing::Candidate;
    use super::*;

    fn lines() -> Vec<ListedLine> {
        vec![(4, 3, u64::MAX - 1, vec![(0, 2)]), (5, 1, 7, vec![]), (9, u32::MAX, 1 << 40, vec![(1, 1), (0, 9)])]
    }

    #[test]
    fn it_is_written_as_lists_and_read_back() {
        let (nodes, available) = (vec![(NodeIndex(2), 5), (NodeIndex(300), u32::MAX)], vec![1, 0, 7, 8]);
        let sight = Sight::listed(&lines(), 2, &nodes, &available);
        let written = serde_json::to_string(&sight).expect("memory takes all bytes");
        let lists = serde_json::to_string(&(lines(), 2, &nodes, &available)).expect("memory takes all bytes");
        assert_eq!(written, lists);
        assert_eq!(serde_json::from_str::<Sight>(&written).expect("as written"), sight);
        assert_eq!(Sight::listed(&[], 0, &[], &[]), Sight::default());
    }

    #[test]
    fn a_problem_is_seen_as_it_was_stated_with_all_candidates_or_some() {
        let mut problem = Problem { slots: 2, ..Problem::default() };
        for (_, quantity, unit_weight_g, needs) in lines() {
            let needs = needs.into_iter().map(|(slot, per_unit)| Need { slot, per_unit });
            problem.add_line(quantity, unit_weight_g, needs);
        }
        for (node, distance_m) in [(2, 5), (7, 6), (300, 1 << 40)] {
            problem.add_candidate(Candidate::new(node, distance_m), [node, node + 1]);
        }
        let units = [4, 5, 9].map(|line| LineUnits { line, quantity: 1 });
        let nodes = [(NodeIndex(2), 5), (NodeIndex(7), 6), (NodeIndex(300), u32::MAX)];
        let all = Sight::of(&problem, &units);
        assert_eq!(all, Sight::listed(&lines(), 2, &nodes, &[2, 3, 7, 8, 300, 301]));
        let some = Sight::of_some(&problem, &units, [0, 2].into_iter());
        assert_eq!(some, Sight::listed(&lines(), 2, &[nodes[0], nodes[2]], &[2, 3, 300, 301]));
        assert_eq!((some.find(NodeIndex(300)), some.find(NodeIndex(7))), (Ok(1), Err(1)));
        assert_eq!((some.node(1), some.has(1), some.line(2)), (NodeIndex(300), &[300, 301][..], 9));
    }
}
