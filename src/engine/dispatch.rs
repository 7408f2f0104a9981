//! Parcels with numbers of their own, and the manifests on which carriers take them.
//!
//! One lock has all of it. It is held over the append of what changes it, so that numbers are given out in the order of the
//! records that have them and nothing comes onto a manifest that is closed. It comes after orders and ledgers and before
//! cases. A step of a fulfilment order takes it only where goods leave or are stopped, and keeps it only where there are
//! parcels of it, or something leaves.
//!
//! What leaves without numbers is on the manifest of the day on which it left, by the clock of its node, or of the first day
//! after that of which the manifest was not closed by then: so it is told by both the paper and the close-out. What leaves
//! in one shipment is one. Where it left from is known of the last [`LEFT_KEPT_DAYS`] days, so far as nothing was started anew
//! meanwhile; else it is where it is now, and of what came to a store nobody knows it.
//!
//! What is *not* here: what parcels, numbers and manifests are (`domain::dispatch`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use parking_lot::{Mutex, MutexGuard};

use super::change::Change;
use super::exception::Cause;
use super::network::Network;
use super::shipping::{instant, zone};
use super::turn::{Logged, Turn};
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::command::{CloseOut, PackParcels, PutNumbers};
use crate::domain::dispatch::{
    Dispatch, DispatchEvent, DispatchKey, Manifest, ManifestKey, Numbers, PREFIXES_MAX, Parcels, ParcelsState,
    SsccPrefix,
};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, DispatchChanged, Event};
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStatus, FulfillmentStep};
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, Text};
use crate::domain::limits::{LEFT_BEHIND_AT_ONCE, MANIFEST_READABLE_MS, PARCELS_READABLE_MS};
use crate::domain::order::Order;
use crate::domain::promise::calendar::CivilDay;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::time::{JournalTime, WallTime};

/// Days for which it is known from where something left without numbers.
const LEFT_KEPT_DAYS: i64 = 3;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Dispatches(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    numbers: Option<Numbers>,
    parcels: BTreeMap<FulfillmentKey, Parcels>,
    manifests: BTreeMap<ManifestKey, Manifest>,
    /// Whose parcels wait for their carrier.
    waiting: BTreeSet<(NodeIndex, FulfillmentKey)>,
    /// Whose parcels are on which manifest.
    left: BTreeSet<(ManifestKey, FulfillmentKey)>,
    /// Whose the parcels are that have the serial references from here on.
    numbered: BTreeMap<(SsccPrefix, u64), FulfillmentKey>,
    /// What left without numbers, and when, by node and carrier; of the last days only.
    unnumbered: BTreeMap<(NodeIndex, Text), VecDeque<(JournalTime, FulfillmentKey)>>,
    /// Parcels that left, and manifests that were closed, each by when: forgotten after their windows.
    gone: VecDeque<(JournalTime, FulfillmentKey)>,
    closed: VecDeque<(JournalTime, ManifestKey)>,
}

impl Known {
    fn get(&self, key: &DispatchKey) -> Option<Dispatch> {
        match key {
            DispatchKey::Numbers => self.numbers.clone().map(Dispatch::Numbers),
            DispatchKey::Parcels(key) => self.parcels.get(key).cloned().map(Dispatch::Parcels),
            DispatchKey::Manifest(key) => self.manifests.get(key).copied().map(Dispatch::Manifest),
        }
    }

    fn put(&mut self, key: &DispatchKey, dispatch: Dispatch) {
        match (key, dispatch) {
            (DispatchKey::Parcels(key), Dispatch::Parcels(parcels)) => self.put_parcels(*key, parcels),
            (DispatchKey::Manifest(key), Dispatch::Manifest(manifest)) => {
                self.closed.push_back((manifest.closed_at, key.clone()));
                self.manifests.insert(key.clone(), manifest);
            }
            (_, Dispatch::Numbers(numbers)) => self.numbers = Some(numbers),
            (key, dispatch) => unreachable!("{key:?} names no {dispatch:?}"),
        }
    }

    fn put_parcels(&mut self, key: FulfillmentKey, parcels: Parcels) {
        self.forget_parcels(key);
        self.numbered.insert((parcels.prefix.clone(), parcels.first), key);
        match &parcels.state {
            ParcelsState::Packed => drop(self.waiting.insert((parcels.node, key))),
            ParcelsState::Left { at, manifest } => {
                self.left.insert((manifest.clone(), key));
                self.gone.push_back((*at, key));
            }
            ParcelsState::Void { at } => self.gone.push_back((*at, key)),
        }
        self.parcels.insert(key, parcels);
    }

    fn forget_parcels(&mut self, key: FulfillmentKey) {
        let Some(before) = self.parcels.remove(&key) else { return };
        self.numbered.remove(&(before.prefix, before.first));
        self.waiting.remove(&(before.node, key));
        if let ParcelsState::Left { manifest, .. } = before.state {
            self.left.remove(&(manifest, key));
        }
    }

    /// Forgets what nothing needs to know of any more.
    fn forget(&mut self, now: JournalTime) {
        while let Some((at, key)) = self.gone.front().copied()
            && now.0 - at.0 > PARCELS_READABLE_MS
        {
            self.gone.pop_front();
            // They may have been packed anew.
            if self.get(&DispatchKey::Parcels(key)).is_some_and(|known| known.is_forgotten_at(now)) {
                self.forget_parcels(key);
            }
        }
        while let Some((at, _)) = self.closed.front()
            && now.0 - at.0 > MANIFEST_READABLE_MS
        {
            if let Some((_, key)) = self.closed.pop_front() {
                self.manifests.remove(&key);
            }
        }
    }

    /// Fulfilment orders whose parcels are on a manifest.
    fn on(&self, manifest: &ManifestKey) -> impl Iterator<Item = FulfillmentKey> {
        let from = (manifest.clone(), FulfillmentKey { order: OrderKey(0), number: 0 });
        self.left.range(from..).take_while(move |(own, _)| own == manifest).map(|(_, key)| *key)
    }

    /// Fulfilment orders of a node whose parcels wait for a carrier.
    fn waiting_for(&self, node: NodeIndex, carrier: &Text) -> impl Iterator<Item = (FulfillmentKey, &Parcels)> {
        let from = (node, FulfillmentKey { order: OrderKey(0), number: 0 });
        let here = self.waiting.range(from..).take_while(move |(own, _)| *own == node);
        let parcels = &self.parcels;
        let own = here.map(move |(_, key)| (*key, &parcels[key]));
        own.filter(move |(_, parcels)| parcels.carrier == *carrier)
    }

    /// What left a node with a carrier.
    fn left_unnumbered(&mut self, node: NodeIndex, carrier: &Text, left: (JournalTime, FulfillmentKey)) {
        let own = self.unnumbered.entry((node, carrier.clone())).or_default();
        own.push_back(left);
        while own.front().is_some_and(|(at, _)| left.0.0 - at.0 > LEFT_KEPT_DAYS * DAY_MS) {
            own.pop_front();
        }
    }

    /// The manifest on which something is that left without numbers.
    fn manifest_of(&self, mut manifest: ManifestKey, left_at: JournalTime) -> ManifestKey {
        while self.manifests.get(&manifest).is_some_and(|closed| closed.closed_at < left_at) {
            manifest.day += 1;
        }
        manifest
    }

    /// What is on a manifest without numbers.
    fn unnumbered_on(&self, network: &Network, manifest: &ManifestKey) -> Vec<FulfillmentKey> {
        let left = self.unnumbered.get(&(manifest.node, manifest.carrier.clone()));
        let is_on = |at: JournalTime| {
            let day = day_at(network, manifest.node, WallTime(at.0));
            // Nothing is on the manifest of a day before it left.
            day <= manifest.day && self.manifest_of(ManifestKey { day, ..manifest.clone() }, at) == *manifest
        };
        let numbered = |key: &FulfillmentKey| {
            self.parcels.get(key).is_some_and(|parcels| matches!(parcels.state, ParcelsState::Left { .. }))
        };
        let on = left.into_iter().flatten().filter(|(at, key)| is_on(*at) && !numbered(key));
        on.map(|(_, key)| *key).collect()
    }

    /// The manifest onto which comes what leaves now.
    fn open_from(&self, mut manifest: ManifestKey) -> ManifestKey {
        while self.manifests.contains_key(&manifest) {
            manifest.day += 1;
        }
        manifest
    }

    /// Folds what is logged.
    fn fold(&mut self, told: &[DispatchChanged], logged: &Logged) {
        for DispatchChanged { key, event } in told {
            let after = Dispatch::fold(self.get(key), key, logged.time(), event);
            self.put(key, after.expect("a command logs only what its subject can take"));
        }
    }
}

/// What steps of fulfilment orders tell of their parcels; nothing else is told of any until they are logged.
pub(super) struct Dispatching<'a> {
    known: MutexGuard<'a, Known>,
    told: Vec<DispatchChanged>,
    /// What leaves without numbers: from where, with whom.
    unnumbered: Option<(NodeIndex, Text, FulfillmentKey)>,
}

/// A step of a fulfilment order, and where that is.
pub(super) type StepAt<'s> = (FulfillmentKey, NodeIndex, &'s FulfillmentStep);

impl Dispatching<'_> {
    /// What goes into the record.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        events(&self.told)
    }

    /// The record is appended.
    pub fn logged(mut self, logged: &Logged) {
        let told = std::mem::take(&mut self.told);
        self.known.fold(&told, logged);
        if let Some((node, carrier, key)) = self.unnumbered {
            self.known.left_unnumbered(node, &carrier, (logged.time(), key));
        }
    }
}

fn events(told: &[DispatchChanged]) -> impl Iterator<Item = Event> + '_ {
    told.iter().map(|changed| Event::DispatchChanged(Box::new(changed.clone())))
}

impl Engine {
    /// What these steps of one record tell of parcels: what leaves is on the manifest of its day, as one shipment; what is
    /// stopped or handed over at the node does not leave.
    pub(super) fn dispatching<'s>(
        &self,
        network: &Network,
        now: WallTime,
        steps: impl Iterator<Item = StepAt<'s>>,
    ) -> Option<Dispatching<'_>> {
        let ends = |step: &FulfillmentStep| {
            matches!(
                step,
                FulfillmentStep::Shipped { .. }
                    | FulfillmentStep::HandedOver
                    | FulfillmentStep::Cancelled { .. }
                    | FulfillmentStep::Stopped { .. }
            )
        };
        let mut steps = steps.filter(|(.., step)| ends(step)).peekable();
        steps.peek()?;
        let known = self.dispatches.0.lock();
        let (mut told, mut unnumbered) = (Vec::new(), None);
        for (key, node, step) in steps {
            let waiting = known.parcels.get(&key).filter(|parcels| parcels.state == ParcelsState::Packed);
            let Some(parcels) = waiting else {
                if let (FulfillmentStep::Shipped { shipment }, None) = (step, &unnumbered) {
                    unnumbered = Some((node, shipment.carrier.clone(), key));
                }
                continue;
            };
            let event = match step {
                FulfillmentStep::Shipped { shipment } => {
                    let (node, carrier) = (parcels.node, shipment.carrier.clone());
                    let manifest = ManifestKey { node, carrier, day: day_at(network, node, now) };
                    DispatchEvent::Left { manifest: known.open_from(manifest) }
                }
                _ => DispatchEvent::Void,
            };
            told.push(DispatchChanged { key: DispatchKey::Parcels(key), event });
        }
        let leaves = |changed: &DispatchChanged| matches!(changed.event, DispatchEvent::Left { .. });
        let unnumbered = unnumbered.filter(|_| !told.iter().any(leaves));
        let tells = !told.is_empty() || unnumbered.is_some();
        tells.then_some(Dispatching { known, told, unnumbered })
    }

    pub(super) fn put_numbers(
        &self,
        turn: &Turn<'_>,
        PutNumbers { prefix }: &PutNumbers,
    ) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let mut known = self.dispatches.0.lock();
        if let Some(numbers) = known.numbers.as_ref().filter(|numbers| numbers.prefix == *prefix) {
            let numbers = Dispatch::Numbers(numbers.clone());
            return Ok(answered(DispatchKey::Numbers, numbers, self.position()));
        }
        let used = known.numbers.iter().flat_map(Numbers::prefixes);
        if used.filter(|used| *used != prefix).count() >= PREFIXES_MAX {
            let detail = format!("at most {PREFIXES_MAX} prefixes are ever used");
            return Err(Rejection::invalid("company_prefix", "too_many", detail));
        }
        let event = DispatchEvent::NumberedBy { prefix: prefix.clone() };
        self.log_dispatch(turn, &network, &mut known, vec![DispatchChanged { key: DispatchKey::Numbers, event }])
    }

    pub(super) fn pack_parcels(&self, turn: &Turn<'_>, command: &PackParcels) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("fulfillment_order", command.fulfillment.to_string());
        let key = FulfillmentKey::parse(&command.fulfillment).ok_or_else(unknown)?;
        let slot = self.orders.lock(key.order).ok_or_else(unknown)?;
        let order = slot.as_ref().expect("a locked entity is there");
        let fulfillment = order.fulfillment(key.number).ok_or_else(unknown)?;
        let cannot = |why: String| Rejection::NotPackable { id: key.to_string(), why };
        let is_here = matches!(
            fulfillment.status,
            FulfillmentStatus::Picked | FulfillmentStatus::Packed | FulfillmentStatus::Ready
        );
        if !is_here {
            return Err(cannot(format!("it is {}", fulfillment.status.word())));
        }
        let mut known = self.dispatches.0.lock();
        if let Some(before) = known.parcels.get(&key).filter(|p| !matches!(p.state, ParcelsState::Void { .. })) {
            return Err(cannot(format!("it has {} parcels, which are {}", before.count(), before.state.word())));
        }
        let together = fulfillment.ships_with.iter().filter(|other| **other != key);
        let mut packed = together.filter_map(|other| Some((other, known.parcels.get(other)?)));
        if let Some((other, _)) = packed.find(|(_, parcels)| !matches!(parcels.state, ParcelsState::Void { .. })) {
            return Err(cannot(format!("it leaves in the parcels of {other}")));
        }
        let Some(numbers) = &known.numbers else {
            return Err(cannot("nobody has said of which company's prefix numbers are".to_owned()));
        };
        let count = command.weights_g.len() as u16;
        if u64::from(count) > numbers.left() {
            return Err(cannot(format!("{} numbers are left of {}", numbers.left(), numbers.prefix.company)));
        }
        let packed = DispatchEvent::Packed {
            node: fulfillment.node,
            carrier: command.carrier.clone(),
            prefix: numbers.prefix.clone(),
            first: numbers.next,
            weights_g: command.weights_g.clone(),
        };
        let told = vec![
            DispatchChanged { key: DispatchKey::Numbers, event: DispatchEvent::Drawn { count } },
            DispatchChanged { key: DispatchKey::Parcels(key), event: packed },
        ];
        self.log_dispatch(turn, &network, &mut known, told)
    }

    /// Logs what is told; the last is answered.
    fn log_dispatch(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        known: &mut Known,
        told: Vec<DispatchChanged>,
    ) -> Result<Executed, Rejection> {
        let key = told.last().expect("something is told").key.clone();
        let answer = Some(Answer::Dispatch(key.clone()));
        if let Some(before) = known.get(&key) {
            turn.steps(EntityKey::Dispatch(key.clone()), || Entity::Dispatch(Box::new(before)));
        }
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events(&told).collect(), answer)?;
        let logged = turn.log(self, sealed, Change::new(network), Withdrawal::nothing());
        known.fold(&told, &logged);
        let dispatch = known.get(&key).expect("just folded");
        let seq = logged.seq();
        logged.done();
        Ok(answered(key, dispatch, seq))
    }

    pub(super) fn close_out(&self, turn: &Turn<'_>, command: &CloseOut) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let node = network.catalogue.node_index(&command.node);
        let node = node.ok_or_else(|| Rejection::not_found("node", command.node.to_string()))?;
        let (now, wall) = (turn.now(), turn.log.now().wall);
        let today = day_at(&network, node, wall);
        let day = command.day.unwrap_or(today);
        if day > today {
            let detail = "must not be after today, by the clock of the node";
            return Err(Rejection::invalid("date", "time_in_future", detail));
        }
        let manifest = ManifestKey { node, carrier: command.carrier.clone(), day };
        let mut known = self.dispatches.0.lock();
        if known.manifests.contains_key(&manifest) {
            let (node, carrier) = (command.node.to_string(), command.carrier.to_string());
            return Err(Rejection::ManifestClosed { node, carrier, date: CivilDay(day).date().to_string() });
        }
        let on: Vec<FulfillmentKey> = known.on(&manifest).collect();
        let parcels: u64 = on.iter().map(|key| known.parcels[key].count()).sum();
        let unnumbered = known.unnumbered_on(&network, &manifest).len();
        let behind = known.waiting_for(node, &command.carrier);
        // When they were packed is told by the journal's clock, which days do not go by.
        let seen = |at: JournalTime| WallTime(wall.0.saturating_sub(now.0.saturating_sub(at.0)));
        let was_there = |parcels: &Parcels| day_at(&network, node, seen(parcels.packed_at)) <= day;
        let behind: Vec<Cause> =
            behind.filter(|(_, parcels)| was_there(parcels)).map(|(key, _)| left_behind(key)).collect();
        let (first, others) = behind.split_at(behind.len().min(LEFT_BEHIND_AT_ONCE));
        let event = DispatchEvent::Closed {
            shipments: (on.len() + unnumbered) as u32,
            parcels: u32::try_from(parcels + unnumbered as u64).unwrap_or(u32::MAX),
            left_behind: behind.len() as u32,
        };
        let key = DispatchKey::Manifest(manifest);
        let told = vec![DispatchChanged { key: key.clone(), event }];
        let raising = self.raise(now, first.iter().copied());
        let events = events(&told).chain(raising.events()).collect();
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Dispatch(key.clone())))?;
        let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
        known.fold(&told, &logged);
        raising.logged(&logged);
        let dispatch = known.get(&key).expect("just folded");
        let seq = logged.seq();
        logged.done();
        drop(known);
        others.iter().for_each(|cause| self.raise_alone(turn, &network, *cause));
        Ok(answered(key, dispatch, seq))
    }

    /// Puts what was known at start.
    pub(super) fn hold_dispatch(&self, key: &DispatchKey, dispatch: Dispatch) {
        self.dispatches.0.lock().put(key, dispatch);
    }

    /// Puts what of an order left without numbers, at start: from where it is told by where it is.
    pub(super) fn hold_left(&self, order: &Order) {
        let left = |own: &&FulfillmentOrder| {
            let is_gone = matches!(own.status, FulfillmentStatus::Shipped | FulfillmentStatus::Delivered);
            is_gone && own.shipment.is_some() && !order.came_from_elsewhere(own.number)
        };
        for own in order.fulfillment_orders.iter().filter(left) {
            let key = FulfillmentKey { order: order.key, number: own.number };
            let is_first = own.ships_with.first().is_none_or(|first| *first == key);
            let (Some(shipment), Some(at)) = (&own.shipment, order.left_at(own.number)) else { continue };
            if is_first {
                self.dispatches.0.lock().left_unnumbered(own.node, &shipment.carrier, (at, key));
            }
        }
    }

    /// Puts what is forgotten some time in the order of that, at start.
    pub(super) fn sort_dispatched(&self) {
        let mut known = self.dispatches.0.lock();
        for left in known.unnumbered.values_mut() {
            left.make_contiguous().sort_unstable();
        }
        known.gone.make_contiguous().sort_unstable();
        known.closed.make_contiguous().sort_unstable();
    }

    /// Forgets what nothing needs to know of any more.
    pub(super) fn forget_dispatched(&self, now: JournalTime) {
        self.dispatches.0.lock().forget(now);
    }

    /// What is known of something of dispatch.
    pub fn dispatch(&self, key: &DispatchKey) -> Option<Dispatch> {
        self.dispatches.0.lock().get(key)
    }

    /// The parcels of a fulfilment order.
    pub fn parcels(&self, key: FulfillmentKey) -> Option<Parcels> {
        self.dispatches.0.lock().parcels.get(&key).cloned()
    }

    /// What is on a manifest so far as it is known here: with numbers of parcels, and of the last days without.
    pub fn on_manifest(&self, manifest: &ManifestKey) -> Vec<FulfillmentKey> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let known = self.dispatches.0.lock();
        let unnumbered = known.unnumbered_on(&network, manifest);
        known.on(manifest).chain(unnumbered).collect()
    }

    /// The day of the manifest on which something is that left a node with a carrier, without numbers.
    pub fn manifest_day(&self, node: NodeIndex, carrier: &Text, left_at: JournalTime) -> i32 {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let day = day_at(&network, node, WallTime(left_at.0));
        self.dispatches.0.lock().manifest_of(ManifestKey { node, carrier: carrier.clone(), day }, left_at).day
    }

    /// Whether parcels of a fulfilment order wait for their carrier.
    pub(super) fn waits_for_carrier(&self, key: FulfillmentKey) -> bool {
        self.parcels(key).is_some_and(|parcels| parcels.state == ParcelsState::Packed)
    }

    /// Whose parcels they are one of which has a number, and which of them; the number is without its check digit.
    pub fn parcel_numbered(&self, body: &str) -> Option<(FulfillmentKey, Parcels, usize)> {
        let known = self.dispatches.0.lock();
        known.numbers.iter().flat_map(Numbers::prefixes).find_map(|prefix| {
            let serial = prefix.serial_in(body)?;
            let (_, key) = known.numbered.range((prefix.clone(), 0)..=(prefix.clone(), serial)).next_back()?;
            let parcels = &known.parcels[key];
            let at = usize::try_from(serial - parcels.first).ok().filter(|at| *at < parcels.weights_g.len())?;
            Some((*key, parcels.clone(), at))
        })
    }
}

fn answered(key: DispatchKey, dispatch: Dispatch, seq: u64) -> Executed {
    Executed::done(Reply::Dispatch(key, Box::new(dispatch)), seq)
}

/// The carrier went without the parcels of a fulfilment order.
fn left_behind(key: FulfillmentKey) -> Cause {
    let case = ExceptionKey { kind: ExceptionKind::NotHandedOver, subject: Subject::Fulfillment(key) };
    Cause { key: case, units: 0, order: Some(key.order) }
}

/// The day of an instant by the clock of a node, since 1970-01-01.
fn day_at(network: &Network, node: NodeIndex, at: WallTime) -> i32 {
    let zone = zone(&network.catalogue.node(node).time_zone);
    CivilDay::from(instant(at).to_zoned(zone).date()).0
}
