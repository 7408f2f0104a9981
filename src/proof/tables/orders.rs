//! The status of an order by the first rule that holds, and what can be done to an order of each status.
//!
//! Drafts have no rule yet. What is *not* here: the statuses of returns (the engine's tests of returns), the steps of
//! fulfilment orders (`fulfillment`), where units go (`lines`).

use std::collections::BTreeSet;

use super::machine::Machine;
use super::teller::{Teller, told};
use super::words_of;
use crate::domain::order::OrderStatus;

const ORDER: Machine = Machine {
    name: "an order",
    begins: "
        node east 40.7 -74.0
        item phone
        item cable
        order k cable 1
    ",
    ways: &[
        ("cancelled", "stock phone east 3 \n order o phone 3 \n cancel o"),
        ("on_hold", "stock phone east 3 \n order o phone 3 \n hold o fraud - -"),
        ("fulfilled", "stock phone east 3 \n order o phone 3 \n accept o 1 \n pick o 1 \n pack o 1 \n hand_over o 1"),
        ("shipped", "stock phone east 3 \n order o phone 3 \n accept o 1 \n pick o 1 \n pack o 1 \n ship o 1"),
        (
            "partially_shipped",
            "stock phone east 3 \n order o phone 3 \n part o 1 1 1 \n accept o 1 \n pick o 1 \n pack o 1 \n ship o 1",
        ),
        ("split_fulfillment", "stock phone east 3 \n order o phone 3 \n part o 1 1 1 \n accept o 1"),
        ("in_fulfillment", "stock phone east 3 \n order o phone 3 \n accept o 1"),
        ("fully_allocated", "stock phone east 3 \n order o phone 3"),
        ("partially_allocated", "stock phone east 2 \n order o phone 3"),
        ("backordered", "order o phone 3"),
        ("preordered", "dated phone 1000 \n order o early phone 3"),
        ("allocation_failed", "stock phone east 3 \n order o rests phone 3 \n route o \n order q phone 3 \n allocate o"),
        ("routing_failed", "order o rests phone 3 \n route o"),
        ("routed", "stock phone east 3 \n order o rests phone 3 \n route o"),
        ("received", "stock phone east 3 \n order o rests phone 3"),
    ],
    commands: &[
        ("cancel", "cancel o"),
        ("cancel_one", "cancel o 1 1"),
        ("cancel_many", "cancel o 1 4"),
        ("hold", "hold o manual - -"),
        ("edit", "edit o 1 2"),
        ("route", "route o"),
        ("allocate", "allocate o"),
        ("source", "source o"),
        ("split", "split o p 1 1"),
        ("merge", "merge o k"),
        ("pay", "pay o paid 300"),
        ("give_back", "pay o refunded 1"),
    ],
    table: "
                             cancel              cancel_one           cancel_many        hold                edit                 route            allocate           source                   split                merge                    pay                  give_back
        cancelled            !not_cancellable    !not_cancellable     !not_cancellable   !nothing_to_hold    !not_editable        !not_deferred    !not_deferred      !not_awaiting_customer   !not_cancellable        !orders_not_mergeable    cancelled            !refund_too_large
        on_hold              cancelled           on_hold              !not_cancellable   on_hold             on_hold              !not_deferred    !not_deferred      !not_awaiting_customer   on_hold              on_hold                  on_hold              !refund_too_large
        fulfilled            !not_cancellable    !not_cancellable     !not_cancellable   !nothing_to_hold    !not_editable        !not_deferred    !not_deferred      !not_awaiting_customer   !not_cancellable        !orders_not_mergeable    fulfilled            !refund_too_large
        shipped              !not_cancellable    !not_cancellable     !not_cancellable   !nothing_to_hold    !not_cancellable              !not_deferred    !not_deferred      !not_awaiting_customer   !not_cancellable        !orders_not_mergeable    shipped              !refund_too_large
        partially_shipped    shipped             shipped              !not_cancellable   on_hold             partially_shipped    !not_deferred    !not_deferred      !not_awaiting_customer   shipped              !orders_not_mergeable    partially_shipped    !refund_too_large
        split_fulfillment    cancelled           in_fulfillment       !not_cancellable  on_hold             split_fulfillment    !not_deferred    !not_deferred      !not_awaiting_customer   in_fulfillment       split_fulfillment        split_fulfillment    !refund_too_large
        in_fulfillment       cancelled           in_fulfillment       !not_cancellable   on_hold             in_fulfillment       !not_deferred    !not_deferred      !not_awaiting_customer   in_fulfillment       in_fulfillment           in_fulfillment       !refund_too_large
        fully_allocated      cancelled           fully_allocated      !not_cancellable   on_hold             fully_allocated      !not_deferred    !not_deferred      !not_awaiting_customer   fully_allocated      partially_allocated      fully_allocated      !refund_too_large
        partially_allocated  cancelled           fully_allocated      !not_cancellable   on_hold             partially_allocated  !not_deferred    !not_deferred      !not_awaiting_customer   fully_allocated      partially_allocated      partially_allocated  !refund_too_large
        backordered          cancelled           backordered          !not_cancellable   backordered         backordered          !not_deferred    !not_deferred      !not_awaiting_customer   backordered          backordered              backordered          !refund_too_large
        preordered           cancelled           preordered           !not_cancellable   preordered          preordered           !not_deferred    !not_deferred      !not_awaiting_customer   preordered           !orders_not_mergeable    preordered           !refund_too_large
        allocation_failed    cancelled           allocation_failed    !not_cancellable   allocation_failed   allocation_failed    routing_failed   allocation_failed  !not_awaiting_customer   allocation_failed    !orders_not_mergeable    allocation_failed    !refund_too_large
        routing_failed       cancelled           routing_failed       !not_cancellable   routing_failed      routing_failed       routing_failed   routing_failed     !not_awaiting_customer   routing_failed       !orders_not_mergeable    routing_failed       !refund_too_large
        routed               cancelled           routed               !not_cancellable   routed              routed               routed           fully_allocated    !not_awaiting_customer   routed               !orders_not_mergeable    routed               !refund_too_large
        received             cancelled           received             !not_cancellable   received            received             routed           fully_allocated    !not_awaiting_customer   received             !orders_not_mergeable    received             !refund_too_large
    ",
    stands: |teller: &Teller| teller.engine().order("o").expect("it was placed").status().word().to_owned(),
};

/// The words of all statuses, in the order of their rules; those of what came back have their table in the engine's tests
/// of returns.
fn statuses() -> Vec<&'static str> {
    let mut words = words_of!(OrderStatus:
        Cancelled "cancelled", OnHold "on_hold", Returned "returned", PartiallyReturned "partially_returned",
        Fulfilled "fulfilled", Shipped "shipped",
        PartiallyShipped "partially_shipped", SplitFulfillment "split_fulfillment", InFulfillment "in_fulfillment",
        FullyAllocated "fully_allocated", PartiallyAllocated "partially_allocated", Backordered "backordered",
        Preordered "preordered", AllocationFailed "allocation_failed", RoutingFailed "routing_failed",
        Routed "routed", Received "received");
    words.retain(|word| !word.ends_with("returned"));
    words
}

#[test]
fn an_order_of_every_status_takes_what_its_row_says() {
    ORDER.check(&statuses(), &[]);
}

/// Of two rules that both hold the first decides: in each story the facts of a later rule are there, then those of an
/// earlier one come, and where they go again the later one shows.
const PRECEDENCE: &[&str] = &[
    "
    order o phone 3                 # all is cancelled, and a hold stands: cancelled
    hold o fraud - -
    status o on_hold
    under o fully_allocated
    cancel o
    status o cancelled
    ",
    "
    order o phone 3                 # a hold goes before all but cancelled, and says nothing of what has no next step
    part o 1 1 1
    accept o 1
    hold o payment - -              # it forbids to ship, and nothing is packed
    status o split_fulfillment
    pick o 1
    pack o 1
    status o on_hold
    under o split_fulfillment
    over o 1
    ship o 1
    status o partially_shipped
    hold o address - -
    status o on_hold
    under o partially_shipped
    never o 2                       # rejected for good
    status o on_hold
    cancel o 1 1                    # what had a next step is gone
    status o shipped
    deliver o 1
    status o fulfilled
    ",
    "
    order o phone 3                 # fulfilled before shipped before partially_shipped before split_fulfillment
    part o 1 1 1
    accept o 1
    status o split_fulfillment
    pick o 1
    pack o 1
    ship o 1
    status o partially_shipped
    accept o 2
    pick o 2
    pack o 2
    deliver o 1
    status o partially_shipped
    ship o 2
    status o shipped
    deliver o 2
    status o fulfilled
    ",
    "
    order o phone 3                 # what is cancelled does not count
    part o 1 1 1
    stop o 2
    status o fully_allocated
    accept o 1
    pick o 1
    pack o 1
    ready o 1
    hand_over o 1
    status o fulfilled
    cancel o → not_cancellable
    ",
    "
    order o phone 3                 # two live ones of which one is accepted, one, none
    status o fully_allocated
    accept o 1
    status o in_fulfillment
    part o 1 1 1
    status o split_fulfillment
    stop o 2
    status o in_fulfillment
    reject o 1
    status o backordered            # nobody else has any
    ",
    "
    order o phone 4                 # some allocated before waiting; some accepted before some allocated
    status o partially_allocated
    accept o 1
    status o in_fulfillment
    reject o 1
    status o backordered            # the node that refused is not asked again
    order p phone 4
    status p partially_allocated
    stock phone east 1
    status p fully_allocated
    ",
    "
    order q phone 3                 # what waits for stock goes before what waits for its release
    dated phone 100
    order o early phone 2
    status o preordered
    order p phone 1 + cable 1
    status p backordered
    wait 100
    status o backordered
    cancel q
    status o fully_allocated
    status p partially_allocated
    ",
    "
    order o rests phone 3           # a plan that failed goes before no plan, that before a plan, that before nothing
    status o received
    route o
    status o routed
    order q phone 2
    allocate o
    status o partially_allocated
    order p rests phone 1
    allocate p
    status p routing_failed
    cancel o 1 2
    cancel q 1 1
    route p
    status p routed
    order r phone 1
    status r fully_allocated        # a plan takes nothing
    allocate p
    status p allocation_failed
    stock phone east 9
    status p allocation_failed      # who rests stands in no queue
    allocate p
    status p fully_allocated
    ",
];

#[test]
fn of_the_rules_of_a_status_the_first_that_holds_decides() {
    for story in PRECEDENCE {
        told(&format!("node east 40.7 -74.0 \n item phone \n item cable \n stock phone east 3 \n {story}"));
    }
    let told: BTreeSet<&str> = PRECEDENCE
        .iter()
        .flat_map(|story| story.lines())
        .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["status", _, word, ..] => Some(word),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), statuses().len(), "every status is told: {told:?}");
}
