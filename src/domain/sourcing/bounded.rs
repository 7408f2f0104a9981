//! A plan with no more shipments than so many.
//!
//! **How.** Where the best plan has few enough, it is the answer. Else the split is made dearer until it has: the best plan
//! for a dearer split is the best among all that have no more shipments than it has itself (Everett 1963), so a plan with
//! just as many as are allowed is proven. Of a plan with fewer the bound is what that split leaves.
//!
//! Where no plan fills as much with so few, less is filled: by the one candidate that fills most where one is allowed, else by
//! the largest shipments of the plan with the fewest.
//!
//! What no split proves is put to the kernel in full, which counts shipments (`tariffed`), where the question is small enough
//! ([`FIGURES_MAX`]). Otherwise nothing is claimed to be best.
//!
//! Cost: one look where the bound does not bind; some forty where it does, or two beyond the exact size; one for every
//! candidate where a single shipment cannot fill all. The problem keeps the split at which its plan is the best, so that
//! reasons can be told from it; of a plan of the kernel in full they are told from that question. What is *not* here: how a plan
//! is found.

use super::problem::{MONEY_MAX, Plan, Problem, Unfilled};
use super::tariffed::{by_tariff, plan_of};
use super::{Workspace, costed, solve_into};

/// Most charges, by candidate and weight, of a question that is put to the kernel in full: what evidence has room for.
pub const FIGURES_MAX: usize = 1_600;

/// Solves a problem with at most so many shipments. Answers the question of which the plan is the answer, where that is not
/// the problem itself.
pub fn solve_within(
    problem: &mut Problem,
    most: usize,
    workspace: &mut Workspace,
    plan: &mut Plan,
) -> Option<costed::Problem> {
    if most == 0 {
        problem.candidates.clear();
        problem.available.clear();
    }
    let split = problem.tariff.split;
    solve_into(problem, workspace, plan);
    if plan.assignments.len() <= most {
        return None;
    }
    by_dearer_split(problem, most, workspace, plan);
    if plan.optimal {
        return None;
    }
    let dearer = std::mem::replace(&mut problem.tariff.split, split);
    let full = in_full(problem, most, plan);
    if full.is_none() {
        problem.tariff.split = dearer;
    }
    full
}

/// The kernel in full's answer where it is better or proven; answers its question then.
fn in_full(problem: &Problem, most: usize, plan: &mut Plan) -> Option<costed::Problem> {
    let (full, order) = by_tariff(problem, u32::try_from(most).ok())?;
    if full.rates.figures() > FIGURES_MAX || !full.fits() {
        return None;
    }
    let found = costed::solve(&full, &mut costed::Workspace::default());
    let missing = |left: &mut dyn Iterator<Item = u32>| left.map(u64::from).sum::<u64>();
    let known = (missing(&mut plan.unfilled.iter().map(|own| own.quantity)), plan.cost);
    let told = (missing(&mut found.unfilled.iter().map(|own| own.quantity)), found.cost);
    if told > known || told == known && !found.optimal {
        return None;
    }
    plan_of(problem, &order, &found, plan);
    Some(full)
}

/// Solves a problem whose best plan has too many shipments.
fn by_dearer_split(problem: &mut Problem, most: usize, workspace: &mut Workspace, plan: &mut Plan) {
    let (split, is_exact) = (problem.tariff.split, plan.optimal);
    let shipments_at = |dearer: i64, problem: &mut Problem, workspace: &mut Workspace, plan: &mut Plan| {
        problem.tariff.split = dearer;
        solve_into(problem, workspace, plan);
        plan.assignments.len()
    };
    let mut enough = MONEY_MAX;
    if shipments_at(enough, problem, workspace, plan) > most {
        problem.tariff.split = split;
        return fill_less(problem, most, workspace, plan);
    }
    let mut too_cheap = split;
    while is_exact && enough - too_cheap > 1 {
        let middle = too_cheap + (enough - too_cheap) / 2;
        if shipments_at(middle, problem, workspace, plan) <= most { enough = middle } else { too_cheap = middle }
    }
    let shipments = shipments_at(enough, problem, workspace, plan);
    let beyond = |shipments: usize| shipments.saturating_sub(1) as i64;
    let left = plan.lower_bound - (enough - split) * beyond(most);
    let proven = plan.optimal && shipments == most;
    charge(plan, split);
    plan.lower_bound = if proven { plan.cost } else { left.max(0).min(plan.cost) };
    plan.optimal = proven;
}

/// The cost of a plan with the split as it is asked for.
fn charge(plan: &mut Plan, split: i64) {
    plan.terms.split = split * plan.assignments.len().saturating_sub(1) as i64;
    plan.cost = plan.assignments.iter().map(|assignment| assignment.cost).sum::<i64>() + plan.terms.split;
}

/// A plan that fills less than could be filled with more shipments. `plan` has the fewest with which all of that is filled.
fn fill_less(problem: &Problem, most: usize, workspace: &mut Workspace, plan: &mut Plan) {
    if most == 1 {
        alone(problem, workspace, plan);
    } else {
        keep_largest(problem, most, plan);
    }
    charge(plan, problem.tariff.split);
    plan.terms.shipment = problem.tariff.per_shipment * plan.assignments.len() as i64;
    plan.terms.distance = plan.cost - plan.terms.split - plan.terms.shipment;
    plan.lower_bound = problem.tariff.per_shipment.min(plan.cost);
    plan.optimal = false;
}

/// The one candidate that fills most; of equal ones the cheapest, then the nearest, then the first.
fn alone(problem: &Problem, workspace: &mut Workspace, plan: &mut Plan) {
    let mut best: Option<((u64, i64, u32), usize)> = None;
    let mut only = problem.clone();
    for (at, candidate) in problem.candidates.iter().enumerate() {
        only.candidates.clear();
        only.available.clear();
        only.add_candidate(*candidate, problem.has(at).iter().copied());
        solve_into(&only, workspace, plan);
        let missing = plan.unfilled.iter().map(|unfilled| u64::from(unfilled.quantity)).sum();
        let found = (missing, plan.cost, candidate.distance_m);
        if best.is_none_or(|(known, _)| found < known) {
            best = Some((found, at));
        }
    }
    let Some((_, at)) = best else { return };
    only.candidates.clear();
    only.available.clear();
    only.add_candidate(problem.candidates[at], problem.has(at).iter().copied());
    solve_into(&only, workspace, plan);
    for assignment in &mut plan.assignments {
        assignment.candidate = at as u32;
    }
}

/// Keeps the shipments that carry most; of equal ones the first.
fn keep_largest(problem: &Problem, most: usize, plan: &mut Plan) {
    let units =
        |at: usize| -> u64 { plan.parts_of(&plan.assignments[at]).iter().map(|part| u64::from(part.quantity)).sum() };
    let mut kept: Vec<usize> = (0..plan.assignments.len()).collect();
    kept.sort_by_key(|at| std::cmp::Reverse(units(*at)));
    kept.truncate(most);
    kept.sort_unstable();
    let assignments: Vec<_> = kept.iter().map(|at| plan.assignments[*at].clone()).collect();
    plan.assignments = assignments;
    let mut left: Vec<u32> = problem.lines.iter().map(|line| line.quantity).collect();
    for assignment in &plan.assignments {
        for part in plan.parts_of(assignment) {
            left[part.line as usize] -= part.quantity;
        }
    }
    plan.unfilled.clear();
    let missing = (0..).zip(left).filter(|(_, quantity)| *quantity > 0);
    plan.unfilled.extend(missing.map(|(line, quantity)| Unfilled { line, quantity }));
}

#[cfg(test)]
mod tests {
    use super::super::problem::{Candidate, Need, Tariff};
    use super::*;

    struct Dice(u64);

    impl Dice {
        fn below(&mut self, most: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (z ^ z >> 27) % most
        }
    }

    fn drawn(dice: &mut Dice) -> Problem {
        let tariff = Tariff {
            per_shipment: dice.below(500) as i64,
            micro_per_kg_km: dice.below(400_000) as i64,
            split: dice.below(300) as i64,
        };
        let (slots, nodes) = (1 + dice.below(4) as usize, 2 + dice.below(4));
        let mut problem = Problem::default();
        problem.clear(slots, tariff);
        for slot in 0..slots as u16 {
            problem.add_line(1 + dice.below(2) as u32, 100 + dice.below(5_000), [Need { slot, per_unit: 1 }]);
        }
        for node in 0..nodes as u32 {
            let has: Vec<u32> = (0..slots).map(|_| dice.below(3) as u32).collect();
            problem.add_candidate(Candidate { node, distance_m: dice.below(3_000_000) as u32 }, has);
        }
        problem
    }

    /// Units missing and cost of the best plan over every set of at most so many candidates.
    fn best_of_sets(problem: &Problem, most: usize) -> (u64, i64) {
        let sets = 1u32 << problem.candidates.len();
        let mut workspace = Workspace::default();
        let mut plan = Plan::default();
        let look = |set: u32| {
            let mut part = problem.clone();
            part.candidates.clear();
            part.available.clear();
            for at in (0..problem.candidates.len()).filter(|at| set >> at & 1 == 1) {
                part.add_candidate(problem.candidates[at], problem.has(at).iter().copied());
            }
            solve_into(&part, &mut workspace, &mut plan);
            (plan.unfilled.iter().map(|u| u64::from(u.quantity)).sum(), plan.cost)
        };
        (0..sets).filter(|set| set.count_ones() as usize <= most).map(look).min().expect("the empty set is one")
    }

    #[test]
    fn every_small_order_with_so_few_shipments_gets_the_best_plan_there_is() {
        let seed = 11;
        let dice = &mut Dice(seed);
        let (mut bound, mut proven, mut less) = (0, 0, 0);
        for case in 0..1_500 {
            let problem = drawn(dice);
            let most = 1 + dice.below(3) as usize;
            let (mut asked, mut plan) = (problem.clone(), Plan::default());
            let mut workspace = Workspace::default();
            solve_into(&problem, &mut workspace, &mut plan);
            let (free, all) =
                (plan.assignments.len(), plan.unfilled.iter().map(|u| u64::from(u.quantity)).sum::<u64>());
            solve_within(&mut asked, most, &mut workspace, &mut plan);
            let place = format!("seed {seed}, case {case}: {problem:?}, at most {most}: {plan:?}");
            assert!(plan.assignments.len() <= most, "{place}");
            let missing = plan.unfilled.iter().map(|u| u64::from(u.quantity)).sum::<u64>();
            let best = best_of_sets(&problem, most);
            let split = problem.tariff.split * plan.assignments.len().saturating_sub(1) as i64;
            assert_eq!(plan.cost, plan.assignments.iter().map(|a| a.cost).sum::<i64>() + split, "{place}");
            assert_eq!(plan.cost, plan.terms.shipment + plan.terms.distance + plan.terms.split, "{place}");
            assert!((missing, plan.cost) >= best, "{place}: better than the best {best:?}");
            assert!(plan.optimal && (missing, plan.cost) == best, "{place}: {best:?}");
            if missing == best.0 {
                assert!(plan.lower_bound <= best.1, "{place}: the bound is above {best:?}");
            }
            if most == 1 {
                assert_eq!((missing, plan.cost), best, "{place}: one shipment is looked for among all");
            }
            bound += usize::from(free > most);
            proven += usize::from(free > most && plan.optimal);
            less += usize::from(missing > all);
        }
        assert!(bound > 200 && proven > 50 && less > 50, "seed {seed}: {bound} {proven} {less}");
    }
}
