//! Questions to a handful of carriers: who answers, at which price and with which date, and who says why not.

use jiff::civil::{Weekday, date};
use jiff::tz::TimeZone;

use super::faults::range_fault;
use super::parcels::{Freight, Units};
use super::quote::{Answers, Here, Question, There, WhyNot};
use super::rates::{Parcel, Prices, WeightUnit};
use super::zones::{BadRange, ZoneRange};
use super::*;
use crate::domain::geo::Position;
use crate::domain::promise::calendar::DAY_MIN;
use crate::domain::promise::{NoDay, Origin};

/// Ground of the generator: zones by distance, a base and a step for every pound.
pub(crate) fn ground() -> Service {
    let zones = 0..7i64;
    Service {
        name: "ground".into(),
        zones: Zones::Distance(vec![241_000, 483_000, 966_000, 1_609_000, 2_253_000, 2_897_000]),
        transit_days: vec![1, 2, 3, 4, 4, 5, 5],
        rates: Rates {
            unit: WeightUnit::Pound,
            prices: Prices::Steps {
                base: zones.clone().map(|zone| 780 + 45 * zone).collect(),
                step: zones.map(|zone| 38 + 11 * zone).collect(),
            },
        },
        surcharges: Vec::new(),
        max_weight_g: 30_000,
        dimensional: None,
        cutoff_min: None,
        pickup_days: Weekdays::EVERY,
        moving_days: Weekdays::EVERY,
        delivery_days: Weekdays::EVERY,
        on_holidays: false,
        countries: None,
        pickups: None,
        carbon: None,
    }
}

fn carrier(id: &str, services: Vec<Service>) -> Carrier {
    Carrier { id: id.into(), name: "A carrier".into(), active: true, currency: None, services }
}

fn shipping(services: Vec<Service>) -> Shipping {
    let mut shipping = Shipping::default();
    shipping.put(ShippingTerms::Carrier(carrier("post", services)));
    shipping
}

fn named(name: &str, change: impl FnOnce(&mut Service)) -> Service {
    let mut service = Service { name: name.into(), ..ground() };
    change(&mut service);
    service
}

fn prefix(text: &str) -> Prefix {
    Prefix::parse(text).expect("is a prefix")
}

fn ask(shipping: &Shipping, freight: &Freight, to: There<'_>) -> Answers {
    let zone = TimeZone::get("America/Chicago").expect("is a zone");
    let from = Here {
        node: Some("chi"),
        country: Some("US"),
        code: Some(prefix("60602")),
        position: Position::from_degrees(41.88, -87.63),
        origin: Origin { zone, cutoff_min: Some(15 * 60), calendar: None },
    };
    let ordered = "2026-11-16T16:00Z".parse().expect("is an instant");
    shipping.answers(&Question { from, to, freight, ordered, held_until: None })
}

fn new_york() -> There<'static> {
    There { country: "US", code: Some(prefix("10001")), position: Position::from_degrees(40.7128, -74.0060) }
}

fn one(weight_g: u64) -> Freight {
    Freight::Parcels(vec![Parcel { weight_g, ..Parcel::default() }])
}

fn why(service: Service, freight: &Freight, to: There<'_>) -> WhyNot {
    let answers = ask(&shipping(vec![service]), freight, to);
    assert_eq!((answers.offers.len(), answers.without.len()), (0, 1));
    answers.without[0].2
}

#[test]
fn a_service_answers_with_zone_price_and_date() {
    // 1,145 km: the fourth zone; 1,000 g are three pounds begun.
    let answers = ask(&shipping(vec![ground()]), &one(1_000), new_york());
    let [offer] = &answers.offers[..] else { panic!("one offer: {answers:?}") };
    assert_eq!((offer.zone, offer.metres.map(|metres| metres / 1_000)), (4, Some(1_144)));
    assert_eq!(offer.price, 780 + 45 * 3 + 3 * (38 + 11 * 3));
    assert_eq!(offer.promise.arrives, date(2026, 11, 20));
}

#[test]
fn the_cheapest_comes_first_then_the_earliest() {
    let fast = named("fast", |service| service.transit_days = vec![1; 7]);
    let dear = named("dear", |service| {
        service.rates.prices = Prices::Steps { base: vec![9_000; 7], step: vec![0; 7] };
        service.transit_days = vec![0; 7];
    });
    let answers = ask(&shipping(vec![dear, ground(), fast]), &one(1_000), new_york());
    let names: Vec<_> = answers.offers.iter().map(|offer| &*offer.service).collect();
    assert_eq!(names, ["fast", "ground", "dear"]);
}

#[test]
fn a_service_says_why_it_does_not() {
    let plain = one(1_000);
    let nowhere = There { position: None, ..new_york() };
    assert_eq!(why(ground(), &plain, nowhere), WhyNot::NoPosition);
    assert_eq!(why(ground(), &one(30_001), new_york()), WhyNot::TooHeavy { weight_g: 30_001, max_weight_g: 30_000 });
    let elsewhere = named("g", |service| service.countries = Some(vec!["CA".into()]));
    assert_eq!(why(elsewhere, &plain, new_york()), WhyNot::CountryNotServed);
    let other_node = Pickup { node: "nyc".into(), cutoff_min: None, days: None };
    let narrowed = named("g", |service| service.pickups = Some(vec![other_node]));
    assert_eq!(why(narrowed, &plain, new_york()), WhyNot::NodeNotServed);
    let by_table = named("g", |service| service.zones = Zones::Table("usps".into()));
    assert_eq!(why(by_table.clone(), &plain, new_york()), WhyNot::NoZone);
    assert_eq!(why(by_table, &plain, There { code: None, ..new_york() }), WhyNot::NoPostalCode);
    let short = named("g", |service| {
        service.rates.prices = Prices::Table { upto: vec![10_000], rows: vec![vec![Some(1); 7]].into() };
    });
    assert_eq!(why(short, &plain, new_york()), WhyNot::NoRate { zone: 4 });
    let never = named("g", |service| service.delivery_days = Weekdays::NONE);
    assert_eq!(why(never, &plain, new_york()), WhyNot::NoDay(NoDay::ToDeliver));
    let mut off = Shipping::default();
    off.put(ShippingTerms::Carrier(Carrier { active: false, ..carrier("post", vec![ground()]) }));
    assert_eq!(ask(&off, &plain, new_york()).without[0].2, WhyNot::Inactive);
}

#[test]
fn a_table_of_zones_is_asked_by_both_ends() {
    let mut shipping = shipping(vec![named("g", |service| service.zones = Zones::Table("usps".into()))]);
    let range = ZoneRange { first: prefix("100"), last: prefix("119"), zone: 5 };
    let chart = Chart::new(Some(prefix("606")), &[range]).expect("is a chart");
    let put = |chart: Chart| ShippingTerms::ZoneChart(ZoneChart { table: "usps".into(), from: prefix("606"), chart });
    shipping.put(put(chart.clone()));
    let answers = ask(&shipping, &one(100), new_york());
    assert_eq!(answers.offers[0].zone, 5);
    let terms = put(chart);
    assert_eq!(shipping.terms(&terms.key()), Some(terms));
    let far = ZoneRange { zone: 9, ..range };
    shipping.put(put(Chart::new(Some(prefix("606")), &[far]).expect("is a chart")));
    assert_eq!(ask(&shipping, &one(100), new_york()).without[0].2, WhyNot::NoRate { zone: 9 });
}

#[test]
fn a_narrowed_service_comes_to_a_node_at_its_own_time() {
    let at_nine = Pickup { node: "chi".into(), cutoff_min: Some(9 * 60), days: None };
    let services = vec![
        named("at nine", |service| service.pickups = Some(vec![at_nine])),
        named("tuesdays", |service| {
            let days = Some(Weekdays::NONE.and(Weekday::Tuesday));
            service.pickups = Some(vec![Pickup { node: "chi".into(), cutoff_min: None, days }]);
        }),
    ];
    let answers = ask(&shipping(services), &one(100), new_york());
    let days: Vec<_> =
        answers.offers.iter().map(|offer| (&*offer.service, offer.promise.picked_up.to_string())).collect();
    let wanted = [("tuesdays", "2026-11-17T06:00:00Z"), ("at nine", "2026-11-17T15:00:00Z")];
    assert_eq!(days, wanted.map(|(name, at)| (name, at.to_owned())), "ordered at ten on a Monday");
}

#[test]
fn public_holidays_of_both_ends_count_unless_a_service_works_on_them() {
    let mut shipping = shipping(vec![ground(), named("tireless", |service| service.on_holidays = true)]);
    let holiday = |country: &str, day| {
        ShippingTerms::Calendar(Calendar {
            id: country.into(),
            working: Weekdays::EVERY,
            opens_min: 0,
            closes_min: DAY_MIN,
            lead_days: 0,
            lead_min: 0,
            holidays: vec![day],
        })
    };
    shipping.put(holiday("US", date(2026, 11, 16).into()));
    shipping.put(holiday("CA", date(2026, 11, 21).into()));
    let to = There { country: "CA", ..new_york() };
    let answers = ask(&shipping, &one(100), to);
    let days: Vec<_> = answers.offers.iter().map(|offer| (&*offer.service, offer.promise.arrives)).collect();
    assert_eq!(days, [("tireless", date(2026, 11, 20)), ("ground", date(2026, 11, 22))]);
}

#[test]
fn the_price_never_falls_when_weight_rises() {
    let table = named("table", |service| {
        let upto = vec![2_500, 5_000, 10_000, 20_000, 700_000];
        let rows = (1..=5).map(|row| (0..7).map(|zone| Some(row * 300 + zone * 40)).collect());
        let rows = rows.collect::<Vec<Vec<_>>>().into();
        service.rates.prices = Prices::Table { upto, rows };
        service.dimensional = Some(Dimensional { divisor: 166, above_cm3: Some(28_317) });
    });
    let shipping = shipping(vec![ground(), table]);
    let mut before: BTreeMap<Text, i64> = BTreeMap::new();
    for weight_g in (0..30_000).step_by(37) {
        let units = Units { unit: Parcel { weight_g, volume_mm3: 1_000_000, longest_mm: 100 }, quantity: 3 };
        for offer in ask(&shipping, &Freight::Units(vec![units]), new_york()).offers {
            let dearer = before.insert(offer.service.clone(), offer.price).is_none_or(|price| price <= offer.price);
            assert!(dearer, "{} g: {offer:?}", weight_g);
        }
    }
}

#[test]
fn units_are_packed_into_parcels_that_have_a_price() {
    let table = named("table", |service| {
        let rows = [Some(400), None, Some(700)].map(|price| vec![price; 7]).to_vec().into();
        service.rates =
            Rates { unit: WeightUnit::Kilogram, prices: Prices::Table { upto: vec![10_000, 20_000, 50_000], rows } };
        service.dimensional = None;
        service.surcharges = Vec::new();
    });
    let shipping = shipping(vec![table]);
    let of = |units: &[(u64, u32)]| {
        let body = |weight_g| Parcel { weight_g, volume_mm3: 1_000, longest_mm: 10 };
        let units = units.iter().map(|(weight_g, quantity)| Units { unit: body(*weight_g), quantity: *quantity });
        let answers = ask(&shipping, &Freight::Units(units.collect()), new_york());
        answers.offers.first().map(|offer| (offer.parcels.iter().map(|p| p.packed.count).sum::<u32>(), offer.price))
    };
    assert_eq!(of(&[(1_000, 1)]), Some((1, 400)));
    assert_eq!(of(&[(1_000, 2)]), Some((2, 800)), "two kilograms are not carried together");
    assert_eq!(of(&[(1_000, 3)]), Some((1, 700)));
    assert_eq!(of(&[(5_000, 1), (1_000, 2)]), Some((3, 1_500)), "each by itself");
    assert_eq!(of(&[(1_500, 1)]), None);
}

#[test]
fn faults_are_told_by_field() {
    let mut bad = ground();
    bad.transit_days = vec![1, 999];
    bad.zones = Zones::Distance(vec![5_000, 5_000]);
    bad.max_weight_g = 0;
    bad.pickup_days = Weekdays::NONE;
    let faults = carrier("post", vec![ground(), bad]).faults();
    let fields: Vec<_> = faults.iter().map(|fault| (&*fault.field, fault.code)).collect();
    let wanted = [
        ("services[1].service", "duplicate_name"),
        ("services[1].transit_days[1]", "number_out_of_range"),
        ("services[1].transit_days", "bad_rates"),
        ("services[1].zones.upto[1]", "not_ascending"),
        ("services[1].rates.base", "bad_rates"),
        ("services[1].rates.step", "bad_rates"),
        ("services[1].max_weight_g", "number_out_of_range"),
        ("services[1].pickup_days", "list_length_out_of_range"),
    ];
    assert_eq!(fields, wanted);
    assert_eq!(carrier("post", vec![ground()]).faults(), []);
    assert_eq!(range_fault("a".into(), BadRange::Overlaps).code, "bad_range");
}

#[test]
fn a_carrier_shows_where_a_parcel_is_under_an_address_of_its_own() {
    let mut shipping = Shipping::default();
    let template = "https://post.example/?n={tracking_number}&again={tracking_number}";
    shipping.put(ShippingTerms::Traced(carrier("post", vec![ground()]), template.into()));
    let shown = |shipping: &Shipping, number: &str| shipping.tracking_url("post", number);
    assert_eq!(shown(&shipping, "1Z-9").as_deref(), Some("https://post.example/?n=1Z-9&again=1Z-9"));
    let odd = shown(&shipping, "a b&c=\u{fc}/{tracking_number}").expect("it shows where parcels are");
    assert!(odd.starts_with("https://post.example/?n=a%20b%26c%3D%C3%BC%2F%7Btracking_number%7D&again="), "{odd}");
    assert_eq!(shipping.tracking_url("air", "1"), None);
    let terms = shipping.carrier_terms("post").expect("it was put");
    let mut other = Shipping::default();
    other.put(terms);
    assert_eq!(other, shipping, "what is put is all there is of it");
    shipping.put(ShippingTerms::Carrier(carrier("post", vec![ground()])));
    assert_eq!(shown(&shipping, "1Z"), None, "another was put in its place, without one");
}
