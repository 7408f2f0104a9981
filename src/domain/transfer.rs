//! Transfers: units that go from one node to another.
//!
//! ```text
//! draft ─ready─► ready ─dispatch─► in_transit ─receipt─► partially_received ─receipt of the rest, or close─► received
//!   └─cancel──────┴─cancel─► cancelled   └─close─► received
//! ```
//! A draft promises nothing and moves nothing. From ready on the units are promised at the origin and incoming at the
//! destination, so that nobody sells them twice; from dispatch on they are at neither. A receipt may bring more than was
//! sent, and a transfer may be closed with less: the difference of each line is its *variance*, kept with it.
//!
//! What is *not* here: stock. Each step moves it with events of its own in the same record.

use serde::{Deserialize, Serialize};

use super::ids::{NodeIndex, SkuIndex, Text, TransferKey};
use super::inbound::{Coming, SupplyKey};
use super::limits::INBOUND_READABLE_MS;
use super::record::Header;
use super::stock::{CellKey, LawBroken};
use super::time::{JournalTime, WallTime};

/// Units of one sku on a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TransferLine {
    /// What.
    pub sku: SkuIndex,
    /// Units that go.
    pub quantity: u32,
    /// Units that came.
    pub received: u32,
}

impl TransferLine {
    /// Units that have not come.
    pub fn open(&self) -> u32 {
        self.quantity.saturating_sub(self.received)
    }

    /// Units that came beyond those that went; negative when some are missing.
    pub fn variance(&self) -> i64 {
        i64::from(self.received) - i64::from(self.quantity)
    }
}

/// Where a transfer stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransferStatus {
    /// It is planned: nothing is promised.
    Draft,
    /// Its units are promised at the origin.
    Ready,
    /// They are on the road, and nothing has come.
    InTransit,
    /// Some have come.
    PartiallyReceived,
    /// All that will come has come.
    Received,
    /// It was called off before anything left.
    Cancelled,
}

/// What can be done to a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransferVerb {
    /// Give it another date.
    Redate,
    /// Promise the units of a draft.
    Ready,
    /// Send it off.
    Dispatch,
    /// Take in what came, or say that no more will.
    Receive,
    /// Call it off.
    Cancel,
}

impl TransferVerb {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Redate => "redate",
            Self::Ready => "ready",
            Self::Dispatch => "dispatch",
            Self::Receive => "receive",
            Self::Cancel => "cancel",
        }
    }
}

impl TransferStatus {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Ready => "ready",
            Self::InTransit => "in_transit",
            Self::PartiallyReceived => "partially_received",
            Self::Received => "received",
            Self::Cancelled => "cancelled",
        }
    }

    /// What can be done now.
    pub fn legal(self) -> &'static [TransferVerb] {
        match self {
            Self::Draft => &[TransferVerb::Redate, TransferVerb::Ready, TransferVerb::Cancel],
            Self::Ready => &[TransferVerb::Redate, TransferVerb::Dispatch, TransferVerb::Cancel],
            Self::InTransit | Self::PartiallyReceived => &[TransferVerb::Redate, TransferVerb::Receive],
            Self::Received | Self::Cancelled => &[],
        }
    }

    /// Whether more may come.
    pub fn is_open(self) -> bool {
        !self.legal().is_empty()
    }
}

/// What happened to a transfer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TransferEvent {
    /// It was made; its units are promised at the origin.
    Readied {
        /// The id its caller chose, if any.
        id: Option<Text>,
        /// Fingerprint of the request under the caller's id.
        fingerprint: u64,
        /// Where it goes from.
        from: NodeIndex,
        /// Where it goes to.
        to: NodeIndex,
        /// When it comes, if that is known.
        eta: Option<WallTime>,
        /// What: each sku once.
        lines: Vec<(SkuIndex, u32)>,
    },
    /// It will come at another time.
    Redated {
        /// When.
        eta: WallTime,
    },
    /// It left.
    Dispatched,
    /// Units came.
    Received {
        /// Which: position of the line, units.
        lines: Vec<(u16, u32)>,
    },
    /// What has not come will not.
    Closed,
    /// It will not leave.
    Cancelled {
        /// Why, when somebody said so.
        reason: Option<Text>,
    },
    /// It was planned; nothing is promised for it.
    Drafted {
        /// The id its caller chose, if any.
        id: Option<Text>,
        /// Fingerprint of the request under the caller's id.
        fingerprint: u64,
        /// Where it goes from.
        from: NodeIndex,
        /// Where it goes to.
        to: NodeIndex,
        /// When it comes, if that is known.
        eta: Option<WallTime>,
        /// What: each sku once.
        lines: Vec<(SkuIndex, u32)>,
    },
    /// The units of a draft are promised at the origin.
    Promised,
}

/// A transfer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Transfer {
    /// Its generated number.
    pub key: TransferKey,
    /// The id its caller chose, if any.
    pub id: Option<Text>,
    /// Fingerprint of the request under the caller's id.
    pub fingerprint: u64,
    /// Where it goes from.
    pub from: NodeIndex,
    /// Where it goes to.
    pub to: NodeIndex,
    /// When it comes, if that is known.
    pub eta: Option<WallTime>,
    /// What.
    pub lines: Vec<TransferLine>,
    /// When it left.
    pub dispatched_at: Option<JournalTime>,
    /// Whether the rest will not come, or all of it was called off.
    pub ended: bool,
    /// When it was made.
    pub made_at: JournalTime,
    /// Sequence of the record that made it.
    pub made_seq: u64,
    /// When the last of it came, or it was called off.
    pub ended_at: Option<JournalTime>,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of its last record.
    pub seq: u64,
    /// Whether it is planned and no more. Its bytes say so by their version.
    #[serde(skip)]
    pub is_draft: bool,
}

impl Transfer {
    /// The text by which clients name it.
    pub fn name(&self) -> String {
        self.id.as_deref().map_or_else(|| self.key.to_string(), str::to_owned)
    }

    /// Where it stands.
    pub fn status(&self) -> TransferStatus {
        let any = self.lines.iter().any(|line| line.received > 0);
        let all = self.lines.iter().all(|line| line.open() == 0);
        match (self.dispatched_at.is_some(), self.ended) {
            (false, false) if self.is_draft => TransferStatus::Draft,
            (false, false) => TransferStatus::Ready,
            (false, true) => TransferStatus::Cancelled,
            (true, ended) if ended || all => TransferStatus::Received,
            (true, _) if any => TransferStatus::PartiallyReceived,
            (true, _) => TransferStatus::InTransit,
        }
    }

    /// Units that are promised at the origin for it.
    pub fn committed(&self) -> impl Iterator<Item = (CellKey, u32)> {
        let ready = self.status() == TransferStatus::Ready;
        let lines = self.lines.iter().filter(move |_| ready);
        lines.map(|line| (CellKey { sku: line.sku, node: self.from }, line.quantity))
    }

    /// Whether its units, or some of them, are to come: it is neither a draft nor over.
    pub fn is_expected(&self) -> bool {
        let status = self.status();
        status.is_open() && status != TransferStatus::Draft
    }

    /// What of it comes to its destination, and when. Without a date: later than anything that has one.
    pub fn coming(&self) -> impl Iterator<Item = (SkuIndex, Coming)> {
        let comes = self.is_expected();
        let at = self.eta.unwrap_or(Coming::SOME_DAY);
        let lines = self.lines.iter().filter(move |line| comes && line.open() > 0);
        lines.map(move |line| {
            let document = SupplyKey::Transfer(self.key);
            (line.sku, Coming { at, document, node: self.to, units: line.open() })
        })
    }

    /// Whether nothing needs to know of it any more at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        self.ended_at.is_some_and(|at| now.0 - at.0 > INBOUND_READABLE_MS)
    }

    /// The next state of a transfer.
    pub fn fold(
        before: Option<Self>,
        key: TransferKey,
        version: u32,
        header: &Header,
        event: &TransferEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |transfer| transfer.version + 1);
        if version != expected {
            return Err(LawBroken(format!("transfer {key}: version {version} follows {}", expected - 1)));
        }
        let mut transfer = match (before, event) {
            (
                None,
                made @ (TransferEvent::Readied { id, fingerprint, from, to, eta, lines }
                | TransferEvent::Drafted { id, fingerprint, from, to, eta, lines }),
            ) => Self {
                key,
                id: id.clone(),
                fingerprint: *fingerprint,
                from: *from,
                to: *to,
                eta: *eta,
                lines: lines.iter().map(|&(sku, quantity)| TransferLine { sku, quantity, received: 0 }).collect(),
                dispatched_at: None,
                ended: false,
                made_at: header.time,
                made_seq: header.seq,
                ended_at: None,
                version: 0,
                seq: 0,
                is_draft: matches!(made, TransferEvent::Drafted { .. }),
            },
            (Some(transfer), event) => transfer.after(header, event)?,
            (None, event) => return Err(LawBroken(format!("transfer {key} is not there: cannot take {event:?}"))),
        };
        if !transfer.status().is_open() {
            transfer.ended_at = Some(header.time);
        }
        transfer.version = version;
        transfer.seq = header.seq;
        Ok(transfer)
    }

    fn after(mut self, header: &Header, event: &TransferEvent) -> Result<Self, LawBroken> {
        let verb = match event {
            TransferEvent::Readied { .. } | TransferEvent::Drafted { .. } => {
                return Err(LawBroken(format!("transfer {} was made before", self.key)));
            }
            TransferEvent::Promised => TransferVerb::Ready,
            TransferEvent::Redated { .. } => TransferVerb::Redate,
            TransferEvent::Dispatched => TransferVerb::Dispatch,
            TransferEvent::Received { .. } | TransferEvent::Closed => TransferVerb::Receive,
            TransferEvent::Cancelled { .. } => TransferVerb::Cancel,
        };
        let (key, status) = (self.key, self.status());
        if !status.legal().contains(&verb) {
            return Err(LawBroken(format!("transfer {key} is {}: cannot take {event:?}", status.word())));
        }
        match event {
            TransferEvent::Readied { .. } | TransferEvent::Drafted { .. } => {}
            TransferEvent::Promised => self.is_draft = false,
            TransferEvent::Redated { eta } => self.eta = Some(*eta),
            TransferEvent::Dispatched => self.dispatched_at = Some(header.time),
            TransferEvent::Closed | TransferEvent::Cancelled { .. } => self.ended = true,
            TransferEvent::Received { lines } => {
                for (at, units) in lines {
                    let line = self.lines.get_mut(usize::from(*at));
                    let line = line.ok_or_else(|| LawBroken(format!("transfer {key} has no line {at}")))?;
                    let received = line.received.checked_add(*units);
                    line.received = received.ok_or_else(|| LawBroken(format!("transfer {key}: too much came")))?;
                }
            }
        }
        Ok(self)
    }
}
