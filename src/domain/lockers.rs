//! Lockers of a node: compartments of several sizes, of which each order that is fetched there has one for its goods, from
//! the record that promises it until the last of them are gone. One for each group of its lines that is fetched so, at each
//! node where it is.
//!
//! Promises: no more compartments of a size are used than there are; a size keeps enough of them for what lies in it. A
//! parcel goes into the smallest size with a free compartment in which each of its pieces fits by its edges and all
//! together by volume; one of which something is not known into the largest.
//!
//! Bounds: [`LOCKER_SIZES_MAX`] sizes of a node with [`COMPARTMENTS_MAX`] compartments each. What is *not* here: how pieces
//! are laid into one another (`packing`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{OrderKey, Text};
use super::item::Dimensions;
use super::stock::LawBroken;

/// Most sizes of the lockers of one node.
pub const LOCKER_SIZES_MAX: usize = 20;
/// Most compartments of one size.
pub const COMPARTMENTS_MAX: u32 = 10_000;

/// What was put of a size.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LockerTerms {
    /// Its id at its node.
    pub id: Text,
    /// Inner size of a compartment, millimetres.
    pub inner: Dimensions,
    /// How many there are.
    pub limit: u32,
}

/// Compartments of one size.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Locker {
    /// What was put.
    pub terms: LockerTerms,
    /// How many are used.
    pub used: u32,
}

/// Whose a compartment is: of a group of an order's lines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Stored {
    /// The order.
    pub order: OrderKey,
    /// Position of the destination of the group.
    pub group: u16,
}

/// All lockers of a node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Lockers {
    /// Its sizes, ascending by id.
    pub sizes: Vec<Locker>,
    /// Id of the size in which something has a compartment.
    pub stored: BTreeMap<Stored, Text>,
}

/// What happened to the lockers of a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LockersEvent {
    /// Put, all sizes, ascending by id.
    Put(Vec<LockerTerms>),
    /// A compartment was taken.
    Taken {
        /// For what.
        stored: Stored,
        /// Id of its size.
        size: Text,
    },
    /// It is free again.
    Given {
        /// What had it.
        stored: Stored,
    },
}

/// What a compartment has to take in; what is not known of a piece is not known of the parcel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bulk {
    /// The longest, the middle and the shortest edge of any piece, millimetres.
    edges: [u32; 3],
    /// Of all pieces, cubic millimetres.
    volume: u128,
    /// Whether the size of a piece is not known.
    is_unknown: bool,
}

impl Dimensions {
    /// Edges, the longest first, millimetres.
    fn edges(&self) -> [u32; 3] {
        let mut edges = [self.length, self.width, self.height];
        edges.sort_unstable_by(|a, b| b.cmp(a));
        edges
    }

    fn volume(&self) -> u128 {
        self.edges().into_iter().map(u128::from).product()
    }
}

impl Bulk {
    /// With so many more pieces of a size.
    pub fn and(self, size: Dimensions, pieces: u32) -> Self {
        let (own, edges) = (self.edges, size.edges());
        let volume = size.volume();
        Self {
            edges: [own[0].max(edges[0]), own[1].max(edges[1]), own[2].max(edges[2])],
            volume: self.volume.saturating_add(volume.saturating_mul(u128::from(pieces))),
            is_unknown: self.is_unknown || volume == 0,
        }
    }

    fn fits(&self, inner: &Dimensions) -> bool {
        let edges = inner.edges();
        (0..3).all(|at| self.edges[at] <= edges[at]) && self.volume <= inner.volume()
    }
}

impl Locker {
    fn left(&self) -> u32 {
        self.terms.limit.saturating_sub(self.used)
    }
}

/// Why there is no compartment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoCompartment {
    /// All in which it fits are used.
    Full,
    /// It fits in none.
    TooLarge,
}

impl Lockers {
    /// The id of the size that a parcel gets, once compartments of these sizes are taken too.
    pub fn size_for(&self, bulk: &Bulk, taken: &[Text]) -> Result<&Text, NoCompartment> {
        let fitting = self.sizes.iter().filter(|size| bulk.is_unknown || bulk.fits(&size.terms.inner));
        let volume = |size: &&Locker| (size.terms.inner.volume(), size.terms.id.clone());
        let mut fitting = fitting.peekable();
        if fitting.peek().is_none() {
            return Err(NoCompartment::TooLarge);
        }
        let gone = |size: &Locker| taken.iter().filter(|id| **id == size.terms.id).count();
        let free = fitting.filter(|size| size.left() as usize > gone(size));
        let found = if bulk.is_unknown { free.max_by_key(volume) } else { free.min_by_key(volume) };
        found.map(|size| &size.terms.id).ok_or(NoCompartment::Full)
    }

    /// The next state of the lockers of a node.
    pub fn fold(before: Option<Self>, event: &LockersEvent) -> Result<Self, LawBroken> {
        match (before, event) {
            (before, LockersEvent::Put(terms)) => before.unwrap_or_default().put(terms),
            (Some(mut lockers), LockersEvent::Taken { stored, size }) => {
                let own = lockers.of_id(size)?;
                if own.left() == 0 {
                    return Err(LawBroken(format!("all {} compartments of {size} are used", own.terms.limit)));
                }
                own.used += 1;
                match lockers.stored.insert(*stored, size.clone()) {
                    None => Ok(lockers),
                    Some(_) => Err(LawBroken(format!("{stored:?} has a compartment already"))),
                }
            }
            (Some(mut lockers), LockersEvent::Given { stored }) => {
                let size = lockers.stored.remove(stored);
                let size = size.ok_or_else(|| LawBroken(format!("{stored:?} has no compartment")))?;
                lockers.of_id(&size)?.used -= 1;
                Ok(lockers)
            }
            (None, event) => Err(LawBroken(format!("{event:?} is of a node without lockers"))),
        }
    }

    fn of_id(&mut self, id: &Text) -> Result<&mut Locker, LawBroken> {
        let found = self.sizes.iter_mut().find(|size| size.terms.id == *id);
        found.ok_or_else(|| LawBroken(format!("there is no compartment of size {id}")))
    }

    /// A size that these would leave too few compartments: its id, and how many of it are used.
    pub fn kept_by(&self, terms: &[LockerTerms]) -> Option<(&Text, u32)> {
        let left = |id: &Text| terms.iter().find(|put| put.id == *id).map_or(0, |put| put.limit);
        self.sizes.iter().find(|size| left(&size.terms.id) < size.used).map(|size| (&size.terms.id, size.used))
    }

    /// The same with these sizes: what lies in compartments of known ones stays there.
    fn put(self, terms: &[LockerTerms]) -> Result<Self, LawBroken> {
        if let Some((id, used)) = self.kept_by(terms) {
            return Err(LawBroken(format!("{used} compartments of {id} are used")));
        }
        if !terms.is_sorted_by(|a, b| a.id < b.id) {
            return Err(LawBroken("sizes ascend by id, each once".to_owned()));
        }
        let used = |id: &Text| self.sizes.iter().find(|size| size.terms.id == *id).map_or(0, |size| size.used);
        let sizes = terms.iter().map(|terms| Locker { used: used(&terms.id), terms: terms.clone() }).collect();
        Ok(Self { sizes, stored: self.stored })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(length: u32, width: u32, height: u32) -> Dimensions {
        Dimensions { length, width, height }
    }

    fn terms(id: &str, inner: Dimensions, limit: u32) -> LockerTerms {
        LockerTerms { id: id.into(), inner, limit }
    }

    fn stored(order: u64) -> Stored {
        Stored { order: OrderKey(order), group: 0 }
    }

    fn folded(events: &[LockersEvent]) -> Result<Lockers, LawBroken> {
        let mut lockers = None;
        for event in events {
            lockers = Some(Lockers::fold(lockers, event)?);
        }
        Ok(lockers.unwrap_or_default())
    }

    #[test]
    fn a_parcel_gets_the_smallest_compartment_in_which_it_fits_whichever_way_it_is_turned() {
        let put = LockersEvent::Put(vec![
            terms("l", size(500, 400, 300), 1),
            terms("m", size(300, 200, 200), 1),
            terms("s", size(200, 100, 50), 1),
        ]);
        let lockers = folded(std::slice::from_ref(&put)).expect("legal");
        let gets = |lockers: &Lockers, bulk: Bulk| lockers.size_for(&bulk, &[]).map(ToString::to_string);
        let of = |dimensions, pieces| Bulk::default().and(dimensions, pieces);
        assert_eq!(gets(&lockers, of(size(50, 200, 100), 1)), Ok("s".to_owned()));
        assert_eq!(gets(&lockers, of(size(50, 200, 100), 2)), Ok("m".to_owned()), "by volume");
        assert_eq!(gets(&lockers, of(size(10, 10, 301), 1)), Ok("l".to_owned()), "by its edge");
        assert_eq!(gets(&lockers, of(size(501, 10, 10), 1)), Err(NoCompartment::TooLarge));
        assert_eq!(gets(&lockers, of(size(10, 10, 10), 1).and(size(0, 0, 0), 1)), Ok("l".to_owned()), "who knows");
        let take = |order, size: &str| LockersEvent::Taken { stored: stored(order), size: size.into() };
        let some = folded(&[put.clone(), take(1, "s")]).expect("legal");
        assert_eq!(gets(&some, of(size(10, 10, 10), 1)), Ok("m".to_owned()), "a larger one is free");
        let also = some.size_for(&of(size(10, 10, 10), 1), &["m".into()]).map(ToString::to_string);
        assert_eq!(also, Ok("l".to_owned()), "what is taken with it is not free");
        let all = folded(&[put, take(1, "s"), take(2, "m"), take(3, "l")]).expect("legal");
        assert_eq!(gets(&all, of(size(10, 10, 10), 1)), Err(NoCompartment::Full));
    }

    #[test]
    fn no_compartment_is_taken_twice_and_what_lies_in_one_keeps_it() {
        let put = |limit| LockersEvent::Put(vec![terms("m", size(300, 200, 200), limit)]);
        let take = |order| LockersEvent::Taken { stored: stored(order), size: "m".into() };
        let give = |order| LockersEvent::Given { stored: stored(order) };
        let used = |events: &[LockersEvent]| folded(events).map(|lockers| lockers.sizes[0].used);
        assert_eq!(used(&[put(2), take(1), take(2), give(1), put(1)]), Ok(1));
        for broken in [
            vec![take(1)],
            vec![put(1), take(1), take(2)],
            vec![put(2), take(1), take(1)],
            vec![put(1), give(1)],
            vec![put(1), take(1), put(0)],
            vec![put(1), take(1), LockersEvent::Put(vec![])],
        ] {
            assert!(folded(&broken).is_err(), "{broken:?}");
        }
    }
}
