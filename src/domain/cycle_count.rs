//! Cycle counts: a planned recount of some skus at a node, whose results are counts.
//!
//! ```text
//! planned ─results of some─► in_progress ─results of the rest─► completed
//!    └────────── cancel ──────────┴─► cancelled
//! ```
//! Each line keeps what was counted and by how much that differed. What is *not* here: stock, and what counts do to it
//! (`count`).

use serde::{Deserialize, Serialize};

use super::ids::{CycleCountKey, NodeIndex, SkuIndex, Text};
use super::limits::INBOUND_READABLE_MS;
use super::record::Header;
use super::stock::LawBroken;
use super::time::JournalTime;

/// What was counted of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CountedLine {
    /// Position of the line.
    pub line: u16,
    /// Units found.
    pub on_hand: u32,
    /// By how much what is on hand changed.
    pub difference: i64,
    /// Whether it was taken up: a newer count may have come before it.
    pub applied: bool,
}

/// A sku to be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CycleLine {
    /// Which.
    pub sku: SkuIndex,
    /// What was found.
    pub counted: Option<CountedLine>,
}

/// Where a cycle count stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CycleCountStatus {
    /// Nothing is counted.
    Planned,
    /// Some is.
    InProgress,
    /// All is.
    Completed,
    /// The rest will not be.
    Cancelled,
}

impl CycleCountStatus {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether results may come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Planned | Self::InProgress)
    }
}

/// What happened to a cycle count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CycleCountEvent {
    /// It was planned.
    Planned {
        /// The id its caller chose, if any.
        id: Option<Text>,
        /// Fingerprint of the request under the caller's id.
        fingerprint: u64,
        /// Where.
        node: NodeIndex,
        /// What: each once.
        skus: Vec<SkuIndex>,
    },
    /// Some of it was counted.
    Counted {
        /// What.
        lines: Vec<CountedLine>,
    },
    /// The rest will not be counted.
    Cancelled {
        /// Why, when somebody said so.
        reason: Option<Text>,
    },
}

/// A cycle count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CycleCount {
    /// Its generated number.
    pub key: CycleCountKey,
    /// The id its caller chose, if any.
    pub id: Option<Text>,
    /// Fingerprint of the request under the caller's id.
    pub fingerprint: u64,
    /// Where.
    pub node: NodeIndex,
    /// What.
    pub lines: Vec<CycleLine>,
    /// Whether the rest was called off.
    pub cancelled: bool,
    /// Sequence of the record that planned it.
    pub planned_seq: u64,
    /// When the last of it was counted, or the rest called off.
    pub ended_at: Option<JournalTime>,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of its last record.
    pub seq: u64,
}

impl CycleCount {
    /// The text by which clients name it.
    pub fn name(&self) -> String {
        self.id.as_deref().map_or_else(|| self.key.to_string(), str::to_owned)
    }

    /// Where it stands.
    pub fn status(&self) -> CycleCountStatus {
        let counted = self.lines.iter().filter(|line| line.counted.is_some()).count();
        match (self.cancelled, counted) {
            (true, _) => CycleCountStatus::Cancelled,
            (false, 0) => CycleCountStatus::Planned,
            (false, n) if n < self.lines.len() => CycleCountStatus::InProgress,
            (false, _) => CycleCountStatus::Completed,
        }
    }

    /// Whether nothing needs to know of it any more at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        self.ended_at.is_some_and(|at| now.0 - at.0 > INBOUND_READABLE_MS)
    }

    /// The next state of a cycle count.
    pub fn fold(
        before: Option<Self>,
        key: CycleCountKey,
        version: u32,
        header: &Header,
        event: &CycleCountEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |count| count.version + 1);
        if version != expected {
            return Err(LawBroken(format!("cycle count {key}: version {version} follows {}", expected - 1)));
        }
        let mut count = match (before, event) {
            (None, CycleCountEvent::Planned { id, fingerprint, node, skus }) => Self {
                key,
                id: id.clone(),
                fingerprint: *fingerprint,
                node: *node,
                lines: skus.iter().map(|sku| CycleLine { sku: *sku, counted: None }).collect(),
                cancelled: false,
                planned_seq: header.seq,
                ended_at: None,
                version: 0,
                seq: 0,
            },
            (Some(count), event) if count.status().is_open() => count.after(event)?,
            (before, event) => {
                return Err(LawBroken(format!("cycle count {key} ({}): cannot take {event:?}", before.is_some())));
            }
        };
        if !count.status().is_open() {
            count.ended_at = Some(header.time);
        }
        count.version = version;
        count.seq = header.seq;
        Ok(count)
    }

    fn after(mut self, event: &CycleCountEvent) -> Result<Self, LawBroken> {
        let key = self.key;
        match event {
            CycleCountEvent::Planned { .. } => return Err(LawBroken(format!("cycle count {key} was planned"))),
            CycleCountEvent::Cancelled { .. } => self.cancelled = true,
            CycleCountEvent::Counted { lines } => {
                for counted in lines {
                    let line = self.lines.get_mut(usize::from(counted.line));
                    let line = line.filter(|line| line.counted.is_none());
                    let line = line.ok_or_else(|| LawBroken(format!("cycle count {key} cannot take {counted:?}")))?;
                    line.counted = Some(*counted);
                }
            }
        }
        Ok(self)
    }
}
