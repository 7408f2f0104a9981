//! A score that scatters weights over ratios, as a well-known design of order routing has it: for comparison only, nothing
//! is sourced by it.
//!
//! `0.4 × share of lines in full stock + 0.3 × (1 − cheapest ÷ fastest price) + 0.2 × learned score (0 if unknown) − 0.1 ×
//! node cost factor (default 1) × units`; the first highest wins, and what it lacks is then looked for line by line.
//!
//! **Its faults**, each with a test that the solver does not share it:
//! 1. A node without any stock can win: a ratio of prices weighs as much as having the goods.
//! 2. The price is a ratio, not a price: eight times dearer can win; one service alone scores 0; a free fastest one divides
//!    by zero.
//! 3. The cost factor is nothing (equal everywhere, it cancels) or everything (it grows with the units).
//! 4. One node is chosen, and splits happen afterwards: fixed charges are never traded against each other.
//! 5. No date comes in: it always takes the cheapest service. Here a fence asks carriers (`engine::fences`).
//! 6. Routing reads what is on hand, allocation what is free. Here both read the same word (`engine::routing`).
//! 7. A missing record makes the rest "not a number", and no backorder is written. Here what nobody has waits.
//! 8. The learned part has no unit and no confidence. Here all is money.
//! 9. Every node of a split sends all it has. Here units of a line add up to its quantity.
//! 10. It calls a rate service for every node and carrier. Here rates lie in memory (`carrier`).
//!
//! Floating point on purpose, as it was written; the solver itself has none.

/// What the score sees of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Lines of which it has all units.
    pub lines_in_full: u32,
    /// Lines of the order.
    pub lines: u32,
    /// Price of the cheapest service.
    pub cheapest: f64,
    /// Price of the fastest service.
    pub fastest: f64,
    /// What was learned of it, where something was.
    pub learned: Option<f64>,
    /// Its cost factor, where it has one.
    pub cost_factor: Option<f64>,
    /// Units of the order.
    pub units: u32,
}

/// The score of a node.
pub fn score(seen: &Seen) -> f64 {
    let share = f64::from(seen.lines_in_full) / f64::from(seen.lines);
    let shipping = 1.0 - seen.cheapest / seen.fastest;
    let learned = seen.learned.unwrap_or(0.0);
    let cost = seen.cost_factor.unwrap_or(1.0) * f64::from(seen.units);
    0.4 * share + 0.3 * shipping + 0.2 * learned - 0.1 * cost
}

/// The first node with the highest score; `None` where no score is a number.
pub fn first_highest(nodes: &[Seen]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, score) in nodes.iter().map(score).enumerate() {
        let is_higher = match best {
            Some((_, highest)) => score > highest,
            None => !score.is_nan(),
        };
        if is_higher {
            best = Some((at, score));
        }
    }
    best.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::super::{Candidate, Need, Plan, Problem, Tariff, Workspace, solve};
    use super::*;

    const KM: u64 = 1_000;

    fn seen(lines_in_full: u32, cheapest: f64, fastest: f64) -> Seen {
        Seen { lines_in_full, lines: 2, cheapest, fastest, learned: None, cost_factor: Some(0.0), units: 2 }
    }

    /// Lines of a kilogram a unit, and nodes by distance with what they have of each.
    fn problem(tariff: Tariff, quantities: &[u32], nodes: &[(u64, &[u32])]) -> Problem {
        let mut problem = Problem::default();
        problem.clear(quantities.len(), tariff);
        for (slot, quantity) in (0..).zip(quantities) {
            problem.add_line(*quantity, 1_000, [Need { slot, per_unit: 1 }]);
        }
        for (node, (kilometres, has)) in (0..).zip(nodes) {
            problem.add_candidate(Candidate::new(node, kilometres * KM), has.iter().copied());
        }
        problem
    }

    fn solved(problem: &Problem) -> Plan {
        solve(problem, &mut Workspace::default())
    }

    fn used(plan: &Plan) -> Vec<u32> {
        plan.assignments.iter().map(|assignment| assignment.candidate).collect()
    }

    const TARIFF: Tariff = Tariff { per_shipment: 500, micro_per_kg_km: 1_000_000, split: 150 };

    /// Lines in full, lines, cheapest, fastest, learned, cost factor, units: the score worked out by hand.
    type Case = ((u32, u32), (f64, f64), Option<f64>, Option<f64>, u32, f64);

    #[test]
    fn the_score_is_what_the_formula_says() {
        let cases: [Case; 10] = [
            ((2, 2), (5.0, 10.0), None, None, 1, 0.4 + 0.15 - 0.1),
            ((1, 2), (5.0, 5.0), None, None, 2, 0.2 - 0.2),
            ((0, 4), (3.0, 12.0), Some(0.5), None, 3, 0.225 + 0.1 - 0.3),
            ((3, 4), (8.0, 10.0), Some(1.0), Some(0.5), 4, 0.3 + 0.06 + 0.2 - 0.2),
            ((1, 1), (10.0, 10.0), Some(0.0), Some(0.0), 100, 0.4),
            ((1, 1), (12.0, 10.0), None, Some(2.0), 5, 0.4 - 0.06 - 1.0),
            ((0, 3), (0.0, 7.0), Some(0.25), Some(1.0), 1, 0.3 + 0.05 - 0.1),
            ((5, 5), (1.0, 4.0), Some(0.8), Some(0.1), 10, 0.4 + 0.225 + 0.16 - 0.1),
            ((2, 3), (4.99, 19.96), None, None, 7, 0.8 / 3.0 + 0.225 - 0.7),
            ((0, 1), (7.0, 7.0), None, None, 1, -0.1),
        ];
        for (at, ((lines_in_full, lines), (cheapest, fastest), learned, cost_factor, units, by_hand)) in
            cases.into_iter().enumerate()
        {
            let seen = Seen { lines_in_full, lines, cheapest, fastest, learned, cost_factor, units };
            assert!((score(&seen) - by_hand).abs() < 1e-12, "case {at}: {}, not {by_hand}", score(&seen));
        }
        let (low, high) = (seen(0, 5.0, 5.0), seen(2, 5.0, 5.0));
        assert_eq!(first_highest(&[low, high, high, low]), Some(1), "of equally high ones the first");
        assert_eq!(first_highest(&[]), None);
    }

    #[test]
    fn fault_1_a_node_without_stock_wins_by_the_score_and_never_ships() {
        let (half, empty) = (seen(1, 5.0, 5.0), seen(0, 5.0, 50.0));
        assert!((score(&half) - 0.20).abs() < 1e-9 && (score(&empty) - 0.27).abs() < 1e-9);
        assert_eq!(first_highest(&[half, empty]), Some(1));
        let all = Seen { lines_in_full: 2, units: 5, cost_factor: Some(3.0), ..seen(2, 5.0, 5.0) };
        let nothing = Seen { units: 5, cost_factor: None, ..seen(0, 5.0, 5.0) };
        assert!((score(&all) + 1.1).abs() < 1e-9 && (score(&nothing) + 0.5).abs() < 1e-9);
        let plan = solved(&problem(TARIFF, &[1, 1], &[(900, &[1, 0]), (1, &[0, 0])]));
        assert_eq!((used(&plan), plan.unfilled.len()), (vec![0], 1));
    }

    #[test]
    fn fault_2_the_dearer_wins_by_a_ratio_and_loses_by_its_price() {
        let (cheap, dear) = (seen(2, 5.0, 6.0), seen(2, 40.0, 100.0));
        assert_eq!(first_highest(&[cheap, dear]), Some(1), "eight times dearer");
        assert_eq!(score(&seen(2, 5.0, 5.0)), score(&seen(2, 40.0, 40.0)), "one service alone says nothing");
        assert!(score(&seen(2, 5.0, 0.0)).is_infinite() && score(&seen(2, 0.0, 0.0)).is_nan());
        let plan = solved(&problem(TARIFF, &[1, 1], &[(50, &[1, 1]), (400, &[1, 1])]));
        assert_eq!((used(&plan), plan.cost), (vec![0], 500 + 2 * 50));
    }

    #[test]
    fn fault_3_the_cost_factor_is_nothing_or_everything_and_money_is_neither() {
        let with = |factor, units| Seen { cost_factor: factor, units, ..seen(2, 5.0, 50.0) };
        let (one, ten) = (with(None, 1), with(None, 10));
        let empty = |seen: Seen| Seen { lines_in_full: 0, cheapest: 5.0, fastest: 5.0, ..seen };
        let ahead = |seen: Seen| score(&seen) - score(&empty(seen));
        assert!((ahead(one) - ahead(ten)).abs() < 1e-9, "equal factors cancel");
        let outweighed = [with(Some(2.0), 10), empty(with(Some(1.0), 10))];
        assert_eq!(first_highest(&outweighed), Some(1), "ten units outweigh stock and price together");
        for units in [1, 10, 100] {
            let plan = solved(&problem(TARIFF, &[units], &[(10, &[1_000]), (20, &[1_000])]));
            assert_eq!((used(&plan), plan.cost), (vec![0], 500 + 10 * i64::from(units)));
        }
    }

    #[test]
    fn fault_4_splits_are_weighed_before_a_node_is_chosen() {
        // The score prefers the first, which has one line more nearby; the second has both.
        let (near, whole) = (seen(1, 5.0, 50.0), seen(2, 49.0, 50.0));
        assert_eq!(first_highest(&[near, whole]), Some(0));
        let plan = solved(&problem(TARIFF, &[1, 1], &[(10, &[1, 0]), (200, &[1, 1]), (10, &[0, 1])]));
        assert_eq!((used(&plan), plan.cost), (vec![1], 500 + 2 * 200), "two shipments nearby cost 1,170");
    }

    #[test]
    fn fault_8_what_was_learned_has_no_unit_and_every_cost_here_is_money() {
        let unknown = seen(2, 5.0, 6.0);
        assert_eq!(score(&unknown), score(&Seen { learned: Some(0.0), ..unknown }), "unknown is taken for worst");
        let plan = solved(&problem(TARIFF, &[2, 1], &[(10, &[2, 0]), (20, &[2, 1])]));
        assert_eq!(plan.cost, plan.terms.shipment + plan.terms.distance + plan.terms.split);
    }

    #[test]
    fn fault_9_units_of_a_line_add_up_to_what_was_ordered() {
        let plan = solved(&problem(TARIFF, &[5], &[(10, &[3]), (20, &[4]), (30, &[9])]));
        let sent: u32 = plan.parts.iter().map(|part| part.quantity).sum();
        assert_eq!((sent, plan.unfilled.len()), (5, 0));
        let plan = solved(&problem(Tariff { per_shipment: 0, ..TARIFF }, &[9], &[(10, &[3]), (20, &[4])]));
        let sent: u32 = plan.parts.iter().map(|part| part.quantity).sum();
        assert_eq!((sent, plan.unfilled[0].quantity), (7, 2));
    }
}
