//! Samples of how items are supplied, and of what came with it.

use super::*;
use crate::domain::policy::{Demand, PaymentRule};
use crate::domain::supply::{BoughtUnits, JustInTime, SupplyTerms};

/// How items are supplied, what is bought for orders, and what else of supply came later.
pub fn supplied() -> Vec<Event> {
    let put = |key, policy| Event::PolicyPut(Box::new(PolicyPut { key, policy }));
    let jit = JustInTime { lead_s: 172_800, supplier: Some("Acme".into()), per_day: Some(300), open_max: Some(70_000) };
    let demand = Some(Demand { units: 35, days: 14 });
    let before = PaymentBefore { release: None, ship: Some(PaymentMark::Paid) };
    let rule = PaymentRule { before, methods: vec!["card".into()] };
    let (at, eta) = (WallTime(1_700_000_000_000), WallTime(1_700_172_800_000));
    let bought = InboundEvent::Bought {
        node: NodeIndex(300),
        supplier: Some("Acme".into()),
        at,
        eta,
        lines: vec![(SkuIndex(3), 300), (SkuIndex(4), 1)],
    };
    let of_purchase =
        |version, event| Event::InboundChanged(Box::new(InboundChanged { key: InboundKey(30), version, event }));
    let of_bought = |version, event| Event::OrderChanged(Box::new(OrderChanged { key: OrderKey(81), version, event }));
    let units = BoughtUnits { sku: SkuIndex(3), units: 300, node: NodeIndex(300), document: InboundKey(30), eta };
    let lots = |changes| LotsChanged { sku: SkuIndex(8), tracking: Tracking::Lot, changes };
    let line = Redated { order: OrderKey(77), line: 1, sku: SkuIndex(3), units: 300, was: Some(eta), now: None };
    let redated = Answer::RedatedTransfer { transfer: TransferKey(9), count: 101, first: vec![line] };
    vec![
        put(PolicyKey::Supply(SkuIndex(3), NodeIndex(300)), Policy::Supply(SupplyTerms::JustInTime(jit))),
        put(PolicyKey::Supply(SkuIndex(3), NodeIndex(301)), Policy::Supply(SupplyTerms::Dropship { lead_s: 86_400 })),
        put(PolicyKey::Supply(SkuIndex(3), NodeIndex(302)), Policy::Supply(SupplyTerms::Owned)),
        put(PolicyKey::SafetyOfKind(NodeKind::Store), Policy::SafetyDays { days: 3 }),
        put(PolicyKey::Demand(SkuIndex(3), Some(NodeIndex(300))), Policy::Demand(demand)),
        put(PolicyKey::Payment("pickup".into()), Policy::Payment(rule)),
        of_purchase(1, bought),
        of_purchase(2, InboundEvent::Lowered { lines: vec![(0, 2), (1, 1)] }),
        of_bought(1, placed()),
        of_bought(2, OrderEvent::Dropshipped { number: 1, ready_at: eta }),
        of_bought(3, OrderEvent::Bought { units: vec![units] }),
        Event::LotsChanged(Box::new(lots(vec![
            arrived("a", None, 300),
            LotChange::GoneUnnamed { node: NodeIndex(300), units: 299 },
        ]))),
        Event::KeyUsed(KeyUsed { before: None, hash: 9, fingerprint: 52, answer: redated }),
    ]
}
