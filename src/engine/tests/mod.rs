//! The engine against the fold of its own log.

mod edges;
mod facts;
mod random;
mod storm;
mod world;
