//! Problems: every way a request can fail, as `application/problem+json` (RFC 9457).
//!
//! Promises: `code` is stable and stands in [`CODES`], which the OpenAPI document lists; the facts of the case are
//! further members; nothing internal is told. The status belongs to the code. What is *not* here: the request's id,
//! which the front adds when it writes the problem.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::json::Malformed;
use super::scalar::{Instant, MoneyJson};
use crate::domain::rejection::{Fault, Rejection};

/// A code of the API: its name, its status, its title.
pub type Code = (&'static str, u16, &'static str);

/// Every code, in the order of their statuses.
pub const CODES: &[Code] = &[
    ("malformed_json", 400, "The body is not JSON"),
    ("malformed_table", 400, "The heading of the table names no fields"),
    ("malformed_path", 400, "The path cannot be decoded"),
    ("malformed_query", 400, "The query cannot be decoded"),
    ("unknown_parameter", 400, "A query parameter is not known"),
    ("invalid_limit", 400, "The size of a page is out of range"),
    ("invalid_cursor", 400, "The cursor was not given by this list"),
    ("invalid_idempotency_key", 400, "The idempotency key cannot be used"),
    ("body_unreadable", 400, "The body did not arrive whole"),
    ("not_found", 404, "There is nothing under that id"),
    ("route_not_found", 404, "There is nothing at that path"),
    ("method_not_allowed", 405, "That method is not served here"),
    ("body_timeout", 408, "The body came too slowly"),
    ("insufficient_stock", 409, "Not enough is available"),
    ("insufficient_on_hand", 409, "Not enough is on hand"),
    ("insufficient_state", 409, "Not enough is in that state"),
    ("stale_level", 409, "The level is not what was expected"),
    ("reservation_expired", 409, "The reservation is no longer held"),
    ("reservation_ended", 409, "The reservation has ended"),
    ("id_taken", 409, "The id was used with another body"),
    ("duplicate_channel_order", 409, "The channel placed another order under that id"),
    ("illegal_transition", 409, "That step cannot be taken now"),
    ("not_cancellable", 409, "That can no longer be cancelled"),
    ("on_hold", 409, "A hold forbids that step"),
    ("edit_open", 409, "Another edit of the order is open"),
    ("edit_ended", 409, "The edit has ended"),
    ("edit_stale", 409, "The order moved on: the edit can no longer be done"),
    ("not_editable", 409, "The order can no longer be edited so"),
    ("not_consolidable", 409, "The orders cannot share a shipment"),
    ("orders_not_mergeable", 409, "The two orders cannot become one"),
    ("reservation_of_edit", 409, "The reservation belongs to an edit"),
    ("hold_ended", 409, "The hold is no longer active"),
    ("not_deferred", 409, "The order does not rest"),
    ("not_released", 409, "The item is not released yet"),
    ("not_shipped", 409, "The fulfilment order has not left"),
    ("slot_full", 409, "The slot has too few places left"),
    ("not_booked", 409, "The line has no slot that is still to come"),
    ("locker_full", 409, "No compartment is free in which it fits"),
    ("fits_no_locker", 409, "It fits in no compartment"),
    ("locker_in_use", 409, "Compartments are used"),
    ("slot_in_use", 409, "Places of the slot are used"),
    ("payment_due", 409, "More of the order's money must come first"),
    ("nothing_to_hold", 409, "The order has nothing left to hold"),
    ("lots_expired", 409, "What is left to pick has expired"),
    ("count_ended", 409, "Nothing more of that count is to be counted"),
    ("inbound_ended", 409, "Nothing more comes of that inbound supply"),
    ("subscription_state", 409, "The subscription is not in a state for that"),
    ("draft_ended", 409, "The draft has ended"),
    ("draft_changed", 409, "Somebody changed the draft meanwhile"),
    ("draft_holds", 409, "Units are set aside for the draft already"),
    ("exception_resolved", 409, "The exception is over"),
    ("not_awaiting_customer", 409, "The order does not wait for its customer's word"),
    ("refund_too_large", 409, "More would be given back than was taken, or than may be"),
    ("not_returnable", 409, "Fewer units left and can come back"),
    ("not_in_return", 409, "The return has fewer units of that kind"),
    ("nothing_to_send", 409, "Nothing of it is sent"),
    ("label_incomplete", 409, "Too little is known for a label"),
    ("not_a_bar_code", 409, "A number cannot be a bar code of the label"),
    ("nothing_to_pick", 409, "Nothing is to be picked"),
    ("not_packable", 409, "It cannot be packed into parcels with numbers as it stands"),
    ("manifest_closed", 409, "The manifest of that day is closed"),
    ("optimisation_stale", 409, "The world moved on: optimise again"),
    ("answer_gone", 410, "The answer to the repeated request is no longer kept"),
    ("events_gone", 410, "The events asked for are no longer kept"),
    ("body_too_large", 413, "The body is too large"),
    ("unsupported_media_type", 415, "The body's type is not taken here"),
    ("validation_failed", 422, "Several fields are wrong"),
    ("missing_field", 422, "A required field is missing"),
    ("unknown_field", 422, "A field is not known"),
    ("duplicate_field", 422, "A field is given twice"),
    ("wrong_type", 422, "A field has the wrong type"),
    ("unknown_word", 422, "A word is not in the list"),
    ("invalid_id", 422, "An id cannot be used"),
    ("text_out_of_range", 422, "A text has a wrong length or character"),
    ("invalid_sscc", 422, "A number is no serial shipping container code"),
    ("quantity_out_of_range", 422, "A quantity is out of range"),
    ("number_out_of_range", 422, "A number is out of range"),
    ("amount_out_of_range", 422, "An amount of money is out of range"),
    ("draft_too_large", 422, "A draft says too much"),
    ("ttl_out_of_range", 422, "A life of a reservation or a draft is out of range"),
    ("position_out_of_range", 422, "A position is not on the globe"),
    ("list_length_out_of_range", 422, "A list has too few or too many entries"),
    ("invalid_country", 422, "A country is not a country code"),
    ("invalid_currency", 422, "A currency is not a currency code"),
    ("invalid_pattern", 422, "A pattern is not a regular expression"),
    ("invalid_postal_code", 422, "A postal code is not written so in its country"),
    ("unknown_region", 422, "The country has no such region"),
    ("totals_mismatch", 422, "The totals do not add up"),
    ("invalid_time", 422, "A time cannot be read"),
    ("time_out_of_order", 422, "Times have to follow each other"),
    ("order_has_ended", 422, "That is not for an order that has ended"),
    ("time_in_past", 422, "A time has to be in the future"),
    ("time_in_future", 422, "A time is too far in the future"),
    ("not_tracked", 422, "The item is not tracked so"),
    ("unknown_lot", 422, "There is no such lot or serial number there"),
    ("lot_differs", 422, "The lot is known with another date"),
    ("lot_expired", 422, "The lot has expired"),
    ("serial_taken", 422, "The serial number is elsewhere already"),
    ("too_many_lots", 422, "More lots than may be known of an item"),
    ("tracking_is_fixed", 422, "How an item is tracked cannot change while units of it are known"),
    ("as_of_in_future", 422, "A count cannot be made in the future"),
    ("as_of_too_old", 422, "What happened since the count is no longer known"),
    ("too_many_sources", 422, "Too many sources number their counts of a cell"),
    ("already_counted", 422, "The sku has its result"),
    ("same_node", 422, "It goes to another node"),
    ("invalid_period", 422, "A period cannot be read"),
    ("invalid_time_zone", 422, "A time zone is not known"),
    ("invalid_url", 422, "An address cannot be followed"),
    ("currency_mismatch", 422, "Prices of one order have one currency"),
    ("duplicate_line_id", 422, "Two lines have the same id"),
    ("unknown_group", 422, "A line names a group that is not there"),
    ("not_mergeable", 422, "Two fulfilment orders cannot become one"),
    ("nothing_left", 422, "A split leaves something behind"),
    ("invalid_company_prefix", 422, "That is not the prefix of a company"),
    ("wrong_code", 422, "That is not the code that was given out"),
    ("code_locked", 422, "Too many other codes were handed in, and nobody has looked at that yet"),
    ("not_ready", 422, "It is handed over for a code, which is given out when it is ready"),
    ("method_not_offered", 422, "The node does not do that delivery method"),
    ("collected_elsewhere", 422, "The customer comes to another node"),
    ("not_pickable", 422, "A fulfilment order cannot be picked there now"),
    ("too_many_serials", 422, "A wave may have fewer units with serial numbers"),
    ("node_inactive", 422, "A node is switched off"),
    ("node_not_serving", 422, "The node does not serve the channel"),
    ("illegal_move", 422, "Units move from or to what is available"),
    ("ambiguous_change", 422, "A change names one thing that changes"),
    ("duplicate_change", 422, "One thing is changed twice"),
    ("duplicate_sku", 422, "A sku is named twice"),
    ("duplicate_line", 422, "A line is named twice"),
    ("unknown_component", 422, "The kit has no such component"),
    ("incomplete_kit", 422, "Components make no whole kits: what is not there is missing"),
    ("not_in_parcel", 422, "Units that were missed have no other fate"),
    ("duplicate_name", 422, "A name is given twice"),
    ("not_ascending", 422, "Bounds have to ascend"),
    ("bad_rates", 422, "Every zone has its days and its prices"),
    ("bad_range", 422, "A range of postal prefixes cannot be"),
    ("invalid_prefix", 422, "A postal prefix is 1 to 8 letters and digits"),
    ("duplicate_slot", 422, "A slot is named twice"),
    ("unknown_slot", 422, "The node has no such slot"),
    ("slot_of_another", 422, "The slot is for another service"),
    ("duplicate_size", 422, "A size is named twice"),
    ("slot_differs", 422, "Goods that are brought together have one slot"),
    ("slot_elsewhere", 422, "The slot is of another node"),
    ("not_a_service", 422, "The item is not a service"),
    ("line_has_slot", 422, "The line has a slot and keeps its units"),
    ("not_in_a_schedule", 422, "That is for one order only"),
    ("payment_method_not_taken", 422, "The channel does not take that payment method"),
    ("customer_taken", 422, "The customer is of another segment"),
    ("bad_components", 422, "Kits have components, nothing else has"),
    ("duplicate_component", 422, "A component is named twice"),
    ("kind_is_fixed", 422, "The kind of an item, or whether a node is virtual, cannot change"),
    ("node_without_stock", 422, "The node holds no stock"),
    ("unknown_carton", 422, "There is no such carton"),
    ("unknown_size", 422, "The item has no size"),
    ("not_stocked", 422, "The item has no stock of its own"),
    ("no_lines", 422, "There are no lines"),
    ("not_of_type", 422, "The field does not belong to that type"),
    ("wrong_node_kind", 422, "A node of that kind does not supply so"),
    ("wrong_currency", 422, "Costs and values are in the base currency"),
    ("too_many", 422, "There are too many entries"),
    ("too_many_lines", 422, "There are too many lines"),
    ("too_many_components", 422, "Its kits name too many components"),
    ("unroutable", 422, "Not all of it can be had"),
    ("nothing_to_preorder", 422, "Every item of the pre-order is released"),
    ("needs_deferral", 422, "Only an order that rests is allocated at a time"),
    ("deferred_claim", 422, "An order that rests cannot claim a reservation"),
    ("unknown_sku", 422, "The sku does not exist"),
    ("unknown_network", 422, "The network does not exist"),
    ("unknown_node", 422, "The node does not exist"),
    ("unknown_line", 422, "The line does not exist"),
    ("unknown_order", 422, "The order does not exist"),
    ("unknown_fulfillment_order", 422, "The fulfilment order does not exist"),
    ("unknown_reservation", 422, "The reservation does not exist"),
    ("no_orders", 422, "No order was placed in that period"),
    ("unknown_rule_set", 422, "The rule set does not exist"),
    ("unknown_version", 422, "The rule set has no such version"),
    ("reserved_name", 422, "The name is that of a rule set that is always there"),
    ("default_applies_always", 422, "The default applies to every order"),
    ("comparison_only", 422, "The rules are there to be compared with"),
    ("score_alone", 422, "The score stands for all costs and bounds"),
    ("nobody_left", 422, "The fences leave nobody"),
    ("bad_schedule", 422, "A schedule has instants or months"),
    ("level_too_large", 422, "A level would become too large"),
    ("idempotency_key_reused", 422, "The idempotency key was used with another body"),
    ("record_too_large", 422, "The transaction is too large"),
    ("archive_unreadable", 500, "The archive cannot be read"),
    ("outcome_unknown", 500, "Whether it took effect is not known"),
    ("internal_error", 500, "Something broke"),
    ("busy", 503, "Too much is in flight"),
    ("contended", 503, "The stock is contended"),
    ("stopping", 503, "The server is stopping"),
    ("storage_full", 507, "The disk is nearly full"),
];

/// When to come back after a refusal for want of room, in seconds.
pub const RETRY_AFTER_S: u64 = 1;

/// One failed request.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Status of the answer.
    pub status: u16,
    /// Stable code.
    pub code: &'static str,
    /// In words, with the thing and the limit.
    pub detail: String,
    /// When to come back, in seconds, where that helps.
    pub retry_after_s: Option<u64>,
    /// Facts of the case.
    pub facts: Map<String, Value>,
}

/// As it is written.
#[derive(Serialize)]
struct Written<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    request_id: &'a str,
    #[serde(flatten)]
    facts: &'a Map<String, Value>,
}

impl Problem {
    /// A problem of a code, without facts.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        let (_, status, _) = entry(code);
        let retry_after_s = (*status == 503).then_some(RETRY_AFTER_S);
        Self { status: *status, code, detail: detail.into(), retry_after_s, facts: Map::new() }
    }

    /// With one more fact.
    pub fn with(mut self, name: &str, fact: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), fact.into());
        self
    }

    /// Faults of a body. A single one gives the problem its code.
    pub fn of_faults(faults: &[Fault]) -> Self {
        let problem = match faults {
            [one] => Self { status: 422, ..Self::new(one.code, told(one)) }.with("field", one.field.as_str()),
            many => {
                let first = many.first().map(told).unwrap_or_default();
                Self::new("validation_failed", format!("{} faults; the first: {first}", many.len()))
            }
        };
        let errors: Vec<_> =
            faults.iter().map(|f| json!({"field": f.field, "code": f.code, "detail": f.detail})).collect();
        problem.with("errors", errors)
    }

    /// Faults of query parameters: as [`Problem::of_faults`], with status 400.
    pub fn of_parameters(faults: &[Fault]) -> Self {
        let mut faults = faults.to_vec();
        for fault in faults.iter_mut().filter(|fault| fault.code == "unknown_field") {
            fault.code = "unknown_parameter";
            fault.detail = "is not a parameter here".to_owned();
        }
        Self { status: 400, ..Self::of_faults(&faults) }
    }

    /// Its JSON, for the request that met it.
    pub fn to_json(&self, request_id: &str) -> Vec<u8> {
        let (_, _, title) = entry(self.code);
        let written = Written {
            r#type: format!("urn:ordain:problem:{}", self.code),
            title,
            status: self.status,
            detail: &self.detail,
            code: self.code,
            request_id,
            facts: &self.facts,
        };
        serde_json::to_vec(&written).expect("a problem has text keys and finite numbers")
    }
}

fn told(fault: &Fault) -> String {
    format!("{} {}", if fault.field.is_empty() { "the body" } else { &fault.field }, fault.detail)
}

/// The entry of a code; a code of the engine that is not listed counts as a wrong field.
fn entry(code: &str) -> &'static Code {
    const UNLISTED: Code = ("validation_failed", 422, "A field is wrong");
    CODES.iter().find(|(listed, _, _)| *listed == code).unwrap_or(&UNLISTED)
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        Self::new("malformed_json", malformed.to_string())
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        if let Rejection::Invalid(faults) = &rejection {
            return Self::of_faults(faults);
        }
        let mut problem = Self::new(rejection.code(), rejection.to_string());
        if let Value::Object(facts) = facts(&rejection) {
            problem.facts = facts;
        }
        if let Some(legal) = rejection.legal() {
            problem.facts.insert("legal".to_owned(), legal.into());
        }
        problem
    }
}

/// The facts of a case. A table.
fn facts(rejection: &Rejection) -> Value {
    match rejection {
        Rejection::NotFound { kind, id } => json!({"kind": kind, "id": id}),
        Rejection::InsufficientStock { sku, requested, available } => {
            json!({"sku": sku, "requested": requested, "available": available})
        }
        Rejection::InsufficientOnHand { sku, node, on_hand, by } => {
            json!({"sku": sku, "node": node, "on_hand": on_hand, "by": by})
        }
        Rejection::InsufficientState { sku, node, state, has, requested } => {
            json!({"sku": sku, "node": node, "state": state, "has": has, "requested": requested})
        }
        Rejection::LevelTooLarge { sku, node, max } => json!({"sku": sku, "node": node, "max": max}),
        Rejection::StaleLevel { sku, node, on_hand, expected } => {
            json!({"sku": sku, "node": node, "on_hand": on_hand, "expected": expected})
        }
        Rejection::ReservationExpired { id, state } | Rejection::ReservationEnded { id, state } => {
            json!({"reservation": id, "state": state})
        }
        Rejection::IdTaken { id } => json!({"id": id}),
        Rejection::DuplicateChannelOrder { channel, channel_order_id, order } => {
            json!({"channel": channel, "channel_order_id": channel_order_id, "order": order})
        }
        Rejection::IllegalStep { id, status, verb, .. } => {
            json!({"fulfillment_order": id, "fulfillment_status": status.word(), "step": verb.word()})
        }
        Rejection::IllegalTransfer { id, status, verb } => {
            json!({"transfer": id, "transfer_status": status.word(), "step": verb.word()})
        }
        Rejection::NotCancellable { order, line, cancellable, requested } => {
            let line = Some(line).filter(|line| !line.is_empty());
            json!({"order": order, "line": line, "cancellable": cancellable, "requested": requested})
        }
        Rejection::OnHold { id, verb, holds } => {
            json!({"fulfillment_order": id, "step": verb.word(), "holds": holds})
        }
        Rejection::HoldEnded { order, hold, state } => json!({"order": order, "hold": hold, "state": state}),
        Rejection::NotDeferred { order } => json!({"order": order}),
        Rejection::NotReleased { id, sku, release_at } => {
            json!({"fulfillment_order": id, "sku": sku, "release_at": Instant::from(*release_at)})
        }
        Rejection::SlotFull { node, slot, requested, available } => {
            json!({"node": node, "slot": slot, "requested": requested, "available": available})
        }
        Rejection::SlotInUse { node, slot, used } => json!({"node": node, "slot": slot, "used": used}),
        Rejection::NotBooked { order, line } => json!({"order": order, "line": line}),
        Rejection::LockerFull { node } | Rejection::FitsNoLocker { node } => json!({"node": node}),
        Rejection::LockerInUse { node, size, used } => json!({"node": node, "size": size, "used": used}),
        Rejection::PaymentDue { id, verb, wanted, due, missing } => json!({
            "fulfillment_order": id, "step": verb.word(), "payment": wanted.word(),
            "due": MoneyJson::from(*due), "missing": MoneyJson::from(*missing),
        }),
        Rejection::NothingToHold { order } => json!({"order": order}),
        Rejection::EditOpen { order, edit } => json!({"order": order, "edit": edit}),
        Rejection::EditEnded { order, edit, state } => json!({"order": order, "edit": edit, "state": state}),
        Rejection::EditStale { order, edit, why } => json!({"order": order, "edit": edit, "why": why}),
        Rejection::NotEditable { order, why } => json!({"order": order, "why": why}),
        Rejection::NotConsolidable { order, why } | Rejection::NotMergeable { order, why } => {
            json!({"order": order, "why": why})
        }
        Rejection::ReservationOfEdit { id } => json!({"reservation": id}),
        Rejection::LotsExpired { id, sku, node, usable, requested } => {
            json!({"fulfillment_order": id, "sku": sku, "node": node, "usable": usable, "requested": requested})
        }
        Rejection::CountEnded { id, state } => json!({"count": id, "state": state}),
        Rejection::InboundEnded { id, state } => json!({"inbound": id, "state": state}),
        Rejection::SubscriptionState { id, state } => json!({"subscription": id, "state": state.word()}),
        Rejection::DraftEnded { id, status, order } => {
            json!({"draft": id, "draft_status": status.word(), "order": order})
        }
        Rejection::DraftChanged { id, version, expected } => {
            json!({"draft": id, "version": version, "expected": expected})
        }
        Rejection::DraftHolds { id, reservation } => json!({"draft": id, "reservation": reservation}),
        Rejection::ExceptionResolved { id } => json!({"exception": id}),
        Rejection::NotAwaitingCustomer { order } => json!({"order": order}),
        Rejection::NotShipped { id, status } => json!({"fulfillment_order": id, "fulfillment_status": status.word()}),
        Rejection::IllegalReturn { id, status, verb } => {
            let legal: Vec<_> = status.legal().iter().map(|verb| verb.word()).collect();
            json!({"return": id, "return_status": status.word(), "step": verb.word(), "legal": legal})
        }
        Rejection::NotReturnable { order, line, returnable, requested } => {
            json!({"order": order, "line": line, "returnable": returnable, "requested": requested})
        }
        Rejection::NotInReturn { id, line, what, there, requested } => {
            json!({"return": id, "line": line, "what": what, "there": there, "requested": requested})
        }
        Rejection::NotRefundable { id, refund, refundable } => {
            json!({"return": id, "refund": refund, "refundable": refundable})
        }
        Rejection::IllegalWave { id, status, verb } => {
            let legal: Vec<_> = status.legal().iter().map(|verb| verb.word()).collect();
            json!({"wave": id, "wave_status": status.word(), "step": verb.word(), "legal": legal})
        }
        Rejection::IllegalTask { id, task, status, verb } => {
            let legal: Vec<_> = status.legal().iter().map(|verb| verb.word()).collect();
            json!({"wave": id, "task": task, "task_status": status.word(), "step": verb.word(), "legal": legal})
        }
        Rejection::NotPackable { id, why } => json!({"fulfillment_order": id, "why": why}),
        Rejection::ManifestClosed { node, carrier, date } => json!({"node": node, "carrier": carrier, "date": date}),
        Rejection::NothingToPick { why } | Rejection::OptimisationStale { why } => json!({"why": why}),
        Rejection::RefundTooLarge { order, refund, paid } => json!({"order": order, "refund": refund, "paid": paid}),
        Rejection::TooLarge(too_large) => json!({"bytes": too_large.bytes, "max": too_large.max}),
        Rejection::Invalid(_) | Rejection::KeyReused | Rejection::ArchiveUnreadable(_) | Rejection::Contended => {
            Value::Null
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::Leg;
    use crate::domain::fulfillment::{FulfillmentStatus, FulfillmentVerb};
    use crate::domain::subscription::SubscriptionState;

    #[test]
    fn a_problem_tells_its_case() {
        let rejection = Rejection::InsufficientStock { sku: "A 1".into(), requested: 5, available: 2 };
        let problem: Value = serde_json::from_slice(&Problem::from(rejection).to_json("r-1")).unwrap();
        let wanted = json!({
            "type": "urn:ordain:problem:insufficient_stock", "title": "Not enough is available", "status": 409,
            "detail": "A 1 has 2 available, 5 requested; nothing was taken", "code": "insufficient_stock",
            "request_id": "r-1", "sku": "A 1", "requested": 5, "available": 2
        });
        assert_eq!(problem, wanted);
    }

    #[test]
    fn an_illegal_step_is_told_with_the_legal_ones() {
        let legal = |rejection: Rejection| Problem::from(rejection).facts["legal"].clone();
        let state = SubscriptionState::Paused;
        assert_eq!(
            legal(Rejection::SubscriptionState { id: "tea".into(), state }),
            json!(["resume", "skip", "cancel"])
        );
        assert_eq!(legal(Rejection::InboundEnded { id: "d".into(), state: "received" }), json!([]));
        let status = FulfillmentStatus::Shipped;
        let step = |leg| Rejection::IllegalStep { id: "f".into(), status, leg, verb: FulfillmentVerb::Pack };
        assert_eq!((legal(step(Leg::Direct)), legal(step(Leg::ToStore))), (json!(["deliver"]), json!(["receive"])));
    }

    #[test]
    fn one_fault_gives_its_code_and_many_are_listed() {
        let fault = |field: &str| Fault::new(field, "missing_field", "is required");
        let one = Problem::of_faults(&[fault("owner")]);
        assert_eq!((one.status, one.code, one.detail.as_str()), (422, "missing_field", "owner is required"));
        let two = Problem::of_faults(&[fault("owner"), fault("ttl_s")]);
        assert_eq!((two.status, two.code), (422, "validation_failed"));
        assert_eq!(two.facts["errors"][1]["field"], "ttl_s");
    }

    #[test]
    fn a_code_is_listed_once() {
        for (at, (code, status, title)) in CODES.iter().enumerate() {
            assert!(CODES[..at].iter().all(|(earlier, before, _)| earlier != code && before <= status), "{code}");
            assert!(!title.is_empty());
        }
    }
}
