//! Fulfilment orders: every state, every step that anybody can take and what the clock does, cell by cell.
//!
//! The order has two fulfilment orders at one node, so that they can be merged; the first is the subject. The node must
//! answer within a minute, and another one has stock too. What is *not* here: what steps do to stock (`lines`).

use super::machine::Machine;
use super::teller::{Teller, told};
use super::words_of;
use crate::domain::fulfillment::{FulfillmentStatus, FulfillmentVerb};

const FULFILLMENT: Machine = Machine {
    name: "a fulfilment order",
    begins: "
        node east 40.7 -74.0
        node west 34.0 -118.2
        terms east 60
        item phone
        stock phone east 9
        stock phone west 9
    ",
    ways: &[
        ("scheduled", "order o later 60 phone 3 \n part o 1 1 1"),
        ("submitted", "order o phone 3 \n part o 1 1 1"),
        ("on_hold", "order o phone 3 \n part o 1 1 1 \n hold o fraud - -"),
        ("accepted", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n accept o 2"),
        ("picking", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n accept o 2 \n pick o 1 1 1"),
        ("picked", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n accept o 2 \n pick o 1"),
        ("packed", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n accept o 2 \n pick o 1 \n pack o 1"),
        ("ready", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n accept o 2 \n pick o 1 \n pack o 1 \n ready o 1 60"),
        ("shipped", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n accept o 2 \n pick o 1 \n pack o 1 \n ship o 1"),
        (
            "delivered",
            "order o phone 3 \n part o 1 1 1 \n accept o 1 \n accept o 2 \n pick o 1 \n pack o 1 \n hand_over o 1",
        ),
        ("rejected", "order o phone 3 \n part o 1 1 1 \n reject o 1"),
        ("incomplete", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n short o 1 1 2 mismatch"),
        ("cancelling", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n accept o 2 \n pick o 1 \n stop o 1"),
        ("cancelled", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n stop o 1"),
        ("put_back", "order o phone 3 \n part o 1 1 1 \n accept o 1 \n accept o 2 \n pick o 1 \n stop o 1 \n let_go o 1"),
    ],
    commands: &[
        ("accept", "accept o 1"),
        ("reject", "reject o 1"),
        ("pick", "pick o 1"),
        ("short", "short o 1 1 1 mismatch"),
        ("pack", "pack o 1"),
        ("ready", "ready o 1"),
        ("ship", "ship o 1"),
        ("hand_over", "hand_over o 1"),
        ("deliver", "deliver o 1"),
        ("cancel", "stop o 1"),
        ("elsewhere", "elsewhere o 1"),
        ("cancel_accept", "let_go o 1"),
        ("cancel_refuse", "go_on o 1"),
        ("put_back", "put_back o 1"),
        ("move", "move o 1 to west"),
        ("split", "part o 1 1 1"),
        ("merge", "merge o 1 2"),
        ("arrive", "here o 1"),
        ("receive", "receive o 1"),
        ("off", "off east \n wait 1"),
        ("clock", "wait 60"),
    ],
    table: "
                    accept    reject    pick    short   pack    ready   ship    hand_over deliver   cancel     elsewhere  cancel_accept cancel_refuse put_back   move      split     merge     arrive receive off        clock
        scheduled   -         -         -       -       -       -       -       -         -         cancelled  cancelled  -             -             -          scheduled scheduled scheduled -      -       incomplete submitted
        submitted   accepted  rejected  -       -       -       -       -       -         -         cancelled  cancelled  -             -             -          submitted submitted submitted -      -       incomplete rejected
        on_hold     !on_hold  rejected  -       -       -       -       -       -         -         cancelled  cancelled  -             -             -          on_hold   on_hold   on_hold   -      -       incomplete on_hold
        accepted    -         rejected  picked  picking -       -       -       -         -         cancelled  cancelled  -             -             -          submitted accepted  accepted  -      -       incomplete accepted
        picking     -         -         picked  picked  -       -       -       -         -         cancelling cancelling -             -             -          -         -         -         -      -       picking    picking
        picked      -         -         -       -       packed  -       -       -         -         cancelling cancelling -             -             -          -         -         -         -      -       picked     picked
        packed      -         -         -       -       -       ready   shipped delivered -         cancelling cancelling -             -             -          -         -         -         -      -       packed     packed
        ready       -         -         -       -       -       -       shipped delivered -         cancelling cancelling -             -             -          -         -         -         ready  -       ready      put_back
        shipped     -         -         -       -       -       -       -       -         delivered -          -          -             -             -          -         -         -         -      -       shipped    shipped
        delivered   -         -         -       -       -       -       -       -         -         -          -          -             -             -          -         -         -         -      -       delivered  delivered
        rejected    -         -         -       -       -       -       -       -         -         -          -          -             -             -          -         -         -         -      -       rejected   rejected
        incomplete  -         -         -       -       -       -       -       -         -         -          -          -             -             -          -         -         -         -      -       incomplete incomplete
        cancelling  -         -         -       -       -       -       -       -         -         -          -          put_back      picked        -          -         -         -         -      -       cancelling cancelling
        cancelled   -         -         -       -       -       -       -       -         -         -          -          -             -             -          -         -         -         -      -       cancelled  cancelled
        put_back    -         -         -       -       -       -       -       -         -         -          -          -             -             cancelled  -         -         -         -      -       put_back   put_back
    ",
    stands: |teller: &Teller| {
        let order = teller.engine().order("o").expect("it was placed");
        order.shown(&order.fulfillment_orders[0]).word().to_owned()
    },
};

fn states() -> Vec<&'static str> {
    words_of!(FulfillmentStatus:
        Submitted "submitted", Accepted "accepted", Picking "picking", Picked "picked", Packed "packed", Ready "ready",
        Shipped "shipped", Delivered "delivered", Rejected "rejected", Incomplete "incomplete",
        Cancelling "cancelling", Cancelled "cancelled", OnHold "on_hold", Scheduled "scheduled", PutBack "put_back")
}

/// Steps that a caller can ask for.
fn steps() -> Vec<&'static str> {
    let all = words_of!(FulfillmentVerb:
        Accept "accept", Reject "reject", Pick "pick", Short "short", Pack "pack", Ready "ready", Ship "ship",
        HandOver "hand_over", Deliver "deliver", Cancel "cancel", CancelAccept "cancel_accept", Outage "",
        CancelRefuse "cancel_refuse", PutBack "put_back", Move "move", Split "split", Merge "merge", Submit "", Lapse "",
        Arrive "arrive", Receive "receive");
    // The clock and the switch take the others; their columns are `clock` and `off`.
    all.into_iter().filter(|word| !word.is_empty()).collect()
}

#[test]
fn every_fulfilment_order_takes_the_steps_of_its_table_and_no_other() {
    FULFILLMENT.check(&states(), &steps());
}

#[test]
fn a_step_back_leads_to_where_it_was() {
    for (way, stood) in [
        ("pick o 1", "picked"),
        ("pick o 1 1 1", "picking"),
        ("pick o 1 \n pack o 1", "packed"),
        ("pick o 1 \n pack o 1 \n ready o 1", "ready"),
    ] {
        told(&format!(
            "
            node east 40.7 -74.0
            item phone
            stock phone east 3
            order o phone 3
            accept o 1
            {way}
            stop o 1
            fulfils o cancelling
            stop o 1 → illegal_transition
            go_on o 1
            fulfils o {stood}
            elsewhere o 1
            let_go o 1
            fulfils o put_back
            put_back o 1
            fulfils o cancelled
            "
        ));
    }
}

#[test]
fn a_hold_takes_its_place_and_gives_it_back() {
    told(
        "
        node east 40.7 -74.0
        item phone
        stock phone east 3
        order o later 60 phone 3
        hold o fraud - -
        fulfils o on_hold
        accept o 1 → illegal_transition     # its window has not begun
        wait 60
        fulfils o on_hold
        accept o 1 → on_hold
        over o 1
        fulfils o submitted
        hold o address - -
        hold o manual - -
        over o 2
        fulfils o on_hold
        over o 3
        accept o 1
        hold o payment - -
        pick o 1
        pack o 1
        ship o 1 → on_hold
        hand_over o 1 → on_hold
        ready o 1
        over o 4
        ship o 1
        fulfils o shipped
        ",
    );
}

#[test]
fn what_is_split_and_moved_keeps_its_lineage_and_a_refusal_fences_the_node() {
    told(
        "
        node east 40.7 -74.0
        node west 34.0 -118.2
        item phone
        stock phone east 9
        stock phone west 9
        order o phone 4
        part o 1 1 4 → nothing_left
        part o 1 1 2
        move o 2 to east → same_node
        move o 2 to nowhere → unknown_node
        move o 2 to west
        effect phone east available +2 committed -2
        effect phone west available -2 committed +2
        merge o 1 2 → not_mergeable
        reject o 2
        fulfils o submitted rejected submitted
        effect phone west available +2 committed -2
        effect phone east available -2 committed +2
        merge o 1 3
        fulfils o submitted rejected cancelled
        line o 1: allocated 4
        ",
    );
}

#[test]
fn what_has_a_code_is_handed_over_for_it_alone_and_is_put_back_when_nobody_comes() {
    told(
        "
        node east 40.7 -74.0
        item phone
        stock phone east 4
        order o phone 1
        order p phone 2
        accept o 1
        accept p 1
        pick o 1
        pick p 1
        pack o 1
        pack p 1
        here o 1 → illegal_transition
        ready o 1 with K7PM
        ready p 1 60
        here o 1
        hand_over o 1 → missing_field
        hand_over o 1 with K7PN → wrong_code
        effect phone east
        hand_over o 1 with k7pm
        effect phone east on_hand -1 committed -1
        fulfils o delivered
        wait 60                          # nobody came for the other
        effect phone east committed -2 quality_control +2
        fulfils p put_back
        put_back p 1
        effect phone east available +2 quality_control -2
        fulfils p cancelled
        status p cancelled
        ",
    );
}

/// What is sent to a store and collected there.
const TO_STORE: Machine = Machine {
    name: "a fulfilment order that is sent to a store",
    begins: "
        node east 40.7 -74.0
        node west 34.0 -118.2
        item phone
        stock phone east 9
        order o to_store west phone 2
        accept o 1
        pick o 1
    ",
    ways: &[
        ("picked", ""),
        ("packed", "pack o 1"),
        ("shipped", "pack o 1 \n ship o 1"),
        ("packed_there", "pack o 1 \n ship o 1 \n receive o 1"),
        ("ready_there", "pack o 1 \n ship o 1 \n receive o 1 \n ready o 1 60"),
        ("delivered_there", "pack o 1 \n ship o 1 \n receive o 1 \n ready o 1 \n hand_over o 1"),
        ("cancelling_there", "pack o 1 \n ship o 1 \n receive o 1 \n stop o 1"),
        ("put_back_there", "pack o 1 \n ship o 1 \n receive o 1 \n stop o 1 \n let_go o 1"),
        ("cancelled_there", "pack o 1 \n ship o 1 \n receive o 1 \n stop o 1 \n let_go o 1 \n put_back o 1"),
    ],
    commands: &[
        ("accept", "accept o 1"),
        ("reject", "reject o 1"),
        ("pick", "pick o 1"),
        ("pack", "pack o 1"),
        ("ready", "ready o 1"),
        ("ship", "ship o 1"),
        ("receive", "receive o 1"),
        ("hand_over", "hand_over o 1"),
        ("deliver", "deliver o 1"),
        ("cancel", "stop o 1"),
        ("cancel_accept", "let_go o 1"),
        ("cancel_refuse", "go_on o 1"),
        ("put_back", "put_back o 1"),
        ("arrive", "here o 1"),
        ("seen", "seen o 1 delivered"),
        ("off", "off east \n wait 1"),
        ("clock", "wait 60"),
    ],
    table: "
                         accept reject pick pack   ready       ship    receive      hand_over       deliver cancel           cancel_accept  cancel_refuse put_back        arrive      seen             off              clock
        picked           -      -      -    packed -           -       -            -               -       cancelling       -              -             -               -           !not_shipped     picked           picked
        packed           -      -      -    -      -           shipped -            -               -       cancelling       -              -             -               -           !not_shipped     packed           packed
        shipped          -      -      -    -      -           -       packed_there -               -       -                -              -             -               -           shipped          shipped          shipped
        packed_there     -      -      -    -      ready_there -       -            delivered_there -       cancelling_there -              -             -               -           packed_there     packed_there     packed_there
        ready_there      -      -      -    -      -           -       -            delivered_there -       cancelling_there -              -             -               ready_there ready_there      ready_there      put_back_there
        delivered_there  -      -      -    -      -           -       -            -               -       -                -              -             -               -           delivered_there  delivered_there  delivered_there
        cancelling_there -      -      -    -      -           -       -            -               -       -                put_back_there packed_there  -               -           cancelling_there cancelling_there cancelling_there
        put_back_there   -      -      -    -      -           -       -            -               -       -                -              -             cancelled_there -           put_back_there   put_back_there   put_back_there
        cancelled_there  -      -      -    -      -           -       -            -               -       -                -              -             -               -           cancelled_there  cancelled_there  cancelled_there
    ",
    stands: |teller: &Teller| {
        let order = teller.engine().order("o").expect("it was placed");
        let own = &order.fulfillment_orders[0];
        let there = teller.engine().catalogue(|catalogue| &*catalogue.node(own.node).id == "west");
        format!("{}{}", own.status.word(), if there { "_there" } else { "" })
    },
};

#[test]
fn what_is_sent_to_a_store_is_handed_over_there_and_nowhere_else() {
    let states: Vec<&str> = TO_STORE.ways.iter().map(|(state, _)| *state).collect();
    let moved = ["short", "move", "split", "merge"];
    let steps: Vec<&str> = steps().into_iter().filter(|step| !moved.contains(step)).collect();
    TO_STORE.check(&states, &steps);
}

#[test]
fn units_are_at_the_store_from_the_moment_they_are_received_there() {
    told(
        "
        node east 40.7 -74.0
        node west 34.0 -118.2
        item phone
        stock phone east 5
        order o to_store west phone 3
        order p near west phone 2
        accept o 1
        pick o 1
        pack o 1
        ready o 1 → illegal_transition       # he comes to the west
        hand_over o 1 → illegal_transition
        ship o 1
        effect phone east on_hand -3 committed -3
        line o 1: shipped 3
        deliver o 1 → illegal_transition     # the store receives it
        seen o 1 delivered
        fulfils o shipped
        receive o 1
        effect phone west on_hand +3 committed +3
        moved o 1 shipped packed 3
        fulfils o packed
        ship o 1 → illegal_transition
        ready o 1 60
        wait 60                              # nobody came for it
        effect phone west committed -3 quality_control +3
        order q near west waits phone 2
        put_back o 1
        effect phone west available +1 committed +2 quality_control -3
        status o cancelled
        accept p 1
        receive p 1 → illegal_transition
        ",
    );
}
