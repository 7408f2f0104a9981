//! The proof: what Ordain promises, attacked. Test builds only.
//!
//! Each folder is one way of attack, with its generator, its judge and its tests; what they find in the engine or the
//! journal is mended there. `sabotage` proves that they can see.
//!
//! Lengths come from environment variables, so that the same tests run for minutes in CI and for hours in the long run
//! (`tools/prove`); every one prints its seed, and a failing seed repeats the failure.

mod archived;
mod disk;
mod history;
mod linear;
mod sabotage;
mod search;
mod simulation;
mod tables;
mod words;
