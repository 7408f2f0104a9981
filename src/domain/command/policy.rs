//! Commands of policies: terms of nodes, levels, supply, rejections, payment, and who is served first.

use crate::domain::closure::Closure;
use crate::domain::collection::CollectionRule;
use crate::domain::hold_rule::HoldRule;
use crate::domain::ids::Text;
use crate::domain::node::NodeKind;
use crate::domain::order_clocks::OrderClocks;
use crate::domain::picking::PickingRule;
use crate::domain::policy::{Demand, FillPolicy, PaymentRule, RejectionPolicy, UnitCosts};
use crate::domain::replanning::Replanning;
use crate::domain::return_policy::ReturnPolicy;
use crate::domain::supply::SupplyTerms;

/// A policy to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutPolicy {
    /// How a node is dealt with.
    Node {
        /// Which.
        node: Text,
        /// How long it may take to answer, seconds.
        accept_within_s: Option<u32>,
    },
    /// A level below which somebody wants to know.
    Threshold {
        /// Of which sku.
        sku: Text,
        /// At which node; over all when `None`.
        node: Option<Text>,
        /// Units; none when `None`.
        units: Option<u32>,
    },
    /// What happens to units that a node will not do.
    Rejection {
        /// For which delivery method.
        delivery_method: Text,
        /// What.
        policy: RejectionPolicy,
    },
    /// In which order waiting demand is served.
    Fill(FillPolicy),
    /// How much of a sku is withheld.
    SafetyStock {
        /// Of which sku.
        sku: Text,
        /// At which node; at every one without its own when `None`.
        node: Option<Text>,
        /// Units; nothing is done about it when `None`.
        units: Option<u32>,
    },
    /// How many days of what leaves of a sku are withheld.
    SafetyDays {
        /// Of which sku.
        sku: Text,
        /// At which node; at every one without its own when `None`.
        node: Option<Text>,
        /// Days; nothing is done about it when `None`.
        days: Option<u32>,
    },
    /// How much of every sku is withheld at nodes of a kind.
    SafetyOfKind {
        /// Of which kind.
        kind: NodeKind,
        /// How much; nothing is done about it when `None`.
        withheld: Option<Withheld>,
    },
    /// What leaves of a sku.
    Demand {
        /// Of which sku.
        sku: Text,
        /// At which node; at every one of which nothing is said when `None`.
        node: Option<Text>,
        /// What; nothing is known when `None`.
        demand: Option<Demand>,
    },
    /// How a sku is supplied.
    Supply {
        /// Which.
        sku: Text,
        /// At which node.
        node: Text,
        /// How.
        terms: SupplyTerms,
    },
    /// What orders must have paid, and how they may.
    Payment {
        /// Of which delivery method.
        delivery_method: Text,
        /// What, and how.
        rule: PaymentRule,
    },
    /// What comes back, until when, and for what money.
    Returns {
        /// Of which channel.
        channel: Option<Text>,
        /// Of which item; of everything when neither is named.
        sku: Option<Text>,
        /// What was decided.
        policy: ReturnPolicy,
    },
    /// What the clock does to orders.
    Clocks {
        /// Of which delivery method.
        delivery_method: Text,
        /// What.
        clocks: OrderClocks,
    },
    /// Which orders begin with a hold.
    Hold {
        /// Name of the rule.
        name: Text,
        /// The rule.
        rule: HoldRule,
    },
    /// How nodes pick.
    Picking {
        /// Which; every one without its own when `None`.
        node: Option<Text>,
        /// How.
        rule: PickingRule,
    },
    /// How orders wait for who comes for them.
    Collection {
        /// Of which delivery method.
        delivery_method: Text,
        /// How.
        rule: CollectionRule,
    },
    /// Which version of a rule set runs beside the live ones.
    Shadow {
        /// Name of the rule set.
        rule_set: Text,
        /// The version; none when `None`.
        version: Option<u32>,
    },
    /// Which nodes a network has.
    Network {
        /// Its name.
        name: Text,
        /// Its nodes.
        nodes: Vec<Text>,
    },
    /// What a unit of a sku costs where it lies.
    Costs {
        /// Of which sku.
        sku: Text,
        /// At which node; at every one of which nothing is said when `None`.
        node: Option<Text>,
        /// What.
        costs: UnitCosts,
    },
    /// How much rather others ship than a node.
    Priority {
        /// Which.
        node: Text,
        /// Minor units of the base currency that every shipment counts more.
        amount: Option<i64>,
    },
    /// What is done by itself for open orders.
    Replanning(Replanning),
    /// When a node is closed.
    Closures {
        /// Which.
        node: Text,
        /// Times to come, ascending by begin, none in another.
        closures: Vec<Closure>,
    },
}

/// How much is withheld as a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Withheld {
    /// So many units.
    Units(u32),
    /// What leaves in so many days.
    Days(u32),
}
