//! The same with the whole engine: a shop that receives, reserves, one by one and in batches, orders, releases and cancels, and what it was told.
//!
//! The recorded process runs the write path of `ordain serve` (pipeline, engine, journal) with the small generations of
//! [`writer`](super::writer). An image is opened as `ordain serve` opens a directory, by [`Ordain::start`]; recovery
//! folds every event under the laws of the domain. Then every answer given before the power went must still be true,
//! every level must balance, new work must succeed, and `check` must find nothing.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::judge::Finding;
use super::power::{Judge, judge_all, points};
use super::preload::Word;
use super::recorder::Recording;
use super::trace::{Step, Trace};
use super::writer::{self, name};
use super::{Dice, setting};
use crate::app::Ordain;
use crate::config::{Clock, Settings};
use crate::domain::command::{
    Adjustment, CancelOrder, Command, Context, PlaceLine, PlaceOrder, PutItem, Reserve, ReserveLine, ReserveOne,
    ShipTo, Wishes,
};
use crate::domain::geo::Position;
use crate::domain::item::{Dimensions, ItemKind};
use crate::domain::money::Currency;
use crate::domain::node::{Node, NodeKind};
use crate::domain::order::{OrderType, Sealed};
use crate::domain::order_status::OrderStatus;
use crate::domain::quantity::Quantity;
use crate::domain::reservation::ReservationState;
use crate::domain::stock::MovementKind;
use crate::journal::{Look, ManualClock, StoreKind, Unrecovered, check};
use crate::pipeline::{Pipeline, Refused};

const TOLD: &str = "ORDAIN_SHOP";
const NAME: &str = "proof::disk::shop::a_shop_trades_until_power_goes";
const SKUS: [&str; 3] = ["cable", "case", "phone"];
/// Units that come after a start: more than can be waited for.
const AFTER: i32 = 100_000;
const GENERATION_BYTES: u64 = 8 << 10;

fn node() -> Command {
    Command::PutNode(Box::new(Node {
        id: "east".into(),
        kind: NodeKind::Warehouse,
        name: "East".into(),
        position: Position::from_degrees(40.7, -74.0).expect("on the globe"),
        country: "US".into(),
        postal_code: "10001".into(),
        time_zone: "UTC".into(),
        active: true,
        inactive_reason: None,
        handling: None,
        capacity_per_day: None,
        cutoff_min: None,
        calendar: None,
        capabilities: Vec::new(),
    }))
}

fn item(sku: &str) -> Command {
    Command::PutItem(Box::new(PutItem {
        sku: sku.into(),
        name: sku.into(),
        kind: ItemKind::Product,
        weight_g: 100,
        dimensions: Dimensions::default(),
        value: None,
        components: Vec::new(),
        release_at: None,
        tracking: None,
        packing: Default::default(),
    }))
}

fn receive(sku: &str, delta: i32) -> Command {
    let reason = MovementKind::Received;
    Command::AdjustStock(vec![Adjustment { sku: sku.into(), node: "east".into(), delta, reason }])
}

fn reserve(id: &str, sku: &str, units: u32) -> Reserve {
    let quantity = Quantity::new(units).expect("at least one");
    Reserve {
        id: Some(id.into()),
        fingerprint: 0,
        owner: "cart".into(),
        ttl_s: 3_600,
        lines: vec![ReserveLine { sku: sku.into(), quantity, node: None }],
        partial: false,
        channel: None,
        customer: None,
    }
}

fn order(id: &str, sku: &str, units: u32, reservation: Option<&str>) -> Command {
    let quantity = Quantity::new(units).expect("at least one");
    Command::PlaceOrder(Box::new(PlaceOrder {
        id: Some(id.into()),
        fingerprint: 0,
        kind: OrderType::Standard,
        channel: "web".into(),
        channel_order_id: id.into(),
        customer: "customer".into(),
        personal: Sealed::default(),
        currency: Currency::USD,
        destinations: vec![ShipTo {
            group: "".into(),
            country: "US".into(),
            postal_code: "10001".into(),
            parts: None,
            position: Position::from_degrees(40.0, -75.0),
            personal: Sealed::default(),
        }],
        lines: vec![PlaceLine { id: "1".into(), sku: sku.into(), quantity, unit_price: 100, group: 0 }],
        delivery_method: "ship".into(),
        reservation: reservation.map(Into::into),
        reacquire: false,
        rule_set: None,
        placed_at: None,
        payment: None,
        total: None,
        holds: Vec::new(),
        wishes: Wishes::default(),
    }))
}

#[test]
fn a_shop_trades_until_power_goes() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let root = PathBuf::from(std::env::var("ORDAIN_RECORD_ROOT").expect("a recorded process has a root"));
    let (store, seed) = told.split_once(' ').expect("a store and a seed");
    let store = if store == name(StoreKind::Plain) { StoreKind::Plain } else { StoreKind::Sled };
    trade(store, seed.parse().expect("a number"), &root);
    std::process::exit(0);
}

/// Two openings of a hundred commands; every answer is told as a line `word id sku units`.
fn trade(store: StoreKind, seed: u64, root: &Path) {
    let acks = OpenOptions::new().append(true).create(true).open(root.join("ACKS"));
    let (acks, mut dice) = (acks.expect("the root is writable"), Dice::new(seed));
    let tell = |words: String| (&acks).write_all(format!("{words}\n").as_bytes()).expect("acks never fail");
    for opening in 0..2 {
        let options = writer::options(store, GENERATION_BYTES, false);
        let opened = Unrecovered::open(&root.join("data"), options).and_then(Unrecovered::recover);
        let (journal, state) = opened.expect("it opens");
        let shop = Pipeline::start(journal, state, None);
        let ask = |word: String, command: Command| match shop.submit_blocking(&Context::library(), command) {
            Ok(_) => tell(word),
            Err(Refused::Rejected(_)) => {}
            Err(other) => panic!("{other}"),
        };
        ask("node".into(), node());
        SKUS.iter().for_each(|sku| ask("item".into(), item(sku)));
        let mut reserved: Vec<(String, &str, u32)> = Vec::new();
        for turn in 0..100 {
            let (sku, units) = (SKUS[dice.below(3) as usize], 1 + dice.below(4) as u32);
            let id = format!("{seed}-{opening}-{turn}");
            match dice.below(9) {
                0 | 1 => ask(format!("received {id} {sku} {units}"), receive(sku, units as i32 * 5)),
                2..=4 => {
                    ask(format!("reserved {id} {sku} {units}"), Command::Reserve(reserve(&id, sku, units)));
                    reserved.push((id, sku, units));
                }
                5 if !reserved.is_empty() => {
                    let (reservation, sku, units) = reserved.swap_remove(dice.below(reserved.len() as u64) as usize);
                    let placed = order(&id, sku, units, Some(&reservation));
                    ask(format!("ordered {id} {sku} {units}\nclaimed {reservation} {sku} {units}"), placed);
                }
                6 if !reserved.is_empty() => {
                    let (id, sku, units) = reserved.swap_remove(dice.below(reserved.len() as u64) as usize);
                    let release = Command::ReleaseReservation { reservation: id.as_str().into() };
                    ask(format!("released {id} {sku} {units}"), release);
                }
                7 => {
                    let many: Vec<(String, &str, u32)> = (0..2 + dice.below(7))
                        .map(|part| (format!("{id}-{part}"), SKUS[dice.below(3) as usize], 1 + dice.below(4) as u32))
                        .collect();
                    let one = |(id, sku, units): &(String, &str, u32)| ReserveOne {
                        key: None,
                        reserve: reserve(id, sku, *units),
                    };
                    let wanted: Vec<ReserveOne> = many.iter().map(one).collect();
                    let answers = shop.reserve_many_blocking(&Context::library(), &wanted).expect("a seat and a disk");
                    // Each is answered for itself, and all at once.
                    let made = many.into_iter().zip(answers.into_inner()).filter(|(_, answer)| answer.is_ok());
                    let made: Vec<(String, &str, u32)> = made.map(|(one, _)| one).collect();
                    let words = made.iter().map(|(id, sku, units)| format!("reserved {id} {sku} {units}"));
                    let words: Vec<String> = words.collect();
                    if !words.is_empty() {
                        tell(words.join("\n"));
                    }
                    reserved.extend(made);
                }
                _ => {
                    ask(format!("ordered {id} {sku} {units}"), order(&id, sku, units, None));
                    if dice.below(3) == 0 {
                        let cancel = CancelOrder { order: id.as_str().into(), lines: None, reason: "test".into() };
                        ask(format!("cancelled {id} {sku} {units}"), Command::CancelOrder(cancel));
                    }
                }
            }
            if dice.below(8) == 0 {
                shop.journal().upkeep();
            }
        }
        if opening == 0 {
            shop.journal().close().expect("it closes");
        } else {
            std::mem::forget(shop);
        }
    }
}

/// The answers given before a point, in order.
fn answers(trace: &Trace, point: usize) -> impl Iterator<Item = &str> {
    trace.steps[..point].iter().filter_map(|step| match step {
        Step::Ack(line) => Some(line.as_str()),
        _ => None,
    })
}

fn judge_shop(disk: &Path, trace: &Trace, point: usize) -> Result<(), Finding> {
    let root = disk.join("data");
    let unopened = |what: String| Finding::Unopened(what);
    let settings = Settings { clock: Clock::Replay(ManualClock::at(1_000)), ..Settings::of(&root) };
    let shop = Ordain::start(&settings).map_err(|failure| unopened(failure.to_string()))?;
    let engine = shop.pipeline().engine();
    let mut received = 0;
    for line in answers(trace, point) {
        let words: Vec<&str> = line.split(' ').collect();
        let [word, id, _, units] = words[..] else { continue };
        let units: u64 = units.parse().expect("a number");
        let lost = |what: &str| Finding::Lost(format!("`{line}` was answered: {what}"));
        match word {
            "received" => received += units * 5,
            "ordered" | "cancelled" => {
                let order = engine.order(id).map_err(|_| lost("there is no such order"))?;
                if order.lines.iter().map(|line| u64::from(line.placed.quantity)).sum::<u64>() != units {
                    return Err(lost("it has other units"));
                }
                if word == "cancelled" && order.status() != OrderStatus::Cancelled {
                    return Err(lost("it is not cancelled"));
                }
            }
            _ => {
                let reservation = engine.reservation(id).map_err(|_| lost("there is no such reservation"))?;
                if reservation.lines.iter().map(|held| u64::from(held.quantity)).sum::<u64>() != units {
                    return Err(lost("it holds other units"));
                }
                let holds = match word {
                    "claimed" => matches!(reservation.state, ReservationState::Claimed { .. }),
                    "released" => reservation.state == ReservationState::Released,
                    // What came later may be there too, told or not.
                    _ => true,
                };
                if !holds {
                    return Err(lost(&format!("it is {:?}", reservation.state)));
                }
            }
        }
    }
    let mut on_hand = 0;
    for (cell, level) in engine.all_levels() {
        on_hand += u64::from(level.on_hand);
        let owed = level.on_hand + level.shortfall;
        let spent = level.available + level.committed + level.reserved + level.safety_stock + level.damaged;
        if owed != spent + level.quality_control {
            return Err(Finding::Torn(format!("{cell:?} does not balance: {level:?}")));
        }
    }
    if on_hand < received {
        return Err(Finding::Lost(format!("{received} units were received, {on_hand} are there")));
    }
    let again = [node(), item("phone"), receive("phone", AFTER), Command::Reserve(reserve("after", "phone", 1))];
    for command in again {
        shop.submit(command).map_err(|refused| unopened(refused.to_string()))?;
    }
    shop.close().map_err(|failure| unopened(failure.to_string()))?;
    let report = check(&Look { root: &root, scratch: &disk.join("scratch"), verifier: None })
        .map_err(|failure| unopened(failure.to_string()))?;
    match report.findings.first() {
        None => Ok(()),
        Some(finding) => Err(Finding::Torn(finding.clone())),
    }
}

#[test]
fn every_answer_of_a_shop_survives_a_loss_of_power() {
    let (seed, images) = (setting("ORDAIN_SEED", 1), setting("ORDAIN_IMAGES", 1_200) / 10);
    for store in [StoreKind::Sled, StoreKind::Plain] {
        let recording = Recording::new();
        recording.set(Word::SyncMicroseconds, 100);
        for process in 0..2 {
            let ended = recording.run(NAME, TOLD, &format!("{} {}", name(store), seed * 2 + process));
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        }
        let trace = Arc::new(recording.trace());
        let choices = points(&trace, images / 2, &mut Dice::new(seed));
        let judge: Arc<Judge> = Arc::new({
            let trace = trace.clone();
            move |disk: &Path, point| judge_shop(disk, &trace, point)
        });
        let tally = judge_all(trace, choices, false, judge);
        assert!(tally.images > 0);
        tally.settle(&format!("{}-shop", name(store)), seed);
    }
}
