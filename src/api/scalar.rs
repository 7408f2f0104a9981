//! The single values of the API: texts, numbers, times, money. Each says once what it may be, with which code anything
//! else is refused, and how the OpenAPI document tells it.
//!
//! Promises: texts are byte-exact, never trimmed or folded; numbers are whole unless they are degrees; every bound is a
//! constant of `domain::limits` or stands beside its type. What is *not* here: words from a list (`words`).

mod money;
mod number;
mod text;
mod time;

use super::json::Json;
use super::problem::Problem;
use super::reading::{At, Faults, Shape, finished};

pub use money::{AMOUNT_MAX, Amount, CurrencyCode, MoneyJson, Price};
pub use number::{
    AcceptWithin, AfterSeconds, Aisle, CartOrders, Change, Count, DaysAhead, DaysForeseen, Digit, Divisor, GramPart,
    Grams, Kilometres, Latitude, LeadDays, LeadHours, LeadMinutes, Longitude, Metres, Millimetres, MonthNumber, Months,
    OptimiseWithin, PackedDivisor, PackedEdge, ParcelNumber, PerDay, Percent, PercentChange, Priority, RatePart,
    ReturnDays, Sequence, Shipments, SupplyDays, Threshold, TransitDays, Ttl, UnitsUpto, VersionNumber, Volume,
    WeighedGrams, WindowHours, WithinKm, Zone, position,
};
pub use text::{
    BinName, CallerId, ChannelOrderId, CollectionCode, CompanyPrefix, Country, FulfillmentId, Id, LotId, Name, Owner,
    Pattern, Personal, PostalCode, Reason, RegionName, Sku, TimeZone, TrackingUrl,
};
pub use time::{Day, Instant, TimeOfDay};

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
