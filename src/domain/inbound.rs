//! Inbound supply: units that a document says will come to a node, when, and what of them has come.
//!
//! ```text
//! expected ─receipt─► partially_received ─receipt of the rest─► received
//!     └─cancel─► cancelled        └─cancel─► closed
//! ```
//! What was *bought* for demand that waits is one like any other, that the engine announces and lowers.
//! More than was announced may come; what was not announced of a sku may not. What has not come counts as incoming until
//! the document ends. An expected date that has passed makes it *late*: read off the clock, not stored.
//!
//! What is *not* here: stock. A receipt moves it with events of its own in the same record.

use serde::{Deserialize, Serialize};

use super::ids::{InboundKey, NodeIndex, OrderKey, SkuIndex, Text, TransferKey};
use super::limits::INBOUND_READABLE_MS;
use super::record::Header;
use super::stock::LawBroken;
use super::time::{JournalTime, WallTime};

/// Units of one sku on a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InboundLine {
    /// What.
    pub sku: SkuIndex,
    /// Units announced.
    pub expected: u32,
    /// Units that came.
    pub received: u32,
}

impl InboundLine {
    /// Units that have not come.
    pub fn open(&self) -> u32 {
        self.expected.saturating_sub(self.received)
    }
}

/// Where a document stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum InboundStatus {
    /// Nothing has come.
    Expected,
    /// Some has come.
    PartiallyReceived,
    /// All has come.
    Received,
    /// Some came, the rest will not.
    Closed,
    /// Nothing came, and nothing will.
    Cancelled,
}

impl InboundStatus {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::PartiallyReceived => "partially_received",
            Self::Received => "received",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether more may come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Expected | Self::PartiallyReceived)
    }
}

/// What happened to a document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum InboundEvent {
    /// It was announced.
    Announced {
        /// The id its caller chose, if any.
        id: Option<Text>,
        /// Fingerprint of the request under the caller's id.
        fingerprint: u64,
        /// Where it comes to.
        node: NodeIndex,
        /// From whom, in the caller's words.
        supplier: Option<Text>,
        /// When.
        eta: WallTime,
        /// What: each sku once.
        lines: Vec<(SkuIndex, u32)>,
    },
    /// It will come at another time.
    Redated {
        /// When.
        eta: WallTime,
    },
    /// Units came.
    Received {
        /// Which: position of the line, units.
        lines: Vec<(u16, u32)>,
    },
    /// What has not come will not.
    Ended {
        /// Why, when somebody said so.
        reason: Option<Text>,
    },
    /// It was bought for demand that waits.
    Bought {
        /// Where it comes to.
        node: NodeIndex,
        /// From whom, in the caller's words.
        supplier: Option<Text>,
        /// When it was bought.
        at: WallTime,
        /// When it comes.
        eta: WallTime,
        /// What: each sku once.
        lines: Vec<(SkuIndex, u32)>,
    },
    /// Units that have not come are not wanted any more; with the last of them it ends.
    Lowered {
        /// Which: position of the line, units.
        lines: Vec<(u16, u32)>,
    },
}

/// A document of inbound supply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Inbound {
    /// Its generated number.
    pub key: InboundKey,
    /// The id its caller chose, if any.
    pub id: Option<Text>,
    /// Fingerprint of the request under the caller's id.
    pub fingerprint: u64,
    /// Where it comes to.
    pub node: NodeIndex,
    /// From whom, in the caller's words.
    pub supplier: Option<Text>,
    /// When.
    pub eta: WallTime,
    /// What.
    pub lines: Vec<InboundLine>,
    /// Whether the rest was called off.
    pub ended: bool,
    /// When it was announced.
    pub announced_at: JournalTime,
    /// Sequence of the record that announced it.
    pub announced_seq: u64,
    /// When the last of it came, or the rest was called off.
    pub ended_at: Option<JournalTime>,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of its last record.
    pub seq: u64,
    /// When it was bought for demand that waits, if it was.
    pub bought_at: Option<WallTime>,
}

impl Inbound {
    /// The text by which clients name it.
    pub fn name(&self) -> String {
        self.id.as_deref().map_or_else(|| self.key.to_string(), str::to_owned)
    }

    /// Where it stands.
    pub fn status(&self) -> InboundStatus {
        let any = self.lines.iter().any(|line| line.received > 0);
        let all = self.lines.iter().all(|line| line.open() == 0);
        match (self.ended, any, all) {
            (_, true, true) => InboundStatus::Received,
            (true, true, false) => InboundStatus::Closed,
            (true, false, _) => InboundStatus::Cancelled,
            (false, true, false) => InboundStatus::PartiallyReceived,
            (false, false, _) => InboundStatus::Expected,
        }
    }

    /// What of it comes, and when.
    pub fn coming(&self) -> impl Iterator<Item = (SkuIndex, Coming)> {
        let open = self.status().is_open();
        let lines = self.lines.iter().filter(move |line| open && line.open() > 0);
        lines.map(|line| {
            let document = SupplyKey::Inbound(self.key);
            (line.sku, Coming { at: self.eta, document, node: self.node, units: line.open() })
        })
    }

    /// Whether nothing needs to know of it any more at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        self.ended_at.is_some_and(|at| now.0 - at.0 > INBOUND_READABLE_MS)
    }

    /// The next state of a document.
    pub fn fold(
        before: Option<Self>,
        key: InboundKey,
        version: u32,
        header: &Header,
        event: &InboundEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |inbound| inbound.version + 1);
        if version != expected {
            return Err(LawBroken(format!("inbound {key}: version {version} follows {}", expected - 1)));
        }
        let mut inbound = match (before, event) {
            (None, InboundEvent::Announced { id, fingerprint, node, supplier, eta, lines }) => Self {
                id: id.clone(),
                fingerprint: *fingerprint,
                ..Self::begun(key, header, (*node, supplier, *eta), lines)
            },
            (None, InboundEvent::Bought { node, supplier, at, eta, lines }) => {
                Self { bought_at: Some(*at), ..Self::begun(key, header, (*node, supplier, *eta), lines) }
            }
            (Some(inbound), event) if inbound.status().is_open() => inbound.after(event)?,
            (before, event) => {
                return Err(LawBroken(format!("inbound {key} ({}): cannot take {event:?}", before.is_some())));
            }
        };
        if !inbound.status().is_open() {
            inbound.ended_at = Some(header.time);
        }
        inbound.version = version;
        inbound.seq = header.seq;
        Ok(inbound)
    }

    fn begun(
        key: InboundKey,
        header: &Header,
        (node, supplier, eta): (NodeIndex, &Option<Text>, WallTime),
        lines: &[(SkuIndex, u32)],
    ) -> Self {
        Self {
            key,
            id: None,
            fingerprint: 0,
            node,
            supplier: supplier.clone(),
            eta,
            lines: lines.iter().map(|&(sku, expected)| InboundLine { sku, expected, received: 0 }).collect(),
            ended: false,
            announced_at: header.time,
            announced_seq: header.seq,
            ended_at: None,
            version: 0,
            seq: 0,
            bought_at: None,
        }
    }

    fn after(mut self, event: &InboundEvent) -> Result<Self, LawBroken> {
        match event {
            InboundEvent::Announced { .. } | InboundEvent::Bought { .. } => {
                return Err(LawBroken(format!("inbound {} was announced", self.key)));
            }
            InboundEvent::Lowered { lines } => {
                for (at, units) in lines {
                    let key = self.key;
                    let line = self.lines.get_mut(usize::from(*at)).filter(|line| line.open() >= *units);
                    let line =
                        line.ok_or_else(|| LawBroken(format!("inbound {key} has too little open in line {at}")))?;
                    line.expected -= units;
                }
                self.ended = self.lines.iter().all(|line| line.open() == 0);
            }
            InboundEvent::Redated { eta } => self.eta = *eta,
            InboundEvent::Ended { .. } => self.ended = true,
            InboundEvent::Received { lines } => {
                for (at, units) in lines {
                    let key = self.key;
                    let line = self.lines.get_mut(usize::from(*at));
                    let line = line.ok_or_else(|| LawBroken(format!("inbound {key} has no line {at}")))?;
                    let received = line.received.checked_add(*units);
                    line.received = received.ok_or_else(|| LawBroken(format!("inbound {key}: too much came")))?;
                }
            }
        }
        Ok(self)
    }
}

/// A document of supply.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum SupplyKey {
    /// From outside.
    Inbound(InboundKey),
    /// From another node.
    Transfer(TransferKey),
}

/// Units of a sku that will come: when, from which document, where.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Coming {
    /// When.
    pub at: WallTime,
    /// The document.
    pub document: SupplyKey,
    /// Where.
    pub node: NodeIndex,
    /// How many, at least 1.
    pub units: u32,
}

impl Coming {
    /// The date of what comes nobody knows when.
    pub const SOME_DAY: WallTime = WallTime(i64::MAX);
}

/// Units of a waiting line, and what they wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peg {
    /// Who waits.
    pub order: OrderKey,
    /// Position of the line.
    pub line: u16,
    /// For what.
    pub sku: SkuIndex,
    /// How many.
    pub units: u32,
    /// What they wait for; nothing that is known of when `None`.
    pub supply: Option<Coming>,
}
