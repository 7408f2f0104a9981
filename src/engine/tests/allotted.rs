//! What a claim may take beside the units that it holds, of a sku that channels may use so many of: from any cell.

use super::channels::put;
use super::world::*;
use crate::domain::command::*;
use crate::domain::decision::Decision;
use crate::domain::geo::Position;
use crate::domain::record::Log;
use crate::domain::reply::Reply;

fn order_of(claims: Option<String>) -> PlaceOrder {
    PlaceOrder { channel: text("web"), ..World::order_of("a", &[("phone", 2)], claims) }
}

/// An order of two phones to somewhere, by a channel that may use two, of which one is held at a node; five are everywhere.
fn claimed(held: &str, (latitude, longitude): (f64, f64)) -> (Vec<String>, Decision) {
    let world = World::new();
    for node in ["east", "west", "north"] {
        world.stock("phone", node, 5).expect("room");
    }
    put(&world, "web", &[("phone", 0, Some(2))]);
    let lines = vec![ReserveLine { sku: text("phone"), quantity: quantity(1), node: Some(text(held)) }];
    let asked = Reserve { channel: Some(text("web")), ..World::reserve_of(lines, 600) };
    let Ok(Reply::Reservation(claims)) = world.run(Command::Reserve(asked)) else { panic!("there is room") };
    let mut asked = order_of(Some(claims.name()));
    asked.destinations[0].position = Position::from_degrees(latitude, longitude);
    let Ok(Reply::Order(placed)) = world.run(Command::PlaceOrder(Box::new(asked))) else { panic!("it is taken") };
    assert_eq!(world.engine.channel("web").expect("known").1, [2], "as many as it may");
    world.check();
    let decision = Decision::clone(placed.decision.as_deref().expect("decided"));
    let id = |node| world.engine.catalogue(|c| c.node(node).id.to_string());
    (decision.assignments.iter().map(|own| id(own.node)).collect(), decision)
}

/// What two phones cost where there are only so many, to somewhere.
fn cost_of(stock: &[(&str, i32)], (latitude, longitude): (f64, f64)) -> i64 {
    let world = World::new();
    for (node, units) in stock {
        world.stock("phone", node, *units).expect("room");
    }
    let mut asked = order_of(None);
    asked.destinations[0].position = Position::from_degrees(latitude, longitude);
    world.engine.quote(world.log.now(), &asked).expect("quoted").cost.amount
}

#[test]
fn what_a_claim_may_take_beside_its_own_comes_from_where_the_order_wants_it() {
    for (held, to) in [("north", (41.9, -87.6)), ("west", (34.0, -118.2)), ("east", (40.7, -74.0))] {
        let (nodes, decision) = claimed(held, to);
        assert_eq!((nodes.as_slice(), decision.optimal), ([held.to_owned()].as_slice(), true), "at its door");
        assert_eq!(decision.lower_bound, decision.cost.amount);
    }
    // It would rather take both elsewhere, which the channel may not.
    for (held, near, to) in [("west", "east", (40.7, -74.0)), ("north", "west", (34.0, -118.2))] {
        let (_, decision) = claimed(held, to);
        let best = cost_of(&[(held, 2)], to).min(cost_of(&[(held, 1), (near, 1)], to));
        assert_eq!(decision.cost.amount, best, "{held}: {decision:?}");
        assert!(decision.lower_bound <= best && (!decision.optimal || decision.lower_bound == best), "{held}");
        assert!(decision.lower_bound >= cost_of(&[(near, 2)], to), "{held}: no less than without a limit");
    }
}

#[test]
fn a_preferred_node_gives_to_who_waited_nothing_that_is_kept_for_others() {
    let world = World::new();
    put(&world, "best", &[("phone", 3, None)]);
    world.stock("phone", "west", 3).expect("room");
    let place = |id: &str| {
        let wishes = Wishes { preferred_node: Some(text("west")), ..Wishes::default() };
        let asked = PlaceOrder { wishes, ..World::order_of(id, &[("phone", 2)], None) };
        let Ok(Reply::Order(waits)) = world.run(Command::PlaceOrder(Box::new(asked))) else { panic!("it is taken") };
        assert_eq!(waits.totals().backordered, 2, "three are the best customers'");
        waits.key
    };
    let both = ["a", "b"].map(place);
    world.stock("phone", "east", 4).expect("room");
    let east = world.engine.catalogue(|catalogue| catalogue.node_index("east"));
    for key in both {
        let filled = world.engine.order_by_key(key).expect("it is there");
        let nodes: Vec<_> = filled.fulfillment_orders.iter().map(|f| f.node).collect();
        assert_eq!((filled.totals().backordered, nodes), (0, east.into_iter().collect()));
    }
    assert_eq!((world.level("phone", "west").available, world.level("phone", "east").available), (3, 0));
    world.check();
}
