//! Steps of a withdrawal: words are read, taken in order, looked at again, rolled back the last first.
//!
//! A correction takes up to its units, everybody else exactly theirs. What is *not* here: what follows the decision
//! (`giving`), locks and what is due (`machine`).

use super::laws;
use super::machine::{Stepped, Stepper, n, takes_capacity, two_words};
use super::program::Op;
use super::state::*;
use crate::domain::channel_limits::LimitShort;
use crate::engine::cell::{self, Short};
use crate::engine::shares;
use crate::sabotage::{Bug, planted};

/// The words of a withdrawal in the order they are taken; the second only where limits are wrongly two words.
pub(super) const LIMITS: u8 = 0;
pub(super) const HEADROOM: u8 = 1;
pub(super) const FIRST_CELL: u8 = 2;
pub(super) const CAPACITY: u8 = 4;
pub(super) const WORDS: u8 = 5;

impl Stepper<'_> {
    /// An attempt to place: the words are read, then taken; with ledgers the second time.
    pub(super) fn go_plan(&mut self) {
        self.t.needs = u8::from(self.t.joins);
        self.go_ledgers();
    }

    pub(super) fn go_plan_now(&mut self) {
        self.t.plan = [0; CELLS];
        self.t.seen = i8::MAX;
        self.t.at = if self.limited() { LIMITS } else { FIRST_CELL };
        self.t.pc = Pc::Plan;
    }

    pub(super) fn plan(&mut self) -> Stepped {
        let Op::Place(units) = self.command().op else { unreachable!("only an order plans") };
        if self.t.at == LIMITS {
            self.t.seen = self.state.memory.limits.most(self.channel()) as i8;
            self.t.at = FIRST_CELL;
            return Stepped::Moved;
        }
        let at = usize::from(self.t.at - FIRST_CELL);
        let planned: i8 = self.t.plan.iter().sum();
        let free = cell::split(self.state.memory.words[at]).0 as i8;
        self.t.plan[at] = free.min(units.min(self.t.seen) - planned);
        let planned: i8 = self.t.plan.iter().sum();
        self.t.rest = units - planned;
        if self.program.world.cells(0).any(|cell| cell == at + 1) {
            self.t.at += 1;
        } else if self.t.rest > 0 && !self.t.joins {
            self.leave();
            self.t.pc = Pc::LookDue;
        } else {
            self.go_take();
        }
        Stepped::Moved
    }

    pub(super) fn go_take(&mut self) {
        let words = (0..WORDS).filter(|at| self.units_at(*at) > 0).count();
        self.t.marked = (words > 1 && !planted(Bug::NoInFlight)) || self.t.held != 0;
        self.t.marked |= planted(Bug::LedgerAfterMarks) && matches!(self.command().op, Op::Claim(_));
        let descending = planted(Bug::NoOrdering) && self.thread % 2 == 1;
        self.t.at = if descending { WORDS - 1 } else { 0 };
        self.t.pc = Pc::Take;
        self.skip_words();
    }

    /// Units to be taken of a word.
    pub(super) fn units_at(&self, at: u8) -> i8 {
        let all: i8 = self.t.plan.iter().sum();
        match at {
            LIMITS if self.limited() => all,
            HEADROOM if self.limited() && two_words() => all,
            CAPACITY => i8::from(self.command().capacity && takes_capacity(self.command().op)),
            _ if (FIRST_CELL..CAPACITY).contains(&at) => self.t.plan[usize::from(at - FIRST_CELL)],
            _ => 0,
        }
    }

    /// Goes to the next word that is to be taken, or on when there is none.
    pub(super) fn skip_words(&mut self) {
        let descending = planted(Bug::NoOrdering) && self.thread % 2 == 1;
        while self.t.at < WORDS && self.units_at(self.t.at) == 0 {
            self.t.at = if descending { self.t.at.wrapping_sub(1) } else { self.t.at + 1 };
        }
        if self.t.at < WORDS {
            return;
        }
        match self.command().op {
            Op::Place(_) if self.t.joins && self.t.rest > 0 && !planted(Bug::JoinWithoutLook) => {
                self.t.at = if self.limited() { LIMITS } else { FIRST_CELL };
                self.t.pc = Pc::Look;
                if planted(Bug::JoinIgnoresMarks) {
                    self.go_tail();
                }
            }
            Op::Lose(..) => {
                self.t.seen = i8::MAX;
                self.t.pc = Pc::Look;
            }
            Op::Claim(_) if planted(Bug::LedgerAfterMarks) => self.go_ledgers(),
            _ => self.go_tail(),
        }
    }

    pub(super) fn take(&mut self) -> Stepped {
        let at = self.t.at;
        let units = self.units_at(at);
        let taken = match at {
            LIMITS => self.take_limits(units),
            HEADROOM => self.take_headroom(units),
            CAPACITY => cell::step_take(self.state.memory.capacity, n(units), self.t.marked).map(|next| {
                self.state.memory.capacity = next;
                self.t.taken_capacity = units;
            }),
            _ => {
                let cell = usize::from(at - FIRST_CELL);
                let taken = self.take_cell(cell, units);
                if taken.is_ok()
                    && self.t.taken[cell] > 0
                    && let Some(broken) = laws::taken_beside_a_claim(&self.program.world, &self.state.memory, cell)
                {
                    return Stepped::Broken(broken);
                }
                taken
            }
        };
        match taken {
            Ok(()) => {
                let descending = planted(Bug::NoOrdering) && self.thread % 2 == 1;
                self.t.at = if descending { at.wrapping_sub(1) } else { at + 1 };
                self.skip_words();
                Stepped::Moved
            }
            Err(Short::Wait) => Stepped::Waits,
            Err(Short::Refuse) => {
                self.t.fate = match self.command().op {
                    _ if at == CAPACITY => Fate::Refused,
                    Op::Place(_) => Fate::Again,
                    Op::Damage(..) => Fate::Refused,
                    _ => Fate::Short,
                };
                self.unwind()
            }
        }
    }

    /// A correction takes up to its units, everybody else exactly theirs.
    pub(super) fn take_cell(&mut self, cell: usize, units: i8) -> Result<(), Short> {
        let word = &mut self.state.memory.words[cell];
        let units = match self.program.threads[self.thread][usize::from(self.t.op)].op {
            Op::Lose(..) => {
                let most = if self.program.world.limits.is_some() { self.t.taken_limits.min(units) } else { units };
                n(most).min(cell::split(*word).0) as i8
            }
            _ => units,
        };
        *word = cell::step_take(*word, n(units), self.t.marked)?;
        self.t.taken[cell] = units;
        Ok(())
    }

    pub(super) fn take_limits(&mut self, units: i8) -> Result<(), Short> {
        let channel = self.channel();
        let limits = &mut self.state.memory.limits;
        if matches!(self.program.threads[self.thread][usize::from(self.t.op)].op, Op::Lose(..)) {
            self.t.taken_limits = limits.take_lost(n(units)) as i8;
            return Ok(());
        }
        if two_words() {
            let share = &mut limits.shares[channel];
            let covered = share.floor.saturating_sub(share.used).min(n(units));
            self.t.taken_headroom = -1 - covered as i8;
            share.used += n(units);
            share.used_in_flight += n(units);
        } else {
            limits.take(channel, n(units)).map_err(|short| match short {
                LimitShort::Wait => Short::Wait,
                LimitShort::Refuse => Short::Refuse,
            })?;
        }
        self.t.taken_limits = units;
        Ok(())
    }

    /// The second of two wrong words: what is free above all floors.
    pub(super) fn take_headroom(&mut self, units: i8) -> Result<(), Short> {
        let covered = -1 - self.t.taken_headroom;
        let needed = n(units - covered);
        let limits = &mut self.state.memory.limits;
        if limits.free < needed {
            return Err(if limits.free + limits.in_flight >= needed { Short::Wait } else { Short::Refuse });
        }
        limits.free -= needed;
        limits.in_flight += needed;
        self.t.taken_headroom = needed as i8;
        Ok(())
    }

    /// After taking: whether what is missing may be waited for, or owed.
    pub(super) fn look(&mut self) -> Stepped {
        match self.command().op {
            Op::Lose(cell, units) => self.look_for_loss(cell, units),
            _ => self.look_for_join(),
        }
    }

    pub(super) fn look_for_loss(&mut self, cell: usize, units: i8) -> Stepped {
        let taken = self.t.taken[cell];
        let mut left = cell::split(self.state.memory.words[cell]);
        if planted(Bug::LossLooksTwice) {
            if self.t.seen == i8::MAX {
                self.t.seen = left.1 as i8;
                return Stepped::Moved;
            }
            left.1 = n(self.t.seen);
        }
        match shares::correction_owes(n(units), n(taken), left) {
            Some(owed) => {
                self.t.plan[cell] = taken;
                self.t.rest = owed as i8;
                self.go_tail();
                Stepped::Moved
            }
            None => self.again(),
        }
    }

    pub(super) fn look_for_join(&mut self) -> Stepped {
        if self.t.at == LIMITS {
            let limits = &self.state.memory.limits;
            let own = n(self.t.taken_limits);
            if !shares::has_nothing_for_others((limits.free, limits.in_flight), own) {
                // What is free is others': behind their limits nobody waits with a right.
                if limits.in_flight > own {
                    return self.again();
                }
                self.t.fate = if limits.most(self.channel()) > 0 { Fate::Again } else { Fate::Refused };
                return self.unwind();
            }
            let share = limits.shares[self.channel()];
            if share.used + n(self.t.rest) > share.cap {
                self.t.fate = Fate::Refused;
                return self.unwind();
            }
            self.t.at = FIRST_CELL;
            return Stepped::Moved;
        }
        let cell = usize::from(self.t.at - FIRST_CELL);
        if !shares::has_nothing_for_others(cell::split(self.state.memory.words[cell]), n(self.t.taken[cell])) {
            return self.again();
        }
        if self.program.world.cells(0).any(|other| other == cell + 1) {
            self.t.at += 1;
        } else {
            self.go_tail();
        }
        Stepped::Moved
    }

    /// Rolls back, lets go of everything and comes again.
    pub(super) fn again(&mut self) -> Stepped {
        self.t.fate = Fate::Again;
        self.unwind()
    }

    /// One word of what is to be rolled back, the last first.
    pub(super) fn roll_back(&mut self) {
        let channel = self.channel();
        let memory = &mut self.state.memory;
        let lost = matches!(self.program.threads[self.thread][usize::from(self.t.op)].op, Op::Lose(..));
        let back = |word: u64, units: i8, marked: bool| {
            if marked { word - cell::rolled_back(n(units)) } else { word + cell::given(n(units)) }
        };
        if self.t.taken_capacity > 0 {
            memory.capacity = back(memory.capacity, self.t.taken_capacity, self.t.marked);
            self.t.taken_capacity = 0;
        } else if let Some(cell) = (0..CELLS).rev().find(|cell| self.t.taken[*cell] > 0) {
            memory.words[cell] = back(memory.words[cell], self.t.taken[cell], self.t.marked);
            self.t.taken[cell] = 0;
        } else {
            let units = n(self.t.taken_limits);
            if lost {
                memory.limits.clear_lost(units, units);
            } else if two_words() {
                let share = &mut memory.limits.shares[channel];
                let kept = share.floor.saturating_sub(share.used);
                share.used -= units;
                share.used_in_flight -= units;
                let kept_more = share.floor.saturating_sub(share.used) - kept;
                let marked = n(self.t.taken_headroom.max(0));
                memory.limits.in_flight -= marked;
                // What the headroom really gets back: all units, or, where it gave none, only what the floor covered.
                let took = if self.t.taken_headroom < 0 { n(-1 - self.t.taken_headroom) } else { units };
                if planted(Bug::HeadroomMarksLoss) {
                    memory.limits.free = (memory.limits.free + took).saturating_sub(kept_more);
                } else {
                    memory.limits.free += marked;
                }
            } else {
                memory.limits.roll_back(channel, units);
            }
            self.t.taken_limits = 0;
            self.t.taken_headroom = 0;
        }
    }

    /// Goes on rolling back, or lets go of all locks and does what its fate says.
    pub(super) fn unwind(&mut self) -> Stepped {
        if self.holds_units() {
            self.t.pc = Pc::RollBack;
            return Stepped::Moved;
        }
        self.leave();
        self.t.needs = 0;
        self.t.decided = false;
        match self.t.fate {
            Fate::Short => self.t.pc = Pc::LookDue,
            Fate::Again => self.attempt_again(),
            Fate::Panicked | Fate::Contended => self.end(),
            Fate::Refused => return self.refuse(),
        }
        Stepped::Moved
    }

    pub(super) fn refuse(&mut self) -> Stepped {
        let justified = self.t.justified;
        self.end();
        if justified { Stepped::Moved } else { Stepped::Broken(laws::unjustified_refusal()) }
    }

    pub(super) fn attempt_again(&mut self) {
        let slot = self.new_slot();
        match self.command().op {
            Op::Place(_) => {
                self.state.memory.entity_locks[slot] = self.thread as u8;
                self.go_plan();
            }
            Op::Lose(cell, _) => {
                self.t.plan = [0; CELLS];
                self.t.needs = 1 << self.program.world.sku(cell);
                self.t.pc = Pc::LockLedger;
            }
            Op::Claim(_) => {
                self.start_with(RESERVATION);
            }
            Op::Reserve(_) => {
                self.start_with(slot);
            }
            Op::Take(need) => {
                self.t.plan = need;
                self.go_take();
            }
            other => unreachable!("{other:?} does not come again"),
        }
    }
}
