//! Ordain: a distributed order management engine.

pub mod api;
pub mod domain;
pub mod engine;
