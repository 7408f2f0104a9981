//! The kernel against oracles that share no code with it, on seeded random orders.
//!
//! Every failure prints its seed; `problem_of(seed, shape)` makes the same order again.

use super::*;

/// SplitMix64: the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    fn pick(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn one_in(&mut self, chance: u64) -> bool {
        self.next().is_multiple_of(chance)
    }
}

/// What kind of orders to roll.
#[derive(Clone, Copy, Debug)]
struct Shape {
    nodes: (u64, u64),
    lines: (u64, u64),
    quantity: (u64, u64),
    /// One line in so many is a kit; 0 for none.
    kits: u64,
    /// One (node, slot) in so many is empty.
    empty: u64,
    /// Stock is up to this; 0 means plenty.
    stock: u64,
}

const SMALL: Shape = Shape { nodes: (2, 5), lines: (1, 4), quantity: (1, 3), kits: 4, empty: 3, stock: 5 };
const ENOUGH: Shape = Shape { kits: 0, stock: 0, ..SMALL };

fn tariff_of(dice: &mut Dice) -> Tariff {
    let of = |dice: &mut Dice, most: u64| if dice.one_in(5) { 0 } else { dice.pick(0, most) as i64 };
    match dice.pick(0, 3) {
        0 => Tariff { per_shipment: of(dice, 2), split: of(dice, 1), micro_per_kg_km: of(dice, 3_000) },
        1 => Tariff { per_shipment: of(dice, 20), split: of(dice, 9), micro_per_kg_km: of(dice, 40_000) },
        _ => Tariff { per_shipment: of(dice, 600), split: of(dice, 300), micro_per_kg_km: of(dice, 900_000) },
    }
}

fn problem_of(seed: u64, shape: Shape) -> Problem {
    let mut dice = Dice(seed);
    let lines = dice.pick(shape.lines.0, shape.lines.1);
    let slots = dice.pick(1, lines + 1) as usize;
    let need = |dice: &mut Dice| Need { slot: dice.pick(0, slots as u64 - 1) as u16, per_unit: dice.pick(1, 2) as u32 };
    let mut problem = Problem { slots, ..Problem::default() };
    for number in 0..lines {
        let kit = shape.kits > 0 && dice.one_in(shape.kits);
        let single = Need { slot: (number % slots as u64) as u16, per_unit: 1 };
        let quantity = dice.pick(shape.quantity.0, shape.quantity.1) as u32;
        let unit_weight_g = if dice.one_in(8) { 0 } else { dice.pick(1, 4) * 250 };
        let needs = if kit { (0..dice.pick(1, 3)).map(|_| need(&mut dice)).collect() } else { vec![single] };
        problem.add_line(quantity, unit_weight_g, needs);
    }
    let nodes = dice.pick(shape.nodes.0, shape.nodes.1);
    let has = |dice: &mut Dice| match shape.stock {
        _ if dice.one_in(shape.empty) => 0,
        0 => 1_000_000_000,
        most => dice.pick(1, most) as u32,
    };
    for node in 0..nodes {
        let distance_m = if dice.one_in(6) { 100_000 } else { dice.pick(0, 900) as u32 * 1_000 };
        problem.add_candidate(Candidate { node: node as u32, distance_m }, (0..slots).map(|_| has(&mut dice)));
    }
    problem.tariff = tariff_of(&mut dice);
    problem
}

/// Best plan by the rules, compared from the left: missing units, cost, distance, and the set of candidates as bits
/// with candidate 0 the highest, inverted.
type Score = (u32, i64, u64, u64);

/// Node by node, every load it can carry, from every state of what is still wanted: no columns, no bounds, no joins.
/// With `forced`, plans in which that candidate ships nothing do not count.
fn oracle(problem: &Problem, forced: Option<usize>) -> Option<Score> {
    let radix: Vec<usize> = problem.lines.iter().map(|line| line.quantity as usize + 1).collect();
    let states: usize = radix.iter().product();
    let digits = |mut state: usize| -> Vec<u32> {
        let digit = |radix: &usize| {
            let digit = state % radix;
            state /= radix;
            digit as u32
        };
        radix.iter().map(digit).collect()
    };
    let counts: Vec<Vec<u32>> = (0..states).map(digits).collect();
    let mut best: Vec<Option<(i64, u64, u64)>> = vec![None; states];
    best[0] = Some((0, 0, u64::MAX));
    for (number, candidate) in problem.candidates.iter().enumerate() {
        let loads: Vec<(usize, i64)> =
            (1..states).filter_map(|load| Some((load, price(problem, number, &counts[load])?))).collect();
        let mut next = if forced == Some(number) { vec![None; states] } else { best.clone() };
        for (before, score) in best.iter().enumerate().filter_map(|(at, score)| Some((at, (*score)?))) {
            for &(load, cost) in &loads {
                let room = (0..radix.len()).all(|l| counts[before][l] + counts[load][l] < radix[l] as u32);
                if room {
                    let bit = 1 << (63 - number);
                    let score = (score.0 + cost, score.1 + u64::from(candidate.distance_m), score.2 & !bit);
                    let slot: &mut Option<(i64, u64, u64)> = &mut next[before + load];
                    *slot = Some(slot.map_or(score, |known| known.min(score)));
                }
            }
        }
        best = next;
    }
    let wanted: u32 = radix.iter().map(|radix| *radix as u32 - 1).sum();
    let scored = best.iter().enumerate().filter_map(|(state, score)| {
        let (cost, distance, set) = (*score)?;
        let cost = if state == 0 { 0 } else { cost - problem.tariff.split };
        Some((wanted - counts[state].iter().sum::<u32>(), cost, distance, set))
    });
    scored.min()
}

/// Price of one load with its fixed charges, if the candidate can carry it.
fn price(problem: &Problem, candidate: usize, load: &[u32]) -> Option<i64> {
    let mut pieces = vec![0_u64; problem.slots];
    let mut grams = 0_u128;
    for (line, &units) in problem.lines.iter().zip(load) {
        grams += u128::from(line.unit_weight_g) * u128::from(units);
        for need in &problem.needs[line.needs.clone()] {
            pieces[usize::from(need.slot)] += u64::from(need.per_unit) * u64::from(units);
        }
    }
    let can = pieces.iter().zip(problem.has(candidate)).all(|(&pieces, &has)| pieces <= u64::from(has));
    let tariff = problem.tariff;
    // Written out again on purpose: the oracle must not trust the kernel's arithmetic.
    let parts = u128::from(problem.candidates[candidate].distance_m) * grams * tariff.micro_per_kg_km as u128;
    let charge = (parts * 2 + 1_000_000_000_000) / 2_000_000_000_000;
    can.then_some(tariff.per_shipment + tariff.split + charge as i64)
}

/// Every unit to every node or to nobody: the plainest oracle, for the tiniest orders.
fn enumerate(problem: &Problem) -> (u32, i64) {
    let units: Vec<usize> =
        problem.lines.iter().enumerate().flat_map(|(line, l)| vec![line; l.quantity as usize]).collect();
    let choices = problem.candidates.len() + 1;
    let mut best = (u32::MAX, i64::MAX);
    for code in 0..choices.pow(units.len() as u32) {
        let mut loads = vec![vec![0_u32; problem.lines.len()]; choices];
        let mut rest = code;
        for &line in &units {
            loads[rest % choices][line] += 1;
            rest /= choices;
        }
        let missing = loads[choices - 1].iter().sum();
        let used = loads[..choices - 1].iter().zip(0..).filter(|(load, _)| load.iter().any(|&u| u > 0));
        let costs: Option<Vec<i64>> = used.map(|(load, candidate)| price(problem, candidate, load)).collect();
        if let Some(costs) = costs {
            let split = if costs.is_empty() { 0 } else { problem.tariff.split };
            best = best.min((missing, costs.iter().sum::<i64>() - split));
        }
    }
    best
}

fn score_of(problem: &Problem, plan: &Plan) -> Score {
    let missing = plan.unfilled.iter().map(|unfilled| unfilled.quantity).sum();
    let used = plan.assignments.iter().map(|assignment| assignment.candidate);
    let distance = used.clone().map(|at| u64::from(problem.candidates[at as usize].distance_m)).sum();
    (missing, plan.cost, distance, used.fold(u64::MAX, |set, at| set & !(1 << (63 - at))))
}

/// The laws every plan must keep, exact or not.
fn assert_laws(problem: &Problem, plan: &Plan, seed: u64) {
    let mut given = vec![0_u64; problem.lines.len()];
    let mut cost = 0;
    for pair in plan.assignments.windows(2) {
        assert!(pair[0].candidate < pair[1].candidate, "seed {seed}: candidates ascend, one shipment each");
    }
    for assignment in &plan.assignments {
        let mut load = vec![0; problem.lines.len()];
        assert!(!plan.parts_of(assignment).is_empty(), "seed {seed}: a shipment carries something");
        for part in plan.parts_of(assignment) {
            assert!(part.quantity > 0, "seed {seed}: a part carries something");
            load[part.line as usize] += part.quantity;
            given[part.line as usize] += u64::from(part.quantity);
        }
        let price = price(problem, assignment.candidate as usize, &load)
            .unwrap_or_else(|| panic!("seed {seed}: a node gave what it lacks"));
        assert_eq!(assignment.cost, price - problem.tariff.split, "seed {seed}");
        cost += price;
    }
    for unfilled in &plan.unfilled {
        assert!(unfilled.quantity > 0, "seed {seed}");
        given[unfilled.line as usize] += u64::from(unfilled.quantity);
    }
    let wanted: Vec<u64> = problem.lines.iter().map(|line| u64::from(line.quantity)).collect();
    assert_eq!(given, wanted, "seed {seed}: assigned and unfilled add up");
    let cost = if plan.assignments.is_empty() { 0 } else { cost - problem.tariff.split };
    assert_eq!(plan.cost, cost, "seed {seed}");
    assert_eq!(plan.terms.shipment + plan.terms.distance + plan.terms.split, plan.cost, "seed {seed}");
    assert!(plan.lower_bound <= plan.cost, "seed {seed}: {plan:?}");
    assert!(!plan.optimal || plan.lower_bound == plan.cost, "seed {seed}: {plan:?}");
}

fn check_exact(seed: u64, shape: Shape, workspace: &mut Workspace) {
    let problem = problem_of(seed, shape);
    let plan = solve(&problem, workspace);
    assert_laws(&problem, &plan, seed);
    let best = oracle(&problem, None).expect("shipping nothing is always possible");
    assert_eq!(score_of(&problem, &plan), best, "seed {seed}: {problem:?}\n{plan:?}");
    assert!(plan.optimal, "seed {seed}");
}

#[test]
fn the_oracle_equals_plain_enumeration() {
    for seed in 0..400 {
        let shape = Shape { nodes: (2, 3), lines: (1, 3), quantity: (1, 2), ..SMALL };
        let problem = problem_of(seed, shape);
        let (missing, cost, ..) = oracle(&problem, None).expect("shipping nothing is always possible");
        assert_eq!((missing, cost), enumerate(&problem), "seed {seed}");
    }
}

#[test]
fn small_orders_equal_the_oracle_to_the_last_tie() {
    let workspace = &mut Workspace::default();
    for seed in 0..2_000 {
        check_exact(seed, SMALL, workspace);
        check_exact(seed, ENOUGH, workspace);
    }
}

#[test]
fn short_stock_and_many_kits_equal_the_oracle() {
    let workspace = &mut Workspace::default();
    for seed in 0..1_000 {
        check_exact(seed, Shape { stock: 2, empty: 2, ..SMALL }, workspace);
        check_exact(seed, Shape { kits: 1, stock: 8, ..SMALL }, workspace);
        check_exact(seed, Shape { nodes: (6, 9), stock: 3, kits: 0, ..SMALL }, workspace);
    }
}

#[test]
fn many_different_units_and_many_equal_units_equal_the_oracle() {
    let workspace = &mut Workspace::default();
    for seed in 0..40 {
        check_exact(
            seed,
            Shape { lines: (6, 8), quantity: (1, 1), nodes: (8, 20), stock: 0, kits: 0, ..SMALL },
            workspace,
        );
        check_exact(
            seed,
            Shape { lines: (1, 1), quantity: (20, 60), nodes: (2, 9), stock: 30, kits: 0, ..SMALL },
            workspace,
        );
        check_exact(seed, Shape { lines: (2, 2), quantity: (5, 12), nodes: (2, 9), stock: 9, ..SMALL }, workspace);
    }
}

#[test]
fn many_thin_nodes_that_others_outdo_change_nothing() {
    let workspace = &mut Workspace::default();
    for seed in 0..60 {
        let shape = Shape { nodes: (12, 40), lines: (3, 4), quantity: (2, 3), kits: 0, stock: 2, ..SMALL };
        check_exact(seed, shape, workspace);
        check_exact(seed, Shape { kits: 4, stock: 4, ..shape }, workspace);
        if seed < 12 {
            check_losers(seed, shape, workspace);
        }
    }
}

#[test]
fn every_loser_is_told_what_using_it_would_cost() {
    let workspace = &mut Workspace::default();
    for seed in 0..2_000 {
        check_losers(seed, if seed % 2 == 0 { SMALL } else { ENOUGH }, workspace);
    }
}

fn check_losers(seed: u64, shape: Shape, workspace: &mut Workspace) {
    let problem = problem_of(seed, shape);
    let plan = solve(&problem, workspace);
    let losers = rejections(&problem, &plan);
    let mut told: Vec<u32> = losers.iter().map(|loser| loser.candidate).collect();
    told.extend(plan.assignments.iter().map(|assignment| assignment.candidate));
    told.sort_unstable();
    assert_eq!(told, (0..problem.candidates.len() as u32).collect::<Vec<_>>(), "seed {seed}");
    for loser in losers {
        let forced = oracle(&problem, Some(loser.candidate as usize));
        let by = forced.filter(|forced| forced.0 == score_of(&problem, &plan).0).map(|forced| forced.1 - plan.cost);
        let said = match loser.reason {
            Reason::NoStock => None,
            Reason::Tied => Some(0),
            Reason::Costlier { by } | Reason::PartialStock { by, .. } => Some(by),
        };
        assert_eq!(said, by, "seed {seed}: {loser:?} of {problem:?}");
        assert!(loser.exact, "seed {seed}");
    }
}

#[test]
fn two_lines_never_use_the_same_unit_twice() {
    let mut problem = Problem::default();
    problem.clear(1, Tariff { per_shipment: 500, micro_per_kg_km: 1_000, split: 100 });
    for quantity in [3, 2] {
        problem.add_line(quantity, 500, [Need { slot: 0, per_unit: 1 }]);
    }
    problem.add_candidate(Candidate { node: 1, distance_m: 10_000 }, [3]);
    problem.add_candidate(Candidate { node: 2, distance_m: 20_000 }, [1]);
    let plan = solve(&problem, &mut Workspace::default());
    assert_laws(&problem, &plan, 0);
    assert_eq!(plan.unfilled, [Unfilled { line: 1, quantity: 1 }]);
    let workspace = &mut Workspace::default();
    for seed in 0..1_000 {
        let shape = Shape { lines: (2, 30), quantity: (1, 9), nodes: (1, 12), kits: 3, stock: 12, ..SMALL };
        let problem = problem_of(seed, shape);
        assert_laws(&problem, &solve(&problem, workspace), seed);
    }
}

#[test]
fn beyond_the_exact_size_nothing_false_is_claimed() {
    let workspace = &mut Workspace::default();
    let (mut proven, mut all) = (0, 0);
    for seed in 0..400 {
        let kits = if seed % 4 == 0 { 5 } else { 0 };
        let stock = if seed % 3 == 0 { 0 } else { 6 };
        let problem = problem_of(seed, Shape { nodes: (2, 6), lines: (3, 5), quantity: (2, 4), kits, stock, ..SMALL });
        let plan = beyond(&problem, workspace);
        assert_laws(&problem, &plan, seed);
        let best = oracle(&problem, None).expect("shipping nothing is always possible");
        let score = score_of(&problem, &plan);
        assert!((score.0, score.1) >= (best.0, best.1), "seed {seed}: better than the best");
        assert!(plan.lower_bound <= best.1, "seed {seed}: {} > {best:?}\n{problem:?}\n{plan:?}", plan.lower_bound);
        assert!(!plan.optimal || (score.0, score.1) == (best.0, best.1), "seed {seed}: {plan:?} {best:?}");
        if kits == 0 {
            assert_eq!(score.0, best.0, "seed {seed}: products are filled as far as stock goes");
        }
        proven += u32::from(plan.optimal);
        all += 1;
    }
    assert!(proven * 2 > all, "{proven} of {all} proven: the proof no longer works");
}

/// The answer of the subset search, whatever the size of the order.
fn beyond(problem: &Problem, workspace: &mut Workspace) -> Plan {
    workspace.demand.load(problem);
    let proof = workspace.subset.solve(problem, &workspace.demand, &mut workspace.takes);
    let mut plan = Plan::default();
    assemble(problem, &workspace.demand, &mut workspace.takes, &mut workspace.left, &mut plan);
    plan.lower_bound = proof.lower_bound.min(plan.cost);
    plan.optimal = proof.fills_most && plan.lower_bound == plan.cost;
    plan
}

#[test]
fn large_orders_keep_the_laws() {
    let workspace = &mut Workspace::default();
    for seed in 0..30 {
        let shape = Shape { nodes: (5, 60), lines: (13, 300), quantity: (1, 2_000), kits: 0, empty: 3, stock: 3_000 };
        let problem = problem_of(seed, shape);
        let plan = solve(&problem, workspace);
        assert_laws(&problem, &plan, seed);
        let stock =
            |slot| problem.available.iter().skip(slot).step_by(problem.slots).map(|&has| u64::from(has)).sum::<u64>();
        let mut wanted = vec![0; problem.slots];
        problem
            .lines
            .iter()
            .zip(&problem.needs)
            .for_each(|(line, need)| wanted[usize::from(need.slot)] += u64::from(line.quantity));
        let filled: u64 = wanted.iter().enumerate().map(|(slot, &wanted)| stock(slot).min(wanted)).sum();
        let given = plan.parts.iter().map(|part| u64::from(part.quantity)).sum::<u64>();
        assert_eq!(given, filled, "seed {seed}: products are filled as far as stock goes");
        let told = rejections(&problem, &plan).len() + plan.assignments.len();
        assert_eq!(told, problem.candidates.len(), "seed {seed}");
    }
}

#[test]
fn the_same_problem_gives_the_same_plan_and_order_of_candidates_no_other_cost() {
    let workspace = &mut Workspace::default();
    for seed in 0..600 {
        let problem = problem_of(seed, SMALL);
        let plan = solve(&problem, workspace);
        assert_eq!(plan, solve(&problem, &mut Workspace::default()), "seed {seed}");
        let mut turned = problem.clone();
        turned.candidates.reverse();
        turned.available = problem.available.rchunks_exact(problem.slots).flatten().copied().collect();
        let mirrored = solve(&turned, workspace);
        let figures = |problem: &Problem, plan: &Plan| {
            let (missing, cost, distance, _) = score_of(problem, plan);
            (missing, cost, distance)
        };
        assert_eq!(figures(&turned, &mirrored), figures(&problem, &plan), "seed {seed}");
    }
}

#[test]
fn numbers_no_order_has_are_survived_and_not_called_proven() {
    let mut problem = Problem::default();
    problem.clear(1, Tariff { per_shipment: MONEY_MAX, micro_per_kg_km: i64::MAX, split: MONEY_MAX });
    for distance_m in [u32::MAX, 5] {
        problem.add_line(1_000_000_000, u64::MAX, [Need { slot: 0, per_unit: 1 }]);
        problem.add_candidate(Candidate { node: 0, distance_m }, [u32::MAX]);
    }
    let plan = solve(&problem, &mut Workspace::default());
    assert!(!plan.optimal && plan.unfilled.is_empty() && plan.cost >= plan.lower_bound);
    assert_eq!(rejections(&problem, &plan).len(), 1);
}

#[test]
fn nothing_wanted_or_nothing_there_costs_nothing() {
    let workspace = &mut Workspace::default();
    let none = solve(&Problem::default(), workspace);
    assert_eq!((none.cost, none.optimal, none.lower_bound), (0, true, 0));
    let mut problem = problem_of(1, SMALL);
    problem.available.fill(0);
    let empty = solve(&problem, workspace);
    assert_eq!((empty.cost, empty.optimal, empty.unfilled.len()), (0, true, problem.lines.len()));
    let losers = rejections(&problem, &empty);
    assert!(losers.iter().all(|loser| loser.reason == Reason::NoStock) && losers.len() == problem.candidates.len());
}

#[test]
fn the_pass_that_knows_its_width_counts_as_the_one_for_any_order() {
    let (demand, plain) = (&mut Demand::default(), &mut Demand::default());
    for seed in 0..2_000 {
        let shape = Shape { lines: (1, 9), quantity: (1, 4), nodes: (1, 9), kits: 0, stock: seed % 7, ..SMALL };
        let problem = problem_of(seed, shape);
        demand.load(&problem);
        plain.load(&problem);
        plain.count_again(&problem);
        assert_eq!(demand.caps, plain.caps, "seed {seed}");
        assert_eq!(demand.nodes, plain.nodes, "seed {seed}");
        let quantities = |demand: &Demand| demand.groups.iter().map(|group| group.quantity).collect::<Vec<_>>();
        assert_eq!(quantities(demand), quantities(plain), "seed {seed}");
        for (at, node) in demand.nodes.iter().enumerate() {
            let bits = |has: fn(u32, u64) -> bool| {
                let caps = demand.caps_of(at).iter().zip(&demand.groups);
                caps.enumerate().map(|(bit, (&cap, group))| u16::from(has(cap, group.wanted)) << bit).sum::<u16>()
            };
            assert_eq!(node.has, bits(|cap, _| cap > 0), "seed {seed}");
            assert_eq!(node.fills, bits(|cap, wanted| u64::from(cap) == wanted), "seed {seed}");
        }
    }
}

#[test]
fn a_steady_stream_of_orders_gives_what_each_gives_alone() {
    let (workspace, plan, inquiry) = (&mut Workspace::default(), &mut Plan::default(), &mut Inquiry::default());
    let mut losers = Vec::new();
    for seed in 0..1_000 {
        let shape = [SMALL, ENOUGH, Shape { nodes: (1, 30), lines: (1, 9), quantity: (1, 2), ..SMALL }];
        let problem = problem_of(seed, shape[seed as usize % 3]);
        solve_into(&problem, workspace, plan);
        assert_eq!(*plan, solve(&problem, &mut Workspace::default()), "seed {seed}");
        let asked = 0..problem.candidates.len() as u32;
        rejections_of(&problem, plan, asked, STEPS_MAX, inquiry, &mut losers);
        assert_eq!(losers, rejections(&problem, plan), "seed {seed}");
    }
}

#[test]
fn with_the_change_a_candidate_ships_and_with_one_less_it_does_not() {
    let (mut supposing, mut asked, mut stock, mut helpless) = (Supposing::default(), 0, 0, 0);
    let mut seed = 0;
    while asked < losers_asked() {
        seed += 1;
        let problem = problem_of(seed, if seed % 3 == 0 { Shape { quantity: (1, 2), ..SMALL } } else { SMALL });
        let plan = solve(&problem, &mut Workspace::default());
        for loser in rejections(&problem, &plan) {
            asked += 1;
            let at = loser.candidate;
            let change = supposing.change(&problem, &plan, &loser, &mut (1 << 28));
            let forced = oracle(&problem, Some(at as usize)).filter(|forced| forced.0 == score_of(&problem, &plan).0);
            let least = forced.map(|forced| forced.1 - plan.cost + 1);
            assert_eq!(change.cost_less, least, "seed {seed}: {loser:?}");
            let ships = |more: &[(u16, u32)]| {
                let mut problem = problem.clone();
                change::give(&mut problem.available, problem.slots, at, more);
                let plan = solve(&problem, &mut Workspace::default());
                plan.assignments.iter().any(|assignment| assignment.candidate == at)
            };
            if change.pieces_more.is_empty() {
                helpless += 1;
                let most: Vec<_> = (0..problem.slots as u16).map(|slot| (slot, 50)).collect();
                assert!(!ships(&most), "seed {seed}: {loser:?} would ship with all there could be");
                continue;
            }
            stock += 1;
            assert!(ships(&change.pieces_more), "seed {seed}: {loser:?} {change:?}");
            for piece in 0..change.pieces_more.len() {
                let mut fewer = change.pieces_more.clone();
                fewer[piece].1 -= 1;
                assert!(!ships(&fewer), "seed {seed}: {loser:?} {change:?} without {piece}");
            }
        }
    }
    println!("{asked} losers: {stock} by stock, {helpless} not by stock");
    assert!(stock > asked / 10 && helpless > 0);
}

/// Losers that are asked about, more when the environment of the build asks for it.
fn losers_asked() -> u64 {
    option_env!("ORDAIN_KERNEL_ORDERS").and_then(|text| text.parse().ok()).unwrap_or(5_000)
}
