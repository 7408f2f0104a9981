//! The write path: seat, execute, durable. The route of every write can be read here.
//!
//! ```text
//! seat     a permit for one append, or Busy
//! execute  the engine validates, takes stock, makes events and appends them while what it touches is locked
//! durable  wait until the group is on disk
//! ```
//! Reads go straight to the engine and the journal. What is *not* here: JSON, HTTP, what a command does.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::domain::command::{Command, Context, ReserveOne};
use crate::domain::event::{Answer, Event};
use crate::domain::money::Currency;
use crate::domain::record::{Log, Record};
use crate::domain::rejection::Rejection;
use crate::domain::reply::{Outcome, Reply};
use crate::domain::state::State;
use crate::domain::time::JournalTime;
use crate::engine::{Engine, Executed};
use crate::journal::{Busy, Durable, Journal, OutcomeUnknown, Priority, Seat};

/// Engine and journal, joined. Clones share them.
#[derive(Clone)]
pub struct Pipeline {
    engine: Arc<Engine>,
    journal: Arc<Journal>,
}

/// What became of many, one by one.
pub type Answers = Vec<Result<Outcome, Refused>>;

/// Why a command got no answer of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The business says no; nothing was changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Too much is in flight; nothing was changed. Come back.
    #[error("too much is in flight; nothing was changed")]
    Busy,
    /// The disk is nearly full; nothing was changed. Make room.
    #[error("the disk of the journal is nearly full; nothing was changed")]
    NoRoom,
    /// The journal has stopped; nothing was changed. This process does no more work.
    #[error("the journal has stopped; nothing was changed")]
    Stopped,
    /// The disk failed while the record was on its way: it may be there after a restart, or not.
    #[error("the outcome is unknown: the journal failed")]
    OutcomeUnknown,
    /// The answer to a repeated request is older than the history that is kept.
    #[error("the answer to this request is no longer kept")]
    AnswerGone,
}

impl From<Busy> for Refused {
    fn from(busy: Busy) -> Self {
        match busy {
            Busy::Full => Self::Busy,
            Busy::NoRoom => Self::NoRoom,
            Busy::Stopped => Self::Stopped,
        }
    }
}

impl From<OutcomeUnknown> for Refused {
    fn from(_: OutcomeUnknown) -> Self {
        Self::OutcomeUnknown
    }
}

impl Pipeline {
    /// Starts the engine from a recovered state and joins it to its journal.
    pub fn start(journal: Journal, state: State, currency: Option<Currency>) -> Self {
        Self::start_beside(journal, state, currency, |_| ()).0
    }

    /// As [`Pipeline::start`], see [`Engine::start_beside`].
    pub fn start_beside<B: Send>(
        journal: Journal,
        state: State,
        currency: Option<Currency>,
        beside: impl FnOnce(&State) -> B + Send,
    ) -> (Self, B) {
        let (engine, made) = Engine::start_beside(state, &journal, currency, beside);
        (Self { engine: Arc::new(engine), journal: Arc::new(journal) }, made)
    }

    /// Carries out a command and waits until its record is durable.
    pub async fn submit(&self, context: Context, command: Command) -> Result<Durable<Outcome>, Refused> {
        let command = self.recalled(command).await?;
        let (seat, executed) = self.execute(&context, command)?;
        let outcome = match executed {
            Executed::Done(outcome) => outcome,
            repeat => {
                self.journal.durable(first_record(&repeat), ()).await?;
                self.outcome(&context, repeat, &mut None)?
            }
        };
        let durable = self.journal.durable(outcome.seq, outcome).await?;
        drop(seat);
        Ok(durable)
    }

    /// The same for a thread without a runtime.
    pub fn submit_blocking(&self, context: &Context, command: Command) -> Result<Durable<Outcome>, Refused> {
        let (seat, executed) = self.execute(context, command)?;
        self.journal.durable_blocking(first_record(&executed), ())?;
        let outcome = self.outcome(context, executed, &mut None)?;
        let durable = self.journal.durable_blocking(outcome.seq, outcome)?;
        drop(seat);
        Ok(durable)
    }

    /// The first answer to this request, where it is a repeat: for whoever can no longer make its command, since what that
    /// is about has changed.
    pub async fn repeated(&self, context: &Context) -> Result<Option<Durable<Outcome>>, Refused> {
        let Some(repeat) = self.engine.repeated(context)? else { return Ok(None) };
        self.journal.durable(first_record(&repeat), ()).await?;
        let outcome = self.outcome(context, repeat, &mut None)?;
        Ok(Some(self.journal.durable(outcome.seq, outcome).await?))
    }

    /// Makes many reservations, each all or nothing and answered for itself, in the order asked; waits once, until all of
    /// them are durable. Those whose units are there share records.
    pub async fn reserve_many(&self, context: &Context, wanted: &[ReserveOne]) -> Result<Durable<Answers>, Refused> {
        let (seat, executed) = self.execute_many(context, wanted)?;
        self.journal.durable(last_record(&executed), ()).await?;
        let (seq, answers) = self.outcomes(context, wanted, executed);
        let durable = self.journal.durable(seq, answers).await?;
        drop(seat);
        Ok(durable)
    }

    /// The same for a thread without a runtime.
    pub fn reserve_many_blocking(&self, context: &Context, wanted: &[ReserveOne]) -> Result<Durable<Answers>, Refused> {
        let (seat, executed) = self.execute_many(context, wanted)?;
        self.journal.durable_blocking(last_record(&executed), ())?;
        let (seq, answers) = self.outcomes(context, wanted, executed);
        let durable = self.journal.durable_blocking(seq, answers)?;
        drop(seat);
        Ok(durable)
    }

    /// Gives stock back whose time is up; answers when to come again.
    pub fn tick(&self) -> Option<JournalTime> {
        self.engine.expire_due(&*self.journal)
    }

    /// The engine, for reads.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The journal, for its tail and its waits.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Brings what a command is about back into memory first where it lies in the archive alone, on a thread that may wait
    /// for files.
    async fn recalled(&self, command: Command) -> Result<Command, Refused> {
        // Without a runtime whose threads may wait, this one does, when the command is carried out.
        if !self.engine.rests(&command) || Handle::try_current().is_err() {
            return Ok(command);
        }
        let (engine, now) = (self.engine.clone(), self.journal.now().journal);
        let recall = move || engine.recall(&command, now).map(|()| command);
        Ok(tokio::task::spawn_blocking(recall).await.map_err(|_| Refused::Stopped)??)
    }

    fn execute(&self, context: &Context, command: Command) -> Result<(Seat, Executed), Refused> {
        let priority = if command.keeps_its_seat() { Priority::Kept } else { Priority::Normal };
        let seat = self.journal.seat(priority)?;
        let executed = self.engine.execute(&*self.journal, context, command)?;
        Ok((seat, executed))
    }

    fn execute_many(
        &self,
        context: &Context,
        wanted: &[ReserveOne],
    ) -> Result<(Seat, Vec<Result<Executed, Rejection>>), Refused> {
        let seat = self.journal.seat(Priority::Normal)?;
        Ok((seat, self.engine.reserve_many(&*self.journal, context, wanted)))
    }

    /// The answers, and the record with which the last of them is durable.
    fn outcomes(
        &self,
        context: &Context,
        wanted: &[ReserveOne],
        executed: Vec<Result<Executed, Rejection>>,
    ) -> (u64, Answers) {
        let (mut last, mut kept) = (0, None);
        let answer = |(executed, one): (Result<Executed, Rejection>, &ReserveOne)| {
            let outcome = match executed? {
                Executed::Done(outcome) => outcome,
                repeat => self.outcome(&Context { key: one.key, ..context.clone() }, repeat, &mut kept)?,
            };
            last = outcome.seq.max(last);
            Ok(outcome)
        };
        let answers = executed.into_iter().zip(wanted).map(answer).collect();
        (last, answers)
    }

    /// The answer. That of a repeat is rendered again from the record of the first, which is durable by now; where that
    /// is older than the history kept, an entity answers as it stands. The record read last is `kept`: many repeats are of
    /// one record as a rule.
    fn outcome(
        &self,
        context: &Context,
        executed: Executed,
        kept: &mut Option<Arc<Record>>,
    ) -> Result<Outcome, Refused> {
        let (seq, answer) = match executed {
            Executed::Done(outcome) => return Ok(outcome),
            Executed::Repeat { seq, answer } => (seq, Some(answer)),
            Executed::RepeatKey { seq } => (seq, None),
        };
        if kept.as_ref().is_none_or(|record| record.header.seq != seq) {
            *kept = self.journal.read(seq).ok().flatten();
        }
        let record = kept.as_deref();
        let answer = answer.or_else(|| used_key(record?, context)).ok_or(Refused::AnswerGone)?;
        let read = |seq| self.journal.read(seq).ok().flatten();
        let reply = self.engine.answer(record, &answer, &read)?;
        let seq = match &reply {
            Reply::Order(order) | Reply::Hold { order, .. } | Reply::Edit { order, .. } => order.seq,
            Reply::Reservation(reservation) => reservation.seq,
            Reply::Inbound(inbound) | Reply::Redated { inbound, .. } => inbound.seq,
            Reply::Transfer(transfer) | Reply::RedatedTransfer { transfer, .. } => transfer.seq,
            Reply::Subscription { subscription, .. } => subscription.seq,
            Reply::CycleCount(count) => count.seq,
            Reply::Return(known) => known.seq,
            Reply::Wave(wave) => wave.seq,
            Reply::Draft(draft) => draft.seq,
            Reply::Exception(exception) => exception.seq,
            _ => seq,
        };
        Ok(Outcome { reply, seq, replayed: true })
    }
}

/// The record that must be durable before the answers can be made.
fn last_record(executed: &[Result<Executed, Rejection>]) -> u64 {
    executed.iter().flatten().map(first_record).max().unwrap_or(0)
}

/// The record that must be durable before an answer can be made.
fn first_record(executed: &Executed) -> u64 {
    match executed {
        Executed::Done(outcome) => outcome.seq,
        Executed::Repeat { seq, .. } | Executed::RepeatKey { seq } => *seq,
    }
}

fn used_key(record: &Record, context: &Context) -> Option<Answer> {
    let hash = context.key?.hash;
    record.events.iter().find_map(|event| match event {
        Event::KeyUsed(used) if used.hash == hash => Some(used.answer.clone()),
        _ => None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::command::{Adjustment, BeginDraft, ChangeDraft, IdempotencyKey, PutItem, ReserveLine};
    use crate::domain::draft::DraftTerms;
    use crate::domain::geo::Position;
    use crate::domain::item::{Dimensions, ItemKind};
    use crate::domain::node::{Node, NodeKind};
    use crate::domain::order::Sealed;
    use crate::domain::quantity::Quantity;
    use crate::domain::stock::MovementKind;
    use crate::engine::tests::world;
    use crate::journal::{Options, Simulated, Unrecovered, Workers};

    const STOCK: i32 = 1_500;

    fn start(disk: &Simulated) -> Result<Pipeline, crate::journal::Failure> {
        let options = Options { workers: Workers::Caller, ..Options::default() };
        let (journal, state) = Unrecovered::on(Arc::new(disk.clone()), options).recover()?;
        state.check_ownership().expect("every unit has its owner");
        Ok(Pipeline::start(journal, state, None))
    }

    fn shop() -> (Simulated, Pipeline) {
        let disk = Simulated::new(1);
        let pipeline = start(&disk).expect("a new disk");
        stock(&pipeline);
        (disk, pipeline)
    }

    /// A node with phones.
    pub(crate) fn stock(pipeline: &Pipeline) {
        let node = Node {
            id: "east".into(),
            kind: NodeKind::Warehouse,
            name: "east".into(),
            position: Position::from_degrees(40.7, -74.0).expect("on the globe"),
            country: "US".into(),
            postal_code: "10001".into(),
            time_zone: "UTC".into(),
            active: true,
            inactive_reason: None,
            handling: None,
            capacity_per_day: None,
            cutoff_min: None,
            calendar: None,
            capabilities: vec![],
        };
        let item = PutItem {
            sku: "phone".into(),
            name: "phone".into(),
            kind: ItemKind::Product,
            weight_g: 1,
            dimensions: Dimensions::default(),
            value: None,
            components: vec![],
            release_at: None,
            tracking: None,
            packing: Default::default(),
        };
        let reason = MovementKind::Received;
        let receipt = Adjustment { sku: "phone".into(), node: "east".into(), delta: STOCK, reason };
        for command in
            [Command::PutNode(Box::new(node)), Command::PutItem(Box::new(item)), Command::AdjustStock(vec![receipt])]
        {
            pipeline.submit_blocking(&Context::library(), command).expect("a good command");
        }
    }

    fn carts(count: u64) -> Vec<ReserveOne> {
        let line = ReserveLine { sku: "phone".into(), quantity: Quantity::new(1).expect("one"), node: None };
        let one = |n| ReserveOne {
            key: Some(IdempotencyKey { hash: n, fingerprint: 1 }),
            reserve: world::World::reserve_of(vec![line.clone()], 600),
        };
        (0..u128::from(count)).map(one).collect()
    }

    #[test]
    fn a_record_of_many_survives_a_loss_of_power_whole_or_not_at_all() {
        let (mut none, mut some, mut all) = (0, 0, 0);
        for step in 0..12 {
            let (disk, pipeline) = shop();
            let records = pipeline.journal().last_seq();
            let wanted = carts(1_500);
            disk.stop_after(step);
            let answered = pipeline.reserve_many_blocking(&Context::library(), &wanted);
            let made = pipeline.journal().last_seq() - records;
            assert!(made > 1, "they take several records");
            drop(pipeline);
            disk.crash();
            let pipeline = start(&disk).expect("what was acknowledged is there");
            let (_, kept) = pipeline.engine().counts();
            let durable = pipeline.journal().durable_seq() - records;
            let left = pipeline.engine().atp(pipeline.journal().now().journal, "phone", None).expect("known").available;
            assert_eq!(left + kept as u64, STOCK as u64, "step {step}");
            match durable {
                0 => none += usize::from(kept == 0),
                n if n == made => all += usize::from(kept == wanted.len()),
                _ => some += usize::from(kept > 0 && kept < wanted.len()),
            }
            assert!(answered.is_err() || kept == wanted.len(), "step {step}: acknowledged and gone");
            // Asked again, each is made once: those that survived are told of, the others are made now.
            let again = pipeline.reserve_many_blocking(&Context::library(), &wanted).expect("the disk works");
            let replayed = again.as_ref().iter().flatten().filter(|outcome| outcome.replayed).count();
            assert_eq!((replayed, pipeline.engine().counts().1), (kept, wanted.len()), "step {step}");
        }
        assert_eq!(none + some + all, 12, "{none} {some} {all}");
        assert!(none > 0 && all > 0, "{none} {some} {all}");
    }

    #[test]
    fn an_answer_of_many_names_the_record_that_made_it_durable() {
        let (_disk, pipeline) = shop();
        let answers = pipeline.reserve_many_blocking(&Context::library(), &carts(3)).expect("a seat and a disk");
        assert_eq!(answers.seq(), pipeline.journal().durable_seq());
        assert!(answers.as_ref().iter().flatten().all(|outcome| outcome.seq == answers.seq() && !outcome.replayed));
        let nothing = pipeline.reserve_many_blocking(&Context::library(), &[]).expect("nothing to wait for");
        assert_eq!((nothing.seq(), nothing.as_ref().len()), (0, 0));
    }

    /// A draft that says so much, changed under a key and then once more; the version that a repeat is answered with.
    fn version_of_a_repeat(said: usize) -> u32 {
        let (_disk, pipeline) = shop();
        let terms = |byte| DraftTerms {
            channel: None,
            customer: None,
            lines: 0,
            said: Sealed { key_id: 0, bytes: vec![byte; said] },
        };
        let keyed = Context { key: Some(IdempotencyKey { hash: 7, fingerprint: 1 }), ..Context::library() };
        let change = |byte| {
            Command::ChangeDraft(ChangeDraft { draft: "d".into(), version: None, terms: terms(byte), ttl_s: None })
        };
        let begin = BeginDraft { id: Some("d".into()), fingerprint: 1, terms: terms(1), ttl_s: 600 };
        pipeline.submit_blocking(&Context::library(), Command::BeginDraft(begin)).expect("a small record");
        pipeline.submit_blocking(&keyed, change(2)).expect("it is open");
        pipeline.submit_blocking(&Context::library(), change(3)).expect("it is open");
        let repeated = pipeline.submit_blocking(&keyed, change(2)).expect("it was done").into_inner();
        assert!(repeated.replayed);
        let Reply::Draft(draft) = repeated.reply else { panic!("a draft was changed") };
        draft.version
    }

    #[test]
    fn what_a_step_changed_is_kept_up_to_its_bound_and_beyond_it_a_repeat_tells_how_things_stand() {
        use crate::domain::limits::BEFORE_BYTES_MAX;
        assert_eq!(version_of_a_repeat(BEFORE_BYTES_MAX - 1_024), 2, "as it was answered");
        assert_eq!(version_of_a_repeat(BEFORE_BYTES_MAX + 1), 3, "as it stands");
    }
}
