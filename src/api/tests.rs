//! The conversions, against the table of bad input that the test over HTTP reads too.

use super::address::AddressFormatPut;
use super::calendar::CalendarPut;
use super::carrier::CarrierPut;
use super::carton::CartonPut;
use super::channel::ChannelPut;
use super::closure::ClosuresPut;
use super::collection::{Arriving, CollectionRulePut, HandingOver};
use super::cycle_count::{CountCancelling, NewCount, Results};
use super::dispatch::{ClosingOut, NewParcels, NumbersPut};
use super::draft::{DraftHold, DraftPatch, DraftPlacing, DraftPut, NewDraft};
use super::edit::NewEdit;
use super::exception::{Assigning, Resolving};
use super::fulfillment::{
    Dividing, Merging, Moving, Nothing, Picking, PuttingBack, Readying, Rejecting, Shipping, Shorting,
};
use super::hold::{HoldEnd, NewHold, NewPayment};
use super::hold_rule::HoldRulePut;
use super::inbound::{CallingOff, InboundChange, NewInbound, Receipt};
use super::item::ItemPut;
use super::json::Json;
use super::lockers::LockersPut;
use super::network::NetworkPut;
use super::node::{NodeChange, NodePut};
use super::opportunity::Foreseeing;
use super::optimisation::NewOptimisation;
use super::order::{Cancellation, Consolidation, NewOrder, OrderMerging, Rebooking, Splitting};
use super::order_clocks::OrderClocksPut;
use super::packing::PackingRequest;
use super::picking::{BinsPut, PickingRulePut};
use super::policy::{FillPut, NodeTerms, RejectionPut, SafetyPut, ThresholdPut};
use super::problem::{CODES, Problem};
use super::rates::RatesRequest;
use super::reading::{Shape, read};
use super::replanning::ReplanningPut;
use super::replay::ReplayRequest;
use super::reservation::{NewReservation, ReservationBatch, ReservationChange};
use super::return_policy::ReturnPolicyPut;
use super::returns::{NewRefund, NewReturn, NewReturnLabel, ReturnReceipt};
use super::rule_preview::{RulePreviewing, ShadowPut};
use super::rule_set::{RuleActivation, RuleSetPut};
use super::slots::SlotsPut;
use super::stock::{Adjustments, AtpRequest, CountPut, Moves};
use super::subscription::{SubscriptionPut, SubscriptionReason};
use super::supply::{DemandPut, KindSafetyPut, PaymentRulePut, SafetyDaysPut, SupplyPut};
use super::tracking::Tracing;
use super::transfer::{NewTransfer, TransferCancelling, TransferChange, TransferReceipt};
use super::wave::{NewWave, TaskAssigning, TaskDone, TaskShorting};
use super::worth::{PriorityPut, UnitCostsPut};
use super::zones::ZoneChartPut;

mod fuzz;

#[path = "../../tests/it/bad_input.rs"]
mod bad_input;

fn read_as<T: Shape>(body: &[u8]) -> Result<(), Problem> {
    let json = Json::parse(body)?;
    read::<T>(&json).map(drop).map_err(|faults| Problem::of_faults(&faults))
}

/// Reads a body as the request at that path does.
fn answer(method: &str, path: &str, body: &[u8]) -> Result<(), Problem> {
    let parts: Vec<_> = path.split('/').skip(2).collect();
    match (method, &parts[..]) {
        ("PUT", ["nodes", _]) => read_as::<NodePut>(body),
        ("PATCH", ["nodes", _]) => read_as::<NodeChange>(body),
        ("PUT", ["items", _]) => read_as::<ItemPut>(body),
        ("POST", ["stock", "adjustments"]) => read_as::<Adjustments>(body),
        ("POST", ["stock", "moves"]) => read_as::<Moves>(body),
        ("PUT", ["stock", _, _]) => read_as::<CountPut>(body),
        ("POST", ["atp"]) => read_as::<AtpRequest>(body),
        ("POST", ["reservations"]) => read_as::<NewReservation>(body),
        ("PATCH", ["reservations", _]) => read_as::<ReservationChange>(body),
        ("POST", ["reservations", "batch"]) => read_as::<ReservationBatch>(body),
        ("PUT", ["address-formats", _]) => read_as::<AddressFormatPut>(body),
        ("PUT", ["nodes", _, "slots"]) => read_as::<SlotsPut>(body),
        ("PUT", ["nodes", _, "lockers"]) => read_as::<LockersPut>(body),
        ("POST", ["orders"]) => read_as::<NewOrder>(body),
        ("POST", ["orders", _, "cancellations"]) => read_as::<Cancellation>(body),
        ("POST", ["drafts"]) => read_as::<NewDraft>(body),
        ("PUT", ["drafts", _]) => read_as::<DraftPut>(body),
        ("PATCH", ["drafts", _]) => read_as::<DraftPatch>(body),
        ("POST", ["drafts", _, "reservation"]) => read_as::<DraftHold>(body),
        ("POST", ["drafts", _, "place"]) => read_as::<DraftPlacing>(body),
        ("PUT", ["subscriptions", _]) => read_as::<SubscriptionPut>(body),
        ("POST", ["subscriptions", _, "pause"]) => read_as::<SubscriptionReason>(body),
        ("POST", ["orders", _, "route" | "allocate"]) => read_as::<Nothing>(body),
        ("POST", ["orders", _, "holds"]) => read_as::<NewHold>(body),
        ("POST", ["orders", _, "holds", _, "release"]) => read_as::<HoldEnd>(body),
        ("POST", ["orders", _, "consolidate"]) => read_as::<Consolidation>(body),
        ("POST", ["orders", _, "merge"]) => read_as::<OrderMerging>(body),
        ("POST", ["orders", _, "split"]) => read_as::<Splitting>(body),
        ("POST", ["orders", _, "edits"]) => read_as::<NewEdit>(body),
        ("POST", ["orders", _, "edits", _, "confirm" | "decline"]) => read_as::<Nothing>(body),
        ("POST", ["orders", _, "payments"]) => read_as::<NewPayment>(body),
        ("PUT", ["channels", _]) => read_as::<ChannelPut>(body),
        ("PUT", ["carriers", _]) => read_as::<CarrierPut>(body),
        ("PUT", ["calendars", _]) => read_as::<CalendarPut>(body),
        ("PUT", ["zone-tables", _, _]) => read_as::<ZoneChartPut>(body),
        ("POST", ["rates"]) => read_as::<RatesRequest>(body),
        ("PUT", ["cartons", _]) => read_as::<CartonPut>(body),
        ("PUT", ["rule-sets", _]) => read_as::<RuleSetPut>(body),
        ("POST", ["rule-sets", _, "activate"]) => read_as::<RuleActivation>(body),
        ("POST", ["rule-sets", _, "preview"]) => read_as::<RulePreviewing>(body),
        ("PUT", ["rule-sets", _, "shadow"]) => read_as::<ShadowPut>(body),
        ("POST", ["replays"]) => read_as::<ReplayRequest>(body),
        ("POST", ["packing"]) => read_as::<PackingRequest>(body),
        ("POST", ["inbound"]) => read_as::<NewInbound>(body),
        ("PATCH", ["inbound", _]) => read_as::<InboundChange>(body),
        ("POST", ["inbound", _, "receipts"]) => read_as::<Receipt>(body),
        ("POST", ["inbound", _, "cancel"]) => read_as::<CallingOff>(body),
        ("POST", ["counts"]) => read_as::<NewCount>(body),
        ("POST", ["counts", _, "results"]) => read_as::<Results>(body),
        ("POST", ["counts", _, "cancel"]) => read_as::<CountCancelling>(body),
        ("POST", ["transfers"]) => read_as::<NewTransfer>(body),
        ("PATCH", ["transfers", _]) => read_as::<TransferChange>(body),
        ("POST", ["transfers", _, "receipts"]) => read_as::<TransferReceipt>(body),
        ("POST", ["transfers", _, "cancel"]) => read_as::<TransferCancelling>(body),
        ("POST", ["fulfillment-orders", _, "reject"]) => read_as::<Rejecting>(body),
        ("POST", ["fulfillment-orders", _, "short"]) => read_as::<Shorting>(body),
        ("POST", ["fulfillment-orders", _, "ship"]) => read_as::<Shipping>(body),
        ("POST", ["fulfillment-orders", _, "ready"]) => read_as::<Readying>(body),
        ("POST", ["fulfillment-orders", _, "put_back"]) => read_as::<PuttingBack>(body),
        ("POST", ["fulfillment-orders", _, "move"]) => read_as::<Moving>(body),
        ("POST", ["fulfillment-orders", _, "split"]) => read_as::<Dividing>(body),
        ("POST", ["fulfillment-orders", _, "merge"]) => read_as::<Merging>(body),
        ("POST", ["fulfillment-orders", _, "tracking"]) => read_as::<Tracing>(body),
        ("POST", ["returns"]) => read_as::<NewReturn>(body),
        ("POST", ["returns", _, "receipts"]) => read_as::<ReturnReceipt>(body),
        ("POST", ["returns", _, "refunds"]) => read_as::<NewRefund>(body),
        ("POST", ["returns", _, "labels", _, "tracking"]) => read_as::<Tracing>(body),
        ("POST", ["returns", _, "labels"]) => read_as::<NewReturnLabel>(body),
        ("PUT", ["return-policy"]) => read_as::<ReturnPolicyPut>(body),
        ("PUT", ["nodes", _, "bins"]) => read_as::<BinsPut>(body),
        ("PUT", ["picking-rule"]) => read_as::<PickingRulePut>(body),
        ("PUT", ["collection-rules", _]) => read_as::<CollectionRulePut>(body),
        ("PUT", ["networks", _]) => read_as::<NetworkPut>(body),
        ("POST", ["fulfillment-orders", _, "hand_over"]) => read_as::<HandingOver>(body),
        ("POST", ["fulfillment-orders", _, "arrive"]) => read_as::<Arriving>(body),
        ("PUT", ["sscc-numbers"]) => read_as::<NumbersPut>(body),
        ("POST", ["fulfillment-orders", _, "parcels"]) => read_as::<NewParcels>(body),
        ("POST", ["nodes", _, "close_out"]) => read_as::<ClosingOut>(body),
        ("POST", ["opportunity-costs"]) => read_as::<Foreseeing>(body),
        ("POST", ["optimisations"]) => read_as::<NewOptimisation>(body),
        ("POST", ["waves"]) => read_as::<NewWave>(body),
        ("POST", ["waves", _, "tasks", _, "assign"]) => read_as::<TaskAssigning>(body),
        ("POST", ["waves", _, "tasks", _, "short"]) => read_as::<TaskShorting>(body),
        ("POST", ["waves", _, "tasks", _, "done"]) => read_as::<TaskDone>(body),
        ("POST", ["exceptions", _, "assign"]) => read_as::<Assigning>(body),
        ("POST", ["exceptions", _, "resolve"]) => read_as::<Resolving>(body),
        ("PUT", ["nodes", _, "terms"]) => read_as::<NodeTerms>(body),
        ("PUT", ["items", _, "threshold"]) => read_as::<ThresholdPut>(body),
        ("PUT", ["items", _, "safety-stock"]) => read_as::<SafetyPut>(body),
        ("PUT", ["items", _, "supply"]) => read_as::<SupplyPut>(body),
        ("PUT", ["items", _, "safety-days"]) => read_as::<SafetyDaysPut>(body),
        ("PUT", ["items", _, "demand"]) => read_as::<DemandPut>(body),
        ("PUT", ["items", _, "costs"]) => read_as::<UnitCostsPut>(body),
        ("PUT", ["nodes", _, "closures"]) => read_as::<ClosuresPut>(body),
        ("PUT", ["nodes", _, "priority"]) => read_as::<PriorityPut>(body),
        ("PUT", ["safety-stock", _]) => read_as::<KindSafetyPut>(body),
        ("PUT", ["payment-rules", _]) => read_as::<PaymentRulePut>(body),
        ("PUT", ["replanning"]) => read_as::<ReplanningPut>(body),
        ("PUT", ["fill-policy"]) => read_as::<FillPut>(body),
        ("PUT", ["order-clocks", _]) => read_as::<OrderClocksPut>(body),
        ("PUT", ["hold-rules", _]) => read_as::<HoldRulePut>(body),
        ("PUT", ["rejection-policies", _]) => read_as::<RejectionPut>(body),
        ("POST", ["orders", _, "source"]) => read_as::<Nothing>(body),
        ("POST", ["orders", _, "slots"]) => read_as::<Rebooking>(body),
        ("POST", ["fulfillment-orders", _, "pick"]) => read_as::<Picking>(body),
        ("POST", ["fulfillment-orders", _, "accept"]) => read_as::<Nothing>(body),
        _ => panic!("no shape is known for {method} {path}"),
    }
}

#[test]
fn every_good_body_is_read() {
    for request in bad_input::table() {
        let read = answer(request.method, request.path, &request.good);
        assert_eq!(read, Ok(()), "{} {}", request.method, request.path);
    }
}

#[test]
fn every_bad_body_names_its_fields_and_code() {
    for row in bad_input::table().into_iter().flat_map(|request| request.rows) {
        let place = format!("row {}: {} {} {}", row.number, row.method, row.path, String::from_utf8_lossy(&row.body));
        let place = place.chars().take(300).collect::<String>();
        let problem = answer(row.method, row.path, &row.body).expect_err(&place);
        assert_eq!((problem.status, problem.code), (row.status, row.code), "{place}: {problem:?}");
        assert!(CODES.iter().any(|(code, ..)| *code == row.code), "{place}: the code is listed");
        let errors = problem.facts.get("errors").and_then(|errors| errors.as_array()).cloned().unwrap_or_default();
        let mut told: Vec<_> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
        told.retain(|field| !field.is_empty());
        let mut wanted = row.fields.clone();
        told.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(told, wanted, "{place}");
    }
}

#[test]
fn a_body_full_of_faults_is_told_within_bounds() {
    let fields: Vec<_> = (0..50_000).map(|n| format!("\"{}{n}\":0", "f".repeat(70))).collect();
    let problem = read_as::<NewReservation>(format!("{{{}}}", fields.join(",")).as_bytes()).unwrap_err();
    assert_eq!(problem.code, "validation_failed");
    assert!(problem.to_json("r").len() < 64 * 1024);
}
