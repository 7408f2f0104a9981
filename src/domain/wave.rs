//! Waves: fulfilment orders of a node that go to the floor together, as tasks with their pick lists.
//!
//! ```text
//! draft ─release: tasks are made─► released ─first task starts─► in_progress ─last task ends─► completed
//!   └──────────── cancel ─────────────┴───────────────┴─► cancelled
//!
//! a task: pending ─assign─► assigned ─start─► in_progress ─done─► completed, or short when units were not found
//!            └────────── its wave is cancelled ──┴─► cancelled
//! ```
//! Nothing of a wave is stored of its status: it is read off its tasks. What is picked or not found is told in the same
//! record to the fulfilment order; one that ended, is held or went elsewhere meanwhile is left out, and the task says how
//! many units were picked after all.
//!
//! What is *not* here: tours and their lengths (`picking`), which fulfilment orders come into a wave (the engine), stock.

use serde::{Deserialize, Serialize};

use super::fulfillment::ShortReason;
use super::ids::{FulfillmentKey, NodeIndex, Text, WaveKey};
use super::limits::WAVE_READABLE_MS;
use super::picking::{Pick, PickMethod, Tour};
use super::record::Header;
use super::stock::LawBroken;
use super::time::{JournalTime, WallTime};

/// Where a wave stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WaveStatus {
    /// Planned.
    Draft,
    /// Its tasks can be assigned.
    Released,
    /// Somebody has begun.
    InProgress,
    /// All tasks have ended.
    Completed,
    /// The rest is not picked with it.
    Cancelled,
}

/// What can be done to a wave.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WaveVerb {
    /// Its tasks are made.
    Release,
    /// The rest is not picked with it.
    Cancel,
}

/// Where a task stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum TaskStatus {
    /// Nobody has it.
    Pending,
    /// Somebody will do it.
    Assigned,
    /// Somebody does it.
    InProgress,
    /// All was found.
    Completed,
    /// Some units were not found.
    Short,
    /// Its wave was cancelled.
    Cancelled,
}

/// What can be done to a task.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TaskVerb {
    /// Somebody will do it.
    Assign,
    /// Somebody does it.
    Start,
    /// Units are not found.
    Short,
    /// All else is picked.
    Done,
}

impl WaveStatus {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Released => "released",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a caller may do now. The table of the machine.
    pub fn legal(self) -> &'static [WaveVerb] {
        match self {
            Self::Draft => &[WaveVerb::Release, WaveVerb::Cancel],
            Self::Released | Self::InProgress => &[WaveVerb::Cancel],
            Self::Completed | Self::Cancelled => &[],
        }
    }
}

impl WaveVerb {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Cancel => "cancel",
        }
    }
}

impl TaskStatus {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Assigned => "assigned",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Short => "short",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a caller may do now. The table of the machine.
    pub fn legal(self) -> &'static [TaskVerb] {
        match self {
            Self::Pending => &[TaskVerb::Assign],
            Self::Assigned => &[TaskVerb::Assign, TaskVerb::Start],
            Self::InProgress => &[TaskVerb::Short, TaskVerb::Done],
            Self::Completed | Self::Short | Self::Cancelled => &[],
        }
    }

    /// Whether something is still to be done.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Assigned | Self::InProgress)
    }
}

impl TaskVerb {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Start => "start",
            Self::Short => "short",
            Self::Done => "done",
        }
    }
}

/// An entry of a pick list, and what came of it; units of the line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PickLine {
    /// What is to be fetched.
    pub pick: Pick,
    /// Units picked.
    pub picked: u32,
    /// Units not found.
    pub short: u32,
}

impl PickLine {
    /// Units of the line that are still to be picked with it.
    pub fn left(&self) -> u32 {
        self.pick.completes.saturating_sub(self.picked + self.short)
    }
}

/// A task: a tour of one picker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PickTask {
    /// Its zone, when it stays in one.
    pub zone: Option<Text>,
    /// How far it is, metres.
    pub metres: u32,
    /// How far its entries would be if every fulfilment order were fetched by itself, metres.
    pub alone_metres: u32,
    /// Its pick list, in walking order.
    pub picks: Vec<PickLine>,
    /// Where it stands.
    pub status: TaskStatus,
    /// Who does it.
    pub picker: Option<Text>,
    /// When it was begun.
    pub started_at: Option<JournalTime>,
    /// When it ended.
    pub ended_at: Option<JournalTime>,
}

impl PickTask {
    fn of(tour: &Tour) -> Self {
        let line = |pick: &Pick| PickLine { pick: pick.clone(), picked: 0, short: 0 };
        Self {
            zone: tour.zone.clone(),
            metres: tour.metres,
            alone_metres: tour.alone_metres,
            picks: tour.picks.iter().map(line).collect(),
            status: TaskStatus::Pending,
            picker: None,
            started_at: None,
            ended_at: None,
        }
    }
}

/// What happened to a wave. Tasks are numbered from 1, entries of a pick list from 0.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WaveEvent {
    /// It was planned.
    Planned {
        /// The id its caller chose, if any.
        id: Option<Text>,
        /// Fingerprint of the request under the caller's id.
        fingerprint: u64,
        /// Where.
        node: NodeIndex,
        /// When the carrier comes for it, when one comes at a time.
        cutoff: Option<WallTime>,
        /// What.
        fulfillments: Vec<FulfillmentKey>,
    },
    /// It went to the floor.
    Released {
        /// How it is picked.
        method: PickMethod,
        /// Its tasks.
        tours: Vec<Tour>,
    },
    /// Somebody will do a task.
    Assigned {
        /// Which.
        task: u16,
        /// Who.
        picker: Text,
    },
    /// Somebody does a task.
    Started {
        /// Which.
        task: u16,
    },
    /// Units were not found.
    Shorted {
        /// Of which task.
        task: u16,
        /// Of which entry.
        pick: u16,
        /// Units of the line.
        units: u32,
        /// Why.
        reason: ShortReason,
    },
    /// The rest of a task was picked.
    Done {
        /// Which.
        task: u16,
        /// Units of the line picked with each of its entries.
        picked: Vec<u32>,
    },
    /// The rest is not picked with it.
    Cancelled {
        /// Why, when somebody said so.
        reason: Option<Text>,
    },
}

/// A wave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Wave {
    /// Its generated number.
    pub key: WaveKey,
    /// The id its caller chose, if any.
    pub id: Option<Text>,
    /// Fingerprint of the request under the caller's id.
    pub fingerprint: u64,
    /// Where.
    pub node: NodeIndex,
    /// When the carrier comes for it.
    pub cutoff: Option<WallTime>,
    /// What.
    pub fulfillments: Vec<FulfillmentKey>,
    /// How it is picked, once it was released.
    pub method: Option<PickMethod>,
    /// Its tasks; number n stands at n - 1.
    pub tasks: Vec<PickTask>,
    /// That it was cancelled, and why, when somebody said so.
    pub cancelled: Option<Option<Text>>,
    /// Sequence of the record that planned it.
    pub planned_seq: u64,
    /// When it was planned.
    pub planned_at: JournalTime,
    /// When it ended.
    pub ended_at: Option<JournalTime>,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of its last record.
    pub seq: u64,
}

impl Wave {
    /// The text by which clients name it.
    pub fn name(&self) -> String {
        self.id.as_deref().map_or_else(|| self.key.to_string(), str::to_owned)
    }

    /// Where it stands.
    pub fn status(&self) -> WaveStatus {
        match () {
            () if self.cancelled.is_some() => WaveStatus::Cancelled,
            () if self.method.is_none() => WaveStatus::Draft,
            () if self.tasks.iter().all(|task| !task.status.is_open()) => WaveStatus::Completed,
            () if self.tasks.iter().any(|task| task.started_at.is_some()) => WaveStatus::InProgress,
            () => WaveStatus::Released,
        }
    }

    /// The task of a number.
    pub fn task(&self, number: u16) -> Option<&PickTask> {
        self.tasks.get(usize::from(number).checked_sub(1)?)
    }

    /// Whether nothing needs to know of it any more at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        self.ended_at.is_some_and(|at| now.0 - at.0 > WAVE_READABLE_MS)
    }

    /// The next state of a wave.
    pub fn fold(
        before: Option<Self>,
        key: WaveKey,
        version: u32,
        header: &Header,
        event: &WaveEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |wave| wave.version + 1);
        if version != expected {
            return Err(LawBroken(format!("wave {key}: version {version} follows {}", expected - 1)));
        }
        let mut wave = match before {
            None => Self::planned(key, header, event)?,
            Some(mut wave) => {
                wave.take(header.time, event)?;
                wave
            }
        };
        if matches!(wave.status(), WaveStatus::Completed | WaveStatus::Cancelled) {
            wave.ended_at = wave.ended_at.or(Some(header.time));
        }
        wave.version = version;
        wave.seq = header.seq;
        Ok(wave)
    }

    fn planned(key: WaveKey, header: &Header, event: &WaveEvent) -> Result<Self, LawBroken> {
        let WaveEvent::Planned { id, fingerprint, node, cutoff, fulfillments } = event else {
            return Err(LawBroken(format!("wave {key}: {event:?} does not begin it")));
        };
        Ok(Self {
            key,
            id: id.clone(),
            fingerprint: *fingerprint,
            node: *node,
            cutoff: *cutoff,
            fulfillments: fulfillments.clone(),
            method: None,
            tasks: Vec::new(),
            cancelled: None,
            planned_seq: header.seq,
            planned_at: header.time,
            ended_at: None,
            version: 0,
            seq: 0,
        })
    }

    fn take(&mut self, at: JournalTime, event: &WaveEvent) -> Result<(), LawBroken> {
        let (key, status) = (self.key, self.status());
        let broken = || LawBroken(format!("wave {key} is {}: cannot take {event:?}", status.word()));
        let can = |verb: WaveVerb| if status.legal().contains(&verb) { Ok(()) } else { Err(broken()) };
        match event {
            WaveEvent::Planned { .. } => return Err(broken()),
            WaveEvent::Released { method, tours } => {
                can(WaveVerb::Release)?;
                self.method = Some(*method);
                self.tasks = tours.iter().map(PickTask::of).collect();
            }
            WaveEvent::Cancelled { reason } => {
                can(WaveVerb::Cancel)?;
                self.cancelled = Some(reason.clone());
                for task in self.tasks.iter_mut().filter(|task| task.status.is_open()) {
                    (task.status, task.ended_at) = (TaskStatus::Cancelled, Some(at));
                }
            }
            WaveEvent::Assigned { task, picker } => {
                let task = self.task_that(*task, TaskVerb::Assign)?;
                (task.status, task.picker) = (TaskStatus::Assigned, Some(picker.clone()));
            }
            WaveEvent::Started { task } => {
                let task = self.task_that(*task, TaskVerb::Start)?;
                (task.status, task.started_at) = (TaskStatus::InProgress, Some(at));
            }
            WaveEvent::Shorted { task, pick, units, .. } => {
                let task = self.task_that(*task, TaskVerb::Short)?;
                let line = task.picks.get_mut(usize::from(*pick)).filter(|line| *units <= line.left());
                line.ok_or_else(broken)?.short += units;
            }
            WaveEvent::Done { task, picked } => {
                let task = self.task_that(*task, TaskVerb::Done)?;
                if picked.len() != task.picks.len() {
                    return Err(broken());
                }
                for (line, units) in task.picks.iter_mut().zip(picked) {
                    if *units > line.left() {
                        return Err(broken());
                    }
                    line.picked += units;
                }
                let short = task.picks.iter().any(|line| line.short > 0);
                task.status = if short { TaskStatus::Short } else { TaskStatus::Completed };
                task.ended_at = Some(at);
            }
        }
        Ok(())
    }

    /// A task that may take a step.
    fn task_that(&mut self, number: u16, verb: TaskVerb) -> Result<&mut PickTask, LawBroken> {
        let key = self.key;
        let task = usize::from(number).checked_sub(1).and_then(|at| self.tasks.get_mut(at));
        let task = task.filter(|task| task.status.legal().contains(&verb));
        task.ok_or_else(|| LawBroken(format!("task {number} of wave {key} cannot {}", verb.word())))
    }
}
