//! Commands: what a caller wants, in domain values. Ids of things that exist are still text: the engine looks them up
//! under its guards, so that a command means the same whenever it is carried out. Long because it is a list: every command
//! with its parts.

use super::fulfillment::{Shipment, ShortReason};
use super::geo::Position;
use super::hold::{HoldKind, HoldState, HoldTerms, ReleaseAt};
use super::ids::Text;
use super::item::{Dimensions, ItemKind};
use super::money::{Currency, Money};
use super::node::{Handling, Node, NodeKind};
use super::order::{OrderType, Payment, Sealed};
use super::payment::PaymentMark;
use super::quantity::Quantity;
use super::rule_set::RuleSet;
use super::stock::MovementKind;
use super::subscription::{Every, WhenShort};
use super::time::{Now, WallTime};

/// Who asks, and how a repeat is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Who.
    pub actor: Text,
    /// Through what.
    pub source: Text,
    /// Which request.
    pub request_id: Text,
    /// The idempotency key, if one was sent.
    pub key: Option<IdempotencyKey>,
}

impl Context {
    /// A caller in the same process.
    pub fn library() -> Self {
        Self { actor: "anonymous".into(), source: "library".into(), request_id: "".into(), key: None }
    }
}

/// A request's own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Hash of principal, method, route and key.
    pub hash: u128,
    /// Fingerprint of the body.
    pub fingerprint: u64,
}

/// A node to be put, whole.
pub type PutNode = Node;

/// Fields of a node to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodePatch {
    /// Switch it on or off.
    pub active: Option<bool>,
    /// Why it was switched off.
    pub inactive_reason: Option<Text>,
    /// Kind of place.
    pub kind: Option<NodeKind>,
    /// Name.
    pub name: Option<Text>,
    /// Position.
    pub position: Option<Position>,
    /// Country.
    pub country: Option<Text>,
    /// Postal code.
    pub postal_code: Option<Text>,
    /// Time zone.
    pub time_zone: Option<Text>,
    /// Cost of handling.
    pub handling: Option<Option<Handling>>,
    /// Name of its calendar.
    pub calendar: Option<Option<Text>>,
    /// Shipments a day.
    pub capacity_per_day: Option<Option<u32>>,
    /// Minutes after midnight.
    pub cutoff_min: Option<Option<u16>>,
    /// What it can do.
    pub capabilities: Option<Vec<Text>>,
}

/// An item to be put, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutItem {
    /// Its sku.
    pub sku: Text,
    /// Name.
    pub name: Text,
    /// Kind.
    pub kind: ItemKind,
    /// Weight of one unit, grams.
    pub weight_g: u32,
    /// Size of one unit.
    pub dimensions: Dimensions,
    /// Value of one unit, base currency.
    pub value: Option<Money>,
    /// Components by sku, for kits.
    pub components: Vec<(Text, Quantity)>,
    /// When it is released; it always was when `None`.
    pub release_at: Option<WallTime>,
}

/// A limit of a channel to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutLimit {
    /// The sku.
    pub sku: Text,
    /// Units others must leave.
    pub floor: u32,
    /// Most units it may use.
    pub cap: Option<u32>,
}

/// A channel to be put, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutChannel {
    /// The word that orders carry.
    pub id: Text,
    /// Name.
    pub name: Text,
    /// Nodes that serve it; all when `None`.
    pub nodes: Option<Vec<Text>>,
    /// Customers whose segment it is.
    pub customers: Vec<Text>,
    /// Its limits.
    pub limits: Vec<PutLimit>,
}

/// One relative change of what is on hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The sku.
    pub sku: Text,
    /// The node.
    pub node: Text,
    /// By how much; never zero.
    pub delta: i32,
    /// Why.
    pub reason: MovementKind,
}

/// A state of units that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockState {
    /// Free for promise.
    Available,
    /// Not sellable.
    Damaged,
    /// Waiting for inspection.
    QualityControl,
    /// Withheld as a buffer.
    SafetyStock,
}

impl StockState {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Damaged => "damaged",
            Self::QualityControl => "quality_control",
            Self::SafetyStock => "safety_stock",
        }
    }
}

/// One change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockMove {
    /// The sku.
    pub sku: Text,
    /// The node.
    pub node: Text,
    /// From; one of the two is `Available`.
    pub from: StockState,
    /// To.
    pub to: StockState,
    /// How many.
    pub quantity: Quantity,
}

/// An absolute count, compared and set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetOnHand {
    /// The sku.
    pub sku: Text,
    /// The node.
    pub node: Text,
    /// What was counted.
    pub on_hand: u32,
    /// What the caller believes is there; `None` opts out of the comparison.
    pub expected: Option<u32>,
    /// Who counted.
    pub source: Option<Text>,
    /// The counter's own sequence: a lower one than the last is stale.
    pub source_seq: Option<u64>,
    /// When it was counted; now when `None`.
    pub as_of: Option<WallTime>,
}

/// One line of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveLine {
    /// The sku; a kit stands for its components.
    pub sku: Text,
    /// How many.
    pub quantity: Quantity,
    /// Where; anywhere when `None`.
    pub node: Option<Text>,
}

/// A reservation to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// A label.
    pub owner: Text,
    /// How long.
    pub ttl_s: u64,
    /// What.
    pub lines: Vec<ReserveLine>,
    /// Whether less than asked for is welcome.
    pub partial: bool,
    /// For which channel.
    pub channel: Option<Text>,
    /// For which customer.
    pub customer: Option<Text>,
}

/// One of many reservations to be made in one call: each all or nothing, each answered for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReserveOne {
    /// How a repeat of this one is recognised, if it is to be.
    pub key: Option<IdempotencyKey>,
    /// What.
    pub reserve: Reserve,
}

/// A change of a reservation that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeReservation {
    /// Which.
    pub reservation: Text,
    /// New life, counted from now.
    pub ttl_s: Option<u64>,
    /// All it shall hold.
    pub lines: Option<Vec<ReserveLine>>,
}

/// Where an order goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipTo {
    /// Key of its group; empty for the order's own.
    pub group: Text,
    /// ISO 3166-1 alpha-2 country.
    pub country: Text,
    /// Postal code.
    pub postal_code: Text,
    /// Position, when given.
    pub position: Option<Position>,
    /// The rest, sealed at the edge.
    pub personal: Sealed,
}

/// One line of an order to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceLine {
    /// Id within the order; its number from 1 when none was given.
    pub id: Text,
    /// What.
    pub sku: Text,
    /// How many.
    pub quantity: Quantity,
    /// Price of one, minor units of the order's currency.
    pub unit_price: i64,
    /// Position of its destination in `destinations`.
    pub group: u16,
}

/// An order to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when an id comes again.
    pub fingerprint: u64,
    /// Kind.
    pub kind: OrderType,
    /// Channel.
    pub channel: Text,
    /// Its id there.
    pub channel_order_id: Text,
    /// Customer's id.
    pub customer: Text,
    /// Customer's name and mail, sealed at the edge.
    pub personal: Sealed,
    /// Currency of its prices.
    pub currency: Currency,
    /// Destinations: the order's own first.
    pub destinations: Vec<ShipTo>,
    /// Lines.
    pub lines: Vec<PlaceLine>,
    /// Delivery method, a word of the domain.
    pub delivery_method: Text,
    /// Reservation to claim.
    pub reservation: Option<Text>,
    /// Take the units anew when the reservation has lapsed.
    pub reacquire: bool,
    /// Rule set asked for.
    pub rule_set: Option<Text>,
    /// The channel's time; the engine's wall clock when none was given.
    pub placed_at: Option<WallTime>,
    /// Payment as reported.
    pub payment: Option<Payment>,
    /// Total as reported, minor units.
    pub total: Option<i64>,
    /// Holds it is captured with.
    pub holds: Vec<AskedHold>,
    /// What else is wanted of it.
    pub wishes: Wishes,
}

/// What few orders ask for; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Whether its units rest until somebody, or the clock, allocates them.
    pub deferred: Option<Deferred>,
}

/// When an order is sourced that is not sourced at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deferred {
    /// When the clock does it; only when asked for when `None`.
    pub allocate_at: Option<WallTime>,
}

/// A hold to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedHold {
    /// What it forbids.
    pub kind: HoldKind,
    /// Why.
    pub reason: Text,
    /// When it ends by itself.
    pub release_at: Option<WallTime>,
    /// The payment of all that is due with which it ends by itself.
    pub release_on: Option<PaymentMark>,
}

impl AskedHold {
    /// Its terms, by the clocks of now.
    pub fn terms(&self, now: Now) -> HoldTerms {
        HoldTerms {
            kind: self.kind,
            reason: self.reason.clone(),
            release_at: self.release_at.map(|wall| ReleaseAt::of(wall, now)),
            release_on: self.release_on,
        }
    }
}

/// Put a hold on an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutHold {
    /// The order.
    pub order: Text,
    /// The hold.
    pub hold: AskedHold,
}

/// End a hold, or decide that it stands for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndHold {
    /// The order.
    pub order: Text,
    /// The hold's name within it.
    pub hold: Text,
    /// How.
    pub state: HoldState,
    /// Why.
    pub reason: Option<Text>,
}

/// Report a payment of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPayment {
    /// The order.
    pub order: Text,
    /// What.
    pub mark: PaymentMark,
    /// How much; of the order's currency.
    pub amount: Money,
}

/// Units of one line, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUnits {
    /// Id of the line.
    pub line: Text,
    /// Units.
    pub quantity: Quantity,
}

/// Units of one line to be cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelUnits {
    /// Id of the line.
    pub line: Text,
    /// Units.
    pub quantity: Quantity,
    /// The fulfilment order they are taken from; by the order of buckets when `None`.
    pub from: Option<Text>,
}

impl From<NamedUnits> for CancelUnits {
    fn from(NamedUnits { line, quantity }: NamedUnits) -> Self {
        Self { line, quantity, from: None }
    }
}

/// Cancel an order or part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelOrder {
    /// Which.
    pub order: Text,
    /// Which units; all that can still be cancelled when `None`.
    pub lines: Option<Vec<CancelUnits>>,
    /// Why.
    pub reason: Text,
}

/// Let fulfilment orders of several orders leave in one shipment, node by node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consolidate {
    /// The order that is answered.
    pub order: Text,
    /// The others.
    pub with: Vec<Text>,
}

/// Let units of an order become an order of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitOrder {
    /// The order.
    pub order: Text,
    /// The caller's own id of the new one.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// The channel's id of the new one; that of the order with a number behind it when `None`.
    pub channel_order_id: Option<Text>,
    /// Which units.
    pub lines: Vec<CancelUnits>,
}

/// One change of an order that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditChange {
    /// A line becomes so many units, cancelled ones not counted, and costs so much; `None` leaves either as it is.
    Line {
        /// Id of the line.
        line: Text,
        /// Units wanted; 0 when it is no longer wanted.
        quantity: Option<u32>,
        /// Price of one.
        unit_price: Option<Money>,
    },
    /// A line is added.
    Add {
        /// Its id; the next free number when `None`.
        id: Option<Text>,
        /// What.
        sku: Text,
        /// How many.
        quantity: Quantity,
        /// Price of one.
        unit_price: Money,
    },
    /// The order goes elsewhere.
    ShipTo(ShipTo),
}

/// Open an edit of an order: plan it and set aside what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEdit {
    /// The order.
    pub order: Text,
    /// The changes, in the order in which faults name them.
    pub changes: Vec<EditChange>,
}

/// How somebody ends an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditOutcome {
    /// It takes effect.
    Confirm,
    /// It does not.
    Decline,
}

/// End an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndEdit {
    /// The order.
    pub order: Text,
    /// The edit's name within it.
    pub edit: Text,
    /// How.
    pub outcome: EditOutcome,
}

/// What is to be done to a fulfilment order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FulfillmentAction {
    /// Take it on.
    Accept,
    /// Refuse it.
    Reject {
        /// Why.
        reason: Text,
    },
    /// Pick units; all that are left when `None`.
    Pick {
        /// Which.
        lines: Option<Vec<NamedUnits>>,
    },
    /// Units are not there.
    Short {
        /// Which.
        lines: Vec<NamedUnits>,
        /// Why.
        reason: ShortReason,
    },
    /// Pack it.
    Pack,
    /// It waits to be picked up.
    Ready,
    /// It leaves.
    Ship {
        /// How.
        shipment: Shipment,
    },
    /// The customer takes it at the node.
    HandOver,
    /// It was delivered.
    Deliver,
    /// Stop it.
    Cancel {
        /// Why.
        reason: Text,
        /// Whether the demand stays and is sourced again elsewhere.
        resource: bool,
    },
    /// Agree to stop.
    CancelAccept,
    /// Go on.
    CancelRefuse,
}

/// A step of a fulfilment order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fulfill {
    /// Which.
    pub fulfillment: Text,
    /// What.
    pub action: FulfillmentAction,
}

/// Units of one sku.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuUnits {
    /// The sku.
    pub sku: Text,
    /// Units.
    pub quantity: Quantity,
}

/// Supply that will come to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceInbound {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// Where it comes to.
    pub node: Text,
    /// From whom.
    pub supplier: Option<Text>,
    /// When.
    pub eta: WallTime,
    /// What: each sku once.
    pub lines: Vec<SkuUnits>,
}

/// What happens to a document of inbound supply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboundAction {
    /// It comes at another time.
    Redate(WallTime),
    /// Units came.
    Receive(Vec<SkuUnits>),
    /// What has not come will not.
    End(Option<Text>),
}

/// Units that shall go from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyTransfer {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// Where they go from.
    pub from: Text,
    /// Where they go to.
    pub to: Text,
    /// When they come, if that is known.
    pub eta: Option<WallTime>,
    /// What: each sku once.
    pub lines: Vec<SkuUnits>,
}

/// What happens to a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferAction {
    /// It comes at another time.
    Redate(WallTime),
    /// It leaves.
    Dispatch,
    /// Units came; when `close` is set, no more will.
    Receive {
        /// What came.
        lines: Vec<SkuUnits>,
        /// Whether the rest will not come.
        close: bool,
    },
    /// It will not leave.
    Cancel(Option<Text>),
}

/// A subscription to be put, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutSubscription {
    /// The caller's id.
    pub id: Text,
    /// Every order of it: without ids, holds and wishes.
    pub order: PlaceOrder,
    /// How long a period is.
    pub every: Every,
    /// When the first order is placed.
    pub next_at: WallTime,
    /// What becomes of an order that cannot be had whole.
    pub when_short: WhenShort,
}

/// What happens to a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionAction {
    /// No orders for now.
    Pause(Option<Text>),
    /// It goes on; what passed meanwhile is not made up for.
    Resume,
    /// The next period goes without an order.
    Skip(Option<Text>),
    /// No orders any more.
    Cancel(Option<Text>),
}

/// Everything that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Create or replace a node.
    PutNode(Box<PutNode>),
    /// Change part of a node.
    PatchNode {
        /// Which.
        node: Text,
        /// What.
        patch: Box<NodePatch>,
    },
    /// Create or replace an item.
    PutItem(Box<PutItem>),
    /// Put the next version of a rule set and activate it.
    PutRuleSet(RuleSet),
    /// Change what is on hand; all or nothing.
    AdjustStock(Vec<Adjustment>),
    /// Change states; all or nothing.
    MoveStock(Vec<StockMove>),
    /// Count.
    SetOnHand(SetOnHand),
    /// Set units aside.
    Reserve(Reserve),
    /// Extend, shrink or grow a reservation.
    ChangeReservation(ChangeReservation),
    /// Let a reservation go.
    ReleaseReservation {
        /// Which.
        reservation: Text,
    },
    /// Place an order.
    PlaceOrder(Box<PlaceOrder>),
    /// Plan an order that rests.
    RouteOrder {
        /// Which.
        order: Text,
    },
    /// Allocate an order that rests.
    AllocateOrder {
        /// Which.
        order: Text,
    },
    /// Cancel an order or part of it.
    CancelOrder(CancelOrder),
    /// Take a step of a fulfilment order.
    Fulfill(Fulfill),
    /// Put a hold.
    PutHold(PutHold),
    /// End a hold.
    EndHold(EndHold),
    /// Report a payment.
    ReportPayment(ReportPayment),
    /// Join shipments of several orders.
    Consolidate(Consolidate),
    /// Split an order.
    SplitOrder(SplitOrder),
    /// Open an edit.
    OpenEdit(OpenEdit),
    /// Confirm or decline an edit.
    EndEdit(EndEdit),
    /// Announce supply.
    AnnounceInbound(AnnounceInbound),
    /// Re-date, receive or call off supply.
    ChangeInbound {
        /// Which document.
        inbound: Text,
        /// What happens to it.
        action: InboundAction,
    },
    /// Make a transfer.
    ReadyTransfer(ReadyTransfer),
    /// Re-date, dispatch, receive or call off a transfer.
    ChangeTransfer {
        /// Which.
        transfer: Text,
        /// What happens to it.
        action: TransferAction,
    },
    /// Create or replace a subscription.
    PutSubscription(Box<PutSubscription>),
    /// Pause, resume, skip or cancel.
    ChangeSubscription {
        /// Which.
        subscription: Text,
        /// What happens to it.
        action: SubscriptionAction,
    },
    /// Create or replace a channel.
    PutChannel(Box<PutChannel>),
}

impl Command {
    /// Whether it gives stock back or moves work on, and so keeps its seat in a flood.
    pub fn keeps_its_seat(&self) -> bool {
        matches!(
            self,
            Self::ReleaseReservation { .. }
                | Self::CancelOrder(_)
                | Self::Fulfill(_)
                | Self::EndHold(_)
                | Self::EndEdit(_)
                | Self::ReportPayment(_)
                | Self::ChangeInbound { action: InboundAction::Receive(_), .. }
                | Self::ChangeTransfer { .. }
        )
    }
}
