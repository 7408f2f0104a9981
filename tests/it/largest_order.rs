//! The largest order that the API promises to take is taken, also where it needs more than one record.

use ordain::domain::command::*;
use ordain::domain::item::ItemKind;
use ordain::domain::limits::ORDER_LINES_MAX;
use ordain::domain::stock::MovementKind;

use crate::shop::{Shop, order, text};

#[test]
fn an_order_of_1200_skus_split_over_five_nodes_is_placed_cancelled_and_survives_a_restart() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let shop = Shop::open(dir.path());
    for n in 0..5 {
        shop.node(&format!("node-{n}"), 35.0 + f64::from(n), -80.0);
    }
    let skus: Vec<String> = (0..ORDER_LINES_MAX).map(|n| format!("sku-{n:06}")).collect();
    let stock = |n: usize, sku: &String| {
        shop.item(sku, ItemKind::Product, &[]);
        let received = |k: usize| Adjustment {
            sku: text(sku),
            node: text(&format!("node-{k}")),
            delta: if n % 5 == k { 50_000 } else { 20 },
            reason: MovementKind::Received,
        };
        shop.run(Command::AdjustStock((0..5).map(received).collect())).expect("there is room");
    };
    // Many at once, so that they share the disk's syncs.
    std::thread::scope(|scope| {
        for (at, some) in skus.chunks(ORDER_LINES_MAX / 32).enumerate() {
            let stock = &stock;
            scope.spawn(move || some.iter().for_each(|sku| stock(at, sku)));
        }
    });
    let lines: Vec<(&str, u32)> = skus.iter().map(|sku| (sku.as_str(), 300)).collect();
    let placed = shop.place(order("large", &lines)).expect("taken");
    assert_eq!(placed.totals().allocated, 360_000);
    shop.check();
    let shop = shop.restart(dir.path());
    let cancel = CancelOrder { order: text(&placed.name()), lines: None, reason: text("too large") };
    shop.run(Command::CancelOrder(cancel)).expect("all of it can be cancelled");
    shop.check();
}
