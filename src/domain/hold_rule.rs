//! Rules that put holds: conditions as data about an order that is captured, and the hold it begins with where all of them
//! are true. An order that meets a rule only as an edit makes it has its hold from then on.
//!
//! What a channel knows and the engine does not (that a customer is new, that two addresses differ) it says with the order
//! as *flags*: words that only these rules read. A rule without conditions holds nothing; that is how one is switched off.
//!
//! What is *not* here: what a hold forbids (`hold`), and who puts it (the engine).

use serde::{Deserialize, Serialize};

use super::hold::HoldKind;
use super::ids::Text;
use super::money::Currency;
use super::payment::PaymentMark;

/// A rule. See the module.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HoldRule {
    /// What the hold forbids.
    pub kind: HoldKind,
    /// Why it is put.
    pub reason: Text,
    /// How long after capture it ends by itself, seconds; not by time when `None`.
    pub release_after_s: Option<u32>,
    /// The payment of all that is due with which it ends by itself.
    pub release_on: Option<PaymentMark>,
    /// What has to be true, all of it.
    pub when: Vec<HoldCondition>,
}

/// Something that is true of an order or not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HoldCondition {
    /// The customer pays more than that, in that currency.
    TotalOver {
        /// Minor units.
        amount: i64,
        /// Of which currency; an order in another one is not meant.
        currency: Currency,
    },
    /// It asks for more units than that.
    UnitsOver(u32),
    /// One of its lines is of one of these skus.
    Skus(Vec<Text>),
    /// Something of it goes to one of these countries.
    Countries(Vec<Text>),
    /// It comes from one of these channels.
    Channels(Vec<Text>),
    /// It is delivered by one of these methods.
    DeliveryMethods(Vec<Text>),
    /// Its channel flags it with one of these words.
    Flags(Vec<Text>),
}

/// What rules know of an order that is captured.
#[derive(Clone, Debug)]
pub struct Captured<'a> {
    /// What the customer pays, minor units.
    pub total: i64,
    /// Of which currency.
    pub currency: Currency,
    /// What is asked for: sku and units by line.
    pub lines: &'a [(&'a Text, u32)],
    /// Where it goes.
    pub countries: &'a [&'a Text],
    /// From where.
    pub channel: &'a Text,
    /// How.
    pub delivery_method: &'a Text,
    /// What its channel says of it.
    pub flags: &'a [Text],
}

impl HoldRule {
    /// Whether an order begins with its hold.
    pub fn holds(&self, order: &Captured<'_>) -> bool {
        !self.when.is_empty() && self.when.iter().all(|condition| condition.is_met(order))
    }
}

impl HoldCondition {
    fn is_met(&self, order: &Captured<'_>) -> bool {
        match self {
            Self::TotalOver { amount, currency } => *currency == order.currency && order.total > *amount,
            Self::UnitsOver(units) => {
                order.lines.iter().map(|(_, units)| u64::from(*units)).sum::<u64>() > u64::from(*units)
            }
            Self::Skus(skus) => order.lines.iter().any(|(sku, _)| skus.contains(sku)),
            Self::Countries(countries) => order.countries.iter().any(|country| countries.contains(country)),
            Self::Channels(channels) => channels.contains(order.channel),
            Self::DeliveryMethods(methods) => methods.contains(order.delivery_method),
            Self::Flags(flags) => order.flags.iter().any(|flag| flags.contains(flag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(when: Vec<HoldCondition>) -> bool {
        let rule =
            HoldRule { kind: HoldKind::Manual, reason: "look".into(), release_after_s: None, release_on: None, when };
        let [mug, lamp, us, ca, web, ship]: [Text; 6] = ["mug", "lamp", "US", "CA", "web", "ship"].map(Text::from);
        rule.holds(&Captured {
            total: 1_000,
            currency: Currency::USD,
            lines: &[(&mug, 2), (&lamp, 1)],
            countries: &[&us, &ca],
            channel: &web,
            delivery_method: &ship,
            flags: &["new_customer".into()],
        })
    }

    fn names(names: &[&str]) -> Vec<Text> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn a_rule_holds_where_all_its_conditions_are_true_and_no_rule_without_any() {
        use HoldCondition::{Channels, Countries, DeliveryMethods, Flags, Skus, TotalOver, UnitsOver};
        let over = |amount| TotalOver { amount, currency: Currency::USD };
        let true_ones = [
            over(999),
            UnitsOver(2),
            Skus(names(&["chair", "lamp"])),
            Countries(names(&["CA"])),
            Channels(names(&["web"])),
            DeliveryMethods(names(&["ship"])),
            Flags(names(&["address_mismatch", "new_customer"])),
        ];
        let false_ones = [
            over(1_000),
            TotalOver { amount: 1, currency: Currency::parse("EUR").expect("a currency") },
            UnitsOver(3),
            Skus(names(&["chair"])),
            Countries(names(&["MX"])),
            Channels(names(&["shop"])),
            DeliveryMethods(names(&["pickup"])),
            Flags(names(&["address_mismatch"])),
        ];
        assert!(holds(true_ones.to_vec()) && !holds(Vec::new()));
        assert!(true_ones.iter().all(|one| holds(vec![one.clone()])));
        assert!(false_ones.iter().all(|one| !holds(vec![true_ones[0].clone(), one.clone()])));
    }
}
