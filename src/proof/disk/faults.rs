//! Calls that fail: every sync, many writes and reads, and a disk that is full.
//!
//! Each attempt is a process of its own with one call made to fail. Laws: after a sync that failed nothing is
//! acknowledged that it should have covered, no other sync of that file is tried, the process ends by itself, and what
//! was acknowledged is there afterwards: on the disk as it is, and on one that dropped what the failed sync covered.
//! A byte that cannot be read while recovering refuses the start, and its directory is unharmed.
//!
//! `ORDAIN_SYNCS` says up to which sync they are made to fail, `ORDAIN_SYNCS_EVERY` which of them (every third by default,
//! from a place that the seed says; 1 takes all); `ORDAIN_WRITES`, `ORDAIN_READS` and `ORDAIN_FULL` say how many of the others. `ORDAIN_SEED` says what the processes write, where calls fail, and which disk is looked at.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::image::{Choice, Image};
use super::judge::{APPENDED, States, judge};
use super::preload::{EIO, FULL, INTERRUPTED, SHORT, Word};
use super::recorder::{Recording, folder};
use super::trace::{Step, Trace};
use super::writer::{self, DISK, DONE, POISONED, Plan, STUCK, Upkeep, name};
use super::{Dice, crew, setting};
use crate::journal::tests::copy_folder;
use crate::journal::{Options, StoreKind};

const GENERATION_BYTES: u64 = 8 << 10;

/// About what a short run writes before it is opened again.
const EARLY_BYTES: u64 = 300_000;

/// Which records share a sync is up to the threads: by so many may one run have fewer than another.
const SYNCS_SPARE: u64 = 100;

/// A short run, for what is tried at many places.
fn short(store: StoreKind) -> Plan {
    let (seed, upkeep) = (seed(), Upkeep::Writer);
    Plan { store, seed, openings: 2, groups: 25, upkeep, generation_bytes: GENERATION_BYTES }
}

fn seed() -> u64 {
    setting("ORDAIN_SEED", 1)
}

/// One of every so many places, by chance.
fn place(at: usize, runs: u64, places: u64) -> u64 {
    let (from, to) = (places * at as u64 / runs, places * (at as u64 + 1) / runs);
    from + Dice::new(seed() << 16 | at as u64).below(to - from)
}

fn options(store: StoreKind) -> Options {
    writer::options(store, GENERATION_BYTES, false)
}

/// Runs attempts and fails with the first that breaks a law; returns how often each exit code came.
fn all(count: usize, attempt: impl Fn(usize) -> Result<i32, String> + Send + Sync + 'static) -> Vec<(i32, usize)> {
    let (mut codes, mut broken) = (Vec::<(i32, usize)>::new(), Vec::new());
    crew::work(count, attempt, |outcome| {
        match outcome {
            Ok(code) => match codes.iter_mut().find(|(known, _)| *known == code) {
                Some((_, times)) => *times += 1,
                None => codes.push((code, 1)),
            },
            Err(what) => broken.push(what),
        }
        broken.is_empty()
    });
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    codes.sort_unstable();
    codes
}

/// What a run without faults counts.
fn counted(plan: Plan, word: Word) -> (u64, u64) {
    let mut recording = Recording::new();
    recording.traced = false;
    let (code, said) = plan.run(&recording);
    assert_eq!(code, DONE, "{said}");
    (recording.word(word), recording.acknowledged())
}

/// A run of more syncs than are made to fail, whatever the seed, and what it acknowledges.
fn long(store: StoreKind, wanted: u64) -> (Plan, u64) {
    for openings in 2..3 + wanted / 10 {
        let plan = Plan { openings, groups: 90, ..short(store) };
        let (syncs, acknowledged) = counted(plan, Word::SyncCount);
        if syncs >= wanted + SYNCS_SPARE {
            return (plan, acknowledged);
        }
    }
    panic!("no run has {wanted} syncs");
}

fn fail_each_sync(store: StoreKind) {
    let (wanted, every, seed) = (setting("ORDAIN_SYNCS", 500), setting("ORDAIN_SYNCS_EVERY", 3).max(1), seed());
    let taken: Vec<u64> = (1 + seed % every..=wanted).step_by(every as usize).collect();
    let runs = taken.len();
    let (plan, acknowledged) = long(store, wanted);
    let states = Arc::new(States::up_to(acknowledged + 2_000 + APPENDED));
    let codes = all(runs, move |at| {
        let nth = taken[at];
        let recording = Recording::new();
        recording.set(Word::SyncAt, nth);
        let (code, said) = plan.run(&recording);
        let trace = recording.trace();
        let context = |what: &str| format!("{}, seed {seed}, sync {nth}: {what}; {said}", name(store));
        if ![DONE, POISONED, DISK].contains(&code) {
            return Err(context(&format!("the process ended with {code}")));
        }
        let fired = recording.word(Word::Fired);
        if fired != 1 {
            return Err(context(&format!("{fired} syncs failed")));
        }
        check_stop(&trace, code).map_err(|what| context(&what))?;
        let acknowledged = trace.acknowledged(trace.steps.len());
        // One disk kept what the failed sync covered, the next one dropped it; the other way round with the next seed.
        let (disk, end) = (folder(), trace.steps.len());
        let (what, root) = if (nth + seed).is_multiple_of(2) {
            ("kept", recording.data())
        } else {
            Image::of(&trace, &Choice::durable(end)).write_to(disk.path()).expect("the image is written");
            ("dropped", disk.path().join("data"))
        };
        let judged = judge(&root, &options(store), acknowledged, &states);
        judged.map(|()| code).map_err(|finding| context(&format!("{what}: {finding:?}")))
    });
    println!("faults store={} kind=sync seed={seed} runs={runs} ends={codes:?}", name(store));
    assert!(codes.iter().any(|(code, times)| *code == POISONED && *times > runs / 10), "{codes:?}");
}

/// What the trace of a failed sync must show.
fn check_stop(trace: &Trace, code: i32) -> Result<(), String> {
    let failed = trace.steps.iter().position(|step| matches!(step, Step::SyncEnd { ok: false, .. }));
    let Some(failed) = failed else { return Ok(()) };
    let Step::SyncEnd { node, .. } = trace.steps[failed] else { return Ok(()) };
    let path = &trace.paths[node];
    if code == DONE && path.ends_with("/MARK") {
        return Err(format!("the sync of {path} failed and the process went on"));
    }
    // One that covered nothing cannot have dropped anything, and a folder has nothing to drop.
    let covered = trace.steps.iter().enumerate().any(|(at, step)| match step {
        Step::Write { file, .. } | Step::Length { file, .. } => *file == node && trace.forsaken[at],
        _ => false,
    });
    if !covered {
        return Ok(());
    }
    for step in &trace.steps[failed + 1..] {
        match step {
            // Begun anew from nothing: what was dropped is written again.
            Step::Length { file, length: 0 } if *file == node => return Ok(()),
            Step::SyncBegin { node: again, .. } if *again == node => {
                return Err(format!("the sync of {path} failed and was tried again"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn no_failed_sync_is_tried_again_and_nothing_is_lost_on_sled() {
    fail_each_sync(StoreKind::Sled);
}

#[test]
fn no_failed_sync_is_tried_again_and_nothing_is_lost_on_plain_files() {
    fail_each_sync(StoreKind::Plain);
}

#[test]
fn a_write_that_fails_stops_the_process_and_one_that_is_short_or_interrupted_is_completed() {
    for store in [StoreKind::Sled, StoreKind::Plain] {
        let (writes, acknowledged) = counted(short(store), Word::WriteCount);
        let states = Arc::new(States::up_to(acknowledged + 2_000 + APPENDED));
        for (kind, word) in [(EIO, "eio"), (FULL, "full"), (SHORT, "short"), (INTERRUPTED, "interrupted")] {
            let (states, runs) = (states.clone(), setting("ORDAIN_WRITES", 25));
            let codes = all(runs as usize, move |at| {
                let nth = 1 + place(at, runs, writes);
                let mut recording = Recording::new();
                recording.traced = false;
                recording.set(Word::WriteAt, nth);
                recording.set(Word::WriteKind, kind);
                let (code, said) = short(store).run(&recording);
                let context =
                    |what: &str| format!("{}, seed {}, {word} at write {nth}: {what}; {said}", name(store), seed());
                let expected: &[i32] = if kind >= SHORT && kind != FULL { &[DONE] } else { &[DONE, POISONED, DISK] };
                if !expected.contains(&code) {
                    return Err(context(&format!("the process ended with {code}")));
                }
                let judged = judge(&recording.data(), &options(store), recording.acknowledged(), &states);
                judged.map(|()| code).map_err(|finding| context(&format!("{finding:?}")))
            });
            println!("faults store={} kind={word} seed={} runs={runs} ends={codes:?}", name(store), seed());
            let stopped = codes.iter().any(|(code, _)| *code == POISONED);
            assert_eq!(stopped, kind == EIO || kind == FULL, "{word}: {codes:?}");
        }
    }
}

/// A directory as a process left it that ended suddenly, to be copied for every attempt.
fn left(store: StoreKind) -> Recording {
    let left = Recording::new();
    let (code, said) = short(store).run(&left);
    assert_eq!(code, DONE, "{said}");
    left
}

fn copy(left: &Recording) -> Recording {
    let mut recording = Recording::new();
    recording.traced = false;
    copy_folder(&left.data(), &recording.data()).expect("it can be copied");
    recording
}

/// Opens the directory and nothing else.
fn only_open(store: StoreKind) -> Plan {
    Plan { openings: 1, groups: 0, ..short(store) }
}

#[test]
fn a_byte_that_cannot_be_read_refuses_the_start_and_harms_nothing() {
    for store in [StoreKind::Sled, StoreKind::Plain] {
        let left = Arc::new(left(store));
        let acknowledged = left.acknowledged();
        let states = Arc::new(States::up_to(acknowledged + 2_000 + APPENDED));
        let mut files = Vec::new();
        files_below(&left.data(), Path::new(""), &mut files);
        let runs = setting("ORDAIN_READS", 80) as usize;
        let codes = all(runs, move |at| {
            let mut dice = Dice::new(seed() << 16 | at as u64);
            let recording = copy(&left);
            let file = &files[(at + seed() as usize) % files.len()];
            let about = fs::metadata(recording.data().join(file)).map_err(|error| error.to_string())?;
            let offset = dice.below(about.len().min(GENERATION_BYTES));
            recording.set(Word::BadInode, about.ino());
            recording.set(Word::BadOffset, offset);
            let (code, said) = only_open(store).run(&recording);
            let context =
                |what: &str| format!("{}, seed {}, byte {offset} of {file:?}: {what}; {said}", name(store), seed());
            if ![DONE, DISK].contains(&code) {
                return Err(context(&format!("the process ended with {code}")));
            }
            recording.set(Word::BadInode, 0);
            let judged = judge(&recording.data(), &options(store), acknowledged, &states);
            judged.map(|()| code).map_err(|finding| context(&format!("{finding:?}")))
        });
        println!("faults store={} kind=read-eio seed={} runs={runs} ends={codes:?}", name(store), seed());
        assert!(codes.iter().any(|(code, times)| *code == DISK && *times > runs / 4), "{codes:?}");
    }
}

/// Every file that is not empty.
fn files_below(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root.join(folder)).expect("a folder") {
        let path = folder.join(entry.expect("readable").file_name());
        let about = fs::metadata(root.join(&path)).expect("readable");
        if about.is_dir() {
            files_below(root, &path, found);
        } else if about.len() > 0 {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn a_read_that_is_short_while_recovering_is_completed() {
    for store in [StoreKind::Sled, StoreKind::Plain] {
        let left = Arc::new(left(store));
        let acknowledged = left.acknowledged();
        let states = Arc::new(States::up_to(acknowledged + 2_000 + APPENDED));
        let whole = copy(&left);
        assert_eq!(only_open(store).run(&whole).0, DONE);
        let reads = whole.word(Word::ReadCount);
        let runs = reads.min(setting("ORDAIN_READS", 80) / 2);
        let codes = all(runs as usize, move |at| {
            let nth = 1 + place(at, runs, reads);
            let recording = copy(&left);
            recording.set(Word::ReadAt, nth);
            let (code, said) = only_open(store).run(&recording);
            let context = |what: &str| format!("{}, seed {}, short at read {nth}: {what}; {said}", name(store), seed());
            if code != DONE {
                return Err(context(&format!("the process ended with {code}")));
            }
            let judged = judge(&recording.data(), &options(store), acknowledged, &states);
            judged.map(|()| code).map_err(|finding| context(&format!("{finding:?}")))
        });
        println!("faults store={} kind=read-short seed={} runs={runs} of={reads} ends={codes:?}", name(store), seed());
    }
}

#[test]
fn a_full_disk_stops_the_process_and_loses_nothing() {
    for store in [StoreKind::Sled, StoreKind::Plain] {
        let runs = setting("ORDAIN_FULL", 30);
        let mut recording = Recording::new();
        recording.traced = false;
        recording.set(Word::Capacity, u64::MAX >> 1);
        assert_eq!(short(store).run(&recording).0, DONE);
        let (used, acknowledged) = (recording.word(Word::Used), recording.acknowledged());
        let states = Arc::new(States::up_to(2 * acknowledged + 4_000 + APPENDED));
        let codes = all(runs as usize, move |at| {
            // Half of them early, where no start has come yet: what sled writes at a start dwarfs the rest.
            let capacity = 1 + place(at, runs, if at % 2 == 0 { used } else { EARLY_BYTES.min(used) });
            let mut recording = Recording::new();
            recording.traced = false;
            recording.set(Word::Capacity, capacity);
            let (code, said) = short(store).run(&recording);
            let context =
                |what: &str| format!("{}, seed {}, room for {capacity} bytes: {what}; {said}", name(store), seed());
            if ![DONE, POISONED, DISK, STUCK].contains(&code) {
                return Err(context(&format!("the process ended with {code}")));
            }
            let before = recording.acknowledged();
            // Space is made.
            recording.set(Word::Capacity, 0);
            let (again, said) = Plan { openings: 1, groups: 5, ..short(store) }.run(&recording);
            if again != DONE || recording.acknowledged() <= before {
                return Err(context(&format!("afterwards it ended with {again}: {said}")));
            }
            let judged = judge(&recording.data(), &options(store), recording.acknowledged(), &states);
            judged.map(|()| code).map_err(|finding| context(&format!("{finding:?}")))
        });
        println!("faults store={} kind=capacity seed={} runs={runs} ends={codes:?}", name(store), seed());
        assert!(codes.iter().any(|(code, _)| *code == POISONED || *code == DISK), "{codes:?}");
    }
}
