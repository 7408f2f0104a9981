//! The single values of the API: texts, numbers, times, money. Each says once what it may be, with which code anything
//! else is refused, and how the OpenAPI document tells it.
//!
//! Promises: texts are byte-exact, never trimmed or folded; numbers are whole unless they are degrees; every bound is a
//! constant of `domain::limits` or stands here. What is *not* here: words from a list (`words`).

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::json::{Json, whole_of};
use super::problem::Problem;
use super::reading::{At, Faults, Listed, Shape, finished, shape, shown};
use crate::domain::geo::Position;
use crate::domain::ids::{Text, check_caller_id, check_id, check_sku};
use crate::domain::limits::{
    ATP_SKUS_MAX, NAME_BYTES_MAX, OWNER_BYTES_MAX, QUANTITY_MAX, REASON_BYTES_MAX, TTL_S_MAX, TTL_S_MIN,
};
use crate::domain::money::{Currency, Money};
use crate::domain::quantity::Quantity;
use crate::domain::time::{JournalTime, WallTime};

/// Largest amount of money in one field, in minor units.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// Heaviest unit, in grams.
pub const WEIGHT_G_MAX: i64 = 100_000_000;
/// Longest edge of a unit, in millimetres.
pub const EDGE_MM_MAX: i64 = 1_000_000;
/// Longest postal code, in bytes.
pub const POSTAL_CODE_BYTES_MAX: usize = 20;
/// Longest name of a time zone, in bytes.
pub const TIME_ZONE_BYTES_MAX: usize = 64;
/// Most capabilities of a node.
pub const CAPABILITIES_MAX: usize = 64;

/// Texts, each with the check of its content.
macro_rules! texts {
    ($($(#[doc = $doc:literal])* $name:ident { code: $code:literal, check: $check:expr, schema: $schema:expr })*) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Text);

        impl Shape for $name {
            fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
                let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
                match $check(text.as_ref()) {
                    Ok(()) => Some(Self(text.as_ref().into())),
                    Err(detail) => at.fault($code, detail.to_string()),
                }
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text_schema($schema, concat!($($doc),*))
            }
        }

        impl ToSchema for $name {}

        impl From<Text> for $name {
            fn from(text: Text) -> Self {
                Self(text)
            }
        }

        impl From<$name> for Text {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    )* };
}

const ID_PATTERN: &str = "^[A-Za-z0-9._:~-]{1,128}$";

texts! {
    /// An id: 1 to 128 of A-Z a-z 0-9 . _ : ~ -
    Id { code: "invalid_id", check: check_id, schema: TextSchema::pattern(ID_PATTERN) }
    /// An id chosen by the caller; not of the form of an id that Ordain generates itself.
    CallerId { code: "invalid_id", check: check_caller_id, schema: TextSchema::pattern(ID_PATTERN) }
    /// A sku: 1 to 128 bytes of printable text, byte-exact.
    Sku { code: "invalid_id", check: check_sku, schema: TextSchema::length(1, 128) }
    /// A channel's own id of an order: 1 to 128 bytes of printable text, byte-exact.
    ChannelOrderId { code: "invalid_id", check: check_sku, schema: TextSchema::length(1, 128) }
    /// A label: 1 to 128 bytes.
    Owner { code: "text_out_of_range", check: |text: &str| check_text(text, 1, OWNER_BYTES_MAX), schema: TextSchema::length(1, OWNER_BYTES_MAX) }
    /// A name for people: 1 to 500 bytes.
    Name { code: "text_out_of_range", check: |text: &str| check_text(text, 1, NAME_BYTES_MAX), schema: TextSchema::length(1, NAME_BYTES_MAX) }
    /// Free text: why. 1 to 500 bytes.
    Reason { code: "text_out_of_range", check: |text: &str| check_text(text, 1, REASON_BYTES_MAX), schema: TextSchema::length(1, REASON_BYTES_MAX) }
    /// Part of an address or of a person's data; may be empty. Up to 500 bytes.
    Personal { code: "text_out_of_range", check: |text: &str| check_text(text, 0, NAME_BYTES_MAX), schema: TextSchema::length(0, NAME_BYTES_MAX) }
    /// A postal code; may be empty. Up to 20 bytes.
    PostalCode { code: "text_out_of_range", check: |text: &str| check_text(text, 0, POSTAL_CODE_BYTES_MAX), schema: TextSchema::length(0, POSTAL_CODE_BYTES_MAX) }
    /// ISO 3166-1 alpha-2 country: two upper-case letters.
    Country { code: "invalid_country", check: check_country, schema: TextSchema::pattern("^[A-Z]{2}$") }
    /// IANA time zone, such as America/Chicago.
    TimeZone { code: "invalid_time_zone", check: check_time_zone, schema: TextSchema::length(1, TIME_ZONE_BYTES_MAX) }
}

impl Listed for Sku {
    const MOST: usize = ATP_SKUS_MAX;
}

impl Listed for Id {
    const LEAST: usize = 0;
    const MOST: usize = CAPABILITIES_MAX;
}

fn check_text(text: &str, min: usize, max: usize) -> Result<(), String> {
    if text.len() < min || text.len() > max {
        return Err(format!("must be {min} to {max} bytes long, is {}", text.len()));
    }
    let bad = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    bad.map_or(Ok(()), |found| Err(format!("may hold only printable characters; found {found:?}")))
}

fn check_country(text: &str) -> Result<(), String> {
    let good = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
    if good { Ok(()) } else { Err(format!("must be two upper-case letters (ISO 3166-1), is {:?}", shown(text))) }
}

fn check_time_zone(text: &str) -> Result<(), String> {
    let good = text.len() <= TIME_ZONE_BYTES_MAX && jiff::tz::TimeZone::get(text).is_ok();
    if good { Ok(()) } else { Err(format!("must be an IANA time zone, is {:?}", shown(text))) }
}

struct TextSchema {
    pattern: Option<&'static str>,
    length: Option<(usize, usize)>,
}

impl TextSchema {
    const fn pattern(pattern: &'static str) -> Self {
        Self { pattern: Some(pattern), length: None }
    }

    const fn length(min: usize, max: usize) -> Self {
        Self { pattern: None, length: Some((min, max)) }
    }
}

fn text_schema(text: TextSchema, description: &str) -> RefOr<Schema> {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description.trim()))
        .pattern(text.pattern)
        .min_length(text.length.map(|(min, _)| min))
        .max_length(text.length.map(|(_, max)| max));
    schema.into()
}

/// A whole number of `min` to `max`; anything else is refused with `code`.
fn whole(json: &Json<'_>, at: &At<'_>, min: i64, max: i64, code: &'static str) -> Option<i64> {
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

fn whole_schema(min: i64, max: i64, description: &str) -> RefOr<Schema> {
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
    /// Minor units of a currency.
    Amount(i64) in 0, AMOUNT_MAX, "amount_out_of_range";
    /// Grams.
    Grams(u32) in 0, WEIGHT_G_MAX, "number_out_of_range";
    /// Millimetres.
    Millimetres(u32) in 0, EDGE_MM_MAX, "number_out_of_range";
    /// Shipments a day.
    PerDay(u32) in 0, i64::from(QUANTITY_MAX), "number_out_of_range";
    /// Place of a record among all records.
    Sequence(u64) in 0, i64::MAX, "number_out_of_range";
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

/// Reads a part of a path.
pub fn checked<T: Shape>(name: &'static str, text: &str) -> Result<T, Problem> {
    let faults = Faults::default();
    let read = T::read(&Json::Bare(text.into()), &At::body(&faults).field(name));
    finished(read, faults).map_err(|faults| Problem::of_faults(&faults))
}

/// A field that must be there but may be `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrNull<T>(pub Option<T>);

impl<T: Shape> Shape for OrNull<T> {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        Option::<T>::read(json, at).map(Self)
    }
}

/// A field of a change: left out it stays as it is, `null` clears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clearable<T>(pub Option<Option<T>>);

impl<T: Shape> Shape for Clearable<T> {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        Option::<T>::read(json, at).map(|value| Self(Some(value)))
    }

    fn left_out(_: &At<'_>) -> Option<Self> {
        Some(Self(None))
    }
}

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

/// An ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CurrencyCode(pub Currency);

impl Serialize for CurrencyCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.code())
    }
}

impl Shape for CurrencyCode {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        match Currency::parse(text) {
            Some(currency) => Some(Self(currency)),
            None => at.fault("invalid_currency", "must be three upper-case letters (ISO 4217)"),
        }
    }
}

impl PartialSchema for CurrencyCode {
    fn schema() -> RefOr<Schema> {
        text_schema(TextSchema::pattern("^[A-Z]{3}$"), "ISO 4217 code.")
    }
}

impl ToSchema for CurrencyCode {}

shape! {
    /// Money in minor units of its currency; prices and values are never negative.
    #[derive(Copy)]
    #[schema(as = Price)]
    pub struct Price {
        /// Minor units (cents).
        pub amount: Amount,
        /// Currency.
        pub currency: CurrencyCode,
    }
}

impl From<Price> for Money {
    fn from(price: Price) -> Self {
        Self { amount: price.amount.0, currency: price.currency.0 }
    }
}

/// Money in minor units of its currency.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyJson {
    /// Minor units (cents).
    pub amount: i64,
    /// Currency.
    pub currency: CurrencyCode,
}

impl From<Money> for MoneyJson {
    fn from(money: Money) -> Self {
        Self { amount: money.amount, currency: CurrencyCode(money.currency) }
    }
}

/// An instant: RFC 3339, in UTC when Ordain writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Instant {
    /// Milliseconds since 1970-01-01 UTC.
    pub ms: i64,
}

impl Instant {
    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|time| Self { ms: time.as_millisecond() })
    }

    /// The wall time it means.
    pub fn wall(self) -> WallTime {
        WallTime(self.ms)
    }
}

impl From<WallTime> for Instant {
    fn from(time: WallTime) -> Self {
        Self { ms: time.0 }
    }
}

impl From<JournalTime> for Instant {
    fn from(time: JournalTime) -> Self {
        Self { ms: time.0 }
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounded = if self.ms < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        write!(f, "{}", jiff::Timestamp::from_millisecond(self.ms).unwrap_or(bounded))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Shape for Instant {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        match Self::parse(text) {
            Some(time) => Some(time),
            None => at.fault("invalid_time", "must be RFC 3339 with its offset, such as 2026-08-21T09:30:00Z"),
        }
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant, RFC 3339, in UTC."))
            .into()
    }
}

impl ToSchema for Instant {}

/// A time of day at a node: `15:00`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeOfDay {
    /// Minutes after midnight.
    pub minutes: u16,
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:02}:{:02}", self.minutes / 60, self.minutes % 60))
    }
}

impl Shape for TimeOfDay {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        let two = |digits: &str| match digits.as_bytes() {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(u16::from(tens - b'0') * 10 + u16::from(ones - b'0')),
            _ => None,
        };
        let parts = text.split_once(':').and_then(|(hour, minute)| Some((two(hour)?, two(minute)?)));
        match parts {
            Some((hour, minute)) if hour < 24 && minute < 60 => Some(Self { minutes: hour * 60 + minute }),
            _ => at.fault("invalid_time", "must be a time of day such as 15:00"),
        }
    }
}

impl PartialSchema for TimeOfDay {
    fn schema() -> RefOr<Schema> {
        text_schema(TextSchema::pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$"), "A time of day at the node.")
    }
}

impl ToSchema for TimeOfDay {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("TimeOfDay")
    }
}

/// A calendar day: `2026-08-21`; an instant stands for its day in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day(pub jiff::civil::Date);

impl Shape for Day {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        let instant = || text.parse::<jiff::Timestamp>().map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).date());
        match instant().or_else(|_| text.parse::<jiff::civil::Date>()) {
            Ok(day) => Some(Self(day)),
            Err(_) => at.fault("invalid_time", "must be a day such as 2026-08-21"),
        }
    }
}

impl PartialSchema for Day {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .description(Some("A calendar day."))
            .into()
    }
}

impl ToSchema for Day {}
