//! Transfers: units that go from one node to another, each step one record with its stock.
//!
//! | step | origin | destination |
//! |---|---|---|
//! | draft | | |
//! | ready | `available −n`, `committed +n` (taken, then logged; all or nothing) | incoming |
//! | dispatch | `on_hand −n`, `committed −n` | |
//! | receipt | | `on_hand +n`, a give: what is owed and who waits come first |
//! | cancel, before dispatch | `committed −n`, a give | no longer incoming |
//!
//! What is *not* here: what comes of a sku by when, and who waits for it (`inbound`).

use std::collections::BTreeSet;

use super::change::Change;
use super::exception::{Cause, Raising};
use super::lots::NamedLots;
use super::network::Network;
use super::shares;
use super::table::{Locked, Name, Named};
use super::turn::{SealedDraft, Turn};
use super::withdrawal::{NotTaken, Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::command::{CameUnits, ReadyTransfer, TransferAction};
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, Event, TransferChanged};
use crate::domain::exception::{ExceptionKind, Subject};
use crate::domain::ids::{NodeIndex, SkuIndex, TransferKey};
use crate::domain::inbound::{Peg, SupplyKey};
use crate::domain::item::ItemKind;
use crate::domain::limits::{INBOUND_LINES_MAX, QUANTITY_MAX, REROUTES_MAX};
use crate::domain::node::NodeKind;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::stock::{CellKey, MovementKind};
use crate::domain::transfer::{Transfer, TransferEvent, TransferVerb};

/// Why a transfer was not made.
enum Stop {
    /// Too little of this cell is free for so many units.
    Short(CellKey, u32),
    /// No.
    Rejected(Rejection),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// What a request for a transfer means in this catalogue.
struct Route {
    from: NodeIndex,
    to: NodeIndex,
    lines: Vec<(SkuIndex, u32)>,
}

impl Engine {
    pub(super) fn ready_transfer(&self, turn: &Turn<'_>, command: &ReadyTransfer) -> Result<Executed, Rejection> {
        let mut patience = Patience::default();
        let mut last_look = false;
        for _ in 0..REROUTES_MAX {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            match self.try_ready(turn, &network, command, &mut patience) {
                Ok(executed) => return Ok(executed),
                Err(Stop::Rejected(rejection)) => return Err(rejection),
                Err(Stop::Short(cell, requested)) => {
                    // What is due counts as free: a refusal is final only when nothing due is left.
                    let skus = route_of(&network, command)?.lines.iter().map(|(sku, _)| *sku).collect();
                    let expired = self.expire_in(turn, &network, &skus);
                    if shares::is_final(last_look, expired) {
                        return Err(insufficient(&network, cell, requested));
                    }
                    last_look |= !expired;
                }
            }
        }
        Err(Rejection::Contended)
    }

    fn try_ready(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        command: &ReadyTransfer,
        patience: &mut Patience,
    ) -> Result<Executed, Stop> {
        let claim = command.id.clone().map(|id| self.names.claim(Name::Transfer(id)));
        if let Some(Named::Transfer(key, fingerprint)) = claim.as_ref().and_then(|claim| claim.taken()) {
            return Ok(self.repeat_transfer(command, key, fingerprint)?);
        }
        let Route { from, to, lines } = route_of(network, command)?;
        let key = TransferKey(self.next_key());
        let (id, fingerprint, eta) = (command.id.clone(), command.fingerprint, command.eta);
        let (change, event) = match command.is_draft {
            true => (Change::new(network), TransferEvent::Drafted { id, fingerprint, from, to, eta, lines }),
            false => {
                let change = promised(network, from, lines.iter().copied());
                (change, TransferEvent::Readied { id, fingerprint, from, to, eta, lines })
            }
        };
        let answer = Answer::Transfer(key);
        let sealed = seal(turn, network, (key, 1), vec![event], &change, &self.raises_nothing(), answer)?;
        let mut slot = self.transfers.begin(key);
        let withdrawal = withdrawn(&change, patience).inspect_err(|_| self.transfers.remove(key))?;
        let touched = self.log_transfer(turn, &mut slot, sealed, change, withdrawal, self.raises_nothing());
        if let Some(claim) = claim {
            claim.settle(Named::Transfer(key, command.fingerprint));
        }
        Ok(self.answer_transfer(turn, network, slot, touched))
    }

    fn repeat_transfer(
        &self,
        command: &ReadyTransfer,
        key: TransferKey,
        fingerprint: u64,
    ) -> Result<Executed, Rejection> {
        if fingerprint != command.fingerprint {
            return Err(Rejection::IdTaken { id: command.id.as_deref().unwrap_or_default().to_owned() });
        }
        let seq = self.transfer_by_key(key).map_or(0, |transfer| transfer.made_seq);
        Ok(Executed::Repeat { seq, answer: Answer::Transfer(key) })
    }

    /// Promises the units of a draft.
    fn ready_draft(&self, turn: &Turn<'_>, id: &str) -> Result<Executed, Rejection> {
        let mut patience = Patience::default();
        let mut last_look = false;
        for _ in 0..REROUTES_MAX {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            match self.try_ready_draft(turn, &network, id, &mut patience) {
                Ok(executed) => return Ok(executed),
                Err(Stop::Rejected(rejection)) => return Err(rejection),
                Err(Stop::Short(cell, requested)) => {
                    let skus = self.transfer(id)?.lines.iter().map(|line| line.sku).collect();
                    let expired = self.expire_in(turn, &network, &skus);
                    if shares::is_final(last_look, expired) {
                        return Err(insufficient(&network, cell, requested));
                    }
                    last_look |= !expired;
                }
            }
        }
        Err(Rejection::Contended)
    }

    fn try_ready_draft(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        id: &str,
        patience: &mut Patience,
    ) -> Result<Executed, Stop> {
        let unknown = || Rejection::not_found("transfer", id);
        let key = self.find_transfer(id).ok_or_else(unknown)?;
        let mut slot = self.transfers.lock(key).ok_or_else(unknown)?;
        let transfer = slot.as_ref().expect("a locked entity is there");
        check_legal(transfer, TransferVerb::Ready)?;
        let change = promised(network, transfer.from, transfer.lines.iter().map(|line| (line.sku, line.quantity)));
        turn.steps(EntityKey::Transfer(key), || Entity::Transfer(Box::new(transfer.clone())));
        let (next, answer) = ((key, transfer.version + 1), Answer::Transfer(key));
        let told = vec![TransferEvent::Promised];
        let sealed = seal(turn, network, next, told, &change, &self.raises_nothing(), answer)?;
        let withdrawal = withdrawn(&change, patience)?;
        let touched = self.log_transfer(turn, &mut slot, sealed, change, withdrawal, self.raises_nothing());
        Ok(self.answer_transfer(turn, network, slot, touched))
    }

    pub(super) fn change_transfer(
        &self,
        turn: &Turn<'_>,
        id: &str,
        action: &TransferAction,
    ) -> Result<Executed, Rejection> {
        if *action == TransferAction::Ready {
            return self.ready_draft(turn, id);
        }
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("transfer", id);
        let key = self.find_transfer(id).ok_or_else(unknown)?;
        let mut slot = self.transfers.lock(key).ok_or_else(unknown)?;
        let transfer = slot.as_ref().expect("a locked entity is there");
        check_legal(transfer, verb_of(action))?;
        let answer = match action {
            TransferAction::Redate(eta) => self.told_of_transfer(&network, transfer, Some(*eta)),
            TransferAction::Cancel(_) => self.told_of_transfer(&network, transfer, None),
            TransferAction::Ready | TransferAction::Dispatch | TransferAction::Receive { .. } => Answer::Transfer(key),
        };
        let (events, change) = step(turn, &network, transfer, action)?;
        let received: BTreeSet<SkuIndex> = transfer.lines.iter().map(|line| line.sku).collect();
        let differs = events.iter().any(|event| differs(transfer, event));
        let cause = differs.then(|| Cause::of(ExceptionKind::TransferVariance, Subject::Transfer(key)));
        let raising = self.raise(turn.now(), cause);
        turn.steps(EntityKey::Transfer(key), || Entity::Transfer(Box::new(transfer.clone())));
        let sealed = seal(turn, &network, (key, transfer.version + 1), events, &change, &raising, answer.clone())?;
        let touched = self.log_transfer(turn, &mut slot, sealed, change, Withdrawal::nothing(), raising);
        self.watch_lots(turn, &network, &received);
        let mut executed = self.answer_transfer(turn, &network, slot, touched);
        // What comes no more, or later, may have to be bought.
        if !matches!(action, TransferAction::Dispatch) {
            received.iter().for_each(|sku| self.keep_purchases(turn, &network, *sku));
        }
        if let (Executed::Done(done), Answer::RedatedTransfer { count, first, .. }) = (&mut executed, &answer)
            && let Reply::Transfer(transfer) = &done.reply
        {
            done.reply = self.named_redated_transfer((**transfer).clone(), *count, first);
        }
        Ok(executed)
    }

    /// Logs what happened to a locked transfer, with its stock, and folds it; answers the skus whose queues have something
    /// to do.
    fn log_transfer<'n>(
        &self,
        turn: &Turn<'_>,
        slot: &mut Locked<Transfer>,
        sealed: SealedDraft,
        change: Change<'n>,
        withdrawal: Withdrawal<'n>,
        raising: Raising<'_>,
    ) -> BTreeSet<SkuIndex> {
        let logged = turn.log_with(self, sealed, |at| {
            // What came is nowhere for a moment rather than twice.
            slot.iter().for_each(|transfer| self.arrivals.forget(transfer.coming()));
            change.apply(withdrawal, at)
        });
        logged.fold_transfer(slot);
        raising.logged(&logged);
        self.note_transfer(slot.as_ref().expect("just folded"));
        logged.done()
    }

    /// Lets a transfer go, serves who waited for it, and answers it.
    fn answer_transfer(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        slot: Locked<Transfer>,
        touched: BTreeSet<SkuIndex>,
    ) -> Executed {
        let transfer = slot.as_ref().expect("just folded").clone();
        drop(slot);
        self.follow_up(turn, network, touched);
        let seq = transfer.seq;
        Executed::done(Reply::Transfer(Box::new(transfer)), seq)
    }

    /// Notes what a transfer brings, and its end.
    fn note_transfer(&self, transfer: &Transfer) {
        self.arrivals.note(transfer.coming());
        if let Some(eta) = transfer.eta.filter(|_| transfer.is_expected()) {
            self.watch_supply(SupplyKey::Transfer(transfer.key), eta);
        }
        if let Some(at) = transfer.ended_at {
            self.ended_transfers.lock().push_back((at, transfer.key));
        }
    }

    /// Puts a transfer at start.
    pub(super) fn hold_transfer(&self, transfer: Transfer) {
        let key = transfer.key;
        if let Some(id) = transfer.id.clone() {
            self.names.insert(Name::Transfer(id), Named::Transfer(key, transfer.fingerprint));
        }
        self.note_transfer(&transfer);
        self.transfers.insert(key, transfer);
    }

    /// A transfer, and who waits for it.
    pub fn pegs_of_transfer(&self, id: &str) -> Result<(Transfer, Vec<Peg>), Rejection> {
        let transfer = self.transfer(id)?;
        let skus: Vec<SkuIndex> = transfer.lines.iter().map(|line| line.sku).collect();
        let pegs = self.pegs_on(&skus, SupplyKey::Transfer(transfer.key));
        Ok((transfer, pegs))
    }
}

/// Whether other units came than went: some will not come, or more did.
fn differs(transfer: &Transfer, event: &TransferEvent) -> bool {
    match event {
        TransferEvent::Closed => true,
        TransferEvent::Received { lines } => {
            lines.iter().any(|(at, units)| *units > transfer.lines[usize::from(*at)].open())
        }
        _ => false,
    }
}

fn check_legal(transfer: &Transfer, verb: TransferVerb) -> Result<(), Rejection> {
    let status = transfer.status();
    match status.legal().contains(&verb) {
        true => Ok(()),
        false => Err(Rejection::IllegalTransfer { id: transfer.name(), status, verb }),
    }
}

/// Takes units at the origin, to be promised there.
fn promised(network: &Network, from: NodeIndex, lines: impl Iterator<Item = (SkuIndex, u32)>) -> Change<'_> {
    let mut change = Change::new(network);
    for (sku, units) in lines {
        change.take(CellKey { sku, node: from }, units, MovementKind::Allocated, |delta, n| delta.committed += n);
    }
    change
}

/// All that a change takes, or which of it is short.
fn withdrawn<'n>(change: &Change<'n>, patience: &mut Patience) -> Result<Withdrawal<'n>, Stop> {
    change.withdraw(patience).map_err(|not_taken| match not_taken {
        NotTaken::Contended => Stop::Rejected(Rejection::Contended),
        NotTaken::Refused(at) => {
            let (cell, units) = change.refused(at).expect("a refusal names one of the takes");
            Stop::Short(cell, units)
        }
    })
}

fn verb_of(action: &TransferAction) -> TransferVerb {
    match action {
        TransferAction::Ready => TransferVerb::Ready,
        TransferAction::Redate(_) => TransferVerb::Redate,
        TransferAction::Dispatch => TransferVerb::Dispatch,
        TransferAction::Receive { .. } => TransferVerb::Receive,
        TransferAction::Cancel(_) => TransferVerb::Cancel,
    }
}

/// What a legal step is: its events, and its stock under the ledgers it needs.
fn step<'n>(
    turn: &Turn<'_>,
    network: &'n Network,
    transfer: &Transfer,
    action: &TransferAction,
) -> Result<(Vec<TransferEvent>, Change<'n>), Rejection> {
    let skus = || transfer.lines.iter().map(|line| line.sku).collect();
    Ok(match action {
        TransferAction::Ready => unreachable!("a draft is made ready by itself"),
        TransferAction::Redate(eta) => (vec![TransferEvent::Redated { eta: *eta }], Change::new(network)),
        TransferAction::Dispatch => {
            let mut change = Change::lock(network, &skus());
            for (cell, units) in transfer.committed() {
                change.ship_as(cell, units, MovementKind::TransferredOut);
            }
            (vec![TransferEvent::Dispatched], change)
        }
        TransferAction::Cancel(reason) => {
            let mut change = Change::lock(network, &skus());
            for (cell, units) in transfer.committed() {
                change.give(cell, units, MovementKind::Deallocated, |delta, n| delta.committed -= n);
            }
            (vec![TransferEvent::Cancelled { reason: reason.clone() }], change)
        }
        TransferAction::Receive { lines: units, close } => {
            let lines = received(network, transfer, units, *close)?;
            let sku = |at: u16| transfer.lines[usize::from(at)].sku;
            let mut change = Change::lock(network, &lines.iter().map(|(at, _)| sku(*at)).collect());
            let mut naming = NamedLots::at(network, turn.log.now().wall).coming_from(transfer.from);
            for (number, ((at, _), came)) in lines.iter().zip(units).enumerate() {
                let cell = CellKey { sku: sku(*at), node: transfer.to };
                naming.receive(&mut change, cell, came, MovementKind::TransferredIn, &format!("lines[{number}]."))?;
            }
            change.check_bounds()?;
            let mut events = Vec::new();
            let is_whole = transfer.lines.iter().zip(0..).all(|(line, at)| {
                let came = lines.iter().find(|(line, _)| *line == at).map_or(0, |(_, units)| *units);
                line.open() <= came
            });
            if !lines.is_empty() {
                events.push(TransferEvent::Received { lines });
            }
            // With the last unit a transfer ends by itself; with units missing, `Transfer::lines` keep the variance.
            if *close && !is_whole {
                events.push(TransferEvent::Closed);
            }
            (events, change)
        }
    })
}

/// Makes the bytes of the next record of a transfer, from a version on.
fn seal(
    turn: &Turn<'_>,
    network: &Network,
    (key, version): (TransferKey, u32),
    events: Vec<TransferEvent>,
    change: &Change<'_>,
    raising: &Raising<'_>,
    answer: Answer,
) -> Result<SealedDraft, Rejection> {
    let next = |(version, event)| Event::TransferChanged(Box::new(TransferChanged { key, version, event }));
    let mut events: Vec<Event> = (version..).zip(events).map(next).collect();
    events.extend(change.events());
    events.extend(raising.events());
    turn.seal(turn.now(), network.catalogue.seq, events, Some(answer))
}

/// What is asked for, in this catalogue; all faults together.
fn route_of(network: &Network, command: &ReadyTransfer) -> Result<Route, Rejection> {
    let mut faults = Vec::new();
    if command.id.as_deref().is_some_and(|id| TransferKey::parse(id).is_some()) {
        faults.push(Fault::new("id", "invalid_id", "has the form of a generated id"));
    }
    if command.lines.is_empty() || command.lines.len() > INBOUND_LINES_MAX {
        let detail = format!("must have 1 to {INBOUND_LINES_MAX} entries, has {}", command.lines.len());
        faults.push(Fault::new("lines", "list_length_out_of_range", detail));
    }
    let from = node_of(network, "from", &command.from, &mut faults);
    let to = node_of(network, "to", &command.to, &mut faults);
    if from.is_some() && from == to {
        faults.push(Fault::new("to", "same_node", format!("it goes from {} to itself", command.to)));
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
    match (from, to) {
        (Some(from), Some(to)) if faults.is_empty() => Ok(Route { from, to, lines }),
        _ => Err(Rejection::Invalid(faults)),
    }
}

fn node_of(network: &Network, field: &str, id: &str, faults: &mut Vec<Fault>) -> Option<NodeIndex> {
    let node = network.catalogue.node_index(id);
    match node.map(|node| network.catalogue.node(node).kind) {
        None => faults.push(Fault::new(field, "unknown_node", format!("there is no node {id:?}"))),
        Some(NodeKind::Virtual) => {
            faults.push(Fault::new(field, "node_without_stock", format!("{id} holds no stock")));
        }
        Some(_) => {}
    }
    node
}

/// Units that came, by position of their line. None may have come when the transfer is closed.
fn received(
    network: &Network,
    transfer: &Transfer,
    units: &[CameUnits],
    close: bool,
) -> Result<Vec<(u16, u32)>, Rejection> {
    if units.is_empty() && !close {
        return Err(Rejection::invalid("lines", "no_lines", "names no line, and does not close the transfer"));
    }
    let (mut lines, mut faults, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (at, CameUnits { units: one, .. }) in units.iter().enumerate() {
        let field = format!("lines[{at}].sku");
        let sku = network.sku_index(&one.sku);
        match sku.and_then(|sku| transfer.lines.iter().position(|line| line.sku == sku)) {
            None => faults.push(Fault::new(field, "unknown_sku", format!("{:?} was not sent", one.sku))),
            Some(line) if !seen.insert(line) => {
                faults.push(Fault::new(field, "duplicate_sku", format!("{} is named twice", one.sku)));
            }
            Some(line) => {
                let (units, came) = (one.quantity.units(), transfer.lines[line].received);
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

fn insufficient(network: &Network, cell: CellKey, requested: u32) -> Rejection {
    let available = network.cell(cell).map_or(0, |cell| u64::from(cell.word.free()));
    Rejection::InsufficientStock { sku: network.sku_name(cell.sku), requested: u64::from(requested), available }
}
