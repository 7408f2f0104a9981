//! The front: HTTP in, commands and reads, JSON out.
//!
//! ```text
//! server ─► front ─► routes ─► a noun's file ─► request (parse) · pipeline (call) · reply (answer)
//! limits    request id, clock   one function      seat, type, size,                 takes only what is durable
//!           problems, meters    per route         time, shape, key
//! ```
//! Every failure is a [`Problem`](crate::api::problem::Problem), written in one place (`front`). A write's answer can be
//! made only of a `Durable`, so answering before the disk does not compile (`reply`).
//!
//! Bounds: see `server` (connections, headers, streams), `body` (size, time), `feed` (subscribers), `imports`.
//! What is *not* here: TLS, authentication and limits per caller; it listens where only trusted callers reach it.

mod address_formats;
mod backup;
mod body;
mod capable;
mod cartons;
mod channels;
mod counts;
mod customers;
mod dispatch;
mod drafts;
mod edits;
mod exceptions;
mod express;
mod feed;
mod front;
mod fulfillment;
mod gather;
mod health;
mod holds;
mod imports;
mod inbound;
mod items;
mod learned;
mod lockers;
mod meters;
mod nodes;
mod openapi;
mod opportunity;
mod optimisations;
mod orders;
mod packing;
mod pages;
mod papers;
mod policies;
mod replays;
mod reply;
mod request;
mod reservations;
mod returns;
mod routes;
mod rule_sets;
mod server;
mod shipping;
mod slots;
mod stock;
mod subscriptions;
mod transfers;
mod waves;

pub use front::Front;
pub use openapi::document;
pub use server::serve;
