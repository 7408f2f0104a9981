//! The kernel in full against oracles that share no code with it, on seeded random orders.
//!
//! Every failure prints its seed; `roll(seed)` makes the same order again. Orders of real size with optima that a solver
//! of integer programs proved are in `f3`.

mod changes;
mod f3;
mod laws;

use super::super::change::Change;
use super::super::problem::Need;
use super::*;
use laws::assert_laws;

/// SplitMix64: the same numbers everywhere.
pub(super) struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, both included.
    pub fn pick(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    pub fn one_in(&mut self, chance: u64) -> bool {
        self.next().is_multiple_of(chance)
    }
}

/// An order with the tables as they were before the kernel read them.
struct Case {
    problem: Problem,
    up_to_g: Vec<u64>,
    tables: Vec<Vec<i64>>,
}

/// A small order with every feature now and then.
fn roll(seed: u64) -> Case {
    let mut dice = Dice(seed);
    let brackets = dice.pick(2, 5) as usize;
    let up_to_g: Vec<u64> = (1..=brackets as u64).map(|bracket| bracket * dice.pick(400, 500).max(400)).collect();
    let up_to_g: Vec<u64> = up_to_g.iter().enumerate().map(|(at, grams)| grams + at as u64 * 100).collect();
    let mut up_to_g = up_to_g;
    up_to_g.sort_unstable();
    up_to_g.dedup();
    let tables: Vec<Vec<i64>> = (0..dice.pick(1, 4))
        .map(|_| {
            let carried = dice.pick(1, up_to_g.len() as u64);
            let start = dice.pick(0, 900) as i64;
            let rolled = |dice: &mut Dice, at: u64| start + (at * dice.pick(0, 300)) as i64;
            (0..carried).map(|at| rolled(&mut dice, at)).collect()
        })
        .collect();
    let mut rates = Rates::new(up_to_g.clone());
    for table in &tables {
        rates.add_table(table);
    }
    let count = dice.pick(1, 3) as usize;
    let slots = dice.pick(1, count as u64) as usize;
    let filling = if dice.one_in(3) { Filling::First } else { Filling::Priced };
    let split = if dice.one_in(4) { 0 } else { dice.pick(0, 400) as i64 };
    let mut problem = Problem { slots, rates, filling, split, ..Problem::default() };
    problem.complete = dice.one_in(6);
    problem.shipments_max = dice.one_in(4).then(|| dice.pick(1, 3) as u32);
    for number in 0..count {
        let line = Line {
            quantity: dice.pick(u64::from(dice.0.is_multiple_of(20)), 3).max(u64::from(number == 0)) as u32,
            unit_weight_g: if dice.one_in(8) { 0 } else { dice.pick(1, 10) * 100 },
            shortage: Shortage { per_line: dice.pick(0, 1_500) as i64, per_unit: dice.pick(0, 900) as i64 },
            complete: dice.one_in(6),
            together: dice.one_in(4).then_some(1),
            ..Line::default()
        };
        let single = Need { slot: (number % slots) as u16, per_unit: 1 };
        let kit =
            |dice: &mut Dice| Need { slot: dice.pick(0, slots as u64 - 1) as u16, per_unit: dice.pick(1, 2) as u32 };
        let needs = if dice.one_in(6) { vec![kit(&mut dice), kit(&mut dice)] } else { vec![single] };
        problem.add_line(line, merged(needs));
    }
    for node in 0..dice.pick(1, 4) {
        let candidate = Candidate {
            node: node as u32,
            per_shipment: dice.pick(0, 300) as i64,
            per_unit: dice.pick(0, 80) as i64,
            units_max: dice.one_in(5).then(|| dice.pick(0, 5) as u32),
            parcels_max: if dice.one_in(3) { dice.pick(0, 3) as u32 } else { 1 },
            ..Candidate::default()
        };
        let available: Vec<u32> = (0..slots).map(|_| if dice.one_in(4) { 0 } else { dice.pick(1, 6) as u32 }).collect();
        let costs: Vec<i64> = (0..count).map(|_| dice.pick(0, 500) as i64 - 200).collect();
        let offers: Vec<Offer> = (0..dice.pick(u64::from(!dice.0.is_multiple_of(15)), 2))
            .map(|service| Offer {
                service: service as u32,
                table: dice.pick(0, tables.len() as u64 - 1) as u32,
                plus: if dice.one_in(2) { 0 } else { dice.pick(0, 400) as i64 },
            })
            .collect();
        problem.add_candidate(candidate, available, costs, offers);
    }
    Case { problem, up_to_g, tables }
}

/// Needs with each slot once.
fn merged(mut needs: Vec<Need>) -> Vec<Need> {
    needs.sort_by_key(|need| need.slot);
    needs.dedup_by(|next, kept| {
        let same = next.slot == kept.slot;
        kept.per_unit += if same { next.per_unit } else { 0 };
        same
    });
    needs
}

/// What the oracle compares: missing units where filling comes first, then cost.
type Score = (u32, i64);

impl Case {
    /// Node by node, every load it can send, in every number of parcels: no columns, no keys, no bounds.
    /// With `forced`, plans in which that candidate ships nothing do not count.
    fn oracle(&self, forced: Option<usize>) -> Option<Score> {
        let problem = &self.problem;
        let loads = self.loads();
        let units: u32 = problem.lines.iter().map(|line| line.quantity).sum();
        let parcels_max = problem.shipments_max.unwrap_or(units).min(units) as usize;
        let mut best = vec![vec![None::<i64>; parcels_max + 1]; loads.len()];
        best[0][0] = Some(0);
        for candidate in 0..problem.candidates.len() {
            let sent = self.sent_by(candidate, &loads, parcels_max);
            let mut next =
                if forced == Some(candidate) { vec![vec![None; parcels_max + 1]; loads.len()] } else { best.clone() };
            for (before, row) in best.iter().enumerate() {
                for (parcels, cost) in row.iter().enumerate().filter_map(|(at, cost)| Some((at, (*cost)?))) {
                    for (load, ways) in sent.iter().enumerate().skip(1) {
                        let Some(sum) = self.add(&loads, before, load) else { continue };
                        for (more, way) in ways.iter().enumerate().filter_map(|(at, way)| Some((at, (*way)?))) {
                            if let Some(known) = next[sum].get_mut(parcels + more) {
                                *known = Some(known.map_or(cost + way, |known| known.min(cost + way)));
                            }
                        }
                    }
                }
            }
            best = next;
        }
        let ends = best.iter().enumerate().flat_map(|(load, row)| {
            let row = row.iter().enumerate().filter_map(move |(parcels, cost)| Some((parcels, (*cost)?)));
            row.map(move |(parcels, cost)| (load, parcels, cost))
        });
        ends.filter_map(|(load, parcels, cost)| self.end(&loads[load], parcels, cost)).min()
    }

    /// Every way to take some of every line; the first takes nothing.
    fn loads(&self) -> Vec<Vec<u32>> {
        let mut loads = vec![vec![]];
        for line in &self.problem.lines {
            loads = (0..=line.quantity)
                .flat_map(|units| {
                    loads.iter().map(move |load| [load.as_slice(), &[units]].concat()).collect::<Vec<_>>()
                })
                .collect();
        }
        loads
    }

    fn index(&self, load: &[u32]) -> usize {
        load.iter()
            .zip(&self.problem.lines)
            .rfold(0, |at, (units, line)| at * (line.quantity as usize + 1) + *units as usize)
    }

    fn add(&self, loads: &[Vec<u32>], a: usize, b: usize) -> Option<usize> {
        let sum: Vec<u32> = loads[a].iter().zip(&loads[b]).map(|(a, b)| a + b).collect();
        let fits = sum.iter().zip(&self.problem.lines).all(|(units, line)| *units <= line.quantity);
        fits.then(|| self.index(&sum))
    }

    /// By load and number of parcels: the least a candidate asks, the split of each included.
    fn sent_by(&self, candidate: usize, loads: &[Vec<u32>], most: usize) -> Vec<Vec<Option<i64>>> {
        let parcels_max = (self.problem.candidates[candidate].parcels_max as usize).min(most);
        let single: Vec<Option<i64>> = loads.iter().map(|load| self.parcel(candidate, load)).collect();
        let mut ways = vec![vec![None; parcels_max + 1]; loads.len()];
        ways[0][0] = Some(0);
        for parcels in 1..=parcels_max {
            for before in 0..loads.len() {
                let Some(cost) = ways[before][parcels - 1] else { continue };
                for (load, price) in single.iter().enumerate().skip(1) {
                    if let (Some(sum), Some(price)) = (self.add(loads, before, load), price) {
                        let known: Option<i64> = ways[sum][parcels];
                        ways[sum][parcels] = Some(known.map_or(cost + price, |known| known.min(cost + price)));
                    }
                }
            }
        }
        for (load, ways) in loads.iter().zip(&mut ways) {
            if !self.can(candidate, load) {
                ways.fill(None);
            }
        }
        ways
    }

    /// Price of one parcel, if a service carries it.
    fn parcel(&self, candidate: usize, load: &[u32]) -> Option<i64> {
        let problem = &self.problem;
        let grams: u64 =
            load.iter().zip(&problem.lines).map(|(units, line)| u64::from(*units) * line.unit_weight_g).sum();
        let at = &problem.candidates[candidate];
        let asks = problem.offers[at.offers.clone()].iter().flat_map(|offer| {
            let table = self.tables[offer.table as usize].iter().zip(&self.up_to_g);
            table.filter(|(_, up_to_g)| **up_to_g >= grams).map(|(cost, _)| cost + offer.plus)
        });
        let unit = |line: usize| at.per_unit + problem.unit_costs[candidate * problem.lines.len() + line];
        let units: i64 = load.iter().enumerate().map(|(line, units)| unit(line) * i64::from(*units)).sum();
        Some(asks.min()? + at.per_shipment + problem.split + units)
    }

    /// Whether a candidate has it all, can pick it all, and sends together what belongs together.
    fn can(&self, candidate: usize, load: &[u32]) -> bool {
        let problem = &self.problem;
        let mut pieces = vec![0_u64; problem.slots];
        for (line, units) in load.iter().enumerate() {
            for need in problem.needs_of(line) {
                pieces[usize::from(need.slot)] += u64::from(need.per_unit) * u64::from(*units);
            }
        }
        let has = pieces.iter().zip(problem.has(candidate)).all(|(pieces, has)| *pieces <= u64::from(*has));
        let picks = problem.candidates[candidate].units_max.is_none_or(|most| load.iter().sum::<u32>() <= most);
        let bundle =
            || load.iter().zip(&problem.lines).filter(|(_, line)| line.together.is_some() && line.quantity > 0);
        let together = bundle().all(|(units, _)| *units == 0) || bundle().all(|(units, line)| *units == line.quantity);
        has && picks && together
    }

    fn end(&self, load: &[u32], parcels: usize, cost: i64) -> Option<Score> {
        let problem = &self.problem;
        let (mut missing, mut shortage) = (0, 0);
        for (units, line) in load.iter().zip(&problem.lines) {
            let left = line.quantity - units;
            if line.complete && left > 0 && *units > 0 || problem.complete && left > 0 && parcels > 0 {
                return None;
            }
            missing += left;
            shortage += if left > 0 { line.shortage.per_line + line.shortage.per_unit * i64::from(left) } else { 0 };
        }
        let split = if parcels > 0 { problem.split } else { 0 };
        match problem.filling {
            Filling::First => Some((missing, cost - split)),
            Filling::Priced => Some((0, cost - split + shortage)),
        }
    }
}

fn score(problem: &Problem, plan: &Plan) -> Score {
    let missing = plan.unfilled.iter().map(|left| left.quantity).sum();
    (if problem.filling == Filling::First { missing } else { 0 }, plan.cost)
}

/// Orders of each test, more when the environment of the build asks for it.
fn length(usual: u64) -> u64 {
    option_env!("ORDAIN_KERNEL_ORDERS").and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn no_plan_is_better_than_the_best_and_the_best_keeps_the_laws() {
    let workspace = &mut Workspace::default();
    for seed in 0..length(1_500) {
        let case = roll(seed);
        let plan = solve(&case.problem, workspace);
        assert_laws(&case.problem, &plan, seed);
        assert!(plan.optimal, "seed {seed}: {plan:?}");
        assert_eq!(Some(score(&case.problem, &plan)), case.oracle(None), "seed {seed}: {plan:?}\n{:?}", case.problem);
    }
}

#[test]
fn every_loser_is_told_what_using_it_costs() {
    let workspace = &mut Workspace::default();
    let mut exact = 0;
    for seed in 0..length(300) {
        let case = roll(seed);
        let plan = solve(&case.problem, workspace);
        for loser in rejections(&case.problem, &plan) {
            let forced = case.oracle(Some(loser.candidate as usize));
            let best = score(&case.problem, &plan);
            let more = forced.map(|forced| (forced.0 - best.0, forced.1 - best.1));
            exact += u32::from(loser.exact);
            match loser.reason {
                Reason::NoStock | Reason::NotTogether | Reason::NoService | Reason::OutOfReach => {
                    assert_eq!(more, None, "seed {seed}: {loser:?}");
                }
                Reason::Tied => assert_eq!(more, Some((0, 0)), "seed {seed}: {loser:?}"),
                Reason::Costlier { by } => assert_eq!(more, Some((0, by)), "seed {seed}: {loser:?}"),
                Reason::FillsLess { units } => {
                    assert_eq!(more.map(|more| more.0), Some(units), "seed {seed}: {loser:?}");
                }
                Reason::NotAsked => panic!("seed {seed}: small orders are exact"),
            }
        }
    }
    assert!(exact > 0);
}

#[test]
fn one_parcel_fewer_is_the_best_plan_with_fewer() {
    for seed in 0..length(300) {
        let mut case = roll(seed);
        let plan = solve(&case.problem, &mut Workspace::default());
        let Some(fewer) = one_parcel_fewer(&case.problem, &plan) else { continue };
        case.problem.shipments_max = Some(plan.shipments.len() as u32 - 1);
        assert_eq!(Some(score(&case.problem, &fewer)), case.oracle(None), "seed {seed}");
    }
}

#[test]
fn a_bound_is_never_above_the_best_and_the_search_keeps_the_laws() {
    let workspace = &mut Workspace::default();
    let (mut cost, mut best_cost, mut tight) = (0, 0, 0);
    for seed in 0..length(600) {
        let case = roll(seed);
        let problem = &case.problem;
        let (best_missing, best) = case.oracle(None).expect("shipping nothing is a plan");
        workspace.frame.load(problem, problem.filling);
        let mut plan = Plan::default();
        let lower_bound = workspace.search.solve(problem, &workspace.frame, i64::MIN, &mut workspace.takes);
        assemble(problem, &workspace.frame, &mut workspace.takes, &mut plan);
        plan.lower_bound = lower_bound.min(plan.cost);
        assert_laws(problem, &plan, seed);
        let (missing, found) = score(problem, &plan);
        assert!((missing, found) >= (best_missing, best), "seed {seed}: nothing beats the best");
        if missing == best_missing {
            assert!(plan.lower_bound <= best, "seed {seed}: bound {} above {best}", plan.lower_bound);
            (cost, best_cost) = (cost + found, best_cost + best);
            tight += u64::from(found == best);
        }
    }
    println!("search {cost}, best {best_cost}, {tight} met the best");
}

#[test]
fn a_steady_stream_gives_the_same_plans_as_fresh_memory() {
    let workspace = &mut Workspace::default();
    for seed in 0..length(300) {
        let problem = roll(seed).problem;
        assert_eq!(solve(&problem, workspace), solve(&problem, &mut Workspace::default()), "seed {seed}");
    }
}

#[test]
fn ending_early_finds_what_the_whole_table_finds() {
    let workspace = &mut Workspace::default();
    let mut parcels = [0; 8];
    for seed in 0..length(400) {
        let mut dice = Dice(seed);
        let mut rates = Rates::new(vec![1_000, 2_000, 5_000]);
        let fee = dice.pick(20, 900) as i64;
        rates.add_table(&[fee, fee + dice.pick(0, 200) as i64, fee + dice.pick(200, 600) as i64]);
        let lines = dice.pick(6, 7) as usize;
        let mut problem = Problem { slots: lines, rates, filling: Filling::Priced, ..Problem::default() };
        for slot in 0..lines {
            let shortage = Shortage { per_line: dice.pick(0, 2_000) as i64, per_unit: 300 };
            let line = Line { quantity: 1, unit_weight_g: dice.pick(1, 6) * 100, shortage, ..Line::default() };
            problem.add_line(line, [Need { slot: slot as u16, per_unit: 1 }]);
        }
        for node in 0..10 {
            let candidate = Candidate { node, per_shipment: 10, parcels_max: 7, ..Candidate::default() };
            let has: Vec<u32> = (0..lines).map(|_| u32::from(dice.one_in(2))).collect();
            let costs: Vec<i64> = (0..lines).map(|_| dice.pick(0, 500) as i64).collect();
            problem.add_candidate(candidate, has, costs, [Offer::default()]);
        }
        let Workspace { frame, exact, .. } = &mut *workspace;
        frame.load(&problem, problem.filling);
        assert!(frame.lay_states(&problem), "seed {seed}");
        let Outcome::Best(key) = exact.solve(&problem, frame, None, STEPS_MAX) else {
            panic!("seed {seed}: few states")
        };
        parcels[exact.parcels.len()] += 1;
        assert!(exact.tabulate_all(&problem, frame, STEPS_MAX), "seed {seed}: few states");
        assert_eq!(frame.cost(key), frame.cost(exact.value(frame)), "seed {seed}");
    }
    assert!(parcels[1..5].iter().all(|orders| *orders > 0), "orders of one to four parcels: {parcels:?}");
}

/// One line of `quantity` units of 400 g, brackets of a pound, and what each node has.
fn plain(quantity: u32, shortage: Shortage, has: &[u32]) -> Problem {
    let mut rates = Rates::new(vec![500, 1_000, 1_500]);
    rates.add_table(&[500, 600, 700]);
    let mut problem = Problem { slots: 1, rates, split: 150, filling: Filling::Priced, ..Problem::default() };
    problem
        .add_line(Line { quantity, unit_weight_g: 400, shortage, ..Line::default() }, [Need { slot: 0, per_unit: 1 }]);
    for (node, has) in has.iter().enumerate() {
        let candidate = Candidate { node: node as u32, per_shipment: 100, parcels_max: 1, ..Candidate::default() };
        problem.add_candidate(candidate, [*has], [node as i64 * 10], [Offer::default()]);
    }
    problem
}

#[test]
fn units_that_cost_more_to_fill_than_to_leave_are_marked_uneconomic() {
    // The second unit needs a second parcel for 760; leaving it costs 700. The third is nowhere.
    let problem = plain(3, Shortage { per_line: 0, per_unit: 700 }, &[1, 1]);
    let plan = solve(&problem, &mut Workspace::default());
    assert_eq!((plan.shipments.len(), plan.cost, plan.optimal), (1, 600 + 1_400, true));
    let causes: Vec<_> = plan.unfilled.iter().map(|left| (left.quantity, left.cause)).collect();
    assert_eq!(causes, [(1, Cause::NoStock), (1, Cause::Uneconomic)]);
}

#[test]
fn an_order_too_heavy_for_a_parcel_goes_in_several_from_one_node() {
    let mut problem = plain(6, Shortage { per_line: 9_000, per_unit: 900 }, &[6]);
    problem.candidates[0].parcels_max = 2;
    let plan = solve(&problem, &mut Workspace::default());
    assert_eq!((plan.shipments.len(), plan.unfilled.len(), plan.cost), (2, 0, 2 * 800 + 150));
    problem.candidates[0].parcels_max = 1;
    let plan = solve(&problem, &mut Workspace::default());
    assert_eq!(plan.unfilled, [Unfilled { line: 0, quantity: 3, cause: Cause::OutOfReach }]);
}

#[test]
fn an_order_of_more_parcels_than_a_plan_holds_is_left_and_asks_for_no_memory() {
    let of = |quantity: u32| {
        let mut problem = plain(quantity, Shortage { per_line: 9_000, per_unit: 900 }, &[quantity, quantity]);
        problem.candidates.iter_mut().for_each(|candidate| candidate.parcels_max = quantity);
        solve(&problem, &mut Workspace::default())
    };
    assert_eq!(of(9_000).shipments.len(), 3_000);
    let plan = of(1_000_000);
    assert_eq!((plan.shipments.len(), plan.unfilled[0].quantity), (0, 1_000_000));
}

#[test]
fn who_has_units_that_must_not_leave_alone_is_out_of_reach() {
    let reasons = |problem: &Problem| -> Vec<Reason> {
        let plan = solve(problem, &mut Workspace::default());
        assert!(plan.shipments.is_empty(), "{plan:?}");
        rejections(problem, &plan).iter().map(|loser| loser.reason).collect()
    };
    let wanted = || plain(3, Shortage { per_line: 9_000, per_unit: 900 }, &[1, 1, 0]);
    let mut whole_line = wanted();
    whole_line.lines[0].complete = true;
    let mut one_node = wanted();
    one_node.lines[0].together = Some(0);
    for (problem, why) in [(whole_line, Reason::OutOfReach), (one_node, Reason::NotTogether)] {
        assert_eq!(reasons(&problem), [why, why, Reason::NoStock], "{problem:?}");
        let mut heavy = problem;
        heavy.lines[0].unit_weight_g = 2_000;
        assert_eq!(reasons(&heavy), [Reason::NoService, Reason::NoService, Reason::NoStock], "{heavy:?}");
    }
}

#[test]
fn the_smallest_change_that_would_have_won_is_named() {
    let problem = plain(2, Shortage { per_line: 9_000, per_unit: 900 }, &[2, 1]);
    let plan = solve(&problem, &mut Workspace::default());
    let losers = rejections(&problem, &plan);
    // One parcel with both costs 600 + 100; with the other node: two of 500 + 100, a split and 10 for its unit.
    assert_eq!(losers.len(), 1);
    assert_eq!(losers[0].reason, Reason::Costlier { by: 660 });
    let change = |problem: &Problem, plan: &Plan| {
        Supposing::default().change(problem, plan, &rejections(problem, plan)[0], &mut (1 << 20))
    };
    // Even with both units it would cost 20 more.
    assert_eq!(change(&problem, &plan), Change { cost_less: Some(661), pieces_more: vec![] });
    let mut cheaper = problem;
    cheaper.unit_costs[1] = -30;
    let plan = solve(&cheaper, &mut Workspace::default());
    assert_eq!(change(&cheaper, &plan).pieces_more, [(0, 1)]);
}
