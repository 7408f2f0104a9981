//! Commands of rule sets: a version put, a version activated.

use std::sync::Arc;

use crate::domain::ids::Text;
use crate::domain::rules::RuleTerms;
use crate::domain::time::WallTime;

/// The next version of a rule set, as a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRules {
    /// Name of the rule set.
    pub name: Text,
    /// What the version says.
    pub terms: Arc<RuleTerms>,
}

/// A version of a rule set is to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivateRules {
    /// Name of the rule set.
    pub name: Text,
    /// Which version.
    pub version: u32,
    /// From when on; at once when `None`.
    pub at: Option<WallTime>,
}
