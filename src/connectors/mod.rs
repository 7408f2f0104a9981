//! Who talks to others, and to Ordain from outside.
//!
//! What is *not* here: the front that serves requests (`http`).

pub mod client;
