//! What units cost where they lie, and how much rather other nodes ship: put. What is *not* here: how policies are shown
//! (`policy`), and what they come to in a decision (`domain::rules`).

use super::reading::shape;
use super::scalar::{Amount, Id, OrNull};
use crate::domain::command::{Command, PutPolicy};
use crate::domain::ids::Text;
use crate::domain::policy::UnitCosts;

shape! {
    /// What a unit of an item costs where it lies, minor units of the base currency.
    pub struct UnitCostsPut {
        /// At which node; at every one of which nothing is said when left out.
        pub node: Option<Id>,
        /// What it cost to have it there, freight and duty included: the term `unit_cost`. `null` where nobody knows.
        #[schema(value_type = Option<Amount>)]
        pub unit_cost: OrNull<Amount>,
        /// What it is worth to be rid of it: the term `markdown`. `null` for nothing.
        #[schema(value_type = Option<Amount>)]
        pub markdown: OrNull<Amount>,
    }
}

impl UnitCostsPut {
    /// The command for one sku.
    pub fn command(self, sku: Text) -> Command {
        let amount = |amount: OrNull<Amount>| amount.0.map(|amount| amount.0);
        let costs = UnitCosts { unit_cost: amount(self.unit_cost), markdown: amount(self.markdown) };
        Command::PutPolicy(PutPolicy::Costs { sku, node: self.node.map(|node| node.0), costs })
    }
}

shape! {
    /// How much rather other nodes ship: the term `priority`.
    pub struct PriorityPut {
        /// Minor units of the base currency that every shipment from it counts more; `null` for none.
        #[schema(value_type = Option<Amount>)]
        pub amount: OrNull<Amount>,
    }
}

impl PriorityPut {
    /// The command for one node.
    pub fn command(self, node: Text) -> Command {
        Command::PutPolicy(PutPolicy::Priority { node, amount: self.amount.0.map(|amount| amount.0) })
    }
}
