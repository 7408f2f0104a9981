//! Short runs of the converters on the public data sets, server, restart and comparison included.
//!
//! `ORDAIN_RETAIL_ORDERS` says how many orders of the wholesaler are replayed, or `all`; its first hundred hold a
//! cancellation of part of a line and goods that come back.
//!
//! The data sets are not part of Ordain: the folder is `ORDAIN_DATA`, else `../shared/data`. Without it the tests say so
//! and pass, except where `CI` is set, where the data must be there.

use std::path::{Path, PathBuf};

#[path = "../../tools/olist.rs"]
#[allow(dead_code, reason = "the program's own main is not called here")]
mod olist;
#[path = "../../tools/online_retail.rs"]
#[allow(dead_code, reason = "the program's own main is not called here")]
mod online_retail;

/// Whether a data set can be replayed.
fn is_there(folder: &Path) -> bool {
    if folder.is_dir() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing, and CI must replay it", folder.display());
    eprintln!("{} is missing: nothing is replayed; name the folder by ORDAIN_DATA", folder.display());
    false
}

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_ordain").into()
}

/// Both copies of the shared part have the same shape, not the same type.
macro_rules! assert_replayed {
    ($reports:expr, $orders:expr) => {
        for report in $reports {
            if let Some(orders) = $orders {
                assert_eq!(report.placed, orders, "{report:#?}");
            }
            assert!(report.books_broken.is_empty(), "{report:#?}");
            assert_eq!(report.identity_violations, 0, "{report:#?}");
            assert_eq!(report.same_after_restart, Some(true), "{report:#?}");
            assert_eq!(report.delivered, report.shipped, "{report:#?}");
        }
    };
}

#[test]
fn a_hundred_orders_of_a_marketplace_are_replayed_to_delivered() {
    let options = olist::replay::Options { limit: Some(100), quiet: true, ..Default::default() };
    if is_there(&options.folder("olist")) {
        let reports = olist::replays(&options, &program()).expect("the replay runs");
        assert_eq!(reports.len(), 2);
        assert!(reports.iter().all(|report| report.refused.is_empty()), "{reports:#?}");
        assert_replayed!(reports, Some(100));
    }
}

#[test]
fn ways_of_sourcing_are_compared_on_the_orders_of_a_marketplace() {
    use olist::compare::{Way, compare};
    let options = olist::replay::Options { limit: Some(300), quiet: true, ..Default::default() };
    if !is_there(&options.folder("olist")) {
        return;
    }
    let data = olist::Olist::read(&options.folder("olist"), options.limit).expect("it is read");
    let found = compare(&data).expect("every way sources every order");
    println!("{}", found.told());
    let units = found.row(Way::Real).units;
    for row in &found.rows {
        assert_eq!((row.units, row.days.len()), (units, found.orders), "{}: every unit is sent", row.name);
        assert!(row.days.iter().all(|days| *days >= 0) && row.parcels >= found.orders as u64, "{}", row.name);
        assert!(row.optimal.is_none_or(|proven| proven * 100 >= 99 * found.orders as u64), "{}: proven", row.name);
    }
    let by_line = found.row(Way::LineByLine);
    assert!(found.row(Way::Rules("cheapest")).freight < by_line.freight);
    assert!(found.row(Way::Rules("fewest_splits")).split <= by_line.split);
    assert!(found.row(Way::Rules("fastest")).mean_days() < by_line.mean_days());
    let again = Way::Rules("balanced").run(&data, &found.fit).expect("as before");
    assert_eq!(again.hash, found.row(Way::Rules("balanced")).hash, "the same every time");
}

/// How many orders of the wholesaler; all when `None`.
fn wholesale_orders() -> Option<usize> {
    match std::env::var("ORDAIN_RETAIL_ORDERS").as_deref() {
        Ok("all") => None,
        Ok(number) => Some(number.parse().expect("ORDAIN_RETAIL_ORDERS is a number or `all`")),
        Err(_) => Some(100),
    }
}

#[test]
fn invoices_of_a_wholesaler_are_replayed_with_their_cancellations_and_returns() {
    let limit = wholesale_orders();
    let options = online_retail::replay::Options { limit, quiet: true, ..Default::default() };
    if is_there(&options.folder("online_retail_uci")) {
        let reports = online_retail::replays(&options, &program()).expect("the replay runs");
        // Two rows of the whole carry a negative price, and their orders are refused for it.
        assert_replayed!(&reports, limit.filter(|orders| *orders < 1_000).map(|orders| orders as u64));
        for report in &reports {
            let refused: Vec<_> = report.refused.keys().filter(|code| *code != "place: amount_out_of_range").collect();
            assert!(refused.is_empty(), "{report:#?}");
            assert!(report.units_cancelled > 0 && report.units_returned > 0, "{report:#?}");
        }
    }
}
