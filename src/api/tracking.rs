//! What carriers tell of shipments, and how it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::reading::{Listed, shape};
use super::scalar::{Instant, Name, Reason};
use super::words::as_word;
use crate::domain::command::{Command, FulfillmentAction, TrackReturn};
use crate::domain::ids::Text;
use crate::domain::time::WallTime;
use crate::domain::tracking::{SCANS_MAX, Scan, Tracked, TrackingStatus};

shape! {
    /// What a carrier saw of a shipment, in whatever order and however often it tells.
    pub struct NewScan {
        /// When, by the carrier's clock; at most a day in the future.
        pub at: Instant,
        /// What it means.
        pub status: TrackingStatus,
        /// The carrier's own id of it, by which it is known again.
        pub id: Option<Name>,
        /// Where.
        pub place: Option<Name>,
        /// In the carrier's words.
        pub text: Option<Reason>,
    }
}

impl Listed for NewScan {
    const MOST: usize = SCANS_MAX;
}

shape! {
    /// Where a shipment is, as its carrier tells. What is known already is passed over.
    pub struct Tracing {
        /// What the carrier saw.
        pub events: Option<Vec<NewScan>>,
        /// When it means to deliver.
        pub estimated_at: Option<Instant>,
    }
}

impl Tracing {
    /// What a carrier tells of the parcel of a label of a return.
    pub fn of_return(self, returned: Text, label: u16) -> Command {
        let (scans, estimated_at) = self.told();
        Command::TrackReturn(Box::new(TrackReturn { returned, label, scans, estimated_at }))
    }

    /// The step of a fulfilment order.
    pub fn action(self) -> FulfillmentAction {
        let (scans, estimated_at) = self.told();
        FulfillmentAction::Track { scans, estimated_at }
    }

    fn told(self) -> (Vec<Scan>, Option<WallTime>) {
        let scan = |scan: NewScan| Scan {
            at: scan.at.wall(),
            status: scan.status,
            id: scan.id.map(|id| id.0),
            place: scan.place.map(|place| place.0),
            text: scan.text.map(|text| text.0),
        };
        (self.events.into_iter().flatten().map(scan).collect(), self.estimated_at.map(Instant::wall))
    }
}

/// Where a shipment, or a parcel that comes back, is, as its carrier told; apart from where the fulfilment order or the
/// return stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Tracking)]
pub struct TrackedJson {
    /// Where it is.
    #[serde(serialize_with = "as_word")]
    pub status: TrackingStatus,
    /// When the carrier means to deliver, as it said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_at: Option<Instant>,
    /// When it was delivered, by the carrier's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Instant>,
    /// What was seen, by the carrier's time.
    pub events: Vec<ScanJson>,
}

/// What a carrier saw.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Scan)]
#[allow(missing_docs, reason = "the fields are those of `NewScan`")]
pub struct ScanJson {
    pub at: Instant,
    #[serde(serialize_with = "as_word")]
    pub status: TrackingStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Reason>,
}

impl From<&Scan> for ScanJson {
    fn from(scan: &Scan) -> Self {
        Self {
            at: scan.at.into(),
            status: scan.status,
            id: scan.id.clone().map(Name),
            place: scan.place.clone().map(Name),
            text: scan.text.clone().map(Reason),
        }
    }
}

impl From<&Tracked> for TrackedJson {
    fn from(tracked: &Tracked) -> Self {
        Self {
            status: tracked.status(),
            estimated_at: tracked.estimated_at.map(Instant::from),
            delivered_at: tracked.first(TrackingStatus::Delivered).map(Instant::from),
            events: tracked.scans.iter().map(ScanJson::from).collect(),
        }
    }
}
