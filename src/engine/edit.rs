//! Edits of orders: planned against the stock of now and set aside in one record, confirmed in another.
//!
//! ```text
//! open     order ─► terms and preview ─► route ─► take ─► log {edit opened, reservation held, stock}
//! confirm  reservation, order ─► still as planned? ─► ledgers of what is given ─► log {edited, reservation claimed, stock}
//! end      reservation, order ─► log {edit ended, reservation ended, stock}
//! ```
//! Opening takes like any reservation and holds no ledger; what is lowered or moved away stays committed until the edit is
//! confirmed. Confirming takes nothing: what it adds is in its reservation, so it cannot come too late for stock. Units
//! that nobody had when it was planned are unallocated by it and sourced like any, before the answer.
//!
//! The reservation ends by its own time; the edit's end is written by the clock a little later, and both are over at the
//! same instant. What is *not* here: what an edit makes of an order (`domain::order_edit`).

mod cells;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use self::cells::{beyond, committed_by, left_over};
use super::address;
use super::allocate::more_may_come_back;
use super::arriving::delivery_promised_by;
use super::cancel::{leave_queues, skus_waited_for};
use super::change::Change;
use super::due::Run;
use super::hold::{holds_of_edit, too_many};
use super::network::Network;
use super::order_rules::rules_of;
use super::place::{ORDER_UNITS_MAX, destination, placed_line};
use super::reserve::{Cells, cells_held, held_of};
use super::routing::{Asked, Route, Routed, Wanted, route};
use super::shares;
use super::table::{Locked, Name, Named};
use super::turn::{Turn, order_events, reservation_event};
use super::withdrawal::{NotTaken, Patience, Withdrawal};
use super::workload::{Work, places_of, work_at, works_of_edit};
use super::{Engine, Executed};
use crate::domain::command::{EditChange, EditOutcome, EndEdit, OpenEdit, PlaceLine};
use crate::domain::decision::{Assignment, Decision, LineUnits};
use crate::domain::edit::{Edit, EditState, EditTerms, FoundFulfillment, LineChange, PlannedShipment};
use crate::domain::event::{Answer, Event, ReservationChanged};
use crate::domain::fulfillment::FulfillmentOrder;
use crate::domain::ids::{ReservationKey, SkuIndex, Text};
use crate::domain::limits::{
    EDIT_LIFE_S, EDITS_MAX, ORDER_COMPONENTS_MAX, ORDER_LINES_MAX, QUANTITY_MAX, REROUTES_MAX, RESERVATION_CELLS_MAX,
};
use crate::domain::money::Money;
use crate::domain::order::{Allocation, CancelFrom, CancelledPart, Order, OrderEvent, OrderType, PlacedLine};
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::Reply;
use crate::domain::reservation::{Reservation, ReservationEvent, ReservationState};
use crate::domain::stock::{CellKey, LevelDelta, MovementKind};
use crate::domain::time::{JournalTime, Now};

/// Edits whose end the clock writes at once, each a record.
const ENDED_MAX: usize = 1_024;

/// Why an attempt to open did not end.
enum Stop {
    /// Not enough of these skus; the refusal, if that is the last word.
    Short(BTreeSet<SkuIndex>, Rejection),
    /// Units went meanwhile: come again.
    Again,
    /// No.
    Rejected(Rejection),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl Engine {
    pub(super) fn open_edit(&self, turn: &Turn<'_>, command: &OpenEdit) -> Result<Executed, Rejection> {
        let mut patience = Patience::default();
        let mut last_look = false;
        for _ in 0..REROUTES_MAX {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            match self.try_open(turn, &network, command, last_look, &mut patience) {
                Ok(executed) => return Ok(executed),
                Err(Stop::Again) => {}
                // What is due counts as free: less than asked for is an answer only when nothing due is left.
                Err(Stop::Short(skus, refusal)) => {
                    let expired = self.expire_in(turn, &network, &skus);
                    if shares::is_final(last_look, expired) {
                        return Err(refusal);
                    }
                    last_look |= !expired;
                }
                Err(Stop::Rejected(rejection)) => return Err(rejection),
            }
        }
        Err(Rejection::Contended)
    }

    fn try_open(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        command: &OpenEdit,
        last_look: bool,
        patience: &mut Patience,
    ) -> Result<Executed, Stop> {
        let mut slot = self.lock_order(&command.order)?;
        let now = turn.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let lapsed = check_open(order, now)?;
        let mut terms = terms_of(network, order, &command.changes)?;
        terms.expires_at = now.plus_s(EDIT_LIFE_S);
        let (preview, _) = order.preview(&terms).map_err(|few| Rejection::NotCancellable {
            order: order.name(),
            line: order.lines[usize::from(few.line)].placed.id.to_string(),
            cancellable: u64::from(few.cancellable),
            requested: u64::from(few.requested),
        })?;
        check_size(&preview)?;
        let units = to_source(order, &preview, &terms);
        let own = committed_by(order, &terms.found);
        let wall = turn.log.now().wall;
        let leaving = places_of(network, order, terms.found.iter().map(|found| found.number), work_at(order, wall));
        let rules = rules_of(network, &preview, wall);
        let clocks = turn.clocks();
        let asked = Asked::of(network, &preview, &rules, clocks);
        let lines = &asked.lines;
        let own_whose = network.whose_order(order);
        let wanted = Wanted { leaving: &leaving, earlier: &[], own: &own, own_whose, ..asked.wanted(&units) };
        let route = route(network, &wanted);
        let waits = last_look && may_wait(order);
        if !route.unfilled.is_empty() && !waits {
            if more_may_come_back(network, &wanted, &route) {
                return Err(if patience.wait() { Stop::Again } else { Rejection::Contended.into() });
            }
            return Err(short(network, lines, &units, &route));
        }
        let decision = plan(order, &mut terms, route);
        let cells = beyond(order, lines, &terms);
        if cells.len() > RESERVATION_CELLS_MAX {
            let detail = format!("needs {} cells, an edit sets at most {RESERVATION_CELLS_MAX} aside", cells.len());
            return Err(Rejection::invalid("changes", "too_many_lines", detail).into());
        }
        let number = order.next_edit();
        let reservation = (!cells.is_empty()).then(|| ReservationKey(self.next_key()));
        terms.reservation = reservation;
        let (key, expires_at) = (order.key, terms.expires_at);
        let mut change = Change::new(network);
        change.is_for(network.whose_order(order));
        for (cell, units) in &cells {
            change.take(*cell, *units, MovementKind::Reserved, |delta, n| delta.reserved += n);
        }
        let id = Edit::reservation_id(key, number);
        let owner: Text = format!("{} of {}", Edit::name_of(number), key).into();
        let held = |key| {
            let event = ReservationEvent::Held {
                id: Some(id.clone()),
                fingerprint: 0,
                owner: owner.clone(),
                channel: Some(order.facts.channel.clone()),
                customer: Some(order.facts.customer.clone()),
                expires_at,
                lines: held_of(&cells),
            };
            Event::ReservationChanged(ReservationChanged { key, version: 1, event })
        };
        let opened = OrderEvent::EditOpened { number, terms: terms.into(), decision: decision.into() };
        let told = lapsed.map(expired).into_iter().chain([opened]).collect();
        let mut events: Vec<Event> = order_events(order, told).collect();
        events.extend(reservation.map(held));
        events.extend(change.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Edit(key, number)))?;
        let mut set_aside = reservation.map(|reservation| self.reservations.begin(reservation));
        if let Some(reservation) = reservation {
            for sku in cells.keys().map(|cell| cell.sku).collect::<BTreeSet<_>>() {
                network.sku(sku).due.register(expires_at, reservation);
            }
        }
        let withdrawal = change.withdraw(patience).map_err(|not_taken| {
            reservation.into_iter().for_each(|reservation| self.reservations.remove(reservation));
            match not_taken {
                NotTaken::Refused(_) if patience.again() => Stop::Again,
                _ => Rejection::Contended.into(),
            }
        })?;
        let logged = turn.log(self, sealed, change, withdrawal);
        logged.fold_order(&mut slot);
        if let (Some(slot), Some(reservation)) = (&mut set_aside, reservation) {
            logged.fold_reservation(slot);
            self.names.insert(Name::Reservation(id), Named::Reservation(reservation, 0));
            self.agenda_inbox.push(Run::one(expires_at, reservation));
        }
        logged.done();
        self.watch_edits(slot.as_ref().expect("just folded"));
        Ok(answered(&slot, number))
    }

    /// Confirms or declines an edit. One that can no longer be done ends, and is refused.
    pub(super) fn end_edit(&self, turn: &Turn<'_>, command: &EndEdit) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("edit", command.edit.to_string());
        let number = Edit::number_in(&command.edit).ok_or_else(unknown)?;
        // The reservation is locked before its order: which it is never changes.
        let set_aside = {
            let slot = self.lock_order(&command.order)?;
            slot.as_ref().and_then(|order| order.edit(number)).ok_or_else(unknown)?.terms.reservation
        };
        let mut reservation = set_aside.and_then(|key| self.reservations.lock(key));
        let mut slot = self.lock_order(&command.order)?;
        let now = turn.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let (key, edit) = (order.key, order.edit(number).ok_or_else(unknown)?);
        let state = edit.state_at(now);
        if state != EditState::Open {
            let (order, edit, state) = (order.name(), edit.name(), state.word());
            return Err(Rejection::EditEnded { order, edit, state });
        }
        let held = reservation.as_ref().and_then(|slot| slot.as_ref()).map(cells_held).unwrap_or_default();
        let (end, stale) = match command.outcome {
            EditOutcome::Decline => (End::without_effect(&held, number, EditState::Declined, None), None),
            EditOutcome::Confirm => match End::confirmed(&network, order, edit, &held, turn.log.now()) {
                Ok(end) => (end, None),
                Err(why) => {
                    let reason = Some(why.as_str().into());
                    (End::without_effect(&held, number, EditState::Cancelled, reason), Some(why))
                }
            },
        };
        let refusal = stale.map(|why| Rejection::EditStale { order: order.name(), edit: edit.name(), why });
        // What is refused uses no key.
        let answer = refusal.is_none().then_some(Answer::Edit(key, number));
        let touched = self.log_end(turn, &network, (&mut slot, reservation.as_mut()), end, now, answer)?;
        drop((reservation, slot));
        self.store_afterwards(turn, &network, key);
        self.follow_up(turn, &network, touched);
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        self.resource(turn, &network, key);
        self.try_waiting(turn, &network, key);
        Ok(answered(&self.lock_order(&command.order)?, number))
    }

    /// Logs the end of an open edit of a locked order, with its locked reservation and all stock, in one record.
    fn log_end(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        (slot, mut reservation): (&mut Locked<Arc<Order>>, Option<&mut Locked<Reservation>>),
        end: End,
        now: JournalTime,
        answer: Option<Answer>,
    ) -> Result<BTreeSet<SkuIndex>, Rejection> {
        let order = slot.as_ref().expect("a locked entity is there");
        let left = skus_waited_for(order, &end.lowered);
        let skus = end.given.keys().chain(end.released.keys()).map(|cell| cell.sku).chain(left).collect();
        let mut change = Change::lock(network, &skus);
        change.is_for(network.whose_order(order));
        leave_queues(&mut change, order, &end.lowered);
        for (cell, units) in &end.kept {
            let n = *units as i32;
            let delta = LevelDelta { reserved: -n, committed: n, ..LevelDelta::default() };
            change.shift(*cell, MovementKind::Claimed, delta);
        }
        for (cell, units) in &end.given {
            change.give(*cell, *units, MovementKind::Deallocated, |delta, n| delta.committed -= n);
        }
        for (cell, units) in &end.released {
            change.give(*cell, *units, MovementKind::Released, |delta, n| delta.reserved -= n);
        }
        let mut events: Vec<Event> = order_events(order, end.told).collect();
        events.extend(change.events());
        let held = reservation.as_ref().and_then(|slot| slot.as_ref());
        let claimed = ReservationState::Claimed { order: order.key };
        let state = if end.takes_effect { claimed } else { ReservationState::Released };
        events.extend(held.map(|held| reservation_event(held, ReservationEvent::Ended { state })));
        events.extend(end.works.iter().map(Work::event));
        let first_hold = order.next_hold();
        let sealed = turn.seal(now, network.catalogue.seq, events, answer)?;
        if !network.workloads.take(&end.works) {
            return Err(Rejection::Contended);
        }
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        logged.fold_order(slot);
        if let Some(reservation) = &mut reservation {
            logged.fold_reservation(reservation);
            self.remember_end(reservation);
        }
        self.watch_holds(slot.as_ref().expect("just folded"), first_hold);
        self.watch_new_windows(network, slot);
        self.rank_again(network, slot.as_ref().expect("just folded"));
        Ok(logged.done())
    }

    /// Writes the end of edits whose time is up; answers when the clock should come again.
    pub(super) fn end_edits_due(&self, turn: &Turn<'_>, now: JournalTime) -> Option<JournalTime> {
        for (key, number) in self.edits_due.take_due(now, ENDED_MAX) {
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            let Some(mut slot) = self.orders.lock(key) else { continue };
            let order = slot.as_ref().expect("a locked entity is there");
            if order.open_edit().is_some_and(|edit| edit.number == number) {
                let logged = self.log_order(turn, &network, &mut slot, now, vec![expired(number)], None);
                logged.expect("the end of an edit is a small record");
            }
        }
        self.edits_due.next()
    }

    /// Tells the clock of an order's open edit.
    pub(super) fn watch_edits(&self, order: &Order) {
        if let Some(edit) = order.open_edit() {
            self.edits_due.push(edit.terms.expires_at, (order.key, edit.number));
        }
    }

    /// An order, and the number of one of its edits. The order's `seq` must be durable before it is shown.
    pub fn edit(&self, order: &str, edit: &str) -> Result<(Arc<Order>, u16), Rejection> {
        let order = self.order(order)?;
        let number = Edit::number_in(edit).filter(|number| order.edit(*number).is_some());
        let number = number.ok_or_else(|| Rejection::not_found("edit", edit))?;
        Ok((order, number))
    }
}

/// How an edit ends: what its order is told, and what becomes of stock.
struct End {
    told: Vec<OrderEvent>,
    takes_effect: bool,
    /// Units that leave their line, and from where.
    lowered: Vec<CancelledPart>,
    /// Reserved units that its order holds from now on.
    kept: Cells,
    /// Units that its order no longer holds.
    given: Cells,
    /// Reserved units that nobody holds any more.
    released: Cells,
    /// What it adds to the work of nodes.
    works: Vec<Work>,
}

impl End {
    fn without_effect(held: &Cells, number: u16, state: EditState, reason: Option<Text>) -> Self {
        Self {
            told: vec![OrderEvent::EditEnded { number, state, reason }],
            takes_effect: false,
            lowered: Vec::new(),
            kept: Cells::new(),
            given: Cells::new(),
            released: held.clone(),
            works: Vec::new(),
        }
    }

    /// The end of an edit that takes effect, or why it cannot any more.
    fn confirmed(network: &Network, order: &Order, edit: &Edit, held: &Cells, now: Now) -> Result<Self, String> {
        let terms = &edit.terms;
        if order.totals().open() == 0 {
            return Err(format!("all of the order is {}", order.status().word()));
        }
        if let Some(why) = order.moved_on(terms) {
            return Err(why);
        }
        let off = |shipment: &&PlannedShipment| !network.catalogue.node(shipment.node).active;
        if let Some(shipment) = terms.shipments.iter().find(off) {
            return Err(format!("node {} is switched off", network.node_name(shipment.node)));
        }
        let (preview, lowered) = order.preview(terms).map_err(|few| {
            let line = &order.lines[usize::from(few.line)].placed.id;
            format!("{} units of line {line} can still be cancelled, {} are to go", few.cancellable, few.requested)
        })?;
        let lines: Vec<PlacedLine> = preview.lines.iter().map(|line| line.placed.clone()).collect();
        let short = terms.shipments.iter().flat_map(|shipment| &shipment.lines).fold(BTreeMap::new(), |mut sum, u| {
            *sum.entry(u.line).or_insert(0) += u.quantity;
            sum
        });
        if let Some((line, _)) =
            short.iter().find(|(line, units)| preview.lines[usize::from(**line)].unallocated < **units)
        {
            return Err(format!("units of line {} were found elsewhere", lines[usize::from(*line)].id));
        }
        let kept = beyond(order, &lines, terms);
        if kept != *held {
            return Err("what it set aside is no longer what it needs".to_owned());
        }
        let mut given = left_over(order, &lines, terms);
        for part in &lowered {
            if let CancelFrom::Fulfillment(number) = part.from {
                let node = order.fulfillment(number).expect("the part was read off this order").node;
                for (sku, units) in order.stock_of(LineUnits { line: part.line, quantity: part.quantity }) {
                    *given.entry(CellKey { sku, node }).or_default() += units;
                }
            }
        }
        let allocations = (order.next_number()..).zip(&terms.shipments).map(|(number, shipment)| Allocation {
            number,
            node: shipment.node,
            group: shipment.group,
            lines: shipment.lines.clone(),
            cost: shipment.cost,
        });
        let allocations: Vec<Allocation> = allocations.collect();
        let goes = terms.found.iter().filter(|found| !found.stays).map(|found| found.number);
        let at = work_at(order, now.wall);
        let leaving = places_of(network, order, goes, at);
        let rules = rules_of(network, &preview, now.wall);
        let works = works_of_edit(network, (order.key, &lines), &allocations, (&rules, &leaving), at);
        if let Some(node) = works.iter().find_map(|work| work.lacks_room(network)) {
            return Err(format!("node {} has as many shipments that day as it can handle", network.node_name(node)));
        }
        let dated = delivery_promised_by(network, &preview, &allocations, (now.wall, edit.decision.as_deref()));
        let mut told = vec![OrderEvent::Edited { number: edit.number, lowered: lowered.clone(), allocations }];
        told.extend(dated);
        told.extend(order.paid_off_with(terms.difference));
        let ruled = holds_of_edit(network, order, (&preview, terms.difference), now);
        told.extend(ruled.ok_or("rules would put more holds on it than an order may have")?);
        Ok(Self { told, takes_effect: true, lowered, kept, given, released: Cells::new(), works })
    }
}

fn expired(number: u16) -> OrderEvent {
    OrderEvent::EditEnded { number, state: EditState::Expired, reason: None }
}

fn answered(slot: &Locked<Arc<Order>>, number: u16) -> Executed {
    let order = slot.as_ref().expect("a locked entity is there").clone();
    let seq = order.seq;
    Executed::done(Reply::Edit { order, number }, seq)
}

/// Whether an edit of an order may be opened; the one whose end is to be written first, if any.
fn check_open(order: &Order, now: JournalTime) -> Result<Option<u16>, Rejection> {
    if order.totals().open() == 0 {
        let why = format!("all of it is {}", order.status().word());
        return Err(Rejection::NotEditable { order: order.name(), why });
    }
    let lapsed = match order.open_edit() {
        Some(edit) if edit.state_at(now) == EditState::Open => {
            return Err(Rejection::EditOpen { order: order.name(), edit: edit.name() });
        }
        lapsed => lapsed.map(|edit| edit.number),
    };
    if order.edits.len() == EDITS_MAX {
        return Err(too_many("changes", "edits", EDITS_MAX));
    }
    Ok(lapsed)
}

/// Whether units that nobody has may wait; else an edit that needs them is refused.
fn may_wait(order: &Order) -> bool {
    matches!(order.facts.kind, OrderType::Backorder | OrderType::PreOrder)
}

/// What is asked for, in this catalogue and of this order; all faults together. Nothing is planned yet.
fn terms_of(network: &Network, order: &Order, changes: &[EditChange]) -> Result<EditTerms, Rejection> {
    let mut terms = EditTerms {
        lines: Vec::new(),
        added: Vec::new(),
        destination: None,
        found: Vec::new(),
        shipments: Vec::new(),
        unfilled: Vec::new(),
        difference: 0,
        reservation: None,
        expires_at: JournalTime(0),
    };
    let mut faults = Vec::new();
    let mut ids: HashSet<_> = order.lines.iter().map(|line| line.placed.id.clone()).collect();
    for (at, change) in changes.iter().enumerate() {
        let changed = match change {
            EditChange::Line { line, quantity, unit_price } => {
                line_change(order, &terms, line, *quantity, *unit_price).map(|change| terms.lines.push(change))
            }
            EditChange::Add { id, sku, quantity, unit_price } => {
                let free = || (order.lines.len() + terms.added.len() + 1..).map(|n| n.to_string().as_str().into());
                let id = id.clone().unwrap_or_else(|| free().find(|id| !ids.contains(id)).expect("numbers do not end"));
                let line =
                    PlaceLine { id, sku: sku.clone(), quantity: *quantity, unit_price: unit_price.amount, group: 0 };
                added_line(network, order, &mut ids, &line, *unit_price).map(|line| terms.added.push(line))
            }
            EditChange::ShipTo(_) if terms.destination.is_some() => {
                Err(Fault::new("ship_to", "duplicate_change", "is changed twice"))
            }
            EditChange::ShipTo(ship_to) => {
                let at = |fault: Fault| Fault { field: format!("changes[{at}].{}", fault.field), ..fault };
                faults.extend(address::faults_of(&network.catalogue, ship_to).into_iter().map(at));
                terms.destination = Some(destination(&network.catalogue, ship_to));
                Ok(())
            }
        };
        if let Err(fault) = changed {
            faults.push(Fault { field: format!("changes[{at}].{}", fault.field), ..fault });
        }
    }
    if !faults.is_empty() {
        return Err(Rejection::Invalid(faults));
    }
    if terms.destination.is_some() {
        check_own_destination(order, &terms.added)?;
        terms.found = on_their_way(order)?;
    }
    let added = terms.added.iter().map(|line| i128::from(line.unit_price) * i128::from(line.quantity));
    let difference: i128 = terms.lines.iter().map(LineChange::difference).chain(added).sum();
    terms.difference = i64::try_from(difference).map_err(|_| {
        Rejection::invalid("changes", "amount_out_of_range", "change the price of the order beyond what can be told")
    })?;
    Ok(terms)
}

fn line_change(
    order: &Order,
    terms: &EditTerms,
    id: &str,
    quantity: Option<u32>,
    unit_price: Option<Money>,
) -> Result<LineChange, Fault> {
    let unknown = || Fault::new("line", "unknown_line", format!("the order has no line {id:?}"));
    let line = order.line_at(id).ok_or_else(unknown)?;
    if terms.lines.iter().any(|change| change.line == line) {
        return Err(Fault::new("line", "duplicate_change", format!("line {id:?} is changed twice")));
    }
    let booked = order.bookings().iter().any(|booking| booking.line == line);
    if booked && quantity.is_some_and(|quantity| quantity != order.wanted(line)) {
        let detail = "has a slot: cancel units of it, or place another order";
        return Err(Fault::new("quantity", "line_has_slot", detail));
    }
    if unit_price.is_some_and(|price| price.currency != order.facts.currency) {
        return Err(wrong_currency(order, "unit_price.currency"));
    }
    let placed = &order.lines[usize::from(line)].placed;
    let wanted = order.wanted(line);
    let change = LineChange {
        line,
        quantity_before: wanted,
        quantity: quantity.unwrap_or(wanted),
        unit_price_before: placed.unit_price,
        unit_price: unit_price.map_or(placed.unit_price, |price| price.amount),
    };
    let most = placed.components.iter().map(|c| u64::from(c.quantity)).max().unwrap_or(1);
    if most * (u64::from(placed.quantity) + u64::from(change.raised())) > u64::from(QUANTITY_MAX) {
        let detail = format!("a line has at most {QUANTITY_MAX} units of a sku, cancelled ones included");
        return Err(Fault::new("quantity", "quantity_out_of_range", detail));
    }
    Ok(change)
}

fn added_line(
    network: &Network,
    order: &Order,
    ids: &mut HashSet<Text>,
    line: &PlaceLine,
    unit_price: Money,
) -> Result<PlacedLine, Fault> {
    let placed = placed_line(network, line);
    let placed = placed.map_err(|fault| Fault { field: format!("add.{}", fault.field), ..fault })?;
    if !ids.insert(line.id.clone()) {
        return Err(Fault::new("add.id", "duplicate_line_id", format!("{:?} is a line already", line.id)));
    }
    if unit_price.currency != order.facts.currency {
        return Err(wrong_currency(order, "add.unit_price.currency"));
    }
    Ok(placed)
}

fn wrong_currency(order: &Order, field: &str) -> Fault {
    Fault::new(field, "currency_mismatch", format!("must be {}, the order's", order.facts.currency))
}

/// Refuses to change the order's own destination where all of it goes to those of groups: nothing would go elsewhere.
fn check_own_destination(order: &Order, added: &[PlacedLine]) -> Result<(), Rejection> {
    if !added.is_empty() || order.lines.iter().any(|line| line.placed.group == 0) {
        return Ok(());
    }
    let why = "all of its lines go to the destinations of their groups, nothing to its own".to_owned();
    Err(Rejection::NotEditable { order: order.name(), why })
}

/// Fulfilment orders on their way to the order's own destination, none of them begun; else it cannot change.
fn on_their_way(order: &Order) -> Result<Vec<FoundFulfillment>, Rejection> {
    let own = order.fulfillment_orders.iter().filter(|f| f.group == 0 && f.status.is_live() && f.units() > 0);
    let found = |f: &FulfillmentOrder| {
        if f.status.is_before_picking() {
            return Ok(FoundFulfillment { number: f.number, units: f.line_units(), stays: false });
        }
        let why = format!("fulfilment order {} is {}: it can no longer go elsewhere", f.number, f.status.word());
        Err(Rejection::NotEditable { order: order.name(), why })
    };
    own.map(found).collect()
}

/// Refuses an edit that would make an order larger than one that can be placed.
fn check_size(preview: &Order) -> Result<(), Rejection> {
    let too_many = |code, detail| Err(Rejection::invalid("changes", code, detail));
    let lines = preview.lines.len();
    if lines > ORDER_LINES_MAX {
        return too_many(
            "too_many_lines",
            format!("an order has at most {ORDER_LINES_MAX} lines, it would have {lines}"),
        );
    }
    let units: u64 = preview.lines.iter().map(|line| u64::from(line.placed.quantity)).sum();
    if units > ORDER_UNITS_MAX {
        let detail = format!("an order asks for at most {ORDER_UNITS_MAX} units, it would ask for {units}");
        return too_many("quantity_out_of_range", detail);
    }
    let components: usize = preview.lines.iter().map(|line| line.placed.components.len()).sum();
    if components > ORDER_COMPONENTS_MAX {
        let detail = format!("its kits name at most {ORDER_COMPONENTS_MAX} components, they would name {components}");
        return too_many("too_many_components", detail);
    }
    Ok(())
}

/// What the edit has to find units for: what is raised, added or moved elsewhere. Of an order that rests nothing: what
/// comes to it rests too.
fn to_source(order: &Order, preview: &Order, terms: &EditTerms) -> Vec<LineUnits> {
    if order.deferral.is_some() {
        return Vec::new();
    }
    let mine = |line: u16| {
        let raised = terms.lines.iter().any(|change| change.line == line && change.raised() > 0);
        let moved = terms.found.iter().any(|found| found.units.iter().any(|u| u.line == line));
        raised || moved || usize::from(line) >= order.lines.len()
    };
    let lines = (0..).zip(&preview.lines).filter(|(line, own)| own.unallocated > 0 && mine(*line));
    lines.map(|(line, own)| LineUnits { line, quantity: own.unallocated }).collect()
}

/// Writes the route into the terms: a fulfilment order that it leaves as it is stays. Answers why it is so.
fn plan(order: &Order, terms: &mut EditTerms, route: Route) -> Decision {
    for Routed { group, assignment } in route.shipments {
        let is_as_planned = |found: &&mut FoundFulfillment| {
            let fulfillment = order.fulfillment(found.number).expect("it was read off this order");
            let same_units = || sorted(&found.units) == sorted(&assignment.lines);
            let alone = fulfillment.ships_with.is_empty();
            !found.stays && alone && (fulfillment.node, fulfillment.group) == (assignment.node, group) && same_units()
        };
        match terms.found.iter_mut().find(is_as_planned) {
            Some(found) => found.stays = true,
            None => {
                let Assignment { node, lines, cost } = assignment;
                terms.shipments.push(PlannedShipment { node, group, lines, cost });
            }
        }
    }
    terms.unfilled = route.unfilled;
    route.decision
}

fn sorted(units: &[LineUnits]) -> Vec<(u16, u32)> {
    let mut units: Vec<_> = units.iter().map(|u| (u.line, u.quantity)).collect();
    units.sort_unstable();
    units
}

/// Too little of what is wanted; told of the first line that lacks units.
fn short(network: &Network, lines: &[PlacedLine], units: &[LineUnits], route: &Route) -> Stop {
    let needs = |u: &LineUnits| lines[usize::from(u.line)].stock(u.quantity);
    let skus = units.iter().flat_map(needs).map(|(sku, _)| sku).collect();
    let lacking = &lines[usize::from(route.unfilled[0].line)];
    let sku = lacking.stock(1).first().map_or(lacking.sku, |(sku, _)| *sku);
    let sum = |units: &[LineUnits]| -> u64 {
        let of_sku = units.iter().flat_map(needs).filter(|(needed, _)| *needed == sku);
        of_sku.map(|(_, n)| u64::from(n)).sum()
    };
    let (requested, missing) = (sum(units), sum(&route.unfilled));
    let (sku, available) = (network.sku_name(sku), requested - missing);
    Stop::Short(skus, Rejection::InsufficientStock { sku, requested, available })
}
