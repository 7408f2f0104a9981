//! What is watched: cases of what went wrong, what carriers tell of shipments, and versions of rule sets.
//!
//! A carrier may tell anything at any time; what it told last stands, but an end stays an end. What is *not* here: what raises
//! a case (the engine's tests of exceptions), and what rules decide (its tests of rules).

use super::machine::Machine;
use super::teller::Teller;
use super::words_of;
use crate::domain::exception::ExceptionStatus;
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
fn every_version_of_a_rule_set_is_a_draft_then_active_then_retired() {
    RULES.check(&words_of!(VersionState: Draft "draft", Active "active", Retired "retired"), &[]);
}
