//! Samples of drafts.

use crate::domain::draft::{DraftEvent, DraftTerms};
use crate::domain::event::*;
use crate::domain::ids::{DraftKey, OrderKey, ReservationKey};
use crate::domain::order::Sealed;
use crate::domain::time::JournalTime;

fn terms(lines: u32) -> DraftTerms {
    DraftTerms {
        channel: (lines > 0).then(|| "web".into()),
        customer: (lines > 0).then(|| "c-1".into()),
        lines,
        said: Sealed { key_id: 0, bytes: b"{}".to_vec() },
    }
}

/// One of every event of a draft.
pub fn drafts() -> Vec<Event> {
    let expires_at = JournalTime(1_700_002_592_000);
    let begun =
        |id: Option<&str>| DraftEvent::Begun { id: id.map(Into::into), fingerprint: 12, terms: terms(0), expires_at };
    let changed = DraftEvent::Changed { terms: terms(3), expires_at: JournalTime(1_700_005_184_000) };
    let held = DraftEvent::Held { reservation: ReservationKey(9) };
    let of = |key: u64, events: Vec<DraftEvent>| {
        let key = DraftKey(key);
        (1..)
            .zip(events)
            .map(move |(version, event)| Event::DraftChanged(Box::new(DraftChanged { key, version, event })))
    };
    let placed = DraftEvent::Placed { order: OrderKey(80) };
    let answer = KeyUsed { before: None, hash: 9, fingerprint: 52, answer: Answer::Draft(DraftKey(19)) };
    of(19, vec![begun(Some("sketch-1")), changed, held, placed])
        .chain(of(20, vec![begun(None), DraftEvent::Discarded]))
        .chain([Event::KeyUsed(answer)])
        .collect()
}
