//! Closures of nodes: put and shown. What is *not* here: when the clock switches a node (`domain::closure`).

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{At, Listed, shape};
use super::scalar::{Instant, Reason};
use crate::domain::closure::{CLOSURES_MAX, Closure};
use crate::domain::command::{Command, PutPolicy};
use crate::domain::ids::Text;

shape! {
    /// All closures of a node to come, in the place of those that were. One that has begun stays begun as long as one of the
    /// same `from` is among them; else it is over.
    pub struct ClosuresPut {
        /// Times at which the node is closed, none in another; at most 64.
        pub closures: Vec<ClosurePut>,
    }
    check = ClosuresPut::judge;
}

shape! {
    /// A time at which a node is closed: it is switched off when it begins, on when it is over.
    pub struct ClosurePut {
        /// From when.
        pub from: Instant,
        /// Until when.
        pub until: Instant,
        /// Why; shown at the node meanwhile.
        pub reason: Reason,
    }
    check = ClosurePut::judge;
}

impl Listed for ClosurePut {
    const LEAST: usize = 0;
    const MOST: usize = CLOSURES_MAX;
}

impl ClosurePut {
    fn judge(&self, at: &At<'_>) {
        if self.until <= self.from {
            at.field("until").fault::<()>("time_out_of_order", "must come after from");
        }
    }

    fn closure(self) -> Closure {
        Closure { from: self.from.wall(), until: self.until.wall(), reason: self.reason.0, begun: false }
    }
}

impl ClosuresPut {
    fn judge(&self, at: &At<'_>) {
        let mut by_time: Vec<(usize, &ClosurePut)> = self.closures.iter().enumerate().collect();
        by_time.sort_by_key(|(_, closure)| closure.from);
        for pair in by_time.windows(2) {
            let [(_, before), (number, after)] = pair else { continue };
            if after.from < before.until {
                let closures = at.field("closures");
                closures.entry(*number).field("from").fault::<()>("time_out_of_order", "lies in another closure");
            }
        }
    }

    /// The command for one node.
    pub fn command(self, node: Text) -> Command {
        let mut closures: Vec<Closure> = self.closures.into_iter().map(ClosurePut::closure).collect();
        closures.sort_by_key(|closure| closure.from);
        Command::PutPolicy(PutPolicy::Closures { node, closures })
    }
}

/// A time at which a node is closed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Closure)]
pub struct ClosureJson {
    /// From when.
    pub from: Instant,
    /// Until when.
    pub until: Instant,
    /// Why.
    pub reason: Reason,
    /// Whether the node was switched off for it.
    pub begun: bool,
}

impl From<&Closure> for ClosureJson {
    fn from(closure: &Closure) -> Self {
        let Closure { from, until, reason, begun } = closure;
        Self { from: (*from).into(), until: (*until).into(), reason: Reason(reason.clone()), begun: *begun }
    }
}
