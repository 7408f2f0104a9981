//! The archive as the domain sees it: when an order may leave memory, what the log says of that, and what is asked of
//! whoever keeps what left.
//!
//! ```text
//! in memory ─ended, and a while has passed─► left ─a segment holds it─► gone from memory
//!     ▲                                        │                              │
//!     └─────────── the next event on it carries all of it (`Back`) ◄──────────┘
//! ```
//! Promises: leaving is a record of its own, so every reader of the log knows where the order is at every position; what
//! comes back is carried whole by the record that needs it, so no fold asks the archive. An id its caller chose stays
//! taken for ever.
//!
//! What is *not* here: files (`journal`), and when memory forgets (`engine`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::fulfillment::FulfillmentStatus;
use super::hold::HoldState;
use super::ids::{NodeIndex, OrderKey, SkuIndex, Text};
use super::order::Order;
use super::record::Header;
use super::stock::LawBroken;
use super::time::{JournalTime, WallTime};

/// What the archive and an order have to do with each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Archiving {
    /// It left, as it stands.
    Left(OrderKey),
    /// It came back: all of it, as it stood in the archive.
    Back(Box<Order>),
    /// It had ended before anybody told of it: all of it, straight to the archive.
    Imported(Box<Order>),
}

impl Archiving {
    /// The order.
    pub fn key(&self) -> OrderKey {
        match self {
            Self::Left(key) => *key,
            Self::Back(order) | Self::Imported(order) => order.key,
        }
    }
}

impl Order {
    /// Whether nothing more happens by itself: every unit is delivered or cancelled, or back or made good instead, and put
    /// back where it has to be; no hold is active, no edit and no return open.
    pub fn is_done(&self) -> bool {
        let held = self.holds.iter().any(|hold| hold.state == HoldState::Active);
        let open = self.open_edit().is_some() || self.has_open_return();
        self.open_units() == 0 && !self.is_put_back_due() && !held && !open
    }

    /// Whether something that was picked for it waits to be put back.
    pub fn is_put_back_due(&self) -> bool {
        self.fulfillment_orders.iter().any(|f| f.status == FulfillmentStatus::PutBack)
    }

    /// When something happened to it last.
    pub fn last_told_at(&self) -> JournalTime {
        self.history.last().map_or(self.received_at, |told| told.at)
    }

    /// Whether it left memory for the archive, and is not back.
    pub fn is_archived(&self) -> bool {
        self.left_at != 0
    }

    /// Whether it is the same order, wherever the two lie.
    pub fn is_same_as(&self, other: &Self) -> bool {
        Self { left_at: other.left_at, ..self.clone() } == *other
    }

    /// The next state of an order that leaves, comes back, or had ended before.
    pub fn archive(before: Option<Self>, header: &Header, event: &Archiving) -> Result<Self, LawBroken> {
        let key = event.key();
        match (before, event) {
            (Some(order), Archiving::Left(_)) if order.is_done() && !order.is_archived() => {
                Ok(Self { left_at: header.seq, ..order })
            }
            (before, Archiving::Back(order)) => {
                if before.as_ref().is_some_and(|before| !before.is_archived() || !order.is_same_as(before)) {
                    return Err(LawBroken(format!("order {key} comes back as another than it left")));
                }
                order.check()?;
                Ok(Self { left_at: 0, ..(**order).clone() })
            }
            (None, Archiving::Imported(order)) if order.is_done() => {
                let mut order = Self { seq: header.seq, left_at: header.seq, ..(**order).clone() };
                order.history.iter_mut().for_each(|told| told.seq = header.seq);
                order.check()?;
                Ok(order)
            }
            (before, event) => Err(LawBroken(format!("order {key} ({}): cannot take {event:?}", before.is_some()))),
        }
    }
}

/// A name under which somebody else knows an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderName<'a> {
    /// Its caller's id.
    Own(&'a str),
    /// A channel, and its id there.
    Channel(&'a str, &'a str),
}

impl<'a> OrderName<'a> {
    /// The names of an order.
    pub fn of(order: &'a Order) -> impl Iterator<Item = OrderName<'a>> {
        let own = order.facts.id.as_deref().map(OrderName::Own);
        own.into_iter().chain([OrderName::Channel(&order.facts.channel, &order.facts.channel_order_id)])
    }

    /// Whether it is a name of that order.
    pub fn names(self, order: &Order) -> bool {
        OrderName::of(order).any(|name| name == self)
    }

    /// A number that tells names apart nearly always; the same on every machine, for ever.
    pub fn hash(self) -> u64 {
        match self {
            Self::Own(id) => mixed(mixed(1, id.as_bytes()), &[]),
            Self::Channel(channel, id) => mixed(mixed(2, channel.as_bytes()), id.as_bytes()),
        }
    }
}

/// Mixes bytes into a number, eight at a time; their count too, so that the border between two texts counts.
fn mixed(seed: u64, bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(ODD);
        (product as u64) ^ ((product >> 64) as u64).wrapping_add(ODD)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(step(seed, bytes.len() as u64), |hash, word| step(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    step(step(hash, u64::from_le_bytes(last)), ODD)
}

/// What can be searched of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderRow {
    /// Which.
    pub key: OrderKey,
    /// The word of its status: statuses come and go, words on disks stay.
    pub status: Text,
    /// Its caller's id.
    pub id: Option<Text>,
    /// Its channel.
    pub channel: Text,
    /// Its id there.
    pub channel_order_id: Text,
    /// Its customer's id.
    pub customer: Text,
    /// What its lines ask for.
    pub skus: Vec<SkuIndex>,
    /// When it was placed, by the channel's time.
    pub placed_at: WallTime,
    /// Its fulfilment orders, in their order.
    pub fulfillment_orders: Vec<(NodeIndex, FulfillmentStatus)>,
}

impl OrderRow {
    /// What can be searched of this order.
    pub fn of(order: &Order) -> Self {
        let facts = &order.facts;
        Self {
            key: order.key,
            status: order.status().word().into(),
            id: facts.id.clone(),
            channel: facts.channel.clone(),
            channel_order_id: facts.channel_order_id.clone(),
            customer: facts.customer.clone(),
            skus: order.lines.iter().map(|line| line.placed.sku).collect(),
            placed_at: facts.placed_at,
            fulfillment_orders: order.fulfillment_orders.iter().map(|f| (f.node, order.shown(f))).collect(),
        }
    }
}

/// The archive could not be read: what an operator has to know.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the archive cannot be read: {0}")]
pub struct Unreadable(pub String);

/// What the engine asks of whoever keeps what left. Nobody holds a lock of the engine while he asks for what lies on disk.
pub trait Archive: Send + Sync + fmt::Debug {
    /// Every order that left with a record up to this one is in it. It only grows, and has grown before memory forgets.
    fn covered(&self) -> u64;

    /// Whether there is nothing in it.
    fn is_empty(&self) -> bool;

    /// The highest number of an order in it; 0 when there is none.
    fn highest_key(&self) -> u64;

    /// Whether this order may be in it; reads no file.
    fn may_hold(&self, key: OrderKey) -> bool;

    /// Whether an order of this name may be in it; reads no file.
    fn may_know(&self, name: OrderName<'_>) -> bool;

    /// An order, as it left last. Reads a file when it may be there.
    fn order(&self, key: OrderKey) -> Result<Option<Order>, Unreadable>;

    /// The order of a name. Reads files when it may be there.
    fn named(&self, name: OrderName<'_>) -> Result<Option<Order>, Unreadable>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_names_are_those_that_are_on_disks() {
        let hashes = [OrderName::Own("a-1").hash(), OrderName::Channel("web", "W-1000234").hash()];
        assert_eq!(hashes, HASHES, "they lie in segments out there");
        let apart = [OrderName::Channel("ab", "c"), OrderName::Channel("a", "bc"), OrderName::Own("abc")];
        let mut apart: Vec<u64> = apart.into_iter().map(OrderName::hash).collect();
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), 3);
        let many: std::collections::HashSet<u64> =
            (0..100_000).map(|n| OrderName::Channel("web", &format!("W-{n}")).hash()).collect();
        assert_eq!(many.len(), 100_000);
    }

    const HASHES: [u64; 2] = [0x3919_2303_c249_1dea, 0xe6bd_72b5_7bc0_ba66];
}
