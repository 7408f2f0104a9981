//! Channels and segments of customers: who sells, from which nodes, and how much of a sku they may have or others must
//! leave them.
//!
//! A channel is known by the word that orders and reservations carry as their `channel`; a word that nobody put is a
//! channel like any other, without terms. One that names `customers` is their *segment*: whatever those customers ask
//! for, through whichever channel, counts as the segment's where it has a limit of that sku, and as the channel's
//! otherwise. So a ring-fence for some customers is a floor like any other, and a unit is counted once.
//!
//! `shipped` counts what left since a limit was set. What a channel uses of a sku (`channel_limits`) is that and what
//! its orders and reservations hold; the latter is read off them, so no order and no reservation says it again. What is
//! *not* here: the limits at work (`channel_limits`), and who waits.

use serde::{Deserialize, Serialize};

use super::fulfillment::FulfillmentVerb;
use super::ids::{ChannelIndex, NodeIndex, SkuIndex, Text};
use super::limits::LEVEL_MAX;
use super::payment::PaymentMark;
use super::stock::LawBroken;

/// How much of a sku a channel may have, and others must leave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limit {
    /// The sku.
    pub sku: SkuIndex,
    /// Units others must leave while the channel has not used as many.
    pub floor: u32,
    /// Most units it may use, counted from when this limit was set.
    pub cap: Option<u32>,
}

/// What of an order's money must have come before its units go on; nothing by default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PaymentBefore {
    /// Before a node takes a fulfilment order on: its release.
    pub release: Option<PaymentMark>,
    /// Before goods leave the house.
    pub ship: Option<PaymentMark>,
}

impl PaymentBefore {
    /// What must have come before a step.
    pub fn step(&self, verb: FulfillmentVerb) -> Option<PaymentMark> {
        match verb {
            FulfillmentVerb::Accept => self.release,
            FulfillmentVerb::Ship | FulfillmentVerb::HandOver => self.ship,
            _ => None,
        }
    }
}

/// What was put of a channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChannelTerms {
    /// The word that orders carry.
    pub id: Text,
    /// Name for people.
    pub name: Text,
    /// Nodes that serve it, ascending; all when `None`.
    pub nodes: Option<Vec<NodeIndex>>,
    /// Customers whose segment it is, ascending; each in one segment at most.
    pub customers: Vec<Text>,
    /// Its limits, ascending by sku, each once.
    pub limits: Vec<Limit>,
    /// What must be paid before what, of its orders.
    pub payment_before: PaymentBefore,
    /// Payment methods it takes; any when there are none.
    pub payment_methods: Vec<Text>,
}

/// A channel with what it shipped.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Channel {
    /// What was put.
    pub terms: ChannelTerms,
    /// Units that left since the limit of their sku was set, ascending; only of skus with a limit, and no more than the
    /// largest level.
    pub shipped: Vec<(SkuIndex, u32)>,
}

/// What happened to a channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ChannelEvent {
    /// Put, whole.
    Put(ChannelTerms),
    /// Units it had promised left a node.
    Shipped(Vec<(SkuIndex, u32)>),
}

/// For whom units are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Whose {
    /// For nobody: what is lost, counted or moved asks for no floor and no cap.
    #[default]
    Nobody,
    /// For a buyer.
    Buyer {
        /// The segment of the customer.
        segment: Option<ChannelIndex>,
        /// The channel, when it was put.
        channel: Option<ChannelIndex>,
    },
}

impl Whose {
    /// A buyer of no channel that was put.
    pub const STRANGER: Self = Self::Buyer { segment: None, channel: None };

    /// Segment and channel, in the order in which they are asked for a limit.
    pub fn channels(self) -> impl Iterator<Item = ChannelIndex> {
        let both = match self {
            Self::Nobody => [None, None],
            Self::Buyer { segment, channel } => [segment, channel],
        };
        both.into_iter().flatten()
    }
}

impl ChannelTerms {
    /// The limit of a sku.
    pub fn limit(&self, sku: SkuIndex) -> Option<&Limit> {
        let at = self.limits.binary_search_by_key(&sku, |limit| limit.sku).ok()?;
        Some(&self.limits[at])
    }

    /// Whether a node serves it.
    pub fn serves(&self, node: NodeIndex) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes.binary_search(&node).is_ok())
    }
}

impl Channel {
    /// Units of a sku that left since its limit was set.
    pub fn shipped_of(&self, sku: SkuIndex) -> u32 {
        self.shipped.binary_search_by_key(&sku, |(sku, _)| *sku).map_or(0, |at| self.shipped[at].1)
    }

    /// The next state of a channel.
    pub fn fold(before: Option<Self>, event: &ChannelEvent) -> Result<Self, LawBroken> {
        match (before, event) {
            (None, ChannelEvent::Put(terms)) => Ok(Self { terms: terms.clone(), shipped: Vec::new() }),
            (Some(before), ChannelEvent::Put(terms)) if before.terms.id == terms.id => {
                let mut shipped = before.shipped;
                shipped.retain(|(sku, _)| terms.limit(*sku).is_some());
                Ok(Self { terms: terms.clone(), shipped })
            }
            (Some(mut channel), ChannelEvent::Shipped(units)) => {
                for (sku, units) in units {
                    channel.ship(*sku, *units)?;
                }
                Ok(channel)
            }
            (before, event) => Err(LawBroken(format!("{event:?} does not follow {before:?}"))),
        }
    }

    fn ship(&mut self, sku: SkuIndex, units: u32) -> Result<(), LawBroken> {
        if self.terms.limit(sku).is_none() {
            return Err(LawBroken(format!("channel {} has no limit of {sku:?}", self.terms.id)));
        }
        match self.shipped.binary_search_by_key(&sku, |(sku, _)| *sku) {
            Ok(at) => self.shipped[at].1 = shipped_after(self.shipped[at].1, units),
            Err(at) => self.shipped.insert(at, (sku, shipped_after(0, units))),
        }
        Ok(())
    }
}

/// What has left in all: counted up to the largest level, beyond every floor and cap.
pub fn shipped_after(before: u32, units: u32) -> u32 {
    before.saturating_add(units).min(LEVEL_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(limits: &[(u32, u32)]) -> ChannelEvent {
        let limits = limits.iter().map(|(sku, cap)| Limit { sku: SkuIndex(*sku), floor: 0, cap: Some(*cap) }).collect();
        let (id, name) = ("web".into(), "Web".into());
        let (payment_before, payment_methods) = (PaymentBefore::default(), Vec::new());
        let (nodes, customers) = (None, Vec::new());
        ChannelEvent::Put(ChannelTerms { id, name, nodes, customers, limits, payment_before, payment_methods })
    }

    #[test]
    fn what_left_is_counted_as_long_as_its_limit_stays() {
        let fold = |before, event: &ChannelEvent| Channel::fold(before, event).expect("it follows");
        let made = fold(None, &put(&[(1, 5), (2, 5)]));
        let shipped = ChannelEvent::Shipped(vec![(SkuIndex(2), 3), (SkuIndex(1), 1)]);
        let channel = fold(Some(fold(Some(made), &shipped)), &shipped);
        assert_eq!([1, 2, 3].map(|sku| channel.shipped_of(SkuIndex(sku))), [2, 6, 0]);
        let channel = fold(Some(channel), &put(&[(2, 9)]));
        assert_eq!([1, 2].map(|sku| channel.shipped_of(SkuIndex(sku))), [0, 6]);
        let channel = fold(Some(channel), &put(&[(1, 9)]));
        assert_eq!([1, 2].map(|sku| channel.shipped_of(SkuIndex(sku))), [0, 0], "a limit set anew counts anew");
    }

    #[test]
    fn nothing_is_counted_without_a_limit() {
        let shipped = ChannelEvent::Shipped(vec![(SkuIndex(2), 3)]);
        assert!(Channel::fold(None, &shipped).is_err());
        let made = Channel::fold(None, &put(&[(1, 5)])).expect("it is new");
        assert!(Channel::fold(Some(made), &shipped).is_err());
    }
}
