//! Reading behind the writer: everything after the reply is a cursor here.
//!
//! A [`Tail`] yields every durable record after a position, in order, each once. Readers have
//! cursors of their own and share nothing but the decoded records, so a slow one slows nobody.
//!
//! Promises: nothing is yielded before it is durable. A tail ends with [`TailEnd::Stopped`] after
//! the last durable record of a journal that closed or failed, or with [`TailEnd::Gone`] when its
//! position is older than the history kept.
//!
//! Cost: recent records come from memory. A cursor that is far behind reads a batch from disk, also
//! in [`Tail::next`], which then holds its thread for that long; readers that catch up from far
//! should use [`Tail::next_blocking`] on a thread of their own.
//!
//! Not here: where cursors are kept. A reader that must not lose its place stores it itself.

use std::collections::VecDeque;
use std::sync::Arc;

use thiserror::Error;

use super::Core;
use super::durable::block_on;
use super::shelf::ReadError;
use crate::domain::record::Record;

/// Why a tail yields nothing more.
#[derive(Debug, Error)]
pub enum TailEnd {
    /// The journal closed or failed.
    #[error("the journal has stopped")]
    Stopped,
    /// The position is older than what is kept: resynchronise.
    #[error("records before {oldest} are no longer kept")]
    Gone {
        /// Oldest record that can still be read.
        oldest: u64,
    },
    /// A durable record could not be read.
    #[error(transparent)]
    Unreadable(ReadError),
}

/// A cursor over durable records.
pub struct Tail {
    core: Arc<Core>,
    /// Last record yielded.
    position: u64,
    ahead: VecDeque<Arc<Record>>,
}

impl Tail {
    pub(super) fn new(core: Arc<Core>, after_seq: u64) -> Tail {
        Tail { core, position: after_seq, ahead: VecDeque::new() }
    }

    /// Sequence number of the last record yielded, or where the tail began.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next record, as soon as it is durable.
    pub async fn next(&mut self) -> Result<Arc<Record>, TailEnd> {
        loop {
            if let Some(record) = self.try_next()? {
                return Ok(record);
            }
            self.core.progress.reach(self.position + 1).await.map_err(|_| TailEnd::Stopped)?;
        }
    }

    /// [`next`](Tail::next) for a thread without a runtime.
    pub fn next_blocking(&mut self) -> Result<Arc<Record>, TailEnd> {
        block_on(self.next())
    }

    /// The next record if it is durable already.
    pub fn try_next(&mut self) -> Result<Option<Arc<Record>>, TailEnd> {
        if self.ahead.is_empty() {
            let durable = self.core.progress.durable();
            if self.position >= durable {
                return Ok(None);
            }
            let batch = self.core.shelf.records(self.position + 1, durable).map_err(|error| match error {
                ReadError::Gone { oldest } => TailEnd::Gone { oldest },
                other => TailEnd::Unreadable(other),
            })?;
            self.ahead = batch.into();
        }
        let record = self.ahead.pop_front();
        if let Some(record) = &record {
            assert_eq!(record.header.seq, self.position + 1, "a tail yields every record once, in order");
            self.position = record.header.seq;
        }
        Ok(record)
    }
}
