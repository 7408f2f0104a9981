//! Carriers: who takes parcels, at which price, and how long it takes.
//!
//! A carrier has services; each tells a destination's zone, and by zone its price and its days on the way. Together with
//! the calendars of nodes and countries and the tables of zones they are the [`Shipping`] part of the catalogue. Each is
//! put whole, as one record.
//!
//! | file | holds |
//! |---|---|
//! | `zones` | how far a destination is: by distance, by postal prefix, by country |
//! | `rates` | billable weight, price by weight and zone, surcharges |
//! | `parcels` | what is packed into how many parcels |
//! | `pickups` | when carriers come to a node next |
//! | `quote` | the question: every service with price and date, or why not |
//! | `carbon` | greenhouse gas of parcels |
//! | `faults` | what makes no sense in a carrier, a calendar or a chart, told by field |
//!
//! A carrier serves every node, country and day unless its services are narrowed. Bounds: the constants below; what is
//! put must fit one record. What is *not* here: the date itself (`promise`), and sourcing.

pub mod carbon;
pub mod faults;
pub mod parcels;
pub mod pickups;
pub mod quote;
pub mod rates;
#[cfg(test)]
pub(crate) mod tests;
pub mod zones;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::carbon::Carbon;
use self::rates::{Dimensional, Rates, Surcharge};
use self::zones::{Chart, Prefix, ZoneTable, Zones};
use crate::domain::ids::Text;
use crate::domain::money::Currency;
use crate::domain::promise::calendar::{Calendar, Weekdays};

/// Most carriers.
pub const CARRIERS_MAX: usize = 500;
/// Most services of one carrier.
pub const SERVICES_MAX: usize = 50;
/// Most zones of one service.
pub const ZONES_MAX: usize = 100;
/// Most rows of one table of rates.
pub const ROWS_MAX: usize = 500;
/// Most prices of one carrier, over all its services.
pub const PRICES_MAX: usize = 5_000;
/// Most ranges of one chart, or of the charts that one carrier holds itself.
pub const RANGES_MAX: usize = 2_000;
/// Most surcharges of one service.
pub const SURCHARGES_MAX: usize = 50;
/// Most conditions that the surcharges of one carrier may list.
pub const CONDITIONS_MAX: usize = 1_000;
/// Most nodes to which one service may be narrowed.
pub const PICKUPS_MAX: usize = 200;
/// Most days on the way.
pub const TRANSIT_DAYS_MAX: u16 = 365;
/// Most calendars.
pub const CALENDARS_MAX: usize = 2_000;
/// Most holidays of one calendar.
pub const HOLIDAYS_MAX: usize = 2_000;
/// Most charts over all tables of zones.
pub const CHARTS_MAX: usize = 20_000;

/// A carrier.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Carrier {
    /// Its id.
    pub id: Text,
    /// Name for people.
    pub name: Text,
    /// Whether it is offered.
    pub active: bool,
    /// In what its prices are, where that was said; it is the base currency.
    pub currency: Option<Currency>,
    /// What it offers.
    pub services: Vec<Service>,
}

/// One service of a carrier.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Service {
    /// Its name, as `ship` says it.
    pub name: Text,
    /// How it tells zones.
    pub zones: Zones,
    /// Days on the way by zone.
    pub transit_days: Vec<u16>,
    /// What it costs.
    pub rates: Rates,
    /// What comes on top.
    pub surcharges: Vec<Surcharge>,
    /// Heaviest parcel, grams.
    pub max_weight_g: u32,
    /// When size counts as weight.
    pub dimensional: Option<Dimensional>,
    /// Minutes after midnight at which it comes to a node.
    pub cutoff_min: Option<u16>,
    /// Weekdays on which it comes.
    pub pickup_days: Weekdays,
    /// Weekdays that count as days on the way.
    pub moving_days: Weekdays,
    /// Weekdays on which it delivers.
    pub delivery_days: Weekdays,
    /// Whether public holidays are days like others to it.
    pub on_holidays: bool,
    /// Countries it delivers to; all when `None`.
    pub countries: Option<Vec<Text>>,
    /// Nodes it comes to; all when `None`.
    pub pickups: Option<Vec<Pickup>>,
    /// What its parcels make; as usual when `None`. Stored behind the carrier (`ShippingTerms::carbon`).
    #[serde(skip)]
    pub carbon: Option<Carbon>,
}

/// When a service comes to a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pickup {
    /// The node's id.
    pub node: Text,
    /// Minutes after midnight at which it comes; as elsewhere when `None`.
    pub cutoff_min: Option<u16>,
    /// Weekdays on which it comes; as elsewhere when `None`.
    pub days: Option<Weekdays>,
}

/// Zones of destinations for parcels from one prefix, under the name of a table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ZoneChart {
    /// Name of the table.
    pub table: Text,
    /// From where.
    pub from: Prefix,
    /// Whereto.
    pub chart: Chart,
}

/// Names what is put of shipping.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ShippingKey {
    /// A carrier.
    Carrier(Text),
    /// A calendar.
    Calendar(Text),
    /// A chart of a table, by where parcels come from.
    ZoneChart(Text, Prefix),
}

/// What is put of shipping, whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ShippingTerms {
    /// A carrier.
    Carrier(Carrier),
    /// A calendar.
    Calendar(Calendar),
    /// A chart of a table.
    ZoneChart(ZoneChart),
    /// A carrier, and the address under which it shows where a parcel is: [`TRACKED`] stands for the tracking number.
    Traced(Carrier, Text),
}

/// Stands in a carrier's address for the tracking number.
pub const TRACKED: &str = "{tracking_number}";

/// An address with a tracking number in it, each byte of that which could mean something else written as its number.
fn traced(template: &str, tracking_number: &str) -> String {
    let mut written = String::with_capacity(tracking_number.len());
    for byte in tracking_number.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => written.push(char::from(byte)),
            other => written.push_str(&format!("%{other:02X}")),
        }
    }
    template.replace(TRACKED, &written)
}

impl ShippingTerms {
    /// The services of a carrier; none of whatever else it is.
    fn services(&self) -> &[Service] {
        match self {
            Self::Carrier(carrier) | Self::Traced(carrier, _) => &carrier.services,
            Self::Calendar(_) | Self::ZoneChart(_) => &[],
        }
    }

    /// What services say of their greenhouse gas, service by service; nothing where none says anything.
    pub fn carbon(&self) -> Option<Vec<Option<Carbon>>> {
        let services = self.services();
        let says_some = services.iter().any(|service| service.carbon.is_some());
        says_some.then(|| services.iter().map(|service| service.carbon).collect())
    }

    /// The same with what its services say of that.
    pub fn with_carbon(mut self, said: Vec<Option<Carbon>>) -> Self {
        if let Self::Carrier(carrier) | Self::Traced(carrier, _) = &mut self {
            carrier.services.iter_mut().zip(said).for_each(|(service, carbon)| service.carbon = carbon);
        }
        self
    }

    /// What it is put under.
    pub fn key(&self) -> ShippingKey {
        match self {
            Self::Carrier(carrier) | Self::Traced(carrier, _) => ShippingKey::Carrier(carrier.id.clone()),
            Self::Calendar(calendar) => ShippingKey::Calendar(calendar.id.clone()),
            Self::ZoneChart(chart) => ShippingKey::ZoneChart(chart.table.clone(), chart.from),
        }
    }
}

/// All carriers, calendars and tables of zones.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shipping {
    carriers: BTreeMap<Text, Carrier>,
    /// Where carriers show where a parcel is.
    tracking_urls: BTreeMap<Text, Text>,
    calendars: BTreeMap<Text, Calendar>,
    tables: BTreeMap<Text, ZoneTable>,
}

impl Shipping {
    /// Puts, or replaces.
    pub fn put(&mut self, terms: ShippingTerms) {
        match terms {
            ShippingTerms::Carrier(carrier) => {
                self.tracking_urls.remove(&carrier.id);
                self.carriers.insert(carrier.id.clone(), carrier);
            }
            ShippingTerms::Traced(carrier, template) => {
                self.tracking_urls.insert(carrier.id.clone(), template);
                self.carriers.insert(carrier.id.clone(), carrier);
            }
            ShippingTerms::Calendar(calendar) => drop(self.calendars.insert(calendar.id.clone(), calendar)),
            ShippingTerms::ZoneChart(chart) => {
                self.tables.entry(chart.table).or_default().insert(chart.from, chart.chart);
            }
        }
    }

    /// What is put under a key, as it was put.
    pub fn terms(&self, key: &ShippingKey) -> Option<ShippingTerms> {
        match key {
            ShippingKey::Carrier(id) => self.carrier_terms(id),
            ShippingKey::Calendar(id) => self.calendar(id).cloned().map(ShippingTerms::Calendar),
            ShippingKey::ZoneChart(table, from) => {
                let chart = self.table(table)?.get(from)?.clone();
                Some(ShippingTerms::ZoneChart(ZoneChart { table: table.clone(), from: *from, chart }))
            }
        }
    }

    /// A carrier as it was put.
    pub fn carrier_terms(&self, id: &str) -> Option<ShippingTerms> {
        let carrier = self.carrier(id)?.clone();
        Some(match self.tracking_urls.get(id) {
            Some(template) => ShippingTerms::Traced(carrier, template.clone()),
            None => ShippingTerms::Carrier(carrier),
        })
    }

    /// The address under which a carrier shows where all parcels are, with a mark for the tracking number.
    pub fn tracking_template(&self, carrier: &str) -> Option<&Text> {
        self.tracking_urls.get(carrier)
    }

    /// The address under which a carrier shows where a parcel is; `None` where nobody told it.
    pub fn tracking_url(&self, carrier: &str, tracking_number: &str) -> Option<String> {
        self.tracking_urls.get(carrier).map(|template| traced(template, tracking_number))
    }

    /// A carrier.
    pub fn carrier(&self, id: &str) -> Option<&Carrier> {
        self.carriers.get(id)
    }

    /// All carriers, ascending by id.
    pub fn carriers(&self) -> impl Iterator<Item = &Carrier> {
        self.carriers.values()
    }

    /// A service of a carrier.
    pub fn service(&self, carrier: &str, name: &str) -> Option<&Service> {
        self.carrier(carrier)?.services.iter().find(|service| *service.name == *name)
    }

    /// A calendar.
    pub fn calendar(&self, id: &str) -> Option<&Calendar> {
        self.calendars.get(id)
    }

    /// All calendars, ascending by id.
    pub fn calendars(&self) -> impl Iterator<Item = &Calendar> {
        self.calendars.values()
    }

    /// The charts of a table of zones.
    pub fn table(&self, name: &str) -> Option<&ZoneTable> {
        self.tables.get(name)
    }

    /// Whether one more of what a key names is too many.
    pub fn is_full_for(&self, key: &ShippingKey) -> Option<usize> {
        let (is, most) = match key {
            ShippingKey::Carrier(_) => (self.carriers.len(), CARRIERS_MAX),
            ShippingKey::Calendar(_) => (self.calendars.len(), CALENDARS_MAX),
            ShippingKey::ZoneChart(..) => (self.tables.values().map(ZoneTable::len).sum(), CHARTS_MAX),
        };
        (is >= most).then_some(most)
    }
}
