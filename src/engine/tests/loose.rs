//! Who may not have units of any node waits in one order with all others: served in it, pegged in it, counted in what can be
//! promised by a date. Compared with a plain simulation, unit by unit.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::random::Dice;
use super::world::{World, quantity, text};
use crate::domain::channel::PaymentBefore;
use crate::domain::command::*;
use crate::domain::order::Order;
use crate::domain::policy::FillPolicy;
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Scope, Term};
use crate::domain::time::WallTime;

const NODES: [&str; 3] = ["east", "west", "north"];
const HOUR_MS: i64 = 3_600_000;

fn place(world: &World, order: PlaceOrder) -> Order {
    match world.run(Command::PlaceOrder(Box::new(order))) {
        Ok(Reply::Order(order)) => (*order).clone(),
        other => panic!("{other:?}"),
    }
}

fn now_of(world: &World, order: &Order) -> Order {
    world.engine.order(&order.name()).expect("known").as_ref().clone()
}

fn served(world: &World, orders: &[&Order]) -> Vec<u32> {
    orders.iter().map(|order| now_of(world, order).totals().allocated).collect()
}

fn channel(world: &World, id: &str, nodes: &[&str]) {
    let put = PutChannel {
        id: text(id),
        name: text(id),
        nodes: Some(nodes.iter().map(|node| text(node)).collect()),
        customers: Vec::new(),
        limits: Vec::new(),
        payment_before: PaymentBefore::default(),
        payment_methods: Vec::new(),
    };
    world.run(Command::PutChannel(Box::new(put))).expect("a good channel");
}

fn announce(world: &World, id: &str, node: &str, sku: &str, units: u32, hours: i64) {
    let announced = AnnounceInbound {
        id: Some(text(id)),
        fingerprint: 0,
        node: text(node),
        supplier: None,
        eta: WallTime(world.log.now().wall.0 + hours * HOUR_MS),
        lines: vec![SkuUnits { sku: text(sku), quantity: quantity(units) }],
    };
    world.run(Command::AnnounceInbound(announced)).expect("good");
}

/// An order that east refused: what is there is gone, and it waits for units of another node.
fn refused(world: &mut World, units: u32) -> Order {
    world.stock("phone", "east", units as i32).expect("room");
    let order = world.order(&[("phone", units)], None).expect("enough");
    world.fulfill(&order, 1, FulfillmentAction::Reject { reason: text("too_busy") }).expect("submitted");
    world.stock("phone", "east", -(units as i32)).expect("there");
    now_of(world, &order)
}

#[test]
fn who_was_refused_by_a_node_keeps_its_place_before_later_demand() {
    for restarts in [false, true] {
        let mut world = World::new();
        let first = refused(&mut world, 2);
        let second = world.order(&[("phone", 2)], None).expect("waits");
        let world = if restarts { world.restart() } else { world };
        world.stock("phone", "west", 1).expect("room");
        assert_eq!(served(&world, &[&first, &second]), [1, 0], "the first unit it may have is its own");
        world.stock("phone", "east", 1).expect("room");
        assert_eq!(served(&world, &[&first, &second]), [1, 1], "of the node that refused it the next one has it");
        world.stock("phone", "north", 2).expect("room");
        assert_eq!(served(&world, &[&first, &second]), [2, 2]);
        assert_eq!(world.atp("phone"), 0);
    }
}

#[test]
fn a_kit_that_came_first_has_its_parts_before_later_demand_and_keeps_none_it_cannot_use() {
    for restarts in [false, true] {
        let mut world = World::new();
        let kit = world.order(&[("bundle", 1)], None).expect("waits");
        let mut world = if restarts { world.restart() } else { world };
        world.stock("case", "east", 3).expect("room");
        assert_eq!((world.atp("case"), world.level("case", "east").pool), (3, 0), "it lacks the phone");
        let single = world.order(&[("phone", 1)], None).expect("waits");
        world.stock("phone", "west", 1).expect("room");
        assert_eq!(served(&world, &[&kit, &single]), [0, 1], "there is no case in the west");
        let single = world.order(&[("phone", 1)], None).expect("waits");
        world.stock("phone", "east", 1).expect("room");
        assert_eq!(served(&world, &[&kit, &single]), [1, 0], "the kit came first");
        assert_eq!(world.atp("case"), 1);
    }
}

#[test]
fn both_parts_of_a_kit_that_come_together_go_to_it_before_later_demand() {
    let mut world = World::new();
    let kit = world.order(&[("bundle", 1)], None).expect("waits");
    let (phone, case) = (world.order(&[("phone", 1)], None), world.order(&[("case", 2)], None));
    let both = |(sku, delta): (&str, i32)| {
        let reason = crate::domain::stock::MovementKind::Received;
        Adjustment { sku: text(sku), node: text("east"), delta, reason }
    };
    world.run(Command::AdjustStock([("phone", 1), ("case", 2)].map(both).to_vec())).expect("room");
    let (phone, case) = (phone.expect("waits"), case.expect("waits"));
    assert_eq!(served(&world, &[&kit, &phone, &case]), [1, 0, 0]);
}

#[test]
fn what_comes_to_two_nodes_at_once_is_enough_for_who_waits_behind_a_kit() {
    let mut world = World::new();
    let kit = world.order(&[("bundle", 1)], None).expect("waits");
    let single = world.order(&[("phone", 3)], None).expect("waits");
    world.stock("case", "west", 2).expect("room");
    let phones = |(node, delta): (&str, i32)| {
        let reason = crate::domain::stock::MovementKind::Received;
        Adjustment { sku: text("phone"), node: text(node), delta, reason }
    };
    world.run(Command::AdjustStock([("west", 3), ("east", 6)].map(phones).to_vec())).expect("room");
    assert_eq!((served(&world, &[&kit, &single]), world.atp("phone")), (vec![1, 3], 5));
}

#[test]
fn who_is_kept_from_nodes_by_rules_keeps_its_place_too() {
    for restarts in [false, true] {
        let mut world = World::new();
        let terms = RuleTerms {
            scope: Scope { channels: vec![text("nowhere")], ..Scope::default() },
            fences: vec![Fence::Nodes(vec![text("west")])],
            objective: vec![Term::PerShipment { amount: 500 }],
            ..RuleTerms::default()
        };
        world.run(Command::PutRules(PutRules { name: text("west-only"), terms: Arc::new(terms) })).expect("good");
        let activate = ActivateRules { name: text("west-only"), version: 1, at: None };
        world.run(Command::ActivateRules(activate)).expect("it can be carried");
        let ruled = PlaceOrder { rule_set: Some(text("west-only")), ..World::order_of("r", &[("phone", 1)], None) };
        let ruled = place(&world, ruled);
        let plain = world.order(&[("phone", 1)], None).expect("waits");
        let world = if restarts { world.restart() } else { world };
        announce(&world, "po-east", "east", "phone", 1, 1);
        announce(&world, "po-west", "west", "phone", 1, 2);
        let pegs = |order: &Order| {
            let (_, pegs) = world.engine.pegs_of_order(&order.name()).expect("known");
            let name = |peg: &crate::domain::inbound::Peg| {
                world.engine.name_of_supply(peg.supply.expect("a document").document)
            };
            pegs.iter().map(|peg| name(peg).expect("held")).collect::<Vec<_>>()
        };
        assert_eq!((pegs(&ruled), pegs(&plain)), (vec!["po-west".to_owned()], vec!["po-east".to_owned()]));
        world.stock("phone", "west", 1).expect("room");
        assert_eq!(served(&world, &[&ruled, &plain]), [1, 0]);
    }
}

/// An order whose rules want a node that can keep things cold.
fn cold(world: &World) -> Order {
    let terms = RuleTerms {
        scope: Scope { channels: vec![text("nowhere")], ..Scope::default() },
        fences: vec![Fence::Capabilities(vec![text("cold")])],
        objective: vec![Term::PerShipment { amount: 500 }],
        ..RuleTerms::default()
    };
    world.run(Command::PutRules(PutRules { name: text("cold"), terms: Arc::new(terms) })).expect("good");
    world.run(Command::ActivateRules(ActivateRules { name: text("cold"), version: 1, at: None })).expect("it can be");
    place(world, PlaceOrder { rule_set: Some(text("cold")), ..World::order_of("cold", &[("phone", 1)], None) })
}

fn can(world: &World, node: &str, capabilities: &[&str]) {
    let capabilities = Some(capabilities.iter().map(|one| text(one)).collect());
    let patch = NodePatch { capabilities, ..NodePatch::default() };
    world.run(Command::PatchNode { node: text(node), patch: Box::new(patch) }).expect("known");
}

fn waits_for(world: &World, order: &Order) -> Option<String> {
    let (_, pegs) = world.engine.pegs_of_order(&order.name()).expect("known");
    world.engine.name_of_supply(pegs.first()?.supply?.document)
}

#[test]
fn who_is_kept_from_a_node_is_looked_at_again_when_the_node_is_another() {
    for restarts in [false, true] {
        let world = World::new();
        world.stock("phone", "east", 1).expect("room");
        let order = cold(&world);
        let world = if restarts { world.restart() } else { world };
        announce(&world, "po-west", "west", "phone", 1, 1);
        assert_eq!((now_of(&world, &order).totals().backordered, waits_for(&world, &order)), (1, None));
        can(&world, "west", &["cold"]);
        assert_eq!(waits_for(&world, &order).as_deref(), Some("po-west"));
        can(&world, "west", &[]);
        let world = if restarts { world.restart() } else { world };
        assert_eq!(waits_for(&world, &order), None);
        can(&world, "east", &["cold"]);
        assert_eq!(served(&world, &[&order]), [1], "what is there already is its own now");
    }
}

#[test]
fn a_new_node_is_not_one_of_a_channel_that_names_its_own() {
    let mut world = World::new();
    channel(&world, "shop", &["east"]);
    let order = place(&world, PlaceOrder { channel: text("shop"), ..World::order_of("s", &[("phone", 1)], None) });
    world.node("south", 25.8, -80.2, true);
    announce(&world, "po-south", "south", "phone", 1, 1);
    assert_eq!(waits_for(&world, &order), None);
}

#[test]
fn what_comes_for_who_was_refused_is_promised_to_nobody_else() {
    for restarts in [false, true] {
        let mut world = World::new();
        let first = refused(&mut world, 2);
        let world = if restarts { world.restart() } else { world };
        announce(&world, "po-1", "east", "phone", 3, 1);
        announce(&world, "po-2", "west", "phone", 3, 2);
        let (_, pegs) = world.engine.pegs_of_order(&first.name()).expect("known");
        let supply = pegs.first().and_then(|peg| peg.supply).map(|supply| supply.document);
        assert_eq!(supply.and_then(|document| world.engine.name_of_supply(document)).as_deref(), Some("po-2"));
        assert_eq!(world.engine.pegs_of_inbound("po-2").expect("known").1.len(), 1);
        let by = |hours: i64| {
            let at = Some(WallTime(world.log.now().wall.0 + hours * HOUR_MS));
            world.engine.atp_by(world.log.now().journal, "phone", None, at).expect("known").available
        };
        assert_eq!((by(0), by(1), by(2)), (0, 3, 4), "of what comes to the west two are its own");
        let redate = InboundAction::Redate(WallTime(world.log.now().wall.0 + 5 * HOUR_MS));
        let reply = world.run(Command::ChangeInbound { inbound: text("po-2"), action: redate });
        assert!(matches!(reply, Ok(Reply::Redated { count: 1, .. })), "{reply:?}");
    }
}

/// Somebody who waits in the simulation.
struct Waiter {
    order: Order,
    sku: usize,
    open: u32,
    served: u32,
    nodes: Vec<usize>,
    rank: (i64, usize),
}

/// Phones, cases, and bundles of one and two of them.
const SKUS: [&str; 3] = ["phone", "case", "bundle"];
const NEEDS: [[u32; 2]; 3] = [[1, 0], [0, 1], [1, 2]];

type Free = [[u32; 2]; 3];

/// Units came: whoever is first takes what it can of its node.
fn serve(waiters: &mut [Waiter], free: &mut Free, node: usize) {
    for waiter in waiters.iter_mut().filter(|waiter| waiter.nodes.contains(&node)) {
        let needs = NEEDS[waiter.sku];
        let can = (0..2).filter(|at| needs[*at] > 0).map(|at| free[node][at] / needs[at]).min().unwrap_or(0);
        let taken = can.min(waiter.open);
        (waiter.open, waiter.served) = (waiter.open - taken, waiter.served + taken);
        (0..2).for_each(|at| free[node][at] -= taken * needs[at]);
    }
}

/// A document: sku, node, units, hours.
type Coming = (usize, usize, u32, i64);

/// Units by waiter, document and sku.
type Pegs = BTreeMap<(usize, usize, usize), u32>;

/// Who has how much of which document, unit by unit; and what is left of each.
fn pegs(waiters: &[Waiter], free: &Free, coming: &[Coming]) -> (Pegs, Vec<u32>) {
    let mut wants: Vec<[u32; 2]> = waiters.iter().map(|w| NEEDS[w.sku].map(|need| need * w.open)).collect();
    let mut free = *free;
    for (waiter, wants) in waiters.iter().zip(&mut wants).filter(|(waiter, _)| waiter.sku == 2) {
        for (node, at) in waiter.nodes.iter().flat_map(|node| [(*node, 0), (*node, 1)]) {
            let there = free[node][at].min(wants[at]);
            (free[node][at], wants[at]) = (free[node][at] - there, wants[at] - there);
        }
    }
    let (mut pegs, mut left) = (BTreeMap::new(), Vec::new());
    for (document, (sku, node, units, _)) in coming.iter().enumerate() {
        let mut spare = *units;
        for _ in 0..*units {
            let first = (0..waiters.len()).find(|at| wants[*at][*sku] > 0 && waiters[*at].nodes.contains(node));
            let Some(first) = first else { break };
            wants[first][*sku] -= 1;
            spare -= 1;
            *pegs.entry((first, document, *sku)).or_default() += 1;
        }
        left.push(spare);
    }
    (pegs, left)
}

fn waiters_of(world: &World, dice: &mut Dice, policy: FillPolicy) -> Vec<Waiter> {
    let channels: [(&str, &[usize]); 4] = [("web", &[0, 1, 2]), ("c1", &[1]), ("c2", &[0, 2]), ("c3", &[1, 2])];
    for (id, nodes) in &channels[1..] {
        channel(world, id, &nodes.iter().map(|node| NODES[*node]).collect::<Vec<_>>());
    }
    let mut waiters: Vec<Waiter> = (0..8)
        .map(|at| {
            let (sku, units) = (dice.roll(3) as usize, 1 + dice.roll(4));
            let (name, nodes) = channels[dice.roll(4) as usize];
            let mut order = World::order_of(&format!("w-{at}"), &[(SKUS[sku], units)], None);
            (order.channel, order.wishes.priority) = (text(name), dice.roll(10) as u8);
            order.lines[0].unit_price = 100 * i64::from(dice.roll(5));
            let placed_at = world.log.now().wall.0 - i64::from(dice.roll(4)) * HOUR_MS;
            order.placed_at = Some(WallTime(placed_at));
            let first = match policy {
                FillPolicy::Priority => -i64::from(order.wishes.priority),
                FillPolicy::Value => -order.lines[0].unit_price,
                FillPolicy::PromiseDate => placed_at,
                FillPolicy::FirstCome | FillPolicy::FairShare => 0,
            };
            let order = place(world, order);
            Waiter { order, sku, open: units, served: 0, nodes: nodes.to_vec(), rank: (first, at) }
        })
        .collect();
    waiters.sort_by_key(|waiter| waiter.rank);
    waiters
}

fn compare(world: &World, waiters: &[Waiter], free: &Free, coming: &[Coming]) {
    for waiter in waiters {
        assert_eq!(now_of(world, &waiter.order).totals().allocated, waiter.served, "{:?}", waiter.rank);
    }
    for (node, id) in NODES.iter().enumerate() {
        for (at, sku) in SKUS[..2].iter().enumerate() {
            let level = world.level(sku, id);
            assert_eq!((level.available, level.pool), (free[node][at], 0), "{sku} at {id}");
        }
    }
    let (expected, left) = pegs(waiters, free, coming);
    let mut told = BTreeMap::new();
    for (at, waiter) in waiters.iter().enumerate() {
        for peg in world.engine.pegs_of_order(&waiter.order.name()).expect("known").1 {
            let Some(supply) = peg.supply else { continue };
            let name = world.engine.name_of_supply(supply.document).expect("held");
            let document: usize = name[3..].parse().expect("a number");
            let sku = world.engine.catalogue(|c| usize::from(c.item(peg.sku).sku.as_ref() == "case"));
            *told.entry((at, document, sku)).or_default() += peg.units;
        }
    }
    let open: Vec<_> = waiters.iter().map(|waiter| (SKUS[waiter.sku], waiter.open, &waiter.nodes)).collect();
    assert_eq!(told, expected, "pegs of {open:?} beside {free:?} for {coming:?}");
    for (at, sku) in SKUS[..2].iter().enumerate() {
        for hours in 0..8 {
            let by = Some(WallTime(world.log.now().wall.0 + hours * HOUR_MS));
            let promised = world.engine.atp_by(world.log.now().journal, sku, None, by).expect("known").available;
            let comes = coming.iter().zip(&left).filter(|((own, _, _, due), _)| *own == at && *due <= hours);
            let comes: u32 = comes.map(|(_, left)| left).sum();
            let there: u32 = free.iter().map(|node| node[at]).sum();
            assert_eq!(promised, u64::from(there + comes), "{sku} in {hours} hours");
        }
    }
}

#[test]
fn whoever_waits_is_served_pegged_and_counted_as_a_plain_simulation_says() {
    let policies = [FillPolicy::FirstCome, FillPolicy::Priority, FillPolicy::Value, FillPolicy::PromiseDate];
    for seed in 0..60 {
        println!("seed {seed}");
        let (mut world, mut dice) = (World::new(), Dice(seed));
        let policy = policies[dice.roll(4) as usize];
        world.run(Command::PutPolicy(PutPolicy::Fill(policy))).expect("there are such policies");
        let mut waiters = waiters_of(&world, &mut dice, policy);
        let coming: Vec<Coming> =
            (0..5).map(|at| (dice.roll(2) as usize, dice.roll(3) as usize, 1 + dice.roll(5), at + 1)).collect();
        for (at, (sku, node, units, hours)) in coming.iter().enumerate() {
            announce(&world, &format!("po-{at}"), NODES[*node], SKUS[*sku], *units, *hours);
        }
        let mut free = Free::default();
        for _ in 0..14 {
            compare(&world, &waiters, &free, &coming);
            if dice.roll(5) == 0 {
                world = world.restart();
            }
            let at = dice.roll(waiters.len() as u32 * 3) as usize;
            if let Some(waiter) = waiters.get_mut(at).filter(|waiter| waiter.open > 0) {
                world.cancel(&waiter.order, Some(&[("1", 1)])).expect("it waits");
                waiter.open -= 1;
            } else {
                let (sku, node, units) = (dice.roll(2) as usize, dice.roll(3) as usize, 1 + dice.roll(3));
                world.stock(SKUS[sku], NODES[node], units as i32).expect("room");
                free[node][sku] += units;
                serve(&mut waiters, &mut free, node);
            }
        }
    }
}

#[test]
fn what_the_queue_fills_costs_what_it_costs_to_ship() {
    let mut world = World::new();
    world.stock("phone", "west", 2).expect("room");
    let at_once = world.order(&[("phone", 2)], None).expect("enough");
    let waits = world.order(&[("phone", 2)], None).expect("waits");
    let tried = place(&world, World::order_of("k", &[("bundle", 1)], None));
    world.stock("phone", "west", 2).expect("room");
    let cost = |order: &Order| {
        let decision = now_of(&world, order).decision.expect("sourced");
        decision.assignments.iter().map(|assigned| assigned.cost).sum::<i64>()
    };
    assert!(cost(&at_once) > 0);
    assert_eq!(cost(&waits), cost(&at_once));
    assert_eq!(cost(&tried), 0, "nothing was found yet");
}
