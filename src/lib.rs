//! Ordain: a distributed order management engine.

pub mod domain;
pub mod engine;
pub mod views;
pub mod connectors;
