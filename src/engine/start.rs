//! Memory from a recovered state. Before opening, what is owed and what waits is paid from what is free, and logged;
//! units nobody had been found for are sourced.

use std::iter::Peekable;

use crossbeam::queue::SegQueue;
use crossbeam::sync::ShardedLock;
use parking_lot::Mutex;

use super::Engine;
use super::cell::Cells;
use super::due::Run;
use super::exception::Exceptions;
use super::inbound::Arrivals;
use super::ledger::SkuStock;
use super::limits::Limits;
use super::network::Network;
use super::past::Minutes;
use super::purchase::Purchases;
use super::rules;
use super::slots::Calendar;
use super::soonest::Soonest;
use super::table::{Name, Named, Names, Table};
use super::turn::Turn;
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

/// Bits of a generated number below the millisecond at which the process started.
const KEY_BITS: u32 = 20;
/// Skus whose cells are built together.
const SKUS_AT_ONCE: usize = 512;
/// The first day of generated numbers: 2025-01-01, milliseconds.
const KEY_EPOCH_MS: i64 = 1_735_689_600_000;

impl Engine {
    /// Builds memory from a state that recovery has checked; founds the directory when it is new.
    pub fn start(mut state: State, log: &dyn Log, currency: Option<Currency>) -> Self {
        if state.is_empty() {
            found(&mut state, log, currency.unwrap_or(Currency::USD));
        }
        let now = log.now().journal;
        let first_key = ((now.0 - KEY_EPOCH_MS).max(0) as u64) << KEY_BITS;
        let archive = log.archive();
        let archived = archive.as_ref().map_or(0, |archive| archive.highest_key());
        let highest = state.highest_key().max(archived);
        let engine = Engine { archive, ..build(state, now, first_key.max(highest + 1)) };
        let context = Context { actor: "start".into(), source: "start".into(), request_id: "".into(), key: None };
        let turn = Turn::new(log, &context, None);
        let network = engine.network.read().expect("nobody else knows the engine yet");
        engine.settle_all(&turn, &network);
        engine.serve_unstocked(&turn, &network);
        for key in engine.unsourced() {
            // What cannot be sourced now stays unallocated and is tried at the next start.
            engine.resource(&turn, &network, key);
        }
        engine.keep_all_purchases(&turn, &network);
        engine.watch_releases(&network, log.now());
        engine.watch_subscriptions(log.now());
        engine.watch_returns(now);
        engine.watch_all_lots(&network, log.now());
        drop(network);
        engine.note_idle();
        engine
    }

    fn unsourced(&self) -> Vec<OrderKey> {
        let mut keys = self.orders.keys();
        keys.sort_unstable();
        keys.retain(|key| {
            self.order_by_key(*key).is_some_and(|order| order.lines.iter().any(|line| line.unallocated > 0))
        });
        keys
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

/// Memory of a state, kind by kind as their keys ascend; what was built of the state is gone from it, so that memory
/// never holds both whole.
fn build(state: State, now: JournalTime, first_key: u64) -> Engine {
    let (seq, catalogue_seq, until) = (state.seq(), state.catalogue_seq(), state.time());
    let rules: Vec<_> = state.rule_versions().map(|(name, known)| (name.clone(), known.clone())).collect();
    let policies: Vec<_> = state.policies().map(|(key, policy)| (key.clone(), policy.clone())).collect();
    let mut entities = state.into_entities().filter(|(_, entity)| !entity.is_forgotten_at(now)).peekable();
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
    policies.into_iter().for_each(|(key, policy)| catalogue.put_policy(key, policy));
    rules.into_iter().for_each(|(name, versions)| catalogue.rules_mut().put(name, versions));
    let stock = stock(catalogue.items().len(), &mut entities);
    let engine = Engine {
        network: ShardedLock::new(Network {
            catalogue,
            stock,
            minutes: Minutes::default(),
            limits: Limits::default(),
            calendar: Calendar::default(),
        }),
        orders: Table::default(),
        reservations: Table::default(),
        inbound: Table::default(),
        transfers: Table::default(),
        cycle_counts: Table::default(),
        returns: Table::default(),
        returning: Default::default(),
        returns_due: Soonest::default(),
        arrivals: Arrivals::default(),
        purchases: Purchases::default(),
        names: Names::default(),
        agenda: Mutex::default(),
        agenda_inbox: SegQueue::new(),
        ended: Mutex::default(),
        ended_inbound: Mutex::default(),
        ended_transfers: Mutex::default(),
        ended_counts: Mutex::default(),
        ended_returns: Mutex::default(),
        keys_used: Mutex::default(),
        left_over: SegQueue::new(),
        idle: SegQueue::new(),
        holds_due: Soonest::default(),
        edits_due: Soonest::default(),
        releases_due: Soonest::default(),
        deferrals_due: Soonest::default(),
        lots_due: Mutex::default(),
        subscriptions: Table::default(),
        subscriptions_due: Soonest::default(),
        archive: None,
        archive_after_ms: ARCHIVE_AFTER_MS.into(),
        leaving: Mutex::default(),
        windows_due: Soonest::default(),
        exceptions: Exceptions::default(),
        rules_due: rules::NEVER.into(),
        next_key: first_key.into(),
        position: seq.into(),
    };
    let (mut keys, mut channels, mut formats) = (Vec::new(), Vec::new(), Vec::new());
    let (mut shipping, mut slots) = (Vec::new(), Vec::new());
    let mut cartons = Vec::new();
    let mut knows_minutes = false;
    {
        let network = engine.network.read().expect("nobody else knows the engine yet");
        for (key, entity) in entities {
            match (key, entity) {
                (_, Entity::Order(order)) => engine.hold_order(&network, *order),
                (_, Entity::Reservation(reservation)) => engine.hold_reservation(&network, *reservation),
                (_, Entity::Inbound(inbound)) => engine.hold_inbound(*inbound),
                (_, Entity::Channel(channel)) => channels.push(*channel),
                (_, Entity::Carton(carton)) => cartons.push(*carton),
                (_, Entity::Transfer(transfer)) => engine.hold_transfer(*transfer),
                (EntityKey::Lots(sku), Entity::Lots(lots)) => network.sku(sku).ledger.lock().put_lots(*lots),
                (_, Entity::CycleCount(count)) => engine.hold_cycle_count(*count),
                (_, Entity::Return(returned)) => engine.hold_return(*returned),
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
                (_, Entity::AddressFormat(format)) => formats.push(KnownFormat::recovered(*format)),
                (_, Entity::Exception(case)) => engine.hold_exception(*case),
                (_, Entity::Policy(_) | Entity::RuleVersions(_)) => {}
                (EntityKey::Key(hash), Entity::Key(entry)) => {
                    engine.names.insert(Name::Key(hash), Named::Record(entry.seq, entry.fingerprint));
                    keys.push((entry.at, hash));
                }
                (key, entity) => unreachable!("{key:?} names no {entity:?}"),
            }
        }
    }
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
    engine.ended.lock().make_contiguous().sort_unstable();
    engine.ended_transfers.lock().make_contiguous().sort_unstable();
    engine.ended_counts.lock().make_contiguous().sort_unstable();
    engine.ended_returns.lock().make_contiguous().sort_unstable();
    engine.ended_inbound.lock().make_contiguous().sort_unstable();
    engine.sort_resolved();
    engine.watch_levels();
    keys.sort_unstable();
    *engine.keys_used.lock() = keys.into();
    engine
}

fn is_of_catalogue(key: &EntityKey) -> bool {
    matches!(key, EntityKey::Node(_) | EntityKey::Item(_) | EntityKey::RuleSet(_))
}

/// The stock of every sku, from the cells that come next; of so many skus at once that what the state held of them is
/// free in one piece before memory is asked for theirs.
fn stock(skus: usize, entities: &mut Peekable<impl Iterator<Item = (EntityKey, Entity)>>) -> Vec<SkuStock> {
    let mut stock = Vec::with_capacity(skus);
    let (mut levels, mut rooms) = (Vec::new(), Vec::new());
    while stock.len() < skus {
        levels.clear();
        rooms.clear();
        for at in (stock.len()..skus).take(SKUS_AT_ONCE) {
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
            stock.push(SkuStock::of(cells, own));
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

    fn hold_order(&self, network: &Network, order: Order) {
        let fingerprint = order.facts.fingerprint;
        let named = Named::Order(order.key, fingerprint);
        if let Some(id) = order.facts.id.clone() {
            self.names.insert(Name::Order(id), named);
        }
        let channel = Name::ChannelOrder(order.facts.channel.clone(), order.facts.channel_order_id.clone());
        self.names.insert(channel, named);
        for (line, own) in (0..).zip(&order.lines).filter(|(_, line)| line.waiting() > 0) {
            let right = network.waits_with_right(&order, line);
            for (sku, _) in own.placed.stock(1) {
                let mut ledger = network.sku(sku).ledger.lock();
                if right {
                    let standing = Standing::of(network.catalogue.policies().fill(), &order);
                    let rank = standing.rank(&own.placed, own.cancelled, own.waiting());
                    ledger.enqueue((order.key, line), own.waiting(), rank);
                } else {
                    ledger.wait_loosely((order.key, line));
                }
            }
        }
        self.watch_holds(&order, 1);
        self.watch_edits(&order);
        self.watch_deferral(&order);
        self.watch_shipments(&order);
        self.note_left(&order);
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
