//! Units of an order that become an order of their own, in one record. What is allocated goes with them, to fulfilment
//! orders of the new order at the same nodes, and no stock moves; what waits is sourced for it anew, behind whoever waits.
//!
//! A total as reported stays with the order that is split: its new part owes the price of its lines, and gets so much of the
//! money as is there beyond what is due for the rest. What is reported later is reported of one of the two. Holds that
//! forbid are put on both, or splitting would be a way round them; those that wait for money end on each that has it. What
//! is being picked cannot go. What is fetched from a locker has a compartment of its own, or nothing is split.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cancel::{leave_queues, named_parts, skus_waited_for};
use super::change::Change;
use super::hold::too_many;
use super::lockers::{Parcelled, Storing, parcelled};
use super::network::Network;
use super::table::{Name, Named};
use super::turn::{Turn, first_order_events, order_events};
use super::withdrawal::Withdrawal;
use super::workload::{Work, work_at, works_taken_over};
use super::{Engine, Executed};
use crate::domain::archive::OrderName;
use crate::domain::command::SplitOrder;
use crate::domain::decision::LineUnits;
use crate::domain::event::Answer;
use crate::domain::hold::{Hold, HoldState};
use crate::domain::ids::{NodeIndex, OrderKey, Text};
use crate::domain::limits::{PAYMENTS_MAX, SKU_BYTES_MAX};
use crate::domain::order::{Allocation, CancelFrom, CancelledPart, Order, OrderEvent, OrderFacts, PlacedLine};
use crate::domain::payment::{Paid, PaymentFact, PaymentMark};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::time::JournalTime;

/// What goes with units that are split off, by how it was reported.
type Money = [(PaymentMark, i64); 2];

/// Most numbers that are tried behind the channel's id of an order that is split.
const NUMBERS_MAX: u32 = 1_000;

impl Engine {
    pub(super) fn split_order(&self, turn: &Turn<'_>, command: &SplitOrder) -> Result<Executed, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let unknown = || Rejection::not_found("order", command.order.to_string());
        let old = self.find_order(&command.order).ok_or_else(unknown)?;
        // Names are claimed before entities are locked; what the channel is called never changes.
        let facts = self.order_by_key(old).ok_or_else(unknown)?.facts.clone();
        let own_claim = command.id.clone().map(|id| self.names.claim(Name::Order(id)));
        if let Some(Named::Order(key, fingerprint)) = own_claim.as_ref().and_then(|claim| claim.taken()) {
            return self.repeat_split(command, key, fingerprint);
        }
        if let Some(id) = &command.id
            && let Some(left) = self.archived_under(OrderName::Own(id))?
        {
            return self.repeat_split(command, left.key, left.facts.fingerprint);
        }
        let (channel_order_id, channel_claim) = self.claim_channel_id(command, &facts)?;
        let mut slot = self.orders.lock(old).ok_or_else(unknown)?;
        let now = turn.now();
        let order = slot.as_ref().expect("a locked entity is there");
        let parts = named_parts(order, &command.lines)?;
        if parts.iter().map(|part| u64::from(part.quantity)).sum::<u64>() == order.totals().open() {
            let why = "all that is open of it would go: there is nothing to split".to_owned();
            return Err(Rejection::NotEditable { order: order.name(), why });
        }
        if let Some(part) = parts.iter().find(|part| order.is_particular(part.line)) {
            let line = &order.lines[usize::from(part.line)].placed.id;
            let why = format!("line {line} has a slot, is a warranty or has one: it stays with its order");
            return Err(Rejection::NotEditable { order: order.name(), why });
        }
        let (paid, authorized) = order.money_of(parts.iter().map(units_of));
        if paid + authorized > 0 && order.payments.len() == PAYMENTS_MAX {
            return Err(too_many("payments", "payments", PAYMENTS_MAX));
        }
        let key = OrderKey(self.next_key());
        let money = [(PaymentMark::Paid, paid), (PaymentMark::Authorized, authorized)];
        let told = new_order(order, command, channel_order_id, (&parts, &money), now);
        let mut change = Change::lock(&network, &skus_waited_for(order, &parts).collect());
        leave_queues(&mut change, order, &parts);
        let works = works_taken_over(&network, (key, 0), &told, work_at(order, turn.log.now().wall));
        let parcels = parcels_of(&network, order, &told);
        let split = old_order(order, key, parts, &money);
        let storing = self.store_apart(&network, (order, &split), (key, &parcels), turn.log.now())?;
        let mut events: Vec<_> = order_events(order, split).collect();
        events.extend(first_order_events(key, told));
        events.extend(change.events());
        events.extend(works.iter().map(Work::event));
        events.extend(storing.iter().flat_map(Storing::events));
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Order(key)))?;
        let mut made = self.orders.begin(key);
        network.workloads.take(&works);
        let logged = turn.log(self, sealed, change, Withdrawal::nothing());
        storing.into_iter().for_each(Storing::logged);
        logged.fold_order_of(old, &mut slot);
        logged.fold_order_of(key, &mut made);
        network.workloads.look_at(slot.as_ref().expect("just folded"));
        self.watch_holds(made.as_ref().expect("just folded"), 1);
        self.watch_deferral(made.as_ref().expect("just folded"));
        self.watch_new_windows(&network, &made);
        self.note_pickable(made.as_ref().expect("just folded"), 1..=u16::MAX);
        self.watch_new_windows(&network, &slot);
        self.rank_again(&network, slot.as_ref().expect("just folded"));
        channel_claim.settle(Named::Order(key, command.fingerprint));
        if let Some(claim) = own_claim {
            claim.settle(Named::Order(key, command.fingerprint));
        }
        let touched = logged.done();
        drop((slot, made));
        self.follow_up(turn, &network, touched);
        // A node that was switched off may not have been left yet by the order that was split.
        self.leave_idle_nodes(turn, &network, key);
        self.try_waiting(turn, &network, old);
        let order = self.order_by_key(key).expect("just made");
        let seq = order.seq;
        Ok(Executed::done(Reply::Order(order), seq))
    }

    fn repeat_split(&self, command: &SplitOrder, key: OrderKey, fingerprint: u64) -> Result<Executed, Rejection> {
        let order = self.order_by_key(key).filter(|order| order.split_from.is_some());
        let same = order.filter(|_| fingerprint == command.fingerprint);
        let taken = || Rejection::IdTaken { id: command.id.as_deref().unwrap_or_default().to_owned() };
        let seq = same.ok_or_else(taken)?.history[0].seq;
        Ok(Executed::Repeat { seq, answer: Answer::Order(key) })
    }

    /// The channel's id of the new order, claimed: the one asked for, or that of the order with a number behind it.
    fn claim_channel_id(
        &self,
        command: &SplitOrder,
        facts: &OrderFacts,
    ) -> Result<(Text, super::table::Claim<'_>), Rejection> {
        let name = |id: &Text| Name::ChannelOrder(facts.channel.clone(), id.clone());
        if let Some(id) = &command.channel_order_id {
            let claim = self.names.claim(name(id));
            let left = self.archived_under(OrderName::Channel(&facts.channel, id))?.map(|order| order.key);
            let here = claim.taken().and_then(|named| if let Named::Order(key, _) = named { Some(key) } else { None });
            let Some(key) = here.or(left) else { return Ok((id.clone(), claim)) };
            return Err(Rejection::DuplicateChannelOrder {
                channel: facts.channel.to_string(),
                channel_order_id: id.to_string(),
                order: self.order_by_key(key).map_or_else(|| key.to_string(), |order| order.name()),
            });
        }
        for number in 2..NUMBERS_MAX {
            let id: Text = format!("{}-{number}", facts.channel_order_id).into();
            if id.len() > SKU_BYTES_MAX {
                break;
            }
            let claim = self.names.claim(name(&id));
            let left = self.archived_under(OrderName::Channel(&facts.channel, &id))?;
            if claim.taken().is_none() && left.is_none() {
                return Ok((id, claim));
            }
        }
        let detail = "none is free behind that of the order: name one";
        Err(Rejection::invalid("channel_order_id", "missing_field", detail))
    }
}

fn units_of(part: &CancelledPart) -> LineUnits {
    LineUnits { line: part.line, quantity: part.quantity }
}

/// What the order is told that is split: its units go, the money for them goes, and holds end that wait for what it has.
fn old_order(order: &Order, to: OrderKey, parts: Vec<CancelledPart>, money: &Money) -> Vec<OrderEvent> {
    let amount = money.iter().map(|(_, amount)| amount).sum();
    let moved = PaymentFact { mark: PaymentMark::Moved, amount, at: JournalTime(0), actor: "".into() };
    let price: i128 = parts.iter().map(|part| order.price_of(units_of(part))).sum();
    let paid_off = order.paid_off(&Paid::of(&order.payments).with(&moved), order.due_with(-price));
    let reported = (amount > 0).then_some(OrderEvent::PaymentReported { mark: PaymentMark::Moved, amount });
    [OrderEvent::SplitOff { to, parts }].into_iter().chain(reported).chain(paid_off).collect()
}

/// What of the new order is to lie in lockers.
fn parcels_of(network: &Network, order: &Order, told: &[OrderEvent]) -> Vec<Parcelled> {
    let lines = told.iter().find_map(|event| match event {
        OrderEvent::Placed { lines, .. } => Some(lines),
        _ => None,
    });
    let way = (&*order.facts.delivery_method, order.preferred_node());
    lines.map(|lines| parcelled(&network.catalogue, lines, way, &order.ways)).unwrap_or_default()
}

/// What the new order is told: it is placed with its units and their money, split off, and held as the other is.
fn new_order(
    order: &Order,
    command: &SplitOrder,
    channel_order_id: Text,
    (parts, money): (&[CancelledPart], &Money),
    now: JournalTime,
) -> Vec<OrderEvent> {
    let facts = OrderFacts {
        id: command.id.clone(),
        fingerprint: command.fingerprint,
        channel_order_id,
        total: None,
        payment: None,
        reservation: None,
        ..(*order.facts).clone()
    };
    let mut units: BTreeMap<u16, u32> = BTreeMap::new();
    for part in parts {
        *units.entry(part.line).or_default() += part.quantity;
    }
    let at = |line: u16| units.keys().position(|own| *own == line).expect("every part is of a line that goes") as u16;
    let line = |(line, quantity): (&u16, &u32)| PlacedLine {
        quantity: *quantity,
        ..order.lines[usize::from(*line)].placed.clone()
    };
    let lines = units.iter().map(line).collect();
    let mut there: BTreeMap<u16, (NodeIndex, u16, Vec<LineUnits>)> = BTreeMap::new();
    for part in parts {
        if let CancelFrom::Fulfillment(number) = part.from {
            let from = order.fulfillment(number).expect("the part was read off this order");
            let entry = there.entry(number).or_insert_with(|| (from.node, from.group, Vec::new()));
            match entry.2.iter_mut().find(|units| units.line == at(part.line)) {
                Some(units) => units.quantity += part.quantity,
                None => entry.2.push(LineUnits { line: at(part.line), quantity: part.quantity }),
            }
        }
    }
    let promised: Vec<OrderEvent> = (1..)
        .zip(there.keys())
        .filter_map(|(number, from)| Some((number, order.deliver_by(*from)?)))
        .map(|(number, day)| OrderEvent::DeliveryPromised { number, deliver_by: day.into() })
        .collect();
    let allocations = (1..).zip(there.into_values());
    let allocations =
        allocations.map(|(number, (node, group, lines))| Allocation { number, node, group, lines, cost: 0 });
    let placed = OrderEvent::Placed {
        facts: Arc::new(facts),
        lines,
        allocations: allocations.collect(),
        backordered: Vec::new(),
        decision: None,
    };
    let forbids = |state| matches!(state, HoldState::Active | HoldState::Rejected);
    let [paid, authorized] = money.map(|(_, amount)| amount);
    let sums = Paid { paid, authorized, ..Paid::default() };
    let price: i128 = parts.iter().map(|part| order.price_of(units_of(part))).sum();
    let due = i64::try_from(price).unwrap_or(i64::MAX);
    let has_its_money = |hold: &Hold| hold.terms.release_on.is_some_and(|mark| sums.covers(due, mark));
    let holds = order.holds.iter().filter(|hold| forbids(hold.state_at(now)));
    let holds = holds.filter(|hold| hold.state == HoldState::Rejected || !has_its_money(hold));
    let held = (1..).zip(holds).flat_map(|(number, hold)| {
        let held = OrderEvent::Held { number, terms: hold.terms.clone() };
        let stands = hold.state == HoldState::Rejected;
        let stands = stands.then_some(OrderEvent::HoldEnded { number, state: HoldState::Rejected, reason: None });
        std::iter::once(held).chain(stands)
    });
    let release = order.release_at.filter(|release| release.journal > now);
    let scheduled = release.map(|release| OrderEvent::Scheduled { release });
    let prioritised = (order.priority > 0).then_some(OrderEvent::Prioritised { priority: order.priority });
    let rests = order.deferral.map(|deferral| OrderEvent::Deferred { due: deferral.due });
    let preferred = order.preferred_node().map(|node| OrderEvent::Preferred { node });
    let ways = (!order.ways.is_empty()).then(|| OrderEvent::Ways { ways: order.ways.clone() });
    let money = money.iter().filter(|(_, amount)| *amount > 0);
    let money = money.map(|(mark, amount)| OrderEvent::PaymentReported { mark: *mark, amount: *amount });
    let told = [placed, OrderEvent::SplitFrom { order: order.key }].into_iter().chain(money);
    let fenced = (!order.fenced.is_empty()).then(|| OrderEvent::Fenced { nodes: order.fenced.clone() });
    let asked = order.awaits_customer.then_some(OrderEvent::CustomerAsked);
    let told = told.chain(preferred).chain(ways).chain(fenced).chain(asked);
    let wanted = order.arrives_by().map(|by| OrderEvent::ArrivalWanted { by: by.into() });
    told.chain(wanted).chain(rests).chain(scheduled).chain(prioritised).chain(held).chain(promised).collect()
}
