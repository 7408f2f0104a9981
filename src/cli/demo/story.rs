//! `demo --once`: a story with an end, told line by line, in under half a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::network::{FLASH_SKU, Network};
use super::shop::{Counted, Sale, Shopper, deliver, flash_sale};
use super::stage::Stage;
use super::{FLASH_UNITS, back, life, rules, supplier, ways};
use crate::app::Failure;
use crate::cli::Stop;
use crate::domain::stock::Level;
use crate::journal::{self, Look};

const CUSTOMERS: u64 = 400;
const AT_ONCE: usize = 64;
const BUYERS: u64 = 64;
const LOSERS_TOLD: usize = 6;

/// What must be the same after a restart.
#[derive(Debug, PartialEq, Eq)]
struct Picture {
    levels: BTreeMap<String, Vec<(String, Level)>>,
    orders: BTreeMap<&'static str, u64>,
}

/// Plays the story.
pub fn play(runtime: &Runtime, network: &Network, folder: &Path, listen: Option<SocketAddr>) -> Result<(), Stop> {
    let counted = Counted::default();
    let stage = Stage::open(runtime, folder, listen, None)?;
    println!("Ordain serves {} from {}", stage.client().url(), folder.display());
    if stage.ordain().pipeline().engine().catalogue(|catalogue| !catalogue.items().is_empty()) {
        stage.close(runtime)?;
        return Err(Stop::Unexpected(format!("the story begins with an empty directory, not {}", folder.display())));
    }
    let told = runtime.block_on(async {
        import(&stage, network).await?;
        nearest(&stage, network, &counted).await?;
        split(&stage, network, &counted).await?;
        life::edit(&stage, network, &counted).await?;
        life::late_supply(&stage, network, &counted).await?;
        life::just_in_time(&stage, network, &counted).await?;
        life::outage(&stage, network, &counted).await?;
        life::transfer(&stage, network).await?;
        life::history(&stage, network, &counted).await?;
        back::returns(&stage, network, &counted).await?;
        supplier::dropship(&stage, network, &counted).await?;
        ways::each(&stage, network, &counted).await?;
        ways::waves(&stage, network, &counted).await?;
        many(&stage, network, &counted).await?;
        rules::rules(&stage, network, &counted).await?;
        rush(&stage, network, &counted).await
    });
    let sale = match told {
        Ok(sale) => sale,
        Err(stop) => {
            stage.close(runtime)?;
            return Err(stop);
        }
    };
    if sale.sold != FLASH_UNITS {
        return Err(Stop::Unexpected(format!("{} units were sold of {FLASH_UNITS}", sale.sold)));
    }
    restart(runtime, stage, network, folder, listen)
}

pub fn chapter(text: &str) {
    println!("\n── {text}");
}

async fn import(stage: &Stage, network: &Network) -> Result<(), Stop> {
    chapter("A merchant imports nodes, items and stock");
    let began = Instant::now();
    let [nodes, items, cells] = stage.import(network, FLASH_UNITS).await?;
    let took = began.elapsed();
    println!("   {nodes} nodes, {items} items, {cells} counts in {took:.1?}, each of them on disk when answered");
    Ok(())
}

async fn nearest(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("A customer orders, and the cheapest node serves");
    let mut shopper = Shopper::new(stage.client(), network, counted, 1, 1);
    let sku = network.products().next().unwrap_or_default();
    let (order, city) = shopper.order(&[(sku, 1)], None);
    let placed = shopper.place(&order).await?;
    println!("   1 × {sku} to {city}");
    tell_decision(&placed);
    Ok(())
}

async fn split(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter("Another orders what no single node has");
    let mut at: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (sku, node, _) in network.stock(0) {
        at.entry(sku).or_default().insert(node);
    }
    // The pair with no node in common is drawn from the network, so it is the same for a seed.
    let apart = at.iter().find_map(|(first, here)| {
        let (second, _) = at.iter().find(|(second, there)| *second != first && here.is_disjoint(there))?;
        Some((first.clone(), second.clone()))
    });
    let Some((first, second)) = apart else {
        println!("   in this network every pair of items stands somewhere together");
        return Ok(());
    };
    let mut shopper = Shopper::new(stage.client(), network, counted, 1, 2);
    let (order, city) = shopper.order(&[(&first, 1), (&second, 1)], None);
    let placed = shopper.place(&order).await?;
    println!("   1 × {first} and 1 × {second} to {city}");
    tell_decision(&placed);
    Ok(())
}

/// The plan, its cost, and why the others lost.
fn tell_decision(order: &Value) {
    let decision = &order["decision"];
    let each = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let dollars = |amount: &Value| format!("{:.2}", amount.as_i64().unwrap_or(0) as f64 / 100.0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for assignment in each(&decision["assignments"]) {
        let lines = each(&assignment["lines"]);
        let skus: Vec<_> = lines.iter().map(|line| format!("{} × {}", line["quantity"], text(&line["sku"]))).collect();
        println!("   → {:<16} {:>6} $   {}", text(&assignment["node"]), dollars(&assignment["cost"]), skus.join(", "));
    }
    let terms: Vec<_> = each(&decision["terms"])
        .iter()
        .map(|term| format!("{} {} $", text(&term["name"]).replace('_', " "), dollars(&term["amount"])))
        .collect();
    let proven = if decision["optimal"] == true { "proven best" } else { "not proven best" };
    println!("   cost {} $ ({}), {proven}", dollars(&decision["cost"]["amount"]), terms.join(", "));
    let mut rejected = each(&decision["rejected"]);
    // Nearest first as they come; those that had something are told before those that had nothing.
    rejected.sort_by_key(|loser| loser["reason"] == "no_stock");
    for loser in rejected.iter().take(LOSERS_TOLD) {
        println!("   ✗ {:<16} {:<14} {}", text(&loser["node"]), text(&loser["reason"]), text(&loser["detail"]));
    }
    let count = decision["rejected_count"].as_u64().unwrap_or(rejected.len() as u64);
    let more = count.saturating_sub(LOSERS_TOLD as u64);
    if more > 0 {
        println!("   … and {more} more, each with its reason, under /v1/orders/{}/decision", text(&order["id"]));
    }
}

async fn many(stage: &Stage, network: &Network, counted: &Counted) -> Result<(), Stop> {
    chapter(&format!("{CUSTOMERS} customers order, {AT_ONCE} at a time, and every order is delivered"));
    let client = stage.client();
    let began = Instant::now();
    let orders = (10..10 + CUSTOMERS).map(|number| async move {
        let began = Instant::now();
        let (placed, _) = Shopper::new(client, network, counted, 1, number).shop().await?;
        Ok::<_, Stop>((began.elapsed(), placed))
    });
    let placed: Vec<_> = stream::iter(orders).buffer_unordered(AT_ONCE).collect().await;
    let placed: Vec<(Duration, Value)> = placed.into_iter().collect::<Result<_, _>>()?;
    let took = began.elapsed();
    let mut times: Vec<Duration> = placed.iter().map(|(time, _)| *time).collect();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let rate = CUSTOMERS as f64 / took.as_secs_f64();
    println!("   placed in {took:.1?}: {rate:.0} orders a second, p50 {:.1?}, p99 {:.1?}", at(50), at(99));

    let ids = placed.iter().flat_map(|(_, order)| order["fulfillment_orders"].as_array().into_iter().flatten());
    let ids: Vec<String> = ids.filter_map(|f| Some(f["id"].as_str()?.to_owned())).collect();
    let began = Instant::now();
    let work = ids.iter().map(|id| deliver(client, counted, id));
    let done: Vec<_> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
    done.into_iter().collect::<Result<(), _>>()?;
    let split = counted.split.load(std::sync::atomic::Ordering::Relaxed);
    println!(
        "   {} fulfilment orders accepted, picked, packed, shipped, delivered in {:.1?}",
        ids.len(),
        began.elapsed()
    );
    println!("   {split} orders so far came from several nodes");
    Ok(())
}

async fn rush(stage: &Stage, network: &Network, counted: &Counted) -> Result<Sale, Stop> {
    chapter(&format!("Flash sale: {FLASH_UNITS} units of {FLASH_SKU}, {BUYERS} buyers at once"));
    let sale = flash_sale(stage.client(), network, counted, 1, BUYERS).await?;
    let left = stage.ordain().atp(FLASH_SKU, None).map_or(0, |atp| atp.available);
    println!("   {} reservations were let go again, {} refusals told what was left", sale.released, sale.refused);
    println!("   sold {}, left {left}, stock was {FLASH_UNITS}, in {:.1?}", sale.sold, sale.took);
    Ok(sale)
}

fn restart(
    runtime: &Runtime,
    stage: Stage,
    network: &Network,
    folder: &Path,
    listen: Option<SocketAddr>,
) -> Result<(), Stop> {
    chapter("The server stops, the directory is checked, the server starts again");
    let before = picture(runtime, &stage, network);
    stage.close(runtime)?;
    let hash_before = check(folder)?;
    let began = Instant::now();
    let stage = Stage::open(runtime, folder, listen, None)?;
    let took = began.elapsed();
    let after = picture(runtime, &stage, network);
    stage.close(runtime)?;
    let hash_after = check(folder)?;
    let cells: usize = after.levels.values().map(Vec::len).sum();
    let levels = after.levels.values().flatten();
    let broken = levels.filter(|(_, level)| level.check().is_err()).count();
    println!("   open again after {took:.1?}");
    println!("   state before {hash_before:032x}\n   state after  {hash_after:032x}");
    println!("   {cells} cells, identity broken in {broken}; {} orders", after.orders.values().sum::<u64>());
    for (status, count) in &after.orders {
        println!("      {count:>6} {status}");
    }
    if before != after || hash_before != hash_after || broken > 0 {
        return Err(Stop::Unexpected("the state after the restart is not the state before it".to_owned()));
    }
    println!("   same state");
    Ok(())
}

fn picture(runtime: &Runtime, stage: &Stage, network: &Network) -> Picture {
    let ordain = stage.ordain();
    let journal = ordain.pipeline().journal();
    runtime.block_on(ordain.views().reached(journal.durable_seq()));
    let level = |sku: &str| {
        let nodes = ordain.stock(sku).map(|view| view.nodes).unwrap_or_default();
        (sku.to_owned(), nodes.into_iter().map(|(node, level)| (node.to_string(), level)).collect())
    };
    let by_status = ordain.views().orders().by_status();
    Picture {
        levels: network.products().chain([FLASH_SKU]).map(level).collect(),
        orders: by_status.into_iter().map(|(status, count)| (status.word(), count)).collect(),
    }
}

/// Hash of the state of a closed directory; an error when it is damaged.
fn check(folder: &Path) -> Result<u128, Stop> {
    let scratch = std::env::temp_dir().join(format!("ordain-demo-check-{}", std::process::id()));
    let report = journal::check(&Look { root: folder, scratch: &scratch, verifier: None }).map_err(Failure::from)?;
    match (report.findings.first(), report.state_hash) {
        (None, Some(hash)) => Ok(hash),
        (finding, _) => Err(Stop::Unexpected(format!("the directory is damaged: {finding:?}"))),
    }
}
