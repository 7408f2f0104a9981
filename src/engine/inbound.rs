//! Supply that is on its way: announced, re-dated, received, called off; what of a sku comes when, and who waits for it.
//!
//! A receipt is a give like any other, in the record that notes it on its document: what is owed and who waits come first.
//! Pegs are read off, never stored: all who wait for a sku in their order, each against what comes to nodes it may have
//! units of, in the order of its dates. So one event re-dates everybody who waits for a document, and nobody else. Of a kit
//! each sku is pegged alone, and what is free of it needs no supply.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use dashmap::DashMap;

use super::change::Change;
use super::ledger::{Ledger, Waits};
use super::lots::NamedLots;
use super::network::Network;
use super::table::{Locked, Name, Named};
use super::turn::Turn;
use super::withdrawal::Withdrawal;
use super::{Engine, Executed};
use crate::domain::command::{AnnounceInbound, CameUnits, InboundAction};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, Event, InboundChanged};
use crate::domain::ids::{InboundKey, NodeIndex, SkuIndex};
use crate::domain::inbound::{Coming, Inbound, InboundEvent, Peg, SupplyKey};
use crate::domain::item::ItemKind;
use crate::domain::limits::{INBOUND_LINES_MAX, QUANTITY_MAX};
use crate::domain::node::NodeKind;
use crate::domain::order::Order;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::stock::{CellKey, MovementKind};

/// What comes, by sku, soonest first.
#[derive(Debug, Default)]
pub struct Arrivals(DashMap<SkuIndex, Vec<Coming>>);

impl Arrivals {
    /// What comes of a sku, soonest first.
    pub fn of(&self, sku: SkuIndex) -> Vec<Coming> {
        self.0.get(&sku).map(|coming| coming.clone()).unwrap_or_default()
    }

    /// Leaves out what a document brought so far, until it is noted as it will be.
    pub(super) fn forget(&self, brought: impl Iterator<Item = (SkuIndex, Coming)>) {
        for (sku, gone) in brought {
            if let Some(mut coming) = self.0.get_mut(&sku) {
                coming.retain(|other| other.document != gone.document);
            }
            self.0.remove_if(&sku, |_, coming| coming.is_empty());
        }
    }

    /// Notes what a document brings that is not noted.
    pub(super) fn note(&self, brings: impl Iterator<Item = (SkuIndex, Coming)>) {
        for (sku, more) in brings {
            let mut coming = self.0.entry(sku).or_default();
            coming.push(more);
            coming.sort_unstable();
        }
    }
}

impl Engine {
    pub(super) fn announce_inbound(&self, turn: &Turn<'_>, command: &AnnounceInbound) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let claim = command.id.clone().map(|id| self.names.claim(Name::Inbound(id)));
        if let Some(Named::Inbound(key, fingerprint)) = claim.as_ref().and_then(|claim| claim.taken()) {
            return self.repeat_inbound(command, key, fingerprint);
        }
        let (node, lines) = announced(&network, command)?;
        let key = InboundKey(self.next_key());
        let mut slot = self.inbound.begin(key);
        let event = InboundEvent::Announced {
            id: command.id.clone(),
            fingerprint: command.fingerprint,
            node,
            supplier: command.supplier.clone(),
            eta: command.eta,
            lines,
        };
        let answer = Answer::Inbound(key);
        let logged = self.log_inbound(turn, &network, &mut slot, (key, 1, event), Change::new(&network), answer);
        let logged = logged.inspect_err(|_| self.inbound.remove(key))?;
        if let Some(claim) = claim {
            claim.settle(Named::Inbound(key, command.fingerprint));
        }
        Ok(self.answer_inbound(turn, &network, slot, logged))
    }

    fn repeat_inbound(
        &self,
        command: &AnnounceInbound,
        key: InboundKey,
        fingerprint: u64,
    ) -> Result<Executed, Rejection> {
        if fingerprint != command.fingerprint {
            return Err(Rejection::IdTaken { id: command.id.as_deref().unwrap_or_default().to_owned() });
        }
        let seq = self.inbound_by_key(key).map_or(0, |inbound| inbound.announced_seq);
        Ok(Executed::Repeat { seq, answer: Answer::Inbound(key) })
    }

    pub(super) fn change_inbound(
        &self,
        turn: &Turn<'_>,
        id: &str,
        action: &InboundAction,
    ) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("inbound", id);
        let key = self.find_inbound(id).ok_or_else(unknown)?;
        let mut slot = self.inbound.lock(key).ok_or_else(unknown)?;
        let inbound = slot.as_ref().expect("a locked entity is there");
        let status = inbound.status();
        if !status.is_open() {
            return Err(Rejection::InboundEnded { id: inbound.name(), state: status.word() });
        }
        let (version, node) = (inbound.version + 1, inbound.node);
        let answer = self.told_of(&network, inbound, action);
        let mut change = Change::new(&network);
        let event = match action {
            InboundAction::Redate(eta) => InboundEvent::Redated { eta: *eta },
            InboundAction::End(reason) => InboundEvent::Ended { reason: reason.clone() },
            InboundAction::Receive(units) => {
                let lines = received(&network, inbound, units)?;
                let skus = |&(at, _): &(u16, u32)| inbound.lines[usize::from(at)].sku;
                change = Change::lock(&network, &lines.iter().map(skus).collect());
                let mut naming = NamedLots::at(&network, turn.log.now().wall);
                for (at, (line, came)) in lines.iter().zip(units).enumerate() {
                    let cell = CellKey { sku: skus(line), node };
                    naming.receive(&mut change, cell, came, MovementKind::Received, &format!("lines[{at}]."))?;
                }
                change.check_bounds()?;
                InboundEvent::Received { lines }
            }
        };
        let received: BTreeSet<SkuIndex> = inbound.lines.iter().map(|line| line.sku).collect();
        let touched = self.log_inbound(turn, &network, &mut slot, (key, version, event), change, answer.clone())?;
        self.watch_lots(turn, &network, &received);
        let mut executed = self.answer_inbound(turn, &network, slot, touched);
        // What comes no more, or later, may have to be bought.
        if !matches!(action, InboundAction::Receive(_)) {
            received.iter().for_each(|sku| self.keep_purchases(turn, &network, *sku));
        }
        if let (Executed::Done(done), Answer::Redated { count, first, .. }) = (&mut executed, &answer)
            && let Reply::Inbound(inbound) = &done.reply
        {
            done.reply = self.named_redated((**inbound).clone(), *count, first);
        }
        Ok(executed)
    }

    /// Logs what happened to a locked document, with its stock, and folds it; answers the skus whose queues have something
    /// to do.
    fn log_inbound(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: &mut Locked<Inbound>,
        (key, version, event): (InboundKey, u32, InboundEvent),
        change: Change<'_>,
        answer: Answer,
    ) -> Result<BTreeSet<SkuIndex>, Rejection> {
        if let Some(inbound) = slot.as_ref() {
            turn.steps(EntityKey::Inbound(key), || Entity::Inbound(Box::new(inbound.clone())));
        }
        let mut events = vec![Event::InboundChanged(Box::new(InboundChanged { key, version, event }))];
        events.extend(change.events());
        let sealed = turn.seal(turn.now(), network.catalogue.seq, events, Some(answer))?;
        let logged = turn.log_with(self, sealed, |at| {
            // What came is nowhere for a moment rather than twice.
            slot.iter().for_each(|inbound| self.arrivals.forget(inbound.coming()));
            change.apply(Withdrawal::nothing(), at)
        });
        logged.fold_inbound(slot);
        self.note_inbound(slot.as_ref().expect("just folded"));
        Ok(logged.done())
    }

    /// Lets a document go, serves who waited for it, and answers it.
    fn answer_inbound(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: Locked<Inbound>,
        touched: BTreeSet<SkuIndex>,
    ) -> Executed {
        let inbound = slot.as_ref().expect("just folded").clone();
        drop(slot);
        self.follow_up(turn, network, touched);
        let seq = inbound.seq;
        Executed::done(Reply::Inbound(Box::new(inbound)), seq)
    }

    /// Notes what a document brings, and its end.
    fn note_inbound(&self, inbound: &Inbound) {
        self.arrivals.note(inbound.coming());
        if inbound.status().is_open() {
            self.watch_supply(SupplyKey::Inbound(inbound.key), inbound.eta);
        }
        if let Some(at) = inbound.ended_at {
            self.ended_inbound.lock().push_back((at, inbound.key));
        }
    }

    /// Puts a document at start.
    pub(super) fn hold_inbound(&self, inbound: Inbound) {
        let key = inbound.key;
        if let Some(id) = inbound.id.clone() {
            self.names.insert(Name::Inbound(id), Named::Inbound(key, inbound.fingerprint));
        }
        self.hold_purchase(&inbound);
        self.note_inbound(&inbound);
        self.inbound.insert(key, inbound);
    }

    /// Who waits for a sku in the order in which they are served, and for what.
    fn pegs(&self, network: &Network, sku: SkuIndex) -> Vec<Peg> {
        let (demand, coming) = {
            let ledger = network.sku(sku).ledger.lock();
            (self.demand(network, sku, &ledger), self.arriving(network, sku, &ledger))
        };
        pegged(network, sku, &demand, coming)
    }

    /// Who waits for a sku, as its ledger shows it.
    pub(super) fn demand(&self, network: &Network, sku: SkuIndex, ledger: &Ledger) -> Demand {
        let waits = self.bought_together(network, sku, ledger.waits());
        let free = |cell| network.cell(cell).map_or(0, |cell| cell.word.free());
        Demand::of(network, sku, waits, ledger.pooled(), free)
    }

    /// What comes of a sku beyond what its cells owe, soonest first.
    pub(super) fn arriving(&self, network: &Network, sku: SkuIndex, ledger: &Ledger) -> Vec<Coming> {
        beyond_owed(network, sku, ledger, self.arrivals.of(sku))
    }

    /// An order, and what its waiting units wait for.
    pub fn pegs_of_order(&self, id: &str) -> Result<(Arc<Order>, Vec<Peg>), Rejection> {
        let order = self.order(id)?;
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let waiting = order.lines.iter().filter(|line| line.waiting() > 0);
        let skus: BTreeSet<SkuIndex> = waiting.flat_map(|line| line.placed.stock(1)).map(|(sku, _)| sku).collect();
        let pegs = skus.into_iter().flat_map(|sku| self.pegs(&network, sku)).filter(|peg| peg.order == order.key);
        let pegs = pegs.collect();
        drop(network);
        Ok((order, pegs))
    }

    /// A document, and who waits for it.
    pub fn pegs_of_inbound(&self, id: &str) -> Result<(Inbound, Vec<Peg>), Rejection> {
        let inbound = self.inbound(id)?;
        let skus: Vec<SkuIndex> = inbound.lines.iter().map(|line| line.sku).collect();
        let pegs = self.pegs_on(&skus, SupplyKey::Inbound(inbound.key));
        Ok((inbound, pegs))
    }

    /// Who waits for a document of these skus.
    pub(super) fn pegs_on(&self, skus: &[SkuIndex], document: SupplyKey) -> Vec<Peg> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let pegs = skus.iter().flat_map(|sku| self.pegs(&network, *sku));
        pegs.filter(|peg| peg.supply.is_some_and(|supply| supply.document == document)).collect()
    }

    /// The name of a document, while memory holds it.
    pub fn name_of_supply(&self, document: SupplyKey) -> Option<String> {
        match document {
            SupplyKey::Inbound(key) => self.inbound_by_key(key).map(|inbound| inbound.name()),
            SupplyKey::Transfer(key) => self.transfer_by_key(key).map(|transfer| transfer.name()),
        }
    }

    /// Units on their way to a cell.
    pub fn incoming(&self, cell: CellKey) -> u64 {
        self.incoming_by_node(cell.sku).get(&cell.node).copied().unwrap_or(0)
    }

    /// Units on their way, by node.
    pub(super) fn incoming_by_node(&self, sku: SkuIndex) -> HashMap<NodeIndex, u64> {
        let mut units = HashMap::new();
        for coming in self.arrivals.of(sku) {
            *units.entry(coming.node).or_default() += u64::from(coming.units);
        }
        units
    }
}

/// Who waits for a sku, in the order in which they are served, and what is there already.
pub(super) struct Demand {
    waits: Vec<Waits>,
    /// Units that the queue owns: they are about to be allocated.
    owned: u64,
    /// Free units by node, where kits wait: they have no right to them and need no others.
    free: Vec<(NodeIndex, u32)>,
}

impl Demand {
    /// Of these who wait, of whom those with a right own so many units; `free` are the free units of a cell.
    pub fn of(network: &Network, sku: SkuIndex, waits: Vec<Waits>, owned: u64, free: impl Fn(CellKey) -> u32) -> Self {
        let kits = waits.iter().any(Waits::is_kit);
        let cells = network.sku(sku).cells.iter().filter(|cell| kits && network.supplies(cell.node));
        let mut free: Vec<_> = cells.map(|cell| (cell.node, free(CellKey { sku, node: cell.node }))).collect();
        free.sort_unstable();
        Self { waits, owned, free }
    }

    /// Takes from what comes, in the order given, what each who waits will have of it; tells who gets what, and for how much
    /// there is nothing.
    pub fn serve(&self, coming: &mut [Coming], mut tell: impl FnMut(&Waits, u32, Option<Coming>)) {
        let (mut owned, mut free, mut first) = (self.owned, self.free.clone(), 0);
        for waits in &self.waits {
            let mut units = waits.units;
            match waits.loose.as_deref() {
                None => {
                    let soon = owned.min(u64::from(units));
                    owned -= soon;
                    units -= soon as u32;
                }
                Some(loose) if loose.is_kit => {
                    for (_, there) in free.iter_mut().filter(|(node, _)| waits.may_have(*node)) {
                        let taken = units.min(*there);
                        *there -= taken;
                        units -= taken;
                    }
                }
                Some(_) => {}
            }
            while coming.get(first).is_some_and(|supply| supply.units == 0) {
                first += 1;
            }
            for supply in coming[first..].iter_mut().filter(|supply| waits.may_have(supply.node)) {
                if units == 0 {
                    break;
                }
                let taken = supply.units.min(units);
                if taken > 0 {
                    tell(waits, taken, Some(Coming { units: taken, ..*supply }));
                }
                supply.units -= taken;
                units -= taken;
            }
            if units > 0 {
                tell(waits, units, None);
            }
        }
    }
}

/// Who waits for a sku in the order in which they are served, against what comes in the order of its dates.
pub(super) fn pegged(network: &Network, sku: SkuIndex, demand: &Demand, mut coming: Vec<Coming>) -> Vec<Peg> {
    // A node that supplies nothing gives the queue nothing.
    coming.retain(|coming| network.supplies(coming.node));
    let mut pegs = Vec::new();
    demand.serve(&mut coming, |waits, units, supply| {
        let (order, line) = waits.waiting;
        pegs.push(Peg { order, line, sku, units, supply });
    });
    pegs
}

/// What comes of a sku beyond what its cells owe, in the order given.
pub(super) fn beyond_owed(network: &Network, sku: SkuIndex, ledger: &Ledger, mut coming: Vec<Coming>) -> Vec<Coming> {
    let cells = network.sku(sku).cells.iter();
    let mut owed: HashMap<_, _> = cells.map(|cell| (cell.node, ledger.at(cell.position).shortfall)).collect();
    for arrival in &mut coming {
        let owed = owed.entry(arrival.node).or_default();
        let paid = arrival.units.min(*owed);
        *owed -= paid;
        arrival.units -= paid;
    }
    coming.retain(|arrival| arrival.units > 0);
    coming
}

/// What is announced, in this catalogue; all faults together.
fn announced(network: &Network, command: &AnnounceInbound) -> Result<(NodeIndex, Vec<(SkuIndex, u32)>), Rejection> {
    let mut faults = Vec::new();
    if command.id.as_deref().is_some_and(|id| InboundKey::parse(id).is_some()) {
        faults.push(Fault::new("id", "invalid_id", "has the form of a generated id"));
    }
    if command.lines.is_empty() || command.lines.len() > INBOUND_LINES_MAX {
        let detail = format!("must have 1 to {INBOUND_LINES_MAX} entries, has {}", command.lines.len());
        faults.push(Fault::new("lines", "list_length_out_of_range", detail));
    }
    let node = network.catalogue.node_index(&command.node);
    match node.map(|node| network.catalogue.node(node).kind) {
        None => faults.push(Fault::new("node", "unknown_node", format!("there is no node {:?}", command.node))),
        Some(NodeKind::Virtual) => {
            faults.push(Fault::new("node", "node_without_stock", format!("{} holds no stock", command.node)));
        }
        Some(_) => {}
    }
    let (mut lines, mut seen) = (Vec::new(), BTreeSet::new());
    for (at, line) in command.lines.iter().enumerate() {
        let field = format!("lines[{at}].sku");
        match network.sku_index(&line.sku) {
            None => faults.push(Fault::new(field, "unknown_sku", format!("there is no item {:?}", line.sku))),
            Some(sku) if network.catalogue.kind(sku) != ItemKind::Product => {
                faults.push(Fault::new(field, "not_stocked", format!("{} is not a product", line.sku)));
            }
            Some(sku) if !seen.insert(sku) => {
                faults.push(Fault::new(field, "duplicate_sku", format!("{} is named twice", line.sku)));
            }
            Some(sku) => lines.push((sku, line.quantity.units())),
        }
    }
    match node {
        Some(node) if faults.is_empty() => Ok((node, lines)),
        _ => Err(Rejection::Invalid(faults)),
    }
}

/// Units that came, by position of their line.
fn received(network: &Network, inbound: &Inbound, units: &[CameUnits]) -> Result<Vec<(u16, u32)>, Rejection> {
    if units.is_empty() {
        return Err(Rejection::invalid("lines", "no_lines", "names no line"));
    }
    let (mut lines, mut faults, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (at, CameUnits { units: one, .. }) in units.iter().enumerate() {
        let field = format!("lines[{at}].sku");
        let sku = network.sku_index(&one.sku);
        let line = sku.and_then(|sku| inbound.lines.iter().position(|line| line.sku == sku));
        match line {
            None => faults.push(Fault::new(field, "unknown_sku", format!("{:?} was not announced", one.sku))),
            Some(line) if !seen.insert(line) => {
                faults.push(Fault::new(field, "duplicate_sku", format!("{} is named twice", one.sku)));
            }
            Some(line) => {
                let (units, came) = (one.quantity.units(), inbound.lines[line].received);
                if units > QUANTITY_MAX - came {
                    let detail = format!("of a line at most {QUANTITY_MAX} units come in all, {came} came already");
                    faults.push(Fault::new(format!("lines[{at}].quantity"), "quantity_out_of_range", detail));
                }
                lines.push((line as u16, units));
            }
        }
    }
    if faults.is_empty() { Ok(lines) } else { Err(Rejection::Invalid(faults)) }
}
