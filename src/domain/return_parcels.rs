//! Where the parcels of a return are, as their carriers tell of each label.
//!
//! They come late, twice and out of order, as those of shipments do (`tracking`), also after the return has ended. What is
//! *not* here: what was in them (`returns`), and who is told of what went wrong on the way (the engine).

use serde::{Deserialize, Serialize};

use super::limits::SCAN_AHEAD_MS_MAX;
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
    /// When units came last, as long as more may come in a parcel of which nobody has told yet that it was delivered: carriers
    /// may tell so later. It lies beside the return too.
    #[serde(skip)]
    came: Option<Came>,
}

/// Receipts before a carrier's last word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Came {
    /// When the last was.
    at: WallTime,
    /// How many brought units out of no parcel that was told to be delivered.
    ahead: u16,
}

impl Parcels {
    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.tracked.is_empty()
    }

    /// What is known of receipts before a carrier's last word.
    pub fn came(&self) -> Option<Came> {
        self.came
    }

    /// The same parcels, with that.
    #[must_use]
    pub fn with(self, came: Option<Came>) -> Self {
        Self { came, ..self }
    }

    /// Units came, out of all that were delivered and not opened yet; where there are none, out of one of which its carrier
    /// has yet to tell it.
    fn open(&mut self, at: WallTime) {
        let there = self.tracked.iter().filter(|tracked| tracked.status() == TrackingStatus::Delivered);
        let news: Vec<u16> = there.map(|tracked| tracked.number).filter(|own| !self.opened.contains(own)).collect();
        let ahead = self.came.map_or(0, |came| came.ahead);
        self.came = Some(Came { at, ahead: ahead.saturating_add(news.is_empty().into()) });
        self.opened.extend(news);
    }

    /// A parcel is told to be delivered that was there when units came, by the time its carrier gives; or up to a day after,
    /// which is what its clock may be ahead, where they came out of none of the others.
    fn open_late(&mut self, number: u16) {
        let Some(came) = self.came.filter(|_| !self.opened.contains(&number)) else { return };
        let own = self.tracked.iter().find(|tracked| tracked.number == number);
        let own = own.filter(|tracked| tracked.status() == TrackingStatus::Delivered);
        let Some(there) = own.and_then(Tracked::last).map(|scan| scan.at) else { return };
        let by = if came.ahead > 0 { came.at.0.saturating_add(SCAN_AHEAD_MS_MAX) } else { came.at.0 };
        if there.0 <= by {
            self.opened.push(number);
            self.came = Some(Came { ahead: came.ahead.saturating_sub(1), ..came });
        }
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

    /// Units came.
    pub(super) fn open_parcels(&mut self, at: WallTime) {
        self.parcels.open(at);
        let is_opened = |number: u16| self.parcels.opened.contains(&number);
        let all = !self.labels.is_empty() && (1..=self.labels.len() as u16).all(is_opened);
        if all || !self.awaits_goods() {
            self.parcels.came = None;
        }
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
        heard.map_err(|scan| LawBroken(format!("label {label} of return {key}: {scan:?} tells nothing new")))?;
        self.parcels.open_late(label);
        Ok(())
    }
}
