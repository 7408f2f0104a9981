//! Ordain.
pub mod journal;
