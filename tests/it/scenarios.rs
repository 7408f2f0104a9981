//! Scenarios as text tables that a shopkeeper could read.
//!
//! One line is one step; `→ code` says that it is refused, and why. Each table runs three times: as it stands, with a
//! restart after every line, and with two, and must end with the same state. The laws are checked after every line.
//!
//! | line | means |
//! |---|---|
//! | `node NAME LATITUDE LONGITUDE` | a warehouse |
//! | `item SKU` · `kit SKU = SKU N + SKU N` | a product, a kit |
//! | `item SKU released SECONDS` | a product that is released so many seconds from now |
//! | `inbound NAME NODE SECONDS SKU N` · `come NAME SKU N` | supply on its way, and that of it so much came |
//! | `stock SKU NODE N` | N more are received, or fewer are there when N is negative |
//! | `count SKU NODE N` | N are counted |
//! | `reserve NAME SECONDS SKU N + SKU N` · `release NAME` | a reservation |
//! | `order NAME SKU N + SKU N` · `order NAME with RESERVATION SKU N` | an order to Philadelphia |
//! | `prefer NODE NAME SKU N` | an order that asks a node before all others |
//! | `preorder NAME SKU N` · `later NAME SKU N` · `in SECONDS NAME SKU N` | the same of type `pre_order`, or one that rests |
//! | `subscribe NAME PERIOD SECONDS SKU N` · `insist NAME PERIOD SECONDS SKU N` | a schedule whose first order is due so many seconds from now; one that tries again when it cannot be had whole |
//! | `pause` `resume` `skip` `unsubscribe` `NAME` · `stands NAME STATE NUMBER` | a schedule; its orders are called `NAME:1` and so on |
//! | `route ORDER` · `allocate ORDER` | an order that rests is planned, allocated |
//! | `service SKU` · `slots NODE ID SECONDS N + ID SECONDS N` | a service; times at a node that begin so many seconds from now, each with N places |
//! | `book NODE SLOT NAME SKU N + SKU N` · `places NODE SLOT N` | an order whose last line has a slot; N places of it are used |
//! | `merge ORDER ORDER` | all that is open of the second goes to the first |
//! | `cancel NAME` · `cancel NAME LINE N` | all of an order that can be, or units of a line |
//! | `order NAME later SECONDS SKU N` | an order that is handed to nodes so many seconds from now |
//! | `accept` `reject` `pick` `pack` `ready` `hand_over` `ship` `deliver` `ORDER NUMBER` | a step of a fulfilment order |
//! | `ready ORDER NUMBER SECONDS` | it waits to be picked up for so long |
//! | `stop` `elsewhere` `let_go` `go_on` `put_back` `ORDER NUMBER` | cancel it, cancel and source again, agree, refuse, put back |
//! | `move ORDER NUMBER NODE` · `split ORDER NUMBER LINE N` · `merge ORDER NUMBER NUMBER` | it is rearranged |
//! | `short ORDER NUMBER LINE N` | units are not found |
//! | `off NODE` · `on NODE` | a node |
//! | `wait SECONDS` · `restart` | time, and the end of a process |
//! | `level SKU NODE: WORD N WORD N` | what must be there; words not named are zero |
//! | `line ORDER LINE: BUCKET N BUCKET N` · `awaits ORDER: NAME N` | where its units are, what they wait for |
//! | `fulfils ORDER WORD WORD` | where its fulfilment orders must stand |
//! | `free SKU N` · `status ORDER WORD` · `from ORDER NODE NODE` · `state RESERVATION WORD` | what must be told |

use ordain::domain::command::*;
use ordain::domain::fulfillment::{Shipment, ShortReason};
use ordain::domain::ids::FulfillmentKey;
use ordain::domain::inbound::Peg;
use ordain::domain::item::ItemKind;
use ordain::domain::order::{Order, OrderType};
use ordain::domain::record::Log;
use ordain::domain::rejection::Rejection;
use ordain::domain::reservation::{Reservation, ReservationState};
use ordain::domain::stock::{Level, MovementKind};
use ordain::domain::subscription::{Every, WhenShort};
use ordain::domain::time::WallTime;
use ordain::pipeline::Refused;
use tempfile::TempDir;

use crate::shop::{self, Shop, quantity, text};

/// Runs a table with and without restarts.
pub fn check(table: &str) {
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
            ["order" | "preorder" | "later", id, ..] | ["in" | "prefer", _, id, ..] | ["book", _, _, id, ..] => {
                self.orders.push((*id).to_owned())
            }
            ["status", id, ..] if id.contains(':') => self.orders.push((*id).to_owned()),
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
        ["item", sku, "released", seconds] => {
            shop.item_released(sku, ItemKind::Product, &[], Some(number(seconds).into()));
            return Ok(());
        }
        ["inbound", id, node, seconds, parts @ ..] => Command::AnnounceInbound(AnnounceInbound {
            id: Some(text(id)),
            fingerprint: 0,
            node: text(node),
            supplier: None,
            eta: shop.wall(number(seconds).into()),
            lines: sku_units(parts),
        }),
        ["come", id, parts @ ..] => {
            Command::ChangeInbound { inbound: text(id), action: InboundAction::Receive(sku_units(parts)) }
        }
        ["preorder", id, parts @ ..] => placed(PlaceOrder { kind: OrderType::PreOrder, ..own_order(id, parts) }),
        ["prefer", node, id, parts @ ..] => {
            let wishes = Wishes { preferred_node: Some(text(node)), ..Wishes::default() };
            placed(PlaceOrder { wishes, ..own_order(id, parts) })
        }
        ["service", sku] => {
            shop.item(sku, ItemKind::Service, &[]);
            return Ok(());
        }
        ["slots", node, parts @ ..] => {
            let slot = |part: &[&str]| {
                let begins = i64::from(number(part[1]));
                let (starts_at, ends_at) = (shop.wall(begins), shop.wall(begins + 3_600));
                PutSlot { id: text(part[0]), sku: None, starts_at, ends_at, limit: number(part[2]) as u32 }
            };
            let slots = parts.split(|word| *word == "+").map(slot).collect();
            Command::PutSlots(Box::new(PutSlots { node: text(node), slots }))
        }
        ["book", node, slot, id, parts @ ..] => {
            let line = lines(parts).len() as u16 - 1;
            let slots = vec![AskedSlot { line, node: text(node), slot: text(slot) }];
            placed(PlaceOrder { wishes: Wishes { slots, ..Wishes::default() }, ..own_order(id, parts) })
        }
        ["merge", order, with] => Command::MergeOrders(MergeOrders { order: text(order), with: text(with) }),
        ["later", id, parts @ ..] => resting(id, parts, None),
        ["in", seconds, id, parts @ ..] => resting(id, parts, Some(shop.wall(number(seconds).into()))),
        [word @ ("subscribe" | "insist"), id, every, seconds, parts @ ..] => {
            let when_short = if *word == "insist" { WhenShort::Retry } else { WhenShort::Backorder };
            Command::PutSubscription(Box::new(PutSubscription {
                id: text(id),
                order: PlaceOrder { fingerprint: words.len() as u64, ..shop::order("", &lines(parts)) },
                every: Every::parse(every).expect("a period"),
                next_at: shop.wall(number(seconds).into()),
                when_short,
            }))
        }
        [word @ ("pause" | "resume" | "skip" | "unsubscribe"), id] => {
            let action = match *word {
                "pause" => SubscriptionAction::Pause(None),
                "resume" => SubscriptionAction::Resume,
                "skip" => SubscriptionAction::Skip(None),
                _ => SubscriptionAction::Cancel(None),
            };
            Command::ChangeSubscription { subscription: text(id), action }
        }
        ["route", id] => Command::RouteOrder { order: text(id) },
        ["allocate", id] => Command::AllocateOrder { order: text(id) },
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
            let (reservation, release_at, parts) = match rest {
                ["with", reservation, parts @ ..] => (Some(text(reservation)), None, parts),
                ["later", seconds, parts @ ..] => (None, Some(later(shop, seconds)), parts),
                parts => (None, None, parts),
            };
            let order = shop::order(id, &lines(parts));
            let wishes = Wishes { release_at, ..order.wishes.clone() };
            Command::PlaceOrder(Box::new(PlaceOrder { id: Some(text(id)), reservation, wishes, ..order }))
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
        ["ready", id, at, seconds] => {
            let until = Some(later(shop, seconds));
            fulfill(&order(shop, id), number(at), FulfillmentAction::Ready { until })
        }
        ["move", id, at, node] => fulfill(&order(shop, id), number(at), FulfillmentAction::Move { node: text(node) }),
        ["split", id, at, line, n] => {
            let lines = vec![NamedUnits { line: text(line), quantity: units(n) }];
            fulfill(&order(shop, id), number(at), FulfillmentAction::Split { lines })
        }
        ["merge", id, at, with] => {
            let order = order(shop, id);
            let with = FulfillmentKey { order: order.key, number: number(with) as u16 }.to_string();
            fulfill(&order, number(at), FulfillmentAction::Merge { with: text(&with) })
        }
        [verb, id, at] if action(verb).is_some() => {
            fulfill(&order(shop, id), number(at), action(verb).expect("just seen"))
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

fn sku_units<T: From<SkuUnits>>(parts: &[&str]) -> Vec<T> {
    lines(parts).into_iter().map(|(sku, n)| SkuUnits { sku: text(sku), quantity: quantity(n) }.into()).collect()
}

/// An order under the caller's own id.
fn own_order(id: &str, parts: &[&str]) -> PlaceOrder {
    PlaceOrder { id: Some(text(id)), ..shop::order(id, &lines(parts)) }
}

fn placed(order: PlaceOrder) -> Command {
    Command::PlaceOrder(Box::new(order))
}

/// An order that rests until it is allocated, by the clock when it says when.
fn resting(id: &str, parts: &[&str], allocate_at: Option<WallTime>) -> Command {
    let wishes = Wishes { deferred: Some(Deferred { allocate_at }), ..Wishes::default() };
    placed(PlaceOrder { wishes, ..own_order(id, parts) })
}

/// Where the units of a line are, in words; empty buckets are left out.
fn buckets(order: &Order, line: &str) -> String {
    let b = order.buckets(order.line_at(line).expect("the line exists"));
    let named = [
        ("unallocated", b.unallocated),
        ("preordered", b.preordered),
        ("backordered", b.backordered),
        ("allocated", b.allocated),
        ("released", b.released),
        ("picked", b.picked),
        ("packed", b.packed),
        ("shipped", b.shipped),
        ("delivered", b.delivered),
        ("cancelled", b.cancelled),
    ];
    let full = named.into_iter().filter(|(_, n)| *n > 0);
    full.map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(" ")
}

/// What an order waits for: documents and units, in the order in which they come.
fn awaited(shop: &Shop, id: &str) -> String {
    let (_, pegs) = shop.ordain.engine().pegs_of_order(id).expect("the order exists");
    let name = |peg: &Peg| match peg.supply {
        Some(supply) => shop.ordain.engine().name_of_supply(supply.document).expect("it is announced"),
        None => "nothing".to_owned(),
    };
    pegs.iter().map(|peg| format!("{} {}", name(peg), peg.units)).collect::<Vec<_>>().join(" ")
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
        ["line", id, line, expected @ ..] => {
            assert_eq!(buckets(&order(shop, id), line.trim_end_matches(':')), expected.join(" "), "{id} {line}");
        }
        ["awaits", id, expected @ ..] => {
            assert_eq!(awaited(shop, id.trim_end_matches(':')), expected.join(" "), "{id}");
        }
        ["stands", id, state, number] => {
            let subscription = shop.ordain.engine().subscription(id).expect("the subscription exists");
            assert_eq!(
                (subscription.state.word(), subscription.number.to_string().as_str()),
                (*state, *number),
                "{id}"
            );
        }
        ["none", id] => assert!(shop.ordain.engine().order(id).is_err(), "there is no order {id}"),
        ["places", node, slot, n] => {
            let (slots, _) = shop.ordain.engine().slots(node).expect("the node exists");
            let used = slots.of_id(slot).expect("the slot exists").used;
            assert_eq!(used.to_string(), *n, "places of {slot} at {node}");
        }
        ["free", sku, n] => assert_eq!(shop.atp(sku).to_string(), *n, "{sku}"),
        ["status", id, word] => assert_eq!(order(shop, id).status().word(), *word, "{id}"),
        ["fulfils", id, words @ ..] => {
            let order = order(shop, id);
            let fulfils: Vec<_> = order.fulfillment_orders.iter().map(|f| order.shown(f).word()).collect();
            assert_eq!(fulfils, words, "{id}");
        }
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
    shop.ordain.engine().order(id).expect("the order exists").as_ref().clone()
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

fn later(shop: &Shop, seconds: &str) -> WallTime {
    let now = shop.ordain.journal().now().wall;
    WallTime(now.0 + seconds.parse::<i64>().expect("seconds") * 1_000)
}

fn action(verb: &str) -> Option<FulfillmentAction> {
    let reason = || text("changed mind");
    Some(match verb {
        "accept" => FulfillmentAction::Accept,
        "reject" => FulfillmentAction::Reject { reason: "closed today".into() },
        "pick" => FulfillmentAction::Pick { lines: None },
        "pack" => FulfillmentAction::Pack,
        "ready" => FulfillmentAction::Ready { until: None },
        "hand_over" => FulfillmentAction::HandOver,
        "stop" => FulfillmentAction::Cancel { reason: reason(), resource: false },
        "elsewhere" => FulfillmentAction::Cancel { reason: reason(), resource: true },
        "let_go" => FulfillmentAction::CancelAccept,
        "go_on" => FulfillmentAction::CancelRefuse,
        "put_back" => FulfillmentAction::PutBack { lines: None },
        "ship" => FulfillmentAction::Ship {
            shipment: Shipment { carrier: "post".into(), service: "parcel".into(), tracking_number: "1".into() },
        },
        "deliver" => FulfillmentAction::Deliver,
        _ => return None,
    })
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

#[test]
fn case_41_a_preorder_waits_for_its_release_in_a_bucket_of_its_own_pegged_to_what_comes() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        item novel released 1000
        stock mug chicago 5
        inbound first chicago 400 novel 4
        preorder p1 novel 3
        order p2 novel 2 + mug 1            # the line decides, not the type
        status p1 preordered
        line p1 1: preordered 3
        line p2 1: preordered 2
        line p2 2: allocated 1
        awaits p1: first 3
        awaits p2: first 1 nothing 1
        wait 400
        come first novel 4                  # the first receipt serves who waits, in turn
        line p1 1: allocated 3
        line p2 1: preordered 1 allocated 1
        accept p1 1
        pick p1 1
        pack p1 1
        ship p1 1 → not_released
        wait 599
        ship p1 1 → not_released
        status p2 partially_allocated
        wait 1
        ship p1 1
        line p2 1: backordered 1 allocated 1
        preorder p4 novel 1 → nothing_to_preorder
        order o5 novel 1
        status o5 backordered
        stock novel chicago 1
        line p2 1: allocated 2
        status o5 backordered
        ",
    );
}

#[test]
fn a_release_moves_on_who_waits_for_it_and_nobody_else() {
    check(
        "
        node chicago 41.88 -87.63
        item novel released 1000
        item atlas released 2000
        item lamp
        kit set = novel 1 + lamp 2
        preorder both novel 2 + atlas 1
        preorder kit set 1
        preorder undated lamp 1             # no date: its type says that it is not there yet
        status both preordered
        status kit preordered
        status undated preordered
        cancel both 1 1
        line both 1: preordered 1 cancelled 1
        item novel released 1500            # put off
        wait 1000
        line both 1: preordered 1 cancelled 1
        wait 500
        line both 1: backordered 1 cancelled 1
        line both 2: preordered 1
        line kit 1: backordered 1
        status both backordered
        status undated preordered
        item atlas released 0
        wait 0
        line both 2: backordered 1
        stock lamp chicago 1
        status undated fully_allocated
        stock lamp chicago 2
        stock novel chicago 2
        status both partially_allocated
        status kit fully_allocated
        ",
    );
}

#[test]
fn an_order_that_rests_is_routed_then_allocated_or_fails_for_a_reason() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        later o1 mug 3
        status o1 received
        level mug chicago:
        route o1
        status o1 routing_failed
        allocate o1
        status o1 routing_failed
        stock mug chicago 5                 # who rests stands in no queue
        status o1 routing_failed
        free mug 5
        route o1
        status o1 routed
        free mug 5
        order quick mug 5
        allocate o1
        status o1 allocation_failed
        cancel quick 1 3
        allocate o1
        status o1 fully_allocated
        route o1 → not_deferred
        allocate o1 → not_deferred
        level mug chicago: on_hand 5 committed 5
        later o2 mug 4
        stock mug chicago 1
        allocate o2                         # planned and allocated; what is short waits
        line o2 1: backordered 3 allocated 1
        stock mug chicago 1
        line o2 1: backordered 2 allocated 2
        later o3 mug 2
        cancel o3
        status o3 cancelled
        allocate o3 → not_deferred
        reserve cart 600 mug 1 → insufficient_stock
        ",
    );
}

#[test]
fn the_clock_allocates_what_rests_until_then() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        item novel released 5000
        stock mug chicago 4
        in 600 o1 mug 2
        in 500 o2 mug 3
        in 500 o3 novel 1
        in 400 o4 novel 1
        wait 499
        status o1 received
        status o2 received
        wait 1
        status o2 fully_allocated
        status o3 preordered
        wait 100
        line o1 1: backordered 1 allocated 1
        ",
    );
}

#[test]
fn a_subscription_places_one_order_in_every_period() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        stock mug chicago 5
        subscribe tea P1D 3600 mug 2
        none tea:1
        wait 3599
        none tea:1
        wait 1
        status tea:1 fully_allocated
        none tea:2
        stands tea active 2
        wait 86399
        none tea:2
        wait 1
        status tea:2 fully_allocated
        wait 86400
        status tea:3 partially_allocated
        wait 86400
        status tea:4 backordered
        none tea:5
        skip tea
        wait 86400
        none tea:5
        stands tea active 6
        pause tea
        pause tea → subscription_state
        wait 864000
        none tea:6
        resume tea                          # what passed is not made up for
        none tea:6
        wait 86400
        status tea:6 backordered
        none tea:7
        unsubscribe tea
        resume tea → subscription_state
        subscribe tea P1D 10 mug 9 + mug 1 → subscription_state
        wait 864000
        none tea:7
        stands tea cancelled 7
        ",
    );
}

#[test]
fn an_order_of_a_schedule_that_is_refused_is_tried_again_then_skipped() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        insist tea P1D 100 mug 2
        subscribe coffee P1D 100 mug 1 + mug 1
        order coffee:1 mug 1                # somebody took the name of its order
        wait 100
        none tea:1
        stands tea active 1
        stands coffee active 1
        wait 3600
        wait 3600
        stands tea active 1
        wait 3600                           # the fourth time is the last
        none tea:1
        stands tea active 2
        stands coffee active 2
        wait 72000
        stock mug chicago 5
        wait 3600
        status tea:2 fully_allocated
        status coffee:2 fully_allocated
        ",
    );
}

#[test]
fn a_preferred_node_comes_first_then_the_others_then_the_queue() {
    check(
        "
        node chicago 41.88 -87.63
        node newyork 40.71 -74.01
        node reno 39.53 -119.81
        item mug
        item lamp
        stock mug chicago 4
        stock mug newyork 2
        stock mug reno 3
        stock lamp newyork 1
        prefer mars a mug 1 → unknown_node
        prefer reno a mug 3
        from a reno
        cancel a
        prefer reno b mug 4 + lamp 1
        from b reno newyork                 # the nearest of the others has what reno has not
        line b 1: allocated 4
        level mug reno: on_hand 3 committed 3
        level mug newyork: on_hand 2 available 1 committed 1
        prefer reno c mug 9
        line c 1: backordered 4 allocated 5
        from c chicago newyork
        stock mug reno 2                    # who waits is served by whoever receives
        from c chicago newyork reno
        line c 1: backordered 2 allocated 7
        off reno
        prefer reno d lamp 1
        status d backordered
        ",
    );
}

#[test]
fn two_orders_become_one_and_go_on_as_one() {
    check(
        "
        node chicago 41.88 -87.63
        node newyork 40.71 -74.01
        item mug
        item lamp
        stock mug newyork 4
        stock lamp chicago 1
        order a mug 2
        order b mug 1 + lamp 3
        merge a a → duplicate_change
        merge a c → unknown_order
        merge a b
        merge a b                           # once more is the same
        merge b a → orders_not_mergeable
        status b cancelled
        line a 1: allocated 2
        line a 2: allocated 1
        line a 3: backordered 2 allocated 1
        level mug newyork: on_hand 4 available 1 committed 3
        order c lamp 1
        stock lamp newyork 2                # who stays was there before
        line a 3: allocated 3
        status c backordered
        accept a 1
        pick a 1
        order d mug 1
        merge a d → orders_not_mergeable           # it has begun
        cancel a 3 2
        status c fully_allocated
        ",
    );
}

#[test]
fn an_installation_takes_a_place_with_the_washing_machine_or_neither() {
    check(
        "
        node chicago 41.88 -87.63
        item washer
        service setup
        stock washer chicago 5
        slots chicago monday 86400 2 + tuesday 172800 1
        book chicago monday a washer 1 + setup 1
        places chicago monday 1
        book chicago friday b washer 1 + setup 1 → unknown_slot
        book chicago monday b washer 1 + setup 2 → slot_full
        free washer 4                       # nothing is half taken
        book chicago monday b washer 1 + setup 1
        book chicago monday c washer 1 + setup 1 → slot_full
        cancel a 2 1                        # without the installation
        places chicago monday 1
        book chicago monday c washer 1 + setup 1
        slots chicago tuesday 172800 1 → slot_in_use
        cancel b
        places chicago monday 1
        off chicago
        book chicago tuesday d setup 1 → node_inactive
        on chicago
        accept c 1
        wait 86401
        book chicago monday d setup 1 → time_in_past
        places chicago monday 1
        ",
    );
}
