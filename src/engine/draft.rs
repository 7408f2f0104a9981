//! Drafts: begun, changed, held for, placed, let go, and ended by the clock.
//!
//! What is set aside for a draft is an ordinary reservation: it is extended, shrunk and released as any other, and the
//! draft only says which it is. Placing claims it if it is still held, and takes the units anew if it is not; letting go
//! gives it back in the same record. A draft whose time is up leaves it to its own end, which is not later unless somebody
//! asked for that: a draft's end is not brought forward past it. Handed to another owner it is the draft's no more. Locks
//! ascend: the reservation, then the draft.
//!
//! What is *not* here: how an order is placed (`place`), how units are chosen (`reserve`).

use std::collections::BTreeSet;

use super::change::Change;
use super::network::Network;
use super::reserve::cells_held;
use super::table::{Locked, Name, Named};
use super::turn::{Turn, reservation_event};
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{BeginDraft, ChangeDraft, HoldDraft, PlaceDraft, PlaceOrder, Reserve};
use crate::domain::draft::{Draft, DraftEvent, DraftStatus};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, DraftChanged, Event};
use crate::domain::ids::{DraftKey, OrderKey, ReservationKey, SkuIndex};
use crate::domain::item::ItemKind;
use crate::domain::limits::REROUTES_MAX;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::reservation::{Reservation, ReservationEvent, ReservationState};
use crate::domain::stock::MovementKind;
use crate::domain::time::JournalTime;
use crate::sabotage::{Bug, planted};

/// Drafts that the clock ends at once.
const EXPIRED_MAX: usize = 128;

/// The draft that a record is also about, as it was read.
#[derive(Clone, Copy)]
pub(super) struct Drafted {
    pub key: DraftKey,
    version: u32,
}

impl Drafted {
    /// That its order is captured.
    pub(super) fn placed(self, order: OrderKey) -> Event {
        self.next(DraftEvent::Placed { order })
    }

    /// That units are set aside for it.
    pub(super) fn held(self, reservation: ReservationKey) -> Event {
        self.next(DraftEvent::Held { reservation })
    }

    fn next(self, event: DraftEvent) -> Event {
        changed(self.key, self.version + 1, event)
    }
}

fn changed(key: DraftKey, version: u32, event: DraftEvent) -> Event {
    Event::DraftChanged(Box::new(DraftChanged { key, version, event }))
}

impl Engine {
    pub(super) fn begin_draft(&self, turn: &Turn<'_>, command: &BeginDraft) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        if command.id.as_deref().is_some_and(|id| DraftKey::parse(id).is_some()) {
            return Err(Rejection::invalid("id", "invalid_id", "has the form of a generated id"));
        }
        let claim = command.id.clone().map(|id| self.names.claim(Name::Draft(id)));
        if let Some(Named::Draft(key, fingerprint)) = claim.as_ref().and_then(|claim| claim.taken()) {
            if fingerprint != command.fingerprint {
                return Err(Rejection::IdTaken { id: command.id.as_deref().unwrap_or_default().to_owned() });
            }
            let seq = self.draft_by_key(key).map_or(0, |draft| draft.begun_seq);
            return Ok(Executed::Repeat { seq, answer: Answer::Draft(key) });
        }
        let now = turn.now();
        let key = DraftKey(self.next_key());
        let begun = DraftEvent::Begun {
            id: command.id.clone(),
            fingerprint: command.fingerprint,
            terms: command.terms.clone(),
            expires_at: now.plus_s(command.ttl_s),
        };
        let events = vec![changed(key, 1, begun)];
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Draft(key)))?;
        let mut slot = self.drafts.begin(key);
        let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
        logged.fold_draft(&mut slot);
        logged.done();
        if let Some(claim) = claim {
            claim.settle(Named::Draft(key, command.fingerprint));
        }
        self.watch_draft(&slot);
        Ok(answered(&slot))
    }

    pub(super) fn change_draft(&self, turn: &Turn<'_>, command: &ChangeDraft) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let (reservation, mut slot) = self.lock_with_reservation(self.draft(&command.draft)?.key)?;
        let now = turn.now();
        let draft = slot.as_ref().expect("a locked entity is there");
        check_open(draft, now, command.version)?;
        let expires_at = command.ttl_s.map_or(draft.expires_at, |ttl| now.plus_s(ttl));
        check_outlasts(draft, reservation.as_ref().and_then(|slot| slot.as_ref()), expires_at, now)?;
        let is_moved = expires_at != draft.expires_at;
        let event = DraftEvent::Changed { terms: command.terms.clone(), expires_at };
        let key = draft.key;
        steps(turn, draft);
        let events = vec![changed(key, draft.version + 1, event)];
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Draft(key)))?;
        let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
        logged.fold_draft(&mut slot);
        logged.done();
        if is_moved {
            self.watch_draft(&slot);
        }
        Ok(answered(&slot))
    }

    pub(super) fn hold_draft(&self, turn: &Turn<'_>, command: HoldDraft) -> Result<Executed, Rejection> {
        let draft = self.draft(&command.draft)?;
        let now = turn.now();
        check_open(&draft, now, command.version)?;
        if let Some(reservation) = self.held_by(&draft, now) {
            return Err(Rejection::DraftHolds { id: draft.name(), reservation: reservation.to_string() });
        }
        let stocked = self.catalogue(|catalogue| stocked(catalogue, command.reserve))?;
        let reserve = Reserve { id: None, owner: draft.name().as_str().into(), ..stocked };
        self.reserve_for(turn, &reserve, Some(Drafted { key: draft.key, version: draft.version }))
    }

    pub(super) fn place_draft(&self, turn: &Turn<'_>, command: PlaceDraft) -> Result<Executed, Rejection> {
        let mut order = PlaceOrder { reacquire: true, ..command.order };
        for _ in 0..REROUTES_MAX {
            let draft = self.draft(&command.draft)?;
            let now = turn.now();
            check_open(&draft, now, command.version)?;
            // A draft is placed once: under an id of the caller's nothing that was placed before is taken for it.
            order.fingerprint = draft.key.0;
            order.reservation = self.held_by(&draft, now).map(|key| key.to_string().as_str().into());
            match self.place_drafted(turn, &order, Drafted { key: draft.key, version: draft.version }) {
                // Whoever claimed what it holds may have placed it; whoever handed it over left it without.
                Err(Rejection::ReservationEnded { .. }) => {}
                placed => return placed,
            }
        }
        Err(Rejection::Contended)
    }

    pub(super) fn discard_draft(&self, turn: &Turn<'_>, id: &str) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let (reservation, mut slot) = self.lock_with_reservation(self.draft(id)?.key)?;
        let draft = slot.as_ref().expect("a locked entity is there");
        let (key, now) = (draft.key, turn.now());
        match draft.status_at(now) {
            DraftStatus::Draft => {}
            DraftStatus::Placed => return Err(ended(draft, DraftStatus::Placed)),
            DraftStatus::Discarded | DraftStatus::Expired => return Ok(answered(&slot)),
        }
        steps(turn, draft);
        let is_held = |held: &Reservation| held.state == ReservationState::Held && draft.owns(held);
        let mut reservation = reservation.filter(|slot| slot.as_ref().is_some_and(is_held));
        let (change, end) = given_back(&network, reservation.as_ref().and_then(|slot| slot.as_ref()), now);
        let mut events = vec![changed(key, draft.version + 1, DraftEvent::Discarded)];
        events.extend(end);
        events.extend(change.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Draft(key)))?;
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        logged.fold_draft(&mut slot);
        if let Some(reservation) = &mut reservation {
            logged.fold_reservation(reservation);
            self.remember_end(reservation);
        }
        self.remember_draft(&slot);
        let executed = answered(&slot);
        let touched = logged.done();
        drop((reservation, slot));
        self.follow_up(turn, &network, touched);
        Ok(executed)
    }

    /// Ends drafts whose time is up; answers when the clock should come again.
    pub(super) fn expire_drafts(&self, turn: &Turn<'_>, now: JournalTime) -> Option<JournalTime> {
        for key in self.drafts_due.take_due(now, EXPIRED_MAX) {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let Some(mut slot) = self.drafts.lock(key) else { continue };
            let draft = slot.as_ref().expect("a locked entity is there");
            // Whoever gave it more time has told the clock.
            if draft.status != DraftStatus::Draft || draft.expires_at > now {
                continue;
            }
            let events = vec![changed(key, draft.version + 1, DraftEvent::Expired)];
            let sealed = turn.seal(now, network.catalogue.seq, events, None);
            let sealed = sealed.expect("the end of a draft is a small record");
            let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
            logged.fold_draft(&mut slot);
            logged.done();
            self.remember_draft(&slot);
        }
        self.drafts_due.next()
    }

    /// Locks a draft that is to be placed or held for, unless it ended or changed since it was read. Until when it lasts
    /// stands in it.
    pub(super) fn lock_drafted(&self, drafted: Drafted, now: JournalTime) -> Result<Locked<Draft>, Rejection> {
        let slot = self.lock_draft(drafted.key)?;
        check_open(slot.as_ref().expect("a locked entity is there"), now, Some(drafted.version))?;
        Ok(slot)
    }

    fn lock_draft(&self, key: DraftKey) -> Result<Locked<Draft>, Rejection> {
        self.drafts.lock(key).ok_or_else(|| Rejection::not_found("draft", key.to_string()))
    }

    /// Locks a draft, and before it the last reservation that was made for it.
    fn lock_with_reservation(&self, key: DraftKey) -> Result<(Option<Locked<Reservation>>, Locked<Draft>), Rejection> {
        for _ in 0..REROUTES_MAX {
            let known = self.drafts.lock(key).and_then(|slot| slot.as_ref()?.reservation);
            let reservation = known.and_then(|key| self.reservations.lock(key));
            let slot = self.lock_draft(key)?;
            if slot.as_ref().is_some_and(|draft| draft.reservation == known) {
                return Ok((reservation, slot));
            }
        }
        Err(Rejection::Contended)
    }

    /// A draft by its number if it is one of those looked for; no other is copied.
    pub fn draft_that(&self, key: DraftKey, fits: impl FnOnce(&Draft) -> bool) -> Option<Draft> {
        self.drafts.lock(key)?.as_ref().filter(|draft| fits(draft)).cloned()
    }

    /// The draft as it is asked about, for whoever reads it to write; refused when it has ended.
    pub fn open_draft(&self, id: &str, now: JournalTime) -> Result<Draft, Rejection> {
        let draft = self.draft(id)?;
        check_open(&draft, now, None)?;
        Ok(draft)
    }

    /// The reservation that holds units for a draft now.
    pub fn held_by(&self, draft: &Draft, now: JournalTime) -> Option<ReservationKey> {
        let key = draft.reservation?;
        let slot = self.reservations.lock(key)?;
        slot.as_ref().is_some_and(|held| held.is_held_at(now) && draft.owns(held)).then_some(key)
    }

    /// Puts a draft at start.
    pub(super) fn keep_draft(&self, draft: Draft) {
        let key = draft.key;
        if let Some(id) = draft.id.clone() {
            self.names.insert(Name::Draft(id), Named::Draft(key, draft.fingerprint));
        }
        match draft.ended_at {
            Some(ended) => self.ended_drafts.lock().push_back((ended, key)),
            None => self.drafts_due.push(draft.expires_at, key),
        }
        self.drafts.insert(key, draft);
    }

    /// Tells the clock when a draft ends.
    fn watch_draft(&self, slot: &Locked<Draft>) {
        let draft = slot.as_ref().expect("just folded");
        self.drafts_due.push(draft.expires_at, draft.key);
    }

    /// Notes when a draft ended: it is forgotten after its window.
    pub(super) fn remember_draft(&self, slot: &Locked<Draft>) {
        let ended = slot.as_ref().and_then(|draft| Some((draft.ended_at?, draft.key)));
        self.ended_drafts.lock().extend(ended);
    }
}

/// What a draft is about to be is kept beside what it was, for a repeat of the request.
pub(super) fn steps(turn: &Turn<'_>, draft: &Draft) {
    turn.steps(EntityKey::Draft(draft.key), || Entity::Draft(Box::new(draft.clone())));
}

fn answered(slot: &Locked<Draft>) -> Executed {
    let draft = slot.as_ref().expect("just folded").clone();
    let seq = draft.seq;
    Executed::done(Reply::Draft(Box::new(draft)), seq)
}

fn check_open(draft: &Draft, now: JournalTime, version: Option<u32>) -> Result<(), Rejection> {
    let status = draft.status_at(now);
    if status != DraftStatus::Draft {
        return Err(ended(draft, status));
    }
    match version.filter(|expected| *expected != draft.version && !planted(Bug::DraftPlacedStale)) {
        Some(expected) => Err(Rejection::DraftChanged { id: draft.name(), version: draft.version, expected }),
        None => Ok(()),
    }
}

fn ended(draft: &Draft, status: DraftStatus) -> Rejection {
    Rejection::DraftEnded { id: draft.name(), status, order: draft.order.map(|key| key.to_string()) }
}

/// Refuses to bring a draft's end forward to before that of the reservation it holds: the units would outlast it.
fn check_outlasts(
    draft: &Draft,
    reservation: Option<&Reservation>,
    expires_at: JournalTime,
    now: JournalTime,
) -> Result<(), Rejection> {
    let held = reservation.filter(|held| held.is_held_at(now) && draft.owns(held));
    match held.map(|held| held.expires_at.min(draft.expires_at)).filter(|until| expires_at < *until) {
        Some(until) => {
            let least = (until.0 - now.0).unsigned_abs().div_ceil(1_000);
            let detail = format!("must be at least {least}: until then its reservation holds units for the draft");
            Err(Rejection::invalid("ttl_s", "ttl_out_of_range", detail))
        }
        None => Ok(()),
    }
}

/// What a held reservation holds goes back, and what is said of that; nothing where there is none.
fn given_back<'n>(
    network: &'n Network,
    reservation: Option<&Reservation>,
    now: JournalTime,
) -> (Change<'n>, Option<Event>) {
    let Some(held) = reservation.filter(|_| !planted(Bug::DraftKeepsUnits)) else {
        return (Change::new(network), None);
    };
    let skus: BTreeSet<SkuIndex> = held.lines.iter().map(|held| held.sku).collect();
    let mut change = Change::lock(network, &skus);
    change.is_for(network.whose_reservation(held));
    for (cell, units) in cells_held(held) {
        change.give(cell, units, MovementKind::Released, |delta, n| delta.reserved -= n);
    }
    let state = if now >= held.expires_at { ReservationState::Expired } else { ReservationState::Released };
    (change, Some(reservation_event(held, ReservationEvent::Ended { state })))
}

/// What can be set aside of what is asked for: services and downloads have no stock. All unknown skus together.
fn stocked(catalogue: &Catalogue, asked: Reserve) -> Result<Reserve, Rejection> {
    let (mut faults, mut lines) = (Vec::new(), Vec::with_capacity(asked.lines.len()));
    for (at, line) in asked.lines.into_iter().enumerate() {
        match catalogue.sku_index(&line.sku).map(|sku| catalogue.item(sku).kind) {
            Some(ItemKind::Product | ItemKind::Kit) => lines.push(line),
            Some(ItemKind::Service | ItemKind::Digital) => {}
            None => {
                let detail = format!("there is no item {:?}", line.sku);
                faults.push(Fault::new(format!("lines[{at}].sku"), "unknown_sku", detail));
            }
        }
    }
    if lines.is_empty() && faults.is_empty() {
        faults.push(Fault::new("lines", "not_stocked", "name nothing that has stock to be set aside"));
    }
    if faults.is_empty() { Ok(Reserve { lines, ..asked }) } else { Err(Rejection::Invalid(faults)) }
}
