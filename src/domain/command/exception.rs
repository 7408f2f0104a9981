//! Commands of exceptions: somebody takes one on, or says that it is over.

use crate::domain::ids::Text;

/// What is done about an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExceptionAction {
    /// Somebody takes care of it.
    Assign {
        /// Who.
        owner: Text,
    },
    /// It is over.
    Resolve {
        /// How.
        reason: Text,
    },
}
