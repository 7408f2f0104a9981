//! Linearizability: what clients of one cell saw can be put in one order that a single counter would allow.
//!
//! Threads reserve, release, receive, lose and read units of few cells of the real engine; each notes when it called and
//! when it was answered, by one counter. Per cell, a search after Wing and Gong with Lowe's memory of visited
//! configurations looks for an order of the operations, each between its call and its answer, in which every answer is
//! what one counter would have given (`wgl`). No such order means that somebody saw units that were not there, or was
//! refused units that were.
//!
//! `ORDAIN_HISTORIES` sets how many histories (default 1,000); the seed of a failing one is printed with the history.
//!
//! What is *not* here: withdrawals of several cells. A rolled back one is seen by readers for a moment, which the
//! protocol allows; the exhaustive search judges those.

mod record;
mod wgl;
