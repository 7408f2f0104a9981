//! Samples of waves, bins, what was picked, and the rule of picking.

use crate::domain::event::*;
use crate::domain::fulfillment::ShortReason;
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, SkuIndex, WaveKey};
use crate::domain::picked::{Picked, PickedKey};
use crate::domain::picking::{BinPlace, Pick, PickMethod, PickingRule, Tour};
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::stock::CellKey;
use crate::domain::time::WallTime;
use crate::domain::wave::WaveEvent;

const NODE: NodeIndex = NodeIndex(300);
const OWN: FulfillmentKey = FulfillmentKey { order: OrderKey(80), number: 1 };

fn planned(id: Option<&str>) -> WaveEvent {
    WaveEvent::Planned {
        id: id.map(Into::into),
        fingerprint: 12,
        node: NODE,
        cutoff: Some(WallTime(1_700_000_800_000)),
        fulfillments: vec![OWN],
    }
}

fn of_wave(key: u64, events: Vec<WaveEvent>) -> impl Iterator<Item = Event> {
    let key = WaveKey(key);
    (1..).zip(events).map(move |(version, event)| Event::WaveChanged(Box::new(WaveChanged { key, version, event })))
}

fn bin(sku: u32, place: Option<BinPlace>) -> Event {
    Event::BinPut(Box::new(BinPut { cell: CellKey { sku: SkuIndex(sku), node: NODE }, place }))
}

/// One of every event of picking.
pub fn picked() -> Vec<Event> {
    let pick = |line, completes| Pick {
        fulfillment: OWN,
        line,
        sku: SkuIndex(3),
        units: 4,
        completes,
        bin: Some("A-03-2".into()).filter(|_| line == 0),
    };
    let tour = Tour { zone: Some("A".into()), metres: 120, alone_metres: 300, picks: vec![pick(0, 4), pick(1, 0)] };
    let whole = vec![
        planned(Some("wave-1")),
        WaveEvent::Released { method: PickMethod::Zone, tours: vec![tour] },
        WaveEvent::Assigned { task: 1, picker: "ann".into() },
        WaveEvent::Started { task: 1 },
        WaveEvent::Shorted { task: 1, pick: 0, units: 1, reason: ShortReason::Damaged },
        WaveEvent::Done { task: 1, picked: vec![3, 0] },
    ];
    let cancelled = vec![planned(None), WaveEvent::Cancelled { reason: Some("strike".into()) }];
    let place = BinPlace { bin: "A-03-2".into(), zone: "A".into(), aisle: 3, at_m: 12 };
    let key = PickedKey { day: 19_675, node: NODE, method: PickMethod::Zone };
    let sums = Picked { tasks: 1, entries: 2, units: 3, short: 1, metres: 120, alone_metres: 300, ms: 90_000 };
    let rule = PickingRule { method: Some(PickMethod::Cluster), wave_units: Some(900), ..PickingRule::default() };
    let policy = PolicyPut { key: PolicyKey::Picking(Some(NODE)), policy: Policy::Picking(Box::new(rule)) };
    let answer = KeyUsed { before: None, hash: 9, fingerprint: 53, answer: Answer::Wave(WaveKey(17)) };
    of_wave(17, whole)
        .chain(of_wave(18, cancelled))
        .chain([bin(3, Some(place.clone())), bin(4, Some(place)), bin(4, None)])
        .chain([Event::PickedNoted(Box::new(PickedNoted { key, picked: sums }))])
        .chain([Event::PolicyPut(Box::new(policy)), Event::KeyUsed(answer)])
        .collect()
}
