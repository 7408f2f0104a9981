//! Samples of policies about orders: what the clock does to them, and which of them begin with a hold.

use crate::domain::event::{Event, PolicyPut};
use crate::domain::hold::HoldKind;
use crate::domain::hold_rule::{HoldCondition, HoldRule};
use crate::domain::money::Currency;
use crate::domain::order_clocks::OrderClocks;
use crate::domain::payment::PaymentMark;
use crate::domain::policy::{Policy, PolicyKey, RejectionPolicy};

/// Policies about orders.
pub fn policies() -> Vec<Event> {
    let put = |key, policy| Event::PolicyPut(Box::new(PolicyPut { key, policy }));
    let clocks = OrderClocks {
        cancel_unpaid_after_s: Some(3_600),
        cancel_waiting_after_s: None,
        deliver_after_s: Some(864_000),
    };
    let rule = HoldRule {
        kind: HoldKind::Fraud,
        reason: "dear".into(),
        release_after_s: Some(86_400),
        release_on: Some(PaymentMark::Paid),
        when: vec![
            HoldCondition::TotalOver { amount: 50_000, currency: Currency::USD },
            HoldCondition::UnitsOver(300),
            HoldCondition::Skus(vec!["KIT 1".into()]),
            HoldCondition::Countries(vec!["US".into()]),
            HoldCondition::Channels(vec!["web".into()]),
            HoldCondition::DeliveryMethods(vec!["ship".into()]),
            HoldCondition::Flags(vec!["new_customer".into()]),
        ],
    };
    vec![
        put(PolicyKey::Clocks("ship".into()), Policy::Clocks(clocks)),
        put(PolicyKey::Hold("dear".into()), Policy::Hold(Box::new(rule))),
    ]
}

/// What becomes of units that a node will not do, beside asking and sourcing again.
pub fn refused() -> Vec<Event> {
    let of = |policy| PolicyPut { key: PolicyKey::Rejection("locker".into()), policy: Policy::Rejection(policy) };
    let all = [RejectionPolicy::Cancel, RejectionPolicy::ToSameStore, RejectionPolicy::WithinKm(300)];
    all.map(|policy| Event::PolicyPut(Box::new(of(policy)))).to_vec()
}
