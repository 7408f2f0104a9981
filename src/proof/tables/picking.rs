//! Picking: waves and their tasks, every state and every step, and what they do to lines and stock.

use super::machine::Machine;
use super::teller::{Teller, told};
use super::words_of;
use crate::domain::command::{TaskAction, WaveAction};
use crate::domain::wave::{TaskStatus, TaskVerb, WaveStatus, WaveVerb};

/// Two orders of one node that has accepted both; another node has stock too.
const BEGINS: &str = "
    node east 40.7 -74.0
    node west 34.0 -118.2
    item phone
    item case
    stock phone east 5
    stock case east 5
    stock phone west 5
    bin phone east 0 4
    bin case east 2 7
    order o near east phone 2 + case 1
    order p near east phone 1
    accept o 1
    accept p 1
    wave w east
";

const WAVE: Machine = Machine {
    name: "a wave",
    begins: BEGINS,
    ways: &[
        ("draft", ""),
        ("released", "wave_go w"),
        ("in_progress", "wave_go w \n assign w 1 \n begin w 1"),
        ("completed", "wave_go w \n assign w 1 \n begin w 1 \n fetched w 1 \n assign w 2 \n begin w 2 \n fetched w 2"),
        ("cancelled", "wave_go w \n wave_stop w"),
    ],
    commands: &[("release", "wave_go w"), ("cancel", "wave_stop w"), ("clock", "wait 60")],
    table: "
                     release    cancel     clock
        draft        released   cancelled  draft
        released     -          cancelled  released
        in_progress  -          cancelled  in_progress
        completed    -          -          completed
        cancelled    -          -          cancelled
    ",
    stands: |teller: &Teller| teller.engine().wave("w").expect("it was planned").status().word().to_owned(),
};

const TASK: Machine = Machine {
    name: "a task",
    begins: BEGINS,
    ways: &[
        ("pending", "wave_go w"),
        ("assigned", "wave_go w \n assign w 1"),
        ("in_progress", "wave_go w \n assign w 1 \n begin w 1"),
        ("completed", "wave_go w \n assign w 1 \n begin w 1 \n fetched w 1"),
        ("short", "wave_go w \n assign w 1 \n begin w 1 \n missed w 1 0 1 mismatch \n fetched w 1"),
        ("cancelled", "wave_go w \n assign w 1 \n begin w 1 \n wave_stop w"),
    ],
    commands: &[
        ("assign", "assign w 1"),
        ("start", "begin w 1"),
        ("short", "missed w 1 0 1 mismatch"),
        ("done", "fetched w 1"),
        ("too_short", "missed w 1 0 3 mismatch"),
        ("clock", "wait 60"),
    ],
    table: "
                     assign    start        short        done       too_short               clock
        pending      assigned  -            -            -          -                       pending
        assigned     assigned  in_progress  -            -          -                       assigned
        in_progress  -         -            in_progress  completed  !quantity_out_of_range  in_progress
        completed    -         -            -            -          -                       completed
        short        -         -            -            -          -                       short
        cancelled    -         -            -            -          -                       cancelled
    ",
    stands: |teller: &Teller| {
        let wave = teller.engine().wave("w").expect("it was planned");
        wave.task(1).expect("it was released").status.word().to_owned()
    },
};

#[test]
fn every_wave_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(WaveStatus:
        Draft "draft", Released "released", InProgress "in_progress", Completed "completed", Cancelled "cancelled");
    let _ = words_of!(WaveAction: Release "release", Cancel "cancel", Task "task");
    WAVE.check(&states, &words_of!(WaveVerb: Release "release", Cancel "cancel"));
}

#[test]
fn every_task_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(TaskStatus:
        Pending "pending", Assigned "assigned", InProgress "in_progress", Completed "completed", Short "short",
        Cancelled "cancelled");
    let steps = words_of!(TaskVerb: Assign "assign", Start "start", Short "short", Done "done");
    assert_eq!(steps, words_of!(TaskAction: Assign "assign", Start "start", Short "short", Done "done"));
    TASK.check(&states, &steps);
}

#[test]
fn what_a_task_finds_is_picked_and_what_it_does_not_is_sourced_again() {
    told(&format!(
        "{BEGINS}
        wave v east → nothing_to_pick    # both are in a wave
        wave_go w
        assign w 1
        fetched w 1 → illegal_transition
        begin w 1
        effect phone east
        missed w 1 0 1 mismatch
        effect phone east on_hand -1 committed -1
        effect phone west available -1 committed +1
        moved o 1 released unallocated 1
        moved o 1 unallocated allocated 1
        missed w 1 0 2 damaged → quantity_out_of_range
        fetched w 1
        effect phone east
        line o 1: allocated 1 picked 1
        line o 2: picked 1
        fulfils o picked submitted
        line p 1: released 1
        assign w 2
        begin w 2
        stop p 1                         # it does not wait for the picker
        effect phone east available +1 committed -1
        fetched w 2
        effect phone east
        line p 1: cancelled 1
        wave v east → nothing_to_pick
        "
    ));
}

#[test]
fn what_was_cancelled_or_refused_meanwhile_is_left_out_and_comes_into_another_wave() {
    told(&format!(
        "{BEGINS}
        reject p 1
        wave_go w
        assign w 1
        assign w 2 → not_found           # p is elsewhere
        wave_stop w
        wave v east
        wave_go v
        assign v 1
        begin v 1
        hold o fraud - -
        fetched v 1
        line o 1: released 2
        line o 2: released 1
        "
    ));
}
