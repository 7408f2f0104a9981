//! Ordain is a distributed order management engine: it knows every unit of stock at every place, promises it, reserves
//! it without overselling, and decides which places fulfil an order.
//!
//! # The route
//! A write goes one way, and the modules below are listed in its order:
//!
//! ```text
//!  HTTP ─► http ─► api (JSON ⇄ command) ─► pipeline ┬ seat     a permit for one append, or busy
//!                                                   ├ execute  the engine validates, takes stock without locks, makes
//!                                                   │          events and appends them while what it touches is locked
//!                                                   └ durable  wait until the group is on disk
//!  HTTP ◄─ http ◄─ api ◄─ Durable<Reply>
//!  journal ══ tail ══► views ══► lists, live feed
//! ```
//! Everything after the reply reads the journal with a cursor of its own; nothing upstream knows of it.
//!
//! # The ranks
//! `domain`, `papers` 0 · `engine`, `journal`, `api` 1 · `pipeline`, `views`, `replay` 2 · `connectors` 3 · `http` 4 · `config` 5 · `app` 6 ·
//! `cli` 7. A module imports only lower ranks; a test refuses a breach. The domain is pure: no files, no network, no
//! threads, no clock; so are the papers, which draw labels and know no order. The engine is the domain plus memory and threads, the journal is the domain plus bytes and disk, and
//! neither knows the other: `pipeline` joins them.
//!
//! # The laws
//! - **Take, then log; log, then give.** Units leave a cell before their event is written and enter one after it, so every
//!   prefix of the journal is a possible world.
//! - **Identity**, per sku and node, at every position: on hand + shortfall = available + committed + reserved + safety
//!   stock + damaged + quality control, none below zero.
//! - **All or nothing.** A withdrawal over many skus and nodes takes every unit or none.
//! - **Lines conserve.** The units of an order line are somewhere; their sum changes only by an edit.
//! - **Events suffice.** The journal alone gives every state again, and a replay checks every law on its way.
//! - **Acknowledged is durable.** An answer before the disk does not compile.
//! - **Time is data.** Nothing decides by a clock that the journal did not write down.
//!
//! # In process
//! A Rust program opens a data directory and calls the same engine that `ordain serve` puts behind HTTP:
//!
//! ```
//! use ordain::app::Ordain;
//! use ordain::domain::command::{Adjustment, Command, PutItem, Reserve, ReserveLine};
//! use ordain::domain::geo::Position;
//! use ordain::domain::item::{Dimensions, ItemKind};
//! use ordain::domain::node::{Node, NodeKind};
//! use ordain::domain::quantity::Quantity;
//! use ordain::domain::stock::MovementKind;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let ordain = Ordain::open(folder.path())?;
//! ordain.submit(Command::PutNode(Box::new(Node {
//!     id: "chicago".into(), kind: NodeKind::Warehouse, name: "Chicago".into(),
//!     position: Position::from_degrees(41.88, -87.63).ok_or("not on the globe")?,
//!     country: "US".into(), postal_code: "60602".into(), time_zone: "America/Chicago".into(),
//!     active: true, inactive_reason: None, handling: None, capacity_per_day: None,
//!     cutoff_min: None, calendar: None, capabilities: Vec::new(),
//! })))?;
//! ordain.submit(Command::PutItem(Box::new(PutItem {
//!     sku: "mug".into(), name: "Mug".into(), kind: ItemKind::Product, weight_g: 350,
//!     dimensions: Dimensions::default(), value: None, components: Vec::new(),
//!     release_at: None,
//!     tracking: None,
//!     packing: Default::default(),
//! })))?;
//! ordain.submit(Command::AdjustStock(vec![Adjustment {
//!     sku: "mug".into(), node: "chicago".into(), delta: 10, reason: MovementKind::Received,
//! }]))?;
//! let two = Quantity::new(2).ok_or("not a quantity")?;
//! ordain.submit(Command::Reserve(Reserve {
//!     id: Some("cart-81".into()), fingerprint: 0, owner: "cart-81".into(), ttl_s: 600,
//!     lines: vec![ReserveLine { sku: "mug".into(), quantity: two, node: None }],
//!     partial: false, channel: None, customer: None,
//! }))?; // on disk when it returns
//! assert_eq!(ordain.atp("mug", None)?.available, 8);
//! ordain.close()?;
//! # Ok(())
//! # }
//! ```

pub mod http;

pub mod api;

pub mod pipeline;

pub mod engine;

pub mod journal;

pub mod domain;

pub mod papers;

pub mod views;

pub mod replay;

pub mod connectors;

pub mod config;

pub mod app;

pub mod cli;

#[doc = include_str!("promises.md")]
pub mod promises {}

mod sabotage;

#[cfg(test)]
mod fuzzing;

#[cfg(test)]
mod proof;
