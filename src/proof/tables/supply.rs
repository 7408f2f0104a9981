//! Supply: transfers, inbound documents and cycle counts, every state and every step, and what they do to stock.
//!
//! What is *not* here: who waits for supply and when it comes (the engine's tests of inbound).

use super::machine::Machine;
use super::teller::{Teller, told};
use super::words_of;
use crate::domain::command::{CycleCountAction, InboundAction, TransferAction};
use crate::domain::cycle_count::CycleCountStatus;
use crate::domain::inbound::InboundStatus;
use crate::domain::transfer::{TransferStatus, TransferVerb};

const TRANSFER: Machine = Machine {
    name: "a transfer",
    begins: "
        node east 40.7 -74.0
        node west 34.0 -118.2
        item phone
        stock phone east 9
        draft t east west 60 phone 3
    ",
    ways: &[
        ("draft", ""),
        ("ready", "promise t"),
        ("in_transit", "promise t \n leave t"),
        ("partially_received", "promise t \n leave t \n arrive t phone 1"),
        ("received", "promise t \n leave t \n arrive t phone 3"),
        ("cancelled", "stay t"),
    ],
    commands: &[
        ("ready", "promise t"),
        ("redate", "later t 600"),
        ("dispatch", "leave t"),
        ("receive", "arrive t phone 1"),
        ("receive_all", "arrive t phone 3"),
        ("close", "close t"),
        ("cancel", "stay t"),
        ("clock", "wait 60"),
    ],
    table: "
                            ready redate             dispatch   receive            receive_all close    cancel    clock
        draft               ready draft              -          -                  -           -        cancelled draft
        ready               -     ready              in_transit -                  -           -        cancelled ready
        in_transit          -     in_transit         -          partially_received received    received -         in_transit
        partially_received  -     partially_received -          partially_received received    received -         partially_received
        received            -     -                  -          -                  -           -        -         received
        cancelled           -     -                  -          -                  -           -        -         cancelled
    ",
    stands: |teller: &Teller| {
        let transfer = teller.engine().transfer("t").expect("it was made");
        transfer.status().word().to_owned()
    },
};

const INBOUND: Machine = Machine {
    name: "an inbound document",
    begins: "
        node east 40.7 -74.0
        item phone
        inbound d east 60 phone 3
    ",
    ways: &[
        ("expected", ""),
        ("partially_received", "come d phone 1"),
        ("received", "come d phone 3"),
        ("closed", "come d phone 1 \n no_more d"),
        ("cancelled", "no_more d"),
    ],
    commands: &[
        ("redate", "redate d 600"),
        ("receive", "come d phone 1"),
        ("receive_all", "come d phone 3"),
        ("end", "no_more d"),
        ("clock", "wait 60"),
    ],
    table: "
                            redate             receive            receive_all    end            clock
        expected            expected           partially_received received       cancelled      expected
        partially_received  partially_received partially_received received       closed         partially_received
        received            !inbound_ended     !inbound_ended     !inbound_ended !inbound_ended received
        closed              !inbound_ended     !inbound_ended     !inbound_ended !inbound_ended closed
        cancelled           !inbound_ended     !inbound_ended     !inbound_ended !inbound_ended cancelled
    ",
    stands: |teller: &Teller| {
        let document = teller.engine().inbound("d").expect("it was announced");
        document.status().word().to_owned()
    },
};

const CYCLE_COUNT: Machine = Machine {
    name: "a cycle count",
    begins: "
        node east 40.7 -74.0
        item phone
        item case
        stock phone east 3
        plan c east phone + case
    ",
    ways: &[
        ("planned", ""),
        ("in_progress", "found c - phone 3"),
        ("completed", "found c - phone 3 + case 1"),
        ("cancelled", "found c - phone 3 \n enough c"),
    ],
    commands: &[
        ("submit", "found c - case 2"),
        ("submit_all", "found c - phone 2 + case 2"),
        ("cancel", "enough c"),
        ("clock", "wait 60"),
    ],
    table: "
                     submit        submit_all        cancel        clock
        planned      in_progress   completed         cancelled     planned
        in_progress  completed     !already_counted  cancelled     in_progress
        completed    !count_ended  !count_ended      !count_ended  completed
        cancelled    !count_ended  !count_ended      !count_ended  cancelled
    ",
    stands: |teller: &Teller| {
        let count = teller.engine().cycle_count("c").expect("it was planned");
        count.status().word().to_owned()
    },
};

#[test]
fn every_transfer_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(TransferStatus:
        Draft "draft", Ready "ready", InTransit "in_transit", PartiallyReceived "partially_received",
        Received "received", Cancelled "cancelled");
    let steps = words_of!(TransferVerb:
        Ready "ready", Redate "redate", Dispatch "dispatch", Receive "receive", Cancel "cancel");
    let actions = words_of!(TransferAction:
        Ready "ready", Redate "redate", Dispatch "dispatch", Receive "receive", Cancel "cancel");
    assert_eq!(steps, actions);
    TRANSFER.check(&states, &steps);
}

#[test]
fn every_inbound_document_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(InboundStatus:
        Expected "expected", PartiallyReceived "partially_received", Received "received", Closed "closed",
        Cancelled "cancelled");
    INBOUND.check(&states, &words_of!(InboundAction: Redate "redate", Receive "receive", End "end"));
}

#[test]
fn every_cycle_count_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(CycleCountStatus:
        Planned "planned", InProgress "in_progress", Completed "completed", Cancelled "cancelled");
    CYCLE_COUNT.check(&states, &words_of!(CycleCountAction: Submit "submit", Cancel "cancel"));
}

#[test]
fn a_transfer_is_promised_at_its_origin_then_at_neither_then_there() {
    told(
        "
        node east 40.7 -74.0
        node west 34.0 -118.2
        item phone
        stock phone east 4
        transfer t east west 60 phone 5 → insufficient_stock
        transfer t east west 60 phone 3
        effect phone east available -3 committed +3
        effect phone west
        transfer s east west 60 phone 2 → insufficient_stock
        transfer s east west 60 phone 1
        stay s
        effect phone east available +1 committed -1
        leave t
        effect phone east on_hand -3 committed -3
        effect phone west
        arrive t phone 1
        effect phone west on_hand +1 available +1
        close t phone 1                 # one is missing
        effect phone west on_hand +1 available +1
        level phone east: on_hand 1 available 1
        level phone west: on_hand 2 available 2
        ",
    );
}

#[test]
fn a_draft_of_a_transfer_moves_nothing_until_it_is_ready() {
    told(
        "
        node east 40.7 -74.0
        node west 34.0 -118.2
        item phone
        stock phone east 2
        draft t east west 60 phone 3
        effect phone east
        effect phone west
        promise t → insufficient_stock
        reserve r 60 phone 2
        stock phone east 1
        promise t → insufficient_stock
        pass 60                         # what lapses is there for it
        promise t
        effect phone east available -1 committed +3 reserved -2
        stay t
        effect phone east available +3 committed -3
        draft u east west 60 phone 3
        stay u
        effect phone east
        promise u → illegal_transition
        ",
    );
}

#[test]
fn a_receipt_serves_who_waits_and_frees_the_rest() {
    told(
        "
        node east 40.7 -74.0
        item phone
        order o phone 2
        inbound d east 60 phone 3
        effect phone east
        redate d 900
        effect phone east
        come d phone 1
        effect phone east on_hand +1 committed +1
        moved o 1 backordered allocated 1
        come d phone 4                  # more than was announced
        effect phone east on_hand +4 available +3 committed +1
        moved o 1 backordered allocated 1
        come d phone 1 → inbound_ended
        ",
    );
}
