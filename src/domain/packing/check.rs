//! Says whether a packing is one: written without a line of the packer's, so that a mistake of the packer's is not made
//! twice.
//!
//! It counts that every piece lies in exactly one carton or is named as left out, has one of the sizes it may be turned
//! to, lies inside, meets no other, rests on the floor or on another, has nothing above it where it is fragile, has its
//! carton to itself where it wants to; that no carton is heavier than it may be; and that the money adds up.

use super::piece::{Carton, Piece, Placement};
use super::price::Tariff;
use super::{Filled, Packing};

/// `Err` says in words what is wrong.
pub fn check(cartons: &[Carton], tariff: &Tariff, pieces: &[Piece], packing: &Packing) -> Result<(), String> {
    let mut seen = vec![0u32; pieces.len()];
    for &piece in &packing.left_out {
        seen[usize::from(piece)] += 1;
    }
    let mut cost = 0i128;
    for (number, filled) in packing.cartons.iter().enumerate() {
        let carton = &cartons[usize::from(filled.carton)];
        contents(carton, pieces, filled).map_err(|what| format!("carton {number}: {what}"))?;
        cost += money(carton, tariff, pieces, filled);
        for placement in &filled.placements {
            seen[usize::from(placement.piece)] += 1;
        }
    }
    if let Some(piece) = seen.iter().position(|times| *times != 1) {
        return Err(format!("piece {piece} is there {} times", seen[piece]));
    }
    if i128::from(packing.cost) != cost {
        return Err(format!("costs {cost}, says {}", packing.cost));
    }
    if packing.lower_bound > packing.cost || (packing.optimal && packing.lower_bound != packing.cost) {
        return Err(format!("bound {} of cost {}", packing.lower_bound, packing.cost));
    }
    Ok(())
}

fn contents(carton: &Carton, pieces: &[Piece], filled: &Filled) -> Result<(), String> {
    if filled.placements.is_empty() {
        return Err("is empty".into());
    }
    let mut grams = u64::from(carton.weight_g);
    for (number, one) in filled.placements.iter().enumerate() {
        let piece = &pieces[usize::from(one.piece)];
        grams += u64::from(piece.weight_g);
        if !is_turned(piece, one) {
            return Err(format!("piece {} is turned to {:?}", one.piece, one.size));
        }
        for axis in 0..3 {
            if u64::from(one.at[axis]) + u64::from(one.size[axis]) > u64::from(carton.inner[axis]) {
                return Err(format!("piece {} sticks out", one.piece));
            }
        }
        if piece.handling.alone && filled.placements.len() > 1 {
            return Err(format!("piece {} is not alone", one.piece));
        }
        let mut carried = one.at[2] == 0;
        for other in filled.placements.iter().enumerate().filter(|(at, _)| *at != number).map(|(_, other)| other) {
            let shade = overlap(one, other, 0) && overlap(one, other, 1);
            if shade && overlap(one, other, 2) {
                return Err(format!("pieces {} and {} meet", one.piece, other.piece));
            }
            if shade && piece.handling.fragile && other.at[2] > one.at[2] {
                return Err(format!("piece {} lies above piece {}", other.piece, one.piece));
            }
            carried |= shade && other.at[2] + other.size[2] == one.at[2];
        }
        if !carried {
            return Err(format!("piece {} floats", one.piece));
        }
    }
    if grams > u64::from(carton.max_weight_g) {
        return Err(format!("weighs {grams} g"));
    }
    Ok(())
}

fn is_turned(piece: &Piece, placement: &Placement) -> bool {
    (0..3).any(|up| {
        let [one, other] = [(up + 1) % 3, (up + 2) % 3].map(|axis| piece.edges[axis]);
        let [length, width, height] = placement.size;
        let around = (length, width) == (one, other) || (length, width) == (other, one);
        piece.handling.stands[up] && height == piece.edges[up] && around
    })
}

fn overlap(one: &Placement, other: &Placement, axis: usize) -> bool {
    let (start, end) =
        (one.at[axis].max(other.at[axis]), (one.at[axis] + one.size[axis]).min(other.at[axis] + other.size[axis]));
    start < end
}

fn money(carton: &Carton, tariff: &Tariff, pieces: &[Piece], filled: &Filled) -> i128 {
    let mut grams = i128::from(carton.weight_g);
    let mut room = carton.inner.iter().map(|edge| i128::from(*edge)).product::<i128>();
    for placement in &filled.placements {
        let piece = &pieces[usize::from(placement.piece)];
        grams += i128::from(piece.weight_g);
        room -= piece.edges.iter().map(|edge| i128::from(*edge)).product::<i128>();
    }
    if let Some(divisor) = tariff.divisor {
        let outside = carton.outer.iter().map(|edge| i128::from(*edge)).product::<i128>();
        grams = grams.max((outside + i128::from(divisor) - 1) / i128::from(divisor));
    }
    let weight = (grams + 999) / 1_000 * i128::from(tariff.per_kg);
    let fill = (2 * room * i128::from(tariff.fill_per_litre) + 1_000_000) / 2_000_000;
    i128::from(carton.cost) + weight + fill
}
