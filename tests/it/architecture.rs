//! The architecture as a test: who may import whom, and which file may name which library.
//!
//! Reads the text of every file under `src/`. The ranks are those of the crate documentation: a module imports only
//! lower ranks. Every message names the replacement. What is *not* here: taste; a rule stands here only when a breach
//! would turn the order of the layers or hide input and output where none may be.
//!
//! Bound: it reads paths as they are written (`crate::x`, `crate::{x, y}`, `super::x` at the top, `ordain::x` in
//! `main.rs`); a path put together by a macro is not seen.

use std::fs;
use std::path::Path;

/// Modules by rank. A module may import modules of lower rank, and itself.
const RANKS: &[(&str, u8)] = &[
    ("domain", 0),
    ("papers", 0),
    ("engine", 1),
    ("journal", 1),
    ("api", 1),
    ("pipeline", 2),
    ("views", 2),
    ("replay", 2),
    ("connectors", 3),
    ("console", 3),
    ("http", 4),
    ("config", 5),
    ("app", 6),
    ("cli", 7),
    ("main", 8),
    ("sabotage", 0),
    ("fuzzing", 0),
    ("proof", 9),
];

/// Imports that the ranks would allow and the design does not, with what to do instead.
const APART: &[(&str, &str, &str)] = &[
    ("pipeline", "api", "take and give domain values; JSON belongs to http"),
    ("replay", "pipeline", "read the journal; what is supposed is never written"),
    ("views", "engine", "read the journal's tail and fold the domain's events"),
    ("views", "api", "answer in domain values; JSON belongs to http"),
];

/// Libraries that only some places may name: heads of paths, where they belong, what to do elsewhere.
const HOMES: &[(&[&str], &[&str], &str)] = &[
    (&["bincode"], &["journal/"], "hand the journal a domain value; only its codec turns it into bytes"),
    (&["sled"], &["journal/store"], "use the trait `journal::store::Store`; only its one implementation knows sled"),
    (
        &["axum", "hyper", "hyper_util", "utoipa", "utoipa_axum", "utoipa_swagger_ui"],
        &["http/", "connectors/", "api/"],
        "serve in http/; call a server through `connectors::client`",
    ),
];

/// What the domain may not do, with what to do instead.
const IMPURE: &[(&str, &str)] = &[
    ("std::fs", "let the journal read and write files"),
    ("std::net", "let http and connectors talk to others"),
    ("std::thread", "let the engine hold threads"),
    ("std::env", "pass settings in"),
    ("std::io", "let the caller read and write"),
    ("tokio", "stay synchronous; the edge awaits"),
    ("Instant", "take a `JournalTime` as an argument"),
    ("SystemTime", "take a `WallTime` as an argument"),
];

/// Names that say nothing, STYLE: names.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager", "data", "info"];

/// Longest file that need not say why it is long.
const LINES_MAX: usize = 700;

fn rank(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

/// The top-level module a file belongs to: `engine/cell.rs` and `engine.rs` are both `engine`.
fn module_of(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// Code without line comments, so that prose may name what it likes.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every place where `head` stands as the head of a path or of an import, as the rest of the text after it.
fn heads<'a>(code: &'a str, head: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(head) {
        let (before, after) = (&code[..at], &code[at + head.len()..]);
        let starts = !before.ends_with(is_name) && !before.ends_with("::");
        let ends = after.starts_with("::") || (after.starts_with(';') && before.trim_end().ends_with("use"));
        if starts && ends {
            found.push(after);
        }
    }
    found
}

/// Whether a name or path stands anywhere as a whole.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name)
        .any(|(at, _)| !code[..at].ends_with(is_name) && !code[at + name.len()..].starts_with(is_name))
}

/// First names below a head: `::a::b` gives `a`; `::{a, b::{c, d}}` gives `a` and `b`.
fn first_names(after_head: &str) -> Vec<String> {
    let Some(rest) = after_head.strip_prefix("::") else { return Vec::new() };
    let Some(group) = rest.strip_prefix('{') else {
        return vec![rest.chars().take_while(|c| is_name(*c)).collect()];
    };
    let (mut depth, mut found, mut name) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => found.push(std::mem::take(&mut name)),
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    found.push(name);
    let first = |name: &String| name.trim().chars().take_while(|c| is_name(*c)).collect::<String>();
    found.iter().map(first).filter(|name| !name.is_empty()).collect()
}

/// Modules of the crate that a file names.
fn imports(path: &str, code: &str) -> Vec<String> {
    let is_top = !path.contains('/') || path.ends_with("/mod.rs") && path.matches('/').count() == 1;
    let mut afters = heads(code, "crate");
    if path == "main.rs" {
        afters.extend(heads(code, "ordain"));
    }
    if is_top {
        afters.extend(heads(code, "super"));
    }
    // Whoever climbs twice may leave the module; a name that is no module of the crate stays inside.
    afters.extend(code.match_indices("super::super").map(|(at, climb)| &code[at + climb.len()..]));
    afters.into_iter().flat_map(first_names).filter(|name| rank(name).is_some()).collect()
}

/// All breaches of one file. `path` is relative to `src/`.
fn breaches(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (module, code) = (module_of(path), code(text));

    if !text.starts_with("//!") {
        found.push(format!("{path} opens without saying what it is: start it with `//!`, promises and bounds"));
    }
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    if EMPTY_NAMES.contains(&stem) {
        found.push(format!("{path}: the name says nothing; name the file after the business word it is about"));
    }
    let lines = text.lines().count();
    let head = text.lines().take_while(|line| line.starts_with("//!")).collect::<String>();
    if lines > LINES_MAX && !head.to_lowercase().contains("long because") {
        found.push(format!(
            "{path} has {lines} lines: split it where it holds two ideas, or say in its head \"Long because …\""
        ));
    }
    if path == "lib.rs" {
        return found;
    }

    let Some(own) = rank(module) else {
        found.push(format!("{path}: module `{module}` has no rank; give it one in the table of this test"));
        return found;
    };
    for import in imports(path, &code) {
        let other = rank(&import).unwrap_or(0);
        if import != module && other >= own {
            found.push(format!(
                "{path} (rank {own}) imports `{import}` (rank {other}): only lower ranks; hand the value down as an \
                 argument, or move the type to the lower layer that both know"
            ));
        }
        if let Some((_, _, instead)) = APART.iter().find(|(m, i, _)| *m == module && *i == import) {
            found.push(format!("{path} imports `{import}`: {instead}"));
        }
    }
    for (names, homes, instead) in HOMES {
        for name in names.iter().filter(|name| !heads(&code, name).is_empty()) {
            if !homes.iter().any(|home| path.starts_with(home)) {
                found.push(format!("{path} names `{name}`, which belongs to {}: {instead}", homes.join(", ")));
            }
        }
    }
    if module == "domain" {
        for (name, instead) in IMPURE.iter().filter(|(name, _)| names(&code, name)) {
            found.push(format!("{path} names `{name}`, but the domain is pure: {instead}"));
        }
    }
    found
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_module_imports_only_lower_ranks() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&src, &mut paths);
    assert!(paths.len() > 20, "src has its files");
    let mut found = Vec::new();
    for path in paths {
        let relative = path.strip_prefix(&src).expect("it is below src").to_string_lossy().replace('\\', "/");
        found.extend(breaches(&relative, &fs::read_to_string(&path).expect("source is text")));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn a_planted_breach_is_found() {
    let planted: &[(&str, &str, &str)] = &[
        ("engine/cell.rs", "use crate::journal::Journal;", "imports `journal`"),
        ("engine/mod.rs", "use crate::{domain::ids, http::serve};", "imports `http`"),
        ("engine/mod.rs", "use super::journal;", "imports `journal`"),
        ("domain/order.rs", "fn f(t: crate::engine::Engine) {}", "imports `engine`"),
        ("views/orders.rs", "use crate::engine::Engine;", "imports `engine`: read the journal's tail"),
        ("domain/time.rs", "use std::time::Instant;", "names `Instant`"),
        ("domain/time.rs", "let now = std::time::SystemTime::now();", "names `SystemTime`"),
        ("domain/stock.rs", "use std::fs;", "names `std::fs`"),
        ("journal/writer.rs", "let db = sled::open(dir);", "names `sled`"),
        ("engine/replay.rs", "bincode::serialize(&order)", "names `bincode`"),
        ("cli/import.rs", "use hyper_util::client;", "names `hyper_util`"),
        ("engine/cell.rs", "use super::super::journal::Journal;", "imports `journal`"),
        ("billing.rs", "", "has no rank"),
        ("engine/util.rs", "", "says nothing"),
    ];
    for (path, line, expected) in planted {
        let found = breaches(path, &format!("//! What it is.\n{line}\n"));
        assert!(found.iter().any(|message| message.contains(expected)), "{path}: {line}: {found:?}");
    }
    let long = format!("//! What it is.\n{}", "\n".repeat(LINES_MAX + 1));
    assert!(breaches("engine/cell.rs", &long)[0].contains("lines"));
    assert!(breaches("engine/cell.rs", "fn f() {}")[0].contains("opens without"));
}

#[test]
fn what_is_allowed_is_not_reported() {
    let allowed: &[(&str, &str)] = &[
        ("engine/cell.rs", "use crate::domain::ids::Text;"),
        ("engine/cell.rs", "use super::journal_like;"),
        ("engine/cell/word.rs", "use super::super::ledger;"),
        ("engine/mod.rs", "// crate::journal is told by a trait"),
        ("journal/store/sled.rs", "use sled::Db;"),
        ("journal/store.rs", "mod sled;"),
        ("journal/codec.rs", "bincode::deserialize(bytes)"),
        ("http/mod.rs", "use axum::Router; use crate::{api, pipeline::Pipeline};"),
        ("main.rs", "fn main() { ordain::cli::run() }"),
        ("domain/time.rs", "use std::time::Duration;"),
    ];
    for (path, line) in allowed {
        assert_eq!(breaches(path, &format!("//! What it is.\n{line}\n")), Vec::<String>::new(), "{path}: {line}");
    }
}

/// What shares no code with the engine names neither its crate nor any that the engine is made of.
#[test]
fn the_oracle_of_the_kill_loop_knows_only_what_clients_know() {
    const KNOWN: &[&str] = &["std", "serde_json", "crate", "self", "super", "core"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kill");
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    assert!(paths.len() > 5, "the kill loop has its files");
    for path in paths {
        let text = fs::read_to_string(&path).expect("source is text");
        assert!(heads(&code(&text), "ordain").is_empty(), "{}: ask the server over HTTP instead", path.display());
        for import in code(&text).lines().filter_map(|line| line.trim().strip_prefix("use ")) {
            let head: String = import.chars().take_while(|c| is_name(*c)).collect();
            assert!(KNOWN.contains(&head.as_str()), "{} uses `{head}`: only std and serde_json", path.display());
        }
    }
}
