//! What is kept of each destination of an order, and who lost for it.

use super::world::*;
use crate::domain::command::*;
use crate::domain::decision::Decision;
use crate::domain::geo::Position;
use crate::domain::limits::EVIDENCE_GROUPS_MAX;
use crate::domain::order::Order;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term};

/// A phone for each place, the first for the order's own.
fn order_to(places: &[(f64, f64)]) -> PlaceOrder {
    let lines: Vec<(&str, u32)> = places.iter().map(|_| ("phone", 1)).collect();
    let order = World::order_of("c", &lines, None);
    let own = order.destinations[0].clone();
    let mut lines = order.lines.clone();
    lines.iter_mut().zip(0..).for_each(|(line, group)| line.group = group);
    let to = |(at, (latitude, longitude)): (usize, &(f64, f64))| ShipTo {
        group: if at == 0 { text("") } else { text(&format!("to-{at}")) },
        position: Position::from_degrees(*latitude, *longitude),
        ..own.clone()
    };
    PlaceOrder { lines, destinations: places.iter().enumerate().map(to).collect(), id: Some(text("a")), ..order }
}

const EAST: (f64, f64) = (40.0, -75.0);
const WEST: (f64, f64) = (34.0, -118.0);

fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))).expect("taken") {
        Reply::Order(order) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

/// The group of a destination, who ships there, and who lost and by how much.
type Told = (u16, Vec<String>, Vec<(String, Option<i64>)>);

fn told(world: &World, order: &Order) -> Vec<Told> {
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    let of = |(group, part): (u16, Decision)| {
        let losing = world.engine.catalogue(|c| part.losing(c));
        let losers = part.losers(&losing).into_iter().map(|loser| (id(loser.node), loser.costlier_by())).collect();
        (group, part.assignments.iter().map(|assignment| id(assignment.node)).collect(), losers)
    };
    let decision = order.decision.as_deref().expect("it was decided");
    decision.by_group(|line| order.lines[usize::from(line)].placed.group).into_iter().map(of).collect()
}

fn stocked() -> World {
    let world = World::new();
    for node in ["east", "west"] {
        world.stock("phone", node, 100).expect("received");
    }
    world
}

#[test]
fn every_destination_has_evidence_of_its_own_and_knows_who_lost_for_it() {
    let weighed = RuleTerms {
        objective: vec![Term::PerShipment { amount: 500 }, Term::Distance { micro_per_km: 200_000_000 }],
        fences: vec![Fence::LineComplete],
        ..RuleTerms::default()
    };
    for terms in [None, Some(weighed)] {
        let world = stocked();
        let rules = terms.map(|terms| {
            let name = text("full");
            world.run(Command::PutRules(PutRules { name: name.clone(), terms: terms.into() })).expect("put");
            let activate = ActivateRules { name: name.clone(), version: 1, at: None };
            world.run(Command::ActivateRules(activate)).expect("carried");
            name
        });
        let order = place(&world, PlaceOrder { rule_set: rules, ..order_to(&[EAST, WEST]) });
        let told_first = told(&world, &order);
        let [(0, first, lost_first), (1, second, lost_second)] = &told_first[..] else { panic!("{told_first:?}") };
        assert_eq!((&first[..], &second[..]), (&["east".to_owned()][..], &["west".to_owned()][..]));
        let costlier = |lost: &[(String, Option<i64>)], node: &str| {
            lost.iter().any(|(id, by)| id == node && by.is_some_and(|by| by > 0))
        };
        assert!(costlier(lost_first, "west") && costlier(lost_second, "east"), "{told_first:?}");
        assert!(lost_first.iter().all(|(id, _)| id != "east"), "who ships there did not lose");
        let world = world.restart();
        assert_eq!(told(&world, &world.engine.order("a").expect("there")), told_first, "a start knows the same");
    }
}

#[test]
fn who_ships_all_of_a_destination_by_preference_is_told_beside_the_others() {
    let world = stocked();
    let order = order_to(&[WEST, EAST]);
    let wishes = Wishes { preferred_node: Some(text("east")), ..order.wishes.clone() };
    let order = place(&world, PlaceOrder { wishes, ..order });
    let told = told(&world, &order);
    let of: Vec<(u16, &[String])> = told.iter().map(|(group, ships, _)| (*group, &ships[..])).collect();
    assert_eq!(of, [(0, &["east".to_owned()][..]), (1, &["east".to_owned()][..])]);
    assert!(told.iter().all(|(.., lost)| lost.iter().any(|(id, _)| id == "west")), "{told:?}");
}

#[test]
fn one_destination_is_kept_as_ever_and_many_as_far_as_a_record_has_room() {
    let world = stocked();
    let order = place(&world, order_to(&[EAST]));
    assert!(order.decision.as_deref().is_some_and(|decision| !decision.is_of_several()));
    assert!(told(&world, &order).is_empty());
    let world = stocked();
    let order = place(&world, order_to(&[WEST; 70]));
    assert_eq!(told(&world, &order).len(), EVIDENCE_GROUPS_MAX);
    let seen = &order.decision.as_deref().expect("decided").evidence;
    assert!(!seen.truncated && seen.others.as_ref().is_some_and(|others| others.own == 0));
}
