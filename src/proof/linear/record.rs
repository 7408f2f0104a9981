//! Histories of real threads on the real engine, per cell.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use super::wgl::{Operation, Seen, is_linearizable};
use crate::domain::command::{Adjustment, Command, Context, ReserveLine};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::MovementKind;
use crate::engine::Executed;
use crate::engine::tests::random::Dice;
use crate::engine::tests::world::{World, quantity, text};

const THREADS: u64 = 4;
const STEPS: u32 = 60;
const CELLS: [(&str, &str); 2] = [("phone", "east"), ("phone", "west")];
const UNITS_AT_START: u32 = 3;

/// Everything one thread saw, by cell.
type Notes = [Vec<Operation>; CELLS.len()];

struct Witness<'a> {
    world: &'a World,
    moments: &'a AtomicU64,
    /// Held reservations: cell, units, id.
    mine: Vec<(usize, u32, String)>,
    notes: Notes,
}

impl Witness<'_> {
    fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    /// Carries a command out and notes what was seen.
    fn execute(&mut self, cell: usize, command: Command, seen: Seen) -> Option<Executed> {
        let called = self.moment();
        let answer = self.world.engine.execute(&*self.world.log, &Context::library(), command);
        let answered = self.moment();
        let seen = match (&answer, seen) {
            (Ok(_), seen) => seen,
            (Err(Rejection::InsufficientStock { .. }), Seen::Took(units)) => Seen::Refused(units),
            // "Come again" says nothing about the cell.
            (Err(Rejection::Contended), _) => return None,
            (Err(other), _) => panic!("{seen:?} was answered by {other:?}"),
        };
        self.notes[cell].push(Operation { seen, called, answered });
        answer.ok()
    }

    fn step(&mut self, dice: &mut Dice) {
        let cell = dice.roll(CELLS.len() as u32) as usize;
        let (sku, node) = CELLS[cell];
        match dice.roll(8) {
            0 | 1 if !self.mine.is_empty() => {
                let (cell, units, id) = self.mine.swap_remove(dice.roll(self.mine.len() as u32) as usize);
                self.execute(cell, Command::ReleaseReservation { reservation: text(&id) }, Seen::Gave(units));
            }
            2 => {
                let units = 1 + dice.roll(2);
                let received = Adjustment {
                    sku: text(sku),
                    node: text(node),
                    delta: units as i32,
                    reason: MovementKind::Received,
                };
                self.execute(cell, Command::AdjustStock(vec![received]), Seen::Gave(units));
            }
            3 | 4 => {
                let called = self.moment();
                let now = crate::domain::time::JournalTime(self.world.log.now.load(Ordering::SeqCst));
                let atp = self.world.engine.atp(now, sku, Some(node)).expect("both are known");
                let answered = self.moment();
                let units = u32::try_from(atp.available).expect("few units");
                self.notes[cell].push(Operation { seen: Seen::Read(units), called, answered });
            }
            _ => {
                let units = 1 + dice.roll(3);
                let line = ReserveLine { sku: text(sku), quantity: quantity(units), node: Some(text(node)) };
                let reserve = Command::Reserve(World::reserve_of(vec![line], 600));
                if let Some(Executed::Done(outcome)) = self.execute(cell, reserve, Seen::Took(units))
                    && let Reply::Reservation(reservation) = outcome.reply
                {
                    self.mine.push((cell, units, reservation.name()));
                }
            }
        }
    }
}

fn record(seed: u64) -> Notes {
    let world = World::new();
    for (sku, node) in CELLS {
        world.stock(sku, node, UNITS_AT_START as i32).expect("room");
    }
    let (moments, all, start) = (AtomicU64::new(0), Mutex::new(Notes::default()), Barrier::new(THREADS as usize));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (world, moments, all, start) = (&world, &moments, &all, &start);
            scope.spawn(move || {
                let mut dice = Dice(seed * THREADS + thread);
                let mut witness = Witness { world, moments, mine: Vec::new(), notes: Notes::default() };
                start.wait();
                (0..STEPS).for_each(|_| witness.step(&mut dice));
                let mut all = all.lock().expect("a witness does not panic while noting");
                for (cell, notes) in witness.notes.into_iter().enumerate() {
                    all[cell].extend(notes);
                }
            });
        }
    });
    world.check();
    all.into_inner().expect("nobody holds it any more")
}

#[test]
fn every_history_of_a_cell_is_that_of_one_counter() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |n| n.parse().expect("a number"));
    let (histories, first) = (number("ORDAIN_HISTORIES", 1_000), number("ORDAIN_SEED", 1));
    let mut operations = 0;
    for seed in first..first + histories {
        for (cell, mut notes) in record(seed).into_iter().enumerate() {
            operations += notes.len();
            notes.sort_by_key(|operation| operation.called);
            assert!(is_linearizable(UNITS_AT_START, &notes), "seed {seed}, {:?}: {notes:#?}", CELLS[cell]);
        }
    }
    println!("linear seed={first} histories={histories} operations={operations} violations=0");
}
