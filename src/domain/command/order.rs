//! Commands of orders: placed, held, paid, cancelled, joined, split.

use jiff::civil::Date;

use crate::domain::address::AddressParts;
use crate::domain::geo::Position;
use crate::domain::hold::{HoldKind, HoldState, HoldTerms, ReleaseAt};
use crate::domain::ids::Text;
use crate::domain::money::{Currency, Money};
use crate::domain::order::{OrderType, Payment, Sealed};
use crate::domain::particulars::Totals;
use crate::domain::payment::PaymentMark;
use crate::domain::quantity::Quantity;
use crate::domain::time::{Now, WallTime};

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
    /// What its country's format looks at; not judged when `None`.
    pub parts: Option<AddressParts>,
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
    /// The node that is asked before all others.
    pub preferred_node: Option<Text>,
    /// What the total is made of, as reported.
    pub totals: Option<Totals>,
    /// What its channel says of it, in words that rules of holds know.
    pub flags: Vec<Text>,
    /// When its fulfilment orders are handed to nodes; as soon as they are made when `None`.
    pub release_at: Option<WallTime>,
    /// The day by which it is wanted there, where it goes.
    pub arrives_by: Option<Date>,
    /// Its priority where waiting demand is served by it: 0 to 9, the highest first.
    pub priority: u8,
    /// Slots of its lines.
    pub slots: Vec<AskedSlot>,
    /// Lines that are warranties.
    pub warranties: Vec<AskedWarranty>,
    /// Groups that reach the customer in another way than the order.
    pub ways: Vec<AskedWay>,
}

/// How a group of lines is to reach the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedWay {
    /// Which: the position of its destination, from 1.
    pub group: u16,
    /// How, a word of the domain.
    pub method: Text,
    /// The node that is asked before all others; the only one where the customer comes to it.
    pub node: Option<Text>,
}

/// A slot that a line is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedSlot {
    /// Position of the line.
    pub line: u16,
    /// At which node.
    pub node: Text,
    /// Id of the slot there.
    pub slot: Text,
}

/// Another slot for a line that has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebook {
    /// The order.
    pub order: Text,
    /// Id of the line.
    pub line: Text,
    /// The node of the slot: that of its own.
    pub node: Text,
    /// Id of the slot there.
    pub slot: Text,
}

/// A line that is a warranty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedWarranty {
    /// Position of the line.
    pub line: u16,
    /// Id of the line that it covers; nothing of the order when `None`.
    pub covers: Option<Text>,
    /// How long it lasts, in months.
    pub months: u32,
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

/// Let all that is open of one order go to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeOrders {
    /// The order that stays.
    pub order: Text,
    /// The order that goes.
    pub with: Text,
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
