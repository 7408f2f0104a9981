//! Sharded maps of entities and of claimed names. No guard of a map leaves this file: callers get the entity's own lock.
//!
//! An entity keeps its lock over its append. Locks are taken ascending: names, idempotency keys, reservations, orders, inbound
//! supply, transfers, subscriptions, cycle counts, returns, waves, drafts.

use std::marker::PhantomData;
use std::sync::Arc;

use dashmap::DashMap;
use foldhash::fast::RandomState;
use parking_lot::{ArcMutexGuard, Mutex, RawMutex};

use crate::domain::ids::{
    CycleCountKey, DraftKey, InboundKey, OrderKey, ReservationKey, ReturnKey, SubscriptionKey, Text, TransferKey,
    WaveKey,
};

/// The lock of one entity; `None` while it is being made, or when it was not made after all.
pub type Slot<V> = Arc<Mutex<Option<V>>>;
/// An entity, locked.
pub type Locked<V> = ArcMutexGuard<RawMutex, Option<V>>;

/// Numbers of one page: entities made one after the other share what it costs to find a place.
const PAGE: usize = 64;

/// A key that is a number, given out in ascending order.
pub trait Numbered: Copy {
    /// The number.
    fn number(self) -> u64;
    /// The key of a number.
    fn of(number: u64) -> Self;
}

macro_rules! numbered {
    ($($key:ident),*) => {$(
        impl Numbered for $key {
            fn number(self) -> u64 {
                self.0
            }
            fn of(number: u64) -> Self {
                Self(number)
            }
        }
    )*};
}

numbered!(
    OrderKey,
    ReservationKey,
    InboundKey,
    TransferKey,
    SubscriptionKey,
    CycleCountKey,
    ReturnKey,
    WaveKey,
    DraftKey
);

/// Places of [`PAGE`] numbers in a row.
#[derive(Debug)]
struct Page<V> {
    slots: Box<[Option<Slot<V>>; PAGE]>,
    taken: usize,
}

impl<V> Default for Page<V> {
    fn default() -> Self {
        Self { slots: Box::new([const { None }; PAGE]), taken: 0 }
    }
}

/// Entities of one kind by their key.
#[derive(Debug)]
pub struct Table<K, V> {
    pages: DashMap<u64, Page<V>, RandomState>,
    key: PhantomData<K>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { pages: DashMap::default(), key: PhantomData }
    }
}

fn place(number: u64) -> (u64, usize) {
    (number / PAGE as u64, (number % PAGE as u64) as usize)
}

impl<K: Numbered, V> Table<K, V> {
    fn put(&self, key: K, slot: Slot<V>) {
        let (page, at) = place(key.number());
        let mut page = self.pages.entry(page).or_default();
        if page.slots[at].replace(slot).is_none() {
            page.taken += 1;
        }
    }

    /// A new entity's slot, locked before anybody can see it.
    pub fn begin(&self, key: K) -> Locked<V> {
        let slot: Slot<V> = Arc::new(Mutex::new(None));
        let locked = slot.lock_arc();
        self.put(key, slot);
        locked
    }

    /// As [`Table::begin`], for `count` keys from `first` on: `locked` receives them in order.
    pub fn begin_run(&self, first: K, count: usize, locked: &mut Vec<Locked<V>>) {
        let (first, end) = (first.number(), first.number() + count as u64);
        let mut next = first;
        while next < end {
            let (number, from) = place(next);
            let until = PAGE.min(from + (end - next) as usize);
            let mut page = self.pages.entry(number).or_default();
            for place in &mut page.slots[from..until] {
                let slot: Slot<V> = Arc::new(Mutex::new(None));
                locked.push(slot.lock_arc());
                *place = Some(slot);
            }
            page.taken += until - from;
            next += (until - from) as u64;
        }
    }

    /// Whether there is an entity, or one is being made.
    pub fn has(&self, key: K) -> bool {
        let (page, at) = place(key.number());
        self.pages.get(&page).is_some_and(|page| page.slots[at].is_some())
    }

    /// Puts an entity where there is none, unless `still` is no longer true once nobody else can put it; answers whether
    /// there is one now.
    pub fn put_back(&self, key: K, value: V, still: impl FnOnce() -> bool) -> bool {
        let (page, at) = place(key.number());
        let mut page = self.pages.entry(page).or_default();
        if page.slots[at].is_none() && still() {
            page.slots[at] = Some(Arc::new(Mutex::new(Some(value))));
            page.taken += 1;
        }
        page.slots[at].is_some()
    }

    /// Locks an entity; `None` when there is none.
    pub fn lock(&self, key: K) -> Option<Locked<V>> {
        let (page, at) = place(key.number());
        let slot = self.pages.get(&page).and_then(|page| page.slots[at].clone())?;
        let locked = slot.lock_arc();
        locked.is_some().then_some(locked)
    }

    /// As [`Table::lock`], without waiting for whoever has locked it: then `None` too.
    pub fn try_lock(&self, key: K) -> Option<Locked<V>> {
        let (page, at) = place(key.number());
        let slot = self.pages.get(&page).and_then(|page| page.slots[at].clone())?;
        slot.try_lock_arc().filter(|locked| locked.is_some())
    }

    /// Puts an entity at start.
    pub fn insert(&self, key: K, value: V) {
        self.put(key, Arc::new(Mutex::new(Some(value))));
    }

    /// Forgets an entity.
    pub fn remove(&self, key: K) {
        self.remove_run(key, 1);
    }

    /// Forgets `count` entities from `first` on.
    pub fn remove_run(&self, first: K, count: usize) {
        for number in first.number()..first.number() + count as u64 {
            let (page, at) = place(number);
            self.pages.remove_if_mut(&page, |_, page| {
                page.taken -= usize::from(page.slots[at].take().is_some());
                page.taken == 0
            });
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pages.iter().map(|page| page.taken).sum()
    }

    /// All keys, in no order.
    pub fn keys(&self) -> Vec<K> {
        let of_page = |number: u64, page: &Page<V>| {
            let taken = (0..PAGE).filter(|at| page.slots[*at].is_some());
            taken.map(|at| K::of(number * PAGE as u64 + at as u64)).collect::<Vec<_>>()
        };
        self.pages.iter().flat_map(|page| of_page(*page.key(), &page)).collect()
    }
}

/// A name somebody else chose.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Name {
    /// A caller's id of an order.
    Order(Text),
    /// A channel and its id of an order.
    ChannelOrder(Text, Text),
    /// A caller's id of a reservation.
    Reservation(Text),
    /// A caller's id of a document of inbound supply.
    Inbound(Text),
    /// A caller's id of a transfer.
    Transfer(Text),
    /// A caller's id of a subscription.
    Subscription(Text),
    /// A caller's id of a cycle count.
    CycleCount(Text),
    /// A caller's id of a return.
    Return(Text),
    /// A caller's id of a wave.
    Wave(Text),
    /// A caller's id of a draft.
    Draft(Text),
    /// An idempotency key's hash.
    Key(u128),
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    /// An order, and the fingerprint of the request that made it.
    Order(OrderKey, u64),
    /// A reservation, likewise.
    Reservation(ReservationKey, u64),
    /// A document of inbound supply, likewise.
    Inbound(InboundKey, u64),
    /// A transfer, likewise.
    Transfer(TransferKey, u64),
    /// A subscription.
    Subscription(SubscriptionKey),
    /// A cycle count, likewise.
    CycleCount(CycleCountKey, u64),
    /// A return, likewise.
    Return(ReturnKey, u64),
    /// A wave, likewise.
    Wave(WaveKey, u64),
    /// A draft, likewise.
    Draft(DraftKey, u64),
    /// The record in which a key took effect, and the fingerprint of its body.
    Record(u64, u64),
}

/// All claimed names.
#[derive(Debug, Default)]
pub struct Names(DashMap<Name, Slot<Named>, RandomState>);

/// A name, locked: whoever wants the same name waits until this one is decided.
pub struct Claim<'a> {
    names: &'a Names,
    name: Name,
    slot: Locked<Named>,
}

impl Names {
    /// None yet, and room for so many.
    pub fn with_room(names: usize) -> Self {
        Self(DashMap::with_capacity_and_hasher(names, RandomState::default()))
    }

    /// What a name stands for; waits for a claim in flight.
    pub fn find(&self, name: &Name) -> Option<Named> {
        let slot = self.0.get(name).map(|slot| Arc::clone(&slot))?;
        *slot.lock()
    }

    /// Locks a name. Claims of one command are made ascending.
    pub fn claim(&self, name: Name) -> Claim<'_> {
        loop {
            let slot = Arc::clone(&self.0.entry(name.clone()).or_default());
            let locked = slot.lock_arc();
            let current = self.0.get(&name).is_some_and(|now| Arc::ptr_eq(&now, &slot));
            if current {
                return Claim { names: self, name, slot: locked };
            }
        }
    }

    /// Locks a name unless somebody has it locked: for whoever holds claims already and must not wait for another.
    pub fn try_claim(&self, name: Name) -> Option<Claim<'_>> {
        let slot = Arc::clone(&self.0.entry(name.clone()).or_default());
        let locked = slot.try_lock_arc()?;
        let current = self.0.get(&name).is_some_and(|now| Arc::ptr_eq(&now, &slot));
        current.then(|| Claim { names: self, name, slot: locked })
    }

    /// Puts a name at start.
    pub fn insert(&self, name: Name, named: Named) {
        self.0.insert(name, Arc::new(Mutex::new(Some(named))));
    }

    /// Forgets a name.
    pub fn remove(&self, name: &Name) {
        self.0.remove(name);
    }
}

impl Claim<'_> {
    /// What the name already stands for.
    pub fn taken(&self) -> Option<Named> {
        *self.slot
    }

    /// The name stands for this from now on.
    pub fn settle(mut self, named: Named) {
        *self.slot = Some(named);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.slot.is_none() {
            self.names.0.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_came_to_nothing_leaves_nothing() {
        let names = Names::default();
        let name = Name::Order("a".into());
        drop(names.claim(name.clone()));
        assert_eq!(names.find(&name), None);
        names.claim(name.clone()).settle(Named::Order(OrderKey(7), 1));
        assert_eq!(names.claim(name.clone()).taken(), Some(Named::Order(OrderKey(7), 1)));
        assert_eq!(names.find(&name), Some(Named::Order(OrderKey(7), 1)));
    }

    #[test]
    fn a_run_of_entities_is_found_and_forgotten_one_by_one() {
        let table: Table<ReservationKey, u64> = Table::default();
        let mut locked = Vec::new();
        table.begin_run(ReservationKey(100), 150, &mut locked);
        assert_eq!((locked.len(), table.len()), (150, 150));
        locked.iter_mut().zip(100..).for_each(|(slot, n)| **slot = Some(n));
        drop(locked);
        assert!((100..250).all(|n| table.lock(ReservationKey(n)).as_deref() == Some(&Some(n))));
        assert!(table.lock(ReservationKey(99)).is_none() && table.lock(ReservationKey(250)).is_none());
        table.remove_run(ReservationKey(100), 149);
        assert_eq!(table.keys(), vec![ReservationKey(249)]);
        table.remove(ReservationKey(249));
        table.remove(ReservationKey(249));
        assert!(table.pages.is_empty() && table.len() == 0, "a page goes with the last of its entities");
    }

    #[test]
    fn a_name_that_is_being_decided_is_not_waited_for() {
        let names = Names::default();
        let claim = names.claim(Name::Key(1));
        assert!(names.try_claim(Name::Key(1)).is_none());
        drop(claim);
        names.try_claim(Name::Key(1)).expect("free").settle(Named::Record(3, 4));
        assert_eq!(names.try_claim(Name::Key(1)).expect("free").taken(), Some(Named::Record(3, 4)));
        assert_eq!(names.find(&Name::Key(2)), None);
    }

    #[test]
    fn two_claims_of_one_name_are_one_after_the_other() {
        let names = Names::default();
        let winners = std::thread::scope(|scope| {
            let claims: Vec<_> = (0..8)
                .map(|n| {
                    let names = &names;
                    scope.spawn(move || {
                        let claim = names.claim(Name::Key(1));
                        let won = claim.taken().is_none();
                        if won {
                            claim.settle(Named::Record(n, 0));
                        }
                        won
                    })
                })
                .collect();
            claims.into_iter().filter_map(|c| c.join().ok()).filter(|won| *won).count()
        });
        assert_eq!(winners, 1);
    }
}
