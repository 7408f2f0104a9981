//! Units of a line from bucket to bucket: each transition with its guard, and what it does to stock.
//!
//! Each story takes one transition, refused once where it has a guard, then taken; `effect` is the whole change of the
//! node's level. In the end the transitions seen, event by event and over all stories, are exactly those of the table: one
//! that nobody lists would be a new one, one that nobody saw a story that is missing.
//!
//! `nothing` is where units come from that an order or an edit brings, and where those go that an edit, a split or a merge
//! takes away. A unit that waits for a release passes through `backordered` in the record that makes it wait.

use std::collections::BTreeSet;

use super::teller::{Place, told};

/// From, to, and why.
const TRANSITIONS: &[(Place, Place, &str)] = &[
    ("nothing", "unallocated", "placed to rest"),
    ("nothing", "allocated", "placed and found, or a reservation claimed; an edit; a split or merge brings its place"),
    ("nothing", "backordered", "placed and short"),
    ("unallocated", "allocated", "allocated, or sourced again"),
    ("unallocated", "backordered", "nobody has it now"),
    ("unallocated", "cancelled", "called off while it rests"),
    ("backordered", "preordered", "it waits for a release"),
    ("preordered", "backordered", "the release came, the goods did not"),
    ("preordered", "allocated", "the goods came"),
    ("preordered", "cancelled", "called off"),
    ("backordered", "allocated", "a receipt, an adjustment, another's cancellation"),
    ("backordered", "cancelled", "called off"),
    ("allocated", "unallocated", "the node refused or is off"),
    ("allocated", "released", "the node accepted"),
    ("allocated", "cancelled", "called off, or gone to the order it is merged into"),
    ("allocated", "nothing", "lowered by an edit, or split off"),
    ("released", "allocated", "another node shall do it, and has not answered"),
    ("released", "unallocated", "not found, refused, or the node is off"),
    ("released", "picked", "picked"),
    ("released", "cancelled", "called off before it was picked"),
    ("picked", "packed", "packed"),
    ("picked", "unallocated", "the node lets it go, and it goes from elsewhere"),
    ("picked", "cancelled", "the node lets it go"),
    ("packed", "shipped", "it left"),
    ("packed", "delivered", "handed over"),
    ("packed", "unallocated", "the node lets it go, and it goes from elsewhere"),
    ("packed", "cancelled", "the node lets it go, or nobody picked it up"),
    ("shipped", "delivered", "it arrived"),
];

/// One node with five phones.
const EAST: &str = "node east 40.7 -74.0 \n item phone \n stock phone east 5 \n";
/// Two such nodes; the first is nearer.
const BOTH: &str = "
    node east 40.7 -74.0 \n node west 34.0 -118.2 \n item phone \n stock phone east 5 \n stock phone west 5 \n
";

/// A story begins with one of the worlds above.
const STORIES: &[(&str, &str)] = &[
    // ∅ → unallocated: what is not known is refused; nothing is taken.
    (
        EAST,
        "
        order o rests lamp 3 → unknown_sku
        order o rests phone 3
        moved o 1 nothing unallocated 3
        effect phone east
        cancel o 1 4 → not_cancellable
        cancel o 1 1
        moved o 1 unallocated cancelled 1
        effect phone east
        ",
    ),
    // reservation → allocated: it must be held.
    (
        EAST,
        "
        reserve q 600 phone 3
        release q
        order o with q phone 3 → reservation_expired
        reserve r 600 phone 3
        order o with r phone 3
        moved o 1 nothing allocated 3
        effect phone east committed +3 reserved -3
        ",
    ),
    // unallocated → allocated: fences pass and enough is there; else the order says so.
    (
        EAST,
        "
        order o rests phone 3
        off east
        allocate o
        status o routing_failed
        on east
        allocate o
        moved o 1 unallocated allocated 3
        effect phone east available -3 committed +3
        allocate o → not_deferred
        ",
    ),
    // The same with capacity: a place of a slot is taken with the stock, or neither.
    (
        EAST,
        "
        work setup
        slots east monday 3600 1
        order o slot east monday phone 1 + setup 2 → slot_full
        order o slot east monday phone 1 + setup 1
        moved o 1 nothing allocated 1
        effect phone east available -1 committed +1
        order p slot east monday phone 1 + setup 1 → slot_full
        cancel o
        effect phone east available +1 committed -1
        order p slot east monday phone 1 + setup 1
        ",
    ),
    // unallocated → backordered, and backordered → allocated by a receipt, by an adjustment and by another's
    // cancellation: as far as units are there, who waits first first.
    (
        EAST,
        "
        order o rests phone 7
        allocate o
        moved o 1 unallocated allocated 5
        moved o 1 unallocated backordered 2
        effect phone east available -5 committed +5
        order p phone 2
        moved p 1 nothing backordered 2
        effect phone east
        inbound d east 60 phone 1
        come d phone 1
        moved o 1 backordered allocated 1
        moved p 1 backordered allocated 0
        effect phone east on_hand +1 committed +1
        stock phone east 2
        moved o 1 backordered allocated 1
        moved p 1 backordered allocated 1
        effect phone east on_hand +2 committed +2
        cancel o 1 3
        moved o 1 allocated cancelled 3
        moved p 1 backordered allocated 1
        effect phone east available +2 committed -2
        ",
    ),
    // backordered → cancelled, before what is allocated.
    (
        EAST,
        "
        order o phone 7
        cancel o 1 8 → not_cancellable
        cancel o 1 1
        moved o 1 backordered cancelled 1
        effect phone east
        cancel o 1 2
        moved o 1 backordered cancelled 1
        moved o 1 allocated cancelled 1
        effect phone east available +1 committed -1
        ",
    ),
    // → preordered, which is served like all others, called off, and moved on when the release comes.
    (
        "node east 40.7 -74.0 \n item phone \n dated phone 1000 \n",
        "
        order o early phone 4
        moved o 1 nothing backordered 4
        moved o 1 backordered preordered 4
        effect phone east
        stock phone east 2
        moved o 1 preordered allocated 2
        effect phone east on_hand +2 committed +2
        accept o 1
        pick o 1
        pack o 1
        ship o 1 → not_released
        cancel o 1 1
        moved o 1 preordered cancelled 1
        effect phone east
        wait 999
        line o 1: preordered 1 packed 2 cancelled 1
        wait 1
        moved o 1 preordered backordered 1
        effect phone east
        ship o 1
        dated phone -1
        order p early phone 1 → nothing_to_preorder
        ",
    ),
    // unallocated → preordered: an order that rested until after it was allocated.
    (
        "node east 40.7 -74.0 \n item phone \n dated phone 1000 \n",
        "
        order o rests early phone 2
        allocate o
        moved o 1 unallocated backordered 2
        moved o 1 backordered preordered 2
        effect phone east
        ",
    ),
    // allocated → unallocated: the node refuses, and the customer is asked before it goes from elsewhere.
    (
        BOTH,
        "
        asks ship
        order o phone 3
        source o → not_awaiting_customer
        reject o 1
        moved o 1 allocated unallocated 3
        effect phone east available +3 committed -3
        line o 1: unallocated 3
        source o
        moved o 1 unallocated allocated 3
        effect phone west available -3 committed +3
        reject o 1 → illegal_transition
        ",
    ),
    // allocated → unallocated → allocated: the node is switched off before it began.
    (
        BOTH,
        "
        order o phone 3
        off east
        wait 1
        moved o 1 allocated unallocated 3
        moved o 1 unallocated allocated 3
        effect phone west available -3 committed +3
        fulfils o incomplete submitted
        ",
    ),
    // allocated → allocated elsewhere, both nodes in one record; what was accepted is to be answered again.
    (
        BOTH,
        "
        reserve r 60 phone 4 at west
        order o phone 3
        move o 1 to west → insufficient_stock
        release r
        move o 1 to west
        effect phone east available +3 committed -3
        effect phone west available -3 committed +3
        line o 1: allocated 3
        accept o 1
        move o 1 to east
        moved o 1 released allocated 3
        effect phone east available -3 committed +3
        effect phone west available +3 committed -3
        ",
    ),
    // allocated → released: a hold forbids it.
    (
        EAST,
        "
        order o phone 3
        hold o fraud - -
        accept o 1 → on_hold
        over o 1
        accept o 1
        moved o 1 allocated released 3
        effect phone east
        ",
    ),
    // The same, where the channel wants its money first.
    (
        EAST,
        "
        rule till authorized paid
        order o via till phone 3
        accept o 1 → payment_due
        pay o authorized 300
        accept o 1
        moved o 1 allocated released 3
        pick o 1
        pack o 1
        ship o 1 → payment_due
        pay o paid 300
        ship o 1
        moved o 1 packed shipped 3
        ",
    ),
    // released → picked: some, then the rest; never more than there are.
    (
        EAST,
        "
        order o phone 3
        pick o 1 → illegal_transition
        accept o 1
        pick o 1 1 4 → quantity_out_of_range
        pick o 1 1 1
        moved o 1 released picked 1
        effect phone east
        pick o 1
        moved o 1 released picked 2
        effect phone east
        ",
    ),
    // released → unallocated: fewer are there.
    (
        EAST,
        "
        order o phone 3
        short o 1 1 1 mismatch → illegal_transition
        accept o 1
        short o 1 1 4 mismatch → quantity_out_of_range
        short o 1 1 1 mismatch
        moved o 1 released unallocated 1
        moved o 1 unallocated backordered 1
        effect phone east on_hand -1 committed -1
        ",
    ),
    // The same: what is there cannot be sold, and the node has others.
    (
        EAST,
        "
        order o phone 3
        accept o 1
        short o 1 1 1 damaged
        moved o 1 released unallocated 1
        moved o 1 unallocated allocated 1
        effect phone east available -1 damaged +1
        ",
    ),
    // The same: nothing is there; what others were promised is owed.
    (
        EAST,
        "
        order o phone 3
        accept o 1
        short o 1 1 1 not_in_stock
        moved o 1 released unallocated 1
        effect phone east on_hand -5 shortfall +2 available -2 committed -1
        stock phone east 3
        moved o 1 backordered allocated 1
        effect phone east on_hand +3 shortfall -2 committed +1
        ",
    ),
    // The same: the node refuses what it had accepted, and it goes from elsewhere.
    (
        BOTH,
        "
        order o phone 3
        accept o 1
        reject o 1
        moved o 1 released unallocated 3
        moved o 1 unallocated allocated 3
        effect phone east available +3 committed -3
        effect phone west available -3 committed +3
        accept o 2
        off west
        wait 1
        moved o 1 released unallocated 3
        effect phone west available +3 committed -3
        line o 1: backordered 3
        ",
    ),
    // picked → packed → shipped → delivered.
    (
        EAST,
        "
        order o phone 3
        accept o 1
        pack o 1 → illegal_transition
        pick o 1
        pack o 1
        moved o 1 picked packed 3
        effect phone east
        hold o payment - -
        ship o 1 → on_hold
        over o 1
        deliver o 1 → illegal_transition
        ship o 1
        moved o 1 packed shipped 3
        effect phone east on_hand -3 committed -3
        deliver o 1
        moved o 1 shipped delivered 3
        effect phone east
        ",
    ),
    // packed → delivered: who takes it at the node.
    (
        EAST,
        "
        order o phone 3
        accept o 1
        hand_over o 1 → illegal_transition
        pick o 1
        pack o 1
        ready o 1
        effect phone east
        hand_over o 1
        moved o 1 packed delivered 3
        effect phone east on_hand -3 committed -3
        ",
    ),
    // allocated → cancelled.
    (
        EAST,
        "
        order o phone 3
        cancel o 1 4 → not_cancellable
        cancel o 1 1
        moved o 1 allocated cancelled 1
        effect phone east available +1 committed -1
        cancel o
        moved o 1 allocated cancelled 2
        effect phone east available +2 committed -2
        cancel o → not_cancellable
        ",
    ),
    // released → cancelled: at once.
    (
        EAST,
        "
        order o phone 3
        accept o 1
        cancel o 1 1
        moved o 1 released cancelled 1
        effect phone east available +1 committed -1
        stop o 1
        moved o 1 released cancelled 2
        effect phone east available +2 committed -2
        ",
    ),
    // picked → cancelled, packed → cancelled: the node is asked, and sells it again when it lies on its shelf.
    (
        EAST,
        "
        order o phone 3
        accept o 1
        pick o 1
        cancel o → not_cancellable
        stop o 1
        effect phone east
        let_go o 1
        moved o 1 picked cancelled 3
        effect phone east committed -3 quality_control +3
        put_back o 1
        effect phone east available +3 quality_control -3
        order p phone 2
        accept p 1
        pick p 1
        pack p 1
        cancel p → not_cancellable
        stop p 1
        let_go p 1
        moved p 1 packed cancelled 2
        effect phone east committed -2 quality_control +2
        put_back p 1
        effect phone east available +2 quality_control -2
        ",
    ),
    // The same, and it goes from elsewhere; what was begun and not picked is free at once.
    (
        BOTH,
        "
        order o phone 3
        accept o 1
        pick o 1 1 2
        elsewhere o 1
        let_go o 1
        moved o 1 picked unallocated 2
        moved o 1 released unallocated 1
        moved o 1 unallocated allocated 3
        effect phone east available +1 committed -3 quality_control +2
        effect phone west available -3 committed +3
        accept o 2
        pick o 2
        pack o 2
        elsewhere o 2
        go_on o 2
        effect phone west
        elsewhere o 2
        let_go o 2
        moved o 1 packed unallocated 3
        effect phone west committed -3 quality_control +3
        ",
    ),
    // packed → cancelled by the clock: nobody came for it.
    (
        EAST,
        "
        order o phone 3
        accept o 1
        pick o 1
        pack o 1
        ready o 1 0 → time_in_past
        ready o 1 60
        wait 59
        line o 1: packed 3
        wait 1
        moved o 1 packed cancelled 3
        effect phone east committed -3 quality_control +3
        ",
    ),
    // shipped → cancelled is forbidden, and so is delivered.
    (
        EAST,
        "
        order o phone 3
        accept o 1
        pick o 1
        pack o 1
        ship o 1
        stop o 1 → illegal_transition
        elsewhere o 1 → illegal_transition
        cancel o → not_cancellable
        cancel o 1 1 → not_cancellable
        deliver o 1
        stop o 1 → illegal_transition
        cancel o 1 1 → not_cancellable
        line o 1: delivered 3
        ",
    ),
    // A partial cancellation takes what waits, then what the dearest node would send, then what is accepted.
    (
        BOTH,
        "
        order o phone 12
        line o 1: backordered 2 allocated 10
        cancel o 1 3
        moved o 1 backordered cancelled 2
        moved o 1 allocated cancelled 1
        effect phone east
        effect phone west available +1 committed -1
        accept o 1
        cancel o 1 5
        moved o 1 allocated cancelled 4
        moved o 1 released cancelled 1
        cancel o 1 5 → not_cancellable
        ",
    ),
    // Edits, splits and merges move units between orders, not in stock.
    (
        EAST,
        "
        order o phone 2
        edit o 1 4
        confirm o 1
        moved o 1 nothing allocated 2
        edit o 1 3
        confirm o 2
        moved o 1 allocated nothing 1
        effect phone east available +1 committed -1
        split o p 1 1
        moved o 1 allocated nothing 1
        moved p 1 nothing allocated 1
        effect phone east
        merge o p
        moved p 1 allocated cancelled 1
        effect phone east
        line o 1: allocated 2
        ",
    ),
];

#[test]
fn units_go_from_bucket_to_bucket_as_the_table_says_and_no_other_way() {
    let seen: BTreeSet<(Place, Place)> =
        STORIES.iter().flat_map(|(begins, story)| told(&format!("{begins}{story}"))).collect();
    let listed: BTreeSet<(Place, Place)> = TRANSITIONS.iter().map(|(from, to, _)| (*from, *to)).collect();
    let (new, missing): (Vec<_>, Vec<_>) = (seen.difference(&listed).collect(), listed.difference(&seen).collect());
    assert!(new.is_empty() && missing.is_empty(), "not in the table: {new:?}; never seen: {missing:?}");
}
