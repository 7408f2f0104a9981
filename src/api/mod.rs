//! The JSON of the API: outer twins of domain values, and their conversion both ways.
//!
//! In comes a body: `json` parses it, `reading` reads it by a `shape!`, whose fields are of `scalar` and `words`, and the
//! noun's own file makes it a command. Out goes a domain value, named by the catalogue. `problem` is how requests fail.
//! What is *not* here: HTTP (`http`), and anything only the engine can know.

pub mod address;
pub mod answer;
pub mod backup;
pub mod calendar;
pub mod capable;
pub mod carrier;
pub mod carton;
pub mod channel;
pub mod closure;
pub mod collection;
pub mod cycle_count;
pub mod decision;
pub mod dispatch;
pub mod draft;
pub mod edit;
pub mod event;
pub mod exception;
pub mod fulfillment;
pub mod hold;
pub mod hold_rule;
pub mod import;
pub mod inbound;
pub mod item;
pub mod json;
pub mod learned;
pub mod lockers;
pub mod lots;
pub mod network;
pub mod node;
pub mod opportunity;
pub mod optimisation;
pub mod order;
pub mod order_clocks;
pub mod order_names;
pub mod packing;
pub mod page;
pub mod papers;
pub mod past_order;
pub mod personal;
pub mod picking;
pub mod policy;
pub mod problem;
pub mod rates;
pub mod reading;
pub mod replanning;
pub mod replay;
pub mod reservation;
mod return_event;
pub mod return_policy;
pub mod returns;
pub mod rule_preview;
pub mod rule_set;
pub mod scalar;
pub mod slots;
pub mod stock;
pub mod subscription;
pub mod supply;
#[cfg(test)]
mod tests;
pub mod tracking;
pub mod transfer;
pub mod warranty;
pub mod wave;
mod wave_event;
pub mod words;
pub mod worth;
pub mod zones;
