//! Instants, days and times of day.

use std::fmt;

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::api::json::Json;
use crate::api::reading::{At, Shape};
use crate::domain::time::{JournalTime, WallTime};

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
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some("A time of day at the node."));
        text.pattern(Some("^([01][0-9]|2[0-3]):[0-5][0-9]$")).into()
    }
}

impl ToSchema for TimeOfDay {}

/// A calendar day: `2026-08-21`; an instant stands for its day in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day(pub jiff::civil::Date);

impl Day {
    /// The day of an instant, in UTC.
    pub fn of(at: WallTime) -> Self {
        let bounded = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(bounded);
        Self(at.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// Its last millisecond, in UTC.
    pub fn end(self) -> WallTime {
        let next = self.0.tomorrow().unwrap_or(self.0);
        let midnight = next.to_zoned(jiff::tz::TimeZone::UTC).map(|midnight| midnight.timestamp().as_millisecond());
        WallTime(midnight.unwrap_or(i64::MAX) - 1)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

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
