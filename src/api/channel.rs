//! Channels and segments of customers: put and shown.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use super::json::Json;
use super::reading::{At, Listed, Shape, shape};
use super::scalar::{Count, Id, Name, Sku};
use crate::domain::catalogue::Catalogue;
use crate::domain::channel::{ChannelTerms, Limit};
use crate::domain::command::{PutChannel, PutLimit};
use crate::domain::ids::Text;
use crate::domain::limits::{CHANNEL_CUSTOMERS_MAX, CHANNEL_LIMITS_MAX, CHANNEL_NODES_MAX};

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
    }
}

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
        pub struct $name(pub Id);

        impl Shape for $name {
            fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
                Id::read(json, at).map(Self)
            }
        }

        impl Listed for $name {
            const LEAST: usize = $least;
            const MOST: usize = $most;
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                Id::schema()
            }
        }

        impl ToSchema for $name {}
    )* };
}

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
        }
    }
}
