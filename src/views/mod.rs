//! Read models fed by the journal's tail.
//!
//! A view starts from the recovered state, follows the tail with its own cursor and answers in domain values. Nothing
//! waits for it but its own readers: a list waits until its view has reached the position that was durable when the
//! request came in ([`Views::reached`]), so a list never misses what its caller was told before.
//!
//! A record that cannot be folded stops the process: the same record was folded when it was made, so the view's copy is
//! wrong, and a list from a wrong copy is worse than none. What is *not* here: levels and single entities, which the
//! engine answers, and JSON.

mod orders;

use std::sync::Arc;

use tokio::sync::watch;

use crate::domain::record::Record;
use crate::domain::state::State;
use crate::journal::Archive;

pub use orders::{Filter, Known, Orders, Page};

/// All views, and how far they have read.
#[derive(Debug)]
pub struct Views {
    orders: Orders,
    position: watch::Sender<u64>,
}

impl Views {
    /// Views of a recovered state, and of what left it for the archive.
    pub fn of(state: &State, archive: Option<Arc<Archive>>) -> Arc<Self> {
        Arc::new(Self { orders: Orders::of(state, archive), position: watch::Sender::new(state.seq()) })
    }

    /// Order search.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Sequence of the last record read.
    pub fn position(&self) -> u64 {
        *self.position.borrow()
    }

    /// Waits until the views have read up to `seq`.
    pub async fn reached(&self, seq: u64) {
        // The sender lives in `self`, so the channel cannot close while we wait.
        let _ = self.position.subscribe().wait_for(|position| *position >= seq).await;
    }

    /// Reads the next record of the tail; orders that are `known` as it left them are taken as they are.
    ///
    /// # Panics
    /// When the record does not follow the last one, or breaks a law.
    pub fn read(&self, record: &Record, known: Known<'_>) {
        let before = self.position();
        assert_eq!(record.header.seq, before + 1, "a view reads the journal without gaps");
        if let Err(law) = self.orders.read(record, known) {
            panic!("record {}: the order view broke a law that the engine kept: {law}", record.header.seq);
        }
        self.position.send_replace(record.header.seq);
    }
}
