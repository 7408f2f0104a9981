//! One binary for all tests from outside: it links once and shows the public surface as a user sees it.
//!
//! What is *not* here: tests of one file's own rules, which stand beside them.

#![allow(clippy::duplicate_mod, reason = "each replay brings the part that they share")]

mod architecture;
mod bad_input;
mod capture;
mod cases;
mod cases_of_fulfillment;
mod command_line;
mod crash;
mod damage;
mod http;
mod http_collection;
mod http_drafts;
mod http_lives;
mod http_papers;
mod http_returns;
mod http_sourcing;
mod http_waves;
mod largest_order;
mod lives;
mod packing;
mod race;
mod replays;
mod scenarios;
mod served;
mod shipping;
mod shop;
mod what_if;
