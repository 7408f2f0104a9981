//! Rejections: the business says no, with the facts of the case and a stable code. Nothing was changed, but that an edit
//! that can no longer be done ends.

use super::archive::Unreadable;
use super::delivery::Leg;
use super::draft::DraftStatus;
use super::fulfillment::{FulfillmentStatus, FulfillmentVerb};
use super::money::Money;
use super::payment::PaymentMark;
use super::record::RecordTooLarge;
use super::returns::{ReturnStatus, ReturnVerb};
use super::subscription::SubscriptionState;
use super::time::WallTime;
use super::transfer::{TransferStatus, TransferVerb};
use super::wave::{TaskStatus, TaskVerb, WaveStatus, WaveVerb};

/// A fault of one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Path of the field: `lines[2].quantity`.
    pub field: String,
    /// Stable code of the fault.
    pub code: &'static str,
    /// In words, with the limit.
    pub detail: String,
}

impl Fault {
    /// A fault of `field`.
    pub fn new(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code, detail: detail.into() }
    }
}

/// Why a command was not carried out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The entity named in the path does not exist.
    #[error("{kind} {id} does not exist")]
    NotFound {
        /// Kind of entity: `order`, `node` …
        kind: &'static str,
        /// The id.
        id: String,
    },
    /// Fields mean nothing, or nothing that can be done; all of them together.
    #[error("{}", faults_text(.0))]
    Invalid(Vec<Fault>),
    /// Not enough free units; nothing was taken.
    #[error("{sku} has {available} available, {requested} requested; nothing was taken")]
    InsufficientStock {
        /// The sku.
        sku: String,
        /// Units asked for, summed over the request.
        requested: u64,
        /// Units that could have been had.
        available: u64,
    },
    /// A negative change of more than is on hand.
    #[error("{sku} at {node} has {on_hand} on hand; it cannot fall by {by}")]
    InsufficientOnHand {
        /// The sku.
        sku: String,
        /// The node.
        node: String,
        /// Units there.
        on_hand: u32,
        /// Units asked to go.
        by: u64,
    },
    /// A move of more than is in that state.
    #[error("{sku} at {node} has {has} in {state}; {requested} cannot leave it")]
    InsufficientState {
        /// The sku.
        sku: String,
        /// The node.
        node: String,
        /// The state.
        state: &'static str,
        /// Units in it.
        has: u32,
        /// Units asked for.
        requested: u32,
    },
    /// A level would pass its bound.
    #[error("{sku} at {node} would pass {max} units")]
    LevelTooLarge {
        /// The sku.
        sku: String,
        /// The node.
        node: String,
        /// The bound.
        max: u32,
    },
    /// The level is not what the caller expected.
    #[error("{sku} at {node} has {on_hand} on hand, not {expected}")]
    StaleLevel {
        /// The sku.
        sku: String,
        /// The node.
        node: String,
        /// Units there.
        on_hand: u32,
        /// Units the caller expected.
        expected: u32,
    },
    /// The reservation is no longer there to be changed or claimed.
    #[error("reservation {id} is no longer held, it is {state}")]
    ReservationExpired {
        /// The reservation.
        id: String,
        /// `expired`, `released` or `claimed`.
        state: &'static str,
    },
    /// The reservation has ended otherwise.
    #[error("reservation {id} is {state}")]
    ReservationEnded {
        /// The reservation.
        id: String,
        /// `released` or `claimed`.
        state: &'static str,
    },
    /// The caller's own id was used for another request.
    #[error("id {id} was used with another body")]
    IdTaken {
        /// The id.
        id: String,
    },
    /// The channel sent another order under this id.
    #[error("channel {channel} already placed order {channel_order_id}, as {order}")]
    DuplicateChannelOrder {
        /// The channel.
        channel: String,
        /// Its id of the order.
        channel_order_id: String,
        /// Our id of the order that is there.
        order: String,
    },
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// An illegal step of a fulfilment order.
    #[error("fulfilment order {id} is {}: cannot {}; it can {}", .status.word(), .verb.word(), listed(verbs(*.status, *.leg)))]
    IllegalStep {
        /// The fulfilment order.
        id: String,
        /// Where it stands.
        status: FulfillmentStatus,
        /// How far it is from where its customer gets it.
        leg: Leg,
        /// What was asked.
        verb: FulfillmentVerb,
    },
    /// More units than can be cancelled now.
    #[error("{}", few_cancellable(order, line, *cancellable, *requested))]
    NotCancellable {
        /// The order.
        order: String,
        /// The line; empty when the whole order was meant.
        line: String,
        /// Units that can.
        cancellable: u64,
        /// Units asked for.
        requested: u64,
    },
    /// A hold forbids the step.
    #[error("fulfilment order {id}: {} forbids to {}", holds.join(", "), .verb.word())]
    OnHold {
        /// The fulfilment order.
        id: String,
        /// What was asked.
        verb: FulfillmentVerb,
        /// Names of the holds.
        holds: Vec<String>,
    },
    /// The hold has ended, or stands for good.
    #[error("{hold} of order {order} is {state}, no longer active")]
    HoldEnded {
        /// The order.
        order: String,
        /// The hold.
        hold: String,
        /// Where it stands.
        state: &'static str,
    },
    /// The order's units do not rest.
    #[error("order {order} does not rest: its units were sourced when it was placed, or since")]
    NotDeferred {
        /// The order.
        order: String,
    },
    /// An item may not leave before its release.
    #[error("fulfilment order {id}: {sku} may not leave before its release")]
    NotReleased {
        /// The fulfilment order.
        id: String,
        /// The sku of its line.
        sku: String,
        /// When it may.
        release_at: WallTime,
    },
    /// A slot has too few places left; nothing was taken.
    #[error("slot {slot} at {node} has {available} places left, {requested} requested; nothing was taken")]
    SlotFull {
        /// The node.
        node: String,
        /// The slot.
        slot: String,
        /// Places asked for.
        requested: u32,
        /// Places left.
        available: u32,
    },
    /// No compartment is free in which it fits; nothing was taken.
    #[error("no compartment of {node} is free in which it fits; nothing was taken")]
    LockerFull {
        /// The node.
        node: String,
    },
    /// It fits in no compartment; nothing was taken.
    #[error("it fits in no compartment of {node}; nothing was taken")]
    FitsNoLocker {
        /// The node.
        node: String,
    },
    /// Compartments are used that would go.
    #[error("{used} compartments {size} of {node} are used: as many have to stay")]
    LockerInUse {
        /// The node.
        node: String,
        /// Their size.
        size: String,
        /// How many are used.
        used: u32,
    },
    /// A line that gets another slot has none, or nothing of it is still to be done.
    #[error("line {line} of order {order} has no slot that is still to come")]
    NotBooked {
        /// The order.
        order: String,
        /// The line.
        line: String,
    },
    /// Places of a slot are used that would go or change.
    #[error("{used} places of slot {slot} at {node} are used: it keeps its times and as many places")]
    SlotInUse {
        /// The node.
        node: String,
        /// The slot.
        slot: String,
        /// Places that are used.
        used: u32,
    },
    /// More of the order's money must come first: its channel says so.
    #[error("fulfilment order {id}: {missing} must be {} before it can {}", .wanted.word(), .verb.word())]
    PaymentDue {
        /// The fulfilment order.
        id: String,
        /// What was asked.
        verb: FulfillmentVerb,
        /// What must have happened to the money.
        wanted: PaymentMark,
        /// What is due in all.
        due: Money,
        /// How much of that is missing.
        missing: Money,
    },
    /// Nothing of the order is left that a hold could forbid.
    #[error("order {order} has nothing left to hold: all of it has left, or is cancelled")]
    NothingToHold {
        /// The order.
        order: String,
    },
    /// Another edit of the order is open.
    #[error("{edit} of order {order} is open: confirm or decline it first")]
    EditOpen {
        /// The order.
        order: String,
        /// The edit that is open.
        edit: String,
    },
    /// The edit has ended.
    #[error("{edit} of order {order} is {state}, no longer open")]
    EditEnded {
        /// The order.
        order: String,
        /// The edit.
        edit: String,
        /// Where it stands.
        state: &'static str,
    },
    /// The order moved on, so that the edit can no longer be done; it ended with this, and gave back what it held.
    #[error("{edit} of order {order} can no longer be done: {why}")]
    EditStale {
        /// The order.
        order: String,
        /// The edit.
        edit: String,
        /// What is not as it was.
        why: String,
    },
    /// What has begun or ended cannot be edited so.
    #[error("order {order} cannot be edited so: {why}")]
    NotEditable {
        /// The order.
        order: String,
        /// What stands against it.
        why: String,
    },
    /// Fulfilment orders of these orders cannot leave in one shipment.
    #[error("order {order} cannot be consolidated: {why}")]
    NotConsolidable {
        /// The order that stands against it.
        order: String,
        /// What does.
        why: String,
    },
    /// The order cannot become part of the other.
    #[error("order {order} cannot be merged: {why}")]
    NotMergeable {
        /// The order that should go.
        order: String,
        /// What stands against it.
        why: String,
    },
    /// The reservation holds what an edit needs.
    #[error("reservation {id} belongs to an edit of an order: it ends when that is confirmed or declined")]
    ReservationOfEdit {
        /// The reservation.
        id: String,
    },
    /// The document of inbound supply has ended.
    #[error("inbound {id} is {state}: nothing more comes of it")]
    InboundEnded {
        /// The document.
        id: String,
        /// How it ended.
        state: &'static str,
    },
    /// An illegal step of a transfer.
    #[error("transfer {id} is {}: cannot {}; it can {}", .status.word(), .verb.word(), steps_text(*.status))]
    IllegalTransfer {
        /// The transfer.
        id: String,
        /// Where it stands.
        status: TransferStatus,
        /// What was asked.
        verb: TransferVerb,
    },
    /// The subscription is not in a state for that.
    #[error("subscription {id} is {}; it can {}", .state.word(), listed(.state.legal().to_vec()))]
    SubscriptionState {
        /// The subscription.
        id: String,
        /// Where it stands.
        state: SubscriptionState,
    },
    /// The draft is no order to be any more.
    #[error("draft {id} is {}; it can {}", .status.word(), listed(.status.legal().to_vec()))]
    DraftEnded {
        /// The draft.
        id: String,
        /// Where it stands.
        status: DraftStatus,
        /// The order it became.
        order: Option<String>,
    },
    /// Somebody changed the draft since it was read.
    #[error("draft {id} was changed meanwhile: its version is {version}, not {expected}")]
    DraftChanged {
        /// The draft.
        id: String,
        /// Its version.
        version: u32,
        /// The version that was read.
        expected: u32,
    },
    /// Units are set aside for the draft already.
    #[error("draft {id} holds reservation {reservation}: change that one, or release it first")]
    DraftHolds {
        /// The draft.
        id: String,
        /// The reservation.
        reservation: String,
    },
    /// What is left to pick has expired.
    #[error("{sku} at {node} has {usable} units that have not expired, {requested} are to be picked")]
    LotsExpired {
        /// The fulfilment order.
        id: String,
        /// The sku.
        sku: String,
        /// The node.
        node: String,
        /// Units that may be picked.
        usable: u64,
        /// Units asked for.
        requested: u32,
    },
    /// The cycle count has ended.
    #[error("count {id} is {state}: nothing more is to be counted")]
    CountEnded {
        /// The cycle count.
        id: String,
        /// How it ended.
        state: &'static str,
    },
    /// The exception is over.
    #[error("exception {id} is resolved")]
    ExceptionResolved {
        /// The exception.
        id: String,
    },
    /// Nobody is asked about the order's units.
    #[error("order {order} does not wait for its customer's word")]
    NotAwaitingCustomer {
        /// The order.
        order: String,
    },
    /// A carrier tells of what has not left with one.
    #[error("fulfilment order {id} has not left: it is {}", status.word())]
    NotShipped {
        /// Which.
        id: String,
        /// Where it stands.
        status: FulfillmentStatus,
    },
    /// More would be given back than was taken.
    #[error("order {order}: {refund} cannot be given back, {paid} are paid and not yet given back")]
    RefundTooLarge {
        /// The order.
        order: String,
        /// Minor units reported as given back.
        refund: i64,
        /// Minor units that could be.
        paid: i64,
    },
    /// An illegal step of a return.
    #[error("return {id} is {}: cannot {}; it can {}", .status.word(), .verb.word(), ways_text(*.status))]
    IllegalReturn {
        /// The return.
        id: String,
        /// Where it stands.
        status: ReturnStatus,
        /// What was asked.
        verb: ReturnVerb,
    },
    /// More units than left and were not asked to come back yet.
    #[error("order {order} line {line}: {returnable} units can come back, {requested} requested")]
    NotReturnable {
        /// The order.
        order: String,
        /// The line.
        line: String,
        /// Units that can.
        returnable: u32,
        /// Units asked for.
        requested: u32,
    },
    /// More units than are expected of the return, or are there to be graded or disposed of.
    #[error("return {id} line {line}: {there} units are {what}, {requested} were named")]
    NotInReturn {
        /// The return.
        id: String,
        /// The line.
        line: String,
        /// What of them is asked for.
        what: &'static str,
        /// How many are so.
        there: u32,
        /// How many were named.
        requested: u32,
    },
    /// By the terms of the return less may go back by now.
    #[error("return {id}: {refund} cannot be given back, {refundable} can by now")]
    NotRefundable {
        /// The return.
        id: String,
        /// Minor units asked for.
        refund: i64,
        /// Minor units that can.
        refundable: i64,
    },
    /// An illegal step of a wave.
    #[error("wave {id} is {}: cannot {}; it can {}", .status.word(), .verb.word(), wave_text(*.status))]
    IllegalWave {
        /// The wave.
        id: String,
        /// Where it stands.
        status: WaveStatus,
        /// What was asked.
        verb: WaveVerb,
    },
    /// An illegal step of a task of a wave.
    #[error("task {task} of wave {id} is {}: cannot {}; it can {}", .status.word(), .verb.word(), task_text(*.status))]
    IllegalTask {
        /// The wave.
        id: String,
        /// Number of the task.
        task: u16,
        /// Where it stands.
        status: TaskStatus,
        /// What was asked.
        verb: TaskVerb,
    },
    /// A fulfilment order cannot be packed into parcels with numbers.
    #[error("fulfilment order {id} cannot be packed into parcels: {why}")]
    NotPackable {
        /// Which.
        id: String,
        /// Why.
        why: String,
    },
    /// The manifest of that day is closed already.
    #[error("the manifest of {carrier} at {node} for {date} is closed")]
    ManifestClosed {
        /// Where.
        node: String,
        /// Who.
        carrier: String,
        /// Which day.
        date: String,
    },
    /// Nothing at the node waits to be picked, or nothing of the wave does any more.
    #[error("nothing is to be picked: {why}")]
    NothingToPick {
        /// Of what.
        why: String,
    },
    /// What an optimisation was made of is not so any more.
    #[error("{why}; optimise again")]
    OptimisationStale {
        /// What.
        why: String,
    },
    /// It does not fit into one record.
    #[error("{0}")]
    TooLarge(RecordTooLarge),
    /// The archive, which has to be asked, cannot be read.
    #[error(transparent)]
    ArchiveUnreadable(#[from] Unreadable),
    /// Units stayed in flight for longer than a request may wait. Come back.
    #[error("stock is contended; nothing was taken")]
    Contended,
}

fn faults_text(faults: &[Fault]) -> String {
    faults.iter().map(|f| format!("{}: {}", f.field, f.detail)).collect::<Vec<_>>().join("; ")
}

fn few_cancellable(order: &str, line: &str, cancellable: u64, requested: u64) -> String {
    if line.is_empty() {
        return format!(
            "order {order}: {cancellable} of {requested} units that are open can be cancelled with it; what is picked, packed or ready \
             ends by the step `cancel` of its fulfilment order"
        );
    }
    format!("order {order} line {line}: {cancellable} units can still be cancelled, {requested} requested")
}

fn verbs(status: FulfillmentStatus, leg: Leg) -> Vec<&'static str> {
    status.legal().iter().filter(|verb| leg.takes(**verb)).map(|verb| verb.word()).collect()
}

fn steps_text(status: TransferStatus) -> String {
    listed(status.legal().iter().map(|verb| verb.word()).collect())
}

fn ways_text(status: ReturnStatus) -> String {
    listed(status.legal().iter().map(|verb| verb.word()).collect())
}

fn wave_text(status: WaveStatus) -> String {
    listed(status.legal().iter().map(|verb| verb.word()).collect())
}

fn task_text(status: TaskStatus) -> String {
    listed(status.legal().iter().map(|verb| verb.word()).collect())
}

fn listed(words: Vec<&str>) -> String {
    if words.is_empty() { "do nothing more".to_owned() } else { words.join(", ") }
}

impl Rejection {
    /// One field that means nothing.
    pub fn invalid(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(field, code, detail)])
    }

    /// Nothing of that kind under that id.
    pub fn not_found(kind: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { kind, id: id.into() }
    }

    /// The steps that could be taken instead, where this one is illegal for where its subject stands; `None` where that
    /// is not why it is refused.
    pub fn legal(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::IllegalStep { status, leg, .. } => Some(verbs(*status, *leg)),
            Self::IllegalTransfer { status, .. } => Some(status.legal().iter().map(|verb| verb.word()).collect()),
            Self::IllegalWave { status, .. } => Some(status.legal().iter().map(|verb| verb.word()).collect()),
            Self::IllegalTask { status, .. } => Some(status.legal().iter().map(|verb| verb.word()).collect()),
            Self::SubscriptionState { state, .. } => Some(state.legal().to_vec()),
            Self::DraftEnded { status, .. } => Some(status.legal().to_vec()),
            Self::EditOpen { .. } => Some(vec!["confirm", "decline"]),
            Self::ReservationEnded { .. }
            | Self::HoldEnded { .. }
            | Self::EditEnded { .. }
            | Self::InboundEnded { .. }
            | Self::CountEnded { .. }
            | Self::ExceptionResolved { .. } => Some(Vec::new()),
            _ => None,
        }
    }

    /// Stable code, as the API reports it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Invalid(faults) => match faults.as_slice() {
                [one] => one.code,
                _ => "validation_failed",
            },
            Self::InsufficientStock { .. } => "insufficient_stock",
            Self::InsufficientOnHand { .. } => "insufficient_on_hand",
            Self::InsufficientState { .. } => "insufficient_state",
            Self::LevelTooLarge { .. } => "level_too_large",
            Self::StaleLevel { .. } => "stale_level",
            Self::ReservationExpired { .. } => "reservation_expired",
            Self::ReservationEnded { .. } => "reservation_ended",
            Self::IdTaken { .. } => "id_taken",
            Self::DuplicateChannelOrder { .. } => "duplicate_channel_order",
            Self::KeyReused => "idempotency_key_reused",
            Self::IllegalStep { .. }
            | Self::IllegalTransfer { .. }
            | Self::IllegalReturn { .. }
            | Self::IllegalWave { .. }
            | Self::IllegalTask { .. } => "illegal_transition",
            Self::NothingToPick { .. } => "nothing_to_pick",
            Self::NotPackable { .. } => "not_packable",
            Self::ManifestClosed { .. } => "manifest_closed",
            Self::OptimisationStale { .. } => "optimisation_stale",
            Self::NotReturnable { .. } => "not_returnable",
            Self::NotInReturn { .. } => "not_in_return",
            Self::NotCancellable { .. } => "not_cancellable",
            Self::OnHold { .. } => "on_hold",
            Self::HoldEnded { .. } => "hold_ended",
            Self::NotDeferred { .. } => "not_deferred",
            Self::NotReleased { .. } => "not_released",
            Self::SlotFull { .. } => "slot_full",
            Self::SlotInUse { .. } => "slot_in_use",
            Self::NotBooked { .. } => "not_booked",
            Self::LockerFull { .. } => "locker_full",
            Self::FitsNoLocker { .. } => "fits_no_locker",
            Self::LockerInUse { .. } => "locker_in_use",
            Self::PaymentDue { .. } => "payment_due",
            Self::NothingToHold { .. } => "nothing_to_hold",
            Self::EditOpen { .. } => "edit_open",
            Self::EditEnded { .. } => "edit_ended",
            Self::EditStale { .. } => "edit_stale",
            Self::NotEditable { .. } => "not_editable",
            Self::NotConsolidable { .. } => "not_consolidable",
            Self::NotMergeable { .. } => "orders_not_mergeable",
            Self::ReservationOfEdit { .. } => "reservation_of_edit",
            Self::InboundEnded { .. } => "inbound_ended",
            Self::SubscriptionState { .. } => "subscription_state",
            Self::DraftEnded { .. } => "draft_ended",
            Self::DraftChanged { .. } => "draft_changed",
            Self::DraftHolds { .. } => "draft_holds",
            Self::LotsExpired { .. } => "lots_expired",
            Self::CountEnded { .. } => "count_ended",
            Self::RefundTooLarge { .. } | Self::NotRefundable { .. } => "refund_too_large",
            Self::ExceptionResolved { .. } => "exception_resolved",
            Self::NotAwaitingCustomer { .. } => "not_awaiting_customer",
            Self::NotShipped { .. } => "not_shipped",
            Self::TooLarge(_) => "record_too_large",
            Self::ArchiveUnreadable(_) => "archive_unreadable",
            Self::Contended => "contended",
        }
    }
}

impl From<RecordTooLarge> for Rejection {
    fn from(too_large: RecordTooLarge) -> Self {
        Self::TooLarge(too_large)
    }
}
