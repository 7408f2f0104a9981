//! Zones: how far a destination is in a carrier's own eyes, by distance, by postal prefix, or by country.
//!
//! Zones are numbered from 1. By distance the first whose bound is not below the great circle counts, and the one after
//! the last bound beyond it. By prefix a *chart* tells, for parcels from one prefix, ranges of prefixes and their zone;
//! the longest prefix that fits wins. A whole table of charts is put under a name, one chart at a time, since a
//! country's table is larger than a record; a short one stands in the carrier itself.
//!
//! What is *not* here: what a zone costs (`rates`) and how long it takes (`carrier`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::ids::Text;

/// Longest postal prefix, in letters and digits.
pub const PREFIX_MAX: usize = 8;

/// The first letters and digits of a postal code, in upper case; blanks and dashes do not count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Prefix([u8; PREFIX_MAX]);

impl Prefix {
    /// What a postal code begins with; `None` when there is no letter or digit in it.
    pub fn of(postal_code: &str) -> Option<Self> {
        let mut bytes = [0; PREFIX_MAX];
        let plain = postal_code.bytes().filter(u8::is_ascii_alphanumeric);
        bytes.iter_mut().zip(plain).for_each(|(byte, plain)| *byte = plain.to_ascii_uppercase());
        (bytes[0] != 0).then_some(Self(bytes))
    }

    /// A prefix as a table names it: 1 to 8 letters and digits.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= PREFIX_MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Self::of(text).filter(|_| plain)
    }

    /// How many letters and digits it has.
    pub fn length(self) -> usize {
        self.0.iter().take_while(|byte| **byte != 0).count()
    }

    /// Its first letters and digits.
    #[must_use]
    pub fn cut(self, length: usize) -> Self {
        let mut bytes = self.0;
        bytes[length.min(PREFIX_MAX)..].fill(0);
        Self(bytes)
    }

    /// Whether it begins with another.
    pub fn starts_with(self, other: Self) -> bool {
        self.cut(other.length()) == other
    }

    /// Its beginnings, the longest first.
    fn beginnings(self) -> impl Iterator<Item = Self> {
        (1..=self.length()).rev().map(move |length| self.cut(length))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.0[..self.length()]).unwrap_or_default())
    }
}

/// Prefixes of equal length, from the first to the last, that lie in one zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ZoneRange {
    /// The first.
    pub first: Prefix,
    /// The last.
    pub last: Prefix,
    /// Their zone, from 1.
    pub zone: u8,
}

/// What is wrong with a range of a chart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadRange {
    /// Its ends differ in length, or come in the wrong order.
    NoRange,
    /// There is no zone 0.
    NoZone,
    /// It shares a prefix with an earlier one of the same length.
    Overlaps,
}

/// Zones of destinations, for parcels from one prefix, or from anywhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Chart {
    /// Where they come from.
    pub from: Option<Prefix>,
    /// Longer prefixes first, then ascending; no two of a length overlap.
    ranges: Vec<ZoneRange>,
}

impl Chart {
    /// A chart, or the ranges that are wrong.
    pub fn new(from: Option<Prefix>, ranges: &[ZoneRange]) -> Result<Self, Vec<(usize, BadRange)>> {
        let mut bad: Vec<_> = ranges.iter().enumerate().filter_map(|(at, range)| Some((at, range.fault()?))).collect();
        let mut order: Vec<usize> = (0..ranges.len()).collect();
        order.sort_by_key(|at| (std::cmp::Reverse(ranges[*at].first.length()), ranges[*at].first, *at));
        for pair in order.windows(2) {
            let (before, after) = (&ranges[pair[0]], &ranges[pair[1]]);
            if before.first.length() == after.first.length() && after.first <= before.last {
                bad.push((pair[0].max(pair[1]), BadRange::Overlaps));
            }
        }
        if bad.is_empty() {
            return Ok(Self { from, ranges: order.into_iter().map(|at| ranges[at]).collect() });
        }
        bad.sort_by_key(|(at, _)| *at);
        Err(bad)
    }

    /// Its ranges: longer prefixes first, then ascending.
    pub fn ranges(&self) -> &[ZoneRange] {
        &self.ranges
    }

    /// The zone of a destination.
    pub fn zone_of(&self, to: Prefix) -> Option<u8> {
        to.beginnings().find_map(|beginning| {
            let key = |prefix: Prefix| (std::cmp::Reverse(prefix.length()), prefix);
            let after = self.ranges.partition_point(|range| key(range.first) <= key(beginning));
            let range = self.ranges[..after].last()?;
            let fits = range.first.length() == beginning.length() && beginning <= range.last;
            fits.then_some(range.zone)
        })
    }
}

impl ZoneRange {
    fn fault(&self) -> Option<BadRange> {
        if self.zone == 0 {
            return Some(BadRange::NoZone);
        }
        let even = self.first.length() == self.last.length() && self.first <= self.last;
        (!even).then_some(BadRange::NoRange)
    }
}

/// Charts under a name, by where parcels come from.
pub type ZoneTable = BTreeMap<Prefix, Chart>;

/// The chart of a table for a postal code: that of the longest prefix.
pub fn chart_from(table: &ZoneTable, from: Prefix) -> Option<&Chart> {
    from.beginnings().find_map(|beginning| table.get(&beginning))
}

/// How a service tells zones.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Zones {
    /// By great circle: bounds in metres, ascending; one zone more than bounds.
    Distance(Vec<u32>),
    /// By the charts of a table that is put under that name.
    Table(Text),
    /// By charts of its own; a chart from anywhere comes last.
    Charts(Vec<Chart>),
    /// By country: the first list that names it; an empty list means every country.
    Countries(Vec<Vec<Text>>),
}

impl Zones {
    /// How many zones there are, where the way of telling them says it.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Distance(bounds) => Some(bounds.len() + 1),
            Self::Countries(lists) => Some(lists.len()),
            Self::Table(_) | Self::Charts(_) => None,
        }
    }
}

/// Zone by distance.
pub fn zone_by_distance(bounds_m: &[u32], metres: u64) -> u8 {
    let before = bounds_m.partition_point(|bound| u64::from(*bound) < metres);
    u8::try_from(before + 1).unwrap_or(u8::MAX)
}

/// Zone by charts of the service's own.
pub fn zone_by_charts(charts: &[Chart], from: Option<Prefix>, to: Prefix) -> Option<u8> {
    let fits = |chart: &&Chart| match (chart.from, from) {
        (None, _) => true,
        (Some(prefix), Some(from)) => from.starts_with(prefix),
        (Some(_), None) => false,
    };
    let longest = charts.iter().filter(fits).max_by_key(|chart| chart.from.map_or(0, Prefix::length))?;
    longest.zone_of(to)
}

/// Zone by country.
pub fn zone_by_country(lists: &[Vec<Text>], country: &str) -> Option<u8> {
    let at = lists.iter().position(|list| list.is_empty() || list.iter().any(|named| **named == *country))?;
    u8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        Prefix::parse(text).expect("is a prefix")
    }

    fn range(first: &str, last: &str, zone: u8) -> ZoneRange {
        ZoneRange { first: prefix(first), last: prefix(last), zone }
    }

    #[test]
    fn a_code_is_its_letters_and_digits() {
        assert_eq!(Prefix::of("sw1a 1aa"), Some(prefix("SW1A1AA")));
        assert_eq!(Prefix::of("60602-1234"), Some(prefix("60602123")));
        assert_eq!(Prefix::of(" - "), None);
        assert_eq!(Prefix::parse("123456789"), None);
        assert_eq!(Prefix::parse("1 2"), None);
        assert_eq!(prefix("606").to_string(), "606");
        assert!(prefix("60602").starts_with(prefix("606")) && !prefix("60").starts_with(prefix("606")));
    }

    #[test]
    fn bounds_belong_to_the_zone_before_them() {
        let bounds = [241_000, 483_000, 966_000];
        let zones = [0, 241_000, 241_001, 483_000, 966_000, 966_001, u64::MAX].map(|m| zone_by_distance(&bounds, m));
        assert_eq!(zones, [1, 1, 2, 2, 3, 4, 4]);
    }

    #[test]
    fn the_longest_prefix_wins() {
        let ranges = [range("0", "9", 8), range("606", "609", 1), range("60614", "60614", 2), range("100", "199", 5)];
        let chart = Chart::new(None, &ranges).expect("is a chart");
        let zone = |code: &str| chart.zone_of(Prefix::of(code).expect("is a code"));
        assert_eq!(
            ["60614", "60615", "609", "610", "10001", "6", "K1A"].map(zone),
            [2, 1, 1, 8, 5, 8, 0].map(|zone| { (zone > 0).then_some(zone) })
        );
    }

    #[test]
    fn ranges_that_overlap_are_told_by_their_number() {
        let ranges = [range("100", "150", 1), range("2", "2", 1), range("150", "160", 2), range("30", "20", 3)];
        assert_eq!(
            Chart::new(None, &ranges).expect_err("is no chart"),
            [(2, BadRange::Overlaps), (3, BadRange::NoRange)]
        );
        let far = [range("1", "9", 0), ZoneRange { first: prefix("1"), last: prefix("22"), zone: 1 }];
        let bad = Chart::new(None, &far).expect_err("is no chart");
        assert!(bad.contains(&(0, BadRange::NoZone)) && bad.contains(&(1, BadRange::NoRange)));
    }

    #[test]
    fn an_earlier_wide_range_hides_no_overlap() {
        let ranges = [range("100", "900", 1), range("200", "210", 2), range("300", "310", 3)];
        assert!(Chart::new(None, &ranges).is_err());
    }

    #[test]
    fn a_chart_of_where_it_comes_from_is_asked_before_one_from_anywhere() {
        let of = |from: Option<&str>, zone| Chart::new(from.map(prefix), &[range("1", "9", zone)]).expect("is a chart");
        let charts = [of(Some("60"), 2), of(Some("606"), 1), of(None, 7)];
        let zone = |from: Option<&str>| zone_by_charts(&charts, from.map(prefix), prefix("1"));
        assert_eq!([Some("60601"), Some("60101"), Some("9"), None].map(zone), [1, 2, 7, 7].map(Some));
        assert_eq!(zone_by_charts(&charts[..2], Some(prefix("9")), prefix("1")), None);
        let table: ZoneTable = [("60", 2), ("606", 1)].map(|(from, zone)| (prefix(from), of(Some(from), zone))).into();
        let chart = |from: &str| chart_from(&table, prefix(from)).and_then(|chart| chart.zone_of(prefix("1")));
        assert_eq!(["60601", "60101", "7"].map(chart), [Some(1), Some(2), None]);
    }

    #[test]
    fn a_list_without_a_country_takes_the_rest() {
        let lists = [vec!["DE".into()], vec!["AT".into(), "FR".into()], vec![]];
        assert_eq!(["DE", "FR", "JP"].map(|c| zone_by_country(&lists, c)), [1, 2, 3].map(Some));
        assert_eq!(zone_by_country(&lists[..2], "JP"), None);
    }
}
