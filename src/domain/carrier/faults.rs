//! What makes no sense in a carrier, a calendar or a chart: each fault names its field as the body names it.
//!
//! A value's own range is judged where it is read; here is what fields mean together: as many prices and days as zones,
//! bounds that ascend, nothing named twice, no more than a record holds. What is *not* here: what exists (nodes).

use super::rates::{DIVISOR_MAX, Prices, UNIT_PARTS};
use super::zones::{BadRange, Zones};
use super::{
    CONDITIONS_MAX, Carrier, HOLIDAYS_MAX, PICKUPS_MAX, PRICES_MAX, RANGES_MAX, ROWS_MAX, SERVICES_MAX, SURCHARGES_MAX,
    Service, TRANSIT_DAYS_MAX, ZONES_MAX, ZoneChart,
};
use crate::domain::ids::Text;
use crate::domain::promise::calendar::{Calendar, DAY_MIN, Weekdays};
use crate::domain::rejection::Fault;

/// Collects faults below a field.
struct Judge {
    at: String,
    faults: Vec<Fault>,
}

impl Judge {
    fn fault(&mut self, field: &str, code: &'static str, detail: impl Into<String>) {
        self.faults.push(Fault::new(format!("{}{field}", self.at), code, detail));
    }

    fn at_most(&mut self, field: &str, is: usize, most: usize) {
        if is > most {
            self.fault(field, "list_length_out_of_range", format!("must have at most {most} entries, has {is}"));
        }
    }

    fn in_range(&mut self, field: &str, is: u64, least: u64, most: u64) {
        if !(least..=most).contains(&is) {
            let detail = format!("must be a whole number from {least} to {most}, is {is}");
            self.fault(field, "number_out_of_range", detail);
        }
    }

    fn as_many(&mut self, field: &str, is: usize, zones: usize) {
        if is != zones {
            self.fault(field, "bad_rates", format!("must have one entry for each of {zones} zones, has {is}"));
        }
    }

    fn some_day(&mut self, field: &str, days: Weekdays) {
        if days == Weekdays::NONE {
            self.fault(field, "list_length_out_of_range", "must have 1 to 7 entries, has 0");
        }
    }

    fn ascending(&mut self, field: &str, bounds: &[u32], parts: u32) {
        for (at, pair) in bounds.windows(2).enumerate().filter(|(_, pair)| pair[0] >= pair[1]) {
            let detail = format!("must be above the bound before it, {}", f64::from(pair[0]) / f64::from(parts));
            self.fault(&format!("{field}[{}]", at + 1), "not_ascending", detail);
        }
        if bounds.first() == Some(&0) {
            self.fault(&format!("{field}[0]"), "not_ascending", "must be above 0");
        }
    }

    /// Names that stand twice.
    fn once<'a>(&mut self, names: impl Iterator<Item = &'a Text>, field: impl Fn(usize) -> String) {
        let mut seen = std::collections::BTreeSet::new();
        for (at, name) in names.enumerate() {
            if !seen.insert(name) {
                self.fault(&field(at), "duplicate_name", format!("{name} is named twice"));
            }
        }
    }
}

impl Carrier {
    /// All faults of a carrier.
    pub fn faults(&self) -> Vec<Fault> {
        let mut judge = Judge { at: String::new(), faults: Vec::new() };
        if self.services.is_empty() || self.services.len() > SERVICES_MAX {
            let detail = format!("must have 1 to {SERVICES_MAX} entries, has {}", self.services.len());
            judge.fault("services", "list_length_out_of_range", detail);
        }
        judge.once(self.services.iter().map(|service| &service.name), |at| format!("services[{at}].service"));
        for (at, service) in self.services.iter().enumerate() {
            judge.at = format!("services[{at}].");
            service.judge(&mut judge);
        }
        judge.at.clear();
        let sum = |of: fn(&Service) -> usize| self.services.iter().map(of).sum::<usize>();
        for (what, is, most) in [
            ("prices", sum(Service::prices), PRICES_MAX),
            ("ranges", sum(Service::ranges), RANGES_MAX),
            ("conditions of surcharges", sum(Service::conditions), CONDITIONS_MAX),
        ] {
            if is > most {
                let detail = format!("must have at most {most} {what} in all, have {is}");
                judge.fault("services", "too_many", detail);
            }
        }
        judge.faults
    }
}

impl Service {
    fn judge(&self, judge: &mut Judge) {
        let zones = self.transit_days.len();
        if zones == 0 || zones > ZONES_MAX {
            let detail = format!("must have 1 to {ZONES_MAX} entries, has {zones}");
            judge.fault("transit_days", "list_length_out_of_range", detail);
        }
        for (at, days) in self.transit_days.iter().enumerate() {
            let field = format!("transit_days[{at}]");
            judge.in_range(&field, u64::from(*days), 0, u64::from(TRANSIT_DAYS_MAX));
        }
        if let Some(count) = self.zones.count().filter(|count| *count != zones) {
            let detail = format!("must have one entry for each of {count} zones, has {zones}");
            judge.fault("transit_days", "bad_rates", detail);
        }
        self.judge_zones(judge, zones);
        self.judge_prices(judge, zones);
        if let Some(dimensional) = self.dimensional {
            judge.in_range("dim_divisor", u64::from(dimensional.divisor), 1, u64::from(DIVISOR_MAX));
        }
        judge.in_range("max_weight_g", u64::from(self.max_weight_g), 1, 100_000_000);
        judge.some_day("pickup_days", self.pickup_days);
        judge.some_day("moving_days", self.moving_days);
        judge.some_day("delivery_days", self.delivery_days);
        judge.at_most("surcharges", self.surcharges.len(), SURCHARGES_MAX);
        let surcharges = self.surcharges.iter().map(|surcharge| &surcharge.name);
        judge.once(surcharges, |at| format!("surcharges[{at}].surcharge"));
        let pickups = self.pickups.as_deref().unwrap_or_default();
        judge.at_most("nodes", pickups.len(), PICKUPS_MAX);
        judge.once(pickups.iter().map(|pickup| &pickup.node), |at| format!("nodes[{at}].node"));
        for (at, days) in pickups.iter().enumerate().filter_map(|(at, pickup)| Some((at, pickup.days?))) {
            judge.some_day(&format!("nodes[{at}].pickup_days"), days);
        }
    }

    fn judge_zones(&self, judge: &mut Judge, zones: usize) {
        match &self.zones {
            Zones::Distance(bounds) => judge.ascending("zones.upto", bounds, 1_000),
            Zones::Charts(charts) => {
                let far = charts.iter().flat_map(|chart| chart.ranges()).map(|range| range.zone).max();
                if let Some(zone) = far.filter(|zone| usize::from(*zone) > zones) {
                    let detail = format!("names zone {zone}, but there are days on the way for {zones} zones");
                    judge.fault("zones.table", "bad_rates", detail);
                }
            }
            Zones::Table(_) | Zones::Countries(_) => {}
        }
    }

    fn judge_prices(&self, judge: &mut Judge, zones: usize) {
        match &self.rates.prices {
            Prices::Steps { base, step } => {
                judge.as_many("rates.base", base.len(), zones);
                judge.as_many("rates.step", step.len(), zones);
            }
            Prices::Table { upto, rows } => {
                judge.ascending("rates.upto", upto, UNIT_PARTS);
                let rows = rows.told();
                judge.at_most("rates.table", rows.len(), ROWS_MAX);
                if upto.len() != rows.len() {
                    let detail = format!("must have one entry for each of {} rows, has {}", rows.len(), upto.len());
                    judge.fault("rates.upto", "bad_rates", detail);
                }
                for (at, row) in rows.iter().enumerate() {
                    judge.as_many(&format!("rates.table[{at}]"), row.len(), zones);
                }
            }
        }
    }

    fn prices(&self) -> usize {
        match &self.rates.prices {
            Prices::Steps { base, step } => base.len() + step.len(),
            Prices::Table { rows, .. } => rows.told().iter().map(Vec::len).sum(),
        }
    }

    fn ranges(&self) -> usize {
        match &self.zones {
            Zones::Charts(charts) => charts.iter().map(|chart| chart.ranges().len()).sum(),
            _ => 0,
        }
    }

    fn conditions(&self) -> usize {
        let listed = |length: Option<usize>| length.unwrap_or(0);
        let of = |surcharge: &super::rates::Surcharge| {
            listed(surcharge.prefixes.as_ref().map(Vec::len)) + listed(surcharge.countries.as_ref().map(Vec::len))
        };
        self.surcharges.iter().map(of).sum()
    }
}

impl ZoneChart {
    /// All faults of a chart of a table.
    pub fn faults(&self) -> Vec<Fault> {
        let mut judge = Judge { at: String::new(), faults: Vec::new() };
        judge.at_most("ranges", self.chart.ranges().len(), RANGES_MAX);
        judge.faults
    }
}

/// A fault of a range, told at its field.
pub fn range_fault(field: String, bad: BadRange) -> Fault {
    match bad {
        BadRange::NoRange => Fault::new(field, "bad_range", "must end where it begins or after, at the same length"),
        BadRange::NoZone => Fault::new(field, "bad_range", "must name a zone from 1"),
        BadRange::Overlaps => Fault::new(field, "bad_range", "overlaps another range of the same length"),
    }
}

impl Calendar {
    /// All faults of a calendar.
    pub fn faults(&self) -> Vec<Fault> {
        let mut judge = Judge { at: String::new(), faults: Vec::new() };
        judge.some_day("working_days", self.working);
        if self.closes_min <= self.opens_min || self.closes_min > DAY_MIN {
            judge.fault("closes", "invalid_time", "must be later than `opens`");
        }
        judge.at_most("holidays", self.holidays.len(), HOLIDAYS_MAX);
        judge.faults
    }
}
