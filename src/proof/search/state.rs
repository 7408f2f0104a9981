//! What the search walks through: memory as the engine keeps it, the log as its fold, and every thread's place.
//!
//! Small numbers in fixed arrays, so that millions of states are cheap to copy and to tell apart. Words are the engine's
//! own 64 bits and change only by its own functions; the limits record is the domain's own.

use crate::domain::channel_limits::{ChannelLimits, Share};

/// Cells: two nodes of one sku, or one node each of two.
pub const CELLS: usize = 2;
/// Most threads of a program.
pub const THREADS: usize = 3;
/// The reservation that is there at the start, and what else has an owner.
pub const RESERVATION: usize = 0;
/// The order that has units at the start.
pub const ORDER: usize = 1;
/// The order that may wait at the start.
pub const WAITING: usize = 2;
/// The first slot of what commands make.
pub const NEW: usize = 3;
/// Slots of orders and reservations.
pub const ENTITIES: usize = 6;
/// Nobody holds this lock; no slot.
pub const NOBODY: u8 = u8::MAX;
/// Sales channels of a sku with limits.
pub const CHANNELS: usize = 2;

/// Counters of a cell, or changes of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Level {
    pub on_hand: i8,
    pub shortfall: i8,
    pub available: i8,
    pub committed: i8,
    pub reserved: i8,
    pub pool: i8,
    pub damaged: i8,
}

impl Level {
    pub fn add(&mut self, delta: &Level) {
        self.add_ledger(delta);
        self.add_owned(delta);
        self.available += delta.available;
    }

    /// What the ledger protects.
    pub fn add_ledger(&mut self, delta: &Level) {
        self.on_hand += delta.on_hand;
        self.shortfall += delta.shortfall;
        self.pool += delta.pool;
        self.damaged += delta.damaged;
    }

    /// What the owner's lock protects.
    pub fn add_owned(&mut self, delta: &Level) {
        self.committed += delta.committed;
        self.reserved += delta.reserved;
    }

    /// The law of every level.
    pub fn is_lawful(&self) -> bool {
        let all =
            [self.on_hand, self.shortfall, self.available, self.committed, self.reserved, self.pool, self.damaged];
        let uses = self.available + self.committed + self.reserved + self.damaged;
        all.iter().all(|n| *n >= 0) && self.on_hand + self.shortfall == uses && self.pool <= self.reserved
    }
}

/// Where an order or a reservation is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Life {
    #[default]
    Absent,
    Held,
    Claimed,
    Released,
    Expired,
    Order,
}

/// An order or a reservation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Entity {
    pub life: Life,
    pub own: [i8; CELLS],
    pub waits: i8,
    pub capacity: i8,
    pub expires_at: u8,
    pub channel: u8,
}

/// What a record says of one entity.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub slot: usize,
    pub from: Life,
    pub to: Entity,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub decided_at: u8,
    pub levels: [Level; CELLS],
    pub told: [Option<Told>; 2],
}

/// The fold of all records appended so far: what a restart would find.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Log {
    pub levels: [Level; CELLS],
    pub entities: [Entity; ENTITIES],
    pub time: u8,
    /// Reservations that were appended after their own end, one bit each.
    pub born_lapsed: u8,
}

impl Log {
    /// Folds a record, as a restart would; says what law it breaks.
    pub fn fold(&mut self, record: &Record, clock: u8) -> Result<(), String> {
        self.time = self.time.max(clock);
        if record.decided_at > self.time {
            return Err(format!("decided at {} and appended at {}", record.decided_at, self.time));
        }
        for told in record.told.iter().flatten() {
            let before = &mut self.entities[told.slot];
            if before.life != told.from {
                return Err(format!("slot {} is {:?}, the record says {:?}", told.slot, before.life, told.from));
            }
            let lapsed = record.decided_at >= before.expires_at;
            if told.from == Life::Held && (told.to.life == Life::Claimed) == lapsed && told.to.life != Life::Released {
                return Err(format!("{:?} at {}, it ends at {}", told.to.life, record.decided_at, before.expires_at));
            }
            if told.to.own.iter().any(|n| *n < 0) || told.to.waits < 0 {
                return Err(format!("slot {} has less than nothing: {:?}", told.slot, told.to));
            }
            if told.from == Life::Absent && told.to.life == Life::Held && self.time >= told.to.expires_at {
                self.born_lapsed |= 1 << told.slot;
            }
            *before = told.to;
        }
        for (cell, (level, delta)) in self.levels.iter_mut().zip(&record.levels).enumerate() {
            level.add(delta);
            if !level.is_lawful() {
                return Err(format!("cell {cell} is unlawful: {level:?}"));
            }
        }
        Ok(())
    }
}

/// What memory holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Memory {
    pub words: [u64; CELLS],
    pub capacity: u64,
    pub limits: ChannelLimits<[Share; CHANNELS]>,
    /// `available` is unused: the word is it.
    pub levels: [Level; CELLS],
    pub entities: [Entity; ENTITIES],
    /// Demand with a right, by slot.
    pub queue: [i8; ENTITIES],
    /// The due index; 0 is no entry.
    pub due_at: [u8; ENTITIES],
    pub entity_locks: [u8; ENTITIES],
    pub ledger_locks: [u8; CELLS],
}

/// What a thread is busy with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Act {
    #[default]
    Command,
    Expiry,
    Drain,
}

/// Why a withdrawal rolls back, and what comes then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Fate {
    #[default]
    Short,
    Again,
    Refused,
    Contended,
    Panicked,
}

/// The next atomic step of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Pc {
    #[default]
    Begin,
    Register,
    LockEntity,
    Check,
    Decide,
    LockLedger,
    Plan,
    Take,
    Look,
    RollBack,
    LookDue,
    Peek,
    /// Append and all that follows it, by [`Thread::at`].
    Tail,
    Ended,
}

/// How units given to a cell are shared out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Given {
    pub paid: i8,
    pub pooled: i8,
    pub free: i8,
}

/// A thread: its place in its program and its local values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Thread {
    pub pc: Pc,
    pub op: u8,
    pub at: u8,
    pub act: Act,
    pub fate: Fate,
    /// The clock, read once.
    pub now: u8,
    /// A look at the due index showed nothing since the last word was read.
    pub looked: bool,
    /// This look ended a reservation.
    pub expired: bool,
    /// An expiry was started by a take that failed: it goes on after it.
    pub returns: bool,
    /// Whether this attempt holds the ledgers it joins under.
    pub joins: bool,
    /// Ledgers wanted and held, one bit each.
    pub needs: u8,
    pub held: u8,
    pub target: u8,
    pub marked: bool,
    pub appended: bool,
    pub decided: bool,
    /// Units to be taken of each cell.
    pub plan: [i8; CELLS],
    /// Units taken and not yet logged, cleared or rolled back.
    pub taken: [i8; CELLS],
    pub taken_limits: i8,
    /// Part of it that left the second word, where limits are (wrongly) two words.
    pub taken_headroom: i8,
    pub taken_capacity: i8,
    /// Units given back to each cell, how they are shared out, and which cells have them already.
    pub back: [i8; CELLS],
    pub given: [Given; CELLS],
    pub gave: u8,
    /// Units that wait, or are owed, from this record on.
    pub rest: i8,
    pub seen: i8,
    /// There was an instant in the window at which a refusal would be right.
    pub justified: bool,
}

/// One state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    pub memory: Memory,
    pub log: Log,
    pub clock: u8,
    pub threads: [Thread; THREADS],
}

impl Memory {
    /// Units the queue of a sku wants beyond what it owns. Only the first sku is waited for.
    pub fn room(&self, sku: usize, cells: impl Iterator<Item = usize>) -> i8 {
        let wanted: i8 = if sku == 0 { self.queue.iter().sum() } else { 0 };
        (wanted - self.pooled(cells)).max(0)
    }

    /// Units the queue owns in these cells.
    pub fn pooled(&self, cells: impl Iterator<Item = usize>) -> i8 {
        cells.map(|cell| self.levels[cell].pool).sum()
    }
}
