//! A small world for the engine's tests: a log in memory, a clock set by hand, and the check that memory equals the fold
//! of the log and every law holds.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::domain::command::*;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::geo::Position;
use crate::domain::ids::Text;
use crate::domain::item::{Dimensions, ItemKind};
use crate::domain::money::Currency;
use crate::domain::node::{Node, NodeKind};
use crate::domain::order::{Order, OrderType, Sealed};
use crate::domain::quantity::Quantity;
use crate::domain::record::*;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::reservation::Reservation;
use crate::domain::state::State;
use crate::domain::stock::MovementKind;
use crate::domain::time::{JournalTime, Now, WallTime};
use crate::engine::{Engine, Executed};

/// A log in memory with a clock set by hand.
#[derive(Default)]
pub struct MemoryLog {
    pub now: AtomicI64,
    drafts: Mutex<HashMap<u64, Draft>>,
    pub records: Mutex<Vec<Record>>,
    next: Mutex<u64>,
    /// Most events of a record, when it is not 0.
    pub events_max: AtomicUsize,
    /// Whether no record has room for what a step changed.
    pub is_tight: AtomicBool,
    /// Milliseconds by which the wall clock is ahead.
    pub wall_ahead: AtomicI64,
}

impl Log for MemoryLog {
    fn now(&self) -> Now {
        let now = self.now.load(Ordering::SeqCst);
        Now { journal: JournalTime(now), wall: WallTime(now + self.wall_ahead.load(Ordering::SeqCst)) }
    }
    fn encode(&self, draft: &Draft) -> Result<Encoded, RecordTooLarge> {
        let (events, max) = (draft.events.len(), self.events_max.load(Ordering::SeqCst));
        if max > 0 && events > max {
            return Err(RecordTooLarge { bytes: events, max });
        }
        let keeps = |event: &Event| matches!(event, Event::KeyUsed(used) if used.before.is_some());
        if self.is_tight.load(Ordering::SeqCst) && draft.events.iter().any(keeps) {
            return Err(RecordTooLarge { bytes: events, max });
        }
        let mut next = self.next.lock();
        *next += 1;
        self.drafts.lock().insert(*next, draft.clone());
        Ok(Encoded(next.to_be_bytes().to_vec()))
    }
    fn append(&self, record: Encoded) -> Stamp {
        let mut records = self.records.lock();
        let id = u64::from_be_bytes(record.0.try_into().expect("eight bytes"));
        let draft = self.drafts.lock().remove(&id).expect("encoded before");
        let now = self.now();
        let stamp = Stamp { seq: records.len() as u64 + 1, time: now.journal, wall: now.wall };
        records.push(Record { header: stamp.header(&draft), events: draft.events });
        stamp
    }
}

pub struct World {
    pub log: Arc<MemoryLog>,
    pub engine: Engine,
    orders: u32,
}

pub fn text(s: &str) -> Text {
    s.into()
}

pub fn quantity(n: u32) -> Quantity {
    Quantity::new(n).expect("a test asks for real units")
}

impl World {
    pub fn new() -> Self {
        let log = Arc::new(MemoryLog { now: AtomicI64::new(1_800_000_000_000), ..MemoryLog::default() });
        let engine = Engine::start(State::default(), &*log, None);
        let mut world = Self { log, engine, orders: 0 };
        for (id, lat, lon) in [("east", 40.7, -74.0), ("west", 34.0, -118.2), ("north", 41.9, -87.6)] {
            world.node(id, lat, lon, true);
        }
        for sku in ["phone", "case", "cable"] {
            world.item(sku, ItemKind::Product, &[]);
        }
        world.item("bundle", ItemKind::Kit, &[("phone", 1), ("case", 2)]);
        world
    }

    pub fn fold(&self) -> State {
        let mut state = State::default();
        for record in self.log.records.lock().iter() {
            state.apply(record).expect("every record keeps the laws");
        }
        state.check_ownership().expect("every unit has its owner");
        state
    }

    pub fn check(&self) {
        let state = self.fold();
        for (cell, level) in self.engine.all_levels() {
            assert_eq!(level, state.level(cell), "memory equals the fold of the log at {cell:?}");
        }
        for (key, entity) in state.entities() {
            if let (EntityKey::Lots(sku), Entity::Lots(lots)) = (key.clone(), entity) {
                let known = Some(&**lots).filter(|lots| !lots.is_empty());
                assert_eq!(self.engine.sku_lots(sku).as_ref(), known, "lots of {sku:?}");
            } else if let (EntityKey::ShortPicks(node), Entity::ShortPicks(known)) = (key.clone(), entity) {
                assert_eq!(self.engine.short_picks_of(node), **known, "short picks of {node:?}");
            } else if let (EntityKey::Opportunity(()), Entity::Opportunity(known)) = (key.clone(), entity) {
                assert_eq!(self.engine.catalogue(|c| c.opportunity().clone()), **known);
            } else if let (EntityKey::Transit(key), Entity::Transit(known)) = (key.clone(), entity) {
                assert_eq!(self.engine.transit_of(&key), **known, "transit of {key:?}");
            } else if let (EntityKey::Velocity(cell), Entity::Velocity(known)) = (key.clone(), entity) {
                let held = self.engine.velocity_of(cell);
                let is_forgotten = held.is_none() && known.is_forgotten_at(self.log.now().journal);
                assert!(is_forgotten || held == Some(**known), "velocity of {cell:?} is {held:?}, not {known:?}");
            } else if let (EntityKey::Return(key), Entity::Return(known)) = (key, entity) {
                assert_eq!(self.engine.return_by_key(key).as_ref(), Some(&**known), "return {key}");
            }
        }
    }

    /// Another world to which the same has happened.
    pub fn again(&self) -> Self {
        let records = self.log.records.lock().len();
        self.until(records)
    }

    /// Another world whose process died after so many records, and started again.
    pub fn until(&self, records: usize) -> Self {
        let log = MemoryLog { now: AtomicI64::new(self.log.now().journal.0), ..MemoryLog::default() };
        log.records.lock().extend(self.log.records.lock().iter().take(records).cloned());
        let mut state = State::default();
        log.records.lock().iter().for_each(|record| state.apply(record).expect("every record keeps the laws"));
        let log = Arc::new(log);
        let engine = Engine::start(state, &*log, None);
        Self { log, engine, orders: self.orders }
    }

    /// The same world after a restart.
    pub fn restart(self) -> Self {
        let state = self.fold();
        let engine = Engine::start(state, &*self.log, None);
        let world = Self { engine, ..self };
        world.check();
        world
    }

    pub fn run(&self, command: Command) -> Result<Reply, Rejection> {
        self.run_as(&Context::library(), command)
    }

    /// A command whose key took effect is a repeat, and changes nothing.
    pub fn repeats(&self, context: &Context, command: Command) {
        let before = self.log.records.lock().len();
        let again = self.engine.execute(&*self.log, context, command);
        assert!(matches!(again, Ok(Executed::RepeatKey { .. })), "{again:?}");
        assert_eq!(self.log.records.lock().len(), before, "a repeat changes nothing");
    }

    pub fn run_as(&self, context: &Context, command: Command) -> Result<Reply, Rejection> {
        let result = self.engine.execute(&*self.log, context, command);
        self.check();
        result.map(|executed| match executed {
            Executed::Done(outcome) => outcome.reply,
            other => panic!("a repeat: {other:?}"),
        })
    }

    pub fn node(&mut self, id: &str, lat: f64, lon: f64, active: bool) {
        self.node_of(NodeKind::Warehouse, id, (lat, lon), active);
    }

    /// A supplier, far from everybody.
    pub fn supplier(&mut self, id: &str) {
        self.node_of(NodeKind::Supplier, id, (60.0, -150.0), true);
    }

    /// A node without stock.
    pub fn virtual_node(&mut self, id: &str) {
        self.node_of(NodeKind::Virtual, id, (0.0, 0.0), true);
    }

    fn node_of(&mut self, kind: NodeKind, id: &str, (lat, lon): (f64, f64), active: bool) {
        let node = Node {
            id: text(id),
            kind,
            name: text(id),
            position: Position::from_degrees(lat, lon).expect("on the globe"),
            country: text("US"),
            postal_code: text("10001"),
            time_zone: text("UTC"),
            active,
            inactive_reason: None,
            handling: None,
            capacity_per_day: None,
            cutoff_min: None,
            calendar: None,
            capabilities: vec![],
        };
        self.run(Command::PutNode(Box::new(node))).expect("a good node");
    }

    pub fn item(&mut self, sku: &str, kind: ItemKind, components: &[(&str, u32)]) {
        let item = PutItem {
            sku: text(sku),
            name: text(sku),
            kind,
            weight_g: 500,
            dimensions: Dimensions::default(),
            value: None,
            components: components.iter().map(|(sku, n)| (text(sku), quantity(*n))).collect(),
            release_at: None,
            tracking: None,
            packing: Default::default(),
        };
        self.run(Command::PutItem(Box::new(item))).expect("a good item");
    }

    /// A product that is released in so many seconds.
    pub fn unreleased(&self, sku: &str, seconds: i64) {
        let item = PutItem {
            sku: text(sku),
            name: text(sku),
            kind: ItemKind::Product,
            weight_g: 300,
            dimensions: Dimensions::default(),
            value: None,
            components: Vec::new(),
            release_at: Some(WallTime(self.log.now().wall.0 + seconds * 1_000)),
            tracking: None,
            packing: Default::default(),
        };
        self.run(Command::PutItem(Box::new(item))).expect("a good item");
    }

    pub fn stock(&self, sku: &str, node: &str, delta: i32) -> Result<Reply, Rejection> {
        let reason = if delta > 0 { MovementKind::Received } else { MovementKind::Lost };
        self.run(Command::AdjustStock(vec![Adjustment { sku: text(sku), node: text(node), delta, reason }]))
    }

    pub fn reserve(&self, sku: &str, n: u32, ttl_s: u64) -> Result<Reservation, Rejection> {
        let lines = vec![ReserveLine { sku: text(sku), quantity: quantity(n), node: None }];
        match self.run(Command::Reserve(Self::reserve_of(lines, ttl_s)))? {
            Reply::Reservation(reservation) => Ok(*reservation),
            other => panic!("{other:?}"),
        }
    }

    pub fn reserve_of(lines: Vec<ReserveLine>, ttl_s: u64) -> Reserve {
        Reserve {
            id: None,
            fingerprint: 0,
            owner: text("cart"),
            ttl_s,
            lines,
            partial: false,
            channel: None,
            customer: None,
        }
    }

    pub fn order(&mut self, lines: &[(&str, u32)], reservation: Option<String>) -> Result<Order, Rejection> {
        self.orders += 1;
        let order = Self::order_of(&format!("c{}", self.orders), lines, reservation);
        match self.run(Command::PlaceOrder(Box::new(order)))? {
            Reply::Order(order) => Ok((*order).clone()),
            other => panic!("{other:?}"),
        }
    }

    pub fn order_of(channel_order_id: &str, lines: &[(&str, u32)], reservation: Option<String>) -> PlaceOrder {
        PlaceOrder {
            id: None,
            fingerprint: 0,
            kind: OrderType::Standard,
            channel: text("web"),
            channel_order_id: text(channel_order_id),
            customer: text("customer-1"),
            personal: Sealed::default(),
            currency: Currency::USD,
            destinations: vec![ShipTo {
                group: text(""),
                country: text("US"),
                postal_code: text("10001"),
                parts: None,
                position: Position::from_degrees(40.0, -75.0),
                personal: Sealed::default(),
            }],
            lines: lines
                .iter()
                .enumerate()
                .map(|(at, (sku, n))| PlaceLine {
                    id: text(&(at + 1).to_string()),
                    sku: text(sku),
                    quantity: quantity(*n),
                    unit_price: 100,
                    group: 0,
                })
                .collect(),
            delivery_method: text("ship"),
            reservation: reservation.map(|r| text(&r)),
            reacquire: false,
            rule_set: None,
            placed_at: None,
            payment: None,
            total: None,
            holds: Vec::new(),
            wishes: Wishes::default(),
        }
    }

    pub fn fulfill(&self, order: &Order, number: u16, action: FulfillmentAction) -> Result<Order, Rejection> {
        let key = crate::domain::ids::FulfillmentKey { order: order.key, number };
        match self.run(Command::Fulfill(Fulfill { fulfillment: text(&key.to_string()), action }))? {
            Reply::Fulfillment { order, .. } => Ok((*order).clone()),
            other => panic!("{other:?}"),
        }
    }

    pub fn cancel(&self, order: &Order, lines: Option<&[(&str, u32)]>) -> Result<Order, Rejection> {
        let lines = lines.map(|l| {
            l.iter().map(|(line, n)| CancelUnits { line: text(line), quantity: quantity(*n), from: None }).collect()
        });
        let cancel = CancelOrder { order: text(&order.name()), lines, reason: text("changed mind") };
        match self.run(Command::CancelOrder(cancel))? {
            Reply::Order(order) => Ok((*order).clone()),
            other => panic!("{other:?}"),
        }
    }

    pub fn atp(&self, sku: &str) -> u64 {
        self.engine.atp(self.log.now().journal, sku, None).expect("a known sku").available
    }

    pub fn later(&self, seconds: i64) {
        self.log.now.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// So many seconds later, after a restart or without one: what is due by then is done, and every law holds.
    pub fn later_on(self, seconds: i64, restarts: bool) -> Self {
        self.later(seconds);
        let world = if restarts { self.restart() } else { self };
        world.engine.expire_due(&*world.log);
        world.check();
        world
    }

    pub fn level(&self, sku: &str, node: &str) -> crate::domain::stock::Level {
        let view = self.engine.stock(sku).expect("a known sku");
        view.nodes.iter().find(|(id, _)| &**id == node).map(|(_, level)| *level).unwrap_or_default()
    }
}
