//! Replays 10,000 orders of the Olist marketplace through a server and compares its sourcing with what really shipped.
//!
//! Every seller is a node at the centroid of its zip code, with the stock it sold in the sample. Two runs: in the first a
//! sku is a product, so nearly every line has one seller that can serve it; in the second a sku is a category and a weight
//! class, so that several sellers can and sourcing has a choice.
//!
//! Times are those of the data: placed, given to the carrier, delivered. Cost and distance are set against the sellers that
//! really shipped, under the same tariff. A destination or seller whose zip code has no centroid stands at its state's.
//!
//! `--compare` prints instead what the engine's rule sets make of them in process, beside a well-known score and line-by-line
//! allocation: `cargo run --release --example olist -- --compare`.
//!
//! Source: Brazilian E-Commerce Public Dataset by Olist (Kaggle, olistbr/brazilian-ecommerce), CC BY-NC-SA 4.0.

#[allow(dead_code, reason = "this converter knows no cancellations and no losses")]
pub mod replay;

#[path = "olist/compare.rs"]
#[allow(dead_code, reason = "a test reads more than is told")]
pub mod compare;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use ordain::domain::geo::Position;
use ordain::domain::rule_set::RuleSet;
use ordain::domain::sourcing::Tariff;
use replay::{Act, Options, Plan, Report, Step, Stop, at_ms, table};
use serde_json::{Value, json};

/// Replay 10,000 marketplace orders: each seller a node, each product an item.
#[derive(Debug, Parser)]
#[command(name = "olist")]
struct Line {
    #[command(flatten)]
    options: Options,
    /// Compare ways of sourcing in process instead.
    #[arg(long)]
    compare: bool,
}

/// What a sku stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sku {
    /// A product of the data set.
    Product,
    /// All products of a category and a weight class.
    CategoryAndWeight,
}

/// Upper bounds of the weight classes, grams.
const WEIGHT_CLASSES_G: [u32; 7] = [250, 500, 1_000, 2_000, 5_000, 10_000, 20_000];

type Row = HashMap<String, String>;

/// One order, joined from the tables.
pub struct Order {
    id: String,
    customer: String,
    state: String,
    city: String,
    zip: String,
    position: Position,
    lines: Vec<Sold>,
    placed_ms: i64,
    shipped_ms: i64,
    delivered_ms: i64,
    estimated_ms: i64,
    /// Whether those instants are of the data.
    was_shipped: bool,
    was_delivered: bool,
}

/// One line of it.
pub struct Sold {
    product: String,
    seller: String,
    price: i64,
    freight: i64,
}

/// The data set, joined.
pub struct Olist {
    orders: Vec<Order>,
    sellers: BTreeMap<String, (Row, Position)>,
    products: HashMap<String, Row>,
}

/// What the sellers that really shipped would have cost, and what was chosen, summed.
#[derive(Default)]
struct Compared {
    orders: u64,
    real_cost: i64,
    real_shipments: u64,
    real_km: f64,
    chosen_cost: i64,
    chosen_shipments: u64,
    chosen_km: f64,
    cheaper: u64,
    dearer: u64,
}

fn main() -> ExitCode {
    if replay::is_server() {
        return ordain::cli::run(std::env::args_os());
    }
    let Line { options, compare } = Line::parse();
    if compare {
        return told(&options);
    }
    let program = std::env::current_exe();
    let reports = program.map_err(Stop::from).and_then(|program| replays(&options, &program));
    match reports.and_then(|reports| replay::tell(&reports, &options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(stop) => {
            eprintln!("olist: {stop}");
            ExitCode::from(1)
        }
    }
}

fn told(options: &Options) -> ExitCode {
    let compared = Olist::read(&options.folder("olist"), options.limit).and_then(|olist| compare::compare(&olist));
    match compared {
        Ok(comparison) => {
            print!("{}", comparison.told());
            ExitCode::SUCCESS
        }
        Err(stop) => {
            eprintln!("olist: {stop}");
            ExitCode::from(1)
        }
    }
}

/// Both runs.
pub fn replays(options: &Options, program: &Path) -> Result<Vec<Report>, Stop> {
    let olist = Olist::read(&options.folder("olist"), options.limit)?;
    // A server that is not ours holds one data directory, so only the run with a choice is made on it.
    let skus: &[Sku] =
        if options.url.is_some() { &[Sku::CategoryAndWeight] } else { &[Sku::Product, Sku::CategoryAndWeight] };
    skus.iter().map(|sku| olist.run(*sku, options, program)).collect()
}

impl Olist {
    /// Reads and joins the tables.
    pub fn read(folder: &Path, limit: Option<usize>) -> Result<Self, Stop> {
        let places = Places::read(folder)?;
        let by = |file: &str, key: &str| -> Result<HashMap<String, Row>, Stop> {
            Ok(table(folder, file)?.into_iter().map(|row| (row[key].clone(), row)).collect())
        };
        let products = by("products.csv.gz", "product_id")?;
        let customers = by("customers_sample.csv.gz", "customer_id")?;
        let mut sold: HashMap<String, Vec<Sold>> = HashMap::new();
        let mut limits: HashMap<String, i64> = HashMap::new();
        let mut selling = BTreeSet::new();
        for row in table(folder, "order_items_sample.csv.gz")? {
            let order = row["order_id"].clone();
            selling.insert(row["seller_id"].clone());
            limits.insert(order.clone(), at_ms(&row["shipping_limit_date"]).ok_or("a line has a shipping limit")?);
            let line = Sold {
                product: row["product_id"].clone(),
                seller: row["seller_id"].clone(),
                price: minor_units(&row["price"])?,
                freight: minor_units(&row["freight_value"])?,
            };
            sold.entry(order).or_default().push(line);
        }
        let mut orders = Vec::new();
        for row in table(folder, "orders.csv.gz")? {
            let Some(lines) = sold.remove(&row["order_id"]) else { continue };
            let customer = &customers[&row["customer_id"]];
            let (zip, state) = (&customer["customer_zip_code_prefix"], &customer["customer_state"]);
            let placed_ms = at_ms(&row["order_purchase_timestamp"]).ok_or("an order has a time")?;
            // A few orders have no time at the carrier or at the customer, or one before the order.
            let told = |column: &str| at_ms(&row[column]);
            let (shipped, delivered) = (told("order_delivered_carrier_date"), told("order_delivered_customer_date"));
            let shipped_ms = shipped.unwrap_or(limits[&row["order_id"]]).max(placed_ms + 1);
            let delivered_ms = delivered.unwrap_or(shipped_ms).max(shipped_ms + 1);
            let estimated_ms = told("order_estimated_delivery_date").unwrap_or(delivered_ms);
            orders.push(Order {
                id: row["order_id"].clone(),
                customer: customer["customer_unique_id"].clone(),
                state: state.clone(),
                city: customer["customer_city"].clone(),
                zip: zip.clone(),
                position: places.position(zip, state)?,
                lines,
                placed_ms,
                shipped_ms,
                delivered_ms,
                estimated_ms,
                was_shipped: shipped.is_some_and(|at| at > placed_ms),
                was_delivered: delivered.is_some_and(|at| at > shipped_ms),
            });
        }
        orders.sort_by(|a, b| (a.placed_ms, &a.id).cmp(&(b.placed_ms, &b.id)));
        orders.truncate(limit.unwrap_or(usize::MAX));
        let mut sellers = BTreeMap::new();
        for row in table(folder, "sellers.csv.gz")? {
            if selling.contains(&row["seller_id"]) {
                let position = places.position(&row["seller_zip_code_prefix"], &row["seller_state"])?;
                sellers.insert(row["seller_id"].clone(), (row, position));
            }
        }
        Ok(Self { orders, sellers, products })
    }

    fn run(&self, kind: Sku, options: &Options, program: &Path) -> Result<Report, Stop> {
        let compared = Mutex::new(Compared::default());
        let of: HashMap<&str, &Order> = self.orders.iter().map(|order| (order.id.as_str(), order)).collect();
        let on_placed = |request: &Value, answer: &Value| {
            if let Some(order) = request["id"].as_str().and_then(|id| of.get(id.split('.').next().unwrap_or(id))) {
                let mut compared = compared.lock().expect("no one panics with the lock held");
                self.compare(kind, order, answer, &mut compared);
            }
        };
        let mut report = replay::run(self.plan(kind), options, program, &on_placed)?;
        compared.into_inner().expect("no one panics with the lock held").tell(&mut report);
        Ok(report)
    }

    fn plan(&self, kind: Sku) -> Plan {
        let nodes = self.sellers.iter().map(|(id, (row, position))| {
            json!({
                "id": id, "kind": "third_party", "name": format!("Seller in {}", row["seller_city"]),
                "latitude": position.latitude(), "longitude": position.longitude(), "country": "BR",
                "postal_code": row["seller_zip_code_prefix"], "time_zone": "America/Sao_Paulo", "active": true,
            })
        });
        let mut items: BTreeMap<String, Value> = BTreeMap::new();
        let mut stock: BTreeMap<(String, &str), u64> = BTreeMap::new();
        let mut notes = BTreeMap::new();
        for line in self.orders.iter().flat_map(|order| &order.lines) {
            let sku = self.sku(kind, &line.product);
            *stock.entry((sku.clone(), &line.seller)).or_default() += 1;
            items.entry(sku.clone()).or_insert_with(|| self.item(kind, &sku, &line.product, &mut notes));
        }
        let stock =
            stock.into_iter().map(|((sku, seller), units)| json!({"sku": sku, "node": seller, "on_hand": units}));
        let name = match kind {
            Sku::Product => "olist, sku = product",
            Sku::CategoryAndWeight => "olist, sku = category and weight class",
        };
        Plan {
            name: name.to_owned(),
            currency: "BRL",
            nodes: nodes.collect(),
            items: items.into_values().collect(),
            stock: stock.collect(),
            steps: self.orders.iter().flat_map(|order| self.steps(kind, order)).collect(),
            notes,
        }
    }

    fn steps(&self, kind: Sku, order: &Order) -> [Step; 3] {
        let line = |(at, line): (usize, &Sold)| {
            let unit_price = json!({"amount": line.price, "currency": "BRL"});
            let sku = self.sku(kind, &line.product);
            json!({"id": (at + 1).to_string(), "sku": sku, "quantity": 1, "unit_price": unit_price})
        };
        let body = json!({
            "id": order.id, "type": "standard", "channel": "marketplace", "channel_order_id": order.id,
            "customer": {"id": order.customer, "name": "Customer", "email": "customer@example.org"},
            "ship_to": {
                "name": "Customer", "line1": "Address", "city": order.city, "region": order.state,
                "postal_code": order.zip, "country": "BR",
                "latitude": order.position.latitude(), "longitude": order.position.longitude(),
            },
            "lines": order.lines.iter().enumerate().map(line).collect::<Vec<_>>(),
            "delivery_method": "ship", "placed_at": replay::stamp(order.placed_ms),
        });
        let step = |at_ms, act| Step { at_ms, lane: order.id.clone(), act };
        [
            step(order.placed_ms, Act::Place(body)),
            step(order.shipped_ms, Act::Ship),
            step(order.delivered_ms, Act::Deliver),
        ]
    }

    /// Metres from a seller to who ordered.
    fn metres(&self, seller: &str, order: &Order) -> u64 {
        self.sellers.get(seller).map_or(0, |(_, at)| at.metres_to(order.position))
    }

    fn sku(&self, kind: Sku, product: &str) -> String {
        match kind {
            Sku::Product => product.to_owned(),
            Sku::CategoryAndWeight => {
                let category = match self.products[product]["product_category_name"].as_str() {
                    "" => "none",
                    category => category,
                };
                let class = WEIGHT_CLASSES_G.partition_point(|bound| *bound < self.weight_g(product));
                format!("{category}:{class}")
            }
        }
    }

    /// Weight of a product; 500 g where the data set has none.
    fn weight_g(&self, product: &str) -> u32 {
        let weight: f64 = self.products[product]["product_weight_g"].parse().unwrap_or(0.0);
        if weight > 0.0 { weight as u32 } else { 500 }
    }

    /// Weight of one unit of a sku: of the product, or the middle of the class.
    fn unit_weight_g(&self, kind: Sku, product: &str) -> u32 {
        let weight = self.weight_g(product);
        match kind {
            Sku::Product => weight,
            Sku::CategoryAndWeight => {
                let class = WEIGHT_CLASSES_G.partition_point(|bound| *bound < weight);
                let low = if class == 0 { 0 } else { WEIGHT_CLASSES_G[class - 1] };
                (low + WEIGHT_CLASSES_G.get(class).copied().unwrap_or(40_000)) / 2
            }
        }
    }

    fn item(&self, kind: Sku, sku: &str, product: &str, notes: &mut BTreeMap<&'static str, u64>) -> Value {
        let row = &self.products[product];
        let mm = |column: &str| row[column].parse::<f64>().map_or(0, |cm| (cm * 10.0) as u32);
        if row["product_weight_g"].parse::<f64>().unwrap_or(0.0) <= 0.0 {
            *notes.entry("items without a weight, taken as 500 g").or_default() += 1;
        }
        json!({
            "sku": sku, "name": if row["product_category_name"].is_empty() { sku } else { &row["product_category_name"] },
            "kind": "product", "weight_g": self.unit_weight_g(kind, product),
            "dimensions_mm": {
                "length": mm("product_length_cm"), "width": mm("product_width_cm"), "height": mm("product_height_cm"),
            },
            "value": {"amount": 0, "currency": "BRL"},
        })
    }

    /// Sets the plan of an order against the sellers that really shipped it.
    fn compare(&self, kind: Sku, order: &Order, answer: &Value, sums: &mut Compared) {
        let rules = RuleSet::default_v1();
        let tariff =
            Tariff { per_shipment: rules.per_shipment, micro_per_kg_km: rules.micro_per_kg_km, split: rules.split };
        let mut real: BTreeMap<&str, u128> = BTreeMap::new();
        for line in &order.lines {
            *real.entry(&line.seller).or_default() += u128::from(self.unit_weight_g(kind, &line.product));
        }
        let metres = |node: &str| self.metres(node, order);
        let shipments = real.len() as i64;
        let carriage: i64 = real.iter().map(|(seller, weight_g)| tariff.charge(metres(seller), *weight_g)).sum();
        let real_cost = shipments * tariff.per_shipment + carriage + (shipments - 1) * tariff.split;
        let chosen_cost = answer["decision"]["cost"]["amount"].as_i64().unwrap_or(0);
        let assignments = answer["decision"]["assignments"].as_array().map_or(&[][..], Vec::as_slice);
        sums.orders += 1;
        sums.real_cost += real_cost;
        sums.real_shipments += real.len() as u64;
        sums.real_km += real.keys().map(|seller| metres(seller) as f64 / 1e3).sum::<f64>();
        sums.chosen_cost += chosen_cost;
        sums.chosen_shipments += assignments.len() as u64;
        sums.chosen_km +=
            assignments.iter().filter_map(|a| Some(metres(a["node"].as_str()?) as f64 / 1e3)).sum::<f64>();
        sums.cheaper += u64::from(chosen_cost < real_cost);
        sums.dearer += u64::from(chosen_cost > real_cost);
    }
}

impl Order {
    /// Who shipped it, each once.
    fn sellers(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.seller.as_str()).collect::<BTreeSet<_>>().into_iter()
    }
}

impl Compared {
    fn tell(&self, report: &mut Report) {
        let percent = |chosen: f64, real: f64| format!("{:+.1} %", (chosen / real - 1.0) * 100.0);
        let pair = |chosen: f64, real: f64| format!("{chosen:.0}, real sellers {real:.0} ({})", percent(chosen, real));
        let of_shipment = |km: f64, shipments: u64| km / shipments.max(1) as f64;
        let rows = [
            ("cost against the real sellers", pair(self.chosen_cost as f64, self.real_cost as f64)),
            ("shipments", pair(self.chosen_shipments as f64, self.real_shipments as f64)),
            ("distance of all shipments, km", pair(self.chosen_km, self.real_km)),
            (
                "mean distance of a shipment, km",
                pair(
                    of_shipment(self.chosen_km, self.chosen_shipments),
                    of_shipment(self.real_km, self.real_shipments),
                ),
            ),
            ("orders cheaper, dearer than real", format!("{}, {}", self.cheaper, self.dearer)),
        ];
        report.further.extend(rows.map(|(name, value)| (name, json!(value))));
    }
}

/// Where zip codes are.
struct Places {
    by_zip: HashMap<String, Position>,
    by_state: HashMap<String, Position>,
}

impl Places {
    fn read(folder: &Path) -> Result<Self, Stop> {
        let mut by_zip = HashMap::new();
        let mut sums: HashMap<String, (f64, f64, f64)> = HashMap::new();
        for row in table(folder, "geolocation_zip_centroids.csv.gz")? {
            if row["outside_brazil"] == "1" {
                continue;
            }
            let (latitude, longitude): (f64, f64) = (row["lat"].parse()?, row["lng"].parse()?);
            let position = Position::from_degrees(latitude, longitude).ok_or("a centroid is on the globe")?;
            by_zip.insert(row["zip_code_prefix"].clone(), position);
            let sum = sums.entry(row["state"].clone()).or_default();
            *sum = (sum.0 + latitude, sum.1 + longitude, sum.2 + 1.0);
        }
        let centre = |(state, (lat, lon, n)): (String, (f64, f64, f64))| {
            Some((state, Position::from_degrees(lat / n, lon / n)?))
        };
        Ok(Self { by_zip, by_state: sums.into_iter().filter_map(centre).collect() })
    }

    fn position(&self, zip: &str, state: &str) -> Result<Position, Stop> {
        let found = self.by_zip.get(zip).or_else(|| self.by_state.get(state));
        Ok(*found.ok_or_else(|| format!("state {state} has no centroid"))?)
    }
}

/// Reads `12.99` as 1299.
fn minor_units(price: &str) -> Result<i64, Stop> {
    Ok((price.parse::<f64>()? * 100.0).round() as i64)
}
