//! Returns: units that come back from a customer, or are made good without coming back, from the request to its end.
//!
//! ```text
//! requested ─► approved ─label─► awaiting_goods ─scan─► in_transit ─receipts─► partially_received ─► received
//!    │            │   └─clock─► expired ◄──clock─┘            │                          ─grade─► inspected
//!    ├─► declined └──────── cancel, before the first receipt ─┴─► cancelled              ─disposition─► dispositioned
//!    └─► cancelled                                                                       ─money settled─► closed
//! ```
//! No status is stored: it is read off what came, what was decided about it and how the return ended. Goods and money go
//! their own ways: a refund may come before, between or after receipts, as far as the terms of the return let it
//! ([`Return::refundable`]). Units that were not in the parcel are *missing*: they did not come back, and never will with
//! this return. A *claim* is a return of which nothing comes back: what it names is written off when it is approved.
//!
//! What is *not* here: its lines (`return_line`), kits of which components have fates of their own (`return_kits`), its money (`return_money`), where its parcels are (`return_parcels`), states
//! and words (`return_status`), what of an order may come back (`order_returns`), where to (`return_routing`), by which policy
//! (`return_policy`), and stock, which has events of its own in the same record.

use serde::{Deserialize, Serialize};

use super::decision::LineUnits;
use super::hold::ReleaseAt;
use super::ids::{NodeIndex, OrderKey, ReturnKey, SkuIndex, Text};
use super::limits::RETURN_READABLE_MS;
use super::money::Currency;
use super::record::Header;
pub use super::return_kits::{ApartKits, Component, KitPart, Piece, TakenApart};
pub use super::return_line::{Disposed, HeldUnits, Part, ReturnLine};
use super::return_parcels::Parcels;
use super::return_policy::RefundAt;
pub use super::return_status::{Condition, Disposition, ReturnStatus, ReturnVerb, StockEffect};
use super::stock::LawBroken;
use super::time::{JournalTime, WallTime};
use super::tracking::Scan;

/// What the customer gets instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExchangeLine {
    /// What.
    pub sku: SkuIndex,
    /// How many.
    pub quantity: u32,
    /// Price of one, minor units of the order's currency.
    pub unit_price: i64,
}

/// A parcel on its way back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReturnLabel {
    /// Where it goes; to where its units shall come when `None`.
    pub node: Option<NodeIndex>,
    /// Carrier.
    pub carrier: Text,
    /// Its service.
    pub service: Option<Text>,
    /// Tracking number.
    pub tracking_number: Text,
}

/// By which terms a return goes; fixed when it is requested.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReturnTerms {
    /// From when on money may go back.
    pub refund_at: RefundAt,
    /// Whether what the customer gets instead leaves before anything came back.
    pub exchange_at_once: bool,
    /// How long the goods may take once it is approved, seconds; as long as they like when `None`.
    pub expires_s: Option<u64>,
    /// Whether nothing comes back: the units are written off.
    pub is_claim: bool,
}

/// How a return ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the ends")]
pub enum ReturnEnd {
    Closed,
    Declined,
    Cancelled,
    Expired,
}

/// What happened to a return.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ReturnEvent {
    /// It was asked for.
    Requested {
        /// The id its caller chose, if any.
        id: Option<Text>,
        /// Fingerprint of the request under the caller's id.
        fingerprint: u64,
        /// Of which order.
        order: OrderKey,
        /// The text by which clients name that order.
        order_name: Text,
        /// Currency of its amounts.
        currency: Currency,
        /// By which terms.
        terms: ReturnTerms,
        /// What.
        lines: Vec<ReturnLine>,
        /// What the customer gets instead.
        exchange: Vec<ExchangeLine>,
    },
    /// It may come.
    Approved {
        /// Where each of its lines shall come to.
        nodes: Vec<Option<NodeIndex>>,
        /// When it expires.
        expires_at: Option<ReleaseAt>,
    },
    /// It may not.
    Declined {
        /// Why, when somebody said so.
        reason: Option<Text>,
    },
    /// Nobody wants it any more.
    Cancelled {
        /// Why, when somebody said so.
        reason: Option<Text>,
    },
    /// The goods did not come in time.
    Expired,
    /// A parcel has a label.
    Labelled {
        /// Which.
        label: ReturnLabel,
    },
    /// The goods are on their way.
    InTransit,
    /// Units came, or were missed.
    Received {
        /// Which.
        parts: Vec<Part>,
    },
    /// Units were graded.
    Inspected {
        /// Which.
        parts: Vec<Part>,
    },
    /// It was said what becomes of units.
    Disposed {
        /// Which.
        parts: Vec<Part>,
    },
    /// Money went back.
    Refunded {
        /// How much, minor units of the order's currency.
        amount: i64,
    },
    /// What the customer gets instead was ordered.
    Replaced {
        /// The order.
        order: OrderKey,
    },
    /// It is settled.
    Closed {
        /// Why, when somebody said so.
        reason: Option<Text>,
    },
    /// Money of its order went to the order of what the customer gets instead, or came back from there, or that order came
    /// to cost something else.
    Credited {
        /// How much went, minor units of the order's currency; below zero what came back.
        amount: i64,
        /// How much of what he gets instead is to be paid out of what comes back, in all.
        instead: i64,
    },
    /// A carrier told where a parcel is.
    Tracked {
        /// Number of its label, from 1.
        label: u16,
        /// What is new of what it saw.
        scans: Vec<Scan>,
        /// When it means to deliver, where it said another date.
        estimated_at: Option<WallTime>,
    },
    /// Kits that came were taken apart: from now on something is said of their components.
    TakenApart(TakenApart),
    /// Components of them were graded, got their fate, or were missing.
    Pieces {
        /// Which.
        pieces: Vec<Piece>,
    },
}

impl ReturnEvent {
    /// The first version of these events that has it.
    pub fn since(&self) -> u8 {
        match self {
            Self::TakenApart(_) | Self::Pieces { .. } => 3,
            Self::Credited { .. } | Self::Tracked { .. } => 2,
            _ => 1,
        }
    }

    /// The step it is; `None` for what follows from others, and for what carriers tell at any time.
    pub fn verb(&self) -> Option<ReturnVerb> {
        Some(match self {
            Self::Requested { .. } | Self::Replaced { .. } | Self::Credited { .. } | Self::Tracked { .. } => {
                return None;
            }
            Self::Approved { .. } => ReturnVerb::Approve,
            Self::Declined { .. } => ReturnVerb::Decline,
            Self::Cancelled { .. } => ReturnVerb::Cancel,
            Self::Expired => ReturnVerb::Expire,
            Self::Labelled { .. } => ReturnVerb::Label,
            Self::InTransit => ReturnVerb::Transit,
            Self::Received { .. } => ReturnVerb::Receive,
            Self::Inspected { .. } => ReturnVerb::Inspect,
            // What is graded alone can get its fate as well.
            Self::Disposed { .. } | Self::TakenApart(_) | Self::Pieces { .. } => ReturnVerb::Dispose,
            Self::Refunded { .. } => ReturnVerb::Refund,
            Self::Closed { .. } => ReturnVerb::Close,
        })
    }
}

/// A return.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Return {
    /// Its generated number.
    pub key: ReturnKey,
    /// The id its caller chose, if any.
    pub id: Option<Text>,
    /// Fingerprint of the request under the caller's id.
    pub fingerprint: u64,
    /// Of which order.
    pub order: OrderKey,
    /// The text by which clients name that order.
    pub order_name: Text,
    /// Currency of its amounts.
    pub currency: Currency,
    /// By which terms.
    pub terms: ReturnTerms,
    /// What.
    pub lines: Vec<ReturnLine>,
    /// What the customer gets instead.
    pub exchange: Vec<ExchangeLine>,
    /// The order that gives it to him.
    pub replacement: Option<OrderKey>,
    /// When it was approved.
    pub approved_at: Option<JournalTime>,
    /// When it expires if nothing comes.
    pub expires_at: Option<ReleaseAt>,
    /// Its parcels.
    pub labels: Vec<ReturnLabel>,
    /// Whether the goods are on their way.
    pub in_transit: bool,
    /// Money that went back, minor units of the order's currency.
    pub refunded: i64,
    /// How it ended, and why, when somebody said so.
    pub end: Option<(ReturnEnd, Option<Text>)>,
    /// When it was asked for.
    pub requested_at: JournalTime,
    /// Sequence of the record that asked for it.
    pub requested_seq: u64,
    /// When it ended.
    pub ended_at: Option<JournalTime>,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of its last record.
    pub seq: u64,
    /// Money of its order that the order of what the customer gets instead has, minor units of the order's currency. It lies
    /// beside the return in files, so that one without any is written as ever.
    #[serde(skip)]
    pub credited: i64,
    /// How much of what the customer gets instead is to be paid out of what comes back, in all, once that is not its price
    /// alone. It lies beside the return too.
    #[serde(skip)]
    pub instead: Option<i64>,
    /// What carriers told of its parcels; beside it too.
    #[serde(skip)]
    pub parcels: Parcels,
    /// Kits of it that were taken apart, each line once; beside it too.
    #[serde(skip)]
    pub kits: Vec<ApartKits>,
}

impl Return {
    /// Whether something lies beside it in files.
    pub fn has_beside(&self) -> bool {
        self.credited != 0 || self.instead.is_some() || !self.parcels.is_empty() || self.has_news()
    }

    /// Whether what lies beside it is more than the first three versions of its entry have.
    pub fn has_news(&self) -> bool {
        !self.kits.is_empty() || self.parcels.came().is_some()
    }

    /// The text by which clients name it.
    pub fn name(&self) -> String {
        self.id.as_deref().map_or_else(|| self.key.to_string(), str::to_owned)
    }

    /// Where it stands.
    pub fn status(&self) -> ReturnStatus {
        let some = |units: fn(&ReturnLine) -> u32| self.lines.iter().any(|line| units(line) > 0);
        match self.end {
            Some((ReturnEnd::Closed, _)) => ReturnStatus::Closed,
            Some((ReturnEnd::Declined, _)) => ReturnStatus::Declined,
            Some((ReturnEnd::Cancelled, _)) => ReturnStatus::Cancelled,
            Some((ReturnEnd::Expired, _)) => ReturnStatus::Expired,
            None if self.approved_at.is_none() => ReturnStatus::Requested,
            None if self.terms.is_claim => ReturnStatus::Dispositioned,
            None if !some(|line| line.received + line.missing) => match (self.in_transit, self.labels.is_empty()) {
                (true, _) => ReturnStatus::InTransit,
                (false, false) => ReturnStatus::AwaitingGoods,
                (false, true) => ReturnStatus::Approved,
            },
            None if some(ReturnLine::expected) => ReturnStatus::PartiallyReceived,
            None if some(ReturnLine::ungraded) || self.kits.iter().any(|kits| kits.holds(true)) => {
                ReturnStatus::Received
            }
            None if self.lines.iter().any(|line| !line.held.is_empty()) => ReturnStatus::Inspected,
            None if self.kits.iter().any(|kits| kits.holds(false)) => ReturnStatus::Inspected,
            None => ReturnStatus::Dispositioned,
        }
    }

    /// Whether what the customer gets instead is still to be ordered.
    pub fn owes_exchange(&self) -> bool {
        let goes_on = self.end.is_none() && self.approved_at.is_some();
        goes_on && !self.exchange.is_empty() && self.replacement.is_none()
    }

    /// Whether all of it came back.
    pub fn is_back(&self) -> bool {
        let is_whole = |kits: &ApartKits| kits.components.iter().all(|own| own.missing == 0);
        self.lines.iter().all(|line| line.received == line.quantity) && self.kits.iter().all(is_whole)
    }

    /// Units that shall come to nodes.
    pub fn expected(&self) -> impl Iterator<Item = (NodeIndex, u32)> {
        let comes = self.end.is_none() && self.approved_at.is_some() && !self.terms.is_claim;
        let lines = self.lines.iter().filter(move |line| comes && line.expected() > 0);
        lines.filter_map(|line| Some((line.node?, line.expected())))
    }

    /// All units that were neither received nor missed, by the lines of its order.
    pub fn units_expected(&self) -> Vec<LineUnits> {
        let some = self.lines.iter().filter(|line| line.expected() > 0);
        some.map(|line| LineUnits { line: line.line, quantity: line.expected() }).collect()
    }

    /// Whether nothing needs to know of it any more at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        self.ended_at.is_some_and(|at| now.0 - at.0 > RETURN_READABLE_MS)
    }

    /// The next state of a return.
    pub fn fold(
        before: Option<Self>,
        key: ReturnKey,
        version: u32,
        header: &Header,
        event: &ReturnEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |known| known.version + 1);
        if version != expected {
            return Err(LawBroken(format!("return {key}: version {version} follows {}", expected - 1)));
        }
        let mut after = match before {
            None => Self::requested(key, (header.time, header.seq), event)?,
            Some(mut known) => {
                known.take(header.time, event)?;
                if matches!(event, ReturnEvent::Received { .. }) {
                    known.open_parcels(header.wall);
                }
                known
            }
        };
        after.version = version;
        after.seq = header.seq;
        Ok(after)
    }

    /// A return as its request makes it, at an instant and a position (0 while its record is decided).
    ///
    /// # Errors
    ///
    /// The event is not a request.
    pub fn requested(key: ReturnKey, (at, seq): (JournalTime, u64), event: &ReturnEvent) -> Result<Self, LawBroken> {
        let ReturnEvent::Requested { id, fingerprint, order, order_name, currency, terms, lines, exchange } = event
        else {
            return Err(LawBroken(format!("return {key}: {event:?} does not begin it")));
        };
        Ok(Self {
            key,
            id: id.clone(),
            fingerprint: *fingerprint,
            order: *order,
            order_name: order_name.clone(),
            currency: *currency,
            terms: *terms,
            lines: lines.clone(),
            exchange: exchange.clone(),
            replacement: None,
            approved_at: None,
            expires_at: None,
            labels: Vec::new(),
            in_transit: false,
            refunded: 0,
            end: None,
            requested_at: at,
            requested_seq: seq,
            ended_at: None,
            version: 0,
            seq: 0,
            credited: 0,
            instead: None,
            parcels: Parcels::default(),
            kits: Vec::new(),
        })
    }

    /// Takes a further event, at an instant.
    pub fn take(&mut self, at: JournalTime, event: &ReturnEvent) -> Result<(), LawBroken> {
        let (key, status) = (self.key, self.status());
        let broken = |what: &str| LawBroken(format!("return {key} is {}: {what}", status.word()));
        if let Some(verb) = event.verb().filter(|verb| !status.takes(*verb)) {
            return Err(broken(&format!("cannot {}", verb.word())));
        }
        match event {
            ReturnEvent::Requested { .. } => return Err(broken("it was requested")),
            ReturnEvent::Approved { nodes, expires_at } => {
                if nodes.len() != self.lines.len() {
                    return Err(broken("every line has its node"));
                }
                self.lines.iter_mut().zip(nodes).for_each(|(line, node)| line.node = *node);
                (self.approved_at, self.expires_at) = (Some(at), *expires_at);
            }
            ReturnEvent::Declined { reason } => self.ends(at, ReturnEnd::Declined, reason.as_ref()),
            ReturnEvent::Cancelled { reason } => self.ends(at, ReturnEnd::Cancelled, reason.as_ref()),
            ReturnEvent::Expired => self.ends(at, ReturnEnd::Expired, None),
            ReturnEvent::Closed { reason } => self.ends(at, ReturnEnd::Closed, reason.as_ref()),
            ReturnEvent::Labelled { label } => self.labels.push(label.clone()),
            ReturnEvent::InTransit => self.in_transit = true,
            ReturnEvent::Received { parts } => {
                parts.iter().try_for_each(|part| self.receive(part))?;
            }
            ReturnEvent::Inspected { parts } => parts.iter().try_for_each(|part| self.inspect(part))?,
            ReturnEvent::Disposed { parts } => parts.iter().try_for_each(|part| self.dispose(part))?,
            ReturnEvent::Refunded { amount } => {
                self.refunded = self.refunded.checked_add(*amount).ok_or_else(|| broken("too much went back"))?;
                if *amount <= 0 || self.refunded > self.refundable() {
                    return Err(broken(&format!("{} of {} went back", self.refunded, self.refundable())));
                }
            }
            ReturnEvent::Credited { amount, instead } => {
                self.instead = Some(*instead);
                self.credited = self.credited.checked_add(*amount).ok_or_else(|| broken("too much went over"))?;
                let worth = self.worth_of(|line| line.quantity);
                if self.replacement.is_none() || self.credited < 0 || self.credited > worth {
                    return Err(broken(&format!("{} of {worth} went over", self.credited)));
                }
            }
            ReturnEvent::Replaced { order } => {
                if !self.owes_exchange() {
                    return Err(broken("nothing is to be given instead"));
                }
                self.replacement = Some(*order);
            }
            ReturnEvent::Tracked { label, scans, estimated_at } => self.track(*label, scans, *estimated_at)?,
            ReturnEvent::TakenApart(apart) => self.take_apart(apart)?,
            ReturnEvent::Pieces { pieces } => pieces.iter().try_for_each(|piece| self.say_of_piece(piece))?,
        }
        Ok(())
    }

    fn ends(&mut self, at: JournalTime, end: ReturnEnd, reason: Option<&Text>) {
        (self.end, self.ended_at) = (Some((end, reason.cloned())), Some(at));
    }

    pub(super) fn line_mut(&mut self, line: u16) -> Result<&mut ReturnLine, LawBroken> {
        let key = self.key;
        self.lines.get_mut(usize::from(line)).ok_or_else(|| LawBroken(format!("return {key} has no line {line}")))
    }

    fn receive(&mut self, part: &Part) -> Result<(), LawBroken> {
        let (key, line) = (self.key, self.line_mut(part.line)?);
        if part.units == 0 || part.units > line.expected() {
            return Err(LawBroken(format!("return {key}: {} units of {} cannot come", part.units, line.id)));
        }
        if part.is_missing() {
            line.missing += part.units;
            return Ok(());
        }
        line.received += part.units;
        match (part.condition, part.disposition) {
            (Some(condition), Some(disposition)) => line.settle(part, condition, disposition),
            (condition, None) => line.hold(part.node, condition, part.units),
            (None, Some(_)) => return Err(LawBroken(format!("return {key}: what is not graded has no fate"))),
        }
        Ok(())
    }

    fn inspect(&mut self, part: &Part) -> Result<(), LawBroken> {
        let line = self.line_mut(part.line)?;
        line.release(part.node, None, part.units)?;
        match (part.condition, part.disposition) {
            (Some(condition), Some(disposition)) => line.settle(part, condition, disposition),
            (condition, _) => line.hold(part.node, condition, part.units),
        }
        Ok(())
    }

    fn dispose(&mut self, part: &Part) -> Result<(), LawBroken> {
        let line = self.line_mut(part.line)?;
        line.release(part.node, part.condition, part.units)?;
        match (part.condition, part.disposition) {
            (Some(condition), Some(disposition)) => line.settle(part, condition, disposition),
            _ => return Err(LawBroken(format!("{part:?} says nothing"))),
        }
        Ok(())
    }
}
