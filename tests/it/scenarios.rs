//! Scenarios as text tables that a shopkeeper could read.
//!
//! One line is one step; `→ code` says that it is refused, and why. Each table runs three times: as it stands, with a
//! restart after every line, and with two, and must end with the same state. The laws are checked after every line.
//!
//! | line | means |
//! |---|---|
//! | `node NAME LATITUDE LONGITUDE` | a warehouse |
//! | `item SKU` · `kit SKU = SKU N + SKU N` | a product, a kit |
//! | `stock SKU NODE N` | N more are received, or fewer are there when N is negative |
//! | `count SKU NODE N` | N are counted |
//! | `reserve NAME SECONDS SKU N + SKU N` · `release NAME` | a reservation |
//! | `order NAME SKU N + SKU N` · `order NAME with RESERVATION SKU N` | an order to Philadelphia |
//! | `cancel NAME` · `cancel NAME LINE N` | all of an order that can be, or units of a line |
//! | `accept` `reject` `pick` `pack` `ship` `deliver` `ORDER NUMBER` | a step of a fulfilment order |
//! | `short ORDER NUMBER LINE N` | units are not found |
//! | `off NODE` · `on NODE` | a node |
//! | `wait SECONDS` · `restart` | time, and the end of a process |
//! | `level SKU NODE: WORD N WORD N` | what must be there; words not named are zero |
//! | `free SKU N` · `status ORDER WORD` · `from ORDER NODE NODE` · `state RESERVATION WORD` | what must be told |

use ordain::domain::command::*;
use ordain::domain::fulfillment::{Shipment, ShortReason};
use ordain::domain::ids::FulfillmentKey;
use ordain::domain::item::ItemKind;
use ordain::domain::order::Order;
use ordain::domain::rejection::Rejection;
use ordain::domain::reservation::{Reservation, ReservationState};
use ordain::domain::stock::{Level, MovementKind};
use ordain::pipeline::Refused;
use tempfile::TempDir;

use crate::shop::{self, Shop, quantity, text};

/// Runs a table with and without restarts.
fn check(table: &str) {
    let plain = run(table, 0);
    for restarts in 1..=2 {
        assert_eq!(run(table, restarts), plain, "the state with {restarts} restarts after every line differs");
    }
}

fn run(table: &str, restarts: u32) -> Vec<String> {
    let dir = TempDir::new().expect("a folder can be made");
    let mut shop = Shop::open(dir.path());
    let mut names = Names::default();
    for (number, line) in table.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let (step, expected) = match line.split_once('→') {
            Some((step, code)) => (step, Some(code.trim())),
            None => (line, None),
        };
        let words: Vec<&str> = step.split_whitespace().collect();
        let ended = if words == ["restart"] {
            shop = shop.restart(dir.path());
            Ok(())
        } else {
            names.note(&words);
            take(&shop, &words)
        };
        let code = ended.as_ref().err().map(Rejection::code);
        assert_eq!(code, expected, "line {}: {line}: {:?}", number + 1, ended);
        shop.check();
        for _ in 0..restarts {
            shop = shop.restart(dir.path());
        }
    }
    names.picture(&shop)
}

/// Who was spoken of, so that the end can be told.
#[derive(Default)]
struct Names {
    orders: Vec<String>,
    reservations: Vec<String>,
}

impl Names {
    fn note(&mut self, words: &[&str]) {
        match words {
            ["order", id, ..] => self.orders.push((*id).to_owned()),
            ["reserve", id, ..] => self.reservations.push((*id).to_owned()),
            _ => {}
        }
    }

    /// The state in words that do not depend on generated numbers or times.
    fn picture(&self, shop: &Shop) -> Vec<String> {
        let mut lines: Vec<String> = shop.levels().iter().map(|(cell, level)| format!("{cell:?}: {level:?}")).collect();
        // What was refused does not exist; that is part of the picture too.
        lines.extend(self.orders.iter().map(|id| match shop.ordain.engine().order(id) {
            Ok(order) => {
                let buckets: Vec<_> = (0..order.lines.len()).map(|line| order.buckets(line as u16)).collect();
                let from: Vec<_> = order.fulfillment_orders.iter().map(|f| (f.node, f.status, &f.lines)).collect();
                format!("order {id}: {} {buckets:?} {from:?}", order.status().word())
            }
            Err(_) => format!("order {id}: none"),
        }));
        lines.extend(self.reservations.iter().map(|id| match shop.ordain.engine().reservation(id) {
            Ok(reservation) => format!("reservation {id}: {} {:?}", state(&reservation), reservation.lines),
            Err(_) => format!("reservation {id}: none"),
        }));
        lines
    }
}

fn state(reservation: &Reservation) -> &'static str {
    match reservation.state {
        ReservationState::Held => "held",
        ReservationState::Claimed { .. } => "claimed",
        ReservationState::Released => "released",
        ReservationState::Expired => "expired",
    }
}

fn take(shop: &Shop, words: &[&str]) -> Result<(), Rejection> {
    let number = |text: &str| text.parse::<i32>().unwrap_or_else(|_| panic!("{text} is a number"));
    let units = |text: &str| quantity(number(text) as u32);
    let command = match words {
        ["node", id, latitude, longitude] => {
            let degrees = |text: &str| text.parse::<f64>().expect("degrees");
            shop.node(id, degrees(latitude), degrees(longitude));
            return Ok(());
        }
        ["item", sku] => {
            shop.item(sku, ItemKind::Product, &[]);
            return Ok(());
        }
        ["kit", sku, "=", parts @ ..] => {
            shop.item(sku, ItemKind::Kit, &lines(parts));
            return Ok(());
        }
        ["stock", sku, node, n] => {
            let reason = if number(n) < 0 { MovementKind::Lost } else { MovementKind::Received };
            Command::AdjustStock(vec![Adjustment { sku: text(sku), node: text(node), delta: number(n), reason }])
        }
        ["count", sku, node, n] => Command::SetOnHand(SetOnHand {
            sku: text(sku),
            node: text(node),
            on_hand: number(n) as u32,
            expected: None,
            source: None,
            source_seq: None,
            as_of: None,
        }),
        ["reserve", id, seconds, parts @ ..] => {
            let reserve = shop::reserve(&lines(parts), number(seconds) as u64);
            Command::Reserve(Reserve { id: Some(text(id)), ..reserve })
        }
        ["release", id] => Command::ReleaseReservation { reservation: text(id) },
        ["order", id, rest @ ..] => {
            let (reservation, parts) = match rest {
                ["with", reservation, parts @ ..] => (Some(text(reservation)), parts),
                parts => (None, parts),
            };
            let order = shop::order(id, &lines(parts));
            Command::PlaceOrder(Box::new(PlaceOrder { id: Some(text(id)), reservation, ..order }))
        }
        ["cancel", id, rest @ ..] => {
            let lines = match rest {
                [line, n] => Some(vec![CancelUnits { line: text(line), quantity: units(n), from: None }]),
                _ => None,
            };
            Command::CancelOrder(CancelOrder { order: text(id), lines, reason: text("no longer wanted") })
        }
        ["short", id, at, line, n] => {
            let lines = vec![NamedUnits { line: text(line), quantity: units(n) }];
            fulfill(&order(shop, id), number(at), FulfillmentAction::Short { lines, reason: ShortReason::Mismatch })
        }
        [verb @ ("accept" | "reject" | "pick" | "pack" | "ship" | "deliver"), id, at] => {
            fulfill(&order(shop, id), number(at), action(verb))
        }
        [switch @ ("off" | "on"), node] => {
            let patch = NodePatch { active: Some(*switch == "on"), ..NodePatch::default() };
            Command::PatchNode { node: text(node), patch: Box::new(patch) }
        }
        ["wait", seconds] => {
            shop.clock.advance(number(seconds) as u32 * 1_000);
            shop.ordain.tick();
            return Ok(());
        }
        told => {
            assert_told(shop, told);
            return Ok(());
        }
    };
    match shop.run(command) {
        Ok(_) => Ok(()),
        Err(Refused::Rejected(rejection)) => Err(rejection),
        Err(other) => panic!("the engine should have decided: {other}"),
    }
}

/// What must be told.
fn assert_told(shop: &Shop, words: &[&str]) {
    match words {
        ["level", sku, node, expected @ ..] => {
            let node = node.trim_end_matches(':');
            let view = shop.ordain.engine().stock(sku).expect("the sku exists");
            let at_node = view.nodes.iter().find(|(id, _)| &**id == node);
            let is = at_node.map_or(Level::default(), |(_, level)| *level);
            assert_eq!(is, level(expected), "{sku} at {node}");
        }
        ["free", sku, n] => assert_eq!(shop.atp(sku).to_string(), *n, "{sku}"),
        ["status", id, word] => assert_eq!(order(shop, id).status().word(), *word, "{id}"),
        ["state", id, word] => {
            let reservation = shop.ordain.engine().reservation(id).expect("the reservation exists");
            assert_eq!(state(&reservation), *word, "{id}");
        }
        ["from", id, nodes @ ..] => {
            let order = order(shop, id);
            let live = order.fulfillment_orders.iter().filter(|f| f.status.is_live());
            let names: Vec<String> = shop
                .ordain
                .engine()
                .catalogue(|catalogue| live.map(|f| catalogue.node(f.node).id.to_string()).collect());
            assert_eq!(names, nodes, "{id}");
        }
        other => panic!("no such step: {other:?}"),
    }
}

fn order(shop: &Shop, id: &str) -> Order {
    shop.ordain.engine().order(id).expect("the order exists")
}

fn fulfill(order: &Order, number: i32, action: FulfillmentAction) -> Command {
    let key = FulfillmentKey { order: order.key, number: number as u16 };
    Command::Fulfill(Fulfill { fulfillment: text(&key.to_string()), action })
}

fn lines<'a>(words: &[&'a str]) -> Vec<(&'a str, u32)> {
    let line = |part: &[&'a str]| match part {
        [sku, n] => (*sku, n.parse().expect("a quantity")),
        other => panic!("not a sku and a quantity: {other:?}"),
    };
    words.split(|word| *word == "+").map(line).collect()
}

fn action(verb: &str) -> FulfillmentAction {
    match verb {
        "accept" => FulfillmentAction::Accept,
        "reject" => FulfillmentAction::Reject { reason: "closed today".into() },
        "pick" => FulfillmentAction::Pick { lines: None },
        "pack" => FulfillmentAction::Pack,
        "ship" => FulfillmentAction::Ship {
            shipment: Shipment { carrier: "post".into(), service: "parcel".into(), tracking_number: "1".into() },
        },
        _ => FulfillmentAction::Deliver,
    }
}

fn level(words: &[&str]) -> Level {
    let mut level = Level::default();
    for pair in words.chunks(2) {
        let [word, n] = pair else { panic!("a word and a number, not {pair:?}") };
        let counter = match *word {
            "on_hand" => &mut level.on_hand,
            "shortfall" => &mut level.shortfall,
            "available" => &mut level.available,
            "committed" => &mut level.committed,
            "reserved" => &mut level.reserved,
            "damaged" => &mut level.damaged,
            "quality_control" => &mut level.quality_control,
            "safety_stock" => &mut level.safety_stock,
            other => panic!("no such counter: {other}"),
        };
        *counter = n.parse().expect("a number");
    }
    level
}

#[test]
fn an_order_goes_through_to_delivered() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        stock mug chicago 10
        order o1 mug 3
        status o1 fully_allocated
        level mug chicago: on_hand 10 available 7 committed 3
        accept o1 1
        status o1 in_fulfillment
        deliver o1 1 → illegal_transition
        pick o1 1
        pack o1 1
        ship o1 1
        level mug chicago: on_hand 7 available 7
        deliver o1 1
        status o1 fulfilled
        ",
    );
}

#[test]
fn release_gives_back_what_reserve_took() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        item cup
        stock mug chicago 10
        stock cup chicago 1
        reserve cart 600 mug 4 + cup 1
        level mug chicago: on_hand 10 available 6 reserved 4
        reserve other 600 mug 7 → insufficient_stock
        reserve other 600 mug 1 + cup 1 → insufficient_stock   # nothing is taken
        free mug 6
        release cart
        level mug chicago: on_hand 10 available 10
        level cup chicago: on_hand 1 available 1
        state cart released
        ",
    );
}

#[test]
fn what_is_due_is_free_at_its_instant() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        stock mug chicago 5
        reserve cart 600 mug 5
        wait 599
        free mug 0
        reserve other 60 mug 1 → insufficient_stock
        wait 1
        free mug 5
        reserve other 60 mug 5
        state cart expired
        order late with cart mug 5 → reservation_expired
        ",
    );
}

#[test]
fn the_nearest_node_serves_and_what_it_lacks_comes_from_the_next() {
    check(
        "
        node chicago 41.88 -87.63
        node reno 39.53 -119.81
        item mug
        item cup
        stock mug chicago 2
        stock mug reno 8
        stock cup reno 9
        order near mug 1
        from near chicago
        order both mug 9            # one from chicago, eight from reno
        status both fully_allocated
        level mug chicago: on_hand 2 committed 2
        order far cup 1
        from far reno
        ",
    );
}

#[test]
fn a_node_that_rejects_is_not_asked_again() {
    check(
        "
        node chicago 41.88 -87.63
        node reno 39.53 -119.81
        item mug
        stock mug chicago 5
        stock mug reno 5
        order o1 mug 2
        from o1 chicago
        reject o1 1
        from o1 reno
        level mug chicago: on_hand 5 available 5
        level mug reno: on_hand 5 available 3 committed 2
        ",
    );
}

#[test]
fn units_that_are_not_found_come_from_elsewhere() {
    check(
        "
        node chicago 41.88 -87.63
        node reno 39.53 -119.81
        item mug
        stock mug chicago 5
        stock mug reno 5
        order o1 mug 3
        accept o1 1
        short o1 1 1 2
        level mug chicago: on_hand 3 available 2 committed 1
        level mug reno: on_hand 5 available 3 committed 2
        from o1 chicago reno
        ",
    );
}

#[test]
fn what_cannot_be_filled_waits_and_is_filled_first() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        stock mug chicago 2
        order first mug 5
        status first partially_allocated
        level mug chicago: on_hand 2 committed 2
        order second mug 1
        status second backordered
        stock mug chicago 3
        status first fully_allocated
        status second backordered
        free mug 0
        cancel first
        status first cancelled
        status second fully_allocated
        free mug 4
        ",
    );
}

#[test]
fn a_node_that_is_off_gets_nothing_new() {
    check(
        "
        node chicago 41.88 -87.63
        node reno 39.53 -119.81
        item mug
        stock mug chicago 5
        stock mug reno 5
        off chicago
        order o1 mug 1
        from o1 reno
        on chicago
        order o2 mug 1
        from o2 chicago
        ",
    );
}

#[test]
fn a_count_below_what_was_promised_leaves_a_shortfall_that_the_next_receipt_pays() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        stock mug chicago 5
        order o1 mug 4
        count mug chicago 3
        level mug chicago: on_hand 3 shortfall 1 committed 4
        stock mug chicago 2
        level mug chicago: on_hand 5 available 1 committed 4
        ",
    );
}
