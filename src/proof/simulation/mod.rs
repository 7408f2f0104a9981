//! The simulation: a whole Ordain on one thread, with the clock and the disk in our hands, and everything that can
//! happen drawn from a seed.
//!
//! A seed draws a *table*: lines of text, each one step. Requests of every kind, time, a wall clock that jumps, upkeep,
//! power losses (in recoveries too), failing syncs, a full disk, restarts. Several requests wait before the journal
//! writes, so that a crash finds some of them on the disk, some torn and some gone. After every line the laws of
//! `judge` are checked where it touched something, after every thousand all of them over everything, and after every
//! crash what was acknowledged is there and nothing is half there.
//!
//! A seed that fails prints its table, shortened as far as it still fails; `a_table_read_back` plays such a text.
//!
//! | file | what |
//! |---|---|
//! | `chance`, `drawing` | a seed's character and its lines |
//! | `words` | a line as a command |
//! | `world` | a line played: time, faults, restarts, answers |
//! | `judge` | the laws |
//! | `table` | a table played, shortened, printed, read |
//! | `clocks` | the wall clock and dirty reads, by name |
//! | `model`, `modelled` | a reference that shares no code with the engine, and sequences compared with it |
//!
//! `ORDAIN_STEPS` (steps in all) and `ORDAIN_SEED` (the first seed) set its length and its place.
//!
//! What is *not* here: threads (the storms), sled's own files (crash images), a disk that lies or flips bits.

mod chance;
mod clocks;

mod drawing;
mod judge;
mod model;
mod modelled;

mod table;
mod words;
pub(super) mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use drawing::Drawing;
use world::{Tally, World};

/// Steps of one seed's life.
const LIFE: u64 = 1_000;
/// Steps of a run when nothing else is said.
const STEPS: u64 = 500_000;
/// Simulations side by side; each is one thread of its own.
const SIDE_BY_SIDE: u64 = 2;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Lives one seed. When it fails: the lines up to there, and what broke.
fn live(seed: u64, steps: u64) -> Result<Tally, (Vec<String>, String)> {
    let mut drawing = Drawing::of(seed);
    let mut lines = drawing.beginning();
    let mut world = None;
    for at in 0..steps as usize {
        if at >= lines.len() {
            let world: &World = world.as_ref().expect("the first line opens it");
            lines.push(drawing.line(world));
        }
        let line = &lines[at];
        let played = table::guarded(|| match &mut world {
            None => World::open(line).map(|opened| world = Some(opened)),
            Some(world) => world.play(line),
        });
        if let Err(what) = played {
            lines.truncate(at + 1);
            table::let_go(world);
            return Err((lines, what));
        }
    }
    lines.push("laws".to_owned());
    let mut world = world.expect("a life has a first line");
    match table::guarded(|| world.play("laws")) {
        Ok(()) => Ok(world.tally),
        Err(what) => Err((lines, what)),
    }
}

/// Lives a seed and panics with a table when a law breaks.
fn must_live(seed: u64, steps: u64) -> Tally {
    live(seed, steps).unwrap_or_else(|(lines, what)| {
        eprintln!("seed {seed} broke a law after {} lines: {what}", lines.len());
        let shortest = table::shrink(&lines);
        let (at, what) = table::play(&shortest).expect_err("a shortened table still fails");
        panic!("seed {seed}: {what}\nthe shortest table that fails, at line {at}:\n{}", table::text(&shortest));
    })
}

#[test]
fn random_lives_break_no_law() {
    let (steps, first) = (setting("ORDAIN_STEPS", STEPS), setting("ORDAIN_SEED", 1));
    let lives = steps.div_ceil(LIFE);
    let next = AtomicU64::new(first);
    let failed = AtomicU64::new(0);
    let total = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..SIDE_BY_SIDE)
            .map(|_| {
                scope.spawn(|| {
                    let mut total = Tally::default();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + lives || failed.load(Ordering::Relaxed) > 0 {
                            return total;
                        }
                        let lived = std::panic::catch_unwind(|| must_live(seed, LIFE));
                        match lived {
                            Ok(tally) => total.add(&tally),
                            Err(panic) => {
                                failed.store(seed, Ordering::Relaxed);
                                std::panic::resume_unwind(panic);
                            }
                        }
                    }
                })
            })
            .collect();
        let mut total = Tally::default();
        for thread in threads {
            match thread.join() {
                Ok(tally) => total.add(&tally),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        total
    });
    println!("simulation seed={first}..{} {total}", first + lives - 1);
    if lives >= 50 {
        total.assert_everything_happened();
    }
}

#[test]
fn a_seed_is_one_story() {
    for seed in 7_000..7_004 {
        assert_eq!(must_live(seed, 400), must_live(seed, 400), "seed {seed}");
    }
}

/// Plays the table in the file that `ORDAIN_TABLE` names; without one, a short table with a little of everything.
#[test]
fn a_table_is_played() {
    let short = "
        disk 3 2000 1000 0
        node east 40.7 -74.0
        item phone
        receipt d1 phone east 2
        order o1 phone 3        # one waits
        killed 4
        receipt d1 phone east 2
        write
        order o1 phone 3
        restart 0
        stock phone east 5
        accept o1 1
        laws
    ";
    let text = match std::env::var("ORDAIN_TABLE") {
        Ok(path) => std::fs::read_to_string(path).expect("the table can be read"),
        Err(_) => short.to_owned(),
    };
    if let Err((at, what)) = table::play(&table::read(&text)) {
        panic!("line {at}: {what}");
    }
}

#[test]
fn too_little_is_left_where_a_node_is_switched_off() {
    let told = "
        disk 87245 2000 10000 4000
        node east 40.7 -74.0
        item phone
        low phone - 1
        count phone east 5
        wait 15
        off east
        wait 9
    ";
    table::play(&table::read(told)).unwrap_or_else(|(at, what)| panic!("line {at}: {what}"));
}

#[test]
fn a_printed_table_read_back_fails_again() {
    let run = |test: &str, table: Option<&std::path::Path>, bug: Option<&str>| {
        let mut child = std::process::Command::new(std::env::current_exe().expect("a test has a program"));
        child.args([test, "--exact", "--nocapture"]).env_remove("ORDAIN_TABLE").env_remove("ORDAIN_SABOTAGE");
        child.envs(table.map(|path| ("ORDAIN_TABLE", path))).envs(bug.map(|bug| ("ORDAIN_SABOTAGE", bug)));
        child.output().expect("the test starts")
    };
    let failed = run("proof::simulation::random_lives_break_no_law", None, Some("lost-follow-up"));
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    let (_, printed) = said.split_once("the shortest table that fails").expect("a failing seed prints a table");
    let printed: String =
        printed.lines().skip(1).take_while(|line| line.starts_with("        ")).collect::<Vec<_>>().join("\n");
    let lines = table::read(&printed);
    assert!((4..60).contains(&lines.len()), "a table that a person can read: {printed}");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("table");
    std::fs::write(&path, &printed).expect("a table can be kept");
    let player = "proof::simulation::a_table_is_played";
    assert!(!run(player, Some(&path), Some("lost-follow-up")).status.success(), "it fails again: {printed}");
    assert!(run(player, Some(&path), None).status.success(), "and only for the bug: {printed}");
}
