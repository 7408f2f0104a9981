//! How much of a sku each channel may have: the limits record.
//!
//! A **floor** keeps units for a channel: others may not take the last `floor − used` units. A **cap** is the most a
//! channel may use. Both guard a number over all nodes, not a place, and both are looked at when taking only: a physical
//! loss may cut a floor, then others simply get nothing.
//!
//! The record is one more word in front of the cells of its sku. Every function here is one step on it: whoever keeps
//! it copies it, changes the copy and swaps it in, all counters at once. Two words instead (what is left above the
//! floors, and what each channel uses) cannot work: which of the two a roll back owes depends on what others did
//! meanwhile. Takes come here first and then to the cells, gives go to the cells first and then here, so `free` is never
//! more than the cells have.
//!
//! `used` counts what a channel holds, what it was promised, shipped units among them, and what it waits for with a
//! right. What is *not* here: where the record is kept and how it is swapped (`engine::limits`), and which channel has
//! which limits (`channel`).

/// The share of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Share {
    /// Units kept for this channel.
    pub floor: u32,
    /// Most units this channel may use.
    pub cap: u32,
    /// Units it uses, those in flight included.
    pub used: u32,
    /// Part of `used` that may still roll back.
    pub used_in_flight: u32,
}

impl Share {
    /// Units that others must leave.
    fn kept(&self, used: u32) -> u64 {
        u64::from(self.floor.saturating_sub(used))
    }
}

/// Why a take was not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitShort {
    /// It would be if those in flight rolled back.
    Wait,
    /// Not even then.
    Refuse,
}

/// Units that a channel is to have from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Asked {
    /// Units that are free.
    pub units: u32,
    /// Units that are somebody else's by now, or the queue's: they are not free and stay where they are.
    pub adopted: u32,
    /// All units the queue owns, where it is the queue's that are adopted. They may go to any channel yet, so what others
    /// must be left is looked for among them as well.
    pub pool: u32,
}

impl Asked {
    /// Units of them that the queue owns.
    fn of_pool(self) -> u32 {
        if self.pool > 0 { self.adopted } else { 0 }
    }
}

/// The limits record of one sku. `S` holds the shares, by channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ChannelLimits<S = Box<[Share]>> {
    /// Units free in all cells, less those a withdrawal has taken here and not yet there.
    pub free: u32,
    /// Units that may still roll back.
    pub in_flight: u32,
    /// By channel.
    pub shares: S,
}

impl<S: AsRef<[Share]> + AsMut<[Share]>> ChannelLimits<S> {
    /// Most units a channel could take now.
    pub fn most(&self, channel: usize) -> u32 {
        self.most_of(channel, u64::from(self.free), |share| share.used)
    }

    /// Most units a channel could take if everything in flight rolled back.
    pub fn most_at_best(&self, channel: usize) -> u32 {
        let free = u64::from(self.free) + u64::from(self.in_flight);
        self.most_of(channel, free, |share| share.used - share.used_in_flight)
    }

    /// Units a channel may still use now, whether they are free or somebody else's.
    pub fn room(&self, channel: usize) -> u32 {
        let own = &self.shares.as_ref()[channel];
        own.cap.saturating_sub(own.used)
    }

    /// The same if everything in flight rolled back.
    pub fn room_at_best(&self, channel: usize) -> u32 {
        let own = &self.shares.as_ref()[channel];
        own.cap.saturating_sub(own.used - own.used_in_flight)
    }

    /// Most units a channel could have of what is free and of so many units of the queue.
    pub fn most_beside(&self, channel: usize, pool: u32) -> u32 {
        self.most_of(channel, u64::from(self.free) + u64::from(pool), |share| share.used)
    }

    /// The same if everything in flight rolled back.
    pub fn most_beside_at_best(&self, channel: usize, pool: u32) -> u32 {
        let all = u64::from(self.free) + u64::from(self.in_flight) + u64::from(pool);
        self.most_of(channel, all, |share| share.used - share.used_in_flight)
    }

    fn most_of(&self, channel: usize, free: u64, used: impl Fn(&Share) -> u32) -> u32 {
        let own = &self.shares.as_ref()[channel];
        let room = u64::from(own.cap.saturating_sub(used(own)));
        free.saturating_sub(self.kept_from(channel, used)).min(room) as u32
    }

    /// Units that a channel must leave the others.
    fn kept_from(&self, channel: usize, used: impl Fn(&Share) -> u32) -> u64 {
        let others = self.shares.as_ref().iter().enumerate().filter(|(at, _)| *at != channel);
        others.map(|(_, share)| share.kept(used(share))).sum()
    }

    /// Counts units that a channel waits for as if it had them, as far as its cap lets it; answers how many must come for
    /// it: as many, and what others must be left and is not there.
    pub fn lacks(&mut self, channel: usize, units: u32) -> u32 {
        let kept = self.kept_from(channel, |share| share.used);
        let units = units.min(self.room(channel));
        if units == 0 {
            return 0;
        }
        let missing = u32::try_from(kept.saturating_sub(u64::from(self.free))).unwrap_or(u32::MAX);
        self.free = self.free.saturating_add(missing);
        self.shares.as_mut()[channel].used += units;
        units.saturating_add(missing)
    }

    /// Takes exactly `units` for a channel, marked. The test is monotone: every roll back makes a take easier, so a
    /// refusal needs no second look.
    pub fn take(&mut self, channel: usize, units: u32) -> Result<(), LimitShort> {
        self.take_over(channel, Asked { units, ..Asked::default() })
    }

    /// As [`ChannelLimits::take`]; counts what is adopted for the channel as well. Of what was somebody else's only the cap
    /// is asked; of what is the queue's others must be left what they keep.
    pub fn take_over(&mut self, channel: usize, asked: Asked) -> Result<(), LimitShort> {
        let Asked { units, adopted, pool } = asked;
        let (all, of_both) = (units + adopted, if pool > 0 { units + asked.of_pool() } else { 0 });
        if self.most(channel) < units || self.room(channel) < all || self.most_beside(channel, pool) < of_both {
            let enough = self.most_at_best(channel) >= units
                && self.room_at_best(channel) >= all
                && self.most_beside_at_best(channel, pool) >= of_both;
            return Err(if enough { LimitShort::Wait } else { LimitShort::Refuse });
        }
        self.free -= units;
        self.in_flight += units;
        let share = &mut self.shares.as_mut()[channel];
        share.used += all;
        share.used_in_flight += all;
        Ok(())
    }

    /// What was adopted is not, after all.
    pub fn disown(&mut self, channel: usize, adopted: u32) {
        let share = &mut self.shares.as_mut()[channel];
        share.used -= adopted;
        share.used_in_flight -= adopted;
    }

    /// What was adopted is logged.
    pub fn keep_adopted(&mut self, channel: usize, adopted: u32) {
        self.shares.as_mut()[channel].used_in_flight -= adopted;
    }

    /// Marked units become free again.
    pub fn roll_back(&mut self, channel: usize, units: u32) {
        self.free += units;
        self.in_flight -= units;
        let share = &mut self.shares.as_mut()[channel];
        share.used -= units;
        share.used_in_flight -= units;
    }

    /// Marked units are logged; so is demand of `waiting` units that the channel waits for with a right from now on.
    pub fn clear(&mut self, channel: usize, units: u32, waiting: u32) {
        self.in_flight -= units;
        let share = &mut self.shares.as_mut()[channel];
        share.used_in_flight -= units;
        share.used += waiting;
    }

    /// A channel gives back `units`, of which `free` become free; the cells have them already.
    pub fn give(&mut self, channel: usize, units: u32, free: u32) {
        self.shares.as_mut()[channel].used -= units;
        self.free += free;
    }

    /// Units that no channel used become free; the cells have them already.
    pub fn receive(&mut self, free: u32) {
        self.free += free;
    }

    /// Takes up to `units` for nobody, marked: they are lost. Answers how many.
    pub fn take_lost(&mut self, units: u32) -> u32 {
        let taken = units.min(self.free);
        self.free -= taken;
        self.in_flight += taken;
        taken
    }

    /// What was taken as lost is settled: the mark of all `taken` goes, and what the cell did not have is `returned`. One
    /// step: between two, the record would show nothing while another cell has a unit.
    pub fn clear_lost(&mut self, taken: u32, returned: u32) {
        self.in_flight -= taken;
        self.free += returned;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five free units, three of them kept for the first channel; the second may use four.
    fn limits() -> ChannelLimits {
        let kept = Share { floor: 3, cap: 9, ..Share::default() };
        let capped = Share { floor: 0, cap: 4, ..Share::default() };
        ChannelLimits { free: 5, in_flight: 0, shares: Box::new([kept, capped]) }
    }

    #[test]
    fn a_floor_is_kept_from_others_only() {
        let mut limits = limits();
        assert_eq!((limits.most(0), limits.most(1)), (5, 2));
        assert_eq!(limits.take(1, 3), Err(LimitShort::Refuse));
        assert_eq!(limits.take(1, 2), Ok(()));
        assert_eq!(limits.take(0, 3), Ok(()));
        assert_eq!((limits.free, limits.in_flight), (0, 5));
    }

    #[test]
    fn a_cap_counts_what_may_still_roll_back() {
        let mut limits = limits();
        limits.receive(5);
        assert_eq!(limits.take(1, 4), Ok(()));
        assert_eq!(limits.take(1, 1), Err(LimitShort::Wait));
        limits.clear(1, 4, 0);
        assert_eq!(limits.take(1, 1), Err(LimitShort::Refuse));
        limits.give(1, 1, 1);
        assert_eq!(limits.take(1, 1), Ok(()));
    }

    #[test]
    fn a_roll_back_leaves_everything_as_it_was() {
        let before = limits();
        let mut limits = before.clone();
        assert_eq!(limits.take(0, 4), Ok(()));
        limits.roll_back(0, 4);
        assert_eq!(limits, before);
    }

    #[test]
    fn what_is_adopted_counts_against_the_cap_alone() {
        let mut limits = limits();
        let asked = |units, adopted| Asked { units, adopted, pool: 0 };
        assert_eq!(limits.take_over(1, asked(1, 4)), Err(LimitShort::Refuse));
        assert_eq!(limits.take_over(1, asked(1, 3)), Ok(()));
        assert_eq!((limits.free, limits.in_flight, limits.room(1), limits.room_at_best(1)), (4, 1, 0, 4));
        limits.disown(1, 3);
        limits.roll_back(1, 1);
        assert_eq!(limits, self::limits());
        assert_eq!(limits.take_over(1, asked(0, 4)), Ok(()));
        limits.keep_adopted(1, 4);
        assert_eq!((limits.free, limits.shares[1].used, limits.shares[1].used_in_flight), (5, 4, 0));
    }

    #[test]
    fn what_is_adopted_of_the_queue_leaves_others_what_they_keep() {
        let of_pool = |units, adopted| Asked { units, adopted, pool: 4 };
        let mut limits = limits();
        limits.free = 1;
        assert_eq!((limits.most_beside(1, 4), limits.most_beside_at_best(0, 4)), (2, 5));
        assert_eq!(limits.take_over(1, of_pool(0, 3)), Err(LimitShort::Refuse), "three are the first channel's");
        assert_eq!(limits.take_over(1, of_pool(1, 1)), Err(LimitShort::Refuse), "what is free is kept");
        assert_eq!(limits.take_over(1, of_pool(0, 2)), Ok(()));
        limits.keep_adopted(1, 2);
        assert_eq!((limits.free, limits.shares[1].used), (1, 2));
    }

    #[test]
    fn what_lacks_stays_within_the_cap_and_above_what_others_keep() {
        let mut limits = limits();
        assert_eq!(limits.lacks(1, 9), 4, "no more than it may use");
        assert_eq!(limits.lacks(1, 1), 0);
        let mut limits = self::limits();
        limits.free = 1;
        assert_eq!(limits.lacks(1, 2), 4, "two of the kept ones are missing");
        assert_eq!(limits.lacks(1, 1), 1, "they are there by then");
        assert_eq!(limits.lacks(0, 5), 5);
    }

    #[test]
    fn a_used_floor_is_no_longer_kept() {
        let mut limits = limits();
        assert_eq!(limits.take(0, 2), Ok(()));
        assert_eq!(limits.most(1), 2);
        limits.clear(0, 2, 0);
        assert_eq!((limits.free, limits.most(1)), (3, 2));
    }

    #[test]
    fn a_loss_cuts_a_floor_and_others_get_nothing() {
        let mut limits = limits();
        assert_eq!(limits.take_lost(4), 4);
        assert_eq!(limits.take(1, 1), Err(LimitShort::Wait));
        limits.clear_lost(4, 1);
        assert_eq!((limits.free, limits.in_flight, limits.most(1)), (2, 0, 0));
    }
}
