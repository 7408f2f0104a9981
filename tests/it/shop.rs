//! A shop in process for the tests: a data directory, an engine on it, and words to speak with it.

use std::collections::BTreeMap;
use std::path::Path;

use ordain::domain::command::*;
use ordain::domain::geo::Position;
use ordain::domain::ids::Text;
use ordain::domain::item::{Dimensions, ItemKind};
use ordain::domain::money::Currency;
use ordain::domain::node::{Node, NodeKind};
use ordain::domain::order::{Order, OrderType, Sealed};
use ordain::domain::quantity::Quantity;
use ordain::domain::reply::{Outcome, Reply};
use ordain::domain::reservation::Reservation;
use ordain::domain::state::State;
use ordain::domain::stock::{CellKey, Level, MovementKind};
use ordain::domain::time::WallTime;
use ordain::journal::{ClockChoice, ManualClock, Options, Unrecovered};
use ordain::pipeline::{Pipeline, Refused};

/// 2025-01-06, noon, milliseconds: when every test begins.
const NOON_MS: i64 = 1_736_164_800_000;

pub fn text(s: &str) -> Text {
    s.into()
}

pub fn quantity(n: u32) -> Quantity {
    Quantity::new(n).expect("a test asks for real units")
}

/// An open shop. Its clock stands still unless it is moved.
pub struct Shop {
    pub ordain: Pipeline,
    pub clock: std::sync::Arc<ManualClock>,
}

impl Shop {
    /// Opens a data directory.
    pub fn open(dir: &Path) -> Self {
        Self::open_at(dir, ManualClock::at(NOON_MS))
    }

    fn open_at(dir: &Path, clock: std::sync::Arc<ManualClock>) -> Self {
        let options = Options { clock: ClockChoice::Manual(clock.clone()), ..Options::default() };
        let (journal, state) = Unrecovered::open(dir, options).expect("opens").recover().expect("recovers");
        state.check_ownership().expect("every unit has its owner");
        Self { ordain: Pipeline::start(journal, state, None), clock }
    }

    /// Closes and opens again; every level must be what it was.
    pub fn restart(self, dir: &Path) -> Self {
        let before = self.levels();
        let Self { ordain, clock } = self;
        ordain.journal().close().expect("closes");
        drop(ordain);
        let shop = Self::open_at(dir, clock);
        assert_eq!(shop.levels(), before, "a restart changes no level");
        shop
    }

    pub fn levels(&self) -> BTreeMap<CellKey, Level> {
        self.ordain.engine().all_levels().into_iter().collect()
    }

    /// Folds the journal from its beginning and compares it with memory.
    pub fn check(&self) {
        let last = self.ordain.journal().last_seq();
        self.ordain.journal().durable_blocking(last, ()).expect("durable");
        let mut state = State::default();
        for seq in 1..=last {
            let record = self.ordain.journal().read(seq).expect("readable").expect("there");
            state.apply(&record).expect("every record keeps the laws");
        }
        state.check_ownership().expect("every unit has its owner");
        for (cell, level) in self.levels() {
            assert_eq!(level, state.level(cell), "memory equals the fold at {cell:?}");
        }
    }

    pub fn submit(&self, context: &Context, command: Command) -> Result<Outcome, Refused> {
        self.ordain.submit_blocking(context, command).map(|durable| durable.into_inner())
    }

    pub fn run(&self, command: Command) -> Result<Reply, Refused> {
        self.submit(&Context::library(), command).map(|outcome| outcome.reply)
    }

    pub fn node(&self, id: &str, latitude: f64, longitude: f64) {
        let node = Node {
            id: text(id),
            kind: NodeKind::Warehouse,
            name: text(id),
            position: Position::from_degrees(latitude, longitude).expect("on the globe"),
            country: text("US"),
            postal_code: text("10001"),
            time_zone: text("UTC"),
            active: true,
            inactive_reason: None,
            handling: None,
            capacity_per_day: None,
            cutoff_min: None,
            calendar: None,
            capabilities: vec![],
        };
        self.run(Command::PutNode(Box::new(node))).expect("a good node");
    }

    pub fn item(&self, sku: &str, kind: ItemKind, components: &[(&str, u32)]) {
        self.item_released(sku, kind, components, None);
    }

    /// An item that is released so many seconds from now.
    pub fn item_released(&self, sku: &str, kind: ItemKind, components: &[(&str, u32)], seconds: Option<i64>) {
        let item = PutItem {
            sku: text(sku),
            name: text(sku),
            kind,
            weight_g: 500,
            dimensions: Dimensions::default(),
            value: None,
            components: components.iter().map(|(sku, n)| (text(sku), quantity(*n))).collect(),
            release_at: seconds.map(|seconds| self.wall(seconds)),
            tracking: None,
            packing: Default::default(),
        };
        self.run(Command::PutItem(Box::new(item))).expect("a good item");
    }

    /// Two nodes, one product, so many units of it at each.
    pub fn with_phones(dir: &Path, east: i32, west: i32) -> Self {
        let shop = Self::open(dir);
        shop.node("east", 40.7, -74.0);
        shop.node("west", 34.0, -118.2);
        shop.item("phone", ItemKind::Product, &[]);
        for (node, delta) in [("east", east), ("west", west)] {
            if delta > 0 {
                shop.receive("phone", node, delta);
            }
        }
        shop
    }

    pub fn receive(&self, sku: &str, node: &str, delta: i32) {
        let received = Adjustment { sku: text(sku), node: text(node), delta, reason: MovementKind::Received };
        self.run(Command::AdjustStock(vec![received])).expect("there is room");
    }

    pub fn reserve(&self, lines: &[(&str, u32)], ttl_s: u64) -> Result<Reservation, Refused> {
        match self.run(Command::Reserve(reserve(lines, ttl_s)))? {
            Reply::Reservation(reservation) => Ok(*reservation),
            other => panic!("{other:?}"),
        }
    }

    pub fn release(&self, reservation: &Reservation) -> Result<Reply, Refused> {
        self.run(Command::ReleaseReservation { reservation: text(&reservation.name()) })
    }

    pub fn place(&self, order: PlaceOrder) -> Result<Order, Refused> {
        match self.run(Command::PlaceOrder(Box::new(order)))? {
            Reply::Order(order) => Ok((*order).clone()),
            other => panic!("{other:?}"),
        }
    }

    /// What the wall clock shows so many seconds from now.
    pub fn wall(&self, seconds: i64) -> WallTime {
        WallTime(ordain::domain::record::Log::now(self.ordain.journal()).wall.0 + seconds * 1_000)
    }

    pub fn atp(&self, sku: &str) -> u64 {
        let now = ordain::domain::record::Log::now(self.ordain.journal()).journal;
        self.ordain.engine().atp(now, sku, None).expect("a known sku").available
    }
}

pub fn reserve(lines: &[(&str, u32)], ttl_s: u64) -> Reserve {
    let lines = lines.iter().map(|(sku, n)| ReserveLine { sku: text(sku), quantity: quantity(*n), node: None });
    Reserve {
        id: None,
        fingerprint: 0,
        owner: text("cart"),
        ttl_s,
        lines: lines.collect(),
        partial: false,
        channel: None,
        customer: None,
    }
}

/// An order of the channel `web` to Philadelphia.
pub fn order(channel_order_id: &str, lines: &[(&str, u32)]) -> PlaceOrder {
    let lines = lines.iter().enumerate().map(|(at, (sku, n))| PlaceLine {
        id: text(&(at + 1).to_string()),
        sku: text(sku),
        quantity: quantity(*n),
        unit_price: 100,
        group: 0,
    });
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
            postal_code: text("19103"),
            parts: None,
            position: Position::from_degrees(39.95, -75.17),
            personal: Sealed::default(),
        }],
        lines: lines.collect(),
        delivery_method: text("ship"),
        reservation: None,
        reacquire: false,
        rule_set: None,
        placed_at: None,
        payment: None,
        total: None,
        holds: Vec::new(),
        wishes: Wishes::default(),
    }
}
