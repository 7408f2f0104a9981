//! Reservations: make, change, release. All or nothing over many lines and nodes, or as much as there is when the
//! caller says so. A kit stands for its components, all of one kit from one node. Of a sku with channel limits no more is
//! chosen than its record lets the buyer have; the nodes of his channel alone are asked where it names some.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cell::Word;
use super::change::Change;
use super::draft::{Drafted, steps};
use super::due::Run;
use super::limits::Counting;
use super::network::Network;
use super::shares;
use super::table::{Name, Named};
use super::turn::{Turn, reservation_event};
use super::withdrawal::{NotTaken, Patience, Withdrawal};
use super::{Engine, Executed};
use crate::domain::channel::Whose;
use crate::domain::command::{ChangeReservation, Reserve, ReserveLine};
use crate::domain::draft::Draft;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::{Answer, Event, ReservationChanged};
use crate::domain::ids::{NodeIndex, ReservationKey, SkuIndex};
use crate::domain::item::ItemKind;
use crate::domain::limits::{QUANTITY_MAX, REROUTES_MAX, RESERVATION_CELLS_MAX, RESERVATION_LINES_MAX};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::reservation::{Held, HeldLines, Reservation, ReservationEvent, ReservationState};
use crate::domain::stock::{CellKey, MovementKind};
use crate::domain::time::JournalTime;
use crate::sabotage::{Bug, planted};

/// Units wanted, by cell.
pub(super) type Cells = BTreeMap<CellKey, u32>;

/// Why an attempt did not end.
enum Stop {
    /// Not enough of this sku: `(sku, requested, available)`.
    Short(SkuIndex, u64, u64),
    /// Units went meanwhile.
    Again,
    /// These ledgers are needed first.
    NeedLedgers(BTreeSet<SkuIndex>),
    /// No.
    Rejected(Rejection),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// A line that means something in this catalogue.
struct Line {
    /// `(sku, units for one)`.
    needs: Vec<(SkuIndex, u32)>,
    quantity: u32,
    node: Option<NodeIndex>,
}

impl Engine {
    pub(super) fn reserve(&self, turn: &Turn<'_>, command: &Reserve) -> Result<Executed, Rejection> {
        self.reserve_for(turn, command, None)
    }

    /// Makes a reservation. Made for a draft it lasts no longer than that, and the draft is what is answered.
    pub(super) fn reserve_for(
        &self,
        turn: &Turn<'_>,
        command: &Reserve,
        draft: Option<Drafted>,
    ) -> Result<Executed, Rejection> {
        let mut patience = Patience::default();
        let mut last_look = false;
        for _ in 0..REROUTES_MAX {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            // What is due counts as free: less than asked for is taken only when nothing due is left.
            let partial = command.partial && last_look;
            match self.try_reserve(turn, &network, (command, draft), partial, &mut patience) {
                Ok(executed) => return Ok(executed),
                Err(Stop::Again) => {}
                Err(Stop::Short(sku, requested, available)) => {
                    let skus = skus_of(&lines_of(&network, &command.lines)?);
                    let expired = self.expire_in(turn, &network, &skus);
                    if shares::is_final(last_look, expired) {
                        return Err(insufficient(&network, sku, requested, available));
                    }
                    last_look |= !expired;
                }
                Err(Stop::NeedLedgers(_)) => unreachable!("making a reservation gives nothing back"),
                Err(Stop::Rejected(rejection)) => return Err(rejection),
            }
        }
        Err(Rejection::Contended)
    }

    fn try_reserve(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        (command, draft): (&Reserve, Option<Drafted>),
        partial: bool,
        patience: &mut Patience,
    ) -> Result<Executed, Stop> {
        let claim = command.id.clone().map(|id| self.names.claim(Name::Reservation(id)));
        if let Some(Named::Reservation(key, fingerprint)) = claim.as_ref().and_then(|claim| claim.taken()) {
            return self.repeat_reservation(command, key, fingerprint).map_err(Stop::Rejected);
        }
        let lines = lines_of(network, &command.lines)?;
        let whose = network.catalogue.whose(command.channel.as_deref(), command.customer.as_deref());
        let cells = choose(network, whose, &lines, &Cells::new(), partial, patience)?;
        let now = turn.now();
        let key = ReservationKey(self.next_key());
        let mut drafted = draft.map(|draft| self.lock_drafted(draft, now)).transpose()?;
        let known = drafted.as_deref().and_then(Option::as_ref);
        let expires_at = lasts_until(known, now.plus_s(command.ttl_s));
        let mut change = Change::new(network);
        change.is_for(whose);
        for (cell, units) in &cells {
            change.take(*cell, *units, MovementKind::Reserved, |delta, n| delta.reserved += n);
        }
        let held = ReservationEvent::Held {
            id: command.id.clone(),
            fingerprint: command.fingerprint,
            owner: command.owner.clone(),
            channel: command.channel.clone(),
            customer: command.customer.clone(),
            expires_at,
            lines: held_of(&cells),
        };
        let mut events = vec![Event::ReservationChanged(ReservationChanged { key, version: 1, event: held })];
        events.extend(draft.map(|draft| draft.held(key)));
        events.extend(change.events());
        if let Some(known) = known {
            steps(turn, known);
        }
        let answer = draft.map_or(Answer::Reservation(key), |draft| Answer::Draft(draft.key));
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(answer))?;
        let mut slot = self.reservations.begin(key);
        let register = || {
            for sku in cells.keys().map(|cell| cell.sku).collect::<BTreeSet<_>>() {
                network.sku(sku).due.register(expires_at, key);
            }
        };
        if !planted(Bug::DueAfterAppend) {
            register();
        }
        let withdrawal = match change.withdraw(patience) {
            Ok(withdrawal) => withdrawal,
            Err(not_taken) => {
                self.reservations.remove(key);
                return Err(match not_taken {
                    NotTaken::Refused(_) if patience.again() => Stop::Again,
                    _ => Stop::Rejected(Rejection::Contended),
                });
            }
        };
        let logged = turn.log(self, sealed, change, withdrawal);
        if planted(Bug::DueAfterAppend) {
            register();
        }
        logged.fold_reservation(&mut slot);
        self.agenda_inbox.push(Run::one(expires_at, key));
        if let Some(claim) = claim {
            claim.settle(Named::Reservation(key, command.fingerprint));
        }
        let reply = match &mut drafted {
            Some(drafted) => {
                logged.fold_draft(drafted);
                Reply::Draft(Box::new(drafted.clone().expect("just folded")))
            }
            None => Reply::Reservation(Box::new(slot.clone().expect("just folded"))),
        };
        let seq = logged.seq();
        logged.done();
        Ok(Executed::done(reply, seq))
    }

    fn repeat_reservation(
        &self,
        command: &Reserve,
        key: ReservationKey,
        fingerprint: u64,
    ) -> Result<Executed, Rejection> {
        let id = || command.id.as_deref().unwrap_or_default().to_owned();
        if fingerprint != command.fingerprint {
            return Err(Rejection::IdTaken { id: id() });
        }
        let slot = self.reservations.lock(key).ok_or_else(|| Rejection::not_found("reservation", id()))?;
        let seq = slot.as_ref().expect("a locked entity is there").made_seq;
        Ok(Executed::Repeat { seq, answer: Answer::Reservation(key) })
    }

    pub(super) fn change_reservation(
        &self,
        turn: &Turn<'_>,
        command: &ChangeReservation,
    ) -> Result<Executed, Rejection> {
        let mut held = BTreeSet::new();
        let mut patience = Patience::default();
        let mut last_look = false;
        for _ in 0..REROUTES_MAX {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            match self.try_change(turn, &network, command, &held, &mut patience) {
                Ok((executed, touched)) => {
                    self.follow_up(turn, &network, touched);
                    return Ok(executed);
                }
                Err(Stop::Again) => {}
                Err(Stop::NeedLedgers(skus)) => held = skus,
                Err(Stop::Short(sku, requested, available)) => {
                    let skus = skus_of(&lines_of(&network, command.lines.as_deref().unwrap_or_default())?);
                    let expired = self.expire_in(turn, &network, &skus);
                    if shares::is_final(last_look, expired) {
                        return Err(insufficient(&network, sku, requested, available));
                    }
                    last_look |= !expired;
                }
                Err(Stop::Rejected(rejection)) => return Err(rejection),
            }
        }
        Err(Rejection::Contended)
    }

    fn try_change(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        command: &ChangeReservation,
        ledgers: &BTreeSet<SkuIndex>,
        patience: &mut Patience,
    ) -> Result<(Executed, BTreeSet<SkuIndex>), Stop> {
        let mut slot = self.lock_reservation(&command.reservation)?;
        let now = turn.now();
        let reservation = slot.as_ref().expect("a locked entity is there");
        let key = reservation.key;
        if !reservation.is_held_at(now) {
            let (id, state) = (reservation.name(), reservation.state_at(now).word());
            return Err(Stop::Rejected(Rejection::ReservationExpired { id, state }));
        }
        if reservation.is_of_edit() {
            return Err(Stop::Rejected(Rejection::ReservationOfEdit { id: reservation.name() }));
        }
        let own: Cells = cells_held(reservation);
        let whose = network.whose_reservation(reservation);
        let cells = match &command.lines {
            Some(lines) => choose(network, whose, &lines_of(network, lines)?, &own, false, patience)?,
            None => own.clone(),
        };
        let rest: Cells = own
            .iter()
            .map(|(cell, held)| (*cell, shares::claim(*held, cells.get(cell).copied().unwrap_or(0)).rest))
            .filter(|(_, rest)| *rest > 0)
            .collect();
        let needed: BTreeSet<SkuIndex> = rest.keys().map(|cell| cell.sku).collect();
        if !needed.is_subset(ledgers) {
            return Err(Stop::NeedLedgers(needed));
        }
        let mut change = Change::lock(network, ledgers);
        change.is_for(whose);
        for (cell, units) in &cells {
            let extra = shares::claim(own.get(cell).copied().unwrap_or(0), *units).extra;
            change.take(*cell, extra, MovementKind::Reserved, |delta, n| delta.reserved += n);
        }
        for (cell, units) in &rest {
            change.give(*cell, *units, MovementKind::Released, |delta, n| delta.reserved -= n);
        }
        turn.steps(EntityKey::Reservation(key), || Entity::Reservation(Box::new(reservation.clone())));
        let expires_at = command.ttl_s.map_or(reservation.expires_at, |ttl| now.plus_s(ttl));
        let changed = ReservationEvent::Changed { expires_at, lines: held_of(&cells) };
        let owner = command.owner.iter().filter(|owner| **owner != reservation.owner && !planted(Bug::OwnerKept));
        let transferred = owner.map(|owner| ReservationEvent::Transferred { owner: owner.clone() });
        let told = std::iter::once(changed).chain(transferred);
        let next = |(version, event)| Event::ReservationChanged(ReservationChanged { key, version, event });
        let mut events: Vec<Event> = (reservation.version + 1..).zip(told).map(next).collect();
        events.extend(change.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Reservation(key)))?;
        let skus: BTreeSet<_> = cells.keys().map(|cell| cell.sku).collect();
        for sku in skus.into_iter().filter(|_| !planted(Bug::UnregisteredExtension)) {
            network.sku(sku).due.register(expires_at, key);
        }
        let withdrawal = change.withdraw(patience).map_err(|not_taken| match not_taken {
            NotTaken::Refused(_) if patience.again() => Stop::Again,
            _ => Stop::Rejected(Rejection::Contended),
        })?;
        let logged = turn.log(self, sealed, change, withdrawal);
        logged.fold_reservation(&mut slot);
        self.agenda_inbox.push(Run::one(expires_at, key));
        let reservation = slot.as_ref().expect("just folded").clone();
        let seq = logged.seq();
        Ok((Executed::done(Reply::Reservation(Box::new(reservation)), seq), logged.done()))
    }

    pub(super) fn release_reservation(&self, turn: &Turn<'_>, name: &str) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let mut slot = self.lock_reservation(name)?;
        let now = turn.now();
        let reservation = slot.as_ref().expect("a locked entity is there");
        let state = match reservation.state {
            ReservationState::Claimed { .. } => {
                return Err(Rejection::ReservationEnded { id: reservation.name(), state: "claimed" });
            }
            ReservationState::Released | ReservationState::Expired => {
                let seq = reservation.seq;
                return Ok(Executed::done(Reply::Reservation(Box::new(reservation.clone())), seq));
            }
            ReservationState::Held if now >= reservation.expires_at => ReservationState::Expired,
            ReservationState::Held if reservation.is_of_edit() => {
                return Err(Rejection::ReservationOfEdit { id: reservation.name() });
            }
            ReservationState::Held => ReservationState::Released,
        };
        let key = reservation.key;
        turn.steps(EntityKey::Reservation(key), || Entity::Reservation(Box::new(reservation.clone())));
        let skus = reservation.lines.iter().map(|held| held.sku).collect();
        let mut change = Change::lock(&network, &skus);
        change.is_for(network.whose_reservation(reservation));
        for (cell, units) in cells_held(reservation) {
            change.give(cell, units, MovementKind::Released, |delta, n| delta.reserved -= n);
        }
        let mut events = vec![reservation_event(reservation, ReservationEvent::Ended { state })];
        events.extend(change.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Reservation(key)))?;
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        logged.fold_reservation(&mut slot);
        self.remember_end(&slot);
        let reservation = slot.as_ref().expect("just folded").clone();
        let seq = logged.seq();
        let touched = logged.done();
        drop(slot);
        self.follow_up(turn, &network, touched);
        Ok(Executed::done(Reply::Reservation(Box::new(reservation)), seq))
    }
}

/// Until when units are set aside that were asked for until then: not longer than the draft lasts that they are for.
fn lasts_until(draft: Option<&Draft>, asked: JournalTime) -> JournalTime {
    draft.filter(|_| !planted(Bug::HoldOutlivesDraft)).map_or(asked, |draft| asked.min(draft.expires_at))
}

fn lines_of(network: &Network, lines: &[ReserveLine]) -> Result<Vec<Line>, Rejection> {
    if lines.is_empty() || lines.len() > RESERVATION_LINES_MAX {
        let detail = format!("a reservation has 1 to {RESERVATION_LINES_MAX} lines, this one has {}", lines.len());
        return Err(Rejection::invalid("lines", "too_many_lines", detail));
    }
    let mut faults = Vec::new();
    let mut found = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        match line_of(network, at, line) {
            Ok(line) => found.push(line),
            Err(Rejection::Invalid(more)) => faults.extend(more),
            Err(other) => return Err(other),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(Rejection::Invalid(faults)) }
}

fn line_of(network: &Network, at: usize, line: &ReserveLine) -> Result<Line, Rejection> {
    let front = network.find_front(|| format!("lines[{at}].sku"), &line.sku)?;
    let sku = front.index();
    let needs = match front.kind() {
        ItemKind::Product => vec![(sku, 1)],
        ItemKind::Kit => network.catalogue.item(sku).components.iter().map(|c| (c.sku, c.quantity)).collect(),
        ItemKind::Service | ItemKind::Digital => {
            let detail = format!("{} has no stock to reserve", line.sku);
            return Err(Rejection::invalid(format!("lines[{at}].sku"), "not_stocked", detail));
        }
    };
    let most = needs.iter().map(|(_, n)| u64::from(*n)).max().unwrap_or(1);
    if most * u64::from(line.quantity.units()) > u64::from(QUANTITY_MAX) {
        let detail = format!("needs more than {QUANTITY_MAX} units of a component");
        return Err(Rejection::invalid(format!("lines[{at}].quantity"), "quantity_out_of_range", detail));
    }
    let node = match &line.node {
        Some(node) => Some(network.find_node(format!("lines[{at}].node"), node)?),
        None => None,
    };
    Ok(Line { needs, quantity: line.quantity.units(), node })
}

/// Chooses cells for all lines. What others have in flight may roll back: as long as it would be enough with that, a
/// shortage is no answer yet.
fn choose(
    network: &Network,
    whose: Whose,
    lines: &[Line],
    own: &Cells,
    partial: bool,
    patience: &mut Patience,
) -> Result<Cells, Stop> {
    loop {
        let short = match choose_by(network, whose, lines, own, partial, Word::free, Counting::Now) {
            Ok(cells) if cells.len() > RESERVATION_CELLS_MAX => {
                let detail =
                    format!("needs {} cells, a reservation holds at most {RESERVATION_CELLS_MAX}", cells.len());
                return Err(Stop::Rejected(Rejection::invalid("lines", "too_many_lines", detail)));
            }
            Err(short @ Stop::Short(..)) => short,
            done => return done,
        };
        if choose_by(network, whose, lines, own, false, Word::free_or_flying, Counting::AtBest).is_err() {
            return Err(short);
        }
        if !patience.wait() {
            return Err(Stop::Rejected(Rejection::Contended));
        }
    }
}

/// Chooses cells for all lines, own units counted as free. Lines that name a node come first; others take the nodes
/// that have most, so that few are used.
fn choose_by(
    network: &Network,
    whose: Whose,
    lines: &[Line],
    own: &Cells,
    partial: bool,
    counts: fn(&Word) -> u32,
    counting: Counting,
) -> Result<Cells, Stop> {
    let mut cells = Cells::new();
    let mut most = Most::of(network, whose, lines, counting);
    let (named, open): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.node.is_some());
    for line in named.into_iter().chain(open) {
        let mut left = line.quantity;
        for (node, units) in candidates(network, whose, line, own, &cells, &most, counts) {
            let taken = units.min(left);
            if taken == 0 {
                break;
            }
            // Where several nodes supply, the first of them may have taken what the limits let the buyer have.
            let taken = taken.min(line.needs.iter().map(|need| most.units(need, node, own, &cells)).min().unwrap_or(0));
            left -= taken;
            for (sku, per_unit) in line.needs.iter().filter(|_| taken > 0) {
                let (cell, units) = (CellKey { sku: *sku, node }, per_unit * taken);
                most.take(cell, units, own, &cells);
                *cells.entry(cell).or_default() += units;
            }
        }
        if left > 0 && !partial {
            let (sku, _) = line.needs[0];
            let requested =
                lines.iter().flat_map(|l| l.needs.iter().map(|(s, n)| (*s, u64::from(*n) * u64::from(l.quantity))));
            let requested = requested.filter(|(s, _)| *s == sku).map(|(_, units)| units).sum();
            let taken: u64 = cells.iter().filter(|(cell, _)| cell.sku == sku).map(|(_, units)| u64::from(*units)).sum();
            return Err(Stop::Short(sku, requested, taken));
        }
    }
    if cells.is_empty() {
        let (sku, per_unit) = lines[0].needs[0];
        return Err(Stop::Short(sku, u64::from(per_unit) * u64::from(lines[0].quantity), 0));
    }
    Ok(cells)
}

/// Units beyond those held already that the limits let a buyer have, by sku; nothing stands here of a sku without.
struct Most(BTreeMap<SkuIndex, u32>);

impl Most {
    fn of(network: &Network, whose: Whose, lines: &[Line], counting: Counting) -> Self {
        if network.limits.is_empty() {
            return Self(BTreeMap::new());
        }
        let skus = lines.iter().flat_map(|line| line.needs.iter().map(|(sku, _)| *sku));
        Self(skus.filter_map(|sku| Some((sku, network.limits.of(sku)?.most(whose, counting)))).collect())
    }

    /// Units of the cell that are held and not yet chosen.
    fn held(cell: CellKey, own: &Cells, chosen: &Cells) -> u32 {
        let of = |cells: &Cells| cells.get(&cell).copied().unwrap_or(0);
        of(own).saturating_sub(of(chosen))
    }

    /// How often a need of so many units may be had of a node.
    fn units(&self, (sku, per_unit): &(SkuIndex, u32), node: NodeIndex, own: &Cells, chosen: &Cells) -> u32 {
        match self.0.get(sku) {
            None => u32::MAX,
            Some(most) => Self::held(CellKey { sku: *sku, node }, own, chosen).saturating_add(*most) / per_unit,
        }
    }

    /// Units of a cell are chosen now.
    fn take(&mut self, cell: CellKey, units: u32, own: &Cells, chosen: &Cells) {
        if let Some(most) = self.0.get_mut(&cell.sku) {
            *most -= units.saturating_sub(Self::held(cell, own, chosen));
        }
    }
}

/// Nodes that could supply some of a line, with how much of it they have left; those first where units are held
/// already, then those that have most.
fn candidates(
    network: &Network,
    whose: Whose,
    line: &Line,
    own: &Cells,
    chosen: &Cells,
    most: &Most,
    counts: fn(&Word) -> u32,
) -> Vec<(NodeIndex, u32)> {
    let narrowed = network.catalogue.is_narrowed(whose);
    let serves = |node| network.supplies(node) && (!narrowed || network.catalogue.serves(whose, node));
    let makes = |(sku, per_unit): (SkuIndex, u32)| {
        let cells = network.sku(sku).cells.iter();
        let asked = cells.filter(move |cell| line.node.is_none_or(|node| node == cell.node) && serves(cell.node));
        asked.map(move |cell| {
            let key = CellKey { sku, node: cell.node };
            let mine = own.get(&key).copied().unwrap_or(0);
            let left = (counts(&cell.word) + mine).saturating_sub(chosen.get(&key).copied().unwrap_or(0));
            (cell.node, (left / per_unit).min(most.units(&(sku, per_unit), cell.node, own, chosen)))
        })
    };
    let mut found: Vec<(NodeIndex, u32)> = makes(line.needs[0]).filter(|(_, units)| *units > 0).collect();
    for need in &line.needs[1..] {
        let here: HashMap<NodeIndex, u32> = makes(*need).collect();
        for (node, units) in &mut found {
            *units = here.get(node).copied().unwrap_or(0).min(*units);
        }
    }
    let holds = |node: NodeIndex| line.needs.iter().any(|(sku, _)| own.contains_key(&CellKey { sku: *sku, node }));
    let rank = |(node, units): &(NodeIndex, u32)| (Reverse(holds(*node)), Reverse(*units), *node);
    // One node is enough as a rule; the others are put in order only when it is not.
    if let Some(best) = (0..found.len()).min_by_key(|at| rank(&found[*at])) {
        found.swap(0, best);
        if found[0].1 < line.quantity {
            found[1..].sort_unstable_by_key(rank);
        }
    }
    found
}

fn skus_of(lines: &[Line]) -> BTreeSet<SkuIndex> {
    lines.iter().flat_map(|line| line.needs.iter().map(|(sku, _)| *sku)).collect()
}

pub(super) fn held_of(cells: &Cells) -> HeldLines {
    cells.iter().map(|(cell, quantity)| Held { sku: cell.sku, node: cell.node, quantity: *quantity }).collect()
}

pub(super) fn cells_held(reservation: &Reservation) -> Cells {
    reservation.lines.iter().map(|h| (CellKey { sku: h.sku, node: h.node }, h.quantity)).collect()
}

fn insufficient(network: &Network, sku: SkuIndex, requested: u64, available: u64) -> Rejection {
    Rejection::InsufficientStock { sku: network.sku_name(sku), requested, available }
}
