//! Laws of what comes back, read off the records alone.
//!
//! What a record says of returned units is what it does to stock, no more and no less; a return and its order agree on what
//! came; no more goes back, or over to what the customer gets instead, than the units are worth, and no more of an order's
//! money than its returns gave. What is *not* here: that no more is given back than was paid, which stands in `judge`.

use std::collections::BTreeMap;

use super::{Judge, Lawful, law};
use crate::domain::decision::LineUnits;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Event;
use crate::domain::payment::PaymentMark;
use crate::domain::record::Record;
use crate::domain::returns::{Disposition, Return, ReturnEvent, ReturnLine, StockEffect};
use crate::domain::stock::CellKey;

impl Judge {
    /// On hand there is so much more as a record says that it stays of what came back.
    pub(super) fn came_back(&self, record: &Record) -> Lawful {
        let mut stay: BTreeMap<CellKey, i64> = BTreeMap::new();
        let mut is_any = false;
        for event in &record.events {
            let Event::ReturnChanged(changed) = event else { continue };
            is_any = true;
            if let ReturnEvent::Pieces { pieces } = &changed.event {
                for piece in pieces.iter().filter(|piece| !piece.is_missing() && stays(piece.disposition)) {
                    let cell = CellKey { sku: piece.sku, node: piece.node };
                    *stay.entry(cell).or_default() += i64::from(piece.units);
                }
            }
            let (ReturnEvent::Received { parts } | ReturnEvent::Inspected { parts } | ReturnEvent::Disposed { parts }) =
                &changed.event
            else {
                continue;
            };
            let Some(Entity::Return(known)) = self.appended.entity(&EntityKey::Return(changed.key)) else {
                return Err(format!("{changed:?} is of no return"));
            };
            let Some(Entity::Order(order)) = self.appended.entity(&EntityKey::Order(known.order)) else {
                return Err(format!("{changed:?} is of no order"));
            };
            for part in parts.iter().filter(|part| !part.is_missing() && stays(part.disposition)) {
                let line = known.lines[usize::from(part.line)].line;
                for (sku, units) in order.stock_of(LineUnits { line, quantity: part.units }) {
                    *stay.entry(CellKey { sku, node: part.node }).or_default() += i64::from(units);
                }
            }
        }
        if !is_any {
            return Ok(());
        }
        let mut moved: BTreeMap<CellKey, i64> = BTreeMap::new();
        for event in &record.events {
            let Event::StockMoved(own) = event else { continue };
            *moved.entry(own.cell).or_default() += i64::from(own.delta.on_hand);
        }
        moved.retain(|_, units| *units != 0);
        law!(moved == stay, "{stay:?} stay of what came back, {moved:?} are more on hand: {record:?}");
        Ok(())
    }

    /// A return is what its order knows of it, and gives back no more than it is worth.
    pub(super) fn adds_up(&self, known: &Return) -> Lawful {
        let name = known.name();
        let worth: i64 = known.lines.iter().map(|line| line.value).sum();
        let given = known.refunded + known.credited.max(0);
        law!(known.refunded >= 0 && known.credited >= 0, "{name} gave {} and {}", known.refunded, known.credited);
        law!(given <= worth, "{given} went back for {name}, which is worth {worth}");
        for (at, line) in (0..).zip(&known.lines) {
            let apart = known.apart(at);
            let (came, said) = (u64::from(line.received), units_of(line) + apart.map_or(0, |own| u64::from(own.kits)));
            for own in apart.into_iter().flat_map(|own| &own.components) {
                let held: u32 = own.held.iter().map(|held| held.units).sum();
                let disposed: u32 = own.disposed.iter().map(|disposed| disposed.units).sum();
                let all = apart.map_or(0, |apart| apart.kits * own.part.each);
                law!(held + disposed + own.missing == all, "of {all} of {name} something is said: {own:?}");
            }
            law!(came == said, "{came} of {name} came, and something is said of {said}: {line:?}");
            let all = came + u64::from(line.missing);
            law!(all <= u64::from(line.quantity), "{all} of {name} came or are missing: {line:?}");
        }
        let Some(Entity::Order(order)) = self.appended.entity(&EntityKey::Order(known.order)) else {
            return Err(format!("{name} is of no order"));
        };
        let own = order.returns.iter().find(|own| own.key == known.key);
        let Some(own) = own else { return Err(format!("{} knows nothing of {name}", order.name())) };
        law!(own.is_open == known.end.is_none(), "{name} is {:?}, its order says {own:?}", known.status());
        for line in &known.lines {
            let told = own.lines.iter().filter(|own| own.line == line.line);
            let received: u32 = told.map(|own| own.received).sum();
            let came: u32 = known.lines.iter().filter(|same| same.line == line.line).map(|same| same.received).sum();
            law!(received == came, "{came} of {name} came, its order says {received}: {known:?}");
        }
        let refunds = order.payments.iter().filter(|fact| fact.mark == PaymentMark::Refunded);
        let refunds: i64 = refunds.map(|fact| fact.amount).sum();
        let returns = order.returns.iter().filter_map(|own| match self.appended.entity(&EntityKey::Return(own.key)) {
            Some(Entity::Return(known)) => Some(known.refunded),
            _ => None,
        });
        let gave: i64 = returns.sum();
        law!(gave <= refunds, "returns of {} gave {gave}, its payments say {refunds}", order.name());
        Ok(())
    }
}

/// Whether units are at the node that received them from then on.
fn stays(disposition: Option<Disposition>) -> bool {
    matches!(
        disposition.map(Disposition::effect),
        Some(StockEffect::Free | StockEffect::QualityControl | StockEffect::Damaged)
    )
}

/// Units of which nobody has said what becomes of them, and of which somebody has.
fn units_of(line: &ReturnLine) -> u64 {
    let held = line.held.iter().map(|held| u64::from(held.units));
    let came = line.disposed.iter().filter(|own| own.disposition != Disposition::Missing);
    held.chain(came.map(|own| u64::from(own.units))).sum()
}
