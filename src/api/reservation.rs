//! Reservations: made, changed and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::json::Json;
use super::order_names::OrderNames;
use super::problem::Problem;
use super::reading::{At, Listed, Shape, shape};
use super::scalar::{CallerId, Id, Instant, Owner, Sku, Ttl};
use super::words::reservation_word;
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{ChangeReservation, Command, Reserve, ReserveLine};
use crate::domain::ids::Text;
use crate::domain::limits::{BATCH_RESERVATIONS_MAX, RESERVATION_LINES_MAX};
use crate::domain::quantity::Quantity;
use crate::domain::rejection::Fault;
use crate::domain::reservation::{Reservation, ReservationState};
use crate::domain::time::JournalTime;

shape! {
    /// A reservation to be made.
    pub struct NewReservation {
        /// The caller's own id; sent again with the same body it repeats the answer.
        pub id: Option<CallerId>,
        /// A label, such as the cart.
        pub owner: Owner,
        /// How long, seconds.
        pub ttl_s: Ttl,
        /// What, up to 500 lines.
        pub lines: Vec<NewReservationLine>,
        /// Whether less than asked for is welcome.
        pub partial: Option<bool>,
        /// For which channel.
        pub channel: Option<Id>,
        /// For which customer.
        pub customer: Option<Id>,
    }
}

shape! {
    /// One line of a reservation.
    pub struct NewReservationLine {
        /// The sku; a kit stands for its components.
        pub sku: Sku,
        /// How many.
        pub quantity: Quantity,
        /// Where; anywhere when left out.
        pub node: Option<Id>,
    }
}

impl Listed for NewReservationLine {
    const MOST: usize = RESERVATION_LINES_MAX;
}

shape! {
    /// A change of a reservation that is held.
    pub struct ReservationChange {
        /// New life, counted from now, seconds.
        pub ttl_s: Option<Ttl>,
        /// All it shall hold.
        pub lines: Option<Vec<NewReservationLine>>,
        /// Whose it is from now on.
        pub owner: Option<Owner>,
    }
}

impl NewReservation {
    /// The command, with the fingerprint of the body it came in.
    pub fn command(self, fingerprint: u64) -> Command {
        Command::Reserve(self.reserve(fingerprint))
    }

    /// What is to be reserved, with the fingerprint of the part of a body it came in.
    pub fn reserve(self, fingerprint: u64) -> Reserve {
        Reserve {
            id: self.id.map(Text::from),
            fingerprint,
            owner: self.owner.0,
            ttl_s: self.ttl_s.0,
            lines: lines(self.lines),
            partial: self.partial.unwrap_or(false),
            channel: self.channel.map(Text::from),
            customer: self.customer.map(Text::from),
        }
    }
}

impl ReservationChange {
    /// The command for one reservation.
    pub fn command(self, reservation: Text) -> Command {
        Command::ChangeReservation(ChangeReservation {
            reservation,
            ttl_s: self.ttl_s.map(|ttl| ttl.0),
            lines: self.lines.map(lines),
            owner: self.owner.map(|owner| owner.0),
        })
    }
}

fn lines(lines: Vec<NewReservationLine>) -> Vec<ReserveLine> {
    let line = |l: NewReservationLine| ReserveLine { sku: l.sku.0, quantity: l.quantity, node: l.node.map(Text::from) };
    lines.into_iter().map(line).collect()
}

shape! {
    /// Many reservations, each all or nothing, answered one by one.
    pub struct ReservationBatch {
        /// Up to 1,000.
        #[schema(value_type = Vec<NewReservation>)]
        pub reservations: Vec<OneOfMany>,
    }
}

/// One reservation of a batch: its faults are its own.
#[derive(Clone, Debug)]
pub struct OneOfMany {
    /// What it says, or what is wrong with it.
    pub reservation: Result<NewReservation, Vec<Fault>>,
    /// Fingerprint of its own part of the body, if it bears an id; else 0, as nothing can be compared with it.
    pub fingerprint: u64,
}

impl Shape for OneOfMany {
    fn read(json: &Json<'_>, at: &At<'_>) -> Option<Self> {
        let reservation = at.alone(|at| NewReservation::read(json, at));
        Some(Self { reservation, fingerprint: if json.names_itself() { json.fingerprint() } else { 0 } })
    }
}

impl Listed for OneOfMany {
    const MOST: usize = BATCH_RESERVATIONS_MAX;
}

/// A reservation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reservation)]
pub struct ReservationJson {
    /// The caller's id, or the generated one.
    pub id: String,
    /// A label.
    pub owner: Owner,
    /// held, claimed, released or expired.
    pub state: &'static str,
    /// The instant at which its units are free again.
    pub expires_at: Instant,
    /// The channel it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Id>,
    /// The customer it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<Id>,
    /// The order that claimed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Units it holds, or held at its end.
    pub lines: Vec<HeldJson>,
}

/// Units held at one node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HeldUnits)]
pub struct HeldJson {
    /// The sku; a component where a kit was asked for.
    pub sku: Sku,
    /// Where.
    pub node: Id,
    /// How many.
    pub quantity: u32,
}

impl ReservationJson {
    /// A reservation as of `now`.
    pub fn of(reservation: &Reservation, catalogue: &Catalogue, orders: &OrderNames<'_>, now: JournalTime) -> Self {
        let state = reservation.state_at(now);
        let order = match state {
            ReservationState::Claimed { order } => Some(orders.order(order)),
            _ => None,
        };
        let held = reservation.lines.iter().map(|held| HeldJson {
            sku: Sku(catalogue.item(held.sku).sku.clone()),
            node: Id(catalogue.node(held.node).id.clone()),
            quantity: held.quantity,
        });
        Self {
            id: reservation.name(),
            owner: Owner(reservation.owner.clone()),
            state: reservation_word(state),
            expires_at: reservation.expires_at.into(),
            channel: reservation.channel.clone().map(Id),
            customer: reservation.customer.clone().map(Id),
            order,
            lines: held.collect(),
        }
    }
}

/// Answers of a batch, in the order asked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// One for every reservation.
    pub items: Vec<BatchEntry>,
}

/// What became of one reservation of a batch.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BatchEntry {
    /// Status it would have had alone.
    pub status: u16,
    /// It, when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationJson>,
    /// Why it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<serde_json::Value>,
}

impl BatchEntry {
    /// It was made.
    pub fn made(reservation: ReservationJson) -> Self {
        Self { status: 201, reservation: Some(reservation), problem: None }
    }

    /// It was not made.
    pub fn refused(problem: &Problem, request_id: &str) -> Self {
        let written = serde_json::from_slice(&problem.to_json(request_id)).ok();
        Self { status: problem.status, reservation: None, problem: written }
    }
}
