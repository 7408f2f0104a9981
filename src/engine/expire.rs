//! Expiry: a give of its own, with nothing else held. The clock and a take that would fail call the same function;
//! whoever comes second finds the reservation ended. What else the clock does is called from here.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use super::Engine;
use super::change::Change;
use super::due::Run;
use super::network::Network;
use super::table::{Locked, Name};
use super::turn::{Turn, reservation_event};
use super::withdrawal::Withdrawal;
use crate::domain::command::Context;
use crate::domain::event::Event;
use crate::domain::ids::{ReservationKey, SkuIndex};
use crate::domain::limits::{
    DRAFT_READABLE_MS, ENDED_READABLE_MS, INBOUND_READABLE_MS, KEY_WINDOW_MS, RETURN_READABLE_MS, WAVE_READABLE_MS,
};
use crate::domain::record::Log;
use crate::domain::reservation::{Reservation, ReservationEvent, ReservationState};
use crate::domain::stock::{CellKey, MovementKind};
use crate::domain::time::JournalTime;

/// Reservations that the clock takes on at once, a run more at most: each is a record, and what is in flight is bounded.
const EXPIRED_MAX: usize = 1_024;

/// What the clock has to do, soonest first. Stale entries are harmless.
#[derive(Debug, Default)]
pub struct Agenda {
    heap: BinaryHeap<Reverse<Run>>,
}

impl Engine {
    /// Expires what is due, clears the due indices of what has ended, looks again for what was
    /// left over, forgets what ended long ago; answers when the clock should come again, which is at once while more is due.
    ///
    /// A new day comes before the allocation of what rests, which it lets in; exceptions are looked at when all is done.
    pub fn expire_due(&self, log: &dyn Log) -> Option<JournalTime> {
        let context = clock();
        let turn = Turn::new(log, &context, None);
        let rules = self.rules_come(&turn);
        let closed = self.closures_come(&turn);
        let now = turn.now();
        let mut due = Vec::new();
        let next = {
            let mut agenda = self.agenda.lock();
            while let Some(run) = self.agenda_inbox.pop() {
                agenda.heap.push(Reverse(run));
            }
            while due.len() < EXPIRED_MAX
                && let Some(Reverse(run)) = agenda.heap.peek().copied()
                && run.at <= now
            {
                agenda.heap.pop();
                due.extend(run.keys());
            }
            agenda.heap.peek().map(|Reverse(run)| run.at)
        };
        let mut skus = BTreeSet::new();
        for key in due {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            self.expire(&turn, &network, key, now);
            let slot = self.reservations.lock(key);
            skus.extend(slot.iter().flat_map(|slot| slot.as_ref()).flat_map(|r| r.lines.iter().map(|held| held.sku)));
        }
        for sku in skus {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            network.sku(sku).due.settle(now, |key| !self.is_held(key, now));
        }
        self.look_again(&turn);
        self.forget_ended(now);
        self.keep_archive(&turn, now);
        let again = (!self.left_over.is_empty()).then(|| now.plus_s(1));
        self.leave_idle(&turn);
        let idle = (!self.idle.is_empty()).then_some(now);
        let holds = self.end_holds_due(&turn, now);
        let edits = self.end_edits_due(&turn, now);
        let released = self.releases_come(&turn);
        let days = self.days_come(&turn);
        let allocated = self.allocate_due(&turn);
        let placed = self.place_due(log, now);
        let drafts = self.expire_drafts(&turn, now);
        let windows = self.take_windows_on(&turn, now);
        let cancelled = self.cancel_due(&turn, now);
        let expired = self.lots_expire(&turn);
        let bought = self.purchases_due(&turn, now);
        let returned = self.returns_come_due(&turn, now);
        let looks = self.look_at_exceptions(&turn, now);
        let acts = [
            next, again, idle, holds, edits, released, days, allocated, placed, drafts, windows, cancelled, expired,
            bought, rules, returned, looks, closed,
        ];
        acts.into_iter().flatten().min()
    }

    /// Expires what is due of these skus; answers whether anything was.
    pub(super) fn expire_in(&self, turn: &Turn<'_>, network: &Network, skus: &BTreeSet<SkuIndex>) -> bool {
        let now = turn.now();
        let mut any = false;
        for sku in skus {
            let index = network.sku(*sku).due;
            let due = index.due(now);
            if due.is_empty() {
                continue;
            }
            for key in due {
                any |= self.expire(turn, network, key, now);
            }
            index.settle(now, |key| !self.is_held(key, now));
        }
        any
    }

    /// Whether a reservation still holds units although `now` is past its end, or will later.
    fn is_held(&self, key: ReservationKey, now: JournalTime) -> bool {
        self.reservations
            .lock(key)
            .is_some_and(|slot| slot.as_ref().is_some_and(|r| r.state == ReservationState::Held && r.expires_at <= now))
    }

    /// Ends one reservation whose time is up; answers whether this call did it.
    fn expire(&self, turn: &Turn<'_>, network: &Network, key: ReservationKey, now: JournalTime) -> bool {
        let Some(mut slot) = self.reservations.lock(key) else { return false };
        let reservation = slot.as_ref().expect("a locked entity is there");
        if reservation.state != ReservationState::Held {
            return false;
        }
        // Extended meanwhile: whoever did that has told the clock.
        if reservation.expires_at > now {
            return false;
        }
        let skus = reservation.lines.iter().map(|held| held.sku).collect();
        let mut change = Change::lock(network, &skus);
        change.is_for(network.whose_reservation(reservation));
        for held in &reservation.lines {
            let cell = CellKey { sku: held.sku, node: held.node };
            change.give(cell, held.quantity, MovementKind::Released, |delta, n| delta.reserved -= n);
        }
        let ended = ReservationEvent::Ended { state: ReservationState::Expired };
        let mut events: Vec<Event> = vec![reservation_event(reservation, ended)];
        events.extend(change.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, None);
        let sealed = sealed.expect("a reservation holds no more cells than the record of its end");
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        logged.fold_reservation(&mut slot);
        self.remember_end(&slot);
        let touched = logged.done();
        drop(slot);
        self.follow_up(turn, network, touched);
        true
    }

    /// Notes when a reservation ended: it is forgotten after its window.
    pub(super) fn remember_end(&self, slot: &Locked<Reservation>) {
        let ended = slot.as_ref().and_then(|reservation| Some((reservation.ended_at?, reservation.key)));
        self.ended.lock().extend(ended);
    }

    /// Forgets reservations, inbound supply, transfers and keys whose window has passed.
    fn forget_ended(&self, now: JournalTime) {
        for key in past(&mut self.ended.lock(), now, ENDED_READABLE_MS) {
            let id = self.reservations.lock(key).and_then(|slot| slot.as_ref().and_then(|r| r.id.clone()));
            if let Some(id) = id {
                self.names.remove(&Name::Reservation(id));
            }
            self.reservations.remove(key);
        }
        for key in past(&mut self.ended_inbound.lock(), now, INBOUND_READABLE_MS) {
            let id = self.inbound.lock(key).and_then(|slot| slot.as_ref().and_then(|inbound| inbound.id.clone()));
            if let Some(id) = id {
                self.names.remove(&Name::Inbound(id));
            }
            self.inbound.remove(key);
        }
        for key in past(&mut self.ended_transfers.lock(), now, INBOUND_READABLE_MS) {
            let id = self.transfers.lock(key).and_then(|slot| slot.as_ref().and_then(|transfer| transfer.id.clone()));
            if let Some(id) = id {
                self.names.remove(&Name::Transfer(id));
            }
            self.transfers.remove(key);
        }
        for key in past(&mut self.ended_counts.lock(), now, INBOUND_READABLE_MS) {
            let id = self.cycle_counts.lock(key).and_then(|slot| slot.as_ref().and_then(|count| count.id.clone()));
            if let Some(id) = id {
                self.names.remove(&Name::CycleCount(id));
            }
            self.cycle_counts.remove(key);
        }
        for key in past(&mut self.ended_returns.lock(), now, RETURN_READABLE_MS) {
            let id = self.returns.lock(key).and_then(|slot| slot.as_ref().and_then(|known| known.id.clone()));
            if let Some(id) = id {
                self.names.remove(&Name::Return(id));
            }
            self.returns.remove(key);
        }
        for key in past(&mut self.ended_waves.lock(), now, WAVE_READABLE_MS) {
            let id = self.waves.lock(key).and_then(|slot| slot.as_ref().and_then(|wave| wave.id.clone()));
            if let Some(id) = id {
                self.names.remove(&Name::Wave(id));
            }
            self.waves.remove(key);
        }
        for key in past(&mut self.ended_drafts.lock(), now, DRAFT_READABLE_MS) {
            let id = self.drafts.lock(key).and_then(|slot| slot.as_ref().and_then(|draft| draft.id.clone()));
            if let Some(id) = id {
                self.names.remove(&Name::Draft(id));
            }
            self.drafts.remove(key);
        }
        self.forget_picked(now);
        self.forget_dispatched(now);
        self.forget_optimisations(now);
        self.network.read().expect("no writer of the catalogue panics and survives").learned.forget(now);
        for hash in past(&mut self.keys_used.lock(), now, KEY_WINDOW_MS) {
            self.names.remove(&Name::Key(hash));
        }
    }
}

/// In whose name the clock acts.
pub(super) fn clock() -> Context {
    Context { actor: "clock".into(), source: "clock".into(), request_id: "".into(), key: None }
}

/// Takes out what is older than its window.
fn past<T: Copy>(queue: &mut VecDeque<(JournalTime, T)>, now: JournalTime, window_ms: i64) -> Vec<T> {
    let count = queue.iter().take_while(|(at, _)| now.0 - at.0 > window_ms).count();
    queue.drain(..count).map(|(_, what)| what).collect()
}
