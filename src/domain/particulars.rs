//! What few orders have beside what all have: each is told by an event of its own, and nothing of it costs an order
//! that has none of it more than a word.
//!
//! What is *not* here: the order (`order`), the events that tell these (`order_fold`).

use serde::{Deserialize, Serialize};

use super::ids::NodeIndex;
use super::order::Order;

/// What a total is made of, as reported, minor units of the order's currency. The sum of the lines is no part of it: they
/// say it themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Off the sum of the lines.
    pub discount: i64,
    /// For shipping.
    pub shipping: i64,
    /// Tax.
    pub tax: i64,
    /// Whether the prices have the tax in them already.
    pub tax_included: bool,
}

/// What few orders have; nothing by default.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Particulars {
    /// The node that is asked before all others.
    pub preferred_node: Option<NodeIndex>,
    /// What its total is made of.
    pub totals: Option<Totals>,
}

impl Order {
    /// The node that is asked before all others.
    pub fn preferred_node(&self) -> Option<NodeIndex> {
        self.particulars.as_ref()?.preferred_node
    }

    /// Its particulars, made when it has none yet.
    pub(super) fn particulars_mut(&mut self) -> &mut Particulars {
        self.particulars.get_or_insert_default()
    }
}
