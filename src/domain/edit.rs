//! Edits: changes of an order that are agreed on before they take effect.
//!
//! ```text
//! open ─confirm─► confirmed
//!   │ ─decline──► declined
//!   │ ─its instant comes─► expired, whether or not somebody looks
//!   └─ the order moved on so that it can no longer be done ─► cancelled
//! ```
//! What an edit needs beyond what its order holds is set aside by a reservation of its own before its price is told, at
//! the nodes its plan chose, and ends with it. What is lowered is taken from no stock until the edit is confirmed. At
//! most one edit of an order is open at an instant.
//!
//! What is *not* here: the fold of a confirmed edit (`order_edit`), who plans and who sets units aside (`engine`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::decision::{Decision, LineUnits};
use super::ids::{EditKey, NodeIndex, OrderKey, ReservationKey, Text};
use super::order::{Destination, PlacedLine};
use super::time::JournalTime;

/// Where an edit stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum EditState {
    /// It can be confirmed.
    Open,
    /// It took effect.
    Confirmed,
    /// Somebody did not want it.
    Declined,
    /// Its time was up.
    Expired,
    /// The order moved on: it could no longer be done.
    Cancelled,
}

impl EditState {
    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Confirmed => "confirmed",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a line is and what it is to become. Quantities are those wanted: cancelled units are not counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineChange {
    /// Position of the line.
    pub line: u16,
    /// Units wanted when the edit was opened.
    pub quantity_before: u32,
    /// Units wanted from then on.
    pub quantity: u32,
    /// Price of one when the edit was opened, minor units of the order's currency.
    pub unit_price_before: i64,
    /// Price of one from then on.
    pub unit_price: i64,
}

impl LineChange {
    /// Units more.
    pub fn raised(&self) -> u32 {
        self.quantity.saturating_sub(self.quantity_before)
    }

    /// Units fewer.
    pub fn lowered(&self) -> u32 {
        self.quantity_before.saturating_sub(self.quantity)
    }

    /// What the customer owes more.
    pub fn difference(&self) -> i128 {
        let price = |units: u32, price: i64| i128::from(units) * i128::from(price);
        price(self.quantity, self.unit_price) - price(self.quantity_before, self.unit_price_before)
    }
}

/// A fulfilment order as an edit of its destination found it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FoundFulfillment {
    /// Its number.
    pub number: u16,
    /// Its units.
    pub units: Vec<LineUnits>,
    /// Whether the new plan leaves it as it is; else its units go where the plan says.
    pub stays: bool,
}

/// A shipment the edit's plan makes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlannedShipment {
    /// From where.
    pub node: NodeIndex,
    /// Which destination.
    pub group: u16,
    /// What, by position of the lines as they will be.
    pub lines: Vec<LineUnits>,
    /// What it costs, minor units of the base currency.
    pub cost: i64,
}

/// What an edit is, from its beginning to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EditTerms {
    /// Lines that change.
    pub lines: Vec<LineChange>,
    /// Lines that come behind those that are there.
    pub added: Vec<PlacedLine>,
    /// Where the order goes from then on.
    pub destination: Option<Destination>,
    /// With a new destination: every fulfilment order that was on its way to the old one.
    pub found: Vec<FoundFulfillment>,
    /// What is to be shipped beyond what stays as it is.
    pub shipments: Vec<PlannedShipment>,
    /// What nobody had units for.
    pub unfilled: Vec<LineUnits>,
    /// What the customer owes more, minor units of the order's currency.
    pub difference: i64,
    /// The reservation that holds what it needs; none when it needs nothing.
    pub reservation: Option<ReservationKey>,
    /// When it ends by itself.
    pub expires_at: JournalTime,
}

/// An edit of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Edit {
    /// Number within its order, from 1.
    pub number: u16,
    /// What it is.
    pub terms: Arc<EditTerms>,
    /// Why its plan is as it is; let go when the edit ends.
    pub decision: Option<Arc<Decision>>,
    /// Who opened it.
    pub actor: Text,
    /// When.
    pub since: JournalTime,
    /// Where it stands.
    pub state: EditState,
    /// When it ended, and who ended it.
    pub ended: Option<(JournalTime, Text)>,
}

impl Edit {
    /// Where it stands at an instant, even if nobody has written its end yet.
    pub fn state_at(&self, at: JournalTime) -> EditState {
        match self.state {
            EditState::Open if at >= self.terms.expires_at => EditState::Expired,
            state => state,
        }
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

    /// The id of the reservation that holds its units: one that no caller can choose.
    pub fn reservation_id(order: OrderKey, number: u16) -> Text {
        EditKey { order, number }.to_string().as_str().into()
    }
}

const NAME_PREFIX: &str = "edit-";
