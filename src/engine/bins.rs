//! Where skus lie at nodes: put, and read by who makes pick lists.
//!
//! A map of its own behind a lock of its own, held over the append. No order asks it.

use std::collections::BTreeSet;

use super::change::Change;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::command::PutBins;
use crate::domain::event::{BinPut, Event};
use crate::domain::ids::{NodeIndex, SkuIndex, Text};
use crate::domain::item::ItemKind;
use crate::domain::limits::{BIN_BYTES_MAX, BINS_PUT_MAX, RECORD_BYTES_MAX, SKU_BYTES_MAX};
use crate::domain::node::NodeKind;
use crate::domain::picking::BinPlace;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::stock::CellKey;

const _: () = assert!(BINS_PUT_MAX * (2 * BIN_BYTES_MAX + 40) < RECORD_BYTES_MAX - 4_096);
const _: () = assert!(BIN_BYTES_MAX <= SKU_BYTES_MAX);

impl Engine {
    pub(super) fn put_bins(&self, turn: &Turn<'_>, command: &PutBins) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("node", &*command.node);
        let node = network.catalogue.node_index(&command.node).ok_or_else(unknown)?;
        let bins = places(&network, node, command)?;
        let mut known = self.floor.bins.write();
        let changes = |(sku, place): &&(SkuIndex, Option<BinPlace>)| known.get(&(node, *sku)) != place.as_ref();
        let changed: Vec<_> = bins.iter().filter(changes).cloned().collect();
        let mut seq = self.position();
        if !changed.is_empty() {
            let put = |(sku, place): &(SkuIndex, Option<BinPlace>)| {
                let cell = CellKey { sku: *sku, node };
                Event::BinPut(Box::new(BinPut { cell, place: place.clone() }))
            };
            let events = changed.iter().map(put).collect();
            let sealed = turn.seal(turn.now(), network.catalogue.seq, events, None)?;
            let logged = turn.log(self, sealed, Change::new(&network), Withdrawal::nothing());
            seq = logged.seq();
            for (sku, place) in changed {
                match place {
                    Some(place) => known.insert((node, sku), place),
                    None => known.remove(&(node, sku)),
                };
            }
            logged.done();
        }
        Ok(Executed::done(Reply::Bins(node, bins), seq))
    }

    /// Puts a bin at start.
    pub(super) fn hold_bin(&self, cell: CellKey, place: Option<BinPlace>) {
        if let Some(place) = place {
            self.floor.bins.write().insert((cell.node, cell.sku), place);
        }
    }

    /// Where a sku lies at a node.
    pub fn bin(&self, cell: CellKey) -> Option<BinPlace> {
        self.floor.bins.read().get(&(cell.node, cell.sku)).cloned()
    }

    /// Where skus lie at a node, so many of them behind the first `skip`; and the sequence up to which that may be.
    pub fn bins(&self, node: &str, skip: usize, most: usize) -> Option<(Vec<(SkuIndex, BinPlace)>, u64)> {
        let node = self.catalogue(|catalogue| catalogue.node_index(node))?;
        let bins = self.floor.bins.read();
        let own = bins.range((node, SkuIndex(0))..=(node, SkuIndex(u32::MAX)));
        let page = own.skip(skip).take(most).map(|((_, sku), place)| (*sku, place.clone())).collect();
        Some((page, self.position()))
    }
}

/// What is put, in this catalogue; all faults together.
fn places(
    network: &Network,
    node: NodeIndex,
    command: &PutBins,
) -> Result<Vec<(SkuIndex, Option<BinPlace>)>, Rejection> {
    let (mut faults, mut seen, mut places) = (Vec::new(), BTreeSet::new(), Vec::new());
    if network.catalogue.node(node).kind == NodeKind::Virtual {
        faults.push(Fault::new("node", "node_without_stock", format!("{} holds no stock", command.node)));
    }
    if command.bins.is_empty() || command.bins.len() > BINS_PUT_MAX {
        let detail = format!("must have 1 to {BINS_PUT_MAX} entries, has {}", command.bins.len());
        faults.push(Fault::new("bins", "list_length_out_of_range", detail));
    }
    for (at, (sku, place)) in command.bins.iter().enumerate() {
        let field = |name: &str| format!("bins[{at}].{name}");
        match network.sku_index(sku) {
            None => faults.push(Fault::new(field("sku"), "unknown_sku", format!("there is no item {sku:?}"))),
            Some(index) if network.catalogue.kind(index) != ItemKind::Product => {
                faults.push(Fault::new(field("sku"), "not_stocked", format!("{sku} is not a product")));
            }
            Some(index) if !seen.insert(index) => {
                faults.push(Fault::new(field("sku"), "duplicate_sku", format!("{sku} is named twice")));
            }
            Some(index) => places.push((index, place.clone())),
        }
        let too_long = |text: &Text| text.len() > BIN_BYTES_MAX;
        if place.as_ref().is_some_and(|place| too_long(&place.bin) || too_long(&place.zone)) {
            let detail = format!("names of bins and zones have at most {BIN_BYTES_MAX} bytes");
            faults.push(Fault::new(field("bin"), "text_out_of_range", detail));
        }
    }
    if faults.is_empty() { Ok(places) } else { Err(Rejection::Invalid(faults)) }
}
