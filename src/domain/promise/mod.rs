//! When an order arrives: a chain of stages, each a pure function of calendars in the civil time of the node.
//!
//! ```text
//! ordered ─hold─► released ─cutoff─► begun ─lead time─► ready ─carrier's cutoff─► picked up ─transit─► arrives
//! ```
//! - *released*: when the last hold is expected to end; at once without one.
//! - *begun*: the first working day of the node on which it was released not later than the node's cutoff, at its
//!   opening at the earliest. A node without a calendar works every day, all day.
//! - *ready*: whole working days of lead time lead to the opening of a later working day; minutes of it are counted in
//!   open hours alone.
//! - *picked up*: the first day on which the carrier comes, the node works and no public holiday of its country is,
//!   on which the parcel is ready not later than the carrier's cutoff; the carrier comes at its cutoff. Without one it
//!   comes when the parcel is ready.
//! - *arrives*: after so many days on which the carrier moves and neither end has a public holiday, on the first day on
//!   which it delivers and the destination has none. Pickup days, moving days and delivery days are three different sets.
//!
//! Promises: a later order never arrives earlier; an instant is compared with an instant, so the hour that comes twice
//! and the one that never comes break nothing (a cutoff in the hour that comes twice is the first, one in the hour that
//! never comes lies as far after midnight as it says); no day is 24 hours by decree. Bound: [`HORIZON_DAYS`] after it was
//! ordered the search ends and says which stage found no day. What is *not* here: which services there are (`carrier`).

pub mod calendar;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use self::calendar::{Calendar, DAY_MIN, Weekdays};

/// How far a date may lie ahead of its order.
pub const HORIZON_DAYS: i32 = 730;

/// When the parcel's place works.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// Its time zone.
    pub zone: TimeZone,
    /// Minutes after midnight after which work begins the next working day.
    pub cutoff_min: Option<u16>,
    /// Its calendar; it always works without one.
    pub calendar: Option<&'a Calendar>,
}

/// When a carrier's service comes, moves and delivers.
#[derive(Clone, Copy, Debug)]
pub struct Timetable<'a> {
    /// Weekdays on which it comes.
    pub pickup_days: Weekdays,
    /// Minutes after midnight at which it comes; whenever something is ready without one.
    pub cutoff_min: Option<u16>,
    /// Days on the way.
    pub transit_days: u16,
    /// Weekdays that count as days on the way.
    pub moving_days: Weekdays,
    /// Weekdays on which it delivers.
    pub delivery_days: Weekdays,
    /// Public holidays where it comes from.
    pub holidays_here: Option<&'a Calendar>,
    /// Public holidays where it goes.
    pub holidays_there: Option<&'a Calendar>,
}

/// A date and how it comes about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Promise {
    /// When it was ordered.
    pub ordered: Timestamp,
    /// When nothing holds it any more.
    pub released: Timestamp,
    /// When work on it begins.
    pub begun: Timestamp,
    /// When it is ready.
    pub ready: Timestamp,
    /// When the carrier takes it.
    pub picked_up: Timestamp,
    /// The day it arrives, where it arrives.
    pub arrives: Date,
}

/// The stage that found no day within the horizon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoDay {
    /// The node never works.
    ToWork,
    /// The carrier never comes.
    ToPickUp,
    /// The carrier never moves.
    ToMove,
    /// The carrier never delivers.
    ToDeliver,
}

/// A day of a place, with its opening hours as instants.
#[derive(Clone, Copy)]
struct Shift {
    day: Date,
    opens: Timestamp,
    closes: Timestamp,
}

/// The date of an order, or the stage that finds none.
pub fn promise(
    ordered: Timestamp,
    held_until: Option<Timestamp>,
    origin: &Origin<'_>,
    timetable: &Timetable<'_>,
) -> Result<Promise, NoDay> {
    let released = held_until.map_or(ordered, |until| until.max(ordered));
    let (shift, begun) = origin.begin(released)?;
    let ready = origin.finish(shift, begun, last_day(&origin.zone, released))?;
    let (day, picked_up) = timetable.pick_up(origin, ready)?;
    let arrives = timetable.deliver(day)?;
    Ok(Promise { ordered, released, begun, ready, picked_up, arrives })
}

fn last_day(zone: &TimeZone, from: Timestamp) -> Date {
    local_day(zone, from).saturating_add(HORIZON_DAYS.days())
}

fn local_day(zone: &TimeZone, at: Timestamp) -> Date {
    zone.to_datetime(at).date()
}

/// The days from one on, as far as a date is looked for.
fn days_from(day: Date) -> impl Iterator<Item = Date> {
    (0..=HORIZON_DAYS).map(move |ahead| day.saturating_add(ahead.days()))
}

impl Origin<'_> {
    /// The day on which work begins on what nothing holds any more from then on; none when it never works.
    pub fn begins_on(&self, released: Timestamp) -> Option<Date> {
        self.begin(released).ok().map(|(shift, _)| shift.day)
    }

    /// When is ready what nothing holds any more from then on; none when it never works, or nobody said how long it takes.
    pub fn ready(&self, released: Timestamp) -> Option<Timestamp> {
        self.calendar.filter(|calendar| calendar.lead_days > 0 || calendar.lead_min > 0)?;
        let (shift, begun) = self.begin(released).ok()?;
        self.finish(shift, begun, last_day(&self.zone, released)).ok()
    }

    /// When it closes on its first working day from a day on; none when it never works.
    pub fn closes_from(&self, day: Date) -> Option<Timestamp> {
        days_from(day).find(|day| self.works(*day)).map(|day| self.shift(day).closes)
    }

    fn works(&self, day: Date) -> bool {
        self.calendar.is_none_or(|calendar| calendar.works(day))
    }

    /// So many minutes after midnight as the clock on the wall shows them.
    fn instant(&self, day: Date, minutes: u16) -> Timestamp {
        let (day, minutes) =
            if minutes < DAY_MIN { (day, minutes) } else { (day.saturating_add(1.days()), minutes - DAY_MIN) };
        let shown = day.at((minutes / 60) as i8, (minutes % 60) as i8, 0, 0);
        let meant = self.zone.to_ambiguous_timestamp(shown).compatible();
        meant.unwrap_or(if day.year() < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }

    fn shift(&self, day: Date) -> Shift {
        let (opens, closes) = self.calendar.map_or((0, DAY_MIN), |calendar| (calendar.opens_min, calendar.closes_min));
        Shift { day, opens: self.instant(day, opens), closes: self.instant(day, closes) }
    }

    fn next_shift(&self, after: Date) -> Result<Shift, NoDay> {
        let mut days = days_from(after).skip(1).filter(|day| self.works(*day));
        days.next().map(|day| self.shift(day)).ok_or(NoDay::ToWork)
    }

    /// The day on which work begins, and when.
    fn begin(&self, released: Timestamp) -> Result<(Shift, Timestamp), NoDay> {
        for day in days_from(local_day(&self.zone, released)).filter(|day| self.works(*day)) {
            let shift = self.shift(day);
            let last = self.cutoff_min.map_or(shift.closes, |cutoff| self.instant(day, cutoff).min(shift.closes));
            if released <= last {
                return Ok((shift, released.max(shift.opens)));
            }
        }
        Err(NoDay::ToWork)
    }

    /// When what was begun is ready.
    fn finish(&self, mut shift: Shift, begun: Timestamp, last: Date) -> Result<Timestamp, NoDay> {
        let (lead_days, lead_min) = self.calendar.map_or((0, 0), |calendar| (calendar.lead_days, calendar.lead_min));
        let mut at = begun;
        for _ in 0..lead_days {
            shift = self.next_shift(shift.day)?;
            at = shift.opens;
            if shift.day > last {
                return Err(NoDay::ToWork);
            }
        }
        let mut left = SignedDuration::from_mins(i64::from(lead_min));
        loop {
            let open = at.duration_until(shift.closes).max(SignedDuration::ZERO);
            if left <= open {
                return Ok(at.saturating_add(left).unwrap_or(Timestamp::MAX));
            }
            left -= open;
            shift = self.next_shift(shift.day)?;
            at = shift.opens;
            if shift.day > last {
                return Err(NoDay::ToWork);
            }
        }
    }
}

impl Timetable<'_> {
    fn is_holiday_here(&self, day: Date) -> bool {
        self.holidays_here.is_some_and(|holidays| holidays.is_holiday(day))
    }

    fn is_holiday_there(&self, day: Date) -> bool {
        self.holidays_there.is_some_and(|holidays| holidays.is_holiday(day))
    }

    /// The day on which the carrier takes what is ready, and when.
    pub fn pick_up(&self, origin: &Origin<'_>, ready: Timestamp) -> Result<(Date, Timestamp), NoDay> {
        let comes =
            |day: &Date| self.pickup_days.has(day.weekday()) && !self.is_holiday_here(*day) && origin.works(*day);
        for day in days_from(local_day(&origin.zone, ready)).filter(comes) {
            let at = self
                .cutoff_min
                .map_or_else(|| ready.max(origin.shift(day).opens), |cutoff| origin.instant(day, cutoff));
            if ready <= at {
                return Ok((day, at));
            }
        }
        Err(NoDay::ToPickUp)
    }

    /// The day it arrives when it is taken on `day`.
    fn deliver(&self, day: Date) -> Result<Date, NoDay> {
        self.deliver_after(day, self.transit_days)
    }

    /// The least days on the way, at most so many, with which what is taken on a day arrives on another or later.
    pub fn days_taken(&self, taken: Date, arrived: Date, most: u16) -> u16 {
        let is_there = |days: &u16| self.deliver_after(taken, *days).map_or(true, |day| day >= arrived);
        (0..most).find(is_there).unwrap_or(most)
    }

    /// The most days on the way, at least those of the service and at most so many, with which what is taken on a day
    /// arrives no later than with them.
    pub fn days_allowed(&self, taken: Date, most: u16) -> u16 {
        let Ok(arrives) = self.deliver(taken) else { return self.transit_days };
        let is_late = |days: &u16| self.deliver_after(taken, *days).map_or(true, |day| day > arrives);
        (self.transit_days + 1..=most).find(is_late).map_or(most.max(self.transit_days), |days| days - 1)
    }

    /// The day it arrives when it is taken on `day` and takes so many days on the way.
    ///
    /// # Errors
    ///
    /// There is no such day within reach.
    pub fn deliver_after(&self, day: Date, transit_days: u16) -> Result<Date, NoDay> {
        let moves = |day: &Date| {
            self.moving_days.has(day.weekday()) && !self.is_holiday_here(*day) && !self.is_holiday_there(*day)
        };
        let there = match usize::from(transit_days) {
            0 => day,
            days => days_from(day).skip(1).filter(moves).nth(days - 1).ok_or(NoDay::ToMove)?,
        };
        let mut delivered =
            days_from(there).filter(|day| self.delivery_days.has(day.weekday()) && !self.is_holiday_there(*day));
        delivered.next().ok_or(NoDay::ToDeliver)
    }
}
