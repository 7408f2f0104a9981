//! Dates against a table worked out by hand, against the laws of a promise, and against a slow calculation that walks
//! through time a quarter of an hour at a time and knows nothing of how dates are found here.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::calendar::{Calendar, CivilDay, DAY_MIN, Weekdays};
use super::*;

const WEEK: [Weekday; 5] = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

fn weekdays(days: &[Weekday]) -> Weekdays {
    days.iter().fold(Weekdays::NONE, |all, day| all.and(*day))
}

fn calendar(opens_min: u16, closes_min: u16, holidays: &[Date]) -> Calendar {
    let mut holidays: Vec<CivilDay> = holidays.iter().map(|day| (*day).into()).collect();
    holidays.sort_unstable();
    let working = weekdays(&WEEK);
    Calendar { id: "c".into(), working, opens_min, closes_min, lead_days: 0, lead_min: 0, holidays }
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("is a zone")
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("is an instant")
}

/// Everything a date depends on, to be varied.
#[derive(Clone, Debug)]
struct World {
    zone: TimeZone,
    cutoff_min: Option<u16>,
    calendar: Option<Calendar>,
    pickup_days: Weekdays,
    pickup_min: Option<u16>,
    transit_days: u16,
    moving_days: Weekdays,
    delivery_days: Weekdays,
    here: Option<Calendar>,
    there: Option<Calendar>,
}

impl World {
    fn origin(&self) -> Origin<'_> {
        Origin { zone: self.zone.clone(), cutoff_min: self.cutoff_min, calendar: self.calendar.as_ref() }
    }

    fn timetable(&self) -> Timetable<'_> {
        Timetable {
            pickup_days: self.pickup_days,
            cutoff_min: self.pickup_min,
            transit_days: self.transit_days,
            moving_days: self.moving_days,
            delivery_days: self.delivery_days,
            holidays_here: self.here.as_ref(),
            holidays_there: self.there.as_ref(),
        }
    }

    fn promise(&self, ordered: Timestamp, held_until: Option<Timestamp>) -> Result<Promise, NoDay> {
        promise(ordered, held_until, &self.origin(), &self.timetable())
    }
}

/// The ways of working that the table names.
fn way(name: &str, at: &str) -> World {
    let holidays: &[Date] = match at {
        "America/Chicago" => &[
            date(2026, 5, 25),
            date(2026, 7, 3),
            date(2026, 9, 7),
            date(2026, 11, 26),
            date(2026, 12, 25),
            date(2027, 1, 1),
        ],
        "Europe/Berlin" => {
            &[date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 14), date(2026, 12, 25)]
        }
        "Australia/Sydney" => &[date(2026, 1, 26), date(2026, 4, 3), date(2026, 4, 6), date(2026, 12, 25)],
        _ => &[date(2026, 1, 26), date(2026, 10, 2)],
    };
    let office = calendar(9 * 60, 17 * 60, holidays);
    let standard = World {
        zone: zone(at),
        cutoff_min: Some(15 * 60),
        calendar: Some(office.clone()),
        pickup_days: weekdays(&WEEK),
        pickup_min: Some(17 * 60),
        transit_days: 2,
        moving_days: weekdays(&WEEK),
        delivery_days: weekdays(&WEEK),
        here: Some(office.clone()),
        there: Some(office.clone()),
    };
    let open = World {
        cutoff_min: None,
        calendar: None,
        pickup_days: Weekdays::EVERY,
        pickup_min: None,
        transit_days: 1,
        moving_days: Weekdays::EVERY,
        delivery_days: Weekdays::EVERY,
        here: None,
        there: None,
        ..standard.clone()
    };
    match name {
        "office" => standard,
        "always" => open,
        "late" => {
            let delivery_days = weekdays(&WEEK).and(Weekday::Saturday);
            World { pickup_min: Some(18 * 60), delivery_days, ..open }
        }
        "hours" => {
            let calendar = Some(Calendar { lead_min: 240, ..office });
            World { cutoff_min: None, calendar, transit_days: 1, ..standard }
        }
        "days" => {
            let calendar = Some(Calendar { lead_days: 2, ..office });
            World { cutoff_min: Some(12 * 60), calendar, pickup_min: Some(10 * 60), transit_days: 1, ..standard }
        }
        other => panic!("{other} is no way of working"),
    }
}

/// Way of working | where | ordered [held until] | picked up | arrives. `office`: Monday to Friday from 9 to 17, cutoff
/// at 15, the carrier comes at 17 and takes two days, all but holidays. `always`: no limit, one day. `late`: as that, the
/// carrier comes at 18 and delivers not on Sundays. `hours`: the office without a cutoff, four hours of work, one day.
/// `days`: the office with its cutoff at 12, two days of work, the carrier comes at 10, one day.
const TABLE: &str = "
office America/Chicago | 2026-11-16T16:00Z | 2026-11-16T23:00Z | 2026-11-18
office America/Chicago | 2026-11-16T21:00Z | 2026-11-16T23:00Z | 2026-11-18
office America/Chicago | 2026-11-16T21:00:01Z | 2026-11-17T23:00Z | 2026-11-19
office America/Chicago | 2026-11-16T09:00Z | 2026-11-16T23:00Z | 2026-11-18
office America/Chicago | 2026-11-20T20:59Z | 2026-11-20T23:00Z | 2026-11-24
office America/Chicago | 2026-11-20T21:01Z | 2026-11-23T23:00Z | 2026-11-25
office America/Chicago | 2026-11-21T18:00Z | 2026-11-23T23:00Z | 2026-11-25
office America/Chicago | 2026-11-23T05:59Z | 2026-11-23T23:00Z | 2026-11-25
office America/Chicago | 2026-11-24T16:00Z | 2026-11-24T23:00Z | 2026-11-27
office America/Chicago | 2026-11-25T21:01Z | 2026-11-27T23:00Z | 2026-12-01
office America/Chicago | 2026-11-26T16:00Z | 2026-11-27T23:00Z | 2026-12-01
office America/Chicago | 2026-12-23T16:00Z | 2026-12-23T23:00Z | 2026-12-28
office America/Chicago | 2026-12-24T22:00Z | 2026-12-28T23:00Z | 2026-12-30
office America/Chicago | 2026-12-30T22:00Z | 2026-12-31T23:00Z | 2027-01-05
office America/Chicago | 2026-07-02T15:00Z | 2026-07-02T22:00Z | 2026-07-07
office America/Chicago | 2026-05-22T15:00Z | 2026-05-22T22:00Z | 2026-05-27
office America/Chicago | 2026-03-06T20:59Z | 2026-03-06T23:00Z | 2026-03-10
office America/Chicago | 2026-03-08T05:30Z | 2026-03-09T22:00Z | 2026-03-11
office America/Chicago | 2026-03-08T07:59Z | 2026-03-09T22:00Z | 2026-03-11
office America/Chicago | 2026-03-08T08:00Z | 2026-03-09T22:00Z | 2026-03-11
office America/Chicago | 2026-03-09T20:00Z | 2026-03-09T22:00Z | 2026-03-11
office America/Chicago | 2026-03-09T20:01Z | 2026-03-10T22:00Z | 2026-03-12
office America/Chicago | 2026-10-30T20:00Z | 2026-10-30T22:00Z | 2026-11-03
office America/Chicago | 2026-11-01T06:30Z | 2026-11-02T23:00Z | 2026-11-04
office America/Chicago | 2026-11-02T21:00Z | 2026-11-02T23:00Z | 2026-11-04
office America/Chicago | 2026-11-02T21:01Z | 2026-11-03T23:00Z | 2026-11-05
office America/Chicago | 2026-11-16T16:00Z held 2026-11-17T21:00Z | 2026-11-17T23:00Z | 2026-11-19
office America/Chicago | 2026-11-16T16:00Z held 2026-11-17T21:01Z | 2026-11-18T23:00Z | 2026-11-20
office America/Chicago | 2026-11-16T16:00Z held 2026-11-10T00:00Z | 2026-11-16T23:00Z | 2026-11-18
office Europe/Berlin | 2026-03-23T14:00Z | 2026-03-23T16:00Z | 2026-03-25
office Europe/Berlin | 2026-03-27T14:00Z | 2026-03-27T16:00Z | 2026-03-31
office Europe/Berlin | 2026-03-30T13:00Z | 2026-03-30T15:00Z | 2026-04-01
office Europe/Berlin | 2026-03-30T13:01Z | 2026-03-31T15:00Z | 2026-04-02
office Europe/Berlin | 2026-04-01T13:00Z | 2026-04-01T15:00Z | 2026-04-07
office Europe/Berlin | 2026-04-02T13:01Z | 2026-04-07T15:00Z | 2026-04-09
office Europe/Berlin | 2026-03-29T00:59Z | 2026-03-30T15:00Z | 2026-04-01
office Europe/Berlin | 2026-03-29T01:00Z | 2026-03-30T15:00Z | 2026-04-01
office Europe/Berlin | 2026-04-30T13:00Z | 2026-04-30T15:00Z | 2026-05-05
office Europe/Berlin | 2026-05-13T13:01Z | 2026-05-15T15:00Z | 2026-05-19
office Europe/Berlin | 2026-10-23T13:00Z | 2026-10-23T15:00Z | 2026-10-27
office Europe/Berlin | 2026-10-25T00:30Z | 2026-10-26T16:00Z | 2026-10-28
office Europe/Berlin | 2026-10-25T01:30Z | 2026-10-26T16:00Z | 2026-10-28
office Europe/Berlin | 2026-10-26T14:00Z | 2026-10-26T16:00Z | 2026-10-28
office Europe/Berlin | 2026-10-26T14:01Z | 2026-10-27T16:00Z | 2026-10-29
office Europe/Berlin | 2026-12-23T14:00Z | 2026-12-23T16:00Z | 2026-12-28
office Australia/Sydney | 2026-10-02T05:00Z | 2026-10-02T07:00Z | 2026-10-06
office Australia/Sydney | 2026-10-05T04:00Z | 2026-10-05T06:00Z | 2026-10-07
office Australia/Sydney | 2026-10-05T04:01Z | 2026-10-06T06:00Z | 2026-10-08
office Australia/Sydney | 2026-04-02T04:00Z | 2026-04-02T06:00Z | 2026-04-08
office Australia/Sydney | 2026-04-07T05:00Z | 2026-04-07T07:00Z | 2026-04-09
office Australia/Sydney | 2026-04-07T05:01Z | 2026-04-08T07:00Z | 2026-04-10
office Australia/Sydney | 2026-11-15T22:00Z | 2026-11-16T06:00Z | 2026-11-18
office Australia/Sydney | 2026-01-23T04:00Z | 2026-01-23T06:00Z | 2026-01-28
office Asia/Kolkata | 2026-11-16T09:30Z | 2026-11-16T11:30Z | 2026-11-18
office Asia/Kolkata | 2026-11-16T09:31Z | 2026-11-17T11:30Z | 2026-11-19
office Asia/Kolkata | 2026-01-23T09:30Z | 2026-01-23T11:30Z | 2026-01-28
office Asia/Kolkata | 2026-10-01T09:31Z | 2026-10-05T11:30Z | 2026-10-07
office Asia/Kolkata | 2026-11-15T18:30Z | 2026-11-16T11:30Z | 2026-11-18
always America/Chicago | 2026-11-22T05:59Z | 2026-11-22T05:59Z | 2026-11-22
always America/Chicago | 2026-11-22T06:00Z | 2026-11-22T06:00Z | 2026-11-23
always Australia/Sydney | 2026-12-24T13:00Z | 2026-12-24T13:00Z | 2026-12-26
late Europe/Berlin | 2026-11-20T17:00Z | 2026-11-20T17:00Z | 2026-11-21
late Europe/Berlin | 2026-11-20T17:01Z | 2026-11-21T17:00Z | 2026-11-23
hours America/Chicago | 2026-11-16T15:00Z | 2026-11-16T23:00Z | 2026-11-17
hours America/Chicago | 2026-11-16T19:00Z | 2026-11-16T23:00Z | 2026-11-17
hours America/Chicago | 2026-11-16T19:15Z | 2026-11-17T23:00Z | 2026-11-18
hours America/Chicago | 2026-11-20T22:00Z | 2026-11-23T23:00Z | 2026-11-24
hours Europe/Berlin | 2026-03-27T15:00Z | 2026-03-30T15:00Z | 2026-03-31
days America/Chicago | 2026-11-18T18:00Z | 2026-11-20T16:00Z | 2026-11-23
days America/Chicago | 2026-11-18T18:01Z | 2026-11-23T16:00Z | 2026-11-24
days America/Chicago | 2026-11-24T18:00Z | 2026-11-27T16:00Z | 2026-11-30
";

#[test]
fn dates_are_those_of_a_table_made_by_hand() {
    let rows: Vec<&str> = TABLE.lines().filter(|row| !row.is_empty()).collect();
    assert!(rows.len() >= 60);
    for row in rows {
        let parts: Vec<&str> = row.split(" | ").collect();
        let [what, when, picked_up, arrives] = parts[..] else { panic!("{row} has four parts") };
        let (name, at) = what.split_once(' ').expect("a way of working and a place");
        let (ordered, held) = when.split_once(" held ").map_or((when, None), |(when, held)| (when, Some(held)));
        let promise = way(name, at).promise(instant(ordered), held.map(instant)).expect("there is a day");
        assert_eq!(promise.picked_up, instant(picked_up), "{row}: {promise:?}");
        assert_eq!(promise.arrives, arrives.parse::<Date>().expect("is a day"), "{row}: {promise:?}");
    }
}

/// Numbers that look random, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ z >> 31) % most
    }

    fn maybe<T>(&mut self, value: T) -> Option<T> {
        (self.below(3) > 0).then_some(value)
    }

    /// Days of which there is at least one.
    fn days(&mut self) -> Weekdays {
        let first = Weekday::Monday.wrapping_add(self.below(7) as i64);
        let more = (0..7).filter(|_| self.below(3) > 0).map(|n| Weekday::Monday.wrapping_add(n)).collect::<Vec<_>>();
        weekdays(&more).and(first)
    }

    /// A time of day; every other one lies in the hours in which clocks change.
    fn quarter(&mut self) -> u16 {
        let most = if self.below(2) == 0 { 16 } else { 96 };
        self.below(most) as u16 * 15
    }

    fn calendar(&mut self, around: Date) -> Calendar {
        let holidays: Vec<Date> =
            (0..self.below(5)).map(|_| around.saturating_add((self.below(14) as i64 - 2).days())).collect();
        let (a, b) = (self.quarter(), self.quarter());
        let (opens, closes) = if a == b { (0, DAY_MIN) } else { (a.min(b), a.max(b)) };
        let mut calendar = calendar(opens, closes, &holidays);
        calendar.holidays.dedup();
        calendar.working = self.days();
        calendar.lead_days = [0, 0, 0, 1, 2, 4][self.below(6) as usize];
        calendar.lead_min = [0, 0, 15, 60, 240, 600][self.below(6) as usize];
        calendar
    }

    fn world(&mut self) -> (World, Timestamp) {
        // Days on which clocks change: by an hour at two, at midnight and forwards over it, by half an hour.
        const CHANGES: &[(&str, Date)] = &[
            ("America/Chicago", date(2026, 3, 8)),
            ("America/Chicago", date(2026, 11, 1)),
            ("Europe/Berlin", date(2026, 3, 29)),
            ("Europe/Berlin", date(2026, 10, 25)),
            ("Australia/Lord_Howe", date(2026, 4, 5)),
            ("Australia/Lord_Howe", date(2026, 10, 4)),
            ("America/Santiago", date(2026, 4, 4)),
            ("America/Santiago", date(2026, 9, 6)),
            ("America/Havana", date(2026, 3, 8)),
            ("America/Havana", date(2026, 11, 1)),
            ("Asia/Kolkata", date(2026, 6, 1)),
        ];
        let (name, change) = CHANGES[self.below(CHANGES.len() as u64) as usize];
        let zone = zone(name);
        let midnight = change.to_zoned(zone.clone()).expect("is a day").timestamp();
        let quarters = self.below(6 * 96) as i64 - 4 * 96;
        let ordered = midnight + SignedDuration::from_mins(quarters * 15);
        let (calendar, here, there) = (self.calendar(change), self.calendar(change), self.calendar(change));
        let (cutoff_min, pickup_min) = (self.quarter(), self.quarter());
        let meets = calendar.working.days().next().expect("there is one");
        let world = World {
            zone,
            cutoff_min: self.maybe(cutoff_min),
            calendar: self.maybe(calendar),
            pickup_days: self.days().and(meets),
            pickup_min: self.maybe(pickup_min),
            transit_days: self.below(6) as u16,
            moving_days: self.days(),
            delivery_days: self.days(),
            here: self.maybe(here),
            there: self.maybe(there),
        };
        (world, ordered)
    }
}

/// A date found by walking through time.
struct Walk<'a> {
    world: &'a World,
    /// What the clock shows at every quarter of an hour of a day, from its first instant.
    shown: BTreeMap<Date, Vec<(Timestamp, u16)>>,
}

impl Walk<'_> {
    const QUARTER: SignedDuration = SignedDuration::from_mins(15);

    fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.world.zone.clone()).date()
    }

    fn works(&self, day: Date) -> bool {
        let Some(calendar) = &self.world.calendar else { return true };
        calendar.working.days().any(|weekday| weekday == day.weekday())
            && !calendar.holidays.iter().any(|holiday| holiday.date() == day)
    }

    /// The first instant at which the clock shows a time; when it never does, as long after the day's beginning.
    fn at(&mut self, day: Date, minutes: u16) -> Timestamp {
        if minutes == DAY_MIN {
            return self.at(day.tomorrow().expect("there is another day"), 0);
        }
        if !self.shown.contains_key(&day) {
            let mut at =
                day.at(12, 0, 0, 0).in_tz("UTC").expect("is a day").timestamp() - SignedDuration::from_hours(36);
            while self.day(at) < day {
                at += Self::QUARTER;
            }
            let mut shown = Vec::new();
            while self.day(at) == day {
                let clock = at.to_zoned(self.world.zone.clone()).time();
                shown.push((at, clock.hour() as u16 * 60 + clock.minute() as u16));
                at += Self::QUARTER;
            }
            self.shown.insert(day, shown);
        }
        let shown = &self.shown[&day];
        let met = shown.iter().find(|(_, clock)| *clock == minutes);
        met.map_or(shown[0].0 + SignedDuration::from_mins(i64::from(minutes)), |(at, _)| *at)
    }

    fn hours(&mut self, day: Date) -> (Timestamp, Timestamp) {
        let (opens, closes) =
            self.world.calendar.as_ref().map_or((0, DAY_MIN), |calendar| (calendar.opens_min, calendar.closes_min));
        (self.at(day, opens), self.at(day, closes))
    }

    fn opening_after(&mut self, mut day: Date) -> Timestamp {
        loop {
            day = day.tomorrow().expect("there is another day");
            if self.works(day) {
                return self.hours(day).0;
            }
        }
    }

    /// Ready, picked up, and the day it arrives.
    fn walk(&mut self, released: Timestamp) -> (Timestamp, Timestamp, Date) {
        let mut day = self.day(released);
        let mut at = loop {
            if self.works(day) {
                let (opens, closes) = self.hours(day);
                let cutoff = self.world.cutoff_min.map(|cutoff| self.at(day, cutoff));
                if released <= closes && cutoff.is_none_or(|cutoff| released <= cutoff) {
                    break released.max(opens);
                }
            }
            day = day.tomorrow().expect("there is another day");
        };
        let (lead_days, mut left) =
            self.world.calendar.as_ref().map_or((0, 0), |calendar| (calendar.lead_days, calendar.lead_min));
        for _ in 0..lead_days {
            at = self.opening_after(day);
            day = self.day(at);
        }
        while left > 0 {
            let (opens, closes) = self.hours(day);
            if at >= opens && at < closes {
                left -= 15;
                at += Self::QUARTER;
            } else {
                at = self.opening_after(day);
                day = self.day(at);
            }
        }
        let picked_up = self.pick_up(at);
        (at, picked_up, self.deliver(self.day(picked_up)))
    }

    fn is_holiday(of: Option<&Calendar>, day: Date) -> bool {
        of.is_some_and(|calendar| calendar.holidays.iter().any(|holiday| holiday.date() == day))
    }

    fn pick_up(&mut self, ready: Timestamp) -> Timestamp {
        let mut day = self.day(ready);
        loop {
            let comes = self.world.pickup_days.days().any(|weekday| weekday == day.weekday());
            if comes && self.works(day) && !Self::is_holiday(self.world.here.as_ref(), day) {
                let at = match self.world.pickup_min {
                    Some(minutes) => self.at(day, minutes),
                    None => ready.max(self.hours(day).0),
                };
                if at >= ready {
                    return at;
                }
            }
            day = day.tomorrow().expect("there is another day");
        }
    }

    fn deliver(&self, mut day: Date) -> Date {
        let (here, there) = (self.world.here.as_ref(), self.world.there.as_ref());
        let mut left = self.world.transit_days;
        while left > 0 {
            day = day.tomorrow().expect("there is another day");
            let moves = self.world.moving_days.days().any(|weekday| weekday == day.weekday());
            if moves && !Self::is_holiday(here, day) && !Self::is_holiday(there, day) {
                left -= 1;
            }
        }
        while !self.world.delivery_days.days().any(|weekday| weekday == day.weekday()) || Self::is_holiday(there, day) {
            day = day.tomorrow().expect("there is another day");
        }
        day
    }
}

/// How many worlds are tried: `ORDAIN_PROMISES` as it was at the build, else a few hundred.
fn worlds() -> u64 {
    option_env!("ORDAIN_PROMISES").and_then(|text| text.parse().ok()).unwrap_or(400)
}

#[test]
fn dates_are_those_of_a_walk_through_time() {
    for seed in 0..worlds() {
        let (world, ordered) = Chance(seed).world();
        let promise = world.promise(ordered, None).expect("every world works on some day");
        let (ready, picked_up, arrives) = Walk { world: &world, shown: BTreeMap::new() }.walk(ordered);
        let found = (promise.ready, promise.picked_up, promise.arrives);
        assert_eq!(found, (ready, picked_up, arrives), "seed {seed}: {ordered} in {world:?}");
    }
}

#[test]
fn a_cutoff_in_the_hour_that_comes_twice_is_the_first_one() {
    let world = World { cutoff_min: Some(90), calendar: None, ..way("office", "America/Chicago") };
    let begun = |at: &str| world.promise(instant(at), None).expect("there is a day").begun;
    // 01:30 comes at 06:30Z in summer time and again at 07:30Z; the next day it is at 07:30Z.
    assert_eq!(begun("2026-11-01T06:30Z"), instant("2026-11-01T06:30Z"));
    assert_eq!(begun("2026-11-01T06:31Z"), instant("2026-11-02T06:00Z"));
    assert_eq!(begun("2026-11-01T07:15Z"), instant("2026-11-02T06:00Z"), "01:15 again, but too late");
    // In spring 02:30 never comes: 150 minutes after midnight is 03:30.
    let world = World { cutoff_min: Some(150), ..world.clone() };
    let begun = |at: &str| world.promise(instant(at), None).expect("there is a day").begun;
    assert_eq!(begun("2026-03-08T08:30Z"), instant("2026-03-08T08:30Z"));
    assert_eq!(begun("2026-03-08T08:31Z"), instant("2026-03-09T05:00Z"));
}

#[test]
fn no_stage_comes_before_the_one_it_follows_and_no_rest_day_is_used() {
    for seed in 0..4 * worlds() {
        let (world, ordered) = Chance(seed ^ 1 << 40).world();
        let held = ordered + SignedDuration::from_hours(5);
        let promise = world.promise(ordered, Some(held)).expect("every world works on some day");
        let Promise { released, begun, ready, picked_up, arrives, .. } = promise;
        let told = || format!("seed {seed}: {promise:?} in {world:?}");
        assert!(released == held && begun >= released && ready >= begun && picked_up >= ready, "{}", told());
        let day = |at: Timestamp| world.zone.to_datetime(at).date();
        let calendar = world.calendar.as_ref();
        assert!(
            [begun, picked_up].into_iter().all(|at| calendar.is_none_or(|calendar| calendar.works(day(at)))),
            "{}",
            told()
        );
        assert!(world.pickup_days.has(day(picked_up).weekday()), "{}", told());
        assert!(world.here.as_ref().is_none_or(|here| !here.is_holiday(day(picked_up))), "{}", told());
        let on_the_way = day(picked_up).until(arrives).expect("is a span").get_days();
        assert!(on_the_way >= i32::from(world.transit_days), "{}", told());
        assert!(world.delivery_days.has(arrives.weekday()), "{}", told());
        assert!(world.there.as_ref().is_none_or(|there| !there.is_holiday(arrives)), "{}", told());
    }
}

#[test]
fn a_later_order_never_arrives_earlier() {
    for seed in 0..worlds() / 4 {
        let (world, ordered) = Chance(seed ^ 1 << 41).world();
        let mut before = world.promise(ordered, None).expect("every world works on some day");
        for quarter in 1..=96 {
            let after = world.promise(ordered + SignedDuration::from_mins(15 * quarter), None).expect("as before");
            let later = after.begun >= before.begun
                && after.ready >= before.ready
                && after.picked_up >= before.picked_up
                && after.arrives >= before.arrives;
            assert!(later, "seed {seed}: {before:?}, then {after:?} in {world:?}");
            before = after;
        }
    }
}

#[test]
fn a_stage_that_finds_no_day_is_told() {
    let way = || way("office", "America/Chicago");
    let at = instant("2026-11-16T16:00Z");
    let idle = Calendar { working: Weekdays::NONE, ..calendar(0, DAY_MIN, &[]) };
    let refused = |world: World| world.promise(at, None).expect_err("no day");
    assert_eq!(refused(World { calendar: Some(idle), ..way() }), NoDay::ToWork);
    let weekend = Weekdays::NONE.and(Weekday::Sunday);
    assert_eq!(refused(World { pickup_days: weekend, ..way() }), NoDay::ToPickUp);
    assert_eq!(refused(World { moving_days: Weekdays::NONE, ..way() }), NoDay::ToMove);
    assert_eq!(refused(World { delivery_days: Weekdays::NONE, ..way() }), NoDay::ToDeliver);
    let endless = Calendar { lead_min: u32::MAX, ..calendar(0, 1, &[]) };
    assert_eq!(refused(World { calendar: Some(endless), ..way() }), NoDay::ToWork);
    let far = World { transit_days: 365, ..way() };
    assert!(far.promise(at, None).is_ok(), "the longest way lies within the horizon");
}

#[test]
fn days_on_the_way_are_counted_so_that_rest_days_are_no_delay() {
    let world = way("office", "America/Chicago");
    let timetable = world.timetable();
    // Taken on a Thursday, two days: Monday. Whoever comes on Saturday or Sunday came no later.
    let (thursday, monday) = (date(2026, 11, 5), date(2026, 11, 9));
    let taken = |arrived: Date| timetable.days_taken(thursday, arrived, 31);
    let told = [(thursday, 0), (date(2026, 11, 6), 1), (date(2026, 11, 7), 2), (monday, 2), (date(2026, 11, 10), 3)];
    told.into_iter().for_each(|(arrived, days)| assert_eq!(taken(arrived), days, "{arrived}"));
    assert_eq!(taken(date(2026, 1, 1)), 0, "a clock that is behind");
    assert_eq!(taken(date(2027, 11, 1)), 31, "and no more than are told apart");
    assert_eq!(timetable.days_allowed(thursday, 31), 2);
    // Where the carrier moves over the weekend and does not deliver, three and four days are as good as two.
    let moving = World { moving_days: Weekdays::EVERY, ..world.clone() };
    assert_eq!(moving.timetable().days_allowed(thursday, 31), 4);
    for seed in 0..worlds() / 4 {
        let (world, ordered) = Chance(seed ^ 1 << 42).world();
        let promise = world.promise(ordered, None).expect("every world works on some day");
        let (timetable, day) = (world.timetable(), world.zone.to_datetime(promise.picked_up).date());
        let allowed = timetable.days_allowed(day, 31);
        let told = || format!("seed {seed}: {promise:?} in {world:?}");
        assert!(allowed >= world.transit_days, "{}", told());
        let arrives = timetable.deliver(day).expect("it delivers");
        assert!(timetable.days_taken(day, arrives, 400) <= world.transit_days, "{}", told());
        assert!(timetable.days_taken(day, arrives.saturating_add(1.day()), 400) > allowed.min(31), "{}", told());
    }
}
