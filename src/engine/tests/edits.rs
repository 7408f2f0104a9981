//! Edits: what they set aside, what confirming makes of them, and what they do when the order moves on meanwhile.
//!
//! Every story is played with and without a restart after each step.

use super::random::nobody_waits_beside_free_units;
use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::edit::{Edit, EditState};
use crate::domain::fulfillment::{FulfillmentStatus, Shipment};
use crate::domain::geo::Position;
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::ids::FulfillmentKey;
use crate::domain::item::ItemKind;
use crate::domain::limits::EDIT_LIFE_S;
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Buckets, Order, OrderType};
use crate::domain::payment::PaymentMark;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::stock::Level;

/// A world with one order, and what is done to it.
struct Case {
    world: World,
    order: Order,
    restarts: bool,
}

fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::USD }
}

fn to(line: &str, quantity: u32) -> EditChange {
    EditChange::Line { line: text(line), quantity: Some(quantity), unit_price: None }
}

fn add(sku: &str, units: u32, price: i64) -> EditChange {
    EditChange::Add { id: None, sku: text(sku), quantity: quantity(units), unit_price: usd(price) }
}

fn ship_to(latitude: f64, longitude: f64) -> EditChange {
    let own = World::order_of("x", &[("phone", 1)], None).destinations.remove(0);
    EditChange::ShipTo(ShipTo { position: Position::from_degrees(latitude, longitude), ..own })
}

/// Near the node in the west.
fn to_the_west() -> EditChange {
    ship_to(34.0, -118.0)
}

fn ship() -> FulfillmentAction {
    let shipment = Shipment { carrier: "c".into(), service: "s".into(), tracking_number: "t".into() };
    FulfillmentAction::Ship { shipment }
}

const PICK: FulfillmentAction = FulfillmentAction::Pick { lines: None };

/// What a test looks at of a level.
fn free_committed_reserved(level: Level) -> (u32, u32, u32) {
    (level.available, level.committed, level.reserved)
}

impl Case {
    /// Ten phones in the east and ten in the west, four cases in the east, and an order that goes to the east.
    fn new(restarts: bool, lines: &[(&str, u32)]) -> Self {
        Self::of(restarts, World::order_of("c-1", lines, None))
    }

    fn of(restarts: bool, place: PlaceOrder) -> Self {
        let world = World::new();
        for (sku, node, units) in [("phone", "east", 10), ("phone", "west", 10), ("case", "east", 4)] {
            world.stock(sku, node, units).expect("room");
        }
        let Ok(Reply::Order(order)) = world.run(Command::PlaceOrder(Box::new(place))) else { panic!("it is taken") };
        Self { world, order: (*order).clone(), restarts }
    }

    fn both(lines: &[(&str, u32)]) -> [Self; 2] {
        [false, true].map(|restarts| Self::new(restarts, lines))
    }

    fn run(&mut self, command: Command) -> Result<Reply, Rejection> {
        let reply = self.world.run(command);
        if self.restarts {
            let world = std::mem::replace(&mut self.world, World::new());
            self.world = world.restart();
        }
        self.order = self.world.engine.order(&self.order.name()).expect("it is there").as_ref().clone();
        nobody_waits_beside_free_units(&self.world);
        reply
    }

    fn open(&mut self, changes: &[EditChange]) -> Result<Edit, Rejection> {
        let order = text(&self.order.name());
        match self.run(Command::OpenEdit(OpenEdit { order, changes: changes.to_vec() }))? {
            Reply::Edit { order, number } => Ok(order.edit(number).expect("it is answered").clone()),
            other => panic!("{other:?}"),
        }
    }

    fn end(&mut self, number: u16, outcome: EditOutcome) -> Result<Edit, Rejection> {
        let (order, edit) = (text(&self.order.name()), text(&Edit::name_of(number)));
        match self.run(Command::EndEdit(EndEdit { order, edit, outcome }))? {
            Reply::Edit { order, number } => Ok(order.edit(number).expect("it is answered").clone()),
            other => panic!("{other:?}"),
        }
    }

    fn confirm(&mut self, number: u16) -> Result<Edit, Rejection> {
        self.end(number, EditOutcome::Confirm)
    }

    fn step(&mut self, number: u16, action: FulfillmentAction) {
        let fulfillment = text(&FulfillmentKey { order: self.order.key, number }.to_string());
        self.run(Command::Fulfill(Fulfill { fulfillment, action })).expect("a legal step");
    }

    fn cancel(&mut self, line: &str, units: u32, from: Option<u16>) -> Result<Reply, Rejection> {
        let from = from.map(|number| text(&FulfillmentKey { order: self.order.key, number }.to_string()));
        let lines = Some(vec![CancelUnits { line: text(line), quantity: quantity(units), from }]);
        self.run(Command::CancelOrder(CancelOrder { order: text(&self.order.name()), lines, reason: text("less") }))
    }

    fn buckets(&self, line: u16) -> Buckets {
        self.order.buckets(line)
    }

    fn level(&self, sku: &str, node: &str) -> (u32, u32, u32) {
        free_committed_reserved(self.world.level(sku, node))
    }

    fn records(&self) -> usize {
        self.world.log.records.lock().len()
    }

    /// Where the order's units are on their way from.
    fn sent_from(&self) -> Vec<(u16, u32, u64)> {
        let live = self.order.fulfillment_orders.iter().filter(|f| f.status.is_live());
        live.map(|f| (f.number, f.node.0, f.units())).collect()
    }
}

#[test]
fn a_raise_sets_its_delta_aside_and_confirming_commits_it_in_one_record() {
    for mut case in Case::both(&[("phone", 3)]) {
        assert_eq!(case.level("phone", "east"), (7, 3, 0));
        let edit = case.open(&[to("1", 5)]).expect("enough is there");
        assert_eq!((edit.state, edit.terms.difference), (EditState::Open, 200));
        assert_eq!(case.level("phone", "east"), (5, 3, 2), "only the delta");
        assert_eq!(case.buckets(0).allocated, 3, "nothing of the order changes yet");
        let before = case.records();
        let edit = case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!(case.records(), before + 1, "one record");
        assert_eq!(edit.state, EditState::Confirmed);
        assert_eq!(case.level("phone", "east"), (5, 5, 0));
        assert_eq!((case.order.lines[0].placed.quantity, case.buckets(0).allocated), (5, 5));
        assert_eq!(case.order.due(), 500);
        let told: Vec<_> = case.order.history.iter().map(|told| told.what.to_string()).collect();
        assert_eq!(told, ["placed", "edit_opened", "edited"]);
    }
}

#[test]
fn a_lowering_takes_nothing_until_it_is_confirmed() {
    for mut case in Case::both(&[("phone", 5)]) {
        let edit = case.open(&[to("1", 2)]).expect("it is only allocated");
        assert_eq!((edit.terms.difference, edit.terms.reservation), (-300, None));
        assert_eq!(case.level("phone", "east"), (5, 5, 0));
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!(case.level("phone", "east"), (8, 2, 0));
        assert_eq!((case.order.lines[0].placed.quantity, case.buckets(0).sum()), (2, 2), "the sum is the quantity");
    }
}

#[test]
fn case_19_an_edit_of_the_price_alone_touches_no_counter() {
    for mut case in Case::both(&[("phone", 3)]) {
        let price = EditChange::Line { line: text("1"), quantity: None, unit_price: Some(usd(80)) };
        let same = case.level("phone", "east");
        let edit = case.open(&[price]).expect("always possible");
        assert_eq!((edit.terms.difference, case.level("phone", "east")), (-60, same));
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!((case.order.due(), case.level("phone", "east")), (240, same));
        let moved = |record: &crate::domain::record::Record| {
            record.events.iter().any(|event| matches!(event, crate::domain::event::Event::StockMoved(_)))
        };
        let records = case.world.log.records.lock();
        assert!(!records.iter().rev().take(2).any(moved), "neither record moves stock");
    }
}

#[test]
fn case_32_an_edit_needs_stock_before_it_tells_its_price() {
    for mut case in Case::both(&[("phone", 3)]) {
        let before = case.records();
        let refused = case.open(&[to("1", 21), add("case", 1, 50)]);
        let expected = Rejection::InsufficientStock { sku: "phone".into(), requested: 18, available: 17 };
        assert_eq!(refused, Err(expected));
        assert_eq!(case.records(), before, "nothing was taken");
        // What an edit holds nobody else gets, and it can be confirmed whatever they take.
        case.open(&[to("1", 20)]).expect("just enough");
        assert_eq!(case.world.atp("phone"), 0);
        assert!(case.world.reserve("phone", 1, 60).is_err());
        case.confirm(1).expect("it holds what it needs");
        assert_eq!(case.buckets(0).allocated, 20);
    }
}

#[test]
fn an_order_that_may_wait_is_raised_beyond_what_is_there() {
    for restarts in [false, true] {
        let place = PlaceOrder { kind: OrderType::Backorder, ..World::order_of("c-1", &[("phone", 3)], None) };
        let mut case = Case::of(restarts, place);
        let edit = case.open(&[to("1", 22)]).expect("it may wait");
        assert_eq!(edit.terms.unfilled.iter().map(|u| u.quantity).sum::<u32>(), 2);
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!((case.buckets(0).allocated, case.buckets(0).backordered), (20, 2));
        case.world.stock("phone", "north", 1).expect("room");
        case.order = case.world.engine.order(&case.order.name()).expect("it is there").as_ref().clone();
        assert_eq!((case.buckets(0).allocated, case.buckets(0).backordered), (21, 1), "it stands in the queue");
        // Units that came between opening and confirming go to it and not past it.
        case.open(&[to("1", 23)]).expect("it may wait");
        case.run(Command::AdjustStock(vec![Adjustment {
            sku: text("phone"),
            node: text("north"),
            delta: 5,
            reason: crate::domain::stock::MovementKind::Received,
        }]))
        .expect("room");
        case.confirm(2).expect("nothing happened to its lines");
        assert_eq!((case.buckets(0).allocated, case.buckets(0).backordered, case.world.atp("phone")), (23, 0, 3));
    }
}

#[test]
fn a_line_that_is_added_is_a_line_like_any() {
    for mut case in Case::both(&[("phone", 1)]) {
        let edit = case.open(&[add("bundle", 2, 300), add("phone", 1, 90)]).expect("enough is there");
        assert_eq!(edit.terms.difference, 690);
        assert_eq!((case.level("phone", "east"), case.level("case", "east")), ((6, 1, 3), (0, 0, 4)));
        case.confirm(1).expect("nothing happened meanwhile");
        let ids: Vec<_> = case.order.lines.iter().map(|line| line.placed.id.to_string()).collect();
        assert_eq!(ids, ["1", "2", "3"]);
        assert_eq!((case.buckets(1).allocated, case.buckets(2).allocated), (2, 1));
        assert_eq!(case.order.due(), 790);
        case.cancel("2", 1, None).expect("it can be cancelled");
        assert_eq!(case.level("case", "east"), (2, 2, 0));
    }
}

#[test]
fn a_service_is_added_without_stock() {
    for restarts in [false, true] {
        let mut case = Case::new(restarts, &[("phone", 1)]);
        case.world.item("setup", ItemKind::Service, &[]);
        let edit = case.open(&[add("setup", 1, 2_000)]).expect("nothing is needed");
        assert_eq!(edit.terms.reservation, None);
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!(case.buckets(1).allocated, 1);
    }
}

#[test]
fn declined_and_expired_edits_give_back_exactly() {
    for mut case in Case::both(&[("phone", 3)]) {
        case.open(&[to("1", 5)]).expect("enough is there");
        let declined = case.end(1, EditOutcome::Decline).expect("it is open");
        assert_eq!((declined.state, case.level("phone", "east")), (EditState::Declined, (7, 3, 0)));
        let again = case.confirm(1);
        assert!(matches!(again, Err(Rejection::EditEnded { state: "declined", .. })), "{again:?}");

        case.open(&[to("1", 10)]).expect("enough is there");
        case.world.later(EDIT_LIFE_S as i64 - 1);
        assert_eq!(case.world.atp("phone"), 10);
        case.world.later(1);
        assert_eq!(case.world.atp("phone"), 17, "what is due is free even if nobody looks");
        let late = case.confirm(2);
        assert!(matches!(late, Err(Rejection::EditEnded { state: "expired", .. })), "{late:?}");
        // Another can be opened before the clock came by, and the end of the one before is told.
        case.open(&[to("1", 4)]).expect("the other is over");
        assert_eq!((case.order.edits[1].state, case.order.edits[2].state), (EditState::Expired, EditState::Open));
        case.world.engine.expire_due(&*case.world.log);
        case.world.check();
        assert_eq!((case.level("phone", "east").1, case.world.atp("phone")), (3, 16));
        case.world.later(EDIT_LIFE_S as i64);
        case.world.engine.expire_due(&*case.world.log);
        case.world.check();
        let order = case.world.engine.order(&case.order.name()).expect("it is there");
        assert_eq!(order.edits[2].state, EditState::Expired, "the clock writes it");
        assert_eq!((case.level("phone", "east"), case.level("phone", "west")), ((7, 3, 0), (10, 0, 0)));
    }
}

#[test]
fn a_take_that_would_fail_finds_the_units_of_an_edit_that_is_over() {
    for mut case in Case::both(&[("phone", 3)]) {
        case.open(&[to("1", 20)]).expect("enough is there");
        case.world.later(EDIT_LIFE_S as i64);
        case.world.reserve("phone", 17, 60).expect("the edit is over");
        let refused = case.confirm(1);
        assert!(matches!(refused, Err(Rejection::EditEnded { state: "expired", .. })), "{refused:?}");
    }
}

#[test]
fn of_an_order_one_edit_is_open() {
    for mut case in Case::both(&[("phone", 3)]) {
        case.open(&[to("1", 4)]).expect("enough is there");
        let second = case.open(&[to("1", 2)]);
        assert_eq!(second, Err(Rejection::EditOpen { order: case.order.name(), edit: "edit-1".into() }));
        assert_eq!(case.level("phone", "east"), (6, 3, 1));
        case.confirm(1).expect("nothing happened meanwhile");
        case.open(&[to("1", 2)]).expect("the first is over");
    }
}

#[test]
fn what_left_or_is_being_picked_is_a_floor() {
    for mut case in Case::both(&[("phone", 3)]) {
        case.step(1, FulfillmentAction::Accept);
        let one = vec![NamedUnits { line: text("1"), quantity: quantity(1) }];
        case.step(1, FulfillmentAction::Pick { lines: Some(one) });
        let few = case.open(&[to("1", 2)]);
        assert!(matches!(few, Err(Rejection::NotCancellable { cancellable: 0, requested: 1, .. })), "{few:?}");
        for action in [PICK, FulfillmentAction::Pack, ship()] {
            case.step(1, action);
        }
        case.open(&[to("1", 5)]).expect("more can follow what left");
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!((case.buckets(0).shipped, case.buckets(0).allocated), (3, 2));
        case.open(&[to("1", 3)]).expect("what follows has not left");
        case.confirm(2).expect("nothing happened meanwhile");
        let gone = case.open(&[to("1", 2)]);
        assert!(matches!(gone, Err(Rejection::NotCancellable { cancellable: 0, .. })), "{gone:?}");
        case.step(1, FulfillmentAction::Deliver);
        let over = case.open(&[to("1", 4)]);
        assert!(matches!(over, Err(Rejection::NotEditable { .. })), "{over:?}");
    }
}

fn accepted_and_picked(case: &mut Case) {
    for action in [FulfillmentAction::Accept, PICK] {
        case.step(1, action);
    }
}

/// What happens between opening and confirming, and whether the edit can still be done.
type Meanwhile = (&'static str, fn() -> Vec<EditChange>, fn(&mut Case), bool);

const MEANWHILE: &[Meanwhile] = &[
    ("lower, picked", || vec![to("1", 2)], accepted_and_picked, false),
    ("lower, accepted", || vec![to("1", 2)], |c| c.step(1, FulfillmentAction::Accept), true),
    ("raise, picked", || vec![to("1", 4)], accepted_and_picked, true),
    ("raise, cancelled in part", || vec![to("1", 4)], |c| drop(c.cancel("1", 1, None).expect("it can be")), false),
    ("lower, cancelled in part", || vec![to("1", 2)], |c| drop(c.cancel("1", 1, None).expect("it can be")), false),
    ("another line, cancelled in part", || vec![add("case", 1, 5)], |c| drop(c.cancel("1", 1, None)), true),
    ("another place, accepted", || vec![to_the_west()], |c| c.step(1, FulfillmentAction::Accept), true),
    ("another place, picked", || vec![to_the_west()], accepted_and_picked, false),
    ("another place, cancelled in part", || vec![to_the_west()], |c| drop(c.cancel("1", 1, None)), false),
    (
        "another line, cancelled whole",
        || vec![add("case", 1, 5)],
        |c| drop(c.cancel("1", 3, None).expect("open")),
        false,
    ),
    (
        "another line, refused and cancelled whole",
        || vec![add("case", 1, 5)],
        |c| {
            c.step(1, FulfillmentAction::Reject { reason: text("no") });
            c.cancel("1", 3, None).expect("open");
        },
        false,
    ),
    (
        "another place, refused",
        || vec![to_the_west()],
        |c| c.step(1, FulfillmentAction::Reject { reason: text("no") }),
        false,
    ),
];

#[test]
fn an_edit_that_can_no_longer_be_done_ends_and_gives_back() {
    for (what, changes, happens, done) in MEANWHILE {
        for mut case in Case::both(&[("phone", 3)]) {
            case.open(&changes()).expect("enough is there");
            happens(&mut case);
            let confirmed = case.confirm(1);
            if *done {
                assert_eq!(confirmed.map(|edit| edit.state), Ok(EditState::Confirmed), "{what}");
                continue;
            }
            assert!(matches!(confirmed, Err(Rejection::EditStale { .. })), "{what}: {confirmed:?}");
            assert_eq!(case.order.edits[0].state, EditState::Cancelled, "{what}");
            let reserved = case.level("phone", "east").2 + case.level("phone", "west").2;
            assert_eq!(reserved, 0, "{what}: it gave back");
            let again = case.confirm(1);
            assert!(matches!(again, Err(Rejection::EditEnded { state: "cancelled", .. })), "{what}: {again:?}");
        }
    }
}

#[test]
fn what_nobody_has_begun_goes_to_another_destination() {
    for mut case in Case::both(&[("phone", 3), ("case", 1)]) {
        case.step(1, FulfillmentAction::Accept);
        assert_eq!(case.level("phone", "west"), (10, 0, 0));
        let edit = case.open(&[to_the_west()]).expect("nothing is begun");
        assert!(edit.terms.reservation.is_some());
        assert_eq!((case.level("phone", "east"), case.level("phone", "west")), ((7, 3, 0), (7, 0, 3)));
        assert_eq!(case.level("case", "east"), (3, 1, 0), "what stays where it is is not taken twice");
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!((case.level("phone", "east"), case.level("phone", "west")), ((10, 0, 0), (7, 3, 0)));
        assert_eq!(case.level("case", "east"), (3, 1, 0));
        let order = &case.order;
        assert_eq!(order.fulfillment_orders[0].status, FulfillmentStatus::Cancelled);
        assert_eq!(order.facts.destinations[0].position, Position::from_degrees(34.0, -118.0));
        assert_eq!((order.totals().allocated, order.totals().released), (4, 0), "others are asked anew");
    }
}

#[test]
fn an_address_to_which_nothing_goes_is_not_changed() {
    let mut place = World::order_of("c-1", &[("phone", 3)], None);
    place.destinations.push(ShipTo { group: text("home"), ..place.destinations[0].clone() });
    place.lines[0].group = 1;
    let mut case = Case::of(false, place);
    let refused = case.open(&[to_the_west()]);
    assert!(matches!(refused, Err(Rejection::NotEditable { .. })), "all of it goes to its group: {refused:?}");
    case.open(&[to_the_west(), add("case", 1, 500)]).expect("what is added goes there");
}

#[test]
fn a_fulfilment_order_that_the_new_plan_leaves_as_it_is_stays() {
    for mut case in Case::both(&[("phone", 3)]) {
        case.step(1, FulfillmentAction::Accept);
        let before = case.sent_from();
        let edit = case.open(&[ship_to(40.5, -74.5)]).expect("nothing is begun");
        assert_eq!(edit.terms.reservation, None);
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!((case.sent_from(), case.buckets(0).released), (before, 3));
        assert_eq!(case.level("phone", "east"), (7, 3, 0));
    }
}

#[test]
fn quantities_and_destination_change_together() {
    for mut case in Case::both(&[("phone", 3), ("case", 2)]) {
        case.open(&[to_the_west(), to("1", 5), to("2", 1), add("phone", 1, 10)]).expect("nothing is begun");
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!([0, 1, 2].map(|line| case.buckets(line).allocated), [5, 1, 1]);
        assert_eq!((case.level("phone", "east").1, case.level("phone", "west").1), (0, 6));
        assert_eq!(case.level("case", "east"), (3, 1, 0));
    }
}

#[test]
fn what_is_begun_cannot_go_elsewhere() {
    for mut case in Case::both(&[("phone", 3)]) {
        for action in [FulfillmentAction::Accept, PICK] {
            case.step(1, action);
        }
        let refused = case.open(&[to_the_west()]);
        let Err(Rejection::NotEditable { why, .. }) = refused else { panic!("{refused:?}") };
        assert!(why.contains("fulfilment order 1 is picked"), "{why}");
    }
}

#[test]
fn case_30_units_that_are_cancelled_leave_the_fulfilment_order_that_is_named() {
    for mut case in Case::both(&[("phone", 14)]) {
        let [a, b] = case.order.fulfillment_orders.as_slice() else { panic!("two nodes have ten each") };
        assert_eq!((a.units() + b.units(), a.cost != b.cost), (14, true));
        let (cheap, dear) = if a.cost < b.cost { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) };
        case.cancel("1", 1, Some(cheap.number)).expect("nothing is begun");
        let units = |case: &Case, number| case.order.fulfillment(number).map(|f| f.units());
        assert_eq!(units(&case, cheap.number), Some(cheap.units() - 1));
        // Nothing named: the dearest first, by what its own plan said.
        case.cancel("1", 1, None).expect("nothing is begun");
        assert_eq!(units(&case, dear.number), Some(dear.units() - 1));
        let few = case.cancel("1", 20, Some(cheap.number));
        assert!(matches!(few, Err(Rejection::NotCancellable { requested: 20, .. })), "{few:?}");
        let none = case.cancel("1", 1, Some(9));
        assert!(none.is_err_and(|fault| fault.to_string().contains("lines[0].fulfillment_order")));
    }
}

#[test]
fn case_33_cancelling_takes_what_waits_before_what_is_allocated() {
    for restarts in [false, true] {
        let mut case = Case::new(restarts, &[("phone", 22)]);
        assert_eq!((case.buckets(0).allocated, case.buckets(0).backordered), (20, 2));
        case.cancel("1", 1, None).expect("it waits");
        assert_eq!((case.buckets(0).allocated, case.buckets(0).backordered), (20, 1));
        case.open(&[to("1", 19)]).expect("it can be lowered");
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!(
            (case.buckets(0).allocated, case.buckets(0).backordered),
            (19, 0),
            "an edit takes in the same order"
        );
        assert_eq!(case.world.atp("phone"), 1);
    }
}

#[test]
fn case_37_a_reservation_of_an_edit_is_changed_by_nobody_else() {
    let mut case = Case::new(false, &[("phone", 3)]);
    let edit = case.open(&[to("1", 5)]).expect("enough is there");
    let held = text(&edit.terms.reservation.expect("two phones").to_string());
    let change = ChangeReservation { owner: None, reservation: held.clone(), ttl_s: Some(5), lines: None };
    let claims = World::order_of("c-2", &[("phone", 2)], Some(held.to_string()));
    let by_name = text(&Edit::reservation_id(case.order.key, 1));
    for command in [
        Command::ChangeReservation(change),
        Command::ReleaseReservation { reservation: held },
        Command::ReleaseReservation { reservation: by_name },
        Command::PlaceOrder(Box::new(claims)),
    ] {
        let refused = case.run(command);
        assert!(matches!(refused, Err(Rejection::ReservationOfEdit { .. })), "{refused:?}");
    }
    case.confirm(1).expect("it was left alone");
}

#[test]
fn what_is_owed_and_held_for_money_follows_the_edit() {
    for restarts in [false, true] {
        let wait = AskedHold {
            kind: HoldKind::Payment,
            reason: text("not paid"),
            release_at: None,
            release_on: Some(PaymentMark::Paid),
        };
        // A total as reported: a discount of 20 that stays.
        let place = World::order_of("c-1", &[("phone", 3)], None);
        let mut case = Case::of(restarts, PlaceOrder { total: Some(280), holds: vec![wait], ..place });
        case.cancel("1", 1, None).expect("it can be cancelled");
        assert_eq!(case.order.due(), 180);
        let price = EditChange::Line { line: text("1"), quantity: Some(1), unit_price: Some(usd(70)) };
        let pay = |case: &mut Case, amount| {
            let order = text(&case.order.name());
            let paid = ReportPayment { order, mark: PaymentMark::Paid, amount: usd(amount) };
            case.run(Command::ReportPayment(paid)).expect("it is reported");
        };
        pay(&mut case, 50);
        assert_eq!(case.order.holds[0].state, HoldState::Active);
        let edit = case.open(&[price]).expect("it can be lowered");
        assert_eq!(edit.terms.difference, 70 - 200);
        case.confirm(1).expect("nothing happened meanwhile");
        assert_eq!(case.order.due(), 50, "exactly so much less is owed");
        assert_eq!(case.order.holds[0].state, HoldState::AutoReleased, "what is paid covers it");
    }
}

#[test]
fn faults_of_an_edit_are_told_together_and_change_nothing() {
    let mut case = Case::new(false, &[("phone", 3)]);
    let before = case.records();
    let eur = Money { amount: 1, currency: Currency::parse("EUR").expect("a currency") };
    let refused = case.open(&[
        to("9", 1),
        to("1", 2),
        to("1", 3),
        add("nothing", 1, 1),
        EditChange::Add { id: Some(text("1")), sku: text("case"), quantity: quantity(1), unit_price: usd(1) },
        EditChange::Add { id: None, sku: text("case"), quantity: quantity(1), unit_price: eur },
        to_the_west(),
        to_the_west(),
    ]);
    let Err(Rejection::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let told: Vec<_> = faults.iter().map(|fault| (fault.field.as_str(), fault.code)).collect();
    assert_eq!(
        told,
        [
            ("changes[0].line", "unknown_line"),
            ("changes[2].line", "duplicate_change"),
            ("changes[3].add.sku", "unknown_sku"),
            ("changes[4].add.id", "duplicate_line_id"),
            ("changes[5].add.unit_price.currency", "currency_mismatch"),
            ("changes[7].ship_to", "duplicate_change"),
        ]
    );
    assert_eq!(case.records(), before);
}

#[test]
fn an_edit_under_a_key_is_opened_and_confirmed_once() {
    let case = Case::new(false, &[("phone", 3)]);
    let context = |hash| Context { key: Some(IdempotencyKey { hash, fingerprint: 1 }), ..Context::library() };
    let order = text(&case.order.name());
    let open = Command::OpenEdit(OpenEdit { order: order.clone(), changes: vec![to("1", 5)] });
    case.world.run_as(&context(1), open.clone()).expect("enough is there");
    case.world.repeats(&context(1), open);
    let confirm = Command::EndEdit(EndEdit { order, edit: text("edit-1"), outcome: EditOutcome::Confirm });
    case.world.run_as(&context(2), confirm.clone()).expect("nothing happened meanwhile");
    case.world.repeats(&context(2), confirm);
}

#[test]
fn an_edit_of_a_node_that_is_switched_off_is_stale() {
    for mut case in Case::both(&[("phone", 3)]) {
        case.open(&[to("1", 5)]).expect("enough is there");
        let patch = NodePatch { active: Some(false), ..NodePatch::default() };
        case.run(Command::PatchNode { node: text("east"), patch: Box::new(patch) }).expect("known");
        let stale = case.confirm(1);
        assert!(matches!(stale, Err(Rejection::EditStale { .. })), "{stale:?}");
        assert_eq!(case.level("phone", "east").2, 0);
    }
}
