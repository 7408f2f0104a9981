//! Short runs of the converters on the public data sets, server, restart and comparison included.
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
            assert_eq!(report.placed, $orders, "{report:#?}");
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
        assert_replayed!(reports, 100);
    }
}

#[test]
fn a_hundred_invoices_of_a_wholesaler_are_replayed_to_delivered() {
    let options = online_retail::replay::Options { limit: Some(100), quiet: true, ..Default::default() };
    if is_there(&options.folder("online_retail_uci")) {
        let reports = online_retail::replays(&options, &program()).expect("the replay runs");
        assert_replayed!(reports, 100);
    }
}
