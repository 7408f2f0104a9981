//! Placing an order: names claimed, reservation claimed, units routed and taken, one record.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::address;
use super::allocate::{Decided, Order as Allocating, Stop};
use super::cell::Word;
use super::delivery::{not_offered, preferred_node, ways};
use super::draft::Drafted;
use super::hold::begun_holds;
use super::limits::Counting;
use super::lockers::{Parcelled, parcelled};
use super::network::Network;
use super::order_rules::Choosing;
use super::routing::{Wanted, route};
use super::rules::compares_only;
use super::slots;
use super::table::{Locked, Name, Named};
use super::turn::{Turn, first_order_events};
use super::warranty::warranties;
use super::withdrawal::Patience;
use super::{Engine, Executed};
use crate::domain::catalogue::Catalogue;
use crate::domain::channel::Whose;
use crate::domain::command::{Deferred, PlaceLine, PlaceOrder, ShipTo, Wishes};
use crate::domain::decision::{Decision, LineUnits};
use crate::domain::delivery::{Way, place_of};
use crate::domain::event::{Answer, Event, SubscriptionChanged};
use crate::domain::exception::ExceptionKind;
use crate::domain::geo::Position;
use crate::domain::hold::ReleaseAt;
use crate::domain::ids::{NodeIndex, OrderKey, ReservationKey, SkuIndex, SubscriptionKey, Text};
use crate::domain::item::ItemKind;
use crate::domain::limits::{ORDER_COMPONENTS_MAX, ORDER_LINES_MAX, QUANTITY_MAX, REROUTES_MAX};
use crate::domain::order::{Destination, Order, OrderEvent, OrderFacts, OrderType, PlacedLine};
use crate::domain::order_promise::Dates;
use crate::domain::particulars::{Booking, Warranty, places};
use crate::domain::policy::Standing;
use crate::domain::rejection::{Fault, Rejection};
use crate::domain::reply::{Outcome, Reply};
use crate::domain::reservation::{Reservation, ReservationState};
use crate::domain::rules::groups::GroupRules;
use crate::domain::rules::presets::WEIGHTED_SCORE;
use crate::domain::slots::Places;
use crate::domain::stock::CellKey;
use crate::domain::subscription::{Subscription, SubscriptionEvent};
use crate::domain::time::{Now, WallTime};

/// Most units an order may ask for over all its lines.
pub(super) const ORDER_UNITS_MAX: u64 = 2_000_000_000;
/// Characters of the postal code that stay in the clear.
const POSTAL_PREFIX: usize = 3;

/// When an order's units are sourced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sourced {
    /// In the record that captures it.
    AtOnce,
    /// In further records: it is too large for one.
    Afterwards,
    /// When somebody asks for it, or the clock: it rests.
    Later,
}

/// The period of a subscription whose order is placed.
#[derive(Clone, Copy)]
pub(super) struct Due {
    /// Of which.
    pub subscription: SubscriptionKey,
    /// Its version as it was judged.
    pub version: u32,
    /// Number of the period.
    pub number: u32,
}

/// An order to be placed, and how.
#[derive(Clone, Copy)]
struct Placing<'a> {
    command: &'a PlaceOrder,
    sourced: Sourced,
    due: Option<Due>,
    draft: Option<Drafted>,
}

/// The reservation an order claims, locked.
type Claimed = Option<(ReservationKey, Locked<Reservation>)>;

impl Engine {
    pub(super) fn place_order(&self, turn: &Turn<'_>, command: &PlaceOrder) -> Result<Executed, Rejection> {
        self.place_asked(turn, Placing { command, sourced: Sourced::AtOnce, due: None, draft: None })
    }

    /// Places a draft. Whoever changed it meanwhile wins.
    pub(super) fn place_drafted(
        &self,
        turn: &Turn<'_>,
        command: &PlaceOrder,
        draft: Drafted,
    ) -> Result<Executed, Rejection> {
        self.place_asked(turn, Placing { command, sourced: Sourced::AtOnce, due: None, draft: Some(draft) })
    }

    fn place_asked(&self, turn: &Turn<'_>, placing: Placing<'_>) -> Result<Executed, Rejection> {
        match placing.command.wishes.deferred {
            Some(_) => self.place_with(turn, Placing { sourced: Sourced::Later, ..placing }),
            None => self.place_somehow(turn, placing),
        }
    }

    /// Places the order of a period. Whoever changed the subscription meanwhile wins: `Contended`.
    pub(super) fn place_period_order(&self, turn: &Turn<'_>, command: &PlaceOrder, due: Due) -> Result<(), Rejection> {
        let placing = Placing { command, sourced: Sourced::AtOnce, due: Some(due), draft: None };
        self.place_somehow(turn, placing).map(drop)
    }

    fn place_somehow(&self, turn: &Turn<'_>, placing: Placing<'_>) -> Result<Executed, Rejection> {
        match self.place_with(turn, placing) {
            // Captured in one record, sourced in further ones. A reservation is claimed in one record or not at all.
            Err(Rejection::TooLarge(_)) if placing.command.reservation.is_none() => {
                self.place_with(turn, Placing { sourced: Sourced::Afterwards, ..placing })
            }
            done => done,
        }
    }

    fn place_with(&self, turn: &Turn<'_>, placing: Placing<'_>) -> Result<Executed, Rejection> {
        let mut held = BTreeSet::new();
        let mut patience = Patience::default();
        for _ in 0..REROUTES_MAX {
            let (before, covered) = self.placed_before(placing.command)?;
            if let Some(executed) = before {
                return Ok(executed);
            }
            let network = self.network.read().expect("no writer of the catalogue panics and survives");
            match self.try_place(turn, &network, placing, covered, &held, &mut patience) {
                Ok((executed, touched)) => {
                    self.follow_up(turn, &network, touched);
                    return match placing.sourced {
                        Sourced::AtOnce | Sourced::Later => Ok(executed),
                        Sourced::Afterwards => Ok(self.source_afterwards(turn, &network, executed)),
                    };
                }
                Err(Stop::Again) => {}
                Err(Stop::NeedLedgers(skus)) => {
                    let expired = self.expire_in(turn, &network, &skus);
                    held = if expired { BTreeSet::new() } else { skus };
                }
                Err(Stop::Rejected(rejection)) => return Err(rejection),
            }
        }
        Err(Rejection::Contended)
    }

    fn try_place(
        &self,
        turn: &Turn<'_>,
        network: &Network,
        Placing { command, sourced, due, draft }: Placing<'_>,
        covered: u64,
        held: &BTreeSet<SkuIndex>,
        patience: &mut Patience,
    ) -> Result<(Executed, BTreeSet<SkuIndex>), Stop> {
        let own_name = command.id.clone().map(Name::Order);
        let channel_name = Name::ChannelOrder(command.channel.clone(), command.channel_order_id.clone());
        let own_claim = own_name.map(|name| self.names.claim(name));
        if let Some(Named::Order(key, fingerprint)) = own_claim.as_ref().and_then(|claim| claim.taken()) {
            return self.repeat_order(command, key, fingerprint).map(|e| (e, BTreeSet::new())).map_err(Stop::Rejected);
        }
        let channel_claim = self.names.claim(channel_name);
        if let Some(Named::Order(key, _)) = channel_claim.taken() {
            return Err(Stop::Rejected(self.duplicate(command, key)));
        }
        // What memory forgot meanwhile is in the part of the archive that was not asked.
        if self.archive_covers() != covered {
            return Err(Stop::Again);
        }
        let claimed = self.lock_claimed(turn, command);
        let now = claimed.as_ref().map_or_else(|_| turn.log.now(), |(_, now)| *now);
        let (schedule, holds) = (release_of(command, now), begun_holds(network, command, now));
        let prepared = prepare(network, command, now);
        let faults = [faults_of(&claimed), faults_of(&schedule), faults_of(&holds), faults_of(&prepared)].concat();
        if !faults.is_empty() {
            return Err(Stop::Rejected(Rejection::Invalid(faults)));
        }
        let ((mut reservation, _), holds, mut prepared) = (claimed?, holds?, prepared?);
        let schedule = schedule?.map(|release| OrderEvent::Scheduled { release });
        let priority =
            (command.wishes.priority > 0).then_some(OrderEvent::Prioritised { priority: command.wishes.priority });
        let places = prepared.places();
        let parcels = prepared.parcels(network, command);
        let claims = reservation.as_ref().map(|(key, _)| *key);
        let facts = facts(command, std::mem::take(&mut prepared.destinations), now, claims);
        let claimed = reservation.as_ref().and_then(|(_, slot)| slot.as_ref());
        let own = claimed.map(own_units).unwrap_or_default();
        let key = OrderKey(self.next_key());
        let mut subscription = due.map(|due| self.lock_due(due)).transpose()?;
        let mut drafted = draft.map(|draft| self.lock_drafted(draft, now.journal)).transpose()?;
        if let (Some(drafted), Some(reservation)) = (drafted.as_deref().and_then(Option::as_ref), claimed)
            && !drafted.owns(reservation)
        {
            let (id, state) = (reservation.name(), "transferred");
            return Err(Stop::Rejected(Rejection::ReservationEnded { id, state }));
        }
        let mut slot = self.orders.begin(key);
        let record = |decided: Decided| {
            let waits = &decided.backordered;
            let preordered = preordered(&network.catalogue, command.kind, &prepared.lines, waits, now.wall);
            let placed = placed(facts.clone(), &prepared, decided, sourced);
            let told = std::iter::once(placed).chain(preordered).chain(wished(command, &prepared));
            let told =
                told.chain(deferred(command, now)).chain(schedule.iter().chain(&priority).chain(&holds).cloned());
            let beside = due.map(|due| due.placed(key)).into_iter().chain(draft.map(|draft| draft.placed(key)));
            first_order_events(key, told.collect()).chain(beside).collect()
        };
        let allocating = Allocating {
            key,
            next_number: 1,
            waiting: &[],
            cancelled: &[],
            wanted: Wanted {
                lines: &prepared.lines,
                units: if sourced == Sourced::AtOnce { &prepared.units } else { &[] },
                destinations: &prepared.positions,
                to: &facts.destinations,
                placed_at: facts.placed_at,
                at: now.wall,
                known_at: now.journal,
                release_at: command.wishes.release_at,
                dates: asked_dates(command, &holds),
                leaving: &[],
                behind: &[],
                earlier: &[],
                fenced: &[],
                preferred: prepared.preferred,
                only: place_of(&command.delivery_method, prepared.preferred),
                ways: &prepared.ways,
                bookings: &prepared.bookings,
                own: &own,
                counts: Word::free,
                counting: Counting::Now,
                whose: network.catalogue.whose(Some(&command.channel), Some(&command.customer)),
                own_whose: claimed.map_or(Whose::Nobody, |reservation| network.whose_reservation(reservation)),
                rules: &prepared.rules.own,
                others: &prepared.rules.others,
                method: &command.delivery_method,
            },
            places: &places,
            parcels: &parcels,
            seeks_locker: None,
            claimed,
            fills: false,
            standing: Standing {
                policy: network.catalogue.policies().fill(),
                priority: command.wishes.priority,
                due: command.wishes.release_at.unwrap_or(facts.placed_at),
            },
            raises: (command.kind == OrderType::Standard).then_some(ExceptionKind::StockOut),
        };
        let attempt =
            self.attempt(turn, network, &allocating, held, now.journal, patience, record, Some(Answer::Order(key)));
        let logged = match attempt {
            Ok(Some(logged)) => logged,
            Ok(None) => unreachable!("only an attempt that fills can find nothing"),
            Err(stop) => {
                self.orders.remove(key);
                return Err(stop);
            }
        };
        logged.fold_order(&mut slot);
        self.watch_holds(slot.as_ref().expect("just folded"), 1);
        self.watch_deferral(slot.as_ref().expect("just folded"));
        self.watch_new_windows(network, &slot);
        if let Some((_, reservation)) = &mut reservation {
            logged.fold_reservation(reservation);
            self.remember_end(reservation);
        }
        if let Some(subscription) = &mut subscription {
            logged.fold_subscription(subscription);
            self.watch_subscription(subscription.as_ref().expect("just folded"), now);
        }
        if let Some(drafted) = &mut drafted {
            logged.fold_draft(drafted);
            self.remember_draft(drafted);
        }
        channel_claim.settle(Named::Order(key, command.fingerprint));
        if let Some(claim) = own_claim {
            claim.settle(Named::Order(key, command.fingerprint));
        }
        let order = slot.as_ref().expect("just folded").clone();
        let executed = Executed::done(Reply::Order(order), logged.seq());
        Ok((executed, logged.done()))
    }

    /// Locks the subscription of a period, unless somebody changed it since the period was judged.
    fn lock_due(&self, due: Due) -> Result<Locked<Subscription>, Rejection> {
        let slot = self.subscriptions.lock(due.subscription).ok_or(Rejection::Contended)?;
        let is_same = slot.as_ref().is_some_and(|subscription| subscription.version == due.version);
        if is_same { Ok(slot) } else { Err(Rejection::Contended) }
    }

    /// Sources an order that is captured, and answers it as it stands then.
    fn source_afterwards(&self, turn: &Turn<'_>, network: &Network, captured: Executed) -> Executed {
        let Executed::Done(Outcome { reply: Reply::Order(order), .. }) = captured else { return captured };
        self.resource(turn, network, order.key);
        let order = self.order_by_key(order.key).unwrap_or(order);
        let seq = order.seq;
        Executed::done(Reply::Order(order), seq)
    }

    pub(super) fn repeat_order(
        &self,
        command: &PlaceOrder,
        key: OrderKey,
        fingerprint: u64,
    ) -> Result<Executed, Rejection> {
        if fingerprint != command.fingerprint {
            return Err(Rejection::IdTaken { id: command.id.as_deref().unwrap_or_default().to_owned() });
        }
        let order = self.order_wherever(key)?.ok_or_else(|| Rejection::not_found("order", key.to_string()))?;
        Ok(Executed::Repeat { seq: order.history[0].seq, answer: Answer::Order(key) })
    }

    pub(super) fn duplicate(&self, command: &PlaceOrder, key: OrderKey) -> Rejection {
        let name = self.order_wherever(key).ok().flatten().map(|order| order.name());
        Rejection::DuplicateChannelOrder {
            channel: command.channel.to_string(),
            channel_order_id: command.channel_order_id.to_string(),
            order: name.unwrap_or_else(|| key.to_string()),
        }
    }

    /// Locks the reservation that the order claims and reads the time by which it is judged. Lapsed: refused, unless the
    /// units may be taken anew.
    fn lock_claimed(&self, turn: &Turn<'_>, command: &PlaceOrder) -> Result<(Claimed, Now), Rejection> {
        let Some(name) = &command.reservation else { return Ok((None, turn.log.now())) };
        let unknown = || Rejection::invalid("reservation", "unknown_reservation", format!("no reservation {name:?}"));
        let key = self.find_reservation(name).ok_or_else(unknown)?;
        let slot = self.reservations.lock(key).ok_or_else(unknown)?;
        let now = turn.log.now();
        let reservation = slot.as_ref().expect("a locked entity is there");
        let id = || reservation.name();
        match reservation.state_at(now.journal) {
            ReservationState::Held if reservation.is_of_edit() => Err(Rejection::ReservationOfEdit { id: id() }),
            ReservationState::Held => Ok((Some((key, slot)), now)),
            ReservationState::Claimed { .. } => Err(Rejection::ReservationEnded { id: id(), state: "claimed" }),
            _ if command.reacquire => Ok((None, now)),
            ended => Err(Rejection::ReservationExpired { id: id(), state: ended.word() }),
        }
    }

    /// What would be decided for this order now; takes nothing.
    pub fn quote(&self, now: Now, command: &PlaceOrder) -> Result<Decision, Rejection> {
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        let claimed = command.reservation.as_ref().and_then(|name| self.find_reservation(name));
        let held = |reservation: &&Reservation| reservation.is_held_at(now.journal);
        let of = |reservation: &Reservation| (own_units(reservation), network.whose_reservation(reservation));
        let found = claimed.and_then(|key| self.reservations.lock(key)?.as_ref().filter(held).map(of));
        let (own, own_whose) = found.unwrap_or_default();
        let prepared = prepare(&network, command, now)?;
        network.calendar.lock(&prepared.places()).check(&network)?;
        self.store(&network, OrderKey(0), &prepared.parcels(&network, command))?;
        let wanted = Wanted {
            lines: &prepared.lines,
            units: &prepared.units,
            destinations: &prepared.positions,
            to: &prepared.destinations,
            placed_at: command.placed_at.unwrap_or(now.wall),
            at: now.wall,
            known_at: now.journal,
            release_at: command.wishes.release_at,
            dates: asked_dates(command, &begun_holds(&network, command, now).unwrap_or_default()),
            leaving: &[],
            behind: &[],
            earlier: &[],
            fenced: &[],
            preferred: prepared.preferred,
            only: place_of(&command.delivery_method, prepared.preferred),
            ways: &prepared.ways,
            bookings: &prepared.bookings,
            own: &own,
            counts: Word::free,
            counting: Counting::Now,
            whose: network.catalogue.whose(Some(&command.channel), Some(&command.customer)),
            own_whose,
            rules: &prepared.rules.own,
            others: &prepared.rules.others,
            method: &command.delivery_method,
        };
        Ok(route(&network, &wanted).decision)
    }
}

impl Due {
    /// That its order is placed.
    fn placed(self, order: OrderKey) -> Event {
        let event = SubscriptionEvent::Placed { number: self.number, order };
        Event::SubscriptionChanged(Box::new(SubscriptionChanged {
            key: self.subscription,
            version: self.version + 1,
            event,
        }))
    }
}

/// The units a reservation holds, by cell.
fn own_units(reservation: &Reservation) -> BTreeMap<CellKey, u32> {
    let mut own = BTreeMap::new();
    for held in &reservation.lines {
        *own.entry(CellKey { sku: held.sku, node: held.node }).or_default() += held.quantity;
    }
    own
}

fn placed(facts: Arc<OrderFacts>, prepared: &Prepared, decided: Decided, sourced: Sourced) -> OrderEvent {
    let decision = (sourced != Sourced::Later).then(|| Box::new(decided.decision));
    OrderEvent::Placed {
        facts,
        lines: prepared.lines.clone(),
        allocations: decided.allocations,
        backordered: decided.backordered,
        decision,
    }
}

/// Of the units that wait, those that wait for a release.
pub(super) fn preordered(
    catalogue: &Catalogue,
    kind: OrderType,
    lines: &[PlacedLine],
    waits: &[LineUnits],
    now: WallTime,
) -> Option<OrderEvent> {
    let early = |u: &&LineUnits| catalogue.is_preorder(kind, &lines[usize::from(u.line)], now);
    let units: Vec<LineUnits> = waits.iter().filter(early).copied().collect();
    (!units.is_empty()).then_some(OrderEvent::Preordered { units })
}

/// What few orders say of themselves.
fn wished(command: &PlaceOrder, prepared: &Prepared) -> impl Iterator<Item = OrderEvent> {
    let preferred = prepared.preferred.map(|node| OrderEvent::Preferred { node });
    let totals = command.wishes.totals.map(|totals| OrderEvent::Totalled { totals });
    let (bookings, warranties) = (prepared.bookings.clone(), prepared.warranties.clone());
    let booked = (!bookings.is_empty()).then_some(OrderEvent::Booked { bookings });
    let warranted = (!warranties.is_empty()).then_some(OrderEvent::Warranted { warranties });
    let ways = (!prepared.ways.is_empty()).then(|| OrderEvent::Ways { ways: prepared.ways.clone() });
    let wanted = command.wishes.arrives_by.map(|day| OrderEvent::ArrivalWanted { by: day.into() });
    preferred.into_iter().chain(totals).chain(booked).chain(warranted).chain(ways).chain(wanted)
}

/// That an order rests, if that is wanted.
fn deferred(command: &PlaceOrder, now: Now) -> Option<OrderEvent> {
    let Deferred { allocate_at } = command.wishes.deferred?;
    Some(OrderEvent::Deferred { due: allocate_at.map(|at| ReleaseAt::of(at, now)) })
}

/// What is wrong with fields, so that all of it is told together.
fn faults_of<T>(result: &Result<T, Rejection>) -> &[Fault] {
    match result {
        Err(Rejection::Invalid(faults)) => faults,
        _ => &[],
    }
}

/// What is known of when an order that is asked for is to leave and to be there, with the holds it begins with.
pub(super) fn asked_dates(command: &PlaceOrder, holds: &[OrderEvent]) -> Dates {
    let ended = |number: u16| {
        holds.iter().any(|told| matches!(told, OrderEvent::HoldEnded { number: ended, .. } if *ended == number))
    };
    let ends = holds.iter().filter_map(|told| match told {
        OrderEvent::Held { number, terms } if !ended(*number) => terms.release_at.map(|release| release.wall),
        _ => None,
    });
    let Wishes { release_at, arrives_by, .. } = command.wishes;
    Dates { held_until: ends.chain(release_at).max(), arrives_by, promised: None }
}

/// When its fulfilment orders are handed to nodes.
fn release_of(command: &PlaceOrder, now: Now) -> Result<Option<ReleaseAt>, Rejection> {
    let release = command.wishes.release_at.map(|wall| ReleaseAt::of(wall, now));
    match release {
        Some(release) if release.journal <= now.journal => {
            Err(Rejection::invalid("release_at", "time_in_past", "must be in the future"))
        }
        release => Ok(release),
    }
}

/// An order that means something in this catalogue.
pub(super) struct Prepared {
    pub destinations: Vec<Destination>,
    pub lines: Vec<PlacedLine>,
    units: Vec<LineUnits>,
    positions: Vec<Option<Position>>,
    preferred: Option<NodeIndex>,
    bookings: Vec<Booking>,
    warranties: Vec<Warranty>,
    ways: Vec<Way>,
    rules: GroupRules,
}

impl Prepared {
    /// What of it is to lie in lockers.
    fn parcels(&self, network: &Network, command: &PlaceOrder) -> Vec<Parcelled> {
        parcelled(&network.catalogue, &self.lines, (&command.delivery_method, self.preferred), &self.ways)
    }

    /// The places that its lines have of slots.
    fn places(&self) -> Vec<Places> {
        let line = |own: &Booking| &self.lines[usize::from(own.line)];
        places(self.bookings.iter().map(|own| (own, line(own), line(own).quantity)))
    }
}

/// Checks an order against the catalogue; all faults together.
pub(super) fn prepare(network: &Network, command: &PlaceOrder, now: Now) -> Result<Prepared, Rejection> {
    let catalogue = &network.catalogue;
    let mut faults = Vec::new();
    if command.lines.is_empty() || command.lines.len() > ORDER_LINES_MAX {
        let detail = format!("an order has 1 to {ORDER_LINES_MAX} lines, this one has {}", command.lines.len());
        faults.push(Fault::new("lines", "too_many_lines", detail));
    }
    let total: u64 = command.lines.iter().map(|line| u64::from(line.quantity.units())).sum();
    if total > ORDER_UNITS_MAX {
        let detail = format!("an order asks for at most {ORDER_UNITS_MAX} units, this one for {total}");
        faults.push(Fault::new("lines", "quantity_out_of_range", detail));
    }
    let mut ids = HashSet::new();
    let mut lines = Vec::with_capacity(command.lines.len());
    for (at, line) in command.lines.iter().enumerate() {
        if !ids.insert(&line.id) {
            faults.push(Fault::new(
                format!("lines[{at}].id"),
                "duplicate_line_id",
                format!("{:?} is used twice", line.id),
            ));
        }
        match placed_line(network, line) {
            Ok(placed) => lines.push(placed),
            Err(fault) => faults.push(Fault { field: format!("lines[{at}].{}", fault.field), ..fault }),
        }
    }
    let components: usize = lines.iter().map(|line: &PlacedLine| line.components.len()).sum();
    if components > ORDER_COMPONENTS_MAX {
        let detail = format!("its kits name at most {ORDER_COMPONENTS_MAX} components, these name {components}");
        faults.push(Fault::new("lines", "too_many_components", detail));
    }
    if command.kind == OrderType::PreOrder
        && faults.is_empty()
        && !lines.iter().any(|line| catalogue.is_preorder(command.kind, line, now.wall))
    {
        let detail = "is pre_order, but every item of the order is released";
        faults.push(Fault::new("type", "nothing_to_preorder", detail));
    }
    if let Some(Deferred { allocate_at }) = command.wishes.deferred {
        if command.reservation.is_some() {
            let detail = "is claimed by allocating: an order that rests cannot claim one";
            faults.push(Fault::new("reservation", "deferred_claim", detail));
        }
        if allocate_at.is_some_and(|at| at <= now.wall) {
            faults.push(Fault::new("allocate_at", "time_in_past", "must be in the future"));
        }
    }
    faults.extend(command.destinations.iter().flat_map(|to| address::faults_of(catalogue, to)));
    faults.extend(method_not_taken(catalogue, command));
    let mut gather = |more: Vec<Fault>| faults.extend(more);
    let bookings = slots::bookings(network, command, now.wall).map_err(&mut gather).unwrap_or_default();
    let warranties = warranties(command).map_err(&mut gather).unwrap_or_default();
    let preferred = command
        .wishes
        .preferred_node
        .as_deref()
        .and_then(|id| preferred_node(catalogue, id).map_err(|fault| faults.push(fault)).ok());
    faults.extend(preferred.and_then(|node| not_offered(catalogue, node, &command.delivery_method)));
    let ways = ways(catalogue, command).map_err(|more| faults.extend(more)).unwrap_or_default();
    faults.extend(command.rule_set.as_deref().and_then(|name| without_rules(catalogue, name)));
    if !faults.is_empty() {
        return Err(Rejection::Invalid(faults));
    }
    let units = (0..).zip(&lines).map(|(line, l)| LineUnits { line, quantity: l.quantity }).collect();
    let destinations: Vec<Destination> = command.destinations.iter().map(|to| destination(catalogue, to)).collect();
    let positions = destinations.iter().map(|d| d.position).collect();
    let asked = Choosing {
        rules: catalogue.rules(),
        name: command.rule_set.as_deref(),
        channel: &command.channel,
        to: &destinations,
        at: now.wall,
    };
    let rules = asked.rules(network, &command.delivery_method, &ways);
    Ok(Prepared { destinations, lines, units, positions, preferred, bookings, warranties, ways, rules })
}

/// A rule set that an order names and that cannot source it.
fn without_rules(catalogue: &Catalogue, name: &str) -> Option<Fault> {
    let rules = catalogue.rules();
    if rules.named(name, false).is_some() {
        return None;
    }
    if name == WEIGHTED_SCORE {
        return Some(compares_only("rule_set", name));
    }
    let detail = match rules.versions(name) {
        Some(_) => format!("no version of rule set {name:?} is active"),
        None => format!("there is no rule set {name:?}"),
    };
    Some(Fault::new("rule_set", "unknown_rule_set", detail))
}

/// A payment method that the order's channel does not take, or nobody takes for its delivery method.
fn method_not_taken(catalogue: &Catalogue, command: &PlaceOrder) -> Option<Fault> {
    let payment = command.payment.as_ref()?;
    let channel = catalogue.channel(&command.channel).map(|channel| (&channel.payment_methods, &channel.id));
    let methods = std::iter::once(&command.delivery_method).chain(command.wishes.ways.iter().map(|way| &way.method));
    let rules = methods.filter_map(|method| Some((&catalogue.policies().payment(method)?.methods, method)));
    let refuses = |(taken, _): &(&Vec<Text>, &Text)| !taken.is_empty() && !taken.contains(&payment.method);
    let (taken, of) = channel.into_iter().chain(rules).find(refuses)?;
    let taken = taken.iter().map(|method| &**method).collect::<Vec<_>>().join(", ");
    let detail = format!("is not a payment method of {of}, which takes {taken}");
    Some(Fault::new("payment.method", "payment_method_not_taken", detail))
}

pub(super) fn placed_line(network: &Network, line: &PlaceLine) -> Result<PlacedLine, Fault> {
    let unknown = || Fault::new("sku", "unknown_sku", format!("there is no item {:?}", line.sku));
    let sku = network.sku_index(&line.sku).ok_or_else(unknown)?;
    let item = network.catalogue.item(sku);
    let most = item.components.iter().map(|c| u64::from(c.quantity)).max().unwrap_or(1);
    if most * u64::from(line.quantity.units()) > u64::from(QUANTITY_MAX) {
        let detail = format!("needs more than {QUANTITY_MAX} units of a component");
        return Err(Fault::new("quantity", "quantity_out_of_range", detail));
    }
    Ok(PlacedLine {
        id: line.id.clone(),
        sku,
        quantity: line.quantity.units(),
        unit_price: line.unit_price,
        group: line.group,
        stocked: matches!(item.kind, ItemKind::Product | ItemKind::Kit),
        components: item.components.clone(),
    })
}

/// The middle of a country's own nodes.
pub(super) fn centre_of(catalogue: &Catalogue, country: &str) -> Option<Position> {
    let there: Vec<_> =
        catalogue.nodes().iter().filter(|n| *n.country == *country && n.active).map(|n| n.position).collect();
    let count = i64::try_from(there.len()).ok().filter(|count| *count > 0)?;
    let mean = |axis: fn(&Position) -> i32| (there.iter().map(|p| i64::from(axis(p))).sum::<i64>() / count) as i32;
    Some(Position { lat_micro: mean(|p| p.lat_micro), lon_micro: mean(|p| p.lon_micro) })
}

/// Where it goes. Without coordinates: the middle of the country's own nodes, marked approximate.
pub(super) fn destination(catalogue: &Catalogue, to: &ShipTo) -> Destination {
    Destination {
        group: to.group.clone(),
        country: to.country.clone(),
        postal_prefix: to.postal_code.chars().take(POSTAL_PREFIX).collect::<String>().into(),
        position: to.position.or_else(|| centre_of(catalogue, &to.country)),
        approximate: to.position.is_none(),
        personal: to.personal.clone(),
    }
}

pub(super) fn facts(
    command: &PlaceOrder,
    destinations: Vec<Destination>,
    now: Now,
    reservation: Option<ReservationKey>,
) -> Arc<OrderFacts> {
    Arc::new(OrderFacts {
        id: command.id.clone(),
        fingerprint: command.fingerprint,
        kind: command.kind,
        channel: command.channel.clone(),
        channel_order_id: command.channel_order_id.clone(),
        customer: command.customer.clone(),
        personal: command.personal.clone(),
        currency: command.currency,
        destinations,
        delivery_method: command.delivery_method.clone(),
        payment: command.payment.clone(),
        total: command.total,
        rule_set: command.rule_set.clone(),
        reservation,
        placed_at: command.placed_at.unwrap_or(now.wall),
    })
}

/// The positions of an order's destinations.
pub(super) fn positions_of(order: &Order) -> Vec<Option<Position>> {
    order.facts.destinations.iter().map(|d| d.position).collect()
}
