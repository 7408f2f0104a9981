//! Orders leave memory when nothing more happens to them, and come back when something does.
//!
//! ```text
//! sweep    the clock looks through memory: what has ended and rested a while leaves, many in one record
//! forget   once the archive covers that record, memory lets the order and its names go
//! recall   a command that names an order of the archive brings it into memory as it left; the command's own record, if
//!          there is one, then carries all of it (`order_events`), and the order is back
//! ```
//! **Promises.** Memory forgets only what is durable in the archive. Files are read with no lock of the engine held. A
//! name is looked for in the archive before it is claimed, and again when the archive has grown meanwhile, so an id its
//! caller chose is never given twice. Nothing here lies on the way of a command as long as nothing ever left, but for one
//! look at a flag.
//!
//! Whoever looks at an exception finds its order: one with an open case about it stays until somebody, or the clock,
//! has resolved that.
//!
//! **Bounds.** [`SWEPT_MAX`] orders are looked at in a turn of the clock, [`TOGETHER`] leave in one record. An order whose
//! return would not fit into a record stays.
//!
//! What is *not* here: files (`journal`), and what may leave (`domain::archive`).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::network::Network;
use super::table::{Locked, Name, Named};
use super::turn::Turn;
use super::{Engine, Executed};
use crate::domain::archive::{Archive, Archiving, OrderName};
use crate::domain::command::{Command, Context, PlaceOrder};
use crate::domain::event::{Answer, Event};
use crate::domain::ids::{FulfillmentKey, OrderKey};
use crate::domain::limits::BACK_BYTES_MAX;
use crate::domain::order::Order;
use crate::domain::record::{Draft, Log};
use crate::domain::rejection::Rejection;
use crate::domain::time::JournalTime;

/// Orders that one turn of the clock looks at.
const SWEPT_MAX: usize = 8_192;
/// Orders that leave in one record: each stays locked until it is appended.
const TOGETHER: usize = 64;
/// Time between two sweeps of all orders, in milliseconds, at most.
const SWEEP_EVERY_MS: i64 = 10_000;
/// How long an order that was brought into memory stays there although nothing brought it back, in milliseconds.
const RECALLED_MS: i64 = 60_000;

/// What the clock has to look at, and what memory may forget.
#[derive(Debug, Default)]
pub struct Leaving {
    /// Orders of this sweep that were not looked at yet, highest number first.
    left_to_see: Vec<OrderKey>,
    next_sweep: JournalTime,
    /// Orders that left, with their record: forgotten once the archive covers it.
    left: VecDeque<(u64, OrderKey)>,
    /// Orders that were brought into memory, and when.
    recalled: VecDeque<(JournalTime, OrderKey)>,
}

/// How a command names the order it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming<'a> {
    /// By its own id.
    Order(&'a str),
    /// By one of its fulfilment orders.
    Fulfillment(&'a str),
}

impl Naming<'_> {
    /// All orders that a command names and that have to be there already.
    fn all_of(command: &Command) -> impl Iterator<Item = Naming<'_>> {
        let other = if let Command::MergeOrders(command) = command { Some(Naming::Order(&command.with)) } else { None };
        Naming::of(command).into_iter().chain(other)
    }

    /// The order a command is about, where it has to be there already.
    pub fn of(command: &Command) -> Option<Naming<'_>> {
        match command {
            Command::RouteOrder { order } | Command::AllocateOrder { order } | Command::SourceOrder { order } => {
                Some(Naming::Order(order))
            }
            Command::CancelOrder(command) => Some(Naming::Order(&command.order)),
            Command::Rebook(command) => Some(Naming::Order(&command.order)),
            Command::Fulfill(command) => Some(Naming::Fulfillment(&command.fulfillment)),
            Command::PutHold(command) => Some(Naming::Order(&command.order)),
            Command::EndHold(command) => Some(Naming::Order(&command.order)),
            Command::ReportPayment(command) => Some(Naming::Order(&command.order)),
            Command::Consolidate(command) => Some(Naming::Order(&command.order)),
            Command::SplitOrder(command) => Some(Naming::Order(&command.order)),
            Command::MergeOrders(command) => Some(Naming::Order(&command.order)),
            Command::OpenEdit(command) => Some(Naming::Order(&command.order)),
            Command::EndEdit(command) => Some(Naming::Order(&command.order)),
            Command::RequestReturn(command) => Some(Naming::Order(&command.order)),
            Command::PutNode(_)
            | Command::PatchNode { .. }
            | Command::PutItem(_)
            | Command::PutRules(_)
            | Command::ActivateRules(_)
            | Command::AdjustStock(_)
            | Command::AdjustLots(_)
            | Command::MoveStock(_)
            | Command::SetOnHand(_)
            | Command::Reserve(_)
            | Command::ChangeReservation(_)
            | Command::ReleaseReservation { .. }
            | Command::PlaceOrder(_)
            | Command::BeginDraft(_)
            | Command::ChangeDraft(_)
            | Command::HoldDraft(_)
            | Command::PlaceDraft(_)
            | Command::DiscardDraft { .. }
            | Command::ImportOrder(_)
            | Command::AnnounceInbound(_)
            | Command::ChangeInbound { .. }
            | Command::ReadyTransfer(_)
            | Command::ChangeTransfer { .. }
            | Command::PutSubscription(_)
            | Command::ChangeSubscription { .. }
            | Command::PutChannel(_)
            | Command::PutSlots(_)
            | Command::PutLockers(_)
            | Command::PutAddressFormat(_)
            | Command::PutShipping(_)
            | Command::PutCarton(_)
            | Command::PlanCount(_)
            | Command::ChangeCount { .. }
            | Command::ChangeException { .. }
            | Command::ChangeReturn { .. }
            | Command::TrackReturn(_)
            | Command::PutBins(_)
            | Command::PutNumbers(_)
            | Command::PackParcels(_)
            | Command::CloseOut(_)
            | Command::PlanWave(_)
            | Command::ApplyOptimisation { .. }
            | Command::PutOpportunity(_)
            | Command::ChangeWave { .. }
            | Command::PutPolicy(_) => None,
        }
    }
}

impl Engine {
    /// How long an order rests after its end before it leaves memory, in milliseconds, from now on.
    pub fn archive_after(&self, ms: i64) {
        self.archive_after_ms.store(ms, Relaxed);
    }

    /// The archive, if there is one with something in it.
    pub(super) fn filled_archive(&self) -> Option<&dyn Archive> {
        self.archive.as_deref().filter(|archive| !archive.is_empty())
    }

    /// Position up to which the archive holds all that left; 0 where nothing ever did.
    pub(super) fn archive_covers(&self) -> u64 {
        self.filled_archive().map_or(0, Archive::covered)
    }

    /// One turn of the clock: some orders are looked at, and what is safe elsewhere is forgotten.
    pub(super) fn keep_archive(&self, turn: &Turn<'_>, now: JournalTime) {
        if self.archive.is_none() {
            return;
        }
        self.forget_archived(now);
        let some = {
            let mut leaving = self.leaving.lock();
            if leaving.left_to_see.is_empty() {
                if now < leaving.next_sweep {
                    return;
                }
                let pause = SWEEP_EVERY_MS.min(self.archive_after_ms.load(Relaxed));
                leaving.next_sweep = JournalTime(now.0.saturating_add(pause));
                leaving.left_to_see = self.orders.keys();
                leaving.left_to_see.sort_unstable_by(|a, b| b.cmp(a));
            }
            let kept = leaving.left_to_see.len().saturating_sub(SWEPT_MAX);
            leaving.left_to_see.split_off(kept)
        };
        self.sweep(turn, now, some);
    }

    /// Lets all leave that has ended and rested long enough, and forgets what the archive has; answers how many left.
    pub fn archive_now(&self, log: &dyn Log) -> usize {
        let context = Context { actor: "clock".into(), source: "clock".into(), request_id: "".into(), key: None };
        let turn = Turn::new(log, &context, None);
        let now = turn.now();
        let left = if self.archive.is_some() { self.sweep(&turn, now, self.orders.keys()) } else { 0 };
        self.forget_archived(now);
        left
    }

    /// Lets those of these orders leave that have ended and rested long enough.
    fn sweep(&self, turn: &Turn<'_>, now: JournalTime, mut keys: Vec<OrderKey>) -> usize {
        keys.sort_unstable();
        let rested = JournalTime(now.0.saturating_sub(self.archive_after_ms.load(Relaxed)));
        let rests = |order: &Order| {
            let ended = !order.is_archived() && order.last_told_at() <= rested && order.is_done();
            ended && !self.is_excepted(order)
        };
        keys.retain(|key| self.orders.lock(*key).is_some_and(|slot| slot.as_ref().is_some_and(|order| rests(order))));
        let mut left = 0;
        for some in keys.chunks(TOGETHER) {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let slots = some.iter().filter_map(|key| self.orders.lock(*key));
            let mut slots: Vec<_> = slots.filter(|slot| slot.as_ref().is_some_and(|order| rests(order))).collect();
            slots.retain(|slot| slot.as_ref().is_some_and(|order| returns(turn, now, order)));
            left += slots.len();
            if !slots.is_empty() {
                self.leave(turn, &network, now, slots);
            }
        }
        left
    }

    /// These orders leave in one record.
    fn leave(&self, turn: &Turn<'_>, network: &Network, now: JournalTime, mut slots: Vec<Locked<Arc<Order>>>) {
        let keys: Vec<OrderKey> = slots.iter().flat_map(|slot| slot.as_ref()).map(|order| order.key).collect();
        let events = keys.iter().map(|key| Event::Archiving(Archiving::Left(*key))).collect();
        let sealed = turn.seal(now, network.catalogue.seq, events, None).expect("a few numbers make a small record");
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        for slot in &mut slots {
            logged.fold_archiving(slot);
        }
        self.leaving.lock().left.extend(keys.iter().map(|key| (logged.seq(), *key)));
        logged.done();
    }

    /// Notes an order that left: memory forgets it once the archive covers the record.
    pub(super) fn note_left(&self, order: &Order) {
        if order.is_archived() {
            self.leaving.lock().left.push_back((order.left_at, order.key));
        }
    }

    /// Brings what was noted in any order into that of its records.
    pub(super) fn sort_left(&self) {
        self.leaving.lock().left.make_contiguous().sort_unstable();
    }

    /// Lets go what the archive covers, and what was brought into memory for nothing.
    fn forget_archived(&self, now: JournalTime) {
        let Some(archive) = &self.archive else { return };
        let covered = archive.covered();
        let mut forgotten = Vec::new();
        {
            let mut leaving = self.leaving.lock();
            while leaving.left.front().is_some_and(|(seq, _)| *seq <= covered) {
                forgotten.extend(leaving.left.pop_front().map(|(_, key)| key));
            }
            while leaving.recalled.front().is_some_and(|(at, _)| now.0 - at.0 > RECALLED_MS) {
                forgotten.extend(leaving.recalled.pop_front().map(|(_, key)| key));
            }
        }
        if forgotten.is_empty() {
            return;
        }
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        for key in forgotten {
            let Some(mut slot) = self.orders.lock(key) else { continue };
            // It may be back, or have left again with a record that is not covered yet.
            let Some(order) = slot.take_if(|order| order.is_archived() && order.left_at <= covered) else { continue };
            self.orders.remove(key);
            network.workloads.forget(key);
            drop(slot);
            for name in names_of(&order) {
                self.names.remove(&name);
            }
        }
    }

    /// Whether the order that a command names lies in the archive alone, as far as memory can tell. Reads no file.
    pub fn rests(&self, command: &Command) -> bool {
        let Some(archive) = self.filled_archive() else { return false };
        Naming::all_of(command).any(|naming| match (naming, self.key_named(naming)) {
            (_, Some(key)) => !self.orders.has(key) && archive.may_hold(key),
            (Naming::Order(id), None) => archive.may_know(OrderName::Own(id)),
            (Naming::Fulfillment(_), None) => false,
        })
    }

    /// Brings the orders that a command names into memory, if the archive has them. Reads files; holds no lock meanwhile.
    pub fn recall(&self, command: &Command, now: JournalTime) -> Result<(), Rejection> {
        Naming::all_of(command).try_for_each(|naming| self.recall_named(naming, now))
    }

    /// Brings an order into memory, if the archive has it. Reads files; the caller holds nothing.
    pub(super) fn recall_order(&self, key: OrderKey, now: JournalTime) -> Result<(), Rejection> {
        if self.orders.has(key) { Ok(()) } else { self.recall_named(Naming::Order(&key.to_string()), now) }
    }

    fn recall_named(&self, naming: Naming<'_>, now: JournalTime) -> Result<(), Rejection> {
        let Some(archive) = self.filled_archive() else { return Ok(()) };
        loop {
            let covered = archive.covered();
            let found = match (naming, self.key_named(naming)) {
                (_, Some(key)) if self.orders.has(key) => return Ok(()),
                (_, Some(key)) => archive.order(key)?,
                (Naming::Order(id), None) => archive.named(OrderName::Own(id))?,
                (Naming::Fulfillment(_), None) => None,
            };
            let Some(order) = found else { return Ok(()) };
            let (key, names) = (order.key, names_of(&order).collect::<Vec<_>>());
            let named = Named::Order(key, order.facts.fingerprint);
            // What was read is right only as long as nothing newer of it can have left and been forgotten.
            if self.orders.put_back(key, Arc::new(order), || archive.covered() == covered) {
                names.into_iter().for_each(|name| self.names.insert(name, named));
                self.leaving.lock().recalled.push_back((now, key));
                return Ok(());
            }
        }
    }

    fn key_named(&self, naming: Naming<'_>) -> Option<OrderKey> {
        match naming {
            Naming::Order(id) => self.find_order(id),
            Naming::Fulfillment(id) => FulfillmentKey::parse(id).map(|key| key.order),
        }
    }

    /// Whether the archive has an order under a name of this one: then what became of the command. With the position up to
    /// which that is true: a claim of the names counts only as long as the archive covers no more.
    pub(super) fn placed_before(&self, command: &PlaceOrder) -> Result<(Option<Executed>, u64), Rejection> {
        let Some(archive) = self.filled_archive() else { return Ok((None, 0)) };
        let covered = archive.covered();
        let known = |name: OrderName<'_>| if archive.may_know(name) { archive.named(name) } else { Ok(None) };
        if let Some(id) = &command.id
            && let Some(order) = known(OrderName::Own(id))?
        {
            if order.facts.fingerprint != command.fingerprint {
                return Err(Rejection::IdTaken { id: id.to_string() });
            }
            let (seq, answer) = (order.history[0].seq, Answer::Order(order.key));
            return Ok((Some(Executed::Repeat { seq, answer }), covered));
        }
        match known(OrderName::Channel(&command.channel, &command.channel_order_id))? {
            Some(order) => Err(Rejection::DuplicateChannelOrder {
                channel: command.channel.to_string(),
                channel_order_id: command.channel_order_id.to_string(),
                order: order.name(),
            }),
            None => Ok((None, covered)),
        }
    }

    /// The order of a name that left memory. Reads files where there may be one.
    pub(super) fn archived_under(&self, name: OrderName<'_>) -> Result<Option<Order>, Rejection> {
        let Some(archive) = self.filled_archive() else { return Ok(None) };
        Ok(if archive.may_know(name) { archive.named(name)? } else { None })
    }

    /// An order by its number, wherever it is. Reads files when memory does not have it.
    pub fn order_wherever(&self, key: OrderKey) -> Result<Option<Arc<Order>>, Rejection> {
        loop {
            let covered = self.archive_covers();
            if let Some(order) = self.order_in_memory(key) {
                return Ok(Some(order));
            }
            let Some(archive) = self.filled_archive() else { return Ok(None) };
            if let Some(order) = archive.order(key)? {
                return Ok(Some(Arc::new(order)));
            }
            // Neither here nor there: it may have gone from one to the other meanwhile.
            if self.archive_covers() == covered {
                return Ok(None);
            }
        }
    }

    /// An order by its generated or caller's id, wherever it is.
    pub(super) fn order_named_wherever(&self, id: &str) -> Result<Option<Arc<Order>>, Rejection> {
        match (self.find_order(id), self.filled_archive()) {
            (Some(key), _) => self.order_wherever(key),
            (None, None) => Ok(None),
            (None, Some(archive)) => match archive.named(OrderName::Own(id))? {
                // What the archive has may be of the past: memory first.
                Some(order) => self.order_wherever(order.key),
                None => self.find_order(id).map_or(Ok(None), |key| self.order_wherever(key)),
            },
        }
    }
}

/// Whether the record that brings an order back has room for it.
fn returns(turn: &Turn<'_>, now: JournalTime, order: &Order) -> bool {
    let draft = Draft {
        decided_at: now,
        catalogue_seq: 0,
        actor: "".into(),
        source: "".into(),
        request_id: "".into(),
        events: vec![Event::Archiving(Archiving::Back(Box::new(order.clone())))],
    };
    turn.log.encode(&draft).is_ok_and(|encoded| encoded.0.len() <= BACK_BYTES_MAX)
}

/// The names under which memory knows an order.
pub(super) fn names_of(order: &Order) -> impl Iterator<Item = Name> {
    let facts = &order.facts;
    let channel = Name::ChannelOrder(facts.channel.clone(), facts.channel_order_id.clone());
    facts.id.clone().map(Name::Order).into_iter().chain([channel])
}
