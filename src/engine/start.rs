//! Memory from a recovered state. Before opening, what is owed and what waits is paid from what is free, and logged;
//! units nobody had been found for are sourced. Where a directory is large the start is too: read models are made beside the
//! stock, and orders by two threads.

use std::iter::Peekable;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use crossbeam::queue::SegQueue;
use crossbeam::sync::ShardedLock;
use parking_lot::Mutex;

use super::Engine;
use super::cell::Cells;
use super::due::Run;
use super::exception::Exceptions;
use super::inbound::Arrivals;
use super::learned::Learned;
use super::limits::Limits;
use super::loose;
use super::network::Network;
use super::past::Minutes;
use super::purchase::Purchases;
use super::rules;
use super::slots::Calendar;
use super::soonest::Soonest;
use super::stock::Stock;
use super::table::{Name, Named, Names, Table};
use super::turn::Turn;
use super::workload::Workloads;
use crate::domain::address::KnownFormat;
use crate::domain::carton::Carton;
use crate::domain::catalogue::Catalogue;
use crate::domain::channel::Channel;
use crate::domain::command::Context;
use crate::domain::count::Minute;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{DirectoryFounded, Event, NodePut};
use crate::domain::geo::Position;
use crate::domain::ids::{ChannelIndex, NodeIndex, OrderKey, SkuIndex};
use crate::domain::item::Item;
use crate::domain::limits::ARCHIVE_AFTER_MS;
use crate::domain::money::Currency;
use crate::domain::node::{Node, NodeKind};
use crate::domain::order::Order;
use crate::domain::policy::Standing;
use crate::domain::record::{Draft, Log};
use crate::domain::reservation::{Reservation, ReservationState};
use crate::domain::rule_set::RuleSet;
use crate::domain::state::State;
use crate::domain::time::JournalTime;
use crate::domain::workload::Workload;

/// Bits of a generated number below the millisecond at which the process started.
const KEY_BITS: u32 = 20;
/// Skus whose cells are built together.
const SKUS_AT_ONCE: usize = 512;
/// From so many orders on they are put by two threads; in tests always, since what comes of it must be the same.
const SHARED_ORDERS: usize = if cfg!(test) { 2 } else { 4_096 };
/// The first day of generated numbers: 2025-01-01, milliseconds.
const KEY_EPOCH_MS: i64 = 1_735_689_600_000;

impl Engine {
    /// Builds memory from a state that recovery has checked; founds the directory when it is new.
    pub fn start(state: State, log: &dyn Log, currency: Option<Currency>) -> Self {
        Self::start_beside(state, log, currency, |_| ()).0
    }

    /// As [`Engine::start`], while another thread makes something of all that is behind the stock: orders,
    /// reservations, documents. Of a new directory it sees an empty state.
    pub fn start_beside<B: Send>(
        mut state: State,
        log: &dyn Log,
        currency: Option<Currency>,
        beside: impl FnOnce(&State) -> B + Send,
    ) -> (Self, B) {
        let mut behind = state.split_off_behind();
        if state.is_empty() && behind.is_empty() {
            found(&mut state, log, currency.unwrap_or(Currency::USD));
        }
        let now = log.now().journal;
        let first_key = ((now.0 - KEY_EPOCH_MS).max(0) as u64) << KEY_BITS;
        let archive = log.archive();
        let archived = archive.as_ref().map_or(0, |archive| archive.highest_key());
        let highest = behind.highest_key().max(archived);
        let (base, made) = thread::scope(|scope| {
            let made = scope.spawn(|| beside(&behind));
            let base = Base::of(state, &behind);
            (base, made.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let (built, unfilled, workloads) = build(base, &mut behind, now, first_key.max(highest + 1));
        let engine = Engine { archive, ..built };
        let context = Context { actor: "start".into(), source: "start".into(), request_id: "".into(), key: None };
        let turn = Turn::new(log, &context, None);
        let network = engine.network.read().expect("nobody else knows the engine yet");
        engine.know_workloads(&network, workloads, log.now().wall);
        engine.settle_all(&turn, &network);
        for key in &unfilled {
            engine.serve_unstocked_of(&turn, &network, *key);
        }
        for key in unfilled.into_iter().filter(|key| engine.is_unsourced(*key)) {
            // What cannot be sourced now stays unallocated and is tried at the next start.
            engine.resource(&turn, &network, key);
        }
        engine.keep_all_purchases(&turn, &network);
        engine.watch_releases(&network, log.now());
        engine.watch_subscriptions(log.now());
        engine.watch_all_closures(log.now());
        engine.watch_returns(now);
        engine.watch_all_parcels(&network);
        engine.watch_all_lots(&network, log.now());
        drop(network);
        engine.note_idle();
        (engine, made)
    }

    fn is_unsourced(&self, key: OrderKey) -> bool {
        let slot = self.orders.lock(key);
        let order = slot.as_ref().and_then(|slot| slot.as_ref());
        order.is_some_and(|order| order.lines.iter().any(|line| line.unallocated > 0))
    }
}

/// The first record: base currency, the rule set `default` version 1, and the node that supplies what has no stock.
fn found(state: &mut State, log: &dyn Log, base_currency: Currency) {
    let supplier = Node {
        id: "virtual".into(),
        kind: NodeKind::Virtual,
        name: "Services and downloads".into(),
        position: Position::default(),
        country: "".into(),
        postal_code: "".into(),
        time_zone: "UTC".into(),
        active: true,
        inactive_reason: None,
        handling: None,
        capacity_per_day: None,
        cutoff_min: None,
        calendar: None,
        capabilities: Vec::new(),
    };
    let draft = Draft {
        decided_at: log.now().journal,
        catalogue_seq: 0,
        actor: "start".into(),
        source: "start".into(),
        request_id: "".into(),
        events: vec![
            Event::DirectoryFounded(DirectoryFounded { base_currency }),
            Event::RuleSetPut(RuleSet::default_v1()),
            Event::NodePut(NodePut { index: NodeIndex(0), node: supplier }),
        ],
    };
    let encoded = log.encode(&draft).expect("the first record is small");
    let stamp = log.append(encoded);
    let record = crate::domain::record::Record { header: stamp.header(&draft), events: draft.events };
    state.apply(&record).expect("the first record breaks no law");
}

/// Catalogue and stock, which all else speaks of.
struct Base {
    seq: u64,
    /// Journal time of the last record.
    until: JournalTime,
    catalogue: Catalogue,
    stock: Stock,
}

impl Base {
    /// What was built of the state is gone from it, kind by kind, so that memory never holds both whole.
    fn of(state: State, behind: &State) -> Self {
        let (seq, until, catalogue_seq) = (state.seq(), state.time(), state.catalogue_seq());
        let mut entities = state.into_entities().peekable();
        let Some((EntityKey::Directory, Entity::Directory(founded))) = entities.next() else {
            panic!("the first record names the base currency");
        };
        let mut catalogue = Catalogue::new(founded.base_currency);
        catalogue.seq = catalogue_seq;
        while let Some((key, entity)) = entities.next_if(|(key, _)| is_of_catalogue(key)) {
            match (key, entity) {
                (EntityKey::Node(index), Entity::Node(node)) => catalogue.put_node(index, *node),
                (EntityKey::Item(index), Entity::Item(item)) => catalogue.put_item(index, item),
                (_, Entity::RuleSet(rules)) => catalogue.rules_mut().found(&rules),
                (key, entity) => unreachable!("{key:?} names no {entity:?}"),
            }
        }
        behind.policies().for_each(|(key, policy)| catalogue.put_policy(key.clone(), policy.clone()));
        behind.opportunity().into_iter().for_each(|known| catalogue.put_opportunity(known.clone()));
        behind.rule_versions().for_each(|(name, known)| catalogue.rules_mut().put(name.clone(), known.clone()));
        let stock = stock(catalogue.items(), &mut entities);
        Self { seq, until, catalogue, stock }
    }
}

/// Memory of a state; also the orders that want something still, ascending.
fn build(
    base: Base,
    behind: &mut State,
    now: JournalTime,
    first_key: u64,
) -> (Engine, Vec<OrderKey>, Vec<(NodeIndex, Workload)>) {
    let Base { seq, until, catalogue, stock } = base;
    let engine = Engine {
        network: ShardedLock::new(Network {
            catalogue,
            stock,
            minutes: Minutes::default(),
            limits: Limits::default(),
            calendar: Calendar::default(),
            workloads: Workloads::default(),
            learned: Learned::default(),
        }),
        orders: Table::default(),
        reservations: Table::default(),
        inbound: Table::default(),
        transfers: Table::default(),
        cycle_counts: Table::default(),
        returns: Table::default(),
        returning: Default::default(),
        returns_due: Soonest::default(),
        room_awaited: Default::default(),
        waves: Table::default(),
        drafts: Table::default(),
        drafts_due: Soonest::default(),
        optimisations: Default::default(),
        occasions: Default::default(),
        foreseen: Default::default(),
        looking: Default::default(),
        floor: Default::default(),
        collections: Default::default(),
        dispatches: Default::default(),
        lockers: Default::default(),
        arrivals: Arrivals::default(),
        purchases: Purchases::default(),
        names: Names::with_room(behind.orders().count()),
        agenda: Mutex::default(),
        agenda_inbox: SegQueue::new(),
        ended: Mutex::default(),
        ended_inbound: Mutex::default(),
        ended_transfers: Mutex::default(),
        ended_counts: Mutex::default(),
        ended_returns: Mutex::default(),
        ended_waves: Mutex::default(),
        ended_drafts: Mutex::default(),
        keys_used: Mutex::default(),
        left_over: SegQueue::new(),
        idle: SegQueue::new(),
        holds_due: Soonest::default(),
        edits_due: Soonest::default(),
        releases_due: Soonest::default(),
        closures_due: Soonest::default(),
        deferrals_due: Soonest::default(),
        lots_due: Mutex::default(),
        subscriptions: Table::default(),
        subscriptions_due: Soonest::default(),
        archive: None,
        archive_after_ms: ARCHIVE_AFTER_MS.into(),
        leaving: Mutex::default(),
        cancels_due: Soonest::default(),
        windows_due: Soonest::default(),
        exceptions: Exceptions::default(),
        shadows: Default::default(),
        rules_due: rules::NEVER.into(),
        next_key: first_key.into(),
        position: seq.into(),
    };
    let (mut keys, mut channels, mut formats) = (Vec::new(), Vec::new(), Vec::new());
    let (mut shipping, mut slots, mut workloads) = (Vec::new(), Vec::new(), Vec::new());
    let mut cartons = Vec::new();
    let mut knows_minutes = false;
    let unfilled = {
        let network = engine.network.read().expect("nobody else knows the engine yet");
        let unfilled = engine.hold_orders(&network, behind.take_orders().collect());
        let entities = std::mem::take(behind).into_entities().filter(|(_, entity)| !entity.is_forgotten_at(now));
        for (key, entity) in entities {
            match (key, entity) {
                (_, Entity::Reservation(reservation)) => engine.hold_reservation(&network, *reservation),
                (_, Entity::Inbound(inbound)) => engine.hold_inbound(*inbound),
                (_, Entity::Channel(channel)) => channels.push(*channel),
                (_, Entity::Carton(carton)) => cartons.push(*carton),
                (_, Entity::Transfer(transfer)) => engine.hold_transfer(*transfer),
                (EntityKey::Lots(sku), Entity::Lots(lots)) => network.sku(sku).ledger.lock().put_lots(*lots),
                (_, Entity::CycleCount(count)) => engine.hold_cycle_count(*count),
                (_, Entity::Return(returned)) => engine.hold_return(*returned),
                (_, Entity::Wave(wave)) => engine.hold_wave(*wave),
                (_, Entity::Draft(draft)) => engine.keep_draft(*draft),
                (EntityKey::Bin(cell), Entity::Bin(place)) => engine.hold_bin(cell, place.map(|place| *place)),
                (EntityKey::Picked(key), Entity::Picked(day)) => engine.hold_picked(key, day.sums),
                (EntityKey::Collection(key), Entity::Collection(known)) => engine.hold_collection(key, *known),
                (EntityKey::Lockers(node), Entity::Lockers(known)) => engine.hold_lockers(node, *known),
                (EntityKey::Dispatch(key), Entity::Dispatch(known)) => engine.hold_dispatch(&key, *known),
                (EntityKey::Optimisation(id), Entity::Optimisation(applied)) => engine.hold_optimisation(id, *applied),
                (EntityKey::ShortPicks(node), Entity::ShortPicks(picks)) => network.learned.hold(node, *picks),
                (EntityKey::Transit(key), Entity::Transit(transit)) => network.learned.transits.hold(key, *transit),
                (EntityKey::Velocity(cell), Entity::Velocity(told)) => network.learned.hold_velocity(cell, *told),
                (_, Entity::Shipping(terms)) => shipping.push(*terms),
                (EntityKey::Count(cell), Entity::Count(mark)) => {
                    network.sku(cell.sku).ledger.lock().past_mut().put_mark(cell.node, *mark);
                }
                (_, Entity::Minute(minute)) => {
                    knows_minutes = true;
                    hold_minute(&network, &minute);
                }
                (_, Entity::Subscription(subscription)) => engine.hold_subscription(*subscription),
                (EntityKey::Slots(node), Entity::Slots(known)) => slots.push((node, *known)),
                (EntityKey::Workload(node), Entity::Workload(known)) => workloads.push((node, *known)),
                (_, Entity::AddressFormat(format)) => formats.push(KnownFormat::recovered(*format)),
                (_, Entity::Exception(case)) => engine.hold_exception(*case),
                (_, Entity::Policy(_) | Entity::RuleVersions(_) | Entity::Opportunity(_)) => {}
                (EntityKey::Key(hash), Entity::Key(entry)) => {
                    engine.names.insert(Name::Key(hash), Named::Record(entry.seq, entry.fingerprint));
                    keys.push((entry.at, hash));
                }
                (key, entity) => unreachable!("{key:?} names no {entity:?}"),
            }
        }
        unfilled
    };
    if !knows_minutes {
        // Nothing happened for as long as anything is remembered, or the state was written before it was.
        engine.network.read().expect("nobody else knows the engine yet").minutes.forget_before(until);
    }
    engine.open_shipping(shipping);
    engine.open_channels(channels);
    engine.know_address_formats(formats);
    engine.know_slots(slots);
    engine.open_cartons(cartons);
    engine.open_rules();
    engine.open_shadows();
    engine.open_replanning();
    engine.ended.lock().make_contiguous().sort_unstable();
    engine.ended_transfers.lock().make_contiguous().sort_unstable();
    engine.ended_counts.lock().make_contiguous().sort_unstable();
    engine.ended_returns.lock().make_contiguous().sort_unstable();
    engine.ended_waves.lock().make_contiguous().sort_unstable();
    engine.ended_drafts.lock().make_contiguous().sort_unstable();
    engine.ended_inbound.lock().make_contiguous().sort_unstable();
    engine.sort_resolved();
    engine.sort_dispatched();
    engine.watch_levels();
    keys.sort_unstable();
    *engine.keys_used.lock() = keys.into();
    (engine, unfilled, workloads)
}

fn is_of_catalogue(key: &EntityKey) -> bool {
    matches!(key, EntityKey::Node(_) | EntityKey::Item(_) | EntityKey::RuleSet(_))
}

/// The stock of every sku, from the cells that come next; of so many skus at once that what the state held of them is
/// free in one piece before memory is asked for theirs.
fn stock(items: &[Box<Item>], entities: &mut Peekable<impl Iterator<Item = (EntityKey, Entity)>>) -> Stock {
    let mut stock = Stock::with_room(items.len());
    let (mut levels, mut rooms) = (Vec::new(), Vec::new());
    while stock.len() < items.len() {
        levels.clear();
        rooms.clear();
        for at in (stock.len()..items.len()).take(SKUS_AT_ONCE) {
            let before = levels.len();
            let is_here = |key: &EntityKey| matches!(key, EntityKey::Cell(cell) if cell.sku.at() == at);
            while let Some((EntityKey::Cell(cell), Entity::Cell(level))) = entities.next_if(|(key, _)| is_here(key)) {
                levels.push((cell.node, level));
            }
            rooms.push((levels.len() - before) as u32);
        }
        let mut rest = levels.as_slice();
        for (cells, room) in Cells::side_by_side(&rooms).zip(&rooms) {
            let (own, others) = rest.split_at(*room as usize);
            rest = others;
            let item = &items[stock.len()];
            stock.push(&item.sku, item.kind, cells).put(own);
        }
    }
    stock
}

/// Puts what changed on hand in a minute.
fn hold_minute(network: &Network, minute: &Minute) {
    network.minutes.hold(minute);
    for moved in &minute.moved {
        network.sku(moved.cell.sku).ledger.lock().past_mut().remember(*moved);
    }
}

impl Engine {
    /// Puts the channels, which come last, and lets what waits take its place by them.
    fn open_cartons(&self, cartons: Vec<Carton>) {
        let mut network = self.network.write().expect("nobody else knows the engine yet");
        cartons.into_iter().for_each(|carton| network.catalogue.put_carton(carton));
    }

    fn open_channels(&self, channels: Vec<Channel>) {
        if channels.is_empty() {
            return;
        }
        let mut network = self.network.write().expect("nobody else knows the engine yet");
        let shipped = |channel: ChannelIndex, sku: SkuIndex| channels[channel.at()].shipped_of(sku);
        for (at, channel) in (0..).zip(&channels) {
            network.catalogue.put_channel(ChannelIndex(at), channel.terms.clone());
        }
        self.count_limits(&mut network, Some(&shipped));
        self.queue_anew(&network);
    }

    /// Puts orders, many of them by two threads; answers which of them want something still, ascending.
    fn hold_orders(&self, network: &Network, mut orders: Vec<Arc<Order>>) -> Vec<OrderKey> {
        let is_unfilled = |order: &Order| order.lines.iter().any(|line| line.unallocated > 0 || line.waiting() > 0);
        let unfilled = orders.iter().filter(|order| is_unfilled(order)).map(|order| order.key).collect();
        let hold = |orders: Vec<Arc<Order>>| orders.into_iter().for_each(|order| self.hold_order(network, order));
        if orders.len() < SHARED_ORDERS {
            hold(orders);
        } else {
            let later = orders.split_off(orders.len() / 2);
            thread::scope(|scope| {
                scope.spawn(|| hold(later));
                hold(orders);
            });
        }
        self.sort_left();
        unfilled
    }

    fn hold_order(&self, network: &Network, order: Arc<Order>) {
        let fingerprint = order.facts.fingerprint;
        let named = Named::Order(order.key, fingerprint);
        if let Some(id) = order.facts.id.clone() {
            self.names.insert(Name::Order(id), named);
        }
        let channel = Name::ChannelOrder(order.facts.channel.clone(), order.facts.channel_order_id.clone());
        self.names.insert(channel, named);
        for (line, own) in (0..).zip(&order.lines).filter(|(_, line)| line.waiting() > 0) {
            let (waiting, standing) = ((order.key, line), Standing::of(network.catalogue.policies().fill(), &order));
            let rank = standing.rank(&own.placed, own.cancelled, own.waiting());
            if network.waits_with_right(&order, line) {
                for (sku, _) in own.placed.stock(1) {
                    network.sku(sku).ledger.lock().enqueue(waiting, own.waiting(), rank);
                }
            } else {
                for (sku, loose) in loose::of_order(network, &order, line, &[]) {
                    network.sku(sku).ledger.lock().wait_loosely(waiting, loose, rank);
                }
            }
        }
        self.watch_holds(&order, 1);
        self.watch_edits(&order);
        self.watch_deferral(&order);
        self.watch_lockers(&order);
        self.watch_readiness(&order);
        self.watch_order(network, &order);
        self.note_left(&order);
        self.hold_left(&order);
        self.watch_windows(network, &order, 1..=order.next_number());
        self.orders.insert(order.key, order);
    }

    fn hold_reservation(&self, network: &Network, reservation: Reservation) {
        let key = reservation.key;
        if let Some(id) = reservation.id.clone() {
            self.names.insert(Name::Reservation(id), Named::Reservation(key, reservation.fingerprint));
        }
        if reservation.state == ReservationState::Held {
            for held in &reservation.lines {
                network.sku(held.sku).due.register(reservation.expires_at, key);
            }
            self.agenda_inbox.push(Run::one(reservation.expires_at, key));
        } else if let Some(ended) = reservation.ended_at {
            self.ended.lock().push_back((ended, key));
        }
        self.reservations.insert(key, reservation);
    }
}
