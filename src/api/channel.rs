//! Channels and segments of customers: put and shown.

use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::json::Json;
use super::reading::{At, Listed, Shape, shape};
use super::scalar::{Count, Id, Name, Owner, Sku};
use super::words::{ReleasingPayment, Worded};
use crate::domain::catalogue::Catalogue;
use crate::domain::channel::{ChannelTerms, Limit, PaymentBefore};
use crate::domain::command::{PutChannel, PutLimit};
use crate::domain::ids::Text;
use crate::domain::limits::{CHANNEL_CUSTOMERS_MAX, CHANNEL_LIMITS_MAX, CHANNEL_NODES_MAX, PAYMENT_METHODS_MAX};
use crate::domain::payment::PaymentMark;

shape! {
    /// A channel, whole: what orders and reservations name as their `channel`. A channel that was never put is any
    /// channel without limits of its own.
    pub struct ChannelPut {
        /// Name for people.
        pub name: Name,
        /// Nodes that serve it; all when left out.
        pub nodes: Option<Vec<ServingNode>>,
        /// Ids of customers whose segment it is: whatever they ask for counts as this one's where it has a limit of the
        /// sku, whichever channel they come through. A customer is of one segment at most.
        pub customers: Option<Vec<Member>>,
        /// Up to 2,000 limits, each sku once.
        pub limits: Vec<LimitPut>,
        /// What must have come of an order's money before its units go on; nothing when left out.
        pub payment_before: Option<PaymentBeforeShape>,
        /// Payment methods its orders may have; any when left out.
        pub payment_methods: Option<Vec<PaymentMethod>>,
    }
}

shape! {
    /// What must have come of an order's money before its units go on.
    #[derive(Copy)]
    #[schema(as = PaymentBefore)]
    pub struct PaymentBeforeShape {
        /// Before a node accepts a fulfilment order.
        pub release: Option<ReleasingPayment>,
        /// Before goods are shipped or handed over.
        pub ship: Option<ReleasingPayment>,
    }
}

impl PaymentBeforeShape {
    /// What it says.
    pub(super) fn before(self) -> PaymentBefore {
        PaymentBefore { release: self.release.map(PaymentMark::from), ship: self.ship.map(PaymentMark::from) }
    }

    /// A rule as it is shown; `None` where it asks for nothing.
    pub(super) fn shown(before: PaymentBefore) -> Option<Self> {
        (before != PaymentBefore::default()).then(|| Self::of(before))
    }

    fn of(before: PaymentBefore) -> Self {
        let shown =
            |mark: PaymentMark| ReleasingPayment::ALL.iter().copied().find(|word| PaymentMark::from(*word) == mark);
        Self { release: before.release.and_then(shown), ship: before.ship.and_then(shown) }
    }
}

impl Serialize for PaymentBeforeShape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let steps = [("release", self.release), ("ship", self.ship)].into_iter();
        serializer.collect_map(steps.filter_map(|(step, payment)| Some((step, payment?.word()))))
    }
}

/// A payment method, a word of the channel.
#[derive(Clone, Debug, Serialize)]
pub struct PaymentMethod(pub Owner);

impl Shape for PaymentMethod {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        Owner::read(json, at).map(Self)
    }
}

impl Listed for PaymentMethod {
    const LEAST: usize = 0;
    const MOST: usize = PAYMENT_METHODS_MAX;
}

impl PartialSchema for PaymentMethod {
    fn schema() -> RefOr<Schema> {
        Owner::schema()
    }
}

impl ToSchema for PaymentMethod {}

shape! {
    /// How much of a sku it may have, and others must leave it.
    pub struct LimitPut {
        /// A product.
        pub sku: Sku,
        /// Units that others may not take while it has not used as many; none when left out.
        pub floor: Option<Count>,
        /// Most units it may use: reserved, promised or shipped since the limit was set. No bound when left out.
        pub cap: Option<Count>,
    }
    check = LimitPut::judge;
}

impl LimitPut {
    fn judge(&self, at: &At<'_>) {
        if let (Some(floor), Some(cap)) = (self.floor, self.cap)
            && cap.0 < floor.0
        {
            at.field("cap").fault::<()>("quantity_out_of_range", format!("must be at least the floor, {}", floor.0));
        }
    }
}

/// Ids of which a list may hold more than of others.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident in $least:expr, $most:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub $crate::api::scalar::Id);

        impl $crate::api::reading::Shape for $name {
            fn read(json: &$crate::api::json::Json<'_>, at: &$crate::api::reading::At<'_>) -> Option<Self> {
                <$crate::api::scalar::Id as $crate::api::reading::Shape>::read(json, at).map(Self)
            }
        }

        impl $crate::api::reading::Listed for $name {
            const LEAST: usize = $least;
            const MOST: usize = $most;
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                <$crate::api::scalar::Id as utoipa::PartialSchema>::schema()
            }
        }

        impl utoipa::ToSchema for $name {}
    )* };
}

pub(super) use ids;

ids! {
    /// A node that serves a channel.
    ServingNode in 1, CHANNEL_NODES_MAX;
    /// A customer of a segment.
    Member in 0, CHANNEL_CUSTOMERS_MAX;
}

impl Listed for LimitPut {
    const LEAST: usize = 0;
    const MOST: usize = CHANNEL_LIMITS_MAX;
}

impl ChannelPut {
    /// The channel under its id.
    pub fn command(self, id: Text) -> PutChannel {
        let limit = |limit: LimitPut| PutLimit {
            sku: limit.sku.0,
            floor: limit.floor.map_or(0, |floor| floor.0),
            cap: limit.cap.map(|cap| cap.0),
        };
        PutChannel {
            id,
            name: self.name.0,
            nodes: self.nodes.map(|nodes| nodes.into_iter().map(|ServingNode(id)| id.0).collect()),
            customers: self.customers.unwrap_or_default().into_iter().map(|Member(id)| id.0).collect(),
            limits: self.limits.into_iter().map(limit).collect(),
            payment_before: self.payment_before.map(PaymentBeforeShape::before).unwrap_or_default(),
            payment_methods: self.payment_methods.unwrap_or_default().into_iter().map(|method| method.0.0).collect(),
        }
    }
}

/// A channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
#[allow(missing_docs, reason = "the fields are those of `ChannelPut`")]
pub struct ChannelJson {
    pub id: Id,
    pub name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<Id>>,
    pub customers: Vec<Id>,
    pub limits: Vec<LimitJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_before: Option<PaymentBeforeShape>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payment_methods: Vec<PaymentMethod>,
}

/// A limit of a channel, and what it uses.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ChannelLimit)]
pub struct LimitJson {
    /// The sku.
    pub sku: Sku,
    /// Units that others may not take while it has not used as many.
    pub floor: u32,
    /// Most units it may use; `null` when there is no bound.
    pub cap: Option<u32>,
    /// Units it uses now: reserved, promised, or shipped since the limit was set. May be ahead of the disk.
    pub used: u32,
}

impl ChannelJson {
    /// A channel, with what it uses of each sku it has a limit of.
    pub fn of(channel: &ChannelTerms, used: &[u32], catalogue: &Catalogue) -> Self {
        let limit = |(limit, used): (&Limit, &u32)| LimitJson {
            sku: Sku(catalogue.item(limit.sku).sku.clone()),
            floor: limit.floor,
            cap: limit.cap,
            used: *used,
        };
        let node = |node: &_| Id(catalogue.node(*node).id.clone());
        Self {
            id: Id(channel.id.clone()),
            name: Name(channel.name.clone()),
            nodes: channel.nodes.as_ref().map(|nodes| nodes.iter().map(node).collect()),
            customers: channel.customers.iter().cloned().map(Id).collect(),
            limits: channel.limits.iter().zip(used).map(limit).collect(),
            payment_before: PaymentBeforeShape::shown(channel.payment_before),
            payment_methods: channel
                .payment_methods
                .iter()
                .cloned()
                .map(|method| PaymentMethod(Owner(method)))
                .collect(),
        }
    }
}
