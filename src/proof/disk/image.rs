//! The disks a loss of power could leave.
//!
//! An image is what is durable at a point of a trace, and a choice among what is not. Files and names are chosen apart:
//!
//! ```text
//! file contents  none · a prefix in order · some 4,096 byte blocks · some 512 byte blocks · all, at the old lengths · all
//! names          none · a prefix in order · all
//! ```
//! A block holds what it held after any number of the writes that touched it, never a later one without an earlier one,
//! as a page cache does. With blocks the length is the old one, the new one, or as far as what was written reaches.
//!
//! Promises: an image follows from trace, point, mode and seed. Not here: what an image must hold (`judge`).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Dice;
use super::trace::{Node, Step, Trace};

const PAGE: usize = 4096;

/// What becomes of file contents that are not durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    None,
    Prefix,
    Blocks(usize),
    OldLengths,
    All,
}

/// What becomes of names that are not durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    None,
    Prefix,
    All,
}

/// Which image of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    /// So many steps were done.
    pub(super) point: usize,
    pub(super) bytes: Bytes,
    pub(super) names: Names,
    pub(super) seed: u64,
    /// What a failed sync covered is lost for good, whatever comes later.
    pub(super) forsake: bool,
}

impl Choice {
    /// A way for power to go at a point.
    pub(super) fn draw(point: usize, seed: u64) -> Choice {
        let mut dice = Dice::new(seed);
        let bytes = match dice.below(9) {
            0 | 1 => Bytes::None,
            2 | 3 => Bytes::Prefix,
            4 | 5 => Bytes::Blocks(PAGE),
            6 | 7 => Bytes::Blocks(512),
            _ => Bytes::OldLengths,
        };
        let names = match dice.below(4) {
            0 => Names::None,
            1 | 2 => Names::Prefix,
            _ => Names::All,
        };
        Choice { point, bytes, names, seed: dice.next(), forsake: false }
    }

    /// The disk as the process saw it.
    pub(super) fn everything(point: usize) -> Choice {
        Choice { point, bytes: Bytes::All, names: Names::All, seed: 0, forsake: false }
    }

    /// What is durable and nothing else, also after a failed sync.
    pub(super) fn durable(point: usize) -> Choice {
        Choice { point, bytes: Bytes::None, names: Names::None, seed: 0, forsake: true }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Choice { point, bytes, names, seed, .. } = self;
        write!(out, "point {point}, bytes {bytes:?}, names {names:?}, seed {seed}")
    }
}

/// A disk.
pub(super) struct Image {
    folders: HashMap<Node, BTreeMap<String, Node>>,
    files: HashMap<Node, Body>,
}

#[derive(Default)]
struct Body {
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
    length: u64,
    /// Length from durable steps alone, and from all steps.
    durable_length: u64,
    full_length: u64,
}

impl Image {
    /// Makes an image of a trace.
    pub(super) fn of(trace: &Trace, choice: &Choice) -> Image {
        let mut dice = Dice::new(choice.seed);
        let open = |at: usize| trace.durable_at[at] >= choice.point;
        let (mut contents, mut names) = (0, 0);
        let mut touched: HashMap<(Node, u64), u64> = HashMap::new();
        for (at, step) in trace.steps[..choice.point].iter().enumerate().filter(|(at, _)| open(*at)) {
            match step {
                Step::Write { file, offset, bytes } => {
                    contents += 1;
                    if let Bytes::Blocks(size) = choice.bytes {
                        for block in blocks(*offset, bytes.len(), size) {
                            *touched.entry((*file, block)).or_default() += 1;
                        }
                    }
                }
                Step::Length { .. } => contents += 1,
                Step::Link { .. } | Step::Rename { .. } | Step::Unlink { .. } => names += 1,
                _ => debug_assert!(!trace.forsaken[at]),
            }
        }
        let contents_kept = match choice.bytes {
            Bytes::None => 0,
            Bytes::Prefix => dice.below(contents + 1),
            Bytes::Blocks(_) | Bytes::OldLengths | Bytes::All => contents,
        };
        let names_kept = match choice.names {
            Names::None => 0,
            Names::Prefix => dice.below(names + 1),
            Names::All => names,
        };
        let mut image = Image { folders: HashMap::from([(0, BTreeMap::new())]), files: HashMap::new() };
        // In a fixed order, so that the same seed draws the same blocks.
        let mut left: Vec<((Node, u64), u64)> = touched.into_iter().collect();
        left.sort_unstable();
        let mut left: HashMap<(Node, u64), u64> = left
            .into_iter()
            .map(|(block, writes)| {
                let kept = match dice.below(3) {
                    0 => 0,
                    1 => writes,
                    _ => dice.below(writes + 1),
                };
                (block, kept)
            })
            .collect();
        let (mut contents, mut names) = (0, 0);
        for (at, step) in trace.steps[..choice.point].iter().enumerate() {
            let durable = !open(at);
            if choice.forsake && trace.forsaken[at] {
                continue;
            }
            match step {
                Step::Write { file, offset, bytes } => {
                    let body = image.files.entry(*file).or_default();
                    let data = &trace.bytes[bytes.clone()];
                    body.full_length = body.full_length.max(offset + data.len() as u64);
                    if durable {
                        body.durable_length = body.durable_length.max(offset + data.len() as u64);
                        body.write(*offset, data);
                        continue;
                    }
                    contents += 1;
                    match choice.bytes {
                        Bytes::Blocks(size) => {
                            for block in blocks(*offset, data.len(), size) {
                                let left = left.entry((*file, block)).or_default();
                                if *left > 0 {
                                    *left -= 1;
                                    let from = offset.max(&(block * size as u64)) - offset;
                                    let to = (offset + data.len() as u64).min((block + 1) * size as u64) - offset;
                                    body.write(offset + from, &data[from as usize..to as usize]);
                                }
                            }
                        }
                        _ if contents <= contents_kept => body.write(*offset, data),
                        _ => {}
                    }
                }
                Step::Length { file, length } => {
                    let body = image.files.entry(*file).or_default();
                    body.full_length = *length;
                    if durable {
                        body.durable_length = *length;
                        body.cut(*length);
                        continue;
                    }
                    contents += 1;
                    // With blocks, what happens to the length is decided at the end.
                    if !matches!(choice.bytes, Bytes::Blocks(_)) && contents <= contents_kept {
                        body.cut(*length);
                    }
                }
                Step::Link { .. } | Step::Rename { .. } | Step::Unlink { .. } => {
                    names += u64::from(!durable);
                    if durable || names <= names_kept {
                        image.name(trace, step);
                    }
                }
                _ => {}
            }
        }
        image.settle_lengths(choice.bytes, &mut dice);
        image
    }

    fn name(&mut self, trace: &Trace, step: &Step) {
        match step {
            Step::Link { folder, name, node } => {
                if trace.folders[*node] {
                    self.folders.entry(*node).or_default();
                } else {
                    self.files.entry(*node).or_default();
                }
                self.folders.entry(*folder).or_default().insert(name.clone(), *node);
            }
            Step::Rename { folder, from, to } => {
                let names = self.folders.entry(*folder).or_default();
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
            Step::Unlink { folder, name } => {
                self.folders.entry(*folder).or_default().remove(name);
            }
            _ => {}
        }
    }

    fn settle_lengths(&mut self, bytes: Bytes, dice: &mut Dice) {
        let mut files: Vec<_> = self.files.iter_mut().collect();
        files.sort_unstable_by_key(|(node, _)| **node);
        for (_, body) in files {
            match bytes {
                Bytes::OldLengths => body.cut(body.durable_length),
                Bytes::Blocks(_) if body.full_length != body.durable_length => match dice.below(3) {
                    0 => body.cut(body.durable_length),
                    1 => body.cut(body.full_length),
                    _ => {}
                },
                _ => {}
            }
        }
    }

    /// Writes the disk below a folder, which must be empty or missing.
    pub(super) fn write_to(&self, root: &Path) -> io::Result<()> {
        self.write_folder(0, root)
    }

    fn write_folder(&self, folder: Node, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)?;
        for (name, node) in self.folders.get(&folder).into_iter().flatten() {
            let path = path.join(name);
            match self.files.get(node) {
                Some(body) if !self.folders.contains_key(node) => body.write_file(&path)?,
                _ => self.write_folder(*node, &path)?,
            }
        }
        Ok(())
    }
}

impl Body {
    fn write(&mut self, offset: u64, mut data: &[u8]) {
        let mut at = offset;
        self.length = self.length.max(offset + data.len() as u64);
        while !data.is_empty() {
            let (page, from) = (at / PAGE as u64, (at % PAGE as u64) as usize);
            let size = data.len().min(PAGE - from);
            let page = self.pages.entry(page).or_insert_with(|| Box::new([0; PAGE]));
            page[from..from + size].copy_from_slice(&data[..size]);
            (at, data) = (at + size as u64, &data[size..]);
        }
    }

    /// Makes the file so long: what is beyond goes, what was not there reads as zeros.
    fn cut(&mut self, length: u64) {
        self.length = length;
        self.pages.retain(|page, _| page * (PAGE as u64) < length);
        let inside = (length % PAGE as u64) as usize;
        if let Some(page) = self.pages.get_mut(&(length / PAGE as u64)) {
            page[inside..].fill(0);
        }
    }

    fn write_file(&self, path: &Path) -> io::Result<()> {
        let file = File::create_new(path)?;
        for (page, bytes) in &self.pages {
            let size = (self.length - page * PAGE as u64).min(PAGE as u64) as usize;
            file.write_all_at(&bytes[..size], page * PAGE as u64)?;
        }
        file.set_len(self.length)
    }
}

fn blocks(offset: u64, length: usize, size: usize) -> std::ops::Range<u64> {
    offset / size as u64..(offset + length as u64).div_ceil(size as u64)
}
