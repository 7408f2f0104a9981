//! Where the parcels of returns are: what carriers tell of them by label, and what goes wrong on the way back.
//!
//! What a carrier tells is one record with all that follows from it: a return that awaits its goods is in transit once a
//! carrier has a parcel of it, and one that could not be delivered, or goes back to the customer, is a case. The clock raises
//! those that come from silence, as long as units are expected: a parcel past the date its carrier told, or past its usual
//! time; one that nobody has seen for too long; one that was delivered and that nobody has opened for [`WORK_LATE_S`]. What
//! is told of a return that has ended is noted, and nothing follows from it.
//!
//! What is *not* here: what a set of scans means (`domain::tracking`), shipments to customers (`tracking`).

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::exception::{Cause, WORK_LATE_S};
use super::fences::day;
use super::network::Network;
use super::returns::Told;
use super::shipping::{instant, of_node};
use super::tracking::{case_told, no_scan_ahead, unseen_from};
use super::turn::{Turn, order_events};
use super::{Engine, Executed};
use crate::domain::carrier::parcels::Freight;
use crate::domain::carrier::quote::{Question, There};
use crate::domain::carrier::zones::Prefix;
use crate::domain::command::TrackReturn;
use crate::domain::entity::{Entity, EntityKey};
use crate::domain::event::Answer;
use crate::domain::exception::{ExceptionKey, ExceptionKind, Subject};
use crate::domain::order::Order;
use crate::domain::order_returns::ReturnStep;
use crate::domain::rejection::Rejection;
use crate::domain::returns::{Return, ReturnEvent, ReturnLabel, ReturnVerb};
use crate::domain::short_pick::day_of;
use crate::domain::time::WallTime;
use crate::domain::tracking::{Tidings, Tracked, TrackingStatus};
use crate::domain::transit::{Chances, DAYS_MAX, TransitKey};

/// How many of a service's parcels come in what is its usual time, millionths.
const USUAL_MICRO: u32 = 970_000;

/// What can be wrong with a parcel at an instant of the clock.
pub(super) const BY_THE_CLOCK: [ExceptionKind; 3] =
    [ExceptionKind::DeliveryLate, ExceptionKind::ShipmentLost, ExceptionKind::WorkLate];

impl Engine {
    /// Notes what a carrier told of the parcel of a label.
    pub(super) fn track_return(&self, turn: &Turn<'_>, command: &TrackReturn) -> Result<Executed, Rejection> {
        let TrackReturn { returned: id, label, scans, estimated_at } = command;
        let known = self.returned(id)?;
        let key = known.key;
        no_scan_ahead(scans, turn.log.now().wall)?;
        let network = self.network.read().expect("no writer of the catalogue panics and survives");
        // One that has ended tells its order nothing, which may have left memory since.
        let mut order_slot = known.end.is_none().then(|| self.orders.lock(known.order)).flatten();
        let mut slot = self.returns.lock(key).ok_or_else(|| Rejection::not_found("return", &**id))?;
        let returned = slot.as_ref().expect("a locked entity is there");
        if returned.label(*label).is_none() {
            return Err(Rejection::not_found("return_label", format!("{}/{label}", returned.name())));
        }
        let before = returned.tracked(*label).cloned().unwrap_or_else(|| Tracked::unseen(*label));
        let Some(news) = before.news(scans, *estimated_at) else {
            drop((order_slot, slot));
            return self.answer_return(key);
        };
        let now = turn.now();
        let raising = self.raise(now, cause(returned, &before, &news.after));
        let told = told(returned, *label, news);
        turn.steps(EntityKey::Return(key), || Entity::Return(Box::new(returned.clone())));
        let mut events = told.of_return(key, returned.version + 1);
        if let Some(order) = order_slot.as_ref().and_then(|slot| slot.as_ref()) {
            events.extend(order_events(order, told.of_order(order, key)));
        }
        events.extend(raising.events());
        let sealed = turn.seal(now, network.catalogue.seq, events, Some(Answer::Return(key)))?;
        let logged = turn.log_with(self, sealed, |_| BTreeSet::new());
        if let Some(order_slot) = &mut order_slot {
            logged.fold_order(order_slot);
        }
        logged.fold_return(&mut slot);
        raising.logged(&logged);
        logged.done();
        let order = order_slot.as_ref().and_then(|slot| slot.as_deref());
        self.watch_parcel(&network, order, slot.as_ref().expect("just folded"), *label);
        drop((order_slot, slot));
        self.answer_return(key)
    }

    /// Tells the clock of all parcels on their way back, at start.
    pub(super) fn watch_all_parcels(&self, network: &Network) {
        for returned in self.return_keys().into_iter().filter_map(|key| self.return_by_key(key)) {
            let mut tracked = returned.all_tracked().peekable();
            if returned.awaits_goods() && tracked.peek().is_some() {
                let order = self.order_in_memory(returned.order);
                tracked.for_each(|own| self.watch_parcel(network, order.as_deref(), &returned, own.number));
            }
        }
    }

    fn watch_parcel(&self, network: &Network, order: Option<&Order>, returned: &Return, label: u16) {
        for kind in BY_THE_CLOCK {
            let due = due_at(network, order, returned, label, kind);
            due.into_iter().for_each(|at| self.watch_return_parcel(at, (returned.key, label)));
        }
    }

    /// Whether something is wrong with the parcel of a label. The caller holds neither the return nor its order.
    pub(super) fn is_parcel_wrong(
        &self,
        network: &Network,
        returned: &Return,
        label: u16,
        kind: ExceptionKind,
        now: WallTime,
    ) -> bool {
        let status = returned.tracked(label).map(Tracked::status);
        let is_so = match kind {
            ExceptionKind::DeliveryMissed => status == Some(TrackingStatus::Failure),
            ExceptionKind::ReturnedToSender => status == Some(TrackingStatus::ReturnToSender),
            _ => {
                let order = self.order_in_memory(returned.order);
                due_at(network, order.as_deref(), returned, label, kind).is_some_and(|at| at <= now)
            }
        };
        is_so && returned.awaits_goods()
    }
}

/// What a return and its order are told: the first that has a parcel of it sends the return on its way.
fn told(returned: &Return, label: u16, news: Tidings) -> Told {
    let Tidings { scans, estimated_at, after } = news;
    let tracked = ReturnEvent::Tracked { label, scans, estimated_at };
    let leaves = returned.status().takes(ReturnVerb::Transit) && after.taken_at().is_some();
    match leaves {
        true => Told::only(tracked).and(ReturnEvent::InTransit, ReturnStep::InTransit, Vec::new()),
        false => Told::only(tracked),
    }
}

/// What a carrier's news is a case of.
fn cause(returned: &Return, before: &Tracked, after: &Tracked) -> Option<Cause> {
    let kind = case_told(before, after).filter(|_| returned.awaits_goods())?;
    let units = returned.lines.iter().map(|line| line.expected()).sum();
    let key = ExceptionKey { kind, subject: Subject::Parcel(returned.key, after.number) };
    Some(Cause { key, units, order: Some(returned.order) })
}

/// From when on something is wrong with a parcel, if nothing more is told of it until then.
fn due_at(
    network: &Network,
    order: Option<&Order>,
    returned: &Return,
    label: u16,
    kind: ExceptionKind,
) -> Option<WallTime> {
    let tracked = returned.tracked(label)?;
    if kind == ExceptionKind::WorkLate {
        let late = |at: WallTime| WallTime(at.0.saturating_add_unsigned(WORK_LATE_S * 1_000));
        return returned.unopened_since(label).map(late);
    }
    let taken = tracked.taken_at().filter(|_| !tracked.status().is_end())?;
    match kind {
        ExceptionKind::DeliveryLate => {
            tracked.estimated_at.or_else(|| usual_end(network, order?, returned, returned.label(label)?, taken))
        }
        _ => unseen_from(tracked),
    }
}

/// The end of the day, by the clock of the node it goes to, by which what its service takes at an instant has usually come:
/// [`USUAL_MICRO`] of its parcels by what was learned of its lane, which is that from the node to the customer. `None` where
/// its service is not known here.
fn usual_end(
    network: &Network,
    order: &Order,
    returned: &Return,
    label: &ReturnLabel,
    taken: WallTime,
) -> Option<WallTime> {
    let node = label.node.or_else(|| returned.lines.iter().find_map(|line| line.node))?;
    let line = returned.lines.iter().find(|line| line.node == Some(node)).or_else(|| returned.lines.first())?;
    let group = order.lines.get(usize::from(line.line))?.placed.group;
    let to = order.facts.destinations.get(usize::from(group))?;
    let from = of_node(&network.catalogue, node);
    let zone: TimeZone = from.origin.zone.clone();
    let to = There { country: &to.country, code: Prefix::of(&to.postal_prefix), position: to.position };
    let freight = Freight::Units(Vec::new());
    let question = Question { from, to, freight: &freight, ordered: instant(taken), held_until: None };
    let service = label.service.as_ref()?;
    let lane = network.catalogue.shipping().lane_of(&label.carrier, service, &question)?;
    let key = TransitKey { carrier: label.carrier.clone(), service: service.clone(), zone: lane.zone };
    let declared = lane.declared();
    let learned = network.learned.transits.chances(&key, declared, day_of(taken.0));
    let chances = learned.unwrap_or_else(|| Arc::new(Chances::usual(declared)));
    let is_usual = |days: &u16| chances.within(*days).chance_micro >= USUAL_MICRO;
    let days = (0..=declared.saturating_add(u16::from(DAYS_MAX))).find(is_usual)?;
    let comes = lane.arrives(day(&zone, instant(taken)), days)?;
    let end = zone.to_ambiguous_zoned(comes.tomorrow().ok()?.into()).compatible().ok()?;
    Some(WallTime(end.timestamp().as_millisecond()))
}
