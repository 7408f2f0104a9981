//! How many parcels what a node gives goes in, and what is paid for all units of an order from one node.
//!
//! What is *not* here: the fence that minds it, and the parcels of a plan, which the kernel divides (`weighing`).

use super::{Asked, Candidate, Chosen, Scales, Table, UNIT_TERMS, unit_costs};
use crate::domain::carrier::parcels::{Freight, Units};
use crate::domain::carrier::rates::Parcel;
use crate::domain::decision::LineUnits;
use crate::domain::sourcing::costed::Rates;
use crate::domain::sourcing::{Need, Problem as Listed};
use crate::domain::weighed::WeighedLine;

impl Scales {
    /// How many parcels weight forces on a node with this table.
    pub(super) fn parcels_of(&self, listed: &Listed, at: usize, table: &Table) -> u32 {
        let has = listed.has(at);
        let (mut load_g, mut parcels) = (0_u64, 0_u64);
        for (number, (line, own)) in listed.lines.iter().zip(&self.lines).enumerate() {
            let makes = |need: &Need| has[usize::from(need.slot)].checked_div(need.per_unit).unwrap_or(u32::MAX);
            let units = u64::from(listed.needs_of(number).iter().map(makes).fold(line.quantity, u32::min));
            load_g = load_g.saturating_add(own.unit_weight_g.saturating_mul(units));
            let mut left = units;
            while left > 0 {
                let fit = self.most_carried(table, own.unit_weight_g, left);
                let Some(full) = left.checked_div(fit) else { break };
                parcels = parcels.saturating_add(full);
                left -= full * fit;
            }
        }
        if self.asks(table, load_g).is_some() { 1 } else { u32::try_from(parcels.max(1)).unwrap_or(u32::MAX) }
    }

    /// The most units of one load, up to so many, that go in one parcel.
    fn most_carried(&self, table: &Table, unit: u64, most: u64) -> u64 {
        let carries = |units: &u64| self.asks(table, unit.saturating_mul(*units)).is_some();
        if self.loads.is_by_size() || unit == 0 {
            // Loads by size are few.
            let least = if unit == 0 { most } else { 1 };
            return (least..=most).rev().find(carries).unwrap_or(0);
        }
        let ends = self.up_to_g[..table.costs.len()].iter().rev();
        ends.map(|up_to| most.min(up_to / unit)).find(|units| *units > 0 && carries(units)).unwrap_or(0)
    }

    /// What is asked for a parcel of a load; `None` when nobody carries it.
    fn asks<'t>(&self, table: &'t Table, load: u64) -> Option<&'t Chosen> {
        let bracket = self.bracket(load);
        table.costs.get(bracket).filter(|cost| **cost != Rates::NONE).map(|_| &table.chosen[bracket])
    }

    /// In how many parcels all units go from a node, and what carriers ask for them: in one, or else in those that weight
    /// forces, or else each by itself; `None` when nobody carries some unit.
    fn carriage(&self, asked: &Asked<'_>, table: &Table) -> Option<(i64, i64)> {
        let load = |(line, u): (&WeighedLine, &LineUnits)| line.unit_weight_g.saturating_mul(u64::from(u.quantity));
        let whole = self.lines.iter().zip(asked.units).map(load).fold(0, u64::saturating_add);
        if let Some(chosen) = self.asks(table, whole) {
            return Some((1, chosen.price));
        }
        let heaviest = self.loads.parcel(self.up_to_g[table.costs.len() - 1], 0).weight_g;
        let units = self.lines.iter().zip(asked.units);
        let unit = |line: &WeighedLine| self.loads.parcel(line.unit_weight_g, 0);
        let units: Vec<Units> = units.map(|(line, u)| Units { unit: unit(line), quantity: u.quantity }).collect();
        let alone = units.clone().into_iter().map(|own| (own.unit, own.quantity));
        let packed = Freight::Units(units).packed(u32::try_from(heaviest).unwrap_or(u32::MAX)).ok();
        let packed = packed.and_then(|packed| self.ask_all(table, packed.iter().map(|own| (own.parcel, own.count))));
        packed.or_else(|| self.ask_all(table, alone))
    }

    /// How many parcels these are, equal ones told with their number, and what is asked for them all; `None` when nobody
    /// carries one.
    fn ask_all(&self, table: &Table, mut parcels: impl Iterator<Item = (Parcel, u32)>) -> Option<(i64, i64)> {
        parcels.try_fold((0_i64, 0_i64), |(parcels, price), (parcel, count)| {
            let one = self.asks(table, self.loads.load(&parcel))?.price;
            let count = i64::from(count);
            Some((parcels + count, price.saturating_add(one.saturating_mul(count))))
        })
    }

    /// What is paid for all units from a node, in as many parcels as weight forces; `None` when nobody carries some unit.
    pub(super) fn landed_cost(&self, asked: &Asked<'_>, listed: &Listed, candidate: &Candidate) -> Option<i64> {
        let (parcels, carried) = self.carriage(asked, &self.tables[candidate.table])?;
        let split = asked.weights.split.saturating_mul(parcels - 1);
        let of_parcels = candidate.parcel.paid().saturating_mul(parcels).saturating_add(carried).saturating_add(split);
        let of_units = (0..listed.lines.len()).map(|line| {
            let each = unit_costs((asked.weights, self.by_service), listed, &self.own, candidate, line);
            let paid = UNIT_TERMS.into_iter().zip(each).filter(|(term, _)| term.is_paid());
            paid.map(|(_, amount)| amount).sum::<i64>().saturating_mul(i64::from(asked.units[line].quantity))
        });
        Some(of_units.fold(of_parcels, i64::saturating_add))
    }
}
