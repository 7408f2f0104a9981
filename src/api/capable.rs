//! What can be promised by bringing units or components together, and by when so many units can be.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::shape;
use super::scalar::{Day, Id, Instant, Sku, Ttl};
use crate::domain::quantity::Quantity;

shape! {
    /// For when, where, and how.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct CapableParams {
        /// At that node only.
        #[param(inline)]
        pub node: Option<Id>,
        /// By then.
        #[param(inline)]
        pub date: Option<Day>,
        /// How long it takes to bring something over from another node, seconds; nothing when left out.
        #[param(inline)]
        pub lead_s: Option<Ttl>,
        /// So many units: by when they can be promised is told too.
        #[param(inline)]
        pub quantity: Option<Quantity>,
    }
}

/// What can be promised of a sku, and how.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Capable)]
pub struct CapableJson {
    /// The sku.
    pub sku: Sku,
    /// Units that can be promised as things stand.
    pub available: u64,
    /// Units that can be promised if those of other nodes, or the components of a kit, are brought over first.
    pub capable: u64,
    /// The first time by which `quantity` can be promised as things stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_at: Option<Instant>,
    /// Sequence of the last record when it was read.
    pub as_of: u64,
}
