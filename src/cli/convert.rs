//! `ordain convert`: tables as carriers publish them, turned into JSON lines that `ordain import` takes.
//!
//! | what | from | to |
//! |---|---|---|
//! | `usps-zones` | CSV: `origin_zip,dest_zip_start,dest_zip_end,zone` | charts of a table of zones, one per origin |
//! | `usps-prices` | CSV: `service,weight_not_over_lb,zone,price_usd` | a carrier with one service for each name |
//! | `post-rates` | JSON: for each operator products, weights, zones and prices | a carrier for each operator of a currency |
//! | `holidays` | CSV: `country,date` | a calendar for each country, named after it |
//!
//! Columns beyond those are left alone. A price list tells no days on the way where it does not say so; then
//! `--transit-days` does: one number, or one for each zone. What is *not* here: the shapes of the lines, which are those
//! of the API; the tables, which belong to who publishes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{End, Stop};

/// Turn a table of zones, prices or holidays into lines to import.
#[derive(Debug, Args)]
pub struct Convert {
    /// What the table is.
    what: Table,
    /// The table; `-` reads standard input.
    file: PathBuf,
    /// Name of the table of zones, as carriers name it.
    #[arg(long, default_value = "usps")]
    table: String,
    /// Id of the carrier made of a price list.
    #[arg(long, default_value = "usps")]
    carrier: String,
    /// Days on the way: one number, or one for each zone.
    #[arg(long, value_delimiter = ',')]
    transit_days: Vec<u16>,
    /// Heaviest parcel of a price list, in grams [default: the last weight of each service].
    #[arg(long)]
    max_weight_g: Option<u32>,
    /// Cubic inches to a pound by which size counts as weight.
    #[arg(long)]
    dim_divisor: Option<u32>,
    /// Volume up to which size does not count, in cubic centimetres.
    #[arg(long, requires = "dim_divisor")]
    dim_above_cm3: Option<u32>,
    /// Currency of the operators to take.
    #[arg(long, default_value = "EUR")]
    currency: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Table {
    UspsZones,
    UspsPrices,
    PostRates,
    Holidays,
}

/// How a price list is read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Name of the table of zones.
    pub table: String,
    /// Id of the carrier.
    pub carrier: String,
    /// Days on the way: none, one number, or one for each zone.
    pub transit_days: Vec<u16>,
    /// Heaviest parcel, when it is not the last weight of the list.
    pub max_weight_g: Option<u32>,
    /// By what size counts as weight, and above which volume.
    pub dimensional: (Option<u32>, Option<u32>),
    /// Currency of the operators to take.
    pub currency: String,
}

impl Convert {
    pub(super) fn run(self) -> Result<End, Stop> {
        let mut text = String::new();
        let read = if self.file == Path::new("-") {
            io::stdin().read_to_string(&mut text)
        } else {
            File::open(&self.file).and_then(|mut file| file.read_to_string(&mut text))
        };
        read.map_err(Stop::file(self.file.display().to_string()))?;
        let reading = Reading {
            table: self.table,
            carrier: self.carrier,
            transit_days: self.transit_days,
            max_weight_g: self.max_weight_g,
            dimensional: (self.dim_divisor, self.dim_above_cm3),
            currency: self.currency,
        };
        let lines = match self.what {
            Table::UspsZones => zones(&text, &reading),
            Table::UspsPrices => prices(&text, &reading),
            Table::PostRates => posts(&text, &reading),
            Table::Holidays => holidays(&text),
        };
        let lines = lines.map_err(Stop::Unexpected)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        let written = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
        written.map_err(Stop::file("standard output"))?;
        Ok(End::Fine)
    }
}

fn rows<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().map_err(|error| format!("the table cannot be read: {error}"))
}

/// One range of the matrix of zones.
#[derive(Deserialize)]
struct ZoneRow {
    origin_zip: String,
    dest_zip_start: String,
    dest_zip_end: String,
    zone: u8,
}

/// A chart for each origin.
pub fn zones(text: &str, reading: &Reading) -> Result<Vec<Value>, String> {
    let mut charts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in rows::<ZoneRow>(text)? {
        let range = json!({"to": row.dest_zip_start, "upto": row.dest_zip_end, "zone": row.zone});
        charts.entry(row.origin_zip).or_default().push(range);
    }
    let chart = |(from, ranges)| json!({"table": reading.table, "from": from, "ranges": Value::Array(ranges)});
    Ok(charts.into_iter().map(chart).collect())
}

/// One price.
#[derive(Deserialize)]
struct PriceRow {
    service: String,
    weight_not_over_lb: String,
    zone: usize,
    price_usd: String,
}

/// A carrier with a service for each name in the list.
pub fn prices(text: &str, reading: &Reading) -> Result<Vec<Value>, String> {
    let mut services: BTreeMap<String, BTreeMap<u32, BTreeMap<usize, i64>>> = BTreeMap::new();
    for row in rows::<PriceRow>(text)? {
        let upto = decimal(&row.weight_not_over_lb, 4)?;
        let upto = u32::try_from(upto).map_err(|_| format!("{upto} is no weight"))?;
        let price = decimal(&row.price_usd, 2)?;
        services.entry(row.service).or_default().entry(upto).or_default().insert(row.zone, price);
    }
    let service = |(name, by_weight)| priced_service(name, &by_weight, reading);
    let services = services.into_iter().map(service).collect::<Result<Vec<_>, _>>()?;
    Ok(vec![json!({"id": reading.carrier, "currency": "USD", "services": services})])
}

fn priced_service(
    name: String,
    by_weight: &BTreeMap<u32, BTreeMap<usize, i64>>,
    reading: &Reading,
) -> Result<Value, String> {
    let zones = by_weight.values().flat_map(BTreeMap::keys).max().copied().unwrap_or(0);
    let cell = |row: &BTreeMap<usize, i64>, zone| row.get(&zone).copied();
    let table: Vec<Vec<_>> = by_weight.values().map(|row| (1..=zones).map(|zone| cell(row, zone)).collect()).collect();
    let upto: Vec<f64> = by_weight.keys().map(|upto| f64::from(*upto) / 10_000.0).collect();
    let heaviest = upto.last().map_or(0, |pounds| (pounds * 453.592_37) as u32);
    let (dim_divisor, dim_above_cm3) = reading.dimensional;
    Ok(json!({
        "service": name, "transit_days": days(reading, zones)?,
        "zones": {"by": "prefix_table", "table": reading.table},
        "rates": {"unit": "lb", "table": table, "upto": upto}, "countries": ["US"],
        "max_weight_g": reading.max_weight_g.unwrap_or(heaviest),
        "dim_divisor": dim_divisor, "dim_above_cm3": dim_above_cm3,
    }))
}

/// Days on the way as they were given, for so many zones.
fn days(reading: &Reading, zones: usize) -> Result<Vec<u16>, String> {
    match reading.transit_days[..] {
        [] => Err("the list tells no days on the way: give them by --transit-days".into()),
        [days] => Ok(vec![days; zones]),
        ref all if all.len() == zones => Ok(all.to_vec()),
        ref all => Err(format!("--transit-days has {} numbers, but there are {zones} zones", all.len())),
    }
}

/// A number as text, in parts of which one has as many as ten to the power of `places`.
fn decimal(text: &str, places: usize) -> Result<i64, String> {
    let bad = || format!("{text:?} is not a number with at most {places} places");
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let part = part.trim_end_matches('0');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if part.len() > places || whole.is_empty() || !digits(whole) || !digits(part) {
        return Err(bad());
    }
    format!("{whole}{part:0<places$}").parse().map_err(|_| bad())
}

/// A carrier for each operator whose prices are in the currency.
pub fn posts(text: &str, reading: &Reading) -> Result<Vec<Value>, String> {
    let operators: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("the file is no JSON object: {error}"))?;
    let mut carriers = Vec::new();
    for (id, tables) in &operators {
        let prices = &tables["prices/products.json"];
        if prices["unit"]["currency"] != *reading.currency {
            continue;
        }
        let mut services = Vec::new();
        for product in list(&tables["products.json"]["products"]) {
            services.extend(post_service(product, tables, reading)?);
        }
        if !services.is_empty() {
            carriers.push(json!({"id": id, "currency": reading.currency, "services": services}));
        }
    }
    Ok(carriers)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A product as a service: zones are lists of countries, rows are bounds of weight. `None` when nothing of it is priced.
fn post_service(product: &Value, tables: &Value, reading: &Reading) -> Result<Option<Value>, String> {
    let (id, zones) = (word(&product["id"]), list(&product["zones"]));
    let mut table: BTreeMap<u64, Vec<Option<i64>>> = BTreeMap::new();
    for price in
        list(&tables["prices/products.json"]["product_prices"]).iter().filter(|price| price["product_id"] == id)
    {
        let tier = &tables["weights.json"]["weights"][word(&price["weight_tier"])];
        let Some(upto) = tier["max"].as_u64() else {
            return Err(format!("{id} has a price for a weight that is not told: {}", price["weight_tier"]));
        };
        let valid = list(&price["price"]).iter().find(|price| price["effective_to"].is_null());
        let (Some(at), Some(amount)) = (zones.iter().position(|zone| *zone == price["zone"]), valid) else { continue };
        table.entry(upto).or_insert_with(|| vec![None; zones.len()])[at] = amount["amount"].as_i64();
    }
    let Some(heaviest) = table.keys().last().copied() else { return Ok(None) };
    let countries: Vec<_> = zones.iter().map(|zone| countries_of(zone, &tables["zones.json"])).collect();
    let transit_days = match zones.iter().map(|zone| days_of(product, zone)).collect::<Option<Vec<_>>>() {
        Some(days) => days,
        None => days(reading, zones.len()).map_err(|why| format!("{id}: {why}"))?,
    };
    let upto: Vec<f64> = table.keys().map(|grams| *grams as f64 / 1_000.0).collect();
    Ok(Some(json!({
        "service": id, "transit_days": transit_days, "zones": {"by": "country", "countries": countries},
        "rates": {"unit": "kg", "table": table.into_values().collect::<Vec<_>>(), "upto": upto},
        "max_weight_g": heaviest, "pickup_days": WEEK, "delivery_days": WEEK,
    })))
}

/// Days on which national posts work, unless somebody says otherwise.
const WEEK: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];

fn countries_of<'a>(zone: &Value, zones: &'a Value) -> &'a Value {
    list(&zones["zones"]).iter().find(|known| known["id"] == *zone).map_or(&Value::Null, |zone| &zone["country_codes"])
}

/// The most days that a product takes to a zone, where it says so.
fn days_of(product: &Value, zone: &Value) -> Option<u16> {
    let told = list(&product["delivery"]).iter().find(|told| list(&told["zones"]).contains(zone))?;
    u16::try_from(told["days_max"].as_u64()?).ok()
}

/// One holiday.
#[derive(Deserialize)]
struct HolidayRow {
    country: String,
    date: String,
}

/// A calendar for each country: Monday to Friday without its holidays.
pub fn holidays(text: &str) -> Result<Vec<Value>, String> {
    let mut by_country: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows::<HolidayRow>(text)? {
        by_country.entry(row.country).or_default().push(row.date);
    }
    let calendar = |(country, days)| json!({"id": country, "working_days": WEEK, "holidays": Value::Array(days)});
    let days = |days: Vec<String>| days.into_iter().map(Value::String).collect::<Vec<_>>();
    Ok(by_country.into_iter().map(|(country, all)| calendar((country, days(all)))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        Reading {
            table: "usps".into(),
            carrier: "usps".into(),
            transit_days: vec![3],
            max_weight_g: None,
            dimensional: (Some(166), Some(28_316)),
            currency: "EUR".into(),
        }
    }

    #[test]
    fn ranges_are_gathered_by_origin() {
        let text = "origin_zip,dest_zip_start,dest_zip_end,zone,plus_flag\n005,005,005,1,0\n005,006,009,7,0\n010,005,005,2,0\n";
        let charts = zones(text, &reading()).expect("is a table");
        assert_eq!(charts.len(), 2);
        assert_eq!(charts[0]["ranges"][1], json!({"to": "006", "upto": "009", "zone": 7}));
        assert!(zones("origin_zip,zone\n1,2\n", &reading()).is_err());
    }

    #[test]
    fn prices_become_rows_by_weight_with_a_column_for_each_zone() {
        let text = "service,weight_not_over_lb,zone,price_usd\nground,1,1,7.20\nground,1,2,7.5\nground,0.25,2,6\n";
        let carriers = prices(text, &reading()).expect("is a table");
        let service = &carriers[0]["services"][0];
        assert_eq!(service["rates"]["table"], json!([[null, 600], [720, 750]]));
        assert_eq!(service["rates"]["upto"], json!([0.25, 1.0]));
        assert_eq!((&service["transit_days"], &service["max_weight_g"]), (&json!([3, 3]), &json!(453)));
        let unknown = Reading { transit_days: vec![], ..reading() };
        assert!(prices(text, &unknown).expect_err("no days").contains("--transit-days"));
        let few = Reading { transit_days: vec![1, 2, 3], ..reading() };
        assert!(prices(text, &few).is_err());
    }

    #[test]
    fn a_number_keeps_its_places() {
        assert_eq!(["12", "0.25", "7.20", "11.00"].map(|text| decimal(text, 2)), [1_200, 25, 720, 1_100].map(Ok));
        assert!(["1.234", "", "-1", "1,5", ".5"].iter().all(|text| decimal(text, 2).is_err()));
    }

    #[test]
    fn holidays_become_a_calendar_for_each_country() {
        let text =
            "country,date,name\nUS,2026-12-25,Christmas Day\nDE,2026-12-25,Christmas Day\nUS,2027-01-01,New Year\n";
        let calendars = holidays(text).expect("is a table");
        assert_eq!(
            (&calendars[0]["id"], &calendars[1]["holidays"]),
            (&json!("DE"), &json!(["2026-12-25", "2027-01-01"]))
        );
    }
}
