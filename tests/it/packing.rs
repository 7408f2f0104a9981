//! Packings of drawn pieces pass the checker, which shares nothing with the packer. `PACKING_CASES` makes it longer, each case
//! from a seed of its own, the first `ORDAIN_SEED`.

use ordain::domain::packing::check::check;
use ordain::domain::packing::{Carton, Handling, Packer, Piece, Tariff};

/// A draw of numbers, the same everywhere.
struct Draw(u64);

impl Draw {
    fn within(&mut self, least: u32, most: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        least + ((mixed ^ (mixed >> 31)) % u64::from(most - least + 1)) as u32
    }

    fn carton(&mut self) -> Carton {
        let inner = [self.within(100, 600), self.within(80, 400), self.within(50, 400)];
        let outer = inner.map(|edge| edge + 6);
        let (max_weight_g, cost) = (self.within(500, 30_000), self.within(0, 400).into());
        Carton { inner, outer, weight_g: 100, max_weight_g, cost }
    }

    fn piece(&mut self) -> Piece {
        let stands = match self.within(0, 4) {
            0 => Handling::THIS_SIDE_UP.stands,
            1 => [true, false, true],
            _ => Handling::ANY.stands,
        };
        Piece {
            edges: [self.within(1, 300), self.within(1, 250), self.within(1, 200)],
            weight_g: self.within(0, 3_000),
            handling: Handling { stands, fragile: self.within(0, 5) == 0, alone: self.within(0, 11) == 0 },
        }
    }
}

#[test]
fn every_packing_passes_the_checker() {
    let told = |name, usual| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    let (cases, first) = (told("PACKING_CASES", 150), told("ORDAIN_SEED", 3));
    println!("packings cases={cases} seed={first}");
    let mut packer = Packer::default();
    let mut few = 0;
    for seed in first..first + cases {
        let mut draw = Draw(seed);
        let kinds: Vec<Carton> = (0..draw.within(1, 6)).map(|_| draw.carton()).collect();
        let count = draw.within(1, 30).min(draw.within(1, 30));
        let pieces: Vec<Piece> = (0..count).map(|_| draw.piece()).collect();
        let tariff = Tariff {
            divisor: Some(5_000),
            per_kg: draw.within(0, 300).into(),
            fill_per_litre: draw.within(0, 9).into(),
        };
        let packing = packer.pack(&kinds, &tariff, &pieces);
        check(&kinds, &tariff, &pieces, &packing).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        for left_out in &packing.left_out {
            let piece = &pieces[usize::from(*left_out)];
            assert!(!kinds.iter().any(|carton| carton.takes(piece)), "seed {seed}: piece {left_out} fits a carton");
        }
        if pieces.len() <= 6 {
            few += 1;
            assert!(packing.optimal, "seed {seed}: six pieces or fewer are packed exactly");
        }
        if seed % 50 == 0 {
            assert_eq!(packer.pack(&kinds, &tariff, &pieces), packing, "seed {seed}: the same again");
        }
    }
    assert!(few > cases / 10, "few pieces are tried too: {few} of {cases}");
}
