//! Replays a year of a UK gift wholesaler through a server: 541,909 invoice lines.
//!
//! An invoice is an order; its lines go through to delivered. What the rows mean here:
//!
//! | rows | become |
//! |---|---|
//! | positive quantity, ordinary invoice | lines of an order, placed at the invoice's time |
//! | postage, fees, discounts, manual lines | items of kind `service`; vouchers are `digital` |
//! | negative quantity, invoice `C…` | looked up in the customer's own earlier orders, latest first: a cancellation until picking, goods coming back (`returned`) after delivery |
//! | the same without an earlier order | goods: `returned`, sold before the data begin; services: left out |
//! | negative quantity, no price, no customer | a loss: `damaged` where the description says so, else `lost` |
//! | positive quantity, no price, no customer | `found`; what is no goods is left out |
//! | invoice `A…` with a negative price | sent as it is, and refused by the server |
//!
//! An order is accepted, picked, packed and shipped two days after it came, delivered one day later. Five UK cities hold
//! stock: what was sold or lost over the year, 60 % at one city and 40 % at a second, by the number of the sku. The data
//! name countries only, so a customer stands at the country's capital, and in the UK at one of ten cities by the customer's
//! number. An invoice of more than 1,200 lines would become several orders; the longest has 1,114.
//!
//! Source: Online Retail, UCI Machine Learning Repository; Chen, Sain, Guo 2012, doi 10.1057/dbm.2012.17.

pub mod replay;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use ordain::domain::limits::ORDER_LINES_MAX;
use replay::{Act, Options, Plan, Report, Step, Stop, at_ms, table};
use serde_json::{Value, json};

/// Replay a year of a UK gift wholesaler: 541,909 invoice lines.
#[derive(Debug, Parser)]
#[command(name = "online_retail")]
struct Line {
    #[command(flatten)]
    options: Options,
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// From the order to its picking and shipping.
const SHIPPED_AFTER_MS: i64 = 2 * DAY_MS;
/// From the order to its delivery.
const DELIVERED_AFTER_MS: i64 = 3 * DAY_MS;

/// Cities that hold stock.
const NODES: [(&str, f64, f64, &str); 5] = [
    ("london", 51.5074, -0.1278, "E14"),
    ("birmingham", 52.4862, -1.8904, "B7"),
    ("manchester", 53.4808, -2.2426, "M17"),
    ("glasgow", 55.8642, -4.2518, "G51"),
    ("bristol", 51.4545, -2.5879, "BS11"),
];

/// Where customers in the UK stand.
const CITIES: [(f64, f64); 10] = [
    (51.5074, -0.1278),
    (52.4862, -1.8904),
    (53.8008, -1.5491),
    (55.8642, -4.2518),
    (53.3811, -1.4701),
    (53.4808, -2.2426),
    (55.9533, -3.1883),
    (53.4084, -2.9916),
    (51.4545, -2.5879),
    (51.4816, -3.1791),
];

/// Name in the data, ISO 3166 code, position of the capital.
#[rustfmt::skip]
const COUNTRIES: [(&str, &str, f64, f64); 38] = [
    ("United Kingdom", "GB", 51.51, -0.13),   ("Germany", "DE", 52.52, 13.40),       ("France", "FR", 48.86, 2.35),
    ("EIRE", "IE", 53.35, -6.26),             ("Spain", "ES", 40.42, -3.70),         ("Netherlands", "NL", 52.37, 4.90),
    ("Belgium", "BE", 50.85, 4.35),           ("Switzerland", "CH", 46.95, 7.45),    ("Portugal", "PT", 38.72, -9.14),
    ("Australia", "AU", -35.28, 149.13),      ("Norway", "NO", 59.91, 10.75),        ("Italy", "IT", 41.90, 12.50),
    ("Channel Islands", "JE", 49.19, -2.11),  ("Finland", "FI", 60.17, 24.94),       ("Cyprus", "CY", 35.19, 33.38),
    ("Sweden", "SE", 59.33, 18.07),           ("Unspecified", "GB", 51.51, -0.13),   ("Austria", "AT", 48.21, 16.37),
    ("Denmark", "DK", 55.68, 12.57),          ("Japan", "JP", 35.68, 139.69),        ("Poland", "PL", 52.23, 21.01),
    ("Israel", "IL", 31.77, 35.21),           ("USA", "US", 38.91, -77.04),          ("Hong Kong", "HK", 22.32, 114.17),
    ("Singapore", "SG", 1.35, 103.82),        ("Iceland", "IS", 64.15, -21.94),      ("Canada", "CA", 45.42, -75.70),
    ("Greece", "GR", 37.98, 23.73),           ("Malta", "MT", 35.90, 14.51),         ("United Arab Emirates", "AE", 24.45, 54.38),
    ("European Community", "BE", 50.85, 4.35), ("RSA", "ZA", -25.75, 28.19),         ("Lebanon", "LB", 33.89, 35.50),
    ("Lithuania", "LT", 54.69, 25.28),        ("Brazil", "BR", -15.79, -47.88),      ("Czech Republic", "CZ", 50.08, 14.44),
    ("Bahrain", "BH", 26.23, 50.59),          ("Saudi Arabia", "SA", 24.71, 46.68),
];

/// Codes of rows that are no goods.
const SERVICES: [&str; 11] = ["POST", "DOT", "M", "m", "C2", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"];

/// One row of the data.
struct Row {
    invoice: String,
    sku: String,
    description: String,
    quantity: i64,
    at_ms: i64,
    /// Minor units; a thousandth of a pound rounds to none.
    price: i64,
    customer: String,
    country: String,
}

/// A line that was sold, and how much of it is still neither cancelled nor returned.
struct Sold {
    lane: String,
    line: String,
    left: u64,
    placed_ms: i64,
}

fn main() -> ExitCode {
    if replay::is_server() {
        return ordain::cli::run(std::env::args_os());
    }
    let options = Line::parse().options;
    let program = std::env::current_exe();
    let reports = program.map_err(Stop::from).and_then(|program| replays(&options, &program));
    match reports.and_then(|reports| replay::tell(&reports, &options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(stop) => {
            eprintln!("online_retail: {stop}");
            ExitCode::from(1)
        }
    }
}

/// The year.
pub fn replays(options: &Options, program: &Path) -> Result<Vec<Report>, Stop> {
    let rows = read(&options.folder("online_retail_uci"))?;
    Ok(vec![replay::run(plan(&rows, options.limit), options, program, &|_, _| ())?])
}

fn read(folder: &Path) -> Result<Vec<Row>, Stop> {
    let row = |row: HashMap<String, String>| {
        let text = |name: &str| row[name].clone();
        Ok(Row {
            invoice: text("InvoiceNo"),
            sku: text("StockCode"),
            description: text("Description"),
            quantity: row["Quantity"].parse()?,
            at_ms: at_ms(&row["InvoiceDate"]).ok_or("a row has a time")?,
            price: (row["UnitPrice"].parse::<f64>()? * 100.0).round() as i64,
            customer: text("CustomerID"),
            country: text("Country"),
        })
    };
    table(folder, "online_retail.csv.gz")?.into_iter().map(row).collect()
}

fn plan(rows: &[Row], limit: Option<usize>) -> Plan {
    // The rows are sorted by time; everything after the last order taken is left out.
    let mut invoices = HashSet::new();
    let is_order = |row: &Row| row.quantity > 0 && !(row.price == 0 && row.customer.is_empty());
    let enough = |row: &&Row| {
        let new = is_order(row) && !invoices.contains(&row.invoice);
        if new && limit.is_some_and(|limit| invoices.len() >= limit) {
            return false;
        }
        if new {
            invoices.insert(row.invoice.clone());
        }
        true
    };
    let rows: Vec<&Row> = rows.iter().take_while(enough).collect();

    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut leaves: HashMap<&str, u64> = HashMap::new();
    for row in &rows {
        let next = numbers.len();
        numbers.entry(&row.sku).or_insert(next);
        if is_order(row) || is_loss(row) {
            *leaves.entry(&row.sku).or_default() += row.quantity.unsigned_abs();
        }
    }
    let descriptions: HashMap<&str, &str> =
        rows.iter().filter(|row| !row.description.is_empty()).map(|row| (&*row.sku, &*row.description)).collect();
    let item = |sku: &&str| {
        json!({
            "sku": sku, "name": descriptions.get(sku).map_or(*sku, |text| text.trim()), "kind": kind(sku),
            "weight_g": if kind(sku) == "product" { 250 } else { 0 },
            "dimensions_mm": {"length": 0, "width": 0, "height": 0},
            "value": {"amount": 0, "currency": "GBP"},
        })
    };
    let goods = numbers.iter().filter(|(sku, _)| kind(sku) == "product");
    let stock = goods.flat_map(|(sku, number)| {
        let (units, [first, second]) = (leaves.get(sku).copied().unwrap_or(0), homes(*number));
        let share = units * 2 / 5;
        [(first, units - share), (second, share)]
            .into_iter()
            .filter(|(_, units)| *units > 0)
            .map(move |(node, units)| json!({"sku": sku, "node": node, "on_hand": units}))
    });
    let (steps, notes) = steps(&rows, &numbers);
    Plan {
        name: "online retail".to_owned(),
        currency: "GBP",
        nodes: nodes(),
        items: numbers.keys().map(item).collect(),
        stock: stock.collect(),
        steps,
        notes,
    }
}

/// What a row without order does to stock is a loss when it is negative.
fn is_loss(row: &Row) -> bool {
    row.quantity < 0 && !row.invoice.starts_with('C')
}

fn kind(sku: &str) -> &'static str {
    match sku {
        sku if SERVICES.contains(&sku) => "service",
        sku if sku.starts_with("gift_") => "digital",
        _ => "product",
    }
}

/// The two cities that hold a sku.
fn homes(number: usize) -> [&'static str; 2] {
    [NODES[number % 5].0, NODES[(number + 2) % 5].0]
}

fn nodes() -> Vec<Value> {
    let node = |(id, latitude, longitude, postal_code): &(&str, f64, f64, &str)| {
        json!({
            "id": id, "kind": "warehouse", "name": id, "latitude": latitude, "longitude": longitude,
            "country": "GB", "postal_code": postal_code, "time_zone": "Europe/London", "active": true,
        })
    };
    NODES.iter().map(node).collect()
}

fn steps(rows: &[&Row], numbers: &BTreeMap<&str, usize>) -> (Vec<Step>, BTreeMap<&'static str, u64>) {
    let mut invoices: BTreeMap<(i64, &str), Vec<&Row>> = BTreeMap::new();
    let mut begins: HashMap<&str, i64> = HashMap::new();
    let mut notes = BTreeMap::new();
    for row in rows {
        // A few invoices span two minutes; their first is their time.
        let at = *begins.entry(&row.invoice).or_insert(row.at_ms);
        invoices.entry((at, &row.invoice)).or_default().push(row);
    }
    let mut steps = Vec::new();
    let mut sold: HashMap<(&str, &str), Vec<Sold>> = HashMap::new();
    for ((at, invoice), rows) in invoices {
        let (orders, others): (Vec<&Row>, Vec<&Row>) =
            rows.into_iter().partition(|row| row.quantity > 0 && !(row.price == 0 && row.customer.is_empty()));
        let parts = orders.chunks(ORDER_LINES_MAX);
        if parts.len() > 1 {
            *notes.entry("invoices divided, more than 1,200 lines").or_default() += 1;
        }
        for (part, lines) in parts.enumerate() {
            let lane = if part == 0 { format!("inv-{invoice}") } else { format!("inv-{invoice}-{}", part + 1) };
            for (number, row) in (1..).zip(lines) {
                let line: i32 = number;
                sold.entry((&row.customer, &row.sku)).or_default().push(Sold {
                    lane: lane.clone(),
                    line: line.to_string(),
                    left: row.quantity.unsigned_abs(),
                    placed_ms: at,
                });
            }
            let step = |after, act| Step { at_ms: at + after, lane: lane.clone(), act };
            steps.push(step(0, Act::Place(order(&lane, at, lines))));
            steps.push(step(SHIPPED_AFTER_MS, Act::Ship));
            steps.push(step(DELIVERED_AFTER_MS, Act::Deliver));
        }
        for row in others {
            // One lane for a sku, or two losses of a day would both count on the same units.
            let lane = format!("stock-{}", row.sku);
            let nodes = homes(numbers[&*row.sku]).map(str::to_owned).to_vec();
            let adjust = |delta, reason| Act::Adjust { sku: row.sku.clone(), nodes: nodes.clone(), delta, reason };
            if kind(&row.sku) != "product" && !row.invoice.starts_with('C') {
                *notes.entry("rows without a price that are no goods, left out").or_default() += 1;
            } else if row.quantity > 0 {
                steps.push(Step { at_ms: at, lane, act: adjust(row.quantity, "found") });
            } else if is_loss(row) {
                let text = row.description.to_lowercase();
                let broken = ["damage", "broken", "crush", "wet", "mould", "rusty", "smash", "faulty"];
                let reason = if broken.iter().any(|word| text.contains(word)) { "damaged" } else { "lost" };
                steps.push(Step { at_ms: at, lane, act: adjust(row.quantity, reason) });
            } else {
                let left = take_back(row, at, &mut sold, &mut steps);
                if left > 0 && kind(&row.sku) == "product" {
                    *notes.entry("returns of goods sold before the data begin").or_default() += 1;
                    steps.push(Step { at_ms: at, lane, act: adjust(left as i64, "returned") });
                } else if left > 0 {
                    *notes.entry("credits and discounts without an order, left out").or_default() += 1;
                }
            }
        }
    }
    (steps, notes)
}

/// Finds what a negative row takes back among the customer's own lines of that sku, latest first; gives what is left over.
fn take_back<'a>(
    row: &'a Row,
    at: i64,
    sold: &mut HashMap<(&'a str, &'a str), Vec<Sold>>,
    steps: &mut Vec<Step>,
) -> u64 {
    let mut left = row.quantity.unsigned_abs();
    let lines = sold.get_mut(&(&*row.customer, &*row.sku)).map_or(&mut [][..], Vec::as_mut_slice);
    for line in lines.iter_mut().rev().filter(|line| line.left > 0) {
        if left == 0 {
            break;
        }
        let quantity = left.min(line.left);
        line.left -= quantity;
        left -= quantity;
        let named = line.line.clone();
        if at < line.placed_ms + SHIPPED_AFTER_MS {
            steps.push(Step { at_ms: at, lane: line.lane.clone(), act: Act::Cancel { line: named, quantity } });
        } else if kind(&row.sku) == "product" {
            // What is on its way can only come back once it has arrived.
            let at_ms = at.max(line.placed_ms + DELIVERED_AFTER_MS + 1);
            let act = Act::Return { line: named, sku: row.sku.clone(), quantity };
            steps.push(Step { at_ms, lane: line.lane.clone(), act });
        }
    }
    left
}

fn order(id: &str, at: i64, lines: &[&Row]) -> Value {
    let first = lines[0];
    let (country, position) = place(first);
    let customer = if first.customer.is_empty() { "unknown" } else { &first.customer };
    let lines: Vec<Value> = lines
        .iter()
        .map(|row| {
            let unit_price = json!({"amount": row.price, "currency": "GBP"});
            json!({"sku": row.sku, "quantity": row.quantity, "unit_price": unit_price})
        })
        .collect();
    json!({
        "id": id, "type": "standard", "channel": "web", "channel_order_id": id,
        "customer": {"id": customer, "name": "Customer", "email": "customer@example.org"},
        "ship_to": {
            "name": "Customer", "line1": "Address", "city": "City", "region": "Region", "postal_code": "0",
            "country": country, "latitude": position.0, "longitude": position.1,
        },
        "lines": lines, "delivery_method": "ship", "placed_at": replay::stamp(at),
    })
}

fn place(row: &Row) -> (&'static str, (f64, f64)) {
    let known = COUNTRIES.iter().find(|(name, ..)| *name == row.country);
    let (_, code, latitude, longitude) = *known.unwrap_or(&COUNTRIES[0]);
    if code == "GB" {
        let number: usize = row.customer.parse().unwrap_or(0);
        return (code, CITIES[number % CITIES.len()]);
    }
    (code, (latitude, longitude))
}
