//! An image opened by the real journal, and what must be true of it.
//!
//! Every record acknowledged before the power went is there with its very content, no record is missing before another,
//! the state is what the records add up to, and the journal goes on: it appends, keeps house, closes and opens again.
//! The judge opens in this process; a panic is a verdict, and so is a hang, which the caller looks out for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::domain::record::Log;
use crate::domain::state::State;
use crate::journal::tests::{draft, record};
use crate::journal::{Failure, Journal, Options, Unrecovered};

/// What is wrong with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// Acknowledged records are missing.
    Lost(String),
    /// What is there is not what was written, or has holes.
    Torn(String),
    /// It does not open, or does not go on.
    Unopened(String),
}

/// The states after every record up to some number.
pub(super) struct States(Vec<State>);

impl States {
    pub(super) fn up_to(last: u64) -> States {
        let mut states = vec![State::default()];
        for seq in 1..=last {
            let mut state = states.last().expect("it begins with one").clone();
            state.apply(&record(seq)).expect("every record keeps the laws");
            states.push(state);
        }
        States(states)
    }

    fn are(&self, found: &State) -> Result<(), Finding> {
        let seq = found.seq();
        match self.0.get(seq as usize) {
            Some(state) if state.entities() == found.entities() => Ok(()),
            Some(_) => Err(Finding::Torn(format!("the state at {seq} is not what the records add up to"))),
            None => Err(Finding::Torn(format!("record {seq} was never written"))),
        }
    }
}

/// How long a lock of this process that is already given back may be held by a copy.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// How many records the judge appends to see that a journal goes on.
pub(super) const APPENDED: u64 = 5;

/// Judges the data directory in `root`, which is changed by it.
pub(super) fn judge(root: &Path, options: &Options, acknowledged: u64, states: &States) -> Result<(), Finding> {
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let (journal, state) = open(root, options)?;
        if journal.durable_seq() < acknowledged {
            let what = format!("{acknowledged} was acknowledged, the journal ends at {}", journal.durable_seq());
            return Err(Finding::Lost(what));
        }
        if state.seq() != journal.durable_seq() {
            return Err(Finding::Torn(format!(
                "the state is at {}, the journal at {}",
                state.seq(),
                journal.durable_seq()
            )));
        }
        states.are(&state)?;
        read_all(&journal)?;
        go_on(&journal)?;
        let last = journal.durable_seq();
        journal.close().map_err(unopened)?;
        drop(journal);
        let (journal, state) = open(root, options)?;
        if state.seq() != last || !journal.opening().clean {
            return Err(Finding::Lost(format!("closed at {last}, opened at {}: {:?}", state.seq(), journal.opening())));
        }
        states.are(&state)
    }));
    judged.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Finding::Unopened(format!("panicked: {}", text.unwrap_or_default())))
    })
}

/// A process that another test starts at this very moment holds a copy of every lock until it runs its own program.
fn open(root: &Path, options: &Options) -> Result<(Journal, State), Finding> {
    let started = Instant::now();
    loop {
        match Unrecovered::open(root, options.clone()).and_then(Unrecovered::recover) {
            Err(Failure::InUse(_)) if started.elapsed() < LOCK_WAIT_MAX => std::thread::yield_now(),
            other => return other.map_err(unopened),
        }
    }
}

fn unopened(failure: impl ToString) -> Finding {
    Finding::Unopened(failure.to_string())
}

/// Every record that is kept, with its very content.
fn read_all(journal: &Journal) -> Result<(), Finding> {
    let torn = |what: String| Finding::Torn(what);
    let oldest = journal.oldest_seq();
    let mut tail = journal.tail(oldest - 1);
    for seq in oldest..=journal.durable_seq() {
        let found = tail.try_next().map_err(|end| torn(format!("the tail ends before {seq}: {end}")))?;
        let record = found.ok_or_else(|| torn(format!("no record {seq}")))?;
        let expected = draft(seq);
        let same = record.header.seq == seq
            && record.header.request_id == expected.request_id
            && record.events == expected.events;
        if !same {
            return Err(torn(format!("record {seq} reads as {record:?}")));
        }
    }
    Ok(())
}

fn go_on(journal: &Journal) -> Result<(), Finding> {
    for _ in 0..APPENDED {
        let seq = journal.last_seq() + 1;
        let stamp = journal.append(journal.encode(&draft(seq)).map_err(unopened)?);
        if stamp.seq != seq {
            return Err(Finding::Torn(format!("record {seq} was given number {}", stamp.seq)));
        }
    }
    journal.durable_blocking(journal.last_seq(), ()).map_err(unopened)?;
    journal.upkeep();
    Ok(())
}
