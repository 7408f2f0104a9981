//! Every interleaving of the stock protocol, by breadth-first search over explicit states.
//!
//! Each thread is a place in a program over single atomic steps: a compare-and-swap with its loop is one, a lock taken
//! is one, a wait is a step that is not there. The decisions are the engine's own pure functions (`engine::cell`,
//! `engine::shares`) and the domain's (`channel_limits`); the order of steps is written here again (`machine`) and has
//! to be kept with the engine's. The clock moves at any point, every append is folded at once (so a crash is any
//! prefix), a thread may panic from its first unit to its append, and patience may run out at any wait.
//!
//! | file | what |
//! |---|---|
//! | `state` | memory, log, threads: small and comparable |
//! | `program` | operations, starts, families |
//! | `machine`, `taking`, `giving` | one atomic step of one thread; the planted bugs |
//! | `laws` | what must hold, (a) to (g) and (s) |
//! | `explore` | the search and the shortest trace in words |
//!
//! Bounds: two cells, as two skus or as one; at most three threads; quantities 0 to 3. What is *not* here: weak memory
//! (`words`), the solver, kits and fenced orders that let newcomers pass, several clocks, the real engine's own steps
//! (the simulation, schedules). The longer families run with `ORDAIN_SEARCH=all`.

mod explore;
mod giving;
mod laws;
mod machine;
mod program;
mod state;
mod taking;

use explore::explore;
use program::Program;

/// Searches a family and requires that nothing is found.
fn check(family: &str, programs: &[Program]) {
    let began = std::time::Instant::now();
    let explored = explore(programs);
    let (count, states) = (explored.programs, explored.states);
    if let Some(found) = explored.found {
        panic!("{family}: law ({}) of the stock protocol\n{}", found.law, found.story);
    }
    let (family, seconds) = (family.replace(' ', "-"), began.elapsed().as_secs_f64());
    println!("search family={family} programs={count} states={states} seconds={seconds:.1}");
}

/// Whether the long families run as well.
fn all() -> bool {
    std::env::var("ORDAIN_SEARCH").is_ok_and(|length| length == "all")
}

#[test]
fn two_operations_at_once_keep_every_law() {
    check("two threads of one operation", &program::pairs());
}

#[test]
fn what_takes_three_threads_keeps_every_law() {
    check("chosen programs", &program::chosen());
}

#[test]
fn two_operations_under_channel_limits_keep_every_law() {
    check("two threads under channel limits", &program::limited_pairs());
}

#[test]
fn two_operations_on_capacity_keep_every_law() {
    check("two threads with capacity", &program::capacity_pairs());
}

#[test]
fn two_operations_and_one_keep_every_law() {
    if all() {
        check("two threads of two and one operations", &program::two_and_one());
    }
}

#[test]
fn three_operations_at_once_keep_every_law() {
    if all() {
        check("three threads of one operation", &program::threes());
    }
}

#[test]
fn three_operations_under_channel_limits_keep_every_law() {
    if all() {
        check("three threads under channel limits", &program::limited_threes());
    }
}

#[test]
fn three_operations_on_capacity_keep_every_law() {
    if all() {
        check("three threads with capacity", &program::capacity_threes());
    }
}
