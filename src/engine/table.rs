//! Sharded maps of entities and of claimed names. No guard of a map leaves this file: callers get the entity's own lock.
//!
//! An entity keeps its lock over its append. Locks are taken ascending: names, idempotency keys, reservations, orders.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::{ArcMutexGuard, Mutex, RawMutex};

use crate::domain::ids::{OrderKey, ReservationKey, Text};

/// The lock of one entity; `None` while it is being made, or when it was not made after all.
pub type Slot<V> = Arc<Mutex<Option<V>>>;
/// An entity, locked.
pub type Locked<V> = ArcMutexGuard<RawMutex, Option<V>>;

/// Entities of one kind by their key.
#[derive(Debug)]
pub struct Table<K: Eq + Hash, V>(DashMap<K, Slot<V>>);

impl<K: Eq + Hash + Copy, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(DashMap::new())
    }
}

impl<K: Eq + Hash + Copy, V> Table<K, V> {
    /// A new entity's slot, locked before anybody can see it.
    pub fn begin(&self, key: K) -> Locked<V> {
        let slot: Slot<V> = Arc::new(Mutex::new(None));
        let locked = slot.lock_arc();
        self.0.insert(key, slot);
        locked
    }

    /// Locks an entity; `None` when there is none.
    pub fn lock(&self, key: K) -> Option<Locked<V>> {
        let slot = self.0.get(&key).map(|slot| Arc::clone(&slot))?;
        let locked = slot.lock_arc();
        locked.is_some().then_some(locked)
    }

    /// Puts an entity at start.
    pub fn insert(&self, key: K, value: V) {
        self.0.insert(key, Arc::new(Mutex::new(Some(value))));
    }

    /// Forgets an entity.
    pub fn remove(&self, key: K) {
        self.0.remove(&key);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All keys, in no order.
    pub fn keys(&self) -> Vec<K> {
        self.0.iter().map(|entry| *entry.key()).collect()
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
    /// The record in which a key took effect, and the fingerprint of its body.
    Record(u64, u64),
}

/// All claimed names.
#[derive(Debug, Default)]
pub struct Names(DashMap<Name, Slot<Named>>);

/// A name, locked: whoever wants the same name waits until this one is decided.
pub struct Claim<'a> {
    names: &'a Names,
    name: Name,
    slot: Locked<Named>,
}

impl Names {
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
