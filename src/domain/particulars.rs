//! What few orders have beside what all have: each is told by an event of its own, and nothing of it costs an order
//! that has none of it more than a word.
//!
//! What is *not* here: the order (`order`), the events that tell these (`order_fold`).

use serde::{Deserialize, Serialize};

use super::ids::NodeIndex;
use super::order::Order;

/// What few orders have; nothing by default.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Particulars {
    /// The node that is asked before all others.
    pub preferred_node: Option<NodeIndex>,
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
