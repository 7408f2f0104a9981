//! The same orders, sourced in different ways, one after the other as they were placed: by rule sets of the engine, by a
//! well-known score with line-by-line allocation, line by line alone, and by the sellers that really shipped.
//!
//! A sku is a category and a weight class, so that several sellers can serve a line; each has the units that it sold. Every
//! way has a directory of its own, in which its own plans use up the stock.
//!
//! **What is fitted, and on what.** On the first half of the orders: *freight* of a parcel, least squares of the real
//! `freight_value` of orders of one line by zone of distance, as a base and a step for every kilogram begun; *lead* of a
//! seller, the median of his days from order to carrier (of all where he has few orders); *transit* by zone, a quantile of the
//! days that delivery really took beyond the lead. The data know one service, so the score's ratio of prices is 1 everywhere.
//! Cost and days of every way, the real sellers' too, are those of the carrier that is made of the fit; *promises* are set
//! against the real dates of the second half.
//!
//! Promises: the same on every machine: no clock, no chance, no transcendental function; the hash says so. What is *not* here:
//! serving, shipping, restarts (`olist`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use ordain::domain::carrier::rates::{Prices, Rates, WeightUnit};
use ordain::domain::carrier::zones::Zones;
use ordain::domain::carrier::{Carrier, Service, ShippingTerms};
use ordain::domain::command::*;
use ordain::domain::geo::Position;
use ordain::domain::ids::Text;
use ordain::domain::item::{Dimensions, ItemKind};
use ordain::domain::money::Currency;
use ordain::domain::node::{Node, NodeKind};
use ordain::domain::order::{OrderType, Sealed};
use ordain::domain::promise::calendar::{Calendar, DAY_MIN, Weekdays};
use ordain::domain::quantity::Quantity;
use ordain::domain::reply::Reply;
use ordain::domain::rules::{RuleTerms, Term};
use ordain::domain::sourcing::score::{Seen, first_highest};
use ordain::domain::stock::MovementKind;
use ordain::domain::time::WallTime;
use ordain::engine::Executed;
use ordain::journal::{ClockChoice, ManualClock, Options, StoreKind, Unrecovered, Workers};
use ordain::pipeline::Pipeline;

use super::replay::Stop;
use super::{Olist, Order, Sku};

const KIND: Sku = Sku::CategoryAndWeight;
const DAY_MS: i64 = 86_400_000;
/// Metres at which zones end.
const ZONES_M: [u32; 8] = [50_000, 100_000, 200_000, 400_000, 700_000, 1_100_000, 1_600_000, 2_300_000];
const ZONES: usize = ZONES_M.len() + 1;
/// Longest lead that is told, days.
const LEAD_MAX: u16 = 10;
/// Samples below which the figure of all stands for one's own.
const SAMPLES_MIN: usize = 20;
/// Orders of a seller below which the lead of all stands for his.
const OWN_LEAD_MIN: usize = 3;
/// Adjustments put together.
const CHUNK: usize = 200;
/// Orders after which the journal writes.
const WRITTEN_TOGETHER: usize = 64;

/// How orders are sourced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the sellers that shipped.
    Real,
    /// The best score's seller first, then line by line.
    Score,
    /// Line by line from the first that has any.
    LineByLine,
    /// By a rule set of that name.
    Rules(&'static str),
}

/// All of them, in the order in which they are told.
pub const WAYS: [Way; 7] = [
    Way::Real,
    Way::LineByLine,
    Way::Score,
    Way::Rules("cheapest"),
    Way::Rules("fewest_splits"),
    Way::Rules("fastest"),
    Way::Rules("balanced"),
];

/// What is sent from one seller: units by sku.
type Parcel = BTreeMap<String, u32>;
/// Parcels by seller.
type Sent = BTreeMap<String, Parcel>;

/// What came of a way.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Freight of all parcels, centavos.
    pub freight: i64,
    /// Parcels.
    pub parcels: u64,
    /// Orders of more than one.
    pub split: u64,
    /// Units.
    pub units: u64,
    /// Days from the order to its last parcel, order by order.
    pub days: Vec<i64>,
    /// Orders whose plan is proven best, where somebody proves it.
    pub optimal: Option<u64>,
    /// Of all that was chosen.
    pub hash: u64,
}

/// What was promised, against when it came.
#[derive(Clone, Debug, Default)]
pub struct Promised {
    /// Its name.
    pub name: String,
    /// Orders.
    pub orders: u64,
    /// Those that came on the day or before.
    pub on_time: u64,
    /// Days between promise and delivery, either way.
    pub off_days: i64,
    /// Days that promises lay after the delivery, those before it against them.
    pub early_days: i64,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Orders.
    pub orders: usize,
    /// Those of several lines.
    pub of_several_lines: usize,
    /// What was fitted.
    pub fit: Fit,
    /// By way.
    pub rows: Vec<Row>,
    /// Dates of the second half.
    pub promises: Vec<Promised>,
}

/// Figures of a carrier and of sellers, from the first half.
#[derive(Clone, Debug, Default)]
pub struct Fit {
    /// Centavos by zone: a base, and a step for every kilogram begun.
    pub base: Vec<i64>,
    /// See `base`.
    pub step: Vec<i64>,
    /// Part of the variance of freight that it explains, thousandths.
    pub explained: i64,
    /// Days beyond the lead by zone: the median, and nine in ten.
    pub transit: [Vec<u16>; 2],
    /// Lead by seller, days.
    lead: BTreeMap<String, u16>,
    lead_of_all: u16,
}

impl Fit {
    fn of(olist: &Olist) -> Self {
        let train = &olist.orders[..olist.orders.len().div_ceil(2)];
        let mut fit = Self::default();
        fit.fit_freight(olist, train);
        fit.fit_leads(train);
        fit.fit_transit(olist, train);
        fit
    }

    fn fit_freight(&mut self, olist: &Olist, train: &[Order]) {
        let mut samples: Vec<Vec<(f64, f64)>> = vec![Vec::new(); ZONES];
        for order in train.iter().filter(|order| order.lines.len() == 1) {
            let line = &order.lines[0];
            let kilograms = olist.unit_weight_g(KIND, &line.product).div_ceil(1_000);
            samples[zone(olist.metres(&line.seller, order))].push((f64::from(kilograms), line.freight as f64));
        }
        let of_all = line_through(&samples.concat());
        let lines = samples.iter().map(|of| if of.len() < SAMPLES_MIN { of_all } else { line_through(of) });
        let lines: Vec<(f64, f64)> = lines.collect();
        let mean = mean(samples.iter().flatten().map(|(_, freight)| *freight));
        let (mut left, mut all) = (0.0, 0.0);
        for ((base, step), of) in lines.iter().zip(&samples) {
            for (kilograms, freight) in of {
                left += (freight - base - step * kilograms) * (freight - base - step * kilograms);
                all += (freight - mean) * (freight - mean);
            }
        }
        self.explained = if all > 0.0 { ((1.0 - left / all) * 1_000.0) as i64 } else { 0 };
        self.base = lines.iter().map(|(base, _)| base.max(0.0) as i64).collect();
        self.step = lines.iter().map(|(_, step)| step.max(0.0) as i64).collect();
    }

    fn fit_leads(&mut self, train: &[Order]) {
        let mut days: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for order in train.iter().filter(|order| order.was_shipped) {
            for seller in order.sellers() {
                days.entry(seller).or_default().push(day(order.shipped_ms) - day(order.placed_ms));
            }
        }
        let told = |days: Vec<i64>| quantile(days, 50).clamp(0, i64::from(LEAD_MAX)) as u16;
        self.lead_of_all = told(days.values().flatten().copied().collect());
        let own = days.into_iter().filter(|(_, days)| days.len() >= OWN_LEAD_MIN);
        self.lead = own.map(|(seller, days)| (seller.to_owned(), told(days))).collect();
    }

    fn fit_transit(&mut self, olist: &Olist, train: &[Order]) {
        let mut days: Vec<Vec<i64>> = vec![Vec::new(); ZONES];
        for order in train.iter().filter(|order| order.was_delivered) {
            let sellers: Vec<&str> = order.sellers().collect();
            if let [seller] = sellers[..] {
                let taken = day(order.delivered_ms) - day(order.placed_ms) - i64::from(self.lead_of(seller));
                days[zone(olist.metres(seller, order))].push(taken.max(0));
            }
        }
        self.transit = [50, 90].map(|percent| {
            let of_all = quantile(days.concat(), percent);
            let of = |days: &Vec<i64>| if days.len() < SAMPLES_MIN { of_all } else { quantile(days.clone(), percent) };
            days.iter().map(|days| of(days).clamp(0, 300) as u16).collect()
        });
    }

    fn lead_of(&self, seller: &str) -> u16 {
        self.lead.get(seller).copied().unwrap_or(self.lead_of_all)
    }

    fn carrier(&self, transit: &[u16]) -> Carrier {
        let service = Service {
            name: "parcel".into(),
            zones: Zones::Distance(ZONES_M.to_vec()),
            transit_days: transit.to_vec(),
            rates: Rates {
                unit: WeightUnit::Kilogram,
                prices: Prices::Steps { base: self.base.clone(), step: self.step.clone() },
            },
            surcharges: Vec::new(),
            max_weight_g: 100_000_000,
            dimensional: None,
            cutoff_min: None,
            pickup_days: Weekdays::EVERY,
            moving_days: Weekdays::EVERY,
            delivery_days: Weekdays::EVERY,
            on_holidays: true,
            countries: None,
            pickups: None,
            carbon: None,
        };
        Carrier { id: "fitted".into(), name: "As it was".into(), active: true, currency: None, services: vec![service] }
    }
}

/// A directory with all sellers and what they have.
struct Shop {
    pipeline: Pipeline,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl Shop {
    fn open(olist: &Olist, fit: &Fit, transit: &[u16]) -> Result<Self, Stop> {
        let folder = tempfile::tempdir()?;
        let clock = ManualClock::at(olist.orders.first().map_or(0, |order| order.placed_ms) - DAY_MS);
        let options = Options {
            store: StoreKind::Plain,
            workers: Workers::Caller,
            clock: ClockChoice::Manual(clock.clone()),
            ..Options::default()
        };
        let (journal, state) = Unrecovered::open(folder.path(), options)?.recover()?;
        let shop = Self { pipeline: Pipeline::start(journal, state, Currency::parse("BRL")), clock, _folder: folder };
        shop.supply(olist, fit, transit)?;
        Ok(shop)
    }

    fn supply(&self, olist: &Olist, fit: &Fit, transit: &[u16]) -> Result<(), Stop> {
        for lead_days in 0..=LEAD_MAX {
            let calendar = Calendar {
                id: calendar_of(lead_days),
                working: Weekdays::EVERY,
                opens_min: 0,
                closes_min: DAY_MIN,
                lead_days,
                lead_min: 0,
                holidays: Vec::new(),
            };
            self.run(Command::PutShipping(Box::new(ShippingTerms::Calendar(calendar))))?;
        }
        for (id, (row, position)) in sellers_of(olist) {
            let node = Node {
                id: id.as_str().into(),
                kind: NodeKind::ThirdParty,
                name: id.as_str().into(),
                position: *position,
                country: "BR".into(),
                postal_code: row["seller_zip_code_prefix"].as_str().into(),
                time_zone: "UTC".into(),
                active: true,
                inactive_reason: None,
                handling: None,
                capacity_per_day: None,
                cutoff_min: None,
                calendar: Some(calendar_of(fit.lead_of(id))),
                capabilities: Vec::new(),
            };
            self.run(Command::PutNode(Box::new(node)))?;
        }
        self.run(Command::PutShipping(Box::new(ShippingTerms::Carrier(fit.carrier(transit)))))?;
        let mut weights: BTreeMap<String, u32> = BTreeMap::new();
        for line in olist.orders.iter().flat_map(|order| &order.lines) {
            weights.insert(olist.sku(KIND, &line.product), olist.unit_weight_g(KIND, &line.product));
        }
        for (sku, weight_g) in &weights {
            let item = PutItem {
                sku: sku.as_str().into(),
                name: sku.as_str().into(),
                kind: ItemKind::Product,
                weight_g: *weight_g,
                dimensions: Dimensions::default(),
                value: None,
                components: Vec::new(),
                release_at: None,
                tracking: None,
                packing: Default::default(),
            };
            self.run(Command::PutItem(Box::new(item)))?;
        }
        let received: Vec<Adjustment> = stock_of(olist)
            .into_iter()
            .flat_map(|(sku, sellers)| {
                sellers.into_iter().map(move |(seller, units)| Adjustment {
                    sku: sku.as_str().into(),
                    node: seller.as_str().into(),
                    delta: i32::try_from(units).unwrap_or(i32::MAX),
                    reason: MovementKind::Received,
                })
            })
            .collect();
        for some in received.chunks(CHUNK) {
            self.run(Command::AdjustStock(some.to_vec()))?;
        }
        let objective = vec![Term::Shipping, Term::Handling, Term::Split { amount: 500 }, Term::Late { per_day: 100 }];
        let terms = RuleTerms { objective, ..RuleTerms::default() };
        self.run(Command::PutRules(PutRules { name: "balanced".into(), terms: Arc::new(terms) }))?;
        self.run(Command::ActivateRules(ActivateRules { name: "balanced".into(), version: 1, at: None }))?;
        self.write()
    }

    fn run(&self, command: Command) -> Result<Reply, Stop> {
        let executed = self.pipeline.engine().execute(self.pipeline.journal(), &Context::library(), command);
        match executed.map_err(|rejection| format!("{rejection:?}"))? {
            Executed::Done(outcome) => Ok(outcome.reply),
            _ => Err("nothing is asked for twice".into()),
        }
    }

    fn write(&self) -> Result<(), Stop> {
        let journal = self.pipeline.journal();
        journal.durable_blocking(journal.last_seq(), ()).map_err(|unknown| format!("{unknown:?}"))?;
        journal.upkeep();
        Ok(())
    }

    /// What the engine sends of an order by a rule set, and whether that is proven best.
    fn place(&self, olist: &Olist, order: &Order, rule_set: &str) -> Result<(Sent, bool), Stop> {
        self.clock.advance_to(order.placed_ms);
        let Reply::Order(placed) = self.run(Command::PlaceOrder(Box::new(command(olist, order, rule_set))))? else {
            return Err("an order is answered by one".into());
        };
        let decision = placed.decision.as_deref().ok_or("an order is decided")?;
        let id = |node| self.pipeline.engine().catalogue(|catalogue| catalogue.node(node).id.to_string());
        let mut sent = Sent::new();
        for assignment in &decision.assignments {
            let parcel = sent.entry(id(assignment.node)).or_default();
            for u in &assignment.lines {
                let product = &order.lines[usize::from(u.line)].product;
                *parcel.entry(olist.sku(KIND, product)).or_default() += u.quantity;
            }
        }
        Ok((sent, decision.optimal))
    }

    /// What a parcel costs, and how many days after the order it comes.
    fn ask(&self, order: &Order, seller: &str, parcel: &Parcel) -> Result<(i64, i64), Stop> {
        let lines = parcel.iter().map(|(sku, units)| {
            let units = Quantity::new(*units).ok_or("a parcel has units")?;
            Ok::<(Text, Quantity), Stop>((sku.as_str().into(), units))
        });
        let asked = AskRates {
            from: AskedFrom::Node(seller.into()),
            to: AskedTo {
                country: "BR".into(),
                postal_code: order.zip.as_str().into(),
                position: Some(order.position),
            },
            freight: AskedFreight::Lines(lines.collect::<Result<_, _>>()?),
            placed_at: Some(WallTime(order.placed_ms)),
            held_until: None,
        };
        let now = WallTime(order.placed_ms);
        let found = self.pipeline.engine().rates(now, &asked).map_err(|rejection| format!("{rejection:?}"))?;
        let offer = found.answers.offers.first().ok_or("the one service goes everywhere")?;
        let arrives = offer.promise.arrives.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp().as_millisecond();
        Ok((offer.price, day(arrives) - day(order.placed_ms)))
    }
}

/// Sellers who sold in these orders.
fn sellers_of(olist: &Olist) -> impl Iterator<Item = (&String, &(super::Row, Position))> {
    let sold: BTreeSet<&str> = olist.orders.iter().flat_map(Order::sellers).collect();
    olist.sellers.iter().filter(move |(id, _)| sold.contains(id.as_str()))
}

/// Units of a sku by seller, as each sold.
fn stock_of(olist: &Olist) -> BTreeMap<String, BTreeMap<String, u32>> {
    let mut stock: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    for line in olist.orders.iter().flat_map(|order| &order.lines) {
        *stock.entry(olist.sku(KIND, &line.product)).or_default().entry(line.seller.clone()).or_default() += 1;
    }
    stock
}

fn command(olist: &Olist, order: &Order, rule_set: &str) -> PlaceOrder {
    let line = |(at, line): (usize, &super::Sold)| PlaceLine {
        id: (at + 1).to_string().as_str().into(),
        sku: olist.sku(KIND, &line.product).as_str().into(),
        quantity: Quantity::new(1).expect("one is a quantity"),
        unit_price: line.price,
        group: 0,
    };
    PlaceOrder {
        id: Some(order.id.as_str().into()),
        fingerprint: 0,
        kind: OrderType::Standard,
        channel: "marketplace".into(),
        channel_order_id: order.id.as_str().into(),
        customer: order.customer.as_str().into(),
        personal: Sealed::default(),
        currency: Currency::parse("BRL").expect("three letters"),
        destinations: vec![ShipTo {
            group: "".into(),
            country: "BR".into(),
            postal_code: order.zip.as_str().into(),
            position: Some(order.position),
            parts: None,
            personal: Sealed::default(),
        }],
        lines: order.lines.iter().enumerate().map(line).collect(),
        delivery_method: "ship".into(),
        reservation: None,
        reacquire: false,
        rule_set: Some(rule_set.into()),
        placed_at: Some(WallTime(order.placed_ms)),
        payment: None,
        total: None,
        holds: Vec::new(),
        wishes: Wishes::default(),
    }
}

/// The stock of the two ways that are no engine's.
struct Shelves {
    stock: BTreeMap<String, BTreeMap<String, u32>>,
    /// Ascending.
    sellers: Vec<String>,
}

impl Shelves {
    fn has(&self, sku: &str, seller: &str) -> u32 {
        self.stock.get(sku).and_then(|sellers| sellers.get(seller)).copied().unwrap_or(0)
    }

    /// The seller with the best score, as that looks at stock: line by line, whatever other lines take.
    fn best(&self, skus: &[String]) -> Option<String> {
        let count = u32::try_from(skus.len()).unwrap_or(u32::MAX);
        let seen = |seller: &str| Seen {
            lines_in_full: skus.iter().filter(|sku| self.has(sku, seller) > 0).count() as u32,
            lines: count,
            cheapest: 1.0,
            fastest: 1.0,
            learned: None,
            cost_factor: None,
            units: count,
        };
        let all: Vec<Seen> = self.sellers.iter().map(|seller| seen(seller)).collect();
        first_highest(&all).map(|at| self.sellers[at].clone())
    }

    /// Takes each line from the preferred seller, else from the first that has it.
    fn line_by_line(&mut self, skus: &[String], preferred: Option<&str>) -> Sent {
        let mut sent = Sent::new();
        for sku in skus {
            let own = preferred.filter(|seller| self.has(sku, seller) > 0).map(str::to_owned);
            let first = || self.stock[sku].iter().find(|(_, units)| **units > 0).map(|(seller, _)| seller.clone());
            let Some(seller) = own.or_else(first) else { continue };
            if let Some(units) = self.stock.get_mut(sku).and_then(|sellers| sellers.get_mut(&seller)) {
                *units -= 1;
            }
            *sent.entry(seller).or_default().entry(sku.clone()).or_default() += 1;
        }
        sent
    }
}

impl Way {
    fn name(self) -> String {
        match self {
            Self::Real => "sellers that really shipped".to_owned(),
            Self::Score => "score, then line by line".to_owned(),
            Self::LineByLine => "line by line".to_owned(),
            Self::Rules(name) => format!("ordain, {name}"),
        }
    }

    /// All orders, one after the other.
    pub fn run(self, olist: &Olist, fit: &Fit) -> Result<Row, Stop> {
        let shop = Shop::open(olist, fit, &fit.transit[0])?;
        let sellers = sellers_of(olist).map(|(id, _)| id.clone()).collect();
        let mut shelves = Shelves { stock: stock_of(olist), sellers };
        let mut row = Row { name: self.name(), ..Row::default() };
        for (at, order) in olist.orders.iter().enumerate() {
            let skus: Vec<String> = order.lines.iter().map(|line| olist.sku(KIND, &line.product)).collect();
            let sent = match self {
                Self::Real => real(olist, order),
                Self::LineByLine => shelves.line_by_line(&skus, None),
                Self::Score => {
                    let best = shelves.best(&skus);
                    shelves.line_by_line(&skus, best.as_deref())
                }
                Self::Rules(name) => {
                    let (sent, optimal) = shop.place(olist, order, name)?;
                    *row.optimal.get_or_insert(0) += u64::from(optimal);
                    sent
                }
            };
            row.add(&shop, order, &sent)?;
            if at % WRITTEN_TOGETHER == 0 {
                shop.write()?;
            }
        }
        Ok(row)
    }
}

fn real(olist: &Olist, order: &Order) -> Sent {
    let mut sent = Sent::new();
    for line in &order.lines {
        let parcel = sent.entry(line.seller.clone()).or_default();
        *parcel.entry(olist.sku(KIND, &line.product)).or_default() += 1;
    }
    sent
}

impl Row {
    fn add(&mut self, shop: &Shop, order: &Order, sent: &Sent) -> Result<(), Stop> {
        let mut last = 0;
        for (seller, parcel) in sent {
            let (price, days) = shop.ask(order, seller, parcel)?;
            self.freight += price;
            self.units += parcel.values().map(|units| u64::from(*units)).sum::<u64>();
            last = last.max(days);
            for byte in seller.bytes().chain(price.to_le_bytes()).chain(days.to_le_bytes()) {
                self.hash = mix(self.hash ^ u64::from(byte));
            }
        }
        self.parcels += sent.len() as u64;
        self.split += u64::from(sent.len() > 1);
        self.days.push(last);
        Ok(())
    }

    /// Mean of the days.
    pub fn mean_days(&self) -> f64 {
        mean(self.days.iter().map(|days| *days as f64))
    }
}

impl Promised {
    fn add(&mut self, promised: i64, came: i64) {
        self.orders += 1;
        self.on_time += u64::from(came <= promised);
        self.off_days += (came - promised).abs();
        self.early_days += promised - came;
    }
}

/// Dates of the second half that sellers would have been promised by, and the marketplace's own.
fn promises(olist: &Olist, fit: &Fit) -> Result<Vec<Promised>, Stop> {
    let test = &olist.orders[olist.orders.len().div_ceil(2)..];
    let known = || test.iter().filter(|order| order.was_delivered);
    let mut told = Vec::new();
    for (name, transit) in ["ordain, median transit", "ordain, nine in ten"].into_iter().zip(&fit.transit) {
        let shop = Shop::open(olist, fit, transit)?;
        let mut promised = Promised { name: name.to_owned(), ..Promised::default() };
        for order in known() {
            let mut last = 0;
            for (seller, parcel) in &real(olist, order) {
                last = last.max(shop.ask(order, seller, parcel)?.1);
            }
            promised.add(last, day(order.delivered_ms) - day(order.placed_ms));
        }
        told.push(promised);
    }
    let mut own = Promised { name: "the marketplace's own estimate".to_owned(), ..Promised::default() };
    for order in known() {
        own.add(day(order.estimated_ms) - day(order.placed_ms), day(order.delivered_ms) - day(order.placed_ms));
    }
    told.push(own);
    Ok(told)
}

/// All ways, and all promises.
pub fn compare(olist: &Olist) -> Result<Comparison, Stop> {
    let fit = Fit::of(olist);
    let rows = WAYS.iter().map(|way| way.run(olist, &fit)).collect::<Result<_, _>>()?;
    let promises = promises(olist, &fit)?;
    let of_several_lines = olist.orders.iter().filter(|order| order.lines.len() > 1).count();
    Ok(Comparison { orders: olist.orders.len(), of_several_lines, fit, rows, promises })
}

impl Comparison {
    /// Hash of all that was chosen.
    pub fn hash(&self) -> u64 {
        self.rows.iter().fold(0, |hash, row| mix(hash ^ row.hash))
    }

    /// The row of a way.
    pub fn row(&self, way: Way) -> &Row {
        let at = WAYS.iter().position(|known| *known == way).expect("it is one of all ways");
        &self.rows[at]
    }

    /// All of it as text.
    pub fn told(&self) -> String {
        let mut text = String::new();
        // Text in memory takes all that is written.
        let _ = self.tell(&mut text);
        text
    }

    fn tell(&self, out: &mut String) -> std::fmt::Result {
        let Fit { base, step, explained, transit, lead_of_all, .. } = &self.fit;
        writeln!(
            out,
            "{} orders, {} of several lines; sku = category and weight class",
            self.orders, self.of_several_lines
        )?;
        writeln!(out, "freight fitted on the real freight_value of the first half: zones end at {ZONES_M:?} m")?;
        writeln!(
            out,
            "  base {base:?}, step a kg {step:?} centavos; {:.1} % of the variance",
            *explained as f64 / 10.0
        )?;
        writeln!(out, "  lead {lead_of_all} days; transit by zone {:?}, nine in ten {:?}", transit[0], transit[1])?;
        writeln!(
            out,
            "\n{:<30} {:>11} {:>9} {:>7} {:>8} {:>10} {:>9} {:>9}",
            "sourced by", "freight", "parcels", "split", "% split", "days mean", "days p90", "proven"
        )?;
        for row in &self.rows {
            let orders = row.days.len().max(1) as f64;
            writeln!(
                out,
                "{:<30} {:>11.2} {:>9} {:>7} {:>8.2} {:>10.2} {:>9} {:>9}",
                row.name,
                row.freight as f64 / 100.0,
                row.parcels,
                row.split,
                row.split as f64 * 100.0 / orders,
                row.mean_days(),
                quantile(row.days.clone(), 90),
                row.optimal.map_or_else(|| "-".to_owned(), |proven| proven.to_string()),
            )?;
        }
        self.tell_ratios(out)?;
        writeln!(
            out,
            "\n{:<34} {:>7} {:>10} {:>12} {:>12}",
            "promised by", "orders", "% on time", "days off", "days early"
        )?;
        for promised in &self.promises {
            let orders = promised.orders.max(1) as f64;
            writeln!(
                out,
                "{:<34} {:>7} {:>10.1} {:>12.2} {:>12.2}",
                promised.name,
                promised.orders,
                promised.on_time as f64 * 100.0 / orders,
                promised.off_days as f64 / orders,
                promised.early_days as f64 / orders,
            )?;
        }
        writeln!(out, "\nresult {:016x}", self.hash())
    }

    fn tell_ratios(&self, out: &mut String) -> std::fmt::Result {
        for against in [Way::LineByLine, Way::Score] {
            let other = self.row(against);
            writeln!(out, "\nagainst {}:", other.name)?;
            for row in &self.rows[3..] {
                let less = |own: f64, other: f64| if other > 0.0 { (1.0 - own / other) * 100.0 } else { 0.0 };
                writeln!(
                    out,
                    "  {:<28} {:>6.1} % fewer split, {:>6.1} % fewer days, {:>6.1} % less freight",
                    row.name,
                    less(row.split as f64, other.split as f64),
                    less(row.mean_days(), other.mean_days()),
                    less(row.freight as f64, other.freight as f64),
                )?;
            }
        }
        Ok(())
    }
}

fn calendar_of(lead_days: u16) -> Text {
    format!("lead-{lead_days}").as_str().into()
}

fn zone(metres: u64) -> usize {
    ZONES_M.partition_point(|bound| u64::from(*bound) < metres)
}

/// Days since 1970 of an instant.
fn day(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}

/// The value that so many in a hundred do not exceed.
fn quantile(mut values: Vec<i64>, percent: usize) -> i64 {
    values.sort_unstable();
    values.get((values.len().saturating_sub(1)) * percent / 100).copied().unwrap_or(0)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Base and step of least squares.
fn line_through(samples: &[(f64, f64)]) -> (f64, f64) {
    let (x, y) = (mean(samples.iter().map(|(x, _)| *x)), mean(samples.iter().map(|(_, y)| *y)));
    let (mut of_both, mut of_x) = (0.0, 0.0);
    for (own_x, own_y) in samples {
        of_both += (own_x - x) * (own_y - y);
        of_x += (own_x - x) * (own_x - x);
    }
    let step = if of_x > 0.0 { (of_both / of_x).max(0.0) } else { 0.0 };
    (y - step * x, step)
}

fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^ z >> 31
}
