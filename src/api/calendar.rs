//! Calendars: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{At, Listed, shape};
use super::scalar::{Day, Id, LeadDays, LeadMinutes, TimeOfDay};
use super::words::WeekdayWord;
use crate::domain::carrier::{HOLIDAYS_MAX, ShippingTerms};
use crate::domain::command::Command;
use crate::domain::ids::Text;
use crate::domain::promise::calendar::{Calendar, CivilDay, DAY_MIN, Weekdays};

shape! {
    /// A calendar, whole: when a place works. A node names it as its `calendar`; one named after a country (`US`) tells
    /// that country's public holidays to every carrier.
    #[derive(Serialize)]
    pub struct CalendarPut {
        /// Weekdays on which it works: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`.
        pub working_days: Vec<WeekdayWord>,
        /// When work begins; midnight when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub opens: Option<TimeOfDay>,
        /// When it ends; midnight when left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub closes: Option<TimeOfDay>,
        /// Whole working days that an order takes; none when left out.
        pub lead_days: Option<LeadDays>,
        /// Minutes of work, in open hours, that it takes after those; none when left out.
        pub lead_minutes: Option<LeadMinutes>,
        /// Days without work, such as `2026-12-25`; at most 2,000.
        pub holidays: Option<Vec<Day>>,
    }
    check = CalendarPut::judge;
}

impl Listed for Day {
    const LEAST: usize = 0;
    const MOST: usize = HOLIDAYS_MAX;
}

/// Weekdays as a set.
pub fn weekdays(words: &[WeekdayWord]) -> Weekdays {
    words.iter().fold(Weekdays::NONE, |days, word| days.and((*word).into()))
}

/// A set of weekdays as words.
pub fn words(days: Weekdays) -> Vec<WeekdayWord> {
    days.days().map(WeekdayWord::from).collect()
}

impl CalendarPut {
    fn judge(&self, at: &At<'_>) {
        for fault in self.calendar("".into()).faults() {
            at.field(&fault.field).fault::<()>(fault.code, fault.detail);
        }
    }

    /// The calendar under its name.
    pub fn calendar(&self, id: Text) -> Calendar {
        let mut holidays: Vec<CivilDay> = self.holidays.iter().flatten().map(|day| day.0.into()).collect();
        holidays.sort_unstable();
        holidays.dedup();
        Calendar {
            id,
            working: weekdays(&self.working_days),
            opens_min: self.opens.map_or(0, |time| time.minutes),
            closes_min: self.closes.map_or(DAY_MIN, |time| time.minutes),
            lead_days: self.lead_days.map_or(0, |days| days.0),
            lead_min: self.lead_minutes.map_or(0, |minutes| minutes.0),
            holidays,
        }
    }

    /// The command that puts it.
    pub fn command(&self, id: Text) -> Command {
        Command::PutShipping(Box::new(ShippingTerms::Calendar(self.calendar(id))))
    }
}

/// A calendar.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Calendar)]
pub struct CalendarJson {
    /// Its name.
    pub id: Id,
    /// As it was put.
    #[serde(flatten)]
    pub put: CalendarPut,
}

impl From<&Calendar> for CalendarJson {
    fn from(calendar: &Calendar) -> Self {
        let time = |minutes: u16| Some(TimeOfDay { minutes });
        let put = CalendarPut {
            working_days: words(calendar.working),
            opens: time(calendar.opens_min),
            closes: time(calendar.closes_min).filter(|time| time.minutes < DAY_MIN),
            lead_days: Some(LeadDays(calendar.lead_days)),
            lead_minutes: Some(LeadMinutes(calendar.lead_min)),
            holidays: Some(calendar.holidays.iter().map(|day| Day(day.date())).collect()),
        };
        Self { id: Id(calendar.id.clone()), put }
    }
}
