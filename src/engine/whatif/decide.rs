//! A recorded plan, made again by the engine's own routing.
//!
//! What the solver saw then stands in the record: it is set as the stock of the supposed world for the time of the routing,
//! plus what is otherwise there. So two commands that ran side by side, and saw the world at an instant that no place in the
//! journal is, are decided from what they saw. Nodes of which nothing was recorded, since rules kept them out or there was
//! no room, have what they had at this place of the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::world::World;
use crate::domain::decision::{Decision, Evidence, FenceReason, LineUnits};
use crate::domain::delivery::Way;
use crate::domain::event::Event;
use crate::domain::evidence::Ruled;
use crate::domain::ids::{NodeIndex, SkuIndex, Text};
use crate::domain::order::{Allocation, Order, OrderFacts, PlacedLine};
use crate::domain::order_promise::Dates;
use crate::domain::particulars::Booking;
use crate::domain::record::Record;
use crate::domain::rules::groups::GroupRules;
use crate::domain::rules::weights::Weights;
use crate::domain::state::State;
use crate::domain::stock::CellKey;
use crate::domain::time::WallTime;
use crate::domain::weighed::Carried;
use crate::engine::cell::Word;
use crate::engine::limits::Counting;
use crate::engine::preview::Shipped;
use crate::engine::routing::{Route, Routed, SHIPPED, Wanted, leave, route};

/// One shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// From where.
    pub node: NodeIndex,
    /// To which destination.
    pub group: u16,
    /// What.
    pub lines: Vec<LineUnits>,
}

impl Leg {
    /// Of what was allocated.
    pub fn of(allocation: &Allocation) -> Self {
        Self { node: allocation.node, group: allocation.group, lines: allocation.lines.clone() }
    }

    /// Of a shipment that a decision was made of.
    pub fn of_shipped(shipped: &Shipped) -> Self {
        let units = |(line, _, quantity): &(u16, Text, u32)| LineUnits { line: *line, quantity: *quantity };
        Self { node: shipped.node, group: shipped.group, lines: shipped.lines.iter().map(units).collect() }
    }

    /// All of its units.
    pub fn units(&self) -> u64 {
        self.lines.iter().map(|u| u64::from(u.quantity)).sum()
    }
}

/// A plan as the journal has it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its shipments.
    pub legs: Vec<Leg>,
    /// Units by line that it left.
    pub unfilled: BTreeMap<u16, u32>,
    /// Who carried it.
    pub carried: Vec<Carried>,
    /// The rules that made it.
    pub rule_set: Text,
    /// Their version.
    pub rule_set_version: u32,
    /// Those of groups that went by others.
    pub ruled: Vec<Ruled>,
    /// What it cost by them.
    pub weighed: i64,
    /// Whether it is the first of its order.
    pub is_first: bool,
    evidence: Arc<Evidence>,
}

/// A plan of the supposed world.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its shipments.
    pub legs: Vec<Leg>,
    /// Units by line that it left.
    pub unfilled: BTreeMap<u16, u32>,
    /// Who carries it.
    pub carried: Vec<Carried>,
    /// What it costs by the rules that made it.
    pub weighed: i64,
}

/// What is asked of an order.
pub struct Case<'a> {
    /// What was captured.
    pub facts: &'a OrderFacts,
    /// Its lines.
    pub lines: Vec<PlacedLine>,
    fenced: &'a [NodeIndex],
    preferred: Option<NodeIndex>,
    only: Option<NodeIndex>,
    ways: &'a [Way],
    release_at: Option<WallTime>,
    /// What is known of when it is to leave and to be there.
    pub dates: Dates,
    bookings: &'a [Booking],
}

impl<'a> Case<'a> {
    /// Of an order as it stands.
    pub fn of(order: &'a Order) -> Self {
        Self {
            facts: &order.facts,
            lines: order.lines.iter().map(|line| line.placed.clone()).collect(),
            fenced: &order.fenced,
            preferred: order.preferred_node(),
            only: order.collected_at(0),
            ways: &order.ways,
            release_at: order.release_at.map(|release| release.wall),
            dates: order.dates(),
            bookings: order.bookings(),
        }
    }

    /// Whether carriers take it.
    pub fn ships(&self) -> bool {
        &*self.facts.delivery_method == SHIPPED
    }

    fn has_one_group(&self) -> bool {
        self.lines.iter().filter(|line| line.stocked).all(|line| line.group == 0)
    }
}

impl Recorded {
    /// Of a plan's event.
    pub fn of(allocations: &[Allocation], backordered: &[LineUnits], decision: &Decision, is_first: bool) -> Self {
        Self {
            legs: allocations.iter().map(Leg::of).collect(),
            unfilled: by_line(backordered),
            carried: carried(&decision.evidence),
            rule_set: decision.rule_set.clone(),
            rule_set_version: decision.rule_set_version,
            ruled: decision.evidence.ruled.clone(),
            weighed: decision.cost.amount,
            is_first,
            evidence: decision.evidence.clone(),
        }
    }

    /// Units by line that were to be sourced.
    fn wanted(&self) -> BTreeMap<u16, u32> {
        let mut wanted = self.unfilled.clone();
        for u in self.legs.iter().flat_map(|leg| &leg.lines) {
            *wanted.entry(u.line).or_default() += u.quantity;
        }
        wanted
    }

    /// Whether what the solver saw stands in the record: of one destination, and of all that was asked for.
    fn shows(&self, case: &Case<'_>) -> bool {
        !self.evidence.sight.is_empty() && case.has_one_group() && case.preferred.is_none()
    }
}

impl Made {
    fn of(route: Route) -> Self {
        let leg =
            |routed: Routed| Leg { node: routed.assignment.node, group: routed.group, lines: routed.assignment.lines };
        Self {
            unfilled: by_line(&route.unfilled),
            legs: route.shipments.into_iter().map(leg).collect(),
            carried: carried(&route.decision.evidence),
            weighed: route.decision.cost.amount,
        }
    }

    /// The recorded one itself.
    pub fn taken_over(recorded: &Recorded) -> Self {
        let Recorded { legs, unfilled, carried, weighed, .. } = recorded.clone();
        Self { legs, unfilled, carried, weighed }
    }

    /// Whether it is the recorded one: nodes, units and services.
    pub fn is(&self, recorded: &Recorded) -> bool {
        (&self.legs, &self.unfilled, &self.carried) == (&recorded.legs, &recorded.unfilled, &recorded.carried)
    }
}

/// Makes a recorded plan again; `None` when too little of it was recorded.
pub fn again(
    world: &World,
    record: &Record,
    state: &State,
    case: &Case<'_>,
    recorded: &Recorded,
    rules: &GroupRules,
) -> Option<Made> {
    let wanted = recorded.wanted();
    let stocked = wanted.keys().any(|line| case.lines[usize::from(*line)].stocked);
    let shows = recorded.shows(case);
    let went_nowhere = recorded.evidence.sight.is_empty() && !recorded.evidence.truncated;
    if stocked && !shows && (world.has_limits() || went_nowhere && case.preferred.is_none() && case.has_one_group()) {
        return None;
    }
    let (units, behind) = if shows { within(&wanted, case, &recorded.evidence) } else { (wanted, BTreeMap::new()) };
    let claims = case.facts.reservation.is_some();
    let own = if claims { world.own_units(record, state) } else { BTreeMap::new() };
    let undone = if shows { world.show(&slots(case, &units), &recorded.evidence, &own) } else { Vec::new() };
    let mut fenced = case.fenced.to_vec();
    if rules.all().any(|rules| rules.minds_capacity()) {
        let full = recorded.evidence.fenced.iter().filter(|(_, reason)| *reason == FenceReason::AtCapacity);
        fenced.extend(full.map(|(node, _)| *node));
    }
    if rules.all().any(|rules| rules.weights.as_ref().is_some_and(Weights::asks_load)) {
        let wall = record.header.wall;
        world.load(record, state, case.release_at.map_or(wall, |release| release.max(wall)));
    }
    let units: Vec<LineUnits> = listed(units);
    let left = listed(behind);
    let made = asked(world, case, (&units, &left), rules, record.header.wall, (&fenced, &own));
    world.hide(undone);
    Some(Made::of(made))
}

/// Sources units by what is there now.
pub fn anew(world: &World, case: &Case<'_>, units: BTreeMap<u16, u32>, rules: &GroupRules, wall: WallTime) -> Made {
    Made::of(asked(world, case, (&listed(units), &[]), rules, wall, (case.fenced, &BTreeMap::new())))
}

fn asked(
    world: &World,
    case: &Case<'_>,
    (units, behind): (&[LineUnits], &[LineUnits]),
    rules: &GroupRules,
    wall: WallTime,
    (fenced, own): (&[NodeIndex], &BTreeMap<CellKey, u32>),
) -> Route {
    let Case { facts, lines, preferred, only, ways, release_at, dates, bookings, .. } = case;
    let destinations: Vec<_> = facts.destinations.iter().map(|to| to.position).collect();
    let whose = world.network.catalogue.whose(Some(&facts.channel), Some(&facts.customer));
    let wanted = Wanted {
        lines,
        units,
        destinations: &destinations,
        to: &facts.destinations,
        placed_at: facts.placed_at,
        at: wall,
        known_at: world.now,
        release_at: *release_at,
        dates: *dates,
        leaving: &[],
        behind,
        earlier: &[],
        fenced,
        preferred: *preferred,
        only: *only,
        ways,
        bookings,
        own,
        counts: Word::free,
        counting: Counting::Now,
        whose,
        own_whose: whose,
        rules: &rules.own,
        others: &rules.others,
        method: &case.facts.delivery_method,
    };
    let mut route = route(&world.network, &wanted);
    leave(&world.network, &Wanted { behind: &[], ..wanted }, behind, &mut route);
    route
}

/// Units that were asked for, and those that limits of channels let nobody have.
fn within(wanted: &BTreeMap<u16, u32>, case: &Case<'_>, seen: &Evidence) -> (BTreeMap<u16, u32>, BTreeMap<u16, u32>) {
    let asked: HashMap<u16, u32> = seen.sight.lines().map(|line| (line.line, line.quantity)).collect();
    let (mut within, mut behind) = (BTreeMap::new(), BTreeMap::new());
    for (line, units) in wanted {
        let most = if case.lines[usize::from(*line)].stocked { asked.get(line).copied().unwrap_or(0) } else { *units };
        let part = most.min(*units);
        if part > 0 {
            within.insert(*line, part);
        }
        if part < *units {
            behind.insert(*line, units - part);
        }
    }
    (within, behind)
}

/// The skus of the stocked units, each once, ascending: as a solver lists them.
fn slots(case: &Case<'_>, units: &BTreeMap<u16, u32>) -> Vec<SkuIndex> {
    let skus = units.keys().flat_map(|line| case.lines[usize::from(*line)].stock(1)).map(|(sku, _)| sku);
    skus.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Units that a reservation had for the order of this record, by cell: what it claims of them and what it gives back.
pub fn claimed(record: &Record) -> BTreeMap<CellKey, u32> {
    let mut own = BTreeMap::new();
    for event in &record.events {
        if let Event::StockMoved(moved) = event
            && moved.delta.reserved < 0
            && moved.delta.pool == 0
        {
            *own.entry(moved.cell).or_default() += moved.delta.reserved.unsigned_abs();
        }
    }
    own
}

fn listed(units: BTreeMap<u16, u32>) -> Vec<LineUnits> {
    units.into_iter().map(|(line, quantity)| LineUnits { line, quantity }).collect()
}

fn by_line(units: &[LineUnits]) -> BTreeMap<u16, u32> {
    let mut sums = BTreeMap::new();
    for u in units.iter().filter(|u| u.quantity > 0) {
        *sums.entry(u.line).or_default() += u.quantity;
    }
    sums
}

fn carried(evidence: &Evidence) -> Vec<Carried> {
    evidence.weighed().map(|weighed| weighed.carried.clone()).unwrap_or_default()
}
