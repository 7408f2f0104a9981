//! Carriers in memory and in the log: put once, replaced, there again after a restart.

use super::world::*;
use crate::domain::carrier::rates::Parcel;
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Pickup, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::geo::Position;
use crate::domain::money::Currency;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::time::WallTime;

fn put(id: &str, days: u16) -> Carrier {
    let service = Service { transit_days: vec![days; 7], ..ground() };
    Carrier { id: id.into(), name: "A carrier".into(), active: true, currency: None, services: vec![service] }
}

fn command(carrier: &Carrier) -> Command {
    Command::PutShipping(Box::new(ShippingTerms::Carrier(carrier.clone())))
}

fn asked() -> AskRates {
    AskRates {
        from: AskedFrom::Node("chi".into()),
        to: AskedTo { country: "US".into(), postal_code: "".into(), position: Position::from_degrees(40.7, -74.0) },
        freight: AskedFreight::Parcels(vec![Parcel::of(1_000, [0; 3])]),
        placed_at: Some(WallTime(1_800_000_000_000)),
        held_until: None,
    }
}

/// Carriers that answer, with the day each arrives.
fn days(world: &World) -> Vec<(String, String)> {
    let found = world.engine.rates(WallTime(0), &asked()).expect("everything is known");
    found.answers.offers.iter().map(|offer| (offer.carrier.to_string(), offer.promise.arrives.to_string())).collect()
}

#[test]
fn the_last_put_answers_also_after_a_restart() {
    let mut world = World::new();
    world.node("chi", 41.9, -87.6, true);
    world.run(command(&put("post", 2))).expect("is a carrier");
    let Reply::Shipping { created, .. } = world.run(command(&put("post", 3))).expect("is a carrier") else {
        panic!("a carrier is answered")
    };
    assert!(!created);
    world.run(command(&put("van", 1))).expect("is a carrier");
    let records = world.log.records.lock().len();
    world.run(command(&put("van", 1))).expect("is a carrier");
    assert_eq!(world.log.records.lock().len(), records, "the same again is no record");
    let answered = days(&world);
    assert_eq!(answered.iter().map(|(carrier, _)| &**carrier).collect::<Vec<_>>(), ["van", "post"]);
    world.check();
    let world = world.restart();
    assert_eq!(days(&world), answered);
}

#[test]
fn what_makes_no_sense_is_refused_and_not_kept() {
    let mut world = World::new();
    world.node("chi", 41.9, -87.6, true);
    let refused = |carrier: Carrier| match world.run(command(&carrier)) {
        Err(Rejection::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.field, fault.code)).collect::<Vec<_>>()
        }
        other => panic!("{other:?} is no refusal"),
    };
    let mut unknown = put("post", 1);
    unknown.services[0].pickups = Some(vec![Pickup { node: "nowhere".into(), cutoff_min: None, days: None }]);
    assert_eq!(refused(unknown), [("services[0].nodes[0].node".to_owned(), "unknown_node")]);
    let euro = Carrier { currency: Currency::parse("EUR"), ..put("post", 1) };
    assert_eq!(refused(euro), [("currency".to_owned(), "wrong_currency")]);
    let few = Carrier { services: vec![Service { transit_days: vec![1], ..ground() }], ..put("post", 1) };
    assert!(refused(few).iter().all(|(_, code)| *code == "bad_rates"), "the library is judged like the API");
    assert_eq!(days(&world), []);
    let elsewhere = AskRates { from: AskedFrom::Node("nowhere".into()), ..asked() };
    assert!(matches!(world.engine.rates(WallTime(0), &elsewhere), Err(Rejection::Invalid(_))));
}
