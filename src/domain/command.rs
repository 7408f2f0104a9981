//! Commands: what a caller wants, in domain values. Ids of things that exist are still text: the engine looks them up
//! under its guards, so that a command means the same whenever it is carried out. Here: who asks, and the list of all
//! commands; their parts lie beside it by noun.

mod carton;
mod catalogue;
mod dispatch;
mod draft;
mod edit;
mod exception;
mod fulfillment;
mod order;
mod past_order;
mod picking;
mod policy;
mod reservation;
mod returns;
mod rules;
mod shipping;
mod stock;
mod subscription;
mod supply;

pub use carton::*;
pub use catalogue::*;
pub use dispatch::*;
pub use draft::*;
pub use edit::*;
pub use exception::*;
pub use fulfillment::*;
pub use order::*;
pub use past_order::*;
pub use picking::*;
pub use policy::*;
pub use reservation::*;
pub use returns::*;
pub use rules::*;
pub use shipping::*;
pub use stock::*;
pub use subscription::*;
pub use supply::*;

use super::address::AddressFormat;
use super::carrier::ShippingTerms;
use super::ids::Text;
use super::node::Node;
use super::opportunity::Opportunity;

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
    /// Put the next version of a rule set.
    PutRules(PutRules),
    /// Activate a version of a rule set.
    ActivateRules(ActivateRules),
    /// Change what is on hand; all or nothing.
    AdjustStock(Vec<Adjustment>),
    /// Change what is on hand and say of which lots; all or nothing.
    AdjustLots(Vec<NamedAdjustment>),
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
    /// Begin a draft.
    BeginDraft(BeginDraft),
    /// Let a draft say something else.
    ChangeDraft(ChangeDraft),
    /// Set units aside for a draft.
    HoldDraft(HoldDraft),
    /// Place a draft.
    PlaceDraft(Box<PlaceDraft>),
    /// Let a draft go.
    DiscardDraft {
        /// Which.
        draft: Text,
    },
    /// Take in an order that ended before it was told of.
    ImportOrder(Box<ImportOrder>),
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
    /// Merge two orders.
    MergeOrders(MergeOrders),
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
    /// Plan a cycle count.
    PlanCount(PlanCount),
    /// Submit results of a cycle count, or call it off.
    ChangeCount {
        /// Which.
        count: Text,
        /// What happens to it.
        action: CycleCountAction,
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
    /// Create or replace a carrier, a calendar or a chart of zones.
    PutShipping(Box<ShippingTerms>),
    /// Create or replace a channel.
    PutChannel(Box<PutChannel>),
    /// Put the slots of a node.
    PutSlots(Box<PutSlots>),
    /// Put the lockers of a node.
    PutLockers(Box<PutLockers>),
    /// Put how addresses of a country are written.
    PutAddressFormat(Box<AddressFormat>),
    /// Another slot for a line that has one.
    Rebook(Rebook),
    /// Source the units of an order that waited for its customer's word.
    SourceOrder {
        /// Which.
        order: Text,
    },
    /// Assign or resolve an exception.
    ChangeException {
        /// Which.
        exception: Text,
        /// What is done.
        action: ExceptionAction,
    },
    /// Put a policy.
    PutPolicy(PutPolicy),
    /// Create or replace a carton.
    PutCarton(Box<PutCarton>),
    /// Ask for a return.
    RequestReturn(Box<RequestReturn>),
    /// Take a step of a return.
    ChangeReturn {
        /// Which.
        returned: Text,
        /// What happens to it.
        action: ReturnAction,
    },
    /// Note where a parcel of a return is.
    TrackReturn(Box<TrackReturn>),
    /// Say where skus lie at a node.
    PutBins(Box<PutBins>),
    /// Say of which prefix numbers of parcels are.
    PutNumbers(PutNumbers),
    /// Pack a fulfilment order into parcels with numbers.
    PackParcels(PackParcels),
    /// Close the manifest of a carrier's day.
    CloseOut(CloseOut),
    /// Plan a wave.
    PlanWave(PlanWave),
    /// Apply an optimisation.
    ApplyOptimisation {
        /// Which.
        optimisation: Text,
    },
    /// Keep what stock and shipments were found to be worth to orders to come.
    PutOpportunity(Box<Opportunity>),
    /// Take a step of a wave or of one of its tasks.
    ChangeWave {
        /// Which.
        wave: Text,
        /// What happens to it.
        action: WaveAction,
    },
}

impl Command {
    /// Whether it gives stock back or moves work on, and so keeps its seat in a flood.
    pub fn keeps_its_seat(&self) -> bool {
        matches!(
            self,
            Self::ReleaseReservation { .. }
                | Self::DiscardDraft { .. }
                | Self::CancelOrder(_)
                | Self::Fulfill(_)
                | Self::EndHold(_)
                | Self::EndEdit(_)
                | Self::ReportPayment(_)
                | Self::ChangeException { .. }
                | Self::ChangeInbound { action: InboundAction::Receive(_), .. }
                | Self::ChangeTransfer { .. }
                | Self::ChangeReturn { .. }
                | Self::TrackReturn(_)
                | Self::ChangeWave { .. }
        )
    }
}
