//! Carriers as a client meets them: put, asked, imported, there again after a restart; and the real tables of two
//! continents, cell by cell.
//!
//! The tables are not part of Ordain: the folder is `ORDAIN_DATA`, else `../shared/data`. Without it the tests say so
//! and pass, except where `CI` is set, where they must be there.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use ordain::api::import::ImportKind;
use ordain::api::json::Json;
use ordain::cli::convert::{self, Reading};
use ordain::domain::carrier::parcels::Freight;
use ordain::domain::carrier::quote::{Here, Question, There};
use ordain::domain::carrier::rates::Parcel;
use ordain::domain::carrier::zones::{Prefix, chart_from};
use ordain::domain::carrier::{Shipping, ShippingTerms};
use ordain::domain::command::Command;
use ordain::domain::promise::Origin;
use serde_json::{Value, json};

use crate::served::Served;

fn node(latitude: f64, longitude: f64, postal_code: &str) -> Value {
    json!({
        "kind": "warehouse", "name": "A warehouse", "latitude": latitude, "longitude": longitude, "country": "US",
        "postal_code": postal_code, "time_zone": "America/Chicago", "active": true, "cutoff": "15:00",
        "calendar": "office",
    })
}

pub fn ground() -> Value {
    json!({"services": [{
        "service": "ground", "transit_days": [1, 2, 3, 4, 4, 5, 5],
        "zones": {"by": "distance_km", "upto": [241, 483, 966, 1609, 2253, 2897]},
        "rates": {"unit": "lb", "base": [780, 825, 870, 915, 960, 1005, 1050], "step": [38, 49, 60, 71, 82, 93, 104]},
        "surcharges": [{"surcharge": "fuel", "percent": 10}], "max_weight_g": 30000, "cutoff": "17:00",
        "pickup_days": ["mon", "tue", "wed", "thu", "fri"], "delivery_days": ["mon", "tue", "wed", "thu", "fri"],
    }]})
}

fn question() -> Value {
    json!({
        "from": {"node": "chi"}, "parcels": [{"weight_g": 1000}], "placed_at": "2026-11-24T16:00:00Z",
        "to": {"country": "US", "postal_code": "10001", "latitude": 40.7128, "longitude": -74.006},
    })
}

fn shop(server: &Served) {
    let office = json!({"working_days": ["mon", "tue", "wed", "thu", "fri"], "opens": "09:00", "closes": "17:00"});
    let holidays = json!({"working_days": ["mon"], "holidays": ["2026-12-25", "2026-11-26"]});
    assert_eq!(server.ask("PUT", "/v1/calendars/office", &office).status, 201);
    assert_eq!(server.ask("PUT", "/v1/calendars/US", &holidays).status, 201);
    assert!(server.ask("PUT", "/v1/nodes/chi", &node(41.88, -87.63, "60602")).status <= 201);
    assert_eq!(server.ask("PUT", "/v1/carriers/post", &ground()).status, 201);
}

#[test]
fn a_carrier_answers_with_a_price_and_a_date_part_by_part() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    shop(&server);
    let answer = server.done("POST", "/v1/rates", &question());
    let rate = &answer["rates"][0];
    // 1,144 km: zone 4; 1 kg is three pounds begun: 915 + 3 × 71 = 1,128, and a tenth of it for fuel.
    assert_eq!((&rate["carrier"], &rate["service"], &rate["zone"]), (&json!("post"), &json!("ground"), &json!(4)));
    assert_eq!(rate["price"], json!({"amount": 1241, "currency": "USD"}));
    let parcel = json!({
        "count": 1, "weight_g": 1000, "billable_g": 1000, "units": 3, "base": 915, "weight": 213,
        "surcharges": [{"surcharge": "fuel", "amount": 113}], "price": 1241,
    });
    assert_eq!(rate["parcels"], json!([parcel]));
    // Tuesday ten o'clock; picked up at five; Wednesday, not Thanksgiving, Friday, Monday, Tuesday.
    assert_eq!(rate["arrives"], "2026-12-01");
    let stage = json!({"stage": "picked_up", "at": "2026-11-24T23:00:00Z", "local": "2026-11-24T17:00:00-06:00"});
    assert_eq!(rate["stages"][4], stage);
    let held = json!({"held_until": "2026-11-24T21:00:01Z"});
    let mut later = question();
    later["held_until"] = held["held_until"].clone();
    let later = server.done("POST", "/v1/rates", &later);
    assert_eq!(later["rates"][0]["stages"][2]["at"], "2026-11-25T15:00:00Z", "past the cutoff by a second");
    assert_eq!(later["rates"][0]["arrives"], "2026-12-02");

    let mut heavy = question();
    heavy["parcels"][0]["weight_g"] = json!(30_001);
    let none = server.done("POST", "/v1/rates", &heavy);
    assert_eq!((&none["rates"], &none["unavailable"][0]["reason"]), (&json!([]), &json!("too_heavy")));

    let seq = server.ordain.journal().last_seq();
    assert_eq!(server.ask("PUT", "/v1/carriers/post", &ground()).status, 200);
    assert_eq!(server.ordain.journal().last_seq(), seq, "put again as it is, it changes nothing");
    let mut shown = server.get("/v1/carriers/post").json();
    assert_eq!(server.get("/v1/carriers").json()["items"], json!([shown]));
    shown.as_object_mut().expect("is an object").remove("id");
    assert_eq!(server.ask("PUT", "/v1/carriers/post", &shown).status, 200, "what is shown can be put");
    assert_eq!(server.ordain.journal().last_seq(), seq);
    shown["tracking_url"] = json!("https://post.example/{tracking_number}");
    let traced = server.done("PUT", "/v1/carriers/post", &shown);
    assert_eq!(traced["tracking_url"], shown["tracking_url"]);
    assert_eq!(server.get("/v1/carriers/post").json(), traced);
    server.stop();

    let server = Served::start(dir.path());
    assert_eq!(server.done("POST", "/v1/rates", &question())["rates"], answer["rates"], "a restart changes no answer");
    assert_eq!(server.get("/v1/calendars/US").json()["holidays"], json!(["2026-11-26", "2026-12-25"]));
    server.stop();
}

#[test]
fn what_does_not_exist_is_named_by_its_field() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    shop(&server);
    let mut narrowed = ground();
    narrowed["services"][0]["nodes"] = json!([{"node": "chi"}, {"node": "nowhere"}]);
    narrowed["currency"] = json!("EUR");
    let refused = server.ask("PUT", "/v1/carriers/van", &narrowed);
    let fields: Vec<_> =
        refused.json()["errors"].as_array().into_iter().flatten().map(|error| error["field"].clone()).collect();
    assert_eq!((refused.status, fields), (422, vec![json!("services[0].nodes[1].node"), json!("currency")]));
    assert_eq!(server.get("/v1/carriers/van").status, 404);
    let mut asked = question();
    asked["from"]["node"] = json!("nowhere");
    asked["parcels"] = Value::Null;
    asked["lines"] = json!([{"sku": "none", "quantity": 1}]);
    let refused = server.ask("POST", "/v1/rates", &asked);
    assert_eq!((refused.status, refused.code()), (422, "validation_failed".into()), "{}", refused.json());
    let item = json!({
        "name": "Mug", "kind": "product", "weight_g": 20000, "value": {"amount": 1250, "currency": "USD"},
        "dimensions_mm": {"length": 100, "width": 80, "height": 90},
    });
    assert_eq!(server.ask("PUT", "/v1/items/mug", &item).status, 201);
    asked["from"]["node"] = json!("chi");
    asked["lines"] = json!([{"sku": "mug", "quantity": 3}]);
    let answer = server.done("POST", "/v1/rates", &asked);
    assert_eq!(answer["rates"][0]["parcels"][0]["count"], 3, "two of them are too heavy for a parcel");
    assert_eq!(server.get("/v1/zone-tables/usps/606").status, 404);
    server.stop();
}

#[test]
fn a_quote_tells_the_cheapest_service_of_each_shipment_and_when_all_has_arrived() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    let item = json!({
        "name": "Mug", "kind": "product", "weight_g": 1000, "value": {"amount": 1250, "currency": "USD"},
        "dimensions_mm": {"length": 100, "width": 80, "height": 90},
    });
    assert_eq!(server.ask("PUT", "/v1/items/mug", &item).status, 201);
    assert_eq!(server.ask("PUT", "/v1/nodes/chi", &node(41.88, -87.63, "60602")).status, 201);
    let stock = json!({"adjustments": [{"sku": "mug", "node": "chi", "delta": 5, "reason": "received"}]});
    server.done("POST", "/v1/stock/adjustments", &stock);
    let mut order = json!({
        "type": "standard", "channel": "web", "channel_order_id": "1", "customer": {"id": "c-1"},
        "ship_to": {
            "name": "Customer", "line1": "1 Main St", "city": "New York", "region": "NY", "postal_code": "10001",
            "country": "US", "latitude": 40.7128, "longitude": -74.006,
        },
        "lines": [{"sku": "mug", "quantity": 1, "unit_price": {"amount": 1999, "currency": "USD"}}],
        "delivery_method": "ship", "placed_at": "2026-11-24T16:00:00Z",
    });
    let quote = server.done("POST", "/v1/promises", &order);
    assert_eq!(quote.as_object().map(serde_json::Map::len), Some(1), "without carriers there is the decision alone");
    shop(&server);
    let quote = server.done("POST", "/v1/promises", &order);
    let shipment = &quote["shipping"][0];
    assert_eq!((&shipment["node"], &shipment["rate"]["price"]["amount"]), (&json!("chi"), &json!(1241)));
    assert_eq!((&quote["arrives"], &shipment["rate"]["arrives"]), (&json!("2026-12-01"), &json!("2026-12-01")));
    order["lines"][0]["quantity"] = json!(5);
    let quote = server.done("POST", "/v1/promises", &order);
    assert_eq!(quote["shipping"][0]["rate"]["parcels"][0]["weight_g"], 5_000);
    // Ahead of any clock, so that both count from then.
    order["placed_at"] = json!("2098-11-25T16:00:00Z");
    order["arrives_by"] = json!("2098-12-24");
    let quote = server.done("POST", "/v1/promises", &order);
    let placed = server.ask("POST", "/v1/orders", &order);
    let (status, placed) = (placed.status, placed.json());
    assert_eq!((status, &placed["arrives_by"]), (201, &order["arrives_by"]), "{placed}");
    let promised = &placed["fulfillment_orders"][0]["deliver_by"];
    assert!(promised.is_string() && *promised == quote["arrives"], "what is quoted is promised: {promised}");
    order["arrives_by"] = json!("soon");
    assert_eq!(server.ask("POST", "/v1/promises", &order).status, 422);
    order.as_object_mut().expect("an object").remove("arrives_by");
    order["delivery_method"] = json!("pickup");
    assert_eq!(server.done("POST", "/v1/promises", &order)["shipping"], Value::Null, "nothing is shipped");
    server.stop();
}

/// The text of a table; `None` where there are none.
fn table(folder: &str, file: &str) -> Option<String> {
    let data = std::env::var_os("ORDAIN_DATA").map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let path = data.join(folder).join(file);
    if !path.is_file() {
        assert!(std::env::var_os("CI").is_none(), "{} is missing, and CI must read it", path.display());
        eprintln!("{} is missing: nothing is read; name the folder by ORDAIN_DATA", path.display());
        return None;
    }
    let mut text = String::new();
    let opened = std::fs::File::open(&path).expect("opens");
    flate2::read::MultiGzDecoder::new(opened).read_to_string(&mut text).expect("is text");
    Some(text)
}

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

/// Lines as an import takes them.
fn taken(kind: ImportKind, lines: &[Value]) -> Vec<ShippingTerms> {
    let taken = lines.iter().map(|line| {
        let text = line.to_string();
        let command = kind.command(Json::parse(text.as_bytes()).expect("is JSON"));
        match command.unwrap_or_else(|problem| panic!("{line}: {problem:?}")) {
            Command::PutShipping(terms) => *terms,
            other => panic!("{other:?} puts nothing of shipping"),
        }
    });
    taken.collect()
}

fn cents(price: &str) -> i64 {
    (price.parse::<f64>().expect("is a price") * 100.0).round() as i64
}

/// Prices of a parcel by service, in a shop of carriers.
fn prices(shipping: &Shipping, from: Option<&str>, to: There<'_>, weight_g: u32) -> BTreeMap<String, (u8, i64)> {
    let origin = Origin { zone: jiff::tz::TimeZone::UTC, cutoff_min: None, calendar: None };
    let code = from.and_then(Prefix::of);
    let from = Here { node: None, country: None, code, position: None, origin };
    let freight = Freight::Parcels(vec![Parcel::of(weight_g, [0; 3])]);
    let ordered = "2026-11-16T16:00Z".parse().expect("is an instant");
    let answers = shipping.answers(&Question { from, to, freight: &freight, ordered, held_until: None });
    answers
        .offers
        .into_iter()
        .map(|offer| (format!("{} {}", offer.carrier, offer.service), (offer.zone, offer.price)))
        .collect()
}

#[test]
fn every_price_and_zone_of_a_national_price_list_is_the_lists_own() {
    let Some((matrix, list)) =
        table("usps_zones", "usps_zone_ranges_2018.csv.gz").zip(table("usps_rates", "usps_retail_prices.csv.gz"))
    else {
        return;
    };
    let charts = convert::zones(&matrix, &reading()).expect("is a matrix");
    assert_eq!(charts.len(), 930);
    let mut shipping = Shipping::default();
    taken(ImportKind::Zones, &charts).into_iter().for_each(|terms| shipping.put(terms));
    let carriers = convert::prices(&list, &reading()).expect("is a price list");
    taken(ImportKind::Carriers, &carriers).into_iter().for_each(|terms| shipping.put(terms));

    // Every range of the matrix, by its first and its last code, and where to find a pair of each zone.
    let charts = shipping.table("usps").expect("is there");
    let mut pairs: BTreeMap<u8, (String, String)> = BTreeMap::new();
    for row in matrix.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let [from, first, last, zone, ..] = cells[..] else { panic!("{row} has four cells") };
        let zone: u8 = zone.parse().expect("is a zone");
        let chart = chart_from(charts, Prefix::of(from).expect("is a prefix")).expect("every origin has a chart");
        for to in [first.to_owned(), format!("{last}99")] {
            assert_eq!(chart.zone_of(Prefix::of(&to).expect("is a prefix")), Some(zone), "{row}");
        }
        pairs.entry(zone).or_insert_with(|| (format!("{from}01"), format!("{first}01")));
    }
    let mut cells = 0;
    for row in list.lines().skip(1) {
        let [service, pounds, zone, price] = row.split(',').collect::<Vec<_>>()[..] else {
            panic!("{row} has four cells")
        };
        let zone: u8 = zone.parse().expect("is a zone");
        let (from, to) = &pairs[&zone];
        let to = There { country: "US", code: Prefix::of(to), position: None };
        let heaviest = (pounds.parse::<f64>().expect("is a weight") * 453.592_37).floor() as u32;
        let found = prices(&shipping, Some(from), to, heaviest);
        assert_eq!(found[&format!("usps {service}")], (zone, cents(price)), "{row}");
        cells += 1;
    }
    assert_eq!(cells, 477);
}

#[test]
fn prices_of_national_posts_are_those_of_their_rate_cards() {
    let Some((cards, list)) = table("eu_post_rates", "national_post_rate_cards.json.gz")
        .zip(table("eu_post_rates", "national_post_prices.csv.gz"))
    else {
        return;
    };
    let mut cells = 0;
    for currency in ["EUR", "CHF", "UAH"] {
        let wanted = Reading { currency: currency.into(), ..reading() };
        let carriers = convert::posts(&cards, &wanted).expect("are rate cards");
        let mut shipping = Shipping::default();
        taken(ImportKind::Carriers, &carriers).into_iter().for_each(|terms| shipping.put(terms));
        for row in list.lines().skip(1) {
            let parts: Vec<&str> = row.split(',').collect();
            let [operator, of, product, zone, tier, price, _, ended] = parts[..] else {
                panic!("{row} has eight cells")
            };
            if of != currency || !ended.is_empty() {
                continue;
            }
            let country = match (zone, operator) {
                ("domestic", "deutschepost") => "DE",
                ("domestic", "laposte") => "FR",
                ("domestic", "swisspost") => "CH",
                ("domestic", _) => "UA",
                ("zone_1_eu", _) => "AT",
                ("zone_2_europe", _) => "NO",
                _ => "JP",
            };
            let grams = tier.trim_start_matches('W').parse().expect("is a weight");
            let found = prices(&shipping, None, There { country, code: None, position: None }, grams);
            let offered = found.get(&format!("{operator} {product}")).map(|(_, price)| *price);
            assert_eq!(offered, Some(cents(price)), "{row}");
            cells += 1;
        }
    }
    assert!(cells > 100, "{cells} prices");
}

#[test]
fn a_table_of_holidays_and_one_of_zones_are_imported() {
    let Some((days, matrix)) =
        table("holidays", "public_holidays_2010_2030.csv.gz").zip(table("usps_zones", "usps_zone_ranges_2018.csv.gz"))
    else {
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    let server = Served::start(dir.path());
    let import = |kind: &str, lines: &[Value]| {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let headers = "content-type: application/x-ndjson\r\n";
        server.send("POST", &format!("/v1/import/{kind}"), headers, text.as_bytes()).json()
    };
    let calendars = convert::holidays(&days).expect("is a table");
    assert_eq!(import("calendars", &calendars)["accepted"], 20);
    let germany = server.get("/v1/calendars/DE").json();
    assert!(germany["holidays"].as_array().is_some_and(|days| days.contains(&json!("2026-10-03"))));
    // Fifty charts: the largest and the smallest among them fit a record.
    let mut charts = convert::zones(&matrix, &reading()).expect("is a matrix");
    charts.sort_by_key(|chart| chart["ranges"].as_array().map_or(0, Vec::len));
    let some: Vec<Value> = charts[..25].iter().chain(&charts[charts.len() - 25..]).cloned().collect();
    assert_eq!(import("zones", &some)["refused_count"], 0);
    server.stop();
}
