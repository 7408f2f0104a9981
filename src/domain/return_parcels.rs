//! Where the parcels of a return are, as their carriers tell of each label.
//!
//! They come late, twice and out of order, as those of shipments do (`tracking`), also after the return has ended. What is
//! *not* here: what was in them (`returns`), and who is told of what went wrong on the way (the engine).

use serde::{Deserialize, Serialize};

use super::returns::{Return, ReturnLabel, ReturnStatus};
use super::stock::LawBroken;
use super::time::WallTime;
use super::tracking::{Scan, Tracked, TrackingStatus};

/// What carriers told of a return's parcels.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Parcels {
    /// Where each is of which anything was told, by the number of its label, from 1.
    tracked: Vec<Tracked>,
    /// Labels of those that were delivered when units came: somebody has opened them.
    opened: Vec<u16>,
}

impl Parcels {
    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.tracked.is_empty()
    }

    /// Units came.
    pub(super) fn open(&mut self) {
        let there = self.tracked.iter().filter(|tracked| tracked.status() == TrackingStatus::Delivered);
        let news: Vec<u16> = there.map(|tracked| tracked.number).filter(|own| !self.opened.contains(own)).collect();
        self.opened.extend(news);
    }
}

impl Return {
    /// A label, counted from 1.
    pub fn label(&self, number: u16) -> Option<&ReturnLabel> {
        self.labels.get(usize::from(number).checked_sub(1)?)
    }

    /// Where a label's parcel is, when a carrier told.
    pub fn tracked(&self, label: u16) -> Option<&Tracked> {
        self.parcels.tracked.iter().find(|tracked| tracked.number == label)
    }

    /// All parcels of which anything was told.
    pub fn all_tracked(&self) -> impl Iterator<Item = &Tracked> {
        self.parcels.tracked.iter()
    }

    /// Whether units are still expected to come in parcels.
    pub fn awaits_goods(&self) -> bool {
        use ReturnStatus::{Approved, AwaitingGoods, InTransit, PartiallyReceived};
        matches!(self.status(), Approved | AwaitingGoods | InTransit | PartiallyReceived)
    }

    /// Since when a parcel lies where it was delivered without any units having come; `None` where it does not.
    pub fn unopened_since(&self, label: u16) -> Option<WallTime> {
        let there = self.tracked(label).filter(|tracked| tracked.status() == TrackingStatus::Delivered)?;
        there.last().map(|scan| scan.at).filter(|_| !self.parcels.opened.contains(&label))
    }

    pub(super) fn track(
        &mut self,
        label: u16,
        scans: &[Scan],
        estimated_at: Option<WallTime>,
    ) -> Result<(), LawBroken> {
        let key = self.key;
        if self.label(label).is_none() {
            return Err(LawBroken(format!("return {key} has no label {label}")));
        }
        let heard = Tracked::hear(&mut self.parcels.tracked, label, scans, estimated_at);
        heard.map_err(|scan| LawBroken(format!("label {label} of return {key}: {scan:?} tells nothing new")))
    }
}
