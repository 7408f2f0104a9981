//! One atomic step of one thread, by the engine's own decisions.
//!
//! A step is what no other thread can see half done: a compare-and-swap with its loop, a lock taken or found taken, a
//! record appended, what is changed under a lock together with its release. A wait is a step that is not there. Steps
//! follow the order of the engine: entities, ledgers, limits, cells, capacity, append; then ledgers' counters, words
//! given, marks cleared, entities and locks.
//!
//! Every bug of the protocol's table is planted here, where the rule it breaks stands.

use super::giving::{Tail, tail};
use super::laws::Broken;
use super::program::{Claim, Command, Op, Program};
use super::state::*;
use crate::engine::cell;
use crate::engine::shares;
use crate::sabotage::{Bug, planted};

/// What became of a step.
pub enum Stepped {
    Moved,
    /// A lock is taken.
    Locked,
    /// Units are in flight: waits, or runs out of patience.
    Waits,
    Broken(Broken),
}

/// Units as the engine counts them.
pub(super) fn n(units: i8) -> u32 {
    u32::try_from(units).expect("units are at least zero here")
}

/// Whether limits are wrongly two words.
pub fn two_words() -> bool {
    planted(Bug::HeadroomWords) || planted(Bug::HeadroomMarksLoss)
}

/// One thread at one state.
pub struct Stepper<'a> {
    pub program: &'a Program,
    pub state: &'a mut State,
    pub thread: usize,
    /// Its place and values, written back after the step.
    pub(super) t: Thread,
}

impl<'a> Stepper<'a> {
    pub fn new(program: &'a Program, state: &'a mut State, thread: usize) -> Self {
        let t = state.threads[thread];
        Self { program, state, thread, t }
    }

    /// Takes the next step.
    pub fn step(mut self) -> Stepped {
        let stepped = self.run();
        self.state.threads[self.thread] = self.t;
        stepped
    }

    /// A panic between the first unit and the append; `false` when there is nothing to panic with, or when it stops the
    /// process.
    pub fn panic(mut self) -> bool {
        let before_append = match self.t.pc {
            Pc::Take | Pc::Look => true,
            Pc::Tail => self.t.at == 0 && tail()[0] == Tail::Append,
            _ => false,
        };
        if !before_append || !self.holds_units() {
            return false;
        }
        if !self.t.marked {
            if !planted(Bug::PanicWithoutLedger) {
                return false;
            }
            for cell in 0..CELLS {
                self.state.memory.words[cell] += cell::given(n(self.t.taken[cell]));
            }
            self.t.taken = [0; CELLS];
        }
        self.t.fate = Fate::Panicked;
        self.unwind();
        self.state.threads[self.thread] = self.t;
        true
    }

    /// Patience has run out at a wait.
    pub fn lose_patience(mut self) {
        self.t.fate = Fate::Contended;
        self.unwind();
        self.state.threads[self.thread] = self.t;
    }

    pub(super) fn command(&self) -> Command {
        self.program.threads[self.thread][usize::from(self.t.op)]
    }

    pub(super) fn limited(&self) -> bool {
        self.program.world.limits.is_some()
    }

    pub(super) fn new_slot(&self) -> usize {
        self.program.new_slot(self.thread, self.t.op)
    }

    pub(super) fn channel(&self) -> usize {
        usize::from(self.command().channel)
    }

    pub(super) fn mask(&self, units: [i8; CELLS]) -> u8 {
        (0..CELLS).filter(|cell| units[*cell] > 0).fold(0, |mask, cell| mask | 1 << self.program.world.sku(cell))
    }

    pub(super) fn holds_units(&self) -> bool {
        self.t.taken != [0; CELLS] || self.t.taken_limits > 0 || self.t.taken_capacity > 0
    }

    pub(super) fn run(&mut self) -> Stepped {
        match self.t.pc {
            Pc::Begin => self.begin(),
            Pc::Register => {
                self.state.memory.due_at[self.new_slot()] = self.t.now + 1;
                self.go_take();
                Stepped::Moved
            }
            Pc::LockEntity => self.lock_entity(),
            Pc::Check => self.check(),
            Pc::Decide => {
                self.decide();
                self.go_ledgers();
                Stepped::Moved
            }
            Pc::LockLedger => self.lock_ledger(),
            Pc::Plan => self.plan(),
            Pc::Take => self.take(),
            Pc::Look => self.look(),
            Pc::RollBack => {
                self.roll_back();
                self.unwind();
                Stepped::Moved
            }
            Pc::LookDue => self.look_due(),
            Pc::Peek => self.peek(),
            Pc::Tail => self.tail(),
            Pc::Ended => Stepped::Locked,
        }
    }

    /// The first step of a command.
    pub(super) fn begin(&mut self) -> Stepped {
        let slot = self.new_slot();
        let clock = self.state.clock;
        self.t = Thread { op: self.t.op, now: clock, target: NOBODY, ..Thread::default() };
        match self.command().op {
            Op::Take(need) => {
                self.t.plan = need;
                self.go_take();
                Stepped::Moved
            }
            Op::Reserve(need) => {
                self.state.memory.entity_locks[slot] = self.thread as u8;
                self.go_reserve(need);
                Stepped::Moved
            }
            Op::Place(_) => {
                self.state.memory.entity_locks[slot] = self.thread as u8;
                self.go_plan();
                Stepped::Moved
            }
            Op::Claim(_) | Op::Release => self.start_with(RESERVATION),
            Op::CancelOrder | Op::Ship => self.start_with(ORDER),
            Op::CancelWaiting => self.start_with(WAITING),
            Op::Expire => {
                let due = self.state.memory.due_at[RESERVATION];
                if due == 0 || due > clock {
                    self.end();
                    return Stepped::Moved;
                }
                self.t.act = Act::Expiry;
                self.start_with(RESERVATION)
            }
            Op::Receive(cell, _) | Op::Lose(cell, _) | Op::Damage(cell, _) => {
                self.t.needs = 1 << self.program.world.sku(cell);
                if let Op::Receive(cell, units) = self.command().op {
                    self.t.back[cell] = units;
                    self.decide_early();
                } else {
                    self.go_ledgers();
                }
                Stepped::Moved
            }
            Op::Drain => {
                self.t.pc = Pc::Peek;
                Stepped::Moved
            }
        }
    }

    pub(super) fn go_reserve(&mut self, need: [i8; CELLS]) {
        self.t.plan = need;
        self.t.pc = Pc::Register;
        if planted(Bug::DueAfterAppend) {
            self.go_take();
        }
    }

    pub(super) fn start_with(&mut self, slot: usize) -> Stepped {
        self.t.target = slot as u8;
        self.t.pc = Pc::LockEntity;
        Stepped::Moved
    }

    pub(super) fn lock_entity(&mut self) -> Stepped {
        let unlocked = planted(Bug::ExpireUnlocked) && self.t.act == Act::Expiry;
        if !unlocked {
            let lock = &mut self.state.memory.entity_locks[usize::from(self.t.target)];
            if *lock != NOBODY {
                return Stepped::Locked;
            }
            *lock = self.thread as u8;
        }
        self.t.pc = Pc::Check;
        if self.t.act == Act::Drain {
            self.t.needs = 1;
            self.t.pc = Pc::LockLedger;
        }
        Stepped::Moved
    }

    /// What is locked is looked at.
    pub(super) fn check(&mut self) -> Stepped {
        let target = usize::from(self.t.target);
        let entity = self.state.memory.entities[target];
        let held = entity.life == Life::Held;
        if self.t.act == Act::Expiry {
            if !held || entity.expires_at > self.t.now {
                if !held {
                    self.state.memory.due_at[target] = 0;
                }
                self.leave();
                self.end_act();
                return Stepped::Moved;
            }
            return self.give_back(entity.own);
        }
        if let Op::Reserve(need) = self.command().op {
            self.go_reserve(need);
            return Stepped::Moved;
        }
        self.t.now = self.state.clock;
        match self.command().op {
            Op::Release if held => self.give_back(entity.own),
            Op::Claim(claim) if held && self.t.now < entity.expires_at => {
                let want = wanted_by(claim, entity.own);
                for (cell, wanted) in want.into_iter().enumerate() {
                    let claimed = shares::claim(n(entity.own[cell]), n(wanted));
                    self.t.plan[cell] = claimed.extra as i8;
                    self.t.back[cell] = claimed.rest as i8;
                }
                self.t.needs = self.mask(self.t.back);
                if planted(Bug::LedgerAfterMarks) {
                    self.go_take();
                } else {
                    self.decide_early();
                }
                Stepped::Moved
            }
            Op::CancelOrder if entity.own != [0; CELLS] => self.give_back(entity.own),
            Op::CancelWaiting if entity.waits > 0 || entity.own != [0; CELLS] => {
                let stepped = self.give_back(entity.own);
                if self.t.needs == 0 {
                    self.t.needs = 1;
                    self.t.pc = Pc::LockLedger;
                }
                stepped
            }
            Op::Ship if entity.own != [0; CELLS] => {
                self.t.needs = self.mask(entity.own);
                self.t.pc = Pc::LockLedger;
                Stepped::Moved
            }
            _ => {
                self.leave();
                self.end();
                Stepped::Moved
            }
        }
    }

    pub(super) fn give_back(&mut self, units: [i8; CELLS]) -> Stepped {
        self.t.back = units;
        self.t.needs = self.mask(units);
        self.decide_early();
        Stepped::Moved
    }

    /// Where a bug decides a give before its ledger; else the ledgers are next.
    pub(super) fn decide_early(&mut self) {
        if (planted(Bug::GiveBlind) || planted(Bug::QueueFlag)) && self.t.back != [0; CELLS] {
            if planted(Bug::GiveBlind) {
                self.t.needs = 0;
            }
            self.t.pc = Pc::Decide;
        } else {
            self.go_ledgers();
        }
    }

    pub(super) fn go_ledgers(&mut self) {
        self.t.pc = Pc::LockLedger;
        if self.t.needs & !self.t.held == 0 {
            self.with_ledgers();
        }
    }

    pub(super) fn lock_ledger(&mut self) -> Stepped {
        let sku = (self.t.needs & !self.t.held).trailing_zeros() as usize;
        let lock = &mut self.state.memory.ledger_locks[sku];
        if *lock != NOBODY {
            return Stepped::Locked;
        }
        *lock = self.thread as u8;
        self.t.held |= 1 << sku;
        if self.t.needs & !self.t.held == 0 {
            self.with_ledgers();
        }
        Stepped::Moved
    }

    /// All ledgers are held: what comes next.
    pub(super) fn with_ledgers(&mut self) {
        match (self.t.act, self.command().op) {
            (Act::Command, Op::Place(_)) if self.t.joins && planted(Bug::JoinWithoutLook) => self.go_take(),
            (Act::Command, Op::Place(_)) => self.go_plan_now(),
            (Act::Command, Op::Lose(cell, units)) => {
                if self.state.memory.levels[cell].on_hand < units {
                    self.leave();
                    return self.end();
                }
                self.t.plan[cell] = units;
                self.go_take();
            }
            (Act::Command, Op::Damage(cell, units)) => {
                self.t.plan[cell] = units;
                self.go_take();
            }
            (Act::Command, Op::Ship) => {
                let there = |cell: usize| {
                    self.state.memory.entities[ORDER].own[cell].min(self.state.memory.levels[cell].on_hand)
                };
                self.t.plan = [there(0), there(1)];
                self.go_tail();
            }
            (Act::Command, Op::Claim(_)) if !planted(Bug::LedgerAfterMarks) => self.go_take(),
            (Act::Drain, _) => self.with_drained(),
            _ => self.go_tail(),
        }
    }

    /// Under its ledger: how much of the pool the target gets, or how much of a pool that nobody wants becomes free.
    pub(super) fn with_drained(&mut self) {
        let mut left = if self.t.target == NOBODY { 0 } else { self.state.memory.queue[usize::from(self.t.target)] };
        let queued = self.state.memory.queue.iter().any(|waits| *waits > 0);
        for cell in self.program.world.cells(0) {
            let pool = self.state.memory.levels[cell].pool;
            if self.t.target == NOBODY {
                self.t.back[cell] = if queued { 0 } else { pool };
            } else {
                self.t.plan[cell] = pool.min(left);
                left -= self.t.plan[cell];
            }
        }
        if self.t.plan == [0; CELLS] && self.t.back == [0; CELLS] {
            self.leave();
            self.t.pc = Pc::Peek;
        } else {
            self.go_tail();
        }
    }

    /// A shortage: what is due is expired, then the words are looked at again. Nothing is held.
    pub(super) fn look_due(&mut self) -> Stepped {
        let memory = &self.state.memory;
        let due = (0..ENTITIES).find(|slot| memory.due_at[*slot] > 0 && memory.due_at[*slot] <= self.t.now);
        if let Some(slot) = due {
            self.forget_attempt();
            self.t.act = Act::Expiry;
            self.t.returns = true;
            return self.start_with(slot);
        }
        let expired = std::mem::take(&mut self.t.expired);
        if let Op::Place(_) = self.command().op {
            self.t.joins = !expired;
        } else if shares::is_final(self.t.looked, expired) {
            return self.refuse();
        } else {
            self.t.looked |= !expired;
        }
        self.attempt_again();
        Stepped::Moved
    }

    /// Whether the queue has something to get: looked at under its ledger, which is let go again.
    pub(super) fn peek(&mut self) -> Stepped {
        if self.state.memory.ledger_locks[0] != NOBODY {
            return Stepped::Locked;
        }
        self.t.act = Act::Drain;
        self.t.plan = [0; CELLS];
        self.t.back = [0; CELLS];
        self.t.given = [Given::default(); CELLS];
        self.t.gave = 0;
        self.t.decided = false;
        self.t.appended = false;
        self.t.rest = 0;
        if self.state.memory.pooled(self.program.world.cells(0)) == 0 {
            self.end_act();
            return Stepped::Moved;
        }
        match self.state.memory.queue.iter().position(|waits| *waits > 0) {
            Some(first) => self.start_with(first),
            None => {
                self.t.target = NOBODY;
                self.t.needs = 1;
                self.t.pc = Pc::LockLedger;
                Stepped::Moved
            }
        }
    }

    /// Lets go of every lock.
    pub(super) fn leave(&mut self) {
        let me = self.thread as u8;
        let memory = &mut self.state.memory;
        for lock in memory.entity_locks.iter_mut().chain(&mut memory.ledger_locks) {
            if *lock == me {
                *lock = NOBODY;
            }
        }
        self.t.held = 0;
    }

    /// The act is over: back to the take that was short, or the command is done.
    pub(super) fn end_act(&mut self) {
        if !self.t.returns {
            return self.end();
        }
        self.forget_attempt();
        self.t.pc = Pc::LookDue;
    }

    /// Keeps only what outlives an attempt.
    pub(super) fn forget_attempt(&mut self) {
        let Thread { op, now, looked, expired, joins, justified, .. } = self.t;
        self.t = Thread { op, now, looked, expired, joins, justified, target: NOBODY, ..Thread::default() };
    }

    pub(super) fn end(&mut self) {
        let op = self.t.op + 1;
        let more = usize::from(op) < self.program.threads[self.thread].len();
        let (op, pc) = if more { (op, Pc::Begin) } else { (self.t.op, Pc::Ended) };
        self.t = Thread { op, pc, target: NOBODY, ..Thread::default() };
    }
}

/// What a claim wants, given what it holds.
pub fn wanted_by(claim: Claim, own: [i8; CELLS]) -> [i8; CELLS] {
    match claim {
        Claim::Kept => own,
        Claim::More => [own[0], own[1] + 1],
        Claim::Other => [0, 1],
    }
}

/// Whether a command's order uses a node's capacity.
pub fn takes_capacity(op: Op) -> bool {
    matches!(op, Op::Take(_) | Op::Place(_) | Op::Claim(_))
}
