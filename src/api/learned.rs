//! What was learned, as it is shown.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::scalar::{Id, Sku};
use crate::domain::event::TransitNoted;
use crate::domain::ids::Text;
use crate::domain::short_pick::{ByShelf, Shelf, Told};
use crate::domain::transit::{CONFIDENCE_PERCENT, Chances, InTime, TransitKey, usual_micro};
use crate::domain::velocity;

/// How often units are not found at a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ShortPicks)]
pub struct ShortPicksJson {
    /// The node.
    pub node: Id,
    /// Whether decisions use the rates below; where they were further off than the usual ones they use those.
    pub in_use: bool,
    /// By how many are on hand.
    pub shelves: Vec<ShelfJson>,
}

/// How often units are not found of a sku of which so many are on hand.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ShortPicksOfShelf)]
pub struct ShelfJson {
    /// How many are on hand: `1`, `2-3`, `4-9` or `10+`.
    pub on_hand: &'static str,
    /// Units that left in the last days that are kept.
    pub found: u64,
    /// Units that were not found.
    pub short: u64,
    /// Part of the units that is not found, as it is told today.
    pub rate: f64,
    /// What is usual of the kind of node.
    pub usual: f64,
    /// Units by which the telling was judged, each on the day it happened.
    pub judged: u64,
    /// Brier's score of what was told of them, the lower the better; `null` where none was judged.
    pub score: Option<f64>,
    /// That of the usual rate.
    pub usual_score: Option<f64>,
}

impl ShortPicksJson {
    /// What is told of a node.
    pub fn of(node: Text, is_in_use: bool, shelves: &ByShelf<Told>) -> Self {
        let shelf = |(shelf, told): (Shelf, &Told)| {
            let judged = |micro: u32| (told.judged > 0).then(|| share(micro));
            ShelfJson {
                on_hand: shelf.word(),
                found: told.looked.found,
                short: told.looked.short,
                rate: share(told.rate_micro),
                usual: share(told.usual_micro),
                judged: told.judged,
                score: judged(told.score_micro),
                usual_score: judged(told.usual_score_micro),
            }
        };
        Self { node: Id(node), in_use: is_in_use, shelves: Shelf::ALL.into_iter().zip(shelves).map(shelf).collect() }
    }
}

/// How long parcels of a carrier are on the way, by service and zone.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Transits)]
pub struct TransitsJson {
    /// The carrier.
    pub carrier: Id,
    /// Its services in the zones where parcels came.
    pub lanes: Vec<LaneJson>,
}

/// How long parcels of a service are on the way to a zone.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TransitOfLane)]
pub struct LaneJson {
    /// The service.
    pub service: Id,
    /// The zone, from 1.
    pub zone: u8,
    /// Days that the service declares.
    pub declared_days: u16,
    /// Whether quotes and decisions use what follows; with too few parcels, or where it was further off than what is usual,
    /// they use that.
    pub in_use: bool,
    /// Parcels that came in the last days that are kept, by their days on the way.
    pub days: Vec<LaneDaysJson>,
    /// The chance that a parcel takes no longer than declared, as it is told today.
    pub on_time: OnTimeJson,
    /// The same as is usual.
    pub usual: f64,
    /// Days that parcels take longer than declared on average, less below zero; 0 where that is not used.
    pub delay_days: f64,
    /// Brier's score of what was told of these parcels, each on the day it came, the lower the better; `null` where none was
    /// judged.
    pub score: Option<f64>,
    /// That of what is usual.
    pub usual_score: Option<f64>,
}

/// Parcels that took so many days.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TransitDays)]
pub struct LaneDaysJson {
    /// Days on the way; 31 are as many or more.
    pub days: u8,
    /// How many parcels.
    pub parcels: u64,
}

/// The chance that a parcel comes on the day it is promised, or before.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OnTime)]
pub struct OnTimeJson {
    /// The chance, 0 to 1.
    pub chance: f64,
    /// With the stated confidence it is not lower than this.
    pub low: f64,
    /// Nor higher than this.
    pub high: f64,
    /// How often the true share lies between the two.
    pub confidence: f64,
    /// Parcels of the service in that zone that it is known from.
    pub parcels: u64,
    /// Whether they say it; else it is what is usual of services that declare their days.
    pub learned: bool,
}

/// How fast a sku leaves its nodes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Velocities)]
pub struct VelocitiesJson {
    /// The sku.
    pub sku: Sku,
    /// The nodes that it left.
    pub nodes: Vec<VelocityJson>,
}

/// How fast a sku leaves a node.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VelocityOfNode)]
pub struct VelocityJson {
    /// The node.
    pub node: Id,
    /// Whether decisions use the rate below where nobody said what leaves.
    pub in_use: bool,
    /// Units a day, as it is told today: newer days count more, but where the plain mean was nearer that is told.
    pub units_per_day: f64,
    /// The plain mean of all days.
    pub mean_per_day: f64,
    /// Whether newer days count more in what is told.
    pub newer_count_more: bool,
    /// Days since units left for the first time.
    pub days: u32,
    /// Units that left in them.
    pub units: u64,
    /// Days by which the telling was judged.
    pub judged: u32,
    /// Mean square of units a day that were told less units that left, the lower the better; `null` where none was judged.
    pub square: Option<f64>,
    /// That of the plain mean.
    pub mean_square: Option<f64>,
}

impl TransitsJson {
    /// What is told of a carrier.
    pub fn of(carrier: Text, lanes: Vec<LaneJson>) -> Self {
        Self { carrier: Id(carrier), lanes }
    }
}

impl LaneJson {
    /// What is told of a service in a zone, and the parcels that tell it by their days on the way.
    pub fn of(service: Text, zone: u8, chances: &Chances, counts: &[(u8, u64)]) -> Self {
        let declared_days = chances.declared;
        let judged = |micro: u32| (chances.parcels > 0).then(|| share(micro));
        let days = |(days, parcels): &(u8, u64)| LaneDaysJson { days: *days, parcels: *parcels };
        Self {
            service: Id(service),
            zone,
            declared_days,
            in_use: chances.is_in_use,
            days: counts.iter().map(days).collect(),
            on_time: chances.within(declared_days).into(),
            usual: share(usual_micro(declared_days, declared_days)),
            delay_days: chances.delay_micro() as f64 / 1e6,
            score: judged(chances.score_micro),
            usual_score: judged(chances.usual_score_micro),
        }
    }
}

impl From<InTime> for OnTimeJson {
    fn from(told: InTime) -> Self {
        Self {
            chance: share(told.chance_micro),
            low: share(told.low_micro),
            high: share(told.high_micro),
            confidence: f64::from(CONFIDENCE_PERCENT) / 100.0,
            parcels: told.parcels,
            learned: told.is_learned,
        }
    }
}

impl VelocitiesJson {
    /// What is told of a sku.
    pub fn of(sku: Text, nodes: &[(Text, velocity::Told)]) -> Self {
        let node = |(node, told): &(Text, velocity::Told)| {
            let square = |milli: u128| (told.judged > 0).then(|| milli as f64 / 1e6);
            VelocityJson {
                node: Id(node.clone()),
                in_use: told.is_in_use,
                units_per_day: told.rate_milli as f64 / 1e3,
                mean_per_day: told.mean_milli as f64 / 1e3,
                newer_count_more: told.is_faded,
                days: told.days,
                units: told.units,
                judged: told.judged,
                square: square(told.square),
                mean_square: square(told.mean_square),
            }
        };
        Self { sku: Sku(sku), nodes: nodes.iter().map(node).collect() }
    }
}

pub(super) fn transit_noted(noted: &TransitNoted) -> Value {
    let TransitKey { carrier, service, zone } = &noted.key;
    json!({
        "type": "transit_noted", "carrier": carrier, "service": service, "zone": zone, "days": noted.arrived.days,
        "day": noted.arrived.day,
    })
}

fn share(micro: u32) -> f64 {
    f64::from(micro) / 1e6
}
