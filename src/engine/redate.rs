//! Whose promises change when a document of supply is re-dated or called off, told with the answer.
//!
//! Pegs are read off as they are and as they would be, under the ledger of each sku in turn, before the record is made: it
//! carries the first [`REDATED_TOLD_MAX`] of them where a repeat has to be answered alike. Costs nothing where nobody
//! waits. What is *not* here: the pegs (`inbound`), and what two of them have to do with each other (`domain::redating`).

use std::collections::BTreeSet;

use super::Engine;
use super::inbound::{beyond_owed, pegged};
use super::network::Network;
use crate::domain::command::InboundAction;
use crate::domain::event::Answer;
use crate::domain::ids::SkuIndex;
use crate::domain::inbound::{Coming, Inbound, SupplyKey};
use crate::domain::limits::REDATED_TOLD_MAX;
use crate::domain::redating::{Redated, RedatedLine, redated};
use crate::domain::reply::Reply;
use crate::domain::time::WallTime;
use crate::domain::transfer::Transfer;

impl Engine {
    /// How a change of a locked document is answered: with the promises it changes, where it can change some.
    pub(super) fn told_of(&self, network: &Network, inbound: &Inbound, action: &InboundAction) -> Answer {
        let mut first = match action {
            InboundAction::Redate(eta) => self.redated_by(network, inbound, Some(*eta)),
            InboundAction::End(_) => self.redated_by(network, inbound, None),
            InboundAction::Receive(_) => return Answer::Inbound(inbound.key),
        };
        let count = cut(&mut first);
        Answer::Redated { inbound: inbound.key, count, first }
    }

    /// The same of a locked transfer that comes on another day; not at all when `None`.
    pub(super) fn told_of_transfer(&self, network: &Network, transfer: &Transfer, eta: Option<WallTime>) -> Answer {
        let skus = transfer.coming().map(|(sku, _)| sku).collect();
        let mut first = self.redated(network, SupplyKey::Transfer(transfer.key), skus, eta);
        let count = cut(&mut first);
        Answer::RedatedTransfer { transfer: transfer.key, count, first }
    }

    fn redated_by(&self, network: &Network, inbound: &Inbound, eta: Option<WallTime>) -> Vec<Redated> {
        let open = inbound.lines.iter().filter(|line| line.open() > 0);
        self.redated(network, SupplyKey::Inbound(inbound.key), open.map(|line| line.sku).collect(), eta)
    }

    /// Who is promised another day when a document of these skus comes at `eta`; not at all when `None`.
    fn redated(
        &self,
        network: &Network,
        document: SupplyKey,
        skus: BTreeSet<SkuIndex>,
        eta: Option<WallTime>,
    ) -> Vec<Redated> {
        let of_sku = |sku: SkuIndex| {
            let (demand, was, now) = {
                let ledger = network.sku(sku).ledger.lock();
                if ledger.queue().is_empty() && ledger.loose().is_empty() {
                    return Vec::new();
                }
                let was = self.arrivals.of(sku);
                let then = |coming: &Coming| match coming.document == document {
                    true => eta.map(|at| Coming { at, ..*coming }),
                    false => Some(*coming),
                };
                let mut now: Vec<Coming> = was.iter().filter_map(then).collect();
                now.sort_unstable();
                let beyond = |coming| beyond_owed(network, sku, &ledger, coming);
                (self.demand(network, sku, &ledger), beyond(was), beyond(now))
            };
            redated(&pegged(network, sku, &demand, was), &pegged(network, sku, &demand, now))
        };
        skus.into_iter().flat_map(of_sku).collect()
    }

    /// The answer with the names of orders and lines. The caller holds no entity.
    pub(super) fn named_redated(&self, inbound: Inbound, count: u32, first: &[Redated]) -> Reply {
        Reply::Redated { inbound: Box::new(inbound), count, first: self.named_lines(first) }
    }

    /// The same of a transfer.
    pub(super) fn named_redated_transfer(&self, transfer: Transfer, count: u32, first: &[Redated]) -> Reply {
        Reply::RedatedTransfer { transfer: Box::new(transfer), count, first: self.named_lines(first) }
    }

    fn named_lines(&self, first: &[Redated]) -> Vec<RedatedLine> {
        let named = |told: &Redated| {
            let order = self.order_by_key(told.order);
            let line = order.as_ref().and_then(|order| order.lines.get(usize::from(told.line)));
            let line = line.map_or_else(|| (told.line + 1).to_string().as_str().into(), |line| line.placed.id.clone());
            let order = order.map_or_else(|| told.order.to_string(), |order| order.name());
            RedatedLine { order, line, told: *told }
        };
        first.iter().map(named).collect()
    }
}

/// How many there are; so many of them stay as an answer lists.
fn cut(first: &mut Vec<Redated>) -> u32 {
    let count = u32::try_from(first.len()).unwrap_or(u32::MAX);
    first.truncate(REDATED_TOLD_MAX);
    count
}
