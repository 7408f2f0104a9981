//! Batches against plain enumeration, and batches of real size against bounds that a solver of integer programs proved.

mod f2;
#[allow(dead_code, reason = "shared with the bench of sourcing, which asks for more")]
mod family;
mod literature;
#[allow(dead_code, reason = "shared with the bench of sourcing, which asks for more")]
mod stream;

use super::super::costed::{Candidate, Line, Offer, Rates, Shortage};
use super::super::problem::Need;
use super::*;
use crate::domain::sourcing;

impl Dice {
    /// From `low` to `high`, both included.
    fn pick(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }
}

/// Grams up to which brackets go, and what a parcel costs more in each than in the first.
const UP_TO_G: [u64; 4] = [500, 1_000, 2_000, 8_000];
const ABOVE_FEE: [i64; 4] = [0, 80, 200, 500];

/// A batch, and the fee of every candidate of every order for the lightest bracket.
struct Rolled {
    batch: Batch,
    fees: Vec<Vec<i64>>,
}

/// A few small orders that share few units. Every node is a candidate of every order; lines are one slot each.
fn roll(seed: u64) -> Rolled {
    roll_of(seed, 0)
}

/// The same where the units of a line are worth so much more to be rid of than they cost.
fn roll_of(seed: u64, worth: i64) -> Rolled {
    let mut dice = Dice(seed);
    let (nodes, skus) = (dice.pick(2, 3), dice.pick(1, 3));
    let first = dice.below(2) == 0;
    let units = |dice: &mut Dice| if dice.below(4) == 0 { 0 } else { dice.pick(1, 3) as u32 };
    let stock: Vec<u32> = (0..nodes * skus).map(|_| units(&mut dice)).collect();
    let counted = dice.below(3) == 0;
    let sends = (0..nodes).map(|_| counted.then(|| dice.pick(1, 2) as u32)).collect();
    let rolled = (0..dice.pick(2, 3)).map(|_| member(&mut dice, (nodes, skus), &stock, first, worth));
    let (members, fees) = rolled.map(|(member, fees)| (Arc::new(member), fees)).unzip();
    Rolled { batch: Batch { members, stock, sends }, fees }
}

fn member(
    dice: &mut Dice,
    (nodes, skus): (usize, usize),
    stock: &[u32],
    first: bool,
    worth: i64,
) -> (Member, Vec<i64>) {
    let mut rates = Rates::new(UP_TO_G.to_vec());
    let lines = dice.pick(1, 2);
    let mut wanted: Vec<usize> = (0..lines).map(|_| dice.below(skus)).collect();
    wanted.dedup();
    let filling = if first { Filling::First } else { Filling::Priced };
    let mut problem = Problem { slots: wanted.len(), split: dice.pick(0, 200) as i64, filling, ..Problem::default() };
    for slot in 0..wanted.len() {
        let shortage = Shortage { per_line: dice.pick(0, 600) as i64, per_unit: dice.pick(0, 600) as i64 };
        let quantity = dice.pick(1, 2) as u32;
        let line = Line { quantity, unit_weight_g: dice.pick(1, 6) as u64 * 200, shortage, ..Line::default() };
        problem.add_line(line, [Need { slot: slot as u16, per_unit: 1 }]);
    }
    let fees: Vec<i64> = (0..nodes).map(|_| dice.pick(50, 900) as i64).collect();
    let tables: Vec<u32> = fees.iter().map(|fee| rates.add_table(&ABOVE_FEE.map(|above| fee + above))).collect();
    problem.rates = rates;
    let (mut cells, mut of) = (Vec::new(), Vec::new());
    for (node, table) in tables.into_iter().enumerate() {
        let own: Vec<u32> = wanted.iter().map(|sku| (node * skus + sku) as u32).collect();
        let has: Vec<u32> = own.iter().map(|cell| stock[*cell as usize]).collect();
        let candidate = Candidate { per_shipment: dice.pick(0, 100) as i64, parcels_max: 1, ..Candidate::default() };
        let costs: Vec<i64> = wanted.iter().map(|_| dice.pick(0, 90) as i64 - worth).collect();
        problem.add_candidate(candidate, has, costs, [Offer { table, ..Offer::default() }]);
        cells.extend(own);
        of.push(node as u32);
    }
    (Member { problem, cells, nodes: of, now: Vec::new() }, fees)
}

/// What a plan of units by candidate and line leaves and costs, by the figures themselves.
fn score(problem: &Problem, fees: &[i64], units: &[Vec<u32>]) -> (u64, i64) {
    let (mut cost, mut parcels) = (0, 0);
    for (candidate, own) in units.iter().enumerate().filter(|(_, own)| own.iter().any(|units| *units > 0)) {
        let grams: u64 = own.iter().zip(&problem.lines).map(|(n, line)| u64::from(*n) * line.unit_weight_g).sum();
        let bracket = UP_TO_G.iter().position(|up_to| *up_to >= grams).expect("a scale that holds all");
        cost += fees[candidate] + ABOVE_FEE[bracket] + problem.candidates[candidate].per_shipment;
        let costs = &problem.unit_costs[candidate * problem.lines.len()..];
        cost += own.iter().zip(costs).map(|(n, cost)| i64::from(*n) * cost).sum::<i64>();
        parcels += 1;
    }
    cost += problem.split * (parcels - 1i64).max(0);
    let mut missing = 0;
    for (number, line) in problem.lines.iter().enumerate() {
        let left = line.quantity - units.iter().map(|own| own[number]).sum::<u32>();
        match problem.filling {
            Filling::First => missing += u64::from(left),
            Filling::Priced if left > 0 => {
                cost += line.shortage.per_line + line.shortage.per_unit * i64::from(left);
            }
            Filling::Priced => {}
        }
    }
    (missing, cost)
}

/// Every way to plan an order, whatever others leave.
fn ways(member: &Member) -> Vec<Vec<Vec<u32>>> {
    let (problem, width) = (&member.problem, member.problem.lines.len());
    let mut all = vec![vec![vec![0; width]; problem.candidates.len()]];
    for candidate in 0..problem.candidates.len() {
        for line in 0..width {
            all = all
                .into_iter()
                .flat_map(|way| {
                    let used: u32 = way.iter().map(|own| own[line]).sum();
                    let most = problem.has(candidate)[line].min(problem.lines[line].quantity - used);
                    (0..=most).map(move |units| {
                        let mut way = way.clone();
                        way[candidate][line] = units;
                        way
                    })
                })
                .collect();
        }
    }
    all
}

/// The best plans of all orders together, by trying all of them.
fn enumerated(Rolled { batch, fees }: &Rolled) -> (u64, i64) {
    fn best(batch: &Batch, fees: &[Vec<i64>], at: usize, left: &mut [u32], sends: &mut [u32]) -> Option<(u64, i64)> {
        let Some(member) = batch.members.get(at) else { return Some((0, 0)) };
        let slots = member.problem.slots;
        let mut least: Option<(u64, i64)> = None;
        for way in ways(member) {
            let fits = way.iter().enumerate().all(|(candidate, own)| {
                let cells = &member.cells[candidate * slots..];
                own.iter().zip(cells).all(|(units, cell)| *units <= left[*cell as usize])
                    && (own.iter().all(|units| *units == 0) || sends[member.nodes[candidate] as usize] > 0)
            });
            if !fits {
                continue;
            }
            let book = |sign: i64, left: &mut [u32], sends: &mut [u32]| {
                for (candidate, own) in way.iter().enumerate() {
                    for (units, cell) in own.iter().zip(&member.cells[candidate * slots..]) {
                        let left = &mut left[*cell as usize];
                        *left = (i64::from(*left) + sign * i64::from(*units)) as u32;
                    }
                    if own.iter().any(|units| *units > 0) {
                        let sends = &mut sends[member.nodes[candidate] as usize];
                        *sends = (i64::from(*sends) + sign) as u32;
                    }
                }
            };
            book(-1, left, sends);
            if let Some(rest) = best(batch, fees, at + 1, left, sends) {
                let own = score(&member.problem, &fees[at], &way);
                let sum = (own.0 + rest.0, own.1 + rest.1);
                least = Some(least.map_or(sum, |least| least.min(sum)));
            }
            book(1, left, sends);
        }
        least
    }
    let mut sends: Vec<u32> = batch.sends.iter().map(|sends| sends.unwrap_or(u32::MAX / 2)).collect();
    best(batch, fees, 0, &mut batch.stock.clone(), &mut sends).expect("to ship nothing is a plan")
}

/// No cell and no node is used beyond what there is, and the cost is what the plans cost.
fn assert_laws(Rolled { batch, fees }: &Rolled, found: &Found, seed: u64) -> (u64, i64) {
    let mut left: Vec<i64> = batch.stock.iter().map(|units| i64::from(*units)).collect();
    let mut sends: Vec<i64> = batch.sends.iter().map(|sends| sends.map_or(i64::MAX / 2, i64::from)).collect();
    let mut sum = (0, 0);
    for ((member, fees), choice) in batch.members.iter().zip(fees).zip(&found.choices) {
        let problem = &member.problem;
        let mut units = vec![vec![0; problem.lines.len()]; problem.candidates.len()];
        for taken in &choice.taken {
            let (candidate, line) = (taken.candidate as usize, taken.line as usize);
            assert!(taken.units > 0, "seed {seed}");
            units[candidate][line] += taken.units;
            left[member.cells[candidate * problem.slots + line] as usize] -= i64::from(taken.units);
        }
        for sent in &choice.sent {
            sends[member.nodes[sent.candidate as usize] as usize] -= i64::from(sent.parcels);
        }
        let own = score(problem, fees, &units);
        assert_eq!(own, (choice.missing, choice.cost), "seed {seed}");
        sum = (sum.0 + own.0, sum.1 + own.1);
    }
    assert!(left.iter().chain(&sends).all(|left| *left >= 0), "seed {seed}: used beyond what there is");
    assert_eq!(sum.1, found.cost, "seed {seed}");
    assert!(found.lower_bound.is_none_or(|bound| bound <= found.cost), "seed {seed}");
    assert!(batch.floor() <= found.cost, "seed {seed}");
    sum
}

/// The bound where prices were asked.
fn bound_of(found: &Found) -> i64 {
    found.lower_bound.expect("it fills as much as the orders would alone")
}

fn solved(batch: &Batch, rounds: u32) -> Found {
    let mut optimiser = Optimiser::new(batch);
    optimiser.price(60);
    optimiser.plan_anew();
    optimiser.improve(rounds);
    optimiser.found()
}

#[test]
fn small_batches_meet_the_best_and_no_bound_is_above_it() {
    let (mut met, mut bounded, batches) = (0, 0, 300);
    for seed in 0..batches {
        let rolled = roll(seed);
        let found = solved(&rolled.batch, 300);
        let score = assert_laws(&rolled, &found, seed);
        let best = enumerated(&rolled);
        assert!(score >= best, "seed {seed}: {score:?} beats the best, {best:?}");
        let bound = found.lower_bound;
        assert!(bound.is_none_or(|bound| bound <= best.1) || score.0 > best.0, "seed {seed}: {bound:?} above {best:?}");
        met += u64::from(score == best);
        bounded += u64::from(bound == Some(best.1));
    }
    println!("{met} of {batches} are the best, {bounded} are proven");
    assert!(met * 100 >= batches * 98 && bounded * 2 >= batches, "{met}, {bounded}");
}

#[test]
fn batches_of_what_should_go_cost_less_than_nothing_and_are_bounded_all_the_same() {
    let (mut below, mut met, mut bounded, batches) = (0, 0, 0, 200);
    for seed in 0..batches {
        let rolled = roll_of(seed, 1_500);
        let found = solved(&rolled.batch, 300);
        let (score, best) = (assert_laws(&rolled, &found, seed), enumerated(&rolled));
        assert!(score >= best, "seed {seed}: {score:?} beats the best, {best:?}");
        let bound = found.lower_bound;
        assert!(bound.is_none_or(|bound| bound <= best.1) || score.0 > best.0, "seed {seed}: {bound:?} above {best:?}");
        assert!(rolled.batch.floor() <= best.1, "seed {seed}: a floor above {best:?}");
        below += u64::from(found.cost < 0);
        met += u64::from(score == best);
        bounded += u64::from(bound == Some(best.1));
    }
    println!("{below} of {batches} cost less than nothing, {met} are the best, {bounded} are proven");
    assert!(below * 2 > batches && met * 100 >= batches * 97 && bounded * 3 >= batches, "{below}, {met}, {bounded}");
}

#[test]
fn an_order_changes_only_where_that_makes_the_batch_cheaper() {
    for seed in 0..200 {
        let mut batch = roll(seed).batch;
        let found = solved(&batch, 300);
        for (member, choice) in batch.members.iter_mut().zip(&found.choices) {
            Arc::make_mut(member).now.clone_from(&choice.taken);
        }
        // What was found is not found to be otherwise.
        let again = solved(&batch, 300);
        assert_eq!(again.cost_before, found.cost, "seed {seed}");
        if again.cost == found.cost {
            assert_eq!(again.choices, again.before, "seed {seed}");
        }
    }
}

#[test]
fn two_orders_swap_their_nodes_though_nothing_is_free() {
    // East is cheap for the first order and dear for the second, and they hold it the wrong way round.
    let member = |dear: usize, now: u32| {
        let mut rates = Rates::new(vec![1_000]);
        let tables = [
            rates.add_table(&[if dear == 0 { 900 } else { 100 }]),
            rates.add_table(&[if dear == 1 { 900 } else { 100 }]),
        ];
        let mut problem = Problem { slots: 1, rates, ..Problem::default() };
        let line = Line { quantity: 1, unit_weight_g: 500, ..Line::default() };
        problem.add_line(line, [Need { slot: 0, per_unit: 1 }]);
        for table in tables {
            let candidate = Candidate { parcels_max: 1, ..Candidate::default() };
            problem.add_candidate(candidate, [1], [0], [Offer { table, ..Offer::default() }]);
        }
        let now = vec![Taken { candidate: now, line: 0, units: 1 }];
        Arc::new(Member { problem, cells: vec![0, 1], nodes: vec![0, 1], now })
    };
    let batch = Batch { members: vec![member(0, 0), member(1, 1)], stock: vec![1, 1], sends: vec![Some(1), Some(1)] };
    let found = solved(&batch, 50);
    assert_eq!((found.cost_before, found.cost, found.lower_bound), (1_800, 200, Some(200)));
    assert_eq!(found.choices[0].taken, [Taken { candidate: 1, line: 0, units: 1 }]);
    assert_eq!(found.choices[1].taken, [Taken { candidate: 0, line: 0, units: 1 }]);
}

#[test]
fn the_same_batch_and_rounds_give_the_same_plans() {
    for seed in 0..20 {
        let batch = roll(seed).batch;
        assert_eq!(solved(&batch, 100), solved(&batch, 100), "seed {seed}");
    }
}
