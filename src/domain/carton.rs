//! A carton of the house: what parcels are packed into, as data.
//!
//! Promises: its room inside is no larger than its size outside, and it carries more than itself; what it costs is in
//! the base currency. What is *not* here: what goes into it (`packing`, `parcel`), and how many of it there are: they
//! never run out.

use serde::{Deserialize, Serialize};

use super::ids::{NodeIndex, Text};
use super::item::Dimensions;

/// A carton.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Carton {
    /// Its id.
    pub id: Text,
    /// Name for people.
    pub name: Text,
    /// Room inside.
    pub inner: Dimensions,
    /// Size outside: what a carrier measures.
    pub outer: Dimensions,
    /// Its own weight, grams.
    pub weight_g: u32,
    /// Most it may weigh, itself included, grams.
    pub max_weight_g: u32,
    /// What one costs, minor units of the base currency.
    pub cost: i64,
    /// Nodes that have it, ascending; all when `None`.
    pub nodes: Option<Vec<NodeIndex>>,
}

impl Carton {
    /// Whether a node has it.
    pub fn is_at(&self, node: NodeIndex) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes.binary_search(&node).is_ok())
    }
}
