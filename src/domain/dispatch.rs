//! Dispatch: the numbers of parcels, the parcels of fulfilment orders, and the manifests on which carriers take them.
//!
//! ```text
//! numbers:   by a company's prefix ─drawn, each once, in the record of the parcels that have them─► …
//! parcels:   packed ─leave with a carrier: on the manifest of that day─► left
//!               └──handed over at the counter, or their fulfilment order is stopped─► void
//! manifest:  (open) ─close─► closed; what leaves after it is on the next day's
//! ```
//! A number is a serial shipping container code (GS1 General Specifications, 2.2.1): an extension digit, the company's
//! prefix, a serial reference that fills them up to 17 digits, a check digit. Serial references are counted up from 1 for
//! each prefix and extension digit, and go on where they were when a prefix comes back: none is given out twice, and none
//! is left out.
//!
//! What is *not* here: how a number is written (`papers`), what is in a parcel (`packing`), where it is (`tracking`).

use serde::{Deserialize, Serialize};

use super::ids::{FulfillmentKey, NodeIndex, Text};
use super::limits::{MANIFEST_READABLE_MS, PARCELS_MAX, PARCELS_READABLE_MS};
use super::stock::LawBroken;
use super::time::JournalTime;

/// Digits of a number without its check digit.
const BODY_DIGITS: usize = 17;
/// Fewest and most digits of a company's prefix.
pub const COMPANY_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// Most prefixes that may ever be used.
pub const PREFIXES_MAX: usize = 100;

/// Of which numbers are given out.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct SsccPrefix {
    /// First digit, 0 to 9.
    pub extension: u8,
    /// The company's own digits.
    pub company: Text,
}

impl SsccPrefix {
    /// The highest serial reference there is room for.
    pub fn serial_max(&self) -> u64 {
        10u64.pow((BODY_DIGITS - 1).saturating_sub(self.company.len()) as u32) - 1
    }

    /// The number of a serial reference, without its check digit.
    pub fn body(&self, serial: u64) -> String {
        let width = (BODY_DIGITS - 1).saturating_sub(self.company.len());
        format!("{}{}{serial:0width$}", self.extension, self.company)
    }

    /// The serial reference in a number without its check digit, when it is one of this prefix.
    pub fn serial_in(&self, body: &str) -> Option<u64> {
        let rest = body.strip_prefix(&*format!("{}{}", self.extension, self.company))?;
        (body.len() == BODY_DIGITS && rest.bytes().all(|byte| byte.is_ascii_digit())).then(|| rest.parse().ok())?
    }
}

/// What a carrier takes from a node in a day.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ManifestKey {
    /// Where.
    pub node: NodeIndex,
    /// Who, as shipments name him.
    pub carrier: Text,
    /// Days since 1970-01-01, by the clock of the node.
    pub day: i32,
}

/// Names a thing of dispatch.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum DispatchKey {
    /// The numbers.
    Numbers,
    /// The parcels of a fulfilment order.
    Parcels(FulfillmentKey),
    /// A manifest.
    Manifest(ManifestKey),
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DispatchEvent {
    /// Numbers are of this prefix from now on.
    NumberedBy {
        /// Which.
        prefix: SsccPrefix,
    },
    /// The next numbers were given out.
    Drawn {
        /// How many.
        count: u16,
    },
    /// A fulfilment order was packed into parcels.
    Packed {
        /// Where.
        node: NodeIndex,
        /// Who shall take them.
        carrier: Text,
        /// Of which prefix their numbers are.
        prefix: SsccPrefix,
        /// Serial reference of the first; the others follow it.
        first: u64,
        /// What each weighs, grams; 0 where nobody said.
        weights_g: Vec<u32>,
    },
    /// They left.
    Left {
        /// On which manifest.
        manifest: ManifestKey,
    },
    /// They do not leave.
    Void,
    /// The manifest is closed.
    Closed {
        /// Shipments on it: what leaves together is one.
        shipments: u32,
        /// Parcels on it; one of a shipment whose parcels have no numbers.
        parcels: u32,
        /// Fulfilment orders whose parcels the carrier should have taken and has not.
        left_behind: u32,
    },
}

/// What is known of something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Dispatch {
    /// The numbers.
    Numbers(Numbers),
    /// Parcels.
    Parcels(Parcels),
    /// A manifest that is closed.
    Manifest(Manifest),
}

/// The numbers of parcels.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Numbers {
    /// Of which they are given out.
    pub prefix: SsccPrefix,
    /// The next serial reference.
    pub next: u64,
    /// Others that were used, and their next.
    pub others: Vec<(SsccPrefix, u64)>,
}

impl Numbers {
    /// How many are left of the prefix.
    pub fn left(&self) -> u64 {
        (self.prefix.serial_max() + 1).saturating_sub(self.next)
    }

    /// Every prefix that was ever used.
    pub fn prefixes(&self) -> impl Iterator<Item = &SsccPrefix> {
        std::iter::once(&self.prefix).chain(self.others.iter().map(|(prefix, _)| prefix))
    }

    fn of(prefix: &SsccPrefix) -> Self {
        Self { prefix: prefix.clone(), next: 1, others: Vec::new() }
    }

    fn turn_to(mut self, prefix: &SsccPrefix) -> Self {
        let known = self.others.iter().position(|(other, _)| other == prefix);
        let next = known.map_or(1, |at| self.others.remove(at).1);
        self.others.push((std::mem::replace(&mut self.prefix, prefix.clone()), self.next));
        Self { next, ..self }
    }
}

/// Where parcels stand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ParcelsState {
    /// They wait for their carrier.
    Packed,
    /// They left.
    Left {
        /// When.
        at: JournalTime,
        /// On which manifest.
        manifest: ManifestKey,
    },
    /// They do not leave.
    Void {
        /// Since when.
        at: JournalTime,
    },
}

impl ParcelsState {
    /// The word of the API.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Packed => "packed",
            Self::Left { .. } => "left",
            Self::Void { .. } => "void",
        }
    }
}

/// The parcels of a fulfilment order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Parcels {
    /// Where.
    pub node: NodeIndex,
    /// Who shall take them.
    pub carrier: Text,
    /// Of which prefix their numbers are.
    pub prefix: SsccPrefix,
    /// Serial reference of the first; the others follow it.
    pub first: u64,
    /// What each weighs, grams; 0 where nobody said.
    pub weights_g: Vec<u32>,
    /// When they were packed.
    pub packed_at: JournalTime,
    /// Where they stand.
    pub state: ParcelsState,
}

impl Parcels {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.weights_g.len() as u64
    }

    /// Serial references, in the order of the parcels.
    pub fn serials(&self) -> impl Iterator<Item = u64> {
        self.first..self.first + self.count()
    }
}

/// A manifest that is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Shipments on it: what leaves together is one.
    pub shipments: u32,
    /// Parcels on it; one of a shipment whose parcels have no numbers.
    pub parcels: u32,
    /// Fulfilment orders whose parcels the carrier should have taken and has not.
    pub left_behind: u32,
    /// When it was closed.
    pub closed_at: JournalTime,
}

impl Dispatch {
    /// The next state. Parcels of a fulfilment order whose earlier ones do not leave are others.
    pub fn fold(
        before: Option<Self>,
        key: &DispatchKey,
        at: JournalTime,
        event: &DispatchEvent,
    ) -> Result<Self, LawBroken> {
        let broken = |known: &Option<Self>| LawBroken(format!("{key:?} is {known:?}: cannot take {event:?}"));
        match (before, event) {
            (None, DispatchEvent::NumberedBy { prefix }) => Ok(Self::Numbers(Numbers::of(prefix))),
            (Some(Self::Numbers(known)), DispatchEvent::NumberedBy { prefix }) if known.prefix != *prefix => {
                Ok(Self::Numbers(known.turn_to(prefix)))
            }
            (Some(Self::Numbers(known)), DispatchEvent::Drawn { count }) if u64::from(*count) <= known.left() => {
                Ok(Self::Numbers(Numbers { next: known.next + u64::from(*count), ..known }))
            }
            (
                None | Some(Self::Parcels(Parcels { state: ParcelsState::Void { .. }, .. })),
                DispatchEvent::Packed { node, carrier, prefix, first, weights_g },
            ) if !weights_g.is_empty() && weights_g.len() <= PARCELS_MAX => Ok(Self::Parcels(Parcels {
                node: *node,
                carrier: carrier.clone(),
                prefix: prefix.clone(),
                first: *first,
                weights_g: weights_g.clone(),
                packed_at: at,
                state: ParcelsState::Packed,
            })),
            (
                Some(Self::Parcels(known @ Parcels { state: ParcelsState::Packed, .. })),
                DispatchEvent::Left { manifest },
            ) => {
                let state = ParcelsState::Left { at, manifest: manifest.clone() };
                Ok(Self::Parcels(Parcels { state, ..known }))
            }
            (Some(Self::Parcels(known @ Parcels { state: ParcelsState::Packed, .. })), DispatchEvent::Void) => {
                Ok(Self::Parcels(Parcels { state: ParcelsState::Void { at }, ..known }))
            }
            (None, DispatchEvent::Closed { shipments, parcels, left_behind }) => Ok(Self::Manifest(Manifest {
                shipments: *shipments,
                parcels: *parcels,
                left_behind: *left_behind,
                closed_at: at,
            })),
            (known, _) => Err(broken(&known)),
        }
    }

    /// Whether nothing needs to know of it any more at `now`.
    pub fn is_forgotten_at(&self, now: JournalTime) -> bool {
        let past = |at: &JournalTime, window_ms: i64| now.0 - at.0 > window_ms;
        match self {
            Self::Numbers(_) => false,
            Self::Parcels(known) => match &known.state {
                ParcelsState::Packed => false,
                ParcelsState::Left { at, .. } | ParcelsState::Void { at } => past(at, PARCELS_READABLE_MS),
            },
            Self::Manifest(known) => past(&known.closed_at, MANIFEST_READABLE_MS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(extension: u8, company: &str) -> SsccPrefix {
        SsccPrefix { extension, company: company.into() }
    }

    fn numbered(before: Option<Dispatch>, event: &DispatchEvent) -> Result<Dispatch, LawBroken> {
        Dispatch::fold(before, &DispatchKey::Numbers, JournalTime(0), event)
    }

    #[test]
    fn a_serial_reference_fills_its_number_and_is_found_in_it() {
        let of = prefix(3, "4012345");
        assert_eq!((of.serial_max(), of.body(7)), (999_999_999, "34012345000000007".to_owned()));
        assert_eq!(of.serial_in("34012345000000007"), Some(7));
        for other in ["24012345000000007", "34012346000000007", "3401234500000007", "3401234500000000x"] {
            assert_eq!(of.serial_in(other), None, "{other}");
        }
        assert_eq!(prefix(0, "401234567890").serial_max(), 9_999);
    }

    #[test]
    fn a_prefix_that_comes_back_goes_on_where_it_was() {
        let (one, other) = (prefix(0, "4012345"), prefix(1, "4012345"));
        let by = |prefix: &SsccPrefix| DispatchEvent::NumberedBy { prefix: prefix.clone() };
        let mut known = None;
        for event in
            [by(&one), DispatchEvent::Drawn { count: 5 }, by(&other), DispatchEvent::Drawn { count: 2 }, by(&one)]
        {
            known = Some(numbered(known, &event).expect("legal"));
        }
        let Some(Dispatch::Numbers(numbers)) = known.clone() else { panic!("numbers") };
        assert_eq!((numbers.prefix, numbers.next, numbers.others), (one.clone(), 6, vec![(other, 3)]));
        assert!(numbered(known, &by(&one)).is_err(), "it is that already");
    }

    #[test]
    fn no_more_numbers_are_given_out_than_there_are() {
        let by = DispatchEvent::NumberedBy { prefix: prefix(0, "401234567890") };
        let mut known = numbered(None, &by).expect("legal");
        for _ in 0..9 {
            known = numbered(Some(known), &DispatchEvent::Drawn { count: 1_111 }).expect("there are 9,999");
        }
        assert!(numbered(Some(known), &DispatchEvent::Drawn { count: 1 }).is_err());
    }
}
