//! Where a request's time goes: one more window of a line's subject with `perf` watching its server, the samples sorted
//! into parts by thread, by kernel or program, and by the name of the function they fell into.
//!
//! A part's microseconds are its share of the samples times the server's time on the processor per operation in that
//! same window. A function that the compiler put into its caller counts for the caller. Names of functions decide, so a
//! part that looks wrong is checked by the functions printed behind it.
//!
//! What is *not* here: who called whom (`perf report -g`), and what a request waits for.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::servers::done;

/// Samples a second: few enough not to be seen in the rate.
const SAMPLES: &str = "1999";
/// Functions shown of a part.
const SHOWN: usize = 4;

/// Where a sample fell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Kernel,
    Program,
    Either,
}
use Side::{Either, Kernel, Program};

/// A part: how its threads' names begin, and what the names of its functions hold (anything, where nothing is named). The
/// first that fits takes the sample.
const PARTS: &[(&str, &str, Side, &[&str])] = &[
    ("writer: system calls", "journal-writer", Kernel, &[]),
    ("writer: store", "journal-writer", Program, &["sled", "pagecache"]),
    ("writer: frames, waking", "journal-writer", Program, &[]),
    ("store's own threads", "sled-io", Either, &[]),
    ("views, behind the answer", "views", Either, &[]),
    ("worker: system calls", "tokio", Kernel, &[]),
    ("worker: memory", "tokio", Program, &["mi_", "_mi_", "__rust_alloc", "__rust_dealloc", "__rust_realloc"]),
    ("worker: HTTP", "tokio", Program, &["hyper", "httparse", "http::", "bytes::", "axum", "tower", "mio::"]),
    ("worker: JSON", "tokio", Program, &["ordain::api", "serde", "zmij", "itoa", "core::fmt", "core::str", "utf8"]),
    ("worker: engine", "tokio", Program, &["ordain::engine", "ordain::domain", "dashmap", "crossbeam", "hashbrown"]),
    ("worker: record, journal", "tokio", Program, &["ordain::journal", "ordain::pipeline", "bincode", "blake3"]),
    ("worker: front", "tokio", Program, &["ordain::http", "metrics", "quanta"]),
    ("worker: runtime", "tokio", Program, &["tokio", "futures", "core::task", "core::future", "parking_lot"]),
    (
        "worker: libc",
        "tokio",
        Program,
        &["mem", "[vdso]", "clock_gettime", "pthread", "syscall", "writev", "recv", "send"],
    ),
    ("worker: anything else", "tokio", Program, &[]),
    ("other threads", "", Either, &[]),
];

/// Share of the samples that a part took, and that of each of its functions.
type Taken<'a> = (f64, Vec<(f64, &'a str)>);

/// Runs `window` while the server is watched; the parts as text.
pub fn watched<T>(
    pid: u32,
    dir: &Path,
    window: impl FnOnce() -> Result<T, String>,
    server_us: impl FnOnce(&T) -> f64,
) -> Result<String, String> {
    let file = dir.join("perf.data");
    let named = file.display().to_string();
    let mut perf = Command::new("perf")
        .args(["record", "--quiet", "--freq", SAMPLES, "--pid", &pid.to_string(), "--output", &named])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|fault| format!("perf: {fault}"))?;
    let answered = window();
    // It may have failed to start, and is gone then.
    let _ = kill_process(Pid::from_child(&perf), Signal::INT);
    perf.wait().map_err(|fault| format!("perf: {fault}"))?;
    let answered = answered?;
    let report =
        ["report", "--input", &named, "--no-children", "--sort", "comm,sym", "--stdio", "--percent-limit", "0"];
    let report = done(Command::new("perf").args(report).stdin(Stdio::null()))?;
    Ok(table(&report, server_us(&answered)))
}

/// The parts of a report whose samples stand for so many microseconds.
fn table(report: &str, server_us: f64) -> String {
    let mut parts: BTreeMap<usize, Taken<'_>> = BTreeMap::new();
    for (share, thread, side, function) in report.lines().filter_map(sample) {
        let fits = |(_, threads, of, names): &(&str, &str, Side, &[&str])| {
            let named = names.is_empty() || names.iter().any(|name| function.contains(name));
            thread.starts_with(threads) && (*of == Either || *of == side) && named
        };
        let at = PARTS.iter().position(fits).expect("the last part takes everything");
        let part = parts.entry(at).or_default();
        part.0 += share;
        part.1.push((share, function));
    }
    let whole: f64 = parts.values().map(|(share, _)| share).sum();
    let mut by_share: Vec<_> = parts.into_iter().collect();
    by_share.sort_by(|(_, (a, _)), (_, (b, _))| b.total_cmp(a));
    let mut text = format!("    {server_us:.1} µs of the server's core per operation:\n");
    for (at, (share, mut functions)) in by_share {
        functions.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let shown =
            functions.iter().take(SHOWN).map(|(own, name)| format!("{} {:.1}", short(name), own / whole * 100.0));
        let shown: Vec<_> = shown.collect();
        let (us, percent, name) = (share / whole * server_us, share / whole * 100.0, PARTS[at].0);
        let _ = writeln!(text, "    {us:6.2} µs {percent:5.1} %  {name:<26} {}", shown.join(", "));
    }
    text
}

/// A line of the report: share, thread, side, function.
fn sample(line: &str) -> Option<(f64, &str, Side, &str)> {
    let (share, rest) = line.trim().split_once("%  ")?;
    let (thread, rest) = rest.trim_start().split_once("  [").or_else(|| rest.trim_start().split_once(" ["))?;
    let (side, function) = rest.split_once("] ")?;
    let side = if side == "k" { Kernel } else { Program };
    Some((share.parse().ok()?, thread.trim(), side, function.trim()))
}

/// The end of a function's name, without what it is generic over.
fn short(name: &str) -> &str {
    let name = name.split_once('<').map_or(name, |(before, _)| if before.is_empty() { name } else { before });
    let from = name.len().saturating_sub(40);
    name.get(from..).unwrap_or(name)
}
