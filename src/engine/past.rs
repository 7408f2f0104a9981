//! What happened of late to what is on hand, for counts that were made before: per sku under its ledger, and how full
//! each minute was.
//!
//! Bounds: `COUNT_WINDOW_MS`, and `MOVEMENTS_A_MINUTE_MAX` over all skus; of a minute with more nothing more is kept. A
//! checkout changes nothing that is on hand and never comes here.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

use crate::domain::count::{CountMark, Minute, MinuteKey, Moved};
use crate::domain::ids::NodeIndex;
use crate::domain::limits::{COUNT_WINDOW_MS, MOVEMENTS_A_MINUTE_MAX};
use crate::domain::time::JournalTime;

/// The past of one sku.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Past {
    moved: VecDeque<Moved>,
    marks: BTreeMap<NodeIndex, CountMark>,
}

impl Past {
    /// Remembers a change, and no longer what is older than any count may be.
    pub fn remember(&mut self, moved: Moved) {
        while self.moved.front().is_some_and(|first| moved.at.0 - first.at.0 > COUNT_WINDOW_MS) {
            self.moved.pop_front();
        }
        self.moved.push_back(moved);
    }

    /// The sum of a cell's own movements after an instant.
    pub fn moved_since(&self, node: NodeIndex, since: JournalTime) -> i64 {
        let own = self.moved.iter().filter(|moved| moved.cell.node == node && !moved.counted && moved.at > since);
        own.map(|moved| i64::from(moved.on_hand)).sum()
    }

    /// What the counts of a cell have told. Without a mark, the last correction by a count without source or date.
    pub fn mark(&self, node: NodeIndex) -> Option<CountMark> {
        let counted = || self.moved.iter().rev().find(|moved| moved.cell.node == node && moved.counted);
        let plain = || counted().map(|moved| CountMark { observed_at: moved.at, sources: Vec::new() });
        self.marks.get(&node).cloned().or_else(plain)
    }

    /// Whether a count of the cell was marked.
    pub fn is_marked(&self, node: NodeIndex) -> bool {
        self.marks.contains_key(&node)
    }

    /// Puts the mark of a cell.
    pub fn put_mark(&mut self, node: NodeIndex, mark: CountMark) {
        self.marks.insert(node, mark);
    }
}

/// How much was remembered of each minute.
#[derive(Debug, Default)]
pub struct Minutes(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    of: BTreeMap<MinuteKey, usize>,
    known_since: JournalTime,
}

impl Default for Counts {
    fn default() -> Self {
        Self { of: BTreeMap::new(), known_since: JournalTime(i64::MIN) }
    }
}

impl Minutes {
    /// Counts one more change of a minute; whether it is to be remembered.
    pub fn admit(&self, at: JournalTime) -> bool {
        let mut counts = self.0.lock();
        let key = MinuteKey::of(at);
        let count = counts.of.entry(key).or_default();
        *count += 1;
        let (is_new, fits) = (*count == 1, *count <= MOVEMENTS_A_MINUTE_MAX);
        if is_new {
            counts.of.retain(|minute, _| at.0 - minute.end().0 <= COUNT_WINDOW_MS);
        }
        if !fits {
            counts.known_since = counts.known_since.max(key.end());
        }
        fits
    }

    /// Puts a minute at start.
    pub fn hold(&self, minute: &Minute) {
        let mut counts = self.0.lock();
        let count = if minute.is_too_full { MOVEMENTS_A_MINUTE_MAX + 1 } else { minute.moved.len() };
        counts.of.insert(minute.key, count);
        if minute.is_too_full {
            counts.known_since = counts.known_since.max(minute.key.end());
        }
    }

    /// Nothing is known of what happened before.
    pub fn forget_before(&self, at: JournalTime) {
        let mut counts = self.0.lock();
        counts.known_since = counts.known_since.max(at);
    }

    /// The earliest instant since which all changes are remembered.
    pub fn known_since(&self, now: JournalTime) -> JournalTime {
        self.0.lock().known_since.max(JournalTime(now.0 - COUNT_WINDOW_MS))
    }
}
