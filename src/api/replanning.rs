//! What is done by itself for open orders: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::shape;
use super::scalar::OrNull;
use super::words::Worded;
use crate::domain::command::{Command, PutPolicy};
use crate::domain::replanning::{Leave, Replanning};

shape! {
    /// What is done by itself for open orders that nobody has begun to work on.
    #[derive(Copy)]
    pub struct ReplanningPut {
        /// When units came, for orders that want some of them: `propose` plans them again together and tells it, `apply` applies
        /// it at once; `null` for nothing.
        #[schema(value_type = Option<Leave>)]
        pub on_receipt: OrNull<Leave>,
        /// When a node was switched off, for orders of which it has or had something.
        #[schema(value_type = Option<Leave>)]
        pub on_outage: OrNull<Leave>,
        /// Whether an order may arrive later than as it is; not when left out.
        pub allow_later: Option<bool>,
    }
}

impl ReplanningPut {
    /// The command.
    pub fn command(self) -> Command {
        let may_be_later = self.allow_later.unwrap_or(false);
        let rule = Replanning { on_receipt: self.on_receipt.0, on_outage: self.on_outage.0, may_be_later };
        Command::PutPolicy(PutPolicy::Replanning(rule))
    }
}

/// What is done by itself for open orders.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Replanning)]
pub struct ReplanningJson {
    /// `propose`, `apply`, or nothing: when units came.
    pub on_receipt: Option<&'static str>,
    /// The same when a node was switched off.
    pub on_outage: Option<&'static str>,
    /// Whether an order may arrive later than as it is.
    pub allow_later: bool,
}

impl From<Replanning> for ReplanningJson {
    fn from(rule: Replanning) -> Self {
        Self {
            on_receipt: rule.on_receipt.map(Leave::word),
            on_outage: rule.on_outage.map(Leave::word),
            allow_later: rule.may_be_later,
        }
    }
}
