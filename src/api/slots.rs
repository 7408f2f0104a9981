//! Slots of nodes: put and shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{At, Listed, shape};
use super::scalar::{Count, Id, Instant, Sku};
use crate::domain::catalogue::Catalogue;
use crate::domain::command::{PutSlot, PutSlots};
use crate::domain::ids::Text;
use crate::domain::slots::{SLOTS_MAX, Slot, Slots};

shape! {
    /// All slots of a node. One whose places are used has to be among them until its time has passed, with its times and
    /// no fewer places.
    #[schema(as = SlotsPut)]
    pub struct SlotsPut {
        /// Its slots, each id once.
        pub slots: Vec<SlotPut>,
    }
}

shape! {
    /// A time at a node, with so many places.
    #[schema(as = SlotPut)]
    pub struct SlotPut {
        /// Its id at its node.
        pub id: Id,
        /// The service it is for; any when left out.
        pub sku: Option<Sku>,
        /// When it begins.
        pub starts_at: Instant,
        /// When it ends.
        pub ends_at: Instant,
        /// How many places it has: one for each unit of a line.
        pub limit: Count,
    }
    check = SlotPut::judge;
}

impl SlotPut {
    fn judge(&self, at: &At<'_>) {
        if self.ends_at.wall() <= self.starts_at.wall() {
            at.field("ends_at").fault::<()>("time_out_of_order", "must be after `starts_at`");
        }
    }
}

impl Listed for SlotPut {
    const LEAST: usize = 0;
    const MOST: usize = SLOTS_MAX;
}

impl SlotsPut {
    /// The command for one node.
    pub fn command(self, node: Text) -> PutSlots {
        let slot = |slot: SlotPut| PutSlot {
            id: slot.id.0,
            sku: slot.sku.map(Text::from),
            starts_at: slot.starts_at.wall(),
            ends_at: slot.ends_at.wall(),
            limit: slot.limit.0,
        };
        PutSlots { node, slots: self.slots.into_iter().map(slot).collect() }
    }
}

/// The slots of a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Slots)]
pub struct SlotsJson {
    /// Its slots, by id.
    pub slots: Vec<SlotJson>,
}

/// A slot, and what is used of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Slot)]
pub struct SlotJson {
    /// Its id at its node.
    pub id: Id,
    /// The service it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// When it begins.
    pub starts_at: Instant,
    /// When it ends.
    pub ends_at: Instant,
    /// How many places it has.
    pub limit: u32,
    /// How many are used. May be ahead of the disk.
    pub used: u32,
}

impl SlotsJson {
    /// The slots of a node.
    pub fn of(slots: &Slots, catalogue: &Catalogue) -> Self {
        let slot = |slot: &Slot| SlotJson {
            id: Id(slot.terms.id.clone()),
            sku: slot.terms.service.map(|sku| Sku(catalogue.item(sku).sku.clone())),
            starts_at: slot.terms.starts_at.into(),
            ends_at: slot.terms.ends_at.into(),
            limit: slot.terms.limit,
            used: slot.used,
        };
        Self { slots: slots.slots.iter().map(slot).collect() }
    }
}
