//! What is still to be fetched, in walking order, as it is printed: of a fulfilment order, and of a task of a wave. What is
//! *not* here: how it looks (`papers`), and the order itself (`domain::picking`).

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::pick_task::still_wanted;
use crate::domain::decision::LineUnits;
use crate::domain::ids::{FulfillmentKey, NodeIndex, OrderKey, SkuIndex};
use crate::domain::order::Order;
use crate::domain::picking::{self, Fetch, Pick, PickMethod, Wanted};
use crate::domain::stock::CellKey;
use crate::domain::time::JournalTime;
use crate::domain::wave::{PickTask, Wave};

impl Engine {
    /// What of a fulfilment order is still to be picked, of kits their components, in the order of its bins; nothing where
    /// there is no such one.
    pub fn to_fetch(&self, order: &Order, number: u16) -> Vec<Fetch> {
        let Some(own) = order.fulfillment(number) else { return Vec::new() };
        let fulfillment = FulfillmentKey { order: order.key, number };
        let wanted = |line: u16, line_units: u32| {
            let placed = &order.lines[usize::from(line)].placed;
            let stock = order.stock_of(LineUnits { line, quantity: line_units });
            // What has no stock is done by somebody too.
            let parts = if stock.is_empty() { vec![(placed.sku, line_units)] } else { stock };
            parts.into_iter().map(move |(sku, units)| Wanted {
                fulfillment,
                line,
                line_units,
                sku,
                units,
                place: self.bin(CellKey { sku, node: own.node }),
            })
        };
        let left = own.lines.iter().map(|part| (part.line, part.quantity - part.picked)).filter(|(_, left)| *left > 0);
        let wanted: Vec<Wanted> = left.flat_map(|(line, left)| wanted(line, left)).collect();
        let rule = self.catalogue(|catalogue| catalogue.policies().picking(own.node));
        let tours = picking::tours(PickMethod::Discrete, &rule, &wanted);
        let picks = tours.into_iter().flat_map(|tour| tour.picks);
        picks.map(|pick| self.fetch(own.node, &pick, pick.units)).collect()
    }

    /// What of a task is still to be fetched, in its order: what its fulfilment orders still want of it; nothing of one that
    /// ended.
    pub fn task_to_fetch(&self, wave: &Wave, task: &PickTask, now: JournalTime) -> Vec<Fetch> {
        if task.status.legal().is_empty() {
            return Vec::new();
        }
        let keys: BTreeSet<OrderKey> = task.picks.iter().map(|line| line.pick.fulfillment.order).collect();
        let orders: BTreeMap<_, _> =
            keys.into_iter().filter_map(|key| Some((key, self.order_in_memory(key)?))).collect();
        let wanted = still_wanted(|key| orders.get(&key).map(|order| &**order), wave, task, now);
        let left = |pick: &Pick| -> u64 {
            let line = |own: &Pick| (own.fulfillment, own.line);
            let entries = task.picks.iter().map(|own| &own.pick).zip(&wanted);
            let completes = entries.into_iter().find(|(own, _)| line(own) == line(pick) && own.completes > 0);
            completes.map_or(0, |(own, left)| u64::from(pick.units) * u64::from(*left) / u64::from(own.completes))
        };
        let left = task.picks.iter().map(|own| (&own.pick, u32::try_from(left(&own.pick)).unwrap_or(u32::MAX)));
        left.filter(|(_, units)| *units > 0).map(|(pick, units)| self.fetch(wave.node, pick, units)).collect()
    }

    fn fetch(&self, node: NodeIndex, pick: &Pick, units: u32) -> Fetch {
        let aisle = |sku: SkuIndex| self.bin(CellKey { sku, node }).map(|place| place.aisle);
        let Pick { fulfillment, line, sku, .. } = *pick;
        Fetch { fulfillment, line, sku, units, bin: pick.bin.clone(), aisle: aisle(sku).filter(|_| pick.bin.is_some()) }
    }
}
