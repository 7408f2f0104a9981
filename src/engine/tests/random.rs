//! Random commands from a seed, laws checked after every step, restarts in between. A failing seed is printed.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::fulfillment::{Shipment, ShortReason};
use crate::domain::geo::Position;
use crate::domain::ids::FulfillmentKey;
use crate::domain::record::Log;
use crate::domain::reply::Reply;
use crate::domain::stock::MovementKind;
use crate::domain::time::WallTime;

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % u64::from(sides)) as u32
    }

    pub fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len() as u32) as usize].clone()
    }
}

const NODES: [&str; 3] = ["east", "west", "north"];
const SKUS: [&str; 3] = ["phone", "case", "cable"];
const SOLD: [&str; 4] = ["phone", "case", "cable", "bundle"];

struct Names {
    orders: Vec<String>,
    reservations: Vec<String>,
    fulfillments: Vec<String>,
    placed: u32,
}

fn some_line(dice: &mut Dice) -> ReserveLine {
    let node = (dice.roll(3) == 0).then(|| text(dice.pick::<&str>(&NODES)));
    ReserveLine { sku: text(dice.pick::<&str>(&SOLD)), quantity: quantity(1 + dice.roll(4)), node }
}

/// Up to three lines to up to two destinations, one in three with a reservation to claim.
fn some_order(dice: &mut Dice, names: &mut Names) -> PlaceOrder {
    let lines: Vec<(&str, u32)> = (0..1 + dice.roll(3)).map(|_| (dice.pick::<&str>(&SOLD), 1 + dice.roll(3))).collect();
    let claimed = (dice.roll(3) == 0 && !names.reservations.is_empty()).then(|| dice.pick(&names.reservations));
    names.placed += 1;
    let mut order = World::order_of(&format!("random-{}", names.placed), &lines, claimed);
    order.reacquire = dice.roll(2) == 0;
    let far = ShipTo { group: text("far"), ..order.destinations[0].clone() };
    order.destinations.push(ShipTo { position: Position::from_degrees(34.0, -118.0), ..far });
    order.lines.iter_mut().for_each(|line| line.group = dice.roll(2) as u16);
    order
}

fn step(world: &mut World, dice: &mut Dice, names: &mut Names) {
    let sku = text(dice.pick::<&str>(&SKUS));
    let node = text(dice.pick::<&str>(&NODES));
    let few = quantity(1 + dice.roll(4));
    let outcome = match dice.roll(16) {
        0 | 1 => {
            let first = Adjustment { sku, node, delta: 1 + dice.roll(6) as i32, reason: MovementKind::Received };
            let more = (0..dice.roll(3)).map(|_| {
                let delta = dice.roll(7) as i32 - 3;
                let (sku, node) = (text(dice.pick::<&str>(&SKUS)), text(dice.pick::<&str>(&NODES)));
                Adjustment { sku, node, delta, reason: MovementKind::Corrected }
            });
            let more: Vec<_> = more.filter(|one| one.delta != 0).collect();
            world.run(Command::AdjustStock(std::iter::once(first).chain(more).collect()))
        }
        2 => {
            let delta = -(1 + dice.roll(3) as i32);
            world.run(Command::AdjustStock(vec![Adjustment { sku, node, delta, reason: MovementKind::Lost }]))
        }
        3 => world.run(Command::SetOnHand(SetOnHand {
            sku,
            node,
            on_hand: dice.roll(8),
            expected: None,
            source: None,
            source_seq: None,
            as_of: None,
        })),
        4 => {
            let other = dice.pick(&[StockState::Damaged, StockState::QualityControl, StockState::SafetyStock]);
            let (from, to) =
                if dice.roll(2) == 0 { (StockState::Available, other) } else { (other, StockState::Available) };
            world.run(Command::MoveStock(vec![StockMove { sku, node, from, to, quantity: few }]))
        }
        5 | 6 => {
            let lines = (0..1 + dice.roll(2)).map(|_| some_line(dice)).collect();
            let made = World::reserve_of(lines, u64::from(1 + dice.roll(90)));
            world.run(Command::Reserve(Reserve { partial: dice.roll(3) == 0, ..made }))
        }
        7..=9 => {
            let order = some_order(dice, names);
            let key = IdempotencyKey { hash: u128::from(names.placed), fingerprint: 1 };
            let context = Context { key: Some(key), ..Context::library() };
            let placed = world.run_as(&context, Command::PlaceOrder(Box::new(order.clone())));
            if placed.is_ok() {
                world.repeats(&context, Command::PlaceOrder(Box::new(order)));
            }
            placed
        }
        10 if !names.reservations.is_empty() => {
            let reservation = text(&dice.pick(&names.reservations));
            if dice.roll(2) == 0 {
                world.run(Command::ReleaseReservation { reservation })
            } else {
                let lines = Some((0..1 + dice.roll(2)).map(|_| some_line(dice)).collect());
                let ttl_s = (dice.roll(2) == 0).then_some(30);
                world.run(Command::ChangeReservation(ChangeReservation { owner: None, reservation, ttl_s, lines }))
            }
        }
        11 if !names.orders.is_empty() => {
            let order = text(&dice.pick(&names.orders));
            let lines =
                (dice.roll(2) == 0).then(|| vec![CancelUnits { line: text("1"), quantity: quantity(1), from: None }]);
            world.run(Command::CancelOrder(CancelOrder { order, lines, reason: text("random") }))
        }
        12 => {
            let patch = NodePatch { active: Some(dice.roll(4) > 0), ..NodePatch::default() };
            world.run(Command::PatchNode { node, patch: Box::new(patch) })
        }
        13 => {
            world.later(i64::from(dice.roll(40)));
            world.engine.expire_due(&*world.log);
            world.check();
            return;
        }
        _ if !names.fulfillments.is_empty() => {
            let fulfillment = text(&dice.pick(&names.fulfillments));
            let one = vec![NamedUnits { line: text("1"), quantity: quantity(1) }];
            let shipment = Shipment { carrier: text("c"), service: text("s"), tracking_number: text("t") };
            let reason = dice.pick(&[ShortReason::NotInStock, ShortReason::Mismatch, ShortReason::Damaged]);
            let action = match dice.roll(18) {
                0 | 1 => FulfillmentAction::Accept,
                2 => FulfillmentAction::Reject { reason: text("random") },
                3 | 4 => FulfillmentAction::Pick { lines: (dice.roll(2) == 0).then_some(one) },
                5 => FulfillmentAction::Short { lines: one, reason },
                6 => FulfillmentAction::Pack,
                7 => FulfillmentAction::Ship { shipment },
                8 => FulfillmentAction::Deliver,
                9 => FulfillmentAction::Cancel { reason: text("random"), resource: dice.roll(2) == 0 },
                10 => FulfillmentAction::CancelAccept,
                11 | 12 => FulfillmentAction::PutBack { lines: (dice.roll(3) == 0).then_some(one) },
                13 => FulfillmentAction::Move { node },
                14 => FulfillmentAction::Split { lines: one },
                15 => FulfillmentAction::Merge { with: text(&dice.pick(&names.fulfillments)) },
                16 => {
                    let until = WallTime(world.log.now().wall.0 + 1_000 * i64::from(1 + dice.roll(30)));
                    FulfillmentAction::Ready { until: (dice.roll(2) == 0).then_some(until) }
                }
                _ => FulfillmentAction::HandOver,
            };
            world.run(Command::Fulfill(Fulfill { fulfillment, action }))
        }
        _ => return,
    };
    match outcome {
        Ok(Reply::Order(order) | Reply::Fulfillment { order, .. }) => {
            let numbers =
                order.fulfillment_orders.iter().map(|f| FulfillmentKey { order: order.key, number: f.number });
            names.fulfillments.extend(numbers.map(|key| key.to_string()));
            names.orders.push(order.name());
        }
        Ok(Reply::Reservation(reservation)) => names.reservations.push(reservation.name()),
        _ => {}
    }
    for list in [&mut names.orders, &mut names.reservations, &mut names.fulfillments] {
        list.sort();
        list.dedup();
        let surplus = list.len().saturating_sub(12);
        list.drain(..surplus);
    }
}

/// While demand with a right waits, no eligible cell has a free unit.
pub fn nobody_waits_beside_free_units(world: &World) {
    let network = world.engine.network.read().expect("one thread");
    for stock in network.stock.iter() {
        let ledger = stock.ledger.lock();
        let waits = ledger.wanted() > ledger.pooled();
        let free = stock.cells.iter().any(|cell| network.supplies(cell.node) && cell.word.free() > 0);
        assert!(!(waits && free), "demand waits beside a free unit");
        let owed = stock.cells.iter().any(|cell| ledger.at(cell.position).shortfall > 0 && cell.word.free() > 0);
        assert!(!owed, "a shortfall is owed beside a free unit");
    }
}

/// A world that a seed lived in for so many steps.
pub fn life(seed: u64, steps: u32) -> World {
    let (mut world, mut dice) = (World::new(), Dice(seed));
    let mut names = Names { orders: vec![], reservations: vec![], fulfillments: vec![], placed: 0 };
    (0..steps).for_each(|_| step(&mut world, &mut dice, &mut names));
    world
}

#[test]
fn random_commands_break_no_law() {
    let steps: u32 = std::env::var("ORDAIN_RANDOM_STEPS").ok().and_then(|s| s.parse().ok()).unwrap_or(120);
    for seed in 0..40 {
        println!("seed {seed}, {steps} steps");
        let (mut world, mut dice) = (World::new(), Dice(seed));
        let mut names = Names { orders: vec![], reservations: vec![], fulfillments: vec![], placed: 0 };
        for at in 0..steps {
            step(&mut world, &mut dice, &mut names);
            nobody_waits_beside_free_units(&world);
            if at % 40 == 39 {
                world = world.restart();
                nobody_waits_beside_free_units(&world);
            }
        }
    }
}
