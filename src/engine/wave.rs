//! Waves: planned from what waits to be picked at a node, released to the floor as tasks, cancelled.
//!
//! A plan takes fulfilment orders whose carrier comes first, the highest priority and the oldest first among them, as many as
//! the rule of the node lets one wave have; planned again, the next. A wave changes no order: what of it ended, went
//! elsewhere or is held when it is released or picked is left out. One fulfilment order is in one wave that has not ended.
//! Only orders of which a node has something to pick are looked at: the floor knows them. Locks: orders one by one while
//! nothing else is held; the wave; the floor, over the append.
//!
//! What is *not* here: tours (`domain::picking`), steps of tasks (`pick_task`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};

use super::change::Change;
use super::network::Network;
use super::shipping::of_node;
use super::table::{Locked, Name, Named};
use super::turn::{Logged, Turn};
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::carrier::pickups::NextPickup;
use crate::domain::command::{PlanWave, WaveAction};
use crate::domain::decision::LineUnits;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, Event, WaveChanged};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentVerb};
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, SkuIndex, Text, WaveKey};
use crate::domain::item::Tracking;
use crate::domain::limits::{WAVE_ORDERS_MAX, WAVE_PICKS_MAX, WAVE_SERIALS_MAX};
use crate::domain::node::NodeKind;
use crate::domain::order::Order;
use crate::domain::picked::{Picked, PickedDay, PickedKey};
use crate::domain::picking::{self, BinPlace, PickMethod, PickingRule, Wanted};
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::time::{JournalTime, WallTime};
use crate::domain::wave::{Wave, WaveEvent, WaveStatus, WaveVerb};
use crate::domain::weighed::Carried;

/// What picking knows beside its waves. Each lock is a leaf: nothing but the append is done under it.
#[derive(Debug, Default)]
pub struct Floor {
    /// Where skus lie.
    pub bins: RwLock<BTreeMap<(NodeIndex, SkuIndex), BinPlace>>,
    /// Orders of which a node may have something to pick; some of them no more, until somebody looks.
    pickable: Mutex<BTreeSet<(NodeIndex, OrderKey)>>,
    /// Fulfilment orders of waves that have not ended.
    waved: Mutex<BTreeMap<FulfillmentKey, WaveKey>>,
    /// What was picked, by day.
    picked: Mutex<BTreeMap<PickedKey, Picked>>,
}

/// A fulfilment order that could be picked.
struct Candidate {
    key: FulfillmentKey,
    /// When its carrier comes, when one comes at a time.
    cutoff: Option<WallTime>,
    priority: u8,
    since: JournalTime,
    units: u64,
    entries: usize,
    /// Units that are told apart by a serial number each.
    serials: u64,
}

impl Engine {
    pub(super) fn plan_wave(&self, turn: &Turn<'_>, command: &PlanWave) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let claim = command.id.clone().map(|id| self.names.claim(Name::Wave(id)));
        if let Some(Named::Wave(key, fingerprint)) = claim.as_ref().and_then(|claim| claim.taken()) {
            if fingerprint != command.fingerprint {
                return Err(Rejection::IdTaken { id: command.id.as_deref().unwrap_or_default().to_owned() });
            }
            let seq = self.wave_by_key(key).map_or(0, |wave| wave.planned_seq);
            return Ok(Executed::Repeat { seq, answer: Answer::Wave(key) });
        }
        let node = planned_at(&network, command)?;
        let rule = network.catalogue.policies().picking(node);
        let candidates = self.candidates(turn, &network, node, command)?;
        let key = WaveKey(self.next_key());
        let mut waved = self.floor.waved.lock();
        let chosen = match &command.fulfillments {
            Some(_) => named(candidates, &waved)?,
            None => chosen(candidates.into_iter().filter(|one| !waved.contains_key(&one.key)).collect(), &rule),
        };
        if chosen.is_empty() {
            let why = format!("no fulfilment order that {} has accepted is outside of a wave", command.node);
            return Err(Rejection::NothingToPick { why });
        }
        let event = WaveEvent::Planned {
            id: command.id.clone(),
            fingerprint: command.fingerprint,
            node,
            cutoff: chosen.iter().filter_map(|one| one.cutoff).min(),
            fulfillments: chosen.iter().map(|one| one.key).collect(),
        };
        let events = vec![changed(key, 1, event)];
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, Some(Answer::Wave(key)))?;
        let mut slot = self.waves.begin(key);
        let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
        waved.extend(chosen.iter().map(|one| (one.key, key)));
        drop(waved);
        logged.fold_wave(&mut slot);
        logged.done();
        if let Some(claim) = claim {
            claim.settle(Named::Wave(key, command.fingerprint));
        }
        Ok(answered(&slot))
    }

    pub(super) fn change_wave(&self, turn: &Turn<'_>, id: &str, action: &WaveAction) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let key = self.find_wave(id).ok_or_else(|| Rejection::not_found("wave", id))?;
        match action {
            WaveAction::Release => {
                let known = self.wave_that(key, WaveVerb::Release)?;
                let (method, tours) = self.tours(turn, &network, &known)?;
                let event = WaveEvent::Released { method, tours };
                self.step_wave(turn, &network, key, |wave| takes(wave, WaveVerb::Release).map(|()| event))
            }
            WaveAction::Cancel(reason) => {
                let event = WaveEvent::Cancelled { reason: reason.clone() };
                self.step_wave(turn, &network, key, |wave| takes(wave, WaveVerb::Cancel).map(|()| event))
            }
            WaveAction::Task { task, step } => self.change_task(turn, &network, key, task, step),
        }
    }

    /// Takes a step that concerns the wave alone; `judge` sees it locked.
    pub(super) fn step_wave(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        key: WaveKey,
        judge: impl FnOnce(&Wave) -> Result<WaveEvent, Rejection>,
    ) -> Result<Executed, Rejection> {
        let mut slot = self.lock_wave(key)?;
        let wave = slot.as_ref().expect("a locked entity is there");
        let event = judge(wave)?;
        turn.steps(EntityKey::Wave(key), || Entity::Wave(Box::new(wave.clone())));
        let events = vec![changed(key, wave.version + 1, event)];
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, Some(Answer::Wave(key)))?;
        let logged = turn.log(self, sealed, Change::new(network), Withdrawal::nothing());
        self.fold_wave(&logged, &mut slot);
        logged.done();
        Ok(answered(&slot))
    }

    /// Folds a record into a wave that is locked. One that ended lets its fulfilment orders go.
    pub(super) fn fold_wave(&self, logged: &Logged, slot: &mut Locked<Wave>) {
        logged.fold_wave(slot);
        let wave = slot.as_ref().expect("just folded");
        if let Some(at) = wave.ended_at {
            self.ended_waves.lock().push_back((at, wave.key));
            let mut waved = self.floor.waved.lock();
            for key in &wave.fulfillments {
                waved.remove(key);
            }
        }
    }

    pub(super) fn lock_wave(&self, key: WaveKey) -> Result<Locked<Wave>, Rejection> {
        self.waves.lock(key).ok_or_else(|| Rejection::not_found("wave", key.to_string()))
    }

    /// A wave that may take a step; it may have moved on when it is locked.
    fn wave_that(&self, key: WaveKey, verb: WaveVerb) -> Result<Wave, Rejection> {
        let wave = self.wave_by_key(key).ok_or_else(|| Rejection::not_found("wave", key.to_string()))?;
        takes(&wave, verb).map(|()| wave)
    }

    /// How a wave is picked, and its pick lists: of what can be picked by now.
    fn tours(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        wave: &Wave,
    ) -> Result<(PickMethod, Vec<picking::Tour>), Rejection> {
        let now = turn.now();
        let of = |key: &FulfillmentKey| {
            let slot = self.orders.lock(key.order);
            let order = slot.as_ref().and_then(|slot| slot.as_ref());
            order.map(|order| wanted(order, *key, wave.node, now)).unwrap_or_default()
        };
        let mut wanted: Vec<Wanted> = wave.fulfillments.iter().flat_map(of).collect();
        let bins = self.floor.bins.read();
        wanted.iter_mut().for_each(|one| one.place = bins.get(&(wave.node, one.sku)).cloned());
        drop(bins);
        if wanted.is_empty() {
            let why = format!("nothing of wave {} waits to be picked any more", wave.name());
            return Err(Rejection::NothingToPick { why });
        }
        let rule = network.catalogue.policies().picking(wave.node);
        let method = rule.method(picking::load(&wanted), &network.catalogue.node(wave.node).capabilities);
        Ok((method, picking::tours(method, &rule, &wanted)))
    }

    /// What could come into a wave: what was named, with its faults, or all that waits to be picked at the node.
    fn candidates(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        node: NodeIndex,
        command: &PlanWave,
    ) -> Result<Vec<Candidate>, Rejection> {
        let now = turn.log.now();
        let wall = Timestamp::from_millisecond(now.wall.0).unwrap_or(Timestamp::MAX);
        let pickups = network.catalogue.shipping().next_pickups(&of_node(&network.catalogue, node), wall);
        let cutoff = |order: &Order, own: &FulfillmentOrder| {
            let country = order.facts.destinations.get(usize::from(own.group)).map(|to| &to.country)?;
            let leaves = matches!(&**order.method_of(own.group), "ship" | "ship_to_store");
            let takes = pickups.iter().filter(|pickup| leaves && pickup.delivers_to(country));
            // Of the services that were chosen the first is the one to be ready for; where none was, whichever comes first.
            let planned = order.carried(own);
            let is_planned = |pickup: &&NextPickup<'_>| {
                let is_of = |by: &Carried| (pickup.carrier, pickup.service) == (&by.carrier, &by.service);
                planned.clone().next().is_none() || planned.clone().any(is_of)
            };
            let takes = takes.filter(is_planned);
            takes.map(|pickup| WallTime(pickup.at.as_millisecond())).min()
        };
        let candidate = |order: &Order, own: &FulfillmentOrder| {
            let key = FulfillmentKey { order: order.key, number: own.number };
            let entries = wanted(order, key, node, now.journal);
            (!entries.is_empty()).then(|| Candidate {
                key,
                cutoff: cutoff(order, own),
                priority: order.priority,
                since: own.since,
                units: entries.iter().map(|entry| u64::from(entry.units)).sum(),
                entries: entries.len(),
                serials: serials(network, &entries),
            })
        };
        if let Some(named) = &command.fulfillments {
            return self.named_candidates(named, candidate);
        }
        let mut found = Vec::new();
        for key in self.pickable_at(node) {
            let slot = self.orders.lock(key);
            let order = slot.as_ref().and_then(|slot| slot.as_ref());
            if !order.is_some_and(|order| is_pickable_at(order, node)) {
                self.floor.pickable.lock().remove(&(node, key));
            }
            let here = order.into_iter().flat_map(|order| order.fulfillment_orders.iter().map(move |own| (order, own)));
            found.extend(here.filter(|(_, own)| own.node == node).filter_map(|(order, own)| candidate(order, own)));
        }
        // One of so many serial numbers is picked by itself, in parts.
        found.retain(|one| one.serials <= WAVE_SERIALS_MAX);
        let before = command.cutoff_before;
        found.retain(|one| before.is_none_or(|before| one.cutoff.is_some_and(|cutoff| cutoff < before)));
        Ok(found)
    }

    /// Those that were named; all faults together.
    fn named_candidates(
        &self,
        named: &[Text],
        candidate: impl Fn(&Order, &FulfillmentOrder) -> Option<Candidate>,
    ) -> Result<Vec<Candidate>, Rejection> {
        let (mut faults, mut found) = (Vec::new(), Vec::<Candidate>::new());
        for (at, id) in named.iter().enumerate() {
            let mut fault = |code, detail| faults.push(Fault::new(format!("fulfillment_orders[{at}]"), code, detail));
            let key = FulfillmentKey::parse(id);
            let slot = key.and_then(|key| self.orders.lock(key.order));
            let order = slot.as_ref().and_then(|slot| slot.as_ref());
            match order.zip(key).and_then(|(order, key)| Some((order, order.fulfillment(key.number)?))) {
                None => fault("not_pickable", format!("there is no fulfilment order {id:?}")),
                Some((order, own)) => match candidate(order, own) {
                    None => fault("not_pickable", format!("{id} has nothing that can be picked there now")),
                    Some(one) if found.iter().any(|known| known.key == one.key) => {
                        fault("duplicate_change", format!("{id} is named twice"));
                    }
                    Some(one) => found.push(one),
                },
            }
        }
        if faults.is_empty() { Ok(found) } else { Err(Rejection::Invalid(faults)) }
    }

    /// Orders of which a node may have something to pick, the oldest first.
    pub(super) fn pickable_at(&self, node: NodeIndex) -> Vec<OrderKey> {
        let all = self.floor.pickable.lock();
        all.range((node, OrderKey(0))..=(node, OrderKey(u64::MAX))).map(|(_, key)| *key).collect()
    }

    /// Notes which nodes have something to pick of an order after these of its fulfilment orders took a step. The caller has
    /// its lock.
    pub(super) fn note_pickable(&self, order: &Order, numbers: RangeInclusive<u16>) {
        for own in order.fulfillment_orders.iter().filter(|own| numbers.contains(&own.number)) {
            let entry = (own.node, order.key);
            match own.status {
                FulfillmentStatus::Scheduled | FulfillmentStatus::Submitted => {}
                status if status.takes(FulfillmentVerb::Pick) => drop(self.floor.pickable.lock().insert(entry)),
                _ if is_pickable_at(order, own.node) => {}
                _ => drop(self.floor.pickable.lock().remove(&entry)),
            }
        }
    }

    /// Puts a wave at start.
    pub(super) fn hold_wave(&self, wave: Wave) {
        let key = wave.key;
        if let Some(id) = wave.id.clone() {
            self.names.insert(Name::Wave(id), Named::Wave(key, wave.fingerprint));
        }
        match wave.ended_at {
            Some(at) => self.ended_waves.lock().push_back((at, key)),
            None => self.floor.waved.lock().extend(wave.fulfillments.iter().map(|own| (*own, key))),
        }
        self.waves.insert(key, wave);
    }

    /// Adds to what was picked: it is logged.
    pub(super) fn add_picked(&self, key: PickedKey, picked: Picked) {
        let mut all = self.floor.picked.lock();
        let sums = all.entry(key).or_default();
        *sums = sums.plus(&picked);
    }

    /// Puts what was picked on a day at start.
    pub(super) fn hold_picked(&self, key: PickedKey, sums: Picked) {
        self.floor.picked.lock().insert(key, sums);
    }

    /// Forgets days that nothing needs to know of any more.
    pub(super) fn forget_picked(&self, now: JournalTime) {
        let mut all = self.floor.picked.lock();
        while let Some(first) = all.first_entry()
            && (PickedDay { day: first.key().day, sums: Picked::default() }).is_forgotten_at(now)
        {
            first.remove();
        }
    }

    /// What was picked at nodes from a day on until another, in each way; and the sequence up to which that may be.
    pub fn picked(
        &self,
        node: Option<NodeIndex>,
        since: i32,
        until: i32,
    ) -> (BTreeMap<(NodeIndex, PickMethod), Picked>, u64) {
        let mut sums: BTreeMap<(NodeIndex, PickMethod), Picked> = BTreeMap::new();
        for (key, picked) in self.floor.picked.lock().iter() {
            if (since..=until).contains(&key.day) && node.is_none_or(|node| node == key.node) {
                let sum = sums.entry((key.node, key.method)).or_default();
                *sum = sum.plus(picked);
            }
        }
        (sums, self.position())
    }

    /// What was picked on a day; for checks and tests.
    pub fn picked_on(&self, key: PickedKey) -> Option<Picked> {
        self.floor.picked.lock().get(&key).copied()
    }
}

pub(super) fn changed(key: WaveKey, version: u32, event: WaveEvent) -> Event {
    Event::WaveChanged(Box::new(WaveChanged { key, version, event }))
}

pub(super) fn answered(slot: &Locked<Wave>) -> Executed {
    let wave = slot.as_ref().expect("just folded").clone();
    let seq = wave.seq;
    Executed::done(Reply::Wave(Box::new(wave)), seq)
}

fn takes(wave: &Wave, verb: WaveVerb) -> Result<(), Rejection> {
    let status: WaveStatus = wave.status();
    if status.legal().contains(&verb) { Ok(()) } else { Err(Rejection::IllegalWave { id: wave.name(), status, verb }) }
}

/// Units of its lines that a fulfilment order can have picked at a node now; none where it cannot.
pub(super) fn to_pick(order: &Order, own: &FulfillmentOrder, node: NodeIndex, now: JournalTime) -> Vec<LineUnits> {
    let held = || order.holds.iter().any(|hold| hold.forbids_at(FulfillmentVerb::Pick, now));
    if own.node != node || !own.status.takes(FulfillmentVerb::Pick) || held() {
        return Vec::new();
    }
    let left = own.lines.iter().filter(|line| line.quantity > line.picked);
    left.map(|line| LineUnits { line: line.line, quantity: line.quantity - line.picked }).collect()
}

/// Whether a node has something to pick of an order, unless it is held.
fn is_pickable_at(order: &Order, node: NodeIndex) -> bool {
    let mut here = order.fulfillment_orders.iter().filter(|own| own.node == node);
    here.any(|own| own.status.takes(FulfillmentVerb::Pick))
}

/// Units among these that are told apart by a serial number each.
fn serials(network: &Network, entries: &[Wanted]) -> u64 {
    let serial = entries.iter().filter(|one| network.catalogue.item(one.sku).tracking == Some(Tracking::Serial));
    serial.map(|one| u64::from(one.units)).sum()
}

/// What has to be fetched for a fulfilment order, wherever it lies.
fn wanted(order: &Order, key: FulfillmentKey, node: NodeIndex, now: JournalTime) -> Vec<Wanted> {
    let Some(own) = order.fulfillment(key.number) else { return Vec::new() };
    let of_line = |units: LineUnits| {
        let one = move |(sku, n)| Wanted {
            fulfillment: key,
            line: units.line,
            line_units: units.quantity,
            sku,
            units: n,
            place: None,
        };
        order.stock_of(units).into_iter().map(one)
    };
    to_pick(order, own, node, now).into_iter().flat_map(of_line).collect()
}

/// Those that were named and are in no other wave; all faults together.
fn named(candidates: Vec<Candidate>, waved: &BTreeMap<FulfillmentKey, WaveKey>) -> Result<Vec<Candidate>, Rejection> {
    let mut faults = Vec::new();
    for (at, one) in candidates.iter().enumerate() {
        if let Some(wave) = waved.get(&one.key) {
            let detail = format!("{} is in wave {wave}", one.key);
            faults.push(Fault::new(format!("fulfillment_orders[{at}]"), "not_pickable", detail));
        }
    }
    let entries: usize = candidates.iter().map(|one| one.entries).sum();
    if candidates.len() > 1 && entries > WAVE_PICKS_MAX {
        let detail = format!("have {entries} entries to pick, a wave has at most {WAVE_PICKS_MAX}");
        faults.push(Fault::new("fulfillment_orders", "list_length_out_of_range", detail));
    }
    let serials: u64 = candidates.iter().map(|one| one.serials).sum();
    if serials > WAVE_SERIALS_MAX {
        let detail = format!("have {serials} units with serial numbers to pick, a wave has at most {WAVE_SERIALS_MAX}");
        faults.push(Fault::new("fulfillment_orders", "too_many_serials", detail));
    }
    if faults.is_empty() { Ok(candidates) } else { Err(Rejection::Invalid(faults)) }
}

/// Those whose carrier comes first, as many as one wave may have.
fn chosen(mut candidates: Vec<Candidate>, rule: &PickingRule) -> Vec<Candidate> {
    let cutoff = |one: &Candidate| one.cutoff.unwrap_or(WallTime(i64::MAX));
    candidates.sort_by_key(|one| (cutoff(one), Reverse(one.priority), one.since, one.key));
    let first = candidates.first().map(cutoff);
    let orders = usize::from(rule.wave_orders).min(WAVE_ORDERS_MAX);
    let (mut units, mut entries, mut serials, mut chosen) = (0, 0, 0, Vec::new());
    for one in candidates.into_iter().filter(|one| Some(cutoff(one)) == first) {
        (units, entries, serials) = (units + one.units, entries + one.entries, serials + one.serials);
        let can_be_told = entries <= WAVE_PICKS_MAX && serials <= WAVE_SERIALS_MAX;
        let fits = can_be_told && rule.wave_units.is_none_or(|most| units <= u64::from(most));
        if !chosen.is_empty() && (!fits || chosen.len() == orders) {
            break;
        }
        chosen.push(one);
    }
    chosen
}

/// Where a wave is planned; all faults together.
fn planned_at(network: &Network, command: &PlanWave) -> Result<NodeIndex, Rejection> {
    let mut faults = Vec::new();
    if command.id.as_deref().is_some_and(|id| WaveKey::parse(id).is_some()) {
        faults.push(Fault::new("id", "invalid_id", "has the form of a generated id"));
    }
    if let Some(named) = &command.fulfillments
        && (named.is_empty() || named.len() > WAVE_ORDERS_MAX)
    {
        let detail = format!("must have 1 to {WAVE_ORDERS_MAX} entries, has {}", named.len());
        faults.push(Fault::new("fulfillment_orders", "list_length_out_of_range", detail));
    }
    let node = network.catalogue.node_index(&command.node);
    match node.map(|node| network.catalogue.node(node).kind) {
        None => faults.push(Fault::new("node", "unknown_node", format!("there is no node {:?}", command.node))),
        Some(NodeKind::Virtual) => {
            faults.push(Fault::new("node", "node_without_stock", format!("{} holds no stock", command.node)));
        }
        Some(_) => {}
    }
    match node {
        Some(node) if faults.is_empty() => Ok(node),
        _ => Err(Rejection::Invalid(faults)),
    }
}
