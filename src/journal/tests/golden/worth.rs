//! Samples of what units cost where they lie, and the numbers of the terms that weigh it.

use crate::domain::closure::Closure;
use crate::domain::event::{Event, PolicyPut, RuleSetChanged};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::policy::{Policy, PolicyKey, UnitCosts};
use crate::domain::rules::versions::RuleSetEvent;
use crate::domain::rules::{RuleTerms, Term};
use crate::domain::time::WallTime;
use crate::domain::weighed::CostTerm;
use crate::journal::codec;

pub(super) fn worth() -> Vec<Event> {
    let put = |key, policy| Event::PolicyPut(Box::new(PolicyPut { key, policy }));
    let costs = UnitCosts { unit_cost: Some(1_250), markdown: None };
    let closure = Closure { from: WallTime(1), until: WallTime(300), reason: "flood".into(), begun: true };
    let terms = RuleTerms { objective: vec![Term::Balance { amount: 70 }], ..RuleTerms::default() };
    let event = RuleSetEvent::Drafted { version: 1, terms: terms.into() };
    vec![
        put(PolicyKey::Costs(SkuIndex(3), Some(NodeIndex(300))), Policy::Costs(costs)),
        put(PolicyKey::Priority(NodeIndex(300)), Policy::Priority(Some(250))),
        put(PolicyKey::Closures(NodeIndex(300)), Policy::Closures(vec![closure])),
        Event::RuleSetChanged(Box::new(RuleSetChanged { name: "calm".into(), event })),
    ]
}

#[test]
fn every_term_has_this_number_for_ever() {
    use CostTerm::{
        Carbon, Distance, Handling, Late, LoadBalance, Markdown, Opportunity, PerShipment, Priority, Scarcity,
        Shipping, ShortPick, Split, Unfilled, UnitCost,
    };
    let all = [
        PerShipment,
        Distance,
        Split,
        Shipping,
        Handling,
        UnitCost,
        Late,
        Carbon,
        Priority,
        Unfilled,
        Scarcity,
        Markdown,
        ShortPick,
        LoadBalance,
        Opportunity,
    ];
    for (number, term) in (0..).zip(all) {
        let mut bytes = Vec::new();
        codec::put_value(&mut bytes, &term);
        assert_eq!(bytes, [number], "{term:?}");
        assert_eq!(term as u8, number, "figures lie by term in that order");
    }
}
