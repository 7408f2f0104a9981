//! What is kept of what the solver saw.

use super::super::network::Network;
use crate::domain::decision::{Evidence, FenceReason, LineUnits, SeenLine};
use crate::domain::ids::NodeIndex;
use crate::domain::sourcing::{Candidate, Plan, Problem};
use crate::domain::weighed::Priced;

/// What the solver saw, within its share of the record: beyond it the nearest candidates and the chosen ones are kept,
/// and of an order so large that not even those fit, nothing.
pub(super) fn evidence(
    network: &Network,
    problem: &Problem,
    units: &[LineUnits],
    fenced: &[(NodeIndex, FenceReason)],
    plan: &Plan,
    bytes_max: usize,
) -> Evidence {
    let lines: Vec<SeenLine> = problem
        .lines
        .iter()
        .zip(units)
        .map(|(line, u)| SeenLine {
            line: u.line,
            quantity: line.quantity,
            unit_weight_g: line.unit_weight_g,
            needs: problem.needs[line.needs.clone()].iter().map(|n| (n.slot, n.per_unit)).collect(),
        })
        .collect();
    let nodes = network.catalogue.nodes().len() as u32;
    let rules = problem.tariff;
    let priced = Priced::Tariff(rules.per_shipment, rules.micro_per_kg_km, rules.split);
    let line_bytes: usize = lines.iter().map(|l| 8 + 4 * l.needs.len()).sum();
    let room = bytes_max.checked_sub(line_bytes + 4 * fenced.len());
    let most = room.map(|room| room / (8 + 2 * problem.slots));
    let chosen = |at: usize| plan.assignments.iter().any(|assigned| assigned.candidate as usize == at);
    let Some(most) = most.filter(|most| *most >= plan.assignments.len()) else {
        return Evidence { nodes, truncated: true, priced, ..Evidence::default() };
    };
    let seen =
        |candidate: &Candidate| (NodeIndex(candidate.node), u32::try_from(candidate.distance_m).unwrap_or(u32::MAX));
    let truncated = problem.candidates.len() > most;
    let (candidates, available) = if truncated {
        let mut kept: Vec<usize> = (0..problem.candidates.len()).collect();
        kept.sort_by_cached_key(|&at| (!chosen(at), problem.candidates[at].distance_m));
        kept.truncate(most);
        kept.sort_unstable();
        let candidates = kept.iter().map(|&at| seen(&problem.candidates[at])).collect();
        (candidates, kept.iter().flat_map(|&at| problem.has(at)).copied().collect())
    } else {
        (problem.candidates.iter().map(seen).collect(), problem.available.clone())
    };
    Evidence {
        lines,
        slots: problem.slots as u16,
        candidates,
        available,
        fenced: fenced.to_vec(),
        destination: None,
        nodes,
        truncated,
        priced,
        others: None,
    }
}
