//! Ordain beside what would be used instead, and beside the limits of the machine: same run, same clients, same box.
//!
//! `tools/bench` installs what is missing, builds, pins this program to one core and runs it; servers are put on another
//! core. Without `--bench` (what `cargo test --benches` runs) it only keeps itself alive, with one short window each.
//!
//! # How it measures
//!
//! | | |
//! |---|---|
//! | windows | each side of a line in turn, A B A B, the order turned round every time; before each the core rests, and warms up |
//! | a side's figures | medians over its windows: rate, and the percentiles of a window's latencies |
//! | a ratio | median of the ratios of windows of the same round, with a 95 % interval from the sign test (`statistics`) |
//! | a bar | missed only when the whole interval is on the wrong side (`bars`) |
//! | processor | server's user and system time, all threads or processes of it, per operation; warm-up included |
//! | generator | the same for all servers (`generator`); its share of its own core stands in every line |
//!
//! **The generator is not the bottleneck** where its core has idle time: it is a closed loop, so while it sleeps every
//! request is with the server. A line where it uses 95 % of its core or more says so, and that rate is a lower bound of
//! the server's; the ratio of processor time per operation (`cpu/op`) holds there too, since it does not depend on who waits.
//! Where somebody else uses one of the two cores, the line says that as well.
//!
//! What is *not* here: what a call costs in process (`engine`), and instruction counts (`instructions`).

mod bars;
mod disk;
mod echo;
mod generator;
mod parts;
mod processor;
mod request;
mod rounds;
mod servers;
mod statistics;
mod stores;
mod table;
mod wire;
mod workloads;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The same as the program has, as the echo is its limit.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use generator::Load;
use rounds::Cores;
use servers::Place;
use table::Measured;
use workloads::{GROUPS, Line, Programs, Sizes};

/// Ordain beside Redis, PostgreSQL, a bare hyper echo and the disk.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100)]
struct Run {
    #[command(subcommand)]
    part: Option<Part>,
    /// Given by `cargo bench`; without it everything is as short as can be.
    #[arg(long, hide = true)]
    bench: bool,
    /// Short windows, few pairs: a look, not a measurement.
    #[arg(long)]
    quick: bool,
    /// Also write everything to a file, every window included.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only these groups: atp, promise, hot, spread, order.
    #[arg(long, value_delimiter = ',', default_values = GROUPS)]
    only: Vec<String>,
    /// Connection counts [default: 1,64,256; quick: 64].
    #[arg(long, value_delimiter = ',')]
    connections: Option<Vec<usize>>,
    /// Windows of each side [default: 9; quick: 3].
    #[arg(long)]
    pairs: Option<usize>,
    /// Length of a window [default: 1000; quick: 150].
    #[arg(long)]
    window_ms: Option<u64>,
    /// Load before a window that is not counted [default: 200; quick: 50].
    #[arg(long)]
    warm_up_ms: Option<u64>,
    /// Reservations of a batch [default: 64,512; quick: 64].
    #[arg(long, value_delimiter = ',')]
    batches: Option<Vec<u64>>,
    /// Requests under way on a pipelined connection.
    #[arg(long, default_value_t = 16)]
    depth: usize,
    /// Skus of the spread reservations [default: 100000; quick: 2000].
    #[arg(long)]
    spread: Option<u64>,
    /// Redis' server; without it Redis is left out.
    #[arg(long, value_name = "PROGRAM")]
    redis: Option<PathBuf>,
    /// Folder with PostgreSQL's `postgres`, `initdb` and `psql`; without it PostgreSQL is left out.
    #[arg(long, value_name = "DIR")]
    postgres: Option<PathBuf>,
    /// Also say where the time of each line's subject goes, by `perf`.
    #[arg(long)]
    parts: bool,
    /// Ordain's program.
    #[arg(long, value_name = "PROGRAM", default_value = env!("CARGO_BIN_EXE_ordain"))]
    ordain: PathBuf,
    /// Folder for what the servers write [default: a temporary one].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Core of the servers.
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// Core of this program, which whoever starts it has put there.
    #[arg(long, default_value_t = 1)]
    generator_core: usize,
    /// Facts for the JSON, as `name=value`.
    #[arg(long, value_name = "FACT")]
    fact: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Be the bare hyper server.
    #[command(hide = true)]
    Echo {
        #[arg(long)]
        get: usize,
        #[arg(long)]
        post: usize,
    },
    /// Be the loop of writes and syncs.
    #[command(hide = true)]
    Disk {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        bytes: usize,
        #[arg(long)]
        warm_up_ms: u64,
        #[arg(long)]
        window_ms: u64,
    },
}

fn main() -> ExitCode {
    let run = Run::parse();
    let ended = match &run.part {
        Some(Part::Echo { get, post }) => echo::serve(*get, *post),
        Some(Part::Disk { dir, bytes, warm_up_ms, window_ms }) => {
            let (warm_up, window) = (Duration::from_millis(*warm_up_ms), Duration::from_millis(*window_ms));
            disk::run(dir, *bytes, Load { depth: 1, warm_up, window })
        }
        None => run.measure(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("bench: {fault}");
            ExitCode::FAILURE
        }
    }
}

impl Run {
    fn measure(&self) -> Result<(), String> {
        statistics::check();
        let began = Instant::now();
        let (pairs, window_ms, warm_up_ms) = match (self.bench, self.quick) {
            (false, _) => (1, 30, 10),
            (true, true) => (3, 150, 50),
            (true, false) => (9, 1_000, 200),
        };
        let pairs = self.pairs.unwrap_or(pairs);
        let window = Duration::from_millis(self.window_ms.unwrap_or(window_ms));
        let warm_up = Duration::from_millis(self.warm_up_ms.unwrap_or(warm_up_ms));
        let long = self.bench && !self.quick;
        let or = |given: &Option<Vec<usize>>, short: &[usize], full: &[usize]| {
            given.clone().unwrap_or_else(|| if long { full } else { short }.to_vec())
        };
        let sizes = Sizes {
            spread: self.spread.unwrap_or(if long { 100_000 } else { 2_000 }),
            connections: or(&self.connections, &[64], &[1, 64, 256]),
            batches: self.batches.clone().unwrap_or_else(|| if long { vec![64, 512] } else { vec![64] }),
            depth: self.depth,
        };
        let temporary = tempfile::tempdir().map_err(|fault| format!("a temporary folder: {fault}"))?;
        let dir = self.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
        let place = Place { dir, core: self.server_core };
        let cores = Cores { server: self.server_core, generator: self.generator_core };
        let ordain = self.ordain.canonicalize().map_err(|fault| format!("{}: {fault}", self.ordain.display()))?;
        let programs = Programs { ordain, redis: self.redis.clone(), postgres: self.postgres.clone() };

        println!("{pairs} windows of {} ms each side, after {} ms of warm-up", window.as_millis(), warm_up.as_millis());
        println!("servers on core {}, generator on core {}; medians of windows,", cores.server, cores.generator);
        println!("ratios of paired windows with their 95 % interval (sign test)");
        let mut lines: Vec<Value> = Vec::new();
        for group in &self.only {
            let mut measure = |mut line: Line| {
                let load = |side: &rounds::Side| Load { depth: side.depth(), warm_up, window };
                let windows = rounds::run(&mut line.sides, pairs, load, cores)
                    .map_err(|fault| format!("{}, {} connections: {fault}", line.name, line.connections))?;
                let measured = Measured::new(&line, windows);
                print!("{}", measured.text());
                lines.push(measured.json());
                if self.parts {
                    print!("{}", rounds::parts(&mut line.sides[0], load, cores, &place.dir)?);
                }
                Ok(line.sides)
            };
            workloads::run(group, &place, &programs, &sizes, &mut measure)?;
        }
        println!("\nstores hold what was answered; took {} s", began.elapsed().as_secs());
        if let Some(file) = &self.json {
            let facts: Vec<_> = self.fact.iter().filter_map(|fact| fact.split_once('=')).collect();
            let facts: serde_json::Map<_, _> = facts.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
            let whole = json!({
                "pairs": pairs, "window_ms": window.as_millis() as u64, "warm_up_ms": warm_up.as_millis() as u64,
                "interval": "95 %, sign test on paired ratios", "facts": facts, "lines": lines,
            });
            std::fs::write(file, format!("{whole:#}\n")).map_err(|fault| format!("{}: {fault}", file.display()))?;
        }
        Ok(())
    }
}
