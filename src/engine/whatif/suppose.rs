//! What is supposed, and the scenes that need a look over the journal first.
//!
//! | scene | which orders | how |
//! |---|---|---|
//! | as it was | those of the period | each as often as the demand says |
//! | busiest day | those of the day of the period with the most orders | each twice, unless the demand says otherwise |
//! | stock-out edge | those of the period | every sku begins with no more free units than its orders ask for beyond what comes |
//! | all channels at once | those of each channel's busiest day | all of them on the busiest day of all, by their hour |
//!
//! Days and periods go by when an order was placed, in UTC. A demand that is no whole number takes as many copies as it
//! says of every order and one more of a share of them, chosen by their numbers: the same ones every time.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::world::{WHOLE, World};
use crate::domain::carrier::ShippingTerms;
use crate::domain::catalogue::Catalogue;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::ids::{OrderKey, SkuIndex, Text};
use crate::domain::order::{Order, OrderEvent, OrderFacts, PlacedLine};
use crate::domain::record::Record;
use crate::domain::rejection::Fault;
use crate::domain::rules::RuleTerms;
use crate::domain::rules::applied::AppliedRules;
use crate::domain::rules::presets::WEIGHTED_SCORE;
use crate::domain::state::State;
use crate::domain::stock::{CellKey, MovementKind};
use crate::domain::time::WallTime;
use crate::engine::{rules, shipping};

const DAY_MS: i64 = 86_400_000;
/// Where numbers of orders begin that are placed on another day than theirs: no order has such a one.
const EXTRA_KEYS: u64 = 1 << 63;

/// Other rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupposedRules {
    /// A version that the journal knows, the active one when none is named.
    Known {
        /// Its name.
        name: Text,
        /// Its version.
        version: Option<u32>,
    },
    /// A version that nobody put.
    Terms {
        /// Its name.
        name: Text,
        /// What it says.
        terms: Arc<RuleTerms>,
    },
}

/// Units more, or fewer, than there were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoreStock {
    /// Of which item.
    pub sku: Text,
    /// Where.
    pub node: Text,
    /// How many.
    pub units: i64,
}

/// Which orders, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SceneKind {
    /// As they were.
    #[default]
    AsItWas,
    /// The busiest day.
    BusiestDay,
    /// No more stock than is asked for.
    StockOut,
    /// All channels have their busiest day at once.
    AllChannels,
}

/// What is supposed. Nothing, by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppose {
    /// Other rules for the orders that name none.
    pub rules: Option<SupposedRules>,
    /// Carriers, calendars and zones in the place of those of the same name, or beside them.
    pub shipping: Vec<ShippingTerms>,
    /// Nodes that are switched off.
    pub out: Vec<Text>,
    /// Free units at the beginning and all that are received later, in millionths of what they were.
    pub stock_ppm: u64,
    /// Units more or fewer at the beginning.
    pub stock: Vec<MoreStock>,
    /// How often orders are placed, in millionths; as the scene has it when `None`.
    pub demand_ppm: Option<u64>,
    /// The first instant of the period; any when `None`.
    pub from: Option<WallTime>,
    /// The first instant after it.
    pub until: Option<WallTime>,
    /// Which orders, and how.
    pub scene: SceneKind,
}

impl Default for Suppose {
    fn default() -> Self {
        Self {
            rules: None,
            shipping: Vec::new(),
            out: Vec::new(),
            stock_ppm: WHOLE,
            stock: Vec::new(),
            demand_ppm: None,
            from: None,
            until: None,
            scene: SceneKind::AsItWas,
        }
    }
}

impl Suppose {
    /// Whether the journal must be looked over before anything is decided again.
    pub fn needs_survey(&self) -> bool {
        let names = self.rules.is_some() || !self.shipping.is_empty() || !self.out.is_empty() || !self.stock.is_empty();
        names || self.scene != SceneKind::AsItWas
    }

    /// Whether free stock is otherwise from the beginning on.
    pub fn changes_stock(&self) -> bool {
        self.stock_ppm != WHOLE || !self.stock.is_empty()
    }

    fn is_within(&self, facts: &OrderFacts) -> bool {
        self.from.is_none_or(|from| from <= facts.placed_at) && self.until.is_none_or(|until| facts.placed_at < until)
    }

    fn copies(&self, key: OrderKey, usual_ppm: u64) -> u32 {
        let ppm = self.demand_ppm.unwrap_or(usual_ppm);
        let more = u64::from(share_of(key) < ppm % WHOLE);
        u32::try_from(ppm / WHOLE + more).unwrap_or(u32::MAX)
    }

    /// All that means nothing in a catalogue.
    pub fn faults(&self, catalogue: &Catalogue) -> Vec<Fault> {
        self.resolved(catalogue).err().unwrap_or_default()
    }

    /// The rules, in a catalogue; or all that means nothing there.
    fn resolved(&self, catalogue: &Catalogue) -> Result<Option<Arc<AppliedRules>>, Vec<Fault>> {
        let mut faults = Vec::new();
        for (at, node) in self.out.iter().enumerate().filter(|(_, node)| catalogue.node_index(node).is_none()) {
            faults.push(Fault::new(format!("out[{at}]"), "unknown_node", format!("there is no node {node:?}")));
        }
        for (at, own) in self.stock.iter().enumerate() {
            if catalogue.sku_index(&own.sku).is_none() {
                let detail = format!("there is no item {:?}", own.sku);
                faults.push(Fault::new(format!("stock[{at}].sku"), "unknown_sku", detail));
            }
            if catalogue.node_index(&own.node).is_none() {
                let detail = format!("there is no node {:?}", own.node);
                faults.push(Fault::new(format!("stock[{at}].node"), "unknown_node", detail));
            }
        }
        for (at, terms) in self.shipping.iter().enumerate() {
            let of = |fault: Fault| Fault { field: format!("carriers[{at}].{}", fault.field), ..fault };
            faults.extend(shipping::faults(catalogue, terms).into_iter().map(of));
        }
        let rules = match &self.rules {
            None => None,
            Some(SupposedRules::Known { name, version }) => {
                let has_carriers = !self.shipping.is_empty() || catalogue.shipping().carriers().next().is_some();
                let known = match version {
                    Some(version) => catalogue.rules().applied(name, *version),
                    None if **name == *WEIGHTED_SCORE => catalogue.rules().applied(name, 1),
                    None => catalogue.rules().named(name, has_carriers).cloned(),
                };
                if known.is_none() {
                    let detail = match version {
                        Some(version) => format!("rule set {name:?} has no version {version}"),
                        None => format!("no version of rule set {name:?} is active"),
                    };
                    faults.push(Fault::new("rule_set", "unknown_rule_set", detail));
                }
                known
            }
            Some(SupposedRules::Terms { name, terms }) => {
                faults.extend(rules::faults(catalogue, name, terms));
                Some(Arc::new(AppliedRules::of(name.clone(), 0, terms.clone())))
            }
        };
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }
}

/// Where an order stands among all, in millionths: by its number, and nowhere else.
fn share_of(key: OrderKey) -> u64 {
    let mut z = key.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ z >> 31) % WHOLE
}

/// The day on which an order was placed: days since 1970, UTC.
fn day_of(facts: &OrderFacts) -> i64 {
    facts.placed_at.0.div_euclid(DAY_MS)
}

/// A look over a journal.
#[derive(Debug, Default)]
pub struct Survey {
    /// Orders by day.
    days: BTreeMap<i64, u64>,
    /// Orders by channel and day; kept where the scene puts them together.
    channels: BTreeMap<Text, BTreeMap<i64, Vec<Order>>>,
    /// Units that orders ask for.
    wanted: BTreeMap<SkuIndex, i64>,
    /// Units received from the first order of the period on.
    received: BTreeMap<SkuIndex, i64>,
}

/// What a look over a journal found out.
#[derive(Debug, Default)]
pub struct Surveyed {
    pub(super) rules: Option<Arc<AppliedRules>>,
    pub(super) scene: Scene,
}

impl Survey {
    /// Reads the next record, with the state after it.
    pub fn see(&mut self, suppose: &Suppose, record: &Record, state: &State) {
        for event in &record.events {
            match event {
                Event::StockMoved(moved) if moved.kind == MovementKind::Received && !self.wanted.is_empty() => {
                    *self.received.entry(moved.cell.sku).or_default() += i64::from(moved.delta.on_hand);
                }
                Event::OrderChanged(changed) => {
                    let OrderEvent::Placed { facts, lines, .. } = &changed.event else { continue };
                    if suppose.is_within(facts) {
                        self.count(suppose, facts, lines);
                        self.keep(suppose, facts, changed.key, state);
                    }
                }
                _ => {}
            }
        }
    }

    fn count(&mut self, suppose: &Suppose, facts: &OrderFacts, lines: &[PlacedLine]) {
        *self.days.entry(day_of(facts)).or_default() += 1;
        if suppose.scene == SceneKind::StockOut {
            for (sku, units) in lines.iter().flat_map(|line| line.stock(line.quantity)) {
                *self.wanted.entry(sku).or_default() += i64::from(units);
            }
        }
    }

    fn keep(&mut self, suppose: &Suppose, facts: &OrderFacts, key: OrderKey, state: &State) {
        if suppose.scene != SceneKind::AllChannels {
            return;
        }
        if let Some(Entity::Order(order)) = state.entity(&EntityKey::Order(key)) {
            let days = self.channels.entry(facts.channel.clone()).or_default();
            days.entry(day_of(facts)).or_default().push((**order).clone());
        }
    }

    /// What it comes to at the last record; or all that is supposed of what the journal does not know.
    pub fn finish(self, suppose: &Suppose, state: &State) -> Result<Surveyed, Vec<Fault>> {
        let mut world = World::default();
        world.begin(state, &Suppose::default());
        let rules = suppose.resolved(&world.network.catalogue)?;
        let empty = || vec![Fault::new("from", "no_orders", "no order was placed in this period")];
        let busiest = self.days.iter().max_by_key(|(day, orders)| (**orders, -**day)).map(|(day, _)| *day);
        let scene = match suppose.scene {
            SceneKind::AsItWas => Scene::AsItWas,
            SceneKind::BusiestDay => Scene::Busiest { day: busiest.ok_or_else(empty)? },
            SceneKind::StockOut => {
                let needs = |(sku, wanted): (SkuIndex, i64)| {
                    (sku, (wanted - self.received.get(&sku).copied().unwrap_or(0)).max(0))
                };
                Scene::Edge { needs: self.wanted.into_iter().map(needs).collect() }
            }
            SceneKind::AllChannels => Scene::together(busiest.ok_or_else(empty)?, self.channels),
        };
        Ok(Surveyed { rules, scene })
    }
}

/// A scene with its figures.
#[derive(Debug, Default)]
pub(super) enum Scene {
    /// As it was.
    #[default]
    AsItWas,
    /// One day.
    Busiest { day: i64 },
    /// Free units that every sku needs at the beginning.
    Edge { needs: BTreeMap<SkuIndex, i64> },
    /// One day with the busiest of every channel.
    Together { day: i64, peaks: BTreeMap<Text, i64>, extras: VecDeque<Order>, placed: u64 },
}

/// How an order is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Treatment {
    /// Whether it is decided again.
    pub decides: bool,
    /// Whether what was decided counts.
    pub counts: bool,
    /// How often it is there.
    pub copies: u32,
}

impl Scene {
    fn together(day: i64, channels: BTreeMap<Text, BTreeMap<i64, Vec<Order>>>) -> Self {
        let (mut peaks, mut extras) = (BTreeMap::new(), Vec::new());
        for (channel, mut days) in channels {
            let peak = days.iter().max_by_key(|(day, orders)| (orders.len(), -**day)).map(|(day, _)| *day);
            let Some(peak) = peak else { continue };
            if peak != day {
                extras.extend(days.remove(&peak).unwrap_or_default());
            }
            peaks.insert(channel, peak);
        }
        extras.sort_by_key(|order| (hour(&order.facts), order.key));
        Self::Together { day, peaks, extras: extras.into(), placed: 0 }
    }

    /// How an order is taken.
    pub fn treatment(&self, suppose: &Suppose, facts: &OrderFacts, key: OrderKey) -> Treatment {
        let follows = Treatment { decides: false, counts: false, copies: 1 };
        if !suppose.is_within(facts) {
            return follows;
        }
        let decides = |ppm| Treatment { decides: true, counts: true, copies: suppose.copies(key, ppm) };
        match self {
            Self::AsItWas | Self::Edge { .. } => decides(WHOLE),
            Self::Busiest { day } if day_of(facts) == *day => decides(2 * WHOLE),
            Self::Busiest { .. } => follows,
            Self::Together { day, peaks, .. } => {
                let (own, here) = (peaks.get(&facts.channel) == Some(&day_of(facts)), day_of(facts) == *day);
                match (own, here) {
                    (true, true) => decides(WHOLE),
                    (true, false) => Treatment { counts: true, ..follows },
                    (false, true) => Treatment { decides: true, counts: false, copies: 0 },
                    (false, false) => follows,
                }
            }
        }
    }

    /// Up to which time of day orders of other days are placed behind this one: those of the whole day behind one of a later
    /// day.
    pub fn hour_of(&self, facts: &OrderFacts) -> Option<i64> {
        match self {
            Self::Together { day, extras, .. } if !extras.is_empty() => match day_of(facts).cmp(day) {
                Ordering::Less => None,
                Ordering::Equal => Some(hour(facts)),
                Ordering::Greater => Some(i64::MAX),
            },
            _ => None,
        }
    }

    /// The next order of another day that is placed by this hour.
    pub fn next_extra(&mut self, by: i64) -> Option<(OrderKey, Box<Order>)> {
        let Self::Together { extras, placed, .. } = self else { return None };
        extras.front().filter(|order| hour(&order.facts) <= by)?;
        let order = extras.pop_front()?;
        *placed += 1;
        Some((OrderKey(EXTRA_KEYS + *placed), Box::new(order)))
    }

    /// Whether there is less stock at the beginning.
    pub fn cuts_stock(&self) -> bool {
        matches!(self, Self::Edge { .. })
    }

    /// Units that each cell has fewer at the beginning, of what is free: as large a share of each cell of a sku, and of what
    /// no share tells the first.
    pub fn cuts(&self, free: &BTreeMap<CellKey, i64>) -> Vec<(CellKey, i64)> {
        let Self::Edge { needs } = self else { return Vec::new() };
        let mut cuts = Vec::new();
        for (sku, need) in needs {
            let cells = free.iter().filter(|(cell, units)| cell.sku == *sku && **units > 0);
            let cells: Vec<(CellKey, i64)> = cells.map(|(cell, units)| (*cell, *units)).collect();
            let total: i64 = cells.iter().map(|(_, units)| units).sum();
            let mut over = (total - need).max(0);
            let share = |units: i64| i128::from(units) * i128::from(over) / i128::from(total.max(1));
            let mut cut: Vec<i64> = cells.iter().map(|(_, units)| i64::try_from(share(*units)).unwrap_or(0)).collect();
            over -= cut.iter().sum::<i64>();
            for (own, (_, units)) in cut.iter_mut().zip(&cells) {
                let more = over.min(units - *own);
                *own += more;
                over -= more;
            }
            cuts.extend(cells.iter().zip(cut).filter(|(_, units)| *units > 0).map(|((cell, _), units)| (*cell, units)));
        }
        cuts
    }
}

/// Milliseconds of the day, UTC.
fn hour(facts: &OrderFacts) -> i64 {
    facts.placed_at.0.rem_euclid(DAY_MS)
}

impl Surveyed {
    /// Nothing but other rules.
    pub fn by(rules: Arc<AppliedRules>) -> Self {
        Self { rules: Some(rules), scene: Scene::AsItWas }
    }

    /// The rules that are supposed, else those of an order that names none, at a state; and whether carriers are asked then.
    pub fn usual(&self, suppose: &Suppose, state: &State) -> (RuleTerms, bool) {
        let mut world = World::default();
        world.begin(state, suppose);
        let catalogue = &world.network.catalogue;
        let has_carriers = catalogue.shipping().carriers().next().is_some();
        let usual = self.rules.clone().or_else(|| catalogue.rules().named("default", has_carriers).cloned());
        (usual.map(|rules| (*rules.terms).clone()).unwrap_or_default(), has_carriers)
    }
}
