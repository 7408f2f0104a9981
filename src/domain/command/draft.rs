//! Commands of drafts. Who changes, holds or places one says of which version he has read; it is refused when somebody
//! changed it since.

use super::order::PlaceOrder;
use super::reservation::Reserve;
use crate::domain::draft::DraftTerms;
use crate::domain::ids::Text;

/// A draft to be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginDraft {
    /// The caller's own id.
    pub id: Option<Text>,
    /// Fingerprint of the body, compared when the id comes again.
    pub fingerprint: u64,
    /// What it says.
    pub terms: DraftTerms,
    /// How long it lasts.
    pub ttl_s: u64,
}

/// What a draft shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeDraft {
    /// Which.
    pub draft: Text,
    /// Its version as it was read; whatever it is when `None`.
    pub version: Option<u32>,
    /// All it shall say.
    pub terms: DraftTerms,
    /// New life, counted from now.
    pub ttl_s: Option<u64>,
}

/// Units to be set aside for a draft, not longer than it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldDraft {
    /// Which.
    pub draft: Text,
    /// Its version as it was read; whatever it is when `None`.
    pub version: Option<u32>,
    /// What; the draft's name becomes its owner, and what has no stock is left out.
    pub reserve: Reserve,
}

/// A draft to become an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceDraft {
    /// Which.
    pub draft: Text,
    /// Its version as it was read; whatever it is when `None`.
    pub version: Option<u32>,
    /// What it says, as an order; the units that the draft holds are claimed.
    pub order: PlaceOrder,
}
