//! The laws every plan must keep, exact or not, checked from the problem's own figures.

use super::super::*;

pub(in super::super) fn assert_laws(problem: &Problem, plan: &Plan, seed: u64) {
    let mut given = vec![0_u32; problem.lines.len()];
    let mut units_of = vec![0_u32; problem.candidates.len()];
    let mut parcels_of = vec![0_u32; problem.candidates.len()];
    let mut pieces = vec![0_u64; problem.available.len()];
    let mut cost = 0;
    for shipment in &plan.shipments {
        let at = shipment.candidate as usize;
        parcels_of[at] += 1;
        cost += shipment.cost + problem.split;
        let mut grams = 0;
        assert!(!plan.parts_of(shipment).is_empty(), "seed {seed}: a parcel carries something");
        for part in plan.parts_of(shipment) {
            let line = part.line as usize;
            assert!(part.quantity > 0, "seed {seed}");
            given[line] += part.quantity;
            units_of[at] += part.quantity;
            grams += problem.lines[line].unit_weight_g * u64::from(part.quantity);
            let unit = problem.candidates[at].per_unit + problem.unit_costs[at * problem.lines.len() + line];
            cost += unit * i64::from(part.quantity);
            for need in problem.needs_of(line) {
                pieces[at * problem.slots + usize::from(need.slot)] +=
                    u64::from(need.per_unit) * u64::from(part.quantity);
            }
        }
        let bracket = problem.rates.bracket(0, grams);
        let offers = problem.offers[problem.candidates[at].offers.clone()].iter();
        let asks = offers.map(|offer| problem.rates.table(offer.table)[bracket] + offer.plus).min();
        assert_eq!(Some(shipment.cost - problem.candidates[at].per_shipment), asks, "seed {seed}");
    }
    assert!(pieces.iter().zip(&problem.available).all(|(taken, has)| *taken <= u64::from(*has)), "seed {seed}: stock");
    for (at, candidate) in problem.candidates.iter().enumerate() {
        assert!(parcels_of[at] <= candidate.parcels_max, "seed {seed}: parcels of {at}");
        assert!(candidate.units_max.is_none_or(|most| units_of[at] <= most), "seed {seed}: units of {at}");
    }
    assert!(problem.shipments_max.is_none_or(|most| plan.shipments.len() <= most as usize), "seed {seed}: parcels");
    let mut left = vec![0_u32; problem.lines.len()];
    plan.unfilled.iter().for_each(|unfilled| left[unfilled.line as usize] += unfilled.quantity);
    let mut shortage = 0;
    for (number, line) in problem.lines.iter().enumerate() {
        assert_eq!(given[number] + left[number], line.quantity, "seed {seed}: line {number}");
        assert!(!line.complete || left[number] == 0 || given[number] == 0, "seed {seed}: line {number} in full");
        assert!(!problem.complete || left[number] == 0 || plan.shipments.is_empty(), "seed {seed}: order in full");
        let together = problem.lines.iter().enumerate().filter(|(_, other)| other.together == line.together);
        if line.together.is_some() && given[number] > 0 {
            let all = together.clone().all(|(other, _)| left[other] == 0);
            let senders = plan.shipments.iter().filter(|shipment| {
                plan.parts_of(shipment)
                    .iter()
                    .any(|part| together.clone().any(|(other, _)| other == part.line as usize))
            });
            let first = senders.clone().next().map(|shipment| shipment.candidate);
            assert!(all && senders.clone().all(|s| Some(s.candidate) == first), "seed {seed}: together");
        }
        if left[number] > 0 && problem.filling == Filling::Priced {
            shortage += line.shortage.per_line + line.shortage.per_unit * i64::from(left[number]);
        }
    }
    let split = if plan.shipments.is_empty() { 0 } else { problem.split };
    assert_eq!(plan.cost, cost - split + shortage, "seed {seed}: the cost is what the parcels say");
    assert!(plan.lower_bound <= plan.cost, "seed {seed}");
    assert!(!plan.optimal || plan.lower_bound == plan.cost, "seed {seed}");
}
