//! The lives of fulfilment orders as tables: every transition, with a restart after every line.

use crate::scenarios::check;

#[test]
fn a_scheduled_fulfilment_order_takes_every_way() {
    check(
        "
        node chicago 41.88 -87.63
        node reno 39.53 -119.81
        item mug
        stock mug chicago 9
        stock mug reno 9
        order o1 later 60 mug 3
        fulfils o1 scheduled
        status o1 fully_allocated
        accept o1 1 → illegal_transition
        reject o1 1 → illegal_transition
        pick o1 1 → illegal_transition
        split o1 1 1 1
        fulfils o1 scheduled scheduled
        move o1 2 reno
        fulfils o1 scheduled scheduled
        from o1 chicago reno
        merge o1 1 2 → not_mergeable
        move o1 2 chicago
        merge o1 1 2
        fulfils o1 scheduled cancelled
        order o2 later 60 mug 1
        stop o2 1
        fulfils o2 cancelled
        status o2 cancelled
        order o3 later 60 mug 1
        elsewhere o3 1
        from o3 reno
        wait 59
        fulfils o1 scheduled cancelled
        wait 1
        fulfils o1 submitted cancelled
        fulfils o3 cancelled submitted
        accept o1 1
        level mug chicago: on_hand 9 available 6 committed 3
        level mug reno: on_hand 9 available 8 committed 1
        ",
    );
}

#[test]
fn a_node_that_is_off_loses_what_is_scheduled_too() {
    check(
        "
        node chicago 41.88 -87.63
        node reno 39.53 -119.81
        item mug
        stock mug chicago 1
        stock mug reno 1
        order o1 later 60 mug 1
        off chicago
        wait 1
        fulfils o1 incomplete scheduled
        from o1 reno
        wait 60
        fulfils o1 incomplete submitted
        ",
    );
}

#[test]
fn a_fulfilment_order_that_is_let_go_is_put_back() {
    check(
        "
        node chicago 41.88 -87.63
        node reno 39.53 -119.81
        item mug
        stock mug chicago 9
        stock mug reno 9
        order o1 mug 2
        accept o1 1
        put_back o1 1 → illegal_transition
        pick o1 1
        stop o1 1
        fulfils o1 cancelling
        pick o1 1 → illegal_transition
        ship o1 1 → illegal_transition
        go_on o1 1
        fulfils o1 picked
        stop o1 1
        let_go o1 1
        fulfils o1 put_back
        status o1 cancelled
        level mug chicago: on_hand 9 available 7 quality_control 2
        let_go o1 1 → illegal_transition
        ship o1 1 → illegal_transition
        put_back o1 1
        fulfils o1 cancelled
        level mug chicago: on_hand 9 available 9
        put_back o1 1 → illegal_transition
        order o2 mug 2
        accept o2 1
        pick o2 1
        pack o2 1
        elsewhere o2 1
        let_go o2 1
        fulfils o2 put_back submitted
        from o2 reno
        put_back o2 1
        level mug chicago: on_hand 9 available 9
        level mug reno: on_hand 9 available 7 committed 2
        order o3 mug 2              # a short pick starts the picking; nothing of it is off its shelf
        accept o3 1
        short o3 1 1 1
        stop o3 1
        let_go o3 1
        fulfils o3 cancelled submitted
        level mug chicago: on_hand 8 available 8
        ",
    );
}

#[test]
fn what_is_ready_is_handed_over_shipped_or_goes_back() {
    check(
        "
        node chicago 41.88 -87.63
        item mug
        stock mug chicago 9
        order o1 mug 1
        accept o1 1
        pick o1 1
        ready o1 1 → illegal_transition
        pack o1 1
        ready o1 1
        deliver o1 1 → illegal_transition
        hand_over o1 1
        fulfils o1 delivered
        status o1 fulfilled
        stop o1 1 → illegal_transition
        order o2 mug 1
        accept o2 1
        pick o2 1
        pack o2 1
        ready o2 1 0 → time_in_past
        ready o2 1 30
        wait 29
        fulfils o2 ready
        ship o2 1
        wait 1
        fulfils o2 shipped
        stop o2 1 → illegal_transition
        deliver o2 1
        order o3 mug 2
        accept o3 1
        pick o3 1
        pack o3 1
        ready o3 1 30
        wait 30
        fulfils o3 put_back
        status o3 cancelled
        level mug chicago: on_hand 7 available 5 quality_control 2
        hand_over o3 1 → illegal_transition
        put_back o3 1
        level mug chicago: on_hand 7 available 7
        ",
    );
}

#[test]
fn what_is_submitted_or_accepted_is_rearranged_and_what_is_picked_is_not() {
    check(
        "
        node chicago 41.88 -87.63
        node reno 39.53 -119.81
        item mug
        stock mug chicago 4
        stock mug reno 2
        order o1 mug 4
        move o1 1 reno → insufficient_stock
        move o1 1 chicago → same_node
        move o1 1 nowhere → unknown_node
        split o1 1 1 4 → nothing_left
        split o1 1 1 2
        move o1 2 reno
        level mug chicago: on_hand 4 available 2 committed 2
        level mug reno: on_hand 2 committed 2
        accept o1 1
        move o1 2 chicago
        merge o1 1 2 → not_mergeable
        accept o1 2
        merge o1 1 2
        fulfils o1 accepted cancelled
        reject o1 1
        fulfils o1 rejected cancelled submitted
        from o1 reno
        accept o1 3
        pick o1 3
        move o1 3 chicago → illegal_transition
        split o1 3 1 1 → illegal_transition
        merge o1 3 1 → illegal_transition
        ",
    );
}
