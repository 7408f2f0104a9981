//! Networks: what can be promised at the nodes of one, now and by a date.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::limits::NETWORKS_MAX;
use crate::domain::record::Log;
use crate::domain::rejection::Rejection;
use crate::domain::time::WallTime;
use crate::engine::AtpAsked;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn put(world: &World, name: &str, nodes: &[&str]) -> Result<(), Rejection> {
    let nodes = nodes.iter().map(|node| text(node)).collect();
    world.run(Command::PutPolicy(PutPolicy::Network { name: text(name), nodes })).map(drop)
}

fn asked(world: &World, sku: &str, network: &str, days: Option<i64>) -> Result<u64, Rejection> {
    let by = days.map(|days| WallTime(world.log.now().wall.0 + days * DAY_MS));
    let asked = AtpAsked { network: Some(network), by, ..AtpAsked::default() };
    world.engine.atp_for(world.log.now().journal, sku, asked).map(|atp| atp.available)
}

#[test]
fn a_network_promises_what_its_nodes_have_and_get() {
    for restarts in [false, true] {
        let world = World::new();
        for (sku, node, units) in
            [("phone", "east", 2), ("phone", "west", 3), ("phone", "north", 5), ("case", "north", 4)]
        {
            world.stock(sku, node, units).expect("room");
        }
        let announced = AnnounceInbound {
            id: None,
            fingerprint: 0,
            node: text("west"),
            supplier: None,
            eta: WallTime(world.log.now().wall.0 + DAY_MS),
            lines: vec![SkuUnits { sku: text("phone"), quantity: quantity(4) }],
        };
        world.run(Command::AnnounceInbound(announced)).expect("good");
        put(&world, "coast", &["west", "east", "west"]).expect("they are there");
        put(&world, "inland", &["north"]).expect("it is there");
        let world = if restarts { world.restart() } else { world };
        let atp = |sku, network, days| asked(&world, sku, network, days).expect("known");
        assert_eq!((atp("phone", "coast", None), atp("phone", "inland", None)), (5, 5));
        assert_eq!((atp("phone", "coast", Some(1)), atp("phone", "inland", Some(1))), (9, 5));
        assert_eq!((atp("bundle", "coast", None), atp("bundle", "inland", None)), (0, 2));
        put(&world, "coast", &["east"]).expect("it is there");
        assert_eq!((atp("phone", "coast", Some(1)), world.atp("phone")), (2, 10));
        let both = AtpAsked { network: Some("coast"), node: Some("west"), ..AtpAsked::default() };
        assert_eq!(world.engine.atp_for(world.log.now().journal, "phone", both).expect("known").available, 0);
    }
}

#[test]
fn a_network_that_cannot_be_is_refused_and_changes_nothing() {
    let world = World::new();
    let codes = |refused: Rejection| match refused {
        Rejection::Invalid(faults) => faults.iter().map(|fault| (fault.field.clone(), fault.code)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let refused = put(&world, "coast", &["east", "nowhere", "never"]).expect_err("two are not there");
    assert_eq!(codes(refused), [("nodes[1]".to_owned(), "unknown_node"), ("nodes[2]".to_owned(), "unknown_node")]);
    let unknown = asked(&world, "phone", "coast", None).expect_err("it was refused");
    assert_eq!(codes(unknown), [("network".to_owned(), "unknown_network")]);
    for n in 0..NETWORKS_MAX {
        put(&world, &format!("n{n}"), &["east"]).expect("below the bound");
    }
    assert_eq!(codes(put(&world, "more", &["east"]).expect_err("one too many"))[0].1, "too_many");
    put(&world, "n0", &["west"]).expect("it is there already");
}
