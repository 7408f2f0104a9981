//! Where the lines of a return shall come to: the cheapest way to bring each to one node, every further node costing a
//! parcel.
//!
//! It is a small facility location with room per node, solved by branch and bound: lines one after the other, nodes by
//! what they add, pruned by the sum of the cheapest nodes of the lines that are left. A node without a bound that is at
//! least as dear as another for every line, parcel included, is never needed and left out first. At most [`LOOKS_MAX`]
//! looks at a node for a line are taken; [`Routed::optimal`] says whether that was enough to prove the answer.
//!
//! What is *not* here: what it costs to bring a line somewhere (the engine knows the network).

/// Looks at a node for a line after which the best answer so far is taken; enough to look once at every node for every
/// line of the largest return.
pub const LOOKS_MAX: usize = 400_000;

/// A return to be routed; lines and nodes by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReturnRoute {
    /// Units of each line.
    pub units: Vec<u32>,
    /// What it costs to bring a line to a node, by line and node; `None` where it cannot come to.
    pub costs: Vec<Vec<Option<i64>>>,
    /// What a parcel to a node costs beside that, at least 0.
    pub parcels: Vec<i64>,
    /// Units a node has room for; as many as it likes when `None`.
    pub room: Vec<Option<u64>>,
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The node of each line.
    pub nodes: Vec<usize>,
    /// What all of it costs.
    pub cost: i64,
    /// Whether nothing is cheaper.
    pub optimal: bool,
}

struct Search<'a> {
    problem: &'a ReturnRoute,
    /// Nodes that may be needed.
    nodes: Vec<usize>,
    /// Sum of the cheapest nodes of all lines from one on.
    rest: Vec<i64>,
    used: Vec<u64>,
    lines_at: Vec<u32>,
    chosen: Vec<usize>,
    best: Option<(i64, Vec<usize>)>,
    looks: usize,
}

/// The cheapest way; `None` when there is none.
pub fn route(problem: &ReturnRoute) -> Option<Routed> {
    let nodes = needed(problem);
    let cheapest = |line: &Vec<Option<i64>>| nodes.iter().filter_map(|node| line[*node]).min();
    let mut rest = vec![0];
    for line in problem.costs.iter().rev() {
        let sum = rest.last().copied().unwrap_or(0) + cheapest(line)?;
        rest.push(sum);
    }
    rest.reverse();
    let count = problem.parcels.len();
    let (used, lines_at) = (vec![0; count], vec![0; count]);
    let mut search = Search { problem, nodes, rest, used, lines_at, chosen: Vec::new(), best: None, looks: 0 };
    search.place(0);
    let optimal = search.looks < LOOKS_MAX;
    search.best.map(|(cost, nodes)| Routed { nodes, cost, optimal })
}

/// Nodes that no other one makes needless.
fn needed(problem: &ReturnRoute) -> Vec<usize> {
    let cost = |line: &Vec<Option<i64>>, node: usize| line[node].unwrap_or(i64::MAX);
    let mut nodes: Vec<usize> = (0..problem.parcels.len()).collect();
    let sum =
        |node: usize| problem.costs.iter().fold(problem.parcels[node], |sum, l| sum.saturating_add(cost(l, node)));
    nodes.sort_by_key(|node| (sum(*node), *node));
    let mut kept: Vec<usize> = Vec::new();
    for node in nodes {
        let beats = |other: &&usize| {
            problem.room[**other].is_none()
                && problem.parcels[**other] <= problem.parcels[node]
                && problem.costs.iter().all(|line| cost(line, **other) <= cost(line, node))
        };
        if !kept.iter().any(|other| beats(&other)) {
            kept.push(node);
        }
    }
    kept
}

impl Search<'_> {
    fn place(&mut self, cost: i64) {
        let line = self.chosen.len();
        let bound = cost + self.rest[line];
        if self.looks >= LOOKS_MAX || self.best.as_ref().is_some_and(|(best, _)| bound >= *best) {
            return;
        }
        if line == self.problem.costs.len() {
            self.best = Some((cost, self.chosen.clone()));
            return;
        }
        self.looks += self.nodes.len();
        let units = u64::from(self.problem.units[line]);
        let adds = |node: usize| {
            let parcel = if self.lines_at[node] == 0 { self.problem.parcels[node] } else { 0 };
            let fits = self.problem.room[node].is_none_or(|room| self.used[node] + units <= room);
            Some((self.problem.costs[line][node].filter(|_| fits)? + parcel, node))
        };
        let mut ways: Vec<(i64, usize)> = self.nodes.iter().filter_map(|node| adds(*node)).collect();
        ways.sort_unstable();
        for (more, node) in ways {
            self.chosen.push(node);
            self.used[node] += units;
            self.lines_at[node] += 1;
            self.place(cost + more);
            self.lines_at[node] -= 1;
            self.used[node] -= units;
            self.chosen.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small numbers out of a seed.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, most: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            (z ^ z >> 31) % most
        }
    }

    fn drawn(dice: &mut Dice) -> ReturnRoute {
        let (lines, nodes) = (1 + dice.roll(4), 1 + dice.roll(4));
        let far = [5, 50, 500][dice.roll(3) as usize];
        let cost = |dice: &mut Dice| (dice.roll(8) > 0).then(|| dice.roll(far) as i64 - 20);
        ReturnRoute {
            units: (0..lines).map(|_| 1 + dice.roll(3) as u32).collect(),
            costs: (0..lines).map(|_| (0..nodes).map(|_| cost(dice)).collect()).collect(),
            parcels: (0..nodes).map(|_| dice.roll(60) as i64).collect(),
            room: (0..nodes).map(|_| (dice.roll(3) == 0).then(|| dice.roll(6))).collect(),
        }
    }

    /// What one choice of nodes costs; `None` when it cannot be.
    fn price(problem: &ReturnRoute, chosen: &[usize]) -> Option<i64> {
        let mut cost = 0;
        for (line, node) in problem.costs.iter().zip(chosen) {
            cost += line[*node]?;
        }
        for (node, parcel) in problem.parcels.iter().enumerate() {
            let own = || problem.units.iter().zip(chosen).filter(|(_, at)| **at == node);
            let units: u64 = own().map(|(units, _)| u64::from(*units)).sum();
            if problem.room[node].is_some_and(|room| units > room) {
                return None;
            }
            cost += if own().next().is_some() { *parcel } else { 0 };
        }
        Some(cost)
    }

    /// The cheapest of all choices, each looked at.
    fn enumerated(problem: &ReturnRoute) -> Option<i64> {
        let (lines, nodes) = (problem.costs.len() as u32, problem.parcels.len());
        let choice = |mut n: usize| {
            let mut chosen = Vec::new();
            for _ in 0..lines {
                chosen.push(n % nodes);
                n /= nodes;
            }
            chosen
        };
        (0..nodes.pow(lines)).filter_map(|n| price(problem, &choice(n))).min()
    }

    #[test]
    fn the_route_is_as_cheap_as_the_cheapest_of_all_choices() {
        let (mut dice, mut possible, mut split) = (Dice(29), 0, 0);
        for case in 0..1_000 {
            let problem = drawn(&mut dice);
            let routed = route(&problem);
            assert_eq!(routed.as_ref().map(|r| r.cost), enumerated(&problem), "case {case}: {problem:?}");
            if let Some(routed) = routed {
                assert_eq!(price(&problem, &routed.nodes), Some(routed.cost), "case {case}: it costs what it says");
                assert!(routed.optimal);
                possible += 1;
                split += u32::from(routed.nodes.windows(2).any(|pair| pair[0] != pair[1]));
            }
        }
        assert!(possible > 500 && split > 50, "{possible} can be routed, {split} over several nodes");
    }

    #[test]
    fn many_lines_and_nodes_are_routed_in_bounded_steps() {
        let mut dice = Dice(7);
        let nodes = 60;
        let problem = ReturnRoute {
            units: vec![1; 30],
            costs: (0..30).map(|_| (0..nodes).map(|_| Some(dice.roll(1_000) as i64)).collect()).collect(),
            parcels: vec![400; nodes],
            room: vec![None; nodes],
        };
        let routed = route(&problem).expect("every node takes every line");
        assert_eq!(price(&problem, &routed.nodes), Some(routed.cost));
    }
}
