//! Carriers: put and shown. The shown carrier is what was put, with every default said.

use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::calendar::{weekdays, words};
use super::json::Json;
use super::reading::{At, Listed, Shape, shape};
use super::scalar::{
    Amount, Country, CurrencyCode, Divisor, GramPart, Grams, Id, Kilometres, Millimetres, Name, Percent, TimeOfDay,
    TrackingUrl, TransitDays, UnitsUpto, Volume,
};
use super::words::{WeekdayWord, WeightUnitWord, ZonesBy};
use super::zones::{PostalPrefix, RowShape, charts, rows, tell};
use crate::domain::carrier::carbon::Carbon;
use crate::domain::carrier::rates::{Dimensional, Prices, Rates, Surcharge, UNIT_PARTS};
use crate::domain::carrier::zones::Zones;
use crate::domain::carrier::{
    Carrier, PICKUPS_MAX, Pickup, ROWS_MAX, SERVICES_MAX, SURCHARGES_MAX, Service, ShippingTerms, ZONES_MAX,
};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::promise::calendar::Weekdays;

shape! {
    /// A carrier, whole.
    #[derive(Serialize)]
    pub struct CarrierPut {
        /// Name for people; its id when left out.
        pub name: Option<Name>,
        /// Whether it is offered; it is when left out.
        pub active: Option<bool>,
        /// Currency of its prices: the base currency, which is meant when it is left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub currency: Option<CurrencyCode>,
        /// Address under which it shows where a parcel is, with `{tracking_number}` in it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tracking_url: Option<TrackingUrl>,
        /// What it offers.
        pub services: Vec<ServiceShape>,
    }
    check = CarrierPut::judge;
}

shape! {
    /// One service of a carrier.
    #[derive(Serialize)]
    #[schema(as = CarrierService)]
    pub struct ServiceShape {
        /// Its name.
        pub service: Id,
        /// Days on the way, by zone. They say how many zones there are.
        pub transit_days: Vec<TransitDays>,
        /// How zones are told.
        pub zones: ZonesShape,
        /// What it costs, minor units of the base currency.
        pub rates: RatesShape,
        /// Heaviest parcel.
        pub max_weight_g: Grams,
        /// Cubic inches to a pound, or cubic centimetres to a kilogram, by which size counts as weight.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub dim_divisor: Option<Divisor>,
        /// Volume up to which size does not count.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub dim_above_cm3: Option<Volume>,
        /// What comes on top.
        pub surcharges: Option<Vec<SurchargeShape>>,
        /// Local time at which it comes to a node; whenever something is ready when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub cutoff: Option<TimeOfDay>,
        /// Weekdays on which it comes; every day when left out.
        pub pickup_days: Option<Vec<WeekdayWord>>,
        /// Weekdays on which it delivers; every day when left out.
        pub delivery_days: Option<Vec<WeekdayWord>>,
        /// Weekdays that count as days on the way; as `delivery_days` when left out.
        pub moving_days: Option<Vec<WeekdayWord>>,
        /// Whether public holidays are days like others to it; they are not when left out. They are told by the calendars
        /// that are named after countries.
        pub on_holidays: Option<bool>,
        /// Countries it delivers to; all when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub countries: Option<Vec<CountryWord>>,
        /// Nodes it comes to; all when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub nodes: Option<Vec<PickupShape>>,
        /// Greenhouse gas of its parcels; 400 g for each and 0.09 g per kilogram and kilometre when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub carbon: Option<CarbonShape>,
    }
    check = ServiceShape::judge;
}

shape! {
    /// Greenhouse gas of a service's parcels, grams of CO2 equivalents: by weight and way, by way alone, or both.
    #[derive(Serialize)]
    #[schema(as = CarrierCarbon)]
    pub struct CarbonShape {
        /// Grams per kilogram and kilometre; 0 when left out beside `g_per_parcel_km`.
        pub g_per_kg_km: Option<GramPart>,
        /// Grams per parcel and kilometre; 0 when left out beside `g_per_kg_km`.
        pub g_per_parcel_km: Option<GramPart>,
        /// Grams per parcel, wherever it goes; 400 when left out.
        pub g_per_parcel: Option<Grams>,
    }
    check = CarbonShape::judge;
}

shape! {
    /// How zones are told.
    #[derive(Serialize)]
    #[schema(as = Zones)]
    pub struct ZonesShape {
        /// By great circle, by postal prefix, or by country.
        pub by: ZonesBy,
        /// `distance_km`: bounds in kilometres, ascending. One zone more than bounds; a bound belongs to the zone before.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub upto: Option<Vec<Kilometres>>,
        /// `prefix_table`: the name of a table of zones, or its rows.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub table: Option<TableShape>,
        /// `country`: a list of countries for every zone; an empty list takes all others.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub countries: Option<Vec<Vec<CountryWord>>>,
    }
    check = ZonesShape::judge;
}

/// A table of zones: its name, or its rows.
#[derive(Clone, Debug)]
pub enum TableShape {
    /// Its name.
    Named(Id),
    /// Its rows.
    Rows(Vec<RowShape>),
}

shape! {
    /// What a parcel costs: either `base` and `step`, or `table`.
    #[derive(Serialize)]
    #[schema(as = CarrierRates)]
    pub struct RatesShape {
        /// In what it weighs: `lb` (453.59237 g) or `kg`; only a table may leave it out, and means `lb`.
        pub unit: Option<WeightUnitWord>,
        /// A price for every parcel, by zone.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub base: Option<Vec<Amount>>,
        /// A price for every unit begun, by zone.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub step: Option<Vec<Amount>>,
        /// A row for every bound of weight, each with a price by zone; `null` where it is not carried. A parcel goes as a
        /// heavier one where a heavier row costs less, whatever else is in its order; one whose weight lies in a row of
        /// `null` does not go by this service.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub table: Option<Vec<Vec<Option<Amount>>>>,
        /// Bounds of the rows, in units, ascending, to ten-thousandths; 1, 2, 3, … when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub upto: Option<Vec<UnitsUpto>>,
    }
    check = RatesShape::judge;
}

shape! {
    /// What comes on top where all its conditions hold: an amount, a share, or both.
    #[derive(Serialize)]
    #[schema(as = Surcharge)]
    pub struct SurchargeShape {
        /// Its name.
        pub surcharge: Id,
        /// An amount for every parcel.
        pub amount: Option<Amount>,
        /// A share of the parcel's price, per cent.
        pub percent: Option<Percent>,
        /// Only for parcels that are heavier.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub above_g: Option<Grams>,
        /// Only for parcels with a longer edge.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub longest_above_mm: Option<Millimetres>,
        /// Only to postal codes that begin so.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub to_prefixes: Option<Vec<PostalPrefix>>,
        /// Only to these countries.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub to_countries: Option<Vec<CountryWord>>,
    }
    check = SurchargeShape::judge;
}

shape! {
    /// When a service comes to a node.
    #[derive(Serialize)]
    #[schema(as = CarrierPickup)]
    pub struct PickupShape {
        /// The node.
        pub node: Id,
        /// Local time at which it comes; as elsewhere when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub cutoff: Option<TimeOfDay>,
        /// Weekdays on which it comes; as elsewhere when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pickup_days: Option<Vec<WeekdayWord>>,
    }
}

/// A country in a list of them.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct CountryWord(pub Country);

impl Shape for CountryWord {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        Country::read(json, at).map(Self)
    }
}

impl PartialSchema for CountryWord {
    fn schema() -> RefOr<Schema> {
        Country::schema()
    }
}

impl ToSchema for CountryWord {}

/// How many entries a list of these may have.
macro_rules! listed {
    ($($type:ty: $least:expr, $most:expr;)*) => { $(
        impl Listed for $type {
            const LEAST: usize = $least;
            const MOST: usize = $most;
        }
    )* };
}

listed! {
    ServiceShape: 1, SERVICES_MAX;
    TransitDays: 1, ZONES_MAX;
    Kilometres: 0, ZONES_MAX - 1;
    Amount: 1, ZONES_MAX;
    Option<Amount>: 1, ZONES_MAX;
    Vec<Option<Amount>>: 1, ROWS_MAX;
    UnitsUpto: 1, ROWS_MAX;
    SurchargeShape: 0, SURCHARGES_MAX;
    PickupShape: 1, PICKUPS_MAX;
    CountryWord: 0, 300;
    Vec<CountryWord>: 1, ZONES_MAX;
    WeekdayWord: 1, 7;
}

impl Shape for TableShape {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        match json {
            Json::List(_) => Vec::read(json, at).map(Self::Rows),
            Json::Text(_) | Json::Bare(_) => Id::read(json, at).map(Self::Named),
            other => at.wrong_type("the name of a table or a list of rows", other),
        }
    }
}

impl Serialize for TableShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(name) => name.serialize(serializer),
            Self::Rows(rows) => rows.serialize(serializer),
        }
    }
}

impl PartialSchema for TableShape {
    fn schema() -> RefOr<Schema> {
        let either = AnyOfBuilder::new().item(Id::schema()).item(<Vec<RowShape> as PartialSchema>::schema());
        either.description(Some("The name of a table of zones, or its rows.")).into()
    }
}

impl ToSchema for TableShape {}

/// A field that goes with another way of saying it.
fn unwanted<T>(at: &At<'_>, name: &'static str, field: Option<&T>) {
    if field.is_some() {
        at.field(name).fault::<()>("unknown_field", "is not a field here, beside the others");
    }
}

/// A field that this way of saying it needs.
fn wanted<T>(at: &At<'_>, name: &'static str, field: Option<&T>) {
    if field.is_none() {
        at.field(name).fault::<()>("missing_field", "is required");
    }
}

impl ZonesShape {
    fn judge(&self, at: &At<'_>) {
        let (upto, table, countries) = (self.upto.as_ref(), self.table.as_ref(), self.countries.as_ref());
        match self.by {
            ZonesBy::DistanceKm => wanted(at, "upto", upto),
            ZonesBy::PrefixTable => wanted(at, "table", table),
            ZonesBy::Country => wanted(at, "countries", countries),
        }
        unwanted(at, "upto", upto.filter(|_| self.by != ZonesBy::DistanceKm));
        unwanted(at, "table", table.filter(|_| self.by != ZonesBy::PrefixTable));
        unwanted(at, "countries", countries.filter(|_| self.by != ZonesBy::Country));
        if let Some(TableShape::Rows(rows)) = table
            && let Err(bad) = charts(rows)
        {
            tell(bad, &at.field("table"));
        }
    }

    fn zones(&self) -> Zones {
        match (self.by, &self.table) {
            (ZonesBy::DistanceKm, _) => Zones::Distance(self.upto.iter().flatten().map(|km| km.metres).collect()),
            (ZonesBy::PrefixTable, Some(TableShape::Named(name))) => Zones::Table(name.0.clone()),
            (ZonesBy::PrefixTable, Some(TableShape::Rows(rows))) => Zones::Charts(charts(rows).unwrap_or_default()),
            (ZonesBy::PrefixTable, None) => Zones::Charts(Vec::new()),
            (ZonesBy::Country, _) => {
                Zones::Countries(self.countries.iter().flatten().map(|list| countries(list)).collect())
            }
        }
    }

    fn of(zones: &Zones) -> Self {
        let plain = Self { by: ZonesBy::DistanceKm, upto: None, table: None, countries: None };
        let table = |table| Self { by: ZonesBy::PrefixTable, table: Some(table), ..plain.clone() };
        match zones {
            Zones::Distance(bounds) => {
                let upto = bounds.iter().map(|metres| Kilometres { metres: *metres }).collect();
                Self { upto: Some(upto), ..plain }
            }
            Zones::Table(name) => table(TableShape::Named(Id(name.clone()))),
            Zones::Charts(charts) => table(TableShape::Rows(rows(charts))),
            Zones::Countries(lists) => {
                let lists = lists.iter().map(|list| country_words(list)).collect();
                Self { by: ZonesBy::Country, countries: Some(lists), ..plain }
            }
        }
    }
}

fn countries(words: &[CountryWord]) -> Vec<Text> {
    words.iter().map(|word| word.0.0.clone()).collect()
}

fn country_words(countries: &[Text]) -> Vec<CountryWord> {
    countries.iter().map(|country| CountryWord(Country(country.clone()))).collect()
}

impl RatesShape {
    fn judge(&self, at: &At<'_>) {
        if self.table.is_some() {
            unwanted(at, "base", self.base.as_ref());
            unwanted(at, "step", self.step.as_ref());
        } else {
            wanted(at, "unit", self.unit.as_ref());
            wanted(at, "base", self.base.as_ref());
            wanted(at, "step", self.step.as_ref());
            unwanted(at, "upto", self.upto.as_ref());
        }
    }

    fn rates(&self) -> Rates {
        let amounts = |list: &Option<Vec<Amount>>| list.iter().flatten().map(|amount| amount.0).collect::<Vec<_>>();
        let prices = match &self.table {
            None => Prices::Steps { base: amounts(&self.base), step: amounts(&self.step) },
            Some(table) => {
                let row = |row: &Vec<Option<Amount>>| row.iter().map(|cell| cell.map(|amount| amount.0)).collect();
                let counted = || (1..=table.len() as u32).map(|unit| unit * UNIT_PARTS).collect();
                let upto = self.upto.as_ref().map(|bounds| bounds.iter().map(|bound| bound.parts).collect());
                Prices::Table {
                    upto: upto.unwrap_or_else(counted),
                    rows: table.iter().map(row).collect::<Vec<_>>().into(),
                }
            }
        };
        Rates { unit: self.unit.unwrap_or(WeightUnitWord::Lb).into(), prices }
    }

    fn of(rates: &Rates) -> Self {
        let unit = Some(rates.unit.into());
        let plain = Self { unit, base: None, step: None, table: None, upto: None };
        let amounts = |list: &[i64]| Some(list.iter().map(|amount| Amount(*amount)).collect());
        match &rates.prices {
            Prices::Steps { base, step } => Self { base: amounts(base), step: amounts(step), ..plain },
            Prices::Table { upto, rows } => {
                let row = |row: &Vec<Option<i64>>| row.iter().map(|cell| cell.map(Amount)).collect();
                let upto = upto.iter().map(|parts| UnitsUpto { parts: *parts }).collect();
                Self { table: Some(rows.told().iter().map(row).collect()), upto: Some(upto), ..plain }
            }
        }
    }
}

impl CarbonShape {
    fn judge(&self, at: &At<'_>) {
        if self.g_per_parcel_km.is_none() {
            wanted(at, "g_per_kg_km", self.g_per_kg_km.as_ref());
        }
    }

    fn carbon(&self) -> Carbon {
        let micro_g = |part: Option<GramPart>| part.map_or(0, |part| part.millionths);
        Carbon {
            parcel_g: self.g_per_parcel.map_or(Carbon::USUAL.parcel_g, |grams| grams.0),
            micro_g_per_parcel_km: micro_g(self.g_per_parcel_km),
            micro_g_per_kg_km: micro_g(self.g_per_kg_km),
        }
    }

    fn of(carbon: Carbon) -> Self {
        let grams = |millionths| Some(GramPart { millionths });
        Self {
            g_per_kg_km: grams(carbon.micro_g_per_kg_km),
            g_per_parcel_km: grams(carbon.micro_g_per_parcel_km),
            g_per_parcel: Some(Grams(carbon.parcel_g)),
        }
    }
}

impl SurchargeShape {
    fn judge(&self, at: &At<'_>) {
        if self.amount.is_none() && self.percent.is_none() {
            at.field("amount").fault::<()>("missing_field", "is required, unless there is a percent");
        }
    }

    fn surcharge(&self) -> Surcharge {
        Surcharge {
            name: self.surcharge.0.clone(),
            amount: self.amount.map_or(0, |amount| amount.0),
            share: self.percent.map_or(0, |percent| percent.hundredths),
            above_g: self.above_g.map(|grams| grams.0),
            above_mm: self.longest_above_mm.map(|edge| edge.0),
            prefixes: self.to_prefixes.as_ref().map(|all| all.iter().map(|prefix| prefix.0).collect()),
            countries: self.to_countries.as_deref().map(countries),
        }
    }

    fn of(surcharge: &Surcharge) -> Self {
        Self {
            surcharge: Id(surcharge.name.clone()),
            amount: Some(Amount(surcharge.amount)),
            percent: Some(Percent { hundredths: surcharge.share }),
            above_g: surcharge.above_g.map(Grams),
            longest_above_mm: surcharge.above_mm.map(Millimetres),
            to_prefixes: surcharge.prefixes.as_ref().map(|all| all.iter().copied().map(PostalPrefix).collect()),
            to_countries: surcharge.countries.as_deref().map(country_words),
        }
    }
}

impl ServiceShape {
    fn judge(&self, at: &At<'_>) {
        if self.dim_above_cm3.is_some() {
            wanted(at, "dim_divisor", self.dim_divisor.as_ref());
        }
    }

    fn service(&self) -> Service {
        let days = |list: &Option<Vec<WeekdayWord>>| list.as_deref().map(weekdays);
        let delivery_days = days(&self.delivery_days).unwrap_or(Weekdays::EVERY);
        let pickup = |pickup: &PickupShape| Pickup {
            node: pickup.node.0.clone(),
            cutoff_min: pickup.cutoff.map(|time| time.minutes),
            days: days(&pickup.pickup_days),
        };
        let above_cm3 = self.dim_above_cm3.map(|volume| volume.0);
        Service {
            name: self.service.0.clone(),
            zones: self.zones.zones(),
            transit_days: self.transit_days.iter().map(|days| days.0).collect(),
            rates: self.rates.rates(),
            surcharges: self.surcharges.iter().flatten().map(SurchargeShape::surcharge).collect(),
            max_weight_g: self.max_weight_g.0,
            dimensional: self.dim_divisor.map(|divisor| Dimensional { divisor: divisor.0, above_cm3 }),
            cutoff_min: self.cutoff.map(|time| time.minutes),
            pickup_days: days(&self.pickup_days).unwrap_or(Weekdays::EVERY),
            moving_days: days(&self.moving_days).unwrap_or(delivery_days),
            delivery_days,
            on_holidays: self.on_holidays.unwrap_or(false),
            countries: self.countries.as_deref().map(countries),
            pickups: self.nodes.as_ref().map(|nodes| nodes.iter().map(pickup).collect()),
            carbon: self.carbon.as_ref().map(CarbonShape::carbon),
        }
    }

    fn of(service: &Service) -> Self {
        let time = |minutes: Option<u16>| minutes.map(|minutes| TimeOfDay { minutes });
        let pickup = |pickup: &Pickup| PickupShape {
            node: Id(pickup.node.clone()),
            cutoff: time(pickup.cutoff_min),
            pickup_days: pickup.days.map(words),
        };
        Self {
            service: Id(service.name.clone()),
            transit_days: service.transit_days.iter().copied().map(TransitDays).collect(),
            zones: ZonesShape::of(&service.zones),
            rates: RatesShape::of(&service.rates),
            max_weight_g: Grams(service.max_weight_g),
            dim_divisor: service.dimensional.map(|dimensional| Divisor(dimensional.divisor)),
            dim_above_cm3: service.dimensional.and_then(|dimensional| dimensional.above_cm3).map(Volume),
            surcharges: Some(service.surcharges.iter().map(SurchargeShape::of).collect()),
            cutoff: time(service.cutoff_min),
            pickup_days: Some(words(service.pickup_days)),
            delivery_days: Some(words(service.delivery_days)),
            moving_days: Some(words(service.moving_days)),
            on_holidays: Some(service.on_holidays),
            countries: service.countries.as_deref().map(country_words),
            nodes: service.pickups.as_ref().map(|pickups| pickups.iter().map(pickup).collect()),
            carbon: service.carbon.map(CarbonShape::of),
        }
    }
}

impl CarrierPut {
    fn judge(&self, at: &At<'_>) {
        for fault in self.carrier("".into()).faults() {
            at.field(&fault.field).fault::<()>(fault.code, fault.detail);
        }
    }

    /// The carrier under its id.
    pub fn carrier(&self, id: Text) -> Carrier {
        Carrier {
            name: self.name.as_ref().map_or_else(|| id.clone(), |name| name.0.clone()),
            id,
            active: self.active.unwrap_or(true),
            currency: self.currency.map(|currency| currency.0),
            services: self.services.iter().map(ServiceShape::service).collect(),
        }
    }

    /// The command that puts it.
    pub fn command(&self, id: Text) -> Command {
        let carrier = self.carrier(id);
        let terms = match &self.tracking_url {
            Some(template) => ShippingTerms::Traced(carrier, template.0.clone()),
            None => ShippingTerms::Carrier(carrier),
        };
        Command::PutShipping(Box::new(terms))
    }
}

/// A carrier.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Carrier)]
pub struct CarrierJson {
    /// Its id.
    pub id: Id,
    /// As it was put.
    #[serde(flatten)]
    pub put: CarrierPut,
}

impl CarrierJson {
    /// A carrier, and the address under which it shows where a parcel is.
    pub fn of(carrier: &Carrier, tracking_url: Option<&Text>) -> Self {
        let put = CarrierPut {
            name: Some(Name(carrier.name.clone())),
            active: Some(carrier.active),
            currency: carrier.currency.map(CurrencyCode),
            tracking_url: tracking_url.cloned().map(TrackingUrl),
            services: carrier.services.iter().map(ServiceShape::of).collect(),
        };
        Self { id: Id(carrier.id.clone()), put }
    }
}
