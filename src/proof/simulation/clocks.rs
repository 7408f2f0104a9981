//! What clocks may not do, and what a read may not show, each by name. Seeds meet all of this too; here it is told.

use super::table;
use super::world::World;
use crate::domain::reservation::ReservationState;

const SHOP: &str = "
    disk 1 60000 100000 1000000
    node east 40.7 -74.0
    item phone
    stock phone east 5
    write
";

fn shop() -> World {
    let lines = table::read(SHOP);
    let mut world = World::open(&lines[0]).expect("a new disk opens");
    lines[1..].iter().for_each(|line| play(&mut world, line));
    world
}

fn play(world: &mut World, line: &str) {
    world.play(line).unwrap_or_else(|what| panic!("{line}: {what}"));
}

fn state(world: &World, name: &str) -> ReservationState {
    world.pipeline().engine().reservation(name).expect("the reservation is there").state
}

/// A reservation of ten minutes while the wall clock jumps by a day: it ends at its second and not before.
fn ten_minutes_are_ten_minutes(jump: &str) {
    let mut world = shop();
    play(&mut world, "reserve cart 600 phone 5");
    play(&mut world, jump);
    play(&mut world, "wait 599");
    assert_eq!(state(&world, "cart"), ReservationState::Held, "{jump}");
    play(&mut world, "reserve early 60 phone 1");
    assert!(world.pipeline().engine().reservation("early").is_err(), "{jump}: its units were still taken");
    play(&mut world, "pass 1");
    // Nobody ticked: the take itself ends what is due.
    play(&mut world, "reserve late 60 phone 5");
    assert_eq!(state(&world, "cart"), ReservationState::Expired, "{jump}");
    assert_eq!(state(&world, "late"), ReservationState::Held, "{jump}");
    play(&mut world, "wait 60");
    assert_eq!(state(&world, "late"), ReservationState::Expired, "{jump}");
    play(&mut world, "laws");
}

#[test]
fn a_wall_clock_set_back_a_day_while_serving_makes_nothing_immortal() {
    ten_minutes_are_ten_minutes("wall -86400");
}

#[test]
fn a_wall_clock_set_forward_a_day_while_serving_ends_nothing_early() {
    ten_minutes_are_ten_minutes("wall 86400");
}

#[test]
fn a_start_two_hours_behind_the_journal_is_refused_until_it_is_accepted() {
    let mut world = shop();
    play(&mut world, "reserve cart 600 phone 2");
    let before = world.now().journal;
    play(&mut world, "restart -7200");
    assert_eq!(world.tally.clocks_refused, 1, "refused once, then accepted by name");
    assert!(world.now().journal >= before, "journal time goes on where it was");
    assert_eq!(world.pipeline().journal().opening().down_ms, 0);
    assert_eq!(state(&world, "cart"), ReservationState::Held);
    play(&mut world, "wait 599");
    assert_eq!(state(&world, "cart"), ReservationState::Held);
    play(&mut world, "wait 1");
    assert_eq!(state(&world, "cart"), ReservationState::Expired);
}

#[test]
fn a_start_within_the_hour_behind_is_taken() {
    let mut world = shop();
    play(&mut world, "restart -3600");
    assert_eq!(world.tally.clocks_refused, 0);
    play(&mut world, "restart -1");
    assert_eq!(world.tally.clocks_refused, 1, "a second more is too much");
}

#[test]
fn a_start_ahead_of_the_journal_is_down_time_and_ends_what_is_due() {
    let mut world = shop();
    play(&mut world, "reserve cart 600 phone 5");
    play(&mut world, "reserve month 2592000 phone 1");
    play(&mut world, "restart 86400");
    assert_eq!(world.pipeline().journal().opening().down_ms, 86_400_000, "down time is reported");
    let now = world.now().journal;
    assert_eq!(
        world.pipeline().engine().atp(now, "phone", None).map(|atp| atp.available),
        Ok(5),
        "due is free at once"
    );
    play(&mut world, "wait 0");
    assert_eq!(state(&world, "cart"), ReservationState::Expired);
}

#[test]
fn nothing_that_was_read_is_later_absent() {
    let mut world = shop();
    play(&mut world, "order o1 phone 2");
    play(&mut world, "reserve cart 600 phone 1");
    let told = world.tally.done;
    play(&mut world, "read o1");
    play(&mut world, "read cart");
    assert_eq!((world.unanswered(), world.tally.done), (4, told), "neither asker nor reader was told anything");
    play(&mut world, "killed");
    // What nobody was told is either whole or gone; told or not, the laws looked at it.
    let kept = world.pipeline().engine().order("o1").is_ok();
    play(&mut world, "order o2 phone 2");
    play(&mut world, "read o2");
    play(&mut world, "write");
    assert_eq!((world.unanswered(), world.tally.done), (0, told + 2), "both are told once it is on the disk");
    play(&mut world, "killed 1 2 3");
    assert!(world.pipeline().engine().order("o2").is_ok(), "what was read is there");
    assert_eq!(world.pipeline().engine().order("o1").is_ok(), kept);
}

#[test]
fn a_read_whose_record_is_lost_learns_that_it_is_unknown() {
    let mut world = shop();
    play(&mut world, "sync_fails 1");
    play(&mut world, "order o1 phone 2");
    play(&mut world, "read o1");
    play(&mut world, "write");
    assert_eq!(world.tally.unknown, 2, "asker and reader");
    assert!(world.pipeline().engine().order("o1").is_err(), "the disk forgot what it failed to sync");
}
