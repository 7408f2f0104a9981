//! The catalogue and the cells it speaks of, behind one sharded lock.
//!
//! A command holds the shared guard from reading the catalogue to its last give; a change of the catalogue appends and
//! swaps under the exclusive guard. So decisions before its position use the old catalogue, after it the new, none mixed.

use super::cell::Cell;
use super::learned::Learned;
use super::limits::Limits;
use super::past::Minutes;
use super::slots::Calendar;
use super::stock::{Front, SkuStock, Stock};
use super::workload::Workloads;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{NodeIndex, SkuIndex};
use crate::domain::rejection::Rejection;
use crate::domain::stock::CellKey;

/// What a command reads under its guard.
#[derive(Debug)]
pub struct Network {
    /// Nodes, items, rules.
    pub catalogue: Catalogue,
    /// Stock of every item of the catalogue.
    pub stock: Stock,
    /// The limits records of the skus that have one.
    pub limits: Limits,
    /// Slots of nodes.
    pub calendar: Calendar,
    /// What nodes have to do, day by day.
    pub workloads: Workloads,
    /// What nodes have told of themselves.
    pub learned: Learned,
    /// How much is remembered of what happened of late.
    pub minutes: Minutes,
}

impl Network {
    /// The stock of a sku that the catalogue gave.
    #[inline]
    pub fn sku(&self, sku: SkuIndex) -> SkuStock<'_> {
        self.stock.of(sku)
    }

    /// The front of an item's stock, by its sku.
    #[inline]
    pub fn front(&self, sku: &str) -> Option<&Front> {
        self.stock.find(sku, |index| &self.catalogue.item(index).sku)
    }

    /// Index of an item: sooner than by its catalogue where there are many.
    #[inline]
    pub fn sku_index(&self, sku: &str) -> Option<SkuIndex> {
        self.front(sku).map(Front::index)
    }

    /// A cell that exists.
    pub fn cell(&self, key: CellKey) -> Option<Cell<'_>> {
        self.sku(key.sku).cells.of(key.node)
    }

    /// Whether a node may supply what has stock.
    #[inline]
    pub fn supplies(&self, node: NodeIndex) -> bool {
        self.catalogue.supplies(node)
    }

    /// Index of an item named in a body.
    pub fn find_sku(&self, field: impl Into<String>, sku: &str) -> Result<SkuIndex, Rejection> {
        self.find_front(|| field.into(), sku).map(Front::index)
    }

    /// The front of its stock.
    pub fn find_front(&self, field: impl FnOnce() -> String, sku: &str) -> Result<&Front, Rejection> {
        let unknown = || Rejection::invalid(field(), "unknown_sku", format!("there is no item {sku:?}"));
        self.front(sku).ok_or_else(unknown)
    }

    /// Index of a node named in a body.
    pub fn find_node(&self, field: impl Into<String>, node: &str) -> Result<NodeIndex, Rejection> {
        let found = self.catalogue.node_index(node);
        found.ok_or_else(|| Rejection::invalid(field, "unknown_node", format!("there is no node {node:?}")))
    }

    /// The nodes of a network that a request names.
    pub fn find_network(&self, name: &str) -> Result<&[NodeIndex], Rejection> {
        let found = self.catalogue.policies().network(name);
        let unknown = || format!("there is no network {name:?}");
        found.ok_or_else(|| Rejection::invalid("network", "unknown_network", unknown()))
    }

    /// Text of a sku.
    pub fn sku_name(&self, sku: SkuIndex) -> String {
        self.catalogue.item(sku).sku.to_string()
    }

    /// Text of a node.
    pub fn node_name(&self, node: NodeIndex) -> String {
        self.catalogue.node(node).id.to_string()
    }
}
