//! Real threads on few units: nothing oversold, nothing lost, memory equals the fold of the log when they are done.

use std::sync::atomic::AtomicU32;

use super::random::{Dice, nobody_waits_beside_free_units};
use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::MovementKind;
use crate::engine::Executed;

fn reserve(owner: u64, lines: Vec<ReserveLine>) -> Command {
    Command::Reserve(Reserve {
        id: None,
        fingerprint: 0,
        owner: text(&format!("buyer-{owner}")),
        ttl_s: 600,
        lines,
        partial: false,
        channel: None,
        customer: None,
    })
}

fn execute(world: &World, command: Command) -> Result<Executed, Rejection> {
    world.engine.execute(&*world.log, &Context::library(), command)
}

#[test]
fn buyers_of_pairs_never_oversell_and_never_block_each_other_for_good() {
    for seed in 0..10 {
        println!("seed {seed}");
        let world = World::new();
        for (sku, node) in [("phone", "east"), ("phone", "west"), ("case", "east"), ("cable", "north")] {
            world.stock(sku, node, 40).expect("room");
        }
        std::thread::scope(|scope| {
            for thread in 0..8u64 {
                let world = &world;
                scope.spawn(move || {
                    let mut dice = Dice(seed * 100 + thread);
                    let mut mine: Vec<String> = vec![];
                    for _ in 0..60 {
                        let line = |dice: &mut Dice| ReserveLine {
                            sku: text(dice.pick::<&str>(&["phone", "case", "cable"])),
                            quantity: quantity(1 + dice.roll(3)),
                            node: None,
                        };
                        let command = match dice.roll(5) {
                            0 if !mine.is_empty() => {
                                let at = dice.roll(mine.len() as u32) as usize;
                                Command::ReleaseReservation { reservation: text(&mine.swap_remove(at)) }
                            }
                            1 => Command::AdjustStock(vec![Adjustment {
                                sku: text("phone"),
                                node: text("east"),
                                delta: if dice.roll(2) == 0 { 1 } else { -1 },
                                reason: MovementKind::Corrected,
                            }]),
                            _ => reserve(thread, vec![line(&mut dice), line(&mut dice)]),
                        };
                        if let Ok(Executed::Done(outcome)) = execute(world, command)
                            && let Reply::Reservation(reservation) = outcome.reply
                            && reservation.ended_at.is_none()
                        {
                            mine.push(reservation.name());
                        }
                    }
                });
            }
        });
        world.check();
    }
}

/// Orders that wait, receipts, cancels, refusals of nodes, lapsing reservations and claims, all at once.
#[test]
fn waiting_orders_receipts_and_lapses_meet_without_loss() {
    for seed in 0..20 {
        println!("seed {seed}");
        let world = World::new();
        let counter = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for thread in 0..6u64 {
                let (world, counter) = (&world, &counter);
                scope.spawn(move || {
                    let mut dice = Dice(seed * 1_000 + thread);
                    let (mut orders, mut held): (Vec<Order>, Vec<String>) = (vec![], vec![]);
                    for _ in 0..60 {
                        match execute(world, command(&mut dice, &orders, &mut held, counter)) {
                            Ok(Executed::Done(outcome)) => match outcome.reply {
                                Reply::Order(order) | Reply::Fulfillment { order, .. } => orders.push((*order).clone()),
                                Reply::Reservation(r) if r.ended_at.is_none() => held.push(r.name()),
                                _ => {}
                            },
                            Ok(other) => panic!("nothing is repeated here: {other:?}"),
                            Err(_) => {}
                        }
                        if dice.roll(6) == 0 {
                            world.later(1);
                            world.engine.expire_due(&*world.log);
                        }
                    }
                });
            }
        });
        world.check();
        nobody_waits_beside_free_units(&world);
        world.restart();
    }
}

fn command(dice: &mut Dice, orders: &[Order], held: &mut Vec<String>, counter: &AtomicU32) -> Command {
    let sku = text(dice.pick::<&str>(&["phone", "case"]));
    let node = text(dice.pick::<&str>(&["east", "west"]));
    let few = quantity(1 + dice.roll(3));
    match dice.roll(10) {
        0 | 1 => {
            let delta = 1 + dice.roll(3) as i32;
            Command::AdjustStock(vec![Adjustment { sku, node, delta, reason: MovementKind::Received }])
        }
        2 => Command::AdjustStock(vec![Adjustment { sku, node, delta: -1, reason: MovementKind::Lost }]),
        3 | 4 => {
            let Command::Reserve(made) = reserve(1, vec![ReserveLine { sku, quantity: few, node: None }]) else {
                unreachable!("it makes a reservation")
            };
            Command::Reserve(Reserve { ttl_s: u64::from(1 + dice.roll(5)), ..made })
        }
        5 if !orders.is_empty() => {
            let order = text(&dice.pick(orders).name());
            Command::CancelOrder(CancelOrder { order, lines: None, reason: text("storm") })
        }
        6 if !orders.is_empty() => {
            let order = dice.pick(orders);
            let key = crate::domain::ids::FulfillmentKey { order: order.key, number: 1 + dice.roll(2) as u16 };
            let action = match dice.roll(3) {
                0 => FulfillmentAction::Accept,
                1 => FulfillmentAction::Pick { lines: None },
                _ => FulfillmentAction::Reject { reason: text("storm") },
            };
            Command::Fulfill(Fulfill { fulfillment: text(&key.to_string()), action })
        }
        _ => {
            let n = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let lines: &[(&str, u32)] = dice.pick::<&[(&str, u32)]>(&[
                &[("phone", 2)],
                &[("phone", 1), ("case", 1)],
                &[("bundle", 1)],
                &[("case", 3), ("phone", 1)],
            ]);
            let claimed = if dice.roll(3) == 0 { held.pop() } else { None };
            Command::PlaceOrder(Box::new(World::order_of(&format!("storm-{n}"), lines, claimed)))
        }
    }
}
