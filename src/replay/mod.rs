//! What-if over a whole journal: read, as often as needed, by what reads it; and the search for rules that reach a target.
//!
//! ```text
//! a data directory, or the journal of this process ─records, states─► survey ─► what-if (engine) ─► comparison
//!                                                                          └─► search ─► rules
//! ```
//! A journal is read from the earliest record that is kept, since the stock that a plan saw is what all records before it
//! left; where the first records are gone, from the oldest snapshot. A survey comes first only where something is supposed
//! that the end of the journal must know: names, rules, or a day to be chosen.
//!
//! Promises: nothing is written, nothing is locked; of a process that serves only durable records are read. What is *not*
//! here: what a plan comes to (`engine::whatif`), and what is asked and shown (`api::replay`).

mod asked;
mod shown;
mod target;

pub use self::asked::{supposed, target_of};
pub use self::shown::{figures, problem, shown};
pub use self::target::{Aim, Found, Measure, SEARCHED_MAX, Target};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::money::Currency;
use crate::domain::record::Record;
use crate::domain::rejection::Fault;
use crate::domain::state::State;
use crate::engine::whatif::{Comparison, SceneKind, Suppose, Survey, Surveyed, WhatIf};
use crate::journal::{self, Journal, Look, SnapshotError, TailEnd};

/// Records after which whoever waits is asked whether he still does.
const ASKED_EVERY: u64 = 256;

/// Why there is no comparison.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// What is supposed means nothing to this journal.
    #[error("{}", told(.0))]
    Faults(Vec<Fault>),
    /// The data directory cannot be opened.
    #[error(transparent)]
    Directory(#[from] journal::Failure),
    /// The data directory is damaged.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The first records are gone and no snapshot stands for them, or there are none.
    #[error("the journal holds nothing to replay")]
    Nothing,
    /// The journal cannot be read.
    #[error(transparent)]
    Tail(#[from] TailEnd),
    /// A snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Nobody waits for it any more.
    #[error("nobody waits for it any more")]
    Unwanted,
}

fn told(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("{}: {}", fault.field, fault.detail)).collect::<Vec<_>>().join("; ")
}

impl Stop {
    /// Whether the data themselves are damaged.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Directory(failure) => matches!(failure, journal::Failure::Damaged { .. }),
            _ => false,
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records read, over all passes.
    pub records: u64,
    /// Records of one pass, where that is known.
    pub of: u64,
    /// Sets of rules that were tried.
    pub tried: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The comparison; of a search that of the rules found.
    pub comparison: Comparison,
    /// The rules found, where a target was named.
    pub found: Option<Found>,
    /// Currency of all amounts.
    pub currency: Currency,
}

/// Hears of every record with the state after it; answers whether it wants more.
pub type Each<'a> = dyn FnMut(&Record, &State) -> bool + 'a;

/// What reads a journal from its beginning, and answers the state at its end.
pub trait Source {
    /// Reads all of it, or until nobody wants more.
    fn read(&mut self, each: &mut Each<'_>) -> Result<State, Stop>;

    /// How many records that is, where it is known.
    fn records(&self) -> u64;
}

/// A data directory on which no server runs. A copy of its log is read, and checked on the way.
#[derive(Debug)]
pub struct Directory<'a> {
    /// Where, and where the copy may be made.
    pub look: Look<'a>,
    records: u64,
}

impl<'a> Directory<'a> {
    /// Where to look.
    pub fn at(look: Look<'a>) -> Self {
        Self { look, records: 0 }
    }
}

impl Source for Directory<'_> {
    fn read(&mut self, each: &mut Each<'_>) -> Result<State, Stop> {
        let (report, state) = journal::read_to_the_end(&self.look, &mut |record, state| {
            if let Some(state) = state {
                each(record, state);
            }
        })?;
        if let Some(finding) = report.findings.first() {
            return Err(Stop::Damaged(finding.clone()));
        }
        self.records = report.records;
        state.filter(|state| !state.is_empty()).ok_or(Stop::Nothing)
    }

    fn records(&self) -> u64 {
        self.records
    }
}

/// The journal of this process, up to what is durable when reading begins.
#[derive(Debug)]
pub struct Live<'a> {
    journal: &'a Journal,
    until: u64,
}

impl<'a> Live<'a> {
    /// All that is durable now.
    pub fn of(journal: &'a Journal) -> Self {
        Self { journal, until: journal.durable_seq() }
    }
}

impl Source for Live<'_> {
    fn read(&mut self, each: &mut Each<'_>) -> Result<State, Stop> {
        let (mut state, mut tail) = self.journal.from_the_beginning()?;
        while state.seq() < self.until {
            let record = tail.next_blocking()?;
            state.apply(&record).map_err(|law| Stop::Damaged(law.to_string()))?;
            if !each(&record, &state) {
                return Err(Stop::Unwanted);
            }
        }
        if state.is_empty() { Err(Stop::Nothing) } else { Ok(state) }
    }

    fn records(&self) -> u64 {
        self.until.saturating_sub(self.journal.oldest_seq().saturating_sub(1))
    }
}

/// Reads through a source and tells how far it is.
struct Passes<'a, S> {
    source: &'a mut S,
    progress: Progress,
    tell: &'a mut dyn FnMut(Progress) -> bool,
}

impl<S: Source> Passes<'_, S> {
    fn pass(&mut self, see: &mut dyn FnMut(&Record, &State)) -> Result<State, Stop> {
        let Self { source, progress, tell } = self;
        progress.of = source.records();
        source.read(&mut |record, state| {
            see(record, state);
            progress.records += 1;
            !progress.records.is_multiple_of(ASKED_EVERY) || tell(*progress)
        })
    }
}

/// Replays a journal; `tell` hears every 256 records how far it is, and answers whether to go on.
pub fn replay(
    source: &mut impl Source,
    suppose: &Suppose,
    target: Option<&Target>,
    tell: &mut dyn FnMut(Progress) -> bool,
) -> Result<Replayed, Stop> {
    if target.is_some() && suppose.scene != SceneKind::AsItWas {
        return Err(target::refused("scenario", "not_of_type", "rules are looked for on the orders as they were"));
    }
    let mut passes = Passes { source, progress: Progress::default(), tell };
    let surveyed = if suppose.needs_survey() || target.is_some() {
        let mut survey = Survey::default();
        let state = passes.pass(&mut |record, state| survey.see(suppose, record, state))?;
        survey.finish(suppose, &state).map_err(Stop::Faults)?
    } else {
        Surveyed::default()
    };
    if let Some(target) = target {
        return target::search(&mut passes, suppose, surveyed, target);
    }
    let mut what_if = WhatIf::new(suppose.clone(), surveyed);
    let state = passes.pass(&mut |record, state| what_if.see(record, state))?;
    Ok(Replayed { comparison: what_if.finish(&state), found: None, currency: currency_of(&state) })
}

fn currency_of(state: &State) -> Currency {
    match state.entity(&EntityKey::Directory) {
        Some(Entity::Directory(directory)) => directory.base_currency,
        _ => Currency::USD,
    }
}
