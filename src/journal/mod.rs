//! The journal.

pub mod frame;
mod mark;
mod store;
mod verdict;

pub use verdict::{Verdict, verify_copy};
