//! Cycle counts: planned, and their results taken as counts, all of a request in one record.

use std::collections::BTreeSet;

use super::adjust::{Physical, Prepared};
use super::change::Change;
use super::count::{Judged, Observation};
use super::network::Network;
use super::table::{Locked, Name, Named};
use super::turn::{SealedDraft, Turn};
use super::withdrawal::{Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::command::{CycleCountAction, FoundUnits, PlanCount};
use crate::domain::cycle_count::{CountedLine, CycleCount, CycleCountEvent};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, CountNoted, CycleCountChanged, Event};
use crate::domain::ids::{CycleCountKey, NodeIndex, SkuIndex};
use crate::domain::item::ItemKind;
use crate::domain::limits::INBOUND_LINES_MAX;
use crate::domain::node::NodeKind;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::stock::{CellKey, MovementKind};
use crate::domain::time::WallTime;

impl Engine {
    pub(super) fn plan_count(&self, turn: &Turn<'_>, command: &PlanCount) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let claim = command.id.clone().map(|id| self.names.claim(Name::CycleCount(id)));
        if let Some(Named::CycleCount(key, fingerprint)) = claim.as_ref().and_then(|claim| claim.taken()) {
            if fingerprint != command.fingerprint {
                return Err(Rejection::IdTaken { id: command.id.as_deref().unwrap_or_default().to_owned() });
            }
            let seq = self.cycle_count_by_key(key).map_or(0, |count| count.planned_seq);
            return Ok(Executed::Repeat { seq, answer: Answer::CycleCount(key) });
        }
        let (node, skus) = planned(&network, command)?;
        let key = CycleCountKey(self.next_key());
        let (id, fingerprint) = (command.id.clone(), command.fingerprint);
        let event = CycleCountEvent::Planned { id, fingerprint, node, skus };
        let nothing = (Change::new(&network), Withdrawal::nothing(), self.raises_nothing());
        let sealed = seal(turn, &network, (key, 1, event), &[], &nothing)?;
        let mut slot = self.cycle_counts.begin(key);
        let touched = self.log_cycle_count(turn, &mut slot, sealed, nothing, &[]);
        if let Some(claim) = claim {
            claim.settle(Named::CycleCount(key, fingerprint));
        }
        Ok(self.answer_cycle_count(turn, &network, slot, touched))
    }

    pub(super) fn change_count(
        &self,
        turn: &Turn<'_>,
        id: &str,
        action: &CycleCountAction,
    ) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("count", id);
        let key = self.find_cycle_count(id).ok_or_else(unknown)?;
        let mut slot = self.cycle_counts.lock(key).ok_or_else(unknown)?;
        let count = slot.as_ref().expect("a locked entity is there");
        let status = count.status();
        if !status.is_open() {
            return Err(Rejection::CountEnded { id: count.name(), state: status.word() });
        }
        let version = count.version + 1;
        let (event, noted, prepared) = match action {
            CycleCountAction::Cancel(reason) => {
                let event = CycleCountEvent::Cancelled { reason: reason.clone() };
                (event, Vec::new(), (Change::new(&network), Withdrawal::nothing(), self.raises_nothing()))
            }
            CycleCountAction::Submit { lines, counted_at } => {
                let found = found(&network, count, lines)?;
                self.judge_results(turn, &network, count, &found, *counted_at)?
            }
        };
        turn.steps(EntityKey::CycleCount(key), || Entity::CycleCount(Box::new(count.clone())));
        let sealed = seal(turn, &network, (key, version, event), &noted, &prepared)?;
        let touched = self.log_cycle_count(turn, &mut slot, sealed, prepared, &noted);
        Ok(self.answer_cycle_count(turn, &network, slot, touched))
    }

    /// Judges results under the ledgers of their skus, and takes what they correct.
    fn judge_results<'n>(
        &'n self,
        turn: &Turn<'_>,
        network: &'n Network,
        count: &CycleCount,
        found: &[(u16, u32)],
        counted_at: Option<WallTime>,
    ) -> Result<(CycleCountEvent, Vec<CountNoted>, Prepared<'n>), Rejection> {
        let cell = |line: u16| CellKey { sku: count.lines[usize::from(line)].sku, node: count.node };
        let skus: BTreeSet<SkuIndex> = found.iter().map(|(line, _)| cell(*line).sku).collect();
        let mut patience = Patience::default();
        loop {
            let mut change = Change::lock(network, &skus);
            let now = turn.clocks();
            let (mut lines, mut noted, mut physical) = (Vec::new(), Vec::new(), Vec::new());
            for (line, on_hand) in found {
                let cell = cell(*line);
                let asked = Observation { on_hand: *on_hand, numbered: None, as_of: counted_at };
                let Judged { observed_at, difference, dropped, .. } =
                    Judged::of(network, &mut change, cell, &asked, "counted_at", now)?;
                let applied = dropped.is_none();
                lines.push(CountedLine { line: *line, on_hand: *on_hand, difference, applied });
                if applied {
                    physical.push(Physical::of(cell, difference, MovementKind::Counted));
                    let (source, source_seq, counted) = (None, None, *on_hand);
                    noted.push(CountNoted { cell, source, source_seq, observed_at, counted, difference });
                }
            }
            if let Some(prepared) = self.prepare(now.journal, network, change, &physical, &mut patience)? {
                return Ok((CycleCountEvent::Counted { lines }, noted, prepared));
            }
        }
    }

    fn log_cycle_count<'n>(
        &self,
        turn: &Turn<'_>,
        slot: &mut Locked<CycleCount>,
        sealed: SealedDraft,
        (mut change, withdrawal, raising): Prepared<'n>,
        noted: &[CountNoted],
    ) -> BTreeSet<SkuIndex> {
        let logged = turn.log_with(self, sealed, |at| {
            noted.iter().for_each(|noted| super::count::mark(&mut change, noted));
            change.apply(withdrawal, at)
        });
        raising.logged(&logged);
        logged.fold_cycle_count(slot);
        let count = slot.as_ref().expect("just folded");
        if let Some(at) = count.ended_at {
            self.ended_counts.lock().push_back((at, count.key));
        }
        logged.done()
    }

    fn answer_cycle_count(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: Locked<CycleCount>,
        touched: BTreeSet<SkuIndex>,
    ) -> Executed {
        let count = slot.as_ref().expect("just folded").clone();
        drop(slot);
        self.follow_up(turn, network, touched);
        let seq = count.seq;
        Executed::done(Reply::CycleCount(Box::new(count)), seq)
    }

    /// Puts a cycle count at start.
    pub(super) fn hold_cycle_count(&self, count: CycleCount) {
        let key = count.key;
        if let Some(id) = count.id.clone() {
            self.names.insert(Name::CycleCount(id), Named::CycleCount(key, count.fingerprint));
        }
        if let Some(at) = count.ended_at {
            self.ended_counts.lock().push_back((at, key));
        }
        self.cycle_counts.insert(key, count);
    }
}

fn seal(
    turn: &Turn<'_>,
    network: &Network,
    (key, version, event): (CycleCountKey, u32, CycleCountEvent),
    noted: &[CountNoted],
    (change, _, raising): &Prepared<'_>,
) -> Result<SealedDraft, Rejection> {
    let mut events = vec![Event::CycleCountChanged(Box::new(CycleCountChanged { key, version, event }))];
    events.extend(noted.iter().cloned().map(|noted| Event::CountNoted(Box::new(noted))));
    events.extend(change.events());
    events.extend(raising.events());
    turn.seal(turn.now(), network.catalogue.seq, events, Some(Answer::CycleCount(key)))
}

/// What is planned, in this catalogue; all faults together.
fn planned(network: &Network, command: &PlanCount) -> Result<(NodeIndex, Vec<SkuIndex>), Rejection> {
    let mut faults = Vec::new();
    if command.id.as_deref().is_some_and(|id| CycleCountKey::parse(id).is_some()) {
        faults.push(Fault::new("id", "invalid_id", "has the form of a generated id"));
    }
    if command.skus.is_empty() || command.skus.len() > INBOUND_LINES_MAX {
        let detail = format!("must have 1 to {INBOUND_LINES_MAX} entries, has {}", command.skus.len());
        faults.push(Fault::new("skus", "list_length_out_of_range", detail));
    }
    let node = network.catalogue.node_index(&command.node);
    match node.map(|node| network.catalogue.node(node).kind) {
        None => faults.push(Fault::new("node", "unknown_node", format!("there is no node {:?}", command.node))),
        Some(NodeKind::Virtual) => {
            faults.push(Fault::new("node", "node_without_stock", format!("{} holds no stock", command.node)));
        }
        Some(_) => {}
    }
    let (mut skus, mut seen) = (Vec::new(), BTreeSet::new());
    for (at, sku) in command.skus.iter().enumerate() {
        let field = format!("skus[{at}]");
        match network.sku_index(sku) {
            None => faults.push(Fault::new(field, "unknown_sku", format!("there is no item {sku:?}"))),
            Some(index) if network.catalogue.kind(index) != ItemKind::Product => {
                faults.push(Fault::new(field, "not_stocked", format!("{sku} is not a product")));
            }
            Some(index) if !seen.insert(index) => {
                faults.push(Fault::new(field, "duplicate_sku", format!("{sku} is named twice")));
            }
            Some(index) => skus.push(index),
        }
    }
    match node {
        Some(node) if faults.is_empty() => Ok((node, skus)),
        _ => Err(Rejection::Invalid(faults)),
    }
}

/// What was found, by position of its line.
fn found(network: &Network, count: &CycleCount, lines: &[FoundUnits]) -> Result<Vec<(u16, u32)>, Rejection> {
    if lines.is_empty() {
        return Err(Rejection::invalid("lines", "no_lines", "names no line"));
    }
    let (mut found, mut faults, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (at, one) in lines.iter().enumerate() {
        let field = format!("lines[{at}].sku");
        let sku = network.sku_index(&one.sku);
        match sku.and_then(|sku| count.lines.iter().position(|line| line.sku == sku)) {
            None => faults.push(Fault::new(field, "unknown_sku", format!("{:?} was not to be counted", one.sku))),
            Some(line) if !seen.insert(line) => {
                faults.push(Fault::new(field, "duplicate_sku", format!("{} is named twice", one.sku)));
            }
            Some(line) if count.lines[line].counted.is_some() => {
                faults.push(Fault::new(field, "already_counted", format!("{} has its result", one.sku)));
            }
            Some(line) => found.push((line as u16, one.on_hand)),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(Rejection::Invalid(faults)) }
}
