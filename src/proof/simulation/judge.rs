//! What must be true after every step, judged from the records alone.
//!
//! The judge hears every record as it is appended and folds it into two states: what was *appended*, which memory must
//! equal at once, and what is *safe*, which a crash may not touch. Between the two lie the records that a crash may
//! drop, from the last to the first and none in between.
//!
//! Laws after each step: the record's times are the journal's time of that step; nothing expires early; every level is
//! at least zero, keeps the identity and equals memory's; every entity touched equals memory's; demand with a right
//! waits beside no free unit, and nothing is owed beside one; what can be promised is what is free. Caps and floors are in
//! `channels`, places of slots and money before steps in `bought`, what nodes can handle in `work`, what comes back in
//! `returns`. At a tick: nothing
//! outlives its time, and no node that is off has anything to begin. [`Judge::all`] compares everything, the log read back
//! included.
//!
//! What is *not* here: what a command should have decided (`model`), and asking for anything.

mod bought;
mod channels;
mod returns;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::collection::ARRIVED_GRACE_S;
use crate::domain::draft::{Draft, DraftStatus};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus};
use crate::domain::hold::HoldState;
use crate::domain::ids::{ChannelIndex, FulfillmentKey, NodeIndex, OrderKey, ReservationKey, SkuIndex, Text};
use crate::domain::item::ItemKind;
use crate::domain::node::NodeKind;
use crate::domain::order::Order;
use crate::domain::payment::Paid;
use crate::domain::policy::{Policy, PolicyKey};
use crate::domain::record::{Log, Record};
use crate::domain::reply::Reply;
use crate::domain::reservation::{ReservationEvent, ReservationState};
use crate::domain::rules::presets::is_preset;
use crate::domain::state::{State, used_by};
use crate::domain::stock::{CellKey, Level};
use crate::domain::time::{JournalTime, Now};
use crate::engine::Engine;
use crate::journal::Journal;

/// A law that did not hold, in words.
pub type Lawful<T = ()> = Result<T, String>;

/// Says what broke unless it holds.
macro_rules! law {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}
pub(super) use law;

/// Events heard, by the code of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard(pub [u64; 64]);

impl Default for Heard {
    fn default() -> Self {
        Self([0; 64])
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Judge {
    /// The fold of every record appended.
    pub appended: State,
    /// The fold of every record that is durable.
    pub safe: State,
    /// What lies between the two.
    between: VecDeque<Record>,
    /// Orders by the name their caller gave.
    pub orders: HashMap<Text, OrderKey>,
    /// Orders with units that wait.
    waiting: BTreeSet<OrderKey>,
    held: BTreeMap<ReservationKey, JournalTime>,
    /// Holds that end by themselves at an instant.
    holds: BTreeMap<(OrderKey, u16), JournalTime>,
    /// Open edits, by the instant at which they end by themselves.
    edits: BTreeMap<OrderKey, JournalTime>,
    /// What orders and reservations hold, and for whom.
    holdings: BTreeMap<EntityKey, Holding>,
    /// What nodes have to do.
    works: work::Works,
    /// What each channel uses, by sku; under no channel what everybody else does.
    used: BTreeMap<(SkuIndex, Option<ChannelIndex>), u64>,
    /// Nodes that supply, and products.
    supplying: BTreeSet<NodeIndex>,
    products: BTreeMap<SkuIndex, Text>,
    /// What the records since the last look touched.
    touched: BTreeSet<EntityKey>,
    /// How often a law was looked at.
    pub laws: u64,
    /// Records that make several reservations.
    pub batches: u64,
    /// Events heard, by the code of their kind.
    pub heard: Heard,
}

/// Units that somebody holds.
#[derive(Debug)]
struct Holding {
    channel: Option<Text>,
    customer: Option<Text>,
    units: Vec<(SkuIndex, u64)>,
}

impl Judge {
    /// A record was appended; `now` is what both clocks show in this step.
    pub fn hear(&mut self, record: Record, now: Now) -> Lawful {
        let header = &record.header;
        let times = (header.time, header.decided_at, header.wall);
        law!(
            times == (now.journal, now.journal, now.wall),
            "record {} says {times:?}, the clocks say {now:?}",
            header.seq
        );
        for event in &record.events {
            self.heard.0[usize::from(event.type_code())] += 1;
            if let Event::ReservationChanged(changed) = event
                && let Some(expires_at) = self.held.get(&changed.key)
            {
                let due = *expires_at <= now.journal;
                let expires = matches!(changed.event, ReservationEvent::Ended { state: ReservationState::Expired });
                law!(due == expires, "{changed:?} at {now:?}, held until {expires_at:?}");
            }
        }
        let makes = |event: &&Event| matches!(event, Event::ReservationChanged(made) if matches!(made.event, ReservationEvent::Held { .. }));
        self.batches += u64::from(record.events.iter().filter(makes).count() > 1);
        let free = self.limited_free();
        self.appended.apply(&record).map_err(|law| law.to_string())?;
        for event in &record.events {
            if let Event::CountNoted(noted) = event {
                let there = self.appended.level(noted.cell).on_hand;
                let expected = (i64::from(noted.counted) + self.moved_since(noted.cell, noted.observed_at)).max(0);
                law!(
                    i64::from(there) == expected,
                    "{noted:?} leads to {there} on hand, and to {expected} by what moved since"
                );
            }
            self.note(event.entity());
            if let Some(cell) = event.teaches() {
                self.note(EntityKey::ShortPicks(cell.node));
            }
            if let Some(cell) = event.empties() {
                self.note(EntityKey::Velocity(cell));
            }
        }
        self.limits_kept(&record, free)?;
        self.paid_before(&record)?;
        self.came_back(&record)?;
        self.works_kept(&record)?;
        self.between.push_back(record);
        self.laws += 1;
        Ok(())
    }

    /// The sum of a cell's movements after an instant, counts left out.
    fn moved_since(&self, cell: CellKey, since: JournalTime) -> i64 {
        let minutes = self.appended.iter().filter_map(|(_, entity)| match entity {
            Entity::Minute(minute) => Some(&minute.moved),
            _ => None,
        });
        let own = minutes.flatten().filter(|moved| moved.cell == cell && moved.at > since && !moved.counted);
        own.map(|moved| i64::from(moved.on_hand)).sum()
    }

    fn note(&mut self, key: EntityKey) {
        match self.appended.entity(&key) {
            Some(Entity::Order(order)) => {
                self.orders.extend(order.facts.id.clone().map(|id| (id, order.key)));
                let units: Vec<_> = used_by(order).into_iter().map(|(cell, units)| (cell.sku, units)).collect();
                let (channel, customer) = (Some(order.facts.channel.clone()), Some(order.facts.customer.clone()));
                if units.is_empty() {
                    self.holdings.remove(&key);
                } else {
                    self.holdings.insert(key.clone(), Holding { channel, customer, units });
                }
                if order.lines.iter().any(|line| line.waiting() > 0) {
                    self.waiting.insert(order.key);
                } else {
                    self.waiting.remove(&order.key);
                }
                match order.open_edit() {
                    Some(edit) => drop(self.edits.insert(order.key, edit.terms.expires_at)),
                    None => drop(self.edits.remove(&order.key)),
                }
                for hold in &order.holds {
                    let at = hold.terms.release_at.filter(|_| hold.state == HoldState::Active);
                    match at {
                        Some(at) => drop(self.holds.insert((order.key, hold.number), at.journal)),
                        None => drop(self.holds.remove(&(order.key, hold.number))),
                    }
                }
            }
            Some(Entity::Reservation(reservation)) => {
                let holds = reservation.state == ReservationState::Held;
                let units = reservation.lines.iter().filter(|_| holds).map(|held| (held.sku, u64::from(held.quantity)));
                let (channel, customer) = (reservation.channel.clone(), reservation.customer.clone());
                let holding = Holding { channel, customer, units: units.collect() };
                if holding.units.is_empty() {
                    self.holdings.remove(&key);
                } else {
                    self.holdings.insert(key.clone(), holding);
                }
                if reservation.state == ReservationState::Held {
                    self.held.insert(reservation.key, reservation.expires_at);
                } else {
                    self.held.remove(&reservation.key);
                }
            }
            Some(Entity::Node(node)) => {
                let EntityKey::Node(index) = key else { unreachable!("a node is kept under its index") };
                if node.active && node.kind != NodeKind::Virtual {
                    self.supplying.insert(index);
                } else {
                    self.supplying.remove(&index);
                }
            }
            Some(Entity::Item(item)) if item.kind == ItemKind::Product => {
                let EntityKey::Item(index) = key else { unreachable!("an item is kept under its index") };
                self.products.insert(index, item.sku.clone());
            }
            _ => {}
        }
        self.touched.insert(key);
    }

    /// The journal vouches for everything up to `seq`.
    pub fn became_safe(&mut self, seq: u64) -> Lawful {
        law!(seq <= self.appended.seq(), "{seq} is durable and was never appended");
        law!(seq >= self.safe.seq(), "what is durable shrank to {seq}");
        while self.between.front().is_some_and(|record| record.header.seq <= seq) {
            let record = self.between.pop_front().expect("just seen");
            self.safe.apply(&record).map_err(|law| law.to_string())?;
        }
        Ok(())
    }

    /// After a crash this much is left: everything that was safe, and of the rest a beginning.
    pub fn survived(&mut self, mut left: State) -> Lawful {
        let seq = left.seq();
        law!(seq >= self.safe.seq(), "record {} was acknowledged, and only {seq} are left", self.safe.seq());
        law!(seq <= self.appended.seq(), "{seq} records are left of {}", self.appended.seq());
        self.became_safe(seq)?;
        self.between.clear();
        left.forget();
        self.safe.forget();
        let mut here = self.safe.clone();
        left.forget_archived();
        here.forget_archived();
        law!(left == here, "the state recovered at {seq} is not the fold of its records: {}", differing(&left, &here));
        self.appended = self.safe.clone();
        (self.orders, self.waiting, self.held, self.holds, self.edits) = Default::default();
        (self.supplying, self.products, self.touched) = Default::default();
        (self.holdings, self.used) = Default::default();
        let keys: Vec<EntityKey> = self.appended.entities().into_keys().collect();
        keys.into_iter().for_each(|key| self.note(key));
        self.read_works();
        self.used = self.uses();
        Ok(())
    }

    /// Whether the customer said within [`ARRIVED_GRACE_S`] that he is there for what is ready.
    fn is_there(&self, order: &Order, fulfillment: &FulfillmentOrder) -> bool {
        let key = FulfillmentKey { order: order.key, number: fulfillment.number };
        let known = self.appended.entity(&EntityKey::Collection(key));
        let arrival = match known {
            Some(Entity::Collection(known)) => known.arrival.as_ref(),
            _ => None,
        };
        let grace = i64::try_from(ARRIVED_GRACE_S * 1_000).expect("it is short");
        arrival.is_some_and(|arrival| {
            fulfillment.status == FulfillmentStatus::Ready && arrival.at.0 + grace > self.wall().0
        })
    }

    /// Nothing outlives its time by more than a tick.
    pub fn ticked(&mut self, now: JournalTime) -> Lawful {
        self.laws += 1;
        let immortal = self.held.iter().find(|(_, expires_at)| **expires_at <= now);
        law!(immortal.is_none(), "{immortal:?} is held after a tick at {now:?}");
        let immortal = self.holds.iter().find(|(_, ends_at)| **ends_at <= now);
        law!(immortal.is_none(), "the hold {immortal:?} stands after a tick at {now:?}");
        let immortal = self.edits.iter().find(|(_, ends_at)| **ends_at <= now);
        law!(immortal.is_none(), "the edit of {immortal:?} is open after a tick at {now:?}");
        self.room_is_used()?;
        for (key, entity) in self.appended.entities() {
            if let Entity::Draft(draft) = entity {
                let is_over = draft.status != DraftStatus::Draft || draft.expires_at > now;
                law!(is_over, "{key:?} lasts after a tick at {now:?}: {draft:?}");
            }
            let Entity::Order(order) = entity else { continue };
            let off = |node: NodeIndex| match self.appended.entity(&EntityKey::Node(node)) {
                Some(Entity::Node(node)) => !node.active,
                _ => true,
            };
            // An appointment is at its node or nowhere.
            let left = |f: &&FulfillmentOrder| f.status.is_before_picking() && off(f.node) && !order.is_booked(f);
            let idle = order.fulfillment_orders.iter().find(left);
            law!(idle.is_none(), "{key:?}: {idle:?} waits at a node that is off after a tick at {now:?}");
            use FulfillmentStatus::{Ready, Scheduled, Submitted};
            let past = |f: &&FulfillmentOrder| f.until.is_some_and(|until| until.journal <= now);
            let stands = |f: &&FulfillmentOrder| matches!(f.status, Ready | Scheduled);
            let left = order.fulfillment_orders.iter().find(|f| stands(f) && past(f) && !self.is_there(order, f));
            law!(left.is_none(), "{key:?}: {left:?} was not taken on by a tick at {now:?}");
            let within = |node: NodeIndex| match self.appended.entity(&EntityKey::Policy(PolicyKey::Node(node))) {
                Some(Entity::Policy(Policy::Node { accept_within_s })) => *accept_within_s,
                _ => None,
            };
            let silent = |f: &&FulfillmentOrder| {
                let within = within(f.node).filter(|_| f.status == Submitted && order.holds.is_empty());
                within.is_some_and(|within| f.since.plus_s(u64::from(within)) <= now)
            };
            let silent = order.fulfillment_orders.iter().find(silent);
            law!(silent.is_none(), "{key:?}: {silent:?} was not answered in time and stands after a tick at {now:?}");
        }
        for (key, policy) in self.appended.policies() {
            let (PolicyKey::Threshold(sku, node), Policy::Threshold { units: Some(units) }) = (key, policy) else {
                continue;
            };
            let supplies = |at: &NodeIndex| node.map_or_else(|| self.supplying.contains(at), |node| node == *at);
            let own = self.appended.iter().filter_map(|(key, entity)| match (key, entity) {
                (EntityKey::Cell(cell), Entity::Cell(level)) if cell.sku == *sku && supplies(&cell.node) => Some(level),
                _ => None,
            });
            let free: u64 = own.map(|level| u64::from(level.available)).sum();
            let subject = node.map_or(Subject::Sku(*sku), |node| Subject::Cell(CellKey { sku: *sku, node }));
            let case = ExceptionKey { kind: ExceptionKind::LowStock, subject };
            // Who said that it is over is told again when the level moves.
            let told = match self.appended.entity(&EntityKey::Exception(case)) {
                Some(Entity::Exception(case)) => case.resolution.as_ref().is_none_or(|end| *end.actor != *"clock"),
                _ => false,
            };
            law!(told || free >= u64::from(*units), "{case}: {free} are free, below {units}, and nobody is told");
        }
        Ok(())
    }

    /// An answer that was given is about what is safe, and says what the records say.
    pub fn answered(&mut self, seq: u64, reply: &Reply) -> Lawful {
        self.laws += 1;
        law!(seq <= self.safe.seq(), "record {seq} was acknowledged when {} was durable", self.safe.seq());
        match reply {
            Reply::Order(order)
            | Reply::Fulfillment { order, .. }
            | Reply::Hold { order, .. }
            | Reply::Edit { order, .. } => {
                law!(order.seq <= self.safe.seq(), "order {} was told before it was durable", order.key);
                match self.appended.entity(&EntityKey::Order(order.key)) {
                    Some(Entity::Order(known)) => {
                        law!(
                            known.version != order.version || known.is_same_as(order),
                            "told {order:?}, known {known:?}"
                        );
                    }
                    other => return Err(format!("told {order:?}, known {other:?}")),
                }
            }
            Reply::Reservation(reservation) => {
                law!(reservation.seq <= self.safe.seq(), "a reservation was told before it was durable");
                if let Some(Entity::Reservation(known)) = self.appended.entity(&EntityKey::Reservation(reservation.key))
                {
                    let same = known.version != reservation.version || **known == **reservation;
                    law!(same, "told {reservation:?}, known {known:?}");
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Memory equals the records wherever they touched it, and every level keeps the laws.
    pub fn step(&mut self, engine: &Engine, now: JournalTime) -> Lawful {
        self.laws += 1;
        let levels = engine.all_levels();
        for (cell, level) in &levels {
            let folded = self.appended.level(*cell);
            law!(*level == folded, "{cell:?} is {level:?} in memory, {folded:?} by the records");
            level.check().map_err(|law| format!("{cell:?}: {law}"))?;
            law!(level.shortfall == 0 || level.available == 0, "{cell:?} owes beside free units: {level:?}");
        }
        for key in std::mem::take(&mut self.touched) {
            if let EntityKey::Cell(cell) = key {
                law!(levels.iter().any(|(there, _)| *there == cell), "{cell:?} was moved, and memory has no such cell");
            } else {
                self.compare(engine, &key)?;
            }
        }
        self.limits(engine)?;
        self.works_counted(engine)?;
        self.promise(engine, now, &levels)
    }

    fn compare(&self, engine: &Engine, key: &EntityKey) -> Lawful {
        match (key, self.appended.entity(key)) {
            (EntityKey::Order(key), Some(Entity::Order(known))) => {
                for (at, line) in (0..).zip(&known.lines) {
                    let (there, asked) = (known.buckets(at).sum(), u64::from(line.placed.quantity));
                    law!(there == asked, "line {at} of order {key} has {there} units somewhere, and is of {asked}");
                }
                for at in (0..known.lines.len() as u16).filter(|_| !known.returns.is_empty()) {
                    let (buckets, back) = (known.buckets(at), known.overlay(at).sum());
                    let left = u64::from(buckets.shipped) + u64::from(buckets.delivered);
                    law!(back <= left, "{back} units of line {at} of order {key} come back, {left} left");
                }
                let kept = Paid::of(&known.payments).kept();
                law!(kept >= 0, "{} more was given back of order {key} than was paid", -kept);
                if let Some(set_aside) = known.open_edit().and_then(|edit| edit.terms.reservation) {
                    // The reservation may have ended at its instant, a little before the edit's end is written.
                    let due = self.edits.get(key).is_some_and(|ends_at| *ends_at <= self.appended.time());
                    law!(due || self.held.contains_key(&set_aside), "{set_aside} of an open edit of {key} is not held");
                }
                let held = engine.order_by_key(*key);
                let same = |held: &Arc<Order>| held.is_same_as(known) && held.is_archived() == known.is_archived();
                law!(held.as_ref().is_some_and(same), "order {key} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Reservation(key), Some(Entity::Reservation(known))) => {
                let held = engine.reservation(&key.to_string());
                law!(held.as_ref() == Ok(known), "reservation {key} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Inbound(key), Some(Entity::Inbound(known))) => {
                let held = engine.inbound_by_key(*key);
                law!(held.as_ref() == Some(&**known), "inbound {key} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Channel(index), Some(Entity::Channel(known))) => {
                let held = engine.catalogue(|catalogue| catalogue.channels()[index.at()].clone());
                law!(held == known.terms, "channel {index:?} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Carton(id), Some(Entity::Carton(known))) => {
                let held = engine.catalogue(|catalogue| catalogue.carton(id).cloned());
                law!(held.as_ref() == Some(&**known), "carton {id} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::RuleVersions(name), Some(Entity::RuleVersions(known))) => {
                let held = engine.catalogue(|catalogue| catalogue.rules().versions(name).cloned());
                law!(held.as_ref() == Some(&**known), "rules {name} are {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Transfer(key), Some(Entity::Transfer(known))) => {
                let held = engine.transfer_by_key(*key);
                law!(held.as_ref() == Some(&**known), "transfer {key} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::CycleCount(key), Some(Entity::CycleCount(known))) => {
                let held = engine.cycle_count_by_key(*key);
                law!(held.as_ref() == Some(&**known), "count {key} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Return(key), Some(Entity::Return(known))) => {
                let held = engine.return_by_key(*key);
                law!(held.as_ref() == Some(&**known), "return {key} is {held:?} in memory, {known:?} by the records");
                self.adds_up(known)?;
            }
            (EntityKey::Collection(key), Some(Entity::Collection(known))) => {
                let held = engine.collection(*key);
                let awaited = (!known.over).then_some(&**known);
                law!(held.as_ref() == awaited, "collection {key} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Dispatch(key), Some(Entity::Dispatch(known))) => {
                let held = engine.dispatch(key);
                law!(held.as_ref() == Some(&**known), "{key:?} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Draft(key), Some(Entity::Draft(known))) => {
                let held = engine.draft_by_key(*key);
                law!(held.as_ref() == Some(&**known), "draft {key} is {held:?} in memory, {known:?} by the records");
                self.lets_go(known)?;
            }
            (EntityKey::Optimisation(id), Some(Entity::Optimisation(known))) => {
                let held = engine.applied_optimisation(id);
                law!(held == Some(**known), "optimisation {id} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Wave(key), Some(Entity::Wave(known))) => {
                let held = engine.wave_by_key(*key);
                law!(held.as_ref() == Some(&**known), "wave {key} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Bin(cell), Some(Entity::Bin(known))) => {
                let held = engine.bin(*cell);
                law!(held.as_ref() == known.as_deref(), "bin {cell:?} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Picked(key), Some(Entity::Picked(known))) => {
                let held = engine.picked_on(*key);
                law!(held == Some(known.sums), "{key:?} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::ShortPicks(node), Some(Entity::ShortPicks(known))) => {
                let held = engine.short_picks_of(*node);
                law!(held == **known, "short picks of {node:?} are {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Opportunity(()), Some(Entity::Opportunity(known))) => {
                let held = engine.catalogue(|catalogue| catalogue.opportunity().clone());
                law!(held == **known, "opportunity costs are {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Transit(key), Some(Entity::Transit(known))) => {
                let held = engine.transit_of(key);
                law!(held == **known, "{key:?} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Velocity(cell), Some(Entity::Velocity(known))) => {
                let held = engine.velocity_of(*cell);
                law!(held == Some(**known), "velocity of {cell:?} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Shipping(key), Some(Entity::Shipping(known))) => {
                let held = engine.catalogue(|catalogue| catalogue.shipping().terms(key));
                law!(held.as_ref() == Some(&**known), "{key:?} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Lots(sku), Some(Entity::Lots(known))) => {
                let held = engine.sku_lots(*sku);
                let same = held.as_ref().map_or(known.is_empty(), |held| *held == **known);
                law!(same, "lots of {sku:?} are {held:?} in memory, {known:?} by the records");
                for node in known.nodes() {
                    let on_hand = self.appended.level(CellKey { sku: *sku, node }).on_hand;
                    known.check(node, on_hand).map_err(|law| format!("{sku:?}: {law}"))?;
                }
            }
            (EntityKey::Count(cell), Some(Entity::Count(known))) => {
                let held = engine.count_mark(*cell);
                law!(
                    held.as_ref() == Some(&**known),
                    "{cell:?} is marked {held:?} in memory, {known:?} by the records"
                );
            }
            (EntityKey::Subscription(_), Some(Entity::Subscription(known))) => {
                let held = engine.subscription(&known.id);
                law!(
                    held.as_ref() == Ok(&**known),
                    "subscription {} is {held:?} in memory, {known:?} by the records",
                    known.id
                );
            }
            (EntityKey::Slots(node), Some(Entity::Slots(known))) => {
                let id = engine.catalogue(|c| c.node(*node).id.clone());
                let held = engine.slots(&id).map(|(slots, _)| slots);
                law!(held.as_ref() == Some(&**known), "slots of {id} are {held:?} in memory, not {known:?}");
                self.places(*node, known)?;
            }
            (EntityKey::Lockers(node), Some(Entity::Lockers(known))) => {
                let id = engine.catalogue(|c| c.node(*node).id.clone());
                let held = engine.lockers(&id).map(|(lockers, _)| lockers);
                law!(held.as_ref() == Some(&**known), "lockers of {id} are {held:?} in memory, not {known:?}");
                self.compartments(*node, known)?;
            }
            (EntityKey::AddressFormat(country), Some(Entity::AddressFormat(known))) => {
                let held = engine.catalogue(|c| c.address_format(country).map(|held| held.format().clone()));
                law!(held.as_ref() == Some(&**known), "addresses of {country} are {held:?} in memory, not {known:?}");
            }
            (EntityKey::Exception(key), Some(Entity::Exception(known))) => {
                let held = engine.exception_by_key(*key);
                law!(held.as_ref() == Some(&**known), "{key} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Policy(key), Some(Entity::Policy(known))) => {
                let held = engine.catalogue(|catalogue| catalogue.policies().get(key).cloned());
                law!(held.as_ref() == Some(known), "{key:?} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Node(index), Some(Entity::Node(known))) => {
                let held = engine.catalogue(|catalogue| catalogue.node(*index).clone());
                law!(held == **known, "node {index:?} is {held:?} in memory, {known:?} by the records");
            }
            (EntityKey::Item(index), Some(Entity::Item(known))) => {
                let held = engine.catalogue(|catalogue| catalogue.item(*index).clone());
                law!(held == **known, "item {index:?} is {held:?} in memory, {known:?} by the records");
            }
            _ => {}
        }
        Ok(())
    }

    /// Nothing is set aside any more for a draft that was placed or let go.
    fn lets_go(&self, draft: &Draft) -> Lawful {
        if !matches!(draft.status, DraftStatus::Placed | DraftStatus::Discarded) {
            return Ok(());
        }
        let is_held = |key: &ReservationKey| self.held.get(key).is_some_and(|until| *until > self.appended.time());
        let is_own = |key| match self.appended.entity(&EntityKey::Reservation(key)) {
            Some(Entity::Reservation(held)) => draft.owns(held),
            _ => false,
        };
        law!(!draft.reservation.filter(is_held).is_some_and(is_own), "{} is over and holds units", draft.name());
        Ok(())
    }

    /// Units that wait with a right, by sku and order.
    fn queue(&self) -> Vec<(SkuIndex, OrderKey, u64)> {
        let mut queue = Vec::new();
        for key in &self.waiting {
            let Some(Entity::Order(order)) = self.appended.entity(&EntityKey::Order(*key)) else { continue };
            for (at, line) in (0..).zip(&order.lines).filter(|(_, line)| line.waiting() > 0 && line.placed.stocked) {
                let channels = self.channels_of(Some(&order.facts.channel), Some(&order.facts.customer));
                let narrowed = channels.iter().any(|(_, channel)| channel.terms.nodes.is_some());
                let limited = self.channels().any(|(_, channel)| channel.terms.limit(line.placed.sku).is_some());
                let ruled = order.decision.as_deref().map(|decision| decision.ruled(line.placed.group));
                let fenced = ruled.is_some_and(|ruled| self.is_fenced(ruled));
                if order.waits_with_right(at) && !narrowed && !limited && !fenced {
                    queue.push((line.placed.sku, *key, u64::from(line.waiting())));
                }
            }
        }
        queue
    }

    /// Whether a version keeps nodes out.
    fn is_fenced(&self, (rule_set, version): (&Text, u32)) -> bool {
        match self.appended.entity(&EntityKey::RuleVersions(rule_set.clone())) {
            Some(Entity::RuleVersions(known)) => known.terms(version).is_some_and(|terms| terms.keeps_out()),
            _ => is_preset(rule_set) && version > 1,
        }
    }

    /// What is free waits for nobody, and can be promised together with what is due beyond what is owed.
    fn promise(&self, engine: &Engine, now: JournalTime, levels: &[(CellKey, Level)]) -> Lawful {
        let queue = self.queue();
        let due = self.held.iter().filter(|(_, expires_at)| **expires_at <= now);
        let due: Vec<_> = due
            .filter_map(|(key, _)| match self.appended.entity(&EntityKey::Reservation(*key)) {
                Some(Entity::Reservation(reservation)) => Some(&reservation.lines),
                _ => None,
            })
            .flatten()
            .collect();
        for (index, name) in &self.products {
            let own = || levels.iter().filter(|(cell, _)| cell.sku == *index);
            let supplying = own().filter(|(cell, _)| self.supplying.contains(&cell.node));
            let free: u64 = supplying.map(|(_, level)| u64::from(level.available)).sum();
            let waits = queue.iter().find(|(sku, ..)| sku == index);
            law!(waits.is_none() || free == 0, "{waits:?} waits beside {free} free units of {name}");
            let lapsed = due.iter().any(|held| held.sku == *index);
            let due = due.iter().filter(|held| held.sku == *index && self.supplying.contains(&held.node));
            let due: u64 = due.map(|held| u64::from(held.quantity)).sum();
            let wanted: u64 = queue.iter().filter(|(sku, ..)| sku == index).map(|(.., units)| units).sum();
            let pooled: u64 = own().map(|(_, level)| u64::from(level.pool)).sum();
            let shortfall: u64 = own().map(|(_, level)| u64::from(level.shortfall)).sum();
            let everybody = free + due.saturating_sub(shortfall + wanted.saturating_sub(pooled));
            let limited = self.used.contains_key(&(*index, None));
            if limited && lapsed {
                // What is due is of some channel: what is promised of it stands in the engine's own tests.
                continue;
            }
            if !lapsed {
                self.promised_through(engine, now, *index, name, levels)?;
            }
            let kept = if limited { self.kept_from(*index, None, &self.used) } else { 0 };
            let expected = everybody.saturating_sub(kept);
            let promised = engine.atp(now, name, None).map_err(|rejection| rejection.to_string())?.available;
            law!(promised == expected, "{promised} of {name} can be promised; {free} are free and {due} due");
        }
        Ok(())
    }

    /// All of memory equals the records.
    pub fn memory(&mut self, engine: &Engine, now: JournalTime) -> Lawful {
        let remembered = self.appended.entities().into_iter().filter(|(_, entity)| !entity.is_forgotten_at(now));
        self.touched = remembered.map(|(key, _)| key).collect();
        self.appended.check_ownership().map_err(|law| law.to_string())?;
        self.step(engine, now)
    }

    /// All laws over everything: owners, entities, and the log read back from its first record.
    pub fn all(&mut self, engine: &Engine, journal: &Journal) -> Lawful {
        self.memory(engine, journal.now().journal)?;
        let (mut folded, mut tail) = (State::default(), journal.tail(0));
        while let Some(record) = tail.try_next().map_err(|end| end.to_string())? {
            folded.apply(&record).map_err(|law| law.to_string())?;
        }
        law!(folded.seq() == self.safe.seq(), "the log ends at {}, safe is {}", folded.seq(), self.safe.seq());
        folded.forget();
        let mut safe = self.safe.clone();
        safe.forget();
        law!(folded == safe, "the log read back is another: {}", differing(&folded, &safe));
        Ok(())
    }
}

/// The first entity in which two states differ.
fn differing(is: &State, should: &State) -> String {
    let (is, should) = (is.entities(), should.entities());
    let keys: BTreeSet<_> = is.keys().chain(should.keys()).collect();
    let first = keys.into_iter().find(|key| is.get(key) != should.get(key));
    match first {
        Some(key) => format!("{key:?} is {:?}, should be {:?}", is.get(key), should.get(key)),
        None => "positions or times differ".to_owned(),
    }
}
