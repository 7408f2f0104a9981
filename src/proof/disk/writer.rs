//! The recorded process: it writes to a journal, tells what was acknowledged, and ends when the disk fails.
//!
//! Everything a journal does happens in a second: groups of all sizes, generations that switch, sealing, snapshots,
//! history that goes, retired generations, orderly and sudden ends, recoveries.
//!
//! Laws it holds the journal to while it runs: what it finds at a start is what the records say; numbers follow one
//! another; after a failure nothing is acknowledged, the journal says so and does not close in order.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::Dice;
use super::recorder::Recording;
use crate::domain::record::Log;
use crate::domain::state::State;
use crate::journal::tests::{draft, record};
use crate::journal::{ClockChoice, Failure, Journal, ManualClock, Options, StoreKind, Unrecovered, Workers};

/// How the process ends, as an exit code.
pub(super) const DONE: i32 = 0;
/// The journal was poisoned while it ran, and answered that the outcome is unknown.
pub(super) const POISONED: i32 = 10;
/// The disk failed while the directory was opened or closed.
pub(super) const DISK: i32 = 11;
/// The directory was refused as damaged.
pub(super) const DAMAGED: i32 = 12;

/// Upkeep failed more than once.
pub(super) const STUCK: i32 = 13;

const TOLD: &str = "ORDAIN_WRITER";

/// Who keeps house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upkeep {
    /// Nobody: one generation that grows, no snapshot.
    Nobody,
    /// The process itself, between groups.
    Writer,
    /// Threads of their own.
    Background,
}

/// What the process does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) store: StoreKind,
    pub(super) seed: u64,
    /// How often the directory is opened in this process; all but the last end in order.
    pub(super) openings: u64,
    /// Groups per opening.
    pub(super) groups: u64,
    pub(super) upkeep: Upkeep,
    pub(super) generation_bytes: u64,
}

impl Plan {
    fn told(&self) -> String {
        let Plan { store, seed, openings, groups, upkeep, generation_bytes } = self;
        format!("{} {seed} {openings} {groups} {upkeep:?} {generation_bytes}", name(*store))
    }

    fn read(told: &str) -> Plan {
        let words: Vec<&str> = told.split(' ').collect();
        let number = |at: usize| words[at].parse().expect("a number");
        Plan {
            store: if words[0] == name(StoreKind::Plain) { StoreKind::Plain } else { StoreKind::Sled },
            seed: number(1),
            openings: number(2),
            groups: number(3),
            upkeep: [Upkeep::Writer, Upkeep::Background]
                .into_iter()
                .find(|upkeep| format!("{upkeep:?}") == words[4])
                .unwrap_or(Upkeep::Nobody),
            generation_bytes: number(5),
        }
    }

    /// Runs the process under a recorder; its exit code, and what it said.
    pub(super) fn run(&self, recording: &Recording) -> (i32, String) {
        let Output { status, stderr, .. } = recording.run(NAME, TOLD, &self.told());
        (status.code().unwrap_or(-1), format!("{status}: {}", String::from_utf8_lossy(&stderr)))
    }
}

/// What a store is called in plans and in the ledger.
pub(super) fn name(store: StoreKind) -> &'static str {
    match store {
        StoreKind::Sled => "sled",
        StoreKind::Plain => "plain",
    }
}

/// A journal that switches, folds and prunes all the time.
pub(super) fn options(store: StoreKind, generation_bytes: u64, background: bool) -> Options {
    Options {
        generation_bytes,
        snapshot_bytes_min: generation_bytes / 2,
        recent_bytes: 1 << 10,
        history_bytes: 24 << 10,
        free_bytes_min: 0,
        store,
        clock: ClockChoice::Manual(ManualClock::at(1_000)),
        workers: if background { Workers::Threads } else { Workers::WriterThread },
        free_percent_min: 0,
        ..Options::default()
    }
}

const NAME: &str = "proof::disk::writer::a_process_writes_until_its_disk_fails";

#[test]
fn a_process_writes_until_its_disk_fails() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let root = PathBuf::from(std::env::var("ORDAIN_RECORD_ROOT").expect("a recorded process has a root"));
    let code = write(&Plan::read(&told), &root);
    std::process::exit(code);
}

/// What was acknowledged, told to the recorder.
struct Acks(File);

impl Acks {
    fn tell(&mut self, seq: u64) {
        self.0.write_all(format!("{seq}\n").as_bytes()).expect("the file of acknowledgements never fails");
    }
}

fn write(plan: &Plan, root: &Path) -> i32 {
    let acks = OpenOptions::new().append(true).create(true).open(root.join("ACKS")).expect("the root is writable");
    let (mut acks, mut dice) = (Acks(acks), Dice::new(plan.seed));
    let mut state = State::default();
    for opening in 1..=plan.openings {
        let options = options(plan.store, plan.generation_bytes, plan.upkeep == Upkeep::Background);
        let opened = Unrecovered::open(&root.join("data"), options).and_then(Unrecovered::recover);
        let (journal, found) = match opened {
            Ok(opened) => opened,
            Err(failure) => return refusal(&failure),
        };
        (state.seq() + 1..=found.seq()).for_each(|seq| state.apply(&record(seq)).expect("every record keeps the laws"));
        assert!(found.entities() == state.entities(), "what is found is what the records say");
        for _ in 0..plan.groups {
            if !write_group(&journal, &mut dice, &mut acks) {
                return stop(&journal);
            }
            if plan.upkeep == Upkeep::Writer && dice.below(3) == 0 {
                journal.upkeep();
            }
            if plan.upkeep != Upkeep::Nobody && dice.below(40) == 0 {
                let _ = journal.snapshot_now();
            }
            if journal.is_poisoned() {
                return stop(&journal);
            }
        }
        // A call that failed once fails upkeep once; whatever fails again is stuck.
        let stuck = journal.counted().upkeep_failures > 1;
        if stuck || opening == plan.openings {
            // A sudden end: nothing is closed, nothing is dropped.
            std::mem::forget(journal);
            return if stuck { STUCK } else { DONE };
        }
        if let Err(failure) = journal.close() {
            return refusal(&failure);
        }
    }
    DONE
}

/// Appends some records and waits for all or for each; `false` if the outcome is unknown.
fn write_group(journal: &Journal, dice: &mut Dice, acks: &mut Acks) -> bool {
    let count = match dice.below(40) {
        0 => 1_500,
        1 | 2 => 60,
        _ => 1 + dice.below(5),
    };
    let first = journal.last_seq() + 1;
    for seq in first..first + count {
        let stamp = journal.append(journal.encode(&draft(seq)).expect("a small record"));
        assert_eq!(stamp.seq, seq, "numbers follow one another");
    }
    let last = first + count - 1;
    let waits = if dice.below(2) == 0 { last..=last } else { last.saturating_sub(3).max(first)..=last };
    for seq in waits {
        match journal.durable_blocking(seq, ()) {
            Ok(durable) => acks.tell(durable.seq()),
            Err(_) => return false,
        }
    }
    true
}

/// The disk failed: nothing more is acknowledged, whatever is tried.
fn stop(journal: &Journal) -> i32 {
    assert!(journal.is_poisoned(), "an unknown outcome is a poisoned journal");
    let seq = journal.append(journal.encode(&draft(journal.last_seq() + 1)).expect("a small record")).seq;
    assert!(journal.durable_blocking(seq, ()).is_err(), "nothing is acknowledged after a failure");
    assert!(matches!(journal.close(), Err(Failure::Poisoned)), "a poisoned journal does not close in order");
    POISONED
}

fn refusal(failure: &Failure) -> i32 {
    eprintln!("{failure}");
    match failure {
        Failure::Disk { .. } | Failure::InUse(_) => DISK,
        Failure::Poisoned => POISONED,
        _ => DAMAGED,
    }
}
