//! Words: the API's names of what the domain knows as enums, both ways.
//!
//! Promises: a word never changes its meaning; a variant without a word does not compile; a word that is not in the
//! list is refused with `unknown_word` and the list.

use jiff::civil::Weekday;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::json::Json;
use super::packing::Drawn;
use super::papers::LabelFormat;
use super::reading::{At, Shape, shown};
use crate::domain::address::AddressField;
use crate::domain::carrier::rates::WeightUnit;
use crate::domain::command::StockState;
use crate::domain::cycle_count::CycleCountStatus;
use crate::domain::decision::FenceReason;
use crate::domain::draft::DraftStatus;
use crate::domain::edit::EditState;
use crate::domain::exception::{ExceptionKind, ExceptionStatus, Severity};
use crate::domain::fulfillment::{FulfillmentStatus, ShortReason};
use crate::domain::hold::{HoldKind, HoldState};
use crate::domain::inbound::InboundStatus;
use crate::domain::item::{ItemKind, Tracking};
use crate::domain::node::NodeKind;
use crate::domain::order::{OrderStatus, OrderType};
use crate::domain::parcel::NotPacked;
use crate::domain::payment::{PaymentMark, PaymentState};
use crate::domain::picking::PickMethod;
use crate::domain::policy::FillPolicy;
use crate::domain::replanning::Leave;
use crate::domain::reservation::ReservationState;
use crate::domain::return_policy::{Outside, RefundAt};
use crate::domain::returns::{Condition, Disposition, ReturnStatus};
use crate::domain::stock::MovementKind;
use crate::domain::subscription::{SubscriptionState, WhenShort};
use crate::domain::supply::SupplyTerms;
use crate::domain::tracking::TrackingStatus;
use crate::domain::transfer::TransferStatus;
use crate::domain::wave::{TaskStatus, WaveStatus};

/// An enum whose values have words.
pub trait Worded: Copy + PartialEq + 'static {
    /// All values.
    const ALL: &'static [Self];

    /// The word of a value.
    fn word(self) -> &'static str;

    /// The value of a word.
    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

/// Gives an enum its words, its reader and its schema.
macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),* $(,)? })*) => { $(
        impl Worded for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                word_schema::<Self>()
            }
        }

        impl ToSchema for $name {}
    )* };
}

/// What becomes of units that a node will not do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum RejectionWord {
    Elsewhere,
    AskCustomer,
    Cancel,
    ToSameStore,
    WithinKm,
}

/// Why units of a cell change from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum AdjustmentReason {
    Received,
    Counted,
    Lost,
    Found,
    Damaged,
    Returned,
    Correction,
}

impl From<AdjustmentReason> for MovementKind {
    fn from(reason: AdjustmentReason) -> Self {
        match reason {
            AdjustmentReason::Received => Self::Received,
            AdjustmentReason::Counted => Self::Counted,
            AdjustmentReason::Lost => Self::Lost,
            AdjustmentReason::Found => Self::Found,
            AdjustmentReason::Damaged => Self::Damaged,
            AdjustmentReason::Returned => Self::Returned,
            AdjustmentReason::Correction => Self::Corrected,
        }
    }
}

/// How an order reaches its customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum DeliveryMethod {
    Ship,
    Pickup,
    Curbside,
    Locker,
    LocalDelivery,
    ShipToStore,
    Digital,
    Service,
}

/// How an item is supplied at a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum SupplyType {
    Owned,
    Dropship,
    Jit,
}

impl From<&SupplyTerms> for SupplyType {
    fn from(terms: &SupplyTerms) -> Self {
        match terms {
            SupplyTerms::Owned => Self::Owned,
            SupplyTerms::Dropship { .. } => Self::Dropship,
            SupplyTerms::JustInTime(_) => Self::Jit,
        }
    }
}

/// When an order's units are allocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum AllocationMode {
    AtOnce,
    Deferred,
}

/// When what a customer gets instead of a return leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum ExchangeLeaves {
    OnReceipt,
    AtOnce,
}

/// How somebody ends a hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum HoldOutcome {
    Resolved,
    Rejected,
}

/// The payment of all that is due with which a hold ends by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum ReleasingPayment {
    Authorized,
    Paid,
}

/// A weekday.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum WeekdayWord {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<WeekdayWord> for Weekday {
    fn from(word: WeekdayWord) -> Self {
        Self::Monday.wrapping_add(word as i64)
    }
}

impl From<Weekday> for WeekdayWord {
    fn from(day: Weekday) -> Self {
        Self::ALL[day.to_monday_zero_offset() as usize]
    }
}

impl Serialize for WeekdayWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_word(self, serializer)
    }
}

/// How a carrier tells zones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum ZonesBy {
    DistanceKm,
    PrefixTable,
    Country,
}

impl Serialize for ZonesBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_word(self, serializer)
    }
}

/// In what a carrier weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum WeightUnitWord {
    Lb,
    Kg,
}

impl Serialize for WeightUnitWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_word(self, serializer)
    }
}

impl From<WeightUnitWord> for WeightUnit {
    fn from(word: WeightUnitWord) -> Self {
        match word {
            WeightUnitWord::Lb => Self::Pound,
            WeightUnitWord::Kg => Self::Kilogram,
        }
    }
}

impl From<WeightUnit> for WeightUnitWord {
    fn from(unit: WeightUnit) -> Self {
        match unit {
            WeightUnit::Pound => Self::Lb,
            WeightUnit::Kilogram => Self::Kg,
        }
    }
}

impl From<ReleasingPayment> for PaymentMark {
    fn from(payment: ReleasingPayment) -> Self {
        match payment {
            ReleasingPayment::Authorized => Self::Authorized,
            ReleasingPayment::Paid => Self::Paid,
        }
    }
}

/// A fence of a rule set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum FenceWord {
    WithinKm,
    Kind,
    Countries,
    SameCountry,
    Nodes,
    NotNodes,
    Capabilities,
    Cutoff,
    ArrivesBy,
    LandedCost,
    Capacity,
    MaxShipments,
    ShipComplete,
    LineComplete,
    SameNode,
}

impl Serialize for ConditionWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_word(self, serializer)
    }
}

/// A condition of a rule that puts holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum ConditionWord {
    TotalOver,
    UnitsOver,
    Sku,
    Country,
    Channel,
    DeliveryMethod,
    Flag,
}

impl Serialize for FenceWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_word(self, serializer)
    }
}

/// A term of a rule set's objective.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum TermWord {
    PerShipment,
    Distance,
    Split,
    Carbon,
    Shipping,
    Handling,
    UnitCost,
    Late,
    Priority,
    Scarcity,
    Markdown,
    ShortPick,
    LoadBalance,
    Opportunity,
    Score,
}

impl Serialize for TermWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_word(self, serializer)
    }
}

/// What is done about units that nobody ships.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum UnfilledWord {
    LastResort,
}

impl Serialize for UnfilledWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_word(self, serializer)
    }
}

/// Which orders are replayed, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum ScenarioWord {
    BusiestDay,
    StockOut,
    AllChannels,
}

/// What of plans is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum MeasureWord {
    Time,
    Cost,
    Shipments,
    Splits,
    Distance,
    Carbon,
    Unfilled,
}

words! {
    ScenarioWord { BusiestDay = "busiest_day", StockOut = "stock_out", AllChannels = "all_channels" }
    MeasureWord {
        Time = "time", Cost = "cost", Shipments = "shipments", Splits = "splits", Distance = "distance",
        Carbon = "carbon", Unfilled = "unfilled",
    }
    FenceWord {
        WithinKm = "within_km", Kind = "kind", Countries = "countries", SameCountry = "same_country", Nodes = "nodes",
        NotNodes = "not_nodes", Capabilities = "capabilities", Cutoff = "cutoff", ArrivesBy = "arrives_by",
        LandedCost = "landed_cost", Capacity = "capacity", MaxShipments = "max_shipments",
        ShipComplete = "ship_complete", LineComplete = "line_complete", SameNode = "same_node",
    }
    ConditionWord {
        TotalOver = "total_over", UnitsOver = "units_over", Sku = "sku", Country = "country", Channel = "channel",
        DeliveryMethod = "delivery_method", Flag = "flag",
    }
    TermWord {
        PerShipment = "per_shipment", Distance = "distance", Split = "split", Carbon = "carbon",
        Shipping = "shipping", Handling = "handling", UnitCost = "unit_cost", Late = "late", Priority = "priority",
        Scarcity = "scarcity", Markdown = "markdown", ShortPick = "short_pick", LoadBalance = "load_balance",
        Opportunity = "opportunity", Score = "score",
    }
    UnfilledWord { LastResort = "last_resort" }
    WeekdayWord {
        Mon = "mon", Tue = "tue", Wed = "wed", Thu = "thu", Fri = "fri", Sat = "sat", Sun = "sun",
    }
    ZonesBy { DistanceKm = "distance_km", PrefixTable = "prefix_table", Country = "country" }
    WeightUnitWord { Lb = "lb", Kg = "kg" }
    NodeKind {
        Warehouse = "warehouse", Store = "store", ThirdParty = "third_party", Supplier = "supplier",
        Virtual = "virtual",
    }
    Tracking { Lot = "lot", Serial = "serial" }
    Drawn { Svg = "svg" }
    LabelFormat { Zpl = "zpl", Pdf = "pdf", Png = "png" }
    NotPacked { FitsNoCarton = "fits_no_carton", NotPhysical = "not_physical" }
    ItemKind { Product = "product", Service = "service", Kit = "kit", Digital = "digital" }
    OrderType {
        Standard = "standard", PreOrder = "pre_order", Backorder = "backorder", Subscription = "subscription",
    }
    DeliveryMethod {
        Ship = "ship", Pickup = "pickup", Curbside = "curbside", Locker = "locker",
        LocalDelivery = "local_delivery", ShipToStore = "ship_to_store", Digital = "digital", Service = "service",
    }
    AdjustmentReason {
        Received = "received", Counted = "counted", Lost = "lost", Found = "found", Damaged = "damaged",
        Returned = "returned", Correction = "correction",
    }
    MovementKind {
        Received = "received", Allocated = "allocated", Deallocated = "deallocated", Reserved = "reserved",
        Released = "released", Claimed = "claimed", Drained = "drained", Shipped = "shipped", Returned = "returned",
        Counted = "counted", Lost = "lost", Found = "found", Damaged = "damaged", Corrected = "correction",
        StateChanged = "state_changed", ShortPicked = "short_picked", Settled = "settled",
        TransferredOut = "transferred_out", TransferredIn = "transferred_in",
        ReturnedToVendor = "returned_to_vendor", Liquidated = "liquidated", Donated = "donated",
        Destroyed = "destroyed",
    }
    AddressField {
        Name = "name", Line1 = "line1", City = "city", Region = "region", PostalCode = "postal_code", Phone = "phone",
    }
    StockState {
        Available = "available", Damaged = "damaged", QualityControl = "quality_control",
        SafetyStock = "safety_stock",
    }
    ShortReason { NotInStock = "not_in_stock", Mismatch = "mismatch", Damaged = "damaged" }
    FenceReason {
        Inactive = "inactive", RejectedThisOrder = "rejected_this_order", NotOfChannel = "not_of_channel",
        NotPreferred = "not_preferred", NotChosen = "not_chosen", OutOfRegion = "out_of_region",
        TooFar = "too_far", WrongKind = "wrong_kind",
        NotListed = "not_listed", LacksCapability = "lacks_capability", PastCutoff = "past_cutoff",
        ArrivesTooLate = "arrives_too_late", TooDear = "too_dear", NoService = "no_service",
        AtCapacity = "capacity", NoCompartment = "no_compartment",
    }
    TrackingStatus {
        PreTransit = "pre_transit", InTransit = "in_transit", OutForDelivery = "out_for_delivery",
        AvailableForPickup = "available_for_pickup", Delivered = "delivered", ReturnToSender = "return_to_sender",
        Failure = "failure", Unknown = "unknown",
    }
    FulfillmentStatus {
        Submitted = "submitted", Accepted = "accepted", Picking = "picking", Picked = "picked", Packed = "packed",
        Ready = "ready", Shipped = "shipped", Delivered = "delivered", Rejected = "rejected",
        Incomplete = "incomplete", Cancelling = "cancelling", Cancelled = "cancelled", OnHold = "on_hold",
        Scheduled = "scheduled", PutBack = "put_back",
    }
    OrderStatus {
        Cancelled = "cancelled", OnHold = "on_hold", Returned = "returned",
        PartiallyReturned = "partially_returned", Fulfilled = "fulfilled", Shipped = "shipped",
        PartiallyShipped = "partially_shipped", SplitFulfillment = "split_fulfillment",
        InFulfillment = "in_fulfillment", FullyAllocated = "fully_allocated",
        PartiallyAllocated = "partially_allocated", Backordered = "backordered", Preordered = "preordered",
        AllocationFailed = "allocation_failed", RoutingFailed = "routing_failed", Routed = "routed",
        Received = "received",
    }
    InboundStatus {
        Expected = "expected", PartiallyReceived = "partially_received", Received = "received", Closed = "closed",
        Cancelled = "cancelled",
    }
    CycleCountStatus {
        Planned = "planned", InProgress = "in_progress", Completed = "completed", Cancelled = "cancelled",
    }
    TransferStatus {
        Draft = "draft", Ready = "ready", InTransit = "in_transit", PartiallyReceived = "partially_received",
        Received = "received", Cancelled = "cancelled",
    }
    SubscriptionState { Active = "active", Paused = "paused", Cancelled = "cancelled" }
    DraftStatus { Draft = "draft", Placed = "placed", Discarded = "discarded", Expired = "expired" }
    WhenShort { Backorder = "backorder", Retry = "retry" }
    ExceptionKind {
        StockOut = "stock_out", Unroutable = "unroutable", ShortPick = "short_pick", Shortfall = "shortfall",
        NoResponse = "no_response", PickupRefused = "pickup_refused", LateSupply = "late_supply",
        HoldOverdue = "hold_overdue", LowStock = "low_stock", TransferVariance = "transfer_variance",
        DeliveryLate = "delivery_late", ShipmentLost = "shipment_lost", DeliveryMissed = "delivery_missed",
        ReturnedToSender = "returned_to_sender", NodeClosed = "node_closed",
        WrongCodes = "wrong_codes", NotHandedOver = "not_handed_over", ReadyLate = "ready_late",
        SubscriptionFailed = "subscription_failed", WorkLate = "work_late", ExchangeFailed = "exchange_failed",
        ExchangeUnpaid = "exchange_unpaid",
    }
    ExceptionStatus { Open = "open", Assigned = "assigned", Resolved = "resolved" }
    Severity { Low = "low", Medium = "medium", High = "high", Critical = "critical" }
    FillPolicy {
        FirstCome = "first_come", Priority = "priority", Value = "value", PromiseDate = "promise_date",
        FairShare = "fair_share",
    }
    Leave { Propose = "propose", Apply = "apply" }
    RejectionWord {
        Elsewhere = "elsewhere", AskCustomer = "ask_customer", Cancel = "cancel", ToSameStore = "to_same_store",
        WithinKm = "within_km",
    }
    HoldKind {
        Payment = "payment", Fraud = "fraud", Address = "address", Manual = "manual",
        ReturnItems = "awaiting_return_items",
    }
    PickMethod {
        Discrete = "discrete_order_picking", Cluster = "cluster_picking", Batch = "batch_picking",
        Zone = "zone_picking", Wave = "wave_picking",
    }
    WaveStatus {
        Draft = "draft", Released = "released", InProgress = "in_progress", Completed = "completed",
        Cancelled = "cancelled",
    }
    TaskStatus {
        Pending = "pending", Assigned = "assigned", InProgress = "in_progress", Completed = "completed",
        Short = "short", Cancelled = "cancelled",
    }
    ReturnStatus {
        Requested = "requested", Approved = "approved", AwaitingGoods = "awaiting_goods", InTransit = "in_transit",
        PartiallyReceived = "partially_received", Received = "received", Inspected = "inspected",
        Dispositioned = "dispositioned", Closed = "closed", Declined = "declined", Expired = "expired",
        Cancelled = "cancelled",
    }
    Condition {
        New = "new", Opened = "opened", Used = "used", Damaged = "damaged", Defective = "defective",
        WrongItem = "wrong_item", Missing = "missing",
    }
    Disposition {
        Restock = "restock", Refurbish = "refurbish", Quarantine = "quarantine", Damaged = "damaged",
        ReturnToVendor = "return_to_vendor", Liquidate = "liquidate", Donate = "donate", Destroy = "destroy",
        Missing = "missing", NotRestocked = "not_restocked",
    }
    RefundAt {
        Approved = "approved", InTransit = "in_transit", Received = "received", Dispositioned = "dispositioned",
    }
    Outside { FinalSale = "final_sale", Window = "window", Condition = "condition" }
    ExchangeLeaves { OnReceipt = "on_receipt", AtOnce = "at_once" }
    EditState {
        Open = "open", Confirmed = "confirmed", Declined = "declined", Expired = "expired", Cancelled = "cancelled",
    }
    HoldState {
        Active = "active", Resolved = "resolved", Rejected = "rejected", AutoReleased = "auto_released",
    }
    SupplyType { Owned = "owned", Dropship = "dropship", Jit = "jit" }
    AllocationMode { AtOnce = "at_once", Deferred = "deferred" }
    HoldOutcome { Resolved = "resolved", Rejected = "rejected" }
    PaymentMark {
        Authorized = "authorized", Paid = "paid", Failed = "failed", Refunded = "refunded", Moved = "moved",
        Exchanged = "exchanged", Credited = "credited",
    }
    ReleasingPayment { Authorized = "authorized", Paid = "paid" }
    PaymentState {
        None = "none", Authorized = "authorized", PartiallyPaid = "partially_paid", Paid = "paid",
        PartiallyRefunded = "partially_refunded", Refunded = "refunded", Overcharged = "overcharged",
        Voided = "voided",
    }
}

/// The word of a reservation's state.
pub fn reservation_word(state: ReservationState) -> &'static str {
    state.word()
}

impl<T: Worded> Shape for T {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let (Json::Text(text) | Json::Bare(text)) = json else { return at.wrong_type("text", json) };
        match T::of_word(text) {
            Some(value) => Some(value),
            None => at.fault("unknown_word", format!("must be one of {}, is {:?}", list::<T>(), shown(text))),
        }
    }
}

fn list<T: Worded>() -> String {
    T::ALL.iter().map(|value| value.word()).collect::<Vec<_>>().join(", ")
}

fn word_schema<T: Worded>() -> RefOr<Schema> {
    let words = T::ALL.iter().map(|value| value.word());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
}

/// Writes a value as its word, if there is one.
pub fn as_optional_word<T: Worded, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(Worded::word).serialize(serializer)
}

/// Writes values as their words.
pub fn as_words<T: Worded, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|value| value.word()))
}

/// Writes a value as its word.
pub fn as_word<T: Worded, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_domain() {
        for status in FulfillmentStatus::ALL {
            assert_eq!(Worded::word(status), FulfillmentStatus::word(status));
        }
        for status in TrackingStatus::ALL {
            assert_eq!(Worded::word(status), TrackingStatus::word(status));
        }
        for kind in ExceptionKind::ALL {
            assert_eq!(Worded::word(kind), ExceptionKind::word(kind));
        }
        for method in PickMethod::ALL {
            assert_eq!(Worded::word(method), PickMethod::word(method));
        }
        for status in <WaveStatus as Worded>::ALL {
            assert_eq!(Worded::word(*status), WaveStatus::word(*status));
        }
        for status in <TaskStatus as Worded>::ALL {
            assert_eq!(Worded::word(*status), TaskStatus::word(*status));
        }
        for status in ReturnStatus::ALL {
            assert_eq!(Worded::word(status), ReturnStatus::word(status));
        }
        for state in <StockState as Worded>::ALL {
            assert_eq!(Worded::word(*state), StockState::word(*state));
        }
        for status in <OrderStatus as Worded>::ALL {
            assert_eq!(Worded::word(*status), OrderStatus::word(*status));
        }
    }

    #[test]
    fn a_word_reads_back() {
        for kind in NodeKind::ALL {
            assert_eq!(NodeKind::of_word(kind.word()), Some(*kind));
        }
        assert_eq!(NodeKind::of_word("Warehouse"), None);
    }
}
