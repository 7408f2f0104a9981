//! Holds and payments of an order: asked for, reported, and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{At, Listed, shape};
use super::scalar::{Instant, MoneyJson, Price, Reason};
use super::words::{HoldOutcome, ReleasingPayment, as_word};
use crate::domain::command::{AskedHold, Command, EndHold, PutHold, ReportPayment};
use crate::domain::hold::{Hold, HoldKind, HoldState};
use crate::domain::ids::Text;
use crate::domain::limits::HOLDS_MAX;
use crate::domain::money::{Currency, Money};
use crate::domain::order::Order;
use crate::domain::payment::{PaymentFact, PaymentMark};

shape! {
    /// A hold to be put.
    pub struct NewHold {
        /// What it forbids: `payment` that goods leave the house, the others every step from accepting on.
        pub r#type: HoldKind,
        /// Why.
        pub reason: Reason,
        /// When it ends by itself.
        pub release_at: Option<Instant>,
        /// The payment of all that is due with which it ends by itself.
        pub release_on: Option<ReleasingPayment>,
    }
}

impl Listed for NewHold {
    const MOST: usize = HOLDS_MAX;
}

shape! {
    /// The end of a hold.
    pub struct HoldEnd {
        /// `resolved`, if nothing else is said: the order may go on. `rejected`: it may not, the hold stands for good.
        pub outcome: Option<HoldOutcome>,
        /// Why.
        pub reason: Option<Reason>,
    }
}

shape! {
    /// A payment that was made, failed or given back elsewhere.
    #[derive(Copy)]
    pub struct NewPayment {
        /// What happened.
        pub status: PaymentMark,
        /// How much, above zero, in the order's currency.
        pub amount: Price,
    }
    check = NewPayment::judge;
}

impl NewHold {
    /// The hold of the domain.
    pub fn asked(self) -> AskedHold {
        AskedHold {
            kind: self.r#type,
            reason: self.reason.0,
            release_at: self.release_at.map(Instant::wall),
            release_on: self.release_on.map(PaymentMark::from),
        }
    }

    /// The command for one order.
    pub fn command(self, order: Text) -> Command {
        Command::PutHold(PutHold { order, hold: self.asked() })
    }
}

impl HoldEnd {
    /// The command for one hold of an order.
    pub fn command(self, order: Text, hold: Text) -> Command {
        let state = match self.outcome {
            None | Some(HoldOutcome::Resolved) => HoldState::Resolved,
            Some(HoldOutcome::Rejected) => HoldState::Rejected,
        };
        Command::EndHold(EndHold { order, hold, state, reason: self.reason.map(Text::from) })
    }
}

impl NewPayment {
    fn judge(&self, at: &At<'_>) {
        if self.status.is_told_by_the_engine() {
            at.field("status")
                .fault::<()>("unknown_word", "is not reported by anybody: authorized, paid, failed, refunded");
        }
        if self.amount.amount.0 <= 0 {
            at.field("amount").field("amount").fault::<()>("amount_out_of_range", "must be above zero");
        }
    }

    /// The command for one order.
    pub fn command(self, order: Text) -> Command {
        let amount = Money { amount: self.amount.amount.0, currency: self.amount.currency.0 };
        Command::ReportPayment(ReportPayment { order, mark: self.status, amount })
    }
}

/// A hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
pub struct HoldJson {
    /// Its id within the order.
    pub id: String,
    /// What it forbids.
    #[serde(serialize_with = "as_word")]
    pub r#type: HoldKind,
    /// Where it stands.
    #[serde(serialize_with = "as_word")]
    pub state: HoldState,
    /// Why it was put.
    #[schema(value_type = String)]
    pub reason: Text,
    /// Who put it.
    #[schema(value_type = String)]
    pub actor: Text,
    /// When.
    pub since: Instant,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Instant>,
    /// The payment with which it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ReleasingPayment>)]
    pub release_on: Option<&'static str>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// Who ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ended_by: Option<Text>,
}

impl HoldJson {
    fn of(hold: &Hold) -> Self {
        Self {
            id: hold.name(),
            r#type: hold.terms.kind,
            state: hold.state,
            reason: hold.terms.reason.clone(),
            actor: hold.actor.clone(),
            since: hold.since.into(),
            release_at: hold.terms.release_at.map(|release| release.wall.into()),
            release_on: hold.terms.release_on.map(PaymentMark::word),
            ended_at: hold.ended.as_ref().map(|(at, _)| (*at).into()),
            ended_by: hold.ended.as_ref().map(|(_, by)| by.clone()),
        }
    }

    /// All holds of an order, in their order.
    pub fn all_of(order: &Order) -> Vec<Self> {
        order.holds.iter().map(Self::of).collect()
    }

    /// One hold of an order; `None` if it has none of that number.
    pub fn numbered(order: &Order, number: u16) -> Option<Self> {
        order.holds.iter().find(|hold| hold.number == number).map(Self::of)
    }
}

/// A payment as it was reported.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PaymentReport {
    /// What happened.
    #[serde(serialize_with = "as_word")]
    pub status: PaymentMark,
    /// How much.
    pub amount: MoneyJson,
    /// When it was reported.
    pub at: Instant,
    /// By whom.
    #[schema(value_type = String)]
    pub actor: Text,
}

impl PaymentReport {
    /// A payment of an order in that currency.
    pub fn of(fact: &PaymentFact, currency: Currency) -> Self {
        let amount = Money { amount: fact.amount, currency }.into();
        Self { status: fact.mark, amount, at: fact.at.into(), actor: fact.actor.clone() }
    }
}
