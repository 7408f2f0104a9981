//! Samples of steps whose repeats are answered as they were, of reservations that change hands, of drafts and of networks.

use super::held;
use crate::domain::entity::Entity;
use crate::domain::event::*;
use crate::domain::ids::{NodeIndex, ReservationKey, SkuIndex, TransferKey};
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::record::Stamp;
use crate::domain::reservation::ReservationEvent;
use crate::domain::time::{JournalTime, WallTime};
use crate::domain::transfer::{Transfer, TransferEvent};

/// One of each.
pub fn steps() -> Vec<Event> {
    let of_reservation =
        |version, event| Event::ReservationChanged(ReservationChanged { key: ReservationKey(900), version, event });
    let of_transfer = |key, version, event| {
        Event::TransferChanged(Box::new(TransferChanged { key: TransferKey(key), version, event }))
    };
    let reserved = ReservationEvent::Held {
        id: Some("r-2".into()),
        fingerprint: 3,
        owner: "cart".into(),
        channel: None,
        customer: None,
        expires_at: JournalTime(1_700_000_900_000),
        lines: vec![held(3, 2)].into(),
    };
    let drafted = TransferEvent::Drafted {
        id: Some("tr-2".into()),
        fingerprint: 9,
        from: NodeIndex(300),
        to: NodeIndex(1),
        eta: Some(WallTime(1_700_000_000_000)),
        lines: vec![(SkuIndex(3), 70)],
    };
    let header =
        Stamp { seq: 1, time: JournalTime(1_700_000_000_000), wall: WallTime(0) }.header(&super::draft_of(vec![]));
    let draft = of_transfer(12, 1, drafted.clone());
    let before = Transfer::fold(None, TransferKey(12), 1, &header, &drafted).expect("it begins one");
    let before = Box::new((draft.entity(), Entity::Transfer(Box::new(before))));
    let answer = Answer::Transfer(TransferKey(12));
    let network = Policy::Network { nodes: vec![NodeIndex(1), NodeIndex(300)] };
    vec![
        of_reservation(2, reserved),
        of_reservation(3, ReservationEvent::Transferred { owner: "desk".into() }),
        draft,
        of_transfer(11, 3, TransferEvent::Promised),
        Event::KeyUsed(KeyUsed { before: Some(before), hash: 9, fingerprint: 54, answer }),
        Event::PolicyPut(Box::new(PolicyPut { key: PolicyKey::Network("coast".into()), policy: network })),
    ]
}
