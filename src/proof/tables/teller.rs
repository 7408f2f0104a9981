//! A story told line by line: a request of the simulation's words, or what must be told.
//!
//! `→ code` says that a request is refused, and why; then nothing was written. After each line the laws hold, and where
//! the teller restarts, the process ends in good order, starts again, and every entity is what it was.
//!
//! | line | means |
//! |---|---|
//! | a line of the simulation's words | a request |
//! | `wait SECONDS` · `pass SECONDS` | time, with and without the clock's work |
//! | `status ORDER WORD` · `under ORDER WORD` | its status; the same, holds aside |
//! | `line ORDER LINE: BUCKET N …` | where its units are; buckets not named are empty |
//! | `moved ORDER LINE FROM TO N` | the line before moved so many units; new or lost units come from and go to `nothing` |
//! | `effect SKU NODE [COUNTER +N …]` | what the line before did to a level; counters not named stayed |
//! | `level SKU NODE: COUNTER N …` | what is there; counters not named are zero |
//! | `fulfils ORDER WORD …` · `reservation NAME WORD` | where its fulfilment orders stand; where a reservation does |
//!
//! What moved is read off the records, event by event: a rejected unit is seen to become unallocated before it is found a
//! new place in the same record.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use crate::domain::entity::{Entity, EntityKey};
use crate::domain::ids::OrderKey;
use crate::domain::order::{Buckets, Order, OrderStatus};
use crate::domain::rejection::Rejection;
use crate::domain::reservation::ReservationState;
use crate::domain::stock::{CellKey, Level};
use crate::engine::Engine;
use crate::proof::simulation::world::World;

/// Where units are, in the words of the domain, or that there were none.
pub type Place = &'static str;

/// Units that went from one bucket of a line to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Move {
    order: OrderKey,
    line: u16,
    from: Place,
    to: Place,
    units: u32,
}

/// See the module.
pub struct Teller {
    world: World,
    restarts: bool,
    /// Orders as the records say, event by event.
    orders: BTreeMap<OrderKey, Entity>,
    /// The last record that was read.
    read: u64,
    /// Levels before the last request.
    before: BTreeMap<CellKey, Level>,
    /// What the last request moved.
    moved: Vec<Move>,
    /// Between which buckets units have gone.
    pub seen: BTreeSet<(Place, Place)>,
}

/// Tells a story without and with restarts; says between which buckets units went.
pub fn told(story: &str) -> BTreeSet<(Place, Place)> {
    let [straight, again] = [false, true].map(|restarts| {
        let mut teller = Teller::new(restarts);
        story.lines().for_each(|line| teller.tell(line));
        teller.end()
    });
    assert_eq!(straight, again, "restarts changed what happened");
    straight
}

impl Teller {
    /// An empty world; one that ends and starts again after every line, or not.
    pub fn new(restarts: bool) -> Self {
        let world = World::open("disk 1 60000 100000 1000000").expect("a new disk opens");
        let (orders, before) = (BTreeMap::new(), BTreeMap::new());
        Self { world, restarts, orders, read: 0, before, moved: Vec::new(), seen: BTreeSet::new() }
    }

    /// What answers questions.
    pub fn engine(&self) -> &Engine {
        self.world.pipeline().engine()
    }

    /// The last record.
    pub fn seq(&self) -> u64 {
        self.world.pipeline().journal().last_seq()
    }

    /// Everything once more, at the end; between which buckets units went.
    pub fn end(mut self) -> BTreeSet<(Place, Place)> {
        self.play("laws");
        self.seen
    }

    /// One line; panics when it does not come as told.
    pub fn tell(&mut self, line: &str) {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            return;
        }
        let (step, expected) = match line.split_once('→') {
            Some((step, code)) => (step.trim(), Some(code.trim())),
            None => (line, None),
        };
        let words: Vec<&str> = step.split_whitespace().map(|word| word.trim_end_matches(':')).collect();
        if self.is_told(line, &words) {
            return;
        }
        let ended = self.take(step);
        assert_eq!(ended.as_ref().err().map(Rejection::code), expected, "{line}: {ended:?}");
    }

    /// One request, and a restart behind it when that is asked for. What is refused writes nothing, but that an edit which
    /// can no longer be done ends, and that another code was tried.
    pub fn take(&mut self, step: &str) -> Result<(), Rejection> {
        self.before = self.engine().all_levels().into_iter().collect();
        self.moved.clear();
        let seq = self.seq();
        let ended = if matches!(step.split_whitespace().next(), Some("wait" | "pass")) {
            self.play(step);
            Ok(())
        } else {
            let mut answers = self.world.ask(step).unwrap_or_else(|law| panic!("{step}: {law}"));
            answers.pop().expect("one answer to one request").map(drop)
        };
        self.listen();
        if let Err(rejection) = &ended {
            let writes = matches!(rejection.code(), "edit_stale" | "wrong_code");
            assert!(writes || self.seq() == seq, "{step}: refused as {}, and it wrote", rejection.code());
        }
        if self.restarts {
            self.play("restart 0");
            self.listen();
        }
        ended
    }

    fn play(&mut self, line: &str) {
        self.world.play(line).unwrap_or_else(|law| panic!("{line}: {law}"));
    }

    /// Reads what was appended since.
    fn listen(&mut self) {
        self.play("write");
        for seq in self.read + 1..=self.seq() {
            let record = self.world.pipeline().journal().read(seq).expect("the journal reads");
            let record = record.expect("what was written is durable");
            for event in &record.events {
                let EntityKey::Order(key) = event.entity() else { continue };
                let before = self.orders.remove(&key);
                let was = before.as_ref().map(buckets_of).unwrap_or_default();
                let after = Entity::fold(before, &record.header, event).expect("every event keeps the laws");
                for (line, is) in (0..).zip(buckets_of(&after)) {
                    let was = was.get(usize::from(line)).copied().unwrap_or_default();
                    for (from, to, units) in moves(&was, &is) {
                        self.seen.insert((from, to));
                        self.moved.push(Move { order: key, line, from, to, units });
                    }
                }
                self.orders.insert(key, after);
            }
        }
        self.read = self.seq();
    }

    fn order(&self, id: &str) -> Order {
        self.engine().order(id).unwrap_or_else(|_| panic!("there is no order {id}")).as_ref().clone()
    }

    fn cell(&self, sku: &str, node: &str) -> CellKey {
        let found = self.engine().catalogue(|c| Some((c.sku_index(sku)?, c.node_index(node)?)));
        let (sku, node) = found.unwrap_or_else(|| panic!("there is no {sku} or no {node}"));
        CellKey { sku, node }
    }

    fn level(&self, cell: CellKey) -> Level {
        let levels = self.engine().all_levels();
        levels.into_iter().find(|(known, _)| *known == cell).map(|(_, level)| level).unwrap_or_default()
    }

    /// Whether a line says what must be told; it is, or this panics.
    fn is_told(&self, line: &str, words: &[&str]) -> bool {
        match words {
            ["status", id, word] => assert_eq!(self.order(id).status().word(), *word, "{line}"),
            ["under", id, word] => assert_eq!(OrderStatus::under_hold(&self.order(id)).word(), *word, "{line}"),
            ["fulfils", id, words @ ..] => {
                let order = self.order(id);
                let shown: Vec<_> = order.fulfillment_orders.iter().map(|f| order.shown(f).word()).collect();
                assert_eq!(shown, words, "{line}");
            }
            ["reservation", id, word] => assert_eq!(reservation(self.engine(), id), *word, "{line}"),
            ["line", id, at, expected @ ..] => {
                let order = self.order(id);
                let buckets = order.buckets(order.line_at(at).expect("the line exists"));
                let full = buckets_named(&buckets).into_iter().filter(|(_, n)| *n > 0);
                assert_eq!(spelled(full), expected.join(" "), "{line}");
            }
            ["level", sku, node, expected @ ..] => {
                let level = self.level(self.cell(sku, node));
                let full = counters(&level).into_iter().filter(|(_, n)| *n > 0);
                assert_eq!(spelled(full), expected.join(" "), "{line}");
            }
            ["effect", sku, node, expected @ ..] => {
                let cell = self.cell(sku, node);
                let was = counters(&self.before.get(&cell).copied().unwrap_or_default());
                let changes = was.into_iter().zip(counters(&self.level(cell)));
                let changes = changes.map(|((name, was), (_, is))| (name, i64::from(is) - i64::from(was)));
                let changes = changes.filter(|(_, by)| *by != 0).map(|(name, by)| (name, format!("{by:+}")));
                assert_eq!(spelled(changes), expected.join(" "), "{line}");
            }
            ["moved", id, at, from, to, n] => {
                let order = self.order(id);
                let at = order.line_at(at).expect("the line exists");
                let own = self
                    .moved
                    .iter()
                    .filter(|moved| (moved.order, moved.line, moved.from, moved.to) == (order.key, at, *from, *to));
                let units: u32 = own.map(|moved| moved.units).sum();
                assert_eq!(units.to_string(), *n, "{line}: {:?}", self.moved);
            }
            _ => return false,
        }
        true
    }
}

/// The state of a reservation, in a word.
pub fn reservation(engine: &Engine, id: &str) -> &'static str {
    match engine.reservation(id).expect("the reservation exists").state {
        ReservationState::Held => "held",
        ReservationState::Claimed { .. } => "claimed",
        ReservationState::Released => "released",
        ReservationState::Expired => "expired",
    }
}

fn spelled<N: Display>(pairs: impl Iterator<Item = (Place, N)>) -> String {
    pairs.map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(" ")
}

fn buckets_of(order: &Entity) -> Vec<Buckets> {
    let Entity::Order(order) = order else { unreachable!("an order is kept under its key") };
    (0..order.lines.len() as u16).map(|line| order.buckets(line)).collect()
}

/// Every bucket by its word; a new one does not compile.
fn buckets_named(buckets: &Buckets) -> [(Place, u32); 10] {
    let Buckets {
        unallocated,
        preordered,
        backordered,
        allocated,
        released,
        picked,
        packed,
        shipped,
        delivered,
        cancelled,
    } = *buckets;
    [
        ("unallocated", unallocated),
        ("preordered", preordered),
        ("backordered", backordered),
        ("allocated", allocated),
        ("released", released),
        ("picked", picked),
        ("packed", packed),
        ("shipped", shipped),
        ("delivered", delivered),
        ("cancelled", cancelled),
    ]
}

fn counters(level: &Level) -> [(Place, u32); 9] {
    let Level { on_hand, shortfall, available, committed, reserved, pool, safety_stock, damaged, quality_control } =
        *level;
    [
        ("on_hand", on_hand),
        ("shortfall", shortfall),
        ("available", available),
        ("committed", committed),
        ("reserved", reserved),
        ("pool", pool),
        ("safety_stock", safety_stock),
        ("damaged", damaged),
        ("quality_control", quality_control),
    ]
}

/// From where to where units went when the buckets of a line changed so.
fn moves(was: &Buckets, is: &Buckets) -> Vec<(Place, Place, u32)> {
    let pairs = || buckets_named(was).into_iter().zip(buckets_named(is));
    let left = pairs().filter(|((_, was), (_, is))| was > is).map(|((name, was), (_, is))| (name, was - is));
    let came = pairs().filter(|((_, was), (_, is))| was < is).map(|((name, was), (_, is))| (name, is - was));
    let (mut left, mut came): (Vec<_>, Vec<_>) = (left.collect(), came.collect());
    let sum = |places: &[(Place, u32)]| places.iter().map(|(_, n)| *n).sum::<u32>();
    let (out, into) = (sum(&left), sum(&came));
    left.extend((into > out).then(|| ("nothing", into - out)));
    came.extend((out > into).then(|| ("nothing", out - into)));
    let mut found = Vec::new();
    for (from, mut rest) in left {
        for (to, room) in came.iter_mut().filter(|(_, room)| *room > 0) {
            let units = rest.min(*room);
            if units > 0 {
                found.push((from, *to, units));
            }
            (rest, *room) = (rest - units, *room - units);
        }
    }
    found
}
