//! Drafts: every state and every step, the clock's included, and what becomes of what they hold.

use super::machine::Machine;
use super::teller::{Teller, told};
use super::words_of;
use crate::domain::draft::DraftStatus;

const DRAFT: Machine = Machine {
    name: "a draft",
    begins: "
        node east 40.7 -74.0
        item phone
        stock phone east 9
        sketch d 60 phone 3
    ",
    ways: &[("draft", ""), ("placed", "put_in d o phone 3"), ("discarded", "tear_up d"), ("expired", "wait 60")],
    commands: &[
        ("change", "redraw d 600 phone 4"),
        ("hold", "hold_for d 30 phone 3"),
        ("place", "put_in d p phone 3"),
        ("discard", "tear_up d"),
        ("too_many", "hold_for d 30 phone 10"),
        ("clock", "wait 60"),
        ("unwatched", "pass 60 \n redraw d 600 phone 4"),
    ],
    table: "
                   change        hold          place         discard       too_many             clock      unwatched
        draft      draft         draft         placed        discarded     !insufficient_stock  expired    !draft_ended
        placed     !draft_ended  !draft_ended  !draft_ended  !draft_ended  !draft_ended         placed     !draft_ended
        discarded  !draft_ended  !draft_ended  !draft_ended  discarded     !draft_ended         discarded  !draft_ended
        expired    !draft_ended  !draft_ended  !draft_ended  expired       !draft_ended         expired    !draft_ended
    ",
    stands: |teller: &Teller| {
        let draft = teller.engine().draft("d").expect("it was begun");
        draft.status.word().to_owned()
    },
};

#[test]
fn every_draft_takes_the_steps_of_its_table_and_no_other() {
    let states = words_of!(DraftStatus: Draft "draft", Placed "placed", Discarded "discarded", Expired "expired");
    DRAFT.check(&states, &[]);
}

#[test]
fn what_a_draft_holds_goes_where_its_end_says() {
    told(
        "
        node east 40.7 -74.0
        item phone
        work setup
        stock phone east 9
        sketch d 60 phone 3
        effect phone east
        hold_for d 600 phone 4 + setup 1    # what has no stock is left out; it ends with the draft
        effect phone east available -4 reserved +4
        hold_for d 30 phone 1 → draft_holds
        order o phone 6
        effect phone east available -5 committed +5
        line o 1: backordered 1 allocated 5
        put_in d p phone 3                  # what it does not need goes to who waits
        effect phone east committed +4 reserved -4
        line p 1: allocated 3
        line o 1: allocated 6
        stock phone east 5
        sketch e 60 phone 3
        hold_for e 30 phone 3
        effect phone east available -3 reserved +3
        tear_up e
        effect phone east available +3 reserved -3
        tear_up e
        effect phone east
        sketch f 60 phone 5
        hold_for f 600 phone 5
        put_in f o phone 5 → id_taken       # the id of an order that is there
        effect phone east
        wait 60
        level phone east: on_hand 14 available 5 committed 9
        sketch g 600 phone 5
        hold_for g 30 phone 5
        wait 30
        hold_for g 30 phone 2               # the first has lapsed
        effect phone east available -2 reserved +2
        wait 30
        put_in g q phone 5                  # lapsed too: the units are taken anew
        effect phone east available -5 committed +5
        line q 1: allocated 5
        ",
    );
}
