//! Orders sourced at random where everything meets: limits of channels, a node that is asked before others, several
//! destinations by rules of their own, days that are full, kits, units that are held, and orders that wait for all of it. What
//! routing decides the commit must accept sooner or later, and memory be what a start makes of the log.

use super::channels::{self, check};
use super::group_rules::{By, activate, mixed, put, scoped};
use super::previews::{rich_rules, some_days, some_world};
use super::random::{Dice, nobody_waits_beside_free_units};
use super::world::*;
use crate::domain::command::*;
use crate::domain::ids::FulfillmentKey;
use crate::domain::money::{Currency, Money};
use crate::domain::optimisation::Optimise;
use crate::domain::record::Log;
use crate::domain::replanning::Occasion;
use crate::domain::reply::Reply;
use crate::domain::rules::{Fence, RuleTerms, Term, Unfilled};
use crate::domain::stock::MovementKind;

const NODES: [&str; 5] = ["east", "west", "north", "south", "middle"];
const SKUS: [&str; 3] = ["phone", "case", "cable"];
const CHANNELS: [&str; 3] = ["web", "shop", "till"];

/// What a seed has named so far.
#[derive(Default)]
struct Names {
    orders: Vec<String>,
    reservations: Vec<String>,
    placed: u32,
}

fn some_limits(dice: &mut Dice, world: &World) {
    let limits: Vec<&str> = SKUS.iter().copied().filter(|_| dice.roll(3) > 0).collect();
    let limits: Vec<(&str, u32, Option<u32>)> = limits
        .into_iter()
        .map(|sku| {
            let floor = dice.roll(4);
            (sku, floor, (dice.roll(2) == 0).then(|| floor + dice.roll(5)))
        })
        .collect();
    channels::put(world, dice.pick(&["web", "shop"]), &limits);
}

/// Rules by which what is left stays left while units, rules and rates stay: not what fences ask of all units together and of
/// the rest apart, nor, where leaving has its price, what costs otherwise with every unit and shipment elsewhere.
fn steady_rules(dice: &mut Dice) -> RuleTerms {
    let mut rules = rich_rules(dice);
    rules.fences.retain(|fence| !matches!(fence, Fence::MaxShipments { .. } | Fence::LandedCost { .. }));
    if rules.unfilled != Unfilled::LastResort {
        let moves = |term: &Term| matches!(term, Term::Scarcity | Term::ShortPick { .. } | Term::Balance { .. });
        rules.objective.retain(|term| !moves(term));
    }
    rules
}

fn some_versions(dice: &mut Dice, world: &World, by: By) {
    let (all, apart) = (steady_rules(dice), steady_rules(dice));
    let version = put(world, "default", all);
    activate(world, "default", version);
    let version = put(world, "apart", scoped(apart, by));
    activate(world, "apart", version);
}

/// An order to up to three destinations of which some go by rules of their own, now and then for a kit, a node asked before
/// others, units that are held.
fn some_order(dice: &mut Dice, by: By, names: &mut Names) -> PlaceOrder {
    names.placed += 1;
    let mut order = mixed(dice, &format!("o{}", names.placed), by);
    order.channel = text(dice.pick(&CHANNELS));
    if dice.roll(2) == 0 {
        let group = dice.roll(3) as u16;
        let (sku, quantity) = (text(dice.pick(&["bundle", "bundle", "phone"])), quantity(1 + dice.roll(2)));
        order.lines.push(PlaceLine { id: text("more"), sku, quantity, unit_price: 100, group });
    }
    if dice.roll(2) == 0 {
        order.wishes.preferred_node = Some(text(dice.pick::<&str>(&NODES)));
    }
    for way in &mut order.wishes.ways {
        way.node = (dice.roll(3) == 0).then(|| text(dice.pick::<&str>(&NODES)));
    }
    if dice.roll(3) == 0 && !names.reservations.is_empty() {
        order.reservation = Some(text(&dice.pick(&names.reservations)));
        order.reacquire = true;
    }
    order.placed_at = None;
    order
}

fn some_edit(dice: &mut Dice, order: &str) -> Command {
    let changes = match dice.roll(3) {
        0 => vec![EditChange::Line { line: text("1"), quantity: Some(dice.roll(4)), unit_price: None }],
        1 => vec![EditChange::Add {
            id: None,
            sku: text(dice.pick(&["phone", "case", "bundle"])),
            quantity: quantity(1 + dice.roll(2)),
            unit_price: Money { amount: 100, currency: Currency::USD },
        }],
        _ => {
            let elsewhere = World::order_of("x", &[("phone", 1)], None).destinations.remove(0);
            vec![EditChange::ShipTo(elsewhere)]
        }
    };
    Command::OpenEdit(OpenEdit { order: text(order), changes })
}

fn step(world: &World, dice: &mut Dice, by: By, names: &mut Names) {
    let (sku, node) = (text(dice.pick::<&str>(&SKUS)), text(dice.pick::<&str>(&NODES)));
    let named = |dice: &mut Dice, names: &Names| (!names.orders.is_empty()).then(|| dice.pick(&names.orders));
    let outcome = match dice.roll(20) {
        0..=4 => {
            let more = (0..1 + dice.roll(3)).map(|_| Adjustment {
                sku: text(dice.pick::<&str>(&SKUS)),
                node: text(dice.pick::<&str>(&NODES)),
                delta: 1 + dice.roll(3) as i32,
                reason: MovementKind::Received,
            });
            world.run(Command::AdjustStock(more.collect()))
        }
        5..=9 => world.run(Command::PlaceOrder(Box::new(some_order(dice, by, names)))),
        10 => {
            let lines = (0..1 + dice.roll(2)).map(|_| ReserveLine {
                sku: text(dice.pick(&["phone", "case", "bundle"])),
                quantity: quantity(1 + dice.roll(2)),
                node: (dice.roll(2) == 0).then(|| text(dice.pick::<&str>(&NODES))),
            });
            let asked = World::reserve_of(lines.collect(), 5 + u64::from(dice.roll(60)));
            world.run(Command::Reserve(Reserve { channel: Some(text(dice.pick(&CHANNELS))), ..asked }))
        }
        11 => match named(dice, names) {
            Some(order) => {
                world.run(Command::CancelOrder(CancelOrder { order: text(&order), lines: None, reason: text("no") }))
            }
            None => return,
        },
        12 | 13 => match named(dice, names).and_then(|order| world.engine.order(&order).ok()) {
            Some(order) if !order.fulfillment_orders.is_empty() => {
                let number = dice.pick(&order.fulfillment_orders).number;
                let fulfillment = text(&FulfillmentKey { order: order.key, number }.to_string());
                let action = match dice.roll(3) {
                    0 => FulfillmentAction::Accept,
                    1 => FulfillmentAction::Move { node },
                    _ => FulfillmentAction::Reject { reason: text("no") },
                };
                world.run(Command::Fulfill(Fulfill { fulfillment, action }))
            }
            _ => return,
        },
        14 => match named(dice, names) {
            Some(order) => match world.run(some_edit(dice, &order)) {
                Ok(Reply::Edit { order, number }) if dice.roll(4) > 0 => {
                    let edit = text(&order.edit(number).expect("just made").name());
                    let order = text(&order.name());
                    world.run(Command::EndEdit(EndEdit { order, edit, outcome: EditOutcome::Confirm }))
                }
                other => other,
            },
            None => return,
        },
        15 => {
            let patch = match dice.roll(3) {
                0 => NodePatch { active: Some(dice.roll(3) > 0), ..NodePatch::default() },
                _ => NodePatch { capacity_per_day: Some(Some(1 + dice.roll(4))), ..NodePatch::default() },
            };
            world.run(Command::PatchNode { node, patch: Box::new(patch) })
        }
        16 => return some_limits(dice, world),
        17 if dice.roll(2) == 0 => return some_versions(dice, world, by),
        17 => {
            let asked = Optimise {
                orders: None,
                node: None,
                sku: None,
                within: std::time::Duration::from_secs(600),
                rounds: 20,
                may_be_later: dice.roll(2) == 0,
                occasion: Occasion::Asked,
            };
            match world.engine.optimise(world.log.now(), &asked) {
                Ok(proposed) => world.run(Command::ApplyOptimisation { optimisation: proposed.id }),
                Err(_) => return,
            }
        }
        18 => world.run(Command::AdjustStock(vec![Adjustment { sku, node, delta: -1, reason: MovementKind::Lost }])),
        _ => {
            world.later(i64::from(dice.pick(&[1, 20, 90_000])));
            world.engine.expire_due(&*world.log);
            world.check();
            return;
        }
    };
    match outcome {
        Ok(Reply::Order(order)) => names.orders.push(order.name()),
        Ok(Reply::Reservation(made)) => names.reservations.push(made.name()),
        _ => {}
    }
    let surplus = names.orders.len().saturating_sub(8);
    names.orders.drain(..surplus);
}

/// A start finds nothing to do that the running engine left.
fn nothing_is_left_to_a_start(world: &World) {
    let known = world.log.records.lock().len();
    let started = world.again();
    let records = started.log.records.lock();
    let left: Vec<_> = records[known..].iter().flat_map(|record| &record.events).collect();
    assert!(left.is_empty(), "a start does what was left: {left:#?}");
}

#[test]
fn what_is_routed_where_everything_meets_can_be_had() {
    let first = std::env::var("ORDAIN_SOURCED_FROM").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let seeds = std::env::var("ORDAIN_SOURCED").ok().and_then(|n| n.parse().ok()).unwrap_or(30);
    let (mut filled, mut waits) = (0, 0);
    for seed in first..first + seeds {
        println!("seed {seed}");
        let (mut dice, by, mut names) = (Dice(seed), By::of(seed), Names::default());
        let mut world = some_world(&mut dice, 3);
        some_days(&mut dice, &world);
        some_versions(&mut dice, &world, by);
        some_limits(&mut dice, &world);
        for at in 0..50 {
            step(&world, &mut dice, by, &mut names);
            // What waits for other rules the clock tries again, as a start does.
            world.engine.expire_due(&*world.log);
            world.check();
            nobody_waits_beside_free_units(&world);
            nothing_is_left_to_a_start(&world);
            check(&world);
            if at % 25 == 24 {
                world = world.restart();
            }
        }
        for name in &names.orders {
            let totals = world.engine.order(name).expect("there").totals();
            filled += totals.allocated;
            waits += totals.backordered;
        }
    }
    println!("{filled} units are on their way, {waits} wait");
    assert!(u64::from(filled) > seeds && u64::from(waits) > seeds, "{filled} {waits}");
}
