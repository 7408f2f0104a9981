//! What must hold: at every append, at every take, at every refusal, in every state and at the end.
//!
//! | | |
//! |---|---|
//! | a | every prefix of the log folds: nothing below zero, the identity, lives legal, claims in time |
//! | b | when all is quiet memory is the fold of the log, with no mark and no lock left |
//! | c | every refusal has an instant in its window at which too little was there, even if all in flight rolled back |
//! | d | units owned are the counters |
//! | e | nobody takes while demand with a right waits; while it waits its cells are empty |
//! | f | caps hold in every prefix, floors at every take; the limits record is the cells |
//! | g | from every state all threads can end, without a further mishap |
//! | s | nobody takes while a unit is owed; while one is owed its cell is empty |

use super::machine::{takes_capacity, two_words, wanted_by};
use super::program::{Op, Program, World, kept_by_floors, used_by};
use super::state::*;
use crate::engine::cell;
use crate::engine::shares;

/// A law that did not hold.
#[derive(Clone, Debug)]
pub struct Broken {
    pub law: char,
    pub how: String,
}

fn broken(law: char, how: impl Into<String>) -> Option<Broken> {
    Some(Broken { law, how: how.into() })
}

/// Appends a record to the log.
pub fn append(program: &Program, state: &mut State, record: &Record) -> Option<Broken> {
    if let Err(how) = state.log.fold(record, state.clock) {
        return broken('a', how);
    }
    let limits = program.world.limits?;
    let over = (0..CHANNELS).find(|channel| used_by(&state.log.entities, *channel) as u32 > limits[*channel].1)?;
    broken('f', format!("channel {over} uses {}", used_by(&state.log.entities, over)))
}

/// A take that succeeded although its units belong to somebody.
pub fn taken_beside_a_claim(world: &World, memory: &Memory, cell: usize) -> Option<Broken> {
    let sku = world.sku(cell);
    if memory.room(sku, world.cells(sku)) > 0 {
        return broken('e', format!("a unit of cell {cell} was taken while demand waits"));
    }
    if memory.levels[cell].shortfall > 0 {
        return broken('s', format!("a unit of cell {cell} was taken while one is owed"));
    }
    None
}

/// What a refusal without a right instant breaks.
pub fn unjustified_refusal() -> Broken {
    Broken { law: 'c', how: "refused, and at no instant of its window was too little there".into() }
}

/// Notes for each command in its window whether it might be refused now.
pub fn note_justified(program: &Program, state: &mut State) {
    for at in 0..program.threads.len() {
        let thread = state.threads[at];
        let open = !matches!(thread.pc, Pc::Begin | Pc::Ended);
        if open && !thread.justified {
            state.threads[at].justified = is_short(program, state, at);
        }
    }
}

/// Whether some word has too little for a command now, with all that is unfinished rolled back and all that is due at
/// its time given.
fn is_short(program: &Program, state: &State, at: usize) -> bool {
    let thread = state.threads[at];
    let command = program.threads[at][usize::from(thread.op)];
    let memory = &state.memory;
    let (need, due_counts) = match command.op {
        Op::Take(need) | Op::Reserve(need) => (need, true),
        Op::Damage(cell, units) => (if cell == 0 { [units, 0] } else { [0, units] }, false),
        Op::Claim(claim) => {
            let reservation = memory.entities[RESERVATION];
            if reservation.life != Life::Held {
                return true;
            }
            let want = wanted_by(claim, reservation.own);
            let extra = |cell: usize| shares::claim(reservation.own[cell] as u32, want[cell] as u32).extra as i8;
            ([extra(0), extra(1)], true)
        }
        Op::Place(_) => ([0, 0], true),
        _ => return false,
    };
    let unfinished = |taken: &dyn Fn(&Thread) -> i8| -> i8 {
        state.threads.iter().filter(|thread| !thread.appended).map(taken).sum()
    };
    let several = |thread: &Thread| {
        let words =
            thread.plan.iter().filter(|units| **units > 0).count() + usize::from(program.world.limits.is_some());
        thread.marked || words > 1
    };
    let best = |cell: usize| -> i8 {
        let free = cell::split(memory.words[cell]).0 as i8;
        let back = unfinished(&|thread| if several(thread) { thread.taken[cell] } else { 0 });
        let sku = program.world.sku(cell);
        let owed = memory.levels[cell].shortfall + memory.room(sku, program.world.cells(sku));
        let due = if due_counts { due_units(program, state, cell, thread.now) } else { 0 };
        free + back + (due - owed).max(0)
    };
    if (0..CELLS).any(|cell| need[cell] > 0 && best(cell) < need[cell]) {
        return true;
    }
    if command.capacity && takes_capacity(command.op) {
        let free = cell::split(memory.capacity).0 as i8;
        let back = unfinished(&|thread| if thread.marked { thread.taken_capacity } else { 0 });
        if free + back < 1 {
            return true;
        }
    }
    let Some(_) = program.world.limits else { return false };
    let wanted: i8 = if let Op::Place(units) = command.op { units } else { need.iter().sum() };
    if wanted == 0 {
        return false;
    }
    // The record in its own terms; where limits are (wrongly) two words, what the cells say.
    let mut limits = memory.limits;
    for channel in 0..CHANNELS {
        let mine = |thread: &Thread, at: usize| {
            usize::from(program.threads.get(at).map_or(0, |ops| ops[usize::from(thread.op)].channel)) == channel
                && !matches!(program.threads.get(at).map(|ops| ops[usize::from(thread.op)].op), Some(Op::Lose(..)))
        };
        let back: i8 = (0..THREADS)
            .filter(|at| !state.threads[*at].appended && mine(&state.threads[*at], *at))
            .map(|at| state.threads[at].taken_limits)
            .sum();
        limits.shares[channel].used -= back as u32;
    }
    let due: i8 = (0..CELLS).map(|cell| due_units(program, state, cell, thread.now)).sum();
    let owed: i8 =
        (0..CELLS).map(|cell| memory.levels[cell].shortfall).sum::<i8>() + memory.room(0, program.world.cells(0));
    limits.free = if two_words() {
        (0..CELLS).map(|cell| best(cell) as u32).sum()
    } else {
        let back = unfinished(&|thread| thread.taken_limits);
        // A correction that took more here than its cell had was never entitled to the difference.
        let lent = |thread: &Thread| match (thread.appended, thread.taken_limits) {
            (true, 0) => thread.seen,
            (true, taken) => taken - thread.plan.iter().sum::<i8>(),
            (false, _) => 0,
        };
        let losing = |at: &usize| matches!(program.threads[*at][usize::from(state.threads[*at].op)].op, Op::Lose(..));
        let lent: i8 = (0..program.threads.len()).filter(losing).map(|at| lent(&state.threads[at])).sum();
        memory.limits.free + (back + lent + (due - owed).max(0)) as u32
    };
    limits.in_flight = 0;
    limits.most(usize::from(command.channel)) < wanted as u32
}

/// Units of a cell that reservations hold beyond their end, or that an expiry has logged and not yet given. Not those of
/// a reservation that was appended after its own end: it never held them for anybody, but it was not due when others
/// looked either. A clock that outruns a reservation's whole life between two steps may so cost somebody a refusal.
fn due_units(program: &Program, state: &State, cell: usize, now: u8) -> i8 {
    let entities = &state.log.entities;
    let counts = |slot: usize| entities[slot].expires_at <= now && state.log.born_lapsed & (1 << slot) == 0;
    let due = |slot: &usize| counts(*slot) && entities[*slot].life == Life::Held;
    let held: i8 = (0..ENTITIES).filter(due).map(|slot| entities[slot].own[cell]).sum();
    let giving = |thread: &&Thread| {
        let expires = thread.act == Act::Expiry && thread.appended && thread.gave & (1 << cell) == 0;
        expires && counts(usize::from(thread.target))
    };
    let threads = &state.threads[..program.threads.len()];
    held + threads.iter().filter(giving).map(|thread| thread.given[cell].free).sum::<i8>()
}

/// What holds in every state.
pub fn check_state(program: &Program, state: &State) -> Option<Broken> {
    let (world, memory) = (&program.world, &state.memory);
    for cell in 0..CELLS {
        let sku = world.sku(cell);
        if memory.ledger_locks[sku] != NOBODY {
            continue;
        }
        let (free, flying) = cell::split(memory.words[cell]);
        if memory.room(sku, world.cells(sku)) > 0 && (free, flying) != (0, 0) {
            return broken('e', format!("demand waits beside cell {cell} with {free} free and {flying} in flight"));
        }
        if memory.levels[cell].shortfall > 0 && (free, flying) != (0, 0) {
            return broken('s', format!("cell {cell} owes and has {free} free and {flying} in flight"));
        }
    }
    if state.threads.iter().all(|thread| thread.pc == Pc::Ended) { check_quiet(program, state) } else { None }
}

/// What holds when all threads have ended.
fn check_quiet(program: &Program, state: &State) -> Option<Broken> {
    let (memory, log) = (&state.memory, &state.log);
    let locks = memory.entity_locks.iter().chain(&memory.ledger_locks);
    if locks.into_iter().any(|lock| *lock != NOBODY) {
        return broken('b', "a lock is left");
    }
    if memory.entities != log.entities {
        return broken('b', format!("memory has {:?}, the log {:?}", memory.entities, log.entities));
    }
    for cell in 0..CELLS {
        let (free, flying) = cell::split(memory.words[cell]);
        let level = Level { available: free as i8, ..memory.levels[cell] };
        if flying != 0 || level != log.levels[cell] {
            return broken(
                'b',
                format!("cell {cell}: memory has {level:?} and {flying} in flight, the log {:?}", log.levels[cell]),
            );
        }
        let owned = |life: Life| -> i8 {
            memory.entities.iter().filter(|entity| entity.life == life).map(|entity| entity.own[cell]).sum()
        };
        if (owned(Life::Order), owned(Life::Held) + level.pool) != (level.committed, level.reserved) {
            return broken('d', format!("cell {cell}: {level:?}, owned by {:?}", memory.entities));
        }
    }
    let waits: Vec<i8> = memory.entities.iter().map(|entity| entity.waits).collect();
    if waits != memory.queue {
        return broken('b', format!("the queue is {:?}, orders wait for {waits:?}", memory.queue));
    }
    check_quiet_capacity(program, state).or_else(|| check_quiet_limits(program, state))
}

fn check_quiet_capacity(program: &Program, state: &State) -> Option<Broken> {
    let world = &program.world;
    if world.capacity == 0 {
        return None;
    }
    let used: i8 = state.memory.entities.iter().map(|entity| entity.capacity).sum();
    let (free, flying) = cell::split(state.memory.capacity);
    let whole = (free as i8 + used, flying) == (world.capacity + 1, 0);
    if whole { None } else { broken('b', format!("capacity: {free} left, {flying} in flight, {used} used")) }
}

fn check_quiet_limits(program: &Program, state: &State) -> Option<Broken> {
    let limits = program.world.limits?;
    let record = &state.memory.limits;
    let free: u32 = state.log.levels.iter().map(|level| level.available as u32).sum();
    let kept = if two_words() { kept_by_floors(&state.log.entities, limits) } else { 0 };
    if record.in_flight != 0 || (record.free != free.saturating_sub(kept)) {
        return broken('b', format!("{free} units are free, floors keep {kept}, the limits say {record:?}"));
    }
    let differs = (0..CHANNELS).find(|channel| {
        let share = record.shares[*channel];
        share.used != used_by(&state.log.entities, *channel) as u32 || share.used_in_flight != 0
    })?;
    broken('f', format!("channel {differs} uses {}, the limits say {record:?}", used_by(&state.log.entities, differs)))
}
