//! What a recorded process did to its folder, as steps on nodes, and since when each is durable.
//!
//! A node is a file or a folder, whatever it is called at the moment; descriptors and paths are resolved while reading,
//! so a rename moves a node and a sync covers the node and not the name.
//!
//! Promises: a change of a file is durable from the end of the first successful sync of that file that began after it;
//! a name, from that of a sync of the folder it stands in. Nothing else makes anything durable: not closing, not
//! `sync_file_range`, not a sync of another file. This asks more of the journal than any file system does.
//!
//! Bounds: renames within one folder, which is all that the journal does; anything else is a panic, not a guess.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

/// A file or a folder, by the order of appearance. The root is 0.
pub(super) type Node = usize;

/// Not durable at any point of the trace.
pub(super) const NEVER: usize = usize::MAX;

/// So much of a copy under inspection is taken; nobody reads what a dead process left of one.
const COPY_BYTES: i64 = 16 << 10;

/// What was done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Bytes of the trace were written to a file.
    Write { file: Node, offset: u64, bytes: Range<usize> },
    /// A file was cut or extended to a length.
    Length { file: Node, length: u64 },
    /// A name was given to a new node.
    Link { folder: Node, name: String, node: Node },
    /// A name was moved to another, whose node lost it.
    Rename { folder: Node, from: String, to: String },
    /// A name was removed.
    Unlink { folder: Node, name: String },
    /// A sync was asked for.
    SyncBegin { node: Node, token: i64 },
    /// A sync returned.
    SyncEnd { node: Node, token: i64, ok: bool },
    /// Everything up to a record was acknowledged: the number alone, or a line with it.
    Ack(String),
    /// A process began; what the one before left in memory is still there.
    Start,
}

/// A trace, read and resolved.
pub(super) struct Trace {
    /// The recorder's bytes; writes point into them.
    pub(super) bytes: Vec<u8>,
    pub(super) steps: Vec<Step>,
    /// For each step the step from which on it is durable.
    pub(super) durable_at: Vec<usize>,
    /// Steps that a failed sync covered before any other did: the system may have dropped them and called them clean.
    pub(super) forsaken: Vec<bool>,
    /// Whether a node is a folder.
    pub(super) folders: Vec<bool>,
    /// Every path a node had, for people.
    pub(super) paths: Vec<String>,
}

/// One record as the recorder wrote it.
struct Raw<'a> {
    op: u8,
    fd: i32,
    a: i64,
    b: i64,
    one: &'a str,
    two: &'a str,
    data: Range<usize>,
}

/// Reads the names while they change.
#[derive(Default)]
struct Names {
    children: HashMap<(Node, String), Node>,
    open: HashMap<i32, Node>,
    /// Bytes written to the file of acknowledgements and not yet a line.
    line: String,
}

impl Trace {
    /// Reads what the recorder left. The root holds nothing at first.
    pub(super) fn read(path: &Path) -> Trace {
        let bytes = std::fs::read(path).expect("the recorder left a trace");
        let mut trace = Trace {
            bytes: Vec::new(),
            steps: Vec::new(),
            durable_at: Vec::new(),
            forsaken: Vec::new(),
            folders: vec![true],
            paths: vec![String::new()],
        };
        let (mut names, mut at) = (Names::default(), 0);
        while at < bytes.len() {
            let (raw, next) = raw(&bytes, at);
            trace.take(&mut names, &raw, &bytes);
            at = next;
        }
        trace.bytes = bytes;
        trace.settle();
        trace
    }

    fn node(&mut self, path: &str, is_folder: bool) -> Node {
        self.folders.push(is_folder);
        self.paths.push(path.to_owned());
        self.folders.len() - 1
    }

    fn take(&mut self, names: &mut Names, raw: &Raw, bytes: &[u8]) {
        let held = names.open.get(&raw.fd).copied();
        let step = match raw.op {
            1 => {
                names.open.clear();
                Step::Start
            }
            2 if raw.one.is_empty() => {
                names.open.insert(raw.fd, 0);
                return;
            }
            2 => {
                let (folder, name) = names.parent(raw.one);
                let known = names.children.get(&(folder, name.clone())).copied();
                let (made, emptied) = (raw.b & 1 == 0, raw.a == 1);
                let file = match known {
                    Some(node) => node,
                    None if made => {
                        let node = self.node(raw.one, false);
                        names.children.insert((folder, name.clone()), node);
                        self.steps.push(Step::Link { folder, name, node });
                        node
                    }
                    None => panic!("{} was there before the recorder", raw.one),
                };
                names.open.insert(raw.fd, file);
                if !emptied {
                    return;
                }
                Step::Length { file, length: 0 }
            }
            3 => {
                names.open.remove(&raw.fd);
                return;
            }
            4 => {
                let file = held.expect("a write goes to an open file");
                if self.paths[file] == "ACKS" {
                    names.line.push_str(std::str::from_utf8(&bytes[raw.data.clone()]).expect("acks are text"));
                    while let Some((line, rest)) = names.line.split_once('\n') {
                        self.steps.push(Step::Ack(line.to_owned()));
                        names.line = rest.to_owned();
                    }
                    return;
                }
                if self.paths[file].contains("/quarantine/") && raw.a >= COPY_BYTES {
                    return;
                }
                Step::Write { file, offset: raw.a as u64, bytes: raw.data.clone() }
            }
            5 => Step::Length { file: held.expect("open"), length: raw.a as u64 },
            6 => {
                let file = held.expect("open");
                if self.length(file) >= raw.a as u64 {
                    return;
                }
                Step::Length { file, length: raw.a as u64 }
            }
            7 => Step::SyncBegin { node: held.expect("open"), token: raw.a },
            8 => Step::SyncEnd { node: held.expect("held while it syncs"), token: raw.a, ok: raw.b == 0 },
            9 => {
                let ((folder, from), (other, to)) = (names.parent(raw.one), names.parent(raw.two));
                assert_eq!(folder, other, "renames stay in one folder");
                let node = names.children.remove(&(folder, from.clone())).expect("what is renamed is known");
                names.children.insert((folder, to.clone()), node);
                self.paths[node].push_str(&format!(" → {}", raw.two));
                Step::Rename { folder, from, to }
            }
            10 | 12 => {
                let (folder, name) = names.parent(raw.one);
                names.children.remove(&(folder, name.clone())).expect("what is removed is known");
                Step::Unlink { folder, name }
            }
            11 => {
                let (folder, name) = names.parent(raw.one);
                let node = self.node(raw.one, true);
                names.children.insert((folder, name.clone()), node);
                Step::Link { folder, name, node }
            }
            op => panic!("the recorder has no op {op}"),
        };
        self.steps.push(step);
    }

    /// Length of a file after all steps so far.
    fn length(&self, node: Node) -> u64 {
        self.steps.iter().fold(0, |length, step| match step {
            Step::Write { file, offset, bytes } if *file == node => length.max(offset + bytes.len() as u64),
            Step::Length { file, length } if *file == node => *length,
            _ => length,
        })
    }

    /// Says for every step when it becomes durable.
    fn settle(&mut self) {
        self.durable_at = vec![NEVER; self.steps.len()];
        self.forsaken = vec![false; self.steps.len()];
        let mut pending: HashMap<Node, Vec<usize>> = HashMap::new();
        let mut begun: HashMap<i64, usize> = HashMap::new();
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Write { file: node, .. } | Step::Length { file: node, .. } => {
                    pending.entry(*node).or_default().push(at);
                }
                Step::Link { folder: node, .. }
                | Step::Rename { folder: node, .. }
                | Step::Unlink { folder: node, .. } => pending.entry(*node).or_default().push(at),
                Step::SyncBegin { token, .. } => {
                    begun.insert(*token, at);
                }
                Step::SyncEnd { node, token, ok } => {
                    let began = begun.remove(token).expect("a sync that ends has begun");
                    let waiting = pending.entry(*node).or_default();
                    if *ok {
                        for covered in waiting.extract_if(.., |waiting| *waiting < began) {
                            self.durable_at[covered] = at;
                        }
                    } else if !self.folders[*node] {
                        for covered in waiting.extract_if(.., |waiting| *waiting < began) {
                            self.forsaken[covered] = true;
                        }
                    }
                }
                // Syncs that the process did not live to see the end of.
                Step::Start => begun.clear(),
                Step::Ack(_) => {}
            }
        }
    }

    /// The last acknowledged record among the first steps; for traces whose acknowledgements are numbers.
    pub(super) fn acknowledged(&self, point: usize) -> u64 {
        let acks = self.steps[..point].iter().rev().filter_map(|step| match step {
            Step::Ack(line) => Some(line.parse().expect("an acknowledgement is a number")),
            _ => None,
        });
        acks.max().unwrap_or(0)
    }

    /// The steps that are neither a write or sync of the mark, nor of frames in a generation that is in use, nor of a
    /// copy under inspection.
    pub(super) fn rare(&self) -> Vec<usize> {
        let mut ready: HashSet<&str> = HashSet::new();
        let mut rare = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Write { file: node, .. } | Step::SyncBegin { node, .. } | Step::SyncEnd { node, .. } => {
                    let path = &self.paths[*node];
                    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
                    let everyday = file == "MARK"
                        || path.contains("/quarantine/")
                        || ready.contains(folder) && (file == "db" || file == "frames");
                    if !everyday {
                        rare.push(at);
                    }
                }
                Step::Rename { folder, to, .. } if to == "READY" => {
                    ready.insert(&self.paths[*folder]);
                    rare.push(at);
                }
                Step::Link { .. } | Step::Rename { .. } | Step::Unlink { .. } | Step::Length { .. } => rare.push(at),
                Step::Start | Step::Ack(_) => {}
            }
        }
        rare
    }
}

impl Names {
    /// The folder a path stands in, and its last name.
    fn parent(&self, path: &str) -> (Node, String) {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = folders.split('/').filter(|name| !name.is_empty()).fold(0, |folder, name| {
            *self
                .children
                .get(&(folder, name.to_owned()))
                .unwrap_or_else(|| panic!("no folder {name} of {path} is known"))
        });
        (folder, name.to_owned())
    }
}

fn raw(bytes: &[u8], at: usize) -> (Raw<'_>, usize) {
    let word = |offset: usize, size: usize| {
        let mut word = [0; 8];
        word[..size].copy_from_slice(&bytes[at + offset..at + offset + size]);
        u64::from_le_bytes(word)
    };
    let (one, data, two) = (word(2, 2) as usize, word(24, 4) as usize, word(28, 4) as usize);
    let text = |from: usize, size: usize| std::str::from_utf8(&bytes[from..from + size]).expect("paths are text");
    let paths = at + 32;
    let start = paths + one + two;
    let raw = Raw {
        op: bytes[at],
        fd: word(4, 4) as i32,
        a: word(8, 8) as i64,
        b: word(16, 8) as i64,
        one: text(paths, one),
        two: text(paths + one, two),
        data: start..start + data,
    };
    (raw, start + data)
}
