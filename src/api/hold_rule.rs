//! Rules that put holds: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::channel::ids;
use super::reading::{At, Listed, shape};
use super::rule_set::judge_fields;
use super::scalar::{AfterSeconds, MoneyJson, Price, Reason, Sku};
use super::words::{ConditionWord, DeliveryMethod, ReleasingPayment, Worded, as_word};
use crate::domain::command::{Command, PutPolicy};
use crate::domain::hold::HoldKind;
use crate::domain::hold_rule::{HoldCondition, HoldRule};
use crate::domain::ids::Text;
use crate::domain::limits::HOLD_CONDITIONS_MAX;
use crate::domain::money::Money;
use crate::domain::payment::PaymentMark;
use crate::domain::quantity::Quantity;

shape! {
    /// Which orders begin with a hold, and with which.
    pub struct HoldRulePut {
        /// What the hold forbids.
        pub r#type: HoldKind,
        /// Why it is put.
        pub reason: Reason,
        /// How long after capture it ends by itself, seconds.
        pub release_after_s: Option<AfterSeconds>,
        /// The payment of all that is due with which it ends by itself.
        pub release_on: Option<ReleasingPayment>,
        /// What has to be true of an order, all of it; with an empty list the rule holds nothing.
        pub when: Vec<ConditionShape>,
    }
}

shape! {
    /// A condition, with the field that its word asks for.
    #[schema(as = HoldCondition)]
    pub struct ConditionShape {
        /// Which.
        pub condition: ConditionWord,
        /// `total_over`: what the customer pays is more, in that currency.
        pub amount: Option<Price>,
        /// `units_over`: more units are asked for.
        pub units: Option<Quantity>,
        /// `sku`, `country`, `channel`, `delivery_method`, `flag`: one of them is the order's.
        pub r#in: Option<Vec<Sku>>,
    }
    check = ConditionShape::judge;
}

ids! {
    /// A word by which a channel flags an order.
    Flag in 0, HOLD_CONDITIONS_MAX;
}

impl Listed for ConditionShape {
    const LEAST: usize = 0;
    const MOST: usize = HOLD_CONDITIONS_MAX;
}

impl ConditionShape {
    fn judge(&self, at: &At<'_>) {
        let wanted: &[&str] = match self.condition {
            ConditionWord::TotalOver => &["amount"],
            ConditionWord::UnitsOver => &["units"],
            ConditionWord::Sku
            | ConditionWord::Country
            | ConditionWord::Channel
            | ConditionWord::DeliveryMethod
            | ConditionWord::Flag => &["in"],
        };
        let there = [("amount", self.amount.is_some()), ("units", self.units.is_some()), ("in", self.r#in.is_some())];
        judge_fields(at, self.condition.word(), &there, wanted);
        if self.condition == ConditionWord::DeliveryMethod {
            for (number, name) in self.r#in.iter().flatten().enumerate() {
                if DeliveryMethod::of_word(&name.0).is_none() {
                    at.field("in").entry(number).fault::<()>("unknown_word", "is not a delivery method");
                }
            }
        }
    }

    fn condition(self) -> HoldCondition {
        let names = self.r#in.into_iter().flatten().map(|name| name.0).collect();
        match (self.condition, self.amount) {
            (ConditionWord::TotalOver, Some(over)) => {
                HoldCondition::TotalOver { amount: over.amount.0, currency: over.currency.0 }
            }
            (ConditionWord::TotalOver | ConditionWord::UnitsOver, _) => {
                HoldCondition::UnitsOver(self.units.map_or(0, Quantity::units))
            }
            (ConditionWord::Sku, _) => HoldCondition::Skus(names),
            (ConditionWord::Country, _) => HoldCondition::Countries(names),
            (ConditionWord::Channel, _) => HoldCondition::Channels(names),
            (ConditionWord::DeliveryMethod, _) => HoldCondition::DeliveryMethods(names),
            (ConditionWord::Flag, _) => HoldCondition::Flags(names),
        }
    }
}

impl HoldRulePut {
    /// The command for the rule of a name.
    pub fn command(self, name: Text) -> Command {
        let rule = HoldRule {
            kind: self.r#type,
            reason: self.reason.0,
            release_after_s: self.release_after_s.map(|after| after.0),
            release_on: self.release_on.map(PaymentMark::from),
            when: self.when.into_iter().map(ConditionShape::condition).collect(),
        };
        Command::PutPolicy(PutPolicy::Hold { name, rule })
    }
}

/// Which orders begin with a hold, and with which.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HoldRule)]
pub struct HoldRuleJson {
    /// What the hold forbids.
    #[serde(serialize_with = "as_word")]
    pub r#type: HoldKind,
    /// Why it is put.
    pub reason: String,
    /// How long after capture it ends by itself, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_after_s: Option<u32>,
    /// The payment with which it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ReleasingPayment>)]
    pub release_on: Option<&'static str>,
    /// What has to be true, all of it.
    pub when: Vec<ConditionJson>,
}

/// A condition.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HoldConditionShown)]
pub struct ConditionJson {
    /// Which.
    pub condition: ConditionWord,
    /// Money above which it is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<MoneyJson>,
    /// Units above which it is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<u32>,
    /// Names one of which has to be the order's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub r#in: Vec<String>,
}

impl From<&HoldRule> for HoldRuleJson {
    fn from(rule: &HoldRule) -> Self {
        Self {
            r#type: rule.kind,
            reason: rule.reason.to_string(),
            release_after_s: rule.release_after_s,
            release_on: rule.release_on.map(PaymentMark::word),
            when: rule.when.iter().map(ConditionJson::from).collect(),
        }
    }
}

impl From<&HoldCondition> for ConditionJson {
    fn from(condition: &HoldCondition) -> Self {
        let of = |condition| Self { condition, amount: None, units: None, r#in: Vec::new() };
        let named =
            |condition, names: &[Text]| Self { r#in: names.iter().map(ToString::to_string).collect(), ..of(condition) };
        match condition {
            HoldCondition::TotalOver { amount, currency } => {
                let amount = Money { amount: *amount, currency: *currency };
                Self { amount: Some(amount.into()), ..of(ConditionWord::TotalOver) }
            }
            HoldCondition::UnitsOver(units) => Self { units: Some(*units), ..of(ConditionWord::UnitsOver) },
            HoldCondition::Skus(names) => named(ConditionWord::Sku, names),
            HoldCondition::Countries(names) => named(ConditionWord::Country, names),
            HoldCondition::Channels(names) => named(ConditionWord::Channel, names),
            HoldCondition::DeliveryMethods(names) => named(ConditionWord::DeliveryMethod, names),
            HoldCondition::Flags(names) => named(ConditionWord::Flag, names),
        }
    }
}
