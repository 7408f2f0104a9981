//! One whole Ordain on one thread: the pipeline, engine and journal as they are served, on a disk and a clock that the
//! table of steps rules. Nothing here draws chance but the disk, whose seed stands in the table's first line.
//!
//! | line | means |
//! |---|---|
//! | a line of `words` | the request is made and its record appended; it waits for the disk like any other |
//! | `propose later` · `propose never` | open orders are planned again, so that some may come later or none |
//! | `approve` | what was proposed last is applied, as things stand |
//! | `optimise later` · `optimise never` | both |
//! | `read NAME` | an order or reservation is read, and waits as a read does |
//! | `write` | the journal writes what waits; whoever is covered is answered |
//! | `wait SECONDS` · `pass SECONDS` | time, with and without the clock's work |
//! | `wall SECONDS` | the wall clock jumps, journal time does not |
//! | `upkeep` · `snapshot` | the journal's house is kept; a snapshot is folded and compared |
//! | `dies N K …` | power goes at the disk's N-th step from now, and at the K-th of each recovery after it |
//! | `killed K …` | power goes now |
//! | `sync_fails N` | the N-th sync from now fails |
//! | `full` · `roomy` | room on the disk |
//! | `restart SECONDS` | an orderly end, and a start; the wall clock moves by so much meanwhile |
//! | `laws` | every law over everything |
//! | `disk SEED GENERATION SNAPSHOT RECENT` | the first line: the disk's seed and three sizes in bytes |
//!
//! A disk that stopped or failed stops the process, and it starts again: that is part of the step that met it.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Polling, Poll, Waker};
use std::time::Duration;

use super::judge::{Heard, Judge, Lawful, law};
use super::words::{self, Part};
use crate::domain::command::{Command, Reserve, ReserveOne};
use crate::domain::ids::Text;
use crate::domain::limits::KEY_WINDOW_MS;
use crate::domain::optimisation::Optimise;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::replanning::Occasion;
use crate::domain::reply::{Outcome, Reply};
use crate::domain::state::State;
use crate::domain::time::{JournalTime, Now, WallTime};
use crate::journal::{
    ClockChoice, Durable, Failure, Journal, ManualClock, Options, Simulated, Unrecovered, Workers, state_hash,
};
use crate::pipeline::{Answers, Pipeline, Refused};

/// How long an order rests here before it leaves memory.
const ARCHIVE_AFTER_MS: i64 = 30_000;
/// The first instant of every world: some day in 2027.
const BEGINNING_MS: i64 = 1_800_000_000_000;
/// A wall clock further behind the journal than this is refused.
const HOUR_MS: i64 = 3_600_000;

/// What came of a table, for the summary.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Lines played.
    pub steps: u64,
    /// Starts after an orderly end.
    pub restarts: u64,
    /// Losses of power and failed disks.
    pub crashes: u64,
    /// Recoveries that lost power themselves.
    pub recoveries_crashed: u64,
    /// Starts refused for the wall clock.
    pub clocks_refused: u64,
    /// Records that a crash dropped.
    pub dropped: u64,
    /// Requests answered yes, no, and "outcome unknown".
    pub done: u64,
    /// See `done`.
    pub refused: u64,
    /// See `done`.
    pub unknown: u64,
    /// Answers told again.
    pub repeated: u64,
    /// Records that make several reservations.
    pub batches: u64,
    /// Snapshots compared.
    pub snapshots: u64,
    /// How often laws were looked at.
    pub laws: u64,
    /// Events by the code of their kind.
    pub heard: Heard,
}

impl Tally {
    fn numbers(&mut self) -> [(&'static str, &mut u64); 13] {
        [
            ("steps", &mut self.steps),
            ("restarts", &mut self.restarts),
            ("crashes", &mut self.crashes),
            ("recoveries_crashed", &mut self.recoveries_crashed),
            ("clocks_refused", &mut self.clocks_refused),
            ("records_dropped", &mut self.dropped),
            ("done", &mut self.done),
            ("refused", &mut self.refused),
            ("unknown", &mut self.unknown),
            ("repeated", &mut self.repeated),
            ("batches", &mut self.batches),
            ("snapshots", &mut self.snapshots),
            ("laws", &mut self.laws),
        ]
    }

    /// Adds up what happened.
    pub fn add(&mut self, other: &Tally) {
        let mut other = *other;
        for ((_, sum), (_, more)) in self.numbers().into_iter().zip(other.numbers()) {
            *sum += *more;
        }
        for (sum, more) in self.heard.0.iter_mut().zip(other.heard.0) {
            *sum += more;
        }
    }

    /// A long run that never met one of these would prove less than it says.
    pub fn assert_everything_happened(&self) {
        let mut own = *self;
        let missing: Vec<_> =
            own.numbers().into_iter().filter(|(_, count)| **count == 0).map(|(name, _)| name).collect();
        assert!(missing.is_empty(), "never happened: {missing:?}");
        let must = (1..=8).chain([10, 12, 13, 14, 15, 16, 17, 20, 21, 27, 29, 30]).chain(32..=39);
        assert!(must.map(|code| self.heard.0[code]).all(|count| count > 0), "events never heard: {:?}", self.heard);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut own = *self;
        for (name, count) in own.numbers() {
            write!(out, "{name}={count} ")?;
        }
        write!(out, "events={}", self.heard.0.iter().sum::<u64>())
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Durable<Answers>, Refused>>>>;

/// What somebody asks for: a request, or each of a batch.
struct Asked {
    /// The line that asks for it alone.
    line: String,
    keyed: bool,
    /// For one of a batch, what must be made.
    reserve: Option<Reserve>,
}

/// Somebody who has not been answered.
struct Waiting {
    asked: Vec<Asked>,
    /// When it was asked, and if it was done at once, recorded.
    at: JournalTime,
    answer: Answer,
}

/// What was answered under a key.
struct Told {
    reply: Reply,
    at: JournalTime,
}

/// See the module.
pub struct World {
    disk: Simulated,
    machine: Arc<ManualClock>,
    sizes: [u64; 3],
    /// Gone only while the world is between two processes.
    pipeline: Option<Pipeline>,
    waiting: Vec<Waiting>,
    told: HashMap<String, Told>,
    /// Journal time and the machine's running time at the last start.
    anchor: (i64, i64),
    dies_again: Vec<u64>,
    full: bool,
    /// The optimisation that was proposed last, whatever died since.
    proposed: Option<Text>,
    /// What must be true.
    pub judge: Judge,
    /// What happened.
    pub tally: Tally,
}

impl World {
    /// A new data directory on a new disk, from the first line of a table.
    pub fn open(line: &str) -> Lawful<World> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["disk", numbers @ ..] = words.as_slice() else {
            return Err(format!("a table begins with its disk, not {line}"));
        };
        let numbers: Vec<u64> = numbers.iter().map(|word| words::number(word) as u64).collect();
        let [seed, sizes @ ..] = numbers.as_slice() else { return Err("a disk has a seed".to_owned()) };
        let mut world = World {
            disk: Simulated::new(*seed),
            machine: ManualClock::at(BEGINNING_MS),
            sizes: sizes.try_into().map_err(|_| "a disk has three sizes".to_owned())?,
            pipeline: None,
            waiting: Vec::new(),
            told: HashMap::new(),
            anchor: (0, 0),
            dies_again: Vec::new(),
            full: false,
            proposed: None,
            judge: Judge::default(),
            tally: Tally::default(),
        };
        world.start()?;
        Ok(world)
    }

    /// Plays one line and looks at every law it could have broken.
    pub fn play(&mut self, line: &str) -> Lawful {
        self.tally.steps += 1;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["write"] => self.journal().write(),
            ["wait", seconds] => {
                self.machine.advance(words::number(seconds) as u32 * 1_000);
                self.pipeline().tick();
                // What the tick itself moved is noticed by the next.
                self.listen()?;
                self.pipeline().tick();
                self.listen()?;
                self.judge.ticked(self.now().journal)?;
            }
            ["pass", seconds] => self.machine.advance(words::number(seconds) as u32 * 1_000),
            ["wall", seconds] => self.jump(words::number(seconds)),
            ["upkeep"] => self.journal().upkeep(),
            ["snapshot"] => self.snapshot()?,
            ["dies", numbers @ ..] => {
                let numbers: Vec<u64> = numbers.iter().map(|word| words::number(word) as u64).collect();
                self.disk.stop_after(numbers[0]);
                self.dies_again = numbers[1..].to_vec();
            }
            ["killed", numbers @ ..] => {
                self.dies_again = numbers.iter().map(|word| words::number(word) as u64).collect();
                self.disk.stop_after(0);
            }
            ["sync_fails", n] => self.disk.fail_sync_after(words::number(n) as u64),
            ["full"] => self.room(0),
            ["roomy"] => self.room(u64::MAX),
            ["restart", seconds] => self.restart(words::number(seconds))?,
            ["laws"] => self.all_laws()?,
            ["propose", later] => self.propose(*later == "later")?,
            ["read", name] => self.read(name),
            words => self.request(line, words)?,
        }
        self.listen()?;
        if self.is_broken() || self.journal().is_poisoned() {
            self.answer()?;
            return self.crash();
        }
        self.answer()?;
        let now = self.journal().now();
        law!(now == self.now(), "the journal says {now:?}, it should be {:?}", self.now());
        self.judge.step(self.pipeline.as_ref().expect("the world is open").engine(), now.journal)?;
        self.tally.laws = self.judge.laws;
        (self.tally.batches, self.tally.heard) = (self.judge.batches, self.judge.heard);
        Ok(())
    }

    /// Engine and journal.
    pub fn pipeline(&self) -> &Pipeline {
        self.pipeline.as_ref().expect("the world is open")
    }

    fn journal(&self) -> &Journal {
        self.pipeline().journal()
    }

    /// Both clocks by our own reckoning: the wall plays no part in journal time while serving.
    pub fn now(&self) -> Now {
        let machine = crate::journal::Clock::now(&*self.machine);
        Now { journal: JournalTime(self.anchor.0 + machine.journal.0 - self.anchor.1), wall: machine.wall }
    }

    /// How many have asked and not been answered.
    pub fn unanswered(&self) -> usize {
        self.waiting.len()
    }

    /// Asks and waits for the answers, as a caller without a runtime does: one, or one for each of a batch.
    pub fn ask(&mut self, line: &str) -> Lawful<Vec<Result<Reply, Rejection>>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (seen, now) = (self.judge.appended.seq(), self.now());
        let answers = if let Some(parts) = words::batch(&words) {
            let wanted: Vec<ReserveOne> = parts.into_iter().map(|part| part.one).collect();
            let answered = self.pipeline().reserve_many_blocking(&words::context(None), &wanted);
            answered.map_err(|refused| format!("{line}: {refused}"))?.into_inner()
        } else {
            let orders = &self.judge.orders;
            let command = words::command(&words, self.now().wall, |name| orders.get(name).copied());
            let command = command.ok_or_else(|| format!("no such line: {line}"))?;
            vec![self.pipeline().submit_blocking(&words::context(None), command).map(Durable::into_inner)]
        };
        // They were written before they could be heard: the log itself tells them.
        for seq in seen + 1..=self.journal().durable_seq() {
            let record = self.journal().read(seq).map_err(|error| error.to_string())?;
            let record = record.ok_or_else(|| format!("record {seq} is durable and cannot be read"))?;
            self.pipeline().engine().notice(&record);
            self.judge.hear((*record).clone(), now)?;
        }
        self.listen()?;
        let mut told = Vec::with_capacity(answers.len());
        for answer in answers {
            told.push(match answer {
                Ok(Outcome { reply, seq, .. }) => {
                    self.judge.answered(seq, &reply)?;
                    Ok(reply)
                }
                Err(Refused::Rejected(rejection)) => Err(rejection),
                Err(other) => return Err(format!("{line}: {other}")),
            });
        }
        self.judge.step(self.pipeline.as_ref().expect("the world is open").engine(), now.journal)?;
        Ok(told)
    }

    /// The disk stopped or failed: nothing is promised of it until the next start.
    fn is_broken(&self) -> bool {
        self.disk.has_stopped() || self.disk.has_failed()
    }

    fn wall(&self) -> WallTime {
        self.now().wall
    }

    fn jump(&self, seconds: i64) {
        self.machine.set_wall(self.wall().0 + seconds * 1_000);
    }

    fn room(&mut self, bytes: u64) {
        self.disk.set_free_bytes(bytes);
        self.full = bytes == 0;
    }

    /// Hears what was appended and what became durable.
    fn listen(&mut self) -> Lawful {
        let now = self.now();
        self.judge.wall_shows(now.wall);
        for record in self.journal().unwritten(self.judge.appended.seq()) {
            self.pipeline().engine().notice(&record);
            self.judge.hear(record, now)?;
        }
        let (durable, last) = (self.journal().durable_seq(), self.journal().last_seq());
        law!(last == self.judge.appended.seq(), "record {last} was appended and {} heard", self.judge.appended.seq());
        self.judge.became_safe(durable)
    }

    fn request(&mut self, line: &str, words: &[&str]) -> Lawful {
        if let Some(parts) = words::batch(words) {
            return self.batch(parts);
        }
        let keyed = matches!(words[0], "order" | "reserve" | "receipt" | "transfer" | "sketch" | "hold_for" | "put_in");
        let command = match words {
            ["optimise", later] => {
                self.propose(*later == "later")?;
                Some(self.approved())
            }
            ["approve"] => Some(self.approved()),
            words => words::command(words, self.now().wall, |name| self.judge.orders.get(name).copied()),
        };
        let command = command.ok_or_else(|| format!("no such line: {line}"))?;
        let (pipeline, context) = (self.pipeline().clone(), words::context(keyed.then_some(line)));
        let answer: Answer =
            Box::pin(async move { Ok(pipeline.submit(context, command).await?.map(|outcome| vec![Ok(outcome)])) });
        self.wait_for(vec![Asked { line: line.to_owned(), keyed, reserve: None }], answer);
        // The request runs as far as it can before anything else does.
        self.answer_some(self.waiting.len() - 1)
    }

    /// Plans all open orders again.
    fn propose(&mut self, may_be_later: bool) -> Lawful {
        // Rounds end it, not time: the same table is the same world.
        let within = Duration::from_secs(3_600);
        let asked = Optimise {
            orders: None,
            node: None,
            sku: None,
            within,
            rounds: 4,
            may_be_later,
            occasion: Occasion::Asked,
        };
        let proposed = self.pipeline().engine().optimise(self.now(), &asked).map_err(|no| no.to_string())?;
        let figures = proposed.figures;
        // Units that waited may cost more to ship than they did to keep.
        let fills = proposed.orders.iter().flat_map(|order| &order.after).any(|planned| planned.of.is_empty());
        let is_better = figures.lower_bound <= figures.cost && (fills || figures.cost <= figures.cost_before);
        law!(is_better, "what was proposed is no better: {proposed:?}");
        self.proposed = Some(proposed.id);
        Ok(())
    }

    /// The command that applies what was proposed last.
    fn approved(&self) -> Command {
        Command::ApplyOptimisation { optimisation: self.proposed.clone().unwrap_or_else(|| "opt-0".into()) }
    }

    fn batch(&mut self, parts: Vec<Part>) -> Lawful {
        let (pipeline, context) = (self.pipeline().clone(), words::context(None));
        let (asked, wanted): (Vec<Asked>, Vec<ReserveOne>) = parts
            .into_iter()
            .map(|Part { line, one }| {
                (Asked { line, keyed: one.key.is_some(), reserve: Some(one.reserve.clone()) }, one)
            })
            .unzip();
        let answer: Answer = Box::pin(async move { pipeline.reserve_many(&context, &wanted).await });
        self.wait_for(asked, answer);
        self.answer_some(self.waiting.len() - 1)
    }

    fn wait_for(&mut self, asked: Vec<Asked>, answer: Answer) {
        self.waiting.push(Waiting { asked, at: self.now().journal, answer });
    }

    fn read(&mut self, name: &str) {
        let pipeline = self.pipeline().clone();
        let (order, reservation) = (pipeline.engine().order(name), pipeline.engine().reservation(name));
        let (seq, reply) = match (order, reservation) {
            (Ok(order), _) => (order.seq, Reply::Order(order)),
            (_, Ok(reservation)) => (reservation.seq, Reply::Reservation(Box::new(reservation))),
            _ => return,
        };
        let seen = vec![Ok(Outcome { reply, seq, replayed: false })];
        let answer: Answer = Box::pin(async move { Ok(pipeline.journal().durable(seq, seen).await?) });
        self.wait_for(vec![Asked { line: format!("read {name}"), keyed: false, reserve: None }], answer);
    }

    fn answer(&mut self) -> Lawful {
        self.answer_some(0)
    }

    /// Asks everybody from a position on whether they have their answer.
    fn answer_some(&mut self, from: usize) -> Lawful {
        let mut polling = Polling::from_waker(Waker::noop());
        for mut waiting in self.waiting.split_off(from) {
            match waiting.answer.as_mut().poll(&mut polling) {
                Poll::Pending => self.waiting.push(waiting),
                Poll::Ready(answered) => self.answered(waiting, answered)?,
            }
        }
        Ok(())
    }

    fn answered(&mut self, waiting: Waiting, answered: Result<Durable<Answers>, Refused>) -> Lawful {
        // A request that ran just now may have been answered from what others appended.
        self.listen()?;
        let Waiting { asked, at, .. } = waiting;
        let (vouched, answers) = match answered {
            Ok(durable) => (durable.seq(), durable.into_inner()),
            Err(refused) => (0, asked.iter().map(|_| Err(refused.clone())).collect()),
        };
        law!(answers.len() == asked.len(), "{} answers to {} requests", answers.len(), asked.len());
        asked.into_iter().zip(answers).try_for_each(|(asked, answer)| self.answered_one(asked, at, vouched, answer))
    }

    fn answered_one(
        &mut self,
        asked: Asked,
        at: JournalTime,
        vouched: u64,
        answered: Result<Outcome, Refused>,
    ) -> Lawful {
        let stopped = self.journal().is_poisoned() || self.is_broken();
        let Outcome { reply, seq, replayed } = match answered {
            Ok(outcome) => outcome,
            Err(Refused::Rejected(Rejection::Contended)) => return Err("contended, on one thread".to_owned()),
            Err(Refused::Rejected(rejection)) => {
                let known = self.told.contains_key(&asked.line) && self.is_remembered(&asked.line);
                law!(!asked.keyed || !known, "{} was done and is now refused: {rejection}", asked.line);
                self.tally.refused += 1;
                return Ok(());
            }
            Err(refused @ (Refused::Busy | Refused::NoRoom | Refused::Stopped)) => {
                let true_word = match refused {
                    Refused::NoRoom => self.full,
                    _ => stopped,
                };
                law!(true_word, "{refused}, and that is not so");
                return Ok(());
            }
            Err(Refused::OutcomeUnknown) => {
                law!(stopped, "the outcome of {} is unknown, and the disk works", asked.line);
                self.tally.unknown += 1;
                return Ok(());
            }
            Err(Refused::AnswerGone) => return Err(format!("the answer to {} is gone", asked.line)),
        };
        self.tally.done += 1;
        self.judge.answered(seq.max(vouched), &reply)?;
        if let Some(reserve) = &asked.reserve {
            law!(is_answer_to(reserve, &reply), "{} was answered with {reply:?}", asked.line);
        }
        if asked.keyed {
            self.told_under_key(asked.line, at, reply, replayed)?;
        }
        Ok(())
    }

    fn is_remembered(&self, line: &str) -> bool {
        self.told.get(line).is_some_and(|told| self.now().journal.0 - told.at.0 <= KEY_WINDOW_MS)
    }

    /// The same request gets the same answer for as long as its key is remembered, whatever died in between.
    fn told_under_key(&mut self, line: String, asked: JournalTime, reply: Reply, replayed: bool) -> Lawful {
        if self.is_remembered(&line) {
            let told = &self.told[&line];
            law!(replayed, "{line} was done twice");
            self.tally.repeated += 1;
            let settled = match &told.reply {
                Reply::Order(order) => order.version == 1 && order.lines.iter().all(|line| line.unallocated == 0),
                Reply::Reservation(reservation) => reservation.version == 1,
                _ => true,
            };
            law!(!settled || reply == told.reply, "{line} was answered {:?}, and now {reply:?}", told.reply);
        } else {
            // A lapsed key may have been answered by the caller's own id: its time is not known then.
            let at = if replayed { JournalTime(i64::MIN / 2) } else { asked };
            self.told.insert(line, Told { reply, at });
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Lawful {
        let folded = self.journal().snapshot_now();
        law!(folded.is_ok() || self.is_broken(), "no snapshot: {folded:?}");
        if let Ok(Some(end)) = folded {
            let mut safe = self.judge.safe.clone();
            safe.forget();
            law!(end.link.seq == safe.seq(), "a snapshot was cut at {}, safe is {}", end.link.seq, safe.seq());
            law!(end.state_hash == state_hash(&safe), "the snapshot at {} is not the fold", end.link.seq);
            self.tally.snapshots += 1;
        }
        Ok(())
    }

    fn all_laws(&mut self) -> Lawful {
        let pipeline = self.pipeline().clone();
        self.judge.all(pipeline.engine(), pipeline.journal())
    }

    fn restart(&mut self, seconds: i64) -> Lawful {
        self.listen()?;
        let closed = self.journal().close();
        let (durable, poisoned) = (self.journal().durable_seq(), self.journal().is_poisoned());
        self.judge.became_safe(durable)?;
        self.answer()?;
        if closed.is_err() {
            law!(poisoned || self.is_broken(), "the journal did not close: {closed:?}");
            return self.crash();
        }
        law!(self.judge.safe == self.judge.appended, "an orderly end left {} unwritten", self.judge.appended.seq());
        self.end();
        self.jump(seconds);
        self.tally.restarts += 1;
        self.start()
    }

    /// The process is gone, and nothing of it reaches the disk any more.
    fn end(&mut self) {
        self.waiting.clear();
        self.pipeline = None;
    }

    /// Power goes, recovery may lose it again, and the process starts.
    fn crash(&mut self) -> Lawful {
        self.tally.crashes += 1;
        self.disk.stop_after(0);
        self.end();
        self.disk.crash();
        for steps in std::mem::take(&mut self.dies_again) {
            self.disk.stop_after(steps);
            let recovered = self.recover(true);
            let finished = match recovered {
                Ok((journal, state)) => {
                    drop(journal);
                    Some(state)
                }
                Err(_) => None,
            };
            if let Some(state) = finished {
                // What a recovery has shown may not go missing in the next.
                self.judge.became_safe(state.seq())?;
            } else {
                self.tally.recoveries_crashed += 1;
            }
            self.disk.crash();
        }
        self.start()
    }

    fn recover(&self, accept: bool) -> Result<(Journal, State), Failure> {
        let [generation_bytes, snapshot_bytes_min, recent_bytes] = self.sizes;
        let options = Options {
            generation_bytes,
            snapshot_bytes_min,
            recent_bytes: recent_bytes as usize,
            workers: Workers::Caller,
            clock: ClockChoice::Machine { machine: self.machine.clone(), accept },
            ..Options::default()
        };
        Unrecovered::on(Arc::new(self.disk.clone()), options).recover()
    }

    /// Recovers and serves. A wall clock far behind the journal is refused, then accepted by name.
    fn start(&mut self) -> Lawful {
        let wall_ms = self.machine_wall();
        let mut accepted = None;
        let (journal, state) = loop {
            match self.recover(accepted.is_some()) {
                Ok(recovered) => break recovered,
                Err(Failure::ClockBehind { behind_ms }) => {
                    law!(accepted.is_none(), "a clock that was accepted is refused");
                    self.tally.clocks_refused += 1;
                    accepted = Some(behind_ms);
                }
                Err(_) if self.is_broken() => {
                    self.tally.recoveries_crashed += 1;
                    self.disk.crash();
                }
                Err(failure) => return Err(failure.to_string()),
            }
        };
        let behind_ms = if state.seq() == 0 { 0 } else { state.time().0 - wall_ms };
        law!(
            accepted == (behind_ms > HOUR_MS).then_some(behind_ms),
            "the wall clock is {behind_ms} ms behind the journal: refused as {accepted:?}"
        );
        let ahead_ms = if state.seq() == 0 { 0 } else { (-behind_ms).max(0) };
        law!(journal.opening().down_ms == ahead_ms, "down for {ahead_ms} ms, told {}", journal.opening().down_ms);
        let machine = crate::journal::Clock::now(&*self.machine);
        self.anchor = (machine.wall.0.max(state.time().0), machine.journal.0);
        let before = self.judge.appended.seq();
        self.judge.survived(state.clone())?;
        self.tally.dropped += before - self.judge.appended.seq();
        let pipeline = Pipeline::start(journal, state, None);
        pipeline.engine().archive_after(ARCHIVE_AFTER_MS);
        self.pipeline = Some(pipeline);
        self.listen()?;
        self.judge.memory(self.pipeline.as_ref().expect("just made").engine(), self.now().journal)
    }

    fn machine_wall(&self) -> i64 {
        crate::journal::Clock::now(&*self.machine).wall.0
    }
}

/// Whether a reply is about the reservation that was asked for, and not about another of its batch.
fn is_answer_to(asked: &Reserve, reply: &Reply) -> bool {
    let Reply::Reservation(made) = reply else { return false };
    let units = |all: u64, units: u32| all + u64::from(units);
    let wanted = asked.lines.iter().map(|line| line.quantity.units()).fold(0, units);
    let held = made.lines.iter().map(|held| held.quantity).fold(0, units);
    // A kit is held as its parts, so as at least as many units.
    made.id == asked.id && (asked.partial || made.version > 1 || held >= wanted)
}
