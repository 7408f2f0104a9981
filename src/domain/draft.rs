//! A draft: an order that is not placed yet, and its fold.
//!
//! ```text
//! draft ─changed, held─► draft ─placed─► placed        draft ─discarded─► discarded · ─clock─► expired
//! ```
//! What it says is kept as it was said, sealed, and read again whenever it is quoted, held or placed: nothing of an order
//! is judged before it is one. Channel and customer stand beside it in the clear, as they do in an order.
//!
//! What is *not* here: the order, which is captured by the record that places the draft; the units it holds, which are an
//! ordinary reservation.

use serde::{Deserialize, Serialize};

use super::ids::{DraftKey, OrderKey, ReservationKey, Text};
use super::limits::DRAFT_READABLE_MS;
use super::order::Sealed;
use super::record::Header;
use super::reservation::Reservation;
use super::stock::LawBroken;
use super::time::JournalTime;

/// What a draft says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DraftTerms {
    /// Channel, if it is said already.
    pub channel: Option<Text>,
    /// Customer's id, if it is said already.
    pub customer: Option<Text>,
    /// How many lines it has.
    pub lines: u32,
    /// All of it, sealed at the edge.
    pub said: Sealed,
}

/// Where a draft stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum DraftStatus {
    /// It can be changed, and placed.
    Draft,
    /// It is an order.
    Placed,
    /// Somebody let it go.
    Discarded,
    /// Its time was up.
    Expired,
}

impl DraftStatus {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Placed => "placed",
            Self::Discarded => "discarded",
            Self::Expired => "expired",
        }
    }

    /// What can be done now.
    pub fn legal(self) -> &'static [&'static str] {
        match self {
            Self::Draft => &["change", "hold", "place", "discard"],
            Self::Placed | Self::Discarded | Self::Expired => &[],
        }
    }
}

/// What happened to a draft.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DraftEvent {
    /// It was begun.
    Begun {
        /// The caller's id, if any.
        id: Option<Text>,
        /// Fingerprint of the request.
        fingerprint: u64,
        /// What it says.
        terms: DraftTerms,
        /// When it ends by itself.
        expires_at: JournalTime,
    },
    /// It says something else.
    Changed {
        /// All it says now.
        terms: DraftTerms,
        /// When it ends by itself.
        expires_at: JournalTime,
    },
    /// Units were set aside for it, by the same record.
    Held {
        /// The reservation.
        reservation: ReservationKey,
    },
    /// Its order was captured, by the same record.
    Placed {
        /// The order.
        order: OrderKey,
    },
    /// Somebody let it go.
    Discarded,
    /// Its time was up.
    Expired,
}

/// A draft.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// Its generated number.
    pub key: DraftKey,
    /// The id its caller chose, if any.
    pub id: Option<Text>,
    /// Fingerprint of the request that began it under the caller's id.
    pub fingerprint: u64,
    /// What it says.
    pub terms: DraftTerms,
    /// Where it stands; past its time it counts as expired before that is written, see [`Draft::status_at`].
    pub status: DraftStatus,
    /// The last reservation that was made for it; it may have ended.
    pub reservation: Option<ReservationKey>,
    /// The order it became.
    pub order: Option<OrderKey>,
    /// When it was begun.
    pub begun_at: JournalTime,
    /// The instant at which it ends by itself.
    pub expires_at: JournalTime,
    /// When it ended.
    pub ended_at: Option<JournalTime>,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of the record that began it: a repeat under the caller's id is answered from it.
    pub begun_seq: u64,
    /// Sequence of its last record.
    pub seq: u64,
}

impl Draft {
    /// The text by which clients name it.
    pub fn name(&self) -> String {
        self.id.as_deref().map_or_else(|| self.key.to_string(), str::to_owned)
    }

    /// Whether a reservation that was made for it still is its own: not once it was handed to somebody else.
    pub fn owns(&self, reservation: &Reservation) -> bool {
        *reservation.owner == *self.name()
    }

    /// Where it stands as of `now`: past due counts as expired before the event is written.
    pub fn status_at(&self, now: JournalTime) -> DraftStatus {
        match self.status {
            DraftStatus::Draft if now >= self.expires_at => DraftStatus::Expired,
            status => status,
        }
    }

    /// Whether it may be forgotten at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        self.ended_at.is_some_and(|ended| now.0 - ended.0 > DRAFT_READABLE_MS)
    }

    /// The next state of a draft.
    pub fn fold(
        before: Option<Self>,
        key: DraftKey,
        version: u32,
        header: &Header,
        event: &DraftEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |draft| draft.version + 1);
        if version != expected {
            return Err(LawBroken(format!("draft {key}: version {version} follows {}", expected - 1)));
        }
        let after = match (before, event) {
            (None, DraftEvent::Begun { id, fingerprint, terms, expires_at }) => Self {
                key,
                id: id.clone(),
                fingerprint: *fingerprint,
                terms: terms.clone(),
                status: DraftStatus::Draft,
                reservation: None,
                order: None,
                begun_at: header.time,
                expires_at: *expires_at,
                ended_at: None,
                version,
                begun_seq: header.seq,
                seq: header.seq,
            },
            (Some(draft), event) if draft.takes(event, header.decided_at) => draft.after(event, header),
            (before, event) => {
                let status = before.map(|draft| draft.status);
                return Err(LawBroken(format!("draft {key}: {event:?} does not follow {status:?}")));
            }
        };
        Ok(Self { version, seq: header.seq, ..after })
    }

    /// Whether that may happen to it, as decided at that instant.
    fn takes(&self, event: &DraftEvent, decided_at: JournalTime) -> bool {
        let is_due = decided_at >= self.expires_at;
        self.status == DraftStatus::Draft
            && match event {
                DraftEvent::Begun { .. } => false,
                DraftEvent::Expired => is_due,
                DraftEvent::Changed { .. }
                | DraftEvent::Held { .. }
                | DraftEvent::Placed { .. }
                | DraftEvent::Discarded => !is_due,
            }
    }

    fn after(self, event: &DraftEvent, header: &Header) -> Self {
        let ended = |status| Self { status, ended_at: Some(header.time), ..self.clone() };
        match event {
            DraftEvent::Begun { .. } => unreachable!("what is there is not begun again"),
            DraftEvent::Changed { terms, expires_at } => Self { terms: terms.clone(), expires_at: *expires_at, ..self },
            DraftEvent::Held { reservation } => Self { reservation: Some(*reservation), ..self },
            DraftEvent::Placed { order } => Self { order: Some(*order), ..ended(DraftStatus::Placed) },
            DraftEvent::Discarded => ended(DraftStatus::Discarded),
            DraftEvent::Expired => ended(DraftStatus::Expired),
        }
    }
}
