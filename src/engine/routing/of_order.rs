//! What routing asks for an order that is there.

use std::collections::BTreeMap;

use super::{Counting, LineUnits, Network, PlacedLine, Position, Wanted, Whose, Word};
use crate::domain::fulfillment::FulfillmentLine;
use crate::domain::order::Order;
use crate::domain::rules::groups::GroupRules;
use crate::domain::stock::CellKey;
use crate::domain::time::Now;
use crate::engine::place::positions_of;

static NOBODYS: BTreeMap<CellKey, u32> = BTreeMap::new();

/// An order as it is asked for: what of it is put together once, and lent to the questions.
pub struct Asked<'a> {
    /// Its lines.
    pub lines: Vec<PlacedLine>,
    order: &'a Order,
    destinations: Vec<Option<Position>>,
    earlier: Vec<u16>,
    whose: Whose,
    rules: &'a GroupRules,
    now: Now,
}

impl<'a> Asked<'a> {
    /// An order that is sourced now, by these rules.
    pub fn of(network: &Network, order: &'a Order, rules: &'a GroupRules, now: Now) -> Self {
        let lines = order.lines.iter().map(|line| line.placed.clone()).collect();
        let (destinations, whose) = (positions_of(order), network.whose_order(order));
        Self { lines, order, destinations, earlier: shipped_to(order), whose, rules, now }
    }

    /// Units of its lines; no reservation holds any of them.
    pub fn wanted<'b>(&'b self, units: &'b [LineUnits]) -> Wanted<'b> {
        let Self { lines, order, destinations, earlier, whose, rules, now } = self;
        Wanted {
            lines,
            units,
            destinations,
            to: &order.facts.destinations,
            placed_at: order.facts.placed_at,
            at: now.wall,
            known_at: now.journal,
            release_at: order.release_at.map(|release| release.wall),
            dates: order.dates(),
            leaving: &[],
            behind: &[],
            earlier,
            fenced: &order.fenced,
            preferred: order.preferred_node(),
            only: order.collected_at(0),
            ways: &order.ways,
            bookings: order.bookings(),
            own: &NOBODYS,
            counts: Word::free,
            counting: Counting::Now,
            whose: *whose,
            own_whose: Whose::Nobody,
            rules: &rules.own,
            others: &rules.others,
            method: &order.facts.delivery_method,
        }
    }
}

/// The destinations of shipments of stock that an order has, of each as often as there are.
fn shipped_to(order: &Order) -> Vec<u16> {
    let has_stock = |units: &FulfillmentLine| order.lines[usize::from(units.line)].placed.stocked;
    let live = order.fulfillment_orders.iter().filter(|own| own.status.is_live());
    live.filter(|own| own.lines.iter().any(has_stock)).map(|own| own.group).collect()
}
