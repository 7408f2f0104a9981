//! What no packing can be cheaper than.
//!
//! Each carton costs at least its price, its dimensional weight and its own weight, and holds at most its volume, its
//! load and so many pieces of which no two go together. So the volume, the weight and the number of such pieces, each
//! at the best that any carton gives for its money, are bounds, and the largest of them counts. Fill is billed for the
//! room the pieces leave, which is part of a carton's price per volume here.

use super::exact::pair_fits;
use super::piece::{Carton, Edges, Piece, volume};
use super::price::{Score, Tariff};

/// The bound of pieces each of which fits some carton. What an answer may be compared with are its cost and, at that
/// cost, how many cartons it has.
pub(super) fn bound(cartons: &[Carton], tariff: &Tariff, pieces: &[Piece]) -> Score {
    let bound = by_measure(cartons, tariff, pieces, apart(cartons, pieces) as u64);
    let filled: u64 = pieces.iter().map(Piece::volume).sum();
    let dearest = pieces.iter().map(|piece| alone(cartons, tariff, piece, filled)).max().unwrap_or(0);
    Score { cost: bound.cost.max(dearest), ..bound }
}

/// The bound of their volume and weight, in at least so many cartons.
pub(super) fn by_measure(cartons: &[Carton], tariff: &Tariff, pieces: &[Piece], least: u64) -> Score {
    let filled: u64 = pieces.iter().map(Piece::volume).sum();
    let load: u64 = pieces.iter().map(|piece| u64::from(piece.weight_g)).sum();
    let usable = || cartons.iter().filter(|carton| pieces.iter().any(|piece| carton.takes(piece)));
    // No use of a carton costs less: nothing in it weighs anything, and all that there is takes its room.
    let floor = |carton: &Carton| tariff.cost(carton, 0, volume(carton.inner).min(filled));
    let rooms = usable().map(|carton| filled.div_ceil(volume(carton.inner).max(1))).min().unwrap_or(0);
    let loads = usable().map(|carton| load.div_ceil(carton.load_g().max(1))).min().unwrap_or(0);
    let count = rooms.max(loads).max(least).max(1);
    let times_count = |cost: i64| cost.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX));
    let cost = [
        usable().map(|carton| share(floor(carton), filled, volume(carton.inner))).min(),
        usable().map(|carton| share(floor(carton), load, carton.load_g())).min(),
        usable().map(floor).min().map(times_count),
        usable().map(|carton| carton.cost).min().map(|cost| times_count(cost).saturating_add(by_kg(tariff, load))),
    ];
    Score {
        cost: cost.into_iter().flatten().max().unwrap_or(0),
        cartons: u32::try_from(count).unwrap_or(u32::MAX),
        volume: 0,
    }
}

/// What a carrier asks at least for the weight of the pieces alone.
fn by_kg(tariff: &Tariff, load_g: u64) -> i64 {
    share(tariff.per_kg, load_g, 1_000)
}

/// What a measure costs when each carton holds at most `room` of it for `cost`; a whole minor unit begun counts whole,
/// since costs are whole.
pub(super) fn share(cost: i64, measure: u64, room: u64) -> i64 {
    let exact = i128::from(cost) * i128::from(measure);
    let room = i128::from(room.max(1));
    i64::try_from((exact + room - 1).div_euclid(room)).unwrap_or(i64::MAX)
}

/// The least that a carton costs which takes a piece.
fn alone(cartons: &[Carton], tariff: &Tariff, piece: &Piece, filled: u64) -> i64 {
    let taking = cartons.iter().filter(|carton| carton.takes(piece));
    let cost = |carton: &Carton| tariff.cost(carton, piece.weight_g.into(), volume(carton.inner).min(filled));
    taking.map(cost).min().unwrap_or(0)
}

/// How many pieces there are of which no two go into one carton: the largest first, as many as are found.
fn apart(cartons: &[Carton], pieces: &[Piece]) -> usize {
    let mut largest: Vec<&Piece> = pieces.iter().collect();
    largest.sort_unstable_by_key(|piece| std::cmp::Reverse((piece.shortest(), piece.volume())));
    let mut chosen: Vec<(&Piece, Vec<Option<Edges>>)> = Vec::new();
    for piece in largest {
        let shortest: Vec<_> = cartons.iter().map(|carton| piece.shortest_in(carton.inner)).collect();
        if chosen.iter().all(|(other, of_other)| !together(cartons, (piece, &shortest), (other, of_other))) {
            chosen.push((piece, shortest));
        }
    }
    chosen.len()
}

/// Whether some carton takes both; given is the shortest that each can be in every carton.
fn together(cartons: &[Carton], one: (&Piece, &[Option<Edges>]), other: (&Piece, &[Option<Edges>])) -> bool {
    let load = u64::from(one.0.weight_g) + u64::from(other.0.weight_g);
    let alone = one.0.handling.alone || other.0.handling.alone;
    !alone
        && cartons.iter().zip(one.1).zip(other.1).any(|((carton, shortest), also)| {
            let (Some(shortest), Some(also)) = (shortest, also) else { return false };
            let fragile = [one.0.handling.fragile, other.0.handling.fragile];
            load <= carton.load_g() && pair_fits(carton.inner, (*shortest, fragile[0]), (*also, fragile[1]))
        })
}
