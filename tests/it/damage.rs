//! Every file of a data directory, damaged in every way a disk knows: refused with a message, or harmless. Never a
//! shorter history.
//!
//! A directory is written once per store and kind of stop, then copied and damaged once per trial: a flipped bit, a
//! zeroed page or sector, two swapped blocks, a cut, a stale copy of one file. What opens must hold the very state that
//! was acknowledged; what is refused must say what is damaged and what can be done. `ORDAIN_DAMAGES` sets how many trials
//! (default 1,000), `ORDAIN_SEED` the first seed; a failing one is printed.
//!
//! What is *not* here: damage by power loss and failing calls, which the journal's own proof makes below the process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use ordain::domain::item::ItemKind;
use ordain::journal::{self, Failure, Look, ManualClock, Options, StoreKind, Unrecovered, Workers, state_hash};
use ordain::pipeline::Pipeline;
use tempfile::TempDir;

use crate::shop::Shop;

const PAGE: usize = 4096;
const SECTOR: usize = 512;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % sides as u64) as usize
    }
}

fn options(store: StoreKind) -> Options {
    Options {
        generation_bytes: 6 << 10,
        snapshot_bytes_min: 4 << 10,
        snapshots_kept: 2,
        recent_bytes: 1 << 10,
        free_bytes_min: 0,
        free_percent_min: 0,
        store,
        verifier: Some(env!("CARGO_BIN_EXE_ordain").into()),
        workers: Workers::WriterThread,
        ..Options::default()
    }
}

/// A written directory, what it must hold, and an older copy of it.
struct Written {
    folder: TempDir,
    store: StoreKind,
    last_seq: u64,
    state: u128,
    files: Vec<PathBuf>,
}

impl Written {
    fn now(&self) -> PathBuf {
        self.folder.path().join("now")
    }

    fn before(&self) -> PathBuf {
        self.folder.path().join("before")
    }

    fn new(store: StoreKind, clean: bool) -> Self {
        let folder = quick_folder();
        let (root, copied) = (folder.path().join("now"), folder.path().join("read"));
        let shop = open(&root, store);
        shop.node("chicago", 41.88, -87.63);
        shop.item("mug", ItemKind::Product, &[]);
        shop.item("jug", ItemKind::Product, &[]);
        receive(&shop, 90);
        shop.ordain.journal().close().expect("closes");
        drop(shop);
        copy(&root, &folder.path().join("before"));
        let shop = open(&root, store);
        receive(&shop, 110);
        if clean {
            shop.ordain.journal().close().expect("closes");
        }
        drop(shop);
        // Opening changes a directory: what is damaged is the directory as the stop left it.
        copy(&root, &copied);
        let (last_seq, state) = opened(&copied, store).expect("an undamaged directory opens");
        fs::remove_dir_all(copied).expect("a copy can be removed");
        let mut files = Vec::new();
        list(&root, &root, &mut files);
        Self { folder, store, last_seq, state, files }
    }
}

fn open(root: &Path, store: StoreKind) -> Shop {
    let (journal, state) = Unrecovered::open(root, options(store)).expect("opens").recover().expect("recovers");
    Shop { ordain: Pipeline::start(journal, state, None), clock: ManualClock::at(0) }
}

/// Receives stock in small groups, with upkeep between them, so that every kind of file is there.
fn receive(shop: &Shop, rounds: i32) {
    for round in 0..rounds {
        shop.receive(if round % 2 == 0 { "mug" } else { "jug" }, "chicago", 1 + round % 3);
        shop.ordain.journal().upkeep();
    }
}

/// In memory where the system offers that: only what is read back matters here.
fn quick_folder() -> TempDir {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { TempDir::new_in(shared).or_else(|_| TempDir::new()) } else { TempDir::new() }
        .expect("a folder")
}

fn list(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            list(root, &path, files);
        } else if path.file_name().is_some_and(|name| name != "LOCK") {
            files.push(path.strip_prefix(root).expect("below the root").to_owned());
        }
    }
    files.sort();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).expect("a file can be copied");
        }
    }
}

fn opened(root: &Path, store: StoreKind) -> Result<(u64, u128), Failure> {
    let unrecovered = loop {
        match Unrecovered::open(root, options(store)) {
            // A process that another thread starts holds our descriptors until it is the other program.
            Err(Failure::InUse(_)) => thread::yield_now(),
            other => break other?,
        }
    };
    let (journal, state) = unrecovered.recover()?;
    Ok((journal.last_seq(), state_hash(&state)))
}

/// Damages one file; answers how, or nothing if the file stayed as it was.
fn damage(dice: &mut Dice, file: &Path, stale: &Path) -> Option<String> {
    let before = fs::read(file).expect("a file can be read");
    let mut bytes = before.clone();
    let written: Vec<usize> = (0..bytes.len().div_ceil(SECTOR))
        .filter(|sector| bytes[sector * SECTOR..].iter().take(SECTOR).any(|byte| *byte != 0))
        .collect();
    if written.is_empty() {
        return None;
    }
    // Where something is: the rest of a preallocated file may hold what it likes.
    let at = |dice: &mut Dice| written[dice.roll(written.len())] * SECTOR;
    let what = match dice.roll(8) {
        0 | 1 => {
            let byte = (at(dice) + dice.roll(SECTOR)).min(bytes.len() - 1);
            let bit = dice.roll(8);
            bytes[byte] ^= 1 << bit;
            format!("bit {bit} of byte {byte} flipped")
        }
        2 => zero(&mut bytes, at(dice) / PAGE * PAGE, PAGE),
        3 => zero(&mut bytes, at(dice), SECTOR),
        4 => {
            let (one, other) = (at(dice) / PAGE * PAGE, at(dice) / PAGE * PAGE);
            let length = PAGE.min(bytes.len() - one.max(other));
            for offset in 0..length {
                bytes.swap(one + offset, other + offset);
            }
            format!("blocks at {one} and {other} swapped")
        }
        5 => {
            let length = at(dice) + dice.roll(SECTOR);
            bytes.truncate(length);
            format!("cut to {length} bytes")
        }
        6 => {
            bytes.clear();
            "emptied".to_owned()
        }
        _ => {
            bytes = fs::read(stale).ok()?;
            "replaced by a stale copy".to_owned()
        }
    };
    if bytes == before {
        return None;
    }
    fs::write(file, &bytes).expect("a file can be written");
    Some(what)
}

fn zero(bytes: &mut [u8], at: usize, length: usize) -> String {
    let end = (at + length).min(bytes.len());
    bytes[at..end].fill(0);
    format!("bytes {at} to {end} zeroed")
}

#[derive(Default)]
struct Tally {
    refused: u64,
    harmless: u64,
}

/// One trial: damages one file and opens; a sample is also checked, and served by the command.
fn trial(written: &Written, seed: u64, tally: &mut Tally) {
    let mut dice = Dice(seed);
    let work = quick_folder();
    let root = work.path().join("work");
    copy(&written.now(), &root);
    let (file, what) = loop {
        let file = &written.files[dice.roll(written.files.len())];
        if let Some(what) = damage(&mut dice, &root.join(file), &written.before().join(file)) {
            break (file, what);
        }
    };
    let story = format!("seed {seed}, {:?}: {}: {what}", written.store, file.display());
    let sampled = dice.roll(8) == 0;
    let found = sampled.then(|| {
        let look =
            Look { root: &root, scratch: &work.path().join("scratch"), verifier: options(written.store).verifier };
        journal::check(&look).map_or(true, |report| !report.findings.is_empty())
    });
    let served = (dice.roll(16) == 0).then(|| serve(&root));
    match opened(&root, written.store) {
        Ok(held) => {
            assert_eq!(held, (written.last_seq, written.state), "{story}: something else was served");
            tally.harmless += 1;
        }
        Err(failure @ (Failure::Damaged { .. } | Failure::Newer { .. })) => {
            let text = failure.to_string();
            assert!(text.contains(';') || text.contains("newer"), "{story}: no remedy in {text:?}");
            assert_ne!(found, Some(false), "{story}: refused ({text}), and the check saw nothing");
            if let Some((code, said)) = served {
                assert_eq!(code, Some(3), "{story}: {said}");
                assert!(said.contains("damaged") || said.contains("newer"), "{story}: {said}");
            }
            tally.refused += 1;
        }
        Err(other) => panic!("{story}: {other}"),
    }
}

/// Starts the command on a copy, so that the trial itself meets the damage and not what the command made of it.
fn serve(root: &Path) -> (Option<i32>, String) {
    let copied = root.with_extension("served");
    copy(root, &copied);
    let mut server = Process::new(env!("CARGO_BIN_EXE_ordain"));
    // An address that is no place to listen: a start that succeeds ends with 1 instead of serving.
    server.args(["serve", "--listen", "203.0.113.1:1", "--data"]).arg(&copied);
    let output = server.output().expect("the command runs");
    fs::remove_dir_all(copied).expect("a copy can be removed");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn damage_of_any_file_is_refused_with_a_message_or_harmless() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |n| n.parse().expect("a number"));
    let (trials, first) = (number("ORDAIN_DAMAGES", 1_000), number("ORDAIN_SEED", 1));
    let kinds =
        [(StoreKind::Sled, true), (StoreKind::Sled, false), (StoreKind::Plain, true), (StoreKind::Plain, false)];
    let written: Vec<Written> = kinds.iter().map(|(store, clean)| Written::new(*store, *clean)).collect();
    let next = AtomicU64::new(0);
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let run = || {
            let mut tally = Tally::default();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= trials {
                    return tally;
                }
                trial(&written[(n % 4) as usize], first + n, &mut tally);
            }
        };
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a trial failed: see above")).collect()
    });
    let (refused, harmless): (u64, u64) =
        (tallies.iter().map(|t| t.refused).sum(), tallies.iter().map(|t| t.harmless).sum());
    println!("damage seed={first} trials={trials} refused={refused} harmless={harmless} silent=0");
    assert!(refused > trials / 10, "the damage reaches what matters: {refused} refused");
}
