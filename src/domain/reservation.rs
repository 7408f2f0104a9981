//! A reservation: units set aside for an owner until an instant, and its fold.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::{EditKey, NodeIndex, OrderKey, ReservationKey, SkuIndex, Text};
use super::limits::ENDED_READABLE_MS;
use super::record::Header;
use super::stock::LawBroken;
use super::time::JournalTime;

/// Units held at one cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Held {
    /// The sku (a component where a kit was asked for).
    pub sku: SkuIndex,
    /// Where.
    pub node: NodeIndex,
    /// How many, at least 1.
    pub quantity: u32,
}

/// Units held, by cell: each cell once, ascending. One cell is the usual case and takes no memory of its own; more are
/// shared by whoever copies them.
#[derive(Clone)]
pub enum HeldLines {
    /// At one cell.
    One(Held),
    /// At none or several.
    Many(Arc<[Held]>),
}

impl Deref for HeldLines {
    type Target = [Held];

    fn deref(&self) -> &[Held] {
        match self {
            Self::One(held) => std::slice::from_ref(held),
            Self::Many(held) => held,
        }
    }
}

impl From<Vec<Held>> for HeldLines {
    fn from(lines: Vec<Held>) -> Self {
        match *lines {
            [one] => Self::One(one),
            _ => Self::Many(lines.into()),
        }
    }
}

impl FromIterator<Held> for HeldLines {
    fn from_iter<I: IntoIterator<Item = Held>>(lines: I) -> Self {
        let mut lines = lines.into_iter();
        match (lines.next(), lines.next()) {
            (Some(one), None) => Self::One(one),
            (first, second) => Self::Many(first.into_iter().chain(second).chain(lines).collect()),
        }
    }
}

impl<'a> IntoIterator for &'a HeldLines {
    type Item = &'a Held;
    type IntoIter = std::slice::Iter<'a, Held>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for HeldLines {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for HeldLines {}

impl fmt::Debug for HeldLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The bytes of a list, whichever of the two it is.
impl Serialize for HeldLines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for HeldLines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(LinesVisitor)
    }
}

struct LinesVisitor;

impl<'de> Visitor<'de> for LinesVisitor {
    type Value = HeldLines;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of units held")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<HeldLines, A::Error> {
        let first: Option<Held> = seq.next_element()?;
        let second = if first.is_some() { seq.next_element()? } else { None };
        match (first, second) {
            (Some(one), None) => Ok(HeldLines::One(one)),
            (first, second) => {
                let mut lines: Vec<Held> = first.into_iter().chain(second).collect();
                while let Some(held) = seq.next_element()? {
                    lines.push(held);
                }
                Ok(HeldLines::Many(lines.into()))
            }
        }
    }
}

/// What has become of a reservation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ReservationState {
    /// Units are set aside, until `expires_at`.
    Held,
    /// An order took it over.
    Claimed {
        /// That order.
        order: OrderKey,
    },
    /// Its owner let it go.
    Released,
    /// Its time was up.
    Expired,
}

impl ReservationState {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Claimed { .. } => "claimed",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

/// A reservation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reservation {
    /// Its generated number.
    pub key: ReservationKey,
    /// The id its caller chose, if any.
    pub id: Option<Text>,
    /// Fingerprint of the request that made it under the caller's id.
    pub fingerprint: u64,
    /// A label.
    pub owner: Text,
    /// The channel it was made for, if any.
    pub channel: Option<Text>,
    /// The customer it was made for, if any.
    pub customer: Option<Text>,
    /// The instant at which its units are free again.
    pub expires_at: JournalTime,
    /// State.
    pub state: ReservationState,
    /// Units it holds, or held at its end; each cell once, ascending.
    pub lines: HeldLines,
    /// When it ended.
    pub ended_at: Option<JournalTime>,
    /// Version, from 1.
    pub version: u32,
    /// Sequence of the record that made it: a repeat under the caller's id is answered from it.
    pub made_seq: u64,
    /// Sequence of its last record.
    pub seq: u64,
}

/// What happened to a reservation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ReservationEvent {
    /// Units were set aside.
    Held {
        /// The caller's id, if any.
        id: Option<Text>,
        /// Fingerprint of the request.
        fingerprint: u64,
        /// A label.
        owner: Text,
        /// Channel, if any.
        channel: Option<Text>,
        /// Customer, if any.
        customer: Option<Text>,
        /// When it ends by itself.
        expires_at: JournalTime,
        /// What it holds.
        lines: HeldLines,
    },
    /// Extended, shrunk or grown.
    Changed {
        /// New end.
        expires_at: JournalTime,
        /// All it holds now.
        lines: HeldLines,
    },
    /// It ended.
    Ended {
        /// How; never `Held`.
        state: ReservationState,
    },
    /// It is somebody else's from now on.
    Transferred {
        /// The label of whose it is.
        owner: Text,
    },
}

impl Reservation {
    /// The text by which clients name it.
    pub fn name(&self) -> String {
        self.id.as_deref().map_or_else(|| self.key.to_string(), str::to_owned)
    }

    /// Whether it holds what an edit of an order needs: it changes and ends with the edit alone.
    pub fn is_of_edit(&self) -> bool {
        self.id.as_deref().is_some_and(|id| EditKey::parse(id).is_some())
    }

    /// Whether it holds its units at `now`.
    pub fn is_held_at(&self, now: JournalTime) -> bool {
        self.state == ReservationState::Held && now < self.expires_at
    }

    /// State as of `now`: past due counts as expired before the event is written.
    pub fn state_at(&self, now: JournalTime) -> ReservationState {
        match self.state {
            ReservationState::Held if now >= self.expires_at => ReservationState::Expired,
            state => state,
        }
    }

    /// Whether it may be forgotten at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        self.ended_at.is_some_and(|ended| now.0 - ended.0 > ENDED_READABLE_MS)
    }

    /// Units held of one sku.
    pub fn units_of(&self, sku: SkuIndex) -> u64 {
        self.lines.iter().filter(|held| held.sku == sku).map(|held| u64::from(held.quantity)).sum()
    }

    /// A reservation as the event that makes it has it; the event is used up.
    pub fn made(key: ReservationKey, header: &Header, event: ReservationEvent) -> Result<Self, LawBroken> {
        let ReservationEvent::Held { id, fingerprint, owner, channel, customer, expires_at, lines } = event else {
            return Err(LawBroken(format!("reservation {key}: {event:?} makes none")));
        };
        Ok(Self {
            key,
            id,
            fingerprint,
            owner,
            channel,
            customer,
            expires_at,
            state: ReservationState::Held,
            lines,
            ended_at: None,
            version: 1,
            made_seq: header.seq,
            seq: header.seq,
        })
    }

    /// The next state of a reservation.
    pub fn fold(
        before: Option<Self>,
        key: ReservationKey,
        version: u32,
        header: &Header,
        event: &ReservationEvent,
    ) -> Result<Self, LawBroken> {
        let expected = before.as_ref().map_or(1, |r| r.version + 1);
        if version != expected {
            return Err(LawBroken(format!("reservation {key}: version {version} follows {}", expected - 1)));
        }
        match (before, event) {
            (None, held @ ReservationEvent::Held { .. }) => Self::made(key, header, held.clone()),
            (Some(before), ReservationEvent::Changed { expires_at, lines }) if before.is_held_at(header.decided_at) => {
                Ok(Self { expires_at: *expires_at, lines: lines.clone(), version, seq: header.seq, ..before })
            }
            (Some(before), ReservationEvent::Transferred { owner }) if before.is_held_at(header.decided_at) => {
                Ok(Self { owner: owner.clone(), version, seq: header.seq, ..before })
            }
            (Some(before), ReservationEvent::Ended { state }) if before.state == ReservationState::Held => {
                let due = header.decided_at >= before.expires_at;
                let legal = match state {
                    ReservationState::Held => false,
                    ReservationState::Expired => due,
                    ReservationState::Claimed { .. } => !due,
                    ReservationState::Released => true,
                };
                if !legal {
                    return Err(LawBroken(format!(
                        "reservation {key} cannot end as {state:?} at {:?}",
                        header.decided_at
                    )));
                }
                Ok(Self { state: *state, ended_at: Some(header.time), version, seq: header.seq, ..before })
            }
            (before, event) => {
                Err(LawBroken(format!("reservation {key}: {event:?} does not follow {:?}", before.map(|r| r.state))))
            }
        }
    }
}
