//! Holds: named blocks of an order's further steps. As many at once as it takes, each with a reason and an end of its own.
//!
//! ```text
//! active ─release─► resolved
//!    │ ─reject──► rejected, which forbids on until the order is cancelled
//!    └─ its instant comes, or the payment it waits for ─► auto_released
//! ```
//! The kind says what is forbidden: a payment hold that goods leave the house, the others every step from accepting on.
//! What gives units back is never forbidden: rejecting, short picks, cancelling.
//!
//! What is *not* here: who puts a hold, and the clock that ends it.

use serde::{Deserialize, Serialize};

use super::fulfillment::FulfillmentVerb;
use super::ids::Text;
use super::payment::PaymentMark;
use super::time::{JournalTime, Now, WallTime};

/// Why an order is held, in a word that decides what is forbidden.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum HoldKind {
    /// Money is missing.
    Payment,
    /// It may be fraud.
    Fraud,
    /// The address is doubtful.
    Address,
    /// Somebody wants it so.
    Manual,
    /// It replaces what has to come back first.
    ReturnItems,
}

impl HoldKind {
    /// Whether it forbids a step.
    pub fn forbids(self, verb: FulfillmentVerb) -> bool {
        use FulfillmentVerb::{Accept, HandOver, Pack, Pick, Ready, Ship};
        match self {
            Self::Payment => matches!(verb, Ship | HandOver),
            Self::Fraud | Self::Address | Self::Manual | Self::ReturnItems => {
                matches!(verb, Accept | Pick | Pack | Ready | Ship | HandOver)
            }
        }
    }

    /// How long it may stand before somebody should look, seconds.
    pub fn overdue_s(self) -> u64 {
        const DAY: u64 = 86_400;
        match self {
            Self::Fraud | Self::Address => DAY,
            Self::Payment | Self::Manual => 3 * DAY,
            Self::ReturnItems => 30 * DAY,
        }
    }

    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Fraud => "fraud",
            Self::Address => "address",
            Self::Manual => "manual",
            Self::ReturnItems => "awaiting_return_items",
        }
    }
}

/// Where a hold stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum HoldState {
    /// It forbids.
    Active,
    /// Somebody let the order go on.
    Resolved,
    /// Somebody decided that it shall not go on: it forbids for good.
    Rejected,
    /// Its time came, or the payment it waited for.
    AutoReleased,
}

impl HoldState {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Resolved => "resolved",
            Self::Rejected => "rejected",
            Self::AutoReleased => "auto_released",
        }
    }
}

/// An instant to come, as it was asked for and as the journal counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReleaseAt {
    /// As asked for.
    pub wall: WallTime,
    /// The same on the journal's clock, which alone decides.
    pub journal: JournalTime,
}

impl ReleaseAt {
    /// An instant of the wall clock, on both clocks as they stand now.
    pub fn of(wall: WallTime, now: Now) -> Self {
        let ahead = wall.0.saturating_sub(now.wall.0);
        Self { wall, journal: JournalTime(now.journal.0.saturating_add(ahead)) }
    }
}

/// What a hold is, from its beginning to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HoldTerms {
    /// What it forbids.
    pub kind: HoldKind,
    /// Why.
    pub reason: Text,
    /// When it ends by itself.
    pub release_at: Option<ReleaseAt>,
    /// The payment of all that is due with which it ends by itself.
    pub release_on: Option<PaymentMark>,
}

/// A hold of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hold {
    /// Number within its order, from 1.
    pub number: u16,
    /// What it is.
    pub terms: HoldTerms,
    /// Who put it.
    pub actor: Text,
    /// When.
    pub since: JournalTime,
    /// Where it stands.
    pub state: HoldState,
    /// When it ended, and who ended it.
    pub ended: Option<(JournalTime, Text)>,
}

impl Hold {
    /// Whether it forbids a step at an instant: exactly until its own, even if nobody has written its end yet.
    pub fn forbids_at(&self, verb: FulfillmentVerb, at: JournalTime) -> bool {
        matches!(self.state_at(at), HoldState::Active | HoldState::Rejected) && self.terms.kind.forbids(verb)
    }

    /// Where it stands at an instant, even if nobody has written its end yet.
    pub fn state_at(&self, at: JournalTime) -> HoldState {
        match self.terms.release_at {
            Some(release) if self.state == HoldState::Active && release.journal <= at => HoldState::AutoReleased,
            _ => self.state,
        }
    }

    /// Whether it forbids a step as far as is written.
    pub fn forbids(&self, verb: FulfillmentVerb) -> bool {
        self.forbids_at(verb, JournalTime(i64::MIN))
    }

    /// Its name within its order.
    pub fn name(&self) -> String {
        Self::name_of(self.number)
    }

    /// The name of that number.
    pub fn name_of(number: u16) -> String {
        format!("{NAME_PREFIX}{number}")
    }

    /// The number in a name; `None` when it is not one.
    pub fn number_in(name: &str) -> Option<u16> {
        let digits = name.strip_prefix(NAME_PREFIX)?;
        let number: u16 = digits.parse().ok().filter(|number| *number > 0)?;
        (number.to_string() == digits).then_some(number)
    }
}

const NAME_PREFIX: &str = "hold-";
