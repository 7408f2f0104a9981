//! A crowd: several reservations made by one record under generated ids, with what they share said once. It reads back as
//! the events it was made of.
//!
//! ```text
//! crowd, version 1
//!   u64 first number · i64 end · u64 count
//!   per reservation: u64 numbers left out since the one before · u64 fingerprint
//!                    · owner, channel, customer if they differ from the one before · lines
//! ```

use super::{CROWD, CROWD_VERSION, Undecodable, get, put, put_part_head, put_part_length};
use crate::domain::event::{Event, ReservationChanged};
use crate::domain::ids::{ReservationKey, Text};
use crate::domain::limits::RECORD_BYTES_MAX;
use crate::domain::reservation::{HeldLines, ReservationEvent};
use crate::domain::time::JournalTime;

/// Owner, channel and customer of a reservation.
type Label<'a> = (&'a Text, &'a Option<Text>, &'a Option<Text>);

/// A reservation as it is made under a generated id, if that is what the event says: number, label, fingerprint, end,
/// lines.
fn made_unnamed(event: &Event) -> Option<(u64, Label<'_>, u64, JournalTime, &HeldLines)> {
    match event {
        Event::ReservationChanged(ReservationChanged {
            key,
            version: 1,
            event: ReservationEvent::Held { id: None, fingerprint, owner, channel, customer, expires_at, lines },
        }) => Some((key.0, (owner, channel, customer), *fingerprint, *expires_at, lines)),
        _ => None,
    }
}

/// How many of the first events can be written as one crowd.
pub(super) fn crowd_in(events: &[Event]) -> usize {
    let mut before: Option<(u64, JournalTime)> = None;
    let joins = |event: &&Event| {
        let Some((number, _, _, end, _)) = made_unnamed(event) else { return false };
        let joins = before.is_none_or(|(last, ends)| number > last && end == ends);
        before = Some((number, end));
        joins
    };
    events.iter().take_while(joins).count()
}

pub(super) fn put_crowd(bytes: &mut Vec<u8>, events: &[Event]) {
    let at = put_part_head(bytes, CROWD, CROWD_VERSION);
    let mut members = events.iter().filter_map(made_unnamed).peekable();
    let (first, _, _, end, _) = *members.peek().expect("a crowd has members");
    put(bytes, &(first, end, events.len() as u64));
    let mut next = first;
    let mut before: Option<Label<'_>> = None;
    for (number, label, fingerprint, _, lines) in members {
        let label = Some(label).filter(|_| !before.replace(label).is_some_and(|before| is_same(before, label)));
        put(bytes, &(number - next, fingerprint, label, lines));
        next = number + 1;
    }
    put_part_length(bytes, at);
}

fn is_same(a: Label<'_>, b: Label<'_>) -> bool {
    let texts = |a: &Text, b: &Text| std::sync::Arc::ptr_eq(a, b) || a == b;
    let maybes = |a: &Option<Text>, b: &Option<Text>| match (a, b) {
        (Some(a), Some(b)) => texts(a, b),
        (None, None) => true,
        _ => false,
    };
    texts(a.0, b.0) && maybes(a.1, b.1) && maybes(a.2, b.2)
}

pub(super) fn get_crowd(version: u16, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Undecodable> {
    type Member = (u64, u64, Option<(Text, Option<Text>, Option<Text>)>, HeldLines);
    if version != u16::from(CROWD_VERSION) {
        return Err(Undecodable::Unknown { what: "event", code: CROWD, version });
    }
    let wrong = |why: &str| Undecodable::Shape { what: "event", why: why.to_owned() };
    let (first, expires_at, members): (u64, JournalTime, Vec<Member>) = get("event", bytes, RECORD_BYTES_MAX)?;
    let (mut next, mut before) = (Some(first), None);
    events.reserve(members.len() * 2);
    for (left_out, fingerprint, label, lines) in members {
        let (owner, channel, customer) =
            label.or(before).ok_or_else(|| wrong("the first of a crowd says who owns it"))?;
        before = Some((owner.clone(), channel.clone(), customer.clone()));
        let number = next.and_then(|next| next.checked_add(left_out)).ok_or_else(|| wrong("numbers end"))?;
        next = number.checked_add(1);
        let id = None;
        let event = ReservationEvent::Held { id, fingerprint, owner, channel, customer, expires_at, lines };
        events.push(Event::ReservationChanged(ReservationChanged { key: ReservationKey(number), version: 1, event }));
    }
    Ok(())
}
