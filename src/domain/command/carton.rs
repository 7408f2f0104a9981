//! Commands about cartons.

use crate::domain::ids::Text;
use crate::domain::item::Dimensions;
use crate::domain::money::Money;

/// A carton to be put, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutCarton {
    /// Its id.
    pub id: Text,
    /// Name.
    pub name: Text,
    /// Room inside.
    pub inner: Dimensions,
    /// Size outside.
    pub outer: Dimensions,
    /// Its own weight, grams.
    pub weight_g: u32,
    /// Most it may weigh, itself included, grams.
    pub max_weight_g: u32,
    /// What one costs, base currency.
    pub cost: Money,
    /// Nodes that have it; all when `None`.
    pub nodes: Option<Vec<Text>>,
}
