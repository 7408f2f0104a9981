//! A network to play with: a merchant of outdoor goods in the United States.
//!
//! 45 nodes in real cities at their true coordinates, 2,000 items (products, kits, downloads, services) and their stock,
//! all drawn from a seed. Everything comes out as lines of the import format, so the demo starts like any merchant
//! would: by importing. What is *not* here: people; customers are numbers.

use serde_json::{Value, json};

use super::chance::Chance;

/// A place of the network.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Node id.
    pub id: &'static str,
    /// Kind, a word of the API.
    pub kind: &'static str,
    /// City, for people.
    pub city: &'static str,
    /// State, two letters.
    pub state: &'static str,
    /// Latitude, degrees.
    pub latitude: f64,
    /// Longitude, degrees.
    pub longitude: f64,
    /// ZIP code.
    pub zip: &'static str,
    /// IANA time zone.
    pub time_zone: &'static str,
}

const EAST: &str = "America/New_York";
const CENTRAL: &str = "America/Chicago";
const MOUNTAIN: &str = "America/Denver";
const WEST: &str = "America/Los_Angeles";

#[expect(clippy::too_many_arguments, reason = "a row of a table")]
#[rustfmt::skip]
const fn place(
    id: &'static str, kind: &'static str, city: &'static str, state: &'static str,
    latitude: f64, longitude: f64, zip: &'static str, time_zone: &'static str,
) -> Place {
    Place { id, kind, city, state, latitude, longitude, zip, time_zone }
}

/// All places: ten warehouses, twenty-eight stores, five logistics providers, two suppliers.
#[rustfmt::skip]
pub const PLACES: &[Place] = &[
    place("dc-reno",         "warehouse",   "Reno",           "NV", 39.5296, -119.8138, "89502", WEST),
    place("dc-ontario",      "warehouse",   "Ontario",        "CA", 34.0633, -117.6509, "91761", WEST),
    place("dc-kent",         "warehouse",   "Kent",           "WA", 47.3809, -122.2348, "98032", WEST),
    place("dc-dallas",       "warehouse",   "Dallas",         "TX", 32.7767,  -96.7970, "75212", CENTRAL),
    place("dc-kansas-city",  "warehouse",   "Kansas City",    "MO", 39.0997,  -94.5786, "64120", CENTRAL),
    place("dc-memphis",      "warehouse",   "Memphis",        "TN", 35.1495,  -90.0490, "38118", CENTRAL),
    place("dc-joliet",       "warehouse",   "Joliet",         "IL", 41.5250,  -88.0817, "60433", CENTRAL),
    place("dc-columbus",     "warehouse",   "Columbus",       "OH", 39.9612,  -82.9988, "43217", EAST),
    place("dc-atlanta",      "warehouse",   "Atlanta",        "GA", 33.7490,  -84.3880, "30336", EAST),
    place("dc-harrisburg",   "warehouse",   "Harrisburg",     "PA", 40.2732,  -76.8867, "17112", EAST),
    place("st-new-york",     "store",       "New York",       "NY", 40.7128,  -74.0060, "10013", EAST),
    place("st-brooklyn",     "store",       "Brooklyn",       "NY", 40.6782,  -73.9442, "11216", EAST),
    place("st-boston",       "store",       "Boston",         "MA", 42.3601,  -71.0589, "02108", EAST),
    place("st-philadelphia", "store",       "Philadelphia",   "PA", 39.9526,  -75.1652, "19107", EAST),
    place("st-washington",   "store",       "Washington",     "DC", 38.9072,  -77.0369, "20001", EAST),
    place("st-pittsburgh",   "store",       "Pittsburgh",     "PA", 40.4406,  -79.9959, "15222", EAST),
    place("st-charlotte",    "store",       "Charlotte",      "NC", 35.2271,  -80.8431, "28202", EAST),
    place("st-miami",        "store",       "Miami",          "FL", 25.7617,  -80.1918, "33130", EAST),
    place("st-tampa",        "store",       "Tampa",          "FL", 27.9506,  -82.4572, "33602", EAST),
    place("st-detroit",      "store",       "Detroit",        "MI", 42.3314,  -83.0458, "48226", "America/Detroit"),
    place("st-cleveland",    "store",       "Cleveland",      "OH", 41.4993,  -81.6944, "44114", EAST),
    place("st-indianapolis", "store",       "Indianapolis",   "IN", 39.7684,  -86.1581, "46204", "America/Indiana/Indianapolis"),
    place("st-chicago",      "store",       "Chicago",        "IL", 41.8781,  -87.6298, "60602", CENTRAL),
    place("st-milwaukee",    "store",       "Milwaukee",      "WI", 43.0389,  -87.9065, "53202", CENTRAL),
    place("st-minneapolis",  "store",       "Minneapolis",    "MN", 44.9778,  -93.2650, "55415", CENTRAL),
    place("st-st-louis",     "store",       "St. Louis",      "MO", 38.6270,  -90.1994, "63103", CENTRAL),
    place("st-nashville",    "store",       "Nashville",      "TN", 36.1627,  -86.7816, "37203", CENTRAL),
    place("st-new-orleans",  "store",       "New Orleans",    "LA", 29.9511,  -90.0715, "70112", CENTRAL),
    place("st-houston",      "store",       "Houston",        "TX", 29.7604,  -95.3698, "77002", CENTRAL),
    place("st-austin",       "store",       "Austin",         "TX", 30.2672,  -97.7431, "78701", CENTRAL),
    place("st-denver",       "store",       "Denver",         "CO", 39.7392, -104.9903, "80202", MOUNTAIN),
    place("st-salt-lake",    "store",       "Salt Lake City", "UT", 40.7608, -111.8910, "84101", MOUNTAIN),
    place("st-phoenix",      "store",       "Phoenix",        "AZ", 33.4484, -112.0740, "85004", "America/Phoenix"),
    place("st-las-vegas",    "store",       "Las Vegas",      "NV", 36.1699, -115.1398, "89101", WEST),
    place("st-los-angeles",  "store",       "Los Angeles",    "CA", 34.0522, -118.2437, "90012", WEST),
    place("st-san-diego",    "store",       "San Diego",      "CA", 32.7157, -117.1611, "92101", WEST),
    place("st-san-francisco","store",       "San Francisco",  "CA", 37.7749, -122.4194, "94103", WEST),
    place("st-seattle",      "store",       "Seattle",        "WA", 47.6062, -122.3321, "98101", WEST),
    place("3p-newark",       "third_party", "Newark",         "NJ", 40.7357,  -74.1724, "07114", EAST),
    place("3p-louisville",   "third_party", "Louisville",     "KY", 38.2527,  -85.7585, "40213", "America/Kentucky/Louisville"),
    place("3p-jacksonville", "third_party", "Jacksonville",   "FL", 30.3322,  -81.6557, "32218", EAST),
    place("3p-fort-worth",   "third_party", "Fort Worth",     "TX", 32.7555,  -97.3308, "76106", CENTRAL),
    place("3p-sacramento",   "third_party", "Sacramento",     "CA", 38.5816, -121.4944, "95828", WEST),
    place("su-portland",     "supplier",    "Portland",       "OR", 45.5152, -122.6784, "97209", WEST),
    place("su-burlington",   "supplier",    "Burlington",     "VT", 44.4759,  -73.2121, "05401", EAST),
];

/// A kind of product: code, name, weight in grams, size in millimetres, value in cents.
type Product = (&'static str, &'static str, u32, [u32; 3], i64);

#[rustfmt::skip]
const PRODUCTS: [Product; 40] = [
    ("TSHIRT", "T-shirt",            180, [300, 250,  20],  1900), ("SHIRT",  "Flannel shirt",      320, [320, 260,  40],  4900),
    ("FLEECE", "Fleece jacket",      450, [350, 300,  80],  7900), ("SHELL",  "Rain shell",         380, [340, 280,  60], 12900),
    ("DOWN",   "Down jacket",        520, [360, 300, 120], 19900), ("PANTS",  "Hiking pants",       410, [340, 270,  40],  6900),
    ("SHORTS", "Trail shorts",       210, [300, 240,  30],  3900), ("SOCKS",  "Wool socks",          90, [200, 100,  40],  1600),
    ("GLOVES", "Gloves",             110, [220, 120,  40],  2900), ("BEANIE", "Beanie",              80, [220, 180,  40],  2200),
    ("CAP",    "Cap",                100, [260, 180, 120],  2400), ("BOOTS",  "Hiking boots",      1250, [340, 240, 130], 15900),
    ("SHOES",  "Trail shoes",        720, [330, 220, 120], 11900), ("SANDAL", "Sandals",            540, [320, 200, 110],  7900),
    ("PACK20", "Daypack 20 l",       780, [480, 280, 120],  8900), ("PACK50", "Backpack 50 l",     1720, [700, 350, 200], 19900),
    ("TENT2",  "Tent for two",      2100, [500, 180, 180], 24900), ("TENT4",  "Tent for four",     4600, [650, 250, 250], 39900),
    ("BAG",    "Sleeping bag",      1150, [400, 230, 230], 14900), ("PAD",    "Sleeping pad",       480, [280, 130, 130],  7900),
    ("STOVE",  "Stove",              210, [150, 120, 120],  5900), ("POT",    "Cooking pot",        340, [200, 200, 130],  3900),
    ("MUG",    "Mug",                150, [120, 100, 100],  1500), ("BOTTLE", "Bottle",             280, [270,  80,  80],  2900),
    ("FILTER", "Water filter",       320, [220, 110, 110],  4900), ("LAMP",   "Head lamp",          110, [120,  90,  70],  3900),
    ("LANTRN", "Lantern",            420, [220, 140, 140],  4400), ("KNIFE",  "Pocket knife",       130, [130,  60,  40],  4500),
    ("ROPE",   "Rope 30 m",         2300, [320, 320, 150],  9900), ("HARNES", "Harness",            440, [300, 220, 100],  6900),
    ("HELMET", "Helmet",             340, [290, 230, 190],  7400), ("POLES",  "Trekking poles",     520, [650, 120,  90],  8900),
    ("MAP",    "Map",                 90, [250, 120,  10],  1300), ("GPS",    "Navigation device",  230, [160, 100,  80], 29900),
    ("RADIO",  "Two-way radio",      310, [210, 120,  90],  7900), ("FIRST",  "First aid kit",      390, [230, 160,  90],  3400),
    ("CHAIR",  "Camp chair",        3100, [900, 160, 160],  5900), ("TABLE",  "Camp table",        4200, [720, 380, 120],  8900),
    ("COOLER", "Cooler 30 l",       5200, [520, 370, 400], 17900), ("TOWEL",  "Travel towel",       160, [220, 140,  50],  1900),
];

const COLOURS: [(&str, &str); 7] = [
    ("BLK", "black"),
    ("GRY", "grey"),
    ("GRN", "green"),
    ("BLU", "blue"),
    ("RED", "red"),
    ("ORG", "orange"),
    ("SND", "sand"),
];
const SIZES: [&str; 7] = ["XS", "S", "M", "L", "XL", "2XL", "3XL"];
const KITS: u32 = 30;
const DOWNLOADS: u32 = 6;
const SERVICES: u32 = 4;

/// The sku of the flash sale.
pub const FLASH_SKU: &str = "TENT2-ORG-M";

/// Where the flash sale's units are.
pub const FLASH_NODES: [&str; 3] = ["dc-reno", "dc-joliet", "dc-harrisburg"];

/// The network of a seed.
#[derive(Clone, Debug)]
pub struct Network {
    seed: u64,
    products: Vec<String>,
    kits: Vec<String>,
}

impl Network {
    /// The network of a seed.
    pub fn of(seed: u64) -> Self {
        let mut products = Vec::with_capacity(PRODUCTS.len() * COLOURS.len() * SIZES.len());
        for (code, ..) in PRODUCTS {
            for (colour, _) in COLOURS {
                products.extend(SIZES.iter().map(|size| format!("{code}-{colour}-{size}")));
            }
        }
        let kits = (1..=KITS).map(|n| format!("KIT-{n:02}")).collect();
        Self { seed, products, kits }
    }

    /// The seed it was drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Skus that have stock, the flash sale's left out.
    pub fn products(&self) -> impl Iterator<Item = &str> {
        self.products.iter().map(String::as_str).filter(|sku| *sku != FLASH_SKU)
    }

    /// Skus of kits.
    pub fn kits(&self) -> &[String] {
        &self.kits
    }

    /// Lines of the node import.
    pub fn nodes(&self) -> Vec<Value> {
        let node = |p: &Place| {
            let per_shipment = match p.kind {
                "store" => 180,
                "third_party" => 220,
                _ => 120,
            };
            json!({
                "id": p.id, "kind": p.kind, "name": format!("{}, {}", p.city, p.state),
                "latitude": p.latitude, "longitude": p.longitude, "country": "US", "postal_code": p.zip,
                "time_zone": p.time_zone, "active": true,
                "handling": {"per_shipment": per_shipment, "per_unit": 25},
            })
        };
        PLACES.iter().map(node).collect()
    }

    /// Lines of the item import: products first, so that kits find their components.
    pub fn items(&self) -> Vec<Value> {
        let mut chance = Chance::of(self.seed).part(1);
        let mut lines = Vec::new();
        for (code, name, weight_g, [length, width, height], value) in PRODUCTS {
            for (colour, colour_name) in COLOURS {
                for (step, size) in (0u32..).zip(SIZES) {
                    lines.push(json!({
                        "sku": format!("{code}-{colour}-{size}"), "name": format!("{name}, {colour_name}, {size}"),
                        "kind": "product", "weight_g": weight_g * (90 + 4 * step) / 100,
                        "dimensions_mm": {"length": length, "width": width, "height": height},
                        "value": {"amount": value, "currency": "USD"},
                    }));
                }
            }
        }
        for sku in &self.kits {
            let parts = chance.between(2, 4) as usize;
            let first = chance.below(PRODUCTS.len() as u64) as usize;
            let components: Vec<Value> = (0..parts)
                .map(|part| {
                    let (code, ..) = PRODUCTS[(first + part * 7) % PRODUCTS.len()];
                    let (colour, _) = chance.pick(&COLOURS);
                    json!({"sku": format!("{code}-{colour}-M"), "quantity": chance.between(1, 2)})
                })
                .collect();
            lines.push(json!({
                "sku": sku, "name": format!("Camp set {sku}"), "kind": "kit", "weight_g": 0,
                "dimensions_mm": {"length": 0, "width": 0, "height": 0},
                "value": {"amount": 19_900, "currency": "USD"}, "components": components,
            }));
        }
        let bare = |sku: String, name: &str, kind: &str, value: i64| {
            json!({
                "sku": sku, "name": name, "kind": kind, "weight_g": 0,
                "dimensions_mm": {"length": 0, "width": 0, "height": 0},
                "value": {"amount": value, "currency": "USD"},
            })
        };
        lines.extend((1..=DOWNLOADS).map(|n| bare(format!("GUIDE-{n:02}"), "Trail guide, download", "digital", 900)));
        lines.extend((1..=SERVICES).map(|n| bare(format!("CARE-{n:02}"), "Gear care, service", "service", 2500)));
        lines
    }

    /// Stock as `(sku, node, units)`: broad in warehouses, narrow in stores, `flash` units of the flash sale's sku.
    pub fn stock(&self, flash: u64) -> Vec<(String, &'static str, u64)> {
        let mut chance = Chance::of(self.seed).part(2);
        let mut cells = Vec::new();
        for sku in self.products() {
            for place in PLACES {
                let (percent, low, high) = match place.kind {
                    "warehouse" => (55, 4, 60),
                    "third_party" => (25, 4, 40),
                    "supplier" => (12, 20, 120),
                    "store" => (7, 1, 5),
                    _ => continue,
                };
                if chance.percent(percent) {
                    cells.push((sku.to_owned(), place.id, chance.between(low, high)));
                }
            }
        }
        let share = flash / FLASH_NODES.len() as u64;
        for (at, node) in (0u64..).zip(FLASH_NODES) {
            let rest = if at == 0 { flash % FLASH_NODES.len() as u64 } else { 0 };
            cells.push((FLASH_SKU.to_owned(), node, share + rest));
        }
        cells
    }

    /// A destination near one of the stores, as an order's `ship_to`, and the city it is in.
    pub fn destination(&self, chance: &mut Chance) -> (Value, &'static str) {
        let stores: Vec<&Place> = PLACES.iter().filter(|place| place.kind == "store").collect();
        let place = **chance.pick(&stores);
        let mut near = |degrees: f64| {
            let millionths = chance.between(0, 400_000) as f64 - 200_000.0;
            ((degrees + millionths / 1e6) * 1e4).round() / 1e4
        };
        let (latitude, longitude) = (near(place.latitude), near(place.longitude));
        let ship_to = json!({
            "name": "Customer", "line1": "1 Main Street", "city": place.city, "region": place.state,
            "postal_code": place.zip, "country": "US", "latitude": latitude, "longitude": longitude,
        });
        (ship_to, place.city)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_network_has_2000_items_and_45_places_and_repeats() {
        let network = Network::of(7);
        let items = network.items();
        assert_eq!(items.len(), 2_000);
        let skus: HashSet<&str> = items.iter().filter_map(|item| item["sku"].as_str()).collect();
        assert_eq!(skus.len(), items.len());
        let known = |component: &Value| component["sku"].as_str().is_some_and(|sku| skus.contains(sku));
        let kits = items.iter().filter(|item| item["kind"] == "kit");
        assert!(kits.flat_map(|kit| kit["components"].as_array().expect("a kit has components")).all(known));

        assert_eq!(PLACES.len(), 45);
        assert_eq!(PLACES.iter().map(|place| place.id).collect::<HashSet<_>>().len(), PLACES.len());
        assert_eq!(Network::of(7).stock(1_000), network.stock(1_000));
        assert_ne!(Network::of(8).stock(1_000), network.stock(1_000));
        let flash = |cells: Vec<(String, _, u64)>| -> u64 {
            cells.iter().filter(|(sku, ..)| sku == FLASH_SKU).map(|(.., units)| units).sum()
        };
        assert_eq!(flash(network.stock(1_000)), 1_000);
    }
}
