//! What was learned, as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::scalar::Id;
use crate::domain::ids::Text;
use crate::domain::short_pick::{ByShelf, Shelf, Told};

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
            let share = |micro: u32| f64::from(micro) / 1e6;
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
