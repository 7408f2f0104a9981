//! Drafts: placed once whoever else does something with them at the same time, in one record with what they hold; and
//! forgotten some time after their end.

use super::world::{World, quantity, text};
use crate::domain::command::*;
use crate::domain::draft::{Draft, DraftStatus, DraftTerms};
use crate::domain::event::Event;
use crate::domain::limits::DRAFT_READABLE_MS;
use crate::domain::order::{Order, Sealed};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::time::JournalTime;

fn terms(said: &str) -> DraftTerms {
    DraftTerms { channel: None, customer: None, lines: 1, said: Sealed { key_id: 0, bytes: said.as_bytes().to_vec() } }
}

fn draft(reply: Result<Reply, Rejection>) -> Result<Draft, Rejection> {
    match reply? {
        Reply::Draft(draft) => Ok(*draft),
        other => panic!("{other:?}"),
    }
}

fn begin(world: &World, id: &str) -> Draft {
    let begin = BeginDraft { id: Some(text(id)), fingerprint: 1, terms: terms("one"), ttl_s: 600 };
    draft(world.run(Command::BeginDraft(begin))).expect("nothing is judged")
}

fn hold(id: &str, units: u32, ttl_s: u64) -> Command {
    let line = ReserveLine { sku: text("phone"), quantity: quantity(units), node: None };
    let reserve = World::reserve_of(vec![line], ttl_s);
    Command::HoldDraft(HoldDraft { draft: text(id), version: None, reserve })
}

fn place(id: &str, order: &str, version: Option<u32>) -> Command {
    let order = World::order_of(order, &[("phone", 2)], None);
    Command::PlaceDraft(Box::new(PlaceDraft { draft: text(id), version, order }))
}

fn order(reply: Result<Reply, Rejection>) -> Result<Order, Rejection> {
    match reply? {
        Reply::Order(order) => Ok((*order).clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_changed_since_it_was_read_is_not_placed() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("received");
    let read = begin(&world, "d");
    let change = ChangeDraft { draft: text("d"), version: Some(read.version), terms: terms("two"), ttl_s: None };
    let changed = draft(world.run(Command::ChangeDraft(change.clone()))).expect("it is open");
    let refused = order(world.run(place("d", "1", Some(read.version)))).expect_err("somebody changed it meanwhile");
    assert_eq!(refused.code(), "draft_changed");
    assert_eq!(draft(world.run(Command::ChangeDraft(change))).expect_err("likewise").code(), "draft_changed");
    let placed = order(world.run(place("d", "1", Some(changed.version)))).expect("as it was read");
    assert_eq!(world.engine.draft("d").expect("known").order, Some(placed.key));
    world.check();
}

#[test]
fn of_all_who_place_a_draft_at_once_one_does() {
    let world = World::new();
    world.stock("phone", "east", 40).expect("received");
    begin(&world, "d");
    world.run(hold("d", 2, 600)).expect("enough");
    let placed = std::thread::scope(|scope| {
        let world = &world;
        let each = |n: u32| scope.spawn(move || order(world.run(place("d", &n.to_string(), None))));
        let all: Vec<_> = (0..8).map(each).collect();
        all.into_iter().map(|one| one.join().expect("nobody panics")).collect::<Vec<_>>()
    });
    let winners: Vec<&Order> = placed.iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{placed:?}");
    for refused in placed.iter().filter_map(|placed| placed.as_ref().err()) {
        assert_eq!(refused.code(), "draft_ended", "{refused}");
    }
    assert_eq!((world.level("phone", "east").committed, world.level("phone", "east").reserved), (2, 0));
    world.check();
}

#[test]
fn a_draft_is_placed_in_one_record_with_what_it_holds() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("received");
    begin(&world, "d");
    world.run(hold("d", 3, 600)).expect("enough");
    let before = world.log.records.lock().len();
    order(world.run(place("d", "1", None))).expect("it is open");
    let records = world.log.records.lock();
    assert_eq!(records.len(), before + 1);
    let of = |is: fn(&Event) -> bool| records[before].events.iter().filter(|event| is(event)).count();
    assert_eq!(of(|event| matches!(event, Event::DraftChanged(_))), 1);
    assert_eq!(of(|event| matches!(event, Event::ReservationChanged(_))), 1);
    assert!(of(|event| matches!(event, Event::OrderChanged(_))) >= 1);
}

#[test]
fn a_draft_that_ended_is_forgotten_with_its_id_and_one_that_did_not_stays() {
    for restarts in [false, true] {
        let world = World::new();
        for id in ["gone", "open"] {
            begin(&world, id);
        }
        world.run(Command::DiscardDraft { draft: text("gone") }).expect("it is open");
        let life = Some(31_536_000);
        let change = ChangeDraft { draft: text("open"), version: None, terms: terms("two"), ttl_s: life };
        world.run(Command::ChangeDraft(change)).expect("it is open");
        world.later(DRAFT_READABLE_MS / 1_000);
        world.engine.expire_due(&*world.log);
        assert_eq!(world.engine.draft("gone").expect("readable").status, DraftStatus::Discarded);
        world.later(1);
        world.engine.expire_due(&*world.log);
        let world = if restarts { world.restart() } else { world };
        assert_eq!(world.engine.draft("gone").expect_err("forgotten").code(), "not_found");
        assert_eq!(world.engine.draft("open").expect("it lasts").status, DraftStatus::Draft);
        assert_eq!(begin(&world, "gone").version, 1, "the id is free");
    }
}

#[test]
fn a_draft_whose_units_somebody_else_claimed_takes_others() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("received");
    begin(&world, "d");
    let held = draft(world.run(hold("d", 2, 600))).expect("enough");
    let reservation = held.reservation.map(|key| key.to_string());
    let other = World::order_of("1", &[("phone", 2)], reservation);
    order(world.run(Command::PlaceOrder(Box::new(other)))).expect("a reservation is claimed by whoever names it");
    let placed = order(world.run(place("d", "2", None))).expect("there are others");
    assert_eq!((placed.totals().backordered, world.level("phone", "east").committed), (0, 4));
    world.check();
}

fn change(world: &World, id: &str, ttl_s: Option<u64>) -> Result<Draft, Rejection> {
    let change = ChangeDraft { draft: text(id), version: None, terms: terms("two"), ttl_s };
    draft(world.run(Command::ChangeDraft(change)))
}

#[test]
fn a_draft_does_not_end_before_what_it_holds() {
    let world = World::new();
    world.stock("phone", "east", 5).expect("received");
    begin(&world, "d");
    let held = draft(world.run(hold("d", 2, 300))).expect("enough");
    let refused = change(&world, "d", Some(299)).expect_err("the units would outlast it");
    let Rejection::Invalid(faults) = refused else { panic!("{refused}") };
    assert_eq!((faults[0].field.as_str(), faults[0].code), ("ttl_s", "ttl_out_of_range"));
    assert!(faults[0].detail.contains("at least 300"), "{}", faults[0].detail);
    let changed = change(&world, "d", Some(300)).expect("they end together");
    assert_eq!(changed.version, held.version + 1, "what was refused changed nothing");
    let reservation = held.reservation.expect("units are held").to_string();
    world.run(Command::ReleaseReservation { reservation: text(&reservation) }).expect("it is held");
    change(&world, "d", Some(60)).expect("it holds nothing");
    world.check();
}

#[test]
fn what_was_handed_to_somebody_else_is_no_draft_s() {
    let world = World::new();
    world.stock("phone", "east", 9).expect("received");
    for id in ["gone", "placed"] {
        begin(&world, id);
        let held = draft(world.run(hold(id, 2, 600))).expect("enough").reservation.expect("units are held");
        let owner = Some(text("somebody"));
        let hand = ChangeReservation { reservation: text(&held.to_string()), ttl_s: None, lines: None, owner };
        world.run(Command::ChangeReservation(hand)).expect("it is held");
        change(&world, id, Some(60)).expect("it holds nothing");
    }
    world.run(Command::DiscardDraft { draft: text("gone") }).expect("it is open");
    assert_eq!(world.level("phone", "east").reserved, 4, "nothing of somebody else's is given back");
    order(world.run(place("placed", "1", None))).expect("there are others");
    let level = world.level("phone", "east");
    assert_eq!((level.reserved, level.committed), (4, 2), "nothing of somebody else's is claimed");
    world.check();
}

#[test]
fn the_clock_is_told_of_a_draft_s_end_only_when_it_moves() {
    let world = World::new();
    begin(&world, "d");
    let told = || world.engine.drafts_due.take_due(JournalTime(i64::MAX), 10).len();
    for _ in 0..3 {
        change(&world, "d", None).expect("it is open");
    }
    assert_eq!(told(), 1, "when it was begun");
    change(&world, "d", Some(700)).expect("it is open");
    assert_eq!(told(), 1);
}
