//! Events: what the journal holds. Each touches exactly one entity and carries all that entity needs.
//!
//! The structs behind the variants are record version 1: their bytes are frozen by golden tests. A change of shape is a
//! new struct under a new version, never an edit here.

use serde::{Deserialize, Serialize};

use super::address::AddressFormat;
use super::archive::Archiving;
use super::carrier::ShippingTerms;
use super::carton::Carton;
use super::channel::ChannelEvent;
use super::collection::CollectionEvent;
use super::count::Moved;
use super::cycle_count::CycleCountEvent;
use super::dispatch::{DispatchEvent, DispatchKey};
use super::draft::DraftEvent;
use super::entity::{Entity, EntityKey};
use super::exception::{ExceptionEvent, ExceptionKey};
use super::ids::{
    ChannelIndex, CycleCountKey, DraftKey, FulfillmentKey, InboundKey, NodeIndex, OrderKey, ReservationKey, ReturnKey,
    SkuIndex, SubscriptionKey, Text, TransferKey, WaveKey,
};
use super::inbound::InboundEvent;
use super::item::{Item, Tracking};
use super::lockers::LockersEvent;
use super::lots::LotChange;
use super::money::Currency;
use super::node::Node;
use super::opportunity::Opportunity;
use super::optimisation::Figures;
use super::order::OrderEvent;
use super::picked::{Picked, PickedKey};
use super::picking::BinPlace;
use super::policy::{Policy, PolicyKey};
use super::redating::Redated;
use super::reservation::ReservationEvent;
use super::returns::ReturnEvent;
use super::rule_set::RuleSet;
use super::rules::versions::RuleSetEvent;
use super::short_pick::Seen;
use super::slots::SlotsEvent;
use super::stock::{CellKey, Level, LevelDelta, MovementKind};
use super::subscription::SubscriptionEvent;
use super::time::JournalTime;
use super::transfer::TransferEvent;
use super::transit::{Arrived, TransitKey};
use super::velocity::Left;
use super::wave::WaveEvent;
use super::workload::WorkloadEvent;

/// The first event of a data directory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DirectoryFounded {
    /// Currency of costs and item values, for ever.
    pub base_currency: Currency,
}

/// A node was created or replaced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodePut {
    /// Its index; the next free one when it is new.
    pub index: NodeIndex,
    /// All of it.
    pub node: Node,
}

/// An item was created or replaced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ItemPut {
    /// Its index; the next free one when it is new.
    pub index: SkuIndex,
    /// All of it.
    pub item: Item,
}

/// Units of one cell moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StockMoved {
    /// Which cell.
    pub cell: CellKey,
    /// Why.
    pub kind: MovementKind,
    /// By how much.
    pub delta: LevelDelta,
}

/// Something happened to a reservation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReservationChanged {
    /// Which.
    pub key: ReservationKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: ReservationEvent,
}

/// Something happened to an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderChanged {
    /// Which.
    pub key: OrderKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: OrderEvent,
}

/// Something happened to a document of inbound supply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InboundChanged {
    /// Which.
    pub key: InboundKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: InboundEvent,
}

/// Something happened to a channel. Only a put is a change of the catalogue; what is shipped adds up in any order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelChanged {
    /// Its index; the next free one when it is new.
    pub index: ChannelIndex,
    /// What happened.
    pub event: ChannelEvent,
}

/// Something happened to a transfer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TransferChanged {
    /// Which.
    pub key: TransferKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: TransferEvent,
}

/// A count of a cell was taken up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CountNoted {
    /// Which cell.
    pub cell: CellKey,
    /// Who counted.
    pub source: Option<Text>,
    /// The counter's own sequence.
    pub source_seq: Option<u64>,
    /// When it was counted.
    pub observed_at: JournalTime,
    /// What was counted.
    pub counted: u32,
    /// By how much that differed from what was known, once everything since was done again.
    pub difference: i64,
}

/// Something happened to a subscription.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SubscriptionChanged {
    /// Which.
    pub key: SubscriptionKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: SubscriptionEvent,
}

/// Something happened to a cycle count.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CycleCountChanged {
    /// Which.
    pub key: CycleCountKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: CycleCountEvent,
}

/// Something happened to an exception.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExceptionChanged {
    /// Which.
    pub key: ExceptionKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: ExceptionEvent,
}

/// A policy was put in the place of the one that stood.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyPut {
    /// What it is about.
    pub key: PolicyKey,
    /// All of it.
    pub policy: Policy,
}

/// Something happened to the lots or serial numbers of a sku.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LotsChanged {
    /// Which.
    pub sku: SkuIndex,
    /// How its units are told apart.
    pub tracking: Tracking,
    /// What happened, in order.
    pub changes: Vec<LotChange>,
}

/// Something happened to the versions of a rule set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleSetChanged {
    /// Its name.
    pub name: Text,
    /// What happened.
    pub event: RuleSetEvent,
}

/// Something happened to the slots of a node. Only a put is a change of the catalogue; places add up in any order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SlotsChanged {
    /// Which node.
    pub node: NodeIndex,
    /// What happened.
    pub event: SlotsEvent,
}

/// Something happened to the work of a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkloadChanged {
    /// Which node.
    pub node: NodeIndex,
    /// What happened.
    pub event: WorkloadEvent,
}

/// Something happened to a return.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReturnChanged {
    /// Which.
    pub key: ReturnKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: ReturnEvent,
}

/// Something happened to a wave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WaveChanged {
    /// Which.
    pub key: WaveKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: WaveEvent,
}

/// It was said where a sku lies at a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BinPut {
    /// The sku and the node.
    pub cell: CellKey,
    /// Where; nowhere any more when `None`.
    pub place: Option<BinPlace>,
}

/// Tasks of picking ended: added to the sums of their day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PickedNoted {
    /// Which sums.
    pub key: PickedKey,
    /// What is added.
    pub picked: Picked,
}

/// Something happened to who comes for a fulfilment order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CollectionChanged {
    /// Which.
    pub key: FulfillmentKey,
    /// What happened.
    pub event: CollectionEvent,
}

/// Something happened to a draft.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DraftChanged {
    /// Which.
    pub key: DraftKey,
    /// Its version after this.
    pub version: u32,
    /// What happened.
    pub event: DraftEvent,
}

/// Something happened to the lockers of a node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LockersChanged {
    /// Where.
    pub node: NodeIndex,
    /// What happened.
    pub event: LockersEvent,
}

/// Something happened to numbers, to parcels or to a manifest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DispatchChanged {
    /// To which.
    pub key: DispatchKey,
    /// What happened.
    pub event: DispatchEvent,
}

/// A parcel came: added to what its service told in the zone it went to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TransitNoted {
    /// Which service, in which zone.
    pub key: TransitKey,
    /// What the parcel tells.
    pub arrived: Arrived,
}

/// An optimisation was applied; the orders of the record say what it did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OptimisationApplied {
    /// Which.
    pub id: Text,
    /// What it was about.
    pub figures: Figures,
}

/// How the answer to a repeated request is found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The order: as it was when the request of this record was answered, else as it stands.
    Order(OrderKey),
    /// The reservation: as this record made it, else as it stands.
    Reservation(ReservationKey),
    /// These levels.
    Levels(Vec<(CellKey, Level)>),
    /// A hold of an order, likewise.
    Hold(OrderKey, u16),
    /// A document of inbound supply, as it stands.
    Inbound(InboundKey),
    /// A transfer, as it stands.
    Transfer(TransferKey),
    /// An edit of an order, likewise.
    Edit(OrderKey, u16),
    /// A count that led to this level, and its difference.
    Counted(CellKey, Level, i64),
    /// A subscription, as it stands.
    Subscription(SubscriptionKey),
    /// A cycle count, as it stands.
    CycleCount(CycleCountKey),
    /// An exception, as it stands.
    Exception(ExceptionKey),
    /// A document of inbound supply, as it stands, and the promises that its change has changed.
    Redated {
        /// The document.
        inbound: InboundKey,
        /// How many.
        count: u32,
        /// The first of them.
        first: Vec<Redated>,
    },
    /// A transfer, as it stands, and the promises that its new date has changed.
    RedatedTransfer {
        /// The transfer.
        transfer: TransferKey,
        /// How many.
        count: u32,
        /// The first of them.
        first: Vec<Redated>,
    },
    /// A version of a rule set, as it stands.
    Rules(Text, u32),
    /// A return, as it stands.
    Return(ReturnKey),
    /// A wave, as it stands.
    Wave(WaveKey),
    /// Numbers, parcels or a manifest, as they stand.
    Dispatch(DispatchKey),
    /// A draft, as it stands.
    Draft(DraftKey),
    /// An optimisation that was applied.
    Optimisation(Text),
}

/// An idempotency key took effect with this record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyUsed {
    /// Hash of principal, method, route and key.
    pub hash: u128,
    /// Fingerprint of the body.
    pub fingerprint: u64,
    /// How the answer is found.
    pub answer: Answer,
    /// What a step changed, as it was before the record: what the step answered is folded from both. Lies beside the rest
    /// in bytes, as in a snapshot; nothing where the record says all, or would have become too large, or this is larger than
    /// `BEFORE_BYTES_MAX`.
    #[serde(skip)]
    pub before: Option<Before>,
}

/// An entity as it was.
pub type Before = Box<(EntityKey, Entity)>;

/// One event of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// See [`DirectoryFounded`].
    DirectoryFounded(DirectoryFounded),
    /// See [`NodePut`].
    NodePut(NodePut),
    /// See [`ItemPut`].
    ItemPut(ItemPut),
    /// See [`RuleSet`]: a version became active.
    RuleSetPut(RuleSet),
    /// See [`StockMoved`].
    StockMoved(StockMoved),
    /// See [`ReservationChanged`].
    ReservationChanged(ReservationChanged),
    /// See [`OrderChanged`].
    OrderChanged(Box<OrderChanged>),
    /// See [`KeyUsed`].
    KeyUsed(KeyUsed),
    /// See [`InboundChanged`].
    InboundChanged(Box<InboundChanged>),
    /// See [`ChannelChanged`].
    ChannelChanged(Box<ChannelChanged>),
    /// See [`TransferChanged`].
    TransferChanged(Box<TransferChanged>),
    /// See [`CountNoted`].
    CountNoted(Box<CountNoted>),
    /// See [`SubscriptionChanged`].
    SubscriptionChanged(Box<SubscriptionChanged>),
    /// See [`Archiving`].
    Archiving(Archiving),
    /// See [`SlotsChanged`].
    SlotsChanged(Box<SlotsChanged>),
    /// See [`AddressFormat`]: it was put.
    AddressFormatPut(Box<AddressFormat>),
    /// A carrier, a calendar or a chart of zones was put, whole.
    ShippingPut(Box<ShippingTerms>),
    /// See [`CycleCountChanged`].
    CycleCountChanged(Box<CycleCountChanged>),
    /// See [`ExceptionChanged`].
    ExceptionChanged(Box<ExceptionChanged>),
    /// See [`PolicyPut`].
    PolicyPut(Box<PolicyPut>),
    /// See [`LotsChanged`].
    LotsChanged(Box<LotsChanged>),
    /// See [`Carton`]: it was created or replaced.
    CartonPut(Box<Carton>),
    /// See [`RuleSetChanged`].
    RuleSetChanged(Box<RuleSetChanged>),
    /// See [`ReturnChanged`].
    ReturnChanged(Box<ReturnChanged>),
    /// See [`WorkloadChanged`].
    WorkloadChanged(Box<WorkloadChanged>),
    /// See [`WaveChanged`].
    WaveChanged(Box<WaveChanged>),
    /// See [`BinPut`].
    BinPut(Box<BinPut>),
    /// See [`PickedNoted`].
    PickedNoted(Box<PickedNoted>),
    /// See [`CollectionChanged`].
    CollectionChanged(Box<CollectionChanged>),
    /// See [`LockersChanged`].
    LockersChanged(Box<LockersChanged>),
    /// See [`DispatchChanged`].
    DispatchChanged(Box<DispatchChanged>),
    /// See [`DraftChanged`].
    DraftChanged(Box<DraftChanged>),
    /// See [`OptimisationApplied`].
    OptimisationApplied(Box<OptimisationApplied>),
    /// See [`Opportunity`]: it was found anew.
    OpportunityPut(Box<Opportunity>),
    /// See [`TransitNoted`].
    TransitNoted(Box<TransitNoted>),
}

impl Event {
    /// Stable code of the event's type in the journal.
    pub fn type_code(&self) -> u16 {
        match self {
            Self::DirectoryFounded(_) => 1,
            Self::NodePut(_) => 2,
            Self::ItemPut(_) => 3,
            Self::RuleSetPut(_) => 4,
            Self::StockMoved(_) => 5,
            Self::ReservationChanged(_) => 6,
            Self::OrderChanged(_) => 7,
            Self::KeyUsed(_) => 8,
            // 9 is a crowd of reservations, which reads back as events of type 6.
            Self::InboundChanged(_) => 10,
            Self::ChannelChanged(_) => 11,
            Self::TransferChanged(_) => 12,
            Self::CountNoted(_) => 13,
            Self::SubscriptionChanged(_) => 15,
            Self::Archiving(_) => 18,
            Self::SlotsChanged(_) => 16,
            Self::AddressFormatPut(_) => 24,
            Self::ShippingPut(_) => 22,
            Self::CycleCountChanged(_) => 21,
            Self::ExceptionChanged(_) => 14,
            Self::PolicyPut(_) => 20,
            Self::LotsChanged(_) => 17,
            Self::CartonPut(_) => 23,
            Self::RuleSetChanged(_) => 27,
            Self::ReturnChanged(_) => 29,
            Self::WorkloadChanged(_) => 30,
            Self::OpportunityPut(_) => 31,
            Self::WaveChanged(_) => 32,
            Self::BinPut(_) => 33,
            Self::PickedNoted(_) => 34,
            Self::CollectionChanged(_) => 35,
            Self::DraftChanged(_) => 37,
            Self::LockersChanged(_) => 38,
            Self::DispatchChanged(_) => 39,
            Self::OptimisationApplied(_) => 36,
            Self::TransitNoted(_) => 42,
        }
    }

    /// The one entity it touches, beside the minute of a movement and what that tells of a node and a cell.
    pub fn entity(&self) -> EntityKey {
        match self {
            Self::DirectoryFounded(_) => EntityKey::Directory,
            Self::NodePut(e) => EntityKey::Node(e.index),
            Self::ItemPut(e) => EntityKey::Item(e.index),
            Self::RuleSetPut(e) => EntityKey::RuleSet(e.name.clone()),
            Self::StockMoved(e) => EntityKey::Cell(e.cell),
            Self::ReservationChanged(e) => EntityKey::Reservation(e.key),
            Self::OrderChanged(e) => EntityKey::Order(e.key),
            Self::KeyUsed(e) => EntityKey::Key(e.hash),
            Self::InboundChanged(e) => EntityKey::Inbound(e.key),
            Self::ChannelChanged(e) => EntityKey::Channel(e.index),
            Self::TransferChanged(e) => EntityKey::Transfer(e.key),
            Self::Archiving(e) => EntityKey::Order(e.key()),
            Self::ExceptionChanged(e) => EntityKey::Exception(e.key),
            Self::PolicyPut(e) => EntityKey::Policy(e.key.clone()),
            Self::ShippingPut(terms) => EntityKey::Shipping(terms.key()),
            Self::CountNoted(e) => EntityKey::Count(e.cell),
            Self::SubscriptionChanged(e) => EntityKey::Subscription(e.key),
            Self::SlotsChanged(e) => EntityKey::Slots(e.node),
            Self::AddressFormatPut(e) => EntityKey::AddressFormat(e.country.clone()),
            Self::CycleCountChanged(e) => EntityKey::CycleCount(e.key),
            Self::LotsChanged(e) => EntityKey::Lots(e.sku),
            Self::CartonPut(carton) => EntityKey::Carton(carton.id.clone()),
            Self::RuleSetChanged(e) => EntityKey::RuleVersions(e.name.clone()),
            Self::ReturnChanged(e) => EntityKey::Return(e.key),
            Self::WorkloadChanged(e) => EntityKey::Workload(e.node),
            Self::WaveChanged(e) => EntityKey::Wave(e.key),
            Self::BinPut(e) => EntityKey::Bin(e.cell),
            Self::PickedNoted(e) => EntityKey::Picked(e.key),
            Self::CollectionChanged(e) => EntityKey::Collection(e.key),
            Self::DraftChanged(e) => EntityKey::Draft(e.key),
            Self::LockersChanged(e) => EntityKey::Lockers(e.node),
            Self::DispatchChanged(e) => EntityKey::Dispatch(e.key.clone()),
            Self::OptimisationApplied(e) => EntityKey::Optimisation(e.id.clone()),
            Self::OpportunityPut(_) => EntityKey::Opportunity(()),
            Self::TransitNoted(e) => EntityKey::Transit(e.key.clone()),
        }
    }

    /// What of it counts must remember, decided at that instant: kept with the minute beside the entity itself.
    pub fn moved(&self, at: JournalTime) -> Option<Moved> {
        match self {
            Self::StockMoved(moved) => Moved::of(moved, at),
            _ => None,
        }
    }

    /// The cell whose movement tells whether its units were there, if that is what it is.
    pub fn teaches(&self) -> Option<CellKey> {
        match self {
            Self::StockMoved(moved) if Seen::tells(moved.kind) => Some(moved.cell),
            _ => None,
        }
    }

    /// What it tells of a cell that had so many on hand before, decided at that instant: kept with the node beside the entity
    /// itself.
    pub fn seen(&self, on_hand: u32, at: JournalTime) -> Option<Seen> {
        match self {
            Self::StockMoved(moved) => Seen::of(moved, on_hand, at),
            _ => None,
        }
    }

    /// The cell whose units left by it, if any can have.
    pub fn empties(&self) -> Option<CellKey> {
        match self {
            Self::StockMoved(moved) if Left::tells(moved.kind) => Some(moved.cell),
            _ => None,
        }
    }

    /// Units that left by it, decided at that instant: kept with the cell beside the entity itself.
    pub fn left(&self, at: JournalTime) -> Option<Left> {
        match self {
            Self::StockMoved(moved) => Left::of(moved, at),
            _ => None,
        }
    }

    /// Whether it changes the catalogue.
    pub fn is_of_catalogue(&self) -> bool {
        match self {
            Self::DirectoryFounded(_)
            | Self::NodePut(_)
            | Self::ItemPut(_)
            | Self::RuleSetPut(_)
            | Self::ShippingPut(_)
            | Self::AddressFormatPut(_)
            | Self::PolicyPut(_)
            | Self::CartonPut(_)
            | Self::OpportunityPut(_)
            | Self::RuleSetChanged(_) => true,
            Self::ChannelChanged(e) => matches!(e.event, ChannelEvent::Put(_)),
            Self::SlotsChanged(e) => matches!(e.event, SlotsEvent::Put(_)),
            Self::LockersChanged(e) => matches!(e.event, LockersEvent::Put(_)),
            _ => false,
        }
    }
}
