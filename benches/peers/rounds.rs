//! Sides in turn: A B A B windows, and what each window showed.
//!
//! A round runs every side of a line once; odd rounds run them in the opposite order, so that a machine that gets slower or
//! faster over the minutes favours nobody. Connections are opened anew for a window where a server would close idle ones.
//!
//! The processor's time is taken before the first request and after the last answer of a window, warm-up included, and
//! divided by the operations of that same span.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::generator::{Answered, Generator, Load};
use super::parts;
use super::processor::{Core, used_by};
use super::request::Request;
use super::servers::{Place, Server};
use super::wire::Wire;

/// How the servers' core is waited for before a window: looks of this length, at most so many, until less than this share
/// of one was used.
const REST: Duration = Duration::from_millis(50);
const RESTS_MAX: u32 = 20;
const QUIET: f64 = 0.25;

/// Which cores do what.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    /// The servers', one at a time busy.
    pub server: usize,
    /// The generator's.
    pub generator: usize,
}

/// One of the things a line compares.
pub struct Side {
    /// Its name in the table.
    pub name: &'static str,
    /// Operations that one answer stands for.
    pub operations: u64,
    /// What it is asked.
    pub work: Work,
    /// Answers so far.
    pub answered: u64,
}

/// Who does the work of a side.
pub enum Work {
    /// A server, over sockets.
    Server(Box<Asked>),
    /// The disk, without a server.
    Disk(Disk),
}

/// A server and what it is sent.
pub struct Asked {
    /// How it answers.
    pub wire: Wire,
    /// Where it is.
    pub address: SocketAddr,
    /// Its process.
    pub pid: u32,
    /// Whether its work is done by processes that it starts.
    pub many_processes: bool,
    /// What is sent.
    pub request: Request,
    /// What a new connection says first.
    pub greeting: Vec<Vec<u8>>,
    /// Connections of all windows, for a server that does not mind idle ones.
    pub kept: Option<Generator>,
    /// How many.
    pub connections: usize,
    /// Requests under way on each.
    pub depth: usize,
}

/// What one window of one side showed.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Operations a second.
    pub rate: f64,
    /// Latencies of requests in microseconds: 50th, 99th, 99.9th percentile.
    pub latencies_us: [f64; 3],
    /// Server's time on the processor per operation, in microseconds.
    pub server_us: f64,
    /// Share of its time that the server used its core.
    pub server_share: f64,
    /// Share that the servers' core was busy with anything.
    pub server_core: f64,
    /// Share of its time that the generator used its core.
    pub generator_share: f64,
    /// Share that the generator's core was busy with anything.
    pub generator_core: f64,
}

impl Asked {
    /// Sends `request` to a server.
    pub fn of(server: &Server, wire: Wire, request: Request, connections: usize) -> Self {
        let Server { address, many_processes, .. } = *server;
        let (greeting, kept) = (Vec::new(), None);
        Self { wire, address, pid: server.pid(), many_processes, request, greeting, kept, connections, depth: 1 }
    }

    fn run(&mut self, load: Load) -> Result<(Answered, Duration, Duration), String> {
        let mut generator = match self.kept.take() {
            Some(generator) => generator,
            None => Generator::connect(self.wire, self.address, self.connections, &self.greeting)?,
        };
        let before = used_by(self.pid, self.many_processes);
        let began = Instant::now();
        let answered = generator.run(&mut self.request, load)?;
        let took = began.elapsed();
        let used = used_by(self.pid, self.many_processes).saturating_sub(before);
        if self.wire != Wire::Http {
            self.kept = Some(generator);
        }
        Ok((answered, used, took))
    }
}

impl Side {
    /// A server's side.
    pub fn server(name: &'static str, operations: u64, asked: Asked) -> Self {
        Self { name, operations, work: Work::Server(Box::new(asked)), answered: 0 }
    }

    /// The disk's side.
    pub fn disk(place: &Place, bytes: usize) -> Self {
        let disk = Disk { place: place.clone(), bytes };
        Self { name: "disk", operations: 1, work: Work::Disk(disk), answered: 0 }
    }

    /// Requests under way on each of its connections.
    pub fn depth(&self) -> usize {
        match &self.work {
            Work::Server(asked) => asked.depth,
            Work::Disk(_) => 1,
        }
    }

    fn window(&mut self, load: Load, cores: Cores) -> Result<Window, String> {
        rest(cores.server);
        let own = std::process::id();
        let (server_core, generator_core) = (Core::read(cores.server), Core::read(cores.generator));
        let (own_before, began) = (used_by(own, false), Instant::now());
        let (answered, used, took) = match &mut self.work {
            Work::Server(asked) => asked.run(load)?,
            Work::Disk(disk) => {
                let (answered, used) = disk.run(load)?;
                let took = answered.took;
                (answered, used, took)
            }
        };
        let own_share = (used_by(own, false) - own_before).div_duration_f64(began.elapsed());
        self.answered += answered.all;
        let at = |quantile| answered.latencies.value_at_quantile(quantile) as f64 / 1_000.0;
        Ok(Window {
            rate: (answered.counted * self.operations) as f64 / load.window.as_secs_f64(),
            latencies_us: [at(0.5), at(0.99), at(0.999)],
            server_us: used.as_secs_f64() * 1e6 / (answered.all * self.operations).max(1) as f64,
            server_share: used.div_duration_f64(took),
            server_core: Core::read(cores.server).busy_since(server_core),
            generator_share: own_share,
            generator_core: Core::read(cores.generator).busy_since(generator_core),
        })
    }
}

/// Lets the server before finish what it does behind its answers: it would be done at the expense of the next.
fn rest(core: usize) {
    for _ in 0..RESTS_MAX {
        let before = Core::read(core);
        std::thread::sleep(REST);
        if Core::read(core).busy_since(before) < QUIET {
            return;
        }
    }
}

/// Where the time of a side's server goes: a window three times as long, watched.
pub fn parts(side: &mut Side, load: impl Fn(&Side) -> Load, cores: Cores, dir: &Path) -> Result<String, String> {
    let Work::Server(asked) = &side.work else { return Ok(String::new()) };
    let (pid, load) = (asked.pid, load(side));
    let load = Load { window: load.window * 3, ..load };
    parts::watched(pid, dir, || side.window(load, cores), |window| window.server_us)
}

/// Runs all sides in turn; the windows of each side, in the order of the rounds.
pub fn run(
    sides: &mut [Side],
    rounds: usize,
    load: impl Fn(&Side) -> Load,
    cores: Cores,
) -> Result<Vec<Vec<Window>>, String> {
    let mut windows: Vec<Vec<Window>> = sides.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..sides.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let load = load(&sides[at]);
            let window = sides[at].window(load, cores).map_err(|fault| format!("{}: {fault}", sides[at].name))?;
            windows[at].push(window);
        }
    }
    Ok(windows)
}
