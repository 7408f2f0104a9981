//! The loop of rounds, chapters and eras.

use std::collections::VecDeque;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::chance::Chance;
use crate::chapter::{Chapter, still_there};
use crate::client::{CLIENTS, Client, Round, Seen};
use crate::findings::Findings;
use crate::server::{Place, START_MAX, Server};
use crate::wire::{Request, Wire};

const ROUNDS_OF_CHAPTER: u64 = 4;
const CHAPTERS_OF_ERA: u64 = 5;
/// Latest kill of a server that has only begun to start, milliseconds.
const STARTING_MS_MAX: u64 = 40;
/// Latest kill of a server that was told to stop, or has just switched its generation, milliseconds.
const STOPPING_MS_MAX: u64 = 30;
/// Longest wait for a switch.
const SWITCH_MAX: Duration = Duration::from_secs(20);

/// A number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// A folder for the data of a test; kept when it fails.
pub fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("ordain-kill-{name}-{}", std::process::id()))
}

struct Loop {
    seed: u64,
    kill_ms_max: u64,
    chance: Chance,
    findings: Findings,
    kills: u64,
    rounds: u64,
    chapters: u64,
    in_recovery: u64,
    /// Of sled and of plain files.
    by_store: [Tally; 2],
    starts_ms: Vec<u128>,
}

/// What one store met.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    kills: u64,
    /// Generations sealed and snapshots made under load, in the rounds that wait for them.
    switches: u64,
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let (seed, kills) = (setting("ORDAIN_SEED", 1), setting("ORDAIN_KILLS", 40));
    println!("kill seed={seed} kills={kills}");
    let root = folder("loop");
    let mut all = Loop {
        seed,
        kill_ms_max: setting("ORDAIN_KILL_MS", 500).max(6),
        chance: Chance::of(seed, &[0]),
        findings: Findings::default(),
        kills: 0,
        rounds: 0,
        chapters: 0,
        in_recovery: 0,
        by_store: [Tally::default(); 2],
        starts_ms: Vec::new(),
    };
    for era in 0.. {
        let [sled, plain] = all.by_store;
        if all.kills >= kills && sled.kills.min(plain.kills) * 4 >= all.kills {
            break;
        }
        let place = Place::new(root.join(era.to_string()), plain.kills < sled.kills);
        let kills = kills.div_ceil(4).min(kills.saturating_sub(all.kills));
        all.era(&place, kills);
        // Of a good era nothing is of interest any more.
        let _ = std::fs::remove_dir_all(&place.folder);
    }
    let _ = std::fs::remove_dir(&root);
    // Past the harness, so that it is told when all is well too.
    let _ = writeln!(std::io::stderr(), "{}\ndone/refused {}", all.summary(), all.findings.kinds());
    for store in all.by_store {
        assert!(store.kills * 4 >= all.kills, "one store was hardly killed: {:?}", all.by_store);
        assert!(store.switches > 0, "one store never switched under load: {:?}", all.by_store);
    }
}

impl Loop {
    /// One data directory, to its end or until so many kills are done; at least one of them under load.
    fn era(&mut self, place: &Place, kills: u64) {
        let (kills, mut over) = (self.kills + kills, Vec::new());
        self.kill_starting(place);
        let mut server = self.start(place);
        for _ in 0..CHAPTERS_OF_ERA {
            let mut chapter = Chapter::new(self.chapters, CLIENTS);
            self.chapters += 1;
            chapter.skus.put(&mut Wire::to(server.address));
            for round in 0..ROUNDS_OF_CHAPTER {
                let to_switch = over.is_empty() && round == 0;
                server = self.round(place, server, &mut chapter, &mut over, to_switch);
                if self.kills >= kills {
                    break;
                }
            }
            over.push(chapter);
            if self.kills >= kills {
                break;
            }
        }
        for chapter in &mut over {
            chapter.compare(server.address, &mut self.findings);
        }
        self.judge(place);
        if let Err(ended) = server.kill() {
            self.findings.wrong(ended);
        }
        self.check(place);
    }

    /// One load, one or more kills, one restart, one comparison.
    fn round(
        &mut self,
        place: &Place,
        server: Server,
        chapter: &mut Chapter,
        over: &mut [Chapter],
        to_switch: bool,
    ) -> Server {
        let seen = self.load_and_kill(place, server, chapter, to_switch);
        self.rounds += 1;
        if self.chance.one_in(4) {
            self.kill_starting(place);
        }
        if self.chance.one_in(5) {
            self.check(place);
        }
        let server = self.start(place);
        still_there(&seen, server.address, &mut self.findings);
        chapter.settle(server.address, &mut self.findings);
        chapter.compare(server.address, &mut self.findings);
        chapter.sample(server.address, &mut self.chance, 6, &mut self.findings);
        if !over.is_empty() {
            let old = self.chance.below(over.len() as u64) as usize;
            over[old].sample(server.address, &mut self.chance, 3, &mut self.findings);
        }
        self.judge(place);
        server
    }

    /// Kills it after a while, or as soon as its log switched.
    fn load_and_kill(&mut self, place: &Place, server: Server, chapter: &mut Chapter, to_switch: bool) -> Vec<Seen> {
        let round = Round {
            number: self.rounds,
            address: server.address,
            skus: chapter.skus.clone(),
            is_heavy: to_switch || self.chance.one_in(2),
            rumours: Mutex::new(VecDeque::new()),
            is_over: AtomicBool::new(false),
        };
        let later = Duration::from_millis(self.chance.within(5, self.kill_ms_max));
        let in_order = self.chance.one_in(6);
        let closing = Duration::from_millis(self.chance.within(0, STOPPING_MS_MAX));
        let (seed, number, mut switched) = (self.seed, self.rounds, 0);
        let ended = thread::scope(|scope| {
            let round = &round;
            let one = |(at, book)| {
                let chance = Chance::of(seed, &[1, number, at]);
                scope.spawn(move || Client::new(round, at, chance, book).run())
            };
            let clients: Vec<_> = (0..).zip(&mut chapter.books).map(one).collect();
            if to_switch {
                switched = switches_within(SWITCH_MAX, server.address);
            }
            thread::sleep(if to_switch { closing } else { later });
            let killed = if in_order { server.stop_and_kill(closing) } else { server.kill() };
            round.is_over.store(true, Ordering::Relaxed);
            let told: Vec<_> = clients.into_iter().map(|client| client.join().expect("a client ends")).collect();
            (killed, told)
        });
        self.by_store[usize::from(place.plain)].switches += switched;
        self.killed(place);
        let (killed, told) = ended;
        if let Err(ended) = killed {
            self.findings.wrong(ended);
        }
        let mut seen = Vec::new();
        for (some, found) in told {
            seen.extend(some);
            self.findings.add(found);
        }
        seen
    }

    /// Starts it and kills it before it is ready, or just after, one to five times in a row.
    fn kill_starting(&mut self, place: &Place) {
        for _ in 0..self.chance.within(1, 5) {
            // Early, or anywhere in what the last start took.
            let whole = self.starts_ms.last().map_or(STARTING_MS_MAX, |ms| *ms as u64);
            let latest = if self.chance.one_in(2) { STARTING_MS_MAX } else { whole };
            place.start_and_kill(Duration::from_millis(self.chance.below(latest + 1)));
            self.killed(place);
            self.in_recovery += 1;
        }
    }

    fn killed(&mut self, place: &Place) {
        self.kills += 1;
        self.by_store[usize::from(place.plain)].kills += 1;
    }

    fn start(&mut self, place: &Place) -> Server {
        let server = place.serve();
        self.starts_ms.push(server.start.as_millis());
        if server.start > START_MAX {
            self.findings.wrong(format!("the start took {:?}", server.start));
        }
        server
    }

    fn check(&mut self, place: &Place) {
        if let Some(found) = place.check() {
            self.findings.wrong(format!("ordain check: {found}"));
        }
    }

    fn judge(&self, place: &Place) {
        assert!(
            self.findings.is_clean(),
            "{}\nround {}, data in {}\n{}\n",
            self.summary(),
            self.rounds,
            place.folder.display(),
            self.findings.told()
        );
    }

    fn summary(&self) -> String {
        let mut starts = self.starts_ms.clone();
        starts.sort_unstable();
        let (median, max) = (starts.get(starts.len() / 2).unwrap_or(&0), starts.last().unwrap_or(&0));
        let [sled, plain] = self.by_store;
        let Findings { lost, oversold, wrong, acknowledged, unknown, .. } = &self.findings;
        format!(
            "kill seed={} kills={} on_sled={} on_plain={} switches={} in_recovery={} acknowledged={acknowledged} unknown={unknown} lost={lost} \
             oversold={oversold} wrong={wrong} restart_ms_median={median} restart_ms_max={max}",
            self.seed,
            self.kills,
            sled.kills,
            plain.kills,
            sled.switches + plain.switches,
            self.in_recovery
        )
    }
}

/// How often the log of a server switches, asked until it did or for so long.
fn switches_within(longest: Duration, address: SocketAddr) -> u64 {
    let (began, mut wire) = (Instant::now(), Wire::to(address));
    let mut before = None;
    while began.elapsed() < longest {
        let now = switches(&wire.ask(&Request::get("/metrics")).expect("nobody kills the server yet").body);
        let switched = now - *before.get_or_insert(now);
        if switched > 0 {
            return switched;
        }
    }
    0
}

/// Generations sealed and snapshots made by a server, from what it counts.
fn switches(metrics: &Value) -> u64 {
    let metrics = metrics.as_str().unwrap_or_default();
    let count = |name: &str| -> u64 {
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} is counted"))
    };
    count("ordain_journal_generations_sealed_total") + count("ordain_journal_snapshots_total")
}
