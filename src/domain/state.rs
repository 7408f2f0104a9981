//! All entities at one position of a journal, and the laws that hold at every position.
//!
//! Recovery, the snapshot folder, `check` and tests fold with it. What is *not* asserted here: that waiting demand leaves
//! no free unit, since a legal prefix may show both; the start pays it. The folds themselves are in `entity`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::carrier::ShippingKey;
use super::count::{Minute, MinuteKey};
use super::dispatch::DispatchKey;
use super::entity::{Entity, EntityKey};
use super::exception::{Exception, ExceptionKey};
use super::fulfillment::FulfillmentOrder;
use super::ids::{
    ChannelIndex, CycleCountKey, DraftKey, FulfillmentKey, InboundKey, NodeIndex, OrderKey, ReservationKey, ReturnKey,
    SkuIndex, SubscriptionKey, Text, TransferKey, WaveKey,
};
use super::opportunity::Opportunity;
use super::order::Order;
use super::picked::PickedKey;
use super::policy::{Policy, PolicyKey};
use super::record::Record;
use super::reservation::ReservationState;
use super::rules::versions::RuleVersions;
use super::short_pick::Seen;
use super::stock::{CellKey, LawBroken, Level};
use super::time::JournalTime;
use super::transit::TransitKey;
use super::velocity::{Left, Velocity};

/// The cells of one sku, ascending by node.
type Row = Vec<(NodeIndex, Entity)>;

/// [`State`], from one line per kind: those before the cells and those behind them, ascending as the keys are.
macro_rules! kinds {
    (
        before { $($before:ident: $before_kind:ident($before_key:ty),)* }
        behind { $($behind:ident: $behind_kind:ident($behind_key:ty),)* }
    ) => {
        /// All entities at one position, each kind in the shape that suits its keys.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct State {
            seq: u64,
            time: JournalTime,
            catalogue_seq: u64,
            directory: Option<Entity>,
            cells: BTreeMap<SkuIndex, Row>,
            $($before: BTreeMap<$before_key, Entity>,)*
            $($behind: BTreeMap<$behind_key, Entity>,)*
        }

        impl State {
            /// Puts an entity. [`Filling`] is better where many ascend.
            pub fn insert(&mut self, key: EntityKey, entity: Entity) {
                match key {
                    EntityKey::Directory => self.directory = Some(entity),
                    EntityKey::Cell(key) => self.insert_cell(key, entity),
                    $(EntityKey::$before_kind(key) => drop(self.$before.insert(key, entity)),)*
                    $(EntityKey::$behind_kind(key) => drop(self.$behind.insert(key, entity)),)*
                }
            }

            /// Takes an entity out, to be put back as it will be. A cell may stay where it is: its next level
            /// replaces it.
            fn take(&mut self, key: &EntityKey) -> Option<Entity> {
                match key {
                    EntityKey::Directory => self.directory.take(),
                    EntityKey::Cell(key) => self.cell(*key).cloned(),
                    $(EntityKey::$before_kind(key) => self.$before.remove(key),)*
                    $(EntityKey::$behind_kind(key) => self.$behind.remove(key),)*
                }
            }

            /// One entity.
            pub fn entity(&self, key: &EntityKey) -> Option<&Entity> {
                match key {
                    EntityKey::Directory => self.directory.as_ref(),
                    EntityKey::Cell(key) => self.cell(*key),
                    $(EntityKey::$before_kind(key) => self.$before.get(key),)*
                    $(EntityKey::$behind_kind(key) => self.$behind.get(key),)*
                }
            }

            /// How many entities there are.
            pub fn len(&self) -> usize {
                let cells = self.cells.values().map(Vec::len);
                let kinds = [$(self.$before.len(),)* $(self.$behind.len(),)*];
                usize::from(self.directory.is_some()) + cells.chain(kinds).sum::<usize>()
            }

            /// All entities, ascending by key.
            pub fn iter(&self) -> impl Iterator<Item = (EntityKey, &Entity)> {
                let cells = self.cells.iter().flat_map(|(sku, row)| {
                    row.iter().map(|(node, entity)| (EntityKey::Cell(CellKey { sku: *sku, node: *node }), entity))
                });
                let directory = self.directory.iter().map(|entity| (EntityKey::Directory, entity));
                directory
                    $(.chain(self.$before.iter().map(|(key, it)| (EntityKey::$before_kind(Clone::clone(key)), it))))*
                    .chain(cells)
                    $(.chain(self.$behind.iter().map(|(key, it)| (EntityKey::$behind_kind(Clone::clone(key)), it))))*
            }

            /// All entities, ascending by key, handed over one by one.
            pub fn into_entities(self) -> impl Iterator<Item = (EntityKey, Entity)> {
                let cells = self.cells.into_iter().flat_map(|(sku, row)| {
                    row.into_iter().map(move |(node, entity)| (EntityKey::Cell(CellKey { sku, node }), entity))
                });
                let directory = self.directory.into_iter().map(|entity| (EntityKey::Directory, entity));
                directory
                    $(.chain(self.$before.into_iter().map(|(key, it)| (EntityKey::$before_kind(key), it))))*
                    .chain(cells)
                    $(.chain(self.$behind.into_iter().map(|(key, it)| (EntityKey::$behind_kind(key), it))))*
            }

            /// Takes what its keys put behind the cells, as a state at the same position; the rest stays.
            pub fn split_off_behind(&mut self) -> Self {
                Self {
                    seq: self.seq,
                    time: self.time,
                    catalogue_seq: self.catalogue_seq,
                    $($behind: std::mem::take(&mut self.$behind),)*
                    ..Self::default()
                }
            }

            /// Drops what nothing needs to know of any more at the state's own time.
            pub fn forget(&mut self) {
                let now = self.time;
                $(self.$behind.retain(|_, entity| !entity.is_forgotten_at(now));)*
            }
        }
    };
}

kinds! {
    before {
        nodes: Node(NodeIndex),
        items: Item(SkuIndex),
        rule_sets: RuleSet(Text),
    }
    behind {
        reservations: Reservation(ReservationKey),
        orders: Order(OrderKey),
        keys: Key(u128),
        inbound: Inbound(InboundKey),
        channels: Channel(ChannelIndex),
        transfers: Transfer(TransferKey),
        counts: Count(CellKey),
        exceptions: Exception(ExceptionKey),
        subscriptions: Subscription(SubscriptionKey),
        slots: Slots(NodeIndex),
        lots: Lots(SkuIndex),
        minutes: Minute(MinuteKey),
        policies: Policy(PolicyKey),
        cycle_counts: CycleCount(CycleCountKey),
        shipping: Shipping(ShippingKey),
        cartons: Carton(Text),
        address_formats: AddressFormat(Text),
        rule_versions: RuleVersions(Text),
        returns: Return(ReturnKey),
        workloads: Workload(NodeIndex),
        opportunities: Opportunity(()),
        waves: Wave(WaveKey),
        bins: Bin(CellKey),
        picked: Picked(PickedKey),
        collections: Collection(FulfillmentKey),
        optimisations: Optimisation(Text),
        drafts: Draft(DraftKey),
        lockers: Lockers(NodeIndex),
        dispatches: Dispatch(DispatchKey),
        short_picks: ShortPicks(NodeIndex),
        transits: Transit(TransitKey),
        velocities: Velocity(CellKey),
    }
}

impl State {
    /// A state at a position, to be filled with [`State::insert`].
    pub fn at(seq: u64, time: JournalTime, catalogue_seq: u64) -> Self {
        Self { seq, time, catalogue_seq, ..Self::default() }
    }

    fn insert_cell(&mut self, CellKey { sku, node }: CellKey, entity: Entity) {
        let row = self.cells.entry(sku).or_default();
        match row.last() {
            Some((last, _)) if *last >= node => match row.binary_search_by_key(&node, |(node, _)| *node) {
                Ok(at) => row[at].1 = entity,
                Err(at) => row.insert(at, (node, entity)),
            },
            _ => row.push((node, entity)),
        }
    }

    fn cell(&self, key: CellKey) -> Option<&Entity> {
        let row = self.cells.get(&key.sku)?;
        let at = row.binary_search_by_key(&key.node, |(node, _)| *node).ok()?;
        Some(&row[at].1)
    }

    /// Sequence of the last record folded in; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Journal time of the last record folded in.
    pub fn time(&self) -> JournalTime {
        self.time
    }

    /// Sequence of the last record that changed the catalogue.
    pub fn catalogue_seq(&self) -> u64 {
        self.catalogue_seq
    }

    /// Whether nothing happened yet.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The level of a cell; empty when nothing was ever there.
    pub fn level(&self, cell: CellKey) -> Level {
        match self.cell(cell) {
            Some(Entity::Cell(level)) => *level,
            _ => Level::default(),
        }
    }

    /// All orders, ascending by key.
    pub fn orders(&self) -> impl Iterator<Item = &Arc<Order>> {
        self.orders.values().filter_map(|entity| match entity {
            Entity::Order(order) => Some(order),
            _ => None,
        })
    }

    /// Takes all orders out, ascending by key.
    pub fn take_orders(&mut self) -> impl Iterator<Item = Arc<Order>> {
        std::mem::take(&mut self.orders).into_values().filter_map(|entity| match entity {
            Entity::Order(order) => Some(order),
            _ => None,
        })
    }

    /// All exceptions, ascending by key.
    pub fn exceptions(&self) -> impl Iterator<Item = &Exception> {
        self.exceptions.values().filter_map(|entity| match entity {
            Entity::Exception(case) => Some(&**case),
            _ => None,
        })
    }

    /// The versions of all rule sets.
    pub fn rule_versions(&self) -> impl Iterator<Item = (&Text, &RuleVersions)> {
        self.rule_versions.iter().filter_map(|(name, entity)| match entity {
            Entity::RuleVersions(versions) => Some((name, &**versions)),
            _ => None,
        })
    }

    /// What stock and shipments are worth to orders to come, where it was ever found.
    pub fn opportunity(&self) -> Option<&Opportunity> {
        match self.opportunities.get(&()) {
            Some(Entity::Opportunity(known)) => Some(known),
            _ => None,
        }
    }

    /// All policies.
    pub fn policies(&self) -> impl Iterator<Item = (&PolicyKey, &Policy)> {
        self.policies.iter().filter_map(|(key, entity)| match entity {
            Entity::Policy(policy) => Some((key, policy)),
            _ => None,
        })
    }

    /// All entities by key.
    pub fn entities(&self) -> BTreeMap<EntityKey, &Entity> {
        self.iter().collect()
    }

    /// The highest generated number; 0 when there is none.
    pub fn highest_key(&self) -> u64 {
        let order = self.orders.last_key_value().map_or(0, |(key, _)| key.0);
        let reservation = self.reservations.last_key_value().map_or(0, |(key, _)| key.0);
        let inbound = self.inbound.last_key_value().map_or(0, |(key, _)| key.0);
        let count = self.cycle_counts.last_key_value().map_or(0, |(key, _)| key.0);
        let transfer = self.transfers.last_key_value().map_or(0, |(key, _)| key.0);
        let subscription = self.subscriptions.last_key_value().map_or(0, |(key, _)| key.0);
        let returned = self.returns.last_key_value().map_or(0, |(key, _)| key.0);
        let wave = self.waves.last_key_value().map_or(0, |(key, _)| key.0);
        let draft = self.drafts.last_key_value().map_or(0, |(key, _)| key.0);
        order
            .max(draft)
            .max(returned)
            .max(wave)
            .max(reservation)
            .max(inbound)
            .max(transfer)
            .max(subscription)
            .max(count)
    }

    /// Folds one record in. Refuses a gap in the sequence, a time that runs backwards, and every broken law; a state
    /// that refused is of no further use.
    pub fn apply(&mut self, record: &Record) -> Result<(), LawBroken> {
        let header = &record.header;
        if header.seq != self.seq + 1 {
            return Err(LawBroken(format!("record {} follows {}", header.seq, self.seq)));
        }
        if header.time < self.time || header.decided_at > header.time {
            return Err(LawBroken(format!("record {}: time runs backwards", header.seq)));
        }
        for event in &record.events {
            let key = event.entity();
            let taught = event.teaches().map(|cell| (cell, self.level(cell).on_hand));
            let before = self.take(&key);
            let after = Entity::fold(before, header, event)
                .map_err(|law| LawBroken(format!("record {}: {}", header.seq, law.0)))?;
            if event.is_of_catalogue() {
                self.catalogue_seq = header.seq;
            }
            self.insert(key, after);
            if let Some((cell, on_hand)) = taught {
                self.learn(cell.node, event.seen(on_hand, header.decided_at));
            }
            if let Some((cell, left)) = event.empties().zip(event.left(header.decided_at)) {
                self.learn_left(cell, left);
            }
            if let Some(moved) = event.moved(header.decided_at) {
                let key = EntityKey::Minute(moved.minute());
                let Some(Entity::Minute(before)) = self.take(&key) else {
                    self.insert(key, Entity::Minute(Box::new(Minute::fold(None, moved))));
                    continue;
                };
                self.insert(key, Entity::Minute(Box::new(Minute::fold(Some(*before), moved))));
            }
        }
        self.seq = header.seq;
        self.time = header.time;
        Ok(())
    }

    /// Adds what a movement told of a node.
    fn learn(&mut self, node: NodeIndex, seen: Option<Seen>) {
        let Some(seen) = seen else { return };
        let key = EntityKey::ShortPicks(node);
        let mut picks = match self.take(&key) {
            Some(Entity::ShortPicks(picks)) => picks,
            _ => Box::default(),
        };
        picks.note(&seen);
        self.insert(key, Entity::ShortPicks(picks));
    }

    /// Adds units that left a cell.
    fn learn_left(&mut self, cell: CellKey, left: Left) {
        let key = EntityKey::Velocity(cell);
        let velocity = match self.take(&key) {
            Some(Entity::Velocity(mut velocity)) => {
                velocity.note(left);
                velocity
            }
            _ => Box::new(Velocity::begun(left)),
        };
        self.insert(key, Entity::Velocity(velocity));
    }

    /// Drops the orders that left for the archive, as snapshots do.
    #[cfg(test)]
    pub(crate) fn forget_archived(&mut self) {
        self.orders.retain(|_, entity| !entity.is_archived());
    }

    /// Checks the laws that span entities: every committed and reserved unit has an owner, no owner holds more, and no lots
    /// hold more than is on hand.
    pub fn check_ownership(&self) -> Result<(), LawBroken> {
        let mut owned: HashMap<CellKey, (u64, u64)> = HashMap::new();
        for (_, entity) in self.iter() {
            match entity {
                Entity::Order(order) => {
                    for (cell, units) in committed_by(order) {
                        owned.entry(cell).or_default().0 += units;
                    }
                }
                Entity::Transfer(transfer) => {
                    for (cell, units) in transfer.committed() {
                        owned.entry(cell).or_default().0 += u64::from(units);
                    }
                }
                Entity::Reservation(r) if r.state == ReservationState::Held => {
                    for held in &r.lines {
                        let cell = CellKey { sku: held.sku, node: held.node };
                        owned.entry(cell).or_default().1 += u64::from(held.quantity);
                    }
                }
                _ => {}
            }
        }
        for (key, entity) in self.iter() {
            if let (EntityKey::Lots(sku), Entity::Lots(lots)) = (&key, entity) {
                for node in lots.nodes() {
                    lots.check(node, self.level(CellKey { sku: *sku, node }).on_hand)?;
                }
            }
            let (EntityKey::Cell(cell), Entity::Cell(level)) = (key, entity) else { continue };
            level.check()?;
            let (committed, reserved) = owned.remove(&cell).unwrap_or_default();
            if u64::from(level.committed) != committed || u64::from(level.reserved - level.pool) != reserved {
                return Err(LawBroken(format!(
                    "cell {cell:?}: orders and transfers own {committed}, reservations {reserved}, but the level is {level:?}"
                )));
            }
        }
        match owned.into_iter().find(|(_, (committed, reserved))| committed + reserved > 0) {
            None => Ok(()),
            Some((cell, owners)) => Err(LawBroken(format!("cell {cell:?} is empty, but {owners:?} units are owned"))),
        }
    }
}

/// A state that is filled with entities in ascending order, as a snapshot has them. It lies in memory of just its size:
/// what is freed when it is handed over leaves no holes.
#[derive(Debug, Default)]
pub struct Filling {
    state: State,
    sku: Option<SkuIndex>,
    /// Cells of `sku` so far.
    row: Row,
}

impl Filling {
    /// Fills a state at a position.
    pub fn of(state: State) -> Self {
        Self { state, ..Self::default() }
    }

    /// Puts an entity behind those before.
    pub fn push(&mut self, key: EntityKey, entity: Entity) {
        let sku = if let EntityKey::Cell(cell) = &key { Some(cell.sku) } else { None };
        if sku != self.sku {
            self.end_row();
            self.sku = sku;
        }
        match key {
            EntityKey::Cell(cell) => self.row.push((cell.node, entity)),
            key => self.state.insert(key, entity),
        }
    }

    fn end_row(&mut self) {
        if let Some(sku) = self.sku {
            let row: Row = self.row.drain(..).collect();
            assert!(row.is_sorted_by(|a, b| a.0 < b.0), "the cells of a sku ascend by node");
            self.state.cells.insert(sku, row);
        }
    }

    /// The state.
    pub fn filled(mut self) -> State {
        self.end_row();
        self.state
    }
}

/// Units an order has committed in cells: everything in a live fulfilment order that has not left yet, or lies at the store
/// it was sent to.
pub fn committed_by(order: &Order) -> Vec<(CellKey, u64)> {
    cells_of(order, |_| true)
}

/// Of these, the units that count as its channel's: not those that left once, which it counts for good.
pub fn used_by(order: &Order) -> Vec<(CellKey, u64)> {
    cells_of(order, |fulfillment| !fulfillment.came_to_store())
}

fn cells_of(order: &Order, counts: impl Fn(&FulfillmentOrder) -> bool) -> Vec<(CellKey, u64)> {
    use super::fulfillment::FulfillmentStatus::{Delivered, Shipped};
    let holds = |f: &&FulfillmentOrder| f.status.is_live() && !matches!(f.status, Shipped | Delivered);
    let holding = order.fulfillment_orders.iter().filter(holds).filter(|f| counts(f));
    let mut cells = Vec::new();
    for fulfillment in holding {
        for units in fulfillment.line_units() {
            for (sku, quantity) in order.stock_of(units) {
                cells.push((CellKey { sku, node: fulfillment.node }, u64::from(quantity)));
            }
        }
    }
    cells
}
