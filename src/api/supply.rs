//! How items are supplied, how much of them is withheld by days or kinds of node, and what orders of a delivery method must
//! have paid: put. What is *not* here: how policies are shown (`policy`).

use super::channel::{PaymentBeforeShape, PaymentMethod};
use super::reading::{At, shape};
use super::scalar::{Count, Id, LeadHours, Name, OrNull, SupplyDays};
use super::words::{DeliveryMethod, SupplyType, Worded};
use crate::domain::command::{Command, PutPolicy, Withheld};
use crate::domain::ids::Text;
use crate::domain::node::NodeKind;
use crate::domain::policy::{Demand, PaymentRule};
use crate::domain::supply::{JustInTime, SupplyTerms};

const HOUR_S: u32 = 60 * 60;

shape! {
    /// How an item is supplied at a node.
    pub struct SupplyPut {
        /// At which node: a supplier for `dropship`, any other that may hold stock for `jit`.
        pub node: Id,
        /// `owned` from units that are there; `dropship` by the supplier, to the customer; `jit` by what is bought when it
        /// is ordered.
        pub r#type: SupplyType,
        /// From order to dispatch (`dropship`) or to arrival (`jit`), hours.
        pub lead_time_h: Option<LeadHours>,
        /// From whom it is bought, for `jit`.
        pub supplier: Option<Name>,
        /// Most units bought on one day of UTC, for `jit`; no bound when left out.
        pub per_day: Option<Count>,
        /// Most units bought that have not come, for `jit`; no bound when left out.
        pub open_max: Option<Count>,
    }
    check = SupplyPut::judge;
}

impl SupplyPut {
    fn judge(&self, at: &At<'_>) {
        let leads = self.r#type != SupplyType::Owned;
        let fields = [
            ("lead_time_h", self.lead_time_h.is_some(), leads),
            ("supplier", self.supplier.is_some(), self.r#type == SupplyType::Jit),
            ("per_day", self.per_day.is_some(), self.r#type == SupplyType::Jit),
            ("open_max", self.open_max.is_some(), self.r#type == SupplyType::Jit),
        ];
        for (field, _, _) in fields.into_iter().filter(|(_, given, fits)| *given && !fits) {
            at.field(field).fault::<()>("not_of_type", format!("is nothing of {}", self.r#type.word()));
        }
        if leads && self.lead_time_h.is_none() {
            at.field("lead_time_h").fault::<()>("missing_field", "is required unless it is owned");
        }
    }

    /// The command for one sku.
    pub fn command(self, sku: Text) -> Command {
        let lead_s = self.lead_time_h.map_or(0, |hours| hours.0 * HOUR_S);
        let terms = match self.r#type {
            SupplyType::Owned => SupplyTerms::Owned,
            SupplyType::Dropship => SupplyTerms::Dropship { lead_s },
            SupplyType::Jit => SupplyTerms::JustInTime(JustInTime {
                lead_s,
                supplier: self.supplier.map(|name| name.0),
                per_day: self.per_day.map(|units| units.0),
                open_max: self.open_max.map(|units| units.0),
            }),
        };
        Command::PutPolicy(PutPolicy::Supply { sku, node: self.node.0, terms })
    }
}

shape! {
    /// How many days of what leaves are withheld from sale as a buffer.
    pub struct SafetyDaysPut {
        /// At which node; at every one that has none of its own when left out.
        pub node: Option<Id>,
        /// Days; `null` leaves it to whoever moves stock by hand.
        #[schema(value_type = Option<SupplyDays>)]
        pub days: OrNull<SupplyDays>,
    }
}

impl SafetyDaysPut {
    /// The command for one sku.
    pub fn command(self, sku: Text) -> Command {
        let (node, days) = (self.node.map(|node| node.0), self.days.0.map(|days| days.0));
        Command::PutPolicy(PutPolicy::SafetyDays { sku, node, days })
    }
}

shape! {
    /// How much of every item is withheld at nodes of a kind, where nothing was decided of the item: units, or days of
    /// what leaves; neither ends it.
    #[derive(Copy)]
    pub struct KindSafetyPut {
        /// Units.
        pub units: Option<Count>,
        /// Days of what leaves.
        pub days: Option<SupplyDays>,
    }
    check = KindSafetyPut::judge;
}

impl KindSafetyPut {
    fn judge(&self, at: &At<'_>) {
        if self.units.is_some() && self.days.is_some() {
            at.field("days").fault::<()>("not_of_type", "is one way to say it, `units` the other");
        }
    }

    /// The command for one kind of node.
    pub fn command(self, kind: NodeKind) -> Command {
        let units = self.units.map(|units| Withheld::Units(units.0));
        let withheld = units.or(self.days.map(|days| Withheld::Days(days.0)));
        Command::PutPolicy(PutPolicy::SafetyOfKind { kind, withheld })
    }
}

shape! {
    /// What leaves of an item, as whoever runs the shop knows it.
    pub struct DemandPut {
        /// From which node; from every one of which nothing is said when left out.
        pub node: Option<Id>,
        /// So many units; `null` when nothing is known.
        #[schema(value_type = Option<Count>)]
        pub units: OrNull<Count>,
        /// In so many days.
        pub days: SupplyDays,
    }
}

impl DemandPut {
    /// The command for one sku.
    pub fn command(self, sku: Text) -> Command {
        let demand = self.units.0.map(|units| Demand { units: units.0, days: self.days.0 });
        Command::PutPolicy(PutPolicy::Demand { sku, node: self.node.map(|node| node.0), demand })
    }
}

shape! {
    /// What orders of a delivery method must have paid before their units go on, and how they may pay: beside what their
    /// channel says.
    pub struct PaymentRulePut {
        /// What must have come of an order's money; nothing when left out.
        pub payment_before: Option<PaymentBeforeShape>,
        /// Payment methods they may have; any when left out.
        pub payment_methods: Option<Vec<PaymentMethod>>,
    }
}

impl PaymentRulePut {
    /// The command for one delivery method.
    pub fn command(self, delivery_method: DeliveryMethod) -> Command {
        let before = self.payment_before.map(PaymentBeforeShape::before).unwrap_or_default();
        let methods = self.payment_methods.unwrap_or_default().into_iter().map(|method| method.0.0).collect();
        let delivery_method = delivery_method.word().into();
        Command::PutPolicy(PutPolicy::Payment { delivery_method, rule: PaymentRule { before, methods } })
    }
}
