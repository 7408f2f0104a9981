//! Who waits for room at a node: tried again as soon as there is some, and when the day is over on which there was none.
//!
//! Room comes where a shipment of any sku gives its place back, and where a node is changed. It is noted with the fold that
//! makes it, and whoever follows that up tries the skus that wait for that day of that node, in the one order in which
//! they are served, as long as room is left: who was not tried by then waits on. A node that gives ten places back a second
//! so costs ten tries and not all who wait. Orders that rest stand in a line of their own, which the clock goes along in the
//! same way. Where rules or carriers are changed, or the schedule of a rule set begins or ends, whoever waits without a right
//! is tried too: what was too dear or kept from him may be his now. Where a node, rules or carriers are changed nobody knows how much room there is: few are tried at once, of more
//! the clock takes some at a time ([`SERVED_MAX`], [`TRIED_MAX`]).
//!
//! Memory only: a start tries all who wait, and so learns anew for what. Nothing is looked at but one flag where no node
//! was full. What is *not* here: what counts (`workload`), who is served first (`queue`).

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, Release};

use parking_lot::Mutex;

use super::Engine;
use super::network::Network;
use super::routing::{Full, Route, Wanted};
use super::turn::Turn;
use super::workload::{day_of_work, end_of_day, is_full};
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex};
use crate::domain::order::Order;
use crate::domain::time::{JournalTime, WallTime};
use crate::domain::workload::oldest_kept;
use crate::sabotage::{Bug, planted};

/// Skus and orders that are tried in one go when a day is over; of more the clock sees.
const TRIED_MAX: usize = 1_024;
/// Skus that are served at once where something else than a shipment brought room: whoever changes a node waits for them.
/// Few in tests, which go over it.
const SERVED_MAX: usize = if cfg!(test) { 2 } else { 64 };
/// Orders that rest and are tried by one turn of the clock.
const RESTING_TRIED_MAX: usize = if cfg!(test) { 4 } else { 256 };

/// A day of a node: days since 1970, by its calendar.
type NodeDay = (NodeIndex, i32);

/// Where there may be room: on one day, or on any.
type Where = (NodeIndex, Option<i32>);

/// Where there may be room again, until those who wait for it are tried.
#[derive(Debug, Default)]
pub struct Roomy {
    found: Mutex<BTreeSet<Where>>,
    is_any: AtomicBool,
}

/// Who waits for a day to be over or for room on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Awaits {
    /// Whoever waits for units of a sku.
    Sku(SkuIndex),
    /// An order that rests although its time has come.
    Resting(OrderKey),
}

/// All who wait, each once for an instant and for a day of a node, however many units.
#[derive(Debug, Default)]
pub struct RoomAwaited(Mutex<Awaited>);

#[derive(Debug, Default)]
struct Awaited {
    /// The soonest end first.
    by_end: BTreeSet<(WallTime, Awaits)>,
    by_day: BTreeMap<NodeDay, BTreeSet<Awaits>>,
    /// Orders that rest and may have the room that came there.
    in_line: VecDeque<(Arc<BTreeSet<Where>>, OrderKey)>,
    /// Whether all who wait without a right are to be tried: what they may have changed, and not what there is.
    is_otherwise: bool,
    /// When that is so by a schedule next.
    edge: Option<WallTime>,
}

/// Room that came, and who waited for it.
#[derive(Debug)]
pub(super) struct Room {
    found: Arc<BTreeSet<Where>>,
    awaits: BTreeSet<Awaits>,
}

impl Roomy {
    /// There may be room at a node on that day; on any where none is named.
    pub fn note(&self, node: NodeIndex, day: Option<i32>) {
        self.found.lock().insert((node, day));
        self.is_any.store(true, Release);
    }

    fn take(&self) -> BTreeSet<Where> {
        if !self.is_any.load(Relaxed) {
            return BTreeSet::new();
        }
        let mut found = self.found.lock();
        self.is_any.store(false, Release);
        std::mem::take(&mut found)
    }
}

impl RoomAwaited {
    fn add(&self, days: &BTreeSet<NodeDay>, end: Option<WallTime>, awaits: &BTreeSet<Awaits>) {
        let mut awaited = self.0.lock();
        for day in days {
            awaited.by_day.entry(*day).or_default().extend(awaits);
        }
        awaited.by_end.extend(end.into_iter().flat_map(|end| awaits.iter().map(move |awaits| (end, *awaits))));
    }

    /// Takes out who waits for room there.
    fn take(&self, found: &BTreeSet<Where>) -> BTreeSet<Awaits> {
        let mut awaited = self.0.lock();
        let mut taken = BTreeSet::new();
        for (node, day) in found {
            let (first, last) = day.map_or((i32::MIN, i32::MAX), |day| (day, day));
            let days: Vec<NodeDay> = awaited.by_day.range((*node, first)..=(*node, last)).map(|(at, _)| *at).collect();
            taken.extend(days.iter().filter_map(|at| awaited.by_day.remove(at)).flatten());
        }
        taken
    }

    /// All who wait may be tried from an instant on, as if their day were over: rules or carriers are others.
    pub fn all_over(&self, at: WallTime) {
        let mut awaited = self.0.lock();
        awaited.is_otherwise = true;
        let Awaited { by_end, by_day, in_line, .. } = &mut *awaited;
        by_end.extend(by_day.values().flatten().map(|awaits| (at, *awaits)));
        by_end.extend(in_line.drain(..).map(|(_, order)| (at, Awaits::Resting(order))));
    }

    /// Whether what those may have who wait without a right changed since the last look, or a schedule began or ended; the next
    /// does then.
    fn is_otherwise(&self, now: WallTime, next: Option<WallTime>) -> bool {
        let mut awaited = self.0.lock();
        let edge = std::mem::replace(&mut awaited.edge, next);
        std::mem::take(&mut awaited.is_otherwise) || edge.is_some_and(|edge| edge <= now)
    }

    /// Whoever waits for units of these skus is tried from an instant on.
    pub fn over(&self, at: WallTime, skus: impl IntoIterator<Item = SkuIndex>) {
        self.0.lock().by_end.extend(skus.into_iter().map(|sku| (at, Awaits::Sku(sku))));
    }

    fn line_up(&self, found: &Arc<BTreeSet<Where>>, resting: impl Iterator<Item = OrderKey>) {
        self.0.lock().in_line.extend(resting.map(|order| (found.clone(), order)));
    }

    fn next_in_line(&self) -> Option<(Arc<BTreeSet<Where>>, OrderKey)> {
        self.0.lock().in_line.pop_front()
    }

    fn is_anybody_in_line(&self) -> bool {
        !self.0.lock().in_line.is_empty()
    }

    /// Takes out whose day is over, at most so many.
    fn take_over(&self, now: WallTime, most: usize) -> BTreeSet<Awaits> {
        let mut awaited = self.0.lock();
        let mut over = BTreeSet::new();
        while over.len() < most
            && let Some((at, awaits)) = awaited.by_end.first().copied()
            && at <= now
        {
            awaited.by_end.pop_first();
            over.insert(awaits);
        }
        over
    }

    fn next(&self) -> Option<WallTime> {
        self.0.lock().by_end.first().map(|(at, _)| *at)
    }

    fn forget_before(&self, oldest: i32) {
        self.0.lock().by_day.retain(|(_, day), _| *day >= oldest);
    }
}

impl Room {
    /// Whether nobody knows how much of it there is: something else than a shipment brought it.
    fn is_unknown(&self) -> bool {
        self.found.iter().any(|(_, day)| day.is_none())
    }

    /// Whether some of it is left.
    pub fn is_left(&self, network: &Network) -> bool {
        self.found.iter().any(|(node, day)| {
            let most = network.catalogue.node(*node).capacity_per_day;
            day.zip(most).is_none_or(|(day, most)| network.workloads.used(*node, day) < most)
        })
    }

    /// The days on which it came, where they are known.
    fn days(&self) -> BTreeSet<NodeDay> {
        self.found.iter().filter_map(|(node, day)| Some((*node, (*day)?))).collect()
    }
}

impl Engine {
    /// Remembers that units wait for room, if they do: they are tried again when one of the nodes that are full has some,
    /// and when the soonest of their days is over.
    pub(super) fn await_room(&self, network: &Network, wanted: &Wanted<'_>, route: &Route) {
        if route.full.is_empty() || route.unfilled.is_empty() {
            return;
        }
        let stock = |line: u16| wanted.lines[usize::from(line)].stock(1);
        let skus = route.unfilled.iter().flat_map(|u| stock(u.line)).map(|(sku, _)| Awaits::Sku(sku));
        self.await_room_at(network, &route.full, wanted.work_at(), &skus.collect());
    }

    /// The same of an order that rests although its time has come.
    pub(super) fn await_room_resting(&self, network: &Network, order: &Order, full: &[Full], at: WallTime) {
        self.await_room_at(network, full, at, &BTreeSet::from([Awaits::Resting(order.key)]));
    }

    fn await_room_at(&self, network: &Network, full: &[Full], at: WallTime, awaits: &BTreeSet<Awaits>) {
        let catalogue = &network.catalogue;
        let days = full.iter().filter_map(|full| Some((full.node, day_of_work(catalogue, full.node, at)?)));
        let ends = full.iter().filter_map(|full| end_of_day(catalogue, full.node, at));
        let end = ends.min().map(|end| WallTime(end.as_millisecond()));
        self.room_awaited.add(&days.collect(), end, awaits);
        // Who gave a place back before that saw nobody wait.
        for full in full.iter().filter(|full| !is_full(network, full.node, full.own, at)) {
            network.workloads.roomy.note(full.node, day_of_work(catalogue, full.node, at));
        }
    }

    /// Room that came since the last look, where somebody waits for it.
    pub(super) fn room_came(&self, network: &Network) -> Option<Room> {
        let found = network.workloads.roomy.take();
        let awaits = if found.is_empty() { BTreeSet::new() } else { self.room_awaited.take(&found) };
        (!awaits.is_empty()).then(|| Room { found: found.into(), awaits })
    }

    /// Tries who waited for room as long as it lasts; answers other skus whose queues have something to do. Orders that
    /// rest are left to the clock, and many skus where nobody knows how much room there is.
    pub(super) fn fill_room(&self, turn: &Turn<'_>, network: &Network, room: &Room) -> BTreeSet<SkuIndex> {
        let (skus, resting) = sorted(&room.awaits);
        self.room_awaited.line_up(&room.found, resting.into_iter());
        if room.is_unknown() && skus.len() > SERVED_MAX {
            self.room_awaited.over(turn.clocks().wall, skus);
            return BTreeSet::new();
        }
        let is_over = Cell::new(false);
        let goes_on = || {
            is_over.set(is_over.get() || !room.is_left(network));
            !is_over.get()
        };
        let more = self.serve(turn, network, &skus, &goes_on);
        skus.iter().for_each(|sku| self.keep_purchases(turn, network, *sku));
        if !goes_on() {
            self.wait_on(network, room, &skus.into_iter().map(Awaits::Sku).collect());
        }
        more
    }

    /// Who was not tried while there was room waits on.
    fn wait_on(&self, network: &Network, room: &Room, awaits: &BTreeSet<Awaits>) {
        self.room_awaited.add(&room.days(), None, awaits);
        // Who gave a place back meanwhile saw nobody wait.
        if room.is_left(network) && !planted(Bug::RoomWakeUpLost) {
            room.days().into_iter().for_each(|(node, day)| network.workloads.roomy.note(node, Some(day)));
        }
    }

    /// Serves the queues of skus after a change of the catalogue, if they are few; to many the clock comes some at a time.
    pub(super) fn serve_in_turns(&self, turn: &Turn<'_>, network: &Network, skus: BTreeSet<SkuIndex>) {
        if skus.len() > SERVED_MAX {
            self.room_awaited.over(turn.clocks().wall, skus);
            self.follow_up(turn, network, BTreeSet::new());
        } else {
            self.follow_up(turn, network, skus);
        }
    }

    /// Allocates orders that rest and stand in line for room, one after the other while there is some of it; answers how
    /// many were tried.
    pub(super) fn go_along_the_line(&self, turn: &Turn<'_>) -> usize {
        let mut tried = 0;
        for _ in 0..RESTING_TRIED_MAX {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let Some((found, order)) = self.room_awaited.next_in_line() else { break };
            let room = Room { found, awaits: BTreeSet::new() };
            if room.is_left(&network) {
                tried += 1;
                self.allocate_by_clock(turn, &network, order);
            } else {
                self.wait_on(&network, &room, &BTreeSet::from([Awaits::Resting(order)]));
            }
        }
        tried
    }

    /// Tries again what waited for a day to be over, but for orders that rest: they are due for allocation then. Answers when
    /// the clock should come again.
    pub(super) fn days_come(&self, turn: &Turn<'_>) -> Option<JournalTime> {
        let now = turn.clocks();
        self.go_along_the_line(turn);
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let oldest = oldest_kept(now.wall);
        if network.workloads.forget_before(oldest) {
            self.room_awaited.forget_before(oldest);
        }
        let edge = network.catalogue.rules().next_edge(now.wall);
        if self.room_awaited.is_otherwise(now.wall, edge) {
            self.room_awaited.over(now.wall, waited_for(&network));
        }
        let over = self.room_awaited.take_over(now.wall, TRIED_MAX);
        let (skus, resting) = sorted(&over);
        self.deferrals_due.extend(resting.into_iter().map(|order| (now.journal, order)));
        self.follow_up(turn, &network, skus);
        let next = self.room_awaited.next().into_iter().chain(edge).min();
        let next = next.map(|next| JournalTime(now.journal.0.saturating_add((next.0 - now.wall.0).max(0))));
        let in_line = self.room_awaited.is_anybody_in_line().then_some(now.journal);
        next.into_iter().chain(in_line).min()
    }
}

/// Skus for which somebody waits without a right, though some may be free: by rules or rates of then they were not for him.
fn waited_for(network: &Network) -> Vec<SkuIndex> {
    let skus = (0..network.stock.len() as u32).map(SkuIndex);
    skus.filter(|sku| !network.sku(*sku).ledger.lock().loose().is_empty()).collect()
}

/// Skus, and orders that rest.
fn sorted(awaits: &BTreeSet<Awaits>) -> (BTreeSet<SkuIndex>, Vec<OrderKey>) {
    let (mut skus, mut resting) = (BTreeSet::new(), Vec::new());
    for awaits in awaits {
        match awaits {
            Awaits::Sku(sku) => drop(skus.insert(*sku)),
            Awaits::Resting(order) => resting.push(*order),
        }
    }
    (skus, resting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::{Command, FulfillmentAction, NodePatch};
    use crate::domain::geo::Position;
    use crate::domain::record::Log;
    use crate::engine::tests::world::{World, text};

    /// A place that comes back between the last try and the moment from which somebody waits again is seen by nobody.
    #[test]
    fn a_place_that_came_back_before_anybody_waited_again_wakes_who_waits_now() {
        let world = World::new();
        let network = world.engine.network.read().expect("nobody panicked");
        let (day, awaits) = ((NodeIndex(1), 20_000), BTreeSet::from([Awaits::Sku(SkuIndex(0))]));
        let room = Room { found: BTreeSet::from([(day.0, Some(day.1))]).into(), awaits: BTreeSet::new() };
        assert!(room.is_left(&network), "the node has no bound, so there is room");
        network.workloads.roomy.note(day.0, Some(day.1));
        assert!(world.engine.room_came(&network).is_none(), "nobody waits yet");
        world.engine.wait_on(&network, &room, &awaits);
        let came = world.engine.room_came(&network).expect("who waits now is told of it");
        assert_eq!(came.awaits, awaits);
    }

    /// Of more skus than are served at once nobody is left to the clock by a new node, and all by one that is another.
    #[test]
    fn a_new_node_has_nothing_to_serve_anybody_with() {
        let mut world = World::new();
        for sku in ["phone", "case", "cable"] {
            world.stock(sku, "east", 1).expect("received");
            let order = world.order(&[(sku, 1)], None).expect("enough");
            world.fulfill(&order, 1, FulfillmentAction::Reject { reason: text("too_busy") }).expect("submitted");
        }
        world.node("south", 30.0, -90.0, true);
        assert_eq!(world.engine.room_awaited.next(), None);
        let position = Position::from_degrees(31.0, -90.0);
        let patch = Box::new(NodePatch { position, ..NodePatch::default() });
        world.run(Command::PatchNode { node: text("south"), patch }).expect("changed");
        assert_eq!(world.engine.room_awaited.next(), Some(world.log.now().wall));
    }
}
