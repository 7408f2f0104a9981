//! The question what it costs to send something and when it arrives, and what every service answers: its price part by
//! part and its date stage by stage, or why it does not.

use jiff::Timestamp;
use jiff::tz::TimeZone as Zone;
use serde::Serialize;
use utoipa::ToSchema;

use super::item::DimensionsShape;
use super::learned::OnTimeJson;
use super::reading::{At, Listed, shape};
use super::scalar::{
    Country, Day, Grams, Id, Instant, Latitude, Longitude, MoneyJson, PostalCode, Sku, TimeZone, position,
};
use crate::domain::carrier::quote::{Answers, Offer, PricedParcel, WhyNot};
use crate::domain::carrier::rates::Parcel;
use crate::domain::command::{AskRates, AskedFreight, AskedFrom, AskedTo};
use crate::domain::geo::Position;
use crate::domain::ids::Text;
use crate::domain::limits::ORDER_LINES_MAX;
use crate::domain::money::{Currency, Money};
use crate::domain::promise::NoDay;
use crate::domain::quantity::Quantity;
use crate::domain::transit::InTime;
use crate::domain::weighed::Carried;

/// Most parcels of one question.
const PARCELS_MAX: usize = 1_000;

shape! {
    /// What does it cost to send this, and when does it arrive.
    pub struct RatesRequest {
        /// From where: a node, or any other place.
        pub from: FromShape,
        /// Whereto.
        pub to: ToShape,
        /// Parcels as they are; or `lines`.
        pub parcels: Option<Vec<ParcelShape>>,
        /// Items, packed into as few parcels as their weight allows; or `parcels`.
        pub lines: Option<Vec<SentLine>>,
        /// When it was ordered; now when left out.
        pub placed_at: Option<Instant>,
        /// When the last hold is expected to end.
        pub held_until: Option<Instant>,
    }
    check = RatesRequest::judge;
}

shape! {
    /// From where: `node`, or `country` and what else is known of the place.
    #[schema(as = RatesFrom)]
    pub struct FromShape {
        /// A node.
        pub node: Option<Id>,
        /// Country.
        pub country: Option<Country>,
        /// Postal code.
        pub postal_code: Option<PostalCode>,
        /// Degrees north; the middle of the country's nodes when left out.
        pub latitude: Option<Latitude>,
        /// Degrees east.
        pub longitude: Option<Longitude>,
        /// IANA time zone; UTC when left out.
        pub time_zone: Option<TimeZone>,
    }
    check = FromShape::judge;
}

shape! {
    /// Whereto.
    #[schema(as = RatesTo)]
    pub struct ToShape {
        /// Country.
        pub country: Country,
        /// Postal code.
        pub postal_code: Option<PostalCode>,
        /// Degrees north; the middle of the country's nodes when left out.
        pub latitude: Option<Latitude>,
        /// Degrees east.
        pub longitude: Option<Longitude>,
    }
    check = ToShape::judge;
}

shape! {
    /// A parcel.
    #[derive(Copy)]
    #[schema(as = RatesParcel)]
    pub struct ParcelShape {
        /// What it weighs.
        pub weight_g: Grams,
        /// Its size; none when left out.
        pub dimensions_mm: Option<DimensionsShape>,
    }
}

shape! {
    /// Units of an item.
    #[schema(as = RatesLine)]
    pub struct SentLine {
        /// The item.
        pub sku: Sku,
        /// How many.
        pub quantity: Quantity,
    }
}

impl Listed for ParcelShape {
    const MOST: usize = PARCELS_MAX;
}

impl Listed for SentLine {
    const MOST: usize = ORDER_LINES_MAX;
}

fn place(latitude: Option<Latitude>, longitude: Option<Longitude>) -> Option<Position> {
    latitude.zip(longitude).and_then(|(north, east)| Position::from_degrees(north.0, east.0))
}

impl FromShape {
    fn judge(&self, at: &At<'_>) {
        position(self.latitude, self.longitude, at);
        if self.node.is_none() {
            if self.country.is_none() {
                at.field("country").fault::<()>("missing_field", "is required without a node");
            }
            return;
        }
        for (name, is_there) in [
            ("country", self.country.is_some()),
            ("postal_code", self.postal_code.is_some()),
            ("latitude", self.latitude.is_some()),
            ("longitude", self.longitude.is_some()),
            ("time_zone", self.time_zone.is_some()),
        ] {
            if is_there {
                at.field(name).fault::<()>("unknown_field", "is not a field here, beside a node");
            }
        }
    }

    fn asked(self) -> AskedFrom {
        match self.node {
            Some(node) => AskedFrom::Node(node.0),
            None => AskedFrom::Place {
                country: self.country.map_or_else(|| "".into(), |country| country.0),
                postal_code: code(self.postal_code),
                position: place(self.latitude, self.longitude),
                time_zone: self.time_zone.map(|zone| zone.0),
            },
        }
    }
}

fn code(postal_code: Option<PostalCode>) -> Text {
    postal_code.map_or_else(|| "".into(), |code| code.0)
}

impl ToShape {
    fn judge(&self, at: &At<'_>) {
        position(self.latitude, self.longitude, at);
    }
}

impl RatesRequest {
    fn judge(&self, at: &At<'_>) {
        match (&self.parcels, &self.lines) {
            (Some(_), Some(_)) => at.field("lines").fault("unknown_field", "is not a field here, beside parcels"),
            (None, None) => at.field("lines").fault("missing_field", "is required without parcels"),
            _ => Some(()),
        };
    }

    /// The question of the domain.
    pub fn asked(self) -> AskRates {
        let freight = match (self.parcels, self.lines) {
            (Some(parcels), _) => AskedFreight::Parcels(parcels.into_iter().map(Parcel::from).collect()),
            (None, lines) => {
                let lines = lines.unwrap_or_default().into_iter();
                AskedFreight::Lines(lines.map(|line| (line.sku.0, line.quantity)).collect())
            }
        };
        AskRates {
            from: self.from.asked(),
            to: AskedTo {
                position: place(self.to.latitude, self.to.longitude),
                country: self.to.country.0,
                postal_code: code(self.to.postal_code),
            },
            freight,
            placed_at: self.placed_at.map(Instant::wall),
            held_until: self.held_until.map(Instant::wall),
        }
    }
}

impl From<ParcelShape> for Parcel {
    fn from(shape: ParcelShape) -> Self {
        let size = shape.dimensions_mm.map_or([0; 3], |size| [size.length.0, size.width.0, size.height.0]);
        Self::of(shape.weight_g.0, size)
    }
}

/// What every service answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rates)]
pub struct RatesJson {
    /// Who can do it: cheapest first, then earliest.
    pub rates: Vec<RateJson>,
    /// Who cannot, and why.
    pub unavailable: Vec<UnavailableJson>,
    /// Whether the middle of a country stands for a position that was not given.
    pub approximate: bool,
    /// The catalogue that was asked: sequence of its last change.
    pub as_of: u64,
}

/// A service that can do it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rate)]
pub struct RateJson {
    /// Carrier.
    pub carrier: Id,
    /// Its service.
    pub service: Id,
    /// Zone, from 1.
    pub zone: u8,
    /// Great circle, where zones are told by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_km: Option<f64>,
    /// The sum over all parcels.
    pub price: MoneyJson,
    /// Its parcels.
    pub parcels: Vec<PricedParcelJson>,
    /// The day it arrives, where it arrives.
    #[schema(value_type = Day)]
    pub arrives: Day,
    /// The chance that it does.
    pub on_time: OnTimeJson,
    /// How that date comes about.
    pub stages: Vec<StageJson>,
}

/// What carriers say to one shipment of a quote.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = QuotedShipment)]
pub struct QuotedShipmentJson {
    /// The node it leaves.
    pub node: Id,
    /// The group it goes to, where it is not the order's own destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Id>,
    /// The service that the plan chose, the cheapest where it weighed none; `null` when none can do it.
    pub rate: Option<RateJson>,
    /// How the plan divides it among services, at the prices that its cost counts; left out where it weighed none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<CarriedJson>,
    /// Why none can, when none can.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unavailable: Vec<UnavailableJson>,
}

/// What one service takes of a shipment by a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Carried)]
pub struct CarriedJson {
    /// Carrier.
    pub carrier: Id,
    /// Its service.
    pub service: Id,
    /// How many parcels.
    pub parcels: u32,
    /// What they cost together; zero where its objective has no term for shipping.
    pub price: MoneyJson,
}

impl QuotedShipmentJson {
    /// The chosen one of the answers to a shipment from a node to a group, with the chance that it comes as promised.
    pub fn of(
        (node, group): (&Text, &Text),
        (answers, chosen, in_time): (&Answers, usize, Option<InTime>),
        carried: &[Carried],
        base: Currency,
        zone: &Zone,
    ) -> Self {
        let chosen = answers.offers.get(chosen).zip(in_time);
        let rate = chosen.map(|(offer, in_time)| RateJson::of(offer, in_time, base, zone));
        let none: &[_] = if rate.is_some() { &[] } else { &answers.without };
        Self {
            node: Id(node.clone()),
            group: (!group.is_empty()).then(|| Id(group.clone())),
            carried: carried.iter().map(|own| CarriedJson::of(own, base)).collect(),
            unavailable: none.iter().map(|(c, s, why)| UnavailableJson::of(c, s, *why)).collect(),
            rate,
        }
    }
}

impl CarriedJson {
    fn of(own: &Carried, base: Currency) -> Self {
        Self {
            carrier: Id(own.carrier.clone()),
            service: Id(own.service.clone()),
            parcels: own.parcels,
            price: MoneyJson::from(Money { amount: own.price, currency: base }),
        }
    }
}

/// Equal parcels, and what one of them costs: minor units of the currency of the price.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RatePricedParcel)]
pub struct PricedParcelJson {
    /// How many there are.
    pub count: u32,
    /// What one weighs.
    pub weight_g: u64,
    /// What it is billed by, rounded up.
    pub billable_g: u64,
    /// The same in the carrier's units, rounded up.
    pub units: u64,
    /// What every parcel of that zone costs, or the price of its row.
    pub base: i64,
    /// What its units cost.
    pub weight: i64,
    /// What comes on top.
    pub surcharges: Vec<SurchargedJson>,
    /// The sum of these.
    pub price: i64,
}

/// What a surcharge comes to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RateSurcharge)]
pub struct SurchargedJson {
    /// Its name.
    pub surcharge: Id,
    /// Minor units.
    pub amount: i64,
}

/// One stage of a date.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RateStage)]
pub struct StageJson {
    /// `ordered`, `released`, `begun`, `ready` or `picked_up`.
    pub stage: &'static str,
    /// When.
    pub at: Instant,
    /// The same as the clock shows it where it is sent from.
    pub local: String,
}

/// A service that cannot do it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RateUnavailable)]
pub struct UnavailableJson {
    /// Carrier.
    pub carrier: Id,
    /// Its service.
    pub service: Id,
    /// Why, as a word.
    pub reason: &'static str,
    /// In words.
    pub detail: String,
}

impl RateJson {
    /// An offer with the chance that it comes as promised, its price in the base currency, its stages by the clock of where it
    /// is sent from.
    pub fn of(offer: &Offer, in_time: InTime, base: Currency, zone: &Zone) -> Self {
        let promise = &offer.promise;
        let stage = |(stage, at): (&'static str, Timestamp)| StageJson {
            stage,
            at: Instant { ms: at.as_millisecond() },
            local: at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        };
        let stages = [
            ("ordered", promise.ordered),
            ("released", promise.released),
            ("begun", promise.begun),
            ("ready", promise.ready),
            ("picked_up", promise.picked_up),
        ];
        Self {
            carrier: Id(offer.carrier.clone()),
            service: Id(offer.service.clone()),
            zone: offer.zone,
            distance_km: offer.metres.map(|metres| metres as f64 / 1_000.0),
            price: MoneyJson::from(Money { amount: offer.price, currency: base }),
            parcels: offer.parcels.iter().map(PricedParcelJson::from).collect(),
            arrives: Day(promise.arrives),
            on_time: in_time.into(),
            stages: stages.map(stage).into(),
        }
    }
}

impl From<&PricedParcel> for PricedParcelJson {
    fn from(parcel: &PricedParcel) -> Self {
        let PricedParcel { packed, price } = parcel;
        let surcharge = |(name, amount): &(Text, i64)| SurchargedJson { surcharge: Id(name.clone()), amount: *amount };
        Self {
            count: packed.count,
            weight_g: packed.parcel.weight_g,
            billable_g: price.billable_g,
            units: price.units,
            base: price.base,
            weight: price.weight,
            surcharges: price.surcharges.iter().map(surcharge).collect(),
            price: price.total,
        }
    }
}

impl UnavailableJson {
    /// Why a service cannot do it.
    pub fn of(carrier: &Text, service: &Text, why: WhyNot) -> Self {
        let (reason, detail) = told(why);
        Self { carrier: Id(carrier.clone()), service: Id(service.clone()), reason, detail }
    }
}

fn told(why: WhyNot) -> (&'static str, String) {
    let (reason, detail) = match why {
        WhyNot::Inactive => ("inactive", "the carrier is switched off"),
        WhyNot::NodeNotServed => ("node_not_served", "it does not come to where it is sent from"),
        WhyNot::CountryNotServed => ("country_not_served", "it does not deliver to that country"),
        WhyNot::NoPosition => ("no_position", "its zones go by distance, and one end has no position"),
        WhyNot::NoPostalCode => ("no_postal_code", "its zones go by postal code, and one end has none"),
        WhyNot::NoZone => ("no_zone", "it has no zone for these ends"),
        WhyNot::TooHeavy { weight_g, max_weight_g } => {
            return ("too_heavy", format!("a parcel of {weight_g} g is heavier than {max_weight_g} g"));
        }
        WhyNot::NoRate { zone } => return ("no_rate", format!("it has no price for zone {zone} and that weight")),
        WhyNot::NoDay(NoDay::ToWork) => ("no_day", "the place it is sent from works on no day"),
        WhyNot::NoDay(NoDay::ToPickUp) => ("no_day", "it comes on no day on which it is ready"),
        WhyNot::NoDay(NoDay::ToMove) => ("no_day", "it moves on no day"),
        WhyNot::NoDay(NoDay::ToDeliver) => ("no_day", "it delivers on no day"),
    };
    (reason, detail.to_owned())
}
