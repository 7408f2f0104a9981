//! Real threads on the real journal: sold and left add up to what was there, at every seed.

use std::sync::atomic::{AtomicU32, Ordering};

use ordain::domain::rejection::Rejection;
use ordain::pipeline::Refused;

use crate::shop::Shop;

const SEEDS: u64 = 50;
const BUYERS: u64 = 64;
const UNITS: i32 = 1_000;

#[test]
fn sold_and_left_add_up_to_a_thousand_at_every_seed() {
    for seed in 0..SEEDS {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let shop = Shop::with_phones(dir.path(), UNITS / 2, UNITS / 2);
        let sold = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for buyer in 0..BUYERS {
                let (shop, sold) = (&shop, &sold);
                scope.spawn(move || buy(shop, sold, seed * BUYERS + buyer, buyer % 10 == 0));
            }
        });
        let sold = sold.into_inner();
        let left = shop.atp("phone") as u32;
        assert_eq!(sold + left, UNITS as u32, "seed {seed}: {sold} sold, {left} left");
        shop.check();
        shop.restart(dir.path());
    }
}

/// Reserves until nothing is left or enough was bought; a releasing buyer lets every second one go.
fn buy(shop: &Shop, sold: &AtomicU32, seed: u64, releases: bool) {
    let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for attempt in 0..20 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let units = 1 + (dice % 3) as u32;
        match shop.reserve(&[("phone", units)], 600) {
            Ok(reservation) if releases && attempt % 2 == 0 => {
                shop.release(&reservation).expect("it is held");
            }
            Ok(_) => drop(sold.fetch_add(units, Ordering::Relaxed)),
            Err(Refused::Rejected(Rejection::InsufficientStock { available, .. })) => {
                assert!(available < u64::from(units), "seed {seed}: refused although {available} were there");
            }
            Err(Refused::Rejected(Rejection::Contended)) => {}
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
}
