//! Policies: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::event::Names;
use super::reading::shape;
use super::scalar::{AcceptWithin, Count, Id, OrNull};
use super::words::{DeliveryMethod, Worded};
use crate::domain::command::{Command, PutPolicy};
use crate::domain::ids::Text;
use crate::domain::policy::{FillPolicy, Policy, PolicyKey, RejectionPolicy};

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
        /// `elsewhere` sources them again at once; `ask_customer` lets them wait until somebody says so.
        pub policy: RejectionPolicy,
    }
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
    /// The command for one delivery method.
    pub fn command(self, delivery_method: DeliveryMethod) -> Command {
        let delivery_method = delivery_method.word().into();
        Command::PutPolicy(PutPolicy::Rejection { delivery_method, policy: self.policy })
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
    /// `node`, `threshold`, `safety_stock`, `rejection` or `fill`.
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
    /// How long the node may take to answer, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_within_s: Option<u32>,
    /// Units of a threshold, or withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<u32>,
    /// What was decided, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'static str>,
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
            PolicyKey::SafetyStock(sku, node) => Self {
                about: "safety_stock",
                sku: Some(names.sku(*sku)),
                node: node.map(|node| names.node(node)),
                ..Self::default()
            },
        };
        match policy {
            Policy::Node { accept_within_s } => Self { accept_within_s: *accept_within_s, ..about },
            Policy::Threshold { units } | Policy::SafetyStock { units } => Self { units: *units, ..about },
            Policy::Rejection(policy) => Self { policy: Some(policy.word()), ..about },
            Policy::Fill(policy) => Self { policy: Some(policy.word()), ..about },
        }
    }
}
