//! When carriers come to a node next: what is to leave with them must be picked before.

use jiff::Timestamp;

use super::quote::Here;
use super::{Service, Shipping};
use crate::domain::ids::Text;
use crate::domain::promise::Timetable;

/// A service that comes at a time.
#[derive(Clone, Copy, Debug)]
pub struct NextPickup<'a> {
    /// Whose service.
    pub carrier: &'a Text,
    /// Its name.
    pub service: &'a Text,
    /// When.
    pub at: Timestamp,
    /// Countries it delivers to; all when `None`.
    pub countries: Option<&'a [Text]>,
}

impl NextPickup<'_> {
    /// Whether it takes what goes to a country.
    pub fn delivers_to(&self, country: &str) -> bool {
        self.countries.is_none_or(|countries| countries.iter().any(|one| **one == *country))
    }
}

impl Shipping {
    /// When each service that has a time at that node comes next, at `now` or later.
    pub fn next_pickups<'a>(&'a self, here: &Here<'a>, now: Timestamp) -> Vec<NextPickup<'a>> {
        let active = self.carriers().filter(|carrier| carrier.active);
        let services = active.flat_map(|carrier| carrier.services.iter().map(move |service| (&carrier.id, service)));
        let next = |(carrier, service): (&'a Text, &'a Service)| {
            let pickup = match &service.pickups {
                None => None,
                Some(pickups) => Some(pickups.iter().find(|pickup| Some(&*pickup.node) == here.node)?),
            };
            let timetable = Timetable {
                pickup_days: pickup.and_then(|pickup| pickup.days).unwrap_or(service.pickup_days),
                cutoff_min: Some(pickup.and_then(|pickup| pickup.cutoff_min).or(service.cutoff_min)?),
                transit_days: 0,
                moving_days: service.moving_days,
                delivery_days: service.delivery_days,
                holidays_here: here.country.filter(|_| !service.on_holidays).and_then(|c| self.calendar(c)),
                holidays_there: None,
            };
            let (_, at) = timetable.pick_up(&here.origin, now).ok()?;
            Some(NextPickup { carrier, service: &service.name, at, countries: service.countries.as_deref() })
        };
        services.filter_map(next).collect()
    }
}
