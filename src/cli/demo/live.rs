//! `demo` without an end: customers keep ordering, nodes keep shipping, a flash sale comes every minute, and the terminal
//! shows it until Ctrl-C.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::network::{FLASH_NODES, FLASH_SKU, Network};
use super::shop::{Counted, Shopper, deliver, fine, flash_sale};
use super::stage::Stage;
use super::{ADDRESS, FLASH_UNITS};
use crate::cli::Stop;
use crate::cli::serve::told_to_stop;

/// Customers who keep ordering.
const CUSTOMERS: u64 = 12;
const BUYERS: u64 = 64;
/// Longest pause of a customer between two orders.
const PAUSE_MS_MAX: u64 = 800;
/// From the start, and from one flash sale to the next.
const SALE_EVERY: Duration = Duration::from_secs(60);
const FIRST_SALE_AFTER: Duration = Duration::from_secs(8);
const REDRAW_EVERY: Duration = Duration::from_millis(250);
/// Without a terminal to redraw, how often a line is written.
const TELL_EVERY: Duration = Duration::from_secs(2);
const NEWS_SHOWN: usize = 8;

/// What is shown.
struct Board {
    counted: Counted,
    news: Mutex<VecDeque<String>>,
    /// The last news of the flash sale, for a reader without a terminal.
    loud: Mutex<Option<String>>,
    began: Instant,
}

/// Runs until told to stop.
pub fn show(runtime: &Runtime, network: &Network, folder: &Path, listen: Option<SocketAddr>) -> Result<(), Stop> {
    let stage = Stage::open(runtime, folder, listen, Some(ADDRESS))?;
    let shown = runtime.block_on(run(&stage, network));
    println!("\nstopping");
    stage.close(runtime)?;
    shown
}

async fn run(stage: &Stage, network: &Network) -> Result<(), Stop> {
    let no_signals = || Stop::file("signals cannot be heard");
    let interrupted = signal(SignalKind::interrupt()).map_err(no_signals())?;
    let terminated = signal(SignalKind::terminate()).map_err(no_signals())?;
    if stage.ordain().pipeline().engine().catalogue(|catalogue| catalogue.items().is_empty()) {
        println!("importing a network …");
        let [nodes, items, cells] = stage.import(network, 0).await?;
        println!("{nodes} nodes, {items} items, {cells} counts");
    }
    let board =
        Board { counted: Counted::default(), news: Mutex::default(), loud: Mutex::default(), began: Instant::now() };
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let run = u64::try_from(since.as_millis()).unwrap_or(0);
    let customers = (1..=CUSTOMERS).map(|number| keep_ordering(stage, network, &board, run, number));
    tokio::select! {
        ended = futures_util::future::try_join_all(customers) => ended.map(drop),
        ended = keep_shipping(stage, &board) => ended,
        ended = keep_selling_out(stage, network, &board, run) => ended,
        () = keep_drawing(stage, &board) => Ok(()),
        () = told_to_stop(interrupted, terminated) => Ok(()),
    }
}

impl Board {
    /// News that is told without a terminal too.
    fn announce(&self, news: String) {
        *self.loud.lock() = Some(news.clone());
        self.tell(news);
    }

    fn tell(&self, news: String) {
        let mut told = self.news.lock();
        told.push_back(news);
        if told.len() > NEWS_SHOWN {
            told.pop_front();
        }
    }
}

async fn keep_ordering(stage: &Stage, network: &Network, board: &Board, run: u64, number: u64) -> Result<(), Stop> {
    let mut shopper = Shopper::new(stage.client(), network, &board.counted, run, number);
    let mut pause = super::chance::Chance::of(run).part(1_000_000 + number);
    loop {
        sleep(Duration::from_millis(pause.below(PAUSE_MS_MAX))).await;
        let (order, city) = shopper.shop().await?;
        let nodes: Vec<&str> = order["fulfillment_orders"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|fulfillment| fulfillment["node"].as_str())
            .collect();
        let from = if nodes.is_empty() { "waits for stock".to_owned() } else { format!("from {}", nodes.join(" + ")) };
        let id = order["id"].as_str().unwrap_or_default();
        board.tell(format!("{id}  to {city:<16} {from}"));
    }
}

/// The nodes: take on what was handed to them and carry it through.
async fn keep_shipping(stage: &Stage, board: &Board) -> Result<(), Stop> {
    let client = stage.client();
    loop {
        sleep(Duration::from_millis(400)).await;
        let list = client.get("/v1/fulfillment-orders?status=submitted&limit=40").await?;
        let list = fine("the list of fulfilment orders", list)?;
        let ids = list["items"].as_array().into_iter().flatten().filter_map(|f| f["id"].as_str());
        let work = ids.map(|id| deliver(client, &board.counted, id));
        futures_util::future::try_join_all(work).await?;
    }
}

/// Receives the units of a flash sale and lets the buyers in, again and again.
async fn keep_selling_out(stage: &Stage, network: &Network, board: &Board, run: u64) -> Result<(), Stop> {
    sleep(FIRST_SALE_AFTER).await;
    for sale in 0u64.. {
        let share = FLASH_UNITS / FLASH_NODES.len() as u64;
        let rest = FLASH_UNITS % FLASH_NODES.len() as u64;
        let received = |(at, node): (usize, &&str)| {
            let delta = share + if at == 0 { rest } else { 0 };
            json!({"sku": FLASH_SKU, "node": node, "delta": delta, "reason": "received"})
        };
        let adjustments: Vec<Value> = FLASH_NODES.iter().enumerate().map(received).collect();
        let body = json!({"adjustments": adjustments});
        fine("a receipt", stage.client().post("/v1/stock/adjustments", &body).await?)?;
        board.announce(format!("FLASH SALE: {FLASH_UNITS} units of {FLASH_SKU}, {BUYERS} buyers at once"));
        let sold = flash_sale(stage.client(), network, &board.counted, run + sale, BUYERS).await?;
        board.announce(format!(
            "SOLD OUT: {} of {FLASH_UNITS} sold in {:.1?}; {} let go again, {} refused",
            sold.sold, sold.took, sold.released, sold.refused
        ));
        sleep(SALE_EVERY).await;
    }
    Ok(())
}

async fn keep_drawing(stage: &Stage, board: &Board) {
    let is_terminal = std::io::stdout().is_terminal();
    let mut drawn = 0;
    loop {
        let lines = picture(stage, board);
        let mut out = std::io::stdout().lock();
        // Nobody looks any more when this fails, and the demo goes on serving.
        let _ = if is_terminal {
            let up = if drawn == 0 { String::new() } else { format!("\x1b[{drawn}A\x1b[J") };
            drawn = lines.len();
            writeln!(out, "{up}{}", lines.join("\n"))
        } else {
            let loud = board.loud.lock().take().map_or_else(String::new, |news| format!("{news}\n"));
            let address = if drawn == 0 { format!("{}\n", lines[0]) } else { String::new() };
            drawn = 1;
            writeln!(out, "{address}{loud}{}", lines[2])
        };
        drop(out);
        sleep(if is_terminal { REDRAW_EVERY } else { TELL_EVERY }).await;
    }
}

fn picture(stage: &Stage, board: &Board) -> Vec<String> {
    let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let counted = &board.counted;
    let (orders, seconds) = (of(&counted.orders), board.began.elapsed().as_secs_f64());
    let url = stage.client().url();
    let mut lines = vec![
        format!("Ordain at {url}   API: {url}/docs   metrics: {url}/metrics   Ctrl-C stops"),
        String::new(),
        format!(
            "{orders} orders ({:.0} a second), {} from several nodes, {} waiting for stock, {} deliveries, {} units sold \
             in flash sales",
            orders as f64 / seconds.max(0.1),
            of(&counted.split),
            of(&counted.waiting),
            of(&counted.delivered),
            of(&counted.flash_sold)
        ),
    ];
    let mut by_status: Vec<_> = stage.ordain().views().orders().by_status().into_iter().collect();
    by_status.sort_unstable_by_key(|(_, count)| std::cmp::Reverse(*count));
    let most = by_status.first().map_or(1, |(_, count)| (*count).max(1));
    for (status, count) in by_status {
        let bar = "█".repeat((count * 40 / most) as usize);
        lines.push(format!("  {:<20} {count:>7} {bar}", status.word()));
    }
    let left = stage.ordain().atp(FLASH_SKU, None).map_or(0, |atp| atp.available);
    let bar = "▒".repeat((left.min(FLASH_UNITS) * 40 / FLASH_UNITS) as usize);
    lines.push(format!("  {:<20} {left:>7} {bar}", "flash sale, left"));
    lines.push(String::new());
    lines.extend(board.news.lock().iter().cloned());
    lines
}
