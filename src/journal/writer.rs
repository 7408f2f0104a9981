//! Group commit: many appends, one thread that writes, one sync for all that waited.
//!
//! 1. **Append** (any thread, one short mutex): take the next number and time, leave the bytes.
//! 2. **Take** (writer): swap the open group for an empty one; whoever comes now joins the next.
//! 3. **Frame**: pack the records into frames of at most 64 KiB, chained to the frame before.
//! 4. **Insert** every frame, **sync** once, move the **mark**.
//! 5. **Publish**: hand the frames to the tail, then tell every waiter of the group.
//!
//! Promises: the append is the one serialisation point and nothing in it can fail. Nothing is
//! published before sync and mark have returned. The first failed write, sync or mark is the last:
//! the journal is poisoned, waiters learn that the outcome is unknown, and nothing is tried again,
//! because a second sync may succeed without the data of the first. A panic of the store counts as
//! a failure.
//!
//! Cost: an append copies no record bytes. There is no artificial delay: the writer sleeps only
//! while nothing waits. Where the appends come from tasks of a runtime, an [`Usher`] calls it once every task that was
//! ready has had its turn, so that they share a sync instead of the first having one for itself. Bounds:
//! [`GROUP_BYTES_MAX`] of records per sync; [`UNCALLED_MAX`] records wait for an usher, and for one who does not come no
//! longer than [`LOOK_EVERY`] and [`USHER_MAX`] together; seats bound what waits.
//!
//! Not here: what a record means, and who may append (`seat`).

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use std::{io, mem};

use super::Core;
use super::clock::wall_ms;
use super::frame::{Builder, Frame, Link, STAMP_BYTES, Slice};
use super::mark::Mark;
use super::room;
use super::seat::SEATS;
use super::store::Store;
use super::sync::{AtomicU64, Condvar, Mutex, Waited};
use crate::domain::record::{Encoded, Stamp};
#[cfg(test)]
use {super::codec, super::frame::Head, super::frame::Origin, crate::domain::record::Record};

use crate::domain::time::{JournalTime, Now};
use crate::sabotage::{Bug, planted};

/// Most bytes of records between two syncs: half a segment of the store.
pub const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most records that wait until an usher calls the writer; with more, the append calls it.
const UNCALLED_MAX: usize = 512;

/// How often it is looked whether something waits that an usher, whose runtime is held up, did not call for; and how long
/// he still has when it is found.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const USHER_MAX: Duration = Duration::from_millis(5);

/// Where appends wait for the writer.
pub(super) struct Inbox {
    group: Mutex<Group>,
    /// The writer sleeps here while the group is empty.
    ready: Condvar,
    appended: AtomicU64,
}

struct Group {
    seq: u64,
    time: JournalTime,
    waiting: Vec<Stamped>,
    /// Who calls the writer, where it is not the append itself.
    usher: Option<Waker>,
    /// The writer was called for what waits.
    called: bool,
    /// The writer writes the group before.
    busy: bool,
    /// No group after this one: the writer ends when it has taken all.
    closing: bool,
    /// The writer is gone; what comes now is numbered and dropped.
    ended: bool,
}

struct Stamped {
    stamp: Stamp,
    body: Encoded,
}

impl Inbox {
    pub(super) fn new(after: &Link) -> Inbox {
        let group = Group {
            seq: after.seq,
            time: JournalTime(after.time),
            waiting: Vec::with_capacity(SEATS as usize),
            usher: None,
            called: false,
            busy: false,
            closing: false,
            ended: false,
        };
        Inbox { group: Mutex::new(group), ready: Condvar::new(), appended: AtomicU64::new(after.seq) }
    }

    /// Gives a record its place. `now` was read in the same call, so it is no earlier than any time
    /// the caller decided by.
    pub(super) fn append(&self, now: Now, body: Encoded) -> Stamp {
        let mut group = self.group.lock();
        let reused = planted(Bug::ReuseSequence) && group.seq % 16 == 15;
        group.seq += u64::from(!reused);
        group.time = group.time.max(now.journal);
        let stamp = Stamp { seq: group.seq, time: group.time, wall: now.wall };
        self.appended.store(stamp.seq, Ordering::Release);
        if !group.ended {
            // Room for every seat was reserved, so this moves three words.
            group.waiting.push(Stamped { stamp, body });
        }
        let usher = match (group.waiting.len(), &group.usher) {
            (1, usher) => usher.clone(),
            (UNCALLED_MAX, Some(_)) => {
                group.called = true;
                None
            }
            _ => return stamp,
        };
        drop(group);
        match usher {
            Some(usher) => usher.wake(),
            None => {
                self.ready.notify_one();
            }
        }
        stamp
    }

    /// Calls the writer for whoever cannot wait for an usher, because he may keep him from coming.
    pub(super) fn call(&self) {
        let mut group = self.group.lock();
        group.called = !group.waiting.is_empty();
        drop(group);
        self.ready.notify_one();
    }

    /// From now on the writer takes what waits when it is called. Until the usher goes.
    pub(super) fn usher(&self) -> Usher<'_> {
        Usher { inbox: self }
    }

    /// Last sequence number given out.
    pub(super) fn appended(&self) -> u64 {
        self.appended.load(Ordering::Acquire)
    }

    /// Lets the writer end once it has written what waits.
    pub(super) fn close(&self) {
        self.group.lock().closing = true;
        self.ready.notify_one();
    }

    /// Swaps the open group for the empty `spare`, if anything waits. Never sleeps.
    fn take_waiting(&self, spare: &mut Vec<Stamped>) -> bool {
        let mut group = self.group.lock();
        mem::swap(&mut group.waiting, spare);
        !spare.is_empty()
    }

    /// Swaps the open group for the empty `spare`. Sleeps while there is nothing; `false` at the end.
    fn take(&self, spare: &mut Vec<Stamped>) -> bool {
        let mut group = self.group.lock();
        group.busy = false;
        if let Some(usher) = group.usher.clone().filter(|_| !group.waiting.is_empty()) {
            // Those who were just told go on first: their next records join the group.
            drop(group);
            usher.wake();
            group = self.group.lock();
        }
        loop {
            match (group.waiting.is_empty(), group.usher.is_some() && !group.called && !group.closing) {
                (true, _) if group.closing => {
                    group.ended = true;
                    return false;
                }
                (true, _) => {
                    self.ready.wait_for(&mut group, LOOK_EVERY);
                }
                (false, true) if self.ready.wait_for(&mut group, USHER_MAX) == Waited::Called => {}
                (false, _) => {
                    (group.called, group.busy) = (false, true);
                    mem::swap(&mut group.waiting, spare);
                    return true;
                }
            }
        }
    }

    /// What waits after `after_seq`, as it will be read back: the proof judges records before they are written.
    #[cfg(test)]
    pub(super) fn waiting_after(&self, after_seq: u64, origin: Origin) -> Vec<Record> {
        let group = self.group.lock();
        let later = group.waiting.iter().filter(|waiting| waiting.stamp.seq > after_seq);
        let decoded = later.map(|Stamped { stamp, body }| {
            let head = Head {
                origin,
                frame_no: 0,
                first_seq: stamp.seq,
                last_seq: stamp.seq,
                count: 1,
                wall_ms: 0,
                prev_hash: Default::default(),
            };
            let slice = Slice { seq: stamp.seq, time: stamp.time.0, wall: stamp.wall.0, body: &body.0 };
            codec::decode(&head, &slice).expect("what was encoded decodes")
        });
        decoded.collect()
    }

    fn end(&self) {
        let mut group = self.group.lock();
        group.ended = true;
        group.waiting = Vec::new();
    }
}

/// Who knows when it is worth a sync: a task of the runtime that the appends come from.
pub(super) struct Usher<'a> {
    inbox: &'a Inbox,
}

impl Usher<'_> {
    /// Resolves once something waits that the writer could be called for.
    pub(super) async fn uncalled(&self) {
        poll_fn(|context| {
            let mut group = self.inbox.group.lock();
            if !group.usher.as_ref().is_some_and(|usher| usher.will_wake(context.waker())) {
                group.usher = Some(context.waker().clone());
            }
            if group.waiting.is_empty() || group.called || group.busy { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Calls the writer for what waits. One that is busy asks again when it is done.
    pub(super) fn call(&self) {
        if !self.inbox.group.lock().busy {
            self.inbox.call();
        }
    }
}

impl Drop for Usher<'_> {
    fn drop(&mut self) {
        let usher = self.inbox.group.lock().usher.take();
        self.inbox.ready.notify_one();
        drop(usher);
    }
}

/// The one who writes: on a thread of its own as a rule, on the caller's without one.
pub(super) struct Writer {
    core: Arc<Core>,
    link: Link,
    mark: Mark,
    store: Arc<dyn Store>,
    /// Bytes of frames in the current generation.
    generation_bytes: u64,
    /// Bytes written since the room on the disk was looked at.
    unlooked_bytes: u64,
    /// The group being written, empty in between; swapped with the open one.
    group: Vec<Stamped>,
}

impl Writer {
    pub(super) fn new(core: Arc<Core>, link: Link, mark: Mark, store: Arc<dyn Store>, generation_bytes: u64) -> Writer {
        let group = Vec::with_capacity(SEATS as usize);
        Writer { core, link, mark, store, generation_bytes, unlooked_bytes: 0, group }
    }

    /// Writes until the inbox is closed and empty, or the disk fails.
    pub(super) fn run(mut self) {
        while self.core.inbox.take(&mut self.group) {
            if !self.write_group() {
                return;
            }
        }
        self.core.progress.close();
    }

    /// Writes the group that waits, if one does.
    pub(super) fn step(&mut self) {
        if self.core.inbox.take_waiting(&mut self.group) {
            self.write_group();
        }
    }

    /// Writes the group that was taken; `false` when the disk failed, and with it the journal.
    fn write_group(&mut self) -> bool {
        let mut alarm = Alarm { core: self.core.clone(), armed: true };
        let mut group = mem::take(&mut self.group);
        if let Err(error) = self.commit_all(&group) {
            tracing::error!(%error, after = self.link.seq, "the journal could not be written; it stops for good");
            return false;
        }
        group.clear();
        self.group = group;
        alarm.armed = false;
        true
    }

    /// Commits a group, in several syncs if it is very large.
    fn commit_all(&mut self, group: &[Stamped]) -> io::Result<()> {
        let mut rest = group;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|record| {
                bytes += record.body.0.len();
                bytes <= GROUP_BYTES_MAX
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            self.commit(now)?;
            rest = later;
        }
        Ok(())
    }

    fn commit(&mut self, records: &[Stamped]) -> io::Result<()> {
        let frames = self.frame(records);
        let link = frames.last().expect("a group holds at least one record").link();
        let bytes: u64 = frames.iter().map(|frame| frame.bytes().len() as u64).sum();
        for frame in &frames {
            self.store.append(frame.head().first_seq, frame.bytes())?;
        }
        if planted(Bug::AckBeforeSync) {
            self.core.progress.publish(link.seq);
        }
        let started = Instant::now();
        self.store.sync().or_else(|error| if planted(Bug::SyncAgain) { self.store.sync() } else { Err(error) })?;
        self.mark.advance(&*self.core.disk, &link)?;
        self.core.counters.group(frames.len() as u64, records.len() as u64, bytes, started.elapsed());
        self.link = link;
        self.generation_bytes += bytes;
        self.core.shelf.remember(frames);
        self.core.grown(bytes, link);
        self.switch_generation();
        self.unlooked_bytes += bytes;
        if self.unlooked_bytes > room::LOOK_BYTES {
            self.unlooked_bytes = 0;
            self.core.look_for_room();
        }
        self.core.progress.publish(link.seq);
        Ok(())
    }

    fn frame(&self, records: &[Stamped]) -> Vec<Frame> {
        let wall = wall_ms();
        let mut frames: Vec<Frame> = Vec::new();
        let mut bytes_left: usize = records.iter().map(|record| STAMP_BYTES + record.body.0.len()).sum();
        let mut builder = Builder::with_room(self.core.origin, self.link, bytes_left);
        for Stamped { stamp, body } in records {
            if !builder.has_room(body.0.len()) {
                let frame = builder.finish(wall);
                builder = Builder::with_room(self.core.origin, frame.link(), bytes_left);
                frames.push(frame);
            }
            bytes_left -= STAMP_BYTES + body.0.len();
            builder.push(Slice { seq: stamp.seq, time: stamp.time.0, wall: stamp.wall.0, body: &body.0 });
        }
        frames.push(builder.finish(wall));
        frames
    }

    /// Asks for the next generation in good time and moves to it when this one is full. Never waits:
    /// if the next is late, this one grows beyond its size.
    fn switch_generation(&mut self) {
        let full = self.core.options.generation_bytes;
        if self.generation_bytes < full / 2 {
            return;
        }
        self.core.generations.want_next();
        if self.generation_bytes >= full
            && let Some((number, store)) = self.core.generations.take_next()
        {
            self.core.shelf.begin(number, self.link, store.clone());
            self.store = store;
            self.generation_bytes = 0;
        }
        self.core.kick_keeper();
    }
}

/// Poisons the journal unless the writer ends in order, so that a panic of the store is a failure.
struct Alarm {
    core: Arc<Core>,
    armed: bool,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if self.armed {
            self.core.progress.poison();
            self.core.inbox.end();
        }
    }
}
