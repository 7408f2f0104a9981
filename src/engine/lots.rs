//! Lots and serial numbers: named by whoever brings, takes or picks units, and what the clock does with those that expire.
//!
//! What happens to lots is decided under the ledger of their sku, against the lots as the earlier parts of the same change
//! leave them, and is logged in the record that moves the units. A pick that names nothing takes what expires first; what
//! has expired is not picked. Units of an expired lot that are free go to quality control, one record per lot, at the first
//! tick after its end and again whenever some come free; until then whoever was promised them is not robbed. Units that
//! arrive expired never are free.
//!
//! Cost: naming copies the lots of its sku, which are at most `LOTS_MAX`. A sku that is not tracked pays nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::change::Change;
use super::network::Network;
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use crate::domain::command::{CameUnits, NamedLot, Names, StockState};
use crate::domain::decision::LineUnits;
use crate::domain::fulfillment::{FulfillmentOrder, FulfillmentStep};
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{FulfillmentKey, NodeIndex, SkuIndex, Text};
use crate::domain::item::Tracking;
use crate::domain::limits::LOTS_MAX;
use crate::domain::lots::{Found, Identified, Lot, LotChange, LotUnits, LotView, LotsView, SkuLots};
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};
use crate::domain::time::{JournalTime, Now, WallTime};

/// Skus whose lots the clock looks at in one tick.
const LOOKED_AT_MAX: usize = 256;

/// When the clock looks at the lots of a sku; each has one entry.
#[derive(Debug, Default)]
pub struct Appointments {
    of: BTreeMap<SkuIndex, JournalTime>,
    soonest: BTreeSet<(JournalTime, SkuIndex)>,
}

impl Appointments {
    /// Then, if not sooner.
    fn make(&mut self, at: JournalTime, sku: SkuIndex) {
        match self.of.get(&sku).copied() {
            Some(before) if before <= at => return,
            Some(before) => drop(self.soonest.remove(&(before, sku))),
            None => {}
        }
        self.of.insert(sku, at);
        self.soonest.insert((at, sku));
    }

    fn take_due(&mut self, now: JournalTime) -> Vec<SkuIndex> {
        let due: Vec<_> = self.soonest.iter().take_while(|(at, _)| *at <= now).take(LOOKED_AT_MAX).copied().collect();
        for entry in &due {
            self.soonest.remove(entry);
            self.of.remove(&entry.1);
        }
        due.into_iter().map(|(_, sku)| sku).collect()
    }

    fn next(&self) -> Option<JournalTime> {
        self.soonest.first().map(|(at, _)| *at)
    }
}

impl Engine {
    /// The lots of a sku at a node. May be ahead of the disk by what is in flight.
    pub fn lots(&self, sku: &str, node: &str) -> Result<LotsView, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let (index, at) = find(&network, sku, node)?;
        let as_of = self.position();
        let ledger = network.sku(index).ledger.lock();
        let position = network.sku(index).cells.of(at).map(|cell| cell.position);
        let on_hand = position.map_or(0, |position| u64::from(ledger.at(position).on_hand));
        let mut lots: BTreeMap<Text, LotView> = BTreeMap::new();
        for (lot, own) in ledger.lots().into_iter().flat_map(|lots| lots.at(at)) {
            let (lot, expires_at) = (lot.clone(), own.expires_at);
            lots.insert(lot.clone(), LotView { lot, expires_at, on_hand: own.units, picked: 0, expired: own.blocked });
        }
        for (_, pick) in ledger.lots().into_iter().flat_map(|lots| lots.picked_at(at)) {
            let (lot, expires_at) = (pick.lot.clone(), pick.expires_at);
            let none = LotView { lot: lot.clone(), expires_at, on_hand: 0, picked: 0, expired: 0 };
            let view = lots.entry(lot).or_insert(none);
            view.on_hand += pick.units;
            view.picked += pick.units;
        }
        let known: u64 = lots.values().map(|lot| u64::from(lot.on_hand)).sum();
        let tracking = network.catalogue.item(index).tracking;
        Ok(LotsView { tracking, unassigned: on_hand.saturating_sub(known), lots: lots.into_values().collect(), as_of })
    }

    /// Where a serial number is, and the name of that node. What left the house is told by its order.
    pub fn serial(&self, sku: &str, serial: &str) -> Result<(Found, Text), Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let index = network.sku_index(sku).ok_or_else(|| Rejection::not_found("item", sku))?;
        let is_serial = network.catalogue.item(index).tracking == Some(Tracking::Serial);
        let ledger = network.sku(index).ledger.lock();
        let found = ledger.lots().filter(|_| is_serial).and_then(|lots| lots.find(&serial.into()));
        let found = found.ok_or_else(|| Rejection::not_found("serial", serial))?;
        Ok((found, network.catalogue.node(found.node).id.clone()))
    }

    /// All lots of a sku, for checks and tests.
    pub fn sku_lots(&self, sku: SkuIndex) -> Option<SkuLots> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        network.sku(sku).ledger.lock().lots().cloned()
    }

    /// Tells the clock of the next end of a lot of these skus.
    pub(super) fn watch_lots(&self, turn: &Turn<'_>, network: &Network, skus: &BTreeSet<SkuIndex>) {
        for sku in skus.iter().filter(|sku| network.catalogue.item(**sku).tracking.is_some()) {
            self.watch_sku(network, *sku, turn.log.now());
        }
    }

    /// Tells the clock of all lots, at start.
    pub(super) fn watch_all_lots(&self, network: &Network, now: Now) {
        for (sku, _) in (0..).map(SkuIndex).zip(network.catalogue.items()).filter(|(_, item)| item.tracking.is_some()) {
            self.watch_sku(network, sku, now);
        }
    }

    fn watch_sku(&self, network: &Network, sku: SkuIndex, now: Now) {
        let next = network.sku(sku).ledger.lock().lots().and_then(SkuLots::next_expiry);
        if let Some(at) = next {
            // It may be used until the end of that instant.
            let at = ReleaseAt::of(WallTime(at.0.saturating_add(1)), now).journal;
            self.lots_due.lock().make(at, sku);
        }
    }

    /// Moves free units of lots that have expired to quality control; answers when the clock should come again.
    pub(super) fn lots_expire(&self, turn: &Turn<'_>) -> Option<JournalTime> {
        let now = turn.log.now();
        let due = self.lots_due.lock().take_due(now.journal);
        for sku in due {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let expired = network.sku(sku).ledger.lock().lots().map(|lots| lots.expired(now.wall)).unwrap_or_default();
            for (node, lot) in expired {
                self.block(turn, &network, CellKey { sku, node }, &lot);
            }
            let left = network.sku(sku).ledger.lock().lots().is_some_and(|lots| !lots.expired(now.wall).is_empty());
            if left {
                // What is promised may come free at any time.
                self.lots_due.lock().make(now.journal.plus_s(1), sku);
            } else {
                self.watch_sku(&network, sku, now);
            }
        }
        self.lots_due.lock().next()
    }

    /// Moves what is free of a cell, and no more than the lot has, to quality control.
    fn block(&self, turn: &Turn<'_>, network: &Network, cell: CellKey, lot: &Text) {
        let mut change = Change::lock(network, &BTreeSet::from([cell.sku]));
        change.ensure(cell);
        let own = change.ledger(cell.sku).lots().and_then(|lots| lots.lot(cell.node, lot)).copied();
        let Some(own) = own.filter(|own| own.has_expired(turn.log.now().wall)) else { return };
        let word = network.cell(cell).expect("just ensured").word;
        let mut withdrawal = Withdrawal::nothing();
        let units = withdrawal.add_up_to(word, network.limited(cell), own.unblocked());
        if units == 0 {
            return;
        }
        change.withdrawn(cell, units, MovementKind::StateChanged);
        let delta = LevelDelta { quality_control: units as i32, ..LevelDelta::default() };
        change.shift(cell, MovementKind::StateChanged, delta);
        change.lots(cell.sku, LotChange::Blocked { node: cell.node, lot: lot.clone(), units });
        let events = change.events().collect();
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, None).expect("a few events are small");
        let touched = turn.log(self, sealed, change, withdrawal).done();
        self.follow_up(turn, network, touched);
    }
}

/// What a command names, judged against the lots as its earlier parts leave them.
pub(super) struct NamedLots<'n> {
    network: &'n Network,
    now: WallTime,
    /// Where units come from whose serial numbers may still stand there.
    from: Option<NodeIndex>,
    lots: BTreeMap<SkuIndex, SkuLots>,
    inspected: BTreeMap<CellKey, u32>,
}

impl<'n> NamedLots<'n> {
    /// Nothing is named yet.
    pub fn at(network: &'n Network, now: WallTime) -> Self {
        Self { network, now, from: None, lots: BTreeMap::new(), inspected: BTreeMap::new() }
    }

    /// Units come from another node, where their serial numbers may still stand.
    pub fn coming_from(self, node: NodeIndex) -> Self {
        Self { from: Some(node), ..self }
    }

    /// Units that came: given, but expired ones, which go to quality control. Needs the ledger.
    pub fn receive(
        &mut self,
        change: &mut Change<'_>,
        cell: CellKey,
        came: &CameUnits,
        kind: MovementKind,
        path: &str,
    ) -> Result<(), Rejection> {
        let units = came.units.quantity.units();
        let inspected = self.arrive(change, cell, units, &came.names, path)?;
        if inspected > 0 {
            let n = inspected as i32;
            change.shift(cell, kind, LevelDelta { on_hand: n, quality_control: n, ..LevelDelta::default() });
        }
        change.give(cell, units - inspected, kind, |delta, n| delta.on_hand += n);
        Ok(())
    }

    /// Names units that came; answers how many of them have expired. Needs the ledger.
    pub fn arrive(
        &mut self,
        change: &mut Change<'_>,
        cell: CellKey,
        units: u32,
        names: &Names,
        path: &str,
    ) -> Result<u32, Rejection> {
        let mut inspected = 0;
        for (field, one) in self.named(cell.sku, units, names, path)? {
            let lot = one.lot.clone();
            let known = self.of(change, cell.sku).and_then(|lots| lots.expiry_of(&lot));
            if !names.serials.is_empty() && known.is_some() {
                self.bring(change, cell.sku, &lot, &field)?;
            }
            if let Some(Some(at)) = known
                && one.expires_at.is_some_and(|named| named != at)
            {
                let detail = format!("{lot} is known with another end of its use");
                return Err(Rejection::invalid(format!("{field}.expires_on"), "lot_differs", detail));
            }
            if self.of(change, cell.sku).is_some_and(|lots| lots.len() >= LOTS_MAX) {
                let detail = format!("of an item at most {LOTS_MAX} lots or serial numbers are known at a time");
                return Err(Rejection::invalid(field, "too_many_lots", detail));
            }
            let expires_at = one.expires_at.or(known.flatten());
            let blocked = if expires_at.is_some_and(|at| at < self.now) { one.units } else { 0 };
            inspected += blocked;
            let arrived = LotChange::Arrived { node: cell.node, lot, expires_at, units: one.units, blocked };
            self.take(change, cell.sku, arrived, &field)?;
        }
        Ok(inspected)
    }

    /// Names units that go; answers how many of them go from quality control, because they have expired. Needs the ledger.
    pub fn leave(
        &mut self,
        change: &mut Change<'_>,
        cell: CellKey,
        units: u32,
        names: &Names,
        path: &str,
    ) -> Result<u32, Rejection> {
        let mut inspected = 0;
        for (field, one) in self.named(cell.sku, units, names, path)? {
            let own = self.there(change, cell, one, &field)?;
            let blocked = own.blocked.min(one.units);
            inspected += blocked;
            let gone = LotChange::Gone { node: cell.node, lot: one.lot.clone(), units: one.units, blocked };
            self.take(change, cell.sku, gone, &field)?;
        }
        if inspected == 0 {
            return Ok(0);
        }
        // Somebody may have moved them on by hand.
        let before = self.inspected.entry(cell).or_default();
        let left = change.left_in(cell, StockState::QualityControl) - *before;
        let inspected = inspected.min(left);
        *before += inspected;
        Ok(inspected)
    }

    /// Names the units of a pick: those that are named, each with its place in the request, and of the rest those that
    /// expire first. Needs the ledgers of the skus that are tracked.
    pub fn pick<'a>(
        &mut self,
        change: &mut Change<'_>,
        (order, fulfillment): (&Order, &FulfillmentOrder),
        lines: &[LineUnits],
        names: impl Iterator<Item = (usize, &'a Text, &'a Names)>,
    ) -> Result<Vec<Identified>, Rejection> {
        let mut picked: BTreeMap<SkuIndex, u32> = BTreeMap::new();
        for (sku, units) in lines.iter().flat_map(|units| order.stock_of(*units)) {
            *picked.entry(sku).or_default() += units;
        }
        let nothing = Names::default();
        let mut named: BTreeMap<SkuIndex, (String, &Names)> = BTreeMap::new();
        for (at, sku, names) in names {
            let path = format!("named[{at}].");
            let known = self.network.sku_index(sku).filter(|sku| picked.contains_key(sku));
            let unknown = || Rejection::invalid(format!("{path}sku"), "unknown_sku", format!("{sku} is not picked"));
            let twice = || Rejection::invalid(format!("{path}sku"), "duplicate_sku", format!("{sku} is named twice"));
            let index = known.ok_or_else(unknown)?;
            if named.insert(index, (path.clone(), names)).is_some() {
                return Err(twice());
            }
        }
        let mut identified = Vec::new();
        let by = FulfillmentKey { order: order.key, number: fulfillment.number };
        for (sku, units) in picked {
            let (path, names) = named.remove(&sku).unwrap_or_else(|| (String::new(), &nothing));
            let cell = CellKey { sku, node: fulfillment.node };
            if self.network.catalogue.item(sku).tracking.is_some() || !names.is_empty() {
                self.pick_of(change, by, cell, units, (&path, names), &mut identified)?;
            }
        }
        Ok(identified)
    }

    fn pick_of(
        &mut self,
        change: &mut Change<'_>,
        by: FulfillmentKey,
        cell: CellKey,
        units: u32,
        (path, names): (&str, &Names),
        identified: &mut Vec<Identified>,
    ) -> Result<(), Rejection> {
        let mut taken: BTreeMap<Text, (u32, Option<WallTime>)> = BTreeMap::new();
        for (field, one) in self.named(cell.sku, units, names, path)? {
            let own = self.there(change, cell, one, &field)?;
            if own.has_expired(self.now) {
                return Err(Rejection::invalid(field, "lot_expired", format!("{} has expired", one.lot)));
            }
            let sum = &mut taken.entry(one.lot.clone()).or_insert((0, own.expires_at)).0;
            *sum += one.units;
            if *sum > own.unblocked() {
                let detail = format!("{} units of {} are there, {sum} were named", own.unblocked(), one.lot);
                return Err(Rejection::invalid(field, "quantity_out_of_range", detail));
            }
        }
        let mut left = units - taken.values().map(|(units, _)| units).sum::<u32>();
        let position = change.ensure(cell);
        let on_hand = u64::from(change.ledger(cell.sku).at(position).on_hand);
        let now = self.now;
        let Some(lots) = self.of(change, cell.sku) else { return Ok(()) };
        for (lot, own) in lots.expiring(cell.node).into_iter().filter(|(_, own)| !own.has_expired(now)) {
            let sum = &mut taken.entry(lot.clone()).or_insert((0, own.expires_at)).0;
            let more = left.min(own.unblocked() - *sum);
            *sum += more;
            left -= more;
        }
        let has_expired = lots.at(cell.node).any(|(_, own)| own.has_expired(now));
        let picked: u64 = lots.picked_at(cell.node).map(|(_, pick)| u64::from(pick.units)).sum();
        let unassigned = on_hand.saturating_sub(lots.units_at(cell.node) + picked);
        if has_expired && u64::from(left) > unassigned {
            return Err(Rejection::LotsExpired {
                id: by.to_string(),
                sku: self.network.sku_name(cell.sku),
                node: self.network.node_name(cell.node),
                usable: u64::from(units - left) + unassigned,
                requested: units,
            });
        }
        taken.retain(|_, (units, _)| *units > 0);
        if taken.is_empty() {
            return Ok(());
        }
        let of = |(lot, (units, _)): (&Text, &(u32, Option<WallTime>))| LotUnits { lot: lot.clone(), units: *units };
        let picked = LotChange::Picked { by, node: cell.node, units: taken.iter().map(of).collect() };
        self.take(change, cell.sku, picked, path)?;
        let told = |(lot, (units, expires_at))| Identified { sku: cell.sku, lot, expires_at, units };
        identified.extend(taken.into_iter().map(told));
        Ok(())
    }

    /// What a fulfilment order had picked came to another node with it: it has the same there. What is known to be elsewhere
    /// by now, or is tracked no more, is not named. Needs the ledgers of its skus.
    pub fn bring_along(
        &mut self,
        change: &mut Change<'_>,
        (order, fulfillment): (&Order, &FulfillmentOrder),
        step: &FulfillmentStep,
    ) -> Result<(), Rejection> {
        let (node, gone) = match step {
            FulfillmentStep::Received { node } => (*node, &[][..]),
            FulfillmentStep::ReceivedInPart { node, gone, .. } => (*node, &gone[..]),
            _ => return Ok(()),
        };
        let by = FulfillmentKey { order: order.key, number: fulfillment.number };
        let mut picked: BTreeMap<SkuIndex, Vec<LotUnits>> = BTreeMap::new();
        for Identified { sku, lot, expires_at, units } in &by_lot(&fulfillment.identified) {
            let missing = gone.iter().filter(|gone| (gone.sku, &gone.lot) == (*sku, lot)).map(|gone| gone.units);
            let units = &units.saturating_sub(missing.sum::<u32>());
            if *units == 0 {
                continue;
            }
            let is_serial = match self.network.catalogue.item(*sku).tracking {
                None => continue,
                Some(tracking) => tracking == Tracking::Serial,
            };
            let known = self.of(change, *sku);
            let elsewhere = is_serial && (*units != 1 || known.is_some_and(|lots| lots.find(lot).is_some()));
            if elsewhere || known.is_some_and(|lots| lots.len() >= LOTS_MAX) {
                continue;
            }
            let (lot, expires_at, units) = (lot.clone(), *expires_at, *units);
            let came = LotChange::Arrived { node, lot: lot.clone(), expires_at, units, blocked: 0 };
            self.take(change, *sku, came, "id")?;
            picked.entry(*sku).or_default().push(LotUnits { lot, units });
        }
        for (sku, units) in picked {
            self.take(change, sku, LotChange::Picked { by, node, units }, "id")?;
        }
        Ok(())
    }

    /// A serial number that is known: it leaves the node it comes from, and can be nowhere else.
    fn bring(&mut self, change: &mut Change<'_>, sku: SkuIndex, serial: &Text, field: &str) -> Result<(), Rejection> {
        let found = self.of(change, sku).and_then(|lots| lots.find(serial)).expect("it is known");
        if self.from != Some(found.node) || found.picked_by.is_some() {
            let detail = format!("{serial} is at {}", self.network.node_name(found.node));
            return Err(Rejection::invalid(field, "serial_taken", detail));
        }
        let gone = LotChange::Gone { node: found.node, lot: serial.clone(), units: 1, blocked: found.lot.blocked };
        self.take(change, sku, gone, field)
    }

    /// What is named, with the field that names it; refused when the sku is not tracked so, or when more is named than
    /// there are units.
    fn named<'c>(
        &self,
        sku: SkuIndex,
        units: u32,
        names: &'c Names,
        path: &str,
    ) -> Result<Vec<(String, &'c NamedLot)>, Rejection> {
        let tracking = self.network.catalogue.item(sku).tracking;
        let mut entries = Vec::new();
        let mut sum = 0u64;
        for (list, word, own, named) in [
            ("lots", "lot", Tracking::Lot, &names.lots),
            ("serials", "serial number", Tracking::Serial, &names.serials),
        ] {
            if !named.is_empty() && tracking != Some(own) {
                let detail = format!("{} is not tracked by {word}", self.network.sku_name(sku));
                return Err(Rejection::invalid(format!("{path}{list}"), "not_tracked", detail));
            }
            for (at, one) in named.iter().enumerate() {
                let field = format!("{path}{list}[{at}]");
                sum += u64::from(one.units);
                if sum > u64::from(units) {
                    let detail = format!("{sum} units are named of {units}");
                    return Err(Rejection::invalid(field, "quantity_out_of_range", detail));
                }
                entries.push((field, one));
            }
        }
        Ok(entries)
    }

    /// A lot that must be there, with at least what is named of it.
    fn there(&mut self, change: &mut Change<'_>, cell: CellKey, one: &NamedLot, field: &str) -> Result<Lot, Rejection> {
        let node = self.network.node_name(cell.node);
        let own = self.of(change, cell.sku).and_then(|lots| lots.lot(cell.node, &one.lot)).copied();
        let own = own.ok_or_else(|| {
            Rejection::invalid(field, "unknown_lot", format!("{} is not at {node}, or is picked", one.lot))
        })?;
        if own.units < one.units {
            let detail = format!("{} units of {} are at {node}, {} were named", own.units, one.lot, one.units);
            return Err(Rejection::invalid(field, "quantity_out_of_range", detail));
        }
        Ok(own)
    }

    /// The lots of a sku after what was named so far.
    fn of(&mut self, change: &mut Change<'_>, sku: SkuIndex) -> Option<&SkuLots> {
        if !self.lots.contains_key(&sku)
            && let Some(lots) = change.ledger(sku).lots()
        {
            self.lots.insert(sku, lots.clone());
        }
        self.lots.get(&sku)
    }

    /// Notes what happens to lots, if they can take it.
    fn take(&mut self, change: &mut Change<'_>, sku: SkuIndex, one: LotChange, field: &str) -> Result<(), Rejection> {
        let tracking = self.network.catalogue.item(sku).tracking.expect("only what is tracked is named");
        self.of(change, sku);
        let before = self.lots.remove(&sku);
        let after = SkuLots::fold(before, tracking, std::slice::from_ref(&one));
        let after = after.map_err(|law| Rejection::invalid(field, "quantity_out_of_range", law.to_string()))?;
        self.lots.insert(sku, after);
        change.lots(sku, one);
        Ok(())
    }
}

fn find(network: &Network, sku: &str, node: &str) -> Result<(SkuIndex, NodeIndex), Rejection> {
    let index = network.sku_index(sku).ok_or_else(|| Rejection::not_found("item", sku))?;
    let node = network.catalogue.node_index(node).ok_or_else(|| Rejection::not_found("node", node))?;
    Ok((index, node))
}

/// Units that are known by lot or serial number, each lot of a sku once: what was picked in parts is known in parts.
fn by_lot(identified: &[Identified]) -> Vec<Identified> {
    let mut sums: Vec<Identified> = Vec::with_capacity(identified.len());
    for own in identified {
        match sums.iter_mut().find(|sum| (sum.sku, &sum.lot) == (own.sku, &own.lot)) {
            Some(sum) => sum.units += own.units,
            None => sums.push(own.clone()),
        }
    }
    sums
}

/// Which lots and serial numbers are missing with units of a fulfilment order that did not come: all of a sku of which all is
/// missing, else those that are named.
pub(super) fn gone_of(
    network: &Network,
    order: &Order,
    fulfillment: &FulfillmentOrder,
    (missing, names): (&[LineUnits], &[(Text, Names)]),
) -> Result<Vec<Identified>, Rejection> {
    let fault = |at: usize, code, detail: String| Err(Rejection::invalid(format!("named[{at}]"), code, detail));
    let (gone, sent) = (by_sku(order, missing), by_sku(order, &fulfillment.picked_units()));
    let is_gone = |sku: &Text| network.sku_index(sku).is_some_and(|sku| gone.contains_key(&sku));
    if let Some(at) = names.iter().position(|(sku, _)| !is_gone(sku)) {
        return fault(at, "quantity_out_of_range", format!("none of {} is missing", names[at].0));
    }
    let identified = by_lot(&fulfillment.identified);
    let mut all: Vec<Identified> = Vec::new();
    for (sku, units) in &gone {
        let known = identified.iter().filter(|own| own.sku == *sku);
        let left = sent[sku] - units;
        if left == 0 {
            all.extend(known.cloned());
            continue;
        }
        let mut unnamed: u32 = known.map(|own| own.units).sum();
        let own = names.iter().enumerate().filter(|(_, (name, _))| network.sku_index(name) == Some(*sku));
        for (at, (name, names)) in own {
            for NamedLot { lot, units, .. } in names.lots.iter().chain(&names.serials) {
                let is_it = |own: &&Identified| own.sku == *sku && own.lot == *lot;
                let before: u32 = all.iter().filter(is_it).map(|own| own.units).sum();
                let sum = before.saturating_add(*units);
                let Some(found) = identified.iter().find(|own| is_it(own) && own.units >= sum) else {
                    return fault(at, "unknown_lot", format!("{sum} of {lot} did not leave"));
                };
                unnamed = unnamed.saturating_sub(*units);
                all.push(Identified { units: *units, ..found.clone() });
                let named: u32 = all.iter().filter(|own| own.sku == *sku).map(|own| own.units).sum();
                if named > *gone.get(sku).unwrap_or(&0) {
                    return fault(at, "quantity_out_of_range", format!("more of {name} are named than are missing"));
                }
            }
        }
        if unnamed > left {
            let name = network.sku_name(*sku);
            let detail = format!("{name} is tracked: name the lots or serial numbers that are missing");
            return Err(Rejection::invalid("named", "missing_field", detail));
        }
    }
    Ok(all)
}

/// Units of lines, by sku.
fn by_sku(order: &Order, units: &[LineUnits]) -> BTreeMap<SkuIndex, u32> {
    let mut sums = BTreeMap::new();
    for (sku, units) in units.iter().flat_map(|units| order.stock_of(*units)) {
        *sums.entry(sku).or_default() += units;
    }
    sums
}
