//! One command's turn: who asks, the key under which a repeat is recognised, and the way of a change into the log.
//!
//! ```text
//! seal (draft, bytes) ─► withdraw (units leave their words) ─► log (append) ─► apply (gives, counters) ─► fold entities
//! ```
//! From the append to the last step a panic stops the process: memory must not stay behind the log.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use super::change::Change;
use super::table::{Claim, Locked, Named};
use super::withdrawal::{Unfinished, Withdrawal};
use crate::domain::archive::Archiving;
use crate::domain::command::Context;
use crate::domain::cycle_count::CycleCount;
use crate::domain::draft::Draft as OrderDraft;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{
    Answer, Before, CycleCountChanged, DraftChanged, Event, InboundChanged, KeyUsed, OrderChanged, ReservationChanged,
    ReturnChanged, SubscriptionChanged, TransferChanged, WaveChanged,
};
use crate::domain::ids::{OrderKey, SkuIndex};
use crate::domain::inbound::Inbound;
use crate::domain::limits::BEFORE_BYTES_MAX;
use crate::domain::order::{Order, OrderEvent};
use crate::domain::record::{Draft, Encoded, Header, Log, RecordTooLarge};
use crate::domain::rejection::Rejection;
use crate::domain::reservation::{Reservation, ReservationEvent};
use crate::domain::returns::Return;
use crate::domain::subscription::Subscription;
use crate::domain::time::{JournalTime, Now};
use crate::domain::transfer::Transfer;
use crate::domain::wave::Wave;
use crate::sabotage::{Bug, planted};

/// See the module.
pub struct Turn<'a> {
    /// Where records go.
    pub log: &'a dyn Log,
    /// Who asks.
    pub context: &'a Context,
    key: RefCell<Option<Claim<'a>>>,
    /// What the request is about, as it is before it.
    before: RefCell<Option<Before>>,
}

/// A record ready to be appended.
pub struct SealedDraft {
    draft: Draft,
    encoded: Encoded,
}

/// A record that is appended and applied to stock; entities are folded next.
pub struct Logged {
    header: Header,
    events: Vec<Event>,
    unfinished: Unfinished,
    /// Skus whose queues have something to do.
    pub touched: BTreeSet<SkuIndex>,
}

impl SealedDraft {
    /// How large the record is.
    pub fn bytes(&self) -> usize {
        self.encoded.0.len()
    }
}

impl<'a> Turn<'a> {
    /// A turn under a claimed key, if one was sent.
    pub fn new(log: &'a dyn Log, context: &'a Context, key: Option<Claim<'a>>) -> Self {
        Self { log, context, key: RefCell::new(key), before: RefCell::default() }
    }

    /// Keeps what a step is about to change in the record that uses its key: a repeat is answered from both (`then`).
    /// Costs nothing without a key.
    pub fn steps(&self, key: EntityKey, before: impl FnOnce() -> Entity) {
        if self.key.borrow().is_some() {
            self.before.replace(Some(Box::new((key, before()))));
        }
    }

    /// The journal's time.
    pub fn now(&self) -> JournalTime {
        let now = self.log.now();
        if planted(Bug::WallExpiry) { JournalTime(now.wall.0) } else { now.journal }
    }

    /// Both clocks at one instant.
    pub fn clocks(&self) -> Now {
        Now { journal: self.now(), ..self.log.now() }
    }

    /// Makes the bytes of the record. The key, if still free, takes effect with it.
    pub fn seal(
        &self,
        decided_at: JournalTime,
        catalogue_seq: u64,
        mut events: Vec<Event>,
        answer: Option<Answer>,
    ) -> Result<SealedDraft, Rejection> {
        if let (Some(key), Some(answer), true) = (self.context.key, answer, self.key.borrow().is_some()) {
            let (hash, fingerprint, before) = (key.hash, key.fingerprint, self.before.take());
            events.push(Event::KeyUsed(KeyUsed { hash, fingerprint, answer, before }));
        }
        let mut draft = Draft {
            decided_at,
            catalogue_seq,
            actor: self.context.actor.clone(),
            source: self.context.source.clone(),
            request_id: self.context.request_id.clone(),
            events,
        };
        let encoded = self.encoded(&mut draft)?;
        Ok(SealedDraft { draft, encoded })
    }

    /// The bytes of a draft. What a step changed is left out where it is larger than [`BEFORE_BYTES_MAX`], or the record would
    /// be too large: the step is taken though a repeat of it can only be answered with how things stand then.
    fn encoded(&self, draft: &mut Draft) -> Result<Encoded, RecordTooLarge> {
        let with = self.log.encode(draft);
        let is_small = with.as_ref().is_ok_and(|with| with.0.len() <= BEFORE_BYTES_MAX);
        let Some(Event::KeyUsed(used)) = draft.events.last_mut().filter(|_| !is_small) else { return with };
        let Some(before) = used.before.take() else { return with };
        let without = self.log.encode(draft)?;
        let Some(Event::KeyUsed(used)) = draft.events.last_mut() else { unreachable!("it was just looked at") };
        match with {
            Ok(with) if with.0.len() - without.0.len() <= BEFORE_BYTES_MAX => {
                used.before = Some(before);
                Ok(with)
            }
            _ => Ok(without),
        }
    }

    /// Appends and applies to stock.
    pub fn log<'n>(
        &self,
        engine: &Engine,
        sealed: SealedDraft,
        change: Change<'n>,
        withdrawal: Withdrawal<'n>,
    ) -> Logged {
        self.log_with(engine, sealed, |at| change.apply(withdrawal, at))
    }

    /// Appends, then applies to stock what the record says, as decided at that instant; `apply` answers the skus whose
    /// queues have something to do.
    pub fn log_with(
        &self,
        engine: &Engine,
        sealed: SealedDraft,
        apply: impl FnOnce(JournalTime) -> BTreeSet<SkuIndex>,
    ) -> Logged {
        let at = sealed.draft.decided_at;
        let unfinished = Unfinished::begin();
        let (stamp, touched) = if planted(Bug::GiveBeforeLog) {
            let touched = apply(at);
            // The window is one a busy machine makes by itself, now and then.
            std::thread::yield_now();
            (self.log.append(sealed.encoded), touched)
        } else {
            let stamp = self.log.append(sealed.encoded);
            (stamp, apply(at))
        };
        engine.reached(stamp.seq);
        let uses_key = matches!(sealed.draft.events.last(), Some(Event::KeyUsed(_)));
        if uses_key
            && !planted(Bug::ForgottenKey)
            && let (Some(claim), Some(key)) = (self.key.borrow_mut().take(), self.context.key)
        {
            claim.settle(Named::Record(stamp.seq, key.fingerprint));
            engine.remember_key(stamp.time, key.hash);
        }
        let header = stamp.header(&sealed.draft);
        Logged { header, events: sealed.draft.events, unfinished, touched }
    }
}

impl Logged {
    /// What the record carries.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Sequence of the record.
    pub fn seq(&self) -> u64 {
        self.header.seq
    }

    /// Journal time of the record.
    pub fn time(&self) -> JournalTime {
        self.header.time
    }

    /// Hands over the reservations that the record makes, in its order. Their events are used up.
    pub fn made_reservations(&mut self) -> impl Iterator<Item = Reservation> {
        let header = &self.header;
        std::mem::take(&mut self.events).into_iter().filter_map(move |event| match event {
            Event::ReservationChanged(made) => {
                let reservation = Reservation::made(made.key, header, made.event);
                Some(reservation.expect("only what makes a reservation is logged with others that do"))
            }
            _ => None,
        })
    }

    /// Folds the record's events into an order that is locked.
    pub fn fold_order(&self, slot: &mut Locked<Arc<Order>>) {
        self.fold_archiving(slot);
        for event in &self.events {
            if let Event::OrderChanged(changed) = event {
                let OrderChanged { key, version, event } = &**changed;
                let folded = Order::fold(slot.take().map(Arc::unwrap_or_clone), *key, *version, &self.header, event);
                **slot = Some(Arc::new(folded.expect("a command logs only what its order can take")));
            }
        }
    }

    /// Folds the record's events of one order into it, where the record is of several. It is locked, or just begun.
    pub fn fold_order_of(&self, key: OrderKey, slot: &mut Locked<Arc<Order>>) {
        self.fold_archiving(slot);
        for event in &self.events {
            if let Event::OrderChanged(changed) = event
                && changed.key == key
            {
                let OrderChanged { version, event, .. } = &**changed;
                let folded = Order::fold(slot.take().map(Arc::unwrap_or_clone), key, *version, &self.header, event);
                **slot = Some(Arc::new(folded.expect("a command logs only what its order can take")));
            }
        }
    }

    /// Folds what the record says of an order and the archive into that order, which is locked.
    pub fn fold_archiving(&self, slot: &mut Locked<Arc<Order>>) {
        let Some(key) = slot.as_ref().map(|order| order.key) else { return };
        for event in &self.events {
            if let Event::Archiving(archiving) = event
                && archiving.key() == key
            {
                let folded = Order::archive(slot.take().map(Arc::unwrap_or_clone), &self.header, archiving);
                **slot = Some(Arc::new(folded.expect("only what may leave does, and it comes back as it left")));
            }
        }
    }

    /// Folds an order of the past that the record takes in.
    pub fn fold_imported(&self, slot: &mut Locked<Arc<Order>>) {
        for event in &self.events {
            if let Event::Archiving(archiving) = event {
                let folded = Order::archive(None, &self.header, archiving);
                **slot = Some(Arc::new(folded.expect("what is taken in has ended")));
            }
        }
    }

    /// Folds the record's events into a document of inbound supply that is locked.
    pub fn fold_inbound(&self, slot: &mut Locked<Inbound>) {
        for event in &self.events {
            if let Event::InboundChanged(changed) = event {
                let InboundChanged { key, version, event } = &**changed;
                let folded = Inbound::fold(slot.take(), *key, *version, &self.header, event);
                **slot = Some(folded.expect("a command logs only what its document can take"));
            }
        }
    }

    /// Folds the record's events into a cycle count that is locked.
    pub fn fold_cycle_count(&self, slot: &mut Locked<CycleCount>) {
        for event in &self.events {
            if let Event::CycleCountChanged(changed) = event {
                let CycleCountChanged { key, version, event } = &**changed;
                let folded = CycleCount::fold(slot.take(), *key, *version, &self.header, event);
                **slot = Some(folded.expect("a command logs only what its cycle count can take"));
            }
        }
    }

    /// Folds the record's events into a transfer that is locked.
    pub fn fold_transfer(&self, slot: &mut Locked<Transfer>) {
        for event in &self.events {
            if let Event::TransferChanged(changed) = event {
                let TransferChanged { key, version, event } = &**changed;
                let folded = Transfer::fold(slot.take(), *key, *version, &self.header, event);
                **slot = Some(folded.expect("a command logs only what its transfer can take"));
            }
        }
    }
    /// Folds the record's events into a subscription that is locked.
    pub fn fold_subscription(&self, slot: &mut Locked<Subscription>) {
        for event in &self.events {
            if let Event::SubscriptionChanged(changed) = event {
                let SubscriptionChanged { key, version, event } = &**changed;
                let folded = Subscription::fold(slot.take(), *key, *version, &self.header, event);
                **slot = Some(folded.expect("a command logs only what its subscription can take"));
            }
        }
    }

    /// Folds the record's events into a return that is locked.
    pub fn fold_return(&self, slot: &mut Locked<Return>) {
        for event in &self.events {
            if let Event::ReturnChanged(changed) = event {
                let ReturnChanged { key, version, event } = &**changed;
                let folded = Return::fold(slot.take(), *key, *version, &self.header, event);
                **slot = Some(folded.expect("a command logs only what its return can take"));
            }
        }
    }

    /// Folds the record's events into a wave that is locked.
    pub fn fold_wave(&self, slot: &mut Locked<Wave>) {
        for event in &self.events {
            if let Event::WaveChanged(changed) = event {
                let WaveChanged { key, version, event } = &**changed;
                let folded = Wave::fold(slot.take(), *key, *version, &self.header, event);
                **slot = Some(folded.expect("a command logs only what its wave can take"));
            }
        }
    }

    /// Folds the record's events into a draft that is locked.
    pub fn fold_draft(&self, slot: &mut Locked<OrderDraft>) {
        for event in &self.events {
            if let Event::DraftChanged(changed) = event {
                let DraftChanged { key, version, event } = &**changed;
                let folded = OrderDraft::fold(slot.take(), *key, *version, &self.header, event);
                **slot = Some(folded.expect("a command logs only what its draft can take"));
            }
        }
    }

    /// Folds the record's events into a reservation that is locked.
    pub fn fold_reservation(&self, slot: &mut Locked<Reservation>) {
        for event in &self.events {
            if let Event::ReservationChanged(ReservationChanged { key, version, event }) = event {
                let folded = Reservation::fold(slot.take(), *key, *version, &self.header, event);
                **slot = Some(folded.expect("a command logs only what its reservation can take"));
            }
        }
    }

    /// Memory has caught up; answers the skus whose queues have something to do.
    pub fn done(self) -> BTreeSet<SkuIndex> {
        self.unfinished.done();
        self.touched
    }
}

/// The next event of an order that waits for something, and so has never left memory.
pub fn order_event(order: &Order, event: OrderEvent) -> Event {
    assert!(!order.is_archived(), "what waits does not leave");
    Event::OrderChanged(Box::new(OrderChanged { key: order.key, version: order.version + 1, event }))
}

/// The first events of an order, in one record.
pub fn first_order_events(key: OrderKey, events: Vec<OrderEvent>) -> impl Iterator<Item = Event> {
    order_events_after(key, 0, events)
}

/// The next events of an order, in one record. One that left for the archive comes back with them.
pub fn order_events(order: &Order, events: Vec<OrderEvent>) -> impl Iterator<Item = Event> {
    let back = order.is_archived().then(|| Event::Archiving(Archiving::Back(Box::new(order.clone()))));
    back.into_iter().chain(order_events_after(order.key, order.version, events))
}

fn order_events_after(key: OrderKey, version: u32, events: Vec<OrderEvent>) -> impl Iterator<Item = Event> {
    let next = move |(version, event)| Event::OrderChanged(Box::new(OrderChanged { key, version, event }));
    (version + 1..).zip(events).map(next)
}

/// The next event of a reservation.
pub fn reservation_event(reservation: &Reservation, event: ReservationEvent) -> Event {
    Event::ReservationChanged(ReservationChanged { key: reservation.key, version: reservation.version + 1, event })
}
