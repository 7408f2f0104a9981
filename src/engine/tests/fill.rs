//! Who waits is served in the order that was decided, pegs follow it, and a change of mind takes effect at once.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::order::Order;
use crate::domain::policy::FillPolicy;
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::time::WallTime;

/// Orders that wait for phones: units, price of one, priority, hours since it was placed.
const WAITING: [(u32, i64, u8, i64); 3] = [(2, 100, 0, 1), (2, 300, 5, 2), (2, 200, 9, 9)];

fn waiting(world: &World) -> Vec<Order> {
    let place = |(at, (units, unit_price, priority, hours)): (usize, (u32, i64, u8, i64))| {
        let mut order = World::order_of(&format!("w-{at}"), &[("phone", units)], None);
        order.lines[0].unit_price = unit_price;
        (order.wishes.priority, order.placed_at) =
            (priority, Some(WallTime(world.log.now().wall.0 - hours * 3_600_000)));
        match world.run(Command::PlaceOrder(Box::new(order))) {
            Ok(Reply::Order(order)) => (*order).clone(),
            other => panic!("{other:?}"),
        }
    };
    WAITING.into_iter().enumerate().map(place).collect()
}

fn decide(world: &World, policy: FillPolicy) {
    world.run(Command::PutPolicy(PutPolicy::Fill(policy))).expect("there are such policies");
}

fn served(world: &World, orders: &[Order]) -> Vec<u32> {
    let now = |order: &Order| world.engine.order(&order.name()).expect("known").totals().allocated;
    orders.iter().map(now).collect()
}

#[test]
fn case_42_each_policy_serves_in_its_own_order_and_pegs_say_the_same() {
    let cases = [
        (FillPolicy::FirstCome, [0, 1, 2]),
        (FillPolicy::Priority, [2, 1, 0]),
        (FillPolicy::Value, [1, 2, 0]),
        (FillPolicy::PromiseDate, [2, 1, 0]),
    ];
    for ((policy, order), late, restarts) in cases
        .into_iter()
        .flat_map(|case| [(case, false, false), (case, true, false), (case, false, true), (case, true, true)])
    {
        let world = World::new();
        if !late {
            decide(&world, policy);
        }
        let orders = waiting(&world);
        if late {
            decide(&world, policy);
        }
        let world = if restarts { world.restart() } else { world };
        let announced = AnnounceInbound {
            id: Some(text("po-1")),
            fingerprint: 0,
            node: text("east"),
            supplier: None,
            eta: WallTime(world.log.now().wall.0 + 60_000),
            lines: vec![SkuUnits { sku: text("phone"), quantity: quantity(6) }],
        };
        world.run(Command::AnnounceInbound(announced)).expect("good");
        let (_, pegs) = world.engine.pegs_of_inbound("po-1").expect("known");
        let pegged: Vec<_> = pegs.iter().map(|peg| peg.order).collect();
        let expected: Vec<_> = order.iter().map(|at| orders[*at].key).collect();
        assert_eq!(pegged, expected, "{policy:?}");
        let mut all = [0; 3];
        for at in order {
            world.stock("phone", "east", 2).expect("room");
            all[at] = 2;
            assert_eq!(served(&world, &orders), all, "{policy:?} late {late} restarts {restarts}");
        }
    }
}

#[test]
fn a_fair_share_is_in_proportion_to_what_is_waited_for() {
    for restarts in [false, true] {
        let mut world = World::new();
        decide(&world, FillPolicy::FairShare);
        let orders: Vec<Order> =
            [6, 3, 3].into_iter().map(|units| world.order(&[("phone", units)], None).expect("waits")).collect();
        let world = if restarts { world.restart() } else { world };
        world.stock("phone", "east", 4).expect("room");
        assert_eq!(served(&world, &orders), [2, 1, 1]);
        let world = if restarts { world.restart() } else { world };
        world.stock("phone", "west", 4).expect("room");
        assert_eq!(served(&world, &orders), [4, 2, 2]);
        world.stock("phone", "east", 5).expect("room");
        assert_eq!((served(&world, &orders), world.atp("phone")), (vec![6, 3, 3], 1));
    }
}

#[test]
fn a_newcomer_takes_the_place_its_rank_gives_it_and_a_cancelled_one_leaves_it() {
    let world = World::new();
    decide(&world, FillPolicy::Priority);
    let orders = waiting(&world);
    world.cancel(&orders[2], None).expect("it waits");
    let mut urgent = World::order_of("u", &[("phone", 1)], None);
    urgent.wishes.priority = 9;
    let Ok(Reply::Order(urgent)) = world.run(Command::PlaceOrder(Box::new(urgent))) else { panic!("placed") };
    world.stock("phone", "east", 2).expect("room");
    let all = [orders, vec![(*urgent).clone()]].concat();
    assert_eq!(served(&world, &all), [0, 1, 0, 1]);
}

#[test]
fn who_cancels_or_changes_a_line_waits_where_a_restart_would_put_it() {
    for (policy, restarts) in
        [FillPolicy::FairShare, FillPolicy::Value].into_iter().flat_map(|p| [(p, false), (p, true)])
    {
        let mut world = World::new();
        decide(&world, policy);
        let orders: Vec<Order> = (0..3).map(|_| world.order(&[("phone", 4)], None).expect("waits")).collect();
        let shares = policy == FillPolicy::FairShare;
        if shares {
            world.stock("phone", "east", 3).expect("room");
        }
        // Of the first, half is called off: by share it has had the most, by value nothing changes.
        world.cancel(&orders[0], Some(&[("1", 2)])).expect("it waits");
        let world = if restarts { world.restart() } else { world };
        world.stock("phone", "east", 1).expect("room");
        let expected = if shares { [1, 2, 1] } else { [1, 0, 0] };
        assert_eq!(served(&world, &orders), expected, "{policy:?} restarts {restarts}");
    }
}

#[test]
fn a_fair_share_does_not_count_what_was_cancelled_as_had() {
    for restarts in [false, true] {
        let mut world = World::new();
        decide(&world, FillPolicy::FairShare);
        let orders: Vec<Order> = (0..2).map(|_| world.order(&[("phone", 4)], None).expect("waits")).collect();
        world.cancel(&orders[0], Some(&[("1", 2)])).expect("it waits");
        let world = if restarts { world.restart() } else { world };
        world.stock("phone", "east", 1).expect("room");
        assert_eq!(served(&world, &orders), [1, 0], "neither had anything, and the first came first");
        world.stock("phone", "east", 1).expect("room");
        assert_eq!(served(&world, &orders), [1, 1], "half of what it asks for is more than nothing");
    }
}

#[test]
fn who_waits_without_a_right_is_tried_by_the_policy_too() {
    for restarts in [false, true] {
        let world = World::new();
        decide(&world, FillPolicy::Priority);
        let place = |(at, priority): (usize, u8)| {
            let wishes = Wishes { priority, ..Wishes::default() };
            let order = PlaceOrder { wishes, ..World::order_of(&format!("k{at}"), &[("bundle", 1)], None) };
            match world.run(Command::PlaceOrder(Box::new(order))) {
                Ok(Reply::Order(order)) => (*order).clone(),
                other => panic!("{other:?}"),
            }
        };
        let orders: Vec<Order> = [0, 9, 5].into_iter().enumerate().map(place).collect();
        let world = if restarts { world.restart() } else { world };
        world.stock("case", "east", 6).expect("room");
        for expected in [[0, 1, 0], [0, 1, 1], [1, 1, 1]] {
            world.stock("phone", "east", 1).expect("room");
            assert_eq!(served(&world, &orders), expected, "kits, restarts {restarts}");
        }
    }
}
