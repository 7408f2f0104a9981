//! A record: one transaction, with all that is needed to tell who did what when; and the one border between those who
//! make records and those who keep them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::archive::Archive;
use super::event::Event;
use super::ids::Text;
use super::time::{JournalTime, Now, WallTime};

/// What every record carries.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Its place in the order of all records, from 1, without gaps.
    pub seq: u64,
    /// Journal time of the append.
    pub time: JournalTime,
    /// Wall clock seen at the append.
    pub wall: WallTime,
    /// Journal time read under the locks of what was judged by time; never later than `time`.
    pub decided_at: JournalTime,
    /// Who: `anonymous` until there is authentication.
    pub actor: Text,
    /// Through what: `http`, `library`, `clock` and the like.
    pub source: Text,
    /// Which request.
    pub request_id: Text,
    /// Sequence of the catalogue that was read.
    pub catalogue_seq: u64,
    /// Reign of the writer.
    pub epoch: u64,
    /// Always 0 on one machine.
    pub partition: u16,
}

/// One transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Who, when, in what order.
    pub header: Header,
    /// What happened.
    pub events: Vec<Event>,
}

/// A record before it has its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// See [`Header::decided_at`].
    pub decided_at: JournalTime,
    /// See [`Header::catalogue_seq`].
    pub catalogue_seq: u64,
    /// See [`Header::actor`].
    pub actor: Text,
    /// See [`Header::source`].
    pub source: Text,
    /// See [`Header::request_id`].
    pub request_id: Text,
    /// What happens.
    pub events: Vec<Event>,
}

/// A draft's bytes: everything but sequence, time and wall clock.
#[derive(Clone, Debug)]
pub struct Encoded(pub Vec<u8>);

/// The place a record got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Its sequence.
    pub seq: u64,
    /// Journal time of the append.
    pub time: JournalTime,
    /// Wall clock at the append.
    pub wall: WallTime,
}

impl Stamp {
    /// The header of a draft that got this place, as folds need it in memory.
    pub fn header(&self, draft: &Draft) -> Header {
        Header {
            seq: self.seq,
            time: self.time,
            wall: self.wall,
            decided_at: draft.decided_at,
            actor: draft.actor.clone(),
            source: draft.source.clone(),
            request_id: draft.request_id.clone(),
            catalogue_seq: draft.catalogue_seq,
            epoch: 0,
            partition: 0,
        }
    }
}

/// The draft does not fit into one record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the record would take {bytes} bytes; one record takes at most {max}")]
pub struct RecordTooLarge {
    /// What it would take.
    pub bytes: usize,
    /// What it may take.
    pub max: usize,
}

/// Where records go. The engine knows no more of the journal than this.
pub trait Log: Send + Sync {
    /// Both clocks.
    fn now(&self) -> Now;

    /// The bytes of a draft. Called before stock is taken, so that nothing between take and append can fail.
    fn encode(&self, draft: &Draft) -> Result<Encoded, RecordTooLarge>;

    /// Gives a record its place: the one serialisation point. Cannot fail; not yet durable on return.
    fn append(&self, record: Encoded) -> Stamp;

    /// Who keeps the orders that left memory; `None` where nothing ever leaves.
    fn archive(&self) -> Option<Arc<dyn Archive>> {
        None
    }
}
