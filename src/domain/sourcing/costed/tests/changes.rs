//! What is said to let a candidate win does, and a little less does not.

use super::super::super::change::give;
use super::super::*;
use super::{Case, length, roll};

/// The case with pieces more for a candidate.
fn with(case: &Case, candidate: u32, more: &[(u16, u32)]) -> Problem {
    let mut problem = case.problem.clone();
    give(&mut problem.available, problem.slots, candidate, more);
    problem
}

fn ships(problem: &Problem, candidate: u32) -> bool {
    let plan = solve(problem, &mut Workspace::default());
    plan.shipments.iter().any(|shipment| shipment.candidate == candidate)
}

#[test]
fn with_the_change_a_candidate_ships_and_with_one_less_it_does_not() {
    let (mut supposing, mut asked, mut stock, mut money, mut helpless) = (Supposing::default(), 0, 0, 0, 0);
    let mut seed = 0;
    while asked < length(5_000) {
        seed += 1;
        let case = roll(seed);
        let plan = solve(&case.problem, &mut Workspace::default());
        for loser in rejections(&case.problem, &plan) {
            asked += 1;
            let at = loser.candidate;
            let change = supposing.change(&case.problem, &plan, &loser, &mut (1 << 24));
            if let Some(less) = change.cost_less {
                money += 1;
                assert_wins_at(&case, &plan, at, less, seed);
            }
            let most: Vec<_> = (0..case.problem.slots as u16).map(|slot| (slot, 50)).collect();
            if change.pieces_more.is_empty() {
                helpless += 1;
                assert!(
                    !ships(&with(&case, at, &most), at),
                    "seed {seed}: {loser:?} would ship with all there could be"
                );
                continue;
            }
            stock += 1;
            assert!(ships(&with(&case, at, &change.pieces_more), at), "seed {seed}: {loser:?} {change:?}");
            for piece in 0..change.pieces_more.len() {
                let mut fewer = change.pieces_more.clone();
                fewer[piece].1 -= 1;
                assert!(!ships(&with(&case, at, &fewer), at), "seed {seed}: {loser:?} {change:?} without {piece}");
            }
        }
    }
    println!("{asked} losers: {stock} by stock, {money} by money, {helpless} not by stock");
    assert!(stock > asked / 10 && money > asked / 4 && helpless > 0);
}

/// With so much off, every best plan has the candidate; with one less off, the plan that was made is as good as any.
fn assert_wins_at(case: &Case, plan: &Plan, candidate: u32, less: i64, seed: u64) {
    let forced = case.oracle(Some(candidate as usize)).expect("it can ship");
    let best = super::score(&case.problem, plan);
    assert_eq!(forced.0, best.0, "seed {seed}");
    assert!(forced.1 - less < best.1 && forced.1 - (less - 1) >= best.1, "seed {seed}: {less} of {forced:?} {best:?}");
    let own = &case.problem.candidates[candidate as usize];
    if own.parcels_max > 1 || own.per_shipment < less {
        return;
    }
    // Where its handling can be so much less it is tried as it is said.
    let cheaper = |less: i64| {
        let mut problem = case.problem.clone();
        problem.candidates[candidate as usize].per_shipment -= less;
        solve(&problem, &mut Workspace::default())
    };
    let used = |plan: &Plan| plan.shipments.iter().any(|shipment| shipment.candidate == candidate);
    assert!(used(&cheaper(less)), "seed {seed}: {less}");
    assert_eq!(cheaper(less - 1).cost, plan.cost, "seed {seed}: {less}");
}
