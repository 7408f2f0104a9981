//! Policies: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::channel::PaymentBeforeShape;
use super::closure::ClosureJson;
use super::collection::CollectionRuleJson;
use super::event::Names;
use super::hold_rule::HoldRuleJson;
use super::order_clocks::OrderClocksJson;
use super::picking::PickingRuleJson;
use super::reading::{At, shape};
use super::replanning::ReplanningJson;
use super::return_policy::ReturnPolicyJson;
use super::scalar::{AcceptWithin, Count, Id, OrNull, WithinKm};
use super::words::{DeliveryMethod, RejectionWord, SupplyType, Worded};
use crate::domain::command::{Command, PutPolicy};
use crate::domain::ids::Text;
use crate::domain::policy::{FillPolicy, Policy, PolicyKey, RejectionPolicy};
use crate::domain::return_policy::ReturnScope;
use crate::domain::supply::SupplyTerms;

const HOUR_S: u32 = 60 * 60;

shape! {
    /// How a node is dealt with.
    #[derive(Copy)]
    pub struct NodeTerms {
        /// How long it may take to answer, seconds; `null` for ever.
        #[schema(value_type = Option<AcceptWithin>)]
        pub accept_within_s: OrNull<AcceptWithin>,
    }
}

shape! {
    /// A level below which somebody wants to know.
    pub struct ThresholdPut {
        /// At which node; over all when left out.
        pub node: Option<Id>,
        /// Units; `null` for none.
        #[schema(value_type = Option<Count>)]
        pub units: OrNull<Count>,
    }
}

shape! {
    /// What happens to units that a node will not do.
    #[derive(Copy)]
    pub struct RejectionPut {
        /// `elsewhere` sources them again at once; `ask_customer` lets them wait until somebody says so; `cancel` cancels them;
        /// `to_same_store` sends them from elsewhere to the store where the customer comes for them; `within_km` lets him come to
        /// the nearest store that has all of them, or warehouse that lists the method among its capabilities. Where the last two
        /// find no way the customer is asked.
        pub policy: RejectionWord,
        /// `within_km`: how far that may be from the one he named, kilometres.
        pub within_km: Option<WithinKm>,
    }
    check = RejectionPut::judge;
}

shape! {
    /// How much is withheld from sale as a buffer.
    pub struct SafetyPut {
        /// At which node; at every one that has none of its own when left out.
        pub node: Option<Id>,
        /// Units; `null` leaves it to whoever moves stock by hand.
        #[schema(value_type = Option<Count>)]
        pub units: OrNull<Count>,
    }
}

impl SafetyPut {
    /// The command for one sku.
    pub fn command(self, sku: Text) -> Command {
        let (node, units) = (self.node.map(|node| node.0), self.units.0.map(|units| units.0));
        Command::PutPolicy(PutPolicy::SafetyStock { sku, node, units })
    }
}

impl NodeTerms {
    /// The command for one node.
    pub fn command(self, node: Text) -> Command {
        let accept_within_s = self.accept_within_s.0.map(|within| within.0);
        Command::PutPolicy(PutPolicy::Node { node, accept_within_s })
    }
}

impl ThresholdPut {
    /// The command for one sku.
    pub fn command(self, sku: Text) -> Command {
        let (node, units) = (self.node.map(|node| node.0), self.units.0.map(|units| units.0));
        Command::PutPolicy(PutPolicy::Threshold { sku, node, units })
    }
}

impl RejectionPut {
    fn judge(&self, at: &At<'_>) {
        let at = at.field("within_km");
        match (self.policy, self.within_km) {
            (RejectionWord::WithinKm, None) => {
                at.fault::<()>("missing_field", "is required where the policy is within_km");
            }
            (RejectionWord::WithinKm, Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                at.fault::<()>("unknown_field", "is for the policy within_km only");
            }
        }
    }

    /// The command for one delivery method.
    pub fn command(self, delivery_method: DeliveryMethod) -> Command {
        let policy = match self.policy {
            RejectionWord::Elsewhere => RejectionPolicy::Elsewhere,
            RejectionWord::AskCustomer => RejectionPolicy::AskCustomer,
            RejectionWord::Cancel => RejectionPolicy::Cancel,
            RejectionWord::ToSameStore => RejectionPolicy::ToSameStore,
            RejectionWord::WithinKm => RejectionPolicy::WithinKm(self.within_km.map_or(0, |km| km.0)),
        };
        Command::PutPolicy(PutPolicy::Rejection { delivery_method: delivery_method.word().into(), policy })
    }
}

/// The word of a policy, and its kilometres.
fn rejection_words(policy: RejectionPolicy) -> (RejectionWord, Option<u16>) {
    match policy {
        RejectionPolicy::Elsewhere => (RejectionWord::Elsewhere, None),
        RejectionPolicy::AskCustomer => (RejectionWord::AskCustomer, None),
        RejectionPolicy::Cancel => (RejectionWord::Cancel, None),
        RejectionPolicy::ToSameStore => (RejectionWord::ToSameStore, None),
        RejectionPolicy::WithinKm(km) => (RejectionWord::WithinKm, Some(km)),
    }
}

shape! {
    /// In which order waiting demand is served.
    #[derive(Copy)]
    pub struct FillPut {
        /// Who is first; whoever is equal by it is served first come, first served.
        pub policy: FillPolicy,
    }
}

impl FillPut {
    /// The command.
    pub fn command(self) -> Command {
        Command::PutPolicy(PutPolicy::Fill(self.policy))
    }
}

/// A policy: those of the fields that say what it is about, and what was decided.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = Policy)]
pub struct PolicyJson {
    /// `node`, `threshold`, `safety_stock`, `rejection`, `fill`, `supply`, `demand`, `payment`, `returns`, `clocks`, `hold`,
    /// `picking`, `collection`, `shadow`, `network`, `costs`, `priority`, `replanning` or `closures`.
    pub about: &'static str,
    /// The node it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The sku it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// The delivery method it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_method: Option<String>,
    /// The channel it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// How long the node may take to answer, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_within_s: Option<u32>,
    /// Units of a threshold, or withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<u32>,
    /// What was decided, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'static str>,
    /// How far another node may be from the one that will not do it, kilometres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_km: Option<u16>,
    /// The kind of node it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Days of what leaves that are withheld, or in which so many units leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// How the sku is supplied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<&'static str>,
    /// From order to dispatch or arrival, hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_time_h: Option<u32>,
    /// From whom it is bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier: Option<String>,
    /// Most units bought on one day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
    /// Most units bought that have not come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_max: Option<u32>,
    /// What must have come of an order's money before its units go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_before: Option<PaymentBeforeShape>,
    /// Payment methods orders may have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payment_methods: Vec<String>,
    /// What was decided about returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<ReturnPolicyJson>,
    /// What the clock does to orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clocks: Option<OrderClocksJson>,
    /// Name of the rule that puts holds, of the rule set, or of the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Nodes of the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<String>>,
    /// Which orders begin with a hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldRuleJson>,
    /// The version of the rule set that runs beside the live ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// What a unit cost to have it there, minor units of the base currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<i64>,
    /// What it is worth to be rid of a unit, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markdown: Option<i64>,
    /// What a shipment from the node counts more than one from another, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// When the node is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closures: Option<Vec<ClosureJson>>,
    /// How nodes pick.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picking: Option<PickingRuleJson>,
    /// How orders wait for who comes for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionRuleJson>,
    /// What is done by itself for open orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replanning: Option<ReplanningJson>,
}

impl PolicyJson {
    /// A policy by the names clients know.
    pub fn of(key: &PolicyKey, policy: &Policy, names: &impl Names) -> Self {
        let about = match key {
            PolicyKey::Node(node) => Self { about: "node", node: Some(names.node(*node)), ..Self::default() },
            PolicyKey::Threshold(sku, node) => Self {
                about: "threshold",
                sku: Some(names.sku(*sku)),
                node: node.map(|node| names.node(node)),
                ..Self::default()
            },
            PolicyKey::Rejection(method) => {
                Self { about: "rejection", delivery_method: Some(method.to_string()), ..Self::default() }
            }
            PolicyKey::Fill => Self { about: "fill", ..Self::default() },
            PolicyKey::Collection(method) => {
                Self { about: "collection", delivery_method: Some(method.to_string()), ..Self::default() }
            }
            PolicyKey::Picking(node) => {
                Self { about: "picking", node: node.map(|node| names.node(node)), ..Self::default() }
            }
            PolicyKey::Returns(scope) => {
                let (channel, sku) = match scope {
                    ReturnScope::All => (None, None),
                    ReturnScope::Channel(channel) => (Some(channel.to_string()), None),
                    ReturnScope::Item(sku) => (None, Some(names.sku(*sku))),
                };
                Self { about: "returns", channel, sku, ..Self::default() }
            }
            PolicyKey::SafetyStock(sku, node) => Self {
                about: "safety_stock",
                sku: Some(names.sku(*sku)),
                node: node.map(|node| names.node(node)),
                ..Self::default()
            },
            PolicyKey::SafetyOfKind(kind) => Self { about: "safety_stock", kind: Some(kind.word()), ..Self::default() },
            PolicyKey::Demand(sku, node) => Self {
                about: "demand",
                sku: Some(names.sku(*sku)),
                node: node.map(|node| names.node(node)),
                ..Self::default()
            },
            PolicyKey::Supply(sku, node) => {
                Self { about: "supply", sku: Some(names.sku(*sku)), node: Some(names.node(*node)), ..Self::default() }
            }
            PolicyKey::Payment(method) => {
                Self { about: "payment", delivery_method: Some(method.to_string()), ..Self::default() }
            }
            PolicyKey::Clocks(method) => {
                Self { about: "clocks", delivery_method: Some(method.to_string()), ..Self::default() }
            }
            PolicyKey::Hold(name) => Self { about: "hold", name: Some(name.to_string()), ..Self::default() },
            PolicyKey::Shadow(name) => Self { about: "shadow", name: Some(name.to_string()), ..Self::default() },
            PolicyKey::Network(name) => Self { about: "network", name: Some(name.to_string()), ..Self::default() },
            PolicyKey::Costs(sku, node) => Self {
                about: "costs",
                sku: Some(names.sku(*sku)),
                node: node.map(|node| names.node(node)),
                ..Self::default()
            },
            PolicyKey::Closures(node) => Self { about: "closures", node: Some(names.node(*node)), ..Self::default() },
            PolicyKey::Priority(node) => Self { about: "priority", node: Some(names.node(*node)), ..Self::default() },
            PolicyKey::Replanning => Self { about: "replanning", ..Self::default() },
        };
        match policy {
            Policy::Replanning(rule) => Self { replanning: Some(ReplanningJson::from(*rule)), ..about },
            Policy::Costs(costs) => Self { unit_cost: costs.unit_cost, markdown: costs.markdown, ..about },
            Policy::Closures(closures) => {
                Self { closures: Some(closures.iter().map(ClosureJson::from).collect()), ..about }
            }
            Policy::Priority(amount) => Self { amount: *amount, ..about },
            Policy::Network { nodes } => {
                Self { nodes: Some(nodes.iter().map(|node| names.node(*node)).collect()), ..about }
            }
            Policy::Node { accept_within_s } => Self { accept_within_s: *accept_within_s, ..about },
            Policy::Threshold { units } | Policy::SafetyStock { units } => Self { units: *units, ..about },
            Policy::Rejection(policy) => {
                let (word, within_km) = rejection_words(*policy);
                Self { policy: Some(word.word()), within_km, ..about }
            }
            Policy::Fill(policy) => Self { policy: Some(policy.word()), ..about },
            Policy::SafetyDays { days } => Self { days: Some(*days), ..about },
            Policy::Demand(demand) => {
                Self { units: demand.map(|demand| demand.units), days: demand.map(|demand| demand.days), ..about }
            }
            Policy::Collection(rule) => Self { collection: Some(CollectionRuleJson::from(*rule)), ..about },
            Policy::Picking(rule) => Self { picking: Some(PickingRuleJson::from(&**rule)), ..about },
            Policy::Returns(policy) => Self { returns: Some(ReturnPolicyJson::from(&**policy)), ..about },
            Policy::Supply(terms) => about.supplied(terms),
            Policy::Clocks(clocks) => Self { clocks: Some(OrderClocksJson::from(clocks)), ..about },
            Policy::Shadow(version) => Self { version: *version, ..about },
            Policy::Hold(rule) => Self { hold: Some(HoldRuleJson::from(&**rule)), ..about },
            Policy::Payment(rule) => Self {
                payment_before: PaymentBeforeShape::shown(rule.before),
                payment_methods: rule.methods.iter().map(ToString::to_string).collect(),
                ..about
            },
        }
    }

    fn supplied(self, terms: &SupplyTerms) -> Self {
        let about = Self { r#type: Some(SupplyType::from(terms).word()), ..self };
        match terms {
            SupplyTerms::Owned => about,
            SupplyTerms::Dropship { lead_s } => Self { lead_time_h: Some(lead_s / HOUR_S), ..about },
            SupplyTerms::JustInTime(terms) => Self {
                lead_time_h: Some(terms.lead_s / HOUR_S),
                supplier: terms.supplier.as_ref().map(ToString::to_string),
                per_day: terms.per_day,
                open_max: terms.open_max,
                ..about
            },
        }
    }
}
