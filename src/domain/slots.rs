//! Slots: times at a node, each with so many places, for work that is done then: an installation, a delivery to a
//! house. A place is counted like a unit of stock, and taken in the record of the order that books it.
//!
//! Promises: no more places are ever used than there are; a slot whose places are used keeps its number, its times and
//! enough places, until its time has passed. A slot that was removed and put again is another one, with a number of its
//! own. Bounds: [`SLOTS_MAX`] slots of a node. What is *not* here: which order has which slot (`particulars`).

use serde::{Deserialize, Serialize};

use super::ids::{NodeIndex, SkuIndex, Text};
use super::limits::{ID_BYTES_MAX, RECORD_BYTES_MAX};
use super::stock::LawBroken;
use super::time::WallTime;

/// Most slots of one node.
pub const SLOTS_MAX: usize = 300;

const _: () = assert!(SLOTS_MAX * (ID_BYTES_MAX + 32) < RECORD_BYTES_MAX - 4_096);

/// What was put of a slot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SlotTerms {
    /// Its id at its node.
    pub id: Text,
    /// The service it is for; any when `None`.
    pub service: Option<SkuIndex>,
    /// When it begins.
    pub starts_at: WallTime,
    /// When it ends.
    pub ends_at: WallTime,
    /// How many places it has.
    pub limit: u32,
}

/// A slot, and what is used of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Slot {
    /// Its number at its node, never given again.
    pub number: u32,
    /// What was put.
    pub terms: SlotTerms,
    /// Places that are used.
    pub used: u32,
}

/// All slots of a node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Slots {
    /// Number of the next slot.
    pub next: u32,
    /// Its slots, ascending by id.
    pub slots: Vec<Slot>,
}

/// What happened to the slots of a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SlotsEvent {
    /// Put, all of them, ascending by id.
    Put(Vec<SlotTerms>),
    /// Places were taken.
    Taken {
        /// Number of the slot.
        slot: u32,
        /// How many.
        places: u32,
    },
    /// Places are free again.
    Given {
        /// Number of the slot.
        slot: u32,
        /// How many.
        places: u32,
    },
}

/// Places of one slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Places {
    /// Where.
    pub node: NodeIndex,
    /// Number of the slot.
    pub slot: u32,
    /// How many.
    pub places: u32,
}

impl Slots {
    /// The slot of an id.
    pub fn of_id(&self, id: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| *slot.terms.id == *id)
    }

    /// The next state of the slots of a node.
    pub fn fold(before: Option<Self>, event: &SlotsEvent) -> Result<Self, LawBroken> {
        match (before, event) {
            (before, SlotsEvent::Put(terms)) => before.unwrap_or_default().put(terms),
            (Some(mut slots), SlotsEvent::Taken { slot, places }) => {
                let slot = slots.numbered(*slot)?;
                slot.used =
                    slot.used.checked_add(*places).filter(|used| *used <= slot.terms.limit).ok_or_else(|| {
                        LawBroken(format!(
                            "slot {} has {} places: {places} more are too many",
                            slot.number, slot.terms.limit
                        ))
                    })?;
                Ok(slots)
            }
            (Some(mut slots), SlotsEvent::Given { slot, places }) => {
                let slot = slots.numbered(*slot)?;
                slot.used = slot.used.checked_sub(*places).ok_or_else(|| {
                    LawBroken(format!("of slot {} {} places are used, not {places}", slot.number, slot.used))
                })?;
                Ok(slots)
            }
            (None, event) => Err(LawBroken(format!("{event:?} is of a node without slots"))),
        }
    }

    fn numbered(&mut self, number: u32) -> Result<&mut Slot, LawBroken> {
        let found = self.slots.iter_mut().find(|slot| slot.number == number);
        found.ok_or_else(|| LawBroken(format!("there is no slot {number}")))
    }

    /// The same with these slots: known ones keep their number and what is used of them.
    pub fn put(self, terms: &[SlotTerms]) -> Result<Self, LawBroken> {
        let mut after = Self { next: self.next, slots: Vec::with_capacity(terms.len()) };
        for terms in terms {
            let (number, used) = match self.of_id(&terms.id) {
                Some(known) => (known.number, known.used),
                None => {
                    after.next += 1;
                    (after.next, 0)
                }
            };
            if used > terms.limit {
                return Err(LawBroken(format!(
                    "{used} places of slot {} are used, {} are left",
                    terms.id, terms.limit
                )));
            }
            after.slots.push(Slot { number, terms: terms.clone(), used });
        }
        let ascends = after.slots.is_sorted_by(|a, b| a.terms.id < b.terms.id);
        if ascends { Ok(after) } else { Err(LawBroken("slots ascend by id, each once".to_owned())) }
    }

    /// A slot that other slots must not change: places of it are used, and its time has not passed.
    pub fn kept_by(&self, terms: &[SlotTerms], now: WallTime) -> Option<&Slot> {
        let is_same = |slot: &Slot, put: &SlotTerms| {
            let (own, put_limit) = (&slot.terms, put.limit);
            *put == SlotTerms { limit: put_limit, ..own.clone() } && put_limit >= slot.used
        };
        let mut in_use = self.slots.iter().filter(|slot| slot.used > 0 && slot.terms.ends_at > now);
        in_use.find(|slot| !terms.iter().any(|put| is_same(slot, put)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(id: &str, limit: u32) -> SlotTerms {
        SlotTerms { id: id.into(), service: None, starts_at: WallTime(10), ends_at: WallTime(20), limit }
    }

    fn folded(events: &[SlotsEvent]) -> Result<Slots, LawBroken> {
        let mut slots = None;
        for event in events {
            slots = Some(Slots::fold(slots, event)?);
        }
        Ok(slots.unwrap_or_default())
    }

    #[test]
    fn no_more_places_are_used_than_there_are() {
        let put = SlotsEvent::Put(vec![terms("a", 2), terms("b", 1)]);
        let take = |places| SlotsEvent::Taken { slot: 1, places };
        let give = |places| SlotsEvent::Given { slot: 1, places };
        assert_eq!(folded(&[put.clone(), take(2), give(1)]).map(|slots| slots.slots[0].used), Ok(1));
        for broken in [vec![take(3)], vec![take(2), take(1)], vec![take(1), give(2)], vec![give(1)]] {
            assert!(folded(&[vec![put.clone()], broken.clone()].concat()).is_err(), "{broken:?}");
        }
        let fewer = SlotsEvent::Put(vec![terms("a", 1), terms("b", 1)]);
        assert!(folded(&[put.clone(), take(2), fewer.clone()]).is_err());
        assert!(folded(&[put, take(1), fewer]).is_ok());
        assert!(folded(&[take(1)]).is_err(), "there are no slots");
    }

    #[test]
    fn a_slot_put_again_is_another_and_one_in_use_is_kept() {
        let put = |terms: &[SlotTerms]| SlotsEvent::Put(terms.to_vec());
        let events = [put(&[terms("a", 2)]), put(&[terms("b", 2)]), put(&[terms("a", 2), terms("b", 2)])];
        let slots = folded(&events).expect("legal");
        assert_eq!(slots.slots.iter().map(|slot| slot.number).collect::<Vec<_>>(), [3, 2]);
        let used = folded(&[put(&[terms("a", 2)]), SlotsEvent::Taken { slot: 1, places: 2 }]).expect("legal");
        let kept = |terms: &[SlotTerms], now| used.kept_by(terms, WallTime(now)).is_some();
        let moved = SlotTerms { starts_at: WallTime(11), ..terms("a", 2) };
        assert!(kept(&[], 19) && kept(&[terms("a", 1)], 19) && kept(&[moved], 19));
        assert!(!kept(&[], 20) && !kept(&[terms("a", 3)], 19), "what has passed may go; more places may come");
    }
}
