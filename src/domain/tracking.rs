//! Where a shipment is, as its carrier tells it: scans in eight states that all carriers' words are brought to.
//!
//! Promises: carriers tell late, twice and out of order, so what a shipment's state is follows from the set of its scans
//! and their own times alone: in whatever order they come, and however often, the same is known in the end. Of one id of a
//! carrier one scan counts: the latest that was told under it, of equal ones the one further along. A shipment
//! that was delivered or returned to its sender stays so, whatever is told of an earlier time afterwards; of those two the
//! later one counts. `unknown` tells nothing beside any other scan.
//!
//! Bounds: [`ROUTINE_SCANS_MAX`] scans are kept that only say that it is on its way, [`SCANS_MAX`] in all; ever more are
//! not kept, but never refused. What is *not* here: the steps of a fulfilment order (`fulfillment`), and who is told of
//! what went wrong (`exception`).

use serde::{Deserialize, Serialize};

use super::ids::Text;
use super::time::WallTime;

/// Scans kept of one shipment.
pub const SCANS_MAX: usize = 120;
/// Of these, scans that say only that it is known of, or on its way.
pub const ROUTINE_SCANS_MAX: usize = 80;

/// Places kept free for scans that say how it ended.
const ENDS_LEFT: usize = 10;

/// Where a shipment is. Further along the later it stands here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum TrackingStatus {
    /// The carrier says something that means none of the others.
    Unknown,
    /// The carrier knows of it and does not have it.
    PreTransit,
    /// On its way.
    InTransit,
    /// On its way to the door.
    OutForDelivery,
    /// It can be fetched.
    AvailableForPickup,
    /// It could not be delivered.
    Failure,
    /// It goes back to its sender.
    ReturnToSender,
    /// With its recipient.
    Delivered,
}

impl TrackingStatus {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::PreTransit,
        Self::InTransit,
        Self::OutForDelivery,
        Self::AvailableForPickup,
        Self::Failure,
        Self::ReturnToSender,
        Self::Delivered,
    ];

    /// The word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::PreTransit => "pre_transit",
            Self::InTransit => "in_transit",
            Self::OutForDelivery => "out_for_delivery",
            Self::AvailableForPickup => "available_for_pickup",
            Self::Failure => "failure",
            Self::ReturnToSender => "return_to_sender",
            Self::Delivered => "delivered",
        }
    }

    /// Whether nothing is expected to follow.
    pub fn is_end(self) -> bool {
        matches!(self, Self::ReturnToSender | Self::Delivered)
    }

    fn is_routine(self) -> bool {
        matches!(self, Self::Unknown | Self::PreTransit | Self::InTransit)
    }
}

/// What a carrier saw of a shipment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Scan {
    /// When the carrier saw it, by the carrier's clock.
    pub at: WallTime,
    /// What it means.
    pub status: TrackingStatus,
    /// The carrier's own id of it.
    pub id: Option<Text>,
    /// Where.
    pub place: Option<Text>,
    /// In the carrier's words.
    pub text: Option<Text>,
}

impl Scan {
    /// Whether it is the same thing seen: by the carrier's id, and among those without one by time, state and place. One
    /// with an id is never one without: which of the two stayed would depend on which came first.
    fn is_the_same(&self, other: &Self) -> bool {
        match (&self.id, &other.id) {
            (Some(own), Some(others)) => own == others,
            (None, None) => (self.at, self.status, &self.place) == (other.at, other.status, &other.place),
            _ => false,
        }
    }

    /// Which of two that are the same counts: the greater.
    fn weight(&self) -> (WallTime, TrackingStatus, &Option<Text>, &Option<Text>) {
        (self.at, self.status, &self.place, &self.text)
    }

    fn rank(&self) -> (WallTime, TrackingStatus) {
        (self.at, self.status)
    }
}

/// What is new of what a carrier tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tidings {
    /// Scans that tell something new, each once.
    pub scans: Vec<Scan>,
    /// When it means to deliver, where that is another date.
    pub estimated_at: Option<WallTime>,
    /// What is known then.
    pub after: Tracked,
}

/// What is known of where the shipment of a fulfilment order, or a parcel that comes back, is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tracked {
    /// Number of the fulfilment order, or of the parcel's label.
    pub number: u16,
    /// What was seen, ascending by the carrier's time.
    pub scans: Vec<Scan>,
    /// When the carrier means to deliver it, as it said last.
    pub estimated_at: Option<WallTime>,
}

impl Tracked {
    /// Nothing is known yet.
    pub fn unseen(number: u16) -> Self {
        Self { number, scans: Vec::new(), estimated_at: None }
    }

    /// What is new of what a carrier tells; `None` when nothing is.
    pub fn news(&self, scans: &[Scan], estimated_at: Option<WallTime>) -> Option<Tidings> {
        let mut after = self.clone();
        let scans: Vec<Scan> = scans.iter().filter(|scan| after.see(scan)).cloned().collect();
        let estimated_at = estimated_at.filter(|at| self.estimated_at != Some(*at));
        after.estimated_at = estimated_at.or(self.estimated_at);
        let is_new = !scans.is_empty() || estimated_at.is_some();
        is_new.then_some(Tidings { scans, estimated_at, after })
    }

    /// Takes in what is new of one of several, by number.
    ///
    /// # Errors
    ///
    /// The first scan that tells nothing new.
    pub fn hear<'s>(
        all: &mut Vec<Self>,
        number: u16,
        scans: &'s [Scan],
        estimated_at: Option<WallTime>,
    ) -> Result<(), &'s Scan> {
        let at = all.iter().position(|tracked| tracked.number == number).unwrap_or_else(|| {
            all.push(Self::unseen(number));
            all.len() - 1
        });
        if let Some(scan) = scans.iter().find(|scan| !all[at].see(scan)) {
            return Err(scan);
        }
        all[at].estimated_at = estimated_at.or(all[at].estimated_at);
        Ok(())
    }

    /// Takes a scan in; `false` when it tells nothing new.
    pub fn see(&mut self, scan: &Scan) -> bool {
        let known = self.scans.iter().position(|known| known.is_the_same(scan));
        let is_less = known.is_some_and(|at| scan.weight() <= self.scans[at].weight());
        if is_less || self.is_full_of(scan.status, known) {
            return false;
        }
        known.map(|at| self.scans.remove(at));
        let at = self.scans.partition_point(|known| known.rank() <= scan.rank());
        self.scans.insert(at, scan.clone());
        true
    }

    /// Whether there is no place for another, in which one of them would leave its own.
    fn is_full_of(&self, status: TrackingStatus, leaves: Option<usize>) -> bool {
        let left = || self.scans.iter().enumerate().filter(|(at, _)| Some(*at) != leaves).map(|(_, scan)| scan);
        let routine = left().filter(|known| known.status.is_routine()).count();
        match status {
            status if status.is_end() => left().count() >= SCANS_MAX,
            status if status.is_routine() && routine >= ROUTINE_SCANS_MAX => true,
            _ => left().count() >= SCANS_MAX - ENDS_LEFT,
        }
    }

    /// The scan that says where it is.
    pub fn last(&self) -> Option<&Scan> {
        let telling = |ends: bool| self.scans.iter().rev().find(move |scan| scan.status.is_end() || !ends);
        let speaks = |scan: &&Scan| scan.status != TrackingStatus::Unknown;
        telling(true).or_else(|| self.scans.iter().rev().find(speaks)).or_else(|| telling(false))
    }

    /// Where it is.
    pub fn status(&self) -> TrackingStatus {
        self.last().map_or(TrackingStatus::Unknown, |scan| scan.status)
    }

    /// When its carrier was first seen to have it.
    pub fn taken_at(&self) -> Option<WallTime> {
        let has = |scan: &&Scan| !matches!(scan.status, TrackingStatus::Unknown | TrackingStatus::PreTransit);
        self.scans.iter().find(has).map(|scan| scan.at)
    }

    /// When it was first seen in a state.
    pub fn first(&self, status: TrackingStatus) -> Option<WallTime> {
        self.scans.iter().find(|scan| scan.status == status).map(|scan| scan.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(at: i64, status: TrackingStatus) -> Scan {
        Scan { at: WallTime(at), status, id: None, place: None, text: None }
    }

    fn after(scans: impl IntoIterator<Item = Scan>) -> Tracked {
        let mut tracked = Tracked::unseen(1);
        for scan in scans {
            tracked.see(&scan);
        }
        tracked
    }

    /// All orders of these.
    fn permuted<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
        let Some((first, rest)) = of.split_first() else { return vec![Vec::new()] };
        let with = |rest: Vec<T>| {
            (0..=rest.len()).map(move |at| {
                let mut all = rest.clone();
                all.insert(at, first.clone());
                all
            })
        };
        permuted(rest).into_iter().flat_map(with).collect()
    }

    #[test]
    fn in_whatever_order_scans_come_the_same_is_known() {
        use TrackingStatus::{Delivered, Failure, InTransit, OutForDelivery, PreTransit, Unknown};
        let way = [
            scan(1, PreTransit),
            scan(2, InTransit),
            scan(3, OutForDelivery),
            scan(4, Failure),
            scan(5, Delivered),
            scan(9, Unknown),
        ];
        let known = after(way.clone());
        assert_eq!(known.status(), Delivered);
        for order in permuted(&way) {
            assert_eq!(after(order), known);
        }
        let twice = way.iter().chain(&way).cloned();
        assert_eq!(after(twice), known, "nothing is known twice");
        assert_eq!(after(way[..4].to_vec()).status(), Failure);
        assert_eq!(after([scan(9, Unknown), scan(1, InTransit)]).status(), InTransit, "unknown tells nothing");
        assert_eq!(after([scan(9, Unknown)]).status(), Unknown);
    }

    #[test]
    fn an_end_is_undone_by_a_later_end_alone() {
        use TrackingStatus::{Delivered, InTransit, ReturnToSender};
        assert_eq!(after([scan(5, Delivered), scan(6, InTransit)]).status(), Delivered);
        assert_eq!(after([scan(5, Delivered), scan(6, ReturnToSender)]).status(), ReturnToSender);
        assert_eq!(after([scan(6, Delivered), scan(5, ReturnToSender)]).status(), Delivered);
        assert_eq!(after([scan(5, ReturnToSender), scan(5, Delivered)]).status(), Delivered, "further along");
    }

    #[test]
    fn the_carriers_id_says_what_is_the_same() {
        let named = |id: &str, at| Scan { id: Some(id.into()), ..scan(at, TrackingStatus::InTransit) };
        let tracked = after([named("a", 1), named("a", 2), named("b", 1)]);
        assert_eq!(tracked.scans.len(), 2);
    }

    #[test]
    fn of_one_id_the_latest_counts_in_whatever_order_they_come() {
        use TrackingStatus::{Delivered, Failure, InTransit, OutForDelivery};
        let named = |id: &str, at, status| Scan { id: Some(id.into()), ..scan(at, status) };
        let told = [
            named("a", 5, Delivered),
            named("a", 6, Failure),
            named("a", 6, OutForDelivery),
            named("b", 6, OutForDelivery),
            scan(5, Delivered),
            scan(1, InTransit),
        ];
        let known = after(told.clone());
        assert_eq!(known.scans.len(), 4, "one of each id, and two that have none");
        assert!(known.scans.contains(&named("a", 6, Failure)));
        for order in permuted(&told) {
            assert_eq!(after(order), known);
        }
        let corrected = [named("a", 5, Delivered), named("a", 6, Failure)];
        assert_eq!(after(corrected.clone()).status(), Failure, "the carrier was wrong and says so");
        assert_eq!(after(corrected.into_iter().rev()).status(), Failure);
    }

    #[test]
    fn a_carrier_that_tells_without_end_is_heard_when_it_matters() {
        use TrackingStatus::{Delivered, InTransit, OutForDelivery};
        let mut tracked = after((0..1_000).map(|at| scan(at, InTransit)));
        assert_eq!(tracked.scans.len(), ROUTINE_SCANS_MAX);
        for at in 0..1_000 {
            tracked.see(&scan(at, OutForDelivery));
        }
        assert_eq!(tracked.scans.len(), SCANS_MAX - ENDS_LEFT);
        assert!(tracked.see(&scan(2_000, Delivered)));
        assert_eq!(tracked.status(), Delivered);
        for at in 0..1_000 {
            tracked.see(&scan(at, Delivered));
        }
        assert_eq!(tracked.scans.len(), SCANS_MAX);
    }
}
