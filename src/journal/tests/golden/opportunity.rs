//! Samples of what is worth something to orders to come, of a version that weighs it, of a decision that minded it, and of what
//! is done by itself for open orders.

use super::{decision, of_order_numbered, placed};
use crate::domain::decision::{Decision, Evidence};
use crate::domain::event::{Event, PolicyPut, RuleSetChanged};
use crate::domain::evidence::Others;
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex};
use crate::domain::opportunity::{Basis, Opportunity};
use crate::domain::order::OrderEvent;
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::replanning::{Leave, Replanning};
use crate::domain::rules::versions::RuleSetEvent;
use crate::domain::rules::{RuleTerms, Term};
use crate::domain::stock::CellKey;
use crate::domain::time::WallTime;
use crate::domain::told::Told;
use crate::domain::weighed::{Ahead, CostTerm, Priced, Weighed, WeighedNode};
use crate::journal::codec;

fn minded() -> Priced {
    let ahead = Ahead { per_shipment: vec![40], per_unit: vec![300] };
    Priced::Weighed(Box::new(Weighed {
        amounts: vec![(CostTerm::Distance, 9), (CostTerm::Opportunity, 340)],
        told: Told::listed(
            &[],
            &[],
            &[],
            &[WeighedNode { per_shipment: 140, per_unit: 5, table: 0, parcels_max: 1 }],
            &[307],
        ),
        ahead: Some(Box::new(ahead)),
        ..Weighed::default()
    }))
}

/// What was found, who weighs it, and an order by it.
pub(super) fn opportunity() -> Vec<Event> {
    let cell = |sku, node| CellKey { sku: SkuIndex(sku), node: NodeIndex(node) };
    let basis = Basis {
        at: Some(WallTime(1_700_000_000_000)),
        orders: 2_000,
        since: WallTime(1_699_000_000_000),
        days: 7,
        ahead: 1_210,
        paths: 6,
        rounds: 120,
        left_out: 3,
    };
    let stock = vec![(cell(3, 2), 250), (cell(3, 300), 70_000)];
    let found = Opportunity { stock, shipments: vec![(NodeIndex(300), 18)], basis };
    let terms = RuleTerms { objective: vec![Term::Opportunity], ..RuleTerms::default() };
    let event = RuleSetEvent::Drafted { version: 1, terms: terms.into() };
    let rule = Replanning { on_receipt: Some(Leave::Propose), on_outage: Some(Leave::Apply), may_be_later: true };
    let before = decision();
    let evidence = Evidence { priced: minded(), ..(*before.evidence).clone() };
    let decided = Decision { evidence: evidence.into(), ..*before };
    let OrderEvent::Placed { facts, lines, allocations, backordered, .. } = placed() else {
        unreachable!("an order is placed so")
    };
    let placed = OrderEvent::Placed { facts, lines, allocations, backordered, decision: Some(Box::new(decided)) };
    vec![
        Event::OpportunityPut(Box::new(found)),
        Event::RuleSetChanged(Box::new(RuleSetChanged { name: "farsighted".into(), event })),
        of_order_numbered(OrderKey(88), 1, placed),
        Event::PolicyPut(Box::new(PolicyPut { key: PolicyKey::Replanning, policy: Policy::Replanning(rule) })),
    ]
}

#[test]
fn what_was_paid_for_orders_to_come_is_read_back_of_any_destination() {
    let plain = (*decision().evidence).clone();
    let of_one = Evidence { priced: minded(), ..plain.clone() };
    let others = Box::new(Others { own: 0, parts: vec![(1, of_one.clone())] });
    let of_several = Evidence { others: Some(others), ..plain.clone() };
    for seen in [&of_one, &of_several] {
        let mut bytes = Vec::new();
        codec::put_value(&mut bytes, seen);
        assert_eq!(codec::get_value::<Evidence>(&bytes).as_ref(), Ok(seen));
        let decided = Decision { evidence: seen.clone().into(), ..*decision() };
        assert!(decided.minds_orders_ahead());
    }
    assert!(!decision().minds_orders_ahead());
}
