//! Tasks of waves: assigned, begun, units not found, done. Each step is one record: the wave, the fulfilment orders it
//! picks for, and their stock where units were not found.
//!
//! *Done* picks what is left of every entry, as far as its fulfilment order still wants it from this node, and says which
//! units of what is tracked; *short* is the
//! short pick of one fulfilment order with all that follows from it. Locks: the orders, ascending, then the wave. Which
//! orders those are is read before; when the wave has moved on meanwhile, it is read again.

use std::collections::{BTreeMap, BTreeSet};

use super::change::Change;
use super::consolidate::{Several, order_in};
use super::fulfill::{Beside, Tried};
use super::lots::NamedLots;
use super::network::Network;
use super::table::Locked;
use super::turn::{Turn, order_events};
use super::wave::{answered, changed, to_pick};
use super::withdrawal::{Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::command::{PickedFor, TaskAction};
use crate::domain::decision::LineUnits;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, Event, PickedNoted};
use crate::domain::fulfillment::{FulfillmentStep, FulfillmentVerb, ShortReason};
use crate::domain::hold::Hold;
use crate::domain::ids::{FulfillmentKey, OrderKey, SkuIndex, WaveKey};
use crate::domain::order::{Order, OrderEvent};
use crate::domain::picked::{Picked, PickedKey};
use crate::domain::quantity::Quantity;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::time::JournalTime;
use crate::domain::wave::{PickLine, PickTask, TaskVerb, Wave, WaveEvent};

/// What the rest of a task comes to.
struct Fetched {
    /// Units of the line picked with each entry.
    picked: Vec<u32>,
    /// The same for each fulfilment order.
    of_orders: BTreeMap<FulfillmentKey, Vec<LineUnits>>,
}

/// Which units of a sku a fulfilment order gets, as whoever picked them says.
type NamedFor<'a> = (FulfillmentKey, &'a PickedFor);

impl Engine {
    pub(super) fn change_task(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: WaveKey,
        task: &str,
        action: &TaskAction,
    ) -> Result<Executed, Rejection> {
        let unknown = || Rejection::not_found("task", task);
        let number: u16 = task.parse().ok().filter(|n: &u16| n.to_string() == task).ok_or_else(unknown)?;
        self.wave_by_key(key).and_then(|wave| wave.task(number).map(drop)).ok_or_else(unknown)?;
        match action {
            TaskAction::Assign { picker } => {
                let event = WaveEvent::Assigned { task: number, picker: picker.clone() };
                self.step_wave(turn, network, key, |wave| takes(wave, number, TaskVerb::Assign).map(|_| event))
            }
            TaskAction::Start => {
                let event = WaveEvent::Started { task: number };
                self.step_wave(turn, network, key, |wave| takes(wave, number, TaskVerb::Start).map(|_| event))
            }
            TaskAction::Short { pick, quantity, reason } => {
                self.short_of_task(turn, network, (key, number), (*pick, *quantity), *reason)
            }
            TaskAction::Done { named } => self.task_done(turn, network, key, number, named),
        }
    }

    /// Units of an entry were not found: they leave their fulfilment order as a short pick does, in the same record.
    fn short_of_task(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        (key, number): (WaveKey, u16),
        (pick, quantity): (u32, Quantity),
        reason: ShortReason,
    ) -> Result<Executed, Rejection> {
        let mut patience = Patience::default();
        loop {
            let known = self.wave_by_key(key).ok_or_else(|| Rejection::not_found("wave", key.to_string()))?;
            let task = takes(&known, number, TaskVerb::Short)?;
            let (pick, units) = completing(task, pick, quantity)?;
            let entry = &task.picks[usize::from(pick)].pick;
            let (own, line) = (entry.fulfillment, entry.line);
            let gone = || Rejection::not_found("fulfillment_order", own.to_string());
            let mut order_slot = self.orders.lock(own.order).ok_or_else(gone)?;
            let mut slot = self.lock_wave(key)?;
            let wave = slot.as_ref().expect("a locked entity is there");
            if wave.version != known.version {
                continue;
            }
            let order = order_slot.as_ref().expect("a locked entity is there");
            let now = turn.now();
            self.check_short(order, own, LineUnits { line, quantity: units }, wave, now)?;
            let event = WaveEvent::Shorted { task: number, pick, units, reason };
            let event = changed(key, wave.version + 1, event);
            turn.steps(EntityKey::Wave(key), || Entity::Wave(Box::new(wave.clone())));
            let beside =
                Beside { answer: Some(Answer::Wave(key)), wave: Some((&mut slot, event)), ..Beside::default() };
            let step = FulfillmentStep::ShortPicked { lines: vec![LineUnits { line, quantity: units }], reason };
            match self.log_step_with(turn, network, &mut order_slot, (own.number, step, &[]), now, beside)? {
                Tried::Done((_, touched)) => {
                    let executed = answered(&slot);
                    drop((order_slot, slot));
                    self.follow_up(turn, network, touched);
                    self.resource(turn, network, own.order);
                    return Ok(executed);
                }
                Tried::Again if patience.wait() => {}
                Tried::Again => return Err(Rejection::Contended),
            }
        }
    }

    fn check_short(
        &self,
        order: &Order,
        own: FulfillmentKey,
        units: LineUnits,
        wave: &Wave,
        now: JournalTime,
    ) -> Result<(), Rejection> {
        let (id, verb) = (own.to_string(), FulfillmentVerb::Short);
        let unknown = || Rejection::not_found("fulfillment_order", own.to_string());
        let fulfillment = order.fulfillment(own.number).ok_or_else(unknown)?;
        if !order.takes(fulfillment, verb) || fulfillment.node != wave.node {
            return Err(order.illegal(fulfillment, verb));
        }
        let holds: Vec<_> = order.holds.iter().filter(|hold| hold.forbids_at(verb, now)).map(Hold::name).collect();
        if !holds.is_empty() {
            return Err(Rejection::OnHold { id, verb, holds });
        }
        let there = to_pick(order, fulfillment, wave.node, now);
        let left: u32 = there.iter().filter(|one| one.line == units.line).map(|one| one.quantity).sum();
        if units.quantity > left {
            let detail = format!("{left} units of {id} are left to pick there, {} were named", units.quantity);
            return Err(Rejection::invalid("quantity", "quantity_out_of_range", detail));
        }
        Ok(())
    }

    /// The rest of a task is picked, for all its fulfilment orders in one record.
    fn task_done(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: WaveKey,
        number: u16,
        named: &[PickedFor],
    ) -> Result<Executed, Rejection> {
        loop {
            let known = self.wave_by_key(key).ok_or_else(|| Rejection::not_found("wave", key.to_string()))?;
            let task = takes(&known, number, TaskVerb::Done)?;
            let named = named_for(task, named)?;
            let keys: BTreeSet<OrderKey> = task.picks.iter().map(|line| line.pick.fulfillment.order).collect();
            let mut orders = self.lock_several(&keys);
            let mut slot = self.lock_wave(key)?;
            if slot.as_ref().is_some_and(|wave| wave.version == known.version) {
                self.log_done(turn, network, (&mut orders, &mut slot), number, &named)?;
                return Ok(answered(&slot));
            }
        }
    }

    fn log_done(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        (orders, slot): (&mut Several, &mut Locked<Wave>),
        number: u16,
        named: &[NamedFor<'_>],
    ) -> Result<(), Rejection> {
        let wave = slot.as_ref().expect("a locked entity is there");
        let (key, version, node) = (wave.key, wave.version + 1, wave.node);
        let task = takes(wave, number, TaskVerb::Done)?;
        let now = turn.log.now();
        let Fetched { picked, of_orders } = fetched(orders, wave, task, now.journal);
        let units = picked.iter().map(|units| u64::from(*units)).sum();
        let sums = Picked::of(task, units, now.journal);
        let method = wave.method.expect("a wave with tasks was released");
        let noted = PickedNoted { key: PickedKey::of(now.wall, node, method), picked: sums };
        let mut change = Change::lock(network, &tracked(network, orders, &of_orders));
        let fetched_for: Vec<FulfillmentKey> = of_orders.keys().copied().collect();
        let told = told(network, turn, &mut change, orders, (of_orders, named))?;
        let mut events = vec![
            changed(key, version, WaveEvent::Done { task: number, picked }),
            Event::PickedNoted(Box::new(noted.clone())),
        ];
        let keys: Vec<OrderKey> = told.keys().copied().collect();
        for (of, told) in told {
            events.extend(order_events(order_in(orders, of).expect("it is locked"), told));
        }
        events.extend(change.events());
        turn.steps(EntityKey::Wave(key), || Entity::Wave(Box::new(wave.clone())));
        let sealed = turn.seal(now.journal, network.catalogue.seq, events, Some(Answer::Wave(key)))?;
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        for of in keys {
            logged.fold_order_of(of, orders.get_mut(&of).expect("it is locked"));
        }
        self.fold_wave(&logged, slot);
        self.add_picked(noted.key, noted.picked);
        logged.done();
        for key in fetched_for {
            // From now on it waits to be packed.
            let order = order_in(orders, key.order).expect("just folded");
            self.watch_windows(network, order, key.number..=key.number);
        }
        Ok(())
    }
}

/// A task that may take a step.
fn takes(wave: &Wave, number: u16, verb: TaskVerb) -> Result<&PickTask, Rejection> {
    let task = wave.task(number).ok_or_else(|| Rejection::not_found("task", number.to_string()))?;
    if task.status.legal().contains(&verb) {
        return Ok(task);
    }
    Err(Rejection::IllegalTask { id: wave.name(), task: number, status: task.status, verb })
}

/// The entry that completes the line of the one that was named, and how many of its units; a kit's are units of the kit.
fn completing(task: &PickTask, pick: u32, quantity: Quantity) -> Result<(u16, u32), Rejection> {
    let entries = task.picks.len();
    let named = usize::try_from(pick).ok().and_then(|at| task.picks.get(at)).ok_or_else(|| {
        let detail = format!("must be a whole number from 0 to {}, is {pick}", entries.saturating_sub(1));
        Rejection::invalid("pick", "number_out_of_range", detail)
    })?;
    let same = |line: &&PickLine| {
        (line.pick.fulfillment, line.pick.line) == (named.pick.fulfillment, named.pick.line) && line.pick.completes > 0
    };
    let (at, line) = (0..).zip(&task.picks).find(|(_, line)| same(line)).expect("every line is completed by an entry");
    if quantity.units() > line.left() {
        let detail = format!("{} units of entry {pick} are left to pick, {} were named", line.left(), quantity.units());
        return Err(Rejection::invalid("quantity", "quantity_out_of_range", detail));
    }
    Ok((at, quantity.units()))
}

/// What was named, by fulfilment order; all faults together.
fn named_for<'a>(task: &PickTask, named: &'a [PickedFor]) -> Result<Vec<NamedFor<'a>>, Rejection> {
    let (mut found, mut faults) = (Vec::with_capacity(named.len()), Vec::new());
    for (at, one) in named.iter().enumerate() {
        let key = FulfillmentKey::parse(&one.fulfillment);
        match key.filter(|key| task.picks.iter().any(|line| line.pick.fulfillment == *key)) {
            Some(key) => found.push((key, one)),
            None => {
                let detail = format!("the task picks nothing for {:?}", one.fulfillment);
                faults.push(Fault::new(format!("named[{at}].fulfillment_order"), "not_pickable", detail));
            }
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(Rejection::Invalid(faults)) }
}

/// What the rest of a task comes to: of each entry what is left, as far as its fulfilment order can have it picked.
fn fetched(orders: &Several, wave: &Wave, task: &PickTask, now: JournalTime) -> Fetched {
    let picked = still_wanted(|key| order_in(orders, key).map(|order| &**order), wave, task, now);
    let mut of_orders = BTreeMap::<_, Vec<LineUnits>>::new();
    for (line, quantity) in task.picks.iter().zip(&picked).filter(|(_, units)| **units > 0) {
        let units = LineUnits { line: line.pick.line, quantity: *quantity };
        of_orders.entry(line.pick.fulfillment).or_default().push(units);
    }
    Fetched { picked, of_orders }
}

/// Of each entry of a task the units of the line that are left, as far as its fulfilment order can have them picked.
pub(super) fn still_wanted<'a>(
    order: impl Fn(OrderKey) -> Option<&'a Order>,
    wave: &Wave,
    task: &PickTask,
    now: JournalTime,
) -> Vec<u32> {
    let mut left: BTreeMap<(FulfillmentKey, u16), u32> = BTreeMap::new();
    let keys: BTreeSet<FulfillmentKey> = task.picks.iter().map(|line| line.pick.fulfillment).collect();
    for key in keys {
        let own = order(key.order).and_then(|order| Some((order, order.fulfillment(key.number)?)));
        let units = own.map(|(order, own)| to_pick(order, own, wave.node, now)).unwrap_or_default();
        left.extend(units.into_iter().map(|units| ((key, units.line), units.quantity)));
    }
    let wanted = |line: &PickLine| {
        let there = left.get_mut(&(line.pick.fulfillment, line.pick.line));
        there.map_or(0, |there| {
            let units = line.left().min(*there);
            *there -= units;
            units
        })
    };
    task.picks.iter().map(wanted).collect()
}

/// Skus among what is picked whose units are told apart: their ledgers say which are taken.
fn tracked(
    network: &Network,
    orders: &Several,
    of_orders: &BTreeMap<FulfillmentKey, Vec<LineUnits>>,
) -> BTreeSet<SkuIndex> {
    let skus = of_orders.iter().flat_map(|(key, units)| {
        let order = order_in(orders, key.order).expect("it is locked");
        units.iter().flat_map(|units| order.stock_of(*units)).map(|(sku, _)| sku)
    });
    skus.filter(|sku| network.catalogue.item(*sku).tracking.is_some()).collect()
}

/// What the orders are told of what is picked, by order.
fn told(
    network: &Network,
    turn: &Turn<'_>,
    change: &mut Change<'_>,
    orders: &Several,
    (of_orders, named): (BTreeMap<FulfillmentKey, Vec<LineUnits>>, &[NamedFor<'_>]),
) -> Result<BTreeMap<OrderKey, Vec<OrderEvent>>, Rejection> {
    let mut lots = NamedLots::at(network, turn.log.now().wall);
    let mut told: BTreeMap<OrderKey, Vec<OrderEvent>> = BTreeMap::new();
    for (key, lines) in of_orders {
        let order = order_in(orders, key.order).expect("it is locked");
        let own = order.fulfillment(key.number).expect("it can be picked");
        let names = (0..).zip(named).filter(|(_, (of, _))| *of == key).map(|(at, (_, one))| (at, &one.sku, &one.names));
        let identified = lots.pick(change, (order, own), &lines, names)?;
        let own = told.entry(key.order).or_default();
        own.push(OrderEvent::Fulfillment { number: key.number, step: FulfillmentStep::Picked { lines } });
        if !identified.is_empty() {
            own.push(OrderEvent::Identified { number: key.number, units: identified });
        }
    }
    Ok(told)
}
