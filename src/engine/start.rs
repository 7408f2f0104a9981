//! Memory from a recovered state. Before opening, what is owed and what waits is paid from what is free, and logged;
//! units nobody had been found for are sourced.

use std::collections::VecDeque;

use crossbeam::queue::SegQueue;
use crossbeam::sync::ShardedLock;
use parking_lot::Mutex;

use super::Engine;
use super::due::Run;
use super::ledger::{Physical, SkuStock};
use super::network::Network;
use super::table::{Name, Named, Names, Table};
use super::turn::Turn;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::Context;
use crate::domain::event::{DirectoryFounded, Event, NodePut};
use crate::domain::geo::Position;
use crate::domain::ids::{NodeIndex, OrderKey, SkuIndex};
use crate::domain::item::Item;
use crate::domain::money::Currency;
use crate::domain::node::{Node, NodeKind};
use crate::domain::order::Order;
use crate::domain::record::{Draft, Log};
use crate::domain::reservation::{Reservation, ReservationState};
use crate::domain::rule_set::RuleSet;
use crate::domain::state::{Entity, EntityKey, State};
use crate::domain::stock::{CellKey, Level};
use crate::domain::time::JournalTime;

/// Bits of a generated number below the millisecond at which the process started.
const KEY_BITS: u32 = 20;
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
        let highest = state.highest_key();
        let engine = build(state, now, first_key.max(highest + 1));
        let context = Context { actor: "start".into(), source: "start".into(), request_id: "".into(), key: None };
        let turn = Turn::new(log, &context, None);
        let network = engine.network.read().expect("nobody else knows the engine yet");
        engine.settle_all(&turn, &network);
        engine.serve_unstocked(&turn, &network);
        for key in engine.unsourced() {
            // What cannot be sourced now stays unallocated and is tried at the next start.
            engine.resource(&turn, &network, key);
        }
        drop(network);
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

fn build(state: State, now: JournalTime, first_key: u64) -> Engine {
    let (seq, catalogue_seq) = (state.seq(), state.catalogue_seq());
    let mut parts = Parts::default();
    for (key, entity) in state.into_entities() {
        if !entity.is_forgotten_at(now) {
            parts.sort_in(key, entity);
        }
    }
    let network = parts.network(catalogue_seq);
    let engine = Engine {
        network: ShardedLock::new(network),
        orders: Table::default(),
        reservations: Table::default(),
        names: Names::default(),
        agenda: Mutex::default(),
        agenda_inbox: SegQueue::new(),
        ended: Mutex::default(),
        keys_used: Mutex::default(),
        left_over: SegQueue::new(),
        next_key: first_key.into(),
        position: seq.into(),
    };
    {
        let network = engine.network.read().expect("nobody else knows the engine yet");
        parts.orders.into_iter().for_each(|order| engine.hold_order(&network, order));
        parts.reservations.into_iter().for_each(|reservation| engine.hold_reservation(&network, reservation));
    }
    let mut ended: Vec<_> = engine.ended.lock().drain(..).collect();
    ended.sort_unstable();
    *engine.ended.lock() = ended.into();
    parts.keys.sort_unstable_by_key(|(_, at, ..)| *at);
    let mut used = VecDeque::new();
    for (hash, at, seq, fingerprint) in parts.keys {
        engine.names.insert(Name::Key(hash), Named::Record(seq, fingerprint));
        used.push_back((at, hash));
    }
    *engine.keys_used.lock() = used;
    engine
}

impl Engine {
    fn hold_order(&self, network: &Network, order: Order) {
        let fingerprint = order.facts.fingerprint;
        let named = Named::Order(order.key, fingerprint);
        if let Some(id) = order.facts.id.clone() {
            self.names.insert(Name::Order(id), named);
        }
        let channel = Name::ChannelOrder(order.facts.channel.clone(), order.facts.channel_order_id.clone());
        self.names.insert(channel, named);
        for (line, own) in (0..).zip(&order.lines).filter(|(_, line)| line.backordered > 0) {
            let right = order.waits_with_right(line);
            for (sku, _) in own.placed.stock(1) {
                let mut ledger = network.sku(sku).ledger.lock();
                if right {
                    ledger.queue.insert((order.key, line), own.backordered);
                } else {
                    ledger.loose.insert((order.key, line));
                }
            }
        }
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

/// A state's entities by kind.
#[derive(Default)]
struct Parts {
    currency: Option<Currency>,
    nodes: Vec<(NodeIndex, Node)>,
    items: Vec<(SkuIndex, Item)>,
    rule_sets: Vec<RuleSet>,
    cells: Vec<(CellKey, Level)>,
    orders: Vec<Order>,
    reservations: Vec<Reservation>,
    keys: Vec<(u128, JournalTime, u64, u64)>,
}

impl Parts {
    fn sort_in(&mut self, key: EntityKey, entity: Entity) {
        match (key, entity) {
            (_, Entity::Directory(founded)) => self.currency = Some(founded.base_currency),
            (EntityKey::Node(index), Entity::Node(node)) => self.nodes.push((index, node)),
            (EntityKey::Item(index), Entity::Item(item)) => self.items.push((index, item)),
            (_, Entity::RuleSet(rules)) => self.rule_sets.push(rules),
            (EntityKey::Cell(cell), Entity::Cell(level)) => self.cells.push((cell, level)),
            (_, Entity::Order(order)) => self.orders.push(*order),
            (_, Entity::Reservation(reservation)) => self.reservations.push(reservation),
            (EntityKey::Key(hash), Entity::Key(entry)) => {
                self.keys.push((hash, entry.at, entry.seq, entry.fingerprint));
            }
            (key, entity) => unreachable!("{key:?} names no {entity:?}"),
        }
    }

    fn network(&mut self, catalogue_seq: u64) -> Network {
        let mut catalogue = Catalogue::new(self.currency.expect("the first record names the base currency"));
        self.nodes.sort_unstable_by_key(|(index, _)| *index);
        self.items.sort_unstable_by_key(|(index, _)| *index);
        self.nodes.drain(..).for_each(|(index, node)| catalogue.put_node(index, node));
        self.items.drain(..).for_each(|(index, item)| catalogue.put_item(index, item));
        self.rule_sets.drain(..).for_each(|rules| catalogue.put_rule_set(rules));
        catalogue.seq = catalogue_seq;
        let mut stock = Vec::new();
        stock.resize_with(catalogue.items().len(), SkuStock::default);
        let network = Network { catalogue, stock };
        self.cells.sort_unstable_by_key(|(cell, _)| *cell);
        self.cells.drain(..).for_each(|(cell, level)| fill(&network, cell, &level));
        network
    }
}

fn fill(network: &Network, key: CellKey, level: &Level) {
    let stock = network.sku(key.sku);
    let mut ledger = stock.ledger.lock();
    let position = stock.position(&mut ledger, key.node);
    ledger.cells[position] = Physical {
        on_hand: level.on_hand,
        shortfall: level.shortfall,
        pool: level.pool,
        safety_stock: level.safety_stock,
        damaged: level.damaged,
        quality_control: level.quality_control,
    };
    let cell = stock.cells.of(key.node).expect("just made");
    cell.word.give(level.available);
    cell.committed.add(level.committed as i32);
    cell.reserved.add(level.reserved as i32);
}
