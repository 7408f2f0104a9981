//! What is watched: cases of what went wrong, what carriers tell of shipments and of what comes back, and versions of rule
//! sets.
//!
//! A carrier may tell anything at any time; what it told last stands, but an end stays an end. What is *not* here: what raises
//! a case (the engine's tests of exceptions), and what rules decide (its tests of rules).

use super::machine::Machine;
use super::teller::Teller;
use super::words_of;
use crate::domain::exception::ExceptionStatus;
use crate::domain::returns::ReturnStatus;
use crate::domain::rules::VersionState;
use crate::domain::tracking::TrackingStatus;

const CASE: Machine = Machine {
    name: "a case of a sku that is out of stock",
    begins: "
        node east 40.7 -74.0
        item phone
        order o phone 1
    ",
    ways: &[("open", ""), ("assigned", "case x-stock_out-s-0"), ("resolved", "over_case x-stock_out-s-0")],
    commands: &[
        ("assign", "case x-stock_out-s-0"),
        ("resolve", "over_case x-stock_out-s-0"),
        ("remedy", "stock phone east 1 \n wait 61"),
        ("another", "order p phone 1"),
        ("escalate", "wait 90000"),
    ],
    table: "
                  assign               resolve              remedy    another   escalate
        open      assigned             resolved             resolved  open      open
        assigned  assigned             resolved             resolved  assigned  assigned
        resolved  !exception_resolved  !exception_resolved  resolved  open      resolved
    ",
    stands: |teller: &Teller| {
        let case = teller.engine().exception("x-stock_out-s-0").expect("it was raised");
        case.status().word().to_owned()
    },
};

const SHIPMENT: Machine = Machine {
    name: "a shipment",
    begins: "
        node east 40.7 -74.0
        item phone
        stock phone east 1
        order o phone 1
        accept o 1
        pick o 1
        pack o 1
        ship o 1
    ",
    ways: &[
        ("unknown", ""),
        ("pre_transit", "seen o 1 pre_transit"),
        ("in_transit", "seen o 1 in_transit"),
        ("out_for_delivery", "seen o 1 out_for_delivery"),
        ("available_for_pickup", "seen o 1 available_for_pickup"),
        ("failure", "seen o 1 failure"),
        ("return_to_sender", "seen o 1 return_to_sender"),
        ("delivered", "seen o 1 delivered"),
    ],
    commands: &[
        ("pre_transit", "wait 1 \n seen o 1 pre_transit"),
        ("in_transit", "wait 1 \n seen o 1 in_transit"),
        ("out_for_delivery", "wait 1 \n seen o 1 out_for_delivery"),
        ("failure", "wait 1 \n seen o 1 failure"),
        ("return_to_sender", "wait 1 \n seen o 1 return_to_sender"),
        ("delivered", "wait 1 \n seen o 1 delivered"),
    ],
    table: "
                              pre_transit       in_transit        out_for_delivery  failure           return_to_sender  delivered
        unknown               pre_transit       in_transit        out_for_delivery  failure           return_to_sender  delivered
        pre_transit           pre_transit       in_transit        out_for_delivery  failure           return_to_sender  delivered
        in_transit            pre_transit       in_transit        out_for_delivery  failure           return_to_sender  delivered
        out_for_delivery      pre_transit       in_transit        out_for_delivery  failure           return_to_sender  delivered
        available_for_pickup  pre_transit       in_transit        out_for_delivery  failure           return_to_sender  delivered
        failure               pre_transit       in_transit        out_for_delivery  failure           return_to_sender  delivered
        return_to_sender      return_to_sender  return_to_sender  return_to_sender  return_to_sender  return_to_sender  delivered
        delivered             delivered         delivered         delivered         delivered         return_to_sender  delivered
    ",
    stands: |teller: &Teller| {
        let order = teller.engine().order("o").expect("it was placed");
        order.tracked(1).map_or(TrackingStatus::Unknown, |tracked| tracked.status()).word().to_owned()
    },
};

const PARCEL_BACK: Machine = Machine {
    name: "a return of which a parcel is told of",
    begins: "
        node east 40.7 -74.0
        item phone
        stock phone east 2
        order o phone 2
        pay o paid 200
        accept o 1
        pick o 1
        pack o 1
        ship o 1
        deliver o 1
    ",
    ways: &[
        ("requested", "back b o 1 2"),
        ("approved", "back b o 1 2 \n allow b"),
        ("awaiting_goods", "back b o 1 2 \n allow b \n label b"),
        ("in_transit", "back b o 1 2 \n allow b \n label b \n sent b"),
        ("partially_received", "back b o 1 2 \n allow b \n label b \n returned b east 1 1 -"),
        ("received", "back b o 1 2 \n allow b \n label b \n returned b east 1 2 -"),
        ("inspected", "back b o 1 2 \n allow b \n label b \n returned b east 1 2 - \n grade b 1 2"),
        ("dispositioned", "back b o 1 2 \n allow b \n label b \n returned b east 1 2 restock"),
        ("closed", "back b o 1 2 \n allow b \n label b \n returned b east 1 2 restock \n settle b"),
        ("declined", "back b o 1 2 \n deny b"),
        ("expired", "takes_back automatic \n back b o 1 2 \n label b \n wait 86400"),
        ("cancelled", "back b o 1 2 \n allow b \n label b \n forgo b"),
    ],
    commands: &[
        ("announced", "seen_back b 1 pre_transit"),
        ("scanned", "seen_back b 1 in_transit"),
        ("delivered", "seen_back b 1 delivered"),
        ("missed", "seen_back b 1 failure"),
        ("no_label", "seen_back b 2 in_transit"),
    ],
    table: "
                            announced           scanned             delivered           missed              no_label
        requested           !not_found          !not_found          !not_found          !not_found          !not_found
        approved            !not_found          !not_found          !not_found          !not_found          !not_found
        awaiting_goods      awaiting_goods      in_transit          in_transit          in_transit          !not_found
        in_transit          in_transit          in_transit          in_transit          in_transit          !not_found
        partially_received  partially_received  partially_received  partially_received  partially_received  !not_found
        received            received            received            received            received            !not_found
        inspected           inspected           inspected           inspected           inspected           !not_found
        dispositioned       dispositioned       dispositioned       dispositioned       dispositioned       !not_found
        closed              closed              closed              closed              closed              !not_found
        declined            !not_found          !not_found          !not_found          !not_found          !not_found
        expired             expired             expired             expired             expired             !not_found
        cancelled           cancelled           cancelled           cancelled           cancelled           !not_found
    ",
    stands: |teller: &Teller| teller.engine().returned("b").expect("it was asked for").status().word().to_owned(),
};

const RULES: Machine = Machine {
    name: "a version of a rule set",
    begins: "
        node east 40.7 -74.0
        rules peak 500 100 -
    ",
    ways: &[
        ("draft", ""),
        ("active", "apply peak 1 -"),
        ("retired", "apply peak 1 - \n rules peak 600 100 - \n apply peak 2 -"),
    ],
    commands: &[
        ("activate", "apply peak 1 -"),
        ("schedule", "apply peak 1 60"),
        ("scheduled", "apply peak 1 60 \n wait 60"),
        ("another", "rules peak 700 100 - \n apply peak 2 -"),
        ("unknown", "apply peak 9 -"),
    ],
    table: "
                 activate  schedule  scheduled  another  unknown
        draft    active    draft     active     draft    !unknown_version
        active   active    active    active     retired  !unknown_version
        retired  active    retired   active     retired  !unknown_version
    ",
    stands: |teller: &Teller| {
        let version = teller.engine().catalogue(|catalogue| catalogue.rules().version("peak", 1));
        version.expect("it was put").state.word().to_owned()
    },
};

#[test]
fn every_case_takes_its_steps_and_no_other() {
    CASE.check(&words_of!(ExceptionStatus: Open "open", Assigned "assigned", Resolved "resolved"), &[]);
}

#[test]
fn a_shipment_is_where_its_carrier_saw_it_last() {
    let states = words_of!(TrackingStatus:
        Unknown "unknown", PreTransit "pre_transit", InTransit "in_transit", OutForDelivery "out_for_delivery",
        AvailableForPickup "available_for_pickup", Failure "failure", ReturnToSender "return_to_sender",
        Delivered "delivered");
    SHIPMENT.check(&states, &[]);
}

#[test]
fn a_carrier_that_has_a_parcel_sends_a_return_on_its_way_and_does_no_more() {
    let states = words_of!(ReturnStatus:
        Requested "requested", Approved "approved", AwaitingGoods "awaiting_goods", InTransit "in_transit",
        PartiallyReceived "partially_received", Received "received", Inspected "inspected",
        Dispositioned "dispositioned", Closed "closed", Declined "declined", Expired "expired", Cancelled "cancelled");
    PARCEL_BACK.check(&states, &[]);
}

#[test]
fn every_version_of_a_rule_set_is_a_draft_then_active_then_retired() {
    RULES.check(&words_of!(VersionState: Draft "draft", Active "active", Retired "retired"), &[]);
}
