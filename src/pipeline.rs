//! The write path, as its callers see it until it is written.

use std::sync::Arc;

use crate::domain::command::{Command, Context};
use crate::domain::money::Currency;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Outcome;
use crate::domain::state::State;
use crate::engine::Engine;
use crate::journal::{Durable, Journal, OutcomeUnknown};

/// Engine and journal, joined. Clones share them.
#[derive(Clone)]
pub struct Pipeline {
    engine: Arc<Engine>,
    journal: Arc<Journal>,
}

/// Why a command got no answer of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The business says no; nothing was changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Too much is in flight; nothing was changed. Come back.
    #[error("too much is in flight; nothing was changed")]
    Busy,
    /// The disk failed while the record was on its way.
    #[error("the outcome is unknown: the journal failed")]
    OutcomeUnknown,
    /// The answer to a repeated request is older than the history that is kept.
    #[error("the answer to this request is no longer kept")]
    AnswerGone,
}

impl From<OutcomeUnknown> for Refused {
    fn from(_: OutcomeUnknown) -> Self {
        Self::OutcomeUnknown
    }
}

impl Pipeline {
    /// Starts the engine from a recovered state and joins it to its journal.
    pub fn start(journal: Journal, state: State, _currency: Option<Currency>) -> Self {
        let engine = Engine::start(state, &journal).expect("the engine is a stand-in and starts");
        Self { engine: Arc::new(engine), journal: Arc::new(journal) }
    }

    /// Carries out a command and waits until its record is durable.
    pub async fn submit(&self, context: Context, command: Command) -> Result<Durable<Outcome>, Refused> {
        let outcome = self.engine.execute(&*self.journal, &context, command)?;
        Ok(self.journal.durable(outcome.seq, outcome).await?)
    }

    /// The engine, for reads.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The journal, for its tail and its waits.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}
