//! What was placed comes to rest: everything sinks until the floor or another piece carries it, and is then listed in an
//! order in which it can be packed from above.

use super::piece::{Placement, UP};

/// Lets every piece sink. Pieces only move down, so nothing that was apart meets, and nothing comes to lie above what is
/// fragile: what lies above it afterwards lay above it before.
pub(super) fn settle(placed: &mut [Placement]) {
    placed.sort_unstable_by_key(|placement| (placement.at[UP], placement.at[1], placement.at[0], placement.piece));
    for number in 0..placed.len() {
        let (below, [this, ..]) = placed.split_at_mut(number) else { return };
        let tops = below.iter().filter(|other| shares_ground(other, this)).map(|other| other.end()[UP]);
        this.at[UP] = tops.max().unwrap_or(0);
    }
    placed.sort_unstable_by_key(|placement| (placement.at[UP], placement.at[1], placement.at[0], placement.piece));
}

/// Whether the ground below one is partly below the other too.
fn shares_ground(one: &Placement, other: &Placement) -> bool {
    (0..UP).all(|axis| one.at[axis] < other.end()[axis] && other.at[axis] < one.end()[axis])
}
