//! From an order's lines to the kernel's problem and back: who could supply, what they have, and the plan as a decision.
//!
//! A node that an order prefers ships all it can first; the rule set chooses among the others for the rest. Its fences stand
//! before all of them (`fences`), its bound of shipments after them.
//!
//! Of a sku with channel limits no more is asked for than its record lets the buyer have, and the nodes of his channel
//! alone are candidates where it names some. Reads words without a lock: what it saw may be gone when the units are taken; then the order is routed again.

mod allotted;
mod freight;
mod left;
mod of_order;
mod preferred;
mod several;
mod stated;
mod weighed;
mod within;

pub use freight::{pieces, shipment_cost, unit_weight_g};
pub use left::leave;
pub use of_order::Asked;
pub use stated::{Stated, stated};

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use self::allotted::{Question, Shown};
use self::weighed::Before;
use super::cell::Word;
use super::fences::{Fencing, Shipment};
use super::limits::Counting;
use super::network::Network;
use super::weighing::Scales;
use crate::domain::channel::Whose;
use crate::domain::decision::{Assignment, Decision, Evidence, FenceReason, LineUnits, Terms};
use crate::domain::delivery::Way;
use crate::domain::evidence::{Others, Ruled};
use crate::domain::geo::{Place, Position};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::limits::{EVIDENCE_BYTES_MAX, EVIDENCE_GROUPS_MAX};
use crate::domain::money::Money;
use crate::domain::order::{Destination, PlacedLine};
use crate::domain::order_promise::Dates;
use crate::domain::particulars::Booking;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::groups::is_same;
use crate::domain::rules::weights::Weights;
use crate::domain::sourcing::{Candidate, DemandLine, Need, Plan, Problem, Workspace, solve_into, solve_within};
use crate::domain::stock::CellKey;
use crate::domain::time::{JournalTime, WallTime};

thread_local! {
    static ROUTING: RefCell<Routing> = RefCell::default();
}

/// Memory of a routing, kept from order to order.
#[derive(Default)]
struct Routing {
    workspace: Workspace,
    problem: Problem,
    plan: Plan,
    /// Skus wanted, each once, ascending.
    slots: Vec<SkuIndex>,
    /// Free units by node, a value per slot.
    free: Vec<u32>,
    fenced: Vec<(NodeIndex, FenceReason)>,
    scales: Scales,
    /// Bytes of evidence that each destination may have.
    evidence_max: usize,
    /// What cells of skus with limits show.
    shown: Shown,
    /// Whether earlier destinations took what was listed last could use.
    is_contested: bool,
}

/// The delivery method for which carriers are asked.
pub const SHIPPED: &str = "ship";

/// Most values by node and sku whose memory is kept for the next order.
const KEPT_MAX: usize = 1 << 18;

/// Bytes of a node that evidence names as fenced where it holds nothing else.
const FENCED_BYTES: usize = 8;

/// What is to be routed.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The order's lines.
    pub lines: &'a [PlacedLine],
    /// Which units of them.
    pub units: &'a [LineUnits],
    /// Units beside these that limits keep back: what leaving a line costs is paid by those.
    pub behind: &'a [LineUnits],
    /// Destination of each group, where it is known.
    pub destinations: &'a [Option<Position>],
    /// The same as they were captured.
    pub to: &'a [Destination],
    /// When it was ordered.
    pub placed_at: WallTime,
    /// When it is sourced.
    pub at: WallTime,
    /// The same by the journal's clock: what was learned is told as of then.
    pub known_at: JournalTime,
    /// Until when it is kept back, if somebody asked for that.
    pub release_at: Option<WallTime>,
    /// What else is known of when it is to leave and to be there.
    pub dates: Dates,
    /// Nodes that have a place again of the day when this is sourced, each as often as it has: those of an edit's own.
    pub leaving: &'a [NodeIndex],
    /// Destinations of shipments that the order has already, of each as often as there are.
    pub earlier: &'a [u16],
    /// Nodes that may not be asked.
    pub fenced: &'a [NodeIndex],
    /// The node that is asked before all others.
    pub preferred: Option<NodeIndex>,
    /// The only one that may be asked, where the customer comes to it.
    pub only: Option<NodeIndex>,
    /// How groups of its lines reach the customer, those that do not as the order does.
    pub ways: &'a [Way],
    /// Slots that its lines have: what they are is done there.
    pub bookings: &'a [Booking],
    /// Units that count as free although a reservation holds them.
    pub own: &'a BTreeMap<CellKey, u32>,
    /// How many units of a word count: as a rule the free ones.
    pub counts: fn(&Word) -> u32,
    /// The same of a limits record.
    pub counting: Counting,
    /// For whom.
    pub whose: Whose,
    /// For whom the units are that a reservation holds; nobody's are the queue's.
    pub own_whose: Whose,
    /// The rules.
    pub rules: &'a AppliedRules,
    /// Those of groups that go by others.
    pub others: &'a [(u16, Arc<AppliedRules>)],
    /// How it reaches the customer.
    pub method: &'a str,
}

impl Wanted<'_> {
    /// Units of a cell that its own reservation holds.
    pub fn owned(&self, cell: CellKey) -> u32 {
        self.own.get(&cell).copied().unwrap_or(0)
    }

    /// Whether limits keep back units of a line.
    pub fn is_short(&self, line: u16) -> bool {
        self.behind.iter().any(|own| own.line == line)
    }

    /// When work on it may begin.
    pub fn work_at(&self) -> WallTime {
        self.release_at.map_or(self.at, |release| release.max(self.at))
    }

    /// Whether carriers take it there.
    pub fn ships(&self) -> bool {
        self.method == SHIPPED
    }

    /// Whether a shipment has units of cells, and so is work of its node.
    pub fn has_stock(&self, shipment: &Routed) -> bool {
        shipment.assignment.lines.iter().any(|u| self.lines[usize::from(u.line)].stocked)
    }
}

/// A node that could handle no more on its day.
#[derive(Clone, Copy, Debug)]
pub struct Full {
    /// Which.
    pub node: NodeIndex,
    /// Shipments of the same order that it was to have before, not counted yet.
    pub own: i64,
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
    /// Shipments by group, then node; where groups go by different versions, those of one after those of the other.
    pub shipments: Vec<Routed>,
    /// What cannot be filled.
    pub unfilled: Vec<LineUnits>,
    /// Nodes that could handle no more on that day.
    pub full: Vec<Full>,
    /// All of it as a decision.
    pub decision: Decision,
    /// The first destination of which it is told what was seen.
    told: Option<u16>,
    /// Whether a destination lacked what an earlier one took.
    is_contested: bool,
    /// What units of several destinations cost at least, whatever ships them: below 0 where they are worth more to be rid of.
    least: i64,
}

impl Route {
    /// Keeps what was seen of a destination; what was booked before stays with it.
    fn tell(&mut self, group: u16, seen: Evidence) {
        let evidence = Arc::make_mut(&mut self.decision.evidence);
        let Some(own) = self.told else {
            self.told = Some(group);
            let ruled = std::mem::take(&mut evidence.ruled);
            let before = std::mem::replace(evidence, Evidence { ruled, ..seen });
            return before.weighed().into_iter().for_each(|booked| evidence.add(booked));
        };
        let others = evidence.others.get_or_insert_with(|| Box::new(Others { own, parts: Vec::new() }));
        if others.parts.len() + 1 < EVIDENCE_GROUPS_MAX {
            others.parts.push((group, seen));
        }
    }
}

/// Routes every group in turn; a later group sees what the earlier ones left.
pub fn route(network: &Network, wanted: &Wanted<'_>) -> Route {
    if network.limits.is_empty() { route_units(network, wanted) } else { within::route(network, wanted) }
}

/// Whether a node may supply the buyer.
fn is_candidate(network: &Network, wanted: &Wanted<'_>, node: NodeIndex) -> bool {
    fence(network, wanted, network.catalogue.is_narrowed(wanted.whose), node).is_none()
}

/// Why a node may not supply the buyer, who may be served by some nodes only (`narrowed`).
#[inline]
fn fence(network: &Network, wanted: &Wanted<'_>, narrowed: bool, node: NodeIndex) -> Option<FenceReason> {
    match () {
        () if !network.supplies(node) => Some(FenceReason::Inactive),
        () if wanted.fenced.contains(&node) => Some(FenceReason::RejectedThisOrder),
        () if wanted.only.is_some_and(|only| only != node) => Some(FenceReason::NotChosen),
        () if narrowed && !network.catalogue.serves(wanted.whose, node) => Some(FenceReason::NotOfChannel),
        () => None,
    }
}

fn route_units(network: &Network, wanted: &Wanted<'_>) -> Route {
    let mut groups: Vec<u16> = wanted.units.iter().map(|units| group_of(wanted, units)).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut route = empty(network, wanted);
    let mut gone = (groups.len() > 1).then(HashMap::new);
    let evidence_max = EVIDENCE_BYTES_MAX / groups.len().clamp(1, EVIDENCE_GROUPS_MAX);
    if wanted.others.is_empty() {
        route_groups(network, wanted, (&groups, evidence_max), &mut gone, &mut route);
    } else {
        route_by_rules(network, wanted, (&mut groups.clone(), evidence_max), &mut gone, &mut route);
    }
    if route.is_contested {
        several::bound_by_each_alone(network, wanted, &groups, &mut route);
    }
    route
}

/// Routes groups of which some go by other rules.
fn route_by_rules(
    network: &Network,
    wanted: &Wanted<'_>,
    (groups, evidence_max): (&mut Vec<u16>, usize),
    gone: &mut Option<HashMap<CellKey, u32>>,
    route: &mut Route,
) {
    // What the kernel in full decides comes first: its sums stand with the evidence of the first group.
    groups.sort_by_key(|group| wanted.rules_of(*group).weights.is_none());
    while let Some(first) = groups.first() {
        let rules = wanted.rules_of(*first);
        let alike: Vec<u16> = groups.extract_if(.., |group| is_same(wanted.rules_of(*group), rules)).collect();
        route_groups(network, wanted, (&alike, evidence_max), gone, route);
    }
}

fn group_of(wanted: &Wanted<'_>, units: &LineUnits) -> u16 {
    wanted.lines[usize::from(units.line)].group
}

/// Routes groups that go by the same rules.
fn route_groups(
    network: &Network,
    wanted: &Wanted<'_>,
    (groups, evidence_max): (&[u16], usize),
    gone: &mut Option<HashMap<CellKey, u32>>,
    route: &mut Route,
) {
    let weights = groups.first().and_then(|first| wanted.rules_of(*first).weights.as_ref());
    let before = weights.filter(|weights| weights.complete).map(|_| Before::of(route));
    for group in groups.iter().copied() {
        let own = wanted.has_groups().then(|| wanted.of_group(group));
        let wanted = own.as_ref().unwrap_or(wanted);
        let mine = wanted.units.iter().filter(|units| group_of(wanted, units) == group);
        let (stocked, free): (Vec<_>, Vec<_>) = mine.partition(|u| wanted.lines[usize::from(u.line)].stocked);
        if !free.is_empty() {
            route_without_stock(network, wanted, group, free, route);
        }
        if !stocked.is_empty() {
            ROUTING.with_borrow_mut(|routing| {
                routing.evidence_max = evidence_max;
                routing.route(network, wanted, group, &stocked, gone, route);
                if routing.free.len() > KEPT_MAX {
                    *routing = Routing::default();
                }
            });
        }
    }
    if let Some(before) = before {
        before.withhold(network, wanted, groups, route);
    }
}

/// The route of an order that may go nowhere any more: all of it waits.
pub fn nowhere(network: &Network, wanted: &Wanted<'_>) -> Route {
    let mut route = empty(network, wanted);
    left::leave(network, wanted, wanted.units, &mut route);
    route
}

/// The versions of groups that go by others than the order.
fn ruled(wanted: &Wanted<'_>) -> Vec<Ruled> {
    let of = |(group, rules): &(u16, Arc<AppliedRules>)| Ruled {
        group: *group,
        rule_set: rules.name.clone(),
        version: rules.version,
    };
    wanted.others.iter().map(of).collect()
}

fn empty(network: &Network, wanted: &Wanted<'_>) -> Route {
    let nodes = network.catalogue.nodes().len() as u32;
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
        evidence: Arc::new(Evidence { nodes, ruled: ruled(wanted), ..Evidence::default() }),
    };
    let (shipments, unfilled, full) = (Vec::new(), Vec::new(), Vec::new());
    Route { shipments, unfilled, full, decision, told: None, is_contested: false, least: 0 }
}

/// Services and downloads: the virtual node supplies them, free of charge; what has a slot is done where that is, as long
/// as the node has not refused it.
fn route_without_stock(network: &Network, wanted: &Wanted<'_>, group: u16, units: Vec<LineUnits>, route: &mut Route) {
    let booked = |u: &LineUnits| wanted.bookings.iter().find(|booking| booking.line == u.line).map(|b| b.node);
    let mut there: BTreeMap<NodeIndex, Vec<LineUnits>> = BTreeMap::new();
    let mut anywhere = Vec::new();
    for u in units {
        match booked(&u) {
            Some(node) => there.entry(node).or_default().push(u),
            None => anywhere.push(u),
        }
    }
    for (node, lines) in there {
        if wanted.fenced.contains(&node) {
            left::leave(network, wanted, &lines, route);
            continue;
        }
        let assignment = Assignment { node, lines, cost: 0 };
        route.decision.assignments.push(assignment.clone());
        route.shipments.push(Routed { group, assignment });
    }
    if !anywhere.is_empty() {
        route_anywhere(network, wanted, group, &anywhere, route);
    }
}

fn route_anywhere(network: &Network, wanted: &Wanted<'_>, group: u16, units: &[LineUnits], route: &mut Route) {
    match network.catalogue.virtual_node() {
        Some(node) => {
            let assignment = Assignment { node, lines: units.to_vec(), cost: 0 };
            route.decision.assignments.push(assignment.clone());
            route.shipments.push(Routed { group, assignment });
        }
        None => left::leave(network, wanted, units, route),
    }
}

impl Routing {
    /// Routes the stocked lines of one group. `gone` is what earlier groups took, where there are several.
    fn route(
        &mut self,
        network: &Network,
        wanted: &Wanted<'_>,
        group: u16,
        units: &[LineUnits],
        gone: &mut Option<HashMap<CellKey, u32>>,
        route: &mut Route,
    ) {
        let destination = wanted.destinations.get(usize::from(group)).copied().flatten();
        let earlier = route.shipments.iter().filter(|shipment| wanted.has_stock(shipment));
        let earlier = earlier.map(|shipment| shipment.assignment.node);
        let fencing = Fencing::of(network, wanted.rules, shipment(wanted, group, destination), units, earlier);
        let fencing = fencing.as_ref();
        if wanted.own.is_empty() || network.limits.is_empty() {
            return self.route_shown(network, wanted, (group, units), (destination, fencing), gone, route);
        }
        let question = Question { network, wanted, group, units, destination, fencing, gone: gone.as_ref() };
        let relaxed = self.allot(&question, route);
        self.route_shown(network, wanted, (group, units), (destination, fencing), gone, route);
        self.shown = Shown::InTurn;
        if let Some(relaxed) = relaxed {
            relaxed.tell(wanted, route);
        }
    }

    /// Routes them by what cells show.
    fn route_shown(
        &mut self,
        network: &Network,
        wanted: &Wanted<'_>,
        (group, units): (u16, &[LineUnits]),
        (destination, fencing): (Option<Position>, Option<&Fencing<'_>>),
        gone: &mut Option<HashMap<CellKey, u32>>,
        route: &mut Route,
    ) {
        self.list(network, wanted, units, destination, (fencing, gone.as_ref()));
        route.is_contested |= self.is_contested;
        if let Some(fencing) = fencing.filter(|_| wanted.rules.minds_capacity()) {
            let full = self.fenced.iter().filter(|(_, reason)| *reason == FenceReason::AtCapacity);
            route.full.extend(full.map(|(node, _)| Full { node: *node, own: fencing.own(*node) }));
            route.is_contested |= gone.is_some() && route.full.iter().any(|full| full.own > 0);
        }
        if let Some(weights) = &wanted.rules.weights {
            let asked = weighed::asked(network, wanted, weights, (group, units));
            return self.weigh(&asked, wanted, (fencing, gone), route);
        }
        let rest = wanted.preferred.and_then(|node| self.prefer(wanted, node, (group, units), gone, route));
        let units = rest.as_deref().unwrap_or(units);
        if rest.is_some() {
            if units.is_empty() {
                return self.tell_preferred(wanted.preferred, (group, destination), route);
            }
            self.list(network, wanted, units, destination, (fencing, gone.as_ref()));
            self.leave_out(wanted.preferred);
        }
        let Self { workspace, problem, plan, fenced, evidence_max, .. } = self;
        let split = problem.tariff.split;
        let full = match wanted.rules.shipments_max {
            Some(most) => {
                let most = usize::from(most).saturating_sub(usize::from(rest.is_some()));
                solve_within(problem, most, workspace, plan)
            }
            None => {
                solve_into(problem, workspace, plan);
                None
            }
        };
        let split = if rest.is_some() && !plan.assignments.is_empty() { split } else { 0 };
        ship(wanted, problem, plan, (group, units), gone, route);
        let unfilled =
            plan.unfilled.iter().map(|u| LineUnits { line: units[u.line as usize].line, quantity: u.quantity });
        route.unfilled.extend(unfilled.clone());
        route.decision.unfilled.extend(unfilled);
        account(plan, &mut route.decision);
        add_split(split, &mut route.decision);
        let nodes = network.catalogue.nodes().len() as u32;
        let seen = Evidence::of((problem, plan), units, fenced, nodes, *evidence_max);
        let seen = Evidence { destination, ..seen };
        route.tell(
            group,
            match full {
                Some(full) => seen.weighed_by_tariff(&full),
                None => seen,
            },
        );
    }

    /// States the problem: what is wanted, and who could supply it.
    fn list(
        &mut self,
        network: &Network,
        wanted: &Wanted<'_>,
        units: &[LineUnits],
        destination: Option<Position>,
        (fencing, gone): (Option<&Fencing<'_>>, Option<&HashMap<CellKey, u32>>),
    ) {
        self.list_lines(network, wanted, units);
        self.read_cells(network, wanted, fencing, gone);
        self.list_candidates(network, wanted, fencing, destination);
    }

    /// Starts the problem: the skus wanted, and what each line needs of them.
    fn list_lines(&mut self, network: &Network, wanted: &Wanted<'_>, units: &[LineUnits]) {
        let Self { problem, slots, .. } = self;
        let placed = |u: &LineUnits| &wanted.lines[usize::from(u.line)];
        slots.clear();
        slots.extend(units.iter().flat_map(|u| pieces(placed(u))).map(|(sku, _)| sku));
        slots.sort_unstable();
        slots.dedup();
        problem.clear(slots.len(), wanted.rules.tariff);
        for u in units {
            let placed = placed(u);
            let unit_weight_g = unit_weight_g(network, placed);
            let slot_of = |sku: SkuIndex| slots.binary_search(&sku).expect("every wanted sku has a slot") as u16;
            let needs = pieces(placed).map(|(sku, n)| Need { slot: slot_of(sku), per_unit: n });
            problem.add_line(u.quantity, unit_weight_g, needs);
        }
    }

    /// Reads the cells of every sku wanted.
    fn read_cells(
        &mut self,
        network: &Network,
        wanted: &Wanted<'_>,
        fencing: Option<&Fencing<'_>>,
        gone: Option<&HashMap<CellKey, u32>>,
    ) {
        let may_ship =
            |node| is_candidate(network, wanted, node) && fencing.is_none_or(|fencing| fencing.reason(node).is_none());
        let Self { slots, free, problem, shown, is_contested, .. } = self;
        *is_contested = false;
        let by_shelf = gone.is_some() && wanted.rules.weights.as_ref().is_some_and(Weights::prices_by_shelf);
        free.clear();
        free.resize(network.catalogue.nodes().len() * slots.len(), 0);
        for (slot, &sku) in slots.iter().enumerate() {
            // Beside units of one's own the plan might take others instead: it sees no more than may be taken.
            let limited = network.limits.of(sku).filter(|_| !wanted.own.is_empty());
            let in_turn = limited.filter(|_| matches!(shown, Shown::InTurn));
            let mut most = in_turn.map(|limited| limited.most(wanted.whose, wanted.counting));
            for cell in network.sku(sku).cells.iter() {
                let mut units = (wanted.counts)(&cell.word);
                if let Some(most) = most.as_mut().filter(|_| may_ship(cell.node)) {
                    units = units.min(*most);
                    *most -= units;
                }
                let key = CellKey { sku, node: cell.node };
                if !wanted.own.is_empty() {
                    units += wanted.owned(key);
                }
                let gone = gone.and_then(|gone| gone.get(&key));
                if let Some(gone) = gone {
                    let left = units.saturating_sub(*gone);
                    let asks = asked(problem, slot);
                    *is_contested |= left.min(asks) < units.min(asks) || by_shelf && left < units;
                    units = left;
                }
                if let (Some(_), Shown::Allotted(allotted)) = (limited, &*shown) {
                    let own_left = wanted.owned(key).saturating_sub(gone.copied().unwrap_or(0));
                    units = units.min(own_left + allotted.get(&key).copied().unwrap_or(0));
                }
                free[cell.node.at() * slots.len() + slot] = units;
            }
        }
    }

    /// Ends the problem: of the nodes that have any those that may supply, by index, with their distance.
    fn list_candidates(
        &mut self,
        network: &Network,
        wanted: &Wanted<'_>,
        fencing: Option<&Fencing<'_>>,
        destination: Option<Position>,
    ) {
        let Self { problem, slots, free, fenced, .. } = self;
        fenced.clear();
        let to = destination.map(Place::from);
        let narrowed = network.catalogue.is_narrowed(wanted.whose);
        for (node, row) in (0..).map(NodeIndex).zip(free.chunks_exact(slots.len())) {
            if row.iter().all(|&units| units == 0) {
                continue;
            }
            let reason = fence(network, wanted, narrowed, node);
            if let Some(reason) = reason.or_else(|| fencing.and_then(|fencing| fencing.reason(node))) {
                fenced.push((node, reason));
                continue;
            }
            let distance_m = to.map_or(0, |to| network.catalogue.place(node).metres_to(&to));
            problem.add_candidate(Candidate::new(node.0, distance_m), row.iter().copied());
        }
    }
}

/// Writes the shipments of a plan into the route.
fn ship(
    wanted: &Wanted<'_>,
    problem: &Problem,
    plan: &Plan,
    (group, units): (u16, &[LineUnits]),
    gone: &mut Option<HashMap<CellKey, u32>>,
    route: &mut Route,
) {
    for assigned in &plan.assignments {
        let node = NodeIndex(problem.candidates[assigned.candidate as usize].node);
        let parts = plan.parts_of(assigned).iter();
        let lines = parts.map(|p| LineUnits { line: units[p.line as usize].line, quantity: p.quantity }).collect();
        let assignment = Assignment { node, lines, cost: assigned.cost };
        assign(wanted, group, assignment, gone, route);
    }
}

/// Writes a shipment into the route.
fn assign(
    wanted: &Wanted<'_>,
    group: u16,
    assignment: Assignment,
    gone: &mut Option<HashMap<CellKey, u32>>,
    route: &mut Route,
) {
    let node = assignment.node;
    if let Some(gone) = gone {
        for u in &assignment.lines {
            for (sku, quantity) in pieces(&wanted.lines[usize::from(u.line)]) {
                *gone.entry(CellKey { sku, node }).or_default() += quantity * u.quantity;
            }
        }
    }
    route.decision.assignments.push(assignment.clone());
    route.shipments.push(Routed { group, assignment });
}

/// Pieces of a slot that all lines together ask for.
fn asked(problem: &Problem, slot: usize) -> u32 {
    let lines = problem.lines.iter().enumerate();
    let of_line = |(line, own): (usize, &DemandLine)| {
        let needs = problem.needs_of(line).iter().filter(|need| usize::from(need.slot) == slot);
        needs.map(|need| need.per_unit.saturating_mul(own.quantity)).fold(0, u32::saturating_add)
    };
    lines.map(of_line).fold(0, u32::saturating_add)
}

/// What was listed, with one candidate alone.
fn alone(listed: &Problem, at: usize) -> Problem {
    Problem { candidates: vec![listed.candidates[at]], available: listed.has(at).to_vec(), ..listed.clone() }
}

/// What a group is before the fences of a rule set.
fn shipment<'a>(wanted: &Wanted<'a>, group: u16, position: Option<Position>) -> Shipment<'a> {
    let (lines, placed_at, at, work_at) = (wanted.lines, wanted.placed_at, wanted.at, wanted.work_at());
    let (known_at, leaving, dates) = (wanted.known_at, wanted.leaving, wanted.dates);
    Shipment {
        to: wanted.to.get(usize::from(group)),
        position,
        lines,
        placed_at,
        at,
        known_at,
        work_at,
        dates,
        leaving,
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

/// The others ship beside the preferred node: that is a split more, in every plan.
fn add_split(split: i64, decision: &mut Decision) {
    decision.cost.amount += split;
    decision.lower_bound += split;
    decision.terms.split += split;
}
