//! Exceptions: cases that somebody should look at. What goes wrong with a thing is one case as long as it is open, however
//! often it happens; it opens anew when it happens after it was resolved.
//!
//! ```text
//! (raised) ─► open ─assign─► assigned ─resolve─► resolved ─raised again─► open
//!               └──────────resolve───────────────▲
//! ```
//! A case that nobody resolves by its due time is escalated: its severity rises and it gets another due time, so often as
//! [`ESCALATIONS_MAX`] says. One that stands no longer, because its own remedy worked, is resolved by the clock.
//!
//! What is *not* here: who raises them, and who looks whether they still stand (the engine).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{
    FulfillmentKey, InboundKey, NodeIndex, OrderKey, ReturnKey, SkuIndex, SubscriptionKey, Text, TransferKey,
};
use super::limits::EXCEPTION_READABLE_MS;
use super::record::Header;
use super::stock::{CellKey, LawBroken};
use super::time::JournalTime;

/// How often a case is escalated at most.
pub const ESCALATIONS_MAX: u8 = 3;

/// What went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ExceptionKind {
    /// Orders wait for a sku that should have been there.
    StockOut,
    /// Nobody can be found for units that a node gave back.
    Unroutable,
    /// A node did not find what it should have had.
    ShortPick,
    /// A correction left less at a cell than was promised.
    Shortfall,
    /// A node did not answer in time.
    NoResponse,
    /// The place a customer wanted to come to will not do it.
    PickupRefused,
    /// Supply did not come at its time.
    LateSupply,
    /// A hold stands for longer than its kind should.
    HoldOverdue,
    /// A level fell below its threshold.
    LowStock,
    /// A transfer brought other units than were sent.
    TransferVariance,
    /// A shipment is past the date its carrier told, or a parcel that comes back past its usual time.
    DeliveryLate,
    /// Nobody has seen a shipment for too long.
    ShipmentLost,
    /// A carrier could not deliver.
    DeliveryMissed,
    /// A shipment comes back.
    ReturnedToSender,
    /// A node is switched off that has something under way.
    NodeClosed,
    /// Somebody tried to get what is ready with other codes than its own.
    WrongCodes,
    /// A carrier was here for the last time of a day and did not take parcels he should have.
    NotHandedOver,
    /// What a customer comes for is not ready by the instant he was told.
    ReadyLate,
    /// The order of a subscription's period could not be placed.
    SubscriptionFailed,
    /// A node took on work, or was brought what comes back, and has not gone on with it for too long.
    WorkLate,
    /// What a customer is to get instead of what he returns cannot be ordered.
    ExchangeFailed,
    /// What a customer was to get instead is not paid for by what came back.
    ExchangeUnpaid,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Severity {
    /// Somebody should know.
    Low,
    /// Somebody should look.
    Medium,
    /// A customer will notice.
    High,
    /// A customer has noticed.
    Critical,
}

impl Severity {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }
}

impl ExceptionKind {
    /// Every kind.
    pub const ALL: [Self; 22] = [
        Self::StockOut,
        Self::Unroutable,
        Self::ShortPick,
        Self::Shortfall,
        Self::NoResponse,
        Self::PickupRefused,
        Self::LateSupply,
        Self::HoldOverdue,
        Self::LowStock,
        Self::TransferVariance,
        Self::DeliveryLate,
        Self::ShipmentLost,
        Self::DeliveryMissed,
        Self::ReturnedToSender,
        Self::NodeClosed,
        Self::WrongCodes,
        Self::NotHandedOver,
        Self::ReadyLate,
        Self::SubscriptionFailed,
        Self::WorkLate,
        Self::ExchangeFailed,
        Self::ExchangeUnpaid,
    ];

    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::StockOut => "stock_out",
            Self::Unroutable => "unroutable",
            Self::ShortPick => "short_pick",
            Self::Shortfall => "shortfall",
            Self::NoResponse => "no_response",
            Self::PickupRefused => "pickup_refused",
            Self::LateSupply => "late_supply",
            Self::HoldOverdue => "hold_overdue",
            Self::LowStock => "low_stock",
            Self::TransferVariance => "transfer_variance",
            Self::DeliveryLate => "delivery_late",
            Self::ShipmentLost => "shipment_lost",
            Self::DeliveryMissed => "delivery_missed",
            Self::ReturnedToSender => "returned_to_sender",
            Self::NodeClosed => "node_closed",
            Self::WrongCodes => "wrong_codes",
            Self::NotHandedOver => "not_handed_over",
            Self::ReadyLate => "ready_late",
            Self::SubscriptionFailed => "subscription_failed",
            Self::WorkLate => "work_late",
            Self::ExchangeFailed => "exchange_failed",
            Self::ExchangeUnpaid => "exchange_unpaid",
        }
    }

    /// How bad it is when it is raised.
    pub fn severity(self) -> Severity {
        match self {
            Self::LowStock | Self::ShortPick | Self::NoResponse => Severity::Low,
            Self::HoldOverdue | Self::LateSupply | Self::TransferVariance | Self::DeliveryLate => Severity::Medium,
            Self::NotHandedOver | Self::ReadyLate | Self::SubscriptionFailed | Self::WorkLate => Severity::Medium,
            Self::StockOut | Self::Unroutable | Self::Shortfall | Self::ShipmentLost => Severity::High,
            Self::DeliveryMissed | Self::ReturnedToSender | Self::NodeClosed | Self::WrongCodes => Severity::High,
            Self::ExchangeFailed | Self::ExchangeUnpaid => Severity::High,
            Self::PickupRefused => Severity::Critical,
        }
    }

    /// How long it may stay open before it is escalated, seconds.
    pub fn due_s(self) -> u64 {
        const HOUR: u64 = 3_600;
        match self {
            Self::PickupRefused | Self::WrongCodes | Self::ReadyLate => HOUR,
            Self::Unroutable | Self::Shortfall | Self::NoResponse | Self::DeliveryMissed | Self::NodeClosed => 4 * HOUR,
            Self::StockOut | Self::ShortPick | Self::LateSupply | Self::HoldOverdue | Self::WorkLate => 24 * HOUR,
            Self::SubscriptionFailed | Self::ExchangeFailed => 4 * HOUR,
            Self::NotHandedOver => 12 * HOUR,
            Self::DeliveryLate | Self::ShipmentLost | Self::ReturnedToSender | Self::ExchangeUnpaid => 24 * HOUR,
            Self::LowStock | Self::TransferVariance => 72 * HOUR,
        }
    }

    /// What is done about it without anybody, whatever it is about.
    fn remedy(self) -> &'static str {
        match self {
            Self::StockOut => "orders wait and are filled by the next units that come",
            Self::Unroutable => "the units wait and are tried again when units come to any node",
            Self::ShortPick => "the missing units are sourced again elsewhere",
            Self::Shortfall => "the next units that come to the cell pay what it owes",
            Self::NoResponse => "the node is not asked again for the order, and the units are sourced elsewhere",
            Self::PickupRefused => "the units wait until the order is sourced again or cancelled",
            Self::LateSupply => "who waits for it is shown its date; the receipt serves them",
            Self::HoldOverdue => "the order waits until the hold is released",
            Self::LowStock => "none: it is resolved when the level is back",
            Self::TransferVariance => "the difference is written down",
            Self::DeliveryLate => "it is resolved when it is delivered, or the carrier tells another date",
            Self::ShipmentLost => "it is resolved when its carrier sees it again",
            Self::DeliveryMissed => "carriers try again: it is resolved when it moves on",
            Self::NodeClosed => "none: it is finished or stopped at the node, or the node is switched on again",
            Self::NotHandedOver => "it is resolved when the parcels leave, or do not leave any more",
            Self::WrongCodes => "nothing is handed over until it is resolved",
            Self::ReadyLate => "it is resolved when it is ready, or nobody comes for it any more",
            Self::SubscriptionFailed => {
                "the order is tried again, then its period is skipped; resolved with the next order"
            }
            Self::WorkLate => "it is resolved when the node goes on with it, or it is cancelled or moved",
            Self::ExchangeFailed => "it is tried again every minute",
            Self::ExchangeUnpaid => "what did not leave yet waits until it is paid for, released or cancelled",
            Self::ReturnedToSender => "none: somebody has to ask the customer and take the goods back",
        }
    }
}

/// What it is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Subject {
    /// An order.
    Order(OrderKey),
    /// A fulfilment order.
    Fulfillment(FulfillmentKey),
    /// A hold of an order, by number.
    Hold(OrderKey, u16),
    /// A sku.
    Sku(SkuIndex),
    /// A cell.
    Cell(CellKey),
    /// A document of inbound supply.
    Inbound(InboundKey),
    /// A transfer.
    Transfer(TransferKey),
    /// A subscription.
    Subscription(SubscriptionKey),
    /// A parcel of a return, by the number of its label.
    Parcel(ReturnKey, u16),
}

/// Names a case: what went wrong with what.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ExceptionKey {
    /// What went wrong.
    pub kind: ExceptionKind,
    /// With what.
    pub subject: Subject,
}

impl fmt::Display for ExceptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "x-{}-", self.kind.word())?;
        match self.subject {
            Subject::Order(key) => write!(f, "{key}"),
            Subject::Fulfillment(key) => write!(f, "{key}"),
            Subject::Hold(order, number) => write!(f, "h-{number}-{order}"),
            Subject::Sku(sku) => write!(f, "s-{}", sku.0),
            Subject::Cell(cell) => write!(f, "c-{}-{}", cell.sku.0, cell.node.0),
            Subject::Inbound(key) => write!(f, "{key}"),
            Subject::Transfer(key) => write!(f, "{key}"),
            Subject::Subscription(key) => write!(f, "u-{key}"),
            Subject::Parcel(returned, label) => write!(f, "p-{label}-{returned}"),
        }
    }
}

impl ExceptionKey {
    /// What is done about it without anybody: with a parcel on its way back another thing than with one on its way out.
    pub fn remedy(self) -> &'static str {
        match (self.kind, self.subject) {
            (ExceptionKind::ReturnedToSender, Subject::Parcel(..)) => {
                "none: the customer has it again; it is sent another way, or its return is cancelled"
            }
            (ExceptionKind::WorkLate, Subject::Parcel(..)) => {
                "it is resolved when its units are received, or none are expected any more"
            }
            (kind, _) => kind.remedy(),
        }
    }

    /// Reads the text form; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, about) = text.strip_prefix("x-")?.split_once('-')?;
        let kind = ExceptionKind::ALL.into_iter().find(|kind| kind.word() == word)?;
        let subject = match about.split_once('-')? {
            ("o", _) => Subject::Order(OrderKey::parse(about)?),
            ("f", _) => Subject::Fulfillment(FulfillmentKey::parse(about)?),
            ("i", _) => Subject::Inbound(InboundKey::parse(about)?),
            ("h", rest) => {
                let (number, order) = rest.split_once('-')?;
                Subject::Hold(OrderKey::parse(order)?, number.parse().ok()?)
            }
            ("s", sku) => Subject::Sku(SkuIndex(sku.parse().ok()?)),
            ("c", rest) => {
                let (sku, node) = rest.split_once('-')?;
                Subject::Cell(CellKey { sku: SkuIndex(sku.parse().ok()?), node: NodeIndex(node.parse().ok()?) })
            }
            ("u", key) => Subject::Subscription(SubscriptionKey::parse(key)?),
            ("t", _) => Subject::Transfer(TransferKey::parse(about)?),
            ("p", rest) => {
                let (label, returned) = rest.split_once('-')?;
                Subject::Parcel(ReturnKey::parse(returned)?, label.parse().ok()?)
            }
            _ => return None,
        };
        let key = Self { kind, subject };
        (key.to_string() == text).then_some(key)
    }
}

/// What happened to a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ExceptionEvent {
    /// It happened while no case of it was open.
    Raised {
        /// Units it is about; 0 where units say nothing.
        units: u32,
        /// The order with which it came up, if one did.
        order: Option<OrderKey>,
        /// When it is escalated.
        due_at: JournalTime,
    },
    /// Somebody takes care of it.
    Assigned {
        /// Who.
        owner: Text,
    },
    /// Nobody resolved it in time.
    Escalated {
        /// When it is escalated again.
        due_at: JournalTime,
    },
    /// It is over.
    Resolved {
        /// How.
        reason: Text,
    },
}

/// Where a case stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ExceptionStatus {
    /// Nobody takes care of it yet.
    Open,
    /// Somebody does.
    Assigned,
    /// It is over.
    Resolved,
}

impl ExceptionStatus {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Assigned => "assigned",
            Self::Resolved => "resolved",
        }
    }
}

/// How a case ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resolution {
    /// When.
    pub at: JournalTime,
    /// Who.
    pub actor: Text,
    /// How.
    pub reason: Text,
}

/// A case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exception {
    /// What went wrong with what.
    pub key: ExceptionKey,
    /// How often it was raised anew, the first time included.
    pub times: u32,
    /// Units it is about; 0 where units say nothing.
    pub units: u32,
    /// The order with which it came up, if one did.
    pub order: Option<OrderKey>,
    /// How bad it is.
    pub severity: Severity,
    /// Who takes care of it.
    pub owner: Option<Text>,
    /// When it was raised last.
    pub raised_at: JournalTime,
    /// When it is escalated; no more when `None`.
    pub due_at: Option<JournalTime>,
    /// How often it was escalated since it was raised.
    pub escalations: u8,
    /// How it ended.
    pub resolution: Option<Resolution>,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of its last record.
    pub seq: u64,
}

impl Exception {
    /// Where it stands.
    pub fn status(&self) -> ExceptionStatus {
        match (&self.resolution, &self.owner) {
            (Some(_), _) => ExceptionStatus::Resolved,
            (None, Some(_)) => ExceptionStatus::Assigned,
            (None, None) => ExceptionStatus::Open,
        }
    }

    /// Whether it is not over.
    pub fn is_open(&self) -> bool {
        self.resolution.is_none()
    }

    /// Whether nothing needs to know of it any more at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        self.resolution.as_ref().is_some_and(|end| now.0 - end.at.0 > EXCEPTION_READABLE_MS)
    }

    /// The next state of a case.
    pub fn fold(
        before: Option<Self>,
        key: ExceptionKey,
        version: u32,
        header: &Header,
        event: &ExceptionEvent,
    ) -> Result<Self, LawBroken> {
        // One that memory has forgotten begins anew, even where it is still known.
        let before = before.filter(|case| version > 1 || case.is_open());
        let expected = before.as_ref().map_or(1, |case| case.version + 1);
        if version != expected {
            return Err(LawBroken(format!("exception {key}: version {version} follows {}", expected - 1)));
        }
        let is_open = before.as_ref().is_some_and(Self::is_open);
        let mut case = match (before, event) {
            (before, ExceptionEvent::Raised { units, order, due_at }) if !is_open => Self {
                key,
                times: before.map_or(1, |case| case.times.saturating_add(1)),
                units: *units,
                order: *order,
                severity: key.kind.severity(),
                owner: None,
                raised_at: header.time,
                due_at: Some(*due_at),
                escalations: 0,
                resolution: None,
                version: 0,
                seq: 0,
            },
            (Some(case), event) if is_open => case.after(header, event)?,
            (before, event) => {
                return Err(LawBroken(format!("exception {key} ({}): cannot take {event:?}", before.is_some())));
            }
        };
        case.version = version;
        case.seq = header.seq;
        Ok(case)
    }

    fn after(mut self, header: &Header, event: &ExceptionEvent) -> Result<Self, LawBroken> {
        match event {
            ExceptionEvent::Raised { .. } => return Err(LawBroken(format!("exception {} is open", self.key))),
            ExceptionEvent::Assigned { owner } => self.owner = Some(owner.clone()),
            ExceptionEvent::Escalated { due_at } => {
                if self.escalations == ESCALATIONS_MAX {
                    return Err(LawBroken(format!("exception {} was escalated often enough", self.key)));
                }
                self.escalations += 1;
                self.severity = self.severity.next();
                self.due_at = (self.escalations < ESCALATIONS_MAX).then_some(*due_at);
            }
            ExceptionEvent::Resolved { reason } => {
                let (at, actor, reason) = (header.time, header.actor.clone(), reason.clone());
                self.resolution = Some(Resolution { at, actor, reason });
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_from_its_text() {
        let cell = CellKey { sku: SkuIndex(7), node: NodeIndex(0) };
        for subject in [
            Subject::Order(OrderKey(99)),
            Subject::Fulfillment(FulfillmentKey { order: OrderKey(1 << 60), number: 3 }),
            Subject::Hold(OrderKey(5), 2),
            Subject::Sku(SkuIndex(0)),
            Subject::Cell(cell),
            Subject::Inbound(InboundKey(12)),
            Subject::Transfer(TransferKey(4)),
            Subject::Parcel(ReturnKey(1 << 60), 2),
        ] {
            for kind in ExceptionKind::ALL {
                let key = ExceptionKey { kind, subject };
                assert_eq!(ExceptionKey::parse(&key.to_string()), Some(key), "{key}");
            }
        }
        for text in ["x-stock_out-s-07", "x-stock_out-q-7", "x-none-s-7", "s-7", "x-stock_out"] {
            assert_eq!(ExceptionKey::parse(text), None, "{text}");
        }
    }
}
