//! From an order and the rules that weigh it to the problem of the kernel in full, and back: what nodes and carriers ask,
//! and the plan in money by term.
//!
//! **Parcels.** A node sends one parcel to a destination, and more only where no service carries all that it could give in
//! one. A parcel goes by the service that costs least over price and days; what one asks is folded into a table by weight
//! before the kernel sees it, so a decision is as quick with fifty services as with one.
//!
//! **Weight.** A parcel is billed by the larger of its grams and its volume over the service's divisor, both summed over its
//! units, and its most weight counts grams alone; so a unit counts with both (`loads`). Of an order with too many sums of
//! them each unit counts with what the strictest service makes of it, and so does a surcharge for long pieces that only some
//! of the lines are: then no price is too low and nothing is claimed to be proven. Weight ends brackets where any service
//! changes its price; of more than [`BRACKETS_MAX`] some are joined, with the same proviso. Where services tell what greenhouse
//! gas their parcels make, each weight that a parcel of the order can have is a bracket of its own; where these are too many,
//! that of a parcel is told as if it weighed what its bracket ends with, with the same proviso.
//!
//! **Who is asked.** Carriers, for what is shipped, where the rules weigh prices or days and there is a carrier at all; a
//! node that no service leaves in time is then no candidate. Days late count from the day that the order names, else from its own, by the node's calendar;
//! what was learned of a service's days on the way is added to what they cost, not to the date it has to keep.
//!
//! Bounds: charges beyond the kernel's figures count as its largest. An order whose figures together are too large for it
//! is weighed in coarser ones, and one of so many units that not even that helps not at all ([`Scales::state`]).
//!
//! What is *not* here: who may ship at all and what there is (`routing`, `fences`), and the choice (`sourcing::costed`).

mod landed;
mod loads;
mod tariffs;
mod units;

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;

use self::loads::{Loads, sums};
use self::tariffs::{Tariffs, ends_of_brackets, services, ways_of_weighing};
use super::fences::Shipment;
use super::network::Network;
use super::shipping::sent;
use super::workload::day_of_work;
use crate::domain::carrier::Shipping;
use crate::domain::carrier::quote::There;
use crate::domain::carrier::rates::Parcel;
use crate::domain::carrier::zones::Prefix;
use crate::domain::decision::{Assignment, Evidence, FenceReason, LineUnits};
use crate::domain::ids::{NodeIndex, SkuIndex, Text};
use crate::domain::quantity::Quantity;
use crate::domain::recording::{Recorder, Weighing};
use crate::domain::rules::Unfilled;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::weights::Weights;
use crate::domain::sourcing::costed::{Cause, FIGURE_MAX, Filling, Offer, Plan, Problem, Rates, Workspace, solve_into};
use crate::domain::sourcing::{DemandLine, Problem as Listed};
use crate::domain::weighed::{Ahead, COST_TERMS, Carried, CostTerm, Priced, WeighedLine, WeighedNode, nearest_first};

/// Most brackets of weight.
const BRACKETS_MAX: usize = 1_024;

/// Even brackets beside those of prices where greenhouse gas is a cost of services and weights are too many to be told.
const STEPS: u64 = 256;

/// Grams that any parcel is below where nobody asks what it weighs.
const ANY_WEIGHT_G: u64 = u64::MAX >> 1;

/// What a unit costs, term by term.
const UNIT_TERMS: [CostTerm; 3 + units::TERMS.len()] = {
    let [cost, scarcity, markdown, short, ahead] = units::TERMS;
    [CostTerm::Handling, CostTerm::Distance, CostTerm::Carbon, cost, scarcity, markdown, short, ahead]
};

/// Halvings after which no figure is left.
const HALVINGS_MAX: u32 = 42;

/// What is weighed.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Nodes, items, carriers.
    pub network: &'a Network,
    /// The rules.
    pub rules: &'a AppliedRules,
    /// What they weigh.
    pub weights: &'a Weights,
    /// Whereto, and when that is decided.
    pub shipment: Shipment<'a>,
    /// Units wanted, line by line as they were listed.
    pub units: &'a [LineUnits],
    /// Units of the same lines that are left whatever is decided: what leaving a line costs is paid by those.
    pub behind: &'a [LineUnits],
    /// Which destination that is.
    pub group: u16,
    /// Whether carriers take it there.
    pub ships: bool,
    /// Parcels that are decided already, of those the rules allow.
    pub sent: u32,
    /// Whether something goes there already, so that every parcel is one beyond the first.
    pub follows: bool,
}

impl Asked<'_> {
    /// The day by which it is wanted, where the rules keep out whoever comes later.
    fn wanted_by(&self) -> Option<Date> {
        self.shipment.dates.arrives_by.filter(|_| self.weights.arrives_by_wanted)
    }
}

/// Memory of the weighing, kept from order to order.
#[derive(Default)]
pub struct Scales {
    problem: Problem,
    plan: Plan,
    workspace: Workspace,
    lines: Vec<WeighedLine>,
    /// Candidates in the kernel's order.
    nodes: Vec<Candidate>,
    up_to_g: Vec<u64>,
    /// What all of them are told in.
    loads: Loads,
    /// What differs from node to node is few tables.
    tables: Vec<Table>,
    /// What units cost where they lie, by listed node and line, where the rules ask.
    own: Vec<units::Figures>,
    /// Carrier and service by number.
    services: BTreeMap<usize, (Text, Text)>,
    /// Whether greenhouse gas is a cost of services: some of them say what theirs is.
    by_service: bool,
    /// Nothing was taken for dearer than it is.
    is_exact: bool,
    /// How often figures were halved to be told to the kernel.
    halvings: u32,
    recorder: Recorder,
    /// Places of `nodes` among those that were listed.
    places: Vec<u32>,
}

/// A node that may ship.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    node: NodeIndex,
    /// Its place among those that were listed.
    listed: usize,
    metres: u64,
    table: usize,
    parcels_max: u32,
    parcel: ParcelCosts,
    handling_unit: i64,
}

/// What a parcel costs whoever carries it, by term.
#[derive(Clone, Copy, Debug, Default)]
struct ParcelCosts {
    per_shipment: i64,
    distance: i64,
    carbon: i64,
    handling: i64,
    priority: i64,
    load: i64,
    ahead: i64,
}

/// What a parcel costs by bracket of weight ([`Rates::NONE`] where nobody carries it), and by which service it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    costs: Vec<i64>,
    chosen: Vec<Chosen>,
}

/// A service for a parcel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Chosen {
    /// Number among all services; none where nobody asks.
    service: Option<usize>,
    price: i64,
    late: i64,
    carbon: i64,
}

/// A plan, in money by term.
#[derive(Clone, Debug, Default)]
pub struct Weighted {
    /// What leaves where, by node.
    pub assignments: Vec<Assignment>,
    /// What nobody ships, line by line.
    pub unfilled: Vec<LineUnits>,
    /// Of that, what would cost more to fill.
    pub uneconomic: Vec<LineUnits>,
    /// Cost by term, in the order of [`CostTerm`].
    pub amounts: [i64; COST_TERMS],
    /// Who carries it.
    pub carried: Vec<Carried>,
    /// In how many parcels.
    pub parcels: u32,
    /// No plan costs less.
    pub lower_bound: i64,
    /// Whether it is proven best.
    pub optimal: bool,
}

impl Weighted {
    /// Cost of the plan.
    pub fn cost(&self) -> i64 {
        self.amounts.iter().copied().fold(0, i64::saturating_add)
    }

    /// So much more for a term.
    pub fn add(&mut self, term: CostTerm, amount: i64) {
        let known = &mut self.amounts[term as usize];
        *known = known.saturating_add(amount);
    }

    /// Leaves a term out, as it is told elsewhere.
    pub fn forget(&mut self, term: CostTerm) {
        self.amounts[term as usize] = 0;
        self.lower_bound = self.lower_bound.min(self.cost());
    }
}

impl Scales {
    /// States the problem of listed lines and nodes. Answers who of them may not ship and why; `None` when the order is
    /// beyond the kernel's figures.
    pub fn state(&mut self, asked: &Asked<'_>, listed: &Listed) -> Option<Vec<(NodeIndex, FenceReason)>> {
        self.is_exact = true;
        self.services.clear();
        self.tables.clear();
        units::list(asked, listed, &mut self.own);
        let shipping = network_shipping(asked);
        let says = |shipping: &Shipping| services(shipping).any(|service| service.carbon.is_some());
        self.by_service = asked.weights.carbon_per_kg > 0 && shipping.is_some_and(says);
        let bodies = self.weigh_lines(asked, listed, shipping);
        if !self.loads.is_by_size() {
            self.lay_brackets(asked, listed, shipping);
        }
        let to = asked.shipment.to;
        let there = There {
            country: to.map_or("", |to| &*to.country),
            code: to.and_then(|to| Prefix::of(&to.postal_prefix)),
            position: asked.shipment.position,
        };
        let learns = asked.weights.late_per_day > 0 && !asked.network.learned.transits.is_empty();
        let delays = learns.then(HashMap::new);
        let longest_mm = bodies.iter().map(|body| body.longest_mm).max().unwrap_or(0);
        let loads = self.loads;
        let by_service = self.by_service;
        let of = |shipping| Tariffs {
            shipping,
            asked,
            to: there,
            loads,
            longest_mm,
            by_service,
            rows: HashMap::new(),
            delays,
        };
        let mut tariffs = shipping.map(of);
        let mut out = Vec::new();
        self.nodes.clear();
        let seen = listed.candidates.iter().map(|candidate| (NodeIndex(candidate.node), candidate.distance_m.into()));
        for at in nearest_first(seen) {
            match self.candidate(asked, listed, at, tariffs.as_mut()) {
                Ok(candidate) => self.nodes.push(candidate),
                Err(reason) => out.push((NodeIndex(listed.candidates[at].node), reason)),
            }
        }
        self.halvings = (0..=HALVINGS_MAX).find(|halvings| self.build(asked, listed, *halvings))?;
        Some(out)
    }

    /// What the units of every line are to carriers.
    fn weigh_lines(&mut self, asked: &Asked<'_>, listed: &Listed, shipping: Option<&Shipping>) -> Vec<Parcel> {
        let catalogue = &asked.network.catalogue;
        let body = |(u, line): (&LineUnits, &DemandLine)| {
            let item = catalogue.item(asked.shipment.lines[usize::from(u.line)].sku);
            let one = Quantity::new(1).and_then(|one| sent(catalogue, item, one));
            Parcel { weight_g: line.unit_weight_g, ..one.map_or(Parcel::default(), |one| one.unit) }
        };
        let bodies: Vec<Parcel> = asked.units.iter().zip(&listed.lines).map(body).collect();
        // Where prices do not count, only the most that a service carries does: grams.
        let ways = shipping.filter(|_| asked.weights.shipping).map(ways_of_weighing).unwrap_or_default();
        (self.loads, self.up_to_g) = match ways.iter().all(Option::is_none) {
            true => (Loads::Grams, std::mem::take(&mut self.up_to_g)),
            false => {
                let quantities = listed.lines.iter().map(|line| line.quantity);
                Loads::of(&bodies.iter().copied().zip(quantities).collect::<Vec<_>>(), &ways)
            }
        };
        let surcharges = shipping.into_iter().flat_map(services).flat_map(|service| &service.surcharges);
        let divides = |mm: u32| bodies.iter().any(|b| b.longest_mm > mm) && bodies.iter().any(|b| b.longest_mm <= mm);
        self.is_exact &= !matches!(self.loads, Loads::Strictest(_));
        self.is_exact &= !surcharges.filter_map(|surcharge| surcharge.above_mm).any(divides);
        self.lines.clear();
        for (u, body) in asked.units.iter().zip(&bodies) {
            let placed = &asked.shipment.lines[usize::from(u.line)];
            let item = catalogue.item(placed.sku);
            let (per_line, per_unit) = shortage(asked.network, &asked.weights.unfilled, placed.sku);
            let is_short = asked.behind.iter().any(|own| own.line == u.line);
            let per_line = if is_short { 0 } else { per_line };
            let group = asked.weights.together.iter().position(|skus| skus.contains(&item.sku));
            let together = group.and_then(|group| u8::try_from(group).ok());
            let complete = asked.weights.line_complete;
            let unit_weight_g = self.loads.unit(body, &ways);
            self.lines.push(WeighedLine { unit_weight_g, per_line, per_unit, complete, together });
        }
        bodies
    }

    /// The brackets in which some parcel of this order can lie.
    fn lay_brackets(&mut self, asked: &Asked<'_>, listed: &Listed, shipping: Option<&Shipping>) {
        self.up_to_g.clear();
        let Some(shipping) = shipping else { return self.up_to_g.push(ANY_WEIGHT_G) };
        if self.by_service && self.lay_sums(listed) {
            return;
        }
        let grams =
            |(line, own): (&DemandLine, &WeighedLine)| own.unit_weight_g.saturating_mul(u64::from(line.quantity));
        let total_g = listed.lines.iter().zip(&self.lines).map(grams).fold(0, u64::saturating_add).min(ANY_WEIGHT_G);
        self.up_to_g.push(total_g);
        if self.lines.iter().any(|line| line.unit_weight_g == 0) {
            self.up_to_g.push(0);
        }
        for service in services(shipping) {
            let most = total_g.min(self.loads.most(service.max_weight_g));
            self.up_to_g.push(most);
            if asked.weights.shipping {
                self.is_exact &= ends_of_brackets(service, most, &mut self.up_to_g);
            }
        }
        if self.by_service {
            // Greenhouse gas grows with every gram: that of a bracket is told for its end.
            self.is_exact = false;
            self.up_to_g.extend((1..STEPS).map(|step| total_g / STEPS * step));
        }
        self.up_to_g.sort_unstable();
        self.up_to_g.dedup();
        let each = self.up_to_g.len().div_ceil(BRACKETS_MAX);
        if each > 1 {
            self.is_exact = false;
            let last = self.up_to_g.len() - 1;
            let mut at = 0..;
            self.up_to_g.retain(|_| at.next().is_some_and(|at: usize| at % each == each - 1 || at == last));
        }
    }

    /// Each weight that some parcel of this order can have as a bracket of its own; false when they are too many.
    fn lay_sums(&mut self, listed: &Listed) -> bool {
        let loads = self.lines.iter().zip(&listed.lines).map(|(own, line)| (own.unit_weight_g, line.quantity));
        let sums = sums(loads).filter(|sums| sums.last().is_some_and(|most| *most <= ANY_WEIGHT_G));
        self.up_to_g.extend(sums.iter().flatten());
        sums.is_some()
    }

    /// A listed node with all it asks, or why it may not ship.
    fn candidate(
        &mut self,
        asked: &Asked<'_>,
        listed: &Listed,
        at: usize,
        tariffs: Option<&mut Tariffs<'_>>,
    ) -> Result<Candidate, FenceReason> {
        let (node, metres) = (NodeIndex(listed.candidates[at].node), u64::from(listed.candidates[at].distance_m));
        let weights = asked.weights;
        let handling = asked.network.catalogue.node(node).handling.filter(|_| weights.handling);
        let parcel = ParcelCosts {
            per_shipment: weights.per_shipment,
            distance: weights.of_distance(metres),
            carbon: if self.by_service { 0 } else { weights.carbon_parcel },
            handling: handling.map_or(0, |handling| handling.per_shipment),
            priority: if weights.priority { asked.network.catalogue.policies().priority(node) } else { 0 },
            load: if weights.asks_load() { load(asked, node) } else { 0 },
            ahead: if weights.opportunity { asked.network.catalogue.opportunity().shipment(node) } else { 0 },
        };
        let table = match tariffs {
            Some(tariffs) => tariffs.table((node, metres), &self.up_to_g, &mut self.services)?,
            None if asked.ships && (weights.arrives_within.is_some() || asked.wanted_by().is_some()) => {
                return Err(FenceReason::ArrivesTooLate);
            }
            None => Table { costs: vec![0], chosen: vec![Chosen::default()] },
        };
        let parcels_max = self.parcels_of(listed, at, &table);
        let known = self.tables.iter().position(|known| *known == table);
        let table = known.unwrap_or_else(|| {
            self.tables.push(table);
            self.tables.len() - 1
        });
        let handling_unit = handling.map_or(0, |handling| handling.per_unit);
        let candidate = Candidate { node, listed: at, metres, table, parcels_max, parcel, handling_unit };
        let Some(most) = weights.landed_cost_max else { return Ok(candidate) };
        match self.landed_cost(asked, listed, &candidate) {
            None => Err(FenceReason::NoService),
            Some(cost) if cost > most => Err(FenceReason::TooDear),
            Some(_) => Ok(candidate),
        }
    }

    fn bracket(&self, grams: u64) -> usize {
        self.up_to_g.partition_point(|up_to| *up_to < grams)
    }

    /// Builds the kernel's problem with figures that are halved so often; false when they are too large together.
    fn build(&mut self, asked: &Asked<'_>, listed: &Listed, halvings: u32) -> bool {
        let by_service = self.by_service;
        let Self { problem, lines, nodes, up_to_g, tables, own, .. } = self;
        let figure = |amount: i64| figure(amount) >> halvings;
        let weights = asked.weights;
        problem.clear(listed.slots);
        let beyond = if asked.follows { weights.split } else { 0 };
        problem.split = figure(weights.split.saturating_sub(beyond));
        problem.shipments_max = asked.rules.shipments_max.map(|most| u32::from(most).saturating_sub(asked.sent));
        problem.filling = if weights.unfilled == Unfilled::LastResort { Filling::First } else { Filling::Priced };
        problem.complete = weights.complete;
        problem.rates = Rates::new(up_to_g.clone());
        for table in tables.iter() {
            let told = |cost: &i64| if *cost == Rates::NONE { Rates::NONE } else { figure(*cost) };
            problem.rates.add_told(&table.costs.iter().map(told).collect::<Vec<i64>>());
        }
        for (number, (line, weighed)) in listed.lines.iter().zip(lines.iter()).enumerate() {
            let (per_line, per_unit) = (figure(weighed.per_line), figure(weighed.per_unit));
            let weighed = WeighedLine { per_line, per_unit, ..*weighed };
            problem.add_line(weighed.line(line.quantity), listed.needs_of(number).iter().copied());
        }
        for candidate in nodes.iter() {
            let node = WeighedNode {
                per_shipment: figure(candidate.parcel.total().saturating_add(beyond)),
                per_unit: figure(candidate.handling_unit),
                table: 0,
                parcels_max: candidate.parcels_max,
            };
            let unit_cost = |line| {
                let [_, rest @ ..] = unit_costs((weights, by_service), listed, own, candidate, line);
                signed(rest.iter().sum()) >> halvings
            };
            let offer = Offer { service: 0, table: candidate.table as u32, plus: 0 };
            problem.add_candidate(
                node.candidate(candidate.node),
                listed.has(candidate.listed).iter().copied(),
                (0..listed.lines.len()).map(unit_cost),
                [offer],
            );
        }
        self.is_exact &= halvings == 0;
        self.problem.fits()
    }

    /// What was stated: the problem, the node of every candidate, and whether nothing was taken for dearer than it is.
    pub fn stated(&self) -> (&Problem, impl Iterator<Item = NodeIndex>, bool) {
        (&self.problem, self.nodes.iter().map(|candidate| candidate.node), self.is_exact)
    }

    /// Decides what was stated.
    pub fn decide(&mut self, asked: &Asked<'_>, listed: &Listed) -> Weighted {
        solve_into(&self.problem, &mut self.workspace, &mut self.plan);
        let mut found = Weighted { parcels: self.plan.shipments.len() as u32, ..Weighted::default() };
        for sent in self.plan.shipments.chunk_by(|a, b| a.candidate == b.candidate) {
            let candidate = self.nodes[sent[0].candidate as usize];
            let mut units: BTreeMap<u16, u32> = BTreeMap::new();
            let before = found.cost();
            for parcel in sent {
                let mut grams = 0_u64;
                for part in self.plan.parts_of(parcel) {
                    let line = part.line as usize;
                    let own = unit_costs((asked.weights, self.by_service), listed, &self.own, &candidate, line);
                    let quantity = i64::from(part.quantity);
                    for (term, each) in UNIT_TERMS.into_iter().zip(own) {
                        found.add(term, each.saturating_mul(quantity));
                    }
                    grams =
                        grams.saturating_add(self.lines[line].unit_weight_g.saturating_mul(u64::from(part.quantity)));
                    *units.entry(asked.units[line].line).or_default() += part.quantity;
                }
                self.add_parcel(asked, &candidate, grams, &mut found);
            }
            let lines = units.into_iter().map(|(line, quantity)| LineUnits { line, quantity }).collect();
            let cost = found.cost().saturating_sub(before);
            found.assignments.push(Assignment { node: candidate.node, lines, cost });
        }
        found.assignments.sort_unstable_by_key(|assignment| assignment.node);
        found.carried.sort_by_key(|carried| carried.node);
        let beyond = (self.plan.shipments.len() as i64 - i64::from(!asked.follows)).max(0);
        found.add(CostTerm::Split, asked.weights.split.saturating_mul(beyond));
        self.add_unfilled(asked, &mut found);
        // Of figures that were cut or made coarser nothing is proven but that none but markdowns is below zero.
        let is_exact = self.is_exact && found.cost() == self.plan.cost;
        found.optimal = is_exact && self.plan.optimal;
        found.lower_bound = if is_exact { self.plan.lower_bound } else { self.least(asked) };
        found
    }

    fn add_parcel(&self, asked: &Asked<'_>, candidate: &Candidate, grams: u64, found: &mut Weighted) {
        let Chosen { service, price, late, carbon } = self.tables[candidate.table].chosen[self.bracket(grams)];
        let carried = [(CostTerm::Shipping, price), (CostTerm::Late, late), (CostTerm::Carbon, carbon)];
        for (term, amount) in candidate.parcel.by_term().into_iter().chain(carried) {
            found.add(term, amount);
        }
        let Some((carrier, service)) = service.and_then(|service| self.services.get(&service)) else { return };
        let is_same =
            |known: &&mut Carried| (known.node, &known.carrier, &known.service) == (candidate.node, carrier, service);
        match found.carried.iter_mut().find(is_same) {
            Some(known) => {
                known.parcels += 1;
                known.price += price;
            }
            None => found.carried.push(Carried {
                node: candidate.node,
                group: asked.group,
                carrier: carrier.clone(),
                service: service.clone(),
                parcels: 1,
                price,
            }),
        }
    }

    /// What no plan can cost less than: all units, each where it is worth most to be rid of.
    pub fn least(&self, asked: &Asked<'_>) -> i64 {
        let most_gone =
            |line: usize| self.own.iter().skip(line).step_by(asked.units.len()).map(|[_, _, gone, ..]| *gone).min();
        let of_line =
            |(line, u): (usize, &LineUnits)| most_gone(line).unwrap_or(0).saturating_mul(i64::from(u.quantity));
        asked.units.iter().enumerate().map(of_line).fold(0, i64::saturating_add)
    }

    fn add_unfilled(&self, asked: &Asked<'_>, found: &mut Weighted) {
        let add = |units: &mut Vec<LineUnits>, line: u16, quantity| match units.last_mut().filter(|u| u.line == line) {
            Some(known) => known.quantity += quantity,
            None => units.push(LineUnits { line, quantity }),
        };
        for left in &self.plan.unfilled {
            let line = asked.units[left.line as usize].line;
            add(&mut found.unfilled, line, left.quantity);
            if left.cause == Cause::Uneconomic {
                add(&mut found.uneconomic, line, left.quantity);
            }
        }
        if self.problem.filling == Filling::Priced {
            let mut charged = 0;
            for u in &found.unfilled {
                let at = asked.units.iter().position(|asked| asked.line == u.line);
                let own = at.map(|at| self.lines[at]).unwrap_or_default();
                let of_units = own.per_unit.saturating_mul(i64::from(u.quantity));
                charged = own.per_line.saturating_add(of_units).saturating_add(charged);
            }
            found.add(CostTerm::Unfilled, charged);
        }
    }

    /// What was seen, within its share of a record.
    pub fn evidence(
        &mut self,
        asked: &Asked<'_>,
        listed: &Listed,
        fenced: &[(NodeIndex, FenceReason)],
        bytes_max: usize,
    ) -> Evidence {
        self.places.clear();
        self.places.extend(self.nodes.iter().map(|candidate| candidate.listed as u32));
        let saw = Weighing {
            problem: &self.problem,
            plan: &self.plan,
            listed,
            places: &self.places,
            units: asked.units,
            fenced,
            nodes: asked.network.catalogue.nodes().len() as u32,
            minds_ahead: asked.weights.opportunity,
        };
        let mut evidence = self.recorder.evidence(&saw, bytes_max);
        evidence.destination = asked.shipment.position;
        if asked.weights.opportunity
            && let Priced::Weighed(weighed) = &mut evidence.priced
        {
            weighed.ahead = self.ahead(listed.lines.len());
        }
        evidence
    }

    /// What of the figures of candidates that were recorded is for orders to come, as the kernel was told it; nothing where
    /// none of it is.
    fn ahead(&self, lines: usize) -> Option<Box<Ahead>> {
        let told = |amount: i64| figure(amount) >> self.halvings;
        let units = |at: usize| {
            let first = self.nodes[at].listed * lines;
            self.own[first..first + lines].iter().map(|[.., ahead]| told(*ahead))
        };
        let kept = self.recorder.kept();
        let ahead = Ahead {
            per_shipment: kept.clone().map(|at| told(self.nodes[at].parcel.ahead)).collect(),
            per_unit: kept.flat_map(units).collect(),
        };
        let is_minded = ahead.per_shipment.iter().chain(&ahead.per_unit).any(|amount| *amount > 0);
        is_minded.then(|| Box::new(ahead))
    }
}

impl ParcelCosts {
    fn by_term(&self) -> [(CostTerm, i64); 7] {
        let Self { per_shipment, distance, carbon, handling, priority, load, ahead } = *self;
        [
            (CostTerm::PerShipment, per_shipment),
            (CostTerm::Distance, distance),
            (CostTerm::Carbon, carbon),
            (CostTerm::Handling, handling),
            (CostTerm::Priority, priority),
            (CostTerm::LoadBalance, load),
            (CostTerm::Opportunity, ahead),
        ]
    }

    fn total(&self) -> i64 {
        self.by_term().into_iter().fold(0, |sum, (_, amount)| sum.saturating_add(amount))
    }

    /// Of that what somebody is paid.
    fn paid(&self) -> i64 {
        let paid = self.by_term().into_iter().filter(|(term, _)| term.is_paid());
        paid.fold(0, |sum, (_, amount)| sum.saturating_add(amount))
    }
}

/// What it costs to leave any of a line, and each unit of it.
pub fn shortage(network: &Network, unfilled: &Unfilled, sku: SkuIndex) -> (i64, i64) {
    match unfilled {
        Unfilled::LastResort => (0, 0),
        Unfilled::Charged { per_line, value_share_micro } => {
            let value = i128::from(network.catalogue.item(sku).value.map_or(0, |value| value.amount));
            let share = (value * i128::from(*value_share_micro) + 500_000) / 1_000_000;
            (figure(*per_line), figure(i64::try_from(share).unwrap_or(i64::MAX)))
        }
    }
}

/// Carriers, where they are asked.
fn network_shipping<'a>(asked: &Asked<'a>) -> Option<&'a Shipping> {
    let shipping = asked.network.catalogue.shipping();
    let asks = asked.ships && (asked.weights.asks_carriers() || asked.wanted_by().is_some());
    asks.then_some(shipping).filter(|shipping| shipping.carriers().next().is_some())
}

/// What a unit of a line costs from a node, by term; no greenhouse gas where that is a cost of services.
fn unit_costs(
    (weights, by_service): (&Weights, bool),
    listed: &Listed,
    own: &[units::Figures],
    candidate: &Candidate,
    line: usize,
) -> [i64; UNIT_TERMS.len()] {
    let grams = listed.lines[line].unit_weight_g;
    let distance = weights.of_weight(candidate.metres, grams);
    let own = own.get(candidate.listed * listed.lines.len() + line).copied().unwrap_or_default();
    let [cost, scarcity, markdown, short, ahead] = own;
    let carbon = if by_service { 0 } else { weights.of_carbon(candidate.metres, grams) };
    [candidate.handling_unit, distance, carbon, cost, scarcity, markdown, short, ahead].map(signed)
}

/// What a shipment costs more from a node that has work already: as large a part of the full amount as of its day is used,
/// those aside that leave it.
fn load(asked: &Asked<'_>, node: NodeIndex) -> i64 {
    let (network, weights) = (asked.network, asked.weights);
    let known = network.catalogue.node(node);
    let handling = known.handling.filter(|_| weights.balance_handling).map_or(0, |handling| handling.per_shipment);
    let full = i128::from(weights.balance.saturating_add(handling));
    let Some(capacity) = known.capacity_per_day.map(|capacity| i128::from(capacity.max(1))) else { return 0 };
    let Some(day) = day_of_work(&network.catalogue, node, asked.shipment.work_at) else { return 0 };
    let leaving = asked.shipment.leaving.iter().filter(|leaving| **leaving == node).count() as i128;
    let used = (i128::from(network.workloads.used(node, day)) - leaving).max(0);
    i64::try_from((full * used + capacity / 2) / capacity).unwrap_or(i64::MAX)
}

/// The same where it may be below zero.
fn signed(amount: i64) -> i64 {
    amount.clamp(1 - FIGURE_MAX, FIGURE_MAX - 1)
}

/// An amount as the kernel takes it.
fn figure(amount: i64) -> i64 {
    amount.clamp(0, FIGURE_MAX - 1)
}
