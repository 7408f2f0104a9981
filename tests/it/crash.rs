//! A process that is killed while it sells and while a snapshot is being made: nothing acknowledged is missing.
//!
//! The parent starts this test binary again as the seller, reads what it acknowledged, kills it without warning, checks
//! the directory and opens it. What is *not* here: power loss, which the journal's own tests simulate below the process.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ordain::domain::command::PlaceOrder;
use ordain::domain::item::ItemKind;
use ordain::journal::Look;
use tempfile::TempDir;

use crate::shop::{Shop, order, text};

const SELLERS: u64 = 8;
const ROUNDS: u64 = 4;
const FOLDER: &str = "ORDAIN_TEST_SELLER_FOLDER";
const ROUND: &str = "ORDAIN_TEST_SELLER_ROUND";

#[test]
fn nothing_acknowledged_is_missing_after_a_kill() {
    let (dir, scratch) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let mut acknowledged: HashMap<String, u32> = HashMap::new();
    for round in 0..ROUNDS {
        // Another number each time, so that the kill meets another moment.
        let enough = 150 + 97 * round as usize;
        sell_until_killed(dir.path(), round, enough, &mut acknowledged);
        let look = Look { root: dir.path(), scratch: &scratch.path().join("check"), verifier: None };
        let report = ordain::journal::check(&look).expect("the directory is read");
        assert_eq!(report.findings, Vec::<String>::new(), "round {round}");
        assert!(report.snapshots > 0, "round {round}: snapshots were made while it sold");

        let shop = Shop::open(dir.path());
        for (id, quantity) in &acknowledged {
            let order =
                shop.ordain.engine().order(id).unwrap_or_else(|_| panic!("round {round}: order {id} was acknowledged"));
            assert_eq!(order.lines[0].placed.quantity, *quantity, "{id}");
        }
        // Orders that were not acknowledged may be there too, but every unit of them is accounted for.
        let total = shop.ordain.engine().stock("mug").expect("the sku is there").total;
        assert_eq!(total.on_hand, total.available + total.committed, "round {round}");
        shop.restart(dir.path());
    }
}

fn sell_until_killed(dir: &Path, round: u64, enough: usize, acknowledged: &mut HashMap<String, u32>) {
    let program = std::env::current_exe().expect("a test has a program");
    let mut seller = Process::new(program)
        .args(["crash::seller", "--exact", "--nocapture"])
        .env(FOLDER, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the seller starts");
    let lines = BufReader::new(seller.stdout.take().expect("stdout is piped")).lines();
    let mut read = |line: &str| -> bool {
        // Other lines are the test harness's own.
        let Some((id, quantity)) = line.strip_prefix("sold ").and_then(|sold| sold.split_once(' ')) else {
            return false;
        };
        let Ok(quantity) = quantity.parse() else { return false };
        acknowledged.insert(id.to_owned(), quantity).is_none()
    };
    let mut sold = 0;
    for line in lines {
        // What is already in the pipe when the process dies was acknowledged too, so reading goes on to its end.
        sold += usize::from(line.is_ok_and(|line| read(&line)));
        if sold == enough {
            seller.kill().expect("the seller can be killed");
        }
    }
    let ended = seller.wait().expect("the seller ends");
    assert!(!ended.success() && sold >= enough, "the seller was killed after {sold} orders: {ended}");
}

/// The process that is killed: sells and makes snapshots until then. Without a folder it does nothing.
#[test]
fn seller() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let round = std::env::var(ROUND).expect("the round is given");
    let shop = Shop::open(Path::new(&dir));
    if shop.ordain.engine().stock("mug").is_err() {
        shop.node("chicago", 41.88, -87.63);
        shop.item("mug", ItemKind::Product, &[]);
    }
    shop.receive("mug", "chicago", 1_000_000);
    let (out, stopped) = (Mutex::new(std::io::stdout()), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stopped.load(Ordering::Relaxed) {
                shop.ordain.journal().snapshot_now().expect("a snapshot can be made");
            }
        });
        for seller in 0..SELLERS {
            let (shop, out, round) = (&shop, &out, &round);
            scope.spawn(move || {
                for n in 0u64.. {
                    let (id, quantity) = (format!("r{round}-{seller}-{n}"), 1 + (n % 3) as u32);
                    let wanted = PlaceOrder { id: Some(text(&id)), ..order(&id, &[("mug", quantity)]) };
                    shop.place(wanted).expect("there is plenty");
                    let mut out = out.lock().expect("nobody panics while writing");
                    writeln!(out, "sold {id} {quantity}").and_then(|()| out.flush()).expect("somebody reads");
                }
            });
        }
    });
}
