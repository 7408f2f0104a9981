//! Commands of policies: terms of nodes, thresholds, rejections, and who is served first.

use crate::domain::ids::Text;
use crate::domain::policy::{FillPolicy, RejectionPolicy};

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
}
