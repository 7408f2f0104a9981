//! What is done by itself for open orders when units came, or a node was switched off: nothing, unless somebody said so.
//!
//! What is *not* here: how orders are planned again together (`optimisation`), and when that is looked for (the engine's
//! `replanning`).

use serde::{Deserialize, Serialize};

use super::ids::{NodeIndex, SkuIndex, Text};

/// What may be done with a plan that was found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Leave {
    /// It is told, and applied when somebody says so.
    Propose,
    /// It is applied at once.
    Apply,
}

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Replanning {
    /// For orders that want some of a sku of which units came.
    pub on_receipt: Option<Leave>,
    /// For orders of which a node that was switched off has, or had, something.
    pub on_outage: Option<Leave>,
    /// Whether they may arrive later than as they are.
    pub may_be_later: bool,
}

/// Why open orders were planned again together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Occasion {
    /// Somebody asked.
    #[default]
    Asked,
    /// Units of these came; of one that was applied before the last start nobody knows of which.
    Receipt(Vec<SkuIndex>),
    /// A node was switched off; which is known likewise.
    Outage(Option<NodeIndex>),
}

impl Occasion {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Receipt(_) => "receipt",
            Self::Outage(_) => "outage",
        }
    }

    /// How ids of its proposals begin.
    pub fn prefix(&self) -> &'static str {
        match self {
            Self::Asked => "opt-",
            Self::Receipt(_) => "opt-receipt-",
            Self::Outage(_) => "opt-outage-",
        }
    }

    /// Of a proposal by its id, as far as that tells.
    pub fn of_id(id: &Text) -> Self {
        let all = [Self::Receipt(Vec::new()), Self::Outage(None)];
        all.into_iter().find(|own| id.starts_with(own.prefix())).unwrap_or_default()
    }
}
