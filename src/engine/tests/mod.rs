//! The engine against the fold of its own log.

mod batch;
mod channels;
mod counts;
mod edges;
mod edit_schedules;
mod edits;
mod exceptions;
mod facts;
mod fill;
mod holds;
mod inbound;
mod lives;
mod lots;
mod merges;
mod outage;
mod payment_before;
mod preferred;
pub(crate) mod random;
mod releases;
mod services;
mod sharing;
mod shipping;
mod storm;
mod subscriptions;
mod tracking;
mod transfers;
pub(crate) mod world;
