//! What a version of a rule set would change: the last decisions, made again by it against what the solver saw then.
//!
//! An order is decided again when the version would apply to it (by its name, or by its scope among the versions that are
//! active now; its schedule aside, since the question is what it does while it is on) and when enough was recorded: all
//! candidates with what they had, and nobody left out by other fences of other rules. What cannot be decided again is
//! counted and told apart. Of several destinations each is decided again in turn, from what the version leaves of what was
//! there. Dates and cutoffs are judged as of the instant the order was captured, and the version is
//! told what nodes and carriers ask now; beside it stands what was decided then, at the cost of then.
//!
//! Promises: nothing is taken and nothing changes; what is told is what the version decides on the same inputs. Cost: one
//! decision, made twice, for every destination of every order; no more than [`PREVIEWED_MAX`] orders, each looked at under a
//! guard of its own. Whoever asks says before every order and destination whether it goes on: an order that is not done then is not
//! counted, and the answer says that it was stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Engine;
use super::fences::{Fencing, Shipment};
use super::network::Network;
use super::order_rules::rules_among;
use super::routing::{SHIPPED, pieces};
use super::scoring;
use super::weighing::{Asked, Scales, shortage};
use super::workload::places_of;
use crate::domain::decision::{Decision, LineUnits};
use crate::domain::geo::Place;
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex, Text};
use crate::domain::limits::PREVIEWED_MAX;
use crate::domain::order::{Order, PlacedLine};
use crate::domain::rejection::Rejection;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::book::{RuleBook, Version};
use crate::domain::rules::groups::{GroupRules, is_same};
use crate::domain::rules::versions::{RuleSetEvent, RuleVersions};
use crate::domain::rules::{RuleTerms, Schedule};
use crate::domain::sourcing::costed;
use crate::domain::sourcing::{Candidate, Part, Plan, Problem, Workspace, solve_into, solve_within};
use crate::domain::stock::CellKey;
use crate::domain::time::{Now, WallTime};
use crate::domain::weighed::Carried;

/// What a version would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Orders with a decision that were looked at.
    pub looked_at: usize,
    /// Those to which the version would not apply.
    pub of_others: usize,
    /// Those of which too little was recorded to decide again.
    pub unknown: usize,
    /// Those that were decided again.
    pub compared: usize,
    /// What all of those cost by the rules of then, minor units of the base currency.
    pub cost_before: i64,
    /// What they cost by the version.
    pub cost_after: i64,
    /// Whether the version minds orders to come.
    pub looks_ahead: bool,
    /// Those that it decides otherwise, newest first.
    pub changes: Vec<Compared>,
    /// Whether it was stopped before all that were asked for were looked at.
    pub stopped: bool,
}

/// A decision, and the one that would be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Name of the order.
    pub order: String,
    /// Rule set and version by which it was decided.
    pub decided_by: (Text, u32),
    /// Cost then.
    pub cost_before: i64,
    /// Cost by the version.
    pub cost_after: i64,
    /// What was decided.
    pub before: Vec<Shipped>,
    /// What would be.
    pub after: Vec<Shipped>,
    /// Units that were not filled.
    pub unfilled_before: u64,
    /// Units that would not be.
    pub unfilled_after: u64,
}

/// One shipment: whereto, from where, and units by the id of their line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// To which destination.
    pub group: u16,
    /// From where.
    pub node: NodeIndex,
    /// Position of the line in the order, its id, and units.
    pub lines: Vec<(u16, Text, u32)>,
}

/// Memory of decisions made again.
#[derive(Default)]
pub(super) struct Again {
    problem: Problem,
    plan: Plan,
    workspace: Workspace,
    scales: Scales,
    costed: (costed::Workspace, costed::Plan),
}

/// An order with its decision, and what was asked for then.
#[derive(Clone, Copy)]
struct Case<'a> {
    network: &'a Network,
    order: &'a Order,
    decision: &'a Decision,
    group: u16,
    shipment: Shipment<'a>,
    units: &'a [LineUnits],
    /// Units of the same destination that limits kept.
    behind: &'a [LineUnits],
    /// Units that nodes have more, or fewer, than was recorded: earlier destinations are served otherwise.
    otherwise: &'a BTreeMap<CellKey, i64>,
}

impl Engine {
    /// What a version would change of the last orders in memory, newest first, as long as it `goes_on`.
    pub fn preview(
        &self,
        name: &str,
        version: u32,
        last: usize,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Preview, Rejection> {
        let (rules, book) = self.supposed(name, version)?;
        let mut keys = self.orders.keys();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        let mut found = Preview { looks_ahead: rules.looks_ahead(), ..Preview::default() };
        let mut again = Again::default();
        for key in keys {
            if found.looked_at >= last.min(PREVIEWED_MAX) || found.stopped {
                break;
            }
            if !goes_on() {
                found.stopped = true;
                break;
            }
            self.compare(key, (&rules, &book), goes_on, &mut again, &mut found);
        }
        Ok(found)
    }

    /// A version as if it were on and had just been activated, and all rule sets with it.
    pub(super) fn supposed(&self, name: &str, version: u32) -> Result<(Arc<AppliedRules>, RuleBook), Rejection> {
        let mut book = self.catalogue(|catalogue| catalogue.rules().clone());
        if book.current(name).is_none() {
            return Err(Rejection::not_found("rule set", name));
        }
        let unknown = || {
            let detail = format!("rule set {name} has versions 1 to {}, not {version}", book.next(name) - 1);
            Rejection::invalid("version", "unknown_version", detail)
        };
        let found = book.version(name, version).ok_or_else(unknown)?;
        if found.preset && found.terms.compares_only() {
            let rules = Arc::new(AppliedRules::of(found.name, version, found.terms));
            let book = book.supposing(&rules);
            return Ok((rules, book));
        }
        let terms = Arc::new(RuleTerms { schedule: Schedule::Always, ..(*found.terms).clone() });
        if !found.preset {
            let seq = self.position() + 1;
            let drafted = RuleSetEvent::Drafted { version: 1, terms };
            let supposed = RuleVersions::fold(None, &found.name, seq, &drafted);
            let supposed = supposed.and_then(|supposed| {
                RuleVersions::fold(Some(supposed), &found.name, seq, &RuleSetEvent::Activated { version: 1 })
            });
            book.put(found.name.clone(), supposed.expect("a version is drafted, then activated"));
        }
        let has_carriers = self.catalogue(|catalogue| catalogue.shipping().carriers().next().is_some());
        let rules = book.named(name, has_carriers).expect("it is active in this book").clone();
        Ok((rules, book))
    }

    fn compare(
        &self,
        key: OrderKey,
        (rules, book): (&Arc<AppliedRules>, &RuleBook),
        goes_on: &dyn Fn() -> bool,
        again: &mut Again,
        found: &mut Preview,
    ) {
        let Some(order) = self.order_in_memory(key) else { return };
        let Some(decision) = order.decision.as_deref() else { return };
        found.looked_at += 1;
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        // The clocks agree but where the machine's was set.
        let at = Now { journal: order.received_at, wall: WallTime(order.received_at.0) };
        let applies = rules_among(&network, book, &order, at.wall);
        if !applies.all().any(|own| Arc::ptr_eq(own, rules)) {
            found.of_others += 1;
            return;
        }
        let supposed = |group: u16| Some(applies.of(group)).filter(|own| Arc::ptr_eq(own, rules));
        let Judged { before, after, .. } = match again.judge(&network, &order, decision, (supposed, at), goes_on) {
            Ok(judged) => judged,
            Err(Unjudged::NotRecorded) => {
                found.unknown += 1;
                return;
            }
            Err(Unjudged::Stopped) => {
                found.looked_at -= 1;
                found.stopped = true;
                return;
            }
        };
        found.compared += 1;
        found.cost_before += before.cost;
        found.cost_after += after.cost;
        if !before.is(&after) {
            found.changes.push(Compared {
                order: order.name(),
                decided_by: (decision.rule_set.clone(), decision.rule_set_version),
                cost_before: before.cost,
                cost_after: after.cost,
                before: before.shipped,
                after: after.shipped,
                unfilled_before: before.unfilled,
                unfilled_after: after.unfilled,
            });
        }
    }
}

/// A plan, named.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// Its cost by the rules that made it.
    pub cost: i64,
    /// Its shipments.
    pub shipped: Vec<Shipped>,
    /// Who carries it.
    pub carried: Vec<Carried>,
    /// Units that it leaves.
    pub unfilled: u64,
    /// What it costs to leave all of it.
    pub all_left: i64,
}

impl Decided {
    fn add(&mut self, other: Self) {
        self.all_left = self.all_left.saturating_add(other.all_left);
        self.cost = self.cost.saturating_add(other.cost);
        self.shipped.extend(other.shipped);
        self.carried.extend(other.carried);
        self.unfilled += other.unfilled;
    }

    /// Takes back all that ships as a whole or not at all where a destination lacks some.
    fn withheld(self, rules: &AppliedRules) -> Self {
        let whole = rules.weights.as_ref().is_some_and(|weights| weights.complete);
        if whole && self.unfilled > 0 && !self.shipped.is_empty() {
            let held = self.shipped.iter().flat_map(|shipped| &shipped.lines).map(|(.., units)| u64::from(*units));
            let (unfilled, cost) = (self.unfilled + held.sum::<u64>(), self.all_left);
            return Self { unfilled, cost, ..Self::default() };
        }
        self
    }

    /// Whether nodes and units are the same.
    pub fn is(&self, other: &Self) -> bool {
        (&self.shipped, self.unfilled) == (&other.shipped, other.unfilled)
    }
}

/// A recorded decision, and the same made by other rules.
pub(super) struct Judged {
    /// As it was decided, whatever nodes and carriers ask by now.
    pub before: Decided,
    /// By the others.
    pub after: Decided,
    /// The rules of then.
    pub made_by: GroupRules,
}

/// What was decided of groups, by the rules of each.
#[derive(Default)]
struct ByRules<'a>(Vec<(&'a AppliedRules, Decided)>);

impl<'a> ByRules<'a> {
    fn add(&mut self, rules: &'a AppliedRules, decided: Decided) {
        match self.0.iter_mut().find(|(known, _)| is_same(known, rules)) {
            Some((_, known)) => known.add(decided),
            None => self.0.push((rules, decided)),
        }
    }

    /// All of it, what ships as a whole taken back where some of it is lacking.
    fn whole(self) -> Decided {
        let mut whole = Decided::default();
        self.0.into_iter().for_each(|(rules, decided)| whole.add(decided.withheld(rules)));
        whole
    }
}

/// The rules by which a decision was made; `None` when they are not known any more.
fn made_by(network: &Network, order: &Order, decision: &Decision) -> Option<GroupRules> {
    let known = |(name, version): (&Text, u32)| {
        let Version { name, version, terms, .. } = network.catalogue.rules().version(name, version)?;
        Some(Arc::new(AppliedRules::of(name, version, terms)))
    };
    let own = known((&decision.rule_set, decision.rule_set_version))?;
    if !decision.is_ruled_by_group() {
        return Some(GroupRules::whole(own));
    }
    let groups: Option<Vec<_>> =
        order.other_groups().map(|group| Some((group, known(decision.ruled(group))?))).collect();
    Some(GroupRules::of_groups(own, groups?.into_iter()))
}

/// Why a decision was not made again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unjudged {
    /// Too little of it was recorded.
    NotRecorded,
    /// It was not to go on.
    Stopped,
}

impl Again {
    /// Makes a recorded decision again, destination by destination as long as it `goes_on`, those groups by others for which
    /// some are `supposed`.
    pub fn judge<'s>(
        &mut self,
        network: &Network,
        order: &Order,
        decision: &Decision,
        (supposed, at): (impl Fn(u16) -> Option<&'s Arc<AppliedRules>>, Now),
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Judged, Unjudged> {
        let several = decision.by_group(|line| order.lines[usize::from(line)].placed.group);
        let parts = parts_of(order, decision, &several);
        let made_by = made_by(network, order, decision).filter(|_| is_recorded(order, decision, &parts));
        let made_by = made_by.ok_or(Unjudged::NotRecorded)?;
        let lines: Vec<PlacedLine> = order.lines.iter().map(|line| line.placed.clone()).collect();
        let (mut before, mut after) = (ByRules::default(), ByRules::default());
        let mut shipped_after: Vec<NodeIndex> = Vec::new();
        let (as_it_was, mut otherwise) = (BTreeMap::new(), BTreeMap::new());
        // Whoever decides anew has not sent anything yet.
        let work_at = order.release_at.map_or(at.wall, |release| release.wall.max(at.wall));
        let leaving = places_of(network, order, 1..order.next_number(), work_at);
        for (group, decision) in parts {
            if !goes_on() {
                return Err(Unjudged::Stopped);
            }
            let shipment = Shipment {
                to: order.facts.destinations.get(usize::from(group)),
                position: decision.evidence.destination,
                lines: &lines,
                placed_at: order.facts.placed_at,
                at: at.wall,
                known_at: at.journal,
                work_at,
                dates: order.dates(),
                leaving: &leaving,
            };
            let seen = decision.evidence.sight.lines();
            let units: Vec<_> = seen.map(|line| LineUnits { line: line.line, quantity: line.quantity }).collect();
            let behind = behind(order, decision, group, &units);
            let behind = behind.as_slice();
            let case = Case { network, order, decision, group, shipment, units: &units, behind, otherwise: &as_it_was };
            let then: &AppliedRules = made_by.of(group);
            let now: &AppliedRules = supposed(group).map_or(then, |own| &**own);
            let was = self.recorded(case, then);
            let earlier = shipped_after.iter().copied();
            let fencing = Fencing::of(network, now, shipment, &units, earlier);
            let may_ship = |node| fencing.as_ref().is_none_or(|fencing| fencing.reason(node).is_none());
            let is = self.decide(Case { otherwise: &otherwise, ..case }, now, may_ship);
            shipped_after.extend(is.shipped.iter().map(|shipped| shipped.node));
            for (shipped, sign) in was.shipped.iter().map(|own| (own, 1)).chain(is.shipped.iter().map(|own| (own, -1)))
            {
                for (cell, units) in shipped.cells(&lines) {
                    *otherwise.entry(cell).or_default() += sign * i64::from(units);
                }
            }
            before.add(then, was);
            let cost = is.cost.saturating_add(left_behind(network, now, &lines, behind));
            let all_left = left_behind(network, now, &lines, &together(&units, behind));
            after.add(now, Decided { cost, all_left, ..is });
        }
        let before = Decided { cost: decision.recorded_cost(), ..before.whole() };
        let after = after.whole();
        Ok(Judged { before, after, made_by })
    }

    /// What was decided, from the figures of then.
    fn recorded(&mut self, case: Case<'_>, then: &AppliedRules) -> Decided {
        let Case { order, decision, group, units, .. } = case;
        let Some(weighed) = decision.evidence.weighed() else { return self.decide(case, then, |_| true) };
        let (problem, _) = decision.restate_weighed(weighed);
        if !problem.fits() {
            return self.decide(case, then, |_| true);
        }
        let Self { costed: (workspace, plan), .. } = self;
        costed::solve_into(&problem, workspace, plan);
        let mut there: BTreeMap<NodeIndex, BTreeMap<u16, u32>> = BTreeMap::new();
        for sent in &plan.shipments {
            let lines = there.entry(NodeIndex(problem.candidates[sent.candidate as usize].node)).or_default();
            for part in plan.parts_of(sent) {
                *lines.entry(units[part.line as usize].line).or_default() += part.quantity;
            }
        }
        let id = |line: u16| order.lines[usize::from(line)].placed.id.clone();
        let shipped = there.into_iter().map(|(node, lines)| Shipped {
            group,
            node,
            lines: lines.into_iter().map(|(line, quantity)| (line, id(line), quantity)).collect(),
        });
        let shipped: Vec<Shipped> = shipped.collect();
        let carried = shipped.iter().flat_map(|own| decision.carried(own.node, group)).cloned().collect();
        let unfilled = plan.unfilled.iter().map(|left| u64::from(left.quantity)).sum();
        Decided { cost: plan.cost, shipped, carried, unfilled, all_left: 0 }
    }

    /// Decides what was recorded by some rules, without those who may not ship.
    fn decide(&mut self, case: Case<'_>, rules: &AppliedRules, may_ship: impl Fn(NodeIndex) -> bool) -> Decided {
        let Self { problem, plan, workspace, scales, .. } = self;
        let Case { network, order, decision, group, shipment, units, .. } = case;
        decision.restate(problem);
        case.shift(problem);
        problem.tariff = rules.tariff;
        for at in (0..problem.candidates.len()).rev() {
            if !may_ship(NodeIndex(problem.candidates[at].node)) {
                problem.candidates.remove(at);
                problem.available.drain(at * problem.slots..(at + 1) * problem.slots);
            }
        }
        let id = |line: u16| order.lines[usize::from(line)].placed.id.clone();
        if let Some(weights) = &rules.weights {
            let ships = &**order.method_of(group) == SHIPPED;
            let behind = case.behind;
            let (sent, follows) = (0, false);
            let asked = Asked { network, rules, weights, shipment, units, behind, group, ships, sent, follows };
            let found = if weights.score {
                let is_fenced = |node| decision.evidence.fenced.iter().any(|(fenced, _)| *fenced == node);
                let asks = |node| network.supplies(node) && !is_fenced(node) && may_ship(node);
                scoring::decide(&asked, problem, None, asks)
            } else {
                scales.state(&asked, problem).map(|_| scales.decide(&asked, problem)).unwrap_or_default()
            };
            let shipped = found.assignments.iter().map(|assignment| Shipped {
                group,
                node: assignment.node,
                lines: assignment.lines.iter().map(|u| (u.line, id(u.line), u.quantity)).collect(),
            });
            let unfilled = found.unfilled.iter().map(|u| u64::from(u.quantity)).sum();
            let (cost, shipped) = (found.cost(), shipped.collect());
            return Decided { cost, shipped, carried: found.carried, unfilled, all_left: 0 };
        }
        match rules.shipments_max {
            Some(most) => drop(solve_within(problem, usize::from(most), workspace, plan)),
            None => solve_into(problem, workspace, plan),
        }
        let line = |part: &Part| {
            let line = decision.evidence.sight.line(part.line as usize);
            (line, id(line), part.quantity)
        };
        let shipped = plan.assignments.iter().map(|assigned| Shipped {
            group,
            node: NodeIndex(problem.candidates[assigned.candidate as usize].node),
            lines: plan.parts_of(assigned).iter().map(line).collect(),
        });
        let shipped = shipped.collect();
        let unfilled = plan.unfilled.iter().map(|unfilled| u64::from(unfilled.quantity)).sum();
        Decided { cost: plan.cost, shipped, carried: Vec::new(), unfilled, all_left: 0 }
    }
}

impl Shipped {
    /// What it takes from cells.
    fn cells(&self, lines: &[PlacedLine]) -> impl Iterator<Item = (CellKey, u32)> {
        let node = self.node;
        self.lines.iter().flat_map(move |(line, _, quantity)| {
            let of = move |(sku, per_unit): (SkuIndex, u32)| (CellKey { sku, node }, per_unit * quantity);
            pieces(&lines[usize::from(*line)]).map(of)
        })
    }
}

impl Case<'_> {
    /// Sets what nodes have to what they would have; who has nothing then is no candidate, who has something is one.
    fn shift(&self, problem: &mut Problem) {
        if self.otherwise.values().all(|more| *more == 0) {
            return;
        }
        let skus = self.skus(problem);
        let to = self.shipment.position.map(Place::from);
        let nodes: BTreeSet<NodeIndex> = self.otherwise.keys().map(|cell| cell.node).collect();
        for node in nodes {
            let known = problem.candidates.binary_search_by_key(&node.0, |candidate| candidate.node);
            let at = known.unwrap_or_else(|at| {
                let distance_m = to.map_or(0, |to| self.network.catalogue.place(node).metres_to(&to));
                problem.candidates.insert(at, Candidate::new(node.0, distance_m));
                let row = at * problem.slots;
                drop(problem.available.splice(row..row, std::iter::repeat_n(0, problem.slots)));
                at
            });
            let row = &mut problem.available[at * skus.len()..(at + 1) * skus.len()];
            for (has, sku) in row.iter_mut().zip(&skus) {
                let more = self.otherwise.get(&CellKey { sku: *sku, node }).copied().unwrap_or(0);
                *has = u32::try_from(i64::from(*has) + more).unwrap_or(0);
            }
            if row.iter().all(|has| *has == 0) {
                problem.candidates.remove(at);
                problem.available.drain(at * problem.slots..(at + 1) * problem.slots);
            }
        }
    }

    /// The sku of each slot.
    fn skus(&self, problem: &Problem) -> Vec<SkuIndex> {
        let mut skus = vec![SkuIndex(0); problem.slots];
        for (line, u) in self.units.iter().enumerate() {
            for ((sku, _), need) in pieces(&self.shipment.lines[usize::from(u.line)]).zip(problem.needs_of(line)) {
                skus[usize::from(need.slot)] = sku;
            }
        }
        skus
    }
}

/// The decision of each destination that has stock.
fn parts_of<'a>(order: &Order, decision: &'a Decision, several: &'a [(u16, Decision)]) -> Vec<(u16, &'a Decision)> {
    if several.is_empty() {
        let first = decision.evidence.sight.lines().next();
        let group = first.map_or(0, |line| order.lines[usize::from(line.line)].placed.group);
        return vec![(group, decision)];
    }
    several.iter().map(|(group, decision)| (*group, decision)).collect()
}

/// Units of a destination that a decision left without the solver having been asked: limits kept them.
fn behind(order: &Order, decision: &Decision, group: u16, seen: &[LineUnits]) -> Vec<LineUnits> {
    let mut told: BTreeMap<u16, u32> = BTreeMap::new();
    let units = decision.assignments.iter().flat_map(|own| &own.lines).chain(&decision.unfilled);
    units.for_each(|u| *told.entry(u.line).or_default() += u.quantity);
    let asked = |line: u16| seen.iter().filter(|u| u.line == line).map(|u| u.quantity).sum::<u32>();
    let left = told.into_iter().map(|(line, all)| LineUnits { line, quantity: all.saturating_sub(asked(line)) });
    let of_group = |u: &LineUnits| {
        let placed = &order.lines[usize::from(u.line)].placed;
        placed.stocked && placed.group == group && u.quantity > 0
    };
    left.filter(of_group).collect()
}

/// Units of both, each line once.
fn together(units: &[LineUnits], more: &[LineUnits]) -> Vec<LineUnits> {
    let mut all: BTreeMap<u16, u32> = BTreeMap::new();
    units.iter().chain(more).for_each(|u| *all.entry(u.line).or_default() += u.quantity);
    all.into_iter().map(|(line, quantity)| LineUnits { line, quantity }).collect()
}

/// What it costs to leave units, each line told once, by some rules.
fn left_behind(network: &Network, rules: &AppliedRules, lines: &[PlacedLine], behind: &[LineUnits]) -> i64 {
    let Some(weights) = &rules.weights else { return 0 };
    let of = |u: &LineUnits| {
        let (per_line, per_unit) = shortage(network, &weights.unfilled, lines[usize::from(u.line)].sku);
        per_unit.saturating_mul(i64::from(u.quantity)).saturating_add(per_line)
    };
    behind.iter().map(of).fold(0, i64::saturating_add)
}

/// Whether all was recorded that the solver would need: every destination, every candidate, no node whose stock is unknown
/// since rules kept it out, and none that was chosen beforehand.
fn is_recorded(order: &Order, decision: &Decision, parts: &[(u16, &Decision)]) -> bool {
    let is_seen = |(_, part): &(u16, &Decision)| {
        let seen = &part.evidence;
        let no_fence = seen.fenced.iter().all(|(_, reason)| !reason.is_of_rules());
        !seen.sight.is_empty() && !seen.truncated && no_fence
    };
    let placed = |u: &LineUnits| &order.lines[usize::from(u.line)].placed;
    let is_told = |u: &LineUnits| !placed(u).stocked || parts.iter().any(|(group, _)| *group == placed(u).group);
    let mut units = decision.assignments.iter().flat_map(|assignment| &assignment.lines).chain(&decision.unfilled);
    let is_free = order.preferred_node().is_none() && order.ways.iter().all(|way| way.node.is_none());
    is_free && parts.iter().all(is_seen) && units.all(is_told)
}
