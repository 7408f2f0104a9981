//! One atomic step of one thread, by the engine's own decisions.
//!
//! A step is what no other thread can see half done: a compare-and-swap with its loop, a lock taken or found taken, a
//! record appended, what is changed under a lock together with its release. A wait is a step that is not there. Steps
//! follow the order of the engine: entities, ledgers, limits, cells, capacity, append; then ledgers' counters, words
//! given, marks cleared, entities and locks.
//!
//! Every bug of the protocol's table is planted here, where the rule it breaks stands.

use super::laws::{self, Broken};
use super::program::{Claim, Command, Op, Program};
use super::state::*;
use crate::domain::channel_limits::LimitShort;
use crate::engine::cell::{self, Short};
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

/// The words of a withdrawal in the order they are taken; the second only where limits are wrongly two words.
const LIMITS: u8 = 0;
const HEADROOM: u8 = 1;
const FIRST_CELL: u8 = 2;
const CAPACITY: u8 = 4;
const WORDS: u8 = 5;

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

fn n(units: i8) -> u32 {
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
    t: Thread,
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

    fn command(&self) -> Command {
        self.program.threads[self.thread][usize::from(self.t.op)]
    }

    fn limited(&self) -> bool {
        self.program.world.limits.is_some()
    }

    fn new_slot(&self) -> usize {
        self.program.new_slot(self.thread, self.t.op)
    }

    fn channel(&self) -> usize {
        usize::from(self.command().channel)
    }

    fn mask(&self, units: [i8; CELLS]) -> u8 {
        (0..CELLS).filter(|cell| units[*cell] > 0).fold(0, |mask, cell| mask | 1 << self.program.world.sku(cell))
    }

    fn holds_units(&self) -> bool {
        self.t.taken != [0; CELLS] || self.t.taken_limits > 0 || self.t.taken_capacity > 0
    }

    fn run(&mut self) -> Stepped {
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
    fn begin(&mut self) -> Stepped {
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

    fn go_reserve(&mut self, need: [i8; CELLS]) {
        self.t.plan = need;
        self.t.pc = Pc::Register;
        if planted(Bug::DueAfterAppend) {
            self.go_take();
        }
    }

    fn start_with(&mut self, slot: usize) -> Stepped {
        self.t.target = slot as u8;
        self.t.pc = Pc::LockEntity;
        Stepped::Moved
    }

    fn lock_entity(&mut self) -> Stepped {
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
    fn check(&mut self) -> Stepped {
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
                for cell in 0..CELLS {
                    let claimed = shares::claim(n(entity.own[cell]), n(want[cell]));
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

    fn give_back(&mut self, units: [i8; CELLS]) -> Stepped {
        self.t.back = units;
        self.t.needs = self.mask(units);
        self.decide_early();
        Stepped::Moved
    }

    /// Where a bug decides a give before its ledger; else the ledgers are next.
    fn decide_early(&mut self) {
        if (planted(Bug::GiveBlind) || planted(Bug::QueueFlag)) && self.t.back != [0; CELLS] {
            if planted(Bug::GiveBlind) {
                self.t.needs = 0;
            }
            self.t.pc = Pc::Decide;
        } else {
            self.go_ledgers();
        }
    }

    fn go_ledgers(&mut self) {
        self.t.pc = Pc::LockLedger;
        if self.t.needs & !self.t.held == 0 {
            self.with_ledgers();
        }
    }

    fn lock_ledger(&mut self) -> Stepped {
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
    fn with_ledgers(&mut self) {
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
    fn with_drained(&mut self) {
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

    /// An attempt to place: the words are read, then taken; with ledgers the second time.
    fn go_plan(&mut self) {
        self.t.needs = u8::from(self.t.joins);
        self.go_ledgers();
    }

    fn go_plan_now(&mut self) {
        self.t.plan = [0; CELLS];
        self.t.seen = i8::MAX;
        self.t.at = if self.limited() { LIMITS } else { FIRST_CELL };
        self.t.pc = Pc::Plan;
    }

    fn plan(&mut self) -> Stepped {
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

    fn go_take(&mut self) {
        let words = (0..WORDS).filter(|at| self.units_at(*at) > 0).count();
        self.t.marked = (words > 1 && !planted(Bug::NoInFlight)) || self.t.held != 0;
        self.t.marked |= planted(Bug::LedgerAfterMarks) && matches!(self.command().op, Op::Claim(_));
        let descending = planted(Bug::NoOrdering) && self.thread % 2 == 1;
        self.t.at = if descending { WORDS - 1 } else { 0 };
        self.t.pc = Pc::Take;
        self.skip_words();
    }

    /// Units to be taken of a word.
    fn units_at(&self, at: u8) -> i8 {
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
    fn skip_words(&mut self) {
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

    fn take(&mut self) -> Stepped {
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
    fn take_cell(&mut self, cell: usize, units: i8) -> Result<(), Short> {
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

    fn take_limits(&mut self, units: i8) -> Result<(), Short> {
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
    fn take_headroom(&mut self, units: i8) -> Result<(), Short> {
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
    fn look(&mut self) -> Stepped {
        match self.command().op {
            Op::Lose(cell, units) => self.look_for_loss(cell, units),
            _ => self.look_for_join(),
        }
    }

    fn look_for_loss(&mut self, cell: usize, units: i8) -> Stepped {
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

    fn look_for_join(&mut self) -> Stepped {
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
    fn again(&mut self) -> Stepped {
        self.t.fate = Fate::Again;
        self.unwind()
    }

    /// One word of what is to be rolled back, the last first.
    fn roll_back(&mut self) {
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
    fn unwind(&mut self) -> Stepped {
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

    fn refuse(&mut self) -> Stepped {
        let justified = self.t.justified;
        self.end();
        if justified { Stepped::Moved } else { Stepped::Broken(laws::unjustified_refusal()) }
    }

    fn attempt_again(&mut self) {
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

    /// A shortage: what is due is expired, then the words are looked at again. Nothing is held.
    fn look_due(&mut self) -> Stepped {
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
    fn peek(&mut self) -> Stepped {
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

    /// How what is given back is shared out.
    fn decide(&mut self) {
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
    fn queue_after(&self) -> i8 {
        match (self.t.act, self.command().op) {
            (Act::Command, Op::CancelWaiting) => -self.state.memory.queue[WAITING],
            _ => 0,
        }
    }

    fn go_tail(&mut self) {
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

    fn skip_tail(&mut self) {
        let tail = tail();
        while !self.has_work(tail[usize::from(self.t.at)]) {
            self.t.at += 1;
        }
    }

    fn has_work(&self, tail: Tail) -> bool {
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

    fn reserves(&self) -> bool {
        self.t.act == Act::Command && matches!(self.command().op, Op::Reserve(_))
    }

    fn cancels_waiting(&self) -> bool {
        self.t.act == Act::Command && self.command().op == Op::CancelWaiting
    }

    fn joins_now(&self) -> bool {
        self.t.act == Act::Command && matches!(self.command().op, Op::Place(_)) && self.t.rest > 0
    }

    fn capacity_back(&self) -> i8 {
        match (self.t.act, self.command().op) {
            (Act::Command, Op::CancelOrder) => self.state.memory.entities[ORDER].capacity,
            _ => 0,
        }
    }

    /// Append, and what follows it.
    fn tail(&mut self) -> Stepped {
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

    fn give_limits(&mut self) {
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
    fn record(&self) -> Record {
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
    fn apply(&mut self) {
        let record = self.record();
        for told in record.told.iter().flatten().filter(|told| told.to.life == Life::Order) {
            self.state.memory.queue[told.slot] = told.to.waits;
        }
        for (level, delta) in self.state.memory.levels.iter_mut().zip(&record.levels) {
            level.add_ledger(delta);
        }
    }

    /// Entities and their owners' counters, then all locks.
    fn finish(&mut self) {
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

    /// Lets go of every lock.
    fn leave(&mut self) {
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
    fn end_act(&mut self) {
        if !self.t.returns {
            return self.end();
        }
        self.forget_attempt();
        self.t.pc = Pc::LookDue;
    }

    /// Keeps only what outlives an attempt.
    fn forget_attempt(&mut self) {
        let Thread { op, now, looked, expired, joins, justified, .. } = self.t;
        self.t = Thread { op, now, looked, expired, joins, justified, target: NOBODY, ..Thread::default() };
    }

    fn end(&mut self) {
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
