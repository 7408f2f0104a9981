//! Policies of returns: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{At, Listed, shape};
use super::scalar::{Id, Percent, ReturnDays, Sku};
use super::words::{ExchangeLeaves, as_word, as_words};
use crate::domain::command::{Command, PutPolicy};
use crate::domain::return_policy::{RefundAt, ReturnPolicy};
use crate::domain::returns::Condition;

impl Listed for Condition {
    const MOST: usize = 7;
}

shape! {
    /// What comes back, until when, and for what money: of one item, of orders of one channel, or of everything.
    pub struct ReturnPolicyPut {
        /// Of orders of that channel.
        pub channel: Option<Id>,
        /// Of that item.
        pub sku: Option<Sku>,
        /// Days after delivery in which units may come back; for ever when left out.
        pub window_days: Option<ReturnDays>,
        /// Whether nothing comes back.
        pub final_sale: Option<bool>,
        /// States in which units are taken; any when left out.
        pub conditions: Option<Vec<Condition>>,
        /// From when on money may go back; `approved` when left out.
        pub refund_at: Option<RefundAt>,
        /// What is kept for restocking, up to 100.
        pub restocking_fee_percent: Option<Percent>,
        /// When what the customer gets instead leaves: once all came back when left out.
        pub exchange_leaves: Option<ExchangeLeaves>,
        /// Whether what the policy takes is approved at once, and what it does not is declined.
        pub automatic: Option<bool>,
        /// Days in which the goods have to come once a return is approved; no matter when, if left out.
        pub expires_days: Option<ReturnDays>,
    }
    check = ReturnPolicyPut::judge;
}

/// Hundredths of a percent of all of it.
const WHOLE_BPS: u32 = 10_000;

impl ReturnPolicyPut {
    fn judge(&self, at: &At<'_>) {
        if self.channel.is_some() && self.sku.is_some() {
            at.field("sku").fault::<()>("ambiguous_change", "is for one item or for one channel, not for both");
        }
        if self.restocking_fee_percent.is_some_and(|fee| fee.hundredths > WHOLE_BPS) {
            at.field("restocking_fee_percent").fault::<()>("number_out_of_range", "must be a number from 0 to 100");
        }
    }

    /// The command.
    pub fn command(self) -> Command {
        let fee = self.restocking_fee_percent.map_or(0, |fee| fee.hundredths.min(WHOLE_BPS));
        let policy = ReturnPolicy {
            window_days: self.window_days.map(|days| days.0),
            final_sale: self.final_sale.unwrap_or(false),
            conditions: self.conditions.unwrap_or_default(),
            refund_at: self.refund_at.unwrap_or_default(),
            fee_bps: u16::try_from(fee).unwrap_or(u16::MAX),
            exchange_at_once: self.exchange_leaves == Some(ExchangeLeaves::AtOnce),
            automatic: self.automatic.unwrap_or(false),
            expires_days: self.expires_days.map(|days| days.0),
        };
        let (channel, sku) = (self.channel.map(|channel| channel.0), self.sku.map(|sku| sku.0));
        Command::PutPolicy(PutPolicy::Returns { channel, sku, policy })
    }
}

/// What was decided about returns.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReturnPolicy)]
pub struct ReturnPolicyJson {
    /// Days after delivery in which units may come back; `null` for ever.
    pub window_days: Option<u32>,
    /// Whether nothing comes back.
    pub final_sale: bool,
    /// States in which units are taken; any when empty.
    #[serde(serialize_with = "conditions")]
    pub conditions: Vec<Condition>,
    /// From when on money may go back.
    #[serde(serialize_with = "as_word")]
    pub refund_at: RefundAt,
    /// What is kept for restocking.
    pub restocking_fee_percent: Percent,
    /// When what the customer gets instead leaves.
    #[serde(serialize_with = "as_word")]
    pub exchange_leaves: ExchangeLeaves,
    /// Whether the policy decides alone.
    pub automatic: bool,
    /// Days in which the goods have to come; `null` for no matter when.
    pub expires_days: Option<u32>,
}

fn conditions<S: serde::Serializer>(conditions: &[Condition], serializer: S) -> Result<S::Ok, S::Error> {
    as_words(conditions, serializer)
}

impl From<&ReturnPolicy> for ReturnPolicyJson {
    fn from(policy: &ReturnPolicy) -> Self {
        Self {
            window_days: policy.window_days,
            final_sale: policy.final_sale,
            conditions: policy.conditions.clone(),
            refund_at: policy.refund_at,
            restocking_fee_percent: Percent { hundredths: u32::from(policy.fee_bps) },
            exchange_leaves: if policy.exchange_at_once { ExchangeLeaves::AtOnce } else { ExchangeLeaves::OnReceipt },
            automatic: policy.automatic,
            expires_days: policy.expires_days,
        }
    }
}
