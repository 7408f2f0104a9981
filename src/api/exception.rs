//! Exceptions: assigned, resolved, listed, shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::event::Names;
use super::order_names::OrderNames;
use super::page::{ExceptionCursor, Limit};
use super::reading::shape;
use super::scalar::{Instant, Owner, Reason};
use super::words::as_word;
use crate::domain::command::{Command, ExceptionAction};
use crate::domain::exception::{Exception, ExceptionKind, ExceptionStatus, Severity, Subject};
use crate::domain::hold::Hold;
use crate::domain::ids::Text;

shape! {
    /// Somebody takes care of it.
    pub struct Assigning {
        /// Who.
        pub owner: Owner,
    }
}

shape! {
    /// It is over.
    pub struct Resolving {
        /// How.
        pub reason: Reason,
    }
}

impl Assigning {
    /// The command for one exception.
    pub fn command(self, exception: Text) -> Command {
        Command::ChangeException { exception, action: ExceptionAction::Assign { owner: self.owner.0 } }
    }
}

impl Resolving {
    /// The command for one exception.
    pub fn command(self, exception: Text) -> Command {
        Command::ChangeException { exception, action: ExceptionAction::Resolve { reason: self.reason.0 } }
    }
}

shape! {
    /// Which exceptions.
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    pub struct ExceptionParams {
        /// Of that type.
        #[param(inline)]
        pub r#type: Option<ExceptionKind>,
        /// That stand so.
        #[param(inline)]
        pub status: Option<ExceptionStatus>,
        /// That somebody takes care of.
        #[param(inline)]
        pub owner: Option<Owner>,
        /// Most entries of the page.
        #[param(inline)]
        pub limit: Option<Limit>,
        /// `next_cursor` of the page before.
        #[param(inline)]
        pub cursor: Option<ExceptionCursor>,
    }
}

/// A case that somebody should look at.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Exception)]
pub struct ExceptionJson {
    /// Its id: there is one for each type and thing.
    pub id: String,
    /// What went wrong.
    #[serde(serialize_with = "as_word")]
    pub r#type: ExceptionKind,
    /// With what.
    pub subject: SubjectJson,
    /// How bad it is; rises when it is escalated.
    #[serde(serialize_with = "as_word")]
    pub severity: Severity,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub status: ExceptionStatus,
    /// Who takes care of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Units it is about.
    #[serde(skip_serializing_if = "is_zero")]
    pub units: u32,
    /// The order with which it came up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// When it was raised last.
    pub raised_at: Instant,
    /// When it is escalated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// How often it was escalated since it was raised.
    pub escalations: u8,
    /// How often it was raised anew, the first time included.
    pub times: u32,
    /// What is done about it without anybody.
    pub remedy: &'static str,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<ResolutionJson>,
    /// Version, from 1.
    pub version: u32,
}

/// What it is about: those of the fields that name it.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = ExceptionSubject)]
#[allow(missing_docs, reason = "the fields name what they say")]
pub struct SubjectJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fulfillment_order: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#return: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<u16>,
}

/// How it ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ExceptionResolution)]
pub struct ResolutionJson {
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// How.
    pub reason: Reason,
}

fn is_zero(units: &u32) -> bool {
    *units == 0
}

impl SubjectJson {
    /// What a case is about, by the names clients know.
    pub fn of(subject: Subject, names: &impl Names, orders: &OrderNames<'_>) -> Self {
        let none = Self::default();
        match subject {
            Subject::Order(key) => Self { order: Some(orders.order(key)), ..none },
            Subject::Fulfillment(key) => Self { fulfillment_order: Some(key.to_string()), ..none },
            Subject::Hold(order, number) => {
                Self { order: Some(orders.order(order)), hold: Some(Hold::name_of(number)), ..none }
            }
            Subject::Sku(sku) => Self { sku: Some(names.sku(sku)), ..none },
            Subject::Cell(cell) => Self { sku: Some(names.sku(cell.sku)), node: Some(names.node(cell.node)), ..none },
            Subject::Inbound(key) => Self { inbound: Some(key.to_string()), ..none },
            Subject::Transfer(key) => Self { transfer: Some(key.to_string()), ..none },
            Subject::Subscription(key) => Self { subscription: Some(key.to_string()), ..none },
            Subject::Parcel(returned, label) => {
                Self { r#return: Some(returned.to_string()), label: Some(label), ..none }
            }
        }
    }
}

impl ExceptionJson {
    /// A case, with what it is about by name.
    pub fn of(case: &Exception, names: &impl Names, orders: &OrderNames<'_>) -> Self {
        Self {
            id: case.key.to_string(),
            r#type: case.key.kind,
            subject: SubjectJson::of(case.key.subject, names, orders),
            severity: case.severity,
            status: case.status(),
            owner: case.owner.clone().map(Owner),
            units: case.units,
            order: case.order.map(|key| orders.order(key)),
            raised_at: Instant::from(case.raised_at),
            due_at: case.due_at.filter(|_| case.is_open()).map(Instant::from),
            escalations: case.escalations,
            times: case.times,
            remedy: case.key.remedy(),
            resolution: case.resolution.as_ref().map(|end| ResolutionJson {
                at: Instant::from(end.at),
                actor: end.actor.to_string(),
                reason: Reason(end.reason.clone()),
            }),
            version: case.version,
        }
    }
}
