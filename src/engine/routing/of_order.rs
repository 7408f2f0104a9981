//! What routing asks for an order that is there.

use std::collections::BTreeMap;

use super::{Counting, LineUnits, Network, PlacedLine, Position, Wanted, Whose, Word};
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
    whose: Whose,
    rules: &'a GroupRules,
    now: Now,
}

impl<'a> Asked<'a> {
    /// An order that is sourced now, by these rules.
    pub fn of(network: &Network, order: &'a Order, rules: &'a GroupRules, now: Now) -> Self {
        let lines = order.lines.iter().map(|line| line.placed.clone()).collect();
        Self { lines, order, destinations: positions_of(order), whose: network.whose_order(order), rules, now }
    }

    /// Units of its lines; no reservation holds any of them.
    pub fn wanted<'b>(&'b self, units: &'b [LineUnits]) -> Wanted<'b> {
        let Self { lines, order, destinations, whose, rules, now } = self;
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
