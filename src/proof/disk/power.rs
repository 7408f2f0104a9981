//! Power goes: every image that a recorded journal could have left opens with everything acknowledged.
//!
//! A recording is three processes in one folder, each ending without closing, so that the second and third recover what
//! the page cache kept and power may go while they do. From each recording some hundred images are judged: one for every
//! kind of rare step (the calls of generation switch, sealing, snapshot, history, retiring, creation, recovery), then
//! points at random, half of them rare.
//!
//! The last line of a run is for the ledger:
//! `images store=sled seed=1 images=500 lost=0 torn=0 unopened=0`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::image::{Bytes, Choice, Image};
use super::judge::{APPENDED, Finding, States, judge};
use super::preload::Word;
use super::recorder::{Recording, folder};
use super::trace::{Step, Trace};
use super::writer::{self, DONE, Plan, Upkeep, name};
use super::{Dice, crew, setting};
use crate::journal::{Options, StoreKind};

/// Images of one recording.
const IMAGES_PER_TRACE: u64 = 250;

/// A sync takes a while, so that what is done meanwhile is seen to be done meanwhile.
const SYNC_US: u64 = 100;

/// So many findings are shown; the rest are counted.
const FINDINGS_SHOWN: usize = 3;

/// What is asked of an image: the whole of a data directory below its root.
pub(super) type Judge = dyn Fn(&Path, usize) -> Result<(), Finding> + Send + Sync;

/// What judges found.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) images: u64,
    lost: u64,
    torn: u64,
    unopened: u64,
    /// Images in which nothing was wrong.
    spared: Vec<String>,
    /// The first of them, with what makes it again.
    pub(super) findings: Vec<String>,
}

impl Tally {
    pub(super) fn flagged(&self) -> u64 {
        self.lost + self.torn + self.unopened
    }

    fn count(&mut self, choice: &Choice, judged: Result<(), Finding>) {
        self.images += 1;
        let Err(finding) = judged else {
            self.spared.push(choice.to_string());
            return;
        };
        match finding {
            Finding::Lost(_) => self.lost += 1,
            Finding::Torn(_) => self.torn += 1,
            Finding::Unopened(_) => self.unopened += 1,
        }
        if self.findings.len() < FINDINGS_SHOWN {
            self.findings.push(format!("{choice}: {finding:?}"));
        }
    }

    fn add(&mut self, other: Tally) {
        self.images += other.images;
        self.lost += other.lost;
        self.torn += other.torn;
        self.unopened += other.unopened;
        self.findings.extend(other.findings);
    }

    /// Prints the line for the ledger, and fails if anything was found.
    pub(super) fn settle(&self, subject: &str, seed: u64) {
        let Tally { images, lost, torn, unopened, findings, .. } = self;
        println!("images store={subject} seed={seed} images={images} lost={lost} torn={torn} unopened={unopened}");
        assert!(findings.is_empty(), "{subject}, seed {seed}:\n{}", findings.join("\n"));
    }
}

/// Points of a trace where power goes: each kind of rare step once, then at random, half of them rare.
pub(super) fn points(trace: &Trace, count: u64, dice: &mut Dice) -> Vec<Choice> {
    let mut rare = trace.rare();
    // Which of its kind a step is differs from seed to seed.
    for at in (1..rare.len()).rev() {
        rare.swap(at, dice.below(at as u64 + 1) as usize);
    }
    let mut kinds = HashSet::new();
    let mut points: Vec<usize> = rare.iter().copied().filter(|at| kinds.insert(kind(trace, *at))).collect();
    while (points.len() as u64) < count {
        points.push(match dice.below(2) {
            0 => rare[dice.below(rare.len() as u64) as usize],
            _ => dice.below(trace.steps.len() as u64 + 1) as usize,
        });
    }
    points.truncate(count as usize);
    // Power goes before the step or just after it.
    points.iter().map(|at| Choice::draw((at + dice.below(2) as usize).min(trace.steps.len()), dice.next())).collect()
}

/// What a step does to what, numbers aside.
fn kind(trace: &Trace, at: usize) -> String {
    let (what, path) = match &trace.steps[at] {
        Step::Write { file, .. } => ("write", &trace.paths[*file]),
        Step::Length { file, .. } => ("length", &trace.paths[*file]),
        Step::Link { node, .. } => ("link", &trace.paths[*node]),
        Step::Unlink { folder, name } => {
            return format!("unlink {} {name}", trace.paths[*folder]).replace(is_digit, "");
        }
        Step::Rename { folder, to, .. } => {
            return format!("rename {} {to}", trace.paths[*folder]).replace(is_digit, "");
        }
        Step::SyncBegin { node, .. } => ("sync", &trace.paths[*node]),
        Step::SyncEnd { node, .. } => ("synced", &trace.paths[*node]),
        Step::Start | Step::Ack(_) => return String::new(),
    };
    // Snapshots and copies of sled's are named after positions in hexadecimal, so their kind is their folder.
    format!("{what} {path}").replace(is_digit, "")
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Judges images of a trace, to the first finding or to the end.
pub(super) fn judge_all(trace: Arc<Trace>, choices: Vec<Choice>, to_the_end: bool, judge: Arc<Judge>) -> Tally {
    let mut tally = Tally::default();
    let count = choices.len();
    let work = move |at: usize| {
        let (disk, choice) = (folder(), choices[at]);
        Image::of(&trace, &choice).write_to(disk.path()).expect("the image is written");
        (choice, judge(disk.path(), choice.point))
    };
    crew::work(count, work, |(choice, judged)| {
        tally.count(&choice, judged);
        to_the_end || tally.flagged() == 0
    });
    tally
}

/// Processes one after another in one folder. With `ORDAIN_TRACE`, the trace in that file instead: which records share a
/// group is up to the threads, so a trace in which something was found is kept beside the test binary.
fn record(store: StoreKind, seed: u64, processes: u64) -> Recording {
    let recording = Recording::new();
    recording.set(Word::SyncMicroseconds, SYNC_US);
    for process in 0..processes {
        let upkeep = if (seed + process) % 3 == 2 { Upkeep::Background } else { Upkeep::Writer };
        let plan = Plan { seed: seed * 3 + process, store, openings: 2, groups: 25, upkeep, generation_bytes: 4 << 10 };
        let (code, said) = plan.run(&recording);
        assert_eq!(code, DONE, "store {}, seed {seed}, process {process}: {said}", name(store));
    }
    recording
}

fn options(store: StoreKind) -> Options {
    writer::options(store, 4 << 10, false)
}

/// The judge of journals.
fn of_journals(trace: &Arc<Trace>, store: StoreKind) -> Arc<Judge> {
    let trace = trace.clone();
    let states = States::up_to(trace.acknowledged(trace.steps.len()) + 2_000 + APPENDED);
    Arc::new(move |disk, point| judge(&disk.join("data"), &options(store), trace.acknowledged(point), &states))
}

fn attack(store: StoreKind) {
    let (seed, images) = (setting("ORDAIN_SEED", 1), setting("ORDAIN_IMAGES", 1_200) / 2);
    let mut tally = Tally::default();
    while tally.images < images && tally.flagged() == 0 {
        let seed = seed + tally.images / IMAGES_PER_TRACE;
        let recording = record(store, seed, 3);
        let trace = Arc::new(recording.trace());
        let choices = points(&trace, IMAGES_PER_TRACE.min(images - tally.images), &mut Dice::new(seed));
        let found = judge_all(trace.clone(), choices, false, of_journals(&trace, store));
        tally.add(found);
        if tally.flagged() > 0 {
            let kept = recording.keep(&format!("{}-{seed}", name(store)));
            tally.findings.push(format!("judge it again with ORDAIN_TRACE={} ORDAIN_SEED={seed}", kept.display()));
        }
    }
    tally.settle(name(store), seed);
}

#[test]
fn acknowledged_survives_any_loss_of_power_on_sled() {
    attack(StoreKind::Sled);
}

#[test]
fn acknowledged_survives_any_loss_of_power_on_plain_files() {
    attack(StoreKind::Plain);
}

/// Before and after every call of the rare paths in one recording, each a disk of its own. `ORDAIN_RARE_EVERY` takes every
/// n-th call only (default 24, from a place that the seed says); 1 takes all.
fn attack_rare_calls(store: StoreKind) {
    let (seed, every) = (setting("ORDAIN_SEED", 1), setting("ORDAIN_RARE_EVERY", 24).max(1));
    let recording = record(store, seed, 3);
    let trace = Arc::new(recording.trace());
    let (rare, mut dice) = (trace.rare(), Dice::new(seed));
    let taken = rare.iter().skip((seed % every) as usize).step_by(every as usize);
    let around = taken.flat_map(|at| [*at, (at + 1).min(trace.steps.len())]);
    let choices = around.map(|point| Choice::draw(point, dice.next())).collect();
    let mut tally = judge_all(trace.clone(), choices, false, of_journals(&trace, store));
    if tally.flagged() > 0 {
        let kept = recording.keep(&format!("rare-{}-{seed}", name(store)));
        tally.findings.push(format!("judge it again with ORDAIN_TRACE={} ORDAIN_SEED={seed}", kept.display()));
    }
    println!("rare calls of {}: {} of {} taken", name(store), rare.len() as u64 / every, rare.len());
    tally.settle(&format!("{}-rare", name(store)), seed);
}

#[test]
fn acknowledged_survives_a_loss_of_power_around_rare_calls_on_sled() {
    attack_rare_calls(StoreKind::Sled);
}

#[test]
fn acknowledged_survives_a_loss_of_power_around_rare_calls_on_plain_files() {
    attack_rare_calls(StoreKind::Plain);
}

/// How many disks are drawn without the sync.
const UNSYNCED_IMAGES: usize = 100;

/// Drawn as the attack draws. One mode in nine keeps every byte and takes back file sizes alone. Sled gives a file its size
/// when it opens it: of sled nothing is missing on such a disk, so nothing can be found.
#[test]
fn without_the_sync_every_disk_on_which_bytes_are_missing_is_flagged_but_one_in_ten() {
    for store in [StoreKind::Sled, StoreKind::Plain] {
        let mut recording = Recording::new();
        recording.sabotage = Some("no-fdatasync");
        // Nothing is closed here: closing would sync.
        let plan = Plan { seed: 1, store, openings: 1, groups: 60, upkeep: Upkeep::Nobody, generation_bytes: 1 << 20 };
        assert_eq!(plan.run(&recording).0, DONE);
        let trace = Arc::new(recording.trace());
        let mut acks = trace.steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Ack(_)));
        let (from, _) = acks.nth(10).expect("it acknowledged");
        let (mut dice, span) = (Dice::new(7), (trace.steps.len() - from) as u64);
        let drawn = std::iter::repeat_with(|| Choice::draw(from + dice.below(span) as usize, dice.next()));
        let mut by_mode: BTreeMap<String, Vec<Choice>> = BTreeMap::new();
        drawn.take(UNSYNCED_IMAGES).for_each(|choice| {
            by_mode.entry(format!("{:?}", choice.bytes)).or_default().push(choice);
        });
        let (mut all, mut missing) = (0, (0, 0));
        for (mode, choices) in by_mode {
            let tally = judge_all(trace.clone(), choices, true, of_journals(&trace, store));
            let (flagged, images) = (tally.flagged(), tally.images);
            println!("{} {mode}: {flagged} of {images} flagged without the sync, not {:?}", name(store), tally.spared);
            all += flagged;
            if mode != format!("{:?}", Bytes::OldLengths) {
                missing = (missing.0 + flagged, missing.1 + images);
            }
        }
        let (flagged, images) = missing;
        println!("{}: {all} of {UNSYNCED_IMAGES} flagged, {flagged} of {images} with bytes missing", name(store));
        assert!(flagged * 10 >= images * 9, "{flagged} of {images} with bytes missing");
        let percent = if store == StoreKind::Sled { 80 } else { 90 };
        assert!(all * 100 >= UNSYNCED_IMAGES as u64 * percent, "{all} of {UNSYNCED_IMAGES}");
    }
}

/// The images are only as good as the recorder: with everything applied they are the folder itself.
#[test]
fn everything_recorded_is_the_folder_itself() {
    for store in [StoreKind::Sled, StoreKind::Plain] {
        let recording = Recording::new();
        for seed in 0..2 {
            let plan = Plan { store, seed, openings: 2, groups: 20, upkeep: Upkeep::Writer, generation_bytes: 4 << 10 };
            let (code, said) = plan.run(&recording);
            assert_eq!(code, DONE, "{said}");
        }
        let (trace, disk) = (recording.trace(), folder());
        Image::of(&trace, &Choice::everything(trace.steps.len())).write_to(disk.path()).expect("the image is written");
        let (made, real) = (contents(&disk.path().join("data")), contents(&recording.data()));
        let names = |all: &[(String, Vec<u8>)]| all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&made), names(&real));
        for ((path, made), (_, real)) in made.iter().zip(&real) {
            assert!(made == real, "{path} differs");
        }
    }
}

/// Every file and folder with what is in it, by path.
fn contents(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).expect("a folder") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(contents(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
            found.push((name + "/", Vec::new()));
        } else {
            found.push((name, std::fs::read(&path).expect("readable")));
        }
    }
    found.sort();
    found
}
