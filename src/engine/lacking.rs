//! What lacks of a sku that is bought when it is ordered, and what was bought beyond it.
//!
//! All who wait for a sku are served in their order with what comes, each of the nodes it may have units of, as pegs show it
//! (`inbound`). What is left of somebody's demand lacks at those nodes; what is left of a document that was bought is
//! surplus. Of a sku with channel limits no more lacks for a channel than its cap lets it use, and what others keep and is
//! not there lacks as well, since nothing comes to it before.
//!
//! All that a kit lacks is bought at one node: one that it may have and where each of its skus is bought, is there or is on
//! its way; of several the one at which all of it can be soonest. Without such a node nothing is bought for it. What is there
//! for one kit counts for every other too.
//!
//! What is *not* here: terms and their room (`domain::supply`), the buying and giving back (`purchase`).

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::change::Change;
use super::inbound::Demand;
use super::ledger::Waits;
use super::network::Network;
use super::purchase::Bought;
use crate::domain::ids::{InboundKey, NodeIndex, SkuIndex};
use crate::domain::inbound::{Coming, SupplyKey};
use crate::domain::stock::CellKey;
use crate::domain::supply::SupplyTerms;
use crate::domain::time::WallTime;

/// Supply of a sku: what comes to nodes that supply, beyond what is owed.
pub struct Supply {
    coming: Vec<Coming>,
    bought: BTreeMap<InboundKey, Bought>,
    /// What is about to be bought.
    planned: Vec<Coming>,
}

impl Supply {
    /// What comes, and which of its documents were bought.
    pub fn of(network: &Network, mut coming: Vec<Coming>, bought: BTreeMap<InboundKey, Bought>) -> Self {
        coming.retain(|coming| network.supplies(coming.node));
        coming.sort_unstable();
        Self { coming, bought, planned: Vec::new() }
    }

    fn is_bought(&self, coming: &Coming) -> bool {
        matches!(coming.document, SupplyKey::Inbound(key) if self.bought.contains_key(&key))
    }

    /// What comes until then; what was bought before counts whenever it comes.
    fn until(&self, at: WallTime) -> Vec<Coming> {
        let brings = |coming: &&Coming| coming.at <= at || self.is_bought(coming);
        let mut coming: Vec<Coming> = self.coming.iter().filter(brings).chain(&self.planned).copied().collect();
        coming.sort_unstable();
        coming
    }

    /// Units that nothing brings to those who may have them of a node.
    pub fn lacks_by(&self, demand: &Demand, eta: WallTime, node: NodeIndex) -> u64 {
        let mut lacks = 0;
        demand.serve(&mut self.until(eta), |waits, units, supply| {
            if supply.is_none() && waits.may_have(node) {
                lacks += u64::from(units);
            }
        });
        lacks
    }

    /// Units are about to be bought.
    pub fn plan(&mut self, eta: WallTime, node: NodeIndex, units: u32) {
        self.planned.push(Coming { at: eta, document: SupplyKey::Inbound(InboundKey(u64::MAX)), node, units });
    }

    /// The last document to come that was bought for more than is wanted beside what comes until its date, and no later than
    /// what is bought now would (`soonest`): what is given back is not bought again. And by how much.
    pub fn surplus(&self, demand: &Demand, soonest: Option<WallTime>) -> Option<(InboundKey, u32)> {
        let last = self.coming.iter().rfind(|coming| self.is_bought(coming))?;
        let mut left = self.until(soonest.map_or(last.at, |soonest| soonest.min(last.at)));
        demand.serve(&mut left, |_, _, _| {});
        let beyond = |coming: &Coming| match coming.document {
            SupplyKey::Inbound(key) if coming.units > 0 && self.is_bought(coming) => Some((key, coming.units)),
            SupplyKey::Inbound(_) | SupplyKey::Transfer(_) => None,
        };
        left.iter().rev().find_map(beyond)
    }

    /// Units of a node that were bought on a day, and those that are open.
    pub fn at(&self, node: NodeIndex, day: i64) -> (u64, u64) {
        let own = self.bought.values().filter(|bought| bought.node == node && bought.day == day);
        let today = own.map(|bought| u64::from(bought.units)).sum();
        let open = self.coming.iter().filter(|coming| coming.node == node && self.is_bought(coming));
        (today, open.map(|coming| u64::from(coming.units)).sum())
    }
}

impl Engine {
    /// For whom a sku is bought, once its queue is as the change has it, which holds its ledger.
    pub(super) fn demand_to_buy_for(&self, network: &Network, change: &mut Change<'_>, sku: SkuIndex) -> Demand {
        let mut waits = self.bought_together(network, sku, change.waits(sku));
        waits.retain(Waits::is_bought_for);
        let tried: u64 = waits.iter().filter(|w| w.loose.is_some()).map(|w| u64::from(w.units)).sum();
        if let Some(limited) = network.limits.of(sku) {
            let mut record = limited.seen();
            if let Some(share) = limited.share_of(change.whose()) {
                record.shares[share].used = record.shares[share].used.saturating_add(change.promised(sku));
            }
            for waits in &mut waits {
                let share = waits.loose.as_deref().and_then(|loose| limited.share_of(loose.whose));
                waits.units = share.map_or(0, |share| record.lacks(share, waits.units));
            }
        }
        // What is on its way to those without a right is not for those with one.
        let owned = change.ledger(sku).pooled().saturating_sub(tried);
        Demand::of(network, sku, waits, owned, |cell| change.leaves_free(cell))
    }

    /// Those who wait for a sku, each kit with the node at which what it lacks is bought.
    pub(super) fn bought_together(&self, network: &Network, sku: SkuIndex, mut waits: Vec<Waits>) -> Vec<Waits> {
        if network.catalogue.policies().has_supply() {
            waits.iter_mut().filter(|waits| waits.is_kit()).for_each(|kit| kit.at = self.meets_at(network, sku, kit));
        }
        waits
    }

    fn meets_at(&self, network: &Network, sku: SkuIndex, kit: &Waits) -> Option<NodeIndex> {
        let policies = network.catalogue.policies();
        let others = kit.loose.iter().flat_map(|loose| loose.others.iter().copied());
        let skus: Vec<SkuIndex> = std::iter::once(sku).chain(others).collect();
        let buying = skus.iter().flat_map(|sku| policies.just_in_time(*sku)).map(|(node, _)| node);
        let nodes: BTreeSet<NodeIndex> = buying.filter(|node| network.supplies(*node) && kit.may_have(*node)).collect();
        // The longest of the lead times at a node, where it has or gets every sku.
        let lead_s = |node: NodeIndex| {
            skus.iter().try_fold(0, |longest: u32, sku| match policies.supply(*sku, node) {
                Some(SupplyTerms::JustInTime(terms)) => Some(longest.max(terms.lead_s)),
                _ => self.is_at_hand(network, CellKey { sku: *sku, node }).then_some(longest),
            })
        };
        nodes.into_iter().filter_map(|node| Some((lead_s(node)?, node))).min().map(|(_, node)| node)
    }

    /// Whether units of a cell are free or on their way.
    fn is_at_hand(&self, network: &Network, cell: CellKey) -> bool {
        network.cell(cell).is_some_and(|cell| cell.word.free_or_flying() > 0) || self.incoming(cell) > 0
    }
}
