//! Breadth first through every interleaving of a program, so that the first trace found is a shortest one.

use std::collections::HashMap;
use std::fmt::Write;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::giving::tail;
use super::laws::{self, Broken};
use super::machine::{Stepped, Stepper};
use super::program::Program;
use super::state::*;
use crate::engine::cell;

/// What happens between two states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Move {
    Step(u8),
    Panics(u8),
    LosesPatience(u8),
    Tick,
}

/// Two independent 64-bit sums over the bytes of a state, eight at a time: states are told apart by 128 bits.
struct Wide {
    sums: (u64, u64),
    /// Bytes not yet mixed in, and how many bits they are.
    bytes: u64,
    bits: u32,
}

impl Default for Wide {
    fn default() -> Self {
        Self { sums: (0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F), bytes: 0, bits: 0 }
    }
}

impl Wide {
    fn mix(&mut self, word: u64) {
        let wide = u128::from(self.sums.0 ^ word) * 0xA076_1D64_78BD_642F;
        let (first, second) = self.sums;
        let first = (wide as u64) ^ (wide >> 64) as u64 ^ word.rotate_left(29) ^ first.rotate_left(11);
        let second = (second ^ word).wrapping_mul(0xE703_7ED1_A0B4_28DB).rotate_left(31).wrapping_add(first);
        self.sums = (first, second);
    }

    #[inline(always)]
    fn byte(&mut self, byte: u8) {
        self.bytes |= u64::from(byte) << self.bits;
        self.bits += 8;
        if self.bits == 64 {
            self.mix(self.bytes);
            (self.bytes, self.bits) = (0, 0);
        }
    }
}

impl Hasher for Wide {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.byte(*byte));
    }

    #[inline(always)]
    fn write_u8(&mut self, byte: u8) {
        self.byte(byte);
    }

    #[inline(always)]
    fn write_i8(&mut self, byte: i8) {
        self.byte(byte as u8);
    }

    /// Variants of enums: few enough for a byte.
    #[inline(always)]
    fn write_isize(&mut self, variant: isize) {
        self.byte(variant as u8);
    }

    /// Lengths of arrays never differ.
    #[inline(always)]
    fn write_usize(&mut self, _: usize) {}

    #[inline(always)]
    fn write_u32(&mut self, word: u32) {
        self.mix(u64::from(word));
    }

    #[inline(always)]
    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn finish(&self) -> u64 {
        self.sums.0
    }
}

fn name_of(state: &State) -> u128 {
    let mut wide = Wide::default();
    state.hash(&mut wide);
    wide.mix(wide.bytes);
    wide.mix(u64::from(wide.bits));
    u128::from(wide.sums.0) << 64 | u128::from(wide.sums.1)
}

/// The name of a state is its own hash.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only 128-bit names are kept")
    }

    fn write_u128(&mut self, name: u128) {
        self.0 = name as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// One program's search, reused for the next.
#[derive(Default)]
struct Search {
    states: Vec<State>,
    came_by: Vec<(u32, Move)>,
    names: HashMap<u128, u32, BuildHasherDefault<Itself>>,
    edges: Vec<(u32, u32)>,
}

/// A law broken by a program, with its shortest trace.
#[derive(Debug)]
pub struct Found {
    pub law: char,
    pub story: String,
}

impl Search {
    /// All states of a program, or the first law it breaks.
    fn run(&mut self, program: &Program) -> Result<u64, Found> {
        self.states.clear();
        self.came_by.clear();
        self.names.clear();
        self.edges.clear();
        self.reach(program.start(), 0, Move::Tick);
        let mut at = 0;
        while at < self.states.len() {
            if let Some((found, by)) = self.expand(program, at) {
                return Err(self.tell(program, at, by, found));
            }
            at += 1;
        }
        if let Some(at) = self.stuck() {
            let how = "from here not every thread can end".into();
            return Err(self.tell(program, at, None, Broken { law: 'g', how }));
        }
        Ok(self.states.len() as u64)
    }

    /// The state's place; new when it was not seen before.
    fn reach(&mut self, state: State, from: u32, by: Move) -> bool {
        let next = self.states.len() as u32;
        let to = *self.names.entry(name_of(&state)).or_insert(next);
        if next > 0 && matches!(by, Move::Step(_)) {
            self.edges.push((from, to));
        }
        if to == next {
            self.states.push(state);
            self.came_by.push((from, by));
        }
        to == next
    }

    fn expand(&mut self, program: &Program, at: usize) -> Option<(Broken, Option<Move>)> {
        let before = self.states[at];
        if let Some(broken) = laws::check_state(program, &before) {
            return Some((broken, None));
        }
        let mut moved = false;
        for thread in 0..program.threads.len() {
            if before.threads[thread].pc == Pc::Ended {
                continue;
            }
            let mut state = before;
            match Stepper::new(program, &mut state, thread).step() {
                Stepped::Moved => {
                    moved = true;
                    self.go(program, state, at, Move::Step(thread as u8));
                }
                Stepped::Locked => {}
                Stepped::Waits if program.mishaps.impatience => {
                    let mut state = before;
                    Stepper::new(program, &mut state, thread).lose_patience();
                    self.go(program, state, at, Move::LosesPatience(thread as u8));
                }
                Stepped::Waits => {}
                Stepped::Broken(broken) => return Some((broken, Some(Move::Step(thread as u8)))),
            }
            if program.mishaps.panics {
                let mut state = before;
                if Stepper::new(program, &mut state, thread).panic() {
                    self.go(program, state, at, Move::Panics(thread as u8));
                }
            }
        }
        let ended = before.threads.iter().all(|thread| thread.pc == Pc::Ended);
        if !moved && !ended {
            return Some((Broken { law: 'g', how: "every thread waits".into() }, None));
        }
        if !ended && before.clock < program.last_instant() {
            self.go(program, State { clock: before.clock + 1, ..before }, at, Move::Tick);
        }
        None
    }

    fn go(&mut self, program: &Program, mut state: State, from: usize, by: Move) {
        laws::note_justified(program, &mut state);
        self.reach(state, from as u32, by);
    }

    /// A state from which no end can be reached without a mishap: found backwards from the ends.
    fn stuck(&self) -> Option<usize> {
        let mut into: Vec<Vec<u32>> = vec![Vec::new(); self.states.len()];
        self.edges.iter().for_each(|(from, to)| into[*to as usize].push(*from));
        let ended = |at: &u32| self.states[*at as usize].threads.iter().all(|thread| thread.pc == Pc::Ended);
        let mut todo: Vec<u32> = (0..self.states.len() as u32).filter(ended).collect();
        let mut can_end = vec![false; self.states.len()];
        todo.iter().for_each(|at| can_end[*at as usize] = true);
        while let Some(at) = todo.pop() {
            for from in &into[at as usize] {
                if !std::mem::replace(&mut can_end[*from as usize], true) {
                    todo.push(*from);
                }
            }
        }
        can_end.iter().position(|can| !can)
    }

    /// The law, the program and the way there in words.
    fn tell(&self, program: &Program, at: usize, last: Option<Move>, broken: Broken) -> Found {
        let mut way = vec![at];
        while way[way.len() - 1] != 0 {
            way.push(self.came_by[way[way.len() - 1]].0 as usize);
        }
        way.reverse();
        let steps = way.len() - 1 + usize::from(last.is_some());
        let mut story = format!("law ({}) is broken after {steps} steps: {}\n", broken.law, broken.how);
        let _ = writeln!(story, "  start: {}, {:?}", program.world.name, program.mishaps);
        for (thread, commands) in program.threads.iter().enumerate() {
            let _ = writeln!(story, "  T{}: {commands:?}", thread + 1);
        }
        for pair in way.windows(2) {
            let (before, after) = (&self.states[pair[0]], &self.states[pair[1]]);
            let _ = writeln!(story, "  {}", told(before, Some(after), self.came_by[pair[1]].1));
        }
        if let Some(last) = last {
            let _ = writeln!(story, "  {}", told(&self.states[at], None, last));
        }
        Found { law: broken.law, story }
    }
}

/// One move in words, with what it changed.
fn told(before: &State, after: Option<&State>, by: Move) -> String {
    let mut said = match by {
        Move::Tick => "the clock moves".to_owned(),
        Move::Panics(thread) => format!("T{} panics", thread + 1),
        Move::LosesPatience(thread) => format!("T{} waits no longer", thread + 1),
        Move::Step(thread) => {
            let t = before.threads[usize::from(thread)];
            let act = if t.act == Act::Command { String::new() } else { format!(" ({:?})", t.act) };
            match t.pc {
                Pc::Tail => format!("T{}{act} {:?}", thread + 1, tail()[usize::from(t.at)]),
                pc => format!("T{}{act} {pc:?}", thread + 1),
            }
        }
    };
    let Some(after) = after else { return said + " — and there it breaks" };
    for at in 0..CELLS {
        let (old, new) = (cell::split(before.memory.words[at]), cell::split(after.memory.words[at]));
        if old != new {
            let _ = write!(said, " · cell {at}: {old:?} → {new:?} (free, in flight)");
        }
        let (old, new) = (&before.log.levels[at], &after.log.levels[at]);
        if old != new {
            let _ = write!(said, " · logged, cell {at}: {new:?}");
        }
    }
    if before.memory.limits != after.memory.limits {
        let limits = &after.memory.limits;
        let used = limits.shares.map(|share| share.used);
        let _ = write!(said, " · limits: {} free, {} in flight, used {used:?}", limits.free, limits.in_flight);
    }
    if before.memory.queue != after.memory.queue {
        let _ = write!(said, " · waiting: {} units", after.memory.queue.iter().sum::<i8>());
    }
    said
}

/// What a family came to.
#[derive(Debug)]
pub struct Explored {
    pub programs: usize,
    pub states: u64,
    pub found: Option<Found>,
}

/// Searches all programs on two threads; stops at the first broken law.
pub fn explore(programs: &[Program]) -> Explored {
    let (next, states, stop) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let found = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut search = Search::default();
                while !stop.load(Relaxed)
                    && let Some(program) = programs.get(next.fetch_add(1, Relaxed))
                {
                    match search.run(program) {
                        Ok(more) => drop(states.fetch_add(more, Relaxed)),
                        Err(broken) => {
                            stop.store(true, Relaxed);
                            found.lock().expect("no searcher panics").get_or_insert(broken);
                        }
                    }
                }
            });
        }
    });
    let found = found.into_inner().expect("no searcher panics");
    Explored { programs: programs.len(), states: states.into_inner(), found }
}
