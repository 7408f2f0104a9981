//! The disk fails under a server that sells: those in flight are told that nobody knows, it ends by itself, and on a disk
//! that works again everything it acknowledged is there.
//!
//! ```text
//! sync-eio     the n-th sync from now says EIO
//! write-full   the n-th write from now says ENOSPC
//! full         so many bytes fit, and no more
//! ```
//! The calls are made to fail inside the process by `src/proof/disk/recorder.c`; which one, by chance from `ORDAIN_SEED`.
//! `ORDAIN_SERVED_FAULTS` says how often each. Clients and comparison are those of the kills. The log is in its first
//! generation all the time, so every call that fails is one that answers wait for.
//!
//! Bounds: a server that does not end is ended by the recorder, by a signal, and that is a failure. Not here: a disk that
//! also drops what the failed sync covered (`proof::disk::faults`, on the journal alone).

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;

use crate::chance::Chance;
use crate::chapter::{Chapter, still_there};
use crate::client::{CLIENTS, Client, Round, Seen};
use crate::findings::Findings;
use crate::loops::{folder, setting};
use crate::preload::{Control, FULL, Word};
use crate::server::{Place, START_MAX, Server};
use crate::wire::Wire;

/// More than any run here fills.
const GENERATION_MIB: u16 = 64;
/// Latest sync or write that fails.
const CALLS_MAX: u64 = 40;
/// Most room on a disk that gets full, KiB.
const ROOM_KIB_MAX: u64 = 400;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Sync,
    Write,
    Full,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync-eio",
            Self::Write => "write-full",
            Self::Full => "full",
        }
    }

    /// From now on something fails soon.
    fn arm(self, control: &Control, chance: &mut Chance) {
        // Not the very next call: it may be under way while this is written.
        let later = |count: Word, chance: &mut Chance| control.word(count) + chance.within(3, CALLS_MAX);
        match self {
            Self::Sync => control.set(Word::SyncAt, later(Word::SyncCount, chance)),
            Self::Write => {
                control.set(Word::WriteKind, FULL);
                control.set(Word::WriteAt, later(Word::WriteCount, chance));
            }
            Self::Full => {
                control.set(Word::Capacity, control.word(Word::Used) + (chance.within(1, ROOM_KIB_MAX) << 10));
            }
        }
    }
}

/// Clients at work until the server is gone; what they saw, and what was wrong at once.
fn load(server: &Server, chapter: &mut Chapter, chance: &mut Chance, is_heavy: bool) -> (Vec<Seen>, Findings) {
    let round = Round {
        number: 0,
        address: server.address,
        skus: chapter.skus.clone(),
        is_heavy,
        rumours: Mutex::new(VecDeque::new()),
        is_over: AtomicBool::new(false),
    };
    let (mut seen, mut findings) = (Vec::new(), Findings::default());
    thread::scope(|scope| {
        let round = &round;
        let one = |(at, book)| {
            let chance = Chance::of(chance.below(u64::MAX), &[at]);
            scope.spawn(move || Client::new(round, at, chance, book).run())
        };
        let clients: Vec<_> = (0..).zip(&mut chapter.books).map(one).collect();
        for client in clients {
            let (some, found) = client.join().expect("a client ends");
            seen.extend(some);
            findings.add(found);
        }
    });
    (seen, findings)
}

/// One server, one fault, one restart.
fn fail_once(place: &Place, fault: Fault, seed: u64, at: u64) -> Findings {
    let mut chance = Chance::of(seed, &[3, fault as u64, at]);
    let control = Control(place.folder.join("control"));
    control.clear();
    if fault == Fault::Full {
        // So that what is used is counted.
        control.set(Word::Capacity, u64::MAX >> 1);
    }
    let server = place.serve_on(|command| control.put_before(command, &place.data()));
    let mut chapter = Chapter::new(at, CLIENTS);
    chapter.skus.put(&mut Wire::to(server.address));
    fault.arm(&control, &mut chance);
    let (seen, mut findings) = load(&server, &mut chapter, &mut chance, fault == Fault::Full);
    let status = server.ended();
    let told = format!("{} on {}, seed {seed}, run {at}", fault.name(), place.store());
    let last_words = || place.last_words();
    assert!(control.word(Word::Fired) > 0, "{told}: nothing failed, it ended with {status}: {}", last_words());
    assert!(status.code().is_some_and(|code| code != 0), "{told}: it ended with {status}: {}", last_words());
    assert!(findings.told_unknown > 0, "{told}: nobody in flight was told: {}", last_words());

    let server = place.serve();
    assert!(server.start <= START_MAX, "{told}: the start took {:?}", server.start);
    still_there(&seen, server.address, &mut findings);
    chapter.settle(server.address, &mut findings);
    chapter.compare(server.address, &mut findings);
    chapter.sample(server.address, &mut chance, 6, &mut findings);
    assert_eq!(server.kill(), Ok(()), "{told}");
    if let Some(found) = place.check() {
        findings.wrong(format!("ordain check: {found}"));
    }
    assert!(findings.is_clean(), "{told}, data in {}\n{}", place.folder.display(), findings.told());
    findings
}

fn fail_on(plain: bool) {
    let (seed, runs) = (setting("ORDAIN_SEED", 1), setting("ORDAIN_SERVED_FAULTS", 2));
    for fault in [Fault::Sync, Fault::Write, Fault::Full] {
        let mut all = Findings::default();
        let root = folder(&format!("disk-{plain}-{}", fault.name()));
        for at in 0..runs {
            let mut place = Place::new(root.join(at.to_string()), plain);
            // The recorder knows folders by the names the system has for them.
            place.folder = place.folder.canonicalize().expect("it was just made");
            place.mib = GENERATION_MIB;
            all.add(fail_once(&place, fault, seed, at));
        }
        let _ = std::fs::remove_dir_all(&root);
        let (store, kind) = (if plain { "plain" } else { "sled" }, fault.name());
        let Findings { acknowledged, unknown, told_unknown, .. } = all;
        // Past the harness, so that it is told when all is well too.
        let _ = writeln!(
            std::io::stderr(),
            "faults store={store} kind=served-{kind} seed={seed} runs={runs} acknowledged={acknowledged} \
             unknown={unknown} told_unknown={told_unknown} lost=0"
        );
    }
}

#[test]
fn a_server_whose_disk_fails_says_so_ends_and_loses_nothing_on_sled() {
    fail_on(false);
}

#[test]
fn a_server_whose_disk_fails_says_so_ends_and_loses_nothing_on_plain_files() {
    fail_on(true);
}
