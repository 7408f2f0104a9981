//! The composition root: open, recover, build, run, stop in reverse.
//!
//! ```text
//! open:   journal ─recover─► state ─► views, engine ─► pipeline ─► clock, view, shadow and look-ahead threads ─► (http)
//! close:  (http) ─► look-ahead thread, clock thread ─► journal ─► view thread, shadow thread
//! ```
//! [`Ordain`] is the engine in process: what `ordain serve` puts behind HTTP, and what a Rust program can use without it.
//! A drop without [`Ordain::close`] loses nothing that was acknowledged; the next start only has to verify more.
//!
//! What is *not* here: decisions of any kind. Each part has its rules; this file only knows their order.

use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam::channel::{self, Receiver, Sender};
use tokio::net::TcpListener;

use crate::config::Settings;
use crate::domain::command::{Command, Context};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::money::Currency;
use crate::domain::opportunity::Foresee;
use crate::domain::policy::Policy;
use crate::domain::record::{Log, Record};
use crate::domain::rejection::Rejection;
use crate::domain::replanning::Leave;
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::engine::{Atp, StockView};
use crate::http::{self, Front};
use crate::journal::{self, ManualClock, Tail, TailEnd, Unrecovered};
use crate::pipeline::{Pipeline, Refused};
use crate::views::Views;

/// Longest sleep of the clock thread. What is due counts as free before it is written, so a late thread harms nobody.
const NAP_MAX: Duration = Duration::from_millis(500);

/// How often it is looked whether prices of orders to come are due, or open orders to be planned again, and how long either may
/// take.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
const LOOKS_FOR: Duration = Duration::from_secs(2);

/// Why a data directory does not open, or ends.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The journal cannot be opened or went wrong.
    #[error(transparent)]
    Journal(#[from] journal::Failure),
    /// The data directory was founded with another currency.
    #[error("the data directory counts costs in {founded}, not in {asked}; that is chosen once, at the first start")]
    Currency {
        /// What it was founded with.
        founded: Currency,
        /// What was asked for.
        asked: Currency,
    },
    /// A thread could not be started, or the network failed.
    #[error("{what}: {cause}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        cause: std::io::Error,
    },
}

impl Failure {
    /// Whether the data themselves are damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Journal(journal::Failure::Damaged { .. }))
    }
}

/// An open data directory with all parts running.
pub struct Ordain {
    pipeline: Pipeline,
    views: Arc<Views>,
    /// The clock that requests set, when they do.
    clock_of_requests: Option<Arc<ManualClock>>,
    stopping: Arc<AtomicBool>,
    clock: Option<JoinHandle<()>>,
    reader: Option<JoinHandle<()>>,
    shadows: Option<JoinHandle<()>>,
    ahead: Option<JoinHandle<()>>,
}

impl Ordain {
    /// Opens a data directory, and founds it when it is empty.
    pub fn open(data: impl Into<PathBuf>) -> Result<Self, Failure> {
        Self::start(&Settings::of(data))
    }

    /// Opens a data directory with settings.
    pub fn start(settings: &Settings) -> Result<Self, Failure> {
        let (journal, state) = Unrecovered::open(&settings.data, settings.journal())?.recover()?;
        check_currency(&state, settings.currency)?;
        let (tail, archive) = (journal.tail(state.seq()), journal.archive().clone());
        let views = |state: &State| Views::of(state, Some(archive));
        let (pipeline, views) = Pipeline::start_beside(journal, state, settings.currency, views);
        pipeline.engine().archive_after(settings.archive_after_s.saturating_mul(1_000));

        let stopping = Arc::new(AtomicBool::new(false));
        let clock = thread::Builder::new().name("clock".into()).spawn({
            let (pipeline, stopping) = (pipeline.clone(), stopping.clone());
            move || keep_time(&pipeline, &stopping)
        });
        let (begin, begun) = channel::bounded(1);
        if pipeline.engine().has_shadows() {
            // Nobody else knows the channel yet, so it is empty.
            let _ = begin.try_send(tail.position());
        }
        let reader = thread::Builder::new().name("views".into()).spawn({
            let (views, pipeline) = (views.clone(), pipeline.clone());
            move || follow(tail, &views, &pipeline, &begin)
        });
        let shadows = thread::Builder::new().name("shadows".into()).spawn({
            let pipeline = pipeline.clone();
            move || judge_shadows(&pipeline, &begun)
        });
        let ahead = thread::Builder::new().name("ahead".into()).spawn({
            let (pipeline, stopping) = (pipeline.clone(), stopping.clone());
            move || look_ahead(&pipeline, &stopping)
        });
        let thread_failure = |cause| Failure::System { what: "a thread cannot be started", cause };
        let (clock, reader) = (Some(clock.map_err(thread_failure)?), Some(reader.map_err(thread_failure)?));
        let (shadows, ahead) = (Some(shadows.map_err(thread_failure)?), Some(ahead.map_err(thread_failure)?));
        let clock_of_requests = settings.clock.of_requests();
        Ok(Self { pipeline, views, clock_of_requests, stopping, clock, reader, shadows, ahead })
    }

    /// Carries a command out and waits until it is durable.
    pub fn submit(&self, command: Command) -> Result<Reply, Refused> {
        let outcome = self.pipeline.submit_blocking(&Context::library(), command)?;
        Ok(outcome.into_inner().reply)
    }

    /// All stock levels of a sku.
    pub fn stock(&self, sku: &str) -> Result<StockView, Rejection> {
        self.pipeline.engine().stock(sku)
    }

    /// What of a sku can be promised now, at one node or anywhere.
    pub fn atp(&self, sku: &str, node: Option<&str>) -> Result<Atp, Rejection> {
        self.pipeline.engine().atp(self.pipeline.journal().now().journal, sku, node)
    }

    /// The route of every write, and through it the engine and the journal for further reads.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Read models.
    pub fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// Serves HTTP until `shutdown` resolves or the journal fails, then lets requests in flight end.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Failure> {
        let poisoned = self.pipeline.journal().poisoned();
        let stop = async move {
            tokio::select! {
                () = shutdown => {}
                () = poisoned => {}
            }
        };
        let (pipeline, views) = (self.pipeline.clone(), self.views.clone());
        let front = match &self.clock_of_requests {
            Some(clock) => Front::on_clock(pipeline, views, clock.clone()),
            None => Front::new(pipeline, views),
        };
        http::serve(listener, front, stop).await.map_err(|cause| Failure::System { what: "serving failed", cause })
    }

    /// Stops all parts and leaves the mark of an orderly end.
    pub fn close(mut self) -> Result<(), Failure> {
        self.stop()
    }

    fn stop(&mut self) -> Result<(), Failure> {
        self.stopping.store(true, Ordering::Release);
        for timed in [self.ahead.take(), self.clock.take()].into_iter().flatten() {
            timed.thread().unpark();
            // A thread that panicked has told so; what the clock left undone is done at the next start.
            let _ = timed.join();
        }
        let closed = self.pipeline.journal().close();
        for reader in [self.reader.take(), self.shadows.take()].into_iter().flatten() {
            let _ = reader.join();
        }
        Ok(closed?)
    }
}

impl fmt::Debug for Ordain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ordain at {:?}", self.pipeline.journal())
    }
}

impl Drop for Ordain {
    fn drop(&mut self) {
        if let Err(failure) = self.stop() {
            tracing::error!(%failure, "the journal did not close in order");
        }
    }
}

/// Binds where the server will listen.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|cause| Failure::System { what: "cannot listen", cause })
}

/// Refuses a currency other than the one the directory was founded with.
fn check_currency(state: &State, asked: Option<Currency>) -> Result<(), Failure> {
    match (state.entity(&EntityKey::Directory), asked) {
        (Some(Entity::Directory(directory)), Some(asked)) if directory.base_currency != asked => {
            Err(Failure::Currency { founded: directory.base_currency, asked })
        }
        _ => Ok(()),
    }
}

/// Writes what is due, then sleeps until the next is, or is told to stop.
fn keep_time(pipeline: &Pipeline, stopping: &AtomicBool) {
    while !stopping.load(Ordering::Acquire) {
        let due = pipeline.tick();
        let journal = pipeline.journal();
        let now = journal.now().journal;
        if due.is_some_and(|due| due <= now) {
            // More of it waits: what was written of it takes no seats any more. A journal that has ended is told elsewhere.
            let _ = journal.durable_blocking(journal.last_seq(), ());
        }
        let until = due.map_or(NAP_MAX, |due| Duration::from_millis(u64::try_from(due.0 - now.0).unwrap_or(0)));
        // At least a moment: what could not be written now would otherwise be tried without a pause.
        thread::park_timeout(until.clamp(Duration::from_millis(1), NAP_MAX));
    }
}

/// Finds what stock and shipments are worth to orders to come, and plans open orders again that a receipt or an outage touched,
/// whenever that is due, until it is told to stop.
fn look_ahead(pipeline: &Pipeline, stopping: &AtomicBool) {
    let context = Context { actor: "clock".into(), source: "clock".into(), request_id: "".into(), key: None };
    while !stopping.load(Ordering::Acquire) {
        outlives("prices of orders to come", || foresee_what_is_due(pipeline, &context));
        outlives("open orders planned again", || replan_what_is_due(pipeline, &context, stopping));
        thread::park_timeout(LOOKS_EVERY);
    }
}

/// Runs work of a thread that has more to do than this; a panic ends this work alone, and is told.
fn outlives(what: &'static str, work: impl FnOnce()) {
    // Nothing it only read is harmed, and what it submits is as safe as any client's.
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!(what, "an assertion ended this work; it is left, and the next is begun when it is due");
    }
}

fn foresee_what_is_due(pipeline: &Pipeline, context: &Context) {
    let now = pipeline.journal().now();
    if let Some(days) = pipeline.engine().opportunity_due(now.wall) {
        let found = pipeline.engine().foresee(now, &Foresee { days, within: LOOKS_FOR });
        // What is refused now, since too much is in flight, is found again.
        let _ = pipeline.submit_blocking(context, Command::PutOpportunity(Box::new(found)));
    }
}

fn replan_what_is_due(pipeline: &Pipeline, context: &Context, stopping: &AtomicBool) {
    while let Some((asked, leave)) = pipeline.engine().replanning_due(LOOKS_FOR)
        && !stopping.load(Ordering::Acquire)
    {
        let Ok(found) = pipeline.engine().optimise(pipeline.journal().now(), &asked) else { continue };
        if leave == Leave::Apply && found.figures.changed > 0 {
            // What is refused, since the world moved on, stays told as proposed.
            let _ = pipeline.submit_blocking(context, Command::ApplyOptimisation { optimisation: found.id });
        }
    }
}

/// Reads the journal's tail into the views, and to the watch over levels, until the journal ends.
fn follow(mut tail: Tail, views: &Views, pipeline: &Pipeline, begin: &Sender<u64>) {
    loop {
        match tail.next_blocking() {
            Ok(record) => {
                views.read(&record, &|key, version| pipeline.engine().order_at(key, version));
                pipeline.engine().notice(&record);
                if puts_shadow(&record) {
                    // Full: whoever judges has not begun with the one before, and begins there.
                    let _ = begin.try_send(record.header.seq);
                }
            }
            Err(TailEnd::Stopped) => return,
            Err(end) => {
                tracing::error!(%end, "views can no longer follow the journal; lists stand still");
                return;
            }
        }
    }
}

/// Whether a version of a rule set runs beside the live ones from this record on.
fn puts_shadow(record: &Record) -> bool {
    record.events.iter().any(|event| match event {
        Event::PolicyPut(put) => matches!(put.policy, Policy::Shadow(Some(_))),
        _ => false,
    })
}

/// Reads the journal for the versions that run beside the live ones, while there are any.
fn judge_shadows(pipeline: &Pipeline, begun: &Receiver<u64>) {
    while let Ok(after) = begun.recv() {
        let mut tail = pipeline.journal().tail(after);
        while pipeline.engine().has_shadows() {
            match tail.next_blocking() {
                Ok(record) => pipeline.engine().judge_shadows(&record),
                Err(TailEnd::Stopped) => return,
                Err(end) => {
                    tracing::error!(%end, "shadows can no longer follow the journal; they stand still");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::outlives;

    #[test]
    fn work_that_panics_ends_alone() {
        let mut begun = 0;
        for _ in 0..2 {
            outlives("a test", || {
                begun += 1;
                panic!("an assertion that does not hold");
            });
        }
        assert_eq!(begun, 2, "the next work is begun all the same");
    }
}
