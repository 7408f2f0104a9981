//! What is true: values, rules and folds. Pure: no files, no network, no threads, no clock, no randomness.
//!
//! Read `command` (what can be asked), `event` (what can have happened), `state` (how it adds up), `rejection` (why not).
//! What is *not* here: who holds it in memory (`engine`) and what survives (`journal`).

pub mod address;
pub mod archive;
pub mod availability;
pub mod carrier;
pub mod carton;
pub mod catalogue;
pub mod channel;
pub mod channel_limits;
pub mod command;
pub mod count;
pub mod cycle_count;
pub mod decision;
pub mod edit;
pub mod event;
pub mod exception;
pub mod fulfillment;
pub mod geo;
pub mod hold;
pub mod ids;
pub mod inbound;
pub mod item;
pub mod limits;
pub mod lots;
pub mod money;
pub mod node;
pub mod order;
mod order_edit;
mod order_fold;
pub mod order_merge;
mod order_money;
mod order_split;
pub mod order_status;
pub mod order_story;
pub mod packing;
pub mod parcel;
pub mod particulars;
pub mod past_order;
pub mod payment;
pub mod policy;
pub mod promise;
pub mod quantity;
pub mod record;
pub mod redating;
pub mod rejection;
pub mod reply;
pub mod reservation;
pub mod rule_set;
pub mod slots;
pub mod sourcing;
pub mod state;
pub mod stock;
pub mod subscription;
pub mod time;
pub mod transfer;
