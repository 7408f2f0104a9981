//! Numbers: whole ones with their bounds, and degrees.

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::api::json::{Json, whole_of};
use crate::api::reading::{At, Shape, shown};
use crate::domain::carrier::rates::{DIVISOR_MAX, UNIT_PARTS};
use crate::domain::carrier::{TRANSIT_DAYS_MAX, ZONES_MAX};
use crate::domain::geo::Position;
use crate::domain::limits::{
    ACCEPT_WITHIN_S_MAX, AISLE_MAX, PACKED_EDGE_MM_MAX, PARCELS_MAX, PRIORITY_MAX, QUANTITY_MAX, RETURN_DAYS_MAX,
    TTL_S_MAX, TTL_S_MIN, WAVE_ORDERS_MAX,
};
use crate::domain::quantity::Quantity;

/// Heaviest unit, in grams.
const WEIGHT_G_MAX: i64 = 100_000_000;
/// Longest work on an order, in minutes: a year.
const LEAD_MINUTES_MAX: i64 = 366 * 24 * 60;
/// Longest warranty, in months.
const MONTHS_MAX: i64 = 1_200;
/// Longest edge of a unit, in millimetres.
const EDGE_MM_MAX: i64 = 1_000_000;

/// A whole number of `min` to `max`; anything else is refused with `code`.
pub fn whole(json: &Json<'_>, at: &At<'_>, min: i64, max: i64, code: &'static str) -> Option<i64> {
    let found = match json {
        Json::Whole(number) if (min..=max).contains(number) => return Some(*number),
        Json::Whole(number) => number.to_string(),
        Json::Fraction(number) => match whole_of(*number).filter(|n| (min..=max).contains(n)) {
            Some(number) => return Some(number),
            None => number.to_string(),
        },
        Json::Bare(text) => match text.parse::<i64>().ok().filter(|n| (min..=max).contains(n)) {
            Some(number) => return Some(number),
            None => text.to_string(),
        },
        other => return at.wrong_type("a whole number", other),
    };
    at.fault(code, format!("must be a whole number from {min} to {max}, is {}", shown(&found)))
}

/// How the OpenAPI document tells a whole number.
pub fn whole_schema(min: i64, max: i64, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .description(Some(description.trim()))
        .minimum(Some(min))
        .maximum(Some(max))
        .into()
}

/// Whole numbers, each with its bounds.
macro_rules! wholes {
    ($($(#[doc = $doc:literal])* $name:ident($inner:ty) in $min:expr, $max:expr, $code:literal;)*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl Shape for $name {
            fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
                let number = whole(json, at, $min, $max, $code)?;
                Some(Self(<$inner>::try_from(number).expect("the bounds lie within the type")))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                whole_schema($min, $max, concat!($($doc),*))
            }
        }

        impl ToSchema for $name {}
    )* };
}

wholes! {
    /// What was counted; nothing at all is a count too.
    Count(u32) in 0, i64::from(QUANTITY_MAX), "quantity_out_of_range";
    /// Life of a reservation, seconds.
    Ttl(u64) in TTL_S_MIN as i64, TTL_S_MAX as i64, "ttl_out_of_range";
    /// How long a node may take to answer, seconds.
    AcceptWithin(u32) in 1, ACCEPT_WITHIN_S_MAX as i64, "number_out_of_range";
    /// How long until the clock does something, seconds.
    AfterSeconds(u32) in 1, ACCEPT_WITHIN_S_MAX as i64, "number_out_of_range";
    /// From order to dispatch or arrival, hours.
    LeadHours(u32) in 0, 8_760, "number_out_of_range";
    /// Days of what leaves.
    SupplyDays(u32) in 1, 3_650, "number_out_of_range";
    /// Priority of an order; the highest is first.
    Priority(u8) in 0, PRIORITY_MAX as i64, "number_out_of_range";
    /// Days of a policy of returns.
    ReturnDays(u32) in 0, RETURN_DAYS_MAX as i64, "number_out_of_range";
    /// One digit.
    Digit(u8) in 0, 9, "number_out_of_range";
    /// Number of a parcel of its fulfilment order, from 1.
    ParcelNumber(u16) in 1, PARCELS_MAX as i64, "number_out_of_range";
    /// Number of an aisle, from 0.
    Aisle(u16) in 0, i64::from(AISLE_MAX), "number_out_of_range";
    /// Kilometres, whole ones, at most half around the earth.
    WithinKm(u16) in 1, 20_000, "number_out_of_range";
    /// Metres.
    Metres(u16) in 0, i64::from(AISLE_MAX), "number_out_of_range";
    /// Fulfilment orders that are fetched together.
    CartOrders(u16) in 1, WAVE_ORDERS_MAX as i64, "number_out_of_range";
    /// Lines, items or units up to which something is not so yet.
    Threshold(u32) in 0, i64::from(QUANTITY_MAX), "number_out_of_range";
    /// Hours that something waits.
    WindowHours(u32) in 1, 8_760, "number_out_of_range";
    /// Per cent by which something changes; below zero is less.
    PercentChange(i32) in -100, 1_000, "number_out_of_range";
    /// Grams.
    Grams(u32) in 0, WEIGHT_G_MAX, "number_out_of_range";
    /// Grams of what was weighed, from 1.
    WeighedGrams(u32) in 1, WEIGHT_G_MAX, "number_out_of_range";
    /// Millimetres.
    Millimetres(u32) in 0, EDGE_MM_MAX, "number_out_of_range";
    /// Months.
    Months(u32) in 1, MONTHS_MAX, "number_out_of_range";
    /// Edge of what is packed or packed into, millimetres.
    PackedEdge(u32) in 1, i64::from(PACKED_EDGE_MM_MAX), "number_out_of_range";
    /// Cubic centimetres that are billed as one kilogram.
    PackedDivisor(u32) in 100, 1_000_000, "number_out_of_range";
    /// Shipments a day.
    PerDay(u32) in 0, i64::from(QUANTITY_MAX), "number_out_of_range";
    /// Days on the way.
    TransitDays(u16) in 0, i64::from(TRANSIT_DAYS_MAX), "number_out_of_range";
    /// Working days that an order takes.
    LeadDays(u16) in 0, i64::from(TRANSIT_DAYS_MAX), "number_out_of_range";
    /// Minutes of work that an order takes.
    LeadMinutes(u32) in 0, LEAD_MINUTES_MAX, "number_out_of_range";
    /// Cubic inches to a pound, or cubic centimetres to a kilogram.
    Divisor(u32) in 1, i64::from(DIVISOR_MAX), "number_out_of_range";
    /// Cubic centimetres.
    Volume(u32) in 0, i64::from(QUANTITY_MAX), "number_out_of_range";
    /// A zone, from 1.
    Zone(u8) in 1, ZONES_MAX as i64, "number_out_of_range";
    /// A version of a rule set, from 1.
    VersionNumber(u32) in 1, 1_000_000, "number_out_of_range";
    /// A month, 1 to 12.
    MonthNumber(u8) in 1, 12, "number_out_of_range";
    /// Days after another day.
    DaysAhead(u16) in 0, i64::from(TRANSIT_DAYS_MAX), "number_out_of_range";
    /// Shipments to one destination.
    Shipments(u16) in 1, 1_000, "number_out_of_range";
    /// How long an optimisation may take, milliseconds.
    OptimiseWithin(u64) in 1, 60_000, "number_out_of_range";
    /// Days of which orders are foreseen.
    DaysForeseen(u16) in 1, 28, "number_out_of_range";
    /// Place of a record among all records.
    Sequence(u64) in 0, i64::MAX, "number_out_of_range";
}

/// Numbers of which parts count, each with how many parts one has, and the largest.
macro_rules! decimals {
    ($($(#[doc = $doc:literal])* $name:ident { $(#[doc = $parts_doc:literal])* $parts:ident / $scale:expr } up to $max:expr;)*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name {
            $(#[doc = $parts_doc])*
            pub $parts: u32,
        }

        impl Shape for $name {
            fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
                decimal(json, at, $scale, $max).map(|$parts| Self { $parts })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.$parts % $scale {
                    0 => serializer.serialize_u32(self.$parts / $scale),
                    _ => serializer.serialize_f64(f64::from(self.$parts) / f64::from($scale)),
                }
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let number = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0.0)).maximum(Some(f64::from($max)));
                number.description(Some(concat!($($doc),*).trim())).into()
            }
        }

        impl ToSchema for $name {}
    )* };
}

decimals! {
    /// Kilometres, to the metre.
    Kilometres {
        /// Metres.
        metres / 1_000
    } up to 50_000;
    /// A bound of weight in a carrier's units, to ten-thousandths.
    UnitsUpto {
        /// Ten-thousandths of a unit.
        parts / UNIT_PARTS
    } up to 250_000;
    /// Minor units for one of something, or a share of something, to millionths.
    RatePart {
        /// Millionths.
        millionths / 1_000_000
    } up to 4_000;
    /// Grams for one of something, to millionths.
    GramPart {
        /// Millionths.
        millionths / 1_000_000
    } up to 4_000;
    /// Per cent, to hundredths.
    Percent {
        /// Hundredths of a per cent.
        hundredths / 100
    } up to 1_000;
}

/// A number from 0 to `max`, rounded to parts of which one has `scale`.
fn decimal(json: &Json<'_>, at: &At<'_>, scale: u32, max: u32) -> Option<u32> {
    let number = match json {
        Json::Whole(number) => *number as f64,
        Json::Fraction(number) => *number,
        Json::Bare(text) => text.parse().unwrap_or(f64::NAN),
        other => return at.wrong_type("a number", other),
    };
    if (0.0..=f64::from(max)).contains(&number) {
        return Some(libm::round(number * f64::from(scale)) as u32);
    }
    at.fault("number_out_of_range", format!("must be a number from 0 to {max}, is {number}"))
}

/// A change of what is on hand; never zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change(pub i32);

impl Shape for Change {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        const MAX: i64 = QUANTITY_MAX as i64;
        match whole(json, at, -MAX, MAX, "quantity_out_of_range")? {
            0 => at.fault("quantity_out_of_range", format!("must be from -{MAX} to {MAX} and not zero, is 0")),
            change => i32::try_from(change).ok().map(Self),
        }
    }
}

impl PartialSchema for Change {
    fn schema() -> RefOr<Schema> {
        let max = i64::from(QUANTITY_MAX);
        whole_schema(-max, max, "A change of what is on hand; never zero.")
    }
}

impl ToSchema for Change {}

impl Shape for Quantity {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let units = whole(json, at, 1, i64::from(QUANTITY_MAX), "quantity_out_of_range")?;
        u32::try_from(units).ok().and_then(Self::new)
    }
}

impl PartialSchema for Quantity {
    fn schema() -> RefOr<Schema> {
        whole_schema(1, i64::from(QUANTITY_MAX), "How many, in the item's unit.")
    }
}

impl ToSchema for Quantity {}

/// Degrees north; south is negative.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(transparent)]
pub struct Latitude(pub f64);

/// Degrees east; west is negative.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(transparent)]
pub struct Longitude(pub f64);

impl Shape for Latitude {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        degrees(json, at, 90.0).map(Self)
    }
}

impl Shape for Longitude {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        degrees(json, at, 180.0).map(Self)
    }
}

fn degrees(json: &Json<'_>, at: &At<'_>, max: f64) -> Option<f64> {
    let number = match json {
        Json::Whole(number) => *number as f64,
        Json::Fraction(number) => *number,
        Json::Bare(text) => text.parse().unwrap_or(f64::NAN),
        other => return at.wrong_type("a number of degrees", other),
    };
    if number.abs() <= max {
        return Some(number);
    }
    at.fault("position_out_of_range", format!("must be from -{max} to {max} degrees, is {number}"))
}

/// The position that two fields give together: both or none of them.
pub fn position(latitude: Option<Latitude>, longitude: Option<Longitude>, at: &At<'_>) -> Option<Position> {
    match (latitude, longitude) {
        (Some(Latitude(north)), Some(Longitude(east))) => Position::from_degrees(north, east),
        (None, None) => None,
        (Some(_), None) => at.field("longitude").fault("missing_field", "is required beside a latitude"),
        (None, Some(_)) => at.field("latitude").fault("missing_field", "is required beside a longitude"),
    }
}

macro_rules! degrees_schema {
    ($name:ident, $max:expr, $description:literal) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let number = ObjectBuilder::new().schema_type(Type::Number).description(Some($description));
                number.minimum(Some(-$max)).maximum(Some($max)).into()
            }
        }

        impl ToSchema for $name {}
    };
}
degrees_schema!(Latitude, 90.0, "Degrees north; south is negative.");
degrees_schema!(Longitude, 180.0, "Degrees east; west is negative.");
