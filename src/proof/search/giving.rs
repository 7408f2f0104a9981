//! Steps after the decision: the record is appended, ledgers' counters, words given, marks cleared, entities and locks.
//!
//! What a record says is made from the thread's own values, the same at its append and when it is applied. What is *not*
//! here: how units were taken (`taking`), how a record folds (`state`).

use super::laws;
use super::machine::{Stepped, Stepper, n, two_words, wanted_by};
use super::program::Op;
use super::state::*;
use super::taking::CAPACITY;
use crate::engine::cell;
use crate::engine::shares;
use crate::sabotage::{Bug, planted};

/// What follows the decision, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tail {
    Append,
    Register,
    Apply,
    GiveCell(usize),
    GiveLimits,
    GiveCapacity,
    ClearLimits,
    ReturnLimits,
    ClearCell(usize),
    ClearCapacity,
    Finish,
}

const LOG_THEN_GIVE: [Tail; 13] = [
    Tail::Append,
    Tail::Register,
    Tail::Apply,
    Tail::GiveCell(0),
    Tail::GiveCell(1),
    Tail::GiveLimits,
    Tail::GiveCapacity,
    Tail::ClearLimits,
    Tail::ReturnLimits,
    Tail::ClearCell(0),
    Tail::ClearCell(1),
    Tail::ClearCapacity,
    Tail::Finish,
];

/// The order of what follows the decision.
pub fn tail() -> [Tail; 13] {
    let mut tail = LOG_THEN_GIVE;
    if planted(Bug::GiveBeforeLog) {
        tail[..7].rotate_left(1);
    }
    if planted(Bug::AppendBuffered) {
        tail[..12].rotate_left(1);
    }
    if planted(Bug::CountersAfterWords) {
        tail[2..7].rotate_left(1);
    }
    tail
}

impl Stepper<'_> {
    /// How what is given back is shared out.
    pub(super) fn decide(&mut self) {
        let queue_left = self.queue_after();
        let mut room = [0, 1].map(|sku| self.state.memory.room(sku, self.program.world.cells(sku)));
        if self.t.target == NOBODY && self.t.act == Act::Drain {
            room[0] = 0;
        } else {
            room[0] = (room[0] + queue_left).max(0);
        }
        for cell in 0..CELLS {
            let sku = self.program.world.sku(cell);
            let owed = n(self.state.memory.levels[cell].shortfall);
            let given = shares::give(n(self.t.back[cell]), owed, u64::from(n(room[sku])));
            room[sku] -= given.pooled as i8;
            self.t.given[cell] = Given { paid: given.paid as i8, pooled: given.pooled as i8, free: given.free as i8 };
        }
        self.t.decided = true;
    }

    /// How much less the queue wants after this record.
    pub(super) fn queue_after(&self) -> i8 {
        match (self.t.act, self.command().op) {
            (Act::Command, Op::CancelWaiting) => -self.state.memory.queue[WAITING],
            _ => 0,
        }
    }

    pub(super) fn go_tail(&mut self) {
        if !self.t.decided || planted(Bug::QueueFlag) && self.t.pc == Pc::LockLedger {
            let early = self.t.given;
            let decided = self.t.decided;
            self.decide();
            if decided {
                // The ledger says what is owed; what the queue wants was read before it.
                for (given, early) in self.t.given.iter_mut().zip(early) {
                    let pooled = early.pooled.min(given.free + given.pooled);
                    given.free += given.pooled - pooled;
                    given.pooled = pooled;
                }
            }
        }
        self.t.pc = Pc::Tail;
        self.t.at = 0;
        self.t.seen = 0;
        self.skip_tail();
    }

    pub(super) fn skip_tail(&mut self) {
        let tail = tail();
        while !self.has_work(tail[usize::from(self.t.at)]) {
            self.t.at += 1;
        }
    }

    pub(super) fn has_work(&self, tail: Tail) -> bool {
        let lost = matches!(self.command().op, Op::Lose(..)) && self.t.act == Act::Command;
        match tail {
            Tail::Append | Tail::Finish => true,
            Tail::Register => planted(Bug::DueAfterAppend) && self.reserves(),
            Tail::Apply => self.t.held != 0 || self.t.back != [0; CELLS],
            Tail::GiveCell(cell) => self.t.given[cell].free > 0,
            Tail::GiveLimits => self.limited() && (self.t.back != [0; CELLS] || self.cancels_waiting()),
            Tail::GiveCapacity => self.capacity_back() > 0,
            Tail::ClearLimits => self.t.taken_limits > 0 || (self.limited() && self.joins_now()),
            Tail::ReturnLimits => planted(Bug::LossClearsFirst) && lost && self.limited() && self.t.seen > 0,
            Tail::ClearCell(cell) => self.t.marked && self.t.taken[cell] > 0,
            Tail::ClearCapacity => self.t.marked && self.t.taken_capacity > 0,
        }
    }

    pub(super) fn reserves(&self) -> bool {
        self.t.act == Act::Command && matches!(self.command().op, Op::Reserve(_))
    }

    pub(super) fn cancels_waiting(&self) -> bool {
        self.t.act == Act::Command && self.command().op == Op::CancelWaiting
    }

    pub(super) fn joins_now(&self) -> bool {
        self.t.act == Act::Command && matches!(self.command().op, Op::Place(_)) && self.t.rest > 0
    }

    pub(super) fn capacity_back(&self) -> i8 {
        match (self.t.act, self.command().op) {
            (Act::Command, Op::CancelOrder) => self.state.memory.entities[ORDER].capacity,
            _ => 0,
        }
    }

    /// Append, and what follows it.
    pub(super) fn tail(&mut self) -> Stepped {
        let now = tail()[usize::from(self.t.at)];
        let units = n(self.t.taken_limits);
        let channel = self.channel();
        let lost = matches!(self.command().op, Op::Lose(..)) && self.t.act == Act::Command;
        match now {
            Tail::Append => {
                let record = self.record();
                self.t.appended = true;
                if let Some(broken) = laws::append(self.program, self.state, &record) {
                    return Stepped::Broken(broken);
                }
            }
            Tail::Register => self.state.memory.due_at[self.new_slot()] = self.t.now + 1,
            Tail::Apply => self.apply(),
            Tail::GiveCell(cell) => {
                self.state.memory.words[cell] += cell::given(n(self.t.given[cell].free));
                self.t.gave |= 1 << cell;
            }
            Tail::GiveLimits => self.give_limits(),
            Tail::GiveCapacity => self.state.memory.capacity += cell::given(n(self.capacity_back())),
            Tail::ClearLimits => {
                let waiting = if self.joins_now() { n(self.t.rest) } else { 0 };
                let gone = n(self.t.taken.iter().sum());
                let limits = &mut self.state.memory.limits;
                if lost && planted(Bug::LossClearsFirst) {
                    limits.clear_lost(units, 0);
                    self.t.seen = (units - gone) as i8;
                } else if lost {
                    limits.clear_lost(units, units - gone);
                } else if two_words() {
                    limits.in_flight -= n(self.t.taken_headroom);
                    limits.shares[channel].used_in_flight -= units;
                } else {
                    limits.clear(channel, units, waiting);
                }
                self.t.taken_limits = 0;
                self.t.taken_headroom = 0;
            }
            Tail::ReturnLimits => self.state.memory.limits.receive(n(std::mem::take(&mut self.t.seen))),
            Tail::ClearCell(cell) => {
                self.state.memory.words[cell] -= cell::cleared(n(self.t.taken[cell]));
                self.t.taken[cell] = 0;
            }
            Tail::ClearCapacity => {
                self.state.memory.capacity -= cell::cleared(n(self.t.taken_capacity));
                self.t.taken_capacity = 0;
            }
            Tail::Finish => {
                self.finish();
                return Stepped::Moved;
            }
        }
        self.t.at += 1;
        self.skip_tail();
        Stepped::Moved
    }

    pub(super) fn give_limits(&mut self) {
        let free: i8 = self.t.given.iter().map(|given| given.free).sum();
        let back: i8 = self.t.back.iter().sum();
        let owner = if self.t.target == NOBODY { None } else { Some(usize::from(self.t.target)) };
        let cancels_waiting = self.cancels_waiting();
        let limits = &mut self.state.memory.limits;
        let Some(owner) = owner else { return limits.receive(n(free)) };
        let entity = self.state.memory.entities[owner];
        let waited = if cancels_waiting { entity.waits } else { 0 };
        let channel = usize::from(entity.channel);
        if two_words() {
            let share = &mut limits.shares[channel];
            let kept = share.floor.saturating_sub(share.used);
            share.used -= n(back + waited);
            let kept_more = share.floor.saturating_sub(share.used) - kept;
            limits.free += n(free).saturating_sub(kept_more);
        } else {
            limits.give(channel, n(back + waited), n(free));
        }
    }

    /// What the record says of levels and entities.
    pub(super) fn record(&self) -> Record {
        let mut levels = [Level::default(); CELLS];
        let mut told = [None, None];
        let entities = &self.state.memory.entities;
        let target = usize::from(self.t.target);
        let mut decided_at = self.state.clock;
        for (cell, level) in levels.iter_mut().enumerate() {
            let given = self.t.given[cell];
            level.shortfall = -given.paid;
            level.pool = given.pooled;
            level.reserved = given.pooled;
            level.available = given.free;
        }
        let new = |life, own, waits, expires_at| {
            let channel = self.command().channel;
            let capacity = self.units_at(CAPACITY);
            Some(Told {
                slot: self.new_slot(),
                from: Life::Absent,
                to: Entity { life, own, waits, expires_at, channel, capacity },
            })
        };
        let ended = |life| {
            let to = Entity { life, own: [0; CELLS], ..entities[target] };
            Some(Told { slot: target, from: Life::Held, to })
        };
        let plan = self.t.plan;
        match (self.t.act, self.command().op) {
            (Act::Expiry, _) => {
                decided_at = self.t.now;
                told[0] = ended(Life::Expired);
                (0..CELLS).for_each(|cell| levels[cell].reserved -= self.t.back[cell]);
            }
            (Act::Drain, _) if self.t.target == NOBODY => {
                for (cell, level) in levels.iter_mut().enumerate() {
                    level.pool -= self.t.back[cell];
                    level.reserved -= self.t.back[cell];
                }
            }
            (Act::Drain, _) => {
                let mut to = entities[target];
                for (cell, level) in levels.iter_mut().enumerate() {
                    level.pool -= plan[cell];
                    level.reserved -= plan[cell];
                    level.committed += plan[cell];
                    to.own[cell] += plan[cell];
                    to.waits -= plan[cell];
                }
                told[0] = Some(Told { slot: target, from: Life::Order, to });
            }
            (Act::Command, Op::Take(_) | Op::Place(_)) => {
                decided_at = self.t.now;
                told[0] = new(Life::Order, plan, self.t.rest, 0);
                for (cell, level) in levels.iter_mut().enumerate() {
                    level.available -= plan[cell];
                    level.committed += plan[cell];
                }
            }
            (Act::Command, Op::Reserve(_)) => {
                decided_at = self.t.now;
                told[0] = new(Life::Held, plan, 0, self.t.now + 1);
                for (cell, level) in levels.iter_mut().enumerate() {
                    level.available -= plan[cell];
                    level.reserved += plan[cell];
                }
            }
            (Act::Command, Op::Claim(claim)) => {
                decided_at = self.t.now;
                if planted(Bug::ClaimTimedByAppend) {
                    decided_at = self.state.clock;
                }
                let own = entities[RESERVATION].own;
                let want = wanted_by(claim, own);
                told = [ended(Life::Claimed), new(Life::Order, want, 0, 0)];
                for (cell, level) in levels.iter_mut().enumerate() {
                    level.reserved -= own[cell];
                    level.committed += want[cell];
                    level.available -= plan[cell];
                }
            }
            (Act::Command, Op::Release) => {
                decided_at = self.t.now;
                let lapsed = self.t.now >= entities[RESERVATION].expires_at;
                told[0] = ended(if lapsed { Life::Expired } else { Life::Released });
                (0..CELLS).for_each(|cell| levels[cell].reserved -= self.t.back[cell]);
            }
            (Act::Command, Op::CancelOrder | Op::CancelWaiting) => {
                let to = Entity { own: [0; CELLS], waits: 0, capacity: 0, ..entities[target] };
                told[0] = Some(Told { slot: target, from: Life::Order, to });
                (0..CELLS).for_each(|cell| levels[cell].committed -= self.t.back[cell]);
            }
            (Act::Command, Op::Receive(..)) => (0..CELLS).for_each(|cell| levels[cell].on_hand += self.t.back[cell]),
            (Act::Command, Op::Lose(cell, units)) => {
                levels[cell].on_hand -= units;
                levels[cell].available -= plan[cell];
                levels[cell].shortfall += self.t.rest;
            }
            (Act::Command, Op::Damage(..)) => {
                for (cell, level) in levels.iter_mut().enumerate() {
                    level.available -= plan[cell];
                    level.damaged += plan[cell];
                }
            }
            (Act::Command, Op::Ship) => {
                let to = Entity { own: [0; CELLS], ..entities[ORDER] };
                told[0] = Some(Told { slot: ORDER, from: Life::Order, to });
                for (cell, level) in levels.iter_mut().enumerate() {
                    let units = entities[ORDER].own[cell];
                    level.on_hand -= plan[cell];
                    level.shortfall -= units - plan[cell];
                    level.committed -= units;
                }
            }
            (Act::Command, Op::Expire | Op::Drain) => unreachable!("these are acts of their own"),
        }
        Record { decided_at, levels, told }
    }

    /// What the ledger protects.
    pub(super) fn apply(&mut self) {
        let record = self.record();
        for told in record.told.iter().flatten().filter(|told| told.to.life == Life::Order) {
            self.state.memory.queue[told.slot] = told.to.waits;
        }
        for (level, delta) in self.state.memory.levels.iter_mut().zip(&record.levels) {
            level.add_ledger(delta);
        }
    }

    /// Entities and their owners' counters, then all locks.
    pub(super) fn finish(&mut self) {
        let record = self.record();
        for (level, delta) in self.state.memory.levels.iter_mut().zip(&record.levels) {
            level.add_owned(delta);
        }
        for told in record.told.iter().flatten() {
            self.state.memory.entities[told.slot] = told.to;
        }
        if self.t.act == Act::Expiry {
            self.state.memory.due_at[usize::from(self.t.target)] = 0;
            self.t.expired = true;
        }
        let gives = self.t.back != [0; CELLS] || self.t.held & 1 == 1;
        let pooled = self.state.memory.pooled(self.program.world.cells(0)) > 0;
        self.t.taken = [0; CELLS];
        self.t.taken_capacity = 0;
        self.leave();
        if self.t.act == Act::Drain || (gives && pooled) {
            self.t.pc = Pc::Peek;
        } else {
            self.end_act();
        }
    }
}
