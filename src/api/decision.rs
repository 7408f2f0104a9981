//! Decisions: plan, cost by term, bound, and every losing node with its reason.
//!
//! Amounts of terms and assignments are integers in the currency of `cost`. Losers are computed on reading; an order's
//! reply carries the nearest of them, the decision resource all.

mod written;

use std::cell::RefCell;

use serde::Serialize;
use utoipa::ToSchema;

use super::rates::QuotedShipmentJson;
use super::scalar::{Day, Id, Instant, MoneyJson, Sku};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{PlaceLine, PlaceOrder};
use crate::domain::decision::{Assignment, Decision, Explaining, FenceReason, LineUnits, Loser, Terms, Why};
use crate::domain::ids::Text;
use crate::domain::limits::{GROUPS_IN_REPLY, LOSERS_IN_REPLY};
use crate::domain::money::Money;
use crate::domain::order::Order;
use crate::domain::sourcing::Change;
use crate::domain::supposed::{Fewer, Unminded};
use crate::domain::weighed::{Carried, Weighed};

thread_local! {
    static EXPLAINING: RefCell<Explaining> = RefCell::default();
}

/// Names the lines that a decision speaks of.
pub trait LineNames {
    /// Id and sku of the line at a position.
    fn line(&self, position: u16) -> (&Text, &Text);

    /// Which destination the line at a position goes to.
    fn group(&self, position: u16) -> u16;

    /// The key of a destination; none of the order's own.
    fn group_key(&self, group: u16) -> Option<&Text>;

    /// Sku of the component at a place of the line at a position; the line itself where it has none.
    fn piece(&self, position: u16, _at: usize) -> &Text {
        self.line(position).1
    }

    /// The node that was to be asked before all others, where there was one.
    fn preferred_node(&self) -> Option<&Text> {
        None
    }
}

/// The lines of an order.
pub struct OrderLines<'a> {
    /// The order.
    pub order: &'a Order,
    /// Where its skus are known.
    pub catalogue: &'a Catalogue,
}

impl LineNames for OrderLines<'_> {
    fn line(&self, position: u16) -> (&Text, &Text) {
        let placed = &self.order.lines[usize::from(position)].placed;
        (&placed.id, &self.catalogue.item(placed.sku).sku)
    }

    fn group(&self, position: u16) -> u16 {
        self.order.lines[usize::from(position)].placed.group
    }

    fn group_key(&self, group: u16) -> Option<&Text> {
        (group > 0).then(|| &self.order.facts.destinations[usize::from(group)].group)
    }

    fn piece(&self, position: u16, at: usize) -> &Text {
        let placed = &self.order.lines[usize::from(position)].placed;
        let sku = placed.components.get(at).map_or(placed.sku, |component| component.sku);
        &self.catalogue.item(sku).sku
    }

    fn preferred_node(&self) -> Option<&Text> {
        self.order.preferred_node().map(|node| &self.catalogue.node(node).id)
    }
}

impl LineNames for PlaceOrder {
    fn line(&self, position: u16) -> (&Text, &Text) {
        self.lines.line(position)
    }

    fn group(&self, position: u16) -> u16 {
        self.lines.group(position)
    }

    fn group_key(&self, group: u16) -> Option<&Text> {
        (group > 0).then(|| &self.destinations[usize::from(group)].group)
    }

    fn preferred_node(&self) -> Option<&Text> {
        self.wishes.preferred_node.as_ref()
    }
}

impl LineNames for [PlaceLine] {
    fn line(&self, position: u16) -> (&Text, &Text) {
        let line = &self[usize::from(position)];
        (&line.id, &line.sku)
    }

    fn group(&self, position: u16) -> u16 {
        self[usize::from(position)].group
    }

    fn group_key(&self, _: u16) -> Option<&Text> {
        None
    }
}

/// A decision.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub struct DecisionJson {
    /// Rule set that was applied.
    pub rule_set: Id,
    /// Its version.
    pub rule_set_version: u32,
    /// Destinations that are reached in another way than the order and to which other rules applied, with these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ruled: Vec<RuledJson>,
    /// The node that was asked before all others; the rule set chose among these for what it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_node: Option<Id>,
    /// Whether the plan is proven best.
    pub optimal: bool,
    /// (cost - lower bound) / the size of the lower bound, which counts as one minor unit where it is 0.
    pub gap: f64,
    /// Cost of the whole plan.
    pub cost: MoneyJson,
    /// No plan can cost less.
    pub lower_bound: MoneyJson,
    /// Cost by term.
    pub terms: Vec<TermJson>,
    /// The shipments.
    pub assignments: Vec<AssignmentJson>,
    /// What could not be filled.
    pub unfilled: Vec<UnitsJson>,
    /// Of those the units whose filling costs more than leaving them: they wait until it does not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uneconomic: Vec<UnitsJson>,
    /// Who carries it, where carriers were asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carried_by: Vec<CarriedJson>,
    /// Losing nodes, nearest first; of several destinations by what was seen of the first.
    pub rejected: Vec<LoserJson>,
    /// How many losing nodes there are, those not shown included.
    pub rejected_count: usize,
    /// The same for each of several destinations: the nodes that ship nothing there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupJson>,
    /// The best plan with at most one shipment fewer, where there are several; in the decision resource only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_shipment_fewer: Option<FewerJson>,
    /// What had been decided without the term `opportunity`, where that was not nothing; in the decision resource only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_opportunity: Option<UnmindedJson>,
}

/// The rules that applied to a destination.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RuledDestination)]
pub struct RuledJson {
    /// Its key; the order's own when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Id>,
    /// Rule set that was applied.
    pub rule_set: Id,
    /// Its version.
    pub rule_set_version: u32,
}

/// Who lost for one of several destinations.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DecisionGroup)]
pub struct GroupJson {
    /// Its key; the order's own when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Id>,
    /// Losing nodes, nearest first.
    pub rejected: Vec<LoserJson>,
    /// How many losing nodes there are, those not shown included.
    pub rejected_count: usize,
}

/// The best plan with at most one shipment fewer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OneShipmentFewer)]
pub struct FewerJson {
    /// What it costs, minor units.
    pub cost: i64,
    /// How much more than the plan that is.
    pub costs_more: i64,
    /// Whether it is proven that none with as few is better.
    pub optimal: bool,
    /// Its shipments.
    pub assignments: Vec<AssignmentJson>,
    /// What it cannot fill.
    pub unfilled: Vec<UnitsJson>,
}

/// What had been decided had nobody minded orders to come.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WithoutOpportunity)]
pub struct UnmindedJson {
    /// Whether it is the same plan.
    pub same: bool,
    /// What it costs, minor units.
    pub cost: i64,
    /// How much less than the plan that is, its term `opportunity` left out: what is paid now for orders to come.
    pub costs_less: i64,
    /// Whether it is proven that none is better.
    pub optimal: bool,
    /// Its shipments.
    pub assignments: Vec<AssignmentJson>,
    /// What it cannot fill.
    pub unfilled: Vec<UnitsJson>,
}

/// One term of the cost.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = CostTerm)]
pub struct TermJson {
    /// Its name.
    pub name: &'static str,
    /// Minor units.
    pub amount: i64,
}

/// One shipment of the plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Assignment)]
pub struct AssignmentJson {
    /// From where.
    pub node: Id,
    /// What.
    pub lines: Vec<UnitsJson>,
    /// Its cost, the split penalty not included.
    pub cost: i64,
}

/// What a carrier takes from a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CarriedShipment)]
pub struct CarriedJson {
    /// From where.
    pub node: Id,
    /// The carrier.
    pub carrier: Id,
    /// Its service, the cheapest over all terms.
    pub service: Id,
    /// Parcels.
    pub parcels: u32,
    /// What they cost together.
    pub price: i64,
}

/// Units of one line.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LineUnits)]
pub struct UnitsJson {
    /// Id of the line.
    pub line: Id,
    /// Its sku.
    pub sku: Sku,
    /// Units.
    pub quantity: u32,
}

/// A node that was not chosen.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RejectedNode)]
pub struct LoserJson {
    /// The node.
    pub node: Id,
    /// Why, in a word.
    pub reason: &'static str,
    /// Why, in words.
    pub detail: String,
    /// How much more the cheapest plan with it would cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub costlier_by: Option<i64>,
    /// Whether `costlier_by` is exact; else it is an estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<bool>,
    /// The least that would lift its fence; others, and the cost, are judged then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes_if: Option<PassesIfJson>,
    /// The smallest changes of its own, each by itself, with which it would have shipped; in the decision resource only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enters_if: Option<ChangeJson>,
    /// How far it is from the destination, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_km: Option<f64>,
}

/// What would lift the fence of a node.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PassesIf)]
pub enum PassesIfJson {
    /// It is switched on.
    Active(bool),
    /// The rules allow so many kilometres.
    WithinKm(f64),
    /// It can handle so many shipments more in a day.
    CapacityMore(u32),
}

impl PassesIfJson {
    fn of(loser: &Loser) -> Option<Self> {
        match loser.why {
            Why::Fenced(FenceReason::Inactive) => Some(Self::Active(true)),
            Why::Fenced(FenceReason::TooFar) => Some(Self::WithinKm(loser.distance_m? as f64 / 1_000.0)),
            Why::Fenced(FenceReason::AtCapacity) => Some(Self::CapacityMore(1)),
            _ => None,
        }
    }
}

/// What would have let a node ship.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EntersIf)]
pub struct ChangeJson {
    /// Its parcels together cost this much less; with one less, the plan as it is costs no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_less: Option<i64>,
    /// It has so many units more of these; with any of them less it would not ship. Not told where rules weigh `scarcity` or
    /// `short_pick`, by which units cost less where there are more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units_more: Vec<PiecesJson>,
}

/// Units of a sku.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SkuUnits)]
pub struct PiecesJson {
    /// Its sku.
    pub sku: Sku,
    /// Units.
    pub quantity: u32,
}

impl ChangeJson {
    fn of(change: &Change, decision: &Decision, lines: &(impl LineNames + ?Sized)) -> Option<Self> {
        let sku = |slot: u16| {
            let seen = decision.evidence.sight.lines();
            let mut found = seen.filter_map(|line| Some((line.line, line.needs().position(|need| need.slot == slot)?)));
            found.next().map(|(line, at)| Sku(lines.piece(line, at).clone()))
        };
        let units = change.pieces_more.iter();
        let units_more =
            units.filter_map(|(slot, quantity)| Some(PiecesJson { sku: sku(*slot)?, quantity: *quantity }));
        let units_more = units_more.collect();
        (!change.is_none()).then_some(Self { cost_less: change.cost_less, units_more })
    }
}

impl CarriedJson {
    fn of(carried: &Carried, catalogue: &Catalogue) -> Self {
        Self {
            node: Id(catalogue.node(carried.node).id.clone()),
            carrier: Id(carried.carrier.clone()),
            service: Id(carried.service.clone()),
            parcels: carried.parcels,
            price: carried.price,
        }
    }
}

impl DecisionJson {
    /// Writes the JSON of a decision with the nearest losers, without the steps in between; of many destinations it tells
    /// of the first.
    pub fn write_brief(
        out: &mut Vec<u8>,
        decision: &Decision,
        lines: &(impl LineNames + ?Sized),
        catalogue: &Catalogue,
    ) {
        EXPLAINING.with_borrow_mut(|explaining| {
            let parts = decision.by_group(|line| lines.group(line)).into_iter().take(GROUPS_IN_REPLY);
            let groups = parts.map(|(group, part)| {
                let (losers, count) = part.nearest_losers(catalogue, LOSERS_IN_REPLY, explaining);
                GroupJson { rejected_count: count, ..GroupJson::of((group, &part), lines, catalogue, losers) }
            });
            let groups: Vec<GroupJson> = groups.collect();
            let (losers, count) = decision.nearest_losers(catalogue, LOSERS_IN_REPLY, explaining);
            written::decision(out, decision, lines, catalogue, (losers, count), &groups);
        });
    }

    /// A decision with some of its losers, and how many there are; those of each of several destinations aside.
    pub fn of(
        decision: &Decision,
        lines: &(impl LineNames + ?Sized),
        catalogue: &Catalogue,
        losers: &[Loser],
        losers_count: usize,
    ) -> Self {
        let carried = decision.evidence.weighed().map_or(&[][..], |weighed: &Weighed| &weighed.carried);
        Self {
            rule_set: Id(decision.rule_set.clone()),
            rule_set_version: decision.rule_set_version,
            ruled: ruled(decision, lines).collect(),
            preferred_node: lines.preferred_node().cloned().map(Id),
            optimal: decision.optimal,
            gap: gap(decision.cost.amount, decision.lower_bound),
            cost: decision.cost.into(),
            lower_bound: Money { amount: decision.lower_bound, currency: decision.cost.currency }.into(),
            terms: terms(decision).collect(),
            assignments: AssignmentJson::all(&decision.assignments, lines, catalogue),
            unfilled: UnitsJson::all(&decision.unfilled, lines),
            uneconomic: UnitsJson::all(&decision.uneconomic(), lines),
            carried_by: carried.iter().map(|carried| CarriedJson::of(carried, catalogue)).collect(),
            rejected: losers.iter().map(|loser| LoserJson::of(loser, decision, lines, catalogue)).collect(),
            rejected_count: losers_count,
            groups: Vec::new(),
            one_shipment_fewer: None,
            without_opportunity: None,
        }
    }

    /// The same with the best plan of one shipment fewer.
    pub fn with_fewer(
        mut self,
        fewer: Option<&Fewer>,
        lines: &(impl LineNames + ?Sized),
        catalogue: &Catalogue,
    ) -> Self {
        self.one_shipment_fewer = fewer.map(|fewer| FewerJson {
            cost: fewer.cost,
            costs_more: fewer.costs_more,
            optimal: fewer.optimal,
            assignments: AssignmentJson::all(&fewer.assignments, lines, catalogue),
            unfilled: UnitsJson::all(&fewer.unfilled, lines),
        });
        self
    }

    /// The same with what had been decided without regard to orders to come.
    pub fn with_unminded(
        mut self,
        unminded: Option<&Unminded>,
        lines: &(impl LineNames + ?Sized),
        catalogue: &Catalogue,
    ) -> Self {
        self.without_opportunity = unminded.map(|own| UnmindedJson {
            same: own.is_same,
            cost: own.cost,
            costs_less: own.costs_less,
            optimal: own.optimal,
            assignments: AssignmentJson::all(&own.assignments, lines, catalogue),
            unfilled: UnitsJson::all(&own.unfilled, lines),
        });
        self
    }
}

impl GroupJson {
    /// Who lost for a destination, by the part of the decision that is of it: all of them.
    pub fn of(
        (group, part): (u16, &Decision),
        lines: &(impl LineNames + ?Sized),
        catalogue: &Catalogue,
        losers: &[Loser],
    ) -> Self {
        Self {
            group: lines.group_key(group).cloned().map(Id),
            rejected: losers.iter().map(|loser| LoserJson::of(loser, part, lines, catalogue)).collect(),
            rejected_count: losers.len(),
        }
    }
}

impl AssignmentJson {
    /// A shipment of a plan, named.
    fn of(assignment: &Assignment, lines: &(impl LineNames + ?Sized), catalogue: &Catalogue) -> Self {
        Self {
            node: Id(catalogue.node(assignment.node).id.clone()),
            lines: UnitsJson::all(&assignment.lines, lines),
            cost: assignment.cost,
        }
    }

    fn all(plan: &[Assignment], lines: &(impl LineNames + ?Sized), catalogue: &Catalogue) -> Vec<Self> {
        plan.iter().map(|assignment| Self::of(assignment, lines, catalogue)).collect()
    }
}

/// How much dearer than its bound something is at most, as a share of the size of the bound, which is taken for one minor unit
/// where it is 0: a bound may be below zero, as what is marked down is.
pub fn gap(cost: i64, lower_bound: i64) -> f64 {
    let more = i128::from(cost) - i128::from(lower_bound);
    more.max(0) as f64 / lower_bound.unsigned_abs().max(1) as f64
}

/// The cost by term: those of the tariff, or those that the kernel in full weighed.
fn terms(decision: &Decision) -> impl Iterator<Item = TermJson> + '_ {
    let weighed = decision.evidence.weighed();
    let Terms { per_shipment, distance, split } = decision.terms;
    let of_tariff = [("per_shipment", per_shipment), ("distance", distance), ("split", split)];
    // Where groups go by different rules, the kernel in full may have decided some, a tariff others.
    let by_tariff = move |name: &str| of_tariff.iter().find(|own| own.0 == name).map_or(0, |own| own.1);
    let told = weighed.map_or(&[][..], |weighed| &weighed.amounts);
    let amounts = told.iter().map(move |(term, amount)| (term.word(), amount.saturating_add(by_tariff(term.word()))));
    let is_told = move |name: &str| told.iter().any(|(term, _)| term.word() == name);
    let others =
        of_tariff.into_iter().filter(move |(name, amount)| !is_told(name) && (weighed.is_none() || *amount != 0));
    others.chain(amounts).map(|(name, amount)| TermJson { name, amount })
}

/// The versions of destinations that went by others than the order.
fn ruled<'a>(decision: &'a Decision, lines: &'a (impl LineNames + ?Sized)) -> impl Iterator<Item = RuledJson> + 'a {
    decision.evidence.ruled.iter().map(|ruled| RuledJson {
        group: lines.group_key(ruled.group).cloned().map(Id),
        rule_set: Id(ruled.rule_set.clone()),
        rule_set_version: ruled.version,
    })
}

impl UnitsJson {
    /// Units of a line, named.
    pub fn of(units: LineUnits, lines: &(impl LineNames + ?Sized)) -> Self {
        let (line, sku) = lines.line(units.line);
        Self { line: Id(line.clone()), sku: Sku(sku.clone()), quantity: units.quantity }
    }

    fn all(units: &[LineUnits], lines: &(impl LineNames + ?Sized)) -> Vec<Self> {
        units.iter().map(|units| Self::of(*units, lines)).collect()
    }
}

impl LoserJson {
    fn of(loser: &Loser, decision: &Decision, lines: &(impl LineNames + ?Sized), catalogue: &Catalogue) -> Self {
        let mut detail = Vec::with_capacity(96);
        written::detail(&mut detail, &loser.why, &written::Unit::of(decision.cost.currency));
        Self {
            node: Id(catalogue.node(loser.node).id.clone()),
            reason: written::word(&loser.why),
            detail: String::from_utf8(detail).expect("words are text"),
            costlier_by: loser.costlier_by(),
            exact: loser.costlier_by().map(|_| loser.is_exact()),
            passes_if: PassesIfJson::of(loser),
            enters_if: ChangeJson::of(&loser.change, decision, lines),
            distance_km: loser.distance_m.map(|metres| metres as f64 / 1_000.0),
        }
    }
}

/// A decision of its own, as a quote answers it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Quote {
    /// What would be done.
    pub decision: DecisionJson,
    /// What carriers say to each shipment, where there are any; rule sets that weigh shipping say in the decision what they chose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shipping: Vec<QuotedShipmentJson>,
    /// The day on which all of it has arrived, where carriers say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrives: Option<Day>,
    /// By when is ready what the customer comes for, where nodes and carriers say so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pickups: Vec<QuotedPickupJson>,
}

/// By when is ready what the customer comes for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = QuotedPickup)]
pub struct QuotedPickupJson {
    /// The node that has it.
    pub node: Id,
    /// The store that it is sent to, where it has to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Id>,
    /// The group it belongs to, where it is not the order's own destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Id>,
    /// By when.
    pub ready_by: Instant,
}

impl Quote {
    /// The JSON of a quote with the nearest losers, without the steps in between.
    pub fn written(decision: &Decision, lines: &(impl LineNames + ?Sized), catalogue: &Catalogue) -> Vec<u8> {
        let mut out = Vec::with_capacity(written::BYTES);
        out.extend_from_slice(br#"{"decision":"#);
        DecisionJson::write_brief(&mut out, decision, lines, catalogue);
        out.push(b'}');
        out
    }

    /// Adds by when is ready what the customer comes for.
    pub fn with_pickups(mut written: Vec<u8>, pickups: &[QuotedPickupJson]) -> Vec<u8> {
        let object = written.pop();
        assert_eq!(object, Some(b'}'), "a quote is an object");
        written.extend_from_slice(br#","pickups":"#);
        serde_json::to_writer(&mut written, pickups).expect("memory takes all bytes");
        written.push(b'}');
        written
    }

    /// Adds what carriers say to each shipment, and when all of it has arrived.
    pub fn with_shipping(mut written: Vec<u8>, shipping: &[QuotedShipmentJson]) -> Vec<u8> {
        let arrives = shipping.iter().map(|shipment| Some(shipment.rate.as_ref()?.arrives)).collect::<Option<Vec<_>>>();
        let object = written.pop();
        assert_eq!(object, Some(b'}'), "a quote is an object");
        written.extend_from_slice(br#","shipping":"#);
        serde_json::to_writer(&mut written, shipping).expect("memory takes all bytes");
        if let Some(day) = arrives.and_then(|days| days.into_iter().max()) {
            written.extend_from_slice(br#","arrives":"#);
            serde_json::to_writer(&mut written, &day).expect("memory takes all bytes");
        }
        written.push(b'}');
        written
    }
}

#[cfg(test)]
mod tests {
    use super::gap;

    #[test]
    fn a_gap_is_told_whatever_the_sign_of_its_bound() {
        let near = |gap: f64, wanted: f64| (gap - wanted).abs() < 1e-12;
        assert!(near(gap(110, 100), 0.1) && near(gap(100, 100), 0.0));
        assert!(near(gap(-40, -50), 0.2), "ten of fifty, though all of it is a credit");
        assert!(near(gap(50, -50), 2.0) && near(gap(7, 0), 7.0) && near(gap(0, 0), 0.0));
        assert!(near(gap(-60, -50), 0.0), "what costs less than its bound is not dearer");
        assert!(gap(i64::MAX, i64::MIN) > 1.9);
    }
}
