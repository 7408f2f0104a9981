//! Policies: what whoever runs the shop has decided about nodes, levels, delivery methods and waiting demand, as data.
//!
//! Each stands until another is put in its place. What is *not* here: who obeys them (the engine), and rules of sourcing
//! (`rule_set`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{NodeIndex, SkuIndex, Text};
use super::limits::PRIORITY_MAX;
use super::order::{Order, PlacedLine};
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
}

/// What is done when the node of an order will not, or cannot, do it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum RejectionPolicy {
    /// The units are sourced again from elsewhere, at once.
    Elsewhere,
    /// The units wait until somebody has asked the customer.
    AskCustomer,
}

impl RejectionPolicy {
    /// What is done for a delivery method about which nothing was decided: who comes to a place wanted that place.
    pub fn usual(delivery_method: &str) -> Self {
        match delivery_method {
            "pickup" | "curbside" => Self::AskCustomer,
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

    /// The place of a line of which so many units wait: the lowest is served first. 0 is first come, first served.
    pub fn rank(&self, line: &PlacedLine, waiting: u32) -> u64 {
        match self.policy {
            FillPolicy::FirstCome => 0,
            FillPolicy::Priority => 1 + u64::from(PRIORITY_MAX.saturating_sub(self.priority)),
            FillPolicy::Value => u64::MAX - line.unit_price.max(0).unsigned_abs(),
            FillPolicy::PromiseDate => 1 + self.due.0.max(0).unsigned_abs(),
            FillPolicy::FairShare => {
                let had = u64::from(line.quantity.saturating_sub(waiting));
                1 + had * WHOLE / u64::from(line.quantity.max(1))
            }
        }
    }
}

impl FillPolicy {
    /// How many of so many units that came a line is given at once, of what it waits for of all that is waited for.
    pub fn portion(self, came: u64, waits: u32, all_wait: u64) -> u32 {
        if self != Self::FairShare || came >= all_wait {
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
}

/// All policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies(BTreeMap<PolicyKey, Policy>);

impl Policies {
    /// Puts a policy in the place of the one that stands.
    pub fn put(&mut self, key: PolicyKey, policy: Policy) {
        self.0.insert(key, policy);
    }

    /// The policy about something.
    pub fn get(&self, key: &PolicyKey) -> Option<&Policy> {
        self.0.get(key)
    }

    /// Whether nothing was decided yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&PolicyKey, &Policy)> {
        self.0.iter()
    }

    /// How long a node may take to answer, seconds.
    pub fn accept_within_s(&self, node: NodeIndex) -> Option<u32> {
        if self.0.is_empty() {
            return None;
        }
        match self.0.get(&PolicyKey::Node(node)) {
            Some(Policy::Node { accept_within_s }) => *accept_within_s,
            _ => None,
        }
    }

    /// What happens to units of an order with that delivery method when a node will not do it.
    pub fn rejection(&self, delivery_method: &Text) -> RejectionPolicy {
        match self.0.get(&PolicyKey::Rejection(delivery_method.clone())) {
            Some(Policy::Rejection(policy)) => *policy,
            _ => RejectionPolicy::usual(delivery_method),
        }
    }

    /// In which order waiting demand is served.
    pub fn fill(&self) -> FillPolicy {
        if self.0.is_empty() {
            return FillPolicy::FirstCome;
        }
        match self.0.get(&PolicyKey::Fill) {
            Some(Policy::Fill(policy)) => *policy,
            _ => FillPolicy::FirstCome,
        }
    }

    /// The thresholds of a sku: where, and how many units; `None` where there was one.
    pub fn thresholds(&self, sku: SkuIndex) -> impl Iterator<Item = (Option<NodeIndex>, Option<u32>)> + '_ {
        let from = PolicyKey::Threshold(sku, None);
        let until = PolicyKey::Threshold(SkuIndex(sku.0.saturating_add(1)), None);
        self.0.range(from..until).filter_map(|(key, policy)| match (key, policy) {
            (PolicyKey::Threshold(_, node), Policy::Threshold { units }) => Some((*node, *units)),
            _ => None,
        })
    }

    /// Units of a sku that are withheld at a node, when that was decided.
    pub fn safety(&self, sku: SkuIndex, node: NodeIndex) -> Option<u32> {
        let of = |node| match self.0.get(&PolicyKey::SafetyStock(sku, node)) {
            Some(Policy::SafetyStock { units }) => *units,
            _ => None,
        };
        of(Some(node)).or_else(|| of(None))
    }

    /// The skus whose levels are looked at: they have thresholds, or safety stock.
    pub fn watched(&self) -> impl Iterator<Item = SkuIndex> + '_ {
        self.0.iter().filter_map(|(key, policy)| match (key, policy) {
            (PolicyKey::Threshold(sku, _), Policy::Threshold { units: Some(_) })
            | (PolicyKey::SafetyStock(sku, _), Policy::SafetyStock { units: Some(_) }) => Some(*sku),
            _ => None,
        })
    }
}
