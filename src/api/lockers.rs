//! Lockers of nodes: put, shown and told.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::carton::PackedEdges;
use super::event::Names;
use super::reading::{Listed, shape};
use super::scalar::{Count, Id};
use crate::domain::command::{PutLocker, PutLockers};
use crate::domain::event::LockersChanged;
use crate::domain::ids::Text;
use crate::domain::lockers::{LOCKER_SIZES_MAX, Locker, LockerTerms, Lockers, LockersEvent};

shape! {
    /// All lockers of a node. A size of which compartments are used has to be among them, with no fewer of them.
    #[schema(as = LockersPut)]
    pub struct LockersPut {
        /// Their sizes, each id once.
        pub sizes: Vec<LockerPut>,
    }
}

shape! {
    /// Compartments of one size.
    #[schema(as = LockerPut)]
    pub struct LockerPut {
        /// Id of the size at its node.
        pub id: Id,
        /// Inner size of a compartment.
        pub inner_mm: PackedEdges,
        /// How many there are.
        pub limit: Count,
    }
}

impl Listed for LockerPut {
    const LEAST: usize = 0;
    const MOST: usize = LOCKER_SIZES_MAX;
}

impl LockersPut {
    /// The command for one node.
    pub fn command(self, node: Text) -> PutLockers {
        let size =
            |size: LockerPut| PutLocker { id: size.id.0, inner: size.inner_mm.dimensions(), limit: size.limit.0 };
        PutLockers { node, sizes: self.sizes.into_iter().map(size).collect() }
    }
}

/// The lockers of a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Lockers)]
pub struct LockersJson {
    /// Their sizes, by id.
    pub sizes: Vec<LockerJson>,
}

/// Compartments of one size, and how many are used.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Locker)]
pub struct LockerJson {
    /// Id of the size at its node.
    pub id: Id,
    /// Inner size of a compartment.
    pub inner_mm: PackedEdges,
    /// How many there are.
    pub limit: u32,
    /// How many are used. May be ahead of the disk.
    pub used: u32,
}

impl From<&Lockers> for LockersJson {
    fn from(lockers: &Lockers) -> Self {
        let size = |Locker { terms, used }: &Locker| LockerJson {
            id: Id(terms.id.clone()),
            inner_mm: terms.inner.into(),
            limit: terms.limit,
            used: *used,
        };
        Self { sizes: lockers.sizes.iter().map(size).collect() }
    }
}

/// What happened, as the live feed and the dump of a journal tell it.
pub(super) fn told(changed: &LockersChanged, names: &impl Names) -> Value {
    let node = names.node(changed.node);
    match &changed.event {
        LockersEvent::Put(terms) => {
            let size = |LockerTerms { id, inner, limit }: &LockerTerms| {
                json!({
                    "id": id, "limit": limit,
                    "inner_mm": {"length": inner.length, "width": inner.width, "height": inner.height},
                })
            };
            json!({"type": "lockers_put", "node": node, "sizes": terms.iter().map(size).collect::<Vec<_>>()})
        }
        LockersEvent::Taken { stored, size } => json!({
            "type": "compartment_taken", "node": node, "order": stored.order.to_string(), "group": stored.group,
            "size": size,
        }),
        LockersEvent::Given { stored } => json!({
            "type": "compartment_given", "node": node, "order": stored.order.to_string(), "group": stored.group,
        }),
    }
}
