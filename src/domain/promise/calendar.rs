//! Calendars: on which days and between which hours a place works, and how long an order takes there.
//!
//! A calendar is known by its name. A node names one as its `calendar`; the one that is named after a country (`US`)
//! tells that country's public holidays to every carrier. Days are civil days of wherever the calendar is used, so one
//! calendar serves nodes in several time zones. What is *not* here: how a date is found (`promise`).

use jiff::civil::{Date, Weekday, date};
use serde::{Deserialize, Serialize};

use crate::domain::ids::Text;

/// Minutes of a civil day.
pub const DAY_MIN: u16 = 24 * 60;

/// A set of weekdays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Weekdays(u8);

impl Weekdays {
    /// No day.
    pub const NONE: Self = Self(0);
    /// Every day.
    pub const EVERY: Self = Self(0b111_1111);

    /// These days and that one.
    #[must_use]
    pub fn and(self, day: Weekday) -> Self {
        Self(self.0 | 1 << day.to_monday_zero_offset())
    }

    /// Whether it is one of them.
    pub fn has(self, day: Weekday) -> bool {
        self.0 >> day.to_monday_zero_offset() & 1 == 1
    }

    /// The days, from Monday.
    pub fn days(self) -> impl Iterator<Item = Weekday> {
        Weekday::Monday.cycle_forward().take(7).filter(move |day| self.has(*day))
    }
}

/// A civil day as a record holds it: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct CivilDay(pub i32);

impl From<Date> for CivilDay {
    fn from(day: Date) -> Self {
        let since = date(1970, 1, 1).until(day).expect("the years of a date are few");
        Self(since.get_days())
    }
}

impl CivilDay {
    /// The day; the last there is when it lies beyond.
    pub fn date(self) -> Date {
        date(1970, 1, 1).saturating_add(jiff::Span::new().try_days(self.0).unwrap_or_default())
    }
}

/// When a place works. No holiday is there twice; they ascend.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Calendar {
    /// Its name.
    pub id: Text,
    /// Weekdays on which it works.
    pub working: Weekdays,
    /// Minutes after midnight at which work begins.
    pub opens_min: u16,
    /// Minutes after midnight at which it ends; at most [`DAY_MIN`], later than it begins.
    pub closes_min: u16,
    /// Whole working days that an order takes.
    pub lead_days: u16,
    /// Minutes of work that it takes after those.
    pub lead_min: u32,
    /// Days without work, whatever their weekday.
    pub holidays: Vec<CivilDay>,
}

impl Calendar {
    /// Whether there is work on a day.
    pub fn works(&self, day: Date) -> bool {
        self.working.has(day.weekday()) && !self.is_holiday(day)
    }

    /// Whether a day is one of its holidays.
    pub fn is_holiday(&self, day: Date) -> bool {
        self.holidays.binary_search(&day.into()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_a_record_is_the_same_day_again() {
        for day in [date(1969, 12, 31), date(1970, 1, 1), date(2000, 2, 29), date(2026, 11, 22), date(9999, 12, 31)] {
            assert_eq!(CivilDay::from(day).date(), day);
        }
        assert_eq!(CivilDay::from(date(2026, 1, 1)).0, 20_454);
    }

    #[test]
    fn weekdays_come_back_from_monday() {
        let days = Weekdays::NONE.and(Weekday::Sunday).and(Weekday::Tuesday);
        assert_eq!(days.days().collect::<Vec<_>>(), [Weekday::Tuesday, Weekday::Sunday]);
        assert_eq!(Weekdays::EVERY.days().count(), 7);
    }
}
