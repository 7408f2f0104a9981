//! The process is killed without warning, again and again, and nothing it acknowledged may be missing.
//!
//! The server is the real binary in a process of its own (`ORDAIN_BINARY`, else the one built beside this test). This
//! process is the oracle: it shares no code with the engine, knows only what its clients were told over HTTP, and compares
//! that with what the restarted server shows.
//!
//! ```text
//! round    six clients sell on a few hot skus ─► SIGKILL after 5 ms to ORDAIN_KILL_MS
//!          (some rounds: SIGTERM, then SIGKILL while it closes)
//!          some rounds: start, SIGKILL at once or while it recovers, one to five times
//!          some rounds: `ordain check` finds nothing
//!          start (timed) ─► what was seen, not answered, told; levels; repeats
//! chapter  four rounds on the same skus; after it only samples are looked at
//! era      at most five chapters and a quarter of all kills in one data directory, all looked at again at its end;
//!          of sled and plain files whichever was killed less
//! ```
//! Generations and snapshots are as small as the server allows, so that rounds meet their switches; in the first round of
//! an era the kill waits for one. `ORDAIN_KILLS` says how many kills, `ORDAIN_SEED` which. The waits are the fault that is
//! injected, nothing is waited for by them. Beside the kills: `hot`, one sku until it is sold out, and `disk`, a server
//! whose disk fails. What is *not* here: power loss, which a kill cannot show.

mod book;
mod chance;
mod chapter;
mod client;
mod disk;
mod entities;
mod findings;
mod hot;
mod instant;
mod levels;
mod loops;
/// The recorder of the attacks on the journal's disk; here it only makes calls fail.
#[path = "../../src/proof/disk/preload.rs"]
#[allow(dead_code, reason = "some faults are tried on the journal alone")]
mod preload;
mod server;
mod shop;
mod wire;
