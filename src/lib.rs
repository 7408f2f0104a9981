//! Ordain: a distributed order management engine.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod connectors;
pub mod domain;
pub mod engine;
pub mod http;
pub mod journal;
pub mod pipeline;
pub mod views;
