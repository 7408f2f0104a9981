//! What a step was answered when it was taken, for whoever repeats the request, as long as the journal keeps the records.
//!
//! An order is folded anew from its own records, which its story names: nothing is stored for it. Of anything else the
//! record that uses the key of a step holds what the step changed, as it was before, up to `BEFORE_BYTES_MAX`; folding the
//! record's own events into that is what was answered.
//!
//! Whoever gives units back is answered after they were sourced again, in records of their own that follow: those belong to
//! the answer too.

use std::sync::Arc;

use crate::domain::edit::EditState;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::hold::HoldState;
use crate::domain::ids::OrderKey;
use crate::domain::limits::ANSWER_RECORDS_MAX;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::record::Record;

/// Reads a record of the journal; `None` when it is kept no longer.
pub type Kept<'a> = &'a dyn Fn(u64) -> Option<Arc<Record>>;

/// An order as it was answered to the request that made this record. `None` where its records are kept no longer, or are
/// more than [`ANSWER_RECORDS_MAX`].
pub fn order_then(order: &Order, record: &Record, kept: Kept<'_>) -> Option<Order> {
    let mut seqs: Vec<u64> = order.history.iter().map(|told| told.seq).collect();
    seqs.dedup();
    let at = seqs.binary_search(&record.header.seq).ok().filter(|at| *at < ANSWER_RECORDS_MAX)?;
    let (until, after) = seqs.split_at(at + 1);
    let mut then = None;
    for seq in until {
        let record = kept(*seq)?;
        then = Some(fold(then, order.key, &record)?);
    }
    for seq in after.iter().take(ANSWER_RECORDS_MAX) {
        match kept(*seq).filter(|next| belongs(record, next, order.key)) {
            Some(next) => then = Some(fold(then, order.key, &next)?),
            None => break,
        }
    }
    then
}

/// An entity as a record left it that made it, or that used the key of a step of it. `None` for any other record.
pub fn entity_then(record: &Record, key: &EntityKey) -> Option<Entity> {
    let before = record.events.iter().find_map(|event| match event {
        Event::KeyUsed(used) => used.before.as_deref().filter(|(of, _)| of == key).map(|(_, before)| before.clone()),
        _ => None,
    });
    let own = record.events.iter().filter(|event| event.entity() == *key);
    let mut then = before;
    for event in own {
        then = Some(Entity::fold(then, &record.header, event).ok()?);
    }
    then
}

/// The order after a record of it.
pub fn fold(before: Option<Order>, key: OrderKey, record: &Record) -> Option<Order> {
    let own = record.events.iter().filter_map(|event| match event {
        Event::OrderChanged(changed) if changed.key == key => Some(changed),
        _ => None,
    });
    let mut order = before;
    for changed in own {
        order = Some(Order::fold(order, key, changed.version, &record.header, &changed.event).ok()?);
    }
    order
}

/// An order whose hold stands as this record left it.
pub fn hold_made(record: &Record, mut order: Arc<Order>, number: u16) -> Arc<Order> {
    let key = order.key;
    let Some(hold) = Arc::make_mut(&mut order).holds.iter_mut().find(|hold| hold.number == number) else {
        return order;
    };
    for event in &record.events {
        match event {
            Event::OrderChanged(changed) if changed.key == key => match &changed.event {
                OrderEvent::Held { number: n, .. } if *n == number => {
                    (hold.state, hold.ended) = (HoldState::Active, None)
                }
                OrderEvent::HoldEnded { number: n, state, .. } if *n == number => {
                    (hold.state, hold.ended) = (*state, Some((record.header.time, record.header.actor.clone())));
                }
                _ => {}
            },
            _ => {}
        }
    }
    order
}

/// An order whose edit stands as this record left it.
pub fn edit_made(record: &Record, mut order: Arc<Order>, number: u16) -> Arc<Order> {
    let key = order.key;
    let Some(edit) = Arc::make_mut(&mut order).edits.iter_mut().find(|edit| edit.number == number) else {
        return order;
    };
    for event in &record.events {
        match event {
            Event::OrderChanged(changed) if changed.key == key => match &changed.event {
                OrderEvent::EditOpened { number: n, decision, .. } if *n == number => {
                    (edit.state, edit.ended, edit.decision) = (EditState::Open, None, Some(decision.clone()));
                }
                OrderEvent::EditEnded { number: n, state, .. } if *n == number => {
                    (edit.state, edit.ended) = (*state, Some((record.header.time, record.header.actor.clone())));
                }
                OrderEvent::Edited { number: n, .. } if *n == number => {
                    let ended = Some((record.header.time, record.header.actor.clone()));
                    (edit.state, edit.ended) = (EditState::Confirmed, ended);
                }
                _ => {}
            },
            _ => {}
        }
    }
    order
}

/// Whether a record that follows another of the same order is of the same request: units that it gave back find another
/// place.
fn belongs(record: &Record, next: &Record, key: OrderKey) -> bool {
    let (a, b) = (&record.header, &next.header);
    let asked = (&a.actor, &a.source, &a.request_id) == (&b.actor, &b.source, &b.request_id);
    let follows = |event: &Event| match event {
        Event::KeyUsed(_) => false,
        Event::OrderChanged(changed) if changed.key == key => match &changed.event {
            OrderEvent::Sourced { .. }
            | OrderEvent::Preordered { .. }
            | OrderEvent::Bought { .. }
            | OrderEvent::Dropshipped { .. } => true,
            // A request without a name of its own cannot be told from the next one that brings units.
            OrderEvent::Filled { .. } => !a.request_id.is_empty(),
            _ => false,
        },
        _ => true,
    };
    asked && next.events.iter().all(follows)
}
