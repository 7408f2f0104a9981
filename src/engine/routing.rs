//! From an order's lines to the kernel's problem and back: who could supply, what they have, and the plan as a decision.
//!
//! Reads words without a lock: what it saw may be gone when the units are taken; then the order is routed again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cell::Word;
use super::network::Network;
use crate::domain::decision::{Assignment, Decision, Evidence, FenceReason, LineUnits, SeenLine, Terms};
use crate::domain::geo::Position;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::limits::EVIDENCE_BYTES_MAX;
use crate::domain::money::Money;
use crate::domain::order::PlacedLine;
use crate::domain::rule_set::RuleSet;
use crate::domain::sourcing::{Candidate, DemandLine, Need, Plan, Problem, Tariff, Workspace, solve};
use crate::domain::stock::CellKey;

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// What is to be routed.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The order's lines.
    pub lines: &'a [PlacedLine],
    /// Which units of them.
    pub units: &'a [LineUnits],
    /// Destination of each group, where it is known.
    pub destinations: &'a [Option<Position>],
    /// Nodes that may not be asked.
    pub fenced: &'a [NodeIndex],
    /// Units that count as free although a reservation holds them.
    pub own: &'a BTreeMap<CellKey, u32>,
    /// How many units of a word count: as a rule the free ones.
    pub counts: fn(&Word) -> u32,
    /// The rules.
    pub rules: &'a RuleSet,
}

/// One shipment of a routed order.
#[derive(Clone, Debug)]
pub struct Routed {
    /// Which destination.
    pub group: u16,
    /// What, from where, at what cost.
    pub assignment: Assignment,
}

/// A routed order.
#[derive(Clone, Debug)]
pub struct Route {
    /// Shipments by group, then node.
    pub shipments: Vec<Routed>,
    /// What cannot be filled.
    pub unfilled: Vec<LineUnits>,
    /// All of it as a decision.
    pub decision: Decision,
}

/// Routes every group in turn; a later group sees what the earlier ones left.
pub fn route(network: &Network, wanted: &Wanted<'_>) -> Route {
    let groups: BTreeSet<u16> = wanted.units.iter().map(|u| wanted.lines[usize::from(u.line)].group).collect();
    let mut route = empty(network, wanted);
    let mut gone: HashMap<CellKey, u32> = HashMap::new();
    for group in groups {
        let mine: Vec<LineUnits> =
            wanted.units.iter().copied().filter(|u| wanted.lines[usize::from(u.line)].group == group).collect();
        let (stocked, free): (Vec<_>, Vec<_>) = mine.iter().partition(|u| wanted.lines[usize::from(u.line)].stocked);
        if !free.is_empty() {
            route_without_stock(network, group, &free, &mut route);
        }
        if !stocked.is_empty() {
            route_group(network, wanted, group, &stocked, &mut gone, &mut route);
        }
    }
    route
}

/// The route of an order that may go nowhere any more: all of it waits.
pub fn nowhere(network: &Network, wanted: &Wanted<'_>) -> Route {
    let mut route = empty(network, wanted);
    route.unfilled.extend_from_slice(wanted.units);
    route.decision.unfilled.extend_from_slice(wanted.units);
    route
}

fn empty(network: &Network, wanted: &Wanted<'_>) -> Route {
    let decision = Decision {
        rule_set: wanted.rules.name.clone(),
        rule_set_version: wanted.rules.version,
        catalogue_seq: network.catalogue.seq,
        cost: Money { amount: 0, currency: network.catalogue.base_currency },
        lower_bound: 0,
        optimal: true,
        terms: Terms::default(),
        assignments: Vec::new(),
        unfilled: Vec::new(),
        evidence: Evidence { nodes: network.catalogue.nodes().len() as u32, ..Evidence::default() },
    };
    Route { shipments: Vec::new(), unfilled: Vec::new(), decision }
}

/// Services and downloads: the virtual node supplies them, free of charge.
fn route_without_stock(network: &Network, group: u16, units: &[LineUnits], route: &mut Route) {
    match network.catalogue.virtual_node() {
        Some(node) => {
            let assignment = Assignment { node, lines: units.to_vec(), cost: 0 };
            route.decision.assignments.push(assignment.clone());
            route.shipments.push(Routed { group, assignment });
        }
        None => {
            route.unfilled.extend_from_slice(units);
            route.decision.unfilled.extend_from_slice(units);
        }
    }
}

fn route_group(
    network: &Network,
    wanted: &Wanted<'_>,
    group: u16,
    units: &[LineUnits],
    gone: &mut HashMap<CellKey, u32>,
    route: &mut Route,
) {
    let slots = slots(wanted, units);
    let destination = wanted.destinations.get(usize::from(group)).copied().flatten();
    let (problem, fenced) = problem(network, wanted, units, &slots, destination, gone);
    let plan = WORKSPACE.with_borrow_mut(|workspace| solve(&problem, workspace));
    for assigned in &plan.assignments {
        let node = NodeIndex(problem.candidates[assigned.candidate as usize].node);
        let lines: Vec<_> = assigned
            .parts
            .iter()
            .map(|p| LineUnits { line: units[p.line as usize].line, quantity: p.quantity })
            .collect();
        for u in &lines {
            for (sku, quantity) in wanted.lines[usize::from(u.line)].stock(u.quantity) {
                *gone.entry(CellKey { sku, node }).or_default() += quantity;
            }
        }
        let assignment = Assignment { node, lines, cost: assigned.cost };
        route.decision.assignments.push(assignment.clone());
        route.shipments.push(Routed { group, assignment });
    }
    let unfilled = plan.unfilled.iter().map(|u| LineUnits { line: units[u.line as usize].line, quantity: u.quantity });
    route.unfilled.extend(unfilled.clone());
    route.decision.unfilled.extend(unfilled);
    account(&plan, &mut route.decision);
    // A multi-group order keeps the evidence of its first group; the others follow the same rules.
    if route.decision.evidence.candidates.is_empty() {
        route.decision.evidence = Evidence { destination, ..evidence(network, &problem, units, fenced, &plan) };
    }
}

fn account(plan: &Plan, decision: &mut Decision) {
    decision.cost.amount += plan.cost;
    decision.lower_bound += plan.lower_bound;
    decision.optimal &= plan.optimal;
    decision.terms.per_shipment += plan.terms.shipment;
    decision.terms.distance += plan.terms.distance;
    decision.terms.split += plan.terms.split;
}

/// The skus wanted, each once, ascending.
fn slots(wanted: &Wanted<'_>, units: &[LineUnits]) -> Vec<SkuIndex> {
    let all = units.iter().flat_map(|u| wanted.lines[usize::from(u.line)].stock(1)).map(|(sku, _)| sku);
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

fn problem(
    network: &Network,
    wanted: &Wanted<'_>,
    units: &[LineUnits],
    slots: &[SkuIndex],
    destination: Option<Position>,
    gone: &HashMap<CellKey, u32>,
) -> (Problem, Vec<(NodeIndex, FenceReason)>) {
    let catalogue = &network.catalogue;
    let slot_of = |sku: SkuIndex| slots.binary_search(&sku).expect("every wanted sku has a slot") as u16;
    let lines = units
        .iter()
        .map(|u| {
            let placed = &wanted.lines[usize::from(u.line)];
            let stock = placed.stock(1);
            let weight = |(sku, n): &(SkuIndex, u32)| u64::from(catalogue.item(*sku).weight_g) * u64::from(*n);
            let own_weight = u64::from(catalogue.item(placed.sku).weight_g);
            let unit_weight_g =
                if own_weight > 0 { own_weight } else { stock.iter().map(weight).fold(0, u64::saturating_add) };
            let needs = stock.iter().map(|(sku, n)| Need { slot: slot_of(*sku), per_unit: *n }).collect();
            DemandLine { quantity: u.quantity, unit_weight_g, needs }
        })
        .collect();
    let mut found: BTreeMap<NodeIndex, Vec<u32>> = BTreeMap::new();
    for (slot, sku) in slots.iter().enumerate() {
        for cell in network.sku(*sku).cells.iter() {
            let key = CellKey { sku: *sku, node: cell.node };
            let own = wanted.own.get(&key).copied().unwrap_or(0);
            let free = ((wanted.counts)(cell.word) + own).saturating_sub(gone.get(&key).copied().unwrap_or(0));
            if free > 0 {
                found.entry(cell.node).or_insert_with(|| vec![0; slots.len()])[slot] = free;
            }
        }
    }
    let mut fenced = Vec::new();
    found.retain(|node, _| {
        let reason = match () {
            () if !network.supplies(*node) => FenceReason::Inactive,
            () if wanted.fenced.contains(node) => FenceReason::RejectedThisOrder,
            () => return true,
        };
        fenced.push((*node, reason));
        false
    });
    let distance = |node: NodeIndex| destination.map_or(0, |to| catalogue.node(node).position.metres_to(to));
    let candidates = found
        .into_iter()
        .map(|(node, available)| Candidate { node: node.0, distance_m: distance(node), available })
        .collect();
    let rules = wanted.rules;
    let tariff =
        Tariff { per_shipment: rules.per_shipment, micro_per_kg_km: rules.micro_per_kg_km, split: rules.split };
    (Problem { slots: slots.len(), lines, candidates, tariff }, fenced)
}

/// What the solver saw, within its share of the record: beyond it the nearest candidates and the chosen ones are kept,
/// and of an order so large that not even those fit, nothing.
fn evidence(
    network: &Network,
    problem: &Problem,
    units: &[LineUnits],
    fenced: Vec<(NodeIndex, FenceReason)>,
    plan: &Plan,
) -> Evidence {
    let lines: Vec<SeenLine> = problem
        .lines
        .iter()
        .zip(units)
        .map(|(line, u)| SeenLine {
            line: u.line,
            quantity: line.quantity,
            unit_weight_g: line.unit_weight_g,
            needs: line.needs.iter().map(|n| (n.slot, n.per_unit)).collect(),
        })
        .collect();
    let nodes = network.catalogue.nodes().len() as u32;
    let rules = problem.tariff;
    let tariff = (rules.per_shipment, rules.micro_per_kg_km, rules.split);
    let line_bytes: usize = lines.iter().map(|l| 8 + 4 * l.needs.len()).sum();
    let room = EVIDENCE_BYTES_MAX.saturating_sub(line_bytes + 4 * fenced.len());
    let most = room / (8 + 2 * problem.slots);
    let chosen: BTreeSet<usize> = plan.assignments.iter().map(|a| a.candidate as usize).collect();
    if most < chosen.len() {
        return Evidence { nodes, truncated: true, tariff, ..Evidence::default() };
    }
    let mut kept: Vec<usize> = (0..problem.candidates.len()).collect();
    let truncated = kept.len() > most;
    if truncated {
        kept.sort_by_key(|at| (!chosen.contains(at), problem.candidates[*at].distance_m));
        kept.truncate(most);
        kept.sort_unstable();
    }
    Evidence {
        lines,
        slots: problem.slots as u16,
        candidates: kept
            .iter()
            .map(|at| &problem.candidates[*at])
            .map(|c| (NodeIndex(c.node), u32::try_from(c.distance_m).unwrap_or(u32::MAX)))
            .collect(),
        available: kept.iter().flat_map(|at| problem.candidates[*at].available.iter().copied()).collect(),
        fenced,
        destination: None,
        nodes,
        truncated,
        tariff,
    }
}
