//! Packing against what is certain: every arrangement of a few pieces on a grid, the checker that knows nothing of the
//! packer, and handling one can see.
//!
//! Seeds are printed with what fails. Longer draws against the checker alone: `tests/it/packing.rs`.

use super::check::check;
use super::exact::{Verdict, fits};
use super::*;

/// Drawn arrangements on the grid, and drawn questions of cost.
const GRID_CASES: usize = 2_000;
const COST_CASES: usize = 240;

/// A draw of numbers, the same everywhere.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % u64::from(end)) as u32
    }

    fn within(&mut self, least: u32, most: u32) -> u32 {
        least + self.below(most - least + 1)
    }

    fn edges(&mut self, most: Edges) -> Edges {
        most.map(|edge| self.within(1, edge))
    }

    fn handling(&mut self) -> Handling {
        let stands = match self.below(5) {
            0 => [false, false, true],
            1 => [true, false, true],
            _ => [true; 3],
        };
        Handling { stands, fragile: self.below(6) == 0, alone: self.below(12) == 0 }
    }
}

fn carton(inner: Edges, cost: i64) -> Carton {
    Carton { inner, outer: inner.map(|edge| edge + 2), weight_g: 20, max_weight_g: 10_000, cost }
}

fn piece(edges: Edges) -> Piece {
    Piece { edges, weight_g: 100, handling: Handling::ANY }
}

/// Whether pieces fit a small carton, found by trying every place of every piece on the grid of its millimetres: one bit
/// a cubic millimetre, and for what is fragile those above it.
fn fits_by_trying(inner: Edges, pieces: &[Piece]) -> bool {
    fn go(places: &[Vec<(u128, u128)>], filled: u128, closed: u128) -> bool {
        let Some((first, rest)) = places.split_first() else { return true };
        first.iter().any(|(body, above)| {
            body & (filled | closed) == 0 && above & filled == 0 && go(rest, filled | body, closed | above)
        })
    }
    let mut places: Vec<_> = pieces.iter().map(|piece| places_of(inner, piece)).collect();
    places.sort_by_key(Vec::len);
    go(&places, 0, 0)
}

fn places_of(inner: Edges, piece: &Piece) -> Vec<(u128, u128)> {
    let cells = |from: Edges, to: Edges| {
        let mut cells = 0u128;
        for z in from[2]..to[2] {
            for y in from[1]..to[1] {
                for x in from[0]..to[0] {
                    cells |= 1 << (x + inner[0] * (y + inner[1] * z));
                }
            }
        }
        cells
    };
    let mut places = Vec::new();
    for (one, other, up) in [(0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0), (2, 1, 0)] {
        let size = [piece.edges[one], piece.edges[other], piece.edges[up]];
        if !piece.handling.stands[up] || (0..3).any(|axis| size[axis] > inner[axis]) {
            continue;
        }
        for x in 0..=inner[0] - size[0] {
            for y in 0..=inner[1] - size[1] {
                for z in 0..=inner[2] - size[2] {
                    let end = [x + size[0], y + size[1], z + size[2]];
                    let above = cells([x, y, end[2]], [end[0], end[1], inner[2]]);
                    places.push((cells([x, y, z], end), if piece.handling.fragile { above } else { 0 }));
                }
            }
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn six_pieces_fit_exactly_when_some_arrangement_on_the_grid_does() {
    let mut draw = Draw(1);
    let (mut answers, mut fewer) = ([0; 2], 0);
    for case in 0..GRID_CASES {
        let inner = [draw.within(2, 4), draw.within(2, 4), draw.within(2, 5)];
        let mut left = volume(inner);
        let mut pieces: Vec<Piece> = Vec::new();
        for _ in 0..draw.within(1, EXACT_PIECES_MAX as u32) {
            let same = pieces.last().copied().filter(|_| draw.below(3) == 0);
            let drawn = Piece { edges: draw.edges(inner), weight_g: 1, handling: draw.handling() };
            let next = same.unwrap_or(drawn);
            if next.volume() <= left {
                left -= next.volume();
                pieces.push(next);
            }
        }
        let fit = fits_by_trying(inner, &pieces);
        match fits(&carton(inner, 0), &pieces) {
            Verdict::Unknown => panic!("case {case} of seed 1 took too many steps: {inner:?}, {pieces:?}"),
            Verdict::Fits(_) => assert!(fit, "case {case} of seed 1: {inner:?}, {pieces:?}"),
            Verdict::DoesNot(blamed) => {
                assert!(!fit, "case {case} of seed 1: {inner:?}, {pieces:?}");
                let is_blamed = |number: &usize| blamed >> number & 1 == 1;
                let blamed: Vec<Piece> = (0..pieces.len()).filter(is_blamed).map(|number| pieces[number]).collect();
                let alone = fits_by_trying(inner, &blamed);
                assert!(!alone, "case {case} of seed 1: {inner:?}, {pieces:?} without any but {blamed:?}");
                fewer += usize::from(blamed.len() < pieces.len());
            }
        }
        answers[usize::from(fit)] += 1;
    }
    assert!(answers.iter().all(|count| *count * 20 > GRID_CASES), "both answers are tried: {answers:?}");
    assert!(fewer > 0, "a no names fewer pieces than were asked for");
}

#[test]
fn five_squares_do_not_fit_in_a_ring_though_every_two_of_them_do() {
    let square = |edge| Piece { handling: Handling::THIS_SIDE_UP, ..piece([edge, edge, 1]) };
    let room = carton([5, 5, 1], 0);
    let five = [square(2); 5];
    assert_eq!(fits(&room, &five), Verdict::DoesNot(0b1_1111));
    let six = [square(2), square(2), square(1), square(2), square(2), square(2)];
    assert_eq!(fits(&room, &six), Verdict::DoesNot(0b11_1011), "the small one is not to blame");
    assert!(matches!(fits(&room, &six[..5]), Verdict::Fits(_)), "the small one in their middle");
    assert!(matches!(fits(&carton([6, 5, 1], 0), &five), Verdict::Fits(_)), "three along one side");
}

/// The least cost over every partition of pieces into cartons.
fn least_cost_by_trying(cartons: &[Carton], tariff: &Tariff, pieces: &[Piece]) -> i64 {
    let sets = 1usize << pieces.len();
    let members = |set: usize| -> Vec<Piece> {
        pieces.iter().enumerate().filter(|(number, _)| set >> number & 1 == 1).map(|(_, piece)| *piece).collect()
    };
    let price = |set: usize| {
        let inside = members(set);
        let load: u64 = inside.iter().map(|piece| u64::from(piece.weight_g)).sum();
        let filled = inside.iter().map(Piece::volume).sum();
        let alone = inside.len() > 1 && inside.iter().any(|piece| piece.handling.alone);
        let holds = |carton: &&Carton| load <= carton.load_g() && !alone && fits_by_trying(carton.inner, &inside);
        cartons.iter().filter(holds).map(|carton| tariff.cost(carton, load, filled)).min()
    };
    let prices: Vec<Option<i64>> = (0..sets).map(|set| if set == 0 { Some(0) } else { price(set) }).collect();
    let mut best = vec![i64::MAX; sets];
    best[0] = 0;
    for set in 1..sets {
        for part in (1..=set).filter(|part| part & set == *part) {
            if let Some(price) = prices[part].filter(|_| best[set ^ part] < i64::MAX) {
                best[set] = best[set].min(price + best[set ^ part]);
            }
        }
    }
    best[sets - 1]
}

#[test]
fn few_pieces_cost_what_the_cheapest_partition_costs() {
    let mut draw = Draw(2);
    for case in 0..COST_CASES {
        let kinds: Vec<Carton> = (0..draw.within(1, 4))
            .map(|_| {
                let inner = [draw.within(2, 4), draw.within(2, 4), draw.within(2, 4)];
                Carton { max_weight_g: draw.within(200, 1_500), ..carton(inner, i64::from(draw.within(1, 60))) }
            })
            .chain([carton([4; 3], 70)])
            .collect();
        let pieces: Vec<Piece> = (0..draw.within(1, EXACT_PIECES_MAX as u32))
            .map(|_| Piece { edges: draw.edges([3; 3]), weight_g: draw.below(400), handling: draw.handling() })
            .filter(|piece| kinds.iter().any(|carton| carton.takes(piece)))
            .collect();
        let tariff = Tariff {
            divisor: (draw.below(2) == 0).then(|| draw.within(1, 4)),
            per_kg: draw.below(40).into(),
            fill_per_litre: i64::from(draw.below(2)) * 1_000_000,
        };
        let packing = Packer::default().pack(&kinds, &tariff, &pieces);
        check(&kinds, &tariff, &pieces, &packing).unwrap_or_else(|what| panic!("case {case} of seed 2: {what}"));
        assert!(packing.optimal, "case {case} of seed 2");
        let least = least_cost_by_trying(&kinds, &tariff, &pieces);
        assert_eq!(packing.cost, least, "case {case} of seed 2: {kinds:?}, {tariff:?}, {pieces:?}");
    }
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let kinds = [carton([10, 10, 10], 5)];
    let fragile = Handling { fragile: true, ..Handling::ANY };
    let alone = Handling { alone: true, ..Handling::ANY };
    let pieces = |handling| [Piece { edges: [10, 10, 4], weight_g: 100, handling }, piece([10, 10, 5])];
    let placed = |placements: [(Edges, Edges); 2]| Packing {
        cartons: vec![Filled {
            carton: 0,
            placements: (0..2u16)
                .map(|piece| {
                    let (at, size) = placements[usize::from(piece)];
                    Placement { piece, at, size }
                })
                .collect(),
            weight_g: 220,
            billable_g: 220,
            volume: 900,
            cost: 5,
        }],
        left_out: vec![],
        cost: 5,
        lower_bound: 5,
        optimal: true,
    };
    let of = |handling, placements| check(&kinds, &Tariff::default(), &pieces(handling), &placed(placements));
    let good = [([0, 0, 0], [10, 10, 4]), ([0, 0, 4], [10, 10, 5])];
    assert_eq!(of(Handling::ANY, good), Ok(()));
    let wrong = |handling, placements, what: &str| {
        let found = of(handling, placements).expect_err(what);
        assert!(found.contains(what), "{found}, not {what}");
    };
    wrong(Handling::ANY, [good[0], ([0, 0, 3], [10, 10, 5])], "meet");
    wrong(Handling::ANY, [good[0], ([0, 0, 5], [10, 10, 5])], "floats");
    wrong(Handling::ANY, [good[0], ([0, 1, 4], [10, 10, 5])], "sticks out");
    wrong(Handling::ANY, [good[0], ([0, 0, 4], [5, 10, 5])], "is turned");
    wrong(Handling::THIS_SIDE_UP, [([0, 0, 0], [4, 10, 10]), ([4, 0, 0], [5, 10, 10])], "is turned");
    wrong(fragile, good, "lies above");
    wrong(alone, good, "not alone");
    let twice = Packing { left_out: vec![1], ..placed(good) };
    assert!(check(&kinds, &Tariff::default(), &pieces(Handling::ANY), &twice).is_err(), "piece 1 is there twice");
    let cheap = Packing { cost: 4, lower_bound: 4, ..placed(good) };
    assert!(check(&kinds, &Tariff::default(), &pieces(Handling::ANY), &cheap).is_err(), "money does not add up");
    let heavy = [Carton { max_weight_g: 200, ..kinds[0] }];
    assert!(check(&heavy, &Tariff::default(), &pieces(Handling::ANY), &placed(good)).is_err(), "too heavy");
}

#[test]
fn dimensional_weight_chooses_the_flatter_carton() {
    let flat = Carton { outer: [400, 300, 60], ..carton([390, 290, 50], 40) };
    let tall = Carton { outer: [250, 200, 220], ..carton([190, 190, 190], 30) };
    let pieces = [piece([180, 140, 40]), piece([180, 140, 40])];
    let cheapest = |tariff| Packer::default().pack(&[flat, tall], &tariff, &pieces).cartons[0].carton;
    assert_eq!(cheapest(Tariff { per_kg: 100, ..Tariff::default() }), 1, "by real weight the cheaper carton");
    let tariff = Tariff { divisor: Some(5_000), per_kg: 100, fill_per_litre: 0 };
    assert_eq!(cheapest(tariff), 0, "1,440 g are billed as two kilograms, 2,200 g as three");
}

#[test]
fn what_ships_alone_and_what_is_fragile_is_kept_so() {
    let kinds = [carton([20, 20, 20], 10)];
    let alone = Piece { handling: Handling { alone: true, ..Handling::ANY }, ..piece([5, 5, 5]) };
    let packing = Packer::default().pack(&kinds, &Tariff::default(), &[alone, piece([5, 5, 5]), piece([5, 5, 5])]);
    assert_eq!((packing.cartons.len(), packing.optimal), (2, true));
    let fragile = Piece { handling: Handling { fragile: true, ..Handling::ANY }, ..piece([20, 20, 5]) };
    let one = Packer::default().pack(&kinds, &Tariff::default(), &[fragile, piece([20, 20, 15])]);
    assert_eq!(one.cartons.len(), 1, "what is fragile lies on top, or stands beside");
    let two = Packer::default().pack(&kinds, &Tariff::default(), &[fragile, fragile, piece([20, 20, 15])]);
    assert_eq!(two.cartons.len(), 2, "two of them cannot lie on one another");
}
