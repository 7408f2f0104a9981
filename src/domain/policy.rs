//! Policies: what whoever runs the shop has decided about nodes, levels, delivery methods and waiting demand, as data.
//!
//! Each stands until another is put in its place. What is *not* here: who obeys them (the engine), and rules of sourcing
//! (`rule_set`).

use std::collections::BTreeMap;
use std::mem::discriminant;

use serde::{Deserialize, Serialize};

use super::channel::PaymentBefore;
use super::closure::Closure;
use super::collection::CollectionRule;
use super::delivery::{TO_STORE, is_collected};
use super::hold_rule::HoldRule;
use super::ids::{NodeIndex, SkuIndex, Text};
use super::limits::{LEVEL_MAX, PRIORITY_MAX};
use super::node::NodeKind;
use super::order::{Order, PlacedLine};
use super::order_clocks::OrderClocks;
use super::picking::PickingRule;
use super::replanning::Replanning;
use super::return_policy::{ReturnPolicy, ReturnScope};
use super::supply::{JustInTime, SupplyTerms};
use super::time::WallTime;

/// What a policy is about.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum PolicyKey {
    /// How a node is dealt with.
    Node(NodeIndex),
    /// The level of a sku, at a node or over all, below which somebody wants to know.
    Threshold(SkuIndex, Option<NodeIndex>),
    /// What happens when the node of an order with that delivery method will not do it.
    Rejection(Text),
    /// In which order waiting demand is served.
    Fill,
    /// How much of a sku is withheld at a node, or at every node that has none of its own.
    SafetyStock(SkuIndex, Option<NodeIndex>),
    /// How a sku is supplied at a node.
    Supply(SkuIndex, NodeIndex),
    /// How much of every sku is withheld at nodes of a kind, where nothing was decided of the sku.
    SafetyOfKind(NodeKind),
    /// How much of a sku leaves a node, or every node of which nothing was said.
    Demand(SkuIndex, Option<NodeIndex>),
    /// What orders of a delivery method must have paid before what, and how they may.
    Payment(Text),
    /// What comes back, until when, and for what money.
    Returns(ReturnScope),
    /// What the clock does to orders of a delivery method.
    Clocks(Text),
    /// The rule of that name that puts holds.
    Hold(Text),
    /// How a node picks, or every node that has no rule of its own.
    Picking(Option<NodeIndex>),
    /// How orders of a delivery method wait for who comes for them.
    Collection(Text),
    /// Which version of the rule set of that name runs beside the live ones.
    Shadow(Text),
    /// Which nodes a network has.
    Network(Text),
    /// What units of a sku cost and are worth to be rid of, at a node, or at every node of which nothing was said.
    Costs(SkuIndex, Option<NodeIndex>),
    /// How much rather others ship than a node.
    Priority(NodeIndex),
    /// What is done by itself for open orders.
    Replanning,
    /// When a node is closed.
    Closures(NodeIndex),
}

/// What is done when the node of an order will not, or cannot, do it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum RejectionPolicy {
    /// The units are sourced again from elsewhere, at once.
    Elsewhere,
    /// The units wait until somebody has asked the customer.
    AskCustomer,
    /// The units are cancelled.
    Cancel,
    /// The units come from elsewhere to the place where the customer wanted them, and he gets them there.
    ToSameStore,
    /// The customer comes to the nearest store that has all of them, or other node that customers can come to, so many
    /// kilometres from that place at most. Where there is none he is asked.
    WithinKm(u16),
}

impl RejectionPolicy {
    /// What is done for a delivery method about which nothing was decided: who comes to a place wanted that place. What is sent
    /// to a store comes to that store, whoever sends it.
    pub fn usual(delivery_method: &str) -> Self {
        match delivery_method {
            TO_STORE => Self::ToSameStore,
            method if is_collected(method) => Self::AskCustomer,
            _ => Self::Elsewhere,
        }
    }
}

/// In which order those who wait for a sku are served. Whoever is equal by it is served first come, first served.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum FillPolicy {
    /// Who came first.
    #[default]
    FirstCome,
    /// The order of the highest priority.
    Priority,
    /// The line of the dearest unit.
    Value,
    /// The order that was promised first: by when it is to be handed to nodes, else by when it was placed.
    PromiseDate,
    /// The line that has the smallest share of what it asks for, and of few units only its share of them.
    FairShare,
}

/// Parts in which a share is counted.
const WHOLE: u64 = 1_000_000;

/// What of an order decides when it is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// By which rule.
    pub policy: FillPolicy,
    /// Its priority.
    pub priority: u8,
    /// When it was promised.
    pub due: WallTime,
}

impl Standing {
    /// An order's, by a rule.
    pub fn of(policy: FillPolicy, order: &Order) -> Self {
        let due = order.release_at.map_or(order.facts.placed_at, |release| release.wall);
        Self { policy, priority: order.priority, due }
    }

    /// The place of a line of which so many units wait and so many were cancelled: the lowest is served first. 0 is first
    /// come, first served.
    pub fn rank(&self, line: &PlacedLine, cancelled: u32, waiting: u32) -> u64 {
        match self.policy {
            FillPolicy::FirstCome => 0,
            FillPolicy::Priority => 1 + u64::from(PRIORITY_MAX.saturating_sub(self.priority)),
            FillPolicy::Value => u64::MAX - line.unit_price.max(0).unsigned_abs(),
            FillPolicy::PromiseDate => 1 + self.due.0.max(0).unsigned_abs(),
            FillPolicy::FairShare => {
                // What was cancelled is asked for no more, and was never had.
                let asked = line.quantity.saturating_sub(cancelled);
                let had = u64::from(asked.saturating_sub(waiting));
                1 + had * WHOLE / u64::from(asked.max(1))
            }
        }
    }
}

impl FillPolicy {
    /// How many of so many units that came a line is given at once, of what it waits for of all that is waited for: only
    /// fair shares ask for the latter, which takes a look at all who wait.
    pub fn portion(self, came: u64, waits: u32, all_wait: impl FnOnce() -> u64) -> u32 {
        if self != Self::FairShare {
            return waits;
        }
        let all_wait = all_wait();
        if came >= all_wait {
            return waits;
        }
        let share = (came * u64::from(waits)).div_ceil(all_wait.max(1));
        u32::try_from(share).unwrap_or(waits).clamp(1, waits)
    }
}

/// A policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Policy {
    /// How a node is dealt with.
    Node {
        /// How long it may take to answer, seconds; for ever when `None`.
        accept_within_s: Option<u32>,
    },
    /// A level below which somebody wants to know; none when `None`.
    Threshold {
        /// Units.
        units: Option<u32>,
    },
    /// What happens to units that a node will not do.
    Rejection(RejectionPolicy),
    /// In which order waiting demand is served.
    Fill(FillPolicy),
    /// Units withheld; nothing is done about it when `None`.
    SafetyStock {
        /// Units.
        units: Option<u32>,
    },
    /// How a sku is supplied.
    Supply(SupplyTerms),
    /// What is withheld is what leaves in so many days.
    SafetyDays {
        /// Days.
        days: u32,
    },
    /// What leaves; nothing is known when `None`.
    Demand(Option<Demand>),
    /// What orders must have paid, and how they may.
    Payment(PaymentRule),
    /// What comes back, until when, and for what money.
    Returns(Box<ReturnPolicy>),
    /// What the clock does to orders.
    Clocks(OrderClocks),
    /// Which orders begin with a hold.
    Hold(Box<HoldRule>),
    /// How nodes pick.
    Picking(Box<PickingRule>),
    /// How orders wait for who comes for them.
    Collection(CollectionRule),
    /// The version that runs beside the live ones; none when `None`.
    Shadow(Option<u32>),
    /// Nodes of a network.
    Network {
        /// Ascending, each once.
        nodes: Vec<NodeIndex>,
    },
    /// What a unit costs.
    Costs(UnitCosts),
    /// Minor units of the base currency that every shipment counts more; as one of the others where `None`.
    Priority(Option<i64>),
    /// What is done by itself for open orders.
    Replanning(Replanning),
    /// Times to come, ascending by begin, none in another.
    Closures(Vec<Closure>),
}

/// What a unit costs where it lies, minor units of the base currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct UnitCosts {
    /// What it cost to have it there; nobody knows where `None`.
    pub unit_cost: Option<i64>,
    /// What it is worth to be rid of it; nothing where `None`.
    pub markdown: Option<i64>,
}

/// So many units leave in so many days, as whoever runs the shop says, or as was counted (`velocity`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Demand {
    /// Units.
    pub units: u32,
    /// Days, at least 1.
    pub days: u32,
}

impl Demand {
    /// What leaves in so many days, rounded up.
    pub fn in_days(self, days: u32) -> u32 {
        let units = (u64::from(self.units) * u64::from(days)).div_ceil(u64::from(self.days.max(1)));
        u32::try_from(units).unwrap_or(u32::MAX).min(LEVEL_MAX)
    }
}

/// What orders of a delivery method must have paid before what, and how they may: beside what their channel says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PaymentRule {
    /// What must have come before what.
    pub before: PaymentBefore,
    /// Payment methods they may have; any when there are none.
    pub methods: Vec<Text>,
}

/// All policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    all: BTreeMap<PolicyKey, Policy>,
    /// Whether a sku was ever supplied otherwise than from what is owned: asked for by every order.
    supplied: bool,
    /// Whether orders of a delivery method ever had to pay beside what their channel says: likewise.
    paying: bool,
    /// Whether the clock ever did anything to orders, and whether rules ever put holds: likewise.
    clocked: bool,
    holding: bool,
}

/// What was said of units of a sku: what holds at every node is looked up once.
#[derive(Clone, Copy, Debug)]
pub struct OfUnits<'a> {
    policies: &'a Policies,
    sku: SkuIndex,
    /// Where nothing was said of a node.
    costs: UnitCosts,
    demand: Option<Demand>,
    /// Whether something was said of a node.
    costs_at_nodes: bool,
    demand_at_nodes: bool,
}

impl OfUnits<'_> {
    /// What a unit cost that lies at a node, and what it is worth that it leaves: each of the node, else of the sku.
    pub fn costs(&self, node: NodeIndex) -> UnitCosts {
        if !self.costs_at_nodes {
            return self.costs;
        }
        let own = self.policies.costs(self.sku, Some(node));
        UnitCosts { unit_cost: own.unit_cost.or(self.costs.unit_cost), markdown: own.markdown.or(self.costs.markdown) }
    }

    /// What leaves a node.
    pub fn demand(&self, node: NodeIndex) -> Option<Demand> {
        let own = if self.demand_at_nodes { self.policies.demand_told(self.sku, Some(node)) } else { None };
        own.or(self.demand)
    }
}

impl Policies {
    /// Puts a policy in the place of the one that stands.
    pub fn put(&mut self, key: PolicyKey, policy: Policy) {
        self.supplied |= matches!(policy, Policy::Supply(SupplyTerms::Dropship { .. } | SupplyTerms::JustInTime(_)));
        self.paying |= matches!(policy, Policy::Payment(_));
        self.clocked |= matches!(policy, Policy::Clocks(_));
        self.holding |= matches!(policy, Policy::Hold(_));
        self.all.insert(key, policy);
    }

    /// The policy about something.
    pub fn get(&self, key: &PolicyKey) -> Option<&Policy> {
        self.all.get(key)
    }

    /// Whether nothing was decided yet.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&PolicyKey, &Policy)> {
        self.all.iter()
    }

    /// The policies about things of one kind; `first` is the lowest key of it.
    fn of_kind(&self, first: PolicyKey) -> impl Iterator<Item = (&PolicyKey, &Policy)> {
        let kind = discriminant(&first);
        self.all.range(first..).take_while(move |(key, _)| discriminant(*key) == kind)
    }

    /// How long a node may take to answer, seconds.
    pub fn accept_within_s(&self, node: NodeIndex) -> Option<u32> {
        if self.all.is_empty() {
            return None;
        }
        match self.all.get(&PolicyKey::Node(node)) {
            Some(Policy::Node { accept_within_s }) => *accept_within_s,
            _ => None,
        }
    }

    /// What happens to units of an order with that delivery method when a node will not do it.
    pub fn rejection(&self, delivery_method: &Text) -> RejectionPolicy {
        match self.all.get(&PolicyKey::Rejection(delivery_method.clone())) {
            Some(Policy::Rejection(policy)) => *policy,
            _ => RejectionPolicy::usual(delivery_method),
        }
    }

    /// In which order waiting demand is served.
    pub fn fill(&self) -> FillPolicy {
        if self.all.is_empty() {
            return FillPolicy::FirstCome;
        }
        match self.all.get(&PolicyKey::Fill) {
            Some(Policy::Fill(policy)) => *policy,
            _ => FillPolicy::FirstCome,
        }
    }

    /// The thresholds of a sku: where, and how many units; `None` where there was one.
    pub fn thresholds(&self, sku: SkuIndex) -> impl Iterator<Item = (Option<NodeIndex>, Option<u32>)> + '_ {
        let from = PolicyKey::Threshold(sku, None);
        let until = PolicyKey::Threshold(SkuIndex(sku.0.saturating_add(1)), None);
        self.all.range(from..until).filter_map(|(key, policy)| match (key, policy) {
            (PolicyKey::Threshold(_, node), Policy::Threshold { units }) => Some((*node, *units)),
            _ => None,
        })
    }

    /// Units of a sku that are withheld at a node of a kind, when that was decided: for the sku at the node, for the sku,
    /// for the kind, in this order. In days of what leaves nothing is decided where nobody said what leaves.
    pub fn safety(&self, sku: SkuIndex, node: NodeIndex, kind: NodeKind) -> Option<u32> {
        let of = |key: PolicyKey| match self.all.get(&key) {
            Some(Policy::SafetyStock { units }) => *units,
            Some(Policy::SafetyDays { days }) => self.demand(sku, node).map(|demand| demand.in_days(*days)),
            _ => None,
        };
        of(PolicyKey::SafetyStock(sku, Some(node)))
            .or_else(|| of(PolicyKey::SafetyStock(sku, None)))
            .or_else(|| of(PolicyKey::SafetyOfKind(kind)))
    }

    /// What leaves of a sku at a node, when somebody said so.
    pub fn demand(&self, sku: SkuIndex, node: NodeIndex) -> Option<Demand> {
        self.demand_told(sku, Some(node)).or_else(|| self.demand_told(sku, None))
    }

    /// What was said of units of a sku, for whoever asks about many nodes.
    pub fn of_units(&self, sku: SkuIndex) -> OfUnits<'_> {
        let at_nodes = |key: fn(SkuIndex, Option<NodeIndex>) -> PolicyKey| {
            let (first, last) = (key(sku, Some(NodeIndex(0))), key(sku, Some(NodeIndex(u32::MAX))));
            self.all.range(first..=last).next().is_some()
        };
        OfUnits {
            policies: self,
            sku,
            costs: self.costs(sku, None),
            costs_at_nodes: at_nodes(PolicyKey::Costs),
            demand: self.demand_told(sku, None),
            demand_at_nodes: at_nodes(PolicyKey::Demand),
        }
    }

    /// What was said of the sku at a node, or of the sku.
    fn costs(&self, sku: SkuIndex, node: Option<NodeIndex>) -> UnitCosts {
        match self.all.get(&PolicyKey::Costs(sku, node)) {
            Some(Policy::Costs(costs)) => *costs,
            _ => UnitCosts::default(),
        }
    }

    fn demand_told(&self, sku: SkuIndex, node: Option<NodeIndex>) -> Option<Demand> {
        match self.all.get(&PolicyKey::Demand(sku, node)) {
            Some(Policy::Demand(demand)) => *demand,
            _ => None,
        }
    }

    /// When a node is closed, ascending by begin.
    pub fn closures(&self, node: NodeIndex) -> &[Closure] {
        match self.all.get(&PolicyKey::Closures(node)) {
            Some(Policy::Closures(closures)) => closures,
            _ => &[],
        }
    }

    /// Nodes of which closures were told.
    pub fn closed_at_times(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        self.all.range(PolicyKey::Closures(NodeIndex(0))..).map_while(|(key, _)| match key {
            PolicyKey::Closures(node) => Some(*node),
            _ => None,
        })
    }

    /// What a shipment from a node counts more than one from another.
    pub fn priority(&self, node: NodeIndex) -> i64 {
        match self.all.get(&PolicyKey::Priority(node)) {
            Some(Policy::Priority(amount)) => amount.unwrap_or(0),
            _ => 0,
        }
    }

    /// Whether every sku has safety stock at nodes of some kind.
    pub fn withholds_everything(&self) -> bool {
        let kinds = [NodeKind::Warehouse, NodeKind::Store, NodeKind::ThirdParty, NodeKind::Supplier, NodeKind::Virtual];
        let units = |kind| self.all.get(&PolicyKey::SafetyOfKind(kind));
        kinds.into_iter().any(|kind| matches!(units(kind), Some(Policy::SafetyStock { units: Some(_) })))
    }

    /// Whether a sku was ever supplied otherwise than from what is owned.
    pub fn has_supply(&self) -> bool {
        self.supplied
    }

    /// How a sku is supplied at a node, where that is otherwise than from what is owned.
    pub fn supply(&self, sku: SkuIndex, node: NodeIndex) -> Option<&SupplyTerms> {
        if !self.supplied {
            return None;
        }
        match self.all.get(&PolicyKey::Supply(sku, node)) {
            Some(Policy::Supply(terms)) if *terms != SupplyTerms::Owned => Some(terms),
            _ => None,
        }
    }

    /// How a sku is supplied at each node where that is otherwise than from what is owned.
    pub fn supplies_of(&self, sku: SkuIndex) -> impl Iterator<Item = (NodeIndex, &SupplyTerms)> {
        let (from, until) = (PolicyKey::Supply(sku, NodeIndex(0)), PolicyKey::Supply(sku, NodeIndex(u32::MAX)));
        self.all.range(from..=until).filter_map(|(key, policy)| match (key, policy) {
            (PolicyKey::Supply(_, node), Policy::Supply(terms)) if *terms != SupplyTerms::Owned => Some((*node, terms)),
            _ => None,
        })
    }

    /// Seconds from order to dispatch, where the node is a supplier that ships the sku himself.
    pub fn dropship_lead_s(&self, sku: SkuIndex, node: NodeIndex) -> Option<u32> {
        match self.supply(sku, node) {
            Some(SupplyTerms::Dropship { lead_s }) => Some(*lead_s),
            _ => None,
        }
    }

    /// Where a sku comes to that is bought when it is ordered, and how; by node.
    pub fn just_in_time(&self, sku: SkuIndex) -> impl Iterator<Item = (NodeIndex, &JustInTime)> {
        self.supplies_of(sku).filter_map(|(node, terms)| match terms {
            SupplyTerms::JustInTime(terms) => Some((node, terms)),
            SupplyTerms::Owned | SupplyTerms::Dropship { .. } => None,
        })
    }

    /// The skus that are bought when they are ordered, each once per node.
    pub fn bought(&self) -> impl Iterator<Item = SkuIndex> + '_ {
        let supplies = self.of_kind(PolicyKey::Supply(SkuIndex(0), NodeIndex(0)));
        supplies.filter_map(|(key, policy)| match (key, policy) {
            (PolicyKey::Supply(sku, _), Policy::Supply(SupplyTerms::JustInTime(_))) => Some(*sku),
            _ => None,
        })
    }

    /// What orders of a delivery method must have paid, and how they may, beside what their channel says.
    pub fn payment(&self, delivery_method: &Text) -> Option<&PaymentRule> {
        if !self.paying {
            return None;
        }
        match self.all.get(&PolicyKey::Payment(delivery_method.clone())) {
            Some(Policy::Payment(rule)) => Some(rule),
            _ => None,
        }
    }

    /// What the clock does to orders of a delivery method.
    pub fn clocks(&self, delivery_method: &Text) -> Option<&OrderClocks> {
        if !self.clocked {
            return None;
        }
        match self.all.get(&PolicyKey::Clocks(delivery_method.clone())) {
            Some(Policy::Clocks(clocks)) => Some(clocks),
            _ => None,
        }
    }

    /// Whether rules ever put holds.
    pub fn has_hold_rules(&self) -> bool {
        self.holding
    }

    /// The rules that put holds, by name.
    pub fn hold_rules(&self) -> impl Iterator<Item = &HoldRule> {
        let rules = self.of_kind(PolicyKey::Hold("".into()));
        rules.filter_map(|(_, policy)| match policy {
            Policy::Hold(rule) => Some(&**rule),
            _ => None,
        })
    }

    /// The nodes of a network, ascending; `None` where nobody put it.
    pub fn network(&self, name: &str) -> Option<&[NodeIndex]> {
        match self.all.get(&PolicyKey::Network(name.into())) {
            Some(Policy::Network { nodes }) => Some(nodes),
            _ => None,
        }
    }

    /// How many networks there are.
    pub fn networks(&self) -> usize {
        self.of_kind(PolicyKey::Network("".into())).count()
    }

    /// The names of the rule sets of which a version runs beside the live ones.
    pub fn shadows(&self) -> impl Iterator<Item = &Text> {
        let shadows = self.of_kind(PolicyKey::Shadow("".into()));
        shadows.filter_map(|(key, policy)| match (key, policy) {
            (PolicyKey::Shadow(name), Policy::Shadow(Some(_))) => Some(name),
            _ => None,
        })
    }

    /// By which policy units of an item come back from orders of a channel: the narrowest that stands.
    pub fn returns(&self, channel: &Text, sku: SkuIndex) -> ReturnPolicy {
        let of = |scope| match self.all.get(&PolicyKey::Returns(scope)) {
            Some(Policy::Returns(policy)) => Some((**policy).clone()),
            _ => None,
        };
        let narrower = of(ReturnScope::Item(sku)).or_else(|| of(ReturnScope::Channel(channel.clone())));
        narrower.or_else(|| of(ReturnScope::All)).unwrap_or_default()
    }

    /// How a node picks: by its own rule, by that of all nodes, or as is usual.
    pub fn picking(&self, node: NodeIndex) -> PickingRule {
        let of = |node| match self.all.get(&PolicyKey::Picking(node)) {
            Some(Policy::Picking(rule)) => Some((**rule).clone()),
            _ => None,
        };
        of(Some(node)).or_else(|| of(None)).unwrap_or_default()
    }

    /// How orders of a delivery method wait for who comes for them.
    pub fn collection(&self, delivery_method: &Text) -> CollectionRule {
        match self.all.get(&PolicyKey::Collection(delivery_method.clone())) {
            Some(Policy::Collection(rule)) => *rule,
            _ => CollectionRule::default(),
        }
    }

    /// What is done by itself for open orders when units came, or a node was switched off.
    pub fn replanning(&self) -> Replanning {
        match self.all.get(&PolicyKey::Replanning) {
            Some(Policy::Replanning(rule)) => *rule,
            _ => Replanning::default(),
        }
    }

    /// The skus whose levels are looked at: they have thresholds, or safety stock of their own, or it is known what leaves.
    pub fn watched(&self) -> impl Iterator<Item = SkuIndex> + '_ {
        let thresholds = self.of_kind(PolicyKey::Threshold(SkuIndex(0), None));
        let withheld = self.of_kind(PolicyKey::SafetyStock(SkuIndex(0), None));
        let leaving = self.of_kind(PolicyKey::Demand(SkuIndex(0), None));
        thresholds.chain(withheld).chain(leaving).filter_map(|(key, policy)| match (key, policy) {
            (PolicyKey::Threshold(sku, _), Policy::Threshold { units: Some(_) })
            | (PolicyKey::SafetyStock(sku, _), Policy::SafetyStock { units: Some(_) } | Policy::SafetyDays { .. })
            | (PolicyKey::Demand(sku, _), Policy::Demand(Some(_))) => Some(*sku),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_of_one_kind_of_policy_is_what_a_look_at_all_of_them_finds() {
        let (sku, node) = (SkuIndex, NodeIndex);
        let mut policies = Policies::default();
        let supply = |n| match n % 3 {
            0 => SupplyTerms::Owned,
            1 => SupplyTerms::Dropship { lead_s: n },
            _ => SupplyTerms::JustInTime(JustInTime { lead_s: n, supplier: None, per_day: None, open_max: None }),
        };
        for n in 0..12 {
            let (at, of) = ((n % 2 == 0).then_some(node(n)), text(n));
            policies.put(PolicyKey::Node(node(n)), Policy::Node { accept_within_s: Some(n) });
            let units = (n % 4 != 0).then_some(n);
            policies.put(PolicyKey::Threshold(sku(n), at), Policy::Threshold { units });
            policies.put(PolicyKey::SafetyStock(sku(20 + n), at), Policy::SafetyStock { units });
            policies.put(PolicyKey::SafetyStock(sku(40 + n), None), Policy::SafetyDays { days: n });
            let demand = units.map(|units| Demand { units, days: 7 });
            policies.put(PolicyKey::Demand(sku(60 + n), at), Policy::Demand(demand));
            policies.put(PolicyKey::Supply(sku(n), node(n)), Policy::Supply(supply(n)));
            policies.put(PolicyKey::Shadow(of.clone()), Policy::Shadow(units));
            policies.put(PolicyKey::Network(of), Policy::Network { nodes: Vec::new() });
            policies.put(PolicyKey::Priority(node(n)), Policy::Priority(None));
        }
        let all = |fits: &dyn Fn(&Policy) -> bool| policies.iter().filter(|(_, policy)| fits(policy)).count();
        let is_bought = |policy: &Policy| matches!(policy, Policy::Supply(SupplyTerms::JustInTime(_)));
        let is_watched = |policy: &Policy| match policy {
            Policy::Threshold { units } | Policy::SafetyStock { units } => units.is_some(),
            Policy::SafetyDays { .. } => true,
            Policy::Demand(demand) => demand.is_some(),
            _ => false,
        };
        assert_eq!((policies.bought().count(), policies.watched().count()), (all(&is_bought), all(&is_watched)));
        assert_eq!(policies.shadows().count(), all(&|policy| matches!(policy, Policy::Shadow(Some(_)))));
        assert_eq!((policies.networks(), policies.hold_rules().count()), (12, 0));
    }

    fn text(n: u32) -> Text {
        n.to_string().as_str().into()
    }

    #[test]
    fn only_fair_shares_look_at_all_who_wait() {
        for policy in [FillPolicy::FirstCome, FillPolicy::Priority, FillPolicy::Value, FillPolicy::PromiseDate] {
            assert_eq!(policy.portion(1, 5, || panic!("{policy:?} looks at all who wait")), 5);
        }
        assert_eq!(FillPolicy::FairShare.portion(10, 5, || 100), 1);
        assert_eq!(FillPolicy::FairShare.portion(100, 5, || 100), 5);
    }
}
