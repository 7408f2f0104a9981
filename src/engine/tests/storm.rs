//! Real threads on few units: nothing oversold, nothing lost, memory equals the fold of the log when they are done.

use super::random::Dice;
use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::rejection::Rejection;
use crate::domain::stock::MovementKind;

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

fn execute(world: &World, command: Command) -> Result<crate::engine::Executed, Rejection> {
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
                        if let Ok(crate::engine::Executed::Done(outcome)) = execute(world, command)
                            && let crate::domain::reply::Reply::Reservation(reservation) = outcome.reply
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
