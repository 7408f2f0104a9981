//! What threads do, where they start, and the families of programs that are searched.

use super::machine::two_words;
use super::state::*;
use crate::domain::channel_limits::{ChannelLimits, Share};
use crate::engine::cell;

/// A command, or the clock's work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// An order that may not wait.
    Take([i8; CELLS]),
    Reserve([i8; CELLS]),
    /// An order that may wait, for units of the first sku.
    Place(i8),
    /// Claims the reservation; what is wanted, against what it holds.
    Claim(Claim),
    Release,
    /// The clock expires the reservation.
    Expire,
    CancelOrder,
    /// Cancels the waiting order, and what it has.
    CancelWaiting,
    Receive(usize, i8),
    Lose(usize, i8),
    /// Available units turn out to be damaged.
    Damage(usize, i8),
    Ship,
    /// Serves the queue from its pool.
    Drain,
}

/// What a claim wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// All that is held.
    Kept,
    /// And one of the second cell.
    More,
    /// One of the second cell, whatever is held.
    Other,
}

/// A command of a channel, with or without a unit of the node's daily capacity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command {
    pub op: Op,
    pub channel: u8,
    pub capacity: bool,
}

/// The place of a program.
#[derive(Clone, Copy, Debug)]
pub struct World {
    pub name: &'static str,
    pub one_sku: bool,
    /// Floor and cap of each channel.
    pub limits: Option<[(u32, u32); CHANNELS]>,
    /// Units free in each cell.
    pub free: [i8; CELLS],
    /// Units of the reservation, the order and the waiting order.
    pub own: [[i8; CELLS]; 3],
    pub waits: i8,
    pub pool: i8,
    pub shortfall: [i8; CELLS],
    pub capacity: i8,
}

/// What may go wrong in a program.
#[derive(Clone, Copy, Debug)]
pub struct Mishaps {
    /// A thread may panic from its first unit to its append.
    pub panics: bool,
    /// Patience may run out at any wait.
    pub impatience: bool,
}

/// Threads with their commands, in a world.
#[derive(Clone, Debug)]
pub struct Program {
    pub world: World,
    pub mishaps: Mishaps,
    pub threads: Vec<Vec<Command>>,
}

impl World {
    /// The sku of a cell.
    pub fn sku(&self, cell: usize) -> usize {
        if self.one_sku { 0 } else { cell }
    }

    /// The cells of a sku.
    pub fn cells(&self, sku: usize) -> impl Iterator<Item = usize> + use<> {
        let one_sku = self.one_sku;
        (0..CELLS).filter(move |cell| if one_sku { sku == 0 } else { sku == *cell })
    }

    /// The first state, in memory and in the log.
    fn state(&self) -> State {
        let mut state = State::default();
        let lives = [Life::Held, Life::Order, Life::Order];
        for (slot, life) in lives.into_iter().enumerate() {
            let channel = u8::from(slot == ORDER);
            state.log.entities[slot] = Entity { life, own: self.own[slot], channel, ..Entity::default() };
        }
        state.log.entities[RESERVATION].expires_at = 1;
        state.log.entities[WAITING].waits = self.waits;
        let with_capacity = i8::from(self.capacity > 0);
        state.log.entities[ORDER].capacity = with_capacity;
        for cell in 0..CELLS {
            let pool = if cell == 0 { self.pool } else { 0 };
            let committed = self.own[ORDER][cell] + self.own[WAITING][cell];
            let reserved = self.own[RESERVATION][cell] + pool;
            state.log.levels[cell] = Level {
                on_hand: self.free[cell] + committed + reserved - self.shortfall[cell],
                shortfall: self.shortfall[cell],
                available: self.free[cell],
                committed,
                reserved,
                pool,
                damaged: 0,
            };
            assert!(state.log.levels[cell].is_lawful(), "the start {} is unlawful", self.name);
            state.memory.words[cell] = cell::given(self.free[cell] as u32);
        }
        let memory = &mut state.memory;
        memory.capacity = cell::given(self.capacity as u32);
        memory.levels = state.log.levels;
        memory.levels.iter_mut().for_each(|level| level.available = 0);
        memory.entities = state.log.entities;
        memory.queue[WAITING] = self.waits;
        memory.due_at[RESERVATION] = 1;
        memory.entity_locks = [NOBODY; ENTITIES];
        memory.ledger_locks = [NOBODY; CELLS];
        if let Some(limits) = self.limits {
            let mut free = self.free.iter().sum::<i8>() as u32;
            if two_words() {
                free = free.saturating_sub(kept_by_floors(&state.log.entities, limits));
            }
            memory.limits = ChannelLimits { free, in_flight: 0, shares: [Share::default(); CHANNELS] };
            for (channel, (floor, cap)) in limits.into_iter().enumerate() {
                let used = used_by(&state.log.entities, channel) as u32;
                memory.limits.shares[channel] = Share { floor, cap, used, used_in_flight: 0 };
            }
        }
        state
    }
}

/// Units that floors still keep.
pub fn kept_by_floors(entities: &[Entity; ENTITIES], limits: [(u32, u32); CHANNELS]) -> u32 {
    let kept = |(channel, (floor, _)): (usize, (u32, u32))| floor.saturating_sub(used_by(entities, channel) as u32);
    limits.into_iter().enumerate().map(kept).sum()
}

/// Units a channel holds, was promised or waits for.
pub fn used_by(entities: &[Entity; ENTITIES], channel: usize) -> i8 {
    let own = |entity: &Entity| match entity.life {
        Life::Held | Life::Order => entity.own.iter().sum::<i8>() + entity.waits,
        _ => 0,
    };
    entities.iter().filter(|entity| usize::from(entity.channel) == channel).map(own).sum()
}

impl Program {
    /// The first state.
    pub fn start(&self) -> State {
        let mut state = self.world.state();
        for thread in state.threads.iter_mut().skip(self.threads.len()) {
            thread.pc = Pc::Ended;
        }
        state
    }

    /// The slot of what a command makes.
    pub fn new_slot(&self, thread: usize, op: u8) -> usize {
        NEW + if op == 0 { thread } else { self.threads.len() }
    }

    /// How far the clock can matter.
    pub fn last_instant(&self) -> u8 {
        let reserves = self.threads.iter().flatten().any(|command| matches!(command.op, Op::Reserve(_)));
        1 + u8::from(reserves)
    }
}

const EMPTY: World = World {
    name: "",
    one_sku: false,
    limits: None,
    free: [0, 0],
    own: [[1, 0], [1, 0], [0, 0]],
    waits: 0,
    pool: 0,
    shortfall: [0, 0],
    capacity: 0,
};

/// The starts: enough and not enough, of two skus and of one, with nobody waiting, with a queue that owns units, and with
/// a queue and a shortfall that wait for some.
pub const STARTS: [World; 4] = [
    World { name: "two skus, one free unit of the first", free: [1, 0], ..EMPTY },
    World { name: "two skus, a free unit of each", free: [1, 1], own: [[1, 1], [1, 0], [0, 0]], ..EMPTY },
    World {
        name: "one sku, a free unit, a waiting order with its unit in the pool",
        one_sku: true,
        free: [1, 0],
        own: [[1, 0], [0, 1], [0, 0]],
        waits: 1,
        pool: 1,
        ..EMPTY
    },
    World {
        name: "one sku, nothing free, an order waits and a unit is owed",
        one_sku: true,
        own: [[1, 0], [0, 1], [1, 0]],
        waits: 1,
        shortfall: [0, 1],
        ..EMPTY
    },
];

/// The operations of the pairs; those that bugs like come first, so that a planted one is soon found.
pub const OPS: [Op; 19] = [
    Op::Take([1, 0]),
    Op::Take([1, 1]),
    Op::Release,
    Op::Place(1),
    Op::Lose(0, 1),
    Op::CancelWaiting,
    Op::Claim(Claim::Kept),
    Op::Claim(Claim::Other),
    Op::Expire,
    Op::Lose(0, 2),
    Op::Take([2, 0]),
    Op::Claim(Claim::More),
    Op::Reserve([1, 0]),
    Op::Place(2),
    Op::CancelOrder,
    Op::Receive(0, 1),
    Op::Damage(0, 1),
    Op::Ship,
    Op::Drain,
];

/// A command without channel or capacity.
pub fn plain(op: Op) -> Command {
    Command { op, channel: 0, capacity: false }
}

/// Nothing goes wrong, and all that may. The second has every state of the first, and must be able to end from each
/// without a further mishap; so it is the family, and the first only where that would be too long.
const CALM: Mishaps = Mishaps { panics: false, impatience: false };
const ROUGH: Mishaps = Mishaps { panics: true, impatience: true };

/// Two threads of one operation each, up to symmetry: all starts, all mishaps.
pub fn pairs() -> Vec<Program> {
    pairs_of(&OPS.map(plain), &STARTS, &[ROUGH])
}

fn pairs_of(commands: &[Command], worlds: &[World], mishaps: &[Mishaps]) -> Vec<Program> {
    let mut programs = Vec::new();
    for (at, first) in commands.iter().enumerate() {
        for second in &commands[..=at] {
            for mishaps in mishaps {
                let threads = vec![vec![*first], vec![*second]];
                programs.extend(worlds.iter().map(|world| Program {
                    world: *world,
                    mishaps: *mishaps,
                    threads: threads.clone(),
                }));
            }
        }
    }
    programs
}

/// One thread of two operations and one of one; patience may run out.
pub fn two_and_one() -> Vec<Program> {
    let ops = OPS.map(plain);
    let mut programs = Vec::new();
    for first in ops {
        for then in ops {
            for other in ops {
                let mishaps = Mishaps { panics: false, impatience: true };
                let threads = vec![vec![first, then], vec![other]];
                programs.extend(STARTS.map(|world| Program { world, mishaps, threads: threads.clone() }));
            }
        }
    }
    programs
}

/// Three threads of one operation each, up to symmetry.
pub fn threes() -> Vec<Program> {
    threes_of(&OPS.map(plain), &STARTS, &[CALM])
}

fn threes_of(commands: &[Command], worlds: &[World], mishaps: &[Mishaps]) -> Vec<Program> {
    let mut programs = Vec::new();
    for (a, first) in commands.iter().enumerate() {
        for (b, second) in commands[..=a].iter().enumerate() {
            for third in &commands[..=b] {
                for mishaps in mishaps {
                    let threads = vec![vec![*first], vec![*second], vec![*third]];
                    programs.extend(worlds.iter().map(|world| Program {
                        world: *world,
                        mishaps: *mishaps,
                        threads: threads.clone(),
                    }));
                }
            }
        }
    }
    programs
}

/// Starts of a sku with channel limits: floors 0 to 2, caps that bind and that do not.
fn limited_worlds() -> Vec<World> {
    let limited = |name, limits, free, own| World { name, one_sku: true, limits: Some(limits), free, own, ..EMPTY };
    let owned = [[1, 0], [0, 1], [0, 0]];
    vec![
        limited("floor 1 used, two free units", [(1, 9), (0, 9)], [1, 1], owned),
        limited("floor 2 for the other channel, two free units", [(0, 9), (2, 9)], [1, 1], owned),
        limited("cap 2, three free units", [(0, 2), (1, 9)], [2, 1], owned),
        limited("floors of both, one free unit", [(2, 9), (1, 2)], [1, 0], owned),
        World { waits: 1, ..limited("nothing free, an order waits", [(1, 9), (0, 9)], [0, 0], owned) },
    ]
}

fn limited_commands() -> Vec<Command> {
    let first = [
        Op::Take([1, 0]),
        Op::Take([1, 1]),
        Op::Take([2, 0]),
        Op::Release,
        Op::Lose(0, 2),
        Op::Place(1),
        Op::Claim(Claim::Kept),
        Op::Claim(Claim::Other),
        Op::Claim(Claim::More),
        Op::Expire,
        Op::Reserve([1, 0]),
        Op::CancelWaiting,
        Op::Place(2),
        Op::Receive(0, 1),
    ];
    let second = [Op::Take([0, 1]), Op::Take([1, 0]), Op::CancelOrder, Op::Place(1)];
    let of = |channel| move |op| Command { op, channel, capacity: false };
    first.into_iter().map(of(0)).chain(second.into_iter().map(of(1))).collect()
}

/// Two threads under channel limits: takes, gives, claims, joins and corrections, with all mishaps.
pub fn limited_pairs() -> Vec<Program> {
    pairs_of(&limited_commands(), &limited_worlds(), &[ROUGH])
}

/// Three threads under channel limits.
pub fn limited_threes() -> Vec<Program> {
    threes_of(&limited_commands(), &limited_worlds(), &[CALM])
}

fn capacity_commands() -> Vec<Command> {
    let takes = [Op::Take([1, 0]), Op::Take([1, 1]), Op::Place(1), Op::Claim(Claim::More)];
    let with = takes.map(|op| Command { op, channel: 0, capacity: true });
    let without = [Op::CancelOrder, Op::Release, Op::Lose(0, 1), Op::Take([1, 1]), Op::Receive(0, 1)].map(plain);
    with.into_iter().chain(without).collect()
}

fn capacity_worlds() -> Vec<World> {
    let with = |capacity| STARTS.map(|world| World { capacity, ..world });
    // Only a world with capacity left has any: an order of the start gives its own back.
    with(1).into_iter().chain(with(2)).collect()
}

/// Two threads whose orders also take of a node's daily capacity.
pub fn capacity_pairs() -> Vec<Program> {
    pairs_of(&capacity_commands(), &capacity_worlds(), &[ROUGH])
}

/// Three of them.
pub fn capacity_threes() -> Vec<Program> {
    threes_of(&capacity_commands(), &capacity_worlds(), &[CALM])
}

/// Programs that show what the families' pairs cannot: quick, and always run.
pub fn chosen() -> Vec<Program> {
    let of = |channel: u8, op| Command { op, channel, capacity: false };
    let program = |world: &World, commands: &[Command]| Program {
        world: *world,
        mishaps: CALM,
        threads: commands.iter().map(|command| vec![*command]).collect(),
    };
    let limits =
        |limits, free, own| World { name: "channel limits", one_sku: true, limits: Some(limits), free, own, ..EMPTY };
    let floor_one = limits([(1, 9), (0, 9)], [1, 1], [[1, 0], [0, 1], [0, 0]]);
    let unused_floor = limits([(1, 9), (0, 9)], [1, 1], [[0, 0], [0, 0], [0, 0]]);
    let second_free = World { free: [0, 1], ..STARTS[2] };
    vec![
        program(&second_free, &[plain(Op::Claim(Claim::Other)), plain(Op::Damage(1, 1))]),
        program(&STARTS[0], &[plain(Op::Take([1, 1])), plain(Op::Take([1, 1])), plain(Op::Lose(0, 2))]),
        program(&STARTS[0], &[plain(Op::Take([1, 1])), plain(Op::Take([1, 1])), plain(Op::Lose(0, 1))]),
        program(&STARTS[0], &[plain(Op::Reserve([1, 0])), plain(Op::Take([2, 0])), plain(Op::Release)]),
        program(&floor_one, &[of(0, Op::Take([1, 2])), of(0, Op::Release), of(1, Op::Take([1, 0]))]),
        program(&unused_floor, &[of(0, Op::Take([1, 0])), of(0, Op::Take([1, 0])), of(1, Op::Take([0, 1]))]),
        program(&unused_floor, &[of(0, Op::Take([1, 2])), of(0, Op::Take([1, 0])), of(1, Op::Take([0, 1]))]),
        program(&unused_floor, &[of(0, Op::Take([2, 0])), of(0, Op::Take([0, 1])), of(1, Op::Take([0, 1]))]),
        program(&floor_one, &[of(0, Op::Lose(0, 2)), of(0, Op::Take([1, 0])), of(1, Op::Take([0, 1]))]),
        program(&floor_one, &[of(0, Op::Take([1, 1])), of(0, Op::Lose(0, 2)), of(1, Op::Take([0, 1]))]),
    ]
}
