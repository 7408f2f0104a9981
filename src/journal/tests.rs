//! The whole journal on a simulated disk, and on a real one where sled matters.
//!
//! Record n of every test is `draft(n)`, so what a journal must hold up to any position can be said
//! without it: [`Model`]. Nothing sleeps; seeds are in the message of every assertion.

use std::sync::Arc;

pub(crate) use super::store::copy_folder;
use super::store::simulated::Simulated;
use super::*;
use crate::domain::event::{DirectoryFounded, Event, StockMoved};
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::money::Currency;
use crate::domain::record::Header;
use crate::domain::state::State;
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};
use crate::domain::time::JournalTime;

mod archive;
mod backups;
mod crash;
mod damage;
mod fuzz;
mod golden;
mod keeping;
mod real;
mod schedules;
mod waiting;

/// Record `seq` of every test: one unit more on one of seven cells.
pub(crate) fn draft(seq: u64) -> Draft {
    let founded = Event::DirectoryFounded(DirectoryFounded { base_currency: Currency::USD });
    let received = Event::StockMoved(StockMoved {
        cell: CellKey { sku: SkuIndex((seq % 7) as u32), node: NodeIndex(0) },
        kind: MovementKind::Received,
        delta: LevelDelta { on_hand: 1, available: 1, ..LevelDelta::default() },
    });
    Draft {
        decided_at: JournalTime(0),
        catalogue_seq: 1,
        actor: "anonymous".into(),
        source: "test".into(),
        request_id: format!("request-{seq}").into(),
        events: if seq == 1 { vec![founded, received] } else { vec![received] },
    }
}

/// The record that `draft` becomes.
pub(crate) fn record(seq: u64) -> Record {
    let draft = draft(seq);
    let header = Header {
        seq,
        time: JournalTime(1_000),
        wall: crate::domain::time::WallTime(1_000),
        decided_at: draft.decided_at,
        actor: draft.actor,
        source: draft.source,
        request_id: draft.request_id,
        catalogue_seq: 1,
        epoch: 1,
        partition: 0,
    };
    Record { header, events: draft.events }
}

/// What the records up to `seq` add up to.
fn model(seq: u64) -> State {
    let mut state = State::default();
    (1..=seq).for_each(|seq| state.apply(&record(seq)).unwrap());
    state
}

fn options() -> Options {
    Options {
        generation_bytes: 4 << 10,
        snapshot_bytes_min: 2 << 10,
        recent_bytes: 1 << 10,
        clock: ClockChoice::Manual(ManualClock::at(1_000)),
        workers: Workers::WriterThread,
        ..Options::default()
    }
}

fn open(disk: &Simulated) -> Result<(Journal, State), Failure> {
    open_with(disk, options())
}

fn open_with(disk: &Simulated, options: Options) -> Result<(Journal, State), Failure> {
    Unrecovered::on(Arc::new(disk.clone()), options).recover()
}

/// Appends the next record.
fn append(journal: &Journal) -> u64 {
    let seq = journal.last_seq() + 1;
    let stamp = journal.append(journal.encode(&draft(seq)).unwrap());
    assert_eq!(stamp.seq, seq);
    seq
}

/// Appends so many records and waits for the last.
fn append_durably(journal: &Journal, count: u64) -> Result<u64, OutcomeUnknown> {
    let mut last = journal.last_seq();
    for _ in 0..count {
        last = append(journal);
    }
    journal.durable_blocking(last, last).map(Durable::into_inner)
}

/// Every record from 1 (or where history begins) reads back as the one appended, by tail and by number.
fn assert_readable(journal: &Journal, context: &str) {
    let oldest = journal.oldest_seq();
    let mut tail = journal.tail(oldest - 1);
    for seq in oldest..=journal.durable_seq() {
        let record = tail.try_next().unwrap().unwrap_or_else(|| panic!("{context}: no record {seq}"));
        assert_eq!((record.header.seq, &record.events), (seq, &draft(seq).events), "{context}");
    }
    assert!(tail.try_next().unwrap().is_none(), "{context}");
    for seq in [oldest, (oldest + journal.durable_seq()) / 2, journal.durable_seq()] {
        if (oldest..=journal.durable_seq()).contains(&seq) {
            let record = journal.read(seq).unwrap().unwrap();
            assert_eq!(record.header.request_id, draft(seq).request_id, "{context}");
        }
    }
    assert!(journal.read(journal.durable_seq() + 1).unwrap().is_none(), "{context}");
}

/// The state is what the records up to its position add up to.
fn assert_state(state: &State, context: &str) {
    assert!(state.entities() == model(state.seq()).entities(), "{context}, at {}", state.seq());
}
