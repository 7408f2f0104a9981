//! Agreements: reservations, holds, edits and schedules, every state and every step, the clock's included.
//!
//! What is *not* here: how much a reservation may take (`lines`), what an edit does to lines (the engine's tests of edits).

use super::machine::Machine;
use super::teller::{Teller, reservation, told};
use super::words_of;
use crate::domain::command::{EditOutcome, SubscriptionAction};
use crate::domain::edit::EditState;
use crate::domain::hold::HoldState;
use crate::domain::reservation::ReservationState;
use crate::domain::subscription::SubscriptionState;

const RESERVATION: Machine = Machine {
    name: "a reservation",
    begins: "
        node east 40.7 -74.0
        node west 34.0 -118.2
        item phone
        stock phone east 9
        stock phone west 9
        reserve r 60 phone 3 at east
    ",
    ways: &[
        ("held", ""),
        ("claimed", "order o with r phone 3"),
        ("released", "release r"),
        ("expired", "wait 60"),
    ],
    commands: &[
        ("extend", "change r 600"),
        ("shrink", "change r - phone 1 at east"),
        ("grow", "change r - phone 5 at east"),
        ("elsewhere", "change r - phone 3 at west"),
        ("transfer", "owner r another"),
        ("claim", "order p with r phone 3"),
        ("reacquire", "order p with r reacquire phone 3"),
        ("release", "release r"),
        ("clock", "wait 60"),
    ],
    table: "
                  extend                shrink                grow                  elsewhere             transfer              claim                 reacquire           release             clock
        held      held                  held                  held                  held                  held                  claimed               claimed             released            expired
        claimed   !reservation_expired  !reservation_expired  !reservation_expired  !reservation_expired  !reservation_expired  !reservation_ended    !reservation_ended  !reservation_ended  claimed
        released  !reservation_expired  !reservation_expired  !reservation_expired  !reservation_expired  !reservation_expired  !reservation_expired  released            released            released
        expired   !reservation_expired  !reservation_expired  !reservation_expired  !reservation_expired  !reservation_expired  !reservation_expired  expired             expired             expired
    ",
    stands: |teller: &Teller| reservation(teller.engine(), "r").to_owned(),
};

const HOLD: Machine = Machine {
    name: "a hold",
    begins: "
        node east 40.7 -74.0
        item phone
        stock phone east 9
        order o phone 3
        hold o payment 60 paid
    ",
    ways: &[("active", ""), ("resolved", "over o 1"), ("rejected", "never o 1"), ("auto_released", "wait 60")],
    commands: &[
        ("release", "over o 1"),
        ("reject", "never o 1"),
        ("too_little", "pay o paid 299"),
        ("payment", "pay o paid 300"),
        ("clock", "wait 60"),
    ],
    table: "
                       release       reject        too_little     payment        clock
        active         resolved      rejected      active         auto_released  auto_released
        resolved       !hold_ended   !hold_ended   resolved       resolved       resolved
        rejected       !hold_ended   !hold_ended   rejected       rejected       rejected
        auto_released  !hold_ended   !hold_ended   auto_released  auto_released  auto_released
    ",
    stands: |teller: &Teller| {
        let order = teller.engine().order("o").expect("it was placed");
        order.holds[0].state.word().to_owned()
    },
};

const EDIT: Machine = Machine {
    name: "an edit",
    begins: "
        node east 40.7 -74.0
        item phone
        stock phone east 9
        order o phone 3
        edit o 1 2
    ",
    ways: &[
        ("open", ""),
        ("confirmed", "confirm o 1"),
        ("declined", "decline o 1"),
        ("expired", "wait 900"),
        ("cancelled", "accept o 1 \n pick o 1 \n confirm o 1 → edit_stale"),
    ],
    commands: &[
        ("confirm", "confirm o 1"),
        ("decline", "decline o 1"),
        ("another", "edit o 1 4"),
        ("clock", "wait 900"),
    ],
    table: "
                   confirm      decline      another     clock
        open       confirmed    declined     !edit_open  expired
        confirmed  !edit_ended  !edit_ended  confirmed   confirmed
        declined   !edit_ended  !edit_ended  declined    declined
        expired    !edit_ended  !edit_ended  expired     expired
        cancelled  !edit_ended  !edit_ended  cancelled   cancelled
    ",
    stands: |teller: &Teller| {
        let order = teller.engine().order("o").expect("it was placed");
        order.edits[0].state.word().to_owned()
    },
};

const SUBSCRIPTION: Machine = Machine {
    name: "a schedule",
    begins: "
        node east 40.7 -74.0
        item phone
        stock phone east 9
        subscribe s P1D 3600 phone 1
    ",
    ways: &[("active", ""), ("paused", "pause s"), ("cancelled", "unsubscribe s")],
    commands: &[
        ("pause", "pause s"),
        ("resume", "resume s"),
        ("skip", "skip s"),
        ("cancel", "unsubscribe s"),
        ("put", "subscribe s P1D 3600 phone 2"),
        ("clock", "wait 3600"),
    ],
    table: "
                   pause                resume               skip                 cancel               put                  clock
        active     paused               !subscription_state  active               cancelled            active               active
        paused     !subscription_state  active               paused               cancelled            paused               paused
        cancelled  !subscription_state  !subscription_state  !subscription_state  !subscription_state  !subscription_state  cancelled
    ",
    stands: |teller: &Teller| {
        let schedule = teller.engine().subscription("s").expect("it was put");
        schedule.state.word().to_owned()
    },
};

#[test]
fn every_reservation_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(ReservationState:
        Held "held", Claimed "claimed", Released "released", Expired "expired");
    RESERVATION.check(&states, &[]);
}

#[test]
fn every_hold_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(HoldState:
        Active "active", Resolved "resolved", Rejected "rejected", AutoReleased "auto_released");
    HOLD.check(&states, &["release", "reject"]);
}

#[test]
fn every_edit_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(EditState:
        Open "open", Confirmed "confirmed", Declined "declined", Expired "expired", Cancelled "cancelled");
    EDIT.check(&states, &words_of!(EditOutcome: Confirm "confirm", Decline "decline"));
}

#[test]
fn every_schedule_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(SubscriptionState: Active "active", Paused "paused", Cancelled "cancelled");
    let actions = words_of!(SubscriptionAction: Pause "pause", Resume "resume", Skip "skip", Cancel "cancel");
    SUBSCRIPTION.check(&states, &actions);
}

#[test]
fn what_a_reservation_holds_goes_where_its_end_says() {
    told(
        "
        node east 40.7 -74.0
        item phone
        stock phone east 9
        reserve r 60 phone 3
        effect phone east available -3 reserved +3
        change r - phone 5
        effect phone east available -2 reserved +2
        change r - phone 10 → insufficient_stock
        change r - phone 1
        effect phone east available +4 reserved -4
        change r 600
        wait 599
        reservation r held
        pass 1
        reserve s 60 phone 9            # due is free at its instant, though nobody looked
        reservation r expired
        effect phone east available -8 reserved +8
        release s
        effect phone east available +9 reserved -9
        reserve t 60 phone 4
        order o with t phone 3          # what it does not need comes back
        effect phone east available +1 committed +3 reserved -4
        reservation t claimed
        ",
    );
}

#[test]
fn an_edit_sets_its_delta_aside_and_gives_it_back() {
    told(
        "
        node east 40.7 -74.0
        item phone
        stock phone east 5
        order o phone 3
        edit o 1 6 → insufficient_stock
        edit o 1 5
        effect phone east available -2 reserved +2
        decline o 1
        effect phone east available +2 reserved -2
        edit o 1 4
        wait 900
        level phone east: on_hand 5 available 2 committed 3
        edit o 1 5
        confirm o 3
        effect phone east committed +2 reserved -2
        line o 1: allocated 5
        edit o 1 1
        effect phone east
        confirm o 4
        effect phone east available +4 committed -4
        line o 1: allocated 1
        ",
    );
}

const BOOKING: Machine = Machine {
    name: "a line with a slot",
    begins: "
        node east 40.7 -74.0
        item phone
        stock phone east 5
        slots east monday 600 2 + tuesday 900 1
        order p brought slot east monday phone 1
    ",
    ways: &[
        ("none", "order o brought phone 1"),
        ("monday", "order o brought slot east monday phone 1"),
        ("tuesday", "order o brought slot east tuesday phone 1"),
        (
            "done",
            "order o brought slot east monday phone 1 \n accept o 1 \n pick o 1 \n pack o 1 \n ship o 1 \n deliver o 1",
        ),
        ("cancelled", "order o brought slot east monday phone 1 \n cancel o"),
    ],
    commands: &[
        ("to_monday", "rebook o 1 east monday"),
        ("to_tuesday", "rebook o 1 east tuesday"),
        ("when_begun", "pass 900 \n rebook o 1 east tuesday"),
        ("to_nowhere", "rebook o 1 west monday"),
        ("cancel", "cancel o"),
        ("clock", "wait 60"),
    ],
    table: "
                   to_monday   to_tuesday  when_begun    to_nowhere      cancel           clock
        none       !not_booked !not_booked !not_booked   !not_booked     none             none
        monday     monday      tuesday     !time_in_past !slot_elsewhere cancelled        monday
        tuesday    monday      tuesday     !time_in_past !slot_elsewhere cancelled        tuesday
        done       !not_booked !not_booked !not_booked   !not_booked     !not_cancellable done
        cancelled  !not_booked !not_booked !not_booked   !not_booked     !not_cancellable cancelled
    ",
    stands: |teller: &Teller| {
        let order = teller.engine().order("o").expect("it was placed");
        let Some(booking) = order.bookings().first() else { return "none".to_owned() };
        let (slots, _) = teller.engine().slots("east").expect("it was put");
        let used = |id: &str| slots.of_id(id).map_or(0, |slot| slot.used);
        let buckets = order.buckets(0);
        assert!(used("monday") <= 2 && used("tuesday") <= 1, "{slots:?}");
        match () {
            () if buckets.cancelled > 0 => "cancelled".to_owned(),
            () if buckets.delivered > 0 => "done".to_owned(),
            () => booking.id.to_string(),
        }
    },
};

#[test]
fn a_line_changes_its_slot_as_long_as_something_of_it_is_to_come() {
    BOOKING.check(&["none", "monday", "tuesday", "done", "cancelled"], &[]);
}

/// A compartment of an order, through all that can become of it.
const COMPARTMENT: Machine = Machine {
    name: "a compartment",
    begins: "
        node east 40.7 -74.0
        item phone
        stock phone east 5
        lockers east m 1
    ",
    ways: &[
        ("free", "order o phone 1"),
        ("promised", "order o locker east phone 2"),
        ("begun", "order o locker east phone 2 \n accept o 1 \n pick o 1 \n pack o 1"),
        ("ready", "order o locker east phone 2 \n accept o 1 \n pick o 1 \n pack o 1 \n ready o 1 60"),
        (
            "stopped",
            "order o locker east phone 2 \n accept o 1 \n pick o 1 \n pack o 1 \n ready o 1 60 \n stop o 1 \n let_go o 1",
        ),
        ("fetched", "order o locker east phone 2 \n accept o 1 \n pick o 1 \n pack o 1 \n hand_over o 1"),
        ("emptied", "order o locker east phone 2 \n accept o 1 \n pick o 1 \n stop o 1 \n let_go o 1 \n put_back o 1"),
    ],
    commands: &[
        ("another", "order p locker east phone 1"),
        ("cancel_one", "cancel o 1 1"),
        ("cancel", "cancel o"),
        ("fewer", "lockers east m 0"),
        ("clock", "wait 60"),
    ],
    table: "
                 another      cancel_one       cancel           fewer          clock
        free     promised     emptied          emptied          gone           free
        promised !locker_full promised         emptied          !locker_in_use promised
        begun    !locker_full !not_cancellable !not_cancellable !locker_in_use begun
        ready    !locker_full !not_cancellable !not_cancellable !locker_in_use stopped
        stopped  !locker_full !not_cancellable !not_cancellable !locker_in_use stopped
        fetched  promised     !not_cancellable !not_cancellable gone           fetched
        emptied  promised     !not_cancellable !not_cancellable gone           emptied
    ",
    stands: |teller: &Teller| {
        let (lockers, _) = teller.engine().lockers("east").expect("it was put");
        let order = teller.engine().order("o").expect("it was placed");
        match (lockers.sizes[0].terms.limit, lockers.sizes[0].used, order.fulfillment_orders[0].status.word()) {
            (0, ..) => "gone",
            (_, 0, "delivered") => "fetched",
            (_, 0, "cancelled") => "emptied",
            (_, 0, _) => "free",
            (_, _, "packed") => "begun",
            (_, _, "ready") => "ready",
            (_, _, "put_back") => "stopped",
            _ => "promised",
        }
        .to_owned()
    },
};

#[test]
fn a_compartment_is_taken_once_and_free_again_when_its_goods_are_gone() {
    COMPARTMENT.check(&["free", "promised", "begun", "ready", "stopped", "fetched", "emptied"], &[]);
}
