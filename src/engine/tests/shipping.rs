//! Carriers in memory and in the log: put once, replaced, there again after a restart.

use super::world::*;
use crate::domain::carrier::quote::Answers;
use crate::domain::carrier::rates::Parcel;
use crate::domain::carrier::tests::ground;
use crate::domain::carrier::{Carrier, Pickup, Service, ShippingTerms};
use crate::domain::command::*;
use crate::domain::geo::Position;
use crate::domain::hold::HoldKind;
use crate::domain::item::ItemKind;
use crate::domain::money::Currency;
use crate::domain::record::Log;
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

#[test]
fn a_quote_is_answered_shipment_by_shipment_as_the_question_of_rates_is() {
    let mut world = World::new();
    world.node("chi", 41.9, -87.6, true);
    world.node("bos", 42.4, -71.1, true);
    world.item("mug", ItemKind::Product, &[]);
    world.item("cup", ItemKind::Product, &[]);
    world.stock("mug", "chi", 5).expect("is received");
    world.stock("cup", "bos", 5).expect("is received");
    let now = world.log.now();
    let mut order = World::order_of("1", &[("mug", 2), ("cup", 1), ("mug", 1)], None);
    let quoted = |world: &World, order: &PlaceOrder| {
        let decision = world.engine.quote(now, order).expect("can be planned");
        world.engine.quote_shipping(now, order, &decision)
    };
    assert!(quoted(&world, &order).is_empty(), "there is no carrier");
    world.run(command(&put("post", 2))).expect("is a carrier");
    world.run(command(&put("van", 1))).expect("is a carrier");
    let shipments = quoted(&world, &order);
    assert_eq!(shipments.iter().map(|shipment| &*shipment.node).collect::<Vec<_>>(), ["chi", "bos"]);
    for (shipment, (sku, n)) in shipments.iter().zip([("mug", 3), ("cup", 1)]) {
        let to = &order.destinations[0];
        let asked = AskRates {
            from: AskedFrom::Node(shipment.node.clone()),
            to: AskedTo { country: "US".into(), postal_code: to.postal_code.clone(), position: to.position },
            freight: AskedFreight::Lines(vec![(text(sku), quantity(n))]),
            placed_at: Some(now.wall),
            held_until: None,
        };
        let found = world.engine.rates(now.wall, &asked).expect("everything is known");
        let bare = |answers: &Answers| {
            answers.offers.iter().map(|o| (o.carrier.clone(), o.price, o.promise)).collect::<Vec<_>>()
        };
        assert_eq!(bare(&shipment.answers), bare(&found.answers));
        assert_eq!(&*shipment.answers.offers[0].carrier, "van", "the same price, a day earlier");
    }
    let held = AskedHold {
        kind: HoldKind::Manual,
        reason: "a look".into(),
        release_at: Some(WallTime(now.wall.0 + 3 * 86_400_000)),
        release_on: None,
    };
    order.holds = vec![held];
    let later = &quoted(&world, &order)[0].answers.offers[0].promise;
    assert!(later.arrives > shipments[0].answers.offers[0].promise.arrives, "a hold is waited for");
    order.holds.clear();
    order.wishes.release_at = Some(WallTime(now.wall.0 + 9 * 86_400_000));
    let released = &quoted(&world, &order)[0].answers.offers[0].promise;
    assert!(released.arrives > later.arrives, "so is its release, where it is kept back");
    order.delivery_method = "pickup".into();
    assert!(quoted(&world, &order).is_empty(), "nothing is shipped");
}
