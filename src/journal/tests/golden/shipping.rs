//! Samples of what is put of shipping; frozen with the bytes beside it.

use jiff::civil::Weekday;

use crate::domain::carrier::carbon::Carbon;
use crate::domain::carrier::rates::{Dimensional, Prices, Rates, Surcharge, WeightUnit};
use crate::domain::carrier::zones::{Chart, Prefix, ZoneRange, Zones};
use crate::domain::carrier::{Carrier, Pickup, Service, ShippingTerms, ZoneChart};
use crate::domain::event::Event;
use crate::domain::money::Currency;
use crate::domain::promise::calendar::{Calendar, CivilDay, Weekdays};

/// A carrier with every way of telling zones and prices, a calendar, and a chart of a table.
pub fn shipping() -> [ShippingTerms; 3] {
    let prefix = |text| Prefix::parse(text).expect("is a prefix");
    let range = |first, last, zone| ZoneRange { first: prefix(first), last: prefix(last), zone };
    let chart = |from| Chart::new(from, &[range("100", "119", 2), range("60614", "60614", 1)]).expect("is a chart");
    let plain = Service {
        name: "ground".into(),
        zones: Zones::Distance(vec![241_000, 483_000]),
        transit_days: vec![1, 2, 300],
        rates: Rates {
            unit: WeightUnit::Pound,
            prices: Prices::Steps { base: vec![780, 825, 870], step: vec![38, 49, 60] },
        },
        surcharges: Vec::new(),
        max_weight_g: 31_500,
        dimensional: None,
        cutoff_min: None,
        pickup_days: Weekdays::EVERY,
        moving_days: Weekdays::EVERY,
        delivery_days: Weekdays::NONE.and(Weekday::Tuesday),
        on_holidays: false,
        countries: None,
        pickups: None,
        carbon: None,
    };
    let full = Service {
        name: "air".into(),
        zones: Zones::Charts(vec![chart(Some(prefix("606"))), chart(None)]),
        rates: Rates {
            unit: WeightUnit::Kilogram,
            prices: Prices::Table {
                upto: vec![2_500, 10_000],
                rows: vec![vec![Some(500), None, Some(70_000)]; 2].into(),
            },
        },
        surcharges: vec![Surcharge {
            name: "fuel".into(),
            amount: 300,
            share: 1_250,
            above_g: Some(10_000),
            above_mm: Some(1_200),
            prefixes: Some(vec![prefix("99")]),
            countries: Some(vec!["US".into()]),
        }],
        dimensional: Some(Dimensional { divisor: 166, above_cm3: Some(28_317) }),
        cutoff_min: Some(1_020),
        on_holidays: true,
        countries: Some(vec!["US".into()]),
        pickups: Some(vec![Pickup { node: "chi".into(), cutoff_min: Some(960), days: Some(Weekdays::EVERY) }]),
        ..plain.clone()
    };
    let by_table = Service { name: "table".into(), zones: Zones::Table("usps".into()), ..plain.clone() };
    let countries = Zones::Countries(vec![vec!["DE".into()], vec![]]);
    let by_country = Service { name: "country".into(), zones: countries, ..plain.clone() };
    let services = vec![plain, full, by_table, by_country];
    let (id, name, currency) = ("post".into(), "The post".into(), Some(Currency::USD));
    let calendar = Calendar {
        id: "US".into(),
        working: Weekdays::EVERY,
        opens_min: 540,
        closes_min: 1_020,
        lead_days: 1,
        lead_min: 300,
        holidays: vec![CivilDay(-1), CivilDay(20_454)],
    };
    let from = prefix("606");
    [
        ShippingTerms::Carrier(Carrier { id, name, active: true, currency, services }),
        ShippingTerms::Calendar(calendar),
        ShippingTerms::ZoneChart(ZoneChart { table: "usps".into(), from, chart: chart(Some(from)) }),
    ]
}

/// A carrier that shows where its parcels are.
pub fn traced() -> Event {
    let (id, name) = ("air".into(), "The air".into());
    let carrier = Carrier { id, name, active: false, currency: None, services: Vec::new() };
    Event::ShippingPut(Box::new(ShippingTerms::Traced(carrier, "https://post.example/{tracking_number}".into())))
}

/// A carrier of which one service says what its parcels make, then the same that shows where they are.
pub fn clean() -> [Event; 2] {
    let [ShippingTerms::Carrier(carrier), ..] = shipping() else { unreachable!("a carrier comes first") };
    let plain = carrier.services[0].clone();
    let carbon = Some(Carbon { parcel_g: 300, micro_g_per_parcel_km: 70_000, micro_g_per_kg_km: 1 });
    let services = vec![Service { carbon, ..plain.clone() }, Service { name: "air".into(), ..plain }];
    let carrier = Carrier { id: "bike".into(), name: "Bikes".into(), services, ..carrier };
    let template = "https://bike.example/{tracking_number}".into();
    let told = [ShippingTerms::Carrier(carrier.clone()), ShippingTerms::Traced(carrier, template)];
    told.map(|terms| Event::ShippingPut(Box::new(terms)))
}
